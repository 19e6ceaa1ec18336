//! Which patches are worked on together, and the way from the input to patches and from outputs to rows.
//!
//! Patches are numbered along the last axis so that vectors run over neighbours: with a dilation of d, number q·d + r
//! starts at value q·m·d + r and takes every d-th value from there (m outputs per patch). A *strip* is some rows of
//! patches, or a part of a row; one plane after the other goes through it. The patches' values are laid out column by
//! column: all first values, all second values and so on, so that the transform reads whole vectors.

use super::super::ConvConfig;
use super::super::kernel::TILE;
use super::tile::Kind;

/// Outputs along the last axis of a strip's patches, at most: enough for the vectors of a few tiles, few enough for what is
/// laid out to stay in the cache.
const ALONG: usize = 768;
/// Patches of a strip, at most.
const PATCHES: usize = 192;
/// Values of the points of all planes that a strip keeps at once: half of a second-level cache of 1 MiB.
const POINTS: usize = 128 << 10;
/// Values of the products that are kept until their outputs are made.
const PRODUCTS: usize = 56 << 10;
/// Values of the largest vector.
const LANES: usize = 16;
/// Vectors of the widest tile.
const WIDEST: usize = 6;

/// The order of the work on an input of known size.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Strips {
    pub(super) kind: Kind,
    /// Depth, height and width.
    input: [usize; 3],
    output: [usize; 3],
    kernel: [usize; 3],
    dilation: [usize; 3],
    before: [usize; 3],
    pub(super) channels: usize,
    /// Rows of patches, and patches in a row.
    patches: [usize; 2],
    /// The same of a strip.
    extent: [usize; 2],
}

/// A strip: its first row of patches, its first patch in each row, and how many of both there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strip {
    row: usize,
    first: usize,
    pub(super) rows: usize,
    pub(super) across: usize,
}

impl Strip {
    /// Patches of the strip.
    pub(super) fn len(&self) -> usize {
        self.rows * self.across
    }
}

impl Strips {
    /// None where the sum would stay direct along two axes, or the points would not fit the cache.
    pub(in super::super) fn new(
        kind: Kind,
        config: &ConvConfig<3>,
        channels: usize,
        mut input: [usize; 3],
        mut output: [usize; 3],
    ) -> Option<Self> {
        let (mut kernel, mut dilation, mut before) =
            (config.kernel, config.dilation, config.padding.map(|[before, _]| before));
        if kind != Kind::Square && kernel[1] > 1 {
            if [kernel[0], input[0], output[0]] != [1; 3] || before[0] > 0 {
                return None;
            }
            // an image is a volume of one row
            kernel.swap(0, 1);
            dilation.swap(0, 1);
            before.swap(0, 1);
            input.swap(0, 1);
            output.swap(0, 1);
        }
        let [high, wide] = kind.outputs();
        let d = dilation[2];
        let across = output[2].div_ceil(wide.checked_mul(d)?).checked_mul(d)?;
        let patches = [output[1].div_ceil(high), across];
        let mut all = Self { kind, input, output, kernel, dilation, before, channels, patches, extent: [1, across] };
        // as many patches as the cache takes
        let most = if all.slots() > 1 { POINTS / (all.slots() * kind.points() * channels) } else { PATCHES };
        let most = most.min(POINTS / (kind.patch() * channels)).min(ALONG / wide).min(PATCHES) / LANES * LANES;
        if most == 0 {
            return None;
        }
        if across > most {
            all.extent[1] = (most / d * d).max(d).min(across);
        } else {
            // the number of rows that leaves the fewest places in vectors free
            let vectors = |rows: &usize| patches[0].div_ceil(*rows) * (rows * across).div_ceil(LANES);
            all.extent[0] = (1..=(most / across).min(patches[0])).rev().min_by_key(vectors).unwrap_or(1);
        }
        Some(all)
    }

    /// Multiplications of vectors of `lanes` values that this takes as long as, for each pair of channels.
    pub(in super::super) fn work(&self, outputs: usize, lanes: usize) -> f64 {
        let vectors: usize = self.strips().map(|strip| strip.len().div_ceil(lanes)).sum();
        // what else takes time beside a product, measured: the points, the outputs, and sums that are kept; the wider the
        // vectors, the less the products take
        let (each, kept) = match self.kind {
            Kind::Three => (0.5, 0.0),
            Kind::Five => (0.8, 0.016),
            Kind::Square => (1.1, 0.0),
        };
        let beside = lanes as f64 * (each / self.channels as f64 + each / outputs as f64 + kept);
        (vectors * self.output[0] * self.kind.points()) as f64 * (self.kernel[0] as f64 + beside)
    }

