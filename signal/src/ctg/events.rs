//! Accelerations and decelerations: where the heart rate leaves its baseline.

use super::RATE_HZ;
use super::contractions::Contraction;
use super::filters::low_pass;
use super::variability::longest_narrow_s;
use crate::Result;
use eir_core::error::Mismatch;
use serde::{Deserialize, Serialize};

/// A stretch of samples at 4 Hz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// First sample.
    pub start: usize,
    /// One past the last sample.
    pub end: usize,
}

impl Interval {
    /// Start in seconds from the first sample.
    #[must_use]
    pub fn start_s(&self) -> f64 {
        self.start as f64 / RATE_HZ
    }

    /// End in seconds from the first sample.
    #[must_use]
    pub fn end_s(&self) -> f64 {
        self.end as f64 / RATE_HZ
    }

    /// Length in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.end.saturating_sub(self.start) as f64 / RATE_HZ
    }
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A rise of at least 15 bpm for at least 15 s.
    Acceleration,
    /// A gradual fall with its lowest point at the contraction's height.
    EarlyDeceleration,
    /// A gradual fall that begins more than 20 s after the contraction and has its lowest point behind its height.
    LateDeceleration,
    /// An abrupt fall: less than 30 s from its onset to its lowest point.
    VariableDeceleration,
    /// A fall of more than 3 min.
    ProlongedDeceleration,
    /// A gradual fall where no contraction is known: early and late cannot be told apart.
    GradualDeceleration,
}

impl EventKind {
    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Acceleration => "acceleration",
            Self::EarlyDeceleration => "early deceleration",
            Self::LateDeceleration => "late deceleration",
            Self::VariableDeceleration => "variable deceleration",
            Self::ProlongedDeceleration => "prolonged deceleration",
            Self::GradualDeceleration => "gradual deceleration",
        }
    }

    /// Whether it is one of the decelerations.
    #[must_use]
    pub fn is_deceleration(self) -> bool {
        self != Self::Acceleration
    }
}

/// An acceleration or a deceleration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// What it is.
    pub kind: EventKind,
    /// From where the trace leaves the baseline to where it is back.
    pub interval: Interval,
    /// Sample of the highest or lowest point of the smoothed trace.
    pub extreme: usize,
    /// Largest distance of a measured sample from the baseline in bpm.
    pub amplitude_bpm: f64,
    /// How long its flanks are, in s: the time between 20 and 80 % of its height, low-passed at 0.06 Hz, over 0.41, the
    /// share of these levels in a raised-cosine flank; mean of both flanks.
    pub flank_s: f64,
    /// Whether its largest measured distance borders a gap: the true extreme may be larger.
    pub extreme_beside_gap: bool,
    /// Area between the trace and the baseline in beats: bpm over minutes ("lost beats" of a deceleration).
    pub area_beats: f64,
    /// The contraction that a deceleration belongs to: its place in the list.
    pub contraction: Option<usize>,
    /// From that contraction's start to the start of the deceleration, in s.
    pub onset_lag_s: Option<f64>,
    /// From that contraction's height to the middle of the deceleration's lower half, in s.
    pub nadir_lag_s: Option<f64>,
    /// A prolonged deceleration that stays below 80 bpm for more than 5 min with a bandwidth below 5 bpm.
    pub severe: bool,
}

/// Every stretch in which the trace is on one side (`sign` 1 above, −1 below) of the baseline, is further than 15 bpm
/// from it somewhere, and stays for longer than 15 s from crossing to crossing.
///
/// **Use it** to compare with other tools on a given baseline. **Not** for the onset of a deceleration: its ends are
/// crossings, later and earlier than an eye would set them.
///
/// # Errors
/// [`Mismatch`] unless both are equally long.
///
/// # Validation
/// On [`maeda`](super::maeda)'s baseline equals FHRMA's events within 1 s on the golden set.
pub fn crossing_events(filled_bpm: &[f64], baseline_bpm: &[f64], sign: f64) -> Result<Vec<Interval>> {
    Mismatch::check("heart rate and baseline", filled_bpm.len(), baseline_bpm.len())?;
    let away: Vec<f64> = filled_bpm.iter().zip(baseline_bpm).map(|(x, b)| sign * (x - b)).collect();
    let mut found = Vec::new();
    let mut i = 0;
    while i < away.len() {
        if away[i] <= 15.0 {
            i += 1;
            continue;
        }
        // a sample on the baseline is not on its other side yet
        let start = away[..i].iter().rposition(|v| *v < 0.0).map_or(0, |k| k + 1);
        let end = away[i..].iter().position(|v| *v < 0.0).map_or(away.len(), |k| i + k);
        if end + 1 - start > (15.0 * RATE_HZ) as usize {
            found.push(Interval { start, end });
        }
        i = end.max(i + 1);
    }
    Ok(found)
}

