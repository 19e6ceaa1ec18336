//! The same with derivatives.

use super::of_model;
use super::score::check;
use crate::networks::{Architecture, NetworkModule};
use crate::{Error, Result};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use eir_core::error::{Mismatch, NotFinite, Unsupported};
use eir_core::explain::{ClassMap, grad_cam};
use eir_core::weights::Weights;
use eir_core::{Differentiable, Model, Rows};

/// The feature map that Grad-CAM looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FeatureMap {
    /// The last one that is still a map: more than one row or column.
    #[default]
    Last,
    /// An output of the network: those of the classifiers are their last feature maps.
    Output(usize),
}

/// What Grad-CAM found: a coarse map over the picture.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GradCamMap {
    /// Weights of the channels and the map, row by row.
    pub map: ClassMap,
    /// Columns of the map.
    pub width: usize,
    /// Rows of the map.
    pub height: usize,
}

/// One number of a network's output as a function of its input planes, with derivatives.
///
/// **Use it** for [`grad_cam`](Self::grad_cam), [`saliency`](Self::saliency) and
/// [`IntegratedGradients`](eir_core::explain::IntegratedGradients). **Not** where covering parts of the picture tells enough:
/// [`NetworkScore`](super::NetworkScore) is faster and hard to fool.
///
/// # Formula
/// Saliency: largest |∂y/∂x| over the planes. Grad-CAM: see [`grad_cam`](eir_core::explain::grad_cam()); the map is that of
/// the layer, to be enlarged with half-pixel centres (`align_corners` false).
///
/// Computed in double precision where the device has it (processors do). In single precision the derivative of a deep
/// network is uncertain by some percent: of millions of rectified values a few lie so near to their kink that rounding
/// decides on which side.
///
/// # Examples
/// ```no_run
/// use burn::tensor::Device;
/// use eir_core::{Limits, explain::IntegratedGradients, weights::Weights};
/// use eir_vision::explain::{FeatureMap, NetworkGradients};
/// use eir_vision::networks::Architecture;
/// # use std::path::Path;
/// let weights = Weights::open(Path::new("emotion.safetensors"), &Limits::default())?;
/// let happy = NetworkGradients::new(Architecture::Emotion, weights, &Device::flex(), 0, 3)?;
/// let face = vec![0.0f64; 64 * 64];
/// let added = IntegratedGradients::default().explain(&happy, &face, &vec![-1.0; 64 * 64])?.proven(0.01)?;
/// let where_it_looks = happy.grad_cam(&[0.0; 64 * 64], FeatureMap::Last)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Validation
/// Grad-CAM of MobileNetV2 within 1e-3 (relative) of captum on PyTorch; saliency and integrated gradients within what single
/// precision, in which captum ran, leaves open (`cargo xtask golden vision`, `explain/`). Derivatives equal central
/// differences (unit test).
///
/// # References
/// Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74; Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034; Sundararajan, Taly,
/// Yan 2017, arXiv:1703.01365.
#[derive(Debug)]
pub struct NetworkGradients {
    module: NetworkModule,
    device: Device,
    precision: DType,
    output: usize,
    element: usize,
}

/// Every parameter in another precision.
struct In(DType);

impl ModuleMapper for In {
    fn map_float<const D: usize>(&mut self, p: Param<Tensor<D>>) -> Param<Tensor<D>> {
        p.map(|t| t.cast(self.0))
    }
}

impl NetworkGradients {
    /// The number at `element` (in the order channel, row, column) of output number `output` of a network with `weights`.
    ///
    /// # Errors
    /// As [`Architecture::module`]; [`Error::Mismatch`] if there is no such number.
    pub fn new(
        architecture: Architecture,
        weights: Weights,
        device: &Device,
        output: usize,
        element: usize,
    ) -> Result<Self> {
        let device = device.clone().autodiff();
        // derivatives by the picture only: those by the weights would cost as much again
        let module = architecture.module(weights, &device)?.no_grad();
        check(&module.graph().output_shapes(), output, element)?;
        let precision = if device.supports_dtype(DType::F64) { DType::F64 } else { DType::F32 };
        Ok(Self { module, device, precision: DType::F32, output, element }.in_precision(precision))
    }

    /// The same in single precision: faster, and as uncertain as other tools are.
    #[must_use]
    pub fn in_single_precision(self) -> Self {
        self.in_precision(DType::F32)
    }

