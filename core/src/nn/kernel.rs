//! The arithmetic of a convolution on slabs: vectors of neighbouring outputs × a block of output channels.
//!
//! For each input channel and each weight the kernel loads `V` vectors of inputs and multiplies them with the weights of
//! `B` output channels: V·B sums stay in registers, and nothing but multiply-adds limits the speed. Measured on a
//! processor that does 59 GMAC/s at most (one thread): 3 × 8 with AVX-512 58, 6 × 4 55, 2 × 12 51, 4 × 6 56;
//! 2 × 4 with AVX2 50, 2 × 6 49, 3 × 4 22 (it spills).

use super::Activation;
use super::geometry::{Geometry, Rows};
use pulp::{Simd, WithSimd, bytemuck};

/// Values of the largest tile: 24 vectors of 16.
pub(super) const TILE: usize = 384;

/// Output channels that are made together, for `channels` of a group.
pub(super) fn block(channels: usize, many_registers: bool) -> usize {
    match channels {
        1 => 1,
        c if many_registers && c.next_multiple_of(8) == c.next_multiple_of(4) => 8,
        _ => 4,
    }
}

/// Some output channels of one group of one item.
pub(super) struct Job<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) taps: &'a [usize],
    /// Of the group's channels.
    pub(super) input: &'a [f32],
    /// By block of output channels, input channel, weight and channel of the block.
    pub(super) weights: &'a [f32],
    /// Of every output channel of a block, the last block's surplus too.
    pub(super) bias: &'a [f32],
    pub(super) block: usize,
    pub(super) activation: &'a Activation,
    /// Number of the first output channel, for the activation.
    pub(super) first: usize,
    /// One plane for each output channel.
    pub(super) output: &'a mut [f32],
    pub(super) plane: usize,
    pub(super) scratch: &'a mut [f32],
}

impl WithSimd for Job<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.block {
            1 => self.run::<S, 8, 4, 1>(simd),
            8 => self.run::<S, 3, 2, 8>(simd),
            _ if S::REGISTER_COUNT >= 32 => self.run::<S, 6, 3, 4>(simd),
            _ => self.run::<S, 2, 1, 4>(simd),
        }
    }
}

impl Job<'_> {
    // Plain loops from here to the innermost: a closure would not get the instructions.
    #[inline(always)]
    fn run<S: Simd, const V: usize, const H: usize, const B: usize>(mut self, simd: S) {
        for start in self.geometry.slabs() {
            let scratch = std::mem::take(&mut self.scratch);
            let slab = self.geometry.slab_input(self.input, start, scratch);
            for rows in self.geometry.rows(start) {
                self.run_rows::<S, V, H, B>(simd, &slab[rows.input..], &rows);
            }
            self.scratch = scratch;
        }
    }

    /// Tiles of `V` vectors while they fit, then of `H`, then of one.
    #[inline(always)]
    fn run_rows<S: Simd, const V: usize, const H: usize, const B: usize>(
        &mut self,
        simd: S,
        slab: &[f32],
        rows: &Rows,
    ) {
        let Self { geometry, taps, weights, bias, activation, first, plane, .. } = *self;
        let channel = geometry.channel();
        let block = weights.len() / (bias.len() / B);
        let (lanes, len) = (S::F32_LANES, rows.len());
        let mut done = 0;
        while done < len {
            let vectors = match (len - done) / lanes {
                n if n >= V => V,
                n if n >= H => H,
                _ => 1,
            };
            // the last vector goes back rather than beyond the end
            let start = done.min(len.saturating_sub(lanes));
            let (span, source) = (vectors * lanes, &slab[start..]);
            for (b, (weights, bias)) in weights.chunks_exact(block).zip(bias.as_chunks::<B>().0).enumerate() {
                let from = Tile { start, first: first + b * B, activation, rows };
                let planes = &mut self.output[b * B * plane..];
                if vectors == V {
                    from.finish(simd, sums::<S, V, B>(simd, source, channel, taps, weights, bias), planes, plane);
                } else if vectors == H {
                    from.finish(simd, sums::<S, H, B>(simd, source, channel, taps, weights, bias), planes, plane);
                } else {
                    from.finish(simd, sums::<S, 1, B>(simd, source, channel, taps, weights, bias), planes, plane);
                }
            }
            done = start + span;
        }
    }
}

