//! The UNSW detector for telehealth recordings, after Khamis.

use super::fir::zero_phase;
use super::running::{maximum, median, minimum};
use super::{clean, prepared};
use crate::dispatch::dispatched;
use crate::spectrum::RealFft;
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use num_complex::Complex64;
use std::f64::consts::PI;

/// The QRS complexes of `ecg` after Khamis: turning points of a smooth feature, in three passes.
///
/// **Use it** on a whole recording of moderate quality: the best of the named methods on the golden set. **Not** live,
/// nor where the quality changes much: its threshold is one for the whole recording.
///
/// # Formula
/// [`clean`]ed; less its line and a running median (0.5 s); 0.7–20 Hz (order 7, zero phase); slope times range over
/// 0.1 s; root of a Hamming mean whose length follows the heart rate that is read from the mean spectrum of 2-s pieces.
/// Maxima that rise and fall by 0.2 of the median envelope are beats; those of half that height fill intervals above 1.5
/// times the mean; in intervals below 0.5 times the mean only those of twice that height stay.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..5000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::khamis(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks.len(), 20);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s or three times the length of the smoother, [`NotFinite`](eir_core::error::NotFinite) if the
/// signal has a gap, [`Parameter`](eir_core::error::Parameter) if the rate is below 50 Hz.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="khamis2016"` on its default cleaning) on at least 99 % of beats within one
/// sample, and true positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Khamis et al. 2016, doi:10.1109/TBME.2016.2549060.
pub fn khamis(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    super::at_least(rate, 50.0)?;
    let hz = rate.hz();
    let x = smooth_ecg(&clean(&prepared(ecg, rate)?, rate)?, rate)?;
    let n = x.len();
    let (before, after) = around((hz * 0.1).round_ties_even() as usize);
    let (top, bottom) = (maximum(&x, before, after), minimum(&x, before, after));
    let back = |i: usize| i.checked_sub(2).map_or(0.0, |k| x[k]);
    let feature: Vec<f64> =
        (0..n).map(|i| ((x[i] - back(i)) * hz / 2.0 * (top[i] - bottom[i]).max(0.0)).abs()).collect();
    let pulse_hz = main_frequency(&hamming_mean(&feature, 6.0, hz)?, hz)?;
    let middle = |a: f64, b: f64, c: f64| a.max(b).min(a.min(b).max(c));
    let power = hamming_mean(&feature, middle(3.0, 2.0 * pulse_hz, 8.0), hz)?;
    let (before, after) = around(middle(2.0 * hz, 2.0 * hz / pulse_hz, hz / 2.0).round_ties_even() as usize);
    let upper = minimum(&maximum(&power, before, after), before, after);
    let lower = maximum(&minimum(&power, before, after), before, after);
    let mut envelope: Vec<f64> = upper.iter().zip(&lower).map(|(u, l)| u - l).collect();
    let (below, middle_one, _) = envelope.select_nth_unstable_by(n / 2, f64::total_cmp);
    let upper_middle = *middle_one;
    let lower_middle = if n.is_multiple_of(2) { below.iter().copied().fold(f64::MIN, f64::max) } else { upper_middle };
    let height = 0.2 * (lower_middle + upper_middle) / 2.0;
    Ok(three_passes(&power, height, hz))
}

/// Length of the transforms of 2-s pieces.
const SIZE: usize = 1 << 14;

/// Samples before and after of a window of `size`.
fn around(size: usize) -> (usize, usize) {
    ((size.max(1) - 1) / 2, size / 2)
}

/// Without its line, its running median and everything outside 0.7–20 Hz.
fn smooth_ecg(x: &[f64], rate: SampleRate) -> Result<Vec<f64>> {
    let n = x.len() as f64;
    let centre = (n - 1.0) / 2.0;
    let mean = x.iter().sum::<f64>() / n;
    let (mut cross, mut square) = (0.0, 0.0);
    for (i, v) in x.iter().enumerate() {
        cross += (i as f64 - centre) * (v - mean);
        square += (i as f64 - centre).powi(2);
    }
    let slope = cross / square.max(f64::MIN_POSITIVE);
    let flat: Vec<f64> = x.iter().enumerate().map(|(i, v)| v - mean - slope * (i as f64 - centre)).collect();
    let (before, after) = around((0.5 * rate.hz()).round_ties_even() as usize);
    let baseline = median(&flat, before, after);
    let mut filtered: Vec<f64> = flat.iter().zip(&baseline).map(|(v, b)| v - b).collect();
    filtered =
        ButterworthConfig::new(Band::High { cutoff_hz: 0.7 }).with_order(7).design(rate)?.zero_phase_f64(&filtered)?;
    let low = ButterworthConfig::new(Band::Low { cutoff_hz: 20.0 }).with_order(7).design(rate)?;
    let mut smooth = vec![0.0; x.len()];
    low.zero_phase_padded(&filtered, 24, &mut smooth, &mut Vec::new())?;
    Ok(smooth)
}

/// Root of the size of a Hamming-weighted mean, forwards and backwards, that passes about `cutoff_hz`.
fn hamming_mean(x: &[f64], cutoff_hz: f64, hz: f64) -> Result<Vec<f64>> {
    let size = ((hz / 2.0 * 0.0037 / cutoff_hz * hz).round_ties_even() as usize).max(1);
    let mut window: Vec<f64> = (0..size)
        .map(|k| if size == 1 { 1.0 } else { 0.54 - 0.46 * (2.0 * PI * k as f64 / (size - 1) as f64).cos() })
        .collect();
    let sum: f64 = window.iter().sum();
    window.iter_mut().for_each(|w| *w /= sum);
    let mut mean = zero_phase(x, &window)?;
    mean.iter_mut().for_each(|v| *v = v.abs().sqrt());
    Ok(mean)
}

