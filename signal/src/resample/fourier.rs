//! Another number of samples by spectrum.

use super::within_reason;
use crate::Result;
use crate::filter::kernel::{check, check_f32, narrow, wide};
use eir_core::error::{Mismatch, TooShort};
use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// `x` as `samples` samples over the same time, by spectrum.
///
/// # Errors
/// As [`Fourier::new`] and [`Fourier::resample_into`].
pub fn fourier(x: &[f32], samples: usize) -> Result<Vec<f32>> {
    check_f32(x)?;
    Ok(narrow(&Fourier::new(x.len(), samples)?.resample_f64(&wide(x))?))
}

/// A resampler by spectrum for one length, ready to use.
///
/// **Use it** on a whole number of periods, where it is exact. **Not** on a piece of a longer signal: it is taken as
/// periodic, and a step between end and start rings on both sides ([`Polyphase`](super::Polyphase) does not).
///
/// # Formula
/// The spectrum is cut or filled up with zeros to the new length; the bin at half the lower rate, that stands for two, is
/// doubled or halved.
///
/// # Examples
/// ```
/// use eir_signal::resample::Fourier;
/// let x: Vec<f64> = (0..10).map(|n| (std::f64::consts::TAU * f64::from(n) / 10.0).cos()).collect();
/// let y = Fourier::new(10, 25)?.resample_f64(&x)?;
/// assert!((y[5] - (std::f64::consts::TAU / 5.0).cos()).abs() < 1e-14);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `resample` within 1e-9 of the largest value on the golden set.
#[derive(Clone)]
pub struct Fourier {
    forward: Arc<dyn RealToComplex<f64>>,
    back: Arc<dyn ComplexToReal<f64>>,
    from: usize,
    to: usize,
}

impl std::fmt::Debug for Fourier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fourier").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Fourier {
    /// A resampler of `from` samples to `to`.
    ///
    /// # Errors
    /// [`TooShort`] if either is 0, [`LimitExceeded`](eir_core::error::LimitExceeded) beyond 2²⁸.
    pub fn new(from: usize, to: usize) -> Result<Self> {
        for (what, len) in [("samples", from), ("resampled samples", to)] {
            if len == 0 {
                return Err(TooShort::new(what, 0, 1).into());
            }
            within_reason(len as u128)?;
        }
        let mut planner = RealFftPlanner::new();
        Ok(Self { forward: planner.plan_fft_forward(from), back: planner.plan_fft_inverse(to), from, to })
    }

    /// `x` as the other number of samples.
    ///
    /// # Errors
    /// [`Mismatch`] if `x` has another length than planned, [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn resample_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; self.to];
        self.resample_into(x, &mut y, &mut Vec::new(), &mut Vec::new())?;
        Ok(y)
    }

    /// As [`resample_f64`](Self::resample_f64), into a buffer of the caller's. `signal` and `spectrum` are room for the
    /// transform: used again, nothing is allocated.
    ///
    /// # Errors
    /// As `resample_f64`, and [`Mismatch`] if the buffer has another length than planned.
    pub fn resample_into(
        &self,
        x: &[f64],
        y: &mut [f64],
        signal: &mut Vec<f64>,
        spectrum: &mut Vec<Complex64>,
    ) -> Result<()> {
        Mismatch::check("samples", self.from, x.len())?;
        Mismatch::check("resampled samples", self.to, y.len())?;
        check(x)?;
        let scratch = self.forward.get_scratch_len().max(self.back.get_scratch_len());
        let (bins, new_bins) = (self.from / 2 + 1, self.to / 2 + 1);
        signal.clear();
        signal.extend_from_slice(x);
        spectrum.clear();
        spectrum.resize(bins.max(new_bins) + scratch, Complex64::default());
        let (spectrum, scratch) = spectrum.split_at_mut(bins.max(new_bins));
        // lengths are those of the plan
        let _ = self.forward.process_with_scratch(signal, &mut spectrum[..bins], scratch);
        let common = self.from.min(self.to);
        spectrum[common / 2 + 1..].fill(Complex64::default());
        if common.is_multiple_of(2) && self.from != self.to {
            spectrum[common / 2] *= if self.to < self.from { 2.0 } else { 0.5 };
        }
        spectrum[0].im = 0.0;
        if self.to.is_multiple_of(2) {
            spectrum[new_bins - 1].im = 0.0;
        }
        let _ = self.back.process_with_scratch(&mut spectrum[..new_bins], y, scratch);
        let share = 1.0 / self.from as f64;
        y.iter_mut().for_each(|v| *v *= share);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same() {
        for (from, to) in [(1, 5), (2, 3), (10, 11), (37, 100), (64, 64)] {
            let x: Vec<f64> = (0..from).map(|i| (i as f64 * 1.3).sin()).collect();
            let y = Fourier::new(from, to).unwrap().resample_f64(&x).unwrap();
            let z = Fourier::new(to, from).unwrap().resample_f64(&y).unwrap();
            assert!(x.iter().zip(&z).all(|(a, b)| (a - b).abs() < 1e-13), "{from} {to}");
        }
        assert!(Fourier::new(0, 5).is_err());
        assert!(Fourier::new(5, 0).is_err());
        assert!(Fourier::new(5, usize::MAX).is_err());
        assert!(fourier(&[], 5).is_err());
    }
}
