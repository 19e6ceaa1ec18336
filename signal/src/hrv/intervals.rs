//! Intervals between beats.

use super::check;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{OutOfRange, Parameter};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The intervals between successive beats, in ms.
#[must_use]
pub fn rr_intervals_ms(beats: &[usize], rate: SampleRate) -> Vec<f64> {
    beats.windows(2).map(|w| (w[1] as f64 - w[0] as f64) / rate.hz() * 1000.0).collect()
}

/// Intervals between beats, and between which of them something is missing.
///
/// **Use it** where parts of a recording were lost: an interval that reaches across a gap is no interval, and the two
/// beside it do not follow one another.
///
/// # Examples
/// ```
/// use eir_signal::hrv::{Intervals, time_domain_with_gaps};
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let peaks = [10, 90, 171, 250, 600, 681, 760, 842];
/// let rr = Intervals::from_peaks(&peaks, rate, &[300..500])?;
/// assert_eq!(rr.ms(), [800.0, 810.0, 790.0, 810.0, 790.0, 820.0]);
/// assert_eq!(rr.stretches().map(<[f64]>::len).collect::<Vec<_>>(), [3, 3]);
/// assert!(time_domain_with_gaps(&rr)?.rmssd_ms < 25.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Intervals {
    ms: Vec<f64>,
    end_s: Vec<f64>,
    /// Where each stretch without a gap begins.
    starts: Vec<usize>,
}

impl Intervals {
    /// The intervals of beats at the samples `peaks`; those that touch one of `gaps` (in samples) are left out.
    ///
    /// # Errors
    /// [`OutOfRange`] if the peaks do not strictly rise; [`Parameter`] for a gap whose end is before its start.
    pub fn from_peaks(peaks: &[usize], rate: SampleRate, gaps: &[Range<usize>]) -> Result<Self> {
        let steps = peaks.windows(2).map(|w| w[1] as f64 - w[0] as f64);
        OutOfRange::check("step to the next peak", steps, "above 0", |step| step > 0.0)?;
        if let Some(gap) = gaps.iter().find(|g| g.end < g.start) {
            return Err(Parameter::new("gap", gap.start as f64, "a range whose end is not before its start").into());
        }
        let mut sorted: Vec<&Range<usize>> = gaps.iter().filter(|g| !g.is_empty()).collect();
        sorted.sort_by_key(|g| g.end);
        // gaps may overlap: for each end, the earliest start from there on
        let mut earliest: Vec<usize> = sorted.iter().map(|g| g.start).collect();
        for k in (1..earliest.len()).rev() {
            earliest[k - 1] = earliest[k - 1].min(earliest[k]);
        }
        let mut found = Self { ms: Vec::new(), end_s: Vec::new(), starts: Vec::new() };
        let mut broken = true;
        for pair in peaks.windows(2) {
            let first = sorted.partition_point(|g| g.end <= pair[0]);
            if earliest.get(first).is_some_and(|start| *start <= pair[1]) {
                broken = true;
                continue;
            }
            if broken {
                found.starts.push(found.ms.len());
                broken = false;
            }
            found.ms.push((pair[1] - pair[0]) as f64 / rate.hz() * 1000.0);
            found.end_s.push(pair[1] as f64 / rate.hz());
        }
        Ok(found)
    }

    /// Intervals without gaps, in ms.
    ///
    /// # Errors
    /// [`NotFinite`](eir_core::error::NotFinite), [`OutOfRange`] for an interval that is not above 0 or is over 1 min.
    pub fn from_ms(rr_ms: &[f64]) -> Result<Self> {
        check(rr_ms, 0)?;
        let mut end = 0.0;
        let end_s = rr_ms.iter().map(|rr| {
            end += rr / 1000.0;
            end
        });
        let starts = if rr_ms.is_empty() { Vec::new() } else { vec![0] };
        Ok(Self { ms: rr_ms.to_vec(), end_s: end_s.collect(), starts })
    }

    /// All intervals, in ms.
    #[must_use]
    pub fn ms(&self) -> &[f64] {
        &self.ms
    }

    /// When each ends, in seconds from the start of the recording.
    #[must_use]
    pub fn end_s(&self) -> &[f64] {
        &self.end_s
    }

    /// The stretches without a gap.
    pub fn stretches(&self) -> impl Iterator<Item = &[f64]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.ms.len()]);
        self.starts.iter().zip(ends).filter_map(|(from, to)| self.ms.get(*from..to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_may_overlap_and_touch() {
        let rate = SampleRate::new(100.0).unwrap();
        let peaks: Vec<usize> = (0..10).map(|i| 100 * i).collect();
        let of = |gaps: &[Range<usize>]| Intervals::from_peaks(&peaks, rate, gaps).unwrap();
        assert_eq!(of(&[]).ms(), [1000.0; 9]);
        assert_eq!(of(&[250..260, 255..420]).ms().len(), 6);
        assert_eq!(of(&[0..5000, 7..7]).stretches().count(), 0);
        assert_eq!(of(&[50..60, 850..860]).ms().len(), 7);
        assert_eq!(of(&[150..160, 7..7]).end_s()[..2], [1.0, 3.0]);
        let back = Range { start: 9, end: 5 };
        assert!(Intervals::from_peaks(&peaks, rate, &[back]).is_err());
        assert!(Intervals::from_peaks(&[3, 3], rate, &[]).is_err());
    }
}
