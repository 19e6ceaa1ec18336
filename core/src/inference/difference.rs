use super::wilson;
use crate::{Error, Estimate};

/// Newcombe's interval of the difference of two independent proportions, p₁ − p₂.
///
/// **Use it** to compare two groups of different patients. **Not** for two tests on the same patients: see
/// [`McNemar`](super::McNemar).
///
/// # Formula
/// With Wilson's intervals (l₁, u₁) and (l₂, u₂): from p₁ − p₂ − √((p₁ − l₁)² + (u₂ − p₂)²) to
/// p₁ − p₂ + √((u₁ − p₁)² + (p₂ − l₂)²).
///
/// # Parameters
/// Hits and trials of the two groups; `level` of the interval (0.95).
///
/// # Examples
/// ```
/// let gain = eir_core::inference::newcombe_difference(44, 80, 22, 90, 0.95)?;
/// assert!((gain.lower - 0.15909665790443037).abs() < 1e-14);
/// assert_eq!(gain.n, 170);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`wilson`].
///
/// # Validation
/// Agrees with statsmodels 0.15.0 within 1e-10 on `reference/core/intervals.json`.
///
/// # References
/// Newcombe 1998 (method 10), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
pub fn newcombe_difference(hits1: u64, trials1: u64, hits2: u64, trials2: u64, level: f64) -> Result<Estimate, Error> {
    let (one, two) = (wilson(hits1, trials1, level)?, wilson(hits2, trials2, level)?);
    let difference = one.value - two.value;
    let below = (one.value - one.lower).hypot(two.upper - two.value);
    let above = (one.upper - one.value).hypot(two.value - two.lower);
    Ok(Estimate::new(difference, [difference - below, difference + above], level, "Newcombe", one.n + two.n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_can_change_places() {
        let (a, b) = (newcombe_difference(3, 20, 9, 30, 0.9).unwrap(), newcombe_difference(9, 30, 3, 20, 0.9).unwrap());
        assert!((a.lower + b.upper).abs() < 1e-15 && (a.upper + b.lower).abs() < 1e-15);
        assert!(newcombe_difference(0, 0, 1, 2, 0.95).is_err());
    }
}
