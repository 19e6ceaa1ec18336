//! RTMPose (Jiang et al. 2023, arXiv:2303.07399) and RTMDet-nano (Lyu et al. 2022, arXiv:2212.07784) on CSPNeXt.

use super::builder::{Builder, Layer, Names};
use super::graph::{Node, Upsample};
use crate::Result;
use eir_core::nn::Activation;

const EPSILON: f64 = 1e-5;

/// How wide and deep a CSPNeXt is, and whether its 3 × 3 convolutions are depth-wise separable.
#[derive(Debug, Clone, Copy)]
struct Trunk {
    width: usize,
    depth: [usize; 2],
    separable: bool,
}

/// Convolution without bias, batch norm, SiLU.
fn unit(b: &mut Builder, x: Node, layer: Layer, name: &str) -> Result<Node> {
    b.conv_norm(x, &layer.silu(), &Names::weight(&format!("{name}.conv")), &format!("{name}.bn"), EPSILON)
}

fn separable(b: &mut Builder, x: Node, out: usize, kernel: usize, stride: usize, name: &str) -> Result<Node> {
    let x = unit(b, x, Layer::depthwise(kernel).stride(stride), &format!("{name}.depthwise_conv"))?;
    unit(b, x, Layer::new(out, 1), &format!("{name}.pointwise_conv"))
}

impl Trunk {
    fn three(self, b: &mut Builder, x: Node, out: usize, stride: usize, name: &str) -> Result<Node> {
        if self.separable {
            separable(b, x, out, 3, stride, name)
        } else {
            unit(b, x, Layer::new(out, 3).stride(stride), name)
        }
    }

    /// A cross-stage layer: blocks of 3 × 3 and 5 × 5 on half the channels, perhaps weighted channel by channel.
    fn cross_stage(self, b: &mut Builder, x: Node, layer: CrossStage, name: &str) -> Result<Node> {
        let CrossStage { out, repeats, shortcut, attention } = layer;
        let half = out / 2;
        let short = unit(b, x, Layer::new(half, 1), &format!("{name}.short_conv"))?;
        let mut y = unit(b, x, Layer::new(half, 1), &format!("{name}.main_conv"))?;
        for n in 0..repeats {
            let z = self.three(b, y, half, 1, &format!("{name}.blocks.{n}.conv1"))?;
            let z = separable(b, z, half, 5, 1, &format!("{name}.blocks.{n}.conv2"))?;
            y = if shortcut { b.sum(z, y)? } else { z };
        }
        let mut both = b.concatenate(&[y, short])?;
        if attention {
            let mean = b.global_average(both);
            let gate = Layer::new(out, 1).activation(Activation::HardSigmoid);
            let gate = b.conv(mean, &gate, &Names::of(&format!("{name}.attention.fc")))?;
            both = b.multiply(both, gate)?;
        }
        unit(b, both, Layer::new(out, 1), &format!("{name}.final_conv"))
    }

    /// The outputs of the four stages, at 1/4 to 1/32 of the size.
    fn build(self, b: &mut Builder, x: Node) -> Result<[Node; 4]> {
        let w = self.width;
        let x = unit(b, x, Layer::new(w / 2, 3).stride(2), "backbone.stem.0")?;
        let x = unit(b, x, Layer::new(w / 2, 3), "backbone.stem.1")?;
        let mut x = unit(b, x, Layer::new(w, 3), "backbone.stem.2")?;
        let mut stages = [x; 4];
        let [outer, inner] = self.depth;
        for (n, (to, repeats)) in stages.iter_mut().zip([outer, inner, inner, outer]).enumerate() {
            let (name, out) = (format!("backbone.stage{}", n + 1), w << (n + 1));
            x = self.three(b, x, out, 2, &format!("{name}.0"))?;
            let last = n == 3;
            if last {
                x = unit(b, x, Layer::new(out / 2, 1), &format!("{name}.1.conv1"))?;
                let pools = [5, 9, 13].map(|k| b.max_pool(x, k, 1, [k / 2, k / 2]));
                let [p5, p9, p13] = pools;
                x = b.concatenate(&[x, p5?, p9?, p13?])?;
                x = unit(b, x, Layer::new(out, 1), &format!("{name}.1.conv2"))?;
            }
            let layer = CrossStage { out, repeats, shortcut: !last, attention: true };
            x = self.cross_stage(b, x, layer, &format!("{name}.{}", 1 + usize::from(last)))?;
            *to = x;
        }
        Ok(stages)
    }
}

