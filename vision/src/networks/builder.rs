//! Puts a network together from named weights.

use super::graph::{ConvLayer, Graph, Node, Op, Shape, Step, Upsample, Window, len};
use crate::Result;
use eir_core::error::Mismatch;
use eir_core::nn::{Activation, Conv2dConfig, fold_batch_norm};
use eir_core::random::{Generator, Stream};
use eir_core::weights::Weights;

/// Names of a layer's tensors.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) weight: String,
    /// None: the layer has no bias.
    pub(crate) bias: Option<String>,
}

impl Names {
    /// `{prefix}.weight` and `{prefix}.bias`.
    pub(crate) fn of(prefix: &str) -> Self {
        Self { weight: format!("{prefix}.weight"), bias: Some(format!("{prefix}.bias")) }
    }

    /// `{prefix}.weight`, no bias.
    pub(crate) fn weight(prefix: &str) -> Self {
        Self { weight: format!("{prefix}.weight"), bias: None }
    }
}

/// How a file names layers that are only numbered; numbers count from 1 in each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Naming {
    pub(crate) conv: fn(usize) -> Names,
    pub(crate) depthwise: fn(usize) -> Names,
    pub(crate) slopes: fn(usize) -> String,
}

impl Naming {
    /// conv001, dw001, prelu001: the files that were converted from TensorFlow Lite.
    pub(crate) const NUMBERED: Self = Self {
        conv: |n| Names::of(&format!("conv{n:03}")),
        depthwise: |n| Names::of(&format!("dw{n:03}")),
        slopes: |n| format!("prelu{n:03}.weight"),
    };
}

/// A convolution that is still to get its weights.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    out: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [[usize; 2]; 2],
    dilation: usize,
    depthwise: bool,
    activation: Activation,
    bias: bool,
}

impl Layer {
    /// To `out` channels, padded so that the size stays (before the stride).
    pub(crate) fn new(out: usize, kernel: usize) -> Self {
        Self {
            out,
            kernel: [kernel; 2],
            stride: 1,
            padding: [[kernel / 2; 2]; 2],
            dilation: 1,
            depthwise: false,
            activation: Activation::Identity,
            bias: true,
        }
    }

    /// Each channel for itself.
    pub(crate) fn depthwise(kernel: usize) -> Self {
        Self { depthwise: true, ..Self::new(0, kernel) }
    }

    pub(crate) fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Zeros before and after along both axes.
    pub(crate) fn padding(self, before: usize, after: usize) -> Self {
        Self { padding: [[before, after]; 2], ..self }
    }

    /// No padding, and a window as large as its input: one place remains.
    pub(crate) fn whole(out: usize, size: [usize; 2]) -> Self {
        Self { kernel: size, padding: [[0; 2]; 2], ..Self::new(out, 1) }
    }

    /// Dilated, padded so that the size stays.
    pub(crate) fn dilation(self, dilation: usize) -> Self {
        Self { dilation, padding: self.kernel.map(|k| [k / 2 * dilation; 2]), ..self }
    }

    pub(crate) fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    pub(crate) fn relu(self) -> Self {
        self.activation(Activation::Relu)
    }

    pub(crate) fn relu6(self) -> Self {
        self.activation(Activation::Relu6)
    }

    pub(crate) fn silu(self) -> Self {
        self.activation(Activation::Silu)
    }

    pub(crate) fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    fn config(&self, channels: usize) -> Conv2dConfig {
        let out = if self.depthwise { channels } else { self.out };
        Conv2dConfig::new(channels, out, self.kernel)
            .with_stride([self.stride; 2])
            .with_padding_before_after(self.padding)
            .with_dilation([self.dilation; 2])
            .with_groups(if self.depthwise { channels } else { 1 })
            .with_activation(self.activation.clone())
    }
}

enum Origin {
    File(Weights),
    Seeded(Box<Stream>),
    /// No weights: only what is asked for is noted.
    Listing(Vec<(String, Vec<usize>)>),
}

/// A graph in the making and the weights that are left.
pub(crate) struct Builder {
    steps: Vec<Step>,
    origin: Origin,
    naming: Naming,
    convolutions: usize,
    depthwise: usize,
    slopes: usize,
}

