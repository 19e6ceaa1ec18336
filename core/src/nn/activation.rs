//! What is applied to a convolution's result.

use super::{Error, Instructions};
use crate::error::{Mismatch, NotFinite, Parameter};
use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};

/// A function that is applied to each value of a layer's result.
///
/// ```
/// use eir_core::nn::Activation;
/// let mut values = [-1.0, 3.0, 9.0];
/// Activation::Relu6.apply(0, &mut values);
/// assert_eq!(values, [0.0, 3.0, 6.0]);
/// ```
///
/// # Validation
/// Sigmoid and SiLU are within 3e-7 (relative) of their values in `f64` for −80 … 80 (test below).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Activation {
    /// The value itself.
    #[default]
    Identity,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x above 0, else `slope` · x.
    LeakyRelu {
        /// The slope below 0.
        slope: f32,
    },
    /// x above 0, else the channel's slope · x.
    Prelu {
        /// The slope below 0 of each channel.
        slopes: Vec<f32>,
    },
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// x / (1 + e⁻ˣ), also called swish.
    Silu,
    /// min(max(x + 3, 0), 6) / 6.
    HardSigmoid,
    /// x · min(max(x + 3, 0), 6) / 6.
    HardSwish,
}

impl Activation {
    /// Applies the function to values of one `channel`.
    #[inline(always)]
    pub fn apply(&self, channel: usize, values: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Relu => values.iter_mut().for_each(|v| *v = relu(*v)),
            Self::Relu6 => values.iter_mut().for_each(|v| *v = relu6(*v)),
            Self::LeakyRelu { slope } => values.iter_mut().for_each(|v| *v = leaky(*v, *slope)),
            Self::Prelu { slopes } => {
                let slope = slopes.get(channel).copied().unwrap_or(0.0);
                values.iter_mut().for_each(|v| *v = leaky(*v, slope));
            }
            Self::Sigmoid => values.iter_mut().for_each(|v| *v = sigmoid(*v)),
            Self::Silu => values.iter_mut().for_each(|v| *v *= sigmoid(*v)),
            Self::HardSigmoid => values.iter_mut().for_each(|v| *v = hard_sigmoid(*v)),
            Self::HardSwish => values.iter_mut().for_each(|v| *v *= hard_sigmoid(*v)),
        }
    }

    /// Applies the function to whole channels of `plane` values each, with the processor's best instructions.
    ///
    /// Values are those of [`apply`](Self::apply) within rounding.
    ///
    /// ```
    /// use eir_core::nn::Activation;
    /// let mut values = [-2.0, 2.0, -2.0, 2.0];
    /// Activation::Prelu { slopes: vec![0.5, 0.0] }.apply_channels(2, &mut values);
    /// assert_eq!(values, [-1.0, 2.0, 0.0, 2.0]);
    /// ```
    pub fn apply_channels(&self, plane: usize, values: &mut [f32]) {
        if *self != Self::Identity && plane > 0 {
            Instructions::best().run(Channels { activation: self, first: 0, plane, values });
        }
    }

    /// Applies the function to vectors of one channel's values.
    #[inline(always)]
    fn apply_vectors<S: Simd>(&self, simd: S, channel: usize, values: &mut [S::f32s]) {
        match self {
            Self::Identity => {}
            Self::Relu | Self::Relu6 => {
                let (low, high) = self.clamp().unwrap_or((0.0, f32::INFINITY));
                let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
                for v in values {
                    *v = within(simd, low, high, *v);
                }
            }
            Self::LeakyRelu { slope } => leaky_all(simd, values, *slope),
            Self::Prelu { slopes } => leaky_all(simd, values, slopes.get(channel).copied().unwrap_or(0.0)),
            Self::Sigmoid => {
                for v in values {
                    *v = sigmoids(simd, *v);
                }
            }
            Self::Silu => {
                for v in values {
                    *v = simd.mul_f32s(*v, sigmoids(simd, *v));
                }
            }
            Self::HardSigmoid => {
                for v in values {
                    *v = hard_sigmoids(simd, *v);
                }
            }
            Self::HardSwish => {
                for v in values {
                    *v = simd.mul_f32s(*v, hard_sigmoids(simd, *v));
                }
            }
        }
    }

    /// The bounds of an activation that is nothing but a clamp.
    #[inline(always)]
    pub(super) fn clamp(&self) -> Option<(f32, f32)> {
        match self {
            Self::Identity => Some((f32::NEG_INFINITY, f32::INFINITY)),
            Self::Relu => Some((0.0, f32::INFINITY)),
            Self::Relu6 => Some((0.0, 6.0)),
            _ => None,
        }
    }

    /// Checks the slopes for a layer of `channels`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a slope that is not finite, [`Error::Mismatch`] for another number of slopes.
    pub fn validate(&self, channels: usize) -> Result<(), Error> {
        match self {
            Self::LeakyRelu { slope } if !slope.is_finite() => {
                Err(Parameter::new("slope", f64::from(*slope), "finite").into())
            }
            Self::Prelu { slopes } => {
                Mismatch::check("slopes and output channels", channels, slopes.len())?;
                Ok(NotFinite::check_f32("slope", slopes)?)
            }
            _ => Ok(()),
        }
    }
}

