//! Sound level over time.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// The sound level of `samples` with the defaults of [`IntensityConfig`].
///
/// # Errors
/// As [`IntensityConfig::measure`].
pub fn intensity(samples: &[f32], rate: SampleRate) -> Result<Intensity> {
    IntensityConfig::default().measure(samples, rate)
}

/// Measures the sound level, smoothed so that no ripple of the voice's periods is left.
///
/// **Use it** for loudness contours and to find pauses. **Not** as sound pressure, unless the recording was calibrated
/// (a sample of 1 then has to mean 1 Pa), and not for perceived loudness: [`integrated_loudness`](crate::integrated_loudness)
/// weighs frequencies as the ear does.
///
/// # Formula
/// L(t) = 10 log10( Σ w(n) (x(n) − mean)² / Σ w(n) / (20 µPa)² ) dB, w a Kaiser window (β = 20.24) of 6.4 periods of the
/// floor, samples in Pa.
///
/// # Examples
/// ```
/// use eir_audio::{SampleRate, intensity};
/// let rate = SampleRate::new(16_000.0)?;
/// let tone: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.2).sin()).collect();
/// assert!((intensity(&tone, rate)?.mean_db() - 90.969).abs() < 0.01); // 10 log10(0.5 / (20e-6)²)
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`measure`](Self::measure).
///
/// # Validation
/// Equals Praat 6.1.38 `To Intensity` within 1e-5 of its largest value on the reference records.
///
/// # References
/// Boersma, Weenink: Praat, manual page "Sound: To Intensity...".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IntensityConfig {
    /// Lowest fundamental frequency in Hz whose ripple is smoothed away, above 0. Default 100.
    pub floor_hz: f64,
    /// Seconds between frames; `None`, the default, is 0.8 periods of the floor.
    pub step_s: Option<f64>,
    /// Whether the mean of each frame is subtracted, as it is no sound. Default true.
    pub subtract_mean: bool,
}

impl Default for IntensityConfig {
    fn default() -> Self {
        Self { floor_hz: 100.0, step_s: None, subtract_mean: true }
    }
}

impl IntensityConfig {
    /// Sets [`floor_hz`](Self::floor_hz).
    #[must_use]
    pub fn with_floor_hz(self, floor_hz: f64) -> Self {
        Self { floor_hz, ..self }
    }
    /// Sets [`step_s`](Self::step_s).
    #[must_use]
    pub fn with_step_s(self, step_s: f64) -> Self {
        Self { step_s: Some(step_s), ..self }
    }
    /// Sets [`subtract_mean`](Self::subtract_mean).
    #[must_use]
    pub fn with_subtract_mean(self, subtract_mean: bool) -> Self {
        Self { subtract_mean, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1.0..=10_000.0).contains(&self.floor_hz) {
            return Err(Parameter::new("floor_hz", self.floor_hz, "1 to 10000 Hz").into());
        }
        match self.step_s {
            Some(step) if !(1e-5..=10.0).contains(&step) => {
                Err(Parameter::new("step_s", step, "0.00001 to 10 s").into())
            }
            _ => Ok(()),
        }
    }

