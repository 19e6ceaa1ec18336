//! The moving average (boxcar).

use super::boundary::Boundary;
use super::kernel::{check, check_f32, narrow, through_f64, wide};
use crate::Result;
use eir_core::error::{Mismatch, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// The mean of `window` samples around each, the ends held.
///
/// # Errors
/// As [`MovingAverageConfig::build`] and [`MovingAverage::filter`].
pub fn moving_average(x: &[f32], window: usize) -> Result<Vec<f32>> {
    MovingAverageConfig::new(window).build()?.filter(x)
}

/// Settings of [`MovingAverage`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MovingAverageConfig {
    /// Samples in the mean, 1 to 2²⁰. An even window reaches one sample further back than ahead.
    pub window: usize,
    /// What lies beyond the ends. Default [`Boundary::Nearest`].
    pub boundary: Boundary,
}

impl MovingAverageConfig {
    /// A mean of `window` samples, the ends held.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, boundary: Boundary::Nearest }
    }
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window, ..self }
    }
    /// Sets [`boundary`](Self::boundary).
    #[must_use]
    pub fn with_boundary(self, boundary: Boundary) -> Self {
        Self { boundary, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=1 << 20).contains(&self.window) {
            return Err(Parameter::new("window", self.window as f64, "1 to 1048576").into());
        }
        match self.boundary {
            Boundary::Constant { value } if !value.is_finite() => {
                Err(Parameter::new("value of the boundary", value, "finite").into())
            }
            _ => Ok(()),
        }
    }

    /// Makes the filter.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<MovingAverage> {
        self.validate()?;
        Ok(MovingAverage { config: self })
    }
}

/// A moving average, ready to use: a few additions a sample whatever the window, and no error that grows with the
/// length, as a running sum's does.
///
/// **Use it** for an envelope or a threshold that follows a signal. **Not** as a low-pass: its side lobes are at -13 dB.
///
/// # Formula
/// `y[n] = Σ x[n+i] / w`, `i = -⌊w/2⌋ … w-1-⌊w/2⌋`. The sum is the end of one block of `w` samples and the start of the
/// next, each summed once from where the blocks meet.
///
/// # Examples
/// ```
/// use eir_signal::filter::MovingAverageConfig;
/// let mean = MovingAverageConfig::new(3).build()?;
/// assert_eq!(mean.filter_f64(&[3.0, 6.0, 9.0, 3.0])?, [4.0, 6.0, 6.0, 5.0]);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `ndimage.uniform_filter1d` in all five boundary modes; `tests/filters.rs` says within what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovingAverage {
    config: MovingAverageConfig,
}

impl MovingAverage {
    /// Filters `x`; the result has the same length.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn filter(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        Ok(narrow(&self.filter_f64(&wide(x))?))
    }

    /// As [`filter`](Self::filter), in full precision.
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.filter_into(x, &mut y)?;
        Ok(y)
    }

    /// As [`filter_f64`](Self::filter_f64), into a buffer of the caller's.
    ///
    /// # Errors
    /// As `filter`, and [`Mismatch`] if the buffer has another length.
    pub fn filter_into(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        Mismatch::check("samples and buffer", x.len(), y.len())?;
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        check(x)?;
        let MovingAverageConfig { window, boundary } = self.config;
        let ahead = window - 1 - window / 2;
        let before: Vec<f64> = boundary.before(x, window).collect();
        let mut stream = MovingAverageStream::new(before);
        let first = ahead.min(x.len());
        for v in &x[..first] {
            stream.push(*v);
        }
        // beyond the end of a signal shorter than the window, `ahead` starts there too
        let skipped = ahead - first;
        for v in boundary.after(x, skipped) {
            stream.push(v);
        }
        let kept = x.len() - first;
        y[..kept].copy_from_slice(&x[first..]);
        let behind = boundary.after(x, ahead + x.len()).skip(skipped);
        y[kept..].iter_mut().zip(behind).for_each(|(to, v)| *to = v);
        stream.process(y);
        Ok(())
    }

    /// The same filter for a live signal that was 0 before.
    #[must_use]
    pub fn stream(&self) -> MovingAverageStream {
        self.stream_from(0.0)
    }

    /// The same filter for a live signal that always was `x0`.
    #[must_use]
    pub fn stream_from(&self, x0: f64) -> MovingAverageStream {
        MovingAverageStream::new(vec![x0; self.config.window])
    }
}

