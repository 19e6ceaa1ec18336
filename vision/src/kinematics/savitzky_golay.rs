//! Savitzky–Golay smoothing and slopes.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Settings of [`SavitzkyGolay`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SavitzkyGolayConfig {
    /// Values under the polynomial: odd, 3 to 999. Default 11.
    pub window: usize,
    /// Degree of the polynomial: less than `window`, at most 10. Default 3.
    pub degree: usize,
    /// 0 smooths, 1 gives the slope per second, and so on: at most `degree`. Default 0.
    pub derivative: usize,
}

impl Default for SavitzkyGolayConfig {
    fn default() -> Self {
        Self { window: 11, degree: 3, derivative: 0 }
    }
}

impl SavitzkyGolayConfig {
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window, ..self }
    }

    /// Sets [`degree`](Self::degree).
    #[must_use]
    pub fn with_degree(self, degree: usize) -> Self {
        Self { degree, ..self }
    }

    /// Sets [`derivative`](Self::derivative).
    #[must_use]
    pub fn with_derivative(self, derivative: usize) -> Self {
        Self { derivative, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let odd = !self.window.is_multiple_of(2) && (3..=999).contains(&self.window);
        let checks = [
            ("window", self.window, odd, "odd, 3 to 999"),
            ("degree", self.degree, self.degree < self.window.min(11), "less than the window and at most 10"),
            ("derivative", self.derivative, self.derivative <= self.degree, "at most the degree"),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, rule)) => Err(Parameter::new(name, value as f64, rule).into()),
            None => Ok(()),
        }
    }

    /// Computes the weights for values at `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self, rate: SampleRate) -> Result<SavitzkyGolay> {
        self.validate()?;
        let half = (self.window / 2) as i64;
        let scale = rate.hz().powi(self.derivative as i32);
        let norm = |k: i64| (2 * k + 1) as f64 * falling(2 * half, k) / falling(2 * half + k + 1, k + 1);
        let at: Vec<Vec<f64>> = (-half..=half).map(|i| gram(i, half, self.degree, 0)).collect();
        let rows = (-half..=half).map(|t| {
            let to = gram(t, half, self.degree, self.derivative);
            let to: Vec<f64> = to.iter().zip(0..).map(|(p, k)| scale * norm(k) * p).collect();
            at.iter().map(|from| dot(from, &to)).collect()
        });
        let rows = rows.collect();
        Ok(SavitzkyGolay { config: self, rows })
    }
}

/// A polynomial fitted to each window by least squares, and its value or slope in the middle; the first and the last half
/// window take theirs from the outermost fit.
///
/// **Use it** to smooth an angle whose peaks must keep their height, or for its speed. **Not** across a gap, not where
/// pictures come unevenly; where the jitter is not known beforehand, [`KalmanSmoother`](super::KalmanSmoother) finds it.
///
/// # Formula
/// `y[n] = Σ_i h_t(i) x[n+i]`, `i = −m … m`, with weights of Gram polynomials
/// `h_t(i) = Σ_k (2k+1) (2m)^(k) / (2m+k+1)^(k+1) P_k(i) P_k^(s)(t)`, where `a^(b) = a (a−1) … (a−b+1)`, `t = 0` in the
/// middle and `s` is the derivative.
///
/// # Examples
/// ```
/// use eir_core::SampleRate;
/// use eir_vision::kinematics::SavitzkyGolayConfig;
/// let parabola: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
/// let slope = SavitzkyGolayConfig::default().with_derivative(1).build(SampleRate::new(2.0)?)?.filter(&parabola)?;
/// assert!((slope[10] - 40.0).abs() < 1e-9); // 2 i per picture, two pictures a second
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `savgol_filter` within 1e-10 (`cargo xtask golden vision`, `filters/smoothing.json`).
///
/// # References
/// Savitzky, Golay 1964, doi:10.1021/ac60214a047; Gorry 1990, doi:10.1021/ac00205a007.
#[derive(Debug, Clone, PartialEq)]
pub struct SavitzkyGolay {
    config: SavitzkyGolayConfig,
    /// `rows[t + m]` are the weights of a window for the value at its offset `t`.
    rows: Vec<Vec<f64>>,
}

