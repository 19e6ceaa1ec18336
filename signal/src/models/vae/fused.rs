//! The same networks in fused layers on the processor.

use super::network::{
    Block, CENTRE_BPM, GLOBAL, INPUTS, LARGEST_LOG, LEVEL_BPM, LOCAL, Network, PATCH, SAMPLE_BPM, STEPS, WIDTH,
};
use super::{CtgVae, CtgWindow, numbers};
use crate::Result;
use burn::nn::PaddingConfig1d;
use burn::nn::conv::Conv1d;
use eir_core::nn::{self, Activation, Conv1dConfig, NetworkBuilder, NetworkScratch, Node};

/// Encoder and decoder for one window at a time; nothing is allocated per window but the answer.
#[derive(Debug, Clone)]
pub(super) struct Fused {
    encoder: nn::Network,
    pooled: nn::Linear,
    global: nn::Linear,
    decoder: nn::Network,
}

impl Fused {
    pub(super) fn new(network: &Network) -> Result<Self> {
        let (mut builder, x) = NetworkBuilder::new(INPUTS, &[STEPS])?;
        let h = conv(&mut builder, x, &network.stem, Activation::Relu)?;
        let h = blocks(&mut builder, h, &network.encoder)?;
        let local = conv(&mut builder, h, &network.local, Activation::Identity)?;
        let direct = conv(&mut builder, x, &network.direct, Activation::Identity)?;
        let local = builder.add(local, direct, Activation::Identity)?;
        let encoder = builder.build(&[h, local])?;
        let (mut builder, z) = NetworkBuilder::new(GLOBAL + LOCAL, &[STEPS])?;
        let h = conv(&mut builder, z, &network.start, Activation::Relu)?;
        let h = blocks(&mut builder, h, &network.decoder)?;
        let y = conv(&mut builder, h, &network.end, Activation::Identity)?;
        let shape = conv(&mut builder, z, &network.shape, Activation::Identity)?;
        let y = builder.add(y, shape, Activation::Identity)?;
        let decoder = builder.build(&[y])?;
        let pooled = linear(&network.pooled, Activation::Relu)?;
        Ok(Self { encoder, pooled, global: linear(&network.global, Activation::Identity)?, decoder })
    }

    /// Means and logarithms of variances, window after window.
    pub(super) fn encode(&self, windows: &[CtgWindow]) -> Result<(Vec<f32>, Vec<f32>)> {
        let mut scratch = NetworkScratch::default();
        let (mut input, mut h, mut local) =
            (vec![0.0; INPUTS * STEPS], vec![0.0; WIDTH * STEPS], vec![0.0; 2 * LOCAL * STEPS]);
        let (mut pooled, mut hidden, mut global) = (vec![0.0; WIDTH], vec![0.0; WIDTH], vec![0.0; 2 * GLOBAL]);
        let size = windows.len() * CtgVae::LATENT;
        let (mut mean, mut log_variance) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for window in windows {
            fill(&mut input, window);
            self.encoder.forward_into(&input, &mut [&mut h, &mut local], &mut scratch)?;
            let steps = window.measured().chunks_exact(PATCH);
            let share: Vec<f32> = steps.map(|s| s.iter().filter(|m| **m).count() as f32).collect();
            let sum: f32 = share.iter().sum();
            for (to, row) in pooled.iter_mut().zip(h.chunks_exact(STEPS)) {
                *to = row.iter().zip(&share).map(|(h, s)| h * s).sum::<f32>() / sum;
            }
            self.pooled.forward_into(&pooled, &mut hidden)?;
            self.global.forward_into(&hidden, &mut global)?;
            for (k, out) in [&mut mean, &mut log_variance].into_iter().enumerate() {
                out.extend_from_slice(&global[k * GLOBAL..(k + 1) * GLOBAL]);
                out.extend_from_slice(&local[k * LOCAL * STEPS..(k + 1) * LOCAL * STEPS]);
            }
        }
        log_variance.iter_mut().for_each(|v| *v = (*v / LARGEST_LOG).tanh() * LARGEST_LOG);
        Ok((mean, log_variance))
    }

    /// Heart rates in bpm of latent numbers, window after window.
    pub(super) fn decode(&self, latent: &[f32]) -> Result<Vec<f32>> {
        let mut scratch = NetworkScratch::default();
        let (mut input, mut y) = (vec![0.0; (GLOBAL + LOCAL) * STEPS], vec![0.0; CtgWindow::SAMPLES]);
        let mut out = Vec::with_capacity(latent.len() / CtgVae::LATENT * CtgWindow::SAMPLES);
        for one in latent.chunks_exact(CtgVae::LATENT) {
            let (global, local) = one.split_at(GLOBAL);
            let (wide, rest) = input.split_at_mut(GLOBAL * STEPS);
            wide.chunks_exact_mut(STEPS).zip(global).for_each(|(row, g)| row.fill(*g));
            rest.copy_from_slice(local);
            self.decoder.forward_into(&input, &mut [&mut y], &mut scratch)?;
            for step in 0..STEPS {
                out.extend(y.iter().skip(step).step_by(STEPS).map(|v| v * SAMPLE_BPM + CENTRE_BPM));
            }
        }
        Ok(out)
    }
}

/// What the encoder sees: channels × steps.
fn fill(input: &mut [f32], window: &CtgWindow) {
    let (samples, rest) = input.split_at_mut(PATCH * STEPS);
    let (mask, level) = rest.split_at_mut(PATCH * STEPS);
    // in f32 as on every device
    let known = window.bridged_bpm().iter().zip(window.mask());
    let (sum, count) = known.fold((0.0f64, 0.0f64), |(s, n), (v, m)| (s + f64::from(v * m), n + f64::from(m)));
    let mean = (sum / count.max(1.0)) as f32;
    for (i, (v, m)) in window.bridged_bpm().iter().zip(window.mask()).enumerate() {
        let place = i % PATCH * STEPS + i / PATCH;
        samples[place] = (v - mean) / SAMPLE_BPM;
        mask[place] = m;
    }
    level.fill((mean - CENTRE_BPM) / LEVEL_BPM);
}

fn conv(builder: &mut NetworkBuilder, x: Node, layer: &Conv1d, activation: Activation) -> Result<Node> {
    let [outputs, inputs, kernel] = layer.weight.val().dims();
    let padding = match layer.padding {
        PaddingConfig1d::Explicit(before, after) => [before, after],
        _ => [0, 0],
    };
    let config = Conv1dConfig::new(inputs, outputs, [kernel]).with_padding_before_after([padding]);
    let config = config.with_dilation([layer.dilation]).with_activation(activation);
    let bias = layer.bias.as_ref().map(|b| numbers(b.val())).transpose()?;
    Ok(builder.conv(x, &config, &numbers(layer.weight.val())?, bias.as_deref())?)
}

fn blocks(builder: &mut NetworkBuilder, x: Node, blocks: &[Block]) -> Result<Node> {
    blocks.iter().try_fold(x, |x, block| {
        let h = conv(builder, x, &block.wide, Activation::Relu)?;
        let h = conv(builder, h, &block.narrow, Activation::Identity)?;
        Ok(builder.add(x, h, Activation::Relu)?)
    })
}

fn linear(layer: &burn::nn::Linear, activation: Activation) -> Result<nn::Linear> {
    let [inputs, outputs] = layer.weight.val().dims();
    let weight = numbers(layer.weight.val().transpose())?;
    let bias = layer.bias.as_ref().map(|b| numbers(b.val())).transpose()?;
    Ok(nn::Linear::new(inputs, outputs, &weight, bias.as_deref(), activation)?)
}
