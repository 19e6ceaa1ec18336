//! The continuous wavelet transform, exact for what samples can carry.

use super::ContinuousWavelet;
use crate::Result;
use crate::spectrum::{RealFft, finite};
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};
use num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Longest wavelet, in samples.
const LONGEST: f64 = (1 << 24) as f64;

/// The continuous wavelet transform with one wavelet.
///
/// **Use it** for a picture of rhythms that come and go, with long windows for slow and short ones for fast ones.
/// **Not** to build the signal again ([`Dwt`](super::Dwt) does that with fewer numbers).
///
/// # Formula
/// `W(a, b) = 1/√a ∫ x(t) ψ*((t - b)/a) dt`, done as `1/2π ∫ X(ω) √a ψ̂*(aω) exp(iωb) dω` with the formula of `ψ̂`; the
/// signal is 0 outside. `t`, `a` and `b` count samples.
///
/// # Examples
/// ```
/// use eir_signal::wavelet::{ContinuousWavelet, Cwt};
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let x: Vec<f64> = (0..400).map(|i| (std::f64::consts::TAU * 5.0 * f64::from(i) / 100.0).cos()).collect();
/// let cwt = Cwt::new(ContinuousWavelet::ComplexMorlet { bandwidth: 1.5, centre: 1.0 })?;
/// let scale = cwt.scale(5.0, rate);
/// let found = cwt.transform(&x, &[scale], rate)?;
/// assert!((found.coefficients[200].norm() - 0.5 * scale.sqrt()).abs() < 1e-6);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to the sum over the samples of a band-limited signal within 1e-10. PyWavelets' `cwt` is something else: it takes
/// the signal as constant from each sample to the next, which delays it by half a sample and damps the small scales
/// ([`IntegratedCwt`](super::IntegratedCwt) does the same).
///
/// # References
/// Torrence, Compo 1998, doi:10.1175/1520-0477(1998)079<0061:APGTWA>2.0.CO;2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cwt {
    wavelet: ContinuousWavelet,
}

/// Wavelet coefficients over scale and time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scalogram {
    /// Scales in samples.
    pub scales: Vec<f64>,
    /// Their frequencies in Hz.
    pub frequencies_hz: Vec<f64>,
    /// The coefficients of the first scale over time, of the second and so on; real wavelets have no imaginary part.
    pub coefficients: Vec<Complex64>,
    /// Samples of the signal.
    pub samples: usize,
}

impl Scalogram {
    /// The coefficients of one scale; none behind the last.
    #[must_use]
    pub fn row(&self, scale: usize) -> Option<&[Complex64]> {
        self.coefficients.chunks(self.samples.max(1)).nth(scale)
    }
}

impl Cwt {
    /// With this wavelet.
    ///
    /// # Errors
    /// As [`ContinuousWavelet::validate`].
    pub fn new(wavelet: ContinuousWavelet) -> Result<Self> {
        wavelet.validate()?;
        Ok(Self { wavelet })
    }

    /// The scale in samples whose wavelet is centred on a frequency.
    #[must_use]
    pub fn scale(&self, frequency_hz: f64, rate: SampleRate) -> f64 {
        self.wavelet.centre() * rate.hz() / frequency_hz
    }

    /// The frequency in Hz on which the wavelet of a scale in samples is centred.
    #[must_use]
    pub fn frequency_hz(&self, scale: f64, rate: SampleRate) -> f64 {
        self.wavelet.centre() * rate.hz() / scale
    }

    /// The coefficients of `x` at every scale (in samples, above 0).
    ///
    /// # Errors
    /// [`TooShort`] without samples or scales, [`NotFinite`](eir_core::error::NotFinite) if `x` has a gap, [`Parameter`]
    /// if a scale is not above 0 or so large that the wavelet is longer than 2^24 samples.
    pub fn transform(&self, x: &[f64], scales: &[f64], rate: SampleRate) -> Result<Scalogram> {
        check(x, scales, self.wavelet)?;
        let largest = scales.iter().copied().fold(0.0, f64::max);
        let reach = (2.0 * self.wavelet.reach() * largest).ceil() as usize;
        let mut convolution = Convolution::new(x, reach + 1, self.wavelet.is_complex())?;
        let mut coefficients = Vec::with_capacity(scales.len() * x.len());
        for scale in scales {
            let root = scale.sqrt();
            convolution.with_response(
                |omega| self.wavelet.transform(scale * omega).conj() * root,
                x.len(),
                &mut coefficients,
            );
        }
        let frequencies_hz = scales.iter().map(|s| self.frequency_hz(*s, rate)).collect();
        Ok(Scalogram { scales: scales.to_vec(), frequencies_hz, coefficients, samples: x.len() })
    }
}

