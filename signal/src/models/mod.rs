//! Models of biosignals.
//!
//! | what | does |
//! |---|---|
//! | `OutcomeModel` (feature `outcome`) | acidaemia at birth, from the last hour of a cardiotocogram: the plain model that others have to beat |
//! | [`Gru`], [`Lstm`], [`Tcn`] of [`CausalConv`], [`causal_attention`] | layers that run trained weights on traces of any length with bounded memory, on plain slices |
//! | `CtgVae` (feature `models`) | four minutes of fetal heart rate as 120 numbers and back; how unlike others they are |
//! | `CtgSequence`, `TemporalConfig` (feature `models`; fitted with `train`) | networks that read the codes of the last hour |
//! | `CtgVaeReading` (feature `train`) | which samples of a window a reading rests on, for `eir_core::explain` |
//! | [`kl_divergence`], [`vae_loss`], [`free_bits`] … | terms of the losses of variational autoencoders |
//!
//! **Not medical devices.** Each model's card says what it was trained on, how it was measured, and where it fails.

mod attention;
mod causal_conv;
#[cfg(feature = "train")]
mod explain;
mod gru;
mod lstm;
#[cfg(feature = "outcome")]
mod outcome;
mod recurrent;
mod tcn;
#[cfg(feature = "models")]
mod temporal;
#[cfg(feature = "models")]
mod vae;
mod vae_terms;

pub use attention::{causal_attention, causal_attention_weights};
pub use causal_conv::{CausalConv, CausalConvState};
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub use explain::{CtgReading, CtgVaeReading};
pub use gru::{Gru, GruState};
pub use lstm::{Lstm, LstmState};
#[cfg(feature = "outcome")]
#[cfg_attr(docsrs, doc(cfg(feature = "outcome")))]
pub use outcome::{
    Acidaemia, Contribution, OutcomeConfig, OutcomeFeatures, OutcomeModel, OutcomePrediction, OutcomeReport,
    OutcomeStudy, Recipe, outcome_features,
};
pub use tcn::{Tcn, TcnBlock, TcnState};
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub use temporal::{CtgSequence, TemporalConfig, TemporalKind};
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub use temporal::{TemporalModel, TemporalStudy};
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub use vae::{CtgAnomaly, CtgCode, CtgVae, CtgWindow};
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub use vae::{CtgTrace, CtgVaeConfig};
pub use vae_terms::{VaePenalty, active_units, free_bits, kl_divergence, squared_error, unit_gaussian_nll, vae_loss};
