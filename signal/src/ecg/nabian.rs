//! R-peaks as the largest sample around, after Nabian.

use super::{clean, prepared};
use crate::Result;
use eir_core::SampleRate;
use std::collections::VecDeque;

/// The R-peaks of `ecg` after Nabian: a sample that is larger than all within 0.4 s.
///
/// **Use it** to compare with the literature. **Not** on real rhythms: rates above 150 bpm and negative complexes are
/// missed, and every pause brings a false beat.
///
/// # Formula
/// [`clean`]ed; `i` is a beat if the first maximum of the samples `i − w … i + w − 1`, `w = ⌊0.4 rate⌋`, is `i + 1`: as
/// in the reference tool, one sample before the maximum.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::nabian(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks[1], 374);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is 1 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="nabian2018"`) on at least 99 % of beats within one sample, and true positives,
/// misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Nabian et al. 2018, doi:10.1109/JTEHM.2018.2878000.
pub fn nabian(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let x = clean(&prepared(ecg, rate)?, rate)?;
    let w = (0.4 * rate.hz()) as usize;
    let mut window: VecDeque<usize> = VecDeque::new();
    let mut found = Vec::new();
    for next in 0..x.len() {
        // a later equal sample does not replace: the first maximum counts
        while window.back().is_some_and(|last| x[next] > x[*last]) {
            window.pop_back();
        }
        window.push_back(next);
        let Some(i) = (next + 1).checked_sub(w) else { continue };
        while window.front().is_some_and(|first| *first + w < i) {
            window.pop_front();
        }
        if i > w && i + w < x.len() && window.front() == Some(&(i + 1)) {
            found.push(i);
        }
    }
    Ok(found)
}
