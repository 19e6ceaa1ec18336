//! From a detector's raw output to persons: anchors, scores, weighted non-maximum suppression.

use crate::Result;
use crate::crop::SquareRoi;
use crate::detect::overlap;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_PI_2, PI};

/// Points that the BlazePose detector gives with each box.
pub const POINTS: usize = 4;
/// Values per anchor: box centre and size, then the points.
pub const VALUES: usize = 4 + 2 * POINTS;

/// A person found in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Detection {
    /// How sure the detector is, 0 to 1.
    pub score: f64,
    /// Left, top, right, bottom of the face's box.
    pub box_xyxy: [f64; 4],
    /// Mid-hip; a point of the circle about the whole body; mid-shoulder; a point of the circle about the upper body.
    pub points: [[f64; 2]; POINTS],
}

impl Detection {
    /// The turned square about the person for the landmark network: centre at mid-hip, up along the body.
    ///
    /// Side `2 · |b − a| · scale`, rotation `π/2 − atan2(−(b_y − a_y), b_x − a_x)`, with `a` mid-hip and `b` the point
    /// of the whole body's circle; MediaPipe's scale is 1.25.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if both points coincide.
    pub fn body_roi(&self, scale: f64) -> Result<SquareRoi> {
        let [a, b, ..] = self.points;
        roi_along([a, b], scale)
    }
}

/// The square about `a` that stands along the line from `a` to `b`.
pub(crate) fn roi_along([a, b]: [[f64; 2]; 2], scale: f64) -> Result<SquareRoi> {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    SquareRoi::new(a, 2.0 * dx.hypot(dy) * scale, wrap(FRAC_PI_2 - (-dy).atan2(dx)))
}

/// The angle in −π … π.
pub(crate) fn wrap(angle: f64) -> f64 {
    angle - 2.0 * PI * ((angle + PI) / (2.0 * PI)).floor()
}

/// Settings of [`decode`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DetectionConfig {
    /// Lowest score that counts, 0 to 1. Default 0.5, as MediaPipe 0.10.21.
    pub min_score: f64,
    /// Boxes that overlap more than this (intersection over union, 0 to 1) are one person. Default 0.3, as MediaPipe.
    pub max_overlap: f64,
}

impl Default for DetectionConfig {
    fn default() -> Self {
        Self { min_score: 0.5, max_overlap: 0.3 }
    }
}

impl DetectionConfig {
    /// Sets [`min_score`](Self::min_score).
    #[must_use]
    pub fn with_min_score(self, min_score: f64) -> Self {
        Self { min_score, ..self }
    }

    /// Sets [`max_overlap`](Self::max_overlap).
    #[must_use]
    pub fn with_max_overlap(self, max_overlap: f64) -> Self {
        Self { max_overlap, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("min_score", self.min_score), ("max_overlap", self.max_overlap)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Parameter::new(name, value, "0 to 1").into());
            }
        }
        Ok(())
    }
}

/// The anchors of a single-shot detector: per layer (stride, anchors per cell), row by row, as fractions of the input.
///
/// The BlazePose detector has `size` 224 and layers (8, 2), (16, 2), (32, 6): 2254 anchors.
///
/// ```
/// let anchors = eir_vision::detection::anchors(224, &[(8, 2), (16, 2), (32, 6)]);
/// assert_eq!((anchors.len(), anchors[0]), (2254, [0.5 / 28.0, 0.5 / 28.0]));
/// ```
#[must_use]
pub fn anchors(size: usize, layers: &[(usize, usize)]) -> Vec<[f64; 2]> {
    let mut all = Vec::new();
    for &(stride, per_cell) in layers {
        let cells = size.div_ceil(stride.max(1));
        let centre = |i: usize| (i as f64 + 0.5) / cells as f64;
        for y in 0..cells {
            for x in 0..cells {
                all.extend(std::iter::repeat_n([centre(x), centre(y)], per_cell));
            }
        }
    }
    all
}

