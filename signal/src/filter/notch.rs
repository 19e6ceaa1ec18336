//! Filters for one frequency: the notch that takes it out and the peak that keeps it alone.

use super::SosFilter;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Takes out one frequency: with zero phase and a quality of 30.
///
/// # Errors
/// As [`NotchConfig::design`] and [`SosFilter::zero_phase`].
pub fn notch(x: &[f32], rate: SampleRate, centre_hz: f64) -> Result<Vec<f32>> {
    NotchConfig::new(centre_hz).design(rate)?.zero_phase(x)
}

/// Settings of a notch, and its design: one section that takes out one frequency.
///
/// **Use it** against the hum of the mains in an ECG. **Not** for its harmonics (one notch each), nor where the
/// frequency wanders by more than `centre/quality`.
///
/// # Formula
/// `H(z) = g (1 - 2 cos ω z⁻¹ + z⁻²) / (1 - 2 g cos ω z⁻¹ + (2g-1) z⁻²)`, `ω = 2πf/f_s`, `g = 1/(1 + tan(ω/2Q))`.
///
/// # Examples
/// ```
/// use eir_signal::filter::NotchConfig;
/// let rate = eir_core::SampleRate::new(500.0)?;
/// let notch = NotchConfig::new(50.0).design(rate)?;
/// let gain = notch.response(&[50.0, 45.0], rate);
/// assert!(gain[0].norm() < 1e-12 && gain[1].norm() > 0.98);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Coefficients equal SciPy 1.17.1 `iirnotch`, and those of [`PeakConfig`] `iirpeak`, within 1e-12 of the largest on the
/// golden set.
///
/// # References
/// Orfanidis, *Introduction to Signal Processing*, 1996, ch. 11.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotchConfig {
    /// The frequency that is taken out, in Hz, above 0 and below half the rate.
    pub centre_hz: f64,
    /// Centre over the width at -3 dB, above 0 and such that half the width is below half the rate. Default 30.
    pub quality: f64,
}

impl NotchConfig {
    /// A notch of quality 30.
    #[must_use]
    pub fn new(centre_hz: f64) -> Self {
        Self { centre_hz, quality: 30.0 }
    }
    /// Sets [`centre_hz`](Self::centre_hz).
    #[must_use]
    pub fn with_centre_hz(self, centre_hz: f64) -> Self {
        Self { centre_hz, ..self }
    }
    /// Sets [`quality`](Self::quality).
    #[must_use]
    pub fn with_quality(self, quality: f64) -> Self {
        Self { quality, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        validate(self.centre_hz, self.quality)
    }

    /// Computes the section for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if the centre is not below half the rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        let (gain, cosine) = shape(self.centre_hz, self.quality, rate)?;
        SosFilter::new(vec![[gain, -2.0 * gain * cosine, gain, 1.0, -2.0 * gain * cosine, 2.0 * gain - 1.0]])
    }
}

/// Settings of a peak, and its design: one section that keeps one frequency, the opposite of a [notch](NotchConfig).
///
/// # Examples
/// ```
/// use eir_signal::filter::PeakConfig;
/// let rate = eir_core::SampleRate::new(500.0)?;
/// let gain = PeakConfig::new(20.0).with_quality(10.0).design(rate)?.response(&[20.0, 60.0], rate);
/// assert!((gain[0].norm() - 1.0).abs() < 1e-12 && gain[1].norm() < 0.05);
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeakConfig {
    /// The frequency that is kept, in Hz, above 0 and below half the rate.
    pub centre_hz: f64,
    /// Centre over the width at -3 dB, above 0 and such that half the width is below half the rate. Default 30.
    pub quality: f64,
}

impl PeakConfig {
    /// A peak of quality 30.
    #[must_use]
    pub fn new(centre_hz: f64) -> Self {
        Self { centre_hz, quality: 30.0 }
    }
    /// Sets [`centre_hz`](Self::centre_hz).
    #[must_use]
    pub fn with_centre_hz(self, centre_hz: f64) -> Self {
        Self { centre_hz, ..self }
    }
    /// Sets [`quality`](Self::quality).
    #[must_use]
    pub fn with_quality(self, quality: f64) -> Self {
        Self { quality, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        validate(self.centre_hz, self.quality)
    }

    /// Computes the section for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if the centre is not below half the rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        let (gain, cosine) = shape(self.centre_hz, self.quality, rate)?;
        SosFilter::new(vec![[1.0 - gain, 0.0, gain - 1.0, 1.0, -2.0 * gain * cosine, 2.0 * gain - 1.0]])
    }
}

fn validate(centre_hz: f64, quality: f64) -> Result<()> {
    if !(centre_hz.is_finite() && centre_hz > 0.0) {
        return Err(Parameter::new("centre_hz", centre_hz, "above 0 Hz").into());
    }
    if !(quality.is_finite() && quality > 0.0) {
        return Err(Parameter::new("quality", quality, "above 0").into());
    }
    Ok(())
}

/// `g` and `cos ω`.
fn shape(centre_hz: f64, quality: f64, rate: SampleRate) -> Result<(f64, f64)> {
    validate(centre_hz, quality)?;
    if centre_hz >= rate.nyquist_hz() {
        return Err(Parameter::new("centre_hz", centre_hz, "below half the sampling rate").into());
    }
    let omega = PI * centre_hz / rate.nyquist_hz();
    let half_width = omega / quality / 2.0;
    if half_width >= PI / 2.0 {
        return Err(Parameter::new("quality", quality, "such that the width is below half the rate").into());
    }
    Ok((1.0 / (1.0 + half_width.tan()), omega.cos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(100.0).unwrap();
        let text = |n: NotchConfig| n.design(rate).map(drop).unwrap_err().to_string();
        assert!(text(NotchConfig::new(50.0)).contains("below half"));
        assert!(text(NotchConfig::new(f64::NAN)).contains("above 0 Hz"));
        assert!(text(NotchConfig::new(40.0).with_quality(0.1)).contains("quality"));
    }
}
