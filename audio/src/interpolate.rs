//! Values between samples: parabola, windowed sin(x)/x, and the maximum of the latter.

use std::f64::consts::PI;

/// Value of `y` at `x` (in samples) by sin(x)/x under a raised cosine that reaches `depth` samples to each side, and
/// fewer near the ends.
pub(crate) fn sinc(y: &[f64], x: f64, depth: usize) -> f64 {
    let Some(last) = y.len().checked_sub(1) else { return f64::NAN };
    if x <= 0.0 {
        return y[0];
    }
    if x >= last as f64 {
        return y[last];
    }
    let left = x.floor() as usize;
    let phase = x - left as f64;
    if phase == 0.0 {
        return y[left];
    }
    let depth = depth.min(left + 1).min(last - left);
    match depth {
        0 => return y[x.round() as usize],
        1 => return y[left] + phase * (y[left + 1] - y[left]),
        2 => return cubic(&y[left - 1..left + 3], phase),
        _ => {}
    }
    sides(&y[left + 1 - depth..=left], &y[left + 1..=left + depth], phase)
}

/// The cubic through the middle two of four values with the slopes that all four give it.
fn cubic(y: &[f64], phase: f64) -> f64 {
    let &[before, left, right, after] = y else { return f64::NAN };
    let (slope_left, slope_right) = (0.5 * (right - before), 0.5 * (after - left));
    let bend = 0.5 * (slope_right - slope_left) + (phase - 0.5) * (slope_left + slope_right - 2.0 * (right - left));
    left + phase * (right - left) - phase * (1.0 - phase) * bend
}

/// The sum over as many samples to the left as to the right; the last to the left is `phase` away. Both sides go side by
/// side, so that the compiler makes vector instructions of them.
fn sides(left: &[f64], right: &[f64], phase: f64) -> f64 {
    let distance = [phase, 1.0 - phase];
    let width = distance.map(|d| d + left.len() as f64);
    let [mut cos, mut sin] = [f64::cos, f64::sin].map(|f| [0, 1].map(|s| f(PI * distance[s] / width[s])));
    let [step_cos, step_sin] = [f64::cos, f64::sin].map(|f| width.map(|w| f(PI / w)));
    let (mut half, mut place) = (distance.map(|d| 0.5 * (PI * d).sin()), distance.map(|d| PI * d));
    let mut sums = [0.0; 2];
    for (y0, y1) in left.iter().rev().zip(right) {
        let y = [*y0, *y1];
        for s in 0..2 {
            sums[s] += y[s] * half[s] / place[s] * (1.0 + cos[s]);
            let turned = cos[s] * step_cos[s] - sin[s] * step_sin[s];
            sin[s] = sin[s] * step_cos[s] + cos[s] * step_sin[s];
            cos[s] = turned;
            half[s] = -half[s];
            place[s] += PI;
        }
    }
    sums[0] + sums[1]
}

