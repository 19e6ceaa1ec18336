//! Settings of a convolution.

use super::{Activation, Error};
use crate::error::{Mismatch, Parameter};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Settings of a [`Conv1d`](super::Conv1d).
pub type Conv1dConfig = ConvConfig<1>;
/// Settings of a [`Conv2d`](super::Conv2d).
pub type Conv2dConfig = ConvConfig<2>;
/// Settings of a [`Conv3d`](super::Conv3d).
pub type Conv3dConfig = ConvConfig<3>;

/// Settings of a convolution over `D` axes: (length), (height, width) or (depth, height, width).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConvConfig<const D: usize> {
    /// Channels of the input: at least 1, a multiple of `groups`.
    pub in_channels: usize,
    /// Channels of the output: at least 1, a multiple of `groups`.
    pub out_channels: usize,
    /// Weights along each axis: at least 1.
    #[serde(serialize_with = "list", deserialize_with = "array")]
    pub kernel: [usize; D],
    /// Steps between outputs along each axis: at least 1. Default 1.
    #[serde(serialize_with = "list", deserialize_with = "array")]
    pub stride: [usize; D],
    /// Zeros before and after the input along each axis. Default none; a causal layer has them only before.
    #[serde(serialize_with = "list", deserialize_with = "array")]
    pub padding: [[usize; 2]; D],
    /// Steps between the weights along each axis: at least 1. Default 1.
    #[serde(serialize_with = "list", deserialize_with = "array")]
    pub dilation: [usize; D],
    /// Groups of channels that do not see each other: at least 1. Default 1; as many as channels is depth-wise.
    pub groups: usize,
    /// What is applied to the result. Default nothing.
    pub activation: Activation,
}

impl<const D: usize> Default for ConvConfig<D> {
    fn default() -> Self {
        Self::new(1, 1, [1; D])
    }
}

impl<const D: usize> ConvConfig<D> {
    /// A convolution of `in_channels` to `out_channels` with a `kernel`; all else as its default.
    #[must_use]
    pub fn new(in_channels: usize, out_channels: usize, kernel: [usize; D]) -> Self {
        let (stride, padding, dilation) = ([1; D], [[0; 2]; D], [1; D]);
        let activation = Activation::default();
        Self { in_channels, out_channels, kernel, stride, padding, dilation, groups: 1, activation }
    }
    /// Sets [`stride`](Self::stride).
    #[must_use]
    pub fn with_stride(self, stride: [usize; D]) -> Self {
        Self { stride, ..self }
    }
    /// Sets [`padding`](Self::padding), equal before and after.
    #[must_use]
    pub fn with_padding(self, padding: [usize; D]) -> Self {
        Self { padding: padding.map(|p| [p; 2]), ..self }
    }
    /// Sets [`padding`](Self::padding), before and after.
    #[must_use]
    pub fn with_padding_before_after(self, padding: [[usize; 2]; D]) -> Self {
        Self { padding, ..self }
    }
    /// Sets [`dilation`](Self::dilation).
    #[must_use]
    pub fn with_dilation(self, dilation: [usize; D]) -> Self {
        Self { dilation, ..self }
    }
    /// Sets [`groups`](Self::groups).
    #[must_use]
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
    /// Sets [`activation`](Self::activation).
    #[must_use]
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// Number of weights: output channels × input channels of a group × kernel.
    #[must_use]
    pub fn weights(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups.max(1)) * self.kernel.iter().product::<usize>()
    }

    /// Size of the output for an input of the given size along each axis.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the padded input is smaller than the kernel.
    pub fn output_size(&self, input: [usize; D]) -> Result<[usize; D], Error> {
        let mut output = [0; D];
        for axis in 0..D {
            let reach = self.dilation[axis].saturating_mul(self.kernel[axis].saturating_sub(1));
            let [before, after] = self.padding[axis];
            let padded = input[axis].saturating_add(before).saturating_add(after);
            if input[axis] == 0 || padded <= reach {
                return Err(Mismatch::new("padded input along an axis", format!("more than {reach}"), padded).into());
            }
            output[axis] = (padded - reach - 1) / self.stride[axis].max(1) + 1;
        }
        Ok(output)
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range; [`Error::Mismatch`] for a wrong number of slopes.
    pub fn validate(&self) -> Result<(), Error> {
        const MOST: usize = 1 << 24; // keeps every product of sizes far from overflow
        let positive =
            [("in_channels", self.in_channels), ("out_channels", self.out_channels), ("groups", self.groups)]
                .into_iter()
                .chain(self.kernel.map(|k| ("kernel", k)))
                .chain(self.stride.map(|s| ("stride", s)))
                .chain(self.dilation.map(|d| ("dilation", d)));
        for (name, value) in positive {
            if !(1..=MOST).contains(&value) {
                return Err(Parameter::new(name, value as f64, "1 to 2^24").into());
            }
        }
        if let Some(p) = self.padding.as_flattened().iter().find(|p| **p > MOST) {
            return Err(Parameter::new("padding", *p as f64, "at most 2^24").into());
        }
        if !self.in_channels.is_multiple_of(self.groups) || !self.out_channels.is_multiple_of(self.groups) {
            return Err(Parameter::new("groups", self.groups as f64, "a divisor of both numbers of channels").into());
        }
        self.activation.validate(self.out_channels)
    }

    /// The same settings over three axes, the first of which are single.
    pub(super) fn volume(&self) -> ConvConfig<3> {
        fn last<T: Copy, const D: usize>(of: [T; D], fill: T) -> [T; 3] {
            let mut all = [fill; 3];
            all[3 - D..].copy_from_slice(&of);
            all
        }
        ConvConfig {
            in_channels: self.in_channels,
            out_channels: self.out_channels,
            kernel: last(self.kernel, 1),
            stride: last(self.stride, 1),
            padding: last(self.padding, [0; 2]),
            dilation: last(self.dilation, 1),
            groups: self.groups,
            activation: self.activation.clone(),
        }
    }
}

// serde knows no arrays of a length that is a parameter
fn list<S: Serializer, T: Serialize, const D: usize>(array: &[T; D], serializer: S) -> Result<S::Ok, S::Error> {
    array.as_slice().serialize(serializer)
}

fn array<'de, De: Deserializer<'de>, T: DeserializeOwned, const D: usize>(source: De) -> Result<[T; D], De::Error> {
    let values = Vec::<T>::deserialize(source)?;
    values.try_into().map_err(|v: Vec<T>| serde::de::Error::invalid_length(v.len(), &"one entry per axis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ranges() {
        let config = Conv2dConfig::new(3, 32, [3, 3]).with_stride([2, 2]).with_padding([1, 1]);
        assert_eq!(config.output_size([224, 225]).unwrap(), [112, 113]);
        assert!(config.clone().with_padding([0, 0]).output_size([2, 3]).is_err());
        assert!(config.output_size([0, 3]).is_err());
        assert_eq!(config.weights(), 32 * 27);
        let wrong = config.clone().with_groups(2).validate().unwrap_err();
        assert_eq!(wrong.to_string(), "groups is 2, but must be a divisor of both numbers of channels");
        assert!(config.clone().with_stride([0, 1]).validate().is_err());
        assert!(config.with_dilation([1, usize::MAX]).validate().is_err());
    }
}
