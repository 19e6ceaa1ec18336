use super::design::each_chunk;
use super::k_means::squared_distance;
use crate::error::{Mismatch, TooShort};
use crate::{Error, Rows};

/// Labels as 0, 1 … in the order of their size, with the number of rows of each.
fn compact(labels: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut names = labels.to_vec();
    names.sort_unstable();
    names.dedup();
    let mut counts = vec![0; names.len()];
    let of = |label: &usize| {
        let at = names.partition_point(|name| name < label);
        counts[at] += 1;
        at
    };
    (labels.iter().map(of).collect(), counts)
}

/// Rows of each pair of labels that occurs, with the numbers of rows of each label.
struct Table {
    cells: Vec<(usize, usize, f64)>,
    a: Vec<f64>,
    b: Vec<f64>,
    n: f64,
}

impl Table {
    fn new(a: &[usize], b: &[usize]) -> Result<Self, Error> {
        Mismatch::check("labels", a.len(), b.len())?;
        if a.is_empty() {
            return Err(TooShort::new("labels", 0, 1).into());
        }
        let ((a, of_a), (b, of_b)) = (compact(a), compact(b));
        let mut pairs: Vec<(usize, usize)> = a.into_iter().zip(b).collect();
        pairs.sort_unstable();
        let cells = pairs.chunk_by(|x, y| x == y).map(|same| (same[0].0, same[0].1, same.len() as f64)).collect();
        let float = |counts: Vec<usize>| counts.into_iter().map(|c| c as f64).collect();
        Ok(Self { cells, a: float(of_a), b: float(of_b), n: pairs.len() as f64 })
    }
}

/// Adjusted Rand index: how well two groupings agree on which rows belong together; 1 is the same, 0 what chance gives.
///
/// **Use it** to compare groups that were found with groups that are known. The names of the groups do not matter.
///
/// # Formula
/// (Σ C(nᵢⱼ, 2) − E) / (½ (A + B) − E) with A = Σ C(aᵢ, 2), B = Σ C(bⱼ, 2), E = A B / C(n, 2); 1 for two groupings that
/// are both one group, or both only single rows.
///
/// # Examples
/// ```
/// let agreement = eir_core::learn::adjusted_rand(&[0, 0, 1, 1], &[5, 5, 7, 5])?;
/// assert!(agreement.abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths and no labels.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
///
/// # References
/// Hubert, Arabie 1985, doi:10.1007/BF01908075.
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> Result<f64, Error> {
    let table = Table::new(a, b)?;
    let pairs = |n: f64| 0.5 * n * (n - 1.0);
    let sum = |counts: &[f64]| counts.iter().map(|n| pairs(*n)).sum::<f64>();
    let (in_a, in_b, all) = (sum(&table.a), sum(&table.b), pairs(table.n));
    let both: f64 = table.cells.iter().map(|(_, _, n)| pairs(*n)).sum();
    let expected = if all > 0.0 { in_a * in_b / all } else { 0.0 };
    let most = 0.5 * (in_a + in_b);
    Ok(if most == expected { 1.0 } else { (both - expected) / (most - expected) })
}

/// Normalised mutual information: how much one grouping says about another, 0 to 1.
///
/// **Use it** beside [`adjusted_rand`]; it is not corrected for chance, and grows with the number of groups.
///
/// # Formula
/// I(a; b) / (½ (H(a) + H(b))); 1 for two groupings that are both one group.
///
/// # Examples
/// ```
/// assert_eq!(eir_core::learn::normalised_mutual_information(&[0, 0, 1, 1], &[1, 1, 0, 0])?, 1.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`adjusted_rand`].
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
///
/// # References
/// Vinh, Epps, Bailey 2010 (jmlr.org/papers/v11/vinh10a.html).
pub fn normalised_mutual_information(a: &[usize], b: &[usize]) -> Result<f64, Error> {
    let table = Table::new(a, b)?;
    let entropy = |counts: &[f64]| -counts.iter().map(|c| c / table.n * libm::log(c / table.n)).sum::<f64>();
    let term = |(i, j, n): &(usize, usize, f64)| n / table.n * libm::log(n * table.n / (table.a[*i] * table.b[*j]));
    let shared: f64 = table.cells.iter().map(term).sum();
    let mean = 0.5 * (entropy(&table.a) + entropy(&table.b));
    Ok(if mean > 0.0 { (shared / mean).clamp(0.0, 1.0) } else { 1.0 })
}