/// The sums of `V` vectors of outputs × `B` channels.
#[inline(always)]
fn sums<S: Simd, const V: usize, const B: usize>(
    simd: S,
    mut source: &[f32],
    channel: usize,
    taps: &[usize],
    weights: &[f32],
    bias: &[f32; B],
) -> [[S::f32s; V]; B] {
    let mut sums = [[simd.splat_f32s(0.0); V]; B];
    for (sums, bias) in sums.iter_mut().zip(bias) {
        *sums = [simd.splat_f32s(*bias); V];
    }
    for weights in weights.as_chunks::<B>().0.chunks_exact(taps.len()) {
        for (&tap, weights) in taps.iter().zip(weights) {
            let Some(x) = S::as_simd_f32s(&source[tap..]).0.first_chunk::<V>() else { return sums };
            let x = *x;
            for b in 0..B {
                let weight = simd.splat_f32s(weights[b]);
                for v in 0..V {
                    sums[b][v] = simd.mul_add_e_f32s(weight, x[v], sums[b][v]);
                }
            }
        }
        source = source.get(channel..).unwrap_or_default();
    }
    sums
}

/// Where the sums of a tile go.
struct Tile<'a> {
    /// Place of the first output in its run of rows.
    start: usize,
    /// Number of the first channel.
    first: usize,
    activation: &'a Activation,
    rows: &'a Rows,
}

impl Tile<'_> {
    /// Applies the activation and puts the values into their rows.
    #[inline(always)]
    fn finish<S: Simd, const V: usize, const B: usize>(
        &self,
        simd: S,
        sums: [[S::f32s; V]; B],
        planes: &mut [f32],
        plane: usize,
    ) {
        let (rows, span) = (self.rows, V * S::F32_LANES);
        let (row, x) = (self.start / rows.pitch, self.start % rows.pitch);
        // straight from the registers where all lies in one row and the activation is a clamp
        if let (Some((low, high)), true) = (self.activation.clamp(), x + span <= rows.width) {
            let to = rows.output + row * rows.output_pitch + x;
            let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
            for (plane, sums) in planes.chunks_exact_mut(plane).zip(&sums) {
                for (to, sum) in S::as_mut_simd_f32s(&mut plane[to..to + span]).0.iter_mut().zip(sums) {
                    *to = simd.min_f32s(high, simd.max_f32s(low, *sum));
                }
            }
            return;
        }
        let mut tile = [0.0; TILE];
        let values: &[f32] = bytemuck::cast_slice(sums.as_flattened());
        let tile = &mut tile[..values.len()];
        tile.copy_from_slice(values);
        let within = span.min(rows.len() - self.start);
        for ((b, plane), values) in planes.chunks_exact_mut(plane).enumerate().zip(tile.chunks_exact_mut(span)) {
            self.activation.apply(self.first + b, values);
            store(&values[..within], row, x, rows, plane);
        }
    }
}

/// Puts `values`, a run from place `x` of `row` on, into the rows of `plane` and leaves out what lies between the rows.
#[inline(always)]
fn store(mut values: &[f32], mut row: usize, mut x: usize, rows: &Rows, plane: &mut [f32]) {
    while !values.is_empty() {
        let len = values.len().min(rows.pitch - x);
        let (now, later) = values.split_at(len);
        let inside = len.min(rows.width.saturating_sub(x));
        let to = rows.output + row * rows.output_pitch + x;
        if inside > 0 {
            plane[to..to + inside].copy_from_slice(&now[..inside]);
        }
        (values, row, x) = (later, row + 1, 0);
    }
}
