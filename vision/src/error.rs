use eir_core::error::{Io, LimitExceeded, Malformed, Mismatch, NotFinite, Parameter, TooShort, Unsupported};

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and what to do about it. Carries positions and limits, never pixels or key points.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// The input is too short for what was asked.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// Two lengths or shapes that must agree do not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A value is NaN or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The file does not follow its format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The format or the method is not built.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The input asks for more than the limits allow.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] Io),
    /// The weights do not fit the network.
    #[cfg(any(feature = "models", feature = "rehab"))]
    #[error(transparent)]
    Weights(#[from] eir_core::weights::Error),
    /// The device could not give the network's answer.
    #[cfg(any(feature = "models", feature = "rehab"))]
    #[error("the device gave no answer: {0}")]
    Device(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<eir_core::file::ReadError> for Error {
    fn from(error: eir_core::file::ReadError) -> Self {
        match error {
            eir_core::file::ReadError::Io(e) => Self::Io(e),
            eir_core::file::ReadError::Limit(e) => Self::Limit(e),
            _ => Self::Unsupported(Unsupported::new("this kind of file", "give the bytes of a PNG or JPEG file")),
        }
    }
}

#[cfg(any(feature = "models", feature = "rehab"))]
impl From<eir_core::nn::Error> for Error {
    fn from(error: eir_core::nn::Error) -> Self {
        use eir_core::nn::Error as Layer;
        match error {
            Layer::Parameter(e) => Self::Parameter(e),
            Layer::Mismatch(e) => Self::Mismatch(e),
            Layer::NotFinite(e) => Self::NotFinite(e),
            Layer::Unsupported(e) => Self::Unsupported(e),
            other => Self::Device(Box::new(other)),
        }
    }
}
