//! What the networks see of a repetition: 32 steps, whatever its length and the size of the body.

use super::repetitions::{Course, RepetitionSpan};
use super::sequence::BODY_POINTS;

/// How far a window reaches beyond the repetition, in repetitions.
const MARGIN: f64 = 0.3;
/// Steps that show the body at rest, before the repetition.
const REST: usize = 4;

/// A repetition as the networks see it: [`CHANNELS`](Self::CHANNELS) numbers at each of [`FRAMES`](Self::FRAMES) steps.
///
/// Segments of the body in lengths of a leg, and how far they tilt, turned so that the subject looks to the right of the picture (lying: has the
/// head on its left), and how the body moved from where it rested. Each step is a mean over the pictures about it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RepetitionWindow {
    /// When it was.
    pub span: RepetitionSpan,
    /// Channel after channel.
    pub features: Vec<f32>,
    /// Whether left and right were changed over to turn the subject.
    pub mirrored: bool,
    /// Share of the pictures that show the point which is seen least.
    pub seen: f64,
    /// Angle between the plane of movement and the picture in degrees, as the widths of shoulders and hips against the
    /// lengths of the feet tell it: 0 from the side, 90 from the front or the back. For somebody who stands.
    pub view_deg: f64,
}

/// Width of shoulders and hips together, and length of a foot as it shows from the side (toes 10° outwards), in body
/// heights (Winter 2009, doi:10.1002/9780470549148).
const WIDTHS: f64 = 0.356;
const FOOT: f64 = 0.138;

/// A segment between two points (or means of two) of the left, then of the right side.
const SEGMENTS: [[usize; 2]; 8] = [[2, 4], [3, 5], [4, 6], [5, 7], [10, 8], [11, 9], [8, 6], [9, 7]];
const LINES: [[usize; 2]; 3] = [[1, 0], [3, 2], [7, 6]];

impl RepetitionWindow {
    /// Numbers of a step.
    pub const CHANNELS: usize = 35;
    /// Steps.
    pub const FRAMES: usize = 32;

    /// An empty one that has room.
    pub(super) fn with_room() -> Self {
        let features = vec![0.0; Self::CHANNELS * Self::FRAMES];
        Self { features, ..Self::default() }
    }

    /// Cuts a repetition; allocates nothing once it has held one.
    pub(super) fn fill(&mut self, course: &Course, span: RepetitionSpan) {
        let length = span.end_s - span.start_s;
        let from = span.start_s - MARGIN * length;
        let step = length * (1.0 + 2.0 * MARGIN) / (Self::FRAMES - 1) as f64;
        let mut frames: [[[f64; 2]; BODY_POINTS]; Self::FRAMES] =
            std::array::from_fn(|i| course.tracks.at(from + i as f64 * step, step));
        self.view_deg = view_deg(&frames);
        let mirrored = looks_left(&frames);
        if mirrored {
            frames.iter_mut().for_each(mirror);
        }
        let middle = |f: &[[f64; 2]; BODY_POINTS], a: usize, b: usize| [0, 1].map(|c| 0.5 * (f[a][c] + f[b][c]));
        let mean =
            |of: &dyn Fn(&[[f64; 2]; BODY_POINTS]) -> f64| frames.iter().take(REST).map(of).sum::<f64>() / REST as f64;
        let rest = [mean(&|f| middle(f, 6, 7)[0]), mean(&|f| middle(f, 6, 7)[1])];
        let heels = [mean(&|f| f[8][1]), mean(&|f| f[9][1])];
        let pictures = (step / course.tracks.step_s).max(1.0) * course.tracks.seen(span.start_s, span.end_s).max(0.1);
        let unsure = (course.tracks.jitter_px / course.leg_px / pictures.sqrt() + 1e-4).ln();
        // segments are as long as where they are seen longest: how much of that is upright says how far they tilt, from
        // whatever side they are seen
        let segment = |f: &[[f64; 2]; BODY_POINTS], [a, b]: [usize; 2]| [0, 1].map(|c| f[a][c] - f[b][c]);
        let trunk = |f: &[[f64; 2]; BODY_POINTS]| [0, 1].map(|c| middle(f, 0, 1)[c] - middle(f, 2, 3)[c]);
        let longest = |of: &dyn Fn(&[[f64; 2]; BODY_POINTS]) -> [f64; 2]| {
            frames.iter().map(|f| of(f)[0].hypot(of(f)[1])).fold(1e-9, f64::max)
        };
        let lengths: [f64; 5] =
            std::array::from_fn(|k| if k < 4 { longest(&|f| segment(f, SEGMENTS[k])) } else { longest(&trunk) });
        let tilt = |f: &[[f64; 2]; BODY_POINTS], k: usize| {
            let upright = if k < 4 { segment(f, SEGMENTS[k])[1] } else { trunk(f)[1] };
            (upright / lengths[k]).clamp(-1.0, 1.0).acos()
        };
        self.features.resize(Self::CHANNELS * Self::FRAMES, 0.0);
        for (i, f) in frames.iter().enumerate() {
            let mut row = [0.0; Self::CHANNELS];
            let mut at = 0;
            let mut put = |v: f64| {
                row[at] = v;
                at += 1;
            };
            for [a, b] in SEGMENTS.into_iter().chain(LINES) {
                (0..2).for_each(|c| put((f[a][c] - f[b][c]) / course.leg_px));
            }
            let (shoulders, hips, ankles) = (middle(f, 0, 1), middle(f, 2, 3), middle(f, 6, 7));
            (0..2).for_each(|c| put((shoulders[c] - hips[c]) / course.leg_px));
            (0..2).for_each(|c| put((ankles[c] - rest[c]) / course.leg_px));
            (0..2).for_each(|side| put((f[8 + side][1] - heels[side]) / course.leg_px));
            (0..5).for_each(|k| put(tilt(f, k)));
            put(length.max(1e-3).ln());
            put(unsure);
            for (channel, v) in row.into_iter().enumerate() {
                self.features[channel * Self::FRAMES + i] = v as f32;
            }
        }
        self.seen = course.tracks.seen(span.start_s, span.end_s);
        (self.span, self.mirrored) = (span, mirrored);
    }

