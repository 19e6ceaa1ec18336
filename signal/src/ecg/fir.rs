//! Zero-phase filtering with a finite impulse response, as SciPy's `filtfilt` does it.

use crate::Result;
use crate::filter::kernel::correlate;
use eir_core::error::TooShort;

/// Filters forwards and backwards: the signal is continued at both ends by its odd reflection over three times the length
/// of the filter, and each pass starts as if the signal always had been as its first sample.
pub(super) fn zero_phase(x: &[f64], taps: &[f64]) -> Result<Vec<f64>> {
    let (n, edge) = (x.len(), 3 * taps.len());
    if n <= edge {
        return Err(TooShort::new("samples", n, edge + 1).into());
    }
    let (first, last) = (x[0], x[n - 1]);
    let mut y: Vec<f64> = x[1..=edge].iter().rev().map(|v| 2.0 * first - v).collect();
    y.extend_from_slice(x);
    y.extend(x[n - 1 - edge..n - 1].iter().rev().map(|v| 2.0 * last - v));
    for _ in 0..2 {
        let mut held = vec![y[0]; taps.len() - 1];
        held.extend_from_slice(&y);
        y = convolve(&held, taps);
        y.reverse();
    }
    Ok(y[edge..edge + n].to_vec())
}

/// Convolution where the filter lies within the signal.
fn convolve(x: &[f64], taps: &[f64]) -> Vec<f64> {
    let weights: Vec<f64> = taps.iter().rev().copied().collect();
    let mut out = vec![0.0; (x.len() + 1).saturating_sub(taps.len())];
    correlate(&weights, x, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_and_keeps_what_the_filter_passes() {
        assert_eq!(convolve(&[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0]), [12.0, 23.0, 34.0]);
        let line: Vec<f64> = (0..5000).map(f64::from).collect();
        let same = zero_phase(&line, &[0.25, 0.5, 0.25]).unwrap();
        assert!(same.iter().zip(&line).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(zero_phase(&line[..9], &[0.25, 0.5, 0.25]).is_err());
    }
}
