use crate::distribution::{normal_quantile, normal_sf, t_cdf};
use crate::error::TooShort;
use crate::estimate::check_level;
use crate::metrics::{self, Kendall, pairs};
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// A correlation with its interval, and the p value of "there is none".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Correlation {
    /// The correlation and its interval.
    pub estimate: Estimate,
    /// Two-sided p value.
    pub p: f64,
}

/// Pearson's correlation with Fisher's interval, and the p value of Student's test.
///
/// **Use it** for two measurements that scatter about a straight line, close to normal. **Not** for "do they agree": see
/// [`ccc`](super::ccc).
///
/// # Formula
/// tanh(atanh r ± z / √(n − 3)); t = r √((n − 2) / (1 − r²)) with n − 2 degrees of freedom. At r = ±1 the interval is
/// that point; of 3 pairs it is −1 to 1.
///
/// # Examples
/// ```
/// let r = eir_core::inference::pearson(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 3.0, 2.0, 5.0, 4.0], 0.95)?;
/// assert_eq!(r.estimate.value, 0.8);
/// assert!((r.p - 0.10408803866182788).abs() < 1e-13);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, fewer than 3 pairs, a value that is NaN or infinite, one that does not vary, or a
/// level outside 0 to 1.
///
/// # Validation
/// As all of this file: agrees with SciPy 1.17.1 and the definition within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Fisher 1915, doi:10.2307/2331838.
pub fn pearson(a: &[f64], b: &[f64], level: f64) -> Result<Correlation, Error> {
    let r = metrics::pearson(a, b)?;
    let se = (1.0 / (a.len() as f64 - 3.0).max(0.0)).sqrt();
    correlation(r, se, student_p(r, a.len()), level, "Fisher", a.len())
}

/// Spearman's rank correlation with Bonett and Wright's interval, and the p value of Student's test.
///
/// **Use it** as [`metrics::spearman`](crate::metrics::spearman).
///
/// # Formula
/// tanh(atanh ρ ± z √((1 + ρ²/2) / (n − 3))); t as in [`pearson`]. At ρ = ±1 the interval is that point; of 3 pairs it is
/// −1 to 1.
///
/// # Examples
/// ```
/// let rho = eir_core::inference::spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 3.0, 2.0, 5.0, 4.0], 0.95)?;
/// assert!((rho.estimate.lower + 0.45712).abs() < 1e-5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`pearson`].
///
/// # References
/// Bonett, Wright 2000, doi:10.1007/BF02294183.
pub fn spearman(a: &[f64], b: &[f64], level: f64) -> Result<Correlation, Error> {
    let rho = metrics::spearman(a, b)?;
    let se = ((1.0 + rho * rho / 2.0) / (a.len() as f64 - 3.0).max(0.0)).sqrt();
    correlation(rho, se, student_p(rho, a.len()), level, "Bonett–Wright", a.len())
}

/// Kendall's τ-b with Fieller's interval, and the p value of the normal approximation with ties.
///
/// **Use it** as [`metrics::kendall_tau_b`](crate::metrics::kendall_tau_b). The p value is good from about 10 pairs on.
///
/// # Formula
/// tanh(atanh τ ± z √(0.437 / (n − 4))). p: z = (C − D) / √v with v = (n(n − 1)(2n + 5) − a₂ − b₂) / 18 +
/// 2 Tₐ T_b / (n(n − 1)) + a₁ b₁ / (9 n (n − 1)(n − 2)), a₁ = Σ t(t − 1)(t − 2), a₂ = Σ t(t − 1)(2t + 5) over the ties.
/// At τ = ±1 the interval is that point; of 3 or 4 pairs it is −1 to 1.
///
/// # Examples
/// ```
/// let tau = eir_core::inference::kendall(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 3.0, 2.0, 5.0, 4.0], 0.95)?;
/// assert!((tau.estimate.value - 0.6).abs() < 1e-15);
/// assert!((tau.p - 0.1416446902951048).abs() < 1e-13);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`pearson`].
///
/// # References
/// Fieller, Hartley, Pearson 1957, doi:10.2307/2332878; Kendall 1945, doi:10.1093/biomet/33.3.239.
pub fn kendall(a: &[f64], b: &[f64], level: f64) -> Result<Correlation, Error> {
    let k = Kendall::new(a, b)?;
    let n = a.len() as f64;
    let ordered = n * (n - 1.0);
    let first = |t: f64| t * (t - 1.0) * (t - 2.0);
    let second = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let threes = k.a.ties(first) * k.b.ties(first);
    let variance = (second(n) - k.a.ties(second) - k.b.ties(second)) / 18.0
        + 2.0 * k.a.ties(pairs) * k.b.ties(pairs) / ordered
        + if threes > 0.0 { threes / (9.0 * ordered * (n - 2.0)) } else { 0.0 };
    let p = 2.0 * normal_sf(k.excess.abs() / variance.sqrt());
    let se = (0.437 / (n - 4.0).max(0.0)).sqrt();
    correlation(k.tau_b(), se, p, level, "Fieller", a.len())
}

fn correlation(r: f64, se: f64, p: f64, level: f64, method: &'static str, n: usize) -> Result<Correlation, Error> {
    check_level(level)?;
    if n < 3 {
        return Err(TooShort::new("pairs", n, 3).into());
    }
    Ok(Correlation { estimate: Estimate::new(r, fisher_interval(r, se, level), level, method, n), p })
}

/// tanh(atanh r ± z se): −1 to 1 without a standard error, the point itself at ±1.
pub(super) fn fisher_interval(r: f64, se: f64, level: f64) -> [f64; 2] {
    if se == f64::INFINITY {
        return [-1.0, 1.0];
    }
    if r.abs() == 1.0 {
        return [r, r];
    }
    let half = normal_quantile(0.5 + level / 2.0) * se;
    [-half, half].map(|shift| libm::tanh(libm::atanh(r) + shift))
}

fn student_p(r: f64, n: usize) -> f64 {
    let df = n as f64 - 2.0;
    2.0 * t_cdf(-(r.abs() * (df / ((1.0 - r) * (1.0 + r))).sqrt()), df)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Test = fn(&[f64], &[f64], f64) -> Result<Correlation, Error>;
    const ALL: [Test; 3] = [pearson, spearman, kendall];

    #[test]
    fn perfect_order_has_a_point() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        for test in ALL {
            let r = test(&x, &x, 0.95).unwrap();
            assert_eq!((r.estimate.value, r.estimate.lower, r.estimate.upper), (1.0, 1.0, 1.0));
            assert!(r.p < 0.01);
        }
    }

    #[test]
    fn three_pairs_say_nothing() {
        for test in ALL {
            let r = test(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0], 0.95).unwrap();
            assert_eq!((r.estimate.lower, r.estimate.upper), (-1.0, 1.0));
            assert!((0.0..=1.0).contains(&r.p));
            assert!(matches!(test(&[1.0, 2.0], &[1.0, 2.0], 0.95), Err(Error::TooShort(_))));
            assert!(matches!(test(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0], 0.95), Err(Error::Undefined(_))));
            assert!(matches!(test(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0], 95.0), Err(Error::Parameter(_))));
        }
    }
}
