//! The whole chain from a picture to landmarks.

use super::{PoseDetector, PoseLandmarker, PoseTracker};
use crate::crop::{Border, Lookup, Sampling, SquareRoi, warp_planes_into};
use crate::detection::{Detection, DetectionConfig, sigmoid};
use crate::kinematics::{DerivativeOf, OneEuroConfig, Side, knee_flexion_deg};
use crate::refine::{RefineConfig, refine};
use crate::skeleton::LANDMARKS;
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One point of the body in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Landmark {
    /// Column in pixels.
    pub x_px: f64,
    /// Row in pixels.
    pub y_px: f64,
    /// Depth about the mid-hip in the scale of x, smaller is nearer; rough, not metric.
    pub z_px: f64,
    /// Probability that the point is in the picture and not hidden.
    pub visibility: f64,
    /// Probability that the point is in the picture.
    pub presence: f64,
}

/// A person in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pose {
    /// What the detector found; in a video, when it last looked for this person.
    pub detection: Detection,
    /// The square that the landmark network saw.
    pub roi: SquareRoi,
    /// Probability that there is a person in that square.
    pub presence: f64,
    /// The 33 points in the order of [`LANDMARK_NAMES`](crate::skeleton::LANDMARK_NAMES).
    pub landmarks: Vec<Landmark>,
    /// The same points in metres about the mid-hip: x right, y down in the picture, z away from the camera.
    pub world_m: Vec<[f64; 3]>,
}

impl Pose {
    /// The points in the picture, for [`draw_skeleton`](crate::overlay::draw_skeleton).
    #[must_use]
    pub fn points_px(&self) -> Vec<[f64; 2]> {
        self.landmarks.iter().map(|l| [l.x_px, l.y_px]).collect()
    }

    /// The points' visibilities.
    #[must_use]
    pub fn visibility(&self) -> Vec<f64> {
        self.landmarks.iter().map(|l| l.visibility).collect()
    }

    /// Knee flexion from the world points, 0° = straight.
    ///
    /// # Errors
    /// As [`knee_flexion_deg`].
    pub fn knee_flexion_deg(&self, side: Side) -> Result<f64> {
        let [hip, knee, ankle] = side.leg().map(|i| self.world_m.get(i).copied().unwrap_or([f64::NAN; 3]));
        knee_flexion_deg(&hip, &knee, &ankle)
    }

    /// The lowest visibility of hip, knee and ankle: how far [`knee_flexion_deg`](Self::knee_flexion_deg) may be trusted.
    #[must_use]
    pub fn leg_visibility(&self, side: Side) -> f64 {
        let visible = side.leg().map(|i| self.landmarks.get(i).map_or(0.0, |l| l.visibility));
        visible.into_iter().fold(1.0, f64::min)
    }
}

/// Settings of [`PoseEstimator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PoseEstimatorConfig {
    /// What counts as a person.
    pub detection: DetectionConfig,
    /// How landmarks are sharpened by the heat maps.
    pub refine: RefineConfig,
    /// How much larger than the body the square is, 0.5 to 4. Default 1.25, as MediaPipe.
    pub roi_scale: f64,
    /// Lowest probability of a person in the square, 0 to 1; below, there is no pose. Default 0.5, as MediaPipe.
    pub min_presence: f64,
    /// Most persons per picture, 1 to 100. Default 1, as MediaPipe.
    pub max_poses: usize,
    /// Exact positions (default), or 1/32 pixel as MediaPipe's OpenCV.
    pub sampling: Sampling,
    /// How a [`tracker`](PoseEstimator::tracker) smooths the two points on which the next picture's square stands, speeds in
    /// body circles (twice their distance) per second; none where they count as the network gives them. Default 0.01 Hz,
    /// 10 and 1 Hz against the raw value, as MediaPipe: a person at rest has a square at rest.
    pub follow: Option<OneEuroConfig>,
}

impl Default for PoseEstimatorConfig {
    fn default() -> Self {
        Self {
            detection: DetectionConfig::default(),
            refine: RefineConfig::default(),
            roi_scale: 1.25,
            min_presence: 0.5,
            max_poses: 1,
            sampling: Sampling::Exact,
            follow: Some(
                OneEuroConfig::default()
                    .with_min_cutoff_hz(0.01)
                    .with_beta(10.0)
                    .with_derivative_cutoff_hz(1.0)
                    .with_derivative_of(DerivativeOf::Raw),
            ),
        }
    }
}

impl PoseEstimatorConfig {
    /// Sets [`detection`](Self::detection).
    #[must_use]
    pub fn with_detection(self, detection: DetectionConfig) -> Self {
        Self { detection, ..self }
    }

