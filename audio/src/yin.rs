//! Fundamental frequency by YIN.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};
use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The fundamental frequency of every frame with the defaults of [`YinConfig`].
///
/// # Errors
/// As [`Yin::track`].
pub fn yin(samples: &[f32], rate: SampleRate) -> Result<Vec<f64>> {
    YinConfig::default().with_hop(rate.samples(0.01).max(1)).build(rate)?.track(samples)
}

/// Settings of [`Yin`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct YinConfig {
    /// Lowest frequency in Hz, above 0. Default 65.
    pub low_hz: f64,
    /// Highest frequency in Hz. Default 600.
    pub high_hz: f64,
    /// Samples of a frame: more than two periods of `low_hz`, at most 2²⁰. Default 1024.
    pub length: usize,
    /// Samples from frame to frame, at least 1. Default 160.
    pub hop: usize,
    /// Difference below which a period is taken at once, 0 to 1. Default 0.1.
    pub threshold: f64,
}

impl Default for YinConfig {
    fn default() -> Self {
        Self { low_hz: 65.0, high_hz: 600.0, length: 1024, hop: 160, threshold: 0.1 }
    }
}

impl YinConfig {
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
    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let fail = |name, value, rule| Err(Parameter::new(name, value, rule).into());
        if !(self.low_hz.is_finite() && self.low_hz > 0.0) {
            return fail("low_hz", self.low_hz, "a frequency above 0 Hz");
        }
        if !(self.high_hz.is_finite() && self.high_hz > self.low_hz) {
            return fail("high_hz", self.high_hz, "a frequency above low_hz");
        }
        if !(4..=1 << 20).contains(&self.length) {
            return fail("length", self.length as f64, "4 to 1048576 samples");
        }
        if self.hop == 0 {
            return fail("hop", 0.0, "at least 1 sample");
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return fail("threshold", self.threshold, "0 to 1");
        }
        Ok(())
    }

    /// Plans the transforms for recordings at `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if no period between the limits fits into a frame.
    pub fn build(self, rate: SampleRate) -> Result<Yin> {
        self.validate()?;
        let shortest = (rate.hz() / self.high_hz).floor() as usize;
        let longest = ((rate.hz() / self.low_hz).ceil() as usize).min(self.length - 1);
        if shortest == 0 || longest < shortest + 2 {
            return Err(
                Parameter::new("high_hz", self.high_hz, "further from low_hz and below the sampling rate").into()
            );
        }
        let size = (self.length + longest).next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let scratch = forward.get_scratch_len().max(back.get_scratch_len());
        Ok(Yin {
            rate,
            shortest,
            longest,
            frame: vec![0.0; self.length],
            padded: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            scratch: vec![Complex64::default(); scratch],
            difference: vec![0.0; longest + 1],
            forward,
            back,
            config: self,
        })
    }
}

/// Tracks the fundamental frequency by YIN: the shortest lag at which the sound differs little from itself.
///
/// **Use it** where every frame needs a frequency at once, as in a live display. **Not** to decide what is voiced: it
/// has no such decision, and where there is no period it sticks to its limits; [`PitchTracker`](crate::PitchTracker) decides.
///
/// # Formula
/// d(τ) = Σ (x(n) − x(n + τ))², d′(τ) = d(τ) τ / Σ_{j ≤ τ} d(j); the period is the first minimum of d′ below the threshold, else
/// the least, refined by a parabola. Frame `i` has its middle at sample `i · hop`.
///
/// # Examples
/// ```
/// use eir_audio::{SampleRate, yin};
/// let rate = SampleRate::new(16_000.0)?;
/// let tone: Vec<f32> = (0..16_000).map(|i| (std::f32::consts::TAU * 220.0 * i as f32 / 16_000.0).sin()).collect();
/// let f0_hz = yin(&tone, rate)?;
/// assert!((f0_hz[50] - 220.23).abs() < 0.01); // the window's end biases it: librosa 0.11.0 gives the same
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`track`](Self::track).
///
/// # Validation
/// Equals librosa 0.11.0 `yin` within 1e-4 relative on the reference records.
///
/// # References
/// de Cheveigné, Kawahara 2002, doi:10.1121/1.1458024.
pub struct Yin {
    config: YinConfig,
    rate: SampleRate,
    shortest: usize,
    longest: usize,
    frame: Vec<f64>,
    padded: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
    difference: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    back: Arc<dyn ComplexToReal<f64>>,
}

