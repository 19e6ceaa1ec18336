//! Krippendorff's alpha: agreement of any number of raters, with missing ratings.

use crate::level::check_level;
use crate::{Error, Result};
use eir_core::Estimate;
use eir_core::error::{Mismatch, Parameter};
use eir_core::metrics::sorted_quantile;
use eir_core::random::Generator;
use serde::{Deserialize, Serialize};

/// Alpha of `values`, row by row: a row per rater, a column per unit, NaN where a rating is missing.
///
/// # Errors
/// As [`KrippendorffAlpha::alpha`].
pub fn krippendorff_alpha(values: &[f64], raters: usize, level: Measurement) -> Result<f64> {
    KrippendorffAlpha::default().with_measurement(level).alpha(values, raters)
}

/// What the ratings measure: which differences count, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Measurement {
    /// Classes without an order.
    #[default]
    Nominal,
    /// Ranks: only the order counts.
    Ordinal,
    /// Numbers whose differences mean something.
    Interval,
    /// Numbers with a true zero, whose ratios mean something.
    Ratio,
}

/// Settings of Krippendorff's alpha.
///
/// **Use it** for any number of raters, any of whom may have missed units, and for classes, ranks and numbers alike.
/// **Not** to find out who is right: it measures whether raters agree; and not per rater.
///
/// # Formula
/// `α = 1 − D_o / D_e`. Over units with two ratings or more, `D_o = Σ_u 1/(m_u − 1) Σ_{i≠j} δ²(v_ui, v_uj)` and
/// `D_e = 1/(n − 1) Σ_{c,k} n_c n_k δ²(c, k)`, where `n_c` counts value c, `n = Σ n_c`. `δ²` is `[c ≠ k]`; `(c − k)²`;
/// `((c − k)/(c + k))²` (0 where the sum is 0); for ranks `(Σ_{g=c…k} n_g − (n_c + n_k)/2)²`, which is the squared
/// difference of mid-ranks: so ranks and numbers take a pass over the ratings. Ratios take some hundred passes, and all pairs
/// of values only for up to 1000 distinct ones or where some are below and others above 0, which is no ratio scale.
///
/// # Examples
/// ```
/// use eir_annotate::{KrippendorffAlpha, Measurement};
/// let gap = f64::NAN;
/// let ratings = [
///     [1., 2., 3., 3., 2., 1., 4., 1., 2., gap, gap, gap],
///     [1., 2., 3., 3., 2., 2., 4., 1., 2., 5., gap, 3.],
///     [gap, 3., 3., 3., 2., 3., 4., 2., 2., 5., 1., gap],
///     [1., 2., 3., 3., 2., 4., 4., 1., 2., 5., 1., gap],
/// ];
/// let ordinal = KrippendorffAlpha::default().with_measurement(Measurement::Ordinal).estimate(ratings.as_flattened(), 4)?;
/// assert!((ordinal.value - 0.815388).abs() < 1e-6); // Krippendorff 2011: 0.815
/// assert!(ordinal.lower < 0.815 && ordinal.upper > 0.815);
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Undefined`] if no unit has two ratings, or all ratings are the same value (there is nothing to agree on).
///
/// # Validation
/// Equal to krippendorff 0.9.0 within 1e-10 for all four measurements on the published example, random matrices with up to
/// 60 % missing and seven crowd-sourced data sets.
///
/// # References
/// Krippendorff 2011, Computing Krippendorff's Alpha-Reliability (Univ. of Pennsylvania); Hayes, Krippendorff 2007,
/// doi:10.1080/19312450709336664 (bootstrap).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KrippendorffAlpha {
    /// What the ratings measure. Default: classes.
    pub measurement: Measurement,
    /// Confidence level of the interval, between 0 and 1. Default 0.95.
    pub level: f64,
    /// How many times units are drawn again for the interval: 100 to 1 000 000. Default 1000.
    pub draws: usize,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for KrippendorffAlpha {
    fn default() -> Self {
        Self { measurement: Measurement::Nominal, level: 0.95, draws: 1000, seed: 0 }
    }
}

/// The ratings of units with two or more, as indices into the sorted values.
#[derive(Debug)]
struct Pairable {
    values: Vec<f64>,
    ratings: Vec<u32>,
    /// Where each unit's ratings begin; and the end of the last.
    starts: Vec<usize>,
}

impl KrippendorffAlpha {
    /// Sets [`measurement`](Self::measurement).
    #[must_use]
    pub fn with_measurement(self, measurement: Measurement) -> Self {
        Self { measurement, ..self }
    }

    /// Sets [`level`](Self::level).
    #[must_use]
    pub fn with_level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Sets [`draws`](Self::draws).
    #[must_use]
    pub fn with_draws(self, draws: usize) -> Self {
        Self { draws, ..self }
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
    pub fn validate(&self) -> Result<()> {
        check_level(self.level)?;
        if (100..=1_000_000).contains(&self.draws) {
            return Ok(());
        }
        Err(Parameter::new("draws", self.draws as f64, "100 to 1 000 000").into())
    }

    /// Alpha of `values`, row by row: a row per rater, a column per unit, NaN where a rating is missing.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the values are no whole number of rows, [`Error::Parameter`] for an infinity,
    /// [`Error::Undefined`] as the [type](Self) says.
    pub fn alpha(&self, values: &[f64], raters: usize) -> Result<f64> {
        let data = Pairable::new(values, raters)?;
        let units: Vec<u32> = (0..data.units()).map(|u| u as u32).collect();
        let mut work = Work::new(&data);
        defined(self.of_units(&data, &units, &mut work))
    }

    /// Alpha with its interval: percentiles of alpha on units drawn with replacement. Draws on which alpha is undefined
    /// are left out.
    ///
    /// # Errors
    /// As [`alpha`](Self::alpha) and [`validate`](Self::validate).
    pub fn estimate(&self, values: &[f64], raters: usize) -> Result<Estimate> {
        self.validate()?;
        let data = Pairable::new(values, raters)?;
        let n = data.units();
        let mut units: Vec<u32> = (0..n).map(|u| u as u32).collect();
        let mut work = Work::new(&data);
        let value = defined(self.of_units(&data, &units, &mut work))?;
        let draws = Generator::new(self.seed, "Krippendorff's alpha");
        let mut alphas = Vec::with_capacity(self.draws);
        for draw in 0..self.draws as u64 {
            let mut stream = draws.stream(draw);
            units.iter_mut().for_each(|u| *u = stream.below(n) as u32);
            alphas.extend(self.of_units(&data, &units, &mut work));
        }
        alphas.sort_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        let interval = [tail, 1.0 - tail].map(|p| sorted_quantile(&alphas, p).unwrap_or(f64::NAN));
        Ok(Estimate::new(value, interval, self.level, "percentile bootstrap of units", n))
    }

    /// Alpha of the listed units (one may be listed often); none where it is undefined.
    fn of_units(&self, data: &Pairable, units: &[u32], work: &mut Work) -> Option<f64> {
        work.counts.fill(0.0);
        for unit in units {
            data.unit(*unit).iter().for_each(|r| work.counts[*r as usize] += 1.0); // ratings index the values
        }
        let total: f64 = work.counts.iter().sum();
        let (observed, expected) = match self.measurement {
            Measurement::Nominal => {
                let same: f64 = work.counts.iter().map(|n| n * n).sum();
                let observed = units.iter().map(|u| data.unequal(*u, &mut work.inside)).sum::<f64>();
                (observed, total * total - same)
            }
            Measurement::Ordinal => {
                let mut below = 0.0;
                for (scale, count) in work.scale.iter_mut().zip(&work.counts) {
                    *scale = below + count / 2.0;
                    below += count;
                }
                squares(data, units, work, total)
            }
            Measurement::Interval => {
                work.scale.copy_from_slice(&data.values);
                squares(data, units, work, total)
            }
            Measurement::Ratio => {
                let expected = if data.values.len() > MANY && data.one_sign() {
                    ratios_by_features(&data.values, work)
                } else {
                    ratios_by_pairs(&data.values, &work.counts)
                };
                (units.iter().map(|u| data.unequal_ratios(*u)).sum(), expected)
            }
        };
        (expected > 0.0).then(|| 1.0 - (total - 1.0) * observed / expected)
    }
}

/// Buffers of [`KrippendorffAlpha::of_units`].
#[derive(Debug)]
struct Work {
    counts: Vec<f64>,
    scale: Vec<f64>,
    inside: Vec<u32>,
}

impl Work {
    fn new(data: &Pairable) -> Self {
        let n = data.values.len();
        Self { counts: vec![0.0; n], scale: vec![0.0; n], inside: vec![0; n] }
    }
}

/// The sorted distinct values, and the position of each value in them.
fn index(all: &[f64]) -> (Vec<f64>, Vec<u32>) {
    const SMALL: usize = 1024;
    let small = |v: f64| (v as usize as f64 == v && (v as usize) < SMALL).then_some(v as usize);
    // whole numbers, the rule for ratings, need no sorting
    if all.iter().all(|v| small(*v).is_some()) {
        let mut table = [u32::MAX; SMALL];
        all.iter().filter_map(|v| small(*v)).for_each(|v| table[v] = 0);
        let mut values = Vec::new();
        for (value, rank) in table.iter_mut().enumerate().filter(|(_, r)| **r == 0) {
            *rank = values.len() as u32;
            values.push(value as f64);
        }
        return (values, all.iter().filter_map(|v| small(*v)).map(|v| table[v]).collect());
    }
    let mut values = all.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let ratings = all.iter().map(|v| values.partition_point(|p| p < v) as u32).collect();
    (values, ratings)
}

fn defined(alpha: Option<f64>) -> Result<f64> {
    alpha.ok_or(Error::Undefined { what: "Krippendorff's alpha", why: "all ratings are the same value" })
}

fn ratio(a: f64, b: f64) -> f64 {
    if a + b == 0.0 { 0.0 } else { ((a - b) / (a + b)).powi(2) }
}

/// Distinct values above which ratios are summed by features instead of by pairs.
const MANY: usize = 1000;

/// `Σ_{c,k} n_c n_k δ²(c, k)` for ratios, pair by pair.
fn ratios_by_pairs(values: &[f64], counts: &[f64]) -> f64 {
    let present = values.iter().zip(counts).enumerate().filter(|(_, (_, n))| **n > 0.0);
    let pairs = |(i, (v, n)): (usize, (&f64, &f64))| {
        let rest = values.iter().zip(counts).skip(i + 1);
        rest.map(|(w, m)| 2.0 * n * m * ratio(*v, *w)).sum::<f64>()
    };
    present.map(pairs).sum()
}

/// The same for values of one sign, in a time that grows with their number, not with its square.
///
/// `4ck/(c + k)² = 4 ∫ φ_t(c) φ_t(k) dt/t` with `φ_t(c) = c t e^(−ct)`. The trapezoidal rule in `ln t`, which converges
/// like `e^(−π²/step)`, makes `δ²(c, k)` half the sum of `(φ_t(c) − φ_t(k))²`, and so sums of squares around a mean.
fn ratios_by_features(values: &[f64], work: &mut Work) -> f64 {
    const STEP: f64 = 0.25;
    // sorted, so that the ends are the extremes; a 0 differs from all others by 1
    let zeros: f64 = values.iter().zip(&work.counts).filter(|(v, _)| **v == 0.0).map(|(_, n)| n).sum();
    let counts = || values.iter().zip(&work.counts).filter(|(v, _)| **v != 0.0).map(|(_, n)| *n);
    let total: f64 = counts().sum();
    let sizes = || values.iter().map(|v| v.abs()).filter(|v| *v > 0.0);
    let (smallest, largest) = sizes().fold((f64::INFINITY, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    let (from, to) = ((1e-8f64).ln() - largest.ln(), 25f64.ln() - smallest.ln());
    let mut sum = 0.0;
    for node in 0..=((to - from) / STEP) as usize {
        let t = (from + node as f64 * STEP).exp();
        work.scale.clear();
        work.scale.extend(sizes().map(|v| v * t * (-v * t).exp()));
        let mean = work.scale.iter().zip(counts()).map(|(f, n)| f * n).sum::<f64>() / total;
        sum += work.scale.iter().zip(counts()).map(|(f, n)| n * (f - mean) * (f - mean)).sum::<f64>();
    }
    4.0 * STEP * total * sum + 2.0 * zeros * total
}

/// `D_o` and `D_e · (n − 1)` for squared differences on `work.scale`, by sums of squares around the mean.
fn squares(data: &Pairable, units: &[u32], work: &mut Work, total: f64) -> (f64, f64) {
    let mean = work.scale.iter().zip(&work.counts).map(|(s, n)| s * n).sum::<f64>() / total;
    work.scale.iter_mut().for_each(|s| *s -= mean);
    let all = work.scale.iter().zip(&work.counts);
    let (sum, square) = all.fold((0.0, 0.0), |(a, b), (s, n)| (a + s * n, b + s * s * n));
    let mut observed = 0.0;
    for unit in units {
        let ratings = data.unit(*unit);
        let m = ratings.len() as f64;
        let mean = ratings.iter().map(|r| work.scale[*r as usize]).sum::<f64>() / m;
        let spread: f64 = ratings.iter().map(|r| (work.scale[*r as usize] - mean).powi(2)).sum();
        observed += 2.0 * m * spread / (m - 1.0);
    }
    (observed, 2.0 * (total * square - sum * sum))
}

impl Pairable {
    fn new(values: &[f64], raters: usize) -> Result<Self> {
        if raters == 0 || !values.len().is_multiple_of(raters) {
            return Err(Mismatch::new("ratings", format!("a multiple of {raters} raters"), values.len()).into());
        }
        if let Some(value) = values.iter().find(|v| v.is_infinite()) {
            return Err(Parameter::new("rating", *value, "finite, or NaN where it is missing").into());
        }
        let units = values.len() / raters;
        let rows = || values.chunks_exact(units.max(1));
        let mut place = vec![0usize; units];
        for row in rows() {
            place.iter_mut().zip(row).for_each(|(count, v)| *count += usize::from(!v.is_nan()));
        }
        let (mut starts, mut end) = (vec![0], 0);
        for count in &mut place {
            if *count < 2 {
                *count = usize::MAX; // nothing to compare
            } else {
                (*count, end) = (end, end + *count);
                starts.push(end);
            }
        }
        if end == 0 {
            return Err(Error::Undefined { what: "Krippendorff's alpha", why: "no unit has two ratings" });
        }
        let mut unit_values = vec![0.0; end];
        for row in rows() {
            for (next, value) in place.iter_mut().zip(row).filter(|(n, v)| **n != usize::MAX && !v.is_nan()) {
                unit_values[*next] = value + 0.0; // no -0; the places were counted above
                *next += 1;
            }
        }
        let (values, ratings) = index(&unit_values);
        Ok(Self { values, ratings, starts })
    }

    /// Whether no value is above and none below 0; the values are sorted.
    fn one_sign(&self) -> bool {
        self.values.first().is_some_and(|v| *v >= 0.0) || self.values.last().is_some_and(|v| *v <= 0.0)
    }

    fn units(&self) -> usize {
        self.starts.len() - 1
    }

    fn unit(&self, unit: u32) -> &[u32] {
        match self.starts.get(unit as usize..unit as usize + 2) {
            Some([from, to]) => self.ratings.get(*from..*to).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Ordered pairs of unequal ratings of a unit, over their number less one. `inside` is zeros, and is again afterwards.
    fn unequal(&self, unit: u32, inside: &mut [u32]) -> f64 {
        let ratings = self.unit(unit);
        let mut equal = 0;
        for rating in ratings {
            let seen = &mut inside[*rating as usize];
            equal += 2 * *seen;
            *seen += 1;
        }
        ratings.iter().for_each(|r| inside[*r as usize] = 0);
        let m = ratings.len() as f64;
        m - f64::from(equal) / (m - 1.0)
    }

    fn unequal_ratios(&self, unit: u32) -> f64 {
        let ratings = self.unit(unit);
        let value = |r: u32| self.values[r as usize];
        let pairs = ratings.iter().enumerate().flat_map(|(i, a)| ratings[i + 1..].iter().map(move |b| (*a, *b)));
        2.0 * pairs.map(|(a, b)| ratio(value(a), value(b))).sum::<f64>() / (ratings.len() as f64 - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Measurement; 4] =
        [Measurement::Nominal, Measurement::Ordinal, Measurement::Interval, Measurement::Ratio];

    #[test]
    fn perfect_chance_and_undefined() {
        for level in ALL {
            let alpha = |v: &[f64]| krippendorff_alpha(v, 2, level);
            assert_eq!(alpha(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]).unwrap(), 1.0);
            assert!(matches!(alpha(&[1.0, 1.0, 1.0, 1.0]), Err(Error::Undefined { .. })));
            assert!(matches!(alpha(&[1.0, f64::NAN, f64::NAN, 1.0]), Err(Error::Undefined { .. })));
            assert!(matches!(alpha(&[1.0, 1.0, 1.0]), Err(Error::Mismatch(_))));
            assert!(matches!(alpha(&[1.0, f64::INFINITY]), Err(Error::Parameter(_))));
            assert!(alpha(&[]).is_err());
        }
        assert!(krippendorff_alpha(&[1.0], 0, Measurement::Nominal).is_err());
    }

    #[test]
    fn same_seed_same_interval_and_it_covers() {
        let mut stream = Generator::new(2, "ratings").stream(0);
        let truth: Vec<f64> = (0..200).map(|_| stream.below(3) as f64).collect();
        let mut rate =
            || truth.iter().map(|t| if stream.chance(0.8) { *t } else { stream.below(3) as f64 }).collect::<Vec<_>>();
        let values = [rate(), rate(), rate()].concat();
        for level in ALL {
            let config = KrippendorffAlpha::default().with_measurement(level).with_draws(300).with_seed(7);
            let first = config.estimate(&values, 3).unwrap();
            assert_eq!(first, config.estimate(&values, 3).unwrap());
            assert!(
                first.lower < first.value && first.value < first.upper && first.upper - first.lower < 0.3,
                "{first:?}"
            );
            assert_ne!(first, config.with_seed(8).estimate(&values, 3).unwrap());
        }
    }

    #[test]
    fn ratios_by_features_and_by_pairs_are_the_same() {
        let mut stream = Generator::new(4, "ratios").stream(0);
        let near: Vec<f64> = (0..400).map(|i| 1000.0 + f64::from(i) * 0.01).collect();
        let wide: Vec<f64> = (0..400).map(|i| (f64::from(i) * 0.1 - 20.0).exp()).collect();
        let zero: Vec<f64> = (0..400).map(f64::from).collect();
        let below: Vec<f64> = (1..400).rev().map(|i| -f64::from(i)).collect();
        for values in [near, wide, zero, below] {
            let counts: Vec<f64> = values.iter().map(|_| stream.below(4) as f64).collect();
            let pairs = ratios_by_pairs(&values, &counts);
            let mut work = Work { counts, scale: Vec::new(), inside: Vec::new() };
            let features = ratios_by_features(&values, &mut work);
            assert!((features / pairs - 1.0).abs() < 1e-10, "{} {features} {pairs}", values[0]);
        }
        let values: Vec<f64> = (0..40_000).map(|_| stream.normal().exp()).collect();
        let alpha = krippendorff_alpha(&values, 2, Measurement::Ratio).unwrap();
        assert!(alpha.abs() < 0.02, "{alpha}"); // chance
    }

    #[test]
    fn many_distinct_values_take_no_table() {
        let mut stream = Generator::new(3, "continuous").stream(0);
        let truth: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let values: Vec<f64> =
            (0..4).flat_map(|_| truth.iter().map(|t| t + 0.1 * stream.normal()).collect::<Vec<_>>()).collect();
        let alpha = krippendorff_alpha(&values, 4, Measurement::Interval).unwrap();
        assert!((alpha - 1.0 / 1.01).abs() < 0.001, "{alpha}");
    }

    #[test]
    fn settings() {
        assert!(KrippendorffAlpha::default().with_draws(10).validate().is_err());
        eir_core::testing::contract::serde_round_trip(&KrippendorffAlpha::default().with_seed(3));
    }
}
