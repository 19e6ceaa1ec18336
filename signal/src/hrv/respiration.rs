//! Respiratory rate from heart-rate variability.

use super::{FrequencyConfig, check};
use crate::Result;
use crate::entropy::NoAnswer;

/// Share of HF that must lie within 0.03 Hz of its peak.
const LEAST_SHARE: f64 = 0.5;

/// Breaths a minute, from the peak of the HF band of the intervals `rr_ms`.
///
/// **Use it** as a hint where breathing was not recorded. **Not** in place of a recording: slow breathing (below 9 a
/// minute) lies in LF, and without respiratory sinus arrhythmia there is no peak. It answers only if half of HF lies
/// within 0.03 Hz of the peak and the peak is not the slope of LF.
///
/// # Formula
/// 60 times the frequency of the highest point of [`frequency_domain`](super::frequency_domain) from 0.15 to 0.4 Hz.
///
/// # Examples
/// ```
/// let mut t = 0.0f64;
/// let rr_ms: Vec<f64> = (0..300).map(|_| {
///     let rr = 850.0 + 40.0 * (0.25 * t * 6.283185307).sin();
///     t += rr / 1000.0;
///     rr
/// }).collect();
/// assert!((eir_signal::hrv::respiratory_rate(&rr_ms)? - 15.0).abs() < 0.5);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`frequency_domain`](super::frequency_domain); [`NoAnswer`] if the series is too short or no peak stands out.
///
/// # Validation
/// Planted rhythms (unit tests); no reference values.
///
/// # References
/// Task Force 1996, doi:10.1161/01.CIR.93.5.1043.
pub fn respiratory_rate(rr_ms: &[f64]) -> Result<f64> {
    check(rr_ms, 0)?;
    let (peak_hz, share) = FrequencyConfig::default().with_least_intervals(60).breathing(rr_ms)?;
    if share < LEAST_SHARE {
        return Err(NoAnswer::NoPeak.into());
    }
    Ok(60.0 * peak_hz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_no_rate() {
        let mut state = 1u32;
        let noise: Vec<f64> = (0..400)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                800.0 + 50.0 * (f64::from(state) / f64::from(u32::MAX) - 0.5)
            })
            .collect();
        assert!(respiratory_rate(&noise).unwrap_err().to_string().contains("no peak"));
        assert!(respiratory_rate(&noise[..50]).is_err() && respiratory_rate(&[800.0; 300]).is_err());
    }
}
