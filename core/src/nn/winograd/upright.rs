//! A kernel of 3 × 3 × w filtered along depth and height, F(2 × 2, 3 × 3), or one of 3 × w along height, F(2, 3), and
//! summed as it stands along width.
//!
//! 16 points for 2 × 2 rows of outputs instead of 36 products of rows (4 for two rows instead of 6). Less is saved than by
//! filtering along width too, but whole rows are read and written as they lie, and there are half as many points and
//! products: these, not the multiplications, are the work where channels are few.
//!
//! One plane of the input after the other gives its points along height; four planes together those along depth, of one
//! tile at a time, so that they stay in the first-level cache. The sums of each point go straight into the outputs of the
//! tile that need them. Bound by multiply-adds.

use super::super::kernel::{FAR, Tile};
use super::super::{Activation, ConvConfig, geometry::Rows};
use super::tile::{points3, three};
use pulp::{Simd, WithSimd};

/// Values of the points along height that are kept at once: half of a second-level cache of 1 MiB.
const POINTS: usize = 128 << 10;
/// Values of the largest vector.
const LANES: usize = 16;
/// Vectors of the widest tile.
const WIDEST: usize = 8;
/// Values of the outputs of a tile and a block of channels.
const OUTPUTS: usize = 4 * 384;

/// The order of the work on an input of known size.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Upright {
    input: [usize; 3],
    output: [usize; 3],
    before: [usize; 3],
    channels: usize,
    /// Whether depth is filtered too.
    deep: bool,
    /// Weights along the width, and how far apart their values lie.
    taps: [usize; 2],
    /// Pairs of rows, and places in a row, that are made together.
    extent: [usize; 2],
}

/// Some pairs of rows, or a part of them.
#[derive(Debug, Clone, Copy)]
struct Strip {
    pair: usize,
    pairs: usize,
    x: usize,
    width: usize,
}

impl Upright {
    /// Whether a layer can be made this way.
    pub(super) fn fits(config: &ConvConfig<3>) -> bool {
        let ([z, y, _], [dz, dy, _]) = (config.kernel, config.dilation);
        config.stride == [1; 3] && [y, dy] == [3, 1] && (z == 1 || [z, dz] == [3, 1])
    }

    /// For `channels` of one group; none where the points of a row would not fit the cache.
    pub(in super::super) fn new(
        config: &ConvConfig<3>,
        channels: usize,
        input: [usize; 3],
        output: [usize; 3],
    ) -> Option<Self> {
        if !Self::fits(config) {
            return None;
        }
        let taps = [config.kernel[2], config.dilation[2]];
        let before = config.padding.map(|[before, _]| before);
        let deep = config.kernel[0] == 3;
        let mut all = Self { input, output, before, channels, deep, taps, extent: [1, output[2]] };
        let most = POINTS / (4 * all.together()[0] * channels);
        let beyond = all.reach() + LANES * 2;
        if most < beyond + 4 * LANES {
            return None;
        }
        if output[2] + beyond > most {
            let parts = output[2].div_ceil(most - beyond);
            all.extent[1] = output[2].div_ceil(parts);
            return Some(all);
        }
        // the number of pairs of rows that leaves the fewest places in tiles of three vectors free
        let pairs = output[1].div_ceil(2);
        let pitch = output[2] + all.reach();
        let tiles = |n: usize| if n == 0 { 0 } else { (n * pitch - all.reach()).div_ceil(3 * LANES) };
        let work = |n: &usize| pairs / n * tiles(*n) + tiles(pairs % n);
        all.extent[0] = (1..=((most - beyond) / pitch).clamp(1, pairs)).rev().min_by_key(work).unwrap_or(1);
        Some(all)
    }

    /// Multiplications of vectors of `lanes` values that this takes as long as, for each pair of channels.
    pub(in super::super) fn work(&self, outputs: usize, lanes: usize) -> f64 {
        let (depth, [slots, pair]) = (self.output[0], self.together());
        let length = |s: Strip| s.pairs * self.pitch(&s) - self.reach();
        let vectors: usize = self.strips().map(|s| length(s).div_ceil(lanes)).sum();
        // what the points and the outputs take of the time, measured: the wider the vectors, the less the products take
        let (points, sums) = if self.deep { (0.35, 0.55) } else { (0.6, 0.8) };
        let beside = lanes as f64 * (points / self.channels as f64 + sums / outputs as f64);
        let planes = depth.div_ceil(pair) * 4 * slots;
        (vectors * planes) as f64 * (self.taps[0] as f64 + beside)
    }

