//! The mesh of points on one face.

use crate::networks::{Architecture, Network};
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::error::Mismatch;
use std::path::Path;

/// What the mesh network says about one square.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FaceMeshOutput {
    /// x, y in pixels of the input, z in the same unit (smaller is nearer), point by point.
    pub points: Vec<[f32; 3]>,
    /// Probability that there is a face.
    pub presence: f32,
}

/// The mesh of points in a square picture of one face.
///
/// **Use it** through [`FaceEstimator`](super::FaceEstimator), which cuts the square. **Not** on a whole picture.
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// Points within 2e-3 px of onnxruntime 1.32.0 on stored inputs, both networks (`cargo xtask golden vision`).
///
/// # References
/// Kartynnik et al. 2019, doi:10.48550/arXiv.1907.06724; Grishchenko et al. 2020, doi:10.48550/arXiv.2006.10962.
#[derive(Debug)]
pub struct FaceMesh {
    network: Network,
    /// Whether presence comes as a logit.
    logit: bool,
}

impl FaceMesh {
    /// Loads the weights `facemesh_v2_478.safetensors`: 468 points and 10 of the irises, input 256 × 256.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::FacemeshV2.load(path, device)?, logit: true })
    }

    /// Loads the weights `facemesh.safetensors`: 468 points, input 192 × 192.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_468(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::Facemesh.load(path, device)?, logit: false })
    }

    /// Side of the square input in pixels.
    #[must_use]
    pub fn size(&self) -> usize {
        self.network.input_shape()[1]
    }

    /// The network's answer to 3 planes (red, green, blue) in 0 … 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) or [`Error::NotFinite`](crate::Error::NotFinite) for another input,
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn raw(&self, planes: &[f32]) -> Result<FaceMeshOutput> {
        let wanted = if self.logit { [0, 1] } else { [0, 2] };
        let mut outputs = self.network.run_some(planes, &wanted)?.into_iter();
        let points = outputs.next().unwrap_or_default().as_chunks::<3>().0.to_vec();
        let presence = outputs.next().and_then(|p| p.first().copied()).unwrap_or_default();
        let presence = if self.logit { 1.0 / (1.0 + (-presence).exp()) } else { presence };
        Ok(FaceMeshOutput { points, presence })
    }

    /// The network's input values for a square picture of its size.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if the picture has another size.
    pub fn planes(&self, square: &Image) -> Result<Vec<f32>> {
        Mismatch::check("width of the input", self.size(), square.width())?;
        let mut planes = vec![0.0; 3 * self.size() * self.size()];
        crate::crop::planes_into(square, 255.0, 0.0, &mut planes)?;
        Ok(planes)
    }
}
