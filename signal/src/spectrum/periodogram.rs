//! The periodogram: one transform of a whole signal.

use super::segment::{Cut, Segment, both_sides, finite, frequencies_hz};
use super::{Detrend, PowerSpectrum, Scaling};
use crate::{Result, Window};
use eir_core::SampleRate;
use eir_core::error::TooShort;
use serde::{Deserialize, Serialize};

/// The density of `x` by one transform: no window, mean removed.
///
/// # Errors
/// As [`PeriodogramConfig::power`].
pub fn periodogram(x: &[f64], rate: SampleRate) -> Result<PowerSpectrum> {
    PeriodogramConfig::default().power(x, rate)
}

/// Settings of a periodogram.
///
/// **Use it** for the finest resolution of frequency on a signal that is mostly tones, or where the integral must be
/// the variance exactly. **Not** for noise: its standard deviation is as large as itself, however long the signal;
/// [`Welch`](super::Welch) and [`Multitaper`](super::Multitaper) average.
///
/// # Formula
/// `P[k] = s |Σ_n w[n] (x[n] - trend) exp(-2πi kn/N)|² / (f_s Σ w²)`, `s = 2` but at 0 Hz and at half the rate, where 1.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::periodogram;
/// let rate = eir_core::SampleRate::new(50.0)?;
/// let x: Vec<f64> = (0..500).map(|i| f64::from(i * 7919 % 101)).collect();
/// let mean = x.iter().sum::<f64>() / 500.0;
/// let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 500.0;
/// let power: f64 = periodogram(&x, rate)?.power.iter().sum::<f64>() * 50.0 / 500.0;
/// assert!((power / variance - 1.0).abs() < 1e-12); // Parseval
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to SciPy 1.17.1 `periodogram` within 1e-9 of the largest value on the golden set.
///
/// # References
/// Schuster 1898, doi:10.1029/TM003i001p00013.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PeriodogramConfig {
    /// Taper over the whole signal. Default [`Window::Boxcar`].
    pub window: Window,
    /// What is subtracted first. Default [`Detrend::Constant`].
    pub detrend: Detrend,
    /// Density or spectrum. Default [`Scaling::Density`].
    pub scaling: Scaling,
    /// Length of the transform: at least the signal's, which is continued by zeros. Default none: the signal's.
    pub fft_length: Option<usize>,
}

impl Default for PeriodogramConfig {
    fn default() -> Self {
        Self { window: Window::Boxcar, detrend: Detrend::default(), scaling: Scaling::default(), fft_length: None }
    }
}

impl PeriodogramConfig {
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// Sets [`detrend`](Self::detrend).
    #[must_use]
    pub fn with_detrend(self, detrend: Detrend) -> Self {
        Self { detrend, ..self }
    }

    /// Sets [`scaling`](Self::scaling).
    #[must_use]
    pub fn with_scaling(self, scaling: Scaling) -> Self {
        Self { scaling, ..self }
    }

    /// Sets [`fft_length`](Self::fft_length).
    #[must_use]
    pub fn with_fft_length(self, fft_length: usize) -> Self {
        Self { fft_length: Some(fft_length), ..self }
    }

    /// Checks the settings that do not depend on the signal.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the one that is out of its range.
    pub fn validate(&self) -> Result<()> {
        self.window.validate()
    }

    /// The power of `x`.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, [`NotFinite`](eir_core::error::NotFinite) if it has a gap,
    /// [`Parameter`](eir_core::error::Parameter) if the transform is shorter than `x`.
    pub fn power(&self, x: &[f64], rate: SampleRate) -> Result<PowerSpectrum> {
        self.validate()?;
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        finite(x)?;
        let cut = Cut { window: self.window, segment: x.len(), overlap: 0, fft_length: self.fft_length };
        let segment = Segment::new(&cut, self.detrend)?;
        let mut room = segment.room();
        segment.transform(x, &mut room.bins, &mut room.scratch);
        let factor = self.scaling.factor(&segment.window, rate.hz());
        let mut power: Vec<f64> = room.bins.iter().map(|b| b.norm_sqr() * factor).collect();
        let length = segment.fft.length();
        both_sides(&mut power, length);
        Ok(PowerSpectrum::new(frequencies_hz(length, rate.hz()), power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_its_power() {
        let rate = SampleRate::new(64.0).unwrap();
        let x: Vec<f64> = (0..64).map(|i| 3.0 * (std::f64::consts::TAU * 8.0 * f64::from(i) / 64.0).cos()).collect();
        let config = PeriodogramConfig::default().with_scaling(Scaling::Spectrum);
        let found = config.power(&x, rate).unwrap();
        assert!((found.power[8] - 4.5).abs() < 1e-12);
        assert_eq!(found.peak_hz(), Some(8.0));
    }

    #[test]
    fn odd_inputs() {
        let rate = SampleRate::new(1.0).unwrap();
        assert!(periodogram(&[], rate).is_err());
        assert!(periodogram(&[1.0, f64::NAN], rate).is_err());
        assert_eq!(periodogram(&[5.0], rate).unwrap().power, [0.0]);
        assert!(periodogram(&[5.0; 9], rate).unwrap().power.iter().all(|p| *p < 1e-25));
        assert!(PeriodogramConfig::default().with_fft_length(2).power(&[1.0; 3], rate).is_err());
    }
}
