//! The same network as a burn module.

use super::graph::{Graph, Op, Upsample, Window};
use crate::{Error, Result};
use burn::module::{Module, Param};
use burn::tensor::activation::{hard_sigmoid, relu, sigmoid, silu, softmax};
use burn::tensor::module::{avg_pool2d, conv2d, interpolate, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::error::Unsupported;
use eir_core::nn::Activation;
use std::sync::Arc;

/// The parameters of one layer.
#[derive(Module, Debug)]
struct LayerWeights {
    weight: Option<Param<Tensor<4>>>,
    bias: Option<Param<Tensor<1>>>,
    slopes: Option<Param<Tensor<1>>>,
}

/// A network as a burn module: on any device, any number of items at a time, with derivatives on an autodiff device.
///
/// Made by [`Architecture::module`](super::Architecture::module). **Use it** on graphics cards, to explain a network by
/// its derivatives, or to train one further. **Not** on the processor where time counts:
/// [`Network`](super::Network) is several times faster there. Batch norms are folded into the convolutions.
///
/// # Validation
/// Equals [`Network`](super::Network) on `flex`, which equals the reference runtimes (`cargo xtask golden vision`).
#[derive(Module, Debug)]
pub struct NetworkModule {
    layers: Vec<LayerWeights>,
    #[module(skip)]
    graph: Arc<Graph>,
}

impl NetworkModule {
    pub(super) fn new(mut graph: Graph, device: &Device) -> Result<Self> {
        let mut layers = Vec::with_capacity(graph.steps.len());
        for step in &mut graph.steps {
            let shape = step.shape;
            let mut layer = LayerWeights { weight: None, bias: None, slopes: None };
            let tensor4 = |values: Vec<f32>, shape: [usize; 4]| {
                Some(Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device)))
            };
            let tensor1 = |values: Vec<f32>| {
                let n = values.len();
                Some(Param::from_tensor(Tensor::from_data(TensorData::new(values, [n]), device)))
            };
            match &mut step.op {
                Op::Conv(conv) => {
                    let (c, [kh, kw]) = (&conv.config, conv.config.kernel);
                    let shape = [c.out_channels, c.in_channels / c.groups.max(1), kh, kw];
                    layer.weight = tensor4(std::mem::take(&mut conv.weight), shape);
                    layer.bias = tensor1(std::mem::take(&mut conv.bias));
                    layer.slopes = slopes(&conv.config.activation)?.and_then(tensor1);
                }
                Op::Add(activation) | Op::Activation(activation) => {
                    layer.slopes = slopes(activation)?.and_then(tensor1);
                }
                Op::Constant(values) => {
                    layer.weight = tensor4(std::mem::take(values), [1, shape[0], shape[1], shape[2]]);
                }
                Op::LayerNorm { gamma, beta, .. } | Op::InstanceNorm { gamma, beta, .. } => {
                    layer.weight = tensor4(std::mem::take(gamma), [1, shape[0], 1, 1]);
                    layer.bias = tensor1(std::mem::take(beta));
                }
                _ => {}
            }
            layers.push(layer);
        }
        Ok(Self { layers, graph: Arc::new(graph) })
    }

    /// Channels, height and width of the input.
    #[must_use]
    pub fn input_shape(&self) -> [usize; 3] {
        self.graph.input_shape()
    }

    /// The outputs for inputs of [n, channels, height, width], in the order of the architecture.
    ///
    /// # Panics
    /// As every burn operation, if the shape is another one; [`Network::run`](super::Network::run) checks it.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        let outputs: Vec<usize> = (0..self.graph.outputs.len()).collect();
        self.forward_some(x, &outputs)
    }

    /// As [`forward`](Self::forward), only the outputs of the given numbers; what only others need is not computed.
    ///
    /// # Panics
    /// As `forward`.
    #[must_use]
    pub fn forward_some(&self, x: Tensor<4>, outputs: &[usize]) -> Vec<Tensor<4>> {
        let steps: Vec<usize> = outputs.iter().filter_map(|o| self.graph.outputs.get(*o)).copied().collect();
        self.values(x, &steps, None)
    }

    /// The layers.
    #[cfg(feature = "explain")]
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The values of the wanted steps; that of a `known` step is taken as it is, and what it rests on is not computed.
    pub(crate) fn values(&self, x: Tensor<4>, wanted: &[usize], known: Option<(usize, Tensor<4>)>) -> Vec<Tensor<4>> {
        let given = known.as_ref().map(|(step, _)| *step);
        let mut needed = vec![false; self.graph.steps.len()];
        wanted.iter().for_each(|o| needed[*o] = true);
        let mut values: Vec<Option<Tensor<4>>> = vec![None; needed.len()];
        let mut uses = vec![0usize; values.len()];
        for (i, step) in self.graph.steps.iter().enumerate().rev() {
            if needed[i] && given != Some(i) {
                for input in &step.inputs {
                    needed[*input] = true;
                    uses[*input] += 1;
                }
            }
        }
        wanted.iter().for_each(|o| uses[*o] += 1);
        if let Some((step, value)) = known {
            values[step] = Some(value);
        }
        for (i, (step, layer)) in self.graph.steps.iter().zip(&self.layers).enumerate() {
            if !needed[i] || given == Some(i) {
                continue;
            }
            let inputs: Vec<Tensor<4>> = step
                .inputs
                .iter()
                .filter_map(|input| {
                    uses[*input] -= 1;
                    // the last use takes the value, so that its memory is used again
                    if uses[*input] == 0 { values[*input].take() } else { values[*input].clone() }
                })
                .collect();
            values[i] = Some(layer.apply(&step.op, step.shape, inputs, &x));
        }
        wanted.iter().filter_map(|o| values[*o].clone()).collect()
    }
}

