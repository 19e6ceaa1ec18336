//! Training of the autoencoder on unlabelled traces.

use super::network::{CENTRE_BPM, GLOBAL, Network, READ};
use super::seeded::seeded;
use super::window::bridge;
use super::{CtgVae, CtgWindow, Known, NOISE_BPM, READ_SCALES};
use crate::Result;
use crate::ctg;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::error::{Parameter, TooShort};
use eir_core::random::Stream;
use eir_core::train::{Learn, Progress, Schedule, StepError, TrainConfig, Trainer};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Epochs of 3.75 s in a window.
const EPOCHS: usize = CtgWindow::SAMPLES / 15;
/// Minutes of a window.
const MINUTES: usize = EPOCHS / 16;
/// Variation below which logarithms do not look, in ms.
const LEAST_MS: f64 = 0.05;

/// A trace to learn from: heart rate without artefacts, and its baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct CtgTrace {
    /// bpm at 4 Hz, NaN where lost.
    bpm: Vec<f64>,
    baseline_bpm: Vec<f64>,
}

impl CtgTrace {
    /// Of a heart rate in bpm at 4 Hz, where 0 and NaN mean lost: artefacts out, baseline by
    /// [`ctg::weighted_median`].
    ///
    /// # Errors
    /// As [`ctg::prepare`] and `weighted_median`.
    pub fn new(fhr_bpm: &[f64]) -> Result<Self> {
        let prepared = ctg::prepare(fhr_bpm)?;
        let baseline_bpm = ctg::weighted_median(&prepared.filled_bpm)?;
        let of = |(v, ok): (&f64, &bool)| if *ok { *v } else { f64::NAN };
        let bpm = prepared.filled_bpm.iter().zip(&prepared.valid).map(of).collect();
        Ok(Self { bpm, baseline_bpm })
    }

    /// Its windows, one every `step` samples, with the mean baseline of each in bpm.
    ///
    /// # Errors
    /// [`Parameter`] for a step of 0.
    pub fn windows(&self, step: usize) -> Result<Vec<(CtgWindow, f64)>> {
        if step == 0 {
            return Err(Parameter::new("step", 0.0, "at least 1 sample").into());
        }
        let last = self.bpm.len().checked_sub(CtgWindow::SAMPLES);
        let starts = last.into_iter().flat_map(|last| (0..=last).step_by(step));
        Ok(starts.filter_map(|start| self.window(start).map(|w| (w, self.baseline(start)))).collect())
    }

    /// The window that starts there, if enough of it was measured.
    fn window(&self, start: usize) -> Option<CtgWindow> {
        let part = self.bpm.get(start..start + CtgWindow::SAMPLES)?;
        let measured = part.iter().map(|v| !v.is_nan()).collect();
        CtgWindow::of(start, part.iter().map(|v| *v as f32).collect(), measured).ok()
    }

    fn baseline(&self, start: usize) -> f64 {
        let part = self.baseline_bpm.get(start..start + CtgWindow::SAMPLES).unwrap_or_default();
        part.iter().sum::<f64>() / part.len().max(1) as f64
    }
}

/// How a [`CtgVae`] is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CtgVaeConfig {
    /// Weight of the divergence, at least 0; 1 is the evidence lower bound. Default 1.
    pub beta: f64,
    /// Spread of a measured sample around its reconstruction in bpm, above 0. Default 2.
    pub noise_bpm: f64,
    /// Weight of the errors of variability and of what is read off the code, at least 0. Default 0.1.
    pub variability: f64,
    /// Share of the windows from which the encoder sees less than was measured, 0 to 1, so that it learns to stand gaps.
    /// Default 0.5.
    pub gaps: f64,
    /// Passes, batches, rate, seed. Default 20 passes of batches of 32, rate 2e-3 with a cosine, gradients up to 1.
    pub train: TrainConfig,
}

impl Default for CtgVaeConfig {
    fn default() -> Self {
        let train = TrainConfig::default().with_epochs(20).with_batch(32).with_learning_rate(2e-3);
        let schedule = Schedule::Cosine { warm_up_steps: 100, floor: 0.02 };
        let train = train.with_clip_norm(1.0).with_schedule(schedule);
        Self { beta: 1.0, noise_bpm: NOISE_BPM, variability: 0.1, gaps: 0.5, train }
    }
}

