//! An evaluation protocol that is fixed before the test set is opened.
//!
//! A [`Protocol`] says what is to be shown and how; sealing it takes its SHA-256. The test set lies in a [`HeldOut`], which
//! opens once, and only with a sealed protocol. The hash goes into the report, so that a reader can see that nothing was
//! chosen afterwards.
//!
//! ```
//! use eir_core::protocol::{HeldOut, Protocol, Sealed, Threshold};
//! let held_out = HeldOut::new(vec![0.2, 0.9]); // scores and labels of the test set, say
//! // … develop, tune, decide; then:
//! let sealed = Protocol::new("pH ≤ 7.05 is foreseen from the last hour of the cardiotocogram", "AUROC")
//!     .with_threshold(Threshold::Fixed(0.5))
//!     .with_sample_size("40 of 550 events: a half width of the interval of 0.08 at AUROC 0.75")
//!     .seal()?;
//! let file = sealed.to_json();
//! let opened = held_out.open(&Sealed::from_json(&file)?);
//! assert_eq!(opened.protocol_hash(), sealed.hash());
//! assert_eq!(opened.data().len(), 2);
//! # Ok::<(), eir_core::Error>(())
//! ```
//!
//! # References
//! Collins et al. 2024 (TRIPOD+AI), doi:10.1136/bmj-2023-078378; Sounderajah et al. 2025 (STARD-AI),
//! Nature Medicine.

use crate::Error;
use crate::error::{Malformed, TooShort};
use crate::estimate::check_level;
use crate::split::Rule;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What will be shown, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Protocol {
    /// The claim, with population and outcome.
    pub question: String,
    /// The one metric that decides.
    pub primary_metric: String,
    /// Metrics that are reported beside it.
    pub secondary_metrics: Vec<String>,
    /// How scores become decisions.
    pub threshold: Threshold,
    /// How the data of development are divided; none if there is one fixed test set.
    pub split: Option<Rule>,
    /// Confidence level of the intervals (0.95).
    pub level: f64,
    /// Seed of every random choice of the evaluation (0).
    pub seed: u64,
    /// Why the test set is large enough.
    pub sample_size: String,
}

/// How scores become decisions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Threshold {
    /// No decisions are judged.
    None,
    /// A score from this on is positive.
    Fixed(f64),
    /// The score that reaches this sensitivity on data of development.
    SensitivityInDevelopment(f64),
    /// The score that reaches this specificity on data of development.
    SpecificityInDevelopment(f64),
}

impl Protocol {
    /// A protocol for one claim and the metric that decides it.
    #[must_use]
    pub fn new(question: impl Into<String>, primary_metric: impl Into<String>) -> Self {
        Self {
            question: question.into(),
            primary_metric: primary_metric.into(),
            secondary_metrics: Vec::new(),
            threshold: Threshold::None,
            split: None,
            level: 0.95,
            seed: 0,
            sample_size: String::new(),
        }
    }

    /// Adds a metric that is reported beside the primary one.
    #[must_use]
    pub fn with_secondary_metric(mut self, metric: impl Into<String>) -> Self {
        self.secondary_metrics.push(metric.into());
        self
    }

    /// Fixes how scores become decisions.
    #[must_use]
    pub fn with_threshold(self, threshold: Threshold) -> Self {
        Self { threshold, ..self }
    }

    /// Fixes how the data of development are divided.
    #[must_use]
    pub fn with_split(self, rule: Rule) -> Self {
        Self { split: Some(rule), ..self }
    }

    /// Fixes the level of the intervals.
    #[must_use]
    pub fn with_level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Fixes the seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Says why the test set is large enough.
    #[must_use]
    pub fn with_sample_size(self, reason: impl Into<String>) -> Self {
        Self { sample_size: reason.into(), ..self }
    }

