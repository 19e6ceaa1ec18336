//! Fitting temporal models, and judging them by nested cross-validation.

use super::network::Network;
use super::{CtgSequence, LIMITS, TemporalConfig};
use crate::Result;
use crate::models::vae::{numbers, seeded::seeded};
use crate::models::{Acidaemia, OutcomeReport};
use burn::module::Module;
use burn::tensor::activation::softplus;
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::calibration::{Calibrator, Platt};
use eir_core::error::{Mismatch, NotFinite, Parameter};
use eir_core::metrics::auroc;
use eir_core::random::{Generator, Stream};
use eir_core::split::{Cases, Rule, Split};
use eir_core::train::{Learn, Optimiser, Schedule, StepError, TrainConfig, Trainer};

/// Sequences that go through a network together.
const BATCH: usize = 64;

/// A fitted temporal model of the order of deliveries: a higher score, a lower pH.
///
/// **Use it** to compare networks with plain models by [`TemporalStudy`]. **Not** in a delivery room, and not instead of
/// [`OutcomeModel`](crate::models::OutcomeModel) unless the study says that it is better.
#[derive(Debug)]
pub struct TemporalModel {
    network: Network,
    scaling: Scaling,
    device: Device,
}

/// Mean and standard deviation of each number of a step over the sequences of the fit.
#[derive(Debug, Clone)]
struct Scaling {
    centre: Vec<f32>,
    scale: Vec<f32>,
}

impl Scaling {
    fn of(sequences: &[&CtgSequence]) -> Self {
        let of = |k: usize| {
            let all = || sequences.iter().flat_map(|s| s.values.iter().skip(k).step_by(CtgSequence::NUMBERS));
            let n = (sequences.len() * CtgSequence::STEPS).max(1) as f64;
            let mean = all().map(|v| f64::from(*v)).sum::<f64>() / n;
            let spread = all().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
            (mean as f32, spread.sqrt().max(1e-3) as f32)
        };
        let (centre, scale) = (0..CtgSequence::NUMBERS).map(of).unzip();
        Self { centre, scale }
    }

    fn apply(&self, sequence: &CtgSequence) -> Vec<f32> {
        let scales = self.centre.iter().zip(&self.scale).cycle();
        sequence.values.iter().zip(scales).map(|(v, (c, s))| ((v - c) / s).clamp(-4.0, 4.0)).collect()
    }
}

/// A delivery to learn from: scaled numbers, and which limits its pH lies at or below.
struct Example {
    values: Vec<f32>,
    labels: [f32; LIMITS.len()],
}

#[derive(Module, Debug)]
struct Learner {
    network: Network,
}

impl Learn for Learner {
    type Example = Example;

    fn loss(&self, batch: &[&Example], _: &mut Stream, device: &Device) -> std::result::Result<Tensor<1>, StepError> {
        let values: Vec<f32> = batch.iter().flat_map(|e| e.values.iter().copied()).collect();
        let labels: Vec<f32> = batch.iter().flat_map(|e| e.labels).collect();
        let logits = self.network.forward(tensor(values, device));
        let labels = Tensor::<2>::from_data(TensorData::new(labels, [batch.len(), LIMITS.len()]), device);
        Ok((softplus(logits.clone(), 1.0) - logits * labels).mean())
    }
}

