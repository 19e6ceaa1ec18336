//! The same signal at another rate: polyphase by a ratio of integers, by spectrum to a number of samples, fewer samples
//! by an integer, and to any ratio.
//!
//! ```
//! use eir_core::SampleRate;
//! use eir_signal::resample;
//! # fn main() -> Result<(), eir_signal::Error> {
//! let x: Vec<f32> = (0..3600).map(|n| (n as f32 / 360.0 * 7.0).sin()).collect(); // 10 s at 360 Hz
//! let y = resample::to_rate(&x, SampleRate::new(360.0)?, SampleRate::new(250.0)?)?;
//! assert_eq!(y.len(), 2500);
//! assert!((y[1250] - (5.0f32 * 7.0).sin()).abs() < 1e-3);
//! # Ok(()) }
//! ```

mod any_ratio;
mod decimate;
mod fourier;
mod polyphase;

pub use any_ratio::{AnyRatio, AnyRatioConfig, to_rate};
pub use decimate::{DecimateConfig, DecimateFilter, decimate};
pub use fourier::{Fourier, fourier};
pub use polyphase::{Polyphase, PolyphaseConfig, PolyphaseStream, resample_poly};

use crate::Result;
use eir_core::error::LimitExceeded;

/// The most samples that a resampler makes: 2 GiB of `f64`.
const MAX_SAMPLES: u64 = 1 << 28;

/// `samples` as a size, if it is not beyond reason.
fn within_reason(samples: u128) -> Result<usize> {
    let asked = u64::try_from(samples).unwrap_or(u64::MAX);
    if asked > MAX_SAMPLES {
        return Err(LimitExceeded::new("the resampled signal (samples)", asked, MAX_SAMPLES).into());
    }
    Ok(asked as usize)
}
