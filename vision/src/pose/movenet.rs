//! MoveNet: 17 joints of one person, fast.

use crate::crop::{Border, Lookup, Sampling, SquareRoi, planes_into, warp_planes_into};
use crate::decode::{MoveNetHeads, MoveNetJoint, movenet};
use crate::networks::{Architecture, Network};
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::error::Mismatch;
use std::path::Path;

/// 17 joints (COCO) of the person nearest to the middle of a picture, with MoveNet lightning.
///
/// **Use it** where one person is in view and speed counts: no detector is needed. **Not** for several persons, nor where
/// depth or the feet are needed: see [`PoseEstimator`](super::PoseEstimator).
///
/// # Formula
/// Whole picture in a black square of 192 × 192 (half-pixel centres) → network → [`movenet`].
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// Joints within 2e-4 of the input's side and the same cells as the published graph (`cargo xtask golden vision`).
///
/// # References
/// Votel, Li 2021, "Next-generation pose detection with MoveNet and TensorFlow.js" (no paper).
#[derive(Debug)]
pub struct MoveNet {
    network: Network,
}

impl MoveNet {
    /// Side of the square input in pixels.
    pub const SIZE: usize = 192;
    /// Names of the joints.
    pub const JOINT_NAMES: [&str; 17] = [
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ];

    /// Loads the weights `movenet_lightning.safetensors`.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::MovenetLightning.load(path, device)? })
    }

    /// The network's four heads for a square picture of 192 × 192.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another size, [`Error::Device`](crate::Error::Device).
    pub fn raw(&self, square: &Image) -> Result<MoveNetHeads> {
        Mismatch::check("width of the input", Self::SIZE, square.width())?;
        let mut planes = vec![0.0; 3 * Self::SIZE * Self::SIZE];
        planes_into(square, 127.5, -1.0, &mut planes)?;
        self.heads(&planes)
    }

    fn heads(&self, planes: &[f32]) -> Result<MoveNetHeads> {
        let mut outputs = self.network.run(planes)?.into_iter();
        let side = self.network.output_shapes().first().map_or(0, |s| s[1]);
        Ok(MoveNetHeads::new(side, std::array::from_fn(|_| outputs.next().unwrap_or_default())))
    }

    /// The joints in a picture (x, y in pixels), in the order of [`JOINT_NAMES`](Self::JOINT_NAMES).
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn estimate(&self, image: &Image) -> Result<Vec<MoveNetJoint>> {
        let roi = SquareRoi::whole(image);
        let mut planes = vec![0.0; 3 * Self::SIZE * Self::SIZE];
        let lookup = Lookup { border: Border::Zero, sampling: Sampling::Exact, divisor: 127.5, offset: -1.0 };
        warp_planes_into(image, &roi.affine_half_pixel(Self::SIZE), Self::SIZE, &lookup, &mut planes)?;
        let mut joints = movenet(&self.heads(&planes)?)?;
        for joint in &mut joints {
            joint.xy = [0, 1].map(|i| roi.centre[i] + (joint.xy[i] - 0.5) * roi.side);
        }
        Ok(joints)
    }
}