    fn in_precision(self, precision: DType) -> Self {
        if self.precision == precision {
            return self;
        }
        Self { module: self.module.map(&mut In(precision)).no_grad(), precision, ..self }
    }

    /// Channels, height and width of the input.
    #[must_use]
    pub fn input_shape(&self) -> [usize; 3] {
        self.module.input_shape()
    }

    fn input(&self, planes: &[f32]) -> Result<Tensor<4>> {
        let [c, h, w] = self.module.input_shape();
        Mismatch::check("values of the network's input", c * h * w, planes.len())?;
        NotFinite::check_f32("input value", planes)?;
        let x: Tensor<4> = Tensor::from_data(TensorData::new(planes.to_vec(), [1, c, h, w]), &self.device);
        Ok(x.cast(self.precision))
    }

    fn step(&self) -> usize {
        self.module.graph().outputs.get(self.output).copied().unwrap_or_default()
    }

    /// The number, and its derivative by `x` (the input or a map within).
    fn derivative(&self, value: Tensor<4>, x: &Tensor<4>) -> Result<(f64, Vec<f64>)> {
        let n: usize = value.dims().iter().product();
        let flat: Tensor<1> = value.reshape([n]);
        let number = flat.narrow(0, self.element, 1);
        let at = values(number.clone().without_autodiff())?.first().copied().unwrap_or(f64::NAN);
        let gradients = number.sum().backward();
        let gradient = x.grad(&gradients).ok_or_else(|| Error::Device("it gave no derivative".into()))?;
        Ok((at, values(gradient)?))
    }

    /// The number for the input `planes`, and its derivative by each of them.
    ///
    /// # Errors
    /// [`Error::Mismatch`] or [`Error::NotFinite`] for another input, [`Error::Device`] if the device fails.
    pub fn gradient(&self, planes: &[f32]) -> Result<(f64, Vec<f64>)> {
        let x = self.input(planes)?.require_grad();
        let value = self.module.values(x.clone(), &[self.step()], None).pop();
        self.derivative(value.ok_or_else(|| Error::Device("it gave no value".into()))?, &x)
    }

    /// How fast the number changes with each place of the picture: the largest derivative without its sign over the
    /// planes, row by row.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient).
    pub fn saliency(&self, planes: &[f32]) -> Result<Vec<f64>> {
        let (_, gradient) = self.gradient(planes)?;
        let [_, h, w] = self.module.input_shape();
        let mut map = vec![0.0f64; h * w];
        for plane in gradient.chunks_exact(h * w) {
            map.iter_mut().zip(plane).for_each(|(m, g)| *m = m.max(g.abs()));
        }
        Ok(map)
    }

    /// Where in a feature map the evidence for the number is.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient); [`Error::Mismatch`] for an output that is not there, [`Error::Unsupported`] if the
    /// number does not rest on the map.
    pub fn grad_cam(&self, planes: &[f32], of: FeatureMap) -> Result<GradCamMap> {
        let (graph, last) = (self.module.graph(), self.step());
        let step = match of {
            FeatureMap::Output(n) => {
                check(&graph.output_shapes(), n, 0)?;
                graph.outputs.get(n).copied()
            }
            FeatureMap::Last => {
                let needed = graph.needed(&[last]);
                let is_map = |i: &usize| {
                    let shape = graph.steps.get(*i).map_or([0; 3], |s| s.shape);
                    needed.get(*i) == Some(&true) && shape[1] * shape[2] > 1 && shape[0] > 1
                };
                (1..last).rev().find(is_map)
            }
        };
        let none = || Unsupported::new("Grad-CAM of a number that rests on no map", "choose an earlier feature map");
        let step = step.filter(|s| *s != last).ok_or_else(none)?;
        let x = self.input(planes)?;
        let map = self.module.values(x.clone(), &[step], None).pop().ok_or_else(none)?.detach().require_grad();
        let value = self.module.values(x, &[last], Some((step, map.clone()))).pop().ok_or_else(none)?;
        let (_, gradient) = self.derivative(value, &map).map_err(|_| none())?;
        let [_, channels, height, width] = map.dims();
        let activations = values(map.without_autodiff())?;
        let map = grad_cam(&activations, &gradient, channels).map_err(|e| Error::Device(Box::new(e)))?;
        Ok(GradCamMap { map, width, height })
    }
}

