//! QRS detection in the second difference of a normalised signal, after Gamboa.

use super::fir::zero_phase;
use super::prepared;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use std::f64::consts::PI;

/// The R-peaks of `ecg` after Gamboa: maxima of curvature above a fixed share of the amplitude.
///
/// **Use it** to compare with the literature. **Not** on noise, of which it takes much for beats.
///
/// # Formula
/// [`clean_fir`]; divided by the larger of the two bounds between which the histogram (100 bins, density) sums up to
/// 0.01 and 0.99; where the negative second difference has a maximum above 0.002, more than 0.3 s behind the last, the
/// largest sample of the next 0.1 s is a beat.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::gamboa(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert!(peaks.len() >= 9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`clean_fir`].
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="gamboa2008"`) on at least 99 % of beats within one sample, and true positives,
/// misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Gamboa 2008, *Multi-modal behavioral biometrics based on HCI and electrophysiology*, thesis, Lisbon.
pub fn gamboa(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let x = clean_fir(&prepared(ecg, rate)?, rate)?;
    let scale = scale(&x);
    if scale == 0.0 || !scale.is_finite() {
        return Ok(Vec::new());
    }
    let bend: Vec<f64> = x.windows(3).map(|w| -(w[2] - 2.0 * w[1] + w[0]) / scale).collect();
    let sign = |v: f64| {
        if v > 0.0 {
            1
        } else if v < 0.0 {
            -1
        } else {
            0
        }
    };
    // where the slope of `bend` turns from up to down; as in the reference tool the index is one further
    let turns = bend.windows(3).enumerate().filter(|(_, w)| sign(w[2] - w[1]) - sign(w[1] - w[0]) == -2);
    let mut turns = turns.map(|(i, _)| i + 2).filter(|i| bend.get(*i).is_some_and(|v| *v > 0.002));
    let (apart, reach) = ((0.3 * rate.hz()) as usize, (0.1 * rate.hz()) as usize);
    let Some(mut previous) = turns.next() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for i in turns {
        if i - previous > apart {
            previous = i;
            let to = (i + reach).min(x.len());
            found.extend((i..to).rev().max_by(|a, b| x[*a].total_cmp(&x[*b])));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The larger bound of what the histogram calls usual.
fn scale(x: &[f64]) -> f64 {
    let low = x.iter().copied().fold(f64::INFINITY, f64::min);
    let high = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / 100.0;
    if width <= 0.0 || !width.is_finite() {
        return 0.0;
    }
    let mut counts = [0usize; 100];
    for v in x {
        counts[(((v - low) / width) as usize).min(99)] += 1;
    }
    let mut sum = 0.0;
    let sums: Vec<f64> = counts
        .iter()
        .map(|c| {
            sum += *c as f64 / (x.len() as f64 * width);
            sum
        })
        .collect();
    let edge = |k: usize| low + k as f64 * width;
    let lower = sums.iter().position(|s| *s > 0.01).map_or(0.0, edge);
    let upper = sums.iter().rposition(|s| *s < 0.99).map_or(0.0, edge);
    lower.abs().max(upper.abs())
}

/// The ECG between 0.67 and 45 Hz as BioSPPy cleans it: a windowed FIR filter of 1.5 s (Hamming), forwards and backwards,
/// less its mean.
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) unless longer than 4.5 s, [`Parameter`] if the rate is 90 Hz or less.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `ecg_clean(method="biosppy")` within 1e-6 of the largest value on the golden set.
pub fn clean_fir(ecg: &[f64], rate: SampleRate) -> Result<Vec<f64>> {
    eir_core::error::NotFinite::check_f64("sample", ecg)?;
    if rate.hz() <= 90.0 {
        return Err(Parameter::new("sample rate", rate.hz(), "above 90 Hz for a filter up to 45 Hz").into());
    }
    let taps = (1.5 * rate.hz()) as usize | 1;
    let filter = band_pass_taps(taps, 0.67 / rate.nyquist_hz(), 45.0 / rate.nyquist_hz());
    let mut x = zero_phase(ecg, &filter)?;
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    x.iter_mut().for_each(|v| *v -= mean);
    Ok(x)
}

/// Windowed sinc between two edges relative to half the rate, gain 1 in the middle of the band.
fn band_pass_taps(taps: usize, low: f64, high: f64) -> Vec<f64> {
    let sinc = |v: f64| if v == 0.0 { 1.0 } else { (PI * v).sin() / (PI * v) };
    let middle = (taps - 1) as f64 / 2.0;
    let mut h: Vec<f64> = (0..taps)
        .map(|k| {
            let m = k as f64 - middle;
            let window = 0.54 - 0.46 * (2.0 * PI * k as f64 / (taps - 1) as f64).cos();
            (high * sinc(high * m) - low * sinc(low * m)) * window
        })
        .collect();
    let centre = (low + high) / 2.0;
    let gain: f64 = h.iter().enumerate().map(|(k, v)| v * (PI * (k as f64 - middle) * centre).cos()).sum();
    h.iter_mut().for_each(|v| *v /= gain);
    h
}
