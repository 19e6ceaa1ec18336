//! Repetitions and range of motion from an angle over time.

use super::smoothing::{ButterworthConfig, ZeroPhaseLowPass, fill_gaps, median_filter};
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};
use eir_core::metrics::sorted_quantile;
use serde::{Deserialize, Serialize};

/// Share of a repetition's height at which it starts and ends.
const EDGE: f64 = 0.1;
/// Outermost values of the angle that are not looked at for the thresholds, in percent at each end.
const PERCENTILE: f64 = 5.0;

/// One bending and stretching.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Repetition {
    /// Picture at which the angle has risen by a tenth of the repetition's height.
    pub start: usize,
    /// Picture of the largest angle.
    pub peak: usize,
    /// Picture at which the angle has fallen to a tenth again.
    pub end: usize,
    /// The largest angle, at the vertex of the parabola through the three values about it.
    pub peak_deg: f64,
    /// The smallest angle of the two pauses about it.
    pub low_deg: f64,
}

/// What an exercise was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Exercise {
    /// The smoothed angle, one value per picture; NaN in gaps that were too long to fill.
    pub flexion_deg: Vec<f64>,
    /// The repetitions in the order of time.
    pub repetitions: Vec<Repetition>,
    /// The angle at rest.
    pub rest_deg: f64,
    /// Mean peak of the repetitions above rest; none without a repetition.
    pub rom_deg: Option<f64>,
    /// Pictures per second.
    pub rate: SampleRate,
}

/// Settings of [`ExerciseAnalysis`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ExerciseConfig {
    /// The low-pass. Default order 2, 4 Hz, forwards and backwards.
    pub smoothing: ButterworthConfig,
    /// Values under the median that removes single wrong ones: odd, 1 (none) to 101. Default 5.
    pub median: usize,
    /// Longest gap that is filled, in seconds, 0 to 10. Default 0.25.
    pub longest_gap_s: f64,
    /// A repetition is at least this high, in degrees, 1 to 180. Default 15.
    pub min_height_deg: f64,
    /// A repetition lasts at least this long, in seconds, 0 to 60. Default 0.4.
    pub min_duration_s: f64,
    /// The angle must rise above this share of its range to start a repetition, 0 to 1. Default 0.65.
    pub upper: f64,
    /// The angle must fall below this share of its range to end it: less than `upper`. Default 0.35.
    pub lower: f64,
    /// The angle at rest where it is known, in degrees. Default: the median of the first [`rest_s`](Self::rest_s).
    pub rest_deg: Option<f64>,
    /// How long the subject rests at the beginning, in seconds, above 0. Default 0.8.
    pub rest_s: f64,
}

impl Default for ExerciseConfig {
    fn default() -> Self {
        Self {
            smoothing: ButterworthConfig::default(),
            median: 5,
            longest_gap_s: 0.25,
            min_height_deg: 15.0,
            min_duration_s: 0.4,
            upper: 0.65,
            lower: 0.35,
            rest_deg: None,
            rest_s: 0.8,
        }
    }
}

impl ExerciseConfig {
    /// Sets [`smoothing`](Self::smoothing).
    #[must_use]
    pub fn with_smoothing(self, smoothing: ButterworthConfig) -> Self {
        Self { smoothing, ..self }
    }

    /// Sets [`median`](Self::median).
    #[must_use]
    pub fn with_median(self, median: usize) -> Self {
        Self { median, ..self }
    }

    /// Sets [`longest_gap_s`](Self::longest_gap_s).
    #[must_use]
    pub fn with_longest_gap_s(self, longest_gap_s: f64) -> Self {
        Self { longest_gap_s, ..self }
    }

    /// Sets [`min_height_deg`](Self::min_height_deg).
    #[must_use]
    pub fn with_min_height_deg(self, min_height_deg: f64) -> Self {
        Self { min_height_deg, ..self }
    }

    /// Sets [`min_duration_s`](Self::min_duration_s).
    #[must_use]
    pub fn with_min_duration_s(self, min_duration_s: f64) -> Self {
        Self { min_duration_s, ..self }
    }

    /// Sets [`lower`](Self::lower) and [`upper`](Self::upper).
    #[must_use]
    pub fn with_thresholds(self, lower: f64, upper: f64) -> Self {
        Self { lower, upper, ..self }
    }

    /// Declares [`rest_deg`](Self::rest_deg).
    #[must_use]
    pub fn with_rest_deg(self, rest_deg: f64) -> Self {
        Self { rest_deg: Some(rest_deg), ..self }
    }

