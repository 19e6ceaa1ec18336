//! The two temporal networks and what belongs to their answers.

use super::measures::SquatMeasures;
use super::window::RepetitionWindow;
use crate::Result;
use eir_core::error::Malformed;
use eir_core::nn::{Activation, Conv1dConfig, Network, NetworkBuilder};
use eir_core::weights::{Card, Weights};
use eir_core::{Limits, nn};

/// Channels of the convolutions.
pub(super) const WIDTH: usize = 32;
/// Steps between the taps of each residual convolution.
pub(super) const DILATIONS: [usize; 4] = [1, 2, 4, 8];
/// Channels that the head sees, and its hidden numbers.
const SQUEEZED: usize = 16;
const HIDDEN: usize = 64;
/// Measures of a squat.
const MEASURES: usize = 6;
/// Exercises.
const CLASSES: usize = 7;
/// Standardised inputs beyond this are cut off: nothing in the training was farther away.
const FARTHEST: f32 = 8.0;

/// A residual convolutional network over a [`RepetitionWindow`].
#[derive(Debug, Clone)]
struct Tcn {
    mean: Vec<f32>,
    scale: Vec<f32>,
    network: Network,
}

impl Tcn {
    fn take(weights: &mut Weights, name: &str, outputs: usize) -> Result<Self> {
        let mut tensor = |part: &str, shape: &[usize]| weights.take(&format!("{name}.{part}"), shape);
        let (channels, frames) = (RepetitionWindow::CHANNELS, RepetitionWindow::FRAMES);
        let mean = tensor("mean", &[channels])?;
        let scale = tensor("scale", &[channels])?;
        if scale.iter().any(|s| *s <= 0.0) {
            return Err(Malformed::new("rehabilitation network", format!("a scale of {name} is not above 0")).into());
        }
        let (mut builder, x) = NetworkBuilder::new(channels, &[frames])?;
        let three = |inputs: usize, dilation: usize| {
            let config = Conv1dConfig::new(inputs, WIDTH, [3]).with_padding([dilation]).with_dilation([dilation]);
            config.with_activation(Activation::Relu)
        };
        let (w, b) = (tensor("stem.weight", &[WIDTH, channels, 3])?, tensor("stem.bias", &[WIDTH])?);
        let mut h = builder.conv(x, &three(channels, 1), &w, Some(&b))?;
        for (i, dilation) in DILATIONS.into_iter().enumerate() {
            let w = tensor(&format!("blocks.{i}.weight"), &[WIDTH, WIDTH, 3])?;
            let b = tensor(&format!("blocks.{i}.bias"), &[WIDTH])?;
            let y = builder.conv(h, &three(WIDTH, dilation), &w, Some(&b))?;
            h = builder.add(h, y, Activation::Identity)?;
        }
        let (w, b) = (tensor("squeeze.weight", &[SQUEEZED, WIDTH, 1])?, tensor("squeeze.bias", &[SQUEEZED])?);
        let squeeze = Conv1dConfig::new(WIDTH, SQUEEZED, [1]).with_activation(Activation::Relu);
        let h = builder.conv(h, &squeeze, &w, Some(&b))?;
        let w = tensor("hidden.weight", &[HIDDEN, SQUEEZED * frames])?;
        let h = builder.linear(h, HIDDEN, &w, Some(&tensor("hidden.bias", &[HIDDEN])?), Activation::Relu)?;
        let w = tensor("output.weight", &[outputs, HIDDEN])?;
        let y = builder.linear(h, outputs, &w, Some(&tensor("output.bias", &[outputs])?), Activation::Identity)?;
        Ok(Self { mean, scale, network: builder.build(&[y])? })
    }

    fn forward(&self, window: &RepetitionWindow, scratch: &mut Scratch, outputs: &mut [f32]) -> Result<()> {
        let rows = window.features.chunks_exact(RepetitionWindow::FRAMES).zip(self.mean.iter().zip(&self.scale));
        scratch.input.clear();
        for (row, (mean, scale)) in rows {
            scratch.input.extend(row.iter().map(|v| ((v - mean) / scale).clamp(-FARTHEST, FARTHEST)));
        }
        Ok(self.network.forward_into(&scratch.input, &mut [outputs], &mut scratch.memory)?)
    }
}

/// Memory of the networks, kept between calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    input: Vec<f32>,
    memory: nn::NetworkScratch,
}

/// The weights of the rehabilitation networks, with their calibration.
#[derive(Debug, Clone)]
pub(super) struct Networks {
    recognition: Tcn,
    quality: Tcn,
    temperature: f64,
    /// Conformal threshold of 1 − p.
    pub(super) class_threshold: f64,
    target_mean: [f64; MEASURES],
    target_scale: [f64; MEASURES],
    /// By how much errors are wider than the network says, for views like this one.
    spread: [[f64; MEASURES]; VIEWS],
    /// Conformal threshold of |error| / spread, for views like this one; 0 where a view cannot show it.
    reach: [[f64; MEASURES]; VIEWS],
}

/// Where each group of views but the first begins, in degrees.
const VIEWS_DEG: [f64; VIEWS - 1] = [10.0, 15.0, 20.0, 26.0, 40.0, 55.0, 64.0, 70.0, 75.0, 80.0];
/// Groups of views that are calibrated apart.
pub const VIEWS: usize = 11;

/// Number of the group of views, below [`VIEWS`], that an estimated view belongs to: what is calibrated together.
#[must_use]
pub fn view_group(view_deg: f64) -> usize {
    VIEWS_DEG.iter().take_while(|from| view_deg >= **from).count()
}

