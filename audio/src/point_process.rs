//! The moments at which the vocal folds close: one point per period.

use crate::interpolate::parabola;
use crate::{Pitch, Result};
use eir_core::SampleRate;
use eir_core::error::NotFinite;
use serde::{Deserialize, Serialize};

/// One point per glottal period, in seconds, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PointProcess {
    /// The points in seconds.
    pub points_s: Vec<f64>,
}

/// Which stretches between two points count as periods; the defaults are Praat's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PeriodRule {
    /// Shortest period in seconds, above 0. Default 0.0001.
    pub shortest_s: f64,
    /// Longest period in seconds. Default 0.02.
    pub longest_s: f64,
    /// How much longer one of two neighbouring periods may be, at least 1. Default 1.3.
    pub most_factor: f64,
    /// How much larger one of two neighbouring amplitudes may be, at least 1. Default 1.6.
    pub most_amplitude_factor: f64,
}

impl Default for PeriodRule {
    fn default() -> Self {
        Self { shortest_s: 1e-4, longest_s: 0.02, most_factor: 1.3, most_amplitude_factor: 1.6 }
    }
}

impl PeriodRule {
    /// Sets [`shortest_s`](Self::shortest_s).
    #[must_use]
    pub fn with_shortest_s(self, shortest_s: f64) -> Self {
        Self { shortest_s, ..self }
    }
    /// Sets [`longest_s`](Self::longest_s).
    #[must_use]
    pub fn with_longest_s(self, longest_s: f64) -> Self {
        Self { longest_s, ..self }
    }
    /// Sets [`most_factor`](Self::most_factor).
    #[must_use]
    pub fn with_most_factor(self, most_factor: f64) -> Self {
        Self { most_factor, ..self }
    }
    /// Sets [`most_amplitude_factor`](Self::most_amplitude_factor).
    #[must_use]
    pub fn with_most_amplitude_factor(self, most_amplitude_factor: f64) -> Self {
        Self { most_amplitude_factor, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        use eir_core::error::Parameter;
        if !(self.shortest_s.is_finite() && self.shortest_s > 0.0) {
            return Err(Parameter::new("shortest_s", self.shortest_s, "a time above 0 s").into());
        }
        if !(self.longest_s.is_finite() && self.longest_s > self.shortest_s) {
            return Err(Parameter::new("longest_s", self.longest_s, "a time above shortest_s").into());
        }
        for (name, value) in [("most_factor", self.most_factor), ("most_amplitude_factor", self.most_amplitude_factor)]
        {
            if !(value.is_finite() && value >= 1.0) {
                return Err(Parameter::new(name, value, "a factor of at least 1").into());
            }
        }
        Ok(())
    }

    /// Whether a stretch is long and short enough.
    pub(crate) fn fits(&self, period_s: f64) -> bool {
        (self.shortest_s..=self.longest_s).contains(&period_s)
    }

    /// Whether two neighbouring periods are alike.
    pub(crate) fn alike(&self, a: f64, b: f64) -> bool {
        a.max(b) <= self.most_factor * a.min(b)
    }
}

impl PointProcess {
    /// Marks the periods of a sound whose pitch contour is known.
    ///
    /// From the middle of each voiced stretch, where the sound is largest, it steps to both sides by one period at a time,
    /// to where the sound correlates best with what it just was, between 0.8 and 1.25 periods away.
    ///
    /// **Use it** before [`Jitter`](crate::Jitter) and [`Shimmer`](crate::Shimmer). **Not** on a contour whose octave
    /// is wrong: it follows the contour.
    ///
    /// # Examples
    /// ```
    /// use eir_audio::{PointProcess, SampleRate, pitch};
    /// let rate = SampleRate::new(16_000.0)?;
    /// let tone: Vec<f32> = (0..16_000).map(|i| (std::f32::consts::TAU * 100.0 * i as f32 / 16_000.0).sin()).collect();
    /// let points = PointProcess::of(&tone, rate, &pitch(&tone, rate)?)?;
    /// assert!((points.points_s[5] - points.points_s[4] - 0.01).abs() < 1e-6);
    /// # Ok::<(), eir_audio::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    ///
    /// # Validation
    /// Equals Praat 6.1.38 `To PointProcess (cc)`: the number of points on every reference record, their times within
    /// 1e-6 s where the reference has them.
    ///
    /// # References
    /// Boersma, Weenink: Praat, manual page "Sound & Pitch: To PointProcess (cc)".
    pub fn of(samples: &[f32], rate: SampleRate, pitch: &Pitch) -> Result<Self> {
        let mut process = Self::default();
        process.mark(samples, rate, pitch)?;
        Ok(process)
    }

