//! Wavelets of the continuous transform.

use crate::Result;
use eir_core::error::{Parameter, Unsupported};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_PI_2, PI, TAU};
use std::fmt;
use std::str::FromStr;

/// A wavelet that is given by a formula, by the names that PyWavelets uses: `"cmor1.5-1.0".parse()`.
///
/// # Formula
/// | name | ψ(t) |
/// |---|---|
/// | `morl` | `exp(-t²/2) cos 5t` |
/// | `mexh` | `2/(√3 π^¼) (1 - t²) exp(-t²/2)` |
/// | `gausP` | `±c dᴾ/dtᴾ exp(-t²)`, of energy 1, its sign that of PyWavelets: - for P = 2, 3, 6, 7 |
/// | `cgauP` | `c dᴾ/dtᴾ exp(-it - t²)`, of energy 1 |
/// | `cmorB-C` | `exp(-t²/B + 2πi C t)/√(πB)` |
/// | `shanB-C` | `√B sinc(Bt) exp(2πi C t)` |
/// | `fbspM-B-C` | `√B sinc(Bt/M)ᴹ exp(2πi C t)` |
///
/// # References
/// Torrence, Compo 1998, doi:10.1175/1520-0477(1998)079<0061:APGTWA>2.0.CO;2; Teolis 1998, doi:10.1007/978-1-4612-4142-3.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ContinuousWavelet {
    /// `morl`: the real Morlet wavelet.
    Morlet,
    /// `mexh`: the Mexican hat.
    MexicanHat,
    /// `gausP`, 1 to 8: derivatives of a bell curve.
    Gaussian(u8),
    /// `cgauP`, 1 to 8: derivatives of a complex bell curve.
    ComplexGaussian(u8),
    /// `cmorB-C`: the complex Morlet wavelet, the usual choice for power and phase.
    ComplexMorlet {
        /// Width, above 0: the variance is half of it.
        bandwidth: f64,
        /// Centre in periods per unit, above 0.
        centre: f64,
    },
    /// `shanB-C`: a band with sharp edges.
    Shannon {
        /// Width of the band, above 0.
        bandwidth: f64,
        /// Centre in periods per unit, above 0.
        centre: f64,
    },
    /// `fbspM-B-C`: frequency B-spline.
    BSpline {
        /// Order, 1 to 32.
        order: u8,
        /// Width of the band, above 0.
        bandwidth: f64,
        /// Centre in periods per unit, above 0.
        centre: f64,
    },
}

impl fmt::Display for ContinuousWavelet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Morlet => write!(f, "morl"),
            Self::MexicanHat => write!(f, "mexh"),
            Self::Gaussian(n) => write!(f, "gaus{n}"),
            Self::ComplexGaussian(n) => write!(f, "cgau{n}"),
            Self::ComplexMorlet { bandwidth, centre } => write!(f, "cmor{bandwidth}-{centre}"),
            Self::Shannon { bandwidth, centre } => write!(f, "shan{bandwidth}-{centre}"),
            Self::BSpline { order, bandwidth, centre } => write!(f, "fbsp{order}-{bandwidth}-{centre}"),
        }
    }
}

impl FromStr for ContinuousWavelet {
    type Err = crate::Error;

    fn from_str(name: &str) -> Result<Self> {
        let split = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
        let (family, rest) = name.split_at(split);
        let numbers: Vec<Option<f64>> = rest.split('-').filter(|s| !s.is_empty()).map(|s| s.parse().ok()).collect();
        let order = |v: f64| if v.fract() == 0.0 && (0.0..=255.0).contains(&v) { Some(v as u8) } else { None };
        let found = match (family, numbers.as_slice()) {
            ("morl", []) => Some(Self::Morlet),
            ("mexh", []) => Some(Self::MexicanHat),
            ("gaus", [Some(n)]) => order(*n).map(Self::Gaussian),
            ("cgau", [Some(n)]) => order(*n).map(Self::ComplexGaussian),
            ("cmor", [Some(b), Some(c)]) => Some(Self::ComplexMorlet { bandwidth: *b, centre: *c }),
            ("shan", [Some(b), Some(c)]) => Some(Self::Shannon { bandwidth: *b, centre: *c }),
            ("fbsp", [Some(m), Some(b), Some(c)]) => {
                order(*m).map(|order| Self::BSpline { order, bandwidth: *b, centre: *c })
            }
            _ => None,
        };
        let found = found.ok_or_else(|| {
            Unsupported::new(
                format!("the continuous wavelet {name:?}"),
                "use morl, mexh, gausP, cgauP, cmorB-C, shanB-C or fbspM-B-C",
            )
        })?;
        found.validate()?;
        Ok(found)
    }
}

