//! Depth-wise convolution over images: each channel on its own, row by row.
//!
//! There are few multiply-adds per load, so loads and the copy into the slab limit the speed. Channels share two slabs:
//! their borders are zeroed once, and while one channel is worked on the next is already copied, because loads of values
//! that have just been stored are slow. With a stride of 2 the slab keeps rows whole, and they are taken apart in registers.

use super::Activation;
use super::activation::Channels;
use super::geometry::Geometry;
use pulp::{Simd, WithSimd, bytemuck};

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
    /// Two slabs.
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
        let rows = self.plane / width;
        let input_plane = self.input.len() / self.bias.len();
        let (low, high) = activation.clamp().unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
        let slides = T == 9 && taps.iter().enumerate().all(|(i, tap)| *tap == i / 3 * pitch + i % 3);
        let (mut slab, mut next) = scratch.split_at_mut(scratch.len() / 2);
        let halves = T == 9 && taps.iter().enumerate().all(|(i, tap)| *tap == phase_place(i / 3, i % 3, rows, pitch));
        let frame = if halves { Frame::of::<S>(geometry, rows, slab.len()) } else { None };
        slab.fill(0.0);
        next.fill(0.0);
        fill::<S>(frame.as_ref(), geometry, &self.input[..input_plane], slab);
        for c in 0..self.bias.len() {
            if let Some(x) = self.input.chunks_exact(input_plane).nth(c + 1) {
                fill::<S>(frame.as_ref(), geometry, x, next);
            }
            let output = &mut self.output[c * self.plane..];
            let weights = &self.weights[c * taps.len()..][..taps.len()];
            let mut held = [simd.splat_f32s(0.0); T];
            if let Some(weights) = weights.first_chunk::<T>() {
                for t in 0..T {
                    held[t] = simd.splat_f32s(weights[t]); // a count known beforehand keeps them in registers
                }
            }
            let bias = simd.splat_f32s(self.bias[c]);
            if let (true, Some(weights)) = (slides, held.first_chunk::<9>()) {
                let columns = Columns { slab, pitch, width, rows, weights: *weights, bias, low, high };
                columns.run(simd, output);
            } else if let (Some(frame), Some(weights)) = (&frame, held.first_chunk::<9>()) {
                let halving = Halving { slab, pitch: frame.pitch, width, rows, weights: *weights, bias, low, high };
                halving.run(simd, output);
            } else {
                for row in 0..rows {
                    for x in (0..width).step_by(S::F32_LANES) {
                        let x = x.min(width.saturating_sub(S::F32_LANES));
                        let sum = sum::<S, T>(simd, &slab[row * pitch + x..], taps, weights, &held, bias);
                        let value = simd.min_f32s(high, simd.max_f32s(low, sum));
                        put::<S>(value, &mut output[row * width + x..], width - x);
                    }
                }
            }
            if activation.clamp().is_none() {
                let (first, plane) = (self.first + c, self.plane);
                simd.vectorize(Channels { activation, first, plane, values: &mut output[..plane] });
            }
            std::mem::swap(&mut slab, &mut next);
        }
    }
}

/// Stores a vector of which `within` values count. The others are overwritten later, by the next row or channel, because
/// this happens in rows that are narrower than a vector only; where none follows they are left out.
#[inline(always)]
fn put<S: Simd>(value: S::f32s, to: &mut [f32], within: usize) {
    if let Some(to) = S::as_mut_simd_f32s(to).0.first_mut() {
        *to = value;
    } else {
        let values: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&value));
        to[..within].copy_from_slice(&values[..within]);
    }
}

/// A kernel of 3 × 3 without stride or dilation goes down the columns: each row is loaded once and serves three outputs.
struct Columns<'a, S: Simd> {
    slab: &'a [f32],
    pitch: usize,
    width: usize,
    rows: usize,
    weights: [S::f32s; 9],
    bias: S::f32s,
    low: S::f32s,
    high: S::f32s,
}

