//! Baseline by a weighted median: samples that move slowly weigh more.

use super::filters::{band_pass, decimate, low_pass};
use crate::Result;
use num_complex::Complex64;
use rustfft::FftPlanner;

/// Samples between two points of the baseline: 6 s.
const STEP: usize = 24;
/// Points to each side of the window: 20 min.
const HALF: usize = 200;
/// Points to each side within which values must have occurred: 5 min.
const NEAR: usize = 50;

/// The baseline of a filled heart rate at 4 Hz by a weighted median filter in six passes.
///
/// **Use it** as the default: it stands repeated and long decelerations, which pull a low-pass down. **Not** where the
/// baseline itself changes within a few minutes: the window is 40 min wide.
///
/// # Formula
/// Each sample's weight is the probability that it belongs to the baseline,
/// `P = 1 − σ(−2.4744 + 0.0266 s₁ + 0.0413 s₂ + 0.0105 s₃ + 0.0036 s₄)`, from slopes in bpm/min: `s₁` the absolute slope
/// below 1 cycle/min, `s₂ s₃ s₄` the envelopes of the slopes of 0–1, 1–3 and 3–7 cycles/min. Then weighted medians of
/// the low-passed trace every 6 s under a triangle of ±20 min; five more passes narrow the triangle (powers 2, 4, 8, 16,
/// 16), weigh by the distance to the baseline of the pass before as well, and give that baseline a weight of its own
/// where little else is left. Values that did not occur within 5 min do not vote. Straight lines between the points.
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
/// [`TooShort`](eir_core::error::TooShort) below about a quarter of a minute.
///
/// # Validation
/// Follows the published method; it is **not** equal to FHRMA's `wmfb`, whose end and range rules are not published: see
/// the crate's README for the measured difference. Planted traces of the golden set: within 3 bpm.
///
/// # References
/// Boudet et al. 2019, doi:10.1016/j.compbiomed.2019.103468.
pub fn weighted_median(filled_bpm: &[f64]) -> Result<Vec<f64>> {
    let belongs = decimate(&probability(filled_bpm)?, STEP)?;
    let lowered = |per_min: f64| decimate(&low_pass(filled_bpm, 1, per_min / 60.0)?, STEP);
    let (one, two, four, eight, sixteen) = (lowered(1.0)?, lowered(2.0)?, lowered(4.0)?, lowered(8.0)?, lowered(16.0)?);
    let (first, share) = medians(&two, &belongs, 1, None);
    let mut baseline = first;
    let passes = [
        (&two, 2, &one, 3.21),
        (&four, 4, &four, 2.5),
        (&eight, 8, &eight, 2.0),
        (&sixteen, 16, &sixteen, 1.5),
        (&sixteen, 16, &sixteen, 1.0),
    ];
    for (values, power, near, offset) in passes {
        let distance = near.iter().zip(&baseline).map(|(x, b)| (x - b).abs());
        let weights: Vec<f64> = belongs.iter().zip(distance).map(|(p, d)| p * logistic(offset - 0.19 * d)).collect();
        baseline = medians(values, &weights, power, Some((&baseline, &share))).0;
    }
    let point = |i: usize| baseline.get(i).or(baseline.last()).copied().unwrap_or_default();
    Ok((0..filled_bpm.len())
        .map(|i| {
            let (k, part) = (i / STEP, (i % STEP) as f64 / STEP as f64);
            point(k) + part * (point(k + 1) - point(k))
        })
        .collect())
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
    Ok((0..x.len())
        .map(|i| 1.0 - logistic(-2.4744 + 0.0266 * slow[i].abs() + 0.0413 * e1[i] + 0.0105 * e2[i] + 0.0036 * e3[i]))
        .collect())
}

/// In bpm/min; as long as the signal.
fn slope(x: &[f64]) -> Vec<f64> {
    x.windows(2).map(|w| (w[1] - w[0]) * 60.0 * super::RATE_HZ).chain([0.0]).collect()
}

/// Twice the size of what lies between 0 and `high_hz`.
fn envelope(planner: &mut FftPlanner<f64>, x: &[f64], high_hz: f64) -> Vec<f64> {
    let n = x.len();
    let mut bins: Vec<Complex64> = x.iter().map(|v| Complex64::new(*v, 0.0)).collect();
    planner.plan_fft_forward(n).process(&mut bins);
    for (k, bin) in bins.iter_mut().enumerate() {
        if k as f64 * super::RATE_HZ / n as f64 > high_hz {
            *bin = Complex64::default();
        }
    }
    planner.plan_fft_inverse(n).process(&mut bins);
    bins.iter().map(|v| 2.0 * v.norm() / n as f64).collect()
}

/// Weighted medians at each point, and the share of the window's weight that was there.
fn medians(values: &[f64], weights: &[f64], power: i32, before: Option<(&[f64], &[f64])>) -> (Vec<f64>, Vec<f64>) {
    let n = values.len();
    let triangle: Vec<f64> = (0..=HALF).map(|k| (1.0 - k as f64 / (HALF + 1) as f64).powi(power)).collect();
    let mut rising: Vec<usize> = (0..n).collect();
    rising.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let at = |i: usize| {
        let (from, to) = (i.saturating_sub(HALF), (i + HALF + 1).min(n));
        let near = &values[i.saturating_sub(NEAR)..(i + NEAR + 1).min(n)];
        let (low, high) = near.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        let whole: f64 = (from..to).map(|k| triangle[k.abs_diff(i)]).sum();
        let weight = |k: usize| triangle[k.abs_diff(i)] * weights[k];
        let there: f64 = (from..to).map(weight).sum();
        let share = there / whole;
        // the point itself has occurred within 5 min: something always votes
        let votes = rising.iter().filter(|k| (from..to).contains(*k) && (low..=high).contains(&values[**k]));
        let extra = before.map(|(b, s)| (b[i], (0.1 * s[i] * whole - there).max(0.0)));
        (weighted_middle(votes.map(|k| (values[*k], weight(*k))), extra), share)
    };
    (0..n).map(at).unzip()
}

/// The weighted median of rising values and one more.
fn weighted_middle(rising: impl Iterator<Item = (f64, f64)>, extra: Option<(f64, f64)>) -> f64 {
    let mut all: Vec<(f64, f64)> = rising.collect();
    if let Some((value, weight)) = extra {
        let place = all.partition_point(|(v, _)| *v <= value);
        all.insert(place, (value, weight));
    }
    let half = all.iter().map(|(_, w)| w).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let found = all.iter().find(|(_, w)| {
        sum += w;
        sum >= half
    });
    found.or(all.last()).map_or(f64::NAN, |(v, _)| *v)
}
