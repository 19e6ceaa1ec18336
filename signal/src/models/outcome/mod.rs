//! Acidaemia at birth, foretold from the last hour of a cardiotocogram by a logistic regression: the plain model that
//! every network has to beat.
//!
//! [`outcome_features`] measures, [`OutcomeModel`] says how likely acidaemia is and why, [`OutcomeConfig`] fits one,
//! [`OutcomeStudy`] judges a recipe on deliveries that neither fit nor choice has seen.

mod features;
mod fit;
mod label;
mod model;
mod study;

#[cfg(feature = "models")]
pub(super) use features::end;
pub use features::{OutcomeFeatures, outcome_features};
pub use fit::{OutcomeConfig, Recipe};
pub use label::Acidaemia;
pub use model::{Contribution, OutcomeModel, OutcomePrediction};
pub use study::{OutcomeReport, OutcomeStudy};
