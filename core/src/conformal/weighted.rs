use super::{Alpha, ClassScore, Intervals, Prediction, SetPredictor, Sets};
use crate::error::{Mismatch, NotFinite, Parameter};
use crate::metrics::check_weights;
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// The conformal threshold where new cases are drawn differently from those before: calibration scores weighted by how
/// much more likely each would be now.
///
/// **Use it** under covariate shift: another mix of patients, but the same outcome for the same patient. The weight is
/// the likelihood ratio of the inputs, for example p/(1 − p) of a classifier that tells new from old cases. **Not**
/// where the outcome itself has changed (no weights help), nor where the ratios are guesses from few cases: look at
/// [`effective_n`](Self::effective_n).
///
/// # Formula
/// For a new case of weight w, q is the smallest score whose cumulated weight reaches (1 − α)(Σ wᵢ + w), and +∞ if none
/// does. Equal weights give [`Threshold`](super::Threshold).
///
/// # Examples
/// ```
/// use eir_core::conformal::{Alpha, WeightedThreshold};
/// let scores: Vec<f64> = (1..=9).map(f64::from).collect();
/// let same = WeightedThreshold::fit(&scores, &[1.0; 9], Alpha::new(0.2)?)?;
/// assert_eq!((same.q(1.0)?, same.q(2.0)?), (8.0, 9.0)); // a rarer case needs more room
/// assert!((same.effective_n() - 9.0).abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # References
/// Tibshirani, Barber, Candès, Ramdas 2019, arXiv:1904.06019.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WeightedThreshold {
    /// Scores in rising order, each with the weight of all up to it.
    cumulated: Vec<(f64, f64)>,
    effective_n: f64,
    alpha: Alpha,
}

/// Relative rounding of a sum of weights: a rank that is reached but for it is reached.
const ROUNDING: f64 = 1e-12;

