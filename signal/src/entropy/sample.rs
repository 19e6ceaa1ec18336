//! Sample entropy.

use super::{Measure, Neighbours, NoAnswer, check, deviation, enough, finite};
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// How close two values must be to count as alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Similarity {
    /// This many standard deviations (n − 1) of the series; 0.2 is usual.
    OfDeviation(f64),
    /// This distance, in the unit of the series.
    Within(f64),
}

impl Similarity {
    /// The distance for the series `x`.
    pub(crate) fn of(self, x: &[f64]) -> Measure {
        let sd = deviation(x)?;
        finite(match self {
            Self::OfDeviation(share) => share * sd,
            Self::Within(distance) => distance,
        })
    }

    pub(crate) fn validate(self) -> Result<()> {
        let (Self::OfDeviation(value) | Self::Within(value)) = self;
        if value.is_finite() && value > 0.0 {
            return Ok(());
        }
        Err(Parameter::new("tolerance", value, "finite and above 0").into())
    }
}

/// The sample entropy of `x` with `m = 2` and a tolerance of 0.2 standard deviations.
///
/// # Errors
/// As [`SampleEntropyConfig::of`].
pub fn sample_entropy(x: &[f64]) -> Result<f64> {
    SampleEntropyConfig::default().of(x)
}

/// Settings of the sample entropy.
///
/// **Use it** to ask how often what was alike for `m` values stays alike for one more; on intervals between beats, at
/// least 200 of them. **Not** on a series with a trend or with artefacts (both raise the standard deviation, and with it
/// the tolerance), nor to compare series of different sampling.
///
/// # Formula
/// `−ln(A/B)`: `B` pairs of the `n − m·delay` stretches of `m` values are alike (no distance above the tolerance), `A` of
/// them in the next value, too; no stretch is compared with itself. `A` and `B` are exact.
///
/// # Examples
/// ```
/// use eir_signal::entropy::{SampleEntropyConfig, Similarity};
/// let x: Vec<f64> = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 3.0].to_vec();
/// let found = SampleEntropyConfig::default().with_tolerance(Similarity::Within(0.1)).of(&x)?;
/// assert!((found - (6.0f64 / 4.0).ln()).abs() < 1e-12); // 6 pairs of (1, 2) or (2, 1), 4 of them go on alike
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `entropy_sample` within 1e-9 for `m` 1 to 3 on all series of the golden set.
///
/// # References
/// Richman, Moorman 2000, doi:10.1152/ajpheart.2000.278.6.H2039.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SampleEntropyConfig {
    /// Values in a stretch, 1 to 10. Default 2.
    pub dimension: usize,
    /// Values from one of a stretch to its next, 1 or more. Default 1.
    pub delay: usize,
    /// How close is alike. Default 0.2 standard deviations.
    pub tolerance: Similarity,
}

impl Default for SampleEntropyConfig {
    fn default() -> Self {
        Self { dimension: 2, delay: 1, tolerance: Similarity::OfDeviation(0.2) }
    }
}

impl SampleEntropyConfig {
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
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        embedding(self.dimension, self.delay, 1..=10, "1 to 10")?;
        self.tolerance.validate()
    }

    /// The sample entropy of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer than
    /// `m·delay + 2` values, for values that do not vary, and where no stretch is repeated.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x, &mut Neighbours::default())?)
    }

    /// As [`of`](Self::of) on values that are known to be finite, in buffers that are used again.
    pub(crate) fn measure(&self, x: &[f64], buffers: &mut Neighbours) -> Measure {
        enough(x, self.dimension.saturating_mul(self.delay).saturating_add(2))?;
        let radius = self.tolerance.of(x)?;
        let pairs = buffers.pairs(x, self.dimension, self.delay, radius);
        if pairs.of_m_and_next == 0 {
            return Err(NoAnswer::NoMatch);
        }
        Ok(-(pairs.of_m_and_next as f64 / pairs.of_m as f64).ln())
    }
}

/// Checks dimension and delay of an embedding.
pub(crate) fn embedding(
    dimension: usize,
    delay: usize,
    range: std::ops::RangeInclusive<usize>,
    rule: &'static str,
) -> Result<()> {
    if !range.contains(&dimension) {
        return Err(Parameter::new("dimension", dimension as f64, rule).into());
    }
    if !(1..=1 << 20).contains(&delay) {
        return Err(Parameter::new("delay", delay as f64, "1 to 1048576").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_there_is_no_answer() {
        let rising: Vec<f64> = (0..30).map(|i| f64::from(i * i)).collect();
        let narrow = SampleEntropyConfig::default().with_tolerance(Similarity::Within(0.1));
        assert!(narrow.of(&rising).unwrap_err().to_string().contains("no two stretches"));
        assert!(sample_entropy(&[]).unwrap_err().to_string().contains("at least 4"));
        assert!(sample_entropy(&[1.0, f64::NAN, 2.0, 3.0, 4.0]).unwrap_err().to_string().contains("value 1"));
        assert!(narrow.with_dimension(0).of(&rising).is_err() && narrow.with_delay(0).of(&rising).is_err());
        assert!(narrow.with_delay(1 << 20).of(&rising).is_err());
        assert!(narrow.with_tolerance(Similarity::Within(f64::NAN)).of(&rising).is_err());
    }

    #[test]
    fn a_shift_and_a_scale_change_nothing() {
        let x: Vec<f64> = (0..400u32).map(|i| f64::from(i * i % 101) + f64::from(i % 7)).collect();
        let moved: Vec<f64> = x.iter().map(|v| 4.0 * v + 1024.0).collect();
        assert_eq!(sample_entropy(&x).unwrap(), sample_entropy(&moved).unwrap());
    }
}
