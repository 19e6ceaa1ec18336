//! A temporal convolutional network that reads a trace as it arrives.

use super::{CausalConv, CausalConvState};
use crate::Result;
use eir_core::error::{Mismatch, Parameter};

/// One block of a [`Tcn`]: two causal convolutions, each followed by max(0, ·), and what goes past them.
#[derive(Debug, Clone, PartialEq)]
pub struct TcnBlock {
    first: CausalConv,
    second: CausalConv,
    past: Option<CausalConv>,
}

impl TcnBlock {
    /// `past` is a convolution of one tap that brings the input to the block's width; none where they are equal.
    ///
    /// # Errors
    /// [`Mismatch`] for channels that do not fit, [`Parameter`] for a `past` of more than one tap.
    pub fn new(first: CausalConv, second: CausalConv, past: Option<CausalConv>) -> Result<Self> {
        Mismatch::check("channels between the layers", first.outputs(), second.inputs())?;
        let around = match &past {
            Some(past) => {
                Mismatch::check("channels past the block", first.inputs(), past.inputs())?;
                if past.receptive_field() != 1 {
                    let taps = past.receptive_field() as f64;
                    return Err(Parameter::new("samples that go past the block", taps, "1").into());
                }
                past.outputs()
            }
            None => first.inputs(),
        };
        Mismatch::check("channels behind the block", second.outputs(), around)?;
        Ok(Self { first, second, past })
    }
}

/// A temporal convolutional network: blocks whose dilation usually doubles, so that each output sees a long past.
///
/// **Use it** to run trained weights on a trace of any length: at 1 Hz eight blocks of kernel 3 see 17 min. Memory is
/// bounded by the past that the layers need and the piece that is given; four hours in pieces of a minute need no more
/// than one minute. **Not** to train.
///
/// # Formula
/// `y = max(0, x' + max(0, c₂ * max(0, c₁ * x)))` for each block, with x' the input, brought to the block's width where it
/// has another.
///
/// # Examples
/// ```
/// use eir_signal::models::{CausalConv, Tcn, TcnBlock};
/// let same = |dilation| CausalConv::new(1, 1, 3, dilation, &[0.0, 0.0, 1.0], &[0.0]);
/// let blocks = [1, 2, 4].map(|d| Ok(TcnBlock::new(same(d)?, same(d)?, None)?));
/// let tcn = Tcn::new(blocks.into_iter().collect::<Result<_, eir_signal::Error>>()?)?;
/// assert_eq!(tcn.forward(&[1.0, -1.0])?, [8.0, 0.0]);
/// assert_eq!(tcn.receptive_field(), 29);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Mismatch`] for blocks or a trace that do not fit, [`Parameter`] without a block.
///
/// # Validation
/// Its layer is within 2e-5 of the same arithmetic in NumPy (`models.json`); pieces of any size give the bits of the
/// whole.
///
/// # References
/// Bai, Kolter, Koltun 2018, arXiv:1803.01271.
#[derive(Debug, Clone, PartialEq)]
pub struct Tcn {
    blocks: Vec<TcnBlock>,
}

/// What a [`Tcn`] remembers between pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct TcnState {
    blocks: Vec<(CausalConvState, CausalConvState, Option<CausalConvState>)>,
    buffers: [Vec<f32>; 3],
}

