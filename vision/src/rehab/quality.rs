//! How good a squat was: six measures, each with its doubt, and what counts as a fault.

use super::measures::SquatMeasures;
use crate::Result;
use crate::kinematics::Feedback;
use eir_core::distribution::normal_cdf;
use eir_core::error::Parameter;
use serde::{Deserialize, Deserializer, Serialize};

/// What counts as a fault in a squat. The limits are the therapist's: the defaults are round numbers that a study may
/// start from, no advice.
///
/// # Examples
/// ```
/// use eir_vision::rehab::SquatLimits;
/// let limits = SquatLimits::default().with_depth_deg(60.0); // early after an operation
/// assert_eq!((limits.depth_deg, limits.valgus_cm), (60.0, 4.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SquatLimits {
    /// More valgus than this is a fault, in cm. Default 4.
    pub valgus_cm: f64,
    /// Less depth than this is a fault, in degrees. Default 80.
    pub depth_deg: f64,
    /// More asymmetry than this, to either side, is a fault, in percent. Default 10 (a limb symmetry of 90 %).
    pub asymmetry_percent: f64,
    /// Faster than this is a fault, in seconds from a tenth of the way down to a tenth of it left. Default 2.
    pub tempo_s: f64,
    /// More lean than this is a fault, in degrees. Default 45.
    pub trunk_lean_deg: f64,
    /// A higher rise than this is a fault, in cm. Default 2.
    pub heel_rise_cm: f64,
}

impl Default for SquatLimits {
    fn default() -> Self {
        Self {
            valgus_cm: 4.0,
            depth_deg: 80.0,
            asymmetry_percent: 10.0,
            tempo_s: 2.0,
            trunk_lean_deg: 45.0,
            heel_rise_cm: 2.0,
        }
    }
}

impl SquatLimits {
    /// Sets [`valgus_cm`](Self::valgus_cm).
    #[must_use]
    pub fn with_valgus_cm(self, valgus_cm: f64) -> Self {
        Self { valgus_cm, ..self }
    }

    /// Sets [`depth_deg`](Self::depth_deg).
    #[must_use]
    pub fn with_depth_deg(self, depth_deg: f64) -> Self {
        Self { depth_deg, ..self }
    }

    /// Sets [`asymmetry_percent`](Self::asymmetry_percent).
    #[must_use]
    pub fn with_asymmetry_percent(self, asymmetry_percent: f64) -> Self {
        Self { asymmetry_percent, ..self }
    }

    /// Sets [`tempo_s`](Self::tempo_s).
    #[must_use]
    pub fn with_tempo_s(self, tempo_s: f64) -> Self {
        Self { tempo_s, ..self }
    }

    /// Sets [`trunk_lean_deg`](Self::trunk_lean_deg).
    #[must_use]
    pub fn with_trunk_lean_deg(self, trunk_lean_deg: f64) -> Self {
        Self { trunk_lean_deg, ..self }
    }

    /// Sets [`heel_rise_cm`](Self::heel_rise_cm).
    #[must_use]
    pub fn with_heel_rise_cm(self, heel_rise_cm: f64) -> Self {
        Self { heel_rise_cm, ..self }
    }

    /// Checks that every limit is a number, and that of asymmetry not below 0.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first that is not.
    pub fn validate(&self) -> Result<()> {
        let all = SquatMeasures::NAMES.into_iter().zip(self.to_array());
        match all.into_iter().find(|(_, v)| !v.is_finite()) {
            Some((name, value)) => Err(Parameter::new(name, value, "finite").into()),
            None if self.asymmetry_percent < 0.0 => {
                Err(Parameter::new("asymmetry_percent", self.asymmetry_percent, "0 or more").into())
            }
            None => Ok(()),
        }
    }

    fn to_array(self) -> [f64; 6] {
        let Self { valgus_cm, depth_deg, asymmetry_percent, tempo_s, trunk_lean_deg, heel_rise_cm } = self;
        [valgus_cm, depth_deg, asymmetry_percent, tempo_s, trunk_lean_deg, heel_rise_cm]
    }

    /// Whether each measure of a squat that is known is a fault, in the order of [`SquatMeasures::NAMES`].
    #[must_use]
    pub fn faults(&self, of: &SquatMeasures) -> [bool; 6] {
        let (limit, value) = (self.to_array(), of.to_array());
        std::array::from_fn(|i| match SIDES[i] {
            Side::Above => value[i] > limit[i],
            Side::Below => value[i] < limit[i],
            Side::Both => value[i].abs() > limit[i],
        })
    }
}

/// On which side of the limit a fault lies.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Above,
    Below,
    Both,
}

