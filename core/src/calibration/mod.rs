//! Are the probabilities right, and how are they put right?
//!
//! | question | answer |
//! |---|---|
//! | how far off, bin by bin? | [`Reliability`]: curve, ECE, MCE, RMS, ACE with a choice of [`Binning`]; [`class_wise_error`] |
//! | what is the Brier score made of? | [`Murphy`], [`Corp`] |
//! | too extreme, too high? | [`CalibrationLine`], [`in_the_large`], [`observed_expected`] |
//! | how far off, without bins? | [`IntegratedCalibration`] on a [`Lowess`] curve |
//! | how sure is that? | [`Reliability::ece_interval`], [`IntegratedCalibration::ici_interval`] |
//! | a test? | [`Spiegelhalter`], [`HosmerLemeshow`] (deprecated by its field) |
//! | put right | [`Platt`], [`Temperature`], [`Isotonic`], [`Beta`]: each `fit` gives a [`Calibrator`] |
//!
//! A calibrator is fitted on cases that the model has not seen, and judged on cases that neither has seen.
//!
//! ```
//! use eir_core::calibration::{Binning, Calibrator, Isotonic, Reliability};
//! let labels = [false, false, true, false, true, true];
//! let scores = [0.1, 0.6, 0.7, 0.8, 0.9, 0.9];
//! let ece = Reliability::new(&labels, &scores, Binning::EqualWidth(10))?.ece();
//! assert!((ece - 1.0 / 3.0).abs() < 1e-12);
//! let calibrator = Isotonic::default().fit(&labels, &scores)?;
//! assert_eq!(calibrator.predict(&[0.6, 0.75, 0.9])?, [0.0, 0.5, 1.0]);
//! # Ok::<(), eir_core::Error>(())
//! ```

mod beta;
mod binning;
mod decomposition;
mod error_interval;
mod hosmer_lemeshow;
mod ici;
mod isotonic;
mod line;
mod lowess;
mod newton;
mod platt;
mod reliability;
mod spiegelhalter;
mod temperature;

pub use beta::{Beta, BetaCalibrator};
pub use binning::Binning;
pub use decomposition::{Corp, Murphy};
pub use hosmer_lemeshow::HosmerLemeshow;
pub use ici::IntegratedCalibration;
pub use isotonic::{Isotonic, IsotonicCalibrator};
pub use line::{CalibrationLine, in_the_large, observed_expected};
pub use lowess::Lowess;
pub use platt::{Platt, PlattCalibrator};
pub(crate) use reliability::check_classes;
pub use reliability::{Reliability, ReliabilityBin, class_wise_error};
pub use spiegelhalter::Spiegelhalter;
pub use temperature::{Temperature, TemperatureCalibrator};

use crate::Error;
use crate::error::{Mismatch, NotFinite, TooShort};

/// A fitted map from scores to probabilities.
pub trait Calibrator {
    /// The probability that belongs to one score; NaN for a score that is none.
    fn probability(&self, score: f64) -> f64;

    /// Writes the probability of each score into `out`.
    ///
    /// # Errors
    /// Different lengths, or a score that is NaN or infinite.
    fn predict_into(&self, scores: &[f64], out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("places for probabilities", scores.len(), out.len())?;
        NotFinite::check_f64("score", scores)?;
        out.iter_mut().zip(scores).for_each(|(to, score)| *to = self.probability(*score));
        Ok(())
    }

    /// As [`predict_into`](Self::predict_into), into a new vector.
    ///
    /// # Errors
    /// As `predict_into`.
    fn predict(&self, scores: &[f64]) -> Result<Vec<f64>, Error> {
        let mut out = vec![0.0; scores.len()];
        self.predict_into(scores, &mut out)?;
        Ok(out)
    }
}

/// How near to 0 and 1 a probability may come before its logarithm is taken.
const NEAREST: f64 = 1e-15;

/// ln p/(1 − p), with p clipped to [1e-15, 1 − 1e-15]: the score that [`Platt`] and [`Temperature`] take where a model
/// gives only probabilities.
///
/// ```
/// assert_eq!(eir_core::calibration::logit(0.5), 0.0);
/// assert!((eir_core::calibration::logit(0.0) + 34.54).abs() < 0.01);
/// ```
#[must_use]
pub fn logit(p: f64) -> f64 {
    let [ln_p, ln_q] = logarithms(p);
    ln_p - ln_q
}

/// ln p and ln(1 − p) of the clipped p.
fn logarithms(p: f64) -> [f64; 2] {
    let p = p.clamp(NEAREST, 1.0 - NEAREST);
    [libm::log(p), libm::log1p(-p)]
}