    /// Whether so many outputs are far, and enough is summed to wait for their lines meanwhile.
    fn is_far(&self, outputs: usize) -> bool {
        self.deep && self.channels >= 16 && outputs * self.output.iter().product::<usize>() > FAR
    }

    /// Planes of points, and of outputs, that belong together.
    fn together(&self) -> [usize; 2] {
        if self.deep { [4, 2] } else { [1, 1] }
    }

    /// How far the last weight's values lie behind the first's.
    fn reach(&self) -> usize {
        (self.taps[0] - 1) * self.taps[1]
    }

    /// How far the rows of points lie apart.
    fn pitch(&self, strip: &Strip) -> usize {
        strip.width + self.reach()
    }

    /// How far the channels of points lie apart: never on the same places of the cache.
    fn channel(&self) -> usize {
        let [pairs, width] = self.extent;
        (pairs * (width + self.reach()) + LANES * 2).next_multiple_of(LANES) | LANES
    }

    /// Values of a channel's points of a tile along depth.
    fn span(&self, vectors: usize, lanes: usize) -> usize {
        (vectors + self.reach().div_ceil(lanes)) * lanes
    }

    /// Values of the points along height, the points along depth, the outputs of `blocks` blocks, and a row of zeros.
    fn sizes(&self, blocks: usize) -> [usize; 4] {
        let deep = if self.deep { 4 * self.channels * self.span(WIDEST, LANES) } else { 0 };
        [4 * self.together()[0] * self.channels * self.channel(), deep, blocks * OUTPUTS, self.input[2]]
    }

    /// Scratch memory for `blocks` blocks of output channels.
    pub(in super::super) fn scratch(&self, blocks: usize) -> usize {
        self.sizes(blocks).iter().sum()
    }

    fn strips(&self) -> impl Iterator<Item = Strip> + use<> {
        let ([pairs, width], [_, height, across]) = (self.extent, self.output);
        let all = height.div_ceil(2);
        (0..all).step_by(pairs).flat_map(move |pair| {
            (0..across).step_by(width).map(move |x| Strip {
                pair,
                pairs: pairs.min(all - pair),
                x,
                width: width.min(across - x),
            })
        })
    }

    /// The rows of outputs, every second one, in the plane `z` from row `y` on; none if there are none.
    #[inline(always)]
    fn rows(&self, strip: &Strip, z: usize, odd: usize) -> Option<Rows> {
        let [depth, height, width] = self.output;
        let y = 2 * strip.pair + odd;
        (z < depth && y < height).then(|| Rows {
            rows: strip.pairs.min((height - y).div_ceil(2)),
            width: strip.width,
            pitch: self.pitch(strip),
            input: 0,
            output: (z * height + y) * width + strip.x,
            output_pitch: 2 * width,
        })
    }
}

/// The weights of a layer as points.
#[derive(Debug, Clone)]
pub(in super::super) struct UprightFilters {
    /// By group, block of output channels, point along height, point along depth, input channel, weight along width and
    /// channel of the block.
    pub(in super::super) weights: Vec<f32>,
}

impl UprightFilters {
    /// None where [`Upright`] is no way to make the layer.
    pub(in super::super) fn new(config: &ConvConfig<3>, block: usize, weight: &[f32]) -> Option<Self> {
        Upright::fits(config).then(|| Self { weights: filters(config, block, weight) })
    }
}

fn filters(config: &ConvConfig<3>, block: usize, weight: &[f32]) -> Vec<f32> {
    let [inputs, outputs] = [config.in_channels, config.out_channels].map(|c| c / config.groups);
    let [high, _, wide] = config.kernel;
    let (padded, planes) = (outputs.next_multiple_of(block), if high == 3 { 4 } else { 1 });
    let depth = 4 * planes * inputs * wide;
    let mut points = vec![0.0; config.groups * padded * depth];
    for (o, kernels) in weight.chunks_exact(inputs * high * 3 * wide).enumerate() {
        let at = o / outputs * padded + o % outputs;
        let to = &mut points[at / block * block * depth..];
        for (channel, kernel) in kernels.chunks_exact(high * 3 * wide).enumerate() {
            for tap in 0..wide {
                let line = |z: usize| signed(three([0, 1, 2].map(|y| f64::from(kernel[(3 * z + y) * wide + tap]))));
                let mut put = |y: usize, z: usize, value: f64| {
                    to[(((planes * y + z) * inputs + channel) * wide + tap) * block + at % block] = value as f32;
                };
                if high == 1 {
                    line(0).into_iter().enumerate().for_each(|(y, value)| put(y, 0, value));
                    continue;
                }
                let lines = [0, 1, 2].map(line);
                for y in 0..4 {
                    let along = signed(three(lines.map(|line| line[y])));
                    along.into_iter().enumerate().for_each(|(z, value)| put(y, z, value));
                }
            }
        }
    }
    points
}

