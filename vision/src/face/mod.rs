//! Faces: where they are, 478 points, 52 blendshapes, expressions; and how to hide them.
//!
//! [`FaceEstimator`] is the whole MediaPipe chain from a picture. The other types are its parts and the networks beside it.
//!
//! | type | gives |
//! |---|---|
//! | [`FaceEstimator`] | detector → turned square → 478 points → 52 blendshapes |
//! | [`FaceDetector`] | faces with six points (BlazeFace, short range or back camera) |
//! | [`FaceMesh`] | 478 (or 468) points in a square of one face |
//! | [`Blendshapes`] | 52 scores from the points |
//! | [`ExpressionNetwork`] | seven classes from a crop of the face; three networks whose labels differ in order |
//! | [`FaceLandmarks68`] | the 68 points of the iBUG scheme |
//! | [`IrisLandmarker`] | 71 points of an eye and 5 of its iris |
//! | [`HeadPose`] | yaw, pitch and roll from the mesh |
//! | [`ExpressionSeries`], [`ExpressionSummary`] | a face over time against its neutral: movements, blinks, symmetry, latency |
//! | [`LiveExpressions`] | the same while it is filmed, in fixed memory |
//! | [`expression_chart`], [`face_map_figure`], [`draw_face_into`] | proxies over time, a map over a face, outlines over the picture |
//! | [`Redaction`] | faces blurred, covered, or replaced by their points before anything is stored |
//!
//! # Intended use
//! Research on movement of the face over time, within one person. **Not a medical device**, and no emotion may be inferred
//! from a picture: seven-class networks agree with each other on two of three faces at best, and the law of the European
//! Union bans inferring emotions at work and in schools except for medical reasons.

mod action_units;
mod blendshapes;
mod contours;
mod detector;
mod estimator;
mod expression;
mod figure;
mod head_pose;
mod landmarks;
mod live;
mod mesh;
mod observation;
mod redaction;
mod series;
mod summary;

pub use action_units::{ACTION_UNIT_PROXIES, ActionUnitProxy};
pub use blendshapes::{BLENDSHAPE_NAMES, Blendshapes, blendshape_points};
pub use contours::{FACE_CONTOURS, draw_face_into};
pub use detector::{FaceDetection, FaceDetector};
pub use estimator::{Face, FaceEstimator, FaceEstimatorConfig};
pub use expression::{Expression, ExpressionNetwork, grey};
pub use figure::{expression_chart, face_map_figure};
pub use head_pose::HeadPose;
pub use landmarks::{FaceLandmarks68, IrisLandmarker};
pub use live::LiveExpressions;
pub use mesh::{FaceMesh, FaceMeshOutput};
pub use observation::{FaceObservation, NeutralFace, ObservedFace, Withheld};
pub use redaction::Redaction;
pub use series::{ExpressionConfig, ExpressionEvent, ExpressionSeries};
pub use summary::{ExpressionSummary, ProxySummary};
