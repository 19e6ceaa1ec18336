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
//! | [`Redaction`] | faces blurred, covered, or replaced by their points before anything is stored |
//!
//! # Intended use
//! Research on movement of the face over time, within one person. **Not a medical device**, and no emotion may be inferred
//! from a picture: seven-class networks agree with each other on two of three faces at best, and the law of the European
//! Union bans inferring emotions at work and in schools except for medical reasons.

mod blendshapes;
mod detector;
mod estimator;
mod expression;
mod landmarks;
mod mesh;
mod redaction;

pub use blendshapes::{BLENDSHAPE_NAMES, Blendshapes, blendshape_points};
pub use detector::{FaceDetection, FaceDetector};
pub use estimator::{Face, FaceEstimator, FaceEstimatorConfig};
pub use expression::{Expression, ExpressionNetwork, grey};
pub use landmarks::{FaceLandmarks68, IrisLandmarker};
pub use mesh::{FaceMesh, FaceMeshOutput};
pub use redaction::Redaction;
