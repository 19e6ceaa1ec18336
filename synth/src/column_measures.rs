//! How alike a real and a synthetic column are.
//!
//! Measures of one column, each 1 where both are alike; definitions of SDMetrics 0.32.0 (MIT). Missing values are left
//! out, and have a measure of their own.

use crate::table::Column;
use eir_core::metrics::sorted_quantile;
use std::collections::BTreeMap;

/// 1 − the largest difference of the two empirical distribution functions (Kolmogorov–Smirnov); none if one is empty.
#[must_use]
pub fn ks_complement(real: &[Option<f64>], synthetic: &[Option<f64>]) -> Option<f64> {
    let (a, b) = (present(real), present(synthetic));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut largest = 0.0f64;
    merged_steps(&a, &b, |_, _, below_a, below_b| largest = largest.max((below_a - below_b).abs()));
    Some(1.0 - largest)
}

/// The area between the two empirical distribution functions (1-Wasserstein distance), in the column's unit; none if one
/// is empty. 0 where both are alike.
#[must_use]
pub fn wasserstein(real: &[Option<f64>], synthetic: &[Option<f64>]) -> Option<f64> {
    let (a, b) = (present(real), present(synthetic));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut area = 0.0;
    merged_steps(&a, &b, |from, to, below_a, below_b| area += (below_a - below_b).abs() * (to - from));
    Some(area)
}

/// 1 − half the sum of the absolute differences of the levels' shares; none if one column has no values.
#[must_use]
pub fn tv_complement(real: &Column, synthetic: &Column) -> Option<f64> {
    let (a, b) = (shares(real)?, shares(synthetic)?);
    let levels: std::collections::BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    let share = |of: &BTreeMap<&str, f64>, level: &str| of.get(level).copied().unwrap_or_default();
    Some(1.0 - 0.5 * levels.into_iter().map(|l| (share(&a, l) - share(&b, l)).abs()).sum::<f64>())
}

/// Share of the synthetic values inside the real range; a missing one counts as outside where the real column has none.
#[must_use]
pub fn boundary_adherence(real: &[Option<f64>], synthetic: &[Option<f64>]) -> Option<f64> {
    let may_miss = real.iter().any(Option::is_none);
    let (low, high) = range(real)?;
    let counted = synthetic.iter().filter(|v| v.is_some() || !may_miss);
    let (mut inside, mut all) = (0.0, 0.0);
    for value in counted {
        all += 1.0;
        inside += f64::from(u8::from(value.is_some_and(|v| (low..=high).contains(&v))));
    }
    (all > 0.0).then(|| inside / all)
}

/// How much of the real range the synthetic range covers; none if the real column is constant.
#[must_use]
pub fn range_coverage(real: &[Option<f64>], synthetic: &[Option<f64>]) -> Option<f64> {
    let ((low, high), (low_s, high_s)) = (range(real)?, range(synthetic)?);
    let width = high - low;
    let lost = ((low_s - low) / width).max(0.0) + ((high - high_s) / width).max(0.0);
    (width > 0.0).then(|| (1.0 - lost).max(0.0))
}

/// Share of the synthetic rows whose level the real column has; a missing one counts where the real column has some.
#[must_use]
pub fn category_adherence(real: &Column, synthetic: &Column) -> Option<f64> {
    let known = shares(real)?;
    let may_miss = real.missing() > 0;
    let shares = shares(synthetic).unwrap_or_default();
    let rows = synthetic.len() as f64;
    let present = (synthetic.len() - synthetic.missing()) as f64;
    let known: f64 =
        shares.iter().filter(|(level, _)| known.contains_key(*level)).map(|(_, share)| share * present).sum();
    let missing = if may_miss { synthetic.missing() as f64 } else { 0.0 };
    (rows > 0.0).then(|| (known + missing) / rows)
}

/// Share of the real levels that the synthetic column has.
#[must_use]
pub fn category_coverage(real: &Column, synthetic: &Column) -> Option<f64> {
    let (known, found) = (shares(real)?, shares(synthetic).unwrap_or_default());
    Some(known.keys().filter(|level| found.contains_key(*level)).count() as f64 / known.len() as f64)
}

/// 1 − the absolute difference of the shares of missing values; none if one has no rows.
#[must_use]
pub fn missing_similarity(real: &Column, synthetic: &Column) -> Option<f64> {
    let share = |c: &Column| (!c.is_empty()).then(|| c.missing() as f64 / c.len() as f64);
    Some(1.0 - (share(real)? - share(synthetic)?).abs())
}

