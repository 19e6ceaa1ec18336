use super::Targets;
use super::each::each;
use crate::error::{Mismatch, Parameter};
use crate::{Error, Model, Rows};
use pulp::{Arch, Simd, WithSimd, bytemuck};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Points that are looked at together.
const BLOCK: usize = 128;
/// Vectors of points that grow side by side, for two queries at a time: so that none waits for its last addition.
const VECTORS: usize = 4;
/// Queries that go over a block while it is in the cache.
const TILE: usize = 32;

/// How much each neighbour says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NeighbourWeights {
    /// All the same.
    #[default]
    Uniform,
    /// One over its distance; neighbours at distance 0, if there are any, count alone.
    Distance,
}

/// Settings of [`NearestNeighboursModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NearestNeighbours {
    /// Number of neighbours: 1 to the number of rows. Default 5.
    pub neighbours: usize,
    /// How much each says. Default [`NeighbourWeights::Uniform`].
    pub weights: NeighbourWeights,
}

impl Default for NearestNeighbours {
    fn default() -> Self {
        Self { neighbours: 5, weights: NeighbourWeights::Uniform }
    }
}

impl NearestNeighbours {
    /// Sets [`neighbours`](Self::neighbours).
    #[must_use]
    pub fn with_neighbours(self, neighbours: usize) -> Self {
        Self { neighbours, ..self }
    }
    /// Sets [`weights`](Self::weights).
    #[must_use]
    pub fn with_weights(self, weights: NeighbourWeights) -> Self {
        Self { weights, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if self.neighbours == 0 { Err(Parameter::new("neighbours", 0.0, "1 or more").into()) } else { Ok(()) }
    }

    /// Keeps the rows and their targets.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Mismatch`] unless there is one target per row, [`Error::TooShort`] for
    /// fewer rows than neighbours, [`Error::NotFinite`] for a target.
    pub fn fit<'a>(&self, rows: Rows<'_>, targets: impl Into<Targets<'a>>) -> Result<NearestNeighboursModel, Error> {
        self.validate()?;
        let targets: Targets<'a> = targets.into();
        let targets = targets.numbers(rows, self.neighbours)?;
        let stored = Stored { config: self.clone(), columns: rows.columns(), points: rows.values().to_vec(), targets };
        Ok(NearestNeighboursModel { blocks: Blocks::new(rows), stored })
    }
}

/// The nearest neighbours of some rows, nearest first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Neighbours {
    /// Neighbours of each row.
    pub count: usize,
    /// Number of the training row, `count` for each row after the other.
    pub index: Vec<usize>,
    /// Its Euclidean distance.
    pub distance: Vec<f64>,
}

/// The k nearest neighbours: predicts the mean target of the training rows that are nearest by Euclidean distance.
///
/// **Use it** as the plainest baseline, to find similar patients, and where a prediction must be shown by cases. **Not**
/// on columns of different units (scale them first), with many useless columns, or where the training rows must not be
/// handed on: the model holds them all.
///
/// # Formula
/// `f(x) = Σ w_i y_i / Σ w_i` over the `k` nearest rows, `w_i = 1` or `1 / d_i`; of rows equally far, the first. For labels
/// that is the share of `true`. Every row is looked at: a bound in single precision (with its rounding error added) drops
/// those that cannot be among the nearest, the distances of the others are computed in double precision.
///
/// # Parameters
/// See [`NearestNeighbours`].
///
/// # Examples
/// ```
/// use eir_core::learn::NearestNeighbours;
/// use eir_core::{Model, Rows};
/// let rows = Rows::new(&[0.0, 1.0, 2.0, 10.0], 1)?;
/// let model = NearestNeighbours::default().with_neighbours(2).fit(rows, &[false, false, true, true])?;
/// let query = Rows::new(&[1.6], 1)?;
/// assert_eq!(model.nearest(query)?.index, [2, 1]);
/// assert_eq!(model.predict(query)?, [0.5]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`NearestNeighbours::fit`] lists them.
///
/// # Validation
/// Indices, distances, probabilities and distance-weighted means agree with scikit-learn 1.9.1 within 1e-9 on
/// `reference/core/trees_and_neighbours.json`.
///
/// # References
/// Cover, Hart 1967, doi:10.1109/TIT.1967.1053964.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct NearestNeighboursModel {
    stored: Stored,
    blocks: Blocks,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    config: NearestNeighbours,
    columns: usize,
    points: Vec<f64>,
    targets: Vec<f64>,
}