/// Place and height of the maximum of the [`sinc`] curve within one sample of `middle` (Brent's method).
pub(crate) fn sinc_maximum(y: &[f64], middle: usize, depth: usize) -> (f64, f64) {
    if middle == 0 || middle + 1 >= y.len() {
        return (middle as f64, y.get(middle).copied().unwrap_or(f64::NAN));
    }
    let value = |x: f64| -sinc(y, x, depth);
    const GOLDEN: f64 = 0.381_966_011_250_105;
    let (mut low, mut high) = (middle as f64 - 1.0, middle as f64 + 1.0);
    let mut best = low + GOLDEN * (high - low);
    let mut at_best = value(best);
    let (mut second, mut third) = (best, best);
    let (mut at_second, mut at_third) = (at_best, at_best);
    let (mut step, mut before) = (0.0f64, 0.0f64);
    for _ in 0..60 {
        let half = 0.5 * (low + high);
        let tolerance = 1e-8 * (1.0 + best.abs());
        if (best - half).abs() + 0.5 * (high - low) <= 2.0 * tolerance {
            break;
        }
        // a parabola through the three best points, where it lands inside and shrinks; otherwise the golden section
        let r = (best - second) * (at_best - at_third);
        let q = (best - third) * (at_best - at_second);
        let (p, q) = ((best - third) * q - (best - second) * r, 2.0 * (q - r));
        let (p, q) = if q > 0.0 { (-p, q) } else { (p, -q) };
        let fits = before.abs() > tolerance && p.abs() < (0.5 * q * before).abs();
        if fits && p > q * (low - best) && p < q * (high - best) {
            (before, step) = (step, p / q);
            // not so near an end that the other side would never be looked at
            let near = 2.0 * tolerance;
            if best + step - low < near || high - best - step < near {
                step = tolerance.copysign(half - best);
            }
        } else {
            before = if best < half { high - best } else { low - best };
            step = GOLDEN * before;
        }
        let x = best + if step.abs() < tolerance { tolerance.copysign(step) } else { step };
        let at = value(x);
        if at <= at_best {
            if x < best {
                high = best
            } else {
                low = best
            }
            (third, at_third) = (second, at_second);
            (second, at_second) = (best, at_best);
            (best, at_best) = (x, at);
        } else {
            if x < best {
                low = x
            } else {
                high = x
            }
            if at <= at_second || second == best {
                (third, at_third) = (second, at_second);
                (second, at_second) = (x, at);
            } else if at <= at_third || third == best || third == second {
                (third, at_third) = (x, at);
            }
        }
    }
    (best, -at_best)
}

/// Offset from the middle, and height, of the parabola through three values.
pub(crate) fn parabola(left: f64, middle: f64, right: f64) -> (f64, f64) {
    let (slope, bend) = (0.5 * (right - left), 2.0 * middle - left - right);
    if bend == 0.0 { (0.0, middle) } else { (slope / bend, middle + 0.5 * slope * slope / bend) }
}

/// Lags at a time of [`products`].
const LANES: usize = 8;

/// Σ_i x_i x_{i + lag} over `length` samples, for each lag of `out` from 1 on; `x` reaches that far. Lags go side by side,
/// each summed in order.
pub(crate) fn products(x: &[f64], length: usize, out: &mut [f64]) {
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    let done = blocks.len() * LANES;
    for (block, first) in blocks.iter_mut().zip((1..).step_by(LANES)) {
        *block = [0.0; LANES];
        for (a, b) in x[..length].iter().zip(x[first..].windows(LANES)) {
            block.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
        }
    }
    for (sum, lag) in rest.iter_mut().zip(done + 1..) {
        *sum = x[..length].iter().zip(&x[lag..]).map(|(a, b)| a * b).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_maximum_of_a_sine_between_samples() {
        let y: Vec<f64> = (0..400).map(|i| (0.11 * (f64::from(i) - 200.37)).cos()).collect();
        assert!((sinc(&y, 187.21, 70) - (0.11f64 * (187.21 - 200.37)).cos()).abs() < 1e-4);
        let (place, height) = sinc_maximum(&y, 200, 70);
        assert!((place - 200.37).abs() < 1e-3 && (height - 1.0).abs() < 1e-4, "{place} {height}");
    }

    #[test]
    fn ends_are_safe() {
        assert!(sinc(&[], 0.5, 30).is_nan());
        assert_eq!(sinc(&[1.0, 3.0], 0.5, 30), 2.0);
        assert_eq!(sinc(&[1.0, 3.0], -7.0, 30), 1.0);
        assert_eq!(sinc(&[0.0, 1.0, 4.0, 9.0], 1.5, 30), 2.25); // a parabola
        assert_eq!(sinc_maximum(&[1.0, 3.0], 1, 30), (1.0, 3.0));
        assert_eq!(parabola(0.0, 1.0, 0.0), (0.0, 1.0));
    }
}
