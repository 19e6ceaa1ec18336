use super::ChiSquared;
use crate::Error;
use crate::error::{Mismatch, TooShort};

/// Cochran's Q: do several decisions on the same patients hit equally often?
///
/// **Use it** for three or more tests or models; for two it is the plain χ² of [`McNemar`](super::McNemar). A small p
/// says that they differ, not which: follow with pairs and [`holm`](super::holm).
///
/// # Formula
/// Q = (k − 1)(k Σ Tⱼ² − N²) / (k N − Σ Rᵢ²) with hits Tⱼ of each of k tests, Rᵢ of each patient and N of all; χ² with
/// k − 1 degrees of freedom.
///
/// # Parameters
/// `hits`: patient after patient, one entry per test; `tests`: how many tests.
///
/// # Examples
/// ```
/// let (t, f) = (true, false);
/// let test = eir_core::inference::cochran_q(&[t, t, f, t, f, f, t, t, f, t, t, t], 3)?;
/// assert_eq!((test.statistic, test.df), (14.0 / 3.0, 2));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for fewer than 2 tests, no patient, a last patient that is not full, or [`Error::Undefined`] if no patient
/// tells two tests apart.
///
/// # Validation
/// Agrees with statsmodels 0.15.0 within 1e-10 on `reference/core/intervals.json`.
///
/// # References
/// Cochran 1950, doi:10.1093/biomet/37.3-4.256.
pub fn cochran_q(hits: &[bool], tests: usize) -> Result<ChiSquared, Error> {
    if tests < 2 {
        return Err(TooShort::new("tests", tests, 2).into());
    }
    if hits.is_empty() {
        return Err(TooShort::new("patients", 0, 1).into());
    }
    if !hits.len().is_multiple_of(tests) {
        return Err(Mismatch::new("tests of the last patient", tests, hits.len() % tests).into());
    }
    let mut of_test = vec![0.0; tests];
    let mut squares = 0.0; // Σ Rᵢ²
    for patient in hits.chunks_exact(tests) {
        of_test.iter_mut().zip(patient).for_each(|(sum, hit)| *sum += f64::from(u8::from(*hit)));
        squares += (patient.iter().filter(|hit| **hit).count() as f64).powi(2);
    }
    let (k, n) = (tests as f64, of_test.iter().sum::<f64>());
    let spread = k * n - squares;
    if spread == 0.0 {
        return Err(Error::Undefined("Cochran's Q"));
    }
    let between = k * of_test.iter().map(|t| t * t).sum::<f64>() - n * n;
    Ok(ChiSquared::new((k - 1.0) * between / spread, tests - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::McNemar;

    #[test]
    fn of_two_tests_is_mcnemar() {
        let (t, f) = (true, false);
        let q = cochran_q(&[t, f, t, f, f, t, t, f, t, t, f, f], 2).unwrap();
        assert!((q.statistic - McNemar::new(3, 1).chi_squared().statistic).abs() < 1e-15);
    }

    #[test]
    fn refuses_what_has_no_answer() {
        assert!(matches!(cochran_q(&[true, true, false, false], 2), Err(Error::Undefined(_))));
        assert!(matches!(cochran_q(&[true; 5], 2), Err(Error::Mismatch(_))));
        assert!(matches!(cochran_q(&[], 2), Err(Error::TooShort(_))));
        assert!(matches!(cochran_q(&[true], 1), Err(Error::TooShort(_))));
    }
}
