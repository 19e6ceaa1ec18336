/// The quantile `q` (0 to 1, clamped) of values in ascending order, on straight lines between them; none of no values.
///
/// Type 7 of Hyndman and Fan, NumPy's default.
///
/// ```
/// use eir_core::metrics::sorted_quantile;
/// assert_eq!(sorted_quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
/// assert_eq!(sorted_quantile(&[], 0.5), None);
/// ```
///
/// # References
/// Hyndman, Fan 1996, doi:10.2307/2684934.
#[must_use]
pub fn sorted_quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    // cut to an integer: without SSE 4.1 `floor`, `ceil` and `fract` are calls of a library
    let below = place as usize;
    let share = place - below as f64;
    let low = *sorted.get(below)?;
    let high = *sorted.get(below + usize::from(share > 0.0))?;
    // equal ends may be infinite, and their difference then no number
    Some(if low == high { low } else { low + (high - low) * share })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_infinities() {
        let x = [f64::NEG_INFINITY, f64::NEG_INFINITY, 1.0];
        assert_eq!(
            [0.0, 0.25, 1.0, 2.0].map(|q| sorted_quantile(&x, q)),
            [Some(x[0]), Some(x[0]), Some(1.0), Some(1.0)]
        );
        assert_eq!(sorted_quantile(&[7.0], 0.3), Some(7.0));
        assert_eq!(sorted_quantile(&[1.0, 2.0], f64::NAN), Some(1.0));
    }
}
