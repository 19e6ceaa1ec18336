//! Electrocardiogram: where the beats are, and how well they were found.
//!
//! | detector | for |
//! |---|---|
//! | [`r_peaks`](r_peaks()) | the default; the place of the R-peak itself |
//! | [`pan_tompkins`](pan_tompkins()) | the classic; late by about 40 ms |
//! | [`gradient_peaks`] | what NeuroKit gives by default |

mod gradient;
mod pan_tompkins;
mod peaks;
mod r_peaks;
mod scoring;

pub use gradient::{clean, gradient_peaks};
pub use pan_tompkins::pan_tompkins;
pub use r_peaks::{RPeaks, RPeaksConfig, r_peaks};
pub use scoring::{BeatScore, score_beats};
