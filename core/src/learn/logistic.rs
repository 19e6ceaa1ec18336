use super::logistic_fit::{Optimum, Problem};
use super::{LinearModel, Wald, check_positive, check_row_weights};
use crate::learn::elementary::exp;
use crate::{Differentiable, Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// What keeps the coefficients of a logistic regression small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Penalty {
    /// Nothing: the maximum likelihood, with Wald intervals. There is none on data that a plane separates.
    None,
    /// |β|₁: sets coefficients to exactly 0.
    L1,
    /// ½ |β|²: the default.
    #[default]
    L2,
}

/// Logistic regression: the probability of one of two classes.
///
/// **Use it** as the first model of every risk, and as the one that others have to beat. **Not** where the risk turns
/// back as a feature grows, unless the columns say so (splines). Scale the columns when there is a penalty: it sees their
/// units.
///
/// # Formula
/// p = 1 / (1 + exp(−b − xᵀβ)); min C Σ wᵢ lossᵢ + penalty(β), where loss is −ln of the probability given to what
/// happened and the intercept b is free. Newton's method: the matrix of second derivatives is kept while the steps with
/// it are good. A large table is first fitted on every sixteenth row. Stops when every optimality condition holds within
/// `tolerance`, or within the rounding of the sum it is. Memory grows with the square of the number of columns.
///
/// # Parameters
/// `penalty`, `c` (ignored without a penalty), `balanced`, `tolerance`.
///
/// # Examples
/// ```
/// use eir_core::{Model, Rows, learn::LogisticRegression};
/// let x = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0];
/// let rows = Rows::new(&x, 1)?;
/// let fit = LogisticRegression::default().with_c(10.0).fit(rows, &[false, false, true, false, true, true])?;
/// assert!((fit.linear.coefficients[0] - 1.9097).abs() < 1e-4);
/// assert!((fit.predict(rows)?[5] - 0.9158).abs() < 1e-4);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for lengths that differ and settings out of range; [`Error::OneClass`]; [`Error::NoOptimum`] without a
/// penalty where a plane separates the classes (also where only some rows lie on it), or columns depend on each other.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 (L2, L1, none, weights, balanced) and statsmodels 0.15.0 (standard errors, p) within
/// 1e-6 on `reference/core/linear_models.json`.
///
/// # References
/// Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x; Albert, Anderson 1984, doi:10.1093/biomet/71.1.1 (separation);
/// Yuan, Ho, Lin 2012 (Newton with L1, jmlr.org/papers/v13/yuan12a.html).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogisticRegression {
    /// Default [`Penalty::L2`].
    pub penalty: Penalty,
    /// Weight of the data against the penalty, above 0. Default 1.
    pub c: f64,
    /// Whether both classes weigh the same, however many rows they have. Probabilities are then off on purpose.
    /// Default false.
    pub balanced: bool,
    /// Largest violation of an optimality condition at the end, above 0. Default 1e-8.
    pub tolerance: f64,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        Self { penalty: Penalty::L2, c: 1.0, balanced: false, tolerance: 1e-8 }
    }
}

/// A fitted [`LogisticRegression`]: as a [`Model`], the probability of `true`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogisticModel {
    /// The log odds; a coefficient's exponential is an odds ratio.
    pub linear: LinearModel,
    /// Intervals and tests of the coefficients, without a penalty only.
    pub wald: Option<Wald>,
    /// Largest violation of the optimality conditions.
    pub kkt_residual: f64,
    /// Σ wᵢ ln of the probability given to what happened.
    pub log_likelihood: f64,
}

impl LogisticRegression {
    /// Sets [`penalty`](Self::penalty).
    #[must_use]
    pub fn with_penalty(self, penalty: Penalty) -> Self {
        Self { penalty, ..self }
    }

    /// Sets [`c`](Self::c).
    #[must_use]
    pub fn with_c(self, c: f64) -> Self {
        Self { c, ..self }
    }

    /// Sets [`balanced`](Self::balanced).
    #[must_use]
    pub fn with_balanced(self, balanced: bool) -> Self {
        Self { balanced, ..self }
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

    /// Fits the probability of `true`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>, labels: &[bool]) -> Result<LogisticModel, Error> {
        self.solve(rows, labels, None)
    }

    /// As [`fit`](Self::fit), with a weight for each row: how often it is there.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, rows: Rows<'_>, labels: &[bool], weights: &[f64]) -> Result<LogisticModel, Error> {
        self.solve(rows, labels, Some(weights))
    }

    fn solve(&self, rows: Rows<'_>, labels: &[bool], weights: Option<&[f64]>) -> Result<LogisticModel, Error> {
        self.validate()?;
        rows.check("labels", labels.len(), 2)?;
        let n = check_row_weights(rows, weights)?;
        let mut weights = weights.map_or_else(|| vec![1.0; labels.len()], <[f64]>::to_vec);
        let class_weight = |class: bool| {
            labels.iter().zip(&weights).filter(|(label, _)| **label == class).map(|(_, w)| w).sum::<f64>()
        };
        let (positive, negative) = (class_weight(true), class_weight(false));
        if !(positive > 0.0 && negative > 0.0) {
            return Err(Error::OneClass);
        }
        if self.balanced {
            let half = 0.5 * (positive + negative);
            let factor = |label: &bool| half / if *label { positive } else { negative };
            weights.iter_mut().zip(labels).for_each(|(w, label)| *w *= factor(label));
        }
        let c = if self.penalty == Penalty::None { 1.0 } else { self.c };
        weights.iter_mut().for_each(|w| *w *= c);
        let Optimum { linear, kkt_residual, loss, wald } =
            Problem::new(rows, labels, weights, self.penalty).minimise(self.tolerance)?;
        let wald = wald.map(|wald| Wald { n, ..wald });
        Ok(LogisticModel { linear, wald, kkt_residual, log_likelihood: -loss / c })
    }
}

