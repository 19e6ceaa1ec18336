//! Design of Bessel (Thomson) filters.

use super::zpk::Zpk;
use super::{Band, SosFilter};
use crate::Result;
use eir_core::SampleRate;
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_1_SQRT_2;

/// What the edge of a Bessel filter is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BesselNorm {
    /// The phase at the edge is half way to its end: the asymptotes are those of a Butterworth filter.
    #[default]
    Phase,
    /// The group delay of the prototype in the pass band is 1/edge.
    Delay,
    /// The gain at the edge is 1/√2.
    Magnitude,
}

/// Settings of a Bessel filter, and its design: the flattest group delay, so that a wave keeps its shape.
///
/// **Use it** on a live signal, where zero phase cannot be had and a step must not ring. **Not** to separate near bands:
/// its edge is the least steep. The bilinear transform keeps the flat delay only well below half the sampling rate.
///
/// # Formula
/// Prototype poles are the roots of the reverse Bessel polynomial `Σ_k s^k (2N-k)! / (2^(N-k) k! (N-k)!)`, found by
/// Aberth's iteration on values in double-double precision, scaled as the [norm](BesselNorm) says; then as
/// [`ButterworthConfig`](crate::ButterworthConfig).
///
/// # Examples
/// ```
/// use eir_signal::filter::{Band, BesselConfig, BesselNorm};
/// let rate = eir_core::SampleRate::new(1000.0)?;
/// let low = BesselConfig::new(Band::Low { cutoff_hz: 25.0 }).with_norm(BesselNorm::Magnitude).design(rate)?;
/// assert!((low.response(&[25.0], rate)[0].norm_sqr() - 0.5).abs() < 1e-9);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Coefficients equal SciPy 1.17.1 `bessel(output="sos")` with all three norms on the golden set and on random designs of
/// order 1 to 12; see [`filter`](crate::filter).
///
/// # References
/// Thomson 1949, *Delay networks having maximally flat frequency characteristics*; Aberth 1973,
/// doi:10.1090/S0025-5718-1973-0329236-7.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BesselConfig {
    /// What is let through.
    pub band: Band,
    /// Order, 1 to 20; a band-pass or band-stop has twice as many poles. Default 4.
    pub order: usize,
    /// What the edge is. Default [`BesselNorm::Phase`], as SciPy's.
    pub norm: BesselNorm,
}

