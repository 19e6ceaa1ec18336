//! Correction of missed, extra, ectopic and misplaced beats.

use super::rolling::quantiles;
use crate::Result;
use crate::entropy::mean;
use eir_core::SampleRate;
use eir_core::error::{OutOfRange, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Corrects the beats `peaks` with the usual settings.
///
/// # Errors
/// As [`ArtefactConfig::correct`].
pub fn correct_artefacts(peaks: &[usize], rate: SampleRate) -> Result<CorrectedBeats> {
    ArtefactConfig::default().correct(peaks, rate)
}

/// What a beat was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BeatLabel {
    /// In its place.
    Normal,
    /// Premature, with a pause after it (or late, with a short interval after it).
    Ectopic,
    /// A beat is missing before it.
    Missed,
    /// It is one beat too many.
    Extra,
    /// Its interval is too long or too short.
    LongShort,
}

/// The order in which the rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ArtefactRule {
    /// Looks one interval ahead: a short interval that is followed by the pattern's pause makes its beat ectopic, and the
    /// beat after the pause is left in its place. On MIT-BIH 100 this calls 31 of 33 annotated premature beats ectopic.
    #[default]
    LookAhead,
    /// As NeuroKit2: at the short interval of a premature beat the pattern is not yet complete, so that the beat is called
    /// long or short (30 of 33), and the beat after the pause ectopic and moved, too.
    AsNeuroKit,
}

/// The indices of beats that were called something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Artefacts {
    /// Ectopic beats.
    pub ectopic: Vec<usize>,
    /// Beats before which one is missing.
    pub missed: Vec<usize>,
    /// Beats too many.
    pub extra: Vec<usize>,
    /// Beats with a too long or too short interval.
    pub long_short: Vec<usize>,
}

impl Artefacts {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ectopic.len() + self.missed.len() + self.extra.len() + self.long_short.len()
    }
}

/// Beats after correction, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CorrectedBeats {
    /// The corrected beats, in samples, strictly rising.
    pub peaks: Vec<usize>,
    /// What each beat that was given was found to be: as many as were given.
    pub labels: Vec<BeatLabel>,
    /// What the last pass found that still lowered the number, by its own indices (NeuroKit2 returns these only).
    pub last: Artefacts,
    /// Passes that were made.
    pub passes: usize,
}

/// Intervals after correction, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CorrectedIntervals {
    /// The corrected intervals in ms.
    pub rr_ms: Vec<f64>,
    /// What the beat at the end of each interval that was given was found to be: as many as were given.
    pub labels: Vec<BeatLabel>,
    /// Passes that were made.
    pub passes: usize,
}

/// Settings of the correction of beats after Lipponen and Tarvainen.
///
/// **Use it** between a detector and any measure of variability: one missed beat doubles RMSSD. **Not** in atrial
/// fibrillation, whose irregular beats are real (the thresholds adapt and little is changed, but what is changed is
/// wrong), nor to diagnose ectopy.
///
/// # Formula
/// Differences of intervals and distances from the median of 11, each over 5.2 times half the interquartile range of
/// their sizes in 91 beats. A difference above 1 with neighbours of the opposite sign beyond `0.13 x + 0.17` is ectopic;
/// else a beat is long or short if a difference beyond ±1 is followed within two beats by one of the opposite sign, or its
/// distance is above 3; it is missed or extra if half the interval, or the sum of two, is within the threshold of the
/// median. Extra beats are removed, missed ones put halfway, others moved halfway between their neighbours; repeated
/// while the number falls.
///
/// # Examples
/// ```
/// use eir_signal::hrv::{BeatLabel, correct_artefacts};
/// let rate = eir_core::SampleRate::new(1000.0)?;
/// let beat = |i: u32| 800.0 * f64::from(i) + 70.0 + 60.0 * (0.4 * f64::from(i)).sin();
/// let mut peaks: Vec<usize> = (0..100).map(|i| beat(i) as usize).collect();
/// peaks.remove(50);
/// let found = correct_artefacts(&peaks, rate)?;
/// assert_eq!((found.peaks.len(), found.labels[50]), (100, BeatLabel::Missed));
/// assert!(found.peaks[50].abs_diff(beat(50) as usize) < 40);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// With [`ArtefactRule::AsNeuroKit`] corrected beats and the artefacts of the last pass equal NeuroKit2 0.2.13
/// `signal_fixpeaks(method="Kubios")` on all records of the golden set.
///
/// # References
/// Lipponen, Tarvainen 2019, doi:10.1080/03091902.2019.1640306.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArtefactConfig {
    /// The order of the rules. Default [`ArtefactRule::LookAhead`].
    pub rule: ArtefactRule,
    /// How many half interquartile ranges are too much, above 0. Default 5.2.
    pub alpha: f64,
    /// Beats over which the interquartile range is taken, odd, 3 or more. Default 91.
    pub window: usize,
    /// Beats over which the median is taken, odd, 3 or more. Default 11.
    pub median: usize,
    /// Whether passes are repeated while the number of artefacts falls. Default true.
    pub repeated: bool,
}