/// A [`MovingAverage`] that remembers the last samples: whatever the lengths of the pieces, the result is the same, bit
/// for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct MovingAverageStream {
    /// The samples of this block so far, and behind them what is left of the block before.
    block: Vec<f64>,
    /// Sums of the block before, from each place to its end; then 0.
    sums: Vec<f64>,
    at: usize,
    sum: f64,
    start: Vec<f64>,
}

impl MovingAverageStream {
    fn new(start: Vec<f64>) -> Self {
        let sums = vec![0.0; start.len() + 1];
        let mut stream = Self { block: start.clone(), sums, at: 0, sum: 0.0, start };
        stream.reset();
        stream
    }

    /// By how many samples every wave comes late.
    #[must_use]
    pub fn delay_samples(&self) -> f64 {
        (self.block.len() - 1) as f64 / 2.0
    }

    /// Takes a sample and gives the mean of the last ones.
    pub fn push(&mut self, sample: f64) -> f64 {
        let window = self.block.len();
        self.sum += sample;
        self.block[self.at] = sample;
        self.at += 1;
        let mean = (self.sums[self.at] + self.sum) / window as f64;
        if self.at == window {
            self.turn();
        }
        mean
    }

    /// Filters `x` in place; allocates nothing.
    pub fn process(&mut self, x: &mut [f64]) {
        let window = self.block.len();
        let share = window as f64;
        let mut rest = x;
        while !rest.is_empty() {
            let (part, later) = rest.split_at_mut(rest.len().min(window - self.at));
            let to = self.at + part.len();
            let mut sum = self.sum;
            let old = self.sums[self.at + 1..=to].iter();
            for ((v, kept), old) in part.iter_mut().zip(&mut self.block[self.at..to]).zip(old) {
                *kept = *v;
                sum += *v;
                *v = (old + sum) / share;
            }
            (self.sum, self.at) = (sum, to);
            if to == window {
                self.turn();
            }
            rest = later;
        }
    }

    /// As [`process`](Self::process); the sums are `f64` all the same.
    pub fn process_f32(&mut self, x: &mut [f32]) {
        through_f64(x, |block| self.process(block));
    }

    /// Back to the state in which it was made.
    pub fn reset(&mut self) {
        self.block.copy_from_slice(&self.start);
        self.turn();
    }

    /// A block is full: its sums from the end backwards, and a new one.
    fn turn(&mut self) {
        let mut sum = 0.0;
        for (to, v) in self.sums.iter_mut().zip(&self.block).rev() {
            sum += v;
            *to = sum;
        }
        (self.at, self.sum) = (0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_definition(x: &[f64], window: usize, boundary: Boundary) -> Vec<f64> {
        let from = -((window / 2) as isize);
        let mean = |n: isize| (0..window as isize).map(|i| boundary.at(x, n + from + i)).sum::<f64>() / window as f64;
        (0..x.len() as isize).map(mean).collect()
    }

    #[test]
    fn equals_the_definition_at_every_end() {
        let x: Vec<f64> = (0..50).map(|i| f64::from(i * i % 17)).collect();
        let constant = Boundary::Constant { value: 2.0 };
        for boundary in [Boundary::Reflect, Boundary::Mirror, Boundary::Nearest, Boundary::Wrap, constant] {
            for window in [1, 2, 3, 8, 21, 49, 50, 51, 120] {
                for n in [1, 2, 7, 50] {
                    let filter = MovingAverageConfig::new(window).with_boundary(boundary).build().unwrap();
                    let (got, want) = (filter.filter_f64(&x[..n]).unwrap(), by_definition(&x[..n], window, boundary));
                    let near = got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-12);
                    assert!(near, "{boundary:?} {window} {n}: {got:?} {want:?}");
                }
            }
        }
    }

    #[test]
    fn pieces_give_the_same_bits() {
        let x: Vec<f64> = (0..3000).map(|i| (f64::from(i) * 0.37).sin()).collect();
        for window in [1, 2, 30, 101, 2000] {
            let filter = MovingAverageConfig::new(window).build().unwrap();
            let whole = filter.filter_f64(&x).unwrap();
            let mut stream = filter.stream_from(x[0]);
            for piece in [1, 7, 1000] {
                stream.reset();
                let mut y = x.clone();
                y.chunks_mut(piece).for_each(|c| stream.process(c));
                let ahead = window - 1 - window / 2;
                assert_eq!(y[ahead..], whole[..3000 - ahead], "window {window}, pieces of {piece}");
            }
            stream.reset();
            let single: Vec<f64> = x.iter().map(|v| stream.push(*v)).collect();
            assert_eq!(single[2000..], whole[2000 - (window - 1 - window / 2)..][..1000]);
        }
    }
}
