use crate::Error;
use crate::error::Parameter;
use crate::metrics::pair;
use crate::order::rising;
use serde::{Deserialize, Serialize};

/// A smooth curve through points: at each x a straight line through its nearest neighbours, near ones counting more.
///
/// **Use it** to see the shape of a calibration curve without bins. **Not** beyond the data, nor for more than some
/// 10 000 points without [`delta`](Self::delta): the work is n² × `span`.
///
/// # Formula
/// Weights (1 − (|xⱼ − x|/r)³)³ over the `span` · n nearest points, r the distance of the farthest; least squares; no
/// robust repeats, because an outcome of 0 or 1 is no outlier.
///
/// # Examples
/// ```
/// use eir_core::calibration::Lowess;
/// let y = Lowess::default().smooth(&[0.0, 2.0, 1.0, 3.0], &[1.0, 5.0, 3.0, 7.0])?;
/// assert!(y.iter().zip([1.0, 5.0, 3.0, 7.0]).all(|(a, b): (&f64, f64)| (a - b).abs() < 1e-12)); // a line stays
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with statsmodels 0.15.0 (`it=0, delta=0`) within 1e-8 on `reference/core/calibration.json`. Where all
/// neighbours share one x, the value is their mean (statsmodels gives one of them).
///
/// # References
/// Cleveland 1979, doi:10.1080/01621459.1979.10481038.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Lowess {
    /// Share of the points that a line is fitted to, above 0 and at most 1. Default 0.75 (Austin & Steyerberg 2019).
    pub span: f64,
    /// Distance in x up to which values are interpolated instead of fitted, 0 or more. Default 0: every point is fitted.
    /// 0.01 makes the curve of a million probabilities affordable.
    pub delta: f64,
}

impl Default for Lowess {
    fn default() -> Self {
        Self { span: 0.75, delta: 0.0 }
    }
}

impl Lowess {
    /// Sets [`span`](Self::span).
    #[must_use]
    pub fn with_span(self, span: f64) -> Self {
        Self { span, ..self }
    }

