//! QRS detection after Hamilton.

use super::prepared;
use super::running::sum_from_rest;
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use std::collections::VecDeque;

/// The QRS complexes of `ecg` after Hamilton, at the maximum of the moving mean.
///
/// **Use it** to compare with the literature. **Not** for heart-rate variability: it is late by 30 to 60 ms
/// ([`QrsMethod::r_peaks`](super::QrsMethod::r_peaks) moves it to the R-peak), and large T waves are taken for beats.
///
/// # Formula
/// Band-pass 8–16 Hz (order 1, one causal pass from the state of the mean); size of the difference; mean of the
/// last 0.08 s, the first 0.16 s set to 0. A strict maximum above `N + 0.45 (S − N)` and more than 0.3 s behind the last
/// beat is a beat; `S` and `N` are the means of the last eight heights of beats and of other maxima. (As in the
/// reference tool there is no search back: its own is never reached.)
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::hamilton(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks.len(), 10);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is 32 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="hamilton2002"`) on at least 99 % of beats within one sample, and true
/// positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Hamilton 2002, *Open source ECG analysis*, Computers in Cardiology 29, 101–104.
pub fn hamilton(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let mut x = prepared(ecg, rate)?;
    let band = ButterworthConfig::new(Band::Pass { low_hz: 8.0, high_hz: 16.0 }).with_order(1).design(rate)?;
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    band.stream_from(mean).process(&mut x);
    let steep: Vec<f64> = x.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    let size = ((0.08 * rate.hz()) as usize).max(1);
    let mut mean = sum_from_rest(&steep, size);
    mean.iter_mut().for_each(|v| *v /= size as f64);
    let blank = (2 * size).min(mean.len());
    mean[..blank].fill(0.0);
    let (mut signal, mut noise) = (Recent::default(), Recent::default());
    let (mut threshold, mut last) = (0.0, 0usize);
    let mut found = Vec::new();
    for (i, w) in mean.windows(3).enumerate() {
        if !(w[0] < w[1] && w[2] < w[1]) {
            continue;
        }
        let peak = i + 1;
        if w[1] > threshold && (peak - last) as f64 > 0.3 * rate.hz() {
            found.push(peak);
            last = peak;
            signal.push(w[1]);
        } else {
            noise.push(w[1]);
        }
        threshold = noise.mean() + 0.45 * (signal.mean() - noise.mean());
    }
    Ok(found)
}

/// The last eight heights.
#[derive(Default)]
struct Recent(VecDeque<f64>);

impl Recent {
    fn push(&mut self, value: f64) {
        if self.0.len() == 8 {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    fn mean(&self) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.iter().sum::<f64>() / self.0.len() as f64 }
    }
}
