use super::features::OutcomeFeatures;
use super::label::Acidaemia;
use super::model::OutcomeModel;
use crate::{Error, Result};
use eir_core::calibration::{Calibrator, Platt, PlattCalibrator};
use eir_core::error::{Mismatch, NotFinite, Parameter};
use eir_core::learn::{LogisticRegression, Scaler, StandardScaler};
use eir_core::metrics::auroc;
use eir_core::split::{Cases, Fit, Rule, Training, cross_validate};
use eir_core::{Model, Rows};
use serde::{Deserialize, Serialize};

/// What the steps return that the protocols of the core call.
type Core<T> = std::result::Result<T, eir_core::Error>;

/// Standard deviations from the mean at which a feature is cut off: an artefact may say "much", not more.
const FARTHEST: f64 = 2.5;
/// pH limits that one set of coefficients has to serve.
const LIMITS: [f64; 5] = [7.05, 7.10, 7.15, 7.20, 7.25];
/// What makes the penalty on the intercepts of the limits small.
const INTERCEPT: f64 = 10.0;

/// One way to make the model: which features, how strongly they are held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Recipe {
    /// Columns of the features.
    pub columns: Vec<usize>,
    /// Weight of the data against the penalty, above 0; small is cautious.
    pub c: f64,
    /// Whether one set of coefficients is fitted to several limits of the pH together (proportional odds): far more
    /// deliveries then say something about the coefficients than the few with the outcome itself.
    pub graded: bool,
}

impl Recipe {
    /// The features with these names.
    ///
    /// # Errors
    /// [`Error::NotFound`] names a feature that there is not.
    pub fn new(names: &[&str], c: f64, graded: bool) -> Result<Self> {
        let known = OutcomeFeatures::names();
        let find = |name: &&str| {
            known.iter().position(|k| k == name).ok_or_else(|| Error::NotFound {
                what: "feature",
                name: (*name).to_owned(),
                instead: "OutcomeFeatures::names lists them".to_owned(),
            })
        };
        let columns = names.iter().map(find).collect::<Result<Vec<_>>>()?;
        Ok(Self { columns, c, graded })
    }
}

/// How an [`OutcomeModel`] is fitted: the recipes between which cross-validation chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OutcomeConfig {
    /// What is foretold. Default pH ≤ 7.05.
    pub label: Acidaemia,
    /// The recipes, at least one; the first of equals is taken.
    pub recipes: Vec<Recipe>,
    /// Folds in which recipes are compared and probabilities calibrated, at least 2. Default 5.
    pub folds: usize,
    /// Seed of the folds. Default 0.
    pub seed: u64,
}

impl Default for OutcomeConfig {
    fn default() -> Self {
        Self { label: Acidaemia::SEVERE, recipes: recipes(&FEATURES), folds: 5, seed: 0 }
    }
}

/// Recipes of the features `names`, more or less held back.
fn recipes(names: &[&str]) -> Vec<Recipe> {
    let known = OutcomeFeatures::names();
    let columns: Vec<usize> = names.iter().filter_map(|n| known.iter().position(|k| k == n)).collect();
    [0.001, 0.003, 0.01].map(|c| Recipe { columns: columns.clone(), c, graded: true }).to_vec()
}

/// The features of the default: few, each with a reason. Oxygen is short when decelerations are large or long, when the
/// rate falls low, when the baseline is high and when it falls towards the end; a trace of which much is lost is
/// often one of a second stage that went on. Short-term variation has a say because everybody asks for it.
const FEATURES: [&str; 8] = [
    "deceleration_area_60",
    "prolonged_60",
    "lowest_bpm_60",
    "lowest_bpm_30",
    "baseline_bpm_60",
    "baseline_rise_60",
    "log_stv_60",
    "loss_60",
];
/// Variability alone.
const VARIABILITY: [&str; 2] = ["log_stv_60", "log_minute_range_60"];

impl OutcomeConfig {
    /// Recipes of short-term variation and minute range alone: the measure that is trusted most, and what it is worth.
    #[must_use]
    pub fn variability_alone() -> Vec<Recipe> {
        recipes(&VARIABILITY)
    }

    /// Sets [`label`](Self::label).
    #[must_use]
    pub fn with_label(self, label: Acidaemia) -> Self {
        Self { label, ..self }
    }