impl ContinuousWavelet {
    /// Checks orders and shapes.
    ///
    /// # Errors
    /// [`Parameter`] names the one that is out of its range.
    pub fn validate(self) -> Result<()> {
        let shapes = match self {
            Self::Gaussian(n) | Self::ComplexGaussian(n) if !(1..=8).contains(&n) => {
                return Err(Parameter::new("order", f64::from(n), "1 to 8").into());
            }
            Self::BSpline { order, .. } if !(1..=32).contains(&order) => {
                return Err(Parameter::new("order", f64::from(order), "1 to 32").into());
            }
            Self::ComplexMorlet { bandwidth, centre }
            | Self::Shannon { bandwidth, centre }
            | Self::BSpline { bandwidth, centre, .. } => [("bandwidth", bandwidth), ("centre", centre)],
            _ => return Ok(()),
        };
        match shapes.into_iter().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
            Some((name, value)) => Err(Parameter::new(name, value, "above 0 and finite").into()),
            None => Ok(()),
        }
    }

    /// Whether its values are complex.
    #[must_use]
    pub fn is_complex(self) -> bool {
        !matches!(self, Self::Morlet | Self::MexicanHat | Self::Gaussian(_))
    }

    /// Beyond ±this it is taken as 0.
    #[must_use]
    pub fn reach(self) -> f64 {
        match self {
            Self::Gaussian(_) | Self::ComplexGaussian(_) => 5.0,
            Self::Shannon { .. } | Self::BSpline { .. } => 20.0,
            _ => 8.0,
        }
    }

    /// ψ(t).
    #[must_use]
    pub fn value(self, t: f64) -> Complex64 {
        let real = |v: f64| Complex64::new(v, 0.0);
        let sinc = |v: f64| if v == 0.0 { 1.0 } else { (PI * v).sin() / (PI * v) };
        let tone = |centre: f64| Complex64::from_polar(1.0, TAU * centre * t);
        match self {
            Self::Morlet => real((5.0 * t).cos() * (-t * t / 2.0).exp()),
            Self::MexicanHat => real(hat() * (1.0 - t * t) * (-t * t / 2.0).exp()),
            Self::Gaussian(n) => derivative(n, t, 0.0) * (sign(n) / bell_norm(n, 0.0)),
            Self::ComplexGaussian(n) => derivative(n, t, 1.0) / bell_norm(n, 1.0),
            Self::ComplexMorlet { bandwidth: b, centre } => tone(centre) * ((-t * t / b).exp() / (PI * b).sqrt()),
            Self::Shannon { bandwidth: b, centre } => tone(centre) * (b.sqrt() * sinc(b * t)),
            Self::BSpline { order, bandwidth: b, centre } => {
                tone(centre) * (b.sqrt() * sinc(b * t / f64::from(order)).powi(i32::from(order)))
            }
        }
    }

    /// The Fourier transform `∫ ψ(t) exp(-iωt) dt`.
    #[must_use]
    pub fn transform(self, omega: f64) -> Complex64 {
        let real = |v: f64| Complex64::new(v, 0.0);
        let bell = |n: u8, shift: f64| {
            let size = PI.sqrt() * (-(omega + shift).powi(2) / 4.0).exp() / bell_norm(n, shift);
            Complex64::new(0.0, omega).powu(u32::from(n)) * size
        };
        match self {
            Self::Morlet => {
                let side = |centre: f64| (-(omega - centre).powi(2) / 2.0).exp();
                real((TAU.sqrt() / 2.0) * (side(5.0) + side(-5.0)))
            }
            Self::MexicanHat => real(hat() * TAU.sqrt() * omega * omega * (-omega * omega / 2.0).exp()),
            Self::Gaussian(n) => bell(n, 0.0) * sign(n),
            Self::ComplexGaussian(n) => bell(n, 1.0),
            Self::ComplexMorlet { bandwidth, centre } => {
                real((-bandwidth * (omega - TAU * centre).powi(2) / 4.0).exp())
            }
            Self::Shannon { bandwidth, centre } => spline(1, bandwidth, omega / TAU - centre),
            Self::BSpline { order, bandwidth, centre } => spline(order, bandwidth, omega / TAU - centre),
        }
    }

    /// Where its spectrum has its peak, in periods per unit.
    #[must_use]
    pub fn centre(self) -> f64 {
        match self {
            Self::Morlet => 5.0 / TAU,
            Self::MexicanHat => 2f64.sqrt() / TAU,
            Self::Gaussian(n) => (2.0 * f64::from(n)).sqrt() / TAU,
            // the peak of |ω|ⁿ exp(-(ω+1)²/4) lies at negative ω: n/ω = (ω+1)/2
            Self::ComplexGaussian(n) => (1.0 + (1.0 + 8.0 * f64::from(n)).sqrt()) / 2.0 / TAU,
            Self::ComplexMorlet { centre, .. } | Self::Shannon { centre, .. } | Self::BSpline { centre, .. } => centre,
        }
    }
}

/// Factor of the Mexican hat that gives it energy 1.
fn hat() -> f64 {
    2.0 / (3f64.sqrt() * PI.sqrt().sqrt())
}

/// The sign that PyWavelets gives to the derivatives of a bell curve.
fn sign(n: u8) -> f64 {
    if matches!(n % 4, 2 | 3) { -1.0 } else { 1.0 }
}