impl Builder {
    pub(crate) fn new(weights: Weights) -> Self {
        Self::with(Origin::File(weights))
    }

    /// Weights by chance, for tests of devices.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::with(Origin::Seeded(Box::new(Generator::new(seed, "vision self-check").stream(0))))
    }

    /// To find out what a file must hold.
    pub(crate) fn listing() -> Self {
        Self::with(Origin::Listing(Vec::new()))
    }

    /// What was asked for.
    pub(crate) fn listed(self) -> Vec<(String, Vec<usize>)> {
        if let Origin::Listing(tensors) = self.origin { tensors } else { Vec::new() }
    }

    fn with(origin: Origin) -> Self {
        Self { steps: Vec::new(), origin, naming: Naming::NUMBERED, convolutions: 0, depthwise: 0, slopes: 0 }
    }

    pub(crate) fn name_by(&mut self, naming: Naming) {
        self.naming = naming;
    }

    /// Leaves out tensors that are known and not needed.
    pub(crate) fn discard(&mut self, unneeded: impl Fn(&str) -> bool) {
        if let Origin::File(weights) = &mut self.origin {
            weights.discard(unneeded);
        }
    }

    /// The network, once every tensor of the file has been taken.
    pub(crate) fn finish(self, outputs: &[Node]) -> Result<Graph> {
        if let Origin::File(weights) = self.origin {
            weights.finish()?;
        }
        Ok(Graph { steps: self.steps, outputs: outputs.iter().map(|n| n.0).collect() })
    }

    /// A tensor's values.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        match &mut self.origin {
            Origin::File(weights) => Ok(weights.take(name, shape)?),
            Origin::Seeded(stream) => {
                // He initialisation: values stay of order 1 through the layers
                let inputs: usize = shape.iter().skip(1).product();
                let scale = (2.0 / inputs as f64).sqrt() * if shape.len() == 1 { 0.1 } else { 1.0 };
                Ok((0..shape.iter().product()).map(|_| (stream.normal() * scale) as f32).collect())
            }
            Origin::Listing(tensors) => {
                tensors.push((name.to_owned(), shape.to_vec()));
                Ok(vec![1.0; shape.iter().product()])
            }
        }
    }

    pub(crate) fn shape(&self, node: Node) -> Shape {
        self.steps.get(node.0).map_or([0; 3], |s| s.shape)
    }

    fn channels(&self, node: Node) -> usize {
        self.shape(node)[0]
    }

    fn push(&mut self, op: Op, inputs: &[Node], shape: Shape) -> Node {
        self.steps.push(Step { op, inputs: inputs.iter().map(|n| n.0).collect(), shape });
        Node(self.steps.len() - 1)
    }

    pub(crate) fn input(&mut self, shape: Shape) -> Node {
        self.push(Op::Input, &[], shape)
    }

    pub(crate) fn constant(&mut self, values: Vec<f32>, shape: Shape) -> Result<Node> {
        Mismatch::check("values of a constant", len(shape), values.len())?;
        Ok(self.push(Op::Constant(values), &[], shape))
    }

    /// A convolution by the names of its tensors.
    pub(crate) fn conv(&mut self, x: Node, layer: &Layer, names: &Names) -> Result<Node> {
        let (weight, bias, config) = self.conv_weights(x, layer, names)?;
        self.push_conv(x, ConvLayer { config, weight, bias })
    }

    /// A convolution and the batch norm behind it.
    pub(crate) fn conv_norm(&mut self, x: Node, layer: &Layer, names: &Names, norm: &str, eps: f64) -> Result<Node> {
        let (mut weight, mut bias, config) = self.conv_weights(x, layer, names)?;
        let [gamma, beta, mean, var] = self.norm(norm, config.out_channels)?;
        fold_batch_norm(&mut weight, &mut bias, &gamma, &beta, &mean, &var, eps)?;
        self.push_conv(x, ConvLayer { config, weight, bias })
    }

    /// A batch norm on its own, and an activation.
    pub(crate) fn batch_norm(&mut self, x: Node, norm: &str, eps: f64, activation: Activation) -> Result<Node> {
        let layer = Layer::depthwise(1).activation(activation);
        let (config, channels) = (layer.config(self.channels(x)), self.channels(x));
        let (mut weight, mut bias) = (vec![1.0; channels], vec![0.0; channels]);
        let [gamma, beta, mean, var] = self.norm(norm, channels)?;
        fold_batch_norm(&mut weight, &mut bias, &gamma, &beta, &mean, &var, eps)?;
        self.push_conv(x, ConvLayer { config, weight, bias })
    }

    fn norm(&mut self, prefix: &str, channels: usize) -> Result<[Vec<f32>; 4]> {
        // PyTorch's counter of batches: not needed
        let counter = format!("{prefix}.num_batches_tracked");
        self.discard(|name| name == counter);
        let mut take = |last: &str| self.take(&format!("{prefix}.{last}"), &[channels]);
        Ok([take("weight")?, take("bias")?, take("running_mean")?, take("running_var")?])
    }

    fn conv_weights(&mut self, x: Node, layer: &Layer, names: &Names) -> Result<(Vec<f32>, Vec<f32>, Conv2dConfig)> {
        let config = layer.config(self.channels(x));
        let [kh, kw] = config.kernel;
        let shape = [config.out_channels, config.in_channels / config.groups.max(1), kh, kw];
        let weight = self.take(&names.weight, &shape)?;
        let bias = match &names.bias {
            Some(name) if layer.bias => self.take(name, &shape[..1])?,
            _ => vec![0.0; config.out_channels],
        };
        Ok((weight, bias, config))
    }

    /// A convolution whose weights are there already.
    pub(crate) fn push_conv(&mut self, x: Node, layer: ConvLayer) -> Result<Node> {
        let [channels, h, w] = self.shape(x);
        Mismatch::check("channels", layer.config.in_channels, channels)?;
        layer.config.validate()?;
        let [h, w] = layer.config.output_size([h, w])?;
        let shape = [layer.config.out_channels, h, w];
        Ok(self.push(Op::Conv(Box::new(layer)), &[x], shape))
    }

    /// A fully connected layer on all values of `x`: tensors of (out, in).
    pub(crate) fn linear(&mut self, x: Node, out: usize, names: &Names) -> Result<Node> {
        let inputs = len(self.shape(x));
        let x = self.reshape(x, [inputs, 1, 1])?;
        let weight = self.take(&names.weight, &[out, inputs])?;
        let bias = match &names.bias {
            Some(name) => self.take(name, &[out])?,
            None => vec![0.0; out],
        };
        self.push_conv(x, ConvLayer { config: Conv2dConfig::new(inputs, out, [1, 1]), weight, bias })
    }

    /// The next numbered convolution, depth-wise or not.
    pub(crate) fn next(&mut self, x: Node, layer: &Layer) -> Result<Node> {
        let names = if layer.depthwise {
            self.depthwise += 1;
            (self.naming.depthwise)(self.depthwise)
        } else {
            (self.naming.conv)(self.next_number())
        };
        self.conv(x, layer, &names)
    }

    /// As [`next`](Self::next), followed by the next numbered slopes below zero.
    pub(crate) fn next_prelu(&mut self, x: Node, layer: Layer) -> Result<Node> {
        let channels = layer.config(self.channels(x)).out_channels;
        let slopes = self.next_slopes(channels)?;
        self.next(x, &layer.activation(slopes))
    }

    /// The number of the next convolution, which is then named by the caller.
    pub(crate) fn next_number(&mut self) -> usize {
        self.convolutions += 1;
        self.convolutions
    }

    /// The next numbered slopes below zero.
    pub(crate) fn next_slopes(&mut self, channels: usize) -> Result<Activation> {
        self.slopes += 1;
        let name = (self.naming.slopes)(self.slopes);
        // a file says (channels) or (channels, 1, 1)
        let shape = match &self.origin {
            Origin::File(w) if w.shapes().any(|(n, shape)| n == name && shape.len() == 3) => vec![channels, 1, 1],
            _ => vec![channels],
        };
        Ok(Activation::Prelu { slopes: self.take(&name, &shape)? })
    }

    pub(crate) fn add(&mut self, a: Node, b: Node, activation: Activation) -> Result<Node> {
        let (shape, other) = (self.shape(a), self.shape(b));
        same(shape, other)?;
        activation.validate(shape[0])?;
        Ok(self.push(Op::Add(activation), &[a, b], shape))
    }

    /// The sum, without activation.
    pub(crate) fn sum(&mut self, a: Node, b: Node) -> Result<Node> {
        self.add(a, b, Activation::Identity)
    }

    /// The product of two values of one shape, or of a value and one factor for each of its channels.
    pub(crate) fn multiply(&mut self, a: Node, b: Node) -> Result<Node> {
        let (shape, other) = (self.shape(a), self.shape(b));
        if other != [shape[0], 1, 1] {
            same(shape, other)?;
        }
        Ok(self.push(Op::Multiply, &[a, b], shape))
    }

    pub(crate) fn activation(&mut self, x: Node, activation: Activation) -> Result<Node> {
        activation.validate(self.channels(x))?;
        Ok(self.push(Op::Activation(activation), &[x], self.shape(x)))
    }

    pub(crate) fn concatenate(&mut self, of: &[Node]) -> Result<Node> {
        let mut shape = of.first().map_or([0; 3], |n| self.shape(*n));
        shape[0] = 0;
        for node in of {
            let [c, h, w] = self.shape(*node);
            same([0, h, w], [0, shape[1], shape[2]])?;
            shape[0] += c;
        }
        Ok(self.push(Op::Concatenate, of, shape))
    }

    /// `count` channels from `from` on.
    pub(crate) fn channels_of(&mut self, x: Node, from: usize, count: usize) -> Result<Node> {
        let [c, h, w] = self.shape(x);
        if from + count > c || count == 0 {
            return Err(Mismatch::new("channels", format!("{} at least", from + count), c).into());
        }
        Ok(self.push(Op::Channels(from), &[x], [count, h, w]))
    }

    /// Zero channels behind, until there are `channels`.
    pub(crate) fn pad_channels(&mut self, x: Node, channels: usize) -> Result<Node> {
        let [c, h, w] = self.shape(x);
        if c == channels {
            return Ok(x);
        }
        if c > channels {
            return Err(Mismatch::new("channels", format!("at most {channels}"), c).into());
        }
        Ok(self.push(Op::PadChannels, &[x], [channels, h, w]))
    }

    pub(crate) fn max_pool(&mut self, x: Node, kernel: usize, stride: usize, padding: [usize; 2]) -> Result<Node> {
        let window = Window { kernel, stride, padding: [padding; 2] };
        let shape = window.output(self.shape(x))?;
        Ok(self.push(Op::MaxPool(window), &[x], shape))
    }

    pub(crate) fn average_pool(&mut self, x: Node, kernel: usize, stride: usize) -> Result<Node> {
        let window = Window { kernel, stride, padding: [[0; 2]; 2] };
        let shape = window.output(self.shape(x))?;
        Ok(self.push(Op::AveragePool(window), &[x], shape))
    }

    pub(crate) fn global_average(&mut self, x: Node) -> Node {
        let channels = self.channels(x);
        self.push(Op::GlobalAverage, &[x], [channels, 1, 1])
    }

    pub(crate) fn upsample(&mut self, x: Node, how: Upsample) -> Node {
        let [c, h, w] = self.shape(x);
        self.push(Op::Upsample(how), &[x], [c, 2 * h, 2 * w])
    }

    pub(crate) fn depth_to_space(&mut self, x: Node) -> Result<Node> {
        let shape = self.quarter(x)?;
        Ok(self.push(Op::DepthToSpace, &[x], shape))
    }

    pub(crate) fn pixel_shuffle(&mut self, x: Node) -> Result<Node> {
        let shape = self.quarter(x)?;
        Ok(self.push(Op::PixelShuffle, &[x], shape))
    }

    fn quarter(&self, x: Node) -> Result<Shape> {
        let [c, h, w] = self.shape(x);
        Mismatch::check("channels beyond fours", 0, c % 4)?;
        Ok([c / 4, 2 * h, 2 * w])
    }

    pub(crate) fn space_to_depth(&mut self, x: Node) -> Result<Node> {
        let [c, h, w] = self.shape(x);
        Mismatch::check("rows and columns beyond twos", 0, h % 2 + w % 2)?;
        Ok(self.push(Op::SpaceToDepth, &[x], [4 * c, h / 2, w / 2]))
    }

    /// Axis `i` of the result is axis `order[i]` of `x`.
    pub(crate) fn permute(&mut self, x: Node, order: [usize; 3]) -> Result<Node> {
        let (mut sorted, shape) = (order, self.shape(x));
        sorted.sort_unstable();
        if sorted != [0, 1, 2] {
            return Err(Mismatch::new("order of axes", "each once", format!("{order:?}")).into());
        }
        Ok(self.push(Op::Permute(order), &[x], order.map(|axis| shape.get(axis).copied().unwrap_or(1))))
    }

    pub(crate) fn reshape(&mut self, x: Node, shape: Shape) -> Result<Node> {
        Mismatch::check("values", len(shape), len(self.shape(x)))?;
        Ok(self.push(Op::Reshape, &[x], shape))
    }

    /// Rows of `values` numbers each: the channels of a place follow one another, as TensorFlow lays them out.
    pub(crate) fn rows(&mut self, x: Node, values: usize) -> Result<Node> {
        let all = len(self.shape(x));
        let x = self.permute(x, [1, 2, 0])?;
        self.reshape(x, [1, all / values.max(1), values])
    }

    /// One after the other: values of one width.
    pub(crate) fn stack_rows(&mut self, of: &[Node]) -> Result<Node> {
        let mut rows = 0;
        let mut parts = Vec::with_capacity(of.len());
        let width = of.first().map_or(0, |n| self.shape(*n)[2]);
        for node in of {
            let [_, h, w] = self.shape(*node);
            Mismatch::check("values of a row", width, w)?;
            rows += h;
            parts.push(self.reshape(*node, [h, 1, w])?);
        }
        let all = self.concatenate(&parts)?;
        self.reshape(all, [1, rows, width])
    }

    pub(crate) fn layer_norm(&mut self, x: Node, gamma: Vec<f32>, epsilon: f64) -> Result<Node> {
        Mismatch::check("factors of a norm", self.channels(x), gamma.len())?;
        let beta = vec![0.0; gamma.len()];
        Ok(self.push(Op::LayerNorm { gamma, beta, epsilon }, &[x], self.shape(x)))
    }

    pub(crate) fn instance_norm(&mut self, x: Node, norm: &str, epsilon: f64) -> Result<Node> {
        let channels = self.channels(x);
        let gamma = self.take(&format!("{norm}.weight"), &[channels])?;
        let beta = self.take(&format!("{norm}.bias"), &[channels])?;
        Ok(self.push(Op::InstanceNorm { gamma, beta, epsilon }, &[x], self.shape(x)))
    }

    pub(crate) fn scale_norm(&mut self, x: Node, factor: f32, epsilon: f32) -> Node {
        self.push(Op::ScaleNorm { factor, epsilon }, &[x], self.shape(x))
    }

    pub(crate) fn softmax(&mut self, x: Node) -> Node {
        self.push(Op::Softmax, &[x], self.shape(x))
    }

    /// (m, 1, k) times (k, 1, n).
    pub(crate) fn matrix_product(&mut self, a: Node, b: Node) -> Result<Node> {
        let ([m, one, k], [rows, other, n]) = (self.shape(a), self.shape(b));
        same([k, 1, 1], [rows, one, other])?;
        Ok(self.push(Op::MatrixProduct, &[a, b], [m, 1, n]))
    }
}

fn same(shape: Shape, other: Shape) -> Result<()> {
    if shape == other {
        return Ok(());
    }
    Err(Mismatch::new("shapes of two values", format!("{shape:?}"), format!("{other:?}")).into())
}