const SIDES: [Side; 6] = [Side::Above, Side::Below, Side::Both, Side::Below, Side::Above, Side::Above];

/// Whether something is a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The whole interval lies within the limit.
    NoFault,
    /// The whole interval lies beyond the limit.
    Fault,
    /// The limit lies within the interval: cannot be told.
    Withheld,
}

/// Why something is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The limit lies within the interval.
    LimitInInterval,
    /// The camera looks too much from the side to tell: there is no value.
    ViewFromSide,
    /// The camera looks too much from the front or the back to tell: there is no value.
    ViewFromFront,
}

impl Reason {
    /// The code, which an app translates: `view_from_side`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::LimitInInterval => "limit_in_interval",
            Self::ViewFromSide => "view_from_side",
            Self::ViewFromFront => "view_from_front",
        }
    }
}

/// One measure of a squat. From a view that cannot show it all but `limit`, `verdict` and `reason` are NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Graded {
    /// Its value, in the unit of its name.
    #[serde(deserialize_with = "number")]
    pub value: f64,
    /// Its standard error.
    #[serde(deserialize_with = "number")]
    pub sigma: f64,
    /// The interval that holds the truth of nine squats in ten (split conformal, for views like this one).
    #[serde(deserialize_with = "two_numbers")]
    pub interval: [f64; 2],
    /// The limit it was judged by.
    pub limit: f64,
    /// Probability that it is a fault.
    #[serde(deserialize_with = "number")]
    pub fault_probability: f64,
    /// What can be said.
    pub verdict: Verdict,
    /// Why nothing is said, where the verdict is withheld.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// JSON has no NaN: it is null there.
fn number<'a, D: Deserializer<'a>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

fn two_numbers<'a, D: Deserializer<'a>>(deserializer: D) -> std::result::Result<[f64; 2], D::Error> {
    Ok(<[Option<f64>; 2]>::deserialize(deserializer)?.map(|v| v.unwrap_or(f64::NAN)))
}

impl Graded {
    /// Whether there is a value: the view can show it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.value.is_nan()
    }

    fn unknown(limit: f64, reason: Reason) -> Self {
        Self {
            value: f64::NAN,
            sigma: f64::NAN,
            interval: [f64::NAN; 2],
            limit,
            fault_probability: f64::NAN,
            verdict: Verdict::Withheld,
            reason: Some(reason),
        }
    }

    fn of(value: f64, sigma: f64, reach: f64, limit: f64, side: Side) -> Self {
        let interval = [value - reach * sigma, value + reach * sigma];
        let above = |limit: f64| normal_cdf((value - limit) / sigma.max(1e-12));
        let [low, high] = interval;
        let (fault_probability, fault, fine) = match side {
            Side::Above => (above(limit), low > limit, high <= limit),
            Side::Below => (1.0 - above(limit), high < limit, low >= limit),
            Side::Both => {
                (above(limit) + 1.0 - above(-limit), low > limit || high < -limit, low >= -limit && high <= limit)
            }
        };
        let verdict = if fault {
            Verdict::Fault
        } else if fine {
            Verdict::NoFault
        } else {
            Verdict::Withheld
        };
        let reason = (verdict == Verdict::Withheld).then_some(Reason::LimitInInterval);
        Self { value, sigma, interval, limit, fault_probability: fault_probability.clamp(0.0, 1.0), verdict, reason }
    }
}

/// How good a squat was. [`squat_measures`](super::squat_measures) defines each measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SquatQuality {
    /// How far the knees moved inwards, in cm.
    pub valgus: Graded,
    /// The deepest flexion of the knees, in degrees.
    pub depth: Graded,
    /// How much less the left knee bends than the right one, in percent.
    pub asymmetry: Graded,
    /// How long it lasted, in seconds.
    pub tempo: Graded,
    /// How far the trunk leaned, in degrees.
    pub trunk_lean: Graded,
    /// How far the heels rose, in cm.
    pub heel_rise: Graded,
    /// Angle between the plane of movement and the picture in degrees, estimated: 0 from the side, 90 from the front.
    pub view_deg: f64,
}

impl SquatQuality {
    /// A reach of 0 says that a measure cannot be told from this view.
    pub(super) fn of(limits: &SquatLimits, view_deg: f64, value: [f64; 6], sigma: [f64; 6], reach: [f64; 6]) -> Self {
        let limit = limits.to_array();
        let hidden = if view_deg < 45.0 { Reason::ViewFromSide } else { Reason::ViewFromFront };
        let one = |i: usize| {
            if reach[i] > 0.0 {
                Graded::of(value[i], sigma[i], reach[i], limit[i], SIDES[i])
            } else {
                Graded::unknown(limit[i], hidden)
            }
        };
        let [valgus, depth, asymmetry, tempo, trunk_lean, heel_rise] = [0, 1, 2, 3, 4, 5].map(one);
        Self { valgus, depth, asymmetry, tempo, trunk_lean, heel_rise, view_deg }
    }

