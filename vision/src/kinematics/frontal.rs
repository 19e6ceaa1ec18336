//! The knee seen from the front.

use super::Side;
use crate::Result;
use eir_core::error::{NotFinite, Parameter};

/// Frontal-plane projection angle of the knee: positive is valgus (knee inwards).
///
/// **Use it** at the deepest point of a squat or a landing. **Not** as the joint's abduction: it also holds rotation of
/// the hip and the tibia.
///
/// # Formula
/// With y up and z to the subject's right: the thigh's angle in the frontal plane minus the shank's,
/// `s · (atan2(knee_z − hip_z, hip_y − knee_y) − atan2(ankle_z − knee_z, knee_y − ankle_y))`, `s` = 1 left, −1 right.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::{Side, frontal_plane_projection_deg};
/// // the left leg stands at z = -0.1; the knee moves 5 cm to the middle
/// let deg = frontal_plane_projection_deg([0.0, 0.8, -0.1], [0.0, 0.4, -0.05], [0.0, 0.0, -0.1], Side::Left)?;
/// assert!((deg - 2.0 * (0.05f64 / 0.4).atan().to_degrees()).abs() < 1e-9);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite); [`Error::Parameter`](crate::Error::Parameter) where a segment has no
/// length in that plane.
///
/// # Validation
/// Within 0.2° at the peak of the simulated squats (`cargo xtask golden vision`).
///
/// # References
/// Willson, Davis 2008, doi:10.2519/jospt.2008.2706.
pub fn frontal_plane_projection_deg(hip: [f64; 3], knee: [f64; 3], ankle: [f64; 3], side: Side) -> Result<f64> {
    NotFinite::check_f64("coordinate of a leg", [hip, knee, ankle].as_flattened())?;
    let segment = |top: [f64; 3], low: [f64; 3]| -> Result<f64> {
        let (out, down) = (low[2] - top[2], top[1] - low[1]);
        if out == 0.0 && down == 0.0 {
            return Err(Parameter::new("length of a segment", 0.0, "above 0 in the frontal plane").into());
        }
        Ok(out.atan2(down))
    };
    let sign = if side == Side::Left { 1.0 } else { -1.0 };
    Ok(sign * (segment(hip, knee)? - segment(knee, ankle)?).to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_positive_inwards() {
        let leg = |z: f64, inwards: f64| ([0.0, 0.8, z], [0.0, 0.4, inwards], [0.0, 0.0, z]);
        for (side, (hip, knee, ankle)) in [(Side::Left, leg(-0.1, -0.05)), (Side::Right, leg(0.1, 0.05))] {
            assert!(frontal_plane_projection_deg(hip, knee, ankle, side).unwrap() > 10.0);
        }
        assert!(frontal_plane_projection_deg([0.0; 3], [0.0; 3], [1.0; 3], Side::Left).is_err());
    }
}
