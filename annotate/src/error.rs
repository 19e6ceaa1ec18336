use eir_core::error;

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and what to do about it. Carries positions and limits, never labels of a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] error::Parameter),
    /// Too few ratings, raters or units.
    #[error(transparent)]
    TooShort(#[from] error::TooShort),
    /// Two lengths or sizes that must agree do not.
    #[error(transparent)]
    Mismatch(#[from] error::Mismatch),
    /// A coordinate or a rating is NaN or infinite.
    #[error(transparent)]
    NotFinite(#[from] error::NotFinite),
    /// A file does not follow its format.
    #[error(transparent)]
    Malformed(#[from] error::Malformed),
    /// A format or a method is known but not built.
    #[error(transparent)]
    Unsupported(#[from] error::Unsupported),
    /// An input asks for more memory than allowed.
    #[error(transparent)]
    Limit(#[from] error::LimitExceeded),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] error::Io),
    /// A statistic has no value on this input.
    #[error("{what} is undefined: {why}")]
    Undefined {
        /// The statistic.
        what: &'static str,
        /// Why it has no value.
        why: &'static str,
    },
    /// An exact time does not fit into 64-bit numerator and denominator.
    #[error("a time does not fit into a ratio of 64-bit numbers: round it to ticks of its time base first")]
    TimeRange,
    /// An annotation refers to a medium, label or rater that the document does not have.
    #[error("annotation {annotation} refers to {what} {index}, which the document does not have")]
    Reference {
        /// Position of the annotation in the document.
        annotation: usize,
        /// "medium", "label" or "rater".
        what: &'static str,
        /// The index that is not there.
        index: usize,
    },
    /// An annotation's target makes no sense on its medium.
    #[error("annotation {annotation}: {reason}")]
    Target {
        /// Position of the annotation in the document.
        annotation: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl From<eir_core::file::ReadError> for Error {
    fn from(error: eir_core::file::ReadError) -> Self {
        match error {
            eir_core::file::ReadError::Io(e) => Self::Io(e),
            eir_core::file::ReadError::Limit(e) => Self::Limit(e),
            other => Self::Io(error::Io::new("input", std::io::Error::other(other))),
        }
    }
}
