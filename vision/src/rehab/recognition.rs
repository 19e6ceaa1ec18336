//! Which exercise it is.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Deref;

/// A knee exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KneeExercise {
    /// Lying on the back, a heel slides to the body and away.
    HeelSlide,
    /// Lying on the back, a straight leg is lifted.
    StraightLegRaise,
    /// Standing, both knees bend.
    #[default]
    Squat,
    /// From a chair, up and down.
    SitToStand,
    /// Up a step and down.
    StepUp,
    /// The last part of the knee's extension, lying over a roll or standing.
    TerminalKneeExtension,
    /// None of these.
    Other,
}

impl KneeExercise {
    /// All, in the order of the network's outputs.
    pub const ALL: [Self; 7] = [
        Self::HeelSlide,
        Self::StraightLegRaise,
        Self::Squat,
        Self::SitToStand,
        Self::StepUp,
        Self::TerminalKneeExtension,
        Self::Other,
    ];

    /// The code: `heel_slide`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::HeelSlide => "heel_slide",
            Self::StraightLegRaise => "straight_leg_raise",
            Self::Squat => "squat",
            Self::SitToStand => "sit_to_stand",
            Self::StepUp => "step_up",
            Self::TerminalKneeExtension => "terminal_knee_extension",
            Self::Other => "other",
        }
    }
}

/// Some of the exercises, as a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ExerciseList {
    all: [KneeExercise; 7],
    len: usize,
}

impl FromIterator<KneeExercise> for ExerciseList {
    /// The first seven.
    fn from_iter<I: IntoIterator<Item = KneeExercise>>(exercises: I) -> Self {
        let mut list = Self::default();
        for (to, exercise) in list.all.iter_mut().zip(exercises) {
            *to = exercise;
            list.len += 1;
        }
        list
    }
}

impl Deref for ExerciseList {
    type Target = [KneeExercise];

    fn deref(&self) -> &[KneeExercise] {
        &self.all[..self.len]
    }
}

impl std::fmt::Debug for ExerciseList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl Serialize for ExerciseList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'a> Deserialize<'a> for ExerciseList {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::deserialize(deserializer)?;
        if all.len() > 7 { Err(D::Error::custom("more than seven exercises")) } else { Ok(all.into_iter().collect()) }
    }
}

/// Which exercise a recording, or one repetition of it, shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recognition {
    /// Probability of each exercise in the order of [`KneeExercise::ALL`]; of a recording the mean over its repetitions.
    pub probabilities: [f64; 7],
    /// The exercises that cannot be ruled out: together they hold the true one in 90 % of recordings (split conformal).
    pub candidates: ExerciseList,
    /// The exercise, if there is one candidate; else the answer is withheld.
    pub exercise: Option<KneeExercise>,
}

impl Recognition {
    /// Of probabilities; a class belongs to the set if its score 1 − p is at most `threshold` (LAC).
    pub(super) fn of(probabilities: [f64; 7], threshold: f64) -> Self {
        let listed = KneeExercise::ALL.into_iter().zip(probabilities).filter(|(_, p)| 1.0 - p <= threshold);
        let mut candidates: ExerciseList = listed.map(|(e, _)| e).collect();
        if candidates.is_empty() {
            // a set is never empty: the likeliest always belongs to it
            let best = (0..7).fold(0, |b, i| if probabilities[i] > probabilities[b] { i } else { b });
            candidates = [KneeExercise::ALL[best]].into_iter().collect();
        }
        let exercise = candidates.first().copied().filter(|_| candidates.len() == 1);
        Self { probabilities, candidates, exercise }
    }

    /// The likeliest exercise, whether or not it is sure.
    #[must_use]
    pub fn likeliest(&self) -> KneeExercise {
        let best = (0..7).fold(0, |b, i| if self.probabilities[i] > self.probabilities[b] { i } else { b });
        KneeExercise::ALL[best]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_never_empty_and_codes_are_those_of_serde() {
        let sure = Recognition::of([0.01, 0.01, 0.94, 0.01, 0.01, 0.01, 0.01], 0.5);
        assert_eq!((sure.exercise, sure.likeliest()), (Some(KneeExercise::Squat), KneeExercise::Squat));
        let torn = Recognition::of([0.0, 0.0, 0.45, 0.5, 0.05, 0.0, 0.0], 0.6);
        assert_eq!((torn.exercise, torn.candidates.len()), (None, 2));
        assert_eq!(Recognition::of([1.0 / 7.0; 7], 0.1).candidates.len(), 1);
        let text = serde_json::to_string(&torn).unwrap();
        assert!(text.contains(r#""candidates":["squat","sit_to_stand"]"#), "{text}");
        assert_eq!(serde_json::from_str::<Recognition>(&text).unwrap(), torn);
        assert!(serde_json::from_str::<ExerciseList>(&format!("[{}]", ["\"squat\""; 8].join(","))).is_err());
        for exercise in KneeExercise::ALL {
            assert_eq!(serde_json::to_string(&exercise).unwrap(), format!("\"{}\"", exercise.code()));
        }
    }
}
