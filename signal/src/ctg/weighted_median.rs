//! Baseline by a weighted median: samples that move slowly weigh more.

use super::filters::{Decimator, Expander, band_pass, low_pass};
use crate::Result;
use num_complex::Complex64;
use rustfft::FftPlanner;
use serde::{Deserialize, Serialize};

/// Samples between two points of the baseline: 6 s.
const STEP: usize = 24;
/// Points to each side of the window: 20 min.
const HALF: usize = 200;
/// Points that the far side keeps at an end, less half a point for each point from the end: 10 min.
const KEPT: usize = 100;
/// The point of the first pass whose share of votes says how many votes are few.
const TYPICAL: usize = 22;
/// Points of the stretches whose smallest value bounds the baseline from below: 10 min and a point.
const STRETCH: usize = 101;
/// Points from one such stretch to the next: half a minute.
const APART: usize = 5;

/// Settings of [`weighted_median`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WeightedMedianConfig {
    /// Whether the baseline falls towards 0 in the first and the last half minute, as FHRMA's does under Octave, whose
    /// interpolation takes what lies outside for 0. Default false: the ends are held.
    pub fhrma_ends: bool,
}

impl WeightedMedianConfig {
    /// Sets [`fhrma_ends`](Self::fhrma_ends).
    #[must_use]
    pub fn with_fhrma_ends(self, fhrma_ends: bool) -> Self {
        Self { fhrma_ends }
    }

    /// As [`weighted_median`], with these settings.
    ///
    /// # Errors
    /// As [`weighted_median`].
    pub fn baseline(&self, filled_bpm: &[f64]) -> Result<Vec<f64>> {
        let n = filled_bpm.len();
        let (mut of_values, mut of_weights) = (Decimator::butterworth(STEP)?, Decimator::chebyshev(STEP)?);
        let expander = Expander::new(STEP, !self.fhrma_ends);
        let belongs = probability(filled_bpm)?;
        let [one, two, four, eight, sixteen] =
            [1.0, 2.0, 4.0, 8.0, 16.0].map(|per_min: f64| low_pass(filled_bpm, 1, per_min / 60.0));
        let (one, two, four, eight, sixteen) = (one?, two?, four?, eight?, sixteen?);
        let mut medians = Medians::default();
        let (mut weights, mut points, mut before) = (Vec::new(), Vec::new(), Vec::new());
        let (mut wide, mut baseline) = (belongs.clone(), Vec::with_capacity(n));
        of_values.points(&two, &mut points)?;
        of_weights.points(&belongs, &mut weights)?;
        let mut found = medians.pass(&points, &weights, 1, None);
        expander.expand(&found, n, &mut baseline);
        let passes = [
            (&two, 2, &one, 3.21),
            (&four, 4, &four, 2.5),
            (&eight, 8, &eight, 2.0),
            (&sixteen, 16, &sixteen, 1.5),
            (&sixteen, 16, &sixteen, 1.0),
        ];
        for (k, (values, power, near, offset)) in passes.into_iter().enumerate() {
            for ((w, p), (x, b)) in wide.iter_mut().zip(&belongs).zip(near.iter().zip(&baseline)) {
                *w = p * logistic(offset - 0.19 * (x - b).abs());
            }
            if k != 4 {
                of_values.points(values, &mut points)?; // the last pass has the values of the one before
            }
            of_weights.points(&wide, &mut weights)?;
            before.clear();
            before.extend(baseline.iter().step_by(STEP));
            found = medians.pass(&points, &weights, power, Some(&before));
            expander.expand(&found, n, &mut baseline);
        }
        Ok(baseline)
    }
}

