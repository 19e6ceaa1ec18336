use super::design::{Design, Last, add_gram, add_rows, column_means, rounding, sum_over_chunks, unpadded};
use super::{LinearModel, check_positive, check_row_weights};
use crate::linalg::{Cholesky, add_scaled, dot};
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Newton steps after which a fit gives up.
const STEPS: usize = 200;

/// Linear support vector machine with the squared hinge loss, for many rows.
///
/// **Use it** where [`SupportVectorMachine`](super::SupportVectorMachine) is too slow: time grows with the number of rows,
/// not its square. **Not** where the number of support vectors matters: the squared loss has more of them.
///
/// # Formula
/// min ½ |β|² + C Σ wᵢ max(0, 1 − tᵢ (b + xᵢᵀβ))², t = ±1. Newton's method on the rows within the margin, which ends
/// after finitely many steps. LIBLINEAR adds ½ b², which `penalise_intercept` does too; it is a defect where the classes
/// are far from 0, and off.
///
/// # Parameters
/// `c`, `penalise_intercept`, `tolerance`.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::LinearSvm};
/// let rows = Rows::new(&[-2.0, -1.0, 1.0, 4.0], 1)?;
/// let fit = LinearSvm::default().with_c(0.5).fit(rows, &[false, false, true, true])?;
/// assert!((fit.coefficients[0] - 2.0 / 3.0).abs() < 1e-12 && fit.intercept.abs() < 1e-12); // β = 2 (1 − β)
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for lengths that differ, settings out of range, and one class only.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 `LinearSVC` (LIBLINEAR, penalised intercept) within 1e-5 on
/// `reference/core/linear_models.json`.
///
/// # References
/// Keerthi, DeCoste 2005 (jmlr.org/papers/v6/keerthi05a.html).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinearSvm {
    /// Weight of the data against the penalty, above 0. Default 1.
    pub c: f64,
    /// Whether the penalty holds the intercept too. Default false.
    pub penalise_intercept: bool,
    /// Largest element of the gradient at the end, above 0. Default 1e-8.
    pub tolerance: f64,
}

impl Default for LinearSvm {
    fn default() -> Self {
        Self { c: 1.0, penalise_intercept: false, tolerance: 1e-8 }
    }
}

impl LinearSvm {
    /// Sets [`c`](Self::c).
    #[must_use]
    pub fn with_c(self, c: f64) -> Self {
        Self { c, ..self }
    }

    /// Sets [`penalise_intercept`](Self::penalise_intercept).
    #[must_use]
    pub fn with_penalise_intercept(self, penalise_intercept: bool) -> Self {
        Self { penalise_intercept, ..self }
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
        check_positive(&[("c", self.c), ("tolerance", self.tolerance)])
    }

    /// Fits a plane with `true` on its positive side; the model's value is the signed distance in units of the margin.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>, labels: &[bool]) -> Result<LinearModel, Error> {
        self.solve(rows, labels, None)
    }

    /// As [`fit`](Self::fit), with a weight for each row.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, rows: Rows<'_>, labels: &[bool], weights: &[f64]) -> Result<LinearModel, Error> {
        self.solve(rows, labels, Some(weights))
    }

    fn solve(&self, rows: Rows<'_>, labels: &[bool], weights: Option<&[f64]>) -> Result<LinearModel, Error> {
        self.validate()?;
        rows.check("labels", labels.len(), 2)?;
        check_row_weights(rows, weights)?;
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        let has = |class| labels.iter().enumerate().any(|(i, label)| *label == class && weight(i) > 0.0);
        if !(has(true) && has(false)) {
            return Err(Error::OneClass);
        }
        // a free intercept lets the columns be centred, a penalised one does not
        let means = if self.penalise_intercept { vec![0.0; rows.columns()] } else { column_means(rows, weights) };
        let problem = Problem {
            design: Design::new(rows, means, Last::One),
            signs: labels.iter().map(|label| if *label { 1.0 } else { -1.0 }).collect(),
            weights: (0..labels.len()).map(|i| 2.0 * self.c * weight(i)).collect(),
            penalties: (0..=rows.columns())
                .map(|j| f64::from(u8::from(self.penalise_intercept || j < rows.columns())))
                .collect(),
        };
        problem.minimise(self.tolerance)
    }
}

struct Problem<'a> {
    design: Design<'a>,
    signs: Vec<f64>,
    /// 2 C wᵢ.
    weights: Vec<f64>,
    /// 1 for what the penalty holds.
    penalties: Vec<f64>,
}

struct At {
    theta: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    hessian: Vec<f64>,
}

