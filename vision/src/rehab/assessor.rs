//! From key points to a judgement of each repetition.

use super::live::LiveAssessor;
use super::measures::SquatMeasures;
use super::network::{Networks, RawMeasures, Scratch};
use super::quality::{SquatLimits, SquatQuality};
use super::recognition::{KneeExercise, Recognition};
use super::repetitions::{Course, RepetitionSpan};
use super::sequence::{BodyPoints, BodySequence};
use super::window::RepetitionWindow;
use crate::Result;
use crate::kinematics::Feedback;
use eir_core::error::Parameter;
use eir_core::weights::Card;
use eir_core::{Limits, file};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Thigh and shank in body heights (Winter 2009, doi:10.1002/9780470549148, from hip to ankle).
const LEG_SHARE: f64 = 0.489;
/// Spread of a height that was not given, as a share.
const UNKNOWN_HEIGHT: f64 = 0.06;
/// A repetition is judged if each point is seen in this share of its pictures.
const LEAST_SEEN: f64 = 0.4;

/// Recognises the exercise and judges each squat, with the networks that come with the crate and the default limits.
///
/// The recording begins at rest. Lengths in cm take a height of 170 cm: [`AssessorConfig::with_height_cm`] gives the
/// subject's.
///
/// # Errors
/// As [`Assessor::assess`].
pub fn assess(sequence: &BodySequence) -> Result<Assessment> {
    Assessor::shipped(AssessorConfig::default())?.assess(sequence)
}

/// Settings of an [`Assessor`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AssessorConfig {
    /// The subject's height in cm, 50 to 250. Default unknown: 170 is taken, and standard errors of lengths grow by 6 % of
    /// them.
    pub height_cm: Option<f64>,
    /// Length of thigh and shank together in cm where it was measured, 20 to 150; goes before the height, from which it
    /// would be 48.9 %. Default unknown.
    pub leg_cm: Option<f64>,
    /// The exercise where it is known: it is not asked then which one it is. Default unknown.
    pub exercise: Option<KneeExercise>,
    /// What counts as a fault.
    pub limits: SquatLimits,
}

impl AssessorConfig {
    /// Sets [`height_cm`](Self::height_cm).
    #[must_use]
    pub fn with_height_cm(self, height_cm: f64) -> Self {
        Self { height_cm: Some(height_cm), ..self }
    }

    /// Sets [`leg_cm`](Self::leg_cm).
    #[must_use]
    pub fn with_leg_cm(self, leg_cm: f64) -> Self {
        Self { leg_cm: Some(leg_cm), ..self }
    }

    /// Sets [`exercise`](Self::exercise).
    #[must_use]
    pub fn with_exercise(self, exercise: KneeExercise) -> Self {
        Self { exercise: Some(exercise), ..self }
    }

    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn with_limits(self, limits: SquatLimits) -> Self {
        Self { limits, ..self }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value, low, high, rule) in [
            ("height_cm", self.height_cm, 50.0, 250.0, "50 to 250 cm"),
            ("leg_cm", self.leg_cm, 20.0, 150.0, "20 to 150 cm"),
        ] {
            if let Some(value) = value.filter(|v| !(low..=high).contains(v)) {
                return Err(Parameter::new(name, value, rule).into());
            }
        }
        self.limits.validate()
    }

    /// Length of a leg in cm, and its standard error as a share where the height is not known.
    fn leg(&self) -> (f64, f64) {
        match (self.leg_cm, self.height_cm) {
            (Some(leg), _) => (leg, 0.0),
            (None, Some(height)) => (LEG_SHARE * height, 0.0),
            (None, None) => (LEG_SHARE * 170.0, UNKNOWN_HEIGHT),
        }
    }
}

/// What a recording shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assessment {
    /// Which exercise it is; none without a repetition.
    pub recognition: Option<Recognition>,
    /// The repetitions in the order of time.
    pub repetitions: Vec<RepetitionAssessment>,
}