/// Groups of a table, checked: at least 2 groups and fewer than rows.
fn groups(rows: Rows<'_>, labels: &[usize]) -> Result<(Vec<usize>, Vec<usize>), Error> {
    rows.check("labels", labels.len(), 3)?;
    let (labels, counts) = compact(labels);
    if counts.len() < 2 {
        return Err(Error::OneClass);
    }
    if counts.len() == rows.len() {
        return Err(Mismatch::new("groups", format!("at most {}", rows.len() - 1), counts.len()).into());
    }
    Ok((labels, counts))
}

/// Mean silhouette: how much nearer rows are to their own group than to the next, −1 to 1.
///
/// **Use it** to compare numbers of groups. **Not** for groups that are not round: it prefers balls. O(n²).
///
/// # Formula
/// Mean of (b − a) / max(a, b): a is the mean distance to the other rows of its group, b the least mean distance to
/// another group; 0 for a row alone.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::silhouette};
/// let rows = Rows::new(&[0.0, 1.0, 10.0, 11.0], 1)?;
/// assert!((silhouette(rows, &[0, 0, 1, 1])? - 0.899749373433584).abs() < 1e-14);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, one group, or as many groups as rows.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
///
/// # References
/// Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7.
pub fn silhouette(rows: Rows<'_>, labels: &[usize]) -> Result<f64, Error> {
    let (labels, counts) = groups(rows, labels)?;
    let of = |i: usize, sums: &mut [f64]| {
        sums.fill(0.0);
        let own = labels[i];
        for (row, label) in rows.iter().zip(&labels) {
            sums[*label] += squared_distance(rows.row(i), row).sqrt();
        }
        if counts[own] == 1 {
            return 0.0;
        }
        let a = sums[own] / (counts[own] - 1) as f64;
        let others = sums.iter().zip(&counts).enumerate().filter(|(k, _)| *k != own);
        let b = others.map(|(_, (sum, count))| sum / *count as f64).fold(f64::INFINITY, f64::min);
        if a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
    };
    let sums = each_chunk(rows.len(), |range| {
        let mut sums = vec![0.0; counts.len()];
        range.map(|i| of(i, &mut sums)).sum::<f64>()
    });
    Ok(sums.iter().sum::<f64>() / rows.len() as f64)
}

/// Centres of the groups, one after the other.
fn centres(rows: Rows<'_>, labels: &[usize], counts: &[usize]) -> Vec<f64> {
    let p = rows.columns();
    let mut centres = vec![0.0; counts.len() * p];
    for (row, label) in rows.iter().zip(labels) {
        centres[label * p..(label + 1) * p].iter_mut().zip(row).for_each(|(c, x)| *c += x);
    }
    for (centre, count) in centres.chunks_exact_mut(p).zip(counts) {
        centre.iter_mut().for_each(|c| *c /= *count as f64);
    }
    centres
}

