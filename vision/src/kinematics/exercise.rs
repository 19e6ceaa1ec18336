//! Repetitions and range of motion from an angle over time.

use super::kalman::{KalmanConfig, KalmanScratch, KalmanSmoother, SmoothTrack};
use crate::Result;
use eir_core::error::{Mismatch, Parameter, TooShort};
use eir_core::{Estimate, SampleRate};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Share of a repetition's height at which it starts and ends.
const EDGE: f64 = 0.1;
/// Lowest values of the angle that are not looked at for the thresholds, in percent.
const PERCENTILE: f64 = 5.0;
/// A partial repetition reaches at least this share of a whole one's height.
const PARTIAL: f64 = 0.25;
/// About how long smoothed values stay alike, in seconds: what an average over a rest is worth.
const ALIKE_S: f64 = 0.3;

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
    /// Standard error of each angle; empty where it is not known.
    pub sigma_deg: Vec<f64>,
    /// The repetitions in the order of time.
    pub repetitions: Vec<Repetition>,
    /// Movements that went only part of the way, in the order of time: they are not counted.
    pub partial: Vec<Repetition>,
    /// The angle at rest.
    pub rest_deg: f64,
    /// Standard error of the rest angle; NaN where it is not known.
    pub rest_sigma_deg: f64,
    /// Mean peak of the repetitions above rest; none without a repetition.
    pub rom_deg: Option<f64>,
    /// Pictures per second.
    pub rate: SampleRate,
}

impl Exercise {
    /// The range of motion with its 95 % interval, for a report; none without a repetition or without error bars.
    #[must_use]
    pub fn rom(&self) -> Option<Estimate> {
        let value = self.rom_deg?;
        let n = self.repetitions.len();
        let sigmas = self.repetitions.iter().filter_map(|r| self.sigma_deg.get(r.peak)).filter(|s| s.is_finite());
        let (sum, known) = sigmas.fold((0.0, 0usize), |(sum, k), s| (sum + s * s, k + 1));
        if known < n || !self.rest_sigma_deg.is_finite() {
            return None;
        }
        let sigma = (sum / (n * n) as f64 + self.rest_sigma_deg.powi(2)).sqrt();
        let half = 1.959_963_984_540_054 * sigma;
        Some(Estimate::new(value, [value - half, value + half], 0.95, "jitter of the key points", n))
    }
}

/// Settings of [`ExerciseAnalysis`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ExerciseConfig {
    /// How an angle is smoothed by [`analyse`](ExerciseAnalysis::analyse).
    pub smoother: KalmanConfig,
    /// Longest gap that is filled, in seconds, 0 to 10. Default 0.5.
    pub longest_gap_s: f64,
    /// A repetition is at least this high, in degrees, 1 to 180. Default 10.
    pub min_height_deg: f64,
    /// A repetition lasts at least this long, in seconds, 0 to 60. Default 0.4.
    pub min_duration_s: f64,
    /// The angle must rise above this share of the usual height to start a repetition, 0 to 1. Default 0.65.
    pub upper: f64,
    /// The angle must fall below this share of the usual height to end it: less than `upper`. Default 0.35.
    pub lower: f64,
    /// The angle at rest where it is known, in degrees. Default: found, see [`ExerciseAnalysis`].
    pub rest_deg: Option<f64>,
    /// How long the subject rests at the beginning, in seconds, above 0. Default 0.8.
    pub rest_s: f64,
}

impl Default for ExerciseConfig {
    fn default() -> Self {
        Self {
            smoother: KalmanConfig::default(),
            longest_gap_s: 0.5,
            min_height_deg: 10.0,
            min_duration_s: 0.4,
            upper: 0.65,
            lower: 0.35,
            rest_deg: None,
            rest_s: 0.8,
        }
    }
}

