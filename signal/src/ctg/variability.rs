//! Variability of the fetal heart rate: short-term, per minute, bandwidth, episodes, de Haan's indices.

use super::RATE_HZ;
use super::events::Interval;
use super::preparation::is_measured;
use serde::{Deserialize, Serialize};

/// Samples of a minute.
pub(super) const MINUTE: usize = 240;

/// What varies in a fetal heart rate. `None` where no minute is complete enough: never a made-up number.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Variability {
    /// Mean pulse interval of each epoch of 3.75 s in ms; NaN with fewer than 8 of its 15 samples measured.
    pub epochs_ms: Vec<f64>,
    /// Whole minutes in the trace.
    pub minutes: usize,
    /// Minutes with all 16 epochs.
    pub complete_minutes: usize,
    /// Short-term variation in ms: the mean over complete minutes of the mean difference between successive epochs.
    pub stv_ms: Option<f64>,
    /// Mean over complete minutes of largest minus smallest epoch, in ms: the long-term variation.
    pub minute_range_ms: Option<f64>,
    /// Mean over minutes, at least half of them measured, of largest minus smallest heart rate, in bpm.
    pub bandwidth_bpm: Option<f64>,
    /// Short-term variation of each minute in ms, NaN unless it is complete.
    pub stv_per_minute_ms: Vec<f64>,
    /// Largest minus smallest epoch of each minute in ms, NaN unless it is complete.
    pub range_per_minute_ms: Vec<f64>,
    /// Largest minus smallest heart rate of each minute in bpm, NaN unless at least half of it is measured.
    pub bandwidth_per_minute_bpm: Vec<f64>,
}

/// The variability of a heart rate at 4 Hz, unprepared, where 0 and NaN mean lost.
///
/// **Use it** within one device and one duration. **Not** across devices: each smooths in its own way, and published
/// limits (3 or 4 ms) belong to the device they were found on. Not in labour.
///
/// # Formula
/// Epoch `e_k = 60000 / mean(measured bpm)` over 15 samples; in each minute of 16 valid epochs `mean |e_{k+1} − e_k|`
/// over its 15 differences, and `max e − min e`; the trace's values are means over such minutes.
///
/// # Examples
/// ```
/// // epochs alternate between 400 ms (150 bpm) and 500 ms (120 bpm)
/// let fhr: Vec<f64> = (0..960).map(|i| if i / 15 % 2 == 0 { 150.0 } else { 120.0 }).collect();
/// let found = eir_signal::ctg::variability(&fhr);
/// assert_eq!((found.stv_ms, found.bandwidth_bpm), (Some(100.0), Some(30.0)));
/// ```
///
/// # Validation
/// Equals the plain definition above (`ctg_variability.json`) within 1e-9 on all records of the golden set.
///
/// # References
/// Dawes, Moulden, Redman 1992, as described in Pardey et al. 2002, doi:10.1067/mob.2002.122447.
#[must_use]
pub fn variability(fhr_bpm: &[f64]) -> Variability {
    let epoch = |samples: &[f64; 15]| {
        let (sum, n) = samples.iter().filter(|v| is_measured(**v)).fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
        if n >= 8 { 60_000.0 / (sum / f64::from(n)) } else { f64::NAN }
    };
    let epochs_ms: Vec<f64> = fhr_bpm.as_chunks::<15>().0.iter().map(epoch).collect();
    let (minutes, _) = epochs_ms.as_chunks::<16>();
    let complete = |m: &[f64; 16]| m.iter().all(|e| e.is_finite());
    let or_nan = |m: &[f64; 16], value: f64| if complete(m) { value } else { f64::NAN };
    let stv = |m: &[f64; 16]| m.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f64>() / 15.0;
    let stv_per_minute_ms: Vec<f64> = minutes.iter().map(|m| or_nan(m, stv(m))).collect();
    let range_per_minute_ms: Vec<f64> = minutes.iter().map(|m| or_nan(m, range(m.iter().copied()).0)).collect();
    let bandwidth_per_minute_bpm = bandwidths(fhr_bpm, MINUTE / 2, |_, v| is_measured(v));
    Variability {
        minutes: minutes.len(),
        complete_minutes: minutes.iter().filter(|m| complete(m)).count(),
        stv_ms: mean(&stv_per_minute_ms),
        minute_range_ms: mean(&range_per_minute_ms),
        bandwidth_bpm: mean(&bandwidth_per_minute_bpm),
        epochs_ms,
        stv_per_minute_ms,
        range_per_minute_ms,
        bandwidth_per_minute_bpm,
    }
}

