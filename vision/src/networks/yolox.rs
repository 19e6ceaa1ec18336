//! YOLOX-nano (Ge et al. 2021, arXiv:2107.08430): CSPDarknet with depth-wise convolutions, a path-aggregation neck.

use super::builder::{Builder, Layer, Names};
use super::graph::{Node, Upsample};
use crate::Result;
use eir_core::nn::Activation;

/// The next numbered convolution with SiLU.
fn conv(b: &mut Builder, x: Node, layer: Layer) -> Result<Node> {
    // the file's tensors are numbered as in the exported graph, batch norms folded: every third is a weight
    let weight = 1175 + 3 * b.next_number();
    let names = Names { weight: weight.to_string(), bias: Some((weight + 1).to_string()) };
    b.conv(x, &layer.silu(), &names)
}

/// Depth-wise, then point-wise.
fn separable(b: &mut Builder, x: Node, out: usize, stride: usize) -> Result<Node> {
    let x = conv(b, x, Layer::depthwise(3).stride(stride))?;
    conv(b, x, Layer::new(out, 1))
}

/// A cross-stage block: half of the channels through bottlenecks (with shortcuts in the trunk), half beside them.
fn cross_stage(b: &mut Builder, x: Node, out: usize, repeats: usize, shortcut: bool) -> Result<Node> {
    let mut y = conv(b, x, Layer::new(out / 2, 1))?;
    let beside = conv(b, x, Layer::new(out / 2, 1))?;
    for _ in 0..repeats {
        let z = conv(b, y, Layer::new(out / 2, 1))?;
        let z = separable(b, z, out / 2, 1)?;
        y = if shortcut { b.sum(z, y)? } else { z };
    }
    let both = b.concatenate(&[y, beside])?;
    conv(b, both, Layer::new(out, 1))
}

/// [1, 3549, 85]: tx, ty, tw, th, object, and 80 classes; the finest cells first. The last 81 are probabilities.
pub(super) fn nano(b: &mut Builder) -> Result<Vec<Node>> {
    b.discard(|name| name == "1489" || name == "894"); // constants of the exported graph's reshapes
    let x = b.input([3, 416, 416]);
    let x = b.space_to_depth(x)?;
    let x = conv(b, x, Layer::new(16, 3))?;
    let x = separable(b, x, 32, 2)?;
    let x = cross_stage(b, x, 32, 1, true)?;
    let x = separable(b, x, 64, 2)?;
    let at_52 = cross_stage(b, x, 64, 3, true)?;
    let x = separable(b, at_52, 128, 2)?;
    let at_26 = cross_stage(b, x, 128, 3, true)?;
    let x = separable(b, at_26, 256, 2)?;
    let x = conv(b, x, Layer::new(128, 1))?;
    // windows of 9 and 13 are the window of 5 once and twice more
    let mut pool = |x: Node| b.max_pool(x, 5, 1, [2, 2]);
    let p5 = pool(x)?;
    let p9 = pool(p5)?;
    let p13 = pool(p9)?;
    let x = b.concatenate(&[x, p5, p9, p13])?;
    let x = conv(b, x, Layer::new(256, 1))?;
    let x = cross_stage(b, x, 256, 1, false)?;
    // down to the finest cells and up again
    let lateral_13 = conv(b, x, Layer::new(128, 1))?;
    let x = b.upsample(lateral_13, Upsample::Nearest);
    let x = b.concatenate(&[x, at_26])?;
    let x = cross_stage(b, x, 128, 1, false)?;
    let lateral_26 = conv(b, x, Layer::new(64, 1))?;
    let x = b.upsample(lateral_26, Upsample::Nearest);
    let x = b.concatenate(&[x, at_52])?;
    let out_52 = cross_stage(b, x, 64, 1, false)?;
    let x = separable(b, out_52, 64, 2)?;
    let x = b.concatenate(&[x, lateral_26])?;
    let out_26 = cross_stage(b, x, 128, 1, false)?;
    let x = separable(b, out_26, 128, 2)?;
    let x = b.concatenate(&[x, lateral_13])?;
    let out_13 = cross_stage(b, x, 256, 1, false)?;
    let mut rows = Vec::new();
    for (level, x) in [out_52, out_26, out_13].into_iter().enumerate() {
        let x = conv(b, x, Layer::new(64, 1))?;
        let branch = |b: &mut Builder| (0..2).try_fold(x, |x, _| separable(b, x, 64, 1));
        let classes = branch(b)?;
        let boxes = branch(b)?;
        let names = |what: &str| Names::of(&format!("head.{what}_preds.{level}"));
        let sigmoid = |n: usize| Layer::new(n, 1).activation(Activation::Sigmoid);
        let classes = b.conv(classes, &sigmoid(80), &names("cls"))?;
        let object = b.conv(boxes, &sigmoid(1), &names("obj"))?;
        let boxes = b.conv(boxes, &Layer::new(4, 1), &names("reg"))?;
        let all = b.concatenate(&[boxes, object, classes])?;
        rows.push(b.rows(all, 85)?);
    }
    Ok(vec![b.stack_rows(&rows)?])
}
