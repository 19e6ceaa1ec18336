//! Heart-rate variability in the frequency domain.

use super::spectrum::Density;
use super::{SmoothnessPriors, check};
use crate::Result;
use crate::entropy::{Measure, NoAnswer, finite, mean, spread};
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The powers of the intervals `rr_ms` in ms² after the Task Force.
///
/// # Errors
/// As [`FrequencyConfig::of`].
pub fn frequency_domain(rr_ms: &[f64]) -> Result<FrequencyDomain> {
    FrequencyConfig::default().of(rr_ms)
}

/// How the spectrum is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SpectrumMethod {
    /// Cubic spline at the resampling rate, then Welch: periodic Hann, half overlap, the mean of each segment removed.
    Welch,
    /// Cubic spline at the resampling rate, then the autoregressive model of Burg. Smooth; peaks stand out.
    Autoregressive {
        /// Order of the model, 1 to 100; 16 is usual.
        order: usize,
    },
    /// Cubic spline at the resampling rate, then Thomson's tapers over the whole series: less variance than Welch on short
    /// series.
    Multitaper {
        /// Time-bandwidth product, 1 to 50; 4 is usual, with 7 tapers (one less than twice as many).
        half_bandwidth: f64,
    },
    /// Lomb and Scargle at the beats themselves, averaged over segments: no resampling, and so no loss towards 0.4 Hz.
    LombScargle,
}

/// What is removed before the spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TrendRemoval {
    /// The mean.
    Mean,
    /// The straight line of least squares.
    Line,
    /// The slow trend of [`SmoothnessPriors`] with this λ (after resampling; with Lomb and Scargle the line).
    SmoothnessPriors {
        /// Smoothness; 500 is usual at 4 Hz.
        lambda: f64,
    },
}

/// Powers and peaks of the bands, each with its own reason where it has no value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FrequencyDomain {
    /// Length of the series in seconds.
    pub duration_s: f64,
    /// Values after resampling; 0 without.
    pub resampled: usize,
    /// Values in a segment; 0 without segments.
    pub segment: usize,
    /// Power from 0.0033 to 0.04 Hz.
    pub vlf_ms2: Measure,
    /// Power from 0.04 to 0.15 Hz.
    pub lf_ms2: Measure,
    /// Power from 0.15 to 0.4 Hz.
    pub hf_ms2: Measure,
    /// Power up to 0.4 Hz.
    pub total_ms2: Measure,
    /// LF in percent of LF + HF.
    pub lf_nu: Measure,
    /// HF in percent of LF + HF.
    pub hf_nu: Measure,
    /// LF over HF.
    pub lf_over_hf: Measure,
    /// Frequency of the highest point of VLF.
    pub vlf_peak_hz: Measure,
    /// Frequency of the highest point of LF.
    pub lf_peak_hz: Measure,
    /// Frequency of the highest point of HF.
    pub hf_peak_hz: Measure,
}

