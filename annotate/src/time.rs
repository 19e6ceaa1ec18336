//! Exact times: a tick of a clock is a ratio of two whole numbers, so no conversion drifts.

use crate::{Error, Result};
use eir_core::SampleRate;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A ratio of two whole numbers, always in lowest terms with a denominator above 0.
///
/// ```
/// use eir_annotate::Rational;
/// let ntsc = Rational::new(30_000, 1_001)?;
/// let hour = ntsc.times(Rational::integer(3_600))?;
/// assert_eq!(hour.to_string(), "108000000/1001");
/// assert_eq!(Rational::from_decimal("12.50")?, Rational::new(25, 2)?);
/// # Ok::<(), eir_annotate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rational {
    numerator: i64,
    denominator: i64,
}

impl Rational {
    /// The number 0.
    pub const ZERO: Self = Self::integer(0);
    /// The number 1.
    pub const ONE: Self = Self::integer(1);

    /// `numerator / denominator` in lowest terms.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if the denominator is 0 or the reduced numbers do not fit.
    pub fn new(numerator: i64, denominator: i64) -> Result<Self> {
        Self::reduced(numerator.into(), denominator.into())
    }

    /// A whole number.
    #[must_use]
    pub const fn integer(value: i64) -> Self {
        Self { numerator: value, denominator: 1 }
    }

    /// The exact value of a decimal number as text: digits with an optional sign, point and exponent.
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error) if it is no such number, [`Error::TimeRange`] if it has too many digits.
    pub fn from_decimal(text: &str) -> Result<Self> {
        let bad = || eir_core::error::Malformed::new("decimal number", "expected digits with one point at most");
        let (body, exponent) = match text.trim().split_once(['e', 'E']) {
            Some((body, exponent)) => (body, exponent.parse::<i32>().map_err(|_| bad())?),
            None => (text.trim(), 0),
        };
        let (negative, digits) = match body.as_bytes().first() {
            Some(b'-') => (true, body.get(1..).unwrap_or_default()),
            Some(b'+') => (false, body.get(1..).unwrap_or_default()),
            _ => (false, body),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() == 0 && !digits.contains('0') {
            return Err(bad().into());
        }
        let mut value = 0i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return Err(bad().into());
            }
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i128::from(digit - b'0')))
                .filter(|v| *v < 1 << 100)
                .ok_or(Error::TimeRange)?;
        }
        let power = i64::from(exponent) - i64::try_from(fraction.len()).map_err(|_| Error::TimeRange)?;
        let scale = u32::try_from(power.unsigned_abs()).ok().and_then(|p| 10i128.checked_pow(p));
        let signed = if negative { -value } else { value };
        match scale {
            _ if value == 0 => Ok(Self::ZERO),
            Some(scale) if power < 0 => Self::reduced(signed, scale),
            Some(scale) => Self::reduced(signed.checked_mul(scale).ok_or(Error::TimeRange)?, 1),
            None => Err(Error::TimeRange),
        }
    }

    /// The shortest decimal number that reads back as `value`, exactly: 0.1 is one tenth, not the nearest dyadic.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error) for NaN and infinities, [`Error::TimeRange`] if it does not fit.
    pub fn from_f64(value: f64) -> Result<Self> {
        eir_core::error::NotFinite::check_f64("time", &[value])?;
        Self::from_decimal(&format!("{value:e}"))
    }

    /// The number above the line.
    #[must_use]
    pub const fn numerator(self) -> i64 {
        self.numerator
    }

    /// The number below the line, above 0.
    #[must_use]
    pub const fn denominator(self) -> i64 {
        self.denominator
    }

    /// The nearest `f64`.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit.
    pub fn plus(self, other: Self) -> Result<Self> {
        let (a, b) = (self.wide(), other.wide());
        Self::reduced(a.0 * b.1 + b.0 * a.1, a.1 * b.1)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit.
    pub fn minus(self, other: Self) -> Result<Self> {
        let (a, b) = (self.wide(), other.wide());
        Self::reduced(a.0 * b.1 - b.0 * a.1, a.1 * b.1)
    }

    /// The product.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit.
    pub fn times(self, other: Self) -> Result<Self> {
        let (a, b) = (self.wide(), other.wide());
        Self::reduced(a.0 * b.0, a.1 * b.1)
    }

    /// The quotient.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit or `other` is 0.
    pub fn over(self, other: Self) -> Result<Self> {
        let (a, b) = (self.wide(), other.wide());
        Self::reduced(a.0 * b.1, a.1 * b.0)
    }

    /// The nearest whole number; halves go away from 0.
    #[must_use]
    pub fn round(self) -> i64 {
        let (n, d) = self.wide();
        let away = (2 * n.abs() + d) / (2 * d);
        let signed = if n < 0 { -away } else { away };
        i64::try_from(signed).unwrap_or(self.numerator) // |round(n/d)| ≤ |n|, except the ends, where d = 1
    }

    /// Whether it is a whole number.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.denominator == 1
    }

    fn wide(self) -> (i128, i128) {
        (self.numerator.into(), self.denominator.into())
    }

    fn reduced(numerator: i128, denominator: i128) -> Result<Self> {
        if denominator == 0 {
            return Err(Error::TimeRange);
        }
        let (mut a, mut b) = (numerator.unsigned_abs(), denominator.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = i128::try_from(a.max(1)).map_err(|_| Error::TimeRange)? * denominator.signum();
        match (i64::try_from(numerator / divisor), i64::try_from(denominator / divisor)) {
            (Ok(numerator), Ok(denominator)) => Ok(Self { numerator, denominator }),
            _ => Err(Error::TimeRange),
        }
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.wide(), other.wide());
        (a.0 * b.1).cmp(&(b.0 * a.1))
    }
}

