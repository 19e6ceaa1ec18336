//! The filters that the baseline methods share.

use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use eir_core::error::Parameter;

fn rate() -> std::result::Result<SampleRate, Parameter> {
    SampleRate::new(super::RATE_HZ)
}

fn zero_phase(x: &[f64], band: Band, order: usize, edge: usize) -> Result<Vec<f64>> {
    let filter = ButterworthConfig::new(band).with_order(order).design(rate()?)?;
    let mut y = vec![0.0; x.len()];
    filter.zero_phase_padded(x, edge, &mut y, &mut Vec::new())?;
    Ok(y)
}

/// Low-pass, passed twice, continued at the ends by 3 times the order as MATLAB's `filtfilt` does.
pub(super) fn low_pass(x: &[f64], order: usize, cutoff_hz: f64) -> Result<Vec<f64>> {
    zero_phase(x, Band::Low { cutoff_hz }, order, 3 * order)
}

/// Band-pass of first order, as above.
pub(super) fn band_pass(x: &[f64], low_hz: f64, high_hz: f64) -> Result<Vec<f64>> {
    zero_phase(x, Band::Pass { low_hz, high_hz }, 1, 6)
}

/// Every `step`-th sample of the signal without what `step` cannot carry.
pub(super) fn decimate(x: &[f64], step: usize) -> Result<Vec<f64>> {
    let cutoff_hz = super::RATE_HZ / (2.2 * step as f64);
    let filter = ButterworthConfig::new(Band::Low { cutoff_hz }).with_order(8).design(rate()?)?;
    Ok(filter.zero_phase_f64(x)?.into_iter().step_by(step).collect())
}
