use eir_core::error::{Io, LimitExceeded, Malformed, Mismatch, NotFinite, Parameter, TooShort, Unsupported};

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and what to do about it. Carries positions and limits, never sample values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// The recording is too short for what was asked.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// Two lengths that must agree do not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A sample is NaN or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A file does not follow its format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A format that is known but not built.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// A file asks for more memory than allowed.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A file could not be read.
    #[error(transparent)]
    Io(#[from] Io),
}

impl From<eir_core::file::ReadError> for Error {
    fn from(error: eir_core::file::ReadError) -> Self {
        use eir_core::file::ReadError;
        match error {
            ReadError::Io(e) => Self::Io(e),
            ReadError::Limit(e) => Self::Limit(e),
            other => Self::Unsupported(Unsupported::new(other.to_string(), "read the file in another way")),
        }
    }
}
