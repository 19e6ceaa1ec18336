//! The MediaPipe face meshes: 468 points, and 478 with the irises; and the iris network.

use super::blocks::Halving;
use super::builder::{Builder, Layer, Names, Naming};
use super::graph::Node;
use crate::Result;
use eir_core::nn::Activation;

/// Depth-wise and point-wise, added to the input (with zero channels behind), then slopes below zero.
fn block(b: &mut Builder, x: Node, out: usize, stride: usize) -> Result<Node> {
    let beside = if stride == 2 { b.max_pool(x, 2, 2, [0, 0])? } else { x };
    let beside = b.pad_channels(beside, out)?;
    let y = b.next(x, &Halving::AfterOnly.depthwise(3, stride).without_bias())?;
    let y = b.next(y, &Layer::new(out, 1))?;
    let slopes = b.next_slopes(out)?;
    b.add(beside, y, slopes)
}

const MESH: Naming = Naming {
    conv: |n| {
        let prefix = format!("StatefulPartitionedCall/model_1/conv2d_{n}/Conv2D");
        Names { weight: format!("{prefix}_weights"), bias: Some(format!("{prefix}_bn_offset")) }
    },
    depthwise: |n| Names {
        weight: format!("StatefulPartitionedCall/model_1/depthwise_conv2d_{n}/depthwise/ReadVariableOp"),
        bias: None,
    },
    slopes: |n| format!("StatefulPartitionedCall/model_1/p_re_lu_{n}/Neg"),
};

/// A last layer on 3 × 3 cells.
fn head(b: &mut Builder, x: Node, values: usize) -> Result<Node> {
    let n = b.next_number();
    let prefix = format!("StatefulPartitionedCall/model_1/conv2d_{n}");
    let names = Names {
        weight: format!("{prefix}/Conv2D/ReadVariableOp"),
        bias: Some(format!("{prefix}/BiasAdd/ReadVariableOp")),
    };
    b.conv(x, &Layer::whole(values, [3, 3]), &names)
}

/// Points (1404), contours (266) and the probability that there is a face.
pub(super) fn mesh_468(b: &mut Builder) -> Result<Vec<Node>> {
    b.name_by(MESH);
    let x = b.input([3, 192, 192]);
    let mut x = b.next_prelu(x, Layer::new(16, 3).stride(2).padding(0, 1))?;
    x = (0..2).try_fold(x, |x, _| block(b, x, 16, 1))?;
    for out in [32, 64, 128, 128] {
        x = block(b, x, out, 2)?;
        x = (0..2).try_fold(x, |x, _| block(b, x, out, 1))?;
    }
    let trunk = x;
    let mut branch = |values: usize, repeats: usize| -> Result<Node> {
        let x = block(b, trunk, 128, 2)?;
        let x = (0..repeats).try_fold(x, |x, _| block(b, x, 128, 1))?;
        let x = b.next_prelu(x, Layer::new(32, 1))?;
        let x = block(b, x, 32, 1)?;
        head(b, x, values)
    };
    let points = branch(1404, 2)?;
    let contours = branch(266, 2)?;
    let presence = branch(1, 0)?;
    Ok(vec![points, contours, b.activation(presence, Activation::Sigmoid)?])
}

/// A bottleneck of half the channels: point-wise (2 × 2 where it halves), depth-wise, point-wise; added to the input.
fn bottleneck(b: &mut Builder, x: Node, [middle, out]: [usize; 2], stride: usize, bias: bool) -> Result<Node> {
    let beside = if stride == 2 { b.max_pool(x, 2, 2, [0, 0])? } else { x };
    let beside = b.pad_channels(beside, out)?;
    let y = b.next_prelu(x, Layer::new(middle, stride).stride(stride).padding(0, 0))?;
    let depthwise = Layer::depthwise(3);
    let y = b.next(y, &if bias { depthwise } else { depthwise.without_bias() })?;
    let y = b.next(y, &Layer::new(out, 1))?;
    let slopes = b.next_slopes(out)?;
    b.add(beside, y, slopes)
}

/// Points (1434), the logit that there is a face, and an auxiliary probability.
pub(super) fn mesh_478(b: &mut Builder) -> Result<Vec<Node>> {
    let x = b.input([3, 256, 256]);
    let mut x = b.next_prelu(x, Layer::new(16, 3).stride(2).padding(0, 1))?;
    x = (0..4).try_fold(x, |x, _| bottleneck(b, x, [8, 16], 1, true))?;
    let stages = [([16, 32], [16, 32]), ([32, 64], [32, 64]), ([64, 128], [64, 128])];
    for (first, rest) in stages.into_iter().chain([([64, 128], [64, 128]); 3]) {
        x = bottleneck(b, x, first, 2, true)?;
        x = (0..4).try_fold(x, |x, _| bottleneck(b, x, rest, 1, true))?;
    }
    let auxiliary = b.next(x, &Layer::whole(1, [2, 2]).activation(Activation::Sigmoid))?;
    let presence = b.next(x, &Layer::whole(1, [2, 2]))?;
    let points = b.next(x, &Layer::whole(1434, [2, 2]))?;
    Ok(vec![points, presence, auxiliary])
}

const IRIS: Naming = Naming {
    conv: |n| {
        let number = if n > 1 { format!("_{}", n - 1) } else { String::new() };
        let prefix = format!("StatefulPartitionedCall/model/conv2d{number}/Conv2D");
        Names { weight: format!("{prefix}_weights"), bias: Some(format!("{prefix}_bn_offset")) }
    },
    // the file numbers all constants of the original graph: a trunk, then two branches side by side
    depthwise: |n| {
        let number = match n {
            1..=10 => 13 * n - 1,
            11..=18 => 149 + 26 * (n - 11),
            _ => 148 + 26 * (n - 19),
        };
        Names { weight: format!("unknown_{number}"), bias: None }
    },
    slopes: |n| {
        let number = if n > 1 { format!("_{}", n - 1) } else { String::new() };
        format!("StatefulPartitionedCall/model/p_re_lu{number}/Neg")
    },
};

/// 71 points of the eye and 5 of the iris (228).
pub(super) fn iris(b: &mut Builder) -> Result<Vec<Node>> {
    b.name_by(IRIS);
    let x = b.input([3, 64, 64]);
    let mut x = b.next_prelu(x, Layer::new(64, 3).stride(2).padding(0, 1))?;
    x = (0..4).try_fold(x, |x, _| bottleneck(b, x, [32, 64], 1, false))?;
    x = bottleneck(b, x, [64, 128], 2, false)?;
    x = (0..4).try_fold(x, |x, _| bottleneck(b, x, [64, 128], 1, false))?;
    let trunk = bottleneck(b, x, [64, 128], 2, false)?;
    let mut branch = |values: usize, constant: usize| -> Result<Node> {
        let repeat = |b: &mut Builder, x: Node| (0..2).try_fold(x, |x, _| bottleneck(b, x, [64, 128], 1, false));
        let mut x = repeat(b, trunk)?;
        for _ in 0..2 {
            x = bottleneck(b, x, [64, 128], 2, false)?;
            x = repeat(b, x)?;
        }
        let names = Names { weight: format!("unknown_{constant}"), bias: Some(format!("unknown_{}", constant + 1)) };
        b.conv(x, &Layer::whole(values, [2, 2]), &names)
    };
    let eye = branch(213, 344)?;
    let iris = branch(15, 346)?;
    Ok(vec![b.concatenate(&[eye, iris])?])
}