impl<S: Simd> Columns<'_, S> {
    #[inline(always)]
    fn run(&self, simd: S, output: &mut [f32]) {
        let mut x = 0;
        while x < self.width {
            if S::REGISTER_COUNT >= 32 && x + 2 * S::F32_LANES <= self.width {
                self.down::<2>(simd, x, output);
                x += 2 * S::F32_LANES;
            } else {
                self.down::<1>(simd, x.min(self.width.saturating_sub(S::F32_LANES)), output);
                x += S::F32_LANES;
            }
        }
    }

    /// `V` vectors of columns from `x` on.
    #[inline(always)]
    fn down<const V: usize>(&self, simd: S, x: usize, output: &mut [f32]) {
        let (w, span) = (self.weights, V * S::F32_LANES);
        // sums of the row that the third row of the kernel completes now, and of the two after it
        let mut sums = [[self.bias; V]; 3];
        for row in 0..self.rows + 2 {
            let source = &self.slab[row * self.pitch + x..][..span + 2];
            for k in 0..3 {
                let values = S::as_simd_f32s(&source[k..k + span]).0;
                for v in 0..V {
                    sums[0][v] = simd.mul_add_e_f32s(w[6 + k], values[v], sums[0][v]);
                    sums[1][v] = simd.mul_add_e_f32s(w[3 + k], values[v], sums[1][v]);
                    sums[2][v] = simd.mul_add_e_f32s(w[k], values[v], sums[2][v]);
                }
            }
            if row >= 2 {
                for (v, sum) in sums[0].iter().enumerate() {
                    let value = simd.min_f32s(self.high, simd.max_f32s(self.low, *sum));
                    let x = x + v * S::F32_LANES;
                    put::<S>(value, &mut output[(row - 2) * self.width + x..], self.width - x);
                }
            }
            sums = [sums[1], sums[2], [self.bias; V]];
        }
    }
}

#[inline(always)]
fn fill<S: Simd>(frame: Option<&Frame>, geometry: &Geometry, image: &[f32], slab: &mut [f32]) {
    match frame {
        Some(frame) => frame.fill::<S>(image, slab),
        None => geometry.fill_channel(image, [0; 3], slab),
    }
}

/// Where a place of the padded image lies in a slab of a stride of 2 along both axes, which holds every other row and
/// column apart, `rows` + 1 and `pitch` of each.
fn phase_place(row: usize, column: usize, rows: usize, pitch: usize) -> usize {
    ((row % 2 * 2 + column % 2) * (rows + 1) + row / 2) * pitch + column / 2
}

/// How an image lies in a slab that keeps its rows whole, zeros about it.
struct Frame {
    /// Height and width of the image.
    size: [usize; 2],
    /// Where its first value lies.
    before: [usize; 2],
    /// Rows of the slab, and how far they lie apart.
    rows: usize,
    pitch: usize,
}

impl Frame {
    /// That of a kernel of 3 × 3 with a stride of 2, for `rows` of outputs; none where the slab of so many values, made for
    /// rows that are taken apart, has no room for it.
    #[inline(always)]
    fn of<S: Simd>(geometry: &Geometry, rows: usize, slab: usize) -> Option<Self> {
        let ([size, before], lines, pitch) = (geometry.image(), 2 * rows + 1, 2 * geometry.pitch());
        let fits = 2 * rows * pitch + 2 * S::F32_LANES + 2 <= slab && before[0] < lines && before[1] < pitch;
        fits.then_some(Self { size, before, rows: lines, pitch })
    }

