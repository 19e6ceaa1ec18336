use super::{Binning, Reliability};
use crate::Error;
use crate::distribution::chi_squared_sf;
use crate::error::{Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// The Hosmer–Lemeshow test over groups of equal size.
///
/// **Deprecated by its field**: the p value depends on the number of groups, has little power and does not say how the
/// probabilities are wrong. It is here for reviewers who ask for it; report
/// [`CalibrationLine`](super::CalibrationLine) and [`IntegratedCalibration`](super::IntegratedCalibration) instead.
///
/// # Formula
/// χ² = Σ (O − E)²/(E (1 − E/n)) over the groups of [`Binning::EqualMass`].
///
/// # Examples
/// ```
/// use eir_core::calibration::HosmerLemeshow;
/// let p: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
/// let labels: Vec<bool> = (0..100).map(|i| i % 10 < i / 10).collect();
/// let test = HosmerLemeshow::new(&labels, &p, 10)?;
/// assert!((test.chi_squared - 2.1333).abs() < 1e-4 && test.p_new > test.p_development);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with the formula on SciPy 1.17.1 within 1e-10 on `reference/core/calibration.json`.
///
/// # References
/// Hosmer, Lemeshow 1980, doi:10.1080/03610928008827941. Against it: Van Calster et al. 2019,
/// doi:10.1186/s12916-019-1466-7.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HosmerLemeshow {
    /// The statistic.
    pub chi_squared: f64,
    /// Number of groups g.
    pub groups: usize,
    /// p value on the data that the model was developed on: g − 2 degrees of freedom.
    pub p_development: f64,
    /// p value on new data: g degrees of freedom.
    pub p_new: f64,
}

impl HosmerLemeshow {
    /// The test over `groups` (10) groups of equal size.
    ///
    /// # Errors
    /// Lengths that differ, a value that is no probability, fewer than 3 groups or fewer cases than groups,
    /// [`Error::Undefined`] where a group expects no event or nothing else.
    pub fn new(labels: &[bool], probabilities: &[f64], groups: usize) -> Result<Self, Error> {
        if groups < 3 {
            return Err(Parameter::new("groups", groups as f64, "3 or more").into());
        }
        if labels.len() < groups {
            return Err(TooShort::new("cases", labels.len(), groups).into());
        }
        let curve = Reliability::new(labels, probabilities, Binning::EqualMass(groups))?;
        let term =
            |n: f64, expected: f64, observed: f64| (observed - expected).powi(2) / (expected * (1.0 - expected / n));
        let chi_squared: f64 =
            curve.bins().iter().map(|b| term(b.n as f64, b.n as f64 * b.predicted, b.positives as f64)).sum();
        if !chi_squared.is_finite() {
            return Err(Error::Undefined("Hosmer and Lemeshow's statistic"));
        }
        let p = |freedom: usize| chi_squared_sf(chi_squared, freedom as f64);
        Ok(Self { chi_squared, groups, p_development: p(groups - 2), p_new: p(groups) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        let p = [0.1, 0.2, 0.3, 0.4];
        let labels = [false, true, false, true];
        assert!(matches!(HosmerLemeshow::new(&labels, &p, 2), Err(Error::Parameter(_))));
        assert!(matches!(HosmerLemeshow::new(&labels, &p, 5), Err(Error::TooShort(_))));
        let sure = HosmerLemeshow::new(&labels, &[0.0, 0.2, 0.3, 0.4], 4);
        assert!(matches!(sure, Err(Error::Undefined(_))));
    }
}