/// The last point with the sign that it has in the outputs.
fn signed([a, b, c, d]: [f64; 4]) -> [f64; 4] {
    [a, b, c, -d]
}

/// Some output channels of one group of one item.
pub(in super::super) struct UprightJob<'a> {
    pub(in super::super) upright: &'a Upright,
    /// Of the group's channels.
    pub(in super::super) input: &'a [f32],
    /// Of every block: see [`UprightFilters`].
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

impl WithSimd for UprightJob<'_> {
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

/// A tile: the strip, its first plane of outputs and its first place.
struct Place {
    strip: Strip,
    z: usize,
    start: usize,
}

impl UprightJob<'_> {
    #[inline(always)]
    fn run<S: Simd, const V: usize, const H: usize, const B: usize>(mut self, simd: S) {
        let upright = self.upright;
        let [points, deep, outputs, _] = upright.sizes(self.bias.len() / B);
        let (points, rest) = std::mem::take(&mut self.scratch).split_at_mut(points);
        let (deep, rest) = rest.split_at_mut(deep);
        let (outputs, zeros) = rest.split_at_mut(outputs);
        zeros.fill(0.0);
        for strip in upright.strips() {
            points.fill(0.0); // what lies between the rows stays
            let len = strip.pairs * upright.pitch(&strip) - upright.reach();
            let [slots, pair] = upright.together();
            for plane in 0..upright.output[0].next_multiple_of(pair) + slots - pair {
                self.along_height(simd, &strip, plane, zeros, points);
                let Some(z) = (plane + 1).checked_sub(slots).filter(|z| z.is_multiple_of(pair)) else { continue };
                let mut done = 0;
                while done < len {
                    let vectors = match (len - done).div_ceil(S::F32_LANES) {
                        n if n >= V => V,
                        n if n >= H => H,
                        _ => 1,
                    };
                    // the last tile goes back rather than beyond the end
                    let vectors = if vectors * S::F32_LANES > len { 1 } else { vectors };
                    let start = done.min(len.saturating_sub(vectors * S::F32_LANES));
                    let place = Place { strip, z, start };
                    if vectors == V {
                        self.tile::<S, V, B>(simd, &place, points, deep, outputs);
                    } else if vectors == H {
                        self.tile::<S, H, B>(simd, &place, points, deep, outputs);
                    } else {
                        self.tile::<S, 1, B>(simd, &place, points, deep, outputs);
                    }
                    done = start + vectors * S::F32_LANES;
                }
            }
        }
    }

    /// The points along height of a padded plane: by plane (of four), point, channel, row, place.
    #[inline(always)]
    fn along_height<S: Simd>(&self, simd: S, strip: &Strip, plane: usize, zeros: &[f32], points: &mut [f32]) {
        let Upright { input: [depth, height, width], before, channels, .. } = *self.upright;
        let (pitch, channel, [slots, _]) = (self.upright.pitch(strip), self.upright.channel(), self.upright.together());
        let points = &mut points[plane % slots * 4 * channels * channel..][..4 * channels * channel];
        let Some(z) = plane.checked_sub(before[0]).filter(|z| *z < depth) else { return points.fill(0.0) };
        // the values of a padded row that are inside
        let from = before[2].saturating_sub(strip.x).min(pitch);
        let end = (before[2] + width).saturating_sub(strip.x).clamp(from, pitch);
        let x = (strip.x + from).saturating_sub(before[2]);
        let (first, rest) = points.split_at_mut(channels * channel);
        let (second, rest) = rest.split_at_mut(channels * channel);
        let (third, fourth) = rest.split_at_mut(channels * channel);
        for (c, values) in self.input.chunks_exact(depth * height * width).enumerate() {
            let plane = &values[z * height * width..][..height * width];
            for pair in 0..strip.pairs {
                let row = |i: usize| {
                    let y = (2 * (strip.pair + pair) + i).checked_sub(before[1]).filter(|y| *y < height);
                    y.map_or(&zeros[..end - from], |y| &plane[y * width + x..][..end - from])
                };
                let rows = [row(0), row(1), row(2), row(3)];
                let at = c * channel + pair * pitch;
                let (at, end) = (at + from, at + end);
                let to = [&mut first[at..end], &mut second[at..end], &mut third[at..end], &mut fourth[at..end]];
                points_of_rows(simd, rows, to);
            }
        }
    }

    /// Writes to every line that row `at` of a tile's outputs goes to, long before the outputs: a store waits for a line
    /// that is not in the cache, and meanwhile there are products to sum (1.04 times as fast for 16 channels of 64 × 64 × 64).
    #[inline(always)]
    fn claim<S: Simd, const V: usize, const B: usize>(&mut self, place: &Place, at: usize, b: usize) {
        if !self.upright.is_far(self.bias.len()) {
            return;
        }
        let Some(rows) = self.upright.rows(&place.strip, place.z + at / 2, at % 2) else { return };
        if place.start >= rows.len() {
            return;
        }
        let lines = rows.lines(place.start, V * S::F32_LANES, S::F32_LANES);
        for output in self.output[b * B * self.plane..].chunks_exact_mut(self.plane).take(B) {
            for line in &lines[..=V] {
                if let Some(value) = output.get_mut(*line) {
                    *value = 0.0;
                }
            }
        }
    }

    /// The outputs of `V` vectors of places, of two planes and two rows each.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const B: usize>(
        &mut self,
        simd: S,
        place: &Place,
        points: &[f32],
        deep: &mut [f32],
        outputs: &mut [f32],
    ) {
        let upright = self.upright;
        let (channels, channel, [taps, apart]) = (upright.channels, upright.channel(), upright.taps);
        let (span, whole) = (upright.span(V, S::F32_LANES), channels * channel);
        let (along, blocks) = (upright.together()[0], self.bias.len() / B);
        let weights = channels * taps * B;
        for y in 0..4 {
            let plane = |k: usize| {
                let slot = 4 * ((place.z + k) % along) + y;
                &points[slot * whole + place.start..][..whole - channel + span]
            };
            if upright.deep {
                let deep = &mut deep[..4 * channels * span];
                along_depth(simd, [plane(0), plane(1), plane(2), plane(3)], channel, span, deep);
            }
            for b in 0..blocks {
                self.claim::<S, V, B>(place, y, b);
                let weights = &self.weights[(4 * b + y) * along * weights..][..along * weights];
                let outputs = S::as_mut_simd_f32s(&mut outputs[b * OUTPUTS..][..OUTPUTS]).0;
                let outputs = outputs.as_chunks_mut::<V>().0.as_chunks_mut::<B>().0;
                for (z, weights) in weights.chunks_exact(channels * taps * B).enumerate() {
                    let sums = if upright.deep {
                        let points = Points { values: deep, channel: span, apart, taps };
                        points.sums::<S, V, B>(simd, z * channels * span, weights)
                    } else {
                        Points { values: plane(0), channel, apart, taps }.sums::<S, V, B>(simd, 0, weights)
                    };
                    add::<S, V, B>(simd, sums, [z, y], outputs);
                }
            }
        }
        for b in 0..blocks {
            let outputs = S::as_simd_f32s(&outputs[b * OUTPUTS..][..OUTPUTS]).0;
            let outputs = outputs.as_chunks::<V>().0.as_chunks::<B>().0;
            for (at, values) in outputs.iter().take(2 * upright.together()[1]).enumerate() {
                let Some(rows) = upright.rows(&place.strip, place.z + at / 2, at % 2) else { continue };
                let (Some(bias), true) = (self.bias[b * B..].first_chunk::<B>(), place.start < rows.len()) else {
                    continue;
                };
                let mut sums = [[simd.splat_f32s(0.0); V]; B];
                for b in 0..B {
                    let bias = simd.splat_f32s(bias[b]);
                    for v in 0..V {
                        sums[b][v] = simd.add_f32s(values[b][v], bias);
                    }
                }
                let Self { activation, first, plane, .. } = *self;
                let tile = Tile { start: place.start, first: first + b * B, activation, rows: &rows };
                tile.finish(simd, sums, &mut self.output[b * B * plane..], plane);
            }
        }
    }
}

