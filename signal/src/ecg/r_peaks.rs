//! R-peaks of an ECG.

use super::peaks::{keep_distance, local_maxima, moving_mean};
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
    /// Share of the local level above which a maximum is a beat, 0 to 1. Default 0.3.
    pub threshold: f64,
    /// The same for beats that are missing from the rhythm, 0 to 1. Default 0.15.
    pub search_back: f64,
    /// Of two maxima within 0.36 s the lower must have this share of the higher one's height, 0 to 1: a T wave has less.
    /// Default 0.55.
    pub pair: f64,
}

impl Default for RPeaksConfig {
    fn default() -> Self {
        Self { low_hz: 8.0, high_hz: 20.0, threshold: 0.3, search_back: 0.15, pair: 0.55 }
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
        Ok(())
    }

    /// Designs the filters for ECGs of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if the rate is below 50 Hz.
    pub fn build(self, rate: SampleRate) -> Result<RPeaks> {
        self.validate()?;
        if rate.hz() < 50.0 {
            return Err(Parameter::new("sample rate", rate.hz(), "at least 50 Hz for an ECG").into());
        }
        let design = |low_hz: f64, high_hz: f64| {
            let high_hz = high_hz.min(0.45 * rate.hz());
            ButterworthConfig::new(Band::Pass { low_hz, high_hz }).with_order(2).design(rate)
        };
        Ok(RPeaks { config: self, rate, band: design(self.low_hz, self.high_hz)?, shape: design(1.0, 40.0)? })
    }
}

