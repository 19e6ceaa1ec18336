//! R-peaks of an ECG.

use super::r_peak_rules::{Candidate, Rules};
use super::refine::sharpen;
use crate::{Band, ButterworthConfig, Result, SosFilter};
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// The R-peaks of `ecg` with the default settings.
///
/// # Errors
/// As [`RPeaksConfig::build`] and [`RPeaks::detect`].
pub fn r_peaks(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    RPeaksConfig::default().build(rate)?.detect(ecg)
}

/// Settings of [`RPeaks`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RPeaksConfig {
    /// Lower edge of the band in which the QRS complex is sought, in Hz, above 0. Default 8.
    pub low_hz: f64,
    /// Upper edge in Hz, above the lower one. Default 20. Lowered to 0.45 of the sampling rate where that is less.
    pub high_hz: f64,
    /// Share of the height of the beats around, above which a maximum is a beat in a signal without noise, 0 to 1.
    /// Default 0.24.
    pub threshold: f64,
    /// How much of the usual height of maxima that are no beats is added to the threshold, 0 to 4. Default 0.9.
    pub noise: f64,
    /// The threshold for beats that are missing from the rhythm, as a share of the other one, 0 to 1. Default 0.6.
    pub search_back: f64,
    /// Of two maxima 0.25 s apart the later must have this share of the earlier one's height, 0 to 1: a T wave has less.
    /// The share falls by 0.21 with every 0.1 s. Default 0.62.
    pub pair: f64,
}

impl Default for RPeaksConfig {
    fn default() -> Self {
        Self { low_hz: 8.0, high_hz: 20.0, threshold: 0.24, noise: 0.9, search_back: 0.6, pair: 0.62 }
    }
}

impl RPeaksConfig {
    /// Sets the band.
    #[must_use]
    pub fn with_band_hz(self, low_hz: f64, high_hz: f64) -> Self {
        Self { low_hz, high_hz, ..self }
    }
    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }
    /// Sets [`noise`](Self::noise).
    #[must_use]
    pub fn with_noise(self, noise: f64) -> Self {
        Self { noise, ..self }
    }
    /// Sets [`search_back`](Self::search_back).
    #[must_use]
    pub fn with_search_back(self, search_back: f64) -> Self {
        Self { search_back, ..self }
    }
    /// Sets [`pair`](Self::pair).
    #[must_use]
    pub fn with_pair(self, pair: f64) -> Self {
        Self { pair, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(self.low_hz.is_finite() && self.low_hz > 0.0) {
            return Err(Parameter::new("low_hz", self.low_hz, "above 0").into());
        }
        if !(self.high_hz.is_finite() && self.high_hz > self.low_hz) {
            return Err(Parameter::new("high_hz", self.high_hz, "above low_hz").into());
        }
        for (name, value) in [("threshold", self.threshold), ("search_back", self.search_back), ("pair", self.pair)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Parameter::new(name, value, "0 to 1").into());
            }
        }
        if !(0.0..=4.0).contains(&self.noise) {
            return Err(Parameter::new("noise", self.noise, "0 to 4").into());
        }
        Ok(())
    }

    /// Designs the filters for ECGs of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if the rate is below 50 Hz or does not carry the band.
    pub fn build(self, rate: SampleRate) -> Result<RPeaks> {
        let (step, slow, band) = self.design(rate)?;
        Ok(RPeaks { rules: Rules::new(&self), rate, step, slow, band })
    }

    /// Samples that are averaged to one, the rate of these averages, and the band at that rate.
    pub(super) fn design(&self, rate: SampleRate) -> Result<(usize, SampleRate, SosFilter)> {
        self.validate()?;
        if rate.hz() < 50.0 {
            return Err(Parameter::new("sample rate", rate.hz(), "at least 50 Hz for an ECG").into());
        }
        let step = (rate.hz() / ANALYSIS_HZ).floor().max(1.0) as usize;
        let slow = SampleRate::new(rate.hz() / step as f64)?;
        let high_hz = self.high_hz.min(0.45 * slow.hz());
        if self.low_hz >= high_hz {
            return Err(Parameter::new("low_hz", self.low_hz, "below the upper edge and 0.45 of the rate").into());
        }
        let band = ButterworthConfig::new(Band::Pass { low_hz: self.low_hz, high_hz }).with_order(2).design(slow)?;
        Ok((step, slow, band))
    }
}

