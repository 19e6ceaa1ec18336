//! Fetal heart rate made ready: artefacts out, gaps known, a filled copy for methods that need one, and a report.

use super::events::Interval;
use crate::Result;
use eir_core::error::TooShort;
use serde::{Deserialize, Serialize};

/// Samples a second of every method of this module.
pub const RATE_HZ: f64 = 4.0;

/// Samples of the windows in which the loss is reported: 10 min.
const TEN_MIN: usize = 2400;
/// A jump to another rate, in bpm.
const JUMP_BPM: f64 = 25.0;
/// Longest spike in samples: 2 s.
const SPIKE: usize = 8;
/// Runs below are removed, in samples: 5 s.
const SHORT: usize = 20;
/// Runs at another rate below are removed, in samples: 30 s.
const OTHER: usize = 120;
/// Runs at another rate above are no artefacts any more, in samples: 10 min.
const LASTING: usize = 2400;
/// A mother's heart rate is seldom higher, in bpm.
const MATERNAL_BPM: f64 = 115.0;

/// Why samples were taken out or are doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RepairKind {
    /// No value: 0 or NaN.
    Lost,
    /// A value outside 50–220 bpm.
    OutOfRange,
    /// At most 2 s that stand apart by more than 25 bpm on both sides.
    Spike,
    /// Less than 5 s between two gaps.
    ShortRun,
    /// A run at about twice the rate around it.
    Doubling,
    /// A run at about half the rate around it.
    Halving,
    /// A lower run that may be the mother's rate.
    MaternalRate,
    /// Another run that stands apart by more than 25 bpm on both sides, in the same direction.
    OtherRate,
}

impl RepairKind {
    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::OutOfRange => "out of range",
            Self::Spike => "spike",
            Self::ShortRun => "short run",
            Self::Doubling => "doubling",
            Self::Halving => "halving",
            Self::MaternalRate => "maternal rate suspected",
            Self::OtherRate => "other rate",
        }
    }
}

/// A stretch that was taken out, or that is doubted and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Repair {
    /// What is wrong with it.
    pub kind: RepairKind,
    /// Where.
    pub interval: Interval,
    /// Whether it counts as lost now. A long run at another rate is only doubted: it may be a bradycardia.
    pub removed: bool,
}

/// Settings of [`prepare`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PreparationConfig {
    /// Whether jumps by more than 25 bpm inside a run bound spikes and runs at another rate too. Default true; false is
    /// FHRMA's rule, which looks at gaps only.
    pub jumps: bool,
    /// Whether a removal takes two samples behind its run too, and both passes use the runs from before the pass, as
    /// FHRMA (commit 407a279e) does by mistake. Default false.
    pub fhrma_defects: bool,
}

impl Default for PreparationConfig {
    fn default() -> Self {
        Self { jumps: true, fhrma_defects: false }
    }
}

impl PreparationConfig {
    /// FHRMA's rule with its defects, to compare with it.
    #[must_use]
    pub fn fhrma() -> Self {
        Self { jumps: false, fhrma_defects: true }
    }
    /// Sets [`jumps`](Self::jumps).
    #[must_use]
    pub fn with_jumps(self, jumps: bool) -> Self {
        Self { jumps, ..self }
    }
    /// Sets [`fhrma_defects`](Self::fhrma_defects).
    #[must_use]
    pub fn with_fhrma_defects(self, fhrma_defects: bool) -> Self {
        Self { fhrma_defects, ..self }
    }