    /// Sets [`refine`](Self::refine).
    #[must_use]
    pub fn with_refine(self, refine: RefineConfig) -> Self {
        Self { refine, ..self }
    }

    /// Sets [`roi_scale`](Self::roi_scale).
    #[must_use]
    pub fn with_roi_scale(self, roi_scale: f64) -> Self {
        Self { roi_scale, ..self }
    }

    /// Sets [`min_presence`](Self::min_presence).
    #[must_use]
    pub fn with_min_presence(self, min_presence: f64) -> Self {
        Self { min_presence, ..self }
    }

    /// Sets [`max_poses`](Self::max_poses).
    #[must_use]
    pub fn with_max_poses(self, max_poses: usize) -> Self {
        Self { max_poses, ..self }
    }

    /// Sets [`sampling`](Self::sampling).
    #[must_use]
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// Sets [`follow`](Self::follow).
    #[must_use]
    pub fn with_follow(self, follow: Option<OneEuroConfig>) -> Self {
        Self { follow, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.detection.validate()?;
        self.refine.validate()?;
        self.follow.iter().try_for_each(OneEuroConfig::validate)?;
        let fail = |name, value: f64, rule| Err(Parameter::new(name, value, rule).into());
        if !(0.5..=4.0).contains(&self.roi_scale) {
            return fail("roi_scale", self.roi_scale, "0.5 to 4");
        }
        if !(0.0..=1.0).contains(&self.min_presence) {
            return fail("min_presence", self.min_presence, "0 to 1");
        }
        if !(1..=100).contains(&self.max_poses) {
            return fail("max_poses", self.max_poses as f64, "1 to 100");
        }
        Ok(())
    }

    /// Loads both networks' weights.
    ///
    /// # Errors
    /// As [`validate`](Self::validate) and [`PoseEstimator::load`].
    pub fn load(self, detector: &Path, landmarker: &Path, device: &Device) -> Result<PoseEstimator> {
        self.validate()?;
        let detector = PoseDetector::load(detector, device)?;
        let landmarker = PoseLandmarker::load(landmarker, device)?;
        Ok(PoseEstimator { config: self, detector, landmarker })
    }
}

/// 33 body points of each person in a picture.
///
/// **Use it** on single pictures, one person upright in view, and through [`tracker`](Self::tracker) on a video; then see
/// [`kinematics`](crate::kinematics) for angles over time. **Not** for lying persons or where limbs leave the picture.
///
/// # Formula
/// Detector on the whole picture (black border) → weighted suppression → square about mid-hip, side
/// `2 · 1.25 · |circle point − mid-hip|`, turned upright → landmark network (edge replicated) → each point moved to the
/// centre of mass of its heat map → back through the square's map. World points are turned by the square's rotation.
///
/// # Examples
/// ```no_run
/// use eir_vision::pose::PoseEstimator;
/// use eir_vision::{Image, kinematics::Side};
/// use burn::tensor::Device;
/// use std::path::Path;
///
/// let device = Device::flex();
/// let weights = Path::new("models");
/// let estimator = PoseEstimator::load(
///     &weights.join("blazepose_detector.safetensors"),
///     &weights.join("blazepose_full.safetensors"),
///     &device,
/// )?;
/// let image = Image::read(Path::new("person.jpg"), &eir_core::Limits::default())?;
/// for pose in estimator.estimate(&image)? {
///     println!("right knee {:.1}° (visible {:.2})", pose.knee_flexion_deg(Side::Right)?, pose.leg_visibility(Side::Right));
/// }
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// From the picture, points within 0.02 px of the same chain on onnxruntime 1.32.0; with
/// [`Sampling::Fixed32`] within 0.5 px of MediaPipe 0.10.21 itself (`cargo xtask golden vision`).
///
/// # References
/// Bazarevsky et al. 2020, doi:10.48550/arXiv.2006.10204.
#[derive(Debug)]
pub struct PoseEstimator {
    pub(super) config: PoseEstimatorConfig,
    pub(super) detector: PoseDetector,
    landmarker: PoseLandmarker,
}

/// A person, and mid-hip and the point of the body's circle: the square of the next picture of a video.
pub(super) struct Located {
    pub(super) pose: Pose,
    pub(super) axis: [[f64; 2]; 2],
}

impl PoseEstimator {
    /// The default settings, to be changed and loaded.
    #[must_use]
    pub fn config() -> PoseEstimatorConfig {
        PoseEstimatorConfig::default()
    }

    /// Loads both networks' weights with the default settings.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if a file cannot be read or does not fit its network.
    pub fn load(detector: &Path, landmarker: &Path, device: &Device) -> Result<Self> {
        Self::config().load(detector, landmarker, device)
    }

