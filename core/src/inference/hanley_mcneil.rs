use crate::distribution::normal_quantile;
use crate::error::{Parameter, TooShort};
use crate::estimate::check_level;
use crate::{Error, Estimate};

/// The interval of an AUROC that is known without its scores, at `level` (0.95): from its value and the numbers of
/// positives and negatives.
///
/// **Use it** to compare with a published area. **Not** where the scores are there: [`DeLong`](super::DeLong) assumes no
/// distribution.
///
/// # Formula
/// se² = (A (1 − A) + (n₁ − 1)(Q₁ − A²) + (n₀ − 1)(Q₂ − A²)) / (n₁ n₀), Q₁ = A / (2 − A), Q₂ = 2A² / (1 + A); A ± z se,
/// cut to 0 … 1. At A = 1 the standard error is 0 and says nothing. There m = min(n₁, n₀) pairs without a common item are
/// all in order, which happens with a chance of at most Aᵐ: the interval is the exact one-sided [(1 − level)^(1/m), 1]
/// instead, and its mirror image at A = 0.
///
/// # Examples
/// ```
/// let area = eir_core::inference::hanley_mcneil(0.9, 50, 100, 0.95)?;
/// assert_eq!(area.to_string(), "0.90 (95 % CI 0.84 to 0.96; Hanley–McNeil, n = 150)");
/// let perfect = eir_core::inference::hanley_mcneil(1.0, 10, 100, 0.95)?;
/// assert!((perfect.lower - 0.05f64.powf(0.1)).abs() < 1e-15); // 0.74
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for an area or a level outside 0 to 1, [`Error::TooShort`] without both classes.
///
/// # Validation
/// Equal to the formula within 1e-12 on `reference/core/roc.json`.
///
/// # References
/// Hanley, McNeil 1982, doi:10.1148/radiology.143.1.7063747.
pub fn hanley_mcneil(auroc: f64, positives: usize, negatives: usize, level: f64) -> Result<Estimate, Error> {
    check_level(level)?;
    let se = hanley_mcneil_standard_error(auroc, positives, negatives)?;
    if auroc == 0.0 || auroc == 1.0 {
        return Ok(separation_bound(auroc, positives.min(negatives), level, positives + negatives));
    }
    let half = normal_quantile(0.5 + level / 2.0) * se;
    let ends = [(auroc - half).max(0.0), (auroc + half).min(1.0)];
    Ok(Estimate::new(auroc, ends, level, "Hanley–McNeil", positives + negatives))
}

/// The standard error in [`hanley_mcneil`].
///
/// # Errors
/// As `hanley_mcneil`.
pub fn hanley_mcneil_standard_error(auroc: f64, positives: usize, negatives: usize) -> Result<f64, Error> {
    if !(0.0..=1.0).contains(&auroc) {
        return Err(Parameter::new("auroc", auroc, "0 to 1").into());
    }
    if positives.min(negatives) == 0 {
        return Err(TooShort::new("items of the rarer class", 0, 1).into());
    }
    let (a, n1, n0) = (auroc, positives as f64, negatives as f64);
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let sum = a * (1.0 - a) + (n1 - 1.0) * (q1 - a * a) + (n0 - 1.0) * (q2 - a * a);
    Ok((sum.max(0.0) / (n1 * n0)).sqrt())
}

/// The exact one-sided interval of an area of 0 or 1 of `n` units, of which `pairs` pairs can be made that share none.
pub(super) fn separation_bound(auroc: f64, pairs: usize, level: f64, n: usize) -> Estimate {
    let bound = libm::pow(1.0 - level, 1.0 / pairs as f64);
    let ends = if auroc == 1.0 { [bound, 1.0] } else { [0.0, 1.0 - bound] };
    Estimate::new(auroc, ends, level, "exact one-sided bound of complete separation", n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert!(matches!(hanley_mcneil(1.1, 5, 5, 0.95), Err(Error::Parameter(_))));
        assert!(matches!(hanley_mcneil(0.5, 0, 5, 0.95), Err(Error::TooShort(_))));
        assert_eq!(hanley_mcneil_standard_error(1.0, 5, 5), Ok(0.0));
        let none = hanley_mcneil(0.0, 5, 9, 0.9).unwrap();
        assert!(none.lower == 0.0 && (none.upper - (1.0 - 0.1f64.powf(0.2))).abs() < 1e-15);
        // one pair: nothing is known but the level
        assert!((hanley_mcneil(1.0, 1, 1, 0.95).unwrap().lower - 0.05).abs() < 1e-15);
    }
}
