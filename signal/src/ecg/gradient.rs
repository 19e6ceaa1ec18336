//! QRS detection by steepness, as NeuroKit does it by default.

use super::peaks::{local_maxima, moving_mean, prominence};
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use eir_core::error::{NotFinite, TooShort};

/// The ECG without drift and hum, as NeuroKit cleans it: high-pass 0.5 Hz (order 5, zero phase), then means of
/// `⌊rate / 50⌋` samples, forwards and backwards.
///
/// # Errors
/// [`TooShort`], [`NotFinite`], or [`Parameter`](eir_core::error::Parameter) if the rate is 1 Hz or less.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `ecg_clean(method="neurokit")` within 1e-6 of the largest value on the golden set.
pub fn clean(ecg: &[f64], rate: SampleRate) -> Result<Vec<f64>> {
    NotFinite::check_f64("sample", ecg)?;
    let high = ButterworthConfig::new(Band::High { cutoff_hz: 0.5 }).with_order(5).design(rate)?;
    let mut x = high.zero_phase_f64(ecg)?;
    let size = if rate.hz() >= 100.0 { (rate.hz() / 50.0) as usize } else { 2 };
    let edge = 3 * size;
    if x.len() <= edge {
        return Err(TooShort::new("samples", x.len(), edge + 1).into());
    }
    let (first, last, n) = (x[0], x[x.len() - 1], x.len());
    let mut long: Vec<f64> = x[1..=edge].iter().rev().map(|v| 2.0 * first - v).collect();
    long.extend_from_slice(&x);
    long.extend(x[n - 1 - edge..n - 1].iter().rev().map(|v| 2.0 * last - v));
    for _ in 0..2 {
        long = held_mean(&long, size);
        long.reverse();
    }
    x.copy_from_slice(&long[edge..edge + n]);
    Ok(x)
}

/// Mean of the last `size` samples of a signal that always was as its first.
fn held_mean(x: &[f64], size: usize) -> Vec<f64> {
    let first = x.first().copied().unwrap_or_default();
    let scale = 1.0 / size as f64;
    let mut sum = first * size as f64;
    let mut means = Vec::with_capacity(x.len());
    means.extend(x.iter().take(size).map(|new| {
        sum += new - first;
        sum * scale
    }));
    means.extend(x.iter().skip(size).zip(x).map(|(new, old)| {
        sum += new - old;
        sum * scale
    }));
    means
}

/// The R-peaks of `ecg` by steepness.
///
/// **Use it** to get what NeuroKit gives by default. **Not** on irregular rhythms or wide complexes, of which it misses
/// many: [`r_peaks`](super::r_peaks) is for those.
///
/// # Formula
/// [`clean`]ed; size of the gradient, mean over 0.1 s; where it exceeds 1.5 times its own mean over 0.75 s is a complex,
/// unless shorter than 0.4 times the mean length of all; its most prominent maximum is the R-peak if more than 0.3 s
/// behind the last.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::gradient_peaks(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks, (0..10).map(|k| 125 + 250 * k).collect::<Vec<_>>());
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`clean`]; [`TooShort`] below 1 s.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="neurokit"`) on at least 99 % of beats within one sample on the golden set.
///
/// # References
/// Makowski et al. 2021, doi:10.3758/s13428-020-01516-y; Brammer 2020 in its source.
pub fn gradient_peaks(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let least = (rate.hz().ceil() as usize).max(3);
    if ecg.len() < least {
        return Err(TooShort::new("samples", ecg.len(), least).into());
    }
    let wide: Vec<f64> = ecg.iter().map(|v| f64::from(*v)).collect();
    let x = clean(&wide, rate)?;
    let n = x.len();
    let mut steep = Vec::with_capacity(n);
    steep.push((x[1] - x[0]).abs());
    steep.extend(x.windows(3).map(|w| ((w[2] - w[0]) / 2.0).abs()));
    steep.push((x[n - 1] - x[n - 2]).abs());
    // half to even, as NumPy rounds
    let size = |seconds: f64| ((seconds * rate.hz()).round_ties_even() as usize).max(1);
    let steep = moving_mean(&steep, size(0.1));
    let usual = moving_mean(&steep, size(0.75));
    let inside: Vec<bool> = steep.iter().zip(&usual).map(|(s, u)| *s > 1.5 * u).collect();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for (i, w) in inside.windows(2).enumerate().filter(|(_, w)| w[0] != w[1]) {
        if w[0] { ends.push(i) } else { starts.push(i) }
    }
    let Some(first) = starts.first() else { return Ok(Vec::new()) };
    let pairs: Vec<(usize, usize)> = starts.iter().copied().zip(ends.into_iter().filter(|e| e > first)).collect();
    let mean = pairs.iter().map(|(s, e)| *e as f64 - *s as f64).sum::<f64>() / pairs.len() as f64;
    let delay = size(0.3);
    let mut peaks: Vec<usize> = Vec::new();
    for (start, end) in pairs.into_iter().filter(|(s, e)| e > s && (e - s) as f64 >= 0.4 * mean) {
        let complex = &x[start..end];
        let best = local_maxima(complex, false).into_iter().rev();
        let best = best.max_by(|a, b| prominence(complex, *a).total_cmp(&prominence(complex, *b)));
        if let Some(peak) = best.map(|p| start + p).filter(|p| *p > peaks.last().copied().unwrap_or(0) + delay) {
            peaks.push(peak);
        }
    }
    Ok(peaks)
}
