//! The little linear algebra that the models share: symmetric matrices, row after row.

/// Σ aᵢ bᵢ in four interleaved sums, which a compiler turns into vector instructions.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a4, a_rest), (b4, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (x, y) in a4.iter().zip(b4) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Adds `factor` · `x` to `to`.
pub(crate) fn add_scaled(to: &mut [f64], factor: f64, x: &[f64]) {
    to.iter_mut().zip(x).for_each(|(t, x)| *t += factor * x);
}

/// A = L Lᵀ of a positive definite matrix.
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    /// L below and on the diagonal, row after row.
    factor: Vec<f64>,
    size: usize,
}

impl Cholesky {
    /// What a pivot must keep of its diagonal element: less is rounding, and the matrix is singular.
    const PIVOT: f64 = 1e-13;

    /// Factors the lower triangle of `matrix`, or gives the number of the first row that depends on those before it.
    pub(crate) fn new(matrix: &[f64], size: usize) -> Result<Self, usize> {
        let mut factor = matrix.to_vec();
        for i in 0..size {
            let (above, row) = factor.split_at_mut(i * size);
            let row = &mut row[..size];
            for j in 0..i {
                let other = &above[j * size..(j + 1) * size];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if !(pivot > Self::PIVOT * row[i] && pivot.is_finite()) {
                return Err(i);
            }
            row[i] = pivot.sqrt();
            row[i + 1..].fill(0.0);
        }
        Ok(Self { factor, size })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.factor[i * self.size..(i + 1) * self.size]
    }

    /// x with L x = `b`, in its place.
    pub(crate) fn forward(&self, b: &mut [f64]) {
        for i in 0..self.size {
            b[i] = (b[i] - dot(&self.row(i)[..i], &b[..i])) / self.row(i)[i];
        }
    }

    /// x with A x = `b`, in its place.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        for i in (0..self.size).rev() {
            b[i] /= self.row(i)[i];
            let (before, x) = b.split_at_mut(i);
            add_scaled(before, -x[0], &self.row(i)[..i]);
        }
    }

    /// A⁻¹.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let mut all = vec![0.0; self.size * self.size];
        for (i, row) in all.chunks_exact_mut(self.size).enumerate() {
            row[i] = 1.0;
            self.solve(row);
        }
        all
    }

    /// ln |A|.
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|i| libm::log(self.row(i)[i])).sum::<f64>()
    }

    /// L⁻¹, row after row.
    pub(crate) fn inverse_factor(&self) -> Vec<f64> {
        let n = self.size;
        let mut all = vec![0.0; n * n];
        let mut column = vec![0.0; n];
        for j in 0..n {
            column.fill(0.0);
            column[j] = 1.0;
            self.forward(&mut column);
            (0..n).for_each(|i| all[i * n + j] = column[i]);
        }
        all
    }
}

/// Eigenvalues, the largest first, and the eigenvectors as rows, of a symmetric matrix: Householder's reduction to three
/// diagonals and the implicit QL iteration. `None` if a value is not finite.
pub(crate) fn symmetric_eigen(matrix: &[f64], n: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    if !matrix.iter().all(|v| v.is_finite()) {
        return None;
    }
    let (mut d, mut e, mut vectors) = tridiagonal(matrix.to_vec(), n);
    ql(&mut d, &mut e, &mut vectors)?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| d[*b].total_cmp(&d[*a]));
    let sorted = order.iter().flat_map(|i| &vectors[i * n..(i + 1) * n]).copied().collect();
    Some((order.iter().map(|i| d[*i]).collect(), sorted))
}

/// T = Q A Qᵀ with three diagonals, as (diagonal, the one beside it, Q).
fn tridiagonal(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut q = vec![0.0; n * n];
    (0..n).for_each(|i| q[i * n + i] = 1.0);
    let mut beside = vec![0.0; n];
    for k in 0..n.saturating_sub(1) {
        // the reflection that leaves only the first value of row k behind the diagonal
        let mut v = a[k * n + k + 1..(k + 1) * n].to_vec();
        let largest = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        if largest == 0.0 {
            continue;
        }
        v.iter_mut().for_each(|x| *x /= largest); // squares of huge or tiny values stay finite
        let norm = dot(&v, &v).sqrt().copysign(-v[0]);
        beside[k] = norm * largest;
        v[0] -= norm;
        let length = dot(&v, &v).sqrt();
        if length == 0.0 {
            continue;
        }
        v.iter_mut().for_each(|x| *x /= length);
        let rest = |i: usize| (k + 1 + i) * n + k + 1..(k + 2 + i) * n;
        let mut w: Vec<f64> = (0..v.len()).map(|i| dot(&a[rest(i)], &v)).collect();
        let along = dot(&v, &w);
        add_scaled(&mut w, -along, &v);
        for i in 0..v.len() {
            let row = &mut a[rest(i)];
            add_scaled(row, -2.0 * v[i], &w);
            add_scaled(row, -2.0 * w[i], &v);
        }
        let mut turned = vec![0.0; n];
        for (i, x) in v.iter().enumerate() {
            add_scaled(&mut turned, *x, &q[(k + 1 + i) * n..(k + 2 + i) * n]);
        }
        for (i, x) in v.iter().enumerate() {
            add_scaled(&mut q[(k + 1 + i) * n..(k + 2 + i) * n], -2.0 * x, &turned);
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), beside, q)
}

