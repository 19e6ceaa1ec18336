//! Prediction sets and intervals that hold the truth as often as they say, whatever the model.
//!
//! | question | answer |
//! |---|---|
//! | how often may it be wrong? | [`Alpha`], with ranks that are exact |
//! | how far may it be off, and what is guaranteed? | [`Threshold`] |
//! | which classes? | [`SetPredictor`] with [`Lac`], [`Aps`] or [`Raps`]; over all, by class, by group |
//! | between which numbers? | [`IntervalPredictor`] on a [`Prediction`]: split, normalised, CQR; over all, by group |
//! | … without cases set aside? | [`CvPlus`], [`cv_plus`], [`jackknife_plus`] |
//! | … where patients differ from those before? | [`WeightedThreshold`] |
//! | … where they drift? | [`Adaptive`] |
//! | how strange is this case? | [`PValues`] |
//! | are they still the same patients? | [`ExchangeabilityMonitor`], [`SimpleJumper`] |
//!
//! The promise needs cases that are exchangeable: calibration and new cases from the same hospital, protocol and time,
//! and several rows of one patient counted as one. It holds on average over all cases, not for each kind of patient;
//! by class and by group it holds for each of these.
//!
//! ```
//! use eir_core::{Rows, conformal::{Alpha, Aps, SetPredictor}};
//! let probabilities = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.2, 0.3, 0.5, 0.6, 0.3, 0.1, 0.2, 0.5, 0.3];
//! let labels = [0, 1, 2, 1, 1];
//! let predictor = SetPredictor::new(Aps::deterministic()).with_alpha(Alpha::new(0.2)?);
//! let fitted = predictor.fit(Rows::new(&probabilities, 3)?, &labels)?;
//! let sets = fitted.predict(Rows::new(&[0.55, 0.4, 0.05], 3)?)?;
//! assert_eq!(sets.of(0), [0]); // 0.55 ≤ q = 0.9, but 0.55 + 0.4 is more
//! # Ok::<(), eir_core::Error>(())
//! ```

mod adaptive;
mod alpha;
mod cross;
mod interval;
mod martingale;
mod p_value;
mod rank;
mod score;
mod sets;
mod threshold;
mod weighted;

pub use adaptive::{Adaptive, AdaptiveStream};
pub use alpha::Alpha;
pub use cross::{CvPlus, FittedCvPlus, cv_plus, jackknife_plus};
pub use interval::{FittedIntervals, IntervalPredictor, Intervals, Prediction};
pub use martingale::{ExchangeabilityMonitor, SimpleJumper};
pub use p_value::PValues;
pub use score::{Aps, ClassScore, Lac, Raps};
pub use sets::{FittedSets, SetPredictor, Sets};
pub use threshold::{SmallGroup, Threshold};
pub use weighted::WeightedThreshold;
