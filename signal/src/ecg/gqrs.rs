//! QRS detection by a matched filter and the order among its peaks, as wfdb's gqrs.

use super::prepared;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;

/// The QRS complexes of `ecg`, in mV, as wfdb's gqrs finds them: their onsets.
///
/// **Use it** to compare with the PhysioNet tools; with khamis2016 the most exact of the named methods on MIT-BIH. **Not**
/// where the unit is unknown (its thresholds are in mV), nor on a lead of small complexes: on one record of the golden
/// set it finds less than half of the beats.
///
/// # Formula
/// With `d` = 17.5 ms: trapezoid mean over `2d`, then the sum over time of `10 Δ₁ - 4 Δ₂ - 2 Δ₃ + Δ₄` with
/// `Δₖ(t) = s(t + kd) - s(t - kd)`, squared: `q`. A maximum of `q` above the threshold of peaks is a peak; it is primary
/// if no primary one within 0.28 s is higher. A primary peak above the threshold of beats, 0.28 s behind the last beat,
/// is a beat, unless the interval is long by the usual intervals and there is a primary peak in it: then that one is.
/// The mean interval follows by at most 1/40, its spread by 1/8, the interval to the T wave by 1/16; the peak that is
/// nearest to that interval behind a beat is a T wave and never primary. Both thresholds fall by 1/16 where nothing has
/// come for 2.4 s, to a quarter and a third of what 0.13 mV gives.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..5000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::gqrs(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert!(peaks.len() >= 18 && peaks[1] % 250 < 125);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) for rates below 58 Hz and above 500 kHz.
///
/// # Validation
/// Peaks equal wfdb 4.3.1 `gqrs_detect(sig=…)` on at least 99 % of beats within one sample, and true positives, misses
/// and false alarms within 2, on all records of the golden set. As there, the last beat is missed in a recording with
/// fewer than 64 peaks. Behind the end, where that tool goes on with what its buffer held 32 768 samples before, this one
/// sees nothing.
///
/// # References
/// The documentation of wfdb (Xie et al., WFDB Python, PhysioNet), after the program of George Moody.
pub fn gqrs(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let second = (rate.hz() + 0.5) as i64;
    if !(58..=500_000).contains(&second) {
        return Err(Parameter::new("sample rate", rate.hz(), "58 Hz to 500 kHz").into());
    }
    let step = (0.07 * second as f64 / 4.0) as i64;
    let x = prepared(ecg, rate)?;
    let (low, high) = x.iter().fold((x[0], x[0]), |(l, h), v| (l.min(*v), h.max(*v)));
    // steps of a 24-bit converter whose range is that of the signal, as the reference tool takes them
    let per_mv = 16_777_214.0 / (high - low);
    if !per_mv.is_finite() {
        return Ok(Vec::new()); // constant
    }
    let steps: Vec<i64> = x.iter().map(|v| ((v - low) * per_mv).round_ties_even() as i64 - 8_388_607).collect();
    let filtered = matched(&steps, step);
    let mut search = Search::new(second, step, per_mv);
    let mut before = [0, 0];
    for (t, q) in (-4 * step..).zip(filtered.into_iter().chain([0])) {
        search.look(t, [before[0], before[1], q]);
        before = [before[1], q];
    }
    search.finish(x.len() as i64 - 1);
    Ok(search.beats)
}

/// Squares of the matched filter from sample `-4·step` on, as far as it sees the signal.
fn matched(x: &[i64], step: i64) -> Vec<i64> {
    let n = x.len() as i64;
    let at = |t: i64| x[t.clamp(0, n - 1) as usize];
    // four times the trapezoid mean; nothing before sample 1
    let mut smooth = vec![0i64; (n + step + 2) as usize];
    let end = smooth.len() as i64;
    for t in 1..end {
        smooth[t as usize] = if t > step {
            let (new, old) = (at(t + step) + at(t + step - 1), at(t - step) + at(t - step - 1));
            smooth[t as usize - 1] + new - old
        } else if step > 1 {
            let inside: i64 = (1 - step..step).map(|j| at(t + j)).sum();
            2 * inside + at(t + step) + at(t - step)
        } else {
            0
        };
    }
    let smooth_at = |t: i64| if t < 0 { 0 } else { smooth[t.min(end - 1) as usize] };
    let (norm, mut sum) = (64 * step * step, 0);
    (-4 * step..=n - 3 * step + 1)
        .map(|t| {
            let slope = |k: i64| smooth_at(t + k * step) - smooth_at(t - k * step);
            sum += 10 * slope(1) - 4 * slope(2) - 2 * slope(3) + slope(4);
            (sum / norm) * (sum / norm)
        })
        .collect()
}

/// Peaks that are remembered.
const PEAKS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Rank {
    #[default]
    Unknown,
    Primary,
    Secondary,
}

#[derive(Debug, Clone, Copy, Default)]
struct Peak {
    at: i64,
    height: i64,
    rank: Rank,
}

