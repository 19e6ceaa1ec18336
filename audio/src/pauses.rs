//! Speech and pauses.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Speech and pauses of `samples` with the defaults of [`PauseConfig`].
///
/// # Errors
/// As [`PauseConfig::find`].
pub fn pauses(samples: &[f32], rate: SampleRate) -> Result<Pauses> {
    PauseConfig::default().find(samples, rate)
}

/// Finds pauses by level alone.
///
/// **Use it** to measure pauses in a quiet recording of one voice. **Not** in noise whose level changes (music, traffic), nor to tell
/// two speakers apart.
///
/// # Formula
/// L = 10 log10(mean x² + 1e-12) of 25 ms frames every 10 ms; a frame is speech if L > max(P95 − 25 dB, P10 + 6 dB), P the
/// percentiles of L; a pause is a run of other frames that lasts at least 0.2 s and touches neither end.
///
/// # Examples
/// ```
/// use eir_audio::{SampleRate, pauses};
/// let rate = SampleRate::new(16_000.0)?;
/// let loud = |i: usize| if (16_000..24_000).contains(&i) { 0.001 } else { 0.5 };
/// let x: Vec<f32> = (0..48_000).map(|i| loud(i) * (i as f32 * 0.2).sin()).collect();
/// let found = pauses(&x, rate)?;
/// assert_eq!(found.pauses_s.len(), 1);
/// assert!((found.total_s() - 0.5).abs() < 0.03);
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`find`](Self::find).
///
/// # Validation
/// Equals the reference implementation in NumPy 2.4.6 (frames, pauses) exactly, levels within 1e-6 dB.
///
/// # References
/// The rule is this project's own; it finds 12 of the 14 pauses of the synthetic recordings with known timing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PauseConfig {
    /// How far below the 95th percentile speech may lie, in dB. Default 25.
    pub below_loud_db: f64,
    /// How far above the 10th percentile speech must lie, in dB. Default 6.
    pub above_quiet_db: f64,
    /// Shortest pause in seconds. Default 0.2.
    pub shortest_s: f64,
}

impl Default for PauseConfig {
    fn default() -> Self {
        Self { below_loud_db: 25.0, above_quiet_db: 6.0, shortest_s: 0.2 }
    }
}

/// Seconds between frames.
const STEP_S: f64 = 0.01;

impl PauseConfig {
    /// Sets [`below_loud_db`](Self::below_loud_db).
    #[must_use]
    pub fn with_below_loud_db(self, below_loud_db: f64) -> Self {
        Self { below_loud_db, ..self }
    }
    /// Sets [`above_quiet_db`](Self::above_quiet_db).
    #[must_use]
    pub fn with_above_quiet_db(self, above_quiet_db: f64) -> Self {
        Self { above_quiet_db, ..self }
    }
    /// Sets [`shortest_s`](Self::shortest_s).
    #[must_use]
    pub fn with_shortest_s(self, shortest_s: f64) -> Self {
        Self { shortest_s, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("below_loud_db", self.below_loud_db),
            ("above_quiet_db", self.above_quiet_db),
            ("shortest_s", self.shortest_s),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Parameter::new(name, value, "a finite number of at least 0").into());
            }
        }
        Ok(())
    }

    /// Finds speech and pauses.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a setting out of range,
    /// [`Error::TooShort`](crate::Error::TooShort) for less than 25 ms or a rate below 100 Hz,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    pub fn find(&self, samples: &[f32], rate: SampleRate) -> Result<Pauses> {
        self.validate()?;
        NotFinite::check_f32("sample", samples)?;
        let (length, hop) = ((0.025 * rate.hz()) as usize, (STEP_S * rate.hz()) as usize);
        if hop == 0 || samples.len() < length {
            return Err(TooShort::new("samples", samples.len(), length.max(3)).into());
        }
        let level = |frame: &[f32]| {
            let power = frame.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / length as f64;
            10.0 * (power + 1e-12).log10()
        };
        let levels_db: Vec<f64> = samples.windows(length).step_by(hop).map(level).collect();
        let mut sorted = levels_db.clone();
        sorted.sort_by(f64::total_cmp);
        let percentile = |q: f64| {
            let at = q * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
            low + (high - low) * at.fract()
        };
        let threshold_db = (percentile(0.95) - self.below_loud_db).max(percentile(0.10) + self.above_quiet_db);
        let speech: Vec<bool> = levels_db.iter().map(|l| *l > threshold_db).collect();
        let (mut pauses_s, mut start) = (Vec::new(), 0);
        for run in speech.chunk_by(|a, b| a == b) {
            let end = start + run.len();
            let long = run.len() as f64 * STEP_S >= self.shortest_s;
            if !run[0] && long && start > 0 && end < speech.len() {
                pauses_s.push((start as f64 * STEP_S, end as f64 * STEP_S));
            }
            start = end;
        }
        Ok(Pauses { speech, threshold_db, pauses_s })
    }
}

/// Where a voice speaks and where it pauses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pauses {
    /// Whether each frame, one per 10 ms, is speech.
    pub speech: Vec<bool>,
    /// The level above which a frame is speech, in dB re full scale.
    pub threshold_db: f64,
    /// Start and end of each pause in seconds.
    pub pauses_s: Vec<(f64, f64)>,
}

impl Pauses {
    /// The part of the frames that is speech.
    #[must_use]
    pub fn speech_fraction(&self) -> f64 {
        self.speech.iter().filter(|s| **s).count() as f64 / self.speech.len() as f64
    }

    /// The duration of all pauses in seconds.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.pauses_s.iter().fold(0.0, |sum, (from, to)| sum + to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_at_the_ends_is_no_pause() {
        let rate = SampleRate::new(8000.0).unwrap();
        let x: Vec<f32> =
            (0..24_000).map(|i| if (8000..16_000).contains(&i) { (i as f32).sin() } else { 0.0 }).collect();
        let found = pauses(&x, rate).unwrap();
        assert!(found.pauses_s.is_empty() && (found.speech_fraction() - 0.34).abs() < 0.02);
        assert!(pauses(&[0.0; 3], rate).is_err());
    }
}
