//! A face over time, against the person's neutral face.

use super::action_units::{ACTION_UNIT_PROXIES, index};
use super::observation::{FaceObservation, NeutralFace, ObservedFace, PROXIES, Withheld};
use crate::Result;
use eir_core::error::{NotFinite, Parameter, TooShort, Unsupported};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Settings of an [`ExpressionSeries`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ExpressionConfig {
    /// Faces turned further than this are withheld, in degrees, 5 to 90. Default 35.
    pub max_yaw_deg: f64,
    /// Faces smaller than this are withheld, in pixels of the smaller side, 1 to 10 000. Default 40.
    pub min_face_px: f64,
    /// Faces less probable than this are withheld, 0 to 1. Default 0.5.
    pub min_presence: f64,
    /// How long the face is at rest at the beginning, in seconds, above 0 to 600; for
    /// [`analyse`](Self::analyse) only. Default 3.
    pub neutral_s: f64,
    /// How many deviations of the neutral face a movement rises above it, 1 to 100. Default 3.
    pub onset_deviations: f64,
    /// How much it rises at least, 0 to 1: a still face has next to no deviation. Default 0.05.
    pub onset_rise: f64,
    /// How long a movement stays above, in seconds, 0 to 10. Default 0.2.
    pub onset_s: f64,
    /// Frames further apart than this are not connected, in seconds, above 0 to 10. Default 0.25.
    pub max_gap_s: f64,
    /// Share of frames that must be usable for a summary, 0 to 1. Default 0.6.
    pub min_usable: f64,
    /// How far the eyes close in a blink, as a rise of AU45 above the open eye, 0.05 to 1. Default 0.25.
    pub blink_rise: f64,
    /// Longest blink in seconds, 0.1 to 5; longer ones are closed eyes. Default 0.5.
    pub longest_blink_s: f64,
    /// Level of the intervals, between 0 and 1. Default 0.95.
    pub level: f64,
}

impl Default for ExpressionConfig {
    fn default() -> Self {
        Self {
            max_yaw_deg: 35.0,
            min_face_px: 40.0,
            min_presence: 0.5,
            neutral_s: 3.0,
            onset_deviations: 3.0,
            onset_rise: 0.05,
            onset_s: 0.2,
            max_gap_s: 0.25,
            min_usable: 0.6,
            blink_rise: 0.25,
            longest_blink_s: 0.5,
            level: 0.95,
        }
    }
}

impl ExpressionConfig {
    /// Sets [`max_yaw_deg`](Self::max_yaw_deg).
    #[must_use]
    pub fn with_max_yaw_deg(self, max_yaw_deg: f64) -> Self {
        Self { max_yaw_deg, ..self }
    }

    /// Sets [`min_face_px`](Self::min_face_px).
    #[must_use]
    pub fn with_min_face_px(self, min_face_px: f64) -> Self {
        Self { min_face_px, ..self }
    }

    /// Sets [`min_presence`](Self::min_presence).
    #[must_use]
    pub fn with_min_presence(self, min_presence: f64) -> Self {
        Self { min_presence, ..self }
    }

    /// Sets [`neutral_s`](Self::neutral_s).
    #[must_use]
    pub fn with_neutral_s(self, neutral_s: f64) -> Self {
        Self { neutral_s, ..self }
    }

    /// Sets [`onset_deviations`](Self::onset_deviations) and [`onset_rise`](Self::onset_rise).
    #[must_use]
    pub fn with_onset(self, onset_deviations: f64, onset_rise: f64) -> Self {
        Self { onset_deviations, onset_rise, ..self }
    }

    /// Sets [`onset_s`](Self::onset_s).
    #[must_use]
    pub fn with_onset_s(self, onset_s: f64) -> Self {
        Self { onset_s, ..self }
    }

    /// Sets [`max_gap_s`](Self::max_gap_s).
    #[must_use]
    pub fn with_max_gap_s(self, max_gap_s: f64) -> Self {
        Self { max_gap_s, ..self }
    }

    /// Sets [`min_usable`](Self::min_usable).
    #[must_use]
    pub fn with_min_usable(self, min_usable: f64) -> Self {
        Self { min_usable, ..self }
    }

    /// Sets [`blink_rise`](Self::blink_rise) and [`longest_blink_s`](Self::longest_blink_s).
    #[must_use]
    pub fn with_blink(self, blink_rise: f64, longest_blink_s: f64) -> Self {
        Self { blink_rise, longest_blink_s, ..self }
    }

    /// Sets [`level`](Self::level).
    #[must_use]
    pub fn with_level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let ranges: [(&'static str, f64, [f64; 2], &'static str); 11] = [
            ("max_yaw_deg", self.max_yaw_deg, [5.0, 90.0], "5 to 90 degrees"),
            ("min_face_px", self.min_face_px, [1.0, 1e4], "1 to 10 000 pixels"),
            ("min_presence", self.min_presence, [0.0, 1.0], "0 to 1"),
            ("neutral_s", self.neutral_s, [f64::MIN_POSITIVE, 600.0], "above 0 to 600 s"),
            ("onset_deviations", self.onset_deviations, [1.0, 100.0], "1 to 100"),
            ("onset_rise", self.onset_rise, [0.0, 1.0], "0 to 1"),
            ("onset_s", self.onset_s, [0.0, 10.0], "0 to 10 s"),
            ("max_gap_s", self.max_gap_s, [f64::MIN_POSITIVE, 10.0], "above 0 to 10 s"),
            ("min_usable", self.min_usable, [0.0, 1.0], "0 to 1"),
            ("blink_rise", self.blink_rise, [0.05, 1.0], "0.05 to 1"),
            ("longest_blink_s", self.longest_blink_s, [0.1, 5.0], "0.1 to 5 s"),
        ];
        for (name, value, [low, high], rule) in ranges {
            if !(low..=high).contains(&value) {
                return Err(Parameter::new(name, value, rule).into());
            }
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(Parameter::new("level", self.level, "between 0 and 1").into());
        }
        Ok(())
    }

    /// Why a frame is withheld, if it is.
    #[must_use]
    pub fn withheld(&self, observation: &FaceObservation) -> Option<Withheld> {
        let Some(face) = &observation.face else { return Some(Withheld::NoFace) };
        if face.presence < self.min_presence {
            Some(Withheld::Uncertain)
        } else if face.size_px < self.min_face_px {
            Some(Withheld::Small)
        } else if face.pose.yaw_deg.abs() > self.max_yaw_deg {
            Some(Withheld::Turned)
        } else {
            None
        }
    }

    /// The neutral face of a recording in which the person's face is at rest.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) for fewer than 10 usable frames, [`Error::Parameter`](crate::Error::Parameter).
    pub fn neutral(&self, observations: &[FaceObservation]) -> Result<NeutralFace> {
        self.validate()?;
        NeutralFace::fit(self.usable(observations))
    }

    fn usable<'a>(&'a self, observations: &'a [FaceObservation]) -> impl Iterator<Item = &'a ObservedFace> {
        observations.iter().filter(|o| self.withheld(o).is_none()).filter_map(|o| o.face.as_ref())
    }

    /// The series against the face at rest in its first seconds ([`neutral_s`](Self::neutral_s)).
    ///
    /// # Errors
    /// As [`analyse_against`](Self::analyse_against); [`Error::TooShort`](crate::Error::TooShort) if fewer than 10 of those
    /// frames are usable.
    pub fn analyse(&self, observations: &[FaceObservation]) -> Result<ExpressionSeries> {
        let Some(first) = observations.first() else { return Err(TooShort::new("frames", 0, 1).into()) };
        let rest = observations.iter().take_while(|o| o.time_s - first.time_s < self.neutral_s).count();
        let neutral = self.neutral(observations.get(..rest).unwrap_or_default())?;
        self.analyse_against(observations, neutral)
    }

    /// The series against a neutral face that was recorded apart.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) without frames, [`Error::Parameter`](crate::Error::Parameter) for times
    /// that do not rise or a setting, [`Error::NotFinite`](crate::Error::NotFinite).
    pub fn analyse_against(&self, observations: &[FaceObservation], neutral: NeutralFace) -> Result<ExpressionSeries> {
        self.validate()?;
        NotFinite::check_f64("level of the neutral face", neutral.level.as_flattened())?;
        NotFinite::check_f64("deviation of the neutral face", &neutral.deviation)?;
        if observations.is_empty() {
            return Err(TooShort::new("frames", 0, 1).into());
        }
        let times_s: Vec<f64> = observations.iter().map(|o| o.time_s).collect();
        NotFinite::check_f64("time", &times_s)?;
        if let Some(i) = times_s.windows(2).position(|w| w[0] >= w[1]) {
            return Err(Parameter::new("time of a frame", (i + 1) as f64, "times that rise from frame to frame").into());
        }
        let withheld: Vec<Option<Withheld>> = observations.iter().map(|o| self.withheld(o)).collect();
        let sides = observations.iter().zip(&withheld).map(|(o, withheld)| match (&o.face, withheld) {
            (Some(face), None) => {
                let raw = face.sides();
                std::array::from_fn(|k| [0, 1].map(|side| raw[k][side] - neutral.level[k][side]))
            }
            _ => [[f64::NAN; 2]; PROXIES],
        });
        let sides = sides.collect();
        let heads = observations.iter().map(|o| o.face.as_ref().map(Head::of)).collect();
        Ok(ExpressionSeries { config: self.clone(), times_s, withheld, sides, heads, neutral })
    }
}

