//! Knee flexion from hip, knee and ankle.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort, Unsupported};
use serde::{Deserialize, Serialize};

/// A side of the body: the subject's, not the picture's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The subject's left.
    Left,
    /// The subject's right.
    Right,
}

impl Side {
    /// Hip, knee and ankle among the [33 points](crate::skeleton::LANDMARK_NAMES).
    #[must_use]
    pub fn leg(self) -> [usize; 3] {
        match self {
            Self::Left => [23, 25, 27],
            Self::Right => [24, 26, 28],
        }
    }

    /// "left" or "right".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// Knee flexion from one set of points in two or three dimensions: 0° is straight.
///
/// **Use it** with points in three dimensions, or in a picture taken from the side. **Not** in a picture taken obliquely
/// without [`sagittal`]: seen at 30° a squat of 90° looks 8° shallower. It cannot tell over-extension from flexion.
///
/// # Formula
/// `180° − atan2(|u × v|, u · v)`, `u = hip − knee`, `v = ankle − knee`; exact near the straight leg, where an arc
/// cosine is not.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::knee_flexion_deg;
/// assert_eq!(knee_flexion_deg(&[0.0, 0.0], &[0.0, 1.0], &[0.0, 2.0])?, 0.0);
/// assert_eq!(knee_flexion_deg(&[0.0, 0.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, 1.0, 5.0])?, 90.0);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite); [`Error::Parameter`](crate::Error::Parameter) if two points coincide;
/// [`Error::Unsupported`](crate::Error::Unsupported) for any number of dimensions but two and three.
///
/// # Validation
/// Within 1e-3° of the simulated truth on 9 sequences, within 1e-5° of NumPy 2.x on the world points of 10 pictures
/// (`cargo xtask golden vision`).
///
/// # References
/// Wu et al. 2002 (angle between segments), doi:10.1016/S0021-9290(01)00222-6.
pub fn knee_flexion_deg<const D: usize>(hip: &[f64; D], knee: &[f64; D], ankle: &[f64; D]) -> Result<f64> {
    dimensions(D)?;
    for point in [hip, knee, ankle] {
        NotFinite::check_f64("coordinate of a leg", point)?;
    }
    flexion(hip, knee, ankle).ok_or_else(|| Parameter::new("length of a segment", 0.0, "above 0").into())
}

pub(super) fn dimensions(d: usize) -> Result<()> {
    if matches!(d, 2 | 3) {
        return Ok(());
    }
    Err(Unsupported::new(format!("a knee in {d} dimensions"), "give points in 2 or 3").into())
}

/// None if two points coincide or one is not finite.
pub(super) fn flexion<const D: usize>(hip: &[f64; D], knee: &[f64; D], ankle: &[f64; D]) -> Option<f64> {
    let from_knee =
        |p: &[f64; D]| -> [f64; 3] { std::array::from_fn(|i| p.get(i).zip(knee.get(i)).map_or(0.0, |(a, b)| a - b)) };
    let (u, v) = (from_knee(hip), from_knee(ankle));
    let length = |a: [f64; 3]| (a[0] * a[0] + a[1] * a[1] + a[2] * a[2]).sqrt();
    let cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    let dot = u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
    let angle = 180.0 - length(cross).atan2(dot).to_degrees();
    (length(u) > 0.0 && length(v) > 0.0 && angle.is_finite()).then_some(angle)
}

/// Knee flexion over time: one value per picture, NaN where a point is missing (NaN) or two coincide.
///
/// # Errors
/// [`Error::TooShort`](crate::Error::TooShort) without pictures, [`Error::Mismatch`](crate::Error::Mismatch) if the
/// three have different lengths.
pub fn knee_flexion_series<const D: usize>(
    hip: &[[f32; D]],
    knee: &[[f32; D]],
    ankle: &[[f32; D]],
) -> Result<Vec<f64>> {
    dimensions(D)?;
    if hip.is_empty() {
        return Err(TooShort::new("pictures", 0, 1).into());
    }
    Mismatch::check("knee positions", hip.len(), knee.len())?;
    Mismatch::check("ankle positions", hip.len(), ankle.len())?;
    let wide = |p: &[f32; D]| p.map(f64::from);
    let leg = hip.iter().zip(knee).zip(ankle);
    Ok(leg.map(|((h, k), a)| flexion(&wide(h), &wide(k), &wide(a)).unwrap_or(f64::NAN)).collect())
}

/// Points of a picture as they would be seen exactly from the side.
///
/// `yaw_deg` is the angle between the plane of movement and the picture's plane. Exact for a leg that moves in one plane
/// and a distant camera.
///
/// # Formula
/// `x / cos(yaw)`, y as it is.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) where `cos(yaw) < 0.7` (45.6°): too little is seen from there.
pub fn sagittal(points: &[[f32; 2]], yaw_deg: f64) -> Result<Vec<[f32; 2]>> {
    let cos = yaw_deg.to_radians().cos();
    if cos.is_nan() || cos < 0.7 {
        return Err(Parameter::new("yaw_deg", yaw_deg, "between -45.5 and 45.5 degrees").into());
    }
    Ok(points.iter().map(|[x, y]| [(f64::from(*x) / cos) as f32, *y]).collect())
}

/// Symmetry index of right and left: `100 (R − L) / (0.5 (R + L))`; none where either is below 5°, where it says nothing.
///
/// ```
/// use eir_vision::kinematics::symmetry_index_percent;
/// assert_eq!(symmetry_index_percent(110.0, 90.0), Some(20.0));
/// assert_eq!(symmetry_index_percent(3.0, 90.0), None);
/// ```
#[must_use]
pub fn symmetry_index_percent(right_deg: f64, left_deg: f64) -> Option<f64> {
    let enough = right_deg.min(left_deg) >= 5.0 && right_deg.max(left_deg).is_finite();
    enough.then(|| 100.0 * (right_deg - left_deg) / (0.5 * (right_deg + left_deg)))
}

/// Limb symmetry: the smaller in percent of the larger; none where either is below 5°.
#[must_use]
pub fn limb_symmetry_percent(right_deg: f64, left_deg: f64) -> Option<f64> {
    let enough = right_deg.min(left_deg) >= 5.0 && right_deg.max(left_deg).is_finite();
    enough.then(|| 100.0 * right_deg.min(left_deg) / right_deg.max(left_deg))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn exact_near_the_straight_leg() {
        for deg in [1e-7, 1e-3, 45.0, 179.0] {
            let ankle = [f64::to_radians(deg).sin(), f64::to_radians(deg).cos()];
            let got = knee_flexion_deg(&[0.0, -1.0], &[0.0, 0.0], &ankle).unwrap();
            assert!((got - deg).abs() < 1e-12, "{deg} {got}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(knee_flexion_deg(&[0.0; 2], &[0.0; 2], &[1.0; 2]), Err(Error::Parameter(_))));
        assert!(matches!(knee_flexion_deg(&[f64::NAN; 2], &[0.0; 2], &[1.0; 2]), Err(Error::NotFinite(_))));
        assert!(matches!(knee_flexion_deg(&[0.0; 4], &[1.0; 4], &[2.0; 4]), Err(Error::Unsupported(_))));
        assert!(matches!(knee_flexion_series::<2>(&[], &[], &[]), Err(Error::TooShort(_))));
        assert!(matches!(knee_flexion_series(&[[0.0f32; 2]], &[], &[]), Err(Error::Mismatch(_))));
    }

    #[test]
    fn a_missing_point_is_a_gap() {
        let series = knee_flexion_series(&[[0.0, 0.0], [f32::NAN, 0.0]], &[[0.0, 1.0]; 2], &[[1.0, 1.0]; 2]).unwrap();
        assert!((series[0] - 90.0).abs() < 1e-12 && series[1].is_nan());
    }

    #[test]
    fn a_view_can_be_undone_or_is_refused() {
        let turned = [[(40.0 * 30f64.to_radians().cos()) as f32, 7.0]];
        let back = sagittal(&turned, 30.0).unwrap();
        assert!((back[0][0] - 40.0).abs() < 1e-5 && back[0][1] == 7.0);
        assert!(sagittal(&turned, 60.0).is_err() && sagittal(&turned, f64::NAN).is_err());
    }
}
