use super::elementary::exp;
use super::{check_positive, check_row_weights};
use crate::error::Mismatch;
use crate::linalg::{add_scaled, dot};
use crate::{Differentiable, Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Rows up to which all products are kept: 4000² numbers are 128 MB.
const KEPT: usize = 4000;
/// Steps after which a fit gives up, for each row.
const STEPS: usize = 2000;

/// How alike two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kernel {
    /// xᵀz: a plane separates the classes. The default.
    #[default]
    Linear,
    /// exp(−γ |x − z|²): a smooth surface does.
    Gaussian {
        /// γ, above 0: 1 over twice the squared width.
        gamma: f64,
    },
}

impl Kernel {
    fn at(self, x: &[f64], z: &[f64]) -> f64 {
        match self {
            Self::Linear => dot(x, z),
            Self::Gaussian { gamma } => exp(-gamma * x.iter().zip(z).map(|(x, z)| (x - z) * (x - z)).sum::<f64>()),
        }
    }
}

/// Support vector machine with the hinge loss: the widest margin between two classes.
///
/// **Use it** for small tables with many columns, or with the Gaussian kernel where no plane is enough. **Not** for
/// probabilities (its value is none: calibrate it), nor for more than some ten thousand rows. Scale the columns first.
///
/// # Formula
/// min ½ |w|² + C Σ wᵢ max(0, 1 − tᵢ (wᵀφ(xᵢ) + b)), t = ±1, the intercept b free. Solved in the dual by sequential
/// minimal optimisation with second-order choice of the pair, until no pair violates optimality by more than `tolerance`.
///
/// # Parameters
/// `c`, `kernel`, `tolerance`.
///
/// # Examples
/// ```
/// use eir_core::{Model, Rows, learn::SupportVectorMachine};
/// let rows = Rows::new(&[-2.0, -1.0, 1.0, 4.0], 1)?;
/// let fit = SupportVectorMachine::default().fit(rows, &[false, false, true, true])?;
/// assert!((fit.coefficients()[0] - 1.0).abs() < 1e-8); // the margin reaches from −1 to 1
/// assert_eq!(fit.support, [1, 1]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for lengths that differ, settings out of range, and one class only.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 `SVC` (LIBSVM) within 1e-5 on `reference/core/linear_models.json`, with the same number
/// of support vectors.
///
/// # References
/// Cortes, Vapnik 1995, doi:10.1007/BF00994018; Fan, Chen, Lin 2005 (jmlr.org/papers/v6/fan05a.html).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SupportVectorMachine {
    /// Weight of the data against the width of the margin, above 0. Default 1.
    pub c: f64,
    /// Default [`Kernel::Linear`].
    pub kernel: Kernel,
    /// Largest violation of optimality at the end, above 0. Default 1e-8.
    pub tolerance: f64,
}

impl Default for SupportVectorMachine {
    fn default() -> Self {
        Self { c: 1.0, kernel: Kernel::Linear, tolerance: 1e-8 }
    }
}

/// A fitted [`SupportVectorMachine`]: as a [`Model`], the signed distance from the surface in units of the margin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SupportVectorModel {
    /// The kernel of the fit.
    pub kernel: Kernel,
    /// The value far from all support vectors (Gaussian), or at 0 (linear).
    pub intercept: f64,
    /// Number of support vectors of `false` and of `true`.
    pub support: [usize; 2],
    /// Number of features.
    columns: usize,
    /// The support vectors, row after row.
    vectors: Vec<f64>,
    /// Their weights: tᵢ αᵢ.
    weights: Vec<f64>,
    /// Of the linear kernel: Σ weight · vector.
    coefficients: Vec<f64>,
}

impl SupportVectorMachine {
    /// Sets [`c`](Self::c).
    #[must_use]
    pub fn with_c(self, c: f64) -> Self {
        Self { c, ..self }
    }

