//! Fundamental frequency.

mod candidates;
mod path;

use crate::Result;
use candidates::Analyser;
pub(crate) use candidates::Shape;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// The fundamental frequency of `samples` with the defaults of [`PitchConfig`].
///
/// # Errors
/// As [`PitchTracker::track`].
pub fn pitch(samples: &[f32], rate: SampleRate) -> Result<Pitch> {
    PitchConfig::default().build(rate)?.track(samples)
}

/// How the similarity of a sound with itself one period later is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PitchMethod {
    /// Autocorrelation of a Hann-windowed frame, divided by the window's: the standard, robust against noise.
    #[default]
    Autocorrelation,
    /// Cross-correlation of two adjacent stretches: sharper in time, for voice quality.
    CrossCorrelation,
}

/// Settings of [`PitchTracker`]; the defaults are Praat's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PitchConfig {
    /// The method. Default [`PitchMethod::Autocorrelation`].
    pub method: PitchMethod,
    /// Lowest frequency in Hz that is looked for, above 0: it sets the frame's length. Default 75.
    pub floor_hz: f64,
    /// Highest frequency in Hz that is accepted, above the floor; at most half the sampling rate is used. Default 600.
    pub ceiling_hz: f64,
    /// Seconds between frames; `None`, the default, is 0.75 (autocorrelation) or 0.25 periods of the floor.
    pub step_s: Option<f64>,
    /// Candidates per frame, 2 to 100 (more are kept if the ceiling is more times the floor). Default 15.
    pub candidates: usize,
    /// Frames whose peak is below this part of the recording's are silent, 0 to 1. Default 0.03.
    pub silence_threshold: f64,
    /// Correlation below which a frame is unvoiced, 0 to 1. Default 0.45.
    pub voicing_threshold: f64,
    /// How much an octave higher is preferred. Default 0.01.
    pub octave_cost: f64,
    /// What a jump of one octave costs, per 10 ms. Default 0.35.
    pub octave_jump_cost: f64,
    /// What a change between voiced and unvoiced costs, per 10 ms. Default 0.14.
    pub voiced_unvoiced_cost: f64,
}

impl Default for PitchConfig {
    fn default() -> Self {
        Self {
            method: PitchMethod::Autocorrelation,
            floor_hz: 75.0,
            ceiling_hz: 600.0,
            step_s: None,
            candidates: 15,
            silence_threshold: 0.03,
            voicing_threshold: 0.45,
            octave_cost: 0.01,
            octave_jump_cost: 0.35,
            voiced_unvoiced_cost: 0.14,
        }
    }
}

