//! Average precision and recall of key points.

use super::oks::{COCO_SIGMAS, KeypointResult, KeypointTruth, similarity, variances};
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// Recalls at which precision is read.
const RECALLS: usize = 101;
/// Areas of all persons, of middling and of large ones, in square pixels; both ends belong to them.
const AREAS: [[f64; 2]; 3] = [[0.0, 1e10], [32.0 * 32.0, 96.0 * 96.0], [96.0 * 96.0, 1e10]];

/// Settings of [`keypoint_precision`](PrecisionConfig::evaluate).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PrecisionConfig {
    /// How far labels of each point scatter, above 0. Default [`COCO_SIGMAS`].
    pub sigmas: Vec<f64>,
    /// Persons that count in one picture, the surest first, 1 or more. Default 20.
    pub most_per_image: usize,
}

impl Default for PrecisionConfig {
    fn default() -> Self {
        Self { sigmas: COCO_SIGMAS.to_vec(), most_per_image: 20 }
    }
}

/// The ten numbers of a key point evaluation; −1 where there is no person of that size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeypointPrecision {
    /// Average precision over the similarities 0.50, 0.55 … 0.95.
    pub ap: f64,
    /// At similarity 0.50.
    pub ap50: f64,
    /// At similarity 0.75.
    pub ap75: f64,
    /// Of persons of 32² to 96² square pixels.
    pub ap_medium: f64,
    /// Of larger ones.
    pub ap_large: f64,
    /// Average recall over the similarities.
    pub ar: f64,
    /// At similarity 0.50.
    pub ar50: f64,
    /// At similarity 0.75.
    pub ar75: f64,
    /// Of persons of 32² to 96² square pixels.
    pub ar_medium: f64,
    /// Of larger ones.
    pub ar_large: f64,
}

/// Average precision and recall of found persons with the default settings.
///
/// # Examples
/// ```
/// use eir_vision::eval::{KeypointResult, KeypointTruth, keypoint_precision};
/// let points: Vec<f64> = (0..17).flat_map(|i| [10.0 * f64::from(i), 50.0, 2.0]).collect();
/// let truth = KeypointTruth {
///     image_id: 1, keypoints: points.clone(), area: 9000.0, bbox: [0.0, 0.0, 160.0, 100.0], iscrowd: 0, num_keypoints: 17,
/// };
/// let found = KeypointResult { image_id: 1, keypoints: points, score: 0.9 };
/// let numbers = keypoint_precision(&[truth], &[found])?;
/// assert!((numbers.ap - 1.0).abs() < 1e-12);
/// assert_eq!(numbers.ap_large, -1.0); // there was no large person
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// As [`PrecisionConfig::evaluate`].
pub fn keypoint_precision(truths: &[KeypointTruth], found: &[KeypointResult]) -> Result<KeypointPrecision> {
    PrecisionConfig::default().evaluate(truths, found)
}

/// The similarities at which a person counts as found.
fn thresholds() -> [f64; 10] {
    // as NumPy's `linspace`: start + i · step
    std::array::from_fn(|i| if i == 9 { 0.95 } else { 0.5 + i as f64 * ((0.95 - 0.5) / 9.0) })
}

impl PrecisionConfig {
    /// Sets [`sigmas`](Self::sigmas).
    #[must_use]
    pub fn with_sigmas(self, sigmas: Vec<f64>) -> Self {
        Self { sigmas, ..self }
    }

