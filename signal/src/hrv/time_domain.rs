//! Heart-rate variability in the time domain.

use super::{Intervals, check, short_term};
use crate::Result;
use eir_core::error::TooShort;
use eir_core::metrics::sorted_quantile;
use serde::{Deserialize, Serialize};

/// Heart-rate variability in the time domain. Milliseconds where the name says so, percent in `pnn`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimeDomain {
    /// Number of intervals.
    pub intervals: usize,
    /// Mean interval.
    pub mean_ms: f64,
    /// Standard deviation (n − 1) of the intervals.
    pub sdnn_ms: f64,
    /// Root of the mean square of successive differences.
    pub rmssd_ms: f64,
    /// Standard deviation (n − 1) of successive differences.
    pub sdsd_ms: f64,
    /// Median interval.
    pub median_ms: f64,
    /// Median distance from the median, times 1.4826.
    pub mad_ms: f64,
    /// Distance between the quartiles.
    pub iqr_ms: f64,
    /// 20th percentile.
    pub p20_ms: f64,
    /// 80th percentile.
    pub p80_ms: f64,
    /// Shortest interval.
    pub min_ms: f64,
    /// Longest interval.
    pub max_ms: f64,
    /// Differences above 50 ms, in percent of the n − 1 differences (Task Force).
    pub pnn50: f64,
    /// Differences above 20 ms, in percent of the n − 1 differences.
    pub pnn20: f64,
    /// Differences above 50 ms, in percent of the n intervals (NeuroKit).
    pub pnn50_of_intervals: f64,
    /// Differences above 20 ms, in percent of the n intervals (NeuroKit).
    pub pnn20_of_intervals: f64,
    /// Intervals over the fullest class of 1/128 s.
    pub triangular_index: f64,
    /// Base of the triangle that fits the histogram best; `None` where the histogram has no two sides.
    pub tinn_ms: Option<f64>,
    /// Standard deviation of the means of 1, 2 and 5 min; `None` with fewer than three such stretches.
    pub sdann_ms: [Option<f64>; 3],
    /// Mean of the standard deviations within 1, 2 and 5 min; `None` with fewer than three such stretches.
    pub sdnn_index_ms: [Option<f64>; 3],
}

impl TimeDomain {
    /// SDNN over the mean interval.
    #[must_use]
    pub fn cvnn(&self) -> f64 {
        self.sdnn_ms / self.mean_ms
    }

    /// RMSSD over the mean interval.
    #[must_use]
    pub fn cvsd(&self) -> f64 {
        self.rmssd_ms / self.mean_ms
    }

    /// Median distance from the median over the median.
    #[must_use]
    pub fn mcvnn(&self) -> f64 {
        self.mad_ms / self.median_ms
    }

    /// SDNN over RMSSD: long-term over short-term variability.
    #[must_use]
    pub fn sdnn_over_rmssd(&self) -> f64 {
        self.sdnn_ms / self.rmssd_ms
    }

    /// Heart rate of the mean interval, in beats a minute.
    #[must_use]
    pub fn heart_rate_bpm(&self) -> f64 {
        60_000.0 / self.mean_ms
    }
}

/// Width of a histogram class in ms.
const CLASS_MS: f64 = 1000.0 / 128.0;

/// The variability of the intervals `rr_ms` in the time domain.
///
/// **Use it** on normal-to-normal intervals of at least 2 min. **Not** on raw intervals with ectopic or missed beats:
/// one such beat can double RMSSD.
///
/// # Formula
/// `SDNN² = Σ (rr − mean)² / (n−1)`, `RMSSD² = mean (Δrr²)`, `pNN50 = #(|Δrr| > 50) / (n−1)`. Percentiles by linear
/// interpolation. The histogram has classes of 1/128 s from 0; TINN is the base of the triangle with its tip on the
/// fullest class that fits the histogram with least squares. SDANN and SDNN index cut the series into whole minutes by
/// the sum of its intervals; the last interval before each cut is left out, as in the reference tool.
///
/// # Examples
/// ```
/// let found = eir_signal::hrv::time_domain(&[800.0, 860.0, 790.0, 810.0])?;
/// assert_eq!((found.mean_ms, found.median_ms), (815.0, 805.0));
/// assert!((found.rmssd_ms - (8900.0f64 / 3.0).sqrt()).abs() < 1e-12);
/// assert!((found.pnn50 - 200.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] below 3 intervals, [`NotFinite`](eir_core::error::NotFinite),
/// [`OutOfRange`](eir_core::error::OutOfRange) for an interval that is not above 0 or is over 1 min.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `hrv_time` within 1e-9 on all series of the golden set (all 25 values).
///
/// # References
/// Task Force 1996, doi:10.1161/01.CIR.93.5.1043.
pub fn time_domain(rr_ms: &[f64]) -> Result<TimeDomain> {
    check(rr_ms, 3)?;
    Ok(measure(rr_ms, rr_ms.windows(2).map(|w| w[1] - w[0])))
}

/// As [`time_domain`], for intervals with gaps: differences are taken within the stretches only. SDANN and SDNN index go
/// by the sum of the intervals and do not see the gaps.
///
/// # Errors
/// As [`time_domain`]; [`TooShort`] below 2 differences.
pub fn time_domain_with_gaps(intervals: &Intervals) -> Result<TimeDomain> {
    check(intervals.ms(), 3)?;
    let differences: Vec<f64> = intervals.stretches().flat_map(|s| s.windows(2).map(|w| w[1] - w[0])).collect();
    if differences.len() < 2 {
        return Err(TooShort::new("differences", differences.len(), 2).into());
    }
    Ok(measure(intervals.ms(), differences.iter().copied()))
}