/// Where the mean of the spectra of 2-s pieces, each divided by its sum, is largest between 0.1 and 4 Hz.
fn main_frequency(x: &[f64], hz: f64) -> Result<f64> {
    let piece = ((2.0 * hz) as usize).clamp(1, SIZE);
    let fft = RealFft::new(SIZE)?;
    let mut samples = vec![0.0; SIZE];
    let mut spectrum = vec![Complex64::default(); fft.bins()];
    let mut room = vec![Complex64::default(); fft.room()];
    let range: Vec<usize> = (0..SIZE / 2).filter(|k| (0.1..4.0).contains(&(*k as f64 * hz / SIZE as f64))).collect();
    let mut sums = vec![0.0; range.len()];
    for part in x.chunks(piece) {
        let mean = part.iter().sum::<f64>() / piece as f64; // the last piece is filled up with zeros
        samples[..part.len()].iter_mut().zip(part).for_each(|(s, v)| *s = v - mean);
        samples[part.len()..piece].fill(-mean);
        fft.forward_into(&samples, &mut spectrum, &mut room)?;
        let area = area(&spectrum);
        if area > 0.0 {
            sums.iter_mut().zip(&range).for_each(|(sum, k)| *sum += spectrum[*k].norm() / area);
        }
    }
    // the first of equal ones
    let best = (0..sums.len()).rev().max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap_or_default();
    Ok(range.get(best).map_or(1.0, |k| *k as f64 * hz / SIZE as f64))
}

/// Sum of the sizes of all bins of a real signal's spectrum, of which the upper half mirrors the lower: four roots at a
/// time instead of one `hypot`.
fn area(spectrum: &[Complex64]) -> f64 {
    let mut sums = [0.0; 8];
    dispatched(
        #[inline(always)]
        || {
            let (chunks, rest) = spectrum.as_chunks::<8>();
            for chunk in chunks {
                sums.iter_mut().zip(chunk).for_each(|(s, z)| *s += (z.re * z.re + z.im * z.im).sqrt());
            }
            sums.iter_mut().zip(rest).for_each(|(s, z)| *s += (z.re * z.re + z.im * z.im).sqrt());
        },
    );
    let ends = [spectrum.first(), spectrum.last()].into_iter().flatten().map(|z| z.norm()).sum::<f64>();
    2.0 * sums.iter().sum::<f64>() - ends
}

fn three_passes(power: &[f64], height: f64, hz: f64) -> Vec<usize> {
    let mut beats = maxima(power, height);
    if beats.is_empty() {
        return beats;
    }
    // second pass: half the height in long gaps
    let interval = mean_interval(&beats, hz);
    let long = if interval.is_nan() { 0.0 } else { 1.5 * interval };
    let mut lower = maxima(power, height / 2.0);
    let (first, last) = (beats[0], beats[beats.len() - 1]);
    lower.retain(|p| {
        let next = beats.partition_point(|b| b < p);
        match (next.checked_sub(1).and_then(|k| beats.get(k)), beats.get(next)) {
            (_, Some(b)) if b == p => false,
            (None, _) => first as f64 >= long,
            (Some(_), None) => (power.len() - last) as f64 - 1.0 >= long,
            // as in the reference tool the interval counts two samples less, and the sample behind a beat is taken
            (Some(a), Some(b)) => (b - a) as f64 - 2.0 >= long && *p != a + 1,
        }
    });
    beats.extend(lower);
    beats.sort_unstable();
    // third pass: twice the height in short intervals
    let short = 0.5 * mean_interval(&beats, hz);
    let higher = maxima(power, 2.0 * height);
    let in_short = |p: usize| {
        let next = beats.partition_point(|b| *b <= p);
        next > 0 && next < beats.len() && ((beats[next] - beats[next - 1]) as f64) < short
    };
    let mut kept: Vec<usize> = beats.iter().copied().filter(|p| !in_short(*p)).collect();
    kept.extend(higher.into_iter().filter(|p| in_short(*p)));
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Mean of the intervals below 5 s, in samples; NaN if there is none, which no interval exceeds.
fn mean_interval(beats: &[usize], hz: f64) -> f64 {
    let intervals: Vec<f64> = beats.windows(2).map(|w| (w[1] - w[0]) as f64).filter(|d| *d < 5.0 * hz).collect();
    intervals.iter().sum::<f64>() / intervals.len() as f64
}

/// Maxima that rise by more than `height` above the last minimum and fall by more than it to the next.
fn maxima(x: &[f64], height: f64) -> Vec<usize> {
    let end = x[x.len() - 1];
    let tail = [end + f64::EPSILON, end];
    let at = |i: usize| if i < x.len() { x[i] } else { tail[i - x.len()] };
    let sign = |a: f64, b: f64| i32::from(b > a) - i32::from(b < a);
    let mut found = Vec::new();
    let (mut state, mut place, mut reference) = (0, 0usize, x[0]);
    for i in 1..=x.len() {
        let turn = (sign(at(i - 1), at(i)) - sign(at(i), at(i + 1))).signum();
        if turn == 0 {
            continue;
        }
        let value = at(i);
        if state == 0 && (value - reference).abs() > height {
            (state, place, reference) = (turn, i, value);
        }
        if state == 1 && reference - value > height {
            found.push(place);
            (state, place, reference) = (-1, i, value);
        } else if state == 1 && value > reference {
            (place, reference) = (i, value);
        }
        if state == -1 && value - reference > height {
            (state, place, reference) = (1, i, value);
        } else if state == -1 && value < reference {
            (place, reference) = (i, value);
        }
    }
    found.retain(|p| *p > 0 && *p < x.len());
    found
}
