//! A power spectrum and what is read off it.

use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// Power over frequency, one-sided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PowerSpectrum {
    /// Frequencies in Hz, rising.
    pub frequencies_hz: Vec<f64>,
    /// Power at each: per Hz (a density) or of a tone, as was asked for.
    pub power: Vec<f64>,
}

impl PowerSpectrum {
    pub(crate) fn new(frequencies_hz: Vec<f64>, power: Vec<f64>) -> Self {
        Self { frequencies_hz, power }
    }

    /// The power of a density between `low_hz` (included) and `high_hz` (excluded), by the trapezoidal rule over the
    /// bins that lie there; 0 if fewer than two do.
    ///
    /// # Examples
    /// ```
    /// use eir_signal::spectrum::welch;
    /// let rate = eir_core::SampleRate::new(100.0)?;
    /// let x: Vec<f64> = (0..1000).map(|i| (0.628_318_530_717_958_6 * f64::from(i)).sin()).collect(); // 10 Hz
    /// let power = welch(&x, rate)?.band_power(8.0, 12.0)?;
    /// assert!((power - 0.5).abs() < 0.01); // of a sine: half its amplitude squared
    /// # Ok::<(), eir_signal::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Parameter`] unless `low_hz < high_hz`.
    ///
    /// # Validation
    /// Equal to `numpy.trapezoid` over the bins of the band within 1e-12.
    pub fn band_power(&self, low_hz: f64, high_hz: f64) -> Result<f64> {
        if low_hz.is_nan() || high_hz.is_nan() || low_hz >= high_hz {
            return Err(Parameter::new("high_hz", high_hz, "above low_hz").into());
        }
        let from = self.frequencies_hz.partition_point(|f| *f < low_hz);
        let to = self.frequencies_hz.partition_point(|f| *f < high_hz).max(from);
        Ok(trapezoid(
            self.frequencies_hz.get(from..to).unwrap_or_default(),
            self.power.get(from..to).unwrap_or_default(),
        ))
    }

    /// The power of a density over all its bins, by the trapezoidal rule.
    #[must_use]
    pub fn total_power(&self) -> f64 {
        trapezoid(&self.frequencies_hz, &self.power)
    }

    /// The frequency in Hz of the bin with most power; none in an empty spectrum.
    #[must_use]
    pub fn peak_hz(&self) -> Option<f64> {
        let best = (0..self.power.len()).max_by(|a, b| self.power[*a].total_cmp(&self.power[*b]))?;
        self.frequencies_hz.get(best).copied()
    }
}

fn trapezoid(x: &[f64], y: &[f64]) -> f64 {
    x.windows(2).zip(y.windows(2)).map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands() {
        let spectrum = PowerSpectrum::new(vec![0.0, 1.0, 2.0, 3.0], vec![1.0, 2.0, 4.0, 0.0]);
        assert_eq!(spectrum.band_power(1.0, 3.0).unwrap(), 3.0);
        assert_eq!(spectrum.band_power(2.5, 9.0).unwrap(), 0.0);
        assert_eq!(spectrum.total_power(), 6.5);
        assert_eq!(spectrum.peak_hz(), Some(2.0));
        assert!(spectrum.band_power(1.0, 1.0).is_err());
        assert!(spectrum.band_power(f64::NAN, 1.0).is_err());
    }
}
