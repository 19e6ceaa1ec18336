//! One number of a network's output as a function of its input.

use super::of_model;
use crate::Result;
use crate::networks::Network;
use eir_core::error::Mismatch;
use eir_core::{Model, Rows};

/// One number of a network's output as a function of its input planes.
///
/// **Use it** for [`Occlusion`](eir_core::explain::Occlusion), [`Shapley`](eir_core::explain::Shapley) and whatever asks for
/// a [`Model`] only. **Not** for derivatives: `NetworkGradients` has them.
///
/// # Shapes and units
/// A row is the network's input, plane after plane; the value has the unit of the output (a logit, a probability, a
/// position).
///
/// # Examples
/// Which 32 × 32 squares of a picture the first class of a network rests on:
/// ```no_run
/// use burn::tensor::Device;
/// use eir_core::explain::Occlusion;
/// use eir_vision::{explain::NetworkScore, networks::Architecture};
/// # use std::path::Path;
/// let classifier = Architecture::MobilenetV2 { classes: 2 };
/// let network = classifier.load(Path::new("classifier.safetensors"), &Device::flex())?;
/// let score = NetworkScore::new(&network, 0, 0)?;
/// let picture = vec![0.0; 3 * 224 * 224];
/// let map = Occlusion::new(&[3, 224, 224], &[3, 32, 32], &[3, 32, 32]).explain(&score, &picture)?;
/// assert_eq!(map.windows.len(), 49);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Validation
/// Occlusion of MobileNetV2 within 1e-3 (relative) of captum on PyTorch (`cargo xtask golden vision`, `explain/`).
#[derive(Debug, Clone, Copy)]
pub struct NetworkScore<'a> {
    network: &'a Network,
    output: usize,
    element: usize,
}

impl<'a> NetworkScore<'a> {
    /// The number at `element` (in the order channel, row, column) of output number `output`.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if there is no such number.
    pub fn new(network: &'a Network, output: usize, element: usize) -> Result<Self> {
        check(network.output_shapes(), output, element)?;
        Ok(Self { network, output, element })
    }
}

/// An error unless the output has such a number.
pub(super) fn check(shapes: &[[usize; 3]], output: usize, element: usize) -> Result<()> {
    let Some(shape) = shapes.get(output) else {
        return Err(Mismatch::new("number of an output", format!("below {}", shapes.len()), output).into());
    };
    let values: usize = shape.iter().product();
    if element >= values {
        return Err(Mismatch::new("number of a value in the output", format!("below {values}"), element).into());
    }
    Ok(())
}

impl Model for NetworkScore<'_> {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> std::result::Result<(), eir_core::Error> {
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        let mut planes = Vec::with_capacity(rows.columns());
        for (to, row) in out.iter_mut().zip(rows) {
            planes.clear();
            planes.extend(row.iter().map(|v| *v as f32));
            let outputs = self.network.run_some(&planes, &[self.output]).map_err(of_model)?;
            *to = outputs.first().and_then(|o| o.get(self.element)).map_or(f64::NAN, |v| f64::from(*v));
        }
        Ok(())
    }
}