/// Where the head is in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) centre_px: [f64; 2],
    pub(super) size_px: f64,
    pub(super) yaw_deg: f64,
    pub(super) pitch_deg: f64,
    pub(super) roll_deg: f64,
}

impl Head {
    fn of(face: &ObservedFace) -> Self {
        let (centre_px, size_px, pose) = (face.centre_px, face.size_px, face.pose);
        Self { centre_px, size_px, yaw_deg: pose.yaw_deg, pitch_deg: pose.pitch_deg, roll_deg: pose.roll_deg }
    }
}

/// A movement of one proxy above the neutral face.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExpressionEvent {
    /// When it rises above the threshold, between two frames, in seconds.
    pub start_s: f64,
    /// When it is largest.
    pub peak_s: f64,
    /// Its last time above the threshold.
    pub end_s: f64,
    /// How far it rises above the neutral face.
    pub rise: f64,
    /// 100 (left − right) / (left + right) at the peak, the subject's sides; none for a proxy without sides.
    pub asymmetry_percent: Option<f64>,
}

/// Proxies of action units over time, above the person's neutral face.
///
/// **Use it** to measure how much, how often and how symmetrically a face moves, and how soon after a prompt, within one
/// person over time: hypomimia, blunting, the effect of a treatment. **Not** to say what a person feels, **not** to compare
/// persons, cameras or lights, and not where the face is turned away: such frames are withheld, not guessed.
///
/// # Formula
/// Value of a proxy = mean of its left and right blendshape minus the median of the neutral face; NaN where the frame is
/// withheld (no face, presence below 0.5, face below 40 px, yaw above 35°). A movement is a run above
/// max(3 deviations of the neutral face, 0.05) for at least 0.2 s.
///
/// # What it cannot tell
/// A score is a network's guess of a drawn face's shape (ARKit), not a muscle's activity; agreement with trained coders is
/// not published. Posed and felt movements read alike; there is no marker of a Duchenne smile and none of disgust. Light,
/// size and make-up move the scores (the same face at half the size and half the light: eye squint 0.35 → 0.27). Faces with
/// palsy, dark skin, old faces and beards read worse. Drugs that slow movement lower every number here: note them.
///
/// # Examples
/// ```
/// use eir_vision::face::{BLENDSHAPE_NAMES, ExpressionConfig, FaceObservation, HeadPose};
/// // 12 s at 30 frames a second: 3 s at rest, then a smile of 1 s every 3 s, stronger on the left
/// let [left, right] = ["mouthSmileLeft", "mouthSmileRight"].map(|n| BLENDSHAPE_NAMES.iter().position(|b| *b == n));
/// let frames: Vec<FaceObservation> = (0..360).map(|i| {
///     let t = f64::from(i) / 30.0;
///     let smile = if t >= 3.0 && (t % 3.0) < 1.0 { (t % 3.0 * std::f64::consts::PI).sin() } else { 0.0 };
///     let mut scores = [0.02; 52];
///     (scores[left.unwrap()], scores[right.unwrap()]) = (0.1 + 0.6 * smile, 0.1 + 0.4 * smile);
///     FaceObservation::new(t, 0.99, 200.0, [320.0, 240.0], HeadPose::new(0.0, 0.0, 0.0), &scores)
/// }).collect::<Result<_, _>>()?;
/// let series = ExpressionConfig::default().analyse(&frames)?;
/// let smiles = series.events("AU12")?;
/// assert_eq!(smiles.len(), 3);
/// assert!((smiles[0].rise - 0.5).abs() < 0.01 && (smiles[0].asymmetry_percent.unwrap() - 20.0).abs() < 0.5);
/// assert_eq!(series.summary().unwrap().proxies.len(), 15);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// A face of a photograph warped to known smiles, through the whole chain: rank correlation of AU12 with the amplitude at
/// least 0.95 (`tests/expressions.rs`).
///
/// # References
/// Galatzer-Levy et al. 2020, doi:10.1101/2020.12.02.20219741 (facial expressivity by smartphone in schizophrenia); Jiang et
/// al. 2022, doi:10.1371/journal.pone.0266828 (review).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpressionSeries {
    pub(super) config: ExpressionConfig,
    pub(super) times_s: Vec<f64>,
    pub(super) withheld: Vec<Option<Withheld>>,
    /// Left and right of each proxy above the neutral face.
    pub(super) sides: Vec<[[f64; 2]; PROXIES]>,
    pub(super) heads: Vec<Option<Head>>,
    pub(super) neutral: NeutralFace,
}

