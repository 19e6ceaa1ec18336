//! Wavelets: what a signal holds at which scale, and when.
//!
//! | for | use |
//! |---|---|
//! | compact coefficients that give the signal back | [`Dwt`]: [`Dwt::decompose`], [`Dwt::reconstruct`] |
//! | coefficients that move with the signal | [`swt`], [`iswt`] |
//! | a picture of time and frequency | [`Cwt`]; as PyWavelets computes it: [`IntegratedCwt`] |
//! | noise removed, edges kept | [`denoise`] |
//!
//! ```
//! use eir_signal::wavelet::{Dwt, Mode, Wavelet};
//! let x: Vec<f64> = (0..100).map(|i| (0.1 * f64::from(i)).sin()).collect();
//! let dwt = Dwt::new(Wavelet::Daubechies(4), Mode::Symmetric)?;
//! let parts = dwt.decompose(&x, 3)?;
//! assert!(dwt.reconstruct(&parts)?.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12));
//! # Ok::<(), eir_signal::Error>(())
//! ```

mod continuous;
mod cwt;
mod denoise;
mod dwt;
mod filters;
mod integrated;
mod mode;
mod stationary;

pub use continuous::ContinuousWavelet;
pub use cwt::{Cwt, Scalogram};
pub use denoise::{DenoiseConfig, Shrinkage, denoise};
pub use dwt::{Decomposition, Dwt};
pub use filters::{FilterBank, Wavelet};
pub use integrated::IntegratedCwt;
pub use mode::Mode;
pub use stationary::{Stationary, iswt, swt};
