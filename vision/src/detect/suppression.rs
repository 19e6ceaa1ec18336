//! Non-maximum suppression, hard and soft.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// Intersection over union of two boxes (left, top, right, bottom); 0 for boxes without area.
#[must_use]
pub fn overlap(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let width = a[2].min(b[2]) - a[0].max(b[0]);
    let height = a[3].min(b[3]) - a[1].max(b[1]);
    if width <= 0.0 || height <= 0.0 {
        return 0.0;
    }
    let area = |c: &[f64; 4]| (c[2] - c[0]) * (c[3] - c[1]);
    width * height / (area(a) + area(b) - width * height)
}

/// The boxes to keep, best first: each that overlaps a better kept one by more than `max_overlap` is left out.
///
/// **Use it** where one object gives several boxes. **Not** in crowds, where neighbours overlap as well: see
/// [`SoftSuppression`]. Equal scores stay in their order.
///
/// # Examples
/// ```
/// use eir_vision::detect::suppress;
/// let boxes = [[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0], [20.0, 0.0, 30.0, 10.0]];
/// assert_eq!(suppress(&boxes, &[0.6, 0.9, 0.3], 0.5)?, [1, 2]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) if there is not one score per box,
/// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Parameter`](crate::Error::Parameter) if the overlap is not
/// within 0 to 1.
///
/// # Validation
/// The same boxes as the decoders of YOLOX, YuNet and UltraFace keep (`cargo xtask golden vision`).
pub fn suppress(boxes: &[[f64; 4]], scores: &[f64], max_overlap: f64) -> Result<Vec<usize>> {
    check(boxes, scores)?;
    share("max_overlap", max_overlap)?;
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if kept.iter().all(|k| overlap(&boxes[*k], &boxes[i]) <= max_overlap) {
            kept.push(i);
        }
    }
    Ok(kept)
}

fn check(boxes: &[[f64; 4]], scores: &[f64]) -> Result<()> {
    Mismatch::check("scores of the boxes", boxes.len(), scores.len())?;
    NotFinite::check_f64("score", scores)?;
    NotFinite::check_f64("side of a box", boxes.as_flattened())?;
    Ok(())
}

fn share(name: &'static str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Parameter::new(name, value, "0 to 1").into())
}

/// How a score falls with the overlap with a better box.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Decay {
    /// Times 1 − overlap where the overlap exceeds this threshold (0 to 1).
    Linear(f64),
    /// Times exp(−overlap² / sigma); sigma above 0.
    Gaussian(f64),
}

/// Soft non-maximum suppression: overlapping boxes lose score instead of being left out.
///
/// **Use it** for people who stand close together. **Not** where scores must stay as the detector gave them.
///
/// # Formula
/// Again and again the best of the rest is taken; the scores of those that are left are multiplied by
/// `1 − o` (linear, where `o > threshold`) or `exp(−o² / σ)` (Gaussian), `o` the overlap with the one taken.
///
/// # Examples
/// ```
/// use eir_vision::detect::SoftSuppression;
/// let boxes = [[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]];
/// let kept = SoftSuppression::default().suppress(&boxes, &[0.9, 0.8, 0.5])?;
/// assert_eq!(kept.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0, 2, 1]);
/// assert!((kept[2].1 - 0.8 * (-2.0f64).exp()).abs() < 1e-12);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # References
/// Bodla et al. 2017, doi:10.1109/ICCV.2017.593.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SoftSuppression {
    /// How scores fall. Default Gaussian with sigma 0.5, as the paper.
    pub decay: Decay,
    /// Boxes whose score falls below this are left out, 0 to 1. Default 0.001.
    pub min_score: f64,
}

impl Default for SoftSuppression {
    fn default() -> Self {
        Self { decay: Decay::Gaussian(0.5), min_score: 0.001 }
    }
}

impl SoftSuppression {
    /// Sets [`decay`](Self::decay).
    #[must_use]
    pub fn with_decay(self, decay: Decay) -> Self {
        Self { decay, ..self }
    }

    /// Sets [`min_score`](Self::min_score).
    #[must_use]
    pub fn with_min_score(self, min_score: f64) -> Self {
        Self { min_score, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        share("min_score", self.min_score)?;
        match self.decay {
            Decay::Linear(threshold) => share("threshold", threshold),
            Decay::Gaussian(sigma) if sigma > 0.0 && sigma.is_finite() => Ok(()),
            Decay::Gaussian(sigma) => Err(Parameter::new("sigma", sigma, "above 0").into()),
        }
    }

    /// The boxes in the order in which they are taken, with what is left of their scores.
    ///
    /// # Errors
    /// As [`suppress`] and [`validate`](Self::validate).
    pub fn suppress(&self, boxes: &[[f64; 4]], scores: &[f64]) -> Result<Vec<(usize, f64)>> {
        self.validate()?;
        check(boxes, scores)?;
        let mut rest: Vec<(usize, f64)> =
            scores.iter().copied().enumerate().filter(|s| s.1 >= self.min_score).collect();
        let mut kept = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            // the first of the best, so that equal scores stay in their order
            let best = rest.iter().enumerate().fold(0, |best, (i, s)| if s.1 > rest[best].1 { i } else { best });
            let taken = rest.remove(best);
            for (i, score) in &mut rest {
                let o = overlap(&boxes[taken.0], &boxes[*i]);
                *score *= match self.decay {
                    Decay::Linear(threshold) if o > threshold => 1.0 - o,
                    Decay::Linear(_) => 1.0,
                    Decay::Gaussian(sigma) => (-o * o / sigma).exp(),
                };
            }
            rest.retain(|s| s.1 >= self.min_score);
            kept.push(taken);
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_decay_by_hand() {
        let soft = SoftSuppression::default().with_decay(Decay::Linear(0.3));
        let boxes = [[0.0, 0.0, 2.0, 1.0], [0.0, 0.0, 1.0, 1.0], [1.5, 0.0, 3.5, 1.0]];
        let kept = soft.suppress(&boxes, &[0.9, 0.8, 0.7]).unwrap();
        assert_eq!(kept, [(0, 0.9), (2, 0.7), (1, 0.4)]);
    }

    #[test]
    fn odd_boxes_do_no_harm() {
        let none = [[5.0, 5.0, 5.0, 5.0], [9.0, 9.0, 1.0, 1.0]];
        assert_eq!(suppress(&none, &[0.5, 0.5], 0.0).unwrap(), [0, 1]);
        assert_eq!(SoftSuppression::default().suppress(&none, &[0.5, 0.6]).unwrap().len(), 2);
        assert!(suppress(&none, &[f64::NAN, 0.0], 0.5).is_err());
        assert!(suppress(&none, &[0.5], 0.5).is_err());
        assert!(suppress(&none, &[0.5; 2], -1.0).is_err());
        assert!(SoftSuppression::default().with_decay(Decay::Gaussian(0.0)).validate().is_err());
        assert!(suppress(&[], &[], 0.5).unwrap().is_empty());
    }
}
