//! Onsets, peaks and ends of the waves of each beat.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// The waves of each beat of `ecg` with the default settings.
///
/// # Errors
/// As [`DelineationConfig::build`] and [`Delineator::delineate`].
pub fn delineate(ecg: &[f32], rate: SampleRate, r_peaks: &[usize]) -> Result<Vec<BeatWaves>> {
    DelineationConfig::default().build(rate)?.delineate(ecg, r_peaks)
}

/// Where the waves of a beat start, peak and end, in samples of the recording; `None` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BeatWaves {
    /// The R-peak that was given.
    pub r_peak: usize,
    /// Start of the P wave.
    pub p_onset: Option<usize>,
    /// Peak of the P wave.
    pub p_peak: Option<usize>,
    /// End of the P wave.
    pub p_offset: Option<usize>,
    /// Start of the QRS complex.
    pub qrs_onset: Option<usize>,
    /// End of the QRS complex: the J point.
    pub qrs_offset: Option<usize>,
    /// Start of the T wave.
    pub t_onset: Option<usize>,
    /// Peak of the T wave.
    pub t_peak: Option<usize>,
    /// End of the T wave.
    pub t_offset: Option<usize>,
}

/// Settings of [`Delineator`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DelineationConfig {
    /// The QRS complex starts and ends where the slope falls to this share of its outermost maximum, 0 to 1. Default 0.25.
    pub qrs_edge: f64,
    /// The same for the P wave. Default 0.4.
    pub p_edge: f64,
    /// The same for the start of the T wave. Default 0.5.
    pub t_onset_edge: f64,
    /// The same for the end of the T wave. Default 0.4.
    pub t_offset_edge: f64,
    /// A P wave is reported only if at least this share of the power before the QRS complexes around is the same from
    /// beat to beat, 0 to 1. Default 0.35. Fibrillation has no such part.
    pub p_coherence: f64,
    /// And only if the beat's own signal correlates so much with that of its neighbours, -1 to 1. Default 0.55.
    pub p_correlation: f64,
    /// A T wave is reported only if its slopes are at least this share of the steepest of the QRS complex, 0 to 1.
    /// Default 0.015.
    pub t_least: f64,
    /// Whether T waves are sought as NeuroKit does: upright only, the highest and earliest, the lead being in mV. An
    /// inverted T wave is then overlooked, and the end of the QRS complex or a bump of the ST segment taken for it.
    /// Default false.
    pub upright_t: bool,
}

impl Default for DelineationConfig {
    fn default() -> Self {
        Self {
            qrs_edge: 0.25,
            p_edge: 0.4,
            t_onset_edge: 0.5,
            t_offset_edge: 0.4,
            p_coherence: 0.35,
            p_correlation: 0.55,
            t_least: 0.015,
            upright_t: false,
        }
    }
}

impl DelineationConfig {
    /// Sets [`qrs_edge`](Self::qrs_edge).
    #[must_use]
    pub fn with_qrs_edge(self, qrs_edge: f64) -> Self {
        Self { qrs_edge, ..self }
    }
    /// Sets [`p_coherence`](Self::p_coherence).
    #[must_use]
    pub fn with_p_coherence(self, p_coherence: f64) -> Self {
        Self { p_coherence, ..self }
    }
    /// Sets [`p_correlation`](Self::p_correlation).
    #[must_use]
    pub fn with_p_correlation(self, p_correlation: f64) -> Self {
        Self { p_correlation, ..self }
    }
    /// Sets [`t_least`](Self::t_least).
    #[must_use]
    pub fn with_t_least(self, t_least: f64) -> Self {
        Self { t_least, ..self }
    }
    /// Sets [`upright_t`](Self::upright_t).
    #[must_use]
    pub fn with_upright_t(self, upright_t: bool) -> Self {
        Self { upright_t, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let shares = [
            ("qrs_edge", self.qrs_edge),
            ("p_edge", self.p_edge),
            ("t_onset_edge", self.t_onset_edge),
            ("t_offset_edge", self.t_offset_edge),
            ("p_coherence", self.p_coherence),
            ("t_least", self.t_least),
        ];
        for (name, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return Err(Parameter::new(name, value, "0 to 1").into());
            }
        }
        if !(-1.0..=1.0).contains(&self.p_correlation) {
            return Err(Parameter::new("p_correlation", self.p_correlation, "-1 to 1").into());
        }
        Ok(())
    }

