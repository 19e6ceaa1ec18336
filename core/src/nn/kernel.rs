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

/// Values that are more than a second-level cache holds beside what else is in it (2 MiB; 2.4 MB were still near).
pub(super) const FAR: usize = 768 << 10;

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

    /// One weight per channel, no stride and no padding: the inputs of some tiles are put one channel behind the other
    /// first, then each block of output channels goes over all of them. In place they lie a plane apart, often on the same
    /// few sets of the cache, every block would fetch them again, and every tile all weights.
    #[inline(always)]
    fn run_panels<S: Simd, const V: usize, const H: usize, const B: usize>(mut self, simd: S) {
        let scratch = std::mem::take(&mut self.scratch);
        let (plane, channels) = (self.plane, self.input.len() / self.plane);
        let together = scratch.len() / channels;
        let depth = channels * B;
        let blocks = self.bias.len() / B;
        let done = match blocks {
            _ if !is_far(channels, plane, B, blocks) => 0,
            2 => self.run_far_panels::<S, V, B, V>(simd, scratch),
            _ => self.run_far_panels::<S, V, B, 1>(simd, scratch),
        };
        for from in (done..plane).step_by(together) {
            let end = plane.min(from + together);
            let mut now = Panel { place: from, at: 0 };
            while let Some((panel, vectors)) = now.next::<S, V, H>(end, plane, channels) {
                let (weights, to) = (&self.weights[..depth], &mut scratch[panel.at..]);
                match vectors {
                    n if n == V => self.first_panel::<S, V, B>(simd, panel.place, to, weights),
                    n if n == H => self.first_panel::<S, H, B>(simd, panel.place, to, weights),
                    _ => self.first_panel::<S, 1, B>(simd, panel.place, to, weights),
                }
            }
            let mut none = Haul::default();
            for b in 1..blocks {
                let mut now = Panel { place: from, at: 0 };
                while let Some((panel, vectors)) = now.next::<S, V, H>(end, plane, channels) {
                    let weights = &self.weights[b * depth..][..depth];
                    let x = &scratch[panel.at..];
                    match vectors {
                        n if n == V => self.panel::<S, V, B, 0>(simd, b, panel.place, x, weights, &mut none),
                        n if n == H => self.panel::<S, H, B, 0>(simd, b, panel.place, x, weights, &mut none),
                        _ => self.panel::<S, 1, B, 0>(simd, b, panel.place, x, weights, &mut none),
                    }
                }
            }
        }
    }

    /// The same for few outputs of inputs beyond the second-level cache: while some tiles are multiplied, `N` vectors at a
    /// time of the next are brought in runs that are long enough for the processor to fetch ahead (1.0 to 1.4 times as fast
    /// for 16 and 24 outputs; more outputs would all be written at a time, a short piece of each). Tells how many places
    /// are done, whole tiles.
    #[inline(always)]
    fn run_far_panels<S: Simd, const V: usize, const B: usize, const N: usize>(
        &mut self,
        simd: S,
        scratch: &mut [f32],
    ) -> usize {
        let (input, plane, channels) = (self.input, self.plane, self.input.len() / self.plane);
        let (blocks, span) = (self.bias.len() / B, V * S::F32_LANES);
        let (mut here, mut there) = scratch.split_at_mut(scratch.len() / 2);
        let together = here.len() / (channels * span) * span;
        if together == 0 {
            return 0;
        }
        let mut haul = Haul { input, to: here, plane, channels, together, ..Haul::default() };
        while haul.bring::<S, V, V>() {}
        let end = plane / together * together;
        for from in (0..end).step_by(together) {
            let next = from + together;
            let input = if next < end { &input[next..] } else { &[] };
            let mut haul = Haul { input, to: there, plane, channels, together, ..Haul::default() };
            for (place, x) in (from..next).step_by(span).zip(here.chunks_exact(channels * span)) {
                for (b, weights) in self.weights.chunks_exact(channels * B).enumerate() {
                    if N == 1 || b + 1 == blocks {
                        self.panel::<S, V, B, N>(simd, b, place, x, weights, &mut haul);
                    } else {
                        self.panel::<S, V, B, 0>(simd, b, place, x, weights, &mut haul);
                    }
                }
            }
            (here, there) = (haul.to, here);
        }
        end
    }

    /// The outputs of the first block at `V` vectors of places from `start` on, while the inputs are laid out `to` the
    /// others: the arithmetic goes on while memory is awaited.
    #[inline(always)]
    fn first_panel<S: Simd, const V: usize, const B: usize>(
        &mut self,
        simd: S,
        start: usize,
        to: &mut [f32],
        weights: &[f32],
    ) {
        let Self { bias, activation, first, plane, .. } = *self;
        let Some(bias) = bias.first_chunk::<B>() else { return };
        let mut sums = [[simd.splat_f32s(0.0); V]; B];
        for (sums, bias) in sums.iter_mut().zip(bias) {
            *sums = [simd.splat_f32s(*bias); V];
        }
        let to = S::as_mut_simd_f32s(to).0.as_chunks_mut::<V>().0;
        let mut source = &self.input[start..];
        for (to, weights) in to.iter_mut().zip(weights.as_chunks::<B>().0) {
            let Some(x) = S::as_simd_f32s(source).0.first_chunk::<V>() else { return };
            let x = *x;
            *to = x;
            for b in 0..B {
                let weight = simd.splat_f32s(weights[b]);
                for v in 0..V {
                    sums[b][v] = simd.mul_add_e_f32s(weight, x[v], sums[b][v]);
                }
            }
            source = source.get(plane..).unwrap_or_default();
        }
        let rows = Rows::line(plane);
        Tile { start, first, activation, rows: &rows }.finish(simd, sums, self.output, plane);
    }

    /// The outputs of block `b` at `V` vectors of places from `start` on; `N` vectors for each channel are brought meanwhile.
    #[inline(always)]
    fn panel<S: Simd, const V: usize, const B: usize, const N: usize>(
        &mut self,
        simd: S,
        b: usize,
        start: usize,
        x: &[f32],
        weights: &[f32],
        haul: &mut Haul<'_>,
    ) {
        let Self { bias, activation, first, plane, .. } = *self;
        let (x, rows) = (S::as_simd_f32s(x).0.as_chunks::<V>().0, Rows::line(plane));
        if let Some(bias) = bias.as_chunks::<B>().0.get(b) {
            let sums = products::<S, V, B, N>(simd, x, weights, bias, haul);
            let tile = Tile { start, first: first + b * B, activation, rows: &rows };
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

/// Whether it pays to bring the next inputs meanwhile: where they are far, so few channels that runs of twelve vectors fit
/// into their panels, and 16 or 24 outputs.
fn is_far(channels: usize, plane: usize, block: usize, blocks: usize) -> bool {
    channels * plane > FAR && channels <= 160 && block == 8 && matches!(blocks, 2 | 3)
}

/// Values of the inputs that are laid out together, for so many channels, places in all, weights, and blocks of outputs: few,
/// so that they stay in the cache; more where there are many weights, which are read once for all of them, and for long runs.
pub(super) fn panels(channels: usize, plane: usize, weights: usize, block: usize, blocks: usize) -> usize {
    const TILES: usize = 96; // a multiple of 6 and of 3 vectors of 16
    let places = (weights / 4).clamp(16 << 10, 128 << 10) / channels;
    let places = (places / TILES * TILES).max(TILES).min(plane.next_multiple_of(16));
    channels * places * if is_far(channels, plane, block, blocks) { 4 } else { 1 }
}

/// Inputs of the next tiles on their way, in the order in which they lie.
#[derive(Default)]
struct Haul<'a> {
    /// From the first of the places on.
    input: &'a [f32],
    to: &'a mut [f32],
    plane: usize,
    channels: usize,
    together: usize,
    /// What comes next, and where it goes.
    channel: usize,
    place: usize,
    at: usize,
}

impl Haul<'_> {
    /// Brings `N` vectors, none beyond a tile of `V`, and tells whether there were any.
    #[inline(always)]
    fn bring<S: Simd, const V: usize, const N: usize>(&mut self) -> bool {
        let (span, piece) = (V * S::F32_LANES, N * S::F32_LANES);
        let from = self.channel * self.plane + self.place;
        let (Some(from), Some(to)) = (self.input.get(from..from + piece), self.to.get_mut(self.at..self.at + piece))
        else {
            return false;
        };
        to.copy_from_slice(from);
        (self.place, self.at) = (self.place + piece, self.at + piece);
        if self.place.is_multiple_of(span) {
            self.at += (self.channels - 1) * span;
        }
        if self.place == self.together {
            self.channel += 1;
            (self.place, self.at) = (0, self.channel * span);
        }
        true
    }
}