/// What is known of the beats so far; times in samples.
struct Search {
    /// A ring, the newest at `newest`.
    peaks: [Peak; PEAKS],
    newest: usize,
    step: i64,
    /// Shortest and longest interval, usual interval, its spread, and how much the usual may move at once.
    shortest: i64,
    longest: i64,
    interval: i64,
    spread: i64,
    most_move: i64,
    /// From the beat to the T wave: bounds, and usual.
    t_bounds: [i64; 2],
    to_t: i64,
    /// Thresholds of peaks and of beats, and how low they may get.
    of_peaks: i64,
    of_beats: i64,
    floors: [i64; 2],
    /// The last peak, the last beat, and the last beat that was reported.
    last_peak: i64,
    last_beat: i64,
    reported: i64,
    last_beat_peak: Option<usize>,
    beats: Vec<usize>,
}

impl Search {
    fn new(second: i64, step: i64, per_mv: f64) -> Self {
        let samples = |s: f64| (s * second as f64) as i64;
        let interval = samples(60.0 / 75.0);
        // above 2^56 nothing can exceed it, and its multiples still fit
        let of_peaks = (((per_mv * 130.0 * 0.001).powi(2) / 6.0) as i64).min(1 << 56);
        let floor = of_peaks >> 2;
        Self {
            peaks: [Peak::default(); PEAKS],
            newest: 0,
            step,
            shortest: samples(0.28),
            longest: samples(2.4),
            interval,
            spread: samples(0.2),
            most_move: (interval / 40).max(1),
            t_bounds: [samples(0.25), samples(0.33)],
            to_t: (0.75 * 0.35 * second as f64) as i64,
            of_peaks,
            of_beats: of_peaks << 1,
            floors: [floor, (floor << 2) / 3],
            last_peak: 0,
            last_beat: 0,
            reported: 0,
            last_beat_peak: None,
            beats: Vec::new(),
        }
    }

    /// Takes the next sample `q[2]`, of time `t`, of the filter.
    fn look(&mut self, t: i64, q: [i64; 3]) {
        let is_peak = q[1] > self.of_peaks && q[0] < q[1] && q[1] >= q[2] && t > 4 * self.step;
        if !is_peak {
            if t - self.last_peak > self.longest && self.of_peaks > self.floors[0] {
                self.of_peaks -= self.of_peaks >> 4;
            }
            return;
        }
        self.newest = next(self.newest);
        self.peaks[self.newest] = Peak { at: t - 1, height: q[1], rank: Rank::Unknown };
        self.peaks[next(self.newest)].height = 0;
        self.last_peak = t - 1;
        let mut k = next(self.newest);
        while self.peaks[k].at < t - self.t_bounds[1] {
            if self.peaks[k].at >= self.reported + self.shortest && self.rank(k) == Rank::Primary {
                if self.peaks[k].height > self.of_beats {
                    k = self.beat(k);
                } else if t - self.last_beat > self.longest && self.of_beats > self.floors[1] {
                    self.of_beats -= self.of_beats >> 4;
                }
            }
            k = next(k);
        }
    }

    /// The peak `k` is a beat, or tells that the one it returns is.
    fn beat(&mut self, mut k: usize) -> usize {
        let mut interval = self.peaks[k].at - self.reported;
        let missing = self.last_beat_peak.and_then(|last| self.missing(last, k));
        let long = interval > self.interval + 2 * self.spread && interval > 2 * (self.interval - self.spread);
        if let Some(found) = missing.filter(|_| long) {
            k = found;
            interval = self.peaks[k].at - self.reported;
        }
        let Peak { at, height, .. } = self.peaks[k];
        let off = (interval - self.interval).abs();
        self.spread += (off - self.spread) >> 3;
        let moves = off.min(self.most_move);
        self.interval += if interval > self.interval { moves } else { -moves };
        if height > 4 * self.of_beats {
            self.of_beats += 1;
        } else if height < self.of_beats {
            self.of_beats -= 1;
        }
        self.of_beats = self.of_beats.min(20 * self.of_peaks);
        self.last_beat = at;
        self.beats.push((at - 2 * self.step).max(0) as usize);
        self.reported = at;
        self.t_wave(k);
        self.last_beat_peak = Some(k);
        k
    }

    /// Looks for the T wave of the beat `k`.
    fn t_wave(&mut self, k: usize) {
        let beat = self.reported;
        let (mut nearest, mut found) = (self.to_t, None);
        let mut j = next(k);
        while self.peaks[j].at > beat {
            let to_t = self.peaks[j].at - beat - 2 * self.step;
            if to_t > self.t_bounds[1] {
                break;
            }
            if to_t >= self.t_bounds[0] && (to_t - self.to_t).abs() < nearest {
                nearest = (to_t - self.to_t).abs();
                found = Some((j, to_t));
            }
            j = next(j);
        }
        let Some((j, to_t)) = found else { return };
        self.to_t += (to_t - self.to_t) >> 4;
        if self.to_t > self.t_bounds[1] {
            self.to_t = self.t_bounds[1];
        } else if self.to_t < self.t_bounds[0] {
            self.to_t = self.shortest; // as the reference tool has it
        }
        self.peaks[j].rank = Rank::Secondary;
    }

