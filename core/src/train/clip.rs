use super::StepError;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The gradients of `module`, shortened to `longest` if their common Euclidean norm is above it, and that norm before.
///
/// One norm over all parameters, as PyTorch's `clip_grad_norm_`; burn's own clipping takes each tensor for itself.
pub(super) fn clip<M: Module>(
    module: &M,
    mut gradients: GradientsParams,
    longest: Option<f64>,
) -> Result<(GradientsParams, f64), StepError> {
    let mut squares = Squares { gradients: &gradients, sums: Vec::new() };
    module.visit(&mut squares);
    let sums = squares.sums;
    let norm = if sums.is_empty() {
        0.0
    } else {
        // read in one go, added in f64
        let values = Tensor::cat(sums, 0).try_into_vec_as::<f32>()?;
        values.iter().map(|v| f64::from(*v)).sum::<f64>().sqrt()
    };
    if let Some(longest) = longest.filter(|longest| norm > *longest) {
        module.visit(&mut Scale { gradients: &mut gradients, factor: longest / norm });
    }
    Ok((gradients, norm))
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sums.push(gradient.square().sum());
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    #[test]
    fn the_common_norm_is_shortened() {
        let device = Device::flex().autodiff();
        let layer: Linear = LinearConfig::new(1, 1).init(&device);
        // the output's gradient is 3 (the input) for the weight and 1 for the bias
        let x = Tensor::<2>::from_floats([[3.0]], &device);
        let gradients = || GradientsParams::from_grads(layer.forward(x.clone()).sum().backward(), &layer);
        let value = |g: &GradientsParams| -> [f32; 2] {
            let bias = layer.bias.as_ref().map(|b| b.id).unwrap();
            [g.get::<2>(layer.weight.id).unwrap().into_scalar(), g.get::<1>(bias).unwrap().into_scalar()]
        };
        let (free, norm) = clip(&layer, gradients(), None).unwrap();
        assert_eq!((value(&free), norm), ([3.0, 1.0], 10f64.sqrt()));
        let (long, _) = clip(&layer, gradients(), Some(4.0)).unwrap();
        assert_eq!(value(&long), [3.0, 1.0]);
        let (short, norm) = clip(&layer, gradients(), Some(1.0)).unwrap();
        let [w, b] = value(&short);
        assert!((w * w + b * b - 1.0).abs() < 1e-6 && (w - 3.0 * b).abs() < 1e-6 && norm == 10f64.sqrt());
    }
}
