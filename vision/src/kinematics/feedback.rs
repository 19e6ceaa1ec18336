//! What to tell the person who exercises: codes, for an app to translate.

use super::report::{ExerciseReport, RepetitionReport};
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// What was noticed. The text of each, [`code`](Self::code), never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Feedback {
    /// All as it should be.
    Good,
    /// The knee was not bent far enough.
    TooShallow,
    /// The knee was bent further than allowed.
    TooDeep,
    /// The knee was not stretched on the way back.
    IncompleteExtension,
    /// Faster than it should be.
    TooFast,
    /// Slower than it should be.
    TooSlow,
    /// Not held long enough.
    HoldTooShort,
    /// Not smooth.
    Jerky,
    /// The sides differ.
    Asymmetric,
    /// The knee moved inwards.
    KneeInwards,
    /// The trunk leaned too far.
    TrunkLean,
    /// The heels left the floor.
    HeelRise,
    /// Heights or speeds fall from repetition to repetition.
    Tiring,
}

impl Feedback {
    /// The code: `too_shallow`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::TooShallow => "too_shallow",
            Self::TooDeep => "too_deep",
            Self::IncompleteExtension => "incomplete_extension",
            Self::TooFast => "too_fast",
            Self::TooSlow => "too_slow",
            Self::HoldTooShort => "hold_too_short",
            Self::Jerky => "jerky",
            Self::Asymmetric => "asymmetric",
            Self::KneeInwards => "knee_inwards",
            Self::TrunkLean => "trunk_lean",
            Self::HeelRise => "heel_rise",
            Self::Tiring => "tiring",
        }
    }
}

/// What an exercise should be, as the therapist sets it; what is not set is not judged.
///
/// **Use it** to turn numbers into a few words. The limits are the therapist's: there are no defaults, because what is right
/// depends on the operation and the week after it.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::{Feedback, Targets, analyse};
/// let angle: Vec<f64> = (0..300).map(|i| 35.0 - 30.0 * (f64::from(i) / 75.0 * std::f64::consts::TAU).cos()).collect();
/// let report = analyse(&angle, 30.0)?.report();
/// let targets = Targets::default().with_peak_deg(80.0, 120.0);
/// assert_eq!(targets.judge(&report.repetitions[1])?, [Feedback::TooShallow]);
/// assert_eq!(Feedback::TooShallow.code(), "too_shallow");
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Targets {
    /// Smallest and largest peak angle in degrees.
    pub peak_deg: Option<[f64; 2]>,
    /// Largest angle that may be left on the way back, in degrees.
    pub extension_deficit_deg: Option<f64>,
    /// Shortest and longest time of bending and of stretching (10 % to 90 %), in seconds.
    pub phase_s: Option<[f64; 2]>,
    /// Shortest hold in seconds.
    pub hold_s: Option<f64>,
    /// Lowest spectral arc length.
    pub spectral_arc_length: Option<f64>,
    /// Smallest limb symmetry in percent.
    pub limb_symmetry_percent: Option<f64>,
    /// Largest frontal-plane projection angle (valgus) at the peak, in degrees.
    pub valgus_deg: Option<f64>,
    /// Largest lean of the trunk in degrees.
    pub trunk_lean_deg: Option<f64>,
}

impl Targets {
    /// Sets [`peak_deg`](Self::peak_deg).
    #[must_use]
    pub fn with_peak_deg(self, least: f64, most: f64) -> Self {
        Self { peak_deg: Some([least, most]), ..self }
    }

    /// Sets [`extension_deficit_deg`](Self::extension_deficit_deg).
    #[must_use]
    pub fn with_extension_deficit_deg(self, most: f64) -> Self {
        Self { extension_deficit_deg: Some(most), ..self }
    }

    /// Sets [`phase_s`](Self::phase_s).
    #[must_use]
    pub fn with_phase_s(self, least: f64, most: f64) -> Self {
        Self { phase_s: Some([least, most]), ..self }
    }

    /// Sets [`hold_s`](Self::hold_s).
    #[must_use]
    pub fn with_hold_s(self, least: f64) -> Self {
        Self { hold_s: Some(least), ..self }
    }

    /// Sets [`spectral_arc_length`](Self::spectral_arc_length).
    #[must_use]
    pub fn with_spectral_arc_length(self, least: f64) -> Self {
        Self { spectral_arc_length: Some(least), ..self }
    }

    /// Sets [`limb_symmetry_percent`](Self::limb_symmetry_percent).
    #[must_use]
    pub fn with_limb_symmetry_percent(self, least: f64) -> Self {
        Self { limb_symmetry_percent: Some(least), ..self }
    }

    /// Sets [`valgus_deg`](Self::valgus_deg).
    #[must_use]
    pub fn with_valgus_deg(self, most: f64) -> Self {
        Self { valgus_deg: Some(most), ..self }
    }

    /// Sets [`trunk_lean_deg`](Self::trunk_lean_deg).
    #[must_use]
    pub fn with_trunk_lean_deg(self, most: f64) -> Self {
        Self { trunk_lean_deg: Some(most), ..self }
    }

