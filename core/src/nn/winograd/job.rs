//! Minimal filtering on vectors: points of the patches, products summed over channels, outputs.
//!
//! The products are the same loop as the direct convolution's, without a copy for each weight: the points of a tile's
//! patches lie channel after channel, so that the loop reads one run of memory. It is bound by multiply-adds; the points
//! and products of a tile go through the second-level cache.

use super::super::Activation;
use super::super::activation::Channels;
use super::strips::{Strip, Strips};
use super::tile::{Five, Kind, Square, Three, Tile, points3};
use pulp::{Simd, WithSimd};

/// Values of the outputs of the widest tile: four columns of 6 vectors of 16.
const OUTPUTS: usize = 384;

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
            Kind::Five => self.blocks::<S, Five, 8, 11, 4>(simd),
            Kind::Square => self.blocks::<S, Square, 16, 16, 4>(simd),
        }
    }
}

/// Where the work on a strip stands.
struct Now {
    strip: Strip,
    /// The plane whose points are made; the outputs are those of the plane `slots − 1` before it, and the next where two
    /// are made together.
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
    /// One point of all channels along depth.
    deep: &'a mut [f32],
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
        let [columns, points, products, deep, _] = strips.sizes(self.bias.len() / B);
        let (columns, rest) = std::mem::take(&mut self.scratch).split_at_mut(columns);
        let (points, rest) = rest.split_at_mut(points);
        let (products, rest) = rest.split_at_mut(products);
        let (deep, line) = rest.split_at_mut(deep);
        let mut outputs = [0.0; OUTPUTS];
        let mut memory = Memory { columns, points, products, deep, outputs: &mut outputs };
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
        let Some(planes) = strips.ready(now.plane) else { return };

