//! The BlazePose detector as a network.

use super::layers::{Conv, InvertedResidual, Separable, Source, depth_to_space, relu6, upsample};
use super::{input, output};
use crate::crop::{Border, Sampling, SquareRoi, planes_into, warp};
use crate::detection::{Detection, DetectionConfig, VALUES, anchors, decode};
use crate::{Image, Result};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use eir_core::Limits;
use eir_core::error::Mismatch;
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
#[derive(Module, Debug)]
pub struct PoseDetector {
    stem: Conv,
    stem_depthwise: Conv,
    stem_project: Conv,
    /// To 28 × 28.
    early: Vec<InvertedResidual>,
    expand_14: Conv,
    lateral_28: Separable,
    down_14: Conv,
    project_14: Conv,
    /// At 14 × 14.
    middle: Vec<InvertedResidual>,
    expand_7: Conv,
    lateral_14: Separable,
    down_7: Conv,
    project_7: Conv,
    /// At 7 × 7.
    late: Vec<InvertedResidual>,
    head: Conv,
    head_depthwise: Conv,
    up_14: Conv,
    merge_14: Vec<Separable>,
    up_28: Conv,
    merge_28: Vec<Separable>,
    /// Scores and boxes, finest layer first.
    scores: Vec<Separable>,
    boxes: Vec<Separable>,
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
        let mut source = Source::file(weights, device);
        let s = &mut source;
        let stem = s.conv([3, 24], 3, 2)?;
        let stem_depthwise = s.depthwise(24, 3, 1)?;
        let stem_project = s.pointwise(24, 16)?;
        let early = vec![
            InvertedResidual::new(s, [16, 64, 24], 3, 2, false)?,
            InvertedResidual::new(s, [24, 144, 24], 3, 1, true)?,
            InvertedResidual::new(s, [24, 144, 40], 5, 2, false)?,
            InvertedResidual::new(s, [40, 240, 40], 5, 1, true)?,
        ];
        let expand_14 = s.pointwise(40, 240)?;
        let lateral_28 = Separable::new(s, 40, 96, 1)?;
        let down_14 = s.depthwise(240, 3, 2)?;
        let project_14 = s.pointwise(240, 80)?;
        let middle = vec![
            InvertedResidual::new(s, [80, 480, 80], 3, 1, true)?,
            InvertedResidual::new(s, [80, 480, 80], 3, 1, true)?,
            InvertedResidual::new(s, [80, 480, 112], 5, 1, false)?,
            InvertedResidual::new(s, [112, 672, 112], 5, 1, true)?,
            InvertedResidual::new(s, [112, 672, 112], 5, 1, true)?,
        ];
        let expand_7 = s.pointwise(112, 672)?;
        let lateral_14 = Separable::new(s, 112, 192, 1)?;
        let down_7 = s.depthwise(672, 5, 2)?;
        let project_7 = s.pointwise(672, 192)?;
        let late = (0..3).map(|_| InvertedResidual::new(s, [192, 1152, 192], 5, 1, true)).collect::<Result<_>>()?;
        let head = s.pointwise(192, 1152)?;
        let head_depthwise = s.depthwise(1152, 3, 1)?;
        let up_14 = s.pointwise(1152, 192)?;
        let merge_14 = (0..2).map(|_| Separable::new(s, 192, 192, 1)).collect::<Result<_>>()?;
        let up_28 = s.pointwise(192, 96)?;
        let merge_28 = (0..2).map(|_| Separable::new(s, 96, 96, 1)).collect::<Result<_>>()?;
        let (mut scores, mut boxes) = (Vec::new(), Vec::new());
        for (channels, (_, per_cell)) in [24, 48, 288].into_iter().zip(LAYERS) {
            scores.push(Separable::new(s, channels, per_cell, 2)?);
            boxes.push(Separable::new(s, channels, per_cell * VALUES, 2)?);
        }
        source.finish()?;
        Ok(Self {
            stem,
            stem_depthwise,
            stem_project,
            early,
            expand_14,
            lateral_28,
            down_14,
            project_14,
            middle,
            expand_7,
            lateral_14,
            down_7,
            project_7,
            late,
            head,
            head_depthwise,
            up_14,
            merge_14,
            up_28,
            merge_28,
            scores,
            boxes,
        })
    }

    /// The network on inputs of shape [n, 3, 224, 224] in −1 … 1: boxes [n, 2254, 12] and logits [n, 2254, 1].
    ///
    /// # Panics
    /// As every burn operation, if the shape is another one; [`raw`](Self::raw) checks it.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<3>, Tensor<3>) {
        let x = self.stem_project.forward(self.stem_depthwise.active(self.stem.active(x)));
        let x = self.early.iter().fold(x, |x, block| block.forward(x));
        let lateral_28 = relu6(self.lateral_28.linear(x.clone()));
        let x = self.project_14.forward(self.down_14.active(self.expand_14.active(x)));
        let x = self.middle.iter().fold(x, |x, block| block.forward(x));
        let lateral_14 = relu6(self.lateral_14.linear(x.clone()));
        let x = self.project_7.forward(self.down_7.active(self.expand_7.active(x)));
        let x = self.late.iter().fold(x, |x, block| block.forward(x));
        let at_7 = self.head_depthwise.active(self.head.active(x));
        // a 1 x 1 convolution and a bilinear doubling may change places: this order costs a quarter
        let x = relu6(upsample(self.up_14.forward(at_7.clone()))) + lateral_14;
        let at_14 = self.merge_14.iter().fold(x, |x, block| block.linear_residual(x));
        let x = relu6(upsample(self.up_28.forward(at_14.clone()))) + lateral_28;
        let at_28 = self.merge_28.iter().fold(x, |x, block| block.linear_residual(x));
        let layers = [at_28, at_14, at_7].map(depth_to_space);
        let flat = |heads: &[Separable], values: usize| {
            let parts = heads.iter().zip(&layers).map(|(head, x)| {
                let y = head.linear(x.clone()).permute([0, 2, 3, 1]);
                let [n, h, w, c] = y.dims();
                y.reshape([n, h * w * c / values, values])
            });
            Tensor::cat(parts.collect(), 1)
        };
        (flat(&self.boxes, VALUES), flat(&self.scores, 1))
    }

    /// The network's raw answer to one input: 3 planes (red, green, blue) of 224 × 224 values in −1 … 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) or [`Error::NotFinite`](crate::Error::NotFinite) for another input,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn raw(&self, planes: &[f32]) -> Result<DetectorOutput> {
        Mismatch::check("values of the detector's input", 3 * Self::SIZE * Self::SIZE, planes.len())?;
        let (boxes, logits) = self.forward(input(planes, Self::SIZE, &self.stem.device())?);
        Ok(DetectorOutput { regressors: output(boxes)?, logits: output(logits)? })
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
        let square = warp(image, &roi.affine(Self::SIZE), [Self::SIZE; 2], Border::Zero, sampling)?;
        let raw = self.raw(&Self::planes(&square)?)?;
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