    /// Sets [`delta`](Self::delta).
    #[must_use]
    pub fn with_delta(self, delta: f64) -> Self {
        Self { delta, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if !(self.span > 0.0 && self.span <= 1.0) {
            return Err(Parameter::new("span", self.span, "above 0, at most 1").into());
        }
        if !(self.delta >= 0.0 && self.delta.is_finite()) {
            return Err(Parameter::new("delta", self.delta, "0 or more").into());
        }
        Ok(())
    }

    /// The value of the curve at each `x`, in the order given.
    ///
    /// # Errors
    /// Settings out of range, different lengths, fewer than two points, or a value that is not finite.
    pub fn smooth(&self, x: &[f64], y: &[f64]) -> Result<Vec<f64>, Error> {
        self.validate()?;
        pair(x, y, 2)?;
        let n = x.len();
        let order = rising(x);
        let (x, y): (Vec<f64>, Vec<f64>) = order.iter().map(|i| (x[*i], y[*i])).unzip();
        let neighbours = ((self.span * n as f64 + 1e-10) as usize).clamp(2, n);
        let (mut left, mut fitted, mut at) = (0, vec![0.0; n], 0);
        let mut last = None::<usize>;
        while at < n {
            while left + neighbours < n && x[at] > 0.5 * (x[left] + x[left + neighbours]) {
                left += 1;
            }
            let mut near = left..left + neighbours;
            if x[near.start] == x[near.end - 1] {
                // all at one place: then all that are there, so that the order of the cases means nothing
                near = x.partition_point(|v| *v < x[at])..x.partition_point(|v| *v <= x[at]);
            }
            fitted[at] = line_at(x[at], &x[near.clone()], &y[near]);
            if let Some(last) = last {
                for between in last + 1..at {
                    let share = (x[between] - x[last]) / (x[at] - x[last]);
                    fitted[between] = share * fitted[at] + (1.0 - share) * fitted[last];
                }
            }
            let mut same = at;
            while same + 1 < n && x[same + 1] == x[at] {
                same += 1;
                fitted[same] = fitted[at];
            }
            last = Some(same);
            // the farthest point within reach, or the next
            at = (x.partition_point(|v| *v <= x[same] + self.delta) - 1).max(same + 1);
        }
        let mut out = vec![0.0; n];
        order.iter().zip(fitted).for_each(|(i, value)| out[*i] = value);
        Ok(out)
    }
}

impl Lowess {
    /// What each point counts for the value of the curve at the points `at` (rising) of `x` (rising, two at least).
    pub(super) fn shares(&self, x: &[f64], at: &[usize]) -> Vec<(std::ops::Range<usize>, Vec<f64>)> {
        let n = x.len();
        let neighbours = ((self.span * n as f64 + 1e-10) as usize).clamp(2, n);
        let mut left = 0;
        let of = |at: &usize| {
            let at = *at;
            while left + neighbours < n && x[at] > 0.5 * (x[left] + x[left + neighbours]) {
                left += 1;
            }
            let mut near = left..left + neighbours;
            if x[near.start] == x[near.end - 1] {
                near = x.partition_point(|v| *v < x[at])..x.partition_point(|v| *v <= x[at]);
            }
            let shares = line_shares(x[at], &x[near.clone()]);
            (near, shares)
        };
        at.iter().map(of).collect()
    }
}

/// What each point counts for the weighted line, at `at`: [`line_at`] is the sum of these times y.
fn line_shares(at: f64, x: &[f64]) -> Vec<f64> {
    let ends = [x.first(), x.last()].map(|end| end.map_or(0.0, |end| (end - at).abs()));
    let radius = ends[0].max(ends[1]);
    let weight = |x: &f64| {
        let share = if radius > 0.0 { (x - at).abs() / radius } else { 0.0 };
        (1.0 - share * share * share).powi(3)
    };
    let mut shares: Vec<f64> = x.iter().map(weight).collect();
    let mut sums = [0.0; 3];
    for (x, w) in x.iter().zip(&shares) {
        let d = x - at;
        sums.iter_mut().zip([*w, w * d, w * d * d]).for_each(|(sum, term)| *sum += term);
    }
    let [d, dd] = [sums[1] / sums[0], sums[2] / sums[0]];
    let spread = (dd - d * d).max(1e-12);
    shares.iter_mut().zip(x).for_each(|(w, x)| *w *= (1.0 - d * (x - at - d) / spread) / sums[0]);
    shares
}

/// The weighted line through the points, at `at`.
fn line_at(at: f64, x: &[f64], y: &[f64]) -> f64 {
    let ends = [x.first(), x.last()].map(|end| end.map_or(0.0, |end| (end - at).abs()));
    let radius = ends[0].max(ends[1]);
    let mut sums = [0.0; 5];
    for (x, y) in x.iter().zip(y) {
        let d = x - at;
        let share = if radius > 0.0 { d.abs() / radius } else { 0.0 };
        let rest = 1.0 - share * share * share;
        let w = rest * rest * rest;
        let terms = [w, w * d, w * d * d, w * y, w * d * y];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }
    let [d, dd, y, dy] = [1, 2, 3, 4].map(|k| sums[k] / sums[0]);
    y - d * (dy - d * y) / (dd - d * d).max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `statsmodels.nonparametric.lowess(y, x, frac=0.6, it=0, return_sorted=False)`, statsmodels 0.15.0.
    #[test]
    fn equals_statsmodels() {
        let x = [0.9, 0.1, 0.4, 0.35, 0.8, 0.2, 0.55, 0.7];
        let y = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        let got = Lowess::default().with_span(0.6).smooth(&x, &y).unwrap();
        assert!(got.iter().zip(WANT).all(|(g, w)| (g - w).abs() < 1e-12), "{got:?}");
    }

    #[test]
    fn interpolation_keeps_ties_and_ends() {
        let x: Vec<f64> = (0..300).map(|i| f64::from(i / 3) / 100.0).collect();
        let y: Vec<f64> = x.iter().map(|x| x * x).collect();
        let exact = Lowess::default().smooth(&x, &y).unwrap();
        let fast = Lowess::default().with_delta(0.05).smooth(&x, &y).unwrap();
        assert!(exact.iter().zip(&fast).all(|(a, b)| (a - b).abs() < 2e-3));
        assert!(fast[0] == exact[0] && (fast[299] - exact[299]).abs() < 1e-12);
        assert_eq!(Lowess::default().smooth(&[0.5; 4], &[0.0, 1.0, 1.0, 0.0]).unwrap(), [0.5; 4]);
    }

    #[test]
    fn shares_make_the_curve() {
        let x: Vec<f64> = (0..50).map(|i| f64::from(i / 2) / 25.0).collect();
        let y: Vec<f64> = (0..50).map(|i| f64::from(i * i % 7)).collect();
        let lowess = Lowess::default().with_span(0.4);
        let curve = lowess.smooth(&x, &y).unwrap();
        let at: Vec<usize> = (0..50).step_by(3).collect();
        for (at, (near, shares)) in at.iter().zip(lowess.shares(&x, &at)) {
            let value: f64 = shares.iter().zip(&y[near]).map(|(s, y)| s * y).sum();
            assert!((value - curve[*at]).abs() < 1e-10, "{at}: {value} {}", curve[*at]);
        }
    }

    #[test]
    fn settings_are_checked() {
        assert!(Lowess::default().with_span(0.0).validate().is_err());
        assert!(Lowess::default().with_delta(f64::NAN).validate().is_err());
    }

    const WANT: [f64; 8] = [
        0.9999999999999996,
        0.0,
        0.4773069692087585,
        0.39201977309343145,
        1.0,
        0.0,
        0.2787343513550702,
        0.8308970249069503,
    ];
}
