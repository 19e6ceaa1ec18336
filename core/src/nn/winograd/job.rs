//! Minimal filtering on vectors: points of the patches, products summed over channels, outputs.
//!
//! The products are the same loop as the direct convolution's, without a copy for each weight: the points of a tile's
//! patches lie channel after channel, so that the loop reads one run of memory. It is bound by multiply-adds; the points
//! and products of a tile go through the second-level cache.

use super::super::Activation;
use super::super::activation::Channels;
use super::strips::{Strip, Strips};
use super::tile::{Five, Kind, Square, Three, Tile};
use pulp::{Simd, WithSimd};

/// Values of the outputs of the widest tile: eight columns of 6 vectors of 16.
const OUTPUTS: usize = 768;

/// Some output channels of one group of one item.
pub(in super::super) struct Filtering<'a> {
    pub(in super::super) strips: &'a Strips,
    /// Of the group's channels.
    pub(in super::super) input: &'a [f32],
    /// Of every block: see [`Filters`](super::Filters).
    pub(in super::super) weights: &'a [f32],
    /// Of every output channel of a block, the last block's surplus too.
    pub(in super::super) bias: &'a [f32],
    pub(in super::super) block: usize,
    pub(in super::super) activation: &'a Activation,
    /// Number of the first output channel, for the activation.
    pub(in super::super) first: usize,
    /// One plane for each output channel.
    pub(in super::super) output: &'a mut [f32],
    pub(in super::super) plane: usize,
    pub(in super::super) scratch: &'a mut [f32],
}

impl WithSimd for Filtering<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.strips.kind {
            Kind::Three => self.blocks::<S, Three, 4, 4, 2>(simd),
            Kind::Five => self.blocks::<S, Five, 12, 17, 8>(simd),
            Kind::Square => self.blocks::<S, Square, 16, 16, 4>(simd),
        }
    }
}

/// Where the work on a strip stands.
struct Now {
    strip: Strip,
    /// The plane whose points are made; the outputs are those of the plane `slots − 1` before it.
    plane: usize,
    /// First patch of the tile.
    patch: usize,
    /// Where the tile's points begin.
    points: usize,
}

/// Scratch memory by its use.
struct Memory<'a> {
    columns: &'a mut [f32],
    points: &'a mut [f32],
    products: &'a mut [f32],
    outputs: &'a mut [f32],
}

