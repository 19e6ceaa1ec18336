use super::Schedule;
use crate::error::Parameter;
use burn::optim::{
    AdamConfig, AdamWConfig, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig, momentum::MomentumConfig,
};
use serde::{Deserialize, Serialize};

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainConfig {
    /// Passes over the data, at least 1. Default 100.
    pub epochs: usize,
    /// Examples per step, at least 1; the last batch of an epoch may be smaller. Default 32.
    pub batch: usize,
    /// Learning rate before the schedule, above 0. Default 1e-3 (Adam's usual one).
    pub learning_rate: f64,
    /// How the learning rate changes. Default constant.
    pub schedule: Schedule,
    /// The rule of the step. Default AdamW with a weight decay of 1e-4.
    pub optimiser: Optimiser,
    /// Longest gradient (Euclidean norm over all parameters) that is used as it is; a longer one is shortened to it.
    /// Above 0; none for no clipping. Default none.
    pub clip_norm: Option<f64>,
    /// When to stop before the last epoch. Default never.
    pub early_stopping: Option<EarlyStopping>,
    /// Seed of the order of batches, of the steps' random choices and of dropout. Default 0.
    pub seed: u64,
}

/// Stops when the monitored loss (of the validation data, else of training) does not fall any more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without a better loss before it stops, at least 1.
    pub patience: usize,
    /// By how much a loss must be lower to count as better, at least 0.
    pub min_delta: f64,
}

/// The rule of a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Optimiser {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).
    AdamW {
        /// Share of the weights that a step of rate 1 takes away, at least 0.
        weight_decay: f64,
    },
    /// Adam (Kingma & Ba 2015, arXiv:1412.6980).
    Adam,
    /// Gradient descent, with momentum where it is above 0.
    Sgd {
        /// Share of the last step that goes into the next, 0 to below 1.
        momentum: f64,
        /// Weight of the squared norm of the parameters in the loss, at least 0.
        weight_decay: f64,
    },
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch: 32,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            optimiser: Optimiser::AdamW { weight_decay: 1e-4 },
            clip_norm: None,
            early_stopping: None,
            seed: 0,
        }
    }
}

impl TrainConfig {
    /// Sets [`epochs`](Self::epochs).
    #[must_use]
    pub fn with_epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets [`batch`](Self::batch).
    #[must_use]
    pub fn with_batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// Sets [`learning_rate`](Self::learning_rate).
    #[must_use]
    pub fn with_learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }

    /// Sets [`schedule`](Self::schedule).
    #[must_use]
    pub fn with_schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// Sets [`optimiser`](Self::optimiser).
    #[must_use]
    pub fn with_optimiser(self, optimiser: Optimiser) -> Self {
        Self { optimiser, ..self }
    }

    /// Sets [`clip_norm`](Self::clip_norm).
    #[must_use]
    pub fn with_clip_norm(self, norm: f64) -> Self {
        Self { clip_norm: Some(norm), ..self }
    }

    /// Sets [`early_stopping`](Self::early_stopping).
    #[must_use]
    pub fn with_early_stopping(self, patience: usize, min_delta: f64) -> Self {
        Self { early_stopping: Some(EarlyStopping { patience, min_delta }), ..self }
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Parameter`] names the first that lies outside its range.
    pub fn validate(&self) -> Result<(), Parameter> {
        let check =
            |holds: bool, name, value, rule| if holds { Ok(()) } else { Err(Parameter::new(name, value, rule)) };
        check(self.epochs >= 1, "epochs", self.epochs as f64, "at least 1")?;
        check(self.batch >= 1, "batch", self.batch as f64, "at least 1")?;
        let positive = |v: f64| v > 0.0 && v.is_finite();
        let share = |v: f64| v >= 0.0 && v.is_finite();
        check(positive(self.learning_rate), "learning_rate", self.learning_rate, "finite and above 0")?;
        let norm = self.clip_norm.unwrap_or(1.0);
        check(positive(norm), "clip_norm", norm, "finite and above 0")?;
        if let Some(EarlyStopping { patience, min_delta }) = self.early_stopping {
            check(patience >= 1, "patience", patience as f64, "at least 1")?;
            check(share(min_delta), "min_delta", min_delta, "finite and at least 0")?;
        }
        let (momentum, decay) = match self.optimiser {
            Optimiser::AdamW { weight_decay } => (0.0, weight_decay),
            Optimiser::Adam => (0.0, 0.0),
            Optimiser::Sgd { momentum, weight_decay } => (momentum, weight_decay),
        };
        check((0.0..1.0).contains(&momentum), "momentum", momentum, "from 0 to below 1")?;
        check(share(decay), "weight_decay", decay, "finite and at least 0")?;
        self.schedule.validate()
    }
}

impl Optimiser {
    pub(super) fn init(self) -> ModuleOptimizer {
        match self {
            Self::AdamW { weight_decay } => AdamWConfig::new().with_weight_decay(weight_decay as f32).init(),
            Self::Adam => AdamConfig::new().init(),
            Self::Sgd { momentum, weight_decay } => {
                let decay = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32));
                let momentum =
                    (momentum > 0.0).then(|| MomentumConfig::new().with_momentum(momentum).with_dampening(0.0));
                SgdConfig::new().with_weight_decay(decay).with_momentum(momentum).init()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_is_named() {
        let name = |config: TrainConfig| config.validate().map_err(|e| e.name);
        assert_eq!(name(TrainConfig::default()), Ok(()));
        assert_eq!(name(TrainConfig::default().with_batch(0)), Err("batch"));
        assert_eq!(name(TrainConfig::default().with_learning_rate(f64::NAN)), Err("learning_rate"));
        assert_eq!(name(TrainConfig::default().with_clip_norm(0.0)), Err("clip_norm"));
        assert_eq!(name(TrainConfig::default().with_early_stopping(0, 0.0)), Err("patience"));
        let heavy = Optimiser::Sgd { momentum: 1.0, weight_decay: 0.0 };
        assert_eq!(name(TrainConfig::default().with_optimiser(heavy)), Err("momentum"));
    }
}
