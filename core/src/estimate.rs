use crate::Error;
use crate::error::Parameter;
use std::borrow::Cow;
use std::fmt;

/// A number that goes into a paper: with its interval, how that was made and how many units it rests on.
///
/// Printed, it is the sentence that a paper needs; the decimals follow from the width of the interval, or are those that
/// the format asks for.
///
/// ```
/// let share = eir_core::inference::wilson(183, 200, 0.95)?;
/// assert_eq!(share.sentence("Sensitivity"), "Sensitivity 0.915 (95 % CI 0.868 to 0.946; Wilson, n = 200)");
/// assert_eq!(format!("{share:.2}"), "0.92 (95 % CI 0.87 to 0.95; Wilson, n = 200)");
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Estimate {
    /// The number itself.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// Confidence level of the interval: 0.95.
    pub level: f64,
    /// How the interval was made: "DeLong", "BCa bootstrap, 2000 draws of patients".
    pub method: Cow<'static, str>,
    /// Number of units that were observed: patients, recordings, beats.
    pub n: usize,
}

impl Estimate {
    /// `value` with the interval `[lower, upper]` at `level`, made by `method` on `n` units.
    #[must_use]
    pub fn new(
        value: f64,
        [lower, upper]: [f64; 2],
        level: f64,
        method: impl Into<Cow<'static, str>>,
        n: usize,
    ) -> Self {
        Self { value, lower, upper, level, method: method.into(), n }
    }

    /// The sentence for a paper: the `name` of the number, then the number.
    #[must_use]
    pub fn sentence(&self, name: &str) -> String {
        format!("{name} {self}")
    }

    /// Whether `value` lies in the interval.
    #[must_use]
    pub fn covers(&self, value: f64) -> bool {
        (self.lower..=self.upper).contains(&value)
    }

    /// Decimals at which the interval's width has two digits: 0.87 to 0.95, 12.1 to 16.4, 130 to 170.
    fn decimals(&self) -> usize {
        let width = self.upper - self.lower;
        if width.is_finite() && width > 0.0 { (1.0 - width.log10().floor()).clamp(0.0, 6.0) as usize } else { 3 }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, lower, upper, level, method, n } = self;
        let d = f.precision().unwrap_or_else(|| self.decimals());
        let percent = (level * 1e6).round() / 1e4; // 95, 99.9: without the noise of the product
        write!(f, "{value:.d$} ({percent} % CI {lower:.d$} to {upper:.d$}; {method}, n = {n})")
    }
}

/// An error unless `level` is a confidence level.
pub(crate) fn check_level(level: f64) -> Result<(), Error> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(Parameter::new("level", level, "between 0 and 1").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_follow_the_width() {
        let text = |value, interval| Estimate::new(value, interval, 0.9, "exact", 9).to_string();
        assert_eq!(text(151.2, [133.1, 168.7]), "151 (90 % CI 133 to 169; exact, n = 9)");
        assert_eq!(text(0.5, [0.5, 0.5]), "0.500 (90 % CI 0.500 to 0.500; exact, n = 9)");
        assert_eq!(text(1.0, [0.9, f64::INFINITY]), "1.000 (90 % CI 0.900 to inf; exact, n = 9)");
    }
}
