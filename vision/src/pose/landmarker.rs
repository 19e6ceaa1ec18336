//! The BlazePose full landmark network.

use super::layers::{Conv, InvertedResidual, Separable, Source, relu6, upsample};
use super::{input, output};
use crate::crop::planes_into;
use crate::{Image, Result};
use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};
use eir_core::Limits;
use eir_core::error::Mismatch;
use eir_core::weights::Weights;
use std::path::Path;

/// What the landmark network says, as it comes out of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LandmarkerOutput {
    /// x, y, z in pixels of the input, and the logits of visibility and presence: 5 values for each of 39 points.
    pub landmarks: Vec<f32>,
    /// x, y, z in metres about the mid-hip, axes as the input's, for each of 39 points.
    pub world_m: Vec<f32>,
    /// Probability that there is a person.
    pub presence: f32,
    /// 39 heat maps of 64 × 64 logits, one after the other.
    pub heat: Vec<f32>,
}

/// The BlazePose full landmark network: 33 body points of one person (and 6 auxiliary ones) in a square picture of them.
///
/// **Use it** through [`PoseEstimator`](super::PoseEstimator), which cuts the square. **Not** on a whole picture: it
/// expects the person upright in the middle, hips at the centre.
///
/// A MobileNetV2 trunk with heat maps beside a regression; 3.17 million parameters, 386 million multiply-adds, input
/// 256 × 256 RGB in 0 … 1.
///
/// # Intended use
/// As of the whole chain: see [the module's page](super).
///
/// # Validation
/// Points within 2e-3 px and world points within 5e-5 m of onnxruntime 1.32.0 on stored inputs
/// (`cargo xtask golden vision`).
///
/// # References
/// Bazarevsky et al. 2020, doi:10.48550/arXiv.2006.10204; Grishchenko et al. 2022, doi:10.48550/arXiv.2206.11678.
#[derive(Module, Debug)]
pub struct PoseLandmarker {
    stem: Conv,
    stem_depthwise: Conv,
    stem_project: Conv,
    /// Stages with a branch to the decoder, finest (128 × 128) first, each followed by its blocks.
    stages: Vec<Stage>,
    /// At 8 × 8.
    late: Vec<InvertedResidual>,
    head: Conv,
    head_depthwise: Conv,
    decode_8: Separable,
    mask_64: Separable,
    mask_128: Vec<Separable>,
    mask_256: Vec<Separable>,
    mask: Conv,
    heat: Conv,
    reduce: Separable,
    /// To 4 × 4 and to 2 × 2, each followed by its blocks.
    downs: Vec<Down>,
    landmarks: Conv,
    world: Conv,
    presence: Conv,
}

/// A branch to the decoder, a halving, and blocks after it.
#[derive(Module, Debug)]
struct Stage {
    expand: Conv,
    lateral: Separable,
    depthwise: Conv,
    project: Conv,
    blocks: Vec<InvertedResidual>,
}

impl Stage {
    /// `channels` are those of input, middle, output and branch.
    fn new(s: &mut Source<'_>, [from, middle, to, branch]: [usize; 4], kernel: usize) -> Result<Self> {
        let expand = s.pointwise(from, middle)?;
        let lateral = Separable::new(s, from, branch, 1)?;
        let depthwise = s.depthwise(middle, kernel, 2)?;
        let project = s.pointwise(middle, to)?;
        Ok(Self { expand, lateral, depthwise, project, blocks: Vec::new() })
    }

    fn with_block(mut self, s: &mut Source<'_>, channels: [usize; 3], kernel: usize, skip: bool) -> Result<Self> {
        self.blocks.push(InvertedResidual::new(s, channels, kernel, 1, skip)?);
        Ok(self)
    }

    /// The next stage's input and this one's branch.
    fn forward(&self, x: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let branch = self.lateral.active(x.clone());
        let x = self.project.forward(self.depthwise.active(self.expand.active(x)));
        (self.blocks.iter().fold(x, |x, block| block.forward(x)), branch)
    }
}

