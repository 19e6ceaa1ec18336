//! A variational autoencoder of fetal heart rate.

mod fused;
mod network;
pub(super) mod seeded;
mod spectrum;
#[cfg(feature = "train")]
mod training;
mod window;

#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub use training::{CtgTrace, CtgVaeConfig};
pub use window::CtgWindow;
#[cfg(feature = "train")]
pub(super) use window::bridge;

use crate::{Error, Result};
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::error::{Mismatch, NotFinite, Parameter};
use eir_core::weights::{self, Card, Weights};
use eir_core::{Limits, file};
use fused::Fused;
use network::{GLOBAL, Network, READ};
use spectrum::{BANDS, Powers, Spectrum};
use std::path::Path;

/// Windows that go through the networks together: bounds memory, whatever the length of a trace.
const BATCH: usize = 16;
/// Scores of known windows in the file: percentiles 0 to 100.
const PERCENTILES: usize = 101;
/// Names in the file of what is known of such windows: percentiles of scores and of distances, centre and spread of
/// spectra.
const SCORES: &str = "anomaly_scores";
const DISTANCES: &str = "spectral_distances";
const SPECTRUM_MEAN: &str = "spectrum_mean";
const SPECTRUM_WHITENING: &str = "spectrum_whitening";

/// A β-VAE of fetal heart rate: four minutes at 4 Hz as 120 numbers, and back.
///
/// **Use it** to compress traces, to compare or to cluster stretches of them, to find what is unlike the deliveries it
/// knows ([`anomaly`](Self::anomaly)), and as the first stage of other models. **Not** as a measurement: baseline and
/// variation that are read off the code are estimates; [`ctg::analyse`](crate::ctg::analyse) measures them.
///
/// # Formula
/// Minimised over encoder and decoder: `Σ (x − x̂)² / 2σ² + β KL(q(z|x) ‖ N(0, 1))` over the measured samples only, with z
/// drawn from q, plus the squared errors of the logarithms of short-term variation and minute range of x̂, and of baseline
/// and both logarithms as they are read linearly off z.
///
/// Encoder and decoder are residual blocks of dilated convolutions on steps of 7.5 s. 24 numbers describe the window, 3
/// each of its 32 steps: 960 samples, 8 to 1, the window's mean included. Gaps are bridged by straight lines, the encoder
/// is told where, and its mean over time weighs each step by what was measured.
///
/// # Shapes and units
/// Windows are 960 samples of bpm at 4 Hz, lost ones NaN or 0. Codes are 120 numbers, about N(0, 1) over the deliveries
/// it was trained on: 24 of the window, then 3 × 32 of its steps, channel after channel.
///
/// # Examples
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::tensor::Device;
/// use eir_signal::models::{CtgVae, CtgWindow};
/// let vae = CtgVae::shipped(&Device::flex())?;
/// let fhr: Vec<f64> = (0..960).map(|i| 140.0 + 8.0 * (f64::from(i) / 60.0).sin()).collect();
/// let window = CtgWindow::new(&fhr)?;
/// let code = &vae.encode(&[window.clone()])?[0];
/// assert_eq!(code.mean.len(), 120);
/// let again = vae.decode(&code.mean)?;
/// let rmse = (window.squared_error(&again)? / 960.0).sqrt();
/// assert!(rmse < 3.0, "{rmse}");
/// # }
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// Each method lists them; nothing panics on data.
///
/// # Validation
/// Of the network that comes with the crate, on 1178 windows of 73 CTU-UHB deliveries that took no part (`cargo xtask
/// train ctg-vae`): RMSE 1.84 bpm on all measured samples, 1.43 in the median window. R² of a ridge regression from the
/// code: mean heart rate 1.00, logarithm of short-term variation 0.82, of minute range 0.78, baseline by the weighted
/// median of the whole trace 0.79 (four minutes do not always show it). The score tells a stretch of half the rate from
/// what it replaces with an AUROC of 0.92, but a sinusoidal pattern with 0.19: what is regular is easy to code. The
/// spectral distance tells that with 1.00 (0.99 where half of what was there swings along), and the excess over both
/// terms has 0.885 and 1.00 (0.98). Four hours take 1.2 MB, samples and answer included.
/// Tensors and fused layers equal the same network in torch 2.15.0 (`f64`) within 1e-5 of the largest value.
///
/// # References
/// Kingma, Welling 2014, arXiv:1312.6114; Higgins et al. 2017 (β-VAE), openreview.net/forum?id=Sy2fzU9gl.
#[derive(Debug)]
pub struct CtgVae {
    engine: Engine,
    read: Read,
    known: Known,
}

