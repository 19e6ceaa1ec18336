//! Peaks of a signal, with their prominences and widths.

use crate::Result;
use crate::spectrum::finite;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

mod distance;
mod higher_ground;
mod prominence;

pub use prominence::{Prominence, Width, prominences, widths};

/// The peaks of `x`: samples above their neighbours; of a flat top, its middle.
///
/// # Errors
/// As [`PeaksConfig::find`].
pub fn find_peaks(x: &[f64]) -> Result<Peaks> {
    PeaksConfig::default().find(x)
}

/// A lower and an upper bound, both included, each of which may be missing. Made from ranges: `0.5..`, `..=2.0`,
/// `0.5..=2.0`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bounds {
    /// Lower bound.
    pub min: Option<f64>,
    /// Upper bound.
    pub max: Option<f64>,
}

impl Bounds {
    /// Whether `value` lies within.
    #[must_use]
    pub fn contain(self, value: f64) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }

    fn check(self, name: &'static str) -> Result<()> {
        match [self.min, self.max].into_iter().flatten().find(|v| v.is_nan()) {
            Some(value) => Err(Parameter::new(name, value, "a number").into()),
            None => Ok(()),
        }
    }
}

impl From<std::ops::RangeFrom<f64>> for Bounds {
    fn from(range: std::ops::RangeFrom<f64>) -> Self {
        Self { min: Some(range.start), max: None }
    }
}

impl From<std::ops::RangeToInclusive<f64>> for Bounds {
    fn from(range: std::ops::RangeToInclusive<f64>) -> Self {
        Self { min: None, max: Some(range.end) }
    }
}

impl From<std::ops::RangeInclusive<f64>> for Bounds {
    fn from(range: std::ops::RangeInclusive<f64>) -> Self {
        Self { min: Some(*range.start()), max: Some(*range.end()) }
    }
}

/// Which peaks count.
///
/// **Use it** on a signal that is smooth enough for its peaks to mean something; `prominence` is the condition that
/// survives a drift. **Not** for QRS complexes in noise: [`ecg`](crate::ecg) has detectors.
///
/// # Formula
/// Conditions are applied in this order, each to the peaks that are left: plateau, height, threshold, distance,
/// prominence, width. Distance: from the highest peak down, each takes out those nearer than `distance` samples; of
/// equal heights the later one goes first (SciPy leaves that to a sort that is not stable). Prominence: height above the higher of the two lowest points between the
/// peak and higher ground (or the end) on either side. Width: at a share `rel_height` of the prominence below the top,
/// between the crossings by straight lines.
///
/// # Examples
/// ```
/// use eir_signal::peaks::PeaksConfig;
/// let x = [0.0, 1.0, 0.2, 0.4, 0.1, 2.0, 2.0, 2.0, 0.0];
/// let found = PeaksConfig::default().with_prominence(0.5..).find(&x)?;
/// assert_eq!(found.indices, [1, 6]);
/// assert_eq!(found.prominences.as_deref().map(|p| p[1].prominence), Some(2.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to SciPy 1.17.1 `find_peaks`, with every property, on the golden set and on 2000 random signals with random
/// conditions (many with flat tops and equal heights).
///
/// # References
/// Llobera 2001, doi:10.1016/S0305-4403(01)00239-8 (prominence); Virtanen et al. 2020, doi:10.1038/s41592-019-0686-2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PeaksConfig {
    /// Height of a peak, in the unit of the signal. Default none.
    pub height: Option<Bounds>,
    /// Height above the neighbouring samples: the lower bound for the smaller, the upper for the larger. Default none.
    pub threshold: Option<Bounds>,
    /// Fewest samples between peaks, at least 1. Default none.
    pub distance: Option<f64>,
    /// Prominence, in the unit of the signal. Default none.
    pub prominence: Option<Bounds>,
    /// Width in samples. Default none.
    pub width: Option<Bounds>,
    /// Samples of a flat top. Default none.
    pub plateau: Option<Bounds>,
    /// Share of the prominence below the top at which the width is measured, 0 or above. Default 0.5.
    pub rel_height: f64,
    /// Samples of the window around a peak in which its prominence is measured, above 1; rounded up to an odd number.
    /// Default none: the whole signal.
    pub window: Option<usize>,
}

impl Default for PeaksConfig {
    fn default() -> Self {
        Self {
            height: None,
            threshold: None,
            distance: None,
            prominence: None,
            width: None,
            plateau: None,
            rel_height: 0.5,
            window: None,
        }
    }
}

impl PeaksConfig {
    /// Sets [`height`](Self::height).
    #[must_use]
    pub fn with_height(self, height: impl Into<Bounds>) -> Self {
        Self { height: Some(height.into()), ..self }
    }

    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(self, threshold: impl Into<Bounds>) -> Self {
        Self { threshold: Some(threshold.into()), ..self }
    }