#[derive(Debug, Clone, Copy)]
struct CrossStage {
    out: usize,
    repeats: usize,
    shortcut: bool,
    attention: bool,
}

/// Sizes of RTMPose.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    Tiny,
    Small,
    Medium,
}

const JOINTS: usize = 17;
const HIDDEN: usize = 256;

/// Scores along x [17, 1, 384] and along y [17, 1, 512], twice as fine as the input of 192 × 256.
pub(super) fn pose(b: &mut Builder, size: Size) -> Result<Vec<Node>> {
    let (width, depth) = match size {
        Size::Tiny => (24, [1, 1]),
        Size::Small => (32, [1, 2]),
        Size::Medium => (48, [2, 4]),
    };
    let x = b.input([3, 256, 192]);
    let [.., x] = Trunk { width, depth, separable: false }.build(b, x)?;
    let x = b.conv(x, &Layer::new(JOINTS, 7), &Names::of("head.final_layer"))?;
    // from here on: features × 1 × joints
    let [_, h, w] = b.shape(x);
    let x = b.reshape(x, [JOINTS, 1, h * w])?;
    let x = b.permute(x, [2, 1, 0])?;
    let x = scale_norm(b, x, "head.mlp.0.g")?;
    let x = dense(b, x, HIDDEN, "head.mlp.1.weight")?;
    let x = gated_attention(b, x)?;
    let mut axis = |values: usize, name: &str| -> Result<Node> {
        let y = dense(b, x, values, name)?;
        b.permute(y, [2, 1, 0])
    };
    Ok(vec![axis(384, "head.cls_x.weight")?, axis(512, "head.cls_y.weight")?])
}

fn scale_norm(b: &mut Builder, x: Node, name: &str) -> Result<Node> {
    let factor = b.take(name, &[1])?.first().copied().unwrap_or(1.0);
    Ok(b.scale_norm(x, factor, 1e-5))
}

/// A matrix (out, in) on the features of every joint.
fn dense(b: &mut Builder, x: Node, out: usize, name: &str) -> Result<Node> {
    let inputs = b.shape(x)[0];
    let weight = b.take(name, &[out, inputs])?;
    let config = eir_core::nn::Conv2dConfig::new(inputs, out, [1, 1]);
    b.push_conv(x, super::graph::ConvLayer { config, weight, bias: vec![0.0; out] })
}

