//! Voices with known fundamental frequency: a glottal source through formant filters.

use crate::Result;
use crate::error::within;
use crate::lf_source::LfSource;
use eir_core::random::Generator;
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// Time between two true values of F0.
const HOP_S: f64 = 0.01;
/// Formant frequencies in Hz of /a/, /i/, /u/, /ɛ/ (men; Peterson & Barney 1952), with a common fourth.
const VOWELS: [[f64; 4]; 4] = [
    [730.0, 1090.0, 2440.0, 3400.0],
    [270.0, 2290.0, 3010.0, 3500.0],
    [300.0, 870.0, 2240.0, 3300.0],
    [530.0, 1840.0, 2480.0, 3500.0],
];
/// Bandwidths of the formants in Hz.
const BANDWIDTHS: [f64; 4] = [80.0, 100.0, 140.0, 200.0];
/// E|a − b| of two standard normal numbers: turns a local perturbation into a standard deviation.
const MEAN_DIFFERENCE: f64 = std::f64::consts::FRAC_2_SQRT_PI;

/// Simulates a voice: settings, then a seed.
///
/// See [`VoiceConfig`] for the model, its settings and an example.
///
/// # Errors
/// As [`VoiceConfig::validate`].
pub fn voice(config: &VoiceConfig, seed: u64) -> Result<Voice> {
    config.validate()?;
    let random = Generator::new(seed, "voice");
    let source = LfSource::new(config.rd)?;
    let n = (config.duration_s * config.rate_hz).round() as usize;
    let (mut plan, mut perturb, mut breath) = (random.stream(0), random.stream(1), random.stream(2));

    // phrases with pauses between them
    let mut phrases = Vec::new();
    let mut start_s = config.pause_s / 2.0;
    while start_s < config.duration_s {
        let end_s = (start_s + config.phrase_s * plan.range(0.8, 1.2)).min(config.duration_s);
        phrases.push((start_s, end_s));
        start_s = if config.pause_s > 0.0 { end_s + config.pause_s * plan.range(0.7, 1.3) } else { end_s };
    }
    let swing = config.intonation_semitones / 12.0;
    let (wave_hz, wave_phase) = (plan.range(0.5, 0.9), plan.range(0.0, TAU));
    // falls over the phrase and sways: the true F0, without jitter
    let f0_at = |time_s: f64, (from, to): (f64, f64)| {
        let part = (time_s - from) / (to - from).max(1e-9);
        let sway = 0.3 * libm::sin(TAU * wave_hz * time_s + wave_phase);
        config.f0_hz * libm::exp2(swing * (0.35 - 0.7 * part + sway))
    };

    let mut excitation = vec![0.0; n];
    let mut period_starts_s = Vec::new();
    let mut voiced = Vec::with_capacity(phrases.len());
    for phrase @ (from, to) in phrases.iter().copied() {
        let mut time_s = from;
        loop {
            let jitter = config.jitter / MEAN_DIFFERENCE * perturb.normal().clamp(-4.0, 4.0);
            let shimmer = config.shimmer / MEAN_DIFFERENCE * perturb.normal().clamp(-4.0, 4.0);
            let period_s = (1.0 + jitter) / f0_at(time_s, phrase);
            if time_s + period_s > to {
                break;
            }
            let edge = |t: f64| (t / 0.03).clamp(0.0, 1.0);
            let level = (1.0 + shimmer) * edge(time_s - from + 0.005) * edge(to - time_s);
            let first = (time_s * config.rate_hz).ceil() as usize;
            let last = (((time_s + period_s) * config.rate_hz).ceil() as usize).min(n);
            for (i, to) in excitation.iter_mut().enumerate().take(last).skip(first) {
                let t = (i as f64 / config.rate_hz - time_s) / period_s;
                // breath is strongest while the glottis is open
                let open = if t < source.te { 1.0 } else { 0.4 };
                *to += level * (source.at(t) + config.breath * open * breath.normal());
            }
            period_starts_s.push(time_s);
            time_s += period_s;
        }
        voiced.push((from, time_s, to));
    }

    let mut filters = Formants::new(config.rate_hz);
    let mut samples = Vec::with_capacity(n);
    let mut phrase = 0;
    for (i, x) in excitation.iter().enumerate() {
        let time_s = i as f64 / config.rate_hz;
        while phrases.get(phrase).is_some_and(|p| p.1 <= time_s) {
            phrase += 1;
        }
        samples.push(filters.next(*x, phrase));
    }
    let peak = samples.iter().fold(0.0f64, |a, v: &f64| a.max(v.abs()));
    let scale = if peak > 0.0 { 0.5 / peak } else { 0.0 };
    let frames = (config.duration_s / HOP_S).floor() as usize;
    let f0_hz = (0..frames)
        .map(|i| i as f64 * HOP_S)
        .map(|t| {
            let at = voiced.iter().find(|(from, end, _)| (*from..*end).contains(&t));
            at.map_or(0.0, |(from, _, to)| f0_at(t, (*from, *to)) as f32)
        })
        .collect();
    Ok(Voice {
        samples: samples.iter().map(|v| (v * scale) as f32).collect(),
        rate_hz: config.rate_hz,
        f0_hz,
        hop_s: HOP_S,
        period_starts_s,
    })
}

