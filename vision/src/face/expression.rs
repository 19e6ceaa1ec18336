//! Seven classes of expression from a crop of a face.

use crate::crop::{Border, Sampling, SquareRoi, warp};
use crate::networks::{Architecture, Network};
use crate::{Error, Image, Result};
use burn::tensor::Device;
use eir_core::error::{Mismatch, Unsupported};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Side of the square that the two grey networks take.
const GREY_SIZE: usize = 64;
/// Side of the square that face-api's networks take.
pub(super) const FACEAPI_SIZE: usize = 112;
/// What face-api subtracts from red, green and blue.
const FACEAPI_MEAN: [f32; 3] = [122.782, 117.001, 104.298];

/// A class of expression, as the data sets of the networks call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Expression {
    /// Angry.
    Angry,
    /// Disgust.
    Disgust,
    /// Fear.
    Fear,
    /// Happy.
    Happy,
    /// Sad.
    Sad,
    /// Surprise.
    Surprise,
    /// Neutral.
    Neutral,
}

/// A network that gives the probability of seven expressions.
///
/// **Use it** as one of several weak signals about a face over time; gate it by the presence of a face. **Not** to say what
/// a person feels, nor on a single picture: the three networks agree on four of six test faces.
///
/// # Formula
/// Square about the face's box, half-pixel centres, black outside: 1.1 times as large and grey for `emotion` and
/// mini-Xception, values `(v / 255 − 0.5) · 2`; as large as the box for face-api, `(v − mean) / 255`, then softmax.
///
/// # Intended use
/// See [the module's page](super).
///
/// # Validation
/// Probabilities within 1e-4 of onnxruntime 1.32.0 (face-api: of a reference implementation) on stored inputs
/// (`cargo xtask golden vision`).
#[derive(Debug)]
pub struct ExpressionNetwork {
    network: Network,
    faceapi: bool,
}

impl ExpressionNetwork {
    /// Loads the weights of [`Architecture::Emotion`], [`Architecture::MiniXception`] or
    /// [`Architecture::FaceapiExpression`].
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another architecture, [`Error::Weights`] if the file cannot be read or does not fit.
    pub fn load(architecture: Architecture, path: &Path, device: &Device) -> Result<Self> {
        let faceapi = match architecture {
            Architecture::Emotion | Architecture::MiniXception => false,
            Architecture::FaceapiExpression => true,
            _ => {
                let what = "an expression from this architecture";
                return Err(Unsupported::new(what, "give Emotion, MiniXception or FaceapiExpression").into());
            }
        };
        Ok(Self { network: architecture.load(path, device)?, faceapi })
    }

    /// The classes in the order of this network's probabilities.
    #[must_use]
    pub fn classes(&self) -> [Expression; 7] {
        use Expression::{Angry, Disgust, Fear, Happy, Neutral, Sad, Surprise};
        if self.faceapi {
            [Neutral, Happy, Sad, Angry, Fear, Disgust, Surprise]
        } else {
            [Angry, Disgust, Fear, Happy, Sad, Surprise, Neutral]
        }
    }

    /// Side of the square input in pixels.
    #[must_use]
    pub fn size(&self) -> usize {
        self.network.input_shape()[1]
    }

    /// The network itself, to be explained: its output is probabilities, face-api's is logits.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The square of a picture that the network sees for the face in a box (left, top, right, bottom).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a box without extent.
    pub fn roi(&self, box_xyxy: &[f64; 4]) -> Result<SquareRoi> {
        SquareRoi::about(box_xyxy, if self.faceapi { 1.0 } else { 1.1 })
    }

    /// The network's input for the face in a box of a picture.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a box without extent.
    pub fn input(&self, image: &Image, box_xyxy: &[f64; 4]) -> Result<Vec<f32>> {
        let size = self.size();
        let map = self.roi(box_xyxy)?.affine_half_pixel(size);
        let grey = if self.faceapi { None } else { Some(grey(image)) };
        self.planes(&warp(grey.as_ref().unwrap_or(image), &map, [size; 2], Border::Zero, Sampling::Exact)?)
    }

    fn planes(&self, square: &Image) -> Result<Vec<f32>> {
        if self.faceapi {
            return faceapi_planes(square);
        }
        Mismatch::check("width of the input", GREY_SIZE, square.width())?;
        Mismatch::check("height of the input", GREY_SIZE, square.height())?;
        let level = |p: &[u8; 3]| (f32::from(luminance(*p)) / 255.0 - 0.5) * 2.0;
        Ok(square.rgb().as_chunks::<3>().0.iter().map(level).collect())
    }

    /// The probabilities for an [`input`](Self::input), in the order of [`classes`](Self::classes).
    ///
    /// # Errors
    /// [`Error::Mismatch`] or [`Error::NotFinite`] for another input, [`Error::Device`] if the device fails.
    pub fn of_input(&self, planes: &[f32]) -> Result<[f64; 7]> {
        let output = self.network.first(planes)?;
        let values = if self.faceapi {
            let largest = output.iter().fold(f32::MIN, |m, v| m.max(*v));
            let shares: Vec<f64> = output.iter().map(|v| f64::from(v - largest).exp()).collect();
            let total: f64 = shares.iter().sum();
            shares.into_iter().map(|v| v / total).collect()
        } else {
            output.into_iter().map(f64::from).collect::<Vec<f64>>()
        };
        values.try_into().map_err(|v: Vec<f64>| Error::from(Mismatch::new("classes", 7, v.len())))
    }

    /// The probabilities for a square picture of the network's size, in the order of [`classes`](Self::classes).
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another size, [`Error::Device`] if the device fails.
    pub fn raw(&self, square: &Image) -> Result<[f64; 7]> {
        self.of_input(&self.planes(square)?)
    }

    /// The probabilities for the face in a box of a picture (left, top, right, bottom).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a box without extent, [`Error::Device`] if the device fails.
    pub fn probabilities(&self, image: &Image, box_xyxy: &[f64; 4]) -> Result<[f64; 7]> {
        self.of_input(&self.input(image, box_xyxy)?)
    }
}

/// The picture without colour: 0.299 red + 0.587 green + 0.114 blue, rounded, in all three channels.
#[must_use]
pub fn grey(image: &Image) -> Image {
    let mut out = image.clone();
    out.rgb_mut().as_chunks_mut::<3>().0.iter_mut().for_each(|p| *p = [luminance(*p); 3]);
    out
}

/// In parts of 2¹⁴, as OpenCV does.
fn luminance([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 4899 + u32::from(g) * 9617 + u32::from(b) * 1868 + 8192) >> 14) as u8
}

/// The planes that face-api's networks take, for a picture of 112 × 112.
pub(super) fn faceapi_planes(square: &Image) -> Result<Vec<f32>> {
    Mismatch::check("width of the input", FACEAPI_SIZE, square.width())?;
    Mismatch::check("height of the input", FACEAPI_SIZE, square.height())?;
    let pixels = square.rgb().as_chunks::<3>().0;
    let planes = FACEAPI_MEAN.iter().enumerate();
    Ok(planes.flat_map(|(c, mean)| pixels.iter().map(move |p| (f32::from(p[c]) - mean) / 255.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_stays_grey() {
        for v in [0, 1, 127, 128, 255] {
            assert_eq!(luminance([v; 3]), v);
        }
        assert_eq!(luminance([255, 0, 0]), 76);
        assert!(faceapi_planes(&Image::filled(3, 3, [0; 3]).unwrap()).is_err());
    }
}