impl Filtering<'_> {
    #[inline(always)]
    fn blocks<S: Simd, T: Tile<I, P, O>, const I: usize, const P: usize, const O: usize>(self, simd: S) {
        match self.block {
            8 => self.run::<S, T, I, P, O, 3, 2, 8>(simd),
            _ if S::REGISTER_COUNT >= 32 => self.run::<S, T, I, P, O, 6, 3, 4>(simd),
            _ => self.run::<S, T, I, P, O, 2, 1, 4>(simd),
        }
    }

    #[inline(always)]
    fn run<
        S: Simd,
        T: Tile<I, P, O>,
        const I: usize,
        const P: usize,
        const O: usize,
        const V: usize,
        const H: usize,
        const B: usize,
    >(
        mut self,
        simd: S,
    ) {
        let strips = self.strips;
        let [columns, points, products, _] = strips.sizes(self.bias.len() / B);
        let (columns, rest) = std::mem::take(&mut self.scratch).split_at_mut(columns);
        let (points, rest) = rest.split_at_mut(points);
        let (products, line) = rest.split_at_mut(products);
        let mut outputs = [0.0; OUTPUTS];
        let mut memory = Memory { columns, points, products, outputs: &mut outputs };
        for strip in strips.strips() {
            let vectors = strip.len().div_ceil(S::F32_LANES);
            for plane in 0..strips.planes() {
                strips.lay_out(self.input, plane, &strip, memory.columns, line);
                let mut now = Now { strip, plane, patch: 0, points: 0 };
                let mut done = 0;
                while done < vectors {
                    let wide = match vectors - done {
                        n if n >= V => V,
                        n if n >= H => H,
                        _ => 1,
                    };
                    if wide == V {
                        self.tile::<S, T, I, P, O, V, B>(simd, &now, &mut memory);
                    } else if wide == H {
                        self.tile::<S, T, I, P, O, H, B>(simd, &now, &mut memory);
                    } else {
                        self.tile::<S, T, I, P, O, 1, B>(simd, &now, &mut memory);
                    }
                    done += wide;
                    now.patch += wide * S::F32_LANES;
                    if strips.slots() > 1 {
                        now.points += strips.slots() * P * (strips.channels * wide + 1) * S::F32_LANES;
                    }
                }
            }
        }
    }

    /// Points of `V` vectors of patches and, once there are enough planes, products and outputs.
    #[inline(always)]
    fn tile<
        S: Simd,
        T: Tile<I, P, O>,
        const I: usize,
        const P: usize,
        const O: usize,
        const V: usize,
        const B: usize,
    >(
        &mut self,
        simd: S,
        now: &Now,
        memory: &mut Memory<'_>,
    ) {
        let strips = self.strips;
        let (span, channels, slots) = (V * S::F32_LANES, strips.channels, strips.slots());
        // one vector more, so that the points do not fall on the same places of the cache
        let point = channels * span + S::F32_LANES;
        let slot = |plane: usize| now.points + plane % slots * P * point;
        let at = slot(now.plane);
        self.transform::<S, T, I, P, O, V>(simd, now, memory.columns, &mut memory.points[at..at + P * point]);
        let Some(first_plane) = (now.plane + 1).checked_sub(slots) else { return };

        let [taps, step] = strips.taps();
        let depth = P * taps * channels * B;
        let together = strips.together();
        let first_of = |block: usize| block * together * B;
        for (group, weights) in self.weights.chunks(together * depth).enumerate() {
            let blocks = weights.len() / depth;
            let product = blocks * B * span + S::F32_LANES;
            for j in 0..P {
                for b in 0..blocks {
                    let weights = &weights[b * depth + j * taps * channels * B..][..taps * channels * B];
                    let at = j * product + b * B * span;
                    let zeros = [[simd.splat_f32s(0.0); V]; B];
                    let (mut sums, run) = (zeros, T::RUN.min(channels));
                    for (tap, weights) in weights.chunks_exact(channels * B).enumerate() {
                        let from = slot(first_plane + tap * step) + j * point;
                        let points = memory.points[from..][..channels * span].chunks(run * span);
                        for (i, (points, weights)) in points.zip(weights.chunks(run * B)).enumerate() {
                            if i > 0 {
                                keep::<S, V, B>(simd, sums, i > 1 || tap > 0, &mut memory.products[at..]);
                                sums = zeros;
                            }
                            add_products::<S, V, B>(simd, points, weights, &mut sums);
                        }
                    }
                    keep::<S, V, B>(simd, sums, channels > run, &mut memory.products[at..]);
                }
            }
            let channels = self.output.chunks_exact_mut(self.plane).enumerate().skip(first_of(group)).take(blocks * B);
            for (c, channel) in channels {
                let products = &memory.products[(c - first_of(group)) * span..];
                let bias = simd.splat_f32s(self.bias[c]);
                let clamp = self.activation.clamp();
                let (low, high) = clamp.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
                let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
                let none = [bias; V];
                let mut from = [&none; P];
                for (j, from) in from.iter_mut().enumerate() {
                    *from = vectors::<S, V>(&products[j * product..]).unwrap_or(&none);
                }
                let to = S::as_mut_simd_f32s(memory.outputs).0.as_chunks_mut::<V>().0;
                let Some(to) = to.first_chunk_mut::<O>() else { continue };
                for v in 0..V {
                    let mut m = [bias; P];
                    for (m, from) in m.iter_mut().zip(&from) {
                        *m = from[v];
                    }
                    let y = T::outputs(simd, m);
                    for (y, to) in y.into_iter().zip(to.iter_mut()) {
                        to[v] = simd.min_f32s(high, simd.max_f32s(low, simd.add_f32s(y, bias)));
                    }
                }
                if clamp.is_none() {
                    let (activation, first, plane) = (self.activation, self.first + c, O * span);
                    simd.vectorize(Channels { activation, first, plane, values: &mut memory.outputs[..plane] });
                }
                strips.put(memory.outputs, span, &now.strip, now.patch, first_plane, channel);
            }
        }
    }

    /// The points of the tile's patches, channel by channel.
    #[inline(always)]
    fn transform<S: Simd, T: Tile<I, P, O>, const I: usize, const P: usize, const O: usize, const V: usize>(
        &self,
        simd: S,
        now: &Now,
        columns: &[f32],
        points: &mut [f32],
    ) {
        let strips = self.strips;
        let Strip { rows, across, .. } = now.strip;
        let (apart, patch, [each, all]) = (strips.column(&now.strip), strips.kind.patch(), strips.columns(rows));
        let shift = strips.shift(rows);
        let point = points.len() / P;
        // rows of a patch: the even ones, then the odd ones, the second of each a row of patches further
        let high = strips.kind.outputs()[0];
        let mut places = [0; I];
        for (i, place) in places.iter_mut().enumerate() {
            let (row, column) = (i / patch, i % patch);
            let (column, further) = (column % each, column / each * shift);
            *place = (row % high * each + column) * apart + row / high * across + now.patch + further;
        }
        let zero = simd.splat_f32s(0.0);
        let none = [zero; V];
        let mut rows = points.chunks_exact_mut(point);
        let mut to: [&mut [[S::f32s; V]]; P] =
            std::array::from_fn(|_| S::as_mut_simd_f32s(rows.next().unwrap_or_default()).0.as_chunks_mut::<V>().0);
        for c in 0..strips.channels {
            let columns = &columns[c * all * apart..];
            let mut from = [&none; I];
            for (from, place) in from.iter_mut().zip(places) {
                *from = vectors::<S, V>(&columns[place..]).unwrap_or(&none);
            }
            for v in 0..V {
                let mut x = [zero; I];
                for (x, from) in x.iter_mut().zip(&from) {
                    *x = from[v];
                }
                let values = T::points(simd, x);
                for (to, value) in to.iter_mut().zip(values) {
                    if let Some(to) = to.get_mut(c) {
                        to[v] = value;
                    }
                }
            }
        }
    }
}