/// A simulated voice and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// Sound pressure, −1 to 1; the largest absolute value is 0.5.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub rate_hz: f64,
    /// True F0 in Hz at times 0, `hop_s`, 2 `hop_s` …; 0 where there is no voice. Without the jitter.
    pub f0_hz: Vec<f32>,
    /// Time between two values of `f0_hz` in s: 0.01.
    pub hop_s: f64,
    /// Start of each glottal period in s, with the jitter.
    pub period_starts_s: Vec<f64>,
}

/// Settings of [`voice`]: vowels in phrases with known F0.
///
/// **Use it** to test pitch, jitter and shimmer code. **Not** as speech: no consonants, no coarticulation, formants
/// stand still within a phrase.
///
/// # Formula
/// Periods of the [LF source](LfSource) with lengths T(1 + j) and heights 1 + s, where j and s are normal with standard
/// deviations such that the mean absolute difference of neighbours (local jitter and shimmer) is as set; then a cascade
/// of four second-order resonators \[1\] with formants of /a/, /i/, /u/ and /ɛ/ in turn.
///
/// # Examples
/// ```
/// use eir_synth::{VoiceConfig, voice};
/// let voice = voice(&VoiceConfig::default().with_f0_hz(200.0).with_intonation_semitones(0.0), 1)?;
/// assert_eq!((voice.samples.len(), voice.f0_hz.len()), (64_000, 400)); // 4 s
/// let spoken: Vec<f32> = voice.f0_hz.iter().copied().filter(|f| *f > 0.0).collect();
/// assert!(spoken.len() > 250 && spoken.iter().all(|f| (f - 200.0).abs() < 0.01));
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// The source against SciPy (see [`LfSource`]); jitter of the planted periods and F0 of the sound by autocorrelation as
/// set (tests below).
///
/// # References
/// 1. Klatt 1980, doi:10.1121/1.383940. 2. Peterson, Barney 1952, doi:10.1121/1.1906875.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct VoiceConfig {
    /// Length in s, above 0 to 3600. Default 4.
    pub duration_s: f64,
    /// Samples a second, 8000 to 96 000. Default 16 000.
    pub rate_hz: f64,
    /// F0 in the middle of the swing in Hz, 40 to 600. Default 120.
    pub f0_hz: f64,
    /// How far F0 moves from beginning to end in semitones, 0 to 24. Default 4.
    pub intonation_semitones: f64,
    /// Local jitter: mean absolute difference of neighbouring periods over their mean, 0 to 0.1. Default 0.004.
    pub jitter: f64,
    /// Local shimmer of the pulses' heights, likewise, 0 to 0.3. Default 0.03.
    pub shimmer: f64,
    /// Standard deviation of the breath noise, relative to the pulses' height, 0 to 1. Default 0.01.
    pub breath: f64,
    /// Shape of the source, 0.5 (tense) to 2.5 (breathy). Default 1.
    pub rd: f64,
    /// Mean length of a phrase in s, 0.1 to 60. Default 1.2.
    pub phrase_s: f64,
    /// Mean length of a pause in s, 0 to 10. Default 0.3.
    pub pause_s: f64,
}

impl Default for VoiceConfig {
    fn default() -> Self {
        Self {
            duration_s: 4.0,
            rate_hz: 16_000.0,
            f0_hz: 120.0,
            intonation_semitones: 4.0,
            jitter: 0.004,
            shimmer: 0.03,
            breath: 0.01,
            rd: 1.0,
            phrase_s: 1.2,
            pause_s: 0.3,
        }
    }
}

