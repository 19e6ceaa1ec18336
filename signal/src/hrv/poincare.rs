//! The Poincaré plot.

use super::check;
use crate::Result;
use crate::entropy::{NoAnswer, enough, spread};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, SQRT_2};

/// The ellipse of each interval over the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Poincare {
    /// Width across the line of identity: short-term variability.
    pub sd1_ms: f64,
    /// Length along the line of identity.
    pub sd2_ms: f64,
    /// Area of the ellipse, π SD1 SD2.
    pub area_ms2: f64,
    /// Cardiac vagal index, `log10(16 SD1 SD2)`.
    pub cvi: f64,
    /// Modified cardiac sympathetic index, `4 SD2²/SD1`.
    pub modified_csi_ms: f64,
}

impl Poincare {
    /// SD1 over SD2.
    #[must_use]
    pub fn sd1_over_sd2(&self) -> f64 {
        self.sd1_ms / self.sd2_ms
    }

    /// Cardiac sympathetic index, SD2 over SD1.
    #[must_use]
    pub fn csi(&self) -> f64 {
        self.sd2_ms / self.sd1_ms
    }
}

/// The Poincaré plot of the intervals `rr_ms`.
///
/// **Use it** for its picture and for SD2. **Not** as evidence beside RMSSD: SD1 is the same number over √2.
///
/// # Formula
/// Standard deviations (n − 1) of `(a − b)/√2` and `(a + b)/√2` over successive pairs.
///
/// # Examples
/// ```
/// let found = eir_signal::hrv::poincare(&[800.0, 860.0, 790.0, 810.0, 830.0])?;
/// assert!((found.sd1_ms.powi(2) - 1512.5).abs() < 1e-9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`time_domain`](super::time_domain); [`NoAnswer`] for intervals without variation across or along the line.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `hrv_nonlinear` within 1e-9 on all series of the golden set up to 1200 beats.
///
/// # References
/// Brennan, Palaniswami, Kamen 2001, doi:10.1109/10.959330. Toichi et al. 1997.
pub fn poincare(rr_ms: &[f64]) -> Result<Poincare> {
    check(rr_ms, 3)?;
    Ok(measure(rr_ms)?)
}

pub(super) fn measure(rr_ms: &[f64]) -> std::result::Result<Poincare, NoAnswer> {
    enough(rr_ms, 3)?;
    let across: Vec<f64> = rr_ms.windows(2).map(|w| (w[0] - w[1]) / SQRT_2).collect();
    let along: Vec<f64> = rr_ms.windows(2).map(|w| (w[0] + w[1]) / SQRT_2).collect();
    let deviation = |x: &[f64]| (spread(x).1 / (x.len() as f64 - 1.0)).sqrt();
    let (sd1_ms, sd2_ms) = (deviation(&across), deviation(&along));
    if sd1_ms == 0.0 || sd2_ms == 0.0 {
        return Err(NoAnswer::Constant);
    }
    Ok(Poincare {
        sd1_ms,
        sd2_ms,
        area_ms2: PI * sd1_ms * sd2_ms,
        cvi: (16.0 * sd1_ms * sd2_ms).log10(),
        modified_csi_ms: 4.0 * sd2_ms * sd2_ms / sd1_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sd1_is_sdsd_over_the_root_of_two() {
        let rr: Vec<f64> = (0..200u32).map(|i| 800.0 + f64::from(i * i % 67)).collect();
        let found = poincare(&rr).unwrap();
        assert!((found.sd1_ms - crate::hrv::time_domain(&rr).unwrap().sdsd_ms / SQRT_2).abs() < 1e-9);
        assert!(poincare(&[800.0; 20]).is_err() && poincare(&[800.0, 900.0]).is_err());
    }
}