/// `dⁿ/dtⁿ exp(-i s t - t²)`: with `z = 2t + is`, each derivative is `f_{k+1} = -z f_k - 2k f_{k-1}`.
fn derivative(n: u8, t: f64, s: f64) -> Complex64 {
    let z = Complex64::new(2.0 * t, s);
    let (mut before, mut now) = (Complex64::default(), Complex64::from_polar((-t * t).exp(), -s * t));
    for k in 0..n {
        (before, now) = (now, -z * now - 2.0 * f64::from(k) * before);
    }
    now
}

/// Root of the energy of [`derivative`]: `1/2π ∫ ω²ⁿ π exp(-(ω+s)²/2) dω`, the moment of a Gaussian of mean `-s`.
fn bell_norm(n: u8, s: f64) -> f64 {
    // E[X^m] of N(s, 1): m_k = s m_{k-1} + (k-1) m_{k-2}
    let (mut before, mut now) = (0.0, 1.0);
    for k in 0..2 * u32::from(n) {
        (before, now) = (now, s * now + f64::from(k) * before);
    }
    (FRAC_PI_2.sqrt() * now).sqrt()
}

/// The spectrum of `√B sinc(Bt/M)ᴹ`: the M-fold convolution of boxes of width `B/M` and height `M/B`.
fn spline(order: u8, b: f64, f: f64) -> Complex64 {
    let m = i32::from(order);
    // the B-spline of order M at u, by its truncated powers, from the side with fewer terms
    let u = f64::from(m) / 2.0 - (f * f64::from(m) / b).abs();
    let (mut sum, mut choose, mut factorial) = (0.0, 1.0, 1.0);
    for k in 0..=m {
        let reach = u - f64::from(k);
        if reach > 0.0 {
            sum += if k % 2 == 0 { choose } else { -choose } * reach.powi(m - 1);
        } else if reach == 0.0 && m == 1 {
            sum += 0.5 * if k % 2 == 0 { choose } else { -choose };
        }
        choose *= f64::from(m - k) / f64::from(k + 1);
    }
    for k in 2..m {
        factorial *= f64::from(k);
    }
    Complex64::new(b.sqrt() * f64::from(m) / b * sum / factorial, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each() -> Vec<ContinuousWavelet> {
        let names = ["morl", "mexh", "cmor1.5-1.0", "cmor1-0.5"].map(str::to_owned).into_iter();
        let bells = (1..=8).flat_map(|n| [format!("gaus{n}"), format!("cgau{n}")]);
        names.chain(bells).map(|n| n.parse().unwrap()).collect()
    }

    #[test]
    fn the_transform_is_that_of_the_values() {
        let splines = ["fbsp4-1-1", "fbsp3-1.5-1"].map(|n| n.parse().unwrap());
        for wavelet in each().into_iter().chain(splines) {
            let (step, reach) = (1.0 / 64.0, if wavelet.reach() > 10.0 { 400.0 } else { 12.0 });
            for omega in [-3.0, -0.7, 0.4, 1.0, 2.5, 5.0, 6.5] {
                let count = (2.0 * reach / step) as i32;
                let sum: Complex64 = (0..=count)
                    .map(|i| {
                        let t = -reach + step * f64::from(i);
                        wavelet.value(t) * Complex64::from_polar(step, -omega * t)
                    })
                    .sum();
                let error = (sum - wavelet.transform(omega)).norm();
                let least = if wavelet.reach() > 10.0 { 1e-4 } else { 1e-11 };
                assert!(error < least, "{wavelet} {omega}: {sum} {}", wavelet.transform(omega));
            }
        }
    }

    #[test]
    fn bells_have_energy_one() {
        for wavelet in each().into_iter().filter(|w| w.reach() == 5.0) {
            let energy: f64 = (-800..800).map(|i| wavelet.value(f64::from(i) / 100.0).norm_sqr() / 100.0).sum();
            assert!((energy - 1.0).abs() < 1e-12, "{wavelet} {energy}");
        }
    }

    #[test]
    fn the_centre_is_the_peak() {
        for wavelet in each() {
            let sign = if matches!(wavelet, ContinuousWavelet::ComplexGaussian(_)) { -1.0 } else { 1.0 };
            let at = |f: f64| wavelet.transform(sign * TAU * f).norm();
            let c = wavelet.centre();
            assert!(at(c) > at(c * 1.01) && at(c) > at(c * 0.99), "{wavelet}");
        }
    }

    #[test]
    fn names() {
        for name in ["morl", "gaus3", "cgau8", "cmor1.5-1", "shan0.5-2", "fbsp2-1-1.5"] {
            assert_eq!(name.parse::<ContinuousWavelet>().unwrap().to_string(), name);
        }
        for name in ["", "gaus", "gaus9", "gaus1.5", "cmor", "cmor0-1", "cmor1-nan", "fbsp0-1-1", "db4"] {
            assert!(name.parse::<ContinuousWavelet>().is_err(), "{name}");
        }
    }
}
