//! Design of filters with finite response by the window method.

use super::fir::MAX_TAPS;
use super::{Band, FirFilter};
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The window over the taps: side lobes against the width of the edge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FirWindow {
    /// None: the narrowest edge, ripples of 9 %.
    Rectangular,
    /// Triangle.
    Bartlett,
    /// `0.5 - 0.5 cos`.
    Hann,
    /// `0.54 - 0.46 cos`: stop band at -53 dB. The default.
    #[default]
    Hamming,
    /// Three terms: stop band at -74 dB.
    Blackman,
    /// Four terms (Nuttall's minimal one).
    Nuttall,
    /// Four terms: side lobes at -92 dB.
    BlackmanHarris,
    /// Five terms: flat top.
    FlatTop,
    /// `I₀(β √(1 - u²)) / I₀(β)`.
    Kaiser {
        /// 0 (rectangle) to 100; 5 gives a stop band at -50 dB, 8.6 at -90 dB.
        beta: f64,
    },
}

impl FirWindow {
    /// `n` values, symmetric.
    pub(crate) fn values(self, n: usize) -> Vec<f64> {
        let last = n.saturating_sub(1) as f64;
        let cosines = |terms: &[f64]| -> Vec<f64> {
            let angle = |i: usize| 2.0 * PI * i as f64 / last - PI;
            let value = |i: usize| terms.iter().zip(0..).map(|(a, k)| a * (f64::from(k) * angle(i)).cos()).sum();
            (0..n).map(value).collect()
        };
        if n == 1 {
            return vec![1.0];
        }
        match self {
            Self::Rectangular => vec![1.0; n],
            Self::Bartlett => (0..n).map(|i| 1.0 - (2.0 * i as f64 / last - 1.0).abs()).collect(),
            Self::Hann => cosines(&[0.5, 0.5]),
            Self::Hamming => cosines(&[0.54, 0.46]),
            Self::Blackman => cosines(&[0.42, 0.5, 0.08]),
            Self::Nuttall => cosines(&[0.3635819, 0.4891775, 0.1365995, 0.0106411]),
            Self::BlackmanHarris => cosines(&[0.35875, 0.48829, 0.14128, 0.01168]),
            Self::FlatTop => cosines(&[0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368]),
            Self::Kaiser { beta } => {
                let square = |i: usize| (2.0 * i as f64 / last - 1.0).powi(2);
                (0..n).map(|i| bessel_i0(beta * (1.0 - square(i)).max(0.0).sqrt()) / bessel_i0(beta)).collect()
            }
        }
    }

    fn validate(self) -> Result<()> {
        match self {
            Self::Kaiser { beta } if !(0.0..=100.0).contains(&beta) => {
                Err(Parameter::new("beta", beta, "0 to 100").into())
            }
            _ => Ok(()),
        }
    }
}

/// The modified Bessel function `I₀ = Σ ((x/2)^k / k!)²`: all terms are positive, so every digit counts.
pub(crate) fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-17 * sum && k < 1000.0 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// Settings of a filter with finite response, designed by the window method.
///
/// **Use it** as the first choice of a filter with linear phase. **Not** where a ripple must be met with the fewest taps
/// ([`FirLeastSquaresConfig`](super::FirLeastSquaresConfig) needs fewer).
///
/// # Formula
/// `h[i] = w[i] Σ_bands (r sinc(r m) - l sinc(l m))`, `m = i - (taps-1)/2`, `l, r` the band's edges over half the rate;
/// scaled so that the gain is 1 in the middle of the first band that is let through (at 0 Hz or at half the rate, if the
/// band touches it).
///
/// # Examples
/// ```
/// use eir_signal::filter::{Band, FirConfig};
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let filter = FirConfig::new(Band::Pass { low_hz: 0.7, high_hz: 40.0 }, 101).design(rate)?;
/// assert_eq!(filter.delay_samples(), 50.0);
/// let gain = filter.response(&[20.35, 60.0], rate);
/// assert!((gain[0].norm() - 1.0).abs() < 1e-12 && gain[1].norm() < 2.5e-3);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Taps equal SciPy 1.17.1 `firwin` within 1e-12 of the largest on the golden set.
///
/// # References
/// Oppenheim, Schafer, *Discrete-Time Signal Processing*, ch. 7.5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FirConfig {
    /// Frequencies in Hz where the filter turns, in rising order, above 0 and below half the rate; the gain there is ½.
    pub cutoffs_hz: Vec<f64>,
    /// Whether the first band, from 0 Hz to the first cut-off, is let through; the others alternate.
    pub passes_zero: bool,
    /// Number of taps, 1 to 2²⁰; odd, if half the rate is let through.
    pub taps: usize,
    /// The window. Default Hamming.
    pub window: FirWindow,
    /// Whether the gain is made exactly 1 in the middle of the first band that is let through. Default true.
    pub scale: bool,
}

