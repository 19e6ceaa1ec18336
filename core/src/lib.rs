//! What every crate of the eir family shares.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | the building blocks from which each crate's `Error` is made |
//! | [`SampleRate`] | a sampling rate that is known to be usable |
//! | [`Limits`] | how much memory a reader may take |
//! | [`mod@file`] | reading within limits, writing that never leaves half a file |
//! | [`random`] | reproducible random numbers: same seed, same bytes, on every machine |
//! | [`Estimate`] | a number that goes into a paper: value, interval, level, method, n |
//! | [`Rows`] | a table of numbers that is known to be finite |
//! | [`Model`], [`Differentiable`] | what has to be known of a model to test or explain it |
//! | [`metrics`] | how well a class, a score, a probability or a measurement does, in `f64` on plain slices |
//! | [`decision`] | is it worth using? Net benefit over the thresholds at which people would act (feature `evidence`) |
//! | [`fairness`] | does it serve all groups alike? Rates, gaps, and what is too small to read (feature `evidence`) |
//! | [`inference`] | how sure a number is: intervals and tests (feature `evidence`) |
//! | [`calibration`] | are the probabilities right, and how are they put right (feature `evidence`) |
//! | [`survival`] | time until something happens, where not all are followed until it does (feature `evidence`) |
//! | [`conformal`] | sets and intervals that hold the truth as often as they say (feature `evidence`) |
//! | [`report`] | all of it for one model, to read, to store and to look at (feature `evidence`) |
//! | [`mod@distribution`] | probabilities and quantiles that intervals are made of |
//! | `explain` | why a model says what it says (feature `explain`) |
//! | `protocol` | an evaluation fixed before the test set is opened (feature `protocol`) |
//! | [`split`] | training and test sets without leakage, cross-validation |
//! | `learn` | classical models: linear, trees, clusters, Markov chains (feature `learn`, on by default) |
//! | `nn` | fused convolutions and small networks on the processor, on plain slices (feature `nn`) |
//! | `mistakes` | a page to read: five common mistakes and what each does to the number (features `evidence` and `learn`) |
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
//! None of it needs `burn` unless the feature `models` is on. Without features there are the units, errors, files, random
//! numbers, splits, metrics and figures, in 8 packages that build in seconds; `serde` makes them serialise. It is on by
//! default, as are `evidence`, `learn`, `explain` and `rayon`.
#![cfg_attr(docsrs, feature(doc_cfg))]
// what only `evidence` uses of the modules below it
#![cfg_attr(not(feature = "evidence"), allow(dead_code, unused_imports))]

#[cfg(feature = "evidence")]
#[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
pub mod calibration;
#[cfg(feature = "evidence")]
#[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
pub mod conformal;
#[cfg(feature = "evidence")]
#[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
pub mod decision;
pub mod distribution;
pub mod error;
mod estimate;
#[cfg(feature = "explain")]
#[cfg_attr(docsrs, doc(cfg(feature = "explain")))]
pub mod explain;
#[cfg(feature = "evidence")]
#[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
pub mod fairness;
mod fenwick;
pub mod file;
#[cfg(any(feature = "testing", feature = "weights"))]
mod half;
mod incomplete_rows;
#[cfg(feature = "evidence")]
#[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
pub mod inference;
#[cfg(feature = "learn")]
#[cfg_attr(docsrs, doc(cfg(feature = "learn")))]
pub mod learn;
mod limits;
mod linalg;
pub mod metrics;
#[cfg(all(feature = "evidence", feature = "learn"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "evidence", feature = "learn"))))]
pub mod mistakes;
mod model;
#[cfg(feature = "nn")]
#[cfg_attr(docsrs, doc(cfg(feature = "nn")))]
pub mod nn;
mod order;
#[cfg(feature = "protocol")]
#[cfg_attr(docsrs, doc(cfg(feature = "protocol")))]
pub mod protocol;
mod quadrature;
pub mod random;
#[cfg(feature = "evidence")]
#[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
pub mod report;
mod rows;
mod sample_rate;
pub mod split;
#[cfg(feature = "evidence")]
#[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
pub mod survival;
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

pub use error::Error;
pub use estimate::Estimate;
pub use incomplete_rows::IncompleteRows;
pub use limits::Limits;
pub use model::{Differentiable, Model};
pub use rows::Rows;
pub use sample_rate::SampleRate;
