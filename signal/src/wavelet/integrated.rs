//! The continuous wavelet transform as PyWavelets computes it.

use super::ContinuousWavelet;
use super::cwt::{Convolution, Scalogram, check};
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use num_complex::Complex64;
use rustfft::FftPlanner;

/// The continuous wavelet transform by the integral of the wavelet on a fixed grid: PyWavelets' `cwt`.
///
/// **Use it** where numbers must agree with PyWavelets (or MATLAB's older `cwt`). **Not** otherwise: it takes the signal
/// as constant from sample to sample, which delays by half a sample and damps small scales; [`Cwt`](super::Cwt) does not.
///
/// # Formula
/// `W(a, b) = -√a Δ_b Σ_n x[n] Ψ̄((n - b)/a)` with `Ψ` the running sum of ψ on `2^precision` points of its support, read
/// at the nearest point below; bandwidth and centre are rounded to single precision. Frequencies come from the highest bin of the transform of ψ on that grid.
///
/// # Examples
/// ```
/// use eir_signal::wavelet::IntegratedCwt;
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let x: Vec<f64> = (0..500).map(|i| (std::f64::consts::TAU * 10.0 * f64::from(i) / 100.0).sin()).collect();
/// let found = IntegratedCwt::new("cmor1.5-1.0".parse()?)?.transform(&x, &[5.0, 10.0, 20.0], rate)?;
/// assert_eq!(found.frequencies_hz, [20.0, 10.0, 5.0]);
/// assert!(found.row(1).is_some_and(|r| r[250].norm() > 10.0 * found.coefficients[250].norm()));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to PyWavelets 1.9.0 `cwt` (precision 12) within 1e-8 of the largest value on the golden set and on 250 random
/// wavelets, scales and lengths.
#[derive(Debug, Clone)]
pub struct IntegratedCwt {
    wavelet: ContinuousWavelet,
    /// The running integral, conjugated.
    integral: Vec<Complex64>,
    /// Distance of the points as PyWavelets computes it.
    step: f64,
    centre: f64,
}

impl IntegratedCwt {
    /// With PyWavelets' default of 2^12 points.
    ///
    /// # Errors
    /// As [`ContinuousWavelet::validate`].
    pub fn new(wavelet: ContinuousWavelet) -> Result<Self> {
        Self::with_precision(wavelet, 12)
    }

    /// With `2^precision` points, 4 to 20; 10 was the default of older versions.
    ///
    /// # Errors
    /// [`Parameter`] if it is not, and as [`ContinuousWavelet::validate`].
    pub fn with_precision(wavelet: ContinuousWavelet, precision: u32) -> Result<Self> {
        wavelet.validate()?;
        if !(4..=20).contains(&precision) {
            return Err(Parameter::new("precision", f64::from(precision), "4 to 20").into());
        }
        let wavelet = single(wavelet);
        let (points, reach) = (1usize << precision, wavelet.reach());
        let grid = 2.0 * reach / (points - 1) as f64;
        let place = |i: usize| if i + 1 == points { reach } else { i as f64 * grid - reach };
        let step = place(1) - place(0);
        let mut psi: Vec<Complex64> = (0..points).map(|i| wavelet.value(place(i))).collect();
        let integral = psi
            .iter()
            .scan(Complex64::default(), |sum, v| {
                *sum += v;
                Some((*sum * step).conj())
            })
            .collect();
        FftPlanner::new().plan_fft_forward(points).process(&mut psi);
        let mut peak = (0, f64::NEG_INFINITY);
        for (k, v) in psi.iter().enumerate().skip(1) {
            // twins on both sides differ by rounding only: the first counts
            if v.norm() > peak.1 * (1.0 + 1e-12) {
                peak = (k, v.norm());
            }
        }
        let cycles = if 2 * (peak.0 + 1) > points { points - peak.0 } else { peak.0 };
        Ok(Self { wavelet, integral, step, centre: cycles as f64 / (2.0 * reach) })
    }

    /// The frequency in Hz of a scale in samples.
    #[must_use]
    pub fn frequency_hz(&self, scale: f64, rate: SampleRate) -> f64 {
        self.centre / scale * rate.hz()
    }

