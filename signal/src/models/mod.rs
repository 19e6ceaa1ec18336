//! Models of biosignals.
//!
//! | what | does |
//! |---|---|
//! | `OutcomeModel` (feature `outcome`) | acidaemia at birth, from the last hour of a cardiotocogram: the plain model that others have to beat |
//! | [`Gru`], [`Lstm`], [`Tcn`] of [`CausalConv`], [`causal_attention`] | layers that run trained weights on traces of any length with bounded memory, on plain slices |
//! | [`kl_divergence`], [`vae_loss`], [`free_bits`] … | terms of the losses of variational autoencoders |
//!
//! **Not medical devices.** Each model's card says what it was trained on, how it was measured, and where it fails.

mod attention;
mod causal_conv;
mod gru;
mod lstm;
#[cfg(feature = "outcome")]
mod outcome;
mod recurrent;
mod tcn;
mod vae_terms;

pub use attention::{causal_attention, causal_attention_weights};
pub use causal_conv::{CausalConv, CausalConvState};
pub use gru::{Gru, GruState};
pub use lstm::{Lstm, LstmState};
#[cfg(feature = "outcome")]
#[cfg_attr(docsrs, doc(cfg(feature = "outcome")))]
pub use outcome::{
    Acidaemia, Contribution, OutcomeConfig, OutcomeFeatures, OutcomeModel, OutcomePrediction, OutcomeReport,
    OutcomeStudy, Recipe, outcome_features,
};
pub use tcn::{Tcn, TcnBlock, TcnState};
pub use vae_terms::{VaePenalty, active_units, free_bits, kl_divergence, squared_error, unit_gaussian_nll, vae_loss};
