//! Design of filters with finite response by least squares.

use super::FirFilter;
use super::fir_window::sinc;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The most taps: the normal equations take the cube of their half in work.
const MAX: usize = 2001;

/// A band of frequencies and the gain that is wanted in it, linear between the edges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FirBand {
    /// Lower edge in Hz, from 0.
    pub low_hz: f64,
    /// Upper edge in Hz, above the lower one, to half the rate.
    pub high_hz: f64,
    /// Gain at the lower edge.
    pub low_gain: f64,
    /// Gain at the upper edge.
    pub high_gain: f64,
    /// How much an error in this band counts, above 0. Default 1.
    pub weight: f64,
}

impl FirBand {
    /// A band with the same gain everywhere and weight 1.
    #[must_use]
    pub fn new(low_hz: f64, high_hz: f64, gain: f64) -> Self {
        Self { low_hz, high_hz, low_gain: gain, high_gain: gain, weight: 1.0 }
    }
    /// Sets [`high_gain`](Self::high_gain): the gain is then linear in frequency.
    #[must_use]
    pub fn with_high_gain(self, high_gain: f64) -> Self {
        Self { high_gain, ..self }
    }
    /// Sets [`weight`](Self::weight).
    #[must_use]
    pub fn with_weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }
}

/// Settings of a filter with finite response whose gain is nearest to the wanted one in the mean square.
///
/// **Use it** where the bands and how much each counts are known, and for a gain that is not 0 or 1 (a differentiator's
/// band). **Not** where the largest error must be least (that is Parks-McClellan's).
///
/// # Formula
/// Symmetric taps that make `Σ_bands weight ∫ (H(f) - wanted(f))² df` least: `(Q₁ + Q₂) a = b`, with the Toeplitz and
/// Hankel matrices of `∫ weight cos(πnf) df`. What the bands leave free (wide gaps, many taps) is taken as small as it
/// can be: the solution of least norm.
///
/// # Examples
/// ```
/// use eir_signal::filter::{FirBand, FirLeastSquaresConfig};
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let bands = vec![FirBand::new(0.0, 30.0, 1.0), FirBand::new(40.0, 125.0, 0.0).with_weight(10.0)];
/// let gain = FirLeastSquaresConfig::new(bands, 73).design(rate)?.response(&[10.0, 60.0], rate);
/// assert!((gain[0].norm() - 1.0).abs() < 2e-3 && gain[1].norm() < 2e-4);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Taps equal SciPy 1.17.1 `firls`; `tests/filters.rs` says within what, and on which bands.
///
/// # References
/// Selesnick 2005, *Linear-phase FIR filter design by least squares* (OpenStax CNX); Oppenheim, Schafer, ch. 7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FirLeastSquaresConfig {
    /// The bands, in rising order and without overlap; what lies between them is free.
    pub bands: Vec<FirBand>,
    /// Number of taps, odd, 1 to 2001.
    pub taps: usize,
}

