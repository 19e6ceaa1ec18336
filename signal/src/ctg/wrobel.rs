//! Baseline after Wróbel: the myriad of the minutes around.

use super::filters::means;
use crate::Result;
use serde::{Deserialize, Serialize};

/// Samples behind each mean: 2.5 s.
const MEAN: usize = 10;
/// Means to each side of the window: 6 min 40 s.
const HALF: usize = 160;
/// The levels that are tried, in bpm.
const LOWEST: usize = 50;
const LEVELS: usize = 171;

/// Settings of [`wrobel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WrobelConfig {
    /// Whether the baseline is 1 bpm higher, one mean earlier, and 0 behind the last mean, as FHRMA's (commit 407a279e)
    /// is. Default false.
    pub fhrma_defects: bool,
}

impl WrobelConfig {
    /// Sets [`fhrma_defects`](Self::fhrma_defects).
    #[must_use]
    pub fn with_fhrma_defects(self, fhrma_defects: bool) -> Self {
        Self { fhrma_defects }
    }

    /// As [`wrobel`], with these settings.
    ///
    /// # Errors
    /// As [`wrobel`].
    pub fn baseline(&self, filled_bpm: &[f64]) -> Result<Vec<f64>> {
        let means = means(filled_bpm, MEAN)?;
        let mut levels = myriads(&means);
        // sample of the first level: the middle of its mean, or the last sample of the mean before
        let first = if self.fhrma_defects { -1.0 } else { (MEAN - 1) as f64 / 2.0 };
        if self.fhrma_defects {
            levels.iter_mut().for_each(|v| *v += 1.0);
        }
        let (before, behind) = match (levels.first(), levels.last()) {
            (Some(a), Some(b)) => (*a, *b),
            _ => (0.0, 0.0),
        };
        let value = |i: usize| {
            let place = (i as f64 - first) / MEAN as f64;
            let k = place.floor();
            let at = |k: f64| match levels.get(k.max(0.0) as usize) {
                _ if k < 0.0 => before,
                Some(v) => *v,
                None => behind,
            };
            if self.fhrma_defects && place > (levels.len() - 1) as f64 {
                return 0.0; // no line leads there
            }
            at(k) + (place - k) * (at(k + 1.0) - at(k))
        };
        Ok((0..filled_bpm.len()).map(value).collect())
    }
}

/// The baseline after Wróbel of a filled heart rate at 4 Hz.
///
/// **Use it** to compare with devices that work this way. **Not** where fractions of a beat matter: it is a whole number
/// of bpm at each mean.
///
/// # Formula
/// Means of 2.5 s; around each mean the level `b` among the whole numbers 50–220 with the least
/// `Σ log(0.25 + (x − b)²)` over ±160 means (fewer at the ends), the highest of several; straight lines between, held at the ends.
///
/// # Examples
/// ```
/// let fhr: Vec<f64> = (0..9600).map(|i| if i % 1200 < 300 { 110.0 } else { 140.0 }).collect();
/// let baseline = eir_signal::ctg::wrobel(&fhr)?;
/// assert!(baseline.iter().all(|b| *b == 140.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 2.5 s.
///
/// # Validation
/// With [`WrobelConfig::fhrma_defects`] equals FHRMA (commit 407a279e, Octave 7.3) within 0.01 bpm on all records of the
/// golden set.
///
/// # References
/// Wróbel et al. 2013, as in Boudet et al. 2020, doi:10.1016/j.softx.2020.100428.
pub fn wrobel(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    WrobelConfig::default().baseline(filled_bpm)
}

/// The costs of a window follow from those of the window before by one mean that enters and one that leaves: the hot
/// loop is an addition over all levels, from memory.
fn myriads(means: &[f64]) -> Vec<f64> {
    let ring = 2 * HALF + 1;
    let mut rows = vec![[0.0; LEVELS]; ring.min(means.len())];
    let mut costs = [0.0; LEVELS];
    let mut found = Vec::with_capacity(means.len());
    let capacity = rows.len();
    for k in 0..means.len() + HALF {
        if let Some(x) = means.get(k) {
            let row = &mut rows[k % capacity];
            if let Some(c) = k.checked_sub(ring).map(|_| &*row) {
                costs.iter_mut().zip(c).for_each(|(cost, c)| *cost -= c);
            }
            for (level, (c, cost)) in row.iter_mut().zip(&mut costs).enumerate() {
                let away = x - (LOWEST + level) as f64;
                *c = (0.25 + away * away).ln();
                *cost += *c;
            }
        } else if let Some(row) = k.checked_sub(ring).and_then(|old| rows.get(old % capacity)) {
            costs.iter_mut().zip(row).for_each(|(cost, c)| *cost -= c);
        }
        if k >= HALF {
            // the highest of several: what has been added and taken away again is equal to some digits only
            let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
            let best = costs.iter().rposition(|c| *c <= least + 1e-7).unwrap_or_default();
            found.push((LOWEST + best) as f64);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_equals_the_definition() {
        let x: Vec<f64> =
            (0..900).map(|i| 130.0 + 20.0 * (f64::from(i) * 0.013).sin() + f64::from(i * 7 % 11)).collect();
        let found = myriads(&x);
        for k in (0..900usize).step_by(37) {
            let window = &x[k.saturating_sub(HALF)..(k + HALF + 1).min(900)];
            let cost = |b: f64| window.iter().map(|v: &f64| (0.25 + (v - b) * (v - b)).ln()).sum::<f64>();
            let best = (50..=220).map(|b| cost(f64::from(b))).fold(f64::INFINITY, f64::min);
            assert!((cost(found[k]) - best).abs() < 1e-6, "mean {k}");
        }
        assert_eq!(myriads(&x[..50]).len(), 50);
    }

    #[test]
    fn says_what_is_too_short() {
        assert!(wrobel(&[140.0; 9]).is_err());
        assert_eq!(wrobel(&[140.0; 15]).unwrap(), [140.0; 15]);
    }
}
