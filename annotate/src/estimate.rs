//! A number with its uncertainty, and the normal distribution that intervals are made with.

use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// A number that can go into a paper: with its interval, and how that was made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The number itself.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Confidence level of the interval, for example 0.95.
    pub level: f64,
    /// How the interval was made.
    pub method: IntervalMethod,
    /// How many units the number rests on.
    pub n: usize,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Value ± quantile · standard error.
    Normal,
    /// Percentiles of the statistic on units drawn again.
    PercentileBootstrap,
}

impl Estimate {
    pub(crate) fn new(value: f64, [low, high]: [f64; 2], level: f64, method: IntervalMethod, n: usize) -> Self {
        Self { value, low, high, level, method, n }
    }
}

/// An error unless `level` is a confidence level.
pub(crate) fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(Parameter::new("level", level, "between 0 and 1").into()) }
}

/// The probability that a standard normal number exceeds `z`.
pub(crate) fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}
