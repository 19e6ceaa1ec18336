//! Is a model worth using? Net benefit over the range of thresholds at which people would act.
//!
//! ```
//! use eir_core::decision::DecisionCurve;
//! let labels = [true, false, true, false, false];
//! let probabilities = [0.9, 0.2, 0.6, 0.55, 0.1];
//! let curve = DecisionCurve::new(&labels, &probabilities, &[0.2, 0.5])?;
//! assert!((curve.points()[1].net_benefit - 0.2).abs() < 1e-15); // 2/5 − 1/5 · 0.5/0.5
//! # Ok::<(), eir_core::Error>(())
//! ```

use crate::Error;
use crate::error::{Parameter, TooShort};
use crate::metrics::check_probabilities;
use crate::order::ascending;
use serde::{Deserialize, Serialize};

/// Net benefit of acting on every item whose probability is at least `threshold`.
///
/// **Use it** inside a [`Bootstrap`](crate::inference::Bootstrap) for its interval. For a whole curve: [`DecisionCurve`].
///
/// # Examples
/// ```
/// use eir_core::decision::net_benefit;
/// use eir_core::inference::{Bootstrap, SamplingUnits};
/// let labels: Vec<bool> = (0..200).map(|i| i % 4 == 0).collect();
/// let p: Vec<f64> = (0..200).map(|i| if i % 4 == 0 { 0.6 } else { 0.1 + 0.5 * f64::from(i % 3 == 0) }).collect();
/// let of_rows = |rows: &[usize]| {
///     let y: Vec<bool> = rows.iter().map(|i| labels[*i]).collect();
///     let p: Vec<f64> = rows.iter().map(|i| p[*i]).collect();
///     net_benefit(&y, &p, 0.3).unwrap_or(f64::NAN)
/// };
/// let estimate = Bootstrap::default().estimate(&SamplingUnits::rows(200)?, of_rows)?;
/// assert!(estimate.lower < estimate.value && estimate.value < estimate.upper);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`DecisionCurve::new`], but one class is enough.
pub fn net_benefit(labels: &[bool], probabilities: &[f64], threshold: f64) -> Result<f64, Error> {
    check(labels, probabilities, &[threshold])?;
    let called =
        |class: bool| labels.iter().zip(probabilities).filter(|(y, p)| **y == class && **p >= threshold).count();
    let n = labels.len() as f64;
    Ok(called(true) as f64 / n - called(false) as f64 / n * odds(threshold))
}

/// A decision curve: the net benefit of acting by the model, and of acting on all, at each threshold. Acting on none is 0.
///
/// **Use it** after discrimination and calibration, to say whether the model does more good than the simple rules over
/// the thresholds that patients and doctors would choose. **Not** to choose a threshold: that follows from harm and
/// benefit of the action, which the data do not hold.
///
/// # Formula
/// At threshold t, positive when p ≥ t: TP/n − FP/n · t/(1 − t). With a prevalence π from outside (case–control data):
/// π · TPR − (1 − π) · FPR · t/(1 − t). Acting on all: π − (1 − π) t/(1 − t). Standardised: by π. Interventions avoided
/// per 100: 100 (net benefit − that of all) / (t/(1 − t)).
///
/// # Examples
/// ```
/// use eir_core::decision::DecisionCurve;
/// let labels = [true, false, true, false, false];
/// let probabilities = [0.9, 0.2, 0.6, 0.55, 0.1];
/// let cohort = DecisionCurve::new(&labels, &probabilities, &[0.25])?;
/// let point = cohort.points()[0];
/// assert!((point.net_benefit - 1.0 / 3.0).abs() < 1e-15 && (point.treat_all - 0.2).abs() < 1e-15);
/// assert!((point.interventions_avoided_per_100 - 40.0).abs() < 1e-12);
/// let rare = DecisionCurve::with_prevalence(&labels, &probabilities, &[0.25], 0.05)?;
/// assert!(rare.points()[0].net_benefit < 0.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with dcurves 1.1.7 within 1e-12 on `reference/core/decision.json`.
///
/// # References
/// Vickers, Elkin 2006, doi:10.1177/0272989X06295361.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionCurve {
    points: Vec<DecisionPoint>,
    prevalence: f64,
}

/// One threshold of a [`DecisionCurve`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecisionPoint {
    /// The probability from which one acts.
    pub threshold: f64,
    /// Of acting by the model: true positives per item, less false positives at the odds of the threshold.
    pub net_benefit: f64,
    /// Of acting on all.
    pub treat_all: f64,
    /// Net benefit by the prevalence: 1 is the best there is.
    pub standardised_net_benefit: f64,
    /// Fewer actions per 100 items than acting on all, at the same number of true positives.
    pub interventions_avoided_per_100: f64,
}

