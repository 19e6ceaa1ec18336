//! A knee as it moves: frame in, state out.

use super::knee::dimensions;
use crate::Result;
use eir_core::error::{NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// Settings of [`LiveKnee`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LiveConfig {
    /// Jitter of a key point with confidence 1, above 0, in the unit of the points. Default: found while it runs, from 1 % of
    /// the leg's length on.
    pub jitter: Option<f64>,
    /// How suddenly the angle changes its speed, above 0, in (degrees/s)² per second. Default 20 000 (squats, heel slides).
    pub restlessness: f64,
    /// Points with less confidence are missing, 0 to 1. Default 0.05.
    pub min_confidence: f32,
    /// The angle is foretold for so long without points, in seconds, 0 to 10; then there is none. Default 0.25.
    pub longest_gap_s: f64,
    /// A repetition is at least this high, in degrees, 1 to 180. Default 15.
    pub min_height_deg: f64,
    /// A repetition lasts at least this long, in seconds, 0 to 60. Default 0.4.
    pub min_duration_s: f64,
    /// Share of the usual height that a whole repetition reaches, 0 to 1. Default 0.65.
    pub upper: f64,
    /// Share of its own height to which the angle must fall to end a repetition: less than `upper`. Default 0.35.
    pub lower: f64,
    /// The angle at rest where it is known, in degrees. Default: the mean of the first [`rest_s`](Self::rest_s).
    pub rest_deg: Option<f64>,
    /// How long the subject rests at the beginning, in seconds, above 0. Default 0.8.
    pub rest_s: f64,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            jitter: None,
            restlessness: 2e4,
            min_confidence: 0.05,
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

impl LiveConfig {
    /// Sets [`jitter`](Self::jitter).
    #[must_use]
    pub fn with_jitter(self, jitter: f64) -> Self {
        Self { jitter: Some(jitter), ..self }
    }

    /// Sets [`restlessness`](Self::restlessness).
    #[must_use]
    pub fn with_restlessness(self, restlessness: f64) -> Self {
        Self { restlessness, ..self }
    }

    /// Sets [`min_confidence`](Self::min_confidence).
    #[must_use]
    pub fn with_min_confidence(self, min_confidence: f32) -> Self {
        Self { min_confidence, ..self }
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
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let confidence = f64::from(self.min_confidence);
        let checks = [
            ("jitter", self.jitter.unwrap_or(1.0), self.jitter.is_none_or(positive), "finite and above 0"),
            ("restlessness", self.restlessness, positive(self.restlessness), "finite and above 0"),
            ("min_confidence", confidence, (0.0..=1.0).contains(&confidence), "0 to 1"),
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

    /// Makes the follower.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<LiveKnee> {
        self.validate()?;
        Ok(LiveKnee { config: self, state: State::default() })
    }
}

/// What the knee does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LivePhase {
    /// The rest angle is not known yet, or there are no points.
    #[default]
    Waiting,
    /// At rest.
    Rest,
    /// On the way up.
    Rising,
    /// On the way back.
    Falling,
}

/// A repetition that has just ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiveRepetition {
    /// When the angle left the rest, in the caller's time.
    pub start_s: f64,
    /// When it was largest.
    pub peak_s: f64,
    /// When it was back.
    pub end_s: f64,
    /// The largest angle.
    pub peak_deg: f64,
    /// Largest angle above the rest.
    pub height_deg: f64,
    /// Whether it went only part of the usual way and is not counted.
    pub partial: bool,
}

/// The state after a picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiveState {
    /// The angle now; none after a gap.
    pub flexion_deg: Option<f64>,
    /// Its standard error in degrees; NaN where there is no angle.
    pub sigma_deg: f64,
    /// Degrees per second; NaN where there is no angle.
    pub speed_deg_s: f64,
    /// Whether the angle is foretold and not seen.
    pub filled: bool,
    /// What the knee does.
    pub phase: LivePhase,
    /// Whole repetitions so far.
    pub repetitions: usize,
    /// The repetition that ended with this picture.
    pub ended: Option<LiveRepetition>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    time_s: Option<f64>,
    seen_s: f64,
    begin_s: f64,
    /// Angle, speed, and their covariance.
    angle: f64,
    speed: f64,
    p: [f64; 3],
    /// Squared jitter of a key point.
    jitter: f64,
    /// Sum of signed angles: which way the knee bends.
    facing: f64,
    rest_sum: f64,
    rest_count: f64,
    rest: Option<f64>,
    usual: Option<f64>,
    /// Start, time of the peak, peak of the repetition that goes on.
    going: Option<[f64; 3]>,
    /// The lowest angle since the last repetition, and when that was.
    bottom: f64,
    left_s: f64,
    repetitions: usize,
}

