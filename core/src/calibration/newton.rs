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
    pub(super) hessian: [[f64; K]; K],
}

impl<const K: usize> Optimum<K> {
    /// Entry (k, k) of the inverse Hessian; none if that is singular.
    pub(super) fn inverse(&self, k: usize) -> Option<f64> {
        let unit = std::array::from_fn(|j| if j == k { 1.0 } else { 0.0 });
        Some(solve(&self.hessian, &unit, &[true; K], 0.0)?[k])
    }
}

/// Minimises the convex `loss` from `start`, each parameter at or above its bound in `lower`. Where several places are
/// equally good, it is one of them.
///
/// Each step goes towards the optimum of the quadratic model within the bounds, halved until the loss falls enough; at
/// the end, where the loss no longer shows it, until the gradient falls (Nocedal, Wright 2006,
/// doi:10.1007/978-0-387-40065-5, chapter 18).
pub(super) fn minimise<const K: usize>(
    what: &'static str,
    start: [f64; K],
    lower: [f64; K],
    loss: impl Fn(&[f64; K]) -> Local<K>,
) -> Result<Optimum<K>, Error> {
    let mut at = start;
    let mut here = loss(&at);
    for _ in 0..200 {
        let steepest = steepest(&at, &lower, &here);
        if steepest == 0.0 {
            break;
        }
        // undamped first; damping is for a model that is flat in some direction
        let step = [0.0, 1e-12, 1e-9, 1e-6].into_iter().find_map(|damping| step(&at, &lower, &here, damping));
        let Some(step) = step else { break };
        let better = (0..60).find_map(|halvings| {
            let t = 0.5f64.powi(halvings);
            let to: [f64; K] = std::array::from_fn(|k| (at[k] - t * step[k]).max(lower[k]));
            let there = loss(&to);
            let fall: f64 = (0..K).map(|k| here.gradient[k] * (at[k] - to[k])).sum();
            let noise = 1e-14 * (1.0 + here.loss.abs());
            let falls = there.loss <= here.loss - 1e-4 * fall && fall > noise;
            let flat = there.loss <= here.loss + noise && self::steepest(&to, &lower, &there) < steepest;
            (falls || flat).then_some((to, there))
        });
        match better {
            Some((to, there)) => (at, here) = (to, there),
            None => break,
        }
    }
    if steepest(&at, &lower, &here) <= GRADIENT && at.iter().all(|v| v.is_finite()) {
        Ok(Optimum { at, hessian: here.hessian })
    } else {
        Err(Error::NoOptimum { what, reason: "the gradient does not vanish: rescale the scores" })
    }
}

/// Largest component of the gradient, without those that press a parameter against its bound.
fn steepest<const K: usize>(at: &[f64; K], lower: &[f64; K], here: &Local<K>) -> f64 {
    let free = (0..K).filter(|k| at[*k] > lower[*k] || here.gradient[*k] < 0.0);
    free.fold(0.0, |most, k| if here.gradient[k].is_nan() { f64::INFINITY } else { most.max(here.gradient[k].abs()) })
}

/// The step to the optimum of the quadratic model within the bounds: with few parameters, each choice of those that end
/// at their bound is tried, until the others stay within theirs and none at its bound would rather leave it.
fn step<const K: usize>(at: &[f64; K], lower: &[f64; K], here: &Local<K>, damping: f64) -> Option<[f64; K]> {
    (0..1usize << K).find_map(|choice| {
        let free: [bool; K] = std::array::from_fn(|k| choice >> k & 1 == 0);
        let to_bound: [f64; K] = std::array::from_fn(|k| if free[k] { 0.0 } else { at[k] - lower[k] });
        let after = |step: &[f64; K], k: usize| -> f64 {
            here.gradient[k] - here.hessian[k].iter().zip(step).map(|(h, s)| h * s).sum::<f64>()
        };
        let rest = std::array::from_fn(|k| after(&to_bound, k));
        let solved = solve(&here.hessian, &rest, &free, damping)?;
        let step: [f64; K] = std::array::from_fn(|k| if free[k] { solved[k] } else { to_bound[k] });
        // with a little room: rounding must not exclude both sides of a bound
        let holds = |k: usize| match free[k] {
            true => at[k] - step[k] >= lower[k] - 1e-12 * (1.0 + at[k].abs()),
            false => after(&step, k) >= -1e-15,
        };
        (step.iter().all(|s| s.is_finite()) && (0..K).all(holds)).then_some(step)
    })
}

/// Solves H x = g over the free parameters (the others are 0) by Cholesky's factorisation, the diagonal larger by the
/// part `damping`; none if H is singular.
fn solve<const K: usize>(h: &[[f64; K]; K], gradient: &[f64; K], free: &[bool; K], damping: f64) -> Option<[f64; K]> {
    let of = |i: usize, j: usize| match free[i] && free[j] {
        true if i == j => h[i][j] * (1.0 + damping),
        true => h[i][j],
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
        assert!((free.inverse(0).unwrap() - 0.5).abs() < 1e-15);
        let bounded = minimise("bowl", [1.0; 2], [0.0; 2], bowl).unwrap();
        assert_eq!(bounded.at, [3.0, 0.0]);
    }

    #[test]
    fn a_flat_direction_has_an_optimum_and_no_variance() {
        let valley = |at: &[f64; 2]| {
            let x = at[0] + at[1] - 1.0;
            Local { loss: x * x, gradient: [2.0 * x; 2], hessian: [[2.0; 2]; 2] }
        };
        let found = minimise("valley", [0.0; 2], [f64::NEG_INFINITY; 2], valley).unwrap();
        assert!((found.at[0] + found.at[1] - 1.0).abs() < 1e-9 && found.inverse(0).is_none());
    }

    #[test]
    fn no_optimum_is_an_error() {
        let slope = |at: &[f64; 1]| Local { loss: -at[0], gradient: [-1.0], hessian: [[1.0]] };
        assert!(matches!(minimise("slope", [0.0], [0.0], slope), Err(Error::NoOptimum { .. })));
    }
}
