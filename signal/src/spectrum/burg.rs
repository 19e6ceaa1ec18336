//! Autoregressive spectra by Burg's method.

use super::PowerSpectrum;
use super::segment::finite;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Highest order.
const HIGHEST: usize = 4096;

/// An autoregressive model: each sample from those before it, and noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Autoregression {
    /// `a` of `Σ_k a[k] x[n-k] = noise`; `a[0]` is 1.
    pub coefficients: Vec<f64>,
    /// Reflection coefficients, one of each order, within ±1.
    pub reflection: Vec<f64>,
    /// Variance of the noise.
    pub variance: f64,
}

/// The autoregressive model of `x` of the given order, by Burg's method.
///
/// **Use it** on short signals with few narrow rhythms, where a Fourier spectrum has too little resolution: HRV of a few
/// minutes (order 16). **Not** on a signal with an offset (remove it, or the trend, first) nor with more order than the
/// data carry: peaks split and move.
///
/// # Formula
/// From `f = b = x`: `k_m = -2 Σ f[n] b[n-1] / Σ (f[n]² + b[n-1]²)`, then `f[n] ← f[n] + k_m b[n-1]`,
/// `b[n] ← b[n-1] + k_m f[n]`, `a ← a + k_m reversed(a)`, `σ² ← σ² (1 - k_m²)`, with `σ² = mean x²` at first.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::burg;
/// let rate = eir_core::SampleRate::new(4.0)?;
/// let x: Vec<f64> = (0..400).map(|i| (1.2 * f64::from(i)).sin() + 0.01 * (f64::from(i * i)).cos()).collect();
/// let model = burg(&x, 8)?;
/// let spectrum = model.power(rate, 4096)?;
/// assert!((spectrum.peak_hz().unwrap_or(0.0) - 1.2 * 4.0 / std::f64::consts::TAU).abs() < 0.002);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] if the order is 0 or above 4096, [`TooShort`] if there are not more samples than it,
/// [`NotFinite`](eir_core::error::NotFinite) if a sample is missing, [`Parameter`] if samples are so large that their variance
/// is no number (above 1e154). A signal that an order predicts exactly (a constant, say) has reflection coefficients of 0 from
/// there on.
///
/// # Validation
/// Coefficients and variance equal the recursion in NumPy within 1e-8 on all RR series of the golden set.
///
/// # References
/// Burg 1975, Maximum entropy spectral analysis (thesis, Stanford); Kay, Marple 1981, doi:10.1109/PROC.1981.12184.
pub fn burg(x: &[f64], order: usize) -> Result<Autoregression> {
    if !(1..=HIGHEST).contains(&order) {
        return Err(Parameter::new("order", order as f64, "1 to 4096").into());
    }
    if x.len() <= order {
        return Err(TooShort::new("samples", x.len(), order + 1).into());
    }
    finite(x)?;
    let scale = scale(x);
    let mut f: Vec<f64> = x.iter().map(|v| v / scale).collect();
    let mut b = f.clone();
    let mut variance = f.iter().map(|v| v * v).sum::<f64>() / x.len() as f64 * scale * scale;
    if variance.is_infinite() {
        return Err(Parameter::new("variance of the samples", variance, "finite").into());
    }
    let mut coefficients = vec![1.0];
    let mut reflection = Vec::with_capacity(order);
    for m in 1..=order {
        // f and b of this order stand at m.. and ..n-m of their buffers
        let (ahead, behind) = (&mut f[m..], &mut b[..x.len() - m]);
        let (cross, energy) = products(ahead, behind);
        let k = if energy > 0.0 { (-2.0 * cross / energy).clamp(-1.0, 1.0) } else { 0.0 };
        for (f, b) in ahead.iter_mut().zip(behind.iter_mut()) {
            (*f, *b) = (*f + k * *b, *b + k * *f);
        }
        coefficients.push(0.0);
        let mirrored: Vec<f64> = coefficients.iter().rev().copied().collect();
        coefficients.iter_mut().zip(mirrored).for_each(|(a, r)| *a += k * r);
        variance *= 1.0 - k * k;
        reflection.push(k);
    }
    Ok(Autoregression { coefficients, reflection, variance })
}