/// The baseline of a filled heart rate at 4 Hz by a weighted median filter in six passes.
///
/// **Use it** as the default: it stands repeated and long decelerations, which pull a low-pass down. **Not** where the
/// baseline itself changes within a few minutes: the window is 40 min wide.
///
/// # Formula
/// Each sample's weight is the probability that it belongs to the baseline,
/// `P = 1 − σ(−2.4744 + 0.0266 s₁ + 0.0413 s₂ + 0.0105 s₃ + 0.0036 s₄)`, from slopes in bpm/min: `s₁` the absolute slope
/// below 1 cycle/min, `s₂ s₃ s₄` the envelopes of the slopes of 0–1, 1–3 and 3–7 cycles/min. Then weighted medians of
/// the low-passed trace every 6 s under a triangle of ±20 min, `1 − max(k, 1)/200` at `k` points; five more passes narrow
/// the triangle (powers 2, 4, 8, 16, 16) and weigh by the distance to the baseline of the pass before as well. Weights are
/// decimated by a Chebyshev low-pass, values by a Butterworth one. A value does not vote at a point where it is below the
/// smallest value of one of the stretches of 10 min, half a minute apart, that hold the point. Where the votes are fewer than
/// a tenth of a typical share (that of the first pass near the start) of what the window could give, the baseline of the pass
/// before has the votes that are missing.
/// At `k` < 200 points from an end the window is `max(k, 100 − ⌈k/2⌉)` points long on the far side. Between passes the points
/// are expanded by a smooth interpolation (Hamming window, cut off at half of their band).
///
/// # Examples
/// ```
/// let mut fhr = vec![140.0; 9600];
/// for start in (300..9300).step_by(600) { fhr[start..start + 240].fill(115.0); } // 1 min down in every 2½
/// let baseline = eir_signal::ctg::weighted_median(&fhr)?;
/// assert!(baseline.iter().all(|b| (b - 140.0).abs() < 1.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below about 10 s.
///
/// # Validation
/// Away from the first and last minute equal to FHRMA's `wmfb` (commit 407a279e, Octave 7.3) to the rounding of the
/// reference (0.01 bpm) at 98.5 % of all points of the golden set; 28 of 32 records are within 0.05 bpm on average and 0.5
/// at most. The others differ for some minutes where few samples vote, by up to 13 bpm (0.09 on average in the worst
/// record): how the reference measures "few" is not fully known. Planted traces of the golden set: within 3 bpm.
///
/// # References
/// Boudet et al. 2019, doi:10.1016/j.compbiomed.2019.103468.
pub fn weighted_median(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    WeightedMedianConfig::default().baseline(filled_bpm)
}

