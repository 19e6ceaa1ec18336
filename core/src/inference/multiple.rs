use crate::Error;
use crate::error::{NotFinite, Parameter};
use crate::order::rising;

/// Bonferroni's adjusted p values: each times their number, at most 1.
///
/// **Use it** for a handful of tests. [`holm`] promises the same and finds more.
///
/// ```
/// assert_eq!(eir_core::inference::bonferroni(&[0.0625, 0.5, 0.25])?, [0.1875, 1.0, 0.75]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// A p value outside 0 to 1 or NaN.
///
/// # Validation
/// As all of this file: agrees with statsmodels 0.15.0 within 1e-10 on `reference/core/intervals.json`.
pub fn bonferroni(p: &[f64]) -> Result<Vec<f64>, Error> {
    check(p)?;
    Ok(p.iter().map(|v| (v * p.len() as f64).min(1.0)).collect())
}

/// Holm's adjusted p values: those below α bound the chance of any false finding by α, whatever the dependence.
///
/// **Use it** where one false finding is one too many: endpoints, subgroups.
///
/// # Formula
/// In ascending order, pᵢ = max over j ≤ i of (m − j + 1) pⱼ, at most 1.
///
/// # Examples
/// ```
/// assert_eq!(eir_core::inference::holm(&[0.0625, 0.5, 0.25])?, [0.1875, 0.5, 0.5]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`bonferroni`].
///
/// # References
/// Holm 1979, Scandinavian Journal of Statistics 6, 65–70.
pub fn holm(p: &[f64]) -> Result<Vec<f64>, Error> {
    let m = p.len();
    let mut largest = 0.0f64;
    in_order(p, |sorted| {
        for (i, v) in sorted.iter_mut().enumerate() {
            largest = largest.max(*v * (m - i) as f64);
            *v = largest.min(1.0);
        }
    })
}

/// Benjamini and Hochberg's adjusted p values: of those below α at most the share α is false on average, if the tests
/// are independent or depend positively.
///
/// **Use it** to screen many features. **Not** where each finding stands alone: see [`holm`].
///
/// # Formula
/// In ascending order, pᵢ = min over j ≥ i of m pⱼ / j, at most 1.
///
/// # Examples
/// ```
/// assert_eq!(eir_core::inference::benjamini_hochberg(&[0.0625, 0.5, 0.25])?, [0.1875, 0.5, 0.375]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`bonferroni`].
///
/// # References
/// Benjamini, Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
pub fn benjamini_hochberg(p: &[f64]) -> Result<Vec<f64>, Error> {
    step_up(p, 1.0)
}

/// Benjamini and Yekutieli's adjusted p values: as [`benjamini_hochberg`], for any dependence, and larger by
/// 1 + 1/2 + … + 1/m.
///
/// # Examples
/// ```
/// let p = eir_core::inference::benjamini_yekutieli(&[0.01, 0.02])?;
/// assert!((p[0] - 0.03).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`bonferroni`].
///
/// # References
/// Benjamini, Yekutieli 2001, doi:10.1214/aos/1013699998.
pub fn benjamini_yekutieli(p: &[f64]) -> Result<Vec<f64>, Error> {
    step_up(p, (1..=p.len()).map(|i| 1.0 / i as f64).sum())
}

/// Hommel's adjusted p values: the promise of [`holm`] with more findings, for tests that are independent or depend
/// positively. O(m²).
///
/// # Examples
/// ```
/// assert_eq!(eir_core::inference::hommel(&[0.25, 0.5, 0.3125])?, [0.5, 0.5, 0.5]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`bonferroni`].
///
/// # References
/// Hommel 1988, doi:10.1093/biomet/75.2.383; the algorithm: Wright 1992, doi:10.2307/2532694.
pub fn hommel(p: &[f64]) -> Result<Vec<f64>, Error> {
    let n = p.len();
    in_order(p, |adjusted| {
        let sorted = adjusted.to_vec();
        for m in (2..=n).rev() {
            // Simes's p of the m largest
            let of_largest = |i: usize| m as f64 * sorted[n - m + i] / (i + 1) as f64;
            let simes = (0..m).map(of_largest).fold(1.0, f64::min);
            for (i, v) in adjusted.iter_mut().enumerate() {
                *v = v.max(if i < n - m { simes.min(m as f64 * sorted[i]) } else { simes });
            }
        }
    })
}

fn step_up(p: &[f64], factor: f64) -> Result<Vec<f64>, Error> {
    let m = p.len() as f64 * factor;
    let mut smallest = 1.0f64;
    in_order(p, |sorted| {
        for (i, v) in sorted.iter_mut().enumerate().rev() {
            smallest = smallest.min(*v * m / (i + 1) as f64);
            *v = smallest;
        }
    })
}

/// Lets `adjust` work on the p values in ascending order, and puts what it makes back in their places.
fn in_order(p: &[f64], adjust: impl FnOnce(&mut [f64])) -> Result<Vec<f64>, Error> {
    check(p)?;
    let order = rising(p);
    let mut sorted: Vec<f64> = order.iter().map(|i| p[*i]).collect();
    adjust(&mut sorted);
    let mut out = vec![0.0; p.len()];
    order.iter().zip(sorted).for_each(|(i, v)| out[*i] = v);
    Ok(out)
}

fn check(p: &[f64]) -> Result<(), Error> {
    NotFinite::check_f64("p value", p)?;
    match p.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        Some(v) => Err(Parameter::new("p value", *v, "0 to 1").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hommel's definition: the adjusted p of a hypothesis is the largest Simes p of all sets that hold it.
    #[test]
    fn hommel_is_the_closed_simes_test() {
        let p = [0.011, 0.3, 0.02, 0.9, 0.035, 0.02];
        let simes = |set: u32| {
            let mut own: Vec<f64> = (0..p.len()).filter(|i| set >> i & 1 == 1).map(|i| p[i]).collect();
            own.sort_by(f64::total_cmp);
            let n = own.len() as f64;
            own.iter().enumerate().map(|(i, v)| v * n / (i + 1) as f64).fold(f64::INFINITY, f64::min)
        };
        for (i, got) in hommel(&p).unwrap().into_iter().enumerate() {
            let want = (1..1u32 << p.len()).filter(|set| set >> i & 1 == 1).map(simes).fold(0.0, f64::max);
            assert!((got - want).abs() < 1e-15, "{i}: {got} {want}");
        }
    }

    #[test]
    fn borders() {
        let all = [bonferroni, holm, benjamini_hochberg, benjamini_yekutieli, hommel];
        for adjust in all {
            assert!(adjust(&[]).unwrap().is_empty());
            assert_eq!(adjust(&[0.2]).unwrap(), [0.2]);
            assert_eq!(adjust(&[1.0, 1.0]).unwrap(), [1.0, 1.0]);
            assert!(matches!(adjust(&[0.1, 1.1]), Err(Error::Parameter(_))));
            assert!(matches!(adjust(&[f64::NAN]), Err(Error::NotFinite(_))));
        }
    }
}
