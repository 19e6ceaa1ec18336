use super::sets::count_groups;
use super::{Alpha, SmallGroup, Threshold};
use crate::error::{Mismatch, NotFinite, TooShort};
use crate::inference::wilson;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// What a regression model says of each case: a number, a number with its spread, or a lower and an upper quantile.
///
/// ```
/// use eir_core::conformal::Prediction;
/// let plain = Prediction::point(&[1.0, 2.0])?;
/// assert_eq!(plain.scores(&[1.5, 1.0])?, [0.5, 1.0]); // |y − μ|
/// let scaled = Prediction::scaled(&[1.0, 2.0], &[0.5, 2.0])?;
/// assert_eq!(scaled.scores(&[1.5, 1.0])?, [1.0, 0.5]); // |y − μ|/σ
/// let quantiles = Prediction::quantiles(&[0.0, 1.0], &[1.0, 2.0])?;
/// assert_eq!(quantiles.scores(&[1.5, 1.5])?, [0.5, -0.5]); // max(lower − y, y − upper)
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction<'a> {
    lower: &'a [f64],
    upper: &'a [f64],
    spread: Option<&'a [f64]>,
}

impl<'a> Prediction<'a> {
    /// A number for each case: intervals have one width for all.
    ///
    /// # Errors
    /// A value that is not finite.
    pub fn point(mu: &'a [f64]) -> Result<Self, Error> {
        Self::quantiles(mu, mu)
    }

    /// A number and its spread (any unit, above 0): intervals are as wide as the case is hard.
    ///
    /// # Errors
    /// Lengths that differ, a value that is not finite, a spread of 0 or below.
    pub fn scaled(mu: &'a [f64], spread: &'a [f64]) -> Result<Self, Error> {
        Mismatch::check("spreads", mu.len(), spread.len())?;
        NotFinite::check_f64("spread", spread)?;
        if let Some(i) = spread.iter().position(|s| *s <= 0.0) {
            return Err(Mismatch::new(format!("spread {i}"), "above 0", "0 or below").into());
        }
        Ok(Self { spread: Some(spread), ..Self::point(mu)? })
    }

    /// Two quantiles: conformalised quantile regression (CQR). They may cross.
    ///
    /// # Errors
    /// Lengths that differ, or a value that is not finite.
    pub fn quantiles(lower: &'a [f64], upper: &'a [f64]) -> Result<Self, Error> {
        Mismatch::check("upper quantiles", lower.len(), upper.len())?;
        NotFinite::check_f64("prediction", lower)?;
        NotFinite::check_f64("prediction", upper)?;
        Ok(Self { lower, upper, spread: None })
    }

    /// Number of cases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lower.len()
    }

    /// Whether there is no case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lower.is_empty()
    }

    /// How far the truth lies outside each prediction, in units of its spread; below 0 inside.
    ///
    /// # Errors
    /// Lengths that differ, or a truth that is not finite.
    pub fn scores(&self, truth: &[f64]) -> Result<Vec<f64>, Error> {
        let [below, above] = self.sides(truth)?;
        Ok(below.into_iter().zip(above).map(|(below, above)| below.max(above)).collect())
    }

    /// How far the truth lies below and how far above.
    fn sides(&self, truth: &[f64]) -> Result<[Vec<f64>; 2], Error> {
        Mismatch::check("true values", self.len(), truth.len())?;
        NotFinite::check_f64("true value", truth)?;
        let below = truth.iter().enumerate().map(|(i, y)| (self.lower[i] - y) / self.spread(i)).collect();
        let above = truth.iter().enumerate().map(|(i, y)| (y - self.upper[i]) / self.spread(i)).collect();
        Ok([below, above])
    }

    fn spread(&self, case: usize) -> f64 {
        self.spread.map_or(1.0, |spread| spread[case])
    }

    /// Case by case the interval that reaches `[below, above]` spreads beyond the prediction.
    pub(super) fn widened(&self, by: impl Fn(usize) -> [f64; 2]) -> (Vec<f64>, Vec<f64>) {
        let interval = |i| {
            let [below, above] = by(i);
            (self.lower[i] - below * self.spread(i), self.upper[i] + above * self.spread(i))
        };
        (0..self.len()).map(interval).unzip()
    }
}

/// Settings of prediction intervals; `fit` gives [`FittedIntervals`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IntervalPredictor {
    /// How often the truth may lie outside. Default 1/10.
    pub alpha: Alpha,
    /// Whether each side is calibrated for itself, at α/2: then it is also missed equally often below and above, and
    /// the intervals are a little wider. Default false.
    pub asymmetric: bool,
}

impl IntervalPredictor {
    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(self, alpha: Alpha) -> Self {
        Self { alpha, ..self }
    }

    /// Sets [`asymmetric`](Self::asymmetric).
    #[must_use]
    pub fn with_asymmetric(self, asymmetric: bool) -> Self {
        Self { asymmetric, ..self }
    }

    /// Always true: every setting is valid.
    ///
    /// # Errors
    /// None.
    pub fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Calibrates on cases that the model has not seen.
    ///
    /// # Errors
    /// Lengths that differ, no case, or a value that is not finite.
    pub fn fit(&self, prediction: Prediction<'_>, truth: &[f64]) -> Result<FittedIntervals, Error> {
        self.fitted(prediction, truth, None)
    }

