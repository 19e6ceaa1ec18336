/// Nodes in −1 … 1 and weights of Gauss–Legendre quadrature with `n` nodes, by Newton's iteration on the polynomial.
///
/// Exact for polynomials up to degree 2n − 1.
pub(crate) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let size = n as f64;
    // P_n and its derivative at x, by the three-term recurrence
    let polynomial = |x: f64| {
        let (mut before, mut now) = (1.0, x);
        for k in 2..=n {
            let k = k as f64;
            (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
        }
        (now, size * (x * now - before) / (x * x - 1.0))
    };
    let node = |i: usize| {
        let mut x = -libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (size + 0.5));
        for _ in 0..100 {
            let (value, slope) = polynomial(x);
            let step = value / slope;
            x -= step;
            if step.abs() <= 1e-16 {
                break;
            }
        }
        let slope = polynomial(x).1;
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    if n == 1 { vec![(0.0, 2.0)] } else { (0..n).map(node).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_exact() {
        for n in [1, 2, 5, 50] {
            let nodes = gauss_legendre(n);
            for degree in 0..2 * n as i32 {
                let got: f64 = nodes.iter().map(|(x, w)| w * x.powi(degree)).sum();
                let want = if degree % 2 == 0 { 2.0 / f64::from(degree + 1) } else { 0.0 };
                assert!((got - want).abs() < 1e-14, "{n} {degree}: {got} {want}");
            }
        }
    }
}
