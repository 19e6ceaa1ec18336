//! Contractions of the uterus in a tocogram.

use super::events::Interval;
use super::filters::low_pass;
use super::preparation::fill;
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// A contraction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Contraction {
    /// From 15 % of its height to 15 % of its height.
    pub interval: Interval,
    /// Sample of its height.
    pub peak: usize,
    /// Height above the resting tone, in the unit of the signal.
    pub height: f64,
}

/// Settings of [`contractions_with`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ContractionConfig {
    /// Least height above the resting tone in the signal's unit, above 0. Default 10.
    pub min_height: f64,
    /// Shortest contraction in s, at least 1. Default 30.
    pub min_duration_s: f64,
    /// Longest contraction in s, above the shortest. Default 180.
    pub max_duration_s: f64,
}

impl Default for ContractionConfig {
    fn default() -> Self {
        Self { min_height: 10.0, min_duration_s: 30.0, max_duration_s: 180.0 }
    }
}

impl ContractionConfig {
    /// Sets [`min_height`](Self::min_height).
    #[must_use]
    pub fn with_min_height(self, min_height: f64) -> Self {
        Self { min_height, ..self }
    }
    /// Sets the shortest and the longest contraction.
    #[must_use]
    pub fn with_duration_s(self, min_duration_s: f64, max_duration_s: f64) -> Self {
        Self { min_duration_s, max_duration_s, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(self.min_height.is_finite() && self.min_height > 0.0) {
            return Err(Parameter::new("min_height", self.min_height, "above 0").into());
        }
        if !(self.min_duration_s.is_finite() && self.min_duration_s >= 1.0) {
            return Err(Parameter::new("min_duration_s", self.min_duration_s, "at least 1 s").into());
        }
        if !(self.max_duration_s.is_finite() && self.max_duration_s > self.min_duration_s) {
            return Err(Parameter::new("max_duration_s", self.max_duration_s, "above the shortest").into());
        }
        Ok(())
    }
}

/// The contractions in `uc` (4 Hz, NaN where missing) with the default settings.
///
/// # Errors
/// As [`contractions_with`].
pub fn contractions(uc: &[f64]) -> Result<Vec<Contraction>> {
    contractions_with(uc, &ContractionConfig::default())
}

/// The contractions in `uc`, sampled at 4 Hz, NaN where missing.
///
/// **Use it** on an external tocogram or a pressure. **Not** to compare heights: an external signal has no unit. A flat
/// signal gives none, which means "not assessable" as often as "no contractions".
///
/// # Formula
/// The 10th percentile of the 10 min around each sample is the resting tone; the rest is low-passed at 0.03 Hz (order 2,
/// zero phase). A contraction is a maximum of at least `min_height`, at least half as high as the median one, that is
/// above 15 % of its height for 30–180 s; two maxima are one unless the signal falls below half of the lower between
/// them.
///
/// # Examples
/// ```
/// let bell = |t: f64, at: f64| 40.0 * (-0.5 * ((t - at) / 18.0).powi(2)).exp();
/// let uc: Vec<f64> = (0..4800).map(|i| 10.0 + bell(f64::from(i) / 4.0, 300.0) + bell(f64::from(i) / 4.0, 700.0)).collect();
/// let found = eir_signal::ctg::contractions(&uc)?;
/// assert_eq!(found.len(), 2);
/// assert!((found[0].peak as f64 / 4.0 - 300.0).abs() < 2.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`], or [`TooShort`](eir_core::error::TooShort) if there is no sample.
///
/// # Validation
/// Planted traces of the golden set: every contraction found, both ends within 5 s.
///
/// # References
/// Ayres-de-Campos et al. 2015, doi:10.1016/j.ijgo.2015.06.020 (what counts as one).
pub fn contractions_with(uc: &[f64], config: &ContractionConfig) -> Result<Vec<Contraction>> {
    config.validate()?;
    let valid: Vec<bool> = uc.iter().map(|v| v.is_finite()).collect();
    let mut x = uc.to_vec();
    fill(&mut x, &valid)?;
    let tone = resting_tone(&x);
    let risen: Vec<f64> = x.iter().zip(&tone).map(|(v, t)| v - t).collect();
    let y = low_pass(&risen, 2, 0.03)?;
    let mut peaks: Vec<usize> = (1..y.len().saturating_sub(1))
        .filter(|i| y[*i] >= config.min_height && y[*i] > y[*i - 1] && y[*i] >= y[*i + 1])
        .collect();
    peaks.sort_by(|a, b| y[*b].total_cmp(&y[*a]));
    let mut found: Vec<Contraction> = Vec::new();
    for peak in peaks {
        if found.iter().any(|c| (c.interval.start..c.interval.end).contains(&peak)) {
            continue;
        }
        let interval = Interval { start: reach(&y, peak, true), end: reach(&y, peak, false) };
        found.push(Contraction { interval, peak, height: y[peak] });
    }
    let mut heights: Vec<f64> = found.iter().map(|c| c.height).collect();
    heights.sort_by(f64::total_cmp);
    let median = heights.get(heights.len() / 2).copied().unwrap_or_default();
    found.retain(|c| {
        let long = (config.min_duration_s..=config.max_duration_s).contains(&c.interval.duration_s());
        long && c.height >= 0.5 * median
    });
    found.sort_by_key(|c| c.peak);
    for k in 1..found.len() {
        // neighbours that run into each other meet in the valley between them
        let (before, after) = (found[k - 1], found[k]);
        if before.interval.end > after.interval.start {
            let valley =
                (before.peak..after.peak).min_by(|a, b| y[*a].total_cmp(&y[*b])).unwrap_or(after.interval.start);
            found[k - 1].interval.end = valley;
            found[k].interval.start = valley;
        }
    }
    Ok(found)
}

/// Where a contraction ends: at 15 % of its height, or in the valley before a neighbour.
fn reach(y: &[f64], peak: usize, backwards: bool) -> usize {
    let height = y[peak];
    let (mut at, mut lowest) = (peak, peak);
    loop {
        let next = if backwards { at.checked_sub(1) } else { Some(at + 1).filter(|i| *i < y.len()) };
        let Some(next) = next else { break at + usize::from(!backwards) };
        if y[next] < 0.15 * height {
            break next + usize::from(backwards);
        }
        if y[next] < y[lowest] {
            lowest = next;
        } else if y[lowest] < 0.5 * height && y[next] > 1.2 * y[lowest] {
            break lowest + usize::from(!backwards);
        }
        at = next;
    }
}

/// The 10th percentile of the 10 min around, every 20 s, straight lines between.
fn resting_tone(x: &[f64]) -> Vec<f64> {
    const STEP: usize = 80;
    const HALF: usize = 1200;
    // every 8th sample is enough for a percentile of 10 min
    let few: Vec<f64> = x.iter().step_by(8).copied().collect();
    let mut near = Vec::with_capacity(HALF / 4 + 1);
    let mut level = |at: usize| {
        near.clear();
        near.extend_from_slice(&few[(at.saturating_sub(HALF) / 8).min(few.len())..((at + HALF) / 8).min(few.len())]);
        let place = near.len() / 10;
        if near.is_empty() { 0.0 } else { *near.select_nth_unstable_by(place, f64::total_cmp).1 }
    };
    let points: Vec<f64> = (0..=x.len() / STEP + 1).map(|i| level((i * STEP).min(x.len().saturating_sub(1)))).collect();
    (0..x.len())
        .map(|i| {
            let (k, part) = (i / STEP, (i % STEP) as f64 / STEP as f64);
            points[k] + part * (points[k + 1] - points[k])
        })
        .collect()
}

/// How often the uterus contracts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContractionRate {
    /// Contractions whose height lies in each 10 min that begin at a whole minute.
    pub per_10min: Vec<u32>,
    /// The most in 10 min on average over 30 min (over the whole of a shorter trace, if that is at least 10 min).
    pub highest_per_10min: f64,
    /// Where that is.
    pub highest_at: Interval,
    /// More than five in 10 min, in two successive 10 min or on average over 30 min.
    pub tachysystole: bool,
}

