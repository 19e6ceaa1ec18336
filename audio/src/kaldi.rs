//! Filter-bank features and MFCC as Kaldi computes them.

use crate::mfcc::{apply, cosine_transform};
use crate::{FrameTable, MelFilterBank, Result};
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};
use realfft::num_complex::Complex64;
use realfft::{RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Logarithmic filter-bank energies with the defaults of [`KaldiConfig`].
///
/// # Errors
/// As [`Kaldi::transform`].
pub fn kaldi_fbank(samples: &[f32], rate: SampleRate) -> Result<FrameTable> {
    KaldiConfig::default().build(rate)?.transform(samples)
}

/// Settings of [`Kaldi`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KaldiConfig {
    /// Seconds of a frame. Default 0.025.
    pub length_s: f64,
    /// Seconds from frame to frame. Default 0.01.
    pub hop_s: f64,
    /// Number of mel bands, 3 to 1000. Default 40.
    pub bands: usize,
    /// Lower edge of the bands in Hz. Default 20.
    pub low_hz: f64,
    /// Upper edge of the bands in Hz; 0 (default) or below is counted from half the sampling rate.
    pub high_hz: f64,
    /// Cepstral coefficients; `None`, the default, gives the bands themselves.
    pub coefficients: Option<usize>,
    /// Pre-emphasis, 0 to 1. Default 0.97.
    pub emphasis: f64,
}

impl Default for KaldiConfig {
    fn default() -> Self {
        Self { length_s: 0.025, hop_s: 0.01, bands: 40, low_hz: 20.0, high_hz: 0.0, coefficients: None, emphasis: 0.97 }
    }
}

/// Kaldi works on samples in 16-bit units.
const FULL_SCALE: f64 = 32768.0;
const LIFTER: f64 = 22.0;

/// Kaldi's mel scale.
fn mel(hz: f64) -> f64 {
    1127.0 * (1.0 + hz / 700.0).ln()
}

/// Kaldi's window, in single precision as there: at its edges the rounding is larger than the spectrum of a clear vowel.
fn povey(index: usize, length: usize) -> f32 {
    let turn = index as f32 * (std::f64::consts::TAU / (length - 1) as f64) as f32;
    (0.5 - 0.5 * turn.cos()).powf(0.85)
}

impl KaldiConfig {
    /// Sets [`length_s`](Self::length_s).
    #[must_use]
    pub fn with_length_s(self, length_s: f64) -> Self {
        Self { length_s, ..self }
    }
    /// Sets [`hop_s`](Self::hop_s).
    #[must_use]
    pub fn with_hop_s(self, hop_s: f64) -> Self {
        Self { hop_s, ..self }
    }
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
        Self { high_hz, ..self }
    }
    /// Sets [`coefficients`](Self::coefficients).
    #[must_use]
    pub fn with_coefficients(self, coefficients: usize) -> Self {
        Self { coefficients: Some(coefficients), ..self }
    }
    /// Sets [`emphasis`](Self::emphasis).
    #[must_use]
    pub fn with_emphasis(self, emphasis: f64) -> Self {
        Self { emphasis, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let fail = |name, value, rule| Err(Parameter::new(name, value, rule).into());
        if !(1e-4..=10.0).contains(&self.length_s) {
            return fail("length_s", self.length_s, "0.0001 to 10 s");
        }
        if !(1e-4..=10.0).contains(&self.hop_s) {
            return fail("hop_s", self.hop_s, "0.0001 to 10 s");
        }
        if !(3..=1000).contains(&self.bands) {
            return fail("bands", self.bands as f64, "3 to 1000");
        }
        if !(0.0..=1.0).contains(&self.emphasis) {
            return fail("emphasis", self.emphasis, "0 to 1");
        }
        match self.coefficients {
            Some(n) if n == 0 || n > self.bands => fail("coefficients", n as f64, "1 to the number of bands"),
            _ => Ok(()),
        }
    }

    /// Plans the transforms for recordings at `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if frames or band edges do not fit the rate.
    pub fn build(self, rate: SampleRate) -> Result<Kaldi> {
        self.validate()?;
        let samples = |s: f64| (s * 1000.0 * rate.hz() * 0.001) as usize;
        let (length, hop) = (samples(self.length_s), samples(self.hop_s));
        if length < 2 || hop == 0 || length > 1 << 20 {
            return Err(Parameter::new("length_s", self.length_s, "2 to 1048576 samples at this rate").into());
        }
        let size = length.next_power_of_two();
        let high = if self.high_hz > 0.0 { self.high_hz } else { rate.nyquist_hz() + self.high_hz };
        if !(self.low_hz >= 0.0 && self.low_hz < high && high <= rate.nyquist_hz()) {
            return Err(Parameter::new("high_hz", high, "above low_hz and at most half the sampling rate").into());
        }
        // in single precision as Kaldi, which shows where a loud frequency lies at a band's very edge
        let (low, step) = (mel(self.low_hz), (mel(high) - mel(self.low_hz)) / (self.bands + 1) as f64);
        let edge = |i: usize| low as f32 + i as f32 * step as f32;
        let bin_hz = (rate.hz() / size as f64) as f32;
        let bank = MelFilterBank::of(self.bands, size / 2 + 1, |band, bin| {
            let (left, middle, right) = (edge(band), edge(band + 1), edge(band + 2));
            let place = 1127.0 * (1.0 + bin_hz * bin as f32 / 700.0).ln();
            ((place - left) / (middle - left)).min((right - place) / (right - middle)).max(0.0)
        });
        let cosines = self.coefficients.map(|n| {
            cosine_transform(n, self.bands, true, |k| {
                1.0 + LIFTER / 2.0 * (std::f64::consts::PI * k as f64 / LIFTER).sin()
            })
        });
        let fft = RealFftPlanner::new().plan_fft_forward(size);
        Ok(Kaldi {
            rate,
            length,
            hop,
            window: (0..length).map(|i| povey(i, length)).collect(),
            bank,
            cosines,
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; size / 2 + 1],
            bands: vec![0.0; self.bands],
            fft,
            config: self,
        })
    }
}

