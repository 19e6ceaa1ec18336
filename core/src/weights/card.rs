use super::Error;
use crate::error::{Io, Malformed};
use crate::{Limits, file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// What a user must know about weights before using them: the JSON file beside them.
///
/// ```
/// use eir_core::weights::Card;
/// let mut card = Card::new("ctg-vae", "research on fetal heart rate");
/// card.licence = "ODC-By-1.0".to_owned();
/// card.training_data = "CTU-UHB, 368 records".to_owned();
/// card.seal(b"the file's bytes");
/// assert!(card.verify(b"the file's bytes").is_ok());
/// assert!(card.verify(b"other bytes").is_err());
/// assert!(card.to_json().contains("not a medical device"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Card {
    /// The model's name.
    pub name: String,
    /// Version of the model; weights of another version may have other tensors.
    pub version: String,
    /// SHA-256 of the weights file, in lower-case hexadecimal.
    pub sha256: String,
    /// Licence of the weights (SPDX).
    pub licence: String,
    /// Where the weights come from: the address or the command that makes them.
    pub source: String,
    /// What the model was trained on, with licence and number of records.
    pub training_data: String,
    /// How good it is, measured how and on what.
    pub metrics: Vec<Metric>,
    /// What it is for. Always says that it is not a medical device.
    pub intended_use: String,
    /// Where it is known to fail.
    pub limitations: Vec<String>,
}

/// A measured quality of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Metric {
    /// Its name: "AUROC".
    pub name: String,
    /// Its value.
    pub value: f64,
    /// On what it was measured.
    pub on: String,
}

impl Metric {
    /// `name` is `value` on the data `on`.
    #[must_use]
    pub fn new(name: &str, value: f64, on: &str) -> Self {
        Self { name: name.to_owned(), value, on: on.to_owned() }
    }
}

impl Card {
    /// An otherwise empty card.
    #[must_use]
    pub fn new(name: &str, intended_use: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: "1".to_owned(),
            sha256: String::new(),
            licence: String::new(),
            source: String::new(),
            training_data: String::new(),
            metrics: Vec::new(),
            intended_use: format!("{intended_use}; not a medical device"),
            limitations: Vec::new(),
        }
    }

    /// Reads a card.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Limit`] (a card has at most 1 MiB) or [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = file::read(path, &Limits::default().with_bytes(1 << 20))?;
        Self::from_json(&bytes)
    }

    /// A card from its JSON.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the line, for a missing or an unknown entry too.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|e| {
            Malformed::at("model card", e.line() as u64, "an entry is missing, unknown or of the wrong type").into()
        })
    }

    /// The card as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // strings and numbers only: this does not fail
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Writes the card.
    ///
    /// # Errors
    /// [`Io`] names the file.
    pub fn write(&self, path: &Path) -> Result<(), Io> {
        file::write_atomic(path, self.to_json().as_bytes())
    }

    /// Enters the SHA-256 of the weights file's `bytes`.
    pub fn seal(&mut self, bytes: &[u8]) {
        self.sha256 = sha256(bytes);
    }

    /// Checks that `bytes` are the weights file that this card describes.
    ///
    /// # Errors
    /// [`Error::Hash`] if they are not.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), Error> {
        if self.sha256 == sha256(bytes) { Ok(()) } else { Err(Error::Hash) }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_hash() {
        let mut card = Card::new("a", "tests");
        card.metrics.push(Metric::new("AUROC", 0.1 + 0.2, "simulated"));
        card.seal(b"");
        assert_eq!(card.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Card::from_json(card.to_json().as_bytes()).unwrap(), card);
        let unknown = card.to_json().replace("\"name\"", "\"nome\"");
        assert!(matches!(Card::from_json(unknown.as_bytes()), Err(Error::Malformed(_))));
    }
}