    /// Seals it: from here on it has a hash and does not change.
    ///
    /// # Errors
    /// A question, a primary metric or a reason for the sample size that is missing; a level outside 0 to 1; a threshold
    /// that is not finite.
    pub fn seal(self) -> Result<Sealed, Error> {
        let texts = [
            ("characters of the question", &self.question),
            ("characters of the primary metric", &self.primary_metric),
            ("characters of the reason for the sample size", &self.sample_size),
        ];
        if let Some((what, text)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(TooShort::new(what, text.trim().len(), 1).into());
        }
        check_level(self.level)?;
        if let Threshold::SensitivityInDevelopment(share) | Threshold::SpecificityInDevelopment(share) = self.threshold
        {
            check_level(share)?;
        }
        if let Threshold::Fixed(threshold) = self.threshold {
            crate::error::NotFinite::check_f64("threshold", &[threshold])?;
        }
        let hash = self.hash();
        Ok(Sealed { protocol: self, hash })
    }

    /// SHA-256 of the protocol's JSON, in which fields have a fixed order and numbers their shortest form.
    fn hash(&self) -> String {
        // a structure of texts and numbers always has a JSON form
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A protocol that is fixed, with its hash.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sealed {
    protocol: Protocol,
    hash: String,
}

impl Sealed {
    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Its SHA-256, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The file to keep, and to register before the test set is opened.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// [`Error::Malformed`] for another format, and for a protocol that was changed after it was sealed.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            protocol: Protocol,
            hash: String,
        }
        let file: File = serde_json::from_str(text).map_err(|e| {
            Malformed::at("evaluation protocol", e.line() as u64, "a field is missing, unknown or of another type")
        })?;
        let sealed = file.protocol.seal()?;
        if sealed.hash == file.hash {
            Ok(sealed)
        } else {
            Err(Malformed::new("evaluation protocol", "it was changed after it was sealed").into())
        }
    }
}

/// A test set that nobody has looked at. It opens once, and only with a sealed protocol.
pub struct HeldOut<T> {
    data: T,
}

impl<T> std::fmt::Debug for HeldOut<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeldOut(closed)")
    }
}

impl<T> HeldOut<T> {
    /// Puts the test set away.
    #[must_use]
    pub fn new(data: T) -> Self {
        Self { data }
    }

    /// Opens it.
    #[must_use]
    pub fn open(self, protocol: &Sealed) -> Opened<T> {
        Opened { data: self.data, protocol_hash: protocol.hash.clone() }
    }
}

/// A test set that is being used, with the hash of the protocol that it was opened for.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened<T> {
    data: T,
    protocol_hash: String,
}

impl<T> Opened<T> {
    /// The test set.
    #[must_use]
    pub fn data(&self) -> &T {
        &self.data
    }

    /// The hash for the report.
    #[must_use]
    pub fn protocol_hash(&self) -> &str {
        &self.protocol_hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_after_sealing_is_found() {
        let rule = Rule::Folds { folds: 5, seed: 3 };
        let sealed = Protocol::new("q", "AUROC").with_split(rule).with_sample_size("all there are").seal().unwrap();
        let file = sealed.to_json();
        assert_eq!(Sealed::from_json(&file).unwrap(), sealed);
        let text = |file: String| Sealed::from_json(&file).unwrap_err().to_string();
        assert!(text(file.replace("AUROC", "AUPRC")).contains("changed after it was sealed"));
        assert!(text(file.replace("0.95", "2")).contains("level is 2"));
        assert!(text(file.replace("\"level\"", "\"lever\"")).contains("a field is missing"));
        assert!(Protocol::new("q", "AUROC").seal().unwrap_err().to_string().contains("sample size"));
    }

    #[test]
    fn the_hash_is_fixed_for_ever() {
        let sealed = Protocol::new("q", "AUROC").with_sample_size("r").seal().unwrap();
        assert_eq!(sealed.hash(), "847a529a71eb3af2e562d80953d61ba0d2ebfe1db89fad1a544f89af4619956d");
    }
}
