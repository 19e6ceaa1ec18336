use super::ranking::descend;
use super::roc::trapezoids;
use crate::Error;

/// A precision–recall curve: how many of those called positive are, and what share of the positives is found.
///
/// **Use it** where positives are rare. **Not** to compare groups of different prevalence: precision depends on it.
///
/// # Formula
/// One point per distinct score, from the lowest threshold up, and at the end the point (recall 0, precision 1) that has
/// no threshold: scikit-learn's order, every threshold included.
///
/// # Examples
/// ```
/// use eir_core::metrics::PrecisionRecallCurve;
/// let curve = PrecisionRecallCurve::new(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
/// assert_eq!(curve.thresholds(), [0.1, 0.35, 0.4, 0.8]);
/// assert_eq!(curve.recalls(), [1.0, 1.0, 0.5, 0.5, 0.0]);
/// assert_eq!(curve.precisions(), [0.5, 2.0 / 3.0, 0.5, 1.0, 1.0]);
/// assert!((curve.average_precision() - 5.0 / 6.0).abs() < 1e-15);
/// assert!((curve.trapezoid_area() - 19.0 / 24.0).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12 on `reference/core/roc.json`.
///
/// # References
/// Davis, Goadrich 2006, doi:10.1145/1143844.1143874.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionRecallCurve {
    thresholds: Vec<f64>,
    precisions: Vec<f64>,
    recalls: Vec<f64>,
}

impl PrecisionRecallCurve {
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
        let mut curve = Self { thresholds: vec![], precisions: vec![1.0], recalls: vec![0.0] };
        let (mut found, mut called) = (0.0, 0.0);
        descend(labels, scores, weights, |step| {
            found += step.positives;
            called += step.positives + step.negatives;
            curve.thresholds.push(step.threshold);
            curve.precisions.push(found / called);
            curve.recalls.push(found);
        })?;
        curve.recalls.iter_mut().for_each(|v| *v /= found);
        for list in [&mut curve.thresholds, &mut curve.precisions, &mut curve.recalls] {
            list.reverse();
        }
        Ok(curve)
    }

    /// The thresholds, rising: one fewer than points.
    #[must_use]
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// The share of positives among the items at or above each threshold; at the end 1.
    #[must_use]
    pub fn precisions(&self) -> &[f64] {
        &self.precisions
    }

    /// The share of the positives at or above each threshold; at the end 0.
    #[must_use]
    pub fn recalls(&self) -> &[f64] {
        &self.recalls
    }

    /// Average precision: the area by steps, as [`average_precision`](super::average_precision) gives it.
    #[must_use]
    pub fn average_precision(&self) -> f64 {
        self.recalls.windows(2).zip(&self.precisions).map(|(r, p)| (r[0] - r[1]) * p).sum()
    }

    /// The area by straight lines between the points. They pass through values that no threshold reaches, so that it is
    /// too good for most scores: prefer [`average_precision`](Self::average_precision).
    #[must_use]
    pub fn trapezoid_area(&self) -> f64 {
        -trapezoids(&self.recalls, &self.precisions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_score_has_the_prevalence() {
        let curve = PrecisionRecallCurve::new(&[true, false, false, false], &[0.5; 4]).unwrap();
        assert_eq!((curve.average_precision(), curve.thresholds()), (0.25, [0.5].as_slice()));
        let weighted = PrecisionRecallCurve::weighted(&[true, false], &[0.5; 2], &[3.0, 1.0]).unwrap();
        assert_eq!(weighted.average_precision(), 0.75);
        assert_eq!(PrecisionRecallCurve::new(&[true], &[0.5]), Err(Error::OneClass));
    }
}
