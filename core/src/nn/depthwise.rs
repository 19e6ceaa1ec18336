//! Depth-wise convolution over images: each channel on its own, row by row.
//!
//! There is one multiply-add per load, so loads and the copy into the slab limit the speed. All channels share one slab:
//! its border is zeroed once, and each channel's values are copied over those of the channel before.

use super::Activation;
use super::geometry::Geometry;
use pulp::{Simd, WithSimd};

/// Some channels of one item.
pub(super) struct Planes<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) taps: &'a [usize],
    pub(super) input: &'a [f32],
    /// By channel and place in the kernel.
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) activation: &'a Activation,
    /// Number of the first channel, for the activation.
    pub(super) first: usize,
    pub(super) output: &'a mut [f32],
    pub(super) plane: usize,
    pub(super) scratch: &'a mut [f32],
}

impl WithSimd for Planes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // the weights of the usual kernel stay in registers
        if self.taps.len() == 9 { self.run::<S, 9>(simd) } else { self.run::<S, 0>(simd) }
    }
}

impl Planes<'_> {
    /// With `T` weights that stay in registers; 0 for a kernel of any size.
    #[inline(always)]
    fn run<S: Simd, const T: usize>(self, simd: S) {
        let Self { geometry, taps, activation, scratch, .. } = self;
        let (width, pitch) = (geometry.width(), geometry.pitch());
        let input_plane = self.input.len() / self.bias.len();
        let (low, high) = activation.clamp().unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
        scratch.fill(0.0);
        let channels = self.input.chunks_exact(input_plane).zip(self.output.chunks_exact_mut(self.plane));
        for (c, (x, y)) in channels.enumerate() {
            geometry.fill_channel(x, [0; 3], scratch);
            let weights = &self.weights[c * taps.len()..][..taps.len()];
            let mut held = [simd.splat_f32s(0.0); T];
            for (held, weight) in held.iter_mut().zip(weights) {
                *held = simd.splat_f32s(*weight);
            }
            let bias = simd.splat_f32s(self.bias[c]);
            for (row, y) in y.chunks_exact_mut(width).enumerate() {
                let mut place = row * pitch;
                let (vectors, rest) = S::as_mut_simd_f32s(y);
                for to in vectors {
                    let sum = sum::<S, T>(simd, &scratch[place..], taps, weights, &held, bias);
                    *to = simd.min_f32s(high, simd.max_f32s(low, sum));
                    place += S::F32_LANES;
                }
                if !rest.is_empty() {
                    let sum = sum::<S, T>(simd, &scratch[place..], taps, weights, &held, bias);
                    simd.partial_store_f32s(rest, simd.min_f32s(high, simd.max_f32s(low, sum)));
                }
            }
            if activation.clamp().is_none() {
                activation.apply(self.first + c, y);
            }
        }
    }
}

/// One vector of outputs.
#[inline(always)]
fn sum<S: Simd, const T: usize>(
    simd: S,
    source: &[f32],
    taps: &[usize],
    weights: &[f32],
    held: &[S::f32s; T],
    bias: S::f32s,
) -> S::f32s {
    let mut sum = bias;
    let count = if T > 0 { T } else { taps.len() };
    for (t, (tap, weight)) in taps[..count].iter().zip(&weights[..count]).enumerate() {
        let weight = if T > 0 { held[t] } else { simd.splat_f32s(*weight) };
        let Some(x) = S::as_simd_f32s(&source[*tap..]).0.first() else { return sum };
        sum = simd.mul_add_e_f32s(weight, *x, sum);
    }
    sum
}
