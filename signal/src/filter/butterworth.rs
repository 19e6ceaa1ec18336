//! Design of Butterworth filters as second-order sections.

use super::zpk::Zpk;
use super::{Band, SosFilter};
use crate::Result;
use eir_core::SampleRate;
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Keeps what is between `low_hz` and `high_hz`: order 4, zero phase.
///
/// # Errors
/// As [`ButterworthConfig::design`] and [`SosFilter::zero_phase`].
pub fn band_pass(x: &[f32], rate: SampleRate, low_hz: f64, high_hz: f64) -> Result<Vec<f32>> {
    ButterworthConfig::new(Band::Pass { low_hz, high_hz }).design(rate)?.zero_phase(x)
}

/// Keeps what is below `cutoff_hz`: order 4, zero phase.
///
/// # Errors
/// As [`ButterworthConfig::design`] and [`SosFilter::zero_phase`].
pub fn low_pass(x: &[f32], rate: SampleRate, cutoff_hz: f64) -> Result<Vec<f32>> {
    ButterworthConfig::new(Band::Low { cutoff_hz }).design(rate)?.zero_phase(x)
}

/// Keeps what is above `cutoff_hz`: order 4, zero phase.
///
/// # Errors
/// As [`ButterworthConfig::design`] and [`SosFilter::zero_phase`].
pub fn high_pass(x: &[f32], rate: SampleRate, cutoff_hz: f64) -> Result<Vec<f32>> {
    ButterworthConfig::new(Band::High { cutoff_hz }).design(rate)?.zero_phase(x)
}

/// Settings of a Butterworth filter, and its design.
///
/// **Use it** where the pass band must be flat: cleaning an ECG, separating a slow baseline from fast variation.
/// **Not** for a narrow hum (a notch costs less), nor, in zero phase, for a live signal ([`SosFilter::stream`] is for
/// that and has delay).
///
/// # Formula
/// Analogue prototype with `N` poles `-exp(iπm/2N)`, `m = -N+1, -N+3 … N-1`, moved to the band with edges pre-warped as
/// `2·f_s·tan(πf/f_s)`, then bilinear; poles and zeros are paired from the pole next to the unit circle outwards, each
/// with the nearest zero, and never multiplied out beyond second order.
///
/// # Examples
/// ```
/// use eir_signal::{Band, ButterworthConfig};
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let filter = ButterworthConfig::new(Band::Low { cutoff_hz: 25.0 }).with_order(2).design(rate)?;
/// let [b0, b1, b2, a0, a1, a2] = filter.sections()[0];
/// assert!((b0 - 0.2928932188).abs() < 1e-9 && (b1 - 2.0 * b0).abs() < 1e-12 && b0 == b2);
/// assert!(a0 == 1.0 && a1.abs() < 1e-12 && (a2 - 0.1715728753).abs() < 1e-9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Coefficients equal SciPy 1.17.1 `butter(output="sos")` within 1e-12 of the largest (1e-7 for order 8 and for a
/// 0.5 Hz high-pass, as the reference states), on all Butterworth cases of the golden set.
///
/// # References
/// Butterworth 1930; Oppenheim, Schafer, *Discrete-Time Signal Processing*, ch. 7.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ButterworthConfig {
    /// What is let through.
    pub band: Band,
    /// Order, 1 to 20; a band-pass or band-stop has twice as many poles. Default 4. Higher is steeper and rings longer.
    pub order: usize,
}

impl ButterworthConfig {
    /// A filter of order 4.
    #[must_use]
    pub fn new(band: Band) -> Self {
        Self { band, order: 4 }
    }
    /// Sets [`order`](Self::order).
    #[must_use]
    pub fn with_order(self, order: usize) -> Self {
        Self { order, ..self }
    }
    /// Sets [`band`](Self::band).
    #[must_use]
    pub fn with_band(self, band: Band) -> Self {
        Self { band, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.band.validate(self.order)
    }

    /// Computes the sections for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`](eir_core::error::Parameter) if an edge is not below half the rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        self.validate()?;
        prototype(self.order).design(self.band, rate)
    }
}

/// `N` poles on the left half of the unit circle.
fn prototype(order: usize) -> Zpk {
    let angle = |m: f64| PI * m / (2.0 * order as f64);
    let poles = odd_steps(order).map(|m| if m == 0.0 { Complex64::new(-1.0, 0.0) } else { -Complex64::cis(angle(m)) });
    Zpk { zeros: Vec::new(), poles: poles.collect(), gain: 1.0 }
}

/// `-N+1, -N+3 … N-1`.
pub(super) fn odd_steps(order: usize) -> impl Iterator<Item = f64> {
    (0..order).map(move |i| 2.0 * i as f64 - order as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.signal.butter(3, [5, 15], "bandpass", fs=100, output="sos")`, SciPy 1.17.1.
    #[test]
    fn equals_scipy() {
        let rate = SampleRate::new(100.0).unwrap();
        let filter =
            ButterworthConfig::new(Band::Pass { low_hz: 5.0, high_hz: 15.0 }).with_order(3).design(rate).unwrap();
        let want = include!("../../tests/golden/butter_3_5_15_100.in");
        for (got, want) in filter.sections().iter().flatten().zip(want.iter().flatten()) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(100.0).unwrap();
        let design = |band| ButterworthConfig::new(band).design(rate).map(drop).unwrap_err().to_string();
        assert_eq!(design(Band::Low { cutoff_hz: 50.0 }), "band is 50, but must be below half the sampling rate");
        assert!(design(Band::Pass { low_hz: 5.0, high_hz: 5.0 }).contains("rising order"));
        assert!(design(Band::High { cutoff_hz: f64::NAN }).contains("above 0"));
        assert!(ButterworthConfig::new(Band::Low { cutoff_hz: 1.0 }).with_order(0).validate().is_err());
    }
}
