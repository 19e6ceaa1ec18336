//! Which exercise it is.

use serde::{Deserialize, Serialize};

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

/// Which exercise a recording, or one repetition of it, shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recognition {
    /// Probability of each exercise in the order of [`KneeExercise::ALL`]; of a recording the mean over its repetitions.
    pub probabilities: [f64; 7],
    /// The exercises that cannot be ruled out: together they hold the true one in 90 % of recordings (split conformal).
    pub candidates: Vec<KneeExercise>,
    /// The exercise, if there is one candidate; else the answer is withheld.
    pub exercise: Option<KneeExercise>,
}

impl Recognition {
    /// Of probabilities; a class belongs to the set if its score 1 − p is at most `threshold` (LAC).
    pub(super) fn of(probabilities: [f64; 7], threshold: f64) -> Self {
        let listed = KneeExercise::ALL.into_iter().zip(probabilities).filter(|(_, p)| 1.0 - p <= threshold);
        let mut candidates: Vec<KneeExercise> = listed.map(|(e, _)| e).collect();
        if candidates.is_empty() {
            // a set is never empty: the likeliest always belongs to it
            let best = (0..7).fold(0, |b, i| if probabilities[i] > probabilities[b] { i } else { b });
            candidates.push(KneeExercise::ALL[best]);
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
        for exercise in KneeExercise::ALL {
            assert_eq!(serde_json::to_string(&exercise).unwrap(), format!("\"{}\"", exercise.code()));
        }
    }
}
