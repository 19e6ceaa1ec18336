//! The arithmetic of a convolution on slabs: vectors of neighbouring outputs × a block of output channels.
//!
//! For each input channel and each weight the kernel loads `V` vectors of inputs and multiplies them with the weights of
//! `B` output channels: V·B sums stay in registers, and nothing but multiply-adds limits the speed. Measured on a
//! processor that does 59 GMAC/s at most (one thread): 3 × 8 with AVX-512 58, 6 × 4 55, 2 × 12 51, 4 × 6 56;
//! 2 × 4 with AVX2 50, 2 × 6 49, 3 × 4 22 (it spills).

use super::Activation;
use super::activation::Channels;
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
        if self.geometry.in_place() {
            return self.run_panels::<S, V, H, B>(simd);
        }
        for start in self.geometry.slabs() {
            let scratch = std::mem::take(&mut self.scratch);
            let slab = self.geometry.slab_input(self.input, start, scratch);
            for rows in self.geometry.rows(start) {
                self.run_rows::<S, V, H, B>(simd, &slab[rows.input..], &rows);
            }
            self.scratch = scratch;
        }
    }

    /// One weight per channel, no stride and no padding: the inputs of a tile are put one channel behind the other first.
    /// In place they lie a plane apart, often on the same few sets of the first-level cache, and every block of outputs
    /// would fetch them again.
    #[inline(always)]
    fn run_panels<S: Simd, const V: usize, const H: usize, const B: usize>(mut self, simd: S) {
        let panel = std::mem::take(&mut self.scratch);
        let rows = Rows::line(self.plane);
        let mut done = 0;
        while done < self.plane {
            let vectors = match (self.plane - done) / S::F32_LANES {
                n if n >= V => V,
                n if n >= H => H,
                _ => 1,
            };
            // the last vector goes back rather than beyond the end
            let start = done.min(self.plane.saturating_sub(S::F32_LANES));
            if vectors == V {
                self.panel::<S, V, B>(simd, start, panel, &rows);
            } else if vectors == H {
                self.panel::<S, H, B>(simd, start, panel, &rows);
            } else {
                self.panel::<S, 1, B>(simd, start, panel, &rows);
            }
            done = start + vectors * S::F32_LANES;
        }
    }

    /// The outputs of `V` vectors of places from `start` on.
    #[inline(always)]
    fn panel<S: Simd, const V: usize, const B: usize>(
        &mut self,
        simd: S,
        start: usize,
        panel: &mut [f32],
        rows: &Rows,
    ) {
        let Self { weights, bias, activation, first, plane, .. } = *self;
        let span = V * S::F32_LANES;
        let panel = &mut panel[..self.input.len() / plane * span];
        let to = S::as_mut_simd_f32s(panel).0.as_chunks_mut::<V>().0;
        for (to, from) in to.iter_mut().zip(self.input.chunks_exact(plane)) {
            if let Some(from) = S::as_simd_f32s(&from[start..]).0.first_chunk::<V>() {
                *to = *from;
            }
        }
        let x = S::as_simd_f32s(panel).0.as_chunks::<V>().0;
        let blocks = weights.chunks_exact(x.len() * B).zip(bias.as_chunks::<B>().0);
        for (b, (weights, bias)) in blocks.enumerate() {
            let sums = products::<S, V, B>(simd, x, weights, bias);
            let tile = Tile { start, first: first + b * B, activation, rows };
            tile.finish(simd, sums, &mut self.output[b * B * plane..], plane);
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

/// The sums of `V` vectors of outputs × `B` channels, from inputs that lie channel behind channel.
#[inline(always)]
fn products<S: Simd, const V: usize, const B: usize>(
    simd: S,
    x: &[[S::f32s; V]],
    weights: &[f32],
    bias: &[f32; B],
) -> [[S::f32s; V]; B] {
    let mut sums = [[simd.splat_f32s(0.0); V]; B];
    for (sums, bias) in sums.iter_mut().zip(bias) {
        *sums = [simd.splat_f32s(*bias); V];
    }
    for (x, weights) in x.iter().zip(weights.as_chunks::<B>().0) {
        let x = *x;
        for b in 0..B {
            let weight = simd.splat_f32s(weights[b]);
            for v in 0..V {
                sums[b][v] = simd.mul_add_e_f32s(weight, x[v], sums[b][v]);
            }
        }
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
        mut sums: [[S::f32s; V]; B],
        planes: &mut [f32],
        plane: usize,
    ) {
        let (rows, span) = (self.rows, V * S::F32_LANES);
        let (row, x) = (self.start / rows.pitch, self.start % rows.pitch);
        if let Some((low, high)) = self.activation.clamp() {
            let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
            for sum in sums.as_flattened_mut() {
                *sum = simd.min_f32s(high, simd.max_f32s(low, *sum));
            }
        } else {
            let values = bytemuck::cast_slice_mut(sums.as_flattened_mut());
            simd.vectorize(Channels { activation: self.activation, first: self.first, plane: span, values });
        }
        // straight from the registers where all lies in one row
        if x + span <= rows.width {
            let to = rows.output + row * rows.output_pitch + x;
            for (plane, sums) in planes.chunks_exact_mut(plane).zip(&sums) {
                for (to, sum) in S::as_mut_simd_f32s(&mut plane[to..to + span]).0.iter_mut().zip(sums) {
                    *to = *sum;
                }
            }
            return;
        }
        let values: &[f32] = bytemuck::cast_slice(sums.as_flattened());
        let within = span.min(rows.len() - self.start);
        for (plane, values) in planes.chunks_exact_mut(plane).zip(values.chunks_exact(span)) {
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
