use super::design::Moments;
use super::l1_quadratic::{L1Quadratic, Point};
use super::{LinearModel, check_targets};
use crate::error::Parameter;
use crate::linalg::dot;
use crate::{Differentiable, Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Lasso and elastic net: least squares with a penalty that sets coefficients to exactly 0.
///
/// **Use it** to predict from few of many columns. **Not** to say which columns matter: among columns that say the same
/// the lasso keeps one by chance. Scale the columns first: the penalty sees their units.
///
/// # Formula
/// min 1/(2 Σw) Σ wᵢ (yᵢ − b − xᵢᵀβ)² + α ρ |β|₁ + ½ α (1 − ρ) |β|², the intercept b free. Coordinate descent on the
/// products of the columns; once the signs are settled, the linear system that they leave is solved directly. Memory and
/// time per sweep grow with the square of the number of columns.
///
/// # Parameters
/// `alpha` α, `l1_ratio` ρ (1 is the lasso), `tolerance`.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::ElasticNet};
/// let x = [-1.0, 0.1, 0.0, -0.2, 1.0, 0.1];
/// let fit = ElasticNet::default().with_alpha(0.1).fit(Rows::new(&x, 2)?, &[-1.0, 0.0, 1.0])?;
/// assert!((fit.linear.coefficients[0] - 0.85).abs() < 1e-12); // (2/3 − α) / (2/3)
/// assert_eq!(fit.linear.coefficients[1], 0.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for lengths that differ, no rows, targets that are not finite, and settings out of range.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 at its tolerance of 1e-14 within 1e-6 on `reference/core/linear_models.json`.
///
/// # References
/// Friedman, Hastie, Tibshirani 2010, doi:10.18637/jss.v033.i01.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ElasticNet {
    /// Weight of the penalty, above 0. Default 1.
    pub alpha: f64,
    /// Share of |β|₁ in the penalty, above 0 and at most 1. Default 1: the lasso.
    pub l1_ratio: f64,
    /// Largest violation of the optimality conditions at the end, as a share of the largest |xⱼᵀy| / n: above 0.
    /// Default 1e-10.
    pub tolerance: f64,
}

impl Default for ElasticNet {
    fn default() -> Self {
        Self { alpha: 1.0, l1_ratio: 1.0, tolerance: 1e-10 }
    }
}

/// A fitted [`ElasticNet`] with the proof that it is the optimum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ElasticNetModel {
    /// The line itself.
    pub linear: LinearModel,
    /// Largest violation of the optimality conditions, in the units of xᵀy / n.
    pub kkt_residual: f64,
    /// How far the objective can at most be above its minimum.
    pub duality_gap: f64,
}

impl ElasticNet {
    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Sets [`l1_ratio`](Self::l1_ratio).
    #[must_use]
    pub fn with_l1_ratio(self, l1_ratio: f64) -> Self {
        Self { l1_ratio, ..self }
    }

    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        for (name, value, largest, rule) in [
            ("alpha", self.alpha, f64::MAX, "above 0 and finite"),
            ("l1_ratio", self.l1_ratio, 1.0, "above 0 and at most 1"),
            ("tolerance", self.tolerance, 0.1, "above 0 and at most 0.1"),
        ] {
            if !(value > 0.0 && value <= largest) {
                return Err(Parameter::new(name, value, rule).into());
            }
        }
        Ok(())
    }

    /// Fits `targets` to `rows`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>, targets: &[f64]) -> Result<ElasticNetModel, Error> {
        self.solve(rows, targets, None)
    }

    /// As [`fit`](Self::fit), with a weight for each row.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, rows: Rows<'_>, targets: &[f64], weights: &[f64]) -> Result<ElasticNetModel, Error> {
        self.solve(rows, targets, Some(weights))
    }

    fn solve(&self, rows: Rows<'_>, targets: &[f64], weights: Option<&[f64]>) -> Result<ElasticNetModel, Error> {
        self.validate()?;
        check_targets(rows, targets, weights)?;
        let mut m = Moments::new(rows, targets, weights);
        m.gram.iter_mut().chain(&mut m.products).for_each(|v| *v /= m.total);
        m.target /= m.total;
        let (l1, l2) = (self.alpha * self.l1_ratio, self.alpha * (1.0 - self.l1_ratio));
        let problem = L1Quadratic { gram: &m.gram, products: &m.products, l1, l2 };
        let scale = m.products.iter().fold(0.0f64, |s, v| s.max(v.abs()));
        let Some(optimum) = problem.minimise(vec![0.0; m.columns], &vec![self.tolerance * scale; m.columns]) else {
            return Err(Error::NoOptimum { what: "elastic net", reason: "raise the tolerance or alpha" });
        };
        let (kkt_residual, duality_gap) =
            (problem.violations(&optimum).fold(0.0, f64::max), duality_gap(&problem, &optimum, m.target));
        let linear = LinearModel::new(m.intercept(&optimum.beta), optimum.beta);
        Ok(ElasticNetModel { linear, kkt_residual, duality_gap })
    }
}