    /// Prepares the delineation of ECGs of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if the rate is below 100 Hz.
    pub fn build(self, rate: SampleRate) -> Result<Delineator> {
        self.validate()?;
        if rate.hz() < 100.0 {
            return Err(Parameter::new("sample rate", rate.hz(), "at least 100 Hz for the bounds of waves").into());
        }
        Ok(Delineator { config: self, rate })
    }
}

/// Finds the waves of beats, ready to use.
///
/// **Use it** on one lead with its R-peaks, to measure intervals (PR, QRS, QT) and levels. **Not** to diagnose from one
/// beat: take the median over many; in a noisy lead the T wave is often noise. It says "none" where it sees none: P waves in fibrillation, a flat T wave, a beat
/// next to a gap.
///
/// # Formula
/// Slopes are those of the signal smoothed by a cubic spline (derivative of four boxes of 8 ms for the QRS complex, of
/// 16 ms for P and T: the quadratic spline wavelet at the scales 2² and 2³ of 250 Hz). The QRS complex reaches from the
/// first to the last maximum of slope above 0.2 of the steepest within 0.12 s of the R-peak, and outwards to where the
/// slope has fallen to a share of it or turns. P and T peak where the slope crosses 0 between the largest pair of
/// opposite slopes before and behind, and start and end where it has fallen to a share of its outer maximum. A P wave
/// must be common to the beats around: the slopes of 0.22 s before the QRS complex of 16 neighbours are averaged; the
/// share of their power that remains, and the correlation of the beat with the average, must exceed their bounds.
///
/// # Examples
/// ```
/// let wave = |t: f32, at: f32, width: f32| (-((t - at) / width).powi(2)).exp();
/// let beat = |t: f32| 0.15 * wave(t, 0.2, 0.03) + wave(t, 0.38, 0.012) + 0.3 * wave(t, 0.66, 0.05);
/// let ecg: Vec<f32> = (0..5000).map(|i| beat((i % 250) as f32 / 250.0)).collect();
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let peaks = eir_signal::ecg::r_peaks(&ecg, rate)?;
/// let waves = eir_signal::ecg::delineate(&ecg, rate, &peaks)?;
/// assert_eq!(waves.len(), peaks.len());
/// let (p, t) = (waves[9].p_peak.unwrap(), waves[9].t_peak.unwrap());
/// assert!((p % 250).abs_diff(50) <= 1 && (t % 250).abs_diff(165) <= 1);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`delineate`](Self::delineate): [`Parameter`] if the R-peaks do not rise or lie beyond the end, [`NotFinite`] if a
/// sample is infinite. NaN is a gap.
///
/// # Validation
/// Medians of the differences from NeuroKit2 0.2.13 `ecg_delineate(method="dwt")` within 12 ms for all eight points (those
/// of the T wave with [`upright_t`](DelineationConfig::upright_t): the reference tool knows no inverted T wave, as the
/// golden record has in lead II), and P waves in less than 10 % of the beats of excerpts in fibrillation: asserted in the
/// golden test. On that record (ptbdb s0010_re, an inferior infarction) the T waves of lead II peak 277 ms behind R, by
/// default, in the middle of the inverted ones of III, aVF, V5, V6 (276 to 281 ms) and the upright ones of I, aVL, V2, V3
/// (283 to 300 ms); the 118 ms of the reference tool lie on the bump behind the QRS complex, its ends of T on the peak.
///
/// # References
/// Martínez et al. 2004, doi:10.1109/TBME.2003.821031.
#[derive(Debug, Clone, PartialEq)]
pub struct Delineator {
    config: DelineationConfig,
    rate: SampleRate,
}

