//! The sinusoidal pattern: a regular, smooth swing of three to five cycles a minute.

use super::events::Interval;
use super::preparation::Prepared;
use num_complex::Complex64;
use rustfft::FftPlanner;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// A stretch of sinusoidal heart rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sinusoidal {
    /// Where, in whole minutes, at least 5.
    pub interval: Interval,
    /// Half of the swing from lowest to highest, in bpm.
    pub amplitude_bpm: f64,
    /// Cycles a minute.
    pub cycles_per_min: f64,
}

/// Points of a window: 5 min at 1 Hz.
const POINTS: usize = 300;
/// Samples behind each point.
const STEP: usize = 4;
/// Samples from one window to the next: 1 min.
const HOP: usize = 240;
/// 3 and 5 cycles a minute in bins of a window; a Hann window's lobe reaches one bin further.
const BAND: (usize, usize) = (14, 26);
/// 0.02 to 0.3 Hz in bins.
const ALL: (usize, usize) = (6, 90);
/// Share of the power that must lie in the band.
const SHARE: f64 = 0.7;

/// The stretches in which the heart rate swings like a sine of 3–5 cycles/min and 5–15 bpm.
///
/// **Use it** on at least 5 min; FIGO asks for more than 30. **Not** to tell its causes: the pseudo-sinusoidal pattern
/// after an opioid looks the same for some minutes.
///
/// # Formula
/// Means of 1 s; windows of 5 min, one a minute, at least half of it measured; straight line removed, Hann window,
/// power. A window is sinusoidal if at least 0.7 of the power at 0.02–0.3 Hz lies at 3–5 cycles/min and the sine of
/// that power has an amplitude of 5–15 bpm. Windows that overlap or touch are one stretch.
///
/// # Examples
/// ```
/// let fhr: Vec<f64> = (0..9600).map(|i| 140.0 + 9.0 * (f64::from(i) / 4.0 * 0.4189).sin()).collect(); // 4 a minute
/// let found = eir_signal::ctg::sinusoidal(&eir_signal::ctg::prepare(&fhr)?);
/// assert_eq!(found.len(), 1);
/// assert!((found[0].amplitude_bpm - 9.0).abs() < 0.2 && (found[0].cycles_per_min - 4.0).abs() < 0.1);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// On the planted traces of the golden set the sinusoidal one is found, and none where the variability is made of 24
/// irregular tones.
///
/// # References
/// Ayres-de-Campos et al. 2015, doi:10.1016/j.ijgo.2015.06.020 (amplitude, cycles); the test of the power is ours.
#[must_use]
pub fn sinusoidal(prepared: &Prepared) -> Vec<Sinusoidal> {
    let x: Vec<f64> =
        prepared.filled_bpm.as_chunks::<STEP>().0.iter().map(|c| c.iter().sum::<f64>() / STEP as f64).collect();
    let hann: Vec<f64> = (0..POINTS).map(|i| 0.5 - 0.5 * (2.0 * PI * i as f64 / POINTS as f64).cos()).collect();
    let energy: f64 = hann.iter().map(|w| w * w).sum();
    let fft = FftPlanner::new().plan_fft_forward(POINTS);
    let mut scratch = vec![Complex64::default(); fft.get_inplace_scratch_len()];
    let mut bins = vec![Complex64::default(); POINTS];
    let middle = (POINTS - 1) as f64 / 2.0;
    let spread: f64 = (0..POINTS).map(|i| (i as f64 - middle).powi(2)).sum();
    let mut found: Vec<(Sinusoidal, f64)> = Vec::new(); // and how many windows it has
    for (k, window) in x.windows(POINTS).step_by(HOP / STEP).enumerate() {
        let start = k * HOP;
        let interval = Interval { start, end: start + POINTS * STEP };
        if !prepared.is_judgeable(interval.start, interval.end) {
            continue;
        }
        let mean = window.iter().sum::<f64>() / POINTS as f64;
        let slope = window.iter().enumerate().map(|(i, v)| (i as f64 - middle) * (v - mean)).sum::<f64>() / spread;
        for (i, ((bin, v), w)) in bins.iter_mut().zip(window).zip(&hann).enumerate() {
            *bin = Complex64::new(w * (v - mean - slope * (i as f64 - middle)), 0.0);
        }
        fft.process_with_scratch(&mut bins, &mut scratch);
        let power = |from: usize, to: usize| bins[from..=to].iter().map(Complex64::norm_sqr).sum::<f64>();
        let (inside, all) = (power(BAND.0, BAND.1), power(ALL.0, ALL.1));
        let amplitude_bpm = (4.0 * inside / (POINTS as f64 * energy)).sqrt();
        if !(inside > SHARE * all && (5.0..=15.0).contains(&amplitude_bpm)) {
            continue;
        }
        let centre = (BAND.0..=BAND.1).map(|b| b as f64 * bins[b].norm_sqr()).sum::<f64>() / inside;
        let cycles_per_min = centre / POINTS as f64 * 60.0;
        match found.last_mut() {
            Some((last, n)) if interval.start <= last.interval.end => {
                last.interval.end = interval.end;
                last.amplitude_bpm = (last.amplitude_bpm * *n + amplitude_bpm) / (*n + 1.0);
                last.cycles_per_min = (last.cycles_per_min * *n + cycles_per_min) / (*n + 1.0);
                *n += 1.0;
            }
            _ => found.push((Sinusoidal { interval, amplitude_bpm, cycles_per_min }, 1.0)),
        }
    }
    found.into_iter().map(|(s, _)| s).collect()
}

#[cfg(test)]
mod tests {
    use super::super::preparation::prepare;
    use super::*;

    /// 40 min of 140 bpm and a sum of sines of `(amplitude, cycles a minute)`.
    fn swing(tones: &[(f64, f64)]) -> Vec<Sinusoidal> {
        let value = |t: f64| tones.iter().map(|(a, f)| a * (2.0 * PI * f / 60.0 * t + f).sin()).sum::<f64>();
        let fhr: Vec<f64> = (0..9600).map(|i| 140.0 + value(f64::from(i) / 4.0)).collect();
        sinusoidal(&prepare(&fhr).unwrap())
    }

    #[test]
    fn the_limits_of_rate_and_amplitude() {
        for (amplitude, rate, is) in [
            (9.0, 3.0, true),
            (9.0, 5.0, true),
            (9.0, 2.0, false),
            (9.0, 7.0, false),
            (3.0, 4.0, false),
            (18.0, 4.0, false),
        ] {
            let found = swing(&[(amplitude, rate)]);
            assert_eq!(!found.is_empty(), is, "{amplitude} bpm, {rate} a minute: {found:?}");
        }
    }

    #[test]
    fn irregular_swings_are_none() {
        assert!(swing(&[(4.0, 1.3), (4.0, 2.2), (4.0, 3.9), (3.0, 6.1), (3.0, 8.8)]).is_empty());
    }

    #[test]
    fn a_lost_or_short_trace_has_none() {
        assert!(swing(&[]).is_empty());
        let mut fhr: Vec<f64> = (0..9600).map(|i| 140.0 + 9.0 * (f64::from(i) / 4.0 * 0.4189).sin()).collect();
        assert!(sinusoidal(&prepare(&fhr[..900]).unwrap()).is_empty());
        fhr.iter_mut().enumerate().filter(|(i, _)| i % 240 < 150).for_each(|(_, v)| *v = 0.0);
        assert!(sinusoidal(&prepare(&fhr).unwrap()).is_empty());
    }
}
