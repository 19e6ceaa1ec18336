//! BlazeFace, the short-range and the back-camera face detector (Bazarevsky et al. 2019, arXiv:1907.05047).

use super::blocks::{separable_halving, separable_residual};
use super::builder::{Builder, Layer, Names, Naming};
use super::graph::Node;
use crate::Result;
use eir_core::nn::Activation::{Identity, Relu};

/// Values of a box with its six points.
const VALUES: usize = 16;

/// The stem of both: 5 × 5 to half the size, padded one before and two after.
fn stem(b: &mut Builder, side: usize) -> Result<Node> {
    let x = b.input([3, side, side]);
    b.next(x, &Layer::new(24, 5).stride(2).padding(1, 2).relu())
}

/// A block that may have more channels than its input: the sum with the input and zero channels behind.
fn widening(b: &mut Builder, x: Node, out: usize) -> Result<Node> {
    let y = b.next(x, &Layer::depthwise(3))?;
    let y = b.next(y, &Layer::new(out, 1))?;
    let x = b.pad_channels(x, out)?;
    b.add(x, y, Relu)
}

/// Boxes [1, 896, 16] and scores [1, 896, 1]: the layer of 16 × 16 cells first.
pub(super) fn short(b: &mut Builder) -> Result<Vec<Node>> {
    let x = stem(b, 128)?;
    let x = [24, 28].into_iter().try_fold(x, |x, out| widening(b, x, out))?;
    let x = separable_halving(b, x, 32, Identity, Relu)?;
    let x = [36, 42].into_iter().try_fold(x, |x, out| widening(b, x, out))?;
    let x = separable_halving(b, x, 48, Identity, Relu)?;
    let at_16 = [56, 64, 72, 80, 88].into_iter().try_fold(x, |x, out| widening(b, x, out))?;
    let x = separable_halving(b, at_16, 96, Identity, Relu)?;
    let at_8 = (0..4).try_fold(x, |x, _| widening(b, x, 96))?;
    let layers = [(at_16, 2), (at_8, 6)];
    let scores = layers.map(|(x, n)| b.next(x, &Layer::new(n, 1)));
    let boxes = layers.map(|(x, n)| b.next(x, &Layer::new(n * VALUES, 1)));
    heads(b, boxes, scores)
}

fn heads(b: &mut Builder, boxes: [Result<Node>; 2], scores: [Result<Node>; 2]) -> Result<Vec<Node>> {
    let mut rows = |of: [Result<Node>; 2], values: usize| -> Result<Node> {
        let [first, second] = of;
        let parts = [b.rows(first?, values)?, b.rows(second?, values)?];
        b.stack_rows(&parts)
    };
    Ok(vec![rows(boxes, VALUES)?, rows(scores, 1)?])
}

/// `unknown`, `unknown_0`, …: the file numbers all constants of the original graph.
const BACK: Naming = Naming {
    conv: |n| match n {
        1 => Names { weight: "unknown".to_owned(), bias: Some("unknown_0".to_owned()) },
        _ => unknown(4 * n - 5),
    },
    depthwise: |n| Names { weight: format!("unknown_{}", 4 * n - 3), bias: None },
    slopes: |_| String::new(),
};

fn unknown(n: usize) -> Names {
    Names { weight: format!("unknown_{n}"), bias: Some(format!("unknown_{}", n + 1)) }
}

/// As [`short`], on 256 × 256.
pub(super) fn back(b: &mut Builder) -> Result<Vec<Node>> {
    b.name_by(BACK);
    let x = stem(b, 256)?;
    let repeat = |b: &mut Builder, x: Node| (0..7).try_fold(x, |x, _| separable_residual(b, x, Identity, Relu));
    let x = repeat(b, x)?;
    let at_16 = [24, 48, 96].into_iter().try_fold(x, |x, out| {
        let x = separable_halving(b, x, out, Identity, Relu)?;
        repeat(b, x)
    })?;
    let y = b.next(at_16, &Layer::depthwise(3).stride(2).padding(0, 1))?;
    let at_8 = b.next(y, &Layer::new(96, 1).relu())?;
    let boxes = [
        b.conv(at_16, &Layer::new(2 * VALUES, 1), &unknown(131)),
        b.conv(at_8, &Layer::new(6 * VALUES, 1), &unknown(129)),
    ];
    let scores = [b.conv(at_16, &Layer::new(2, 1), &unknown(135)), b.conv(at_8, &Layer::new(6, 1), &unknown(133))];
    heads(b, boxes, scores)
}
