//! The analytic signal: envelope, phase and instantaneous frequency.

use super::RealFft;
use super::segment::finite;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, TooShort};
use num_complex::Complex64;
use std::f64::consts::{PI, TAU};

/// The analytic signal of `x`.
///
/// # Errors
/// As [`Hilbert::transform_into`].
pub fn analytic_signal(x: &[f64]) -> Result<AnalyticSignal> {
    if x.is_empty() {
        return Err(TooShort::new("samples", 0, 1).into());
    }
    Hilbert::new(x.len())?.analytic_signal(x)
}

/// The Hilbert transform of signals of one length, planned.
///
/// **Use it** for the envelope and the instantaneous phase of a narrow band (filter first). **Not** on a broad band,
/// where neither means anything, and not near the ends of a signal that is not periodic: there it bends.
///
/// # Formula
/// All bins of the spectrum turned by -π/2, those at 0 Hz and at half the rate removed.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::analytic_signal;
/// let x: Vec<f64> = (0..500).map(|i| 2.0 * (0.251_327_412_287_183_45 * f64::from(i)).cos()).collect(); // 20 periods
/// let found = analytic_signal(&x)?;
/// assert!(found.envelope().iter().all(|e| (e - 2.0).abs() < 1e-9));
/// let rate = eir_core::SampleRate::new(250.0)?;
/// assert!((found.frequency_hz(rate)[100] - 10.0).abs() < 1e-9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to SciPy 1.17.1 `hilbert` within 1e-9 of the largest value on the golden set and for 500 lengths from 40 to 500.
///
/// # References
/// Gabor 1946, doi:10.1049/ji-3-2.1946.0074; Marple 1999, doi:10.1109/78.782222.
#[derive(Debug, Clone)]
pub struct Hilbert {
    fft: RealFft,
    bins: Vec<Complex64>,
    room: Vec<Complex64>,
}

impl Hilbert {
    /// A transform of `length` samples.
    ///
    /// # Errors
    /// As [`RealFft::new`].
    pub fn new(length: usize) -> Result<Self> {
        let fft = RealFft::new(length)?;
        let zero = Complex64::default();
        Ok(Self { bins: vec![zero; fft.bins()], room: vec![zero; fft.room()], fft })
    }

    /// The analytic signal of `x`.
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into).
    pub fn analytic_signal(&mut self, x: &[f64]) -> Result<AnalyticSignal> {
        let mut imaginary = vec![0.0; x.len()];
        self.transform_into(x, &mut imaginary)?;
        Ok(AnalyticSignal { real: x.to_vec(), imaginary })
    }

    /// The imaginary part of the analytic signal of `x` (the real one is `x`): allocates nothing.
    ///
    /// # Errors
    /// [`Mismatch`] if a length is wrong, [`NotFinite`](eir_core::error::NotFinite) if `x` has a gap.
    pub fn transform_into(&mut self, x: &[f64], imaginary: &mut [f64]) -> Result<()> {
        Mismatch::check("samples and buffer", x.len(), imaginary.len())?;
        finite(x)?;
        self.fft.forward_into(x, &mut self.bins, &mut self.room)?;
        self.bins.iter_mut().for_each(|b| *b = Complex64::new(b.im, -b.re));
        self.bins[0] = Complex64::default();
        if self.fft.length().is_multiple_of(2)
            && let Some(last) = self.bins.last_mut()
        {
            *last = Complex64::default();
        }
        self.fft.inverse_into(&self.bins, imaginary, &mut self.room)
    }
}

/// A signal and its Hilbert transform.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AnalyticSignal {
    /// The signal.
    pub real: Vec<f64>,
    /// Its Hilbert transform.
    pub imaginary: Vec<f64>,
}

impl AnalyticSignal {
    /// The instantaneous amplitude.
    #[must_use]
    pub fn envelope(&self) -> Vec<f64> {
        self.real.iter().zip(&self.imaginary).map(|(a, b)| a.hypot(*b)).collect()
    }

    /// The instantaneous phase in radians, without jumps: it grows by a turn with each period.
    #[must_use]
    pub fn phase_rad(&self) -> Vec<f64> {
        let mut turns = 0.0;
        let mut before = None;
        let wrapped = self.real.iter().zip(&self.imaginary).map(|(a, b)| b.atan2(*a));
        wrapped
            .map(|phase| {
                if let Some(before) = before {
                    let step: f64 = phase - before;
                    turns -= if step.abs() > PI { step.signum() } else { 0.0 };
                }
                before = Some(phase);
                phase + turns * TAU
            })
            .collect()
    }

    /// The instantaneous frequency in Hz from each sample to the next: one value less than samples.
    #[must_use]
    pub fn frequency_hz(&self, rate: SampleRate) -> Vec<f64> {
        let scale = rate.hz() / TAU;
        self.phase_rad().windows(2).map(|p| (p[1] - p[0]) * scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_becomes_a_sine() {
        for n in [30, 31usize] {
            let angle = |i: usize| TAU * 3.0 * i as f64 / n as f64;
            let x: Vec<f64> = (0..n).map(|i| 1.0 + angle(i).cos()).collect();
            let found = analytic_signal(&x).unwrap();
            assert!((0..n).all(|i| (found.imaginary[i] - angle(i).sin()).abs() < 1e-13));
        }
    }

    #[test]
    fn odd_inputs() {
        assert!(analytic_signal(&[]).is_err());
        assert!(analytic_signal(&[1.0, f64::NAN]).is_err());
        let one = analytic_signal(&[3.0]).unwrap();
        assert_eq!((one.imaginary, one.real), (vec![0.0], vec![3.0]));
        let rate = SampleRate::new(1.0).unwrap();
        assert!(analytic_signal(&[3.0]).unwrap().frequency_hz(rate).is_empty());
        assert!(analytic_signal(&[3.0; 7]).unwrap().frequency_hz(rate).iter().all(|f| f.abs() < 1e-12));
        assert!(Hilbert::new(4).unwrap().transform_into(&[0.0; 4], &mut [0.0; 3]).is_err());
    }
}
