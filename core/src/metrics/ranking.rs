use super::check_weights;
use crate::Error;
use crate::error::{Mismatch, NotFinite};
use crate::order::ascending;

/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.
///
/// **Use it** to judge a score whatever the threshold. **Not** where classes are rare and only the top matters: see
/// [`average_precision`]. With an interval: [`auroc_interval`](crate::inference::auroc_interval); the curve itself:
/// [`RocCurve`](super::RocCurve).
///
/// # Formula
/// Σ over negatives of (positives above + ½ positives tied) / (n₁ n₀). O(n log n).
///
/// # Examples
/// ```
/// let a = eir_core::metrics::auroc(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
/// assert_eq!(a, 0.75);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`] for different lengths, [`Error::NotFinite`] for a score that is NaN or infinite,
/// [`Error::OneClass`] without both classes.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12 on `reference/core/roc.json`.
///
/// # References
/// Hanley, McNeil 1982, doi:10.1148/radiology.143.1.7063747.
pub fn auroc(labels: &[bool], scores: &[f64]) -> Result<f64, Error> {
    area(labels, scores, None)
}

/// As [`auroc`], with a weight for each item.
///
/// # Errors
/// As `auroc`, and for weights that are negative, not finite or all 0.
pub fn auroc_weighted(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64, Error> {
    area(labels, scores, Some(weights))
}

/// Average precision: Σ (Rₖ − Rₖ₋₁) Pₖ over the distinct thresholds, without interpolation.
///
/// **Use it** where positives are rare. The area by trapezoids is another, optimistic number:
/// [`PrecisionRecallCurve::trapezoid_area`](super::PrecisionRecallCurve::trapezoid_area).
///
/// # Examples
/// ```
/// let p = eir_core::metrics::average_precision(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
/// assert!((p - 0.8333333333333333).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`auroc`].
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12 on `reference/core/roc.json`.
///
/// # References
/// Davis, Goadrich 2006, doi:10.1145/1143844.1143874.
pub fn average_precision(labels: &[bool], scores: &[f64]) -> Result<f64, Error> {
    precision_area(labels, scores, None)
}

/// As [`average_precision`], with a weight for each item.
///
/// # Errors
/// As [`auroc_weighted`].
pub fn average_precision_weighted(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64, Error> {
    precision_area(labels, scores, Some(weights))
}

fn area(labels: &[bool], scores: &[f64], weights: Option<&[f64]>) -> Result<f64, Error> {
    let (mut above, mut negatives, mut area) = (0.0, 0.0, 0.0);
    descend(labels, scores, weights, |step| {
        area += step.negatives * (above + 0.5 * step.positives);
        above += step.positives;
        negatives += step.negatives;
    })?;
    Ok(area / (above * negatives))
}

fn precision_area(labels: &[bool], scores: &[f64], weights: Option<&[f64]>) -> Result<f64, Error> {
    let (mut above, mut all, mut area) = (0.0, 0.0, 0.0);
    descend(labels, scores, weights, |step| {
        above += step.positives;
        all += step.positives + step.negatives;
        area += step.positives * above / all;
    })?;
    Ok(area / above)
}

/// One distinct score: the number (or weight) of the positives and of the negatives that have it.
pub(crate) struct Step {
    pub(crate) threshold: f64,
    pub(crate) positives: f64,
    pub(crate) negatives: f64,
}

/// Calls `step` for each distinct score from the highest down. Items of weight 0 are left out.
pub(crate) fn descend(
    labels: &[bool],
    scores: &[f64],
    weights: Option<&[f64]>,
    step: impl FnMut(Step),
) -> Result<(), Error> {
    check(labels, scores)?;
    let zero = 0.0; // added, it makes the two zeros one score
    let Some(weights) = weights else {
        let mut sides = split(labels, scores.iter().map(|s| s + zero));
        sides.iter_mut().for_each(|side| ascending(side));
        return merge(&sides, |s| *s, |_| 1.0, step);
    };
    check_weights(weights, labels.len())?;
    let mut sides = split(labels, scores.iter().map(|s| s + zero).zip(weights.iter().copied()));
    for side in &mut sides {
        side.retain(|(_, weight)| *weight > 0.0);
        side.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    }
    merge(&sides, |(s, _)| *s, |(_, w)| *w, step)
}

pub(crate) fn check(labels: &[bool], scores: &[f64]) -> Result<(), Error> {
    Mismatch::check("scores", labels.len(), scores.len())?;
    Ok(NotFinite::check_f64("score", scores)?)
}

/// The items of the positives and those of the negatives.
fn split<T>(labels: &[bool], items: impl Iterator<Item = T>) -> [Vec<T>; 2] {
    let positives = labels.iter().filter(|l| **l).count();
    let mut sides = [Vec::with_capacity(positives), Vec::with_capacity(labels.len() - positives)];
    for (item, label) in items.zip(labels) {
        sides[usize::from(!label)].push(item);
    }
    sides
}

/// Walks down two rising sides at once: two sorts of bare numbers cost less than one of labelled ones.
fn merge<T>(
    [positives, negatives]: &[Vec<T>; 2],
    score: impl Fn(&T) -> f64,
    weight: impl Fn(&T) -> f64,
    mut step: impl FnMut(Step),
) -> Result<(), Error> {
    if positives.is_empty() || negatives.is_empty() {
        return Err(Error::OneClass);
    }
    let highest = |side: &[T]| side.last().map_or(f64::NEG_INFINITY, &score);
    let (mut positives, mut negatives) = (positives.as_slice(), negatives.as_slice());
    while !(positives.is_empty() && negatives.is_empty()) {
        let threshold = highest(positives).max(highest(negatives));
        let take = |side: &mut &[T]| {
            let mut sum = 0.0;
            while let Some((item, below)) = side.split_last().filter(|(item, _)| score(item) == threshold) {
                sum += weight(item);
                *side = below;
            }
            sum
        };
        step(Step { threshold, positives: take(&mut positives), negatives: take(&mut negatives) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn one_class_and_gaps_are_errors() {
        assert_eq!(auroc(&[true, true], &[0.1, 0.2]), Err(Error::OneClass));
        assert_eq!(auroc(&[], &[]), Err(Error::OneClass));
        assert!(matches!(auroc(&[true, false], &[0.1, f64::NAN]), Err(Error::NotFinite(_))));
        assert!(matches!(auroc(&[true], &[]), Err(Error::Mismatch(_))));
        assert_eq!(auroc(&[true, false], &[0.0, -0.0]), Ok(0.5)); // the two zeros are one score
        // a class whose weights are all 0 is not there
        assert_eq!(auroc_weighted(&[true, false], &[0.1, 0.2], &[1.0, 0.0]), Err(Error::OneClass));
    }

    #[test]
    fn equals_the_count_of_pairs() {
        let mut stream = Generator::new(9, "pairs").stream(0);
        let labels: Vec<bool> = (0..200).map(|_| stream.chance(0.4)).collect();
        let scores: Vec<f64> = labels.iter().map(|l| stream.below(20) as f64 + 4.0 * f64::from(u8::from(*l))).collect();
        let weights: Vec<f64> = (0..200).map(|_| stream.below(4) as f64).collect();
        let (mut won, mut all) = (0.0, 0.0);
        for i in (0..200).filter(|i| labels[*i]) {
            for j in (0..200).filter(|j| !labels[*j]) {
                let pair = weights[i] * weights[j];
                all += pair;
                won += pair * 0.5 * f64::from(u8::from(scores[i] > scores[j]) + u8::from(scores[i] >= scores[j]));
            }
        }
        assert!((auroc_weighted(&labels, &scores, &weights).unwrap() - won / all).abs() < 1e-14);
    }
}
