//! Persons, with YOLOX-nano.

use super::{BoxDetection, kept};
use crate::networks::{Architecture, Network};
use crate::resize::{Letterbox, letterbox};
use crate::{Image, Result};
use burn::tensor::Device;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Numbers per cell: box, object, 80 classes.
const VALUES: usize = 85;
const STRIDES: [usize; 3] = [8, 16, 32];

/// Settings of a [`PersonDetector`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PersonDetectorConfig {
    /// Lowest score that counts, 0 to 1. Default 0.3.
    pub min_score: f64,
    /// Boxes that overlap more than this (intersection over union, 0 to 1) are one person. Default 0.45, as YOLOX.
    pub max_overlap: f64,
}

impl Default for PersonDetectorConfig {
    fn default() -> Self {
        Self { min_score: 0.3, max_overlap: 0.45 }
    }
}

impl PersonDetectorConfig {
    /// Sets [`min_score`](Self::min_score).
    #[must_use]
    pub fn with_min_score(self, min_score: f64) -> Self {
        Self { min_score, ..self }
    }

    /// Sets [`max_overlap`](Self::max_overlap).
    #[must_use]
    pub fn with_max_overlap(self, max_overlap: f64) -> Self {
        Self { max_overlap, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("min_score", self.min_score), ("max_overlap", self.max_overlap)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Parameter::new(name, value, "0 to 1").into());
            }
        }
        Ok(())
    }

    /// Loads the weights `yolox_nano.safetensors`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate) and [`Architecture::load`].
    pub fn load(self, path: &Path, device: &Device) -> Result<PersonDetector> {
        self.validate()?;
        Ok(PersonDetector { network: Architecture::YoloxNano.load(path, device)?, config: self })
    }
}

/// Persons in a picture, with YOLOX-nano.
///
/// **Use it** to find several persons, also lying ones, before a top-down pose network. **Not** for the MediaPipe chain,
/// which has its own detector ([`PoseDetector`](crate::pose::PoseDetector)).
///
/// # Formula
/// Picture into a letterbox of 416 × 416 at the top left, grey 114; then [`yolox_boxes`].
///
/// # Intended use
/// See [`networks`](crate::networks).
///
/// # Validation
/// Raw output within 2e-4 of onnxruntime 1.32.0, boxes within 0.05 px (`cargo xtask golden vision`).
///
/// # References
/// Ge et al. 2021, arXiv:2107.08430.
#[derive(Debug)]
pub struct PersonDetector {
    network: Network,
    config: PersonDetectorConfig,
}

impl PersonDetector {
    /// Side of the square input in pixels.
    pub const SIZE: usize = 416;

    /// Loads the weights `yolox_nano.safetensors` with the default settings.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the file cannot be read or does not fit the network.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        PersonDetectorConfig::default().load(path, device)
    }

    /// The network's raw answer to a picture of 416 × 416: 85 numbers for each of 3549 cells.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another size, [`Error::Device`](crate::Error::Device).
    pub fn raw(&self, letterboxed: &Image) -> Result<Vec<f32>> {
        Mismatch::check("width of the input", Self::SIZE, letterboxed.width())?;
        Mismatch::check("height of the input", Self::SIZE, letterboxed.height())?;
        self.network.first(&bgr_planes(letterboxed))
    }

    /// The persons in a picture, best first.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn detect(&self, image: &Image) -> Result<Vec<BoxDetection>> {
        let (input, placed) = letterbox(image, Self::SIZE, 114)?;
        yolox_boxes(&self.raw(&input)?, 0, &placed, &self.config)
    }
}

/// All blue, then all green, then all red values, 0 to 255.
pub(super) fn bgr_planes(image: &Image) -> Vec<f32> {
    let pixels = image.rgb().as_chunks::<3>().0;
    [2, 1, 0].into_iter().flat_map(|c| pixels.iter().map(move |p| f32::from(p[c]))).collect()
}

/// Boxes of one class in YOLOX's raw output, best first, in pixels of the picture.
///
/// # Formula
/// Cell `g` of stride `t`: centre `(t_xy + g) · t`, size `exp(t_wh) · t`, score `object · class`; then greedy suppression.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) if `raw` does not hold 85 numbers for each of 3549 cells,
/// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Parameter`](crate::Error::Parameter).
pub fn yolox_boxes(
    raw: &[f32],
    class: usize,
    placed: &Letterbox,
    config: &PersonDetectorConfig,
) -> Result<Vec<BoxDetection>> {
    config.validate()?;
    if class >= VALUES - 5 {
        return Err(Parameter::new("class", class as f64, "0 to 79").into());
    }
    let cells = STRIDES.into_iter().flat_map(|t| {
        let n = PersonDetector::SIZE / t;
        (0..n * n).map(move |i| ([(i % n) as f64, (i / n) as f64], t as f64))
    });
    Mismatch::check("values of the detector", 3549 * VALUES, raw.len())?;
    NotFinite::check_f32("detector value", raw)?;
    let mut found = Vec::new();
    for (row, ([gx, gy], t)) in raw.as_chunks::<VALUES>().0.iter().zip(cells) {
        let at = |i: usize| row.get(i).map_or(0.0, |v| f64::from(*v));
        let score = at(4) * at(5 + class);
        if score <= config.min_score {
            continue;
        }
        let (cx, cy) = ((at(0) + gx) * t, (at(1) + gy) * t);
        let (w, h) = (at(2).exp() * t / 2.0, at(3).exp() * t / 2.0);
        let box_xyxy = [cx - w, cy - h, cx + w, cy + h].map(|v| v / placed.ratio);
        if box_xyxy.iter().all(|v| v.is_finite()) {
            found.push(BoxDetection { score, box_xyxy, points: Vec::new() });
        }
    }
    kept(found, config.max_overlap)
}