/// Turns the three diagonals into one, and the rows of `vectors` with them.
fn ql(d: &mut [f64], e: &mut [f64], vectors: &mut [f64]) -> Option<()> {
    let n = d.len();
    for l in 0..n {
        for round in 0.. {
            let small = |m: &usize| e[*m].abs() <= f64::EPSILON * (d[*m].abs() + d[*m + 1].abs());
            let m = (l..n - 1).find(small).unwrap_or(n - 1);
            if m == l {
                break;
            }
            if round == 100 {
                return None;
            }
            let g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut g = d[m] - d[l] + e[l] / (g + libm::hypot(g, 1.0).copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut whole = true;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = libm::hypot(f, g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    whole = false;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                let r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                let (lower, upper) = vectors.split_at_mut((i + 1) * n);
                for (x, y) in lower[i * n..].iter_mut().zip(&mut upper[..n]) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
            }
            if whole {
                d[l] -= p;
                e[l] = g;
            }
            e[m] = 0.0;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    fn symmetric(n: usize) -> Vec<f64> {
        let mut stream = Generator::new(1, "test").stream(n as u64);
        let root: Vec<f64> = (0..n * n).map(|_| stream.normal()).collect();
        (0..n * n).map(|k| dot(&root[k / n * n..][..n], &root[k % n * n..][..n])).collect()
    }

    #[test]
    fn eigenvectors_are_orthonormal_and_rebuild_the_matrix() {
        for n in [1, 2, 3, 7, 40] {
            let a = symmetric(n);
            let (values, vectors) = symmetric_eigen(&a, n).unwrap();
            assert!(values.is_sorted_by(|x, y| x >= y));
            for (i, j) in (0..n * n).map(|k| (k / n, k % n)) {
                let along = dot(&vectors[i * n..][..n], &vectors[j * n..][..n]);
                assert!((along - f64::from(u8::from(i == j))).abs() < 1e-13);
                let rebuilt: f64 = (0..n).map(|k| values[k] * vectors[k * n + i] * vectors[k * n + j]).sum();
                assert!((rebuilt - a[i * n + j]).abs() < 1e-12 * values[0], "{n}: {rebuilt} {}", a[i * n + j]);
            }
        }
    }

    #[test]
    fn eigenvalues_of_equal_and_zero_matrices() {
        assert_eq!(symmetric_eigen(&[0.0; 9], 3).unwrap().0, [0.0; 3]);
        let ones = symmetric_eigen(&[1.0; 16], 4).unwrap().0;
        assert!((ones[0] - 4.0).abs() < 1e-14 && ones[1..].iter().all(|v| v.abs() < 1e-14), "{ones:?}");
        assert!(symmetric_eigen(&[f64::NAN], 1).is_none());
        let huge = symmetric_eigen(&[1e200, 1e200, 1e200, 1e200], 2).unwrap().0;
        assert!((huge[0] / 2e200 - 1.0).abs() < 1e-14);
    }

    #[test]
    fn cholesky_solves_inverts_and_finds_dependence() {
        let n = 6;
        let a = symmetric(n);
        let factor = Cholesky::new(&a, n).unwrap();
        let inverse = factor.inverse();
        for (i, j) in (0..n * n).map(|k| (k / n, k % n)) {
            let one: f64 = (0..n).map(|k| a[i * n + k] * inverse[k * n + j]).sum();
            assert!((one - f64::from(u8::from(i == j))).abs() < 1e-9, "{one}");
        }
        let logs: f64 = symmetric_eigen(&a, n).unwrap().0.iter().map(|v| libm::log(*v)).sum();
        assert!((factor.log_determinant() - logs).abs() < 1e-9);
        assert_eq!(Cholesky::new(&[1.0, 2.0, 2.0, 4.0], 2).unwrap_err(), 1);
        assert_eq!(Cholesky::new(&[0.0], 1).unwrap_err(), 0);
    }
}
