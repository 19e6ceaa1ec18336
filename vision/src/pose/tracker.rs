//! Persons followed through a video.

use super::estimator::{Located, Pose, PoseEstimator};
use crate::crop::SquareRoi;
use crate::detect::overlap;
use crate::detection::roi_along;
use crate::kinematics::{OneEuroConfig, OneEuroStream};
use crate::{Image, Result};
use eir_core::error::Parameter;

/// Squares that overlap more than this (intersection over union of what is about them) hold one person, as in MediaPipe.
const SAME_PERSON: f64 = 0.5;

/// A [`PoseEstimator`] for a video: a picture in, the persons in it out.
///
/// **Use it** on the pictures of one camera in their order, no more than about 0.2 s apart: the detector, which takes as
/// long as the landmarks, rests while a person is followed, and the square does not jump from picture to picture. **Not**
/// on pictures that have nothing to do with each other, nor across a cut of the film without [`reset`](Self::reset).
///
/// # Formula
/// The square of a picture stands on the last one's two auxiliary landmarks, mid-hip and a point of the circle about the
/// body, as on the detector's points in the first: MediaPipe's rule. Both are smoothed as
/// [`follow`](super::PoseEstimatorConfig::follow) says, so that the square of a person at rest is at rest, too. A person is
/// lost when the landmark network sees none in the square (presence below
/// [`min_presence`](super::PoseEstimatorConfig::min_presence)). The detector looks while fewer than
/// [`max_poses`](super::PoseEstimatorConfig::max_poses) are followed, in the same picture in which one was lost (MediaPipe:
/// in the next); whom it finds is new unless a square of somebody who is followed overlaps by more than half. Memory is that
/// of one picture, however long the video.
///
/// # Examples
/// ```no_run
/// use burn::tensor::Device;
/// use eir_core::Limits;
/// use eir_vision::{kinematics::Side, pose::PoseEstimator, video::Frames};
/// use std::path::Path;
///
/// let weights = Path::new("models");
/// let [detector, landmarker] = ["blazepose_detector.safetensors", "blazepose_full.safetensors"].map(|n| weights.join(n));
/// let estimator = PoseEstimator::load(&detector, &landmarker, &Device::flex())?;
/// let mut tracker = estimator.tracker();
/// for frame in Frames::open(Path::new("squats.avi"), &Limits::default())? {
///     let frame = frame?;
///     for pose in tracker.next(frame.time_s, &frame.image)? {
///         println!("{:.2} s: right knee {:.1}°", frame.time_s, pose.knee_flexion_deg(Side::Right)?);
///     }
/// }
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// As [`PoseEstimator::estimate`]; the persons who were followed are then forgotten.
///
/// # Validation
/// `tests/tracking.rs` follows a person in a photograph of 640 px that stands still, moves by known steps, is lost and comes
/// back.
///
/// # References
/// Bazarevsky et al. 2020, doi:10.48550/arXiv.2006.10204.
#[derive(Debug)]
pub struct PoseTracker<'a> {
    estimator: &'a PoseEstimator,
    poses: Vec<Pose>,
    /// What comes next of each.
    followed: Vec<Followed>,
    planes: Vec<f32>,
    looks: u64,
    time_s: f64,
}

/// Where a person will be looked for.
#[derive(Debug)]
struct Followed {
    square: SquareRoi,
    /// Of the two points' coordinates; none where they are not smoothed.
    filters: Option<[[OneEuroStream; 2]; 2]>,
}

impl<'a> PoseTracker<'a> {
    pub(super) fn new(estimator: &'a PoseEstimator) -> Self {
        let (poses, followed, planes) = (Vec::new(), Vec::new(), Vec::new());
        Self { estimator, poses, followed, planes, looks: 0, time_s: f64::NEG_INFINITY }
    }

    /// The persons in the picture of `time_s`, those who were followed longest first; none if there is none.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if the time is not finite or not later than the one before: everybody
    /// is still followed. [`Error::Device`](crate::Error::Device) if the device fails or gives numbers that are not finite.
    pub fn next(&mut self, time_s: f64, image: &Image) -> Result<&[Pose]> {
        if !time_s.is_finite() || time_s <= self.time_s {
            return Err(Parameter::new("time_s", time_s, "finite and later than the time before").into());
        }
        self.time_s = time_s;
        let (before, followed) = (std::mem::take(&mut self.poses), std::mem::take(&mut self.followed));
        for (pose, Followed { square, filters }) in before.into_iter().zip(followed) {
            let located = self.estimator.landmarks(image, pose.detection, square, &mut self.planes)?;
            self.keep(located, filters)?;
        }
        let config = &self.estimator.config;
        if self.poses.len() < config.max_poses {
            self.looks += 1;
            let found = self.estimator.detector.detect_with(image, &config.detection, config.sampling)?;
            for detection in found {
                // both points of a detection on one spot give no square: then there is no body to look at
                let Ok(square) = detection.body_roi(config.roi_scale) else { continue };
                if self.poses.len() < config.max_poses && !self.holds(&square) {
                    let located = self.estimator.landmarks(image, detection, square, &mut self.planes)?;
                    let filter = config.follow.clone().map(OneEuroConfig::build).transpose()?;
                    let filters = filter.map(|filter| [(); 2].map(|()| [(); 2].map(|()| filter.stream())));
                    self.keep(located, filters)?;
                }
            }
        }
        Ok(&self.poses)
    }

    /// Follows a person unless somebody is followed there already.
    fn keep(&mut self, located: Option<Located>, mut filters: Option<[[OneEuroStream; 2]; 2]>) -> Result<()> {
        let Some(Located { pose, mut axis }) = located else { return Ok(()) };
        let [[x, y], [p, q]] = axis;
        let unit = 2.0 * (p - x).hypot(q - y);
        if let (Some(filters), true) = (&mut filters, unit > 0.0) {
            for (value, filter) in axis.as_flattened_mut().iter_mut().zip(filters.as_flattened_mut()) {
                *value = filter.push_in(unit, self.time_s, *value)?;
            }
        }
        if let Ok(square) = roi_along(axis, self.estimator.config.roi_scale)
            && !self.holds(&square)
        {
            self.poses.push(pose);
            self.followed.push(Followed { square, filters });
        }
        Ok(())
    }

    fn holds(&self, square: &SquareRoi) -> bool {
        self.followed.iter().any(|other| overlap(&about(&other.square), &about(square)) > SAME_PERSON)
    }

    /// Pictures in which the detector has looked.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// Forgets who was followed, and the time: at a cut of the film.
    pub fn reset(&mut self) {
        self.poses.clear();
        self.followed.clear();
        self.time_s = f64::NEG_INFINITY;
    }
}

/// The upright box of the same centre and side.
fn about(square: &SquareRoi) -> [f64; 4] {
    let ([x, y], half) = (square.centre, square.side / 2.0);
    [x - half, y - half, x + half, y + half]
}
