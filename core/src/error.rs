//! The building blocks of the family's errors.
//!
//! Each crate has one `Error` enum; what goes wrong in the same way everywhere is one of these structs inside it, so
//! that the texts are alike: what, where, what to do. None of them holds a sample or a patient's data.
//!
//! ```
//! #[derive(Debug, thiserror::Error)]
//! #[non_exhaustive]
//! pub enum Error {
//!     #[error(transparent)]
//!     Parameter(#[from] eir_core::error::Parameter),
//!     #[error(transparent)]
//!     Malformed(#[from] eir_core::error::Malformed),
//! }
//! let error = Error::from(eir_core::error::Parameter::new("order", 0.0, "1 to 20"));
//! assert_eq!(error.to_string(), "order is 0, but must be 1 to 20");
//! ```

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A setting lies outside its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name} is {value}, but must be {rule}")]
#[non_exhaustive]
pub struct Parameter {
    /// The setting's name as in the configuration.
    pub name: &'static str,
    /// What it was.
    pub value: f64,
    /// What it may be.
    pub rule: &'static str,
}

impl Parameter {
    /// A setting `name` that was `value` and must be as `rule` says.
    #[must_use]
    pub fn new(name: &'static str, value: f64, rule: &'static str) -> Self {
        Self { name, value, rule }
    }
}

/// The input is too short for what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {len} given, at least {min} needed")]
#[non_exhaustive]
pub struct TooShort {
    /// What is short: "samples", "labels", "beats".
    pub what: &'static str,
    /// How many were given.
    pub len: usize,
    /// How many are needed.
    pub min: usize,
}

impl TooShort {
    /// `len` of `what` were given where `min` are needed.
    #[must_use]
    pub fn new(what: &'static str, len: usize, min: usize) -> Self {
        Self { what, len, min }
    }
}

/// Two lengths or shapes that must agree do not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
#[non_exhaustive]
pub struct Mismatch {
    /// What must agree: "scores and labels", "tensor conv1.weight".
    pub what: Cow<'static, str>,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl Mismatch {
    /// `what` should be `expected` and is `found`.
    #[must_use]
    pub fn new(what: impl Into<Cow<'static, str>>, expected: impl ToString, found: impl ToString) -> Self {
        Self { what: what.into(), expected: expected.to_string(), found: found.to_string() }
    }

    /// An error unless both lengths are equal.
    ///
    /// # Errors
    /// The mismatch itself.
    pub fn check(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self::new(what, expected, found)) }
    }
}

/// A value is NaN or infinite where a number is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {index} is not finite: fill or cut the gap first")]
#[non_exhaustive]
pub struct NotFinite {
    /// What the value is: "sample", "score".
    pub what: &'static str,
    /// Position of the first such value.
    pub index: usize,
}

impl NotFinite {
    /// An error if any value is NaN or infinite; it names the first.
    ///
    /// # Errors
    /// Itself, with the position of the first such value.
    pub fn check_f32(what: &'static str, values: &[f32]) -> Result<(), Self> {
        Self::check(what, values, |v| v.is_finite())
    }

    /// As [`check_f32`](Self::check_f32), for `f64`.
    ///
    /// # Errors
    /// Itself, with the position of the first such value.
    pub fn check_f64(what: &'static str, values: &[f64]) -> Result<(), Self> {
        Self::check(what, values, |v| v.is_finite())
    }

    fn check<T: Copy>(what: &'static str, values: &[T], is_finite: impl Fn(T) -> bool) -> Result<(), Self> {
        // whole blocks first: a search that may end at any value takes one at a time
        const BLOCK: usize = 256;
        let good = values.chunks(BLOCK).take_while(|block| block.iter().fold(true, |all, v| all & is_finite(*v)));
        let from = good.count() * BLOCK;
        let rest = values.get(from..).unwrap_or_default();
        rest.iter().position(|v| !is_finite(*v)).map_or(Ok(()), |at| Err(Self { what, index: from + at }))
    }
}

/// A value of the data lies outside its range. The text names its place and not the value, which may be a patient's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {index} must be {rule}")]
#[non_exhaustive]
pub struct OutOfRange {
    /// What the value is: "probability", "time".
    pub what: &'static str,
    /// Position of the first such value.
    pub index: usize,
    /// What it may be.
    pub rule: &'static str,
}

impl OutOfRange {
    /// An error if any value is not `within`; it names the first. NaN is within nothing.
    ///
    /// # Errors
    /// Itself, with the position of the first such value.
    pub fn check(
        what: &'static str,
        values: impl IntoIterator<Item = f64>,
        rule: &'static str,
        within: impl Fn(f64) -> bool,
    ) -> Result<(), Self> {
        values.into_iter().position(|v| !within(v)).map_or(Ok(()), |index| Err(Self { what, index, rule }))
    }
}

