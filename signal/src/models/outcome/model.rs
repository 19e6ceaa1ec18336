use super::features::{OutcomeFeatures, outcome_features};
use super::fit::scaled;
use super::label::Acidaemia;
use crate::{Record, Result};
use eir_core::calibration::{Calibrator, PlattCalibrator};
use eir_core::error::{Malformed, Mismatch};
use eir_core::weights::Card;
use eir_core::{Limits, file};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "outcome model";

/// A logistic regression of acidaemia at birth on features of the last hour of a cardiotocogram.
///
/// **Use it** in research, beside other models of intrapartum traces: it is small, it says which feature spoke for how
/// much, and its probabilities are calibrated. **Not** for advice in a delivery room, not before labour, not for another
/// hospital's traces without calibrating it anew. What it can do is little: its page and its card say how little.
///
/// # Formula
/// `P = σ(−a Σ βⱼ zⱼ − b)` with `zⱼ` the feature in standard deviations of the training deliveries, cut off at ±2.5, β from
/// a penalised logistic regression of several pH limits together, `a` and `b` from Platt's calibration on scores for
/// deliveries that the fit had not seen.
///
/// # Examples
/// ```
/// use eir_signal::models::{Acidaemia, OutcomeModel};
/// let model = OutcomeModel::shipped(Acidaemia::SEVERE)?;
/// let calm: Vec<f64> = (0..14_400).map(|i| 140.0 + 6.0 * (f64::from(i) / 31.0).sin()).collect();
/// let mut fallen = calm.clone();
/// for start in (7000..14_000).step_by(700) { fallen[start..start + 250].iter_mut().for_each(|v| *v -= 45.0); }
/// let (calm, fallen) = (model.predict(&calm, None)?, model.predict(&fallen, None)?);
/// assert!(calm.probability < 0.1 && fallen.probability > 2.0 * calm.probability);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`predict`](Self::predict) lists them.
///
/// # Validation
/// Nested cross-validation by delivery on 368 CTU-UHB deliveries (5 folds, 10 repeats, `cargo xtask train ctg-outcome`):
///
/// | label | with it | AUROC | of the mean prediction, 95 % | vaginal births alone, 95 % | sensitivity at 85 % specificity | calibration error |
/// |---|---|---|---|---|---|---|
/// | pH ≤ 7.05 | 29 | 0.748 ± 0.008 over repeats | 0.75 (0.61 to 0.84) | 0.82 (0.66 to 0.91) | 0.51 | 0.026 |
/// | pH < 7.15 | 70 | 0.709 ± 0.006 over repeats | 0.71 (0.64 to 0.78) | 0.72 (0.64 to 0.79) | 0.41 | 0.045 |
///
/// Short-term variation and minute range alone have 0.54 and 0.48; with the pH dealt out anew it is 0.48 and 0.50. The
/// features were chosen on the same deliveries, so new ones will show less; nothing was measured on a second hospital.
///
/// # References
/// Ben M'Barek et al. 2023 (DeepCTG 1.0), doi:10.3389/fped.2023.1190441; Chudáček et al. 2014 (the records),
/// doi:10.1186/1471-2393-14-16.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeModel {
    pub(super) label: Acidaemia,
    pub(super) features: Vec<String>,
    pub(super) centre: Vec<f64>,
    pub(super) scale: Vec<f64>,
    pub(super) coefficients: Vec<f64>,
    pub(super) calibration: PlattCalibrator,
}

/// What a model says of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutcomePrediction {
    /// Calibrated probability of the outcome.
    pub probability: f64,
    /// What each feature of the model adds to the log-odds, beside the mean delivery; in the model's order.
    pub contributions: Vec<Contribution>,
    /// Share of the last hour that is lost, artefacts included.
    pub loss: f64,
    /// How many of all features could not be measured and are the usual values.
    pub assumed: usize,
}

/// What one feature says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Contribution {
    /// The feature's name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// What it adds to the log-odds.
    pub log_odds: f64,
}

