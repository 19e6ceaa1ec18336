//! 52 blendshape scores from the points of a face.

use crate::networks::{Architecture, Network};
use crate::{Error, Result};
use burn::tensor::Device;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use std::path::Path;

/// Names of the blendshapes (ARKit's), in the order of the scores.
#[rustfmt::skip]
pub const BLENDSHAPE_NAMES: [&str; 52] = [
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight",
];

/// Those of the 478 points of the mesh that the network takes.
#[rustfmt::skip]
const SUBSET: [usize; 146] = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81,
    82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155,
    157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267,
    269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323,
    324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388,
    389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
];

/// The 146 points that [`Blendshapes`] takes, of the 478 of the mesh.
///
/// # Errors
/// [`Error::Mismatch`] for another number of points.
pub fn blendshape_points(mesh_px: &[[f64; 2]]) -> Result<Vec<[f64; 2]>> {
    Mismatch::check("points of the mesh", 478, mesh_px.len())?;
    Ok(SUBSET.iter().filter_map(|i| mesh_px.get(*i)).copied().collect())
}

/// 52 blendshape scores (0 to 1) from the points of a face, with MediaPipe's MLP-mixer.
///
/// **Use it** on the mesh of 478 points, over time and against the person's own neutral face. **Not** as a measure of
/// muscles: a blendshape is a proxy of an action unit at best. `cheekSquint` and `noseSneer` stay near 0 on every face
/// tried: they are dead outputs. Light and size of the face matter.
///
/// # Formula
/// Points minus their mean, over twice their mean distance from it; then the network.
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// Within 1e-4 of onnxruntime 1.32.0 (`cargo xtask golden vision`).
#[derive(Debug)]
pub struct Blendshapes {
    network: Network,
}

impl Blendshapes {
    /// Loads the weights `face_blendshapes.safetensors`.
    ///
    /// # Errors
    /// [`Error::Weights`] if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self { network: Architecture::FaceBlendshapes.load(path, device)? })
    }

    /// The scores for the 146 points of [`blendshape_points`], in pixels of any square-pixel picture.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of points, [`Error::NotFinite`], [`Error::Parameter`] if all points
    /// coincide, [`Error::Device`] if the device fails.
    pub fn scores(&self, points_px: &[[f64; 2]]) -> Result<[f64; 52]> {
        Mismatch::check("points for the blendshapes", SUBSET.len(), points_px.len())?;
        NotFinite::check_f64("point", points_px.as_flattened())?;
        // the network works on half precision's worth of single precision: positions are cut to it first
        let points: Vec<[f64; 2]> = points_px.iter().map(|p| p.map(|v| f64::from(v as f32))).collect();
        let n = points.len() as f64;
        let mean = [0, 1].map(|i| points.iter().map(|p| p[i]).sum::<f64>() / n);
        let distance = |p: &[f64; 2]| (p[0] - mean[0]).hypot(p[1] - mean[1]);
        let size = points.iter().map(distance).sum::<f64>() / n;
        if !(size > 0.0 && size.is_finite()) {
            return Err(Parameter::new("extent of the points", size, "above 0").into());
        }
        let input: Vec<f32> =
            points.iter().flat_map(|p| [0, 1].map(|i| ((p[i] - mean[i]) / size * 0.5) as f32)).collect();
        let scores: Vec<f64> = self.network.first(&input)?.into_iter().map(f64::from).collect();
        scores.try_into().map_err(|v: Vec<f64>| Error::from(Mismatch::new("scores", 52, v.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_points_are_in_order() {
        assert!(SUBSET.is_sorted() && BLENDSHAPE_NAMES.is_sorted());
        let mesh: Vec<[f64; 2]> = (0..478).map(|i| [f64::from(i), 0.0]).collect();
        assert_eq!(blendshape_points(&mesh).unwrap()[145], [477.0, 0.0]);
        assert!(blendshape_points(&mesh[1..]).is_err());
    }
}