/// As [`variability`], with the samples inside `events` taken as lost: Dawes leaves decelerations out.
#[must_use]
pub fn variability_outside(fhr_bpm: &[f64], events: impl IntoIterator<Item = Interval>) -> Variability {
    let mut x = fhr_bpm.to_vec();
    for event in events {
        let end = event.end.min(x.len());
        if let Some(inside) = x.get_mut(event.start..end) {
            inside.fill(f64::NAN);
        }
    }
    variability(&x)
}

/// Largest minus smallest of each whole minute over the samples that `counts`; NaN with fewer than `least` of them.
pub(super) fn bandwidths(x: &[f64], least: usize, counts: impl Fn(usize, f64) -> bool) -> Vec<f64> {
    x.as_chunks::<MINUTE>()
        .0
        .iter()
        .enumerate()
        .map(|(k, minute)| {
            let known = minute.iter().enumerate().filter(|(i, v)| counts(k * MINUTE + i, **v)).map(|(_, v)| *v);
            let (width, n) = range(known);
            if n >= least { width } else { f64::NAN }
        })
        .collect()
}

/// Largest minus smallest, and how many there are.
fn range(values: impl Iterator<Item = f64>) -> (f64, usize) {
    let start = (f64::INFINITY, f64::NEG_INFINITY, 0);
    let (low, high, n) = values.fold(start, |(l, h, n), v| (v.min(l), v.max(h), n + 1));
    (high - low, n)
}

/// The mean of what is not NaN.
fn mean(values: &[f64]) -> Option<f64> {
    let (sum, n) = values.iter().filter(|v| !v.is_nan()).fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// How much the heart rate of some minutes varies, after Dawes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EpisodeKind {
    /// The minute range is at least 32 ms in 5 of 6 minutes.
    High,
    /// The minute range is at most 30 ms in 5 of 6 minutes.
    Low,
}

/// Minutes of high or low variation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Episode {
    /// High or low.
    pub kind: EpisodeKind,
    /// Where: whole minutes, at least 6.
    pub interval: Interval,
    /// Mean minute range of its complete minutes in ms.
    pub minute_range_ms: f64,
}

/// Episodes of high and of low variation, in their order.
///
/// **Use it** for records without labour. **Not** where most minutes are incomplete: those count as neither.
///
/// # Formula
/// Six consecutive minutes are an episode if at least five of them have a minute range of at least 32 ms (high) or at
/// most 30 ms (low); such sixes that overlap or touch are one.
///
/// # Examples
/// ```
/// let fhr: Vec<f64> = (0..4800).map(|i| if i / 15 % 2 == 0 { 150.0 } else { 120.0 }).collect();
/// let found = eir_signal::ctg::episodes(&eir_signal::ctg::variability(&fhr));
/// assert_eq!((found.len(), found[0].minute_range_ms, found[0].interval.duration_s()), (1, 100.0, 1200.0));
/// ```
///
/// # References
/// Dawes, Moulden, Redman 1992, as described in Pardey et al. 2002, doi:10.1067/mob.2002.122447.
#[must_use]
pub fn episodes(found: &Variability) -> Vec<Episode> {
    let ranges = &found.range_per_minute_ms;
    let mut all = Vec::new();
    for kind in [EpisodeKind::High, EpisodeKind::Low] {
        let inside = |v: f64| match kind {
            EpisodeKind::High => v >= 32.0,
            EpisodeKind::Low => v <= 30.0,
        };
        let mut marked = vec![false; ranges.len()];
        for (k, six) in ranges.windows(6).enumerate() {
            if six.iter().filter(|v| inside(**v)).count() >= 5 {
                marked[k..k + 6].fill(true);
            }
        }
        for (start, end) in super::preparation::runs(marked.iter().copied()) {
            let interval = Interval { start: start * MINUTE, end: end * MINUTE };
            let minute_range_ms = mean(&ranges[start..end]).unwrap_or(f64::NAN);
            all.push(Episode { kind, interval, minute_range_ms });
        }
    }
    all.sort_by_key(|e: &Episode| e.interval.start);
    all
}