    /// The coefficients of `x` at every scale (in samples, above 0).
    ///
    /// # Errors
    /// [`TooShort`](eir_core::error::TooShort) without samples or scales,
    /// [`NotFinite`](eir_core::error::NotFinite) if `x` has a gap, [`Parameter`] if a scale is too small for one step of
    /// the wavelet, or so large that the wavelet is longer than 2^24 samples.
    pub fn transform(&self, x: &[f64], scales: &[f64], rate: SampleRate) -> Result<Scalogram> {
        check(x, scales, self.wavelet)?;
        let length = |scale: f64| (scale * 2.0 * self.wavelet.reach() + 1.0).ceil() as usize;
        let longest = scales.iter().map(|s| length(*s)).max().unwrap_or_default() + 1;
        let mut convolution = Convolution::new(x, longest, self.wavelet.is_complex())?;
        let mut coefficients = Vec::with_capacity(scales.len() * x.len());
        let mut kernel: Vec<Complex64> = Vec::with_capacity(longest);
        for scale in scales {
            let places = (0..length(*scale)).map(|i| (i as f64 / (scale * self.step)) as usize);
            kernel.clear();
            kernel.extend(places.map_while(|j| self.integral.get(j).copied()));
            if kernel.len() < 2 {
                return Err(Parameter::new("scale", *scale, "large enough for two samples of the wavelet").into());
            }
            let skip = (kernel.len() - 2) / 2 + 1;
            // -√a times the difference of the reversed integral: convolved, it is the difference of the convolution
            kernel.push(Complex64::default());
            kernel.rotate_right(1);
            kernel.reverse();
            let (root, mut before) = (-scale.sqrt(), Complex64::default());
            for v in &mut kernel {
                (*v, before) = ((*v - before) * root, *v);
            }
            convolution.with_kernel(&kernel, skip, x.len(), &mut coefficients);
        }
        Ok(Scalogram {
            scales: scales.to_vec(),
            frequencies_hz: scales.iter().map(|s| self.frequency_hz(*s, rate)).collect(),
            coefficients,
            samples: x.len(),
        })
    }
}

/// The wavelet with shapes in single precision, as PyWavelets keeps them: 1e-7 in the coefficients.
fn single(wavelet: ContinuousWavelet) -> ContinuousWavelet {
    let cut = |v: f64| f64::from(v as f32);
    match wavelet {
        ContinuousWavelet::ComplexMorlet { bandwidth, centre } => {
            ContinuousWavelet::ComplexMorlet { bandwidth: cut(bandwidth), centre: cut(centre) }
        }
        ContinuousWavelet::Shannon { bandwidth, centre } => {
            ContinuousWavelet::Shannon { bandwidth: cut(bandwidth), centre: cut(centre) }
        }
        ContinuousWavelet::BSpline { order, bandwidth, centre } => {
            ContinuousWavelet::BSpline { order, bandwidth: cut(bandwidth), centre: cut(centre) }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_as_pywavelets() {
        let rate = SampleRate::new(1.0).unwrap();
        for (name, want) in [("morl", 0.8125), ("mexh", 0.25), ("gaus2", 0.3), ("cmor1.5-1.0", 1.0), ("gaus8", 0.6)] {
            let got = IntegratedCwt::new(name.parse().unwrap()).unwrap().frequency_hz(1.0, rate);
            assert!((got - want).abs() < 1e-12, "{name} {got}");
        }
    }

    #[test]
    fn odd_inputs() {
        let rate = SampleRate::new(1.0).unwrap();
        let cwt = IntegratedCwt::new(ContinuousWavelet::MexicanHat).unwrap();
        assert!(cwt.transform(&[], &[1.0], rate).is_err());
        assert!(cwt.transform(&[1.0], &[], rate).is_err());
        assert!(cwt.transform(&[f64::NAN], &[1.0], rate).is_err());
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e12, 1e-9] {
            assert!(cwt.transform(&[1.0; 8], &[scale], rate).is_err(), "{scale}");
        }
        assert_eq!(cwt.transform(&[1.0; 8], &[1.0, 40.0], rate).unwrap().coefficients.len(), 16);
        assert!(IntegratedCwt::with_precision(ContinuousWavelet::Gaussian(9), 12).is_err());
        assert!(IntegratedCwt::with_precision(ContinuousWavelet::Morlet, 30).is_err());
    }
}
