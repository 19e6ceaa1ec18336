use super::checkpoint::{Checkpoint, Task};
use super::clip::clip;
use super::{EarlyStopping, Error, Learn, TrainConfig};
use crate::error::{Mismatch, TooShort};
use crate::file;
use crate::random::Generator;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// One line of a training's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Epoch {
    /// Its number, from 0.
    pub epoch: usize,
    /// Mean loss over its examples, each as the model was at its step.
    pub training_loss: f64,
    /// Mean loss over the validation data after it, where there are any.
    pub validation_loss: Option<f64>,
    /// Learning rate of its last step.
    pub learning_rate: f64,
    /// Mean norm of the gradient over its steps, before clipping.
    pub gradient_norm: f64,
}

impl Epoch {
    /// The loss that decides: validation's, else training's.
    fn monitored(&self) -> f64 {
        self.validation_loss.unwrap_or(self.training_loss)
    }
}

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// It had all its epochs.
    Finished,
    /// The monitored loss did not fall any more.
    Early,
    /// The progress callback said so; fitting again with the same checkpoint goes on.
    Interrupted,
}

/// A trained network.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fitted<M> {
    /// The model as it was after the epoch with the lowest monitored loss, without derivatives.
    pub model: M,
    /// Every epoch.
    pub history: Vec<Epoch>,
    /// Why it ended.
    pub stopped: Stopped,
}

/// How far a training is, after each step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Steps of the epoch so far.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Loss of the step's batch.
    pub loss: f64,
}

type Callback<'a> = Box<dyn FnMut(&Progress) -> ControlFlow<()> + 'a>;

/// Trains networks as a [`TrainConfig`] says.
///
/// # Examples
/// See the [module](super).
///
/// # Validation
/// The same seed gives the same bytes, and a training that was interrupted and resumed gives those of one that was not,
/// on the CPU backend `flex` (burn 0.22.1). burn's dropout draws from one generator per process: two trainings with
/// dropout at the same time in one process disturb one another's numbers.
pub struct Trainer<'a> {
    config: TrainConfig,
    checkpoint: Option<PathBuf>,
    log: Option<PathBuf>,
    progress: Option<Callback<'a>>,
}

impl std::fmt::Debug for Trainer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { config, checkpoint, log, .. } = self;
        f.debug_struct("Trainer").field("config", config).field("checkpoint", checkpoint).field("log", log).finish()
    }
}

