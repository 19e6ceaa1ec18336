use super::design::each_chunk;
use crate::error::{Mismatch, Parameter, TooShort};
use crate::random::Generator;
use crate::{Error, Rows};
use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// k-means: rows in groups around centres.
///
/// **Use it** for groups that are round and about as wide, in scaled columns. **Not** for groups of other shapes
/// ([`Dbscan`](super::Dbscan)) or widths ([`GaussianMixture`](super::GaussianMixture)), nor to prove that there are
/// groups: it finds them in noise.
///
/// # Formula
/// min Σᵢ |xᵢ − centre of i|². Lloyd's iteration from k-means++ (the next centre is the best of some rows drawn with
/// probability proportional to the squared distance from the centres before), until no row changes its group; the best
/// of `restarts`. A group that loses all rows gets the row farthest from its centre. Ties go to the lower group.
///
/// # Parameters
/// `clusters`, `restarts`, `max_iterations`, `seed`.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::KMeans};
/// let rows = Rows::new(&[1.0, 1.2, 0.8, 9.0, 9.1, 8.9], 1)?;
/// let fit = KMeans::default().with_clusters(2).with_seed(7).fit(rows)?;
/// assert!((fit.inertia - 0.1).abs() < 1e-12);
/// assert_eq!(fit.labels[0], fit.labels[2]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for settings out of range and fewer different rows than clusters.
///
/// # Validation
/// From given centres agrees with scikit-learn 1.9.1 (Lloyd) within 1e-9 on `reference/core/unsupervised.json`.
///
/// # References
/// Lloyd 1982, doi:10.1109/TIT.1982.1056489; Arthur, Vassilvitskii 2007 (k-means++).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KMeans {
    /// Number of groups, 1 or more. Default 8.
    pub clusters: usize,
    /// Number of starts, of which the best is kept, 1 or more. Default 10.
    pub restarts: usize,
    /// Iterations after which a start ends, whether or not rows still move, 1 or more. Default 1000.
    pub max_iterations: usize,
    /// Seed of the starts. Default 0.
    pub seed: u64,
}

impl Default for KMeans {
    fn default() -> Self {
        Self { clusters: 8, restarts: 10, max_iterations: 1000, seed: 0 }
    }
}

/// Groups that [`KMeans`] has found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KMeansModel {
    /// The centres, one after the other.
    pub centres: Vec<f64>,
    /// The group of each row that it was fitted on.
    pub labels: Vec<usize>,
    /// Σ of the squared distances of these rows from their centres.
    pub inertia: f64,
    /// Whether no row moved in the last iteration.
    pub converged: bool,
    /// Iterations taken.
    pub iterations: usize,
    columns: usize,
}

impl KMeans {
    /// Sets [`clusters`](Self::clusters).
    #[must_use]
    pub fn with_clusters(self, clusters: usize) -> Self {
        Self { clusters, ..self }
    }

    /// Sets [`restarts`](Self::restarts).
    #[must_use]
    pub fn with_restarts(self, restarts: usize) -> Self {
        Self { restarts, ..self }
    }

    /// Sets [`max_iterations`](Self::max_iterations).
    #[must_use]
    pub fn with_max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let settings =
            [("clusters", self.clusters), ("restarts", self.restarts), ("max_iterations", self.max_iterations)];
        match settings.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(Parameter::new(name, 0.0, "1 or more").into()),
            None => Ok(()),
        }
    }

    /// Finds groups of `rows`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>) -> Result<KMeansModel, Error> {
        self.validate()?;
        let starts = Generator::new(self.seed, "k-means");
        let mut best: Option<KMeansModel> = None;
        for restart in 0..self.restarts {
            let centres = plus_plus(rows, self.clusters, &starts, restart as u64)?;
            let fit = lloyd(rows, centres, self.max_iterations);
            if best.as_ref().is_none_or(|b| fit.inertia < b.inertia) {
                best = Some(fit);
            }
        }
        best.ok_or_else(|| Parameter::new("restarts", 0.0, "1 or more").into())
    }

    /// As [`fit`](Self::fit), from given centres (one after the other) instead of random ones.
    ///
    /// # Errors
    /// As `fit`, and for centres that are not clusters × columns.
    pub fn fit_from(&self, rows: Rows<'_>, centres: Rows<'_>) -> Result<KMeansModel, Error> {
        self.validate()?;
        Mismatch::check("columns of the centres", rows.columns(), centres.columns())?;
        Mismatch::check("centres", self.clusters, centres.len())?;
        if rows.len() < self.clusters {
            return Err(TooShort::new("rows", rows.len(), self.clusters).into());
        }
        Ok(lloyd(rows, centres.values().to_vec(), self.max_iterations))
    }
}