        let [taps, step] = strips.taps();
        let depth = P * taps * channels * B;
        let together = strips.together();
        let first_of = |block: usize| block * together * B;
        for (group, weights) in self.weights.chunks(together * depth).enumerate() {
            let blocks = weights.len() / depth;
            let product = blocks * B * span + S::F32_LANES;
            for j in 0..P {
                if strips.deep {
                    let from: [usize; 4] = std::array::from_fn(|k| slot(planes.start + k) + j * point);
                    let len = channels * span;
                    along_depth(simd, from.map(|at| &memory.points[at..at + len]), &mut memory.deep[..4 * len]);
                }
                for b in 0..blocks {
                    let weights = &weights[b * depth + j * taps * channels * B..][..taps * channels * B];
                    let at = j * product + b * B * span;
                    if strips.deep {
                        let [first, second] = pair_sums::<S, V, B>(simd, &memory.deep[..4 * channels * span], weights);
                        keep::<S, V, B>(first, &mut memory.products[at..]);
                        keep::<S, V, B>(second, &mut memory.products[P * product + at..]);
                        continue;
                    }
                    let mut sums = [[simd.splat_f32s(0.0); V]; B];
                    for (tap, weights) in weights.chunks_exact(channels * B).enumerate() {
                        let from = slot(planes.start + tap * step) + j * point;
                        add_products::<S, V, B>(simd, &memory.points[from..][..channels * span], weights, &mut sums);
                    }
                    keep::<S, V, B>(sums, &mut memory.products[at..]);
                }
            }
            for plane in planes.clone() {
                let products = &memory.products[(plane - planes.start) * P * product..];
                let channels =
                    self.output.chunks_exact_mut(self.plane).enumerate().skip(first_of(group)).take(blocks * B);
                for (c, channel) in channels {
                    let products = &products[(c - first_of(group)) * span..];
                    let bias = simd.splat_f32s(self.bias[c]);
                    let clamp = self.activation.clamp();
                    let (low, high) = clamp.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
                    let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
                    let mut columns = memory.outputs.chunks_exact_mut(span);
                    let mut to: [_; O] =
                        std::array::from_fn(|_| vectors_mut::<S, V>(columns.next().unwrap_or_default()));
                    let from: [_; P] = std::array::from_fn(|j| vectors::<S, V>(&products[j * product..]));
                    for v in 0..V {
                        let mut m = [bias; P];
                        for (m, from) in m.iter_mut().zip(&from) {
                            if let Some(from) = from {
                                *m = from[v];
                            }
                        }
                        let y = T::outputs(simd, m);
                        for (y, to) in y.into_iter().zip(&mut to) {
                            let value = simd.min_f32s(high, simd.max_f32s(low, simd.add_f32s(y, bias)));
                            if let Some(to) = to {
                                to[v] = value;
                            }
                        }
                    }
                    if clamp.is_none() {
                        let (activation, first, plane) = (self.activation, self.first + c, O * span);
                        simd.vectorize(Channels { activation, first, plane, values: &mut memory.outputs[..plane] });
                    }
                    strips.put(memory.outputs, span, &now.strip, now.patch, plane, channel);
                }
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
        let (apart, patch) = (strips.column(&now.strip), strips.kind.patch());
        let point = points.len() / P;
        // rows of a patch: the even ones, then the odd ones, the second of each a row of patches further
        let high = strips.kind.outputs()[0];
        let mut places = [0; I];
        for (i, place) in places.iter_mut().enumerate() {
            let (row, column) = (i / patch, i % patch);
            *place = (row % high * patch + column) * apart + row / high * now.strip.across + now.patch;
        }
        let zero = simd.splat_f32s(0.0);
        let mut rows = points.chunks_exact_mut(point);
        let mut to: [&mut [S::f32s]; P] =
            std::array::from_fn(|_| S::as_mut_simd_f32s(rows.next().unwrap_or_default()).0);
        for c in 0..strips.channels {
            let columns = &columns[c * strips.columns() * apart..];
            let from: [_; I] = places.map(|place| vectors::<S, V>(&columns[place..]));
            for v in 0..V {
                let mut x = [zero; I];
                for (x, from) in x.iter_mut().zip(&from) {
                    if let Some(from) = from {
                        *x = from[v];
                    }
                }
                let values = T::points(simd, x);
                for (to, value) in to.iter_mut().zip(values) {
                    if let Some(to) = to.get_mut(c * V + v) {
                        *to = value;
                    }
                }
            }
        }
    }
}

/// One point of four planes as the four points along depth.
#[inline(always)]
fn along_depth<S: Simd>(simd: S, from: [&[f32]; 4], to: &mut [f32]) {
    let len = to.len() / 4;
    let (a, rest) = to.split_at_mut(len);
    let (b, rest) = rest.split_at_mut(len);
    let (c, d) = rest.split_at_mut(len);
    let [p, q, r, s] = from.map(|x| S::as_simd_f32s(x).0);
    let [a, b, c, d] = [a, b, c, d].map(|x| S::as_mut_simd_f32s(x).0);
    let to = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
    for (((p, q), (r, s)), ((a, b), (c, d))) in p.iter().zip(q).zip(r.iter().zip(s)).zip(to) {
        [*a, *b, *c, *d] = points3(simd, [*p, *q, *r, *s]);
    }
}

/// The sums of two planes from their four points along depth.
#[inline(always)]
fn pair_sums<S: Simd, const V: usize, const B: usize>(
    simd: S,
    points: &[f32],
    weights: &[f32],
) -> [[[S::f32s; V]; B]; 2] {
    let (len, depth) = (points.len() / 4, weights.len() / 4);
    let zero = [[simd.splat_f32s(0.0); V]; B];
    let (mut first, mut second, mut both) = (zero, zero, zero);
    add_products::<S, V, B>(simd, &points[len..2 * len], &weights[depth..2 * depth], &mut both);
    add_products::<S, V, B>(simd, &points[2 * len..3 * len], &weights[2 * depth..3 * depth], &mut second);
    for b in 0..B {
        for v in 0..V {
            first[b][v] = simd.add_f32s(both[b][v], second[b][v]);
            second[b][v] = simd.sub_f32s(both[b][v], second[b][v]);
        }
    }
    add_products::<S, V, B>(simd, &points[..len], &weights[..depth], &mut first);
    add_products::<S, V, B>(simd, &points[3 * len..], &weights[3 * depth..], &mut second);
    [first, second]
}

/// Stores sums, channel by channel.
#[inline(always)]
fn keep<S: Simd, const V: usize, const B: usize>(sums: [[S::f32s; V]; B], to: &mut [f32]) {
    let to = S::as_mut_simd_f32s(to).0.as_chunks_mut::<V>().0;
    for (to, sums) in to.iter_mut().zip(sums) {
        *to = sums;
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

/// The first `V` vectors.
#[inline(always)]
fn vectors_mut<S: Simd, const V: usize>(to: &mut [f32]) -> Option<&mut [S::f32s; V]> {
    S::as_mut_simd_f32s(to).0.first_chunk_mut()
}
