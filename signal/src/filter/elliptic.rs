//! Design of elliptic (Cauer) filters.

use super::butterworth::odd_steps;
use super::jacobi::{Jacobi, Modulus, inverse_sc_of_complement};
use super::ripple::{decibels, excess};
use super::zpk::{Zpk, unit_gain};
use super::{Band, SosFilter};
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// Settings of an elliptic filter, and its design: the steepest edge of its order, for ripple in both bands.
///
/// **Use it** where two bands lie close together. **Not** where the shape of a wave matters: it rings longest.
///
/// # Formula
/// `|H|² = 1 / (1 + ε² R_N²(ω))`, `ε² = 10^(ripple/10) - 1`, `k₁² = ε² / (10^(attenuation/10) - 1)`. The modulus `k` solves
/// the degree equation `N K'(k)/K(k) = K'(k₁)/K(k₁)` (nomes, theta functions); with `s, c, d` = `sn, cn, dn` at `jK/N`
/// and `s', c', d'` at `v₀ = K F(atan 1/ε | k₁')/(N K(k₁))` of the complement, zeros are `±i/(k s)` and poles
/// `-(c d s' c' ± i s d')/(1 - d² s'²)`. Everything is computed from `k` and `k'` separately, and no difference of near
/// numbers is taken; then as [`ButterworthConfig`](crate::ButterworthConfig).
///
/// # Examples
/// ```
/// use eir_signal::filter::{Band, EllipticConfig};
/// let rate = eir_core::SampleRate::new(360.0)?;
/// let filter = EllipticConfig::new(Band::Low { cutoff_hz: 40.0 }).with_order(5).design(rate)?;
/// let db = |hz: f64| 20.0 * filter.response(&[hz], rate)[0].norm().log10();
/// assert!((db(40.0) + 0.5).abs() < 1e-9 && db(60.0) < -40.0 + 1e-9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Coefficients equal SciPy 1.17.1 `ellip(output="sos")` on the golden set and on random designs of order 1 to 12; see
/// [`filter`](crate::filter).
///
/// # References
/// Orfanidis 2006, *Lecture notes on elliptic filter design*; Carlson 1995, doi:10.1007/BF02198293 (`R_F`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EllipticConfig {
    /// What is let through; an edge is where the gain leaves the ripple.
    pub band: Band,
    /// Order, 1 to 20; a band-pass or band-stop has twice as many poles. Default 4.
    pub order: usize,
    /// How far the gain may fall below 1 in the pass band, in dB, above 0 to 100. Default 0.5.
    pub ripple_db: f64,
    /// By how much the stop band lies below the pass band at least, in dB, above `ripple_db` to 300. Default 40.
    pub attenuation_db: f64,
}

impl EllipticConfig {
    /// A filter of order 4 with a ripple of 0.5 dB and a stop band at -40 dB.
    #[must_use]
    pub fn new(band: Band) -> Self {
        Self { band, order: 4, ripple_db: 0.5, attenuation_db: 40.0 }
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
    /// Sets [`attenuation_db`](Self::attenuation_db).
    #[must_use]
    pub fn with_attenuation_db(self, attenuation_db: f64) -> Self {
        Self { attenuation_db, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.band.validate(self.order)?;
        decibels("ripple_db", self.ripple_db, 100.0)?;
        decibels("attenuation_db", self.attenuation_db, 300.0)?;
        if self.attenuation_db <= self.ripple_db {
            return Err(Parameter::new("attenuation_db", self.attenuation_db, "above the ripple").into());
        }
        Ok(())
    }

    /// Computes the sections for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if an edge is not below half the rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        self.validate()?;
        prototype(self.order, self.ripple_db, self.attenuation_db).design(self.band, rate)
    }
}

fn prototype(order: usize, ripple_db: f64, attenuation_db: f64) -> Zpk {
    let excess_ripple = excess(ripple_db);
    let epsilon = excess_ripple.sqrt();
    if order == 1 {
        return Zpk { zeros: Vec::new(), poles: vec![Complex64::new(-1.0 / epsilon, 0.0)], gain: 1.0 / epsilon };
    }
    let floor = excess(attenuation_db);
    let square = excess_ripple / floor;
    // 1 - k₁² without the difference: 10^(a/10) - 10^(r/10) = 10^(r/10) (10^((a-r)/10) - 1)
    let complement_square = (1.0 + excess_ripple) * excess(attenuation_db - ripple_db) / floor;
    let inner = Modulus { k: square.sqrt(), complement: complement_square.sqrt() };
    let modulus = inner.of_degree(order);
    let (period, n) = (modulus.quarter_period(), order as f64);
    let v = period * inverse_sc_of_complement(1.0 / epsilon, square) / (n * inner.quarter_period());
    let turned = modulus.swapped();
    let Jacobi { sn: sv, cn: cv, dn: dv } = turned.functions((v / turned.quarter_period()).min(1.0));
    let (mut zeros, mut poles) = (Vec::new(), Vec::new());
    for j in odd_steps(order).filter(|j| *j >= 0.0) {
        let Jacobi { sn, cn, dn } = modulus.functions(j / n);
        let below = cv * cv + (sv * sn * modulus.k) * (sv * sn * modulus.k);
        let pole = Complex64::new(-cn * dn * sv * cv / below, sn * dv / below);
        poles.push(pole);
        if j > 0.0 {
            poles.push(pole.conj());
            let zero = Complex64::new(0.0, 1.0 / (modulus.k * sn));
            zeros.extend([zero, zero.conj()]);
        }
    }
    let mut gain = unit_gain(&zeros, &poles);
    if order.is_multiple_of(2) {
        gain /= (1.0 + excess_ripple).sqrt();
    }
    Zpk { zeros, poles, gain }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The prototype's gain at frequency `w`, from its roots.
    fn gain(zpk: &Zpk, w: f64) -> f64 {
        let s = Complex64::new(0.0, w);
        let part = |roots: &[Complex64]| roots.iter().map(|r| (s - r).norm()).product::<f64>();
        zpk.gain * part(&zpk.zeros) / part(&zpk.poles)
    }

    #[test]
    fn both_ripples_are_as_asked() {
        for (order, ripple, floor) in
            [(2, 0.1, 20.0), (3, 1.0, 30.0), (7, 0.01, 80.0), (12, 3.0, 60.0), (20, 0.5, 60.0)]
        {
            let zpk = prototype(order, ripple, floor);
            let db = |w: f64| 20.0 * gain(&zpk, w).log10();
            let pass: Vec<f64> = (0..=20_000).map(|i| db(f64::from(i) / 20_000.0)).collect();
            let least = pass.iter().fold(f64::INFINITY, |a, v| a.min(*v));
            assert!((least + ripple).abs() < 1e-3 * ripple, "order {order}: {least}");
            assert!(pass.iter().all(|v| *v < 1e-9));
            assert!((db(1.0) + ripple).abs() < 1e-8, "order {order}: {}", db(1.0));
            assert!((0..1000).all(|i| db(100.0 + f64::from(i)) < -floor + 1e-8));
        }
    }
}
