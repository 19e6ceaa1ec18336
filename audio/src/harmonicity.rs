//! Harmonics-to-noise ratio.

use crate::pitch::{PitchConfig, PitchMethod, PitchTracker, Shape};
use crate::{Pitch, Result};
use eir_core::SampleRate;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The harmonics-to-noise ratio of `samples` with the defaults of [`HarmonicityConfig`].
///
/// # Errors
/// As [`HarmonicityMeter::measure`].
pub fn harmonicity(samples: &[f32], rate: SampleRate) -> Result<Harmonicity> {
    HarmonicityConfig::default().build(rate)?.measure(samples)
}

/// Settings of [`HarmonicityMeter`]; the defaults are Praat's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HarmonicityConfig {
    /// The method. Default [`PitchMethod::CrossCorrelation`]: sharper in time, and right up to 60 dB.
    pub method: PitchMethod,
    /// Seconds between frames. Default 0.01.
    pub step_s: f64,
    /// Lowest fundamental frequency in Hz. Default 75.
    pub floor_hz: f64,
    /// Frames whose peak is below this part of the recording's have no ratio, 0 to 1. Default 0.1.
    pub silence_threshold: f64,
    /// Periods of the floor in a frame; `None`, the default, is 1 for cross-correlation and 4.5 for autocorrelation.
    pub periods: Option<f64>,
}

impl Default for HarmonicityConfig {
    fn default() -> Self {
        let method = PitchMethod::CrossCorrelation;
        Self { method, step_s: 0.01, floor_hz: 75.0, silence_threshold: 0.1, periods: None }
    }
}

impl HarmonicityConfig {
    /// Sets [`method`](Self::method).
    #[must_use]
    pub fn with_method(self, method: PitchMethod) -> Self {
        Self { method, ..self }
    }
    /// Sets [`step_s`](Self::step_s).
    #[must_use]
    pub fn with_step_s(self, step_s: f64) -> Self {
        Self { step_s, ..self }
    }
    /// Sets [`floor_hz`](Self::floor_hz).
    #[must_use]
    pub fn with_floor_hz(self, floor_hz: f64) -> Self {
        Self { floor_hz, ..self }
    }
    /// Sets [`silence_threshold`](Self::silence_threshold).
    #[must_use]
    pub fn with_silence_threshold(self, silence_threshold: f64) -> Self {
        Self { silence_threshold, ..self }
    }
    /// Sets [`periods`](Self::periods).
    #[must_use]
    pub fn with_periods(self, periods: f64) -> Self {
        Self { periods: Some(periods), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if let Some(periods) = self.periods.filter(|p| !(1.0..=100.0).contains(p)) {
            return Err(Parameter::new("periods", periods, "1 to 100").into());
        }
        self.tracking(f64::MAX).validate()
    }

    /// Pitch tracking without any preference between candidates.
    fn tracking(&self, ceiling_hz: f64) -> PitchConfig {
        PitchConfig::default()
            .with_method(self.method)
            .with_step_s(self.step_s)
            .with_floor_hz(self.floor_hz)
            .with_ceiling_hz(ceiling_hz)
            .with_silence_threshold(self.silence_threshold)
            .with_voicing_threshold(0.0)
            .with_octave_cost(0.0)
            .with_octave_jump_cost(0.0)
            .with_voiced_unvoiced_cost(0.0)
    }

    /// Plans the transforms for recordings at `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if the rate is too low for the floor.
    pub fn build(self, rate: SampleRate) -> Result<HarmonicityMeter> {
        self.validate()?;
        let shape = match self.method {
            PitchMethod::Autocorrelation => Shape::Gauss { periods: self.periods.unwrap_or(4.5) },
            PitchMethod::CrossCorrelation => Shape::Cross { periods: self.periods.unwrap_or(1.0), depth: 700 },
        };
        let tracker = self.tracking(rate.nyquist_hz()).build_with(rate, shape)?;
        Ok(HarmonicityMeter { config: self, tracker, pitch: Pitch::default() })
    }
}

/// A contour of the harmonics-to-noise ratio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Harmonicity {
    /// Time of the first frame's middle in seconds.
    pub t1_s: f64,
    /// Seconds between frames.
    pub step_s: f64,
    /// The ratio of each frame in dB; NaN where the frame is silent or has no period.
    pub hnr_db: Vec<f64>,
}

impl Harmonicity {
    /// The ratios that are known, in dB.
    pub fn voiced_db(&self) -> impl Iterator<Item = f64> {
        self.hnr_db.iter().copied().filter(|v| v.is_finite())
    }

