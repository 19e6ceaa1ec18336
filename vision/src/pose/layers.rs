//! The few layers of which the BlazePose networks are made; batch norms are folded in the published weights.

use crate::Result;
use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, interpolate};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::random::{Generator, Stream};
use eir_core::weights::Weights;

/// Where a network's weights come from; gives them in the order in which the network runs.
pub(crate) struct Source<'a> {
    origin: Origin,
    device: &'a Device,
    convolutions: usize,
    depthwise: usize,
}

enum Origin {
    File(Weights),
    Seeded(Box<Stream>),
}

impl<'a> Source<'a> {
    pub(crate) fn file(weights: Weights, device: &'a Device) -> Self {
        Self { origin: Origin::File(weights), device, convolutions: 0, depthwise: 0 }
    }

    pub(crate) fn seeded(seed: u64, device: &'a Device) -> Self {
        let stream = Generator::new(seed, "vision self-check").stream(0);
        Self { origin: Origin::Seeded(Box::new(stream)), device, convolutions: 0, depthwise: 0 }
    }

    /// Checks that the file holds nothing else.
    pub(crate) fn finish(self) -> Result<()> {
        match self.origin {
            Origin::File(weights) => Ok(weights.finish()?),
            Origin::Seeded(_) => Ok(()),
        }
    }

    /// An ordinary convolution with bias, padded to keep the size (before the stride).
    pub(crate) fn conv(&mut self, channels: [usize; 2], kernel: usize, stride: usize) -> Result<Conv> {
        self.convolutions += 1;
        let name = format!("conv{:03}", self.convolutions);
        self.layer(&name, [channels[1], channels[0], kernel, kernel], 1, stride)
    }

    /// A 1 × 1 convolution with bias.
    pub(crate) fn pointwise(&mut self, from: usize, to: usize) -> Result<Conv> {
        self.conv([from, to], 1, 1)
    }

    /// A convolution of each channel for itself.
    pub(crate) fn depthwise(&mut self, channels: usize, kernel: usize, stride: usize) -> Result<Conv> {
        self.depthwise += 1;
        let name = format!("dw{:03}", self.depthwise);
        self.layer(&name, [channels, 1, kernel, kernel], channels, stride)
    }

    fn layer(&mut self, name: &str, shape: [usize; 4], groups: usize, stride: usize) -> Result<Conv> {
        let weight = self.values(&format!("{name}.weight"), &shape)?;
        let bias = self.values(&format!("{name}.bias"), &shape[..1])?;
        Ok(Conv {
            weight: Param::from_tensor(Tensor::from_data(TensorData::new(weight, shape), self.device)),
            bias: Param::from_tensor(Tensor::from_data(TensorData::new(bias, [shape[0]]), self.device)),
            stride,
            padding: shape[2] / 2,
            groups,
            end_only: false,
        })
    }

    fn values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        match &mut self.origin {
            Origin::File(weights) => Ok(weights.take(name, shape)?),
            Origin::Seeded(stream) => {
                // He initialisation: values stay of order 1 through the layers
                let inputs: usize = shape.iter().skip(1).product();
                let scale = (2.0 / inputs as f64).sqrt() * if shape.len() == 1 { 0.1 } else { 1.0 };
                Ok((0..shape.iter().product()).map(|_| (stream.normal() * scale) as f32).collect())
            }
        }
    }
}

/// A convolution with bias.
#[derive(Module, Debug)]
pub(crate) struct Conv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    stride: usize,
    padding: usize,
    groups: usize,
    /// Pads one row below and one column right only: what "same" means in TensorFlow for stride 2 on an even size.
    end_only: bool,
}

impl Conv {
    pub(crate) fn with_padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    pub(crate) fn with_end_padding(self) -> Self {
        Self { padding: 0, end_only: true, ..self }
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = if self.end_only { x.pad((0, 1, 0, 1), 0.0) } else { x };
        let options = ConvOptions::new([self.stride; 2], [self.padding; 2], [1; 2], self.groups);
        conv2d(x, self.weight.val(), Some(self.bias.val()), options)
    }

    /// Followed by the activation.
    pub(crate) fn active(&self, x: Tensor<4>) -> Tensor<4> {
        relu6(self.forward(x))
    }

    pub(crate) fn device(&self) -> Device {
        self.weight.val().device()
    }
}

/// `min(max(x, 0), 6)`; in two steps, which the processor's backend runs faster than one clamp.
pub(crate) fn relu6(x: Tensor<4>) -> Tensor<4> {
    relu(x).clamp_max(6.0)
}

/// Twice as high and wide, bilinear with half-pixel centres.
pub(crate) fn upsample(x: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let options = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
    interpolate(x, options.with_output_size([2 * h, 2 * w]))
}

/// Four channels become a square of 2 × 2 cells; the channel's index counts slowest (TensorFlow's order).
pub(crate) fn depth_to_space(x: Tensor<4>) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let blocks: Tensor<6> = x.reshape([b, 2, 2, c / 4, h, w]);
    blocks.permute([0, 3, 4, 1, 5, 2]).reshape([b, c / 4, 2 * h, 2 * w])
}

/// Expand, depthwise, project; added to its input where nothing changes its shape.
#[derive(Module, Debug)]
pub(crate) struct InvertedResidual {
    expand: Conv,
    depthwise: Conv,
    project: Conv,
    skip: bool,
}

