//! Loudness as broadcasting measures it.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// The integrated loudness of a recording in LUFS with the defaults of [`LoudnessConfig`].
///
/// # Errors
/// As [`LoudnessConfig::integrated`].
pub fn integrated_loudness(samples: &[f32], rate: SampleRate) -> Result<f64> {
    LoudnessConfig::default().integrated(samples, 1, rate)
}

/// Which filters stand for the ear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LoudnessFilter {
    /// The standard's filters, carried from 48 kHz to other rates by their analogue prototype (De Man 2018).
    #[default]
    Standard,
    /// A shelf and a high-pass with the nominal corner frequencies, as `pyloudnorm` uses unless told otherwise: 0.1 LU lower.
    Nominal,
}

/// Measures integrated loudness after ITU-R BS.1770-4.
///
/// **Use it** to bring recordings to one loudness, and to compare them as heard. **Not** as sound level of the voice: it
/// depends on microphone gain and distance like every digital level.
///
/// # Formula
/// Two filters (a shelf and a high-pass), mean squares of 400 ms blocks every 100 ms, summed over channels (factor 1.41
/// for the two behind), L = −0.691 + 10 log10(sum); blocks below −70 and then below 10 LU under the mean of the rest are left
/// out of the mean.
///
/// # Examples
/// ```
/// use eir_audio::{LoudnessConfig, SampleRate};
/// // 997 Hz at −20 dBFS on both channels reads −20.0 (the standard's check)
/// let rate = SampleRate::new(48_000.0)?;
/// let tone = |i: usize| 0.1 * (std::f32::consts::TAU * 997.0 * i as f32 / 48_000.0).sin();
/// let stereo: Vec<f32> = (0..96_000).flat_map(|i| [tone(i); 2]).collect();
/// assert!((LoudnessConfig::default().integrated(&stereo, 2, rate)? - -20.0).abs() < 0.01);
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`integrated`](Self::integrated).
///
/// # Validation
/// Equals pyloudnorm 0.2.0 within 0.1 LU on the reference records, both filters (far closer than that: see the README).
///
/// # References
/// ITU-R BS.1770-4; EBU R 128.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LoudnessConfig {
    /// The filters. Default [`LoudnessFilter::Standard`].
    pub filter: LoudnessFilter,
}

/// Seconds of a block, and blocks that begin while one lasts.
const BLOCK_S: f64 = 0.4;
const OVERLAP: usize = 4;

impl LoudnessConfig {
    /// Sets [`filter`](Self::filter).
    #[must_use]
    pub fn with_filter(self, filter: LoudnessFilter) -> Self {
        Self { filter }
    }

    /// There is no setting that can be out of range.
    ///
    /// # Errors
    /// None.
    pub fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// The integrated loudness in LUFS of interleaved samples of 1 to 5 channels (left, right, centre, behind left and
    /// right); −∞ if no block is above the gate.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for another number of channels or a rate below 4 kHz,
    /// [`Error::TooShort`](crate::Error::TooShort) for less than 0.4 s,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    pub fn integrated(&self, interleaved: &[f32], channels: usize, rate: SampleRate) -> Result<f64> {
        if !(1..=5).contains(&channels) {
            return Err(Parameter::new("channels", channels as f64, "1 to 5").into());
        }
        if rate.hz() < 4000.0 {
            return Err(Parameter::new("sample rate", rate.hz(), "at least 4000 Hz").into());
        }
        if !interleaved.len().is_multiple_of(channels) {
            return Err(Mismatch::new("interleaved samples in whole frames", channels, interleaved.len()).into());
        }
        NotFinite::check_f32("sample", interleaved)?;
        let frames = interleaved.len() / channels;
        let block = (BLOCK_S * rate.hz()) as usize;
        if frames < block {
            return Err(TooShort::new("samples per channel", frames, block).into());
        }
        let step_s = BLOCK_S / OVERLAP as f64;
        let blocks = ((rate.seconds(frames) - BLOCK_S) / step_s + 1.0).round_ties_even() as usize;
        // sums of squares up to each block's ends need no second pass over the samples
        let mut power = vec![0.0; blocks];
        let mut sums = vec![0.0; frames + 1];
        for channel in 0..channels {
            let mut filters = self.filters(rate.hz());
            for (i, frame) in interleaved.chunks_exact(channels).enumerate() {
                let y = filters.iter_mut().fold(f64::from(frame[channel]), |y, f| f.step(y));
                sums[i + 1] = sums[i] + y * y;
            }
            let gain = if channel < 3 { 1.0 } else { 1.41 };
            for (j, power) in power.iter_mut().enumerate() {
                let edge = |t: f64| ((t * rate.hz()) as usize).min(frames);
                let (from, to) = (edge(BLOCK_S * (j as f64 * 0.25)), edge(BLOCK_S * (j as f64 * 0.25 + 1.0)));
                *power += gain * (sums[to] - sums[from]) / (BLOCK_S * rate.hz());
            }
        }
        let mean = |gate: f64| {
            let loud = || power.iter().filter(|p| level(**p) > gate);
            loud().sum::<f64>() / loud().count() as f64
        };
        let relative = level(mean(-70.0)) - 10.0;
        let loudness = level(mean(relative.max(-70.0)));
        Ok(if loudness.is_finite() { loudness } else { f64::NEG_INFINITY })
    }

    fn filters(&self, rate: f64) -> [Biquad; 2] {
        match self.filter {
            LoudnessFilter::Standard => [
                Biquad::shelf_of_prototype(3.999_843_853_973_347, 0.707_175_236_955_419_6, 1_681.974_450_955_533, rate),
                Biquad::high_pass_of_prototype(0.500_327_037_323_877_3, 38.135_470_876_024_44, rate),
            ],
            LoudnessFilter::Nominal => {
                [Biquad::shelf(4.0, std::f64::consts::FRAC_1_SQRT_2, 1500.0, rate), Biquad::high_pass(0.5, 38.0, rate)]
            }
        }
    }
}