/// The QRS complex is sought at the lowest rate from here on that is a whole part of the recording's.
const ANALYSIS_HZ: f64 = 160.0;
/// The signal is filtered in stretches of this many seconds, so that they stay in the cache and memory is bounded.
const BLOCK_S: f64 = 60.0;
/// By this much they overlap: what the filter still remembers then is rounding.
const OVERLAP_S: f64 = 2.0;

/// A detector of R-peaks, ready to use.
///
/// **Use it** on a recorded lead of any rate from 50 Hz, as the default: it sees both ways in time, and returns the
/// place of the R-peak itself, as heart-rate variability needs it. **Not** on a live signal
/// ([`RPeakStream`](super::RPeakStream) is for that), and not to find the rate in ventricular flutter, which has no QRS
/// complexes.
///
/// # Formula
/// Means of whole samples down to 160–320 Hz; band-pass 8–20 Hz (order 2, zero phase); `e` = root of the mean square
/// over 0.12 s; its maxima at least 0.15 s apart are the candidates. From the highest down, a candidate is a beat if `e`
/// exceeds `0.24 + 0.9 n` of the level of the beats around (their running median; at first that of the largest `e` in
/// stretches of 1.2 s), where `n` is the usual height of candidates that are none, unless it follows a beat as a T wave
/// does: within 0.45 s and below `0.62 − 2.1 (Δt − 0.25 s)` of its height. What is
/// more than twice as rough as the beats around (root mean square of the second difference over `e`) must be higher in
/// proportion: muscles are. In an interval longer than 1.6 times the
/// median of the 17 around it, a candidate above 0.6 of that threshold and 0.2 of the level that stands out is a beat too. The R-peak is the
/// largest deflection, of either sign, from the mean of ±0.3 s within 60 ms.
///
/// Missing samples (NaN) cut the recording; pieces below 2 s have no beats.
///
/// # Examples
/// ```
/// // spikes of 40 ms, one a second
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 3.0).powi(2)).exp())).collect();
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let peaks = eir_signal::ecg::r_peaks(&ecg, rate)?;
/// assert_eq!(peaks, (0..10).map(|k| 125 + 250 * k).collect::<Vec<_>>());
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] if no piece without a gap is as long as 2 s, [`NotFinite`] if a sample is infinite.
///
/// # Validation
/// MIT-BIH, first channel, 150 ms, cold start, flutter not excluded: five minutes each of 105, 108, 119, 203, 207 and 228
/// pooled F1 0.9971 (4 of 2258 beats missed, 9 too many); with all of record 100 F1 0.9986; the same within 0.001 inverted,
/// ten times larger or smaller, with drift, and at 125 to 1000 Hz. Asserted in the golden test, printed per record by the
/// example `04_detector_scores`. The constants were chosen on excerpts of ten records, these six among them.
///
/// # References
/// Elgendi 2013, doi:10.1371/journal.pone.0073557 (the band); Pan, Tompkins 1985, doi:10.1109/TBME.1985.325532 (search
/// back, level of noise). ANSI/AAMI EC57 (scoring).
#[derive(Debug, Clone, PartialEq)]
pub struct RPeaks {
    rules: Rules,
    rate: SampleRate,
    step: usize,
    slow: SampleRate,
    band: SosFilter,
}

impl RPeaks {
    /// The default settings, to be changed and built.
    #[must_use]
    pub fn config() -> RPeaksConfig {
        RPeaksConfig::default()
    }

    /// The samples of the R-peaks of `ecg`, rising.
    ///
    /// # Errors
    /// [`TooShort`] if no piece without a gap is as long as 2 s, [`NotFinite`] if a sample is infinite.
    pub fn detect(&self, ecg: &[f32]) -> Result<Vec<usize>> {
        let mut peaks = Vec::new();
        self.detect_into(ecg, &mut peaks)?;
        Ok(peaks)
    }

