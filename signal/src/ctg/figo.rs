//! The class of a cardiotocogram after FIGO 2015, with its reasons.

use super::contractions::Contraction;
use super::doubt::BaselineDoubt;
use super::events::{Event, EventKind, Interval};
use super::preparation::{Prepared, RATE_HZ, runs};
use super::sinusoidal::Sinusoidal;
use super::variability::{Bandwidth, BandwidthSegment, MINUTE, bandwidth_segments, bandwidths, longest_narrow_s};
use serde::{Deserialize, Serialize};

/// The class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FigoClass {
    /// It cannot be told.
    NotAssessable,
    /// Nothing stands out.
    Normal,
    /// Something normal is missing, and nothing is pathological.
    Suspicious,
    /// At least one pathological finding.
    Pathological,
}

impl FigoClass {
    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAssessable => "not assessable",
            Self::Normal => "normal",
            Self::Suspicious => "suspicious",
            Self::Pathological => "pathological",
        }
    }
}

/// What a reason is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FigoCode {
    /// The baseline is below 100 bpm for 10 min.
    BaselineBelow100,
    /// The variability is reduced for more than 50 min.
    ReducedVariability,
    /// The variability is reduced for more than 3 min inside a deceleration.
    ReducedVariabilityInDeceleration,
    /// The variability is increased (saltatory) for more than 30 min.
    IncreasedVariability,
    /// The pattern is sinusoidal for more than 30 min.
    SinusoidalPattern,
    /// Late or prolonged decelerations with more than half of the contractions for more than 30 min.
    RepetitiveLateOrProlonged,
    /// The same for more than 20 min, with reduced variability.
    RepetitiveLateOrProlongedReduced,
    /// A deceleration of more than 5 min.
    ProlongedOver5Min,
    /// The baseline is above 160 bpm for more than 10 min.
    Tachycardia,
    /// The baseline is below 110 bpm for more than 10 min.
    Bradycardia,
    /// Decelerations, other than early ones, with more than half of the contractions.
    RepetitiveDecelerations,
    /// The baseline is 110–160 bpm.
    BaselineNormal,
    /// The bandwidth is 5–25 bpm.
    VariabilityNormal,
    /// No repetitive decelerations.
    NoRepetitiveDecelerations,
    /// A note: a deceleration of 3–5 min, which the table alone does not make suspicious.
    ProlongedOver3Min,
    /// A note: more than five contractions in ten minutes.
    Tachysystole,
    /// A note: a stretch with half of its samples lost was not judged.
    StretchNotJudged,
    /// A note: the baseline of a stretch is not reliable, nor are the events measured from it.
    BaselineDoubtful,
    /// Not assessable: nothing stands out, and the baseline is not reliable for ten minutes or more.
    BaselineUnknown,
    /// Not assessable: less than ten minutes were judged.
    TooShort,
    /// Not assessable: half of the samples or more are lost.
    TooMuchLost,
    /// Not assessable: there are decelerations, and contractions are not known.
    ContractionsLost,
    /// Not assessable: no minute shows how wide the variability is.
    VariabilityUnknown,
}

