//! Biosignals, from the file to the finding: cardiotocograms and ECGs read, filtered, measured and drawn.
//!
//! ```
//! use eir_signal::{ctg, ecg, figure, hrv};
//! # fn main() -> Result<(), eir_signal::Error> {
//! // half an hour of fetal heart rate at 4 Hz with one deceleration; `Record::open("1001.hea")?` reads a real one
//! let fhr: Vec<f64> = (0..7200).map(|i| if (3000..3160).contains(&i) { 115.0 } else { 140.0 }).collect();
//! let found = ctg::analyse(&fhr, None)?;
//! assert_eq!((found.mean_baseline_bpm().round(), found.decelerations().count()), (140.0, 1));
//! let picture = figure::ctg(&found, &Default::default())?; // SVG, 1 cm/min
//! assert!(picture.contains("variable deceleration"));
//! let rr_ms = hrv::rr_intervals_ms(&[100, 350, 610, 855], eir_core::SampleRate::new(250.0)?);
//! assert_eq!(hrv::time_domain(&rr_ms)?.heart_rate_bpm().round(), 60.0);
//! # Ok(()) }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`Record`], [`Signal`] | a recording: signals with their own rates and units, missing samples as NaN; [`Record::open`] |
//! | [`Reader`] | any window of a recording, without the rest of its file |
//! | [`wfdb`] | records and annotations of PhysioNet, read and written; also out of a zip archive (feature `zip`, on by default) |
//! | [`edf`] | EDF, EDF+, BDF and BDF+ with their annotations, read and written |
//! | [`aecg`] | annotated ECGs of HL7 |
//! | [`csv`] | tables with a header line |
//! | [`ButterworthConfig`], [`SosFilter`] | filters: zero phase, causal, live; [`band_pass`], [`low_pass`], [`high_pass`] |
//! | [`filter`] | recursive and FIR filters by design, Savitzky-Golay, median, moving average, trends; all live too |
//! | [`resample`] | to another rate: polyphase, by spectrum, to any ratio |
//! | [`spectrum`] | Welch, multitaper, Burg, Lomb-Scargle, short-time Fourier, coherence, analytic signal |
//! | [`wavelet`] | discrete, stationary and continuous transforms, denoising |
//! | [`interpolate`] | cubic splines, PCHIP, Akima |
//! | [`peaks`], [`Window`] | peaks with prominences and widths; windows and Slepian tapers |
//! | [`ecg`] | R peaks recorded and live, sixteen detectors by name, waves, classes of beats, quality, ST level, scores |
//! | [`hrv`] | heart-rate variability: artefacts, time domain, frequency domain, nonlinear, over a day, live |
//! | [`entropy`] | how irregular a series is: entropies, fractal dimensions, fluctuation analysis |
//! | [`ctg`] | fetal heart rate: repairs, seven baselines, events, contractions, variability, FIGO class with reasons, live |
//! | [`models`] | acidaemia at birth from a cardiotocogram's last hour (feature `outcome`); an autoencoder of fetal heart rate (feature `models`); TCN and GRU of the last hour (feature `train`); layers |
//! | [`figure`] | a cardiotocogram on its paper, an ECG strip, variability over a night |
//!
//! Two [`tutorials`]: from the file of a cardiotocogram to its class and its picture; heart-rate variability of a night.
//!
//! What it does **not** do (yet): SCP-ECG; PPG, EDA, EMG, respiration, sleep. Missing samples are NaN in a
//! [`Record`], an error for filters and detectors, and known gaps in [`ctg`]: never a made-up number.
//!
//! **Not a medical device.**
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod aecg;
pub mod csv;
pub mod ctg;
mod dispatch;
pub mod ecg;
pub mod edf;
pub mod entropy;
mod error;
pub mod figure;
pub mod filter;
pub mod hrv;
pub mod interpolate;
pub mod models;
pub mod peaks;
mod reader;
mod record;
pub mod resample;
mod signal;
mod source;
pub mod spectrum;
pub mod tutorials;
pub mod wavelet;
pub mod wfdb;
mod window;

pub use error::{Error, Result};
pub use filter::{Band, ButterworthConfig, SosFilter, SosStream, band_pass, high_pass, low_pass};
pub use reader::Reader;
pub use record::{Annotation, Record};
pub use signal::Signal;
pub use window::{Slepian, Window, dpss};