impl InvertedResidual {
    /// `channels` are those of input, middle and output.
    pub(crate) fn new(
        source: &mut Source<'_>,
        [from, middle, to]: [usize; 3],
        kernel: usize,
        stride: usize,
        skip: bool,
    ) -> Result<Self> {
        let expand = source.pointwise(from, middle)?;
        let depthwise = source.depthwise(middle, kernel, stride)?;
        let project = source.pointwise(middle, to)?;
        Ok(Self { expand, depthwise, project, skip })
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.expand.active(x.clone());
        let y = self.project.forward(self.depthwise.active(y));
        if self.skip { y + x } else { y }
    }
}

/// Depthwise and pointwise convolution.
#[derive(Module, Debug)]
pub(crate) struct Separable {
    depthwise: Conv,
    pointwise: Conv,
}

impl Separable {
    pub(crate) fn new(source: &mut Source<'_>, from: usize, to: usize, stride: usize) -> Result<Self> {
        let depthwise = source.depthwise(from, 3, stride)?;
        let pointwise = source.pointwise(from, to)?;
        Ok(Self { depthwise, pointwise })
    }

    pub(crate) fn with_end_padding(self) -> Self {
        Self { depthwise: self.depthwise.with_end_padding(), ..self }
    }

    /// Neither convolution is followed by the activation.
    pub(crate) fn linear(&self, x: Tensor<4>) -> Tensor<4> {
        self.pointwise.forward(self.depthwise.forward(x))
    }

    /// The activation after the depthwise convolution only.
    pub(crate) fn half_active(&self, x: Tensor<4>) -> Tensor<4> {
        self.pointwise.forward(self.depthwise.active(x))
    }

    /// The activation after both.
    pub(crate) fn active(&self, x: Tensor<4>) -> Tensor<4> {
        relu6(self.half_active(x))
    }

    /// [`half_active`](Self::half_active) added to the input, then the activation.
    pub(crate) fn residual(&self, x: Tensor<4>) -> Tensor<4> {
        relu6(self.half_active(x.clone()) + x)
    }

    /// [`linear`](Self::linear) added to the input, then the activation.
    pub(crate) fn linear_residual(&self, x: Tensor<4>) -> Tensor<4> {
        relu6(self.linear(x.clone()) + x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pose::output;

    /// The convolution written out, in `f64`: `begin` and `end` are the rows and columns of zeros on either side.
    fn written_out(x: &[f32], [c, h, w]: [usize; 3], conv: &Conv, begin: usize, end: usize) -> Vec<f64> {
        let (weight, bias) = (output(conv.weight.val()).unwrap(), output(conv.bias.val()).unwrap());
        let [out, per_group, k, _] = conv.weight.val().dims();
        let size = |n: usize| (n + begin + end - k) / conv.stride + 1;
        let mut y = Vec::new();
        for o in 0..out {
            let first = if conv.groups == 1 { 0 } else { o * c / out };
            for (i, j) in (0..size(h)).flat_map(|i| (0..size(w)).map(move |j| (i, j))) {
                let mut sum = f64::from(bias[o]);
                for (p, a, b) in (0..per_group).flat_map(|p| (0..k * k).map(move |q| (p, q / k, q % k))) {
                    let (row, column) = (i * conv.stride + a, j * conv.stride + b);
                    if (begin..begin + h).contains(&row) && (begin..begin + w).contains(&column) {
                        let value = x[((first + p) * h + row - begin) * w + column - begin];
                        sum += f64::from(value) * f64::from(weight[((o * per_group + p) * k + a) * k + b]);
                    }
                }
                y.push(sum);
            }
        }
        y
    }

    #[test]
    fn convolutions_equal_those_written_out() {
        let device = Device::flex();
        let mut stream = Generator::new(1, "test").stream(0);
        for (h, w) in [(8, 8), (4, 4), (9, 12)] {
            let x: Vec<f32> = (0..6 * h * w).map(|_| stream.normal() as f32).collect();
            let tensor = || Tensor::from_data(TensorData::new(x.clone(), [1, 6, h, w]), &device);
            let mut source = Source::seeded(3, &device);
            let convs = [
                (source.conv([6, 4], 3, 2).unwrap(), 1, 1),
                (source.pointwise(6, 5).unwrap(), 0, 0),
                (source.depthwise(6, 5, 2).unwrap(), 2, 2),
                (source.depthwise(6, 3, 1).unwrap(), 1, 1),
                (source.depthwise(6, 3, 2).unwrap().with_end_padding(), 0, 1),
                (source.conv([6, 3], 2, 1).unwrap().with_padding(0), 0, 0),
            ];
            for (n, (conv, begin, end)) in convs.iter().enumerate() {
                let got = output(conv.forward(tensor())).unwrap();
                let want = written_out(&x, [6, h, w], conv, *begin, *end);
                assert_eq!(got.len(), want.len(), "{n}");
                let worst = got.iter().zip(&want).fold(0.0, |a: f64, (g, w)| a.max((f64::from(*g) - w).abs()));
                assert!(worst < 1e-5, "convolution {n} on {h} x {w}: {worst}");
            }
        }
    }

    #[test]
    fn depth_to_space_is_in_the_order_of_tensorflow() {
        let x: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let tensor = Tensor::from_data(TensorData::new(x, [1, 8, 1, 1]), &Device::flex());
        assert_eq!(output(depth_to_space(tensor)).unwrap(), [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
    }
}