    /// Checks that every limit is a number and none is above its partner.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first that is not.
    pub fn validate(&self) -> Result<()> {
        for (name, pair) in [("peak_deg", self.peak_deg), ("phase_s", self.phase_s)] {
            if let Some([least, most]) = pair.filter(|[a, b]| !(a.is_finite() && b.is_finite() && a <= b)) {
                let value = if least.is_finite() { most } else { least };
                return Err(Parameter::new(name, value, "two finite numbers, the smaller one first").into());
            }
        }
        let singles = [
            ("extension_deficit_deg", self.extension_deficit_deg),
            ("hold_s", self.hold_s),
            ("spectral_arc_length", self.spectral_arc_length),
            ("limb_symmetry_percent", self.limb_symmetry_percent),
            ("valgus_deg", self.valgus_deg),
            ("trunk_lean_deg", self.trunk_lean_deg),
        ];
        match singles.into_iter().find(|(_, v)| v.is_some_and(|v| !v.is_finite())) {
            Some((name, value)) => Err(Parameter::new(name, value.unwrap_or_default(), "finite").into()),
            None => Ok(()),
        }
    }

    /// What to say of one repetition; [`Feedback::Good`] alone if there is nothing.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn judge(&self, r: &RepetitionReport) -> Result<Vec<Feedback>> {
        self.validate()?;
        let below = |v: f64, least: Option<f64>| least.is_some_and(|l| v < l);
        let above = |v: f64, most: Option<f64>| most.is_some_and(|m| v > m);
        let phases = [r.rise, r.fall];
        let arc = phases.iter().filter_map(|p| p.spectral_arc_length).fold(f64::INFINITY, f64::min);
        let said = [
            (below(r.peak_deg, self.peak_deg.map(|p| p[0])), Feedback::TooShallow),
            (above(r.peak_deg, self.peak_deg.map(|p| p[1])), Feedback::TooDeep),
            (above(r.extension_deficit_deg, self.extension_deficit_deg), Feedback::IncompleteExtension),
            (phases.iter().any(|p| below(p.duration_s, self.phase_s.map(|p| p[0]))), Feedback::TooFast),
            (phases.iter().any(|p| above(p.duration_s, self.phase_s.map(|p| p[1]))), Feedback::TooSlow),
            (below(r.hold_s, self.hold_s), Feedback::HoldTooShort),
            (below(arc, self.spectral_arc_length), Feedback::Jerky),
        ];
        Ok(good_if_none(said.into_iter().filter(|(said, _)| *said).map(|(_, f)| f).collect()))
    }

    /// What to say of a whole exercise: symmetry of both sides' ranges of motion, the valgus and trunk lean that were
    /// measured (none: not judged), and whether a trend says that it tires.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn judge_exercise(
        &self,
        report: &ExerciseReport,
        limb_symmetry_percent: Option<f64>,
        valgus_deg: Option<f64>,
        trunk_lean_deg: Option<f64>,
    ) -> Result<Vec<Feedback>> {
        self.validate()?;
        let both =
            |a: Option<f64>, b: Option<f64>, wrong: fn(f64, f64) -> bool| a.zip(b).is_some_and(|(a, b)| wrong(a, b));
        let falls = [&report.height_trend_deg, &report.speed_trend_deg_s];
        let said = [
            (both(limb_symmetry_percent, self.limb_symmetry_percent, |v, l| v < l), Feedback::Asymmetric),
            (both(valgus_deg, self.valgus_deg, |v, l| v > l), Feedback::KneeInwards),
            (both(trunk_lean_deg, self.trunk_lean_deg, |v, l| v > l), Feedback::TrunkLean),
            (falls.into_iter().flatten().any(|trend| trend.upper < 0.0), Feedback::Tiring),
        ];
        Ok(good_if_none(said.into_iter().filter(|(said, _)| *said).map(|(_, f)| f).collect()))
    }
}

fn good_if_none(said: Vec<Feedback>) -> Vec<Feedback> {
    if said.is_empty() { vec![Feedback::Good] } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinematics::analyse;

    #[test]
    fn only_what_is_set_is_judged_and_codes_are_those_of_serde() {
        let angle: Vec<f64> =
            (0..300).map(|i| 35.0 - 30.0 * (f64::from(i) / 75.0 * std::f64::consts::TAU).cos()).collect();
        let report = analyse(&angle, 30.0).unwrap().report();
        let one = &report.repetitions[1];
        assert_eq!(Targets::default().judge(one).unwrap(), [Feedback::Good]);
        let strict = Targets::default().with_phase_s(1.0, 3.0).with_hold_s(1.0).with_extension_deficit_deg(2.0);
        let said = strict.judge(one).unwrap();
        assert_eq!(said, [Feedback::IncompleteExtension, Feedback::TooFast, Feedback::HoldTooShort]);
        let whole = Targets::default().with_limb_symmetry_percent(90.0).with_valgus_deg(5.0);
        assert_eq!(whole.judge_exercise(&report, Some(80.0), Some(3.0), Some(60.0)).unwrap(), [Feedback::Asymmetric]);
        for f in said {
            assert_eq!(serde_json::to_string(&f).unwrap(), format!("\"{}\"", f.code()));
        }
        assert!(Targets::default().with_peak_deg(90.0, 80.0).judge(one).is_err());
        assert!(Targets::default().with_hold_s(f64::NAN).judge(one).is_err());
    }
}
