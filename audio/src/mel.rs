//! Mel filter banks.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, Parameter};
use serde::{Deserialize, Serialize};

/// A scale of perceived pitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MelScale {
    /// Linear below 1 kHz, logarithmic above (Slaney's Auditory Toolbox; librosa's default).
    #[default]
    Slaney,
    /// 2595 log10(1 + f / 700) (HTK, Kaldi).
    Htk,
}

impl MelScale {
    /// The pitch of `hz`.
    #[must_use]
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            Self::Slaney if hz < 1000.0 => hz * 3.0 / 200.0,
            Self::Slaney => 15.0 + 27.0 * (hz / 1000.0).ln() / 6.4f64.ln(),
            Self::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
        }
    }

    /// The frequency in Hz of a pitch.
    #[must_use]
    pub fn hz(self, mel: f64) -> f64 {
        match self {
            Self::Slaney if mel < 15.0 => mel * 200.0 / 3.0,
            Self::Slaney => 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp(),
            Self::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
        }
    }
}

/// Settings of [`MelFilterBank`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MelConfig {
    /// Number of bands, 1 to 1000. Default 40.
    pub bands: usize,
    /// Lower edge of the first band in Hz, at least 0. Default 0.
    pub low_hz: f64,
    /// Upper edge of the last band in Hz; `None`, the default, is half the sampling rate.
    pub high_hz: Option<f64>,
    /// The scale on which the bands are equally wide. Default [`MelScale::Slaney`].
    pub scale: MelScale,
    /// Whether each triangle has the area 1 (librosa's default) or the peak 1 (HTK, Kaldi). Default true.
    pub unit_area: bool,
}

impl Default for MelConfig {
    fn default() -> Self {
        Self { bands: 40, low_hz: 0.0, high_hz: None, scale: MelScale::Slaney, unit_area: true }
    }
}

impl MelConfig {
    /// Sets [`bands`](Self::bands).
    #[must_use]
    pub fn with_bands(self, bands: usize) -> Self {
        Self { bands, ..self }
    }
    /// Sets [`low_hz`](Self::low_hz).
    #[must_use]
    pub fn with_low_hz(self, low_hz: f64) -> Self {
        Self { low_hz, ..self }
    }
    /// Sets [`high_hz`](Self::high_hz).
    #[must_use]
    pub fn with_high_hz(self, high_hz: f64) -> Self {
        Self { high_hz: Some(high_hz), ..self }
    }
    /// Sets [`scale`](Self::scale).
    #[must_use]
    pub fn with_scale(self, scale: MelScale) -> Self {
        Self { scale, ..self }
    }
    /// Sets [`unit_area`](Self::unit_area).
    #[must_use]
    pub fn with_unit_area(self, unit_area: bool) -> Self {
        Self { unit_area, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=1000).contains(&self.bands) {
            return Err(Parameter::new("bands", self.bands as f64, "1 to 1000").into());
        }
        if !(self.low_hz.is_finite() && self.low_hz >= 0.0) {
            return Err(Parameter::new("low_hz", self.low_hz, "a frequency of at least 0 Hz").into());
        }
        match self.high_hz {
            Some(high) if !(high.is_finite() && high > self.low_hz) => {
                Err(Parameter::new("high_hz", high, "a frequency above low_hz").into())
            }
            _ => Ok(()),
        }
    }

    /// Computes the weights for spectra of `length`-sample frames at `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if the band edges exceed half the rate.
    pub fn build(&self, length: usize, rate: SampleRate) -> Result<MelFilterBank> {
        self.validate()?;
        let high = self.high_hz.unwrap_or(rate.nyquist_hz());
        if high > rate.nyquist_hz() || high <= self.low_hz {
            return Err(Parameter::new("high_hz", high, "above low_hz and at most half the sampling rate").into());
        }
        let (low, top) = (self.scale.mel(self.low_hz), self.scale.mel(high));
        let edge_hz = |i: usize| self.scale.hz(low + (top - low) * i as f64 / (self.bands + 1) as f64);
        Ok(MelFilterBank::of(self.bands, length / 2 + 1, |band, bin| {
            let (left, middle, right) = (edge_hz(band), edge_hz(band + 1), edge_hz(band + 2));
            let hz = bin as f64 * rate.hz() / length as f64;
            let norm = if self.unit_area { 2.0 / (right - left) } else { 1.0 };
            (((hz - left) / (middle - left)).min((right - hz) / (right - middle)).max(0.0) * norm) as f32
        }))
    }
}

