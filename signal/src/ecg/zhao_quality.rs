//! Quality of an ECG after Zhao and Zhang.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, TooShort};
use num_complex::Complex64;
use rustfft::FftPlanner;
use serde::{Deserialize, Serialize};

/// The verdict of [`zhao_quality`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ZhaoClass {
    /// "Excellent".
    Excellent,
    /// "Barely acceptable".
    BarelyAcceptable,
    /// "Unacceptable".
    Unacceptable,
}

impl ZhaoClass {
    /// Its name as NeuroKit2 writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Excellent => "Excellent",
            Self::BarelyAcceptable => "Barely acceptable",
            Self::Unacceptable => "Unacceptable",
        }
    }
}

/// Three indices of quality, and the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ZhaoQuality {
    /// Power between 5 and 15 Hz over that between 5 and 40 Hz.
    pub p_sqi: f64,
    /// Excess kurtosis.
    pub k_sqi: f64,
    /// Share of the power below 40 Hz that is not below 1 Hz.
    pub bas_sqi: f64,
    /// The verdict.
    pub class: ZhaoClass,
}

/// The quality of a [`clean`](super::clean)ed ECG as a whole, by simple fusion.
///
/// **Use it** to compare with what NeuroKit says. **Not** to find the bad stretches of a recording:
/// [`signal_quality`](super::signal_quality) is for that.
///
/// # Formula
/// Powers by Welch's method (Hann, half of the recording but at most 1024 s a segment, overlap one half, no detrending
/// but the mean of the whole, twice as many frequencies), by trapezoids. `p_sqi` is optimal within 0.5–0.8 (within
/// 0.4–0.7 if the shortest interval is above 130 bpm), suspicious within 0.4–0.5 (0.3–0.4); `k_sqi` optimal above 5;
/// `bas_sqi` optimal from 0.95, suspicious from 0.9. Two unqualified, or one with two suspicious: unacceptable; two
/// optimal and none unqualified: excellent.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..15_000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let wide: Vec<f64> = ecg.iter().map(|v| f64::from(*v)).collect();
/// let peaks = eir_signal::ecg::r_peaks(&ecg, rate)?;
/// let quality = eir_signal::ecg::zhao_quality(&eir_signal::ecg::clean(&wide, rate)?, rate, &peaks)?;
/// assert!(quality.k_sqi > 5.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] below 4 s, [`NotFinite`] if there is a gap.
///
/// # Validation
/// The verdicts equal those of NeuroKit2 0.2.13 `ecg_quality(method="zhao2018")` on all records of the golden set.
///
/// # References
/// Zhao, Zhang 2018, doi:10.3389/fphys.2018.00727.
pub fn zhao_quality(cleaned: &[f64], rate: SampleRate, r_peaks: &[usize]) -> Result<ZhaoQuality> {
    NotFinite::check_f64("sample", cleaned)?;
    let least = rate.samples(4.0).max(16);
    if cleaned.len() < least {
        return Err(TooShort::new("samples", cleaned.len(), least).into());
    }
    let n = cleaned.len() as f64;
    let mean = cleaned.iter().sum::<f64>() / n;
    let centred: Vec<f64> = cleaned.iter().map(|v| v - mean).collect();
    let moment = |p: i32| centred.iter().map(|v| v.powi(p)).sum::<f64>() / n;
    let variance = moment(2);
    let k_sqi = if variance > 0.0 { moment(4) / (variance * variance) - 3.0 } else { 0.0 };
    let spectrum = Spectrum::new(&centred, rate);
    let wide = spectrum.power(5.0, 40.0);
    let p_sqi = if wide > 0.0 { spectrum.power(5.0, 15.0) / wide } else { 0.0 };
    let low = spectrum.power(0.0, 40.0);
    let bas_sqi = if low > 0.0 { 1.0 - spectrum.power(0.0, 1.0) / low } else { 0.0 };
    let shortest = r_peaks.windows(2).map(|w| w[1].saturating_sub(w[0])).min();
    let fast = shortest.is_some_and(|s| 60.0 * rate.hz() / s.max(1) as f64 >= 130.0);
    let (l1, l2, l3) = if fast { (0.4, 0.7, 0.3) } else { (0.5, 0.8, 0.4) };
    let p = if p_sqi > l1 && p_sqi < l2 {
        2
    } else if p_sqi > l3 && p_sqi < l1 {
        1
    } else {
        0
    };
    let k = if k_sqi > 5.0 { 2 } else { 0 };
    let bas = if bas_sqi >= 0.95 {
        2
    } else if bas_sqi < 0.9 {
        0
    } else {
        1
    };
    let count = |grade: i32| [p, k, bas].iter().filter(|g| **g == grade).count();
    let class = if count(0) >= 2 || (count(0) == 1 && count(1) == 2) {
        ZhaoClass::Unacceptable
    } else if count(2) >= 2 && count(0) == 0 {
        ZhaoClass::Excellent
    } else {
        ZhaoClass::BarelyAcceptable
    };
    Ok(ZhaoQuality { p_sqi, k_sqi, bas_sqi, class })
}