/// The QRS complex lies within this of the R-peak.
const QRS_REACH_S: f64 = 0.12;
/// Points at which the slopes before a QRS complex are compared from beat to beat.
const P_POINTS: usize = 24;
/// From where to where before the QRS complex they lie, in s.
const P_FROM_S: f64 = 0.24;
const P_TO_S: f64 = 0.02;
/// Neighbours on each side.
const NEIGHBOURS: usize = 8;

type Shape = [f64; P_POINTS];

/// A P or T wave.
struct Wave {
    start: Option<usize>,
    peak: usize,
    end: Option<usize>,
}

/// The slopes around a beat.
#[derive(Default)]
struct Slopes {
    from: usize,
    /// The first sample of `fine`, which is for the QRS complex only.
    fine_from: usize,
    fine: Vec<f64>,
    coarse: Vec<f64>,
    piece: Vec<f64>,
    work: Vec<f64>,
}

impl Delineator {
    /// The default settings, to be changed and built.
    #[must_use]
    pub fn config() -> DelineationConfig {
        DelineationConfig::default()
    }

    /// The waves of each beat of `ecg`: always as many as there are R-peaks.
    ///
    /// # Errors
    /// [`Parameter`] if the R-peaks do not rise or lie beyond the end, [`NotFinite`] if a sample is infinite.
    pub fn delineate(&self, ecg: &[f32], r_peaks: &[usize]) -> Result<Vec<BeatWaves>> {
        if let Some(pair) = r_peaks.windows(2).find(|w| w[0] >= w[1]) {
            return Err(Parameter::new("r_peaks", pair[1] as f64, "rising").into());
        }
        if let Some(last) = r_peaks.last().filter(|last| **last >= ecg.len()) {
            return Err(Parameter::new("r_peaks", *last as f64, "within the recording").into());
        }
        if let Some(index) = ecg.iter().position(|v| v.is_infinite()) {
            NotFinite::check_f32("sample", &ecg[index..=index])?;
        }
        let mut slopes = Slopes::default();
        let mut waves = Vec::with_capacity(r_peaks.len());
        let mut shapes: Vec<Option<Shape>> = Vec::with_capacity(r_peaks.len());
        for (k, r) in r_peaks.iter().copied().enumerate() {
            let before = k.checked_sub(1).map(|k| r_peaks[k]);
            let after = r_peaks.get(k + 1).copied();
            let (beat, shape) = self.beat(ecg, before, r, after, &mut slopes);
            waves.push(beat);
            shapes.push(shape);
        }
        for (beat, present) in waves.iter_mut().zip(self.p_waves(&shapes)) {
            if !present {
                (beat.p_onset, beat.p_peak, beat.p_offset) = (None, None, None);
            }
        }
        Ok(waves)
    }

