//! The BlazePose full landmark network.

use crate::crop::planes_into;
use crate::networks::{Architecture, Network};
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::Limits;
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
#[derive(Debug)]
pub struct PoseLandmarker {
    network: Network,
}

/// Numbers of the network's outputs without the mask, and of the mask.
const POINTS: [usize; 4] = [0, 1, 2, 3];
const MASK: [usize; 1] = [4];

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

    /// Loads the weights `blazepose_lite.safetensors`: less than half the size, half the time, less exact.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_lite(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::BlazeposeLite.load(path, device)? })
    }

    /// As [`load`](Self::load), from weights that are already read.
    ///
    /// # Errors
    /// As `load`.
    pub fn from_weights(weights: Weights, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::BlazeposeFull.network(weights, device)? })
    }

    /// The network's raw answer to one input: 3 planes (red, green, blue) of 256 × 256 values in 0 … 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) or [`Error::NotFinite`](crate::Error::NotFinite) for another input,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn raw(&self, planes: &[f32]) -> Result<LandmarkerOutput> {
        let mut outputs = self.network.run_some(planes, &POINTS)?.into_iter();
        let mut next = || outputs.next().unwrap_or_default();
        let (landmarks, world_m, presence, heat) = (next(), next(), next(), next());
        Ok(LandmarkerOutput { landmarks, world_m, presence: presence.first().copied().unwrap_or_default(), heat })
    }

    /// The mask of the body for one input (as [`raw`](Self::raw)): 256 × 256 logits (they reach ±1500).
    ///
    /// # Errors
    /// As `raw`.
    pub fn mask(&self, planes: &[f32]) -> Result<Vec<f32>> {
        Ok(self.network.run_some(planes, &MASK)?.pop().unwrap_or_default())
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
