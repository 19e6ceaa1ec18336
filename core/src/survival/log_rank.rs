use super::check;
use crate::Error;
use crate::error::{Mismatch, TooShort};
use crate::inference::ChiSquared;
use crate::linalg::Cholesky;
use crate::order::rising;
use serde::{Deserialize, Serialize};

/// The log-rank test, as [`log_rank`] gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogRank {
    /// The test of "the groups have the same hazard".
    pub test: ChiSquared,
    /// Events of each group.
    pub observed: Vec<f64>,
    /// Events that each group would have if the hazard were the same.
    pub expected: Vec<f64>,
}

/// The log-rank test: do two or more groups differ in the time to an event?
///
/// **Use it** beside the curves of [`KaplanMeier`](super::KaplanMeier). **Not** for curves that cross: it then sees
/// little. How large a difference is says [`Cox`](super::Cox).
///
/// # Formula
/// At each time with d events among n at risk, of whom nⱼ are in group j: expected d nⱼ/n, covariance
/// d (n − d)/(n − 1) (nⱼ/n) (1[j = k] − nₖ/n). χ² = (O − E)ᵀ V⁻¹ (O − E) without the last group.
///
/// # Parameters
/// `group` of each patient, numbered from 0 to `groups` − 1.
///
/// # Examples
/// ```
/// use eir_core::survival::log_rank;
/// let time = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let result = log_rank(&time, &[true; 6], &[0, 0, 0, 1, 1, 1], 2)?;
/// assert!((result.test.statistic - 5.0517).abs() < 1e-4 && (result.test.p - 0.0246).abs() < 1e-4);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, a time that is negative, NaN or infinite, fewer than 2 groups, a group number of
/// `groups` or more, or [`Error::Undefined`] if no event tells the groups apart (an empty group among them).
///
/// # Validation
/// Agrees with lifelines 0.30.3 within 1e-10 on `reference/core/survival.json`, and for three groups in this file.
///
/// # References
/// Mantel 1966; Peto, Peto 1972, doi:10.2307/2344317.
pub fn log_rank(time: &[f64], event: &[bool], group: &[usize], groups: usize) -> Result<LogRank, Error> {
    check(time, event)?;
    Mismatch::check("groups of the times", time.len(), group.len())?;
    if groups < 2 {
        return Err(TooShort::new("groups", groups, 2).into());
    }
    if let Some(index) = group.iter().position(|g| *g >= groups) {
        return Err(Error::Class { index, classes: groups });
    }
    let mut order = rising(time);
    order.reverse();
    let free = groups - 1;
    let (mut observed, mut expected) = (vec![0.0; groups], vec![0.0; groups]);
    let (mut at_risk, mut covariance) = (vec![0.0; groups], vec![0.0; free * free]);
    // from the last time down, so that those at risk are only added to
    for leaving in order.chunk_by(|a, b| time[*a] == time[*b]) {
        leaving.iter().for_each(|i| at_risk[group[*i]] += 1.0);
        let (mut d, n) = (0.0, at_risk.iter().sum::<f64>());
        for i in leaving.iter().filter(|i| event[**i]) {
            observed[group[*i]] += 1.0;
            d += 1.0;
        }
        if d == 0.0 {
            continue;
        }
        expected.iter_mut().zip(&at_risk).for_each(|(e, of_group)| *e += d * of_group / n);
        let scale = if n > 1.0 { d * (n - d) / (n - 1.0) } else { 0.0 };
        for j in 0..free {
            for k in 0..=j {
                let same = f64::from(u8::from(j == k));
                covariance[j * free + k] += scale * at_risk[j] / n * (same - at_risk[k] / n);
            }
        }
    }
    let excess: Vec<f64> = observed.iter().zip(&expected).take(free).map(|(o, e)| o - e).collect();
    let cholesky = Cholesky::new(&covariance, free).map_err(|_| Error::Undefined("the log-rank test"))?;
    let mut solved = excess.clone();
    cholesky.solve(&mut solved);
    let statistic = excess.iter().zip(&solved).map(|(a, b)| a * b).sum();
    Ok(LogRank { test: ChiSquared::new(statistic, free), observed, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_groups_does_not_matter() {
        let time = [5.0, 3.0, 9.0, 8.0, 7.0, 4.0, 4.0, 3.0, 2.0, 5.0, 6.0, 7.0];
        let event = [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0].map(|e| e == 1);
        let group = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2];
        let a = log_rank(&time, &event, &group, 3).unwrap();
        let b = log_rank(&time, &event, &group.map(|g| 2 - g), 3).unwrap();
        assert!((a.test.statistic - b.test.statistic).abs() < 1e-13);
        assert!((a.observed.iter().sum::<f64>() - a.expected.iter().sum::<f64>()).abs() < 1e-13);
        // multivariate_logrank_test of lifelines 0.30.3
        assert!((a.test.statistic - 1.0800467314891906).abs() < 1e-12, "{}", a.test.statistic);
    }

    #[test]
    fn borders() {
        let test = |group: &[usize], groups| log_rank(&[1.0, 2.0], &[true, true], group, groups);
        assert_eq!(test(&[0, 2], 2).unwrap_err(), Error::Class { index: 1, classes: 2 });
        assert!(matches!(test(&[0, 0], 2), Err(Error::Undefined(_))));
        assert!(matches!(test(&[0, 0], 1), Err(Error::TooShort(_))));
        assert!(matches!(test(&[0], 2), Err(Error::Mismatch(_))));
        let none = log_rank(&[1.0, 2.0], &[false; 2], &[0, 1], 2);
        assert!(matches!(none, Err(Error::Undefined(_))));
    }
}
