use super::design::each_chunk;
use crate::error::{Mismatch, Parameter, TooShort};
use crate::random::Generator;
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// k-means: rows in groups around centres.
///
/// **Use it** for groups that are round and about as wide, in scaled columns. **Not** for groups of other shapes
/// ([`Dbscan`](super::Dbscan)) or widths ([`GaussianMixture`](super::GaussianMixture)), nor to prove that there are
/// groups: it finds them in noise.
///
/// # Formula
/// min Σᵢ |xᵢ − centre of i|². Lloyd's iteration from k-means++ (the next centre is the best of some rows drawn with
/// probability proportional to the squared distance from the centres before), until no row changes its group; the best
/// of `restarts`. A row whose nearest centre cannot have changed is not looked at again. A group that loses all rows gets the row farthest from its centre. Ties go to the lower group.
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
/// Lloyd 1982, doi:10.1109/TIT.1982.1056489; Arthur, Vassilvitskii 2007 (k-means++); Hamerly 2010,
/// doi:10.1137/1.9781611972801.12 (bounds).
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
            *to = nearest(row, &self.centres).0;
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

/// Where a row belongs, and what is known of its distances.
#[derive(Debug, Clone, Copy)]
struct Place {
    group: usize,
    /// The distance from its centre is no larger.
    upper: f64,
    /// The distances from all other centres are no smaller.
    lower: f64,
}

impl Place {
    const UNKNOWN: Self = Self { group: 0, upper: f64::INFINITY, lower: 0.0 };

    /// Whether no other centre can be as near, whatever rounding has done to the bounds.
    fn is_sure(&self) -> bool {
        self.upper * (1.0 + 1e-9) < self.lower * (1.0 - 1e-9)
    }
}

/// What the rows of a chunk say.
struct Part {
    places: Vec<Place>,
    /// Sums of the rows of each group.
    sums: Vec<f64>,
}

fn lloyd(rows: Rows<'_>, centres: Vec<f64>, max_iterations: usize) -> KMeansModel {
    let columns = rows.columns();
    let clusters = centres.len() / columns;
    let mut centres = Centres::new(rows, centres);
    let mut places = vec![Place::UNKNOWN; rows.len()];
    let (mut converged, mut iterations) = (false, 0);
    loop {
        let parts = each_chunk(rows.len(), |range| part(rows, range.clone(), &places[range], &centres));
        let found = || parts.iter().flat_map(|p| &p.places);
        converged |= iterations > 0 && found().zip(&places).all(|(new, old)| new.group == old.group);
        places.iter_mut().zip(found()).for_each(|(place, found)| *place = *found);
        if converged || iterations == max_iterations {
            let inertia = centres.distances(rows, &places).sum();
            let labels = places.iter().map(|p| p.group).collect();
            return KMeansModel { centres: centres.values, labels, inertia, converged, iterations, columns };
        }
        iterations += 1;
        let mut counts = vec![0usize; clusters];
        places.iter().for_each(|p| counts[p.group] += 1);
        let mut sums = vec![0.0; clusters * columns];
        parts.iter().for_each(|p| sums.iter_mut().zip(&p.sums).for_each(|(s, x)| *s += x));
        if counts.contains(&0) {
            let mut distances: Vec<f64> = centres.distances(rows, &places).collect();
            for k in (0..clusters).filter(|k| counts[*k] == 0).collect::<Vec<_>>() {
                rescue(rows, &mut places, &mut distances, &mut counts, &mut sums, k);
            }
        }
        for (sums, count) in sums.chunks_exact_mut(columns).zip(&counts) {
            sums.iter_mut().for_each(|s| *s /= *count as f64);
        }
        centres.move_to(sums);
    }
}