    /// Sets [`recipes`](Self::recipes).
    #[must_use]
    pub fn with_recipes(self, recipes: Vec<Recipe>) -> Self {
        Self { recipes, ..self }
    }

    /// Sets [`folds`](Self::folds).
    #[must_use]
    pub fn with_folds(self, folds: usize) -> Self {
        Self { folds, ..self }
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
        if self.recipes.is_empty() {
            return Err(Parameter::new("recipes", 0.0, "at least one").into());
        }
        let columns = OutcomeFeatures::names().len();
        for recipe in &self.recipes {
            if let Some(column) = recipe.columns.iter().find(|c| **c >= columns) {
                return Err(Parameter::new("column", *column as f64, "one of the features").into());
            }
            if recipe.columns.is_empty() || !(recipe.c > 0.0 && recipe.c.is_finite()) {
                return Err(Parameter::new("c", recipe.c, "above 0 and finite, with at least one column").into());
            }
        }
        if self.folds < 2 {
            return Err(Parameter::new("folds", self.folds as f64, "2 or more").into());
        }
        Ok(())
    }

    /// The recipes as what nested cross-validation chooses between.
    pub(super) fn candidates(&self) -> Vec<Candidate<'_>> {
        self.recipes.iter().map(|recipe| Candidate { config: self, recipe }).collect()
    }

    /// Fits the model: the recipe with the best cross-validated order of deliveries, its probabilities calibrated on
    /// scores for deliveries that the fold's fit has not seen.
    ///
    /// # Errors
    /// Settings out of range, other numbers of traces and pH, a pH that is NaN, too few deliveries of either kind for
    /// the folds.
    pub fn fit(&self, features: &[OutcomeFeatures], ph: &[f64]) -> Result<OutcomeModel> {
        self.validate()?;
        Mismatch::check("pH values", features.len(), ph.len())?;
        NotFinite::check_f64("pH", ph)?;
        let (values, names) = (table(features), OutcomeFeatures::names());
        let rows = Rows::new(&values, names.len())?;
        let candidates = self.candidates();
        let losses = candidates.iter().map(|c| c.loss(rows, ph)).collect::<Core<Vec<f64>>>()?;
        let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap_or_default();
        let Calibrated { line, calibration } = candidates[best].calibrated(rows, ph)?;
        Ok(OutcomeModel {
            label: self.label,
            features: line.columns.iter().map(|c| names[*c].clone()).collect(),
            centre: line.scaler.centre,
            scale: line.scaler.scale,
            coefficients: line.coefficients,
            calibration,
        })
    }
}

/// All features, row after row.
pub(super) fn table(features: &[OutcomeFeatures]) -> Vec<f64> {
    features.iter().flat_map(|f| f.values.iter().copied()).collect()
}

/// A feature in standard deviations, cut off.
pub(super) fn scaled(value: f64, centre: f64, scale: f64) -> f64 {
    ((value - centre) / scale).clamp(-FARTHEST, FARTHEST)
}

/// 1 − the mean AUROC over the limits that both sides of have deliveries: the order of all of them counts, not only that
/// of the few with the outcome.
pub(super) fn order_loss(ph: &[f64], scores: &[f64]) -> Core<f64> {
    let mut areas = Vec::new();
    for limit in LIMITS {
        let labels: Vec<bool> = ph.iter().map(|v| *v <= limit).collect();
        if labels.contains(&true) && labels.contains(&false) {
            areas.push(auroc(&labels, scores)?);
        }
    }
    if areas.is_empty() {
        Err(eir_core::Error::OneClass)
    } else {
        Ok(1.0 - areas.iter().sum::<f64>() / areas.len() as f64)
    }
}

/// A recipe with what it needs to be fitted in a fold.
pub(super) struct Candidate<'a> {
    config: &'a OutcomeConfig,
    recipe: &'a Recipe,
}

/// Scaler and coefficients: as a [`Model`] of all features, the score.
#[derive(Debug, Clone)]
pub(super) struct Line {
    columns: Vec<usize>,
    scaler: Scaler,
    coefficients: Vec<f64>,
}