impl Default for ArtefactConfig {
    fn default() -> Self {
        Self { rule: ArtefactRule::LookAhead, alpha: 5.2, window: 91, median: 11, repeated: true }
    }
}

const SLOPE: f64 = 0.13;
const OFFSET: f64 = 0.17;

impl ArtefactConfig {
    /// Sets [`rule`](Self::rule).
    #[must_use]
    pub fn with_rule(self, rule: ArtefactRule) -> Self {
        Self { rule, ..self }
    }
    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window, ..self }
    }
    /// Sets [`median`](Self::median).
    #[must_use]
    pub fn with_median(self, median: usize) -> Self {
        Self { median, ..self }
    }
    /// Sets [`repeated`](Self::repeated).
    #[must_use]
    pub fn with_repeated(self, repeated: bool) -> Self {
        Self { repeated, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(Parameter::new("alpha", self.alpha, "finite and above 0").into());
        }
        for (name, value) in [("window", self.window), ("median", self.median)] {
            if value < 3 || value % 2 == 0 {
                return Err(Parameter::new(name, value as f64, "odd and 3 or more").into());
            }
        }
        Ok(())
    }

    /// Corrects the beats at the samples `peaks`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`TooShort`] below 5 beats; [`OutOfRange`] if they do not strictly rise.
    pub fn correct(&self, peaks: &[usize], rate: SampleRate) -> Result<CorrectedBeats> {
        self.validate()?;
        let steps = peaks.windows(2).map(|w| w[1] as f64 - w[0] as f64);
        OutOfRange::check("step to the next peak", steps, "above 0", |step| step > 0.0)?;
        let at: Vec<f64> = peaks.iter().map(|p| *p as f64).collect();
        let found = self.run(at, rate.hz(), f64::trunc)?;
        let mut corrected: Vec<usize> = found.positions.iter().map(|p| *p as usize).collect();
        corrected.dedup();
        Ok(CorrectedBeats { peaks: corrected, labels: found.labels, last: found.last, passes: found.passes })
    }

    /// Corrects the beats between the intervals `rr_ms`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); as [`intervals`](super::Intervals::from_ms) for the intervals; [`TooShort`]
    /// below 4 of them.
    pub fn correct_intervals(&self, rr_ms: &[f64]) -> Result<CorrectedIntervals> {
        self.validate()?;
        super::check(rr_ms, 4)?;
        let mut sum = 0.0;
        let at = std::iter::once(0.0).chain(rr_ms.iter().map(|rr| {
            sum += rr;
            sum
        }));
        let found = self.run(at.collect(), 1000.0, |v| v)?;
        let rr_ms = found.positions.windows(2).map(|w| w[1] - w[0]).filter(|rr| *rr > 0.0).collect();
        Ok(CorrectedIntervals { rr_ms, labels: found.labels[1..].to_vec(), passes: found.passes })
    }

    fn run(&self, positions: Vec<f64>, rate_hz: f64, whole: fn(f64) -> f64) -> Result<Run> {
        if positions.len() < 5 {
            return Err(TooShort::new("beats", positions.len(), 5).into());
        }
        let first = self.find(&positions, rate_hz);
        let mut labels = vec![BeatLabel::Normal; positions.len()];
        for (label, list) in [
            (BeatLabel::LongShort, &first.long_short),
            (BeatLabel::Missed, &first.missed),
            (BeatLabel::Extra, &first.extra),
            (BeatLabel::Ectopic, &first.ectopic),
        ] {
            list.iter().for_each(|i| labels[*i] = label);
        }
        let mut positions = corrected(&first, positions, whole);
        let (mut last, mut passes) = (first, 1);
        while self.repeated && positions.len() >= 5 {
            let next = self.find(&positions, rate_hz);
            if next.count() >= last.count() {
                break;
            }
            positions = corrected(&next, positions, whole);
            last = next;
            passes += 1;
        }
        Ok(Run { positions, labels, last, passes })
    }

    /// What each beat is.
    fn find(&self, positions: &[f64], rate_hz: f64) -> Artefacts {
        let n = positions.len();
        let differences = |x: &[f64]| {
            let mut d: Vec<f64> = std::iter::once(0.0).chain(x.windows(2).map(|w| w[1] - w[0])).collect();
            d[0] = mean(&d[1..]);
            d
        };
        let mut rr: Vec<f64> = differences(positions);
        rr.iter_mut().for_each(|v| *v /= rate_hz);
        rr[0] = mean(&rr[1..]);
        let over = |x: &mut [f64], limit: &[f64]| {
            x.iter_mut().zip(limit).for_each(|(v, l)| *v = if *l == 0.0 { f64::NAN } else { *v / l });
        };
        let mut drr = differences(&rr);
        let limit = self.limits(&drr);
        over(&mut drr, &limit);
        let median: Vec<f64> = quantiles(&rr, self.median / 2, [0.5]).into_iter().map(|[m]| m).collect();
        let mut mrr: Vec<f64> =
            rr.iter().zip(&median).map(|(v, m)| v - m).map(|d| if d < 0.0 { 2.0 * d } else { d }).collect();
        let limit = self.limits(&mrr);
        over(&mut mrr, &limit);

        // mirrored at the ends
        let at = |k: isize| {
            let last = n as isize - 1;
            let k = k.abs();
            drr[if k > last { 2 * last - k } else { k } as usize]
        };
        let ectopic = |i: usize| {
            let (d, before, after) = (drr[i], at(i as isize - 1), at(i as isize + 1));
            (d > 1.0 && largest(before, after) < -SLOPE * d - OFFSET)
                || (d < -1.0 && smallest(before, after) > -SLOPE * d + OFFSET)
        };
        let mut found = Artefacts::default();
        let mut i = 0;
        while i < n - 2 {
            let d = drr[i];
            if d.abs() <= 1.0 {
                i += 1;
                continue;
            }
            // a premature beat: what comes next is its pause, and not looked at again
            if self.rule == ArtefactRule::LookAhead && d < -1.0 && drr[i + 1] > 1.0 && (ectopic(i) || ectopic(i + 1)) {
                found.ectopic.push(i);
                i += 2;
                continue;
            }
            if ectopic(i) {
                found.ectopic.push(i);
                i += 1;
                continue;
            }
            if !(d.abs() > 1.0 || mrr[i].abs() > 3.0) {
                i += 1;
                continue;
            }
            let two = drr[i + 1].abs() < drr[i + 2].abs();
            let candidates = i..=i + usize::from(two);
            for j in candidates {
                i += 1;
                let (d, next, second) = (drr[j], at(j as isize + 1), at(j as isize + 2));
                let long = d > 1.0 && smallest(next, second) < -1.0;
                let short = d < -1.0 && largest(next, second) > 1.0;
                if !(long || short || mrr[j].abs() > 3.0) {
                    continue;
                }
                let halves = (rr[j] / 2.0 - median[j]).abs() < limit[j];
                let joined = (rr[j] + rr[j + 1] - median[j]).abs() < limit[j];
                if short && joined {
                    found.extra.push(j);
                } else if long && halves {
                    found.missed.push(j);
                } else {
                    found.long_short.push(j);
                }
            }
        }
        found
    }

    /// What is too much, at each beat.
    fn limits(&self, x: &[f64]) -> Vec<f64> {
        let sizes: Vec<f64> = x.iter().map(|v| v.abs()).collect();
        let quartiles = quantiles(&sizes, self.window / 2, [0.25, 0.75]);
        quartiles.into_iter().map(|[q1, q3]| self.alpha * ((q3 - q1) / 2.0)).collect()
    }
}

