//! Are the probabilities right, and how are they put right?
//!
//! | question | answer |
//! |---|---|
//! | how far off, bin by bin? | [`Reliability`]: curve, ECE, MCE, RMS, ACE with a choice of [`Binning`]; [`class_wise_error`] |
//! | what is the Brier score made of? | [`Murphy`], [`Corp`] |
//! | too extreme, too high? | [`CalibrationLine`], [`in_the_large`], [`observed_expected`] |
//! | how far off, without bins? | [`IntegratedCalibration`] on a [`Lowess`] curve |
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

/// An error unless there is a finite score for each label and both classes are there.
fn check_scores(labels: &[bool], scores: &[f64]) -> Result<(), Error> {
    Mismatch::check("scores", labels.len(), scores.len())?;
    if labels.is_empty() {
        return Err(TooShort::new("scores", 0, 2).into());
    }
    NotFinite::check_f64("score", scores)?;
    if counts(labels).contains(&0) { Err(Error::OneClass) } else { Ok(()) }
}

/// An error unless there is a probability for each label, and one at least.
pub(crate) fn check_probabilities(labels: usize, probabilities: &[f64]) -> Result<(), Error> {
    Mismatch::check("probabilities", labels, probabilities.len())?;
    if labels == 0 {
        return Err(TooShort::new("probabilities", 0, 1).into());
    }
    check_unit(probabilities)
}

/// An error unless each value is a probability; it names the position and not the value.
pub(crate) fn check_unit(probabilities: &[f64]) -> Result<(), Error> {
    match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(i) if probabilities[i].is_finite() => {
            Err(Mismatch::new(format!("probability {i}"), "0 to 1", "a value outside").into())
        }
        Some(_) => Ok(NotFinite::check_f64("probability", probabilities)?),
    }
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
        let error = check_probabilities(2, &[0.5, 1.5]).unwrap_err().to_string();
        assert_eq!(error, "probability 1: expected 0 to 1, found a value outside");
        assert_eq!(check_scores(&[true, true], &[0.0, 1.0]), Err(Error::OneClass));
        assert!(matches!(check_scores(&[], &[]), Err(Error::TooShort(_))));
    }

    #[test]
    fn logit_and_sigmoid_are_inverse() {
        for p in [1e-12, 0.2, 0.5, 0.999] {
            assert!((sigmoid(logit(p)) - p).abs() < 1e-15);
        }
        assert!(sigmoid(-1e300) == 0.0 && sigmoid(1e300) == 1.0);
    }
}
