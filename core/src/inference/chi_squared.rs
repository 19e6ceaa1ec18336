use crate::distribution::chi_squared_sf;
use serde::{Deserialize, Serialize};

/// A test whose statistic follows the χ² distribution if nothing is going on.
///
/// ```
/// use eir_core::inference::ChiSquared;
/// assert!((ChiSquared::new(3.84, 1).p - 0.05004352124870519).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChiSquared {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// The probability of a statistic at least as large if nothing is going on.
    pub p: f64,
}

impl ChiSquared {
    /// The test with this `statistic` and its degrees of freedom.
    #[must_use]
    pub fn new(statistic: f64, df: usize) -> Self {
        Self { statistic, df, p: chi_squared_sf(statistic, df as f64) }
    }
}
