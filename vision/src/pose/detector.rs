//! The BlazePose detector as a network.

use crate::crop::{Border, Lookup, Sampling, SquareRoi, planes_into, warp_planes_into};
use crate::detection::{Detection, DetectionConfig, anchors, decode};
use crate::networks::{Architecture, Network};
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::Limits;
use eir_core::weights::Weights;
use std::path::Path;

/// Stride and anchors per cell of the three layers of boxes.
const LAYERS: [(usize, usize); 3] = [(8, 2), (16, 2), (32, 6)];

/// What the detector says about each anchor, as it comes out of the network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DetectorOutput {
    /// Box centre, box size and four points per anchor, in pixels of the input, relative to the anchor.
    pub regressors: Vec<f32>,
    /// One logit per anchor.
    pub logits: Vec<f32>,
}

/// The BlazePose detector: finds persons and how they stand.
///
/// **Use it** to start [`PoseEstimator`](super::PoseEstimator), or alone to count persons whose face or upper body is
/// seen. **Not** for lying persons (it was trained on upright ones) nor for crowds.
///
/// A MobileNetV2 trunk with a feature pyramid; 2.97 million parameters, 430 million multiply-adds, input 224 × 224 RGB
/// in −1 … 1, 2254 anchors.
///
/// # Intended use
/// As of the whole chain: see [the module's page](super).
///
/// # Validation
/// Raw output within 5e-4 of onnxruntime 1.32.0 on stored inputs (`cargo xtask golden vision`).
///
/// # References
/// Bazarevsky et al. 2020, doi:10.48550/arXiv.2006.10204.
#[derive(Debug)]
pub struct PoseDetector {
    network: Network,
}

impl PoseDetector {
    /// Side of the square input in pixels.
    pub const SIZE: usize = 224;

    /// Loads the weights `blazepose_detector.safetensors`.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) names the tensor that is missing, too many or of another shape.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::from_weights(Weights::open(path, &Limits::default())?, device)
    }

    /// As [`load`](Self::load), from weights that are already read.
    ///
    /// # Errors
    /// As `load`.
    pub fn from_weights(weights: Weights, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::BlazeposeDetector.network(weights, device)? })
    }

    /// The network's raw answer to one input: 3 planes (red, green, blue) of 224 × 224 values in −1 … 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) or [`Error::NotFinite`](crate::Error::NotFinite) for another input,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn raw(&self, planes: &[f32]) -> Result<DetectorOutput> {
        let mut outputs = self.network.run(planes)?.into_iter();
        let mut next = || outputs.next().unwrap_or_default();
        Ok(DetectorOutput { regressors: next(), logits: next() })
    }

    /// The persons in a picture, best first, with the default settings.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn detect(&self, image: &Image) -> Result<Vec<Detection>> {
        self.detect_with(image, &DetectionConfig::default(), Sampling::Exact)
    }

    /// The persons in a picture, best first.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a setting out of range,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn detect_with(&self, image: &Image, config: &DetectionConfig, sampling: Sampling) -> Result<Vec<Detection>> {
        config.validate()?;
        let roi = SquareRoi::whole(image);
        let mut planes = vec![0.0; 3 * Self::SIZE * Self::SIZE];
        let lookup = Lookup { border: Border::Zero, sampling, divisor: 127.5, offset: -1.0 };
        warp_planes_into(image, &roi.affine(Self::SIZE), Self::SIZE, &lookup, &mut planes)?;
        let raw = self.raw(&planes)?;
        decode(&raw.regressors, &raw.logits, &Self::anchors(), Self::SIZE, &roi, config)
    }

    /// The network's input values for a square picture of 224 × 224 pixels.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if the picture has another size.
    pub fn planes(square: &Image) -> Result<Vec<f32>> {
        let mut planes = vec![0.0; 3 * Self::SIZE * Self::SIZE];
        planes_into(square, 127.5, -1.0, &mut planes)?;
        Ok(planes)
    }

    /// The network's anchors.
    #[must_use]
    pub fn anchors() -> Vec<[f64; 2]> {
        anchors(Self::SIZE, &LAYERS)
    }
}
