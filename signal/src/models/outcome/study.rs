use super::features::OutcomeFeatures;
use super::fit::{OutcomeConfig, cases, order_loss, table};
use super::label::Acidaemia;
use crate::Result;
use eir_core::Estimate;
use eir_core::Rows;
use eir_core::calibration::{Binning, Reliability};
use eir_core::error::{Mismatch, NotFinite, Parameter};
use eir_core::inference::{Bootstrap, SamplingUnits};
use eir_core::metrics::{RocCurve, auroc};
use eir_core::random::Generator;
use eir_core::split::{Nested, Rule};
use serde::{Deserialize, Serialize};

/// Judges an [`OutcomeConfig`] by repeated nested cross-validation: each delivery is foretold by a model whose fit, choice
/// of recipe and calibration have not seen it.
///
/// **Use it** to compare recipes, and with permuted labels to see that nothing leaks: it must then be at chance. **Not**
/// instead of deliveries that were never looked at: the spread over repeats is not the uncertainty.
///
/// # Errors
/// [`run`](Self::run) lists them.
///
/// # References
/// Varma, Simon 2006, doi:10.1186/1471-2105-7-91.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OutcomeStudy {
    /// What is judged.
    pub config: OutcomeConfig,
    /// Outer folds, at least 2. Default 5.
    pub folds: usize,
    /// How often the deliveries are divided anew, at least 1. Default 10.
    pub repeats: usize,
    /// Seed of the divisions. Default 0.
    pub seed: u64,
}

/// What a study found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutcomeReport {
    /// What was foretold.
    pub label: Acidaemia,
    /// Which deliveries have the outcome.
    pub labels: Vec<bool>,
    /// AUROC of each repeat.
    pub auroc_of_repeats: Vec<f64>,
    /// Probability of each delivery in each repeat.
    pub probabilities: Vec<Vec<f64>>,
    /// How often each recipe was chosen.
    pub chosen: Vec<usize>,
}

impl OutcomeStudy {
    /// A study of `config` with the usual folds and repeats.
    #[must_use]
    pub fn new(config: OutcomeConfig) -> Self {
        Self { config, folds: 5, repeats: 10, seed: 0 }
    }

    /// Sets [`folds`](Self::folds).
    #[must_use]
    pub fn with_folds(self, folds: usize) -> Self {
        Self { folds, ..self }
    }

