use crate::linalg::{add_scaled, dot};

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
    use crate::linalg::tests::symmetric;

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
    fn eigenvalues_make_the_determinant() {
        let a = symmetric(6);
        let logs: f64 = symmetric_eigen(&a, 6).unwrap().0.iter().map(|v| libm::log(*v)).sum();
        assert!((crate::linalg::Cholesky::new(&a, 6).unwrap().log_determinant() - logs).abs() < 1e-9);
    }
}