impl TryFrom<Stored> for NearestNeighboursModel {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        stored.config.fit(Rows::new(&stored.points, stored.columns)?, &stored.targets)
    }
}

impl From<NearestNeighboursModel> for Stored {
    fn from(model: NearestNeighboursModel) -> Self {
        model.stored
    }
}

impl PartialEq for NearestNeighboursModel {
    fn eq(&self, other: &Self) -> bool {
        self.stored == other.stored
    }
}

impl NearestNeighboursModel {
    /// The nearest training rows of each of `rows`, on all threads with the feature `rayon`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns.
    pub fn nearest(&self, rows: Rows<'_>) -> Result<Neighbours, Error> {
        let Stored { config, columns, points, .. } = &self.stored;
        Mismatch::check("columns", *columns, rows.columns())?;
        let tiles = each(rows.len().div_ceil(TILE), |tile| {
            let queries = (tile * TILE..rows.len().min((tile + 1) * TILE)).map(|i| rows.row(i));
            let found: Vec<Found<'_>> = queries.map(|query| self.blocks.query(query, config.neighbours)).collect();
            let found = Arch::new().dispatch(Search { blocks: &self.blocks, found });
            found.into_iter().map(|found| found.nearest(points)).collect::<Vec<_>>()
        });
        let nearest = tiles.into_iter().flatten().flatten();
        let (distance, index) = nearest.map(|(square, index)| (square.sqrt(), index)).unzip();
        Ok(Neighbours { count: config.neighbours, index, distance })
    }
}

impl Model for NearestNeighboursModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        let near = self.nearest(rows)?;
        let each = near.index.chunks_exact(near.count).zip(near.distance.chunks_exact(near.count));
        for (to, (index, distance)) in out.iter_mut().zip(each) {
            let weight = |d: f64| match self.stored.config.weights {
                NeighbourWeights::Uniform => 1.0,
                NeighbourWeights::Distance if distance[0] > 0.0 => distance[0] / d, // scaled, so that 1 / d stays finite
                NeighbourWeights::Distance => f64::from(u8::from(d == 0.0)),
            };
            let (sum, total) = index.iter().zip(distance).fold((0.0, 0.0), |(sum, total), (i, d)| {
                let w = weight(*d);
                (sum + w * self.stored.targets[*i], total + w)
            });
            *to = sum / total;
        }
        Ok(())
    }
}

/// The training rows in single precision, moved to their mean: a quick lower bound on distances.
#[derive(Debug, Clone)]
struct Blocks {
    points: usize,
    mean: Vec<f64>,
    /// Column after column of the points of a block, block after block.
    values: Vec<f32>,
    /// Squared length of each point; infinite after the last one.
    norm: Vec<f32>,
    /// Length of the longest point of each block.
    longest: Vec<f64>,
}

/// A query and what may be near it.
struct Found<'a> {
    query: &'a [f64],
    /// −2 times the query, moved as the points are.
    moved: Vec<f32>,
    /// Length of the moved query.
    length: f64,
    /// The lowest upper bounds so far, ascending: no point above the last of them is among the nearest.
    upper: Vec<f32>,
    /// Lower bound and number of each point that was not above it when it was looked at.
    near: Vec<(f32, usize)>,
}

impl Blocks {
    fn new(rows: Rows<'_>) -> Self {
        let columns = rows.columns();
        let mean: Vec<f64> =
            (0..columns).map(|c| rows.iter().map(|row| row[c] / rows.len() as f64).sum::<f64>()).collect();
        let blocks = rows.len().div_ceil(BLOCK);
        let mut values = vec![0.0; blocks * columns * BLOCK];
        let mut norm = vec![f32::INFINITY; blocks * BLOCK];
        let mut longest = vec![0.0f64; blocks];
        for (i, row) in rows.iter().enumerate() {
            let (block, lane) = (i / BLOCK, i % BLOCK);
            let mut square = 0.0;
            for (c, (x, m)) in row.iter().zip(&mean).enumerate() {
                values[(block * columns + c) * BLOCK + lane] = (x - m) as f32;
                square += (x - m) * (x - m);
            }
            norm[i] = square as f32;
            longest[block] = longest[block].max(square.sqrt());
        }
        Self { points: rows.len(), mean, values, norm, longest }
    }