/// De Haan's indices of irregularity of a series of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Irregularity {
    /// Short-term: interquartile range of the angle `atan2(T_{k+1}, T_k)`, in degrees.
    pub short_term_deg: f64,
    /// Long-term: interquartile range of the length `√(T_k² + T_{k+1}²)`, in ms.
    pub long_term_ms: f64,
    /// Pairs of neighbours that counted.
    pub pairs: usize,
}

/// The indices of irregularity of successive pulse intervals; pairs with a missing one (NaN) do not count. `None` with
/// fewer than 16 pairs (a minute of epochs).
///
/// **Use it** on beat-to-beat intervals, or on [`Variability::epochs_ms`] to compare traces of one device. **Not** to
/// compare the two with each other: epochs are means.
///
/// # Formula
/// Neighbours are points `(T_k, T_{k+1})` in polar coordinates. Beats that differ spread the angle, a rate that changes
/// slowly spreads the length. Quartiles by straight lines between order statistics.
///
/// # Examples
/// ```
/// let even: Vec<f64> = (0..100).map(|k| 400.0 + f64::from(k)).collect(); // slow change only
/// let found = eir_signal::ctg::irregularity(&even).unwrap();
/// assert!(found.short_term_deg < 0.1 && found.long_term_ms > 60.0);
/// ```
///
/// # References
/// De Haan, van Bemmel, Versteeg et al. 1971, Eur. J. Obstet. Gynecol. 3, 95–102.
#[must_use]
pub fn irregularity(intervals_ms: &[f64]) -> Option<Irregularity> {
    let good = |v: f64| v.is_finite() && v > 0.0;
    let pairs: Vec<(f64, f64)> =
        intervals_ms.windows(2).filter(|w| good(w[0]) && good(w[1])).map(|w| (w[0], w[1])).collect();
    if pairs.len() < 16 {
        return None;
    }
    let mut angles: Vec<f64> = pairs.iter().map(|(a, b)| b.atan2(*a).to_degrees()).collect();
    let mut lengths: Vec<f64> = pairs.iter().map(|(a, b)| a.hypot(*b)).collect();
    Some(Irregularity {
        short_term_deg: quartile_range(&mut angles),
        long_term_ms: quartile_range(&mut lengths),
        pairs: pairs.len(),
    })
}

fn quartile_range(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = part * (values.len() - 1) as f64;
        let (low, rest) = (place.floor() as usize, place.fract());
        let high = values[(low + 1).min(values.len() - 1)];
        values[low] + rest * (high - values[low])
    };
    at(0.75) - at(0.25)
}

/// How wide the oscillation is, in FIGO's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Bandwidth {
    /// Below 5 bpm.
    Reduced,
    /// 5 to 25 bpm.
    Normal,
    /// Above 25 bpm: saltatory.
    Increased,
}

/// Minutes of one bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BandwidthSegment {
    /// Which.
    pub bandwidth: Bandwidth,
    /// Where, in whole minutes.
    pub interval: Interval,
    /// Mean bandwidth of its minutes in bpm.
    pub mean_bpm: f64,
}