/// Slopes as values, if the activation has them; an error for one that burn's path does not know.
fn slopes(activation: &Activation) -> Result<Option<Vec<f32>>> {
    match activation {
        Activation::Prelu { slopes } => Ok(Some(slopes.clone())),
        Activation::Identity
        | Activation::Relu
        | Activation::Relu6
        | Activation::LeakyRelu { .. }
        | Activation::Sigmoid
        | Activation::Silu
        | Activation::HardSigmoid
        | Activation::HardSwish => Ok(None),
        other => Err(Error::Unsupported(Unsupported::new(format!("the activation {other:?}"), "use another device"))),
    }
}

impl LayerWeights {
    fn apply(&self, op: &Op, shape: [usize; 3], inputs: Vec<Tensor<4>>, input: &Tensor<4>) -> Tensor<4> {
        let n = input.dims()[0];
        let [c, h, w] = shape;
        let mut inputs = inputs.into_iter();
        let mut x = || inputs.next().unwrap_or_else(|| input.clone());
        match op {
            Op::Input => input.clone(),
            Op::Constant(_) => self.weight4(input).repeat_dim(0, n),
            Op::Conv(conv) => {
                let config = &conv.config;
                let [[top, bottom], [left, right]] = config.padding;
                let mut x = x();
                let mut padding = [top, left];
                if top != bottom || left != right {
                    x = x.pad((left, right, top, bottom), 0.0);
                    padding = [0, 0];
                }
                let options = ConvOptions::new(config.stride, padding, config.dilation, config.groups);
                let bias = self.bias.as_ref().map(|b| b.val());
                self.activate(&config.activation, conv2d(x, self.weight4(input), bias, options))
            }
            Op::Add(activation) => {
                let sum = x() + x();
                self.activate(activation, sum)
            }
            Op::Multiply => x() * x(),
            Op::Activation(activation) => {
                let x = x();
                self.activate(activation, x)
            }
            Op::Concatenate => Tensor::cat(inputs.collect(), 1),
            Op::Channels(from) => x().narrow(1, *from, c),
            Op::PadChannels => {
                let x = x();
                let [_, channels, h, w] = x.dims();
                let zeros: Tensor<4> = Tensor::zeros([n, c - channels, h, w], &x.device());
                let zeros = zeros.cast(x.dtype());
                Tensor::cat(vec![x, zeros], 1)
            }
            Op::MaxPool(window) => max_pool(x(), window),
            Op::AveragePool(window) => {
                let options = AvgPoolOptions::new([window.kernel; 2]).with_stride([window.stride; 2]);
                avg_pool2d(x(), options)
            }
            Op::GlobalAverage => x().mean_dim(3).mean_dim(2),
            Op::Upsample(how) => upsample(x(), *how),
            Op::DepthToSpace => {
                let blocks: Tensor<6> = x().reshape([n, 2, 2, c, h / 2, w / 2]);
                blocks.permute([0, 3, 4, 1, 5, 2]).reshape([n, c, h, w])
            }
            Op::PixelShuffle => {
                let blocks: Tensor<6> = x().reshape([n, c, 2, 2, h / 2, w / 2]);
                blocks.permute([0, 1, 4, 2, 5, 3]).reshape([n, c, h, w])
            }
            Op::SpaceToDepth => {
                let blocks: Tensor<6> = x().reshape([n, c / 4, h, 2, w, 2]);
                blocks.permute([0, 5, 3, 1, 2, 4]).reshape([n, c, h, w])
            }
            Op::Permute([a, b, d]) => x().permute([0, a + 1, b + 1, d + 1]),
            Op::Reshape => x().reshape([n, c, h, w]),
            Op::LayerNorm { epsilon, .. } => {
                let x = x();
                let mean = x.clone().mean_dim(1);
                self.normed(x - mean, 1, *epsilon)
            }
            Op::InstanceNorm { epsilon, .. } => {
                let flat: Tensor<4> = x().reshape([n, c, 1, h * w]);
                let mean = flat.clone().mean_dim(3);
                self.normed(flat - mean, 3, *epsilon).reshape([n, c, h, w])
            }
            Op::ScaleNorm { factor, epsilon } => {
                let x = x();
                let size = x.clone().powi_scalar(2).mean_dim(1).sqrt().clamp_min(*epsilon);
                x / size * *factor
            }
            Op::Softmax => softmax(x(), 1),
            Op::MatrixProduct => {
                let (a, b) = (x(), x());
                let ([_, m, _, k], [_, _, _, columns]) = (a.dims(), b.dims());
                let product: Tensor<3> = a.reshape([n, m, k]).matmul(b.reshape([n, k, columns]));
                product.reshape([n, m, 1, columns])
            }
        }
    }

