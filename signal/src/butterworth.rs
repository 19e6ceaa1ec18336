//! Design of Butterworth filters as second-order sections.

use crate::{Result, SosFilter};
use eir_core::SampleRate;
use eir_core::error::Parameter;
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Keeps what is between `low_hz` and `high_hz`: order 4, zero phase.
///
/// # Errors
/// As [`ButterworthConfig::design`] and [`SosFilter::zero_phase`].
pub fn band_pass(x: &[f32], rate: SampleRate, low_hz: f64, high_hz: f64) -> Result<Vec<f32>> {
    ButterworthConfig::new(Band::Pass { low_hz, high_hz }).design(rate)?.zero_phase(x)
}

/// Keeps what is below `cutoff_hz`: order 4, zero phase.
///
/// # Errors
/// As [`ButterworthConfig::design`] and [`SosFilter::zero_phase`].
pub fn low_pass(x: &[f32], rate: SampleRate, cutoff_hz: f64) -> Result<Vec<f32>> {
    ButterworthConfig::new(Band::Low { cutoff_hz }).design(rate)?.zero_phase(x)
}

/// Keeps what is above `cutoff_hz`: order 4, zero phase.
///
/// # Errors
/// As [`ButterworthConfig::design`] and [`SosFilter::zero_phase`].
pub fn high_pass(x: &[f32], rate: SampleRate, cutoff_hz: f64) -> Result<Vec<f32>> {
    ButterworthConfig::new(Band::High { cutoff_hz }).design(rate)?.zero_phase(x)
}

/// What a filter lets through. All frequencies lie above 0 and below half the sampling rate; at an edge the gain is
/// 1/√2 (in a zero-phase filter, that passes twice, ½).
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
    fn edges(self) -> (f64, f64) {
        match self {
            Self::Low { cutoff_hz } | Self::High { cutoff_hz } => (cutoff_hz, cutoff_hz),
            Self::Pass { low_hz, high_hz } | Self::Stop { low_hz, high_hz } => (low_hz, high_hz),
        }
    }

    fn is_two_sided(self) -> bool {
        matches!(self, Self::Pass { .. } | Self::Stop { .. })
    }
}

/// Settings of a Butterworth filter, and its design.
///
/// **Use it** where the pass band must be flat: cleaning an ECG, separating a slow baseline from fast variation.
/// **Not** for a narrow hum (a notch costs less), nor, in zero phase, for a live signal ([`SosFilter::stream`] is for
/// that and has delay).
///
/// # Formula
/// Analogue prototype with `N` poles `-exp(iπm/2N)`, `m = -N+1, -N+3 … N-1`, moved to the band with edges pre-warped as
/// `2·f_s·tan(πf/f_s)`, then bilinear; poles and zeros are paired from the pole next to the unit circle outwards, each
/// with the nearest zero, and never multiplied out beyond second order.
///
/// # Examples
/// ```
/// use eir_signal::{Band, ButterworthConfig};
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let filter = ButterworthConfig::new(Band::Low { cutoff_hz: 25.0 }).with_order(2).design(rate)?;
/// let [b0, b1, b2, a0, a1, a2] = filter.sections()[0];
/// assert!((b0 - 0.2928932188).abs() < 1e-9 && (b1 - 2.0 * b0).abs() < 1e-12 && b0 == b2);
/// assert!(a0 == 1.0 && a1.abs() < 1e-12 && (a2 - 0.1715728753).abs() < 1e-9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Coefficients equal SciPy 1.17.1 `butter(output="sos")` within 1e-12 of the largest (1e-7 for order 8 and for a
/// 0.5 Hz high-pass, as the reference states), on all Butterworth cases of the golden set.
///
/// # References
/// Butterworth 1930; Oppenheim, Schafer, *Discrete-Time Signal Processing*, ch. 7.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ButterworthConfig {
    /// What is let through.
    pub band: Band,
    /// Order, 1 to 20; a band-pass or band-stop has twice as many poles. Default 4. Higher is steeper and rings longer.
    pub order: usize,
}

impl ButterworthConfig {
    /// A filter of order 4.
    #[must_use]
    pub fn new(band: Band) -> Self {
        Self { band, order: 4 }
    }
    /// Sets [`order`](Self::order).
    #[must_use]
    pub fn with_order(self, order: usize) -> Self {
        Self { order, ..self }
    }
    /// Sets [`band`](Self::band).
    #[must_use]
    pub fn with_band(self, band: Band) -> Self {
        Self { band, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=20).contains(&self.order) {
            return Err(Parameter::new("order", self.order as f64, "1 to 20").into());
        }
        let (low, high) = self.band.edges();
        if !(low.is_finite() && low > 0.0) {
            return Err(Parameter::new("band", low, "edges above 0 Hz").into());
        }
        if !high.is_finite() || high < low || (self.band.is_two_sided() && high == low) {
            return Err(Parameter::new("band", high, "edges in rising order").into());
        }
        Ok(())
    }

