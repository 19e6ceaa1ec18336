//! Object key point similarity.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// How far labels of the 17 points of COCO scatter, as a share of the person's size: nose, eyes, ears, shoulders, elbows,
/// wrists, hips, knees, ankles.
pub const COCO_SIGMAS: [f64; 17] = [
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
];

/// A labelled person. The names are those of COCO's annotation files, so that serde reads them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeypointTruth {
    /// The picture.
    pub image_id: u64,
    /// x, y and visibility (0: not labelled) of each point, one after the other.
    pub keypoints: Vec<f64>,
    /// Area of the person in square pixels.
    pub area: f64,
    /// Box: left, top, width, height.
    pub bbox: [f64; 4],
    /// Whether it stands for a crowd (1), which may be found many times.
    #[serde(default)]
    pub iscrowd: u8,
    /// Labelled points; a person without any is ignored.
    pub num_keypoints: usize,
}

/// A person that was found. The names are those of COCO's result files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeypointResult {
    /// The picture.
    pub image_id: u64,
    /// x, y and anything (not looked at) of each point, one after the other.
    pub keypoints: Vec<f64>,
    /// How sure it is.
    pub score: f64,
}

impl KeypointTruth {
    pub(crate) fn check(&self, points: usize) -> Result<()> {
        Mismatch::check("numbers of labelled key points (3 for each)", 3 * points, self.keypoints.len())?;
        NotFinite::check_f64("labelled key point", &self.keypoints)?;
        NotFinite::check_f64("box of a person", &self.bbox)?;
        if !(self.area.is_finite() && self.area >= 0.0) {
            return Err(Parameter::new("area", self.area, "finite, 0 or more").into());
        }
        Ok(())
    }
}

impl KeypointResult {
    pub(crate) fn check(&self, points: usize) -> Result<()> {
        Mismatch::check("numbers of found key points (3 for each)", 3 * points, self.keypoints.len())?;
        NotFinite::check_f64("found key point", &self.keypoints)?;
        if self.score.is_nan() {
            return Err(Parameter::new("score", self.score, "a number").into());
        }
        Ok(())
    }

    /// Area of the box about all points, as pycocotools takes it.
    pub(crate) fn area(&self) -> f64 {
        let mut bounds = [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY];
        for [x, y, _] in self.keypoints.as_chunks::<3>().0 {
            bounds = [bounds[0].min(*x), bounds[1].max(*x), bounds[2].min(*y), bounds[3].max(*y)];
        }
        (bounds[1] - bounds[0]) * (bounds[3] - bounds[2])
    }
}

/// Variances `(2σ)²` of the points.
pub(crate) fn variances(sigmas: &[f64]) -> Result<Vec<f64>> {
    match sigmas.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        Some(bad) => Err(Parameter::new("sigmas", *bad, "finite and above 0").into()),
        None => Ok(sigmas.iter().map(|s| (2.0 * s).powi(2)).collect()),
    }
}

