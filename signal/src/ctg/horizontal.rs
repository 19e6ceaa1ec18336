//! Baseline in FIGO's own words: the mean level of the most horizontal segments of each ten minutes.

use super::filters::means;
use super::variability::MINUTE;
use crate::Result;

/// Samples of a segment: 15 s.
const SEGMENT: usize = 60;
/// Segments of 10 min.
const WINDOW: usize = 40;
/// Segments of a minute.
const STEP: usize = MINUTE / SEGMENT;
/// Segments this near in level belong together, in bpm.
const NEAR_BPM: f64 = 8.0;

/// The baseline of a filled heart rate at 4 Hz after FIGO 2015: the mean level of the most horizontal segments of the
/// 10 min around.
///
/// **Use it** to see what the guideline's words give. **Not** as the default: a deceleration of more than 5 min becomes
/// the baseline, where [`weighted_median`](super::weighted_median) stands it.
///
/// # Formula
/// Means of 15 s; the slope of a segment is the difference of its neighbours. Each minute, of the 40 segments around,
/// the half with the least slope counts; the level is the mean of those within 8 bpm of the one that has most of them
/// within 8 bpm (the highest of several). Straight lines between minutes. How FIGO's "most horizontal" is measured is
/// ours.
///
/// # Examples
/// ```
/// let mut fhr = vec![140.0; 9600];
/// fhr[4000..4480].fill(105.0); // 2 min down
/// let baseline = eir_signal::ctg::most_horizontal(&fhr)?;
/// assert!(baseline.iter().all(|b| (b - 140.0).abs() < 0.1));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 15 s.
///
/// # References
/// Ayres-de-Campos et al. 2015, doi:10.1016/j.ijgo.2015.06.020.
pub fn most_horizontal(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    let levels = means(filled_bpm, SEGMENT)?;
    let n = levels.len();
    let slope = |i: usize| (levels[(i + 1).min(n - 1)] - levels[i.saturating_sub(1)]).abs();
    let slopes: Vec<f64> = (0..n).map(slope).collect();
    let mut flat: Vec<(f64, f64)> = Vec::with_capacity(WINDOW);
    let mut level = |middle: usize| {
        let first = middle.saturating_sub(WINDOW / 2).min(n.saturating_sub(WINDOW));
        let near = first..(first + WINDOW).min(n);
        flat.clear();
        flat.extend(near.map(|k| (slopes[k], levels[k])));
        flat.sort_by(|a, b| a.0.total_cmp(&b.0));
        flat.truncate(flat.len().div_ceil(2));
        flat.sort_by(|a, b| a.1.total_cmp(&b.1));
        let together = |centre: f64| flat.iter().filter(move |(_, l)| (l - centre).abs() <= NEAR_BPM);
        let best = flat.iter().max_by_key(|(_, l)| together(*l).count()).map_or(0.0, |(_, l)| *l);
        let (sum, count) = together(best).fold((0.0, 0.0), |(s, c), (_, l)| (s + l, c + 1.0));
        sum / f64::max(count, 1.0)
    };
    let points: Vec<f64> = (0..=n / STEP).map(|k| level(k * STEP)).collect();
    let point = |k: usize| points.get(k).or(points.last()).copied().unwrap_or_default();
    Ok((0..filled_bpm.len())
        .map(|i| {
            let (k, part) = (i / MINUTE, (i % MINUTE) as f64 / MINUTE as f64);
            point(k) + part * (point(k + 1) - point(k))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_rise_is_followed_and_short_traces_have_a_level() {
        let fhr: Vec<f64> = (0..14_400).map(|i| 130.0 + f64::from(i) / 1440.0).collect();
        let found = most_horizontal(&fhr).unwrap();
        assert!(found[3000..12_000].iter().zip(&fhr[3000..12_000]).all(|(b, x)| (b - x).abs() < 1.0));
        assert!(most_horizontal(&[140.0; 59]).is_err());
        assert_eq!(most_horizontal(&[140.0; 61]).unwrap(), [140.0; 61]);
    }
}
