//! First weights that depend on a seed alone: burn's own draw from one generator per process.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use eir_core::random::{Generator, Stream};

/// `module` with uniform weights of variance 1 / inputs, and biases of 0.
pub(in crate::models) fn seeded<M: Module>(module: M, seed: u64, purpose: &str) -> M {
    module.map(&mut Seeded { stream: Generator::new(seed, purpose).stream(0) })
}

struct Seeded {
    stream: Stream,
}

impl ModuleMapper for Seeded {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape().dims::<D>();
        // a matrix is inputs × outputs, a kernel outputs × inputs × taps
        let inputs = match D {
            1 => 0,
            2 => shape[0],
            _ => shape.iter().skip(1).product(),
        };
        let bound = if inputs == 0 { 0.0 } else { (3.0 / inputs as f64).sqrt() };
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| self.stream.range(-bound, bound) as f32).collect();
        let tensor = Tensor::from_data(TensorData::new(values, shape), &param.lazy_device());
        let id = param.id;
        param.transform_for_load(tensor, id)
    }
}
