//! Joints from scores along x and along y.

use super::dark::gaussian;
use super::heat_map::Peak;
use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter};

/// Each joint at the largest bin of either axis, in bins; the score is the smaller of both maxima.
///
/// **Use it** on the output of RTMPose. Where the score is not above 0 the joint is at (−1, −1). Bins become pixels by
/// dividing by the split ratio (2 for RTMPose).
///
/// # Examples
/// ```
/// use eir_vision::decode::simcc;
/// let joints = simcc(&[0.1, 0.9, 0.2], &[0.3, 0.2, 0.1, 0.7], 1)?;
/// assert_eq!((joints[0].xy, joints[0].score as f32), ([1.0, 3.0], 0.7));
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) if an axis is not made of whole joints,
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// # Validation
/// Equals `get_simcc_maximum` of mmpose (`cargo xtask golden vision`).
///
/// # References
/// Li et al. 2022, doi:10.1007/978-3-031-20068-7_6.
pub fn simcc(x: &[f32], y: &[f32], joints: usize) -> Result<Vec<Peak>> {
    let (wide, high) = (bins("bins along x", x, joints)?, bins("bins along y", y, joints)?);
    let largest = |axis: &[f32]| {
        let first = axis.first().copied().unwrap_or(0.0);
        axis.iter().enumerate().fold((0, first), |b, (i, v)| if *v > b.1 { (i, *v) } else { b })
    };
    let found = x.chunks_exact(wide).zip(y.chunks_exact(high)).map(|(x, y)| {
        let ((column, a), (row, b)) = (largest(x), largest(y));
        let score = f64::from(a.min(b));
        Peak { xy: if score > 0.0 { [column as f64, row as f64] } else { [-1.0; 2] }, score }
    });
    Ok(found.collect())
}

fn bins(what: &'static str, axis: &[f32], joints: usize) -> Result<usize> {
    if joints == 0 || axis.is_empty() || !axis.len().is_multiple_of(joints) {
        return Err(Mismatch::new(what, format!("the same number for each of {joints} joints"), axis.len()).into());
    }
    NotFinite::check_f32("score", axis)?;
    Ok(axis.len() / joints)
}

/// As [`simcc`], each joint moved to the top of the parabola through the logarithms about it, axis by axis.
///
/// `sigma` is the width of the training's Gaussians in bins, along x and along y (4.9 and 5.66 for 192 × 256).
///
/// # Formula
/// Axis blurred by a Gaussian of `k = ⌊(20 σ − 7) / 3⌋` bins (one fewer when even), rescaled to its old maximum, cut to
/// 1e-3 … 50, logarithm, edge replicated by two; `x −= d₁ / d₂`, `d₁ = (h[+1] − h[−1])/2`,
/// `d₂ = 1e-9 + (h[+2] − 2h + h[−2])/4`.
///
/// # Errors
/// As [`simcc`]; [`Error::Parameter`](crate::Error::Parameter) if a sigma is not within 0.5 to 15.
///
/// # Validation
/// Within 1e-3 bins of `refine_simcc_dark` of mmpose (`cargo xtask golden vision`).
pub fn simcc_dark(x: &[f32], y: &[f32], joints: usize, sigma: [f64; 2]) -> Result<Vec<Peak>> {
    let mut found = simcc(x, y, joints)?;
    for (axis, (scores, sigma)) in [x, y].into_iter().zip(sigma).enumerate() {
        if !(0.5..=15.0).contains(&sigma) {
            return Err(Parameter::new("sigma", sigma, "0.5 to 15").into());
        }
        let kernel = ((sigma * 20.0 - 7.0) / 3.0).floor() as usize;
        let weights = gaussian(if kernel.is_multiple_of(2) { kernel.saturating_sub(1).max(1) } else { kernel })?;
        for (peak, scores) in found.iter_mut().zip(scores.chunks_exact(scores.len() / joints)) {
            if let Some(at) = peak.xy.get_mut(axis).filter(|at| **at >= 0.0) {
                *at -= shift(scores, (*at + 0.5) as usize, &weights);
            }
        }
    }
    Ok(found)
}

/// How far the top of the parabola lies before bin `at`.
fn shift(scores: &[f32], at: usize, weights: &[f64]) -> f64 {
    let (n, half) = (scores.len(), weights.len() / 2);
    let blurred = |i: usize| -> f64 {
        let terms = weights
            .iter()
            .enumerate()
            .filter_map(|(k, w)| (i + k).checked_sub(half).and_then(|j| scores.get(j)).map(|s| w * f64::from(*s)));
        terms.sum()
    };
    let largest = scores.iter().fold(f64::NEG_INFINITY, |m, v| m.max(f64::from(*v)));
    let smooth = (0..n).map(blurred).fold(f64::NEG_INFINITY, f64::max);
    let scale = if smooth == 0.0 { 1.0 } else { largest / smooth };
    let h = |d: isize| (blurred(at.saturating_add_signed(d).min(n - 1)) * scale).clamp(1e-3, 50.0).ln();
    let (first, second) = ((h(1) - h(-1)) / 2.0, 1e-9 + (h(2) - 2.0 * h(0) + h(-2)) / 4.0);
    let shift = first / second;
    if shift.is_finite() { shift } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_of_a_gaussian_is_found() {
        let axis = |centre: f64, n: usize, sigma: f64| -> Vec<f32> {
            (0..n).map(|i| (-(i as f64 - centre).powi(2) / (2.0 * sigma * sigma)).exp() as f32).collect()
        };
        let (x, y) = (axis(100.3, 384, 4.9), axis(200.6, 512, 5.66));
        let joints = simcc_dark(&x, &y, 1, [4.9, 5.66]).unwrap();
        assert!((joints[0].xy[0] - 100.3).abs() < 0.02 && (joints[0].xy[1] - 200.6).abs() < 0.02);
        assert!(simcc(&x, &y, 5).is_err() && simcc(&[], &[], 0).is_err());
        assert!(simcc_dark(&x, &y, 1, [f64::NAN, 1.0]).is_err());
    }
}