impl FirLeastSquaresConfig {
    /// A filter of `taps` for these bands.
    #[must_use]
    pub fn new(bands: Vec<FirBand>, taps: usize) -> Self {
        Self { bands, taps }
    }
    /// Sets [`bands`](Self::bands).
    #[must_use]
    pub fn with_bands(self, bands: Vec<FirBand>) -> Self {
        Self { bands, ..self }
    }
    /// Sets [`taps`](Self::taps).
    #[must_use]
    pub fn with_taps(self, taps: usize) -> Self {
        Self { taps, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.taps.is_multiple_of(2) || self.taps > MAX {
            return Err(Parameter::new("taps", self.taps as f64, "odd, 1 to 2001").into());
        }
        if self.bands.is_empty() {
            return Err(Parameter::new("bands", 0.0, "at least one").into());
        }
        let mut below = 0.0;
        for band in &self.bands {
            if !(band.low_hz >= below && band.high_hz > band.low_hz && band.high_hz.is_finite()) {
                return Err(Parameter::new("bands", band.low_hz, "from 0 Hz, in rising order, without overlap").into());
            }
            if !(band.low_gain.is_finite() && band.high_gain.is_finite()) {
                return Err(Parameter::new("gain", band.low_gain + band.high_gain, "finite").into());
            }
            if !(band.weight.is_finite() && band.weight > 0.0) {
                return Err(Parameter::new("weight", band.weight, "above 0").into());
            }
            below = band.high_hz;
        }
        Ok(())
    }

    /// Computes the taps for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if a band ends above half the rate.
    pub fn design(&self, rate: SampleRate) -> Result<FirFilter> {
        self.validate()?;
        if let Some(band) = self.bands.last().filter(|b| b.high_hz > rate.nyquist_hz()) {
            return Err(Parameter::new("bands", band.high_hz, "at most half the sampling rate").into());
        }
        let half = self.taps / 2;
        let nyquist = rate.nyquist_hz();
        // q(n) = Σ weight ∫ cos(πnf) df, b(n) = Σ weight ∫ wanted(f) cos(πnf) df, f in parts of half the rate
        let q = |n: f64| -> f64 {
            let edge = |f: f64| f * sinc(f * n);
            self.bands.iter().map(|b| b.weight * (edge(b.high_hz / nyquist) - edge(b.low_hz / nyquist))).sum()
        };
        let wanted = |n: f64| -> f64 {
            let one = |band: &FirBand| {
                let (low, high) = (band.low_hz / nyquist, band.high_hz / nyquist);
                let slope = (band.high_gain - band.low_gain) / (high - low);
                let level = band.low_gain - low * slope;
                let edge = |f: f64| {
                    let bend = if n == 0.0 { -f * f / 2.0 } else { (n * PI * f).cos() / (PI * n).powi(2) };
                    f * (slope * f + level) * sinc(f * n) + slope * bend
                };
                band.weight * (edge(high) - edge(low))
            };
            self.bands.iter().map(one).sum()
        };
        let q: Vec<f64> = (0..self.taps).map(|n| q(n as f64)).collect();
        let size = half + 1;
        let matrix: Vec<f64> =
            (0..size * size).map(|i| q[(i / size).abs_diff(i % size)] + q[i / size + i % size]).collect();
        let b: Vec<f64> = (0..size).map(|n| wanted(n as f64)).collect();
        let a = cholesky_solve(&matrix, &b).unwrap_or_else(|| least_norm_solve(matrix, &b));
        let inner = a.iter().skip(1);
        let middle = 2.0 * a.first().copied().unwrap_or_default();
        FirFilter::new(inner.clone().rev().copied().chain([middle]).chain(inner.copied()).collect())
    }
}

/// The solution of a symmetric positive system, or nothing if it is not positive to working precision.
#[allow(clippy::needless_range_loop, reason = "rows and columns as in the formulas")]
fn cholesky_solve(matrix: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    let n = b.len();
    let largest = (0..n).map(|i| matrix[i * n + i]).fold(0.0, f64::max);
    let mut factor = matrix.to_vec();
    for i in 0..n {
        for j in 0..=i {
            let (row, other) = (&factor[i * n..i * n + j], &factor[j * n..j * n + j]);
            let rest = factor[i * n + j] - row.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
            factor[i * n + j] = if i != j {
                rest / factor[j * n + j]
            } else if rest > largest * 1e-14 * n as f64 {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    let solve = |b: &[f64]| {
        let mut x = b.to_vec();
        for i in 0..n {
            let known: f64 = (0..i).map(|j| factor[i * n + j] * x[j]).sum();
            x[i] = (x[i] - known) / factor[i * n + i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| factor[j * n + i] * x[j]).sum();
            x[i] = (x[i] - known) / factor[i * n + i];
        }
        x
    };
    let mut x = solve(b);
    // one step of refinement
    let residual: Vec<f64> =
        matrix.chunks(n).zip(b).map(|(row, b)| b - row.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>()).collect();
    x.iter_mut().zip(solve(&residual)).for_each(|(x, step)| *x += step);
    Some(x)
}

/// The solution of least norm of a symmetric system without full rank: eigenvectors by Jacobi's rotations, those of
/// eigenvalues below the rounding of the largest left out.
fn least_norm_solve(mut matrix: Vec<f64>, b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    for _ in 0..60 {
        let total: f64 = matrix.iter().map(|v| v * v).sum();
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| matrix[i] * matrix[i]).sum();
        if off <= f64::EPSILON * f64::EPSILON * total {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let apq = matrix[p * n + q];
                if apq == 0.0 {
                    continue;
                }
                let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                let turn = |m: &mut [f64], i: usize, j: usize| {
                    let (a, b) = (m[i], m[j]);
                    (m[i], m[j]) = (c * a - s * b, s * a + c * b);
                };
                for k in 0..n {
                    turn(&mut matrix, k * n + p, k * n + q);
                }
                for k in 0..n {
                    turn(&mut matrix, p * n + k, q * n + k);
                    turn(&mut vectors, p * n + k, q * n + k); // row p is the p-th vector
                }
            }
        }
    }
    let largest = (0..n).map(|i| matrix[i * n + i].abs()).fold(0.0, f64::max);
    let mut x = vec![0.0; n];
    for (i, vector) in vectors.chunks(n).enumerate() {
        let value = matrix[i * n + i];
        if value > largest * f64::EPSILON * n as f64 {
            let part = vector.iter().zip(b).map(|(v, b)| v * b).sum::<f64>() / value;
            x.iter_mut().zip(vector).for_each(|(x, v)| *x += part * v);
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_solvers_agree_where_both_can() {
        let n = 12usize;
        let matrix: Vec<f64> = (0..n * n)
            .map(|i| (-(((i / n).abs_diff(i % n)) as f64)).exp() + if i / n == i % n { 1.0 } else { 0.0 })
            .collect();
        let b: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let (one, other) = (cholesky_solve(&matrix, &b).unwrap(), least_norm_solve(matrix, &b));
        assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-13));
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(100.0).unwrap();
        let text = |bands: Vec<FirBand>, taps| {
            FirLeastSquaresConfig::new(bands, taps).design(rate).map(drop).unwrap_err().to_string()
        };
        assert!(text(vec![FirBand::new(0.0, 10.0, 1.0)], 10).contains("odd"));
        assert!(text(vec![], 11).contains("at least one"));
        assert!(text(vec![FirBand::new(0.0, 51.0, 1.0)], 11).contains("half"));
        assert!(text(vec![FirBand::new(0.0, 20.0, 1.0), FirBand::new(10.0, 50.0, 1.0)], 11).contains("overlap"));
        assert!(text(vec![FirBand::new(0.0, f64::NAN, 1.0)], 11).contains("rising"));
    }
}
