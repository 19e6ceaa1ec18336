use crate::error::Mismatch;
use crate::linalg::dot;
use crate::{Differentiable, Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// A fitted linear model: intercept + Σ coefficientⱼ xⱼ.
///
/// Made by [`Ridge`](super::Ridge), [`ElasticNet`](super::ElasticNet) and others; or by hand, from a paper.
///
/// # Examples
/// ```
/// use eir_core::{Model, Rows, learn::LinearModel};
/// let score = LinearModel::new(1.0, vec![2.0, -1.0]);
/// assert_eq!(score.predict(Rows::new(&[3.0, 4.0], 2)?)?, [3.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinearModel {
    /// What it gives where every feature is 0.
    pub intercept: f64,
    /// Change per unit of each feature.
    pub coefficients: Vec<f64>,
}

impl LinearModel {
    /// A model of known numbers.
    #[must_use]
    pub fn new(intercept: f64, coefficients: Vec<f64>) -> Self {
        Self { intercept, coefficients }
    }

    /// Its value at one row of the right length.
    pub(crate) fn at(&self, row: &[f64]) -> f64 {
        self.intercept + dot(&self.coefficients, row)
    }

    /// Writes `number` of each row's value into `out`.
    pub(crate) fn map_into(&self, rows: Rows<'_>, out: &mut [f64], number: impl Fn(f64) -> f64) -> Result<(), Error> {
        Mismatch::check("columns", self.coefficients.len(), rows.columns())?;
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        out.iter_mut().zip(rows).for_each(|(to, row)| *to = number(self.at(row)));
        Ok(())
    }

    /// Writes `slope` times the coefficients into `out`, where `number` gives (value, slope) at the row `x`.
    pub(crate) fn slope_into(
        &self,
        x: &[f64],
        out: &mut [f64],
        number: impl Fn(f64) -> (f64, f64),
    ) -> Result<f64, Error> {
        Mismatch::check("features", self.coefficients.len(), x.len())?;
        Mismatch::check("places for the gradient", x.len(), out.len())?;
        let (value, slope) = number(self.at(x));
        out.iter_mut().zip(&self.coefficients).for_each(|(to, c)| *to = slope * c);
        Ok(value)
    }
}

impl Model for LinearModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.map_into(rows, out, |value| value)
    }
}

impl Differentiable for LinearModel {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
        self.slope_into(x, out, |value| (value, 1.0))
    }
}
