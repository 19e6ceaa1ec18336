//! How good key points are: the measures that papers report.
//!
//! | function | gives |
//! |---|---|
//! | [`oks`], [`oks_matrix`] | similarity of key points to a labelled person, 0 to 1 |
//! | [`keypoint_precision`] | average precision and recall as pycocotools computes them |
//! | [`pck`] | share of points nearer than a part of the body's size |
//! | [`mpjpe`], [`pa_mpjpe`], [`n_mpjpe`] | mean distance after the root, the whole pose, or the size is aligned |

mod oks;
mod pose_error;
mod precision;

pub use oks::{COCO_SIGMAS, KeypointResult, KeypointTruth, oks, oks_matrix};
pub use pose_error::{mpjpe, n_mpjpe, pa_mpjpe, pck};
pub use precision::{KeypointPrecision, PrecisionConfig, keypoint_precision};
