use super::design::Moments;
use super::{LinearModel, check_positive, check_targets};
use crate::linalg::Cholesky;
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Ridge regression: least squares with a squared penalty on the coefficients.
///
/// **Use it** to predict a measurement from columns that say similar things. **Not** for intervals of coefficients: the
/// penalty moves them towards 0. Scale the columns first : the penalty sees
/// their units.
///
/// # Formula
/// min Σ wᵢ (yᵢ − b − xᵢᵀβ)² + α |β|², the intercept b free. O(n p² + p³).
///
/// # Parameters
/// `alpha`: weight of the penalty.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::Ridge};
/// let fit = Ridge::default().with_alpha(2.0).fit(Rows::new(&[1.0, 2.0, 3.0], 1)?, &[1.0, 2.0, 3.0])?;
/// assert!((fit.coefficients[0] - 0.5).abs() < 1e-15); // Σ(x − x̄)(y − ȳ) = 2, over 2 + α
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for lengths that differ, no rows, targets that are not finite, and `alpha` out of range.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/linear_models.json`.
///
/// # References
/// Hoerl, Kennard 1970, doi:10.1080/00401706.1970.10488634.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ridge {
    /// Weight of the penalty, above 0. Default 1.
    pub alpha: f64,
}

impl Default for Ridge {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Ridge {
    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn validate(&self) -> Result<(), Error> {
        check_positive(&[("alpha", self.alpha)])
    }

    /// Fits `targets` to `rows`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>, targets: &[f64]) -> Result<LinearModel, Error> {
        self.solve(rows, targets, None)
    }

    /// As [`fit`](Self::fit), with a weight for each row.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, rows: Rows<'_>, targets: &[f64], weights: &[f64]) -> Result<LinearModel, Error> {
        self.solve(rows, targets, Some(weights))
    }

    fn solve(&self, rows: Rows<'_>, targets: &[f64], weights: Option<&[f64]>) -> Result<LinearModel, Error> {
        self.validate()?;
        check_targets(rows, targets, weights)?;
        let mut m = Moments::new(rows, targets, weights);
        m.gram.iter_mut().step_by(m.columns + 1).for_each(|v| *v += self.alpha);
        let factor = Cholesky::new(&m.gram, m.columns).map_err(|_| Error::NoOptimum {
            what: "ridge regression",
            reason: "alpha is lost in the rounding of columns that depend on each other: raise it",
        })?;
        let mut coefficients = m.products.clone();
        factor.solve(&mut coefficients);
        Ok(LinearModel::new(m.intercept(&coefficients), coefficients))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_columns_share_and_constant_ones_get_nothing() {
        let x: Vec<f64> = (0..6).flat_map(|i| [f64::from(i), f64::from(i), 7.0]).collect();
        let y: Vec<f64> = (0..6).map(|i| 2.0 * f64::from(i)).collect();
        let fit = Ridge::default().with_alpha(1e-3).fit(Rows::new(&x, 3).unwrap(), &y).unwrap();
        assert!((fit.coefficients[0] - fit.coefficients[1]).abs() < 1e-9 && fit.coefficients[2] == 0.0);
        assert!((fit.coefficients[0] - 1.0).abs() < 1e-3);
        assert!(matches!(Ridge::default().with_alpha(0.0).validate(), Err(Error::Parameter(_))));
    }
}