fn tensor(values: Vec<f32>, device: &Device) -> Tensor<3> {
    let step = CtgSequence::STEPS * CtgSequence::NUMBERS;
    let shape = [values.len() / step, CtgSequence::STEPS, CtgSequence::NUMBERS];
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl TemporalConfig {
    /// Fits a model to deliveries whose pH is known.
    ///
    /// # Errors
    /// Settings out of range, [`Mismatch`] for other numbers of sequences and pH, [`NotFinite`] for a pH that is none,
    /// [`Error::Training`](crate::Error::Training).
    pub fn fit(&self, sequences: &[&CtgSequence], ph: &[f64], device: &Device) -> Result<TemporalModel> {
        self.validate()?;
        Mismatch::check("pH values", sequences.len(), ph.len())?;
        NotFinite::check_f64("pH", ph)?;
        let scaling = Scaling::of(sequences);
        let example = |(s, ph): (&&CtgSequence, &f64)| Example {
            values: scaling.apply(s),
            labels: LIMITS.map(|limit| f32::from(u8::from(*ph <= limit))),
        };
        let examples: Vec<Example> = sequences.iter().zip(ph).map(example).collect();
        let train = TrainConfig::default().with_epochs(self.epochs).with_learning_rate(self.learning_rate);
        let train = train.with_optimiser(Optimiser::AdamW { weight_decay: self.weight_decay }).with_seed(self.seed);
        let train = train.with_schedule(Schedule::Cosine { warm_up_steps: 10, floor: 0.02 }).with_clip_norm(1.0);
        let learner = Learner { network: seeded(Network::new(self, device), self.seed, "ctg-temporal") };
        let fitted = Trainer::new(train)?.fit(learner, &examples, &[], device)?;
        Ok(TemporalModel { network: fitted.model.network, scaling, device: device.clone() })
    }
}

impl TemporalModel {
    /// The mean log-odds over the limits of each sequence.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn scores(&self, sequences: &[&CtgSequence]) -> Result<Vec<f64>> {
        let mut scores = Vec::with_capacity(sequences.len());
        for batch in sequences.chunks(BATCH) {
            let values = batch.iter().flat_map(|s| self.scaling.apply(s)).collect();
            let logits = numbers(self.network.forward(tensor(values, &self.device)))?;
            let mean = |l: &[f32]| l.iter().map(|v| f64::from(*v)).sum::<f64>() / LIMITS.len() as f64;
            scores.extend(logits.chunks_exact(LIMITS.len()).map(mean));
        }
        Ok(scores)
    }
}

/// Judges a [`TemporalConfig`] by repeated nested cross-validation, split by delivery: each delivery is foretold by a
/// network whose fit, scaling and calibration have not seen it. One fit serves all labels.
///
/// The autoencoder whose codes are read may have seen the traces, never their outcome: say which.
///
/// # Validation
/// On 368 CTU-UHB deliveries with the codes of the shipped autoencoder (`cargo xtask train ctg-outcome`, 2 repeats of 5
/// folds): AUROC of pH ≤ 7.05 0.64 (TCN) and 0.74 (GRU), of pH < 7.15 0.62 and 0.67. The plain
/// [`OutcomeModel`](crate::models::OutcomeModel) has 0.748 and 0.709: no network is shipped.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TemporalStudy {
    /// What is judged.
    pub config: TemporalConfig,
    /// Outer folds, at least 2. Default 5.
    pub folds: usize,
    /// Inner folds, in which probabilities are calibrated, at least 2. Default 5.
    pub inner_folds: usize,
    /// How often the deliveries are divided anew, at least 1. Default 2.
    pub repeats: usize,
    /// Seed of the divisions. Default 0.
    pub seed: u64,
}