impl ExerciseConfig {
    /// Sets [`smoother`](Self::smoother).
    #[must_use]
    pub fn with_smoother(self, smoother: KalmanConfig) -> Self {
        Self { smoother, ..self }
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
    pub fn validate(&self) -> Result<()> {
        self.smoother.validate()?;
        let checks = [
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
        let rate = pictures_per_second(rate_hz)?;
        self.validate()?;
        let smoother = self.smoother.clone().build()?;
        Ok(ExerciseAnalysis { config: self, rate, smoother })
    }
}

/// A rate at which movement can be seen, and at which times do not run together.
pub(super) fn pictures_per_second(rate_hz: f64) -> Result<SampleRate> {
    let rate = SampleRate::new(rate_hz)?;
    if !(0.1..=1e5).contains(&rate.hz()) {
        return Err(Parameter::new("rate_hz", rate_hz, "0.1 to 100 000 pictures a second").into());
    }
    Ok(rate)
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
/// **Use it** on a joint angle of a repeated exercise that starts at rest; for a knee,
/// [`LegAnalysis`](super::LegAnalysis) does it from key points, which is more exact. **Not** on gait (no rest), and not to
/// judge how well an exercise was done.
///
/// # Formula
/// The angle is smoothed ([`KalmanSmoother`]); gaps that are too long stay gaps. With `low` the 5th percentile and `high`
/// the median of the peaks that come near the highest one, a repetition rises above `low + upper · (high − low)` from
/// below `low + lower · (high − low)` and falls back below that. It counts if it is high and long enough; a rise that
/// stays below the upper threshold is partial. A gap within does not end it.
///
/// The rest is the mean over the time before the first repetition in which the angle stays where it was in the first
/// [`rest_s`](ExerciseConfig::rest_s); the time after the last one, and the bottoms between, count too, each with its
/// precision, as long as they agree with it within three standard errors of the difference.
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
/// Exact number of repetitions on 9 simulated sequences with jitter, dropped points and swapped legs
/// (`cargo xtask golden vision`), and on 999 of 1000 drawn scenes (5 to 30 pictures a second, up to 4 pixels of jitter and
/// 20 % of points dropped, 20° to 120°, partial repetitions): `cargo run --release --example 03_errors -p eir-vision`.
///
/// # References
/// Winter (joint angles), doi:10.1002/9780470549148.
#[derive(Debug, Clone, PartialEq)]
pub struct ExerciseAnalysis {
    config: ExerciseConfig,
    rate: SampleRate,
    smoother: KalmanSmoother,
}

impl ExerciseAnalysis {
    /// Analyses an angle in degrees, one value per picture, NaN where it is missing.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if not a single value is there.
    pub fn analyse(&self, flexion_deg: &[f64]) -> Result<Exercise> {
        let (smooth, sigma) = self.smooth(flexion_deg)?;
        self.measure(&smooth, Some(&sigma))
    }

    /// The angle with outliers removed, short gaps filled and jitter smoothed, and the standard error of each value.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if not a single value is there.
    pub fn smooth(&self, flexion_deg: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        let mut scratch = SmoothScratch::default();
        self.smooth_into(flexion_deg, &mut scratch)?;
        Ok((scratch.angle, scratch.smooth.sigma))
    }

    fn smooth_into(&self, flexion_deg: &[f64], scratch: &mut SmoothScratch) -> Result<()> {
        let SmoothScratch { times, points, kalman, smooth, angle } = scratch;
        times.clear();
        times.extend((0..flexion_deg.len()).map(|i| self.rate.seconds(i)));
        points.clear();
        points.extend(flexion_deg.iter().map(|v| [*v]));
        self.smoother.smooth_into(times, points, None, kalman, smooth)?;
        angle.clear();
        angle.extend_from_slice(smooth.position.as_flattened());
        let longest = self.rate.samples(self.config.longest_gap_s).max(1);
        let mut rest = angle.as_mut_slice();
        for run in smooth.observed.chunk_by(|a, b| a == b) {
            let (now, later) = rest.split_at_mut(run.len().min(rest.len()));
            if run.first() == Some(&false) && run.len() > longest {
                now.fill(f64::NAN);
            }
            rest = later;
        }
        Ok(())
    }

    /// The repetitions of an angle as [`analyse`](Self::analyse) finds them; allocates nothing once `scratch` has held as
    /// many values.
    pub(crate) fn repetitions_into<'a>(
        &self,
        flexion_deg: &[f64],
        scratch: &'a mut RepetitionScratch,
    ) -> Result<&'a [Repetition]> {
        let RepetitionScratch { smooth, found } = scratch;
        self.smooth_into(flexion_deg, smooth)?;
        smooth.angle.iter_mut().filter(|v| v.abs() >= 1e100).for_each(|v| *v = f64::NAN);
        let (angle, sigma) = (&smooth.angle, Some(smooth.smooth.sigma.as_slice()));
        Curve { angle, sigma, rate: self.rate, config: &self.config }.repetitions(found);
        Ok(&found.whole)
    }

    /// Measures an angle that is smooth already, with the standard error of each value where it is known.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if not a single value is there,
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another number of errors than values.
    pub fn measure(&self, flexion_deg: &[f64], sigma_deg: Option<&[f64]>) -> Result<Exercise> {
        self.measure_with(flexion_deg, sigma_deg, |_| None)
    }

    /// As [`measure`](Self::measure); `still` gives the angle and its variance over pictures in which nothing moves, where
    /// that is known better than by the smoothed angle.
    pub(crate) fn measure_with(
        &self,
        flexion_deg: &[f64],
        sigma_deg: Option<&[f64]>,
        still: impl Fn(Range<usize>) -> Option<(f64, f64)>,
    ) -> Result<Exercise> {
        if let Some(sigma) = sigma_deg {
            Mismatch::check("standard errors", flexion_deg.len(), sigma.len())?;
        }
        // an infinite angle is as good as none
        let angle: Vec<f64> = flexion_deg.iter().map(|v| if v.abs() < 1e100 { *v } else { f64::NAN }).collect();
        if !angle.iter().any(|v| v.is_finite()) {
            return Err(TooShort::new("pictures with an angle", 0, 1).into());
        }
        let curve = Curve { angle: &angle, sigma: sigma_deg, rate: self.rate, config: &self.config };
        let mut found = Found::default();
        curve.repetitions(&mut found);
        let Found { whole: repetitions, partial, .. } = found;
        let (rest_deg, rest_sigma_deg) = curve.rest(&repetitions, still);
        let count = repetitions.len() as f64;
        let mean_peak = repetitions.iter().map(|r| r.peak_deg).sum::<f64>() / count;
        let rom_deg = (count > 0.0).then_some(mean_peak - rest_deg);
        Ok(Exercise {
            flexion_deg: angle,
            sigma_deg: sigma_deg.map(<[f64]>::to_vec).unwrap_or_default(),
            repetitions,
            partial,
            rest_deg,
            rest_sigma_deg,
            rom_deg,
            rate: self.rate,
        })
    }
}

/// Memory of an analysis, kept between calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct RepetitionScratch {
    smooth: SmoothScratch,
    found: Found,
}