    /// The level of each frame.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a setting out of range,
    /// [`Error::TooShort`](crate::Error::TooShort) if the recording is shorter than a frame,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    pub fn measure(&self, samples: &[f32], rate: SampleRate) -> Result<Intensity> {
        let mut result = Intensity::default();
        self.measure_into(samples, rate, &mut result)?;
        Ok(result)
    }

    /// As [`measure`](Self::measure), into a contour of the caller's, whose memory is used again.
    ///
    /// # Errors
    /// As `measure`.
    pub fn measure_into(&self, samples: &[f32], rate: SampleRate, result: &mut Intensity) -> Result<()> {
        self.validate()?;
        NotFinite::check_f32("sample", samples)?;
        let (window_s, step_s) = (6.4 / self.floor_hz, self.step_s.unwrap_or(0.8 / self.floor_hz));
        let dx = 1.0 / rate.hz();
        let duration_s = samples.len() as f64 * dx; // the last bit decides on the number of frames
        if duration_s < window_s || samples.is_empty() {
            return Err(TooShort::new("samples", samples.len(), (window_s * rate.hz()).ceil() as usize).into());
        }
        let half_s = 0.5 * window_s;
        let half = (half_s * rate.hz()).floor() as usize;
        let shape = 2.0 * std::f64::consts::PI.powi(2) + 0.5;
        let weight = |i: usize| bessel_i0(shape * (1.0 - (i as f64 / rate.hz() / half_s).powi(2)).max(0.0).sqrt());
        let side: Vec<f64> = (0..=half).map(weight).collect();
        let frames = ((duration_s - window_s) / step_s).floor().max(0.0) as usize + 1;
        let t1_s = 0.5 * duration_s - 0.5 * (frames as f64 * step_s) + 0.5 * step_s;
        (result.t1_s, result.step_s) = (t1_s, step_s);
        result.level_db.clear();
        for frame in 0..frames {
            let middle = ((t1_s + frame as f64 * step_s - 0.5 * dx) / dx + 1.0).round() - 1.0;
            let middle = middle.max(0.0) as usize;
            let first = middle.saturating_sub(half);
            let part = &samples[first.min(samples.len())..(middle + half + 1).min(samples.len())];
            let sum: f64 = part.iter().map(|x| f64::from(*x)).sum();
            let mean = if self.subtract_mean { sum / part.len().max(1) as f64 } else { 0.0 };
            let (mut energy, mut weights) = (0.0, 0.0);
            for (x, i) in part.iter().zip(first..) {
                let w = side[i.abs_diff(middle).min(half)];
                energy += w * (f64::from(*x) - mean).powi(2);
                weights += w;
            }
            let power = energy / weights / 4e-10;
            result.level_db.push(if power < 1e-30 { -300.0 } else { 10.0 * power.log10() });
        }
        Ok(())
    }
}

/// The modified Bessel function of the first kind of order 0, over its value at some constant: only ratios are used.
fn bessel_i0(x: f64) -> f64 {
    let (quarter, mut term, mut sum) = (x * x / 4.0, 1.0, 1.0);
    for k in 1..200 {
        term *= quarter / f64::from(k * k);
        sum += term;
        if term < 1e-17 * sum {
            break;
        }
    }
    sum
}

/// A contour of sound level.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Intensity {
    /// Time of the first frame's middle in seconds.
    pub t1_s: f64,
    /// Seconds between frames.
    pub step_s: f64,
    /// The level of each frame in dB re 20 µPa, a sample of 1 being 1 Pa; −300 in digital silence.
    pub level_db: Vec<f64>,
}

impl Intensity {
    /// The mean of the levels in dB.
    #[must_use]
    pub fn mean_db(&self) -> f64 {
        self.level_db.iter().sum::<f64>() / self.level_db.len() as f64
    }

    /// The level of the mean power in dB: the equivalent sound level.
    #[must_use]
    pub fn energy_mean_db(&self) -> f64 {
        let power: f64 = self.level_db.iter().map(|db| 10f64.powf(db / 10.0)).sum();
        10.0 * (power / self.level_db.len() as f64).log10()
    }

    /// The level in dB below which the part `q` (0 to 1) of the frames lies, interpolated linearly; NaN without frames.
    #[must_use]
    pub fn quantile_db(&self, q: f64) -> f64 {
        let mut sorted = self.level_db.clone();
        sorted.sort_by(f64::total_cmp);
        eir_core::metrics::sorted_quantile(&sorted, q).unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_amplitude_is_six_decibels() {
        let rate = SampleRate::new(16_000.0).unwrap();
        let tone = |a: f32| (0..16_000).map(|i| a * (i as f32 * 0.3).sin()).collect::<Vec<f32>>();
        let loud = intensity(&tone(1.0), rate).unwrap();
        let soft = intensity(&tone(0.5), rate).unwrap();
        assert!((loud.mean_db() - soft.mean_db() - 6.0206).abs() < 1e-4);
        assert!((loud.energy_mean_db() - loud.quantile_db(0.5)).abs() < 0.01);
        assert_eq!(intensity(&[0.25; 16_000], rate).unwrap().mean_db(), -300.0);
        assert!(intensity(&[0.0; 100], rate).is_err());
    }
}
