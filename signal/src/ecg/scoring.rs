//! How well detected beats agree with annotated ones.

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
    let (mut i, mut j, mut true_positives) = (0, 0, 0);
    while let (Some(a), Some(d)) = (annotated.get(i), detected.get(j)) {
        if a.abs_diff(*d) <= tolerance {
            true_positives += 1;
            i += 1;
            j += 1;
        } else if d < a {
            j += 1;
        } else {
            i += 1;
        }
    }
    let false_negatives = annotated.len() - true_positives;
    BeatScore { true_positives, false_negatives, false_positives: detected.len() - true_positives }
}