/// A halving beside a maximum of 2 × 2 cells, and blocks after it.
#[derive(Module, Debug)]
struct Down {
    halve: Separable,
    blocks: Vec<Separable>,
}

impl Down {
    fn new(s: &mut Source<'_>, blocks: usize) -> Result<Self> {
        let halve = Separable::new(s, 288, 288, 2)?.with_end_padding();
        let blocks = (0..blocks).map(|_| Separable::new(s, 288, 288, 1)).collect::<Result<_>>()?;
        Ok(Self { halve, blocks })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let largest = max_pool2d(x.clone(), MaxPoolOptions::new([2, 2]));
        let x = relu6(largest + self.halve.half_active(x));
        self.blocks.iter().fold(x, |x, block| block.residual(x))
    }
}

/// The network's answers as tensors.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LandmarkerTensors {
    /// [n, 195]: as [`LandmarkerOutput::landmarks`].
    pub landmarks: Tensor<2>,
    /// [n, 117]: as [`LandmarkerOutput::world_m`].
    pub world_m: Tensor<2>,
    /// [n, 1].
    pub presence: Tensor<2>,
    /// [n, 39, 64, 64].
    pub heat: Tensor<4>,
}

impl PoseLandmarker {
    /// Side of the square input in pixels.
    pub const SIZE: usize = 256;
    /// Points that the network gives: 33 of the body, 6 auxiliary.
    pub const POINTS: usize = 39;
    /// Side of a heat map in cells.
    pub const HEAT_SIDE: usize = 64;

