//! QRS detection by modulus maxima of a wavelet transform, after Martínez.

use super::peaks::local_maxima;
use super::{clean, prepared};
use crate::Result;
use eir_core::SampleRate;

/// Points at which the wavelet is integrated, as PyWavelets does.
const POINTS: usize = 1 << 12;

/// The R-peaks of `ecg` after Martínez: zero crossings between maxima that persist over five scales.
///
/// **Use it** to compare with the literature. **Not** on negative complexes, which it leaves out by its sign.
///
/// # Formula
/// [`clean`]ed; transform with the derivative of a Gaussian at the scales 1, 2, 4, 8, 16. Maxima of its size above its
/// root mean square at scale 16, each followed to the nearest of the finer scales down to 2; between a negative and a
/// positive one less than 0.1 s apart the last sample before the zero crossing at scale 2 is a beat.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::martinez(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks.len(), 10);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is 1 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="martinez2004"`) on at least 99 % of beats within one sample, and true
/// positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Martínez et al. 2004, doi:10.1109/TBME.2003.821031.
pub fn martinez(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let x = clean(&prepared(ecg, rate)?, rate)?;
    let maxima = |w: &[f64]| -> Vec<usize> {
        let level = (w.iter().map(|v| v * v).sum::<f64>() / w.len() as f64).sqrt();
        let size: Vec<f64> = w.iter().map(|v| v.abs()).collect();
        local_maxima(&size, false).into_iter().filter(|p| size[*p] >= level).collect()
    };
    let mut places = maxima(&transform(&x, 16.0));
    for scale in [8.0, 4.0] {
        places = nearest(&places, &maxima(&transform(&x, scale)));
    }
    let fine = transform(&x, 2.0);
    places = nearest(&places, &maxima(&fine));
    let far = (0.1 * rate.hz()) as usize;
    let mut found = Vec::new();
    for pair in places.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if to > from && to - from < far && fine[from] < 0.0 && fine[to] > 0.0 {
            found.extend((from..to).find(|i| sign(fine[*i]) != sign(fine[i + 1])));
        }
    }
    Ok(found)
}

fn sign(v: f64) -> i8 {
    i8::from(v > 0.0) - i8::from(v < 0.0)
}

/// Of `among` (rising) the nearest to each, the earlier of two.
fn nearest(places: &[usize], among: &[usize]) -> Vec<usize> {
    let nearest = |p: &usize| {
        let after = among.partition_point(|a| a < p);
        let around = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|k| among.get(k));
        around.min_by_key(|a| a.abs_diff(*p)).copied()
    };
    places.iter().filter_map(nearest).collect()
}

/// Wavelet transform at one scale: the signal with the differences of the wavelet's integral, sampled at `scale`.
fn transform(x: &[f64], scale: f64) -> Vec<f64> {
    let step = 10.0 / (POINTS - 1) as f64;
    let norm = (std::f64::consts::PI / 2.0).powf(0.25);
    let mut sum = 0.0;
    let integral: Vec<f64> = (0..POINTS)
        .map(|k| {
            let t = -5.0 + k as f64 * step;
            sum += -2.0 * t * (-t * t).exp() / norm * step;
            sum
        })
        .collect();
    let taps: Vec<f64> = (0..=(scale * 10.0) as usize)
        .filter_map(|k| integral.get((k as f64 / (scale * step)) as usize).copied())
        .rev()
        .collect();
    // the difference of the full convolution is the convolution with the difference of the taps
    let (m, n) = (taps.len(), x.len());
    let mut kernel: Vec<f64> = Vec::with_capacity(m + 1);
    kernel.push(taps.first().copied().unwrap_or_default());
    kernel.extend(taps.windows(2).map(|w| w[1] - w[0]));
    kernel.push(-taps.last().copied().unwrap_or_default());
    // of length n + m - 2 (ends without the first and last difference), centred
    let cut = (m - 2) / 2;
    let at = |i: usize| {
        let i = i + cut + 1; // index in the full difference
        let from = i.saturating_sub(n - 1);
        (from..=m.min(i)).map(|k| kernel[k] * x[i - k]).sum::<f64>()
    };
    let scale = -scale.sqrt();
    let inner = |i: usize| {
        let i = i + cut + 1;
        x[i - m..=i].iter().rev().zip(&kernel).map(|(a, b)| a * b).sum::<f64>()
    };
    (0..n)
        .map(|i| {
            let full = i + cut + 1;
            scale * if full >= m && full < n { inner(i) } else { at(i) }
        })
        .collect()
}
