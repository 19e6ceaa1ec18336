/// The triangle L of a symmetric positive definite matrix A = L Lᵀ.
pub(crate) struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Of the `n` × `n` matrix whose lower triangle is that of `a`; none if a column depends on those before it to 12
    /// digits.
    pub(crate) fn new(a: &[f64], n: usize) -> Option<Self> {
        let mut l = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let (of_i, of_j) = (&l[i * n..i * n + j], &l[j * n..j * n + j]);
                let rest = a[i * n + j] - of_i.iter().zip(of_j).map(|(x, y)| x * y).sum::<f64>();
                if i > j {
                    l[i * n + j] = rest / l[j * n + j];
                } else if rest > 1e-12 * a[i * n + i] {
                    l[i * n + i] = rest.sqrt();
                } else {
                    return None; // NaN ends here too
                }
            }
        }
        Some(Self { n, lower: l })
    }

    /// Turns b into the x of A x = b.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        let (n, l) = (self.n, &self.lower);
        for i in 0..n {
            let known: f64 = (0..i).map(|j| l[i * n + j] * b[j]).sum();
            b[i] = (b[i] - known) / l[i * n + i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| l[j * n + i] * b[j]).sum();
            b[i] = (b[i] - known) / l[i * n + i];
        }
    }

    /// A⁻¹, row after row.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let mut inverse = vec![0.0; self.n * self.n];
        for (i, row) in inverse.chunks_exact_mut(self.n).enumerate() {
            row[i] = 1.0;
            self.solve(row);
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves() {
        let a = [4.0, f64::NAN, 2.0, 3.0]; // the upper triangle is not read
        let mut x = [2.0, 5.0];
        let cholesky = Cholesky::new(&a, 2).unwrap();
        cholesky.solve(&mut x);
        assert!((x[0] + 0.5).abs() < 1e-15 && (x[1] - 2.0).abs() < 1e-15);
        assert!((cholesky.inverse()[0] - 0.375).abs() < 1e-15);
        assert!(Cholesky::new(&[1.0, 0.0, 2.0, 4.0], 2).is_none());
    }
}
