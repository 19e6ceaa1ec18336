use super::correlation::fisher_interval;
use crate::error::TooShort;
use crate::estimate::check_level;
use crate::metrics::{self, moments};
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// Lin's concordance correlation with its interval, as [`ccc`] gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Concordance {
    /// The concordance correlation and its interval.
    pub estimate: Estimate,
    /// Standard error on the scale of atanh; NaN for identical measurements.
    pub standard_error_z: f64,
    /// The concordance over Pearson's correlation: what offset and scale take away. 1 is nothing.
    pub bias_correction: f64,
}

/// Lin's concordance correlation with its interval: how nearly two measurements are the same number.
///
/// **Use it** to compare a new way of measuring with an old one. **Not** alone: state the limits of
/// [`BlandAltman`](crate::metrics::BlandAltman) too, which are in the unit of measurement.
///
/// # Formula
/// tanh(atanh c ± z s), where with Pearson's r, C = c/r and u² = (ā − b̄)² / (s_a s_b)
/// s² (n − 2) = (1 − r²) C² / (1 − c²) + 2 c² C (1 − c) u² / (1 − c²)² − c² C² u⁴ / (2 (1 − c²)²).
///
/// # Examples
/// ```
/// let new = [4.1, 5.2, 6.0, 7.1, 8.3, 9.0];
/// let old = [4.0, 5.0, 6.2, 7.0, 8.1, 9.3];
/// let c = eir_core::inference::ccc(&new, &old, 0.95)?;
/// assert_eq!(c.estimate.to_string(), "0.994 (95 % CI 0.963 to 0.999; Lin, n = 6)");
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, fewer than 3 pairs, a value that is NaN or infinite, one that does not vary, or a
/// level outside 0 to 1.
///
/// # Validation
/// Equal to the definition within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Lin 1989, doi:10.2307/2532051, with the erratum of 2000, doi:10.1111/j.0006-341X.2000.00324.x.
pub fn ccc(a: &[f64], b: &[f64], level: f64) -> Result<Concordance, Error> {
    let (c, r, m, n) = (metrics::ccc(a, b)?, metrics::pearson(a, b)?, moments(a, b)?, a.len());
    check_level(level)?;
    if n < 3 {
        return Err(TooShort::new("pairs", n, 3).into());
    }
    let spread = (m.var_a * m.var_b).sqrt();
    let offset = (m.mean_a - m.mean_b).powi(2); // u² is offset / spread
    let correction = 2.0 * spread / (m.var_a + m.var_b + offset);
    let (u2, rest) = (offset / spread, 1.0 - c * c);
    let variance = (1.0 - r * r) * correction.powi(2) / rest
        + c * c * correction * u2 * (2.0 * (1.0 - c) - 0.5 * correction * u2) / (rest * rest);
    let se = (variance / (n as f64 - 2.0)).sqrt();
    let interval = fisher_interval(c, se, level);
    Ok(Concordance {
        estimate: Estimate::new(c, interval, level, "Lin", n),
        standard_error_z: se,
        bias_correction: correction,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn borders() {
        let x = [1.0, 2.0, 4.0];
        let same = ccc(&x, &x, 0.95).unwrap();
        assert_eq!((same.estimate.value, same.estimate.lower, same.bias_correction), (1.0, 1.0, 1.0));
        assert!(matches!(ccc(&x, &[1.0; 3], 0.95), Err(Error::Undefined(_))));
        assert!(matches!(ccc(&x[..2], &x[..2], 0.95), Err(Error::TooShort(_))));
        let none = ccc(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 1.0, 2.0], 0.95).unwrap(); // r is 0
        assert!(none.estimate.value == 0.0 && none.standard_error_z.is_finite());
    }

    /// Of 95 % intervals of 60 pairs with an offset, about 95 % hold the true concordance.
    #[test]
    fn intervals_keep_their_level() {
        let generator = Generator::new(5, "concordance");
        let truth = 2.0 / (1.0 + 1.25 + 0.16); // variances 1 and 1.25, covariance 1, offset 0.4
        let holds = (0..2000).filter(|draw| {
            let mut stream = generator.stream(*draw);
            let a: Vec<f64> = (0..60).map(|_| stream.normal()).collect();
            let b: Vec<f64> = a.iter().map(|v| v + 0.4 + 0.5 * stream.normal()).collect();
            ccc(&a, &b, 0.95).unwrap().estimate.covers(truth)
        });
        let share = holds.count() as f64 / 2000.0;
        assert!((share - 0.95).abs() < 0.02, "{share}");
    }
}