/// Davies–Bouldin index: how alike the most alike groups are; 0 is best.
///
/// # Formula
/// Mean over groups of the largest (sᵢ + sⱼ) / dᵢⱼ: s is the mean distance of a group's rows from its centre, d the
/// distance of two centres. Groups with the same centre are left out of each other's comparison.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::davies_bouldin};
/// let rows = Rows::new(&[0.0, 1.0, 10.0, 11.0], 1)?;
/// assert!((davies_bouldin(rows, &[0, 0, 1, 1])? - 0.1).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`silhouette`].
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
///
/// # References
/// Davies, Bouldin 1979, doi:10.1109/TPAMI.1979.4766909.
pub fn davies_bouldin(rows: Rows<'_>, labels: &[usize]) -> Result<f64, Error> {
    let (labels, counts) = groups(rows, labels)?;
    let p = rows.columns();
    let centres = centres(rows, &labels, &counts);
    let centre = |k: usize| &centres[k * p..(k + 1) * p];
    let mut spread = vec![0.0; counts.len()];
    rows.iter().zip(&labels).for_each(|(row, k)| spread[*k] += squared_distance(row, centre(*k)).sqrt());
    spread.iter_mut().zip(&counts).for_each(|(s, count)| *s /= *count as f64);
    let alike = |i: usize, j: usize| match squared_distance(centre(i), centre(j)).sqrt() {
        0.0 => 0.0,
        distance => (spread[i] + spread[j]) / distance,
    };
    let k = counts.len();
    let worst = |i: usize| (0..k).filter(|j| *j != i).map(|j| alike(i, j)).fold(0.0, f64::max);
    Ok((0..k).map(worst).sum::<f64>() / k as f64)
}

/// Caliński–Harabasz index: variance between groups over variance within; the larger the better.
///
/// # Formula
/// (between / (k − 1)) / (within / (n − k)), sums of squared distances; infinite where all rows of a group are equal.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::calinski_harabasz};
/// let rows = Rows::new(&[0.0, 1.0, 10.0, 11.0], 1)?;
/// assert_eq!(calinski_harabasz(rows, &[0, 0, 1, 1])?, 200.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`silhouette`], and [`Error::Undefined`] where all rows are equal.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
///
/// # References
/// Caliński, Harabasz 1974, doi:10.1080/03610927408827101.
pub fn calinski_harabasz(rows: Rows<'_>, labels: &[usize]) -> Result<f64, Error> {
    let (labels, counts) = groups(rows, labels)?;
    let (n, k, p) = (rows.len(), counts.len(), rows.columns());
    let centres = centres(rows, &labels, &counts);
    let mean = super::design::column_means(rows, None);
    let within: f64 = rows.iter().zip(&labels).map(|(row, k)| squared_distance(row, &centres[k * p..])).sum();
    let of = |(centre, count): (&[f64], &usize)| *count as f64 * squared_distance(centre, &mean);
    let between: f64 = centres.chunks_exact(p).zip(&counts).map(of).sum();
    if within + between == 0.0 {
        return Err(Error::Undefined("the Calinski-Harabasz index"));
    }
    Ok(between / (k - 1) as f64 / (within / (n - k) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groupings_without_structure() {
        assert_eq!(adjusted_rand(&[3, 3, 3], &[0, 0, 0]), Ok(1.0));
        assert_eq!(adjusted_rand(&[0, 1, 2], &[2, 1, usize::MAX]), Ok(1.0));
        assert_eq!(adjusted_rand(&[0], &[1]), Ok(1.0));
        assert_eq!(adjusted_rand(&[0, 0, 0], &[0, 1, 2]), Ok(0.0));
        assert_eq!(normalised_mutual_information(&[0, 0, 0], &[0, 1, 2]), Ok(0.0));
        assert_eq!(normalised_mutual_information(&[4, 4], &[0, 0]), Ok(1.0));
        assert!(adjusted_rand(&[], &[]).is_err() && adjusted_rand(&[1], &[]).is_err());
    }

    #[test]
    fn one_group_single_rows_and_equal_rows() {
        let rows = Rows::new(&[1.0, 2.0, 3.0, 9.0], 1).unwrap();
        for score in [silhouette, davies_bouldin, calinski_harabasz] {
            assert_eq!(score(rows, &[1; 4]), Err(Error::OneClass));
            assert!(score(rows, &[0, 1, 2, 3]).is_err());
            assert!(score(rows, &[0, 0, 1, 2]).unwrap().is_finite());
        }
        let same = Rows::new(&[1.0; 4], 1).unwrap();
        assert_eq!(silhouette(same, &[0, 0, 1, 1]), Ok(0.0));
        assert_eq!(davies_bouldin(same, &[0, 0, 1, 1]), Ok(0.0));
        assert!(calinski_harabasz(same, &[0, 0, 1, 1]).is_err());
    }
}
