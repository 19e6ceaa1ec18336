use super::check_weights;
use crate::Error;
use crate::error::{Mismatch, NotFinite};

/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.
///
/// **Use it** to judge a score whatever the threshold. **Not** where classes are rare and only the top matters: see
/// [`average_precision`].
///
/// # Formula
/// (Σ midranks of positives − n₁(n₁+1)/2) / (n₁ n₀). O(n log n).
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
    area(&steps(labels, scores, |_| 1.0)?)
}

/// As [`auroc`], with a weight for each item.
///
/// # Errors
/// As `auroc`, and for weights that are negative, not finite or all 0.
pub fn auroc_weighted(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64, Error> {
    check_weights(weights, labels.len())?;
    area(&steps(labels, scores, |i| weights[i])?)
}

/// Average precision: Σ (Rₖ − Rₖ₋₁) Pₖ over the distinct thresholds, without interpolation.
///
/// **Use it** where positives are rare. The area by trapezoids is another, optimistic number (Davis & Goadrich 2006).
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
    precision_area(&steps(labels, scores, |_| 1.0)?)
}

/// As [`average_precision`], with a weight for each item.
///
/// # Errors
/// As [`auroc_weighted`].
pub fn average_precision_weighted(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64, Error> {
    check_weights(weights, labels.len())?;
    precision_area(&steps(labels, scores, |i| weights[i])?)
}

/// Weights of (positives, negatives) at each distinct score, from the highest down.
fn steps(labels: &[bool], scores: &[f64], weight: impl Fn(usize) -> f64) -> Result<Vec<(f64, f64)>, Error> {
    Mismatch::check("scores", labels.len(), scores.len())?;
    NotFinite::check_f64("score", scores)?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let mut steps: Vec<(f64, f64)> = Vec::new();
    let mut last = f64::NAN;
    for i in order {
        if scores[i] != last {
            steps.push((0.0, 0.0));
            last = scores[i];
        }
        if let Some((positive, negative)) = steps.last_mut() {
            *if labels[i] { positive } else { negative } += weight(i);
        }
    }
    Ok(steps)
}

fn totals(steps: &[(f64, f64)]) -> Result<(f64, f64), Error> {
    let (positive, negative) = steps.iter().fold((0.0, 0.0), |(p, n), s| (p + s.0, n + s.1));
    if positive > 0.0 && negative > 0.0 { Ok((positive, negative)) } else { Err(Error::OneClass) }
}

fn area(steps: &[(f64, f64)]) -> Result<f64, Error> {
    let (positives, negatives) = totals(steps)?;
    let (mut above, mut area) = (0.0, 0.0);
    for (positive, negative) in steps {
        area += negative * (above + 0.5 * positive);
        above += positive;
    }
    Ok(area / (positives * negatives))
}

fn precision_area(steps: &[(f64, f64)]) -> Result<f64, Error> {
    let (positives, _) = totals(steps)?;
    let (mut above, mut all, mut area) = (0.0, 0.0, 0.0);
    for (positive, negative) in steps {
        above += positive;
        all += positive + negative;
        if *positive > 0.0 {
            area += positive * above / all;
        }
    }
    Ok(area / positives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_and_gaps_are_errors() {
        assert_eq!(auroc(&[true, true], &[0.1, 0.2]), Err(Error::OneClass));
        assert!(matches!(auroc(&[true, false], &[0.1, f64::NAN]), Err(Error::NotFinite(_))));
        assert!(matches!(auroc(&[true], &[]), Err(Error::Mismatch(_))));
        assert_eq!(auroc(&[true, false], &[0.0, -0.0]), Ok(0.5)); // the two zeros are one score
    }
}
