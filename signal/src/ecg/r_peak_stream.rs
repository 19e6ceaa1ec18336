//! R-peaks of a live ECG.

use super::r_peak_rules::{Candidate, FAINTEST, LONG, REFRACTORY_S, Rules, median};
use super::r_peaks::{RPeaksConfig, r_peak_within};
use crate::{Result, SosFilter, SosStream};
use eir_core::SampleRate;
use eir_core::error::Parameter;
use std::collections::VecDeque;

/// From the R-peak to its report.
const LOOK_AHEAD_S: f64 = 1.35;
/// Raw samples that are kept: the look-ahead, and what is around an R-peak.
const KEPT_S: f64 = 2.2;
/// The R-peak is within this of the maximum of the energy.
const REACH_S: f64 = 0.07;
const HIGHEST_RATE_HZ: f64 = 5000.0;
/// Room for maxima that wait for their decision; they are at least 0.15 s apart.
const WAITING: usize = 32;

/// A detector of R-peaks for a live signal: the rules of [`RPeaks`](super::RPeaks) with a look-ahead of 1.4 s.
///
/// **Use it** where samples come in pieces of any length. **Not** on a recording: [`RPeaks`](super::RPeaks) sees both
/// ways. After the look-ahead a peak is final.
///
/// # Formula
/// As [`RPeaks`](super::RPeaks), but: the filter is causal, and its delay (where the energy of its impulse response is
/// centred) is taken off; the level is the median of the last nine beats (of the largest heights in the stretches of
/// 1.2 s until there are five beats, or when none came for 5 s), the noise that of the last 25 other maxima; maxima are
/// decided in their order.
///
/// # Examples
/// ```
/// use eir_signal::ecg::{RPeakStream, RPeaksConfig};
/// let ecg: Vec<f32> = (0..5000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let mut stream = RPeakStream::new(RPeaksConfig::default(), eir_core::SampleRate::new(250.0)?)?;
/// let mut peaks = Vec::new();
/// for piece in ecg.chunks(40) {
///     stream.push(piece, |peak| peaks.push(peak));
/// }
/// stream.finish(|peak| peaks.push(peak));
/// assert_eq!(peaks, (0..20).map(|k| 125 + 250 * k).collect::<Vec<_>>());
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`new`](Self::new): as [`RPeaksConfig::build`], and [`Parameter`] above 5000 Hz, for which the memory is not meant. A
/// sample that is NaN or infinite is a gap: no error, no peak.
///
/// # Validation
/// The same bits for pieces of any length; no memory is taken after `new` but at the end of a gap; less than 64 KiB; F1
/// within 0.002 of [`RPeaks`](super::RPeaks) on the annotated records of the golden set: asserted in the tests.
#[derive(Debug, Clone)]
pub struct RPeakStream {
    rules: Rules,
    rate: SampleRate,
    slow: SampleRate,
    step: usize,
    filter: SosFilter,
    band: SosStream,
    /// Samples of `slow` from the R-peak to the maximum of the energy.
    delay: f64,
    raw: VecDeque<f32>,
    keep: usize,
    /// Samples taken so far.
    taken: usize,
    /// Where the samples since the last gap start, and the first of them.
    start: Option<(usize, f64)>,
    sum: f64,
    summed: usize,
    squares: VecDeque<f64>,
    window: usize,
    /// Squares of the second difference, and the last two samples.
    bends: VecDeque<f64>,
    bends_kept: usize,
    latest: [f64; 2],
    energy: [f64; 3],
    slow_taken: usize,
    waiting: VecDeque<Candidate>,
    stretch: usize,
    tops: VecDeque<f64>,
    heights: VecDeque<f64>,
    roughs: VecDeque<f64>,
    intervals: VecDeque<f64>,
    noise: VecDeque<f64>,
    last: Option<Candidate>,
    last_peak: Option<usize>,
    rejected: f64,
    piece: Vec<f64>,
}

