use crate::distribution::{beta_quantile, normal_quantile};
use crate::error::{Mismatch, TooShort};
use crate::estimate::check_level;
use crate::{Error, Estimate};

/// Wilson's interval of a proportion: `hits` of `trials`, at `level` (0.95).
///
/// **Use it** for every share in a paper, sensitivity and specificity too: unlike the plain interval it never leaves
/// 0 to 1 and keeps its level for small numbers.
///
/// # Formula
/// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n), where z is the normal quantile.
///
/// # Examples
/// ```
/// let share = eir_core::inference::wilson(9, 10, 0.95)?;
/// assert!((share.lower - 0.5958).abs() < 1e-4 && (share.upper - 0.9821).abs() < 1e-4);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for no trials, more hits than trials, or a level outside 0 to 1.
///
/// # Validation
/// As all of this file: agrees with statsmodels 0.15.0 within 1e-10 on `reference/core/intervals.json`.
///
/// # References
/// Wilson 1927, doi:10.1080/01621459.1927.10502953; the choice: Brown, Cai, DasGupta 2001, doi:10.1214/ss/1009213286.
pub fn wilson(hits: u64, trials: u64, level: f64) -> Result<Estimate, Error> {
    interval(hits, trials, level, "Wilson", |p, n| {
        let z = z_of(level);
        let z2n = z * z / n;
        let middle = (p + z2n / 2.0) / (1.0 + z2n);
        let half = z / (1.0 + z2n) * (p * (1.0 - p) / n + z2n / (4.0 * n)).sqrt();
        let low = if hits == 0 { 0.0 } else { middle - half };
        let high = if hits == trials { 1.0 } else { middle + half };
        [low, high]
    })
}

/// Clopper and Pearson's interval of a proportion, called exact: it covers at least `level`, and usually more.
///
/// **Use it** where a protocol or an authority asks for a guarantee. **Not** where the width matters: see [`wilson`].
///
/// # Formula
/// Quantiles (1 ∓ level)/2 of Beta(k, n − k + 1) and Beta(k + 1, n − k); 0 at k = 0 and 1 at k = n.
///
/// # Examples
/// ```
/// let share = eir_core::inference::clopper_pearson(0, 10, 0.95)?;
/// assert_eq!(share.lower, 0.0);
/// assert!((share.upper - 0.3084971078187608).abs() < 1e-14);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`wilson`].
///
/// # References
/// Clopper, Pearson 1934, doi:10.1093/biomet/26.4.404.
pub fn clopper_pearson(hits: u64, trials: u64, level: f64) -> Result<Estimate, Error> {
    interval(hits, trials, level, "Clopper–Pearson", |_, n| {
        let k = hits as f64;
        let low = if hits == 0 { 0.0 } else { beta_quantile(0.5 - level / 2.0, k, n - k + 1.0) };
        let high = if hits == trials { 1.0 } else { beta_quantile(0.5 + level / 2.0, k + 1.0, n - k) };
        [low, high]
    })
}

/// Agresti and Coull's interval of a proportion: the plain one after z²/2 hits and as many misses are added.
///
/// **Use it** where the reader shall be able to repeat it by hand; else [`wilson`], which is never wider.
///
/// # Examples
/// ```
/// let share = eir_core::inference::agresti_coull(1, 10, 0.95)?;
/// assert_eq!(share.lower, 0.0); // cut off
/// assert!((share.upper - 0.4259677373948323).abs() < 1e-14);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`wilson`].
///
/// # References
/// Agresti, Coull 1998, doi:10.1080/00031305.1998.10480550.
pub fn agresti_coull(hits: u64, trials: u64, level: f64) -> Result<Estimate, Error> {
    interval(hits, trials, level, "Agresti–Coull", |_, n| {
        let z = z_of(level);
        let n = n + z * z;
        plain((hits as f64 + z * z / 2.0) / n, n, z)
    })
}

