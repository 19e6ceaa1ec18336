use crate::Result;
use eir_core::error::Parameter;

/// An error unless `level` is a confidence level.
pub(crate) fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(Parameter::new("level", level, "between 0 and 1").into()) }
}