/// Settings of the frequency domain.
///
/// **Use it** on corrected intervals of a steady 2 to 10 min. **Not** on a day at once (cut it into
/// [`windows`](super::windows())), across gaps, or in atrial fibrillation, where bands mean nothing.
///
/// # Formula
/// Intervals at the time of the beat that ends them, resampled at 4 Hz by a cubic spline (not-a-knot), straight line
/// removed, Welch density over 256 s (or the whole series); power by trapezoids over `[low, high)`. This is the absolute
/// spectrum of 1996 in ms²; tools that divide by the maximum of the spectrum have other numbers.
///
/// # Examples
/// ```
/// // 20 ms at 0.1 Hz and 10 ms at 0.25 Hz: powers of 200 and 50 ms²
/// let mut t = 0.0f64;
/// let rr_ms: Vec<f64> = (0..600).map(|_| {
///     let rr = 800.0 + 20.0 * (0.1 * t * 6.283185307).sin() + 10.0 * (0.25 * t * 6.283185307).sin();
///     t += rr / 1000.0;
///     rr
/// }).collect();
/// let found = eir_signal::hrv::frequency_domain(&rr_ms)?;
/// assert!((found.lf_ms2? - 200.0).abs() < 6.0 && (found.hf_ms2? - 50.0).abs() < 4.0);
/// assert!((found.hf_peak_hz? - 0.25).abs() < 0.01);
/// // one minute is too short for LF, and says so
/// assert!(eir_signal::hrv::frequency_domain(&rr_ms[..110])?.lf_ms2.is_err());
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// LF, HF, VLF, their ratio and normalised units equal the reference's `task_force_welch_absolute` (SciPy 1.17.1) within
/// 1e-6 on all series of the golden set.
///
/// # References
/// Task Force 1996, doi:10.1161/01.CIR.93.5.1043; those of [`spectrum`](crate::spectrum).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FrequencyConfig {
    /// How the spectrum is estimated. Default [`SpectrumMethod::Welch`].
    pub method: SpectrumMethod,
    /// What is removed before. Default [`TrendRemoval::Line`].
    pub trend: TrendRemoval,
    /// Resampling rate in Hz, 1 to 100. Default 4.
    pub rate_hz: f64,
    /// Length of a segment in seconds, 8 to 86 400. Default 256.
    pub segment_s: f64,
    /// Shortest series for VLF, LF and HF, in seconds. Default 300, 120 and 60 (Task Force).
    pub least_s: [f64; 3],
    /// Fewest intervals. Default 100.
    pub least_intervals: usize,
    /// How far the level may move: the largest ratio of the standard deviation of the means of the four quarters to the
    /// mean of the standard deviations within them. Default `Some(1.5)`; `None` does not ask.
    pub most_drift: Option<f64>,
}

impl Default for FrequencyConfig {
    fn default() -> Self {
        Self {
            method: SpectrumMethod::Welch,
            trend: TrendRemoval::Line,
            rate_hz: 4.0,
            segment_s: 256.0,
            least_s: [300.0, 120.0, 60.0],
            least_intervals: 100,
            most_drift: Some(1.5),
        }
    }
}

const VLF_HZ: (f64, f64) = (0.0033, 0.04);
const LF_HZ: (f64, f64) = (0.04, 0.15);
const HF_HZ: (f64, f64) = (0.15, 0.4);