impl From<i64> for Rational {
    fn from(value: i64) -> Self {
        Self::integer(value)
    }
}

impl std::fmt::Display for Rational {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.denominator == 1 {
            write!(f, "{}", self.numerator)
        } else {
            write!(f, "{}/{}", self.numerator, self.denominator)
        }
    }
}

impl From<Rational> for String {
    fn from(value: Rational) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for Rational {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let Some((n, d)) = text.split_once('/') else { return Self::from_decimal(&text) };
        match (n.parse(), d.parse()) {
            (Ok(n), Ok(d)) => Self::new(n, d),
            _ => Err(Error::TimeRange),
        }
    }
}

/// What a tick of a [`TimeBase`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimeUnit {
    /// A sample of a signal.
    Samples,
    /// A picture of a video.
    Frames,
    /// A second.
    Seconds,
    /// A millisecond.
    Milliseconds,
}

/// A clock: how many ticks a second has, which number the first tick has, and when that is.
///
/// **Use it** to carry a label between streams of one recording that count time in different ways. **Not** for clocks
/// that drift against each other: two bases are related exactly, without an estimate.
///
/// # Formula
/// `seconds = (tick − first) / rate + origin_s`, in [`Rational`]s.
///
/// # Examples
/// ```
/// use eir_annotate::{Rational, TimeBase};
/// let ecg = TimeBase::samples(Rational::integer(360))?;
/// let video = TimeBase::frames(Rational::new(30_000, 1_001)?, 1)?;
/// let beat = Rational::integer(370);
/// let frame = ecg.convert(beat, &video)?;
/// assert_eq!(frame.round(), 32); // 370/360 s = frame 31.8 counted from 1
/// assert_eq!(video.convert(frame, &ecg)?, beat); // exactly back
/// # Ok::<(), eir_annotate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimeBase {
    /// What a tick is.
    pub unit: TimeUnit,
    /// Ticks in a second, above 0.
    pub rate: Rational,
    /// Number of the first tick: 0, or 1 where frames are counted from 1.
    pub first: i64,
    /// Time of the first tick in seconds of the recording.
    pub origin_s: Rational,
}

impl TimeBase {
    fn new(unit: TimeUnit, rate: Rational, first: i64) -> Result<Self> {
        if rate <= Rational::ZERO {
            return Err(Parameter::new("rate", rate.to_f64(), "above 0 ticks a second").into());
        }
        Ok(Self { unit, rate, first, origin_s: Rational::ZERO })
    }

    /// Sample indices from 0 at `rate` samples a second.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error) unless `rate` is above 0.
    pub fn samples(rate: Rational) -> Result<Self> {
        Self::new(TimeUnit::Samples, rate, 0)
    }

