//! The table as the models see it: centred, in small blocks that stay in the cache, summed over chunks in order.

use crate::Rows;
use crate::linalg::dot;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Rows of a chunk: sums of chunks are added in order, so that threads change no byte.
const CHUNK: usize = 2048;
/// Rows of a block: a multiple of 4.
const BLOCK: usize = 64;

/// Adds up what `work` adds to a vector of `length` zeros for each chunk of `rows` rows.
pub(crate) fn sum_over_chunks(rows: usize, length: usize, work: impl Fn(Range<usize>, &mut [f64]) + Sync) -> Vec<f64> {
    let mut total = vec![0.0; length];
    for part in each_chunk(rows, |range| {
        let mut sums = vec![0.0; length];
        work(range, &mut sums);
        sums
    }) {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}

/// What `work` gives for each chunk of `rows` rows, in order.
pub(crate) fn each_chunk<T: Send>(rows: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let range = |chunk: usize| chunk * CHUNK..((chunk + 1) * CHUNK).min(rows);
    let chunks = rows.div_ceil(CHUNK);
    #[cfg(feature = "rayon")]
    if chunks > 1 {
        use rayon::prelude::*;
        return (0..chunks).into_par_iter().map(|c| work(range(c))).collect();
    }
    (0..chunks).map(|c| work(range(c))).collect()
}

/// Rows from which on a table is large, and which part of it tells enough for a start or a size.
pub(crate) const LARGE: usize = 16_384;
pub(crate) const PART: usize = 16;

/// How far each Σ wᵢ gᵢ xᵢⱼ with |g| up to 1, and Σ wᵢ gᵢ, can be off by rounding: no optimality condition holds better.
pub(crate) fn rounding(rows: Rows<'_>, weights: &[f64]) -> Vec<f64> {
    let step = if rows.len() < LARGE { 1 } else { PART };
    let mut sizes = vec![0.0; rows.columns() + 1];
    for i in (0..rows.len()).step_by(step) {
        let w = 16.0 * f64::EPSILON * weights[i] * step as f64;
        sizes.iter_mut().zip(rows.row(i)).for_each(|(s, x)| *s += w * x.abs());
        sizes[rows.columns()] += w;
    }
    sizes
}

/// What stands behind the columns of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Last<'a> {
    /// Nothing.
    Nothing,
    /// A 1: the intercept.
    One,
    /// The target less its mean.
    Target(&'a [f64], f64),
}

/// Rows less the means of their columns, with a last column, padded with zeros to a multiple of 4.
#[derive(Debug, Clone)]
pub(crate) struct Design<'a> {
    pub(crate) rows: Rows<'a>,
    pub(crate) means: Vec<f64>,
    last: Last<'a>,
    /// Columns with the last one.
    pub(crate) width: usize,
    /// Columns with the padding.
    pub(crate) stride: usize,
}

impl<'a> Design<'a> {
    pub(crate) fn new(rows: Rows<'a>, means: Vec<f64>, last: Last<'a>) -> Self {
        let width = rows.columns() + usize::from(!matches!(last, Last::Nothing));
        Self { rows, means, last, width, stride: width.next_multiple_of(4) }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Calls `work` with each block of `range`: its rows, and their values with zeros behind them up to a multiple of 4
    /// rows.
    pub(crate) fn blocks(&self, range: Range<usize>, mut work: impl FnMut(Range<usize>, &[f64])) {
        let mut values = vec![0.0; BLOCK * self.stride];
        let columns = self.rows.columns();
        for first in range.clone().step_by(BLOCK) {
            let end = (first + BLOCK).min(range.end);
            let source = &self.rows.values()[first * columns..end * columns];
            for ((i, row), to) in (first..).zip(source.chunks_exact(columns)).zip(values.chunks_exact_mut(self.stride))
            {
                to.iter_mut().zip(row.iter().zip(&self.means)).for_each(|(t, (x, mean))| *t = x - mean);
                match self.last {
                    Last::Nothing => {}
                    Last::One => to[columns] = 1.0,
                    Last::Target(y, mean) => to[columns] = y[i] - mean,
                }
            }
            let used = (end - first).next_multiple_of(4) * self.stride;
            values[(end - first) * self.stride..used].fill(0.0);
            work(first..end, &values[..used]);
        }
    }

    /// Σ wᵢ xᵢ xᵢᵀ, width × width.
    pub(crate) fn gram(&self, weights: Option<&[f64]>) -> Vec<f64> {
        let sums = sum_over_chunks(self.len(), self.stride * self.stride, |range, sums| {
            let mut block_weights = [1.0; BLOCK];
            self.blocks(range, |rows, values| {
                if let Some(w) = weights {
                    block_weights[..rows.len()].copy_from_slice(&w[rows]);
                }
                Arch::new().dispatch(Gram { sums, values, weights: &block_weights, stride: self.stride });
            });
        });
        unpadded(&sums, self.stride, self.width)
    }
}

/// [`add_gram`] with the vectors of the processor.
struct Gram<'a> {
    sums: &'a mut [f64],
    values: &'a [f64],
    weights: &'a [f64],
    stride: usize,
}

impl WithSimd for Gram<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        add_gram(self.sums, self.values, self.weights, self.stride);
    }
}