fn measure(rr_ms: &[f64], differences: impl Iterator<Item = f64> + Clone) -> TimeDomain {
    let n = rr_ms.len() as f64;
    let steps = differences.clone().count() as f64;
    let short = short_term::measure(rr_ms, differences);
    let mut sorted = rr_ms.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |sorted: &[f64], q: f64| sorted_quantile(sorted, q).unwrap_or(f64::NAN);
    let median_ms = quantile(&sorted, 0.5);
    let mut away: Vec<f64> = rr_ms.iter().map(|v| (v - median_ms).abs()).collect();
    away.sort_by(f64::total_cmp);
    let histogram = histogram(&sorted);
    let fullest = histogram.iter().copied().max().unwrap_or(1).max(1);
    let minutes = [1.0, 2.0, 5.0].map(|m| stretches(rr_ms, m * 60_000.0));
    let sdann_ms =
        minutes.each_ref().map(|s| s.as_ref().map(|s| deviation(&s.iter().map(|w| mean(w)).collect::<Vec<_>>())));
    let sdnn_index_ms =
        minutes.each_ref().map(|s| s.as_ref().map(|s| mean(&s.iter().map(|w| deviation(w)).collect::<Vec<_>>())));
    TimeDomain {
        intervals: rr_ms.len(),
        mean_ms: short.mean_ms,
        sdnn_ms: short.sdnn_ms,
        rmssd_ms: short.rmssd_ms,
        sdsd_ms: short.sdsd_ms,
        median_ms,
        mad_ms: 1.4826 * quantile(&away, 0.5),
        iqr_ms: quantile(&sorted, 0.75) - quantile(&sorted, 0.25),
        p20_ms: quantile(&sorted, 0.2),
        p80_ms: quantile(&sorted, 0.8),
        min_ms: short.min_ms,
        max_ms: short.max_ms,
        pnn50: short.pnn50,
        pnn20: short.pnn20,
        pnn50_of_intervals: short.pnn50 * steps / n,
        pnn20_of_intervals: short.pnn20 * steps / n,
        triangular_index: n / fullest as f64,
        tinn_ms: tinn(&sorted, &histogram),
        sdann_ms,
        sdnn_index_ms,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)).sqrt()
}

/// How many intervals lie in each class from 0; the last class holds its upper edge.
fn histogram(sorted: &[f64]) -> Vec<usize> {
    let longest = sorted.last().copied().unwrap_or_default();
    let edges = ((longest + CLASS_MS) / CLASS_MS).ceil() as usize;
    let mut counts = vec![0usize; edges.saturating_sub(1).max(1)];
    let last = counts.len() - 1;
    sorted.iter().for_each(|v| counts[((v / CLASS_MS) as usize).min(last)] += 1);
    counts
}

/// Base of the best triangle with its tip on the fullest class.
fn tinn(sorted: &[f64], counts: &[usize]) -> Option<f64> {
    let (shortest, longest) = (sorted.first()?, sorted.last()?);
    let top = (0..counts.len()).rev().max_by_key(|k| counts[*k])?;
    let height = counts[top] as f64;
    let edge = |k: usize| k as f64 * CLASS_MS;
    let first = (0..=counts.len()).find(|k| edge(*k) > *shortest)?;
    // as in the reference tool: the right end is sought for the first left end only, and starts one class from the tip
    if first >= top {
        return Some(0.0);
    }
    let mut best = (f64::from(1 << 14), 0.0);
    for right in (top + 1..).take_while(|k| edge(*k) < *longest) {
        let side = |k: usize| match k {
            k if k <= top => height * (k - first) as f64 / (top - first) as f64,
            k => height * (right - k) as f64 / (right - top) as f64,
        };
        let error: f64 = (first..=right.min(counts.len() - 1)).map(|k| (counts[k] as f64 - side(k)).powi(2)).sum();
        if error < best.0 {
            best = (error, edge(right) - edge(first));
        }
    }
    Some(best.1)
}

/// The intervals of each whole stretch of `length_ms`; none if there are fewer than three.
fn stretches(rr_ms: &[f64], length_ms: f64) -> Option<Vec<&[f64]>> {
    let mut total = 0.0;
    let ends: Vec<f64> = rr_ms
        .iter()
        .map(|v| {
            total += v / 1000.0;
            total
        })
        .collect();
    let first = ends.first()?;
    let ends: Vec<f64> = ends.iter().map(|t| (t - first) * 1000.0 + rr_ms[0]).collect();
    let count = (ends.last()? / length_ms).round_ties_even() as usize;
    if count < 3 {
        return None;
    }
    (0..count)
        .map(|k| {
            let start = ends.partition_point(|t| *t < k as f64 * length_ms);
            let end = ends.partition_point(|t| *t < (k + 1) as f64 * length_ms);
            rr_ms.get(start..end.saturating_sub(1)).filter(|w| w.len() > 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        assert!(time_domain(&[800.0, 800.0]).is_err());
        assert!(time_domain(&[800.0, f64::NAN, 800.0]).unwrap_err().to_string().contains("interval 1"));
        assert!(time_domain(&[800.0, -1.0, 800.0]).is_err());
        assert!(time_domain(&[800.0, 1e300, 800.0]).is_err());
    }

    #[test]
    fn a_constant_series_does_not_vary() {
        let found = time_domain(&[1000.0; 300]).unwrap();
        assert_eq!((found.sdnn_ms, found.rmssd_ms, found.pnn50, found.triangular_index), (0.0, 0.0, 0.0, 1.0));
        assert_eq!(found.heart_rate_bpm(), 60.0);
        assert_eq!(found.sdann_ms[0], Some(0.0));
    }
}