/// Gated attention unit: u ⊙ (relu(q kᵀ / √s)² v), added to the input, weighted channel by channel.
fn gated_attention(b: &mut Builder, x: Node) -> Result<Node> {
    let (expanded, shared) = (2 * HIDDEN, 128);
    let y = scale_norm(b, x, "head.gau.ln.g")?;
    let y = dense(b, y, 2 * expanded + shared, "head.gau.uv.weight")?;
    let y = b.activation(y, Activation::Silu)?;
    let u = b.channels_of(y, 0, expanded)?;
    let v = b.channels_of(y, expanded, expanded)?;
    let base = b.channels_of(y, 2 * expanded, shared)?;
    let gamma = b.take("head.gau.gamma", &[2, shared])?;
    let beta = b.take("head.gau.beta", &[2, shared])?;
    // q and k are the base, each with its own factor and offset per channel; k carries 1/√s
    let scale = 1.0 / (shared as f32).sqrt();
    let mut affine = |row: usize, scale: f32| -> Result<Node> {
        let config = eir_core::nn::Conv2dConfig::new(shared, shared, [1, 1]).with_groups(shared);
        let part = |all: &[f32]| all.iter().skip(row * shared).take(shared).map(|v| v * scale).collect::<Vec<_>>();
        b.push_conv(base, super::graph::ConvLayer { config, weight: part(&gamma), bias: part(&beta) })
    };
    let (q, k) = (affine(0, 1.0)?, affine(1, scale)?);
    let q = b.permute(q, [2, 1, 0])?; // joints × 1 × shared
    let kernel = b.matrix_product(q, k)?; // joints × 1 × joints
    let kernel = b.activation(kernel, Activation::Relu)?;
    let kernel = b.multiply(kernel, kernel)?;
    let v = b.permute(v, [2, 1, 0])?; // joints × 1 × expanded
    let mixed = b.matrix_product(kernel, v)?;
    let mixed = b.permute(mixed, [2, 1, 0])?;
    let gated = b.multiply(u, mixed)?;
    let main = dense(b, gated, HIDDEN, "head.gau.o.weight")?;
    let weight = b.take("head.gau.res_scale.scale", &[HIDDEN])?;
    let weight = b.constant(weight, [HIDDEN, 1, 1])?;
    let kept = b.multiply(x, weight)?;
    b.sum(kept, main)
}

/// Logits of a person (three layers of cells, strides 8, 16, 32), then distances to the sides of the box in pixels.
pub(super) fn detector_nano(b: &mut Builder) -> Result<Vec<Node>> {
    let trunk = Trunk { width: 16, depth: [1, 2], separable: true };
    let x = b.input([3, 320, 320]);
    let [_, at_40, at_20, at_10] = trunk.build(b, x)?;
    let neck = |out: usize| CrossStage { out, repeats: 1, shortcut: false, attention: false };
    // from the coarsest cells to the finest
    let high_10 = unit(b, at_10, Layer::new(128, 1), "neck.reduce_layers.0")?;
    let x = b.upsample(high_10, Upsample::Nearest);
    let x = b.concatenate(&[x, at_20])?;
    let x = trunk.cross_stage(b, x, neck(128), "neck.top_down_blocks.0")?;
    let high_20 = unit(b, x, Layer::new(64, 1), "neck.reduce_layers.1")?;
    let x = b.upsample(high_20, Upsample::Nearest);
    let x = b.concatenate(&[x, at_40])?;
    let low_40 = trunk.cross_stage(b, x, neck(64), "neck.top_down_blocks.1")?;
    // and back
    let x = separable(b, low_40, 64, 3, 2, "neck.downsamples.0")?;
    let x = b.concatenate(&[x, high_20])?;
    let low_20 = trunk.cross_stage(b, x, neck(128), "neck.bottom_up_blocks.0")?;
    let x = separable(b, low_20, 128, 3, 2, "neck.downsamples.1")?;
    let x = b.concatenate(&[x, high_10])?;
    let low_10 = trunk.cross_stage(b, x, neck(256), "neck.bottom_up_blocks.1")?;
    let mut levels = Vec::new();
    for (n, x) in [low_40, low_20, low_10].into_iter().enumerate() {
        levels.push(separable(b, x, 64, 3, 1, &format!("neck.out_convs.{n}"))?);
    }
    let mut outputs = Vec::new();
    for (branch, last, values) in [("cls", "rtm_cls", 1), ("reg", "rtm_reg", 4)] {
        for (n, x) in levels.iter().enumerate() {
            let mut x = *x;
            for i in 0..2 {
                x = separable(b, x, 64, 3, 1, &format!("bbox_head.{branch}_convs.{n}.{i}"))?;
            }
            x = b.conv(x, &Layer::new(values, 1), &Names::of(&format!("bbox_head.{last}.{n}")))?;
            if values == 4 {
                let [channels, ..] = b.shape(x);
                let stride = b.constant(vec![(8 << n) as f32; channels], [channels, 1, 1])?;
                x = b.multiply(x, stride)?;
            }
            outputs.push(x);
        }
    }
    Ok(outputs)
}
