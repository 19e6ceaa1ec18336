use super::{Calibrator, check_scores, outcome};
use crate::Error;
use crate::error::{Malformed, Mismatch, NotFinite};
use crate::metrics::check_weights;
use crate::order::ascending;
use serde::{Deserialize, Serialize};

/// Settings of an [`IsotonicCalibrator`]: there are none yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Isotonic {}

impl Isotonic {
    /// Fits the rising curve to the scores of cases that the model has not seen.
    ///
    /// # Errors
    /// Lengths that differ, a score that is not finite, or [`Error::OneClass`]. Scores that are all equal give the
    /// share of positives, and separated classes a step from 0 to 1.
    pub fn fit(&self, labels: &[bool], scores: &[f64]) -> Result<IsotonicCalibrator, Error> {
        check_scores(labels, scores)?;
        Ok(IsotonicCalibrator::of(&blocks(labels, scores)))
    }

    /// As [`fit`](Self::fit), with a weight for each case; cases of weight 0 are left out.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted(&self, labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<IsotonicCalibrator, Error> {
        check_weights(weights, labels.len())?;
        Mismatch::check("scores", labels.len(), scores.len())?;
        NotFinite::check_f64("score", scores)?;
        let mut order: Vec<usize> = (0..labels.len()).filter(|i| weights[*i] > 0.0).collect();
        let first = order.first().map(|i| labels[*i]);
        if order.iter().all(|i| Some(labels[*i]) == first) {
            return Err(Error::OneClass);
        }
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let points = order.iter().map(|i| (scores[*i], weights[*i], weights[*i] * outcome(labels[*i])));
        Ok(IsotonicCalibrator::of(&pool(points)))
    }
}

/// Isotonic calibration: the rising curve that fits best, fitted by [`Isotonic`].
///
/// **Use it** with about 1000 cases or more, whatever the shape of the distortion. **Not** with few: the curve follows
/// them too closely, and its ends are often exactly 0 or 1 (an infinite log loss for one wrong case).
///
/// # Formula
/// Σ w (y − f(s))² is least among all f that never fall: pool adjacent violators, after equal scores have been pooled
/// (so that the order of the cases means nothing). Between the ends of the flat pieces the curve is straight, beyond
/// the first and the last score it stays. O(n log n).
///
/// # Examples
/// ```
/// use eir_core::calibration::{Calibrator, Isotonic};
/// let fitted = Isotonic::default().fit(&[false, true, false, true], &[1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!(fitted.predict(&[0.0, 1.5, 2.5, 9.0])?, [0.0, 0.25, 0.5, 1.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-10, knots and predictions, on `reference/core/calibration.json`.
///
/// # References
/// Zadrozny, Elkan 2002, doi:10.1145/775047.775151. Ayer et al. 1955, doi:10.1214/aoms/1177728423.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Knots")]
pub struct IsotonicCalibrator {
    knots: Vec<[f64; 2]>,
}

/// As an [`IsotonicCalibrator`] lies on disk, before it is checked.
#[derive(Deserialize)]
struct Knots {
    knots: Vec<[f64; 2]>,
}

impl TryFrom<Knots> for IsotonicCalibrator {
    type Error = Malformed;

    fn try_from(Knots { knots }: Knots) -> Result<Self, Malformed> {
        let rising = knots.windows(2).all(|w| w[0][0] < w[1][0] && w[0][1] <= w[1][1]);
        if knots.is_empty() || !rising || !knots.as_flattened().iter().all(|v| v.is_finite()) {
            return Err(Malformed::new("isotonic calibrator", "its knots are none, not finite or not rising"));
        }
        Ok(Self { knots })
    }
}

impl IsotonicCalibrator {
    fn of(blocks: &[Block]) -> Self {
        let ends = |b: &Block| [b.first, b.last].map(|score| [score, b.mean()]);
        let mut knots: Vec<[f64; 2]> = blocks.iter().flat_map(ends).collect();
        knots.dedup();
        Self { knots }
    }

    /// Where the curve bends: score and probability, in rising order.
    #[must_use]
    pub fn knots(&self) -> &[[f64; 2]] {
        &self.knots
    }
}

