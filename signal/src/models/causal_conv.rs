//! A convolution that never looks ahead, for traces of any length.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter};

/// A dilated causal convolution over time, with a bias: the layer that temporal convolutional networks are made of.
///
/// **Use it** for a whole trace at once or as it arrives: in pieces of any size it gives the same bits. **Not** to train.
///
/// # Formula
/// `y_o(t) = b_o + Σ_i Σ_k w_oik x_i(t − (K − 1 − k) d)`, with zeros before the first sample.
///
/// # Examples
/// ```
/// use eir_signal::models::CausalConv;
/// // the difference to the sample two before
/// let conv = CausalConv::new(1, 1, 2, 2, &[-1.0, 1.0], &[0.0])?;
/// assert_eq!(conv.forward(&[1.0, 2.0, 4.0, 8.0])?, [1.0, 2.0, 3.0, 6.0]);
/// assert_eq!(conv.receptive_field(), 3);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] for a size of 0, [`Mismatch`] for weights or a trace of the wrong length,
/// [`NotFinite`](eir_core::error::NotFinite) for a weight.
///
/// # Validation
/// Within 2e-5 of the same arithmetic in NumPy (`models.json`).
///
/// # References
/// Bai, Kolter, Koltun 2018, arXiv:1803.01271; Salimans, Kingma 2016 (weight normalisation), arXiv:1602.07868.
#[derive(Debug, Clone, PartialEq)]
pub struct CausalConv {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    dilation: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The samples that a [`CausalConv`] still needs: bounded by its receptive field, whatever the length of the trace.
#[derive(Debug, Clone, PartialEq)]
pub struct CausalConvState {
    /// Channel after channel, the last (kernel − 1) · dilation samples.
    past: Vec<f32>,
    joined: Vec<f32>,
}

impl CausalConv {
    /// From PyTorch's tensors: `weight`, outputs × inputs × kernel, and `bias`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        dilation: usize,
        weight: &[f32],
        bias: &[f32],
    ) -> Result<Self> {
        const MOST: usize = 1 << 20; // keeps products of sizes far from overflow
        for (name, value) in [("inputs", inputs), ("outputs", outputs), ("kernel", kernel), ("dilation", dilation)] {
            if !(1..=MOST).contains(&value) {
                return Err(Parameter::new(name, value as f64, "1 to 2^20").into());
            }
        }
        Mismatch::check("weights of a layer", inputs * outputs * kernel, weight.len())?;
        Mismatch::check("biases of a layer", outputs, bias.len())?;
        NotFinite::check_f32("weight", weight)?;
        NotFinite::check_f32("bias", bias)?;
        Ok(Self { inputs, outputs, kernel, dilation, weight: weight.to_vec(), bias: bias.to_vec() })
    }

    /// As [`new`](Self::new), with weight normalisation: each output's weights are `direction` of length 1, times
    /// `length`.
    ///
    /// # Errors
    /// As `new`, and for a direction of length 0.
    pub fn with_weight_norm(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        dilation: usize,
        direction: &[f32],
        length: &[f32],
        bias: &[f32],
    ) -> Result<Self> {
        Mismatch::check("lengths of the weights", outputs, length.len())?;
        NotFinite::check_f32("length", length)?;
        let mut layer = Self::new(inputs, outputs, kernel, dilation, direction, bias)?;
        for (row, length) in layer.weight.chunks_exact_mut(inputs * kernel).zip(length) {
            let norm = row.iter().map(|w| f64::from(*w) * f64::from(*w)).sum::<f64>().sqrt();
            if norm == 0.0 {
                return Err(Parameter::new("length of a direction", norm, "above 0").into());
            }
            row.iter_mut().for_each(|w| *w = (f64::from(*w) / norm * f64::from(*length)) as f32);
        }
        Ok(layer)
    }

    /// Channels of the input.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Channels of the output.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Samples that one output depends on.
    #[must_use]
    pub fn receptive_field(&self) -> usize {
        self.reach() + 1
    }

    fn reach(&self) -> usize {
        (self.kernel - 1) * self.dilation
    }

    /// A state before the first sample.
    #[must_use]
    pub fn start(&self) -> CausalConvState {
        CausalConvState { past: vec![0.0; self.inputs * self.reach()], joined: Vec::new() }
    }

