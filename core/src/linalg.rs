//! The little linear algebra that models and tests share: positive definite matrices, row after row.

/// Σ aᵢ bᵢ in four interleaved sums, which a compiler turns into vector instructions.
#[inline(always)]
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
    #[cfg(feature = "learn")]
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|i| libm::log(self.row(i)[i])).sum::<f64>()
    }

    /// L⁻¹, row after row.
    #[cfg(feature = "learn")]
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::random::Generator;

    pub(crate) fn symmetric(n: usize) -> Vec<f64> {
        let mut stream = Generator::new(1, "test").stream(n as u64);
        let root: Vec<f64> = (0..n * n).map(|_| stream.normal()).collect();
        (0..n * n).map(|k| dot(&root[k / n * n..][..n], &root[k % n * n..][..n])).collect()
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
        assert_eq!(Cholesky::new(&[1.0, 2.0, 2.0, 4.0], 2).unwrap_err(), 1);
        assert_eq!(Cholesky::new(&[0.0], 1).unwrap_err(), 0);
    }
}
