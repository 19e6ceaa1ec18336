//! Baseline after Maeda: the fullest class of each five minutes.

use crate::Result;
use eir_core::error::TooShort;

/// The baseline after Maeda of a filled heart rate at 4 Hz.
///
/// **Use it** to compare with devices that work this way. **Not** to judge a trace: it is a step function in classes of
/// 10 bpm and jumps.
///
/// # Formula
/// Means of 2 s; windows of 5 min, the last one aligned to the right; classes `(10 (k-1), 10 k]` up to 200 bpm; the
/// fullest class of a window (the lowest of several) wins, and the baseline there is the mean of all means *of the
/// whole trace* in that class.
///
/// # Examples
/// ```
/// let fhr: Vec<f64> = (0..2400).map(|i| if i < 1200 { 138.0 } else { 152.0 }).collect();
/// let baseline = eir_signal::ctg::maeda(&fhr)?;
/// assert_eq!((baseline[0], baseline[2399]), (138.0, 152.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] below 5 min.
///
/// # Validation
/// Equals FHRMA (commit 407a279e, Octave 7.3) within 0.01 bpm on all records of the golden set, and its events.
///
/// # References
/// Maeda 2012, as in Boudet et al. 2020, doi:10.1016/j.softx.2020.100428.
pub fn maeda(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    const WINDOW: usize = 150;
    const CLASSES: usize = 21;
    let means: Vec<f64> = filled_bpm.as_chunks::<8>().0.iter().map(|c| c.iter().sum::<f64>() / 8.0).collect();
    if means.len() < WINDOW {
        return Err(TooShort::new("samples of the heart rate", filled_bpm.len(), 8 * WINDOW).into());
    }
    let class = |v: f64| (v / 10.0).ceil().max(0.0) as usize;
    let (mut sums, mut counts) = ([0.0; CLASSES], [0usize; CLASSES]);
    for v in &means {
        if let (Some(sum), Some(count)) = (sums.get_mut(class(*v)), counts.get_mut(class(*v))) {
            *sum += v;
            *count += 1;
        }
    }
    let level = |window: &[f64]| {
        let mut votes = [0usize; CLASSES];
        window.iter().filter_map(|v| Some(class(*v)).filter(|c| *c < CLASSES)).for_each(|c| votes[c] += 1);
        let best = (0..CLASSES).rev().max_by_key(|c| votes[*c]).unwrap_or(0);
        sums[best] / counts[best].max(1) as f64
    };
    let mut baseline = Vec::with_capacity(filled_bpm.len());
    for window in means.chunks(WINDOW) {
        let value = if window.len() == WINDOW { level(window) } else { level(&means[means.len() - WINDOW..]) };
        baseline.extend(std::iter::repeat_n(value, 8 * window.len()));
    }
    let last = baseline.last().copied().unwrap_or_default();
    baseline.resize(filled_bpm.len(), last);
    Ok(baseline)
}
