use super::newton::{logistic, minimise};
use super::{Calibrator, SEPARABLE, check_scores, counts, separated, sigmoid};
use crate::Error;
use crate::metrics::mean;
use serde::{Deserialize, Serialize};

/// Settings of a [`PlattCalibrator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Platt {
    /// Whether the targets are Platt's (n₁+1)/(n₁+2) and 1/(n₀+2), which keep small samples from certainty, and not
    /// plain 1 and 0. Default true.
    pub smoothed: bool,
}

impl Default for Platt {
    fn default() -> Self {
        Self { smoothed: true }
    }
}

impl Platt {
    /// Sets [`smoothed`](Self::smoothed).
    #[must_use]
    pub fn with_smoothed(self, smoothed: bool) -> Self {
        Self { smoothed }
    }

    /// Always true: every setting is valid.
    ///
    /// # Errors
    /// None.
    pub fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Fits the sigmoid to the scores of cases that the model has not seen.
    ///
    /// # Errors
    /// Lengths that differ, a score that is not finite, [`Error::OneClass`], [`Error::Undefined`] for scores that are
    /// all equal, [`Error::NoOptimum`] for separated classes without smoothed targets.
    pub fn fit(&self, labels: &[bool], scores: &[f64]) -> Result<PlattCalibrator, Error> {
        const WHAT: &str = "Platt's sigmoid";
        check_scores(labels, scores)?;
        if scores.iter().all(|s| *s == scores[0]) {
            return Err(Error::Undefined(WHAT));
        }
        if !self.smoothed && separated(labels, scores).contains(&true) {
            return Err(Error::NoOptimum { what: WHAT, reason: SEPARABLE });
        }
        let [positives, negatives] = counts(labels).map(|n| n as f64);
        let [target_1, target_0] =
            if self.smoothed { [(positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0)] } else { [1.0, 0.0] };
        // the scores are centred and scaled for the fit: any unit and any offset will do
        let middle = mean(scores);
        let scale = mean(&scores.iter().map(|s| (s - middle).abs()).collect::<Vec<_>>());
        let start = [0.0, libm::log((negatives + 1.0) / (positives + 1.0))];
        let optimum = minimise(WHAT, start, [f64::NEG_INFINITY; 2], |theta| {
            let case =
                |(y, s): (&bool, &f64)| ([(middle - s) / scale, -1.0], if *y { target_1 } else { target_0 }, 0.0);
            logistic(labels.iter().zip(scores).map(case), theta)
        })?;
        let a = optimum.at[0] / scale;
        Ok(PlattCalibrator { a, b: optimum.at[1] - a * middle })
    }
}

/// Platt scaling: a sigmoid of the score, fitted by [`Platt`].
///
/// **Use it** for scores that are no probabilities (margins of an SVM) or with few cases: it has two parameters.
/// **Not** where the distortion is no sigmoid: with 1000 cases or more [`Isotonic`](super::Isotonic) follows any
/// rising curve. Of probabilities give the [`logit`](super::logit).
///
/// # Formula
/// P(y = 1 | s) = 1/(1 + exp(a s + b)); a and b minimise the cross-entropy against smoothed targets (Lin, Lin & Weng,
/// with Newton's method to a gradient of the mean loss below 1e-9).
///
/// # Examples
/// ```
/// use eir_core::calibration::{Calibrator, Platt};
/// let fitted = Platt::default().fit(&[false, false, true, true], &[-2.0, 0.5, -0.5, 2.0])?;
/// assert!((fitted.probability(0.0) - 0.5).abs() < 1e-12); // as much on either side
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with the exact optimum within 1e-8 on `reference/core/calibration.json`; scikit-learn 1.9.1 stops within
/// 2e-3 of it.
///
/// # References
/// Platt 1999. Lin, Lin, Weng 2007, doi:10.1007/s10994-007-5018-6.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlattCalibrator {
    /// Slope: below 0 where a larger score means positive.
    pub a: f64,
    /// Shift.
    pub b: f64,
}

impl Calibrator for PlattCalibrator {
    fn probability(&self, score: f64) -> f64 {
        sigmoid(-(self.a * score + self.b))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{outcome, tests::simulated};
    use super::*;

    #[test]
    fn gradient_vanishes() {
        for (seed, slope, shift) in [(1, 1.0, 0.0), (2, 30.0, 100.0), (3, -0.01, 0.0)] {
            let (labels, scores) = simulated(500, seed, slope, shift);
            let fitted = Platt::default().with_smoothed(false).fit(&labels, &scores).unwrap();
            let residual = |i: usize| outcome(labels[i]) - fitted.probability(scores[i]);
            let gradient = [0, 1].map(|power| (0..500).map(|i| residual(i) * scores[i].powi(power)).sum::<f64>());
            assert!(gradient.iter().all(|g| g.abs() <= 1e-9), "{gradient:?}");
        }
    }

    #[test]
    fn separated_and_constant_scores() {
        let (labels, scores) = ([false, false, true, true], [0.1, 0.2, 0.3, 0.4]);
        let fitted = Platt::default().fit(&labels, &scores).unwrap();
        assert!(fitted.a.is_finite() && fitted.a < 0.0); // the smoothed targets have an optimum
        let plain = Platt::default().with_smoothed(false);
        assert!(matches!(plain.fit(&labels, &scores), Err(Error::NoOptimum { .. })));
        assert_eq!(plain.fit(&labels, &[0.3; 4]), Err(Error::Undefined("Platt's sigmoid")));
    }

    #[test]
    fn unit_and_offset_change_nothing() {
        let (labels, scores) = simulated(300, 8, 1.0, 0.0);
        let plain = Platt::default().fit(&labels, &scores).unwrap();
        for (unit, offset) in [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e6)] {
            let moved: Vec<f64> = scores.iter().map(|s| unit * s + offset).collect();
            let fitted = Platt::default().fit(&labels, &moved).unwrap();
            let off = |(s, m): (&f64, &f64)| (plain.probability(*s) - fitted.probability(*m)).abs();
            assert!(scores.iter().zip(&moved).map(off).all(|off| off < 1e-8), "{unit} {offset}");
        }
        assert!(Platt::default().fit(&labels, &scores.iter().map(|s| s * 1e308).collect::<Vec<_>>()).is_err());
    }

    #[test]
    fn survives_serde() {
        let fitted = PlattCalibrator { a: -1.25, b: 0.1 };
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<PlattCalibrator>(&text).unwrap(), fitted);
    }
}
