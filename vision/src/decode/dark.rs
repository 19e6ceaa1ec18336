//! Distribution-aware refinement of heat-map peaks.

use super::heat_map::{HeatMaps, Peak, cell};
use crate::Result;
use eir_core::error::Parameter;

/// Each peak moved to the top of the parabola through the logarithms about it (DARK).
///
/// **Use it** for networks trained on Gaussian heat maps around whole cells. **Not** for UDP heat maps: see [`dark_udp`].
///
/// # Formula
/// Map blurred by a Gaussian of odd `kernel` (11 for sigma 2), σ = 0.3 ((k − 1)/2 − 1) + 0.8, zero outside, rescaled to
/// its old maximum; `h = ln max(·, 1e-10)`; offset `−H⁻¹ g` with `g_x = (h[x+1] − h[x−1])/2`,
/// `h_xx = (h[x+2] − 2h + h[x−2])/4`, `h_xy` from the four diagonal neighbours over 4; only where the peak is more than one
/// cell from the border and `det H ≠ 0`.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if the kernel is even or above 99.
///
/// # Validation
/// Within 1e-3 cells of `refine_keypoints_dark` of mmpose (`cargo xtask golden vision`).
///
/// # References
/// Zhang et al. 2020, doi:10.1109/CVPR42600.2020.00712.
pub fn dark(maps: &HeatMaps<'_>, peaks: &[Peak], kernel: usize) -> Result<Vec<Peak>> {
    let weights = gaussian(kernel)?;
    let (w, h) = (maps.width(), maps.height());
    let refined = peaks.iter().zip(maps.maps()).map(|(peak, map)| {
        let Some((x, y)) = cell(peak, w, h) else { return *peak };
        if !(x > 1 && x + 2 < w && y > 1 && y + 2 < h) {
            return *peak;
        }
        let smooth = Blurred::new(map, w, h, &weights);
        let at = |dx: isize, dy: isize| {
            let (x, y) = (x.saturating_add_signed(dx), y.saturating_add_signed(dy));
            smooth.at(x, y).max(1e-10).ln()
        };
        let here = at(0, 0);
        let g = [(at(1, 0) - at(-1, 0)) / 2.0, (at(0, 1) - at(0, -1)) / 2.0];
        let xx = (at(2, 0) - 2.0 * here + at(-2, 0)) / 4.0;
        let yy = (at(0, 2) - 2.0 * here + at(0, -2)) / 4.0;
        let xy = (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1)) / 4.0;
        moved(peak, g, [xx, xy, yy])
    });
    Ok(refined.collect())
}

/// As [`dark`], for heat maps made without bias (UDP).
///
/// # Formula
/// Blurred as there and cut to 1e-3 … 50, then `h = ln`, the edge replicated by one cell;
/// `h_xx = h[x+1] − 2h + h[x−1]`, `h_xy = (h[1,1] − h[1,0] − h[0,1] + 2h − h[−1,0] − h[0,−1] + h[−1,−1])/2`; 1.19e-7 is added
/// to the diagonal of `H`.
///
/// # Errors
/// As [`dark`].
///
/// # Validation
/// Within 1e-3 cells of `refine_keypoints_dark_udp` of mmpose (`cargo xtask golden vision`).
///
/// # References
/// Huang et al. 2020, doi:10.1109/CVPR42600.2020.00574.
pub fn dark_udp(maps: &HeatMaps<'_>, peaks: &[Peak], kernel: usize) -> Result<Vec<Peak>> {
    let weights = gaussian(kernel)?;
    let (w, h) = (maps.width(), maps.height());
    let refined = peaks.iter().zip(maps.maps()).map(|(peak, map)| {
        let Some((x, y)) = cell(peak, w, h) else { return *peak };
        let smooth = Blurred::new(map, w, h, &weights);
        let at = |dx: isize, dy: isize| {
            let (x, y) = (x.saturating_add_signed(dx).min(w - 1), y.saturating_add_signed(dy).min(h - 1));
            smooth.at(x, y).clamp(1e-3, 50.0).ln()
        };
        let here = at(0, 0);
        let g = [(at(1, 0) - at(-1, 0)) / 2.0, (at(0, 1) - at(0, -1)) / 2.0];
        let epsilon = f64::from(f32::EPSILON);
        let xx = at(1, 0) - 2.0 * here + at(-1, 0) + epsilon;
        let yy = at(0, 1) - 2.0 * here + at(0, -1) + epsilon;
        let xy = (at(1, 1) - at(1, 0) - at(0, 1) + 2.0 * here - at(-1, 0) - at(0, -1) + at(-1, -1)) / 2.0;
        moved(peak, g, [xx, xy, yy])
    });
    Ok(refined.collect())
}