impl ExpressionSeries {
    /// Seconds of each frame.
    #[must_use]
    pub fn times_s(&self) -> &[f64] {
        &self.times_s
    }

    /// Why each frame is withheld; none where it is used.
    #[must_use]
    pub fn withheld(&self) -> &[Option<Withheld>] {
        &self.withheld
    }

    /// The neutral face that all values are measured from.
    #[must_use]
    pub fn neutral(&self) -> &NeutralFace {
        &self.neutral
    }

    /// Share of the frames that are used.
    #[must_use]
    pub fn usable_share(&self) -> f64 {
        self.withheld.iter().filter(|w| w.is_none()).count() as f64 / self.withheld.len() as f64
    }

    /// A proxy over time above the neutral face ("AU12"); NaN where withheld.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) for a name that is none of
    /// [`ACTION_UNIT_PROXIES`].
    pub fn proxy(&self, name: &str) -> Result<Vec<f64>> {
        let k = known(name)?;
        Ok((0..self.sides.len()).map(|i| self.value(i, k)).collect())
    }

    pub(super) fn value(&self, frame: usize, k: usize) -> f64 {
        self.sides.get(frame).map_or(f64::NAN, |s| f64::midpoint(s[k][0], s[k][1]))
    }

    /// How far a proxy must rise to count as a movement.
    pub(super) fn threshold(&self, k: usize) -> f64 {
        threshold(&self.config, &self.neutral, k)
    }

