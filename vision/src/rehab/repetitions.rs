//! Repetitions of any exercise: one number that goes up and comes back.

use super::sequence::{BODY_POINTS, BodyPoints, Tracks};
use crate::Result;
use crate::kinematics::{ExerciseConfig, RepetitionScratch};
use eir_core::error::{Parameter, TooShort};

/// Coordinates of all points.
const COORDINATES: usize = 2 * BODY_POINTS;
/// A repetition moves the body at least so far along its course, in percent of a leg's length.
const LEAST_HEIGHT: f64 = 9.0;
/// Longest recording in seconds.
const LONGEST_S: f64 = 3600.0;

/// When a repetition began, was at its farthest, and ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct RepetitionSpan {
    /// A tenth of the way there, in seconds.
    pub start_s: f64,
    /// At its farthest.
    pub peak_s: f64,
    /// A tenth of the way left on the way back.
    pub end_s: f64,
}

/// A recording, ready to be cut into repetitions, with the memory that this takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    pub(super) tracks: Tracks,
    /// Length of a leg in the picture, thigh and shank.
    pub(super) leg_px: f64,
    pub(super) spans: Vec<RepetitionSpan>,
    frames: Vec<[[f64; 2]; BODY_POINTS]>,
    rows: Vec<[f64; COORDINATES]>,
    /// Lengths, then the course itself.
    signal: Vec<f64>,
    scratch: RepetitionScratch,
}

impl Course {
    /// Pictures a second that are looked at, at most.
    const RATE_HZ: f64 = 40.0;

    /// Room for so many pictures and seconds.
    pub(super) fn reserve(&mut self, pictures: usize, seconds: f64) {
        let count = (seconds * Self::RATE_HZ) as usize + 2;
        self.tracks.reserve(pictures);
        self.spans.reserve(count / 2);
        self.frames.reserve(count);
        self.rows.reserve(count);
        self.signal.reserve(count);
        self.scratch.reserve(count);
    }

