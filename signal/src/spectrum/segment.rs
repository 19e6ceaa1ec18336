//! One stretch of a signal: its trend removed, tapered, transformed.

use super::RealFft;
use crate::window::LONGEST;
use crate::{Result, Window};
use eir_core::error::{NotFinite, Parameter};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// What is subtracted from a stretch of signal before it is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Detrend {
    /// Nothing.
    None,
    /// Its mean: an offset would leak into the lowest bins.
    #[default]
    Constant,
    /// The straight line that fits best.
    Linear,
}

impl Detrend {
    /// Subtracts the trend from `x`.
    ///
    /// ```
    /// use eir_signal::spectrum::Detrend;
    /// let mut x = [1.0, 3.0, 5.0, 7.5];
    /// Detrend::Linear.apply(&mut x);
    /// assert!((x[0] - 0.1).abs() < 1e-12 && (x[3] - 0.15).abs() < 1e-12);
    /// ```
    pub fn apply(self, x: &mut [f64]) {
        let (offset, slope) = self.line(x);
        x.iter_mut().enumerate().for_each(|(i, v)| *v -= offset + slope * i as f64);
    }

    /// Value of the trend at the first sample, and its rise from sample to sample.
    pub(super) fn line(self, x: &[f64]) -> (f64, f64) {
        let n = x.len() as f64;
        match self {
            Self::None => (0.0, 0.0),
            Self::Constant => (mean(x), 0.0),
            Self::Linear if x.len() < 2 => (mean(x), 0.0),
            Self::Linear => {
                let (mean, middle) = (mean(x), (n - 1.0) / 2.0);
                // summed about the mean: of a large offset nothing is left to cancel
                let moment: f64 = x.iter().zip(0..).map(|(v, i)| (f64::from(i) - middle) * (v - mean)).sum();
                let slope = moment / (n * (n * n - 1.0) / 12.0);
                (mean - slope * middle, slope)
            }
        }
    }
}

/// Mean with eight partial sums: as exact as pairwise summation for a segment, and the additions do not wait for
/// each other.
pub(super) fn mean(x: &[f64]) -> f64 {
    if x.is_empty() {
        return 0.0;
    }
    let (chunks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(s, v)| *s += v);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let rest: f64 = rest.iter().sum();
    (((a + b) + (c + d)) + ((e + f) + (g + h)) + rest) / x.len() as f64
}

/// The unit of a spectrum of a signal in `u`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scaling {
    /// u²/Hz: its integral over frequency is the power.
    #[default]
    Density,
    /// u²: a bin is the power of a tone in it.
    Spectrum,
}

impl Scaling {
    /// What the squared magnitude of a bin is multiplied with, for one side.
    pub(super) fn factor(self, window: &[f64], rate_hz: f64) -> f64 {
        match self {
            Self::Density => 1.0 / (rate_hz * window.iter().map(|w| w * w).sum::<f64>()),
            Self::Spectrum => 1.0 / window.iter().sum::<f64>().powi(2),
        }
    }
}

/// How a signal is cut into stretches; what [`WelchConfig`](super::WelchConfig) and its sisters have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub(super) window: Window,
    pub(super) segment: usize,
    pub(super) overlap: usize,
    pub(super) fft_length: Option<usize>,
}

impl Cut {
    pub(super) fn validate(&self) -> Result<()> {
        if !(1..=LONGEST).contains(&self.segment) {
            return Err(Parameter::new("segment", self.segment as f64, "1 to 2^27 samples").into());
        }
        if self.overlap >= self.segment {
            return Err(Parameter::new("overlap", self.overlap as f64, "less than the segment").into());
        }
        if let Some(length) = self.fft_length.filter(|l| !(self.segment..=LONGEST).contains(l)) {
            return Err(Parameter::new("fft_length", length as f64, "at least the segment and at most 2^27").into());
        }
        self.window.validate()
    }

    pub(super) fn step(&self) -> usize {
        self.segment - self.overlap
    }
}

/// The transform of one stretch, planned.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) window: Vec<f64>,
    pub(super) detrend: Detrend,
    pub(super) fft: RealFft,
}

/// Buffers of a [`Segment`].
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) bins: Vec<Complex64>,
    pub(super) scratch: Vec<Complex64>,
}

impl Segment {
    pub(super) fn new(cut: &Cut, detrend: Detrend) -> Result<Self> {
        cut.validate()?;
        let fft = RealFft::new(cut.fft_length.unwrap_or(cut.segment))?;
        Ok(Self { window: cut.window.periodic(cut.segment)?, detrend, fft })
    }

    pub(super) fn room(&self) -> Room {
        let zero = Complex64::default();
        Room { bins: vec![zero; self.fft.bins()], scratch: vec![zero; self.fft.room()] }
    }

    /// The bins of `x`, which has the window's length.
    pub(super) fn transform(&self, x: &[f64], bins: &mut [Complex64], scratch: &mut [Complex64]) {
        let (offset, slope) = self.detrend.line(x);
        match self.detrend {
            Detrend::None => self.fft.pack_windowed(x, &self.window, |_| 0.0, scratch),
            Detrend::Constant => self.fft.pack_windowed(x, &self.window, |_| offset, scratch),
            Detrend::Linear => self.fft.pack_windowed(x, &self.window, |i| offset + slope * i as f64, scratch),
        }
        self.fft.transform(bins, scratch);
    }
}

/// Bins of a one-sided power spectrum of an even or odd transform: all but 0 Hz, and half the rate if it is there, stand
/// for two sides.
pub(super) fn both_sides(power: &mut [f64], fft_length: usize) {
    let end = power.len() - usize::from(fft_length.is_multiple_of(2) && power.len() > 1);
    if let Some(inner) = power.get_mut(1..end) {
        inner.iter_mut().for_each(|p| *p *= 2.0);
    }
}

/// Frequencies of the bins in Hz.
pub(super) fn frequencies_hz(fft_length: usize, rate_hz: f64) -> Vec<f64> {
    (0..=fft_length / 2).map(|k| k as f64 * rate_hz / fft_length as f64).collect()
}

/// An error if a value is not finite; the whole signal is looked at before anything is computed.
pub(crate) fn finite(x: &[f64]) -> Result<()> {
    // a sum is finite only if each value is (or the sum overflows, which the search then tells)
    let sum: f64 = x.as_chunks::<8>().0.iter().fold([0.0; 8], |s, c| std::array::from_fn(|i| s[i] + c[i])).iter().sum();
    let rest: f64 = x.as_chunks::<8>().1.iter().sum();
    if (sum + rest).is_finite() { Ok(()) } else { Ok(NotFinite::check_f64("sample", x)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_removed() {
        let mut x: Vec<f64> = (0..97).map(|i| 1e6 + 0.25 * f64::from(i)).collect();
        Detrend::Linear.apply(&mut x);
        assert!(x.iter().all(|v| v.abs() < 1e-8));
        let mut one = [5.0];
        Detrend::Linear.apply(&mut one);
        assert_eq!(one, [0.0]);
        Detrend::Linear.apply(&mut []);
    }

    #[test]
    fn gaps_are_found() {
        let mut x = vec![1.0; 100];
        assert!(finite(&x).is_ok());
        x[37] = f64::NAN;
        assert!(finite(&x).unwrap_err().to_string().contains("sample 37"));
        assert!(finite(&[f64::MAX; 20]).is_ok());
        assert!(finite(&[f64::INFINITY, f64::NEG_INFINITY]).is_err());
    }
}
