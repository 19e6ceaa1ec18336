//! The whole chain from a picture to points and blendshapes.

use super::{Blendshapes, FaceDetection, FaceDetector, FaceMesh, blendshape_points};
use crate::crop::{Border, Lookup, Sampling, SquareRoi, warp_planes_into};
use crate::detection::DetectionConfig;
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A face in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Face {
    /// What the detector found.
    pub detection: FaceDetection,
    /// The square that the mesh network saw.
    pub roi: SquareRoi,
    /// Probability that there is a face in that square.
    pub presence: f64,
    /// 478 points: x, y in pixels of the picture, z in the same unit (smaller is nearer).
    pub points_px: Vec<[f64; 3]>,
    /// 52 scores in the order of [`BLENDSHAPE_NAMES`](super::BLENDSHAPE_NAMES).
    pub blendshapes: Vec<f64>,
}

/// Settings of a [`FaceEstimator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FaceEstimatorConfig {
    /// What counts as a face.
    pub detection: DetectionConfig,
    /// How much larger than the face's box the square is, 0.5 to 4. Default 1.5, as MediaPipe.
    pub roi_scale: f64,
    /// Lowest probability of a face in the square, 0 to 1; below, there is no face. Default 0.5, as MediaPipe.
    pub min_presence: f64,
    /// Most faces per picture, 1 to 100. Default 1, as MediaPipe.
    pub max_faces: usize,
    /// Exact positions (default), or 1/32 pixel as MediaPipe's OpenCV.
    pub sampling: Sampling,
}

impl Default for FaceEstimatorConfig {
    fn default() -> Self {
        let detection = DetectionConfig::default();
        Self { detection, roi_scale: 1.5, min_presence: 0.5, max_faces: 1, sampling: Sampling::Exact }
    }
}

impl FaceEstimatorConfig {
    /// Sets [`detection`](Self::detection).
    #[must_use]
    pub fn with_detection(self, detection: DetectionConfig) -> Self {
        Self { detection, ..self }
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

    /// Sets [`max_faces`](Self::max_faces).
    #[must_use]
    pub fn with_max_faces(self, max_faces: usize) -> Self {
        Self { max_faces, ..self }
    }

    /// Sets [`sampling`](Self::sampling).
    #[must_use]
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.detection.validate()?;
        let fail = |name, value: f64, rule| Err(Parameter::new(name, value, rule).into());
        if !(0.5..=4.0).contains(&self.roi_scale) {
            return fail("roi_scale", self.roi_scale, "0.5 to 4");
        }
        if !(0.0..=1.0).contains(&self.min_presence) {
            return fail("min_presence", self.min_presence, "0 to 1");
        }
        if !(1..=100).contains(&self.max_faces) {
            return fail("max_faces", self.max_faces as f64, "1 to 100");
        }
        Ok(())
    }

    /// Loads the weights of detector (short range), mesh (478 points) and blendshapes.
    ///
    /// # Errors
    /// As [`validate`](Self::validate) and [`FaceEstimator::load`].
    pub fn load(self, detector: &Path, mesh: &Path, blendshapes: &Path, device: &Device) -> Result<FaceEstimator> {
        self.validate()?;
        let detector = FaceDetector::load_short(detector, device)?;
        let mesh = FaceMesh::load(mesh, device)?;
        let blendshapes = Blendshapes::load(blendshapes, device)?;
        Ok(FaceEstimator { config: self, detector, mesh, blendshapes })
    }
}