    /// Calibrates each group of cases for itself (Mondrian), so that the coverage holds in each.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), for groups that are not one per case, and for a group number of a million or more.
    pub fn fit_by_group(
        &self,
        prediction: Prediction<'_>,
        truth: &[f64],
        groups: &[usize],
    ) -> Result<FittedIntervals, Error> {
        self.fitted(prediction, truth, Some(groups))
    }

    fn fitted(
        &self,
        prediction: Prediction<'_>,
        truth: &[f64],
        groups: Option<&[usize]>,
    ) -> Result<FittedIntervals, Error> {
        if truth.is_empty() {
            return Err(TooShort::new("calibration cases", 0, 1).into());
        }
        let count = groups.map(|groups| count_groups(groups, truth.len())).transpose()?;
        let thresholds = |scores: Vec<f64>, alpha| match (groups, count) {
            (Some(groups), Some(count)) => Threshold::by_group(&scores, groups, count, alpha),
            _ => vec![Threshold::of(&scores, alpha)],
        };
        let [below, above] = if self.asymmetric {
            prediction.sides(truth)?.map(|scores| thresholds(scores, self.alpha.half()))
        } else {
            let both = thresholds(prediction.scores(truth)?, self.alpha);
            [both.clone(), both]
        };
        Ok(FittedIntervals { below, above, grouped: groups.is_some() })
    }
}

/// Split conformal prediction for numbers: intervals that hold the truth with probability 1 − α, fitted by
/// [`IntervalPredictor`].
///
/// **Use it** on the predictions of any model, with cases set aside: plain numbers, numbers with a spread (better where
/// some cases are harder), or two quantiles (best where the spread is skewed). **Not** where new patients differ from
/// those set aside: see [`WeightedThreshold`](super::WeightedThreshold).
///
/// # Formula
/// [lower − q σ, upper + q σ] with the [`Threshold`] q of max(lower − y, y − upper)/σ: |y − μ| for plain numbers,
/// |y − μ|/σ for scaled ones, CQR for quantiles. Asymmetric: each side its own q at α/2. If q is so far below 0 that the
/// ends cross, the interval is empty.
///
/// # Examples
/// ```
/// use eir_core::conformal::{IntervalPredictor, Prediction};
/// let truth: Vec<f64> = (1..=9).map(f64::from).collect();
/// let fitted = IntervalPredictor::default().fit(Prediction::point(&[0.0; 9])?, &truth)?;
/// let intervals = fitted.predict(Prediction::point(&[100.0])?)?;
/// assert_eq!((intervals.lower[0], intervals.upper[0]), (91.0, 109.0));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with crepes 0.9.1 (split, normalised, by group) and the definitions (CQR) within 1e-12 on
/// `reference/core/conformal.json`.
///
/// # References
/// Lei et al. 2018, doi:10.1080/01621459.2017.1307116. CQR: Romano, Patterson, Candès 2019, arXiv:1905.03222.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FittedIntervals {
    below: Vec<Threshold>,
    above: Vec<Threshold>,
    grouped: bool,
}

impl FittedIntervals {
    /// The thresholds below the prediction, one or one for each group; those [above](Self::above) are equal unless the
    /// sides were calibrated each for itself.
    #[must_use]
    pub fn below(&self) -> &[Threshold] {
        &self.below
    }

    /// The thresholds above the prediction.
    #[must_use]
    pub fn above(&self) -> &[Threshold] {
        &self.above
    }

    /// The interval of each case.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for intervals that were calibrated by group.
    pub fn predict(&self, prediction: Prediction<'_>) -> Result<Intervals, Error> {
        if self.grouped {
            return Err(Mismatch::new("intervals", "the group of each case", "none").into());
        }
        Ok(self.intervals(prediction, |_| 0))
    }

    /// As [`predict`](Self::predict), for intervals that were calibrated by group. A group that was not there has no
    /// threshold: its intervals are infinite.
    ///
    /// # Errors
    /// Groups that are not one per case, or intervals that were not calibrated by group.
    pub fn predict_by_group(&self, prediction: Prediction<'_>, groups: &[usize]) -> Result<Intervals, Error> {
        Mismatch::check("groups", prediction.len(), groups.len())?;
        if !self.grouped {
            return Err(Mismatch::new("intervals", "no groups", "the group of each case").into());
        }
        Ok(self.intervals(prediction, |case| groups[case]))
    }

    fn intervals(&self, prediction: Prediction<'_>, group: impl Fn(usize) -> usize) -> Intervals {
        let q = |of: &[Threshold], case| of.get(group(case)).map_or(f64::INFINITY, Threshold::q);
        let (lower, upper) = prediction.widened(|case| [q(&self.below, case), q(&self.above, case)]);
        Intervals { lower, upper, small_groups: SmallGroup::among(&self.below) }
    }
}