impl FigoCode {
    /// Its code: the variant's name in lower case with underscores, as serde writes it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BaselineBelow100 => "baseline_below100",
            Self::ReducedVariability => "reduced_variability",
            Self::ReducedVariabilityInDeceleration => "reduced_variability_in_deceleration",
            Self::IncreasedVariability => "increased_variability",
            Self::SinusoidalPattern => "sinusoidal_pattern",
            Self::RepetitiveLateOrProlonged => "repetitive_late_or_prolonged",
            Self::RepetitiveLateOrProlongedReduced => "repetitive_late_or_prolonged_reduced",
            Self::ProlongedOver5Min => "prolonged_over5_min",
            Self::Tachycardia => "tachycardia",
            Self::Bradycardia => "bradycardia",
            Self::RepetitiveDecelerations => "repetitive_decelerations",
            Self::BaselineNormal => "baseline_normal",
            Self::VariabilityNormal => "variability_normal",
            Self::NoRepetitiveDecelerations => "no_repetitive_decelerations",
            Self::ProlongedOver3Min => "prolonged_over3_min",
            Self::Tachysystole => "tachysystole",
            Self::StretchNotJudged => "stretch_not_judged",
            Self::BaselineDoubtful => "baseline_doubtful",
            Self::BaselineUnknown => "baseline_unknown",
            Self::TooShort => "too_short",
            Self::TooMuchLost => "too_much_lost",
            Self::ContractionsLost => "contractions_lost",
            Self::VariabilityUnknown => "variability_unknown",
        }
    }

    /// The class that it gives; a note gives [`FigoClass::Normal`].
    #[must_use]
    pub fn class(self) -> FigoClass {
        match self {
            Self::BaselineBelow100
            | Self::ReducedVariability
            | Self::ReducedVariabilityInDeceleration
            | Self::IncreasedVariability
            | Self::SinusoidalPattern
            | Self::RepetitiveLateOrProlonged
            | Self::RepetitiveLateOrProlongedReduced
            | Self::ProlongedOver5Min => FigoClass::Pathological,
            Self::Tachycardia | Self::Bradycardia | Self::RepetitiveDecelerations => FigoClass::Suspicious,
            Self::TooShort
            | Self::TooMuchLost
            | Self::ContractionsLost
            | Self::VariabilityUnknown
            | Self::BaselineUnknown => FigoClass::NotAssessable,
            _ => FigoClass::Normal,
        }
    }

    /// Whether it is a note beside the class and not a reason of it.
    #[must_use]
    pub fn is_note(self) -> bool {
        matches!(self, Self::ProlongedOver3Min | Self::Tachysystole | Self::StretchNotJudged | Self::BaselineDoubtful)
    }
}

/// Why a trace has its class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FigoReason {
    /// What it is about.
    pub code: FigoCode,
    /// Where.
    pub interval: Interval,
    /// The number it rests on: bpm, a share, minutes or contractions, as [`sentence`](Self::sentence) says.
    pub value: f64,
}

impl FigoReason {
    /// The reason in words, with its number and its place.
    #[must_use]
    pub fn sentence(&self) -> String {
        let v = self.value;
        let text = match self.code {
            FigoCode::BaselineBelow100 => format!("baseline {v:.0} bpm, below 100"),
            FigoCode::ReducedVariability => format!("variability {v:.1} bpm, below 5 for more than 50 min"),
            FigoCode::ReducedVariabilityInDeceleration => {
                format!("variability below 5 bpm for {v:.1} min inside a deceleration, more than 3")
            }
            FigoCode::IncreasedVariability => format!("variability {v:.0} bpm, above 25 for more than 30 min"),
            FigoCode::SinusoidalPattern => format!("sinusoidal pattern of {v:.0} bpm for more than 30 min"),
            FigoCode::RepetitiveLateOrProlonged => {
                format!("late or prolonged decelerations with {v:.0} % of the contractions for more than 30 min")
            }
            FigoCode::RepetitiveLateOrProlongedReduced => format!(
                "late or prolonged decelerations with {v:.0} % of the contractions for more than 20 min, with reduced variability"
            ),
            FigoCode::ProlongedOver5Min => format!("a deceleration of {v:.1} min, more than 5"),
            FigoCode::Tachycardia => format!("baseline {v:.0} bpm, above 160 for more than 10 min"),
            FigoCode::Bradycardia => format!("baseline {v:.0} bpm, below 110 for more than 10 min"),
            FigoCode::RepetitiveDecelerations => {
                format!("decelerations with {v:.0} % of the contractions, more than half")
            }
            FigoCode::BaselineNormal => format!("baseline {v:.0} bpm, within 110–160"),
            FigoCode::VariabilityNormal => format!("variability {v:.0} bpm, nowhere reduced or increased for long"),
            FigoCode::NoRepetitiveDecelerations => "no repetitive decelerations".to_owned(),
            FigoCode::ProlongedOver3Min => format!(
                "a deceleration of {v:.1} min: not suspicious by the table, which many local guidelines see otherwise"
            ),
            FigoCode::Tachysystole => format!("tachysystole: {v:.1} contractions in 10 min, more than 5"),
            FigoCode::StretchNotJudged => format!("not judged: {v:.0} % lost"),
            FigoCode::BaselineDoubtful => {
                format!("baseline not reliable: {v:.0} bpm, more than 15 away from the level before")
            }
            FigoCode::BaselineUnknown => format!("baseline not reliable for {v:.0} min, 10 or more"),
            FigoCode::TooShort => format!("{v:.1} min could be judged, at least 10 are needed"),
            FigoCode::TooMuchLost => format!("{v:.0} % lost, half or more"),
            FigoCode::ContractionsLost => format!("{v:.0} decelerations, and contractions are not known"),
            FigoCode::VariabilityUnknown => {
                "no minute outside events is complete enough for its variability".to_owned()
            }
        };
        let minutes = |s: f64| format!("{:.0}:{:02.0}", (s / 60.0).floor(), (s % 60.0).floor());
        format!("{text} ({}–{} min)", minutes(self.interval.start_s()), minutes(self.interval.end_s()))
    }
}

