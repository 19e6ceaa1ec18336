//! What is measured in the last hour of a cardiotocogram.

use crate::ctg::{self, Ctg, RATE_HZ};
use crate::{Record, Result};
use eir_core::error::{Mismatch, TooShort, Unsupported};
use serde::{Deserialize, Serialize};

/// Samples of an hour.
const HOUR: usize = 3600 * RATE_HZ as usize;
/// Samples of ten minutes: less than that, measured, is not judged.
const LEAST: usize = 600 * RATE_HZ as usize;
/// The windows at the end of the trace, in minutes.
const WINDOWS_MIN: [usize; 3] = [60, 30, 10];

/// What is measured in each window, with the value that stands for "could not be measured": a usual one, so that it
/// speaks neither for nor against.
const MEASURES: [(&str, f64); 16] = [
    ("deceleration_area", 0.5),
    ("below_baseline", 1.2),
    ("acceleration_area", 0.3),
    ("lowest_bpm", 110.0),
    ("baseline_bpm", 135.0),
    ("decelerations", 1.0),
    ("log_stv", 1.6),
    ("log_minute_range", 3.3),
    ("log_oscillation", 1.6),
    ("prolonged", 0.0),
    ("depth", 20.0),
    ("deepest_minutes", 0.0),
    ("contractions", 4.0),
    ("fast", 0.3),
    ("asymmetry", 0.0),
    ("loss", 0.2),
];

/// Number of [`OutcomeFeatures::values`].
const COUNT: usize = MEASURES.len() * WINDOWS_MIN.len() + 2;

/// The features of one trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutcomeFeatures {
    /// One value per [name](Self::names), all finite.
    pub values: Vec<f64>,
    /// Share of the last hour that is lost, artefacts included: whoever reads a probability should see it.
    pub loss: f64,
    /// How many values could not be measured and are the usual ones.
    pub assumed: usize,
}

impl OutcomeFeatures {
    /// Names of the values: `deceleration_area_30` is the deceleration area of the last 30 min.
    #[must_use]
    pub fn names() -> Vec<String> {
        let of = |minutes: usize| MEASURES.iter().map(move |(name, _)| format!("{name}_{minutes}"));
        let windows = WINDOWS_MIN.into_iter().flat_map(of);
        windows.chain(["baseline_rise_60".to_owned(), "lowest_fall_60".to_owned()]).collect()
    }

    /// The features of the signals `FHR` and `UC` of a record; in `UC` too 0 means lost, as in the CTU-UHB recordings.
    ///
    /// # Errors
    /// As [`outcome_features`]; [`Error::NotFound`](crate::Error::NotFound) without an `FHR`, [`Unsupported`] unless it
    /// has 4 Hz.
    pub fn of_record(record: &Record) -> Result<Self> {
        let fhr = record.signal("FHR")?;
        if fhr.rate().hz() != RATE_HZ {
            let what = format!("a heart rate at {} Hz", fhr.rate().hz());
            return Err(Unsupported::new(what, "resample it to 4 Hz first").into());
        }
        let uc = record.signal("UC").ok().filter(|uc| uc.rate() == fhr.rate());
        let uc = uc.map(|uc| uc.iter().map(|v| if v == 0.0 { f64::NAN } else { v }).collect::<Vec<f64>>());
        outcome_features(&fhr.samples_f64(), uc.as_deref())
    }
}

