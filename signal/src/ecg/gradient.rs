//! QRS detection by steepness, as NeuroKit does it by default.

use super::peaks::{held_mean_into, local_maxima, prominence};
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use eir_core::error::TooShort;
use std::ops::Range;

/// The ECG without drift and hum, as NeuroKit cleans it: high-pass 0.5 Hz (order 5, zero phase), then means of
/// `⌊rate / 50⌋` samples, forwards and backwards.
///
/// # Errors
/// [`TooShort`], [`NotFinite`](eir_core::error::NotFinite), or [`Parameter`](eir_core::error::Parameter) if the rate is 1 Hz or less.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `ecg_clean(method="neurokit")` within 1e-6 of the largest value on the golden set.
pub fn clean(ecg: &[f64], rate: SampleRate) -> Result<Vec<f64>> {
    let (mut x, mut y) = (ecg.to_vec(), Vec::new());
    let cleaned = clean_into(&mut x, &mut y, rate)?;
    y.truncate(cleaned.end);
    y.drain(..cleaned.start);
    Ok(y)
}

/// As [`clean`]: where in `y` the result is. `x` is used up; at half a million samples fresh memory costs more than what
/// is done in it.
fn clean_into(x: &mut Vec<f64>, y: &mut Vec<f64>, rate: SampleRate) -> Result<Range<usize>> {
    let high = ButterworthConfig::new(Band::High { cutoff_hz: 0.5 }).with_order(5).design(rate)?;
    let n = x.len();
    let size = if rate.hz() >= 100.0 { (rate.hz() / 50.0) as usize } else { 2 };
    let edge = 3 * size;
    if n <= edge {
        return Err(TooShort::new("samples", n, edge + 1).into());
    }
    let inside = edge..edge + n;
    y.clear();
    y.resize(n + 2 * edge, 0.0);
    high.zero_phase_into(x, &mut y[inside.clone()], &mut Vec::new())?;
    let (first, last) = (y[inside.start], y[inside.end - 1]);
    for k in 1..=edge {
        y[inside.start - k] = 2.0 * first - y[inside.start + k];
        y[inside.end - 1 + k] = 2.0 * last - y[inside.end - 1 - k];
    }
    held_mean_into(y, size, size - 1, x);
    held_mean_into(x, size, 0, y);
    Ok(inside)
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
    // room for what is continued beyond the ends
    let mut x = Vec::with_capacity(ecg.len() + least);
    x.extend(ecg.iter().map(|v| f64::from(*v)));
    let mut y = Vec::new();
    let cleaned = clean_into(&mut x, &mut y, rate)?;
    let x = &y[cleaned];
    // half to even, as NumPy rounds
    let size = |seconds: f64| ((seconds * rate.hz()).round_ties_even() as usize).max(1);
    let (starts, ends) = steep_stretches(x, size(0.1), size(0.75));
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

/// Where the size of the gradient, in means over `short` samples, begins and ends to exceed 1.5 times its own mean over
/// `long`. Block by block: what is between stays in the cache.
fn steep_stretches(x: &[f64], short: usize, long: usize) -> (Vec<usize>, Vec<usize>) {
    let (n, margin) = (x.len(), short + long);
    // the nearest caches, and at high rates not much more for the margins than for the block
    let block = (4 * margin).max(16_384);
    let (mut slope, mut steep, mut usual) = (Vec::new(), Vec::new(), Vec::new());
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let mut was = None;
    for start in (0..n).step_by(block) {
        let end = (start + block).min(n);
        let (from, to) = (start.saturating_sub(margin), (end + margin).min(n));
        slope.clear();
        if from == 0 {
            slope.push((x[1] - x[0]).abs());
        }
        slope.extend(x[from.max(1) - 1..(to + 1).min(n)].windows(3).map(|w| ((w[2] - w[0]) / 2.0).abs()));
        if to == n {
            slope.push((x[n - 1] - x[n - 2]).abs());
        }
        held_mean_into(&slope, short, short / 2, &mut steep);
        held_mean_into(&steep, long, long / 2, &mut usual);
        for (i, (steep, usual)) in (start..end).zip(steep.iter().zip(&usual).skip(start - from)) {
            let is = *steep > 1.5 * usual;
            if was.is_some_and(|was| was != is) {
                if is { starts.push(i - 1) } else { ends.push(i - 1) }
            }
            was = Some(is);
        }
    }
    (starts, ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_join() {
        let noise = |i: i32| f64::from(i * 7919 % 1013) / 1013.0;
        let x: Vec<f64> = (0..40_000).map(|i| noise(i) * (1.0 + 5.0 * f64::from(i % 300 < 30))).collect();
        let size = x.len();
        let mut slope: Vec<f64> = (0..size).map(|i| (x[(i + 1).min(size - 1)] - x[i.max(1) - 1]).abs() / 2.0).collect();
        (slope[0], slope[size - 1]) = (2.0 * slope[0], 2.0 * slope[size - 1]);
        let (mut steep, mut usual) = (Vec::new(), Vec::new());
        held_mean_into(&slope, 36, 18, &mut steep);
        held_mean_into(&steep, 270, 135, &mut usual);
        let inside: Vec<bool> = steep.iter().zip(&usual).map(|(s, u)| *s > 1.5 * u).collect();
        let change = |to: bool| (0..size - 1).filter(|i| inside[*i] != to && inside[i + 1] == to).collect::<Vec<_>>();
        let (starts, ends) = steep_stretches(&x, 36, 270);
        assert!(starts.len() > 100);
        assert_eq!((starts, ends), (change(true), change(false)));
    }
}