/// Lowest distance from the baseline that makes an event, in bpm.
const AMPLITUDE_BPM: f64 = 15.0;
/// Shortest event, in s.
const DURATION_S: f64 = 15.0;
/// Flanks shorter than that are abrupt, in s: FIGO's 30 s between onset and nadir, as [`Event::flank_s`] measures them
/// on planted decelerations of 9 and of 35 s.
const ABRUPT_S: f64 = 20.0;
/// A deceleration that takes longer is prolonged, in s.
const PROLONGED_S: f64 = 180.0;
/// Further away from a contraction's height a deceleration does not belong to it, in s.
const LINKED_S: f64 = 120.0;
/// A late deceleration begins more than that after the contraction, in s.
const LATE_ONSET_S: f64 = 20.0;
/// And its middle lies more than that behind the contraction's height, in s.
const LATE_NADIR_S: f64 = 12.0;

/// Accelerations and decelerations with their kinds (FIGO 2015), in their order.
///
/// **Use it** with a baseline that stands decelerations ([`weighted_median`](super::weighted_median)). **Not** on a
/// trace with more than half of its samples lost.
///
/// # Formula
/// The trace, low-passed at 0.03 Hz (order 2, zero phase), is further than 5 bpm from the baseline for at least 15 s,
/// and a measured sample is at least 15 bpm away (12 bpm where that sample borders a gap, which may hide the extreme).
/// The event reaches outwards to where the smoothed distance falls below 1.5 bpm or turns. A quarter of its samples must
/// be measured. A deceleration of more than 3 min is prolonged; one with short flanks ([`Event::flank_s`] below 20 s,
/// which stands for FIGO's 30 s from onset to nadir) is variable. A gradual one is late if it begins more than 20 s
/// after the contraction next to it and has the middle of its lower half more than 12 s behind that contraction's height,
/// else early. One below 80 bpm for more than 5 min with a bandwidth below 5 bpm is severe.
///
/// # Errors
/// [`Mismatch`] unless all are equally long; [`TooShort`](eir_core::error::TooShort) for a handful of samples.
///
/// # Validation
/// Planted traces of the golden set: every event found with an intersection over union of at least 0.5, and of the right
/// kind.
///
/// # References
/// Ayres-de-Campos et al. 2015, doi:10.1016/j.ijgo.2015.06.020.
pub fn events(
    filled_bpm: &[f64],
    valid: &[bool],
    baseline_bpm: &[f64],
    contractions: Option<&[Contraction]>,
) -> Result<Vec<Event>> {
    Mismatch::check("heart rate and baseline", filled_bpm.len(), baseline_bpm.len())?;
    Mismatch::check("heart rate and validity", filled_bpm.len(), valid.len())?;
    let smooth = low_pass(filled_bpm, 2, 0.03)?;
    let flank = low_pass(filled_bpm, 2, 0.06)?;
    let mut found = Vec::new();
    for sign in [1.0, -1.0] {
        let away = |x: &[f64]| -> Vec<f64> { x.iter().zip(baseline_bpm).map(|(x, b)| sign * (x - b)).collect() };
        let (slow, quick, raw) = (away(&smooth), away(&flank), away(filled_bpm));
        let mut from = 0;
        for core in stretches(&slow, 5.0) {
            let interval = widen(&slow, core, from);
            let Some(mut event) = measure(interval, core, &slow, &quick, &raw, valid) else { continue };
            if sign > 0.0 {
                if interval.duration_s() >= 600.0 {
                    continue; // a change of the baseline
                }
            } else {
                let middle = middle(&slow, interval);
                deceleration(&mut event, middle, contractions);
                event.severe =
                    event.kind == EventKind::ProlongedDeceleration && is_severe(filled_bpm, valid, &smooth, interval);
            }
            from = interval.end;
            found.push(event);
        }
    }
    found.sort_by_key(|e| e.interval.start);
    Ok(found)
}