    /// Sample indices at a rate that is given as a float, taken as the decimal number that it prints as.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit.
    pub fn samples_at(rate: SampleRate) -> Result<Self> {
        Self::samples(Rational::from_f64(rate.hz())?)
    }

    /// Frames of a video with `rate` frames a second; the first has the number `first`.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error) unless `rate` is above 0.
    pub fn frames(rate: Rational, first: i64) -> Result<Self> {
        Self::new(TimeUnit::Frames, rate, first)
    }

    /// Seconds.
    #[must_use]
    pub const fn seconds() -> Self {
        Self { unit: TimeUnit::Seconds, rate: Rational::ONE, first: 0, origin_s: Rational::ZERO }
    }

    /// Milliseconds.
    #[must_use]
    pub const fn milliseconds() -> Self {
        Self { unit: TimeUnit::Milliseconds, rate: Rational::integer(1000), first: 0, origin_s: Rational::ZERO }
    }

    /// Sets [`origin_s`](Self::origin_s).
    #[must_use]
    pub fn with_origin_s(self, origin_s: Rational) -> Self {
        Self { origin_s, ..self }
    }

    /// The time of `tick` in seconds of the recording, exactly.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit.
    pub fn to_seconds(&self, tick: Rational) -> Result<Rational> {
        tick.minus(Rational::integer(self.first))?.over(self.rate)?.plus(self.origin_s)
    }

    /// The tick (with its fraction) at `seconds` of the recording, exactly.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit.
    pub fn at_seconds(&self, seconds: Rational) -> Result<Rational> {
        seconds.minus(self.origin_s)?.times(self.rate)?.plus(Rational::integer(self.first))
    }

    /// The tick of `other` at the time of this base's `tick`, exactly; round it where a whole tick is needed.
    ///
    /// # Errors
    /// [`Error::TimeRange`] if it does not fit.
    pub fn convert(&self, tick: Rational, other: &Self) -> Result<Rational> {
        if self == other { Ok(tick) } else { other.at_seconds(self.to_seconds(tick)?) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        let same = |text: &str, n, d| {
            assert_eq!(Rational::from_decimal(text).unwrap(), Rational::new(n, d).unwrap(), "{text}")
        };
        same("0.1", 1, 10);
        same("-12.340", -1234, 100);
        same("1e3", 1000, 1);
        same("2.5E-1", 1, 4);
        same("+.5", 1, 2);
        same("0", 0, 1);
        same("000.000", 0, 1);
        assert_eq!(Rational::from_f64(999.56).unwrap(), Rational::new(24989, 25).unwrap());
        for bad in ["", ".", "-", "1.2.3", "a", "1e", "1-2", "9999999999999999999999", "1e99"] {
            assert!(Rational::from_decimal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_drift_over_a_year_of_frames() {
        let video = TimeBase::frames(Rational::new(30_000, 1_001).unwrap(), 0).unwrap();
        let audio = TimeBase::samples(Rational::integer(44_100)).unwrap();
        let frame = Rational::integer(945_000_000);
        let sample = video.convert(frame, &audio).unwrap();
        assert_eq!(audio.convert(sample, &video).unwrap(), frame);
        // a whole sample is at most half a sample off
        let off = Rational::integer(sample.round()).minus(sample).unwrap().to_f64().abs();
        assert!(off <= 0.5);
    }

    #[test]
    fn rounds_and_orders() {
        let r = |n, d| Rational::new(n, d).unwrap();
        assert_eq!(
            [r(1, 2).round(), r(-1, 2).round(), r(-7, 3).round(), r(i64::MAX, 1).round()],
            [1, -1, -2, i64::MAX]
        );
        assert_eq!(Rational::integer(i64::MIN).round(), i64::MIN);
        assert!(r(1, 3) < r(34, 100) && r(-1, 2) < Rational::ZERO);
        assert!(Rational::new(1, 0).is_err() && Rational::integer(i64::MAX).plus(Rational::ONE).is_err());
        assert!(TimeBase::samples(Rational::ZERO).is_err());
    }

    #[test]
    fn survives_json() {
        let base = TimeBase::frames(Rational::new(30_000, 1_001).unwrap(), 1)
            .unwrap()
            .with_origin_s(Rational::new(-1, 3).unwrap());
        eir_core::testing::contract::serde_round_trip(&base);
    }
}