    /// Sets [`rest_s`](Self::rest_s).
    #[must_use]
    pub fn with_rest_s(self, rest_s: f64) -> Self {
        Self { rest_s, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self, rate: SampleRate) -> Result<()> {
        self.smoothing.validate(rate)?;
        let checks = [
            ("median", self.median as f64, !self.median.is_multiple_of(2) && self.median <= 101, "odd, 1 to 101"),
            ("longest_gap_s", self.longest_gap_s, (0.0..=10.0).contains(&self.longest_gap_s), "0 to 10 s"),
            ("min_height_deg", self.min_height_deg, (1.0..=180.0).contains(&self.min_height_deg), "1 to 180 degrees"),
            ("min_duration_s", self.min_duration_s, (0.0..=60.0).contains(&self.min_duration_s), "0 to 60 s"),
            ("upper", self.upper, (0.0..=1.0).contains(&self.upper), "0 to 1"),
            ("lower", self.lower, self.lower >= 0.0 && self.lower < self.upper, "0 or more and less than upper"),
            ("rest_deg", self.rest_deg.unwrap_or(0.0), self.rest_deg.is_none_or(f64::is_finite), "finite"),
            ("rest_s", self.rest_s, self.rest_s > 0.0 && self.rest_s <= 600.0, "above 0 and at most 600 s"),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, rule)) => Err(Parameter::new(name, value, rule).into()),
            None => Ok(()),
        }
    }

    /// Prepares the analysis of recordings with `rate_hz` pictures a second.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Error::Parameter`](crate::Error::Parameter) for a rate that is none.
    pub fn build(self, rate_hz: f64) -> Result<ExerciseAnalysis> {
        let rate = SampleRate::new(rate_hz)?;
        self.validate(rate)?;
        let filter = self.smoothing.build(rate)?;
        Ok(ExerciseAnalysis { config: self, rate, filter })
    }
}

/// Repetitions and range of motion with the default settings.
///
/// # Errors
/// As [`ExerciseConfig::build`] and [`ExerciseAnalysis::analyse`].
pub fn analyse(flexion_deg: &[f64], rate_hz: f64) -> Result<Exercise> {
    ExerciseConfig::default().build(rate_hz)?.analyse(flexion_deg)
}

/// Counts repetitions of an exercise and measures them.
///
/// **Use it** on a joint angle of a repeated exercise that starts at rest. **Not** on gait (no rest), and not to judge
/// how well an exercise was done.
///
/// # Formula
/// Short gaps are filled by lines; median; low-pass forwards and backwards, each stretch between long gaps for itself.
/// With `low` and `high` the 5th and 95th percentile (the largest value instead, where repetitions are too rare to reach
/// the 95th), a repetition begins above `low + upper · (high − low)` and ends below `low + lower · (high − low)`. It
/// counts if it is high and long enough. A gap within does not end it. Peaks of an angle with jitter are too high: that
/// is why they are read after smoothing.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::analyse;
/// // rest at 5 degrees, then two squats of 2 s to 95 degrees with a second between
/// let squat = |t: f64| if (0.0..2.0).contains(&t) { 45.0 * (1.0 - (t * std::f64::consts::PI).cos()) } else { 0.0 };
/// let angle: Vec<f64> = (0..210).map(|i| f64::from(i) / 30.0).map(|t| 5.0 + squat(t - 1.0) + squat(t - 4.0)).collect();
/// let exercise = analyse(&angle, 30.0)?;
/// assert_eq!(exercise.repetitions.len(), 2);
/// assert!((exercise.rom_deg.unwrap() - 90.0).abs() < 0.5);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Exact number of repetitions on 9 simulated sequences with jitter, dropped points and swapped legs; range of motion
/// within 0.1° on the clean ones (`cargo xtask golden vision`).
///
/// # References
/// Winter (smoothing), doi:10.1002/9780470549148.
#[derive(Debug, Clone, PartialEq)]
pub struct ExerciseAnalysis {
    config: ExerciseConfig,
    rate: SampleRate,
    filter: ZeroPhaseLowPass,
}

