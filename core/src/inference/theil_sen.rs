use crate::distribution::normal_quantile;
use crate::error::Parameter;
use crate::estimate::check_level;
use crate::metrics::{DenseRanks, pair, sorted_quantile};
use crate::order::ascending;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// A line through the middle of the points, as [`theil_sen`] gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TheilSen {
    /// How much y rises with x.
    pub slope: Estimate,
    /// y at x = 0.
    pub intercept: f64,
}

/// Theil and Sen's line: the median of the slopes between all pairs of points, with Sen's interval.
///
/// **Use it** for a trend with outliers: up to 29 % of the points may be anything. **Not** beyond some 10⁴ points: time
/// and memory grow with n².
///
/// # Formula
/// slope = median of (yⱼ − yᵢ) / (xⱼ − xᵢ) over the N pairs with xⱼ > xᵢ; intercept = median y − slope · median x. The
/// interval ends at the slopes of rank (N ∓ z σ) / 2, where 18 σ² = n(n − 1)(2n + 5) − Σ t(t − 1)(2t + 5) over the ties in
/// x and in y.
///
/// # Examples
/// ```
/// let line = eir_core::inference::theil_sen(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 2.0, 3.0, 4.0, 50.0], 0.95)?;
/// assert_eq!((line.slope.value, line.intercept), (1.0, 0.0));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, fewer than 2 points or more than 30 000, a value that is NaN or infinite,
/// [`Error::Undefined`] if x does not vary, or a level outside 0 to 1.
///
/// # Validation
/// Agrees with SciPy 1.17.1 within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Sen 1968, doi:10.1080/01621459.1968.10480934.
pub fn theil_sen(x: &[f64], y: &[f64], level: f64) -> Result<TheilSen, Error> {
    pair(x, y, 2)?;
    check_level(level)?;
    let n = x.len();
    if n > MOST {
        return Err(Parameter::new("number of points", n as f64, "at most 30 000").into());
    }
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    for j in 1..n {
        for i in 0..j {
            if x[i] != x[j] {
                slopes.push((y[j] - y[i]) / (x[j] - x[i]));
            }
        }
    }
    if slopes.is_empty() {
        return Err(Error::Undefined("the slope"));
    }
    ascending(&mut slopes);
    let slope = median_of_sorted(&slopes);
    let intercept = median(y) - slope * median(x);
    let second = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let ties = DenseRanks::new(x)?.ties(second) + DenseRanks::new(y)?.ties(second);
    let spread = normal_quantile(0.5 + level / 2.0) * ((second(n as f64) - ties) / 18.0).sqrt();
    let rank = |signed: f64| ((slopes.len() as f64 + signed) / 2.0).round_ties_even();
    // `as` stops at 0
    let (low, high) = ((rank(-spread) - 1.0) as usize, (rank(spread) as usize).min(slopes.len() - 1));
    Ok(TheilSen { slope: Estimate::new(slope, [slopes[low], slopes[high]], level, "Sen", n), intercept })
}

/// Pairs of so many points take 3.6 GB.
const MOST: usize = 30_000;

fn median_of_sorted(sorted: &[f64]) -> f64 {
    sorted_quantile(sorted, 0.5).unwrap_or(f64::NAN)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    ascending(&mut sorted);
    median_of_sorted(&sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        assert!(matches!(theil_sen(&[1.0; 3], &[1.0, 2.0, 3.0], 0.95), Err(Error::Undefined(_))));
        assert!(matches!(theil_sen(&[1.0], &[1.0], 0.95), Err(Error::TooShort(_))));
        assert!(matches!(theil_sen(&[0.0; 30_001], &[0.0; 30_001], 0.95), Err(Error::Parameter(_))));
        let two = theil_sen(&[1.0, 2.0], &[1.0, 3.0], 0.95).unwrap();
        assert_eq!((two.slope.value, two.slope.lower, two.slope.upper), (2.0, 2.0, 2.0));
        let flat = theil_sen(&[1.0, 2.0, 3.0], &[5.0; 3], 0.95).unwrap();
        assert_eq!((flat.slope.value, flat.intercept), (0.0, 5.0));
    }
}
