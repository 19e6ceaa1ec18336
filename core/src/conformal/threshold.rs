use super::Alpha;
use super::rank::kth_smallest;
use crate::distribution::beta_quantile;
use crate::error::{NotFinite, TooShort};
use crate::estimate::check_level;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// The score that a new case exceeds with probability α at most: the conformal quantile, and what it promises.
///
/// **Use it** directly with a score of your own; [`SetPredictor`](super::SetPredictor) and
/// [`IntervalPredictor`](super::IntervalPredictor) are made of it.
///
/// # Formula
/// q is the k-th smallest of n calibration scores, k = ⌈(n + 1)(1 − α)⌉, and +∞ if k > n. On average over calibration
/// sets the coverage is k/(n + 1) (for scores without ties); for the one at hand it is drawn from Beta(k, n + 1 − k).
///
/// # Examples
/// ```
/// use eir_core::conformal::{Alpha, Threshold};
/// let scores: Vec<f64> = (1..=99).map(f64::from).collect();
/// let threshold = Threshold::fit(&scores, Alpha::new(0.1)?)?;
/// assert_eq!((threshold.q(), threshold.expected_coverage()), (90.0, 0.9));
/// assert!((threshold.guaranteed_coverage() - 0.8467).abs() < 1e-4);
/// let text = format!("{:.3}", threshold.coverage(0.9)?);
/// assert_eq!(text, "0.900 (90 % CI 0.847 to 0.944; Beta(90, 10) over calibration sets, n = 99)");
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Equal to crepes 0.9.1 (its confidence lowered by 1e-9, because its rank is one too high) on
/// `reference/core/conformal.json`; ranks exact for all n ≤ 1000 and α = 0.01 … 0.5.
///
/// # References
/// Angelopoulos, Bates 2023, doi:10.1561/2200000101. Vovk 2012, arXiv:1209.2673.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Threshold {
    /// None where there are too few scores.
    score: Option<f64>,
    n: usize,
    alpha: Alpha,
}

impl Threshold {
    /// The threshold of the calibration `scores`.
    ///
    /// # Errors
    /// No score, or one that is not finite.
    pub fn fit(scores: &[f64], alpha: Alpha) -> Result<Self, Error> {
        if scores.is_empty() {
            return Err(TooShort::new("calibration scores", 0, 1).into());
        }
        NotFinite::check_f64("score", scores)?;
        Ok(Self::of(scores, alpha))
    }

    /// Of finite scores; of none it is infinite.
    pub(super) fn of(scores: &[f64], alpha: Alpha) -> Self {
        let n = scores.len();
        let score = alpha.rank(n).map(|k| kth_smallest(scores, k));
        Self { score, n, alpha }
    }

    /// One threshold for each group 0, 1, … up to `groups` − 1.
    pub(super) fn by_group(scores: &[f64], group: &[usize], groups: usize, alpha: Alpha) -> Vec<Self> {
        let mut of = vec![Vec::new(); groups];
        scores.iter().zip(group).for_each(|(score, group)| of[*group].push(*score));
        of.iter().map(|scores| Self::of(scores, alpha)).collect()
    }

    /// The threshold itself; +∞ where there are too few scores for α.
    #[must_use]
    pub fn q(&self) -> f64 {
        self.score.unwrap_or(f64::INFINITY)
    }

    /// Its rank k among the scores; none where there are too few.
    #[must_use]
    pub fn rank(&self) -> Option<usize> {
        self.alpha.rank(self.n)
    }

    /// Number of calibration scores.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// How often it may be exceeded.
    #[must_use]
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// k/(n + 1): the coverage on average over calibration sets, 1 where the threshold is infinite.
    #[must_use]
    pub fn expected_coverage(&self) -> f64 {
        self.rank().map_or(1.0, |k| k as f64 / (self.n as f64 + 1.0))
    }

    /// What this calibration set reaches with 95 % confidence: the 5 % quantile of Beta(k, n + 1 − k).
    #[must_use]
    pub fn guaranteed_coverage(&self) -> f64 {
        self.coverage_quantile(0.05)
    }

