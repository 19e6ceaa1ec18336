//! Convolutions with fewer multiplications, by minimal filtering (Toom, Cook, Winograd).
//!
//! A patch of the input becomes a few more values (the *points*), the weights as many, once; what the convolution sums
//! over channels is the products of the two, point by point, and the sums become a few outputs. [`Kind`] says which
//! patches there are. At the places 0, 1, −1 and ∞ nothing but signs and halves comes in: the sums over channels are
//! shorter than the direct ones by the size of the kernel, and the rounding is not larger (measured in the tests of `conv`).
//! Larger tiles save more and lose digits. F(4, 3) at 0, ±3/4, ±3/2 and ∞ loses few, and gets them back by shorter runs of
//! products: along one axis of kernels three high, and for kernels of five. Along depth it was only 1.03 times as fast: its
//! points no longer fit the caches.
//!
//! | file | holds |
//! |---|---|
//! | `tile` | the algebra |
//! | `strips` | which points lie where; the way from the input to patches and from outputs to rows |
//! | `job` | the work on vectors |
//! | `upright` | filtering along depth and height, with width as it stands |
//!
//! Winograd 1980, doi:10.1137/1.9781611970364; Lavin, Gray 2016, doi:10.1109/CVPR.2016.435.

mod job;
mod strips;
mod tile;
mod upright;

pub(super) use job::Filtering;
pub(super) use strips::Strips;
pub(super) use tile::Kind;
pub(super) use upright::{Upright, UprightFilters, UprightJob};

use super::ConvConfig;

/// The weights of a convolution as points.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    pub(super) kind: Kind,
    /// By group, block of output channels, point, weight along the first axis, input channel and channel of the block.
    pub(super) weights: Vec<f32>,
}

impl Filters {
    /// None where there is no minimal filtering for the kernel, or it never pays.
    pub(super) fn new(config: &ConvConfig<3>, block: usize, weight: &[f32]) -> Option<Self> {
        let kind = Kind::of(config)?;
        let [inputs, outputs] = [config.in_channels, config.out_channels].map(|c| c / config.groups);
        let padded = outputs.next_multiple_of(block);
        // weights along the axis on which the sum stays direct (depth, or height where there is none)
        let taps = config.kernel.iter().product::<usize>() / kind.taps();
        let depth = kind.points() * taps * inputs;
        let mut weights = vec![0.0; config.groups * padded * depth];
        for (o, kernels) in weight.chunks_exact(weight.len() / config.out_channels).enumerate() {
            let at = o / outputs * padded + o % outputs;
            let to = &mut weights[at / block * block * depth..];
            for (channel, kernels) in kernels.chunks_exact(taps * kind.taps()).enumerate() {
                for (tap, kernel) in kernels.chunks_exact(kind.taps()).enumerate() {
                    for (point, value) in kind.filter(kernel).into_iter().enumerate() {
                        to[((point * taps + tap) * inputs + channel) * block + at % block] = value as f32;
                    }
                }
            }
        }
        Some(Self { kind, weights })
    }
}
