//! Shannon entropy of the values.

use super::{Measure, bits, check, enough};
use crate::Result;

/// The entropy of how often each value occurs in `x`, in bits.
///
/// **Use it** on series of few distinct values (quantised intervals, symbols). **Not** on real numbers of full precision:
/// no value is repeated there, and the entropy is the logarithm of the length.
///
/// # Formula
/// `−Σ p log2 p`, `p` the share of each distinct value.
///
/// # Examples
/// ```
/// assert_eq!(eir_signal::entropy::shannon_entropy(&[800.0, 808.0, 800.0, 816.0])?, 1.5);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`](super::NoAnswer) without values.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `entropy_shannon` within 1e-9 on all series of the golden set.
///
/// # References
/// Shannon 1948, doi:10.1002/j.1538-7305.1948.tb01338.x.
pub fn shannon_entropy(x: &[f64]) -> Result<f64> {
    check(x, 0)?;
    Ok(measure(x)?)
}

pub(crate) fn measure(x: &[f64]) -> Measure {
    enough(x, 1)?;
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let counts: Vec<f64> = sorted.chunk_by(|a, b| a == b).map(|run| run.len() as f64).collect();
    Ok(bits(counts.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_ends() {
        assert_eq!(shannon_entropy(&[1.0; 9]).unwrap(), 0.0);
        assert_eq!(shannon_entropy(&[0.0, -0.0]).unwrap(), 0.0);
        assert_eq!(shannon_entropy(&(0..64).map(f64::from).collect::<Vec<_>>()).unwrap(), 6.0);
        assert!(shannon_entropy(&[]).is_err() && shannon_entropy(&[f64::NAN]).is_err());
    }
}
