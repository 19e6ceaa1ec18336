//! Shimmer: how much the amplitude changes from one period to the next.

use crate::{PeriodRule, PointProcess, Result};
use eir_core::SampleRate;
use eir_core::error::NotFinite;
use serde::{Deserialize, Serialize};

/// The six usual measures of shimmer. Each is NaN where there are too few periods.
///
/// **Use them** on a sustained vowel of some seconds, recorded at one distance. **Not** on running speech as if it were
/// one, and not to compare with tools that take the peak of each period: here, as in Praat, the amplitude of a period is
/// the root mean square around its point, which reads some 10 % more.
///
/// # Formula
/// A_i = the root mean square under a Hann window around point i that reaches 0.2 periods to each side. local = mean |A_i − A_{i−1}| / mean A;
/// local_db = mean |20 log10(A_i / A_{i−1})|; apqN = mean |A_i − mean of the N amplitudes around it| / mean A;
/// dda = 3 apq3.
///
/// # Examples
/// ```
/// use eir_audio::{PeriodRule, PointProcess, SampleRate, Shimmer, pitch};
/// let rate = SampleRate::new(16_000.0)?;
/// // each second period 10 % quieter
/// let loud = |i: usize| if i / 160 % 2 == 0 { 1.0 } else { 0.9 };
/// let wave = |i: usize| (std::f32::consts::TAU * 100.0 * i as f32 / 16_000.0).sin();
/// let voice: Vec<f32> = (0..16_000).map(|i| loud(i) * wave(i)).collect();
/// let points = PointProcess::of(&voice, rate, &pitch(&voice, rate)?)?;
/// let shimmer = Shimmer::of(&voice, rate, &points, &PeriodRule::default())?;
/// assert!((shimmer.local - 0.1 / 0.95).abs() < 0.005, "{}", shimmer.local);
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`of`](Self::of).
///
/// # Validation
/// Equals Praat 6.1.38 within 1 % on the reference records.
///
/// # References
/// Baken, Orlikoff 2000, Clinical Measurement of Speech and Voice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shimmer {
    /// Mean difference of neighbouring amplitudes over the mean amplitude.
    pub local: f64,
    /// Mean level difference of neighbouring amplitudes in dB.
    pub local_db: f64,
    /// Three-point amplitude perturbation quotient.
    pub apq3: f64,
    /// Five-point amplitude perturbation quotient.
    pub apq5: f64,
    /// Eleven-point amplitude perturbation quotient.
    pub apq11: f64,
    /// Mean difference of the differences of neighbouring amplitudes: three times `apq3`.
    pub dda: f64,
}

impl Shimmer {
    /// The shimmer of a sound whose periods are marked.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number,
    /// [`Error::Parameter`](crate::Error::Parameter) if the rule is out of range.
    pub fn of(samples: &[f32], rate: SampleRate, points: &PointProcess, rule: &PeriodRule) -> Result<Self> {
        NotFinite::check_f32("sample", samples)?;
        rule.validate()?;
        let tier = amplitudes(samples, rate, &points.points_s, rule);
        // Praat's mean of all amplitudes but the last
        let mean = tier.iter().rev().skip(1).map(|a| a.1).sum::<f64>() / tier.len().saturating_sub(1) as f64;
        let middle = |a: &[f64]| (a[a.len() / 2] - a.iter().sum::<f64>() / a.len() as f64).abs();
        let apq3 = perturbation(&tier, rule, 3, middle) / mean;
        Ok(Self {
            local: perturbation(&tier, rule, 2, |a| (a[0] - a[1]).abs()) / mean,
            local_db: perturbation(&tier, rule, 2, |a| (20.0 * (a[1] / a[0]).log10()).abs()),
            apq3,
            apq5: perturbation(&tier, rule, 5, middle) / mean,
            apq11: perturbation(&tier, rule, 11, middle) / mean,
            dda: 3.0 * apq3,
        })
    }
}

/// Time and amplitude of each point between two periods that the rule allows.
fn amplitudes(samples: &[f32], rate: SampleRate, points_s: &[f64], rule: &PeriodRule) -> Vec<(f64, f64)> {
    let periods = points_s.windows(3).map(|w| (w[1], w[1] - w[0], w[2] - w[1]));
    let allowed = periods.filter(|(_, a, b)| rule.fits(*a) && rule.fits(*b) && rule.alike(*a, *b));
    allowed
        .filter_map(|(at, before, after)| {
            let amplitude = windowed_rms(samples, rate, at, 0.2 * before, 0.2 * after)?;
            (amplitude > 0.0).then_some((at, amplitude))
        })
        .collect()
}

/// The root mean square around `at_s` under a Hann window that reaches `left_s` and `right_s`.
fn windowed_rms(samples: &[f32], rate: SampleRate, at_s: f64, left_s: f64, right_s: f64) -> Option<f64> {
    let place = |t: f64| t * rate.hz() - 0.5;
    let first = place(at_s - left_s).ceil().max(0.0) as usize;
    let last = (place(at_s + right_s).floor().max(0.0) as usize).min(samples.len().checked_sub(1)?);
    let part = samples.get(first..=last).filter(|p| p.len() >= 3)?;
    let (mut sum, mut weights) = (0.0, 0.0);
    for (x, i) in part.iter().zip(first..) {
        let off = (i as f64 + 0.5) / rate.hz() - at_s;
        let weight = 0.5 + 0.5 * (std::f64::consts::PI * off / if off < 0.0 { left_s } else { right_s }).cos();
        sum += (f64::from(*x) * weight).powi(2);
        weights += weight * weight;
    }
    Some((sum / weights).sqrt())
}

/// The mean of `distance` over all runs of `n` neighbouring amplitudes that the rule allows.
fn perturbation(tier: &[(f64, f64)], rule: &PeriodRule, n: usize, distance: impl Fn(&[f64]) -> f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0usize);
    let mut values = [0.0; 11];
    for run in tier.windows(n) {
        let alike = |a: f64, b: f64| a.max(b) <= rule.most_amplitude_factor * a.min(b);
        if run.windows(2).all(|w| rule.fits(w[1].0 - w[0].0) && alike(w[0].1, w[1].1)) {
            let values = &mut values[..n.min(11)];
            values.iter_mut().zip(run).for_each(|(v, a)| *v = a.1);
            sum += distance(values);
            count += 1;
        }
    }
    if count == 0 { f64::NAN } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_at_pauses_and_jumps() {
        let rule = PeriodRule::default();
        let tier = [(0.0, 1.0), (0.01, 1.1), (0.5, 1.0), (0.51, 2.0), (0.52, 2.2)];
        let local = perturbation(&tier, &rule, 2, |a| (a[0] - a[1]).abs());
        assert!((local - 0.15).abs() < 1e-12); // 1.0–1.1 and 2.0–2.2
        assert!(perturbation(&tier, &rule, 3, |_| 0.0).is_nan());
    }

    #[test]
    fn a_steady_tone_has_none() {
        let rate = SampleRate::new(16_000.0).unwrap();
        let tone: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.05).cos()).collect();
        let points_s = (1..120).map(|i| f64::from(i) * std::f64::consts::TAU / 0.05 / 16_000.0).collect();
        let shimmer = Shimmer::of(&tone, rate, &PointProcess { points_s }, &PeriodRule::default()).unwrap();
        assert!(shimmer.local < 2e-3 && shimmer.apq11 < 2e-3, "{shimmer:?}");
        let none = Shimmer::of(&[], rate, &PointProcess::default(), &PeriodRule::default()).unwrap();
        assert!(none.local.is_nan());
    }
}
