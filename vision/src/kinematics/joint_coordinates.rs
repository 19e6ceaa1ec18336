//! The knee's three rotations in the joint coordinate system.

use super::Side;
use crate::Result;
use eir_core::error::{NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// The knee's rotations in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KneeRotation {
    /// Flexion; negative is over-extension.
    pub flexion_deg: f64,
    /// Adduction (varus); negative is abduction.
    pub adduction_deg: f64,
    /// Internal rotation of the shank; negative is external.
    pub internal_rotation_deg: f64,
}

/// The knee's rotations from the frames of thigh and shank (Grood and Suntay's joint coordinate system).
///
/// **Use it** with frames from markers or inertial sensors. **Not** with frames guessed from hip, knee and ankle alone:
/// rotation and adduction are then what the guess put in.
///
/// The *columns* of each matrix are the segment's axes in the room: X forwards, Y up along the bone, Z to the subject's
/// right.
///
/// # Formula
/// `R = thighᵀ · shank = Rz(−flexion) Rx(s · adduction) Ry(s · internal)`, `s` = 1 right, −1 left; hence
/// `flexion = atan2(R01, R11)`, `adduction = s · asin(R21)`, `internal = s · atan2(−R20, R22)`.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::{Side, knee_rotation};
/// let upright = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// let bent = [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
/// assert_eq!(knee_rotation(&upright, &bent, Side::Right)?.flexion_deg, 90.0);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite); [`Error::Parameter`](crate::Error::Parameter) unless both are rotation
/// matrices within 1e-6.
///
/// # Validation
/// Within 1e-9° of 24 reference cases (`cargo xtask golden vision`).
///
/// # References
/// Grood, Suntay 1983, doi:10.1115/1.3138397; Wu et al. 2002, doi:10.1016/S0021-9290(01)00222-6.
pub fn knee_rotation(thigh: &[[f64; 3]; 3], shank: &[[f64; 3]; 3], side: Side) -> Result<KneeRotation> {
    for frame in [thigh, shank] {
        NotFinite::check_f64("number of a frame", frame.as_flattened())?;
        let worst = (0..9).map(|k| {
            let (i, j) = (k / 3, k % 3);
            let product = frame.iter().map(|row| row[i] * row[j]).sum::<f64>();
            (product - if i == j { 1.0 } else { 0.0 }).abs()
        });
        let worst = worst.fold(0.0, f64::max);
        if worst > 1e-6 || determinant(frame) < 0.0 {
            return Err(Parameter::new("error of a frame", worst, "a right-handed rotation matrix within 1e-6").into());
        }
    }
    let r = |i: usize, j: usize| thigh.iter().zip(shank).map(|(t, s)| t[i] * s[j]).sum::<f64>();
    let sign = if side == Side::Right { 1.0 } else { -1.0 };
    Ok(KneeRotation {
        flexion_deg: r(0, 1).atan2(r(1, 1)).to_degrees(),
        adduction_deg: sign * r(2, 1).clamp(-1.0, 1.0).asin().to_degrees(),
        internal_rotation_deg: sign * (-r(2, 0)).atan2(r(2, 2)).to_degrees(),
    })
}

fn determinant(m: &[[f64; 3]; 3]) -> f64 {
    let minor = |i: usize, j: usize| m[1][i] * m[2][j] - m[1][j] * m[2][i];
    m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rotations_are_accepted() {
        let upright = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let mirrored = [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        assert!(knee_rotation(&upright, &mirrored, Side::Left).is_err());
        assert!(knee_rotation(&[[f64::NAN; 3]; 3], &upright, Side::Left).is_err());
        assert!(knee_rotation(&upright, &upright, Side::Left).unwrap().flexion_deg == 0.0);
    }
}