impl Line {
    fn score(&self, row: &[f64]) -> f64 {
        let values = self.columns.iter().zip(&self.scaler.centre).zip(&self.scaler.scale);
        values.zip(&self.coefficients).map(|(((c, m), s), b)| b * scaled(row[*c], *m, *s)).sum()
    }
}

impl Model for Line {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Core<()> {
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        out.iter_mut().zip(rows).for_each(|(to, row)| *to = self.score(row));
        Ok(())
    }
}

/// A line with its calibration: as a [`Model`], the probability.
#[derive(Debug, Clone)]
pub(super) struct Calibrated {
    line: Line,
    calibration: PlattCalibrator,
}

impl Model for Calibrated {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Core<()> {
        self.line.predict_into(rows, out)?;
        out.iter_mut().for_each(|v| *v = self.calibration.probability(*v));
        Ok(())
    }
}

impl Fit for Candidate<'_> {
    type Fitted = Calibrated;

    fn fit(&self, train: &Training) -> Core<Calibrated> {
        self.calibrated(train.rows(), train.targets())
    }
}

impl Candidate<'_> {
    fn labels(&self, ph: &[f64]) -> Vec<bool> {
        ph.iter().map(|ph| self.config.label.holds(*ph)).collect()
    }

    /// Scaler and coefficients.
    fn line(&self, rows: Rows<'_>, ph: &[f64]) -> Core<Line> {
        let columns = &self.recipe.columns;
        let mut x: Vec<f64> = rows.iter().flat_map(|row| columns.iter().map(|c| row[*c])).collect();
        let scaler = StandardScaler::default().fit(Rows::new(&x, columns.len())?)?;
        for row in x.chunks_exact_mut(columns.len()) {
            for ((v, centre), scale) in row.iter_mut().zip(&scaler.centre).zip(&scaler.scale) {
                *v = scaled(*v, *centre, *scale);
            }
        }
        let logistic = LogisticRegression::default().with_c(self.recipe.c);
        let fitted = if self.recipe.graded {
            // each delivery once per limit, with a column per limit behind its features
            let mut graded = Vec::with_capacity(ph.len() * LIMITS.len() * (columns.len() + LIMITS.len()));
            let mut labels = Vec::with_capacity(ph.len() * LIMITS.len());
            for (row, ph) in x.chunks_exact(columns.len()).zip(ph) {
                for (k, limit) in LIMITS.iter().enumerate() {
                    graded.extend_from_slice(row);
                    graded.extend((0..LIMITS.len()).map(|j| if j == k { INTERCEPT } else { 0.0 }));
                    labels.push(ph <= limit);
                }
            }
            logistic.fit(Rows::new(&graded, columns.len() + LIMITS.len())?, &labels)?
        } else {
            logistic.fit(Rows::new(&x, columns.len())?, &self.labels(ph))?
        };
        let coefficients = fitted.linear.coefficients.into_iter().take(columns.len()).collect();
        Ok(Line { columns: columns.clone(), scaler, coefficients })
    }

    /// Scores from fits that have not seen the row.
    fn unseen(&self, rows: Rows<'_>, ph: &[f64]) -> Core<Vec<f64>> {
        let rule = Rule::Folds { folds: self.config.folds, seed: self.config.seed };
        let splits = cases(ph, self.config.label)?.split(&rule)?;
        let fit = |train: &Training| self.line(train.rows(), train.targets());
        Ok(cross_validate(&fit, rows, ph, &splits)?.predictions)
    }

    fn loss(&self, rows: Rows<'_>, ph: &[f64]) -> Core<f64> {
        order_loss(ph, &self.unseen(rows, ph)?)
    }

    fn calibrated(&self, rows: Rows<'_>, ph: &[f64]) -> Core<Calibrated> {
        let calibration = Platt::default().fit(&self.labels(ph), &self.unseen(rows, ph)?)?;
        Ok(Calibrated { line: self.line(rows, ph)?, calibration })
    }
}

/// What is known of the deliveries: whether they have the outcome.
pub(super) fn cases(ph: &[f64], label: Acidaemia) -> Core<Cases> {
    let classes: Vec<usize> = ph.iter().map(|ph| usize::from(label.holds(*ph))).collect();
    Cases::new(ph.len())?.with_classes(&classes)
}