impl FrequencyConfig {
    /// Sets [`method`](Self::method).
    #[must_use]
    pub fn with_method(self, method: SpectrumMethod) -> Self {
        Self { method, ..self }
    }
    /// Sets [`trend`](Self::trend).
    #[must_use]
    pub fn with_trend(self, trend: TrendRemoval) -> Self {
        Self { trend, ..self }
    }
    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: f64) -> Self {
        Self { rate_hz, ..self }
    }
    /// Sets [`segment_s`](Self::segment_s).
    #[must_use]
    pub fn with_segment_s(self, segment_s: f64) -> Self {
        Self { segment_s, ..self }
    }
    /// Sets [`least_s`](Self::least_s).
    #[must_use]
    pub fn with_least_s(self, least_s: [f64; 3]) -> Self {
        Self { least_s, ..self }
    }
    /// Sets [`least_intervals`](Self::least_intervals).
    #[must_use]
    pub fn with_least_intervals(self, least_intervals: usize) -> Self {
        Self { least_intervals, ..self }
    }
    /// Sets [`most_drift`](Self::most_drift).
    #[must_use]
    pub fn with_most_drift(self, most_drift: Option<f64>) -> Self {
        Self { most_drift, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let order = if let SpectrumMethod::Autoregressive { order } = self.method { order } else { 1 };
        if !(1..=100).contains(&order) {
            return Err(Parameter::new("order", order as f64, "1 to 100").into());
        }
        if let SpectrumMethod::Multitaper { half_bandwidth } = self.method
            && !(1.0..=50.0).contains(&half_bandwidth)
        {
            return Err(Parameter::new("half_bandwidth", half_bandwidth, "1 to 50").into());
        }
        if let TrendRemoval::SmoothnessPriors { lambda } = self.trend {
            SmoothnessPriors::default().with_lambda(lambda).validate()?;
        }
        if !(1.0..=100.0).contains(&self.rate_hz) {
            return Err(Parameter::new("rate_hz", self.rate_hz, "1 to 100 Hz").into());
        }
        if !(8.0..=86_400.0).contains(&self.segment_s) {
            return Err(Parameter::new("segment_s", self.segment_s, "8 to 86400 s").into());
        }
        if let Some(least) = self.least_s.iter().find(|s| !(**s >= 0.0 && s.is_finite())) {
            return Err(Parameter::new("least_s", *least, "finite and not negative").into());
        }
        match self.most_drift {
            Some(drift) if drift.is_nan() || drift <= 0.0 => Err(Parameter::new("most_drift", drift, "above 0").into()),
            _ => Ok(()),
        }
    }

    /// The powers of the intervals `rr_ms`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite) and
    /// [`OutOfRange`](eir_core::error::OutOfRange) for an interval. A series that is too short, constant or not stationary
    /// has its reason in each measure.
    pub fn of(&self, rr_ms: &[f64]) -> Result<FrequencyDomain> {
        self.validate()?;
        check(rr_ms, 0)?;
        Ok(self.measure(rr_ms))
    }

    pub(super) fn measure(&self, rr_ms: &[f64]) -> FrequencyDomain {
        let duration_s = rr_ms.iter().fold(0.0, |sum, rr| sum + rr) / 1000.0; // `sum` of nothing is -0
        let density = self.density(rr_ms);
        let (resampled, segment) = density.as_ref().map_or((0, 0), |d| (d.resampled, d.segment));
        let at_least = |needed_s: f64| {
            if duration_s < needed_s { Err(NoAnswer::TooBrief { given_s: duration_s, needed_s }) } else { Ok(()) }
        };
        let power = |band: (f64, f64), least_s: f64| -> Measure {
            at_least(least_s)?;
            finite(density.as_ref().map_err(|e| *e)?.band(band))
        };
        let peak = |band: (f64, f64), least_s: f64| -> Measure {
            at_least(least_s)?;
            Ok(density.as_ref().map_err(|e| *e)?.peak(band).ok_or(NoAnswer::NoPeak)?.0)
        };
        let [vlf_s, lf_s, hf_s] = self.least_s;
        let (lf_ms2, hf_ms2) = (power(LF_HZ, lf_s), power(HF_HZ, hf_s));
        let of_both = |f: fn(f64, f64) -> f64| -> Measure { finite(f(lf_ms2?, hf_ms2?)) };
        FrequencyDomain {
            duration_s,
            resampled,
            segment,
            vlf_ms2: power(VLF_HZ, vlf_s),
            lf_ms2,
            hf_ms2,
            total_ms2: power((0.0, HF_HZ.1), vlf_s),
            lf_nu: of_both(|lf, hf| 100.0 * lf / (lf + hf)),
            hf_nu: of_both(|lf, hf| 100.0 * hf / (lf + hf)),
            lf_over_hf: of_both(|lf, hf| lf / hf),
            vlf_peak_hz: peak(VLF_HZ, vlf_s),
            lf_peak_hz: peak(LF_HZ, lf_s),
            hf_peak_hz: peak(HF_HZ, hf_s),
        }
    }

    /// The density in ms²/Hz, if the series is fit for one.
    fn density(&self, rr_ms: &[f64]) -> std::result::Result<Density, NoAnswer> {
        let needed = self.least_intervals.max(5);
        if rr_ms.len() < needed {
            return Err(NoAnswer::TooFew { given: rr_ms.len(), needed });
        }
        if rr_ms.iter().all(|v| *v == rr_ms[0]) {
            return Err(NoAnswer::Constant);
        }
        if self.most_drift.is_some_and(|most| drift(rr_ms) > most) {
            return Err(NoAnswer::NotStationary);
        }
        Density::of(rr_ms, self)
    }

    /// Frequency of the HF peak and the share of HF that lies within 0.03 Hz of it.
    pub(super) fn breathing(&self, rr_ms: &[f64]) -> std::result::Result<(f64, f64), NoAnswer> {
        let duration_s = rr_ms.iter().sum::<f64>() / 1000.0;
        if duration_s < self.least_s[2] {
            return Err(NoAnswer::TooBrief { given_s: duration_s, needed_s: self.least_s[2] });
        }
        let density = self.density(rr_ms)?;
        let (at, height) = density.peak(HF_HZ).ok_or(NoAnswer::NoPeak)?;
        // the highest point must be a peak, not the end of a slope that comes from LF
        let beside = density.peak((HF_HZ.0 - 0.03, HF_HZ.0)).map_or(0.0, |(_, power)| power);
        if height <= beside {
            return Err(NoAnswer::NoPeak);
        }
        Ok((at, density.band((at - 0.03, at + 0.03)) / density.band(HF_HZ)))
    }
}

