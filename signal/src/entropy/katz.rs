//! Katz' fractal dimension.

use super::{Measure, NoAnswer, check, enough, finite};
use crate::Result;

/// The fractal dimension of the curve `x` after Katz.
///
/// **Use it** to compare curves of equal length and unit quickly. **Not** across lengths: it depends on them.
///
/// # Formula
/// `log(L/a) / log(d/a)`: `L` the sum and `a` the mean of `|Δx|`, `d` the largest distance from the first value.
///
/// # Examples
/// ```
/// let line: Vec<f64> = (0..50).map(f64::from).collect();
/// assert_eq!(eir_signal::entropy::katz_dimension(&line)?, 1.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] below 3 values, for values that do not vary, and where the
/// curve stays within one mean step of its first value.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `fractal_katz` within 1e-9 on all series of the golden set.
///
/// # References
/// Katz 1988, doi:10.1016/0010-4825(88)90041-8.
pub fn katz_dimension(x: &[f64]) -> Result<f64> {
    check(x, 0)?;
    Ok(measure(x)?)
}

pub(crate) fn measure(x: &[f64]) -> Measure {
    enough(x, 3)?;
    let length: f64 = x.windows(2).map(|w| (w[1] - w[0]).abs()).sum();
    if length == 0.0 {
        return Err(NoAnswer::Constant);
    }
    let step = length / (x.len() - 1) as f64;
    let away = x.iter().map(|v| (v - x[0]).abs()).fold(0.0, f64::max);
    if away <= step {
        return Err(NoAnswer::OutOfRange);
    }
    finite((length / step).log10() / (away / step).log10())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(katz_dimension(&[1.0; 100]).is_err() && katz_dimension(&[1.0, 2.0]).is_err());
        assert!(katz_dimension(&[1.0, 2.0, 1.0, 2.0]).is_err()); // d = a: the logarithm is 0
        assert!(katz_dimension(&[f64::MAX, f64::MIN, f64::MAX]).is_err());
    }
}
