//! Faces with six points, with BlazeFace.

use crate::crop::{Border, Lookup, Sampling, SquareRoi, warp_planes_into};
use crate::detection::{DetectionConfig, anchors, weighted, wrap};
use crate::networks::{Architecture, Network};
use crate::{Image, Result};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Points that BlazeFace gives with each box.
const POINTS: usize = 6;

/// A face found in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaceDetection {
    /// How sure the detector is, 0 to 1.
    pub score: f64,
    /// Left, top, right, bottom in pixels.
    pub box_xyxy: [f64; 4],
    /// Right eye, left eye, nose, mouth, right ear, left ear (the subject's) in pixels.
    pub points: [[f64; 2]; POINTS],
}

impl FaceDetection {
    /// The square about the face for the mesh, turned so that the eyes are level.
    ///
    /// Centre of the box, side `scale · max(width, height)` (1.5 in MediaPipe), rotation `atan2` of the line from the
    /// right to the left eye.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a box without extent.
    pub fn roi(&self, scale: f64) -> Result<SquareRoi> {
        let mut roi = SquareRoi::about(&self.box_xyxy, scale)?;
        let [right, left, ..] = self.points;
        roi.rotation_rad = wrap(-(-(left[1] - right[1])).atan2(left[0] - right[0]));
        Ok(roi)
    }
}

/// Faces in a picture, with BlazeFace.
///
/// **Use it** before [`FaceMesh`](super::FaceMesh): the short-range network for a face in front of the camera, the back
/// camera's for smaller ones. **Not** for faces below a tenth of the picture: see
/// [`YunetFaceDetector`](crate::detect::YunetFaceDetector).
///
/// # Formula
/// Whole picture in a black square → anchors, scores, weighted suppression as
/// [`detection::decode`](crate::detection::decode).
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// Raw output within 5e-4 of onnxruntime 1.32.0 on stored inputs (short range; `cargo xtask golden vision`).
///
/// # References
/// Bazarevsky et al. 2019, doi:10.48550/arXiv.1907.05047.
#[derive(Debug)]
pub struct FaceDetector {
    network: Network,
    anchors: Vec<[f64; 2]>,
    size: usize,
}

impl FaceDetector {
    /// Loads the weights `blazeface_short.safetensors`.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load_short(path: &Path, device: &Device) -> Result<Self> {
        Self::with(Architecture::BlazefaceShort, path, device, &[(8, 2), (16, 6)])
    }

    /// Loads the weights `blazeface_back.safetensors`.
    ///
    /// # Errors
    /// As [`load_short`](Self::load_short).
    pub fn load_back(path: &Path, device: &Device) -> Result<Self> {
        Self::with(Architecture::BlazefaceBack, path, device, &[(16, 2), (32, 6)])
    }

    fn with(architecture: Architecture, path: &Path, device: &Device, layers: &[(usize, usize)]) -> Result<Self> {
        let network = architecture.load(path, device)?;
        let [_, size, _] = network.input_shape();
        Ok(Self { network, anchors: anchors(size, layers), size })
    }

    /// Side of the square input in pixels.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Raw boxes (16 numbers per anchor) and logits for 3 planes (red, green, blue) in −1 … 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) or [`Error::NotFinite`](crate::Error::NotFinite) for another input,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn raw(&self, planes: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let mut outputs = self.network.run(planes)?.into_iter();
        Ok((outputs.next().unwrap_or_default(), outputs.next().unwrap_or_default()))
    }

    /// The faces in a raw answer, best first, in pixels of the picture that `roi` was cut from.
    ///
    /// # Errors
    /// As [`detection::decode`](crate::detection::decode).
    pub fn faces(
        &self,
        raw: &(Vec<f32>, Vec<f32>),
        roi: &SquareRoi,
        config: &DetectionConfig,
    ) -> Result<Vec<FaceDetection>> {
        let found = weighted::<POINTS>(&raw.0, &raw.1, &self.anchors, self.size, roi, config)?;
        let face = |f: crate::detection::Found<POINTS>| FaceDetection {
            score: f.score,
            box_xyxy: f.box_xyxy,
            points: f.points,
        };
        Ok(found.into_iter().map(face).collect())
    }

    /// The faces in a picture, best first, with the default settings.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn detect(&self, image: &Image) -> Result<Vec<FaceDetection>> {
        self.detect_with(image, &DetectionConfig::default(), Sampling::Exact)
    }

    /// The faces in a picture, best first.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a setting out of range,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn detect_with(
        &self,
        image: &Image,
        config: &DetectionConfig,
        sampling: Sampling,
    ) -> Result<Vec<FaceDetection>> {
        config.validate()?;
        let roi = SquareRoi::whole(image);
        let mut planes = vec![0.0; 3 * self.size * self.size];
        let lookup = Lookup { border: Border::Zero, sampling, divisor: 127.5, offset: -1.0 };
        warp_planes_into(image, &roi.affine(self.size), self.size, &lookup, &mut planes)?;
        self.faces(&self.raw(&planes)?, &roi, config)
    }
}
