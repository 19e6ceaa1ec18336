//! Baseline after Lu and Wei: turning points that are left without the fastest mode of the heart rate.

use super::filters::{Expander, means};
use crate::Result;
use crate::interpolate::CubicSplineConfig;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// Samples behind each mean: 1 s.
const MEAN: usize = 4;
/// Seconds of the stretch that bounds what counts, and of the part in its middle that it is for.
const STRETCH: usize = 1200;
const PART: usize = 120;
/// Seconds to each side of the moving average.
const HALF: usize = 60;
/// A mode is done when a sifting changes less than this share of its power, or after so many.
const CHANGE: f64 = 0.1;
const SIFTINGS: usize = 50;
/// Changes from second to second below count as none, in bpm: what rounding leaves of a plateau.
const FLAT_BPM: f64 = 1e-9;

/// Settings of [`lu_wei`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LuWeiConfig {
    /// How many of the fastest modes are taken away, 1 to 8. Default 1: with the rule by which a mode is done here, the
    /// result is nearer to FHRMA's on the golden set than with the 2 of the publication.
    pub modes: usize,
    /// Whether the baseline falls towards 0 at both ends, as FHRMA's does under Octave. Default false.
    pub fhrma_ends: bool,
}

impl Default for LuWeiConfig {
    fn default() -> Self {
        Self { modes: 1, fhrma_ends: false }
    }
}

impl LuWeiConfig {
    /// Sets [`modes`](Self::modes).
    #[must_use]
    pub fn with_modes(self, modes: usize) -> Self {
        Self { modes, ..self }
    }

    /// Sets [`fhrma_ends`](Self::fhrma_ends).
    #[must_use]
    pub fn with_fhrma_ends(self, fhrma_ends: bool) -> Self {
        Self { fhrma_ends, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=8).contains(&self.modes) {
            return Err(Parameter::new("modes", self.modes as f64, "1 to 8").into());
        }
        Ok(())
    }

    /// As [`lu_wei`], with these settings.
    ///
    /// # Errors
    /// As [`lu_wei`], and [`validate`](Self::validate).
    pub fn baseline(&self, filled_bpm: &[f64]) -> Result<Vec<f64>> {
        self.validate()?;
        let bounded: Vec<f64> = filled_bpm.iter().map(|v| v.clamp(-1e6, 1e6)).collect();
        let mut slow = means(&bounded, MEAN)?;
        for _ in 0..self.modes {
            match fastest_mode(&slow)? {
                Some(mode) => slow.iter_mut().zip(mode).for_each(|(v, m)| *v -= m),
                None => break,
            }
        }
        let points = moving_average(&along(&kept(&slow), &slow));
        let mut baseline = Vec::with_capacity(filled_bpm.len());
        Expander::new(MEAN, !self.fhrma_ends).expand(&points, filled_bpm.len(), &mut baseline);
        Ok(baseline)
    }
}

/// The baseline after Lu and Wei of a filled heart rate at 4 Hz.
///
/// **Use it** to compare with work that uses empirical mode decomposition. **Not** beside long gaps: the envelopes swing
/// wide over them, and what they leave bends the baseline.
///
/// # Formula
/// Means of 1 s. A mode is what is left when the mean of the upper and the lower envelope (cubic splines through the
/// maxima or minima, samples of a plateau, and both ends) is taken away again and again, until that takes less than a
/// tenth of the power. The heart rate without its fastest mode has turning points. One counts unless the step to the next
/// one is larger than the mean of all steps and half their standard deviation, or it is further from the mean of those
/// left in the 20 min around its 2 min than their standard deviation. Straight lines join those that count, held at the ends;
/// a moving average of ±1 min.
///
/// # Parameters
/// [`LuWeiConfig`]: how many modes are taken away.
///
/// # Examples
/// ```
/// let fhr: Vec<f64> = (0..9600)
///     .map(|i| 140.0 + 4.0 * (f64::from(i) / 15.0).sin() - if (4000..4160).contains(&i) { 30.0 } else { 0.0 })
///     .collect(); // a deceleration of 40 s
/// let baseline = eir_signal::ctg::lu_wei(&fhr)?;
/// assert!(baseline.iter().all(|b| (b - 140.0).abs() < 3.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s.
///
/// # Validation
/// Follows the published steps and is **not** equal to FHRMA's (commit 407a279e, Octave 7.3), whose sifting is not
/// published: the mean distance is 1.6 bpm in the median record of the golden set (32), 0.9 in the nearest and 3.7 in
/// the worst; with two modes 2.5, 1.1 and 8.9. The moving average of ±1 min is the reference's: its spectrum has the
/// zeros of 121 s.
///
/// # References
/// Lu, Wei 2012, as in Boudet et al. 2020, doi:10.1016/j.softx.2020.100428; Huang et al. 1998,
/// doi:10.1098/rspa.1998.0193 (modes).
pub fn lu_wei(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    LuWeiConfig::default().baseline(filled_bpm)
}

