//! QRS detection in a stationary wavelet transform, after Kalidas and Tamil.

use super::pan_tompkins::beats;
use super::{clean, prepared};
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;

/// High-pass and low-pass of the Daubechies wavelet with three vanishing moments, for decomposition.
const HIGH: [f64; 6] = [
    -0.332_670_552_950_956_9,
    0.806_891_509_313_338_8,
    -0.459_877_502_119_331_3,
    -0.135_011_020_010_390_84,
    0.085_441_273_882_241_49,
    0.035_226_291_882_100_656,
];
const LOW: [f64; 6] = [
    0.035_226_291_882_100_656,
    -0.085_441_273_882_241_49,
    -0.135_011_020_010_390_84,
    0.459_877_502_119_331_3,
    0.806_891_509_313_338_8,
    0.332_670_552_950_956_9,
];

/// The QRS complexes of `ecg` after Kalidas and Tamil, at the maximum of the smoothed wavelet energy.
///
/// **Use it** to compare with the literature. **Not** for heart-rate variability: it is late by about 30 ms
/// ([`QrsMethod::r_peaks`](super::QrsMethod::r_peaks) moves it to the R-peak).
///
/// # Formula
/// [`clean`]ed; stationary wavelet transform (db3, periodic), detail of level 3, squared; causal band-pass 0.01–10 Hz
/// (order 3); thresholds of [`pan_tompkins`](super::pan_tompkins()).
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::kalidas(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks.len(), 10);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is 20 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="kalidas2017"` on its default cleaning) on at least 99 % of beats within one
/// sample, and true positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Kalidas, Tamil 2017, *Real-time QRS detector using stationary wavelet transform*, IEEE BIBE.
pub fn kalidas(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let mut x = clean(&prepared(ecg, rate)?, rate)?;
    let n = x.len();
    x.resize(n.next_multiple_of(8), x[n - 1]);
    x = a_trous(&a_trous(&x, &LOW, 1), &LOW, 2);
    let mut energy = a_trous(&x, &HIGH, 4);
    energy.iter_mut().for_each(|v| *v *= *v);
    let band = ButterworthConfig::new(Band::Pass { low_hz: 0.01, high_hz: 10.0 }).with_order(3).design(rate)?;
    band.stream().process(&mut energy);
    Ok(beats(&energy[..n], rate))
}

/// Periodic convolution with a filter whose taps are `step` samples apart, centred behind its middle.
fn a_trous(x: &[f64], filter: &[f64; 6], step: usize) -> Vec<f64> {
    let n = x.len();
    let mut long = Vec::with_capacity(n + 6 * step);
    long.extend((0..2 * step).map(|k| x[(n * step + k - 2 * step) % n])); // two taps before
    long.extend_from_slice(x);
    long.extend((0..3 * step).map(|k| x[k % n])); // three taps behind
    (0..n).map(|i| (0..6).map(|k| filter[k] * long[i + (5 - k) * step]).sum()).collect()
}
