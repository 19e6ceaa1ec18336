//! Higuchi's fractal dimension.

use super::{Measure, NoAnswer, check, enough, finite, slope};
use crate::Result;
use crate::dispatch::dispatched;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The fractal dimension of the curve `x` after Higuchi, with lags up to 10.
///
/// # Errors
/// As [`HiguchiConfig::of`].
pub fn higuchi_dimension(x: &[f64]) -> Result<f64> {
    HiguchiConfig::default().of(x)
}

/// Settings of Higuchi's fractal dimension.
///
/// **Use it** to measure the roughness of a curve: 1 for a smooth one, 2 for noise. **Not** with lags beyond the length
/// over which the series is self-similar.
///
/// # Formula
/// `−` slope of `ln L(k)` over `ln k`, `k` = 1 to the largest lag; `L(k)` is the mean over the `k` starts of the length
/// of the curve that takes every `k`-th value, scaled to the same number of steps: `Σ|Δ| (n−1)/(⌊(n−start)/k⌋ k²)`.
///
/// # Examples
/// ```
/// let line: Vec<f64> = (0..200).map(f64::from).collect();
/// assert!((eir_signal::entropy::higuchi_dimension(&line)? - 1.0).abs() < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `fractal_higuchi` within 1e-9 on all series of the golden set.
///
/// # References
/// Higuchi 1988, doi:10.1016/0167-2789(88)90081-4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HiguchiConfig {
    /// Largest lag, 2 to 1000. Default 10.
    pub largest_lag: usize,
}

/// Fewest sums that are kept side by side.
const ROW: usize = 64;

impl Default for HiguchiConfig {
    fn default() -> Self {
        Self { largest_lag: 10 }
    }
}

impl HiguchiConfig {
    /// Sets [`largest_lag`](Self::largest_lag).
    #[must_use]
    pub fn with_largest_lag(self, largest_lag: usize) -> Self {
        Self { largest_lag }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(2..=1000).contains(&self.largest_lag) {
            return Err(Parameter::new("largest_lag", self.largest_lag as f64, "2 to 1000").into());
        }
        Ok(())
    }

    /// The dimension of the curve `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer than twice the
    /// largest lag and for a curve that is flat at some lag.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        enough(x, 2 * self.largest_lag)?;
        let n = x.len();
        let lags: Vec<f64> = (1..=self.largest_lag).map(|k| (k as f64).ln()).collect();
        let lengths: Vec<f64> = (1..=self.largest_lag)
            .map(|k| {
                let scaled = path_lengths(x, k).into_iter().zip(1..).map(|(s, start)| {
                    let steps = ((n - start) / k * k) as f64;
                    s * (n as f64 - 1.0) / steps / k as f64
                });
                (scaled.sum::<f64>() / k as f64).ln()
            })
            .collect();
        if lengths.contains(&f64::NEG_INFINITY) {
            return Err(NoAnswer::Constant);
        }
        finite(-slope(&lags, &lengths))
    }
}

/// Sums of `|x[i + lag] − x[i]|`, each by its `i` modulo `lag`.
///
/// All starts at once, in rows of a multiple of the lag that is long enough for the processor's width.
fn path_lengths(x: &[f64], lag: usize) -> Vec<f64> {
    let row = lag * ROW.div_ceil(lag);
    let mut sums = vec![0.0; row];
    let behind = x.get(lag..).unwrap_or_default();
    dispatched(
        #[inline(always)]
        || {
            for (from, to) in x.chunks(row).zip(behind.chunks(row)) {
                sums.iter_mut().zip(from).zip(to).for_each(|((s, a), b)| *s += (b - a).abs());
            }
        },
    );
    let (own, copies) = sums.split_at_mut(lag);
    copies.chunks(lag).for_each(|copy| own.iter_mut().zip(copy).for_each(|(s, v)| *s += v));
    sums.truncate(lag);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_fills_the_plane() {
        let mut state = 3u32;
        let noise: Vec<f64> = (0..5000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state)
            })
            .collect();
        assert!((higuchi_dimension(&noise).unwrap() - 2.0).abs() < 0.02);
    }

    #[test]
    fn rows_of_several_lags_sum_the_same() {
        let x: Vec<f64> = (0..413u32).map(|i| f64::from(i * i % 101)).collect();
        for lag in [1, 2, 3, 7, 63, 64, 65, 200, 413, 500] {
            let mut want = vec![0.0; lag];
            (lag..x.len()).for_each(|i| want[(i - lag) % lag] += (x[i] - x[i - lag]).abs());
            assert_eq!(path_lengths(&x, lag), want, "lag {lag}");
        }
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(higuchi_dimension(&[1.0; 100]).unwrap_err().to_string().contains("do not vary"));
        assert!(higuchi_dimension(&[1.0; 19]).is_err());
        assert!(HiguchiConfig::default().with_largest_lag(1).of(&[1.0; 19]).is_err());
        assert!(higuchi_dimension(&[f64::MAX, f64::MIN].repeat(20)).is_err());
    }
}