/// `None` where nothing turns.
fn fastest_mode(x: &[f64]) -> Result<Option<Vec<f64>>> {
    let mut mode = x.to_vec();
    for sifting in 0..SIFTINGS {
        let turns = Turns::of(&mode);
        if turns.maxima.len() + turns.minima.len() < 2 {
            return Ok((sifting > 0).then_some(mode));
        }
        let (upper, lower) =
            (envelope(&mode, &turns.maxima, &turns.flat)?, envelope(&mode, &turns.minima, &turns.flat)?);
        let (mut change, mut power) = (0.0, 0.0);
        for ((v, u), l) in mode.iter_mut().zip(upper).zip(lower) {
            let middle = f64::midpoint(u, l);
            change += middle * middle;
            power += *v * *v;
            *v -= middle;
        }
        if change <= CHANGE * power {
            break;
        }
    }
    Ok(Some(mode))
}

/// A spline through the turning points of one kind, plateaus and both ends, at every place.
fn envelope(x: &[f64], turns: &[usize], flat: &[usize]) -> Result<Vec<f64>> {
    let mut places: Vec<usize> = turns.iter().chain(flat).copied().chain([0, x.len() - 1]).collect();
    places.sort_unstable();
    places.dedup();
    let at: Vec<f64> = places.iter().map(|i| *i as f64).collect();
    let values: Vec<f64> = places.iter().map(|i| x[*i]).collect();
    Ok(CubicSplineConfig::default().through(&at, &values)?.sampled(0.0, 1.0, x.len()))
}

/// Where a series turns.
#[derive(Default)]
struct Turns {
    maxima: Vec<usize>,
    minima: Vec<usize>,
    /// Places that the next one is equal to.
    flat: Vec<usize>,
}

impl Turns {
    /// A plateau turns at its first place.
    fn of(x: &[f64]) -> Self {
        let mut turns = Self::default();
        let mut last: Option<(bool, usize)> = None; // whether it rose, and to where
        for (i, w) in x.windows(2).enumerate() {
            let step = w[1] - w[0];
            if step.abs() <= FLAT_BPM {
                turns.flat.push(i);
                continue;
            }
            let rises = step > 0.0;
            match last {
                Some((true, at)) if !rises => turns.maxima.push(at),
                Some((false, at)) if rises => turns.minima.push(at),
                _ => {}
            }
            last = Some((rises, i + 1));
        }
        turns
    }
}

