//! The BlazePose networks: detector, lite and full landmark network (Bazarevsky et al. 2020, arXiv:2006.10204).

use super::blocks::{Halving, inverted_residual, separable, separable_residual};
use super::builder::{Builder, Layer, Names, Naming};
use super::graph::{Node, Upsample};
use crate::Result;
use crate::detection::VALUES;
use eir_core::nn::Activation::{Identity, Relu6};

/// Stem to half the size: a convolution and an inverted residual without expansion.
fn stem(b: &mut Builder, x: Node, out: usize) -> Result<Node> {
    let x = b.next(x, &Layer::new(24, 3).stride(2).relu6())?;
    let x = b.next(x, &Layer::depthwise(3).relu6())?;
    b.next(x, &Layer::new(out, 1))
}

/// An inverted residual: middle, out, kernel.
type Repeat = (usize, usize, usize);

/// Inverted residuals that keep the size.
fn blocks(b: &mut Builder, x: Node, of: &[Repeat]) -> Result<Node> {
    of.iter().try_fold(x, |x, (middle, out, kernel)| {
        inverted_residual(b, x, [*middle, *out], *kernel, 1, Halving::Symmetric)
    })
}

/// Boxes [1, 2254, 12] and scores [1, 2254, 1].
pub(super) fn detector(b: &mut Builder) -> Result<Vec<Node>> {
    let x = b.input([3, 224, 224]);
    let x = stem(b, x, 16)?;
    let x = inverted_residual(b, x, [64, 24], 3, 2, Halving::Symmetric)?;
    let x = blocks(b, x, &[(144, 24, 3)])?;
    let x = inverted_residual(b, x, [144, 40], 5, 2, Halving::Symmetric)?;
    let x = blocks(b, x, &[(240, 40, 5)])?;
    let wide = b.next(x, &Layer::new(240, 1).relu6())?;
    let lateral_28 = separable(b, x, 96, 1, [Identity, Relu6])?;
    let x = b.next(wide, &Layer::depthwise(3).stride(2).relu6())?;
    let x = b.next(x, &Layer::new(80, 1))?;
    let x = blocks(b, x, &[(480, 80, 3), (480, 80, 3), (480, 112, 5), (672, 112, 5), (672, 112, 5)])?;
    let wide = b.next(x, &Layer::new(672, 1).relu6())?;
    let lateral_14 = separable(b, x, 192, 1, [Identity, Relu6])?;
    let x = b.next(wide, &Layer::depthwise(5).stride(2).relu6())?;
    let x = b.next(x, &Layer::new(192, 1))?;
    let x = blocks(b, x, &[(1152, 192, 5); 3])?;
    let x = b.next(x, &Layer::new(1152, 1).relu6())?;
    let at_7 = b.next(x, &Layer::depthwise(3).relu6())?;
    let at_14 = merge(b, at_7, lateral_14)?;
    let at_28 = merge(b, at_14, lateral_28)?;
    let (mut boxes, mut scores) = (Vec::new(), Vec::new());
    for (x, per_cell) in [(at_28, 2), (at_14, 2), (at_7, 6)] {
        let x = b.depth_to_space(x)?;
        for (heads, values) in [(&mut scores, 1), (&mut boxes, VALUES)] {
            let y = separable(b, x, per_cell * values, 2, [Identity, Identity])?;
            heads.push(b.rows(y, values)?);
        }
    }
    Ok(vec![b.stack_rows(&boxes)?, b.stack_rows(&scores)?])
}

/// What comes from below, doubled, and the branch beside it.
fn merge(b: &mut Builder, below: Node, branch: Node) -> Result<Node> {
    let channels = b.shape(branch)[0];
    // a 1 x 1 convolution and a bilinear doubling may change places: this order costs a quarter
    let x = b.next(below, &Layer::new(channels, 1))?;
    let x = b.upsample(x, Upsample::HalfPixel);
    let x = b.activation(x, Relu6)?;
    let x = b.sum(x, branch)?;
    (0..2).try_fold(x, |x, _| separable_residual(b, x, Identity, Relu6))
}

/// Depth-wise convolution, halved, beside a maximum, each of which is followed by blocks.
fn downs(b: &mut Builder, x: Node, repeats: [usize; 2]) -> Result<Node> {
    let mut x = x;
    for n in repeats {
        let channels = b.shape(x)[0];
        x = super::blocks::separable_halving(b, x, channels, Relu6, Relu6)?;
        x = (0..n).try_fold(x, |x, _| separable_residual(b, x, Relu6, Relu6))?;
    }
    Ok(x)
}

/// The mask's last layers, from 64 × 64 on: its logits.
fn mask(b: &mut Builder, at_64: Node, at_128: Node, names: &Names) -> Result<Node> {
    let x = separable(b, at_64, 8, 1, [Relu6, Relu6])?;
    let x = b.upsample(x, Upsample::HalfPixel);
    let x = b.sum(x, at_128)?;
    let x = (0..2).try_fold(x, |x, _| separable_residual(b, x, Relu6, Relu6))?;
    let x = b.upsample(x, Upsample::HalfPixel);
    let x = (0..2).try_fold(x, |x, _| separable_residual(b, x, Relu6, Relu6))?;
    b.conv(x, &Layer::new(1, 3), names)
}

/// From 8 × 8 up to 64 × 64 with the branches beside it, coarsest first.
fn decode(b: &mut Builder, x: Node, branches: [Node; 3]) -> Result<Node> {
    branches.into_iter().try_fold(x, |x, branch| {
        let x = b.upsample(x, Upsample::HalfPixel);
        b.sum(x, branch)
    })
}

