//! Weights on disk: a safetensors file and, beside it, its model card.
//!
//! A model takes each tensor by name and shape and then calls [`Weights::finish`]: a missing tensor, a wrong shape, one
//! too many, a truncated or oversized file is an error that names it.
//!
//! ```
//! use eir_core::weights::Weights;
//! use eir_core::Limits;
//! let file = eir_core::weights::write([("head.weight", vec![1, 2], vec![0.5, -0.5])])?;
//! let mut weights = Weights::from_bytes(&file, &Limits::default())?;
//! let wrong = weights.take("head.bias", &[1]).unwrap_err();
//! assert_eq!(wrong.to_string(), "the tensor head.bias is missing");
//! assert_eq!(weights.take("head.weight", &[1, 2])?, [0.5, -0.5]);
//! weights.finish()?;
//! # Ok::<(), eir_core::weights::Error>(())
//! ```

mod card;
#[cfg(feature = "models")]
mod module;
#[cfg(feature = "models")]
mod packed;
mod tensors;

pub use card::{Card, Metric};
#[cfg(feature = "models")]
#[cfg_attr(docsrs, doc(cfg(feature = "models")))]
pub use module::{load, load_renamed, state_dict};
pub use tensors::{Weights, write};

use crate::error::{Io, LimitExceeded, Malformed, Mismatch};
use crate::file::ReadError;

/// Why weights or their card could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] Io),
    /// The file is larger than allowed.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The file is no safetensors file or no card.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A tensor has another shape than the model.
    #[error(transparent)]
    Shape(#[from] Mismatch),
    /// The model needs a tensor that the file does not hold.
    #[error("the tensor {0} is missing")]
    Missing(String),
    /// The file holds tensors that the model does not know.
    #[error("the file holds {} tensor(s) that the model does not know, the first is {}", .0.len(), .0.first().map_or("", String::as_str))]
    Surplus(Vec<String>),
    /// A weight is NaN or infinite.
    #[error("the tensor {0} holds a value that is not finite")]
    NotFinite(String),
    /// The file is not the one that the card describes.
    #[error("the file's SHA-256 is not the one of its card: fetch it anew")]
    Hash,
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(e) => Self::Io(e),
            ReadError::Limit(e) => Self::Limit(e),
        }
    }
}
