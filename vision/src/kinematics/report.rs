//! Numbers of an exercise: tempo, hold, smoothness, fatigue.

use super::exercise::{Exercise, Repetition};
use super::smoothness::{log_dimensionless_jerk, spectral_arc_length};
use eir_core::Estimate;
use eir_core::inference::theil_sen;
use serde::{Deserialize, Serialize};

/// Share of the largest speed at which a movement begins and ends.
const MOVING: f64 = 0.05;
/// Repetitions from which a trend is told.
const TREND: usize = 4;

/// Bending or stretching.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Phase {
    /// From 10 % to 90 % of the height, or back.
    pub duration_s: f64,
    /// Largest speed in degrees per second, without sign.
    pub peak_speed_deg_s: f64,
    /// [`spectral_arc_length`] of the speed; none for a movement of a few pictures.
    pub spectral_arc_length: Option<f64>,
    /// [`log_dimensionless_jerk`] of the speed; none for a movement of a few pictures.
    pub log_dimensionless_jerk: Option<f64>,
}

/// One repetition in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepetitionReport {
    /// Largest angle above the rest.
    pub height_deg: f64,
    /// Largest angle.
    pub peak_deg: f64,
    /// Smallest angle of the pauses about it: what is missing to full extension.
    pub extension_deficit_deg: f64,
    /// The way up.
    pub rise: Phase,
    /// How long the angle stays above 90 % of the height.
    pub hold_s: f64,
    /// The way back.
    pub fall: Phase,
}

/// An exercise in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExerciseReport {
    /// One entry per repetition.
    pub repetitions: Vec<RepetitionReport>,
    /// Range of motion with its 95 % interval; none without repetitions or error bars.
    pub rom_deg: Option<Estimate>,
    /// Change of height from repetition to repetition, in degrees, with its 95 % interval; none for fewer than 4.
    pub height_trend_deg: Option<Estimate>,
    /// Change of the largest speed of bending from repetition to repetition, in degrees per second; none for fewer than 4.
    pub speed_trend_deg_s: Option<Estimate>,
    /// Standard deviation of the heights over their mean, in percent; none for fewer than 2.
    pub height_variation_percent: Option<f64>,
}

impl Exercise {
    /// Tempo, hold, smoothness and trends.
    ///
    /// **Use it** for the table of a session. A falling trend of height or speed over a set is what fatigue looks like; it
    /// is one only if its interval leaves 0 out.
    ///
    /// # Examples
    /// ```
    /// use eir_vision::kinematics::analyse;
    /// let angle: Vec<f64> = (0..600).map(|i| f64::from(i) / 30.0)
    ///     .map(|t| if t < 1.0 || t > 19.0 { 5.0 } else { 45.0 - 40.0 * ((t - 1.0) / 3.0 * std::f64::consts::TAU).cos() })
    ///     .collect();
    /// let report = analyse(&angle, 30.0)?.report();
    /// assert_eq!(report.repetitions.len(), 6);
    /// let first = report.repetitions[0];
    /// assert!((first.rise.duration_s - 0.885).abs() < 0.05 && (first.height_deg - 80.0).abs() < 0.5);
    /// assert!(report.height_trend_deg.unwrap().value.abs() < 0.1);
    /// # Ok::<(), eir_vision::Error>(())
    /// ```
    #[must_use]
    pub fn report(&self) -> ExerciseReport {
        let repetitions: Vec<RepetitionReport> = self.repetitions.iter().map(|r| self.measured(r)).collect();
        let trend = |value: fn(&RepetitionReport) -> f64| {
            let y: Vec<f64> = repetitions.iter().map(value).collect();
            let x: Vec<f64> = (0..y.len()).map(|i| i as f64).collect();
            (y.len() >= TREND).then(|| theil_sen(&x, &y, 0.95).ok()).flatten().map(|line| line.slope)
        };
        let n = repetitions.len() as f64;
        let mean = repetitions.iter().map(|r| r.height_deg).sum::<f64>() / n;
        let squares = repetitions.iter().map(|r| (r.height_deg - mean).powi(2)).sum::<f64>();
        ExerciseReport {
            rom_deg: self.rom(),
            height_trend_deg: trend(|r| r.height_deg),
            speed_trend_deg_s: trend(|r| r.rise.peak_speed_deg_s),
            height_variation_percent: (n >= 2.0 && mean > 0.0).then(|| 100.0 * (squares / (n - 1.0)).sqrt() / mean),
            repetitions,
        }
    }

