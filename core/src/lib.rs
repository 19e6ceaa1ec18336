//! What every crate of the eir family shares.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | the building blocks from which each crate's `Error` is made |
//! | [`SampleRate`] | a sampling rate that is known to be usable |
//! | [`Limits`] | how much memory a reader may take |
//! | [`mod@file`] | reading within limits, writing that never leaves half a file |
//! | [`random`] | reproducible random numbers: same seed, same bytes, on every machine |
//! | [`metrics`] | the numbers that go into a paper, in `f64` on plain slices |
//! | [`svg`] | figures that follow the reader's light or dark theme |
//! | `weights` | weights on disk and their model cards (feature `weights`; as burn parameters with feature `models`) |
//! | `train` | the training loop: schedules, clipping, early stopping, checkpoints (feature `train`) |
//! | `testing` | golden values, contract suite, benchmarks (feature `testing`) |
//!
//! ```
//! use eir_core::{SampleRate, metrics};
//!
//! let rate = SampleRate::new(250.0)?;
//! assert_eq!(rate.samples(2.0), 500);
//! let auroc = metrics::auroc(&[false, true, true, false], &[0.1, 0.8, 0.4, 0.4])?;
//! assert_eq!(auroc, 0.875); // the tie counts half
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! None of it needs `burn` unless the feature `models` is on.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod error;
pub mod file;
#[cfg(any(feature = "testing", feature = "weights"))]
mod half;
mod limits;
pub mod metrics;
pub mod random;
mod sample_rate;
pub mod svg;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub mod train;
#[cfg(feature = "weights")]
#[cfg_attr(docsrs, doc(cfg(feature = "weights")))]
pub mod weights;

pub use limits::Limits;
pub use sample_rate::SampleRate;
