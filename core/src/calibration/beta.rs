use super::newton::{logistic, minimise};
use super::{Calibrator, SEPARABLE, check_scores, log_odds, logarithms, outcome, separated, sigmoid};
use crate::Error;
use crate::error::{Mismatch, TooShort};
use crate::metrics::check_range;
use serde::{Deserialize, Serialize};

/// Settings of a [`BetaCalibrator`]: there are none yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Beta {}

impl Beta {
    /// Fits the curve to the probabilities of cases that the model has not seen.
    ///
    /// # Errors
    /// Lengths that differ, a value that is no probability, fewer than three different ones (the curve has three
    /// parameters), [`Error::OneClass`], [`Error::NoOptimum`] where all positives lie above all negatives.
    pub fn fit(&self, labels: &[bool], probabilities: &[f64]) -> Result<BetaCalibrator, Error> {
        const WHAT: &str = "beta calibration";
        check_scores(labels, probabilities)?;
        check_range(probabilities)?;
        let first = probabilities[0];
        let second = probabilities.iter().find(|p| **p != first);
        if !probabilities.iter().any(|p| *p != first && Some(p) != second) {
            let different = 1 + usize::from(second.is_some());
            return Err(TooShort::new("different probabilities", different, 3).into());
        }
        if separated(labels, probabilities)[0] {
            return Err(Error::NoOptimum { what: WHAT, reason: SEPARABLE });
        }
        let rows: Vec<[f64; 3]> = probabilities.iter().map(|p| features(*p)).collect();
        let optimum = minimise(WHAT, [0.0, 0.0, log_odds(labels)], [0.0, 0.0, f64::NEG_INFINITY], |theta| {
            logistic(rows.iter().zip(labels).map(|(row, y)| (*row, outcome(*y), 0.0)), theta)
        })?;
        let [a, b, c] = optimum.at;
        Ok(BetaCalibrator { a, b, c })
    }
}

/// What a, b and c are the weights of.
fn features(p: f64) -> [f64; 3] {
    let [ln_p, ln_q] = logarithms(p);
    [ln_p, -ln_q, 1.0]
}

/// Beta calibration: the family of curves that two beta distributions of scores lead to, fitted by [`Beta`].
///
/// **Use it** for probabilities whose distortion differs at the two ends, as of naive Bayes and boosted trees; the
/// identity is in the family, so that a calibrated model stays as it is. **Not** for scores that are no probabilities:
/// see [`Platt`](super::Platt).
///
/// # Formula
/// logit q = a ln p − b ln(1 − p) + c with a, b ≥ 0; maximum likelihood by Newton steps within the bounds to a gradient of the
/// mean loss below 1e-9. p is clipped to [1e-15, 1 − 1e-15].
///
/// # Examples
/// ```
/// use eir_core::calibration::{Beta, Calibrator};
/// let labels = [false, false, true, false, true, true];
/// let fitted = Beta::default().fit(&labels, &[0.2, 0.3, 0.4, 0.6, 0.7, 0.8])?;
/// assert!((fitted.probability(0.5) - 0.5).abs() < 1e-9); // the sample is symmetric
/// assert!((fitted.a - fitted.b).abs() < 1e-9);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with SciPy 1.17.1's bounded optimum of the same likelihood within 1e-6 on
/// `reference/core/calibration.json`; betacal 1.1.0 stops up to 2.6e-4 from it.
///
/// # References
/// Kull, Silva Filho, Flach 2017, doi:10.1214/17-EJS1338SI.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BetaCalibrator {
    /// Weight of ln p, at least 0.
    pub a: f64,
    /// Weight of −ln(1 − p), at least 0.
    pub b: f64,
    /// Shift.
    pub c: f64,
}

impl BetaCalibrator {
    /// −Σ log-likelihood of the labels: what the fit minimises.
    ///
    /// # Errors
    /// Lengths that differ, or a value that is no probability.
    pub fn negative_log_likelihood(&self, labels: &[bool], probabilities: &[f64]) -> Result<f64, Error> {
        Mismatch::check("probabilities", labels.len(), probabilities.len())?;
        check_range(probabilities)?;
        let cases = labels.iter().zip(probabilities).map(|(y, p)| (features(*p), outcome(*y), 0.0));
        Ok(logistic(cases, &[self.a, self.b, self.c]).loss * labels.len() as f64)
    }
}

impl Calibrator for BetaCalibrator {
    fn probability(&self, p: f64) -> f64 {
        let [x, y, one] = features(p);
        sigmoid(self.a * x + self.b * y + self.c * one)
    }

    fn predict_into(&self, probabilities: &[f64], out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("places for probabilities", probabilities.len(), out.len())?;
        check_range(probabilities)?;
        out.iter_mut().zip(probabilities).for_each(|(to, p)| *to = self.probability(*p));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::simulated;
    use super::*;

    /// Σ (q − y) x for the three features.
    fn gradient(labels: &[bool], p: &[f64], fitted: &BetaCalibrator) -> [f64; 3] {
        std::array::from_fn(|k| {
            let cases = labels.iter().zip(p);
            cases.map(|(y, p)| (fitted.probability(*p) - outcome(*y)) * features(*p)[k]).sum()
        })
    }

    #[test]
    fn gradient_vanishes_or_presses_against_the_bound() {
        for (seed, slope, shift) in [(1, 2.0, 0.0), (2, 0.3, -2.0), (3, 1.0, 3.0)] {
            let (labels, scores) = simulated(500, seed, slope, shift);
            let p: Vec<f64> = scores.iter().map(|z| sigmoid(*z)).collect();
            let fitted = Beta::default().fit(&labels, &p).unwrap();
            let of = [fitted.a, fitted.b, 1.0];
            let gradient = gradient(&labels, &p, &fitted);
            assert!((0..3).all(|k| gradient[k].abs() <= 1e-9 || (of[k] == 0.0 && gradient[k] > 0.0)), "{gradient:?}");
        }
        // upside down: the best rising curve is flat, at the share of positives
        let (labels, p) = ([true, true, true, false, true, false], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
        let fitted = Beta::default().fit(&labels, &p).unwrap();
        assert!(fitted.a == 0.0 && fitted.b == 0.0 && (fitted.probability(0.9) - 4.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn certain_constant_and_separated() {
        let fitted = Beta::default().fit(&[false, true, false, true, true], &[0.0, 0.2, 0.5, 0.7, 1.0]).unwrap();
        assert!((0.0..=1.0).contains(&fitted.probability(0.0)) && fitted.probability(f64::NAN).is_nan());
        assert!(
            matches!(Beta::default().fit(&[false, true, false], &[0.5, 0.5, 0.2]), Err(Error::TooShort(e)) if e.len == 2)
        );
        let apart = Beta::default().fit(&[false, true, true], &[0.1, 0.2, 0.3]);
        assert!(matches!(apart, Err(Error::NoOptimum { .. })));
        assert!(matches!(fitted.predict(&[1.1]), Err(Error::OutOfRange(_))));
    }
}
