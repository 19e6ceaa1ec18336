//! Jitter: how much the period changes from one to the next.

use crate::{PeriodRule, PointProcess};
use serde::{Deserialize, Serialize};

/// The five usual measures of jitter. Each is NaN where there are too few periods.
///
/// **Use them** on a sustained vowel of some seconds. **Not** on running speech as if it were one (intonation counts as
/// jitter), above some 5 % (the voice then has no period to speak of), or without saying floor and ceiling of the pitch.
///
/// # Formula
/// With periods T_i whose lengths the [`PeriodRule`] allows: local = mean |T_i − T_{i−1}| / mean T;
/// rap = mean |T_i − (T_{i−1} + T_i + T_{i+1})/3| / mean T; ppq5 the same with five; ddp = 3 rap;
/// local absolute = local · mean T.
///
/// # Examples
/// ```
/// use eir_audio::{Jitter, PeriodRule, PointProcess};
/// // periods of 10 and 10.1 ms in turn
/// let mut points = PointProcess::default();
/// points.points_s = (0..21).map(|i| f64::from(i) * 0.01005 + if i % 2 == 0 { 0.0 } else { 0.00005 }).collect();
/// let jitter = Jitter::of(&points, &PeriodRule::default());
/// assert!((jitter.local - 0.1 / 10.05).abs() < 1e-9);
/// assert!((jitter.local_absolute_s - 0.0001).abs() < 1e-9);
/// ```
///
/// # Validation
/// Equals Praat 6.1.38 within 1 % on the reference records.
///
/// # References
/// Boersma 2009, doi:10.1159/000245159; Baken, Orlikoff 2000, Clinical Measurement of Speech and Voice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Jitter {
    /// Mean difference of neighbouring periods over the mean period.
    pub local: f64,
    /// Mean difference of neighbouring periods in seconds.
    pub local_absolute_s: f64,
    /// Relative average perturbation: distance from the mean of three periods.
    pub rap: f64,
    /// Five-point period perturbation quotient.
    pub ppq5: f64,
    /// Mean difference of the differences of neighbouring periods: three times `rap`.
    pub ddp: f64,
}

impl Jitter {
    /// The jitter of a point process.
    #[must_use]
    pub fn of(points: &PointProcess, rule: &PeriodRule) -> Self {
        let mean = points.mean_period_s(rule);
        let local_absolute_s = perturbation::<2>(points, rule, |t| (t[0] - t[1]).abs());
        let rap = perturbation::<3>(points, rule, |t| (t[1] - t.iter().sum::<f64>() / 3.0).abs()) / mean;
        let ppq5 = perturbation::<5>(points, rule, |t| (t[2] - t.iter().sum::<f64>() / 5.0).abs()) / mean;
        Self { local: local_absolute_s / mean, local_absolute_s, rap, ppq5, ddp: 3.0 * rap }
    }
}

/// The mean of `distance` over all runs of `N` neighbouring periods that the rule allows.
fn perturbation<const N: usize>(points: &PointProcess, rule: &PeriodRule, distance: impl Fn(&[f64; N]) -> f64) -> f64 {
    let (mut run, mut sum, mut count) = ([f64::NAN; N], 0.0, 0usize);
    for stretch in points.stretches() {
        run.rotate_left(1);
        run[N - 1] = stretch;
        // NaN, where the run has not begun, fits nothing
        if run.iter().all(|t| rule.fits(*t)) && run.windows(2).all(|w| rule.alike(w[0], w[1])) {
            sum += distance(&run);
            count += 1;
        }
    }
    if count == 0 { f64::NAN } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(periods: &[f64]) -> PointProcess {
        let mut at = 0.0;
        let mut points = PointProcess { points_s: vec![0.0] };
        points.points_s.extend(periods.iter().map(|p| {
            at += p;
            at
        }));
        points
    }

    #[test]
    fn a_pause_is_no_period() {
        let steady = Jitter::of(&points(&[0.01, 0.01, 0.01, 0.3, 0.01, 0.01, 0.01]), &PeriodRule::default());
        assert!(steady.local < 1e-9 && steady.rap < 1e-9);
        assert!(steady.ppq5.is_nan());
    }

    #[test]
    fn known_values() {
        let jitter = Jitter::of(&points(&[0.010, 0.011, 0.010, 0.011, 0.010]), &PeriodRule::default());
        assert!((jitter.local - 0.001 / 0.0104).abs() < 1e-12);
        assert!((jitter.rap - (0.002 / 3.0) / 0.0104).abs() < 1e-12);
        assert!((jitter.ppq5 - (0.0104 - 0.010) / 0.0104).abs() < 1e-12);
        assert!(Jitter::of(&PointProcess::default(), &PeriodRule::default()).local.is_nan());
    }
}