    /// Planes of points that are kept: as far as the weights reach along the first axis.
    pub(super) fn slots(&self) -> usize {
        self.dilation[0] * (self.kernel[0] - 1) + 1
    }

    /// Weights along the first axis, and how far apart their planes are.
    pub(super) fn taps(&self) -> [usize; 2] {
        [self.kernel[0], self.dilation[0]]
    }

    /// Planes of the padded input that count.
    pub(super) fn planes(&self) -> usize {
        self.output[0] + self.slots() - 1
    }

    /// All strips.
    pub(super) fn strips(&self) -> impl Iterator<Item = Strip> + use<> {
        let Self { patches: [rows, across], extent: [high, wide], .. } = *self;
        (0..rows).step_by(high).flat_map(move |row| {
            (0..across).step_by(wide).map(move |first| Strip {
                row,
                first,
                rows: high.min(rows - row),
                across: wide.min(across - first),
            })
        })
    }

    /// Rows of one column of the patches that a strip keeps: the last row of patches reaches into a next one.
    fn high(&self, rows: usize) -> usize {
        rows + self.kind.outputs()[0] - 1
    }

    /// How far the columns of the patches lie apart, for a strip.
    pub(super) fn column(&self, strip: &Strip) -> usize {
        self.high(strip.rows) * strip.across + self.shift(strip.rows)
    }

    /// Where there is one row, a patch has columns for as many values as it has outputs: the others are the first ones of its
    /// neighbour, and lie this much further in the same columns. 0 where all values have columns of their own.
    pub(super) fn shift(&self, rows: usize) -> usize {
        if rows == 1 && self.kind.outputs()[0] == 1 { self.dilation[2] } else { 0 }
    }

    /// Columns of the patches of one channel, in each row of a patch and in all.
    pub(super) fn columns(&self, rows: usize) -> [usize; 2] {
        let [high, wide] = self.kind.outputs();
        let each = if self.shift(rows) > 0 { wide } else { self.kind.patch() };
        [each, high * each]
    }

    /// Values of the columns, the points, the products and the padded line, for `blocks` blocks of output channels.
    pub(super) fn sizes(&self, blocks: usize) -> [usize; 4] {
        let [rows, across] = self.extent;
        let columns = self.channels * self.kind.patch() * self.kind.outputs()[0] * self.high(rows) * across;
        let columns = columns + self.channels * self.kind.outputs()[1] * self.dilation[2] + LANES;
        let patches = (rows * across).next_multiple_of(LANES) + WIDEST * LANES;
        let patches = if self.slots() > 1 { patches } else { WIDEST * LANES };
        let points = self.slots() * self.kind.points() * (self.channels + 1) * patches;
        let products = self.kind.points() * (self.together().min(blocks) * TILE + LANES);
        [columns, points, products, self.line(across)]
    }

    /// Scratch memory for `blocks` blocks of output channels.
    pub(in super::super) fn scratch(&self, blocks: usize) -> usize {
        self.sizes(blocks).iter().sum()
    }

    /// Blocks of output channels whose products are kept at once.
    pub(super) fn together(&self) -> usize {
        (PRODUCTS / (self.kind.points() * TILE)).max(1)
    }

    /// Values of a padded row that `across` patches need.
    fn line(&self, across: usize) -> usize {
        let [d, m] = [self.dilation[2], self.kind.outputs()[1]];
        across * m + (self.kind.patch() - 1) * d
    }

    /// Lays out what the patches of `strip` in the padded `plane` need, channel by channel.
    pub(super) fn lay_out(&self, input: &[f32], plane: usize, strip: &Strip, columns: &mut [f32], line: &mut [f32]) {
        let [depth, height, width] = self.input;
        let (apart, [high, _]) = (self.column(strip), self.kind.outputs());
        let z = plane.checked_sub(self.before[0]).filter(|z| *z < depth);
        let [each, all] = self.columns(strip.rows);
        let channels = columns.chunks_exact_mut(apart * all).take(self.channels);
        for (channel, columns) in input.chunks_exact(depth * height * width).zip(channels) {
            for y in 0..high * self.high(strip.rows) {
                let inside = (high * strip.row + y).checked_sub(self.before[1]).filter(|y| *y < height);
                let to = &mut columns[y % high * each * apart + y / high * strip.across..];
                match (z, inside) {
                    (Some(z), Some(y)) => {
                        let row = &channel[(z * height + y) * width..][..width];
                        self.split(row, strip, to, apart, line);
                    }
                    _ => {
                        let count = strip.across + self.shift(strip.rows);
                        to.chunks_mut(apart).take(each).for_each(|to| to[..count].fill(0.0));
                    }
                }
            }
        }
    }

