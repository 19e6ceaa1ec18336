//! QRS detection with two moving means, after Elgendi.

use super::peaks::causal_mean;
use super::prepared;
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;

/// The QRS complexes of `ecg` after Elgendi: where a short mean exceeds a long one.
///
/// **Use it** to compare with the literature. **Not** for heart-rate variability: it is late by about 70 ms
/// ([`QrsMethod::r_peaks`](super::QrsMethod::r_peaks) moves it to the R-peak), and it has no memory of heights.
///
/// # Formula
/// Band-pass 8–20 Hz (order 2, one causal pass from the state of the mean); where the mean of its size over the
/// last 0.12 s exceeds that over the last 0.6 s for more than 0.08 s is a block; its maximum is a beat if more than
/// 0.3 s behind the last.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::elgendi(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks.len(), 10);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is 40 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="elgendi2010"`) on at least 99 % of beats within one sample, and true
/// positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Elgendi, Jonkman, De Boer 2010, *Frequency bands effects on QRS detection*, BIOSIGNALS 428–431.
pub fn elgendi(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let mut x = prepared(ecg, rate)?;
    let band = ButterworthConfig::new(Band::Pass { low_hz: 8.0, high_hz: 20.0 }).with_order(2).design(rate)?;
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    band.stream_from(mean).process(&mut x);
    let size: Vec<f64> = x.iter().map(|v| v.abs()).collect();
    let short = causal_mean(&size, ((0.12 * rate.hz()) as usize).max(1));
    let long = causal_mean(&size, ((0.6 * rate.hz()) as usize).max(1));
    let inside = |i: usize| short[i] > long[i];
    let (least, apart) = ((0.08 * rate.hz()) as usize, (0.3 * rate.hz()) as usize);
    let mut found: Vec<usize> = Vec::new();
    let mut start = None;
    for i in 0..x.len() - 1 {
        match (inside(i), inside(i + 1)) {
            (false, true) => start = Some(i),
            (true, false) => {
                let Some(start) = start else { continue };
                let end = i.saturating_sub(1);
                if end <= start || end - start <= least {
                    continue;
                }
                // the first of equal ones
                let peak = (start..=end).rev().max_by(|a, b| x[*a].total_cmp(&x[*b])).unwrap_or(start);
                if found.last().is_none_or(|last| peak > last + apart) {
                    found.push(peak);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