impl RPeakStream {
    /// A detector for samples of `rate`.
    ///
    /// # Errors
    /// As [`RPeaksConfig::build`], and [`Parameter`] above 5000 Hz.
    pub fn new(config: RPeaksConfig, rate: SampleRate) -> Result<Self> {
        if rate.hz() > HIGHEST_RATE_HZ {
            return Err(Parameter::new("sample rate", rate.hz(), "at most 5000 Hz for a live ECG").into());
        }
        let (step, slow, filter) = config.design(rate)?;
        let window = slow.samples(0.12).max(1);
        let keep = rate.samples(KEPT_S);
        let filter_delay = centre_of_energy(&filter, slow);
        let bends_kept = window + filter_delay.round() as usize;
        Ok(Self {
            rules: Rules::new(&config),
            rate,
            slow,
            step,
            band: filter.stream(),
            delay: filter_delay + (window as f64 - 1.0) / 2.0,
            filter,
            raw: VecDeque::with_capacity(keep + 1),
            keep,
            taken: 0,
            start: None,
            sum: 0.0,
            summed: 0,
            squares: VecDeque::with_capacity(window + 1),
            window,
            bends: VecDeque::with_capacity(bends_kept + 1),
            bends_kept,
            latest: [0.0; 2],
            energy: [0.0; 3],
            slow_taken: 0,
            waiting: VecDeque::with_capacity(WAITING + 1),
            stretch: 0,
            tops: VecDeque::with_capacity(11),
            heights: VecDeque::with_capacity(10),
            roughs: VecDeque::with_capacity(10),
            intervals: VecDeque::with_capacity(10),
            noise: VecDeque::with_capacity(26),
            last: None,
            last_peak: None,
            rejected: 0.0,
            piece: Vec::with_capacity(rate.samples(0.3) * 2 + 2),
        })
    }

    /// Seconds from an R-peak to its report, at most.
    #[must_use]
    pub fn look_ahead_s(&self) -> f64 {
        LOOK_AHEAD_S + REACH_S + 2.0 / self.slow.hz()
    }

    /// Takes samples; `found` is called with the place of each R-peak, counted from the very first sample.
    pub fn push(&mut self, ecg: &[f32], mut found: impl FnMut(usize)) {
        for sample in ecg {
            self.take(*sample, &mut found);
        }
    }

    /// Reports what still waits, as no more samples come.
    pub fn finish(&mut self, mut found: impl FnMut(usize)) {
        while !self.waiting.is_empty() {
            self.decide(&mut found);
        }
    }

    fn take(&mut self, sample: f32, found: &mut impl FnMut(usize)) {
        let index = self.taken;
        self.taken += 1;
        if !sample.is_finite() {
            if self.start.take().is_some() {
                self.finish(&mut *found);
                self.last = None;
                self.rejected = 0.0;
            }
            return;
        }
        let (start, first) = match self.start {
            Some(start) => start,
            None => {
                self.raw.clear();
                self.squares.clear();
                self.bends.clear();
                self.latest = [0.0; 2];
                self.energy = [0.0; 3];
                (self.sum, self.summed, self.slow_taken, self.stretch) = (0.0, 0, 0, 0);
                self.band = self.filter.stream();
                *self.start.insert((index, f64::from(sample)))
            }
        };
        if self.raw.len() == self.keep {
            self.raw.pop_front();
        }
        self.raw.push_back(sample);
        self.sum += f64::from(sample) - first; // the band holds no constant
        self.summed += 1;
        if self.summed < self.step {
            return;
        }
        let x = self.sum / self.step as f64;
        let y = self.band.push(x);
        if self.bends.len() == self.bends_kept {
            self.bends.pop_front();
        }
        let [older, old] = self.latest;
        self.bends.push_back(if self.slow_taken < 2 { 0.0 } else { (x - 2.0 * old + older).powi(2) });
        self.latest = [old, x];
        (self.sum, self.summed) = (0.0, 0);
        if self.squares.len() == self.window {
            self.squares.pop_front();
        }
        self.squares.push_back(y * y);
        // summed anew: a running sum would carry its rounding along for days
        let mean = self.squares.iter().sum::<f64>() / self.window as f64;
        self.energy = [self.energy[1], self.energy[2], mean.sqrt()];
        self.slow_taken += 1;
        let [a, b, c] = self.energy;
        if self.slow_taken > 2 && a < b && b >= c {
            self.offer(b, found);
        }
        while self.waiting.front().is_some_and(|w| self.now_s() - w.time_s >= LOOK_AHEAD_S) {
            self.decide(found);
        }
        debug_assert!(start <= index);
    }