/// 1/(1 + e⁻ᶻ).
fn sigmoid(z: f64) -> f64 {
    let e = libm::exp(-z.abs());
    if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// 1 for a positive, 0 for a negative.
fn outcome(label: bool) -> f64 {
    f64::from(u8::from(label))
}

/// Number of positives and negatives.
fn counts(labels: &[bool]) -> [usize; 2] {
    let positives = labels.iter().filter(|y| **y).count();
    [positives, labels.len() - positives]
}

/// ln n₁/n₀: where a fit starts, with a slope of 0, far from where the loss is flat.
fn log_odds(labels: &[bool]) -> f64 {
    let [positives, negatives] = counts(labels).map(|n| n as f64);
    libm::log(positives / negatives)
}

/// An error unless there is a finite score for each label and both classes are there.
fn check_scores(labels: &[bool], scores: &[f64]) -> Result<(), Error> {
    Mismatch::check("scores", labels.len(), scores.len())?;
    if labels.is_empty() {
        return Err(TooShort::new("scores", 0, 2).into());
    }
    NotFinite::check_f64("score", scores)?;
    if counts(labels).contains(&0) { Err(Error::OneClass) } else { Ok(()) }
}

/// Whether the positives lie all above the negatives, and whether all below; a tie at the border counts as separated.
fn separated(labels: &[bool], scores: &[f64]) -> [bool; 2] {
    let range = |class: bool| {
        let of = labels.iter().zip(scores).filter(|(y, _)| **y == class);
        of.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], (_, s)| [low.min(*s), high.max(*s)])
    };
    let ([negative_low, negative_high], [positive_low, positive_high]) = (range(false), range(true));
    [negative_high <= positive_low, positive_high <= negative_low]
}

/// The reason given where classes can be told apart without error.
const SEPARABLE: &str = "the classes are separated, so the best slope is infinite: more cases are needed";

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels drawn from `sigmoid(z)` with z normal, and the scores `slope · z + shift`.
    pub(super) fn simulated(n: usize, seed: u64, slope: f64, shift: f64) -> (Vec<bool>, Vec<f64>) {
        let mut stream = crate::random::Generator::new(seed, "calibration").stream(0);
        let draw = |_| {
            let z = 1.2 * stream.normal();
            (stream.chance(sigmoid(z)), slope * z + shift)
        };
        (0..n).map(draw).unzip()
    }

    #[test]
    fn errors_name_the_place_and_not_the_value() {
        let error = crate::metrics::check_probabilities(&[true, false], &[0.5, 1.5]).unwrap_err().to_string();
        assert_eq!(error, "probability 1 must be 0 to 1");
        assert_eq!(check_scores(&[true, true], &[0.0, 1.0]), Err(Error::OneClass));
        assert!(matches!(check_scores(&[], &[]), Err(Error::TooShort(_))));
    }

    /// Small samples with ties, constants, separated classes and certain probabilities: a fit is finite, or an error that
    /// says why there is none.
    #[test]
    fn fits_never_give_nan() {
        let mut stream = crate::random::Generator::new(11, "small samples").stream(0);
        let mut fitted = [0; 5];
        for round in 0..3000 {
            let n = 2 + stream.below(12);
            let grid = 1 + stream.below(12);
            let p: Vec<f64> = (0..n).map(|_| stream.below(grid + 1) as f64 / grid as f64).collect();
            let labels: Vec<bool> = p.iter().map(|p| stream.chance(0.2 + 0.6 * p)).collect();
            let scores: Vec<f64> = p.iter().map(|p| logit(*p)).collect();
            let both = !counts(&labels).contains(&0);
            let apart = separated(&labels, &p);
            let constant = p.iter().all(|v| *v == p[0]);
            let different = p.iter().map(|p| p.to_bits()).collect::<std::collections::HashSet<_>>().len();
            let mut judge = |k: usize, expected: bool, fit: Result<Box<dyn Calibrator>, Error>| {
                assert_eq!(fit.is_ok(), expected, "round {round}, fit {k}: {:?}", fit.err());
                if let Ok(fit) = fit {
                    fitted[k] += 1;
                    assert!((0..=20).all(|i| (0.0..=1.0).contains(&fit.probability(f64::from(i) / 20.0))));
                }
            };
            let boxed = |c: PlattCalibrator| Box::new(c) as Box<dyn Calibrator>;
            judge(0, both && !constant, Platt::default().fit(&labels, &scores).map(boxed));
            let plain = Platt::default().with_smoothed(false).fit(&labels, &scores);
            judge(1, both && !constant && !apart.contains(&true), plain.map(boxed));
            judge(2, both, Isotonic::default().fit(&labels, &p).map(|c| Box::new(c) as _));
            judge(3, both && different > 2 && !apart[0], Beta::default().fit(&labels, &p).map(|c| Box::new(c) as _));
            let line = CalibrationLine::new(&labels, &p, 0.95);
            assert_eq!(line.is_ok(), both && !constant && !apart.contains(&true), "round {round}: {line:?}");
            let large = in_the_large(&labels, &p, 0.95);
            assert_eq!(large.is_ok(), both, "round {round}: {large:?} {labels:?} {p:?}");
            assert!(large.iter().all(|l| l.value.is_finite() && l.upper.is_finite()));
            assert!(line.iter().all(|l| l.slope.value.is_finite() && l.slope.upper.is_finite()));
            let signed = |y: &bool, z: &f64| if *y { *z } else { -z };
            let gains: Vec<f64> = labels.iter().zip(&scores).map(|(y, z)| signed(y, z)).collect();
            let optimum = gains.iter().sum::<f64>() > 0.0 && gains.iter().any(|gain| *gain < 0.0);
            judge(4, both && optimum, Temperature::default().fit(&labels, &scores).map(|c| Box::new(c) as _));
        }
        assert!(fitted.iter().all(|fitted| *fitted > 300), "{fitted:?}");
    }

    #[test]
    fn logit_and_sigmoid_are_inverse() {
        for p in [1e-12, 0.2, 0.5, 0.999] {
            assert!((sigmoid(logit(p)) - p).abs() < 1e-15);
        }
        assert!(sigmoid(-1e300) == 0.0 && sigmoid(1e300) == 1.0);
    }
}
