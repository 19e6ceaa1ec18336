//! Human pose and faces in pictures and films with published weights, and knee rehabilitation.
//!
//! ```
//! use eir_vision::kinematics::{analyse, knee_flexion_series};
//!
//! // key points of a leg seen from the side, 30 pictures a second: three squats of 3 s to 90 degrees
//! let bend = |i: usize| 45.0f32 - 45.0 * (i as f32 / 90.0 * std::f32::consts::TAU).cos();
//! let ankle: Vec<[f32; 2]> = (0..270).map(|i| bend(i).to_radians()).map(|b| [150.0 * b.sin(), 150.0 * b.cos()]).collect();
//! let flexion = knee_flexion_series(&vec![[0.0, -150.0]; 270], &vec![[0.0, 0.0]; 270], &ankle)?;
//! let exercise = analyse(&flexion, 30.0)?;
//! assert_eq!(exercise.repetitions.len(), 3);
//! assert!((exercise.repetitions[1].peak_deg - 90.0).abs() < 0.5);
//! # Ok::<(), eir_vision::Error>(())
//! ```
//!
//! From a picture to 33 points of the body (feature `models`, weights by path):
#![cfg_attr(feature = "flex", doc = "```no_run")]
#![cfg_attr(not(feature = "flex"), doc = "```ignore")]
//! use eir_vision::{Image, kinematics::Side, pose::PoseEstimator};
//! # use std::path::Path;
//! let device = burn::tensor::Device::flex();
//! let [detector, landmarker] = ["blazepose_detector.safetensors", "blazepose_full.safetensors"].map(Path::new);
//! let estimator = PoseEstimator::load(detector, landmarker, &device)?;
//! let image = Image::read(Path::new("person.jpg"), &eir_core::Limits::default())?;
//! for person in estimator.estimate(&image)? {
//!     println!("right knee: {:.1}°", person.knee_flexion_deg(Side::Right)?);
//! }
//! # Ok::<(), eir_vision::Error>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`Image`] | PNG and JPEG within limits, the way up that the camera noted |
//! | [`crop`] | turned squares, borders, sampling: the conventions of the published networks |
//! | [`detection`] | anchors, scores, weighted suppression |
//! | [`resize`] | letterbox, bilinear and area resizing |
//! | [`decode`] | heat maps, DARK, UDP, SimCC, MoveNet: from scores to joints |
//! | [`detect`] | persons and faces as boxes (feature `models`), hard and soft suppression |
//! | `networks` | every network with published weights, written down once (feature `models`) |
//! | `face` | 478 points, 52 blendshapes, expressions, also over time, redaction (feature `models`) |
//! | [`refine`] | landmarks sharpened by heat maps |
//! | `pose` | BlazePose detector and full landmark network, the whole chain (feature `models`) |
//! | [`skeleton`] | names of the 33 points, bones |
//! | [`kinematics`] | joint angles with error bars, smoothing, repetitions, range of motion, symmetry, joint coordinate system |
//! | `rehab` | knee exercises recognised and squats graded by networks trained on simulation (feature `rehab`, part of `models`) |
//! | [`track`] | who is who from picture to picture |
//! | [`eval`] | how good key points are: OKS, average precision, PCK, MPJPE |
//! | [`overlay`] | the skeleton drawn over the picture |
//! | [`chart`] | the angle over time as SVG |
//! | [`video`] | frames with their times: folders, GIF, Y4M, Motion JPEG, MP4 |
//! | `explain` | which pixels a network's answer rests on (feature `models`) |
//! | `tutorials` | two pages to read: a squat from frames to a report, expressions in a portrait |
//!
//! Without the feature `models` there is no burn in the tree, and everything but the networks is there. The features `flex`,
//! `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda` and `rocm` only forward to burn; which of them computes is the caller's
//! `Device`.
//!
//! What it does **not** do: read H.265 (see [`video`]), infer emotions. It is **not a medical
//! device**: see `pose` for what the networks were made for and where they fail.
#![cfg_attr(docsrs, feature(doc_cfg))]
// what of the kinematics only the live assessment uses
#![cfg_attr(not(feature = "rehab"), allow(dead_code, unused_imports))]

pub mod chart;
pub mod crop;
pub mod decode;
pub mod detect;
pub mod detection;
mod error;
pub mod eval;
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub mod explain;
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub mod face;
mod image;
pub mod kinematics;
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub mod networks;
pub mod overlay;
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub mod pose;
pub mod refine;
#[cfg(feature = "rehab")]
#[cfg_attr(docsrs, doc(cfg(feature = "rehab")))]
pub mod rehab;
pub mod resize;
pub mod skeleton;
pub mod track;
#[cfg(feature = "flex")]
#[cfg_attr(docsrs, doc(cfg(feature = "flex")))]
pub mod tutorials;
pub mod video;

pub use error::{Error, Result};
pub use image::Image;
