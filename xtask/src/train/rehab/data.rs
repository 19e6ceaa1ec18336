//! Windows of simulated subjects, with what is to be said of them.

use eir_vision::rehab::simulation::{SimulatedExercise, SimulationConfig, simulate};
use eir_vision::rehab::{KneeExercise, RepetitionWindow, training_target, windows};
use std::error::Error;

/// Which subjects: no one is in two parts.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Learn,
    Choose,
    Calibrate,
    Judge,
}

impl Part {
    /// The subjects of this part, exercise by exercise.
    pub(super) fn first(self, exercise: KneeExercise) -> u64 {
        let kind = KneeExercise::ALL.iter().position(|e| *e == exercise).unwrap_or(0) as u64;
        (self as u64) << 40 | kind << 32
    }
}

/// What the networks see and what they are to say.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) features: Vec<f32>,
    pub(super) target: [f32; 6],
    pub(super) class: usize,
}

/// Examples as they were simulated.
pub(super) struct Windows(Vec<Example>);

/// Examples in standard deviations, and what these are.
pub(super) struct Scaled {
    pub(super) examples: Vec<Example>,
    pub(super) mean: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) target_mean: Vec<f32>,
    pub(super) target_scale: Vec<f32>,
}

/// The found repetition of each true one, by the time of its peak; none where it was not found.
pub(super) fn matched<'a>(peaks_s: &[f64], found: &'a [RepetitionWindow]) -> Vec<Option<&'a RepetitionWindow>> {
    let near = |peak: &f64| {
        let distance = |w: &RepetitionWindow| (w.span.peak_s - peak).abs();
        let best = found.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        best.filter(|w| *peak > w.span.start_s && *peak < w.span.end_s)
    };
    peaks_s.iter().map(near).collect()
}

impl Windows {
    /// Squats with their measures; subject after subject under one condition after the other.
    pub(super) fn of_squats(
        conditions: &[SimulationConfig],
        seed: u64,
        part: Part,
        subjects: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let mut all = Vec::new();
        for (subject, condition) in (0..subjects).zip(conditions.iter().cycle()) {
            let film = simulate(condition, seed, part.first(KneeExercise::Squat) + subject)?;
            let Ok(found) = windows(&film.sequence) else { continue };
            let peaks: Vec<f64> = film.squats.iter().map(|s| s.peak_s).collect();
            for (squat, window) in film.squats.iter().zip(matched(&peaks, &found)) {
                let Some(window) = window else { continue };
                let target = training_target(&squat.measures, window, film.leg_cm)?.map(|v| v as f32);
                // a window that holds more than its squat teaches nothing
                if target[3].abs() < 0.5 {
                    all.push(Example { features: window.features.clone(), target, class: 2 });
                }
            }
        }
        Ok(Self(all))
    }

    /// Repetitions of each exercise.
    pub(super) fn of_all(
        conditions: &[SimulationConfig],
        seed: u64,
        part: Part,
        subjects: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let mut all = Vec::new();
        for (class, exercise) in KneeExercise::ALL.into_iter().enumerate() {
            // squats of other subjects than those of `of_squats`
            let first = part.first(exercise) + (1 << 31);
            for (subject, condition) in (0..subjects).zip(conditions.iter().cycle()) {
                let film = simulate(&condition.clone().with_exercise(exercise), seed, first + subject)?;
                let Ok(found) = windows(&film.sequence) else { continue };
                all.extend(found.into_iter().map(|w| Example { features: w.features, target: [0.0; 6], class }));
            }
        }
        Ok(Self(all))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// In standard deviations of these windows.
    pub(super) fn standardised(&self) -> Result<Scaled, Box<dyn Error>> {
        if self.0.is_empty() {
            return Err("no repetition was found".into());
        }
        let frames = RepetitionWindow::FRAMES;
        let moments = |values: &mut dyn Iterator<Item = f32>| {
            let (mut n, mut sum, mut square) = (0.0f64, 0.0f64, 0.0f64);
            for v in values.map(f64::from) {
                (n, sum, square) = (n + 1.0, sum + v, square + v * v);
            }
            let mean = sum / n;
            (mean as f32, ((square / n - mean * mean).max(0.0).sqrt() as f32).max(1e-3))
        };
        let channel = |c: usize| {
            moments(&mut self.0.iter().flat_map(|e| e.features[c * frames..(c + 1) * frames].iter().copied()))
        };
        let (mean, scale) = (0..RepetitionWindow::CHANNELS).map(channel).unzip();
        let (target_mean, target_scale) = (0..6).map(|i| moments(&mut self.0.iter().map(|e| e.target[i]))).unzip();
        let scaled = Scaled { examples: Vec::new(), mean, scale, target_mean, target_scale };
        Ok(Scaled { examples: self.scaled_as(&scaled), ..scaled })
    }

    /// In the standard deviations of others.
    pub(super) fn scaled_as(&self, by: &Scaled) -> Vec<Example> {
        let one = |e: &Example| {
            let rows = e.features.chunks_exact(RepetitionWindow::FRAMES).zip(by.mean.iter().zip(&by.scale));
            let features =
                rows.flat_map(|(row, (m, s))| row.iter().map(move |v| ((v - m) / s).clamp(-8.0, 8.0))).collect();
            let target = std::array::from_fn(|i| (e.target[i] - by.target_mean[i]) / by.target_scale[i]);
            Example { features, target, class: e.class }
        };
        self.0.iter().map(one).collect()
    }
}

/// Recordings of subjects of a part under one condition.
pub(super) fn films(
    condition: &SimulationConfig,
    seed: u64,
    part: Part,
    subjects: u64,
) -> Result<Vec<SimulatedExercise>, eir_vision::Error> {
    let first = part.first(condition.exercise);
    (0..subjects).map(|subject| simulate(condition, seed, first + subject)).collect()
}