    /// The expected coverage, with the interval in which that of a calibration set of this size lies with probability
    /// `level`. At 0.9 the lower end is [`guaranteed_coverage`](Self::guaranteed_coverage).
    ///
    /// # Errors
    /// For a level outside 0 to 1.
    pub fn coverage(&self, level: f64) -> Result<Estimate, Error> {
        check_level(level)?;
        let method = match self.rank() {
            Some(k) => format!("Beta({k}, {}) over calibration sets", self.n + 1 - k),
            None => "infinite threshold: too few scores".to_owned(),
        };
        let ends = [0.5 - level / 2.0, 0.5 + level / 2.0].map(|p| self.coverage_quantile(p));
        Ok(Estimate::new(self.expected_coverage(), ends, level, method, self.n))
    }

    fn coverage_quantile(&self, p: f64) -> f64 {
        self.rank().map_or(1.0, |k| beta_quantile(p, k as f64, (self.n + 1 - k) as f64))
    }
}

/// A group with too few calibration cases for α: its sets hold every class, its intervals are infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SmallGroup {
    /// The group's (or class's) number.
    pub group: usize,
    /// Its calibration cases.
    pub n: usize,
    /// How many it needs.
    pub needed: usize,
}

impl SmallGroup {
    /// The groups of `thresholds` that are too small.
    pub(super) fn among(thresholds: &[Threshold]) -> Vec<Self> {
        let small = thresholds.iter().enumerate().filter(|(_, t)| t.score.is_none());
        small.map(|(group, t)| Self { group, n: t.n, needed: t.alpha.least_scores() }).collect()
    }
}

impl std::fmt::Display for SmallGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { group, n, needed } = self;
        write!(f, "group {group} has {n} calibration cases and needs {needed}: nothing is excluded for it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    /// Mean coverage over draws is k/(n + 1), and its spread that of Beta(k, n + 1 − k).
    #[test]
    fn covers_as_often_as_it_says() {
        for (n, alpha) in [(99, 0.1), (50, 0.2), (19, 0.05)] {
            let alpha = Alpha::new(alpha).unwrap();
            let coverage: Vec<f64> = (0..1000)
                .map(|draw| {
                    let mut stream = Generator::new(draw, "coverage").stream(n);
                    let scores: Vec<f64> = (0..n).map(|_| stream.exponential()).collect();
                    1.0 - libm::exp(-Threshold::fit(&scores, alpha).unwrap().q()) // P(score ≤ q) of the exponential
                })
                .collect();
            let threshold = Threshold::of(&vec![0.0; n as usize], alpha);
            let (k, n) = (threshold.rank().unwrap() as f64, n as f64);
            let mean = crate::metrics::mean(&coverage);
            let error = (k * (n + 1.0 - k) / (n + 1.0).powi(2) / (n + 2.0) / 1000.0).sqrt();
            assert!((mean - k / (n + 1.0)).abs() <= 3.0 * error && mean >= 1.0 - alpha.value() - 3.0 * error);
            let below = coverage.iter().filter(|c| **c < threshold.guaranteed_coverage()).count();
            assert!((29..=71).contains(&below), "{below} of 1000 below the 5 % quantile"); // 3 standard errors
        }
    }

    #[test]
    fn too_few_scores_exclude_nothing() {
        let threshold = Threshold::fit(&[1.0; 8], Alpha::default()).unwrap();
        assert_eq!((threshold.q(), threshold.guaranteed_coverage()), (f64::INFINITY, 1.0));
        let text = serde_json::to_string(&threshold).unwrap(); // JSON knows no infinity
        assert_eq!(serde_json::from_str::<Threshold>(&text).unwrap(), threshold);
        let small = SmallGroup::among(&[threshold]);
        assert_eq!(small[0].to_string(), "group 0 has 8 calibration cases and needs 9: nothing is excluded for it");
        assert!(matches!(Threshold::fit(&[], Alpha::default()), Err(Error::TooShort(_))));
        assert!(matches!(Threshold::fit(&[f64::NAN], Alpha::default()), Err(Error::NotFinite(_))));
    }
}