/// A tile's inputs: its first place, and where they are.
#[derive(Clone, Copy)]
struct Panel {
    place: usize,
    at: usize,
}

impl Panel {
    /// The next tile before `end` and its vectors: `V` while they fit, then `H`, then one. The last vector goes back rather
    /// than beyond the end of the plane.
    #[inline(always)]
    fn next<S: Simd, const V: usize, const H: usize>(
        &mut self,
        end: usize,
        plane: usize,
        channels: usize,
    ) -> Option<(Self, usize)> {
        if self.place >= end {
            return None;
        }
        let vectors = match (end - self.place) / S::F32_LANES {
            n if n >= V => V,
            n if n >= H => H,
            _ => 1,
        };
        let place = self.place.min(plane.saturating_sub(S::F32_LANES));
        let now = Self { place, at: self.at };
        self.place = place + vectors * S::F32_LANES;
        self.at += vectors * S::F32_LANES * channels;
        Some((now, vectors))
    }
}

/// The sums of `V` vectors of outputs × `B` channels, from inputs that lie channel behind channel.
#[inline(always)]
fn products<S: Simd, const V: usize, const B: usize, const N: usize>(
    simd: S,
    x: &[[S::f32s; V]],
    weights: &[f32],
    bias: &[f32; B],
    haul: &mut Haul<'_>,
) -> [[S::f32s; V]; B] {
    let mut sums = [[simd.splat_f32s(0.0); V]; B];
    for (sums, bias) in sums.iter_mut().zip(bias) {
        *sums = [simd.splat_f32s(*bias); V];
    }
    for (x, weights) in x.iter().zip(weights.as_chunks::<B>().0) {
        let x = *x;
        if N > 0 {
            haul.bring::<S, V, N>();
        }
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
pub(super) struct Tile<'a> {
    /// Place of the first output in its run of rows.
    pub(super) start: usize,
    /// Number of the first channel.
    pub(super) first: usize,
    pub(super) activation: &'a Activation,
    pub(super) rows: &'a Rows,
}

impl Tile<'_> {
    /// Applies the activation and puts the values into their rows.
    #[inline(always)]
    pub(super) fn finish<S: Simd, const V: usize, const B: usize>(
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