    /// Computes the sections for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if an edge is not below half the rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        self.validate()?;
        let (low, high) = self.band.edges();
        if high >= rate.nyquist_hz() {
            return Err(Parameter::new("band", high, "below half the sampling rate").into());
        }
        // as SciPy: edges relative to half the rate, which then is 1 of an assumed rate of 2
        let warp = |hz: f64| 4.0 * (PI * (hz / rate.nyquist_hz()) / 2.0).tan();
        let prototype: Vec<Complex64> = (0..self.order)
            .map(|i| {
                let m = 2.0 * i as f64 - self.order as f64 + 1.0;
                if m == 0.0 {
                    Complex64::new(-1.0, 0.0)
                } else {
                    -Complex64::from_polar(1.0, PI * m / (2.0 * self.order as f64))
                }
            })
            .collect();
        let analogue = match self.band {
            Band::Low { .. } => low_pass_poles(&prototype, warp(low)),
            Band::High { .. } => high_pass_poles(&prototype, warp(low)),
            Band::Pass { .. } => band_pass_poles(&prototype, warp(low), warp(high)),
            Band::Stop { .. } => band_stop_poles(&prototype, warp(low), warp(high)),
        };
        SosFilter::new(sections(bilinear(analogue)))
    }
}

/// Zeros, poles and gain.
struct Zpk {
    zeros: Vec<Complex64>,
    poles: Vec<Complex64>,
    gain: f64,
}

fn product(values: impl Iterator<Item = Complex64>) -> Complex64 {
    values.fold(Complex64::new(1.0, 0.0), |a, b| a * b)
}

fn low_pass_poles(prototype: &[Complex64], edge: f64) -> Zpk {
    let poles = prototype.iter().map(|p| p * edge).collect();
    Zpk { zeros: Vec::new(), poles, gain: edge.powi(prototype.len() as i32) }
}

fn high_pass_poles(prototype: &[Complex64], edge: f64) -> Zpk {
    let gain = (Complex64::new(1.0, 0.0) / product(prototype.iter().map(|p| -p))).re;
    let poles = prototype.iter().map(|p| edge / p).collect();
    Zpk { zeros: vec![Complex64::new(0.0, 0.0); prototype.len()], poles, gain }
}

fn band_pass_poles(prototype: &[Complex64], low: f64, high: f64) -> Zpk {
    let (width, centre) = (high - low, (low * high).sqrt());
    let scaled: Vec<Complex64> = prototype.iter().map(|p| p * width / 2.0).collect();
    let shift = |p: &Complex64| (p * p - centre * centre).sqrt();
    let poles = scaled.iter().map(|p| p + shift(p)).chain(scaled.iter().map(|p| p - shift(p))).collect();
    Zpk { zeros: vec![Complex64::new(0.0, 0.0); prototype.len()], poles, gain: width.powi(prototype.len() as i32) }
}

fn band_stop_poles(prototype: &[Complex64], low: f64, high: f64) -> Zpk {
    let (width, centre) = (high - low, (low * high).sqrt());
    let scaled: Vec<Complex64> = prototype.iter().map(|p| width / 2.0 / p).collect();
    let shift = |p: &Complex64| (p * p - centre * centre).sqrt();
    let poles = scaled.iter().map(|p| p + shift(p)).chain(scaled.iter().map(|p| p - shift(p))).collect();
    let up = std::iter::repeat_n(Complex64::new(0.0, centre), prototype.len());
    let zeros = up.chain(std::iter::repeat_n(Complex64::new(0.0, -centre), prototype.len())).collect();
    Zpk { zeros, poles, gain: (Complex64::new(1.0, 0.0) / product(prototype.iter().map(|p| -p))).re }
}

/// To the digital plane, at a rate of 2.
fn bilinear(analogue: Zpk) -> Zpk {
    let turn = |v: &Complex64| (4.0 + v) / (4.0 - v);
    let away = |values: &[Complex64]| product(values.iter().map(|v| 4.0 - v));
    let gain = analogue.gain * (away(&analogue.zeros) / away(&analogue.poles)).re;
    let poles: Vec<Complex64> = analogue.poles.iter().map(turn).collect();
    let mut zeros: Vec<Complex64> = analogue.zeros.iter().map(turn).collect();
    zeros.resize(poles.len(), Complex64::new(-1.0, 0.0)); // zeros at infinity move to half the rate
    Zpk { zeros, poles, gain }
}