/// A file or a message does not follow its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {format}, {}: {reason}", place(*.offset))]
#[non_exhaustive]
pub struct Malformed {
    /// The format's name: "WFDB header", "NIfTI".
    pub format: &'static str,
    /// Byte or line at which it goes wrong, where known.
    pub offset: Option<u64>,
    /// What is wrong; no values from the file that could be a patient's.
    pub reason: Cow<'static, str>,
}

impl Malformed {
    /// `format` is broken at an unknown place.
    #[must_use]
    pub fn new(format: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { format, offset: None, reason: reason.into() }
    }

    /// `format` is broken at byte (or line, in a text format) `offset`.
    #[must_use]
    pub fn at(format: &'static str, offset: u64, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { format, offset: Some(offset), reason: reason.into() }
    }
}

fn place(offset: Option<u64>) -> String {
    offset.map_or_else(|| "place unknown".to_owned(), |o| format!("at {o}"))
}

/// A format or a method is known but not built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not supported: {instead}")]
#[non_exhaustive]
pub struct Unsupported {
    /// What is not supported.
    pub what: Cow<'static, str>,
    /// What to do instead.
    pub instead: Cow<'static, str>,
}

impl Unsupported {
    /// `what` is not supported; `instead` says what is.
    #[must_use]
    pub fn new(what: impl Into<Cow<'static, str>>, instead: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), instead: instead.into() }
    }
}

/// An input asks for more than [`Limits`](crate::Limits) allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} asks for {asked}, the limit is {allowed}: raise the limit if the input is trusted")]
#[non_exhaustive]
pub struct LimitExceeded {
    /// What is too large, with its unit: "samples (bytes)".
    pub what: &'static str,
    /// How much it asks for.
    pub asked: u64,
    /// How much is allowed.
    pub allowed: u64,
}

impl LimitExceeded {
    /// `what` asks for `asked` where `allowed` is the limit.
    #[must_use]
    pub fn new(what: &'static str, asked: u64, allowed: u64) -> Self {
        Self { what, asked, allowed }
    }
}

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
#[non_exhaustive]
pub struct Io {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

impl Io {
    /// The system said `source` about the file at `path`.
    #[must_use]
    pub fn new(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self { path: path.as_ref().to_owned(), source }
    }
}

/// Why a number of this crate has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two inputs that belong together have different lengths.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// There are too few values.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// A value is NaN or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A setting is out of range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// A value of the data is out of range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A file or a message does not follow its format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// All labels are of one class.
    #[error("all labels are of one class: both are needed")]
    OneClass,
    /// A class number is beyond the number of classes.
    #[error("label {index} is a class beyond the {classes} given")]
    Class {
        /// Position of the label.
        index: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The number is 0/0 on this input.
    #[error("{0} is undefined: the values do not vary")]
    Undefined(&'static str),
    /// The model gives the input probability 0.
    #[error("{0} has probability 0 under the model: it cannot be explained by it")]
    Impossible(&'static str),
    /// The objective has no finite optimum on this input, or it was not reached.
    #[error("{what} does not converge: {reason}")]
    NoOptimum {
        /// What was fitted.
        what: &'static str,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// Attributions do not add up to the prediction that they explain.
    #[error(
        "row {row}: the attributions do not add up to the prediction: the values are too large for double precision"
    )]
    NotAdditive {
        /// The row.
        row: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_say_what_where_and_what_to_do() {
        assert_eq!(Malformed::at("NIfTI", 344, "no magic").to_string(), "not a valid NIfTI, at 344: no magic");
        assert_eq!(Mismatch::check("labels", 3, 2).unwrap_err().to_string(), "labels: expected 3, found 2");
        let gap = NotFinite::check_f32("sample", &[0.0, f32::NAN]).unwrap_err();
        assert_eq!(gap.to_string(), "sample 1 is not finite: fill or cut the gap first");
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_named() {
        for n in [0, 1, 255, 256, 257, 1000] {
            let mut values = vec![1.0; n];
            assert!(NotFinite::check_f64("sample", &values).is_ok());
            for index in (0..n).rev().step_by(83) {
                values[index] = if index % 2 == 0 { f64::NAN } else { f64::NEG_INFINITY };
                assert_eq!(NotFinite::check_f64("sample", &values).unwrap_err().index, index);
            }
        }
    }
}
