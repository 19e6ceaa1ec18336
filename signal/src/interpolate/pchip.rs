//! Shape-keeping cubic interpolation.

use super::Interpolant;
use super::piecewise::check;
use crate::Result;

/// The piecewise cubic Hermite polynomial of Fritsch and Carlson through the points `(x, y)`, `x` rising.
///
/// **Use it** where the curve must not overshoot: between two points it stays between them. **Not** where curvature
/// matters: its second derivative jumps; a [`cubic_spline`](super::cubic_spline) is smoother.
///
/// # Formula
/// The slope at a point is 0 if the chords `m` on both sides differ in sign, else
/// `(w1 + w2)/(w1/m[i-1] + w2/m[i])`, `w1 = 2h[i] + h[i-1]`, `w2 = h[i] + 2h[i-1]`; at the ends that of the parabola
/// through three points, cut so that the shape is kept.
///
/// # Examples
/// ```
/// let curve = eir_signal::interpolate::pchip(&[0.0, 1.0, 2.0, 3.0], &[0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!((curve.value(0.5), curve.value(1.5), curve.value(2.5)), (0.0, 0.5, 1.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// Fewer than 2 points (of 2 it is a line), lengths that differ, a value that is missing, or `x` not rising.
///
/// # Validation
/// Equal to SciPy 1.17.1 `PchipInterpolator` within 1e-9 on the golden set and on 500 random sets of points.
///
/// # References
/// Fritsch, Butland 1984, doi:10.1137/0905021.
pub fn pchip(x: &[f64], y: &[f64]) -> Result<Interpolant> {
    check(x, y, 2)?;
    let steps: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let chords: Vec<f64> = y.windows(2).zip(&steps).map(|(y, h)| (y[1] - y[0]) / h).collect();
    let (&[h0, h1, ..], &[m0, m1, ..]) = (steps.as_slice(), chords.as_slice()) else {
        return Ok(Interpolant::linear(x, y));
    };
    let mut slopes = vec![end(h0, h1, m0, m1)];
    slopes.extend(steps.windows(2).zip(chords.windows(2)).map(|(h, m)| {
        if m[0] == 0.0 || m[1] == 0.0 || (m[0] > 0.0) != (m[1] > 0.0) {
            return 0.0;
        }
        let (w1, w2) = (2.0 * h[1] + h[0], h[1] + 2.0 * h[0]);
        (w1 + w2) / (w1 / m[0] + w2 / m[1])
    }));
    let n = steps.len();
    slopes.push(end(steps[n - 1], steps[n - 2], chords[n - 1], chords[n - 2]));
    Ok(Interpolant::hermite(x, y, &slopes))
}

/// The slope at an end: that of a parabola, unless it would change the shape.
fn end(h0: f64, h1: f64, m0: f64, m1: f64) -> f64 {
    let slope = ((2.0 * h0 + h1) * m0 - h0 * m1) / (h0 + h1);
    let sign = |v: f64| if v == 0.0 { 0.0 } else { v.signum() };
    if sign(slope) != sign(m0) {
        0.0
    } else if sign(m0) != sign(m1) && slope.abs() > 3.0 * m0.abs() {
        3.0 * m0
    } else {
        slope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotone_points_give_a_monotone_curve() {
        let x: Vec<f64> = (0..20).map(|i| f64::from(i) + 0.3 * f64::from(i % 3)).collect();
        let y: Vec<f64> = x.iter().map(|v| (v * 0.9).floor()).collect();
        let curve = pchip(&x, &y).unwrap().sampled(0.0, 0.01, 1900);
        assert!(curve.windows(2).all(|w| w[1] >= w[0] - 1e-12));
    }

    #[test]
    fn few_points() {
        assert_eq!(pchip(&[0.0, 2.0], &[0.0, 4.0]).unwrap().value(1.0), 2.0);
        assert!((pchip(&[0.0, 1.0, 2.0], &[0.0, 1.0, 2.0]).unwrap().value(0.3) - 0.3).abs() < 1e-15);
        assert!(pchip(&[0.0], &[1.0]).is_err());
    }
}
