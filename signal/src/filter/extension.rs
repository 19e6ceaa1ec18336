//! How a filter of zero phase continues a signal beyond its ends.

use crate::Result;
use eir_core::error::{Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// How a filter of zero phase continues a signal beyond its ends, so that its start and end ring as little as they can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Extension {
    /// Turned by 180° about the end sample, `2 x[0] - x[i]`: level and slope go on. The default, as SciPy's.
    #[default]
    Odd,
    /// Mirrored at the end sample, `x[i]`: the level goes on, the slope turns.
    Even,
    /// The end sample again and again.
    Constant,
    /// Not at all.
    None,
}

impl Extension {
    /// How many samples are added at each end: what is asked, or `usual`; an error if `x` is too short for it.
    pub(super) fn samples(self, asked: Option<usize>, usual: usize, len: usize) -> Result<usize> {
        if len == 0 {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        let samples = if self == Self::None { 0 } else { asked.unwrap_or(usual) };
        if samples >= usize::MAX / 8 {
            return Err(Parameter::new("samples of the extension", samples as f64, "less than the signal's").into());
        }
        if len <= samples {
            return Err(TooShort::new("samples", len, samples + 1).into());
        }
        Ok(samples)
    }

    /// Writes what comes before `x` to `head` and what comes behind it to `tail`; both are shorter than `x`.
    pub(super) fn write(self, x: &[f64], head: &mut [f64], tail: &mut [f64]) {
        let (Some(first), Some(last)) = (x.first(), x.last()) else { return };
        let value = |end: f64, v: f64| match self {
            Self::Odd => 2.0 * end - v,
            Self::Even => v,
            Self::Constant | Self::None => end,
        };
        head.iter_mut().rev().zip(&x[1..]).for_each(|(to, v)| *to = value(*first, *v));
        tail.iter_mut().zip(x[..x.len() - 1].iter().rev()).for_each(|(to, v)| *to = value(*last, *v));
    }
}