impl OutcomeModel {
    /// The model that comes with the crate, fitted to the deliveries that its card names.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a label other than pH ≤ 7.05 and pH < 7.15.
    pub fn shipped(label: Acidaemia) -> Result<Self> {
        let (weights, card) = match label {
            Acidaemia::SEVERE => SHIPPED[0],
            Acidaemia::MODERATE => SHIPPED[1],
            _ => {
                return Err(crate::Error::NotFound {
                    what: "model",
                    name: label.name(),
                    instead: "there is one of pH ≤ 7.05 and one of pH < 7.15; OutcomeConfig fits others".to_owned(),
                });
            }
        };
        Self::from_bytes(weights.as_bytes(), card.as_bytes())
    }

    /// Reads the model at `path` (JSON) with its card, `path` with the ending `card.json`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io), [`Error::Limit`](crate::Error::Limit), and as [`from_bytes`](Self::from_bytes).
    pub fn load(path: &Path, limits: &Limits) -> Result<Self> {
        let (weights, card) = (file::read(path, limits)?, file::read(&path.with_extension("card.json"), limits)?);
        Self::from_bytes(&weights, &card)
    }

    /// A model from the bytes of its file and of its card.
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error::Malformed) with the line, [`Error::Weights`](crate::Error::Weights) if the card
    /// is of other weights.
    pub fn from_bytes(weights: &[u8], card: &[u8]) -> Result<Self> {
        Card::from_json(card)?.verify(weights)?;
        let model: Self = serde_json::from_slice(weights)
            .map_err(|e| Malformed::at(FORMAT, e.line() as u64, "an entry is missing, unknown or of the wrong type"))?;
        let known = OutcomeFeatures::names();
        if model.features.iter().any(|f| !known.contains(f)) {
            return Err(Malformed::new(FORMAT, "it uses a feature that this version does not measure").into());
        }
        for (what, found) in [
            ("means of the model", &model.centre),
            ("scales of the model", &model.scale),
            ("coefficients of the model", &model.coefficients),
        ] {
            Mismatch::check(what, model.features.len(), found.len())?;
        }
        let numbers = model.centre.iter().chain(&model.scale).chain(&model.coefficients);
        if numbers.chain([&model.calibration.a, &model.calibration.b]).any(|v| !v.is_finite())
            || model.scale.iter().any(|s| *s <= 0.0)
        {
            return Err(Malformed::new(FORMAT, "a number is not finite, or a scale is not above 0").into());
        }
        Ok(model)
    }

    /// The model's file; [`from_bytes`](Self::from_bytes) reads it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // strings and numbers only: this does not fail
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What is foretold.
    #[must_use]
    pub fn label(&self) -> Acidaemia {
        self.label
    }

    /// Names of the features that it uses.
    #[must_use]
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// What each feature adds to the score per standard deviation, in the order of [`features`](Self::features).
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Judges a heart rate (bpm at 4 Hz; 0 and NaN mean lost) and, where there is one, a tocogram of the same length (NaN
    /// means missing).
    ///
    /// # Errors
    /// As [`outcome_features`]: less than 10 min of measured heart rate in the last hour is no answer.
    pub fn predict(&self, fhr_bpm: &[f64], uc: Option<&[f64]>) -> Result<OutcomePrediction> {
        self.predict_features(&outcome_features(fhr_bpm, uc)?)
    }

    /// As [`predict`](Self::predict), of the signals `FHR` and `UC` of a record; in `UC` too 0 means lost.
    ///
    /// # Errors
    /// As `predict`, and as [`analyse_record`](crate::ctg::analyse_record).
    pub fn predict_record(&self, record: &Record) -> Result<OutcomePrediction> {
        self.predict_features(&OutcomeFeatures::of_record(record)?)
    }

    /// As [`predict`](Self::predict), of features that are measured already.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for features of another version.
    pub fn predict_features(&self, features: &OutcomeFeatures) -> Result<OutcomePrediction> {
        let names = OutcomeFeatures::names();
        Mismatch::check("features", names.len(), features.values.len())?;
        let slope = -self.calibration.a;
        let parts = self.features.iter().zip(&self.centre).zip(&self.scale).zip(&self.coefficients);
        let mut score = 0.0;
        let contributions = parts
            .filter_map(|(((name, centre), scale), coefficient)| {
                let value = names.iter().position(|n| n == name).and_then(|at| features.values.get(at))?;
                let part = coefficient * scaled(*value, *centre, *scale);
                score += part;
                Some(Contribution { name: name.clone(), value: *value, log_odds: slope * part })
            })
            .collect();
        let probability = self.calibration.probability(score);
        Ok(OutcomePrediction { probability, contributions, loss: features.loss, assumed: features.assumed })
    }
}

