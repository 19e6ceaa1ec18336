//! Detrended fluctuation analysis.

use super::{Measure, NoAnswer, check, enough, finite, mean, slope, spread};
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The exponent of detrended fluctuation analysis over windows of 4 to 16 values (α1 of intervals between beats).
///
/// # Errors
/// As [`DfaConfig::of`].
pub fn dfa_exponent(x: &[f64]) -> Result<f64> {
    DfaConfig::default().of(x)
}

/// Settings of detrended fluctuation analysis.
///
/// **Use it** to measure persistence in series that drift: 0.5 for independent values, 1 for 1/f noise, 1.5 for a random
/// walk. Of intervals between beats, α1 is over 4–16 and α2 over 16–64 beats. **Not** with windows longer than a tenth
/// of the series, nor across gaps.
///
/// # Formula
/// Slope of `ln F(w)` over `ln w`; `F²(w)` is the mean over all windows of the variance around the straight line of least
/// squares, of the summed distances from the mean. Windows overlap by half. Windows in which nothing varies are left out.
///
/// # Examples
/// ```
/// let x: Vec<f64> = (0..2000u64).map(|i| ((i * i * 2_654_435_761) % 1009) as f64).collect();
/// let found = eir_signal::entropy::DfaConfig::default().with_windows(16, 64).of(&x)?;
/// assert!((found - 0.5).abs() < 0.1);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `fractal_dfa` within 1e-6 on all series of the golden set (windows 4–16, 4–11, 12–n/10).
///
/// # References
/// Peng et al. 1995, doi:10.1063/1.166141.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DfaConfig {
    /// Values in the shortest window, 3 or more. Default 4.
    pub shortest: usize,
    /// Values in the longest window, above the shortest. Default 16.
    pub longest: usize,
    /// Whether windows overlap by half. Default true.
    pub overlapping: bool,
}

impl Default for DfaConfig {
    fn default() -> Self {
        Self { shortest: 4, longest: 16, overlapping: true }
    }
}

impl DfaConfig {
    /// Sets [`shortest`](Self::shortest) and [`longest`](Self::longest).
    #[must_use]
    pub fn with_windows(self, shortest: usize, longest: usize) -> Self {
        Self { shortest, longest, ..self }
    }
    /// Sets [`overlapping`](Self::overlapping).
    #[must_use]
    pub fn with_overlapping(self, overlapping: bool) -> Self {
        Self { overlapping, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.shortest < 3 {
            return Err(Parameter::new("shortest", self.shortest as f64, "3 or more").into());
        }
        if self.longest <= self.shortest {
            return Err(Parameter::new("longest", self.longest as f64, "above the shortest").into());
        }
        Ok(())
    }

    /// The exponent of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] if the series is not
    /// longer than the longest window and if nothing varies in all windows of a length.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        let mut of_two = Vec::with_capacity(self.longest - self.shortest + 1);
        self.windows(x, |deviations| {
            of_two.push((deviations.iter().map(|s| s * s).sum::<f64>() / deviations.len() as f64).sqrt().ln());
        })?;
        finite(slope(&self.log_windows(), &of_two))
    }

    pub(crate) fn log_windows(&self) -> Vec<f64> {
        (self.shortest..=self.longest).map(|w| (w as f64).ln()).collect()
    }

    /// Gives the standard deviations around the line in all windows of each length, the shortest first.
    pub(crate) fn windows(&self, x: &[f64], mut f: impl FnMut(&[f64])) -> std::result::Result<(), NoAnswer> {
        enough(x, self.longest + 1)?;
        let (centre, squares) = spread(x);
        // below this a variance is rounding
        let least = 1e-12 * squares / x.len() as f64;
        let mut sum = 0.0;
        let profile: Vec<f64> = x
            .iter()
            .map(|v| {
                sum += v - centre;
                sum
            })
            .collect();
        let mut deviations = Vec::new();
        for w in self.shortest..=self.longest {
            deviations.clear();
            let (step, ends) = if self.overlapping { (w / 2, x.len() - 1) } else { (w, x.len()) };
            // the last start is below n − w, as in the reference tool
            let parts = profile[..ends].windows(w).step_by(step);
            deviations.extend(parts.map(variance_around_line).filter(|v| *v > least).map(f64::sqrt));
            if deviations.is_empty() {
                return Err(NoAnswer::Constant);
            }
            f(&deviations);
        }
        Ok(())
    }
}

/// The variance (n) of `y` around its straight line of least squares, in two passes.
fn variance_around_line(y: &[f64]) -> f64 {
    let n = y.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let level = mean(y);
    let rise = y.iter().zip(0u32..).map(|(v, k)| (v - level) * (f64::from(k) - middle)).sum::<f64>()
        / (n * (n * n - 1.0) / 12.0);
    let away = y.iter().zip(0u32..).map(|(v, k)| v - level - rise * (f64::from(k) - middle));
    away.map(|d| d * d).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_noise_and_its_sum() {
        let mut state = 3u32;
        let noise: Vec<f64> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state) / f64::from(u32::MAX) - 0.5
            })
            .collect();
        let walk: Vec<f64> = noise
            .iter()
            .scan(0.0, |sum, v| {
                *sum += v;
                Some(*sum)
            })
            .collect();
        let config = DfaConfig::default().with_windows(20, 200);
        assert!((config.of(&noise).unwrap() - 0.5).abs() < 0.03);
        assert!((config.of(&walk).unwrap() - 1.5).abs() < 0.05);
        assert!((config.with_overlapping(false).of(&noise).unwrap() - 0.5).abs() < 0.03);
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(dfa_exponent(&[1.0; 16]).is_err());
        assert!(dfa_exponent(&[1.0; 100]).unwrap_err().to_string().contains("do not vary"));
        assert!(DfaConfig::default().with_windows(2, 16).of(&[1.0; 100]).is_err());
        assert!(DfaConfig::default().with_windows(4, 4).of(&[1.0; 100]).is_err());
        assert!(dfa_exponent(&[f64::MAX, f64::MIN].repeat(20)).is_err());
    }
}
