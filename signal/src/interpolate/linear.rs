//! Straight lines between points.

use super::Interpolant;
use super::piecewise::check;
use crate::Result;

/// Straight lines between the points `(x, y)`, `x` rising.
///
/// **Use it** where nothing may be added to the data: gaps, masks. **Not** before a spectrum: its corners damp the high
/// frequencies.
///
/// # Examples
/// ```
/// let line = eir_signal::interpolate::linear(&[0.0, 2.0], &[1.0, 5.0])?;
/// assert_eq!(line.value(0.5), 2.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// Fewer than 2 points, lengths that differ, a value that is missing, or `x` not rising.
///
/// # Validation
/// Equal to NumPy 2.4.6 `interp` within 1e-12 on the golden set.
pub fn linear(x: &[f64], y: &[f64]) -> Result<Interpolant> {
    check(x, y, 2)?;
    Ok(Interpolant::linear(x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners() {
        let line = linear(&[0.0, 1.0, 3.0], &[0.0, 2.0, -2.0]).unwrap();
        assert_eq!([0.0, 0.5, 1.0, 2.0, 3.0].map(|x| line.value(x)), [0.0, 1.0, 2.0, 0.0, -2.0]);
        assert_eq!(line.slope(2.0), -2.0);
        assert!(linear(&[0.0], &[0.0]).is_err());
    }
}
