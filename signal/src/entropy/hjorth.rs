//! Hjorth's parameters.

use super::{NoAnswer, check, enough, spread};
use crate::Result;
use serde::{Deserialize, Serialize};

/// Activity, mobility and complexity of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hjorth {
    /// The variance (n), in the signal's unit squared.
    pub activity: f64,
    /// Standard deviation of the differences over that of the signal: its mean frequency in radians per value.
    pub mobility: f64,
    /// Mobility of the differences over the mobility: 1 for a pure tone.
    pub complexity: f64,
}

/// Hjorth's activity, mobility and complexity of `x`.
///
/// **Use it** to describe a signal by power, mean frequency and bandwidth without a spectrum. **Not** on a signal with
/// drift or spikes, which dominate the variances.
///
/// # Formula
/// `var x`, `√(var Δx / var x)`, `√(var ΔΔx / var Δx) / mobility`, variances with divisor n.
///
/// # Examples
/// ```
/// let tone: Vec<f64> = (0..6283).map(|i| (f64::from(i) * 0.1).sin()).collect();
/// let found = eir_signal::entropy::hjorth(&tone)?;
/// assert!((found.mobility - 0.1).abs() < 1e-3 && (found.complexity - 1.0).abs() < 1e-3);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] below 4 values and for values or differences that do not vary.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `complexity_hjorth` within 1e-9 on all series of the golden set.
///
/// # References
/// Hjorth 1970, doi:10.1016/0013-4694(70)90143-4.
pub fn hjorth(x: &[f64]) -> Result<Hjorth> {
    check(x, 0)?;
    Ok(measure(x)?)
}

pub(crate) fn measure(x: &[f64]) -> std::result::Result<Hjorth, NoAnswer> {
    enough(x, 4)?;
    let differences = |x: &[f64]| x.windows(2).map(|w| w[1] - w[0]).collect::<Vec<f64>>();
    let variance = |x: &[f64]| spread(x).1 / x.len() as f64;
    let first = differences(x);
    let second = differences(&first);
    let (v0, v1, v2) = (variance(x), variance(&first), variance(&second));
    if v0 == 0.0 || v1 == 0.0 {
        return Err(NoAnswer::Constant);
    }
    let mobility = (v1 / v0).sqrt();
    let found = Hjorth { activity: v0, mobility, complexity: (v2 / v1).sqrt() / mobility };
    let sound = found.activity.is_finite() && found.mobility.is_finite() && found.complexity.is_finite();
    if sound { Ok(found) } else { Err(NoAnswer::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(hjorth(&[1.0; 9]).is_err() && hjorth(&[1.0, 2.0, 1.0]).is_err());
        assert!(hjorth(&[f64::MAX, f64::MIN, f64::MAX, 0.0]).is_err());
    }
}
