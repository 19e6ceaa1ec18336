//! The MediaPipe blendshape network: an MLP-mixer on 146 points.

use super::builder::{Builder, Layer, Names};
use super::graph::Node;
use crate::Result;
use eir_core::nn::Activation;

/// What is added to the variance in the norms: half precision's 1e-6.
const EPSILON: f64 = 1.013_278_961_181_640_6e-6;

fn name(block: usize, norm: usize) -> String {
    let mixer = "model_1_GhumMarkerPoserMlpMixerGeneral_MLPMixer_MixerBlock";
    format!("{mixer}_{block}_layer_norm{norm}_batchnorm_mul_ReadVariableOp_dequantize")
}

/// Two point-wise layers, the first with ReLU.
fn perceptron(b: &mut Builder, x: Node, [middle, out]: [usize; 2]) -> Result<Node> {
    let x = b.next(x, &Layer::new(middle, 1).relu())?;
    b.next(x, &Layer::new(out, 1))
}

/// 52 probabilities from the points [146, 1, 2], centred, their mean distance from the centre 2.
pub(super) fn build(b: &mut Builder) -> Result<Vec<Node>> {
    let points = b.input([146, 1, 2]);
    let x = b.next(points, &Layer::new(96, 1))?;
    let x = b.permute(x, [2, 1, 0])?;
    let x = b.next(x, &Layer::new(64, 1))?; // features × tokens
    let token = b.take(
        "model_1_GhumMarkerPoserMlpMixerGeneral_MLPMixer_AddExtraTokens_strided_slice_1_dequantize",
        &[1, 1, 1, 64],
    )?;
    let token = b.constant(token, [1, 1, 64])?;
    let x = b.permute(x, [2, 1, 0])?; // tokens × features
    let mut x = b.concatenate(&[token, x])?;
    for block in 0..4 {
        let gamma = b.take(&name(block, 1), &[64])?;
        let features = b.permute(x, [2, 1, 0])?;
        let y = b.layer_norm(features, gamma, EPSILON)?;
        let y = b.permute(y, [2, 1, 0])?;
        let y = perceptron(b, y, [384, 97])?;
        x = b.sum(y, x)?;
        let features = b.permute(x, [2, 1, 0])?;
        let gamma = b.take(&name(block, 2), &[64])?;
        let y = b.layer_norm(features, gamma, EPSILON)?;
        let y = perceptron(b, y, [256, 64])?;
        let features = b.sum(y, features)?;
        x = b.permute(features, [2, 1, 0])?;
    }
    let token = b.channels_of(x, 0, 1)?;
    let token = b.reshape(token, [64, 1, 1])?;
    let n = b.next_number();
    let last = Layer::new(52, 1).activation(Activation::Sigmoid);
    Ok(vec![b.conv(token, &last, &Names::of(&format!("conv{n:03}")))?])
}
