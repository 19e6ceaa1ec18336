//! A quadratic function with an absolute penalty: what the elastic net is, and each Newton step of a lasso.

use crate::linalg::{Cholesky, add_scaled, dot};

/// Sweeps after which the descent gives up.
const SWEEPS: usize = 100_000;

/// min ½ βᵀGβ − qᵀβ + l₁ |β|₁ + ½ l₂ |β|².
#[derive(Debug)]
pub(crate) struct L1Quadratic<'a> {
    /// G, row after row.
    pub(crate) gram: &'a [f64],
    /// q.
    pub(crate) products: &'a [f64],
    pub(crate) l1: f64,
    pub(crate) l2: f64,
}

/// A point, and q − Gβ there.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) beta: Vec<f64>,
    pub(crate) slope: Vec<f64>,
}

impl L1Quadratic<'_> {
    fn row(&self, j: usize) -> &[f64] {
        &self.gram[j * self.products.len()..(j + 1) * self.products.len()]
    }

    pub(crate) fn point(&self, beta: Vec<f64>) -> Point {
        let slope = (0..beta.len()).map(|j| self.products[j] - dot(self.row(j), &beta)).collect();
        Point { beta, slope }
    }

    /// The minimum, reached from `start` by coordinate descent, with each optimality condition violated by at most its
    /// `tolerance`; `None` if that takes too long.
    pub(crate) fn minimise(&self, start: Vec<f64>, tolerance: &[f64]) -> Option<Point> {
        let good = |at: &Point| self.violations(at).zip(tolerance).all(|(v, t)| v <= *t);
        let mut at = self.point(start);
        for sweep in 1..=SWEEPS {
            self.sweep(&mut at);
            if sweep % 10 == 0 || good(&at) {
                // also takes away the rounding that the updates of the slope have gathered
                at = self.settled(&at).unwrap_or_else(|| self.point(at.beta));
                if good(&at) {
                    return Some(at);
                }
            }
        }
        None
    }

    /// Each coefficient goes to its optimum given the others.
    fn sweep(&self, at: &mut Point) {
        for j in 0..at.beta.len() {
            let row = self.row(j);
            if row[j] + self.l2 <= 0.0 {
                continue; // a constant column stays where it is
            }
            let pull = at.slope[j] + row[j] * at.beta[j];
            let new = (pull.abs() - self.l1).max(0.0).copysign(pull) / (row[j] + self.l2);
            let step = new - at.beta[j];
            if step != 0.0 {
                at.beta[j] = new;
                add_scaled(&mut at.slope, -step, row);
            }
        }
    }

    /// The optimum among all points with the signs of this one, if it has these signs.
    fn settled(&self, at: &Point) -> Option<Point> {
        let active: Vec<usize> = (0..at.beta.len()).filter(|j| at.beta[*j] != 0.0).collect();
        let size = active.len();
        let mut matrix: Vec<f64> = active.iter().flat_map(|i| active.iter().map(|j| self.row(*i)[*j])).collect();
        matrix.iter_mut().step_by(size + 1).for_each(|v| *v += self.l2);
        let mut solution: Vec<f64> = active.iter().map(|j| self.products[*j] - self.l1.copysign(at.beta[*j])).collect();
        Cholesky::new(&matrix, size).ok()?.solve(&mut solution);
        let mut beta = vec![0.0; at.beta.len()];
        active.iter().zip(&solution).for_each(|(j, v)| beta[*j] = *v);
        active.iter().all(|j| beta[*j] * at.beta[*j] > 0.0).then(|| self.point(beta))
    }

    /// Violations of the optimality conditions.
    pub(crate) fn violations(&self, at: &Point) -> impl Iterator<Item = f64> {
        at.beta.iter().zip(&at.slope).map(|(beta, slope)| violation(*beta, self.l2 * beta - slope, self.l1))
    }
}

/// How much `gradient` (without the absolute penalty) is off the optimum at the coefficient `beta`.
pub(crate) fn violation(beta: f64, gradient: f64, l1: f64) -> f64 {
    if beta == 0.0 { (gradient.abs() - l1).max(0.0) } else { (gradient + l1.copysign(beta)).abs() }
}
