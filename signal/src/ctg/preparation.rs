//! Fetal heart rate made ready: artefacts out, gaps known, a filled copy for methods that need one.

use crate::Result;
use eir_core::error::TooShort;

/// Samples a second of every method of this module.
pub const RATE_HZ: f64 = 4.0;

/// A prepared fetal heart rate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prepared {
    /// Beats a minute; gaps are filled along a straight line between their neighbours, the ends are held. For filters
    /// and baselines only: never show a filled sample as a measured one.
    pub filled_bpm: Vec<f64>,
    /// Which samples were measured and kept.
    pub valid: Vec<bool>,
    /// Share of samples without a value, before artefacts were removed.
    pub loss: f64,
    /// Share of samples without a kept value.
    pub loss_with_artefacts: f64,
}

impl Prepared {
    /// First and one-past-last sample of each unbroken run of kept samples.
    #[must_use]
    pub fn valid_runs(&self) -> Vec<(usize, usize)> {
        runs(&self.valid)
    }

    /// First and one-past-last sample of each gap.
    #[must_use]
    pub fn gaps(&self) -> Vec<(usize, usize)> {
        runs(&self.valid.iter().map(|v| !v).collect::<Vec<bool>>())
    }

    /// The kept samples, NaN in the gaps.
    #[must_use]
    pub fn kept_bpm(&self) -> Vec<f64> {
        self.filled_bpm.iter().zip(&self.valid).map(|(v, ok)| if *ok { *v } else { f64::NAN }).collect()
    }
}

fn runs(flags: &[bool]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (i, flag) in flags.iter().copied().chain([false]).enumerate() {
        match (flag, start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                found.push((from, i));
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Whether a sample is a measured heart rate: 50 to 220 bpm. 0 and NaN mean lost.
#[must_use]
pub fn is_measured(bpm: f64) -> bool {
    (50.0..=220.0).contains(&bpm)
}

/// Prepares `fhr_bpm`, sampled at 4 Hz, where NaN and 0 mean lost.
///
/// **Use it** before any baseline. **Not** before a short-term variability: removing runs changes what is averaged.
///
/// # Formula
/// A sample is measured at 50–220 bpm. Runs of measured samples shorter than 4.75 s are removed. Then runs shorter than
/// 30 s are removed whose first sample differs from the last one before the gap, and whose last sample differs from the
/// first one behind it, by more than 25 bpm in the same direction: doubling, halving, the mother's rate. As in the
/// reference tool, a removal takes the two samples behind its run too, where a next run may begin.
///
/// # Examples
/// ```
/// let mut fhr = vec![140.0; 240];
/// fhr[100..140].fill(0.0);       // 10 s lost
/// fhr[110..114].fill(70.0);      // and 1 s of half the rate in between
/// let prepared = eir_signal::ctg::prepare(&fhr)?;
/// assert_eq!(prepared.gaps(), [(100, 140)]);
/// assert_eq!(prepared.filled_bpm[112], 140.0);
/// assert_eq!(prepared.loss, 0.15);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] if there is no measured sample, or none is left.
///
/// # Validation
/// The kept runs equal those of the FHRMA toolbox (commit 407a279e) on all 32 records of the golden set.
///
/// # References
/// Boudet et al. 2020, doi:10.1016/j.softx.2020.100428.
pub fn prepare(fhr_bpm: &[f64]) -> Result<Prepared> {
    let mut x: Vec<f64> = fhr_bpm.iter().map(|v| if is_measured(*v) { *v } else { 0.0 }).collect();
    let share = |x: &[f64]| x.iter().filter(|v| **v == 0.0).count() as f64 / x.len().max(1) as f64;
    let loss = share(&x);
    remove_short_runs(&mut x);
    remove_other_rates(&mut x);
    let valid: Vec<bool> = x.iter().map(|v| *v > 0.0).collect();
    let loss_with_artefacts = share(&x);
    fill(&mut x, &valid)?;
    Ok(Prepared { filled_bpm: x, valid, loss, loss_with_artefacts })
}

fn starts(x: &[f64]) -> Vec<usize> {
    (0..x.len()).filter(|i| x[*i] > 0.0 && (*i == 0 || x[*i - 1] == 0.0)).collect()
}

/// Samples from `start` to the first lost one; none if there is none.
fn length(x: &[f64], start: usize) -> Option<usize> {
    x[start..].iter().position(|v| *v == 0.0)
}

/// Clears the run at `start` and the two samples behind it.
fn clear(x: &mut [f64], start: usize, length: usize) {
    let end = (start + length + 2).min(x.len());
    x[start..end].fill(0.0);
}

fn remove_short_runs(x: &mut [f64]) {
    for start in starts(x) {
        match length(x, start) {
            Some(n) if n + 1 < 20 => clear(x, start, n),
            _ => {}
        }
    }
}

fn remove_other_rates(x: &mut [f64]) {
    for start in starts(x) {
        let Some(n) = length(x, start).filter(|n| n + 1 < 120) else { continue };
        let before = x[..start].iter().rev().find(|v| **v > 0.0);
        let after = x[start + n..].iter().find(|v| **v > 0.0);
        // a run that the pass before has emptied still counts, with the lost sample before it: so does the reference tool
        if let (Some(before), Some(after)) = (before, after) {
            let (rise, fall) = (x[start] - before, x[start + n - 1] - after);
            if (rise > 25.0 && fall > 25.0) || (rise < -25.0 && fall < -25.0) {
                clear(x, start, n);
            }
        }
    }
}

/// Fills what is not valid along straight lines; holds the ends.
pub(super) fn fill(x: &mut [f64], valid: &[bool]) -> Result<()> {
    let count = valid.iter().filter(|v| **v).count();
    let mut last: Option<usize> = None;
    for i in 0..x.len() {
        if !valid[i] {
            continue;
        }
        match last {
            None => {
                let held = x[i];
                x[..i].fill(held);
            }
            Some(from) => {
                let (a, b, n) = (x[from], x[i], (i - from) as f64);
                for (k, v) in (1..).zip(&mut x[from + 1..i]) {
                    *v = a + (b - a) / n * f64::from(k);
                }
            }
        }
        last = Some(i);
    }
    match last {
        Some(i) => {
            let held = x[i];
            x[i..].fill(held);
            Ok(())
        }
        None => Err(TooShort::new("measured samples of the heart rate", count, 1).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_trace_is_an_error_and_ends_are_held() {
        assert!(prepare(&[0.0; 100]).is_err());
        assert!(prepare(&[]).is_err());
        let mut fhr = vec![f64::NAN; 100];
        fhr[40..80].fill(130.0);
        let prepared = prepare(&fhr).unwrap();
        assert!(prepared.filled_bpm.iter().all(|v| *v == 130.0));
        assert_eq!((prepared.valid_runs(), prepared.loss), (vec![(40, 80)], 0.6));
        assert!(prepared.kept_bpm()[0].is_nan());
    }
}