/// The class and all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Figo {
    /// The class: of the whole trace, by its worst finding.
    pub class: FigoClass,
    /// The reasons of that class, then notes. Never empty.
    pub reasons: Vec<FigoReason>,
    /// Stretches of 30 min with half of their samples lost: not judged.
    pub not_judged: Vec<Interval>,
    /// Variability of the minutes outside events.
    pub variability: Vec<BandwidthSegment>,
    /// Baseline above 160 bpm for more than 10 min.
    pub tachycardia: Vec<Interval>,
    /// Baseline below 110 bpm for more than 10 min.
    pub bradycardia: Vec<Interval>,
}

impl Figo {
    /// The reasons of the class, without notes.
    pub fn reasons_of_class(&self) -> impl Iterator<Item = &FigoReason> {
        self.reasons.iter().filter(|r| !r.code.is_note())
    }

    /// With a note for each stretch in which the baseline is not reliable. A trace in which nothing stands out is not
    /// normal then if these last ten minutes or more: falls may be missed.
    pub(super) fn doubting(mut self, doubts: &[BaselineDoubt]) -> Self {
        let minutes: f64 = doubts.iter().map(|d| d.interval.duration_s() / 60.0).sum();
        if self.class == FigoClass::Normal && minutes >= 10.0 {
            self.class = FigoClass::NotAssessable;
            self.reasons.retain(|r| r.code.is_note());
            if let (Some(first), Some(last)) = (doubts.first(), doubts.last()) {
                let interval = Interval { start: first.interval.start, end: last.interval.end };
                self.reasons.insert(0, FigoReason { code: FigoCode::BaselineUnknown, interval, value: minutes });
            }
        }
        let note = |d: &BaselineDoubt| FigoReason {
            code: FigoCode::BaselineDoubtful,
            interval: d.interval,
            value: d.level_bpm,
        };
        self.reasons.extend(doubts.iter().map(note));
        self
    }
}

/// What [`figo2015`] looks at.
#[derive(Debug, Clone, Copy)]
pub struct FigoInput<'a> {
    /// The prepared heart rate.
    pub prepared: &'a Prepared,
    /// Its baseline.
    pub baseline_bpm: &'a [f64],
    /// Its accelerations and decelerations.
    pub events: &'a [Event],
    /// The contractions; `None` where they are not known.
    pub contractions: Option<&'a [Contraction]>,
    /// The sinusoidal stretches.
    pub sinusoidal: &'a [Sinusoidal],
    /// The most contractions in 10 min and where, if that is tachysystole.
    pub tachysystole: Option<(f64, Interval)>,
}

const MIN: usize = MINUTE;

