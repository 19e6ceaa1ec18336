//! Faces with five points, with YuNet-n.

use super::person::bgr_planes;
use super::{BoxDetection, kept};
use crate::networks::{Architecture, Network};
use crate::resize::{pad_to, resize_area};
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::Limits;
use eir_core::error::Parameter;
use eir_core::weights::Weights;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const STRIDES: [usize; 3] = [8, 16, 32];

/// What YuNet says about every cell of one stride.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct YunetOutput {
    /// Pixels of the input per cell.
    pub stride: usize,
    /// Probability of a face per cell.
    pub class: Vec<f32>,
    /// Probability of any object per cell.
    pub object: Vec<f32>,
    /// Four numbers per cell: offset of the centre, logarithm of the size, in cells.
    pub boxes: Vec<f32>,
    /// Ten numbers per cell: five points from the cell, in cells.
    pub points: Vec<f32>,
}

/// Faces of any size in a picture, each with right eye, left eye, nose and both corners of the mouth (right and left are
/// the subject's), with YuNet-n.
///
/// **Use it** for several and for small faces. **Not** for the MediaPipe chain, which has its own detector
/// ([`FaceDetector`](crate::face::FaceDetector)).
///
/// # Formula
/// Pictures whose longer side exceeds 640 pixels are shrunk to it (means over areas); then padded with black at the right
/// and below to multiples of 32. Per cell `i` of stride `t`: score `√(class · object)`, centre `(i + b_xy) · t`, size
/// `exp(b_wh) · t`, point `(i + k) · t`; then greedy suppression.
///
/// # Intended use
/// See [`networks`](crate::networks).
///
/// # Validation
/// Raw rows within 2e-4 of onnxruntime 1.32.0, boxes and points within 0.05 px, the same faces as OpenCV 5.0.0's
/// `FaceDetectorYN` (`cargo xtask golden vision`).
///
/// # References
/// Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y.
#[derive(Debug)]
pub struct YunetFaceDetector {
    weights: Weights,
    device: Device,
    /// The networks of the sizes that were last seen.
    networks: Mutex<Vec<([usize; 2], Arc<Network>)>>,
    min_score: f64,
    max_overlap: f64,
}

impl YunetFaceDetector {
    /// Longer side to which larger pictures are shrunk.
    pub const MAX_SIDE: usize = 640;
    /// Sizes of pictures that are kept ready.
    const KEPT: usize = 4;

    /// Loads the weights `yunet_n.safetensors`; faces of a score above 0.6, overlap at most 0.3.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let weights = Weights::open(path, &Limits::default())?;
        // fails here rather than at the first picture
        Architecture::YunetN { width: 32, height: 32 }.network(weights.clone(), device)?;
        let networks = Mutex::default();
        Ok(Self { weights, device: device.clone(), networks, min_score: 0.6, max_overlap: 0.3 })
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

    fn network(&self, size: [usize; 2]) -> Result<Arc<Network>> {
        let mut known = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, network)) = known.iter().find(|(s, _)| *s == size) {
            return Ok(network.clone());
        }
        let [width, height] = size;
        let network = Architecture::YunetN { width, height }.network(self.weights.clone(), &self.device)?;
        let network = Arc::new(network);
        if known.len() == Self::KEPT {
            known.remove(0);
        }
        known.push((size, network.clone()));
        Ok(network)
    }

    /// The network's raw answer to a picture whose sides are multiples of 32.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for other sides, [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn raw(&self, padded: &Image) -> Result<Vec<YunetOutput>> {
        let network = self.network([padded.width(), padded.height()])?;
        let mut outputs = network.run(&bgr_planes(padded))?;
        let mut take =
            |head: usize, level: usize| outputs.get_mut(3 * head + level).map(std::mem::take).unwrap_or_default();
        let levels = STRIDES.into_iter().enumerate().map(|(n, stride)| YunetOutput {
            stride,
            class: take(0, n),
            object: take(1, n),
            boxes: take(2, n),
            points: take(3, n),
        });
        Ok(levels.collect())
    }

    /// The network's input for a picture, and by how much it was shrunk.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if nothing of a side is left.
    pub fn input(image: &Image) -> Result<(Image, f64)> {
        let longer = image.width().max(image.height());
        let scale = (Self::MAX_SIDE as f64 / longer as f64).min(1.0);
        let side = |n: usize| ((n as f64 * scale).round_ties_even() as usize).max(1);
        let (w, h) = (side(image.width()), side(image.height()));
        let small = if scale < 1.0 { resize_area(image, w, h)? } else { image.clone() };
        Ok((pad_to(&small, w.next_multiple_of(32), h.next_multiple_of(32))?, scale))
    }

    /// The faces in a picture, best first.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn detect(&self, image: &Image) -> Result<Vec<BoxDetection>> {
        let (input, scale) = Self::input(image)?;
        let mut found = self.faces(&self.raw(&input)?, input.width())?;
        for face in &mut found {
            face.box_xyxy = face.box_xyxy.map(|v| v / scale);
            face.points.iter_mut().for_each(|p| *p = p.map(|v| v / scale));
        }
        Ok(found)
    }

    /// The faces in a raw answer for an input of that width, best first, in pixels of the input.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) for a raw answer with values that are not finite.
    pub fn faces(&self, raw: &[YunetOutput], width: usize) -> Result<Vec<BoxDetection>> {
        let mut found = Vec::new();
        for level in raw {
            let (stride, n) = (level.stride as f64, (width / level.stride.max(1)).max(1));
            let rows = level.class.iter().zip(&level.object);
            let rows = rows.zip(level.boxes.as_chunks::<4>().0).zip(level.points.as_chunks::<10>().0);
            for (i, (((class, object), shape), points)) in rows.enumerate() {
                let score = (f64::from(*class).clamp(0.0, 1.0) * f64::from(*object).clamp(0.0, 1.0)).sqrt();
                if score <= self.min_score {
                    continue;
                }
                let (gx, gy) = ((i % n) as f64, (i / n) as f64);
                let [bx, by, bw, bh] = shape.map(f64::from);
                let (cx, cy) = ((gx + bx) * stride, (gy + by) * stride);
                let (w, h) = (bw.exp() * stride / 2.0, bh.exp() * stride / 2.0);
                let place = |[x, y]: &[f32; 2]| [(f64::from(*x) + gx) * stride, (f64::from(*y) + gy) * stride];
                let points = points.as_chunks::<2>().0.iter().map(place).collect();
                found.push(BoxDetection { score, box_xyxy: [cx - w, cy - h, cx + w, cy + h], points });
            }
        }
        kept(found, self.max_overlap)
    }
}