/// The similarity, of points that were checked.
pub(crate) fn similarity(truth: &KeypointTruth, found: &KeypointResult, variances: &[f64]) -> f64 {
    let (labels, points) = (truth.keypoints.as_chunks::<3>().0, found.keypoints.as_chunks::<3>().0);
    let size = truth.area + f64::EPSILON;
    let pairs = labels.iter().zip(points).zip(variances);
    let (mut sum, mut count) = (0.0, 0usize);
    if labels.iter().any(|l| l[2] > 0.0) {
        for (([x, y, visible], [u, v, _]), variance) in pairs {
            if *visible > 0.0 {
                let (dx, dy) = (u - x, v - y);
                sum += (-(dx * dx + dy * dy) / variance / size / 2.0).exp();
                count += 1;
            }
        }
    } else {
        // nothing is labelled: how far outside of the box, enlarged by itself on every side
        let [left, top, width, height] = truth.bbox;
        let outside = |v: f64, low: f64, size: f64| (low - size - v).max(0.0) + (v - (low + 2.0 * size)).max(0.0);
        for ((_, [u, v, _]), variance) in pairs {
            let (dx, dy) = (outside(*u, left, width), outside(*v, top, height));
            sum += (-(dx * dx + dy * dy) / variance / size / 2.0).exp();
            count += 1;
        }
    }
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// Object key point similarity of a found person to a labelled one: 1 where all points agree.
///
/// **Use it** to match found persons with labels of any number of points, each with how far labels scatter
/// ([`COCO_SIGMAS`] for the 17 of COCO).
///
/// # Formula
/// Mean of `exp(−d² / (2 (2σ)² (area + ε)))` over the labelled points; without any, `d` is the distance to the box
/// enlarged by its own size on each side.
///
/// # Examples
/// ```
/// use eir_vision::eval::{KeypointResult, KeypointTruth, oks};
/// let truth = KeypointTruth {
///     image_id: 1, keypoints: vec![10.0, 10.0, 2.0, 0.0, 0.0, 0.0], area: 100.0, bbox: [5.0, 5.0, 10.0, 10.0], iscrowd: 0,
///     num_keypoints: 1,
/// };
/// let found = KeypointResult { image_id: 1, keypoints: vec![11.0, 10.0, 1.0, 90.0, 90.0, 1.0], score: 0.9 };
/// let similarity = oks(&truth, &found, &[0.05, 0.05])?;
/// assert!((similarity - (-0.5f64).exp()).abs() < 1e-12);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) unless both have 3 numbers for each of the `sigmas`,
/// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Parameter`](crate::Error::Parameter) for a sigma or an area.
///
/// # Validation
/// Equals pycocotools 2.0.11 within 1e-9 (`cargo xtask golden vision`, `coco_eval/`).
///
/// # References
/// Ronchi, Perona 2017, doi:10.1109/ICCV.2017.48.
pub fn oks(truth: &KeypointTruth, found: &KeypointResult, sigmas: &[f64]) -> Result<f64> {
    truth.check(sigmas.len())?;
    found.check(sigmas.len())?;
    Ok(similarity(truth, found, &variances(sigmas)?))
}

/// The similarity of every found person (rows, highest score first, at most 20) to every labelled one (columns) of one
/// picture, as pycocotools keeps it.
///
/// # Errors
/// As [`oks`].
pub fn oks_matrix(truths: &[KeypointTruth], found: &[KeypointResult], sigmas: &[f64]) -> Result<Vec<Vec<f64>>> {
    let variances = variances(sigmas)?;
    truths.iter().try_for_each(|t| t.check(sigmas.len()))?;
    found.iter().try_for_each(|f| f.check(sigmas.len()))?;
    let mut order: Vec<&KeypointResult> = found.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    order.truncate(20);
    Ok(order.into_iter().map(|f| truths.iter().map(|t| similarity(t, f, &variances)).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let truth = KeypointTruth {
            image_id: 1,
            keypoints: vec![0.0; 3],
            area: 100.0,
            bbox: [0.0, 0.0, 10.0, 10.0],
            iscrowd: 0,
            num_keypoints: 0,
        };
        let found = KeypointResult { image_id: 1, keypoints: vec![15.0, 5.0, 1.0], score: 1.0 };
        // nothing labelled: inside of the enlarged box all is well
        assert_eq!(oks(&truth, &found, &[0.1]).unwrap(), 1.0);
        assert!(oks(&truth, &found, &[0.1, 0.1]).is_err());
        assert!(oks(&truth, &found, &[0.0]).is_err());
        let lost = KeypointResult { keypoints: vec![f64::NAN, 0.0, 0.0], ..found.clone() };
        assert!(oks(&truth, &lost, &[0.1]).is_err());
        assert!(oks(&KeypointTruth { area: -1.0, ..truth }, &found, &[0.1]).is_err());
    }
}