    /// A beat between its neighbours, and the slopes before it.
    fn beat(
        &self,
        ecg: &[f32],
        before: Option<usize>,
        r: usize,
        after: Option<usize>,
        slopes: &mut Slopes,
    ) -> (BeatWaves, Option<Shape>) {
        let mut waves = BeatWaves { r_peak: r, ..BeatWaves::default() };
        let seconds = |s: f64| self.rate.samples(s);
        // the interval behind the beat sets how far its T wave may reach
        let cycle = after.map(|a| a - r).or(before.map(|b| r - b)).unwrap_or(seconds(0.8));
        let from = r.saturating_sub(seconds(0.42)).max(before.map_or(0, |b| b + (r - b) / 4));
        let to = (r + seconds(0.75)).min(r + cycle).min(ecg.len());
        if !slopes.compute(ecg, r, (from, to), self.rate) {
            return (waves, None);
        }
        let Some((onset, offset)) = self.qrs(slopes, r) else { return (waves, None) };
        (waves.qrs_onset, waves.qrs_offset) = (onset, offset);
        let steepest = slopes.steepest(r, seconds(0.1));
        if let Some(j) = offset {
            let first = (j + seconds(0.02)).max(r + seconds(0.08));
            // a T wave ends before two thirds of the interval, and before the next P wave
            let last =
                (r + cycle * 7 / 10).min(r + seconds(0.62)).max(r + seconds(0.3)).min(to.saturating_sub(seconds(0.06)));
            let (edges, least) =
                ((self.config.t_onset_edge, self.config.t_offset_edge), self.config.t_least * steepest);
            let wave = if self.config.upright_t {
                slopes.upright(r + seconds(0.065), last, edges, self.rate)
            } else {
                slopes.wave(first, last, edges, least)
            };
            if let Some(t) = wave {
                (waves.t_onset, waves.t_peak, waves.t_offset) = (t.start, Some(t.peak), t.end);
            }
        }
        let Some(onset) = onset else { return (waves, None) };
        let first = onset.saturating_sub(seconds(P_FROM_S)).max(from);
        // half of the interval belongs to the beat before
        let first = first.max(before.map_or(0, |b| b + (r - b) / 2));
        let last = onset.saturating_sub(seconds(0.004));
        let edges = (self.config.p_edge, self.config.p_edge);
        if last > first + seconds(0.06)
            && let Some(p) = slopes.wave(first, last, edges, 0.005 * steepest)
        {
            (waves.p_onset, waves.p_peak, waves.p_offset) = (p.start, Some(p.peak), p.end);
        }
        let crowded = before.is_some_and(|b| r - b < seconds(0.4));
        let shape = if crowded { None } else { slopes.shape(onset, self.rate) };
        (waves, shape)
    }

    /// Start and end of the QRS complex.
    fn qrs(&self, slopes: &Slopes, r: usize) -> Option<(Option<usize>, Option<usize>)> {
        let reach = self.rate.samples(QRS_REACH_S);
        let w = &slopes.fine;
        let at = r.checked_sub(slopes.fine_from)?;
        let (from, to) = (at.saturating_sub(reach).max(1), (at + reach).min(w.len().saturating_sub(1)));
        let steepest = w.get(from..to)?.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
        if steepest <= 0.0 {
            return None;
        }
        let apart = self.rate.samples(0.06);
        let is_top = |i: &usize| {
            let v = w[*i].abs();
            v > 0.2 * steepest && v >= w[i - 1].abs() && v > w[i + 1].abs()
        };
        // outwards from the R-peak, as long as the slopes follow each other closely
        let mut first = at;
        for i in (from..=at.min(to - 1)).rev().filter(is_top) {
            if first - i <= apart {
                first = i;
            }
        }
        let mut last = at;
        for i in (at.max(from)..to).filter(is_top) {
            if i - last <= apart {
                last = i;
            }
        }
        let edge = |top: usize| self.config.qrs_edge * w[top].abs();
        let falls = |i: usize, next: Option<&f64>, top: usize| {
            w[i].abs() < edge(top) || next.is_none_or(|n| n.signum() != w[top].signum())
        };
        let onset = (1..=first).rev().find(|i| falls(*i, w.get(i - 1), first));
        let offset = (last..w.len() - 1).find(|i| falls(*i, w.get(i + 1), last));
        Some((onset.map(|i| slopes.fine_from + i), offset.map(|i| slopes.fine_from + i)))
    }

