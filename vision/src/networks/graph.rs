//! A network written down once: its layers in the order in which they run, each with its weights.
//!
//! Both ways of running it start from here: fused layers on the processor and burn's operations elsewhere.

use crate::Result;
use eir_core::error::Mismatch;
use eir_core::nn::{Activation, Conv2dConfig};

/// Channels, height and width of a value, one item.
pub(crate) type Shape = [usize; 3];

/// A value in a graph: what a layer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node(pub(super) usize);

/// How a value becomes twice as high and wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upsample {
    /// Each value four times.
    Nearest,
    /// Bilinear, centres of pixels on centres of pixels: output i lies at (i + 0.5) / 2 − 0.5.
    HalfPixel,
    /// Bilinear, first pixel on first pixel: output i lies at i / 2.
    Asymmetric,
}

/// A window of pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Before and after, along each axis.
    pub(crate) padding: [[usize; 2]; 2],
}

/// A convolution with bias and activation.
#[derive(Debug, Clone)]
pub(crate) struct ConvLayer {
    pub(crate) config: Conv2dConfig,
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// What a layer does.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Input,
    /// The same value for every input.
    Constant(Vec<f32>),
    Conv(Box<ConvLayer>),
    /// The sum of two values of one shape, and an activation.
    Add(Activation),
    /// The product of two values of one shape; or of each channel and its one value in the second.
    Multiply,
    Activation(Activation),
    /// The channels of all values, one after the other.
    Concatenate,
    /// The channels from this one on.
    Channels(usize),
    /// Channels of zeros behind.
    PadChannels,
    MaxPool(Window),
    /// Padding does not count.
    AveragePool(Window),
    GlobalAverage,
    Upsample(Upsample),
    /// Four channels become a square of 2 × 2 cells; the channel's own index counts fastest (TensorFlow).
    DepthToSpace,
    /// Four channels become a square of 2 × 2 cells; the cell's index counts fastest (PyTorch's pixel shuffle).
    PixelShuffle,
    /// A square of 2 × 2 cells becomes four channels: top left, bottom left, top right, bottom right, each all channels.
    SpaceToDepth,
    /// Axes in another order.
    Permute([usize; 3]),
    /// The same values in another shape.
    Reshape,
    /// Over the channels of each place: minus the mean, by the deviation, times gamma, plus beta.
    LayerNorm {
        gamma: Vec<f32>,
        beta: Vec<f32>,
        epsilon: f64,
    },
    /// Over the places of each channel, the same.
    InstanceNorm {
        gamma: Vec<f32>,
        beta: Vec<f32>,
        epsilon: f64,
    },
    /// Over the channels of each place: by the root mean square (at least epsilon), times a factor.
    ScaleNorm {
        factor: f32,
        epsilon: f32,
    },
    /// The exponentials' shares over the channels of each place.
    Softmax,
    /// (m, 1, k) times (k, 1, n).
    MatrixProduct,
}

/// A layer, where its inputs come from and what shape it gives.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) inputs: Vec<usize>,
    pub(crate) shape: Shape,
}

/// A whole network.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    pub(crate) steps: Vec<Step>,
    pub(crate) outputs: Vec<usize>,
}

/// Values of a shape.
pub(crate) fn len(shape: Shape) -> usize {
    shape.iter().product()
}

impl Graph {
    /// The shape of the input.
    pub(crate) fn input_shape(&self) -> Shape {
        self.steps.first().map_or([0; 3], |s| s.shape)
    }

    /// The shapes of the outputs.
    pub(crate) fn output_shapes(&self) -> Vec<Shape> {
        self.outputs.iter().filter_map(|o| self.steps.get(*o)).map(|s| s.shape).collect()
    }

    /// Which steps the given outputs need.
    pub(crate) fn needed(&self, outputs: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.steps.len()];
        for output in outputs {
            if let Some(n) = needed.get_mut(*output) {
                *n = true;
            }
        }
        for (i, step) in self.steps.iter().enumerate().rev() {
            if needed.get(i) == Some(&true) {
                for input in &step.inputs {
                    if let Some(n) = needed.get_mut(*input) {
                        *n = true;
                    }
                }
            }
        }
        needed
    }

    /// Parameters of all layers.
    pub(crate) fn parameters(&self) -> usize {
        let activation = |a: &Activation| if let Activation::Prelu { slopes } = a { slopes.len() } else { 0 };
        let of = |step: &Step| match &step.op {
            Op::Conv(c) => c.weight.len() + c.bias.len() + activation(&c.config.activation),
            Op::Add(a) | Op::Activation(a) => activation(a),
            Op::Constant(v) => v.len(),
            Op::LayerNorm { gamma, beta, .. } | Op::InstanceNorm { gamma, beta, .. } => gamma.len() + beta.len(),
            _ => 0,
        };
        self.steps.iter().map(of).sum()
    }
}

impl Window {
    /// The pooled shape.
    pub(crate) fn output(&self, [c, h, w]: Shape) -> Result<Shape> {
        let axis = |n: usize, [before, after]: [usize; 2]| {
            let padded = n + before + after;
            if padded < self.kernel || self.stride == 0 || before >= self.kernel || after >= self.kernel {
                return Err(Mismatch::new("window of a pooling", format!("at most {padded}"), self.kernel));
            }
            Ok((padded - self.kernel) / self.stride + 1)
        };
        Ok([c, axis(h, self.padding[0])?, axis(w, self.padding[1])?])
    }

    /// The input places of output `at` along an axis of `n` inputs.
    pub(crate) fn range(&self, axis: usize, at: usize, n: usize) -> std::ops::Range<usize> {
        let before = self.padding[axis][0];
        let start = (at * self.stride).saturating_sub(before);
        start..(at * self.stride + self.kernel).saturating_sub(before).min(n)
    }
}