/// What a repetition shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepetitionAssessment {
    /// A tenth of the way there, in seconds.
    pub start_s: f64,
    /// At its farthest, in seconds.
    pub peak_s: f64,
    /// A tenth of the way left on the way back, in seconds.
    pub end_s: f64,
    /// Share of its pictures that show the point which is seen least.
    pub seen: f64,
    /// Which exercise this repetition looks like.
    pub recognition: Recognition,
    /// How good it was: none if it is no squat, or too little of it was seen.
    pub squat: Option<SquatQuality>,
}

impl RepetitionAssessment {
    /// What to tell the person: the faults that are sure; [`Feedback::Good`] alone if it is sure that there is none;
    /// nothing where that cannot be said.
    #[must_use]
    pub fn feedback(&self) -> Vec<Feedback> {
        self.squat.as_ref().map(SquatQuality::feedback).unwrap_or_default()
    }
}

/// Recognises knee exercises and grades squats, by two temporal networks.
///
/// **Use it** in a rehabilitation app on the key points of one person, filmed by a camera that stands still and level, 20°
/// to 70° from the plane of movement, to either side. **Not** for a diagnosis; not on a picture from exactly the side (valgus
/// does not show) or from exactly the front (depth hardly shows); not while the camera moves; not on a recording that
/// begins in the middle of a movement. The networks were **trained on simulation**, and nothing was measured on patients:
/// check them on recordings of your own before anybody relies on them.
///
/// # Formula
/// The recording is cut into repetitions along the first principal component of its coordinates. Each becomes 32 steps
/// of 35 numbers (segments in leg lengths and their tilts, turned to one side), for two residual dilated convolutional networks of about
/// 50 000 parameters each: one gives the probability of each exercise, the other the mean μ and standard error σ of six
/// measures, which [`squat_measures`](super::squat_measures) defines. The probability of a fault is that of N(μ, σ²)
/// beyond the limit. Intervals μ ± q σ are split conformal at 90 %, for all views together or, where the weights hold it, for
/// each group of views apart (Mondrian); where one holds the limit, the verdict is withheld. Where the weights say that a
/// view, as the points tell it, cannot show a measure, there is no value but a [`Reason`](super::Reason).
///
/// # Examples
/// ```
/// use eir_vision::rehab::{Assessor, AssessorConfig, KneeExercise, Verdict};
/// use eir_vision::rehab::simulation::{SimulationConfig, simulate};
/// let film = simulate(&SimulationConfig::default(), 3, 7)?;
/// let assessor = Assessor::shipped(AssessorConfig::default().with_height_cm(film.height_cm))?;
/// let found = assessor.assess(&film.sequence)?;
/// assert_eq!(found.recognition.as_ref().and_then(|r| r.exercise), Some(KneeExercise::Squat));
/// let (squat, truth) = (found.repetitions[0].squat.as_ref().unwrap(), film.squats[0].measures);
/// assert!((squat.depth.value - truth.depth_deg).abs() < 10.0);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`assess`](Self::assess) lists them; nothing panics on data.
///
/// # Validation
/// The [card](Self::card) holds what `cargo xtask train rehab` measured on simulated subjects who took no part: mean
/// absolute error, AUROC, calibration and coverage of each measure, and the exercises, as calibrated and with doubled
/// noise, shifted hips, views that were never trained, and a fifth of the points lost.
///
/// # References
/// Residual dilated convolutions: Bai, Kolter, Koltun 2018, arXiv:1803.01271. Split conformal intervals: Lei et al. 2018,
/// doi:10.1080/01621459.2017.1307116.
#[derive(Debug, Clone)]
pub struct Assessor {
    networks: Networks,
    config: AssessorConfig,
}