/// How much the level moves: the spread of the means of the quarters over the mean spread within them.
fn drift(rr_ms: &[f64]) -> f64 {
    let quarters: Vec<(f64, f64)> = rr_ms
        .chunks(rr_ms.len().div_ceil(4))
        .map(|q| {
            let (level, squares) = spread(q);
            (level, (squares / q.len() as f64).sqrt())
        })
        .collect();
    let levels: Vec<f64> = quarters.iter().map(|q| q.0).collect();
    let within = mean(&quarters.iter().map(|q| q.1).collect::<Vec<_>>());
    (spread(&levels).1 / (levels.len() as f64 - 1.0)).sqrt() / within
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn rhythm(beats: usize) -> Vec<f64> {
        let mut t = 0.0f64;
        let mut state = 1u32;
        (0..beats)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(state) / f64::from(u32::MAX) - 0.5;
                let rr = 800.0 + 30.0 * (TAU * 0.1 * t).sin() + 20.0 * (TAU * 0.27 * t).sin() + 10.0 * noise;
                t += rr / 1000.0;
                rr
            })
            .collect()
    }

    #[test]
    fn all_methods_agree_on_a_rhythm() {
        let rr = rhythm(750);
        for method in [
            SpectrumMethod::Welch,
            SpectrumMethod::Autoregressive { order: 16 },
            SpectrumMethod::Multitaper { half_bandwidth: 4.0 },
            SpectrumMethod::LombScargle,
        ] {
            for trend in [TrendRemoval::Line, TrendRemoval::Mean, TrendRemoval::SmoothnessPriors { lambda: 500.0 }] {
                let found = FrequencyConfig::default().with_method(method).with_trend(trend).of(&rr).unwrap();
                let (lf, hf) = (found.lf_ms2.unwrap(), found.hf_ms2.unwrap());
                assert!((lf / 450.0 - 1.0).abs() < 0.1, "{method:?} {trend:?} LF {lf}");
                assert!((hf / 200.0 - 1.0).abs() < 0.15, "{method:?} {trend:?} HF {hf}");
                assert!((found.lf_peak_hz.unwrap() - 0.1).abs() < 0.01);
                assert!((found.hf_peak_hz.unwrap() - 0.27).abs() < 0.01);
                assert!((found.lf_nu.unwrap() + found.hf_nu.unwrap() - 100.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn says_why_there_is_no_answer() {
        let rr = rhythm(750);
        let brief = frequency_domain(&rr[..120]).unwrap();
        assert!(brief.hf_ms2.is_ok());
        assert!(brief.lf_ms2.unwrap_err().to_string().contains("at least 120 s"));
        assert!(brief.lf_nu.is_err() && brief.vlf_ms2.is_err());
        assert!(frequency_domain(&rr[..99]).unwrap().hf_ms2.unwrap_err().to_string().contains("at least 100"));
        assert_eq!(frequency_domain(&[800.0; 500]).unwrap().hf_ms2, Err(NoAnswer::Constant));
        let step: Vec<f64> = rr.iter().enumerate().map(|(i, v)| if i < 300 { *v } else { v - 200.0 }).collect();
        assert_eq!(frequency_domain(&step).unwrap().hf_ms2, Err(NoAnswer::NotStationary));
        assert!(FrequencyConfig::default().with_most_drift(None).of(&step).unwrap().hf_ms2.is_ok());
        assert_eq!(frequency_domain(&[]).unwrap().duration_s, 0.0);
        for wrong in [f64::NAN, 0.0, -1.0, 1e9] {
            assert!(frequency_domain(&[800.0, wrong]).is_err());
        }
        assert!(FrequencyConfig::default().with_rate_hz(0.0).of(&rr).is_err());
        assert!(FrequencyConfig::default().with_method(SpectrumMethod::Autoregressive { order: 0 }).of(&rr).is_err());
    }
}