    /// Sets [`kernel`](Self::kernel).
    #[must_use]
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }

    /// The Gaussian kernel with `gamma`.
    #[must_use]
    pub fn with_gaussian(self, gamma: f64) -> Self {
        self.with_kernel(Kernel::Gaussian { gamma })
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
        let gamma = if let Kernel::Gaussian { gamma } = self.kernel { gamma } else { 1.0 };
        check_positive(&[("c", self.c), ("gamma", gamma), ("tolerance", self.tolerance)])
    }

    /// Fits a surface with `true` on its positive side.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>, labels: &[bool]) -> Result<SupportVectorModel, Error> {
        self.solve(rows, labels, None)
    }

    /// As [`fit`](Self::fit), with a weight for each row.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, rows: Rows<'_>, labels: &[bool], weights: &[f64]) -> Result<SupportVectorModel, Error> {
        self.solve(rows, labels, Some(weights))
    }

    fn solve(&self, rows: Rows<'_>, labels: &[bool], weights: Option<&[f64]>) -> Result<SupportVectorModel, Error> {
        self.validate()?;
        rows.check("labels", labels.len(), 2)?;
        check_row_weights(rows, weights)?;
        // rows without weight are none
        let counts = |i: &usize| weights.is_none_or(|w| w[*i] > 0.0);
        let used: Vec<usize> = (0..rows.len()).filter(counts).collect();
        let signs: Vec<f64> = used.iter().map(|i| if labels[*i] { 1.0 } else { -1.0 }).collect();
        if signs.iter().all(|s| *s == signs[0]) {
            return Err(Error::OneClass);
        }
        let values = rows.select(&used);
        let caps = used.iter().map(|i| self.c * weights.map_or(1.0, |w| w[*i])).collect();
        let rows = Rows::new(&values, rows.columns())?;
        let mut dual = Dual::new(rows, self.kernel, signs, caps);
        dual.maximise(self.tolerance)?;

        let intercept = dual.intercept();
        let support: Vec<usize> = (0..used.len()).filter(|i| dual.alpha[*i] > 0.0).collect();
        let positive = support.iter().filter(|i| dual.signs[**i] > 0.0).count();
        let weights: Vec<f64> = support.iter().map(|i| dual.signs[*i] * dual.alpha[*i]).collect();
        let vectors = rows.select(&support);
        let mut coefficients = vec![0.0; if self.kernel == Kernel::Linear { rows.columns() } else { 0 }];
        for (w, vector) in weights.iter().zip(vectors.chunks_exact(rows.columns())) {
            add_scaled(&mut coefficients, *w, vector);
        }
        let (columns, kernel, support) = (rows.columns(), self.kernel, [support.len() - positive, positive]);
        Ok(SupportVectorModel { kernel, intercept, support, columns, vectors, weights, coefficients })
    }
}

impl SupportVectorModel {
    /// Coefficients of the plane; empty for the Gaussian kernel.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The support vectors with their weights: the value is Σ weight · kernel(vector, x) + intercept.
    pub fn support_vectors(&self) -> impl Iterator<Item = (f64, &[f64])> {
        self.weights.iter().copied().zip(self.vectors.chunks_exact(self.columns.max(1)))
    }

    fn at(&self, x: &[f64]) -> f64 {
        let sum = match self.kernel {
            Kernel::Linear => dot(&self.coefficients, x),
            kernel => self.support_vectors().map(|(w, v)| w * kernel.at(v, x)).sum(),
        };
        self.intercept + sum
    }
}

impl Model for SupportVectorModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("columns", self.columns, rows.columns())?;
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        out.iter_mut().zip(rows).for_each(|(to, row)| *to = self.at(row));
        Ok(())
    }
}

impl Differentiable for SupportVectorModel {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
        Mismatch::check("features", self.columns, x.len())?;
        Mismatch::check("places for the gradient", x.len(), out.len())?;
        out.fill(0.0);
        if let Kernel::Gaussian { gamma } = self.kernel {
            for (w, vector) in self.support_vectors() {
                let slope = 2.0 * gamma * w * self.kernel.at(vector, x);
                out.iter_mut().zip(vector.iter().zip(x)).for_each(|(to, (v, x))| *to += slope * (v - x));
            }
        } else {
            out.copy_from_slice(&self.coefficients);
        }
        Ok(self.at(x))
    }
}