/// 478 points and 52 blendshapes of each face in a picture: MediaPipe's face landmarker.
///
/// **Use it** on single pictures or frame by frame, faces towards the camera. **Not** beyond 35° of turn, below 40 pixels
/// of face, or to infer an emotion.
///
/// # Formula
/// Detector on the whole picture (black border) → weighted suppression → square about the box, side `1.5 · max(w, h)`,
/// turned so that the eyes are level → mesh (edge replicated) → back through the square's map → blendshapes from 146 points.
///
/// # Examples
/// ```no_run
/// use eir_vision::{Image, face::{BLENDSHAPE_NAMES, FaceEstimator}};
/// use burn::tensor::Device;
/// use std::path::Path;
///
/// let names = ["blazeface_short.safetensors", "facemesh_v2_478.safetensors", "face_blendshapes.safetensors"];
/// let [detector, mesh, blendshapes] = names.map(|n| Path::new("models").join(n));
/// let estimator = FaceEstimator::load(&detector, &mesh, &blendshapes, &Device::flex())?;
/// let image = Image::read(Path::new("face.jpg"), &eir_core::Limits::default())?;
/// for face in estimator.estimate(&image)? {
///     let strongest = (1..52).max_by(|a, b| face.blendshapes[*a].total_cmp(&face.blendshapes[*b]));
///     println!("{:?}", strongest.map(|i| BLENDSHAPE_NAMES[i]));
/// }
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// From the picture, points within 0.02 px and blendshapes within 2e-4 of the same chain on onnxruntime 1.32.0; with
/// [`Sampling::Fixed32`] points within 0.15 px (median) of MediaPipe 0.10.21 itself (`cargo xtask golden vision`).
#[derive(Debug)]
pub struct FaceEstimator {
    config: FaceEstimatorConfig,
    detector: FaceDetector,
    mesh: FaceMesh,
    blendshapes: Blendshapes,
}

impl FaceEstimator {
    /// The default settings, to be changed and loaded.
    #[must_use]
    pub fn config() -> FaceEstimatorConfig {
        FaceEstimatorConfig::default()
    }

    /// Loads the weights of all three networks with the default settings.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if a file cannot be read or does not fit its network.
    pub fn load(detector: &Path, mesh: &Path, blendshapes: &Path, device: &Device) -> Result<Self> {
        Self::config().load(detector, mesh, blendshapes, device)
    }

    /// The faces in a picture, best first; none if there is none.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if a device fails or gives numbers that are not finite.
    pub fn estimate(&self, image: &Image) -> Result<Vec<Face>> {
        let found = self.detector.detect_with(image, &self.config.detection, self.config.sampling)?;
        let mut faces = Vec::new();
        for detection in found.into_iter().take(self.config.max_faces) {
            // a box without extent gives no square: then there is nothing to look at
            let Ok(roi) = detection.roi(self.config.roi_scale) else { continue };
            faces.extend(self.face(image, detection, roi)?);
        }
        Ok(faces)
    }

    /// The face in the square `roi`; none if the network sees no face there.
    fn face(&self, image: &Image, detection: FaceDetection, roi: SquareRoi) -> Result<Option<Face>> {
        let size = self.mesh.size();
        let map = roi.affine(size);
        let mut planes = vec![0.0; 3 * size * size];
        let sampling = self.config.sampling;
        let lookup = Lookup { border: Border::Replicate, sampling, divisor: 255.0, offset: 0.0 };
        warp_planes_into(image, &map, size, &lookup, &mut planes)?;
        let raw = self.mesh.raw(&planes)?;
        let presence = f64::from(raw.presence);
        if presence < self.config.min_presence {
            return Ok(None);
        }
        let depth = roi.side / size as f64;
        let place = |p: &[f32; 3]| {
            let [x, y] = map.at(f64::from(p[0]), f64::from(p[1]));
            [x, y, f64::from(p[2]) * depth]
        };
        let points_px: Vec<[f64; 3]> = raw.points.iter().map(place).collect();
        let flat: Vec<[f64; 2]> = points_px.iter().map(|p| [p[0], p[1]]).collect();
        let blendshapes = self.blendshapes.scores(&blendshape_points(&flat)?)?.to_vec();
        Ok(Some(Face { detection, roi, presence, points_px, blendshapes }))
    }
}
