//! How unlike those of known windows the spectrum of a window is.

use super::CtgWindow;
use crate::ctg::RATE_HZ;
use num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::PI;
use std::sync::Arc;

/// Bands of equal width in octaves, from one cycle in 2 min to half of the rate.
pub(super) const BANDS: usize = 8;
/// One cycle in 2 min.
const LOWEST_HZ: f64 = 1.0 / 120.0;
/// A power that no window falls below, in bpm²: a fifth of what rounding to a quarter of a bpm leaves.
const FLOOR: f64 = 1e-3;
#[cfg(any(feature = "train", test))]
/// Added to the variances, as a share of their mean: few windows do not make a direction impossible.
const SHRINKAGE: f64 = 1e-3;

/// Centre and spread of the logarithms of the powers of known windows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spectrum {
    pub(super) mean: [f64; BANDS],
    /// Inverse of the lower Cholesky factor of the covariance, row after row.
    pub(super) whitening: [[f64; BANDS]; BANDS],
}

impl Default for Spectrum {
    fn default() -> Self {
        let row = |k: usize| std::array::from_fn(|j| f64::from(u8::from(j == k)));
        Self { mean: [0.0; BANDS], whitening: std::array::from_fn(row) }
    }
}

impl Spectrum {
    /// Of known windows.
    #[cfg(any(feature = "train", test))]
    pub(super) fn of(windows: &[CtgWindow]) -> Self {
        let powers = Powers::new();
        let rows: Vec<[f64; BANDS]> = windows.iter().map(|w| powers.logs(w)).collect();
        let n = rows.len().max(1) as f64;
        let mean: [f64; BANDS] = std::array::from_fn(|k| rows.iter().map(|r| r[k]).sum::<f64>() / n);
        let product = |i: usize, j: usize| rows.iter().map(|r| (r[i] - mean[i]) * (r[j] - mean[j])).sum::<f64>() / n;
        let mut covariance: [[f64; BANDS]; BANDS] = std::array::from_fn(|i| std::array::from_fn(|j| product(i, j)));
        let trace: f64 = (0..BANDS).map(|k| covariance[k][k]).sum();
        for (k, row) in covariance.iter_mut().enumerate() {
            row[k] += SHRINKAGE * (trace / BANDS as f64).max(SHRINKAGE);
        }
        Self { mean, whitening: inverse_factor(&covariance) }
    }

    /// Mahalanobis distance of a window's logarithms of power from those of the known ones.
    pub(super) fn distance(&self, powers: &Powers, window: &CtgWindow) -> f64 {
        let logs = powers.logs(window);
        let coordinate =
            |row: &[f64; BANDS]| -> f64 { row.iter().zip(&logs).zip(&self.mean).map(|((w, x), m)| w * (x - m)).sum() };
        self.whitening.iter().map(|row| coordinate(row).powi(2)).sum::<f64>().sqrt()
    }
}

/// The transform of a window, planned once.
pub(super) struct Powers {
    fft: Arc<dyn Fft<f64>>,
    taper: Vec<f64>,
}

impl Powers {
    pub(super) fn new() -> Self {
        let n = CtgWindow::SAMPLES;
        let taper = (0..n).map(|i| 0.5 - 0.5 * (2.0 * PI * i as f64 / n as f64).cos()).collect();
        Self { fft: FftPlanner::new().plan_fft_forward(n), taper }
    }

    /// Logarithm of the power in each band, in bpm², over what was measured: a bridged gap has next to none.
    fn logs(&self, window: &CtgWindow) -> [f64; BANDS] {
        let n = CtgWindow::SAMPLES as f64;
        let x = window.bridged_bpm();
        let middle = (n - 1.0) / 2.0;
        let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let along: f64 = x.iter().enumerate().map(|(i, v)| (i as f64 - middle) * (f64::from(*v) - mean)).sum();
        let slope = along / (n * (n * n - 1.0) / 12.0);
        let bend = |(i, (v, w)): (usize, (&f32, &f64))| {
            Complex64::new(w * (f64::from(*v) - mean - slope * (i as f64 - middle)), 0.0)
        };
        let mut bins: Vec<Complex64> = x.iter().zip(&self.taper).enumerate().map(bend).collect();
        self.fft.process(&mut bins);
        // both halves of the spectrum; the mean square of the taper is 3/8
        let scale = 2.0 / (n * n * 0.375) * n / window.measured_count().max(1) as f64;
        let ratio = (RATE_HZ / 2.0 / LOWEST_HZ).powf(1.0 / BANDS as f64);
        let edge = |k: usize| (LOWEST_HZ * ratio.powi(k as i32) * n / RATE_HZ - 1e-9).ceil() as usize;
        std::array::from_fn(|k| {
            let band = bins.get(edge(k)..edge(k + 1)).unwrap_or_default();
            (scale * band.iter().map(Complex64::norm_sqr).sum::<f64>() + FLOOR).ln()
        })
    }
}

#[cfg(any(feature = "train", test))]
/// The inverse of the lower Cholesky factor of a matrix whose diagonal is above 0.
fn inverse_factor(matrix: &[[f64; BANDS]; BANDS]) -> [[f64; BANDS]; BANDS] {
    let mut factor = [[0.0; BANDS]; BANDS];
    for i in 0..BANDS {
        for j in 0..=i {
            let rest = matrix[i][j] - (0..j).map(|k| factor[i][k] * factor[j][k]).sum::<f64>();
            factor[i][j] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / factor[j][j] };
        }
    }
    let mut inverse = [[0.0; BANDS]; BANDS];
    for j in 0..BANDS {
        inverse[j][j] = 1.0 / factor[j][j];
        for i in j + 1..BANDS {
            inverse[i][j] = -(j..i).map(|k| factor[i][k] * inverse[k][j]).sum::<f64>() / factor[i][i];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(wave: impl Fn(f64) -> f64) -> CtgWindow {
        let fhr: Vec<f64> = (0..CtgWindow::SAMPLES).map(|i| 140.0 + wave(i as f64 / RATE_HZ)).collect();
        CtgWindow::new(&fhr).unwrap()
    }

    #[test]
    fn the_power_of_a_sine_is_in_its_band() {
        // 6 cycles a minute and 10 bpm: 50 bpm² between 0.065 and 0.129 Hz
        let logs = Powers::new().logs(&window(|t| 10.0 * (2.0 * PI * t / 10.0).sin()));
        assert!((logs[3].exp() - 50.0).abs() < 0.5, "{logs:?}");
        assert!(logs.iter().enumerate().all(|(k, v)| k == 3 || *v < -2.0), "{logs:?}");
    }

    #[test]
    fn irregular_windows_are_near_and_a_regular_one_is_far() {
        let irregular = |k: usize| {
            window(|t| {
                (1..40).map(|j| (f64::from(j) * 0.031 * t * 2.0 * PI + (k * j as usize) as f64).sin()).sum::<f64>()
            })
        };
        let known: Vec<CtgWindow> = (1..60).map(irregular).collect();
        let (spectrum, powers) = (Spectrum::of(&known), Powers::new());
        let near = spectrum.distance(&powers, &irregular(77));
        let far = spectrum.distance(&powers, &window(|t| 10.0 * (2.0 * PI * t / 15.0).sin()));
        assert!(far > 3.0 * near, "{near} {far}");
        let flat = spectrum.distance(&powers, &window(|_| 0.0));
        assert!(flat.is_finite() && flat > near);
        assert!(Spectrum::of(&[]).distance(&powers, &known[0]).is_finite());
    }
}