impl Tcn {
    /// A network of these blocks, the first first.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn new(blocks: Vec<TcnBlock>) -> Result<Self> {
        if blocks.is_empty() {
            return Err(Parameter::new("blocks", 0.0, "at least 1").into());
        }
        for pair in blocks.windows(2) {
            Mismatch::check("channels between blocks", pair[0].second.outputs(), pair[1].first.inputs())?;
        }
        Ok(Self { blocks })
    }

    /// Channels of the input.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.blocks.first().map_or(0, |b| b.first.inputs())
    }

    /// Channels of the output.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.blocks.last().map_or(0, |b| b.second.outputs())
    }

    /// Samples that one output depends on.
    #[must_use]
    pub fn receptive_field(&self) -> usize {
        let reach = |b: &TcnBlock| b.first.receptive_field() + b.second.receptive_field() - 2;
        1 + self.blocks.iter().map(reach).sum::<usize>()
    }

    /// A state before the first sample.
    #[must_use]
    pub fn start(&self) -> TcnState {
        let of = |b: &TcnBlock| (b.first.start(), b.second.start(), b.past.as_ref().map(CausalConv::start));
        TcnState { blocks: self.blocks.iter().map(of).collect(), buffers: Default::default() }
    }

    /// The output for a whole trace, channel after channel as the input is.
    ///
    /// # Errors
    /// [`Mismatch`] unless all channels are equally long.
    pub fn forward(&self, x: &[f32]) -> Result<Vec<f32>> {
        let mut y = vec![0.0; x.len() / self.inputs().max(1) * self.outputs()];
        self.push(&mut self.start(), x, &mut y)?;
        Ok(y)
    }

    /// The output for the next piece of a trace, into `y`: allocates nothing once a piece of that size has been seen.
    ///
    /// # Errors
    /// [`Mismatch`] unless all channels are equally long, `y` has a place for each output and the state is this
    /// network's.
    pub fn push(&self, state: &mut TcnState, x: &[f32], y: &mut [f32]) -> Result<()> {
        let inputs = self.inputs().max(1);
        Mismatch::check("numbers in the last sample", 0, x.len() % inputs)?;
        let steps = x.len() / inputs;
        Mismatch::check("places for outputs", steps * self.outputs(), y.len())?;
        Mismatch::check("blocks of the state", self.blocks.len(), state.blocks.len())?;
        let [now, middle, next] = &mut state.buffers;
        now.clear();
        now.extend_from_slice(x);
        for (block, (first, second, past)) in self.blocks.iter().zip(&mut state.blocks) {
            middle.resize(steps * block.first.outputs(), 0.0);
            block.first.push(first, now, middle)?;
            middle.iter_mut().for_each(|v| *v = v.max(0.0));
            next.resize(steps * block.second.outputs(), 0.0);
            block.second.push(second, middle, next)?;
            next.iter_mut().for_each(|v| *v = v.max(0.0));
            if let (Some(layer), Some(past)) = (&block.past, past) {
                middle.resize(steps * layer.outputs(), 0.0);
                layer.push(past, now, middle)?;
                std::mem::swap(now, middle);
            }
            next.iter_mut().zip(now.iter()).for_each(|(y, x)| *y = (*y + x).max(0.0));
            std::mem::swap(now, next);
        }
        y.copy_from_slice(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(n: usize, step: f32) -> Vec<f32> {
        (0..n).map(|i| 0.5 * (i as f32 * step).sin()).collect()
    }

    fn network() -> Tcn {
        let layer = |i, o, d| CausalConv::new(i, o, 3, d, &waves(i * o * 3, 0.7 + d as f32), &waves(o, 1.3)).unwrap();
        let past = CausalConv::new(2, 4, 1, 1, &waves(8, 0.9), &waves(4, 0.4)).unwrap();
        let first = TcnBlock::new(layer(2, 4, 1), layer(4, 4, 1), Some(past)).unwrap();
        let rest = [2, 4].map(|d| TcnBlock::new(layer(4, 4, d), layer(4, 4, d), None).unwrap());
        Tcn::new([first].into_iter().chain(rest).collect()).unwrap()
    }

    #[test]
    fn pieces_give_the_bits_of_the_whole() {
        let (tcn, steps) = (network(), 200);
        assert_eq!((tcn.receptive_field(), tcn.inputs(), tcn.outputs()), (29, 2, 4));
        let x = waves(2 * steps, 0.21);
        let whole = tcn.forward(&x).unwrap();
        assert!(whole.iter().any(|v| *v > 0.0));
        for size in [1, 13, 200] {
            let (mut state, mut found) = (tcn.start(), vec![0.0; 4 * steps]);
            for from in (0..steps).step_by(size) {
                let to = (from + size).min(steps);
                let piece = [&x[from..to], &x[steps + from..steps + to]].concat();
                let mut y = vec![0.0; 4 * (to - from)];
                tcn.push(&mut state, &piece, &mut y).unwrap();
                for (o, part) in y.chunks_exact(to - from).enumerate() {
                    found[o * steps + from..o * steps + to].copy_from_slice(part);
                }
            }
            assert_eq!(found, whole);
        }
    }

    #[test]
    fn an_output_depends_on_its_past_only() {
        let tcn = network();
        let mut x = waves(400, 0.21);
        let before = tcn.forward(&x).unwrap();
        // one sample of the first channel
        x[100] += 1.0;
        let after = tcn.forward(&x).unwrap();
        let reach = tcn.receptive_field();
        for (now, then) in after.chunks_exact(200).zip(before.chunks_exact(200)) {
            assert_eq!(now[..100], then[..100]);
            assert_eq!(now[100 + reach..], then[100 + reach..]);
        }
        assert_ne!(after, before);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let layer = |i, o| CausalConv::new(i, o, 2, 1, &vec![0.1; i * o * 2], &vec![0.0; o]).unwrap();
        assert!(TcnBlock::new(layer(1, 2), layer(1, 2), None).is_err());
        assert!(TcnBlock::new(layer(1, 2), layer(2, 2), None).is_err());
        assert!(TcnBlock::new(layer(1, 2), layer(2, 2), Some(layer(1, 2))).is_err());
        assert!(Tcn::new(Vec::new()).is_err());
        let block = |c| TcnBlock::new(layer(c, c), layer(c, c), None).unwrap();
        assert!(Tcn::new(vec![block(1), block(2)]).is_err());
        let two = Tcn::new(vec![block(2)]).unwrap();
        assert!(two.forward(&[1.0; 3]).is_err());
        assert!(two.push(&mut Tcn::new(vec![block(1)]).unwrap().start(), &[1.0; 2], &mut [0.0; 2]).is_err());
        assert!(two.forward(&[]).unwrap().is_empty());
    }
}
