use super::ranking::descend;
use crate::Error;
use crate::error::Parameter;

/// A ROC curve: what share of positives and of negatives scores at or above each threshold.
///
/// **Use it** to choose a threshold and to draw. **Not** to choose and to judge the threshold on the same patients: the
/// chosen point is then too good. For the area alone, [`auroc`](super::auroc) makes no curve.
///
/// # Formula
/// One point per distinct score, from the highest down, after the point (0, 0) at the threshold +∞; equal scores are one
/// step. No point is left out, unlike scikit-learn's default (`drop_intermediate`).
///
/// # Examples
/// ```
/// use eir_core::metrics::RocCurve;
/// let curve = RocCurve::new(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
/// assert_eq!(curve.thresholds(), [f64::INFINITY, 0.8, 0.4, 0.35, 0.1]);
/// assert_eq!(curve.true_positive_rates(), [0.0, 0.5, 0.5, 1.0, 1.0]);
/// assert_eq!(curve.false_positive_rates(), [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(curve.auroc(), 0.75);
/// assert_eq!(curve.sensitivity_at_specificity(0.9)?, 0.5);
/// assert_eq!(curve.youden().threshold, 0.8);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 and R pROC 1.18.0 (partial area) within 1e-12 on `reference/core/roc.json`.
///
/// # References
/// Fawcett 2006, doi:10.1016/j.patrec.2005.10.010.
#[derive(Debug, Clone, PartialEq)]
pub struct RocCurve {
    thresholds: Vec<f64>,
    false_positive_rates: Vec<f64>,
    true_positive_rates: Vec<f64>,
}

/// A point of a [`RocCurve`]: an item is called positive if its score is at or above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OperatingPoint {
    /// The lowest score that is called positive.
    pub threshold: f64,
    /// Share of the positives that are called positive.
    pub sensitivity: f64,
    /// Share of the negatives that are not.
    pub specificity: f64,
}

impl OperatingPoint {
    /// Youden's index: sensitivity + specificity − 1.
    #[must_use]
    pub fn youden_index(&self) -> f64 {
        self.sensitivity + self.specificity - 1.0
    }
}

impl RocCurve {
    /// The curve of `scores`.
    ///
    /// # Errors
    /// As [`auroc`](super::auroc).
    pub fn new(labels: &[bool], scores: &[f64]) -> Result<Self, Error> {
        Self::make(labels, scores, None)
    }

    /// The curve with a weight for each item.
    ///
    /// # Errors
    /// As [`auroc_weighted`](super::auroc_weighted).
    pub fn weighted(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<Self, Error> {
        Self::make(labels, scores, Some(weights))
    }

    fn make(labels: &[bool], scores: &[f64], weights: Option<&[f64]>) -> Result<Self, Error> {
        let mut curve =
            Self { thresholds: vec![f64::INFINITY], false_positive_rates: vec![0.0], true_positive_rates: vec![0.0] };
        let (mut positives, mut negatives) = (0.0, 0.0);
        descend(labels, scores, weights, |step| {
            positives += step.positives;
            negatives += step.negatives;
            curve.thresholds.push(step.threshold);
            curve.true_positive_rates.push(positives);
            curve.false_positive_rates.push(negatives);
        })?;
        curve.true_positive_rates.iter_mut().for_each(|v| *v /= positives);
        curve.false_positive_rates.iter_mut().for_each(|v| *v /= negatives);
        Ok(curve)
    }

    /// The thresholds, falling, from +∞.
    #[must_use]
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// The share of negatives at or above each threshold: 1 − specificity.
    #[must_use]
    pub fn false_positive_rates(&self) -> &[f64] {
        &self.false_positive_rates
    }

    /// The share of positives at or above each threshold: sensitivity.
    #[must_use]
    pub fn true_positive_rates(&self) -> &[f64] {
        &self.true_positive_rates
    }

    /// The points of the curve, one per threshold.
    pub fn points(&self) -> impl Iterator<Item = OperatingPoint> + '_ {
        let rates = self.true_positive_rates.iter().zip(&self.false_positive_rates);
        self.thresholds.iter().zip(rates).map(|(threshold, (tpr, fpr))| OperatingPoint {
            threshold: *threshold,
            sensitivity: *tpr,
            specificity: 1.0 - fpr,
        })
    }

