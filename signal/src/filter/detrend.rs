//! Taking a trend out of a signal.

use super::kernel::{check, check_f32, narrow, wide};
use crate::Result;
use eir_core::error::{Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Takes the straight line of least squares out of `x`.
///
/// # Errors
/// As [`DetrendConfig::detrend`].
pub fn detrend(x: &[f32]) -> Result<Vec<f32>> {
    DetrendConfig::default().detrend(x)
}

/// What is taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Trend {
    /// The mean.
    Constant,
    /// The straight line of least squares. The default.
    #[default]
    Linear,
}

/// Settings for taking a trend out of a signal.
///
/// **Use it** before a spectrum, or where a signal drifts as a whole. **Not** for a baseline that wanders (a high-pass).
///
/// # Formula
/// In each stretch between breaks, `y = x - x̄ - s (t - t̄)`, `s = Σ (t - t̄)(x - x̄) / Σ (t - t̄)²` (`s = 0` for a constant).
///
/// # Examples
/// ```
/// use eir_signal::filter::DetrendConfig;
/// let roof: Vec<f64> = (0..100).map(|i| f64::from(if i < 50 { i } else { 100 - i })).collect();
/// let flat = DetrendConfig::default().with_breaks(vec![50]).detrend_f64(&roof)?;
/// assert!(flat.iter().all(|v| v.abs() < 1e-12));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `detrend` within 1e-9 of the largest value on the golden set, and with breaks within 1e-13 (SciPy
/// takes breaks with a line only).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DetrendConfig {
    /// What is taken out. Default [`Trend::Linear`].
    pub trend: Trend,
    /// Samples at which a new stretch begins, in any order; each at most the signal's length. Default none.
    pub breaks: Vec<usize>,
}

impl DetrendConfig {
    /// Settings for this trend, without breaks.
    #[must_use]
    pub fn new(trend: Trend) -> Self {
        Self { trend, breaks: Vec::new() }
    }
    /// Sets [`trend`](Self::trend).
    #[must_use]
    pub fn with_trend(self, trend: Trend) -> Self {
        Self { trend, ..self }
    }
    /// Sets [`breaks`](Self::breaks).
    #[must_use]
    pub fn with_breaks(self, breaks: Vec<usize>) -> Self {
        Self { breaks, ..self }
    }

    /// Takes the trend out of `x`.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, [`NotFinite`](eir_core::error::NotFinite) if it has a gap, [`Parameter`] if a break
    /// lies behind its end.
    pub fn detrend(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        Ok(narrow(&self.detrend_f64(&wide(x))?))
    }

    /// As [`detrend`](Self::detrend), in full precision.
    ///
    /// # Errors
    /// As `detrend`.
    pub fn detrend_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = x.to_vec();
        self.detrend_in_place(&mut y)?;
        Ok(y)
    }

    /// As [`detrend_f64`](Self::detrend_f64), in place; allocates nothing but a list of the breaks, if there are any.
    ///
    /// # Errors
    /// As `detrend`.
    pub fn detrend_in_place(&self, x: &mut [f64]) -> Result<()> {
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        check(x)?;
        let mut breaks = self.breaks.clone();
        breaks.sort_unstable();
        if let Some(beyond) = breaks.last().filter(|b| **b > x.len()) {
            return Err(Parameter::new("breaks", *beyond as f64, "at most the number of samples").into());
        }
        let (mut rest, mut start) = (x, 0);
        for end in breaks {
            let (stretch, later) = rest.split_at_mut(end - start);
            self.stretch(stretch);
            (rest, start) = (later, end);
        }
        self.stretch(rest);
        Ok(())
    }

    fn stretch(&self, x: &mut [f64]) {
        let n = x.len() as f64;
        let mean = sum(x, |_, v| v) / n;
        if self.trend == Trend::Constant || x.len() < 2 {
            x.iter_mut().for_each(|v| *v -= mean);
            return;
        }
        // Σ (t - t̄)² = n (n² - 1) / 12
        let middle = (n - 1.0) / 2.0;
        let slope = sum(x, |t, v| (t - middle) * (v - mean)) / (n * (n * n - 1.0) / 12.0);
        for (v, t) in x.iter_mut().zip(0u32..) {
            *v -= mean + slope * (f64::from(t) - middle);
        }
    }
}

/// `Σ f(t, x[t])` in eight sums over blocks: fast, and its error does not grow with the length.
fn sum(x: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    const BLOCK: usize = 1024;
    x.chunks(BLOCK)
        .enumerate()
        .map(|(i, block)| {
            let start = (i * BLOCK) as f64;
            let mut sums = [0.0; 8];
            for (part, t) in block.chunks(8).zip(0u32..) {
                for ((sum, v), lane) in sums.iter_mut().zip(part).zip(0u32..) {
                    *sum += f(start + f64::from(8 * t + lane), *v);
                }
            }
            sums.iter().sum::<f64>()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_split_the_signal() {
        let x = [1.0, 1.0, 1.0, 5.0, 5.0, 9.0];
        let constant = DetrendConfig::new(Trend::Constant);
        let got = constant.clone().with_breaks(vec![5, 3, 3]).detrend_f64(&x).unwrap();
        assert_eq!(got, [0.0; 6]);
        assert_eq!(
            constant.clone().with_breaks(vec![0, 6]).detrend_f64(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]).unwrap()[0],
            -1.0
        );
        assert!(constant.with_breaks(vec![7]).detrend_f64(&x).is_err());
        assert_eq!(DetrendConfig::default().detrend_f64(&[3.0]).unwrap(), [0.0]);
        assert!(detrend(&[]).is_err());
        assert!(detrend(&[1.0, f32::NAN]).is_err());
    }

    #[test]
    fn a_line_leaves_nothing() {
        let x: Vec<f64> = (0..100_000).map(|i| 1e3 - 0.25 * f64::from(i)).collect();
        let y = DetrendConfig::default().detrend_f64(&x).unwrap();
        assert!(y.iter().all(|v| v.abs() < 1e-9));
    }
}
