//! A network with its weights, ready to run.

use super::graph::{Graph, Shape};
use super::module::NetworkModule;
use super::plan::Plan;
use crate::{Error, Result};
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::error::{Mismatch, NotFinite};

/// A network with its weights, ready to run on one input at a time.
///
/// Made by [`Architecture::load`](super::Architecture::load). On the processor (burn's `flex` device) it runs through
/// fused convolutions, on any other device through burn's operations; the answers agree within rounding. It may be used
/// from several threads at once.
///
/// # Validation
/// Each architecture equals its reference runtime (`cargo xtask golden vision`).
#[derive(Debug)]
pub struct Network {
    input: Shape,
    outputs: Vec<Shape>,
    parameters: usize,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Fused(Plan),
    Burn(Box<NetworkModule>, Device),
}

impl Network {
    pub(crate) fn new(graph: Graph, device: &Device) -> Result<Self> {
        let (input, outputs, parameters) = (graph.input_shape(), graph.output_shapes(), graph.parameters());
        let engine = if is_processor(device) {
            Engine::Fused(Plan::new(graph)?)
        } else {
            Engine::Burn(Box::new(NetworkModule::new(graph, device)?), device.clone())
        };
        Ok(Self { input, outputs, parameters, engine })
    }

    /// Channels, height and width of the input.
    #[must_use]
    pub fn input_shape(&self) -> [usize; 3] {
        self.input
    }

    /// Channels, height and width of each output.
    #[must_use]
    pub fn output_shapes(&self) -> &[[usize; 3]] {
        &self.outputs
    }

    /// Weights of all layers, batch norms folded.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// All outputs for one input: the planes of its channels, one after the other.
    ///
    /// # Errors
    /// [`Error::Mismatch`] or [`Error::NotFinite`] for another input, [`Error::Device`] if the device fails.
    pub fn run(&self, planes: &[f32]) -> Result<Vec<Vec<f32>>> {
        let all: Vec<usize> = (0..self.outputs.len()).collect();
        self.run_some(planes, &all)
    }

    /// As [`run`](Self::run), only the outputs of the given numbers; what only others need is not computed.
    ///
    /// # Errors
    /// As `run`; [`Error::Mismatch`] for a number that is too large.
    pub fn run_some(&self, planes: &[f32], outputs: &[usize]) -> Result<Vec<Vec<f32>>> {
        Mismatch::check("values of the network's input", self.input.iter().product(), planes.len())?;
        NotFinite::check_f32("input value", planes)?;
        if let Some(wrong) = outputs.iter().find(|o| **o >= self.outputs.len()) {
            return Err(Mismatch::new("number of an output", format!("below {}", self.outputs.len()), wrong).into());
        }
        match &self.engine {
            Engine::Fused(plan) => plan.run(planes, outputs),
            Engine::Burn(module, device) => {
                let [c, h, w] = self.input;
                let x = Tensor::from_data(TensorData::new(planes.to_vec(), [1, c, h, w]), device);
                module.forward_some(x, outputs).into_iter().map(values).collect()
            }
        }
    }

    /// The one output of a network that has one, or the first.
    pub(crate) fn first(&self, planes: &[f32]) -> Result<Vec<f32>> {
        Ok(self.run_some(planes, &[0])?.pop().unwrap_or_default())
    }
}

/// Whether fused layers run what the device would.
#[cfg(feature = "flex")]
fn is_processor(device: &Device) -> bool {
    *device == Device::flex() && !device.is_autodiff()
}

#[cfg(not(feature = "flex"))]
fn is_processor(_: &Device) -> bool {
    false
}

/// A tensor's values in row-major order.
fn values(tensor: Tensor<4>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(e.to_string().into()))?;
    data.convert::<f32>().try_into_vec().map_err(|e| Error::Device(format!("{e:?}").into()))
}