impl FirConfig {
    /// A filter for one band with a Hamming window.
    #[must_use]
    pub fn new(band: Band, taps: usize) -> Self {
        let (low, high) = band.edges();
        let (cutoffs_hz, passes_zero) = match band {
            Band::Low { .. } => (vec![low], true),
            Band::High { .. } => (vec![low], false),
            Band::Pass { .. } => (vec![low, high], false),
            Band::Stop { .. } => (vec![low, high], true),
        };
        Self::multi_band(cutoffs_hz, passes_zero, taps)
    }

    /// A filter for several bands, that turns at each of `cutoffs_hz`, with a Hamming window.
    #[must_use]
    pub fn multi_band(cutoffs_hz: Vec<f64>, passes_zero: bool, taps: usize) -> Self {
        Self { cutoffs_hz, passes_zero, taps, window: FirWindow::Hamming, scale: true }
    }
    /// Sets [`taps`](Self::taps).
    #[must_use]
    pub fn with_taps(self, taps: usize) -> Self {
        Self { taps, ..self }
    }
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: FirWindow) -> Self {
        Self { window, ..self }
    }
    /// Sets [`scale`](Self::scale).
    #[must_use]
    pub fn with_scale(self, scale: bool) -> Self {
        Self { scale, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=MAX_TAPS).contains(&self.taps) {
            return Err(Parameter::new("taps", self.taps as f64, "1 to 1048576").into());
        }
        self.window.validate()?;
        if self.cutoffs_hz.is_empty() {
            return Err(Parameter::new("cutoffs_hz", 0.0, "at least one frequency").into());
        }
        let mut below = 0.0;
        for hz in &self.cutoffs_hz {
            if !(hz.is_finite() && *hz > below) {
                return Err(Parameter::new("cutoffs_hz", *hz, "above 0 Hz and in rising order").into());
            }
            below = *hz;
        }
        if self.passes_nyquist() && self.taps.is_multiple_of(2) {
            return Err(Parameter::new("taps", self.taps as f64, "odd, as half the rate is let through").into());
        }
        Ok(())
    }

    fn passes_nyquist(&self) -> bool {
        self.passes_zero ^ !self.cutoffs_hz.len().is_multiple_of(2)
    }

    /// Computes the taps for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if a cut-off is not below half the rate or the taps are so few
    /// that they cancel.
    pub fn design(&self, rate: SampleRate) -> Result<FirFilter> {
        self.validate()?;
        if let Some(hz) = self.cutoffs_hz.last().filter(|hz| **hz >= rate.nyquist_hz()) {
            return Err(Parameter::new("cutoffs_hz", *hz, "below half the sampling rate").into());
        }
        let turns = self.cutoffs_hz.iter().map(|hz| hz / rate.nyquist_hz());
        let mut edges: Vec<f64> = self.passes_zero.then_some(0.0).into_iter().chain(turns).collect();
        if self.passes_nyquist() {
            edges.push(1.0);
        }
        let bands = edges.as_chunks::<2>().0;
        let middle = (self.taps - 1) as f64 / 2.0;
        let window = self.window.values(self.taps);
        let mut taps: Vec<f64> = (0..self.taps)
            .zip(&window)
            .map(|(i, w)| {
                let m = i as f64 - middle;
                w * bands.iter().map(|[left, right]| right * sinc(right * m) - left * sinc(left * m)).sum::<f64>()
            })
            .collect();
        if let Some([left, right]) = bands.first().filter(|_| self.scale) {
            let at = if *left == 0.0 { 0.0 } else { f64::midpoint(*left, *right) };
            let at = if *left != 0.0 && *right == 1.0 { 1.0 } else { at };
            let gain: f64 = taps.iter().zip(0..).map(|(h, i)| h * (PI * (f64::from(i) - middle) * at).cos()).sum();
            if !(gain.is_finite() && gain != 0.0) {
                return Err(Parameter::new("taps", self.taps as f64, "enough for a gain above 0").into());
            }
            taps.iter_mut().for_each(|h| *h /= gain);
        }
        FirFilter::new(taps)
    }
}

/// `sin(πx) / πx`.
pub(crate) fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bessel_i0_of_the_tables() {
        assert!((bessel_i0(1.0) - 1.266_065_877_752_008_4).abs() < 1e-15);
        assert!((bessel_i0(10.0) / 2_815.716_628_466_254 - 1.0).abs() < 1e-14);
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(100.0).unwrap();
        let text = |c: FirConfig| c.design(rate).map(drop).unwrap_err().to_string();
        assert!(text(FirConfig::new(Band::High { cutoff_hz: 5.0 }, 10)).contains("odd"));
        assert!(text(FirConfig::new(Band::Low { cutoff_hz: 50.0 }, 11)).contains("below half"));
        assert!(text(FirConfig::new(Band::Low { cutoff_hz: 5.0 }, 0)).contains("taps"));
        assert!(text(FirConfig::multi_band(vec![5.0, 5.0], true, 11)).contains("rising"));
        assert!(text(FirConfig::multi_band(vec![], true, 11)).contains("at least one"));
    }
}
