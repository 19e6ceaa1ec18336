use super::ChiSquared;
use crate::Error;
use crate::distribution::binomial_cdf;
use crate::error::Mismatch;

/// McNemar's test: do two decisions on the same patients hit equally often?
///
/// **Use it** to compare the sensitivity (on the diseased) or specificity (on the healthy) of two tests, or the accuracy
/// of two models on the same cases. Report [`mid_p`](Self::mid_p), which keeps its level better than the others
/// (Fagerland). **Not** for groups of different patients: see [`newcombe_difference`](super::newcombe_difference).
///
/// # Formula
/// Only the cases that one hits and the other misses count: b and c, n = b + c, k = min(b, c). Exact p = 2 P(X ≤ k)
/// where X is binomial with n trials and chance ½, at most 1; mid-p = exact p − P(X = k), or 1 − ½ P(X = k) at b = c.
/// χ² = (b − c)²/n, corrected (|b − c| − 1)²/n, with 1 degree of freedom.
///
/// # Examples
/// ```
/// use eir_core::inference::McNemar;
/// let test = McNemar::new(10, 4);
/// assert!((test.mid_p() - 0.11846923828125).abs() < 1e-14);
/// assert!((test.exact_p() - 0.1795654296875).abs() < 1e-14);
/// ```
///
/// # Validation
/// Agrees with statsmodels 0.15.0 and SciPy 1.17.1 within 1e-10 on `reference/core/intervals.json`.
///
/// # References
/// McNemar 1947, doi:10.1007/BF02295996; Fagerland, Lydersen, Laake 2013, doi:10.1186/1471-2288-13-91.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct McNemar {
    /// Cases that only the first hits.
    pub only_first: u64,
    /// Cases that only the second hits.
    pub only_second: u64,
}

impl McNemar {
    /// The test of `only_first` cases that only the first hits against `only_second` that only the second hits.
    #[must_use]
    pub fn new(only_first: u64, only_second: u64) -> Self {
        Self { only_first, only_second }
    }

    /// The test of two rows of hits (true) and misses on the same cases.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for different lengths.
    pub fn of_pairs(first: &[bool], second: &[bool]) -> Result<Self, Error> {
        Mismatch::check("pairs of hits", first.len(), second.len())?;
        let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count() as u64;
        Ok(Self::new(only(first, second), only(second, first)))
    }

    /// The exact two-sided p value: never below what it claims, and usually above.
    #[must_use]
    pub fn exact_p(&self) -> f64 {
        (2.0 * self.at_most(self.fewer())).min(1.0)
    }

    /// The mid-p value: the exact one with half the weight on what was observed. ½ if no case differs.
    #[must_use]
    pub fn mid_p(&self) -> f64 {
        let fewer = self.fewer();
        let below = if fewer == 0 { 0.0 } else { self.at_most(fewer - 1) };
        let here = self.at_most(fewer) - below;
        if self.only_first == self.only_second { 1.0 - 0.5 * here } else { (below + self.at_most(fewer)).min(1.0) }
    }

    /// The plain χ² test; NaN if no case differs.
    #[must_use]
    pub fn chi_squared(&self) -> ChiSquared {
        self.asymptotic(0.0)
    }

    /// The χ² test with Edwards's correction of continuity; NaN if no case differs.
    #[must_use]
    pub fn chi_squared_corrected(&self) -> ChiSquared {
        self.asymptotic(1.0)
    }

    fn fewer(&self) -> u64 {
        self.only_first.min(self.only_second)
    }

    fn at_most(&self, k: u64) -> f64 {
        binomial_cdf(k, self.only_first + self.only_second, 0.5)
    }

    fn asymptotic(&self, correction: f64) -> ChiSquared {
        let (b, c) = (self.only_first as f64, self.only_second as f64);
        let statistic = if b + c > 0.0 { ((b - c).abs() - correction).powi(2) / (b + c) } else { f64::NAN };
        ChiSquared::new(statistic, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_by_who_hits() {
        let (t, f) = (true, false);
        assert_eq!(McNemar::of_pairs(&[t, t, f, t], &[f, t, t, f]).unwrap(), McNemar::new(2, 1));
        assert!(McNemar::of_pairs(&[t], &[]).is_err());
    }

    #[test]
    fn nothing_differs() {
        let none = McNemar::new(0, 0);
        assert_eq!((none.exact_p(), none.mid_p()), (1.0, 0.5));
        assert!(none.chi_squared().p.is_nan() && none.chi_squared_corrected().statistic.is_nan());
        assert!((McNemar::new(0, 1).exact_p() - 1.0).abs() < 1e-15);
    }
}
