//! What a recursive filter lets through.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The highest order of a recursive design: beyond it, double precision no longer holds a band of usual width.
pub(super) const MAX_ORDER: usize = 20;

/// What a filter lets through. All frequencies lie above 0 and below half the sampling rate. At an edge the gain of a
/// Butterworth filter is 1/√2 (in a zero-phase filter, that passes twice, ½); the other designs say what theirs is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Band {
    /// Below `cutoff_hz`.
    Low {
        /// Edge in Hz.
        cutoff_hz: f64,
    },
    /// Above `cutoff_hz`.
    High {
        /// Edge in Hz.
        cutoff_hz: f64,
    },
    /// Between the edges.
    Pass {
        /// Lower edge in Hz.
        low_hz: f64,
        /// Upper edge in Hz.
        high_hz: f64,
    },
    /// Outside the edges.
    Stop {
        /// Lower edge in Hz.
        low_hz: f64,
        /// Upper edge in Hz.
        high_hz: f64,
    },
}

impl Band {
    pub(super) fn edges(self) -> (f64, f64) {
        match self {
            Self::Low { cutoff_hz } | Self::High { cutoff_hz } => (cutoff_hz, cutoff_hz),
            Self::Pass { low_hz, high_hz } | Self::Stop { low_hz, high_hz } => (low_hz, high_hz),
        }
    }

    fn is_two_sided(self) -> bool {
        matches!(self, Self::Pass { .. } | Self::Stop { .. })
    }

    /// Edges finite, above 0 and in rising order; `order` 1 to 20.
    pub(super) fn validate(self, order: usize) -> Result<()> {
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(Parameter::new("order", order as f64, "1 to 20").into());
        }
        let (low, high) = self.edges();
        if !(low.is_finite() && low > 0.0) {
            return Err(Parameter::new("band", low, "edges above 0 Hz").into());
        }
        if !high.is_finite() || high < low || (self.is_two_sided() && high == low) {
            return Err(Parameter::new("band", high, "edges in rising order").into());
        }
        Ok(())
    }

    /// The edges as parts of half the sampling rate, if both are below it.
    pub(super) fn normalised(self, rate: SampleRate) -> Result<(f64, f64)> {
        let (low, high) = self.edges();
        if high >= rate.nyquist_hz() {
            return Err(Parameter::new("band", high, "below half the sampling rate").into());
        }
        Ok((low / rate.nyquist_hz(), high / rate.nyquist_hz()))
    }
}
