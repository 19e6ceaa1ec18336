//! Framing and the short-time Fourier transform.

use crate::{FrameTable, Result};
use eir_core::SampleRate;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort};
use num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The power spectrogram of `samples` with the defaults for `rate`: 32 ms Hann frames every 10 ms.
///
/// # Errors
/// As [`Stft::power`].
pub fn spectrogram(samples: &[f32], rate: SampleRate) -> Result<FrameTable> {
    StftConfig::for_rate(rate).build()?.power(samples, rate)
}

/// The shape of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Window {
    /// Half a cosine period above zero, periodic: what spectrograms are made with.
    #[default]
    Hann,
    /// 0.54 − 0.46 cos, symmetric, as speech features are made with.
    Hamming,
    /// Ones.
    Rectangular,
}

impl Window {
    /// The `length` weights of the window.
    #[must_use]
    pub fn weights(self, length: usize) -> Vec<f64> {
        let n = length as f64;
        let turn = |i: usize, over: f64| (std::f64::consts::TAU * i as f64 / over.max(1.0)).cos();
        (0..length)
            .map(|i| match self {
                Self::Hann => 0.5 - 0.5 * turn(i, n),
                Self::Hamming => 0.54 - 0.46 * turn(i, n - 1.0),
                Self::Rectangular => 1.0,
            })
            .collect()
    }
}

/// Settings of [`Stft`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StftConfig {
    /// Samples of a frame: 2 to 2²⁰, any number. Default 512.
    pub length: usize,
    /// Samples from frame to frame, at least 1. Default 160.
    pub hop: usize,
    /// The window over each frame. Default [`Window::Hann`].
    pub window: Window,
    /// Whether frame `i` has its middle at sample `i · hop` (half a frame of zeros is put before and after, as librosa
    /// does) or its start. Default true.
    pub centred: bool,
}

impl Default for StftConfig {
    fn default() -> Self {
        Self { length: 512, hop: 160, window: Window::Hann, centred: true }
    }
}

impl StftConfig {
    /// Frames of the power of two samples nearest to 32 ms (512 at 16 kHz), every 10 ms.
    #[must_use]
    pub fn for_rate(rate: SampleRate) -> Self {
        let power = (rate.hz() * 0.032).log2().round().clamp(4.0, 20.0) as u32;
        Self { length: 1 << power, hop: rate.samples(0.01).max(1), ..Self::default() }
    }
    /// Sets [`length`](Self::length).
    #[must_use]
    pub fn with_length(self, length: usize) -> Self {
        Self { length, ..self }
    }
    /// Sets [`hop`](Self::hop).
    #[must_use]
    pub fn with_hop(self, hop: usize) -> Self {
        Self { hop, ..self }
    }
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: Window) -> Self {
        Self { window, ..self }
    }
    /// Sets [`centred`](Self::centred).
    #[must_use]
    pub fn with_centred(self, centred: bool) -> Self {
        Self { centred, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(2..=1 << 20).contains(&self.length) {
            return Err(Parameter::new("length", self.length as f64, "2 to 1048576 samples").into());
        }
        if self.hop == 0 {
            return Err(Parameter::new("hop", 0.0, "at least 1 sample").into());
        }
        Ok(())
    }

    /// Plans the transform.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<Stft> {
        self.validate()?;
        let fft = RealFftPlanner::new().plan_fft_forward(self.length);
        Ok(Stft {
            window: self.window.weights(self.length).into_iter().map(|w| w as f32).collect(),
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            config: self,
        })
    }
}

