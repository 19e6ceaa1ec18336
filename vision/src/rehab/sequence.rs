//! Twelve points of a body over time: what an exercise is judged by.

use crate::Result;
use crate::skeleton::LANDMARKS;
use eir_core::error::{Mismatch, Parameter, TooShort};

/// Points of a picture that are used.
pub const BODY_POINTS: usize = 12;

/// Names of the points in their order; left and right are the subject's.
pub const BODY_POINT_NAMES: [&str; BODY_POINTS] = [
    "left_shoulder",
    "right_shoulder",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
];

/// Where they are among the 33 points of BlazePose.
const OF_BLAZEPOSE: [usize; BODY_POINTS] = [11, 12, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32];
/// Pictures in which a point must be seen at least.
const LEAST: usize = 8;
/// Coordinates beyond this many pixels are no places in a picture.
const FARTHEST_PX: f32 = 1e6;

/// The points of one picture in pixels, x to the right and y **down**, in the order of [`BODY_POINT_NAMES`]; NaN where a
/// point was not seen.
pub type BodyPoints = [[f32; 2]; BODY_POINTS];

/// Key points of one person in a recording by a camera that stands still and level.
///
/// # Examples
/// ```
/// use eir_vision::rehab::BodySequence;
/// let still = vec![[[320.0, 240.0]; 12]; 60];
/// let sequence = BodySequence::at_rate(30.0, &still)?;
/// assert_eq!(sequence.len(), 60);
/// assert!(BodySequence::new(&[0.0, 0.1, 0.1], &still[..3]).is_err()); // time stands still
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BodySequence {
    times_s: Vec<f64>,
    points: Vec<BodyPoints>,
}

impl BodySequence {
    /// Pictures at the times `times_s` in seconds, which may be irregular. A coordinate that is not finite, or beyond a
    /// million pixels, means that the point was not seen.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for another number of times than pictures,
    /// [`Error::Parameter`](crate::Error::Parameter) for a time that is not finite or not after the one before.
    pub fn new(times_s: &[f64], points: &[BodyPoints]) -> Result<Self> {
        Mismatch::check("times", points.len(), times_s.len())?;
        let after = |w: &[f64]| w[1] > w[0] && w[1] - w[0] < 3600.0;
        if let Some(t) = times_s.iter().find(|t| t.is_nan() || t.abs() > 1e12) {
            return Err(Parameter::new("time of a picture", *t, "finite").into());
        }
        if let Some(w) = times_s.windows(2).find(|w| !after(w)) {
            return Err(
                Parameter::new("step between two pictures", w[1] - w[0], "above 0 and less than an hour").into()
            );
        }
        Ok(Self { times_s: times_s.to_vec(), points: points.iter().map(seen).collect() })
    }

    /// `rate_hz` pictures a second.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a rate outside 1 to 1000 Hz.
    pub fn at_rate(rate_hz: f64, points: &[BodyPoints]) -> Result<Self> {
        if !(1.0..=1000.0).contains(&rate_hz) {
            return Err(Parameter::new("rate_hz", rate_hz, "1 to 1000 pictures a second").into());
        }
        let times: Vec<f64> = (0..points.len()).map(|i| i as f64 / rate_hz).collect();
        Self::new(&times, points)
    }

    /// Of BlazePose's 33 points (x, y in pixels, confidence 0 to 1); those with less than `min_confidence` count as not
    /// seen.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Parameter`](crate::Error::Parameter) for a confidence outside 0 to 1.
    pub fn from_blazepose(times_s: &[f64], landmarks: &[[[f32; 3]; LANDMARKS]], min_confidence: f32) -> Result<Self> {
        if !(0.0..=1.0).contains(&min_confidence) {
            return Err(Parameter::new("min_confidence", f64::from(min_confidence), "0 to 1").into());
        }
        let seen = |p: &[f32; 3]| if p[2] >= min_confidence { [p[0], p[1]] } else { [f32::NAN; 2] };
        let points: Vec<BodyPoints> = landmarks.iter().map(|frame| OF_BLAZEPOSE.map(|k| seen(&frame[k]))).collect();
        Self::new(times_s, &points)
    }

