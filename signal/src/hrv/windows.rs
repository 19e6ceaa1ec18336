//! Measures over a day, window by window.

use super::{FrequencyConfig, FrequencyDomain, Nonlinear, NonlinearConfig, TimeDomain, check, time_domain};
use crate::Result;
use crate::entropy::{Neighbours, NoAnswer};
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The measures of one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HrvWindow {
    /// Start in seconds from the start of the first interval.
    pub start_s: f64,
    /// Index of the first interval that ends in it.
    pub first: usize,
    /// How many intervals end in it.
    pub intervals: usize,
    /// Time domain.
    pub time: std::result::Result<TimeDomain, NoAnswer>,
    /// Frequency domain.
    pub frequency: FrequencyDomain,
    /// Nonlinear measures; none if they were not asked for.
    pub nonlinear: Option<Nonlinear>,
}

/// The measures of each 5 min of the intervals `rr_ms`.
///
/// # Errors
/// As [`WindowConfig::of`].
pub fn windows(rr_ms: &[f64]) -> Result<Vec<HrvWindow>> {
    WindowConfig::default().of(rr_ms)
}

/// Settings of measures window by window.
///
/// **Use it** for a Holter recording: variability is a property of minutes, not of a day. **Not** on intervals with gaps
/// (give each stretch by itself).
///
/// # Formula
/// A window holds the intervals that end in `[start, start + length)`; windows start every `step` and the last is whole.
///
/// # Examples
/// ```
/// let rr: Vec<f64> = (0..2000u32).map(|i| 800.0 + f64::from(i * i % 101)).collect(); // 28 min
/// let found = eir_signal::hrv::windows(&rr)?;
/// assert_eq!(found.len(), 5);
/// assert!(found.iter().all(|w| w.frequency.hf_ms2.is_ok() && (300..400).contains(&w.intervals)));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Each window's measures are those of the single functions on its intervals (unit test).
///
/// # References
/// Task Force 1996, doi:10.1161/01.CIR.93.5.1043.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WindowConfig {
    /// Length in seconds, 10 to 86 400. Default 300.
    pub length_s: f64,
    /// From one start to the next in seconds, 1 to 86 400. Default 300.
    pub step_s: f64,
    /// Settings of the frequency domain. Default: those of [`FrequencyConfig`], with VLF from 290 s on, because the
    /// intervals that end in a window of 300 s seldom add up to all of it.
    pub frequency: FrequencyConfig,
    /// Settings of the nonlinear measures; `None` leaves them out. Default: those of [`NonlinearConfig`].
    pub nonlinear: Option<NonlinearConfig>,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            length_s: 300.0,
            step_s: 300.0,
            frequency: FrequencyConfig::default().with_least_s([290.0, 120.0, 60.0]),
            nonlinear: Some(NonlinearConfig::default()),
        }
    }
}

impl WindowConfig {
    /// Sets [`length_s`](Self::length_s).
    #[must_use]
    pub fn with_length_s(self, length_s: f64) -> Self {
        Self { length_s, ..self }
    }
    /// Sets [`step_s`](Self::step_s).
    #[must_use]
    pub fn with_step_s(self, step_s: f64) -> Self {
        Self { step_s, ..self }
    }
    /// Sets [`frequency`](Self::frequency).
    #[must_use]
    pub fn with_frequency(self, frequency: FrequencyConfig) -> Self {
        Self { frequency, ..self }
    }
    /// Sets [`nonlinear`](Self::nonlinear).
    #[must_use]
    pub fn with_nonlinear(self, nonlinear: Option<NonlinearConfig>) -> Self {
        Self { nonlinear, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(10.0..=86_400.0).contains(&self.length_s) {
            return Err(Parameter::new("length_s", self.length_s, "10 to 86400 s").into());
        }
        if !(1.0..=86_400.0).contains(&self.step_s) {
            return Err(Parameter::new("step_s", self.step_s, "1 to 86400 s").into());
        }
        self.frequency.validate()?;
        self.nonlinear.as_ref().map_or(Ok(()), NonlinearConfig::validate)
    }

    /// The measures of each window of the intervals `rr_ms`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite) and
    /// [`OutOfRange`](eir_core::error::OutOfRange) for an interval.
    pub fn of(&self, rr_ms: &[f64]) -> Result<Vec<HrvWindow>> {
        self.validate()?;
        check(rr_ms, 0)?;
        let ends: Vec<f64> = rr_ms
            .iter()
            .scan(0.0, |sum, rr| {
                *sum += rr / 1000.0;
                Some(*sum)
            })
            .collect();
        let total = ends.last().copied().unwrap_or_default();
        let mut buffers = Neighbours::default();
        let count = if total < self.length_s { 0 } else { ((total - self.length_s) / self.step_s) as usize + 1 };
        let windows = (0..count).map(|k| {
            let start_s = k as f64 * self.step_s;
            let first = ends.partition_point(|t| *t < start_s);
            let last = ends.partition_point(|t| *t < start_s + self.length_s);
            let rr = &rr_ms[first..last];
            let time = time_domain(rr).map_err(|_| NoAnswer::TooFew { given: rr.len(), needed: 3 });
            let frequency = self.frequency.measure(rr);
            let nonlinear = self.nonlinear.as_ref().map(|config| config.measure(rr, &mut buffers));
            HrvWindow { start_s, first, intervals: rr.len(), time, frequency, nonlinear }
        });
        Ok(windows.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_its_intervals() {
        let rr: Vec<f64> = (0..3000u32).map(|i| 700.0 + f64::from(i * i % 101)).collect();
        let config = WindowConfig::default().with_step_s(150.0);
        let found = config.of(&rr).unwrap();
        let total: f64 = rr.iter().sum::<f64>() / 1000.0;
        assert_eq!(found.len(), ((total - 300.0) / 150.0) as usize + 1);
        for w in &found {
            let part = &rr[w.first..w.first + w.intervals];
            assert_eq!(w.time.unwrap().rmssd_ms, time_domain(part).unwrap().rmssd_ms);
            assert_eq!(w.frequency, config.frequency.of(part).unwrap());
            assert_eq!(w.nonlinear.as_ref().unwrap(), &crate::hrv::nonlinear(part).unwrap());
        }
    }

    #[test]
    fn short_and_strange_series_have_no_window_or_no_answer() {
        assert!(windows(&[]).unwrap().is_empty() && windows(&[800.0; 100]).unwrap().is_empty());
        let slow = windows(&[59_000.0; 20]).unwrap();
        assert!(slow.iter().all(|w| w.frequency.lf_ms2.is_err() && w.time.is_ok()));
        let single = WindowConfig::default().with_length_s(20.0).with_step_s(20.0).of(&[59_000.0; 2]).unwrap();
        assert!(single.iter().all(|w| w.time.is_err() && w.intervals <= 1));
        assert!(windows(&[800.0, f64::INFINITY]).is_err());
        assert!(WindowConfig::default().with_length_s(f64::NAN).of(&[800.0]).is_err());
    }
}
