//! Multifractal detrended fluctuation analysis.

use super::{DfaConfig, NoAnswer, check, mean, slope};
use crate::Result;
use eir_core::error::{NotFinite, TooShort};
use serde::{Deserialize, Serialize};

/// How the fluctuation exponent changes with the moment, and what is read off its spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MultifractalSpectrum {
    /// Generalised Hurst exponent h of each moment.
    pub exponents: Vec<f64>,
    /// Singularity strength α of each moment.
    pub strengths: Vec<f64>,
    /// Dimension f(α) of each moment.
    pub dimensions: Vec<f64>,
    /// Largest less smallest strength.
    pub width: f64,
    /// Strength at the highest dimension.
    pub peak: f64,
    /// Middle between smallest and largest strength.
    pub mean: f64,
    /// Dimension at the largest strength.
    pub max: f64,
    /// Dimension at the largest less that at the smallest strength.
    pub delta: f64,
    /// (Smallest strength less peak) over the width.
    pub asymmetry: f64,
    /// Power of the second derivative of h.
    pub fluctuation: f64,
    /// Sum of squared increments of h.
    pub increment: f64,
}

/// The multifractal spectrum of `x` over the windows of `config`, for the moments `moments` (usually −5 to 5).
///
/// **Use it** to ask whether small and large fluctuations scale alike (a narrow spectrum) or not. **Not** with high
/// negative moments on quantised series: the smallest fluctuation of all decides there.
///
/// # Formula
/// `F_q(w) = (mean of s^q)^(1/q)` with `s` the deviations of [`dfa_exponent`](super::dfa_exponent) (`exp(mean ln s)` for
/// `q = 0`), `h(q)` its slope, `τ = q h − 1`, `α = dτ/dq`, `f = q α − τ`; derivatives by central differences, at the ends
/// by one-sided ones.
///
/// # Examples
/// ```
/// use eir_signal::entropy::{DfaConfig, multifractal_dfa};
/// let x: Vec<f64> = (0..2000u64).map(|i| ((i * i * 2_654_435_761) % 1009) as f64).collect();
/// let config = DfaConfig::default().with_windows(16, 64);
/// let found = multifractal_dfa(&x, &config, &[1.0, 2.0, 3.0])?;
/// assert!((found.exponents[1] - config.of(&x)?).abs() < 1e-12 && found.width < 0.2);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`DfaConfig::of`]; [`TooShort`] below 2 moments; [`NotFinite`] for a moment.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `fractal_dfa(multifractal=True)` within 1e-6 on all series of the golden set up to 1200
/// beats, moments −5 to 5.
///
/// # References
/// Kantelhardt et al. 2002, doi:10.1016/S0378-4371(02)01383-3.
pub fn multifractal_dfa(x: &[f64], config: &DfaConfig, moments: &[f64]) -> Result<MultifractalSpectrum> {
    config.validate()?;
    check(x, 0)?;
    NotFinite::check_f64("moment", moments)?;
    if moments.len() < 2 {
        return Err(TooShort::new("moments", moments.len(), 2).into());
    }
    Ok(measure(x, config, moments)?)
}

pub(crate) fn measure(
    x: &[f64],
    config: &DfaConfig,
    moments: &[f64],
) -> std::result::Result<MultifractalSpectrum, NoAnswer> {
    let mut curves = vec![Vec::new(); moments.len()];
    config.windows(x, |deviations| {
        for (q, curve) in moments.iter().zip(&mut curves) {
            curve.push(log_fluctuation(deviations, *q));
        }
    })?;
    let windows = config.log_windows();
    let h: Vec<f64> = curves.iter().map(|curve| slope(&windows, curve)).collect();
    let tau: Vec<f64> = moments.iter().zip(&h).map(|(q, h)| q * h - 1.0).collect();
    let steps = gradient(moments);
    let strengths: Vec<f64> = gradient(&tau).iter().zip(&steps).map(|(t, q)| t / q).collect();
    let dimensions: Vec<f64> = moments.iter().zip(&strengths).zip(&tau).map(|((q, a), t)| q * a - t).collect();
    if !strengths.iter().chain(&dimensions).all(|v| v.is_finite()) {
        return Err(NoAnswer::OutOfRange);
    }
    let first = |better: fn(f64, f64) -> bool, of: &[f64]| {
        (0..of.len()).fold(0, |b, k| if better(of[k], of[b]) { k } else { b })
    };
    let (low, high) = (first(|a, b| a < b, &strengths), first(|a, b| a > b, &strengths));
    let top = first(|a, b| a > b, &dimensions);
    let (smallest, largest, peak) = (strengths[low], strengths[high], strengths[top]);
    let width = largest - smallest;
    let farthest = moments.iter().fold(0.0f64, |a, q| a.max(q.abs()));
    let increments = gradient(&h);
    Ok(MultifractalSpectrum {
        width,
        peak,
        mean: (smallest + largest) / 2.0,
        max: dimensions[high],
        delta: dimensions[high] - dimensions[low],
        asymmetry: (smallest - peak) / width,
        fluctuation: gradient(&increments).iter().map(|v| v * v).sum::<f64>() / (2.0 * farthest + 2.0),
        increment: increments.iter().zip(&steps).map(|(v, q)| v * v / q).sum(),
        exponents: h,
        strengths,
        dimensions,
    })
}

/// `ln F_q`.
fn log_fluctuation(deviations: &[f64], q: f64) -> f64 {
    if q.abs() < 0.1 {
        return deviations.iter().map(|s| s.ln()).sum::<f64>() / deviations.len() as f64;
    }
    let whole = q as i32;
    let powers: Vec<f64> = if f64::from(whole) == q {
        deviations.iter().map(|s| s.powi(whole)).collect()
    } else {
        deviations.iter().map(|s| s.powf(q)).collect()
    };
    mean(&powers).ln() / q
}

/// Central differences, one-sided at the ends.
fn gradient(x: &[f64]) -> Vec<f64> {
    let n = x.len();
    (0..n)
        .map(|k| {
            let (a, b) = (k.saturating_sub(1), (k + 1).min(n - 1));
            (x[b] - x[a]) / (b - a).max(1) as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_it_cannot_do() {
        let x: Vec<f64> = (0..100).map(|i| f64::from(i * i % 17)).collect();
        let config = DfaConfig::default();
        assert!(multifractal_dfa(&x, &config, &[2.0]).is_err());
        assert!(multifractal_dfa(&x, &config, &[2.0, f64::NAN]).is_err());
        assert!(multifractal_dfa(&[1.0; 100], &config, &[1.0, 2.0]).is_err());
        let fine = multifractal_dfa(&x, &config, &[-1.5, 0.0, 2.0]).unwrap();
        assert!(fine.exponents.iter().all(|v| v.is_finite()));
    }
}
