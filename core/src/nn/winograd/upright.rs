//! A kernel of 3 × 3 × w filtered along depth and height, F(2 × 4, 3 × 3), or one of 3 × w along height, F(4, 3), and
//! summed as it stands along width.
//!
//! 24 points for 2 × 4 rows of outputs instead of 72 products of rows (6 for four rows instead of 12). Less is saved than by
//! filtering along width too, but whole rows are read and written as they lie, and there are fewer points and products:
//! these, not the multiplications, are the work where channels are few.
//!
//! One plane of the input after the other gives its points along height; four planes together those along depth, of one
//! tile at a time, so that they stay in the first-level cache. The sums of each line of points go straight into the outputs
//! of the tile that need them. Bound by multiply-adds.

use super::super::kernel::{FAR, TILE, Tile};
use super::super::{Activation, ConvConfig, geometry::Rows};
use super::tile::{Four, Three, Tile as Map, four, three};
use pulp::{Simd, WithSimd};

/// Values of the points along height that are kept at once: half of a second-level cache of 1 MiB.
const POINTS: usize = 128 << 10;
/// Values of the largest vector.
const LANES: usize = 16;
/// Vectors of the widest tile.
const WIDEST: usize = 8;
/// Rows of outputs that are made together: a band.
const ROWS: usize = 4;
/// Points along height of a band.
const LINES: usize = 6;
/// The order of these lines: those of opposite places together, the ends last.
const ORDER: [usize; LINES] = [1, 2, 3, 4, 0, 5];
/// Products that are summed in one run: shorter runs keep the digits that the points cost.
const RUN: usize = 48;
/// Arrays of the outputs of a plane: rows, and the line that waits for its opposite.
const ARRAYS: usize = ROWS + 1;

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
    /// Bands, and places in a row, that are made together.
    extent: [usize; 2],
}

/// Some bands, or a part of their places.
#[derive(Debug, Clone, Copy)]
struct Strip {
    band: usize,
    bands: usize,
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
        let each = LINES * all.together()[0] * channels;
        let beyond = all.reach() + LANES * 2;
        // rows in parts of four vectors at least, though their points fill the cache
        let most = (POINTS / each).max(beyond + 4 * LANES);
        if each * most > 8 * POINTS {
            return None;
        }
        if output[2] + beyond > most {
            let parts = output[2].div_ceil(most - beyond);
            all.extent[1] = output[2].div_ceil(parts);
            return Some(all);
        }
        // the number of bands that leaves the fewest places in tiles of three vectors free
        let bands = output[1].div_ceil(ROWS);
        let pitch = output[2] + all.reach();
        let tiles = |n: usize| if n == 0 { 0 } else { (n * pitch - all.reach()).div_ceil(3 * LANES) };
        let work = |n: &usize| bands / n * tiles(*n) + tiles(bands % n);
        all.extent[0] = (1..=((most - beyond) / pitch).clamp(1, bands)).rev().min_by_key(work).unwrap_or(1);
        Some(all)
    }

    /// Multiplications of vectors of `lanes` values that this takes as long as, for each pair of channels.
    pub(in super::super) fn work(&self, outputs: usize, lanes: usize) -> f64 {
        let (depth, [slots, pair]) = (self.output[0], self.together());
        let length = |s: Strip| s.bands * self.pitch(&s) - self.reach();
        let vectors: usize = self.strips().map(|s| length(s).div_ceil(lanes)).sum();
        // what the points and the outputs take of the time, measured: the wider the vectors, the less the products take
        let (points, sums) = if self.deep { (0.4, 0.85) } else { (0.4, 0.7) };
        let beside = lanes as f64 * (points / self.channels as f64 + sums / outputs as f64);
        let planes = depth.div_ceil(pair) * LINES * slots;
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
        let [bands, width] = self.extent;
        (bands * (width + self.reach()) + LANES * 2).next_multiple_of(LANES) | LANES
    }

    /// Values of a channel's points of a tile along depth.
    fn span(&self, vectors: usize, lanes: usize) -> usize {
        (vectors + self.reach().div_ceil(lanes)) * lanes
    }

    /// Values of the points along height, the points along depth, the sums of a block, the outputs of `blocks` blocks, and
    /// a row of zeros.
    fn sizes(&self, blocks: usize) -> [usize; 5] {
        let [slots, planes] = self.together();
        let deep = if self.deep { slots * self.channels * self.span(WIDEST, LANES) } else { 0 };
        let points = LINES * slots * self.channels * self.channel();
        [points, deep, 4 * TILE, blocks * planes * ARRAYS * TILE, self.input[2]]
    }

    /// Scratch memory for `blocks` blocks of output channels.
    pub(in super::super) fn scratch(&self, blocks: usize) -> usize {
        self.sizes(blocks).iter().sum()
    }

    fn strips(&self) -> impl Iterator<Item = Strip> + use<> {
        let ([bands, width], [_, height, across]) = (self.extent, self.output);
        let all = height.div_ceil(ROWS);
        (0..all).step_by(bands).flat_map(move |band| {
            (0..across).step_by(width).map(move |x| Strip {
                band,
                bands: bands.min(all - band),
                x,
                width: width.min(across - x),
            })
        })
    }

    /// The row `row` of each band of outputs in the plane `z`; none if there are none.
    #[inline(always)]
    fn rows(&self, strip: &Strip, z: usize, row: usize) -> Option<Rows> {
        let [depth, height, width] = self.output;
        let y = ROWS * strip.band + row;
        (z < depth && y < height).then(|| Rows {
            rows: strip.bands.min((height - y).div_ceil(ROWS)),
            width: strip.width,
            pitch: self.pitch(strip),
            input: 0,
            output: (z * height + y) * width + strip.x,
            output_pitch: ROWS * width,
        })
    }
}