    fn measured(&self, r: &Repetition) -> RepetitionReport {
        // 10 % and 90 % of this repetition's own height, between pictures
        let height = r.peak_deg - r.low_deg;
        let at = |share: f64| r.low_deg + share * height;
        let up = |share: f64| self.crossing((r.start.saturating_sub(2)..=r.peak).rev(), at(share));
        let down = |share: f64| self.crossing(r.peak..=r.end + 2, at(share));
        let between =
            |a: Option<f64>, b: Option<f64>| a.zip(b).map_or(f64::NAN, |(a, b)| (b - a).abs() / self.rate.hz());
        RepetitionReport {
            height_deg: r.peak_deg - self.rest_deg,
            peak_deg: r.peak_deg,
            extension_deficit_deg: r.low_deg,
            rise: self.phase(r.start.saturating_sub(2)..r.peak, between(up(0.1), up(0.9))),
            hold_s: between(up(0.9), down(0.9)),
            fall: self.phase(r.peak..r.end + 2, between(down(0.9), down(0.1))),
        }
    }

    /// Where the angle, followed from the peak, falls to `level`: in pictures, between two of them.
    fn crossing(&self, pictures: impl Iterator<Item = usize>, level: f64) -> Option<f64> {
        let mut above: Option<(f64, f64)> = None;
        for i in pictures {
            let Some(&value) = self.flexion_deg.get(i).filter(|v| v.is_finite()) else { continue };
            let place = i as f64;
            if value <= level {
                let Some((p, v)) = above else { return Some(place) };
                let share = if v > value { (v - level) / (v - value) } else { 0.0 };
                return Some(p + share * (place - p));
            }
            above = Some((place, value));
        }
        None
    }

    fn phase(&self, pictures: std::ops::Range<usize>, duration_s: f64) -> Phase {
        let speed = |i: usize| {
            let (a, b) = (self.flexion_deg.get(i)?, self.flexion_deg.get(i + 1)?);
            Some((b - a).abs() * self.rate.hz()).filter(|v| v.is_finite())
        };
        let fastest = pictures.clone().filter_map(|i| Some((i, speed(i)?))).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((top, peak)) = fastest else {
            let none = None;
            return Phase {
                duration_s,
                peak_speed_deg_s: f64::NAN,
                spectral_arc_length: none,
                log_dimensionless_jerk: none,
            };
        };
        // the movement about its largest speed
        let moving = |i: &usize| speed(*i).is_some_and(|v| v > MOVING * peak);
        let first = (0..=top).rev().take_while(moving).last().unwrap_or(top);
        let last = (top..self.flexion_deg.len()).take_while(moving).last().unwrap_or(top);
        let profile: Vec<f64> = (first..=last).filter_map(speed).collect();
        let rate = self.rate.hz();
        Phase {
            duration_s,
            peak_speed_deg_s: peak,
            spectral_arc_length: spectral_arc_length(&profile, rate).ok(),
            log_dimensionless_jerk: log_dimensionless_jerk(&profile, rate).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::kinematics::{ExerciseConfig, analyse};

    #[test]
    fn a_tiring_set_has_a_trend_and_holds_are_measured() {
        let rate = 30.0;
        let mut angle = vec![4.0; 30];
        for k in 0..8 {
            let height = 90.0 - 4.0 * f64::from(k);
            let way = |i: i32| 4.0 + height * 0.5 * (1.0 - (f64::from(i) / 30.0 * std::f64::consts::PI).cos());
            angle.extend((0..30).map(way));
            angle.extend([4.0 + height; 60]);
            angle.extend((0..30).rev().map(way));
            angle.extend([4.0; 20]);
        }
        let report = ExerciseConfig::default().build(rate).unwrap().measure(&angle, None).unwrap().report();
        assert_eq!(report.repetitions.len(), 8);
        let trend = report.height_trend_deg.unwrap();
        assert!((trend.value + 4.0).abs() < 0.2 && !trend.covers(0.0), "{trend}");
        for r in &report.repetitions {
            assert!((r.hold_s - 2.4).abs() < 0.2, "{r:?}"); // two seconds at the top, and the last tenth of either way
            assert!((r.rise.duration_s - 0.59).abs() < 0.05 && (r.fall.duration_s - 0.59).abs() < 0.05, "{r:?}");
            assert!(r.rise.spectral_arc_length.unwrap() > -2.5 && (r.extension_deficit_deg - 4.0).abs() < 0.1);
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        let report = analyse(&[5.0; 90], 30.0).unwrap().report();
        assert!(report.repetitions.is_empty() && report.rom_deg.is_none() && report.height_variation_percent.is_none());
    }
}