impl WeightedThreshold {
    /// The threshold of the calibration `scores`, with the weight of each.
    ///
    /// # Errors
    /// Lengths that differ, no score, one that is not finite, weights that are negative, not finite or all 0.
    pub fn fit(scores: &[f64], weights: &[f64], alpha: Alpha) -> Result<Self, Error> {
        check_weights(weights, scores.len())?;
        NotFinite::check_f64("score", scores)?;
        let mut cumulated: Vec<(f64, f64)> = scores.iter().copied().zip(weights.iter().copied()).collect();
        cumulated.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut sum, mut squares) = (0.0, 0.0);
        for (_, weight) in &mut cumulated {
            sum += *weight;
            squares += *weight * *weight;
            *weight = sum;
        }
        Ok(Self { cumulated, effective_n: sum * sum / squares, alpha })
    }

    /// (Σw)²/Σw²: how many equal cases the weighted ones are worth. Below some 30 the threshold is unsure.
    #[must_use]
    pub fn effective_n(&self) -> f64 {
        self.effective_n
    }

    /// The threshold for a new case of weight `weight`; +∞ where the scores do not reach far enough.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a weight that is negative or not finite.
    pub fn q(&self, weight: f64) -> Result<f64, Error> {
        if !(weight >= 0.0 && weight.is_finite()) {
            return Err(Parameter::new("weight", weight, "0 or more").into());
        }
        let total = self.cumulated.last().map_or(0.0, |last| last.1) + weight;
        let goal = (1.0 - self.alpha.value()) * total * (1.0 - ROUNDING);
        let place = self.cumulated.partition_point(|(_, sum)| *sum < goal);
        Ok(self.cumulated.get(place).map_or(f64::INFINITY, |(score, _)| *score))
    }

    /// The interval of each case around its prediction, `weights` being those of the cases.
    ///
    /// # Errors
    /// Lengths that differ, and as [`q`](Self::q).
    pub fn intervals(&self, prediction: Prediction<'_>, weights: &[f64]) -> Result<Intervals, Error> {
        let q = self.each(prediction.len(), weights)?;
        let (lower, upper) = prediction.widened(|case| [q[case]; 2]);
        Ok(Intervals { lower, upper, small_groups: Vec::new() })
    }

    /// The set of each row of probabilities, `weights` being those of the rows. The threshold must be of the scores that
    /// `predictor` [gives](SetPredictor::scores); α is that of the threshold.
    ///
    /// # Errors
    /// Lengths that differ, a value that is no probability, and as [`q`](Self::q).
    pub fn sets<S: ClassScore + Clone>(
        &self,
        predictor: &SetPredictor<S>,
        probabilities: Rows<'_>,
        weights: &[f64],
    ) -> Result<Sets, Error> {
        let q = self.each(probabilities.len(), weights)?;
        predictor.sets(probabilities, None, |case, _| q[case])
    }

    fn each(&self, cases: usize, weights: &[f64]) -> Result<Vec<f64>, Error> {
        Mismatch::check("weights", cases, weights.len())?;
        weights.iter().map(|weight| self.q(*weight)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Aps, IntervalPredictor, Threshold};
    use super::*;
    use crate::random::Generator;

    #[test]
    fn equal_weights_are_the_plain_threshold() {
        let mut stream = Generator::new(1, "weighted").stream(0);
        for n in 1..=200 {
            let scores: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
            for i in [1, 5, 10, 20, 30, 50] {
                let alpha = Alpha::ratio(i, 100).unwrap();
                let weighted = WeightedThreshold::fit(&scores, &vec![0.3; n], alpha).unwrap();
                assert_eq!(weighted.q(0.3).unwrap(), Threshold::fit(&scores, alpha).unwrap().q(), "{n} {i}");
            }
        }
    }

    /// Old cases have x uniform, new ones with density 2x, and the noise grows with x.
    #[test]
    fn holds_where_the_plain_one_does_not() {
        let [mut weighted, mut plain] = [0.0; 2];
        for seed in 0..1000 {
            let mut stream = Generator::new(seed, "shift").stream(0);
            let x: Vec<f64> = (0..200).map(|_| stream.uniform()).collect();
            let new: Vec<f64> = (0..50).map(|_| stream.uniform().max(stream.uniform())).collect();
            let mut noise = |x: &[f64]| x.iter().map(|x| x * x * stream.normal()).collect::<Vec<f64>>();
            let (y, truth) = (noise(&x), noise(&new));
            let [old, zeros] = [200, 50].map(|n| vec![0.0; n]);
            let (old, now) = (Prediction::point(&old).unwrap(), Prediction::point(&zeros).unwrap());
            let threshold = WeightedThreshold::fit(&old.scores(&y).unwrap(), &x, Alpha::default()).unwrap();
            let coverage = |intervals: Intervals| intervals.coverage(&truth, 0.95).unwrap().value / 1000.0;
            weighted += coverage(threshold.intervals(now, &new).unwrap());
            plain += coverage(IntervalPredictor::default().fit(old, &y).unwrap().predict(now).unwrap());
        }
        // standard error of a mean of 1000 coverages: that of 50 cases and of 150 effective ones
        let error = (0.09 * (1.0 / 50.0 + 1.0 / 150.0) / 1000.0f64).sqrt();
        assert!(weighted >= 0.9 - 3.0 * error && weighted <= 0.92 && plain < 0.87, "{weighted} {plain}");
    }

    #[test]
    fn sets_with_equal_weights_are_the_plain_ones() {
        let p: Vec<f64> = (1..=30).flat_map(|i| [f64::from(i) / 31.0, 1.0 - f64::from(i) / 31.0]).collect();
        let rows = Rows::new(&p, 2).unwrap();
        let labels: Vec<usize> = (0..30).map(|i| usize::from(i % 3 == 0)).collect();
        let predictor = SetPredictor::new(Aps::deterministic());
        let scores = predictor.scores(rows, &labels, None).unwrap();
        let weighted = WeightedThreshold::fit(&scores, &[1.0; 30], Alpha::default()).unwrap();
        let plain = predictor.fit(rows, &labels).unwrap().predict(rows).unwrap();
        assert_eq!(weighted.sets(&predictor, rows, &[1.0; 30]).unwrap(), plain);
        assert!(weighted.sets(&predictor, rows, &[]).is_err());
    }

    #[test]
    fn borders() {
        let alpha = Alpha::default();
        assert!(WeightedThreshold::fit(&[], &[], alpha).is_err());
        assert!(WeightedThreshold::fit(&[1.0], &[0.0], alpha).is_err());
        assert!(WeightedThreshold::fit(&[f64::NAN], &[1.0], alpha).is_err());
        let one = WeightedThreshold::fit(&[1.0], &[9.0], alpha).unwrap();
        assert_eq!((one.q(1.0).unwrap(), one.q(1.1).unwrap()), (1.0, f64::INFINITY));
        assert!(one.q(-1.0).is_err() && one.q(f64::NAN).is_err());
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<WeightedThreshold>(&text).unwrap(), one);
    }
}