impl<'a> Trainer<'a> {
    /// A trainer with a valid configuration.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the setting that is out of range.
    pub fn new(config: TrainConfig) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self { config, checkpoint: None, log: None, progress: None })
    }

    /// Writes a checkpoint to `path` after every epoch, and goes on from it if it is there.
    #[must_use]
    pub fn with_checkpoint(self, path: impl Into<PathBuf>) -> Self {
        Self { checkpoint: Some(path.into()), ..self }
    }

    /// Writes the log to `path`: one [`Epoch`] as JSON per line.
    #[must_use]
    pub fn with_log(self, path: impl Into<PathBuf>) -> Self {
        Self { log: Some(path.into()), ..self }
    }

    /// Calls `progress` after every step; `ControlFlow::Break` interrupts the training.
    #[must_use]
    pub fn with_progress(self, progress: impl FnMut(&Progress) -> ControlFlow<()> + 'a) -> Self {
        Self { progress: Some(Box::new(progress)), ..self }
    }

    /// Trains `model` on `device` (given without derivatives) and gives the best of its epochs.
    ///
    /// `validation` decides which epoch is best, when to stop and when a plateau is reached; where it is empty, the
    /// training loss does.
    ///
    /// # Errors
    /// [`Error::TooShort`] without training data, [`Error::NotFinite`] if loss or gradient are not finite,
    /// [`Error::Step`] if the model's step fails, [`Error::Mismatch`] if the checkpoint belongs to another training,
    /// [`Error::Malformed`] if it is none.
    pub fn fit<M: Learn>(
        &mut self,
        model: M,
        training: &[M::Example],
        validation: &[M::Example],
        device: &Device,
    ) -> Result<Fitted<M>, Error> {
        if training.is_empty() {
            return Err(TooShort::new("training examples", 0, 1).into());
        }
        let config = self.config.clone();
        let task = Task { config: &config, training: training.len(), validation: validation.len() };
        let model = model.valid().to_device(device).train();
        let best = model.valid();
        let mut state = Checkpoint { history: Vec::new(), model, best, optimiser: config.optimiser.init() };
        if let Some(path) = self.checkpoint.as_ref().filter(|path| path.exists()) {
            state = Checkpoint::read(path, &task, &state.model, state.optimiser)?;
        }
        let stopped = loop {
            let epoch = state.history.len();
            if epoch >= config.epochs {
                break Stopped::Finished;
            }
            if config.early_stopping.is_some_and(|rule| rule.ends(&state.history)) {
                break Stopped::Early;
            }
            let Some(line) =
                self.epoch(epoch, &mut state.model, &mut state.optimiser, &state.history, training, device)?
            else {
                break Stopped::Interrupted;
            };
            let valid = state.model.valid();
            let line = Epoch { validation_loss: self.validate(&valid, epoch, validation, device)?, ..line };
            if state.history.iter().all(|before| line.monitored() < before.monitored()) {
                state.best = valid;
            }
            state.history.push(line);
            if let Some(path) = &self.checkpoint {
                state.write(path, &task)?;
            }
            self.write_log(&state.history)?;
        };
        self.write_log(&state.history)?; // a kill can come between checkpoint and log
        Ok(Fitted { model: state.best, history: state.history, stopped })
    }

    /// One pass over the training data; none if it was interrupted.
    fn epoch<M: Learn>(
        &mut self,
        epoch: usize,
        model: &mut M,
        optimiser: &mut ModuleOptimizer,
        history: &[Epoch],
        training: &[M::Example],
        device: &Device,
    ) -> Result<Option<Epoch>, Error> {
        let config = &self.config;
        let device = device.clone().autodiff();
        let losses: Vec<f64> = history.iter().map(Epoch::monitored).collect();
        let mut order: Vec<&M::Example> = training.iter().collect();
        Generator::new(config.seed, "training order").stream(epoch as u64).shuffle(&mut order);
        let (steps, dropout) = (Generator::new(config.seed, "training step"), Generator::new(config.seed, "dropout"));
        let per_epoch = order.len().div_ceil(config.batch);
        let (mut loss_sum, mut norm_sum, mut rate) = (0.0, 0.0, 0.0);
        for (batch, examples) in order.chunks(config.batch).enumerate() {
            let step = epoch * per_epoch + batch;
            let factor = config.schedule.factor(step, config.epochs * per_epoch, epoch, &losses);
            rate = config.learning_rate * factor;
            device.seed(dropout.stream(step as u64).bits());
            let fails = |source| Error::Step { epoch, batch, source };
            let loss = model.loss(examples, &mut steps.stream(step as u64), &device).map_err(fails)?;
            let value = number(&loss)?;
            if !value.is_finite() {
                return Err(Error::NotFinite { what: "loss", epoch, batch });
            }
            let gradients = GradientsParams::from_grads(loss.backward(), model);
            let (gradients, norm) = clip(model, gradients, config.clip_norm).map_err(Error::Device)?;
            if !norm.is_finite() {
                return Err(Error::NotFinite { what: "gradient", epoch, batch });
            }
            *model = optimiser.step(rate, model.clone(), gradients);
            loss_sum += value * examples.len() as f64;
            norm_sum += norm;
            let progress = Progress { epoch, epochs: config.epochs, step: batch + 1, steps: per_epoch, loss: value };
            if self.progress.as_mut().is_some_and(|call| call(&progress).is_break()) {
                return Ok(None);
            }
        }
        Ok(Some(Epoch {
            epoch,
            training_loss: loss_sum / training.len() as f64,
            validation_loss: None,
            learning_rate: rate,
            gradient_norm: norm_sum / per_epoch as f64,
        }))
    }

    /// Mean loss over `examples` in their order; none if there are none.
    fn validate<M: Learn>(
        &self,
        model: &M,
        epoch: usize,
        examples: &[M::Example],
        device: &Device,
    ) -> Result<Option<f64>, Error> {
        let streams = Generator::new(self.config.seed, "validation");
        let mut sum = 0.0;
        for (batch, examples) in examples.chunks(self.config.batch).enumerate() {
            let examples: Vec<&M::Example> = examples.iter().collect();
            let fails = |source| Error::Step { epoch, batch, source };
            let loss = model.loss(&examples, &mut streams.stream(batch as u64), device).map_err(fails)?;
            let value = number(&loss)?;
            if !value.is_finite() {
                return Err(Error::NotFinite { what: "validation loss", epoch, batch });
            }
            sum += value * examples.len() as f64;
        }
        Ok((!examples.is_empty()).then(|| sum / examples.len() as f64))
    }

    fn write_log(&self, history: &[Epoch]) -> Result<(), Error> {
        let Some(path) = &self.log else { return Ok(()) };
        // numbers only: this does not fail
        let line = |epoch| serde_json::to_string(epoch).unwrap_or_default() + "\n";
        Ok(file::write_atomic(path, history.iter().map(line).collect::<String>().as_bytes())?)
    }
}

