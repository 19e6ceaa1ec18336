//! QRS detection with a combined adaptive threshold, after Christov.

use super::engzee::AdaptiveLevel;
use super::prepared;
use super::running::{maximum, sum_from_rest};
use crate::Result;
use eir_core::SampleRate;
use std::collections::VecDeque;

/// The QRS complexes of `ecg` after Christov, where the lead crosses a threshold of three parts.
///
/// **Use it** to compare with the literature. **Not** on a single noisy lead: it was made for twelve, and fires often.
///
/// # Formula
/// Means over 0.02 and 0.028 s, size of `x[n+1] − x[n−1]`, mean over 0.04 s, the first three lengths set to 0. Threshold `M + F + R`: `M` follows the
/// heights of the last five beats and falls by 0.4 within 1.2 s; `F` adds ⅟150 of what the maximum of the last 50 ms of
/// 350 exceeds that of the first; `R` lowers it from ⅔ of the mean interval on. The first beat is left out.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..5000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::christov(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert!(peaks.len() >= 19); // also on the rounding of a flat line
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is below 50 Hz.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="christov2004"`) on at least 99 % of beats within one sample, and true
/// positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Christov 2004, doi:10.1186/1475-925X-3-28.
pub fn christov(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    super::at_least(rate, 50.0)?;
    let seconds = |s: f64| (s * rate.hz()) as usize;
    let mean = |x: &[f64], size: usize| {
        let mut sums = sum_from_rest(x, size);
        sums.iter_mut().for_each(|v| *v /= size as f64);
        sums
    };
    let (first, second, third) = (seconds(0.02), seconds(0.028), seconds(0.04));
    let smooth = mean(&mean(&prepared(ecg, rate)?, first), second);
    let steep: Vec<f64> = smooth.windows(3).map(|w| (w[2] - w[0]).abs()).collect();
    let mut x = mean(&steep, third);
    let blank = (first + second + third).min(x.len());
    x[..blank].fill(0.0);
    let (ms50, ms200, ms350) = (seconds(0.05), seconds(0.2), seconds(0.35));
    let tops = maximum(&x, ms50 - 1, 0);
    let mut level = AdaptiveLevel::new(rate);
    let (mut f, mut r) = (0.0, 0.0);
    let mut intervals: VecDeque<usize> = VecDeque::new();
    let mut usual = 0usize;
    let mut found: Vec<usize> = Vec::new();
    for i in 0..x.len() {
        let last = found.last().copied();
        let m = level.next(&x, i, last, true);
        if i > ms350 {
            f += (tops[i - 1] - tops[i - ms350 + ms50 - 1]) / 150.0;
        }
        if let Some(last) = last {
            let early = last + (2.0 / 3.0 * usual as f64) as usize;
            if i < early {
                r = 0.0;
            } else if i > early && i < last + usual {
                r = (m - level.mean()) / 1.4;
            }
        }
        if x[i] > m + f + r && last.is_none_or(|last| i > last + ms200) {
            found.push(i);
            if let (true, Some(last)) = (found.len() > 2, last) {
                intervals.push_back(i - last);
                if intervals.len() > 5 {
                    intervals.pop_front();
                }
                usual = intervals.iter().sum::<usize>() / intervals.len();
            }
        }
    }
    if !found.is_empty() {
        found.remove(0);
    }
    Ok(found)
}