/// The class of a cardiotocogram after FIGO 2015, by its worst finding, with its reasons.
///
/// **Use it** on 10 min to some hours of labour. **Not** before labour, and not as advice: it is what the table says
/// about the numbers, and a clinician sees more.
///
/// # Formula
/// Pathological: baseline below 100 bpm (mean of 10 min); bandwidth below 5 bpm for more than 50 min, or above 25 bpm
/// for more than 30 min, in minutes outside events; below 5 bpm for more than 3 min inside a deceleration; sinusoidal
/// for more than 30 min; late or prolonged decelerations with more than half of the contractions over more than 30 min
/// (20 min if the variability there is reduced); a deceleration of more than 5 min. Else suspicious: baseline above 160
/// or below 110 bpm for more than 10 min; decelerations with more than half of at least three contractions in 30 min.
/// Early decelerations do not count there: they are no sign of hypoxia. Else normal. Stretches of 30 min of which half
/// is lost are not judged; where there are decelerations and the contractions are lost the trace is not assessable,
/// unless it is suspicious or pathological anyhow.
///
/// # Validation
/// The class and the reason of all 13 planted traces of the golden set.
///
/// # References
/// Ayres-de-Campos et al. 2015, doi:10.1016/j.ijgo.2015.06.020.
#[must_use]
pub fn figo2015(input: &FigoInput<'_>) -> Figo {
    let prepared = input.prepared;
    let n = prepared.valid.len().min(input.baseline_bpm.len());
    let whole = Interval { start: 0, end: n };
    let (judged, not_judged) = windows(prepared, n);
    let is_judged = |i: &Interval| judged.iter().any(|j| i.start < j.end && i.end > j.start);
    let mut in_event = vec![false; n];
    for event in input.events.iter().filter(|e| !is_half_of_a_swing(e, prepared, input.baseline_bpm)) {
        let end = event.interval.end.min(n);
        if let Some(inside) = in_event.get_mut(event.interval.start..end) {
            inside.fill(true);
        }
    }
    let counts = |i: usize, _: f64| prepared.valid[i] && !in_event[i];
    // a quarter of a minute shows an oscillation; where it is wide, half of many minutes counts as events
    let per_minute = bandwidths(&prepared.filled_bpm[..n], MINUTE / 4, counts);
    let variability: Vec<BandwidthSegment> =
        bandwidth_segments(&per_minute).into_iter().filter(|s| is_judged(&s.interval)).collect();
    let beyond = |outside: &dyn Fn(f64) -> bool| -> Vec<Interval> {
        let all = runs(input.baseline_bpm[..n].iter().map(|b| outside(*b)));
        let all = all.into_iter().map(|(start, end)| Interval { start, end });
        all.filter(|i| i.duration_s() > 600.0 && is_judged(i) && prepared.is_judgeable(i.start, i.end)).collect()
    };
    let (tachycardia, bradycardia) = (beyond(&|b| b > 160.0), beyond(&|b| b < 110.0));
    let mut found = Findings { reasons: Vec::new(), input, n };
    found.baseline(&judged, &tachycardia, &bradycardia);
    found.bandwidth(&variability);
    found.decelerations(&is_judged, &variability);
    for s in input.sinusoidal.iter().filter(|s| s.interval.duration_s() > 1800.0) {
        found.add(FigoCode::SinusoidalPattern, s.interval, s.amplitude_bpm);
    }
    let class = found.class(&judged, &variability, whole);
    let mut reasons: Vec<FigoReason> =
        found.reasons.iter().copied().filter(|r| r.code.class() == class && !r.code.is_note()).collect();
    reasons.extend(found.reasons.iter().copied().filter(|r| r.code.is_note()));
    for i in &not_judged {
        let value = 100.0 * prepared.loss_between(i.start, i.end);
        reasons.push(FigoReason { code: FigoCode::StretchNotJudged, interval: *i, value });
    }
    Figo { class, reasons, not_judged, variability, tachycardia, bradycardia }
}

/// Whether an event is one side of a wide oscillation: within a minute of it the measured rate goes to the other side of
/// the baseline at least 0.6 times as far, and by half of the 25 bpm that make an oscillation wide.
fn is_half_of_a_swing(event: &Event, prepared: &Prepared, baseline_bpm: &[f64]) -> bool {
    let n = prepared.valid.len().min(baseline_bpm.len());
    let sign = if event.kind.is_deceleration() { 1.0 } else { -1.0 };
    let near = event.interval.start.saturating_sub(MINUTE).min(n)..(event.interval.end + MINUTE).min(n);
    let away = near.filter(|i| prepared.valid[*i]).map(|i| sign * (prepared.filled_bpm[i] - baseline_bpm[i]));
    away.fold(0.0, f64::max) >= (0.6 * event.amplitude_bpm).max(12.5)
}

/// Stretches of 30 min (the last is 30 to 60 min long) that are judged, and those that are not.
fn windows(prepared: &Prepared, n: usize) -> (Vec<Interval>, Vec<Interval>) {
    let count = (n / (30 * MIN)).max(1);
    let ends = (0..count).map(|k| (k * 30 * MIN, if k + 1 == count { n } else { (k + 1) * 30 * MIN }));
    ends.map(|(start, end)| Interval { start, end }).partition(|i| prepared.is_judgeable(i.start, i.end))
}

struct Findings<'a> {
    reasons: Vec<FigoReason>,
    input: &'a FigoInput<'a>,
    n: usize,
}