struct Run {
    positions: Vec<f64>,
    labels: Vec<BeatLabel>,
    last: Artefacts,
    passes: usize,
}

/// The larger, and NaN if one is.
fn largest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The smaller, and NaN if one is.
fn smallest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// The beats with extra ones removed, missed ones added and others moved, in this order.
fn corrected(found: &Artefacts, mut at: Vec<f64>, whole: fn(f64) -> f64) -> Vec<f64> {
    let (mut missed, mut ectopic, mut long_short) =
        (found.missed.clone(), found.ectopic.clone(), found.long_short.clone());
    if !found.extra.is_empty() {
        let mut gone = found.extra.iter().peekable();
        at = at.iter().enumerate().filter(|(i, _)| gone.next_if(|g| **g == *i).is_none()).map(|(_, v)| *v).collect();
        [&mut missed, &mut ectopic, &mut long_short].into_iter().for_each(|list| shift(list, &found.extra, false));
    }
    if !missed.is_empty() {
        let mut added = Vec::with_capacity(at.len() + missed.len());
        let mut next = missed.iter().filter(|i| **i > 1 && **i < at.len()).peekable();
        for (i, v) in at.iter().enumerate() {
            if next.next_if(|m| **m == i).is_some() {
                added.push(whole(at[i - 1] + (v - at[i - 1]) / 2.0));
            }
            added.push(*v);
        }
        at = added;
        [&mut ectopic, &mut long_short].into_iter().for_each(|list| shift(list, &missed, true));
    }
    for list in [&ectopic, &long_short] {
        let old = at.clone();
        for i in list.iter().filter(|i| **i > 1 && **i + 1 < old.len()) {
            at[*i] = whole(old[i - 1] + (old[i + 1] - old[i - 1]) / 2.0);
        }
        at.sort_by(f64::total_cmp);
    }
    at
}