/// Stretches of at least 15 s above `level`.
fn stretches(x: &[f64], level: f64) -> Vec<Interval> {
    let mut found = Vec::new();
    let mut start = None;
    for (i, above) in x.iter().map(|v| *v > level).chain([false]).enumerate() {
        match (above, start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                let interval = Interval { start: from, end: i };
                if interval.duration_s() >= DURATION_S {
                    found.push(interval);
                }
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Outwards to where the distance is small or turns; not before `from`.
fn widen(x: &[f64], core: Interval, from: usize) -> Interval {
    let goes_on = |here: f64, next: f64| next > 1.5 && next < here;
    let (mut start, mut end) = (core.start, core.end);
    while start > from && goes_on(x[start], x[start - 1]) {
        start -= 1;
    }
    while end < x.len() && goes_on(x[end - 1], x[end]) {
        end += 1;
    }
    Interval { start, end }
}

fn measure(
    interval: Interval,
    core: Interval,
    slow: &[f64],
    quick: &[f64],
    raw: &[f64],
    valid: &[bool],
) -> Option<Event> {
    let range = interval.start..interval.end;
    let known = valid[range.clone()].iter().filter(|v| **v).count();
    if 4 * known < range.len() {
        return None;
    }
    let measured = (core.start..core.end).filter(|i| valid[*i]);
    let top = measured.max_by(|a, b| raw[*a].total_cmp(&raw[*b]))?;
    let beside = |i: usize| valid.get(i) == Some(&false);
    let extreme_beside_gap = (1..=4).any(|k| beside(top + k) || top.checked_sub(k).is_some_and(beside));
    let needed = if extreme_beside_gap { 0.8 * AMPLITUDE_BPM } else { AMPLITUDE_BPM };
    if raw[top] < needed {
        return None;
    }
    let extreme = range.clone().max_by(|a, b| slow[*a].total_cmp(&slow[*b]))?;
    let peak = range.max_by(|a, b| quick[*a].total_cmp(&quick[*b]))?;
    let before = |part: f64| quick[..peak].iter().rposition(|v| *v < part * quick[peak]).unwrap_or(0);
    let after = |part: f64| quick[peak..].iter().position(|v| *v < part * quick[peak]).unwrap_or(quick.len() - peak);
    // both flanks together, hence the half; 0.41: share of a raised-cosine flank between 20 and 80 %
    let flank_s = (before(0.8) - before(0.2) + after(0.2) - after(0.8)) as f64 / 2.0 / 0.41 / RATE_HZ;
    let area_beats = raw[interval.start..interval.end].iter().sum::<f64>() / RATE_HZ / 60.0;
    Some(Event {
        kind: EventKind::Acceleration,
        interval,
        extreme,
        amplitude_bpm: raw[top],
        flank_s,
        extreme_beside_gap,
        area_beats,
        contraction: None,
        onset_lag_s: None,
        nadir_lag_s: None,
        severe: false,
    })
}

/// The middle of where the distance is more than half of its largest: steadier than the sample of the largest.
fn middle(slow: &[f64], interval: Interval) -> f64 {
    let inside = &slow[interval.start..interval.end];
    let largest = inside.iter().copied().fold(f64::MIN, f64::max);
    let first = inside.iter().position(|v| *v >= 0.5 * largest).unwrap_or(0);
    let last = inside.iter().rposition(|v| *v >= 0.5 * largest).unwrap_or(first);
    interval.start as f64 + (first + last) as f64 / 2.0
}

/// Names a deceleration and gives it the contraction that it belongs to.
fn deceleration(event: &mut Event, middle: f64, contractions: Option<&[Contraction]>) {
    let away = |c: &Contraction| (c.peak as f64 - middle).abs();
    let near = contractions
        .unwrap_or_default()
        .iter()
        .enumerate()
        .min_by(|(_, a), (_, b)| away(a).total_cmp(&away(b)))
        .filter(|(_, c)| away(c) <= LINKED_S * RATE_HZ || overlap(&event.interval, &c.interval) > 0);
    let lags = near.map(|(k, c)| {
        let onset = event.interval.start_s() - c.interval.start_s();
        (k, onset, (middle - c.peak as f64) / RATE_HZ)
    });
    event.contraction = lags.map(|l| l.0);
    event.onset_lag_s = lags.map(|l| l.1);
    event.nadir_lag_s = lags.map(|l| l.2);
    event.kind = if event.interval.duration_s() > PROLONGED_S {
        EventKind::ProlongedDeceleration
    } else if event.flank_s < ABRUPT_S {
        EventKind::VariableDeceleration
    } else {
        match lags {
            None => EventKind::GradualDeceleration,
            Some((_, onset, nadir)) if nadir > LATE_NADIR_S && onset > LATE_ONSET_S => EventKind::LateDeceleration,
            Some(_) => EventKind::EarlyDeceleration,
        }
    };
}

fn overlap(a: &Interval, b: &Interval) -> usize {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

/// Whether the smoothed trace stays below 80 bpm for more than 5 min and the bandwidth there below 5 bpm.
fn is_severe(filled: &[f64], valid: &[bool], smooth: &[f64], interval: Interval) -> bool {
    let low = super::preparation::runs(smooth[interval.start..interval.end].iter().map(|v| *v < 80.0));
    low.into_iter().map(|(a, b)| (interval.start + a, interval.start + b)).any(|(a, b)| {
        let seconds = (b - a) as f64 / RATE_HZ;
        seconds > 300.0 && longest_narrow_s(&filled[a..b], &valid[a..b], 5.0) > 0.5 * seconds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_bound_an_event() {
        let mut fhr = vec![139.0; 400];
        fhr[100..180].fill(141.0);
        fhr[120..130].fill(156.0);
        let found = crossing_events(&fhr, &[140.0; 400], 1.0).unwrap();
        assert_eq!(found, [Interval { start: 100, end: 180 }]);
        assert!(crossing_events(&fhr, &[140.0; 400], -1.0).unwrap().is_empty());
        assert!(crossing_events(&fhr, &[140.0; 3], 1.0).is_err());
    }

    #[test]
    fn an_abrupt_fall_is_variable_and_a_long_one_prolonged() {
        for (seconds, kind) in [(40, EventKind::VariableDeceleration), (240, EventKind::ProlongedDeceleration)] {
            let mut fhr = vec![140.0; 4000];
            fhr[2000..2000 + 4 * seconds].fill(110.0);
            let found = events(&fhr, &vec![true; 4000], &vec![140.0; 4000], None).unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].kind, found[0].amplitude_bpm), (kind, 30.0));
            assert!(found[0].interval.start.abs_diff(2000) < 40, "{found:?}");
        }
    }
}