    /// As [`prepare`], with these settings.
    ///
    /// # Errors
    /// As [`prepare`].
    pub fn prepare(&self, fhr_bpm: &[f64]) -> Result<Prepared> {
        let mut x: Vec<f64> = fhr_bpm.iter().map(|v| if is_measured(*v) { *v } else { 0.0 }).collect();
        let lost: Vec<bool> = x.iter().map(|v| *v == 0.0).collect();
        let mut repairs = losses(fhr_bpm);
        if self.fhrma_defects {
            reference_removal(&mut x, &mut repairs);
        } else {
            if self.jumps {
                remove_spikes(&mut x, &mut repairs);
            }
            remove_short_runs(&mut x, &mut repairs);
            remove_other_rates(&mut x, self.jumps, &mut repairs);
        }
        repairs.sort_by_key(|r| (r.interval.start, r.interval.end));
        let valid: Vec<bool> = x.iter().map(|v| *v > 0.0).collect();
        let share = |lost: &mut dyn Iterator<Item = bool>| {
            let (n, all) = lost.fold((0u32, 0u32), |(n, all), l| (n + u32::from(l), all + 1));
            f64::from(n) / f64::from(all.max(1))
        };
        let loss = share(&mut lost.iter().copied());
        let loss_with_artefacts = share(&mut valid.iter().map(|v| !v));
        let loss_per_10min = lost.chunks(TEN_MIN).map(|c| share(&mut c.iter().copied())).collect();
        fill(&mut x, &valid)?;
        Ok(Prepared { filled_bpm: x, valid, loss, loss_with_artefacts, loss_per_10min, repairs })
    }
}

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
    /// [`loss`](Self::loss) of each 10 min from the start; the last may be shorter.
    pub loss_per_10min: Vec<f64>,
    /// What was taken out or is doubted, in its order.
    pub repairs: Vec<Repair>,
}

impl Prepared {
    /// First and one-past-last sample of each unbroken run of kept samples.
    #[must_use]
    pub fn valid_runs(&self) -> Vec<(usize, usize)> {
        runs(self.valid.iter().copied())
    }

    /// First and one-past-last sample of each gap.
    #[must_use]
    pub fn gaps(&self) -> Vec<(usize, usize)> {
        runs(self.valid.iter().map(|v| !v))
    }

    /// The kept samples, NaN in the gaps.
    #[must_use]
    pub fn kept_bpm(&self) -> Vec<f64> {
        self.filled_bpm.iter().zip(&self.valid).map(|(v, ok)| if *ok { *v } else { f64::NAN }).collect()
    }

    /// Share of samples without a kept value in `start..end`; 1 where there is none.
    #[must_use]
    pub fn loss_between(&self, start: usize, end: usize) -> f64 {
        let part = self.valid.get(start..end.min(self.valid.len())).unwrap_or_default();
        match part.len() {
            0 => 1.0,
            n => part.iter().filter(|v| !**v).count() as f64 / n as f64,
        }
    }

    /// Whether more than half of `start..end` was measured and kept: a window in which less was is not judged.
    #[must_use]
    pub fn is_judgeable(&self, start: usize, end: usize) -> bool {
        self.loss_between(start, end) < 0.5
    }
}

