//! QRS detection after Pan and Tompkins.

use super::peaks::{causal_mean, local_maxima};
use super::prepared;
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use eir_core::error::NotFinite;

/// The QRS complexes of `ecg` after Pan and Tompkins.
///
/// **Use it** to compare with the literature, or as the plainest detector. **Not** for heart-rate variability: it
/// returns the maximum of the moving mean, about 40 ms behind the R-peak.
///
/// # Formula
/// Band-pass 5–15 Hz (order 1, one causal pass from the state of the mean); difference; square; mean of the
/// last 0.12 s; the first 0.2 s set to 0. A strict maximum above `NPK + ¼ (SPK − NPK)` and more than 0.3 s behind the
/// last beat is a beat and moves `SPK` by ⅛ of the way to its height, else `NPK`. If an interval exceeds 1.66 times the
/// mean of the eight before, the highest maximum above half the threshold, 0.25 s away from both ends, replaces the gap.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::pan_tompkins(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks.len(), 10);
/// assert!(peaks.iter().zip(0..).all(|(p, k)| (p - (125 + 250 * k)) < 25)); // late, by design
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`] if the signal has a gap,
/// [`Parameter`](eir_core::error::Parameter) if the rate is 30 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="pantompkins1985"`) on at least 99 % of beats within one sample, and true
/// positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Pan, Tompkins 1985, doi:10.1109/TBME.1985.325532.
pub fn pan_tompkins(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let x = clean_pan_tompkins(&prepared(ecg, rate)?, rate)?;
    let squares: Vec<f64> = x.windows(2).map(|w| (w[1] - w[0]).powi(2)).collect();
    let mut mean = causal_mean(&squares, ((0.12 * rate.hz()) as usize).max(1));
    let blank = ((0.2 * rate.hz()) as usize).min(mean.len());
    mean[..blank].fill(0.0);
    Ok(beats(&mean, rate))
}

/// The ECG between 5 and 15 Hz: order 1, one causal pass from the state of the mean.
///
/// # Errors
/// [`NotFinite`], or [`Parameter`](eir_core::error::Parameter) if the rate is 30 Hz or less.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `ecg_clean(method="pantompkins1985")` within 1e-6 of the largest value on the golden set.
pub fn clean_pan_tompkins(ecg: &[f64], rate: SampleRate) -> Result<Vec<f64>> {
    NotFinite::check_f64("sample", ecg)?;
    let band = ButterworthConfig::new(Band::Pass { low_hz: 5.0, high_hz: 15.0 }).with_order(1).design(rate)?;
    let mut x = ecg.to_vec();
    let mean = x.iter().sum::<f64>() / x.len().max(1) as f64;
    band.stream_from(mean).process(&mut x);
    Ok(x)
}

/// Thresholds that follow the heights of beats and of other maxima; `mean` is what they are heights of.
pub(super) fn beats(mean: &[f64], rate: SampleRate) -> Vec<usize> {
    let (apart, guard) = ((0.3 * rate.hz()) as usize, (0.25 * rate.hz()) as usize);
    let peaks = local_maxima(mean, true);
    let mut found: Vec<usize> = Vec::new();
    let (mut signal, mut noise) = (0.0, 0.0);
    let (mut last, mut last_index) = (0usize, None::<usize>);
    for (index, peak) in peaks.iter().copied().enumerate() {
        let height = mean[peak];
        let threshold = noise + 0.25 * (signal - noise);
        if height > threshold && peak > last + apart {
            found.push(peak);
            let n = found.len();
            if n > 9 {
                let usual = (found[n - 2] - found[n - 10]) / 8;
                if peak - last > (1.66 * usual as f64) as usize {
                    let between = peaks[last_index.map_or(0, |i| i + 1)..index].iter().copied();
                    let missed =
                        between.filter(|p| *p > last + guard && p + guard < peak && mean[*p] > 0.5 * threshold);
                    // the first of equal ones
                    if let Some(best) = missed.rev().max_by(|a, b| mean[*a].total_cmp(&mean[*b])) {
                        found[n - 1] = best;
                        found.push(peak);
                    }
                }
            }
            (last, last_index) = (peak, Some(index));
            signal = 0.125 * height + 0.875 * signal;
        } else {
            noise = 0.125 * height + 0.875 * noise;
        }
    }
    found
}
