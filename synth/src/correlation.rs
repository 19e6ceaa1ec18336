//! Correlation: of pairs, of rank scores, and the nearest matrix that can be one.

use eir_core::distribution::normal_quantile;
use eir_core::metrics;

/// Pearson's correlation of the pairs in which both are present; none for less than 2 pairs or a constant side.
#[must_use]
pub fn pearson(x: &[Option<f64>], y: &[Option<f64>]) -> Option<f64> {
    let (x, y) = present(x, y);
    metrics::pearson(&x, &y).ok()
}

/// Spearman's correlation: Pearson's of the average ranks among the pairs in which both are present.
#[must_use]
pub fn spearman(x: &[Option<f64>], y: &[Option<f64>]) -> Option<f64> {
    let (x, y) = present(x, y);
    metrics::spearman(&x, &y).ok()
}

/// The pairs in which both are present.
fn present(x: &[Option<f64>], y: &[Option<f64>]) -> (Vec<f64>, Vec<f64>) {
    x.iter().zip(y).filter_map(|(a, b)| Some(((*a)?, (*b)?))).unzip()
}

/// Normal scores Φ⁻¹((r − ½) / n) of the average ranks r: what a Gaussian copula correlates. All NaN if a value is
/// not finite.
#[must_use]
pub fn normal_scores(x: &[f64]) -> Vec<f64> {
    let n = x.len() as f64;
    let score = |r: f64| normal_quantile((r - 0.5) / n);
    metrics::midranks(x).map_or_else(|_| vec![f64::NAN; x.len()], |ranks| ranks.into_iter().map(score).collect())
}

/// A square matrix by rows.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Square {
    pub(crate) size: usize,
    values: Vec<f64>,
}

impl Square {
    pub(crate) fn identity(size: usize) -> Self {
        let mut matrix = Self { size, values: vec![0.0; size * size] };
        (0..size).for_each(|i| matrix.set(i, i, 1.0));
        matrix
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> f64 {
        self.values.get(row * self.size + column).copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, row: usize, column: usize, value: f64) {
        if let Some(v) = self.values.get_mut(row * self.size + column) {
            *v = value;
        }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.size.max(1))
    }

    /// The lower triangle L with L Lᵀ = self; none unless every pivot is above 1e-7.
    pub(crate) fn cholesky(&self) -> Option<Self> {
        let mut lower = Self { size: self.size, values: vec![0.0; self.values.len()] };
        for i in 0..self.size {
            for j in 0..=i {
                let sum: f64 = (0..j).map(|k| lower.at(i, k) * lower.at(j, k)).sum();
                let rest = self.at(i, j) - sum;
                if i == j {
                    if rest.is_nan() || rest <= 1e-7 {
                        return None;
                    }
                    lower.set(i, i, rest.sqrt());
                } else {
                    lower.set(i, j, rest / lower.at(j, j));
                }
            }
        }
        Some(lower)
    }

    /// A positive definite correlation matrix near this symmetric one: eigenvalues raised to 1e-6 at least, then scaled
    /// to a unit diagonal. A matrix that is one already is given back as it is.
    pub(crate) fn repaired(self) -> Self {
        if self.cholesky().is_some() {
            return self;
        }
        self.raised(1e-6)
    }

    /// Eigenvalues raised to `least` at least, then scaled to a unit diagonal.
    fn raised(self, least: f64) -> Self {
        let (eigenvalues, vectors) = self.eigen();
        let raised: Vec<f64> = eigenvalues.into_iter().map(|v| v.max(least)).collect();
        let n = self.size;
        let mut fixed = Self::identity(n);
        for i in 0..n {
            for j in 0..=i {
                let sum = (0..n)
                    .map(|k| vectors.at(i, k) * raised.get(k).copied().unwrap_or_default() * vectors.at(j, k))
                    .sum();
                fixed.set(i, j, sum);
                fixed.set(j, i, sum);
            }
        }
        let scale: Vec<f64> = (0..n).map(|i| fixed.at(i, i).sqrt()).collect();
        for (i, a) in scale.iter().enumerate() {
            for (j, b) in scale.iter().enumerate() {
                fixed.set(i, j, if i == j { 1.0 } else { fixed.at(i, j) / (a * b) });
            }
        }
        fixed
    }

