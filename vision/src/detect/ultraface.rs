//! Faces, with the ultra-light detector RFB-320.

use super::{BoxDetection, kept};
use crate::networks::{Architecture, Network};
use crate::resize::resize_bilinear;
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::error::{Mismatch, Parameter};
use std::path::Path;

/// Smallest sides of a prior and pixels per cell, for each layer of cells.
const LAYERS: [(&[f64], usize); 4] =
    [(&[10.0, 16.0, 24.0], 8), (&[32.0, 48.0], 16), (&[64.0, 96.0], 32), (&[128.0, 192.0, 256.0], 64)];

/// Faces in a picture, with the ultra-light detector RFB-320.
///
/// **Use it** where speed counts more than small faces: the picture is squeezed to 320 × 240. **Not** where points of the
/// face are needed.
///
/// # Formula
/// Priors at the cells' centres, `(column + 0.5) / columns`, sides `s / 320` and `s / 240`; centre
/// `0.1 · raw · prior size + prior centre`, size `prior size · exp(0.2 · raw)`; score by softmax; then greedy suppression.
///
/// # Intended use
/// See [`networks`](crate::networks).
///
/// # Validation
/// Scores and boxes within 2e-4 of onnxruntime 1.32.0 (`cargo xtask golden vision`).
#[derive(Debug)]
pub struct UltrafaceDetector {
    network: Network,
    priors: Vec<[f64; 4]>,
    min_score: f64,
    max_overlap: f64,
}

impl UltrafaceDetector {
    /// Width and height of the input in pixels.
    pub const SIZE: [usize; 2] = [320, 240];

    /// Loads the weights `ultraface_rfb_320.safetensors`; faces of a score above 0.7, overlap at most 0.3.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let network = Architecture::UltrafaceRfb320.load(path, device)?;
        Ok(Self { network, priors: priors(), min_score: 0.7, max_overlap: 0.3 })
    }

    /// Sets the lowest score that counts and the largest overlap of two faces.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a number outside 0 to 1.
    pub fn with_thresholds(self, min_score: f64, max_overlap: f64) -> Result<Self> {
        for (name, value) in [("min_score", min_score), ("max_overlap", max_overlap)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Parameter::new(name, value, "0 to 1").into());
            }
        }
        Ok(Self { min_score, max_overlap, ..self })
    }

    /// Scores and boxes (left, top, right, bottom as fractions) of all 4420 priors for a picture of 320 × 240.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another size, [`Error::Device`](crate::Error::Device).
    pub fn raw(&self, small: &Image) -> Result<Vec<(f64, [f64; 4])>> {
        Mismatch::check("width of the input", Self::SIZE[0], small.width())?;
        Mismatch::check("height of the input", Self::SIZE[1], small.height())?;
        let pixels = small.rgb().as_chunks::<3>().0;
        let planes: Vec<f32> =
            (0..3).flat_map(|c| pixels.iter().map(move |p| (f32::from(p[c]) - 127.0) / 128.0)).collect();
        let mut outputs = self.network.run(&planes)?.into_iter();
        let (boxes, logits) = (outputs.next().unwrap_or_default(), outputs.next().unwrap_or_default());
        let rows = boxes.as_chunks::<4>().0.iter().zip(logits.as_chunks::<2>().0).zip(&self.priors);
        let decode = |((raw, [nothing, face]), [px, py, pw, ph]): ((&[f32; 4], &[f32; 2]), &[f64; 4])| {
            let [x, y, w, h] = raw.map(f64::from);
            let (cx, cy) = (x * 0.1 * pw + px, y * 0.1 * ph + py);
            let (w, h) = ((w * 0.2).exp() * pw / 2.0, (h * 0.2).exp() * ph / 2.0);
            let score = 1.0 / (1.0 + f64::from(nothing - face).exp());
            (score, [cx - w, cy - h, cx + w, cy + h])
        };
        Ok(rows.map(decode).collect())
    }

    /// The faces in a raw answer, best first, as fractions of the picture.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) for a raw answer with values that are not finite.
    pub fn faces(&self, raw: &[(f64, [f64; 4])]) -> Result<Vec<BoxDetection>> {
        let found = raw.iter().filter(|(score, _)| *score > self.min_score);
        let found = found.map(|(score, b)| BoxDetection { score: *score, box_xyxy: *b, points: Vec::new() });
        kept(found.collect(), self.max_overlap)
    }

    /// The faces in a picture, best first.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn detect(&self, image: &Image) -> Result<Vec<BoxDetection>> {
        let [width, height] = Self::SIZE;
        let small = resize_bilinear(image, width, height)?;
        let mut found = self.faces(&self.raw(&small)?)?;
        let size = [image.width() as f64, image.height() as f64];
        for face in &mut found {
            for (i, v) in face.box_xyxy.iter_mut().enumerate() {
                *v *= size[i % 2];
            }
        }
        Ok(found)
    }
}

/// Centre and size of every prior as fractions of the input.
fn priors() -> Vec<[f64; 4]> {
    let [width, height] = UltrafaceDetector::SIZE.map(|n| n as f64);
    let mut all = Vec::with_capacity(4420);
    for (sides, stride) in LAYERS {
        let t = stride as f64;
        let (columns, rows) = ((width / t).ceil() as usize, (height / t).ceil() as usize);
        for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            let centre = [(column as f64 + 0.5) / columns as f64, (row as f64 + 0.5) / rows as f64];
            for side in sides {
                all.push([centre[0], centre[1], side / width, side / height].map(|v| v.clamp(0.0, 1.0)));
            }
        }
    }
    all
}
