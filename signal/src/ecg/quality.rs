//! How usable an ECG is, every ten seconds.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// What can be said of a stretch of an ECG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum QualityClass {
    /// Beats agree and nothing is missing: shapes and intervals can be measured.
    Good,
    /// Beats can be counted; shapes should not be trusted.
    Usable,
    /// Not to be measured.
    Bad,
}

/// The quality of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QualityStretch {
    /// Its first sample.
    pub start: usize,
    /// Behind its last sample.
    pub end: usize,
    /// Share of the samples that are there, 0 to 1.
    pub valid: f64,
    /// Share of the samples in runs of 0.2 s or more without any change: a loose lead, 0 to 1.
    pub flat: f64,
    /// Share of the samples at the largest or smallest value of the recording in runs of 10 ms or more, 0 to 1.
    pub clipped: f64,
    /// Number of beats.
    pub beats: usize,
    /// Mean correlation of the beats (±0.1 s around the R-peak) with their mean, each with the mean of the others; `None`
    /// below three beats.
    pub agreement: Option<f64>,
    /// The verdict.
    pub class: QualityClass,
}

/// The quality of `ecg` in stretches of 10 s; the last may be shorter.
///
/// **Use it** before any number is measured. **Not** as a detector of rhythm: in a bigeminus beats disagree, and the
/// stretch is usable, not good.
///
/// # Formula
/// Bad: less than half there, more than half flat, more than a fifth clipped, less than three beats in 10 s, or an
/// agreement below 0.5. Good: 95 % there, less than 5 % flat and 1 % clipped, agreement of 0.9 or more. Else usable. The
/// bounds are this crate's own and not validated against experts.
///
/// # Examples
/// ```
/// use eir_signal::ecg::{QualityClass, r_peaks, signal_quality};
/// let mut ecg: Vec<f32> = (0..7500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// ecg[5000..].fill(0.0); // the lead fell off
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let quality = signal_quality(&ecg, rate, &r_peaks(&ecg, rate)?)?;
/// assert_eq!((quality.len(), quality[2].class), (3, QualityClass::Bad));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] without samples, [`Parameter`] if the R-peaks do not rise or lie beyond the end.
///
/// # References
/// The agreement after Orphanidou et al. 2015, doi:10.1109/JBHI.2014.2338351.
pub fn signal_quality(ecg: &[f32], rate: SampleRate, r_peaks: &[usize]) -> Result<Vec<QualityStretch>> {
    if ecg.is_empty() {
        return Err(TooShort::new("samples", 0, 1).into());
    }
    if let Some(pair) = r_peaks.windows(2).find(|w| w[0] >= w[1]) {
        return Err(Parameter::new("r_peaks", pair[1] as f64, "rising").into());
    }
    if let Some(last) = r_peaks.last().filter(|last| **last >= ecg.len()) {
        return Err(Parameter::new("r_peaks", *last as f64, "within the recording").into());
    }
    let known = || ecg.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (known().fold(f32::INFINITY, f32::min), known().fold(f32::NEG_INFINITY, f32::max));
    let length = rate.samples(10.0).max(1);
    let stretches = (0..ecg.len().div_ceil(length)).map(|k| (k * length, ((k + 1) * length).min(ecg.len())));
    Ok(stretches
        .map(|(start, end)| {
            let x = &ecg[start..end];
            let share = |count: usize| count as f64 / x.len() as f64;
            let valid = share(x.iter().filter(|v| v.is_finite()).count());
            let flat = share(in_runs(x, rate.samples(0.2).max(2), |a, b| a == b));
            let edge = |a: f32, b: f32| a == b && (a == low || a == high);
            let clipped = share(in_runs(x, rate.samples(0.01).max(3), edge));
            let first = r_peaks.partition_point(|r| *r < start);
            let beats = &r_peaks[first..r_peaks.partition_point(|r| *r < end)];
            let agreement = agreement(ecg, beats, rate.samples(0.1));
            // less than three in 10 s, and in proportion in a shorter last stretch
            let few = (beats.len() as f64) < 0.3 * rate.seconds(end - start);
            let class = if valid < 0.5 || flat > 0.5 || clipped > 0.2 || few || agreement.is_some_and(|a| a < 0.5) {
                QualityClass::Bad
            } else if valid >= 0.95 && flat < 0.05 && clipped < 0.01 && agreement.is_some_and(|a| a >= 0.9) {
                QualityClass::Good
            } else {
                QualityClass::Usable
            };
            QualityStretch { start, end, valid, flat, clipped, beats: beats.len(), agreement, class }
        })
        .collect())
}

/// How many samples lie in runs of at least `least` in which each is `same` as the one before.
fn in_runs(x: &[f32], least: usize, same: impl Fn(f32, f32) -> bool) -> usize {
    x.chunk_by(|a, b| same(*a, *b)).map(<[f32]>::len).filter(|n| *n >= least).sum()
}

/// Mean correlation of each beat with the mean of the others.
fn agreement(ecg: &[f32], beats: &[usize], reach: usize) -> Option<f64> {
    let shapes: Vec<Vec<f64>> = beats
        .iter()
        .filter_map(|r| ecg.get(r.checked_sub(reach)?..=r + reach))
        .filter(|w| w.iter().all(|v| v.is_finite()))
        .map(|w| {
            let mean = w.iter().map(|v| f64::from(*v)).sum::<f64>() / w.len() as f64;
            w.iter().map(|v| f64::from(*v) - mean).collect()
        })
        .collect();
    if shapes.len() < 3 {
        return None;
    }
    let total: Vec<f64> = (0..=2 * reach).map(|i| shapes.iter().map(|s| s[i]).sum()).collect();
    let correlation = |own: &Vec<f64>| {
        let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
        for (a, t) in own.iter().zip(&total) {
            let b = t - a;
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        ab / (aa * bb).sqrt().max(f64::MIN_POSITIVE)
    };
    Some(shapes.iter().map(correlation).sum::<f64>() / shapes.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_wrong_with_a_stretch() {
        let rate = SampleRate::new(250.0).unwrap();
        let beat = |i: usize| (-(((i % 250) as f32 - 125.0) / 5.0).powi(2)).exp() + 0.01 * ((i * 7919 % 13) as f32);
        let mut ecg: Vec<f32> = (0..12_000).map(beat).collect();
        ecg[2500..4500].fill(f32::NAN);
        ecg[5000..7000].fill(0.5);
        ecg.iter_mut().skip(7500).take(2500).enumerate().for_each(|(i, v)| *v = ((i * i * 31) % 997) as f32 / 997.0);
        let peaks: Vec<usize> = (0..48).map(|k| 125 + 250 * k).collect();
        let found = signal_quality(&ecg, rate, &peaks).unwrap();
        let classes: Vec<QualityClass> = found.iter().map(|q| q.class).collect();
        use QualityClass::{Bad, Good};
        assert_eq!(classes, [Good, Bad, Bad, Bad, Good]);
        assert_eq!((found[1].valid, found[4].end), (0.2, 12_000));
        assert!(found[2].flat > 0.7 && found[3].agreement.unwrap() < 0.5);
        assert!(signal_quality(&[], rate, &[]).is_err() && signal_quality(&[0.0; 9], rate, &[9]).is_err());
    }
}
