//! Why a measure has no value.

use serde::{Deserialize, Serialize};

/// A measure, or the reason why it has no value on this series.
pub type Measure = std::result::Result<f64, NoAnswer>;

/// Why a measure has no value on this series: the series is sound, and the measure means nothing on it.
///
/// ```
/// use eir_signal::entropy::{NoAnswer, sample_entropy};
/// let error = sample_entropy(&[800.0; 50]).unwrap_err();
/// assert_eq!(error.to_string(), NoAnswer::Constant.to_string());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum NoAnswer {
    /// There are fewer values than the measure needs.
    #[error("{given} values, at least {needed} needed")]
    TooFew {
        /// Values that there are.
        given: usize,
        /// Values that are needed.
        needed: usize,
    },
    /// The series lasts for less time than the measure needs.
    #[error("{given_s:.0} s, at least {needed_s:.0} s needed")]
    TooBrief {
        /// How long the series lasts.
        given_s: f64,
        /// How long it must last.
        needed_s: f64,
    },
    /// The work grows with the square of the length and the series is longer than is allowed.
    #[error("{given} values, at most {allowed} allowed: cut the series into windows")]
    TooMany {
        /// Values that there are.
        given: usize,
        /// Values that are allowed.
        allowed: usize,
    },
    /// The values do not vary.
    #[error("the values do not vary")]
    Constant,
    /// No two stretches of the series are alike within the tolerance.
    #[error("no two stretches are alike within the tolerance: the series is too short or too irregular")]
    NoMatch,
    /// The level of the series changes more than its values vary around it.
    #[error("the series is not stationary: take a shorter stretch or remove the trend")]
    NotStationary,
    /// The spectrum has no peak that stands out.
    #[error("no peak stands out in the band")]
    NoPeak,
    /// The result is beyond double precision.
    #[error("the values are too large or too small for double precision")]
    OutOfRange,
}

/// A finite value, or [`NoAnswer::OutOfRange`].
pub(crate) fn finite(value: f64) -> Measure {
    if value.is_finite() { Ok(value) } else { Err(NoAnswer::OutOfRange) }
}