/// The peak minus H⁻¹ g, if there is such a place.
fn moved(peak: &Peak, g: [f64; 2], [xx, xy, yy]: [f64; 3]) -> Peak {
    let det = xx * yy - xy * xy;
    if det == 0.0 {
        return *peak;
    }
    let offset = [(yy * g[0] - xy * g[1]) / det, (xx * g[1] - xy * g[0]) / det];
    if offset.iter().any(|v| !v.is_finite()) {
        return *peak;
    }
    Peak { xy: [peak.xy[0] - offset[0], peak.xy[1] - offset[1]], ..*peak }
}

/// The weights of a Gaussian kernel as OpenCV makes them for a size.
pub(super) fn gaussian(kernel: usize) -> Result<Vec<f64>> {
    if kernel.is_multiple_of(2) || kernel > 99 {
        return Err(Parameter::new("kernel", kernel as f64, "odd, 1 to 99").into());
    }
    let half = (kernel / 2) as f64;
    let sigma = 0.3 * (half - 1.0) + 0.8;
    let weights: Vec<f64> = (0..kernel).map(|i| (-(i as f64 - half).powi(2) / (2.0 * sigma * sigma)).exp()).collect();
    let total: f64 = weights.iter().sum();
    Ok(weights.into_iter().map(|w| w / total).collect())
}

/// A blurred map, rescaled to its old maximum.
struct Blurred {
    values: Vec<f64>,
    width: usize,
}

impl Blurred {
    fn new(map: &[f32], width: usize, height: usize, weights: &[f64]) -> Self {
        let half = weights.len() / 2;
        let along = |values: &[f64], len: usize, step: usize, start: usize, to: &mut [f64]| {
            for i in 0..len {
                let first = half.saturating_sub(i);
                let sum = weights.iter().enumerate().skip(first).take_while(|(k, _)| i + k - half < len);
                to[start + i * step] = sum.map(|(k, w)| w * values[start + (i + k - half) * step]).sum();
            }
        };
        let source: Vec<f64> = map.iter().map(|v| f64::from(*v)).collect();
        let (mut rows, mut both) = (vec![0.0; source.len()], vec![0.0; source.len()]);
        (0..height).for_each(|y| along(&source, width, 1, y * width, &mut rows));
        (0..width).for_each(|x| along(&rows, height, width, x, &mut both));
        let largest = |v: &[f64]| v.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
        let scale = largest(&source) / largest(&both);
        if scale.is_finite() {
            both.iter_mut().for_each(|v| *v *= scale);
        }
        Self { values: both, width }
    }

    fn at(&self, x: usize, y: usize) -> f64 {
        self.values.get(y * self.width + x).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::peaks;
    use super::*;

    #[test]
    fn the_centre_of_a_gaussian_is_found() {
        let (cx, cy) = (20.3, 14.7);
        let value = |i: usize| {
            let (x, y) = ((i % 48) as f64, (i / 48) as f64);
            (-((x - cx).powi(2) + (y - cy).powi(2)) / 8.0).exp() as f32
        };
        let values: Vec<f32> = (0..48 * 32).map(value).collect();
        let maps = HeatMaps::new(&values, 48, 32).unwrap();
        let found = peaks(&maps);
        for refined in [dark(&maps, &found, 11).unwrap(), dark_udp(&maps, &found, 11).unwrap()] {
            let [x, y] = refined[0].xy;
            assert!((x - cx).abs() < 0.02 && (y - cy).abs() < 0.02, "{x} {y}");
        }
        assert!(dark(&maps, &found, 4).is_err());
    }

    #[test]
    fn flat_and_tiny_maps_do_no_harm() {
        for (w, h) in [(1, 1), (3, 1), (4, 4)] {
            let values = vec![1.0; w * h];
            let maps = HeatMaps::new(&values, w, h).unwrap();
            let found = peaks(&maps);
            for refined in [dark(&maps, &found, 11).unwrap(), dark_udp(&maps, &found, 11).unwrap()] {
                assert!(refined[0].xy.iter().all(|v| v.is_finite()));
            }
        }
    }
}