    /// Cuts a recording, which begins at rest, into repetitions.
    ///
    /// The course is the first principal component of all coordinates over time, in percent of a leg's length, so that no
    /// joint has to be chosen for an exercise that is not known yet; its repetitions are those of
    /// [`ExerciseAnalysis`](crate::kinematics::ExerciseAnalysis).
    pub(super) fn fill(&mut self, times_s: &[f64], points: &[BodyPoints]) -> Result<()> {
        let Self { tracks, leg_px, spans, frames, rows, signal, scratch } = self;
        spans.clear();
        tracks.fill(times_s, points)?;
        let (Some(first), Some(last)) = (times_s.first(), times_s.last()) else {
            return Err(TooShort::new("pictures", 0, 8).into());
        };
        if last - first > LONGEST_S {
            return Err(Parameter::new("length of the recording in s", last - first, "at most 3600").into());
        }
        let step = tracks.step_s.clamp(1.0 / Self::RATE_HZ, 0.2);
        let count = ((last - first) / step) as usize + 1;
        frames.clear();
        frames.extend((0..count).map(|i| tracks.at(first + i as f64 * step, 1.5 * step)));
        *leg_px = leg_length(frames, signal);
        if leg_px.is_nan() || *leg_px < 4.0 {
            return Err(Parameter::new("length of a leg in pixels", *leg_px, "at least 4").into());
        }
        component(frames, *leg_px, (0.5 / step) as usize, rows, signal);
        let analysis = ExerciseConfig::default().with_min_height_deg(LEAST_HEIGHT).build(1.0 / step)?;
        let at = |i: usize| first + i as f64 * step;
        let found = analysis.repetitions_into(signal, scratch)?.iter();
        let found = found.map(|r| RepetitionSpan { start_s: at(r.start), peak_s: at(r.peak), end_s: at(r.end) });
        spans.extend(found.filter(|s| s.end_s > s.start_s));
        Ok(())
    }
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Thigh and shank where they are seen longest: no view makes them longer than they are.
fn leg_length(frames: &[[[f64; 2]; BODY_POINTS]], lengths: &mut Vec<f64>) -> f64 {
    let leg = |f: &[[f64; 2]; BODY_POINTS]| {
        (0..2).map(|side| distance(f[2 + side], f[4 + side]) + distance(f[4 + side], f[6 + side])).sum::<f64>() / 2.0
    };
    lengths.clear();
    lengths.extend(frames.iter().map(leg));
    let place = lengths.len() * 9 / 10;
    if lengths.is_empty() { 0.0 } else { *lengths.select_nth_unstable_by(place, f64::total_cmp).1 }
}

/// The first principal component in percent of a leg, 0 on average at rest in the beginning and mostly above.
fn component(
    frames: &[[[f64; 2]; BODY_POINTS]],
    leg_px: f64,
    rest: usize,
    rows: &mut Vec<[f64; COORDINATES]>,
    signal: &mut Vec<f64>,
) {
    rows.clear();
    rows.extend(frames.iter().map(|f| std::array::from_fn(|c| f[c / 2][c % 2] * 100.0 / leg_px)));
    signal.clear();
    let n = rows.len() as f64;
    let mut mean = [0.0; COORDINATES];
    rows.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / n));
    let mut covariance = [[0.0; COORDINATES]; COORDINATES];
    for row in rows.iter() {
        let d: [f64; COORDINATES] = std::array::from_fn(|c| row[c] - mean[c]);
        covariance.iter_mut().zip(d).for_each(|(to, a)| to.iter_mut().zip(d).for_each(|(to, b)| *to += a * b / n));
    }
    // the coordinate that moves most is not orthogonal to the component
    let most = (0..COORDINATES).max_by(|a, b| covariance[*a][*a].total_cmp(&covariance[*b][*b])).unwrap_or(0);
    let mut axis = covariance[most];
    for _ in 0..200 {
        let next: [f64; COORDINATES] =
            std::array::from_fn(|c| covariance[c].iter().zip(&axis).map(|(a, b)| a * b).sum());
        let norm = next.iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm < 1e-12 {
            signal.resize(rows.len(), 0.0);
            return;
        }
        axis = next.map(|v| v / norm);
    }
    let along = |row: &[f64; COORDINATES]| row.iter().zip(&mean).zip(&axis).map(|((v, m), a)| (v - m) * a).sum::<f64>();
    signal.extend(rows.iter().map(along));
    let rest = rest.clamp(1, signal.len().max(1));
    let begin = signal.iter().take(rest).sum::<f64>() / rest as f64;
    let sign = if begin > 0.0 { -1.0 } else { 1.0 };
    signal.iter_mut().for_each(|v| *v = sign * (*v - begin));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehab::BodySequence;

    fn course(frames: &[BodyPoints]) -> Result<Course> {
        let sequence = BodySequence::at_rate(30.0, frames)?;
        let mut course = Course::default();
        course.fill(sequence.times_s(), sequence.points())?;
        Ok(course)
    }

    #[test]
    fn a_course_there_and_back_is_found_in_any_direction() {
        let body: [[f64; 2]; BODY_POINTS] = [
            [300.0, 100.0],
            [340.0, 100.0],
            [310.0, 220.0],
            [330.0, 220.0],
            [310.0, 300.0],
            [330.0, 300.0],
            [310.0, 380.0],
            [330.0, 380.0],
            [300.0, 390.0],
            [320.0, 390.0],
            [330.0, 392.0],
            [350.0, 392.0],
        ];
        for direction in [[1.0, 0.3], [-0.5, 1.0], [0.0, -1.0]] {
            let frames: Vec<_> = (0..400)
                .map(|i| {
                    let t = f64::from(i) / 30.0 - 1.0;
                    let s = if (0.0..12.0).contains(&t) {
                        0.5 - 0.5 * (t * std::f64::consts::TAU / 3.0).cos()
                    } else {
                        0.0
                    };
                    std::array::from_fn(|k| {
                        let moved = if k < 4 { 60.0 * s } else { 0.0 };
                        [(body[k][0] + direction[0] * moved) as f32, (body[k][1] + direction[1] * moved) as f32]
                    })
                })
                .collect();
            let course = course(&frames).unwrap();
            assert_eq!(course.spans.len(), 4, "{direction:?}");
            assert!((course.spans[0].peak_s - 2.5).abs() < 0.1, "{:?}", course.spans[0]);
        }
    }

    #[test]
    fn nobody_moves() {
        let still = [[100.0f32; 2]; BODY_POINTS];
        assert!(course(&[still; 90]).is_err(), "a leg without length");
    }
}
