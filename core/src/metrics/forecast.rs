use super::{mean, pair};
use crate::distribution::normal_density;
use crate::error::{NotFinite, OutOfRange};
use crate::estimate::check_level;
use crate::order::ascending;
use crate::{Error, Rows};

/// Continuous ranked probability score of predicted normal distributions: the mean absolute error of a prediction that
/// says how sure it is, in the unit of the truth.
///
/// **Use it** to compare predictions with their uncertainty: it rewards the true distribution. With `sd` 0 it is the
/// absolute error.
///
/// # Formula
/// Mean of sd (z (2 Φ(z) − 1) + 2 φ(z) − 1/√π), z = (y − mean) / sd.
///
/// # Examples
/// ```
/// let score = eir_core::metrics::crps_gaussian(&[0.0], &[0.0], &[1.0])?;
/// assert!((score - 0.2336949772551092).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, no values, a value that is NaN or infinite, or an sd below 0.
///
/// # Validation
/// As all of this file: equal to the definition within 1e-12 on `reference/core/regression.json`.
///
/// # References
/// Gneiting, Raftery 2007, doi:10.1198/016214506000001437.
pub fn crps_gaussian(truth: &[f64], means: &[f64], sds: &[f64]) -> Result<f64, Error> {
    pair(truth, means, 1)?;
    pair(truth, sds, 1)?;
    OutOfRange::check("standard deviation", sds.iter().copied(), "0 or more", |sd| sd >= 0.0)?;
    let one = |((y, m), sd): ((&f64, &f64), &f64)| {
        let off = y - m;
        if *sd == 0.0 {
            return off.abs();
        }
        let z = off / sd;
        let inside = libm::erf(z * std::f64::consts::FRAC_1_SQRT_2); // 2 Φ(z) − 1
        off * inside + sd * (2.0 * normal_density(z) - 1.0 / std::f64::consts::PI.sqrt())
    };
    Ok(truth.iter().zip(means).zip(sds).map(one).sum::<f64>() / truth.len() as f64)
}

/// Continuous ranked probability score of predictions that are ensembles: one row of members per truth. O(m log m) each.
///
/// **Use it** as [`crps_gaussian`], for draws of a model or a bootstrap. **Not** to compare ensembles of few members with
/// large ones: the members are taken for the whole distribution, which costs a small ensemble.
///
/// # Formula
/// Mean of Σ |xᵢ − y| / m − Σᵢⱼ |xᵢ − xⱼ| / (2 m²).
///
/// # Examples
/// ```
/// use eir_core::{Rows, metrics::crps_ensemble};
/// assert_eq!(crps_ensemble(&[0.0], Rows::new(&[1.0, -1.0], 2)?)?, 0.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for another number of rows than values, none, or a truth that is NaN or infinite.
///
/// # References
/// Gneiting, Raftery 2007, doi:10.1198/016214506000001437.
pub fn crps_ensemble(truth: &[f64], ensembles: Rows<'_>) -> Result<f64, Error> {
    ensembles.check("truths", truth.len(), 1)?;
    NotFinite::check_f64("truth", truth)?;
    let m = ensembles.columns() as f64;
    let mut members = Vec::with_capacity(ensembles.columns());
    let mut sum = 0.0;
    for (y, row) in truth.iter().zip(ensembles) {
        members.clear();
        members.extend_from_slice(row);
        ascending(&mut members);
        let off = members.iter().map(|x| (x - y).abs()).sum::<f64>() / m;
        // Σᵢⱼ |xᵢ − xⱼ| from how often each gap between neighbours is crossed
        let gap = |(i, pair): (usize, &[f64])| (pair[1] - pair[0]) * (i + 1) as f64 * (m - 1.0 - i as f64);
        let apart = members.windows(2).enumerate().map(gap).sum::<f64>() / (m * m);
        sum += off - apart;
    }
    Ok(sum / truth.len() as f64)
}

/// Winkler's score of predicted intervals that should hold the truth with the chance `level` (0.9): their width, and what
/// is missed times 2 / (1 − `level`).
///
/// **Use it** to compare intervals of different coverage and width by one number. Small is good.
///
/// # Examples
/// ```
/// let score = eir_core::metrics::interval_score(&[0.0, 5.0], &[-1.0, 1.0], &[1.0, 4.0], 0.5)?;
/// assert_eq!(score, 0.5 * (2.0 + (3.0 + 4.0 * 1.0)));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, no values, a value that is NaN or infinite, an interval whose lower end is above its
/// upper, or a level outside 0 to 1.
///
/// # References
/// Winkler 1972, doi:10.1080/01621459.1972.10481224.
pub fn interval_score(truth: &[f64], lower: &[f64], upper: &[f64], level: f64) -> Result<f64, Error> {
    pair(truth, lower, 1)?;
    pair(truth, upper, 1)?;
    check_level(level)?;
    let widths = lower.iter().zip(upper).map(|(low, high)| high - low);
    OutOfRange::check("width of interval", widths, "0 or more", |width| width >= 0.0)?;
    let one = |((y, low), high): ((&f64, &f64), &f64)| {
        let missed = (low - y).max(y - high).max(0.0);
        high - low + 2.0 / (1.0 - level) * missed
    };
    Ok(mean(&truth.iter().zip(lower).zip(upper).map(one).collect::<Vec<f64>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    /// A large ensemble of normal draws scores as the normal distribution.
    #[test]
    fn ensemble_nears_the_distribution() {
        let mut stream = Generator::new(7, "ensemble").stream(0);
        let members: Vec<f64> = (0..20_000).map(|_| 1.0 + 2.0 * stream.normal()).collect();
        let ensemble = crps_ensemble(&[0.3], Rows::new(&members, members.len()).unwrap()).unwrap();
        let normal = crps_gaussian(&[0.3], &[1.0], &[2.0]).unwrap();
        assert!((ensemble - normal).abs() < 0.01, "{ensemble} {normal}");
    }

    #[test]
    fn borders() {
        assert_eq!(crps_gaussian(&[3.0], &[1.0], &[0.0]), Ok(2.0));
        assert!(matches!(crps_gaussian(&[3.0], &[1.0], &[-1.0]), Err(Error::OutOfRange(_))));
        assert!(matches!(crps_gaussian(&[], &[], &[]), Err(Error::TooShort(_))));
        let rows = Rows::new(&[1.0, 2.0], 2).unwrap();
        assert!(matches!(crps_ensemble(&[1.0, 2.0], rows), Err(Error::Mismatch(_))));
        assert!(matches!(crps_ensemble(&[f64::NAN], rows), Err(Error::NotFinite(_))));
        assert!(matches!(interval_score(&[0.0], &[1.0], &[0.0], 0.9), Err(Error::OutOfRange(_))));
    }
}