/// What is known of windows of other deliveries.
#[derive(Debug, Clone)]
struct Known {
    scores: Percentiles,
    distances: Percentiles,
    spectrum: Spectrum,
}

/// Percentiles 0 to 100 of known windows.
#[derive(Debug, Clone)]
struct Percentiles(Vec<f32>);

impl Percentiles {
    /// Of known values, in any order.
    #[cfg(feature = "train")]
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |k: usize| values.get(k * values.len().saturating_sub(1) / (PERCENTILES - 1));
        Self((0..PERCENTILES).map(|k| at(k).map_or(0.0, |v| *v as f32)).collect())
    }

    fn take(tensors: &mut Weights, name: &str) -> Result<Self> {
        let mut values = tensors.take(name, &[PERCENTILES])?;
        values.sort_by(f32::total_cmp);
        Ok(Self(values))
    }

    /// The share of known values below.
    fn share_below(&self, value: f64) -> f64 {
        self.0.partition_point(|v| f64::from(*v) < value) as f64 / PERCENTILES as f64
    }

    /// 0 at the median of the known values, 1 at their 95th percentile.
    fn excess(&self, value: f64) -> f64 {
        let at = |k: usize| self.0.get(k).map_or(0.0, |v| f64::from(*v));
        (value - at(50)) / (at(95) - at(50)).max(f64::from(f32::MIN_POSITIVE))
    }
}

#[derive(Debug)]
enum Engine {
    Tensors(Box<Network>, Device),
    Fused(Box<Fused>),
}

/// The linear layer that reads baseline and variation off the code.
#[derive(Debug, Clone)]
struct Read {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Where the values that are read off a code lie: centre and size of 1 of baseline (bpm) and of the logarithms of
/// short-term variation and minute range (ms).
const READ_SCALES: [(f64, f64); READ] = [(140.0, 20.0), (1.5, 0.6), (3.3, 0.5)];

/// The code of a window.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CtgCode {
    /// First sample of the window in its trace.
    pub start: usize,
    /// Mean of each latent number.
    pub mean: Vec<f32>,
    /// Logarithm of the variance of each.
    pub log_variance: Vec<f32>,
    /// Baseline in bpm, as read off the code.
    pub baseline_bpm: f64,
    /// Short-term variation in ms, as read off the code.
    pub stv_ms: f64,
    /// Minute range in ms, as read off the code.
    pub minute_range_ms: f64,
}

/// How unlike the known deliveries a window is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CtgAnomaly {
    /// First sample of the window in its trace.
    pub start: usize,
    /// Error of the reconstruction of the measured samples, in bpm.
    pub rmse_bpm: f64,
    /// Divergence of the code from N(0, 1), in nats.
    pub kl_nats: f64,
    /// Bound on −ln p of a measured sample, up to a constant: squared error over 2σ² with σ = 2 bpm, plus divergence.
    pub score: f64,
    /// Share of held-out windows of other deliveries with a lower score, 0 to 1.
    pub percentile: f64,
    /// How far the powers of its bands lie from those of such windows: Mahalanobis distance of their logarithms.
    pub spectral_distance: f64,
    /// Share of such windows with a smaller distance, 0 to 1.
    pub spectral_percentile: f64,
    /// The larger of both, each measured from the median of such windows (0) to their 95th percentile (1).
    pub excess: f64,
}

/// Spread of a sample around its reconstruction that scores assume, in bpm.
const NOISE_BPM: f64 = 2.0;

impl CtgVae {
    /// Latent numbers of a window.
    pub const LATENT: usize = CtgWindow::SAMPLES / 8;

    /// The network that comes with the crate, on `device`; its card says what it was trained on.
    ///
    /// # Errors
    /// None on any device that works.
    pub fn shipped(device: &Device) -> Result<Self> {
        Self::from_bytes(SHIPPED.0, SHIPPED.1.as_bytes(), device)
    }

    /// The card of the network that comes with the crate.
    ///
    /// # Errors
    /// None.
    pub fn card() -> Result<Card> {
        Ok(Card::from_json(SHIPPED.1.as_bytes())?)
    }

    /// Reads the safetensors file at `path` with its card, `path` with the ending `card.json`.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Limit`], and as [`from_bytes`](Self::from_bytes).
    pub fn load(path: &Path, limits: &Limits, device: &Device) -> Result<Self> {
        let (weights, card) = (file::read(path, limits)?, file::read(&path.with_extension("card.json"), limits)?);
        Self::from_bytes(&weights, &card, device)
    }

