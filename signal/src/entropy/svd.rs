//! Entropy of singular values.

use super::sample::embedding;
use super::{Measure, NoAnswer, bits, check, enough};
use crate::Result;
use serde::{Deserialize, Serialize};

/// The entropy of the singular values of `x` embedded with `m = 3`, in bits.
///
/// # Errors
/// As [`SvdEntropyConfig::of`].
pub fn svd_entropy(x: &[f64]) -> Result<f64> {
    SvdEntropyConfig::default().of(x)
}

/// Settings of the singular-value entropy.
///
/// **Use it** to ask how many directions the embedded series fills. **Not** without thought on intervals: the mean is not
/// removed, so a large mean with little variation gives nearly 0.
///
/// # Formula
/// `−Σ p log2 p`, `p` the share of each singular value of the matrix whose rows are the stretches of `m` values.
///
/// # Examples
/// ```
/// let x = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0]; // one direction only
/// assert!(eir_signal::entropy::svd_entropy(&x)? < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `entropy_svd` within 1e-9 on all series of the golden set.
///
/// # References
/// Roberts, Penny, Rezek 1999, Med. Biol. Eng. Comput. 37:93.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SvdEntropyConfig {
    /// Values in a stretch, 2 to 32. Default 3.
    pub dimension: usize,
    /// Values from one of a stretch to its next, 1 or more. Default 1.
    pub delay: usize,
}

impl Default for SvdEntropyConfig {
    fn default() -> Self {
        Self { dimension: 3, delay: 1 }
    }
}

impl SvdEntropyConfig {
    /// Sets [`dimension`](Self::dimension).
    #[must_use]
    pub fn with_dimension(self, dimension: usize) -> Self {
        Self { dimension, ..self }
    }
    /// Sets [`delay`](Self::delay).
    #[must_use]
    pub fn with_delay(self, delay: usize) -> Self {
        Self { delay, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        embedding(self.dimension, self.delay, 2..=32, "2 to 32")
    }

    /// The singular-value entropy of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer than
    /// `(m − 1)·delay + m` values and for a series of zeros.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        let reach = (self.dimension - 1).saturating_mul(self.delay);
        enough(x, reach.saturating_add(self.dimension))?;
        let rows = x.len() - reach;
        let mut columns: Vec<Vec<f64>> =
            (0..self.dimension).map(|k| x[k * self.delay..k * self.delay + rows].to_vec()).collect();
        let values = singular_values(&mut columns);
        let total: f64 = values.iter().sum();
        if total == 0.0 {
            return Err(NoAnswer::Constant);
        }
        if !total.is_finite() {
            return Err(NoAnswer::OutOfRange);
        }
        Ok(bits(values.iter().copied()))
    }
}

/// The singular values of the matrix with these columns, by rotations of pairs of columns until all are at right angles
/// (one-sided Jacobi): small ones come out as exactly as large ones.
fn singular_values(columns: &mut [Vec<f64>]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for _ in 0..30 {
        let mut turned = false;
        for p in 1..columns.len() {
            let (head, tail) = columns.split_at_mut(p);
            let b = &mut tail[0];
            for a in head {
                let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
                // also false for what is no number
                let leaning = ab != 0.0 && ab.abs() > 1e-15 * (aa * bb).sqrt();
                if !leaning {
                    continue;
                }
                turned = true;
                let zeta = (bb - aa) / (2.0 * ab);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = c * t;
                for (v, w) in a.iter_mut().zip(b.iter_mut()) {
                    (*v, *w) = (c * *v - s * *w, s * *v + c * *w);
                }
            }
        }
        if !turned {
            break;
        }
    }
    columns.iter().map(|c| dot(c, c).sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_singular_values() {
        // [[3, 0], [4, 5]] has singular values √45 and √5
        let mut values = singular_values(&mut [vec![3.0, 4.0], vec![0.0, 5.0]]);
        values.sort_by(f64::total_cmp);
        assert!((values[0] - 5f64.sqrt()).abs() < 1e-14 && (values[1] - 45f64.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(svd_entropy(&[0.0; 10]).is_err() && svd_entropy(&[1.0; 4]).is_err());
        assert!(svd_entropy(&[1e300; 10]).is_err());
        assert!(SvdEntropyConfig::default().with_dimension(1).of(&[1.0; 10]).is_err());
    }
}
