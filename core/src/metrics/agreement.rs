use super::{constant, mean, pair};
use crate::Error;

/// Pearson's correlation: how nearly two measurements lie on any straight line. For "do they agree", see [`ccc`].
/// Interval and p value: [`inference::pearson`](crate::inference::pearson).
///
/// ```
/// assert_eq!(eir_core::metrics::pearson(&[1.0, 2.0, 3.0], &[12.0, 14.0, 16.0])?, 1.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, fewer than 2 values, a value that is NaN or infinite, or [`Error::Undefined`] if
/// one side does not vary.
///
/// # Validation
/// Agrees with SciPy 1.17.1 within 1e-10 on `reference/core/agreement.json`.
pub fn pearson(a: &[f64], b: &[f64]) -> Result<f64, Error> {
    let m = moments(a, b)?;
    if m.var_a <= 0.0 || m.var_b <= 0.0 {
        return Err(Error::Undefined("Pearson's correlation"));
    }
    Ok((m.cov / (m.var_a * m.var_b).sqrt()).clamp(-1.0, 1.0))
}

/// Lin's concordance correlation: how nearly two measurements are the same number.
///
/// **Use it** to compare a new way of measuring with an old one. A constant offset lowers it, as it should.
/// **Not** to compare groups of different spread: a wide range of patients raises it. Interval:
/// [`inference::ccc`](crate::inference::ccc); in the unit of measurement: [`BlandAltman`](super::BlandAltman).
///
/// # Formula
/// 2 s_ab / (s_a² + s_b² + (ā − b̄)²) with moments 1/n.
///
/// # Examples
/// ```
/// let offset = eir_core::metrics::ccc(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0])?;
/// assert!((offset - 4.0 / 7.0).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`pearson`]; undefined only if both sides are the same constant.
///
/// # Validation
/// Equal to the definition within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Lin 1989, doi:10.2307/2532051.
pub fn ccc(a: &[f64], b: &[f64]) -> Result<f64, Error> {
    moments(a, b)?.ccc(1.0)
}

/// As [`ccc`], with variances and covariance over n − 1: the form of some packages, a little larger where the means
/// differ.
///
/// ```
/// let offset = eir_core::metrics::ccc_unbiased(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0])?;
/// assert!((offset - 2.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`ccc`].
pub fn ccc_unbiased(a: &[f64], b: &[f64]) -> Result<f64, Error> {
    let n = a.len() as f64;
    moments(a, b)?.ccc(n / (n - 1.0))
}

/// Means, and second moments over n.
pub(crate) struct Moments {
    pub(crate) mean_a: f64,
    pub(crate) mean_b: f64,
    pub(crate) var_a: f64,
    pub(crate) var_b: f64,
    pub(crate) cov: f64,
}

impl Moments {
    /// The concordance with `scale` times the second moments.
    fn ccc(&self, scale: f64) -> Result<f64, Error> {
        let spread = scale * (self.var_a + self.var_b) + (self.mean_a - self.mean_b).powi(2);
        if spread > 0.0 {
            Ok(2.0 * scale * self.cov / spread)
        } else {
            Err(Error::Undefined("the concordance correlation"))
        }
    }
}

pub(crate) fn moments(a: &[f64], b: &[f64]) -> Result<Moments, Error> {
    pair(a, b, 2)?;
    let (mean_a, mean_b, n) = (mean(a), mean(b), a.len() as f64);
    let (mut var_a, mut var_b, mut cov) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        var_a += x * x;
        var_b += y * y;
        cov += x * y;
    }
    if constant(a.iter().copied()) {
        (var_a, cov) = (0.0, 0.0);
    }
    if constant(b.iter().copied()) {
        (var_b, cov) = (0.0, 0.0);
    }
    Ok(Moments { mean_a, mean_b, var_a: var_a / n, var_b: var_b / n, cov: cov / n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_found_where_their_mean_is_rounded() {
        let (still, moving) = ([0.1; 3], [1.0, 2.0, 4.0]);
        assert_eq!(pearson(&still, &moving), Err(Error::Undefined("Pearson's correlation")));
        assert_eq!(ccc(&still, &moving), Ok(0.0));
        assert_eq!(ccc(&still, &still), Err(Error::Undefined("the concordance correlation")));
    }
}