/// Power density at the frequencies from the second on.
struct Spectrum {
    step_hz: f64,
    density: Vec<f64>,
}

impl Spectrum {
    fn new(x: &[f64], rate: SampleRate) -> Self {
        let size = ((1024.0 * rate.hz()) as usize).min(x.len() / 2).max(2);
        let window: Vec<f64> =
            (0..size).map(|k| 0.5 - 0.5 * (std::f64::consts::TAU * k as f64 / size as f64).cos()).collect();
        let square: f64 = window.iter().map(|w| w * w).sum();
        let fft = FftPlanner::new().plan_fft_forward(2 * size);
        let mut buffer = vec![Complex64::default(); 2 * size];
        let mut work = vec![Complex64::default(); fft.get_inplace_scratch_len()];
        let mut density = vec![0.0; size];
        let hop = size - size / 2;
        let count = (x.len() - size) / hop + 1;
        for segment in (0..count).map(|k| &x[k * hop..k * hop + size]) {
            buffer.fill(Complex64::default());
            buffer.iter_mut().zip(segment.iter().zip(&window)).for_each(|(b, (v, w))| b.re = v * w);
            fft.process_with_scratch(&mut buffer, &mut work);
            density.iter_mut().zip(&buffer[1..]).for_each(|(d, b)| *d += b.norm_sqr());
        }
        let scale = 2.0 / (rate.hz() * square * count as f64);
        density.iter_mut().for_each(|d| *d *= scale);
        Self { step_hz: rate.hz() / (2 * size) as f64, density }
    }

    /// From `low_hz` to below `high_hz`, without 0 Hz.
    fn power(&self, low_hz: f64, high_hz: f64) -> f64 {
        let hz = |k: usize| (k + 1) as f64 * self.step_hz;
        let inside: Vec<f64> = self
            .density
            .iter()
            .enumerate()
            .filter(|(k, _)| (low_hz..high_hz).contains(&hz(*k)))
            .map(|(_, d)| *d)
            .collect();
        inside.windows(2).map(|w| (w[0] + w[1]) / 2.0 * self.step_hz).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_of_a_sine_is_half_its_square() {
        let rate = SampleRate::new(100.0).unwrap();
        let x: Vec<f64> =
            (0..4000).map(|i| 3.0 * (std::f64::consts::TAU * 10.0 * f64::from(i) / 100.0).sin()).collect();
        let spectrum = Spectrum::new(&x, rate);
        assert!((spectrum.power(8.0, 12.0) - 4.5).abs() < 1e-3);
        assert!(spectrum.power(20.0, 40.0) < 1e-6);
        let quality = zhao_quality(&x, rate, &[]).unwrap();
        assert!((quality.k_sqi + 1.5).abs() < 1e-9 && quality.p_sqi > 0.999);
        assert!(zhao_quality(&[0.0; 3], rate, &[]).is_err());
        assert_eq!(zhao_quality(&[0.0; 1000], rate, &[]).unwrap().class, ZhaoClass::Unacceptable);
    }
}