impl EarlyStopping {
    /// Whether the last `patience` epochs brought no loss that is lower by `min_delta` than the best before.
    fn ends(self, history: &[Epoch]) -> bool {
        let (mut best, mut waited) = (f64::INFINITY, 0);
        for loss in history.iter().map(Epoch::monitored) {
            let better = loss < best - self.min_delta;
            waited = if better { 0 } else { waited + 1 };
            if better {
                best = loss;
            }
        }
        waited >= self.patience
    }
}

/// The value of a loss.
fn number(loss: &Tensor<1>) -> Result<f64, Error> {
    Mismatch::check("numbers in a loss", 1, loss.dims()[0])?;
    let value: f32 = loss.clone().try_into_scalar().map_err(|e| Error::Device(Box::new(e)))?;
    Ok(f64::from(value))
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::random::Stream;
    use crate::train::{Optimiser, Schedule, StepError};
    use crate::weights::{Weights, load, state_dict};
    use burn::module::Module;
    use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
    use burn::tensor::activation::tanh;
    use std::path::Path;

    /// Two inputs, eight hidden units with batch normalisation, one output.
    #[derive(Module, Debug)]
    struct Net {
        first: Linear,
        norm: BatchNorm,
        second: Linear,
    }

    type Example = ([f32; 2], f32);

    impl Learn for Net {
        type Example = Example;
        fn loss(&self, batch: &[&Example], stream: &mut Stream, device: &Device) -> Result<Tensor<1>, StepError> {
            let noise = stream.normal() as f32 * 1e-3;
            let x: Vec<f32> = batch.iter().flat_map(|e| e.0).map(|v| v + noise).collect();
            let y: Vec<f32> = batch.iter().map(|e| e.1).collect();
            let x = Tensor::<1>::from_floats(x.as_slice(), device).reshape([batch.len(), 2]);
            let y = Tensor::<1>::from_floats(y.as_slice(), device).reshape([batch.len(), 1]);
            let hidden = tanh(self.norm.forward(self.first.forward(x)));
            Ok((self.second.forward(hidden) - y).square().mean())
        }
    }

    /// The same weights for the same seed: burn's own initialisation draws from one generator per process.
    fn net(device: &Device) -> Net {
        let net = Net {
            first: LinearConfig::new(2, 8).init(device),
            norm: BatchNormConfig::new(8).init(device),
            second: LinearConfig::new(8, 1).init(device),
        };
        let mut stream = Generator::new(1, "test weights").stream(0);
        let mut fill = |name, shape: &[usize], bound: f64| {
            let length = shape.iter().product();
            (name, shape.to_vec(), (0..length).map(|_| stream.range(-bound, bound) as f32).collect::<Vec<f32>>())
        };
        let drawn = [
            fill("first.weight", &[8, 2], 0.7),
            fill("first.bias", &[8], 0.7),
            fill("second.weight", &[1, 8], 0.35),
            fill("second.bias", &[1], 0.35),
        ];
        let constant = |name, value| (name, vec![8], vec![value; 8]);
        let rest = [
            constant("norm.weight", 1.0),
            constant("norm.bias", 0.0),
            constant("norm.running_mean", 0.0),
            constant("norm.running_var", 1.0),
        ];
        let file = crate::weights::write(drawn.into_iter().chain(rest)).unwrap();
        load(net, Weights::from_bytes(&file, &Limits::default()).unwrap()).unwrap()
    }

    fn examples(n: usize, seed: u64) -> Vec<Example> {
        let mut stream = Generator::new(seed, "test data").stream(0);
        let mut draw = || stream.range(-1.0, 1.0) as f32;
        (0..n).map(|_| [draw(), draw()]).map(|x| (x, x[0] * x[1] + 0.5 * x[0])).collect()
    }

    fn config() -> TrainConfig {
        TrainConfig::default().with_epochs(12).with_batch(16).with_learning_rate(0.02).with_seed(5)
    }

    fn fit(trainer: &mut Trainer<'_>) -> Result<Fitted<Net>, Error> {
        let device = Device::flex();
        trainer.fit(net(&device), &examples(100, 1), &examples(40, 2), &device)
    }

    fn bytes(fitted: &Fitted<Net>) -> Vec<u8> {
        state_dict(&fitted.model).unwrap()
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("eir-core-train-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_loss_falls_and_the_seed_repeats_the_bytes() {
        let first = fit(&mut Trainer::new(config()).unwrap()).unwrap();
        let losses: Vec<f64> = first.history.iter().map(Epoch::monitored).collect();
        assert!(losses[11] < 0.3 * losses[0], "{losses:?}");
        assert_eq!((first.history.len(), first.stopped), (12, Stopped::Finished));
        let again = fit(&mut Trainer::new(config()).unwrap()).unwrap();
        assert!(bytes(&first) == bytes(&again) && first.history == again.history);
        let other = fit(&mut Trainer::new(config().with_seed(6)).unwrap()).unwrap();
        assert!(bytes(&first) != bytes(&other));
    }

    /// Trains with a stop in the middle of epoch `at`, then goes on.
    fn resumed(config: &TrainConfig, folder: &Folder, at: usize) -> Fitted<Net> {
        let trainer = || {
            Trainer::new(config.clone()).unwrap().with_checkpoint(folder.path("c")).with_log(folder.path("log.jsonl"))
        };
        let stop = |p: &Progress| {
            if p.epoch == at && p.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let cut = fit(&mut trainer().with_progress(stop)).unwrap();
        assert_eq!((cut.stopped, cut.history.len()), (Stopped::Interrupted, at));
        fit(&mut trainer()).unwrap()
    }

    #[test]
    fn a_resumed_training_gives_the_same_bytes() {
        let momentum = Optimiser::Sgd { momentum: 0.9, weight_decay: 1e-3 };
        for (name, config) in [
            ("adam", config().with_schedule(Schedule::Cosine { warm_up_steps: 9, floor: 0.1 }).with_clip_norm(0.5)),
            ("sgd", config().with_optimiser(momentum).with_schedule(Schedule::Plateau { patience: 0, factor: 0.5 })),
        ] {
            let whole = Folder::new(&format!("{name}-whole"));
            let mut trainer = Trainer::new(config.clone()).unwrap().with_log(whole.path("log.jsonl"));
            let uninterrupted = fit(&mut trainer).unwrap();
            for at in [0, 4, 11] {
                let folder = Folder::new(&format!("{name}-{at}"));
                let resumed = resumed(&config, &folder, at);
                assert!(bytes(&resumed) == bytes(&uninterrupted), "{name}, stopped in epoch {at}");
                assert_eq!(resumed.history, uninterrupted.history);
                let log = |f: &Folder| std::fs::read_to_string(f.path("log.jsonl")).unwrap();
                assert_eq!(log(&folder), log(&whole));
                assert_eq!(log(&folder).lines().count(), 12);
                // finished: nothing more to do, and the same again
                let again = fit(&mut Trainer::new(config.clone()).unwrap().with_checkpoint(folder.path("c"))).unwrap();
                assert!(bytes(&again) == bytes(&uninterrupted));
            }
        }
    }

    #[test]
    fn broken_and_foreign_checkpoints_are_refused() {
        let folder = Folder::new("broken");
        let path = folder.path("c");
        let short = config().with_epochs(1);
        let trainer = |config: &TrainConfig| Trainer::new(config.clone()).unwrap().with_checkpoint(&path);
        fit(&mut trainer(&short)).unwrap();
        assert!(matches!(fit(&mut trainer(&short.clone().with_seed(9))), Err(Error::Mismatch(_))));
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 7, 16, 20, 100, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(matches!(fit(&mut trainer(&short)), Err(Error::Malformed(_))), "{length}");
        }
    }

    #[cfg(feature = "testing")]
    #[test]
    fn a_checkpoint_is_the_old_one_or_the_new_one() {
        let write =
            |path: &Path| fit(&mut Trainer::new(config().with_epochs(1)).unwrap().with_checkpoint(path)).map(drop);
        let device = Device::flex();
        let small = config().with_epochs(1);
        let state = Checkpoint {
            history: Vec::new(),
            model: net(&device),
            best: net(&device),
            optimiser: small.optimiser.init(),
        };
        let task = Task { config: &small, training: 1, validation: 0 };
        let folder = Folder::new("atomic");
        write(&folder.path("c")).unwrap();
        crate::testing::faults::file("c", |path| state.write(path, &task));
    }

    #[test]
    fn early_stopping_stops_with_the_best_epoch() {
        let config = config().with_epochs(200).with_learning_rate(0.3).with_early_stopping(3, 0.0);
        let fitted = fit(&mut Trainer::new(config).unwrap()).unwrap();
        assert_eq!(fitted.stopped, Stopped::Early);
        let losses: Vec<f64> = fitted.history.iter().map(Epoch::monitored).collect();
        let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(losses.iter().position(|l| *l == best), Some(losses.len() - 4), "{losses:?}");
        let device = Device::flex();
        let of_model = Trainer::new(super::TrainConfig::default().with_batch(16).with_seed(5)).unwrap();
        let found = of_model.validate(&fitted.model, 0, &examples(40, 2), &device).unwrap();
        assert_eq!(found, Some(best));
    }

    #[test]
    fn clipping_bounds_the_step() {
        // one plain step: the parameters move by rate x norm
        let moved = |clip: Option<f64>| {
            let sgd = Optimiser::Sgd { momentum: 0.0, weight_decay: 0.0 };
            let mut config = config().with_epochs(1).with_batch(100).with_learning_rate(1.0).with_optimiser(sgd);
            config.clip_norm = clip;
            let device = Device::flex();
            let fitted = Trainer::new(config).unwrap().fit(net(&device), &examples(100, 1), &[], &device).unwrap();
            let values = |net: &Net| {
                let file = state_dict(net).unwrap();
                let mut weights = Weights::from_bytes(&file, &Limits::default()).unwrap();
                weights.discard(|name| name.contains("running"));
                let shapes: Vec<(String, Vec<usize>)> =
                    weights.shapes().map(|(n, s)| (n.to_owned(), s.to_vec())).collect();
                shapes.iter().flat_map(|(n, s)| weights.take(n, s).unwrap()).collect::<Vec<f32>>()
            };
            let (before, after) = (values(&net(&device)), values(&fitted.model));
            let square = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
            (before.iter().zip(&after).map(square).sum::<f64>().sqrt(), fitted.history[0].gradient_norm)
        };
        let (free, norm) = moved(None);
        assert!((free - norm).abs() < 1e-5 * norm, "{free} {norm}");
        let (clipped, same) = moved(Some(0.01));
        assert!((clipped - 0.01).abs() < 1e-6 && same == norm && norm > 0.01, "{clipped} {norm}");
    }

    #[test]
    fn what_cannot_be_learnt_from_is_an_error() {
        let device = Device::flex();
        let mut trainer = Trainer::new(config()).unwrap();
        assert!(matches!(trainer.fit(net(&device), &[], &[], &device), Err(Error::TooShort(_))));
        let mut broken = examples(40, 1);
        broken[7].1 = f32::NAN;
        let error = trainer.fit(net(&device), &broken, &[], &device).unwrap_err();
        assert!(matches!(error, Error::NotFinite { what: "loss", epoch: 0, .. }), "{error}");
        assert!(Trainer::new(config().with_batch(0)).is_err());
    }
}
