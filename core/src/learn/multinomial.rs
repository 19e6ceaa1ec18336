use super::design::{Design, Last, column_means, rounding};
use super::{LinearModel, check_positive, check_row_weights};
use crate::error::Mismatch;
use crate::learn::elementary::log_sum_exp;
use crate::linalg::{Cholesky, add_scaled, dot};
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Newton steps after which a fit gives up.
const STEPS: usize = 200;

/// Multinomial logistic regression with a squared penalty: the probabilities of several classes.
///
/// **Use it** for classes without an order. **Not** for two (see [`LogisticRegression`](super::LogisticRegression)), nor
/// for several things that can be true at once.
///
/// # Formula
/// pₖ = exp(bₖ + xᵀβₖ) / Σ; min C Σ wᵢ lossᵢ + ½ Σ |βₖ|², the intercepts free with a sum of 0. Newton's method on all
/// classes at once: O(n (K p)² + (K p)³) a step.
///
/// # Parameters
/// `c`, `balanced`, `tolerance`.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::MultinomialRegression};
/// let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
/// let rows = Rows::new(&x, 1)?;
/// let fit = MultinomialRegression::default().fit(rows, &[0, 0, 1, 1, 2, 2])?;
/// let mut p = [0.0; 18];
/// fit.probabilities_into(rows, &mut p)?;
/// assert!(p[0] > 0.7 && p[7] > 0.4 && p[17] > 0.7);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for lengths that differ, settings out of range, and a class without a row ([`Error::OneClass`] for fewer
/// than two).
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-6 on `reference/core/linear_models.json`.
///
/// # References
/// Böhning 1992, doi:10.1007/BF00048682.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MultinomialRegression {
    /// Weight of the data against the penalty, above 0. Default 1.
    pub c: f64,
    /// Whether all classes weigh the same, however many rows they have. Default false.
    pub balanced: bool,
    /// Largest violation of an optimality condition at the end, above 0. Default 1e-8.
    pub tolerance: f64,
}

impl Default for MultinomialRegression {
    fn default() -> Self {
        Self { c: 1.0, balanced: false, tolerance: 1e-8 }
    }
}

/// A fitted [`MultinomialRegression`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MultinomialModel {
    /// One score per class; the largest is the likeliest.
    pub scores: Vec<LinearModel>,
    /// Largest violation of the optimality conditions.
    pub kkt_residual: f64,
}

impl MultinomialRegression {
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

    /// Fits classes 0, 1 … each of which has a row.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>, labels: &[usize]) -> Result<MultinomialModel, Error> {
        self.solve(rows, labels, None)
    }

    /// As [`fit`](Self::fit), with a weight for each row.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, rows: Rows<'_>, labels: &[usize], weights: &[f64]) -> Result<MultinomialModel, Error> {
        self.solve(rows, labels, Some(weights))
    }

    fn solve(&self, rows: Rows<'_>, labels: &[usize], weights: Option<&[f64]>) -> Result<MultinomialModel, Error> {
        self.validate()?;
        rows.check("labels", labels.len(), 2)?;
        check_row_weights(rows, weights)?;
        let classes = labels.iter().max().map_or(0, |c| c.saturating_add(1));
        if classes > rows.len() {
            return Err(Mismatch::new("classes", format!("at most {}, each with a row", rows.len()), classes).into());
        }
        let mut weights = weights.map_or_else(|| vec![1.0; labels.len()], <[f64]>::to_vec);
        let mut of_class = vec![0.0; classes];
        labels.iter().zip(&weights).for_each(|(label, w)| of_class[*label] += w);
        if of_class.iter().filter(|w| **w > 0.0).count() < 2 {
            return Err(Error::OneClass);
        }
        if let Some(empty) = of_class.iter().position(|w| *w <= 0.0) {
            return Err(
                Mismatch::new("classes", "each with a row and a weight", format!("class {empty} without")).into()
            );
        }
        let total: f64 = of_class.iter().sum();
        for (w, label) in weights.iter_mut().zip(labels) {
            *w *= if self.balanced { self.c * total / (classes as f64 * of_class[*label]) } else { self.c };
        }
        let design = Design::new(rows, column_means(rows, None), Last::One);
        let stiffness = design.gram(Some(&weights)).into_iter().step_by(design.width + 1).collect();
        Problem { design, labels, weights, classes, stiffness }.minimise(self.tolerance)
    }
}