/// The points of four rows, value by value.
#[inline(always)]
fn points_of_rows<S: Simd>(simd: S, rows: [&[f32]; 4], to: [&mut [f32]; 4]) {
    let ([p, q, r, s], [a, b, c, d]) = (rows, to);
    let len = p.len();
    // the last vector goes back rather than beyond the end
    let last = len.saturating_sub(S::F32_LANES);
    let tail = (len % S::F32_LANES > 0)
        .then(|| [&p[last..], &q[last..], &r[last..], &s[last..]].map(|row| simd.partial_load_f32s(row)));
    if let Some(x) = tail {
        let [x0, x1, x2, x3] = points3(simd, x);
        simd.partial_store_f32s(&mut a[last..], x0);
        simd.partial_store_f32s(&mut b[last..], x1);
        simd.partial_store_f32s(&mut c[last..], x2);
        simd.partial_store_f32s(&mut d[last..], x3);
    }
    let (p, q, r, s) = (S::as_simd_f32s(p).0, S::as_simd_f32s(q).0, S::as_simd_f32s(r).0, S::as_simd_f32s(s).0);
    let n = p.len();
    let (q, r, s) = (&q[..n], &r[..n], &s[..n]);
    let [a, b] = [S::as_mut_simd_f32s(a).0, S::as_mut_simd_f32s(b).0];
    let [c, d] = [S::as_mut_simd_f32s(c).0, S::as_mut_simd_f32s(d).0];
    let (a, b, c, d) = (&mut a[..n], &mut b[..n], &mut c[..n], &mut d[..n]);
    for i in 0..n {
        [a[i], b[i], c[i], d[i]] = points3(simd, [p[i], q[i], r[i], s[i]]);
    }
}