/// Adds Σ wᵢ xᵢ xᵢᵀ of the rows of a block to the upper triangle of `sums` (and some of the lower): 4 × 4 sums at a time,
/// which stay in registers over all rows.
#[inline(always)]
pub(crate) fn add_gram(sums: &mut [f64], block: &[f64], weights: &[f64], stride: usize) {
    let mut weighted = block.to_vec();
    weighted.chunks_exact_mut(stride).zip(weights).for_each(|(row, w)| row.iter_mut().for_each(|x| *x *= w));
    for (i, j) in (0..stride).step_by(4).flat_map(|i| (i..stride).step_by(4).map(move |j| (i, j))) {
        let mut tile = [[0.0; 4]; 4];
        for (a, b) in weighted.chunks_exact(stride).zip(block.chunks_exact(stride)) {
            let (Some(a), Some(b)) = (a[i..].first_chunk::<4>(), b[j..].first_chunk::<4>()) else { return };
            for r in 0..4 {
                for c in 0..4 {
                    tile[r][c] += a[r] * b[c];
                }
            }
        }
        for (row, sums) in tile.iter().zip(sums[i * stride..].chunks_mut(stride)) {
            sums[j..j + 4].iter_mut().zip(row).for_each(|(s, t)| *s += t);
        }
    }
}

/// Adds Σ fᵢ xᵢ of the rows of a block.
#[inline(always)]
pub(crate) fn add_rows(sums: &mut [f64], block: &[f64], factors: &[f64], stride: usize) {
    for (four, f) in block.chunks_exact(4 * stride).zip(factors.as_chunks::<4>().0) {
        let (a, rest) = four.split_at(stride);
        let (b, rest) = rest.split_at(stride);
        let (c, d) = rest.split_at(stride);
        for (((to, a), b), (c, d)) in sums.iter_mut().zip(a).zip(b).zip(c.iter().zip(d)) {
            *to += (f[0] * a + f[1] * b) + (f[2] * c + f[3] * d);
        }
    }
}

/// The whole symmetric matrix from the upper triangle of a padded one.
pub(crate) fn unpadded(sums: &[f64], stride: usize, width: usize) -> Vec<f64> {
    let at = |i: usize, j: usize| sums[i.min(j) * stride + i.max(j)];
    (0..width * width).map(|k| at(k / width, k % width)).collect()
}

/// Means of the columns, weighted if there are weights.
pub(crate) fn column_means(rows: Rows<'_>, weights: Option<&[f64]>) -> Vec<f64> {
    let columns = rows.columns();
    let mut sums = sum_over_chunks(rows.len(), columns, |range, sums| {
        for i in range {
            let w = weights.map_or(1.0, |w| w[i]);
            sums.iter_mut().zip(rows.row(i)).for_each(|(s, x)| *s += w * x);
        }
    });
    let total = weights.map_or(rows.len() as f64, |w| w.iter().sum());
    sums.iter_mut().for_each(|s| *s /= total);
    sums
}

/// Products of a centred regression: what least squares, ridge and the elastic net need to know of the data.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub(crate) columns: usize,
    pub(crate) means: Vec<f64>,
    pub(crate) target_mean: f64,
    /// Σ of the weights.
    pub(crate) total: f64,
    /// Σ w (x − x̄)(x − x̄)ᵀ.
    pub(crate) gram: Vec<f64>,
    /// Σ w (x − x̄)(y − ȳ).
    pub(crate) products: Vec<f64>,
    /// Σ w (y − ȳ)².
    pub(crate) target: f64,
}

impl Moments {
    pub(crate) fn new(rows: Rows<'_>, targets: &[f64], weights: Option<&[f64]>) -> Self {
        let columns = rows.columns();
        let means = column_means(rows, weights);
        let total = weights.map_or(rows.len() as f64, |w| w.iter().sum());
        let target_mean = weights.map_or_else(|| targets.iter().sum(), |w| dot(w, targets)) / total;
        let design = Design::new(rows, means, Last::Target(targets, target_mean));
        let all = design.gram(weights);
        let width = columns + 1;
        Self {
            columns,
            target_mean,
            total,
            gram: (0..columns).flat_map(|i| &all[i * width..i * width + columns]).copied().collect(),
            products: (0..columns).map(|i| all[i * width + columns]).collect(),
            target: all[width * width - 1],
            means: design.means,
        }
    }

    /// The intercept that belongs to coefficients of the centred columns.
    pub(crate) fn intercept(&self, coefficients: &[f64]) -> f64 {
        self.target_mean - dot(&self.means, coefficients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn moments_equal_plain_sums() {
        let mut stream = Generator::new(2, "test").stream(0);
        for (n, p) in [(5, 1), (67, 3), (5000, 6)] {
            let x: Vec<f64> = (0..n * p).map(|_| stream.normal() + 3.0).collect();
            let rows = Rows::new(&x, p).unwrap();
            let (y, w): (Vec<f64>, Vec<f64>) = (0..n).map(|_| (stream.normal(), stream.uniform())).unzip();
            let m = Moments::new(rows, &y, Some(&w));
            for (i, j) in (0..p * p).map(|k| (k / p, k % p)) {
                let plain: f64 = rows.iter().zip(&w).map(|(r, w)| w * (r[i] - m.means[i]) * (r[j] - m.means[j])).sum();
                assert!((plain - m.gram[i * p + j]).abs() < 1e-9, "{n} {p}: {plain} {}", m.gram[i * p + j]);
            }
            let plain: f64 = rows.iter().zip(&w).zip(&y).map(|((r, w), y)| w * (r[0] - m.means[0]) * y).sum();
            assert!((plain - m.products[0]).abs() < 1e-9);
        }
    }
}