    /// Sets [`most_per_image`](Self::most_per_image).
    #[must_use]
    pub fn with_most_per_image(self, most_per_image: usize) -> Self {
        Self { most_per_image, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        variances(&self.sigmas)?;
        if self.most_per_image == 0 {
            return Err(Parameter::new("most_per_image", 0.0, "1 or more").into());
        }
        Ok(())
    }

    /// Average precision and recall of found persons, as pycocotools computes them.
    ///
    /// **Use it** for numbers that stand beside published ones. **Not** as the error of a joint angle: it hardly changes
    /// with pixels that make degrees.
    ///
    /// # Formula
    /// In each picture found persons, the surest first, take the free labelled person of highest [`oks`](super::oks()) that
    /// reaches the threshold (persons without labelled points, crowds and those outside of the range of areas last; what
    /// takes one of those is ignored, and so is what takes none and lies outside of the range). Over all pictures, sorted by
    /// score: precision, made falling from the right, is read at 101 recalls and averaged.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Error::Mismatch`](crate::Error::Mismatch) or
    /// [`Error::NotFinite`](crate::Error::NotFinite) for key points.
    ///
    /// # Validation
    /// The ten numbers equal pycocotools 2.0.11 within 1e-9 on all files of `coco_eval/` (`cargo xtask golden vision`).
    ///
    /// # References
    /// Lin et al. 2014, doi:10.1007/978-3-319-10602-1_48.
    pub fn evaluate(&self, truths: &[KeypointTruth], found: &[KeypointResult]) -> Result<KeypointPrecision> {
        self.validate()?;
        let variances = variances(&self.sigmas)?;
        truths.iter().try_for_each(|t| t.check(self.sigmas.len()))?;
        found.iter().try_for_each(|f| f.check(self.sigmas.len()))?;
        let mut tables: [Table; AREAS.len()] = Default::default();
        let mut pictures = Pictures::new(truths, found, self.most_per_image);
        let mut scratch = Scratch::default();
        while let Some((truths, found)) = pictures.next() {
            scratch.similarities.clear();
            for f in &found {
                scratch.similarities.extend(truths.iter().map(|t| similarity(t, f, &variances)));
            }
            for (table, area) in tables.iter_mut().zip(AREAS) {
                table.add(&truths, &found, area, &mut scratch);
            }
        }
        let [all, medium, large] = tables.map(Table::curves);
        let at = |i: usize| (all.0.get(i).copied().unwrap_or(-1.0), all.1.get(i).copied().unwrap_or(-1.0));
        Ok(KeypointPrecision {
            ap: mean(&all.0),
            ap50: at(0).0,
            ap75: at(5).0,
            ap_medium: mean(&medium.0),
            ap_large: mean(&large.0),
            ar: mean(&all.1),
            ar50: at(0).1,
            ar75: at(5).1,
            ar_medium: mean(&medium.1),
            ar_large: mean(&large.1),
        })
    }
}

/// The mean over the thresholds; −1 where nothing was to be found.
fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { -1.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The persons of one picture after the other, in the order of their numbers.
struct Pictures<'a> {
    truths: std::iter::Peekable<std::vec::IntoIter<&'a KeypointTruth>>,
    found: std::iter::Peekable<std::vec::IntoIter<&'a KeypointResult>>,
    most: usize,
}

impl<'a> Pictures<'a> {
    fn new(truths: &'a [KeypointTruth], found: &'a [KeypointResult], most: usize) -> Self {
        let mut truths: Vec<_> = truths.iter().collect();
        let mut found: Vec<_> = found.iter().collect();
        truths.sort_by_key(|t| t.image_id);
        found.sort_by(|a, b| a.image_id.cmp(&b.image_id).then(b.score.total_cmp(&a.score)));
        Self { truths: truths.into_iter().peekable(), found: found.into_iter().peekable(), most }
    }

    /// Its labelled persons, and the found ones, the surest first.
    fn next(&mut self) -> Option<(Vec<&'a KeypointTruth>, Vec<&'a KeypointResult>)> {
        let ids = [self.truths.peek().map(|t| t.image_id), self.found.peek().map(|f| f.image_id)];
        let id = ids.into_iter().flatten().min()?;
        let truths = std::iter::from_fn(|| self.truths.next_if(|t| t.image_id == id)).collect();
        let mut found: Vec<_> = std::iter::from_fn(|| self.found.next_if(|f| f.image_id == id)).collect();
        found.truncate(self.most);
        Some((truths, found))
    }
}

/// Buffers that are used again for every picture.
#[derive(Debug, Default)]
struct Scratch {
    /// Of each found person to each labelled one.
    similarities: Vec<f64>,
    ignored: Vec<bool>,
    order: Vec<usize>,
    taken: Vec<bool>,
}

/// What came of a found person at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    True,
    False,
    Ignored,
}

/// All found persons of one range of areas.
#[derive(Debug, Default)]
struct Table {
    /// Labelled persons that are to be found.
    wanted: usize,
    scores: Vec<f64>,
    fates: Vec<[Fate; 10]>,
}