    /// Runs of used frames without a gap, as ranges.
    pub(super) fn pieces(&self) -> Vec<std::ops::Range<usize>> {
        let mut pieces: Vec<std::ops::Range<usize>> = Vec::new();
        for (i, (withheld, t)) in self.withheld.iter().zip(&self.times_s).enumerate() {
            if withheld.is_some() {
                continue;
            }
            match pieces.last_mut() {
                Some(p) if p.end == i && i > 0 && t - self.times_s[i - 1] <= self.config.max_gap_s => p.end = i + 1,
                _ => pieces.push(i..i + 1),
            }
        }
        pieces
    }

    /// When `values` crosses `level` between two frames.
    fn crossing(&self, after: usize, k: usize, level: f64) -> f64 {
        let (Some(before), Some(t)) = (after.checked_sub(1), self.times_s.get(after)) else {
            return self.times_s.get(after).copied().unwrap_or(f64::NAN);
        };
        let (a, b) = (self.value(before, k), self.value(after, k));
        let from = self.times_s[before];
        if a < level && b > a && t - from <= self.config.max_gap_s {
            from + (t - from) * (level - a) / (b - a)
        } else {
            *t
        }
    }

    pub(super) fn events_of(&self, k: usize) -> Vec<ExpressionEvent> {
        let level = self.threshold(k);
        let mut events = Vec::new();
        for piece in self.pieces() {
            let above: Vec<usize> = piece.filter(|i| self.value(*i, k) > level).collect();
            for run in above.chunk_by(|a, b| a + 1 == *b) {
                let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
                let best =
                    run.iter().copied().fold(*first, |b, i| if self.value(i, k) > self.value(b, k) { i } else { b });
                let (start_s, end_s) = (self.crossing(*first, k, level), self.times_s[*last]);
                if end_s - start_s < self.config.onset_s {
                    continue;
                }
                let [left, right] = self.sides[best][k];
                let asymmetry = 100.0 * (left - right) / (left + right);
                events.push(ExpressionEvent {
                    start_s,
                    peak_s: self.times_s[best],
                    end_s,
                    rise: self.value(best, k),
                    asymmetry_percent: ACTION_UNIT_PROXIES[k].has_sides().then_some(asymmetry),
                });
            }
        }
        events
    }

