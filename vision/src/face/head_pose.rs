//! Which way a face looks, from the points of its mesh.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// Pairs of points (the subject's right, left) whose lines run across the face: outer and inner corners of the eyes, edges
/// of the cheeks.
const ACROSS: [[usize; 2]; 3] = [[33, 263], [133, 362], [234, 454]];
/// Top of the forehead and chin.
const DOWN: [usize; 2] = [10, 152];

/// Which way a face looks, in degrees.
///
/// **Use it** to withhold what turned faces cannot show, and for the movement of the head within a recording. **Not** as an
/// angle to be compared between persons or cameras: the depth of the mesh is a network's guess, without the camera's
/// perspective.
///
/// # Formula
/// x = direction of the lines from the subject's right to the left across the eyes and cheeks, y = from forehead to chin
/// made orthogonal to it, z = x × y. Yaw atan2(−z₁, z₃), pitch asin(z₂), roll atan2(x₂, x₁).
///
/// # Examples
/// ```
/// use eir_vision::face::HeadPose;
/// // a flat face that looks into the camera, turned by 30° to the subject's left
/// let mut mesh = vec![[0.0; 3]; 478];
/// let turn = |x: f64| [x * 30f64.to_radians().cos(), 0.0, x * 30f64.to_radians().sin()];
/// for (right, left) in [(33, 263), (133, 362), (234, 454)] {
///     (mesh[right], mesh[left]) = (turn(-40.0), turn(40.0));
/// }
/// (mesh[10], mesh[152]) = ([0.0, -80.0, 0.0], [0.0, 80.0, 0.0]);
/// let pose = HeadPose::of(&mesh)?;
/// assert!((pose.yaw_deg.abs() - 30.0).abs() < 1e-9 && pose.pitch_deg.abs() < 1e-9 && pose.roll_deg.abs() < 1e-9);
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeadPose {
    /// Turned towards the subject's left (right in the picture): positive.
    pub yaw_deg: f64,
    /// Raised: positive.
    pub pitch_deg: f64,
    /// Tilted towards the subject's left shoulder: positive.
    pub roll_deg: f64,
}

impl HeadPose {
    /// Of yaw, pitch and roll in degrees.
    #[must_use]
    pub fn new(yaw_deg: f64, pitch_deg: f64, roll_deg: f64) -> Self {
        Self { yaw_deg, pitch_deg, roll_deg }
    }

    /// Of the 478 (or 468) points of a mesh.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another number of points,
    /// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Parameter`](crate::Error::Parameter) if the points have no
    /// extent.
    pub fn of(mesh: &[[f64; 3]]) -> Result<Self> {
        if mesh.len() != 478 && mesh.len() != 468 {
            return Err(Mismatch::new("points of the mesh", "478 or 468", mesh.len()).into());
        }
        NotFinite::check_f64("point", mesh.as_flattened())?;
        let at = |i: usize| mesh.get(i).copied().unwrap_or_default();
        let from = |[a, b]: [usize; 2]| -> [f64; 3] { std::array::from_fn(|k| at(b)[k] - at(a)[k]) };
        let across = ACROSS.map(from).into_iter().fold([0.0; 3], |s, v| std::array::from_fn(|k| s[k] + v[k]));
        let none = || Parameter::new("extent of the face", 0.0, "above 0: its points coincide");
        let x = unit(across).ok_or_else(none)?;
        let down = from(DOWN);
        let along = dot(&down, &x);
        let y = unit(std::array::from_fn(|k| down[k] - along * x[k])).ok_or_else(none)?;
        let z = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
        Ok(Self {
            yaw_deg: (-z[0]).atan2(z[2]).to_degrees(),
            pitch_deg: z[1].clamp(-1.0, 1.0).asin().to_degrees(),
            roll_deg: x[1].atan2(x[0]).to_degrees(),
        })
    }
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(v: [f64; 3]) -> Option<[f64; 3]> {
    let size = dot(&v, &v).sqrt();
    (size > 0.0 && size.is_finite()).then(|| v.map(|c| c / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face that looks into the camera, then turned about the three axes.
    fn mesh(yaw: f64, pitch: f64, roll: f64) -> Vec<[f64; 3]> {
        let mut mesh = vec![[0.0; 3]; 478];
        for ([right, left], reach) in ACROSS.into_iter().zip([45.0, 15.0, 70.0]) {
            (mesh[right], mesh[left]) = ([-reach, -10.0, 5.0], [reach, -10.0, 5.0]);
        }
        (mesh[10], mesh[152]) = ([0.0, -90.0, 0.0], [0.0, 80.0, 0.0]);
        let (yaw, pitch, roll) = (yaw.to_radians(), pitch.to_radians(), roll.to_radians());
        let turn = |[x, y, z]: [f64; 3]| {
            let (y, z) = (y * pitch.cos() + z * pitch.sin(), -y * pitch.sin() + z * pitch.cos());
            let (x, z) = (x * yaw.cos() - z * yaw.sin(), x * yaw.sin() + z * yaw.cos());
            [300.0 + x * roll.cos() - y * roll.sin(), 200.0 + x * roll.sin() + y * roll.cos(), z]
        };
        mesh.into_iter().map(turn).collect()
    }

    #[test]
    fn turns_are_found_again() {
        for (yaw, pitch, roll) in [(0.0, 0.0, 0.0), (40.0, 0.0, 0.0), (0.0, -20.0, 0.0), (0.0, 0.0, 15.0)] {
            let got = HeadPose::of(&mesh(yaw, pitch, roll)).unwrap();
            let close = [(got.yaw_deg, yaw), (got.pitch_deg, pitch), (got.roll_deg, roll)];
            assert!(close.iter().all(|(a, b)| (a - b).abs() < 1e-9), "{got:?} {yaw} {pitch} {roll}");
        }
        let mixed = HeadPose::of(&mesh(25.0, 10.0, 0.0)).unwrap();
        assert!((mixed.yaw_deg - 25.0).abs() < 1.0 && (mixed.pitch_deg - 10.0).abs() < 1.0, "{mixed:?}");
        // towards the subject's left: the nose, in front of the face's plane, moves right in the picture
        assert!(mesh(40.0, 0.0, 0.0)[1][0] >= 300.0);
    }

    #[test]
    fn other_points_are_errors() {
        assert!(HeadPose::of(&[[0.0; 3]; 100]).is_err() && HeadPose::of(&[[1.0; 3]; 478]).is_err());
        assert!(HeadPose::of(&[[f64::NAN; 3]; 468]).is_err());
    }
}