    /// As [`of`](Self::of), into points that are there already: their place in memory is used again.
    ///
    /// # Errors
    /// As `of`.
    pub fn mark(&mut self, samples: &[f32], rate: SampleRate, pitch: &Pitch) -> Result<()> {
        NotFinite::check_f32("sample", samples)?;
        self.points_s.clear();
        let sound = Sound { x: samples, dx: 1.0 / rate.hz() };
        let loudest = samples.iter().fold(0.0f32, |a, s| a.max(s.abs()));
        let loudest = f64::from(loudest);
        let mut last_right = f64::NEG_INFINITY;
        for (from_s, to_s) in pitch.voiced_intervals_s() {
            let middle = 0.5 * (from_s + to_s);
            let f0 = pitch.at_s(middle);
            if !f0.is_finite() {
                continue;
            }
            let start = sound.extremum(middle - 0.5 / f0, middle + 0.5 / f0);
            self.points_s.push(start);
            let most = 2 * (((to_s - from_s) / (0.8 / f0).max(sound.dx)) as usize + samples.len());
            let mut at = start;
            for _ in 0..most {
                let f0 = pitch.at_s(at);
                if !f0.is_finite() {
                    break;
                }
                let found = sound.most_alike(at, 1.0 / f0, at - 1.25 / f0, at - 0.8 / f0);
                at = found.map_or(at - 1.0 / f0, |m| m.time_s);
                let (r, peak) = found.map_or((-1.0, 0.0), |m| (m.correlation, m.peak));
                let new = at - last_right > 0.8 / f0;
                if at < from_s {
                    if r > 0.7 && peak > 0.023333 * loudest && new {
                        self.points_s.push(at);
                    }
                    break;
                }
                if r > 0.3 && (peak == 0.0 || peak > 0.01 * loudest) && new {
                    self.points_s.push(at);
                }
            }
            at = start;
            for _ in 0..most {
                let f0 = pitch.at_s(at);
                if !f0.is_finite() {
                    break;
                }
                let found = sound.most_alike(at, 1.0 / f0, at + 0.8 / f0, at + 1.25 / f0);
                at = found.map_or(at + 1.0 / f0, |m| m.time_s);
                let (r, peak) = found.map_or((-1.0, 0.0), |m| (m.correlation, m.peak));
                if at >= to_s {
                    if r > 0.7 && peak > 0.023333 * loudest {
                        self.points_s.push(at);
                        last_right = at;
                    }
                    break;
                }
                if r > 0.3 && (peak == 0.0 || peak > 0.01 * loudest) {
                    self.points_s.push(at);
                    last_right = at;
                }
            }
        }
        self.points_s.sort_by(f64::total_cmp);
        self.points_s.dedup();
        Ok(())
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points_s.len()
    }

    /// Whether there is no point.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points_s.is_empty()
    }

    /// The stretches between neighbouring points in seconds.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = f64> + '_ {
        self.points_s.windows(2).map(|w| w[1] - w[0])
    }

    /// The stretches that are periods: of a fitting length, and at the end of the points or like at least one neighbour.
    fn periods<'a>(&'a self, rule: &'a PeriodRule) -> impl Iterator<Item = f64> + 'a {
        let stretch = |i: usize| Some(self.points_s.get(i + 1)? - self.points_s.get(i)?);
        (0..self.len().saturating_sub(1)).filter_map(move |i| {
            let own = stretch(i).filter(|p| rule.fits(*p))?;
            let neighbours = [i.checked_sub(1).and_then(stretch), stretch(i + 1)];
            neighbours.iter().any(|n| n.is_none_or(|n| rule.alike(own, n))).then_some(own)
        })
    }

    /// The mean period in seconds; NaN without a period.
    #[must_use]
    pub fn mean_period_s(&self, rule: &PeriodRule) -> f64 {
        self.periods(rule).sum::<f64>() / self.periods(rule).count() as f64
    }

    /// The standard deviation of the periods in seconds (divided by n − 1); NaN with fewer than two.
    #[must_use]
    pub fn sd_period_s(&self, rule: &PeriodRule) -> f64 {
        let (mean, n) = (self.mean_period_s(rule), self.periods(rule).count() as f64);
        let squares: f64 = self.periods(rule).map(|p| (p - mean).powi(2)).sum();
        if n < 2.0 { f64::NAN } else { (squares / (n - 1.0)).sqrt() }
    }
}

/// Samples whose first lies half a sample after time 0.
struct Sound<'a> {
    x: &'a [f32],
    dx: f64,
}

#[derive(Debug, Clone, Copy)]
struct Match {
    time_s: f64,
    correlation: f64,
    peak: f64,
}