    /// As [`detect`](Self::detect), into a list of the caller's.
    ///
    /// # Errors
    /// As `detect`.
    pub fn detect_into(&self, ecg: &[f32], peaks: &mut Vec<usize>) -> Result<()> {
        peaks.clear();
        if let Some(index) = ecg.iter().position(|v| v.is_infinite()) {
            NotFinite::check_f32("sample", &ecg[index..=index])?;
        }
        let least = self.rate.samples(2.0);
        let (mut start, mut longest) = (0, 0);
        for piece in ecg.split(|v| v.is_nan()) {
            longest = longest.max(piece.len());
            if piece.len() >= least {
                self.piece(piece, start, peaks)?;
            }
            start += piece.len() + 1;
        }
        if longest < least {
            return Err(TooShort::new("samples without a gap", longest, least).into());
        }
        Ok(())
    }

    /// The R-peaks of a piece without gaps, that starts at `start`.
    fn piece(&self, ecg: &[f32], start: usize, peaks: &mut Vec<usize>) -> Result<()> {
        if ecg.iter().all(|v| Some(v) == ecg.first()) {
            return Ok(()); // what a filter leaves of a constant is rounding
        }
        let candidates = self.candidates(ecg)?;
        let mut near = Vec::new();
        let first = peaks.len();
        for beat in self.rules.beats(candidates) {
            let Some(peak) = r_peak(ecg, beat.place * self.step + self.step / 2, self.rate, &mut near) else {
                continue;
            };
            let peak = start + peak;
            if peaks.len() == first || peaks.last().is_none_or(|last| *last < peak) {
                peaks.push(peak);
            }
        }
        Ok(())
    }

    /// The maxima of `e`, stretch by stretch.
    fn candidates(&self, ecg: &[f32]) -> Result<Vec<Candidate>> {
        let n = ecg.len() / self.step;
        let (block, overlap) = (self.slow.samples(BLOCK_S), self.slow.samples(OVERLAP_S).max(self.band.edge() + 1));
        let window = self.slow.samples(0.12).max(1);
        let (mut x, mut y, mut e, mut rough, mut work) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut found = Vec::new();
        let mut start = 0;
        while start < n {
            // no short last stretch
            let end = if n - start < 2 * block { n } else { start + block };
            let (from, to) = (start.saturating_sub(overlap), (end + overlap).min(n));
            x.clear();
            let scale = 1.0 / self.step as f64;
            let samples = ecg[from * self.step..to * self.step].chunks_exact(self.step);
            x.extend(samples.map(|c| c.iter().map(|v| f64::from(*v)).sum::<f64>() * scale));
            y.resize(x.len(), 0.0);
            self.band.zero_phase_into(&x, &mut y, &mut work)?;
            energy(&mut y, window, &mut e);
            y.clear();
            y.push(0.0);
            y.extend(x.windows(3).map(|w| w[0] - 2.0 * w[1] + w[2]));
            energy(&mut y, window, &mut rough);
            maxima(&e, &rough, from, (start, end), self.slow, &mut found);
            start = end;
        }
        Ok(found)
    }
}

/// Mean square over `window` samples around each; the ends are held. `y` holds its squares afterwards.
fn energy(y: &mut [f64], window: usize, e: &mut Vec<f64>) {
    y.iter_mut().for_each(|v| *v *= *v);
    let (n, left) = (y.len(), window / 2);
    let right = window - left;
    let held = |i: usize| y.get(i).or(y.last()).copied().unwrap_or_default();
    let mut sum: f64 = (0..window).map(|k| held(k.saturating_sub(left))).sum();
    let scale = 1.0 / window as f64;
    e.clear();
    e.reserve(n);
    let (head, tail) = (left.min(n), n.saturating_sub(right).max(left).min(n));
    e.extend((0..head).map(|i| {
        let mean = sum * scale;
        sum += held(i + right) - held(0);
        mean
    }));
    if tail > head {
        e.extend(y[head + right..].iter().zip(&y[head - left..]).map(|(new, old)| {
            let mean = sum * scale;
            sum += new - old;
            mean
        }));
    }
    e.extend((tail..n).map(|i| {
        let mean = sum * scale;
        sum += held(i + right) - held(i - left);
        mean
    }));
}