impl Findings<'_> {
    fn add(&mut self, code: FigoCode, interval: Interval, value: f64) {
        self.reasons.push(FigoReason { code, interval, value });
    }

    /// Over the measured samples: what is held or bridged is no finding.
    fn mean_baseline(&self, i: &Interval) -> f64 {
        let end = i.end.min(self.n);
        let part = self.input.baseline_bpm.get(i.start..end).unwrap_or_default();
        let valid = self.input.prepared.valid.get(i.start..end).unwrap_or_default();
        let known = part.iter().zip(valid).filter(|(_, ok)| **ok);
        let (sum, count) = known.fold((0.0, 0.0), |(s, c), (b, _)| (s + b, c + 1.0));
        sum / f64::max(count, 1.0)
    }

    fn baseline(&mut self, judged: &[Interval], tachycardia: &[Interval], bradycardia: &[Interval]) {
        // the lowest 10 min, moved by a minute
        let mut lowest: Option<(f64, Interval)> = None;
        for window in judged {
            let last = window.end.saturating_sub(10 * MIN);
            for start in (window.start..=last).step_by(MIN) {
                let i = Interval { start, end: start + 10 * MIN };
                if !self.input.prepared.is_judgeable(i.start, i.end) {
                    continue;
                }
                let level = self.mean_baseline(&i);
                if i.end <= window.end && level < 100.0 && lowest.is_none_or(|(l, _)| level < l) {
                    lowest = Some((level, i));
                }
            }
        }
        if let Some((level, i)) = lowest {
            self.add(FigoCode::BaselineBelow100, i, level);
        }
        for (code, list) in [(FigoCode::Tachycardia, tachycardia), (FigoCode::Bradycardia, bradycardia)] {
            for i in list {
                self.add(code, *i, self.mean_baseline(i));
            }
        }
    }

    fn bandwidth(&mut self, segments: &[BandwidthSegment]) {
        for s in segments {
            match s.bandwidth {
                Bandwidth::Reduced if s.interval.duration_s() > 3000.0 => {
                    self.add(FigoCode::ReducedVariability, s.interval, s.mean_bpm);
                }
                Bandwidth::Increased if s.interval.duration_s() > 1800.0 => {
                    self.add(FigoCode::IncreasedVariability, s.interval, s.mean_bpm);
                }
                _ => {}
            }
        }
    }

    fn decelerations(&mut self, is_judged: &dyn Fn(&Interval) -> bool, variability: &[BandwidthSegment]) {
        let input = self.input;
        let all: Vec<&Event> =
            input.events.iter().filter(|e| e.kind.is_deceleration() && is_judged(&e.interval)).collect();
        for event in &all {
            let minutes = event.interval.duration_s() / 60.0;
            if minutes > 5.0 {
                self.add(FigoCode::ProlongedOver5Min, event.interval, minutes);
            } else if minutes > 3.0 {
                self.add(FigoCode::ProlongedOver3Min, event.interval, minutes);
            }
            if minutes > 3.0 {
                let range = event.interval.start..event.interval.end.min(self.n);
                let prepared = input.prepared;
                let narrow = longest_narrow_s(&prepared.filled_bpm[range.clone()], &prepared.valid[range], 5.0);
                if narrow > 180.0 {
                    self.add(FigoCode::ReducedVariabilityInDeceleration, event.interval, narrow / 60.0);
                }
            }
        }
        let Some(contractions) = input.contractions.filter(|c| !c.is_empty()) else {
            return;
        };
        let with = |event: &Event, k: usize| {
            event.contraction == Some(k)
                || (event.kind == EventKind::ProlongedDeceleration
                    && contractions
                        .get(k)
                        .is_some_and(|c| (event.interval.start..event.interval.end).contains(&c.peak)))
        };
        let marked = |counts: &dyn Fn(&Event) -> bool| -> Vec<bool> {
            (0..contractions.len()).map(|k| all.iter().any(|e| counts(e) && with(e, k))).collect()
        };
        let serious = marked(&|e| matches!(e.kind, EventKind::LateDeceleration | EventKind::ProlongedDeceleration));
        for (interval, share) in trains(contractions, &serious) {
            let reduced: f64 = variability
                .iter()
                .filter(|s| s.bandwidth == Bandwidth::Reduced)
                .map(|s| overlap_s(&s.interval, &interval))
                .sum();
            if interval.duration_s() > 1800.0 {
                self.add(FigoCode::RepetitiveLateOrProlonged, interval, 100.0 * share);
            } else if interval.duration_s() > 1200.0 && reduced > 0.5 * interval.duration_s() {
                self.add(FigoCode::RepetitiveLateOrProlongedReduced, interval, 100.0 * share);
            }
        }
        let counted = marked(&|e| e.kind != EventKind::EarlyDeceleration);
        if let Some((interval, share)) = repetitive(contractions, &counted, self.n) {
            self.add(FigoCode::RepetitiveDecelerations, interval, 100.0 * share);
        }
        if let Some((rate, interval)) = input.tachysystole {
            self.add(FigoCode::Tachysystole, interval, rate);
        }
    }

    /// The class; adds the reasons of the classes that have none yet.
    fn class(&mut self, judged: &[Interval], variability: &[BandwidthSegment], whole: Interval) -> FigoClass {
        let worst = self.reasons.iter().filter(|r| !r.code.is_note()).map(|r| r.code.class()).max();
        if let Some(class @ (FigoClass::Pathological | FigoClass::Suspicious)) = worst {
            return class;
        }
        let judged_min: f64 = judged.iter().map(|i| i.duration_s() / 60.0).sum();
        if judged_min < 10.0 {
            match self.input.prepared.loss_between(0, self.n) {
                loss if loss >= 0.5 => self.add(FigoCode::TooMuchLost, whole, 100.0 * loss),
                _ => self.add(FigoCode::TooShort, whole, judged_min),
            }
            return FigoClass::NotAssessable;
        }
        if 2.0 * judged_min < whole.duration_s() / 60.0 {
            self.add(FigoCode::TooMuchLost, whole, 100.0 * self.input.prepared.loss_between(0, self.n));
            return FigoClass::NotAssessable;
        }
        let falls = self.input.events.iter().filter(|e| e.kind.is_deceleration()).count();
        if falls > 0 && self.input.contractions.is_none() {
            self.add(FigoCode::ContractionsLost, whole, falls as f64);
            return FigoClass::NotAssessable;
        }
        if variability.is_empty() {
            self.add(FigoCode::VariabilityUnknown, whole, 0.0);
            return FigoClass::NotAssessable;
        }
        let minutes: f64 = variability.iter().map(|s| s.interval.duration_s()).sum();
        let width = variability.iter().map(|s| s.mean_bpm * s.interval.duration_s()).sum::<f64>() / minutes;
        self.add(FigoCode::BaselineNormal, whole, self.mean_baseline(&whole));
        self.add(FigoCode::VariabilityNormal, whole, width);
        self.add(FigoCode::NoRepetitiveDecelerations, whole, 0.0);
        FigoClass::Normal
    }
}