impl PitchConfig {
    /// Sets [`method`](Self::method).
    #[must_use]
    pub fn with_method(self, method: PitchMethod) -> Self {
        Self { method, ..self }
    }
    /// Sets [`floor_hz`](Self::floor_hz).
    #[must_use]
    pub fn with_floor_hz(self, floor_hz: f64) -> Self {
        Self { floor_hz, ..self }
    }
    /// Sets [`ceiling_hz`](Self::ceiling_hz).
    #[must_use]
    pub fn with_ceiling_hz(self, ceiling_hz: f64) -> Self {
        Self { ceiling_hz, ..self }
    }
    /// Sets [`step_s`](Self::step_s).
    #[must_use]
    pub fn with_step_s(self, step_s: f64) -> Self {
        Self { step_s: Some(step_s), ..self }
    }
    /// Sets [`candidates`](Self::candidates).
    #[must_use]
    pub fn with_candidates(self, candidates: usize) -> Self {
        Self { candidates, ..self }
    }
    /// Sets [`silence_threshold`](Self::silence_threshold).
    #[must_use]
    pub fn with_silence_threshold(self, silence_threshold: f64) -> Self {
        Self { silence_threshold, ..self }
    }
    /// Sets [`voicing_threshold`](Self::voicing_threshold).
    #[must_use]
    pub fn with_voicing_threshold(self, voicing_threshold: f64) -> Self {
        Self { voicing_threshold, ..self }
    }
    /// Sets [`octave_cost`](Self::octave_cost).
    #[must_use]
    pub fn with_octave_cost(self, octave_cost: f64) -> Self {
        Self { octave_cost, ..self }
    }
    /// Sets [`octave_jump_cost`](Self::octave_jump_cost).
    #[must_use]
    pub fn with_octave_jump_cost(self, octave_jump_cost: f64) -> Self {
        Self { octave_jump_cost, ..self }
    }
    /// Sets [`voiced_unvoiced_cost`](Self::voiced_unvoiced_cost).
    #[must_use]
    pub fn with_voiced_unvoiced_cost(self, voiced_unvoiced_cost: f64) -> Self {
        Self { voiced_unvoiced_cost, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let fail = |name, value, rule| Err(Parameter::new(name, value, rule).into());
        if !(1.0..=10_000.0).contains(&self.floor_hz) {
            return fail("floor_hz", self.floor_hz, "1 to 10000 Hz");
        }
        if !(self.ceiling_hz.is_finite() && self.ceiling_hz > self.floor_hz) {
            return fail("ceiling_hz", self.ceiling_hz, "a frequency above floor_hz");
        }
        if let Some(step) = self.step_s.filter(|s| !(1e-5..=10.0).contains(s)) {
            return fail("step_s", step, "0.00001 to 10 s");
        }
        if !(2..=100).contains(&self.candidates) {
            return fail("candidates", self.candidates as f64, "2 to 100");
        }
        for (name, value) in
            [("silence_threshold", self.silence_threshold), ("voicing_threshold", self.voicing_threshold)]
        {
            if !(0.0..=1.0).contains(&value) {
                return fail(name, value, "0 to 1");
            }
        }
        for (name, value) in [
            ("octave_cost", self.octave_cost),
            ("octave_jump_cost", self.octave_jump_cost),
            ("voiced_unvoiced_cost", self.voiced_unvoiced_cost),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return fail(name, value, "a cost of at least 0");
            }
        }
        Ok(())
    }

    /// Plans the transforms for recordings at `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if the rate is too low for the floor.
    pub fn build(self, rate: SampleRate) -> Result<PitchTracker> {
        let shape = match self.method {
            PitchMethod::Autocorrelation => Shape::Hann { periods: 3.0 },
            PitchMethod::CrossCorrelation => Shape::Cross { periods: 1.0, depth: 70 },
        };
        self.build_with(rate, shape)
    }

    pub(crate) fn build_with(self, rate: SampleRate, shape: Shape) -> Result<PitchTracker> {
        self.validate()?;
        let analyser = Analyser::new(&self, rate, shape)?;
        Ok(PitchTracker { config: self, rate, analyser, signal: Vec::new(), path: path::Path::default() })
    }
}

/// A contour of fundamental frequency.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pitch {
    /// Time of the first frame's middle in seconds.
    pub t1_s: f64,
    /// Seconds between frames.
    pub step_s: f64,
    /// Fundamental frequency of each frame in Hz; NaN where it is unvoiced. Never average over a 0.
    pub f0_hz: Vec<f64>,
    /// Correlation of each frame with itself one period later, 0 to 1; 0 where it is unvoiced.
    pub strength: Vec<f64>,
    /// Duration of the recording in seconds.
    pub duration_s: f64,
    /// The floor that it was tracked with, in Hz.
    pub floor_hz: f64,
}