/// Measures the last hour of a heart rate (bpm at 4 Hz; 0 and NaN mean lost) and, where there is one, of a tocogram of
/// the same length (NaN means missing).
///
/// The hour ends where the heart rate ends: what is lost behind it, a monitor that was taken off, changes nothing, and
/// neither does what comes before the hour, nor the length of the trace. In the CTU-UHB records both say how the
/// delivery ended (lost samples at the end alone tell a caesarean section with an AUROC of 0.98), and a model that
/// sees them learns that instead of the fetus.
///
/// # Formula
/// On the trace without artefacts, with `d` its distance from the baseline, over the last 60, 30 and 10 min: mean of −d
/// within decelerations (`deceleration_area`) and wherever d is negative (`below_baseline`), mean of d within
/// accelerations, each as ln(1 + x) of bpm; 5th percentile of the rate; median of the baseline; decelerations and
/// contractions per 10 min; logarithms of short-term variation and minute range in ms, and of the standard deviation of d
/// outside decelerations; share of time in decelerations of more than 2 min; mean depth of decelerations; share of time
/// more than 30 bpm below the baseline; logarithm of the mean step between seconds; asymmetry of rises and falls;
/// share of samples lost.
///
/// # Errors
/// [`TooShort`] for less than 10 min of measured heart rate in the last hour; as [`ctg::analyse`].
pub fn outcome_features(fhr_bpm: &[f64], uc: Option<&[f64]>) -> Result<OutcomeFeatures> {
    if let Some(uc) = uc {
        Mismatch::check("heart rate and contractions", fhr_bpm.len(), uc.len())?;
    }
    let end = end(fhr_bpm);
    let from = end.saturating_sub(HOUR);
    let (fhr, uc) = (&fhr_bpm[from..end], uc.map(|uc| &uc[from..end]));
    let measured = fhr.iter().filter(|v| ctg::is_measured(**v)).count();
    if measured < LEAST {
        return Err(TooShort::new("measured samples of the last hour", measured, LEAST).into());
    }
    let found = ctg::analyse(fhr, uc)?;
    let windows: Vec<[f64; MEASURES.len()]> = WINDOWS_MIN.iter().map(|w| window(&found, fhr, w * 240)).collect();
    let (mut values, mut assumed) = (Vec::with_capacity(COUNT), 0);
    for at in 0..windows.len() {
        for (k, (_, usual)) in MEASURES.iter().enumerate() {
            // what a short window does not hold is taken from the longer ones around it
            let value = windows[..=at].iter().rev().map(|w| w[k]).find(|v| v.is_finite());
            assumed += usize::from(!windows[at][k].is_finite());
            values.push(value.unwrap_or(*usual));
        }
    }
    let of = |name: &str, window: usize| {
        let place = MEASURES.iter().position(|(n, _)| *n == name);
        place.and_then(|k| values.get(window * MEASURES.len() + k)).copied().unwrap_or_default()
    };
    let (rise, fall) = (of("baseline_bpm", 2) - of("baseline_bpm", 0), of("lowest_bpm", 0) - of("lowest_bpm", 2));
    values.extend([rise, fall]);
    Ok(OutcomeFeatures { values, loss: found.prepared.loss_with_artefacts, assumed })
}

/// Where the trace ends: behind the last sample at whose end at least half of a minute was measured. What follows is a
/// monitor that was taken off.
pub(in crate::models) fn end(fhr: &[f64]) -> usize {
    const MINUTE: usize = 60 * RATE_HZ as usize;
    let ok = |i: usize| ctg::is_measured(fhr[i]);
    let mut measured = 0;
    let mut last = 0;
    for i in 0..fhr.len() {
        measured += usize::from(ok(i));
        if i >= MINUTE {
            measured -= usize::from(ok(i - MINUTE));
        }
        if ok(i) && 2 * measured >= MINUTE {
            last = i + 1;
        }
    }
    last
}

/// The measures of the last `samples`; NaN where there is nothing to measure.
fn window(found: &Ctg, fhr: &[f64], samples: usize) -> [f64; MEASURES.len()] {
    let n = fhr.len();
    let from = n.saturating_sub(samples);
    let minutes = (n - from) as f64 / 240.0;
    let (x, valid, b) = (&found.prepared.filled_bpm, &found.prepared.valid, &found.baseline_bpm);
    // 0 outside events, 1 in a deceleration, 2 in one of more than 2 min, 3 in an acceleration
    let mut place = vec![0u8; n];
    for event in &found.events {
        let kind = match (event.kind.is_deceleration(), event.interval.duration_s() > 120.0) {
            (false, _) => 3,
            (true, false) => 1,
            (true, true) => 2,
        };
        place[event.interval.start.min(n)..event.interval.end.min(n)].fill(kind);
    }
    let known: Vec<usize> = (from..n).filter(|i| valid[*i]).collect();
    let loss = 1.0 - known.len() as f64 / (n - from).max(1) as f64;
    if known.len() < 240 {
        let mut none = [f64::NAN; MEASURES.len()]; // less than a minute
        none[MEASURES.len() - 1] = loss;
        return none;
    }
    let count = known.len() as f64;
    let mean_of = |f: &dyn Fn(usize) -> f64| known.iter().map(|i| f(*i)).sum::<f64>() / count;
    let away = |i: usize| x[i] - b[i];
    let falls = |i: usize| matches!(place[i], 1 | 2);
    let area = mean_of(&|i| if falls(i) { (-away(i)).max(0.0) } else { 0.0 });
    let below = mean_of(&|i| (-away(i)).max(0.0));
    let above = mean_of(&|i| if place[i] == 3 { away(i).max(0.0) } else { 0.0 });
    let prolonged = mean_of(&|i| f64::from(u8::from(place[i] == 2)));
    let deep = mean_of(&|i| f64::from(u8::from(away(i) < -30.0)));
    let mut rates: Vec<f64> = known.iter().map(|i| x[*i]).collect();
    rates.sort_by(f64::total_cmp);
    let mut levels: Vec<f64> = known.iter().map(|i| b[*i]).collect();
    levels.sort_by(f64::total_cmp);
    let at = |sorted: &[f64], share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    let inside = |start: usize| start >= from;
    let decelerations = found.decelerations().filter(|e| inside(e.extreme));
    let depths: Vec<f64> = decelerations.map(|e| e.amplitude_bpm).collect();
    let mean_depth = if depths.is_empty() { 0.0 } else { depths.iter().sum::<f64>() / depths.len() as f64 };
    let contractions = match &found.contractions {
        Some(all) if !all.is_empty() => 10.0 * all.iter().filter(|c| inside(c.peak)).count() as f64 / minutes,
        _ => f64::NAN, // a flat tocogram is no rest
    };
    let variability = ctg::variability(&fhr[from..]);
    let log = |v: Option<f64>| v.filter(|v| *v > 0.0).map_or(f64::NAN, f64::ln);
    let calm: Vec<f64> = known.iter().filter(|i| place[**i] == 0).map(|i| away(*i)).collect();
    let (fast, asymmetry) = steps(x, valid, from);
    [
        area.ln_1p(),
        below.ln_1p(),
        above.ln_1p(),
        at(&rates, 0.05),
        at(&levels, 0.5),
        10.0 * depths.len() as f64 / minutes,
        log(variability.stv_ms),
        log(variability.minute_range_ms),
        if calm.len() < 240 { f64::NAN } else { spread(&calm).max(0.1).ln() },
        prolonged,
        mean_depth,
        deep,
        contractions,
        fast,
        asymmetry,
        loss,
    ]
}