/// What both transforms ask of their input.
pub(super) fn check(x: &[f64], scales: &[f64], wavelet: ContinuousWavelet) -> Result<()> {
    for (what, len) in [("samples", x.len()), ("scales", scales.len())] {
        if len == 0 {
            return Err(TooShort::new(what, 0, 1).into());
        }
    }
    let most = LONGEST / (2.0 * wavelet.reach());
    if let Some(scale) = scales.iter().find(|s| !(**s > 0.0 && **s <= most)) {
        return Err(Parameter::new("scale", *scale, "above 0 samples, and its wavelet at most 2^24 long").into());
    }
    finite(x)
}

/// A signal that is convolved with many kernels: its transform is computed once.
#[derive(Clone)]
pub(super) struct Convolution {
    real: RealFft,
    /// For complex kernels.
    complex: Option<Arc<dyn Fft<f64>>>,
    spectrum: Vec<Complex64>,
    bins: Vec<Complex64>,
    scratch: Vec<Complex64>,
    y: Vec<f64>,
}

impl Convolution {
    /// For kernels of at most `longest` values, of which the middle part of the result is wanted.
    pub(super) fn new(x: &[f64], longest: usize, complex: bool) -> Result<Self> {
        // what wraps around falls outside the wanted part if half a kernel fits behind the signal
        let size = fast_size(x.len() + longest / 2 + 2);
        let size = fast_size(size.max(longest));
        let real = RealFft::new(size)?;
        let mut padded = x.to_vec();
        padded.resize(size, 0.0);
        let spectrum = real.forward(&padded)?;
        let complex = complex.then(|| FftPlanner::new().plan_fft_forward(size));
        let room = complex.as_ref().map_or(0, |c| c.get_inplace_scratch_len()).max(real.room());
        let zero = Complex64::default();
        let bins = vec![zero; if complex.is_some() { size } else { real.bins() }];
        Ok(Self { real, complex, spectrum, bins, scratch: vec![zero; room], y: padded })
    }

    /// Adds `count` values from number `skip` on of the convolution with `kernel` to `out`.
    pub(super) fn with_kernel(&mut self, kernel: &[Complex64], skip: usize, count: usize, out: &mut Vec<Complex64>) {
        match &self.complex {
            None => {
                self.y.fill(0.0);
                self.y.iter_mut().zip(kernel).for_each(|(y, k)| *y = k.re);
                // the lengths are those of the plan
                let _ = self.real.forward_into(&self.y, &mut self.bins, &mut self.scratch);
                self.bins.iter_mut().zip(&self.spectrum).for_each(|(b, s)| *b *= s);
                let _ = self.real.inverse_into(&self.bins, &mut self.y, &mut self.scratch);
                out.extend(self.y.iter().skip(skip).take(count).map(|v| Complex64::new(*v, 0.0)));
            }
            Some(plan) => {
                self.bins.fill(Complex64::default());
                self.bins.iter_mut().zip(kernel).for_each(|(b, k)| *b = *k);
                plan.process_with_scratch(&mut self.bins, &mut self.scratch);
                let size = self.bins.len();
                let scale = 1.0 / size as f64;
                let half = self.spectrum.len();
                // times the spectrum, real and imaginary parts exchanged: the inverse is a forward transform
                for (b, s) in self.bins.iter_mut().zip(&self.spectrum) {
                    *b = exchanged(*b * s, scale);
                }
                for (b, s) in self.bins[half..].iter_mut().zip(self.spectrum[1..].iter().take(size - half).rev()) {
                    *b = exchanged(*b * s.conj(), scale);
                }
                self.inverse(skip, count, out);
            }
        }
    }

