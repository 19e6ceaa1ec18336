//! Akima's interpolation.

use super::Interpolant;
use super::piecewise::check;
use crate::Result;

/// Akima's curve through the points `(x, y)`, `x` rising.
///
/// **Use it** where a single outlier must not make waves: a point changes the curve only up to three points away.
/// **Not** where the curve must stay between its points ([`pchip`](super::pchip)) or be smooth in its second derivative
/// ([`cubic_spline`](super::cubic_spline)).
///
/// # Formula
/// With chords `m`, continued by two at each end on a parabola, the slope at a point is
/// `(|m[i+1] - m[i]| m[i-1] + |m[i-1] - m[i-2]| m[i]) / (|m[i+1] - m[i]| + |m[i-1] - m[i-2]|)`, and the mean of
/// `m[i-2]` and `m[i+1]` where both weights vanish.
///
/// # Examples
/// ```
/// let curve = eir_signal::interpolate::akima(&[0.0, 1.0, 2.0, 3.0, 4.0], &[0.0, 0.0, 0.0, 1.0, 1.0])?;
/// assert!(curve.value(0.5).abs() < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// Fewer than 2 points (of 2 it is a line), lengths that differ, a value that is missing, or `x` not rising.
///
/// # Validation
/// Equal to SciPy 1.17.1 `Akima1DInterpolator` within 1e-9 on the golden set and on 500 random sets of points.
///
/// # References
/// Akima 1970, doi:10.1145/321607.321609.
pub fn akima(x: &[f64], y: &[f64]) -> Result<Interpolant> {
    curve(x, y, 0.0)
}

/// As [`akima`], with weights that also count how steep the chords are (`|m[i+1] + m[i]|/2` is added to each): calmer
/// where the curve is flat on one side.
///
/// # Errors
/// As [`akima`].
///
/// # Validation
/// Equal to SciPy 1.17.1 `Akima1DInterpolator(method="makima")` within 1e-9 on 500 random sets of points.
pub fn modified_akima(x: &[f64], y: &[f64]) -> Result<Interpolant> {
    curve(x, y, 0.5)
}

fn curve(x: &[f64], y: &[f64], steepness: f64) -> Result<Interpolant> {
    check(x, y, 2)?;
    let n = x.len();
    if n == 2 {
        return Ok(Interpolant::linear(x, y));
    }
    let mut m = vec![0.0; n + 3];
    for (i, (x, y)) in x.windows(2).zip(y.windows(2)).enumerate() {
        m[i + 2] = (y[1] - y[0]) / (x[1] - x[0]);
    }
    m[1] = 2.0 * m[2] - m[3];
    m[0] = 2.0 * m[1] - m[2];
    m[n + 1] = 2.0 * m[n] - m[n - 1];
    m[n + 2] = 2.0 * m[n + 1] - m[n];
    let weights: Vec<f64> = m.windows(2).map(|m| (m[1] - m[0]).abs() + steepness * (m[1] + m[0]).abs()).collect();
    let sum = |i: usize| weights[i] + weights[i + 2];
    let largest = (0..n).map(sum).fold(0.0, f64::max);
    let slopes: Vec<f64> = (0..n)
        .map(|i| {
            // below this share of the largest, rounding would decide: SciPy's limit
            if sum(i) > 1e-9 * largest {
                m[i + 1] + weights[i] / sum(i) * (m[i + 2] - m[i + 1])
            } else {
                0.5 * (m[i + 3] + m[i])
            }
        })
        .collect();
    Ok(Interpolant::hermite(x, y, &slopes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_few_points() {
        for make in [akima, modified_akima] {
            let line = make(&[0.0, 1.0, 4.0, 5.0], &[1.0, 3.0, 9.0, 11.0]).unwrap();
            assert!([0.5, 2.0, 4.5].iter().all(|x| (line.value(*x) - 2.0 * x - 1.0).abs() < 1e-12));
            assert_eq!(make(&[0.0, 2.0], &[0.0, 4.0]).unwrap().value(1.0), 2.0);
            assert!(make(&[0.0, 1.0, 2.0], &[0.0, 1.0, 0.0]).unwrap().value(0.5).is_finite());
            assert!(make(&[0.0], &[1.0]).is_err());
        }
    }
}