impl Assessor {
    /// With the networks that come with the crate.
    ///
    /// # Errors
    /// As [`AssessorConfig::validate`].
    pub fn shipped(config: AssessorConfig) -> Result<Self> {
        Self::from_bytes(SHIPPED.0, SHIPPED.1.as_bytes(), config)
    }

    /// The card of the networks that come with the crate.
    ///
    /// # Errors
    /// None.
    pub fn card() -> Result<Card> {
        Ok(Card::from_json(SHIPPED.1.as_bytes())?)
    }

    /// With the networks of the safetensors file at `path` and its card, `path` with the ending `card.json`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io), [`Error::Limit`](crate::Error::Limit), and as [`from_bytes`](Self::from_bytes).
    pub fn load(path: &Path, config: AssessorConfig, limits: &Limits) -> Result<Self> {
        let (weights, card) = (file::read(path, limits)?, file::read(&path.with_extension("card.json"), limits)?);
        Self::from_bytes(&weights, &card, config)
    }

    /// With networks from the bytes of their file and of its card.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if the card is of other weights, or a tensor is missing, has another shape
    /// or is one too many; as [`AssessorConfig::validate`].
    pub fn from_bytes(weights: &[u8], card: &[u8], config: AssessorConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self { networks: Networks::from_bytes(weights, card)?, config })
    }

    /// The same networks for another subject.
    ///
    /// # Errors
    /// As [`AssessorConfig::validate`].
    pub fn with_height_cm(&self, height_cm: f64) -> Result<Self> {
        let config = self.config.clone().with_height_cm(height_cm);
        config.validate()?;
        Ok(Self { networks: self.networks.clone(), config })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &AssessorConfig {
        &self.config
    }

    /// Judges a recording, which begins at rest.
    ///
    /// Without a repetition the answer is empty, not an error.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if one of the twelve points is seen in fewer than 8 pictures,
    /// [`Error::Parameter`](crate::Error::Parameter) if the body is smaller than a few pixels or the recording longer than
    /// an hour.
    pub fn assess(&self, sequence: &BodySequence) -> Result<Assessment> {
        let mut work = Work::default();
        let recognition = self.assess_into(sequence.times_s(), sequence.points(), &mut work)?;
        Ok(Assessment { recognition, repetitions: work.repetitions })
    }

    /// Leaves the repetitions in `work`; allocates nothing where it has room.
    pub(super) fn assess_into(
        &self,
        times_s: &[f64],
        points: &[BodyPoints],
        work: &mut Work,
    ) -> Result<Option<Recognition>> {
        let Work { course, windows, each, scratch, repetitions } = work;
        each.clear();
        repetitions.clear();
        course.fill(times_s, points)?;
        let n = course.spans.len();
        if windows.len() < n {
            windows.resize_with(n, RepetitionWindow::default);
        }
        let mut mean = [0.0; 7];
        for (window, span) in windows.iter_mut().zip(&course.spans) {
            window.fill(course, *span);
            let p = self.networks.recognise(window, scratch)?;
            mean.iter_mut().zip(p).for_each(|(m, p)| *m += p / n as f64);
            each.push(p);
        }
        let recognition = (n > 0).then(|| self.recognition(mean));
        let squats = match (self.config.exercise, &recognition) {
            (Some(exercise), _) => exercise == KneeExercise::Squat,
            (None, found) => found.as_ref().is_some_and(|r| r.candidates.contains(&KneeExercise::Squat)),
        };
        for (window, p) in windows.iter().zip(each) {
            repetitions.push(self.repetition(window, *p, squats, scratch)?);
        }
        Ok(recognition)
    }

    /// As [`assess`](Self::assess), picture by picture: each repetition is judged once it is over.
    #[must_use]
    pub fn live(&self) -> LiveAssessor<'_> {
        LiveAssessor::new(self)
    }

    /// What probabilities of the seven exercises say: which of them cannot be ruled out.
    #[must_use]
    pub fn recognition_of(&self, probabilities: [f64; 7]) -> Recognition {
        Recognition::of(probabilities, self.networks.class_threshold)
    }

    fn recognition(&self, probabilities: [f64; 7]) -> Recognition {
        let known = |e: KneeExercise| KneeExercise::ALL.map(|k| if k == e { 1.0 } else { 0.0 });
        self.recognition_of(self.config.exercise.map_or(probabilities, known))
    }

    fn repetition(
        &self,
        window: &RepetitionWindow,
        probabilities: [f64; 7],
        squat: bool,
        scratch: &mut Scratch,
    ) -> Result<RepetitionAssessment> {
        let squat = (squat && window.seen >= LEAST_SEEN).then(|| self.quality(window, scratch)).transpose()?;
        let RepetitionSpan { start_s, peak_s, end_s } = window.span;
        let recognition = self.recognition(probabilities);
        Ok(RepetitionAssessment { start_s, peak_s, end_s, seen: window.seen, recognition, squat })
    }

    fn quality(&self, window: &RepetitionWindow, scratch: &mut Scratch) -> Result<SquatQuality> {
        let raw = self.networks.measure(window, scratch)?;
        let (leg_cm, leg_sigma) = self.config.leg();
        let (mut value, sigma) = raw.in_units(window, leg_cm, leg_sigma);
        if window.mirrored {
            value[2] = -value[2];
        }
        Ok(SquatQuality::of(&self.config.limits, window.view_deg, value, sigma, self.networks.reach(window)))
    }
}

