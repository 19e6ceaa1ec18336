//! The standard normal law, on `libm` so that results are the same on every machine.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Density at `z`; 0 at the infinities.
pub(crate) fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / TAU.sqrt()
}

/// Probability below `z`.
pub(crate) fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::distribution::normal_quantile;

    /// The probability below a quantile is the one that was asked for.
    #[test]
    fn turns_quantiles_back() {
        for k in 1..100 {
            let p = f64::from(k) / 100.0;
            assert!((below(normal_quantile(p)) - p).abs() < 1e-15);
        }
    }
}
