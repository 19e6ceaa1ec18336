//! One-Euro filter: calm at rest, quick in movement, live.

use crate::Result;
use eir_core::error::{Mismatch, Parameter};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Smooths `x` with the default settings.
///
/// # Errors
/// As [`OneEuro::filter`].
pub fn one_euro(times_s: &[f64], x: &[f64]) -> Result<Vec<f64>> {
    OneEuroConfig::default().build()?.filter(times_s, x)
}

/// Which value before the change is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DerivativeOf {
    /// The filtered value before, as most programs do. The default.
    #[default]
    Filtered,
    /// The raw value before, as in the code of the original paper.
    Raw,
}

/// Settings of [`OneEuro`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OneEuroConfig {
    /// Cut-off at rest in Hz, above 0. Default 1. Lower is calmer, and lags more.
    pub min_cutoff_hz: f64,
    /// How much the cut-off rises with speed, 0 or more, in Hz per (unit per second). Default 0.007.
    pub beta: f64,
    /// Cut-off of the speed in Hz, above 0. Default 1 (reference 1 of [`OneEuro`]).
    pub derivative_cutoff_hz: f64,
    /// Which value before the speed is measured against. Default the filtered one.
    pub derivative_of: DerivativeOf,
}

impl Default for OneEuroConfig {
    fn default() -> Self {
        Self { min_cutoff_hz: 1.0, beta: 0.007, derivative_cutoff_hz: 1.0, derivative_of: DerivativeOf::Filtered }
    }
}

impl OneEuroConfig {
    /// Sets [`min_cutoff_hz`](Self::min_cutoff_hz).
    #[must_use]
    pub fn with_min_cutoff_hz(self, min_cutoff_hz: f64) -> Self {
        Self { min_cutoff_hz, ..self }
    }

    /// Sets [`beta`](Self::beta).
    #[must_use]
    pub fn with_beta(self, beta: f64) -> Self {
        Self { beta, ..self }
    }

    /// Sets [`derivative_cutoff_hz`](Self::derivative_cutoff_hz).
    #[must_use]
    pub fn with_derivative_cutoff_hz(self, derivative_cutoff_hz: f64) -> Self {
        Self { derivative_cutoff_hz, ..self }
    }

    /// Sets [`derivative_of`](Self::derivative_of).
    #[must_use]
    pub fn with_derivative_of(self, derivative_of: DerivativeOf) -> Self {
        Self { derivative_of, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let frequency = |v: f64| v > 0.0 && v <= 1e6;
        let checks = [
            ("min_cutoff_hz", self.min_cutoff_hz, frequency(self.min_cutoff_hz), "above 0 and at most 1e6 Hz"),
            ("beta", self.beta, self.beta.is_finite() && self.beta >= 0.0, "finite, 0 or more"),
            (
                "derivative_cutoff_hz",
                self.derivative_cutoff_hz,
                frequency(self.derivative_cutoff_hz),
                "above 0 and at most 1e6 Hz",
            ),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, rule)) => Err(Parameter::new(name, value, rule).into()),
            None => Ok(()),
        }
    }

    /// Makes the filter.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<OneEuro> {
        self.validate()?;
        Ok(OneEuro { config: self })
    }
}

/// A low-pass whose cut-off rises with the speed of what it follows.
///
/// **Use it** live, on single coordinates or angles: little jitter at rest, little lag in movement. **Not** on recordings:
/// there [`KalmanSmoother`](super::KalmanSmoother) has no lag at all, and an error bar.
///
/// # Formula
/// With `a(f) = 1 / (1 + 1 / (2π f Δt))`: `d = (x − y₋) / Δt`, `e = a(f_d) d + (1 − a(f_d)) e₋`, `f = f_min + β |e|`,
/// `y = a(f) x + (1 − a(f)) y₋`; it starts with `y = x` and `e = 0`.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::OneEuroConfig;
/// let mut live = OneEuroConfig::default().with_min_cutoff_hz(1.0).with_beta(0.0).build()?.stream();
/// assert_eq!(live.push(0.0, 10.0)?, 10.0);
/// let second = live.push(1.0 / 30.0, 40.0)?;
/// assert!((second - 15.1949).abs() < 1e-3);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Within 1e-10 of the reference values for four settings at even and uneven times (`cargo xtask golden vision`,
/// `filters/smoothing.json`); the live form gives the same bits as the whole recording.
///
/// # References
/// Casiez, Roussel, Vogel 2012, doi:10.1145/2207676.2208639.
#[derive(Debug, Clone, PartialEq)]
pub struct OneEuro {
    config: OneEuroConfig,
}