/// The maxima of `e` (whose first sample is `from`) within `start..end`.
fn maxima(
    e: &[f64],
    rough: &[f64],
    from: usize,
    (start, end): (usize, usize),
    rate: SampleRate,
    found: &mut Vec<Candidate>,
) {
    for (i, (w, rough)) in e.windows(3).zip(&rough[1..]).enumerate() {
        let place = from + i + 1;
        // a flat top counts where it starts
        if w[0] < w[1] && w[1] >= w[2] && w[1] > 0.0 && (start..end).contains(&place) {
            let height = w[1].sqrt();
            let rough = rough.max(0.0).sqrt() / height;
            found.push(Candidate { place, time_s: rate.seconds(place), height, rough });
        }
    }
}

/// The largest deflection from the mean of ±0.3 s within 60 ms of `around`.
fn r_peak(ecg: &[f32], around: usize, rate: SampleRate, piece: &mut Vec<f64>) -> Option<usize> {
    let around = around.min(ecg.len().saturating_sub(1));
    let (wide, near) = (rate.samples(0.3), rate.samples(0.06));
    let (from, to) = (around.saturating_sub(wide), (around + wide + 1).min(ecg.len()));
    piece.clear();
    piece.extend(ecg[from..to].iter().map(|v| f64::from(*v)));
    r_peak_within(piece, around - from, near, rate.samples(0.004)).map(|peak| from + peak)
}

/// The largest deflection of `piece` from its mean within `near` of `around`, in means over `2 smooth + 1`; none where
/// all samples are equal: what the filters show there is the echo of something further away.
pub(super) fn r_peak_within(piece: &[f64], around: usize, near: usize, smooth: usize) -> Option<usize> {
    let places = around.saturating_sub(near)..(around + near + 1).min(piece.len());
    let samples = piece.get(places.clone())?;
    if samples.iter().all(|v| Some(v) == samples.first()) {
        return None;
    }
    let mean = piece.iter().sum::<f64>() / piece.len().max(1) as f64;
    let deflection = |i: usize| {
        let window = &piece[i.saturating_sub(smooth)..(i + smooth + 1).min(piece.len())];
        window.iter().sum::<f64>() / window.len() as f64 - mean
    };
    let best = places.map(|i| (i, deflection(i))).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    best.map(|(top, height)| sharpen(piece, top, height >= 0.0, 2 * smooth))
}

