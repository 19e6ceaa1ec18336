//! One face at one time, and the person's neutral face.

use super::action_units::ACTION_UNIT_PROXIES;
use super::{BLENDSHAPE_NAMES, Face, HeadPose};
use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Number of proxies.
pub(super) const PROXIES: usize = ACTION_UNIT_PROXIES.len();
/// Frames that a neutral face needs at least.
const NEUTRAL_FRAMES: usize = 10;
/// A standard deviation in median absolute deviations of a normal distribution.
pub(super) const MAD: f64 = 1.482_602_218_505_602;

/// Why a frame's expression is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Withheld {
    /// No face was found.
    NoFace,
    /// The network is not sure that there is a face.
    Uncertain,
    /// The face is too small.
    Small,
    /// The face is turned too far.
    Turned,
}

impl Withheld {
    /// As it stands in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFace => "no face",
            Self::Uncertain => "uncertain",
            Self::Small => "small",
            Self::Turned => "turned",
        }
    }
}

/// What is kept of one person's face in one frame: no picture, no points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaceObservation {
    /// Seconds.
    pub time_s: f64,
    /// The face; none if none was found.
    pub face: Option<ObservedFace>,
}

/// The face of a [`FaceObservation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObservedFace {
    /// Probability that there is a face.
    pub presence: f64,
    /// The smaller side of the box of its points in pixels.
    pub size_px: f64,
    /// The middle of that box in pixels.
    pub centre_px: [f64; 2],
    /// Which way it looks.
    pub pose: HeadPose,
    /// 52 scores in the order of [`BLENDSHAPE_NAMES`].
    pub blendshapes: Vec<f64>,
}

impl FaceObservation {
    /// A face that was found.
    ///
    /// # Errors
    /// As [`HeadPose::of`]; [`Error::Mismatch`](crate::Error::Mismatch) for another number of scores.
    pub fn of(time_s: f64, face: &Face) -> Result<Self> {
        let pose = HeadPose::of(&face.points_px)?;
        let axis = |k: usize| {
            let range = face.points_px.iter().map(|p| p[k]);
            range.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)])
        };
        let [[left, right], [top, bottom]] = [axis(0), axis(1)];
        let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
        Self::new(time_s, face.presence, (right - left).min(bottom - top), centre, pose, &face.blendshapes)
    }

    /// A face that another program found.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Mismatch`](crate::Error::Mismatch) for another number of
    /// scores than 52, [`Error::Parameter`](crate::Error::Parameter) for a score or presence that is not 0 to 1.
    pub fn new(
        time_s: f64,
        presence: f64,
        size_px: f64,
        centre_px: [f64; 2],
        pose: HeadPose,
        blendshapes: &[f64],
    ) -> Result<Self> {
        NotFinite::check_f64("time", &[time_s])?;
        NotFinite::check_f64("place or size of the face", &[size_px, centre_px[0], centre_px[1]])?;
        NotFinite::check_f64("pose of the head", &[pose.yaw_deg, pose.pitch_deg, pose.roll_deg])?;
        Mismatch::check("blendshapes", BLENDSHAPE_NAMES.len(), blendshapes.len())?;
        // a network may leave 0 to 1 by its rounding
        let share = |v: &f64| (-1e-3..=1.001).contains(v);
        if !share(&presence) {
            return Err(Parameter::new("presence", presence, "0 to 1").into());
        }
        if !blendshapes.iter().all(share) {
            return Err(Parameter::new("blendshape", f64::NAN, "0 to 1").into());
        }
        let face = ObservedFace { presence, size_px, centre_px, pose, blendshapes: blendshapes.to_vec() };
        Ok(Self { time_s, face: Some(face) })
    }

    /// A frame without a face.
    #[must_use]
    pub fn missing(time_s: f64) -> Self {
        Self { time_s, face: None }
    }
}

impl ObservedFace {
    /// Left and right score of each proxy.
    pub(super) fn sides(&self) -> [[f64; 2]; PROXIES] {
        ACTION_UNIT_PROXIES.map(|p| p.blendshapes.map(|i| self.blendshapes.get(i).copied().unwrap_or(f64::NAN)))
    }
}

/// A person's face at rest: what the proxies read when nothing moves.
///
/// **Use it** to compare a person with himself: faces differ at rest, so do cameras and lights, and the scores with them.
/// Record it in the same session, about 5 s of a relaxed face towards the camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NeutralFace {
    /// Median of each proxy's left and right score.
    pub level: [[f64; 2]; PROXIES],
    /// 1.4826 times the median absolute deviation of each proxy.
    pub deviation: [f64; PROXIES],
    /// Frames it rests on.
    pub frames: usize,
}

impl NeutralFace {
    /// Of frames in which the face was at rest and may be used.
    pub(super) fn fit<'a>(faces: impl Iterator<Item = &'a ObservedFace>) -> Result<Self> {
        let sides: Vec<[[f64; 2]; PROXIES]> = faces.map(ObservedFace::sides).collect();
        if sides.len() < NEUTRAL_FRAMES {
            return Err(TooShort::new("usable frames of the neutral face", sides.len(), NEUTRAL_FRAMES).into());
        }
        let level: [[f64; 2]; PROXIES] =
            std::array::from_fn(|k| [0, 1].map(|side| median(sides.iter().map(|s| s[k][side]).collect())));
        let deviation = std::array::from_fn(|k| {
            let rest = f64::midpoint(level[k][0], level[k][1]);
            MAD * median(sides.iter().map(|s| (f64::midpoint(s[k][0], s[k][1]) - rest).abs()).collect())
        });
        Ok(Self { level, deviation, frames: sides.len() })
    }
}

/// The median; NaN of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}

/// A quantile (type 7); NaN of nothing.
pub(super) fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = q * (values.len().saturating_sub(1)) as f64;
    let (low, share) = (place as usize, place.fract());
    match (values.get(low), values.get(low + 1)) {
        (Some(a), Some(b)) => a + share * (b - a),
        (Some(a), None) => *a,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_are_checked() {
        let pose = HeadPose::new(0.0, 0.0, 0.0);
        let new = |time: f64, presence: f64, scores: &[f64]| {
            FaceObservation::new(time, presence, 100.0, [0.0; 2], pose, scores)
        };
        assert!(new(0.0, 0.9, &[0.1; 52]).is_ok());
        assert!(new(f64::NAN, 0.9, &[0.1; 52]).is_err() && new(0.0, 1.5, &[0.1; 52]).is_err());
        assert!(new(0.0, 0.9, &[0.1; 51]).is_err() && new(0.0, 0.9, &[f64::NAN; 52]).is_err());
        let few: Vec<ObservedFace> = (0..9).filter_map(|_| new(0.0, 0.9, &[0.1; 52]).unwrap().face).collect();
        assert!(NeutralFace::fit(few.iter()).is_err());
    }

    #[test]
    fn quantiles_of_few() {
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&mut [0.0, 1.0], 0.25), 0.25);
        assert!(median(vec![]).is_nan());
    }
}
