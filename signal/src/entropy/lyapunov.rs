//! Largest Lyapunov exponent.

use super::sample::embedding;
use super::{Measure, NoAnswer, check, enough, finite, mean, slope};
use crate::Result;
use crate::dispatch::dispatched;
use eir_core::error::Parameter;
use num_complex::Complex64;
use rustfft::FftPlanner;
use serde::{Deserialize, Serialize};

/// The largest Lyapunov exponent of `x` after Rosenstein, per value, embedded with `m = 2`.
///
/// # Errors
/// As [`LyapunovConfig::of`].
pub fn lyapunov_exponent(x: &[f64]) -> Result<f64> {
    LyapunovConfig::default().of(x)
}

/// Settings of the largest Lyapunov exponent.
///
/// **Use it** to ask how fast neighbouring states part, on long series. **Not** as a proof of chaos: noise parts, too,
/// and gives a positive number. The time grows with the square of the length.
///
/// # Formula
/// Each stretch of `m` values is followed together with its nearest neighbour (Euclidean) that is more than the
/// separation away in time; slope over the number of steps of the mean logarithm of their distance.
///
/// # Examples
/// ```
/// // the logistic map doubles a small distance at each step: ln 2 = 0.693 per value
/// let mut v = 0.3;
/// let x: Vec<f64> = (0..2000).map(|_| { v = 4.0 * v * (1.0 - v); v }).collect();
/// let config = eir_signal::entropy::LyapunovConfig::default().with_steps(6).with_separation(Some(1));
/// assert!((config.of(&x)? - 0.693).abs() < 0.1);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// The logistic map above; no reference values.
///
/// # References
/// Rosenstein, Collins, De Luca 1993, doi:10.1016/0167-2789(93)90009-P.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LyapunovConfig {
    /// Values in a stretch, 1 to 20. Default 2.
    pub dimension: usize,
    /// Values from one of a stretch to its next, 1 or more. Default 1.
    pub delay: usize,
    /// Values that neighbours must be apart in time; `None` for the mean period of the series. Default `None`.
    pub separation: Option<usize>,
    /// Values that neighbours are followed for, 2 to 1000. Default 20.
    pub steps: usize,
}

impl Default for LyapunovConfig {
    fn default() -> Self {
        Self { dimension: 2, delay: 1, separation: None, steps: 20 }
    }
}

impl LyapunovConfig {
    /// Sets [`dimension`](Self::dimension).
    #[must_use]
    pub fn with_dimension(self, dimension: usize) -> Self {
        Self { dimension, ..self }
    }
    /// Sets [`delay`](Self::delay).
    #[must_use]
    pub fn with_delay(self, delay: usize) -> Self {
        Self { delay, ..self }
    }
    /// Sets [`separation`](Self::separation).
    #[must_use]
    pub fn with_separation(self, separation: Option<usize>) -> Self {
        Self { separation, ..self }
    }
    /// Sets [`steps`](Self::steps).
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(2..=1000).contains(&self.steps) {
            return Err(Parameter::new("steps", self.steps as f64, "2 to 1000").into());
        }
        embedding(self.dimension, self.delay, 1..=20, "1 to 20")
    }

    /// The exponent of `x`, per value.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer than
    /// `(m − 1)·delay + steps + 2·separation + 2` values, for values that do not vary, and where no neighbours part.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        let reach = (self.dimension - 1).saturating_mul(self.delay);
        enough(x, reach.saturating_add(self.steps + 2))?;
        if x.iter().all(|v| *v == x[0]) {
            return Err(NoAnswer::Constant);
        }
        let separation = self.separation.unwrap_or_else(|| mean_period(x));
        enough(x, separation.saturating_mul(2).saturating_add(reach + self.steps + 2))?;
        let stretches = x.len() - reach;
        let rows: Vec<&[f64]> = (0..self.dimension).map(|k| &x[k * self.delay..k * self.delay + stretches]).collect();
        let followed = stretches - self.steps + 1;
        let neighbours = dispatched(
            #[inline(always)]
            || nearest(&rows, followed, separation),
        );
        let square = |i: usize, j: usize| rows.iter().map(|r| (r[i] - r[j]).powi(2)).sum::<f64>();
        let (mut steps, mut logs) = (Vec::new(), Vec::new());
        for k in 0..self.steps {
            let parted: Vec<f64> = (0..followed)
                .map(|i| square(i + k, neighbours[i] as usize + k))
                .filter(|s| *s > 0.0)
                .map(|s| 0.5 * s.ln())
                .collect();
            if !parted.is_empty() {
                steps.push(k as f64);
                logs.push(mean(&parted));
            }
        }
        if logs.len() < 2 {
            return Err(NoAnswer::NoMatch);
        }
        finite(slope(&steps, &logs))
    }
}

/// The nearest of the first `count` stretches to each, more than `separation` away in time.
#[inline(always)]
fn nearest(rows: &[&[f64]], count: usize, separation: usize) -> Vec<u32> {
    let mut squares = vec![0.0; count];
    (0..count)
        .map(|i| {
            squares.fill(0.0);
            for row in rows {
                let v = row[i];
                squares.iter_mut().zip(&row[..count]).for_each(|(s, w)| *s += (w - v) * (w - v));
            }
            let near = i.saturating_sub(separation)..(i + separation + 1).min(count);
            squares[near].fill(f64::INFINITY);
            // the least, many at a time, and then its place
            let (chunks, rest) = squares.as_chunks::<8>();
            let mut lanes = [f64::INFINITY; 8];
            for chunk in chunks {
                lanes.iter_mut().zip(chunk).for_each(|(l, s)| *l = if *s < *l { *s } else { *l });
            }
            let least = lanes.iter().chain(rest).fold(f64::INFINITY, |a, s| a.min(*s));
            squares.iter().position(|s| *s == least).unwrap_or(0) as u32
        })
        .collect()
}

/// The reciprocal of the mean frequency of the power spectrum, in values, rounded up.
fn mean_period(x: &[f64]) -> usize {
    let centre = mean(x);
    let mut spectrum: Vec<Complex64> = x.iter().map(|v| Complex64::new(v - centre, 0.0)).collect();
    FftPlanner::new().plan_fft_forward(x.len()).process(&mut spectrum);
    let half = x.len() / 2;
    let power = spectrum[..=half].iter().map(Complex64::norm_sqr);
    let total: f64 = power.clone().sum();
    let weighted: f64 = power.enumerate().map(|(k, p)| p * 0.5 * k as f64 / half as f64).sum();
    let period = (total / weighted).ceil();
    if period.is_finite() { period as usize } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_does_not_part() {
        let tone: Vec<f64> = (0..800).map(|i| (f64::from(i) * 0.618).sin()).collect();
        assert!(lyapunov_exponent(&tone).unwrap().abs() < 0.02);
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(lyapunov_exponent(&[1.0; 100]).unwrap_err().to_string().contains("do not vary"));
        assert!(lyapunov_exponent(&[1.0, 2.0, 3.0]).is_err());
        let x: Vec<f64> = (0..60).map(f64::from).collect();
        assert!(LyapunovConfig::default().with_separation(Some(usize::MAX)).of(&x).is_err());
        assert!(LyapunovConfig::default().with_steps(1).of(&x).is_err());
    }
}