/// `span` values of every channel of four planes as the four points along depth.
#[inline(always)]
fn along_depth<S: Simd>(simd: S, planes: [&[f32]; 4], channel: usize, span: usize, to: &mut [f32]) {
    let len = to.len() / 4;
    let (a, rest) = to.split_at_mut(len);
    let (b, rest) = rest.split_at_mut(len);
    let (c, d) = rest.split_at_mut(len);
    let [p, q, r, s] = planes;
    for i in 0..len / span {
        let (at, from) = (i * span..(i + 1) * span, i * channel..i * channel + span);
        let rows = [&p[from.clone()], &q[from.clone()], &r[from.clone()], &s[from]];
        points_of_rows(simd, rows, [&mut a[at.clone()], &mut b[at.clone()], &mut c[at.clone()], &mut d[at]]);
    }
}

/// Points of a tile, and where the weights along width find theirs.
struct Points<'a> {
    values: &'a [f32],
    channel: usize,
    apart: usize,
    taps: usize,
}

impl Points<'_> {
    /// The products of `V` vectors of points, the first at `from`, × `B` weights summed over channels and weights along
    /// width.
    #[inline(always)]
    fn sums<S: Simd, const V: usize, const B: usize>(
        &self,
        simd: S,
        from: usize,
        weights: &[f32],
    ) -> [[S::f32s; V]; B] {
        let mut sums = [[simd.splat_f32s(0.0); V]; B];
        let mut points = &self.values[from..];
        for weights in weights.as_chunks::<B>().0.chunks_exact(self.taps) {
            for (tap, weights) in weights.iter().enumerate() {
                let Some(x) = S::as_simd_f32s(&points[tap * self.apart..]).0.first_chunk::<V>() else { return sums };
                let x = *x;
                for b in 0..B {
                    let weight = simd.splat_f32s(weights[b]);
                    for v in 0..V {
                        sums[b][v] = simd.mul_add_e_f32s(weight, x[v], sums[b][v]);
                    }
                }
            }
            points = points.get(self.channel..).unwrap_or_default();
        }
        sums
    }
}

/// Adds the sums of a point (along depth and height) to the outputs that it is part of.
#[inline(always)]
fn add<S: Simd, const V: usize, const B: usize>(
    simd: S,
    sums: [[S::f32s; V]; B],
    [z, y]: [usize; 2],
    outputs: &mut [[[S::f32s; V]; B]],
) {
    // the sign of each point in the first and the second output; the last has its sign in the weights
    const SIGNS: [[i8; 4]; 2] = [[1, 1, 1, 0], [0, 1, -1, 1]];
    for (at, to) in outputs.iter_mut().take(4).enumerate() {
        match SIGNS[at / 2][z] * SIGNS[at % 2][y] {
            0 => {}
            _ if [z, y] == [at / 2, at % 2] => {
                for b in 0..B {
                    for v in 0..V {
                        to[b][v] = sums[b][v];
                    }
                }
            }
            1 => {
                for b in 0..B {
                    for v in 0..V {
                        to[b][v] = simd.add_f32s(to[b][v], sums[b][v]);
                    }
                }
            }
            _ => {
                for b in 0..B {
                    for v in 0..V {
                        to[b][v] = simd.sub_f32s(to[b][v], sums[b][v]);
                    }
                }
            }
        }
    }
}
