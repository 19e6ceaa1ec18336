use super::{mean, pair};
use crate::Error;

/// Pearson's correlation: how nearly two measurements lie on any straight line. For "do they agree", see [`ccc`].
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
    let m = moments(a, b)?;
    let spread = m.var_a + m.var_b + (m.mean_a - m.mean_b).powi(2);
    if spread > 0.0 { Ok(2.0 * m.cov / spread) } else { Err(Error::Undefined("the concordance correlation")) }
}

struct Moments {
    mean_a: f64,
    mean_b: f64,
    var_a: f64,
    var_b: f64,
    cov: f64,
}

fn moments(a: &[f64], b: &[f64]) -> Result<Moments, Error> {
    pair(a, b, 2)?;
    let (mean_a, mean_b, n) = (mean(a), mean(b), a.len() as f64);
    let (mut var_a, mut var_b, mut cov) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        var_a += x * x;
        var_b += y * y;
        cov += x * y;
    }
    Ok(Moments { mean_a, mean_b, var_a: var_a / n, var_b: var_b / n, cov: cov / n })
}

/// Bland and Altman's limits of agreement of two ways of measuring.
///
/// **Use it** with one pair a subject. **Not** where subjects repeat: that needs the variance-component form.
///
/// # Formula
/// d = a − b; bias = mean d; limits = bias ± 1.96 sd, with sd over n − 1.
///
/// # Examples
/// ```
/// use eir_core::metrics::BlandAltman;
/// let limits = BlandAltman::new(&[10.0, 12.0, 14.0], &[9.0, 11.0, 12.0])?;
/// assert!((limits.bias - 4.0 / 3.0).abs() < 1e-12);
/// assert!((limits.upper - limits.lower - 2.0 * 1.96 * limits.sd).abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Equal to the definition within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Bland, Altman 1986, doi:10.1016/S0140-6736(86)90837-8.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BlandAltman {
    /// Mean of a − b.
    pub bias: f64,
    /// Standard deviation of a − b.
    pub sd: f64,
    /// Lower limit of agreement.
    pub lower: f64,
    /// Upper limit of agreement.
    pub upper: f64,
    /// Number of pairs.
    pub n: usize,
}

impl BlandAltman {
    /// The limits of the pairs.
    ///
    /// # Errors
    /// [`Error`] for different lengths, fewer than 2 pairs, or a value that is NaN or infinite.
    pub fn new(a: &[f64], b: &[f64]) -> Result<Self, Error> {
        pair(a, b, 2)?;
        let d: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
        let bias = mean(&d);
        let sd = (d.iter().map(|v| (v - bias).powi(2)).sum::<f64>() / (d.len() - 1) as f64).sqrt();
        Ok(Self { bias, sd, lower: bias - 1.96 * sd, upper: bias + 1.96 * sd, n: d.len() })
    }
}