fn overlap_s(a: &Interval, b: &Interval) -> f64 {
    a.end.min(b.end).saturating_sub(a.start.max(b.start)) as f64 / RATE_HZ
}

/// Trains of contractions of which more than half are marked and no two in a row are not, with that share.
fn trains(contractions: &[Contraction], marked: &[bool]) -> Vec<(Interval, f64)> {
    let mut found = Vec::new();
    let mut train: Vec<usize> = Vec::new();
    let mut close = |train: &mut Vec<usize>| {
        if let (Some(first), Some(last)) = (train.first(), train.last()) {
            let share = train.len() as f64 / (last - first + 1) as f64;
            if share > 0.5 {
                let interval =
                    Interval { start: contractions[*first].interval.start, end: contractions[*last].interval.end };
                found.push((interval, share));
            }
        }
        train.clear();
    };
    for (k, is) in marked.iter().enumerate() {
        if !is {
            continue;
        }
        if train.last().is_some_and(|last| k - last > 2) {
            close(&mut train);
        }
        train.push(k);
    }
    close(&mut train);
    found
}

/// The 30 min (or the whole, if shorter) with the largest share of marked contractions, if that is more than half and
/// at least three are marked.
fn repetitive(contractions: &[Contraction], marked: &[bool], n: usize) -> Option<(Interval, f64)> {
    let last = n.saturating_sub(30 * MIN);
    let mut best: Option<(Interval, f64)> = None;
    for start in (0..=last).step_by(MIN) {
        let interval = Interval { start, end: (start + 30 * MIN).min(n) };
        let inside = contractions.iter().zip(marked).filter(|(c, _)| (interval.start..interval.end).contains(&c.peak));
        let (all, with) = inside.fold((0u32, 0u32), |(a, w), (_, m)| (a + 1, w + u32::from(*m)));
        let share = f64::from(with) / f64::from(all.max(1));
        if with >= 3 && share > 0.5 && best.is_none_or(|(_, s)| share > s) {
            best = Some((interval, share));
        }
    }
    best
}
