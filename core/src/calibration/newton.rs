//! Newton's method for the few parameters of a calibrator: convex, bounded below where asked, to the last digits.

use crate::Error;

/// Largest component of the gradient of the mean loss that counts as an optimum.
const GRADIENT: f64 = 1e-9;

/// A loss with its first and second derivatives at one place.
pub(super) struct Local<const K: usize> {
    pub(super) loss: f64,
    pub(super) gradient: [f64; K],
    pub(super) hessian: [[f64; K]; K],
}

/// Where the loss is least.
#[derive(Debug)]
pub(super) struct Optimum<const K: usize> {
    pub(super) at: [f64; K],
    /// The inverse Hessian over the parameters that may move.
    pub(super) inverse: [[f64; K]; K],
}

/// Minimises the convex `loss` from `start`, each parameter at or above its bound in `lower`.
///
/// Projected Newton steps (Bertsekas 1982, doi:10.1137/0320018), halved until the loss falls enough; at the end, where
/// the loss no longer shows it, until the gradient falls.
pub(super) fn minimise<const K: usize>(
    what: &'static str,
    start: [f64; K],
    lower: [f64; K],
    loss: impl Fn(&[f64; K]) -> Local<K>,
) -> Result<Optimum<K>, Error> {
    let no_optimum = |reason| Error::NoOptimum { what, reason };
    let mut at = start;
    let mut here = loss(&at);
    for _ in 0..200 {
        let free = free(&at, &lower, &here);
        let steepest = steepest(&here, &free);
        if steepest == 0.0 {
            break;
        }
        let step = solve(&here.hessian, &here.gradient, &free)
            .ok_or_else(|| no_optimum("its parameters cannot be told apart on this input"))?;
        let better = (0..60).find_map(|halvings| {
            let t = 0.5f64.powi(halvings);
            let to: [f64; K] = std::array::from_fn(|k| (at[k] - t * step[k]).max(lower[k]));
            let there = loss(&to);
            let fall: f64 = (0..K).map(|k| here.gradient[k] * (at[k] - to[k])).sum();
            let noise = 1e-14 * (1.0 + here.loss.abs());
            let falls = there.loss <= here.loss - 1e-4 * fall && fall > noise;
            let flat =
                there.loss <= here.loss + noise && self::steepest(&there, &self::free(&to, &lower, &there)) < steepest;
            (falls || flat).then_some((to, there))
        });
        match better {
            Some((to, there)) => (at, here) = (to, there),
            None => break,
        }
    }
    let free = free(&at, &lower, &here);
    if !(steepest(&here, &free) <= GRADIENT && at.iter().all(|v| v.is_finite())) {
        return Err(no_optimum("the gradient does not vanish: rescale the scores"));
    }
    let mut inverse = [[0.0; K]; K];
    for (k, column) in inverse.iter_mut().enumerate().filter(|(k, _)| free[*k]) {
        let unit = std::array::from_fn(|j| if j == k { 1.0 } else { 0.0 });
        *column = solve(&here.hessian, &unit, &free)
            .ok_or_else(|| no_optimum("its parameters cannot be told apart on this input"))?;
    }
    Ok(Optimum { at, inverse })
}

/// The parameters that may move: all but those that the gradient presses against their bound.
fn free<const K: usize>(at: &[f64; K], lower: &[f64; K], here: &Local<K>) -> [bool; K] {
    std::array::from_fn(|k| at[k] > lower[k] || here.gradient[k] < 0.0)
}

fn steepest<const K: usize>(here: &Local<K>, free: &[bool; K]) -> f64 {
    let components = here.gradient.iter().zip(free).filter(|(_, free)| **free);
    components.fold(0.0, |most, (g, _)| if g.is_nan() { f64::INFINITY } else { most.max(g.abs()) })
}

