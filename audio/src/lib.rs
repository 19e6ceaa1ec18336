//! Speech and voice: what phonetics and psychiatry measure in a recording.
//!
//! ```
//! use eir_audio::{Jitter, PeriodRule, PointProcess, Recording, pitch};
//!
//! let buzz = |i: u32| (0.05 * f64::from(i)).sin() + 0.5 * (0.1 * f64::from(i)).sin(); // 127.3 Hz and its octave
//! let recording = Recording::new((0..16_000).map(|i| 0.5 * buzz(i) as f32).collect(), 16_000.0)?;
//! let contour = pitch(recording.samples(), recording.rate())?;
//! assert!((contour.mean_hz() - 127.3).abs() < 0.1);
//! let points = PointProcess::of(recording.samples(), recording.rate(), &contour)?;
//! assert!(Jitter::of(&points, &PeriodRule::default()).local < 1e-4); // a machine's voice
//! # Ok::<(), eir_audio::Error>(())
//! ```
//!
//! | what | where |
//! |---|---|
//! | files: WAV (PCM 8–32 bits, float, A-law, µ-law, RF64), FLAC | [`Recording`], [`decode`] |
//! | frames and spectra | [`Stft`], [`spectrogram`], [`FrameTable`] |
//! | mel bands, MFCC (librosa, HTK), Kaldi's features | [`MelFilterBank`], [`Mfcc`], [`Kaldi`] |
//! | fundamental frequency | [`PitchTracker`] (Boersma), [`Yin`] |
//! | voice quality | [`PointProcess`], [`Jitter`], [`Shimmer`], [`HarmonicityMeter`] |
//! | level and loudness | [`IntensityConfig`], [`LoudnessConfig`] |
//! | speech and pauses | [`PauseConfig`] |
//! | a picture of all that | [`picture`](picture()), [`PictureConfig`] |
//!
//! Everything has three levels: a function with defaults (`pitch`), a configured struct that is planned once
//! (`PitchConfig` → `PitchTracker`), and an `_into` form whose buffers are used again. Results are equal to the tools that
//! the field uses: each page says within what, on what.
//!
//! What it does **not** do: MP3, Ogg and Opus (convert them to WAV or FLAC first), resampling, formants, CPPS, eGeMAPS,
//! emotion recognition. It measures; it does not diagnose. A voice is personal data, and so are its features.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod flac;
mod frames;
mod harmonicity;
mod intensity;
mod interpolate;
mod jitter;
mod kaldi;
mod loudness;
mod mel;
mod mfcc;
mod pauses;
mod picture;
mod pitch;
mod point_process;
mod recording;
mod shimmer;
mod stft;
mod wav;
mod yin;

pub use eir_core::{Limits, SampleRate};
pub use error::{Error, Result};
pub use frames::FrameTable;
pub use harmonicity::{Harmonicity, HarmonicityConfig, HarmonicityMeter, harmonicity};
pub use intensity::{Intensity, IntensityConfig, intensity};
pub use jitter::Jitter;
pub use kaldi::{Kaldi, KaldiConfig, kaldi_fbank};
pub use loudness::{LoudnessConfig, LoudnessFilter, integrated_loudness};
pub use mel::{MelConfig, MelFilterBank, MelScale};
pub use mfcc::{Mfcc, MfccConfig, mfcc};
pub use pauses::{PauseConfig, Pauses, pauses};
pub use picture::{PictureConfig, picture};
pub use pitch::{Pitch, PitchConfig, PitchMethod, PitchTracker, pitch};
pub use point_process::{PeriodRule, PointProcess};
pub use recording::{Audio, Channel, Recording, decode};
pub use shimmer::Shimmer;
pub use stft::{Stft, StftConfig, Window, spectrogram};
pub use yin::{Yin, YinConfig, yin};