impl KMeansModel {
    /// Writes the group of each row into `out`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns or of places.
    pub fn assign_into(&self, rows: Rows<'_>, out: &mut [usize]) -> Result<(), Error> {
        Mismatch::check("columns", self.columns, rows.columns())?;
        Mismatch::check("places for groups", rows.len(), out.len())?;
        for (to, row) in out.iter_mut().zip(rows) {
            let mut nearest = f64::INFINITY;
            for (k, centre) in self.centres.chunks_exact(self.columns).enumerate() {
                let distance = squared_distance(row, centre);
                if distance < nearest {
                    (nearest, *to) = (distance, k);
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn plus_plus(rows: Rows<'_>, clusters: usize, starts: &Generator, restart: u64) -> Result<Vec<f64>, Error> {
    let mut stream = starts.stream(restart);
    if rows.len() < clusters {
        return Err(TooShort::new("rows", rows.len(), clusters).into());
    }
    let mut centres = rows.row(stream.below(rows.len())).to_vec();
    let mut distances: Vec<f64> = rows.iter().map(|row| squared_distance(row, &centres)).collect();
    let trials = 2 + libm::log(clusters as f64) as usize;
    for chosen in 1..clusters {
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..trials {
            let Some(next) = stream.weighted(&distances) else {
                return Err(TooShort::new("different rows", chosen, clusters).into());
            };
            let closer = |(d, row): (&f64, &[f64])| d.min(squared_distance(row, rows.row(next)));
            let with_it: Vec<f64> = distances.iter().zip(rows).map(closer).collect();
            let sum = with_it.iter().sum();
            if best.as_ref().is_none_or(|b| sum < b.0) {
                best = Some((sum, next, with_it));
            }
        }
        if let Some((_, next, with_it)) = best {
            centres.extend_from_slice(rows.row(next));
            distances = with_it;
        }
    }
    Ok(centres)
}

/// What the rows of a chunk say.
struct Part {
    /// Group and squared distance of each row.
    nearest: Vec<(usize, f64)>,
    /// Sums of the rows of each group.
    sums: Vec<f64>,
}

fn lloyd(rows: Rows<'_>, mut centres: Vec<f64>, max_iterations: usize) -> KMeansModel {
    let columns = rows.columns();
    let clusters = centres.len() / columns;
    let tiles = side_by_side(rows);
    let mut labels = vec![usize::MAX; rows.len()];
    let (mut converged, mut iterations) = (false, 0);
    loop {
        let parts = each_chunk(rows.len(), |range| {
            Arch::new().dispatch(Nearest { rows, tiles: &tiles, range, centres: &centres })
        });
        let nearest = || parts.iter().flat_map(|p| &p.nearest);
        converged |= nearest().zip(&labels).all(|((k, _), label)| k == label);
        labels.iter_mut().zip(nearest()).for_each(|(label, (k, _))| *label = *k);
        if converged || iterations == max_iterations {
            let inertia = nearest().map(|(_, d)| d).sum();
            return KMeansModel { centres, labels, inertia, converged, iterations, columns };
        }
        iterations += 1;
        let mut counts = vec![0usize; clusters];
        labels.iter().for_each(|k| counts[*k] += 1);
        let mut sums = vec![0.0; centres.len()];
        parts.iter().for_each(|p| sums.iter_mut().zip(&p.sums).for_each(|(s, x)| *s += x));
        if counts.contains(&0) {
            let mut distances: Vec<f64> = nearest().map(|(_, d)| *d).collect();
            for k in (0..clusters).filter(|k| counts[*k] == 0).collect::<Vec<_>>() {
                rescue(rows, &mut labels, &mut distances, &mut counts, &mut sums, k);
            }
        }
        for ((centre, sums), count) in centres.chunks_exact_mut(columns).zip(sums.chunks_exact(columns)).zip(&counts) {
            centre.iter_mut().zip(sums).for_each(|(c, s)| *c = s / *count as f64);
        }
    }
}

/// Gives the empty group `k` the row farthest from its centre, of those that are not alone.
fn rescue(
    rows: Rows<'_>,
    labels: &mut [usize],
    distances: &mut [f64],
    counts: &mut [usize],
    sums: &mut [f64],
    k: usize,
) {
    let mut farthest: Option<usize> = None;
    for i in 0..labels.len() {
        if counts[labels[i]] > 1 && farthest.is_none_or(|f| distances[i] > distances[f]) {
            farthest = Some(i);
        }
    }
    let Some(i) = farthest else { return };
    let columns = rows.columns();
    for (j, x) in rows.row(i).iter().enumerate() {
        sums[labels[i] * columns + j] -= x;
        sums[k * columns + j] += x;
    }
    counts[labels[i]] -= 1;
    counts[k] += 1;
    (labels[i], distances[i]) = (k, 0.0);
}

/// Rows whose distances are taken at the same time.
const LANES: usize = 8;

/// Rows side by side, `LANES` at a time, feature after feature; zeros behind the last.
fn side_by_side(rows: Rows<'_>) -> Vec<[f64; LANES]> {
    let columns = rows.columns();
    let mut tiles = vec![[0.0; LANES]; rows.len().div_ceil(LANES) * columns];
    for (i, row) in rows.iter().enumerate() {
        let tile = &mut tiles[i / LANES * columns..][..columns];
        tile.iter_mut().zip(row).for_each(|(t, x)| t[i % LANES] = *x);
    }
    tiles
}

/// Finds the nearest centre of each row of `range`, which starts at a multiple of `LANES`. Bound by the three operations of
/// each difference.
struct Nearest<'a> {
    rows: Rows<'a>,
    tiles: &'a [[f64; LANES]],
    range: Range<usize>,
    centres: &'a [f64],
}

impl WithSimd for Nearest<'_> {
    type Output = Part;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Part {
        let Self { rows, tiles, range, centres } = self;
        let columns = rows.columns();
        let mut part = Part { nearest: Vec::with_capacity(range.len()), sums: vec![0.0; centres.len()] };
        for first in range.clone().step_by(LANES) {
            let tile = &tiles[first / LANES * columns..][..columns];
            let (mut best, mut group) = ([f64::INFINITY; LANES], [0.0; LANES]);
            for (k, centre) in centres.chunks_exact(columns).enumerate() {
                let mut distances = [0.0; LANES];
                for (x, c) in tile.iter().zip(centre) {
                    for lane in 0..LANES {
                        distances[lane] += (x[lane] - c) * (x[lane] - c);
                    }
                }
                for lane in 0..LANES {
                    let closer = distances[lane] < best[lane];
                    group[lane] = if closer { k as f64 } else { group[lane] };
                    best[lane] = if closer { distances[lane] } else { best[lane] };
                }
            }
            for (i, (group, distance)) in (first..range.end).zip(group.into_iter().zip(best)) {
                let k = group as usize;
                let sums = &mut part.sums[k * columns..(k + 1) * columns];
                sums.iter_mut().zip(rows.row(i)).for_each(|(s, x)| *s += x);
                part.nearest.push((k, distance));
            }
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::contract;

    fn groups(n: usize) -> Vec<f64> {
        let mut stream = Generator::new(3, "test").stream(0);
        (0..n).flat_map(|i| [10.0 * (i % 3) as f64 + stream.normal(), 7.0 * (i % 5) as f64 + stream.normal()]).collect()
    }

    #[test]
    fn finds_the_groups_that_there_are_and_repeats_itself() {
        let x = groups(6000);
        let rows = Rows::new(&x, 2).unwrap();
        let k_means = KMeans::default().with_clusters(15).with_seed(1);
        let fit = k_means.fit(rows).unwrap();
        assert!(fit.converged && fit.inertia < 1.2 * 12_000.0, "{}", fit.inertia);
        assert_eq!(fit, k_means.fit(rows).unwrap());
        let mut labels = vec![0; 6000];
        fit.assign_into(rows, &mut labels).unwrap();
        assert_eq!(labels, fit.labels);
        contract::serde_round_trip(&fit);
    }

    #[test]
    fn a_group_that_loses_all_rows_gets_another() {
        let rows = Rows::new(&[0.0, 1.0, 2.0, 10.0], 1).unwrap();
        let start = [1.0, 50.0, 60.0];
        let fit = KMeans::default().with_clusters(3).fit_from(rows, Rows::new(&start, 1).unwrap()).unwrap();
        let mut used = fit.labels.clone();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, [0, 1, 2]);
    }

    #[test]
    fn too_few_different_rows_are_an_error() {
        let fit = |x: &[f64], k| KMeans::default().with_clusters(k).fit(Rows::new(x, 1).unwrap()).map(|f| f.inertia);
        assert!(matches!(fit(&[1.0; 5], 2), Err(Error::TooShort(_))));
        assert!(matches!(fit(&[1.0, 2.0], 3), Err(Error::TooShort(_))));
        assert!(matches!(fit(&[], 1), Err(Error::TooShort(_))));
        assert_eq!(fit(&[1.0; 5], 1), Ok(0.0));
        assert!(KMeans::default().with_clusters(0).validate().is_err());
    }
}