/// Gives the empty group `k` the row farthest from its centre, of those that are not alone.
fn rescue(
    rows: Rows<'_>,
    places: &mut [Place],
    distances: &mut [f64],
    counts: &mut [usize],
    sums: &mut [f64],
    k: usize,
) {
    let mut farthest: Option<usize> = None;
    for i in 0..places.len() {
        if counts[places[i].group] > 1 && farthest.is_none_or(|f| distances[i] > distances[f]) {
            farthest = Some(i);
        }
    }
    let Some(i) = farthest else { return };
    let columns = rows.columns();
    for (j, x) in rows.row(i).iter().enumerate() {
        sums[places[i].group * columns + j] -= x;
        sums[k * columns + j] += x;
    }
    counts[places[i].group] -= 1;
    counts[k] += 1;
    (places[i], distances[i]) = (Place { group: k, ..Place::UNKNOWN }, 0.0);
}

/// The centres, and the same from the mean of the rows.
struct Centres {
    values: Vec<f64>,
    mean: Vec<f64>,
    from_mean: Vec<f64>,
    /// Half of the squared length of each, from the mean.
    halves: Vec<f64>,
    /// How far each has moved, and how far the farthest of all others.
    moves: Vec<[f64; 2]>,
}

impl Centres {
    fn new(rows: Rows<'_>, values: Vec<f64>) -> Self {
        let mut mean = vec![0.0; rows.columns()];
        for row in rows {
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += x);
        }
        mean.iter_mut().for_each(|m| *m /= rows.len() as f64);
        let (from_mean, halves, moves) = (values.clone(), Vec::new(), Vec::new());
        let mut centres = Self { values, mean, from_mean, halves, moves };
        centres.move_to(centres.values.clone());
        centres
    }

    fn move_to(&mut self, values: Vec<f64>) {
        let columns = self.mean.len();
        let moves = self.values.chunks_exact(columns).zip(values.chunks_exact(columns));
        let moves: Vec<f64> = moves.map(|(from, to)| squared_distance(from, to).sqrt()).collect();
        let others = |k: usize| moves.iter().enumerate().filter(move |(i, _)| *i != k).map(|(_, m)| *m);
        self.moves = (0..moves.len()).map(|k| [moves[k], others(k).fold(0.0, f64::max)]).collect();
        self.values = values;
        let (from_mean, values) = (self.from_mean.chunks_exact_mut(columns), self.values.chunks_exact(columns));
        for (to, centre) in from_mean.zip(values) {
            to.iter_mut().zip(centre.iter().zip(&self.mean)).for_each(|(to, (c, m))| *to = c - m);
        }
        let half = |c: &[f64]| c.iter().map(|c| c * c).sum::<f64>() / 2.0;
        self.halves = self.from_mean.chunks_exact(columns).map(half).collect();
    }

    fn centre(&self, k: usize) -> &[f64] {
        &self.values[k * self.mean.len()..][..self.mean.len()]
    }

    /// Squared distance of each row from its centre.
    fn distances(&self, rows: Rows<'_>, places: &[Place]) -> impl Iterator<Item = f64> {
        rows.into_iter().zip(places).map(|(row, place)| squared_distance(row, self.centre(place.group)))
    }
}

/// Rows whose distances are taken at the same time.
const LANES: usize = 8;

/// Finds the nearest centre of each row of `range`, which was at `places`.
///
/// Where the way that the centres went since leaves no doubt, a row stays (Hamerly's bounds).
fn part(rows: Rows<'_>, range: std::ops::Range<usize>, places: &[Place], centres: &Centres) -> Part {
    let mut places = places.to_vec();
    let mut tile = vec![[0.0; LANES]; rows.columns()];
    let (mut open, mut count) = ([0; LANES], 0);
    for i in 0..places.len() {
        let place = &mut places[i];
        let [way, others] = centres.moves[place.group];
        (place.upper, place.lower) = (place.upper + way, place.lower - others);
        if place.is_sure() {
            continue;
        }
        open[count] = i;
        count += 1;
        if count == LANES {
            find(rows, range.start, &open, &mut places, centres, &mut tile);
            count = 0;
        }
    }
    find(rows, range.start, &open[..count], &mut places, centres, &mut tile);
    let mut sums = vec![0.0; centres.values.len()];
    for (i, place) in range.zip(&places) {
        let row = rows.row(i);
        sums[place.group * row.len()..][..row.len()].iter_mut().zip(row).for_each(|(s, x)| *s += x);
    }
    Part { places, sums }
}