    /// Number of pictures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is no picture.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Time of each picture in seconds.
    #[must_use]
    pub fn times_s(&self) -> &[f64] {
        &self.times_s
    }

    /// The points of each picture.
    #[must_use]
    pub fn points(&self) -> &[BodyPoints] {
        &self.points
    }
}

/// Points that are no places in a picture were not seen.
pub(super) fn seen(points: &BodyPoints) -> BodyPoints {
    points.map(|p| if p.iter().all(|v| v.abs() < FARTHEST_PX) { p } else { [f32::NAN; 2] })
}

/// Median step between two pictures in seconds.
fn step_s(times_s: &[f64], steps: &mut Vec<f64>) -> Result<f64> {
    steps.clear();
    steps.extend(times_s.windows(2).map(|w| w[1] - w[0]));
    if steps.is_empty() {
        return Err(TooShort::new("pictures", times_s.len(), LEAST).into());
    }
    let middle = steps.len() / 2;
    Ok(*steps.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// Places of one point where it was seen, y **up**.
#[derive(Debug, Clone, Default)]
struct Track {
    times_s: Vec<f64>,
    places: Vec<[f64; 2]>,
}

impl Track {
    /// Weighted mean about `t`, weights falling linearly to 0 at `reach_s`; a straight line across a longer gap.
    fn at(&self, t: f64, reach_s: f64) -> [f64; 2] {
        let first = self.times_s.partition_point(|s| *s <= t - reach_s);
        let (mut sum, mut place) = (0.0, [0.0; 2]);
        for (s, p) in self.times_s[first..].iter().zip(&self.places[first..]).take_while(|(s, _)| **s < t + reach_s) {
            let w = 1.0 - (s - t).abs() / reach_s;
            sum += w;
            place[0] += w * p[0];
            place[1] += w * p[1];
        }
        if sum > 0.05 {
            return place.map(|v| v / sum);
        }
        let after = self.times_s.partition_point(|s| *s < t);
        let last = self.times_s.len() - 1;
        let (a, b) = (after.saturating_sub(1).min(last), after.min(last));
        let length = self.times_s[b] - self.times_s[a];
        let share = if length > 0.0 { ((t - self.times_s[a]) / length).clamp(0.0, 1.0) } else { 0.0 };
        std::array::from_fn(|c| self.places[a][c] + share * (self.places[b][c] - self.places[a][c]))
    }
}

/// All points as curves.
#[derive(Debug, Clone, Default)]
pub(super) struct Tracks {
    tracks: [Track; BODY_POINTS],
    /// Differences that are sorted.
    values: Vec<f64>,
    /// Median step between pictures.
    pub(super) step_s: f64,
    /// Standard deviation of a coordinate about its curve.
    pub(super) jitter_px: f64,
}

impl Tracks {
    /// Room for so many pictures.
    pub(super) fn reserve(&mut self, pictures: usize) {
        for track in &mut self.tracks {
            track.times_s.reserve(pictures);
            track.places.reserve(pictures);
        }
        self.values.reserve(2 * BODY_POINTS * pictures);
    }

    /// The points as smooth curves, and the jitter about them.
    pub(super) fn fill(&mut self, times_s: &[f64], points: &[BodyPoints]) -> Result<()> {
        self.step_s = step_s(times_s, &mut self.values)?;
        for (k, track) in self.tracks.iter_mut().enumerate() {
            track.times_s.clear();
            track.places.clear();
            for (t, frame) in times_s.iter().zip(points) {
                let p = frame[k];
                if !p[0].is_nan() {
                    track.times_s.push(*t);
                    track.places.push([f64::from(p[0]), -f64::from(p[1])]);
                }
            }
            let seen = track.times_s.len();
            if seen < LEAST {
                return Err(TooShort::new("pictures that show each of the twelve points", seen, LEAST).into());
            }
        }
        self.jitter_px = jitter(&self.tracks, self.step_s, &mut self.values);
        Ok(())
    }

    /// The points at `t`, each a mean over about `reach_s` to either side; y up.
    pub(super) fn at(&self, t: f64, reach_s: f64) -> [[f64; 2]; BODY_POINTS] {
        let reach_s = reach_s.max(1.2 * self.step_s);
        std::array::from_fn(|k| self.tracks[k].at(t, reach_s))
    }

    /// Share of the pictures between two times in which a point was seen, of the point for which it is least.
    pub(super) fn seen(&self, from_s: f64, to_s: f64) -> f64 {
        let all = ((to_s - from_s) / self.step_s).max(1.0);
        let count = |t: &Track| t.times_s.partition_point(|s| *s <= to_s) - t.times_s.partition_point(|s| *s < from_s);
        self.tracks.iter().map(|t| count(t) as f64 / all).fold(1.0, f64::min)
    }
}

/// From third differences of neighbouring pictures: movement hardly counts in them.
fn jitter(tracks: &[Track; BODY_POINTS], step_s: f64, all: &mut Vec<f64>) -> f64 {
    all.clear();
    for track in tracks {
        for (t, p) in track.times_s.windows(4).zip(track.places.windows(4)) {
            if t[3] - t[0] < 3.6 * step_s {
                all.extend((0..2).map(|c| (p[3][c] - 3.0 * p[2][c] + 3.0 * p[1][c] - p[0][c]).abs()));
            }
        }
    }
    if all.is_empty() {
        return 0.0;
    }
    let middle = all.len() / 2;
    let (_, median, _) = all.select_nth_unstable_by(middle, f64::total_cmp);
    *median / 0.674_489_750_196_082 / 20f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::random::Generator;

    fn tracks(sequence: &BodySequence) -> Result<Tracks> {
        let mut tracks = Tracks::default();
        tracks.fill(sequence.times_s(), sequence.points())?;
        Ok(tracks)
    }

    #[test]
    fn what_is_no_sequence_is_an_error() {
        let frame = [[1.0; 2]; BODY_POINTS];
        assert!(BodySequence::new(&[0.0], &[]).is_err());
        assert!(BodySequence::new(&[0.0, f64::NAN], &[frame; 2]).is_err());
        assert!(BodySequence::new(&[1.0, 0.0], &[frame; 2]).is_err());
        assert!(BodySequence::at_rate(0.0, &[frame]).is_err());
        assert!(BodySequence::at_rate(f64::NAN, &[frame]).is_err());
        assert!(BodySequence::from_blazepose(&[0.0], &[[[0.0; 3]; LANDMARKS]], 2.0).is_err());
        for n in [0, 1, 7] {
            assert!(tracks(&BodySequence::at_rate(30.0, &vec![frame; n]).unwrap()).is_err());
        }
        assert!(tracks(&BodySequence::at_rate(30.0, &[[[f32::INFINITY; 2]; BODY_POINTS]; 30]).unwrap()).is_err());
    }

    #[test]
    fn curves_bridge_gaps_and_jitter_is_found() {
        let mut stream = Generator::new(1, "jitter").stream(0);
        let frames: Vec<BodyPoints> = (0..300)
            .map(|i| {
                std::array::from_fn(|_| {
                    let x = 3.0 * f64::from(i) + 2.0 * stream.normal();
                    [x as f32, (-40.0 + 2.0 * stream.normal()) as f32]
                })
            })
            .collect();
        let mut lossy = frames.clone();
        lossy[100..120].iter_mut().for_each(|f| f[4] = [f32::NAN; 2]);
        let tracks = tracks(&BodySequence::at_rate(30.0, &lossy).unwrap()).unwrap();
        assert!((tracks.jitter_px - 2.0).abs() < 0.15, "{}", tracks.jitter_px);
        let [x, y] = tracks.at(110.0 / 30.0, 0.1)[4];
        assert!((x - 330.0).abs() < 5.0 && (y - 40.0).abs() < 5.0, "{x} {y}");
        assert!((tracks.seen(0.0, 10.0) - 280.0 / 300.0).abs() < 0.01);
    }
}
