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
//! | [`Record`] | a recording: signals with their own rates and units, missing samples as NaN; [`Record::open`] |
//! | [`wfdb`] | records and annotations of PhysioNet, also out of a zip archive (feature `zip`, on by default) |
//! | [`csv`] | tables with a header line |
//! | [`ButterworthConfig`], [`SosFilter`] | filters: zero phase, causal, live; [`band_pass`], [`low_pass`], [`high_pass`] |
//! | [`ecg`] | R-peaks by three detectors, scores against annotations |
//! | [`hrv`] | heart-rate variability in the time domain |
//! | [`ctg`] | fetal heart rate: gaps, baseline, accelerations, decelerations, contractions, short-term variation |
//! | [`models`] | layers of temporal networks; acidaemia at birth from the last hour of a cardiotocogram (feature `outcome`) |
//! | [`figure`] | a cardiotocogram on its paper, an ECG strip |
//!
//! What it does **not** do (yet): EDF, aECG, FLAC in WFDB; other filters, resampling, spectra; delineation and beat
//! correction; HRV in the frequency domain; FIGO classes; PPG, EDA, respiration; models. Missing samples are NaN in a
//! [`Record`], an error for filters and detectors, and known gaps in [`ctg`]: never a made-up number.
//!
//! **Not a medical device.**
#![cfg_attr(docsrs, feature(doc_cfg))]

mod butterworth;
pub mod csv;
pub mod ctg;
pub mod ecg;
mod error;
pub mod figure;
pub mod hrv;
pub mod models;
mod record;
mod sos;
pub mod wfdb;

pub use butterworth::{Band, ButterworthConfig, band_pass, high_pass, low_pass};
pub use error::{Error, Result};
pub use record::{Record, Signal};
pub use sos::{SosFilter, SosStream};