impl TemporalStudy {
    /// A study of `config` with the usual folds.
    #[must_use]
    pub fn new(config: TemporalConfig) -> Self {
        Self { config, folds: 5, inner_folds: 5, repeats: 2, seed: 0 }
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

    /// Runs it; a report for each of `labels`.
    ///
    /// # Errors
    /// Settings out of range, and as [`TemporalConfig::fit`]; too few deliveries of a kind for the folds.
    pub fn run(
        &self,
        sequences: &[CtgSequence],
        ph: &[f64],
        labels: &[Acidaemia],
        device: &Device,
    ) -> Result<Vec<OutcomeReport>> {
        for (name, value, least) in
            [("folds", self.folds, 2), ("inner_folds", self.inner_folds, 2), ("repeats", self.repeats, 1)]
        {
            if value < least {
                return Err(Parameter::new(name, value as f64, "2 folds and 1 repeat, or more").into());
            }
        }
        Mismatch::check("pH values", sequences.len(), ph.len())?;
        NotFinite::check_f64("pH", ph)?;
        // classes by how many of the labels hold, so that folds have their share of each
        let classes: Vec<usize> = ph.iter().map(|ph| labels.iter().filter(|l| l.holds(*ph)).count()).collect();
        let cases = Cases::new(ph.len())?.with_classes(&classes)?;
        let held = |label: &Acidaemia, of: &[usize]| of.iter().map(|i| label.holds(ph[*i])).collect::<Vec<bool>>();
        let every: Vec<usize> = (0..ph.len()).collect();
        let mut reports: Vec<OutcomeReport> =
            labels.iter().map(|label| OutcomeReport::new(*label, held(label, &every))).collect();
        let seeds = Generator::new(self.seed, "temporal study");
        for repeat in 0..self.repeats {
            let mut stream = seeds.stream(repeat as u64);
            let outer = cases.split(&Rule::Folds { folds: self.folds, seed: stream.bits() })?;
            let inner_rule = Rule::Folds { folds: self.inner_folds, seed: stream.bits() };
            let mut probabilities = vec![vec![f64::NAN; ph.len()]; labels.len()];
            for split in &outer {
                let train = split.train();
                let own: Vec<usize> = train.iter().map(|i| classes[*i]).collect();
                let inner = Cases::new(train.len())?.with_classes(&own)?.split(&inner_rule)?;
                let unseen = self.unseen(sequences, ph, train, &inner, device)?;
                let scores = self.score(sequences, ph, train, split.test(), device)?;
                for (label, probabilities) in labels.iter().zip(&mut probabilities) {
                    let calibration = Platt::default().fit(&held(label, train), &unseen)?;
                    for (row, score) in split.test().iter().zip(&scores) {
                        probabilities[*row] = calibration.probability(*score);
                    }
                }
            }
            for (report, found) in reports.iter_mut().zip(probabilities) {
                report.auroc_of_repeats.push(auroc(&report.labels, &found)?);
                report.probabilities.push(found);
            }
        }
        Ok(reports)
    }

    /// Scores of deliveries `of` by a model of deliveries `train`.
    fn score(
        &self,
        sequences: &[CtgSequence],
        ph: &[f64],
        train: &[usize],
        of: &[usize],
        device: &Device,
    ) -> Result<Vec<f64>> {
        let pick = |rows: &[usize]| rows.iter().map(|i| &sequences[*i]).collect::<Vec<&CtgSequence>>();
        let known: Vec<f64> = train.iter().map(|i| ph[*i]).collect();
        self.config.fit(&pick(train), &known, device)?.scores(&pick(of))
    }

    /// Scores of the training deliveries by models that have not seen them.
    fn unseen(
        &self,
        sequences: &[CtgSequence],
        ph: &[f64],
        train: &[usize],
        inner: &[Split],
        device: &Device,
    ) -> Result<Vec<f64>> {
        let mut unseen = vec![f64::NAN; train.len()];
        for split in inner {
            let rows = |of: &[usize]| of.iter().map(|i| train[*i]).collect::<Vec<usize>>();
            let scores = self.score(sequences, ph, &rows(split.train()), &rows(split.test()), device)?;
            split.test().iter().zip(scores).for_each(|(row, score)| unseen[*row] = score);
        }
        Ok(unseen)
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::models::TemporalKind;

    /// Deliveries whose pH falls with a number that rises towards the end.
    fn deliveries(n: usize, told: f32) -> (Vec<CtgSequence>, Vec<f64>) {
        let mut stream = Generator::new(4, "sequences").stream(0);
        let one = |_| {
            let size = stream.normal();
            let mut values: Vec<f32> =
                (0..CtgSequence::STEPS * CtgSequence::NUMBERS).map(|_| 0.5 * stream.normal() as f32).collect();
            for (t, step) in values.chunks_exact_mut(CtgSequence::NUMBERS).enumerate() {
                step[3] += told * size as f32 * t as f32 / 15.0;
            }
            (CtgSequence { values }, 7.22 - 0.08 * (size + 0.3 * stream.normal()))
        };
        (0..n).map(one).unzip()
    }

    #[test]
    fn what_is_told_is_found() {
        let (sequences, ph) = deliveries(120, 3.0);
        for kind in [TemporalKind::Tcn, TemporalKind::Gru] {
            let mut config = TemporalConfig::default().with_kind(kind).with_epochs(20);
            config.learning_rate = 0.02; // few steps
            let device = Device::flex();
            let mut study = TemporalStudy::new(config).with_repeats(1);
            (study.folds, study.inner_folds) = (2, 2);
            let found = study.run(&sequences, &ph, &[Acidaemia::MODERATE], &device).unwrap();
            assert!(found[0].mean_auroc() > 0.75, "{kind:?}: {}", found[0].mean_auroc());
            assert!(found[0].mean_probabilities().iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }
}
