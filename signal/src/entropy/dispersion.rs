//! Dispersion entropy.

use super::sample::embedding;
use super::{Measure, bits, check, deviation, enough, mean};
use crate::Result;
use eir_core::distribution::normal_cdf;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The dispersion entropy of `x` with 6 classes and `m = 3`, between 0 and 1.
///
/// # Errors
/// As [`DispersionEntropyConfig::of`].
pub fn dispersion_entropy(x: &[f64]) -> Result<f64> {
    DispersionEntropyConfig::default().of(x)
}

/// Settings of the dispersion entropy.
///
/// **Use it** as permutation entropy where sizes matter and values are often equal. **Not** on fewer values than
/// patterns (`classes^m`).
///
/// # Formula
/// Each value gets a class, `1 + ⌊c Φ((x − mean)/sd)⌋`, at most `c`; entropy of how often each pattern of `m` classes
/// occurs, over its largest value, `ln c^m`. (NeuroKit2 divides bits by natural units: its values are these over ln 2.)
///
/// # Examples
/// ```
/// let saw: Vec<f64> = (0..600).map(|i| f64::from(i % 6)).collect();
/// let found = eir_signal::entropy::dispersion_entropy(&saw)?;
/// assert!(found > 0.3 && found < 0.34); // 6 of 216 patterns: 1/3, less a little for the ends
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Times 1/ln 2 it equals NeuroKit2 0.2.13 `entropy_dispersion` within 1e-9 on all series of the golden set.
///
/// # References
/// Rostaghi, Azami 2016, doi:10.1109/LSP.2016.2542881.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DispersionEntropyConfig {
    /// Classes, 2 to 100. Default 6.
    pub classes: usize,
    /// Values in a pattern, 1 to 8. Default 3.
    pub dimension: usize,
    /// Values from one of a pattern to its next, 1 or more. Default 1.
    pub delay: usize,
}

impl Default for DispersionEntropyConfig {
    fn default() -> Self {
        Self { classes: 6, dimension: 3, delay: 1 }
    }
}

impl DispersionEntropyConfig {
    /// Sets [`classes`](Self::classes).
    #[must_use]
    pub fn with_classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }
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

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(2..=100).contains(&self.classes) {
            return Err(Parameter::new("classes", self.classes as f64, "2 to 100").into());
        }
        embedding(self.dimension, self.delay, 1..=8, "1 to 8")
    }

    /// The dispersion entropy of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`](super::NoAnswer) for
    /// fewer values than one pattern has and for values that do not vary.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        let reach = (self.dimension - 1).saturating_mul(self.delay);
        enough(x, reach.saturating_add(2))?;
        let (mean, sd) = (mean(x), deviation(x)?);
        let c = self.classes as f64;
        let class = |v: &f64| ((c * normal_cdf((v - mean) / sd)) as u64).min(self.classes as u64 - 1);
        let classes: Vec<u64> = x.iter().map(class).collect();
        let mut patterns: BTreeMap<u64, u32> = BTreeMap::new();
        for at in 0..classes.len() - reach {
            let code = (0..self.dimension).fold(0, |code, k| code * self.classes as u64 + classes[at + k * self.delay]);
            *patterns.entry(code).or_default() += 1;
        }
        let nats = bits(patterns.values().map(|n| f64::from(*n))) * std::f64::consts::LN_2;
        Ok(nats / (self.dimension as f64 * c.ln()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(dispersion_entropy(&[2.0; 100]).unwrap_err().to_string().contains("do not vary"));
        assert!(dispersion_entropy(&[2.0, 1.0, 3.0]).is_err());
        let config = DispersionEntropyConfig::default();
        assert!(config.with_classes(1).of(&[1.0, 2.0]).is_err() && config.with_dimension(9).of(&[1.0, 2.0]).is_err());
    }
}