    /// Seconds of analysed signal since the last gap.
    fn now_s(&self) -> f64 {
        self.slow.seconds(self.slow_taken)
    }

    /// A new maximum, of the sample before the newest.
    fn offer(&mut self, height: f64, found: &mut impl FnMut(usize)) {
        let place = self.slow_taken as f64 - 2.0 - self.delay;
        if place < 0.0 {
            return;
        }
        // the oldest are those around the maximum, which the filter delays
        let bend = (self.bends.iter().take(self.window).sum::<f64>() / self.window as f64).sqrt();
        let time_s = place / self.slow.hz();
        let new = Candidate { place: place.round() as usize, time_s, height, rough: bend / height };
        let stretch = (new.time_s / 1.2) as usize;
        if stretch > self.stretch || self.tops.is_empty() {
            self.stretch = stretch;
            if self.tops.len() == 10 {
                self.tops.pop_front();
            }
            self.tops.push_back(0.0);
        }
        if let Some(top) = self.tops.back_mut() {
            *top = top.max(height);
        }
        match self.waiting.back_mut() {
            Some(old) if new.time_s - old.time_s < 0.15 => {
                if new.height > old.height {
                    *old = new;
                }
            }
            _ => {
                if self.waiting.len() == WAITING {
                    self.decide(found);
                }
                self.waiting.push_back(new);
            }
        }
    }

    /// Height of a beat to be expected now.
    fn level(&self) -> f64 {
        let of_tops = median_of(&self.tops);
        let silent = self.last.is_none_or(|l| self.now_s() - l.time_s > 5.0);
        if self.heights.len() < 5 || silent { of_tops } else { median_of(&self.heights).max(0.5 * of_tops) }
    }

    /// Decides about the candidate that waits longest.
    fn decide(&mut self, found: &mut impl FnMut(usize)) {
        let Some(this) = self.waiting.pop_front() else { return };
        let level = self.level();
        if level <= 0.0 {
            return;
        }
        let noise = if self.noise.len() > 5 { median_of(&self.noise) } else { 0.05 };
        let usual_rough = if self.roughs.len() < 5 { 0.0 } else { median_of(&self.roughs) };
        let need = self.rules.need(noise, this.rough, usual_rough);
        let share = this.height / level;
        let strong = |c: &&Candidate| c.height / level >= need;
        let blocked_before =
            self.last.as_ref().is_some_and(|l| this.time_s - l.time_s < REFRACTORY_S || self.rules.is_t_wave(l, &this));
        let blocked_after = self
            .waiting
            .iter()
            .filter(strong)
            .any(|a| a.height > this.height && (a.time_s - this.time_s < REFRACTORY_S || Rules::is_rise(&this, a)));
        let beat = !blocked_before && !blocked_after && (share >= need || self.fills_a_gap(&this, share, need, level));
        let since = self.last.map_or(f64::INFINITY, |l| this.time_s - l.time_s);
        if !beat {
            if since > 0.35 && !blocked_after {
                push(&mut self.noise, 25, share);
                self.rejected = self.rejected.max(share);
            }
            return;
        }
        if since.is_finite() {
            push(&mut self.intervals, 9, since);
        }
        push(&mut self.heights, 9, this.height);
        push(&mut self.roughs, 9, this.rough);
        self.last = Some(this);
        self.rejected = 0.0;
        self.report(&this, found);
    }

    /// Whether a faint candidate is a beat that is missing from the rhythm.
    fn fills_a_gap(&self, this: &Candidate, share: f64, need: f64, level: f64) -> bool {
        let Some(last) = self.last.filter(|_| self.intervals.len() >= 3) else { return false };
        let usual = median_of(&self.intervals);
        let next = self.waiting.iter().find(|c| c.height / level >= need);
        let next_s = next.map_or(self.now_s(), |c| c.time_s);
        let others = self.waiting.iter().take_while(|c| c.time_s < next_s - (0.3 * usual).max(0.3));
        let second = others.map(|c| c.height / level).fold(self.rejected, f64::max);
        next_s - last.time_s > LONG * usual
            && this.time_s - last.time_s > (0.4 * usual).max(0.36)
            && next_s - this.time_s > (0.3 * usual).max(0.3)
            && share > (self.rules.search_back * need).max(FAINTEST)
            && share > 1.4 * second
    }