    /// Length of the repetition as it was cut, in seconds.
    #[must_use]
    pub fn length_s(&self) -> f64 {
        self.span.end_s - self.span.start_s
    }
}

/// Shoulders and hips are as wide as the sine of the view shows them, feet as long as its cosine.
fn view_deg(frames: &[[[f64; 2]; BODY_POINTS]]) -> f64 {
    let sum = |of: &dyn Fn(&[[f64; 2]; BODY_POINTS]) -> f64| frames.iter().map(of).sum::<f64>().abs();
    let across = sum(&|f| f[1][0] - f[0][0] + f[3][0] - f[2][0]) / WIDTHS;
    let along = sum(&|f| 0.5 * (f[10][0] - f[8][0] + f[11][0] - f[9][0])) / FOOT;
    across.atan2(along).to_degrees()
}

/// Whether the subject looks to the left of the picture: by the toes and the knees, lying by the head.
fn looks_left(frames: &[[[f64; 2]; BODY_POINTS]]) -> bool {
    let sum = |of: &dyn Fn(&[[f64; 2]; BODY_POINTS]) -> f64| frames.iter().map(of).sum::<f64>();
    let trunk = |c: usize| sum(&|f| f[0][c] + f[1][c] - f[2][c] - f[3][c]);
    if trunk(0).abs() > trunk(1).abs() {
        return trunk(0) > 0.0;
    }
    let toes = sum(&|f| f[10][0] - f[8][0] + f[11][0] - f[9][0]);
    let knees = sum(&|f| f[4][0] + f[5][0] - 0.5 * (f[2][0] + f[3][0] + f[6][0] + f[7][0]));
    toes + knees < 0.0
}

/// Left becomes right in the picture and in the body.
fn mirror(frame: &mut [[f64; 2]; BODY_POINTS]) {
    frame.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.swap(0, 1));
    frame.iter_mut().for_each(|p| p[0] = -p[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehab::simulation::{SimulationConfig, simulate};
    use crate::rehab::{BodySequence, windows};

    #[test]
    fn a_mirrored_film_gives_the_same_window_and_size_does_not_count() {
        let film = simulate(&SimulationConfig::default(), 5, 0).unwrap();
        let cut = |change: &dyn Fn(&mut [[f32; 2]; BODY_POINTS])| {
            let mut points = film.sequence.points().to_vec();
            points.iter_mut().for_each(change);
            windows(&BodySequence::new(film.sequence.times_s(), &points).unwrap()).unwrap()
        };
        let plain = cut(&|_| ());
        assert!(!plain.is_empty());
        let turned = cut(&|f| {
            f.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.swap(0, 1));
            f.iter_mut().for_each(|p| p[0] = 640.0 - p[0]);
        });
        let large = cut(&|f| f.iter_mut().for_each(|p| *p = p.map(|v| 2.0 * v + 50.0)));
        for (name, other) in [("turned", turned), ("large", large)] {
            for (a, b) in plain.iter().zip(&other) {
                assert_eq!(a.mirrored == b.mirrored, name == "large");
                let far = a.features.iter().zip(&b.features).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(far < 5e-3, "{name}: {far}");
            }
        }
    }
    /// The view is found to a few degrees, whatever the body.
    #[test]
    fn the_view_is_estimated() {
        for (yaw, subjects) in [(5.0, 0..10), (15.0, 10..20), (45.0, 20..30), (75.0, 30..40), (85.0, 40..50)] {
            let config = SimulationConfig::default().with_yaw_deg([yaw, yaw]);
            let films = subjects.map(|s| simulate(&config, 4, s).unwrap());
            let views: Vec<f64> = films.flat_map(|f| windows(&f.sequence).unwrap()).map(|w| w.view_deg - yaw).collect();
            let rms = (views.iter().map(|v| v * v).sum::<f64>() / views.len() as f64).sqrt();
            println!("{yaw}: {rms:.1}");
            assert!(rms < 5.0, "{yaw}: {rms}");
        }
    }
}