    /// The mean ratio in dB; NaN if no frame has one.
    #[must_use]
    pub fn mean_db(&self) -> f64 {
        self.voiced_db().sum::<f64>() / self.voiced_db().count() as f64
    }

    /// The standard deviation of the ratio in dB (divided by n − 1); NaN with fewer than two frames.
    #[must_use]
    pub fn sd_db(&self) -> f64 {
        let (mean, n) = (self.mean_db(), self.voiced_db().count() as f64);
        if n < 2.0 { f64::NAN } else { (self.voiced_db().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt() }
    }
}

/// Measures the harmonics-to-noise ratio: how much of the voice repeats from period to period.
///
/// **Use it** on sustained vowels, for breathiness and hoarseness. **Not** to compare running speech with vowels, nor
/// recordings of different rooms: reverberation and background noise count as noise of the voice. Jitter of 1 % alone
/// pulls it down to some 20 dB.
///
/// # Formula
/// HNR = 10 log10(r / (1 − r)) dB, r the highest correlation of the frame with itself one period later.
///
/// # Examples
/// ```
/// use eir_audio::{HarmonicityConfig, SampleRate, harmonicity};
/// let rate = SampleRate::new(16_000.0)?;
/// // a tone and noise that is 20 dB weaker
/// let mut noise = eir_core::random::Generator::new(1, "noise").stream(0);
/// let mut voice = |i: usize| (std::f64::consts::TAU * 200.0 * i as f64 / 16_000.0).sin() + 0.0707 * noise.normal();
/// let samples: Vec<f32> = (0..16_000).map(|i| voice(i) as f32).collect();
/// assert!((harmonicity(&samples, rate)?.mean_db() - 20.0).abs() < 1.0);
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`measure`](Self::measure).
///
/// # Validation
/// Mean, standard deviation and number of frames equal Praat 6.1.38 `To Harmonicity (cc)` and `(ac)` within 1 % on the
/// reference records.
///
/// # References
/// Boersma 1993, Proceedings of the Institute of Phonetic Sciences Amsterdam 17, 97–110.
#[derive(Debug)]
pub struct HarmonicityMeter {
    config: HarmonicityConfig,
    tracker: PitchTracker,
    pitch: Pitch,
}

impl HarmonicityMeter {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &HarmonicityConfig {
        &self.config
    }

    /// The ratio of each frame.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if the recording is shorter than a frame,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    pub fn measure(&mut self, samples: &[f32]) -> Result<Harmonicity> {
        let mut result = Harmonicity::default();
        self.measure_into(samples, &mut result)?;
        Ok(result)
    }

    /// As [`measure`](Self::measure), into a contour of the caller's: allocates nothing once the buffers have grown to
    /// the longest recording.
    ///
    /// # Errors
    /// As `measure`.
    pub fn measure_into(&mut self, samples: &[f32], result: &mut Harmonicity) -> Result<()> {
        self.tracker.track_into(samples, &mut self.pitch)?;
        (result.t1_s, result.step_s) = (self.pitch.t1_s, self.pitch.step_s);
        result.hnr_db.clear();
        let frames = self.pitch.f0_hz.iter().zip(&self.pitch.strength);
        result.hnr_db.extend(frames.map(|(f0, r)| if f0.is_finite() { ratio_db(*r) } else { f64::NAN }));
        Ok(())
    }
}

/// The ratio of a correlation, at most 150 dB.
pub(crate) fn ratio_db(r: f64) -> f64 {
    if r <= 1e-15 {
        -150.0
    } else if r > 1.0 - 1e-15 {
        150.0
    } else {
        10.0 * (r / (1.0 - r)).log10()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_methods_find_a_clean_tone_clean() {
        let rate = SampleRate::new(16_000.0).unwrap();
        let tone: Vec<f32> = (0..16_000).map(|i| (std::f32::consts::TAU * 200.0 * i as f32 / 16_000.0).sin()).collect();
        for method in [PitchMethod::Autocorrelation, PitchMethod::CrossCorrelation] {
            let mut meter = HarmonicityConfig::default().with_method(method).build(rate).unwrap();
            assert!(meter.measure(&tone).unwrap().mean_db() > 40.0, "{method:?}");
            assert!(meter.measure(&[0.0; 16_000]).unwrap().mean_db().is_nan());
        }
        assert!(HarmonicityConfig::default().with_periods(0.5).build(rate).is_err());
    }
}