    /// Fills the entry (`a`, `b`) that nothing is known about: the value at which both are independent given all others
    /// (the largest determinant, Dempster 1972, doi:10.2307/2528966). Eigenvalues of the others count as 0.05 at least:
    /// columns that nearly say the same would blow up the noise of the rest.
    pub(crate) fn complete(&mut self, a: usize, b: usize) {
        let others: Vec<usize> = (0..self.size).filter(|i| *i != a && *i != b).collect();
        let mut inner = Self::identity(others.len());
        for (i, from) in others.iter().enumerate() {
            for (j, to) in others.iter().enumerate() {
                inner.set(i, j, self.at(*from, *to));
            }
        }
        let Some(lower) = inner.raised(0.05).cholesky() else { return };
        // Σ_a Σ⁻¹ Σ_b = (L⁻¹ Σ_a) · (L⁻¹ Σ_b)
        let solve = |of: usize| {
            let mut solved: Vec<f64> = Vec::with_capacity(others.len());
            for (i, other) in others.iter().enumerate() {
                let sum: f64 = solved.iter().enumerate().map(|(k, v)| lower.at(i, k) * v).sum();
                solved.push((self.at(*other, of) - sum) / lower.at(i, i));
            }
            solved
        };
        let value = solve(a).iter().zip(solve(b)).map(|(p, q)| p * q).sum::<f64>().clamp(-0.999, 0.999);
        self.set(a, b, value);
        self.set(b, a, value);
    }

    /// Eigenvalues and, as columns, eigenvectors by Jacobi's cyclic rotations.
    fn eigen(&self) -> (Vec<f64>, Self) {
        let n = self.size;
        let (mut a, mut v) = (self.clone(), Self::identity(n));
        for _ in 0..100 {
            let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a.at(i, j).powi(2)).sum();
            if off < 1e-24 {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    if a.at(p, q).abs() < 1e-300 {
                        continue;
                    }
                    let theta = (a.at(q, q) - a.at(p, p)) / (2.0 * a.at(p, q));
                    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                    let c = 1.0 / (t * t + 1.0).sqrt();
                    let s = t * c;
                    for k in 0..n {
                        let (x, y) = (a.at(k, p), a.at(k, q));
                        a.set(k, p, c * x - s * y);
                        a.set(k, q, s * x + c * y);
                    }
                    for k in 0..n {
                        let (x, y) = (a.at(p, k), a.at(q, k));
                        a.set(p, k, c * x - s * y);
                        a.set(q, k, s * x + c * y);
                        let (x, y) = (v.at(k, p), v.at(k, q));
                        v.set(k, p, c * x - s * y);
                        v.set(k, q, s * x + c * y);
                    }
                }
            }
        }
        ((0..n).map(|i| a.at(i, i)).collect(), v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[f64]]) -> Square {
        Square { size: rows.len(), values: rows.concat() }
    }

    #[test]
    fn correlations_of_known_pairs() {
        let some = |x: &[f64]| x.iter().map(|v| Some(*v)).collect::<Vec<_>>();
        let (x, y) = (some(&[1.0, 2.0, 3.0, 4.0]), some(&[1.0, 4.0, 9.0, 16.0]));
        assert!((pearson(&x, &y).unwrap() - 0.984_374_038_697_697_6).abs() < 1e-15); // numpy.corrcoef
        assert!((spearman(&x, &y).unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(pearson(&x, &some(&[2.0; 4])), None);
        assert_eq!(pearson(&[None, Some(1.0)], &[Some(1.0), None]), None);
        assert_eq!(pearson(&some(&[0.1; 3]), &some(&[1.0, 2.0, 4.0])), None); // whose mean is rounded
    }

    #[test]
    fn an_unknown_entry_follows_from_the_others() {
        let mut chain = matrix(&[&[1.0, 0.0, 0.8], &[0.0, 1.0, -0.6], &[0.8, -0.6, 1.0]]);
        chain.complete(0, 1);
        assert!((chain.at(0, 1) + 0.48).abs() < 1e-12 && chain.at(1, 0) == chain.at(0, 1));
    }

    #[test]
    fn repair_makes_it_positive_definite_and_near() {
        let broken = matrix(&[&[1.0, 0.9, -0.9], &[0.9, 1.0, 0.9], &[-0.9, 0.9, 1.0]]);
        assert!(broken.cholesky().is_none());
        let fixed = broken.repaired();
        assert!(fixed.cholesky().is_some());
        // the nearest by eigenvalues: numpy.linalg.eigh, clip at 1e-6, rescale
        let want = 0.5;
        assert!((fixed.at(0, 1) - want).abs() < 1e-5 && (fixed.at(0, 2) + want).abs() < 1e-5, "{fixed:?}");
        let sound = matrix(&[&[1.0, 0.3], &[0.3, 1.0]]);
        assert_eq!(sound.clone().repaired(), sound);
    }
}