/// Pairs poles and zeros into sections; the pole next to the unit circle goes last.
fn sections(zpk: Zpk) -> Vec<[f64; 6]> {
    let (mut zeros, mut poles) = (zpk.zeros, zpk.poles);
    if !poles.len().is_multiple_of(2) {
        poles.push(Complex64::new(0.0, 0.0));
        zeros.push(Complex64::new(0.0, 0.0));
    }
    let (mut zeros, mut poles) = (halves(zeros), halves(poles));
    let is_real = |v: &Complex64| v.im == 0.0;
    let reals = |values: &[Complex64]| values.iter().filter(|v| is_real(v)).count();
    let mut found = Vec::new();
    while let Some(first) = take_nearest(&mut poles, |p| (1.0 - p.norm()).abs()) {
        let alone = is_real(&first) && reals(&poles) == 0;
        let must_be_complex =
            poles.len() + 1 == zeros.len() && !is_real(&first) && reals(&poles) == 1 && reals(&zeros) == 1;
        let distance = |z: &Complex64| (first - z).norm();
        let never = f64::INFINITY;
        let zero = take_nearest(&mut zeros, |z| match is_real(z) {
            true if must_be_complex => never,
            false if alone => never,
            _ => distance(z),
        });
        let zero = zero.unwrap_or_default();
        let second_pole = if alone {
            Complex64::new(0.0, 0.0)
        } else if is_real(&first) {
            take_nearest(&mut poles, |p| if is_real(p) { (1.0 - p.norm()).abs() } else { never }).unwrap_or_default()
        } else {
            first.conj()
        };
        let second_zero = if !is_real(&zero) {
            zero.conj()
        } else if alone {
            Complex64::new(0.0, 0.0)
        } else {
            take_nearest(&mut zeros, |z| if is_real(z) { distance(z) } else { never }).unwrap_or_default()
        };
        let (b, a) = (quadratic(zero, second_zero), quadratic(first, second_pole));
        found.push([b[0], b[1], b[2], a[0], a[1], a[2]]);
    }
    found.reverse();
    if let Some(first) = found.first_mut() {
        first[..3].iter_mut().for_each(|b| *b *= zpk.gain);
    }
    found
}

/// `1, -(u+v), uv`: the polynomial with these two roots.
fn quadratic(u: Complex64, v: Complex64) -> [f64; 3] {
    [1.0, -(u + v).re, (u * v).re]
}

/// One of each conjugate pair (the upper one), sorted by real part, and behind them the real ones.
fn halves(mut values: Vec<Complex64>) -> Vec<Complex64> {
    values.sort_by(|a, b| a.re.total_cmp(&b.re).then(a.im.abs().total_cmp(&b.im.abs())));
    let is_real = |v: &Complex64| v.im.abs() <= 100.0 * f64::EPSILON * v.norm();
    let upper = values.iter().filter(|v| !is_real(v) && v.im > 0.0).copied();
    let real = values.iter().filter(|v| is_real(v)).map(|v| Complex64::new(v.re, 0.0));
    upper.chain(real).collect()
}

/// Takes out the value with the least `distance`, the first of several.
fn take_nearest(values: &mut Vec<Complex64>, distance: impl Fn(&Complex64) -> f64) -> Option<Complex64> {
    let best = (0..values.len()).min_by(|a, b| distance(&values[*a]).total_cmp(&distance(&values[*b])))?;
    Some(values.remove(best))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.signal.butter(3, [5, 15], "bandpass", fs=100, output="sos")`, SciPy 1.17.1.
    #[test]
    fn equals_scipy() {
        let rate = SampleRate::new(100.0).unwrap();
        let filter =
            ButterworthConfig::new(Band::Pass { low_hz: 5.0, high_hz: 15.0 }).with_order(3).design(rate).unwrap();
        let want = include!("../tests/golden/butter_3_5_15_100.in");
        for (got, want) in filter.sections().iter().flatten().zip(want.iter().flatten()) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(100.0).unwrap();
        let design = |band| ButterworthConfig::new(band).design(rate).map(drop).unwrap_err().to_string();
        assert_eq!(design(Band::Low { cutoff_hz: 50.0 }), "band is 50, but must be below half the sampling rate");
        assert!(design(Band::Pass { low_hz: 5.0, high_hz: 5.0 }).contains("rising order"));
        assert!(design(Band::High { cutoff_hz: f64::NAN }).contains("above 0"));
        assert!(ButterworthConfig::new(Band::Low { cutoff_hz: 1.0 }).with_order(0).validate().is_err());
    }
}
