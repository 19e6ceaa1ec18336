//! Boxes out of pictures: persons and faces, and the suppression of boxes that mean the same thing.
//!
//! | type | finds |
//! |---|---|
//! | [`PersonDetector`] | persons, with YOLOX-nano |
//! | [`YunetFaceDetector`] | faces of any size with five points, with YuNet-n |
//! | [`UltrafaceDetector`] | faces on a fixed grid, fast, with RFB-320 |
//! | [`suppress`], [`SoftSuppression`] | keep the best of overlapping boxes, or weigh the others down |

#[cfg(feature = "models")]
mod person;
mod suppression;
#[cfg(feature = "models")]
mod ultraface;
#[cfg(feature = "models")]
mod yunet;

#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub use person::{PersonDetector, PersonDetectorConfig, yolox_boxes};
pub use suppression::{Decay, SoftSuppression, overlap, suppress};
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub use ultraface::UltrafaceDetector;
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub use yunet::{YunetFaceDetector, YunetOutput};

use serde::{Deserialize, Serialize};

/// A box, how sure the detector is, and the points that it gives with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BoxDetection {
    /// How sure the detector is, 0 to 1.
    pub score: f64,
    /// Left, top, right, bottom in pixels of the picture.
    pub box_xyxy: [f64; 4],
    /// Points in pixels of the picture; none if the detector gives none.
    pub points: Vec<[f64; 2]>,
}

/// The detections that are kept: those of at least `min_score` that the better ones do not cover.
#[cfg(feature = "models")]
fn kept(mut found: Vec<BoxDetection>, max_overlap: f64) -> crate::Result<Vec<BoxDetection>> {
    let boxes: Vec<[f64; 4]> = found.iter().map(|d| d.box_xyxy).collect();
    let scores: Vec<f64> = found.iter().map(|d| d.score).collect();
    let order = suppress(&boxes, &scores, max_overlap)?;
    let empty = BoxDetection { score: 0.0, box_xyxy: [0.0; 4], points: Vec::new() };
    Ok(order.into_iter().filter_map(|i| found.get_mut(i).map(|d| std::mem::replace(d, empty.clone()))).collect())
}
