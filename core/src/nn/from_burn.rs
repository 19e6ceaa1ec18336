//! Fused layers from burn's modules, and on burn's tensors.

use super::{Activation, Conv, ConvConfig, Error, fold_batch_norm};
use crate::error::{Mismatch, Unsupported};
use burn::nn::conv::{Conv1d, Conv2d, Conv3d};
use burn::nn::{BatchNorm, PaddingConfig1d, PaddingConfig2d, PaddingConfig3d};
use burn::tensor::{Tensor, TensorData};

/// The values of a tensor, in row-major order.
fn values<const R: usize>(tensor: Tensor<R>) -> Result<Vec<f32>, Error> {
    let data = tensor.try_into_data().ok().and_then(|data| data.try_into_vec::<f32>().ok());
    data.ok_or_else(|| Unsupported::new("a tensor that cannot be read as f32", "use burn's own layer").into())
}

/// What "same" padding comes to, where it does not depend on the input's size.
fn same<const D: usize>(kernel: [usize; D], stride: [usize; D]) -> Result<[[usize; 2]; D], Error> {
    if stride != [1; D] {
        return Err(Unsupported::new("\"same\" padding with a stride", "use burn's own layer").into());
    }
    Ok(kernel.map(|k| [(k - 1) / 2, k / 2]))
}

/// The fused layer of a configuration, a module's parameters and the batch norm behind it.
fn fused<const D: usize, const R: usize>(
    config: ConvConfig<D>,
    weight: Tensor<R>,
    bias: Option<Tensor<1>>,
    norm: Option<&BatchNorm>,
) -> Result<Conv<D>, Error> {
    let mut weight = values(weight)?;
    let mut bias = bias.map_or_else(|| Ok(vec![0.0; config.out_channels]), values)?;
    if let Some(norm) = norm {
        let (gamma, beta) = (values(norm.gamma.val())?, values(norm.beta.val())?);
        let (mean, var) = (values(norm.running_mean.value())?, values(norm.running_var.value())?);
        fold_batch_norm(&mut weight, &mut bias, &gamma, &beta, &mean, &var, norm.epsilon)?;
    }
    Conv::new(config, &weight, Some(&bias))
}

impl Conv<1> {
    /// The fused layer that does what `layer`, the batch norm `norm` in inference and `activation` do.
    ///
    /// # Errors
    /// As [`Conv::new`] and [`fold_batch_norm`]; [`Error::Unsupported`] where burn's own layers must be used.
    pub fn from_burn(layer: &Conv1d, norm: Option<&BatchNorm>, activation: Activation) -> Result<Self, Error> {
        let ([out, inputs, k], stride) = (layer.weight.dims(), [layer.stride]);
        let padding = match layer.padding {
            PaddingConfig1d::Valid => [[0, 0]],
            PaddingConfig1d::Same => same([k], stride)?,
            PaddingConfig1d::Explicit(before, after) => [[before, after]],
        };
        let config =
            ConvConfig::new(inputs * layer.groups, out, [k]).with_stride(stride).with_dilation([layer.dilation]);
        let config = config.with_groups(layer.groups).with_padding_before_after(padding).with_activation(activation);
        fused(config, layer.weight.val(), layer.bias.as_ref().map(|b| b.val()), norm)
    }
}

impl Conv<2> {
    /// The fused layer that does what `layer`, the batch norm `norm` in inference and `activation` do.
    ///
    /// # Errors
    /// As [`Conv::new`] and [`fold_batch_norm`]; [`Error::Unsupported`] where burn's own layers must be used.
    pub fn from_burn(layer: &Conv2d, norm: Option<&BatchNorm>, activation: Activation) -> Result<Self, Error> {
        let [out, inputs, kh, kw] = layer.weight.dims();
        let padding = match layer.padding {
            PaddingConfig2d::Valid => [[0, 0]; 2],
            PaddingConfig2d::Same => same([kh, kw], layer.stride)?,
            PaddingConfig2d::Explicit(top, left, bottom, right) => [[top, bottom], [left, right]],
        };
        let config = ConvConfig::new(inputs * layer.groups, out, [kh, kw]).with_stride(layer.stride);
        let config = config.with_dilation(layer.dilation).with_groups(layer.groups);
        let config = config.with_padding_before_after(padding).with_activation(activation);
        fused(config, layer.weight.val(), layer.bias.as_ref().map(|b| b.val()), norm)
    }
}