impl Pitch {
    /// Number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.f0_hz.len()
    }

    /// Whether there is no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.f0_hz.is_empty()
    }

    /// The time of frame `index` in seconds.
    #[must_use]
    pub fn time_s(&self, index: usize) -> f64 {
        self.t1_s + index as f64 * self.step_s
    }

    /// The frequencies of the voiced frames in Hz.
    pub fn voiced_hz(&self) -> impl Iterator<Item = f64> {
        self.f0_hz.iter().copied().filter(|f| f.is_finite())
    }

    /// The part of frames that are voiced, 0 to 1; NaN without frames.
    #[must_use]
    pub fn voiced_fraction(&self) -> f64 {
        self.voiced_hz().count() as f64 / self.len() as f64
    }

    /// The mean frequency of the voiced frames in Hz; NaN if none is.
    #[must_use]
    pub fn mean_hz(&self) -> f64 {
        self.voiced_hz().sum::<f64>() / self.voiced_hz().count() as f64
    }

    /// The frequency in Hz below which the part `q` (0 to 1) of the voiced frames lies, interpolated linearly; NaN if
    /// none is voiced.
    #[must_use]
    pub fn quantile_hz(&self, q: f64) -> f64 {
        let mut sorted: Vec<f64> = self.voiced_hz().collect();
        sorted.sort_by(f64::total_cmp);
        eir_core::metrics::sorted_quantile(&sorted, q).unwrap_or(f64::NAN)
    }

    /// The frequency in Hz at `time_s`, interpolated between two voiced frames; NaN where the nearest frame is unvoiced.
    #[must_use]
    pub fn at_s(&self, time_s: f64) -> f64 {
        let place = (time_s - self.t1_s) / self.step_s;
        let (left, phase) = (place.floor(), place - place.floor());
        let frame = |i: f64| if i < 0.0 { f64::NAN } else { self.f0_hz.get(i as usize).copied().unwrap_or(f64::NAN) };
        let (near, far, weight) = if phase < 0.5 {
            (frame(left), frame(left + 1.0), phase)
        } else {
            (frame(left + 1.0), frame(left), 1.0 - phase)
        };
        if far.is_finite() { near + weight * (far - near) } else { near }
    }

    /// The stretches of voiced frames: start and end in seconds, half a step before the first and after the last frame.
    #[must_use]
    pub fn voiced_intervals_s(&self) -> Vec<(f64, f64)> {
        let mut intervals = Vec::new();
        let mut start = None;
        for i in 0..=self.len() {
            let voiced = self.f0_hz.get(i).is_some_and(|f| f.is_finite());
            match start {
                None if voiced => start = Some(i),
                Some(first) if !voiced => {
                    let (from, to) = (self.time_s(first) - 0.5 * self.step_s, self.time_s(i - 1) + 0.5 * self.step_s);
                    intervals.push((from.max(0.0), to.min(self.duration_s)));
                    start = None;
                }
                _ => {}
            }
        }
        intervals
    }
}

/// Tracks the fundamental frequency by the autocorrelation method of Boersma (1993), planned once.
///
/// **Use it** for intonation, and as the base of jitter, shimmer and harmonicity. **Not** on several voices at once (it
/// follows one), on creaky voice with a floor of 75 Hz (lower it), or with one ceiling for children and men: octave
/// errors come from wrong limits first.
///
/// # Formula
/// r(τ) = r_xw(τ) / r_w(τ), the autocorrelation of the windowed frame over that of the window; its highest maxima,
/// refined by sin(x)/x, are candidates with strength r − octave_cost · log2(ceiling / F). The unvoiced candidate has
/// voicing_threshold + max(0, 2 − (local peak / global peak) (1 + voicing_threshold) / silence_threshold). The path with
/// the greatest sum of strengths less jump costs wins.
///
/// # Examples
/// ```
/// use eir_audio::{PitchConfig, SampleRate, pitch};
/// let rate = SampleRate::new(16_000.0)?;
/// let tone: Vec<f32> = (0..16_000).map(|i| (std::f32::consts::TAU * 220.0 * i as f32 / 16_000.0).sin()).collect();
/// let contour = pitch(&tone, rate)?;                                              // level 1
/// assert!((contour.mean_hz() - 220.0).abs() < 0.01);
/// let mut tracker = PitchConfig::default().with_floor_hz(100.0).build(rate)?;     // level 2
/// assert_eq!(tracker.track(&tone)?.voiced_fraction(), 1.0);
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`track`](Self::track).
///
/// # Validation
/// Equals Praat 6.1.38 (parselmouth 0.4.7) `To Pitch (ac)` and `To Pitch (cc)` within 1e-4 relative and in every voicing
/// decision on the reference records (see the crate's README for the counts).
///
/// # References
/// Boersma 1993, Proceedings of the Institute of Phonetic Sciences Amsterdam 17, 97–110.
#[derive(Debug)]
pub struct PitchTracker {
    config: PitchConfig,
    rate: SampleRate,
    analyser: Analyser,
    /// The recording in f64.
    signal: Vec<f64>,
    path: path::Path,
}