    /// Sets [`distance`](Self::distance).
    #[must_use]
    pub fn with_distance(self, distance: f64) -> Self {
        Self { distance: Some(distance), ..self }
    }

    /// Sets [`prominence`](Self::prominence).
    #[must_use]
    pub fn with_prominence(self, prominence: impl Into<Bounds>) -> Self {
        Self { prominence: Some(prominence.into()), ..self }
    }

    /// Sets [`width`](Self::width).
    #[must_use]
    pub fn with_width(self, width: impl Into<Bounds>) -> Self {
        Self { width: Some(width.into()), ..self }
    }

    /// Sets [`plateau`](Self::plateau).
    #[must_use]
    pub fn with_plateau(self, plateau: impl Into<Bounds>) -> Self {
        Self { plateau: Some(plateau.into()), ..self }
    }

    /// Sets [`rel_height`](Self::rel_height).
    #[must_use]
    pub fn with_rel_height(self, rel_height: f64) -> Self {
        Self { rel_height, ..self }
    }

    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window: Some(window), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first that is out of it.
    pub fn validate(&self) -> Result<()> {
        if let Some(distance) = self.distance.filter(|d| d.is_nan() || *d < 1.0) {
            return Err(Parameter::new("distance", distance, "at least 1 sample").into());
        }
        if !(self.rel_height >= 0.0 && self.rel_height.is_finite()) {
            return Err(Parameter::new("rel_height", self.rel_height, "0 or above and finite").into());
        }
        if let Some(window) = self.window.filter(|w| *w < 2) {
            return Err(Parameter::new("window", window as f64, "above 1 sample").into());
        }
        let bounds = [
            ("height", self.height),
            ("threshold", self.threshold),
            ("prominence", self.prominence),
            ("width", self.width),
            ("plateau", self.plateau),
        ];
        bounds.into_iter().try_for_each(|(name, bounds)| bounds.unwrap_or_default().check(name))
    }

    /// The peaks of `x`. A signal without any, or with fewer than three samples, has an empty list.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`NotFinite`](eir_core::error::NotFinite) if a sample is missing.
    pub fn find(&self, x: &[f64]) -> Result<Peaks> {
        self.validate()?;
        finite(x)?;
        let tops = plateaus(x);
        let mut kept: Vec<usize> = (0..tops.len()).collect();
        if let Some(bounds) = self.plateau {
            kept.retain(|i| bounds.contain(tops[*i].samples() as f64));
        }
        if let Some(bounds) = self.height {
            kept.retain(|i| bounds.contain(x[tops[*i].middle()]));
        }
        let thresholds = |top: &Plateau| {
            let at = top.middle();
            [x[at] - x[at - 1], x[at] - x[at + 1]]
        };
        if let Some(bounds) = self.threshold {
            kept.retain(|i| {
                let [left, right] = thresholds(&tops[*i]);
                bounds.min.is_none_or(|min| min <= left.min(right))
                    && bounds.max.is_none_or(|max| left.max(right) <= max)
            });
        }
        if let Some(distance) = self.distance {
            let places: Vec<(usize, f64)> = kept.iter().map(|i| (tops[*i].middle(), x[tops[*i].middle()])).collect();
            let stays = distance::select(&places, distance.ceil() as usize);
            let mut stays = stays.into_iter();
            kept.retain(|_| stays.next().unwrap_or(false));
        }
        let (mut found_prominences, mut found_widths) = (None, None);
        if self.prominence.is_some() || self.width.is_some() {
            let chosen: Vec<usize> = kept.iter().map(|i| tops[*i].middle()).collect();
            let mut all = match self.window {
                Some(window) => prominence::within(x, &chosen, window),
                None => prominence::of_maxima(x, &tops, &kept),
            };
            if let Some(bounds) = self.prominence {
                kept = keep(kept, |k| bounds.contain(all[k].prominence));
                all.retain(|p| bounds.contain(p.prominence));
            }
            if let Some(bounds) = self.width {
                let chosen: Vec<usize> = kept.iter().map(|i| tops[*i].middle()).collect();
                let mut widths = prominence::widths_from(x, &chosen, &all, self.rel_height);
                kept = keep(kept, |k| bounds.contain(widths[k].width));
                all = keep(all, |k| bounds.contain(widths[k].width));
                widths.retain(|w| bounds.contain(w.width));
                found_widths = Some(widths);
            }
            found_prominences = Some(all);
        }
        let plateaus: Vec<Plateau> = kept.iter().map(|i| tops[*i]).collect();
        let indices: Vec<usize> = plateaus.iter().map(Plateau::middle).collect();
        Ok(Peaks {
            heights: indices.iter().map(|i| x[*i]).collect(),
            thresholds: plateaus.iter().map(thresholds).collect(),
            indices,
            plateaus,
            prominences: found_prominences,
            widths: found_widths,
        })
    }
}

