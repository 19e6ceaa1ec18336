//! A long short-term memory that reads a sequence step by step.

use super::recurrent::{Matrix, check, sigmoid};
use crate::Result;
use eir_core::error::Mismatch;

/// A long short-term memory, as in PyTorch.
///
/// **Use it** as [`Gru`](super::Gru), where weights are those of an LSTM.
///
/// # Formula
/// `(i, f, g, o) = W x + b + U h + c`; `s ← σ(f) ∘ s + σ(i) ∘ tanh(g)`, `h ← σ(o) ∘ tanh(s)`, from h = s = 0.
///
/// # Examples
/// ```
/// use eir_signal::models::Lstm;
/// let lstm = Lstm::new(1, 1, &[0.0, 0.0, 1.0, 0.0], &[0.0; 4], &[0.0; 4], &[0.0; 4])?;
/// let h = lstm.forward(&[1.0])?;
/// assert!((h[0] - 0.5 * (0.5 * 1f32.tanh()).tanh()).abs() < 1e-6);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Mismatch`] for weights or a sequence of the wrong length, [`NotFinite`](eir_core::error::NotFinite) for a weight.
///
/// # Validation
/// Within 2e-5 of the same arithmetic in NumPy (`models.json`).
///
/// # References
/// Hochreiter, Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
#[derive(Debug, Clone, PartialEq)]
pub struct Lstm {
    input: Matrix,
    hidden: Matrix,
}

/// What an [`Lstm`] remembers between steps.
#[derive(Debug, Clone, PartialEq)]
pub struct LstmState {
    hidden: Vec<f32>,
    cell: Vec<f32>,
    from_input: Vec<f32>,
    from_hidden: Vec<f32>,
}

impl LstmState {
    /// The state that is given out.
    #[must_use]
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }
}

impl Lstm {
    /// From PyTorch's tensors: `weight_ih`, 4 · hidden × inputs, and `weight_hh`, 4 · hidden × hidden, row after row, gates
    /// in the order i, f, g, o, and both biases.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn new(
        inputs: usize,
        hidden: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias_ih: &[f32],
        bias_hh: &[f32],
    ) -> Result<Self> {
        let input = Matrix::new(inputs, 4 * hidden, weight_ih, bias_ih)?;
        Ok(Self { input, hidden: Matrix::new(hidden, 4 * hidden, weight_hh, bias_hh)? })
    }

    /// Numbers in a step's input.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input.inputs()
    }

    /// Numbers in the state that is given out.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.hidden.inputs()
    }

    /// A state before the first step.
    #[must_use]
    pub fn start(&self) -> LstmState {
        let (state, gates) = (vec![0.0; self.hidden()], vec![0.0; 4 * self.hidden()]);
        LstmState { hidden: state.clone(), cell: state, from_input: gates.clone(), from_hidden: gates }
    }

    /// One step; allocates nothing.
    ///
    /// # Errors
    /// [`Mismatch`] for an input of the wrong length or a state of another memory.
    pub fn step(&self, state: &mut LstmState, x: &[f32]) -> Result<()> {
        Mismatch::check("numbers of a step", self.inputs(), x.len())?;
        Mismatch::check("numbers of the state", self.hidden(), state.hidden.len())?;
        let n = self.hidden();
        self.input.apply(x, &mut state.from_input);
        self.hidden.apply(&state.hidden, &mut state.from_hidden);
        let gate = |k: usize, j: usize| state.from_input[k * n + j] + state.from_hidden[k * n + j];
        for (j, (h, s)) in state.hidden.iter_mut().zip(&mut state.cell).enumerate() {
            *s = sigmoid(gate(1, j)) * *s + sigmoid(gate(0, j)) * gate(2, j).tanh();
            *h = sigmoid(gate(3, j)) * s.tanh();
        }
        Ok(())
    }

    /// The states after each step of a sequence, step after step.
    ///
    /// # Errors
    /// [`Mismatch`] unless the sequence consists of whole steps.
    pub fn forward(&self, x: &[f32]) -> Result<Vec<f32>> {
        let steps = check(x, self.inputs())?;
        let (mut state, mut out) = (self.start(), Vec::with_capacity(steps * self.hidden()));
        for step in x.chunks_exact(self.inputs()) {
            self.step(&mut state, step)?;
            out.extend_from_slice(&state.hidden);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_length_is_an_error() {
        assert!(Lstm::new(1, 1, &[0.0; 3], &[0.0; 4], &[0.0; 4], &[0.0; 4]).is_err());
        let lstm = Lstm::new(2, 1, &[0.3; 8], &[0.2; 4], &[0.1; 4], &[0.0; 4]).unwrap();
        assert!(lstm.forward(&[1.0; 3]).is_err());
        assert!(lstm.step(&mut lstm.start(), &[1.0]).is_err());
        assert!(lstm.forward(&[]).unwrap().is_empty());
    }
}