/// A measure as the network gives it: in degrees and percent, lengths in percent of a leg, tempo as logarithm of its ratio
/// to the window's length; with standard errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawMeasures {
    pub(super) value: [f64; MEASURES],
    pub(super) sigma: [f64; MEASURES],
}

impl Networks {
    pub(super) fn from_bytes(bytes: &[u8], card: &[u8]) -> Result<Self> {
        Card::from_json(card)?.verify(bytes)?;
        Self::from_weights(Weights::from_bytes(bytes, &Limits::default())?)
    }

    pub(super) fn from_weights(mut weights: Weights) -> Result<Self> {
        let recognition = Tcn::take(&mut weights, "recognition", CLASSES)?;
        let quality = Tcn::take(&mut weights, "quality", 2 * MEASURES)?;
        let mut six = |name: &str| -> Result<[f64; MEASURES]> {
            let found = weights.take(&format!("quality.{name}"), &[MEASURES])?;
            Ok(std::array::from_fn(|i| f64::from(found[i])))
        };
        let (target_mean, target_scale) = (six("target_mean")?, six("target_scale")?);
        // a file may hold one calibration for all views
        let mut by_view = |name: &str| -> Result<[[f64; MEASURES]; VIEWS]> {
            let name = format!("quality.{name}");
            let whole = weights.shapes().any(|(n, shape)| n == name && shape.len() == 1);
            let found = if whole {
                weights.take(&name, &[MEASURES])?.repeat(VIEWS)
            } else {
                weights.take(&name, &[VIEWS, MEASURES])?
            };
            Ok(std::array::from_fn(|v| std::array::from_fn(|i| f64::from(found[v * MEASURES + i]))))
        };
        let (spread, reach) = (by_view("spread")?, by_view("reach")?);
        let mut one = |name: &str| -> Result<f64> { Ok(f64::from(weights.take(name, &[1])?[0])) };
        let (temperature, class_threshold) = (one("recognition.temperature")?, one("recognition.threshold")?);
        weights.finish()?;
        if [temperature].iter().chain(&target_scale).chain(spread.as_flattened()).any(|v| *v <= 0.0) {
            return Err(Malformed::new("rehabilitation network", "a scale is not above 0").into());
        }
        Ok(Self { recognition, quality, temperature, class_threshold, target_mean, target_scale, spread, reach })
    }

    /// Probability of each exercise.
    pub(super) fn recognise(&self, window: &RepetitionWindow, scratch: &mut Scratch) -> Result<[f64; CLASSES]> {
        let mut logits = [0.0; CLASSES];
        self.recognition.forward(window, scratch, &mut logits)?;
        let most = logits.iter().copied().fold(f32::MIN, f32::max);
        let e = logits.map(|v| (f64::from(v - most) / self.temperature).exp());
        let sum: f64 = e.iter().sum();
        Ok(e.map(|v| v / sum))
    }

    pub(super) fn measure(&self, window: &RepetitionWindow, scratch: &mut Scratch) -> Result<RawMeasures> {
        let mut out = [0.0; 2 * MEASURES];
        self.quality.forward(window, scratch, &mut out)?;
        let value = std::array::from_fn(|i| f64::from(out[i]) * self.target_scale[i] + self.target_mean[i]);
        let sigma = |i: usize| f64::from(out[MEASURES + i]).clamp(LOG_SIGMA[0], LOG_SIGMA[1]).exp();
        let spread = self.spread[view_group(window.view_deg)];
        let sigma = std::array::from_fn(|i| sigma(i) * self.target_scale[i] * spread[i]);
        Ok(RawMeasures { value, sigma })
    }

    /// How many standard errors an interval reaches, for the view of a window.
    pub(super) fn reach(&self, window: &RepetitionWindow) -> [f64; MEASURES] {
        self.reach[view_group(window.view_deg)]
    }
}

/// Range of the logarithm of a standard error in units of the target's spread.
const LOG_SIGMA: [f64; 2] = [-5.0, 2.0];

impl RawMeasures {
    /// Truth in the network's terms: what it is trained on.
    pub(super) fn target(of: &SquatMeasures, window: &RepetitionWindow, leg_cm: f64) -> [f64; MEASURES] {
        let [valgus, depth, asymmetry, tempo, lean, heel] = of.to_array();
        let ratio = (tempo.max(1e-3) / window.length_s().max(1e-3)).ln();
        [100.0 * valgus / leg_cm, depth, asymmetry, ratio, lean, 100.0 * heel / leg_cm]
    }

    /// In centimetres, degrees, percent and seconds, with standard errors.
    pub(super) fn in_units(&self, window: &RepetitionWindow, leg_cm: f64, leg_sigma: f64) -> ([f64; 6], [f64; 6]) {
        let tempo = window.length_s() * self.value[3].clamp(-3.0, 3.0).exp();
        let cm = |i: usize| self.value[i] * leg_cm / 100.0;
        let cm_sigma = |i: usize| (self.sigma[i] * leg_cm / 100.0).hypot(cm(i) * leg_sigma);
        let [_, depth, asymmetry, _, lean, _] = self.value;
        let [_, depth_sigma, asymmetry_sigma, ratio_sigma, lean_sigma, _] = self.sigma;
        (
            [cm(0), depth, asymmetry, tempo, lean, cm(5)],
            [cm_sigma(0), depth_sigma, asymmetry_sigma, tempo * ratio_sigma, lean_sigma, cm_sigma(5)],
        )
    }
}