/// Persons in a detector's raw output, best first; positions are pixels of the picture that `roi` was cut from.
///
/// **Use it** on the output of [`PoseDetector::raw`](crate::pose::PoseDetector::raw) or of the same network run
/// elsewhere. **Not** for detectors that give corners or logarithmic sizes.
///
/// # Formula
/// Centre `= raw / size + anchor`, width and height `= raw / size`, points as the centre. Score
/// `= 1 / (1 + exp(−clip(raw, ±100)))`. Weighted suppression: the best box takes all boxes whose overlap with it exceeds
/// [`max_overlap`](DetectionConfig::max_overlap); box and points become their mean with the scores as weights, the score
/// stays the best one's; then the next best of the rest.
///
/// `regressors` holds [`VALUES`] numbers per anchor, `logits` one, `size` is the network's input side.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) if the lengths do not fit the anchors,
/// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Parameter`](crate::Error::Parameter).
///
/// # Validation
/// Equals the chain that was checked against MediaPipe 0.10.21 (`cargo xtask golden vision`, `mediapipe/*.json`).
///
/// # References
/// Bazarevsky et al. 2020, BlazePose, doi:10.48550/arXiv.2006.10204; BlazeFace (weighted suppression)
/// doi:10.48550/arXiv.1907.05047.
pub fn decode(
    regressors: &[f32],
    logits: &[f32],
    anchors: &[[f64; 2]],
    size: usize,
    roi: &SquareRoi,
    config: &DetectionConfig,
) -> Result<Vec<Detection>> {
    let found = weighted::<POINTS>(regressors, logits, anchors, size, roi, config)?;
    Ok(found.into_iter().map(|f| Detection { score: f.score, box_xyxy: f.box_xyxy, points: f.points }).collect())
}

/// A box with `P` points.
#[derive(Debug, Clone)]
pub(crate) struct Found<const P: usize> {
    pub(crate) score: f64,
    pub(crate) box_xyxy: [f64; 4],
    pub(crate) points: [[f64; 2]; P],
}

/// [`decode`] for any number of points.
pub(crate) fn weighted<const P: usize>(
    regressors: &[f32],
    logits: &[f32],
    anchors: &[[f64; 2]],
    size: usize,
    roi: &SquareRoi,
    config: &DetectionConfig,
) -> Result<Vec<Found<P>>> {
    config.validate()?;
    let values = 4 + 2 * P;
    Mismatch::check("scores of the detector", anchors.len(), logits.len())?;
    Mismatch::check("values of the detector", anchors.len() * values, regressors.len())?;
    NotFinite::check_f32("score", logits)?;
    NotFinite::check_f32("detector value", regressors)?;
    let size = size as f64;
    let mut rest: Vec<Found<P>> = logits
        .iter()
        .zip(regressors.chunks_exact(values))
        .zip(anchors)
        .filter_map(|((logit, raw), anchor)| {
            let score = sigmoid(f64::from(*logit).clamp(-100.0, 100.0));
            if score < config.min_score {
                return None;
            }
            let at = |i: usize| raw.get(i).map_or(0.0, |v| f64::from(*v)) / size;
            let (cx, cy, w, h) = (at(0) + anchor[0], at(1) + anchor[1], at(2) / 2.0, at(3) / 2.0);
            let points = std::array::from_fn(|k| [at(4 + 2 * k) + anchor[0], at(5 + 2 * k) + anchor[1]]);
            Some(Found { score, box_xyxy: [cx - w, cy - h, cx + w, cy + h], points })
        })
        .collect();
    rest.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable: equal scores stay in anchor order
    let mut kept = Vec::new();
    while let Some(best) = rest.first().cloned() {
        let (mut near, far): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|d| overlap(&d.box_xyxy, &best.box_xyxy) > config.max_overlap);
        rest = far;
        if near.is_empty() {
            // a box without area overlaps nothing, not even itself
            rest.remove(0);
            near.push(best.clone());
        }
        kept.push(placed(&weighted_mean(&near, best.score), roi));
    }
    Ok(kept)
}