impl Sound<'_> {
    /// Place of a time among the samples, the first being 0.
    fn place(&self, time_s: f64) -> f64 {
        (time_s - 0.5 * self.dx) / self.dx
    }

    /// The time at which the sound is farthest from 0, refined by a parabola.
    fn extremum(&self, from_s: f64, to_s: f64) -> f64 {
        let first = self.place(from_s).floor().max(0.0) as usize;
        let last = (self.place(to_s).ceil().max(0.0) as usize).min(self.x.len().saturating_sub(1));
        let Some(part) = self.x.get(first..=last).filter(|p| !p.is_empty()) else { return 0.5 * (from_s + to_s) };
        let (mut low, mut high) = (0, 0);
        for (i, x) in part.iter().enumerate() {
            low = if *x < part[low] { i } else { low };
            high = if *x > part[high] { i } else { high };
        }
        let at = if part[low].abs() > part[high].abs() { low } else { high };
        let offset = if part[low] == part[high] {
            0.5 * (part.len() - 1) as f64 - at as f64
        } else if at == 0 || at + 1 == part.len() {
            0.0
        } else {
            let value = |i: usize| f64::from(part[i]);
            parabola(value(at - 1), value(at), value(at + 1)).0
        };
        ((first + at) as f64 + offset + 0.5) * self.dx
    }

    /// Where, between `from_s` and `to_s`, a stretch of `length_s` is most like the one around `at_s`.
    fn most_alike(&self, at_s: f64, length_s: f64, from_s: f64, to_s: f64) -> Option<Match> {
        let half = 0.5 * length_s;
        let left = self.place(at_s - half).round() as i64;
        let right = self.place(at_s + half).round() as i64;
        let first = self.place(from_s - half).floor() as i64;
        let last = self.place(to_s - half).ceil() as i64;
        let n = self.x.len() as i64;
        let mut best: Option<(f64, f64, f64, i64, f64)> = None;
        let (mut r2, mut r3) = (0.0, 0.0);
        for start in first..=last {
            let shift = start - left;
            // only where both stretches lie inside the sound
            let from = left.max(0).max(-shift);
            let to = right.min(n - 1).min(n - 1 - shift);
            let (mut norm1, mut norm2, mut product, mut peak) = (0.0f64, 0.0f64, 0.0f64, 0.0f32);
            if from <= to {
                let one = &self.x[from as usize..=to as usize];
                let two = &self.x[(from + shift) as usize..=(to + shift) as usize];
                for (a, b) in one.iter().zip(two) {
                    peak = peak.max(b.abs());
                    let (a, b) = (f64::from(*a), f64::from(*b));
                    norm1 += a * a;
                    norm2 += b * b;
                    product += a * b;
                }
            }
            let r1 = r2;
            r2 = r3;
            r3 = if product == 0.0 { 0.0 } else { product / (norm1 * norm2).sqrt() };
            if r2 > best.map_or(-1.0, |b| b.1) && r2 >= r1 && r2 >= r3 {
                best = Some((r1, r2, r3, start - 1, f64::from(peak)));
            }
        }
        let (before, here, after, start, peak) = best?;
        let (offset, correlation) = parabola(before, here, after);
        Some(Match { time_s: at_s + ((start - left) as f64 + offset) * self.dx, correlation, peak })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pitch;

    #[test]
    fn two_voiced_stretches_do_not_share_points() {
        let rate = SampleRate::new(8000.0).unwrap();
        let x: Vec<f32> =
            (0..16_000).map(|i| if (6000..10_000).contains(&i) { 0.0 } else { (i as f32 * 0.1).sin() }).collect();
        let points = PointProcess::of(&x, rate, &pitch(&x, rate).unwrap()).unwrap();
        let rule = PeriodRule::default();
        let period = std::f64::consts::TAU / 0.1 / 8000.0;
        assert!((points.mean_period_s(&rule) - period).abs() < 1e-6);
        assert!(points.sd_period_s(&rule) < 0.02 * period, "{}", points.sd_period_s(&rule));
        assert!(points.points_s.windows(2).all(|w| w[1] - w[0] > 0.8 * period));
        assert!(points.points_s.iter().all(|t| !(0.77..1.23).contains(t)));
    }

    #[test]
    fn silence_has_no_points() {
        let rate = SampleRate::new(8000.0).unwrap();
        let points = PointProcess::of(&[0.0; 8000], rate, &pitch(&[0.0; 8000], rate).unwrap()).unwrap();
        assert!(points.is_empty() && points.mean_period_s(&PeriodRule::default()).is_nan());
    }

    #[test]
    fn the_rule_is_checked() {
        assert!(PeriodRule::default().validate().is_ok());
        assert!(PeriodRule::default().with_most_factor(0.9).validate().is_err());
        assert!(PeriodRule::default().with_longest_s(1e-5).validate().is_err());
    }
}
