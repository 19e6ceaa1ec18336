//! Groups of layers that several networks share.

use super::builder::{Builder, Layer};
use super::graph::Node;
use crate::Result;
use eir_core::nn::Activation;

/// How a halving pads: the same before and after, or only after (TensorFlow's "same" on an even size).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halving {
    Symmetric,
    AfterOnly,
}

impl Halving {
    /// A depth-wise convolution with this padding where it halves.
    pub(super) fn depthwise(self, kernel: usize, stride: usize) -> Layer {
        let layer = Layer::depthwise(kernel).stride(stride);
        if stride == 2 && self == Self::AfterOnly { layer.padding(kernel / 2 - 1, kernel / 2) } else { layer }
    }
}

/// Expand, depth-wise, project (MobileNetV2): added to its input where nothing changes its shape.
pub(super) fn inverted_residual(
    b: &mut Builder,
    x: Node,
    [middle, out]: [usize; 2],
    kernel: usize,
    stride: usize,
    halving: Halving,
) -> Result<Node> {
    let y = b.next(x, &Layer::new(middle, 1).relu6())?;
    let y = b.next(y, &halving.depthwise(kernel, stride).relu6())?;
    let y = b.next(y, &Layer::new(out, 1))?;
    if b.shape(x) == b.shape(y) { b.sum(y, x) } else { Ok(y) }
}

/// Depth-wise and point-wise convolution, each with its activation.
pub(super) fn separable(
    b: &mut Builder,
    x: Node,
    out: usize,
    stride: usize,
    [first, second]: [Activation; 2],
) -> Result<Node> {
    let x = b.next(x, &Layer::depthwise(3).stride(stride).activation(first))?;
    b.next(x, &Layer::new(out, 1).activation(second))
}

/// [`separable`] of as many channels, added to its input, then `last`.
pub(super) fn separable_residual(b: &mut Builder, x: Node, first: Activation, last: Activation) -> Result<Node> {
    let channels = b.shape(x)[0];
    let y = separable(b, x, channels, 1, [first, Activation::Identity])?;
    b.add(x, y, last)
}

/// A halving beside a maximum of 2 × 2 cells (with zero channels behind), added up, then `last`.
pub(super) fn separable_halving(
    b: &mut Builder,
    x: Node,
    out: usize,
    first: Activation,
    last: Activation,
) -> Result<Node> {
    let largest = b.max_pool(x, 2, 2, [0, 0])?;
    let largest = b.pad_channels(largest, out)?;
    let y = b.next(x, &Halving::AfterOnly.depthwise(3, 2).activation(first))?;
    let y = b.next(y, &Layer::new(out, 1))?;
    b.add(largest, y, last)
}
