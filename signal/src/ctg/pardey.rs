//! Baseline after Pardey: the slow part of what stays near the right peak of the histogram of pulse intervals.

use super::filters::{Expander, low_pass_at, means};
use crate::Result;
use serde::{Deserialize, Serialize};

/// Samples of an epoch: 3.75 s.
const EPOCH: usize = 15;
/// Epochs of a block: 2 min.
const BLOCK: usize = 32;
/// Epochs of the histogram around a block: 64 min.
const WINDOW: usize = 1024;
/// Epochs a minute.
const PER_MIN: f64 = 16.0;
/// Bins of 1 ms: up to 20 s, which 3 bpm would take.
const BINS: usize = 20_000;

/// Settings of [`pardey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PardeyConfig {
    /// Whether intervals down to 120 ms below the peak are kept, as FHRMA (commit 407a279e) does where 60 ms were meant;
    /// whether the last block, whole or begun, stays as it is; and whether the ends fall towards 0 as under Octave.
    /// Default false.
    pub fhrma_defects: bool,
}

impl PardeyConfig {
    /// Sets [`fhrma_defects`](Self::fhrma_defects).
    #[must_use]
    pub fn with_fhrma_defects(self, fhrma_defects: bool) -> Self {
        Self { fhrma_defects }
    }

    /// As [`pardey`], with these settings.
    ///
    /// # Errors
    /// As [`pardey`].
    pub fn baseline(&self, filled_bpm: &[f64]) -> Result<Vec<f64>> {
        let intervals: Vec<f64> = filled_bpm.iter().map(|v| (60_000.0 / v.clamp(3.0, 6000.0)).round()).collect();
        let epochs = means(&intervals, EPOCH)?;
        let mut slow = epochs.clone();
        let mut kept = Vec::with_capacity(WINDOW);
        let mut histogram = Histogram::new();
        for start in (0..epochs.len()).step_by(BLOCK) {
            let end = (start + BLOCK).min(epochs.len());
            if self.fhrma_defects && end == epochs.len() {
                break;
            }
            let middle = start + BLOCK / 2;
            let from = middle.saturating_sub(WINDOW / 2);
            let window = &epochs[from..(middle + WINDOW / 2).min(epochs.len())];
            let peak = histogram.peak(window) as f64;
            let lowest = peak - if self.fhrma_defects { 120.0 } else { 60.0 };
            kept.clear();
            kept.extend(window.iter().map(|v| v.clamp(lowest, peak + 60.0)));
            let filtered = low_pass_at(&kept, PER_MIN, 4, 0.1)?;
            slow[start..end].copy_from_slice(&filtered[start - from..end - from]);
        }
        let points: Vec<f64> = slow.iter().map(|v| 60_000.0 / v.max(1.0)).collect();
        let mut baseline = Vec::with_capacity(filled_bpm.len());
        Expander::new(EPOCH, !self.fhrma_defects).expand(&points, filled_bpm.len(), &mut baseline);
        Ok(baseline)
    }
}

/// The baseline after Pardey (Dawes–Redman) of a filled heart rate at 4 Hz.
///
/// **Use it** to compare with devices that work this way, on records without labour. **Not** in the second stage: long
/// decelerations give the histogram a peak of their own.
///
/// # Formula
/// Epochs of 3.75 s of the rounded pulse interval in ms. Around each 2 min a histogram of 64 min in bins of 1 ms,
/// smoothed by `[1 2 1]/4`; its peak is the longest interval that is higher than the 5 bins below and the one above,
/// with at most 7/8 of all epochs at or below it, and either less than 30 ms from the highest bin (the lowest of
/// several) or with more than 5 % of all epochs; else the highest bin. The epochs of these 64 min are clipped to 60 ms
/// around the peak and low-passed at 0.1 cycles/min (order 4, zero phase); the 2 min in their middle are kept. Where
/// the peak of the next 2 min is another one the baseline jumps.
///
/// # Examples
/// ```
/// let mut fhr = vec![140.0; 9600];
/// fhr[4000..4120].fill(110.0); // a deceleration of 30 s
/// let baseline = eir_signal::ctg::pardey(&fhr)?;
/// assert!(baseline.iter().all(|b| (b - 140.0).abs() < 3.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below about 50 s.
///
/// # Validation
/// With [`PardeyConfig::fhrma_defects`] equals FHRMA (commit 407a279e, Octave 7.3) on all records of the golden set:
/// within 0.05 bpm on average, events within 1 s.
///
/// # References
/// Pardey et al. 2002, doi:10.1067/mob.2002.122447.
pub fn pardey(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    PardeyConfig::default().baseline(filled_bpm)
}

/// The counts of a window, in bins of 1 ms.
struct Histogram {
    counts: Vec<u32>,
}

impl Histogram {
    fn new() -> Self {
        Self { counts: vec![0; BINS + 2] }
    }

    fn peak(&mut self, epochs: &[f64]) -> usize {
        let bin = |v: f64| (v.round() as usize).min(BINS);
        let (mut low, mut high) = (BINS, 0);
        for v in epochs {
            let b = bin(*v);
            self.counts[b] += 1;
            (low, high) = (low.min(b), high.max(b));
        }
        // four times the smoothed count, a whole number
        let smooth = |b: usize| -> u32 {
            let at = |b: usize| self.counts.get(b).copied().unwrap_or_default();
            2 * at(b) + at(b + 1) + b.checked_sub(1).map_or(0, at)
        };
        let mode = (low..=high).rev().max_by_key(|b| smooth(*b)).unwrap_or(low); // the lowest of several
        let all = epochs.len() as u32;
        let mut above = 0; // epochs in higher bins
        let mut found = mode;
        for b in (low..=high).rev() {
            let here = smooth(b);
            let is_peak = here > smooth(b + 1) && (1..=5).all(|k| b.checked_sub(k).is_none_or(|l| here > smooth(l)));
            if is_peak && 8 * (all - above) <= 7 * all && (b.abs_diff(mode) < 30 || 20 * here > 4 * all) {
                found = b;
                break;
            }
            above += self.counts[b];
        }
        self.counts[low..=high].fill(0);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_longest_that_is_high_and_not_too_far_out() {
        let mut epochs = vec![430.0; 500];
        epochs.extend([450.0; 300]); // 5/8 and 3/8 of all: 450 has more than 7/8 at or below it
        let mut histogram = Histogram::new();
        assert_eq!(histogram.peak(&epochs), 430);
        epochs.extend([600.0; 200]);
        assert_eq!(histogram.peak(&epochs), 450);
    }

    #[test]
    fn any_length_and_any_value() {
        assert!(pardey(&[140.0; 100]).is_err());
        for n in [300, 1000, 30_001] {
            let found = pardey(&vec![140.0; n]).unwrap();
            assert!(found.len() == n && found.iter().all(|b| (b - 139.86).abs() < 0.01));
        }
        assert!(pardey(&[-5.0; 4000]).is_ok());
    }
}