impl Conv<3> {
    /// The fused layer that does what `layer`, the batch norm `norm` in inference and `activation` do.
    ///
    /// # Errors
    /// As [`Conv::new`] and [`fold_batch_norm`]; [`Error::Unsupported`] where burn's own layers must be used.
    pub fn from_burn(layer: &Conv3d, norm: Option<&BatchNorm>, activation: Activation) -> Result<Self, Error> {
        let [out, inputs, kd, kh, kw] = layer.weight.dims();
        let padding = match layer.padding {
            PaddingConfig3d::Valid => [[0, 0]; 3],
            PaddingConfig3d::Same => same([kd, kh, kw], layer.stride)?,
            PaddingConfig3d::Explicit(depth, height, width) => [depth, height, width].map(|p| [p; 2]),
        };
        let config = ConvConfig::new(inputs * layer.groups, out, [kd, kh, kw]).with_stride(layer.stride);
        let config = config.with_dilation(layer.dilation).with_groups(layer.groups);
        let config = config.with_padding_before_after(padding).with_activation(activation);
        fused(config, layer.weight.val(), layer.bias.as_ref().map(|b| b.val()), norm)
    }
}

impl<const D: usize> Conv<D> {
    /// The layer on a tensor of items × channels × size (`R` is `D` + 2 axes); the answer is on the tensor's device.
    ///
    /// Worth it for tensors on the processor, and only there. It records nothing for training.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), [`Error::Unsupported`] for a tensor that cannot be read as `f32`.
    pub fn forward_tensor<const R: usize>(&self, x: Tensor<R>) -> Result<Tensor<R>, Error> {
        let (dims, device) = (x.dims(), x.device());
        Mismatch::check("axes of the tensor", D + 2, R)?;
        Mismatch::check("channels", self.config().in_channels, dims[1])?;
        let size: [usize; D] = std::array::from_fn(|a| dims[a + 2]);
        let output = self.forward(&values(x)?, dims[0], size)?;
        let mut shape = dims;
        shape[1] = self.config().out_channels;
        shape[2..].copy_from_slice(&self.config().output_size(size)?);
        Ok(Tensor::from_data(TensorData::new(output, shape), &device))
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};
    use burn::module::Param;
    use burn::nn::BatchNormConfig;
    use burn::nn::conv::{Conv1dConfig, Conv2dConfig, Conv3dConfig};
    use burn::tensor::Device;