/// The turning points that count.
fn kept(x: &[f64]) -> Vec<usize> {
    let turns = Turns::of(x);
    let mut all = turns.maxima;
    all.extend(turns.minima);
    all.sort_unstable();
    let step = |w: &[usize]| (x[w[1]] - x[w[0]]).abs();
    let steps: Vec<f64> = all.windows(2).map(step).collect();
    let Some((mean, spread)) = mean_and_spread(steps.iter().copied()) else { return all };
    let quiet = |k: usize| steps.get(k).is_none_or(|s| *s < mean + 0.5 * spread);
    let left: Vec<usize> = all.iter().enumerate().filter(|(k, _)| quiet(*k)).map(|(_, i)| *i).collect();
    let mut found = Vec::with_capacity(left.len());
    for start in (0..x.len()).step_by(PART) {
        let from = start.saturating_sub((STRETCH - PART) / 2).min(x.len().saturating_sub(STRETCH));
        let place = |i: usize| left.partition_point(|l| *l < i);
        let around = left[place(from)..place(from + STRETCH)].iter().map(|i| x[*i]);
        let Some((mean, spread)) = mean_and_spread(around) else { continue };
        let near = |i: &&usize| (x[**i] - mean).abs() < spread;
        found.extend(left[place(start)..place(start + PART)].iter().filter(near));
    }
    found
}

/// Mean and standard deviation of two or more.
fn mean_and_spread(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let (sum, n) = values.clone().fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
    let mean = sum / f64::from(n);
    let squares: f64 = values.map(|v| (v - mean) * (v - mean)).sum();
    (n >= 2).then(|| (mean, (squares / f64::from(n - 1)).sqrt()))
}

/// Straight lines between `places` of `x`, held at the ends; `x` itself without any.
fn along(places: &[usize], x: &[f64]) -> Vec<f64> {
    let mut line = x.to_vec();
    let Some((first, last)) = places.first().zip(places.last()) else { return line };
    line[..*first].fill(x[*first]);
    line[*last..].fill(x[*last]);
    for w in places.windows(2) {
        let (from, to) = (w[0], w[1]);
        let slope = (x[to] - x[from]) / (to - from) as f64;
        line[from..to].iter_mut().enumerate().for_each(|(k, v)| *v = x[from] + slope * k as f64);
    }
    line
}

/// Over ±[`HALF`] places, fewer at the ends.
fn moving_average(x: &[f64]) -> Vec<f64> {
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(x.iter().scan(0.0, |sum, v| {
            *sum += v;
            Some(*sum)
        }))
        .collect();
    let mean = |i: usize| {
        let (from, to) = (i.saturating_sub(HALF), (i + HALF + 1).min(x.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    (0..x.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_mode_is_the_faster_of_two_waves() {
        let fast = |i: u32| 3.0 * (f64::from(i) * 0.9).sin();
        let x: Vec<f64> = (0..1500).map(|i| 140.0 + 8.0 * (f64::from(i) * 0.05).sin() + fast(i)).collect();
        let mode = fastest_mode(&x).unwrap().unwrap();
        let inside = (100..1400usize).map(|i| (mode[i] - fast(i as u32)).powi(2)).sum::<f64>() / 1300.0;
        assert!(inside.sqrt() < 0.5, "{inside}");
        assert!(fastest_mode(&[140.0; 500]).unwrap().is_none());
    }

    #[test]
    fn turning_points_of_plateaus_and_slopes() {
        let turns = Turns::of(&[0.0, 1.0, 1.0, 0.0, 0.0, -1.0, 2.0]);
        assert_eq!((turns.maxima, turns.minima, turns.flat), (vec![1], vec![5], vec![1, 3]));
        assert_eq!(moving_average(&along(&[1, 3], &[9.0, 1.0, 9.0, 3.0, 9.0])), [2.0; 5]);
    }

    #[test]
    fn any_length_and_any_value() {
        assert!(lu_wei(&[140.0; 3]).is_err());
        assert!(LuWeiConfig::default().with_modes(0).baseline(&[140.0; 400]).is_err());
        for n in [4, 9, 40, 1000, 30_001] {
            let found = lu_wei(&vec![140.0; n]).unwrap();
            assert!(found.len() == n && found.iter().all(|b| (b - 140.0).abs() < 1e-6));
        }
        let wild: Vec<f64> = (0..4000).map(|i| if i % 3 == 0 { -1e300 } else { 1e300 }).collect();
        assert!(lu_wei(&wild).unwrap().iter().all(|b| b.is_finite()));
    }
}
