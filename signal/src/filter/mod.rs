//! Filters: recursive and with finite response, by window and least squares, smoothers, trends; each for a recording and
//! for a live signal.
//!
//! ```
//! use eir_signal::filter::{Band, Boundary, EllipticConfig, FirConfig, MedianConfig};
//! # fn main() -> Result<(), eir_signal::Error> {
//! let rate = eir_core::SampleRate::new(250.0)?;
//! let x: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.02).sin() + if n % 2 == 0 { 0.5 } else { -0.5 }).collect();
//! let steep = EllipticConfig::new(Band::Low { cutoff_hz: 30.0 }).with_order(5).design(rate)?.zero_phase(&x)?;
//! let linear = FirConfig::new(Band::Low { cutoff_hz: 30.0 }, 101).design(rate)?.zero_phase(&x)?;
//! assert!((steep[500] - linear[500]).abs() < 0.05);
//! let mut live = MedianConfig::new(5).build()?.stream(); // a median of the last five samples, two of them late
//! assert_eq!([4.0, 9.0, 2.0, 7.0, 5.0].map(|v| live.push(v))[4], 5.0);
//! # Ok(()) }
//! ```
//!
//! | filter | for a recording | live, with delay |
//! |---|---|---|
//! | [`ButterworthConfig`], [`Chebyshev1Config`], [`Chebyshev2Config`], [`EllipticConfig`], [`BesselConfig`], [`NotchConfig`], [`PeakConfig`] design a [`SosFilter`] | zero phase, causal | [`SosStream`]: by frequency |
//! | [`FirConfig`], [`FirLeastSquaresConfig`] design a [`FirFilter`] | zero phase, causal, by spectrum | [`FirStream`]: half its length |
//! | [`SavitzkyGolayConfig`] | [`SavitzkyGolay`] | [`FirStream`]: half a window |
//! | [`MedianConfig`] | [`MedianFilter`] | [`MedianStream`]: half a window |
//! | [`MovingAverageConfig`] | [`MovingAverage`] | [`MovingAverageStream`]: half a window |
//! | [`DetrendConfig`] | [`detrend()`] | |
//!
//! Every stream gives the same bits whatever the lengths of its pieces, allocates nothing once it is made, and has a
//! `reset`. Which instructions the processor has may change the last bit between machines (fused multiply-adds), never
//! between two runs on one. Samples are NaN-free: a gap is an error, as no value can be put there that does not ring.
//!
//! # Validation
//! `tests/filters.rs` compares the recursive designs with SciPy 1.17.1 on a random grid of families, orders, ripples and
//! bands that `tests/golden/generate_filters.py` made, and the golden set with everything else.

mod band;
mod bessel;
mod boundary;
mod butterworth;
mod cascade;
mod chebyshev_1;
mod chebyshev_2;
mod detrend;
mod elliptic;
mod extension;
mod fir;
mod fir_least_squares;
mod fir_window;
mod jacobi;
pub(crate) mod kernel;
mod median;
mod median_ranks;
mod median_stream;
mod moving_average;
mod notch;
mod overlap_save;
mod ripple;
mod savitzky_golay;
mod sos;
mod zpk;

pub use band::Band;
pub use bessel::{BesselConfig, BesselNorm};
pub use boundary::Boundary;
pub use butterworth::{ButterworthConfig, band_pass, high_pass, low_pass};
pub use chebyshev_1::Chebyshev1Config;
pub use chebyshev_2::Chebyshev2Config;
pub use detrend::{DetrendConfig, Trend, detrend};
pub use elliptic::EllipticConfig;
pub use extension::Extension;
pub use fir::{FirFilter, FirStream};
pub use fir_least_squares::{FirBand, FirLeastSquaresConfig};
pub use fir_window::{FirConfig, FirWindow};
pub(crate) use fir_window::{bessel_i0, sinc};
pub use median::{MedianConfig, MedianFilter, median_filter};
pub use median_stream::MedianStream;
pub use moving_average::{MovingAverage, MovingAverageConfig, MovingAverageStream, moving_average};
pub use notch::{NotchConfig, PeakConfig, notch};
pub use savitzky_golay::{SavitzkyGolay, SavitzkyGolayConfig, SavitzkyGolayEnds, savitzky_golay};
pub use sos::{SosFilter, SosStream};
