//! Petrosian's fractal dimension.

use super::{Measure, check, enough};
use crate::Result;

/// The fractal dimension of the curve `x` after Petrosian: a count of turning points on a logarithmic scale.
///
/// **Use it** as a very fast first look. **Not** where a level or a size matters: only the signs of the steps enter.
///
/// # Formula
/// `log n / (log n + log(n / (n + 0.4 N)))`: `n` steps, `N` times a falling step follows one that does not fall, or the
/// other way round.
///
/// # Examples
/// ```
/// let found = eir_signal::entropy::petrosian_dimension(&[1.0, 2.0, 1.0, 2.0, 1.0])?;
/// assert!((found - 4f64.ln() / (4f64.ln() + (4.0f64 / 5.2).ln())).abs() < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`](super::NoAnswer) below 4 values.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `fractal_petrosian(symbolize="C")` within 1e-9 on all series of the golden set.
///
/// # References
/// Petrosian 1995, doi:10.1109/CBMS.1995.465426.
pub fn petrosian_dimension(x: &[f64]) -> Result<f64> {
    check(x, 0)?;
    Ok(measure(x)?)
}

pub(crate) fn measure(x: &[f64]) -> Measure {
    enough(x, 4)?;
    let turns = x.windows(3).filter(|w| (w[1] < w[0]) != (w[2] < w[1])).count() as f64;
    let n = (x.len() - 1) as f64;
    Ok(n.log10() / (n.log10() + (n / (n + 0.4 * turns)).log10()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_dimension() {
        assert_eq!(petrosian_dimension(&(0..50).map(f64::from).collect::<Vec<_>>()).unwrap(), 1.0);
        assert!(petrosian_dimension(&[1.0, 2.0, 1.0]).is_err());
    }
}