impl MultinomialModel {
    /// Writes the probabilities of all classes into `out`, row after row.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns, or places that are not rows × classes.
    pub fn probabilities_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        let classes = self.scores.len();
        self.scores.iter().try_for_each(|s| Mismatch::check("columns", s.coefficients.len(), rows.columns()))?;
        Mismatch::check("places for probabilities", rows.len() * classes, out.len())?;
        for (row, to) in rows.iter().zip(out.chunks_exact_mut(classes.max(1))) {
            to.iter_mut().zip(&self.scores).for_each(|(to, score)| *to = score.at(row));
            softmax(to);
        }
        Ok(())
    }
}

/// Turns scores into probabilities, and gives ln Σ exp of the scores.
fn softmax(scores: &mut [f64]) -> f64 {
    let total = log_sum_exp(scores);
    scores.iter_mut().for_each(|s| *s = super::elementary::exp(*s - total));
    total
}

/// A point is, for each class, its coefficients of the centred columns and then its intercept.
struct Problem<'a> {
    design: Design<'a>,
    labels: &'a [usize],
    weights: Vec<f64>,
    classes: usize,
    /// Weight of the squared sum of each column's coefficients over the classes: that sum is 0 at the optimum, and not
    /// seen by the loss.
    stiffness: Vec<f64>,
}

