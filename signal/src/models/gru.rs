//! A gated recurrent unit that reads a sequence step by step.

use super::recurrent::{Matrix, check, sigmoid};
use crate::Result;
use eir_core::error::Mismatch;

/// A gated recurrent unit whose reset gate acts after the product, as in PyTorch.
///
/// **Use it** for a trace of any length: its memory is one state, whatever the length. **Not** to train: it only runs
/// weights that were trained elsewhere.
///
/// # Formula
/// `r = σ(W_r x + b_r + U_r h + c_r)`, `z = σ(W_z x + b_z + U_z h + c_z)`,
/// `n = tanh(W_n x + b_n + r ∘ (U_n h + c_n))`, `h ← (1 − z) ∘ n + z ∘ h`, from h = 0.
///
/// # Examples
/// ```
/// use eir_signal::models::Gru;
/// // one input, one state: only the new gate has weights
/// let gru = Gru::new(1, 1, &[0.0, 0.0, 1.0], &[0.0; 3], &[0.0; 3], &[0.0; 3])?;
/// let states = gru.forward(&[1.0, 1.0])?;
/// assert!((states[0] - 0.5 * 1f32.tanh()).abs() < 1e-6 && states[1] > states[0]);
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
/// Cho et al. 2014, arXiv:1406.1078.
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    input: Matrix,
    hidden: Matrix,
}

/// What a [`Gru`] remembers between steps.
#[derive(Debug, Clone, PartialEq)]
pub struct GruState {
    hidden: Vec<f32>,
    from_input: Vec<f32>,
    from_hidden: Vec<f32>,
}

impl GruState {
    /// The state itself.
    #[must_use]
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }
}

impl Gru {
    /// From PyTorch's tensors: `weight_ih`, 3 · hidden × inputs, and `weight_hh`, 3 · hidden × hidden, row after row, gates
    /// in the order r, z, n, and both biases.
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
        let input = Matrix::new(inputs, 3 * hidden, weight_ih, bias_ih)?;
        Ok(Self { input, hidden: Matrix::new(hidden, 3 * hidden, weight_hh, bias_hh)? })
    }

    /// Numbers in a step's input.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input.inputs()
    }

    /// Numbers in the state.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.hidden.inputs()
    }

    /// A state before the first step.
    #[must_use]
    pub fn start(&self) -> GruState {
        let gates = vec![0.0; 3 * self.hidden()];
        GruState { hidden: vec![0.0; self.hidden()], from_input: gates.clone(), from_hidden: gates }
    }

    /// One step; allocates nothing.
    ///
    /// # Errors
    /// [`Mismatch`] for an input of the wrong length or a state of another unit.
    pub fn step(&self, state: &mut GruState, x: &[f32]) -> Result<()> {
        Mismatch::check("numbers of a step", self.inputs(), x.len())?;
        Mismatch::check("numbers of the state", self.hidden(), state.hidden.len())?;
        let n = self.hidden();
        self.input.apply(x, &mut state.from_input);
        self.hidden.apply(&state.hidden, &mut state.from_hidden);
        let (r_x, rest) = state.from_input.split_at(n);
        let (z_x, n_x) = rest.split_at(n);
        let (r_h, rest) = state.from_hidden.split_at(n);
        let (z_h, n_h) = rest.split_at(n);
        for (j, h) in state.hidden.iter_mut().enumerate() {
            let (r, z) = (sigmoid(r_x[j] + r_h[j]), sigmoid(z_x[j] + z_h[j]));
            let new = (n_x[j] + r * n_h[j]).tanh();
            *h = (1.0 - z) * new + z * *h;
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
    fn a_wrong_length_is_an_error_and_four_hours_need_one_state() {
        assert!(Gru::new(2, 1, &[0.0; 5], &[0.0; 3], &[0.0; 3], &[0.0; 3]).is_err());
        assert!(Gru::new(0, 1, &[], &[0.0; 3], &[0.0; 3], &[0.0; 3]).is_err());
        assert!(Gru::new(1, 1, &[f32::NAN; 3], &[0.0; 3], &[0.0; 3], &[0.0; 3]).is_err());
        let gru = Gru::new(2, 1, &[0.3; 6], &[0.2; 3], &[0.1; 3], &[0.0; 3]).unwrap();
        assert!(gru.forward(&[1.0; 3]).is_err());
        let x: Vec<f32> = (0..28_800).map(|i| (i as f32 / 40.0).sin()).collect();
        let whole = gru.forward(&x).unwrap();
        let mut state = gru.start();
        for step in x.chunks_exact(2) {
            gru.step(&mut state, step).unwrap();
        }
        assert_eq!((whole.len(), whole.last()), (14_400, state.hidden().first()));
    }
}