/// Follows a knee picture by picture in a fixed amount of memory: angle with error bar, speed, phase and repetitions.
///
/// **Use it** in an app while the person exercises. **Not** for the report afterwards: it cannot look ahead, so its angle
/// is less certain and lags a little; [`LegAnalysis`](super::LegAnalysis) is better on the recording.
///
/// # Formula
/// The angle of each picture has the variance `σ² (2/|u|² + 2/|v|² − 2 cos θ / (|u||v|))` for points of equal confidence; a
/// Kalman filter of constant speed follows it, and `σ²` follows the innovations unless it is set. A repetition begins when
/// the angle rises from its lowest by a third of [`min_height_deg`](LiveConfig::min_height_deg) and ends when it is back at
/// `lower` of its own height; it is whole if it reaches `upper` of the usual height, which follows the whole ones.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::LiveConfig;
/// let mut knee = LiveConfig::default().build()?;
/// let mut count = 0;
/// for i in 0..400 {
///     let t = f64::from(i) / 30.0;
///     let bend = (45.0 - 45.0 * ((t - 1.0).max(0.0) / 3.0 * std::f64::consts::TAU).cos()).to_radians() as f32;
///     let state = knee.push(t, &[[0.0, -150.0], [0.0, 0.0], [140.0 * bend.sin(), 140.0 * bend.cos()]], &[0.9; 3])?;
///     count = state.repetitions;
/// }
/// assert_eq!(count, 4);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Nothing is allocated (`tests/live.rs`); counts on simulated scenes: unit tests and `tests/error_bars.rs`.
///
/// # References
/// Kalman 1960, doi:10.1115/1.3662552.
#[derive(Debug, Clone)]
pub struct LiveKnee {
    config: LiveConfig,
    state: State,
}

impl LiveKnee {
    /// Takes hip, knee and ankle of a picture, in two or three dimensions, with their confidences. A point that is not
    /// finite is missing.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if the time is not later than before,
    /// [`Error::NotFinite`](crate::Error::NotFinite) for a confidence,
    /// [`Error::Unsupported`](crate::Error::Unsupported) for other dimensions. The state is then as it was.
    pub fn push<const D: usize>(
        &mut self,
        time_s: f64,
        points: &[[f32; D]; 3],
        confidence: &[f32; 3],
    ) -> Result<LiveState> {
        dimensions(D)?;
        NotFinite::check_f32("confidence of a point", confidence)?;
        let late = self.state.time_s.is_none_or(|t| time_s > t);
        if !time_s.is_finite() || !late {
            return Err(Parameter::new("time_s", time_s, "finite and later than the picture before").into());
        }
        let seen = confidence.iter().all(|c| *c >= self.config.min_confidence && *c > 0.0);
        let measured = if seen { measure(points, confidence) } else { None };
        let ended = self.advance(time_s, measured);
        Ok(self.report(time_s, measured.is_none(), ended))
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.state = State::default();
    }

    /// One picture on. `measured`: signed angle, its variance for a jitter of 1, length of the leg.
    fn advance(&mut self, time_s: f64, measured: Option<(f64, f64, f64)>) -> Option<LiveRepetition> {
        let s = &mut self.state;
        let step = s.time_s.map_or(0.0, |t| time_s - t);
        let lost = s.time_s.is_none() || time_s - s.seen_s > self.config.longest_gap_s.max(1.5 * step);
        s.time_s = Some(time_s);
        let (signed, spread, length) = match measured {
            None if lost => return None,
            None => {
                s.predict(step, self.config.restlessness);
                return None; // nothing begins or ends by what is foretold
            }
            Some(m) => m,
        };
        s.facing = (s.facing + signed).clamp(-1e6, 1e6);
        let angle = if s.facing < 0.0 { -signed } else { signed };
        if s.jitter == 0.0 {
            s.jitter = self.config.jitter.unwrap_or(0.01 * length).powi(2);
        }
        if lost || s.p == [0.0; 3] {
            // anew
            let variance = s.jitter * spread;
            (s.angle, s.speed, s.p) = (angle, 0.0, [variance, 0.0, 100.0f64.powi(2)]);
            if s.rest_count == 0.0 {
                s.begin_s = time_s;
            }
        } else {
            s.predict(step, self.config.restlessness);
            let innovation = angle - s.angle;
            if self.config.jitter.is_none() {
                // of the squared innovation, what the prediction does not explain is jitter
                let own = ((innovation * innovation).min(25.0 * (s.p[0] + s.jitter * spread)) - s.p[0]) / spread;
                s.jitter = (s.jitter + 0.03 * (own - s.jitter)).max(1e-4 * s.jitter).max(1e-12);
            }
            s.observe(innovation, s.jitter * spread);
        }
        s.seen_s = time_s;
        self.count(time_s)
    }

