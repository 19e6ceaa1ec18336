//! **eir**: a toolbox for health-data AI. One name for the whole family; each crate can be used alone as well.
//!
//! ```
//! use eir::core::SampleRate;
//! use eir::synth::{EcgConfig, ecg};
//!
//! let patient = ecg(&EcgConfig::default().with_duration_s(30.0), 1)?; // a simulated ECG whose beats are known
//! let rate = SampleRate::new(patient.rate_hz)?;
//! let found = eir::signal::ecg::r_peaks(&patient.samples_mv, rate)?;
//! assert_eq!(found.len(), patient.r_peaks.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | for | feature |
//! |---|---|---|
//! | [`core`] | metrics, splits, figures; what all share | always |
//! | | its intervals, calibration, conformal prediction and reports, classical models, explanations and protocols; its training loop | `evidence`, `train` |
//! | `signal` | ECG, cardiotocography, home monitoring | `signal` |
//! | `vision` | human pose, knee rehabilitation | `vision` |
//! | `audio` | speech and voice | `audio` |
//! | `synth` | synthetic patients | `synth` |
//! | `anatomy3d` | volumes to surfaces and measurements | `anatomy3d` |
//! | `annotate` | labels, agreement, aggregation | `annotate` |
//!
//! All but `train` are on by default. The models run on `burn`: the feature `flex` (default) brings the processor, `wgpu`,
//! `vulkan`, `metal`, `webgpu`, `cuda` and `rocm` the graphics card; without `models` nothing of `burn` is built.
//!
//! The tutorials are the module [`tutorials`]: each ends with numbers that are checked when the tests run.
//!
//! None of it is a medical device.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use eir_core as core;

#[cfg(feature = "anatomy3d")]
pub use eir_anatomy3d as anatomy3d;
#[cfg(feature = "annotate")]
pub use eir_annotate as annotate;
#[cfg(feature = "audio")]
pub use eir_audio as audio;
#[cfg(feature = "signal")]
pub use eir_signal as signal;
#[cfg(feature = "synth")]
pub use eir_synth as synth;
#[cfg(feature = "vision")]
pub use eir_vision as vision;

/// One page per crate, from an input to a number that is checked.
#[cfg(all(
    feature = "signal",
    feature = "vision",
    feature = "audio",
    feature = "synth",
    feature = "anatomy3d",
    feature = "annotate"
))]
pub mod tutorials {
    #[doc = include_str!("tutorials/signal.md")]
    pub mod signal {}
    #[doc = include_str!("tutorials/vision.md")]
    pub mod vision {}
    #[doc = include_str!("tutorials/audio.md")]
    pub mod audio {}
    #[doc = include_str!("tutorials/synth.md")]
    pub mod synth {}
    #[doc = include_str!("tutorials/anatomy3d.md")]
    pub mod anatomy3d {}
    #[doc = include_str!("tutorials/annotate.md")]
    pub mod annotate {}
}
