//! QRS detection by Shannon energy and Hilbert transform, after Manikandan and Soman.

use super::running::sum_from_rest;
use super::{clean, prepared};
use crate::{Result, SosFilter};
use eir_core::SampleRate;
use eir_core::error::Parameter;
use num_complex::Complex64;
use rustfft::FftPlanner;
use std::f64::consts::PI;

/// The QRS complexes of `ecg` after Manikandan and Soman, where the Hilbert transform of the energy crosses zero.
///
/// **Use it** to compare with the literature: one of the best of the named methods, and free of thresholds. **Not** on
/// recordings with large artefacts: everything is divided by the largest slope.
///
/// # Formula
/// [`clean`]ed; Chebyshev band-pass 6–18 Hz (order 4, 1 dB, zero phase); difference divided by its largest size;
/// `−d² log d²`; sum over 0.15 s, twice; Hilbert transform less its mean over the last 2.5 s; the sample before each
/// crossing from below is a beat.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..5000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::manikandan(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert!((18..=20).contains(&peaks.len()));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`] if the rate is 36 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="manikandan2012"` on its default cleaning) on at least 99 % of beats within one
/// sample, and true positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Manikandan, Soman 2012, doi:10.1016/j.bspc.2011.03.004.
pub fn manikandan(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let x = clean(&prepared(ecg, rate)?, rate)?;
    let n = x.len();
    let mut filtered = vec![0.0; n];
    chebyshev_band(rate, 6.0, 18.0)?.zero_phase_padded(&x, 27, &mut filtered, &mut Vec::new())?;
    let next = |i: usize| filtered.get(i + 1).copied().unwrap_or_default();
    let slope: Vec<f64> = (0..n).map(|i| next(i) - filtered[i]).collect();
    let largest = slope.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return Ok(Vec::new());
    }
    let energy: Vec<f64> = slope
        .iter()
        .map(|v| {
            let d = (v / largest).powi(2);
            if d == 0.0 { 0.0 } else { -d * d.log10() }
        })
        .collect();
    let size = (((0.15 * rate.hz()) as usize).max(1) - 1) | 1;
    let mut smooth = centred_sum(&centred_sum(&energy, size), size);
    hilbert(&mut smooth);
    let mean_of = ((2.5 * rate.hz()) as usize).max(1);
    let sums = sum_from_rest(&smooth, mean_of);
    let level = |i: usize| if i + 1 < mean_of { 0.0 } else { sums[i] / mean_of as f64 };
    let sign = |i: usize| {
        let v = smooth[i] - level(i);
        i8::from(v > 0.0) - i8::from(v < 0.0)
    };
    Ok((0..n - 1).filter(|i| sign(i + 1) > sign(*i)).collect())
}

/// Sum of an odd number of samples around each, 0 beyond the ends.
fn centred_sum(x: &[f64], size: usize) -> Vec<f64> {
    let half = size / 2;
    let mut long = x.to_vec();
    long.extend(std::iter::repeat_n(0.0, half));
    sum_from_rest(&long, size).split_off(half)
}

/// The imaginary part of the analytic signal.
fn hilbert(x: &mut [f64]) {
    let n = x.len();
    let mut planner = FftPlanner::new();
    let mut spectrum: Vec<Complex64> = x.iter().map(|v| Complex64::new(*v, 0.0)).collect();
    planner.plan_fft_forward(n).process(&mut spectrum);
    for (k, v) in spectrum.iter_mut().enumerate() {
        let factor = match 2 * k {
            0 => 1.0,
            twice if twice == n => 1.0,
            twice if twice < n => 2.0,
            _ => 0.0,
        };
        *v *= factor / n as f64;
    }
    planner.plan_fft_inverse(n).process(&mut spectrum);
    x.iter_mut().zip(&spectrum).for_each(|(v, s)| *v = s.im);
}

/// Chebyshev band-pass of order 4 with 1 dB ripple: eight poles, four zeros at 0 Hz and four at half the rate.
fn chebyshev_band(rate: SampleRate, low_hz: f64, high_hz: f64) -> Result<SosFilter> {
    if high_hz >= rate.nyquist_hz() {
        return Err(Parameter::new("sample rate", rate.hz(), "above twice the upper edge of the band").into());
    }
    let ripple = (10f64.powf(0.1) - 1.0).sqrt();
    let mu = (1.0 / ripple).asinh() / 4.0;
    let warp = |hz: f64| 4.0 * (PI * hz / rate.hz()).tan();
    let (width, centre) = (warp(high_hz) - warp(low_hz), (warp(low_hz) * warp(high_hz)).sqrt());
    let mut poles = Vec::new();
    let mut gain = Complex64::new(1.0 / (1.0 + ripple * ripple).sqrt(), 0.0);
    for m in [-3.0, -1.0, 1.0, 3.0] {
        let prototype = -Complex64::new(mu, PI * m / 8.0).sinh();
        gain *= -prototype * width;
        let half = prototype * width / 2.0;
        let root = (half * half - centre * centre).sqrt();
        for pole in [half + root, half - root] {
            gain *= 4.0 / (4.0 - pole);
            poles.push((4.0 + pole) / (4.0 - pole));
        }
    }
    // four zeros of the analogue filter at 0, each 4 after the change of plane
    let gain = gain.re / 4f64.powi(4);
    let upper: Vec<Complex64> = poles.into_iter().filter(|p| p.im > 0.0).collect();
    let each = gain.abs().powf(1.0 / upper.len().max(1) as f64);
    SosFilter::new(upper.iter().map(|p| [each, 0.0, -each, 1.0, -2.0 * p.re, p.norm_sqr()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.signal.cheby1(4, 1, [6, 18], "bandpass", fs=360)`: gain within the ripple in the band, small outside.
    #[test]
    fn the_band_has_one_decibel_of_ripple() {
        let rate = SampleRate::new(360.0).unwrap();
        let filter = chebyshev_band(rate, 6.0, 18.0).unwrap();
        let gain = |hz: f64| {
            let z = Complex64::from_polar(1.0, -2.0 * PI * hz / 360.0);
            let part = |[b0, b1, b2, _, a1, a2]: &[f64; 6]| {
                (*b0 + *b1 * z + *b2 * z * z) / (Complex64::new(1.0, 0.0) + *a1 * z + *a2 * z * z)
            };
            filter.sections().iter().map(part).product::<Complex64>().norm()
        };
        let least = 10f64.powf(-0.05);
        let inside: Vec<f64> = (0..=120).map(|k| gain(6.0 + 0.1 * f64::from(k))).collect();
        assert!(inside.iter().all(|g| (least - 1e-9..=1.0 + 1e-9).contains(g)), "{inside:?}");
        assert!((gain(6.0) - least).abs() < 1e-9 && (gain(18.0) - least).abs() < 1e-9);
        assert!(gain(2.0) < 0.01 && gain(50.0) < 0.01);
    }
}
