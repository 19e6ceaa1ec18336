use crate::Error;
use crate::error::{NotFinite, TooShort};
use crate::order::ascending;
use serde::{Deserialize, Serialize};

/// Conformal p values: how strange a case is among the calibration cases.
///
/// **Use it** to say that a case is like none before (small p), or to rank the classes of a set: a class is in the set
/// at α where its p value is above α. **Not** many at once without a correction for it.
///
/// # Formula
/// (#{sᵢ ≥ s} + 1)/(n + 1): at most α with probability α at most. Smoothed, (#{sᵢ > s} + u (#{sᵢ = s} + 1))/(n + 1) with
/// u uniform: exactly uniform.
///
/// # Examples
/// ```
/// use eir_core::conformal::PValues;
/// let p = PValues::fit(&[1.0, 2.0, 2.0, 3.0])?;
/// assert_eq!((p.p_value(2.0), p.p_value(9.0)), (0.8, 0.2));
/// assert_eq!(p.smoothed(2.0, 0.5), 0.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with the definition on NumPy within 1e-12 on `reference/core/conformal.json`.
///
/// # References
/// Vovk, Gammerman, Shafer 2005, doi:10.1007/b106715.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PValues {
    sorted: Vec<f64>,
}

impl PValues {
    /// P values among the calibration `scores`.
    ///
    /// # Errors
    /// No score, or one that is not finite.
    pub fn fit(scores: &[f64]) -> Result<Self, Error> {
        if scores.is_empty() {
            return Err(TooShort::new("calibration scores", 0, 1).into());
        }
        NotFinite::check_f64("score", scores)?;
        let mut sorted = scores.to_vec();
        ascending(&mut sorted);
        Ok(Self { sorted })
    }

    /// The p value of a score; NaN of NaN.
    #[must_use]
    pub fn p_value(&self, score: f64) -> f64 {
        self.smoothed(score, 1.0)
    }

    /// The smoothed p value of a score, with `u` uniform in 0 to 1.
    #[must_use]
    pub fn smoothed(&self, score: f64, u: f64) -> f64 {
        if score.is_nan() { f64::NAN } else { smoothed(&self.sorted, score, u) }
    }
}

/// The smoothed p value of `score` among `sorted` scores.
pub(super) fn smoothed(sorted: &[f64], score: f64, u: f64) -> f64 {
    let below = sorted.partition_point(|s| *s < score);
    let above = sorted.len() - sorted.partition_point(|s| *s <= score);
    let equal = sorted.len() - below - above;
    (above as f64 + u * (equal as f64 + 1.0)) / (sorted.len() as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Alpha, Threshold};
    use super::*;
    use crate::random::Generator;

    #[test]
    fn a_score_is_within_the_threshold_where_its_p_value_is_above_alpha() {
        let mut stream = Generator::new(1, "p").stream(0);
        for n in [5, 19, 40] {
            let scores: Vec<f64> = (0..n).map(|_| (stream.uniform() * 20.0).floor()).collect();
            let p = PValues::fit(&scores).unwrap();
            for (numerator, denominator) in [(1, 20), (1, 10), (1, 3)] {
                let alpha = Alpha::ratio(numerator, denominator).unwrap();
                let q = Threshold::fit(&scores, alpha).unwrap().q();
                for score in (0..21).map(f64::from) {
                    let above = p.p_value(score) * (n as f64 + 1.0) * denominator as f64
                        > numerator as f64 * (n as f64 + 1.0) + 1e-9;
                    assert_eq!(above, score <= q, "{n} {numerator}/{denominator} {score}");
                }
            }
        }
    }

    #[test]
    fn borders() {
        assert!(matches!(PValues::fit(&[]), Err(Error::TooShort(_))));
        assert!(matches!(PValues::fit(&[f64::INFINITY]), Err(Error::NotFinite(_))));
        let p = PValues::fit(&[0.0]).unwrap();
        assert!(p.p_value(f64::NAN).is_nan() && p.p_value(f64::INFINITY) == 0.5);
    }
}