/// Moves the indices after each of `places` by one, in turn, as the reference tool does.
fn shift(list: &mut Vec<usize>, places: &[usize], up: bool) {
    for place in places {
        list.iter_mut().filter(|i| **i > *place).for_each(|i| *i = if up { *i + 1 } else { *i - 1 });
    }
    list.sort_unstable();
    list.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> SampleRate {
        SampleRate::new(1000.0).unwrap()
    }

    fn steady() -> Vec<usize> {
        let at = |i: u32| 800.0 * f64::from(i) + 60.0 * (0.4 * f64::from(i)).sin() + 9.0 * (2.1 * f64::from(i)).cos();
        (0..200).map(|i| (100.0 + at(i)).round() as usize).collect()
    }

    #[test]
    fn leaves_a_steady_rhythm_in_its_place() {
        let found = correct_artefacts(&steady(), rate()).unwrap();
        assert_eq!(found.peaks.len(), 200);
        assert!(found.peaks.iter().zip(steady()).all(|(a, b)| a.abs_diff(b) < 40));
        // the extremes of the rhythm may lie a little beyond what is usual in it
        assert!(found.labels.iter().filter(|l| **l != BeatLabel::Normal).count() < 5);
    }

    #[test]
    fn finds_what_was_planted() {
        let mut peaks = steady();
        peaks.insert(60, (peaks[59] + peaks[60]) / 2);
        peaks.remove(121);
        let found = correct_artefacts(&peaks, rate()).unwrap();
        assert_eq!(found.labels.len(), peaks.len());
        assert_eq!(found.peaks.len(), 200);
        assert!(found.peaks.iter().zip(steady()).all(|(a, b)| a.abs_diff(b) < 40));
        assert!(found.labels[60] == BeatLabel::Extra || found.labels[59] == BeatLabel::Extra);
        assert_eq!(found.labels[121], BeatLabel::Missed);
    }

    #[test]
    fn looking_ahead_says_ectopic_and_moves_one_beat_only() {
        let mut peaks = steady();
        peaks[100] -= 250;
        let ahead = ArtefactConfig::default().correct(&peaks, rate()).unwrap();
        assert_eq!(ahead.labels[100], BeatLabel::Ectopic);
        assert_eq!(ahead.labels[101], BeatLabel::Normal);
        let plain = ArtefactConfig::default().with_rule(ArtefactRule::AsNeuroKit).correct(&peaks, rate()).unwrap();
        assert_eq!((plain.labels[100], plain.labels[101]), (BeatLabel::LongShort, BeatLabel::Ectopic));
        assert!(ahead.peaks.iter().zip(steady()).all(|(a, b)| a.abs_diff(b) < 40));
    }

    #[test]
    fn intervals_and_peaks_say_the_same() {
        let mut peaks = steady();
        peaks.remove(70);
        let rr: Vec<f64> = peaks.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
        let found = ArtefactConfig::default().correct_intervals(&rr).unwrap();
        assert_eq!(found.labels.len(), rr.len());
        assert_eq!(found.labels[69], BeatLabel::Missed);
        assert_eq!(found.rr_ms.len(), rr.len() + 1);
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(correct_artefacts(&[], rate()).is_err() && correct_artefacts(&[5], rate()).is_err());
        let error = correct_artefacts(&[0, 800, 800, 1600, 2400], rate()).unwrap_err().to_string();
        assert!(error.contains("peak 1"), "{error}");
        let config = ArtefactConfig::default();
        assert!(config.with_window(90).correct(&steady(), rate()).is_err());
        assert!(config.with_alpha(0.0).correct(&steady(), rate()).is_err());
        assert!(config.correct_intervals(&[800.0, f64::NAN, 800.0, 800.0, 800.0]).is_err());
        // a constant rhythm has no threshold: nothing is called anything
        let found = correct_artefacts(&(0..50).map(|i| i * 800).collect::<Vec<_>>(), rate()).unwrap();
        assert_eq!(found.peaks.len(), 50);
    }
}