/// The short-time Fourier transform: spectra of overlapping frames, planned once.
///
/// **Use it** for spectrograms and as the first step of [`Mfcc`](crate::Mfcc). **Not** for pitch: a frame that is long
/// enough to separate harmonics blurs them in time; [`PitchTracker`](crate::PitchTracker) works on the autocorrelation.
///
/// # Formula
/// X(t, k) = Σ_n w(n) x(t·hop + n) e^(−2πikn/N), n = 0 … N − 1, k = 0 … N/2.
///
/// # Examples
/// ```
/// use eir_audio::{SampleRate, StftConfig};
/// let rate = SampleRate::new(16_000.0)?;
/// let tone: Vec<f32> = (0..16_000).map(|i| (std::f32::consts::TAU * 1000.0 * i as f32 / 16_000.0).sin()).collect();
/// let power = StftConfig::for_rate(rate).build()?.power(&tone, rate)?;
/// assert_eq!((power.len(), power.width), (101, 257));
/// let loudest = (0..257).max_by(|a, b| power.row(50)[*a].total_cmp(&power.row(50)[*b]));
/// assert_eq!(loudest, Some(32)); // 32 · 16000 / 512 = 1000 Hz
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Validation
/// Equals librosa 0.11.0 `stft` within 1e-6 of its largest value (complex) on the reference record, for 8, 16 and
/// 22.05 kHz through the mel spectra that are made of it.
///
/// # References
/// Allen, Rabiner 1977, doi:10.1109/PROC.1977.10770.
#[derive(Clone)]
pub struct Stft {
    config: StftConfig,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl std::fmt::Debug for Stft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stft").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Stft {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &StftConfig {
        &self.config
    }

    /// Values of a spectrum: half the frame's length, and one.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.config.length / 2 + 1
    }

    /// Frames of a signal of `samples` samples.
    #[must_use]
    pub fn frames(&self, samples: usize) -> usize {
        let length = self.config.length;
        let padded = if self.config.centred { samples + length / 2 * 2 } else { samples };
        if samples == 0 || padded < length { 0 } else { 1 + (padded - length) / self.config.hop }
    }

    /// The spectrum of frame `index` of `samples`; `None` where there is no such frame. Allocates nothing.
    pub fn spectrum(&mut self, samples: &[f32], index: usize) -> Option<&[Complex32]> {
        if index >= self.frames(samples.len()) {
            return None;
        }
        let (length, start) = (self.config.length, index * self.config.hop);
        let before = if self.config.centred { (length / 2).saturating_sub(start).min(length) } else { 0 };
        let start = if self.config.centred { start.saturating_sub(length / 2) } else { start };
        let inside = samples.get(start..).unwrap_or_default();
        let inside = &inside[..inside.len().min(length - before)];
        self.frame[..before].fill(0.0);
        self.frame[before + inside.len()..].fill(0.0);
        let windowed = self.frame[before..].iter_mut().zip(&self.window[before..]).zip(inside);
        windowed.for_each(|((out, w), x)| *out = w * x);
        // the buffers were made by the plan, so their lengths are right
        self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch).ok()?;
        Some(&self.spectrum)
    }

    /// The power |X|² of each frame and frequency.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) where there is no whole frame,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number, or so large that its square is none.
    pub fn power(&mut self, samples: &[f32], rate: SampleRate) -> Result<FrameTable> {
        let mut table = FrameTable::default();
        self.power_into(samples, rate, &mut table)?;
        Ok(table)
    }

    /// As [`power`](Self::power), into a table of the caller's: allocates nothing once the table is large enough.
    ///
    /// # Errors
    /// As `power`.
    pub fn power_into(&mut self, samples: &[f32], rate: SampleRate, table: &mut FrameTable) -> Result<()> {
        let (frames, bins) = (self.check(samples)?, self.bins());
        self.stamp(rate, table);
        table.width = bins;
        table.values.resize(frames * bins, 0.0);
        for (index, row) in table.values.chunks_exact_mut(bins).enumerate() {
            self.power_frame_into(samples, index, row)?;
        }
        // samples so large that their squares overflow
        NotFinite::check_f32("power", &table.values)?;
        Ok(())
    }

    /// The power of frame `index` alone, into a row of [`bins`](Self::bins) values: for a live signal. Samples whose
    /// squares overflow give an infinity or NaN.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if the row has another length,
    /// [`Error::TooShort`](crate::Error::TooShort) where there is no such frame.
    pub fn power_frame_into(&mut self, samples: &[f32], index: usize, row: &mut [f32]) -> Result<()> {
        Mismatch::check("row for the bins", self.bins(), row.len())?;
        let missing = TooShort::new("frames", self.frames(samples.len()), index + 1);
        let spectrum = self.spectrum(samples, index).ok_or(missing)?;
        row.iter_mut().zip(spectrum).for_each(|(out, x)| *out = x.norm_sqr());
        Ok(())
    }

    /// The number of frames of samples that can be transformed.
    pub(crate) fn check(&self, samples: &[f32]) -> Result<usize> {
        NotFinite::check_f32("sample", samples)?;
        let frames = self.frames(samples.len());
        let needed = if self.config.centred { 1 } else { self.config.length };
        if frames == 0 { Err(TooShort::new("samples", samples.len(), needed).into()) } else { Ok(frames) }
    }

    /// Sets the times of a table.
    pub(crate) fn stamp(&self, rate: SampleRate, table: &mut FrameTable) {
        let middle = if self.config.centred { 0.0 } else { self.config.length as f64 / 2.0 / rate.hz() };
        (table.t1_s, table.step_s) = (middle, rate.seconds(self.config.hop));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> SampleRate {
        SampleRate::new(1000.0).unwrap()
    }

    #[test]
    fn an_impulse_is_flat_and_odd_lengths_work() {
        for length in [2, 3, 7, 100, 101, 257] {
            let config = StftConfig::default().with_length(length).with_hop(3).with_window(Window::Rectangular);
            let mut x = vec![0.0; 50];
            x[0] = 2.0;
            let power = config.build().unwrap().power(&x, rate()).unwrap();
            assert!(power.row(0).iter().all(|p| (p - 4.0).abs() < 1e-4), "{length}: {:?}", power.row(0));
        }
    }

    #[test]
    fn centred_frames_start_half_a_frame_earlier() {
        let x: Vec<f32> = (0..400).map(|i| (i as f32 * 0.7).sin()).collect();
        let config = StftConfig::default().with_length(64).with_hop(16);
        let centred = config.clone().build().unwrap().power(&x, rate()).unwrap();
        let plain = config.with_centred(false).build().unwrap().power(&x, rate()).unwrap();
        assert_eq!((centred.len(), plain.len()), (26, 22));
        assert_eq!(centred.row(2), plain.row(0));
        assert_eq!(centred.time_s(2), plain.time_s(0));
    }

    #[test]
    fn says_what_is_wrong() {
        let mut stft = StftConfig::default().with_centred(false).build().unwrap();
        assert_eq!(stft.power(&[0.0; 5], rate()).unwrap_err().to_string(), "samples: 5 given, at least 512 needed");
        assert!(stft.power(&[f32::NAN; 600], rate()).is_err());
        assert!(StftConfig::default().with_hop(0).build().is_err());
    }
}
