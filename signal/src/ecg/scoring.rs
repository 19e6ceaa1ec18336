//! How well detected beats agree with annotated ones.

use crate::Result;
use crate::wfdb::Annotation;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// Beats that agree, that were missed and that are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BeatScore {
    /// Annotated and found.
    pub true_positives: usize,
    /// Annotated, not found.
    pub false_negatives: usize,
    /// Found, not annotated.
    pub false_positives: usize,
}

impl BeatScore {
    /// Share of the annotated beats that were found; `None` if there is none.
    #[must_use]
    pub fn sensitivity(&self) -> Option<f64> {
        share(self.true_positives, self.false_negatives)
    }

    /// Share of the found beats that are annotated (PPV); `None` if none was found.
    #[must_use]
    pub fn positive_predictive_value(&self) -> Option<f64> {
        share(self.true_positives, self.false_positives)
    }

    /// Harmonic mean of both; `None` if there is neither a beat nor a detection.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.true_positives, self.false_negatives + self.false_positives)
    }
}

/// Scores add up over records: gross statistics.
impl std::ops::Add for BeatScore {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            true_positives: self.true_positives + other.true_positives,
            false_negatives: self.false_negatives + other.false_negatives,
            false_positives: self.false_positives + other.false_positives,
        }
    }
}

fn share(part: usize, rest: usize) -> Option<f64> {
    (part + rest > 0).then(|| part as f64 / (part + rest) as f64)
}

/// Compares `detected` with `annotated` beats, both rising, one to one in their order, within `tolerance` samples.
///
/// **Use it** with 150 ms, as EC57 has it: `(0.15 * rate.hz()) as usize`. **Not** to judge how exact the places are.
///
/// # Examples
/// ```
/// let score = eir_signal::ecg::score_beats(&[100, 200, 300], &[102, 250, 299], 10);
/// assert_eq!((score.true_positives, score.false_negatives, score.false_positives), (2, 1, 1));
/// assert_eq!(score.f1(), Some(4.0 / 6.0));
/// ```
///
/// # References
/// ANSI/AAMI EC57:2012.
#[must_use]
pub fn score_beats(annotated: &[usize], detected: &[usize], tolerance: usize) -> BeatScore {
    let mut score = BeatScore::default();
    pairs(annotated, detected, tolerance, |a, d| match (a, d) {
        (Some(_), Some(_)) => score.true_positives += 1,
        (Some(_), None) => score.false_negatives += 1,
        _ => score.false_positives += 1,
    });
    score
}

/// How detections are compared with annotations.
///
/// # Examples
/// ```
/// use eir_signal::ecg::ScoreConfig;
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let score = ScoreConfig::default().with_start_s(5.0).score(&[100, 600, 700], &[101, 598, 900], rate)?;
/// assert_eq!((score.true_positives, score.false_negatives, score.false_positives), (1, 1, 1));
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ScoreConfig {
    /// A detection belongs to an annotation at most this far away, in s, above 0 and at most 1. Default 0.15 (EC57).
    pub window_s: f64,
    /// Beats before this time from the first sample are not counted, in s, at least 0. EC57 has 300, in which a detector
    /// may learn. Default 0.
    pub start_s: f64,
    /// Stretches from a sample to another (not included) in which nothing is counted, such as ventricular flutter: see
    /// [`flutter`]. Default none.
    pub excluded: Vec<(usize, usize)>,
}

impl Default for ScoreConfig {
    fn default() -> Self {
        Self { window_s: 0.15, start_s: 0.0, excluded: Vec::new() }
    }
}

impl ScoreConfig {
    /// Sets [`window_s`](Self::window_s).
    #[must_use]
    pub fn with_window_s(self, window_s: f64) -> Self {
        Self { window_s, ..self }
    }
    /// Sets [`start_s`](Self::start_s).
    #[must_use]
    pub fn with_start_s(self, start_s: f64) -> Self {
        Self { start_s, ..self }
    }
    /// Sets [`excluded`](Self::excluded).
    #[must_use]
    pub fn with_excluded(self, excluded: Vec<(usize, usize)>) -> Self {
        Self { excluded, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(self.window_s > 0.0 && self.window_s <= 1.0) {
            return Err(Parameter::new("window_s", self.window_s, "above 0 and at most 1 s").into());
        }
        if !(self.start_s >= 0.0 && self.start_s.is_finite()) {
            return Err(Parameter::new("start_s", self.start_s, "0 s or more").into());
        }
        if let Some((from, _)) = self.excluded.iter().find(|(from, to)| from > to) {
            return Err(Parameter::new("excluded", *from as f64, "before its end").into());
        }
        Ok(())
    }

    /// Compares `detected` with `annotated` beats, both rising. Pairs are made first, then those are left out whose
    /// annotation does not count, and lone detections that do not count: a beat at an edge makes no error.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn score(&self, annotated: &[usize], detected: &[usize], rate: SampleRate) -> Result<BeatScore> {
        self.validate()?;
        let start = rate.samples(self.start_s);
        let counts = |at: usize| at >= start && !self.excluded.iter().any(|(from, to)| (*from..*to).contains(&at));
        let mut score = BeatScore::default();
        pairs(annotated, detected, (self.window_s * rate.hz()) as usize, |annotated, detected| {
            match (annotated, detected) {
                (Some(a), Some(_)) => score.true_positives += usize::from(counts(a)),
                (Some(a), None) => score.false_negatives += usize::from(counts(a)),
                (None, Some(d)) => score.false_positives += usize::from(counts(d)),
                (None, None) => {}
            }
        });
        Ok(score)
    }
}

