use eir_core::error::{Io, LimitExceeded, Malformed, Mismatch, NotFinite, Parameter, TooShort, Unsupported};
use eir_core::file::ReadError;

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and what to do about it. Names columns, lines and limits, never a value of a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// Too few rows or values for what was asked.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// Two tables or lengths that must agree do not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A value is NaN or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A file does not follow its format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A kind of column that a method cannot take.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// An input or a request is larger than allowed.
    #[error(transparent)]
    LimitExceeded(#[from] LimitExceeded),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] Io),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(e) => Self::Io(e),
            ReadError::Limit(e) => Self::LimitExceeded(e),
            other => Self::Malformed(Malformed::new("file", other.to_string())),
        }
    }
}

/// An error unless `value` lies in `low` … `high`; NaN never does.
pub(crate) fn within(name: &'static str, value: f64, low: f64, high: f64, rule: &'static str) -> Result<()> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(Parameter::new(name, value, rule).into()) }
}
