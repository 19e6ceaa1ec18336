use super::design::Moments;
use super::{LinearModel, Wald, check_targets};
use crate::error::TooShort;
use crate::linalg::{Cholesky, add_scaled};
use crate::{Differentiable, Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Ordinary least squares with an intercept, and Wald inference.
///
/// **Use it** to say how much a measurement changes per unit of each feature, with intervals. **Not** with about as many
/// columns as rows, or columns that say the same: see [`Ridge`](super::Ridge).
///
/// # Formula
/// min Σ wᵢ (yᵢ − b − xᵢᵀβ)²; covariance s² (XᵀWX)⁻¹ with s² = Σ wᵢ rᵢ² / (n − columns − 1). Solved by Cholesky on
/// centred columns, with one step of refinement on the residuals.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::LeastSquares};
/// let x = [1.0, 2.0, 3.0, 4.0, 5.0];
/// let fit = LeastSquares::default().fit(Rows::new(&x, 1)?, &[2.1, 3.9, 6.2, 7.8, 10.0])?;
/// let slope = &fit.wald.estimates(0.95)?[1];
/// assert_eq!(slope.sentence("Slope"), "Slope 1.97 (95 % CI 1.79 to 2.15; Wald, t with 3 degrees of freedom, n = 5)");
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for lengths that differ, a target that is not finite, fewer than columns + 2 rows, and columns that are
/// constant or depend on each other ([`Error::NoOptimum`]).
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/linear_models.json`.
///
/// # References
/// Seber, Lee 2003, doi:10.1002/9780471722199.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeastSquares {}

/// A fitted [`LeastSquares`] model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeastSquaresModel {
    /// The line itself.
    pub linear: LinearModel,
    /// Intervals and tests of its coefficients.
    pub wald: Wald,
    /// Standard deviation of the residuals, s.
    pub residual_sd: f64,
    /// Share of the targets' variance that it explains; NaN for constant targets.
    pub r2: f64,
}

impl LeastSquares {
    /// Fits `targets` to `rows`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>, targets: &[f64]) -> Result<LeastSquaresModel, Error> {
        fit(rows, targets, None)
    }

    /// As [`fit`](Self::fit), with a weight for each row: 1 / its variance, up to a factor.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, rows: Rows<'_>, targets: &[f64], weights: &[f64]) -> Result<LeastSquaresModel, Error> {
        fit(rows, targets, Some(weights))
    }
}

fn fit(rows: Rows<'_>, targets: &[f64], weights: Option<&[f64]>) -> Result<LeastSquaresModel, Error> {
    let columns = rows.columns();
    let n = check_targets(rows, targets, weights)?;
    if n < columns + 2 {
        return Err(TooShort::new("rows", n, columns + 2).into());
    }
    let m = Moments::new(rows, targets, weights);
    let factor = Cholesky::new(&m.gram, columns).map_err(|_| Error::NoOptimum {
        what: "least squares",
        reason: "columns are constant or depend on each other: drop them or use ridge",
    })?;
    let mut coefficients = m.products.clone();
    factor.solve(&mut coefficients);
    let mut linear = LinearModel::new(m.intercept(&coefficients), coefficients);
    // the residuals know the digits that the products have lost
    let residuals: Vec<f64> = rows.iter().zip(targets).map(|(row, y)| y - linear.at(row)).collect();
    let mut step = Moments::new(rows, &residuals, weights).products;
    factor.solve(&mut step);
    add_scaled(&mut linear.coefficients, 1.0, &step);
    linear.intercept = m.intercept(&linear.coefficients);

    let square = |(i, (row, y)): (usize, (&[f64], &f64))| weights.map_or(1.0, |w| w[i]) * (y - linear.at(row)).powi(2);
    let squares: f64 = rows.iter().zip(targets).enumerate().map(square).sum();
    let degrees_of_freedom = n - columns - 1;
    let variance = squares / degrees_of_freedom as f64;
    let size = columns + 1;
    let mut covariance = vec![0.0; size * size];
    for (to, from) in covariance.chunks_exact_mut(size).zip(factor.inverse().chunks_exact(columns)) {
        to.iter_mut().zip(from).for_each(|(t, f)| *t = variance * f);
    }
    covariance[size * size - 1] = variance / m.total;
    let values = [&[linear.intercept], linear.coefficients.as_slice()].concat();
    let wald = Wald::from_centred(values, &covariance, &m.means, Some(degrees_of_freedom), n);
    let r2 = if m.target > 0.0 { 1.0 - squares / m.target } else { f64::NAN };
    Ok(LeastSquaresModel { linear, wald, residual_sd: variance.sqrt(), r2 })
}

impl Model for LeastSquaresModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.linear.predict_into(rows, out)
    }
}

impl Differentiable for LeastSquaresModel {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
        self.linear.gradient_into(x, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::contract;

    const X: [f64; 12] = [1.0, 2.0, 2.0, 1.0, 3.0, 5.0, 4.0, 3.0, 5.0, 8.0, 6.0, 4.0];
    const Y: [f64; 6] = [1.2, 2.9, 4.1, 3.8, 6.5, 5.1];

    /// A far mean costs digits of the products, not of the result.
    #[test]
    fn an_offset_changes_nothing_but_the_intercept() {
        let near = LeastSquares::default().fit(Rows::new(&X, 2).unwrap(), &Y).unwrap();
        let far: Vec<f64> = X.iter().map(|x| x + 1e6).collect();
        let far = LeastSquares::default().fit(Rows::new(&far, 2).unwrap(), &Y).unwrap();
        for j in 0..2 {
            assert!((near.linear.coefficients[j] - far.linear.coefficients[j]).abs() < 1e-10);
            assert!((near.wald.standard_errors()[j + 1] - far.wald.standard_errors()[j + 1]).abs() < 1e-10);
        }
        contract::serde_round_trip(&near);
    }

    #[test]
    fn a_weight_of_two_is_a_row_twice() {
        let twice: Vec<f64> = [&X[..], &X[..2]].concat();
        let plain = LeastSquares::default().fit(Rows::new(&twice, 2).unwrap(), &[&Y[..], &Y[..1]].concat()).unwrap();
        let weighted = LeastSquares::default()
            .fit_weighted(Rows::new(&X, 2).unwrap(), &Y, &[2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
            .unwrap();
        assert!((plain.linear.intercept - weighted.linear.intercept).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_fitted_is_an_error() {
        let fit = |x: &[f64], p, y: &[f64]| LeastSquares::default().fit(Rows::new(x, p)?, y).map(drop);
        assert!(matches!(fit(&[1.0, 2.0, 3.0], 1, &[1.0, 2.0]), Err(Error::Mismatch(_))));
        assert!(matches!(fit(&[1.0, 2.0], 1, &[1.0, 2.0]), Err(Error::TooShort(_))));
        assert!(matches!(fit(&[1.0; 5], 1, &[1.0; 5]), Err(Error::NoOptimum { .. })));
        let same: Vec<f64> = (0..10).flat_map(|i| [f64::from(i), 2.0 * f64::from(i) + 7.0]).collect();
        assert!(matches!(fit(&same, 2, &[0.5; 10]), Err(Error::NoOptimum { .. })));
        assert!(matches!(fit(&[1.0, 2.0, 3.0], 1, &[1.0, f64::NAN, 0.0]), Err(Error::NotFinite(_))));
    }
}