    fn query<'a>(&self, query: &'a [f64], count: usize) -> Found<'a> {
        let moved = query.iter().zip(&self.mean).map(|(x, m)| x - m);
        let length = moved.clone().map(|x| x * x).sum::<f64>().sqrt();
        Found {
            query,
            moved: moved.map(|x| (-2.0 * x) as f32).collect(),
            length,
            upper: vec![f32::INFINITY; count],
            near: Vec::new(),
        }
    }
}

impl Found<'_> {
    /// How far `|p|² − 2 q·p` in single precision may be off for a point of at most this length.
    #[inline(always)]
    fn slack(&self, longest: f64) -> f32 {
        let reach = (self.length + longest) * (self.length + longest);
        if reach > 1e37 {
            return f32::INFINITY; // such squares bound nothing
        }
        // each column rounds at most twice, numbers of at most `reach`; what is below 1e-37 becomes 0
        ((2.0 * self.query.len() as f64 + 8.0) * (f64::from(f32::EPSILON) * reach + 1e-37)) as f32
    }

    #[inline(always)]
    fn limit(&self) -> f32 {
        self.upper.last().copied().unwrap_or(f32::INFINITY)
    }

    /// Looks at the points of a part of a block, if any of them may be near.
    #[inline(always)]
    fn scan<S: Simd>(&mut self, simd: S, points: Range<usize>, bounds: [S::f32s; VECTORS], slack: f32) {
        let limit = simd.splat_f32s(self.limit() + slack);
        let above = bounds.map(|bound| simd.greater_than_f32s(bound, limit));
        let all = above.into_iter().reduce(|a, b| simd.and_m32s(a, b));
        if all.is_some_and(|all| simd.first_true_m32s(simd.not_m32s(all)) < S::F32_LANES) {
            self.look(points, bytemuck::cast_slice(&bounds), slack);
        }
    }

    /// Seldom needed, and so kept out of the loop.
    #[inline(never)]
    fn look(&mut self, points: Range<usize>, bounds: &[f32], slack: f32) {
        for (index, bound) in points.zip(bounds) {
            // a bound that is no number rules nothing out
            if bound.is_nan() || *bound <= self.limit() + slack {
                self.offer(index, bound - slack, bound + slack);
            }
        }
    }

    #[inline(always)]
    fn offer(&mut self, index: usize, lower: f32, upper: f32) {
        self.near.push((lower, index));
        if upper < self.limit() {
            let mut place = self.upper.len() - 1;
            while place > 0 && self.upper[place - 1] > upper {
                self.upper[place] = self.upper[place - 1];
                place -= 1;
            }
            self.upper[place] = upper;
        }
    }

    /// Squared distance and number of the nearest points, nearest first, in double precision.
    fn nearest(self, points: &[f64]) -> Vec<(f64, usize)> {
        let (limit, columns) = (self.limit(), self.query.len());
        let near = self.near.iter().filter(|(lower, _)| lower.is_nan() || *lower <= limit);
        let square = |index: usize| {
            let point = points[index * columns..].iter();
            self.query.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
        };
        let mut nearest: Vec<(f64, usize)> = near.map(|(_, index)| (square(*index), *index)).collect();
        nearest.sort_by(|a, b| a.0.total_cmp(&b.0)); // equal ones stay in the order of the points
        nearest.truncate(self.upper.len());
        nearest
    }
}

struct Search<'a> {
    blocks: &'a Blocks,
    found: Vec<Found<'a>>,
}

