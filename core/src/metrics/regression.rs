use super::{mean, pair};
use crate::Error;

/// Mean absolute error.
///
/// ```
/// assert_eq!(eir_core::metrics::mae(&[1.0, 2.0], &[2.0, 0.0])?, 1.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, no values, or a value that is NaN or infinite.
///
/// # Validation
/// As all of this file: agrees with scikit-learn 1.9.1 within 1e-12 on `reference/core/regression.json`.
pub fn mae(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    pair(truth, predicted, 1)?;
    Ok(truth.iter().zip(predicted).map(|(t, p)| (t - p).abs()).sum::<f64>() / truth.len() as f64)
}

/// Root of the mean squared error.
///
/// ```
/// assert_eq!(eir_core::metrics::rmse(&[0.0, 0.0], &[1.0, 7.0])?, 5.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`mae`].
pub fn rmse(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    pair(truth, predicted, 1)?;
    Ok((truth.iter().zip(predicted).map(|(t, p)| (t - p).powi(2)).sum::<f64>() / truth.len() as f64).sqrt())
}

/// Largest absolute error.
///
/// ```
/// assert_eq!(eir_core::metrics::max_error(&[1.0, 2.0], &[2.0, 0.0])?, 2.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`mae`].
pub fn max_error(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    pair(truth, predicted, 1)?;
    Ok(truth.iter().zip(predicted).fold(0.0, |worst, (t, p)| (t - p).abs().max(worst)))
}

/// Share of the truth's variance that the prediction explains; negative if it is worse than the mean. A truth that
/// does not vary gives 1 if it is met exactly and 0 if not.
///
/// ```
/// assert_eq!(eir_core::metrics::r2(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0])?, 0.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`mae`].
pub fn r2(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    pair(truth, predicted, 1)?;
    let m = mean(truth);
    let rest: f64 = truth.iter().zip(predicted).map(|(t, p)| (t - p).powi(2)).sum();
    let spread: f64 = truth.iter().map(|t| (t - m).powi(2)).sum();
    Ok(match (rest == 0.0, spread == 0.0) {
        (true, true) => 1.0,
        (false, true) => 0.0,
        _ => 1.0 - rest / spread,
    })
}
