use super::{mean, pair};
use crate::distribution::{noncentral_t_quantile, t_quantile};
use crate::error::Mismatch;
use crate::estimate::check_level;
use crate::{Error, Estimate};
use std::collections::BTreeSet;

/// Between these multiples of the standard deviation about the mean lie 95 % of a normal distribution; the number is
/// part of the method, as published.
pub(super) const REACH: f64 = 1.96;

/// Bland and Altman's limits of agreement of two ways of measuring: between them lie 95 % of the differences.
///
/// **Use it** with one pair a subject, in the unit of measurement. **Not** where subjects repeat (see
/// [`RepeatedBlandAltman`](super::RepeatedBlandAltman)), nor where the difference grows with the value: take logarithms.
///
/// # Formula
/// d = a − b; bias = mean d; limits = bias ± 1.96 sd, with sd over n − 1. Interval of the bias: ± t sd / √n. Interval of a
/// limit, exact for normal differences: bias + sd k / √n for the quantiles k of the non-central t distribution with
/// n − 1 degrees of freedom and non-centrality 1.96 √n; approximate: ± t sd √(1/n + 1.96² / (2(n − 1))).
///
/// # Examples
/// ```
/// use eir_core::metrics::BlandAltman;
/// let limits = BlandAltman::new(&[10.0, 12.0, 14.0, 15.0], &[9.0, 11.0, 12.0, 15.0])?;
/// assert_eq!(limits.bias, 1.0);
/// assert!((limits.upper - limits.lower - 2.0 * 1.96 * limits.sd).abs() < 1e-12);
/// let upper = limits.upper_estimate(0.95)?;
/// assert!((upper.lower - 1.6817).abs() < 1e-4 && (upper.upper - 7.2949).abs() < 1e-4);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Equal to the definition within 1e-10 on `reference/core/agreement.json`, with SciPy's quantiles.
///
/// # References
/// Bland, Altman 1986, doi:10.1016/S0140-6736(86)90837-8; 1999 (approximate intervals),
/// doi:10.1177/096228029900800204; exact intervals: Carkeet 2015, doi:10.1097/OPX.0000000000000513.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BlandAltman {
    /// Mean of a − b.
    pub bias: f64,
    /// Standard deviation of a − b.
    pub sd: f64,
    /// Lower limit of agreement.
    pub lower: f64,
    /// Upper limit of agreement.
    pub upper: f64,
    /// Number of pairs.
    pub n: usize,
}

impl BlandAltman {
    /// The limits of the pairs, each of another subject.
    ///
    /// # Errors
    /// [`Error`] for different lengths, fewer than 2 pairs, or a value that is NaN or infinite.
    pub fn new(a: &[f64], b: &[f64]) -> Result<Self, Error> {
        pair(a, b, 2)?;
        let d: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
        let bias = mean(&d);
        let sd = (d.iter().map(|v| (v - bias).powi(2)).sum::<f64>() / (d.len() - 1) as f64).sqrt();
        Ok(Self { bias, sd, lower: bias - REACH * sd, upper: bias + REACH * sd, n: d.len() })
    }

    /// As [`new`](Self::new), with the subject of each pair, so that none is counted twice.
    ///
    /// # Errors
    /// As `new`, and [`Error::Mismatch`] for a subject that repeats: take
    /// [`RepeatedBlandAltman`](super::RepeatedBlandAltman).
    pub fn of_subjects(a: &[f64], b: &[f64], subjects: &[usize]) -> Result<Self, Error> {
        Mismatch::check("subjects of the pairs", a.len(), subjects.len())?;
        let distinct = subjects.iter().collect::<BTreeSet<_>>().len();
        Mismatch::check("subjects (for several pairs of a subject there is RepeatedBlandAltman)", a.len(), distinct)?;
        Self::new(a, b)
    }

    /// The bias with Student's interval.
    ///
    /// # Errors
    /// A level outside 0 to 1.
    pub fn bias_estimate(&self, level: f64) -> Result<Estimate, Error> {
        let half = self.t(level)? * self.sd / (self.n as f64).sqrt();
        Ok(Estimate::new(self.bias, [self.bias - half, self.bias + half], level, "Student", self.n))
    }

    /// The lower limit with its exact interval.
    ///
    /// # Errors
    /// A level outside 0 to 1.
    pub fn lower_estimate(&self, level: f64) -> Result<Estimate, Error> {
        let [near, far] = self.exact(level)?;
        Ok(Estimate::new(self.lower, [self.bias - far, self.bias - near], level, "exact (Carkeet)", self.n))
    }

    /// The upper limit with its exact interval.
    ///
    /// # Errors
    /// A level outside 0 to 1.
    pub fn upper_estimate(&self, level: f64) -> Result<Estimate, Error> {
        let [near, far] = self.exact(level)?;
        Ok(Estimate::new(self.upper, [self.bias + near, self.bias + far], level, "exact (Carkeet)", self.n))
    }

    /// The lower limit with the approximate interval of 1999, for comparison with other papers: for small n it is too
    /// near.
    ///
    /// # Errors
    /// A level outside 0 to 1.
    pub fn lower_approximate(&self, level: f64) -> Result<Estimate, Error> {
        self.approximate(self.lower, level)
    }

    /// As [`lower_approximate`](Self::lower_approximate), of the upper limit.
    ///
    /// # Errors
    /// A level outside 0 to 1.
    pub fn upper_approximate(&self, level: f64) -> Result<Estimate, Error> {
        self.approximate(self.upper, level)
    }

    fn t(&self, level: f64) -> Result<f64, Error> {
        check_level(level)?;
        Ok(t_quantile(0.5 + level / 2.0, self.n as f64 - 1.0))
    }

    /// How far from the bias the interval of a limit begins and ends.
    fn exact(&self, level: f64) -> Result<[f64; 2], Error> {
        check_level(level)?;
        let root = (self.n as f64).sqrt();
        let quantile = |q| noncentral_t_quantile(q, self.n as f64 - 1.0, REACH * root) / root * self.sd;
        Ok([0.5 - level / 2.0, 0.5 + level / 2.0].map(quantile))
    }

    fn approximate(&self, limit: f64, level: f64) -> Result<Estimate, Error> {
        let n = self.n as f64;
        let half = self.t(level)? * self.sd * (1.0 / n + REACH * REACH / (2.0 * (n - 1.0))).sqrt();
        Ok(Estimate::new(limit, [limit - half, limit + half], level, "Bland–Altman", self.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_counts_once() {
        let (a, b) = ([1.0, 2.0, 4.0], [1.5, 2.0, 3.0]);
        assert_eq!(BlandAltman::of_subjects(&a, &b, &[7, 1, 4]), BlandAltman::new(&a, &b));
        assert!(matches!(BlandAltman::of_subjects(&a, &b, &[7, 1, 7]), Err(Error::Mismatch(_))));
        assert!(matches!(BlandAltman::of_subjects(&a, &b, &[7, 1]), Err(Error::Mismatch(_))));
    }

    #[test]
    fn equal_differences_have_no_width() {
        let limits = BlandAltman::new(&[1.0, 2.0], &[0.0, 1.0]).unwrap();
        let upper = limits.upper_estimate(0.95).unwrap();
        assert_eq!((limits.sd, upper.value, upper.lower, upper.upper), (0.0, 1.0, 1.0, 1.0));
        assert!(limits.bias_estimate(0.0).is_err() && limits.upper_estimate(1.0).is_err());
    }
}
