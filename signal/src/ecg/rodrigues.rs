//! QRS detection with a threshold that decays, after Rodrigues.

use super::running::sum_from_rest;
use super::{clean, prepared};
use crate::Result;
use eir_core::SampleRate;

/// The QRS complexes of `ecg` after Rodrigues: maxima of the squared double difference above a decaying threshold.
///
/// **Use it** to compare with the literature, or where an ECG must be read with next to no arithmetic. **Not** in noise.
///
/// # Formula
/// [`clean`]ed; `N = round(3 rate/128)`; difference over `N − 1` samples, difference, square, sum of the last `N`. After
/// a crossing of the threshold the maximum of the next 0.26 s is the beat; `A ← 0.95 A + 0.05` its height; the threshold
/// starts at `A` and falls by `exp(−(0.7 rate/128 + 2.7)/rate)` a sample.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::rodrigues(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert!(peaks.iter().filter(|p| (*p % 250).abs_diff(125) < 5).count() >= 9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is 1 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="rodrigues2021"`) on at least 99 % of beats within one sample, and true
/// positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Gutiérrez-Rivas et al. 2015, IEEE Sensors Journal 15(10), 6036–6043; Sadhukhan, Mitra 2012, Procedia Technology 4,
/// 873–877.
pub fn rodrigues(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let x = clean(&prepared(ecg, rate)?, rate)?;
    let size = ((3.0 * rate.hz() / 128.0).round_ties_even() as usize).max(2);
    let steep: Vec<f64> = x.windows(size).map(|w| w[size - 1] - w[0]).collect();
    let twice: Vec<f64> = steep.windows(2).map(|w| (w[1] - w[0]).powi(2)).collect();
    let energy = sum_from_rest(&twice, size);
    let decay = (-(0.7 * rate.hz() / 128.0 + 2.7) / rate.hz()).exp();
    let n = energy.len();
    let (mut i, mut place, mut height) = (1usize, 0usize, 0.0);
    let mut found = Vec::new();
    while i < n {
        let until = (i as f64 + 0.26 * rate.hz()).round_ties_even();
        let mut top = 0.0;
        while (i as f64) < until && i < n {
            if energy[i] > top {
                top = energy[i];
                place = i + 1;
            }
            i += 1;
        }
        height = 0.95 * height + 0.05 * top;
        found.push(place);
        let wait = i as f64 + (0.4 - (until - place as f64)).round_ties_even();
        while i as f64 <= wait {
            i += 1;
        }
        let mut threshold = height;
        while i < n && energy[i] < threshold {
            threshold *= decay;
            i += 1;
        }
    }
    found.dedup();
    Ok(found)
}
