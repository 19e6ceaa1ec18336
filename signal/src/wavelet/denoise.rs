//! Denoising by shrinking wavelet coefficients.

use super::{Dwt, Mode, Wavelet};
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// `x` without its noise, with the default settings; a short signal has fewer levels.
///
/// # Errors
/// As [`DenoiseConfig::apply`].
pub fn denoise(x: &[f64]) -> Result<Vec<f64>> {
    let level = DenoiseConfig::default().level.min(x.len().checked_ilog2().unwrap_or(1).max(1) as usize);
    DenoiseConfig::default().with_level(level).apply(x)
}

/// What becomes of a coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Shrinkage {
    /// Nearer to 0 by the threshold, at most to 0: no jumps.
    #[default]
    Soft,
    /// 0 below the threshold, unchanged above: peaks keep their height.
    Hard,
}

impl Shrinkage {
    /// Shrinks every value.
    pub fn apply(self, values: &mut [f64], threshold: f64) {
        for v in values {
            let size = v.abs();
            *v = match self {
                Self::Soft if size > threshold => *v * (1.0 - threshold / size),
                Self::Hard if size >= threshold => *v,
                _ => 0.0,
            };
        }
    }
}

/// Settings of denoising with the universal threshold.
///
/// **Use it** on a signal with edges in white noise. **Not** where small waves matter (a P wave below the noise is gone)
/// nor on noise that is not white: its level is taken from the highest octave.
///
/// # Formula
/// Details below `σ √(2 ln n)` are shrunk; `σ = median |d_1| / 0.6745`.
///
/// # Examples
/// ```
/// use eir_signal::wavelet::denoise;
/// let clean = |i: i32| if (200..300).contains(&i) { 2.0 } else { 0.0 };
/// let x: Vec<f64> = (0..512).map(|i| clean(i) + 0.1 * f64::from(i * 7919 % 13 - 6) / 3.74).collect();
/// let y = denoise(&x)?;
/// let error = |v: &[f64]| v.iter().zip(0..).map(|(v, i)| (v - clean(i)).powi(2)).sum::<f64>();
/// assert!(error(&y) < 0.6 * error(&x));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to the same steps in PyWavelets 1.9.0 within 1e-10 on the golden set.
///
/// # References
/// Donoho, Johnstone 1994, doi:10.1093/biomet/81.3.425; Donoho 1995, doi:10.1109/18.382009.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DenoiseConfig {
    /// Wavelet. Default `sym5`.
    pub wavelet: Wavelet,
    /// Continuation beyond the ends. Default [`Mode::Symmetric`].
    pub mode: Mode,
    /// Octaves, 1 to the logarithm to base 2 of the samples. Default 4.
    pub level: usize,
    /// Soft or hard. Default [`Shrinkage::Soft`].
    pub shrinkage: Shrinkage,
}

impl Default for DenoiseConfig {
    fn default() -> Self {
        Self { wavelet: Wavelet::Symlet(5), mode: Mode::Symmetric, level: 4, shrinkage: Shrinkage::Soft }
    }
}

impl DenoiseConfig {
    /// Sets [`wavelet`](Self::wavelet).
    #[must_use]
    pub fn with_wavelet(self, wavelet: Wavelet) -> Self {
        Self { wavelet, ..self }
    }

    /// Sets [`mode`](Self::mode).
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Sets [`level`](Self::level).
    #[must_use]
    pub fn with_level(self, level: usize) -> Self {
        Self { level, ..self }
    }

    /// Sets [`shrinkage`](Self::shrinkage).
    #[must_use]
    pub fn with_shrinkage(self, shrinkage: Shrinkage) -> Self {
        Self { shrinkage, ..self }
    }

    /// Checks the settings that do not depend on the signal.
    ///
    /// # Errors
    /// [`Parameter`] if the level is 0, [`Unsupported`](eir_core::error::Unsupported) if there is no such wavelet.
    pub fn validate(&self) -> Result<()> {
        if self.level == 0 {
            return Err(Parameter::new("level", 0.0, "at least 1").into());
        }
        self.wavelet.filters().map(drop)
    }

    /// `x` without its noise.
    ///
    /// # Errors
    /// As [`validate`](Self::validate) and [`Dwt::decompose`].
    pub fn apply(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.validate()?;
        let dwt = Dwt::new(self.wavelet, self.mode)?;
        let mut parts = dwt.decompose(x, self.level)?;
        let mut sizes: Vec<f64> = parts.details.last().into_iter().flatten().map(|v| v.abs()).collect();
        let sigma = median(&mut sizes) / 0.6745;
        let threshold = sigma * (2.0 * (x.len() as f64).ln()).sqrt();
        parts.details.iter_mut().for_each(|d| self.shrinkage.apply(d, threshold));
        dwt.reconstruct(&parts)
    }
}

fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (middle, even) = (values.len() / 2, values.len().is_multiple_of(2));
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if even { 0.5 * (*upper + below.iter().copied().fold(f64::NEG_INFINITY, f64::max)) } else { *upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinkage() {
        let mut soft = [3.0, -3.0, 0.5, 0.0];
        Shrinkage::Soft.apply(&mut soft, 1.0);
        assert_eq!(soft.map(|v: f64| (v * 1e9).round() / 1e9), [2.0, -2.0, 0.0, 0.0]);
        let mut hard = [3.0, -3.0, 0.5, 1.0];
        Shrinkage::Hard.apply(&mut hard, 1.0);
        assert_eq!(hard, [3.0, -3.0, 0.0, 1.0]);
    }

    #[test]
    fn odd_inputs() {
        assert!(denoise(&[]).is_err());
        assert!(denoise(&[1.0]).is_err());
        assert!(denoise(&[1.0, 2.0]).is_ok());
        assert!(denoise(&[f64::NAN; 64]).is_err());
        assert!(denoise(&[2.5; 64]).unwrap().iter().all(|v| (v - 2.5).abs() < 1e-12));
        assert!(DenoiseConfig::default().with_level(0).validate().is_err());
        assert!(DenoiseConfig::default().with_level(9).apply(&[1.0; 64]).is_err());
        assert!(DenoiseConfig::default().with_wavelet(Wavelet::Coiflet(99)).validate().is_err());
    }
}