    /// Adds the first `count` values of the convolution with a kernel of this frequency response (of radians a sample).
    pub(super) fn with_response(
        &mut self,
        response: impl Fn(f64) -> Complex64,
        count: usize,
        out: &mut Vec<Complex64>,
    ) {
        let size = self.y.len();
        let step = TAU / size as f64;
        if self.complex.is_none() {
            for (k, (b, s)) in self.bins.iter_mut().zip(&self.spectrum).enumerate() {
                *b = response(step * k as f64) * s;
            }
            let _ = self.real.inverse_into(&self.bins, &mut self.y, &mut self.scratch);
            out.extend(self.y.iter().take(count).map(|v| Complex64::new(*v, 0.0)));
            return;
        }
        let (half, scale) = (self.spectrum.len(), 1.0 / size as f64);
        for (k, (b, s)) in self.bins.iter_mut().zip(&self.spectrum).enumerate() {
            *b = exchanged(response(step * k as f64) * s, scale);
        }
        if size.is_multiple_of(2)
            && let (Some(b), Some(s)) = (self.bins.get_mut(half - 1), self.spectrum.last())
        {
            // the bin at half the rate is both a positive and a negative frequency
            let omega = step * (half - 1) as f64;
            *b = exchanged((response(omega) + response(-omega)) * 0.5 * s, scale);
        }
        let negative = self.spectrum[1..].iter().take(size - half).rev();
        for (k, (b, s)) in self.bins[half..].iter_mut().zip(negative).enumerate() {
            let omega = step * (half + k) as f64 - TAU;
            *b = exchanged(response(omega) * s.conj(), scale);
        }
        self.inverse(0, count, out);
    }

    fn inverse(&mut self, skip: usize, count: usize, out: &mut Vec<Complex64>) {
        if let Some(plan) = &self.complex {
            plan.process_with_scratch(&mut self.bins, &mut self.scratch);
            out.extend(self.bins.iter().skip(skip).take(count).map(|b| Complex64::new(b.im, b.re)));
        }
    }
}

fn exchanged(v: Complex64, scale: f64) -> Complex64 {
    Complex64::new(v.im * scale, v.re * scale)
}

/// The least even number from `least` on that has no factors but 2, 3 and 5.
fn fast_size(least: usize) -> usize {
    let mut best = least.next_power_of_two().max(2);
    let mut fives = 1;
    while fives < best {
        let mut odd = fives;
        while odd < best {
            let power = least.div_ceil(odd).next_power_of_two().max(2);
            best = best.min(odd * power);
            odd *= 3;
        }
        fives *= 5;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum() {
        let rate = SampleRate::new(1.0).unwrap();
        // slow compared with the sampling, and 0 towards the ends
        let x: Vec<f64> =
            (0..301).map(|i| (-(f64::from(i - 150) / 40.0).powi(2)).exp() * (0.3 * f64::from(i)).sin()).collect();
        for name in ["morl", "mexh", "gaus3", "cgau2", "cmor1.5-1.0"] {
            let wavelet: ContinuousWavelet = name.parse().unwrap();
            let found = Cwt::new(wavelet).unwrap().transform(&x, &[8.0, 11.3], rate).unwrap();
            for (row, scale) in [8.0f64, 11.3].into_iter().enumerate() {
                for b in [100usize, 150, 171] {
                    let want: Complex64 = x
                        .iter()
                        .enumerate()
                        .map(|(n, v)| wavelet.value((n as f64 - b as f64) / scale).conj() * (v / scale.sqrt()))
                        .sum();
                    let got = found.row(row).unwrap()[b];
                    assert!((got - want).norm() < 1e-10, "{name} {scale} {b}: {got} {want}");
                }
            }
        }
    }

    #[test]
    fn sizes() {
        assert_eq!([1, 7, 11, 97, 1025].map(fast_size), [2, 8, 12, 100, 1080]);
    }

    #[test]
    fn odd_inputs() {
        let rate = SampleRate::new(1.0).unwrap();
        let cwt = Cwt::new(ContinuousWavelet::Morlet).unwrap();
        assert!(cwt.transform(&[], &[1.0], rate).is_err());
        assert!(cwt.transform(&[1.0], &[], rate).is_err());
        assert!(cwt.transform(&[f64::NAN; 4], &[1.0], rate).is_err());
        assert!(cwt.transform(&[1.0; 4], &[0.0], rate).is_err());
        assert!(cwt.transform(&[1.0; 4], &[f64::NAN], rate).is_err());
        assert_eq!(cwt.transform(&[1.0], &[2.0], rate).unwrap().coefficients.len(), 1);
        assert!(Cwt::new(ContinuousWavelet::ComplexMorlet { bandwidth: -1.0, centre: 1.0 }).is_err());
    }
}