impl PitchTracker {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &PitchConfig {
        &self.config
    }

    /// The contour of `samples`.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if the recording is shorter than a frame (three periods of the
    /// floor), [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    pub fn track(&mut self, samples: &[f32]) -> Result<Pitch> {
        let mut pitch = Pitch::default();
        self.track_into(samples, &mut pitch)?;
        Ok(pitch)
    }

    /// As [`track`](Self::track), into a contour of the caller's: allocates nothing once the buffers have grown to the
    /// longest recording.
    ///
    /// # Errors
    /// As `track`.
    pub fn track_into(&mut self, samples: &[f32], pitch: &mut Pitch) -> Result<()> {
        NotFinite::check_f32("sample", samples)?;
        let needed = self.analyser.shortest();
        if samples.len() < needed {
            return Err(TooShort::new("samples", samples.len(), needed).into());
        }
        self.signal.clear();
        self.signal.extend(samples.iter().map(|s| f64::from(*s)));
        let duration_s = samples.len() as f64 * (1.0 / self.rate.hz()); // the last bit decides on the number of frames
        let (t1_s, frames) = self.analyser.grid(duration_s);
        let mean = self.signal.iter().sum::<f64>() / samples.len() as f64;
        let global_peak = self.signal.iter().fold(0.0f64, |a, s| a.max((s - mean).abs()));
        let step_s = self.analyser.step_s;
        self.path.start(&self.config, self.rate, step_s);
        for frame in 0..frames {
            let time_s = t1_s + frame as f64 * step_s;
            let intensity = self.analyser.candidates(&self.signal, time_s, global_peak, &self.config);
            self.path.push(&self.analyser.found, intensity);
        }
        self.path.finish(&mut pitch.f0_hz, &mut pitch.strength);
        (pitch.t1_s, pitch.step_s) = (t1_s, step_s);
        (pitch.duration_s, pitch.floor_hz) = (duration_s, self.config.floor_hz);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> SampleRate {
        SampleRate::new(8000.0).unwrap()
    }

    #[test]
    fn silence_is_unvoiced_and_a_glide_is_followed() {
        let silence = pitch(&[0.0; 8000], rate()).unwrap();
        assert_eq!((silence.len(), silence.voiced_fraction()), (97, 0.0));
        let mut phase = 0.0f64;
        let glide: Vec<f32> = (0..16_000)
            .map(|i| {
                phase += std::f64::consts::TAU * (100.0 + f64::from(i) / 80.0) / 8000.0;
                phase.sin() as f32
            })
            .collect();
        for method in [PitchMethod::Autocorrelation, PitchMethod::CrossCorrelation] {
            let contour = PitchConfig::default().with_method(method).build(rate()).unwrap().track(&glide).unwrap();
            assert!((contour.at_s(1.0) - 200.0).abs() < 1.0, "{method:?}: {}", contour.at_s(1.0));
        }
    }

    #[test]
    fn intervals_and_interpolation() {
        let f0_hz = vec![f64::NAN, 100.0, 110.0, f64::NAN, 200.0];
        let contour = Pitch { t1_s: 0.1, step_s: 0.1, f0_hz, duration_s: 0.52, ..Pitch::default() };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let intervals = contour.voiced_intervals_s();
        assert!(near(intervals[0].0, 0.15) && near(intervals[0].1, 0.35) && near(intervals[1].1, 0.52));
        assert!(near(contour.at_s(0.225), 102.5) && near(contour.at_s(0.32), 110.0) && contour.at_s(0.38).is_nan());
        assert!(near(contour.quantile_hz(0.5), 110.0));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(pitch(&[0.0; 100], rate()).unwrap_err().to_string().starts_with("samples: 100 given, at least"));
        assert!(PitchConfig::default().with_ceiling_hz(50.0).build(rate()).is_err());
        assert!(PitchConfig::default().with_floor_hz(5000.0).with_ceiling_hz(6000.0).build(rate()).is_err());
    }
}