impl VoiceConfig {
    /// Sets [`duration_s`](Self::duration_s).
    #[must_use]
    pub fn with_duration_s(self, duration_s: f64) -> Self {
        Self { duration_s, ..self }
    }
    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: f64) -> Self {
        Self { rate_hz, ..self }
    }
    /// Sets [`f0_hz`](Self::f0_hz).
    #[must_use]
    pub fn with_f0_hz(self, f0_hz: f64) -> Self {
        Self { f0_hz, ..self }
    }
    /// Sets [`intonation_semitones`](Self::intonation_semitones).
    #[must_use]
    pub fn with_intonation_semitones(self, intonation_semitones: f64) -> Self {
        Self { intonation_semitones, ..self }
    }
    /// Sets [`jitter`](Self::jitter).
    #[must_use]
    pub fn with_jitter(self, jitter: f64) -> Self {
        Self { jitter, ..self }
    }
    /// Sets [`shimmer`](Self::shimmer).
    #[must_use]
    pub fn with_shimmer(self, shimmer: f64) -> Self {
        Self { shimmer, ..self }
    }
    /// Sets [`breath`](Self::breath).
    #[must_use]
    pub fn with_breath(self, breath: f64) -> Self {
        Self { breath, ..self }
    }
    /// Sets [`rd`](Self::rd).
    #[must_use]
    pub fn with_rd(self, rd: f64) -> Self {
        Self { rd, ..self }
    }
    /// Sets [`phrase_s`](Self::phrase_s).
    #[must_use]
    pub fn with_phrase_s(self, phrase_s: f64) -> Self {
        Self { phrase_s, ..self }
    }
    /// Sets [`pause_s`](Self::pause_s).
    #[must_use]
    pub fn with_pause_s(self, pause_s: f64) -> Self {
        Self { pause_s, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        within("duration_s", self.duration_s, f64::MIN_POSITIVE, 3600.0, "above 0 and at most 3600 s")?;
        within("rate_hz", self.rate_hz, 8000.0, 96_000.0, "8000 to 96 000 Hz")?;
        within("f0_hz", self.f0_hz, 40.0, 600.0, "40 to 600 Hz")?;
        within("intonation_semitones", self.intonation_semitones, 0.0, 24.0, "0 to 24 semitones")?;
        within("jitter", self.jitter, 0.0, 0.1, "0 to 0.1")?;
        within("shimmer", self.shimmer, 0.0, 0.3, "0 to 0.3")?;
        within("breath", self.breath, 0.0, 1.0, "0 to 1")?;
        within("rd", self.rd, 0.5, 2.5, "0.5 to 2.5")?;
        within("phrase_s", self.phrase_s, 0.1, 60.0, "0.1 to 60 s")?;
        within("pause_s", self.pause_s, 0.0, 10.0, "0 to 10 s")
    }
}

/// Four resonators in a row, each with gain 1 at 0 Hz.
struct Formants {
    /// Per vowel and formant: input gain and the two feedback weights.
    weights: [[[f64; 3]; 4]; 4],
    /// Per formant: the last two outputs.
    last: [[f64; 2]; 4],
}

impl Formants {
    fn new(rate_hz: f64) -> Self {
        let weights = VOWELS.map(|vowel| {
            std::array::from_fn(|k| {
                let (hz, width) = (vowel[k].min(0.45 * rate_hz), BANDWIDTHS[k]);
                let radius = libm::exp(-PI * width / rate_hz);
                let (b, c) = (2.0 * radius * libm::cos(TAU * hz / rate_hz), -radius * radius);
                [1.0 - b - c, b, c]
            })
        });
        Self { weights, last: [[0.0; 2]; 4] }
    }

    /// The next sample, with the vowel of `phrase`.
    fn next(&mut self, x: f64, phrase: usize) -> f64 {
        let vowel = &self.weights[phrase % VOWELS.len()];
        let mut value = x;
        for ([gain, b, c], last) in vowel.iter().zip(&mut self.last) {
            value = gain * value + b * last[0] + c * last[1];
            *last = [value, last[0]];
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autocorrelation_finds_the_true_f0() {
        let config = VoiceConfig::default().with_f0_hz(160.0).with_duration_s(6.0).with_jitter(0.0).with_shimmer(0.0);
        let voice = voice(&config, 6).unwrap();
        let mut errors = Vec::new();
        for (i, f0) in voice.f0_hz.iter().enumerate().step_by(7) {
            let from = (i as f64 * 0.01 * voice.rate_hz) as usize;
            let Some(frame) = voice.samples.get(from.saturating_sub(400)..from + 400) else { continue };
            if *f0 == 0.0 || frame[0] == 0.0 || frame[799] == 0.0 {
                continue;
            }
            let score = |lag: usize| -> f32 {
                let (a, b) = (&frame[lag..], &frame[..800 - lag]);
                let power = |x: &[f32]| x.iter().map(|v| v * v).sum::<f32>();
                a.iter().zip(b).map(|(p, q)| p * q).sum::<f32>() / (power(a) * power(b)).sqrt().max(1e-9)
            };
            let best = (60..160).max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap();
            errors.push((16_000.0 / best as f64 / f64::from(*f0) - 1.0).abs());
        }
        errors.sort_by(f64::total_cmp);
        assert!(errors.len() > 40 && errors[errors.len() / 2] < 0.01, "{} {:?}", errors.len(), errors.last());
    }

    #[test]
    fn jitter_is_as_set_and_pauses_are_silent() {
        let config = VoiceConfig::default().with_jitter(0.02).with_duration_s(60.0).with_intonation_semitones(0.0);
        let voice = voice(&config, 1).unwrap();
        let periods: Vec<f64> = voice.period_starts_s.windows(2).map(|w| w[1] - w[0]).filter(|p| *p < 0.02).collect();
        let mean = periods.iter().sum::<f64>() / periods.len() as f64;
        let step = periods.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f64>() / periods.len() as f64;
        assert!((step / mean - 0.02).abs() < 0.002, "{}", step / mean);
        let quiet = voice.f0_hz.iter().filter(|f| **f == 0.0).count() as f64 / voice.f0_hz.len() as f64;
        assert!((0.15..0.28).contains(&quiet), "{quiet}");
        assert!(voice.samples.iter().all(|v| v.abs() <= 0.5001));
    }
}