/// Box and points averaged with the scores as weights.
fn weighted_mean<const P: usize>(near: &[Found<P>], score: f64) -> Found<P> {
    let total: f64 = near.iter().map(|d| d.score).sum();
    let mean = |value: &dyn Fn(&Found<P>) -> f64| near.iter().map(|d| d.score * value(d)).sum::<f64>() / total;
    Found {
        score,
        box_xyxy: std::array::from_fn(|i| mean(&|d| d.box_xyxy[i])),
        points: std::array::from_fn(|k| std::array::from_fn(|i| mean(&|d| d.points[k][i]))),
    }
}

/// From fractions of the network's input to pixels of the picture; the input is upright, so boxes stay boxes.
fn placed<const P: usize>(d: &Found<P>, roi: &SquareRoi) -> Found<P> {
    let place = |value: f64, axis: usize| roi.centre[axis] - roi.side / 2.0 + value * roi.side;
    Found {
        score: d.score,
        box_xyxy: std::array::from_fn(|i| place(d.box_xyxy[i], i % 2)),
        points: d.points.map(|[x, y]| [place(x, 0), place(y, 1)]),
    }
}

/// The logistic function.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn roi() -> SquareRoi {
        SquareRoi { centre: [50.0, 50.0], side: 100.0, rotation_rad: 0.0 }
    }

    fn raw(cx: f32, cy: f32, side: f32) -> [f32; VALUES] {
        let mut r = [0.0; VALUES];
        r[..4].copy_from_slice(&[cx, cy, side, side]);
        r[4..].copy_from_slice(&[cx, cy, cx, cy - side, cx, cy, cx, cy]);
        r
    }

    #[test]
    fn near_boxes_are_averaged_by_score_and_far_ones_kept() {
        let anchors = [[0.0, 0.0]; 4];
        let values: Vec<f32> =
            [raw(20.0, 20.0, 10.0), raw(22.0, 20.0, 10.0), raw(80.0, 80.0, 10.0), raw(5.0, 5.0, 10.0)].concat();
        let logits = [2.0, 1.0, 1.5, -3.0];
        let found = decode(&values, &logits, &anchors, 100, &roi(), &DetectionConfig::default()).unwrap();
        assert_eq!(found.len(), 2);
        let (a, b) = (sigmoid(2.0), sigmoid(1.0));
        assert!((found[0].points[0][0] - (20.0 * a + 22.0 * b) / (a + b)).abs() < 1e-9);
        assert_eq!(found[0].score, a);
        assert!((found[1].box_xyxy[0] - 75.0).abs() < 1e-9);
        // upright: the circle's point is above the hips
        assert!(found[1].body_roi(1.25).unwrap().rotation_rad.abs() < 1e-12);
        assert!((found[1].body_roi(1.25).unwrap().side - 25.0).abs() < 1e-9);
    }

    #[test]
    fn boxes_without_area_end_the_search_too() {
        let values: Vec<f32> = [raw(20.0, 20.0, 0.0), raw(20.0, 20.0, 0.0)].concat();
        let found = decode(&values, &[3.0, 2.0], &[[0.0; 2]; 2], 100, &roi(), &DetectionConfig::default()).unwrap();
        assert_eq!(found.len(), 2);
        assert!(matches!(found[0].body_roi(1.25), Err(Error::Parameter(_))));
    }

    #[test]
    fn lengths_and_values_are_checked() {
        let decode = |r: &[f32], l: &[f32]| decode(r, l, &[[0.5; 2]], 100, &roi(), &DetectionConfig::default());
        assert!(matches!(decode(&[0.0; VALUES], &[]), Err(Error::Mismatch(_))));
        assert!(matches!(decode(&[0.0; 3], &[0.0]), Err(Error::Mismatch(_))));
        assert!(matches!(decode(&[f32::NAN; VALUES], &[0.0]), Err(Error::NotFinite(_))));
        assert!(DetectionConfig::default().with_min_score(f64::NAN).validate().is_err());
    }
}
