//! Zeros, poles and gain: the way of every recursive design from its analogue prototype to second-order sections.

use super::{Band, SosFilter};
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;
use num_complex::Complex64;
use std::f64::consts::PI;

const ONE: Complex64 = Complex64::new(1.0, 0.0);
const ZERO: Complex64 = Complex64::new(0.0, 0.0);

/// Zeros, poles and gain. A prototype is a low-pass with its edge at 1 rad/s.
#[derive(Debug, Clone)]
pub(super) struct Zpk {
    pub(super) zeros: Vec<Complex64>,
    pub(super) poles: Vec<Complex64>,
    pub(super) gain: f64,
}

/// `Π values`.
pub(super) fn product(values: impl Iterator<Item = Complex64>) -> Complex64 {
    values.fold(ONE, |a, b| a * b)
}

/// `Re(Π(-poles) / Π(-zeros))`: the gain that makes a prototype 1 at 0 rad/s.
pub(super) fn unit_gain(zeros: &[Complex64], poles: &[Complex64]) -> f64 {
    (product(poles.iter().map(|p| -p)) / product(zeros.iter().map(|z| -z))).re
}

impl Zpk {
    /// Moves the prototype to `band`, to the digital plane and into sections.
    pub(super) fn design(self, band: Band, rate: SampleRate) -> Result<SosFilter> {
        let (low, high) = band.normalised(rate)?;
        // the bilinear transform at an assumed rate of 2 bends frequencies by this
        let warp = |part: f64| 4.0 * (PI * part / 2.0).tan();
        let digital = match band {
            Band::Low { .. } => self.low(warp(low)),
            Band::High { .. } => self.high(warp(low)),
            Band::Pass { .. } => self.pass(warp(low), warp(high)),
            Band::Stop { .. } => self.stop(warp(low), warp(high)),
        }
        .bilinear();
        if !(digital.gain.is_finite() && digital.gain != 0.0) {
            let (low, _) = band.edges();
            return Err(Parameter::new("band", low, "wide enough for this order in double precision").into());
        }
        SosFilter::new(digital.sections())
    }

    /// How many more poles there are than zeros.
    fn degree(&self) -> usize {
        self.poles.len().saturating_sub(self.zeros.len())
    }

    fn low(self, edge: f64) -> Self {
        let gain = self.gain * edge.powi(self.degree() as i32);
        let scale = |values: Vec<Complex64>| values.into_iter().map(|v| v * edge).collect();
        Self { gain, zeros: scale(self.zeros), poles: scale(self.poles) }
    }

    fn high(self, edge: f64) -> Self {
        let gain = self.gain / unit_gain(&self.zeros, &self.poles);
        let degree = self.degree();
        let turn = |values: Vec<Complex64>| values.into_iter().map(|v| edge / v).collect::<Vec<_>>();
        let mut zeros = turn(self.zeros);
        zeros.extend(std::iter::repeat_n(ZERO, degree));
        Self { gain, zeros, poles: turn(self.poles) }
    }

    fn pass(self, low: f64, high: f64) -> Self {
        let (width, centre) = (high - low, (low * high).sqrt());
        let gain = self.gain * width.powi(self.degree() as i32);
        let degree = self.degree();
        let mut zeros = split(self.zeros.iter().map(|z| z * (width / 2.0)), centre);
        zeros.extend(std::iter::repeat_n(ZERO, degree));
        Self { gain, zeros, poles: split(self.poles.iter().map(|p| p * (width / 2.0)), centre) }
    }

    fn stop(self, low: f64, high: f64) -> Self {
        let (width, centre) = (high - low, (low * high).sqrt());
        let gain = self.gain / unit_gain(&self.zeros, &self.poles);
        let degree = self.degree();
        let mut zeros = split(self.zeros.iter().map(|z| width / 2.0 / z), centre);
        zeros.extend(std::iter::repeat_n(Complex64::new(0.0, centre), degree));
        zeros.extend(std::iter::repeat_n(Complex64::new(0.0, -centre), degree));
        Self { gain, zeros, poles: split(self.poles.iter().map(|p| width / 2.0 / p), centre) }
    }

    /// To the digital plane, at a rate of 2.
    fn bilinear(self) -> Self {
        let turn = |v: &Complex64| (4.0 + v) / (4.0 - v);
        let away = |values: &[Complex64]| product(values.iter().map(|v| 4.0 - v));
        let gain = self.gain * (away(&self.zeros) / away(&self.poles)).re;
        let poles: Vec<Complex64> = self.poles.iter().map(turn).collect();
        let mut zeros: Vec<Complex64> = self.zeros.iter().map(turn).collect();
        zeros.resize(poles.len(), Complex64::new(-1.0, 0.0)); // zeros at infinity move to half the rate
        Self { zeros, poles, gain }
    }