/// Points (195), world points (117), presence (1), heat maps (39 × 64 × 64) and the mask's logits (256 × 256).
pub(super) fn full(b: &mut Builder) -> Result<Vec<Node>> {
    let x = b.input([3, 256, 256]);
    let mut x = stem(b, x, 16)?;
    // middle, out, branch, kernel, and the blocks behind
    let stages: [(usize, usize, usize, usize, &[Repeat]); 4] = [
        (64, 24, 8, 3, &[(144, 24, 3)]),
        (144, 32, 48, 5, &[(192, 32, 5)]),
        (192, 64, 48, 3, &[(384, 64, 3), (384, 64, 3), (384, 88, 5), (528, 88, 5), (528, 88, 5)]),
        (528, 144, 48, 5, &[(864, 144, 5); 3]),
    ];
    let mut branches = [x; 4];
    for (branch, (middle, out, lateral, kernel, repeats)) in branches.iter_mut().zip(stages) {
        let wide = b.next(x, &Layer::new(middle, 1).relu6())?;
        *branch = separable(b, x, lateral, 1, [Relu6, Relu6])?;
        x = b.next(wide, &Layer::depthwise(kernel).stride(2).relu6())?;
        x = b.next(x, &Layer::new(out, 1))?;
        x = blocks(b, x, repeats)?;
    }
    let x = b.next(x, &Layer::new(864, 1).relu6())?;
    let head = b.next(x, &Layer::depthwise(3).relu6())?;
    let [at_128, at_64, at_32, at_16] = branches;
    let x = separable(b, head, 48, 1, [Relu6, Relu6])?;
    let decoded = decode(b, x, [at_16, at_32, at_64])?;
    let mask = {
        let names = Names::of("conv042");
        let mask = mask(b, decoded, at_128, &names)?;
        b.next_number();
        mask
    };
    let heat = b.next(decoded, &Layer::new(39, 1))?;
    let x = separable(b, head, 288, 1, [Relu6, Relu6])?;
    let x = downs(b, x, [4, 5])?;
    let points = b.next(x, &Layer::whole(195, [2, 2]))?;
    let world = b.next(x, &Layer::whole(117, [2, 2]))?;
    let presence = b.next(x, &Layer::whole(1, [2, 2]).activation(eir_core::nn::Activation::Sigmoid))?;
    Ok(vec![points, world, presence, heat, mask])
}

const LITE: Naming = Naming {
    conv: |n| lite_names("conv2d", n, "Conv2D"),
    depthwise: |n| lite_names("depthwise_conv2d", n, "depthwise"),
    slopes: |_| String::new(),
};

fn lite_names(kind: &str, n: usize, what: &str) -> Names {
    let prefix = if n > 1 {
        format!("StatefulPartitionedCall/model/{kind}_{}/{what}", n - 1)
    } else {
        format!("StatefulPartitionedCall/model/{kind}/{what}")
    };
    Names { weight: format!("{prefix}_weights"), bias: Some(format!("{prefix}_bn_offset")) }
}

/// A last layer of the lite network.
fn lite_head(name: &str) -> Names {
    let prefix = format!("StatefulPartitionedCall/model/{name}");
    Names { weight: format!("{prefix}/Conv2D/ReadVariableOp"), bias: Some(format!("{prefix}/BiasAdd/ReadVariableOp")) }
}

/// As [`full`].
pub(super) fn lite(b: &mut Builder) -> Result<Vec<Node>> {
    b.name_by(LITE);
    let x = b.input([3, 256, 256]);
    let at_128 = stem(b, x, 8)?;
    let halve = |b: &mut Builder, x: Node, channels: [usize; 2], kernel: usize| {
        inverted_residual(b, x, channels, kernel, 2, Halving::Symmetric)
    };
    let x = halve(b, at_128, [32, 16], 3)?;
    let at_64 = blocks(b, x, &[(96, 16, 3)])?;
    let x = halve(b, at_64, [96, 24], 5)?;
    let at_32 = blocks(b, x, &[(144, 24, 5)])?;
    let x = halve(b, at_32, [144, 40], 3)?;
    let at_16 = blocks(b, x, &[(240, 40, 3), (240, 40, 3), (240, 56, 5), (336, 56, 5), (336, 56, 5)])?;
    let x = halve(b, at_16, [336, 96], 5)?;
    let x = blocks(b, x, &[(576, 96, 5); 3])?;
    let x = b.next(x, &Layer::new(576, 1).relu6())?;
    let head = b.next(x, &Layer::depthwise(3).relu6())?;
    let active = [Relu6, Relu6];
    let x = separable(b, head, 32, 1, active.clone())?;
    let [mut branch_16, mut branch_32, mut branch_64] = [at_16, at_32, at_64];
    for branch in [&mut branch_16, &mut branch_32, &mut branch_64] {
        *branch = separable(b, *branch, 32, 1, active.clone())?;
    }
    let decoded = decode(b, x, [branch_16, branch_32, branch_64])?;
    let x = separable(b, head, 192, 1, active)?;
    let x = downs(b, x, [2, 3])?;
    let branch_128 = separable_residual(b, at_128, Relu6, Relu6)?;
    let mask = mask(b, decoded, branch_128, &lite_head("output_segmentation"))?;
    let heat = b.conv(decoded, &Layer::new(39, 1), &lite_head("output_heatmap"))?;
    let points = b.conv(x, &Layer::whole(195, [2, 2]), &lite_head("convld_3d"))?;
    let world = b.conv(x, &Layer::whole(117, [2, 2]), &lite_head("convworld_3d"))?;
    let presence = Layer::whole(1, [2, 2]).activation(eir_core::nn::Activation::Sigmoid);
    let presence = b.conv(x, &presence, &lite_head("conv_poseflag"))?;
    Ok(vec![points, world, presence, heat, mask])
}