/// Finds the nearest centre of the rows `open` of those from `first` on.
///
/// The nearest is the one with the largest x·c − |c|²/2, which takes two operations for each value where the distance
/// takes three. Where rounding could decide between two, the distances do.
fn find(
    rows: Rows<'_>,
    first: usize,
    open: &[usize],
    places: &mut [Place],
    centres: &Centres,
    tile: &mut [[f64; LANES]],
) {
    let columns = rows.columns();
    let mut lengths = [0.0; LANES];
    for (lane, i) in open.iter().enumerate() {
        for (to, (x, mean)) in tile.iter_mut().zip(rows.row(first + i).iter().zip(&centres.mean)) {
            to[lane] = x - mean;
        }
    }
    for x in tile.iter() {
        for lane in 0..LANES {
            lengths[lane] += x[lane] * x[lane];
        }
    }
    let (mut best, mut second, mut group) = ([f64::NEG_INFINITY; LANES], [f64::NEG_INFINITY; LANES], [0.0; LANES]);
    for (k, (centre, half)) in centres.from_mean.chunks_exact(columns).zip(&centres.halves).enumerate() {
        let mut scores = [-half; LANES];
        for (x, c) in tile.iter().zip(centre) {
            for lane in 0..LANES {
                scores[lane] += x[lane] * c;
            }
        }
        for lane in 0..LANES {
            let closer = scores[lane] > best[lane];
            let less = if closer { best[lane] } else { scores[lane] };
            second[lane] = if less > second[lane] { less } else { second[lane] };
            group[lane] = if closer { k as f64 } else { group[lane] };
            best[lane] = if closer { scores[lane] } else { best[lane] };
        }
    }
    let longest = centres.halves.iter().fold(0.0, |a: f64, h| a.max(2.0 * h));
    let rounding = 4.0 * (columns + 4) as f64 * f64::EPSILON;
    for (lane, i) in open.iter().enumerate() {
        let error = rounding * (lengths[lane] + longest);
        let distance = |score: f64, error: f64| (lengths[lane] - 2.0 * score + error).max(0.0).sqrt();
        let place = Place {
            group: group[lane] as usize,
            upper: distance(best[lane], error),
            lower: distance(second[lane], -error),
        };
        let clear = best[lane] - second[lane] > error;
        places[*i] = if clear {
            place
        } else {
            Place { group: nearest(rows.row(first + i), &centres.values).0, ..Place::UNKNOWN }
        };
    }
}

/// The nearest centre and its squared distance.
fn nearest(row: &[f64], centres: &[f64]) -> (usize, f64) {
    let mut nearest = (0, f64::INFINITY);
    for (k, centre) in centres.chunks_exact(row.len()).enumerate() {
        let distance = squared_distance(row, centre);
        if distance < nearest.1 {
            nearest = (k, distance);
        }
    }
    nearest
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

    /// Rows on the border between centres, far from zero, and of any size go where the distances say.
    #[test]
    fn rounding_decides_nothing() {
        let mut stream = Generator::new(5, "test").stream(0);
        for (offset, scale) in [(0.0, 1.0), (1e9, 1.0), (-3e5, 1e-6), (0.0, 1e160)] {
            let mut value = || offset + scale * (stream.below(5) as f64 - 2.0);
            let (x, centres): (Vec<f64>, Vec<f64>) =
                ((0..900).map(|_| value()).collect(), (0..15).map(|_| value()).collect());
            let rows = Rows::new(&x, 3).unwrap();
            let mut centres = Centres::new(rows, centres);
            let mut places = vec![Place::UNKNOWN; 300];
            for _ in 0..30 {
                places = part(rows, 0..300, &places, &centres).places;
                for (row, place) in rows.iter().zip(&places) {
                    assert_eq!(place.group, nearest(row, &centres.values).0, "{offset} {scale}");
                }
                centres.move_to(centres.values.iter().map(|c| c + 0.05 * scale * (stream.uniform() - 0.5)).collect());
            }
        }
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
