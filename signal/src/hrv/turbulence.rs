//! Heart-rate turbulence.

use super::check;
use crate::Result;
use crate::entropy::{Measure, NoAnswer, mean, slope};
use eir_core::error::{OutOfRange, Parameter};
use serde::{Deserialize, Serialize};

/// How the rhythm answers a premature ventricular beat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Turbulence {
    /// Turbulence onset in percent, the mean over the beats; below 0 is normal.
    pub onset_percent: Measure,
    /// Turbulence slope in ms per beat, of the mean course; above 2.5 is normal.
    pub slope_ms_per_beat: Measure,
    /// Premature beats that were fit to be used.
    pub used: usize,
}

/// Heart-rate turbulence of the intervals `rr_ms` after the premature beats that end the intervals `premature`.
///
/// # Errors
/// As [`TurbulenceConfig::of`].
pub fn heart_rate_turbulence(rr_ms: &[f64], premature: &[usize]) -> Result<Turbulence> {
    TurbulenceConfig::default().of(rr_ms, premature)
}

/// Settings of heart-rate turbulence.
///
/// **Use it** on a Holter recording in sinus rhythm with five or more premature ventricular beats. **Not** in atrial
/// fibrillation, and not on corrected intervals: the pause is what is measured.
///
/// # Formula
/// Onset: `100 ((r1 + r2) − (r₋2 + r₋1))/(r₋2 + r₋1)`, `r1`, `r2` after the pause and `r₋2`, `r₋1` before the premature
/// beat. Slope: the steepest line over 5 successive of the first 15 intervals of the mean course after the pause. A beat is
/// used if the 5 intervals before and 15 after are 300 to 2000 ms, differ by no more than 200 ms from the one before and
/// by no more than 20 % from the mean of the 5, if its own is 20 % shorter and the pause 20 % longer than that mean.
///
/// # Examples
/// ```
/// let mut rr = vec![800.0; 40];
/// (rr[10], rr[11]) = (500.0, 1100.0);
/// for (k, v) in [760.0, 770.0, 780.0, 790.0, 800.0, 810.0].iter().enumerate() {
///     rr[12 + k] = *v;
/// }
/// let found = eir_signal::hrv::heart_rate_turbulence(&rr, &[10])?;
/// assert!((found.onset_percent? + 4.375).abs() < 1e-12);
/// assert!((found.slope_ms_per_beat? - 10.0).abs() < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Planted courses (example, unit test); no reference values.
///
/// # References
/// Schmidt et al. 1999, doi:10.1016/S0140-6736(98)08428-1. Bauer et al. 2008, doi:10.1016/j.jacc.2008.05.041.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TurbulenceConfig {
    /// Fewest usable premature beats, 1 or more. Default 1; 5 are recommended for an answer about a patient.
    pub least: usize,
    /// Intervals after the pause in which the slope is sought, 5 to 30. Default 15.
    pub followed: usize,
}

impl Default for TurbulenceConfig {
    fn default() -> Self {
        Self { least: 1, followed: 15 }
    }
}

impl TurbulenceConfig {
    /// Sets [`least`](Self::least).
    #[must_use]
    pub fn with_least(self, least: usize) -> Self {
        Self { least, ..self }
    }
    /// Sets [`followed`](Self::followed).
    #[must_use]
    pub fn with_followed(self, followed: usize) -> Self {
        Self { followed, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.least == 0 {
            return Err(Parameter::new("least", 0.0, "1 or more").into());
        }
        if !(5..=30).contains(&self.followed) {
            return Err(Parameter::new("followed", self.followed as f64, "5 to 30").into());
        }
        Ok(())
    }

    /// The turbulence after the premature beats that end the intervals `premature`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite) and [`OutOfRange`] for an interval, and
    /// [`OutOfRange`] for a place beyond the intervals. Too few usable beats are a [`NoAnswer`] in the measures.
    pub fn of(&self, rr_ms: &[f64], premature: &[usize]) -> Result<Turbulence> {
        self.validate()?;
        check(rr_ms, 0)?;
        let places = premature.iter().map(|i| *i as f64);
        OutOfRange::check("premature beat", places, "the index of an interval", |i| i < rr_ms.len() as f64)?;
        let mut onsets = Vec::new();
        let mut course = vec![0.0; self.followed];
        for at in premature {
            let Some((before, after)) = self.usable(rr_ms, *at) else { continue };
            let reference = before[3] + before[4];
            onsets.push(100.0 * (after[0] + after[1] - reference) / reference);
            course.iter_mut().zip(after).for_each(|(c, v)| *c += v);
        }
        let used = onsets.len();
        if used < self.least {
            let why = Err(NoAnswer::TooFew { given: used, needed: self.least });
            return Ok(Turbulence { onset_percent: why, slope_ms_per_beat: why, used });
        }
        course.iter_mut().for_each(|c| *c /= used as f64);
        let steepest =
            course.windows(5).map(|w| slope(&[0.0, 1.0, 2.0, 3.0, 4.0], w)).fold(f64::NEG_INFINITY, f64::max);
        Ok(Turbulence { onset_percent: Ok(mean(&onsets)), slope_ms_per_beat: Ok(steepest), used })
    }

    /// The five intervals before the premature beat and those after the pause, if all are fit.
    fn usable<'a>(&self, rr: &'a [f64], at: usize) -> Option<(&'a [f64], &'a [f64])> {
        let before = rr.get(at.checked_sub(5)?..at)?;
        let after = rr.get(at + 2..at + 2 + self.followed)?;
        let reference = mean(before);
        let fit = |part: &[f64]| {
            part.iter().all(|v| (300.0..=2000.0).contains(v) && (v - reference).abs() <= 0.2 * reference)
                && part.windows(2).all(|w| (w[1] - w[0]).abs() <= 200.0)
        };
        let early = rr[at] <= 0.8 * reference && *rr.get(at + 1)? >= 1.2 * reference;
        (early && fit(before) && fit(after)).then_some((before, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfit_beats_are_not_used() {
        let mut rr = vec![800.0; 60];
        (rr[20], rr[21]) = (500.0, 1100.0);
        assert_eq!(heart_rate_turbulence(&rr, &[20]).unwrap().used, 1);
        assert_eq!(heart_rate_turbulence(&rr, &[3, 30, 55]).unwrap().used, 0);
        rr[30] = 1200.0;
        let found = heart_rate_turbulence(&rr, &[20]).unwrap();
        assert!(found.onset_percent.is_err() && found.slope_ms_per_beat.is_err());
        assert!(heart_rate_turbulence(&rr, &[60]).is_err());
        assert!(heart_rate_turbulence(&[], &[]).unwrap().onset_percent.is_err());
        assert!(TurbulenceConfig::default().with_followed(4).of(&rr, &[20]).is_err());
    }
}