    /// A network from the bytes of its file and of its card.
    ///
    /// # Errors
    /// [`Error::Weights`] if the card is of other weights, or a tensor is missing, has another shape or is one too many.
    pub fn from_bytes(weights: &[u8], card: &[u8], device: &Device) -> Result<Self> {
        Card::from_json(card)?.verify(weights)?;
        Self::from_weights(Weights::from_bytes(weights, &Limits::default())?, device)
    }

    /// A network from tensors with the names of its PyTorch twin; see `signal/tests/golden/ctg_vae.py`. Without spectra of
    /// known windows the distances of [`anomaly`](Self::anomaly) are from nothing.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_weights(mut tensors: Weights, device: &Device) -> Result<Self> {
        let mut known = Known::none();
        known.scores = Percentiles::take(&mut tensors, SCORES)?;
        if tensors.has(DISTANCES) {
            known.distances = Percentiles::take(&mut tensors, DISTANCES)?;
            let (mean, whitening) = (&mut known.spectrum.mean, known.spectrum.whitening.as_flattened_mut());
            let values = tensors.take(SPECTRUM_MEAN, &[BANDS])?.into_iter();
            let values = values.chain(tensors.take(SPECTRUM_WHITENING, &[BANDS, BANDS])?);
            mean.iter_mut().chain(whitening).zip(values).for_each(|(to, v)| *to = f64::from(v));
        }
        Self::of(weights::load(Network::new(device), tensors)?, known, device)
    }

    /// A network that has not been trained: same seed, same weights. To compare devices, and to train.
    ///
    /// # Errors
    /// None on any device that works.
    pub fn untrained(seed: u64, device: &Device) -> Result<Self> {
        Self::of(seeded::seeded(Network::new(device), seed, "ctg-vae"), Known::none(), device)
    }

    fn of(network: Network, known: Known, device: &Device) -> Result<Self> {
        let weight = numbers(network.read.weight.val().transpose())?;
        let bias = network.read.bias.as_ref().map_or_else(|| Ok(vec![0.0; READ]), |b| numbers(b.val()))?;
        let engine = Engine::Tensors(Box::new(network), device.clone());
        Ok(Self { engine, read: Read { weight, bias }, known })
    }

    /// The same network in fused layers on the processor, which is faster than tensors there, whatever the device was.
    ///
    /// # Errors
    /// [`Error::Device`] if the weights cannot be read.
    pub fn fused(&self) -> Result<Self> {
        let fused = match &self.engine {
            Engine::Tensors(network, _) => Fused::new(network)?,
            Engine::Fused(fused) => (**fused).clone(),
        };
        Ok(Self { engine: Engine::Fused(Box::new(fused)), read: self.read.clone(), known: self.known.clone() })
    }

    /// The code of each window.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub fn encode(&self, windows: &[CtgWindow]) -> Result<Vec<CtgCode>> {
        let mut codes = Vec::with_capacity(windows.len());
        for batch in windows.chunks(BATCH) {
            let (mean, log_variance) = match &self.engine {
                Engine::Fused(fused) => fused.encode(batch)?,
                Engine::Tensors(network, device) => {
                    let found = network.encode(samples(batch, device), masks(batch, device));
                    (numbers(found.mean)?, numbers(found.log_variance)?)
                }
            };
            let parts = mean.chunks_exact(Self::LATENT).zip(log_variance.chunks_exact(Self::LATENT));
            codes.extend(batch.iter().zip(parts).map(|(w, (m, v))| self.read.code(w.start(), m, v)));
        }
        Ok(codes)
    }

    /// The codes of a trace of any length, one every `step` samples; see [`CtgWindow::of_trace`].
    ///
    /// # Errors
    /// As `of_trace` and [`encode`](Self::encode).
    pub fn encode_trace(&self, fhr_bpm: &[f64], step: usize) -> Result<Vec<CtgCode>> {
        self.encode(&CtgWindow::of_trace(fhr_bpm, step)?)
    }

    /// Heart rates in bpm, 960 samples for each 120 latent numbers.
    ///
    /// # Errors
    /// [`Mismatch`] unless they are whole codes, [`NotFinite`] for one that is no number, [`Error::Device`].
    pub fn decode(&self, latent: &[f32]) -> Result<Vec<f32>> {
        Mismatch::check("numbers in the last code", 0, latent.len() % Self::LATENT)?;
        NotFinite::check_f32("latent number", latent)?;
        let mut out = Vec::with_capacity(latent.len() * 8);
        for batch in latent.chunks(BATCH * Self::LATENT) {
            out.extend(match &self.engine {
                Engine::Fused(fused) => fused.decode(batch)?,
                Engine::Tensors(network, device) => {
                    let shape = [batch.len() / Self::LATENT, Self::LATENT];
                    numbers(network.decode(Tensor::from_data(TensorData::new(batch.to_vec(), shape), device)))?
                }
            });
        }
        Ok(out)
    }

    /// A whole trace as the network knows it, in bpm, gaps imagined; NaN where a window has too little that was measured.
    /// Windows follow one another, the last one ends with the trace.
    ///
    /// # Errors
    /// As [`CtgWindow::of_trace`], [`encode`](Self::encode).
    pub fn reconstruct(&self, fhr_bpm: &[f64]) -> Result<Vec<f64>> {
        let n = CtgWindow::SAMPLES;
        let mut windows = CtgWindow::of_trace(fhr_bpm, n)?;
        let rest = fhr_bpm.len() % n;
        if rest > 0 {
            windows.extend(CtgWindow::of_trace(fhr_bpm, rest)?.into_iter().filter(|w| w.start() + n == fhr_bpm.len()));
        }
        let mut out = vec![f64::NAN; fhr_bpm.len()];
        // the last one first: it gives only what the others do not
        windows.sort_by_key(|w| w.start() % n == 0);
        for batch in windows.chunks(BATCH) {
            let codes: Vec<f32> = self.encode(batch)?.into_iter().flat_map(|c| c.mean).collect();
            for (window, y) in batch.iter().zip(self.decode(&codes)?.chunks_exact(n)) {
                out[window.start()..window.start() + n].iter_mut().zip(y).for_each(|(to, y)| *to = f64::from(*y));
            }
        }
        Ok(out)
    }

    /// What the window of `code` becomes when one latent number takes each of `values` instead of its own: heart rates in
    /// bpm, 960 samples per value.
    ///
    /// # Errors
    /// [`Parameter`] for a number that there is not, and as [`decode`](Self::decode).
    pub fn traverse(&self, code: &CtgCode, number: usize, values: &[f32]) -> Result<Vec<Vec<f32>>> {
        if number >= Self::LATENT.min(code.mean.len()) {
            return Err(Parameter::new("latent number", number as f64, "0 to 119").into());
        }
        let mut all = Vec::with_capacity(values.len() * Self::LATENT);
        for value in values {
            let from = all.len();
            all.extend_from_slice(&code.mean);
            all[from + number] = *value;
        }
        Ok(self.decode(&all)?.chunks_exact(CtgWindow::SAMPLES).map(<[f32]>::to_vec).collect())
    }

    /// How unlike the deliveries of the training each window is.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn anomaly(&self, windows: &[CtgWindow]) -> Result<Vec<CtgAnomaly>> {
        let mut found = Vec::with_capacity(windows.len());
        let powers = Powers::new();
        for batch in windows.chunks(BATCH) {
            let codes = self.encode(batch)?;
            let latent: Vec<f32> = codes.iter().flat_map(|c| c.mean.iter().copied()).collect();
            let again = self.decode(&latent)?;
            for ((window, code), y) in batch.iter().zip(&codes).zip(again.chunks_exact(CtgWindow::SAMPLES)) {
                let n = window.measured_count() as f64;
                let error = window.squared_error(y)?;
                let kl_nats = super::kl_divergence(&code.mean, &code.log_variance)?.iter().sum::<f64>();
                let score = error / n / (2.0 * NOISE_BPM * NOISE_BPM) + kl_nats / CtgWindow::SAMPLES as f64;
                let spectral_distance = self.known.spectrum.distance(&powers, window);
                let (scores, distances) = (&self.known.scores, &self.known.distances);
                found.push(CtgAnomaly {
                    start: window.start(),
                    rmse_bpm: (error / n).sqrt(),
                    kl_nats,
                    score,
                    percentile: scores.share_below(score),
                    spectral_distance,
                    spectral_percentile: distances.share_below(spectral_distance),
                    excess: scores.excess(score).max(distances.excess(spectral_distance)),
                });
            }
        }
        Ok(found)
    }

    /// The safetensors file of the network; [`from_bytes`](Self::from_bytes) reads it.
    ///
    /// # Errors
    /// [`Error::Device`] if the weights cannot be read, [`Error::Unsupported`] for a [`fused`](Self::fused) network.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let Engine::Tensors(network, _) = &self.engine else {
            let what = "writing a fused network";
            return Err(eir_core::error::Unsupported::new(what, "write the one that it was made of").into());
        };
        let file = weights::state_dict(&**network)?;
        let mut tensors = Weights::from_bytes(&file, &Limits::default())?;
        let shapes: Vec<(String, Vec<usize>)> = tensors.shapes().map(|(n, s)| (n.to_owned(), s.to_vec())).collect();
        let Known { scores, distances, spectrum } = &self.known;
        let narrow = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
        let mut all = vec![
            (SCORES.to_owned(), vec![PERCENTILES], scores.0.clone()),
            (DISTANCES.to_owned(), vec![PERCENTILES], distances.0.clone()),
            (SPECTRUM_MEAN.to_owned(), vec![BANDS], narrow(&spectrum.mean)),
            (SPECTRUM_WHITENING.to_owned(), vec![BANDS, BANDS], narrow(spectrum.whitening.as_flattened())),
        ];
        for (name, shape) in shapes {
            let values = tensors.take(&name, &shape)?;
            all.push((name, shape, values));
        }
        Ok(weights::write(all.iter().map(|(n, s, v)| (n.as_str(), s.clone(), v.clone())))?)
    }

    /// Where its tensors are.
    #[cfg(feature = "train")]
    pub(super) fn device(&self) -> Result<&Device> {
        match &self.engine {
            Engine::Tensors(_, device) => Ok(device),
            Engine::Fused(_) => {
                let what = "derivatives of a fused network";
                Err(eir_core::error::Unsupported::new(what, "take the one that it was made of").into())
            }
        }
    }

    /// One reading of each window, windows × 1.
    #[cfg(feature = "train")]
    pub(super) fn read_off(
        &self,
        bpm: Tensor<2>,
        measured: Tensor<2>,
        reading: super::CtgReading,
        derivatives: bool,
    ) -> Result<Tensor<2>> {
        use burn::module::Module;
        let place = reading as usize;
        let (centre, size) = READ_SCALES[place];
        self.device()?;
        let Engine::Tensors(network, _) = &self.engine else { return Ok(bpm) };
        let with = derivatives.then(|| network.clone().train());
        let network = with.as_ref().unwrap_or(network);
        let code = network.encode(bpm, measured).mean.narrow(1, 0, GLOBAL);
        Ok(network.read.forward(code).narrow(1, place, 1) * size + centre)
    }

    /// Takes what is known of windows, of which [`CtgAnomaly`] tells.
    #[cfg(feature = "train")]
    fn compare_with(&mut self, windows: &[CtgWindow]) -> Result<()> {
        self.known.spectrum = Spectrum::of(windows);
        let found = self.anomaly(windows)?;
        self.known.scores = Percentiles::of(found.iter().map(|a| a.score).collect());
        self.known.distances = Percentiles::of(found.iter().map(|a| a.spectral_distance).collect());
        Ok(())
    }
}