    /// Puts the values of one row into the columns of its patches, which lie `apart`.
    fn split(&self, row: &[f32], strip: &Strip, to: &mut [f32], apart: usize, line: &mut [f32]) {
        let (d, m) = (self.dilation[2], self.kind.outputs()[1]);
        let ([n, _], count) = (self.columns(strip.rows), strip.across + self.shift(strip.rows));
        let (start, len, before) = (strip.first * m, self.line(strip.across), self.before[2]);
        let line = if start >= before && start - before + len <= row.len() {
            &row[start - before..][..len]
        } else {
            let line = &mut line[..len];
            line.fill(0.0);
            let from = before.saturating_sub(start).min(len);
            let end = (before + row.len()).saturating_sub(start).min(len);
            if from < end {
                line[from..end].copy_from_slice(&row[start + from - before..start + end - before]);
            }
            &*line
        };
        match (d, m) {
            (1, 2) => split::<1, 2>(line, n, count, to, apart),
            (2, 2) => split::<2, 2>(line, n, count, to, apart),
            (3, 2) => split::<3, 2>(line, n, count, to, apart),
            (4, 2) => split::<4, 2>(line, n, count, to, apart),
            (8, 2) => split::<8, 2>(line, n, count, to, apart),
            (16, 2) => split::<16, 2>(line, n, count, to, apart),
            (1, 8) => split::<1, 8>(line, n, count, to, apart),
            (2, 8) => split::<2, 8>(line, n, count, to, apart),
            (3, 8) => split::<3, 8>(line, n, count, to, apart),
            (4, 8) => split::<4, 8>(line, n, count, to, apart),
            (8, 8) => split::<8, 8>(line, n, count, to, apart),
            (16, 8) => split::<16, 8>(line, n, count, to, apart),
            _ => {
                for i in 0..n {
                    let to = to[i * apart..][..count].chunks_exact_mut(d);
                    to.enumerate().for_each(|(q, to)| copy(&line[(q * m + i) * d..][..d], to));
                }
            }
        }
    }

    /// Puts `outputs` of the patches from number `at` of `strip` on, column by column (`apart`), into `plane` of the output.
    pub(super) fn put(
        &self,
        outputs: &[f32],
        apart: usize,
        strip: &Strip,
        at: usize,
        plane: usize,
        channel: &mut [f32],
    ) {
        let [_, height, width] = self.output;
        let [high, wide] = self.kind.outputs();
        let count = apart.min(strip.len() - at);
        let mut done = 0;
        while done < count {
            let (row, first) = ((at + done) / strip.across, (at + done) % strip.across);
            let now = (strip.across - first).min(count - done);
            for a in 0..high {
                let y = (strip.row + row) * high + a;
                if y < height {
                    let to = &mut channel[(plane * height + y) * width..][..width];
                    self.merge(&outputs[a * wide * apart + done..], apart, now, strip.first + first, to);
                }
            }
            done += now;
        }
    }

    /// Puts the outputs of `count` patches from number `first` on into their row.
    fn merge(&self, outputs: &[f32], apart: usize, count: usize, first: usize, row: &mut [f32]) {
        let (d, m) = (self.dilation[2], self.kind.outputs()[1]);
        let mut i = 0;
        while i < count {
            let (q, r) = ((first + i) / d, (first + i) % d);
            let whole = ((count - i) / d).min((row.len() / (m * d)).saturating_sub(q));
            if r == 0 && whole > 0 {
                let (from, to) = (&outputs[i..], &mut row[q * m * d..(q + whole) * m * d]);
                match (d, m) {
                    (1, 2) => merge::<1, 2>(from, apart, whole, to),
                    (2, 2) => merge::<2, 2>(from, apart, whole, to),
                    (3, 2) => merge::<3, 2>(from, apart, whole, to),
                    (4, 2) => merge::<4, 2>(from, apart, whole, to),
                    (8, 2) => merge::<8, 2>(from, apart, whole, to),
                    (16, 2) => merge::<16, 2>(from, apart, whole, to),
                    (1, 8) => merge::<1, 8>(from, apart, whole, to),
                    (2, 8) => merge::<2, 8>(from, apart, whole, to),
                    (3, 8) => merge::<3, 8>(from, apart, whole, to),
                    (4, 8) => merge::<4, 8>(from, apart, whole, to),
                    (8, 8) => merge::<8, 8>(from, apart, whole, to),
                    (16, 8) => merge::<16, 8>(from, apart, whole, to),
                    _ => {
                        for (k, to) in to.chunks_exact_mut(d).enumerate() {
                            copy(&from[k % m * apart + k / m * d..][..d], to);
                        }
                    }
                }
                i += whole * d;
                continue;
            }
            let len = (d - r).min(count - i);
            for a in 0..m {
                let at = (q * m + a) * d + r;
                let inside = len.min(row.len().saturating_sub(at));
                if inside > 0 {
                    row[at..at + inside].copy_from_slice(&outputs[a * apart + i..][..inside]);
                }
            }
            i += len;
        }
    }
}