impl ExerciseAnalysis {
    /// Analyses an angle in degrees, one value per picture, NaN where it is missing.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if not a single value is there.
    pub fn analyse(&self, flexion_deg: &[f64]) -> Result<Exercise> {
        let smooth = self.smooth(flexion_deg)?;
        let rest_deg = match self.config.rest_deg {
            Some(declared) => declared,
            None => median(smooth.iter().copied().take(self.rate.samples(self.config.rest_s).max(1)))
                .or_else(|| median(smooth.iter().copied().take(1)))
                .or_else(|| percentile(&smooth, PERCENTILE))
                .unwrap_or(f64::NAN),
        };
        let repetitions = self.repetitions(&smooth);
        let count = repetitions.len() as f64;
        let mean_peak = repetitions.iter().map(|r| r.peak_deg).sum::<f64>() / count;
        let rom_deg = (count > 0.0).then_some(mean_peak - rest_deg);
        Ok(Exercise { flexion_deg: smooth, repetitions, rest_deg, rom_deg, rate: self.rate })
    }

    /// The angle with short gaps filled, outliers removed and jitter smoothed.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if not a single value is there.
    pub fn smooth(&self, flexion_deg: &[f64]) -> Result<Vec<f64>> {
        if !flexion_deg.iter().any(|v| v.is_finite()) {
            return Err(TooShort::new("pictures with an angle", 0, 1).into());
        }
        let mut filled = fill_gaps(flexion_deg, self.rate.samples(self.config.longest_gap_s));
        let (mut calm, mut scratch) = (Vec::new(), Vec::new());
        for piece in filled.split_mut(|v| !v.is_finite()).filter(|p| !p.is_empty()) {
            let steady = median_filter(piece, self.config.median)?;
            self.filter.filter_into(&steady, &mut calm, &mut scratch)?;
            piece.copy_from_slice(&calm);
        }
        // an infinite angle is as good as none
        filled.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = f64::NAN);
        Ok(filled)
    }

    fn repetitions(&self, angle: &[f64]) -> Vec<Repetition> {
        let (Some(low), Some(mut high)) = (percentile(angle, PERCENTILE), percentile(angle, 100.0 - PERCENTILE)) else {
            return Vec::new();
        };
        if high - low < self.config.min_height_deg {
            high = percentile(angle, 100.0).unwrap_or(high);
        }
        let height = high - low;
        if height < self.config.min_height_deg {
            return Vec::new();
        }
        let (upper, lower) = (low + self.config.upper * height, low + self.config.lower * height);
        let mut found = Vec::new();
        let mut previous_end = 0;
        let mut peak: Option<usize> = None; // of the repetition that is going on
        for (i, &value) in angle.iter().enumerate() {
            match peak {
                None if value > upper => peak = Some(i),
                Some(p) if angle.get(p).is_some_and(|best| value > *best) => peak = Some(i),
                Some(p) if value < lower => {
                    found.extend(self.measured(angle, previous_end, p, lower));
                    (peak, previous_end) = (None, i);
                }
                _ => {}
            }
        }
        found
    }

    /// The repetition about the peak `p`, if it is high and long enough; `from` is where the one before ended.
    fn measured(&self, angle: &[f64], from: usize, p: usize, lower: f64) -> Option<Repetition> {
        let peak_deg = vertex(angle, p)?;
        // down to the bottom of the pause on either side, or to the recording's ends
        let bottom = |range: &mut dyn Iterator<Item = usize>| {
            let mut best: Option<(usize, f64)> = None;
            for i in range {
                let Some(value) = angle.get(i).filter(|v| v.is_finite()) else { continue };
                if best.is_none_or(|(_, b)| *value < b) {
                    best = Some((i, *value));
                } else if best.is_some_and(|(_, b)| b < lower) && *value > lower {
                    break; // the next one rises
                }
            }
            best
        };
        let before = bottom(&mut (from..=p).rev())?.1;
        let after = bottom(&mut (p..angle.len()))?.1;
        let edge = |low: f64| low + EDGE * (peak_deg - low);
        let below = |low: f64| move |i: &usize| angle.get(*i).is_some_and(|v| *v <= edge(low));
        let start = (from..=p).rev().find(below(before)).unwrap_or(from);
        let end = (p..angle.len()).find(below(after)).unwrap_or(angle.len() - 1);
        let low_deg = before.min(after);
        let long_enough = self.rate.seconds(end - start) >= self.config.min_duration_s;
        let high_enough = peak_deg - before.max(after) >= self.config.min_height_deg;
        (long_enough && high_enough).then_some(Repetition { start, peak: p, end, peak_deg, low_deg })
    }
}

