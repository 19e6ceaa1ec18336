//! What the recurrent layers share.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter};

/// A matrix with a bias, kept column after column: a product then adds whole columns, which the compiler vectorises.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    inputs: usize,
    columns: Vec<f32>,
    bias: Vec<f32>,
}

impl Matrix {
    /// From its rows.
    pub(super) fn new(inputs: usize, outputs: usize, rows: &[f32], bias: &[f32]) -> Result<Self> {
        if inputs == 0 || outputs == 0 {
            return Err(Parameter::new("size of a layer", 0.0, "at least 1").into());
        }
        Mismatch::check("weights of a layer", inputs.saturating_mul(outputs), rows.len())?;
        Mismatch::check("biases of a layer", outputs, bias.len())?;
        NotFinite::check_f32("weight", rows)?;
        NotFinite::check_f32("bias", bias)?;
        let column = |i: usize| rows.iter().skip(i).step_by(inputs).copied();
        Ok(Self { inputs, columns: (0..inputs).flat_map(column).collect(), bias: bias.to_vec() })
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Weights times `x`, plus the bias.
    pub(super) fn apply(&self, x: &[f32], out: &mut [f32]) {
        out.copy_from_slice(&self.bias);
        for (column, x) in self.columns.chunks_exact(self.bias.len()).zip(x) {
            for (y, w) in out.iter_mut().zip(column) {
                *y += w * x;
            }
        }
    }
}

/// Number of steps in a sequence.
pub(super) fn check(x: &[f32], inputs: usize) -> Result<usize> {
    Mismatch::check("numbers in the last step", 0, x.len() % inputs)?;
    Ok(x.len() / inputs)
}

/// 1 / (1 + e⁻ˣ).
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
