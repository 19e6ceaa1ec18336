//! What the measures of a squat mean: their definitions, computed from points in space.

use super::sequence::BODY_POINTS;
use crate::Result;
use crate::kinematics::included_angle_deg;
use eir_core::error::{Mismatch, NotFinite, TooShort};
use serde::{Deserialize, Serialize};

/// Points of a body in metres: x to where the subject looks, y up, z to the subject's right.
pub type SpacePoints = [[f64; 3]; BODY_POINTS];

/// The six graded measures of a squat. [`squat_measures`] defines them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SquatMeasures {
    /// How far the knees moved inwards, in cm; positive is valgus (knees to the middle), negative varus.
    pub valgus_cm: f64,
    /// The deepest flexion of the knees in degrees; 0 is straight.
    pub depth_deg: f64,
    /// How much less the left knee bends than the right one, in percent of the larger range; negative: the right one less.
    pub asymmetry_percent: f64,
    /// How long the squat lasts, in seconds.
    pub tempo_s: f64,
    /// How far the trunk leans from upright, in degrees.
    pub trunk_lean_deg: f64,
    /// How far the heels rose, in cm.
    pub heel_rise_cm: f64,
}

impl SquatMeasures {
    /// Names of the six in their order.
    pub const NAMES: [&str; 6] =
        ["valgus_cm", "depth_deg", "asymmetry_percent", "tempo_s", "trunk_lean_deg", "heel_rise_cm"];

    /// The six in their order.
    #[must_use]
    pub fn to_array(self) -> [f64; 6] {
        let Self { valgus_cm, depth_deg, asymmetry_percent, tempo_s, trunk_lean_deg, heel_rise_cm } = self;
        [valgus_cm, depth_deg, asymmetry_percent, tempo_s, trunk_lean_deg, heel_rise_cm]
    }

    pub(super) fn from_array(of: [f64; 6]) -> Self {
        let [valgus_cm, depth_deg, asymmetry_percent, tempo_s, trunk_lean_deg, heel_rise_cm] = of;
        Self { valgus_cm, depth_deg, asymmetry_percent, tempo_s, trunk_lean_deg, heel_rise_cm }
    }
}

/// The measures of one squat whose points in space are known: how truth is measured wherever the network is trained or
/// judged, and a measurement of its own where points come from several cameras.
///
/// `rest` is how the subject stood before, `times_s` and `points` hold the whole repetition.
///
/// # Formula
/// Flexion of a knee is 180° minus the angle hip, knee, ankle in space; θ is the mean of both knees, the *bottom* the
/// moment of the largest θ.
///
/// | measure | definition |
/// |---|---|
/// | depth | θ at the bottom |
/// | valgus | at the bottom, mean over both legs of how far the knee lies towards the middle (along z) of the line from ankle to hip, taken at the shank's share of the leg: `z_ankle + (z_hip − z_ankle) · shank / (shank + thigh)` |
/// | asymmetry | `100 (R − L) / max(R, L)`, each the largest flexion of that knee less its flexion at rest; 100 minus the limb symmetry index, with a sign |
/// | tempo | from the first to the last moment in which θ is above rest by a tenth of its range |
/// | trunk lean | at the bottom, angle between vertical and the line from the middle of the hips to that of the shoulders |
/// | heel rise | at the bottom, mean height of both heels above where they were at rest |
///
/// # Errors
/// [`Error::TooShort`](crate::Error::TooShort) with fewer than 3 pictures, [`Error::Mismatch`](crate::Error::Mismatch),
/// [`Error::NotFinite`](crate::Error::NotFinite), and as [`included_angle_deg`].
pub fn squat_measures(rest: &SpacePoints, times_s: &[f64], points: &[SpacePoints]) -> Result<SquatMeasures> {
    Mismatch::check("times", points.len(), times_s.len())?;
    if points.len() < 3 {
        return Err(TooShort::new("pictures of the repetition", points.len(), 3).into());
    }
    NotFinite::check_f64("time", times_s)?;
    let at_rest = flexion(rest)?;
    let each = points.iter().map(flexion).collect::<Result<Vec<_>>>()?;
    let theta: Vec<f64> = each.iter().map(|[l, r]| 0.5 * (l + r)).collect();
    let bottom = (0..theta.len()).fold(0, |best, i| if theta[i] > theta[best] { i } else { best });
    let range = [0, 1].map(|side| each.iter().map(|f| f[side]).fold(f64::MIN, f64::max) - at_rest[side]);
    let rested = 0.5 * (at_rest[0] + at_rest[1]);
    let edge = rested + 0.1 * (theta[bottom] - rested);
    // where the straight line between two pictures crosses the edge
    let cross = |a: usize, b: usize| {
        let rise = theta[b] - theta[a];
        times_s[a] + if rise == 0.0 { 0.0 } else { (edge - theta[a]) / rise * (times_s[b] - times_s[a]) }
    };
    let first = (0..=bottom).find(|i| theta[*i] > edge).unwrap_or(bottom);
    let last = (bottom..theta.len()).rev().find(|i| theta[*i] > edge).unwrap_or(bottom);
    let begin = if first == 0 { times_s[0] } else { cross(first - 1, first) };
    let end = if last + 1 == theta.len() { times_s[last] } else { cross(last, last + 1) };
    let p = &points[bottom];
    let length = |a: usize, b: usize| (0..3).map(|c| (p[a][c] - p[b][c]).powi(2)).sum::<f64>().sqrt();
    let medial = |side: usize| {
        let (shank, thigh) = (length(6 + side, 4 + side), length(4 + side, 2 + side));
        let line = p[6 + side][2] + (p[2 + side][2] - p[6 + side][2]) * shank / (shank + thigh);
        let inwards = if side == 0 { 1.0 } else { -1.0 };
        inwards * (p[4 + side][2] - line)
    };
    let trunk: [f64; 3] = [0, 1, 2].map(|c| p[0][c] + p[1][c] - p[2][c] - p[3][c]);
    let rise = |side: usize| p[8 + side][1] - rest[8 + side][1];
    let most = range[0].max(range[1]);
    Ok(SquatMeasures {
        valgus_cm: 50.0 * (medial(0) + medial(1)),
        depth_deg: theta[bottom],
        asymmetry_percent: if most > 0.0 { 100.0 * (range[1] - range[0]) / most } else { 0.0 },
        tempo_s: end - begin,
        trunk_lean_deg: trunk[0].hypot(trunk[2]).atan2(trunk[1]).to_degrees(),
        heel_rise_cm: 50.0 * (rise(0) + rise(1)),
    })
}