    fn count(&mut self, time_s: f64) -> Option<LiveRepetition> {
        let (c, s) = (&self.config, &mut self.state);
        if s.rest.is_none() {
            (s.rest_sum, s.rest_count) = (s.rest_sum + s.angle, s.rest_count + 1.0);
            let known = c.rest_deg.or_else(|| (time_s - s.begin_s >= c.rest_s).then(|| s.rest_sum / s.rest_count));
            s.rest = known;
            (s.left_s, s.bottom) = (time_s, s.angle);
        }
        let rest = s.rest?;
        let height = s.angle - rest;
        let Some([start, peak_s, peak]) = s.going else {
            if s.angle <= s.bottom.max(rest) {
                (s.left_s, s.bottom) = (time_s, s.angle.min(s.bottom));
            } else if s.angle - s.bottom.max(rest) >= c.min_height_deg / 3.0 {
                s.going = Some([s.left_s, time_s, s.angle]);
            }
            return None;
        };
        if s.angle > peak {
            s.going = Some([start, time_s, s.angle]);
            return None;
        }
        let top = peak - rest;
        if height > (c.lower * top).max(c.min_height_deg / 4.0) {
            return None;
        }
        let rise = peak - s.bottom.max(rest);
        s.going = None;
        (s.left_s, s.bottom) = (time_s, s.angle);
        if rise < c.min_height_deg || time_s - start < c.min_duration_s {
            return None;
        }
        let partial = s.usual.is_some_and(|usual| top < c.upper * usual);
        if !partial {
            s.repetitions += 1;
            // quickly up (the first one was partial), slowly down
            s.usual = Some(s.usual.map_or(top, |usual| if top > usual { top } else { usual + 0.3 * (top - usual) }));
        }
        Some(LiveRepetition { start_s: start, peak_s, end_s: time_s, peak_deg: peak, height_deg: top, partial })
    }

    fn report(&self, time_s: f64, filled: bool, ended: Option<LiveRepetition>) -> LiveState {
        let s = &self.state;
        let there = s.p != [0.0; 3] && (!filled || time_s - s.seen_s <= self.config.longest_gap_s);
        let phase = match (there, s.rest, s.going) {
            (false, ..) | (_, None, _) => LivePhase::Waiting,
            (_, _, None) => LivePhase::Rest,
            _ if s.speed < 0.0 => LivePhase::Falling,
            _ => LivePhase::Rising,
        };
        let value = |v: f64| if there { v } else { f64::NAN };
        LiveState {
            flexion_deg: there.then_some(s.angle),
            sigma_deg: value(s.p[0].max(0.0).sqrt()),
            speed_deg_s: value(s.speed),
            filled: filled && there,
            phase,
            repetitions: s.repetitions,
            ended,
        }
    }
}

impl State {
    fn predict(&mut self, h: f64, q: f64) {
        let h = h.min(10.0);
        self.angle += h * self.speed;
        let [a, b, c] = self.p;
        self.p = [a + 2.0 * h * b + h * h * c + q * h * h * h / 3.0, b + h * c + q * h * h / 2.0, c + q * h];
    }

    fn observe(&mut self, innovation: f64, variance: f64) {
        let [a, b, c] = self.p;
        let s = a + variance;
        self.angle += a / s * innovation;
        self.speed += b / s * innovation;
        self.p = [a * variance / s, b * variance / s, c - b * b / s];
    }
}

