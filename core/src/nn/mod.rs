//! Inference on the processor: fused convolution layers and small networks on plain slices, without burn.
//!
//! | type | holds |
//! |---|---|
//! | [`Conv1d`], [`Conv2d`], [`Conv3d`] | convolution, bias and activation in one pass, channels first |
//! | [`Linear`] | a fully connected layer |
//! | [`Network`] | a network of such layers, with sums, pooling and concatenation; made by a [`NetworkBuilder`] |
//! | [`Activation`] | what is applied to a convolution's result |
//! | [`fold_batch_norm`] | a batch norm as part of the convolution before it |
//! | [`AlignedBuffer`] | memory for what lies between layers |
//! | [`Instructions`] | which of the processor's vector instructions are used |
//!
//! Weights are packed once, when a layer is made; a [`Scratch`] is kept between calls, so that nothing is allocated.
//! Results do not depend on the number of threads. They do depend on the processor, within rounding.

mod activation;
mod batch_norm;
mod buffer;
mod config;
mod conv;
mod depthwise;
#[cfg(feature = "models")]
mod from_burn;
mod geometry;
mod kernel;
mod linear;
mod network;
mod pool;
mod simd;
mod winograd;

pub use activation::Activation;
pub use batch_norm::fold_batch_norm;
pub use buffer::AlignedBuffer;
pub use config::{Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvConfig};
pub use conv::{Conv, Conv1d, Conv2d, Conv3d, Scratch};
pub use linear::Linear;
pub use network::{Network, NetworkBuilder, NetworkScratch, Node};
pub use simd::Instructions;

use crate::error::{Mismatch, NotFinite, Parameter, Unsupported};

/// What is wrong with a layer or its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// A shape or a length does not fit.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A weight is NaN or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// There is no fused layer for this: burn's own must be used.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
}
