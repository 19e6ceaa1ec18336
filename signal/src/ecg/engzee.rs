//! QRS detection after Engelse and Zeelenberg as modified by Lourenço.

use super::prepared;
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use std::collections::VecDeque;

/// The R-peaks of `ecg` after Engelse and Zeelenberg, modified: a steep rise followed by a steep fall.
///
/// **Use it** to compare with the literature. **Not** on wide or negative complexes: it needs the fall within 0.16 s.
///
/// # Formula
/// Band-stop 48–52 Hz (order 4, one causal pass from the state of the mean); `x[n] − x[n−4]`, filtered with
/// 1 4 6 4 1, the first 0.2 s set to 0. Threshold `M`: in the first 5 s 0.6 of the maximum so far; later the mean of five
/// values, each 0.6 of the maximum in the 0.2 s behind a beat (at most 1.1 of the one before if it exceeds 1.5 of it),
/// falling to 0.6 of it 1.2 s behind. Above `M`, more than 0.2 s behind the last, starts a beat; more than 0.01 s below
/// `−M` within 0.16 s confirm it; the R-peak is the maximum in between. The first beat is left out.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::engzee(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert_eq!(peaks.len(), 9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is 104 Hz or less.
///
/// # Validation
/// Peaks equal NeuroKit2 0.2.13 (`method="engzeemod2012"`) on at least 99 % of beats within one sample, and true
/// positives, misses and false alarms within 2, on all records of the golden set.
///
/// # References
/// Engelse, Zeelenberg 1979, IEEE Computers in Cardiology 6, 37–42; Lourenço et al. 2012, BIOSIGNALS 49–54.
pub fn engzee(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    let mut x = prepared(ecg, rate)?;
    let band = ButterworthConfig::new(Band::Stop { low_hz: 48.0, high_hz: 52.0 }).with_order(4).design(rate)?;
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    band.stream_from(mean).process(&mut x);
    let difference: Vec<f64> = (0..x.len()).map(|i| if i < 4 { 0.0 } else { x[i] - x[i - 4] }).collect();
    let taps = [1.0, 4.0, 6.0, 4.0, 1.0];
    let mut steep: Vec<f64> = (0..x.len())
        .map(|i| taps.iter().enumerate().filter(|(k, _)| *k <= i).map(|(k, b)| b * difference[i - k]).sum())
        .collect();
    let seconds = |s: f64| (s * rate.hz()) as usize;
    let blank = seconds(0.2).min(steep.len());
    steep[..blank].fill(0.0);
    let (rest, reach, least, before) = (seconds(0.2), seconds(0.16), seconds(0.01), seconds(0.01));
    let mut level = AdaptiveLevel::new(rate);
    let mut found = Vec::new();
    let (mut qrs, mut rise) = (None::<usize>, None::<usize>);
    let (mut falling, mut count) = (false, 0);
    for i in 0..steep.len() {
        let threshold = level.next(&steep, i, qrs, false);
        if steep[i] > threshold && qrs.is_none_or(|last| i > last + rest) {
            qrs = Some(i);
            rise = Some(i);
        }
        if let Some(start) = rise {
            if i < start + reach {
                let below = steep[i] < -threshold;
                if below && i > 0 && steep[i - 1] > -threshold {
                    falling = true;
                }
                if falling && below {
                    count += 1;
                } else if falling && steep[i] > -threshold {
                    (rise, falling, count) = (None, false, 0);
                }
            } else if i > start + reach {
                (rise, falling, count) = (None, false, 0);
            }
            if count > least {
                let from = start.saturating_sub(before);
                found.extend((from..i).rev().max_by(|a, b| x[*a].total_cmp(&x[*b])));
                (rise, falling, count) = (None, false, 0);
            }
        }
    }
    if !found.is_empty() {
        found.remove(0); // it served to set the threshold
    }
    Ok(found)
}

/// The threshold `M` of Christov, which Lourenço took over.
pub(super) struct AdaptiveLevel {
    learn: f64,
    rest: usize,
    slow: usize,
    top: f64,
    since: f64,
    new: Option<f64>,
    recent: VecDeque<f64>,
    value: f64,
}

impl AdaptiveLevel {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self {
            learn: 5.0 * rate.hz(),
            rest: (0.2 * rate.hz()) as usize,
            slow: (1.2 * rate.hz()) as usize,
            top: f64::NEG_INFINITY,
            since: f64::NEG_INFINITY,
            new: None,
            recent: VecDeque::new(),
            value: 0.0,
        }
    }

    /// Mean of the last five levels.
    pub(super) fn mean(&self) -> f64 {
        if self.recent.is_empty() { 0.0 } else { self.recent.iter().sum::<f64>() / self.recent.len() as f64 }
    }

    fn push(&mut self, level: f64) {
        self.recent.push_back(level);
        if self.recent.len() > 5 {
            self.recent.pop_front();
        }
    }

    /// The threshold at sample `i`, the last beat being at `qrs`. `always`: a level is taken over 0.2 s behind every
    /// beat, also where none was measured.
    pub(super) fn next(&mut self, x: &[f64], i: usize, qrs: Option<usize>, always: bool) -> f64 {
        self.top = self.top.max(x[i]);
        // maximum from the last beat to the sample before this
        match qrs {
            Some(last) if i == last + 1 => self.since = x[last],
            Some(last) if i > last + 1 => self.since = self.since.max(x[i - 1]),
            _ => {}
        }
        let latest = self.recent.back().copied().unwrap_or_default();
        if (i as f64) < self.learn {
            self.value = 0.6 * self.top;
            self.push(self.value);
        } else if let Some(last) = qrs {
            if i < last + self.rest {
                let new = 0.6 * self.since;
                self.new = Some(if new > 1.5 * latest { 1.1 * latest } else { new });
            } else if i == last + self.rest {
                let new = self.new.filter(|n| *n != 0.0).or(always.then_some(latest));
                if let Some(new) = new {
                    self.push(new);
                    self.value = self.mean();
                }
            } else if i < last + self.slow {
                let steps = (self.slow - self.rest) as f64 - 1.0;
                let fall = 1.0 - 0.4 * (i - last - self.rest) as f64 / steps.max(1.0);
                self.value = self.mean() * fall;
            } else if i > last + self.slow {
                self.value = 0.6 * self.mean();
            }
        }
        self.value
    }
}