/// Ventricular flutter in `annotations`: from each `[` to the next `]` (to the last sample that can be where there is
/// none).
#[must_use]
pub fn flutter(annotations: &[Annotation]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for annotation in annotations {
        let at = usize::try_from(annotation.sample).unwrap_or_default();
        match annotation.symbol {
            '[' => start = start.or(Some(at)),
            ']' => found.extend(start.take().map(|from| (from, at + 1))),
            _ => {}
        }
    }
    found.extend(start.map(|from| (from, usize::MAX)));
    found
}

/// Scores over several records, as EC57 asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScoreSummary {
    /// All beats pooled.
    pub gross: BeatScore,
    /// Mean of the records' sensitivities; `None` if no record has one.
    pub average_sensitivity: Option<f64>,
    /// Mean of the records' positive predictive values; `None` if no record has one.
    pub average_positive_predictive_value: Option<f64>,
    /// Number of records.
    pub records: usize,
}

impl ScoreSummary {
    /// Gross and average of the scores of records.
    #[must_use]
    pub fn new(records: &[BeatScore]) -> Self {
        let mean = |value: fn(&BeatScore) -> Option<f64>| {
            let values: Vec<f64> = records.iter().filter_map(value).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            gross: records.iter().copied().fold(BeatScore::default(), |a, b| a + b),
            average_sensitivity: mean(BeatScore::sensitivity),
            average_positive_predictive_value: mean(BeatScore::positive_predictive_value),
            records: records.len(),
        }
    }
}

/// Pairs in their order within `tolerance`, each with its partner or with none. No pairing one to one has more pairs.
fn pairs(
    annotated: &[usize],
    detected: &[usize],
    tolerance: usize,
    mut pair: impl FnMut(Option<usize>, Option<usize>),
) {
    let (mut i, mut j) = (0, 0);
    loop {
        match (annotated.get(i), detected.get(j)) {
            (Some(a), Some(d)) if a.abs_diff(*d) <= tolerance => {
                pair(Some(*a), Some(*d));
                i += 1;
                j += 1;
            }
            (Some(a), Some(d)) if d < a => {
                pair(None, Some(*d));
                j += 1;
            }
            (Some(a), _) => {
                pair(Some(*a), None);
                i += 1;
            }
            (None, Some(d)) => {
                pair(None, Some(*d));
                j += 1;
            }
            (None, None) => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_makes_no_error() {
        let rate = SampleRate::new(100.0).unwrap();
        let config = ScoreConfig::default().with_start_s(1.0).with_excluded(vec![(400, 500)]);
        // 95 is before the start, 105 its partner; 450 excluded; 460 a lone detection in it; 700 missed; 800 too many
        let score = config.score(&[95, 200, 450, 700], &[105, 205, 460, 480, 800], rate).unwrap();
        assert_eq!((score.true_positives, score.false_negatives, score.false_positives), (1, 1, 1));
        assert!(ScoreConfig::default().with_window_s(0.0).score(&[], &[], rate).is_err());
        assert!(ScoreConfig::default().with_excluded(vec![(5, 4)]).validate().is_err());
    }

    #[test]
    fn gross_and_average() {
        let score = |tp, fn_, fp| BeatScore { true_positives: tp, false_negatives: fn_, false_positives: fp };
        let summary = ScoreSummary::new(&[score(90, 10, 0), score(10, 0, 10), score(0, 0, 0)]);
        assert_eq!(summary.gross, score(100, 10, 10));
        assert_eq!(summary.average_sensitivity, Some(0.95));
        assert_eq!(summary.average_positive_predictive_value, Some(0.75));
        assert_eq!((summary.records, ScoreSummary::new(&[]).average_sensitivity), (3, None));
    }
}
