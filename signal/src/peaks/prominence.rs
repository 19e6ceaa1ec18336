//! How far a peak stands out, and how wide it is.

use super::Plateau;
use super::higher_ground::HigherGround;
use crate::Result;
use crate::spectrum::finite;
use eir_core::error::{Mismatch, OutOfRange, Parameter};
use serde::{Deserialize, Serialize};

/// How far a peak stands out of its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Prominence {
    /// Height above the higher of both bases.
    pub prominence: f64,
    /// The lowest sample between the peak and higher ground (or the start) on the left, the nearest of several.
    pub left_base: usize,
    /// The lowest sample between the peak and higher ground (or the end) on the right, the nearest of several.
    pub right_base: usize,
}

/// The width of a peak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Width {
    /// Width in samples.
    pub width: f64,
    /// Height at which it was measured.
    pub height: f64,
    /// Place between samples where the signal crosses that height on the left.
    pub left: f64,
    /// Place between samples where it crosses that height on the right.
    pub right: f64,
}

/// The prominences of the samples `peaks` of `x`, measured in the whole signal or in `window` samples around each.
/// A sample that is no peak has none: 0.
///
/// # Errors
/// [`NotFinite`](eir_core::error::NotFinite) if a sample is missing, [`OutOfRange`] if a peak lies outside of `x`,
/// [`Parameter`] if the window is below 2.
///
/// # Validation
/// Equal to SciPy 1.17.1 `peak_prominences` on the golden set and on 2000 random signals.
pub fn prominences(x: &[f64], peaks: &[usize], window: Option<usize>) -> Result<Vec<Prominence>> {
    finite(x)?;
    OutOfRange::check("peak", peaks.iter().map(|p| *p as f64), "a sample of the signal", |p| p < x.len() as f64)?;
    if let Some(window) = window {
        if window < 2 {
            return Err(Parameter::new("window", window as f64, "above 1 sample").into());
        }
        return Ok(within(x, peaks, window));
    }
    let tops = super::plateaus(x);
    let top_of = |peak: usize| {
        let k = tops.partition_point(|t| t.last < peak);
        tops.get(k).filter(|t| t.first <= peak).map(|_| k)
    };
    let places: Vec<Option<usize>> = peaks.iter().map(|p| top_of(*p)).collect();
    let mut kept: Vec<usize> = places.iter().flatten().copied().collect();
    kept.sort_unstable();
    kept.dedup();
    let of_tops = of_maxima(x, &tops, &kept);
    let found = peaks.iter().zip(places).map(|(peak, place)| {
        let known = place.and_then(|k| of_tops.get(kept.partition_point(|other| *other < k)));
        known.copied().unwrap_or_else(|| walk(x, *peak, 0, x.len() - 1))
    });
    Ok(found.collect())
}

/// The widths of `peaks` with their prominences, at `rel_height` of the prominence below the top.
///
/// # Errors
/// As [`prominences`]; [`Mismatch`] if the lengths differ, [`Parameter`] if `rel_height` is below 0.
///
/// # Validation
/// Equal to SciPy 1.17.1 `peak_widths` on the golden set and on 2000 random signals.
pub fn widths(x: &[f64], peaks: &[usize], prominences: &[Prominence], rel_height: f64) -> Result<Vec<Width>> {
    finite(x)?;
    Mismatch::check("peaks and prominences", peaks.len(), prominences.len())?;
    if !(rel_height >= 0.0 && rel_height.is_finite()) {
        return Err(Parameter::new("rel_height", rel_height, "0 or above and finite").into());
    }
    let placed = peaks.iter().zip(prominences).map(|(peak, p)| {
        let ordered = p.left_base <= *peak && *peak <= p.right_base && p.right_base < x.len() && p.prominence >= 0.0;
        if ordered { 0.0 } else { 1.0 }
    });
    OutOfRange::check(
        "peak",
        placed,
        "a sample of the signal between its bases, of a prominence of 0 or above",
        |p| p == 0.0,
    )?;
    Ok(widths_from(x, peaks, prominences, rel_height))
}

/// A value and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Low {
    pub(super) value: f64,
    pub(super) at: usize,
}

fn join(height: f64, left: Low, right: Low) -> Prominence {
    Prominence { prominence: height - left.value.max(right.value), left_base: left.at, right_base: right.at }
}

/// The prominences of the tops `kept` (rising, none twice) of `tops`, which are all local maxima: of few, by leaps from
/// each; of many, in one pass for each side.
pub(super) fn of_maxima(x: &[f64], tops: &[Plateau], kept: &[usize]) -> Vec<Prominence> {
    if kept.len() > tops.len() / MANY {
        return in_one_pass(x, tops, kept);
    }
    let ground = HigherGround::new(x);
    let of = |peak: usize| join(x[peak], ground.left(peak), ground.right(peak));
    kept.iter().map(|k| of(tops[*k].middle())).collect()
}

/// Of how many tops one must be kept that a pass over all is faster than leaps.
const MANY: usize = 8;

