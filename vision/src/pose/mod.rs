//! Human pose from one picture with the published BlazePose networks.
//!
//! [`PoseEstimator`] is the whole chain: detector, turned square about the person, landmark network, heat-map
//! refinement, back to the picture; [`PoseTracker`] is its form for a video. [`PoseDetector`] and [`PoseLandmarker`] are its two networks.
//!
//! # Intended use
//! Research, teaching and the development of rehabilitation software. **Not a medical device**: no diagnosis or
//! treatment may rest on it.
//!
//! - *Weights*: MediaPipe `pose_detection` (0.10.21) and `pose_landmark_full` (0.5.1675469404), Apache-2.0, converted
//!   (layout, sparse tensors made dense, half precision kept). They are not part of this crate: give the paths of
//!   `blazepose_detector.safetensors` and `blazepose_full.safetensors`.
//! - *Trained on* pictures of Google's own (about 85 000 in the first paper), one person in the middle; not described
//!   person by person.
//! - *Measured*: knee flexion of MediaPipe against marker-based systems: −2.3 ± 6.4° seen from the side, −13.9 ± 15.1°
//!   over oblique views (literature). The chain itself equals MediaPipe 0.10.21 where [`Sampling::Fixed32`] is set.
//! - *Known to fail*: lying and sitting persons, crowds, limbs outside the picture (points are then invented: look at
//!   their visibility), loose clothes, views along the thigh. Hips are defined about 13 pixels from those of COCO.
//!   World points assume an average body: never report a leg length from them. Left and right are the subject's; a
//!   mirrored picture swaps them.
//!
//! [`Sampling::Fixed32`]: crate::crop::Sampling::Fixed32

mod detector;
mod estimator;
mod landmarker;
mod movenet;
mod tracker;

pub use crate::networks::SelfCheck;
pub use detector::{DetectorOutput, PoseDetector};
pub use estimator::{Landmark, Pose, PoseEstimator, PoseEstimatorConfig};
pub use landmarker::{LandmarkerOutput, PoseLandmarker};
pub use movenet::MoveNet;
pub use tracker::PoseTracker;

use eir_core::weights::Card;

/// The model card of the two networks' published weights (without a hash: it is the file that is hashed).
#[must_use]
pub fn card() -> Card {
    let mut card =
        Card::new("blazepose-full", "human pose in single pictures for research and rehabilitation software");
    card.version = "mediapipe-0.10.21".to_owned();
    card.licence = "Apache-2.0".to_owned();
    card.source =
        "MediaPipe pose_detection.tflite (0.10.21) and pose_landmark_full.tflite (0.5.1675469404), converted \
                   to safetensors: layout changed, sparse tensors made dense"
            .to_owned();
    card.training_data = "Google's own pictures of single persons; not published".to_owned();
    card.limitations = [
        "lying and sitting persons, crowds",
        "limbs outside the picture are invented: look at their visibility",
        "knee flexion is off by -2.3 +- 6.4 degrees from the side and -13.9 +- 15.1 degrees from oblique views",
        "world points assume an average body: no limb lengths",
        "hips lie about 13 px (person of 219 x 347 px) from those of COCO",
    ]
    .map(str::to_owned)
    .to_vec();
    card
}
