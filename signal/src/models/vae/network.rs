//! The layers of the autoencoder.

use super::{CtgVae, CtgWindow};
use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Samples that one step of the networks covers: 7.5 s, two of Dawes' epochs.
pub(super) const PATCH: usize = 30;
/// Steps of a window.
pub(super) const STEPS: usize = CtgWindow::SAMPLES / PATCH;
/// Latent numbers that describe the window as a whole.
pub(super) const GLOBAL: usize = 24;
/// Latent numbers of each step.
pub(super) const LOCAL: usize = (CtgVae::LATENT - GLOBAL) / STEPS;
/// Channels of the hidden layers.
pub(super) const WIDTH: usize = 48;
/// Dilations of the residual blocks: each output of four blocks sees a whole window.
const DILATIONS: [usize; 4] = [1, 2, 4, 8];
/// Channels that the encoder sees: samples, which of them were measured, the window's mean.
pub(super) const INPUTS: usize = 2 * PATCH + 1;
/// What is read off the global numbers: baseline, short-term variation, minute range.
pub(super) const READ: usize = 3;

/// A heart rate that means 0 to the networks, in bpm.
pub(super) const CENTRE_BPM: f32 = 140.0;
/// Size of 1 for the window's mean, in bpm.
pub(super) const LEVEL_BPM: f32 = 20.0;
/// Size of 1 for samples, in bpm.
pub(super) const SAMPLE_BPM: f32 = 10.0;
/// Logarithms of variances are kept within ± this.
pub(super) const LARGEST_LOG: f32 = 10.0;

/// A dilated convolution and one of a single tap, with what goes past both.
#[derive(Module, Debug)]
pub(super) struct Block {
    pub(super) wide: Conv1d,
    pub(super) narrow: Conv1d,
}

impl Block {
    fn new(dilation: usize, device: &Device) -> Self {
        Self { wide: conv(WIDTH, WIDTH, 3, dilation, device), narrow: conv(WIDTH, WIDTH, 1, 1, device) }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        relu(x.clone() + self.narrow.forward(relu(self.wide.forward(x))))
    }
}

/// As long behind as before.
fn conv(inputs: usize, outputs: usize, kernel: usize, dilation: usize, device: &Device) -> Conv1d {
    let reach = (kernel - 1) / 2 * dilation;
    let config = Conv1dConfig::new(inputs, outputs, kernel).with_dilation(dilation);
    config.with_padding(PaddingConfig1d::Explicit(reach, reach)).init(device)
}

/// Encoder, decoder, and what is read off the latent numbers.
#[derive(Module, Debug)]
pub(super) struct Network {
    pub(super) stem: Conv1d,
    pub(super) encoder: Vec<Block>,
    pub(super) local: Conv1d,
    /// From the samples straight to the latent numbers of the steps: what is linear need not be learnt through layers.
    pub(super) direct: Conv1d,
    pub(super) pooled: Linear,
    pub(super) global: Linear,
    pub(super) read: Linear,
    pub(super) start: Conv1d,
    pub(super) decoder: Vec<Block>,
    pub(super) end: Conv1d,
    /// From the latent numbers straight to the samples.
    pub(super) shape: Conv1d,
}

/// Mean and logarithm of the variance of each latent number, windows × [`CtgVae::LATENT`].
pub(super) struct Posterior {
    pub(super) mean: Tensor<2>,
    pub(super) log_variance: Tensor<2>,
}

impl Network {
    pub(super) fn new(device: &Device) -> Self {
        let blocks = || DILATIONS.iter().map(|d| Block::new(*d, device)).collect();
        Self {
            stem: conv(INPUTS, WIDTH, 3, 1, device),
            encoder: blocks(),
            local: conv(WIDTH, 2 * LOCAL, 1, 1, device),
            direct: conv(INPUTS, 2 * LOCAL, 3, 1, device),
            pooled: LinearConfig::new(WIDTH, WIDTH).init(device),
            global: LinearConfig::new(WIDTH, 2 * GLOBAL).init(device),
            read: LinearConfig::new(GLOBAL, READ).init(device),
            start: conv(GLOBAL + LOCAL, WIDTH, 3, 1, device),
            decoder: blocks(),
            end: conv(WIDTH, PATCH, 3, 1, device),
            shape: conv(GLOBAL + LOCAL, PATCH, 3, 1, device),
        }
    }

    /// Of heart rates in bpm with bridged gaps, and 1 where they were measured; both windows × samples.
    pub(super) fn encode(&self, bpm: Tensor<2>, measured: Tensor<2>) -> Posterior {
        let n = bpm.dims()[0];
        let count = measured.clone().sum_dim(1).clamp_min(1.0);
        let mean = (bpm.clone() * measured.clone()).sum_dim(1) / count;
        let centred = (bpm - mean.clone()) / SAMPLE_BPM;
        let level = ((mean - CENTRE_BPM) / LEVEL_BPM).reshape([n, 1, 1]).repeat_dim(2, STEPS);
        let share = patches(measured.clone()).mean_dim(1); // windows × 1 × steps
        let x = Tensor::cat(vec![patches(centred), patches(measured), level], 1);
        let direct = self.direct.forward(x.clone());
        let mut h = relu(self.stem.forward(x));
        for block in &self.encoder {
            h = block.forward(h);
        }
        let local = self.local.forward(h.clone()) + direct;
        let weight = share.clone() / share.sum_dim(2).clamp_min(1e-6);
        let pooled: Tensor<2> = (h * weight).sum_dim(2).squeeze_dim(2);
        let global = self.global.forward(relu(self.pooled.forward(pooled)));
        let part = |k: usize| {
            let local = local.clone().narrow(1, k * LOCAL, LOCAL).reshape([n, LOCAL * STEPS]);
            Tensor::cat(vec![global.clone().narrow(1, k * GLOBAL, GLOBAL), local], 1)
        };
        let log_variance = (part(1) / LARGEST_LOG).tanh() * LARGEST_LOG;
        Posterior { mean: part(0), log_variance }
    }

    /// Heart rates in bpm of latent numbers, windows × samples.
    pub(super) fn decode(&self, latent: Tensor<2>) -> Tensor<2> {
        let n = latent.dims()[0];
        let global = latent.clone().narrow(1, 0, GLOBAL).reshape([n, GLOBAL, 1]).repeat_dim(2, STEPS);
        let local = latent.narrow(1, GLOBAL, LOCAL * STEPS).reshape([n, LOCAL, STEPS]);
        let z = Tensor::cat(vec![global, local], 1);
        let shape = self.shape.forward(z.clone());
        let mut h = relu(self.start.forward(z));
        for block in &self.decoder {
            h = block.forward(h);
        }
        let y = (self.end.forward(h) + shape).swap_dims(1, 2).reshape([n, CtgWindow::SAMPLES]);
        y * SAMPLE_BPM + CENTRE_BPM
    }
}

/// Windows × samples as windows × samples of a step × steps.
fn patches(x: Tensor<2>) -> Tensor<3> {
    let n = x.dims()[0];
    x.reshape([n, STEPS, PATCH]).swap_dims(1, 2)
}
