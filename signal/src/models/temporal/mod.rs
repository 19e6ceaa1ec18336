//! Networks that read the last hour as a sequence, and foretell acidaemia at birth.

#[cfg(feature = "train")]
mod network;
mod sequence;
#[cfg(feature = "train")]
mod study;

pub use sequence::CtgSequence;
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub use study::{TemporalModel, TemporalStudy};

use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// pH limits that one network serves: far more deliveries then say something than the few with the outcome itself.
#[cfg(feature = "train")]
const LIMITS: [f64; 5] = [7.05, 7.10, 7.15, 7.20, 7.25];

/// What a temporal model is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TemporalKind {
    /// Causal dilated convolutions.
    #[default]
    Tcn,
    /// A gated recurrent unit.
    Gru,
}

/// Settings of a temporal model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TemporalConfig {
    /// What it is made of. Default [`TemporalKind::Tcn`].
    pub kind: TemporalKind,
    /// Channels or states, 1 to 256. Default 16: there are few deliveries.
    pub width: usize,
    /// Share of inputs that a training step leaves out, 0 to below 1. Default 0.3.
    pub dropout: f64,
    /// Passes over the deliveries, at least 1. Default 30.
    pub epochs: usize,
    /// Learning rate, above 0. Default 3e-3.
    pub learning_rate: f64,
    /// Decay of the weights, at least 0. Default 0.05.
    pub weight_decay: f64,
    /// Seed of weights and batches. Default 0.
    pub seed: u64,
}

impl Default for TemporalConfig {
    fn default() -> Self {
        Self {
            kind: TemporalKind::Tcn,
            width: 16,
            dropout: 0.3,
            epochs: 30,
            learning_rate: 3e-3,
            weight_decay: 0.05,
            seed: 0,
        }
    }
}

impl TemporalConfig {
    /// Sets [`kind`](Self::kind).
    #[must_use]
    pub fn with_kind(self, kind: TemporalKind) -> Self {
        Self { kind, ..self }
    }

    /// Sets [`width`](Self::width).
    #[must_use]
    pub fn with_width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// Sets [`dropout`](Self::dropout).
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets [`epochs`](Self::epochs).
    #[must_use]
    pub fn with_epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Parameter`] names the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        for (name, value, holds, rule) in [
            ("width", self.width as f64, (1..=256).contains(&self.width), "1 to 256"),
            ("dropout", self.dropout, (0.0..1.0).contains(&self.dropout), "0 to below 1"),
            ("epochs", self.epochs as f64, self.epochs > 0, "at least 1"),
            ("learning_rate", self.learning_rate, positive(self.learning_rate), "finite and above 0"),
            ("weight_decay", self.weight_decay, self.weight_decay == 0.0 || positive(self.weight_decay), "at least 0"),
        ] {
            if !holds {
                return Err(Parameter::new(name, value, rule).into());
            }
        }
        Ok(())
    }
}
