//! A fully connected layer with bias and activation.

use super::{Activation, Error, Instructions};
use crate::error::{Mismatch, NotFinite, Parameter};
use pulp::{Simd, WithSimd};

/// A fully connected layer: matrix × vector, bias and activation in one pass.
///
/// Use it as the last layer of a network, one item at a time. Not for many items at once: the weights are read anew for
/// each, and reading them is what limits the speed.
///
/// # Formula
/// `y[o] = a(bias[o] + Σ_i weight[o, i] x[i])`.
///
/// # Examples
/// ```
/// use eir_core::nn::{Activation, Linear};
/// let layer = Linear::new(2, 1, &[2.0, -1.0], Some(&[0.5]), Activation::Identity)?;
/// assert_eq!(layer.forward(&[3.0, 1.0])?, [5.5]);
/// # Ok::<(), eir_core::nn::Error>(())
/// ```
///
/// # Validation
/// Within 1e-6 of the largest value of the formula in `f64` (test below).
#[derive(Debug, Clone)]
pub struct Linear {
    inputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    instructions: Instructions,
}

impl Linear {
    /// Takes `weight` (output × input, row-major) and `bias` (none: zero).
    ///
    /// # Errors
    /// [`Error::Parameter`] for no input or no output, [`Error::Mismatch`] for a wrong number of weights,
    /// [`Error::NotFinite`] for a weight that is NaN or infinite.
    pub fn new(
        inputs: usize,
        outputs: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self, Error> {
        if inputs == 0 || outputs == 0 {
            return Err(Parameter::new("inputs and outputs", inputs.min(outputs) as f64, "at least 1").into());
        }
        Mismatch::check("weights", inputs.saturating_mul(outputs), weight.len())?;
        NotFinite::check_f32("weight", weight)?;
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        Mismatch::check("biases", outputs, bias.len())?;
        NotFinite::check_f32("bias", &bias)?;
        activation.validate(outputs)?;
        Ok(Self { inputs, weights: weight.to_vec(), bias, activation, instructions: Instructions::best() })
    }

    /// Inputs of an item.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Outputs of an item.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The layer's output for one or more items.
    ///
    /// # Errors
    /// As [`forward_into`](Self::forward_into).
    pub fn forward(&self, input: &[f32]) -> Result<Vec<f32>, Error> {
        let mut output = vec![0.0; input.len() / self.inputs * self.outputs()];
        self.forward_into(input, &mut output)?;
        Ok(output)
    }

    /// As [`forward`](Self::forward), into `output`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the input is not a number of whole items or the output is not as many.
    pub fn forward_into(&self, input: &[f32], output: &mut [f32]) -> Result<(), Error> {
        let items = input.len() / self.inputs;
        Mismatch::check("input", items * self.inputs, input.len())?;
        Mismatch::check("output", items * self.outputs(), output.len())?;
        for (x, y) in input.chunks_exact(self.inputs).zip(output.chunks_exact_mut(self.outputs())) {
            self.instructions.run(Rows { layer: self, x, y });
        }
        Ok(())
    }
}

struct Rows<'a> {
    layer: &'a Linear,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, x, y } = self;
        let (x, tail) = S::as_simd_f32s(x);
        let (x4, x1) = x.as_chunks::<4>();
        for (o, row) in layer.weights.chunks_exact(layer.inputs).enumerate() {
            let (row, row_tail) = S::as_simd_f32s(row);
            let (row4, row1) = row.as_chunks::<4>();
            let mut sums = [simd.splat_f32s(0.0); 4];
            for (row, x) in row4.iter().zip(x4) {
                for i in 0..4 {
                    sums[i] = simd.mul_add_e_f32s(row[i], x[i], sums[i]);
                }
            }
            for (row, x) in row1.iter().zip(x1) {
                sums[0] = simd.mul_add_e_f32s(*row, *x, sums[0]);
            }
            let halves = (simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
            let mut sum = simd.reduce_sum_f32s(simd.add_f32s(halves.0, halves.1)) + layer.bias[o];
            for (w, x) in row_tail.iter().zip(tail) {
                sum += w * x;
            }
            y[o] = sum;
            layer.activation.apply(o, &mut y[o..=o]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn equals_the_formula() {
        let mut stream = Generator::new(1, "linear").stream(0);
        let (weight, x): (Vec<f32>, Vec<f32>) = (
            (0..203 * 7).map(|_| stream.normal() as f32).collect(),
            (0..406).map(|_| stream.normal() as f32).collect(),
        );
        let y = Linear::new(203, 7, &weight, None, Activation::Relu).unwrap().forward(&x).unwrap();
        for (item, y) in x.chunks(203).zip(y.chunks(7)) {
            for (row, y) in weight.chunks(203).zip(y) {
                let want: f64 = row.iter().zip(item).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!((want.max(0.0) - f64::from(*y)).abs() < 5e-5, "{y} {want}");
            }
        }
        assert!(Linear::new(2, 2, &[1.0; 3], None, Activation::Identity).is_err());
        assert!(Linear::new(0, 2, &[], None, Activation::Identity).is_err());
    }
}