    /// Loads the weights `blazepose_full.safetensors`.
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
        let stages = vec![
            Stage::new(s, [16, 64, 24, 8], 3)?.with_block(s, [24, 144, 24], 3, true)?,
            Stage::new(s, [24, 144, 32, 48], 5)?.with_block(s, [32, 192, 32], 5, true)?,
            Stage::new(s, [32, 192, 64, 48], 3)?
                .with_block(s, [64, 384, 64], 3, true)?
                .with_block(s, [64, 384, 64], 3, true)?
                .with_block(s, [64, 384, 88], 5, false)?
                .with_block(s, [88, 528, 88], 5, true)?
                .with_block(s, [88, 528, 88], 5, true)?,
            Stage::new(s, [88, 528, 144, 48], 5)?,
        ];
        let late = (0..3).map(|_| InvertedResidual::new(s, [144, 864, 144], 5, 1, true)).collect::<Result<_>>()?;
        let head = s.pointwise(144, 864)?;
        let head_depthwise = s.depthwise(864, 3, 1)?;
        let decode_8 = Separable::new(s, 864, 48, 1)?;
        let mask_64 = Separable::new(s, 48, 8, 1)?;
        let mask_128 = (0..2).map(|_| Separable::new(s, 8, 8, 1)).collect::<Result<_>>()?;
        let mask_256 = (0..2).map(|_| Separable::new(s, 8, 8, 1)).collect::<Result<_>>()?;
        let mask = s.conv([8, 1], 3, 1)?;
        let heat = s.pointwise(48, Self::POINTS)?;
        let reduce = Separable::new(s, 864, 288, 1)?;
        let downs = vec![Down::new(s, 4)?, Down::new(s, 5)?];
        let landmarks = s.conv([288, 5 * Self::POINTS], 2, 1)?.with_padding(0);
        let world = s.conv([288, 3 * Self::POINTS], 2, 1)?.with_padding(0);
        let presence = s.conv([288, 1], 2, 1)?.with_padding(0);
        source.finish()?;
        Ok(Self {
            stem,
            stem_depthwise,
            stem_project,
            stages,
            late,
            head,
            head_depthwise,
            decode_8,
            mask_64,
            mask_128,
            mask_256,
            mask,
            heat,
            reduce,
            downs,
            landmarks,
            world,
            presence,
        })
    }

    /// The network on inputs of shape [n, 3, 256, 256] in 0 … 1, without the mask of the body.
    ///
    /// # Panics
    /// As every burn operation, if the shape is another one; [`raw`](Self::raw) checks it.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> LandmarkerTensors {
        self.run(x).0
    }

    /// As [`forward`](Self::forward), and the mask of the body [n, 1, 256, 256] (logits; they reach ±1500).
    ///
    /// # Panics
    /// As `forward`.
    #[must_use]
    pub fn forward_with_mask(&self, x: Tensor<4>) -> (LandmarkerTensors, Tensor<4>) {
        let (tensors, at_64, at_128) = self.run(x);
        let x = relu6(self.mask_64.half_active(at_64));
        let x = self.mask_128.iter().fold(upsample(x) + at_128, |x, block| block.residual(x));
        let x = self.mask_256.iter().fold(upsample(x), |x, block| block.residual(x));
        (tensors, self.mask.forward(x))
    }

    /// The answers, and what the mask needs: the decoder's 64 × 64 cells and the branch of 128 × 128.
    fn run(&self, x: Tensor<4>) -> (LandmarkerTensors, Tensor<4>, Tensor<4>) {
        let mut x = self.stem_project.forward(self.stem_depthwise.active(self.stem.active(x)));
        let mut branches = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let (next, branch) = stage.forward(x);
            branches.push(branch);
            x = next;
        }
        let x = self.late.iter().fold(x, |x, block| block.forward(x));
        let x = self.head_depthwise.active(self.head.active(x));
        let mut branches = branches.into_iter();
        let at_128 = branches.next().unwrap_or_else(|| x.clone()); // there are four
        let at_64 = branches.rev().fold(self.decode_8.active(x.clone()), |y, branch| upsample(y) + branch);
        let y = self.downs.iter().fold(self.reduce.active(x), |y, down| down.forward(y));
        let flat = |t: Tensor<4>| -> Tensor<2> {
            let [n, c, h, w] = t.dims();
            t.reshape([n, c * h * w])
        };
        let tensors = LandmarkerTensors {
            landmarks: flat(self.landmarks.forward(y.clone())),
            world_m: flat(self.world.forward(y.clone())),
            presence: sigmoid(flat(self.presence.forward(y))),
            heat: self.heat.forward(at_64.clone()),
        };
        (tensors, at_64, at_128)
    }

    /// The network's raw answer to one input: 3 planes (red, green, blue) of 256 × 256 values in 0 … 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) or [`Error::NotFinite`](crate::Error::NotFinite) for another input,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn raw(&self, planes: &[f32]) -> Result<LandmarkerOutput> {
        Mismatch::check("values of the landmark network's input", 3 * Self::SIZE * Self::SIZE, planes.len())?;
        let tensors = self.forward(input(planes, Self::SIZE, &self.stem.device())?);
        Ok(LandmarkerOutput {
            landmarks: output(tensors.landmarks)?,
            world_m: output(tensors.world_m)?,
            presence: output(tensors.presence)?.first().copied().unwrap_or_default(),
            heat: output(tensors.heat)?,
        })
    }

    /// The mask of the body for one input (as [`raw`](Self::raw)): 256 × 256 logits.
    ///
    /// # Errors
    /// As `raw`.
    pub fn mask(&self, planes: &[f32]) -> Result<Vec<f32>> {
        Mismatch::check("values of the landmark network's input", 3 * Self::SIZE * Self::SIZE, planes.len())?;
        output(self.forward_with_mask(input(planes, Self::SIZE, &self.stem.device())?).1)
    }

    /// The network's input values for a square picture of 256 × 256 pixels.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if the picture has another size.
    pub fn planes(square: &Image) -> Result<Vec<f32>> {
        let mut planes = vec![0.0; 3 * Self::SIZE * Self::SIZE];
        planes_into(square, 255.0, 0.0, &mut planes)?;
        Ok(planes)
    }
}