    /// Finds the R-peak of a beat.
    fn report(&mut self, beat: &Candidate, found: &mut impl FnMut(usize)) {
        let Some((start, _)) = self.start else { return };
        let oldest = self.taken - self.raw.len();
        let around = start + beat.place * self.step + self.step / 2;
        let wide = self.rate.samples(0.3);
        let (from, to) = (around.saturating_sub(wide).max(oldest), (around + wide + 1).min(self.taken));
        if from > around || to <= around {
            return;
        }
        self.piece.clear();
        self.piece.extend(self.raw.range(from - oldest..to - oldest).map(|v| f64::from(*v)));
        let near = self.rate.samples(REACH_S);
        let Some(peak) = r_peak_within(&self.piece, around - from, near, self.rate.samples(0.004)) else { return };
        let peak = from + peak;
        if self.last_peak.is_none_or(|last| peak > last) {
            self.last_peak = Some(peak);
            found(peak);
        }
    }
}

fn push(list: &mut VecDeque<f64>, most: usize, value: f64) {
    if list.len() == most {
        list.pop_front();
    }
    list.push_back(value);
}

/// Median of at most 32 values, on the stack.
fn median_of(values: &VecDeque<f64>) -> f64 {
    let mut work = [0.0; 32];
    let n = values.len().min(32);
    work.iter_mut().zip(values).for_each(|(w, v)| *w = *v);
    median(&mut work[..n])
}

/// Where the energy of the impulse response is centred, in samples.
fn centre_of_energy(filter: &SosFilter, rate: SampleRate) -> f64 {
    let mut stream = filter.stream();
    let (mut moment, mut energy) = (0.0, 0.0);
    for k in 0..rate.samples(1.0) {
        let y = stream.push(if k == 0 { 1.0 } else { 0.0 });
        moment += k as f64 * y * y;
        energy += y * y;
    }
    moment / energy.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(n: usize) -> Vec<f32> {
        let mut ecg: Vec<f32> = (0..n).map(|i| 3.0 + 0.02 * ((i * 7919 % 101) as f32 / 50.0 - 1.0)).collect();
        let mut beat = 100.0;
        while beat < n as f64 {
            for (i, v) in ecg.iter_mut().enumerate().skip((beat as usize).saturating_sub(60)).take(250) {
                let t = i as f64 - beat;
                *v += ((-(t / 3.0).powi(2)).exp() + 0.3 * (-((t - 70.0) / 14.0).powi(2)).exp()) as f32;
            }
            beat += 180.0 + 40.0 * (beat * 0.01).sin();
        }
        ecg
    }

    fn run(ecg: &[f32], piece: usize) -> Vec<usize> {
        let mut stream = RPeakStream::new(RPeaksConfig::default(), SampleRate::new(250.0).unwrap()).unwrap();
        let mut peaks = Vec::new();
        ecg.chunks(piece).for_each(|p| stream.push(p, |peak| peaks.push(peak)));
        stream.finish(|peak| peaks.push(peak));
        peaks
    }

    #[test]
    fn any_pieces_give_the_same_peaks_as_the_recording() {
        let ecg = made(20_000);
        let batch = super::super::r_peaks(&ecg, SampleRate::new(250.0).unwrap()).unwrap();
        for piece in [1, 7, 1000, 20_000] {
            assert_eq!(run(&ecg, piece), batch, "pieces of {piece}");
        }
        let stream = RPeakStream::new(RPeaksConfig::default(), SampleRate::new(250.0).unwrap()).unwrap();
        assert!(stream.look_ahead_s() < 1.5);
    }

    #[test]
    fn a_gap_holds_no_peaks() {
        let mut ecg = made(20_000);
        ecg[7000..8000].fill(f32::NAN);
        let peaks = run(&ecg, 33);
        assert!(!peaks.iter().any(|p| (6990..8000).contains(p)));
        assert!(peaks.iter().filter(|p| **p >= 8000).count() > 55 && peaks.windows(2).all(|w| w[0] < w[1]));
        assert!(run(&[f32::NAN; 1000], 10).is_empty() && run(&[2.0; 1000], 10).is_empty());
        assert!(RPeakStream::new(RPeaksConfig::default(), SampleRate::new(9000.0).unwrap()).is_err());
    }
}
