use crate::error::Parameter;
use serde::{Deserialize, Serialize};

/// How the learning rate changes over the training.
///
/// Every rate is a function of the step and of the losses so far: nothing else is kept, so that a resumed training has
/// the same rates.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// The same from the first step to the last.
    #[default]
    Constant,
    /// Up in a straight line for some steps, then down along half a cosine (Loshchilov & Hutter 2017, arXiv:1608.03983):
    /// with `w` steps of warming up and `n` in all, step `s` (from 0) has the factor `(s + 1) / w` up to `w`, then
    /// `floor + (1 - floor) (1 + cos(π (s - w) / (n - w))) / 2`.
    Cosine {
        /// Steps (not epochs) of warming up.
        warm_up_steps: usize,
        /// The factor at the end, 0 to 1.
        floor: f64,
    },
    /// Times `factor` after every `every` epochs.
    Step {
        /// Epochs between two changes, at least 1.
        every: usize,
        /// What the rate is multiplied with, above 0, at most 1.
        factor: f64,
    },
    /// Times `factor` whenever the monitored loss has not fallen for more than `patience` epochs (as PyTorch's
    /// `ReduceLROnPlateau` with an absolute threshold of 0).
    Plateau {
        /// Epochs without a better loss that are waited for.
        patience: usize,
        /// What the rate is multiplied with, above 0, below 1.
        factor: f64,
    },
}

impl Schedule {
    pub(super) fn validate(&self) -> Result<(), Parameter> {
        match *self {
            Self::Cosine { floor, .. } if !(0.0..=1.0).contains(&floor) => {
                Err(Parameter::new("floor", floor, "from 0 to 1"))
            }
            Self::Step { every: 0, .. } => Err(Parameter::new("every", 0.0, "at least 1")),
            Self::Step { factor, .. } if !(factor > 0.0 && factor <= 1.0) => {
                Err(Parameter::new("factor", factor, "above 0, at most 1"))
            }
            Self::Plateau { factor, .. } if !(factor > 0.0 && factor < 1.0) => {
                Err(Parameter::new("factor", factor, "above 0, below 1"))
            }
            _ => Ok(()),
        }
    }

    /// The factor of the learning rate in step `step` of `steps`, which lies in `epoch`; `losses` are those of the epochs
    /// before.
    ///
    /// ```
    /// use eir_core::train::Schedule;
    /// let cosine = Schedule::Cosine { warm_up_steps: 2, floor: 0.0 };
    /// assert_eq!([0, 1, 2, 6].map(|s| cosine.factor(s, 10, 0, &[])), [0.5, 1.0, 1.0, 0.5]);
    /// assert_eq!(Schedule::Step { every: 10, factor: 0.1 }.factor(0, 0, 10, &[]), 0.1);
    /// let plateau = Schedule::Plateau { patience: 1, factor: 0.5 };
    /// assert_eq!(plateau.factor(0, 0, 4, &[3.0, 2.0, 2.5, 2.0]), 0.5);
    /// ```
    #[must_use]
    pub fn factor(&self, step: usize, steps: usize, epoch: usize, losses: &[f64]) -> f64 {
        match *self {
            Self::Constant => 1.0,
            Self::Cosine { warm_up_steps, .. } if step < warm_up_steps => (step + 1) as f64 / warm_up_steps as f64,
            Self::Cosine { warm_up_steps, floor } => {
                let length = steps.saturating_sub(warm_up_steps).max(1) as f64;
                let way = ((step - warm_up_steps) as f64 / length).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * way))
            }
            Self::Step { every, factor } => libm::pow(factor, (epoch / every.max(1)) as f64),
            Self::Plateau { patience, factor } => {
                let (mut best, mut waited, mut drops) = (f64::INFINITY, 0, 0);
                for loss in losses {
                    waited = if *loss < best { 0 } else { waited + 1 };
                    best = best.min(*loss);
                    if waited > patience {
                        (waited, drops) = (0, drops + 1);
                    }
                }
                libm::pow(factor, f64::from(drops))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plateaus_are_counted_as_pytorch_does() {
        // torch 2.15.0: ReduceLROnPlateau(patience=2, factor=0.1, threshold=0, threshold_mode="abs")
        let losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8];
        let plateau = Schedule::Plateau { patience: 2, factor: 0.1 };
        let powers: Vec<i32> =
            (0..=losses.len()).map(|n| plateau.factor(0, 0, n, &losses[..n]).log10().round() as i32).collect();
        assert_eq!(powers, [0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -2]);
    }

    #[test]
    fn cosine_ends_at_its_floor() {
        let cosine = Schedule::Cosine { warm_up_steps: 0, floor: 0.2 };
        assert_eq!(cosine.factor(0, 100, 0, &[]), 1.0);
        assert!((cosine.factor(50, 100, 0, &[]) - 0.6).abs() < 1e-12);
        assert_eq!(cosine.factor(100, 100, 0, &[]), 0.2);
        assert_eq!(Schedule::Cosine { warm_up_steps: 5, floor: 0.0 }.factor(5, 5, 0, &[]), 1.0);
        assert!(Schedule::Cosine { warm_up_steps: 5, floor: f64::NAN }.validate().is_err());
    }
}
