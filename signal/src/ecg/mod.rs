//! Electrocardiogram: where the beats are, what they look like, and how well they were found.
//!
//! | | for |
//! |---|---|
//! | [`r_peaks`](r_peaks()), [`RPeaks`] | the default detector; the place of the R-peak itself |
//! | [`RPeakStream`] | the same on a live signal, 1.4 s behind |
//! | [`QrsMethod`] | the detectors of the literature by their names, with or without their delay |
//! | [`delineate`], [`Delineator`] | onsets, peaks and ends of P, QRS and T, each possibly absent |
//! | [`beat_classes`] | normal, supraventricular, ventricular |
//! | [`st_levels`], [`heart_rate_bpm`] | height of the ST segment; heart rate at every sample |
//! | [`signal_quality`], [`zhao_quality`] | what can be measured at all, every 10 s; NeuroKit's verdict on the whole |
//! | [`ScoreConfig`], [`ScoreSummary`] | EC57: sensitivity and predictive value, gross and average |

mod beat_class;
mod christov;
mod delineation;
mod elgendi;
mod engzee;
mod fir;
mod gamboa;
mod gqrs;
mod gradient;
mod hamilton;
mod heart_rate;
mod kalidas;
mod khamis;
mod manikandan;
mod martinez;
mod method;
mod nabian;
mod pan_tompkins;
mod peaks;
mod quality;
mod r_peak_rules;
mod r_peak_stream;
mod r_peaks;
mod refine;
mod rodrigues;
mod running;
mod scoring;
mod st_level;
mod xqrs;
mod zhao_quality;
mod zong;

pub use beat_class::{BeatClass, beat_classes};
pub use christov::christov;
pub use delineation::{BeatWaves, DelineationConfig, Delineator, delineate};
pub use elgendi::elgendi;
pub use engzee::engzee;
pub use gamboa::{clean_fir, gamboa};
pub use gqrs::gqrs;
pub use gradient::{clean, gradient_peaks};
pub use hamilton::hamilton;
pub use heart_rate::heart_rate_bpm;
pub use kalidas::kalidas;
pub use khamis::khamis;
pub use manikandan::manikandan;
pub use martinez::martinez;
pub use method::QrsMethod;
pub use nabian::nabian;
pub use pan_tompkins::{clean_pan_tompkins, pan_tompkins};
pub use quality::{QualityClass, QualityStretch, signal_quality};
pub use r_peak_stream::RPeakStream;
pub use r_peaks::{RPeaks, RPeaksConfig, r_peaks};
pub use refine::refine_r_peaks;
pub use rodrigues::rodrigues;
pub use scoring::{BeatScore, ScoreConfig, ScoreSummary, flutter, score_beats};
pub use st_level::st_levels;
pub use xqrs::xqrs;
pub use zhao_quality::{ZhaoClass, ZhaoQuality, zhao_quality};
pub use zong::zong;

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};

/// The samples in full precision: at least a second of them, and no gap.
fn prepared(ecg: &[f32], rate: SampleRate) -> Result<Vec<f64>> {
    let least = (rate.hz().ceil() as usize).max(16);
    if ecg.len() < least {
        return Err(TooShort::new("samples", ecg.len(), least).into());
    }
    NotFinite::check_f32("sample", ecg)?;
    Ok(ecg.iter().map(|v| f64::from(*v)).collect())
}

fn at_least(rate: SampleRate, hz: f64) -> Result<()> {
    if rate.hz() < hz {
        let rule = if hz == 50.0 { "at least 50 Hz" } else { "higher" };
        return Err(Parameter::new("sample rate", rate.hz(), rule).into());
    }
    Ok(())
}