impl DecisionCurve {
    /// The curve at `thresholds`, with the prevalence of the data.
    ///
    /// # Errors
    /// [`Error`] for different lengths, no items or thresholds, a probability outside 0 to 1, a threshold that is not
    /// between 0 and 1, or one class only.
    pub fn new(labels: &[bool], probabilities: &[f64], thresholds: &[f64]) -> Result<Self, Error> {
        let prevalence = labels.iter().filter(|y| **y).count() as f64 / labels.len() as f64;
        Self::make(labels, probabilities, thresholds, prevalence)
    }

    /// The curve where the share of positives was chosen (case–control data) and the true `prevalence` is known.
    ///
    /// # Errors
    /// As [`new`](Self::new), and for a prevalence that is not between 0 and 1.
    pub fn with_prevalence(
        labels: &[bool],
        probabilities: &[f64],
        thresholds: &[f64],
        prevalence: f64,
    ) -> Result<Self, Error> {
        if !(prevalence > 0.0 && prevalence < 1.0) {
            return Err(Parameter::new("prevalence", prevalence, "between 0 and 1").into());
        }
        Self::make(labels, probabilities, thresholds, prevalence)
    }

    fn make(labels: &[bool], probabilities: &[f64], thresholds: &[f64], prevalence: f64) -> Result<Self, Error> {
        check(labels, probabilities, thresholds)?;
        let of_class = |class: bool| {
            let items = labels.iter().zip(probabilities).filter(|(y, _)| **y == class);
            let mut sorted: Vec<f64> = items.map(|(_, p)| *p).collect();
            ascending(&mut sorted);
            sorted
        };
        let (positives, negatives) = (of_class(true), of_class(false));
        if positives.is_empty() || negatives.is_empty() {
            return Err(Error::OneClass);
        }
        let share_at = |sorted: &[f64], t: f64| {
            let below = sorted.partition_point(|p| *p < t);
            (sorted.len() - below) as f64 / sorted.len() as f64
        };
        let point = |t: &f64| {
            let odds = odds(*t);
            let (tpr, fpr) = (share_at(&positives, *t), share_at(&negatives, *t));
            let net_benefit = prevalence * tpr - (1.0 - prevalence) * fpr * odds;
            let treat_all = prevalence - (1.0 - prevalence) * odds;
            DecisionPoint {
                threshold: *t,
                net_benefit,
                treat_all,
                standardised_net_benefit: net_benefit / prevalence,
                interventions_avoided_per_100: 100.0 * (net_benefit - treat_all) / odds,
            }
        };
        Ok(Self { points: thresholds.iter().map(point).collect(), prevalence })
    }

    /// One point per threshold, in the order in which they were given.
    #[must_use]
    pub fn points(&self) -> &[DecisionPoint] {
        &self.points
    }

    /// The prevalence that was used.
    #[must_use]
    pub fn prevalence(&self) -> f64 {
        self.prevalence
    }
}

fn odds(threshold: f64) -> f64 {
    threshold / (1.0 - threshold)
}

fn check(labels: &[bool], probabilities: &[f64], thresholds: &[f64]) -> Result<(), Error> {
    check_probabilities(labels, probabilities)?;
    if thresholds.is_empty() {
        return Err(TooShort::new("thresholds", 0, 1).into());
    }
    match thresholds.iter().find(|t| !(**t > 0.0 && **t < 1.0)) {
        Some(t) => Err(Parameter::new("threshold", *t, "between 0 and 1").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Y: [bool; 4] = [true, false, true, false];
    const P: [f64; 4] = [0.9, 0.3, 0.5, 0.6];

    #[test]
    fn curve_and_single_number_agree() {
        let thresholds = [0.05, 0.3, 0.5, 0.95];
        let curve = DecisionCurve::new(&Y, &P, &thresholds).unwrap();
        for point in curve.points() {
            let single = net_benefit(&Y, &P, point.threshold).unwrap();
            assert!((point.net_benefit - single).abs() < 1e-15);
        }
        // below all probabilities the model acts on all
        assert_eq!(curve.points()[0].net_benefit, curve.points()[0].treat_all);
        assert_eq!(curve.points()[3].net_benefit, 0.0);
    }

    #[test]
    fn refuses_what_has_no_curve() {
        assert_eq!(DecisionCurve::new(&[true; 4], &P, &[0.5]), Err(Error::OneClass));
        for t in [0.0, 1.0, f64::NAN, -0.1] {
            assert!(matches!(DecisionCurve::new(&Y, &P, &[t]), Err(Error::Parameter(e)) if e.name == "threshold"));
        }
        assert!(matches!(DecisionCurve::new(&[], &[], &[0.5]), Err(Error::TooShort(_))));
        assert!(matches!(DecisionCurve::new(&Y, &P, &[]), Err(Error::TooShort(_))));
        assert!(matches!(net_benefit(&Y, &[0.1, 0.2, 0.3, 1.2], 0.5), Err(Error::OutOfRange(_))));
        assert!(matches!(DecisionCurve::with_prevalence(&Y, &P, &[0.5], 0.0), Err(Error::Parameter(_))));
    }
}
