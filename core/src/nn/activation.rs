//! What is applied to a convolution's result.

use super::Error;
use crate::error::{Mismatch, NotFinite, Parameter};
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

/// eˣ with the polynomial of Cephes' `expf`; written so that the compiler makes vector instructions of it.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves no binary places
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND; // its last bits are those of the whole number
    let n = rounded - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];
    let p = p.into_iter().fold(1.987_569_1e-4, |sum, c| sum * r + c);
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