impl Problem<'_> {
    fn minimise(&self, tolerance: f64) -> Result<LinearModel, Error> {
        let width = self.design.width;
        let slack: Vec<f64> = rounding(self.design.rows, &self.weights).into_iter().map(|r| r.max(tolerance)).collect();
        let mut at = self.at(vec![0.0; width]);
        for _ in 0..STEPS {
            let (gradient, free) = at.gradient.split_at(width - 1);
            let given = gradient.iter().zip(&self.design.means).map(|(g, m)| g + m * free[0]).chain([free[0]]);
            if given.zip(&slack).all(|(g, slack)| g.abs() <= *slack) {
                let coefficients = at.theta[..width - 1].to_vec();
                let intercept = at.theta[width - 1] - dot(&coefficients, &self.design.means);
                return Ok(LinearModel::new(intercept, coefficients));
            }
            let Ok(factor) = Cholesky::new(&at.hessian, width) else { break };
            let mut step = at.gradient.clone();
            factor.solve(&mut step);
            let slope = dot(&step, &at.gradient);
            let mut length = 1.0;
            at = loop {
                let mut theta = at.theta.clone();
                add_scaled(&mut theta, -length, &step);
                let next = self.at(theta);
                if next.value <= at.value - 1e-4 * length * slope + 1e-13 * at.value || length < 1e-12 {
                    break next;
                }
                length *= 0.5;
            };
        }
        Err(Error::NoOptimum { what: "linear support vector machine", reason: "scale the columns or lower c" })
    }

    fn at(&self, theta: Vec<f64>) -> At {
        let Design { stride, width, .. } = self.design;
        let mut padded = theta.clone();
        padded.resize(stride, 0.0);
        let sums = sum_over_chunks(self.design.len(), stride * stride + stride + 1, |range, sums| {
            let (gram, rest) = sums.split_at_mut(stride * stride);
            let (gradient, value) = rest.split_at_mut(stride);
            self.design.blocks(range, |rows, values| {
                let (mut factors, mut active) = ([0.0; 64], [0.0; 64]);
                let known = self.signs[rows.clone()].iter().zip(&self.weights[rows]);
                for (((f, a), row), (sign, w)) in
                    factors.iter_mut().zip(&mut active).zip(values.chunks_exact(stride)).zip(known)
                {
                    let lack = 1.0 - sign * dot(row, &padded);
                    if lack > 0.0 {
                        (*f, *a) = (-sign * w * lack, *w);
                        value[0] += 0.5 * w * lack * lack;
                    }
                }
                add_rows(gradient, values, &factors, stride);
                add_gram(gram, values, &active, stride);
            });
        });
        let mut hessian = unpadded(&sums, stride, width);
        let mut gradient = sums[stride * stride..][..width].to_vec();
        let mut value = sums[stride * stride + stride];
        for (j, (penalty, t)) in self.penalties.iter().zip(&theta).enumerate() {
            hessian[j * width + j] += penalty;
            gradient[j] += penalty * t;
            value += 0.5 * penalty * t * t;
        }
        // without a row in the margin a free intercept has no curvature, and no slope
        let corner = &mut hessian[width * width - 1];
        *corner = if *corner > 0.0 { *corner } else { 1.0 };
        At { theta, value, gradient, hessian }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_intercept_follows_the_data_and_a_penalised_one_does_not() {
        let y = [false, false, true, false, true, true];
        let at = |shift: f64, penalise: bool| {
            let x: Vec<f64> = (0..6).map(|i| f64::from(i) + shift).collect();
            LinearSvm::default().with_penalise_intercept(penalise).fit(Rows::new(&x, 1).unwrap(), &y).unwrap()
        };
        assert!((at(0.0, false).coefficients[0] - at(1e4, false).coefficients[0]).abs() < 1e-9);
        assert!((at(0.0, true).coefficients[0] - at(1e4, true).coefficients[0]).abs() > 0.1);
    }

    #[test]
    fn one_class_is_an_error_also_by_weight() {
        let rows = Rows::new(&[1.0, 2.0, 3.0], 1).unwrap();
        let fit = LinearSvm::default().fit_weighted(rows, &[true, true, false], &[1.0, 1.0, 0.0]);
        assert_eq!(fit.unwrap_err(), Error::OneClass);
        assert!(LinearSvm::default().with_c(-1.0).validate().is_err());
        let unscaled = Rows::new(&[1e6, 0.1, 3e6, -0.5, -1e6, 0.3, 2e6, 0.2], 2).unwrap();
        assert!(LinearSvm::default().fit(unscaled, &[true, false, false, true]).is_ok());
    }
}