/// Standard deviation.
fn spread(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
}

/// Logarithm of the mean step between seconds, and how much steeper falls are than rises: the mean of the cubes of the
/// steps between epochs of 4 s over the mean of their absolute cubes.
fn steps(x: &[f64], valid: &[bool], from: usize) -> (f64, f64) {
    let means = |size: usize| -> Vec<f64> {
        x[from..]
            .chunks_exact(size)
            .zip(valid[from..].chunks_exact(size))
            .map(|(x, ok)| if ok.iter().all(|v| *v) { x.iter().sum::<f64>() / size as f64 } else { f64::NAN })
            .collect()
    };
    let differences =
        |values: Vec<f64>| -> Vec<f64> { values.windows(2).map(|w| w[1] - w[0]).filter(|d| d.is_finite()).collect() };
    let (seconds, epochs) = (differences(means(4)), differences(means(16)));
    if seconds.len() < 60 || epochs.len() < 30 {
        return (f64::NAN, f64::NAN);
    }
    let mean = |values: &[f64], f: fn(f64) -> f64| values.iter().map(|v| f(*v)).sum::<f64>() / values.len() as f64;
    let size = mean(&epochs, |d| d.abs().powi(3));
    let asymmetry = if size > 0.0 { mean(&epochs, |d| d.powi(3)) / size } else { 0.0 };
    (mean(&seconds, f64::abs).max(0.01).ln(), asymmetry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(minutes: usize) -> Vec<f64> {
        let wave = |i: usize, s: f64| (i as f64 / s).sin();
        (0..240 * minutes).map(|i| 140.0 + 4.0 * wave(i, 31.0) + 2.0 * wave(i, 7.3)).collect()
    }

    #[test]
    fn what_came_before_the_last_hour_changes_nothing() {
        let long = trace(90);
        let mut other = long.clone();
        other[..240 * 30].fill(0.0);
        let short = &long[240 * 30..];
        let features = |x: &[f64]| outcome_features(x, None).unwrap();
        assert_eq!(features(&long), features(short));
        assert_eq!(features(&other), features(short));
        assert_eq!(features(short).values.len(), OutcomeFeatures::names().len());
        assert_eq!(COUNT, OutcomeFeatures::names().len());
    }

    #[test]
    fn a_deceleration_shows_and_a_lost_end_is_assumed() {
        let calm = trace(60);
        let mut fallen = calm.clone();
        for start in (240 * 32..240 * 58).step_by(900) {
            fallen[start..start + 240].iter_mut().for_each(|v| *v -= 40.0);
        }
        let names = OutcomeFeatures::names();
        let of = |x: &[f64], name: &str| {
            let place = names.iter().position(|n| n == name).unwrap();
            outcome_features(x, None).unwrap().values[place]
        };
        assert!(of(&fallen, "deceleration_area_30") > 1.0 + of(&calm, "deceleration_area_30"));
        let mut lost = calm.clone();
        lost[240 * 48..240 * 59].fill(f64::NAN);
        let found = outcome_features(&lost, None).unwrap();
        assert!(found.values.iter().all(|v| v.is_finite()) && found.assumed >= 5, "{found:?}");
        assert!((found.loss - 11.0 / 60.0).abs() < 1e-3);
        // a monitor that was taken off, with a blip in between
        let mut longer = calm.clone();
        longer.extend([0.0; 4000]);
        longer.extend([140.0; 40]);
        longer.extend([f64::NAN; 4000]);
        assert_eq!(outcome_features(&longer, None).unwrap(), outcome_features(&calm, None).unwrap());
        assert!(outcome_features(&vec![f64::NAN; 14_400], None).is_err());
        assert!(outcome_features(&[], None).is_err());
        assert!(outcome_features(&calm, Some(&[1.0])).is_err());
    }
}