/// What to divide by so that squares are numbers: 1, or a power of two where samples are far from it.
fn scale(x: &[f64]) -> f64 {
    let exponent = x.iter().fold(0.0f64, |a, v| a.max(v.abs())).log2();
    if exponent.abs() < 300.0 || exponent == f64::NEG_INFINITY {
        1.0
    } else {
        2f64.powi(exponent.clamp(-1000.0, 1000.0) as i32)
    }
}

/// `Σ f b` and `Σ f² + b²`, in eight partial sums each.
fn products(f: &[f64], b: &[f64]) -> (f64, f64) {
    let (mut cross, mut energy) = ([0.0; 8], [0.0; 8]);
    let ((f, f_rest), (b, b_rest)) = (f.as_chunks::<8>(), b.as_chunks::<8>());
    for (f, b) in f.iter().zip(b) {
        for j in 0..8 {
            cross[j] += f[j] * b[j];
            energy[j] += f[j] * f[j] + b[j] * b[j];
        }
    }
    for (f, b) in f_rest.iter().zip(b_rest) {
        cross[0] += f * b;
        energy[0] += f * f + b * b;
    }
    (cross.iter().sum(), energy.iter().sum())
}

impl Autoregression {
    /// The one-sided density of the model at `points / 2 + 1` frequencies from 0 to half the rate:
    /// `2 σ² / (f_s |A(f)|²)`.
    ///
    /// # Errors
    /// [`Parameter`] if `points` is below 2 or above 2^24.
    pub fn power(&self, rate: SampleRate, points: usize) -> Result<PowerSpectrum> {
        if !(2..=1 << 24).contains(&points) {
            return Err(Parameter::new("points", points as f64, "2 to 2^24").into());
        }
        let frequencies: Vec<f64> = (0..=points / 2).map(|k| k as f64 * rate.hz() / points as f64).collect();
        let power = frequencies.iter().map(|f| self.density(*f, rate)).collect();
        Ok(PowerSpectrum::new(frequencies, power))
    }

    /// The one-sided density at `frequency_hz`.
    #[must_use]
    pub fn density(&self, frequency_hz: f64, rate: SampleRate) -> f64 {
        let z = Complex64::from_polar(1.0, -TAU * frequency_hz / rate.hz());
        let a = self.coefficients.iter().rev().fold(Complex64::default(), |sum, a| sum * z + a);
        2.0 * self.variance / rate.hz() / a.norm_sqr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_model_that_made_the_signal() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) - 0.5
        };
        let mut x = vec![0.0, 0.0];
        for i in 2..20_000usize {
            x.push(1.5 * x[i - 1] - 0.8 * x[i - 2] + noise());
        }
        let model = burg(&x, 2).unwrap();
        assert!((model.coefficients[1] + 1.5).abs() < 0.03 && (model.coefficients[2] - 0.8).abs() < 0.03);
    }

    #[test]
    fn odd_inputs() {
        assert!(burg(&[1.0; 4], 4).is_err());
        assert!(burg(&[1.0; 4], 0).is_err());
        assert!(burg(&[1.0, f64::NAN, 1.0], 1).is_err());
        let x: Vec<f64> = (0..50).map(|i| f64::from(i * i % 17) - 8.0).collect();
        let scaled = |by: f64| burg(&x.iter().map(|v| v * by).collect::<Vec<_>>(), 4);
        let want = scaled(1.0).unwrap();
        for power in [-1060, -700, 500] {
            let model = scaled(2f64.powi(power)).unwrap();
            assert_eq!(model.coefficients, want.coefficients, "samples times 2^{power}");
        }
        assert!(scaled(1e300).is_err());
        let zero = burg(&[0.0; 9], 3).unwrap();
        assert_eq!((zero.variance, zero.reflection), (0.0, vec![0.0; 3]));
        let constant = burg(&[5.0; 9], 3).unwrap();
        assert!(constant.coefficients.iter().all(|a| a.is_finite()));
    }
}
