//! From what a detector marks to the R-peak itself.

use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use eir_core::error::Parameter;

/// Moves each of `beats` to the largest deflection, of either sign, from `before_s` before it to `after_s` after it.
///
/// **Use it** on what any detector gives, before intervals are measured. **Not** with windows that reach the next wave:
/// a T wave may be higher than the QRS complex.
///
/// # Formula
/// The largest size of the 5–40 Hz signal (order 2, zero phase; the upper edge at most 0.45 of the rate) in the window,
/// then the largest deflection of the same sign from the mean of the window, of the signal itself, within 15 ms of it.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let rate = eir_core::SampleRate::new(250.0)?;
/// assert_eq!(eir_signal::ecg::refine_r_peaks(&ecg, rate, &[135, 380], 0.1, 0.05)?, [125, 375]);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] if the rate is below 50 Hz or a window is negative or above 1 s.
pub fn refine_r_peaks(
    ecg: &[f32],
    rate: SampleRate,
    beats: &[usize],
    before_s: f64,
    after_s: f64,
) -> Result<Vec<usize>> {
    super::at_least(rate, 50.0)?;
    for seconds in [before_s, after_s] {
        if !(0.0..=1.0).contains(&seconds) {
            return Err(Parameter::new("window", seconds, "0 to 1 s").into());
        }
    }
    let band = Band::Pass { low_hz: 5.0, high_hz: 40f64.min(0.45 * rate.hz()) };
    let filter = ButterworthConfig::new(band).with_order(2).design(rate)?;
    // around each beat alone: a gap elsewhere does not matter
    let (before, after, run_up) = (rate.samples(before_s), rate.samples(after_s), rate.samples(0.3).max(filter.edge()));
    let (mut piece, mut filtered, mut work) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = Vec::with_capacity(beats.len());
    for beat in beats.iter().copied().filter(|b| *b < ecg.len()) {
        let (mut from, mut to) = (beat.saturating_sub(before + run_up), (beat + after + run_up + 1).min(ecg.len()));
        if let Some(gap) = ecg[from..beat].iter().rposition(|v| !v.is_finite()) {
            from += gap + 1;
        }
        if let Some(gap) = ecg[beat..to].iter().position(|v| !v.is_finite()) {
            to = beat + gap;
        }
        if to <= beat || to - from <= filter.edge() {
            continue;
        }
        piece.clear();
        piece.extend(ecg[from..to].iter().map(|v| f64::from(*v)));
        filtered.resize(piece.len(), 0.0);
        filter.zero_phase_into(&piece, &mut filtered, &mut work)?;
        let (first, last) = (beat.saturating_sub(before).max(from) - from, (beat + after + 1).min(to) - from);
        let Some(top) = (first..last).max_by(|a, b| filtered[*a].abs().total_cmp(&filtered[*b].abs())) else {
            continue;
        };
        found.push(from + sharpen(&piece, top, filtered[top] >= 0.0, rate.samples(0.015)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The highest (or lowest) sample within `reach` of `top`, the nearest of equal ones.
pub(super) fn sharpen(x: &[f64], top: usize, upwards: bool, reach: usize) -> usize {
    let value = |i: usize| if upwards { x[i] } else { -x[i] };
    let mut best = top;
    for step in 1..=reach {
        for i in [top.checked_sub(step), Some(top + step).filter(|i| *i < x.len())].into_iter().flatten() {
            if value(i) > value(best) {
                best = i;
            }
        }
    }
    best
}
