use super::hanley_mcneil::separation_bound;
use crate::distribution::{normal_quantile, normal_sf};
use crate::error::TooShort;
use crate::estimate::check_level;
use crate::metrics::check_scores;
use crate::{Error, Estimate};
use std::ops::Range;

/// The AUROC of `scores` with DeLong's interval at `level` (0.95) on the logit scale.
///
/// See [`DeLong`] for the formula, and for more scores on the same items.
///
/// # Examples
/// ```
/// let labels = [false, false, false, true, false, true, true, true];
/// let scores = [0.1, 0.3, 0.2, 0.25, 0.6, 0.7, 0.9, 0.8];
/// let auroc = eir_core::inference::auroc_interval(&labels, &scores, 0.95)?;
/// assert_eq!(auroc.to_string(), "0.88 (95 % CI 0.35 to 0.99; DeLong, logit, n = 8)");
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`DeLong::new`] and [`DeLong::logit_interval`].
pub fn auroc_interval(labels: &[bool], scores: &[f64], level: f64) -> Result<Estimate, Error> {
    DeLong::new(labels, &[scores])?.logit_interval(0, level)
}

/// AUROCs of one or several scores on the same items, with their covariance.
///
/// **Use it** for the interval of an AUROC and to test whether one score ranks the same patients better than another.
/// **Not** where patients have several rows: the interval is then far too small, see
/// [`Bootstrap::auroc`](super::Bootstrap::auroc).
///
/// # Formula
/// Each positive has its placement V₁₀ = share of negatives below it (ties half), each negative V₀₁ = share of positives
/// above it; A is the mean of either, S = cov(V₁₀)/n₁ + cov(V₀₁)/n₀ with n − 1 in both. O(n log n) for each score.
/// Intervals: A ± z √S, cut to 0 … 1; on the logit scale logit A ± z √S / (A (1 − A)).
///
/// # Examples
/// ```
/// use eir_core::inference::DeLong;
/// let labels = [false, false, false, true, false, true, true, true];
/// let (new, old) = ([0.1, 0.3, 0.2, 0.25, 0.6, 0.7, 0.9, 0.8], [0.4, 0.3, 0.2, 0.5, 0.7, 0.1, 0.9, 0.6]);
/// let delong = DeLong::new(&labels, &[&new, &old])?;
/// assert_eq!((delong.auroc(0), delong.auroc(1)), (0.875, 0.625));
/// let test = delong.compare(0, 1, 0.95)?;
/// assert!((test.z - 0.75f64.sqrt()).abs() < 1e-14 && (test.p - 0.3864762307712327).abs() < 1e-14);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with R pROC 1.18.0 within 1e-12 (p 1e-8) on `reference/core/roc.json`.
///
/// # References
/// DeLong, DeLong, Clarke-Pearson 1988, doi:10.2307/2531595; Sun, Xu 2014, doi:10.1109/LSP.2014.2337313.
#[derive(Debug, Clone, PartialEq)]
pub struct DeLong {
    aurocs: Vec<f64>,
    /// Row after row.
    covariance: Vec<f64>,
    positives: usize,
    negatives: usize,
}

/// The comparison of two AUROCs on the same items.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AurocComparison {
    /// First minus second.
    pub difference: Estimate,
    /// The difference by its standard error.
    pub z: f64,
    /// The chance of a z as far from 0 where the areas are equal, on both sides.
    pub p: f64,
}

