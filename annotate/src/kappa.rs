//! Cohen's kappa: agreement of two raters beyond chance.

use crate::level::check_level;
use crate::{Error, Result};
use eir_core::Estimate;
use eir_core::error::{Mismatch, Parameter};
use eir_core::inference;
use eir_core::metrics::KappaWeights;
use serde::{Deserialize, Serialize};

/// Unweighted kappa of two raters' classes `a` and `b`, with its 95 % interval.
///
/// # Errors
/// As [`CohenKappa::estimate`].
pub fn cohen_kappa(a: &[u32], b: &[u32]) -> Result<Estimate> {
    let classes = a.iter().chain(b).max().map_or(0, |m| *m as usize + 1);
    Ok(CohenKappa::default().estimate(a, b, classes)?.estimate)
}

/// Settings of Cohen's kappa.
///
/// The share of agreement that chance does not explain: 1 is perfect, 0 is what raters reach who answer with their own
/// frequencies at random, below 0 is worse.
///
/// **Use it** for two raters who both rated every unit. **Not** for more raters or missing ratings (use Krippendorff's
/// alpha), and not to compare data sets with different frequencies: kappa falls when one class is rare.
///
/// # Formula
/// `κ = 1 − Σ d_ij p_ij / Σ d_ij r_i c_j`, with shares `p`, margins `r`, `c` and disagreement `d_ij` = 1 off the diagonal,
/// `|i−j|/(K−1)` or its square. With `w = 1 − d`, `w̄_i = Σ_j w_ij c_j`, `w̄'_j = Σ_i w_ij r_i`, `P_e = Σ w_ij r_i c_j`:
/// `var κ = [Σ p_ij (w_ij − (w̄_i + w̄'_j)(1−κ))² − (κ − P_e(1−κ))²] / (n (1−P_e)²)` (reference 2).
///
/// # Examples
/// ```
/// use eir_annotate::{CohenKappa, KappaWeights};
/// let (a, b) = ([0, 0, 1, 1, 2, 2, 2, 1], [0, 0, 1, 2, 2, 2, 1, 1]);
/// let plain = CohenKappa::default().estimate(&a, &b, 3)?;
/// assert!((plain.estimate.value - 0.619048).abs() < 1e-6);
/// let weighted = CohenKappa::default().with_weights(KappaWeights::Quadratic).estimate(&a, &b, 3)?;
/// assert!((weighted.estimate.value - 0.794872).abs() < 1e-6);
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Undefined`] if both raters gave one and the same class throughout.
///
/// # Validation
/// Equal to scikit-learn 1.9.1 (value) and statsmodels 0.15.0 (both variances, interval, z, p) within 1e-10 on five
/// tables of 2 to 8 classes and 30 to 1000 units, for all three weights.
///
/// # References
/// 1. Cohen 1960, doi:10.1177/001316446002000104; 1968, doi:10.1037/h0026256.
/// 2. Fleiss, Cohen, Everitt 1969, doi:10.1037/h0028106.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CohenKappa {
    /// How a disagreement counts. Default: all alike.
    pub weights: KappaWeights,
    /// Confidence level of the interval, between 0 and 1. Default 0.95.
    pub level: f64,
}

impl Default for CohenKappa {
    fn default() -> Self {
        Self { weights: KappaWeights::Unweighted, level: 0.95 }
    }
}

/// Cohen's kappa of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Kappa {
    /// Value and interval.
    pub estimate: Estimate,
    /// Standard error of the value.
    pub standard_error: f64,
    /// Standard error if there were no agreement beyond chance: for the test.
    pub standard_error_null: f64,
    /// Value over the standard error of no agreement.
    pub z: f64,
    /// Two-sided probability of such a z without agreement.
    pub p: f64,
    /// Share of units on which the raters agree.
    pub agreement: f64,
}

impl CohenKappa {
    /// Sets [`weights`](Self::weights).
    #[must_use]
    pub fn with_weights(self, weights: KappaWeights) -> Self {
        Self { weights, ..self }
    }

    /// Sets [`level`](Self::level).
    #[must_use]
    pub fn with_level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        check_level(self.level)
    }

    /// Kappa of the classes that two raters gave to the same units; classes count from 0.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for lists of different length, [`Error::Parameter`] for a class that is not below `classes`, and
    /// as [`of_table`](Self::of_table).
    pub fn estimate(&self, a: &[u32], b: &[u32], classes: usize) -> Result<Kappa> {
        Mismatch::check("ratings of two raters", a.len(), b.len())?;
        if classes > 4096 {
            return Err(Parameter::new("classes", classes as f64, "at most 4096").into());
        }
        let mut table = vec![0u64; classes * classes];
        for (a, b) in a.iter().zip(b) {
            if *a.max(b) as usize >= classes {
                return Err(Parameter::new("class", f64::from(*a.max(b)), "below the number of classes").into());
            }
            table[*a as usize * classes + *b as usize] += 1; // both below `classes`
        }
        self.of_table(&table, classes)
    }

    /// Kappa of a square table of counts, row by row: rows are the first rater's classes. The work is
    /// [`eir_core::inference::cohen_kappa`]'s.
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless the table has `classes²` entries, [`Error::TooShort`] without a unit or with less than
    /// two classes, [`Error::Undefined`], and as [`validate`](Self::validate).
    pub fn of_table(&self, table: &[u64], classes: usize) -> Result<Kappa> {
        let kappa = inference::cohen_kappa(table, classes, self.weights, self.level).map_err(|error| match error {
            eir_core::Error::Parameter(e) => e.into(),
            eir_core::Error::Mismatch(e) => e.into(),
            eir_core::Error::TooShort(e) => e.into(),
            _ => Error::Undefined { what: "Cohen's kappa", why: "both raters gave one class throughout" },
        })?;
        let same: u64 = table.iter().step_by(classes + 1).sum();
        Ok(Kappa {
            standard_error: kappa.variance.sqrt(),
            standard_error_null: kappa.variance_null.sqrt(),
            z: kappa.estimate.value / kappa.variance_null.sqrt(),
            p: kappa.p(),
            agreement: same as f64 / kappa.estimate.n as f64,
            estimate: kappa.estimate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_and_opposite() {
        let one = cohen_kappa(&[0, 1, 0, 1], &[0, 1, 0, 1]).unwrap();
        assert_eq!((one.value, one.lower, one.upper), (1.0, 1.0, 1.0));
        assert_eq!(cohen_kappa(&[0, 1, 0, 1], &[1, 0, 1, 0]).unwrap().value, -1.0);
    }

    #[test]
    fn what_cannot_be_computed() {
        assert!(matches!(cohen_kappa(&[0, 0], &[0, 0]), Err(Error::TooShort(_))));
        assert!(matches!(cohen_kappa(&[1, 1], &[1, 1]), Err(Error::Undefined { .. })));
        assert!(matches!(cohen_kappa(&[1], &[1, 0]), Err(Error::Mismatch(_))));
        assert!(cohen_kappa(&[], &[]).is_err());
        assert!(CohenKappa::default().estimate(&[3], &[0], 2).is_err());
        assert!(CohenKappa::default().with_level(1.0).validate().is_err());
        assert!(cohen_kappa(&[u32::MAX], &[0]).is_err());
    }

    #[test]
    fn two_classes_have_one_kappa() {
        let table = [26, 3, 4, 17];
        let of = |w| CohenKappa::default().with_weights(w).of_table(&table, 2).unwrap().estimate.value;
        assert!((of(KappaWeights::Unweighted) - 0.7107438016528925).abs() < 1e-14);
        assert!((of(KappaWeights::Linear) - of(KappaWeights::Quadratic)).abs() < 1e-14);
    }
}