impl RepetitionScratch {
    /// Room for so many values.
    pub(crate) fn reserve(&mut self, values: usize) {
        let SmoothScratch { times, points, kalman, smooth, angle } = &mut self.smooth;
        times.reserve(values);
        points.reserve(values);
        kalman.reserve(values);
        smooth.reserve(values);
        angle.reserve(values);
        let Found { whole, partial, rises, values: sorted } = &mut self.found;
        whole.reserve(values / 2);
        partial.reserve(values / 2);
        rises.reserve(values / 2 + 1);
        sorted.reserve(values);
    }
}

#[derive(Debug, Clone, Default)]
struct SmoothScratch {
    times: Vec<f64>,
    points: Vec<[f64; 1]>,
    kalman: KalmanScratch<1>,
    smooth: SmoothTrack<1>,
    angle: Vec<f64>,
}

/// Whole and partial repetitions, and what was needed to find them.
#[derive(Debug, Clone, Default)]
struct Found {
    whole: Vec<Repetition>,
    partial: Vec<Repetition>,
    rises: Vec<Rise>,
    values: Vec<f64>,
}

/// A smooth angle and what it is judged by.
#[derive(Debug, Clone, Copy)]
struct Curve<'a> {
    angle: &'a [f64],
    sigma: Option<&'a [f64]>,
    rate: SampleRate,
    config: &'a ExerciseConfig,
}

/// A stretch above the lower threshold.
#[derive(Debug, Clone, Copy)]
struct Rise {
    /// Whether the angle was seen below the threshold before and after.
    closed: bool,
    peak: usize,
    peak_deg: f64,
    /// Lowest angle before and after.
    before_deg: f64,
    after_deg: f64,
    /// Last picture before and first picture after that are below the threshold.
    from: usize,
    to: usize,
}