/// Copies all values; few at a time go without a call.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    match from.len() {
        0..4 => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
        4..8 => copy_twice::<4>(from, to),
        8..=16 => copy_twice::<8>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// Copies the first and the last `N` values, which may overlap.
#[inline(always)]
fn copy_twice<const N: usize>(from: &[f32], to: &mut [f32]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut()) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<N>(), to.last_chunk_mut()) {
        *to = *from;
    }
}

/// Splits a padded row, with counts that are known beforehand.
#[inline(always)]
fn split<const D: usize, const M: usize>(line: &[f32], n: usize, count: usize, to: &mut [f32], apart: usize) {
    for i in 0..n {
        let to = to[i * apart..][..count].as_chunks_mut::<D>().0;
        for (to, from) in to.iter_mut().zip(line[i * D..].chunks_exact(M * D)) {
            to.copy_from_slice(&from[..D]);
        }
    }
}

/// The whole steps of one column of outputs.
#[inline(always)]
fn column<const D: usize>(outputs: &[f32], from: usize, whole: usize) -> &[[f32; D]] {
    outputs[from..][..whole * D].as_chunks::<D>().0
}

/// Merges outputs into a row, with counts that are known beforehand.
#[inline(always)]
fn merge<const D: usize, const M: usize>(outputs: &[f32], apart: usize, whole: usize, to: &mut [f32]) {
    let columns: [_; M] = std::array::from_fn(|i| column::<D>(outputs, i * apart, whole));
    for (k, to) in to.as_chunks_mut::<D>().0.as_chunks_mut::<M>().0[..whole].iter_mut().enumerate() {
        for (to, column) in to.iter_mut().zip(columns) {
            *to = column[k];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_every_patch_and_fit_the_cache() {
        for (kernel, size) in [([3, 3, 3], [64, 64, 64]), ([1, 3, 3], [1, 57, 33]), ([1, 1, 5], [1, 1, 4800])] {
            let config = ConvConfig::<3>::new(16, 16, kernel);
            let strips = Strips::new(Kind::of(&config).unwrap(), &config, 16, size.map(|s| s + 4), size).unwrap();
            let patches: usize = strips.strips().map(|s| s.len()).sum();
            assert_eq!(patches, strips.patches.iter().product::<usize>());
            assert!(strips.scratch(2) < 4 * POINTS, "{strips:?}");
        }
    }

    /// Rows of any dilation are split and merged again: each output is the first value of its place in the patch.
    #[test]
    fn what_is_split_is_merged() {
        for d in 1..20 {
            let config = ConvConfig::<3>::new(8, 8, [1, 1, 5]).with_dilation([1, 1, d]);
            let (width, length) = (203, 203 - 4 * d);
            let strips = Strips::new(Kind::Five, &config, 1, [1, 1, width], [1, 1, length]).unwrap();
            let row: Vec<f32> = (0..width).map(|i| i as f32).collect();
            let mut merged = vec![f32::NAN; length];
            let [columns, _, _, line] = strips.sizes(1);
            let (mut columns, mut line) = (vec![0.0; columns], vec![0.0; line]);
            for strip in strips.strips() {
                strips.lay_out(&row, 0, &strip, &mut columns, &mut line);
                let apart = strips.column(&strip);
                for (at, count) in (0..strip.len()).step_by(10).map(|at| (at, 10.min(strip.len() - at))) {
                    let outputs: Vec<f32> = (0..8).flat_map(|a| columns[a * apart + at..][..count].to_vec()).collect();
                    strips.put(&outputs, count, &strip, at, 0, &mut merged);
                }
            }
            assert_eq!(merged, row[..length], "dilation {d}");
        }
    }
}
