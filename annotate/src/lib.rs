//! Labels across modalities: one data model, formats without loss, agreement and aggregation.
//!
//! ```
//! use eir_annotate::{DawidSkene, KrippendorffAlpha, Limits, Ratings, TimeBase, WfdbFile, majority_vote};
//!
//! let beats = [18, 112, 77, 4, 37, 5, 0, 0]; // a WFDB annotation file: rhythm at 18, beats at 95 and 388
//! let mut file = WfdbFile::from_bytes(&beats, &Limits::default())?;
//! let clock = TimeBase::samples(360.into())?;
//! let mut document = file.to_document("100", clock)?;
//! document.convert_time(0, TimeBase::milliseconds())?; // exact: 95/360 s = 2375/9 ms
//! file.update(&document, 0, clock)?;
//! assert_eq!(file.to_bytes()?, beats); // byte for byte
//!
//! let votes = [("beat 1", "ann", "N"), ("beat 1", "bob", "N"), ("beat 2", "ann", "V"), ("beat 2", "bob", "N")];
//! let ratings = Ratings::from_triples(votes)?;
//! assert_eq!(majority_vote(&ratings), [0, 0]); // ties go to the first class
//! let alpha = KrippendorffAlpha::default().alpha(&ratings.to_matrix(|class| class as f64), 2)?;
//! assert!(alpha.abs() < 1e-12); // no better than chance
//! assert!(DawidSkene::default().fit(&ratings)?.converged);
//! # Ok::<(), eir_annotate::Error>(())
//! ```
//!
//! | part | what it holds |
//! |---|---|
//! | [`Document`], [`Media`], [`Label`], [`Rater`], [`Annotation`], [`Target`] | the data model |
//! | [`Rational`], [`TimeBase`] | exact times: samples, frames, seconds, milliseconds |
//! | [`WfdbFile`] | WFDB annotation files (`.atr`, `.qrs` …), byte for byte where unedited |
//! | [`CocoFile`], [`Segmentation`] | COCO JSON: instances, keypoints, captions, panoptic, results; byte for byte where unedited |
//! | [`Rle`], [`polygon_mask`] | masks as run lengths, polygons to masks, to the pixel as cocoapi |
//! | [`box_iou`], [`mask_iou`], [`interval_iou`] | overlap |
//! | [`Ratings`], [`majority_vote`], [`DawidSkene`] | who said what, and what is true |
//! | [`CohenKappa`], [`KrippendorffAlpha`] | agreement, with intervals |
//! | [`Timeline`], [`confusion_map`] | figures as SVG |
//!
//! What it does **not** do yet: other formats than WFDB annotations and COCO; clocks that drift; agreement on where an
//! interval lies (gamma, boundary similarity) and on numbers (ICC); aggregation of masks (STAPLE) and of texts; weak
//! supervision and label-noise detection; a store and a review page. It needs no `burn`.

mod coco;
mod coco_document;
mod coco_record;
mod confusion_map;
mod dawid_skene;
mod error;
mod json;
mod kappa;
mod krippendorff;
mod level;
mod model;
mod overlap;
mod polygon;
mod ratings;
mod rle;
mod time;
mod timeline;
mod wfdb;
mod wfdb_document;

pub use coco::{CocoFile, CocoRecord};
pub use coco_record::{CocoAnnotation, CocoCategory, CocoImage, CocoSegment, Segmentation};
pub use confusion_map::confusion_map;
pub use dawid_skene::{DawidSkene, DawidSkeneFit, Stop, dawid_skene};
pub use eir_core::metrics::KappaWeights;
pub use eir_core::{Estimate, Limits};
pub use error::{Error, Result};
pub use kappa::{CohenKappa, Kappa, cohen_kappa};
pub use krippendorff::{KrippendorffAlpha, Measurement, krippendorff_alpha};
pub use model::{
    Annotation, Code, Document, Keypoint, Label, Loss, Media, MediaKind, Provenance, Rater, RaterKind, Target,
    Visibility,
};
pub use overlap::{Crowd, box_iou, interval_iou, mask_iou};
pub use polygon::{box_mask, polygon_mask, polygon_mask_within, polygons_mask};
pub use ratings::{Rating, Ratings, accuracy, majority_vote};
pub use rle::{PixelOrder, Rle};
pub use time::{Rational, TimeBase, TimeUnit};
pub use timeline::{Timeline, timeline};
pub use wfdb::{WfdbAnnotation, WfdbFile, WfdbRecord, wfdb_code, wfdb_header_clock};
