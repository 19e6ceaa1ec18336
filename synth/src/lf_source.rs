//! The Liljencrants–Fant model of the glottal source.

use crate::Result;
use crate::error::within;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// One period of the derivative of the glottal flow, with the period and the strongest negative peak set to 1.
///
/// **Use it** as the source of a voiced sound. **Not** for whisper or creak: one parameter, the shape R_d, covers tense
/// (0.5) to breathy (2.5) voices only.
///
/// # Formula
/// e(t) = E₀ e^{αt} sin(ω_g t) up to the closure t_e, then −(e^{−ε(t − t_e)} − e^{−ε(t_c − t_e)}) / (ε t_a) up to t_c = 1, with
/// ω_g = π / t_p. R_a = (4.8 R_d − 1) / 100, R_k = (22.4 + 11.8 R_d) / 100, R_g from both \[1\]; ε solves
/// ε t_a = 1 − e^{−ε(t_c − t_e)}, and α makes the flow return to zero.
///
/// # Examples
/// ```
/// use eir_synth::LfSource;
/// let source = LfSource::new(1.0)?;
/// let mean: f64 = (0..10_000).map(|i| source.at((f64::from(i) + 0.5) / 10_000.0)).sum::<f64>() / 10_000.0;
/// assert!(mean.abs() < 1e-5); // the flow returns to where it began
/// assert!((source.at(source.te) + 1.0).abs() < 1e-12); // the closure
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// All parameters and 64 samples agree with SciPy's `brentq` solution within 1e-9 for R_d 0.5 to 2.5 (`tests/golden.rs`).
///
/// # References
/// 1. Fant 1995, "The LF-model revisited", STL-QPSR 2–3. 2. Fant, Liljencrants, Lin 1985, STL-QPSR 4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LfSource {
    /// Return time over period.
    pub ra: f64,
    /// Skew.
    pub rk: f64,
    /// Glottal frequency over twice the fundamental's.
    pub rg: f64,
    /// Time of the largest flow.
    pub tp: f64,
    /// Time of the closure.
    pub te: f64,
    /// Effective time of the return.
    pub ta: f64,
    /// Rate of the return.
    pub epsilon: f64,
    /// Growth of the open phase.
    pub alpha: f64,
    /// Scale of the open phase.
    pub e0: f64,
}

impl LfSource {
    /// The source of shape `rd`: 0.4 (tense) to 2.7 (breathy).
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) outside of that range.
    pub fn new(rd: f64) -> Result<Self> {
        within("rd", rd, 0.4, 2.7, "0.4 to 2.7")?;
        let ra = (-1.0 + 4.8 * rd) / 100.0;
        let rk = (22.4 + 11.8 * rd) / 100.0;
        let rg = 1.0 / (4.0 * ((0.11 * rd / (0.5 + 1.2 * rk)) - ra) / rk);
        let tp = 1.0 / (2.0 * rg);
        let (te, ta) = (tp * (1.0 + rk), ra);
        let back = 1.0 - te;
        within("return time of rd", ta, 0.0, back, "shorter than the closed phase: a smaller rd")?;
        // convex right of its root: Newton's method from 1 / ta comes down to it
        let mut epsilon = 1.0 / ta;
        for _ in 0..100 {
            let decay = libm::exp(-epsilon * back);
            epsilon -= (epsilon * ta - 1.0 + decay) / (ta - back * decay);
        }
        let wg = PI / tp;
        let end = libm::exp(-epsilon * back);
        let closed = -(1.0 / (epsilon * ta)) * ((1.0 - end) / epsilon - back * end);
        let e0 = |alpha: f64| -1.0 / (libm::exp(alpha * te) * libm::sin(wg * te));
        let net = |alpha: f64| {
            let growth = libm::exp(alpha * te) * (alpha * libm::sin(wg * te) - wg * libm::cos(wg * te)) + wg;
            e0(alpha) * growth / (alpha * alpha + wg * wg) + closed
        };
        let (mut low, mut high) = (-60.0, 60.0);
        let rising = net(high) > net(low);
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if (net(middle) > 0.0) == rising { high = middle } else { low = middle }
        }
        let alpha = f64::midpoint(low, high);
        Ok(Self { ra, rk, rg, tp, te, ta, epsilon, alpha, e0: e0(alpha) })
    }

    /// The derivative of the flow at `t`, 0 to 1 of the period; 0 outside.
    #[must_use]
    pub fn at(&self, t: f64) -> f64 {
        if !(0.0..=1.0).contains(&t) {
            0.0
        } else if t <= self.te {
            self.e0 * libm::exp(self.alpha * t) * libm::sin(PI / self.tp * t)
        } else {
            let end = libm::exp(-self.epsilon * (1.0 - self.te));
            -(libm::exp(-self.epsilon * (t - self.te)) - end) / (self.epsilon * self.ta)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flow_returns_over_the_whole_range() {
        for step in 0..=23 {
            let rd = 0.4 + 0.1 * f64::from(step);
            let source = LfSource::new(rd).unwrap();
            let n = 20_000;
            let mean = (0..n).map(|i| source.at((f64::from(i) + 0.5) / f64::from(n))).sum::<f64>() / f64::from(n);
            assert!(mean.abs() < 1e-5, "{rd}: {mean}");
        }
        assert!(LfSource::new(3.0).is_err() && LfSource::new(f64::NAN).is_err());
    }
}