impl DeLong {
    /// The areas and their covariance; each of `scores` holds one score for each label.
    ///
    /// # Errors
    /// [`Error::TooShort`] for no scores or fewer than two of a class, [`Error::OneClass`], [`Error::Mismatch`] and
    /// [`Error::NotFinite`] as [`auroc`](crate::metrics::auroc()).
    pub fn new(labels: &[bool], scores: &[&[f64]]) -> Result<Self, Error> {
        if scores.is_empty() {
            return Err(TooShort::new("scores", 0, 1).into());
        }
        scores.iter().try_for_each(|s| check_scores(labels, s))?;
        let positives = labels.iter().filter(|l| **l).count();
        let negatives = labels.len() - positives;
        match positives.min(negatives) {
            0 => return Err(Error::OneClass),
            1 => return Err(TooShort::new("items of the rarer class", 1, 2).into()),
            _ => {}
        }
        // positives first: the position of an item says its class
        let (mut items, others): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|i| labels[*i]);
        items.extend(others);
        let placements: Vec<Vec<f64>> =
            scores.iter().map(|s| placements(items.iter().map(|i| s[*i]), positives)).collect();
        // the sums of halves are exact, so that a perfect score gives exactly 1
        let pairs = positives as f64 * negatives as f64;
        let aurocs: Vec<f64> = placements.iter().map(|v| v[..positives].iter().sum::<f64>() / pairs).collect();
        let covariance = |a: usize, b: usize| {
            let within = |class: Range<usize>, others: usize| {
                let (n, others) = (class.len() as f64, others as f64);
                let (mean_a, mean_b) = (aurocs[a] * others, aurocs[b] * others);
                let both = placements[a][class.clone()].iter().zip(&placements[b][class]);
                let sum: f64 = both.map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
                sum / (others * others * (n - 1.0) * n)
            };
            within(0..positives, negatives) + within(positives..labels.len(), positives)
        };
        let k = scores.len();
        let mut matrix = vec![0.0; k * k];
        for a in 0..k {
            for b in 0..=a {
                matrix[a * k + b] = covariance(a, b);
                matrix[b * k + a] = matrix[a * k + b];
            }
        }
        Ok(Self { aurocs, covariance: matrix, positives, negatives })
    }

    /// The AUROC of score `a`.
    ///
    /// # Panics
    /// As all that take the number of a score: if there is no such score.
    #[must_use]
    pub fn auroc(&self, a: usize) -> f64 {
        self.aurocs[a]
    }

    /// The covariance of the AUROCs of scores `a` and `b`; the variance where they are one.
    ///
    /// # Panics
    /// If there is no such score.
    #[must_use]
    pub fn covariance(&self, a: usize, b: usize) -> f64 {
        assert!(b < self.aurocs.len());
        self.covariance[a * self.aurocs.len() + b]
    }

    /// The AUROC of score `a` with the plain interval at `level`, cut to 0 … 1, as R's pROC gives it.
    ///
    /// Where the classes are separated completely the variance is 0 and says nothing: the interval is then the exact
    /// one-sided bound of [`hanley_mcneil`](super::hanley_mcneil()), and the method says so.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level outside 0 to 1, [`Error::Undefined`] if the score is one constant.
    ///
    /// # Panics
    /// If there is no such score.
    pub fn interval(&self, a: usize, level: f64) -> Result<Estimate, Error> {
        self.interval_by(a, level, "DeLong", |area, half| [(area - half).max(0.0), (area + half).min(1.0)])
    }

    /// As [`interval`](Self::interval), on the logit scale: it keeps its level better near 1.
    ///
    /// # Errors
    /// As `interval`.
    ///
    /// # Panics
    /// If there is no such score.
    pub fn logit_interval(&self, a: usize, level: f64) -> Result<Estimate, Error> {
        self.interval_by(a, level, "DeLong, logit", |area, half| {
            let (middle, half) = (libm::log(area / (1.0 - area)), half / (area * (1.0 - area)));
            [middle - half, middle + half].map(|v| 1.0 / (1.0 + libm::exp(-v)))
        })
    }

    /// The interval that `ends` makes of the area and z √S.
    fn interval_by(
        &self,
        a: usize,
        level: f64,
        method: &'static str,
        ends: impl Fn(f64, f64) -> [f64; 2],
    ) -> Result<Estimate, Error> {
        check_level(level)?;
        let (area, variance, n) = (self.auroc(a), self.covariance(a, a), self.positives + self.negatives);
        if area == 0.0 || area == 1.0 {
            return Ok(separation_bound(area, self.positives.min(self.negatives), level, n));
        }
        if variance <= 0.0 {
            return Err(Error::Undefined("DeLong's interval"));
        }
        let half = normal_quantile(0.5 + level / 2.0) * variance.sqrt();
        Ok(Estimate::new(area, ends(area, half), level, method, n))
    }

    /// The difference of the AUROCs of scores `a` and `b`, with its interval at `level` and its test.
    ///
    /// # Formula
    /// z = (A₁ − A₂) / √(S₁₁ + S₂₂ − 2 S₁₂), normal.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level outside 0 to 1, [`Error::Undefined`] if the difference has no variance: both rank
    /// alike, or both separate the classes completely.
    ///
    /// # Panics
    /// If there is no such score.
    pub fn compare(&self, a: usize, b: usize, level: f64) -> Result<AurocComparison, Error> {
        check_level(level)?;
        let sum = self.covariance(a, a) + self.covariance(b, b);
        let variance = sum - 2.0 * self.covariance(a, b);
        if variance <= 1e-13 * sum {
            return Err(Error::Undefined("DeLong's test")); // what is left is rounding
        }
        let (difference, se) = (self.auroc(a) - self.auroc(b), variance.sqrt());
        let half = normal_quantile(0.5 + level / 2.0) * se;
        let n = self.positives + self.negatives;
        let z = difference / se;
        let ends = [difference - half, difference + half];
        let difference = Estimate::new(difference, ends, level, "DeLong, paired", n);
        Ok(AurocComparison { difference, z, p: 2.0 * normal_sf(z.abs()) })
    }
}