/// 1 / (1 + e^−x).
pub(crate) fn sigmoid(x: f64) -> f64 {
    let e = exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

impl Model for LogisticModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.linear.map_into(rows, out, sigmoid)
    }
}

impl Differentiable for LogisticModel {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
        self.linear.slope_into(x, out, |value| (sigmoid(value), sigmoid(value) * sigmoid(-value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::testing::contract;

    fn data(n: usize, p: usize) -> (Vec<f64>, Vec<bool>) {
        let mut stream = Generator::new(6, "test").stream(0);
        let x: Vec<f64> = (0..n * p).map(|_| stream.normal() + 1.0).collect();
        let labels = x.chunks_exact(p).map(|r| stream.chance(sigmoid(r[0] - r[p - 1]))).collect();
        (x, labels)
    }

    fn none() -> LogisticRegression {
        LogisticRegression::default().with_penalty(Penalty::None)
    }

    #[test]
    fn every_penalty_reaches_the_optimum_on_small_and_large_tables() {
        for (n, p) in [(60, 3), (40_000, 4)] {
            let (x, y) = data(n, p);
            for penalty in [Penalty::None, Penalty::L1, Penalty::L2] {
                for c in [0.01, 1.0, 100.0] {
                    let model = LogisticRegression::default().with_penalty(penalty).with_c(c);
                    let fit = model.fit(Rows::new(&x, p).unwrap(), &y).unwrap();
                    assert!(fit.kkt_residual <= 1e-8, "{penalty:?} {c}: {}", fit.kkt_residual);
                    contract::serde_round_trip(&fit);
                }
            }
        }
    }

    #[test]
    fn separated_classes_have_no_maximum_of_the_likelihood() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let fit = |y: &[bool]| none().fit(Rows::new(&x, 1).unwrap(), y);
        let apart = fit(&[false, false, true, true]).unwrap_err();
        assert!(apart.to_string().contains("separate"), "{apart}");
        assert!(fit(&[false, true, false, true]).is_ok());
        // only one row on the wrong side of nothing: a column that is 1 for positives only
        let x: Vec<f64> = (0..20).flat_map(|i| [f64::from(i % 5), f64::from(u8::from(i >= 17))]).collect();
        let y: Vec<bool> = (0..20).map(|i| i % 3 == 0 || i >= 17).collect();
        let quasi = none().fit(Rows::new(&x, 2).unwrap(), &y).unwrap_err();
        assert!(quasi.to_string().contains("separate"), "{quasi}");
        assert!(LogisticRegression::default().fit(Rows::new(&x, 2).unwrap(), &y).is_ok());
        assert!(LogisticRegression::default().with_c(1e8).fit(Rows::new(&x, 2).unwrap(), &y).is_ok());
    }

    #[test]
    fn dependent_columns_and_one_class_are_named() {
        let x: Vec<f64> = (0..20).flat_map(|i| [f64::from(i % 7), 2.0 * f64::from(i % 7) + 1.0]).collect();
        let y: Vec<bool> = (0..20).map(|i| i % 2 == 0).collect();
        let error = none().fit(Rows::new(&x, 2).unwrap(), &y).unwrap_err();
        assert!(error.to_string().contains("depend on each other"), "{error}");
        assert!(LogisticRegression::default().fit(Rows::new(&x, 2).unwrap(), &y).is_ok());
        assert_eq!(none().fit(Rows::new(&x, 2).unwrap(), &[true; 20]).unwrap_err(), Error::OneClass);
        assert!(LogisticRegression::default().with_c(f64::NAN).validate().is_err());
    }

    #[test]
    fn units_of_the_columns_do_not_matter_without_a_penalty() {
        let (mut x, y) = data(500, 2);
        let plain = none().fit(Rows::new(&x, 2).unwrap(), &y).unwrap();
        x.chunks_exact_mut(2).for_each(|r| r[0] = 1e6 * (r[0] + 50.0));
        let scaled = none().fit(Rows::new(&x, 2).unwrap(), &y).unwrap();
        assert!((plain.linear.coefficients[0] - 1e6 * scaled.linear.coefficients[0]).abs() < 1e-7);
        for penalty in [Penalty::L1, Penalty::L2] {
            let fit = LogisticRegression::default().with_penalty(penalty).fit(Rows::new(&x, 2).unwrap(), &y);
            assert!(fit.is_ok(), "{penalty:?} {fit:?}");
        }
        let p = |fit: &LogisticModel| fit.wald.as_ref().unwrap().p_values()[1];
        assert!((p(&plain) - p(&scaled)).abs() < 1e-6 * p(&plain));
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_probability() {
        let (x, y) = data(60, 3);
        let fit = LogisticRegression::default().fit(Rows::new(&x, 3).unwrap(), &y).unwrap();
        let mut slope = [0.0; 3];
        let value = fit.gradient_into(&x[..3], &mut slope).unwrap();
        let moved = [x[0] + 1e-6, x[1], x[2]];
        let there = fit.predict(Rows::new(&moved, 3).unwrap()).unwrap()[0];
        assert!(((there - value) / 1e-6 - slope[0]).abs() < 1e-6);
    }
}