    /// The primary peak between two whose interval from the first is nearest to the usual one.
    fn missing(&mut self, from: usize, to: usize) -> Option<usize> {
        let (start, end) = (self.peaks[from].at, self.peaks[to].at);
        let (mut nearest, mut found) = (end - start, None);
        let mut j = next(from);
        while self.peaks[j].at < end {
            if self.rank(j) == Rank::Primary {
                let off = (self.peaks[j].at - start - self.interval).abs();
                if off < nearest {
                    (nearest, found) = (off, Some(j));
                }
            }
            j = next(j);
        }
        found
    }

    /// Whether a peak is primary; asked once. Goes from a peak to a higher one only, so that it ends.
    fn rank(&mut self, k: usize) -> Rank {
        let Peak { at, height, rank } = self.peaks[k];
        if rank != Rank::Unknown {
            return rank;
        }
        let mut rank = Rank::Primary;
        let mut j = previous(k);
        while self.peaks[j].at > (at - self.shortest).max(0) && self.peaks[j].at < self.peaks[next(j)].at {
            let other = self.peaks[j].height;
            if other == 0 {
                break;
            }
            if height < other && self.rank(j) == Rank::Primary {
                rank = Rank::Secondary;
                break;
            }
            j = previous(j);
        }
        let mut j = next(k);
        while rank == Rank::Primary
            && self.peaks[j].at < at + self.shortest
            && self.peaks[j].at > self.peaks[previous(j)].at
        {
            let other = self.peaks[j].height;
            if other == 0 {
                break;
            }
            if height < other && self.rank(j) == Rank::Primary {
                rank = Rank::Secondary;
            }
            j = next(j);
        }
        self.peaks[k].rank = rank;
        rank
    }

    /// The last beat or two, whose T waves have not been waited for.
    fn finish(&mut self, end: i64) {
        let mut k = next(self.newest);
        if self.peaks[k].at == 0 {
            return; // the reference tool looks for them in a full list only
        }
        for _ in 0..PEAKS {
            let Peak { at, height, .. } = self.peaks[k];
            if height > 0 && at >= self.reported + self.shortest && at < end && self.rank(k) == Rank::Primary {
                self.beats.push(at as usize);
                self.reported = at;
            }
            k = next(k);
        }
    }
}

fn next(k: usize) -> usize {
    (k + 1) % PEAKS
}

fn previous(k: usize) -> usize {
    (k + PEAKS - 1) % PEAKS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(hz: f64, seconds: usize, height: f32) -> (Vec<f32>, SampleRate) {
        let beat = |t: f64| (-((t - 0.4) / 0.012).powi(2)).exp() + 0.25 * (-((t - 0.68) / 0.05).powi(2)).exp();
        let ecg = (0..(hz * seconds as f64) as usize).map(|i| height * beat((i as f64 / hz) % 0.8) as f32).collect();
        (ecg, SampleRate::new(hz).unwrap())
    }

    #[test]
    fn finds_beats_once_at_every_rate() {
        for hz in [60.0, 100.0, 250.0, 360.0, 1000.0] {
            let (ecg, rate) = made(hz, 80, 1.0);
            let beats = gqrs(&ecg, rate).unwrap();
            assert!((97..=100).contains(&beats.len()), "{hz} Hz: {}", beats.len());
            assert!(beats.windows(2).all(|b| b[0] < b[1]));
            let seconds: Vec<f64> = beats.windows(2).map(|b| (b[1] - b[0]) as f64 / hz).collect();
            assert!(seconds.iter().take(90).all(|s| (s - 0.8).abs() < 0.05), "{hz} Hz: {seconds:?}");
        }
    }

    #[test]
    fn the_filter_sees_no_constant_and_no_line() {
        let level: Vec<i64> = vec![12_345; 400];
        assert!(matched(&level, 6).iter().skip(60).all(|q| *q == 0));
        assert!(matched(&level, 1).iter().skip(60).all(|q| *q == 0));
    }

    #[test]
    fn odd_signals() {
        let rate = SampleRate::new(250.0).unwrap();
        assert!(gqrs(&[0.7; 5000], rate).unwrap().is_empty());
        assert!(gqrs(&made(250.0, 20, 1e-3).0, rate).unwrap().is_empty(), "a thousandth of a mV is no beat");
        for scale in [1e-44, 1e-20, 1e30, f32::MAX] {
            let x: Vec<f32> = (0..5000).map(|i| if i % 200 < 5 { scale } else { -scale }).collect();
            assert!(gqrs(&x, rate).unwrap().windows(2).all(|b| b[0] < b[1]), "{scale}");
        }
        assert!(gqrs(&[0.0; 249], rate).is_err());
        assert!(gqrs(&[0.0; 500], SampleRate::new(50.0).unwrap()).is_err());
    }
}
