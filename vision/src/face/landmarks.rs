//! Points of a face or an eye from small networks.

use super::expression::{FACEAPI_SIZE, faceapi_planes};
use crate::crop::{Border, Sampling, SquareRoi, planes_into, warp};
use crate::networks::{Architecture, Network};
use crate::{Image, Result};
use burn::tensor::Device;
use std::path::Path;

/// The 68 points of the iBUG scheme in a face, with face-api's network.
///
/// **Use it** where a method asks for those 68 points. **Not** for fine movement: [`FaceMesh`](super::FaceMesh) has more
/// and better ones.
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// Within 1e-5 of the crop's side of a reference implementation on stored inputs (`cargo xtask golden vision`).
#[derive(Debug)]
pub struct FaceLandmarks68 {
    network: Network,
}

impl FaceLandmarks68 {
    /// Loads the weights `faceapi_face_landmark_68_model.safetensors`.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::FaceapiLandmarks68.load(path, device)? })
    }

    /// The points in a square picture of 112 × 112, as fractions of its side.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another size, [`Error::Device`](crate::Error::Device).
    pub fn raw(&self, square: &Image) -> Result<Vec<[f32; 2]>> {
        Ok(self.network.first(&faceapi_planes(square)?)?.as_chunks::<2>().0.to_vec())
    }

    /// The points of the face in a box of a picture (left, top, right, bottom), in pixels of the picture.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a box without extent, [`Error::Device`](crate::Error::Device).
    pub fn points(&self, image: &Image, box_xyxy: &[f64; 4]) -> Result<Vec<[f64; 2]>> {
        let roi = SquareRoi::about(box_xyxy, 1.0)?;
        let map = roi.affine_half_pixel(FACEAPI_SIZE);
        let square = warp(image, &map, [FACEAPI_SIZE; 2], Border::Zero, Sampling::Exact)?;
        let corner = [roi.centre[0] - roi.side / 2.0, roi.centre[1] - roi.side / 2.0];
        let place = |p: &[f32; 2]| [0, 1].map(|i| corner[i] + f64::from(p[i]) * roi.side);
        Ok(self.raw(&square)?.iter().map(place).collect())
    }
}

/// 71 points of an eye and its brow, and 5 of the iris, in a square picture of 64 × 64 of a left eye.
///
/// **Use it** beside the mesh of 468 points. **Not** beside the one of 478, which has the irises. A right eye must be
/// mirrored first.
///
/// # References
/// Ablavatski et al. 2020, doi:10.48550/arXiv.2006.11341.
#[derive(Debug)]
pub struct IrisLandmarker {
    network: Network,
}

impl IrisLandmarker {
    /// Side of the square input in pixels.
    pub const SIZE: usize = 64;
    /// Points of the eye; those of the iris follow them.
    pub const EYE_POINTS: usize = 71;

    /// Loads the weights `iris.safetensors`.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::Iris.load(path, device)? })
    }

    /// The points (x, y in pixels of the input, z in the same unit): first 71 of the eye, then 5 of the iris.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another size, [`Error::Device`](crate::Error::Device).
    pub fn raw(&self, square: &Image) -> Result<Vec<[f32; 3]>> {
        let mut planes = vec![0.0; 3 * Self::SIZE * Self::SIZE];
        planes_into(square, 255.0, 0.0, &mut planes)?;
        Ok(self.network.first(&planes)?.as_chunks::<3>().0.to_vec())
    }
}
