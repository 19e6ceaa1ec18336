//! Savitzky-Golay smoothing and differentiation.

use super::boundary::Boundary;
use super::fir::FirStream;
use super::kernel::{check, check_f32, correlate, narrow, wide};
use crate::Result;
use eir_core::error::{Mismatch, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Smooths `x` with a window of 21 samples and a cubic polynomial.
///
/// # Errors
/// As [`SavitzkyGolay::filter`].
pub fn savitzky_golay(x: &[f32]) -> Result<Vec<f32>> {
    SavitzkyGolayConfig::default().build()?.filter(x)
}

/// What happens within half a window of the ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SavitzkyGolayEnds {
    /// The values come from the polynomial of the outermost window (SciPy's `interp`). The default.
    #[default]
    Fit,
    /// The signal is continued.
    Extend(Boundary),
}

/// Settings of [`SavitzkyGolay`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SavitzkyGolayConfig {
    /// Samples under the polynomial: odd, 1 to 9999. Default 21. Wider is smoother and blunter.
    pub window: usize,
    /// Degree of the polynomial: less than `window`, at most 12. Default 3 (peaks keep height and width better than with
    /// 2).
    pub degree: usize,
    /// 0 smooths, 1 gives the slope, and so on: at most `degree`. Default 0.
    pub derivative: usize,
    /// Time between samples, above 0: the unit of a derivative. Default 1.
    pub spacing: f64,
    /// What happens at the ends. Default [`SavitzkyGolayEnds::Fit`].
    pub ends: SavitzkyGolayEnds,
}

impl Default for SavitzkyGolayConfig {
    fn default() -> Self {
        Self { window: 21, degree: 3, derivative: 0, spacing: 1.0, ends: SavitzkyGolayEnds::Fit }
    }
}

impl SavitzkyGolayConfig {
    /// A smoother of this window and degree.
    #[must_use]
    pub fn new(window: usize, degree: usize) -> Self {
        Self { window, degree, ..Self::default() }
    }
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
    /// Sets [`spacing`](Self::spacing).
    #[must_use]
    pub fn with_spacing(self, spacing: f64) -> Self {
        Self { spacing, ..self }
    }
    /// Sets [`ends`](Self::ends).
    #[must_use]
    pub fn with_ends(self, ends: SavitzkyGolayEnds) -> Self {
        Self { ends, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.window.is_multiple_of(2) || self.window > 9999 {
            return Err(Parameter::new("window", self.window as f64, "odd, 1 to 9999").into());
        }
        if self.degree >= self.window.min(13) {
            return Err(Parameter::new("degree", self.degree as f64, "less than the window and at most 12").into());
        }
        if self.derivative > self.degree {
            return Err(Parameter::new("derivative", self.derivative as f64, "at most the degree").into());
        }
        if !(self.spacing.is_finite() && self.spacing > 0.0) {
            return Err(Parameter::new("spacing", self.spacing, "a finite time above 0").into());
        }
        Ok(())
    }

    /// Computes the weights.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<SavitzkyGolay> {
        self.validate()?;
        let half = (self.window / 2) as i64;
        let scale = self.spacing.powi(-(self.derivative as i32));
        let at: Vec<_> = (-half..=half).map(|i| gram(i, half, self.degree, 0)).collect();
        // the squared norm of each polynomial over the window, so that the weights of a fit are exact to rounding
        let norms: Vec<f64> = (0..=self.degree).map(|k| at.iter().map(|p| p[k] * p[k]).sum()).collect();
        let row = |t: i64| -> Vec<f64> {
            let to = gram(t, half, self.degree, self.derivative);
            let factors: Vec<f64> = to.iter().zip(&norms).map(|(p, norm)| scale * p / norm).collect();
            at.iter().map(|from| from.iter().zip(&factors).map(|(a, b)| a * b).sum()).collect()
        };
        let ends = match self.ends {
            SavitzkyGolayEnds::Fit => (-half..0).map(row).collect(),
            SavitzkyGolayEnds::Extend(_) => Vec::new(),
        };
        Ok(SavitzkyGolay { config: self, middle: row(0), ends })
    }
}