    /// The movements of a proxy.
    ///
    /// # Errors
    /// As [`proxy`](Self::proxy).
    pub fn events(&self, name: &str) -> Result<Vec<ExpressionEvent>> {
        Ok(self.events_of(known(name)?))
    }

    /// Seconds from each prompt to the next movement of a proxy, if it begins within `within_s`; none if it was moving at
    /// the prompt, did not move, or a frame between was withheld.
    ///
    /// # Errors
    /// As [`proxy`](Self::proxy); [`Error::NotFinite`](crate::Error::NotFinite), and
    /// [`Error::Parameter`](crate::Error::Parameter) unless `within_s` is above 0 and at most 60 s.
    pub fn latencies_s(&self, name: &str, prompts_s: &[f64], within_s: f64) -> Result<Vec<Option<f64>>> {
        let k = known(name)?;
        NotFinite::check_f64("prompt", prompts_s)?;
        if !(within_s > 0.0 && within_s <= 60.0) {
            return Err(Parameter::new("within_s", within_s, "above 0, at most 60 s").into());
        }
        let (events, pieces) = (self.events_of(k), self.pieces());
        let one = |prompt: &f64| {
            let event = events.iter().find(|e| e.end_s > *prompt)?;
            let latency = event.start_s - prompt;
            let seen = pieces.iter().any(|p| {
                let ends = [p.start, p.end - 1].map(|i| self.times_s.get(i).copied().unwrap_or(f64::NAN));
                ends[0] <= *prompt && event.start_s <= ends[1]
            });
            (latency > 0.0 && latency <= within_s && seen).then_some(latency)
        };
        Ok(prompts_s.iter().map(one).collect())
    }

    /// Frames, one a line: time, why withheld, turn of the head, and every proxy above the neutral face; what is not known
    /// is left empty. No picture and no point is in it.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("time_s,withheld,yaw_deg,pitch_deg,roll_deg");
        ACTION_UNIT_PROXIES.iter().for_each(|p| {
            text.push(',');
            text.push_str(p.name);
        });
        text.push('\n');
        for (i, (t, withheld)) in self.times_s.iter().zip(&self.withheld).enumerate() {
            let _ = write!(text, "{t:.6},{}", withheld.map_or("", Withheld::name)); // a String never fails
            match self.heads.get(i).copied().flatten() {
                Some(h) => {
                    let _ = write!(text, ",{:.3},{:.3},{:.3}", h.yaw_deg, h.pitch_deg, h.roll_deg);
                }
                None => text.push_str(",,,"),
            }
            for k in 0..PROXIES {
                let value = self.value(i, k);
                let _ = if value.is_finite() { write!(text, ",{value:.6}") } else { write!(text, ",") };
            }
            text.push('\n');
        }
        text
    }
}

/// How far a proxy must rise above a neutral face to count as a movement.
pub(super) fn threshold(config: &ExpressionConfig, neutral: &NeutralFace, k: usize) -> f64 {
    (config.onset_deviations * neutral.deviation[k]).max(config.onset_rise)
}

