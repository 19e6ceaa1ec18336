//! YuNet-n (Wu et al. 2023, doi:10.1007/s11633-023-1423-y): a tiny face detector for any size of picture.

use super::builder::{Builder, Layer, Names};
use super::graph::{Node, Upsample};
use crate::Result;
use eir_core::nn::Activation;

const EPSILON: f64 = 1e-5;

/// Point-wise without activation, then depth-wise with batch norm and ReLU.
fn unit(b: &mut Builder, x: Node, out: usize, name: &str) -> Result<Node> {
    let x = b.conv(x, &Layer::new(out, 1), &Names::of(&format!("{name}.conv1")))?;
    let names = Names::of(&format!("{name}.conv2"));
    b.conv_norm(x, &Layer::depthwise(3).relu(), &names, &format!("{name}.bn"), EPSILON)
}

/// Class, object (probabilities), box (4) and points (10) per cell, each [1, cells, values]; by head, then by stride.
pub(super) fn build(b: &mut Builder, [width, height]: [usize; 2]) -> Result<Vec<Node>> {
    let x = b.input([3, height, width]);
    let stem = Layer::new(16, 3).stride(2).relu();
    let x = b.conv_norm(x, &stem, &Names::of("backbone.model0.conv1"), "backbone.model0.bn1", EPSILON)?;
    let mut x = unit(b, x, 16, "backbone.model0.conv2")?;
    let mut levels = Vec::new();
    for model in 1..=5 {
        // the stages after the first, third, fourth and fifth halve
        if model != 2 {
            x = b.max_pool(x, 2, 2, [0, 0])?;
        }
        let middle = b.shape(x)[0];
        x = unit(b, x, middle, &format!("backbone.model{model}.conv1"))?;
        x = unit(b, x, 64, &format!("backbone.model{model}.conv2"))?;
        if model >= 3 {
            levels.push(x);
        }
    }
    let mut features: Vec<Node> = Vec::new();
    for (level, x) in levels.into_iter().enumerate().rev() {
        let x = match features.last() {
            None => x,
            Some(above) => {
                let up = b.upsample(*above, Upsample::Nearest);
                b.sum(x, up)?
            }
        };
        features.push(unit(b, x, 64, &format!("neck.lateral_convs.{level}"))?);
    }
    let mut shared = Vec::new();
    for (level, x) in features.into_iter().rev().enumerate() {
        shared.push(unit(b, x, 64, &format!("bbox_head.multi_level_share_convs.{level}.0"))?);
    }
    let mut outputs = Vec::new();
    for (head, values, activation) in [
        ("cls", 1, Activation::Sigmoid),
        ("obj", 1, Activation::Sigmoid),
        ("bbox", 4, Activation::Identity),
        ("kps", 10, Activation::Identity),
    ] {
        for (level, x) in shared.iter().enumerate() {
            let name = format!("bbox_head.multi_level_{head}.{level}");
            let y = b.conv(*x, &Layer::new(values, 1), &Names::of(&format!("{name}.conv1")))?;
            let last = Layer::depthwise(3).activation(activation.clone());
            let y = b.conv(y, &last, &Names::of(&format!("{name}.conv2")))?;
            outputs.push(b.rows(y, values)?);
        }
    }
    Ok(outputs)
}
