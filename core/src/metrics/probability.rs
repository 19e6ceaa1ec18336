use crate::Error;
use crate::error::{Mismatch, Parameter, TooShort};

/// Brier score: the mean squared difference of probability and outcome. 0 is perfect.
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
    let sum: f64 = labels.iter().zip(probabilities).map(|(y, p)| (p - f64::from(u8::from(*y))).powi(2)).sum();
    Ok(sum / labels.len() as f64)
}

/// Log loss: the mean of −ln of the probability that was given to what happened. Probabilities are clipped to
/// [2⁻⁵², 1 − 2⁻⁵²], so that one certain error does not make it infinite.
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
    let loss = |(y, p): (&bool, &f64)| {
        let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        -libm::log(if *y { p } else { 1.0 - p })
    };
    Ok(labels.iter().zip(probabilities).map(loss).sum::<f64>() / labels.len() as f64)
}

fn check(labels: &[bool], probabilities: &[f64]) -> Result<(), Error> {
    Mismatch::check("probabilities", labels.len(), probabilities.len())?;
    if labels.is_empty() {
        return Err(TooShort::new("probabilities", 0, 1).into());
    }
    match probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(p) => Err(Parameter::new("probability", *p, "0 to 1").into()),
        None => Ok(()),
    }
}