/// Applies an activation to channels of `plane` values each. It is work of its own so that kernels call it instead of
/// holding a copy for each of their tiles.
pub(super) struct Channels<'a> {
    pub(super) activation: &'a Activation,
    /// Number of the first channel.
    pub(super) first: usize,
    pub(super) plane: usize,
    pub(super) values: &'a mut [f32],
}

impl WithSimd for Channels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { activation, first, plane, values } = self;
        for (c, values) in values.chunks_exact_mut(plane).enumerate() {
            let (vectors, rest) = S::as_mut_simd_f32s(values);
            activation.apply_vectors(simd, first + c, vectors);
            if !rest.is_empty() {
                let mut last = [0.0; LANES];
                let (last, n) = (&mut last[..S::F32_LANES], rest.len());
                last[..n].copy_from_slice(rest);
                activation.apply_vectors(simd, first + c, S::as_mut_simd_f32s(last).0);
                rest.copy_from_slice(&last[..n]);
            }
        }
    }
}

/// Values of the largest vector.
const LANES: usize = 16;

// No closures below: they would not get the instructions.
#[inline(always)]
fn leaky_all<S: Simd>(simd: S, values: &mut [S::f32s], slope: f32) {
    let (slope, zero) = (simd.splat_f32s(slope), simd.splat_f32s(0.0));
    for v in values {
        *v = simd.select_f32s(simd.less_than_f32s(*v, zero), simd.mul_f32s(slope, *v), *v);
    }
}

/// A clamp in which a NaN stays one, whatever the instructions.
#[inline(always)]
fn within<S: Simd>(simd: S, low: S::f32s, high: S::f32s, x: S::f32s) -> S::f32s {
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    simd.select_f32s(simd.greater_than_f32s(x, high), high, x)
}

#[inline(always)]
fn hard_sigmoids<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (low, high) = (simd.splat_f32s(0.0), simd.splat_f32s(6.0));
    let shifted = within(simd, low, high, simd.add_f32s(x, simd.splat_f32s(3.0)));
    simd.mul_f32s(shifted, simd.splat_f32s(1.0 / 6.0))
}

/// 1 / (1 + e⁻ˣ). As [`exp`], with the reciprocal by a first guess from the bits (within 6 %) and two steps that take
/// its error to the third and to the second power: a vector's division alone takes longer than all of it.
#[inline(always)]
fn sigmoids<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let (low, high) = (simd.splat_f32s(-87.0), simd.splat_f32s(87.0));
    let x = within(simd, low, high, simd.neg_f32s(x));
    let whole = simd.splat_f32s(ROUND);
    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), whole);
    let n = simd.sub_f32s(rounded, whole);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_HIGH), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(LN_2_LOW), r);
    let mut p = simd.splat_f32s(EXP[0]);
    for c in &EXP[1..] {
        p = simd.mul_add_e_f32s(p, r, simd.splat_f32s(*c));
    }
    let p = simd.add_f32s(simd.mul_add_e_f32s(p, simd.mul_f32s(r, r), r), one);
    let exponent = simd.add_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(127));
    let scale = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23)));
    let d = simd.mul_add_e_f32s(p, scale, one);
    let guess = simd.sub_u32s(simd.splat_u32s(0x7EF3_11C7), simd.transmute_u32s_f32s(d));
    let y = simd.transmute_f32s_u32s(guess);
    let e = simd.negate_mul_add_e_f32s(d, y, one);
    let y = simd.mul_add_e_f32s(y, simd.mul_add_e_f32s(e, e, e), y);
    let e = simd.negate_mul_add_e_f32s(d, y, one);
    simd.mul_add_e_f32s(y, e, y)
}

// A NaN stays one: `f32::max` would hide it.
#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn relu6(x: f32) -> f32 {
    let x = relu(x);
    if x > 6.0 { 6.0 } else { x }
}

#[inline(always)]
fn leaky(x: f32, slope: f32) -> f32 {
    if x < 0.0 { slope * x } else { x }
}

