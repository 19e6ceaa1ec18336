//! Where a baseline is not to be relied on: it has followed a long fall or rise.

use super::events::Interval;
use super::preparation::Prepared;
use super::variability::MINUTE;
use crate::Result;
use eir_core::error::Mismatch;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A departure from the level before that is more than variability, in bpm: FIGO's height of a deceleration.
const DEPARTURE_BPM: f64 = 15.0;
/// Minutes that the level before looks back, and the fewest that make one.
const LOOK_BACK: usize = 30;
const KNOWN: usize = 10;
/// Minutes after which another level may be a baseline: FIGO's 10 min.
const SETTLED: usize = 10;
/// A sample this near to the baseline rests on it, in bpm.
const NEAR_BPM: f64 = 10.0;

/// A stretch in which the baseline is not to be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BaselineDoubt {
    /// Where, in whole minutes.
    pub interval: Interval,
    /// The level of the 30 min before, in bpm.
    pub before_bpm: f64,
    /// Mean of the baseline in the stretch, in bpm.
    pub level_bpm: f64,
}

impl BaselineDoubt {
    /// The doubt in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "baseline not reliable: {:.0} bpm after {:.0} bpm, {:.0}–{:.0} min",
            self.level_bpm,
            self.before_bpm,
            self.interval.start_s() / 60.0,
            self.interval.end_s() / 60.0
        )
    }
}

/// The stretches in which a baseline departs from the level before without having settled.
///
/// **Use it** on any method's baseline before decelerations are counted against it: every method that looks at minutes
/// follows the long falls of the second stage, and what is measured from there misses them. **Not** to mend the
/// baseline: which level is right, the trace does not say.
///
/// # Formula
/// Minute by minute: the level before is the median of the last 30 trusted minutes (at least 10). A minute more than
/// 15 bpm away from it is doubted for the first 10 min, and longer unless at least half of the measured samples of the
/// 10 min around it are within 10 bpm of the baseline: then it is the new level. The thresholds are FIGO's, the rule is
/// ours.
///
/// # Examples
/// ```
/// use eir_signal::ctg;
/// let fhr: Vec<f64> = (0..14_400).map(|i| if i < 12_000 { 150.0 } else { 85.0 }).collect(); // the last 10 min down
/// let prepared = ctg::prepare(&fhr)?;
/// let found = ctg::baseline_doubts(&prepared, &fhr)?; // a baseline that follows
/// assert_eq!((found.len(), found[0].before_bpm, found[0].level_bpm), (1, 150.0, 85.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Mismatch`] unless both are equally long.
///
/// # References
/// Ayres-de-Campos et al. 2015, doi:10.1016/j.ijgo.2015.06.020 (the baseline of the second stage needs the segments
/// before).
pub fn baseline_doubts(prepared: &Prepared, baseline_bpm: &[f64]) -> Result<Vec<BaselineDoubt>> {
    Mismatch::check("heart rate and baseline", prepared.filled_bpm.len(), baseline_bpm.len())?;
    let levels: Vec<f64> = baseline_bpm.chunks(MINUTE).map(|c| c.iter().sum::<f64>() / c.len() as f64).collect();
    let resting: Vec<(usize, usize)> = rest_per_minute(prepared, baseline_bpm);
    let is_settled = |minute: usize| {
        let near = resting.get(minute.saturating_sub(SETTLED / 2)..).unwrap_or_default().iter().take(SETTLED);
        let (rest, all) = near.fold((0, 0), |(r, a), (rest, all)| (r + rest, a + all));
        all > 0 && 2 * rest >= all
    };
    let mut trusted: VecDeque<f64> = VecDeque::with_capacity(LOOK_BACK);
    let mut sorted = Vec::with_capacity(LOOK_BACK);
    let mut found: Vec<BaselineDoubt> = Vec::new();
    let mut departed = 0; // minutes since the baseline left the level before
    for (minute, level) in levels.iter().enumerate() {
        sorted.clear();
        sorted.extend(&trusted);
        sorted.sort_by(f64::total_cmp);
        let before = sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= KNOWN);
        if let Some(before_bpm) = before.filter(|b| (level - b).abs() > DEPARTURE_BPM) {
            departed += 1;
            if departed <= SETTLED || !is_settled(minute) {
                let (start, end) = (minute * MINUTE, ((minute + 1) * MINUTE).min(baseline_bpm.len()));
                match found.last_mut() {
                    Some(last) if last.interval.end == start => last.interval.end = end,
                    _ => found.push(BaselineDoubt { interval: Interval { start, end }, before_bpm, level_bpm: 0.0 }),
                }
                continue;
            }
            trusted.clear();
            trusted.resize(KNOWN, *level);
        }
        departed = 0;
        if trusted.len() == LOOK_BACK {
            trusted.pop_front();
        }
        trusted.push_back(*level);
    }
    for doubt in &mut found {
        let part = baseline_bpm.get(doubt.interval.start..doubt.interval.end).unwrap_or_default();
        doubt.level_bpm = part.iter().sum::<f64>() / part.len().max(1) as f64;
    }
    Ok(found)
}

/// Of each minute how many measured samples are near the baseline, and how many there are.
fn rest_per_minute(prepared: &Prepared, baseline_bpm: &[f64]) -> Vec<(usize, usize)> {
    let minutes =
        prepared.filled_bpm.chunks(MINUTE).zip(prepared.valid.chunks(MINUTE)).zip(baseline_bpm.chunks(MINUTE));
    minutes
        .map(|((x, valid), baseline)| {
            let known = x.iter().zip(valid).zip(baseline).filter(|((_, ok), _)| **ok);
            known.fold((0, 0), |(rest, all), ((x, _), b)| (rest + usize::from((x - b).abs() <= NEAR_BPM), all + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::preparation::prepare;
    use super::*;

    fn doubts(fhr: &[f64], baseline: &[f64]) -> Vec<BaselineDoubt> {
        baseline_doubts(&prepare(fhr).unwrap(), baseline).unwrap()
    }

    #[test]
    fn a_level_that_settles_is_believed_after_ten_minutes_and_a_restless_one_is_not() {
        let step: Vec<f64> = (0..21_600).map(|i| if i < 9600 { 140.0 } else { 118.0 }).collect();
        let found = doubts(&step, &step);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].interval, Interval { start: 9600, end: 12_000 });
        // the trace swings by 60 bpm around where the baseline went
        let restless: Vec<f64> =
            (0..21_600).map(|i| if i < 9600 { 140.0 } else { 118.0 + 30.0 * (f64::from(i) * 0.05).sin() }).collect();
        let found = doubts(&restless, &step);
        assert_eq!((found.len(), found[0].interval.end), (1, 21_600));
        assert!(found[0].sentence().contains("118 bpm after 140 bpm"));
    }

    #[test]
    fn a_slow_change_and_a_short_trace_are_not_doubted() {
        let slow: Vec<f64> = (0..21_600).map(|i| 130.0 + f64::from(i) / 1080.0).collect();
        assert!(doubts(&slow, &slow).is_empty());
        assert!(doubts(&[140.0; 100], &[90.0; 100]).is_empty());
        assert!(baseline_doubts(&prepare(&[140.0; 100]).unwrap(), &[140.0; 3]).is_err());
    }
}