impl Calibrator for IsotonicCalibrator {
    fn probability(&self, score: f64) -> f64 {
        let after = self.knots.partition_point(|knot| knot[0] <= score);
        let [before, after] = [after.checked_sub(1), Some(after)].map(|i| i.and_then(|i| self.knots.get(i)));
        match (before, after) {
            _ if score.is_nan() => f64::NAN,
            (Some([x0, y0]), Some([x1, y1])) => y0 + (y1 - y0) * ((score - x0) / (x1 - x0)),
            (Some([_, y]), None) | (None, Some([_, y])) => *y,
            (None, None) => f64::NAN, // there is always a knot
        }
    }
}

/// Neighbouring scores that share one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Block {
    /// Least score.
    first: f64,
    /// Largest score.
    last: f64,
    /// Σ w.
    pub(super) weight: f64,
    /// Σ w y.
    pub(super) sum: f64,
}

impl Block {
    pub(super) fn mean(&self) -> f64 {
        self.sum / self.weight
    }
}

/// The pooled blocks of unweighted labels.
pub(super) fn blocks(labels: &[bool], scores: &[f64]) -> Vec<Block> {
    let [negatives, positives] = by_class(labels, scores);
    let (mut below, mut above) = (negatives.as_slice(), positives.as_slice());
    let mut blocks = Vec::new();
    while !(below.is_empty() && above.is_empty()) {
        // the cases of one class before the next of the other share one mean, and are pooled at once
        push_run(&mut blocks, &mut below, above, 0.0);
        push_run(&mut blocks, &mut above, below, 1.0);
        if let (Some(&score), Some(&other)) = (below.first(), above.first())
            && score == other
        {
            let [low, high] = [&mut below, &mut above].map(|cases| split(cases, |s| s == score).len() as f64);
            push(&mut blocks, Block { first: score, last: score, weight: low + high, sum: high });
        }
    }
    blocks
}

/// The scores of the negatives and of the positives, rising. Each class is sorted for itself: plain numbers sort several
/// times faster than pairs or positions.
fn by_class(labels: &[bool], scores: &[f64]) -> [Vec<f64>; 2] {
    let mut all = vec![0.0; scores.len() + 1];
    // from both ends, and to both, because which class a case has can't be foreseen; the place that is left is none's
    let (mut low, mut high) = (0, scores.len());
    for (label, score) in labels.iter().zip(scores) {
        let score = score + 0.0; // makes −0 the 0 that it equals
        (all[low], all[high]) = (score, score);
        (low, high) = (low + usize::from(!label), high - usize::from(*label));
    }
    let mut above = all.split_off(low + 1);
    all.truncate(low);
    ascending(&mut all);
    ascending(&mut above);
    [all, above]
}

/// Takes the first cases of which `is` holds.
fn split<'a>(cases: &mut &'a [f64], is: impl Fn(f64) -> bool) -> &'a [f64] {
    let (first, rest) = cases.split_at(cases.iter().take_while(|score| is(**score)).count());
    *cases = rest;
    first
}

/// Pools the cases before the first of the other class, all of one `outcome`.
fn push_run(blocks: &mut Vec<Block>, cases: &mut &[f64], other: &[f64], outcome: f64) {
    let end = other.first().copied().unwrap_or(f64::INFINITY);
    let run = split(cases, |score| score < end);
    if let (Some(&first), Some(&last)) = (run.first(), run.last()) {
        let weight = run.len() as f64;
        push(blocks, Block { first, last, weight, sum: outcome * weight });
    }
}

/// Pools points (score, weight, weight · y) in rising order of score: ties first, then neighbours that fall.
fn pool(points: impl Iterator<Item = (f64, f64, f64)>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut tie: Option<Block> = None;
    for (score, weight, sum) in points {
        match &mut tie {
            Some(t) if t.last == score => (t.weight, t.sum) = (t.weight + weight, t.sum + sum),
            _ => {
                if let Some(done) = tie.replace(Block { first: score, last: score, weight, sum }) {
                    push(&mut blocks, done);
                }
            }
        }
    }
    if let Some(last) = tie {
        push(&mut blocks, last);
    }
    blocks
}

