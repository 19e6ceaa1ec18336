use crate::distribution::{t_cdf, t_quantile};
use crate::error::TooShort;
use crate::estimate::check_level;
use crate::metrics::moments;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// A straight line through points, as [`regression_line`] gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RegressionLine {
    /// How much y rises with x.
    pub slope: Estimate,
    /// y at x = 0.
    pub intercept: Estimate,
    /// Standard error of the slope.
    pub slope_se: f64,
    /// Standard error of the intercept.
    pub intercept_se: f64,
    /// Standard deviation of the points about the line, over n − 2.
    pub residual_sd: f64,
}

impl RegressionLine {
    /// Two-sided p value of "the slope is 0".
    #[must_use]
    pub fn p(&self) -> f64 {
        2.0 * t_cdf(-(self.slope.value / self.slope_se).abs(), self.slope.n as f64 - 2.0)
    }
}

/// The line y = intercept + slope · x of least squares, with Student's intervals.
///
/// **Use it** where x is known far better than y. **Not** to compare two ways of measuring: error in x flattens the
/// line; see [`BlandAltman`](crate::metrics::BlandAltman). With outliers: [`theil_sen`](super::theil_sen).
///
/// # Formula
/// slope = s_xy / s_xx; its standard error √(s² / Σ(x − x̄)²), the intercept's √(s² (1/n + x̄² / Σ(x − x̄)²)), where s² is
/// the sum of squared residuals over n − 2.
///
/// # Examples
/// ```
/// let line = eir_core::inference::regression_line(&[1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 5.0, 8.0], 0.95)?;
/// assert!((line.slope.value - 1.9).abs() < 1e-14);
/// assert!((line.slope_se - 0.26457513110645906).abs() < 1e-14);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, fewer than 3 points, a value that is NaN or infinite, [`Error::Undefined`] if x does
/// not vary, or a level outside 0 to 1.
///
/// # Validation
/// Agrees with SciPy 1.17.1 within 1e-10 on `reference/core/agreement.json`.
pub fn regression_line(x: &[f64], y: &[f64], level: f64) -> Result<RegressionLine, Error> {
    let m = moments(x, y)?;
    check_level(level)?;
    let n = x.len();
    if n < 3 {
        return Err(TooShort::new("points", n, 3).into());
    }
    if m.var_a == 0.0 {
        return Err(Error::Undefined("the slope"));
    }
    let df = n as f64 - 2.0;
    let slope = m.cov / m.var_a;
    let intercept = m.mean_b - slope * m.mean_a;
    let rest = |(x, y): (&f64, &f64)| ((y - m.mean_b) - slope * (x - m.mean_a)).powi(2);
    let residual_sd = (x.iter().zip(y).map(rest).sum::<f64>() / df).sqrt();
    let slope_se = residual_sd / (n as f64 * m.var_a).sqrt();
    let intercept_se = slope_se * (m.var_a + m.mean_a * m.mean_a).sqrt();
    let t = t_quantile(0.5 + level / 2.0, df);
    let estimate = |value: f64, se: f64| Estimate::new(value, [value - t * se, value + t * se], level, "Student", n);
    Ok(RegressionLine {
        slope: estimate(slope, slope_se),
        intercept: estimate(intercept, intercept_se),
        slope_se,
        intercept_se,
        residual_sd,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test of the slope is that of the correlation.
    #[test]
    fn p_is_that_of_pearson() {
        let (x, y) = ([1.0, 2.0, 4.0, 5.0, 9.0], [3.0, 1.0, 4.0, 9.0, 7.0]);
        let (line, r) = (regression_line(&x, &y, 0.95).unwrap(), crate::inference::pearson(&x, &y, 0.95).unwrap());
        assert!((line.p() - r.p).abs() < 1e-13);
    }

    #[test]
    fn borders() {
        assert!(matches!(regression_line(&[1.0; 3], &[1.0, 2.0, 3.0], 0.95), Err(Error::Undefined(_))));
        assert!(matches!(regression_line(&[1.0, 2.0], &[1.0, 2.0], 0.95), Err(Error::TooShort(_))));
        let flat = regression_line(&[1.0, 2.0, 3.0], &[5.0; 3], 0.95).unwrap();
        assert_eq!((flat.slope.value, flat.intercept.value, flat.residual_sd), (0.0, 5.0, 0.0));
    }
}