/// The number of a proxy.
fn known(name: &str) -> Result<usize> {
    let names = || ACTION_UNIT_PROXIES.map(|p| p.name).join(", ");
    index(name).ok_or_else(|| Unsupported::new("a proxy of this name", format!("one of {}", names())).into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::HeadPose;
    use super::*;
    use crate::Error;

    /// A face whose proxy `name` is `value(t)` on both sides, at 30 frames a second.
    pub(crate) fn film(seconds: f64, name: &str, value: impl Fn(f64) -> f64) -> Vec<FaceObservation> {
        let sides = ACTION_UNIT_PROXIES[index(name).unwrap()].blendshapes;
        (0..(seconds * 30.0) as usize)
            .map(|i| {
                let t = i as f64 / 30.0;
                let mut scores = [0.02; 52];
                sides.iter().for_each(|s| scores[*s] = 0.1 + value(t));
                let pose = HeadPose::new(0.0, 0.0, 0.0);
                FaceObservation::new(t, 0.99, 200.0, [320.0, 240.0], pose, &scores).unwrap()
            })
            .collect()
    }

    fn smile(t: f64) -> f64 {
        if (5.0..6.0).contains(&t) { 0.4 } else { 0.0 }
    }

    #[test]
    fn what_cannot_be_seen_is_withheld() {
        let mut frames = film(10.0, "AU12", smile);
        frames[100].face.as_mut().unwrap().pose.yaw_deg = -36.0;
        frames[101].face.as_mut().unwrap().size_px = 39.0;
        frames[102].face.as_mut().unwrap().presence = 0.4;
        frames[103].face = None;
        let series = ExpressionConfig::default().analyse(&frames).unwrap();
        let why = [Withheld::Turned, Withheld::Small, Withheld::Uncertain, Withheld::NoFace].map(Some);
        assert_eq!(series.withheld()[100..104], why);
        let values = series.proxy("AU12").unwrap();
        assert!(values[100..104].iter().all(|v| v.is_nan()) && values[104].abs() < 1e-12);
        assert!((series.usable_share() - 296.0 / 300.0).abs() < 1e-12);
        assert!(series.proxy("AU6").is_err(), "a dead output");
        let text = series.csv();
        assert_eq!(text.lines().count(), 301);
        assert!(text.lines().all(|l| l.split(',').count() == 20));
        assert!(text.lines().nth(101).unwrap().contains(",turned,-36.000,"));
    }

    #[test]
    fn latencies_are_between_frames_and_only_of_what_was_seen() {
        let frames = film(10.0, "AU12", smile);
        let series = ExpressionConfig::default().analyse(&frames).unwrap();
        let found = series.latencies_s("AU12", &[4.0, 5.5, 8.0, 1.0], 2.0).unwrap();
        assert!(found[0].unwrap() > 0.96 && found[0].unwrap() < 1.0, "{found:?}");
        assert_eq!(found[1..], [None, None, None]); // moving; no movement; too late
        let mut hidden = frames;
        hidden[130].face = None;
        let series = ExpressionConfig::default().analyse(&hidden).unwrap();
        assert_eq!(series.latencies_s("AU12", &[4.0], 2.0).unwrap(), [None]);
        assert!(series.latencies_s("AU12", &[f64::NAN], 2.0).is_err());
        assert!(series.latencies_s("AU12", &[1.0], 0.0).is_err());
    }

    #[test]
    fn times_and_settings_are_checked() {
        let config = ExpressionConfig::default();
        assert!(matches!(config.analyse(&[]), Err(Error::TooShort(_))));
        let mut frames = film(10.0, "AU12", smile);
        assert!(matches!(config.clone().with_neutral_s(0.1).analyse(&frames), Err(Error::TooShort(_))));
        frames[50].time_s = frames[49].time_s;
        assert!(matches!(config.analyse(&frames), Err(Error::Parameter(_))));
        for bad in [
            config.clone().with_max_yaw_deg(f64::NAN),
            config.clone().with_level(1.0),
            config.clone().with_max_gap_s(0.0),
            config.with_blink(0.0, 0.5),
        ] {
            assert!(bad.validate().is_err());
        }
    }
}
