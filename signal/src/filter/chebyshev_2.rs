//! Design of Chebyshev filters with ripple in the stop band.

use super::butterworth::odd_steps;
use super::ripple::{decibels, excess};
use super::zpk::{Zpk, unit_gain};
use super::{Band, SosFilter};
use crate::Result;
use eir_core::SampleRate;
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Settings of a Chebyshev filter of the second kind, and its design: flat in the pass band, with a floor in the stop
/// band.
///
/// **Use it** where the pass band must be flat and everything beyond the edge must be below a fixed level. **Not** where
/// the attenuation should grow with frequency (Butterworth).
///
/// # Formula
/// `|H|² = 1 / (1 + 1/(δ² T_N²(1/ω)))`, `1/δ² = 10^(attenuation/10) - 1`; prototype zeros `i/sin θ_m`, poles the inverses
/// of those of the [first kind](super::Chebyshev1Config) with `μ = asinh(1/δ)/N`; then as
/// [`ButterworthConfig`](crate::ButterworthConfig).
///
/// # Examples
/// ```
/// use eir_signal::filter::{Band, Chebyshev2Config};
/// let rate = eir_core::SampleRate::new(360.0)?;
/// let filter = Chebyshev2Config::new(Band::Low { cutoff_hz: 60.0 }).with_attenuation_db(40.0).design(rate)?;
/// let gain = filter.response(&[60.0], rate)[0].norm();
/// assert!((gain - 0.01).abs() < 1e-9); // at the edge the stop band begins
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Coefficients equal SciPy 1.17.1 `cheby2(output="sos")` on the golden set and on random designs of order 1 to 12; see
/// [`filter`](crate::filter).
///
/// # References
/// Oppenheim, Schafer, *Discrete-Time Signal Processing*, ch. 7 and appendix B.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chebyshev2Config {
    /// What is let through; an edge is where the stop band begins.
    pub band: Band,
    /// Order, 1 to 20; a band-pass or band-stop has twice as many poles. Default 4.
    pub order: usize,
    /// By how much the stop band lies below the pass band at least, in dB, above 0 to 300. Default 40.
    pub attenuation_db: f64,
}

impl Chebyshev2Config {
    /// A filter of order 4 with a stop band at -40 dB.
    #[must_use]
    pub fn new(band: Band) -> Self {
        Self { band, order: 4, attenuation_db: 40.0 }
    }
    /// Sets [`band`](Self::band).
    #[must_use]
    pub fn with_band(self, band: Band) -> Self {
        Self { band, ..self }
    }
    /// Sets [`order`](Self::order).
    #[must_use]
    pub fn with_order(self, order: usize) -> Self {
        Self { order, ..self }
    }
    /// Sets [`attenuation_db`](Self::attenuation_db).
    #[must_use]
    pub fn with_attenuation_db(self, attenuation_db: f64) -> Self {
        Self { attenuation_db, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.band.validate(self.order)?;
        decibels("attenuation_db", self.attenuation_db, 300.0)
    }

    /// Computes the sections for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`](eir_core::error::Parameter) if an edge is not below half the
    /// rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        self.validate()?;
        prototype(self.order, self.attenuation_db).design(self.band, rate)
    }
}

fn prototype(order: usize, attenuation_db: f64) -> Zpk {
    let mu = excess(attenuation_db).sqrt().asinh() / order as f64;
    let angle = |m: f64| PI * m / (2.0 * order as f64);
    let zeros: Vec<_> =
        odd_steps(order).filter(|m| *m != 0.0).map(|m| Complex64::new(0.0, 1.0 / angle(m).sin())).collect();
    let pole = |m: f64| 1.0 / Complex64::new(-mu.sinh() * angle(m).cos(), -mu.cosh() * angle(m).sin());
    let poles: Vec<_> = odd_steps(order).map(pole).collect();
    let gain = unit_gain(&zeros, &poles);
    Zpk { zeros, poles, gain }
}