/// Triangular filters that sum a power spectrum into bands as the ear does.
///
/// **Use it** before a logarithm as input of a model, or through [`Mfcc`](crate::Mfcc). **Not** where single harmonics
/// or formants matter: bands are wider than both.
///
/// # Formula
/// m_b = Σ_k w_b(k) P(k), w_b(k) rises from 0 at edge b to its peak at edge b + 1 and falls to 0 at edge b + 2; the edges
/// lie equally far apart on the [`MelScale`].
///
/// # Examples
/// ```
/// use eir_audio::{MelConfig, SampleRate};
/// let bank = MelConfig::default().build(512, SampleRate::new(16_000.0)?)?;
/// let mut bands = [0.0; 40];
/// bank.apply_into(&[1.0; 257], &mut bands)?;
/// assert!((bands[0] - 0.0312755).abs() < 1e-7); // librosa.filters.mel(...).sum(1)[0]
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Validation
/// Weights and mel spectra equal librosa 0.11.0 within 1e-5 of the largest value.
///
/// # References
/// Davis, Mermelstein 1980, doi:10.1109/TASSP.1980.1163420.
#[derive(Debug, Clone, PartialEq)]
pub struct MelFilterBank {
    bins: usize,
    /// The weights that are not 0, band after band.
    weights: Vec<f32>,
    /// First bin and number of weights of each band.
    bands: Vec<(usize, usize)>,
}

impl MelFilterBank {
    /// A bank whose weights are `weight(band, bin)`; each band's weights above 0 lie together.
    pub(crate) fn of(bands: usize, bins: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let mut weights = Vec::new();
        let ranges = (0..bands).map(|band| {
            let row: Vec<f32> = (0..bins).map(|bin| weight(band, bin)).collect();
            let first = row.iter().position(|w| *w > 0.0).unwrap_or(0);
            let count = row[first..].iter().take_while(|w| **w > 0.0).count();
            weights.extend_from_slice(&row[first..first + count]);
            (first, count)
        });
        let bands = ranges.collect();
        Self { bins, weights, bands }
    }

    /// Number of bands.
    #[must_use]
    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Sums `power` (half the frame's length and one) into `out` (one value per band); allocates nothing.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if a length is wrong.
    pub fn apply_into(&self, power: &[f32], out: &mut [f32]) -> Result<()> {
        Mismatch::check("spectrum for the filter bank", self.bins, power.len())?;
        Mismatch::check("row for the bands", self.bands.len(), out.len())?;
        let mut weights = self.weights.as_slice();
        for (out, (first, count)) in out.iter_mut().zip(&self.bands) {
            let (own, rest) = weights.split_at(*count);
            *out = own.iter().zip(&power[*first..]).map(|(w, p)| w * p).sum();
            weights = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_invert() {
        for scale in [MelScale::Slaney, MelScale::Htk] {
            for hz in [0.0, 440.0, 1000.0, 7999.0] {
                assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-9, "{scale:?} {hz}");
            }
        }
        assert!((MelScale::Htk.mel(1000.0) - 999.98554).abs() < 1e-4);
    }

    #[test]
    fn edges_are_checked() {
        let rate = SampleRate::new(8000.0).unwrap();
        assert!(MelConfig::default().with_high_hz(4001.0).build(256, rate).is_err());
        assert!(MelConfig::default().with_bands(0).validate().is_err());
        // more bands than bins: empty ones give 0, as in librosa
        let bank = MelConfig::default().with_bands(200).build(64, rate).unwrap();
        let mut out = [1.0; 200];
        bank.apply_into(&[1.0; 33], &mut out).unwrap();
        assert!(out.contains(&0.0) && out.iter().all(|v| v.is_finite()));
    }
}