    /// Whether the beats have a P wave: from the slopes that they share with their neighbours.
    fn p_waves(&self, shapes: &[Option<Shape>]) -> Vec<bool> {
        let power = |s: &Shape| s.iter().map(|v| v * v).sum::<f64>();
        (0..shapes.len())
            .map(|k| {
                let Some(own) = &shapes[k] else { return false };
                let around = k.saturating_sub(NEIGHBOURS)..(k + NEIGHBOURS + 1).min(shapes.len());
                let others = around.filter(|j| *j != k).filter_map(|j| shapes[j].as_ref());
                let (mut mean, mut powers, mut count) = ([0.0; P_POINTS], 0.0, 0.0);
                for other in others {
                    // each counts the same: one large artefact must not be the average
                    let scale = 1.0 / power(other).sqrt().max(f64::MIN_POSITIVE);
                    mean.iter_mut().zip(other).for_each(|(m, v)| *m += v * scale);
                    powers += 1.0;
                    count += 1.0;
                }
                if count < 3.0 {
                    return false;
                }
                let coherence = power(&mean) / (powers * count);
                let product: f64 = own.iter().zip(&mean).map(|(a, b)| a * b).sum();
                let correlation = product / (power(own) * power(&mean)).sqrt().max(f64::MIN_POSITIVE);
                // what n unrelated shapes leave of their power is 1/n
                let coherence = (coherence - 1.0 / count) / (1.0 - 1.0 / count);
                coherence >= self.config.p_coherence && correlation >= self.config.p_correlation
            })
            .collect()
    }
}

impl Slopes {
    /// Slopes from `from` to `to`, no further than the gaps around `r`; false if the beat itself is in one.
    fn compute(&mut self, ecg: &[f32], r: usize, (from, to): (usize, usize), rate: SampleRate) -> bool {
        let (fine, coarse) = (rate.samples(0.008).max(1), rate.samples(0.016).max(1));
        let margin = 4 * coarse;
        let (mut first, mut end) = (from.saturating_sub(margin), (to + margin).min(ecg.len()));
        if let Some(gap) = ecg[first..=r].iter().rposition(|v| v.is_nan()) {
            first += gap + 1;
        }
        if let Some(gap) = ecg[r..end].iter().position(|v| v.is_nan()) {
            end = r + gap;
        }
        if first > r || end <= r + margin || end - first <= 2 * margin {
            return false;
        }
        self.from = first;
        self.piece.clear();
        self.piece.extend(ecg[first..end].iter().map(|v| f64::from(*v)));
        let near = rate.samples(QRS_REACH_S) + 4 * fine;
        let (a, b) = ((r - first).saturating_sub(near), (r - first + near).min(self.piece.len()));
        self.fine_from = first + a;
        slope(&self.piece[a..b], fine, &mut self.fine, &mut self.work);
        slope(&self.piece, coarse, &mut self.coarse, &mut self.work);
        true
    }

    fn steepest(&self, r: usize, reach: usize) -> f64 {
        let at = r.saturating_sub(self.from);
        let range = at.saturating_sub(reach)..(at + reach).min(self.coarse.len());
        self.coarse[range].iter().fold(0.0, |a: f64, v| a.max(v.abs()))
    }

    /// Start, peak and end of the largest wave whose slopes lie between two samples: the pair of opposite slopes next to
    /// each other of which the smaller is largest.
    fn wave(&self, first: usize, last: usize, edges: (f64, f64), least: f64) -> Option<Wave> {
        let w = &self.coarse;
        let (from, to) =
            (first.checked_sub(self.from)?.max(1), last.checked_sub(self.from)?.min(w.len().checked_sub(1)?));
        if to <= from + 2 {
            return None;
        }
        let tops: Vec<usize> = (from..to)
            .filter(|i| {
                let v = w[*i].abs();
                v > least && v >= w[i - 1].abs() && v > w[i + 1].abs()
            })
            .collect();
        let pairs = tops.windows(2).filter(|p| w[p[0]] * w[p[1]] < 0.0);
        let size = |p: &&[usize]| w[p[0]].abs().min(w[p[1]].abs());
        let best = pairs.max_by(|a, b| size(a).total_cmp(&size(b)))?;
        let (rise, fall) = (best[0], best[1]);
        let peak = (rise..fall).find(|i| w[*i] * w[i + 1] <= 0.0)?;
        let peak = if w[peak].abs() <= w[peak + 1].abs() { peak } else { peak + 1 };
        let ends = |i: &usize, top: usize, edge: f64| w[*i].abs() < edge * w[top].abs() || w[*i] * w[top] <= 0.0;
        let start = (0..rise).rev().find(|i| ends(i, rise, edges.0));
        let end = (fall..w.len()).find(|i| ends(i, fall, edges.1));
        let place = |i: usize| self.from + i;
        Some(Wave { start: start.map(place), peak: place(peak), end: end.map(place) })
    }