impl OneEuro {
    /// Filters `x`, seen at `times_s`. A value that is not finite gives NaN and is passed over.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for lengths that differ,
    /// [`Error::Parameter`](crate::Error::Parameter) if the times do not rise.
    pub fn filter(&self, times_s: &[f64], x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.filter_into(times_s, x, &mut y)?;
        Ok(y)
    }

    /// As [`filter`](Self::filter), into a buffer of the caller's: allocates nothing.
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_into(&self, times_s: &[f64], x: &[f64], y: &mut [f64]) -> Result<()> {
        Mismatch::check("times", x.len(), times_s.len())?;
        Mismatch::check("filtered values", x.len(), y.len())?;
        let mut stream = self.stream();
        for ((y, x), t) in y.iter_mut().zip(x).zip(times_s) {
            *y = stream.push(*t, *x)?;
        }
        Ok(())
    }

    /// The same filter for values as they come.
    #[must_use]
    pub fn stream(&self) -> OneEuroStream {
        OneEuroStream { config: self.config.clone(), last: None }
    }
}

/// A [`OneEuro`] filter that takes one value at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct OneEuroStream {
    config: OneEuroConfig,
    last: Option<Last>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Last {
    time_s: f64,
    raw: f64,
    filtered: f64,
    speed: f64,
}

impl OneEuroStream {
    /// Takes a value and gives the filtered one. A value that is not finite gives NaN, and the next one is filtered
    /// against the one before it.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if the time is not finite or not later than the one before.
    pub fn push(&mut self, time_s: f64, x: f64) -> Result<f64> {
        self.push_in(1.0, time_s, x)
    }

    /// As [`push`](Self::push), the speed in so many units per second: how far is fast depends on the size of what moves.
    pub(crate) fn push_in(&mut self, unit: f64, time_s: f64, x: f64) -> Result<f64> {
        let step = self.last.map_or(f64::INFINITY, |last| time_s - last.time_s);
        if !time_s.is_finite() || step.is_nan() || step <= 0.0 {
            return Err(Parameter::new("time_s", time_s, "finite and later than the time before").into());
        }
        if !x.is_finite() {
            return Ok(f64::NAN);
        }
        let Some(last) = self.last else {
            self.last = Some(Last { time_s, raw: x, filtered: x, speed: 0.0 });
            return Ok(x);
        };
        let share = |cutoff_hz: f64| 1.0 / (1.0 + 1.0 / (TAU * cutoff_hz) / step);
        let before = if self.config.derivative_of == DerivativeOf::Raw { last.raw } else { last.filtered };
        let a = share(self.config.derivative_cutoff_hz);
        let speed = a * ((x - before) / step / unit) + (1.0 - a) * last.speed;
        let a = share(self.config.min_cutoff_hz + self.config.beta * speed.abs());
        let filtered = a * x + (1.0 - a) * last.filtered;
        self.last = Some(Last { time_s, raw: x, filtered, speed });
        Ok(filtered)
    }

    /// Forgets what it has seen.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_equals_the_recording_bit_for_bit() {
        let times: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.03 + f64::from(i % 7) * 0.001).collect();
        let x: Vec<f64> =
            (0..200).map(|i| if i % 31 == 3 { f64::NAN } else { (f64::from(i) * 0.1).sin() * 50.0 }).collect();
        for of in [DerivativeOf::Filtered, DerivativeOf::Raw] {
            let filter = OneEuroConfig::default().with_beta(0.3).with_derivative_of(of).build().unwrap();
            let whole = filter.filter(&times, &x).unwrap();
            let mut live = filter.stream();
            for ((t, x), y) in times.iter().zip(&x).zip(&whole) {
                assert_eq!(live.push(*t, *x).unwrap().to_bits(), y.to_bits());
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(one_euro(&[0.0, 0.0], &[1.0, 2.0]).is_err());
        assert!(one_euro(&[0.0, f64::NAN], &[1.0, 2.0]).is_err());
        assert!(one_euro(&[0.0], &[1.0, 2.0]).is_err());
        assert!(OneEuroConfig::default().with_min_cutoff_hz(0.0).build().is_err());
        assert!(OneEuroConfig::default().with_beta(f64::NAN).build().is_err());
        assert!(one_euro(&[], &[]).unwrap().is_empty());
    }
}
