//! Baseline after Taylor: low-pass, cut what stands out, and again.

use super::events::Interval;
use super::filters::low_pass;
use super::preparation::fill;
use crate::Result;

/// The baseline after Taylor of a filled heart rate at 4 Hz.
///
/// **Use it** for traces with few and short events. **Not** for repeated or long decelerations, which pull it down:
/// [`weighted_median`](super::weighted_median) stands those.
///
/// # Formula
/// Zero-phase Butterworth low-pass of order 3 at 0.008 Hz; samples further than 5 bpm from it are cut and filled along
/// straight lines; low-pass at 0.006 Hz; cut and fill (what is cut stays cut); 0.006 Hz; cut outside −5 … +10 bpm; fill;
/// 0.006 Hz.
///
/// # Examples
/// ```
/// let mut fhr = vec![140.0; 4800];
/// fhr[2000..2120].fill(170.0); // an acceleration of 30 s
/// let baseline = eir_signal::ctg::taylor(&fhr)?;
/// assert!((baseline[2060] - 140.0).abs() < 1.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) for a handful of samples, or if nothing is left to fill from.
///
/// # Validation
/// Equals FHRMA (commit 407a279e, Octave 7.3) within 0.05 bpm on average and 0.5 bpm at most, away from the first and
/// last minute, on all records of the golden set; events within 1 s.
///
/// # References
/// Taylor et al. 2000, doi:10.1111/j.1471-0528.2000.tb11115.x.
pub fn taylor(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    let mut kept = vec![true; filled_bpm.len()];
    let mut line = low_pass(filled_bpm, 3, 0.008)?;
    for (below, above) in [(5.0, 5.0), (5.0, 5.0), (5.0, 10.0)] {
        for ((keep, x), l) in kept.iter_mut().zip(filled_bpm).zip(&line) {
            *keep &= (-below..=above).contains(&(x - l));
        }
        let mut x = filled_bpm.to_vec();
        fill(&mut x, &kept)?;
        line = low_pass(&x, 3, 0.006)?;
    }
    Ok(line)
}

/// Accelerations (`sign` 1) or decelerations (`sign` −1) by Taylor's own rule: where the trace, low-passed at 0.02 Hz
/// (order 4), is more than 10 bpm above or 5 bpm below the baseline for at least 15 s, and the trace itself reaches
/// 15 bpm.
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) for a handful of samples, [`Mismatch`](eir_core::error::Mismatch) unless both
/// are equally long.
pub fn taylor_events(filled_bpm: &[f64], baseline_bpm: &[f64], sign: f64) -> Result<Vec<Interval>> {
    eir_core::error::Mismatch::check("heart rate and baseline", filled_bpm.len(), baseline_bpm.len())?;
    let smooth = low_pass(filled_bpm, 4, 0.02)?;
    let least = if sign > 0.0 { 10.0 } else { 5.0 };
    let mut found = Vec::new();
    let mut start: Option<usize> = None;
    for i in 0..=smooth.len() {
        let inside = i < smooth.len() && sign * (smooth[i] - baseline_bpm[i]) > least;
        match (inside, start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                let reach = (from..i).map(|k| sign * (filled_bpm[k] - baseline_bpm[k])).fold(f64::MIN, f64::max);
                if i - from > 60 && reach >= 15.0 {
                    found.push(Interval { start: from, end: i });
                }
                start = None;
            }
            _ => {}
        }
    }
    Ok(found)
}
