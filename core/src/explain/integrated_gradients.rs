use super::Attribution;
use crate::error::{Mismatch, NotFinite, Parameter};
use crate::quadrature::gauss_legendre;
use crate::{Differentiable, Error};
use serde::{Deserialize, Serialize};

/// Where gradients are taken on the way from the baseline, and with which weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Quadrature {
    /// Gauss–Legendre: the most exact for a smooth model.
    #[default]
    GaussLegendre,
    /// Trapezoids, both ends included (one node more than steps).
    Trapezoid,
    /// Middle of each step.
    Midpoint,
    /// End of each step.
    Right,
}

/// Integrated gradients: the gradient, collected on the straight way from a baseline to the input.
///
/// **Use it** for networks, with a baseline that means "nothing is there" (a silent signal, a mean patient). **Not** where
/// the baseline is arbitrary: the answer is relative to it. For a recurrent or batch-normed burn model, take the gradient
/// of the inference form.
///
/// # Formula
/// (xⱼ − x′ⱼ) ∫₀¹ ∂f/∂xⱼ(x′ + t (x − x′)) dt; the sum is f(x) − f(x′).
///
/// # Examples
/// ```
/// use eir_core::explain::IntegratedGradients;
/// use eir_core::{Differentiable, Error, Model, Rows};
/// struct Product; // f = x₀ x₁
/// impl Model for Product {
///     fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
///         (|x: &[f64]| x[0] * x[1]).predict_into(rows, out)
///     }
/// }
/// impl Differentiable for Product {
///     fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
///         out.copy_from_slice(&[x[1], x[0]]);
///         Ok(x[0] * x[1])
///     }
/// }
/// let found = IntegratedGradients::default().explain(&Product, &[2.0, 3.0], &[0.0, 0.0])?.proven(1e-6)?;
/// assert!((found.contributions[0] - 3.0).abs() < 1e-12);
/// # Ok::<(), Error>(())
/// ```
///
/// # Validation
/// The closed form of a logistic unit, a tanh network and captum 0.9.0 on a convolutional one within 1e-9
/// (`reference/core/explanation.json`, `captum.json`).
///
/// # References
/// Sundararajan, Taly, Yan 2017, arXiv:1703.01365.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IntegratedGradients {
    /// Number of steps, 1 to 10 000 (50).
    pub steps: usize,
    /// Rule of quadrature (Gauss–Legendre).
    pub quadrature: Quadrature,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        Self { steps: 50, quadrature: Quadrature::default() }
    }
}

impl IntegratedGradients {
    /// With `steps` steps.
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// With another rule of quadrature.
    #[must_use]
    pub fn with_quadrature(self, quadrature: Quadrature) -> Self {
        Self { quadrature, ..self }
    }

    /// Explains f(`x`) against f(`baseline`).
    ///
    /// # Errors
    /// Different lengths, a value that is not finite, steps out of range, and what the model says.
    pub fn explain(&self, model: &impl Differentiable, x: &[f64], baseline: &[f64]) -> Result<Attribution, Error> {
        Mismatch::check("features of the baseline", x.len(), baseline.len())?;
        NotFinite::check_f64("feature", x)?;
        NotFinite::check_f64("feature of the baseline", baseline)?;
        if !(1..=10_000).contains(&self.steps) {
            return Err(Parameter::new("steps", self.steps as f64, "1 to 10000").into());
        }
        let mut gradient = vec![0.0; x.len()];
        let value = model.gradient_into(x, &mut gradient)?;
        let reference = model.gradient_into(baseline, &mut gradient)?;
        let (mut mean, mut point) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for (t, weight) in self.nodes() {
            for (p, (to, from)) in point.iter_mut().zip(x.iter().zip(baseline)) {
                *p = from + t * (to - from);
            }
            model.gradient_into(&point, &mut gradient)?;
            mean.iter_mut().zip(&gradient).for_each(|(m, g)| *m += weight * g);
        }
        let contributions = mean.iter().zip(x.iter().zip(baseline)).map(|(m, (to, from))| m * (to - from)).collect();
        Ok(Attribution { contributions, value, reference })
    }

    /// Places in 0 … 1 and their weights.
    fn nodes(&self) -> Vec<(f64, f64)> {
        let n = self.steps as f64;
        let steps = 0..self.steps;
        match self.quadrature {
            Quadrature::GaussLegendre => {
                gauss_legendre(self.steps).into_iter().map(|(x, w)| (0.5 * (x + 1.0), 0.5 * w)).collect()
            }
            Quadrature::Trapezoid => (0..=self.steps)
                .map(|i| (i as f64 / n, if i == 0 || i == self.steps { 0.5 / n } else { 1.0 / n }))
                .collect(),
            Quadrature::Midpoint => steps.map(|i| ((i as f64 + 0.5) / n, 1.0 / n)).collect(),
            Quadrature::Right => steps.map(|i| ((i + 1) as f64 / n, 1.0 / n)).collect(),
        }
    }
}