/// Stretches of reduced, normal and increased variability, from the bandwidth of each minute (NaN: cannot be told).
///
/// # Formula
/// Each minute takes the median of the (up to five) known minutes around it, so that one minute does not interrupt an
/// hour. Minutes that cannot be told go with what is on both sides if they are at most five.
#[must_use]
pub fn bandwidth_segments(per_minute_bpm: &[f64]) -> Vec<BandwidthSegment> {
    let known: Vec<(usize, f64)> =
        per_minute_bpm.iter().enumerate().filter(|(_, v)| !v.is_nan()).map(|(k, v)| (k, *v)).collect();
    let mut found: Vec<(Bandwidth, usize, usize, f64, usize)> = Vec::new(); // first and one past the last minute
    for (i, (minute, value)) in known.iter().enumerate() {
        let near = known.get(i.saturating_sub(2)..(i + 3).min(known.len())).unwrap_or_default();
        let mut near: Vec<f64> = near.iter().filter(|(k, _)| k.abs_diff(*minute) <= 5).map(|(_, v)| *v).collect();
        near.sort_by(f64::total_cmp);
        // the lower middle of an even number for wide, the upper for narrow minutes would favour neither: take the mean
        let middle = match near.len() {
            n if n % 2 == 1 => near[n / 2],
            n => (near[n / 2 - 1] + near[n / 2]) / 2.0,
        };
        let bandwidth = match middle {
            m if m < 5.0 => Bandwidth::Reduced,
            m if m > 25.0 => Bandwidth::Increased,
            _ => Bandwidth::Normal,
        };
        match found.last_mut() {
            Some(last) if last.0 == bandwidth && minute - last.2 <= 5 => {
                (last.2, last.3, last.4) = (minute + 1, last.3 + value, last.4 + 1);
            }
            _ => found.push((bandwidth, *minute, minute + 1, *value, 1)),
        }
    }
    let segment = |(bandwidth, start, end, sum, n)| BandwidthSegment {
        bandwidth,
        interval: Interval { start: start * MINUTE, end: end * MINUTE },
        mean_bpm: sum / n as f64,
    };
    found.into_iter().map(segment).collect()
}

/// The longest stretch of at least a minute in `x` whose bandwidth over each minute stays below `limit`, in s.
pub(super) fn longest_narrow_s(x: &[f64], valid: &[bool], limit: f64) -> f64 {
    const STEP: usize = 60;
    let mut longest = 0;
    let mut start: Option<usize> = None;
    let last = x.len().saturating_sub(MINUTE);
    if x.len() < MINUTE {
        return 0.0;
    }
    for from in (0..=last).step_by(STEP) {
        let known = x[from..from + MINUTE].iter().zip(&valid[from..from + MINUTE]).filter(|(_, ok)| **ok);
        let (width, n) = range(known.map(|(v, _)| *v));
        if n >= MINUTE / 2 && width < limit {
            longest = longest.max(from + MINUTE - *start.get_or_insert(from));
        } else {
            start = None;
        }
    }
    longest as f64 / RATE_HZ
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_minutes_do_not_count() {
        let mut fhr = vec![140.0; 480];
        fhr[..8].fill(0.0); // one epoch of the first minute
        let found = variability(&fhr);
        assert_eq!((found.minutes, found.complete_minutes, found.stv_ms), (2, 1, Some(0.0)));
        assert!(found.epochs_ms[0].is_nan() && found.stv_per_minute_ms[0].is_nan());
        assert_eq!(variability(&[]).stv_ms, None);
        assert_eq!(variability_outside(&fhr, [Interval { start: 240, end: 480 }]).complete_minutes, 0);
    }

    #[test]
    fn one_wide_minute_does_not_end_a_narrow_hour() {
        let mut minutes = vec![3.0; 60];
        minutes[20] = 30.0;
        minutes[30..33].fill(f64::NAN);
        let found = bandwidth_segments(&minutes);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].bandwidth, found[0].interval.duration_s()), (Bandwidth::Reduced, 3600.0));
        minutes[30..40].fill(f64::NAN);
        assert_eq!(bandwidth_segments(&minutes).len(), 2);
        assert!(bandwidth_segments(&[f64::NAN; 5]).is_empty());
    }

    #[test]
    fn beats_that_alternate_are_irregular_and_few_pairs_are_none() {
        let x: Vec<f64> = (0..40).map(|k| if k % 2 == 0 { 400.0 } else { 420.0 }).collect();
        let found = irregularity(&x).unwrap();
        // the angles are ±1.397° around 45°
        assert!((found.short_term_deg - 2.795).abs() < 0.01 && found.long_term_ms < 1e-9, "{found:?}");
        assert_eq!(irregularity(&x[..10]), None);
        assert_eq!(irregularity(&[f64::NAN; 40]), None);
    }
}