/// Flexion of the left and of the right knee.
fn flexion(p: &SpacePoints) -> Result<[f64; 2]> {
    let of = |side: usize| Ok::<_, crate::Error>(180.0 - included_angle_deg(&p[2 + side], &p[4 + side], &p[6 + side])?);
    Ok([of(0)?, of(1)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Legs of 40 cm each, shank and thigh bent by half the flexion each, the left one by `share` of the right one's.
    fn squat(bend: f64, share: f64, valgus: f64, rise: f64, lean: f64) -> SpacePoints {
        let mut p = [[0.0; 3]; BODY_POINTS];
        for (side, z, bend) in [(0, -0.1, bend * share), (1, 0.1, bend)] {
            let half = bend.to_radians() / 2.0;
            let inwards = if side == 0 { valgus } else { -valgus };
            p[6 + side] = [0.0, 0.08 + rise, z];
            p[4 + side] = [0.4 * half.sin(), 0.08 + rise + 0.4 * half.cos(), z + inwards];
            p[2 + side] = [0.0, 0.08 + rise + 0.8 * half.cos(), z];
            let lean = lean.to_radians();
            p[side] = [0.5 * lean.sin(), p[2 + side][1] + 0.5 * lean.cos(), 1.5 * z];
            p[8 + side] = [-0.06, rise, z];
            p[10 + side] = [0.18, 0.0, z];
        }
        p
    }

    #[test]
    fn each_measure_is_what_was_built() {
        let rest = squat(4.0, 1.0, 0.0, 0.0, 0.0);
        let times: Vec<f64> = (0..201).map(|i| f64::from(i) / 50.0).collect();
        // a triangle of 4 s: a tenth is passed after 0.2 s
        let film: Vec<SpacePoints> = times
            .iter()
            .map(|t| 1.0 - (t / 2.0 - 1.0).abs())
            .map(|s| squat(4.0 + 86.0 * s, 1.0, 0.0, 0.03 * s, 40.0 * s))
            .collect();
        let m = squat_measures(&rest, &times, &film).unwrap();
        assert!((m.depth_deg - 90.0).abs() < 1e-9 && m.valgus_cm.abs() < 1e-9 && m.asymmetry_percent.abs() < 1e-9);
        assert!((m.tempo_s - 3.6).abs() < 1e-6, "{}", m.tempo_s);
        assert!((m.trunk_lean_deg - 40.0).abs() < 1e-9 && (m.heel_rise_cm - 3.0).abs() < 1e-9, "{m:?}");
        let mut film = film;
        film[100] = squat(90.0, 1.0, 0.05, 0.0, 0.0);
        assert!((squat_measures(&rest, &times, &film).unwrap().valgus_cm - 5.0).abs() < 1e-9);
        let film: Vec<SpacePoints> = times.iter().map(|t| squat(4.0 + 40.0 * t.min(2.0), 0.5, 0.0, 0.0, 0.0)).collect();
        let m = squat_measures(&squat(0.0, 1.0, 0.0, 0.0, 0.0), &times, &film).unwrap();
        assert!((m.asymmetry_percent - 50.0).abs() < 1e-6, "{m:?}");
        assert!(squat_measures(&rest, &times[..2], &film[..2]).is_err());
        assert!(squat_measures(&[[f64::NAN; 3]; BODY_POINTS], &times, &film).is_err());
    }
}