    /// The persons in a picture, best first; none if there is none.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails or gives numbers that are not finite.
    pub fn estimate(&self, image: &Image) -> Result<Vec<Pose>> {
        let found = self.detector.detect_with(image, &self.config.detection, self.config.sampling)?;
        let (mut poses, mut planes) = (Vec::new(), Vec::new());
        for detection in found.into_iter().take(self.config.max_poses) {
            // both points of a detection on one spot give no square: then there is no body to look at
            let Ok(roi) = detection.body_roi(self.config.roi_scale) else { continue };
            if let Some(located) = self.landmarks(image, detection, roi, &mut planes)? {
                poses.push(located.pose);
            }
        }
        Ok(poses)
    }

    /// For the pictures of a video, one after the other: the detector looks only where nobody is followed.
    #[must_use]
    pub fn tracker(&self) -> PoseTracker<'_> {
        PoseTracker::new(self)
    }

    /// The pose of the person in the square `roi`; none if the network sees no person there.
    pub(super) fn landmarks(
        &self,
        image: &Image,
        detection: Detection,
        roi: SquareRoi,
        planes: &mut Vec<f32>,
    ) -> Result<Option<Located>> {
        let size = PoseLandmarker::SIZE;
        let map = roi.affine(size);
        planes.resize(3 * size * size, 0.0);
        let sampling = self.config.sampling;
        let lookup = Lookup { border: Border::Replicate, sampling, divisor: 255.0, offset: 0.0 };
        warp_planes_into(image, &map, size, &lookup, planes)?;
        let raw = self.landmarker.raw(planes)?;
        let presence = f64::from(raw.presence);
        if presence < self.config.min_presence {
            return Ok(None);
        }
        let values = raw.landmarks.as_chunks::<5>().0;
        let mut points: Vec<[f64; 2]> =
            values.iter().map(|v| [f64::from(v[0]) / size as f64, f64::from(v[1]) / size as f64]).collect();
        refine(&mut points, &raw.heat, PoseLandmarker::HEAT_SIDE, &self.config.refine)?;
        let landmarks = values.iter().zip(&points).take(LANDMARKS).map(|(v, [x, y])| {
            let [x_px, y_px] = map.at_fraction(*x, *y, size);
            Landmark {
                x_px,
                y_px,
                z_px: f64::from(v[2]) * roi.side / size as f64,
                visibility: sigmoid(f64::from(v[3])),
                presence: sigmoid(f64::from(v[4])),
            }
        });
        let (sin, cos) = roi.rotation_rad.sin_cos();
        let world = raw.world_m.as_chunks::<3>().0.iter().take(LANDMARKS).map(|v| {
            let [x, y, z] = v.map(f64::from);
            [cos * x - sin * y, sin * x + cos * y, z]
        });
        let axis = [LANDMARKS, LANDMARKS + 1].map(|i| {
            let [x, y] = points.get(i).copied().unwrap_or([f64::NAN; 2]);
            map.at_fraction(x, y, size)
        });
        let pose = Pose { detection, roi, presence, landmarks: landmarks.collect(), world_m: world.collect() };
        Ok(Some(Located { pose, axis }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use eir_core::weights::Error as WeightsError;

    #[test]
    fn settings_are_checked_before_weights_are_read() {
        let load = |config: PoseEstimatorConfig| config.load(Path::new("a"), Path::new("b"), &Device::flex());
        let wrong = PoseEstimator::config().with_roi_scale(0.0);
        assert!(matches!(load(wrong), Err(Error::Parameter(_))));
        assert!(matches!(load(PoseEstimator::config()), Err(Error::Weights(WeightsError::Io(_)))));
    }

    #[test]
    fn missing_and_surplus_tensors_are_named() {
        let file = |tensors: Vec<(&'static str, Vec<usize>, Vec<f32>)>| {
            let bytes = eir_core::weights::write(tensors).unwrap();
            eir_core::weights::Weights::from_bytes(&bytes, &eir_core::Limits::default()).unwrap()
        };
        let error = PoseDetector::from_weights(file(vec![("a", vec![1], vec![0.0])]), &Device::flex()).unwrap_err();
        assert_eq!(error.to_string(), "the tensor conv001.weight is missing");
        let wrong = file(vec![("conv001.weight", vec![24, 3, 3, 1], vec![0.0; 216])]);
        let error = PoseLandmarker::from_weights(wrong, &Device::flex()).unwrap_err();
        assert_eq!(error.to_string(), "tensor conv001.weight: expected [24, 3, 3, 3], found [24, 3, 3, 1]");
    }
}