/// A detector of R-peaks, ready to use.
///
/// **Use it** on a recorded lead of any rate from 50 Hz, as the default: it sees both ways in time, and returns the
/// place of the R-peak itself, as heart-rate variability needs it. **Not** on a live signal ([`pan_tompkins`] looks
/// only back, apart from its search), and not across a gap: cut there.
///
/// # Formula
/// Band-pass 8–20 Hz (order 2, zero phase); `e` = root of the mean square over 0.12 s. Maxima of `e` at least 0.2 s
/// apart. The local level is the median over ±5 stretches of 1.2 s of their largest `e`. A maximum above 0.3 of it is a
/// beat, unless within 0.36 s of a beat nearly twice as high. In an interval longer than 1.6 times the median of the 17
/// around it, the highest maximum above 0.15 of the level is one too. The R-peak is the largest deflection, of either
/// sign, of the 1–40 Hz signal within 60 ms.
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
/// [`TooShort`] below 2 s, [`NotFinite`] if the signal has a gap.
///
/// # Validation
/// MIT-BIH (EC57 rule, 150 ms, cold start, flutter not excluded): figures in the crate's README, asserted in the golden
/// test. The constants were chosen on these records.
///
/// # References
/// Elgendi 2013, doi:10.1371/journal.pone.0073557 (the band); Pan, Tompkins 1985, doi:10.1109/TBME.1985.325532 (search
/// back). ANSI/AAMI EC57 (scoring).
///
/// [`pan_tompkins`]: super::pan_tompkins
#[derive(Debug, Clone, PartialEq)]
pub struct RPeaks {
    config: RPeaksConfig,
    rate: SampleRate,
    band: SosFilter,
    shape: SosFilter,
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
    /// [`TooShort`] below 2 s, [`NotFinite`] if the signal has a gap.
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
        NotFinite::check_f32("sample", ecg)?;
        let least = self.rate.samples(2.0);
        if ecg.len() < least {
            return Err(TooShort::new("samples", ecg.len(), least).into());
        }
        if ecg.iter().all(|v| Some(v) == ecg.first()) {
            return Ok(()); // what a filter leaves of a constant is rounding
        }
        let wide: Vec<f64> = ecg.iter().map(|v| f64::from(*v)).collect();
        let mut filtered = vec![0.0; ecg.len()];
        let mut work = Vec::new();
        self.band.zero_phase_into(&wide, &mut filtered, &mut work)?;
        filtered.iter_mut().for_each(|v| *v *= *v);
        let energy: Vec<f64> =
            moving_mean(&filtered, self.rate.samples(0.12).max(1)).into_iter().map(|v| v.max(0.0).sqrt()).collect();
        let maxima = keep_distance(&energy, local_maxima(&energy, false), self.rate.samples(0.2).max(1));
        let beats = self.select(&energy, &maxima);
        self.shape.zero_phase_into(&wide, &mut filtered, &mut work)?;
        let reach = self.rate.samples(0.06);
        peaks.extend(beats.into_iter().filter_map(|b| {
            (b.saturating_sub(reach)..(b + reach + 1).min(ecg.len()))
                .max_by(|x, y| filtered[*x].abs().total_cmp(&filtered[*y].abs()))
        }));
        peaks.dedup();
        Ok(())
    }

    /// The maxima that are beats.
    fn select(&self, energy: &[f64], maxima: &[usize]) -> Vec<usize> {
        let stretch = self.rate.samples(1.2).max(1);
        let tops: Vec<f64> = energy.chunks(stretch).map(|c| c.iter().fold(0.0, |a: f64, v| a.max(*v))).collect();
        let level: Vec<f64> =
            (0..tops.len()).map(|k| median(&tops[k.saturating_sub(5)..(k + 6).min(tops.len())])).collect();
        let close = 0.36 * self.rate.hz();
        let mut beats: Vec<usize> = Vec::new();
        for peak in maxima.iter().copied().filter(|p| energy[*p] > self.config.threshold * level[*p / stretch]) {
            match beats.last_mut() {
                Some(last) if ((peak - *last) as f64) < close && energy[peak] < self.config.pair * energy[*last] => {}
                Some(last) if ((peak - *last) as f64) < close && energy[*last] < self.config.pair * energy[peak] => {
                    *last = peak
                }
                _ => beats.push(peak),
            }
        }
        let intervals: Vec<f64> = beats.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
        let mut missed = Vec::new();
        for (k, interval) in intervals.iter().enumerate() {
            let usual = median(&intervals[k.saturating_sub(8)..(k + 9).min(intervals.len())]);
            if *interval > 1.6 * usual && intervals.len() > 2 {
                let (from, to) = (beats[k] as f64 + close, beats[k + 1] as f64 - 0.3 * self.rate.hz());
                let inside = maxima.iter().copied().filter(|p| {
                    (from..to).contains(&(*p as f64)) && energy[*p] > self.config.search_back * level[*p / stretch]
                });
                missed.extend(inside.max_by(|a, b| energy[*a].total_cmp(&energy[*b])));
            }
        }
        beats.extend(missed);
        beats.sort_unstable();
        beats
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        _ => (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_beat_is_found_from_the_rhythm() {
        let rate = SampleRate::new(250.0).unwrap();
        let mut ecg = vec![0.0f32; 5000];
        for k in 0..20 {
            let height = if k == 10 { 0.22 } else { 1.0 };
            for (i, v) in ecg.iter_mut().enumerate() {
                *v += height * (-((i as f32 - 125.0 - 250.0 * k as f32) / 3.0).powi(2)).exp();
            }
        }
        assert_eq!(r_peaks(&ecg, rate).unwrap().len(), 20);
        let strict = RPeaks::config().with_search_back(1.0).build(rate).unwrap();
        assert_eq!(strict.detect(&ecg).unwrap().len(), 19);
        let upside_down: Vec<f32> = ecg.iter().map(|v| -v).collect();
        assert_eq!(r_peaks(&upside_down, rate).unwrap(), r_peaks(&ecg, rate).unwrap());
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(250.0).unwrap();
        assert!(r_peaks(&[0.0; 100], rate).unwrap_err().to_string().contains("500"));
        assert!(r_peaks(&[0.0; 1000], SampleRate::new(4.0).unwrap()).is_err());
        assert_eq!(r_peaks(&[1.5; 1000], rate).unwrap(), Vec::<usize>::new());
        assert!(RPeaks::config().with_threshold(2.0).build(rate).is_err());
    }
}
