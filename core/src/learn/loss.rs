use super::Targets;
use serde::{Deserialize, Serialize};

/// What boosting lowers, as a function of the sum of trees `f` and the target `y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Loss {
    /// Log loss of the probability 1 / (1 + e⁻ᶠ).
    Logistic,
    /// Half the squared error.
    Squared,
}

impl Loss {
    pub(super) fn of(targets: Targets<'_>) -> Self {
        if targets.is_labels() { Self::Logistic } else { Self::Squared }
    }

    /// The constant that is best.
    pub(super) fn start(self, targets: &[f64], weights: &[f64]) -> f64 {
        let sum: f64 = targets.iter().zip(weights).map(|(y, w)| y * w).sum();
        let mean = sum / weights.iter().sum::<f64>();
        match self {
            Self::Logistic => libm::log(mean / (1.0 - mean)),
            Self::Squared => mean,
        }
    }

    /// First and second derivative in `f`.
    pub(super) fn derivatives(self, f: f64, y: f64) -> (f64, f64) {
        match self {
            Self::Logistic => {
                let p = probability(f);
                (p - y, p * (1.0 - p))
            }
            Self::Squared => (f - y, 1.0),
        }
    }

    /// Twice the weighted mean of the loss.
    pub(super) fn deviance(self, scores: &[f64], targets: &[f64], weights: &[f64]) -> f64 {
        let one = |f: f64, y: f64| match self {
            Self::Logistic => 2.0 * (f.max(0.0) + libm::log1p(libm::exp(-f.abs())) - y * f),
            Self::Squared => (f - y).powi(2),
        };
        let terms = scores.iter().zip(targets).zip(weights).map(|((f, y), w)| w * one(*f, *y));
        terms.sum::<f64>() / weights.iter().sum::<f64>()
    }

    /// Makes predictions of sums of trees.
    pub(super) fn link(self, scores: &mut [f64]) {
        if self == Self::Logistic {
            scores.iter_mut().for_each(|f| *f = probability(*f));
        }
    }
}

fn probability(f: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-f))
}
