use super::check_weights;
use crate::Error;
use crate::error::{Mismatch, OutOfRange, TooShort};

/// Brier score: the mean squared difference of probability and outcome. 0 is perfect.
///
/// Of more than two classes: [`ClassProbabilities::brier`](super::ClassProbabilities::brier).
///
/// # Examples
/// ```
/// assert_eq!(eir_core::metrics::brier(&[true, false], &[0.9, 0.5])?, 0.13);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, no values, or a probability outside 0 to 1.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12.
///
/// # References
/// Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
pub fn brier(labels: &[bool], probabilities: &[f64]) -> Result<f64, Error> {
    check(labels, probabilities)?;
    Ok(square_errors(labels, probabilities).sum::<f64>() / labels.len() as f64)
}

/// As [`brier`], with a weight for each item.
///
/// # Errors
/// As `brier`, and for weights that are negative, not finite or all 0.
pub fn brier_weighted(labels: &[bool], probabilities: &[f64], weights: &[f64]) -> Result<f64, Error> {
    check(labels, probabilities)?;
    check_weights(weights, labels.len())?;
    Ok(weighted_mean(square_errors(labels, probabilities), weights))
}

/// Log loss: the mean of −ln of the probability that was given to what happened. Probabilities are clipped to
/// [2⁻⁵², 1 − 2⁻⁵²], so that one certain error does not make it infinite.
///
/// Of more than two classes: [`ClassProbabilities::log_loss`](super::ClassProbabilities::log_loss).
///
/// # Examples
/// ```
/// let loss = eir_core::metrics::log_loss(&[true, false], &[0.5, 0.5])?;
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`brier`].
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12.
pub fn log_loss(labels: &[bool], probabilities: &[f64]) -> Result<f64, Error> {
    check(labels, probabilities)?;
    // one logarithm of a product for sixteen of the factors: each is at least 2⁻⁵², so that none underflows
    let chunks = labels.chunks(16).zip(probabilities.chunks(16));
    let sum: f64 = chunks.map(|(y, p)| -libm::log(given(y, p).product())).sum();
    Ok(sum / labels.len() as f64)
}

/// As [`log_loss`], with a weight for each item.
///
/// # Errors
/// As [`brier_weighted`].
pub fn log_loss_weighted(labels: &[bool], probabilities: &[f64], weights: &[f64]) -> Result<f64, Error> {
    check(labels, probabilities)?;
    check_weights(weights, labels.len())?;
    Ok(weighted_mean(given(labels, probabilities).map(|p| -libm::log(p)), weights))
}

/// The probability within the limits of the logarithm.
pub(crate) fn clip(p: f64) -> f64 {
    p.clamp(f64::EPSILON, 1.0 - f64::EPSILON)
}

/// The clipped probability that was given to each outcome.
fn given<'a>(labels: &'a [bool], probabilities: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    labels.iter().zip(probabilities).map(|(y, p)| clip(if *y { *p } else { 1.0 - p }))
}

fn square_errors<'a>(labels: &'a [bool], probabilities: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    labels.iter().zip(probabilities).map(|(y, p)| (p - f64::from(u8::from(*y))).powi(2))
}

/// The mean of `values` by `weights` that were checked.
pub(crate) fn weighted_mean(values: impl Iterator<Item = f64>, weights: &[f64]) -> f64 {
    values.zip(weights).map(|(v, w)| v * w).sum::<f64>() / weights.iter().sum::<f64>()
}

/// An error unless there is a probability for each label, and one at least.
pub(crate) fn check(labels: &[bool], probabilities: &[f64]) -> Result<(), Error> {
    Mismatch::check("probabilities", labels.len(), probabilities.len())?;
    if labels.is_empty() {
        return Err(TooShort::new("probabilities", 0, 1).into());
    }
    check_range(probabilities)
}

/// An error if a probability is outside 0 to 1 or NaN.
pub(crate) fn check_range(probabilities: &[f64]) -> Result<(), Error> {
    Ok(OutOfRange::check("probability", probabilities.iter().copied(), "0 to 1", |p| (0.0..=1.0).contains(&p))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_errors_are_clipped_and_do_not_underflow() {
        let loss = log_loss(&[true; 40], &[0.0; 40]).unwrap();
        assert!((loss - 52.0 * std::f64::consts::LN_2).abs() < 1e-13, "{loss}");
        assert_eq!(log_loss(&[true, false], &[1.0, 0.0]).unwrap(), -libm::log(1.0 - f64::EPSILON));
        assert!(matches!(log_loss(&[true], &[f64::NAN]), Err(Error::OutOfRange(_))));
        assert!(matches!(brier(&[], &[]), Err(Error::TooShort(_))));
    }

    #[test]
    fn weights_count_items() {
        let (y, p) = ([true, false, true], [0.8, 0.3, 0.4]);
        let twice = ([true, false, true, true], [0.8, 0.3, 0.4, 0.4]);
        let w = [1.0, 1.0, 2.0];
        assert!((brier_weighted(&y, &p, &w).unwrap() - brier(&twice.0, &twice.1).unwrap()).abs() < 1e-15);
        assert!((log_loss_weighted(&y, &p, &w).unwrap() - log_loss(&twice.0, &twice.1).unwrap()).abs() < 1e-15);
    }
}
