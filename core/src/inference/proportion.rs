use crate::distribution::normal_quantile;
use crate::error::{Mismatch, TooShort};
use crate::estimate::check_level;
use crate::{Error, Estimate};

/// Wilson's interval of a proportion: `hits` of `trials`, at `level` (0.95).
///
/// **Use it** for every share in a paper, sensitivity and specificity too: unlike the plain interval it never leaves
/// 0 to 1 and keeps its level for small numbers.
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
/// Agrees with statsmodels 0.15.0 within 1e-10 on `reference/core/intervals.json`.
///
/// # References
/// Wilson 1927, doi:10.1080/01621459.1927.10502953.
pub fn wilson(hits: u64, trials: u64, level: f64) -> Result<Estimate, Error> {
    if trials == 0 {
        return Err(TooShort::new("trials", 0, 1).into());
    }
    if hits > trials {
        return Err(Mismatch::new("hits", format!("at most {trials}"), hits).into());
    }
    check_level(level)?;
    let z = normal_quantile(0.5 + level / 2.0);
    let (n, p) = (trials as f64, hits as f64 / trials as f64);
    let z2n = z * z / n;
    let middle = (p + z2n / 2.0) / (1.0 + z2n);
    let half = z / (1.0 + z2n) * (p * (1.0 - p) / n + z2n / (4.0 * n)).sqrt();
    let low = if hits == 0 { 0.0 } else { middle - half };
    let high = if hits == trials { 1.0 } else { middle + half };
    Ok(Estimate::new(p, [low, high], level, "Wilson", trials as usize))
}
