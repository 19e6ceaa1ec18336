//! Ripples in decibels.

use crate::Result;
use eir_core::error::Parameter;
use std::f64::consts::LN_10;

/// `10^(db/10) - 1`, also for a small ripple to the last digit.
pub(super) fn excess(db: f64) -> f64 {
    (db * LN_10 / 10.0).exp_m1()
}

/// `db` above 0 and at most `most`.
pub(super) fn decibels(name: &'static str, db: f64, most: f64) -> Result<()> {
    if db > 0.0 && db <= most {
        return Ok(());
    }
    let rule = if most > 100.0 { "above 0 dB and at most 300 dB" } else { "above 0 dB and at most 100 dB" };
    Err(Parameter::new(name, db, rule).into())
}