    /// The upright wave between two samples that is highest, a millivolt for a second later.
    fn upright(&self, first: usize, last: usize, edges: (f64, f64), rate: SampleRate) -> Option<Wave> {
        let w = &self.coarse;
        let (from, to) = (first.checked_sub(self.from)?, last.checked_sub(self.from)?.min(w.len().checked_sub(2)?));
        let score = |i: usize| self.piece[i] - rate.seconds(i - from);
        let tops = (from..to).filter(|i| w[*i] > 0.0 && w[i + 1] <= 0.0);
        let peak = tops.max_by(|a, b| score(*a).total_cmp(&score(*b)))?;
        let rise = (1..=peak).rev().find(|i| w[i - 1] < w[*i])?;
        let fall = (peak + 1..w.len() - 1).find(|i| w[i + 1] > w[*i])?;
        let start = (0..rise).rev().find(|i| w[*i] < edges.0 * w[rise]);
        let end = (fall..w.len()).find(|i| w[*i] > edges.1 * w[fall]);
        let place = |i: usize| self.from + i;
        Some(Wave { start: start.map(place), peak: place(peak), end: end.map(place) })
    }

    /// The slopes before a QRS complex, less their mean.
    fn shape(&self, onset: usize, rate: SampleRate) -> Option<Shape> {
        let (from, to) = (rate.samples(P_FROM_S), rate.samples(P_TO_S));
        let first = onset.checked_sub(from)?.checked_sub(self.from)?;
        let length = (from - to) as f64;
        let mut shape = [0.0; P_POINTS];
        for (k, s) in shape.iter_mut().enumerate() {
            let at = first + (k as f64 * length / (P_POINTS - 1) as f64).round() as usize;
            *s = *self.coarse.get(at)?;
        }
        let mean = shape.iter().sum::<f64>() / P_POINTS as f64;
        shape.iter_mut().for_each(|s| *s -= mean);
        Some(shape)
    }
}