/// Intervals, one for each case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Intervals {
    /// Lower ends; −∞ where there were too few calibration cases.
    pub lower: Vec<f64>,
    /// Upper ends.
    pub upper: Vec<f64>,
    /// Warnings: groups with too few calibration cases, whose intervals are infinite.
    pub small_groups: Vec<SmallGroup>,
}

impl Intervals {
    /// Share of the intervals that hold the truth, with Wilson's interval at `level`.
    ///
    /// # Errors
    /// True values that are not one per interval, no interval, or a level outside 0 to 1.
    pub fn coverage(&self, truth: &[f64], level: f64) -> Result<Estimate, Error> {
        Mismatch::check("true values", self.lower.len(), truth.len())?;
        let ends = self.lower.iter().zip(&self.upper);
        let hits = ends.zip(truth).filter(|((lower, upper), y)| (*lower..=*upper).contains(y)).count();
        wilson(hits as u64, truth.len() as u64, level)
    }

    /// Mean width.
    #[must_use]
    pub fn mean_width(&self) -> f64 {
        self.upper.iter().zip(&self.lower).map(|(upper, lower)| upper - lower).sum::<f64>() / self.lower.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    /// x, a poor guess of y, and y = 2x + (0.2 + x) normal.
    fn cases(seed: u64, n: usize) -> [Vec<f64>; 3] {
        let mut stream = Generator::new(seed, "intervals").stream(0);
        let x: Vec<f64> = (0..n).map(|_| stream.uniform()).collect();
        let y = x.iter().map(|x| 2.0 * x + (0.2 + x) * stream.normal()).collect();
        let mu = x.iter().map(|x| 1.5 * x).collect();
        [x, mu, y]
    }

    #[test]
    fn coverage_is_what_was_asked() {
        let mut hit = [0.0; 3];
        for seed in 0..1000 {
            let ([x, mu, y], [new_x, new_mu, truth]) = (cases(seed, 99), cases(seed + 10_000, 100));
            let spread = |x: &[f64]| -> Vec<f64> { x.iter().map(|x| 0.2 + x).collect() };
            let (spread, new_spread) = (spread(&x), spread(&new_x));
            let fit = |asymmetric, prediction| {
                IntervalPredictor::default().with_asymmetric(asymmetric).fit(prediction, &y).unwrap()
            };
            let of = [
                fit(false, Prediction::point(&mu).unwrap()).predict(Prediction::point(&new_mu).unwrap()),
                fit(false, Prediction::scaled(&mu, &spread).unwrap())
                    .predict(Prediction::scaled(&new_mu, &new_spread).unwrap()),
                fit(true, Prediction::quantiles(&mu, &x).unwrap())
                    .predict(Prediction::quantiles(&new_mu, &new_x).unwrap()),
            ];
            let hits = of.map(|intervals| intervals.unwrap().coverage(&truth, 0.95).unwrap().value);
            hit.iter_mut().zip(hits).for_each(|(sum, hit)| *sum += hit / 1000.0);
        }
        let error = ((0.09 / 101.0 + 0.09 / 100.0) / 1000.0f64).sqrt();
        assert!((hit[0] - 0.9).abs() <= 3.0 * error && (hit[1] - 0.9).abs() <= 3.0 * error, "{hit:?}");
        assert!(hit[2] >= 0.9 - 3.0 * error);
    }

    #[test]
    fn each_group_is_covered() {
        let ([x, mu, y], [new_x, new_mu, truth]) = (cases(1, 20_000), cases(2, 20_000));
        let half = |x: &[f64]| -> Vec<usize> { x.iter().map(|x| usize::from(*x > 0.5)).collect() };
        let (prediction, new) = (Prediction::point(&mu).unwrap(), Prediction::point(&new_mu).unwrap());
        let fitted = IntervalPredictor::default().fit_by_group(prediction, &y, &half(&x)).unwrap();
        let groups = half(&new_x);
        let intervals = fitted.predict_by_group(new, &groups).unwrap();
        for group in 0..2 {
            let of: Vec<usize> = (0..20_000).filter(|i| groups[*i] == group).collect();
            let hits =
                of.iter().filter(|i| (intervals.lower[**i]..=intervals.upper[**i]).contains(&truth[**i])).count();
            assert!((hits as f64 / of.len() as f64 - 0.9).abs() < 0.015);
        }
        assert!(fitted.predict(new).is_err() && intervals.small_groups.is_empty());
    }

    #[test]
    fn too_few_cases_and_borders() {
        let fitted = IntervalPredictor::default().fit(Prediction::point(&[0.0; 8]).unwrap(), &[1.0; 8]).unwrap();
        let one = fitted.predict(Prediction::point(&[5.0]).unwrap()).unwrap();
        assert_eq!((one.lower[0], one.upper[0]), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(one.small_groups[0].needed, 9);
        assert!(Prediction::scaled(&[1.0], &[0.0]).is_err() && Prediction::quantiles(&[1.0], &[]).is_err());
        assert!(IntervalPredictor::default().fit(Prediction::point(&[]).unwrap(), &[]).is_err());
        assert!(IntervalPredictor::default().fit(Prediction::point(&[1.0]).unwrap(), &[f64::NAN]).is_err());
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<FittedIntervals>(&text).unwrap(), fitted);
    }
}
