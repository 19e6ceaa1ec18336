use super::agreement::pearson;
use super::pair;
use crate::Error;
use crate::error::NotFinite;
use crate::fenwick::Fenwick;
use crate::order::rising;

/// The rank of each value from 1, ties sharing their average: the midranks. O(n log n).
///
/// ```
/// assert_eq!(eir_core::metrics::midranks(&[3.0, 1.0, 3.0, 2.0])?, [3.5, 1.0, 3.5, 2.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotFinite`] for a value that is NaN or infinite.
pub fn midranks(x: &[f64]) -> Result<Vec<f64>, Error> {
    let ranks = DenseRanks::new(x)?;
    let mut before = 0;
    let middle: Vec<f64> = ranks
        .sizes
        .iter()
        .map(|size| {
            before += size;
            before as f64 - (*size as f64 - 1.0) / 2.0
        })
        .collect();
    Ok(ranks.of.iter().map(|rank| middle[*rank]).collect())
}

/// Spearman's rank correlation: how nearly one measurement rises whenever the other does.
///
/// **Use it** where only the order means something, or outliers would rule [`pearson`]. **Not** for "do they agree": see
/// [`ccc`](super::ccc). Interval and p value: [`inference::spearman`](crate::inference::spearman).
///
/// # Formula
/// Pearson's correlation of the [`midranks`].
///
/// # Examples
/// ```
/// let rho = eir_core::metrics::spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 9.0, 4.0, 25.0])?;
/// assert!((rho - 0.8).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`pearson`].
///
/// # Validation
/// Agrees with SciPy 1.17.1 within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Spearman 1904, doi:10.2307/1412159.
pub fn spearman(a: &[f64], b: &[f64]) -> Result<f64, Error> {
    pair(a, b, 2)?;
    pearson(&midranks(a)?, &midranks(b)?).map_err(|_| Error::Undefined("Spearman's correlation"))
}

/// Kendall's τ-b: how much more often than not two cases have the same order in both measurements.
///
/// **Use it** as [`spearman`]; τ is easier to say in words (a difference of two chances) and steadier for small n.
///
/// # Formula
/// (C − D) / √((P − Tₐ)(P − T_b)) with C concordant and D discordant of P = n(n − 1)/2 pairs, and the pairs tied in a and
/// in b. O(n log n).
///
/// # Examples
/// ```
/// let tau = eir_core::metrics::kendall_tau_b(&[1.0, 2.0, 3.0, 4.0], &[1.0, 9.0, 4.0, 25.0])?;
/// assert!((tau - 2.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`pearson`].
///
/// # Validation
/// Agrees with SciPy 1.17.1 within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Kendall 1945, doi:10.1093/biomet/33.3.239; in O(n log n): Knight 1966, doi:10.1080/01621459.1966.10480879.
pub fn kendall_tau_b(a: &[f64], b: &[f64]) -> Result<f64, Error> {
    Ok(Kendall::new(a, b)?.tau_b())
}

/// Stuart's τ-c: as [`kendall_tau_b`], for grades with a different number of steps.
///
/// # Formula
/// 2 (C − D) / (n² (m − 1) / m), where m is the smaller number of distinct values.
///
/// # Examples
/// ```
/// let tau = eir_core::metrics::kendall_tau_c(&[0.0, 0.0, 1.0, 1.0], &[1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!(tau, 1.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`pearson`].
///
/// # Validation
/// As [`kendall_tau_b`].
///
/// # References
/// Stuart 1953, doi:10.1093/biomet/40.1-2.105.
pub fn kendall_tau_c(a: &[f64], b: &[f64]) -> Result<f64, Error> {
    let k = Kendall::new(a, b)?;
    let (n, m) = (k.n as f64, k.a.sizes.len().min(k.b.sizes.len()) as f64);
    Ok((2.0 * k.excess / (n * n * (m - 1.0) / m)).clamp(-1.0, 1.0))
}