/// Derivative of the signal smoothed by a cubic spline: three means of `size` samples and a difference over `size`,
/// without delay (to half a sample).
fn slope(x: &[f64], size: usize, out: &mut Vec<f64>, work: &mut Vec<f64>) {
    let n = x.len();
    let shift = (4 * size - 3) / 2;
    let (Some(first), Some(last)) = (x.first(), x.last()) else { return out.clear() };
    // held for `size` samples before each pass, so that no loop has to ask where it is
    work.clear();
    work.extend(std::iter::repeat_n(*first, size));
    work.extend_from_slice(x);
    work.extend(std::iter::repeat_n(*last, shift));
    let scale = 1.0 / size as f64;
    for _ in 0..3 {
        let mut sum = first * size as f64;
        out.clear();
        out.extend(std::iter::repeat_n(*first, size));
        out.extend(work[size..].iter().zip(&work[..]).map(|(new, old)| {
            sum += new - old;
            sum * scale
        }));
        std::mem::swap(out, work);
    }
    out.clear();
    out.extend(work[size + shift..].iter().zip(&work[shift..]).map(|(new, old)| new - old));
    out.truncate(n);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(p: f32, t: f32) -> (Vec<f32>, SampleRate, Vec<usize>) {
        let wave = |s: f32, at: f32, width: f32| (-((s - at) / width).powi(2)).exp();
        let beat = |s: f32| p * wave(s, 0.2, 0.03) + wave(s, 0.38, 0.012) + t * wave(s, 0.66, 0.05);
        let noise = |i: usize| 0.002 * ((i * 7919 % 1009) as f32 / 504.0 - 1.0);
        let ecg = (0..10_000).map(|i| beat((i % 500) as f32 / 500.0) + noise(i)).collect();
        (ecg, SampleRate::new(500.0).unwrap(), (0..20).map(|k| 190 + 500 * k).collect())
    }

    #[test]
    fn the_slope_of_a_line_is_its_slope_and_a_peak_is_where_it_crosses_zero() {
        let (mut out, mut work) = (Vec::new(), Vec::new());
        let line: Vec<f64> = (0..100).map(|i| 2.0 * f64::from(i)).collect();
        slope(&line, 5, &mut out, &mut work);
        assert!(out.len() == 100 && out[20..80].iter().all(|v| (v - 10.0).abs() < 1e-9));
        let bump: Vec<f64> = (0..200).map(|i| (-((f64::from(i) - 100.0) / 12.0).powi(2)).exp()).collect();
        for size in [3, 4, 8] {
            slope(&bump, size, &mut out, &mut work);
            let zero = (90..110).find(|i| out[*i] > 0.0 && out[i + 1] <= 0.0).unwrap();
            assert!(zero.abs_diff(100) <= 1, "{size}: {zero}");
        }
    }

    #[test]
    fn waves_are_found_where_they_are_and_not_where_they_are_not() {
        let (ecg, rate, peaks) = made(0.15, 0.3);
        let waves = delineate(&ecg, rate, &peaks).unwrap();
        let near = |place: Option<usize>, at: usize, k: usize, within: usize| {
            place.is_some_and(|p| p.abs_diff(at + 500 * k) <= within)
        };
        for (k, beat) in waves.iter().enumerate().take(19).skip(1) {
            assert!(near(beat.p_peak, 100, k, 3) && near(beat.t_peak, 330, k, 3), "{beat:?}");
            assert!(near(beat.qrs_onset, 175, k, 8) && near(beat.qrs_offset, 205, k, 8), "{beat:?}");
            assert!(beat.p_onset < beat.p_peak && beat.p_peak < beat.p_offset && beat.p_offset <= beat.qrs_onset);
            assert!(beat.t_onset < beat.t_peak && beat.t_peak < beat.t_offset, "{beat:?}");
        }
        let (ecg, rate, peaks) = made(0.0, 0.3);
        let waves = delineate(&ecg, rate, &peaks).unwrap();
        assert!(waves.iter().filter(|w| w.p_peak.is_some()).count() <= 2);
        let (ecg, rate, peaks) = made(0.15, 0.0);
        let waves = delineate(&ecg, rate, &peaks).unwrap();
        assert!(waves.iter().filter(|w| w.t_peak.is_some()).count() <= 2, "{waves:?}");
    }

    #[test]
    fn as_many_as_beats_whatever_comes() {
        let (mut ecg, rate, peaks) = made(0.15, 0.3);
        ecg[900..1300].fill(f32::NAN);
        let all = [&[0, 1][..], &peaks, &[9_999]].concat();
        let waves = delineate(&ecg, rate, &all).unwrap();
        assert_eq!(waves.len(), all.len());
        assert!(waves.iter().zip(&all).all(|(w, r)| w.r_peak == *r));
        assert!(waves.iter().flat_map(|w| [w.p_peak, w.t_peak, w.qrs_onset]).flatten().all(|i| ecg[i].is_finite()));
        assert!(delineate(&ecg, rate, &[5, 5]).is_err() && delineate(&ecg, rate, &[10_000]).is_err());
        assert_eq!(delineate(&[], rate, &[]).unwrap(), Vec::new());
        assert!(delineate(&[0.0; 500], rate, &[250]).unwrap()[0].qrs_onset.is_none());
        assert!(DelineationConfig::default().with_qrs_edge(2.0).build(rate).is_err());
    }
}