/// The rate of `found` contractions in a trace of `samples` at 4 Hz. `None` below 10 min.
///
/// # References
/// Ayres-de-Campos et al. 2015, doi:10.1016/j.ijgo.2015.06.020.
#[must_use]
pub fn contraction_rate(found: &[Contraction], samples: usize) -> Option<ContractionRate> {
    const MINUTE: usize = 240;
    let ten = 10 * MINUTE;
    if samples < ten {
        return None;
    }
    let within = |start: usize, end: usize| found.iter().filter(|c| (start..end).contains(&c.peak)).count() as u32;
    let starts = |length: usize| (0..=samples - length).step_by(MINUTE);
    let per_10min: Vec<u32> = starts(ten).map(|a| within(a, a + ten)).collect();
    let long = (3 * ten).min(samples);
    let mean = |a: usize| f64::from(within(a, a + long)) * ten as f64 / long as f64;
    let (highest_per_10min, at) =
        starts(long).map(|a| (mean(a), a)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default();
    let in_a_row = per_10min.iter().zip(per_10min.iter().skip(10)).any(|(a, b)| *a > 5 && *b > 5);
    let tachysystole = in_a_row || (long == 3 * ten && highest_per_10min > 5.0);
    Some(ContractionRate {
        per_10min,
        highest_per_10min,
        highest_at: Interval { start: at, end: at + long },
        tachysystole,
    })
}

/// Whether a tocogram tells anything about contractions: in more than half of its 10 min at least half of the samples
/// are there and they are not flat.
#[must_use]
pub fn is_tocogram_usable(uc: &[f64]) -> bool {
    const WINDOW: usize = 2400;
    let tells = |part: &&[f64]| {
        let known = part.iter().filter(|v| v.is_finite());
        let (n, low, high) =
            known.fold((0usize, f64::INFINITY, f64::NEG_INFINITY), |(n, l, h), v| (n + 1, v.min(l), v.max(h)));
        2 * n >= part.len() && n > 0 && high - low > 1.0
    };
    2 * uc.chunks(WINDOW).filter(tells).count() > uc.len().div_ceil(WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bells(peaks: &[f64]) -> Vec<f64> {
        let bell = |t: f64, at: f64| 40.0 * (-0.5 * ((t - at) / 15.0).powi(2)).exp();
        (0..14_400).map(|i| 10.0 + peaks.iter().map(|p| bell(f64::from(i) / 4.0, *p)).sum::<f64>()).collect()
    }

    #[test]
    fn more_than_five_in_ten_minutes_is_tachysystole() {
        for (every, is) in [(200.0, false), (125.0, false), (95.0, true)] {
            let peaks: Vec<f64> = (1..).map(|k| every * f64::from(k)).take_while(|p| *p < 3550.0).collect();
            let found = contractions(&bells(&peaks)).unwrap();
            assert_eq!(found.len(), peaks.len());
            let rate = contraction_rate(&found, 14_400).unwrap();
            assert_eq!(rate.tachysystole, is, "every {every} s: {rate:?}");
            assert_eq!(rate.per_10min.len(), 51);
        }
        assert_eq!(contraction_rate(&[], 2399), None);
    }

    #[test]
    fn a_flat_or_lost_tocogram_tells_nothing() {
        assert!(!is_tocogram_usable(&[12.0; 5000]));
        assert!(!is_tocogram_usable(&[f64::NAN; 5000]));
        assert!(!is_tocogram_usable(&[]));
        assert!(is_tocogram_usable(&bells(&[300.0, 900.0, 1500.0, 2100.0])));
        let mut half = bells(&[300.0, 900.0, 1500.0, 2100.0, 2700.0]);
        half[7000..].fill(f64::NAN);
        assert!(!is_tocogram_usable(&half));
        assert!(contractions(&[12.0; 5000]).unwrap().is_empty());
    }
}