impl Table {
    fn add(&mut self, truths: &[&KeypointTruth], found: &[&KeypointResult], area: [f64; 2], scratch: &mut Scratch) {
        let Scratch { similarities, ignored, order, taken } = scratch;
        let outside = |a: f64| a < area[0] || a > area[1];
        ignored.clear();
        ignored.extend(truths.iter().map(|t| t.num_keypoints == 0 || t.iscrowd != 0 || outside(t.area)));
        order.clear();
        order.extend(0..truths.len());
        order.sort_by_key(|i| ignored.get(*i).copied());
        self.wanted += ignored.iter().filter(|i| !**i).count();
        let first = self.fates.len();
        self.scores.extend(found.iter().map(|f| f.score));
        self.fates.extend(found.iter().map(|f| [if outside(f.area()) { Fate::Ignored } else { Fate::False }; 10]));
        if truths.is_empty() {
            return;
        }
        for (k, threshold) in thresholds().into_iter().enumerate() {
            taken.clear();
            taken.resize(truths.len(), false);
            for (row, fates) in similarities.chunks_exact(truths.len()).zip(self.fates.iter_mut().skip(first)) {
                let mut best: Option<usize> = None;
                let mut reached = threshold.min(1.0 - 1e-10);
                for &i in order.iter() {
                    let (Some(truth), Some(&held), Some(&ignore)) = (truths.get(i), taken.get(i), ignored.get(i))
                    else {
                        continue;
                    };
                    if held && truth.iscrowd == 0 {
                        continue; // taken already
                    }
                    if ignore && best.is_some_and(|b| ignored.get(b) == Some(&false)) {
                        break;
                    }
                    if let Some(&s) = row.get(i).filter(|s| **s >= reached) {
                        (reached, best) = (s, Some(i));
                    }
                }
                if let Some(i) = best {
                    if let Some(t) = taken.get_mut(i) {
                        *t = true;
                    }
                    fates[k] = if ignored.get(i) == Some(&true) { Fate::Ignored } else { Fate::True };
                }
            }
        }
    }

    /// Precision and recall at each threshold; nothing where no person was to be found.
    fn curves(self) -> (Vec<f64>, Vec<f64>) {
        if self.wanted == 0 {
            return (Vec::new(), Vec::new());
        }
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        let score = |i: usize| self.scores.get(i).copied().unwrap_or_default();
        order.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
        let wanted = self.wanted as f64;
        (0..10)
            .map(|k| {
                let (mut hits, mut misses) = (0.0, 0.0);
                let mut points: Vec<(f64, f64)> = Vec::with_capacity(order.len());
                for fates in order.iter().filter_map(|i| self.fates.get(*i)) {
                    match fates[k] {
                        Fate::True => hits += 1.0,
                        Fate::False => misses += 1.0,
                        Fate::Ignored => {}
                    }
                    points.push((hits / wanted, hits / (misses + hits + f64::EPSILON)));
                }
                let recall = points.last().map_or(0.0, |p| p.0);
                let mut highest = 0.0f64;
                for (_, precision) in points.iter_mut().rev() {
                    highest = highest.max(*precision);
                    *precision = highest;
                }
                let mut at = points.iter().peekable();
                let read = (0..RECALLS).map(|r| {
                    let wanted = r as f64 * 0.01; // as NumPy's `linspace`
                    while at.next_if(|p| p.0 < wanted).is_some() {}
                    at.peek().map_or(0.0, |p| p.1)
                });
                (read.sum::<f64>() / RECALLS as f64, recall)
            })
            .unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(image_id: u64, x: f64, score: f64) -> (KeypointTruth, KeypointResult) {
        let keypoints: Vec<f64> = (0..17).flat_map(|i| [x + 7.0 * f64::from(i % 5), 9.0 * f64::from(i), 2.0]).collect();
        let truth = KeypointTruth {
            image_id,
            keypoints: keypoints.clone(),
            area: 4000.0,
            bbox: [x, 0.0, 30.0, 144.0],
            iscrowd: 0,
            num_keypoints: 17,
        };
        (truth, KeypointResult { image_id, keypoints, score })
    }

    #[test]
    fn found_missed_and_made_up() {
        let (a, found_a) = person(1, 0.0, 0.9);
        let (b, found_b) = person(2, 300.0, 0.8);
        let both = keypoint_precision(&[a.clone(), b.clone()], &[found_a.clone(), found_b.clone()]).unwrap();
        assert!((both.ap - 1.0).abs() < 1e-12 && both.ar == 1.0 && both.ap_medium > 0.99 && both.ar_large == -1.0);
        let one = keypoint_precision(&[a.clone(), b.clone()], std::slice::from_ref(&found_a)).unwrap();
        assert!((one.ap - 51.0 / 101.0).abs() < 1e-12 && one.ar == 0.5);
        let none = keypoint_precision(&[a, b], &[]).unwrap();
        assert_eq!((none.ap, none.ar), (0.0, 0.0));
        let made_up = keypoint_precision(&[], &[found_a, found_b]).unwrap();
        assert_eq!((made_up.ap, made_up.ar), (-1.0, -1.0));
    }

    #[test]
    fn settings_are_checked() {
        assert!(PrecisionConfig::default().with_most_per_image(0).validate().is_err());
        assert!(PrecisionConfig::default().with_sigmas(vec![-1.0]).evaluate(&[], &[]).is_err());
    }
}