impl BesselConfig {
    /// A filter of order 4.
    #[must_use]
    pub fn new(band: Band) -> Self {
        Self { band, order: 4, norm: BesselNorm::Phase }
    }
    /// Sets [`band`](Self::band).
    #[must_use]
    pub fn with_band(self, band: Band) -> Self {
        Self { band, ..self }
    }
    /// Sets [`order`](Self::order).
    #[must_use]
    pub fn with_order(self, order: usize) -> Self {
        Self { order, ..self }
    }
    /// Sets [`norm`](Self::norm).
    #[must_use]
    pub fn with_norm(self, norm: BesselNorm) -> Self {
        Self { norm, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.band.validate(self.order)
    }

    /// Computes the sections for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`](eir_core::error::Parameter) if an edge is not below half the
    /// rate.
    pub fn design(&self, rate: SampleRate) -> Result<SosFilter> {
        self.validate()?;
        prototype(self.order, self.norm).design(self.band, rate)
    }
}

fn prototype(order: usize, norm: BesselNorm) -> Zpk {
    let coefficients = coefficients(order);
    let constant = coefficients.first().map_or(1.0, |c| c.high);
    let poles = roots(&coefficients);
    let scale = match norm {
        BesselNorm::Delay => 1.0,
        BesselNorm::Phase => constant.powf(-1.0 / order as f64),
        BesselNorm::Magnitude => 1.0 / half_power(&poles),
    };
    let gain = match norm {
        BesselNorm::Phase => 1.0,
        _ => constant * scale.powi(order as i32),
    };
    Zpk { zeros: Vec::new(), poles: poles.into_iter().map(|p| p * scale).collect(), gain }
}

/// The frequency at which the gain is 1/√2, by bisection: the gain falls with frequency.
fn half_power(poles: &[Complex64]) -> f64 {
    let gain = |w: f64| poles.iter().map(|p| p.norm() / (Complex64::new(0.0, w) - p).norm()).product::<f64>();
    let (mut low, mut high) = (0.0, 2.0 * poles.len() as f64);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if gain(middle) > FRAC_1_SQRT_2 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The polynomial's coefficients, from the constant upwards: integers below 2^106.
fn coefficients(order: usize) -> Vec<Double> {
    let n = order as u128;
    let mut value = 1u128;
    let mut falling = vec![Double::of_integer(1)];
    for k in (0..n).rev() {
        value = value * (2 * n - k) * (k + 1) / (2 * (n - k));
        falling.push(Double::of_integer(value));
    }
    falling.reverse();
    falling
}

/// All roots; conjugate pairs are exactly conjugate, and a real root is exactly real.
fn roots(coefficients: &[Double]) -> Vec<Complex64> {
    let order = coefficients.len() - 1;
    let radius = coefficients.first().map_or(1.0, |c| c.high.powf(1.0 / order as f64));
    let angle = |i: usize| std::f64::consts::FRAC_PI_2 * (1.0 + (2 * i + 1) as f64 / order as f64);
    let mut all: Vec<Complex64> = (0..order).map(|i| Complex64::from_polar(radius, angle(i))).collect();
    for _ in 0..100 {
        let steps: Vec<Complex64> = (0..order)
            .map(|i| {
                let newton = newton_step(coefficients, all[i]);
                let others = (0..order).filter(|j| *j != i).map(|j| 1.0 / (all[i] - all[j])).sum::<Complex64>();
                newton / (1.0 - newton * others)
            })
            .collect();
        all.iter_mut().zip(&steps).for_each(|(root, step)| *root -= step);
        if all.iter().zip(&steps).all(|(root, step)| step.norm() <= f64::EPSILON * root.norm()) {
            break;
        }
    }
    let (upper, real) = (order / 2, order % 2);
    let mut found: Vec<Complex64> = all[..upper].to_vec();
    found.extend(all[..upper].iter().map(Complex64::conj));
    found.extend(all[upper..upper + real].iter().map(|r| Complex64::new(r.re, 0.0)));
    found
}

/// `p(z)/p'(z)`: the terms of `p` cancel near a root, so they are summed in double-double.
fn newton_step(coefficients: &[Double], z: Complex64) -> Complex64 {
    let zero = Double { high: 0.0, low: 0.0 };
    let (mut value, mut slope) = ([zero; 2], [zero; 2]);
    let times = |[re, im]: [Double; 2]| [re.times(z.re).plus(im.times(-z.im)), re.times(z.im).plus(im.times(z.re))];
    for c in coefficients.iter().rev() {
        let moved = times(slope);
        slope = [moved[0].plus(value[0]), moved[1].plus(value[1])];
        value = times(value);
        value[0] = value[0].plus(*c);
    }
    Complex64::new(value[0].high, value[1].high) / Complex64::new(slope[0].high, slope[1].high)
}

/// A number of 106 bits as the sum of two.
#[derive(Debug, Clone, Copy)]
struct Double {
    high: f64,
    low: f64,
}

impl Double {
    fn of_integer(value: u128) -> Self {
        let high = value as f64;
        let rest = value as i128 - high as i128;
        Self { high, low: rest as f64 }
    }

    /// `high + low` with |low| at most half of high's last digit.
    fn of_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let of_b = high - a;
        Self { high, low: (a - (high - of_b)) + (b - of_b) }
    }

    fn times(self, factor: f64) -> Self {
        let high = self.high * factor;
        let low = self.high.mul_add(factor, -high) + self.low * factor;
        Self::of_sum(high, low)
    }

    fn plus(self, other: Self) -> Self {
        let sum = Self::of_sum(self.high, other.high);
        Self::of_sum(sum.high, sum.low + self.low + other.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_the_small_orders() {
        // s² + 3s + 3, s³ + 6s² + 15s + 15
        let two = roots(&coefficients(2));
        assert!((two[0] - Complex64::new(-1.5, 0.75f64.sqrt())).norm() < 1e-15);
        let three = roots(&coefficients(3));
        assert!((three[2].re + 2.322_185_354_626_086).abs() < 2e-15, "{three:?}");
    }

    #[test]
    fn the_roots_multiply_to_the_constant() {
        for order in 1..=20 {
            let coefficients = coefficients(order);
            let roots = roots(&coefficients);
            assert!(roots.iter().all(|r| r.re < 0.0), "order {order}");
            let product = super::super::zpk::product(roots.iter().map(|r| -r));
            assert!((product.re / coefficients[0].high - 1.0).abs() < 1e-13, "order {order}: {product}");
            let sum: f64 = roots.iter().map(|r| r.re).sum();
            assert!((sum + coefficients[order - 1].high).abs() < 1e-12 * sum.abs(), "order {order}");
        }
    }
}