/// Weights and cards of pH ≤ 7.05 and pH < 7.15.
const SHIPPED: [(&str, &str); 2] = [
    (
        include_str!("../../../weights/ctg-outcome-severe.json"),
        include_str!("../../../weights/ctg-outcome-severe.card.json"),
    ),
    (
        include_str!("../../../weights/ctg-outcome-moderate.json"),
        include_str!("../../../weights/ctg-outcome-moderate.card.json"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_models_load_and_every_change_is_found() {
        for ((weights, card), label) in SHIPPED.iter().zip([Acidaemia::SEVERE, Acidaemia::MODERATE]) {
            let model = OutcomeModel::shipped(label).unwrap();
            assert_eq!((model.label(), model.to_json()), (label, (*weights).to_owned()));
            let changed = weights.replacen('1', "2", 1);
            assert!(OutcomeModel::from_bytes(changed.as_bytes(), card.as_bytes()).is_err());
            assert!(card.contains("not a medical device"));
        }
        assert!(OutcomeModel::shipped(Acidaemia::Below { ph: 7.0 }).is_err());
    }

    #[test]
    fn a_broken_file_is_an_error_whatever_its_card_says() {
        let good = OutcomeModel::shipped(Acidaemia::SEVERE).unwrap();
        let read = |text: &str| {
            let mut card = Card::new("test", "tests");
            card.seal(text.as_bytes());
            OutcomeModel::from_bytes(text.as_bytes(), card.to_json().as_bytes())
        };
        assert_eq!(read(&good.to_json()).unwrap(), good);
        assert!(read(&good.to_json().replace("_60", "_61")).is_err());
        assert!(read("{}").is_err());
        let mut short = good.clone();
        short.scale.pop();
        assert!(read(&short.to_json()).is_err());
        let mut flat = good;
        flat.scale[0] = 0.0;
        assert!(read(&flat.to_json()).is_err());
    }

    #[test]
    fn whatever_comes_in_gives_a_probability_or_an_error() {
        let model = OutcomeModel::shipped(Acidaemia::SEVERE).unwrap();
        let constant = vec![140.0; 14_400];
        let mut saturated = constant.clone();
        saturated[3000..9000].fill(220.0);
        let mut infinite = constant.clone();
        infinite.iter_mut().step_by(300).for_each(|v| *v = f64::INFINITY);
        for trace in [&constant, &saturated, &infinite, &vec![140.0; 2400], &vec![50.0; 40_000]] {
            let found = model.predict(trace, None).unwrap();
            assert!(found.probability > 0.0 && found.probability < 1.0, "{found:?}");
            let lost = vec![f64::NAN; trace.len()];
            assert_eq!(model.predict(trace, Some(&lost)).unwrap(), found);
            assert!(model.predict(trace, Some(&vec![0.0; trace.len()])).is_ok());
        }
        for none in [vec![], vec![140.0; 3], vec![140.0; 2399], vec![0.0; 14_400], vec![f64::NAN; 14_400]] {
            assert!(model.predict(&none, None).is_err());
        }
        assert!(model.predict(&constant, Some(&[1.0])).is_err());
    }

    #[test]
    fn contributions_add_up() {
        let model = OutcomeModel::shipped(Acidaemia::MODERATE).unwrap();
        let fhr: Vec<f64> = (0..14_400).map(|i| 135.0 + 5.0 * (f64::from(i) / 23.0).sin()).collect();
        let found = model.predict(&fhr, None).unwrap();
        let sum: f64 = found.contributions.iter().map(|c| c.log_odds).sum();
        let log_odds = (found.probability / (1.0 - found.probability)).ln();
        assert!((log_odds - (sum - model.calibration.b)).abs() < 1e-9);
        assert!(model.predict(&[f64::NAN; 20_000], None).is_err());
    }
}