/// A tensor's values in row-major order.
fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(e.to_string().into()))?;
    data.convert::<f64>().try_into_vec().map_err(|e| Error::Device(format!("{e:?}").into()))
}

impl Model for NetworkGradients {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> std::result::Result<(), eir_core::Error> {
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        for (to, row) in out.iter_mut().zip(rows) {
            let planes: Vec<f32> = row.iter().map(|v| *v as f32).collect();
            let x = self.input(&planes).map_err(of_model)?;
            let value = self.module.values(x, &[self.step()], None).pop().map(|v| values(v.without_autodiff()));
            let value = value.transpose().map_err(of_model)?.unwrap_or_default();
            *to = value.get(self.element).copied().unwrap_or(f64::NAN);
        }
        Ok(())
    }
}

impl Differentiable for NetworkGradients {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> std::result::Result<f64, eir_core::Error> {
        Mismatch::check("places for the gradient", x.len(), out.len())?;
        let planes: Vec<f32> = x.iter().map(|v| *v as f32).collect();
        let (value, gradient) = self.gradient(&planes).map_err(of_model)?;
        out.copy_from_slice(&gradient);
        Ok(value)
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;
    use eir_core::explain::IntegratedGradients;
    use eir_core::random::Generator;

    /// A network with weights of its own.
    fn network() -> NetworkGradients {
        let architecture = Architecture::Emotion;
        let mut stream = Generator::new(3, "weights").stream(0);
        let tensors: Vec<(String, Vec<usize>, Vec<f32>)> = architecture
            .tensors()
            .unwrap()
            .into_iter()
            .map(|(name, shape)| {
                let n: usize = shape.iter().product();
                let inputs = shape.iter().skip(1).product::<usize>().max(1) as f64;
                let values = (0..n).map(|_| (stream.normal() * (1.5 / inputs).sqrt()) as f32).collect();
                (name, shape, values)
            })
            .collect();
        let bytes =
            eir_core::weights::write(tensors.iter().map(|(n, s, v)| (n.as_str(), s.clone(), v.clone()))).unwrap();
        let weights = Weights::from_bytes(&bytes, &eir_core::Limits::default()).unwrap();
        NetworkGradients::new(architecture, weights, &Device::flex(), 0, 3).unwrap()
    }

    #[test]
    fn derivatives_are_central_differences() {
        let network = network();
        let mut stream = Generator::new(4, "input").stream(0);
        let x: Vec<f64> = (0..64 * 64).map(|_| f64::from((0.5 * stream.normal()) as f32)).collect();
        let direction: Vec<f64> = (0..64 * 64).map(|_| stream.normal()).collect();
        let mut gradient = vec![0.0; x.len()];
        let value = network.gradient_into(&x, &mut gradient).unwrap();
        let at = |step: f64| {
            // steps that single precision holds: inputs are single
            let moved: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| f64::from((x + step * d) as f32)).collect();
            let along: f64 = moved.iter().zip(&x).zip(&gradient).map(|((m, x), g)| (m - x) * g).sum();
            (network.predict(Rows::new(&moved, moved.len()).unwrap()).unwrap()[0] - value, along)
        };
        let ((up, along_up), (down, along_down)) = (at(1e-5), at(-1e-5));
        let (difference, along) = (up - down, along_up - along_down);
        assert!(difference != 0.0 && (difference - along).abs() < 2e-3 * difference.abs(), "{difference} {along}");
    }

    #[test]
    fn contributions_add_up() {
        let network = network();
        let x: Vec<f64> = (0..64 * 64).map(|i| f64::from(i % 64) / 32.0 - 1.0).collect();
        let found = IntegratedGradients::default().explain(&network, &x, &vec![0.0; x.len()]).unwrap();
        found.proven(0.01).unwrap();
        let planes: Vec<f32> = x.iter().map(|v| *v as f32).collect();
        let map = network.grad_cam(&planes, FeatureMap::Last).unwrap();
        assert_eq!(map.map.map.len(), map.width * map.height);
        assert_eq!(network.saliency(&planes).unwrap().len(), 64 * 64);
        assert!(network.gradient(&planes[1..]).is_err() && network.grad_cam(&planes, FeatureMap::Output(7)).is_err());
    }
}