/// A Savitzky-Golay filter, ready to use.
///
/// Fits a polynomial to each window by least squares and takes its value (or derivative) at the middle.
///
/// **Use it** to smooth a signal whose peaks must keep their height, or for a slope that does not amplify noise.
/// **Not** to remove mains hum or a drift (use a notch or a high-pass: its stop band is poor), nor across a gap.
///
/// # Formula
/// `y[n] = Σ_i h_t(i) x[n+i]`, `i = -m … m`, `h_t(i) = Σ_k P_k(i) P_k^(s)(t) / Σ_j P_k(j)²` with the Gram polynomials
/// `P_k` on the window; `t = 0` in the middle, `s` is the derivative.
///
/// # Examples
/// ```
/// use eir_signal::filter::SavitzkyGolayConfig;
/// let parabola: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
/// let slope = SavitzkyGolayConfig::new(7, 2).with_derivative(1).with_spacing(0.5).build()?;
/// assert!((slope.filter_f64(&parabola)?[10] - 40.0).abs() < 1e-12); // d(i²)/dt = 2i / 0.5
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `savgol_filter` within 1e-9 of the largest value on the golden set.
///
/// # References
/// Savitzky, Golay 1964, doi:10.1021/ac60214a047; Gorry 1990, doi:10.1021/ac00205a007.
#[derive(Debug, Clone, PartialEq)]
pub struct SavitzkyGolay {
    config: SavitzkyGolayConfig,
    /// The weights of a window for its middle.
    middle: Vec<f64>,
    /// The weights of the first window for each of its first samples; the last window's are these mirrored.
    ends: Vec<Vec<f64>>,
}

impl SavitzkyGolay {
    /// The weights on a window for its middle.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.middle
    }

    /// Filters `x`; the result has the same length.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, or shorter than the window and the ends are fitted;
    /// [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn filter(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        Ok(narrow(&self.filter_f64(&wide(x))?))
    }

    /// As [`filter`](Self::filter), in full precision.
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.filter_into(x, &mut y, &mut Vec::new())?;
        Ok(y)
    }

    /// As [`filter_f64`](Self::filter_f64), into a buffer of the caller's. `work` is room for the ends: used again, nothing
    /// is allocated.
    ///
    /// # Errors
    /// As `filter`, and [`Mismatch`] if the buffer has another length.
    pub fn filter_into(&self, x: &[f64], y: &mut [f64], work: &mut Vec<f64>) -> Result<()> {
        Mismatch::check("samples and buffer", x.len(), y.len())?;
        let (window, half) = (self.config.window, self.config.window / 2);
        let min = if self.config.ends == SavitzkyGolayEnds::Fit { window } else { 1 };
        if x.len() < min {
            return Err(TooShort::new("samples", x.len(), min).into());
        }
        check(x)?;
        match self.config.ends {
            SavitzkyGolayEnds::Fit => {
                let dot = |weights: &[f64], part: &[f64]| weights.iter().zip(part).map(|(w, v)| w * v).sum::<f64>();
                let sign = if self.config.derivative.is_multiple_of(2) { 1.0 } else { -1.0 };
                let last = &x[x.len() - window..];
                for (t, weights) in self.ends.iter().enumerate() {
                    y[t] = dot(weights, &x[..window]);
                    y[x.len() - 1 - t] = sign * weights.iter().rev().zip(last).map(|(w, v)| w * v).sum::<f64>();
                }
                correlate(&self.middle, x, &mut y[half..x.len() - half]);
            }
            SavitzkyGolayEnds::Extend(boundary) => {
                let near = x.len().min(window);
                for (first, out) in [(0, near), (x.len().saturating_sub(near).max(near), x.len())] {
                    let (from, to) = (first as isize - half as isize, (out + half) as isize);
                    work.clear();
                    work.extend((from..to).map(|i| boundary.at(x, i)));
                    if first < out {
                        correlate(&self.middle, work, &mut y[first..out]);
                    }
                }
                if x.len() > 2 * near {
                    correlate(&self.middle, &x[near - half..], &mut y[near..x.len() - near]);
                }
            }
        }
        Ok(())
    }

    /// The same filter for a live signal that was 0 before; its output lags by half a window.
    #[must_use]
    pub fn stream(&self) -> FirStream {
        self.stream_from(0.0)
    }

    /// The same filter for a live signal that always was `x0`.
    #[must_use]
    pub fn stream_from(&self, x0: f64) -> FirStream {
        FirStream::new(self.middle.clone(), x0)
    }
}