    /// The six in the order of [`SquatMeasures::NAMES`].
    #[must_use]
    pub fn to_array(self) -> [Graded; 6] {
        [self.valgus, self.depth, self.asymmetry, self.tempo, self.trunk_lean, self.heel_rise]
    }

    /// The values alone; NaN where there is none.
    #[must_use]
    pub fn measures(&self) -> SquatMeasures {
        SquatMeasures::from_array(self.to_array().map(|g| g.value))
    }

    /// The faults that are sure; [`Feedback::Good`] alone if it is sure that there is none; else nothing.
    #[must_use]
    pub fn feedback(&self) -> Vec<Feedback> {
        let said = [
            Feedback::KneeInwards,
            Feedback::TooShallow,
            Feedback::Asymmetric,
            Feedback::TooFast,
            Feedback::TrunkLean,
            Feedback::HeelRise,
        ];
        let all = self.to_array();
        if all.iter().all(|g| g.verdict == Verdict::NoFault) {
            return vec![Feedback::Good];
        }
        said.into_iter().zip(all).filter(|(_, g)| g.verdict == Verdict::Fault).map(|(f, _)| f).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_matter_of_degree() {
        let limits = SquatLimits::default();
        let quality = |valgus: f64| {
            let (value, sigma) = ([valgus, 90.0, 2.0, 3.0, 30.0, 0.5], [0.5, 2.0, 2.0, 0.05, 2.0, 0.4]);
            SquatQuality::of(&limits, 40.0, value, sigma, [1.6; 6])
        };
        assert_eq!(quality(1.0).feedback(), [Feedback::Good]);
        assert!(quality(4.5).feedback().is_empty());
        assert_eq!(quality(7.0).feedback(), [Feedback::KneeInwards]);
        assert!((quality(4.0).valgus.fault_probability - 0.5).abs() < 1e-12);
        let mut last = 0.0;
        for tenth in -20..100 {
            let p = quality(f64::from(tenth) / 10.0).valgus.fault_probability;
            assert!(p >= last);
            last = p;
        }
    }

    #[test]
    fn what_a_view_hides_has_no_value() {
        let limits = SquatLimits::default();
        let reach = [0.0, 1.6, 1.6, 1.6, 1.6, 1.6];
        let (value, sigma) = ([9.0, 90.0, 2.0, 3.0, 30.0, 0.5], [0.5, 2.0, 2.0, 0.05, 2.0, 0.4]);
        let quality = SquatQuality::of(&limits, 8.0, value, sigma, reach);
        assert!(!quality.valgus.is_known() && quality.depth.is_known() && quality.feedback().is_empty());
        assert_eq!(quality.valgus.reason.map(Reason::code), Some("view_from_side"));
        let text = serde_json::to_string(&quality).unwrap();
        let again: SquatQuality = serde_json::from_str(&text).unwrap();
        assert!(again.valgus.value.is_nan() && again.depth == quality.depth, "{text}");
        let front = SquatQuality::of(&limits, 80.0, value, sigma, reach).valgus;
        assert_eq!((front.reason, front.verdict), (Some(Reason::ViewFromFront), Verdict::Withheld));
    }

    #[test]
    fn asymmetry_counts_to_both_sides() {
        let one = |v: f64| Graded::of(v, 2.0, 1.7, 10.0, Side::Both);
        assert!((one(14.0).fault_probability - one(-14.0).fault_probability).abs() < 1e-12);
        assert_eq!(
            [one(-20.0), one(0.0), one(9.0)].map(|g| g.verdict),
            [Verdict::Fault, Verdict::NoFault, Verdict::Withheld]
        );
        assert!(SquatLimits::default().with_asymmetry_percent(-1.0).validate().is_err());
        assert!(SquatLimits::default().with_tempo_s(f64::NAN).validate().is_err());
    }

    #[test]
    fn truth_is_judged_by_the_same_limits() {
        let measures = SquatMeasures::from_array([5.0, 70.0, -12.0, 1.0, 50.0, 3.0]);
        assert_eq!(SquatLimits::default().faults(&measures), [true; 6]);
        let measures = SquatMeasures::from_array([4.0, 80.0, 10.0, 2.0, 45.0, 2.0]);
        assert_eq!(SquatLimits::default().faults(&measures), [false; 6]);
    }
}