impl<'a> WithSimd for Search<'a> {
    type Output = Vec<Found<'a>>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { blocks, mut found } = self;
        const { assert!(BLOCK.is_multiple_of(VECTORS * S::F32_LANES)) };
        let columns = blocks.mean.len();
        let each = blocks.values.chunks_exact(columns * BLOCK).zip(blocks.norm.chunks_exact(BLOCK));
        for (block, (values, norm)) in each.enumerate() {
            let (values, norm) = (S::as_simd_f32s(values).0, S::as_simd_f32s(norm).0);
            for pair in found.chunks_mut(2) {
                let last = pair.len() - 1; // the first once more, where there is no second
                let slack = [0, last].map(|i| pair[i].slack(blocks.longest[block]));
                for (part, norm) in norm.chunks_exact(VECTORS).enumerate() {
                    // |p|² − 2 q·p
                    let norm: [S::f32s; VECTORS] = std::array::from_fn(|i| norm[i]);
                    let mut sums = [norm; 2];
                    let moved = pair[0].moved.iter().zip(&pair[last].moved);
                    for ((a, b), column) in moved.zip(values.chunks_exact(BLOCK / S::F32_LANES)) {
                        let column = &column[VECTORS * part..VECTORS * (part + 1)];
                        for (sums, q) in sums.iter_mut().zip([simd.splat_f32s(*a), simd.splat_f32s(*b)]) {
                            for (sum, p) in sums.iter_mut().zip(column) {
                                *sum = simd.mul_add_e_f32s(q, *p, *sum);
                            }
                        }
                    }
                    let first = block * BLOCK + part * VECTORS * S::F32_LANES;
                    for ((query, sums), slack) in pair.iter_mut().zip(sums).zip(slack) {
                        query.scan(simd, first..blocks.points, sums, slack);
                    }
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::testing::contract;

    fn check_against_plain(points: &[f64], queries: &[f64], columns: usize, count: usize) {
        let rows = Rows::new(points, columns).unwrap();
        let config = NearestNeighbours::default().with_neighbours(count);
        let model = config.fit(rows, &vec![true; rows.len()]).unwrap();
        let near = model.nearest(Rows::new(queries, columns).unwrap()).unwrap();
        for (q, query) in queries.chunks(columns).enumerate() {
            let square = |row: &[f64]| row.iter().zip(query).map(|(a, b)| (b - a) * (b - a)).sum::<f64>();
            let mut all: Vec<(f64, usize)> = rows.iter().map(square).zip(0..).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let want: Vec<usize> = all[..count].iter().map(|(_, i)| *i).collect();
            assert_eq!(near.index[q * count..(q + 1) * count], want, "query {q}");
            assert!(all.iter().zip(&near.distance[q * count..(q + 1) * count]).all(|(a, b)| a.0.sqrt() == *b));
        }
    }

    #[test]
    fn bounds_never_lose_a_neighbour() {
        let mut stream = Generator::new(1, "neighbours test").stream(0);
        for (scale, offset) in [(1.0, 0.0), (1e-3, 1e6), (1e-25, 0.0), (1e-30, 1.0), (1e25, 0.0), (1e150, 0.0)] {
            let mut draw = |n: usize| (0..n).map(|_| offset + scale * stream.normal()).collect::<Vec<f64>>();
            check_against_plain(&draw(7 * 331), &draw(7 * 40), 7, 9);
        }
        // one outlier, ties on a grid, fewer points than a block
        let mut points: Vec<f64> = (0..600).map(|_| stream.normal()).collect();
        points[7] = 1e30;
        check_against_plain(&points, &points.clone(), 3, 4);
        let grid: Vec<f64> = (0..450).map(|_| (2.0 * stream.normal()).round()).collect();
        check_against_plain(&grid, &grid, 2, 30);
        check_against_plain(&grid[..6], &grid[..6], 2, 3);
    }

    #[test]
    fn weights_and_points_at_distance_0() {
        let rows = Rows::new(&[0.0, 0.0, 3.0], 1).unwrap();
        let config = NearestNeighbours::default().with_neighbours(3).with_weights(NeighbourWeights::Distance);
        let model = config.fit(rows, &[1.0, 2.0, 9.0]).unwrap();
        let got = model.predict(Rows::new(&[0.0, 1.0], 1).unwrap()).unwrap();
        assert_eq!(got[0], 1.5);
        assert!((got[1] - (1.0 + 2.0 + 9.0 / 2.0) / 2.5).abs() < 1e-12);
    }

    #[test]
    fn serialises_and_says_what_is_wrong() {
        let rows = Rows::new(&[0.0, 1.0, 3.0], 1).unwrap();
        let config = NearestNeighbours::default().with_neighbours(2);
        contract::serde_round_trip(&config.fit(rows, &[true, false, true]).unwrap());
        contract::send_sync::<NearestNeighboursModel>();
        let many = config.clone().with_neighbours(4).fit(rows, &[1.0; 3]);
        assert!(matches!(many, Err(Error::TooShort(e)) if e.min == 4));
        assert!(config.clone().with_neighbours(0).fit(rows, &[1.0; 3]).is_err());
        let model = config.fit(rows, &[1.0; 3]).unwrap();
        assert!(matches!(model.predict(Rows::new(&[1.0, 2.0], 2).unwrap()), Err(Error::Mismatch(_))));
        assert_eq!(model.predict(Rows::new(&[], 1).unwrap()), Ok(vec![]));
    }
}
