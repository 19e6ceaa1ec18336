use super::Alpha;
use crate::Error;
use crate::error::{NotFinite, Parameter};
use crate::order::ascending;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Settings of adaptive conformal inference; `start` gives an [`AdaptiveStream`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Adaptive {
    /// How often the truth may be missed in the long run. Default 1/10.
    pub alpha: Alpha,
    /// Step γ by which each hit or miss moves the level, above 0 and at most 1. Larger follows faster and swings more.
    /// Default 0.005 (Gibbs & Candès 2021).
    pub gamma: f64,
    /// Number of latest scores that thresholds are taken from, 1 or more. Default 500.
    pub window: usize,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { alpha: Alpha::default(), gamma: 0.005, window: 500 }
    }
}

impl Adaptive {
    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(self, alpha: Alpha) -> Self {
        Self { alpha, ..self }
    }

    /// Sets [`gamma`](Self::gamma).
    #[must_use]
    pub fn with_gamma(self, gamma: f64) -> Self {
        Self { gamma, ..self }
    }

    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if !(self.gamma > 0.0 && self.gamma <= 1.0) {
            return Err(Parameter::new("gamma", self.gamma, "above 0, at most 1").into());
        }
        if self.window == 0 {
            return Err(Parameter::new("window", 0.0, "1 or more").into());
        }
        Ok(())
    }

    /// Starts from the scores of earlier cases (none are needed: thresholds are then infinite at first).
    ///
    /// # Errors
    /// A setting out of range, or a score that is not finite.
    pub fn start(&self, scores: &[f64]) -> Result<AdaptiveStream, Error> {
        self.validate()?;
        NotFinite::check_f64("score", scores)?;
        let latest = &scores[scores.len().saturating_sub(self.window)..];
        let mut sorted = latest.to_vec();
        ascending(&mut sorted);
        Ok(AdaptiveStream {
            config: self.clone(),
            level: self.alpha.value(),
            latest: latest.iter().copied().collect(),
            sorted,
        })
    }
}

/// Adaptive conformal inference: a threshold that follows a drift, so that in the long run the truth is missed as often
/// as was asked, whatever happens.
///
/// **Use it** for a stream in which the truth becomes known later, as in home monitoring. **Not** for a promise about
/// the next case: only the average over a long time is held.
///
/// # Formula
/// The threshold is the conformal quantile of the latest scores at level αₜ, −∞ for αₜ ≥ 1 and +∞ for αₜ ≤ 0;
/// αₜ₊₁ = αₜ + γ(α − missₜ). After T cases the share of misses differs from α by at most (max(α, 1 − α) + γ)/(T γ).
///
/// # Examples
/// ```
/// use eir_core::conformal::Adaptive;
/// let mut stream = Adaptive::default().with_gamma(0.1).start(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])?;
/// assert_eq!(stream.threshold(), 9.0);
/// assert!(!stream.observe(20.0)?); // a miss: the level falls, and the next threshold is larger
/// assert!((stream.level() - 0.01).abs() < 1e-12);
/// assert_eq!(stream.threshold(), f64::INFINITY);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # References
/// Gibbs, Candès 2021, arXiv:2106.00170.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdaptiveStream {
    config: Adaptive,
    level: f64,
    latest: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl AdaptiveStream {
    /// The level αₜ of the next threshold; may lie outside 0 to 1.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The threshold for the next case's score.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        if self.level >= 1.0 {
            return f64::NEG_INFINITY;
        }
        // the level is a float that drifts: slack takes the place of a fraction
        let rank = ((self.sorted.len() as f64 + 1.0) * (1.0 - self.level) - 1e-9).ceil().max(1.0);
        self.sorted.get(rank as usize - 1).copied().unwrap_or(f64::INFINITY)
    }

    /// Takes the score of a case whose truth has become known, and says whether it was within the threshold.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; the stream is then as before.
    pub fn observe(&mut self, score: f64) -> Result<bool, Error> {
        NotFinite::check_f64("score", &[score])?;
        let covered = score <= self.threshold();
        self.level += self.config.gamma * (self.config.alpha.value() - if covered { 0.0 } else { 1.0 });
        if self.latest.len() >= self.config.window
            && let Some(oldest) = self.latest.pop_front()
        {
            let place = self.sorted.partition_point(|s| s.total_cmp(&oldest).is_lt());
            self.sorted.drain(place..self.sorted.len().min(place + 1));
        }
        self.latest.push_back(score);
        self.sorted.insert(self.sorted.partition_point(|s| s.total_cmp(&score).is_lt()), score);
        Ok(covered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn misses_stay_within_the_bound_under_drift() {
        for (gamma, window) in [(0.005, 500), (0.05, 100), (0.01, 1)] {
            let config = Adaptive::default().with_gamma(gamma).with_window(window);
            let mut stream = config.start(&[]).unwrap();
            let mut random = Generator::new(1, "drift").stream(0);
            let mut misses = 0;
            for t in 1..=5000usize {
                let spread = 1.0 + t as f64 / 500.0 + if t > 2500 { 20.0 } else { 0.0 };
                misses += usize::from(!stream.observe(spread * random.normal().abs()).unwrap());
                let bound = (0.9 + gamma) / (t as f64 * gamma);
                assert!((misses as f64 / t as f64 - 0.1).abs() <= bound + 1e-12, "{t}");
            }
            assert_eq!(stream.sorted.len(), window);
            assert!(stream.sorted.is_sorted());
        }
    }

    #[test]
    fn borders() {
        assert!(Adaptive::default().with_gamma(0.0).validate().is_err());
        assert!(Adaptive::default().with_window(0).start(&[]).is_err());
        let mut stream = Adaptive::default().start(&[1.0]).unwrap();
        let before = stream.clone();
        assert!(stream.observe(f64::NAN).is_err() && stream == before);
        let text = serde_json::to_string(&stream).unwrap();
        assert_eq!(serde_json::from_str::<AdaptiveStream>(&text).unwrap(), stream);
    }
}