    /// What is there of the mean already gone, by the deviation, times gamma, plus beta.
    fn normed(&self, centred: Tensor<4>, axis: usize, epsilon: f64) -> Tensor<4> {
        let variance = centred.clone().powi_scalar(2).mean_dim(axis);
        let mut y = centred / (variance + epsilon).sqrt();
        if let Some(gamma) = &self.weight {
            y = y * gamma.val();
        }
        match &self.bias {
            Some(beta) => {
                let beta = beta.val();
                let channels = beta.dims()[0];
                y + beta.reshape([1, channels, 1, 1])
            }
            None => y,
        }
    }

    fn weight4(&self, otherwise: &Tensor<4>) -> Tensor<4> {
        self.weight.as_ref().map_or_else(|| otherwise.clone(), |w| w.val())
    }

    fn activate(&self, activation: &Activation, x: Tensor<4>) -> Tensor<4> {
        match activation {
            Activation::Relu => relu(x),
            // in two steps, which the processor's backend runs faster than one clamp
            Activation::Relu6 => relu(x).clamp_max(6.0),
            Activation::LeakyRelu { slope } => relu(x.clone()) - relu(-x) * *slope,
            Activation::Prelu { .. } => match &self.slopes {
                Some(slopes) => {
                    let slopes = slopes.val();
                    let channels = slopes.dims()[0];
                    relu(x.clone()) - relu(-x) * slopes.reshape([1, channels, 1, 1])
                }
                None => x,
            },
            Activation::Sigmoid => sigmoid(x),
            Activation::Silu => silu(x),
            Activation::HardSigmoid => hard_sigmoid(x, 1.0 / 6.0, 0.5),
            Activation::HardSwish => x.clone() * hard_sigmoid(x, 1.0 / 6.0, 0.5),
            _ => x, // refused when the module was made
        }
    }
}

fn max_pool(x: Tensor<4>, window: &Window) -> Tensor<4> {
    let [[top, bottom], [left, right]] = window.padding;
    let options = MaxPoolOptions::new([window.kernel; 2])
        .with_stride([window.stride; 2])
        .with_padding_pairs([(top, bottom), (left, right)]);
    max_pool2d(x, options)
}

fn upsample(x: Tensor<4>, how: Upsample) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let doubled = |mode| {
        let options = InterpolateOptions::new(mode).with_align_corners(false);
        options.with_output_size([2 * h, 2 * w])
    };
    match how {
        Upsample::Nearest => interpolate(x, doubled(InterpolateMode::Nearest)),
        Upsample::HalfPixel => interpolate(x, doubled(InterpolateMode::Bilinear)),
        Upsample::Asymmetric => {
            let between = |x: Tensor<4>, axis: usize| {
                let last = x.dims()[axis] - 1;
                let next = Tensor::cat(vec![x.clone().narrow(axis, 1, last), x.clone().narrow(axis, last, 1)], axis);
                (x.clone() + next) * 0.5
            };
            let rows = between(x.clone(), 2);
            let x: Tensor<4> = Tensor::stack::<5>(vec![x, rows], 3).reshape([n, c, 2 * h, w]);
            let columns = between(x.clone(), 3);
            Tensor::stack::<5>(vec![x, columns], 4).reshape([n, c, 2 * h, 2 * w])
        }
    }
}
