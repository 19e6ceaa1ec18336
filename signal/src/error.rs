use eir_core::error::{
    Io, LimitExceeded, Malformed, Mismatch, NotFinite, OutOfRange, Parameter, TooShort, Unsupported,
};
use eir_core::file::ReadError;

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and what to do about it. Carries positions and limits, never samples or patient data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// The input is too short for what was asked.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// Two lengths that must agree do not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A sample is NaN or infinite where a number is needed.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A value of the data lies outside its range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A file does not follow its format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A format or a method is known but not built.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// An input asks for more than the limits allow.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A file could not be read.
    #[error(transparent)]
    Io(#[from] Io),
    /// A record has no signal, archive entry or file of this name.
    #[error("there is no {what} named {name:?}: {instead}")]
    NotFound {
        /// What was looked for: "signal", "file", "entry in the archive".
        what: &'static str,
        /// The name that was looked for.
        name: String,
        /// What there is, or what to do.
        instead: String,
    },
    /// A measure has no value on this series.
    #[error(transparent)]
    NoAnswer(#[from] crate::entropy::NoAnswer),
    /// An archive could not be read.
    #[error("the archive cannot be read: {0}")]
    Archive(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A model cannot be fitted to what it was given.
    #[error(transparent)]
    Model(#[from] eir_core::Error),
    /// The weights of a model could not be loaded.
    #[cfg(feature = "outcome")]
    #[error(transparent)]
    Weights(#[from] eir_core::weights::Error),
    /// A layer of a network cannot be made or run.
    #[cfg(feature = "models")]
    #[error(transparent)]
    Layer(#[from] eir_core::nn::Error),
    /// The device could not give a network's answer.
    #[cfg(feature = "models")]
    #[error("the device gave no answer: {0}")]
    Device(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A training failed.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Training(#[from] eir_core::train::Error),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(io) => Self::Io(io),
            ReadError::Limit(limit) => Self::Limit(limit),
            other => Self::Archive(Box::new(other)),
        }
    }
}