/// Those of `values` whose position `wanted` says.
fn keep<T>(values: Vec<T>, wanted: impl Fn(usize) -> bool) -> Vec<T> {
    values.into_iter().enumerate().filter(|(k, _)| wanted(*k)).map(|(_, v)| v).collect()
}

/// A flat top: samples of equal height between lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plateau {
    /// Its first sample.
    pub first: usize,
    /// Its last sample.
    pub last: usize,
}

impl Plateau {
    /// The sample in its middle, the earlier of two: the peak.
    #[must_use]
    pub fn middle(&self) -> usize {
        self.first + (self.last - self.first) / 2
    }

    /// How many samples it has.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.last - self.first + 1
    }
}

/// Peaks, in order of time; each list has one entry per peak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Peaks {
    /// Their samples.
    pub indices: Vec<usize>,
    /// Values of the signal there.
    pub heights: Vec<f64>,
    /// Their flat tops; of one sample, if they are sharp.
    pub plateaus: Vec<Plateau>,
    /// Height above the sample before and the one after.
    pub thresholds: Vec<[f64; 2]>,
    /// Prominences, if a condition asked for prominence or width.
    pub prominences: Option<Vec<Prominence>>,
    /// Widths, if a condition asked for width.
    pub widths: Option<Vec<Width>>,
}

/// Samples that are looked through for candidates at once.
const BLOCK: usize = 2048;

/// All local maxima.
fn plateaus(x: &[f64]) -> Vec<Plateau> {
    let mut found: Vec<Plateau> = Vec::new();
    let mut candidates = [0; BLOCK];
    let last = x.len().saturating_sub(1);
    for from in (1..last).step_by(BLOCK) {
        // rises before and does not rise after: kept without a branch, as in noise none can be foretold
        let mut count = 0;
        for (i, w) in (from..).zip(x[from - 1..(from + BLOCK).min(last) + 1].array_windows::<3>()) {
            candidates[count] = i;
            count += usize::from((w[0] < w[1]) & (w[1] >= w[2]));
        }
        for first in &candidates[..count] {
            let top = x[*first];
            let after = x[first + 1..].iter().position(|v| *v != top).map(|k| first + 1 + k);
            if let Some(after) = after.filter(|after| x[*after] < top) {
                found.push(Plateau { first: *first, last: after - 1 });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_tops_and_edges() {
        let found = find_peaks(&[0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 2.0]).unwrap();
        assert_eq!(found.indices, [2]);
        assert_eq!((found.plateaus[0].first, found.plateaus[0].last), (1, 4));
        assert!(find_peaks(&[1.0, 1.0, 1.0]).unwrap().indices.is_empty());
        assert!(find_peaks(&[0.0, 1.0, 1.0]).unwrap().indices.is_empty());
        assert!(find_peaks(&[1.0, 1.0, 0.0]).unwrap().indices.is_empty());
    }

    #[test]
    fn conditions() {
        let x = [0.0, 2.0, 0.0, 1.0, 0.0, 3.0, 2.9, 2.95, 0.0];
        let peaks = |c: PeaksConfig| c.find(&x).unwrap().indices;
        let config = PeaksConfig::default();
        assert_eq!(peaks(config), [1, 3, 5, 7]);
        assert_eq!(peaks(config.with_height(1.5..=2.98)), [1, 7]);
        assert_eq!(peaks(config.with_distance(3.0)), [1, 5]);
        assert_eq!(peaks(config.with_prominence(0.1..)), [1, 3, 5]);
        assert_eq!(peaks(config.with_threshold(0.06..)), [1, 3, 5]);
        assert_eq!(peaks(config.with_width(1.1..)), [5]);
        assert_eq!(peaks(config.with_plateau(2.0..)), [0usize; 0]);
    }

    #[test]
    fn odd_inputs() {
        for x in [&[][..], &[1.0], &[1.0, 2.0], &[5.0; 40]] {
            assert!(find_peaks(x).unwrap().indices.is_empty());
        }
        assert!(find_peaks(&[0.0, f64::NAN, 0.0]).unwrap_err().to_string().contains("sample 1"));
        assert!(find_peaks(&[0.0, f64::INFINITY, 0.0]).is_err());
        assert!(PeaksConfig::default().with_distance(0.5).validate().is_err());
        assert!(PeaksConfig::default().with_height(f64::NAN..).validate().is_err());
        assert!(PeaksConfig::default().with_window(1).validate().is_err());
        assert!(PeaksConfig::default().with_rel_height(-1.0).validate().is_err());
    }
}