/// Between two maxima there is one valley, and higher ground begins only where a higher maximum does. So it is enough
/// to keep a stack of the maxima that are higher than all since, each with the lowest point before it.
fn in_one_pass(x: &[f64], tops: &[Plateau], kept: &[usize]) -> Vec<Prominence> {
    // valley `k` lies before top `k`, the last one behind the last top; their lowest values
    let valley = |k: usize| {
        let from = k.checked_sub(1).and_then(|k| tops.get(k)).map_or(0, |t| t.last);
        from..tops.get(k).map_or(x.len(), |t| t.first)
    };
    let lowest = |k: usize| x[valley(k)].iter().fold(f64::INFINITY, |low, v| if *v < low { *v } else { low });
    let lows: Vec<f64> = (0..=tops.len()).map(lowest).collect();
    let mut stack: Vec<(f64, f64, usize)> = Vec::new();
    let mut side = |order: &mut dyn Iterator<Item = usize>, wanted: &mut dyn Iterator<Item = &usize>, shift: usize| {
        stack.clear();
        let mut found = Vec::with_capacity(kept.len());
        let mut next = wanted.next();
        for k in order {
            let height = x[tops[k].first];
            let (mut low, mut deepest) = (lows[k + shift], k + shift);
            while let Some((above, before, place)) = stack.last().copied() {
                if above > height {
                    break;
                }
                if before < low {
                    (low, deepest) = (before, place);
                }
                stack.pop();
            }
            stack.push((height, low, deepest));
            if next == Some(&k) {
                found.push((low, deepest));
                next = wanted.next();
            }
        }
        found
    };
    let left = side(&mut (0..tops.len()), &mut kept.iter(), 0);
    let right = side(&mut (0..tops.len()).rev(), &mut kept.iter().rev(), 1);
    let at = |(low, k): (f64, usize), nearest: fn(&[f64], f64) -> Option<usize>| {
        let range = valley(k);
        Low { value: low, at: range.start + nearest(&x[range], low).unwrap_or_default() }
    };
    kept.iter()
        .zip(left.into_iter().zip(right.into_iter().rev()))
        .map(|(k, (left, right))| {
            let left = at(left, |x, low| x.iter().rposition(|v| *v == low));
            let right = at(right, |x, low| x.iter().position(|v| *v == low));
            join(x[tops[*k].middle()], left, right)
        })
        .collect()
}

/// Prominences within `window` samples around each peak.
pub(super) fn within(x: &[f64], peaks: &[usize], window: usize) -> Vec<Prominence> {
    let half = window / 2;
    peaks.iter().map(|p| walk(x, *p, p.saturating_sub(half), p.saturating_add(half).min(x.len() - 1))).collect()
}

/// The prominence of one sample, by walking from it to both sides.
fn walk(x: &[f64], peak: usize, from: usize, to: usize) -> Prominence {
    let height = x[peak];
    let lowest = |low: Low, (at, value): (usize, f64)| if value < low.value { Low { value, at } } else { low };
    let start = Low { value: height, at: peak };
    let up_to_higher = |(_, v): &(usize, f64)| *v <= height;
    let at = |i: usize| (i, x[i]);
    let left = (from..=peak).rev().map(at).take_while(up_to_higher).fold(start, lowest);
    let right = (peak..=to).map(at).take_while(up_to_higher).fold(start, lowest);
    join(height, left, right)
}

pub(super) fn widths_from(x: &[f64], peaks: &[usize], prominences: &[Prominence], rel_height: f64) -> Vec<Width> {
    peaks
        .iter()
        .zip(prominences)
        .map(|(peak, p)| {
            let height = x[*peak] - p.prominence * rel_height;
            let mut i = *peak;
            while p.left_base < i && height < x[i] {
                i -= 1;
            }
            let mut left = i as f64;
            if x[i] < height {
                left += (height - x[i]) / (x[i + 1] - x[i]);
            }
            let mut i = *peak;
            while i < p.right_base && height < x[i] {
                i += 1;
            }
            let mut right = i as f64;
            if x[i] < height {
                right -= (height - x[i]) / (x[i - 1] - x[i]);
            }
            Width { width: right - left, height, left, right }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_equals_walking() {
        let mut state = 1u32;
        let mut next = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % n
        };
        for round in 0..300 {
            let x: Vec<f64> = (0..20 + round).map(|_| f64::from(next(2 + round % 9))).collect();
            let tops = super::super::plateaus(&x);
            let all: Vec<usize> = (0..tops.len()).collect();
            let peaks: Vec<usize> = tops.iter().map(Plateau::middle).collect();
            assert_eq!(of_maxima(&x, &tops, &all), within(&x, &peaks, usize::MAX), "{x:?}");
            assert_eq!(prominences(&x, &peaks, None).unwrap(), within(&x, &peaks, usize::MAX));
            let any: Vec<usize> = (0..30).map(|_| next(x.len() as u32) as usize).collect();
            assert_eq!(prominences(&x, &any, None).unwrap(), within(&x, &any, usize::MAX), "{x:?} {any:?}");
            let some: Vec<usize> = all.iter().copied().filter(|_| next(3) == 0).collect();
            let at: Vec<usize> = some.iter().map(|k| peaks[*k]).collect();
            assert_eq!(in_one_pass(&x, &tops, &some), within(&x, &at, usize::MAX), "{x:?} {some:?}");
            let few: Vec<usize> = some.iter().copied().step_by(4).collect();
            let at: Vec<usize> = few.iter().map(|k| peaks[*k]).collect();
            assert_eq!(of_maxima(&x, &tops, &few), within(&x, &at, usize::MAX), "{x:?} {few:?}");
        }
    }

    #[test]
    fn odd_inputs() {
        assert!(prominences(&[1.0], &[1], None).is_err());
        assert!(prominences(&[], &[0], None).is_err());
        assert!(prominences(&[], &[], None).unwrap().is_empty());
        assert!(prominences(&[f64::NAN], &[0], None).is_err());
        let none = prominences(&[0.0, 1.0, 2.0], &[1], None).unwrap();
        assert_eq!(none[0].prominence, 0.0);
        assert_eq!(widths(&[0.0, 1.0, 2.0], &[1], &none, 0.5).unwrap()[0].width, 0.0);
        assert!(widths(&[0.0], &[1], &none, 0.5).is_err());
        assert!(widths(&[0.0, 1.0, 2.0], &[], &none, 0.5).is_err());
    }
}
