//! Convolutions whose kernel is three wide, with a third fewer multiplications.
//!
//! Two neighbouring outputs of three weights each need six multiplications, or four by Winograd's minimal filtering
//! F(2, 3): along the last axis the four values d of a pair and the three weights g become
//! `v = (d0 - d2, d1 + d2, d2 - d1, d1 - d3)` and `u = (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2)`; with
//! `m = u v`, summed over channels and the other axes, the pair is `(m0 + m1 + m2, m1 - m2 - m3)`. Only halves and signs
//! come in, so that the rounding stays near that of the direct sum; larger tiles and a second axis would save more and
//! lose digits.
//!
//! Winograd 1980, doi:10.1137/1.9781611970364; Lavin, Gray 2016, doi:10.1109/CVPR.2016.435.

use super::ConvConfig;
use super::geometry::Rows;
use super::kernel::{Job, TILE, store, sums};
use pulp::{Simd, WithSimd, bytemuck};

/// Whether a convolution is done this way: the transform must pay for itself.
pub(super) fn serves(config: &ConvConfig<3>) -> bool {
    config.kernel[2] == 3
        && config.stride == [1; 3]
        && config.dilation[2] == 1
        && config.out_channels / config.groups >= 8
        && config.in_channels / config.groups >= 4
}

/// The weights u of one output channel, by their number, then as they were.
pub(super) fn transform(weights: &[f32]) -> Vec<f32> {
    let all = |u: fn([f64; 3]) -> f64| weights.as_chunks::<3>().0.iter().map(move |g| u(g.map(f64::from)) as f32);
    let middle = [|g: [f64; 3]| (g[0] + g[1] + g[2]) / 2.0, |g: [f64; 3]| (g[0] - g[1] + g[2]) / 2.0];
    all(|g| g[0]).chain(all(middle[0])).chain(all(middle[1])).chain(all(|g| g[2])).collect()
}

/// The values v of the pairs of one row, one plane apart in `to`; `line` holds the row with its padding.
#[inline(always)]
pub(super) fn transform_row(line: &[f32], to: &mut [f32], plane: usize, pairs: usize) {
    let d = &line.as_chunks::<2>().0[..=pairs];
    let (v0, rest) = to.split_at_mut(plane);
    let (v1, rest) = rest.split_at_mut(plane);
    let (v2, v3) = rest.split_at_mut(plane);
    let (v0, v1, v2, v3) = (&mut v0[..pairs], &mut v1[..pairs], &mut v2[..pairs], &mut v3[..pairs]);
    for i in 0..pairs {
        let ([d0, d1], [d2, d3]) = (d[i], d[i + 1]);
        v0[i] = d0 - d2;
        v1[i] = d1 + d2;
        v2[i] = d2 - d1;
        v3[i] = d1 - d3;
    }
}

/// A job whose geometry counts in pairs.
pub(super) struct Pairs<'a>(pub(super) Job<'a>);

impl WithSimd for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.0.block {
            8 => self.run::<S, 3, 2, 8>(simd),
            _ if S::REGISTER_COUNT >= 32 => self.run::<S, 6, 3, 4>(simd),
            _ => self.run::<S, 2, 1, 4>(simd),
        }
    }
}

impl Pairs<'_> {
    #[inline(always)]
    fn run<S: Simd, const V: usize, const H: usize, const B: usize>(mut self, simd: S) {
        for start in self.0.geometry.slabs() {
            let scratch = std::mem::take(&mut self.0.scratch);
            let slab = self.0.geometry.slab_input(self.0.input, start, scratch);
            for rows in self.0.geometry.rows(start) {
                self.run_rows::<S, V, H, B>(simd, &slab[rows.input..], &rows);
            }
            self.0.scratch = scratch;
        }
    }

    #[inline(always)]
    fn run_rows<S: Simd, const V: usize, const H: usize, const B: usize>(
        &mut self,
        simd: S,
        slab: &[f32],
        rows: &Rows,
    ) {
        let block = self.0.weights.len() / (self.0.bias.len() / B);
        let (lanes, len) = (S::F32_LANES, rows.len());
        let mut done = 0;
        while done < len {
            let vectors = match (len - done) / lanes {
                n if n >= V => V,
                n if n >= H => H,
                _ => 1,
            };
            let start = done.min(len.saturating_sub(lanes));
            for (b, weights) in self.0.weights.chunks_exact(block).enumerate() {
                if vectors == V {
                    self.tile::<S, V, B>(simd, slab, rows, start, b, weights);
                } else if vectors == H {
                    self.tile::<S, H, B>(simd, slab, rows, start, b, weights);
                } else {
                    self.tile::<S, 1, B>(simd, slab, rows, start, b, weights);
                }
            }
            done = start + vectors * lanes;
        }
    }

    /// The four sums m of `V` vectors of pairs × the channels of block `b`, and their outputs.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const B: usize>(
        &mut self,
        simd: S,
        slab: &[f32],
        rows: &Rows,
        start: usize,
        b: usize,
        weights: &[f32],
    ) {
        let Job { geometry, taps, bias, activation, first, plane, .. } = self.0;
        let (channel, values) = (geometry.channel(), geometry.channel() / 4);
        let mut m = [[0.0; TILE]; 4];
        for (j, weights) in weights.chunks_exact(weights.len() / 4).enumerate() {
            let mut add = [0.0; B]; // the bias goes into m0 for the first of a pair and, negative, into m3 for the second
            for (add, bias) in add.iter_mut().zip(&bias[b * B..]) {
                *add = match j {
                    0 => *bias,
                    3 => -*bias,
                    _ => 0.0,
                };
            }
            let sums = sums::<S, V, B>(simd, &slab[j * values + start..], channel, taps, weights, &add);
            let sums: &[f32] = bytemuck::cast_slice(sums.as_flattened());
            m[j][..sums.len()].copy_from_slice(sums);
        }
        let span = V * S::F32_LANES;
        let within = 2 * span.min(rows.len() - start);
        // in outputs, of which the last pair of a row may have but one
        let width = (2 * rows.width).min(rows.output_pitch - rows.output % rows.output_pitch);
        let pairs = Rows { pitch: 2 * rows.pitch, width, ..*rows };
        let (row, x) = (2 * start / pairs.pitch, 2 * start % pairs.pitch);
        let mut tile = [0.0; 2 * TILE];
        for (c, plane) in self.0.output[b * B * plane..].chunks_exact_mut(plane).take(B).enumerate() {
            let [m0, m1, m2, m3] = m.each_ref().map(|m| &m[c * span..][..span]);
            let tile = &mut tile[..2 * span];
            for (i, pair) in tile.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                *pair = [m0[i] + m1[i] + m2[i], m1[i] - m2[i] - m3[i]];
            }
            activation.apply(first + b * B + c, tile);
            store(&tile[..within], row, x, &pairs, plane);
        }
    }
}