impl Known {
    fn none() -> Self {
        let zeros = || Percentiles(vec![0.0; PERCENTILES]);
        Self { scores: zeros(), distances: zeros(), spectrum: Spectrum::default() }
    }
}

impl Read {
    fn code(&self, start: usize, mean: &[f32], log_variance: &[f32]) -> CtgCode {
        let mut values = [0.0f64; READ];
        let rows = self.weight.chunks_exact(GLOBAL).zip(&self.bias);
        for ((value, (row, bias)), (centre, size)) in values.iter_mut().zip(rows).zip(READ_SCALES) {
            let sum = f64::from(*bias) + row.iter().zip(mean).map(|(w, z)| f64::from(*w * *z)).sum::<f64>();
            *value = centre + size * sum;
        }
        let [baseline_bpm, stv, range] = values;
        CtgCode {
            start,
            mean: mean.to_vec(),
            log_variance: log_variance.to_vec(),
            baseline_bpm,
            stv_ms: stv.exp(),
            minute_range_ms: range.exp(),
        }
    }
}

/// Windows × samples.
fn samples(windows: &[CtgWindow], device: &Device) -> Tensor<2> {
    let values: Vec<f32> = windows.iter().flat_map(|w| w.bridged_bpm().iter().copied()).collect();
    Tensor::from_data(TensorData::new(values, [windows.len(), CtgWindow::SAMPLES]), device)
}

/// Windows × samples: 1 where measured.
fn masks(windows: &[CtgWindow], device: &Device) -> Tensor<2> {
    let values: Vec<f32> = windows.iter().flat_map(CtgWindow::mask).collect();
    Tensor::from_data(TensorData::new(values, [windows.len(), CtgWindow::SAMPLES]), device)
}

/// A tensor's values in row-major order.
pub(super) fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(e.to_string().into()))?;
    data.convert::<f32>().try_into_vec().map_err(|e| Error::Device(format!("{e:?}").into()))
}

/// Weights and card.
const SHIPPED: (&[u8], &str) =
    (include_bytes!("../../../weights/ctg-vae.safetensors"), include_str!("../../../weights/ctg-vae.card.json"));