/// Jeffreys's interval of a proportion: the middle of Beta(k + ½, n − k + ½).
///
/// **Use it** as a Bayesian interval without a choice of prior. At k = 0 and k = n it leaves out 0 and 1.
///
/// # Examples
/// ```
/// let share = eir_core::inference::jeffreys(1, 10, 0.95)?;
/// assert!((share.lower - 0.011011673763161133).abs() < 1e-14);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`wilson`].
///
/// # References
/// Brown, Cai, DasGupta 2001, doi:10.1214/ss/1009213286.
pub fn jeffreys(hits: u64, trials: u64, level: f64) -> Result<Estimate, Error> {
    interval(hits, trials, level, "Jeffreys", |_, n| {
        let k = hits as f64;
        [0.5 - level / 2.0, 0.5 + level / 2.0].map(|q| beta_quantile(q, k + 0.5, n - k + 0.5))
    })
}

/// Wald's interval of a proportion, p ± z √(p(1 − p)/n), cut off at 0 and 1.
///
/// **Use it** only to compare with older papers: it is far too short for small numbers and for shares near 0 or 1, and
/// has no width at all at 0 and 1.
///
/// # Examples
/// ```
/// let share = eir_core::inference::wald(7, 20, 0.95)?;
/// assert!((share.lower - 0.1409626969046058).abs() < 1e-14);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`wilson`].
pub fn wald(hits: u64, trials: u64, level: f64) -> Result<Estimate, Error> {
    interval(hits, trials, level, "Wald", |p, n| plain(p, n, z_of(level)))
}

fn interval(
    hits: u64,
    trials: u64,
    level: f64,
    method: &'static str,
    ends: impl Fn(f64, f64) -> [f64; 2],
) -> Result<Estimate, Error> {
    if trials == 0 {
        return Err(TooShort::new("trials", 0, 1).into());
    }
    if hits > trials {
        return Err(Mismatch::new("hits", format!("at most {trials}"), hits).into());
    }
    check_level(level)?;
    let (p, n) = (hits as f64 / trials as f64, trials as f64);
    Ok(Estimate::new(p, ends(p, n), level, method, trials as usize))
}

fn z_of(level: f64) -> f64 {
    normal_quantile(0.5 + level / 2.0)
}

fn plain(p: f64, n: f64, z: f64) -> [f64; 2] {
    let half = z * (p * (1.0 - p) / n).sqrt();
    [(p - half).max(0.0), (p + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::binomial_cdf;

    type Interval = fn(u64, u64, f64) -> Result<Estimate, Error>;
    const ALL: [Interval; 5] = [wilson, clopper_pearson, agresti_coull, jeffreys, wald];

    #[test]
    fn refuses_what_is_no_share() {
        for interval in ALL {
            assert!(matches!(interval(0, 0, 0.95), Err(Error::TooShort(_))));
            assert!(matches!(interval(2, 1, 0.95), Err(Error::Mismatch(_))));
            assert!(matches!(interval(1, 2, 1.0), Err(Error::Parameter(_))));
            assert!(matches!(interval(1, 2, f64::NAN), Err(Error::Parameter(_))));
        }
    }

    #[test]
    fn misses_mirror_hits() {
        for interval in ALL {
            for hits in 0..=30 {
                let (a, b) = (interval(hits, 30, 0.9).unwrap(), interval(30 - hits, 30, 0.9).unwrap());
                assert!((a.lower - (1.0 - b.upper)).abs() < 1e-14 && 0.0 <= a.lower && a.upper <= 1.0);
            }
        }
    }

    /// What "exact" means: each end leaves half of the error on its side.
    #[test]
    fn clopper_pearson_turns_the_binomial_back() {
        for hits in 1..25 {
            let share = clopper_pearson(hits, 25, 0.95).unwrap();
            assert!((binomial_cdf(hits, 25, share.upper) - 0.025).abs() < 1e-13);
            assert!((1.0 - binomial_cdf(hits - 1, 25, share.lower) - 0.025).abs() < 1e-13);
        }
    }
}
