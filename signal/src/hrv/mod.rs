//! Heart-rate variability: from beats to measures.
//!
//! ```
//! use eir_signal::hrv;
//! let rate = eir_core::SampleRate::new(1000.0)?;
//! let peaks: Vec<usize> = (0..400).scan(0.0, |t, i| {
//!     *t += 800.0 + 40.0 * (0.5 * f64::from(i)).sin() + 25.0 * (1.6 * f64::from(i)).cos();
//!     Some(*t as usize)
//! }).collect();
//! let beats = hrv::correct_artefacts(&peaks, rate)?;
//! let rr_ms = hrv::rr_intervals_ms(&beats.peaks, rate);
//! let (time, frequency, nonlinear) =
//!     (hrv::time_domain(&rr_ms)?, hrv::frequency_domain(&rr_ms)?, hrv::nonlinear(&rr_ms)?);
//! assert_eq!(time.mean_ms.round(), 800.0);
//! assert!(frequency.lf_ms2? > frequency.hf_ms2?);
//! assert!(nonlinear.sample_entropy? > 0.0);
//! # Ok::<(), eir_signal::Error>(())
//! ```
//!
//! | for | use |
//! |---|---|
//! | intervals, with gaps | [`rr_intervals_ms`], [`Intervals`] |
//! | missed, extra, ectopic beats | [`correct_artefacts`] |
//! | SDNN, RMSSD, pNN50, TINN … | [`time_domain`], [`time_domain_with_gaps`] |
//! | VLF, LF, HF in ms² | [`frequency_domain`], [`FrequencyConfig`] |
//! | everything nonlinear | [`nonlinear`]; one by one [`poincare`], [`asymmetry`], [`fragmentation`], [`symbolic_dynamics`] and [`entropy`](crate::entropy) |
//! | trends | [`SmoothnessPriors`] |
//! | a day | [`windows`] |
//! | a monitor | [`LiveHrv`] |
//! | after premature beats | [`heart_rate_turbulence`] |
//! | breathing | [`respiratory_rate`] |
//!
//! A measure that means nothing on a series (too short, constant, without a peak) is a [`NoAnswer`] in its place.

mod artefacts;
mod asymmetry;
mod detrend;
mod fragmentation;
mod frequency;
mod intervals;
mod live;
mod nonlinear;
mod poincare;
mod respiration;
mod rolling;
mod short_term;
mod spectrum;
mod symbolic;
mod time_domain;
mod turbulence;
mod windows;

pub use crate::entropy::{Measure, NoAnswer};
pub use artefacts::{
    ArtefactConfig, ArtefactRule, Artefacts, BeatLabel, CorrectedBeats, CorrectedIntervals, correct_artefacts,
};
pub use asymmetry::{Asymmetry, asymmetry};
pub use detrend::SmoothnessPriors;
pub use fragmentation::{Fragmentation, fragmentation};
pub use frequency::{FrequencyConfig, FrequencyDomain, SpectrumMethod, TrendRemoval, frequency_domain};
pub use intervals::{Intervals, rr_intervals_ms};
pub use live::LiveHrv;
pub use nonlinear::{Nonlinear, NonlinearConfig, nonlinear};
pub use poincare::{Poincare, poincare};
pub use respiration::respiratory_rate;
pub use short_term::{ShortTerm, short_term};
pub use symbolic::{SymbolicDynamics, symbolic_dynamics};
pub use time_domain::{TimeDomain, time_domain, time_domain_with_gaps};
pub use turbulence::{Turbulence, TurbulenceConfig, heart_rate_turbulence};
pub use windows::{HrvWindow, WindowConfig, windows};

use crate::Result;
use eir_core::error::{NotFinite, OutOfRange, TooShort};

/// Longest interval that is accepted, in ms: 1 min.
const LONGEST_MS: f64 = 60_000.0;

/// Nothing if there are `needed` intervals and each is above 0 and at most 1 min.
fn check(rr_ms: &[f64], needed: usize) -> Result<()> {
    NotFinite::check_f64("interval", rr_ms)?;
    let within = |v: f64| v > 0.0 && v <= LONGEST_MS;
    OutOfRange::check("interval", rr_ms.iter().copied(), "above 0 ms and at most 1 min", within)?;
    if rr_ms.len() < needed {
        return Err(TooShort::new("intervals", rr_ms.len(), needed).into());
    }
    Ok(())
}
