//! Knee kinematics from key points: angle over time, smoothing, repetitions, range of motion.
//!
//! ```
//! use eir_vision::kinematics::{ExerciseConfig, knee_flexion_series};
//!
//! // hip above knee; the ankle swings back four times: 0 to 90 degrees and back in 3 s each, 30 pictures a second
//! let swing = |i: usize| (i as f64 / 90.0 * std::f64::consts::TAU).cos() * -45.0 + 45.0;
//! let point = |deg: f64| [(300.0 * deg.to_radians().sin()) as f32, (300.0 * deg.to_radians().cos()) as f32];
//! let (hip, knee) = (vec![[0.0, -300.0]; 360], vec![[0.0, 0.0]; 360]);
//! let ankle: Vec<[f32; 2]> = (0..360).map(|i| point(swing(i))).collect();
//!
//! let flexion = knee_flexion_series(&hip, &knee, &ankle)?;
//! let exercise = ExerciseConfig::default().with_rest_deg(0.0).build(30.0)?.analyse(&flexion)?;
//! assert_eq!(exercise.repetitions.len(), 4);
//! assert!((exercise.rom_deg.unwrap() - 90.0).abs() < 0.5);
//! # Ok::<(), eir_vision::Error>(())
//! ```

mod angles;
mod chain;
mod exercise;
mod export;
mod feedback;
mod frontal;
mod joint_coordinates;
mod kalman;
mod knee;
mod leg;
mod live;
mod one_euro;
mod report;
mod savitzky_golay;
mod smoothing;
mod smoothness;
mod swaps;
mod view;

pub use angles::{angle_series, ankle_dorsiflexion_deg, hip_flexion_deg, included_angle_deg, trunk_lean_deg};
pub(crate) use exercise::RepetitionScratch;
pub use exercise::{Exercise, ExerciseAnalysis, ExerciseConfig, Repetition, analyse};
pub use export::{csv, mot, trc};
pub use feedback::{Feedback, Targets};
pub use frontal::frontal_plane_projection_deg;
pub use joint_coordinates::{KneeRotation, knee_rotation};
pub use kalman::{KalmanConfig, KalmanScratch, KalmanSmoother, MotionModel, SmoothTrack};
pub use knee::{Side, knee_flexion_deg, knee_flexion_series, limb_symmetry_percent, sagittal, symmetry_index_percent};
pub use leg::{LegAnalysis, LegConfig, LegMotion, LegTracks};
pub use live::{LiveConfig, LiveKnee, LivePhase, LiveRepetition, LiveState};
pub use one_euro::{DerivativeOf, OneEuro, OneEuroConfig, OneEuroStream, one_euro};
pub use report::{ExerciseReport, Phase, RepetitionReport};
pub use savitzky_golay::{SavitzkyGolay, SavitzkyGolayConfig};
pub use smoothing::{
    ButterworthConfig, MedianEnds, ZeroPhaseLowPass, fill_gaps, fill_track_gaps, median_filter, median_filter_with,
};
pub use smoothness::{log_dimensionless_jerk, spectral_arc_length};
pub use swaps::{SwapRepair, mend_swaps};
pub use view::{View, ViewEstimate};