/// The `s`-th derivatives at `i` of the Gram polynomials of degree 0 to `degree` on `-m..=m` (eq. 11 of Gorry).
fn gram(i: i64, m: i64, degree: usize, s: usize) -> Vec<f64> {
    let mut lower = vec![0.0; degree + 1]; // the derivative of order s - 1
    let mut this = lower.clone();
    for order in 0..=s {
        this = vec![if order == 0 { 1.0 } else { 0.0 }];
        for k in 1..=degree as i64 {
            let below = (k * (2 * m - k + 1)) as f64;
            let before = |j: i64| if j < 0 { 0.0 } else { this[j as usize] };
            let step = (4 * k - 2) as f64 / below * (i as f64 * before(k - 1) + order as f64 * lower[k as usize - 1]);
            this.push(step - ((k - 1) * (2 * m + k)) as f64 / below * before(k - 2));
        }
        lower.clone_from(&this);
    }
    this
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.signal.savgol_filter([...], 7, 3)`, SciPy 1.17.1.
    #[test]
    fn equals_scipy() {
        let x = [2.0, 2.5, 4.0, 3.0, 8.0, 5.0, 1.0, 0.5, 2.0, 7.0];
        let want = [2.285714, 1.964286, 3.357143, 5.214286, 5.380952, 4.166667, 2.380952, 0.154762, 1.047619, 7.47619];
        let got = SavitzkyGolayConfig::new(7, 3).build().unwrap().filter_f64(&x).unwrap();
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6), "{got:?}");
    }

    #[test]
    fn reproduces_polynomials_and_their_slopes() {
        for (degree, window) in [(2, 7), (5, 11), (12, 41), (8, 301)] {
            let power = |i: i32, n: i32| (f64::from(i) / 200.0 - 1.0).powi(n);
            let x: Vec<f64> = (0..400).map(|i| power(i, degree as i32)).collect();
            let config = SavitzkyGolayConfig::new(window, degree).with_spacing(1.0 / 200.0);
            let smooth = config.build().unwrap().filter_f64(&x).unwrap();
            assert!(x.iter().zip(&smooth).all(|(a, b)| (a - b).abs() < 1e-9), "degree {degree}");
            let slope = config.with_derivative(1).build().unwrap().filter_f64(&x).unwrap();
            let want = (0..400).map(|i| degree as f64 * power(i, degree as i32 - 1));
            assert!(want.zip(&slope).all(|(a, b)| (a - b).abs() < 1e-6), "degree {degree}");
        }
    }

    #[test]
    fn streams_give_the_bits_of_the_middle_later() {
        let x: Vec<f64> = (0..3000).map(|i| f64::from(i).sin()).collect();
        let filter = SavitzkyGolayConfig::default().build().unwrap();
        let whole = filter.filter_f64(&x).unwrap();
        for piece in [1, 7, 1000] {
            let (mut stream, mut y) = (filter.stream(), x.clone());
            y.chunks_mut(piece).for_each(|c| stream.process(c));
            assert_eq!(y[20..], whole[10..2990]);
            assert_eq!(stream.delay_samples(), 10.0);
        }
    }

    #[test]
    fn short_signals_are_continued() {
        let ends = SavitzkyGolayEnds::Extend(Boundary::Nearest);
        let filter = SavitzkyGolayConfig::new(21, 2).with_ends(ends).build().unwrap();
        for n in [1, 2, 10, 20, 21, 22, 41, 42, 43, 100] {
            let y = filter.filter_f64(&vec![2.0; n]).unwrap();
            assert!(y.len() == n && y.iter().all(|v| (v - 2.0).abs() < 1e-12), "{n} {y:?}");
        }
        assert!(filter.filter_f64(&[]).is_err());
        assert!(savitzky_golay(&[1.0; 20]).unwrap_err().to_string().contains("at least 21"));
        assert!(SavitzkyGolayConfig::new(8, 3).build().is_err());
        assert!(SavitzkyGolayConfig::new(7, 7).build().is_err());
    }
}