/// First and one-past-last of each run of `true`.
pub(super) fn runs(flags: impl IntoIterator<Item = bool>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (i, flag) in flags.into_iter().chain([false]).enumerate() {
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

/// Prepares `fhr_bpm`, sampled at 4 Hz, where NaN and 0 mean lost, and reports each repair.
///
/// **Use it** before any baseline. **Not** before a short-term variability: removing runs changes what is averaged.
///
/// # Formula
/// A sample is measured at 50–220 bpm. Up to 2 s that stand apart from both neighbours by more than 25 bpm are spikes.
/// Runs shorter than 5 s are removed. Then runs shorter than 30 s are removed whose first sample differs from the last
/// one before, and whose last sample differs from the first one behind, by more than 25 bpm in the same direction:
/// doubling, halving, the mother's rate. Such runs of 30 s to 10 min are reported and kept. What is removed counts as
/// lost and is filled along a straight line.
///
/// # Parameters
/// [`PreparationConfig`]: [`PreparationConfig::fhrma`] gives the samples that the FHRMA toolbox keeps.
///
/// # Examples
/// ```
/// use eir_signal::ctg::{prepare, RepairKind};
/// let mut fhr = vec![140.0; 240];
/// fhr[100..140].fill(0.0);       // 10 s lost
/// fhr[110..114].fill(70.0);      // and 1 s of half the rate in between
/// let prepared = prepare(&fhr)?;
/// assert_eq!(prepared.gaps(), [(100, 140)]);
/// assert_eq!(prepared.filled_bpm[112], 140.0);
/// assert_eq!(prepared.loss, 0.15);
/// assert!(prepared.repairs.iter().any(|r| r.kind == RepairKind::ShortRun && r.interval.start == 110));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] if there is no measured sample, or none is left.
///
/// # Validation
/// With [`PreparationConfig::fhrma`] the kept runs equal those of the FHRMA toolbox (commit 407a279e) on all 32 records
/// of the golden set.
///
/// # References
/// Boudet et al. 2020, doi:10.1016/j.softx.2020.100428.
pub fn prepare(fhr_bpm: &[f64]) -> Result<Prepared> {
    PreparationConfig::default().prepare(fhr_bpm)
}

/// Stretches without a value, and with one out of range.
fn losses(fhr: &[f64]) -> Vec<Repair> {
    let lost = |v: &f64| v.is_nan() || *v == 0.0;
    let wrong = |v: &f64| !lost(v) && !is_measured(*v);
    let list = |kind, runs: Vec<(usize, usize)>| {
        runs.into_iter().map(move |(start, end)| Repair { kind, interval: Interval { start, end }, removed: true })
    };
    let gaps = list(RepairKind::Lost, runs(fhr.iter().map(lost)));
    gaps.chain(list(RepairKind::OutOfRange, runs(fhr.iter().map(wrong)))).collect()
}

/// Stretches of kept samples between gaps and, if `jumps`, between jumps.
fn stretches(x: &[f64], jumps: bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (start, end) in runs(x.iter().map(|v| *v > 0.0)) {
        let mut from = start;
        for (i, w) in (start + 1..end).zip(x[start..end].windows(2)) {
            if jumps && (w[1] - w[0]).abs() > JUMP_BPM {
                found.push((from, i));
                from = i;
            }
        }
        found.push((from, end));
    }
    found
}

/// By how much a stretch is above (or, below 0, under) what is beside it; 0 unless it is on the same side of both.
fn apart(x: &[f64], start: usize, end: usize) -> Option<(f64, f64)> {
    let before = x[..start].iter().rev().find(|v| **v > 0.0)?;
    let after = x[end..].iter().find(|v| **v > 0.0)?;
    let (rise, fall) = (x[start] - before, x[end - 1] - after);
    let same = (rise > JUMP_BPM && fall > JUMP_BPM) || (rise < -JUMP_BPM && fall < -JUMP_BPM);
    same.then_some(((before + after) / 2.0, rise))
}

fn remove_spikes(x: &mut [f64], repairs: &mut Vec<Repair>) {
    for (start, end) in stretches(x, true) {
        let inside = end - start <= SPIKE && start > 0 && end < x.len() && x[start - 1] > 0.0 && x[end] > 0.0;
        if inside && apart(x, start, end).is_some() {
            x[start..end].fill(0.0);
            repairs.push(Repair { kind: RepairKind::Spike, interval: Interval { start, end }, removed: true });
        }
    }
}

fn remove_short_runs(x: &mut [f64], repairs: &mut Vec<Repair>) {
    // a spike's gap does not end a run: what stands around it is one run
    let spikes: Vec<Interval> = repairs.iter().filter(|r| r.kind == RepairKind::Spike).map(|r| r.interval).collect();
    let mut flags: Vec<bool> = x.iter().map(|v| *v > 0.0).collect();
    for spike in spikes {
        flags[spike.start..spike.end].fill(true);
    }
    for (start, end) in runs(flags.iter().copied()) {
        if end - start < SHORT {
            x[start..end].fill(0.0);
            repairs.push(Repair { kind: RepairKind::ShortRun, interval: Interval { start, end }, removed: true });
        }
    }
}

fn remove_other_rates(x: &mut [f64], jumps: bool, repairs: &mut Vec<Repair>) {
    for (start, end) in stretches(x, jumps) {
        if end - start > LASTING {
            continue;
        }
        let Some((around, _)) = apart(x, start, end) else { continue };
        let level = x[start..end].iter().sum::<f64>() / (end - start) as f64;
        let removed = end - start < OTHER;
        if removed {
            x[start..end].fill(0.0);
        }
        repairs.push(Repair { kind: other_rate(level, around), interval: Interval { start, end }, removed });
    }
}

fn other_rate(level: f64, around: f64) -> RepairKind {
    let ratio = level / around;
    if (1.8..=2.2).contains(&ratio) {
        RepairKind::Doubling
    } else if (0.45..=0.55).contains(&ratio) {
        RepairKind::Halving
    } else if ratio < 1.0 && level <= MATERNAL_BPM {
        RepairKind::MaternalRate
    } else {
        RepairKind::OtherRate
    }
}

/// FHRMA's two passes, with their defects.
fn reference_removal(x: &mut [f64], repairs: &mut Vec<Repair>) {
    let starts =
        |x: &[f64]| -> Vec<usize> { (0..x.len()).filter(|i| x[*i] > 0.0 && (*i == 0 || x[*i - 1] == 0.0)).collect() };
    // samples from `start` to the first lost one; none if there is none
    let length = |x: &[f64], start: usize| x[start..].iter().position(|v| *v == 0.0);
    let mut clear = |x: &mut [f64], start: usize, length: usize, kind| {
        let end = (start + length + 2).min(x.len());
        x[start..end].fill(0.0);
        repairs.push(Repair { kind, interval: Interval { start, end }, removed: true });
    };
    for start in starts(x) {
        match length(x, start) {
            Some(n) if n + 1 < SHORT => clear(x, start, n, RepairKind::ShortRun),
            _ => {}
        }
    }
    for start in starts(x) {
        let Some(n) = length(x, start).filter(|n| n + 1 < OTHER) else { continue };
        let before = x[..start].iter().rev().find(|v| **v > 0.0);
        let after = x[start + n..].iter().find(|v| **v > 0.0);
        // a run that the removal before has emptied still counts, with the lost sample before it
        if let (Some(before), Some(after)) = (before, after) {
            let (rise, fall) = (x[start] - before, x[start + n - 1] - after);
            if (rise > JUMP_BPM && fall > JUMP_BPM) || (rise < -JUMP_BPM && fall < -JUMP_BPM) {
                let kind = other_rate(x[start], (before + after) / 2.0);
                clear(x, start, n, kind);
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
        assert!(prepare(&[f64::INFINITY; 100]).is_err());
        let mut fhr = vec![f64::NAN; 100];
        fhr[40..80].fill(130.0);
        let prepared = prepare(&fhr).unwrap();
        assert!(prepared.filled_bpm.iter().all(|v| *v == 130.0));
        assert_eq!((prepared.valid_runs(), prepared.loss), (vec![(40, 80)], 0.6));
        assert_eq!(prepared.loss_per_10min, [0.6]);
        assert!(prepared.kept_bpm()[0].is_nan());
        assert!(!prepared.is_judgeable(0, 100) && prepared.is_judgeable(30, 90));
    }

    #[test]
    fn every_repair_is_listed_with_its_kind() {
        let mut fhr = vec![140.0; 4000];
        fhr[100..103].fill(190.0); // a spike
        fhr[200..204].fill(300.0); // out of range
        fhr[400..460].fill(0.0);
        fhr[420..430].fill(141.0); // a short run
        fhr[800..880].fill(70.0); // 20 s halved
        fhr[1200..1280].fill(215.0); // 20 s at another rate
        fhr[1600..1900].fill(85.0); // 75 s: the mother?
        let prepared = prepare(&fhr).unwrap();
        let found: Vec<(RepairKind, usize, usize, bool)> =
            prepared.repairs.iter().map(|r| (r.kind, r.interval.start, r.interval.end, r.removed)).collect();
        let want = [
            (RepairKind::Spike, 100, 103, true),
            (RepairKind::OutOfRange, 200, 204, true),
            (RepairKind::Lost, 400, 420, true),
            (RepairKind::ShortRun, 420, 430, true),
            (RepairKind::Lost, 430, 460, true),
            (RepairKind::Halving, 800, 880, true),
            (RepairKind::OtherRate, 1200, 1280, true),
            (RepairKind::MaternalRate, 1600, 1900, false),
        ];
        assert_eq!(found, want);
        assert_eq!(prepared.filled_bpm[820], 140.0);
        assert_eq!(prepared.filled_bpm[1700], 85.0);
    }

    #[test]
    fn the_reference_takes_two_samples_more() {
        let mut fhr = vec![140.0; 400];
        fhr[100..110].fill(0.0);
        fhr[118] = 0.0;
        let ours = PreparationConfig::default().prepare(&fhr).unwrap();
        let theirs = PreparationConfig::fhrma().prepare(&fhr).unwrap();
        assert_eq!(ours.gaps(), [(100, 119)]);
        // and once more at the run that began behind the first removal
        assert_eq!(theirs.gaps(), [(100, 121)]);
    }
}