impl SavitzkyGolay {
    /// Filters `x`; the result has the same length.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) if `x` is shorter than the window,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if it has a gap.
    pub fn filter(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.filter_into(x, &mut y)?;
        Ok(y)
    }

    /// As [`filter`](Self::filter), into a buffer of the caller's: allocates nothing.
    ///
    /// # Errors
    /// As `filter`, and [`Error::Mismatch`](crate::Error::Mismatch) for a buffer of another length.
    pub fn filter_into(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let (window, half) = (self.config.window, self.config.window / 2);
        Mismatch::check("filtered values", x.len(), y.len())?;
        NotFinite::check_f64("sample", x)?;
        let (Some(first), Some(last)) = (x.get(..window), x.len().checked_sub(window).and_then(|i| x.get(i..))) else {
            return Err(TooShort::new("samples", x.len(), window).into());
        };
        for (y, row) in y.iter_mut().zip(&self.rows).take(half) {
            *y = dot(row, first);
        }
        for (y, row) in y.iter_mut().rev().zip(self.rows.iter().rev()).take(half) {
            *y = dot(row, last);
        }
        if let Some(row) = self.rows.get(half) {
            for (y, around) in y.iter_mut().skip(half).zip(x.windows(window)) {
                *y = dot(row, around);
            }
        }
        Ok(())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The `s`-th derivatives at `i` of the Gram polynomials of degree 0 to `degree` on `−m..=m` (Gorry, equation 11).
fn gram(i: i64, m: i64, degree: usize, s: usize) -> Vec<f64> {
    let (mut lower, mut this) = (vec![0.0; degree + 1], Vec::new()); // `lower`: the derivative of order s − 1
    for order in 0..=s {
        this = vec![if order == 0 { 1.0 } else { 0.0 }];
        let (mut before_last, mut last) = (0.0, if order == 0 { 1.0 } else { 0.0 });
        for (k, low) in (1..=degree as i64).zip(&lower) {
            let below = (k * (2 * m - k + 1)) as f64;
            let step = (4 * k - 2) as f64 / below * (i as f64 * last + order as f64 * low);
            let next = step - ((k - 1) * (2 * m + k)) as f64 / below * before_last;
            (before_last, last) = (last, next);
            this.push(next);
        }
        lower.clone_from(&this);
    }
    this
}

/// `a (a−1) … (a−b+1)`.
fn falling(a: i64, b: i64) -> f64 {
    (0..b).map(|j| (a - j) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reproduces_polynomials_and_their_slopes() {
        let rate = SampleRate::new(10.0).unwrap();
        for degree in 0..=5i32 {
            let x: Vec<f64> = (0..40).map(|i| (f64::from(i) / 10.0 - 2.0).powi(degree)).collect();
            let config = SavitzkyGolayConfig::default().with_degree(5);
            let y = config.clone().build(rate).unwrap().filter(&x).unwrap();
            assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-9), "degree {degree}");
            let slope = config.with_derivative(1).build(rate).unwrap().filter(&x).unwrap();
            let want = |i: usize| f64::from(degree) * (i as f64 / 10.0 - 2.0).powi((degree - 1).max(0));
            assert!(slope.iter().enumerate().all(|(i, s)| (s - want(i)).abs() < 1e-7), "degree {degree}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(10.0).unwrap();
        let filter = SavitzkyGolayConfig::default().build(rate).unwrap();
        assert!(filter.filter(&[1.0; 10]).is_err() && filter.filter(&[f64::NAN; 11]).is_err());
        assert!(filter.filter_into(&[1.0; 11], &mut [0.0; 10]).is_err());
        assert!(SavitzkyGolayConfig::default().with_window(8).build(rate).is_err());
        assert!(SavitzkyGolayConfig::default().with_degree(11).build(rate).is_err());
        assert!(SavitzkyGolayConfig::default().with_derivative(4).build(rate).is_err());
    }
}