    /// Pairs poles and zeros into sections; the pole next to the unit circle goes last, and each takes its nearest zero.
    fn sections(self) -> Vec<[f64; 6]> {
        let (mut zeros, mut poles) = (self.zeros, self.poles);
        if !poles.len().is_multiple_of(2) {
            poles.push(ZERO);
            zeros.push(ZERO);
        }
        let (mut zeros, mut poles) = (halves(zeros), halves(poles));
        let reals = |values: &[Complex64]| values.iter().filter(|v| is_real(v)).count();
        let never = f64::INFINITY;
        let mut found = Vec::with_capacity(poles.len());
        while let Some(first) = take_nearest(&mut poles, from_circle) {
            let distance = |z: &Complex64| (first - z).norm();
            let alone = is_real(&first) && reals(&poles) == 0;
            let complex_only =
                poles.len() + 1 == zeros.len() && !is_real(&first) && reals(&poles) == 1 && reals(&zeros) == 1;
            let zero = take_nearest(&mut zeros, |z| match is_real(z) {
                true if complex_only => never,
                false if alone => never,
                _ => distance(z),
            })
            .unwrap_or_default();
            let second_pole = if alone {
                ZERO
            } else if is_real(&first) {
                take_nearest(&mut poles, |p| if is_real(p) { from_circle(p) } else { never }).unwrap_or_default()
            } else {
                first.conj()
            };
            let second_zero = if alone {
                ZERO
            } else if is_real(&zero) {
                take_nearest(&mut zeros, |z| if is_real(z) { distance(z) } else { never }).unwrap_or_default()
            } else {
                zero.conj()
            };
            let (b, a) = (quadratic(zero, second_zero), quadratic(first, second_pole));
            found.push([b[0], b[1], b[2], a[0], a[1], a[2]]);
        }
        found.reverse();
        if let Some(first) = found.first_mut() {
            first[..3].iter_mut().for_each(|b| *b *= self.gain);
        }
        found
    }
}

/// The roots of `s² - 2vs + centre²` for each `v`: first those with `+`, then those with `-`. The smaller one comes from
/// the product of both, so that a wide band does not cancel its digits.
fn split(values: impl Iterator<Item = Complex64>, centre: f64) -> Vec<Complex64> {
    let (mut plus, minus): (Vec<_>, Vec<_>) = values
        .map(|v| {
            let shift = (v * v - centre * centre).sqrt();
            let (a, b) = (v + shift, v - shift);
            let square = Complex64::new(centre * centre, 0.0);
            match a.norm().total_cmp(&b.norm()) {
                std::cmp::Ordering::Greater => (a, square / a),
                std::cmp::Ordering::Less => (square / b, b),
                std::cmp::Ordering::Equal => (a, b),
            }
        })
        .unzip();
    plus.extend(minus);
    plus
}

fn is_real(v: &Complex64) -> bool {
    v.im == 0.0
}

fn from_circle(p: &Complex64) -> f64 {
    (1.0 - p.norm()).abs()
}

/// `1, -(u+v), uv`: the polynomial with these two roots.
fn quadratic(u: Complex64, v: Complex64) -> [f64; 3] {
    [1.0, -(u + v).re, (u * v).re]
}

/// One of each conjugate pair (the upper one), sorted by real part, and behind them the real ones.
fn halves(mut values: Vec<Complex64>) -> Vec<Complex64> {
    const SAME: f64 = 100.0 * f64::EPSILON;
    values.sort_by(|a, b| a.re.total_cmp(&b.re).then(a.im.abs().total_cmp(&b.im.abs())));
    let (real, complex): (Vec<_>, Vec<_>) = values.into_iter().partition(|v| v.im.abs() <= SAME * v.norm());
    let (mut upper, mut lower): (Vec<_>, Vec<_>) = complex.into_iter().partition(|v| v.im > 0.0);
    // where real parts are equal but for rounding, the imaginary part decides
    for part in [&mut upper, &mut lower] {
        for run in part.chunk_by_mut(|a, b| b.re - a.re <= SAME * a.norm()) {
            run.sort_by(|a, b| a.im.abs().total_cmp(&b.im.abs()));
        }
    }
    let paired = upper.iter().zip(&lower).map(|(u, l)| (u + l.conj()) / 2.0);
    paired.chain(real.iter().map(|v| Complex64::new(v.re, 0.0))).collect()
}

/// Takes out the value with the least `distance`, the first of several.
fn take_nearest(values: &mut Vec<Complex64>, distance: impl Fn(&Complex64) -> f64) -> Option<Complex64> {
    let distances = values.iter().map(&distance).enumerate();
    let (best, least) = distances.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    if least.is_finite() { Some(values.remove(best)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_band_keeps_the_digits_of_its_low_edge() {
        let v = Complex64::new(-1e6, 0.0);
        let roots = split(std::iter::once(v), 1.0);
        let small = roots.iter().find(|r| r.norm() < 1.0).unwrap();
        assert!((small.re + 5.000_000_000_001_25e-7).abs() < 1e-21, "{small}"); // -(c²/2v)(1 + c²/4v²)
    }
}