/// Filter-bank energies or MFCC, equal to Kaldi's without dither.
///
/// **Use it** to feed a model that was trained on Kaldi's or torchaudio's features. **Not** otherwise:
/// [`Mfcc`](crate::Mfcc) has no hidden scale of the samples.
///
/// # Formula
/// Each frame: subtract the mean, x(n) − 0.97 x(n − 1), Povey window, power spectrum of the next power of two, triangles on
/// 1127 ln(1 + f/700), ln; with `coefficients`, orthonormal cosine transform and lifter 22.
///
/// # Examples
/// ```
/// use eir_audio::{KaldiConfig, SampleRate};
/// let rate = SampleRate::new(16_000.0)?;
/// let tone: Vec<f32> = (0..16_000).map(|i| 0.1 * (i as f32 * 0.3).sin()).collect();
/// let mfcc = KaldiConfig::default().with_bands(23).with_coefficients(13).build(rate)?.transform(&tone)?;
/// assert_eq!((mfcc.len(), mfcc.width), (98, 13));
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`transform`](Self::transform).
///
/// # Validation
/// Equals torchaudio 2.11.0 `compliance.kaldi.fbank` and `mfcc` with dither 0 within 1e-3 on the reference records.
///
/// # References
/// Povey et al. 2011, The Kaldi Speech Recognition Toolkit, ASRU.
pub struct Kaldi {
    config: KaldiConfig,
    rate: SampleRate,
    length: usize,
    hop: usize,
    window: Vec<f32>,
    bank: MelFilterBank,
    cosines: Option<Vec<f32>>,
    fft: Arc<dyn RealToComplex<f64>>,
    frame: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
    power: Vec<f32>,
    bands: Vec<f32>,
}

impl std::fmt::Debug for Kaldi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kaldi").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Kaldi {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &KaldiConfig {
        &self.config
    }

    /// The features of each frame that lies wholly in the recording.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) where there is no whole frame,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number, or so large that its square is none.
    pub fn transform(&mut self, samples: &[f32]) -> Result<FrameTable> {
        let mut table = FrameTable::default();
        self.transform_into(samples, &mut table)?;
        Ok(table)
    }

    /// As [`transform`](Self::transform), into a table of the caller's, whose memory is used again.
    ///
    /// # Errors
    /// As `transform`.
    pub fn transform_into(&mut self, samples: &[f32], table: &mut FrameTable) -> Result<()> {
        NotFinite::check_f32("sample", samples)?;
        if samples.len() < self.length {
            return Err(TooShort::new("samples", samples.len(), self.length).into());
        }
        let frames = 1 + (samples.len() - self.length) / self.hop;
        table.width = self.config.coefficients.unwrap_or(self.bands.len());
        (table.t1_s, table.step_s) = (self.length as f64 / 2.0 / self.rate.hz(), self.rate.seconds(self.hop));
        table.values.resize(frames * table.width, 0.0);
        let emphasis = self.config.emphasis as f32;
        let starts = samples.windows(self.length).step_by(self.hop);
        for (row, frame) in table.values.chunks_exact_mut(table.width).zip(starts) {
            let mean = frame.iter().map(|x| f64::from(*x)).sum::<f64>() / self.length as f64;
            self.frame.fill(0.0);
            let mean = mean as f32;
            let mut before = frame[0] - mean;
            for ((out, x), w) in self.frame.iter_mut().zip(frame).zip(&self.window) {
                let x = x - mean;
                *out = f64::from((x - emphasis * before) * w) * FULL_SCALE;
                before = x;
            }
            // the buffers were made by the plan, so their lengths are right
            let _ = self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch);
            self.power.iter_mut().zip(&self.spectrum).for_each(|(p, x)| *p = x.norm_sqr() as f32);
            self.bank.apply_into(&self.power, &mut self.bands)?;
            // samples so large that their squares overflow
            NotFinite::check_f32("mel band", &self.bands)?;
            self.bands.iter_mut().for_each(|b| *b = b.max(f32::EPSILON).ln());
            match &self.cosines {
                Some(cosines) => apply(cosines, &self.bands, row),
                None => row.copy_from_slice(&self.bands),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_has_the_floor_and_short_sounds_an_error() {
        let rate = SampleRate::new(8000.0).unwrap();
        let table = kaldi_fbank(&[0.0; 8000], rate).unwrap();
        assert_eq!((table.len(), table.width), (98, 40));
        assert!(table.values.iter().all(|v| *v == f32::EPSILON.ln()));
        assert!(kaldi_fbank(&[0.0; 100], rate).is_err());
        assert!(KaldiConfig::default().with_coefficients(41).build(rate).is_err());
    }
}