fn push(blocks: &mut Vec<Block>, mut next: Block) {
    // cross-multiplied means: exact for counts
    while let Some(before) = blocks.pop_if(|b| b.sum * next.weight >= next.sum * b.weight) {
        let (weight, sum) = (before.weight + next.weight, before.sum + next.sum);
        next = Block { first: before.first, last: next.last, weight, sum };
    }
    blocks.push(next);
}

#[cfg(test)]
mod tests {
    use super::super::tests::simulated;
    use super::*;

    #[test]
    fn least_squares_by_its_definition() {
        // f(i) = max over a ≤ i of min over b ≥ i of the mean of a..=b
        let (labels, scores) = simulated(60, 7, 1.0, 0.0);
        let mut order: Vec<usize> = (0..60).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let mean =
            |a: usize, b: usize| order[a..=b].iter().map(|i| outcome(labels[*i])).sum::<f64>() / (b - a + 1) as f64;
        let fitted = Isotonic::default().fit(&labels, &scores).unwrap();
        for i in 0..60 {
            let least = |a: usize| (i..60).map(|b| mean(a, b)).fold(f64::INFINITY, f64::min);
            let want = (0..=i).map(least).fold(0.0, f64::max);
            assert!((fitted.probability(scores[order[i]]) - want).abs() < 1e-14);
        }
    }

    #[test]
    fn order_means_nothing_and_weights_are_copies() {
        let (labels, scores) = ([false, true, true, false, true], [0.5, 0.5, 0.2, 0.7, 0.9]);
        let fitted = Isotonic::default().fit(&labels, &scores).unwrap();
        let turned: Vec<usize> = (0..5).rev().collect();
        let pick = |i: &usize| (labels[*i], scores[*i]);
        let (l, s): (Vec<bool>, Vec<f64>) = turned.iter().map(pick).unzip();
        assert_eq!(Isotonic::default().fit(&l, &s).unwrap(), fitted);
        let copies: Vec<usize> = [0, 1, 1, 2, 2, 2, 3].to_vec();
        let (l, s): (Vec<bool>, Vec<f64>) = copies.iter().map(pick).unzip();
        let weighted = Isotonic::default().fit_weighted(&labels, &scores, &[1.0, 2.0, 3.0, 1.0, 0.0]).unwrap();
        assert_eq!(Isotonic::default().fit(&l, &s).unwrap(), weighted);
    }

    #[test]
    fn runs_of_a_class_are_pooled_as_case_by_case() {
        for (seed, steps) in [(1, 3.0), (2, 20.0), (3, 1e9)] {
            let (labels, scores) = simulated(300, seed, 1.0, 0.0);
            let scores: Vec<f64> = scores.iter().map(|s| (s * steps).round() / steps).collect();
            let mut order: Vec<usize> = (0..300).collect();
            order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
            assert_eq!(blocks(&labels, &scores), pool(order.iter().map(|i| (scores[*i], 1.0, outcome(labels[*i])))));
        }
    }

    #[test]
    fn limits_and_errors() {
        let constant = Isotonic::default().fit(&[true, false, false, false], &[0.3; 4]).unwrap();
        assert_eq!(constant.predict(&[0.0, 0.3, 1.0]).unwrap(), [0.25; 3]);
        let apart = Isotonic::default().fit(&[false, false, true], &[-0.0, 0.0, 1.0]).unwrap();
        assert_eq!(apart.knots(), [[0.0, 0.0], [1.0, 1.0]]);
        assert!(apart.probability(f64::NAN).is_nan());
        assert_eq!(Isotonic::default().fit(&[true, true], &[0.1, 0.2]), Err(Error::OneClass));
        let weighted = Isotonic::default().fit_weighted(&[true, false], &[0.1, 0.2], &[1.0, 0.0]);
        assert_eq!(weighted, Err(Error::OneClass));
    }

    #[test]
    fn what_is_read_is_checked() {
        let fitted = Isotonic::default().fit(&[false, true, false, true], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<IsotonicCalibrator>(&text).unwrap(), fitted);
        for broken in [r#"{"knots":[]}"#, r#"{"knots":[[1,0.5],[0,0.6]]}"#] {
            assert!(serde_json::from_str::<IsotonicCalibrator>(broken).is_err());
        }
    }
}