/// Loudness in LUFS of a mean square.
fn level(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

/// A second-order filter with its state.
#[derive(Debug, Clone, Copy)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn new(b: [f64; 3], a0: f64, a: [f64; 2]) -> Self {
        Self { b: b.map(|v| v / a0), a: a.map(|v| v / a0), state: [0.0; 2] }
    }

    fn step(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state = [self.b[1] * x - self.a[0] * y + self.state[1], self.b[2] * x - self.a[1] * y];
        y
    }

    fn shelf_of_prototype(gain_db: f64, q: f64, hz: f64, rate: f64) -> Self {
        let k = (std::f64::consts::PI * hz / rate).tan();
        let high = 10f64.powf(gain_db / 20.0);
        let middle = high.powf(0.499_666_774_155);
        let b = [high + middle * k / q + k * k, 2.0 * (k * k - high), high - middle * k / q + k * k];
        Self::new(b, 1.0 + k / q + k * k, [2.0 * (k * k - 1.0), 1.0 - k / q + k * k])
    }

    fn high_pass_of_prototype(q: f64, hz: f64, rate: f64) -> Self {
        let k = (std::f64::consts::PI * hz / rate).tan();
        let a0 = 1.0 + k / q + k * k;
        let scaled = Self::new([0.0; 3], a0, [2.0 * (k * k - 1.0), 1.0 - k / q + k * k]);
        Self { b: [1.0, -2.0, 1.0], ..scaled }
    }

    /// High shelf of the audio-EQ cookbook.
    fn shelf(gain_db: f64, q: f64, hz: f64, rate: f64) -> Self {
        let a = 10f64.powf(gain_db / 40.0);
        let (sin, cos) = (std::f64::consts::TAU * hz / rate).sin_cos();
        let root = 2.0 * a.sqrt() * sin / (2.0 * q);
        let b = [
            a * ((a + 1.0) + (a - 1.0) * cos + root),
            -2.0 * a * ((a - 1.0) + (a + 1.0) * cos),
            a * ((a + 1.0) + (a - 1.0) * cos - root),
        ];
        Self::new(
            b,
            (a + 1.0) - (a - 1.0) * cos + root,
            [2.0 * ((a - 1.0) - (a + 1.0) * cos), (a + 1.0) - (a - 1.0) * cos - root],
        )
    }

    /// High-pass of the audio-EQ cookbook.
    fn high_pass(q: f64, hz: f64, rate: f64) -> Self {
        let (sin, cos) = (std::f64::consts::TAU * hz / rate).sin_cos();
        let alpha = sin / (2.0 * q);
        let half = (1.0 + cos) / 2.0;
        Self::new([half, -(1.0 + cos), half], 1.0 + alpha, [-2.0 * cos, 1.0 - alpha])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_filters_are_the_standard_at_48_khz() {
        // the tables of BS.1770-4
        let [shelf, pass] = LoudnessConfig::default().filters(48_000.0);
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-6, "{got} {want}");
        near(shelf.b[0], 1.535_124_859_586_97);
        near(shelf.b[1], -2.691_696_189_406_38);
        near(shelf.a[0], -1.690_659_293_182_41);
        near(pass.a[0], -1.990_047_454_833_98);
        near(pass.a[1], 0.990_072_250_366_21);
    }

    #[test]
    fn silence_and_errors() {
        let rate = SampleRate::new(16_000.0).unwrap();
        assert_eq!(integrated_loudness(&[0.0; 16_000], rate).unwrap(), f64::NEG_INFINITY);
        assert!(integrated_loudness(&[0.0; 100], rate).is_err());
        assert!(LoudnessConfig::default().integrated(&[0.0; 16_000], 6, rate).is_err());
        assert!(LoudnessConfig::default().integrated(&[0.0; 16_001], 2, rate).is_err());
    }
}