    /// Copies the image, or as much of it as is needed.
    #[inline(always)]
    fn fill<S: Simd>(&self, image: &[f32], slab: &mut [f32]) {
        let [top, left] = self.before;
        let within = self.size[1].min(self.pitch - left);
        let lines = slab.chunks_exact_mut(self.pitch).take(self.rows).skip(top);
        for (to, from) in lines.zip(image.chunks_exact(self.size[1])) {
            let (to, from) = (&mut to[left..left + within], &from[..within]);
            let Some(last) = from.len().checked_sub(S::F32_LANES) else {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                continue;
            };
            let (tail, vectors) = (S::as_simd_f32s(&from[last..]).0, S::as_simd_f32s(from).0);
            for (to, from) in S::as_mut_simd_f32s(to).0.iter_mut().zip(vectors) {
                *to = *from;
            }
            // the last vector goes back rather than beyond the end
            if let (Some(to), Some(from)) = (S::as_mut_simd_f32s(&mut to[last..]).0.first_mut(), tail.first()) {
                *to = *from;
            }
        }
    }
}

/// A kernel of 3 × 3 with a stride of 2 goes down the columns too: rows are taken apart into even and odd values in
/// registers, and each second row serves two outputs. Loads limit it: eight for nine multiply-adds.
struct Halving<'a, S: Simd> {
    slab: &'a [f32],
    pitch: usize,
    width: usize,
    rows: usize,
    weights: [S::f32s; 9],
    bias: S::f32s,
    low: S::f32s,
    high: S::f32s,
}

impl<S: Simd> Halving<'_, S> {
    #[inline(always)]
    fn run(&self, simd: S, output: &mut [f32]) {
        for x in (0..self.width).step_by(S::F32_LANES) {
            self.down(simd, x.min(self.width.saturating_sub(S::F32_LANES)), output);
        }
    }

    /// A vector of columns from `x` on.
    #[inline(always)]
    fn down(&self, simd: S, x: usize, output: &mut [f32]) {
        let mut next = self.add(simd, self.bias, self.row(0, x), 0);
        for row in 0..self.rows {
            let sum = self.add(simd, next, self.row(2 * row + 1, x), 3);
            let last = self.row(2 * row + 2, x);
            next = self.add(simd, self.bias, last, 0);
            let value = simd.min_f32s(self.high, simd.max_f32s(self.low, self.add(simd, sum, last, 6)));
            put::<S>(value, &mut output[row * self.width + x..], self.width - x);
        }
    }

    /// Adds a row of the kernel, whose weights begin at `k`.
    #[inline(always)]
    fn add(&self, simd: S, sum: S::f32s, [a, b, c]: [S::f32s; 3], k: usize) -> S::f32s {
        let sum = simd.mul_add_e_f32s(self.weights[k], a, sum);
        let sum = simd.mul_add_e_f32s(self.weights[k + 1], b, sum);
        simd.mul_add_e_f32s(self.weights[k + 2], c, sum)
    }

    /// What the three places of a row of the kernel need.
    #[inline(always)]
    fn row(&self, row: usize, x: usize) -> [S::f32s; 3] {
        let source = &self.slab[row * self.pitch + 2 * x..][..2 * S::F32_LANES + 2];
        let [first, second] = apart::<S>(source);
        let [third, _] = apart::<S>(&source[2..]);
        [first, second, third]
    }
}

/// Every other value from the first on, and the others. The loop is of known length and works on vectors: it becomes a
/// shuffle.
#[inline(always)]
fn apart<S: Simd>(source: &[f32]) -> [S::f32s; 2] {
    let zero = <S::f32s as bytemuck::Zeroable>::zeroed();
    let Some(pair) = S::as_simd_f32s(source).0.first_chunk::<2>() else { return [zero; 2] };
    let pair = *pair;
    let from: &[f32] = bytemuck::cast_slice(&pair);
    let mut of = [zero; 2];
    {
        let (even, odd) = of.split_at_mut(1);
        let (even, odd): (&mut [f32], &mut [f32]) = (bytemuck::cast_slice_mut(even), bytemuck::cast_slice_mut(odd));
        for i in 0..S::F32_LANES {
            even[i] = from[2 * i];
            odd[i] = from[2 * i + 1];
        }
    }
    of
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