impl std::fmt::Debug for Yin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Yin").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Yin {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &YinConfig {
        &self.config
    }

    /// The frequency of each frame in Hz.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) without samples,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    pub fn track(&mut self, samples: &[f32]) -> Result<Vec<f64>> {
        let mut f0_hz = Vec::new();
        self.track_into(samples, &mut f0_hz)?;
        Ok(f0_hz)
    }

    /// As [`track`](Self::track), into a vector of the caller's, whose memory is used again.
    ///
    /// # Errors
    /// As `track`.
    pub fn track_into(&mut self, samples: &[f32], f0_hz: &mut Vec<f64>) -> Result<()> {
        NotFinite::check_f32("sample", samples)?;
        let (length, half) = (self.config.length, self.config.length / 2);
        if samples.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        f0_hz.clear();
        for index in 0..=(samples.len() + 2 * half - length) / self.config.hop {
            let start = index * self.config.hop;
            let (before, from) = (half.saturating_sub(start), start.saturating_sub(half));
            self.frame.fill(0.0);
            let inside = samples.get(from..).unwrap_or_default();
            self.frame[before.min(length)..].iter_mut().zip(inside).for_each(|(out, x)| *out = f64::from(*x));
            f0_hz.push(self.rate.hz() / self.period());
        }
        Ok(())
    }

    /// The period of the frame in samples.
    fn period(&mut self) -> f64 {
        self.padded[..self.frame.len()].copy_from_slice(&self.frame);
        self.padded[self.frame.len()..].fill(0.0);
        // the buffers were made by the plans, so their lengths are right
        let _ = self.forward.process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch);
        self.spectrum.iter_mut().for_each(|x| *x = Complex64::new(x.norm_sqr(), 0.0));
        let _ = self.back.process_with_scratch(&mut self.spectrum, &mut self.padded, &mut self.scratch);
        let scale = 1.0 / self.padded.len() as f64;
        let (mut energy, mut sum) = (0.0, 0.0);
        for lag in 1..=self.longest {
            // as librosa, the first lag has no energy subtracted: it only weighs in the mean that follows
            let known = if lag == 1 { 0.0 } else { energy + self.frame[lag - 1].powi(2) };
            energy += self.frame[lag - 1].powi(2);
            let d = 2.0 * (self.padded[0] - self.padded[lag]) * scale - known;
            sum += d;
            self.difference[lag] = d / (sum / lag as f64 + f64::MIN_POSITIVE);
        }
        let d = &self.difference[self.shortest..];
        let last = d.len() - 1;
        let trough = |i: usize| match i {
            0 => d[0] < d[1],
            _ if i == last => d[i] < d[i - 1],
            _ => d[i] < d[i - 1] && d[i] <= d[i + 1],
        };
        let first = (0..d.len()).find(|i| d[*i] < self.config.threshold && trough(*i));
        let place = first.unwrap_or_else(|| (0..d.len()).fold(0, |best, i| if d[i] < d[best] { i } else { best }));
        let offset = if place == 0 || place == last {
            0.0
        } else {
            let (bend, slope) = (d[place + 1] + d[place - 1] - 2.0 * d[place], (d[place + 1] - d[place - 1]) / 2.0);
            if slope.abs() >= bend.abs() { 0.0 } else { -slope / bend }
        };
        (self.shortest + place) as f64 + offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_glide_and_survives_silence() {
        let rate = SampleRate::new(8000.0).unwrap();
        let mut phase = 0.0f64;
        let glide: Vec<f32> = (0..16_000)
            .map(|i| {
                phase += std::f64::consts::TAU * (100.0 + f64::from(i) / 80.0) / 8000.0;
                phase.sin() as f32
            })
            .collect();
        let f0 = yin(&glide, rate).unwrap();
        assert!((f0[100] - 200.0).abs() < 2.0, "{}", f0[100]);
        assert!(yin(&[0.0; 10], rate).unwrap().iter().all(|f| f.is_finite()));
        assert!(YinConfig::default().with_high_hz(66.0).build(SampleRate::new(100.0).unwrap()).is_err());
    }
}