/// The largest value of the parabola through the values about `p`.
fn vertex(y: &[f64], p: usize) -> Option<f64> {
    let top = *y.get(p)?;
    let around = p.checked_sub(1).and_then(|i| y.get(i)).zip(y.get(p + 1));
    let Some((a, b)) = around.filter(|(a, b)| a.is_finite() && b.is_finite()) else { return Some(top) };
    let bend = a - 2.0 * top + b;
    if bend < 0.0 { Some(top - (b - a).powi(2) / (8.0 * bend)) } else { Some(top) }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    percentile(&values, 50.0)
}

/// The percentile with linear interpolation, of the values that are there.
fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted_quantile(&sorted, percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use eir_core::random::Generator;

    /// `count` squats of 2 s to `peak` with pauses of 1 s.
    fn squats(count: usize, peak: f64, rate: f64) -> Vec<f64> {
        let n = ((1.0 + 3.0 * count as f64) * rate) as usize;
        let at = |t: f64| {
            let u = (t - 1.0).rem_euclid(3.0);
            if t >= 1.0 && u < 2.0 { 3.0 + (peak - 3.0) * 0.5 * (1.0 - (u * std::f64::consts::PI).cos()) } else { 3.0 }
        };
        (0..n).map(|i| at(i as f64 / rate)).collect()
    }

    #[test]
    fn counts_under_jitter_gaps_and_at_every_rate() {
        for (rate, count, peak) in [(30.0, 5, 95.0), (15.0, 3, 40.0), (60.0, 8, 120.0), (30.0, 1, 60.0)] {
            for jitter in [0.0, 2.0] {
                let mut stream = Generator::new(1, "test").stream(count as u64);
                let mut angle = squats(count, peak, rate);
                angle.iter_mut().for_each(|v| *v += jitter * stream.normal());
                let n = angle.len();
                (0..n / 10).for_each(|_| angle[stream.below(n)] = f64::NAN);
                let found = analyse(&angle, rate).unwrap();
                assert_eq!(found.repetitions.len(), count, "{rate} {count} {peak} {jitter}");
                let error = found.rom_deg.unwrap() - (peak - 3.0);
                assert!(error.abs() < 3.0, "{rate} {peak} {jitter}: {error}");
            }
        }
    }

    #[test]
    fn times_are_where_the_angle_is_a_tenth_up() {
        let found = analyse(&squats(3, 95.0, 30.0), 30.0).unwrap();
        let first = found.repetitions[0];
        // 1 s rest, peak 1 s later; a raised cosine is at a tenth after 0.205 s
        assert_eq!(first.peak, 60);
        assert!(first.start.abs_diff(36) <= 1 && first.end.abs_diff(84) <= 1, "{first:?}");
        assert!(found.repetitions.windows(2).all(|w| w[0].end < w[1].start));
    }

    #[test]
    fn standing_is_no_repetition() {
        let mut stream = Generator::new(2, "test").stream(0);
        let noise: Vec<f64> = (0..1800).map(|_| 4.0 + 2.0 * stream.normal()).collect();
        let found = analyse(&noise, 30.0).unwrap();
        assert!(found.repetitions.is_empty() && found.rom_deg.is_none());
    }

    #[test]
    fn rare_repetitions_are_found_too() {
        let mut angle = vec![3.0; 1800];
        angle.extend(&squats(1, 60.0, 30.0));
        assert_eq!(analyse(&angle, 30.0).unwrap().repetitions.len(), 1);
    }

    #[test]
    fn long_gaps_stay_gaps() {
        let mut angle = squats(2, 95.0, 30.0);
        angle[5..25].fill(f64::NAN);
        let found = analyse(&angle, 30.0).unwrap();
        assert!(found.flexion_deg[10].is_nan() && found.flexion_deg[4].is_finite());
        assert_eq!(found.repetitions.len(), 2);
    }

    #[test]
    fn settings_and_input_are_checked() {
        assert!(matches!(analyse(&[], 30.0), Err(Error::TooShort(_))));
        assert!(matches!(analyse(&[f64::NAN; 9], 30.0), Err(Error::TooShort(_))));
        assert!(matches!(analyse(&[1.0], 0.0), Err(Error::Parameter(_))));
        assert!(ExerciseConfig::default().with_thresholds(0.7, 0.6).build(30.0).is_err());
        assert!(ExerciseConfig::default().with_median(2).build(30.0).is_err());
        assert!(analyse(&[1.0], 30.0).unwrap().repetitions.is_empty());
    }
}