/// Solves H x = g over the free parameters (the others are 0) by Cholesky's factorisation; none if H is singular.
fn solve<const K: usize>(hessian: &[[f64; K]; K], gradient: &[f64; K], free: &[bool; K]) -> Option<[f64; K]> {
    let of = |i: usize, j: usize| match free[i] && free[j] {
        true => hessian[i][j],
        false => f64::from(u8::from(i == j)),
    };
    let mut l = [[0.0; K]; K];
    for i in 0..K {
        for j in 0..=i {
            let rest = of(i, j) - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            if i != j {
                l[i][j] = rest / l[j][j];
            } else if rest > 1e-14 * of(i, i) && rest > 0.0 {
                l[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut x: [f64; K] = std::array::from_fn(|k| if free[k] { gradient[k] } else { 0.0 });
    for i in 0..K {
        x[i] = (x[i] - (0..i).map(|k| l[i][k] * x[k]).sum::<f64>()) / l[i][i];
    }
    for i in (0..K).rev() {
        x[i] = (x[i] - (i + 1..K).map(|k| l[k][i] * x[k]).sum::<f64>()) / l[i][i];
    }
    Some(x)
}

/// The mean logistic loss, ln(1 + eᶻ) − t z with z = offset + θᵀ row, over cases of (row, target t, offset).
pub(super) fn logistic<const K: usize>(
    cases: impl Iterator<Item = ([f64; K], f64, f64)>,
    theta: &[f64; K],
) -> Local<K> {
    let mut sum = Local { loss: 0.0, gradient: [0.0; K], hessian: [[0.0; K]; K] };
    let mut n = 0.0;
    for (row, target, offset) in cases {
        let z = offset + row.iter().zip(theta).map(|(x, t)| x * t).sum::<f64>();
        let e = libm::exp(-z.abs());
        let (p, q) = if z >= 0.0 { (1.0 / (1.0 + e), e / (1.0 + e)) } else { (e / (1.0 + e), 1.0 / (1.0 + e)) };
        sum.loss += z.max(0.0) + libm::log1p(e) - target * z;
        // 1 − p − (1 − t) keeps the digits of a p near 1
        let residual = if z > 0.0 { (1.0 - target) - q } else { p - target };
        for i in 0..K {
            sum.gradient[i] += residual * row[i];
            for j in 0..=i {
                sum.hessian[i][j] += p * q * row[i] * row[j];
            }
        }
        n += 1.0;
    }
    sum.loss /= n;
    sum.gradient.iter_mut().for_each(|g| *g /= n);
    for i in 0..K {
        for j in 0..=i {
            sum.hessian[i][j] /= n;
            sum.hessian[j][i] = sum.hessian[i][j];
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (x − 3)² + (y + 2)²: the optimum, and the optimum with y ≥ 0.
    fn bowl(at: &[f64; 2]) -> Local<2> {
        let [x, y] = [at[0] - 3.0, at[1] + 2.0];
        Local { loss: x * x + y * y, gradient: [2.0 * x, 2.0 * y], hessian: [[2.0, 0.0], [0.0, 2.0]] }
    }

    #[test]
    fn bounds_hold() {
        let free = minimise("bowl", [0.0; 2], [f64::NEG_INFINITY; 2], bowl).unwrap();
        assert_eq!(free.at, [3.0, -2.0]);
        assert!((free.inverse[0][0] - 0.5).abs() < 1e-15 && free.inverse[0][1] == 0.0);
        let bounded = minimise("bowl", [1.0; 2], [0.0; 2], bowl).unwrap();
        assert_eq!(bounded.at, [3.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_told_apart_is_an_error() {
        let flat = |at: &[f64; 2]| {
            let x = at[0] + at[1] - 1.0;
            Local { loss: x * x, gradient: [2.0 * x; 2], hessian: [[2.0; 2]; 2] }
        };
        assert!(matches!(minimise("line", [0.0; 2], [f64::NEG_INFINITY; 2], flat), Err(Error::NoOptimum { .. })));
    }
}
