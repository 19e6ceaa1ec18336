//! Fragmentation of the heart rate.

use super::check;
use crate::Result;
use crate::entropy::{NoAnswer, enough};
use serde::{Deserialize, Serialize};

/// How often the heart changes between slowing and speeding up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fragmentation {
    /// Share of intervals at which the sign of the difference changes (PIP); a change to or from no difference counts.
    pub inflections: f64,
    /// Inverse of the mean length of a run of accelerations or decelerations (IALS).
    pub inverse_mean_run: f64,
    /// Share of differences that lie in runs of fewer than three (PSS).
    pub in_short_runs: f64,
    /// Share of differences that lie in stretches of four and more of alternating sign (PAS).
    pub in_alternations: f64,
    /// Share of runs that are shorter than three: what NeuroKit2 calls PSS.
    pub short_runs: f64,
    /// Share of stretches of successive inflections that have four and more: what NeuroKit2 calls PAS. 0 without any.
    pub long_alternations: f64,
}

/// The fragmentation of the intervals `rr_ms`.
///
/// **Use it** in elderly or ill hearts, where RMSSD rises from erratic, not vagal, changes. **Not** on coarsely quantised
/// intervals: differences of 0 break runs.
///
/// # Formula
/// Runs are successive differences of one sign, differences of 0 belong to none.
///
/// # Examples
/// ```
/// let zigzag = [800.0, 820.0].repeat(50);
/// let found = eir_signal::hrv::fragmentation(&zigzag)?;
/// assert_eq!((found.inverse_mean_run, found.in_short_runs, found.in_alternations), (1.0, 1.0, 1.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`time_domain`](super::time_domain); [`NoAnswer`] if no two successive intervals differ.
///
/// # Validation
/// PIP, IALS and the two NeuroKit2 0.2.13 forms of PSS and PAS equal `hrv_nonlinear` within 1e-9 on all series of the
/// golden set up to 1200 beats. The shares of differences follow the words of the paper and have no reference values.
///
/// # References
/// Costa, Davis, Goldberger 2017, doi:10.3389/fphys.2017.00255.
pub fn fragmentation(rr_ms: &[f64]) -> Result<Fragmentation> {
    check(rr_ms, 3)?;
    Ok(measure(rr_ms)?)
}

pub(super) fn measure(rr_ms: &[f64]) -> std::result::Result<Fragmentation, NoAnswer> {
    enough(rr_ms, 3)?;
    let signs: Vec<i8> = rr_ms.windows(2).map(|w| i8::from(w[1] > w[0]) - i8::from(w[1] < w[0])).collect();
    let runs: Vec<usize> = signs.chunk_by(|a, b| a == b).filter(|run| run[0] != 0).map(<[i8]>::len).collect();
    if runs.is_empty() {
        return Err(NoAnswer::Constant);
    }
    let inflected: Vec<bool> = signs.windows(2).map(|w| w[0] != w[1]).collect();
    let stretches: Vec<usize> = inflected.chunk_by(|a, b| a == b).filter(|run| run[0]).map(<[bool]>::len).collect();
    let alternating = signs.chunk_by(|a, b| a * b < 0).map(<[i8]>::len).filter(|len| *len >= 4);
    let differences = signs.len() as f64;
    let share = |count: usize, of: usize| if of == 0 { 0.0 } else { count as f64 / of as f64 };
    let short = |len: &&usize| **len < 3;
    Ok(Fragmentation {
        inflections: inflected.iter().filter(|i| **i).count() as f64 / rr_ms.len() as f64,
        inverse_mean_run: runs.len() as f64 / runs.iter().sum::<usize>() as f64,
        in_short_runs: 1.0 - runs.iter().filter(|len| **len >= 3).sum::<usize>() as f64 / differences,
        in_alternations: alternating.sum::<usize>() as f64 / differences,
        short_runs: share(runs.iter().filter(short).count(), runs.len()),
        long_alternations: share(stretches.iter().filter(|len| **len >= 4).count(), stretches.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_wave_is_not_fragmented() {
        let wave: Vec<f64> = (0..200).map(|i| 800.0 + 50.0 * (f64::from(i) * 0.1).sin()).collect();
        let found = fragmentation(&wave).unwrap();
        assert!(found.inflections < 0.05 && found.in_short_runs < 0.05 && found.in_alternations == 0.0);
        assert!(fragmentation(&[800.0; 20]).is_err());
    }
}
