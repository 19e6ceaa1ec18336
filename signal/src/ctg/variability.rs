//! Variability of the fetal heart rate: short-term, per minute, bandwidth.

use super::preparation::is_measured;
use serde::{Deserialize, Serialize};

/// What varies in a fetal heart rate. `None` where no minute is complete enough: never a made-up number.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Variability {
    /// Mean pulse interval of each epoch of 3.75 s in ms; NaN with fewer than 8 of its 15 samples measured.
    pub epochs_ms: Vec<f64>,
    /// Whole minutes in the trace.
    pub minutes: usize,
    /// Minutes with all 16 epochs.
    pub complete_minutes: usize,
    /// Short-term variation in ms: the mean over complete minutes of the mean difference between successive epochs.
    pub stv_ms: Option<f64>,
    /// Mean over complete minutes of largest minus smallest epoch, in ms.
    pub minute_range_ms: Option<f64>,
    /// Mean over minutes, at least half of them measured, of largest minus smallest heart rate, in bpm.
    pub bandwidth_bpm: Option<f64>,
}

/// The variability of a heart rate at 4 Hz, unprepared, where 0 and NaN mean lost.
///
/// **Use it** within one device and one duration. **Not** across devices: each smooths in its own way, and published
/// limits (3 or 4 ms) belong to the device they were found on. Not in labour.
///
/// # Formula
/// Epoch `e_k = 60000 / mean(measured bpm)` over 15 samples; in each minute of 16 valid epochs `mean |e_{k+1} − e_k|`
/// over its 15 differences, and `max e − min e`; the trace's values are means over such minutes.
///
/// # Examples
/// ```
/// // epochs alternate between 400 ms (150 bpm) and 500 ms (120 bpm)
/// let fhr: Vec<f64> = (0..960).map(|i| if i / 15 % 2 == 0 { 150.0 } else { 120.0 }).collect();
/// let found = eir_signal::ctg::variability(&fhr);
/// assert_eq!((found.stv_ms, found.bandwidth_bpm), (Some(100.0), Some(30.0)));
/// ```
///
/// # Validation
/// Equals the plain definition above (`ctg_variability.json`) within 1e-9 on all records of the golden set.
///
/// # References
/// Dawes, Moulden, Redman 1992, as described in Pardey et al. 2002, doi:10.1067/mob.2002.122447.
#[must_use]
pub fn variability(fhr_bpm: &[f64]) -> Variability {
    let epoch = |samples: &[f64; 15]| {
        let (sum, n) = samples.iter().filter(|v| is_measured(**v)).fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
        if n >= 8 { 60_000.0 / (sum / f64::from(n)) } else { f64::NAN }
    };
    let epochs_ms: Vec<f64> = fhr_bpm.as_chunks::<15>().0.iter().map(epoch).collect();
    let (minutes, _) = epochs_ms.as_chunks::<16>();
    let complete: Vec<&[f64; 16]> = minutes.iter().filter(|m| m.iter().all(|e| e.is_finite())).collect();
    let stv = |m: &&[f64; 16]| m.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f64>() / 15.0;
    let bands = fhr_bpm.as_chunks::<240>().0.iter().filter_map(|m| {
        let known: Vec<f64> = m.iter().copied().filter(|v| is_measured(*v)).collect();
        (known.len() >= 120).then(|| range(&known))
    });
    Variability {
        minutes: minutes.len(),
        complete_minutes: complete.len(),
        stv_ms: mean(complete.iter().map(stv)),
        minute_range_ms: mean(complete.iter().map(|m| range(m.as_slice()))),
        bandwidth_bpm: mean(bands),
        epochs_ms,
    }
}

fn range(values: &[f64]) -> f64 {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    high - low
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_minutes_do_not_count() {
        let mut fhr = vec![140.0; 480];
        fhr[..8].fill(0.0); // one epoch of the first minute
        let found = variability(&fhr);
        assert_eq!((found.minutes, found.complete_minutes, found.stv_ms), (2, 1, Some(0.0)));
        assert!(found.epochs_ms[0].is_nan());
        assert_eq!(variability(&[]).stv_ms, None);
    }
}