/// For each of the first `n1` scores, the positives, the number of negatives below it; for each of the others the number of
/// positives above it; ties half.
fn placements(scores: impl ExactSizeIterator<Item = f64>, n1: usize) -> Vec<f64> {
    let zero = 0.0; // added, it makes the two zeros one score
    let mut placements = vec![0.0; scores.len()];
    let mut order: Vec<(f64, usize)> = scores.map(|s| s + zero).zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut positives, mut negatives) = (0.0, 0.0); // below
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let positive = tied.iter().filter(|(_, item)| *item < n1).count() as f64;
        let negative = tied.len() as f64 - positive;
        let (of_positive, of_negative) = (negatives + 0.5 * negative, n1 as f64 - positives - 0.5 * positive);
        for (_, item) in tied {
            placements[*item] = if *item < n1 { of_positive } else { of_negative };
        }
        positives += positive;
        negatives += negative;
    }
    placements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::auroc;

    const LABELS: [bool; 6] = [false, false, false, true, true, true];

    #[test]
    fn complete_separation_is_never_certain() {
        let best = DeLong::new(&LABELS, &[&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]).unwrap();
        assert_eq!((best.auroc(0), best.covariance(0, 0)), (1.0, 0.0));
        for estimate in [best.interval(0, 0.95).unwrap(), best.logit_interval(0, 0.95).unwrap()] {
            assert_eq!((estimate.value, estimate.upper), (1.0, 1.0));
            assert!(
                (estimate.lower - libm::cbrt(0.05)).abs() < 1e-15 && estimate.method.contains("exact"),
                "{estimate}"
            );
        }
        let worst = auroc_interval(&LABELS, &[5.0, 4.0, 3.0, 2.0, 1.0, 0.0], 0.95).unwrap();
        assert!(worst.lower == 0.0 && (worst.upper - 1.0 + libm::cbrt(0.05)).abs() < 1e-15, "{worst}");
    }

    #[test]
    fn refuses_what_has_no_variance() {
        let constant = DeLong::new(&LABELS, &[&[1.0; 6], &[1.0; 6]]).unwrap();
        assert_eq!((constant.auroc(0), constant.covariance(0, 0)), (0.5, 0.0));
        assert!(matches!(constant.interval(0, 0.95), Err(Error::Undefined(_))));
        assert!(matches!(constant.compare(0, 1, 0.95), Err(Error::Undefined(_))));
        // another scale, the same ranks
        let x = [0.3, 0.1, 0.6, 0.5, 0.9, 0.2];
        let same = DeLong::new(&LABELS, &[&x, &x.map(|v| v * v)]).unwrap();
        assert!(matches!(same.compare(0, 1, 0.95), Err(Error::Undefined(_))));
        assert!(matches!(DeLong::new(&LABELS, &[]), Err(Error::TooShort(_))));
        assert!(matches!(DeLong::new(&[false, true, true], &[&[0.0, 1.0, 2.0]]), Err(Error::TooShort(_))));
        assert_eq!(DeLong::new(&[true, true], &[&[0.0, 1.0]]), Err(Error::OneClass));
        assert!(matches!(same.interval(0, 1.0), Err(Error::Parameter(_))));
    }

    #[test]
    fn areas_are_those_of_the_metric() {
        let x = [0.5, 0.1, -0.0, 0.5, 0.0, 0.7];
        assert_eq!(DeLong::new(&LABELS, &[&x]).unwrap().auroc(0), auroc(&LABELS, &x).unwrap());
    }
}
