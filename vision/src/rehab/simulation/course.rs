//! When the repetitions of a simulated exercise happen.

use crate::rehab::KneeExercise;
use eir_core::random::Stream;

/// One repetition: there, hold, back, in seconds, and the shape of its curve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bout {
    start_s: f64,
    there_s: f64,
    hold_s: f64,
    back_s: f64,
    /// Share of the minimum-jerk curve, the rest is a cosine.
    jerk: f64,
    warp: f64,
}

/// Where an exercise is: in which repetition, how far (0 at rest, 1 at its farthest), and the time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Phase {
    pub(super) repetition: usize,
    pub(super) share: f64,
    pub(super) time_s: f64,
}

/// All repetitions.
#[derive(Debug, Clone)]
pub(super) struct Timing {
    pub(super) repetitions: Vec<Bout>,
    pub(super) length_s: f64,
}

impl Timing {
    pub(super) fn drawn(exercise: KneeExercise, s: &mut Stream) -> Self {
        let fastest: f64 = if exercise == KneeExercise::Squat { 0.9 } else { 1.2 };
        let usual = (s.range(fastest.ln(), 6.5f64.ln())).exp();
        let pause = if s.chance(0.4) { 0.0 } else { s.range(0.0, 1.5) };
        let hold = if s.chance(0.4) { 0.0 } else { s.range(0.0, 0.3) };
        let (jerk, even) = (s.uniform(), s.range(0.35, 0.65));
        let mut time = s.range(0.6, 1.6);
        let mut repetitions = Vec::new();
        for _ in 0..2 + s.below(3) {
            let length = usual * s.range(0.88, 1.12);
            let hold_s = hold * length;
            let even = even + 0.03 * s.normal();
            let bout = Bout {
                start_s: time,
                there_s: (length - hold_s) * even,
                hold_s,
                back_s: (length - hold_s) * (1.0 - even),
                jerk,
                warp: s.range(0.85, 1.18),
            };
            time += length + pause * s.range(0.7, 1.3);
            repetitions.push(bout);
        }
        Self { repetitions, length_s: time + s.range(0.5, 1.2) }
    }

    pub(super) fn phase(&self, t: f64) -> Phase {
        let last = self.repetitions.iter().rposition(|b| t >= b.start_s).unwrap_or(0);
        let Some(b) = self.repetitions.get(last) else { return Phase::default() };
        let since = t - b.start_s;
        let smooth = |u: f64| {
            let u = u.clamp(0.0, 1.0).powf(b.warp);
            let jerk = u * u * u * (10.0 - 15.0 * u + 6.0 * u * u);
            b.jerk * jerk + (1.0 - b.jerk) * 0.5 * (1.0 - (std::f64::consts::PI * u).cos())
        };
        let back = since > b.there_s + b.hold_s;
        let share = if since <= 0.0 {
            0.0
        } else if !back {
            smooth(since / b.there_s)
        } else {
            smooth(1.0 - (since - b.there_s - b.hold_s) / b.back_s)
        };
        Phase { repetition: last, share, time_s: t }
    }

    /// The middle of the hold.
    pub(super) fn peak_s(&self, i: usize) -> f64 {
        self.repetitions.get(i).map_or(0.0, |b| b.start_s + b.there_s + 0.5 * b.hold_s)
    }

    /// From the begin of a repetition to that of the next, or the end of the film.
    pub(super) fn window_s(&self, i: usize) -> [f64; 2] {
        let start = |i: usize| self.repetitions.get(i).map(|b| b.start_s);
        [start(i).unwrap_or(0.0), start(i + 1).unwrap_or(self.length_s)]
    }
}
