//! From where a leg is seen: the yaw of its plane of movement against the picture.

use serde::{Deserialize, Serialize};

/// From where an exercise is filmed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Exactly from the side.
    Side,
    /// The plane of movement is turned by so many degrees against the picture.
    Yaw(f64),
    /// Found from the leg itself: thigh and shank keep their lengths. The default.
    #[default]
    Estimated,
}

/// The view as it was given or found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ViewEstimate {
    /// Angle between the plane of movement and the picture, 0 or more.
    pub yaw_deg: f64,
    /// Factor by which distances across the picture are too short, 1 from the side.
    pub foreshortening: f64,
    /// Standard error of [`foreshortening`](Self::foreshortening); 0 where the view was given, NaN where the movement is
    /// too small to tell.
    pub foreshortening_sigma: f64,
}

impl ViewEstimate {
    /// The view that was given.
    pub(crate) fn given(yaw_deg: f64) -> Self {
        Self { yaw_deg: yaw_deg.abs(), foreshortening: yaw_deg.to_radians().cos(), foreshortening_sigma: 0.0 }
    }

    /// Whether the movement was large enough to tell the view, or it was given.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.foreshortening_sigma <= 0.1
    }
}

/// Sums of a regression of the squared height of a segment on its squared width.
///
/// A segment of length `L` that turns in a plane seen under the yaw `ψ` has `y² = L² − x² / cos² ψ`: the slope tells the
/// view, whatever the length.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    fn add(&mut self, [x, y]: [f64; 2]) {
        let (x, y) = (x * x, y * y);
        self.n += 1.0;
        let (dx, dy) = (x - self.x, y - self.y);
        self.x += dx / self.n;
        self.y += dy / self.n;
        self.xx += dx * (x - self.x);
        self.xy += dx * (y - self.y);
        self.yy += dy * (y - self.y);
    }
}

/// The view of a leg whose thigh and shank point to `[dx, dy]` in each picture; `sigma` is the standard error of one
/// coordinate of such a pair, and `pictures` how many of them rest on the same observations.
pub(crate) fn estimate(segments: [impl Iterator<Item = [f64; 2]>; 2], sigma: f64, pictures: f64) -> ViewEstimate {
    let mut all = [Sums::default(); 2];
    for (sums, segment) in all.iter_mut().zip(segments) {
        segment.filter(|p| p.iter().all(|v| v.is_finite())).for_each(|p| sums.add(p));
    }
    let total = |f: fn(&Sums) -> f64| all.iter().map(f).sum::<f64>();
    let (n, xx, xy, yy) = (total(|s| s.n), total(|s| s.xx), total(|s| s.xy), total(|s| s.yy));
    // what the jitter of x adds to its variance
    let noise = all.iter().map(|s| s.n * (4.0 * s.x * sigma * sigma + 2.0 * sigma.powi(4))).sum::<f64>();
    let unknown = ViewEstimate { yaw_deg: 0.0, foreshortening: 1.0, foreshortening_sigma: f64::NAN };
    let true_xx = xx - noise;
    if n < 8.0 || true_xx <= 0.2 * xx || !xx.is_finite() {
        return unknown;
    }
    // 1 / cos², never below 1
    let slope = -xy / true_xx;
    let residual = (yy + 2.0 * slope * xy + slope * slope * xx).max(0.0) / (n - 4.0).max(1.0);
    let slope_sigma = (residual / true_xx * pictures.max(1.0)).sqrt();
    if !(slope.is_finite() && slope_sigma < 0.3) {
        return unknown;
    }
    let certain = slope - 1.0 > 2.0 * slope_sigma.max(1e-6);
    let slope = if certain { slope } else { 1.0 };
    let foreshortening = slope.powf(-0.5);
    let foreshortening_sigma = 0.5 * slope.powf(-1.5) * slope_sigma;
    ViewEstimate { yaw_deg: foreshortening.clamp(-1.0, 1.0).acos().to_degrees(), foreshortening, foreshortening_sigma }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(yaw_deg: f64) -> [Vec<[f64; 2]>; 2] {
        let cos = yaw_deg.to_radians().cos();
        let turn =
            |sign: f64| (0..90).map(move |i| sign * 0.8 * f64::from(i) / 90.0).map(move |a| [a.sin() * cos, a.cos()]);
        [turn(1.0).map(|p| p.map(|v| 147.0 * v)).collect(), turn(-1.0).map(|p| p.map(|v| 140.0 * v)).collect()]
    }

    #[test]
    fn the_yaw_is_found() {
        for yaw in [0.0, 10.0, 30.0, 40.0] {
            let found = estimate(leg(yaw).map(Vec::into_iter), 0.0, 1.0);
            assert!((found.yaw_deg - yaw).abs() < 0.1 && found.is_known(), "{yaw} {found:?}");
        }
    }

    #[test]
    fn a_leg_that_stands_tells_nothing() {
        let still = || std::iter::repeat_n([3.0, 140.0], 60);
        assert!(!estimate([still(), still()], 0.0, 1.0).is_known());
        let nothing = || std::iter::repeat_n([f64::NAN; 2], 60);
        assert!(!estimate([nothing(), nothing()], 1.0, 1.0).is_known());
    }
}
