//! Densities of intervals between beats, in ms²/Hz.

use super::frequency::{SpectrumMethod, TrendRemoval};
use super::{FrequencyConfig, SmoothnessPriors};
use crate::entropy::{NoAnswer, mean, slope};
use crate::interpolate::cubic_spline;
use crate::spectrum::{Detrend, MultitaperConfig, PowerSpectrum, WelchConfig, burg, lomb_scargle};
use eir_core::SampleRate;

/// Values after resampling that are allowed: a quarter of a gigabyte.
const MOST: usize = 1 << 25;
/// Highest frequency of a density without resampling.
const HIGHEST_HZ: f64 = 0.5;

/// A density, and how many values there were after resampling and in a segment.
pub(super) struct Density {
    pub(super) power: PowerSpectrum,
    pub(super) resampled: usize,
    pub(super) segment: usize,
}

impl Density {
    /// Power between `low` (included) and `high` (excluded).
    pub(super) fn band(&self, (low, high): (f64, f64)) -> f64 {
        self.power.band_power(low, high).unwrap_or(f64::NAN)
    }

    /// Frequency and power of the highest point of a band.
    pub(super) fn peak(&self, (low, high): (f64, f64)) -> Option<(f64, f64)> {
        let points = self.power.frequencies_hz.iter().copied().zip(self.power.power.iter().copied());
        points.filter(|(f, _)| (low..high).contains(f)).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The density of intervals that are known to be sound and to vary; five at least.
    pub(super) fn of(rr_ms: &[f64], config: &FrequencyConfig) -> Result<Self, NoAnswer> {
        let ends: Vec<f64> = rr_ms
            .iter()
            .scan(0.0, |sum, rr| {
                *sum += rr;
                Some(*sum / 1000.0)
            })
            .collect();
        let times: Vec<f64> = ends.iter().map(|t| t - ends[0]).collect();
        if config.method == SpectrumMethod::LombScargle {
            return lomb(&times, rr_ms, config);
        }
        let count = (times.last().copied().unwrap_or_default() * config.rate_hz).ceil();
        if count > MOST as f64 {
            return Err(NoAnswer::TooMany { given: count as usize, allowed: MOST });
        }
        if count < 8.0 {
            return Err(NoAnswer::TooFew { given: count as usize, needed: 8 });
        }
        let build = || {
            let rate = SampleRate::new(config.rate_hz)?;
            let mut y = cubic_spline(&times, rr_ms)?.sampled(0.0, 1.0 / config.rate_hz, count as usize);
            match config.trend {
                TrendRemoval::Mean => Detrend::Constant.apply(&mut y),
                TrendRemoval::Line => Detrend::Linear.apply(&mut y),
                TrendRemoval::SmoothnessPriors { lambda } => {
                    SmoothnessPriors::default().with_lambda(lambda).remove(&mut y)?;
                }
            }
            let resampled = y.len();
            let (power, segment) = match config.method {
                SpectrumMethod::Autoregressive { order } => {
                    (burg(&y, order.min(resampled - 1))?.power(rate, 1 << 14)?, 0)
                }
                SpectrumMethod::Multitaper { half_bandwidth } => {
                    let tapers = ((2.0 * half_bandwidth) as usize).saturating_sub(1).max(1);
                    let plan = MultitaperConfig::default().with_half_bandwidth(half_bandwidth).with_tapers(tapers);
                    (plan.plan(resampled, rate)?.power(&y)?, resampled)
                }
                _ => {
                    let segment = ((config.segment_s * config.rate_hz) as usize).min(resampled);
                    (WelchConfig::default().with_segment(segment).plan(rate)?.power(&y)?, segment)
                }
            };
            Ok(Self { power, resampled, segment })
        };
        // the intervals are sound: what fails is a spline through beats that rounding makes one
        build().map_err(|_: crate::Error| NoAnswer::OutOfRange)
    }
}

/// The mean of the periodograms of Lomb and Scargle of stretches that overlap by half.
fn lomb(times: &[f64], rr_ms: &[f64], config: &FrequencyConfig) -> Result<Density, NoAnswer> {
    let mut y = rr_ms.to_vec();
    let rise = if config.trend == TrendRemoval::Mean { 0.0 } else { slope(times, rr_ms) };
    let (middle, level) = (mean(times), mean(rr_ms));
    y.iter_mut().zip(times).for_each(|(v, t)| *v -= level + rise * (t - middle));
    let total = times.last().copied().unwrap_or_default();
    let length = config.segment_s.min(total);
    let step = 0.25 / length; // four points to the width of a line
    let frequencies_hz: Vec<f64> = (1..=(HIGHEST_HZ / step) as usize).map(|k| k as f64 * step).collect();
    let mut power = vec![0.0; frequencies_hz.len()];
    let mut parts = 0.0;
    for part in 0..=((total - length) / (length / 2.0)) as usize {
        let from = part as f64 * length / 2.0;
        let range = times.partition_point(|t| *t < from)..times.partition_point(|t| *t <= from + length);
        if range.len() < 5 {
            continue;
        }
        let t: Vec<f64> = times[range.clone()].iter().map(|t| t - from).collect();
        let centre = mean(&y[range.clone()]);
        let y: Vec<f64> = y[range].iter().map(|v| v - centre).collect();
        let spacing = (t[t.len() - 1] - t[0]) / (t.len() - 1) as f64;
        let found = lomb_scargle(&t, &y, &frequencies_hz).map_err(|_| NoAnswer::OutOfRange)?;
        // unnormalised power is the variance of a bin at a rate of one: per Hz it is this
        power.iter_mut().zip(&found.power).for_each(|(p, f)| *p += 2.0 * f * spacing);
        parts += 1.0;
    }
    if parts == 0.0 {
        return Err(NoAnswer::TooFew { given: rr_ms.len(), needed: 5 });
    }
    power.iter_mut().for_each(|p| *p /= parts);
    Ok(Density { power: PowerSpectrum::new(frequencies_hz, power), resampled: 0, segment: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of 3 ms at 0.1 Hz and noise.
    fn series() -> Vec<f64> {
        let mut t = 0.0f64;
        let mut state = 1u32;
        (0..2600)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(state) / f64::from(u32::MAX) - 0.5;
                let rr = 800.0 + 30.0 * (std::f64::consts::TAU * 0.1 * t).sin() + 12.0 * noise;
                t += rr / 1000.0;
                rr
            })
            .collect()
    }

    #[test]
    fn resampled_densities_hold_the_variance_within_two_percent() {
        let rr = series();
        let ends: Vec<f64> = rr
            .iter()
            .scan(0.0, |sum, rr| {
                *sum += rr / 1000.0;
                Some(*sum)
            })
            .collect();
        let times: Vec<f64> = ends.iter().map(|t| t - ends[0]).collect();
        let count = (times[times.len() - 1] * 4.0).ceil() as usize;
        let mut y = cubic_spline(&times, &rr).unwrap().sampled(0.0, 0.25, count);
        Detrend::Linear.apply(&mut y);
        let variance = y.iter().map(|v| v * v).sum::<f64>() / y.len() as f64;
        for method in [SpectrumMethod::Welch, SpectrumMethod::Multitaper { half_bandwidth: 4.0 }] {
            let density = Density::of(&rr, &FrequencyConfig::default().with_method(method)).unwrap();
            let total = density.band((0.0, 3.0));
            assert!((total / variance - 1.0).abs() < 0.02, "{method:?} {total} {variance}");
        }
    }

    #[test]
    fn lomb_and_scargle_hold_the_power_of_a_tone() {
        let config = FrequencyConfig::default().with_method(SpectrumMethod::LombScargle);
        let density = Density::of(&series(), &config).unwrap();
        let power = density.band((0.08, 0.12));
        assert!((power / 450.0 - 1.0).abs() < 0.03, "{power}");
        assert!((density.peak((0.04, 0.15)).unwrap().0 - 0.1).abs() < 0.002);
    }

    #[test]
    fn beats_that_rounding_makes_one_are_no_answer() {
        let mut rr = vec![60_000.0; 200];
        rr[100] = 1e-300;
        assert_eq!(Density::of(&rr, &FrequencyConfig::default()).err(), Some(NoAnswer::OutOfRange));
    }
}
