//! Persons followed through a video.

use super::estimator::{Located, Pose, PoseEstimator};
use crate::crop::SquareRoi;
use crate::detect::overlap;
use crate::detection::roi_along;
use crate::{Image, Result};

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
/// body, as on the detector's points in the first: MediaPipe's rule. A person is lost when the landmark network sees none in
/// the square (presence below [`min_presence`](super::PoseEstimatorConfig::min_presence)). The detector looks while fewer
/// than [`max_poses`](super::PoseEstimatorConfig::max_poses) are followed, in the same picture in which one was lost
/// (MediaPipe: in the next); whom it finds is new unless a square of somebody who is followed overlaps by more than half.
/// Memory is that of one picture, however long the video.
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
///     for pose in tracker.next(&frame.image)? {
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
/// `tests/tracking.rs` follows a person in a photograph of 640 px that moves by known steps, is lost and comes back: half of
/// the points are within 1 to 2.5 px of where they were, on a still picture too, because the square follows its own points.
///
/// # References
/// Bazarevsky et al. 2020, doi:10.48550/arXiv.2006.10204.
#[derive(Debug)]
pub struct PoseTracker<'a> {
    estimator: &'a PoseEstimator,
    poses: Vec<Pose>,
    /// The next square of each.
    squares: Vec<SquareRoi>,
    planes: Vec<f32>,
    looks: u64,
}

impl<'a> PoseTracker<'a> {
    pub(super) fn new(estimator: &'a PoseEstimator) -> Self {
        Self { estimator, poses: Vec::new(), squares: Vec::new(), planes: Vec::new(), looks: 0 }
    }

    /// The persons in the next picture, those who were followed longest first; none if there is none.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails or gives numbers that are not finite.
    pub fn next(&mut self, image: &Image) -> Result<&[Pose]> {
        let (before, squares) = (std::mem::take(&mut self.poses), std::mem::take(&mut self.squares));
        for (pose, square) in before.into_iter().zip(squares) {
            let located = self.estimator.landmarks(image, pose.detection, square, &mut self.planes)?;
            self.keep(located);
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
                    self.keep(located);
                }
            }
        }
        Ok(&self.poses)
    }

    /// Follows a person unless somebody is followed there already.
    fn keep(&mut self, located: Option<Located>) {
        let Some(Located { pose, axis }) = located else { return };
        if let Ok(square) = roi_along(axis, self.estimator.config.roi_scale)
            && !self.holds(&square)
        {
            self.poses.push(pose);
            self.squares.push(square);
        }
    }

    fn holds(&self, square: &SquareRoi) -> bool {
        self.squares.iter().any(|other| overlap(&about(other), &about(square)) > SAME_PERSON)
    }

    /// Pictures in which the detector has looked.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// Forgets who was followed: at a cut of the film.
    pub fn reset(&mut self) {
        self.poses.clear();
        self.squares.clear();
    }
}

/// The upright box of the same centre and side.
fn about(square: &SquareRoi) -> [f64; 4] {
    let ([x, y], half) = (square.centre, square.side / 2.0);
    [x - half, y - half, x + half, y + half]
}