    /// The area under the curve.
    #[must_use]
    pub fn auroc(&self) -> f64 {
        trapezoids(&self.false_positive_rates, &self.true_positive_rates)
    }

    /// The area up to the false positive rate `max_fpr` (above 0, at most 1), scaled by McClish so that chance is 0.5
    /// and perfect 1: ½ (1 + (A − f²/2) / (f − f²/2)), with a straight line to f.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a rate outside.
    ///
    /// # References
    /// McClish 1989, doi:10.1177/0272989X8900900307.
    pub fn partial_auroc(&self, max_fpr: f64) -> Result<f64, Error> {
        if !(max_fpr > 0.0 && max_fpr <= 1.0) {
            return Err(Parameter::new("max_fpr", max_fpr, "above 0, at most 1").into());
        }
        let (fpr, tpr) = (&self.false_positive_rates, &self.true_positive_rates);
        let end = fpr.partition_point(|v| *v <= max_fpr); // at least 1: the first is 0
        let mut area = trapezoids(&fpr[..end], &tpr[..end]);
        if end < fpr.len() {
            let (x, y) = (fpr[end - 1], tpr[end - 1]);
            let at_end = y + (tpr[end] - y) * (max_fpr - x) / (fpr[end] - x);
            area += 0.5 * (max_fpr - x) * (y + at_end);
        }
        let chance = 0.5 * max_fpr * max_fpr;
        Ok(0.5 * (1.0 + (area - chance) / (max_fpr - chance)))
    }

    /// The point with the largest sensitivity + specificity, the highest threshold of several.
    ///
    /// # References
    /// Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3.
    #[must_use]
    pub fn youden(&self) -> OperatingPoint {
        // sums of differences of the rates themselves: 1 − fpr would round two equal ones apart
        let index = |k: usize| self.true_positive_rates[k] - self.false_positive_rates[k];
        let best = (1..self.thresholds.len()).fold(0, |best, k| if index(k) > index(best) { k } else { best });
        OperatingPoint {
            threshold: self.thresholds[best],
            sensitivity: self.true_positive_rates[best],
            specificity: 1.0 - self.false_positive_rates[best],
        }
    }

    /// The largest sensitivity of the points whose specificity is at least `specificity` (0 to 1), without
    /// interpolation; 1e-12 of rounding is allowed.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a specificity outside.
    pub fn sensitivity_at_specificity(&self, specificity: f64) -> Result<f64, Error> {
        if !(0.0..=1.0).contains(&specificity) {
            return Err(Parameter::new("specificity", specificity, "0 to 1").into());
        }
        let end = self.false_positive_rates.partition_point(|fpr| 1.0 - fpr >= specificity - 1e-12);
        Ok(self.true_positive_rates[end - 1])
    }
}

/// The area under straight lines between the points.
pub(crate) fn trapezoids(x: &[f64], y: &[f64]) -> f64 {
    x.windows(2).zip(y.windows(2)).map(|(x, y)| 0.5 * (x[1] - x[0]) * (y[0] + y[1])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_partial_area() {
        let curve = RocCurve::new(&[false, true, false, true, true], &[0.1, 0.2, 0.3, 0.4, 0.5]).unwrap();
        assert!((curve.partial_auroc(1.0).unwrap() - curve.auroc()).abs() < 1e-15);
        assert_eq!(RocCurve::new(&[false, true], &[0.0, 1.0]).unwrap().partial_auroc(0.1), Ok(1.0));
        assert_eq!(RocCurve::new(&[false, true], &[1.0, 1.0]).unwrap().partial_auroc(0.1), Ok(0.5));
        assert!(matches!(curve.partial_auroc(0.0), Err(Error::Parameter(_))));
        assert!(matches!(curve.sensitivity_at_specificity(f64::NAN), Err(Error::Parameter(_))));
    }

    #[test]
    fn a_useless_score_has_no_better_point_than_none() {
        let point = RocCurve::new(&[true, false], &[0.1, 0.2]).unwrap().youden();
        assert_eq!((point.threshold, point.youden_index()), (f64::INFINITY, 0.0));
    }
}
