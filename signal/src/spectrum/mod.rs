//! Spectra: what a signal holds at which frequency.
//!
//! | for | use |
//! |---|---|
//! | a long signal of steady character | [`welch`], [`Welch`] |
//! | a short one | [`multitaper`]; few narrow rhythms: [`burg`] |
//! | unevenly spaced samples | [`lomb_scargle`] |
//! | tones, exact power | [`periodogram`] |
//! | change over time | [`stft`], [`Stft`], [`spectrogram`] |
//! | two signals | [`cross_spectrum`], [`coherence`] |
//! | envelope, phase | [`analytic_signal`] |
//!
//! ```
//! use eir_signal::spectrum::welch;
//! let rate = eir_core::SampleRate::new(250.0)?;
//! let ecg: Vec<f64> = (0..5000).map(|i| (0.2 * f64::from(i)).sin() + 0.3 * (1.256_637 * f64::from(i)).sin()).collect();
//! let spectrum = welch(&ecg, rate)?;
//! assert!((spectrum.band_power(45.0, 55.0)? - 0.045).abs() < 1e-3); // 50 Hz mains: 0.3²/2
//! # Ok::<(), eir_signal::Error>(())
//! ```

mod analytic;
mod burg;
mod cross;
mod lomb_scargle;
mod multitaper;
mod periodogram;
mod power;
mod real_fft;
mod segment;
mod sin_cos;
mod stft;
mod welch;

pub use analytic::{AnalyticSignal, Hilbert, analytic_signal};
pub use burg::{Autoregression, burg};
pub use cross::{Coherence, CrossSpectrum, coherence, cross_spectrum};
pub use lomb_scargle::{LombNormalisation, LombScargleConfig, lomb_scargle};
pub use multitaper::{Multitaper, MultitaperConfig, TaperWeights, multitaper};
pub use periodogram::{PeriodogramConfig, periodogram};
pub use power::PowerSpectrum;
pub use real_fft::RealFft;
pub(crate) use segment::finite;
pub use segment::{Detrend, Scaling};
pub use stft::{Spectrogram, Stft, StftConfig, StftScaling, StftStream, TimeFrequency, spectrogram, stft};
pub use welch::{Average, Welch, WelchConfig, WelchStream, welch};