impl Problem<'_> {
    fn minimise(&self, tolerance: f64) -> Result<MultinomialModel, Error> {
        let width = self.design.width;
        let columns = width - 1;
        let mut theta = vec![0.0; self.classes * width];
        let (mut objective, mut gradient) = self.value(&theta);
        let slack: Vec<f64> = rounding(self.design.rows, &self.weights).into_iter().map(|r| r.max(tolerance)).collect();
        for _ in 0..STEPS {
            // of the columns as they were given: the centre comes back
            let mut given = gradient.clone();
            for of_class in given.chunks_exact_mut(width) {
                let (coefficients, intercept) = of_class.split_at_mut(columns);
                add_scaled(coefficients, intercept[0], &self.design.means);
            }
            if given.iter().enumerate().all(|(j, g)| g.abs() <= slack[j % width]) {
                let kkt_residual = given.iter().fold(0.0f64, |worst, g| worst.max(g.abs()));
                let scores = theta.chunks_exact(width).map(|t| {
                    let coefficients = t[..columns].to_vec();
                    LinearModel::new(t[columns] - dot(&coefficients, &self.design.means), coefficients)
                });
                return Ok(MultinomialModel { scores: scores.collect(), kkt_residual });
            }
            let factor = Cholesky::new(&self.hessian(&theta), theta.len()).map_err(|_| Error::NoOptimum {
                what: "multinomial regression",
                reason: "columns depend on each other: drop them or lower c",
            })?;
            let mut step = gradient.clone();
            factor.solve(&mut step);
            let slope = dot(&step, &gradient);
            let mut length = 1.0;
            loop {
                let mut next = theta.clone();
                add_scaled(&mut next, -length, &step);
                let (value, slopes) = self.value(&next);
                if value <= objective - 1e-4 * length * slope + 1e-13 * objective.abs() {
                    (theta, objective, gradient) = (next, value, slopes);
                    break;
                }
                length *= 0.5;
                if length < 1e-12 {
                    return Err(Error::NoOptimum {
                        what: "multinomial regression",
                        reason: "the columns differ too much in size: scale them",
                    });
                }
            }
        }
        Err(Error::NoOptimum { what: "multinomial regression", reason: "raise the tolerance or lower c" })
    }

    /// Calls `work` with each row (with its 1), its number, its probabilities and ln Σ exp − score of its class.
    fn each_row(&self, theta: &[f64], mut work: impl FnMut(&[f64], usize, &mut [f64], f64)) {
        let width = self.design.width;
        let mut scores = vec![0.0; self.classes];
        self.design.blocks(0..self.design.len(), |rows, values| {
            for (i, row) in rows.zip(values.chunks_exact(self.design.stride)) {
                scores.iter_mut().zip(theta.chunks_exact(width)).for_each(|(s, t)| *s = dot(&row[..width], t));
                let own = scores[self.labels[i]];
                let loss = softmax(&mut scores) - own;
                work(&row[..width], i, &mut scores, loss);
            }
        });
    }

    /// The objective, with the squared sums of the coefficients, and its gradient.
    fn value(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let width = self.design.width;
        let (mut value, mut gradient) = (0.0, vec![0.0; theta.len()]);
        self.each_row(theta, |row, i, p, loss| {
            value += self.weights[i] * loss;
            p[self.labels[i]] -= 1.0;
            gradient.chunks_exact_mut(width).zip(p).for_each(|(g, p)| add_scaled(g, self.weights[i] * *p, row));
        });
        for (j, stiffness) in self.stiffness.iter().enumerate() {
            let sum: f64 = theta.iter().skip(j).step_by(width).sum();
            value += 0.5 * stiffness * sum * sum;
            gradient.iter_mut().skip(j).step_by(width).for_each(|g| *g += stiffness * sum);
        }
        for (g, t) in gradient.chunks_exact_mut(width).zip(theta.chunks_exact(width)) {
            value += 0.5 * dot(&t[..width - 1], &t[..width - 1]);
            add_scaled(&mut g[..width - 1], 1.0, &t[..width - 1]);
        }
        (value, gradient)
    }

    fn hessian(&self, theta: &[f64]) -> Vec<f64> {
        let (width, size) = (self.design.width, theta.len());
        let mut hessian = vec![0.0; size * size];
        self.each_row(theta, |row, i, p, _| {
            for (k, j) in (0..self.classes).flat_map(|k| (0..=k).map(move |j| (k, j))) {
                let weight = self.weights[i] * p[k] * (f64::from(u8::from(k == j)) - p[j]);
                for (a, x) in row.iter().enumerate() {
                    add_scaled(&mut hessian[(k * width + a) * size + j * width..][..width], weight * x, row);
                }
            }
        });
        for (i, j) in (0..size).flat_map(|i| (0..=i).rev().step_by(width).map(move |j| (i, j))) {
            let penalised = i == j && i % width != width - 1;
            hessian[i * size + j] += self.stiffness[i % width] + f64::from(u8::from(penalised));
        }
        hessian
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{LogisticRegression, logistic::sigmoid};
    use crate::random::Generator;

    #[test]
    fn two_classes_are_logistic_regression_with_half_the_penalty() {
        let mut stream = Generator::new(8, "test").stream(0);
        let x: Vec<f64> = (0..200).map(|_| stream.normal() + 5.0).collect();
        let y: Vec<usize> = x.chunks_exact(2).map(|r| usize::from(stream.chance(sigmoid(r[0] - r[1])))).collect();
        let rows = Rows::new(&x, 2).unwrap();
        let several = MultinomialRegression::default().with_balanced(true).fit(rows, &y).unwrap();
        let flags: Vec<bool> = y.iter().map(|y| *y == 1).collect();
        let two = LogisticRegression::default().with_c(2.0).with_balanced(true).fit(rows, &flags).unwrap();
        let difference = several.scores[1].coefficients[0] - several.scores[0].coefficients[0];
        assert!((difference - two.linear.coefficients[0]).abs() < 1e-8, "{several:?} {two:?}");
        assert!((several.scores[1].intercept + several.scores[0].intercept).abs() < 1e-8);
        assert!(several.kkt_residual <= 1e-8);
        let unscaled: Vec<f64> = x.iter().enumerate().map(|(i, x)| if i % 2 == 0 { 1e6 * x } else { *x }).collect();
        assert!(MultinomialRegression::default().fit(Rows::new(&unscaled, 2).unwrap(), &y).is_ok());
    }

    #[test]
    fn classes_without_rows_are_named() {
        let rows = Rows::new(&[1.0, 2.0, 3.0], 1).unwrap();
        let fit = |y: &[usize]| MultinomialRegression::default().fit(rows, y).map(drop);
        assert_eq!(fit(&[1, 1, 1]), Err(Error::OneClass));
        assert!(matches!(fit(&[0, 2, 0]), Err(Error::Mismatch(_))));
        assert!(matches!(fit(&[0, usize::MAX, 0]), Err(Error::Mismatch(_))));
        assert!(matches!(fit(&[0, 1]), Err(Error::Mismatch(_))));
    }
}