/// 1 − the absolute difference of a statistic over the real range, at least 0; none if the real column is constant.
/// `statistic` takes sorted values: [`mean`], [`median`], [`standard_deviation`].
#[must_use]
pub fn statistic_similarity(
    real: &[Option<f64>],
    synthetic: &[Option<f64>],
    statistic: fn(&[f64]) -> Option<f64>,
) -> Option<f64> {
    let (low, high) = range(real)?;
    let difference = statistic(&present(real))? - statistic(&present(synthetic))?;
    (high > low).then(|| (1.0 - difference.abs() / (high - low)).max(0.0))
}

/// The mean; none of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The middle of sorted values, or the mean of the two middle ones; none of nothing.
#[must_use]
pub fn median(sorted: &[f64]) -> Option<f64> {
    sorted_quantile(sorted, 0.5)
}

/// The standard deviation with n − 1; none of less than two.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let sum: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (values.len() > 1).then(|| (sum / (values.len() - 1) as f64).sqrt())
}

/// The values that are there, sorted.
fn present(values: &[Option<f64>]) -> Vec<f64> {
    let mut all: Vec<f64> = values.iter().flatten().copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

fn range(values: &[Option<f64>]) -> Option<(f64, f64)> {
    let mut all = values.iter().flatten().copied();
    let first = all.next()?;
    Some(all.fold((first, first), |(low, high), v| (low.min(v), high.max(v))))
}

/// Share of each level among the values that are there; none if there are none.
fn shares(column: &Column) -> Option<BTreeMap<&str, f64>> {
    let levels = column.levels();
    let mut counts = vec![0usize; levels.len()];
    for code in column.numbers().iter().flatten() {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let n: usize = counts.iter().sum();
    let seen = levels.into_iter().zip(counts).filter(|(_, count)| *count > 0);
    (n > 0).then(|| seen.map(|(level, count)| (level, count as f64 / n as f64)).collect())
}

/// Calls `step` with each interval between neighbouring values of either sorted slice and both distribution functions
/// on it; the last interval ends at its own start.
fn merged_steps(a: &[f64], b: &[f64], mut step: impl FnMut(f64, f64, f64, f64)) {
    let (mut i, mut j) = (0, 0);
    loop {
        let at = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) => *x,
            (None, Some(y)) => *y,
            (None, None) => return,
        };
        while a.get(i).is_some_and(|v| *v <= at) {
            i += 1;
        }
        while b.get(j).is_some_and(|v| *v <= at) {
            j += 1;
        }
        let next = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) => *x,
            (None, Some(y)) => *y,
            (None, None) => at,
        };
        step(at, next, i as f64 / a.len() as f64, j as f64 / b.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Values;

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().map(|v| Some(*v)).collect()
    }

    #[test]
    fn known_values() {
        let (a, b) = (some(&[1.0, 2.0, 3.0, 4.0]), some(&[1.0, 2.0, 5.0, 6.0]));
        assert_eq!(ks_complement(&a, &b), Some(0.5));
        assert_eq!(wasserstein(&a, &b), Some(1.0));
        assert_eq!(boundary_adherence(&a, &b), Some(0.5));
        assert_eq!(range_coverage(&b, &a), Some(0.6));
        assert_eq!(ks_complement(&a, &[None]), None);
        assert_eq!(range_coverage(&some(&[2.0]), &a), None);
        assert_eq!(statistic_similarity(&a, &b, median), Some(1.0 - 1.0 / 3.0));
    }

    #[test]
    fn levels_match_by_name() {
        let column = |codes: &[Option<u32>], levels: &[&str]| {
            let levels = levels.iter().map(|l| (*l).to_owned()).collect();
            Column::new("x", Values::Categorical { codes: codes.to_vec(), levels })
        };
        let real = column(&[Some(0), Some(1), Some(1), None], &["a", "b"]);
        let synthetic = column(&[Some(0), Some(1), Some(2)], &["b", "a", "c"]);
        assert!((tv_complement(&real, &synthetic).unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert!((category_adherence(&real, &synthetic).unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(category_coverage(&real, &synthetic), Some(1.0));
        assert_eq!(missing_similarity(&real, &synthetic), Some(0.75));
    }
}
