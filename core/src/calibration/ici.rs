use super::{Lowess, outcome};
use crate::Error;
use crate::metrics::check_probabilities;
use crate::metrics::{mean, sorted_quantile};
use serde::{Deserialize, Serialize};

/// How far the probabilities are from a smooth curve of what happened: ICI, E50, E90 and Emax.
///
/// **Use it** as the one number of calibration that needs no bins. **Not** with fewer than some 200 cases: the curve
/// then follows chance, and the numbers are too large.
///
/// # Formula
/// |f(pᵢ) − pᵢ| with f the [`Lowess`] curve of the outcomes: its mean (ICI), median, 90 % quantile and maximum.
///
/// # Examples
/// ```
/// use eir_core::calibration::{IntegratedCalibration, Lowess};
/// let p: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
/// let labels: Vec<bool> = (0..100).map(|i| i >= 50).collect();
/// let off = IntegratedCalibration::new(&labels, &p, &Lowess::default())?;
/// assert!((off.ici - 0.1454).abs() < 1e-4 && off.e50 <= off.e90 && off.e90 <= off.emax);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with statsmodels 0.15.0's curve and NumPy's quantiles within 1e-8 on `reference/core/calibration.json`.
///
/// # References
/// Austin, Steyerberg 2019, doi:10.1002/sim.8281.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IntegratedCalibration {
    /// Integrated calibration index: the mean distance.
    pub ici: f64,
    /// Median distance.
    pub e50: f64,
    /// 90 % quantile of the distance.
    pub e90: f64,
    /// Largest distance.
    pub emax: f64,
}

impl IntegratedCalibration {
    /// The distances from the curve that `lowess` draws.
    ///
    /// # Errors
    /// Lengths that differ, fewer than two cases, a value that is no probability, settings of the curve out of range.
    pub fn new(labels: &[bool], probabilities: &[f64], lowess: &Lowess) -> Result<Self, Error> {
        check_probabilities(labels, probabilities)?;
        let outcomes: Vec<f64> = labels.iter().map(|y| outcome(*y)).collect();
        let mut off = lowess.smooth(probabilities, &outcomes)?;
        off.iter_mut().zip(probabilities).for_each(|(f, p)| *f = (*f - p).abs());
        let ici = mean(&off);
        off.sort_by(f64::total_cmp);
        let [e50, e90, emax] = [0.5, 0.9, 1.0].map(|q| sorted_quantile(&off, q).unwrap_or(f64::NAN)); // there are two at least
        Ok(Self { ici, e50, e90, emax })
    }
}