/// min ½ αᵀQα − Σ α with Q = tᵢ tⱼ kernel, 0 ≤ α ≤ cap, tᵀα = 0.
struct Dual<'a> {
    rows: Rows<'a>,
    kernel: Kernel,
    signs: Vec<f64>,
    caps: Vec<f64>,
    alpha: Vec<f64>,
    /// Qα − 1.
    gradient: Vec<f64>,
    diagonal: Vec<f64>,
    /// Kernel rows of small tables.
    kept: Vec<f64>,
}

impl<'a> Dual<'a> {
    fn new(rows: Rows<'a>, kernel: Kernel, signs: Vec<f64>, caps: Vec<f64>) -> Self {
        let n = rows.len();
        let diagonal = rows.iter().map(|row| kernel.at(row, row)).collect();
        let kept = if n <= KEPT {
            (0..n * n).map(|k| kernel.at(rows.row(k / n), rows.row(k % n))).collect()
        } else {
            Vec::new()
        };
        Self { rows, kernel, signs, caps, alpha: vec![0.0; n], gradient: vec![-1.0; n], diagonal, kept }
    }

    /// Kernel of row `i` with all rows, into `to`.
    fn kernel_row(&self, i: usize, to: &mut [f64]) {
        let n = self.rows.len();
        if self.kept.is_empty() {
            to.iter_mut().zip(self.rows).for_each(|(to, row)| *to = self.kernel.at(self.rows.row(i), row));
        } else {
            to.copy_from_slice(&self.kept[i * n..(i + 1) * n]);
        }
    }

    /// Whether tᵢ αᵢ can grow, and whether it can fall.
    fn room(&self, i: usize) -> (bool, bool) {
        let (can_rise, can_fall) = (self.alpha[i] < self.caps[i], self.alpha[i] > 0.0);
        if self.signs[i] > 0.0 { (can_rise, can_fall) } else { (can_fall, can_rise) }
    }

    fn maximise(&mut self, tolerance: f64) -> Result<(), Error> {
        let n = self.alpha.len();
        let (mut row_i, mut row_j) = (vec![0.0; n], vec![0.0; n]);
        // sums of products as large as these are not known better
        let largest = |values: &[f64]| values.iter().fold(0.0f64, |l, v| l.max(v.abs()));
        let tolerance = tolerance.max(64.0 * f64::EPSILON * largest(&self.diagonal) * largest(&self.caps));
        for _ in 0..STEPS.saturating_mul(n) {
            // i: the steepest that can grow; then j: the largest gain together with it (Fan, Chen, Lin 2005)
            let pull = |k: usize| -self.signs[k] * self.gradient[k];
            let steepest = (0..n).filter(|k| self.room(*k).0).max_by(|a, b| pull(*a).total_cmp(&pull(*b)));
            let Some(i) = steepest else { return Ok(()) };
            self.kernel_row(i, &mut row_i);
            let (mut second, mut best, mut lowest) = (None, 0.0, f64::INFINITY);
            for k in (0..n).filter(|k| self.room(*k).1) {
                let violation = pull(i) - pull(k);
                lowest = lowest.min(pull(k));
                if violation > 0.0 {
                    let curvature = (self.diagonal[i] + self.diagonal[k] - 2.0 * row_i[k]).max(1e-12);
                    let gain = violation * violation / curvature;
                    if gain > best {
                        (second, best) = (Some((k, violation / curvature)), gain);
                    }
                }
            }
            let Some((j, step)) = second.filter(|_| pull(i) - lowest > tolerance) else { return Ok(()) };
            self.kernel_row(j, &mut row_j);
            self.move_pair(i, j, step, &row_i, &row_j);
        }
        Err(Error::NoOptimum {
            what: "support vector machine",
            reason: "scale the columns, lower c or raise the tolerance",
        })
    }