impl CtgVaeConfig {
    /// Sets [`beta`](Self::beta).
    #[must_use]
    pub fn with_beta(self, beta: f64) -> Self {
        Self { beta, ..self }
    }

    /// Sets [`noise_bpm`](Self::noise_bpm).
    #[must_use]
    pub fn with_noise_bpm(self, noise_bpm: f64) -> Self {
        Self { noise_bpm, ..self }
    }

    /// Sets [`variability`](Self::variability).
    #[must_use]
    pub fn with_variability(self, variability: f64) -> Self {
        Self { variability, ..self }
    }

    /// Sets [`gaps`](Self::gaps).
    #[must_use]
    pub fn with_gaps(self, gaps: f64) -> Self {
        Self { gaps, ..self }
    }

    /// Sets [`train`](Self::train).
    #[must_use]
    pub fn with_train(self, train: TrainConfig) -> Self {
        Self { train, ..self }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Parameter`] names the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        let weight = |v: f64| v >= 0.0 && v.is_finite();
        for (name, value, holds, rule) in [
            ("beta", self.beta, weight(self.beta), "finite and at least 0"),
            ("noise_bpm", self.noise_bpm, weight(self.noise_bpm) && self.noise_bpm > 0.0, "finite and above 0"),
            ("variability", self.variability, weight(self.variability), "finite and at least 0"),
            ("gaps", self.gaps, (0.0..=1.0).contains(&self.gaps), "0 to 1"),
        ] {
            if !holds {
                return Err(Parameter::new(name, value, rule).into());
            }
        }
        Ok(self.train.validate()?)
    }

    /// Trains a network on `traces` and gives that of the epoch with the lowest loss on `others`, which take no part but
    /// for that choice and for the scores of known windows. `progress` hears of each step and can break it off.
    ///
    /// # Errors
    /// Settings out of range, [`TooShort`] without a window in `traces` or `others`, [`Error::Training`](crate::Error).
    pub fn fit(
        &self,
        traces: &[CtgTrace],
        others: &[CtgTrace],
        device: &Device,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<CtgVae> {
        self.validate()?;
        let (training, validation) = (stretches(traces), stretches(others));
        for (what, found) in [("windows to learn from", &training), ("windows to compare with", &validation)] {
            if found.is_empty() {
                return Err(TooShort::new(what, 0, 1).into());
            }
        }
        let learner = Learner {
            network: seeded(Network::new(device), self.train.seed, "ctg-vae"),
            beta: self.beta,
            noise_bpm: self.noise_bpm,
            variability: self.variability,
            gaps: self.gaps,
        };
        let mut trainer = Trainer::new(self.train.clone())?.with_progress(progress);
        let fitted = trainer.fit(learner, &training, &validation, device)?;
        CtgVae::of(fitted.model.network, Known::none(), device)?.compared_with(others)
    }
}

impl CtgVae {
    /// The same network, which tells of a window how unlike those of `traces` it is ([`anomaly`](Self::anomaly)): traces
    /// that took no part in its training, and of the kind that it is to be used on.
    ///
    /// # Errors
    /// [`TooShort`] without a window in `traces`; as [`encode`](Self::encode).
    pub fn compared_with(mut self, traces: &[CtgTrace]) -> Result<Self> {
        let mut windows = Vec::new();
        for trace in traces {
            windows.extend(trace.windows(CtgWindow::SAMPLES)?.into_iter().map(|(w, _)| w));
        }
        if windows.is_empty() {
            return Err(TooShort::new("windows to compare with", 0, 1).into());
        }
        let mut fused = self.fused()?;
        fused.compare_with(&windows)?;
        self.known = fused.known;
        Ok(self)
    }
}

/// A place of a trace where windows may start, anew each time.
struct Stretch {
    trace: Arc<CtgTrace>,
    start: usize,
    slack: usize,
}

/// Each trace is cut so that every sample can be in a window; windows start anywhere in the first length of a stretch.
fn stretches(traces: &[CtgTrace]) -> Vec<Stretch> {
    let n = CtgWindow::SAMPLES;
    let mut all = Vec::new();
    for trace in traces {
        let Some(last) = trace.bpm.len().checked_sub(n) else { continue };
        let trace = Arc::new(trace.clone());
        for start in (0..=last).step_by(n).filter(|s| trace.window(*s).is_some()) {
            all.push(Stretch { trace: trace.clone(), start, slack: (last - start).min(n - 1) });
        }
    }
    all
}

/// The network with the weights of its loss.
#[derive(Module, Debug)]
struct Learner {
    network: Network,
    beta: f64,
    noise_bpm: f64,
    variability: f64,
    gaps: f64,
}

/// What the loss needs of a batch, window after window.
#[derive(Default)]
struct Batch {
    bpm: Vec<f32>,
    measured: Vec<f32>,
    seen_bpm: Vec<f32>,
    seen: Vec<f32>,
    /// Logarithms of variation and range; baseline and both as they are to be read.
    logs: Vec<f32>,
    read: Vec<f32>,
    /// 1 for what is known of a window: baseline, variation, range; and for each complete minute.
    known: Vec<f32>,
    minutes: Vec<f32>,
}

impl Batch {
    fn push(&mut self, window: &CtgWindow, baseline: f64, gaps: f64, stream: &mut Stream) {
        self.bpm.extend_from_slice(window.bridged_bpm());
        self.measured.extend(window.mask());
        let (mut seen_bpm, mut seen) = (window.bridged_bpm().to_vec(), window.measured().to_vec());
        if stream.chance(gaps) {
            for _ in 0..1 + stream.below(3) {
                let (length, n) = (20 + stream.below(160), seen.len());
                let from = stream.below(n);
                seen[from..(from + length).min(n)].fill(false);
            }
            if seen.iter().filter(|m| **m).count() < CtgWindow::LEAST {
                seen = window.measured().to_vec();
            }
            bridge(&mut seen_bpm, &seen);
        }
        self.seen_bpm.extend(seen_bpm);
        self.seen.extend(seen.iter().map(|m| f32::from(u8::from(*m))));
        let found = ctg::variability(&window.fhr_bpm());
        let log = |v: Option<f64>| v.map(|v| v.max(LEAST_MS).ln());
        let logs = [log(found.stv_ms), log(found.minute_range_ms)];
        self.logs.extend(logs.map(|v| v.unwrap_or(0.0) as f32));
        let known = [Some(baseline), logs[0], logs[1]];
        for (value, (centre, size)) in known.into_iter().zip(READ_SCALES) {
            self.read.push(value.map_or(0.0, |v| ((v - centre) / size) as f32));
            self.known.push(f32::from(u8::from(value.is_some())));
        }
        self.minutes.extend(found.stv_per_minute_ms.iter().map(|v| f32::from(u8::from(v.is_finite()))));
    }
}

impl Learn for Learner {
    type Example = Stretch;

    fn loss(
        &self,
        batch: &[&Stretch],
        stream: &mut Stream,
        device: &Device,
    ) -> std::result::Result<Tensor<1>, StepError> {
        let mut data = Batch::default();
        for stretch in batch {
            let at = stretch.start + stream.below(stretch.slack + 1);
            // where too much is lost, the start is known to do
            let (at, window) = match stretch.trace.window(at) {
                Some(window) => (at, window),
                None => (stretch.start, stretch.trace.window(stretch.start).ok_or("a stretch without a window")?),
            };
            data.push(&window, stretch.trace.baseline(at), self.gaps, stream);
        }
        let n = batch.len();
        let tensor = |values: Vec<f32>| {
            let width = values.len() / n;
            Tensor::<2>::from_data(TensorData::new(values, [n, width]), device)
        };
        let (bpm, measured) = (tensor(data.bpm), tensor(data.measured));
        let found = self.network.encode(tensor(data.seen_bpm), tensor(data.seen));
        let noise = (0..n * CtgVae::LATENT).map(|_| stream.normal() as f32).collect();
        let latent = found.mean.clone() + (found.log_variance.clone() / 2.0).exp() * tensor(noise);
        let again = self.network.decode(latent.clone());
        let count = measured.clone().sum_dim(1).clamp_min(1.0);
        let errors = (((again.clone() - bpm) * measured.clone()).square()).sum_dim(1) / count;
        let fit = errors.mean() / (2.0 * self.noise_bpm * self.noise_bpm);
        let divergence =
            (found.mean.square() + found.log_variance.clone().exp() - found.log_variance - 1.0).sum_dim(1).mean()
                / (2.0 * CtgWindow::SAMPLES as f64);
        let known = tensor(data.known);
        let known_count = known.clone().sum().clamp_min(1.0);
        let read = self.network.read.forward(latent.narrow(1, 0, GLOBAL));
        let read = ((read - tensor(data.read)).square() * known.clone()).sum() / known_count;
        let varies = known.narrow(1, 1, READ - 1);
        let varies_count = varies.clone().sum().clamp_min(1.0);
        let logs = variability(again, measured, tensor(data.minutes));
        let varied = ((logs - tensor(data.logs)).square() * varies).sum() / varies_count;
        Ok(fit + divergence * self.beta + (read + varied) * self.variability)
    }
}

/// Logarithms of short-term variation and minute range of reconstructions in ms, as [`ctg::variability`] defines them, on
/// the samples that were measured and the minutes that are complete; windows × 2.
fn variability(bpm: Tensor<2>, measured: Tensor<2>, minutes: Tensor<2>) -> Tensor<2> {
    let n = bpm.dims()[0];
    let epochs = |x: Tensor<2>| x.reshape([n, EPOCHS, 15]).sum_dim(2);
    let mean = epochs(bpm * measured.clone()) / epochs(measured).clamp_min(1.0);
    // a heart rate this low is an epoch without a sample, whose minute does not count
    let ms = (mean.clamp_min(0.25 * CENTRE_BPM).recip() * 60_000.0).reshape([n, MINUTES, 16]);
    let steps = (ms.clone().narrow(2, 1, 15) - ms.clone().narrow(2, 0, 15)).abs().mean_dim(2);
    let range = ms.clone().max_dim(2) - ms.min_dim(2);
    let minutes = minutes.reshape([n, MINUTES, 1]);
    let count = minutes.clone().sum_dim(1).clamp_min(1.0);
    let mean = |x: Tensor<3>| ((x * minutes.clone()).sum_dim(1) / count.clone()).clamp_min(LEAST_MS).log();
    Tensor::cat(vec![mean(steps), mean(range)], 1).reshape([n, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "flex")]
    fn the_loss_measures_variability_as_it_is_defined() {
        let device = Device::flex();
        let mut fhr: Vec<f64> =
            (0..960).map(|i| 130.0 + 9.0 * (f64::from(i) / 37.0).sin() + 3.0 * (f64::from(i) / 5.1).cos()).collect();
        fhr[500..520].fill(f64::NAN); // one minute is not complete
        let window = CtgWindow::new(&fhr).unwrap();
        let found = ctg::variability(&window.fhr_bpm());
        let mut batch = Batch::default();
        batch.push(&window, 130.0, 0.0, &mut eir_core::random::Generator::new(0, "test").stream(0));
        let tensor = |v: Vec<f32>| {
            let width = v.len();
            Tensor::<2>::from_data(TensorData::new(v, [1, width]), &device)
        };
        assert_eq!(batch.minutes, [1.0, 1.0, 0.0, 1.0]);
        let logs = variability(tensor(batch.bpm), tensor(batch.measured), tensor(batch.minutes));
        let logs: Vec<f32> = logs.into_data().try_into_vec().unwrap();
        for (log, value) in logs.iter().zip([found.stv_ms.unwrap(), found.minute_range_ms.unwrap()]) {
            assert!((f64::from(log.exp()) - value).abs() < 1e-3 * value, "{log} {value}");
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        assert!(CtgVaeConfig::default().validate().is_ok());
        assert!(CtgVaeConfig::default().with_beta(-1.0).validate().is_err());
        assert!(CtgVaeConfig::default().with_gaps(2.0).validate().is_err());
        assert!(CtgVaeConfig::default().with_noise_bpm(0.0).validate().is_err());
        assert!(CtgVaeConfig::default().with_variability(f64::NAN).validate().is_err());
    }
}