/// Memory of an assessment, kept between calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    course: Course,
    /// As many as there ever were repetitions.
    windows: Vec<RepetitionWindow>,
    each: Vec<[f64; 7]>,
    scratch: Scratch,
    pub(super) repetitions: Vec<RepetitionAssessment>,
}

impl Work {
    /// Room for so many pictures, seconds and repetitions.
    pub(super) fn with_room(of: &Assessor, pictures: usize, seconds: f64, repetitions: usize) -> Self {
        let mut work = Self::default();
        work.course.reserve(pictures, seconds);
        work.windows.resize_with(repetitions, RepetitionWindow::with_room);
        work.each.reserve(repetitions);
        work.repetitions.reserve(repetitions);
        if let Some(window) = work.windows.first() {
            // memory of the networks; what they say of nothing does not count
            let _ = of.networks.recognise(window, &mut work.scratch);
            let _ = of.networks.measure(window, &mut work.scratch);
        }
        work
    }
}

/// The windows of all repetitions of a recording that begins at rest: what the networks see. For training and explanation.
///
/// # Errors
/// As [`Assessor::assess`].
pub fn windows(sequence: &BodySequence) -> Result<Vec<RepetitionWindow>> {
    let mut course = Course::default();
    course.fill(sequence.times_s(), sequence.points())?;
    let cut = |span: &RepetitionSpan| {
        let mut window = RepetitionWindow::default();
        window.fill(&course, *span);
        window
    };
    Ok(course.spans.iter().map(cut).collect())
}

/// What the network of quality is trained to say of a window whose squat is known: valgus and heel rise in percent of a
/// leg, depth, asymmetry (of the body as the window shows it, which may be mirrored), logarithm of tempo over the window's
/// length, lean.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) for a leg without length.
pub fn training_target(measures: &SquatMeasures, window: &RepetitionWindow, leg_cm: f64) -> Result<[f64; 6]> {
    if leg_cm.is_nan() || leg_cm <= 0.0 {
        return Err(Parameter::new("leg_cm", leg_cm, "above 0 cm").into());
    }
    let mut target = RawMeasures::target(measures, window, leg_cm);
    if window.mirrored {
        target[2] = -target[2];
    }
    Ok(target)
}

/// Weights and card.
const SHIPPED: (&[u8], &str) =
    (include_bytes!("../../weights/rehab.safetensors"), include_str!("../../weights/rehab.card.json"));