    fn random<const R: usize>(stream: &mut Stream, shape: [usize; R], device: &Device) -> Tensor<R> {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.normal() as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    fn norm(stream: &mut Stream, channels: usize, device: &Device) -> BatchNorm {
        let mut norm = BatchNormConfig::new(channels).init(device);
        norm.gamma = Param::from_tensor(random(stream, [channels], device));
        norm.beta = Param::from_tensor(random(stream, [channels], device));
        norm.running_mean = burn::module::RunningState::new(random(stream, [channels], device));
        norm.running_var = burn::module::RunningState::new(random(stream, [channels], device).abs() + 0.5);
        norm
    }

    fn compare<const R: usize>(what: &str, ours: Tensor<R>, theirs: Tensor<R>) {
        assert_eq!(ours.dims(), theirs.dims(), "{what}");
        let (ours, theirs) = (values(ours).unwrap(), values(theirs).unwrap());
        let peak = theirs.iter().fold(0.0f32, |a, v| a.max(v.abs()));
        let worst = ours.iter().zip(&theirs).fold(0.0f32, |a, (x, y)| a.max((x - y).abs()));
        assert!(worst <= 1e-6 * peak, "{what}: {worst} of {peak}");
    }

    struct Case<const D: usize> {
        kernel: [usize; D],
        stride: [usize; D],
        dilation: [usize; D],
        padding: [usize; D],
        groups: usize,
        channels: [usize; 2],
        size: [usize; D],
    }

    fn case<const D: usize>(stream: &mut Stream, largest: usize) -> Case<D> {
        let groups = [1, 1, 2, 3, 7][stream.below(5)];
        let channels = [groups * (1 + stream.below(4)), groups * (1 + stream.below(9))];
        // every third is depth-wise
        let (groups, channels) =
            if stream.below(3) == 0 { (channels[0], [channels[0]; 2]) } else { (groups, channels) };
        let mut of = |n: usize| std::array::from_fn(|_| 1 + stream.below(n));
        let (kernel, stride, dilation, padding): ([usize; D], _, [usize; D], [usize; D]) = (of(5), of(3), of(3), of(3));
        let size = of(largest);
        let size = std::array::from_fn(|a| size[a] + dilation[a] * (kernel[a] - 1));
        Case { kernel, stride, dilation, padding: padding.map(|p| p - 1), groups, channels, size }
    }

    #[test]
    fn equals_burn_on_images_with_batch_norm_and_relu() {
        let (device, cases) = (Device::flex(), Generator::new(1, "images"));
        for number in 0..60 {
            let mut stream = cases.stream(number);
            let c = case::<2>(&mut stream, 40);
            let mut layer = Conv2dConfig::new(c.channels, c.kernel).with_stride(c.stride).with_dilation(c.dilation);
            layer.padding = PaddingConfig2d::Explicit(c.padding[0], c.padding[1], c.padding[0], c.padding[1]);
            let mut layer = layer.with_groups(c.groups).init(&device);
            layer.weight = Param::from_tensor(random(&mut stream, layer.weight.dims(), &device));
            layer.bias = Some(Param::from_tensor(random(&mut stream, [c.channels[1]], &device)));
            let norm = norm(&mut stream, c.channels[1], &device);
            let x = random(&mut stream, [2, c.channels[0], c.size[0], c.size[1]], &device);
            let ours = super::super::Conv2d::from_burn(&layer, Some(&norm), Activation::Relu).unwrap();
            let theirs = burn::tensor::activation::relu(norm.forward(layer.forward(x.clone())));
            compare(&format!("{number}: {layer:?}"), ours.forward_tensor(x).unwrap(), theirs);
        }
    }

    #[test]
    fn equals_burn_on_sequences() {
        let (device, cases) = (Device::flex(), Generator::new(1, "sequences"));
        for number in 0..60 {
            let mut stream = cases.stream(number);
            let c = case::<1>(&mut stream, 300);
            let config = Conv1dConfig::new(c.channels[0], c.channels[1], c.kernel[0]).with_stride(c.stride[0]);
            let causal = PaddingConfig1d::Explicit((c.kernel[0] - 1) * c.dilation[0], 0);
            let config = config.with_dilation(c.dilation[0]).with_groups(c.groups).with_padding(causal);
            let mut layer = config.init(&device);
            layer.weight = Param::from_tensor(random(&mut stream, layer.weight.dims(), &device));
            layer.bias = Some(Param::from_tensor(random(&mut stream, [c.channels[1]], &device)));
            let x = random(&mut stream, [3, c.channels[0], c.size[0]], &device);
            let ours = super::super::Conv1d::from_burn(&layer, None, Activation::Identity).unwrap();
            compare(&format!("{number}: {layer:?}"), ours.forward_tensor(x.clone()).unwrap(), layer.forward(x));
        }
    }

    #[test]
    fn equals_burn_on_volumes() {
        let (device, cases) = (Device::flex(), Generator::new(1, "volumes"));
        for number in 0..40 {
            let mut stream = cases.stream(number);
            let c = case::<3>(&mut stream, 10);
            let config = Conv3dConfig::new(c.channels, c.kernel).with_stride(c.stride).with_dilation(c.dilation);
            let padding = PaddingConfig3d::Explicit(c.padding[0], c.padding[1], c.padding[2]);
            let mut layer = config.with_groups(c.groups).with_padding(padding).init(&device);
            layer.weight = Param::from_tensor(random(&mut stream, layer.weight.dims(), &device));
            layer.bias = Some(Param::from_tensor(random(&mut stream, [c.channels[1]], &device)));
            let x = random(&mut stream, [1, c.channels[0], c.size[0], c.size[1], c.size[2]], &device);
            let ours = super::super::Conv3d::from_burn(&layer, None, Activation::Identity).unwrap();
            compare(&format!("{number}: {layer:?}"), ours.forward_tensor(x.clone()).unwrap(), layer.forward(x));
        }
    }

    #[test]
    fn what_depends_on_the_size_is_left_to_burn() {
        let device = Device::flex();
        let same =
            |stride| Conv1dConfig::new(1, 1, 4).with_padding(PaddingConfig1d::Same).with_stride(stride).init(&device);
        let x = random(&mut Generator::new(1, "same").stream(0), [1, 1, 9], &device);
        let layer = same(1);
        let ours = super::super::Conv1d::from_burn(&layer, None, Activation::Identity).unwrap();
        compare("same", ours.forward_tensor(x.clone()).unwrap(), layer.forward(x.clone()));
        let error = super::super::Conv1d::from_burn(&same(2), None, Activation::Identity).unwrap_err();
        assert!(matches!(error, Error::Unsupported(_)));
        assert!(ours.forward_tensor(x.reshape([1, 1, 3, 3])).is_err());
    }
}
