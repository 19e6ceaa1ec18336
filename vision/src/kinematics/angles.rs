//! Angles of hip, ankle and trunk.

use super::knee::{dimensions, flexion};
use crate::Result;
use eir_core::error::{NotFinite, Parameter};

/// The angle at `vertex` between the directions to `a` and `b`, 0° to 180°, in two or three dimensions.
///
/// # Formula
/// `atan2(|u × v|, u · v)`, exact near 0° and 180°, where an arc cosine is not.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::included_angle_deg;
/// assert_eq!(included_angle_deg(&[1.0, 0.0], &[0.0, 0.0], &[0.0, 3.0])?, 90.0);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite); [`Error::Parameter`](crate::Error::Parameter) if two points coincide;
/// [`Error::Unsupported`](crate::Error::Unsupported) for other dimensions.
pub fn included_angle_deg<const D: usize>(a: &[f64; D], vertex: &[f64; D], b: &[f64; D]) -> Result<f64> {
    dimensions(D)?;
    for point in [a, vertex, b] {
        NotFinite::check_f64("coordinate of a joint", point)?;
    }
    let bent = flexion(a, vertex, b).ok_or_else(|| Parameter::new("length of a segment", 0.0, "above 0"))?;
    Ok(180.0 - bent)
}

/// Hip flexion from shoulder, hip and knee: 0° with the thigh in line with the trunk, positive bent.
///
/// It cannot tell over-extension from flexion, and where the trunk bends itself that counts as the hip.
///
/// # Errors
/// As [`included_angle_deg`].
pub fn hip_flexion_deg<const D: usize>(shoulder: &[f64; D], hip: &[f64; D], knee: &[f64; D]) -> Result<f64> {
    Ok(180.0 - included_angle_deg(shoulder, hip, knee)?)
}

/// Ankle dorsiflexion from knee, ankle and toe: 0° with the foot at a right angle to the shank, positive with the toes
/// towards the shin.
///
/// ```
/// use eir_vision::kinematics::ankle_dorsiflexion_deg;
/// assert_eq!(ankle_dorsiflexion_deg(&[0.0, 1.0], &[0.0, 0.0], &[1.0, 0.0])?, 0.0);
/// assert!((ankle_dorsiflexion_deg(&[1.0, 1.0], &[0.0, 0.0], &[1.0, 0.0])? - 45.0).abs() < 1e-12);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// As [`included_angle_deg`].
pub fn ankle_dorsiflexion_deg<const D: usize>(knee: &[f64; D], ankle: &[f64; D], toe: &[f64; D]) -> Result<f64> {
    Ok(90.0 - included_angle_deg(knee, ankle, toe)?)
}

/// How far the trunk (middle of the hips to middle of the shoulders) leans from `up`, 0° to 180°.
///
/// In a picture `up` is `[0.0, -1.0]` if the camera is level.
///
/// ```
/// use eir_vision::kinematics::trunk_lean_deg;
/// assert!((trunk_lean_deg(&[100.0, 300.0], &[200.0, 200.0], &[0.0, -1.0])? - 45.0).abs() < 1e-12);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// As [`included_angle_deg`].
pub fn trunk_lean_deg<const D: usize>(hips: &[f64; D], shoulders: &[f64; D], up: &[f64; D]) -> Result<f64> {
    let above: [f64; D] = std::array::from_fn(|k| hips[k] + up[k]);
    included_angle_deg(shoulders, hips, &above)
}

/// An angle of three points over time: one value per picture from `angle` (such as [`hip_flexion_deg`]), NaN where it has
/// none.
///
/// ```
/// use eir_vision::kinematics::{angle_series, hip_flexion_deg};
/// let (shoulder, hip, knee) = ([[0.0f32, 0.0], [0.0, 0.0]], [[0.0, 1.0], [f32::NAN, 1.0]], [[1.0, 1.0], [1.0, 1.0]]);
/// let series = angle_series(&shoulder, &hip, &knee, hip_flexion_deg);
/// assert!((series[0] - 90.0).abs() < 1e-12 && series[1].is_nan());
/// ```
pub fn angle_series<const D: usize>(
    a: &[[f32; D]],
    b: &[[f32; D]],
    c: &[[f32; D]],
    angle: impl Fn(&[f64; D], &[f64; D], &[f64; D]) -> Result<f64>,
) -> Vec<f64> {
    let wide = |p: &[f32; D]| p.map(f64::from);
    a.iter().zip(b).zip(c).map(|((a, b), c)| angle(&wide(a), &wide(b), &wide(c)).unwrap_or(f64::NAN)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_both_dimensions() {
        assert_eq!(hip_flexion_deg(&[0.0, 2.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, 0.0, 0.0]).unwrap(), 0.0);
        assert!((hip_flexion_deg(&[0.0, 2.0], &[0.0, 1.0], &[1.0, 1.0]).unwrap() - 90.0).abs() < 1e-12);
        assert!(trunk_lean_deg(&[0.0; 3], &[0.0, 1.0, 0.0], &[0.0, 1.0, 0.0]).unwrap().abs() < 1e-12);
        assert!(trunk_lean_deg(&[0.0; 2], &[0.0; 2], &[0.0, 1.0]).is_err());
        assert!(included_angle_deg(&[0.0; 4], &[1.0; 4], &[0.0, 0.0, 0.0, 1.0]).is_err());
        assert!(included_angle_deg(&[f64::NAN; 2], &[1.0; 2], &[0.0; 2]).is_err());
    }
}
