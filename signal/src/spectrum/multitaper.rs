//! Thomson's multitaper spectrum.

use super::segment::{Detrend, finite, frequencies_hz};
use super::{PowerSpectrum, RealFft};
use crate::window::{Slepian, dpss};
use crate::{Result, window::LONGEST};
use eir_core::SampleRate;
use eir_core::error::{Mismatch, Parameter};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// Rounds and relative change after which adaptive weights are settled.
const ROUNDS: usize = 200;
const SETTLED: f64 = 1e-12;

/// The density of `x` with seven tapers of time-bandwidth product 4.
///
/// # Errors
/// As [`MultitaperConfig::plan`] and [`Multitaper::power`].
pub fn multitaper(x: &[f64], rate: SampleRate) -> Result<PowerSpectrum> {
    MultitaperConfig::default().plan(x.len(), rate)?.power(x)
}

/// How the spectra of the tapers become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TaperWeights {
    /// Each counts the same.
    #[default]
    Equal,
    /// Each counts by the energy that it keeps in its band.
    Concentration,
    /// At each frequency by how much of it is leakage, after Thomson: for spectra over many decades.
    Adaptive,
}

/// Settings of [`Multitaper`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MultitaperConfig {
    /// Time-bandwidth product NW, above 0 and below half the samples: a peak is `±NW f_s/n` wide. Default 4.
    pub half_bandwidth: f64,
    /// Number of tapers, at least 1. Default 7, one less than `2 NW`.
    pub tapers: usize,
    /// Weights. Default [`TaperWeights::Equal`].
    pub weights: TaperWeights,
    /// What is subtracted first. Default [`Detrend::Constant`].
    pub detrend: Detrend,
    /// Length of the transform, at least the signal's. Default none: the signal's.
    pub fft_length: Option<usize>,
}

impl Default for MultitaperConfig {
    fn default() -> Self {
        Self {
            half_bandwidth: 4.0,
            tapers: 7,
            weights: TaperWeights::Equal,
            detrend: Detrend::Constant,
            fft_length: None,
        }
    }
}

impl MultitaperConfig {
    /// Sets [`half_bandwidth`](Self::half_bandwidth).
    #[must_use]
    pub fn with_half_bandwidth(self, half_bandwidth: f64) -> Self {
        Self { half_bandwidth, ..self }
    }

    /// Sets [`tapers`](Self::tapers).
    #[must_use]
    pub fn with_tapers(self, tapers: usize) -> Self {
        Self { tapers, ..self }
    }

    /// Sets [`weights`](Self::weights).
    #[must_use]
    pub fn with_weights(self, weights: TaperWeights) -> Self {
        Self { weights, ..self }
    }

    /// Sets [`detrend`](Self::detrend).
    #[must_use]
    pub fn with_detrend(self, detrend: Detrend) -> Self {
        Self { detrend, ..self }
    }

    /// Sets [`fft_length`](Self::fft_length).
    #[must_use]
    pub fn with_fft_length(self, fft_length: usize) -> Self {
        Self { fft_length: Some(fft_length), ..self }
    }

    /// Checks the settings that do not depend on the signal's length.
    ///
    /// # Errors
    /// [`Parameter`] names the first that is out of its range.
    pub fn validate(&self) -> Result<()> {
        if !(self.half_bandwidth > 0.0 && self.half_bandwidth.is_finite()) {
            return Err(Parameter::new("half_bandwidth", self.half_bandwidth, "above 0 and finite").into());
        }
        if self.tapers == 0 {
            return Err(Parameter::new("tapers", 0.0, "at least 1").into());
        }
        Ok(())
    }

    /// Computes the tapers for signals of `length` samples: the work of several spectra, done once.
    ///
    /// # Errors
    /// As [`validate`](Self::validate) and [`dpss`]; [`Parameter`] if the transform is shorter than the signal.
    pub fn plan(self, length: usize, rate: SampleRate) -> Result<Multitaper> {
        self.validate()?;
        let tapers = dpss(length, self.half_bandwidth, self.tapers)?;
        let fft_length = self.fft_length.unwrap_or(length);
        if !(length..=LONGEST).contains(&fft_length) {
            return Err(Parameter::new("fft_length", fft_length as f64, "at least the signal and at most 2^27").into());
        }
        Ok(Multitaper { config: self, length, tapers, fft: RealFft::new(fft_length)?, rate })
    }
}

/// Thomson's multitaper spectrum, ready to use.
///
/// **Use it** on short signals, where cutting them into Welch's segments would cost the resolution that is needed: its
/// tapers are orthogonal, so that each gives a nearly independent spectrum of all the data. **Not** to tell two tones
/// apart that are closer than `2 NW f_s/n`.
///
/// # Formula
/// `P = Σ_k w_k s |Σ_n v_k[n] x[n] exp(-2πi fn)|² / (f_s Σ_k w_k)` with the tapers `v_k` of [`dpss`] and `s = 2` but at
/// 0 Hz and half the rate; adaptive weights solve `w_k = λ_k P²/(λ_k P + (1 - λ_k) σ²)²` at each frequency.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::multitaper;
/// let rate = eir_core::SampleRate::new(4.0)?;
/// let x: Vec<f64> = (0..480).map(|i| (std::f64::consts::TAU * 0.25 * f64::from(i) / 4.0).sin()).collect();
/// let found = multitaper(&x, rate)?;
/// assert!((found.band_power(0.2, 0.3)? - 0.5).abs() < 0.01);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// With equal weights equal to NumPy on SciPy's tapers within 1e-8 on all RR series of the golden set.
///
/// # References
/// Thomson 1982, doi:10.1109/PROC.1982.12433; Percival, Walden 1993, doi:10.1017/CBO9780511622762.
#[derive(Debug, Clone)]
pub struct Multitaper {
    config: MultitaperConfig,
    length: usize,
    tapers: Slepian,
    fft: RealFft,
    rate: SampleRate,
}