/// Stores sums, channel by channel, or adds them to `more`.
#[inline(always)]
fn keep<S: Simd, const V: usize, const B: usize>(simd: S, sums: [[S::f32s; V]; B], more: bool, to: &mut [f32]) {
    let to = S::as_mut_simd_f32s(to).0.as_chunks_mut::<V>().0;
    let zero = simd.splat_f32s(0.0);
    for (to, sums) in to.iter_mut().zip(&sums) {
        for (to, sum) in to.iter_mut().zip(sums) {
            // the sum even with zero: values that are only stored would be copied by a call
            *to = simd.add_f32s(if more { *to } else { zero }, *sum);
        }
    }
}

/// Adds the products of `V` vectors of points × `B` weights, channel by channel.
#[inline(always)]
fn add_products<S: Simd, const V: usize, const B: usize>(
    simd: S,
    points: &[f32],
    weights: &[f32],
    sums: &mut [[S::f32s; V]; B],
) {
    let mut held = *sums;
    let points = S::as_simd_f32s(points).0.as_chunks::<V>().0;
    for (x, weights) in points.iter().zip(weights.as_chunks::<B>().0) {
        let x = *x;
        for b in 0..B {
            let weight = simd.splat_f32s(weights[b]);
            for v in 0..V {
                held[b][v] = simd.mul_add_e_f32s(weight, x[v], held[b][v]);
            }
        }
    }
    *sums = held;
}

/// The first `V` vectors.
#[inline(always)]
fn vectors<S: Simd, const V: usize>(from: &[f32]) -> Option<&[S::f32s; V]> {
    S::as_simd_f32s(from).0.first_chunk()
}
