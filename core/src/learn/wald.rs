use crate::distribution::{normal_quantile, normal_sf, t_cdf, t_quantile};
use crate::estimate::check_level;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// Wald inference of a fitted model: how sure its coefficients are. The intercept comes first.
///
/// **Use it** for models without a penalty. A penalised coefficient is biased, and no interval of this kind covers it.
///
/// # Formula
/// value ± q · standard error, where q is the quantile of Student's t with the residual degrees of freedom (least
/// squares) or of the normal distribution (logistic regression), and the standard errors are the roots of the diagonal
/// of the covariance.
///
/// # Validation
/// Agrees with statsmodels 0.15.0 within 1e-6 on `reference/core/linear_models.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Wald {
    /// The intercept, then the coefficients.
    pub values: Vec<f64>,
    /// Their covariance, row after row.
    pub covariance: Vec<f64>,
    /// Residual degrees of freedom; none for the normal distribution.
    pub degrees_of_freedom: Option<usize>,
    /// Number of rows that the model was fitted on.
    pub n: usize,
}

impl Wald {
    /// From the covariance of (coefficients, intercept at the means), as fits on centred columns know it.
    pub(crate) fn from_centred(
        values: Vec<f64>,
        centred: &[f64],
        means: &[f64],
        degrees_of_freedom: Option<usize>,
        n: usize,
    ) -> Self {
        let size = means.len() + 1;
        // row i of the map from (coefficients, intercept at the means) to (intercept at 0, coefficients)
        let map = |i: usize, k: usize| match i {
            0 if k == means.len() => 1.0,
            0 => -means[k],
            _ => f64::from(u8::from(k + 1 == i)),
        };
        let half: Vec<f64> = (0..size * size)
            .map(|at| (0..size).map(|k| map(at / size, k) * centred[k * size + at % size]).sum())
            .collect();
        let covariance = (0..size * size)
            .map(|at| (0..size).map(|k| half[at / size * size + k] * map(at % size, k)).sum())
            .collect();
        Self { values, covariance, degrees_of_freedom, n }
    }

    /// Standard errors, the intercept's first.
    #[must_use]
    pub fn standard_errors(&self) -> Vec<f64> {
        let size = self.values.len();
        self.covariance.iter().step_by(size + 1).map(|v| v.sqrt()).collect()
    }

    /// Two-sided probabilities of a value at least as far from 0 if the true one were 0, the intercept's first.
    #[must_use]
    pub fn p_values(&self) -> Vec<f64> {
        let tail = |ratio: f64| match self.degrees_of_freedom {
            Some(df) => t_cdf(-ratio, df as f64),
            None => normal_sf(ratio),
        };
        self.values.iter().zip(self.standard_errors()).map(|(value, se)| 2.0 * tail((value / se).abs())).collect()
    }

    /// The intercept and the coefficients with their intervals at `level` (0.95).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level outside 0 to 1.
    pub fn estimates(&self, level: f64) -> Result<Vec<Estimate>, Error> {
        check_level(level)?;
        let (quantile, method) = match self.degrees_of_freedom {
            Some(df) => (t_quantile(0.5 + level / 2.0, df as f64), format!("Wald, t with {df} degrees of freedom")),
            None => (normal_quantile(0.5 + level / 2.0), "Wald".to_owned()),
        };
        let estimate = |(value, se): (&f64, f64)| {
            let half = quantile * se;
            Estimate::new(*value, [value - half, value + half], level, method.clone(), self.n)
        };
        Ok(self.values.iter().zip(self.standard_errors()).map(estimate).collect())
    }
}
