//! The measures that any stretch of beats has.

use super::check;
use crate::Result;
use serde::{Deserialize, Serialize};

/// Level and variability of a stretch of beats, made without memory of its own: what a monitor shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShortTerm {
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
    /// Differences above 50 ms, in percent of the differences.
    pub pnn50: f64,
    /// Differences above 20 ms, in percent of the differences.
    pub pnn20: f64,
    /// Width of the Poincaré plot across the line of identity, SDSD/√2.
    pub sd1_ms: f64,
    /// Shortest interval.
    pub min_ms: f64,
    /// Longest interval.
    pub max_ms: f64,
}

impl ShortTerm {
    /// Heart rate of the mean interval, in beats a minute.
    #[must_use]
    pub fn heart_rate_bpm(&self) -> f64 {
        60_000.0 / self.mean_ms
    }
}

/// Level and variability of the intervals `rr_ms`, without allocation.
///
/// **Use it** for many windows or live. **Not** for a report: [`time_domain`](super::time_domain) has more.
///
/// # Examples
/// ```
/// let found = eir_signal::hrv::short_term(&[800.0, 860.0, 790.0, 810.0])?;
/// assert_eq!((found.mean_ms, found.min_ms), (815.0, 790.0));
/// assert!((found.rmssd_ms - (8900.0f64 / 3.0).sqrt()).abs() < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`time_domain`](super::time_domain).
pub fn short_term(rr_ms: &[f64]) -> Result<ShortTerm> {
    check(rr_ms, 3)?;
    Ok(measure(rr_ms, rr_ms.windows(2).map(|w| w[1] - w[0])))
}

/// As [`short_term`], on intervals that are sound and with the differences that count.
pub(super) fn measure(rr_ms: &[f64], differences: impl Iterator<Item = f64> + Clone) -> ShortTerm {
    let n = rr_ms.len() as f64;
    let mean_ms = rr_ms.iter().sum::<f64>() / n;
    let squares: f64 = rr_ms.iter().map(|v| (v - mean_ms) * (v - mean_ms)).sum();
    let (mut count, mut sum, mut sum_of_squares, mut above_20, mut above_50) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for d in differences.clone() {
        count += 1.0;
        sum += d;
        sum_of_squares += d * d;
        above_20 += f64::from(u8::from(d.abs() > 20.0));
        above_50 += f64::from(u8::from(d.abs() > 50.0));
    }
    let middle = sum / count;
    let spread: f64 = differences.map(|d| (d - middle) * (d - middle)).sum();
    let sdsd_ms = (spread / (count - 1.0)).sqrt();
    let extreme = |f: fn(f64, f64) -> f64, from: f64| rr_ms.iter().fold(from, |a, v| f(a, *v));
    ShortTerm {
        intervals: rr_ms.len(),
        mean_ms,
        sdnn_ms: (squares / (n - 1.0)).sqrt(),
        rmssd_ms: (sum_of_squares / count).sqrt(),
        sdsd_ms,
        pnn50: 100.0 * above_50 / count,
        pnn20: 100.0 * above_20 / count,
        sd1_ms: sdsd_ms / std::f64::consts::SQRT_2,
        min_ms: extreme(f64::min, f64::INFINITY),
        max_ms: extreme(f64::max, f64::NEG_INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_interval() {
        for wrong in [f64::NAN, f64::INFINITY, 0.0, -800.0, 60_001.0] {
            assert!(short_term(&[800.0, wrong, 800.0]).is_err(), "{wrong}");
        }
        assert!(short_term(&[800.0, 800.0]).is_err());
        assert_eq!(short_term(&[800.0; 3]).unwrap().sdnn_ms, 0.0);
    }
}