/// Objective less that of the dual point in the residual's direction; `target` is the targets' variance.
fn duality_gap(problem: &L1Quadratic<'_>, at: &Point, target: f64) -> f64 {
    let (l1, l2) = (problem.l1, problem.l2);
    let fit = dot(&at.beta, problem.products);
    let residual = target - fit - dot(&at.beta, &at.slope);
    let steepest = at.beta.iter().zip(&at.slope).map(|(b, s)| (s - l2 * b).abs()).fold(0.0, f64::max);
    let shrink = if steepest > l1 { l1 / steepest } else { 1.0 };
    let (norm1, norm2) = (at.beta.iter().map(|b| b.abs()).sum::<f64>(), dot(&at.beta, &at.beta));
    let gap = 0.5 * (1.0 + shrink * shrink) * (residual + l2 * norm2) + l1 * norm1 - shrink * (target - fit);
    gap.max(0.0)
}

impl Model for ElasticNetModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.linear.predict_into(rows, out)
    }
}

impl Differentiable for ElasticNetModel {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
        self.linear.gradient_into(x, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    fn data(n: usize, p: usize) -> (Vec<f64>, Vec<f64>) {
        let mut stream = Generator::new(4, "test").stream(0);
        let x: Vec<f64> = (0..n * p).map(|_| stream.normal()).collect();
        let y = x.chunks_exact(p).map(|r| r[0] - 2.0 * r[p - 1] + 0.1 * stream.normal()).collect();
        (x, y)
    }

    #[test]
    fn the_end_is_the_optimum_also_with_more_columns_than_rows() {
        for (n, p, alpha, ratio) in [(200, 5, 0.01, 1.0), (20, 40, 0.05, 1.0), (20, 40, 0.05, 0.3), (50, 4, 1e-6, 0.5)]
        {
            let (x, y) = data(n, p);
            let net = ElasticNet::default().with_alpha(alpha).with_l1_ratio(ratio);
            let fit = net.fit(Rows::new(&x, p).unwrap(), &y).unwrap();
            assert!(fit.kkt_residual <= 1e-9 && fit.duality_gap <= 1e-8, "{fit:?}");
        }
    }

    #[test]
    fn columns_that_are_nearly_equal_are_no_endless_crawl() {
        let (mut x, y) = data(100, 3);
        x.chunks_exact_mut(3).for_each(|r| r[1] = r[0] + 1e-4 * r[1]);
        let net = ElasticNet::default().with_alpha(1e-5);
        assert!(net.fit(Rows::new(&x, 3).unwrap(), &y).unwrap().kkt_residual <= 1e-9);
    }

    #[test]
    fn constant_columns_and_targets_give_zeros() {
        let fit = ElasticNet::default().with_alpha(0.1).fit(Rows::new(&[3.0; 8], 2).unwrap(), &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(fit.unwrap().linear, LinearModel::new(2.5, vec![0.0; 2]));
        let fit = ElasticNet::default().fit(Rows::new(&[1.0, 2.0], 1).unwrap(), &[5.0, 5.0]).unwrap();
        assert_eq!(fit.linear, LinearModel::new(5.0, vec![0.0]));
        assert!(ElasticNet::default().with_l1_ratio(0.0).validate().is_err());
    }
}
