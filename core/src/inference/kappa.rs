use crate::distribution::{normal_quantile, normal_sf};
use crate::error::{Mismatch, TooShort};
use crate::estimate::check_level;
use crate::metrics::KappaWeights;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// How much raters agree who chose classes `i` and `j`: 1 for the same, 0 for the farthest.
fn agreement(weights: KappaWeights, i: usize, j: usize, classes: usize) -> f64 {
    1.0 - weights.disagreement(i, j) / weights.disagreement(0, classes - 1)
}

/// Cohen's kappa with its interval, as [`cohen_kappa`] gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Kappa {
    /// Kappa and its interval.
    pub estimate: Estimate,
    /// Variance of kappa: the interval's.
    pub variance: f64,
    /// Variance if the raters agreed by chance only: the test's.
    pub variance_null: f64,
}

impl Kappa {
    /// Two-sided p value of "they agree by chance only".
    #[must_use]
    pub fn p(&self) -> f64 {
        2.0 * normal_sf(self.estimate.value.abs() / self.variance_null.sqrt())
    }
}

/// Cohen's kappa of two raters: how much more they agree than by chance, from the table of their classes.
///
/// **Use it** for classes without a natural number, or for grades with weights. **Not** where one class is very rare:
/// kappa is then low however well they agree; print the table too.
///
/// # Formula
/// κ = (Pₒ − Pₑ) / (1 − Pₑ) with weights wᵢⱼ of agreement: Pₒ = Σ wᵢⱼ pᵢⱼ, Pₑ = Σ wᵢⱼ pᵢ. p.ⱼ. Variance, with
/// vᵢⱼ = Σₖ wᵢₖ p.ₖ + Σₖ wₖⱼ pₖ.: (Σ pᵢⱼ (wᵢⱼ − vᵢⱼ (1 − κ))² − (κ − Pₑ (1 − κ))²) / (n (1 − Pₑ)²); under chance
/// (Σ pᵢ. p.ⱼ (wᵢⱼ − vᵢⱼ)² − Pₑ²) / (n (1 − Pₑ)²). Interval: κ ± z √variance.
///
/// # Parameters
/// `table`: the counts, row after row, `classes` a row: one rater's class by the other's. `level` of the interval (0.95).
///
/// # Examples
/// ```
/// use eir_core::inference::cohen_kappa;
/// use eir_core::metrics::KappaWeights;
/// let kappa = cohen_kappa(&[20, 5, 10, 15], 2, KappaWeights::Unweighted, 0.95)?;
/// assert!((kappa.estimate.value - 0.4).abs() < 1e-15);
/// assert!((kappa.estimate.lower - 0.1511).abs() < 1e-4);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for fewer than 2 classes, a table that is not square, no items, a level outside 0 to 1, or
/// [`Error::Undefined`] if both raters know one class only.
///
/// # Validation
/// Agrees with statsmodels 0.15.0 within 1e-10 on `reference/core/agreement.json`.
///
/// # References
/// Cohen 1968, doi:10.1037/h0026256; Fleiss, Cohen, Everitt 1969, doi:10.1037/h0028106.
pub fn cohen_kappa(table: &[u64], classes: usize, weights: KappaWeights, level: f64) -> Result<Kappa, Error> {
    check_level(level)?;
    if classes < 2 {
        return Err(TooShort::new("classes", classes, 2).into());
    }
    Mismatch::check("cells of the table", classes.saturating_mul(classes), table.len())?;
    let n = table.iter().map(|c| *c as f64).sum::<f64>();
    if n == 0.0 {
        return Err(TooShort::new("items", 0, 1).into());
    }
    let share = |i: usize, j: usize| table[i * classes + j] as f64 / n;
    let weight = |i: usize, j: usize| agreement(weights, i, j, classes);
    let all = || (0..classes).flat_map(|i| (0..classes).map(move |j| (i, j)));
    let over = |f: &dyn Fn(usize) -> f64| (0..classes).map(f).sum::<f64>();
    let each = |f: &dyn Fn(usize) -> f64| (0..classes).map(f).collect::<Vec<f64>>();

    let first = each(&|i| over(&|j| share(i, j)));
    let second = each(&|j| over(&|i| share(i, j)));
    let of_first = each(&|i| over(&|k| weight(i, k) * second[k]));
    let of_second = each(&|j| over(&|k| weight(k, j) * first[k]));
    let observed: f64 = all().map(|(i, j)| weight(i, j) * share(i, j)).sum();
    let expected = over(&|i| first[i] * of_first[i]);
    let room = 1.0 - expected;
    if first.iter().zip(&second).any(|(a, b)| *a == 1.0 && *b == 1.0) {
        return Err(Error::Undefined("Cohen's kappa"));
    }
    let kappa = (observed - expected) / room;
    let scatter = |p: &dyn Fn(usize, usize) -> f64, part: f64| -> f64 {
        all().map(|(i, j)| p(i, j) * (weight(i, j) - (of_first[i] + of_second[j]) * part).powi(2)).sum()
    };
    let scale = n * room * room;
    let centre = kappa - expected * (1.0 - kappa);
    let variance = (scatter(&share, 1.0 - kappa) - centre * centre).max(0.0) / scale;
    let variance_null = (scatter(&|i, j| first[i] * second[j], 1.0) - expected * expected).max(0.0) / scale;
    let half = normal_quantile(0.5 + level / 2.0) * variance.sqrt();
    let estimate = Estimate::new(kappa, [kappa - half, kappa + half], level, "Fleiss–Cohen–Everitt", n as usize);
    Ok(Kappa { estimate, variance, variance_null })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        let kappa = |table: &[u64], classes| cohen_kappa(table, classes, KappaWeights::Linear, 0.95);
        assert!(matches!(kappa(&[5, 0, 0, 0], 2), Err(Error::Undefined(_))));
        assert!(matches!(kappa(&[0; 4], 2), Err(Error::TooShort(_))));
        assert!(matches!(kappa(&[1; 3], 2), Err(Error::Mismatch(_))));
        assert!(matches!(kappa(&[1], 1), Err(Error::TooShort(_))));
        let perfect = kappa(&[5, 0, 0, 7], 2).unwrap();
        assert_eq!((perfect.estimate.value, perfect.estimate.upper), (1.0, 1.0));
        assert!(perfect.p() < 0.001);
    }

    /// Of two classes all weights are the same.
    #[test]
    fn weights_differ_from_three_classes_on() {
        let of = |table: &[u64], classes, weights| cohen_kappa(table, classes, weights, 0.95).unwrap().estimate.value;
        let two = [20, 5, 10, 15];
        assert_eq!(of(&two, 2, KappaWeights::Unweighted), of(&two, 2, KappaWeights::Quadratic));
        let near = [9, 4, 0, 3, 8, 4, 0, 3, 9]; // all disagreements by one grade
        assert!(of(&near, 3, KappaWeights::Quadratic) > of(&near, 3, KappaWeights::Linear));
        assert!(of(&near, 3, KappaWeights::Linear) > of(&near, 3, KappaWeights::Unweighted));
    }
}