/// Ranks from 0 in which equal values share one, and how many share each.
pub(crate) struct DenseRanks {
    pub(crate) of: Vec<usize>,
    pub(crate) sizes: Vec<u64>,
}

impl DenseRanks {
    pub(crate) fn new(x: &[f64]) -> Result<Self, Error> {
        NotFinite::check_f64("value", x)?;
        let (mut of, mut sizes, mut last) = (vec![0; x.len()], Vec::new(), f64::NAN);
        for i in rising(x) {
            if x[i] != last {
                sizes.push(0);
                last = x[i];
            }
            of[i] = sizes.len() - 1;
            sizes[of[i]] += 1;
        }
        Ok(Self { of, sizes })
    }

    /// Σ f(t) over the groups of t equal values.
    pub(crate) fn ties(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.sizes.iter().map(|t| f(*t as f64)).sum()
    }
}

/// The counts that Kendall's τ and its test are made of.
pub(crate) struct Kendall {
    pub(crate) n: usize,
    pub(crate) a: DenseRanks,
    pub(crate) b: DenseRanks,
    /// Concordant less discordant pairs.
    pub(crate) excess: f64,
}

/// Pairs among t values.
pub(crate) fn pairs(t: f64) -> f64 {
    t * (t - 1.0) / 2.0
}

impl Kendall {
    pub(crate) fn new(x: &[f64], y: &[f64]) -> Result<Self, Error> {
        pair(x, y, 2)?;
        let (a, b) = (DenseRanks::new(x)?, DenseRanks::new(y)?);
        if a.sizes.len() < 2 || b.sizes.len() < 2 {
            return Err(Error::Undefined("Kendall's correlation"));
        }
        let mut both: Vec<(usize, usize)> = a.of.iter().copied().zip(b.of.iter().copied()).collect();
        both.sort_unstable();
        let mut earlier = Fenwick::new(b.sizes.len());
        let (mut excess, mut seen) = (0i64, 0);
        for same in both.chunk_by(|p, q| p.0 == q.0) {
            for (_, rank) in same {
                let above = seen - earlier.below(rank + 1);
                excess += earlier.below(*rank) as i64 - above as i64;
            }
            same.iter().for_each(|(_, rank)| earlier.add(*rank));
            seen += same.len() as u64;
        }
        Ok(Self { n: x.len(), a, b, excess: excess as f64 })
    }

    pub(crate) fn tau_b(&self) -> f64 {
        let all = pairs(self.n as f64);
        let free = |ranks: &DenseRanks| all - ranks.ties(pairs);
        (self.excess / (free(&self.a) * free(&self.b)).sqrt()).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn kendall_counts_all_pairs() {
        let mut stream = Generator::new(3, "ranks").stream(0);
        let mut grades = || (0..80).map(|_| stream.below(9) as f64).collect::<Vec<_>>();
        let (a, b) = (grades(), grades());
        let mut want = 0.0;
        for i in 0..80 {
            for j in 0..i {
                let sign = (a[i] - a[j]) * (b[i] - b[j]);
                want += f64::from(i8::from(sign > 0.0) - i8::from(sign < 0.0));
            }
        }
        assert_eq!(Kendall::new(&a, &b).unwrap().excess, want);
    }

    #[test]
    fn borders() {
        assert!(midranks(&[]).unwrap().is_empty());
        assert_eq!(midranks(&[0.0, -0.0]).unwrap(), [1.5, 1.5]); // the two zeros are one value
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), Err(Error::Undefined("Spearman's correlation")));
        assert_eq!(kendall_tau_b(&[1.0, 2.0], &[1.0, 1.0]), Err(Error::Undefined("Kendall's correlation")));
        assert!(matches!(kendall_tau_c(&[1.0, f64::NAN], &[1.0, 2.0]), Err(Error::NotFinite(_))));
        assert!(matches!(spearman(&[1.0], &[1.0]), Err(Error::TooShort(_))));
        assert_eq!(kendall_tau_b(&[1.0, 2.0], &[2.0, 1.0]), Ok(-1.0));
    }
}
