//! Design of Chebyshev filters with ripple in the pass band.

use super::butterworth::odd_steps;
use super::ripple::{decibels, excess};
use super::zpk::{Zpk, product};
use super::{Band, SosFilter};
use crate::Result;
use eir_core::SampleRate;
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Settings of a Chebyshev filter of the first kind, and its design: steeper than Butterworth of the same order, for a
/// pass band that ripples.
///
/// **Use it** before taking fewer samples, where the edge must be steep and a ripple of a tenth of a decibel does no
/// harm. **Not** where the shape of a wave in the pass band matters (Butterworth, Bessel).
///
/// # Formula
/// `|H|² = 1 / (1 + ε² T_N²(ω))`, `ε² = 10^(ripple/10) - 1`; prototype poles `-sinh(μ + iθ_m)`, `μ = asinh(1/ε)/N`,
/// `θ_m = πm/2N`, `m = -N+1, -N+3 … N-1`; then as [`ButterworthConfig`](crate::ButterworthConfig).
///
/// # Examples
/// ```
/// use eir_signal::filter::{Band, Chebyshev1Config};
/// let rate = eir_core::SampleRate::new(360.0)?;
/// let filter = Chebyshev1Config::new(Band::Low { cutoff_hz: 40.0 }).with_ripple_db(1.0).design(rate)?;
/// let gain = filter.response(&[40.0], rate)[0].norm();
/// assert!((20.0 * gain.log10() + 1.0).abs() < 1e-9); // at the edge the ripple ends
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Coefficients equal SciPy 1.17.1 `cheby1(output="sos")` on the golden set and on random designs of order 1 to 12; see
/// [`filter`](crate::filter).
///
/// # References
/// Oppenheim, Schafer, *Discrete-Time Signal Processing*, ch. 7 and appendix B.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chebyshev1Config {
    /// What is let through; an edge is where the gain leaves the ripple.
    pub band: Band,
    /// Order, 1 to 20; a band-pass or band-stop has twice as many poles. Default 4.
    pub order: usize,
    /// How far the gain may fall below 1 in the pass band, in dB, above 0 to 100. Default 0.5.
    pub ripple_db: f64,
}

impl Chebyshev1Config {
    /// A filter of order 4 with a ripple of 0.5 dB.
    #[must_use]
    pub fn new(band: Band) -> Self {
        Self { band, order: 4, ripple_db: 0.5 }
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
    /// Sets [`ripple_db`](Self::ripple_db).
    #[must_use]
    pub fn with_ripple_db(self, ripple_db: f64) -> Self {
        Self { ripple_db, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.band.validate(self.order)?;
        decibels("ripple_db", self.ripple_db, 100.0)
    }

    /// Computes the sections for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`](eir_core::error::Parameter) if an edge is not below half the
    /// rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        self.validate()?;
        prototype(self.order, self.ripple_db).design(self.band, rate)
    }
}

fn prototype(order: usize, ripple_db: f64) -> Zpk {
    let epsilon = excess(ripple_db).sqrt();
    let mu = (1.0 / epsilon).asinh() / order as f64;
    let pole = |m: f64| -Complex64::new(mu, PI * m / (2.0 * order as f64)).sinh();
    let poles: Vec<_> = odd_steps(order).map(pole).collect();
    let mut gain = product(poles.iter().map(|p| -p)).re;
    if order.is_multiple_of(2) {
        gain /= (1.0 + epsilon * epsilon).sqrt();
    }
    Zpk { zeros: Vec::new(), poles, gain }
}
