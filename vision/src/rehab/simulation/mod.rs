//! Simulated exercises whose truth is known: what the networks of [`rehab`](super) were trained on and are judged by.
//!
//! Bodies are chains of rigid segments that move in space, seen by a camera from a drawn direction, with jitter, lost
//! points and hips that a detector puts elsewhere. Each subject has its own stream of random numbers: subject 7 of seed 3
//! is the same whoever asks for it.
//!
//! ```
//! use eir_vision::rehab::simulation::{SimulationConfig, simulate};
//! let film = simulate(&SimulationConfig::default(), 3, 7)?;
//! assert!(film.squats.len() >= 2 && film.squats[0].measures.depth_deg > 30.0);
//! # Ok::<(), eir_vision::Error>(())
//! ```

mod body;
mod camera;
mod course;
mod motions;

use super::measures::{SquatMeasures, squat_measures};
use super::recognition::KneeExercise;
use super::sequence::BodySequence;
use crate::Result;
use eir_core::error::Parameter;
use eir_core::random::Generator;
use serde::{Deserialize, Serialize};

use body::Shape;
use camera::Camera;
use course::Timing;
use motions::Motion;

/// Settings of [`simulate`]: each pair is the range from which a subject's value is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SimulationConfig {
    /// What is done. Default squat.
    pub exercise: KneeExercise,
    /// Angle between the plane of movement and the picture in degrees, to either side: 0 from the side, 90 from the front
    /// or the back. Default 20 to 70.
    pub yaw_deg: [f64; 2],
    /// Standard deviation of a coordinate in percent of a leg's length, 0 to 10. Default 0.2 to 0.9, which is 0.6 to 2.6
    /// pixels for a leg of 290.
    pub noise_percent: [f64; 2],
    /// Share of the points of each picture that are lost, 0 to 0.9. Default 0 to 0.1.
    pub dropout: [f64; 2],
    /// How far the hips are seen from where the joints are, in lengths of the trunk, 0 to 0.3. Default 0 to 0.02.
    pub hip_shift: [f64; 2],
    /// Pictures a second, 5 to 240. Default 15 to 60.
    pub rate_hz: [f64; 2],
    /// How far the knees of a squat move inwards where it is known, in cm, −5 to 12. Default drawn, −3 to 10.5.
    pub valgus_cm: Option<f64>,
}

impl Default for SimulationConfig {
    fn default() -> Self {
        Self {
            exercise: KneeExercise::Squat,
            yaw_deg: [20.0, 70.0],
            noise_percent: [0.2, 0.9],
            dropout: [0.0, 0.1],
            hip_shift: [0.0, 0.02],
            rate_hz: [15.0, 60.0],
            valgus_cm: None,
        }
    }
}

impl SimulationConfig {
    /// Sets [`exercise`](Self::exercise).
    #[must_use]
    pub fn with_exercise(self, exercise: KneeExercise) -> Self {
        Self { exercise, ..self }
    }

    /// Sets [`yaw_deg`](Self::yaw_deg).
    #[must_use]
    pub fn with_yaw_deg(self, yaw_deg: [f64; 2]) -> Self {
        Self { yaw_deg, ..self }
    }

    /// Sets [`noise_percent`](Self::noise_percent).
    #[must_use]
    pub fn with_noise_percent(self, noise_percent: [f64; 2]) -> Self {
        Self { noise_percent, ..self }
    }

    /// Sets [`dropout`](Self::dropout).
    #[must_use]
    pub fn with_dropout(self, dropout: [f64; 2]) -> Self {
        Self { dropout, ..self }
    }

    /// Sets [`hip_shift`](Self::hip_shift).
    #[must_use]
    pub fn with_hip_shift(self, hip_shift: [f64; 2]) -> Self {
        Self { hip_shift, ..self }
    }

    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: [f64; 2]) -> Self {
        Self { rate_hz, ..self }
    }

    /// Sets [`valgus_cm`](Self::valgus_cm).
    #[must_use]
    pub fn with_valgus_cm(self, valgus_cm: f64) -> Self {
        Self { valgus_cm: Some(valgus_cm), ..self }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first that is none.
    pub fn validate(&self) -> Result<()> {
        for (name, [low, high], least, most, rule) in [
            ("yaw_deg", self.yaw_deg, 0.0, 90.0, "a range within 0 to 90 degrees"),
            ("noise_percent", self.noise_percent, 0.0, 10.0, "a range within 0 to 10 percent"),
            ("dropout", self.dropout, 0.0, 0.9, "a range within 0 to 0.9"),
            ("hip_shift", self.hip_shift, 0.0, 0.3, "a range within 0 to 0.3"),
            ("rate_hz", self.rate_hz, 5.0, 240.0, "a range within 5 to 240 Hz"),
        ] {
            if !(low >= least && high <= most && low <= high) {
                return Err(Parameter::new(name, if low >= least { high } else { low }, rule).into());
            }
        }
        match self.valgus_cm {
            Some(value) if !(-5.0..=12.0).contains(&value) => {
                Err(Parameter::new("valgus_cm", value, "-5 to 12 cm").into())
            }
            _ => Ok(()),
        }
    }
}