    /// Lets tᵢ αᵢ grow and tⱼ αⱼ fall by `step`, as far as there is room.
    fn move_pair(&mut self, i: usize, j: usize, step: f64, row_i: &[f64], row_j: &[f64]) {
        let room_of =
            |dual: &Self, k: usize, grows: bool| if grows { dual.caps[k] - dual.alpha[k] } else { dual.alpha[k] };
        let (i_grows, j_grows) = (self.signs[i] > 0.0, self.signs[j] < 0.0);
        let (room_i, room_j) = (room_of(self, i, i_grows), room_of(self, j, j_grows));
        let step = step.min(room_i).min(room_j);
        for (k, grows, room) in [(i, i_grows, room_i), (j, j_grows, room_j)] {
            self.alpha[k] = match (step == room, grows) {
                (true, true) => self.caps[k], // exactly at the bound: it counts whether a row supports
                (true, false) => 0.0,
                (false, true) => self.alpha[k] + step,
                (false, false) => self.alpha[k] - step,
            };
        }
        for (k, g) in self.gradient.iter_mut().enumerate() {
            *g += self.signs[k] * step * (row_i[k] - row_j[k]);
        }
    }

    /// The mean over rows on the margin, or the middle of what optimality allows.
    fn intercept(&self) -> f64 {
        let pull = |k: usize| -self.signs[k] * self.gradient[k];
        let (mut sum, mut count, mut low, mut high) = (0.0, 0.0, f64::NEG_INFINITY, f64::INFINITY);
        for k in 0..self.alpha.len() {
            match self.room(k) {
                (true, true) => (sum, count) = (sum + pull(k), count + 1.0),
                (true, false) => low = low.max(pull(k)),
                _ => high = high.min(pull(k)),
            }
        }
        if count > 0.0 { sum / count } else { 0.5 * (low + high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::testing::contract;

    fn rings() -> (Vec<f64>, Vec<bool>) {
        let mut stream = Generator::new(9, "test").stream(0);
        let x: Vec<f64> = (0..240).map(|_| stream.normal()).collect();
        let y = x.chunks_exact(2).map(|r| dot(r, r) + 0.3 * stream.normal() > 1.2).collect();
        (x, y)
    }

    #[test]
    fn the_primal_optimum_is_the_dual_one() {
        let (x, y) = rings();
        let rows = Rows::new(&x, 2).unwrap();
        let fit = SupportVectorMachine::default().with_c(0.7).fit(rows, &y).unwrap();
        let value = fit.predict(rows).unwrap();
        let hinge: f64 = value.iter().zip(&y).map(|(v, y)| (1.0 - if *y { *v } else { -v }).max(0.0)).sum();
        let norm = dot(fit.coefficients(), fit.coefficients());
        let dual = fit.support_vectors().map(|(w, _)| w.abs()).sum::<f64>() - 0.5 * norm;
        assert!((0.5 * norm + 0.7 * hinge - dual).abs() < 1e-6 * dual);
        contract::serde_round_trip(&fit);
    }

    #[test]
    fn the_gaussian_kernel_finds_a_ring_and_its_slope() {
        let (x, y) = rings();
        let rows = Rows::new(&x, 2).unwrap();
        let fit = SupportVectorMachine::default().with_gaussian(0.5).fit(rows, &y).unwrap();
        let right = fit.predict(rows).unwrap().iter().zip(&y).filter(|(v, y)| (**v > 0.0) == **y).count();
        assert!(right > 100, "{right}");
        let mut slope = [0.0; 2];
        let value = fit.gradient_into(&x[..2], &mut slope).unwrap();
        let there = fit.predict(Rows::new(&[x[0] + 1e-6, x[1]], 2).unwrap()).unwrap()[0];
        assert!(((there - value) / 1e-6 - slope[0]).abs() < 1e-5);
    }

    #[test]
    fn rows_without_weight_and_rows_twice_do_not_count() {
        let (x, y) = rings();
        let half = SupportVectorMachine::default().fit(Rows::new(&x[..120], 2).unwrap(), &y[..60]).unwrap();
        let weights: Vec<f64> = (0..120).map(|i| f64::from(u8::from(i < 60))).collect();
        let all = SupportVectorMachine::default().fit_weighted(Rows::new(&x, 2).unwrap(), &y, &weights).unwrap();
        assert_eq!(half, all);
        let same = SupportVectorMachine::default().fit(Rows::new(&[1.0; 4], 1).unwrap(), &[true, false, true, false]);
        assert!(same.unwrap().coefficients()[0].abs() < 1e-12);
        let one = SupportVectorMachine::default().fit(Rows::new(&[1.0, 2.0], 1).unwrap(), &[true, true]);
        assert_eq!(one.unwrap_err(), Error::OneClass);
    }
}