/// Median of up to `half` values on both sides of each and itself. The window is kept sorted: a value comes, one goes.
pub(super) fn running_median(values: &[f64], half: usize) -> Vec<f64> {
    let n = values.len();
    let mut sorted: Vec<f64> = Vec::with_capacity(2 * half + 2);
    sorted.extend(values.iter().take(half));
    sorted.sort_unstable_by(f64::total_cmp);
    (0..n)
        .map(|k| {
            if let Some(new) = values.get(k + half) {
                sorted.insert(sorted.partition_point(|v| v.total_cmp(new).is_lt()), *new);
            }
            if k > half {
                let old = values[k - half - 1];
                let at = sorted.partition_point(|v| v.total_cmp(&old).is_lt());
                if at < sorted.len() {
                    sorted.remove(at);
                }
            }
            let m = sorted.len();
            if m == 0 { 0.0 } else { (sorted[(m - 1) / 2] + sorted[m / 2]) / 2.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spikes(beats: usize, weak: usize, share: f32) -> Vec<f32> {
        let mut ecg = vec![0.0f32; 250 * beats];
        for k in 0..beats {
            let height = if k == weak { share } else { 1.0 };
            for (i, v) in ecg.iter_mut().enumerate().skip(250 * k).take(250) {
                *v += height * (-((i as f32 - 125.0 - 250.0 * k as f32) / 3.0).powi(2)).exp();
            }
        }
        ecg
    }

    #[test]
    fn a_weak_beat_is_found_from_the_rhythm() {
        let rate = SampleRate::new(250.0).unwrap();
        let ecg = spikes(20, 10, 0.23);
        assert_eq!(r_peaks(&ecg, rate).unwrap().len(), 20);
        let strict = RPeaks::config().with_search_back(1.0).build(rate).unwrap();
        assert_eq!(strict.detect(&ecg).unwrap().len(), 19);
        let upside_down: Vec<f32> = ecg.iter().map(|v| -v).collect();
        assert_eq!(r_peaks(&upside_down, rate).unwrap(), r_peaks(&ecg, rate).unwrap());
    }

    #[test]
    fn amplitude_and_offset_change_nothing_and_stretches_join() {
        let rate = SampleRate::new(250.0).unwrap();
        let ecg = spikes(400, 10, 0.5);
        let want: Vec<usize> = (0..400).map(|k| 125 + 250 * k).collect();
        assert_eq!(r_peaks(&ecg, rate).unwrap(), want);
        for (scale, offset) in [(0.1, 0.0), (10.0, 0.0), (1.0, 5.0), (1.0, -300.0)] {
            let other: Vec<f32> = ecg.iter().map(|v| v * scale + offset).collect();
            assert_eq!(r_peaks(&other, rate).unwrap(), want, "{scale} {offset}");
        }
    }

    #[test]
    fn no_beat_where_the_signal_is_flat() {
        let rate = SampleRate::new(250.0).unwrap();
        let mut ecg = [0.0; 5000];
        ecg[2500] = 1.0;
        assert_eq!(r_peaks(&ecg, rate).unwrap(), [2500]);
    }

    #[test]
    fn gaps_cut_the_recording() {
        let rate = SampleRate::new(250.0).unwrap();
        let mut ecg = spikes(40, 99, 1.0);
        ecg[3000..3600].fill(f32::NAN);
        let peaks = r_peaks(&ecg, rate).unwrap();
        let want: Vec<usize> = (0..40).map(|k| 125 + 250 * k).filter(|p| !(3000..3600).contains(p)).collect();
        assert_eq!(peaks, want);
        assert!(r_peaks(&[f32::NAN; 5000], rate).unwrap_err().to_string().contains("500"));
        ecg[100] = f32::INFINITY;
        assert!(r_peaks(&ecg, rate).is_err());
    }

    #[test]
    fn a_pause_stays_empty() {
        let rate = SampleRate::new(250.0).unwrap();
        let mut ecg = spikes(60, 99, 1.0);
        ecg[5_000..8_000].fill(0.0);
        for (i, v) in ecg.iter_mut().enumerate() {
            *v += 0.01 * ((i * 7919 % 101) as f32 / 50.0 - 1.0); // noise
        }
        let peaks = r_peaks(&ecg, rate).unwrap();
        assert_eq!(peaks.len(), 48);
    }

    #[test]
    fn the_running_median_is_the_median_of_each_window() {
        let values: Vec<f64> = (0..60).map(|i| f64::from((i * 37) % 23)).collect();
        for half in [0, 1, 8, 100] {
            let got = running_median(&values, half);
            for (k, got) in got.iter().enumerate() {
                let mut window = values[k.saturating_sub(half)..(k + half + 1).min(60)].to_vec();
                assert_eq!(*got, super::super::r_peak_rules::median(&mut window), "{half} {k}");
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(250.0).unwrap();
        assert!(r_peaks(&[0.0; 100], rate).unwrap_err().to_string().contains("500"));
        assert!(r_peaks(&[0.0; 1000], SampleRate::new(4.0).unwrap()).is_err());
        assert_eq!(r_peaks(&[1.5; 1000], rate).unwrap(), Vec::<usize>::new());
        assert!(RPeaks::config().with_threshold(2.0).build(rate).is_err());
        assert!(RPeaks::config().with_band_hz(200.0, 300.0).build(rate).is_err());
    }
}
