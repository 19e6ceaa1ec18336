//! The last hour of a trace as a sequence of codes.

use super::super::outcome::end;
use super::super::vae::{CtgVae, CtgWindow};
use crate::Result;
use crate::ctg::{self, RATE_HZ};
use eir_core::error::TooShort;

/// The last hour of a heart rate as a sequence of codes of a [`CtgVae`]: what temporal models of the outcome read.
///
/// A step every 2 min, 29 steps of 4 min each; the hour ends where the heart rate ends, as in
/// [`outcome_features`](crate::models::outcome_features). Each step has 28 numbers: the 24 of its window's code, the
/// baseline, the logarithms of short-term variation and minute range that are read off it, and the share of it that was
/// measured. A step of which less than a minute was measured has zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct CtgSequence {
    pub(super) values: Vec<f32>,
}

impl CtgSequence {
    /// Steps of a sequence.
    pub const STEPS: usize = 29;
    /// Numbers of a step.
    pub const NUMBERS: usize = CODE + 4;

    /// Of a heart rate in bpm at 4 Hz (0 and NaN mean lost), coded by `vae`.
    ///
    /// # Errors
    /// [`TooShort`] for less than 10 min of measured heart rate in the last hour; as [`CtgVae::encode`].
    pub fn new(vae: &CtgVae, fhr_bpm: &[f64]) -> Result<Self> {
        const HOUR: usize = 3600 * RATE_HZ as usize;
        const LEAST: usize = 600 * RATE_HZ as usize;
        const STEP: usize = 120 * RATE_HZ as usize;
        let end = end(fhr_bpm);
        let hour = &fhr_bpm[end.saturating_sub(HOUR)..end];
        let measured = hour.iter().filter(|v| ctg::is_measured(**v)).count();
        if measured < LEAST {
            return Err(TooShort::new("measured samples of the last hour", measured, LEAST).into());
        }
        // what lies before the trace is lost
        let mut whole = vec![f64::NAN; HOUR - hour.len()];
        whole.extend_from_slice(hour);
        let windows = CtgWindow::of_trace(&whole, STEP)?;
        let mut values = vec![0.0; Self::STEPS * Self::NUMBERS];
        for (code, window) in vae.encode(&windows)?.iter().zip(&windows) {
            let step = code.start / STEP * Self::NUMBERS;
            let Some(to) = values.get_mut(step..step + Self::NUMBERS) else { continue };
            let (wide, rest) = to.split_at_mut(CODE);
            wide.copy_from_slice(&code.mean[..CODE]);
            let share = window.measured_count() as f64 / CtgWindow::SAMPLES as f64;
            let read = [(code.baseline_bpm - 140.0) / 20.0, code.stv_ms.ln() - 1.5, code.minute_range_ms.ln() - 3.3];
            rest.iter_mut().zip(read.into_iter().chain([share])).for_each(|(to, v)| *to = v as f32);
        }
        Ok(Self { values })
    }

    /// Its numbers, step after step.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// Numbers of a code that describe the window as a whole.
const CODE: usize = 24;
