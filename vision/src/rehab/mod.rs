//! Knee exercises recognised and graded by temporal networks that were **trained on simulation**.
//!
//! ```
//! use eir_vision::rehab::{assess, simulation::{SimulationConfig, simulate}};
//! // two to four squats of a simulated subject; in an app the points come from a pose network
//! let film = simulate(&SimulationConfig::default(), 3, 7)?;
//! let found = assess(&film.sequence)?;
//! for repetition in &found.repetitions {
//!     let squat = repetition.squat.as_ref().ok_or("no squat")?;
//!     println!("{:.0}° deep, valgus {:.1} cm, {:?}", squat.depth.value, squat.valgus.value, repetition.feedback());
//! }
//! assert_eq!(found.repetitions.len(), film.squats.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | level | call |
//! |---|---|
//! | a function with defaults | [`assess`] |
//! | configured once, used often | [`Assessor`] with an [`AssessorConfig`]: height, exercise, [`SquatLimits`] |
//! | picture by picture | [`Assessor::live`] |
//!
//! What each measure means, to the sign and the moment, is the code of [`squat_measures`]. Lengths in cm need a scale that
//! two-dimensional points do not have: it is the leg's length, given or 48.9 % of the height, given or 170 cm.
//!
//! It is **not a medical device**, and no patient was measured. See the networks' card ([`Assessor::card`]).

mod assessor;
mod live;
mod measures;
mod network;
mod quality;
mod recognition;
mod repetitions;
mod sequence;
pub mod simulation;
mod window;

pub use assessor::{Assessment, Assessor, AssessorConfig, RepetitionAssessment, assess, training_target, windows};
pub use live::LiveAssessor;
pub use measures::{SpacePoints, SquatMeasures, squat_measures};
pub use network::{VIEWS, view_group};
pub use quality::{Graded, Reason, SquatLimits, SquatQuality, Verdict};
pub use recognition::{ExerciseList, KneeExercise, Recognition};
pub use repetitions::RepetitionSpan;
pub use sequence::{BODY_POINT_NAMES, BODY_POINTS, BodyPoints, BodySequence};
pub use window::RepetitionWindow;