    /// Sets [`repeats`](Self::repeats).
    #[must_use]
    pub fn with_repeats(self, repeats: usize) -> Self {
        Self { repeats, ..self }
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Parameter`] names the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value, least) in [("folds", self.folds, 2), ("repeats", self.repeats, 1)] {
            if value < least {
                return Err(Parameter::new(name, value as f64, "2 folds and 1 repeat, or more").into());
            }
        }
        self.config.validate()
    }

    /// Runs it on deliveries whose pH is known, one row each.
    ///
    /// # Errors
    /// Settings out of range, other numbers of traces and pH, a pH that is NaN, too few deliveries of either kind.
    pub fn run(&self, features: &[OutcomeFeatures], ph: &[f64]) -> Result<OutcomeReport> {
        self.validate()?;
        Mismatch::check("pH values", features.len(), ph.len())?;
        NotFinite::check_f64("pH", ph)?;
        let values = table(features);
        let rows = Rows::new(&values, OutcomeFeatures::names().len())?;
        let (label, cases) = (self.config.label, cases(ph, self.config.label)?);
        let labels: Vec<bool> = ph.iter().map(|ph| label.holds(*ph)).collect();
        let mut report = OutcomeReport {
            label,
            labels,
            auroc_of_repeats: Vec::new(),
            probabilities: Vec::new(),
            chosen: vec![0; self.config.recipes.len()],
        };
        let seeds = Generator::new(self.seed, "outcome study");
        for repeat in 0..self.repeats {
            let mut stream = seeds.stream(repeat as u64);
            let nested = Nested {
                outer: Rule::Folds { folds: self.folds, seed: stream.bits() },
                inner: Rule::Folds { folds: self.config.folds, seed: stream.bits() },
            };
            let found = nested.run(&self.config.candidates(), rows, ph, &cases, order_loss)?;
            found.chosen.iter().for_each(|c| report.chosen[*c] += 1);
            report.auroc_of_repeats.push(auroc(&report.labels, &found.predictions.predictions)?);
            report.probabilities.push(found.predictions.predictions);
        }
        Ok(report)
    }

    /// As [`run`](Self::run), with the pH values dealt out anew: mean AUROC over `times` deals. Without leakage it is 0.5
    /// within its own chance.
    ///
    /// # Errors
    /// As `run`.
    pub fn permuted(&self, features: &[OutcomeFeatures], ph: &[f64], times: usize) -> Result<f64> {
        let once = self.clone().with_repeats(1);
        let deals = Generator::new(self.seed, "permuted labels");
        let mut sum = 0.0;
        for deal in 0..times.max(1) {
            let mut dealt = ph.to_vec();
            deals.stream(deal as u64).shuffle(&mut dealt);
            let found = once.clone().with_seed(self.seed ^ deal as u64).run(features, &dealt)?;
            sum += found.mean_auroc();
        }
        Ok(sum / times.max(1) as f64)
    }
}

impl OutcomeReport {
    /// A report to which repeats are added.
    #[cfg(feature = "train")]
    pub(in crate::models) fn new(label: Acidaemia, labels: Vec<bool>) -> Self {
        Self { label, labels, auroc_of_repeats: Vec::new(), probabilities: Vec::new(), chosen: Vec::new() }
    }

    /// Mean AUROC over the repeats.
    #[must_use]
    pub fn mean_auroc(&self) -> f64 {
        self.auroc_of_repeats.iter().sum::<f64>() / self.auroc_of_repeats.len().max(1) as f64
    }

    /// Standard deviation of the AUROC over the repeats: what dividing anew changes. Not the uncertainty.
    #[must_use]
    pub fn spread_of_repeats(&self) -> f64 {
        let mean = self.mean_auroc();
        let squares = self.auroc_of_repeats.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        (squares / self.auroc_of_repeats.len().max(1) as f64).sqrt()
    }

    /// Mean probability of each delivery over the repeats.
    #[must_use]
    pub fn mean_probabilities(&self) -> Vec<f64> {
        let n = self.probabilities.len().max(1) as f64;
        (0..self.labels.len()).map(|i| self.probabilities.iter().filter_map(|p| p.get(i)).sum::<f64>() / n).collect()
    }

    /// AUROC of the mean probabilities among the deliveries for which `counts` is true, with its bootstrap interval
    /// (2000 draws of deliveries).
    ///
    /// # Errors
    /// [`Mismatch`] unless there is one flag per delivery; as [`Bootstrap::auroc`] for deliveries of one kind.
    pub fn auroc_among(&self, counts: &[bool]) -> Result<Estimate> {
        Mismatch::check("flags", self.labels.len(), counts.len())?;
        let p = self.mean_probabilities();
        let chosen = (0..counts.len()).filter(|i| counts[*i]);
        let (labels, p): (Vec<bool>, Vec<f64>) = chosen.map(|i| (self.labels[i], p[i])).unzip();
        Ok(Bootstrap::default().auroc(&labels, &p, &SamplingUnits::by_outcome(&labels)?)?)
    }

    /// Expected calibration error over ten bins of equal size, as a mean over the repeats.
    ///
    /// # Errors
    /// None for a report of a study.
    pub fn calibration_error(&self) -> Result<f64> {
        let of = |p: &Vec<f64>| Ok(Reliability::new(&self.labels, p, Binning::Quantile(10))?.ece());
        let errors = self.probabilities.iter().map(of).collect::<Result<Vec<f64>>>()?;
        Ok(errors.iter().sum::<f64>() / errors.len().max(1) as f64)
    }

    /// Share of the deliveries with the outcome that are found where `specificity` of the others are left alone: mean
    /// over the repeats.
    ///
    /// # Errors
    /// For a specificity outside 0 to 1.
    pub fn sensitivity_at(&self, specificity: f64) -> Result<f64> {
        let of = |p: &Vec<f64>| Ok(RocCurve::new(&self.labels, p)?.sensitivity_at_specificity(specificity)?);
        let all = self.probabilities.iter().map(of).collect::<Result<Vec<f64>>>()?;
        Ok(all.iter().sum::<f64>() / all.len().max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Recipe;

    /// Deliveries in which the deceleration area of the last 30 min says something about the pH, or not.
    fn deliveries(n: usize, told: f64) -> (Vec<OutcomeFeatures>, Vec<f64>) {
        let mut stream = Generator::new(3, "deliveries").stream(0);
        let names = OutcomeFeatures::names();
        let place = names.iter().position(|n| n == "deceleration_area_30").unwrap();
        let one = |_| {
            let values: Vec<f64> = names.iter().map(|_| stream.normal()).collect();
            let ph = 7.22 + 0.08 * (stream.normal() - told * values[place]);
            (OutcomeFeatures { values, loss: 0.0, assumed: 0 }, ph)
        };
        (0..n).map(one).unzip()
    }

    fn config() -> OutcomeConfig {
        let names = ["deceleration_area_30", "log_stv_60"];
        let recipes = [0.01, 1.0].map(|c| Recipe::new(&names, c, true).unwrap());
        OutcomeConfig::default().with_label(Acidaemia::MODERATE).with_recipes(recipes.to_vec())
    }

    #[test]
    fn what_is_told_is_found_and_what_is_dealt_is_not() {
        let (features, ph) = deliveries(200, 1.5);
        let study = OutcomeStudy::new(config()).with_repeats(2);
        let report = study.run(&features, &ph).unwrap();
        assert!(report.mean_auroc() > 0.8, "{report:?}");
        assert!(report.calibration_error().unwrap() < 0.12);
        assert!(report.sensitivity_at(0.85).unwrap() > 0.4);
        let chance = study.permuted(&features, &ph, 6).unwrap();
        assert!((chance - 0.5).abs() < 0.08, "{chance}");
        let model = config().fit(&features, &ph).unwrap();
        assert_eq!(model.features(), ["deceleration_area_30", "log_stv_60"]);
        let fits = |f: &OutcomeFeatures| model.predict_features(f).unwrap().probability;
        assert!(fits(&features[0]) > 0.0);
        assert_eq!(study.run(&features, &ph).unwrap(), report);
    }

    #[test]
    fn bad_input_is_an_error() {
        let (features, mut ph) = deliveries(40, 1.0);
        let study = OutcomeStudy::new(config());
        assert!(study.run(&features, &ph[1..]).is_err());
        ph[3] = f64::NAN;
        assert!(study.run(&features, &ph).is_err());
        assert!(study.run(&features, &[7.3; 40]).is_err());
        assert!(OutcomeStudy::new(config().with_recipes(Vec::new())).validate().is_err());
        assert!(study.clone().with_folds(1).validate().is_err());
        assert!(Recipe::new(&["weight"], 1.0, true).is_err());
    }
}
