//! The filters that the baseline methods share.

use crate::filter::Chebyshev1Config;
use crate::{Band, ButterworthConfig, Result, SosFilter};
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};
use std::f64::consts::PI;

fn rate() -> std::result::Result<SampleRate, Parameter> {
    SampleRate::new(super::RATE_HZ)
}

fn zero_phase(x: &[f64], band: Band, order: usize, edge: usize) -> Result<Vec<f64>> {
    let filter = ButterworthConfig::new(band).with_order(order).design(rate()?)?;
    let mut y = vec![0.0; x.len()];
    filter.zero_phase_padded(x, edge, &mut y, &mut Vec::with_capacity(x.len() + 2 * edge))?;
    Ok(y)
}

/// Low-pass, passed twice, continued at the ends by 3 times the order as MATLAB's `filtfilt` does.
pub(super) fn low_pass(x: &[f64], order: usize, cutoff_hz: f64) -> Result<Vec<f64>> {
    zero_phase(x, Band::Low { cutoff_hz }, order, 3 * order)
}

/// As [`low_pass`], for a signal of `rate_hz`.
pub(super) fn low_pass_at(x: &[f64], rate_hz: f64, order: usize, cutoff_hz: f64) -> Result<Vec<f64>> {
    let filter = ButterworthConfig::new(Band::Low { cutoff_hz }).with_order(order).design(SampleRate::new(rate_hz)?)?;
    let mut y = vec![0.0; x.len()];
    filter.zero_phase_padded(x, 3 * order, &mut y, &mut Vec::new())?;
    Ok(y)
}

/// Band-pass of first order, as above.
pub(super) fn band_pass(x: &[f64], low_hz: f64, high_hz: f64) -> Result<Vec<f64>> {
    zero_phase(x, Band::Pass { low_hz, high_hz }, 1, 6)
}

/// Means of `step` samples; what is left over is dropped.
pub(super) fn means(x: &[f64], step: usize) -> Result<Vec<f64>> {
    if x.len() < step {
        return Err(TooShort::new("samples of the heart rate", x.len(), step).into());
    }
    Ok(x.chunks_exact(step).map(|c| c.iter().sum::<f64>() / step as f64).collect())
}

/// Takes every `step`-th sample of a signal without what `step` cannot carry.
#[derive(Debug)]
pub(super) struct Decimator {
    filter: SosFilter,
    step: usize,
    wide: Vec<f64>,
    work: Vec<f64>,
}

impl Decimator {
    const ORDER: usize = 8;

    /// Butterworth, its edge at 10/11 of what `step` can carry.
    pub(super) fn butterworth(step: usize) -> Result<Self> {
        let cutoff_hz = super::RATE_HZ / (2.2 * step as f64);
        let filter = ButterworthConfig::new(Band::Low { cutoff_hz }).with_order(Self::ORDER).design(rate()?)?;
        Ok(Self { filter, step, wide: Vec::new(), work: Vec::new() })
    }

    /// MATLAB's `decimate`: Chebyshev of the first kind, 0.05 dB, its edge at 0.8 of what `step` can carry.
    pub(super) fn chebyshev(step: usize) -> Result<Self> {
        let cutoff_hz = 0.8 * super::RATE_HZ / (2.0 * step as f64);
        let low = Chebyshev1Config::new(Band::Low { cutoff_hz }).with_ripple_db(0.05);
        let filter = low.with_order(Self::ORDER).design(rate()?)?;
        Ok(Self { filter, step, wide: Vec::new(), work: Vec::new() })
    }

    pub(super) fn points(&mut self, x: &[f64], points: &mut Vec<f64>) -> Result<()> {
        self.wide.resize(x.len(), 0.0);
        self.filter.zero_phase_padded(x, 3 * Self::ORDER, &mut self.wide, &mut self.work)?;
        points.clear();
        points.extend(self.wide.iter().step_by(self.step));
        Ok(())
    }
}

/// The way back: zeros between the points, and a low-pass of `8 step + 2` taps that lets half of the points' band pass.
/// Its middle lies between two samples, so that everything comes half a sample early, as in the reference tool.
#[derive(Debug)]
pub(super) struct Expander {
    /// For each sample between two points the weights of the [`TAPS`](Self::TAPS) points around.
    phases: Vec<[f64; Self::TAPS]>,
    hold: bool,
}

impl Expander {
    /// Points that count for a sample: four before it, itself and five behind.
    const TAPS: usize = 10;
    const BEFORE: usize = 4;
    /// Samples of the response from 0 to half the rate that the low-pass is designed by.
    const GRID: f64 = 512.0;

    /// With `hold`, the first and the last point go on outside; without, there is 0.
    pub(super) fn new(step: usize, hold: bool) -> Self {
        let (cut, half) = (0.5 * Self::GRID / step as f64, 4.0 * step as f64 + 0.5);
        // the response falls along a straight line within the sample of the grid before the cut
        let kernel = |samples: f64| {
            let wave = |k: usize| (cut - k as f64).min(1.0) * (PI * k as f64 * samples / Self::GRID).cos();
            let response = 1.0 + 2.0 * (1..=cut as usize).map(wave).sum::<f64>();
            if samples.abs() <= half { response * (0.54 + 0.46 * (PI * samples / half).cos()) } else { 0.0 }
        };
        let weight =
            |phase: usize, tap: usize| kernel(phase as f64 + 0.5 - (tap as f64 - Self::BEFORE as f64) * step as f64);
        let mut phases: Vec<[f64; Self::TAPS]> =
            (0..step).map(|phase| std::array::from_fn(|tap| weight(phase, tap))).collect();
        let mean = phases.iter().flatten().sum::<f64>() / step as f64;
        phases.iter_mut().flatten().for_each(|w| *w /= mean);
        if hold {
            // so that a constant stays one
            for phase in &mut phases {
                let sum: f64 = phase.iter().sum();
                phase.iter_mut().for_each(|w| *w /= sum);
            }
        }
        Self { phases, hold }
    }

    /// `n` samples; behind the last point that it reaches the value is held.
    pub(super) fn expand(&self, points: &[f64], n: usize, samples: &mut Vec<f64>) {
        samples.clear();
        let outside = |edge: Option<&f64>| if self.hold { edge.copied().unwrap_or_default() } else { 0.0 };
        let (before, behind) = (outside(points.first()), outside(points.last()));
        let mut padded = vec![before; Self::BEFORE];
        padded.extend_from_slice(points);
        padded.resize(padded.len() + Self::TAPS, behind);
        for near in padded.windows(Self::TAPS).take(points.len()) {
            for phase in &self.phases {
                if samples.len() < n {
                    samples.push(phase.iter().zip(near).map(|(w, p)| w * p).sum());
                }
            }
        }
        let last = if self.hold { points.last().copied().unwrap_or_default() } else { 0.0 };
        samples.resize(n, last);
    }
}