impl Multitaper {
    /// The density of `x`.
    ///
    /// # Errors
    /// [`Mismatch`] if `x` has another length than planned, [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn power(&self, x: &[f64]) -> Result<PowerSpectrum> {
        Mismatch::check("samples", self.length, x.len())?;
        finite(x)?;
        let mut level = x.to_vec();
        self.config.detrend.apply(&mut level);
        let zero = Complex64::default();
        let (mut bins, mut room) = (vec![zero; self.fft.bins()], vec![zero; self.fft.room()]);
        let spectra: Vec<Vec<f64>> = self
            .tapers
            .tapers()
            .iter()
            .map(|taper| {
                self.fft.pack_windowed(&level, taper, |_| 0.0, &mut room);
                self.fft.transform(&mut bins, &mut room);
                bins.iter().map(|b| b.norm_sqr() / self.rate.hz()).collect()
            })
            .collect();
        let concentrations = self.tapers.concentrations();
        let mut power = match self.config.weights {
            TaperWeights::Equal => average(&spectra, &vec![1.0; spectra.len()]),
            TaperWeights::Concentration => average(&spectra, concentrations),
            TaperWeights::Adaptive => {
                let variance = level.iter().map(|v| v * v).sum::<f64>() / level.len() as f64 / self.rate.hz();
                adaptive(&spectra, concentrations, variance)
            }
        };
        super::segment::both_sides(&mut power, self.fft.length());
        Ok(PowerSpectrum::new(frequencies_hz(self.fft.length(), self.rate.hz()), power))
    }
}

fn average(spectra: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mut power = vec![0.0; spectra.first().map_or(0, Vec::len)];
    for (spectrum, weight) in spectra.iter().zip(weights) {
        power.iter_mut().zip(spectrum).for_each(|(p, s)| *p += weight * s);
    }
    power.iter_mut().for_each(|p| *p /= total);
    power
}

/// Thomson's weights, by iteration from the mean of the first two tapers; `variance` is the two-sided density of white
/// noise of the signal's power.
fn adaptive(spectra: &[Vec<f64>], concentrations: &[f64], variance: f64) -> Vec<f64> {
    let start = average(&spectra[..spectra.len().min(2)], &vec![1.0; spectra.len().min(2)]);
    let at = |bin: usize, first: f64| {
        let mut power = first;
        for _ in 0..ROUNDS {
            let (mut sum, mut total) = (0.0, 0.0);
            for (spectrum, l) in spectra.iter().zip(concentrations) {
                let denominator = l * power + (1.0 - l) * variance;
                let weight = if denominator > 0.0 { l * (power / denominator).powi(2) } else { 0.0 };
                sum += weight * spectrum[bin];
                total += weight;
            }
            let next = if total > 0.0 { sum / total } else { 0.0 };
            let change = (next - power).abs();
            power = next;
            if change <= SETTLED * power {
                break;
            }
        }
        power
    };
    start.iter().enumerate().map(|(bin, first)| at(bin, *first)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_its_power_with_any_weights() {
        let rate = SampleRate::new(10.0).unwrap();
        let x: Vec<f64> = (0..1001u32)
            .map(|i| f64::from(i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24))
            .collect();
        let mean = x.iter().sum::<f64>() / 1001.0;
        let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 1001.0;
        for weights in [TaperWeights::Equal, TaperWeights::Concentration, TaperWeights::Adaptive] {
            let config = MultitaperConfig::default().with_weights(weights);
            let power = config.plan(x.len(), rate).unwrap().power(&x).unwrap().total_power();
            assert!((power / variance - 1.0).abs() < 0.03, "{weights:?} {power} {variance}");
        }
    }

    #[test]
    fn odd_inputs() {
        let rate = SampleRate::new(1.0).unwrap();
        assert!(multitaper(&[], rate).is_err());
        assert!(multitaper(&[1.0; 5], rate).is_err()); // fewer samples than a bandwidth of 4 needs
        assert!(multitaper(&[f64::NAN; 50], rate).is_err());
        assert!(MultitaperConfig::default().with_tapers(0).validate().is_err());
        assert!(MultitaperConfig::default().with_half_bandwidth(f64::NAN).validate().is_err());
        let adaptive = MultitaperConfig::default().with_weights(TaperWeights::Adaptive).plan(50, rate).unwrap();
        assert!(adaptive.power(&[4.0; 50]).unwrap().power.iter().all(|p| *p == 0.0));
        assert!(adaptive.power(&[4.0; 51]).is_err());
    }
}