    /// The output for a whole trace, channel after channel as the input is.
    ///
    /// # Errors
    /// [`Mismatch`] unless all channels are equally long.
    pub fn forward(&self, x: &[f32]) -> Result<Vec<f32>> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        self.push(&mut self.start(), x, &mut y)?;
        Ok(y)
    }

    /// The output for the next piece of a trace, into `y`: allocates nothing once a piece of that size has been seen.
    ///
    /// # Errors
    /// [`Mismatch`] unless all channels are equally long, `y` has a place for each output and the state is this layer's.
    pub fn push(&self, state: &mut CausalConvState, x: &[f32], y: &mut [f32]) -> Result<()> {
        Mismatch::check("numbers in the last sample", 0, x.len() % self.inputs)?;
        let steps = x.len() / self.inputs;
        Mismatch::check("places for outputs", steps * self.outputs, y.len())?;
        let reach = self.reach();
        Mismatch::check("numbers of the state", self.inputs * reach, state.past.len())?;
        if steps == 0 {
            return Ok(());
        }
        let width = reach + steps;
        state.joined.clear();
        for i in 0..self.inputs {
            state.joined.extend_from_slice(&state.past[i * reach..(i + 1) * reach]);
            state.joined.extend_from_slice(&x[i * steps..(i + 1) * steps]);
        }
        // bound by reading and writing whole rows: one multiply and add per load, in vectors
        for ((out, bias), weights) in
            y.chunks_exact_mut(steps).zip(&self.bias).zip(self.weight.chunks_exact(self.inputs * self.kernel))
        {
            out.fill(*bias);
            for (row, taps) in state.joined.chunks_exact(width).zip(weights.chunks_exact(self.kernel)) {
                for (k, w) in taps.iter().enumerate() {
                    let shifted = &row[k * self.dilation..k * self.dilation + steps];
                    out.iter_mut().zip(shifted).for_each(|(y, x)| *y += w * x);
                }
            }
        }
        for (past, row) in state.past.chunks_exact_mut(reach.max(1)).zip(state.joined.chunks_exact(width)) {
            past.copy_from_slice(&row[steps..]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 0.7).sin()).collect()
    }

    #[test]
    fn pieces_of_any_size_give_the_same_bits() {
        let conv = CausalConv::new(2, 3, 3, 4, &waves(18), &[0.1, 0.2, 0.3]).unwrap();
        let (steps, x) = (50, waves(100));
        let whole = conv.forward(&x).unwrap();
        for size in [1, 7, 49] {
            let (mut state, mut found) = (conv.start(), vec![0.0; 150]);
            for from in (0..steps).step_by(size) {
                let to = (from + size).min(steps);
                let piece = [&x[from..to], &x[steps + from..steps + to]].concat();
                let mut y = vec![0.0; 3 * (to - from)];
                conv.push(&mut state, &piece, &mut y).unwrap();
                for (o, part) in y.chunks_exact(to - from).enumerate() {
                    found[o * steps + from..o * steps + to].copy_from_slice(part);
                }
            }
            assert_eq!(found, whole);
        }
    }

    #[test]
    fn the_future_changes_nothing() {
        let conv = CausalConv::new(1, 1, 3, 2, &[0.5, -1.0, 2.0], &[0.0]).unwrap();
        let mut x = waves(40);
        let before = conv.forward(&x).unwrap();
        x[20..].fill(9.0);
        assert_eq!(conv.forward(&x).unwrap()[..20], before[..20]);
    }

    #[test]
    fn weight_norm_sets_the_length_and_bad_shapes_are_errors() {
        let plain = CausalConv::new(1, 1, 2, 1, &[1.2, 1.6], &[0.0]).unwrap();
        assert_eq!(CausalConv::with_weight_norm(1, 1, 2, 1, &[3.0, 4.0], &[2.0], &[0.0]).unwrap(), plain);
        assert!(CausalConv::with_weight_norm(1, 1, 2, 1, &[0.0, 0.0], &[2.0], &[0.0]).is_err());
        assert!(CausalConv::new(1, 1, 0, 1, &[], &[0.0]).is_err());
        assert!(CausalConv::new(1, 1, 2, 1, &[1.0], &[0.0]).is_err());
        let two = CausalConv::new(2, 1, 1, 1, &[1.0, 1.0], &[0.0]).unwrap();
        assert!(two.forward(&[1.0; 3]).is_err());
        assert!(two.push(&mut plain.start(), &[1.0; 2], &mut [0.0]).is_err());
        assert!(two.forward(&[]).unwrap().is_empty());
    }
}