/// The weights of a layer as points.
#[derive(Debug, Clone)]
pub(in super::super) struct UprightFilters {
    /// By group, block of output channels, line along height, point along depth, input channel, weight along width and
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
    let depth = LINES * planes * inputs * wide;
    let mut points = vec![0.0; config.groups * padded * depth];
    for (o, kernels) in weight.chunks_exact(inputs * high * 3 * wide).enumerate() {
        let at = o / outputs * padded + o % outputs;
        let to = &mut points[at / block * block * depth..];
        for (channel, kernel) in kernels.chunks_exact(high * 3 * wide).enumerate() {
            for tap in 0..wide {
                let lines = |z: usize| four([0, 1, 2].map(|y| f64::from(kernel[(3 * z + y) * wide + tap])));
                let mut put = |y: usize, z: usize, value: f64| {
                    to[(((planes * y + z) * inputs + channel) * wide + tap) * block + at % block] = value as f32;
                };
                if high == 1 {
                    lines(0).into_iter().enumerate().for_each(|(y, value)| put(y, 0, value));
                    continue;
                }
                let lines = [0, 1, 2].map(lines);
                for y in 0..LINES {
                    let along = three(lines.map(|lines| lines[y]));
                    along.into_iter().enumerate().for_each(|(z, value)| put(y, z, value));
                }
            }
        }
    }
    points
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
        let [points, deep, sums, outputs, _] = upright.sizes(self.bias.len() / B);
        let (points, rest) = std::mem::take(&mut self.scratch).split_at_mut(points);
        let (deep, rest) = rest.split_at_mut(deep);
        let (sums, rest) = rest.split_at_mut(sums);
        let (outputs, zeros) = rest.split_at_mut(outputs);
        zeros.fill(0.0);
        for strip in upright.strips() {
            points.fill(0.0); // what lies between the rows stays
            let len = strip.bands * upright.pitch(&strip) - upright.reach();
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
                        self.tile::<S, V, B>(simd, &place, points, deep, sums, outputs);
                    } else if vectors == H {
                        self.tile::<S, H, B>(simd, &place, points, deep, sums, outputs);
                    } else {
                        self.tile::<S, 1, B>(simd, &place, points, deep, sums, outputs);
                    }
                    done = start + vectors * S::F32_LANES;
                }
            }
        }
    }

    /// The points along height of a padded plane: by plane (of four), line, channel, band, place.
    #[inline(always)]
    fn along_height<S: Simd>(&self, simd: S, strip: &Strip, plane: usize, zeros: &[f32], points: &mut [f32]) {
        let Upright { input: [depth, height, width], before, channels, .. } = *self.upright;
        let (pitch, channel, [slots, _]) = (self.upright.pitch(strip), self.upright.channel(), self.upright.together());
        let whole = channels * channel;
        let points = &mut points[plane % slots * LINES * whole..][..LINES * whole];
        let Some(z) = plane.checked_sub(before[0]).filter(|z| *z < depth) else { return points.fill(0.0) };
        // the values of a padded row that are inside
        let from = before[2].saturating_sub(strip.x).min(pitch);
        let end = (before[2] + width).saturating_sub(strip.x).clamp(from, pitch);
        let x = (strip.x + from).saturating_sub(before[2]);
        let (first, rest) = points.split_at_mut(whole);
        let (second, rest) = rest.split_at_mut(whole);
        let (third, rest) = rest.split_at_mut(whole);
        let (fourth, rest) = rest.split_at_mut(whole);
        let (fifth, sixth) = rest.split_at_mut(whole);
        for (c, values) in self.input.chunks_exact(depth * height * width).enumerate() {
            let plane = &values[z * height * width..][..height * width];
            for band in 0..strip.bands {
                let row = |i: usize| {
                    let y = (ROWS * (strip.band + band) + i).checked_sub(before[1]).filter(|y| *y < height);
                    y.map_or(&zeros[..end - from], |y| &plane[y * width + x..][..end - from])
                };
                let rows = [row(0), row(1), row(2), row(3), row(4), row(5)];
                let at = c * channel + band * pitch;
                let (at, end) = (at + from, at + end);
                let [a, b, c] = [&mut first[at..end], &mut second[at..end], &mut third[at..end]];
                let [d, e, f] = [&mut fourth[at..end], &mut fifth[at..end], &mut sixth[at..end]];
                points_of_rows::<S, Four, LINES, ROWS>(simd, rows, [a, b, c, d, e, f]);
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
        let Some(rows) = self.upright.rows(&place.strip, place.z + at / ROWS, at % ROWS) else { return };
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

    /// The outputs of `V` vectors of places, of two planes and four rows each.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const B: usize>(
        &mut self,
        simd: S,
        place: &Place,
        points: &[f32],
        deep: &mut [f32],
        sums: &mut [f32],
        outputs: &mut [f32],
    ) {
        let upright = self.upright;
        let (channels, channel, [taps, apart]) = (upright.channels, upright.channel(), upright.taps);
        let (span, whole) = (upright.span(V, S::F32_LANES), channels * channel);
        let [slots, planes] = upright.together();
        let (blocks, weights) = (self.bias.len() / B, channels * taps * B);
        let sums = S::as_mut_simd_f32s(sums).0.as_chunks_mut::<V>().0.as_chunks_mut::<B>().0;
        let Some(sums) = sums.first_chunk_mut::<4>() else { return };
        for (turn, y) in ORDER.into_iter().enumerate() {
            let plane = |k: usize| {
                let slot = LINES * ((place.z + k) % slots) + y;
                &points[slot * whole + place.start..][..whole - channel + span]
            };
            if upright.deep {
                let deep = &mut deep[..4 * channels * span];
                along_depth(simd, [plane(0), plane(1), plane(2), plane(3)], channel, span, deep);
            }
            for (b, outputs) in outputs.chunks_exact_mut(planes * ARRAYS * TILE).enumerate() {
                for at in (turn * planes..(turn + 1) * planes).filter(|at| *at < planes * ROWS) {
                    self.claim::<S, V, B>(place, at, b);
                }
                let weights = &self.weights[(LINES * b + y) * slots * weights..][..slots * weights];
                let points = if upright.deep {
                    Points { values: deep, channel: span, apart, taps }
                } else {
                    Points { values: plane(0), channel, apart, taps }
                };
                for (z, weights) in weights.chunks_exact(channels * taps * B).enumerate() {
                    points.sums::<S, V, B>(simd, z * channels * points.channel, weights, &mut sums[z]);
                }
                let outputs = S::as_mut_simd_f32s(outputs).0.as_chunks_mut::<V>().0.as_chunks_mut::<B>().0;
                for (z, outputs) in outputs.as_chunks_mut::<ARRAYS>().0.iter_mut().take(planes).enumerate() {
                    match (upright.deep, z) {
                        (false, _) => add::<S, Same, V, B>(simd, sums, y, outputs),
                        (true, 0) => add::<S, Near, V, B>(simd, sums, y, outputs),
                        (true, _) => add::<S, Far, V, B>(simd, sums, y, outputs),
                    }
                }
            }
        }
        for b in 0..blocks {
            let outputs = S::as_simd_f32s(&outputs[b * planes * ARRAYS * TILE..]).0;
            let outputs = outputs.as_chunks::<V>().0.as_chunks::<B>().0.as_chunks::<ARRAYS>().0;
            for (z, row) in (0..planes).flat_map(|z| (0..ROWS).map(move |row| (z, row))) {
                let Some(rows) = upright.rows(&place.strip, place.z + z, row) else { continue };
                let (Some(bias), true) = (self.bias[b * B..].first_chunk::<B>(), place.start < rows.len()) else {
                    continue;
                };
                let values = &outputs[z][row];
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

/// The points of rows, value by value.
#[inline(always)]
fn points_of_rows<S: Simd, M: Map<N, N, O>, const N: usize, const O: usize>(
    simd: S,
    from: [&[f32]; N],
    mut to: [&mut [f32]; N],
) {
    let len = from[0].len();
    // the last vector goes back rather than beyond the end
    let last = len.saturating_sub(S::F32_LANES);
    let none = [simd.splat_f32s(0.0); N];
    let ragged = !len.is_multiple_of(S::F32_LANES);
    let mut tail = none;
    if ragged {
        for (x, row) in tail.iter_mut().zip(&from) {
            *x = simd.partial_load_f32s(&row[last..]);
        }
        tail = M::points(simd, tail);
    }
    let n = len / S::F32_LANES;
    let rows = from.map(|row| &S::as_simd_f32s(&row[..len]).0[..n]);
    let mut vectors = to.each_mut().map(|to| &mut S::as_mut_simd_f32s(&mut to[..len]).0[..n]);
    for i in 0..n {
        let mut x = none;
        for (x, row) in x.iter_mut().zip(&rows) {
            *x = row[i];
        }
        for (to, y) in vectors.iter_mut().zip(M::points(simd, x)) {
            to[i] = y;
        }
    }
    if ragged {
        for (to, x) in to.iter_mut().zip(tail) {
            simd.partial_store_f32s(&mut to[last..len], x);
        }
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
        let to = [&mut a[at.clone()], &mut b[at.clone()], &mut c[at.clone()], &mut d[at]];
        points_of_rows::<S, Three, 4, 2>(simd, rows, to);
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
        to: &mut [[S::f32s; V]; B],
    ) {
        let mut points = &self.values[from..];
        let run = (RUN / self.taps).max(1) * self.taps;
        for (r, weights) in weights.as_chunks::<B>().0.chunks(run).enumerate() {
            let mut sums = [[simd.splat_f32s(0.0); V]; B];
            for weights in weights.chunks_exact(self.taps) {
                for (tap, weights) in weights.iter().enumerate() {
                    let Some(x) = S::as_simd_f32s(&points[tap * self.apart..]).0.first_chunk::<V>() else { return };
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
            if r == 0 {
                *to = sums;
                continue;
            }
            for b in 0..B {
                for v in 0..V {
                    to[b][v] = simd.add_f32s(to[b][v], sums[b][v]);
                }
            }
        }
    }
}

/// What the sums of the points along depth are in a plane of outputs.
trait Depth {
    fn plane<S: Simd>(simd: S, sums: impl Fn(usize) -> S::f32s) -> S::f32s;
}

/// The plane where depth is not filtered.
struct Same;
/// The first of two planes.
struct Near;
/// The second.
struct Far;

impl Depth for Same {
    #[inline(always)]
    fn plane<S: Simd>(_: S, sums: impl Fn(usize) -> S::f32s) -> S::f32s {
        sums(0)
    }
}

impl Depth for Near {
    #[inline(always)]
    fn plane<S: Simd>(simd: S, sums: impl Fn(usize) -> S::f32s) -> S::f32s {
        simd.add_f32s(simd.add_f32s(sums(0), sums(1)), sums(2))
    }
}

impl Depth for Far {
    #[inline(always)]
    fn plane<S: Simd>(simd: S, sums: impl Fn(usize) -> S::f32s) -> S::f32s {
        simd.sub_f32s(simd.sub_f32s(sums(1), sums(2)), sums(3))
    }
}

/// Adds the sums of a line's points, by point along depth, to the rows of a plane of outputs: see the outputs of [`Four`].
/// Lines come in their [`ORDER`]; the first of two opposite ones waits behind the rows for the second.
#[inline(always)]
fn add<S: Simd, D: Depth, const V: usize, const B: usize>(
    simd: S,
    sums: &[[[S::f32s; V]; B]; 4],
    line: usize,
    [first, second, third, fourth, kept]: &mut [[[S::f32s; V]; B]; ARRAYS],
) {
    // powers of the places
    let [near, near2, near3] = [0.75, 0.5625, 0.421875].map(|power| simd.splat_f32s(power));
    let [far, far2, far3] = [1.5, 2.25, 3.375].map(|power| simd.splat_f32s(power));
    match line {
        1 | 3 => {
            for b in 0..B {
                for v in 0..V {
                    kept[b][v] = D::plane(simd, |z: usize| sums[z][b][v]);
                }
            }
        }
        2 => {
            for b in 0..B {
                for v in 0..V {
                    let now = D::plane(simd, |z: usize| sums[z][b][v]);
                    let (even, odd) = (simd.add_f32s(kept[b][v], now), simd.sub_f32s(kept[b][v], now));
                    first[b][v] = even;
                    second[b][v] = simd.mul_f32s(near, odd);
                    third[b][v] = simd.mul_f32s(near2, even);
                    fourth[b][v] = simd.mul_f32s(near3, odd);
                }
            }
        }
        4 => {
            for b in 0..B {
                for v in 0..V {
                    let now = D::plane(simd, |z: usize| sums[z][b][v]);
                    let (even, odd) = (simd.add_f32s(kept[b][v], now), simd.sub_f32s(kept[b][v], now));
                    first[b][v] = simd.add_f32s(even, first[b][v]);
                    second[b][v] = simd.mul_add_e_f32s(far, odd, second[b][v]);
                    third[b][v] = simd.mul_add_e_f32s(far2, even, third[b][v]);
                    fourth[b][v] = simd.mul_add_e_f32s(far3, odd, fourth[b][v]);
                }
            }
        }
        _ => {
            let end = if line == 0 { first } else { fourth };
            for b in 0..B {
                for v in 0..V {
                    end[b][v] = simd.add_f32s(end[b][v], D::plane(simd, |z: usize| sums[z][b][v]));
                }
            }
        }
    }
}