impl Curve<'_> {
    fn sigma_at(&self, i: usize) -> f64 {
        self.sigma.and_then(|s| s.get(i)).copied().filter(|s| s.is_finite()).unwrap_or(0.0)
    }

    /// Whole and partial repetitions.
    fn repetitions(&self, found: &mut Found) {
        let Found { whole, partial, rises, values } = found;
        whole.clear();
        partial.clear();
        let top = self.angle.iter().copied().filter(|v| v.is_finite()).fold(f64::MIN, f64::max);
        let Some(low) = percentile_with(self.angle.iter().copied(), PERCENTILE, values) else { return };
        let usual_sigma = percentile_with(self.sigma.unwrap_or_default().iter().copied(), 50.0, values).unwrap_or(0.0);
        let least = self.config.min_height_deg.max(4.0 * usual_sigma);
        if top - low < least {
            return;
        }
        let at = |share: f64, high: f64| low + share * (high - low);
        // the usual height: the median of the peaks that come near the highest one
        self.rises(at(self.config.lower, top), 0.3 * (top - low), rises);
        let near = rises.iter().map(|r| r.peak_deg).filter(|p| *p > at(self.config.upper, top));
        let high = percentile_with(near, 50.0, values).unwrap_or(top);
        let (lower, upper) = (at(self.config.lower, high), at(self.config.upper, high));
        self.rises(lower, (0.3 * (high - low)).max(3.0 * usual_sigma), rises);
        for rise in rises.iter().filter(|r| r.closed) {
            let height = rise.peak_deg - rise.before_deg.max(rise.after_deg);
            let repetition = self.measured(rise);
            let lasts = self.rate.seconds(repetition.end - repetition.start) >= self.config.min_duration_s;
            if rise.peak_deg > upper && height >= least && lasts {
                whole.push(repetition);
            } else if height >= (0.5 * least).max(0.15 * (high - low)) && lasts {
                partial.push(repetition);
            }
        }
        // lower ones still
        self.rises(at(0.4 * PARTIAL, high), (0.15 * (high - low)).max(3.0 * usual_sigma), rises);
        for rise in rises.iter().filter(|r| r.closed && r.peak_deg > at(PARTIAL, high) && r.peak_deg <= lower) {
            let repetition = self.measured(rise);
            let lasts = self.rate.seconds(repetition.end - repetition.start) >= self.config.min_duration_s;
            if rise.peak_deg - rise.before_deg.max(rise.after_deg) >= 0.5 * least && lasts {
                partial.push(repetition);
            }
        }
        partial.sort_unstable_by_key(|r| (r.peak, r.start, r.end));
    }

    /// Stretches above `lower`; two between which the angle falls by less than `depth` are one.
    fn rises(&self, lower: f64, depth: f64, rises: &mut Vec<Rise>) {
        rises.clear();
        let (mut last_below, mut bottom) = (None, f64::MAX);
        let mut open: Option<Rise> = None;
        for (i, &value) in self.angle.iter().enumerate().filter(|(_, v)| v.is_finite()) {
            if value > lower {
                let rise = open.get_or_insert(Rise {
                    closed: last_below.is_some(),
                    peak: i,
                    peak_deg: value,
                    before_deg: bottom,
                    after_deg: f64::MAX,
                    from: last_below.unwrap_or(0),
                    to: self.angle.len() - 1,
                });
                if value > rise.peak_deg {
                    (rise.peak, rise.peak_deg) = (i, value);
                }
                continue;
            }
            last_below = Some(i);
            if let Some(rise) = open.take() {
                bottom = value;
                rises.push(Rise { to: i, after_deg: value, ..rise });
            } else {
                bottom = bottom.min(value);
            }
            if let Some(last) = rises.last_mut() {
                last.after_deg = bottom;
            }
        }
        rises.extend(open.map(|rise| Rise { closed: false, ..rise }));
        rises.dedup_by(|rise, last| {
            if rise.before_deg <= last.peak_deg.min(rise.peak_deg) - depth {
                return false;
            }
            let higher = if rise.peak_deg > last.peak_deg { *rise } else { *last };
            *last = Rise {
                peak: higher.peak,
                peak_deg: higher.peak_deg,
                closed: last.closed && rise.closed,
                after_deg: rise.after_deg,
                to: rise.to,
                ..*last
            };
            true
        });
        for rise in rises {
            rise.peak_deg = vertex(self.angle, rise.peak).unwrap_or(rise.peak_deg);
        }
    }

    /// The repetition of a rise: from a tenth of its height to a tenth.
    fn measured(&self, rise: &Rise) -> Repetition {
        let edge = |low: f64| low + EDGE * (rise.peak_deg - low);
        let below = |low: f64| move |i: &usize| self.angle.get(*i).is_some_and(|v| *v <= edge(low));
        let start = (0..=rise.peak).rev().find(below(rise.before_deg)).unwrap_or(rise.from);
        let end = (rise.peak..self.angle.len()).find(below(rise.after_deg)).unwrap_or(rise.to);
        let low_deg = rise.before_deg.min(rise.after_deg);
        Repetition { start, peak: rise.peak, end, peak_deg: rise.peak_deg, low_deg }
    }

    /// The angle at rest and its standard error.
    fn rest(&self, repetitions: &[Repetition], still: impl Fn(Range<usize>) -> Option<(f64, f64)>) -> (f64, f64) {
        if let Some(declared) = self.config.rest_deg {
            return (declared, 0.0);
        }
        let beginning = self.rate.samples(self.config.rest_s).clamp(1, self.angle.len());
        let Some(first) = median(self.angle.iter().copied().take(beginning)) else {
            let low = percentile(self.angle, PERCENTILE).unwrap_or(f64::NAN);
            return (low, f64::NAN);
        };
        let n = self.angle.len();
        let before = repetitions.first().map_or(n, |r| r.start);
        let quiet = |range: &mut dyn Iterator<Item = usize>| {
            let near = |i: &usize| {
                self.angle.get(*i).is_none_or(|v| v.is_nan() || (v - first).abs() <= (3.0 * self.sigma_at(*i)).max(1.0))
            };
            range.take_while(near).count()
        };
        let mean = |range: Range<usize>| still(range.clone()).or_else(|| self.mean(range));
        // up to where the first movement begins
        let falls = |i: usize, j: usize| self.angle.get(i).zip(self.angle.get(j)).is_some_and(|(a, b)| a < b);
        let onset = repetitions
            .first()
            .map_or(n, |r| (1..=r.start).rev().take_while(|i| falls(i - 1, *i)).last().unwrap_or(r.start + 1) - 1);
        let lead = quiet(&mut (0..before)).min(onset).max(beginning.min(before)).max(1);
        let Some((mut rest, mut variance)) = mean(0..lead) else { return (first, f64::NAN) };
        if let Some(last) = repetitions.last() {
            let settled = (last.end..n - 1).take_while(|i| falls(*i + 1, *i)).last().map_or(last.end, |i| i + 1);
            let trail = quiet(&mut (last.end..n).rev()).min(n - settled);
            let after = if trail >= beginning / 2 { mean(n - trail..n) } else { None };
            let bottoms = repetitions.windows(2).filter_map(|w| self.bottom(w[0].peak, w[1].peak));
            let (mut sum, mut errors, mut count) = (0.0, 0.0, 0.0);
            for (value, sigma) in bottoms {
                (sum, errors, count) = (sum + value, errors + sigma * sigma, count + 1.0);
            }
            let between = (count > 0.0).then(|| (sum / count, errors / (count * count)));
            for (value, error) in after.into_iter().chain(between) {
                if self.sigma.is_none() || error <= 0.0 || variance <= 0.0 {
                    continue; // without jitter the beginning says it all
                }
                if (value - rest).abs() <= 3.0 * (error + variance).sqrt() {
                    let weight = variance / (variance + error);
                    rest += weight * (value - rest);
                    variance *= 1.0 - weight;
                }
            }
        }
        (rest, if self.sigma.is_some() { variance.sqrt() } else { f64::NAN })
    }

    /// The mean angle of a quiet stretch and its variance.
    fn mean(&self, range: Range<usize>) -> Option<(f64, f64)> {
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
        for i in range {
            if let Some(v) = self.angle.get(i).filter(|v| v.is_finite()) {
                (sum, squares, count) = (sum + v, squares + self.sigma_at(i).powi(2), count + 1.0);
            }
        }
        let alike = (ALIKE_S * self.rate.hz()).max(1.0);
        (count > 0.0).then(|| (sum / count, squares / count * (alike / count).min(1.0)))
    }

    /// The lowest angle between two pictures and its standard error.
    fn bottom(&self, from: usize, to: usize) -> Option<(f64, f64)> {
        let lowest = (from..to).filter(|i| self.angle.get(*i).is_some_and(|v| v.is_finite()));
        let i = lowest
            .min_by(|a, b| self.angle.get(*a).partial_cmp(&self.angle.get(*b)).unwrap_or(std::cmp::Ordering::Equal))?;
        let turned: Vec<f64> =
            (i.saturating_sub(1)..=i + 1).map(|k| -self.angle.get(k).copied().unwrap_or(f64::NAN)).collect();
        let value = vertex(&turned, i.min(1)).map(|v| -v)?;
        Some((value, self.sigma_at(i)))
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
    percentile_with(values, 50.0, &mut Vec::new())
}

fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    percentile_with(values.iter().copied(), percent, &mut Vec::new())
}

/// The percentile with linear interpolation, of the values that are there.
fn percentile_with(values: impl Iterator<Item = f64>, percent: f64, there: &mut Vec<f64>) -> Option<f64> {
    there.clear();
    there.extend(values.filter(|v| v.is_finite()));
    let place = percent / 100.0 * there.len().checked_sub(1)? as f64;
    let (_, lower, above) = there.select_nth_unstable_by(place.floor() as usize, f64::total_cmp);
    let next = above.iter().copied().fold(f64::INFINITY, f64::min);
    let share = place.fract();
    Some(if share > 0.0 && next.is_finite() { *lower + share * (next - *lower) } else { *lower })
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
        assert!(ExerciseConfig::default().with_rest_s(0.0).build(30.0).is_err());
        assert!(analyse(&[1.0], 30.0).unwrap().repetitions.is_empty());
    }
}