#[inline(always)]
fn hard_sigmoid(x: f32) -> f32 {
    relu6(x + 3.0) * (1.0 / 6.0)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// 1.5 · 2²³: adding it leaves no binary places.
const ROUND: f32 = 12_582_912.0;
/// ln 2 as a difference whose first part has few digits.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = 2.121_944_4e-4;
/// Coefficients of (eˣ − 1 − x) / x² about 0: those of Cephes' `expf`.
const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];

/// eˣ, written so that the compiler makes vector instructions of it.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND; // its last bits are those of the whole number
    let n = rounded - ROUND;
    let r = (x - n * LN_2_HIGH) + n * LN_2_LOW;
    let p = EXP.into_iter().fold(0.0, |sum, c| sum * r + c);
    let scale = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
    (p * r * r + r + 1.0) * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_formula_in_f64() {
        for i in -8000..=8000 {
            let x = i as f32 * 0.01;
            let of = |activation: Activation| {
                let mut value = [x];
                activation.apply(0, &mut value);
                f64::from(value[0])
            };
            let wide = f64::from(x);
            let want = 1.0 / (1.0 + (-wide).exp());
            assert!((of(Activation::Sigmoid) - want).abs() <= 3e-7 * want, "{x}");
            assert!((of(Activation::Silu) - wide * want).abs() <= 3e-7 * (wide * want).abs(), "{x}");
            let hard = (wide + 3.0).clamp(0.0, 6.0) / 6.0;
            assert!((of(Activation::HardSwish) - wide * hard).abs() <= 1e-6 * wide.abs(), "{x}");
            assert_eq!(of(Activation::Relu6), wide.clamp(0.0, 6.0));
            assert_eq!(of(Activation::LeakyRelu { slope: 0.5 }), if x < 0.0 { wide / 2.0 } else { wide });
        }
    }

    /// The vectors' functions, with every set of instructions, by the same bounds as [`equals_the_formula_in_f64`].
    #[test]
    fn vectors_equal_the_formula_in_f64() {
        let x: Vec<f32> = (-8000..=8000).map(|i| i as f32 * 0.01).collect();
        for instructions in Instructions::available() {
            let of = |activation: &Activation| {
                let mut values = x.clone();
                instructions.run(Channels { activation, first: 0, plane: x.len(), values: &mut values });
                values
            };
            let (sigmoid, silu) = (of(&Activation::Sigmoid), of(&Activation::Silu));
            let slopes = Activation::Prelu { slopes: vec![0.5] };
            let (hard, prelu) = (of(&Activation::HardSwish), of(&slopes));
            for (i, x) in x.iter().map(|x| f64::from(*x)).enumerate() {
                let want = 1.0 / (1.0 + (-x).exp());
                assert!((f64::from(sigmoid[i]) - want).abs() <= 3e-7 * want, "{instructions:?} {x}");
                assert!((f64::from(silu[i]) - x * want).abs() <= 3e-7 * (x * want).abs(), "{instructions:?} {x}");
                let six = (x + 3.0).clamp(0.0, 6.0) / 6.0;
                assert!((f64::from(hard[i]) - x * six).abs() <= 1e-6 * x.abs(), "{instructions:?} {x}");
                assert_eq!(f64::from(prelu[i]), if x < 0.0 { x / 2.0 } else { x });
            }
            let mut ends = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
            let activation = &Activation::Sigmoid;
            instructions.run(Channels { activation, first: 0, plane: 3, values: &mut ends });
            assert!(ends[0] < 1e-30 && ends[1] == 1.0 && ends[2].is_nan(), "{instructions:?} {ends:?}");
        }
    }

    #[test]
    fn infinite_and_nan_values_go_through() {
        for activation in
            [Activation::Relu, Activation::Relu6, Activation::Sigmoid, Activation::Silu, Activation::HardSwish]
        {
            let mut value = [f32::NAN];
            activation.apply(0, &mut value);
            assert!(value[0].is_nan(), "{activation:?}");
        }
        let mut ends = [f32::NEG_INFINITY, f32::INFINITY];
        Activation::Sigmoid.apply(0, &mut ends);
        assert!(ends[0] < 1e-30 && ends[1] == 1.0);
    }

    #[test]
    fn slopes_are_checked() {
        let prelu = Activation::Prelu { slopes: vec![0.1, 0.2] };
        assert!(prelu.validate(2).is_ok());
        assert_eq!(prelu.validate(3).unwrap_err().to_string(), "slopes and output channels: expected 3, found 2");
        assert!(Activation::LeakyRelu { slope: f32::NAN }.validate(1).is_err());
    }
}