/// Where the heart rate, low-passed at 1 cycle/min, is more than 5 bpm above (`sign` 1) or below (`sign` −1) the
/// baseline and the rate itself is on that side too, for at least 15 s and somewhere by at least 15 bpm: the rule that
/// belongs to this baseline.
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) for a handful of samples, [`Mismatch`](eir_core::error::Mismatch) unless both
/// are equally long.
pub fn weighted_median_events(
    filled_bpm: &[f64],
    baseline_bpm: &[f64],
    sign: f64,
) -> Result<Vec<super::events::Interval>> {
    eir_core::error::Mismatch::check("heart rate and baseline", filled_bpm.len(), baseline_bpm.len())?;
    let smooth = low_pass(filled_bpm, 1, 1.0 / 60.0)?;
    let away = |x: &[f64], i: usize| sign * (x[i] - baseline_bpm[i]);
    let is_event = |i: usize| away(&smooth, i) > 5.0 && away(filled_bpm, i) >= 0.0;
    let runs = super::preparation::runs((0..smooth.len()).map(is_event)).into_iter();
    let found = runs.map(|(start, end)| super::events::Interval { start, end });
    let reaches = |e: &super::events::Interval| (e.start..e.end).any(|i| away(filled_bpm, i) >= 15.0);
    Ok(found.filter(|e| e.duration_s() >= 15.0 && reaches(e)).collect())
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// How probably each sample belongs to the baseline.
fn probability(x: &[f64]) -> Result<Vec<f64>> {
    let slow = slope(&low_pass(x, 1, 1.0 / 60.0)?);
    let middle = slope(&band_pass(x, 1.0 / 60.0, 3.0 / 60.0)?);
    let fast = slope(&band_pass(x, 3.0 / 60.0, 7.0 / 60.0)?);
    let mut planner = FftPlanner::new();
    let mut envelope = |slope: &[f64], high_per_min: f64| envelope(&mut planner, slope, 2.0 * high_per_min / 60.0);
    let (e1, e2, e3) = (envelope(&slow, 1.0), envelope(&middle, 3.0), envelope(&fast, 7.0));
    let terms = slow.iter().zip(&e1).zip(e2.iter().zip(&e3));
    Ok(terms
        .map(|((s, e1), (e2, e3))| 1.0 - logistic(-2.4744 + 0.0266 * s.abs() + 0.0413 * e1 + 0.0105 * e2 + 0.0036 * e3))
        .collect())
}

/// From the sample before, in bpm/min; 0 at the first.
fn slope(x: &[f64]) -> Vec<f64> {
    std::iter::once(0.0).chain(x.windows(2).map(|w| (w[1] - w[0]) * 60.0 * super::RATE_HZ)).collect()
}

/// Twice the size of what lies between 0 and `high_hz`.
fn envelope(planner: &mut FftPlanner<f64>, x: &[f64], high_hz: f64) -> Vec<f64> {
    let n = x.len();
    let mut bins: Vec<Complex64> = x.iter().map(|v| Complex64::new(*v, 0.0)).collect();
    planner.plan_fft_forward(n).process(&mut bins);
    let last = (high_hz * n as f64 / super::RATE_HZ).round() as usize;
    bins.iter_mut().skip(last + 1).for_each(|bin| *bin = Complex64::default());
    planner.plan_fft_inverse(n).process(&mut bins);
    bins.iter().map(|v| 2.0 * v.norm_sqr().sqrt() / n as f64).collect()
}

/// Weighted medians in windows that slide: the values of the window stay sorted, one leaves and one enters. The weight
/// below the median of the point before is summed in the order of time, over memory that lies together; from there to
/// the median it is a few steps in the order of the values.
#[derive(Debug, Default)]
struct Medians {
    /// Places of the window's values, by rising value.
    sorted: Vec<u32>,
    /// The window's weights by the distance, from its left end to its right one.
    triangle: Vec<f64>,
    lower: Vec<f64>,
    /// Weights of the window of one point.
    votes: Vec<f64>,
    /// Of the first pass, the votes at a typical point as a share of the votes that its window could give.
    share: f64,
}

impl Medians {
    /// The medians of one pass; the first (without a baseline before) fills `share`, the others use it.
    fn pass(&mut self, values: &[f64], weights: &[f64], power: i32, before: Option<&[f64]>) -> Vec<f64> {
        let n = values.len();
        let weights: Vec<f64> = weights.iter().map(|w| w.max(0.0)).collect();
        // flat at its top: the point itself weighs as much as its neighbours
        let distance = |k: usize| (1.0 - k.abs_diff(HALF).max(1) as f64 / HALF as f64).powi(power);
        self.triangle.clear();
        self.triangle.extend((0..=2 * HALF).map(distance));
        let whole = sum(&self.triangle);
        bound_below(values, &mut self.lower);
        self.sorted.clear();
        let (mut from, mut to) = (0, 0); // the window that is sorted
        let mut found = Vec::with_capacity(n);
        for i in 0..n {
            let (first, last) = window(i, n);
            while to < last {
                insert(&mut self.sorted, values, to);
                to += 1;
            }
            while from > first {
                from -= 1;
                insert(&mut self.sorted, values, from);
            }
            while from < first {
                remove(&mut self.sorted, values, from);
                from += 1;
            }
            while to > last {
                to -= 1;
                remove(&mut self.sorted, values, to);
            }
            let triangle = &self.triangle[HALF + first - i..HALF + last - i];
            self.votes.clear();
            self.votes.extend(triangle.iter().zip(&weights[first..last]).map(|(t, w)| t * w));
            let guess = found.last().copied().unwrap_or(values[i]).max(self.lower[i]);
            let (below, all) = split(&values[first..last], &self.votes, self.lower[i], guess);
            let possible = if triangle.len() == self.triangle.len() { whole } else { sum(triangle) };
            if before.is_none() && i == TYPICAL.min(n - 1) {
                self.share = all / possible;
            }
            // few votes: the baseline before makes up for the others
            let extra = before.map(|b| (b[i], (0.1 * self.share * possible - all).max(0.0)));
            found.push(self.median(values, first, i, guess, (below, all), extra));
        }
        found
    }

    /// The smallest value with at least half of all weight at or below it. `below` votes of `all` are below `guess`.
    fn median(
        &self,
        values: &[f64],
        first: usize,
        i: usize,
        guess: f64,
        (mut below, all): (f64, f64),
        extra: Option<(f64, f64)>,
    ) -> f64 {
        let vote = |k: u32| self.votes[k as usize - first];
        let low = self.lower[i];
        let (level, own) = extra.unwrap_or((f64::INFINITY, 0.0));
        let total = all + own;
        if total <= 1e-12 {
            return extra.map_or(values[i], |e| e.0); // nothing votes: as before
        }
        let half = total / 2.0;
        let skipped = self.sorted.partition_point(|k| values[*k as usize] < low);
        let votes = &self.sorted[skipped..];
        // votes before `at` have a value below the guess and together weigh `below`; the last baseline is one of them
        let mut at = votes.partition_point(|k| values[*k as usize] < guess);
        if level < guess {
            below += own;
        }
        let value = |k: &u32| values[*k as usize];
        let mut is_below = level < guess;
        // down while what is below is half or more
        while below >= half {
            let next = at.checked_sub(1).and_then(|k| votes.get(k));
            match next {
                Some(k) if !(is_below && level > value(k)) => {
                    below -= vote(*k);
                    at -= 1;
                    if below < half {
                        return value(k);
                    }
                }
                _ if is_below => {
                    below -= own;
                    is_below = false;
                    if below < half {
                        return level;
                    }
                }
                _ => break,
            }
        }
        // up until it is
        let mut last = votes.first().map_or(values[i], value);
        while below < half {
            match votes.get(at) {
                Some(k) if is_below || own == 0.0 || value(k) <= level => {
                    below += vote(*k);
                    last = value(k);
                    at += 1;
                }
                _ if !is_below && own > 0.0 => {
                    below += own;
                    last = level;
                    is_below = true;
                }
                _ => break,
            }
        }
        last
    }
}

/// First and one-past-last point of the window of point `i` of `n`: [`HALF`] to each side, and near an end as far as the
/// end, on the other side as far or [`KEPT`] less half of that, whichever is more.
fn window(i: usize, n: usize) -> (usize, usize) {
    let (before, behind) = (i.min(HALF), (n - 1 - i).min(HALF));
    let far = |near: usize| if near < HALF { near.max(KEPT - near.div_ceil(2).min(KEPT)) } else { HALF };
    (i - before.min(far(behind)), i + behind.min(far(before)) + 1)
}

/// The weight of values from `low` up to (and without) `guess`, and of all from `low`. Four sums side by side: what
/// bounds it is memory, not the wait for the last addition.
fn split(values: &[f64], votes: &[f64], low: f64, guess: f64) -> (f64, f64) {
    let (mut below, mut all) = ([0.0; 4], [0.0; 4]);
    let mut add = |lane: usize, x: f64, w: f64| {
        let w = if x >= low { w } else { 0.0 };
        all[lane] += w;
        below[lane] += if x < guess { w } else { 0.0 };
    };
    let (xs, rest) = values.as_chunks::<4>();
    let (ws, last) = votes.as_chunks::<4>();
    for (x, w) in xs.iter().zip(ws) {
        for lane in 0..4 {
            add(lane, x[lane], w[lane]);
        }
    }
    for (x, w) in rest.iter().zip(last) {
        add(0, *x, *w);
    }
    (below.iter().sum(), all.iter().sum())
}

/// Four sums side by side.
fn sum(x: &[f64]) -> f64 {
    let (fours, rest) = x.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        sums.iter_mut().zip(four).for_each(|(s, v)| *s += v);
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

fn place(sorted: &[u32], values: &[f64], k: usize) -> usize {
    let v = values[k];
    sorted.partition_point(|other| {
        let o = *other as usize;
        values[o].total_cmp(&v).then(o.cmp(&k)).is_lt()
    })
}

fn insert(sorted: &mut Vec<u32>, values: &[f64], k: usize) {
    sorted.insert(place(sorted, values, k), k as u32);
}

fn remove(sorted: &mut Vec<u32>, values: &[f64], k: usize) {
    sorted.remove(place(sorted, values, k));
}

/// At each point the largest of the smallest values of those stretches that hold the point.
fn bound_below(values: &[f64], lower: &mut Vec<f64>) {
    lower.clear();
    lower.resize(values.len(), f64::NEG_INFINITY);
    for (k, stretch) in values.windows(STRETCH).step_by(APART).enumerate() {
        let smallest = stretch.iter().copied().fold(f64::INFINITY, f64::min);
        if let Some(held) = lower.get_mut(k * APART..k * APART + STRETCH) {
            held.iter_mut().for_each(|v| *v = v.max(smallest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_its_own_baseline_to_the_ends_unless_the_reference_is_wanted() {
        let ours = weighted_median(&[140.0; 6000]).unwrap();
        assert!(ours.iter().all(|b| (b - 140.0).abs() < 0.1), "{:?}", &ours[..4]);
        let theirs = WeightedMedianConfig::default().with_fhrma_ends(true).baseline(&[140.0; 6000]).unwrap();
        assert!(theirs[0] < 110.0 && (theirs[3000] - 140.0).abs() < 0.1);
    }

    #[test]
    fn sliding_medians_equal_the_definition() {
        let n = 700;
        let values: Vec<f64> = (0..n).map(|i| 130.0 + f64::from(i * 37 % 101) / 5.0).collect();
        let weights: Vec<f64> = (0..n).map(|i| 0.1 + f64::from(i * 17 % 13) / 13.0).collect();
        let found = Medians::default().pass(&values, &weights, 2, None);
        let mut lower = Vec::new();
        bound_below(&values, &mut lower);
        for i in [0usize, 5, 60, 80, 150, 350, 640, 699] {
            let (first, last) = window(i, 700);
            let mut near: Vec<(f64, f64)> = (first..last)
                .filter(|k| values[*k] >= lower[i])
                .map(|k| (values[k], weights[k] * (1.0 - k.abs_diff(i).max(1) as f64 / 200.0).powi(2)))
                .collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0));
            let half = near.iter().map(|(_, w)| w).sum::<f64>() / 2.0;
            let mut sum = 0.0;
            let want = near.iter().find(|(_, w)| {
                sum += w;
                sum >= half - 1e-9
            });
            assert_eq!(Some(found[i]), want.map(|(v, _)| *v), "point {i}");
        }
    }

    #[test]
    fn windows_are_shorter_near_an_end() {
        let of = |i| window(i, 1000);
        assert_eq!(
            [of(0), of(1), of(50), of(66), of(67), of(150), of(500)].map(|w| w.1 - 1),
            [100, 100, 125, 133, 134, 300, 700]
        );
        assert!((0..1000).all(|i| of(i).0 <= i && of(i).1 > i && of(999 - i) == (1000 - of(i).1, 1000 - of(i).0)));
    }

    #[test]
    fn lengths_of_any_kind() {
        assert!(weighted_median(&[140.0; 3]).is_err());
        for n in [60, 240, 2399, 2400, 2401, 5003] {
            assert_eq!(weighted_median(&vec![140.0; n]).unwrap().len(), n);
        }
    }
}