/// Signed angle in degrees, its variance in degrees² for a jitter of 1, and the length of the leg.
fn measure<const D: usize>(points: &[[f32; D]; 3], confidence: &[f32; 3]) -> Option<(f64, f64, f64)> {
    let [hip, knee, ankle] = points;
    let from_knee = |p: &[f32; D]| -> [f64; 3] {
        std::array::from_fn(|k| p.get(k).zip(knee.get(k)).map_or(0.0, |(a, b)| f64::from(*a) - f64::from(*b)))
    };
    let (u, v) = (from_knee(hip), from_knee(ankle));
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    let (uu, vv, uv) = (dot(u, u), dot(v, v), dot(u, v));
    let size = dot(cross, cross).sqrt();
    let bent = 180.0 - size.atan2(uv).to_degrees();
    let signed = if D == 2 && cross[2] > 0.0 { -bent } else { bent };
    let [h, k, a] = confidence.map(|c| f64::from(c).powi(-2));
    let both = (uu * vv).sqrt();
    let spread = h / uu + a / vv + k * (1.0 / uu + 1.0 / vv - 2.0 * uv / both / both);
    let degrees = spread * 1f64.to_degrees().powi(2);
    (degrees.is_finite() && degrees > 0.0 && signed.is_finite()).then(|| (signed, degrees, uu.sqrt() + vv.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::random::Generator;

    fn leg(bend_deg: f64, mut jitter: impl FnMut() -> f64) -> [[f32; 2]; 3] {
        let bend = bend_deg.to_radians();
        let points = [[0.0, -147.0], [0.0, 0.0], [140.0 * bend.sin(), 140.0 * bend.cos()]];
        points.map(|p: [f64; 2]| p.map(|v| (v + jitter()) as f32))
    }

    #[test]
    fn counts_whole_ones_and_tells_partial_ones() {
        for (rate, noise) in [(30.0, 0.0), (30.0, 2.0), (15.0, 2.0), (10.0, 1.0)] {
            let mut stream = Generator::new(7, "test").stream(0);
            let mut knee = LiveConfig::default().build().unwrap();
            let heights = [80.0, 78.0, 40.0, 82.0, 79.0];
            let (mut whole, mut partial) = (0, 0);
            for i in 0..(18.0 * rate) as usize {
                let t = i as f64 / rate;
                let u = (t - 1.5).max(0.0);
                let height = heights.get((u / 3.0) as usize).copied().unwrap_or(0.0);
                let bend = 4.0 + height * 0.5 * (1.0 - (u / 3.0 * std::f64::consts::TAU).cos());
                let state = knee.push(t, &leg(bend, || noise * stream.normal()), &[0.9; 3]).unwrap();
                if let Some(r) = state.ended {
                    partial += usize::from(r.partial);
                }
                whole = state.repetitions;
            }
            assert_eq!((whole, partial), (4, 1), "{rate} {noise}");
        }
    }

    #[test]
    fn standing_is_no_repetition_and_error_bars_fit() {
        let mut stream = Generator::new(8, "test").stream(0);
        let mut knee = LiveConfig::default().build().unwrap();
        let (mut inside, mut all) = (0, 0);
        for i in 0..1800 {
            let state = knee.push(f64::from(i) / 30.0, &leg(10.0, || 3.0 * stream.normal()), &[1.0; 3]).unwrap();
            assert_eq!(state.repetitions, 0);
            if i > 300 {
                all += 1;
                inside += usize::from((state.flexion_deg.unwrap() - 10.0).abs() < 1.645 * state.sigma_deg);
            }
        }
        // a leg that stands is calmer than the filter expects
        assert!(inside as f64 > 0.86 * f64::from(all), "{inside} of {all}");
    }

    #[test]
    fn gaps_are_foretold_and_then_nothing() {
        let mut knee = LiveConfig::default().build().unwrap();
        let lost = [[f32::NAN; 2]; 3];
        assert!(knee.push(0.0, &lost, &[0.9; 3]).unwrap().flexion_deg.is_none());
        for i in 1..40 {
            assert!(!knee.push(f64::from(i) / 30.0, &leg(20.0, || 0.0), &[0.9; 3]).unwrap().filled);
        }
        let soon = knee.push(1.4, &lost, &[0.9; 3]).unwrap();
        assert!(soon.filled && (soon.flexion_deg.unwrap() - 20.0).abs() < 1.0);
        let late = knee.push(1.8, &leg(20.0, || 0.0), &[0.0; 3]).unwrap();
        assert!(late.flexion_deg.is_none() && late.sigma_deg.is_nan() && late.phase == LivePhase::Waiting);
        assert!(knee.push(1.9, &leg(21.0, || 0.0), &[0.9; 3]).unwrap().flexion_deg.is_some());
        assert!(knee.push(1.9, &leg(21.0, || 0.0), &[0.9; 3]).is_err());
        assert!(knee.push(f64::NAN, &leg(21.0, || 0.0), &[0.9; 3]).is_err());
        assert!(knee.push(2.0, &[[0.0; 4]; 3], &[0.9; 3]).is_err());
        assert!(knee.push(2.0, &leg(21.0, || 0.0), &[f32::NAN; 3]).is_err());
        assert!(LiveConfig::default().with_jitter(0.0).build().is_err());
        assert!(LiveConfig::default().with_thresholds(0.7, 0.6).build().is_err());
    }
}