/// A simulated recording and its truth.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SimulatedExercise {
    /// What was seen.
    pub sequence: BodySequence,
    /// What was done.
    pub exercise: KneeExercise,
    /// The subject's height in cm.
    pub height_cm: f64,
    /// Thigh and shank together in cm.
    pub leg_cm: f64,
    /// When each repetition was at its farthest, in seconds.
    pub peaks_s: Vec<f64>,
    /// Truth of each repetition, where squats were done.
    pub squats: Vec<TrueSquat>,
}

/// A squat as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TrueSquat {
    /// The middle of its deepest phase, in seconds.
    pub peak_s: f64,
    /// By [`squat_measures`].
    pub measures: SquatMeasures,
}

/// Pictures a second at which truth is measured.
const TRUTH_HZ: f64 = 120.0;

/// Simulates the recording of subject `subject` of `seed`: two to four repetitions.
///
/// # Errors
/// As [`SimulationConfig::validate`].
pub fn simulate(config: &SimulationConfig, seed: u64, subject: u64) -> Result<SimulatedExercise> {
    config.validate()?;
    // conditions of the recording come last, so that a subject does the same under other conditions
    let mut body = Generator::new(seed, "rehab body").stream(subject);
    let mut film = Generator::new(seed, "rehab film").stream(subject);
    let shape = Shape::drawn(&mut body);
    let timing = Timing::drawn(config.exercise, &mut body);
    let mut motion = Motion::drawn(config.exercise, &shape, timing.repetitions.len(), &mut body);
    if let Some(valgus_cm) = config.valgus_cm {
        motion.plant_valgus(valgus_cm / 100.0);
    }
    let at = |t: f64| motion.points(&shape, timing.phase(t));
    let camera = Camera::drawn(config, &shape, &mut film);
    let rate = film.range(config.rate_hz[0], config.rate_hz[1]);
    let count = (timing.length_s * rate) as usize;
    let times: Vec<f64> = (0..count).map(|i| i as f64 / rate).collect();
    let points = camera.film(times.iter().map(|t| at(*t)), config, &mut film);
    let mut squats = Vec::new();
    if config.exercise == KneeExercise::Squat {
        for i in 0..timing.repetitions.len() {
            let [from, to] = timing.window_s(i);
            let moments = ((to - from) * TRUTH_HZ) as usize + 1;
            let moments: Vec<f64> = (0..moments).map(|k| from + k as f64 / TRUTH_HZ).collect();
            let space: Vec<_> = moments.iter().map(|t| at(*t)).collect();
            let measures = squat_measures(&at(0.0), &moments, &space)?;
            squats.push(TrueSquat { peak_s: timing.peak_s(i), measures });
        }
    }
    Ok(SimulatedExercise {
        sequence: BodySequence::new(&times, &points)?,
        exercise: config.exercise,
        height_cm: 100.0 * shape.height,
        leg_cm: 100.0 * (shape.thigh + shape.shank),
        peaks_s: (0..timing.repetitions.len()).map(|i| timing.peak_s(i)).collect(),
        squats,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exercise_is_a_film_and_a_seed_repeats() {
        for exercise in KneeExercise::ALL {
            for subject in 0..12 {
                let config = SimulationConfig::default().with_exercise(exercise).with_dropout([0.0, 0.0]);
                let film = simulate(&config, 1, subject).unwrap();
                assert!(film.sequence.len() > 20 && film.peaks_s.len() >= 2, "{exercise:?}");
                assert!(
                    film.sequence.points().as_flattened().as_flattened().iter().all(|v| v.is_finite()),
                    "{exercise:?}"
                );
                let again = simulate(&config, 1, subject).unwrap();
                assert_eq!(film.sequence, again.sequence);
                assert_ne!(film.sequence, simulate(&config, 2, subject).unwrap().sequence);
                assert_eq!(film.squats.is_empty(), exercise != KneeExercise::Squat);
            }
        }
        assert!(SimulationConfig::default().with_dropout([0.5, 0.1]).validate().is_err());
        assert!(SimulationConfig::default().with_valgus_cm(f64::NAN).validate().is_err());
        for valgus_cm in [0.0, 8.0] {
            let planted = simulate(&SimulationConfig::default().with_valgus_cm(valgus_cm), 1, 3).unwrap();
            let found = planted.squats[0].measures.valgus_cm;
            assert!((found - valgus_cm).abs() < 1.5, "{found} of {valgus_cm}");
        }
        assert!(SimulationConfig::default().with_yaw_deg([f64::NAN, 10.0]).validate().is_err());
    }
}
