//! Approximate entropy.

use super::sample::embedding;
use super::{Measure, Neighbours, Similarity, check, enough};
use crate::Result;
use serde::{Deserialize, Serialize};

/// The approximate entropy of `x` with `m = 2` and a tolerance of 0.2 standard deviations.
///
/// # Errors
/// As [`ApproximateEntropyConfig::of`].
pub fn approximate_entropy(x: &[f64]) -> Result<f64> {
    ApproximateEntropyConfig::default().of(x)
}

/// Settings of the approximate entropy.
///
/// **Use it** to compare with older work. **Not** in new work on short series: it counts each stretch as alike to
/// itself, which pulls short series towards regularity; [`sample_entropy`](super::sample_entropy) does not.
///
/// # Formula
/// `|Φ(m) − Φ(m+1)|` with `Φ(m)` the mean over the `n − (m−1)·delay` stretches of `ln(share of stretches alike to it,
/// itself included)`.
///
/// # Examples
/// ```
/// let x: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
/// assert!(eir_signal::entropy::approximate_entropy(&x)? < 1e-4); // Pincus' example of a regular series
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `entropy_approximate` within 1e-9 for `m` 1 to 3 on all series of the golden set.
///
/// # References
/// Pincus 1991, doi:10.1073/pnas.88.6.2297.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApproximateEntropyConfig {
    /// Values in a stretch, 1 to 10. Default 2.
    pub dimension: usize,
    /// Values from one of a stretch to its next, 1 or more. Default 1.
    pub delay: usize,
    /// How close is alike. Default 0.2 standard deviations.
    pub tolerance: Similarity,
}

impl Default for ApproximateEntropyConfig {
    fn default() -> Self {
        Self { dimension: 2, delay: 1, tolerance: Similarity::OfDeviation(0.2) }
    }
}

impl ApproximateEntropyConfig {
    /// Sets [`dimension`](Self::dimension).
    #[must_use]
    pub fn with_dimension(self, dimension: usize) -> Self {
        Self { dimension, ..self }
    }
    /// Sets [`delay`](Self::delay).
    #[must_use]
    pub fn with_delay(self, delay: usize) -> Self {
        Self { delay, ..self }
    }
    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(self, tolerance: Similarity) -> Self {
        Self { tolerance, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        embedding(self.dimension, self.delay, 1..=10, "1 to 10")?;
        self.tolerance.validate()
    }

    /// The approximate entropy of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite);
    /// [`NoAnswer`](super::NoAnswer) for fewer than `m·delay + 2` values and for values that do not vary.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x, &mut Neighbours::default())?)
    }

    pub(crate) fn measure(&self, x: &[f64], buffers: &mut Neighbours) -> Measure {
        enough(x, self.dimension.saturating_mul(self.delay).saturating_add(2))?;
        let radius = self.tolerance.of(x)?;
        let mut phi = |length: usize| {
            let counts = buffers.counts(x, length, self.delay, radius);
            let n = counts.len() as f64;
            counts.iter().map(|c| (f64::from(*c) / n).ln()).sum::<f64>() / n
        };
        Ok((phi(self.dimension) - phi(self.dimension + 1)).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(approximate_entropy(&[2.0; 100]).unwrap_err().to_string().contains("do not vary"));
        assert!(approximate_entropy(&[2.0, 1.0, 3.0]).is_err());
        assert!(approximate_entropy(&[2.0, f64::INFINITY, 3.0, 1.0, 1.0]).is_err());
        assert!(ApproximateEntropyConfig::default().with_dimension(11).of(&[1.0, 2.0]).is_err());
    }
}
