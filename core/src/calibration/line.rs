use super::newton::{Optimum, logistic, minimise};
use super::{SEPARABLE, check_scores, counts, log_odds, logit, outcome, separated};
use crate::distribution::{normal_quantile, root};
use crate::estimate::check_level;
use crate::metrics::check_probabilities;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// Calibration slope and intercept: the logistic regression of the outcome on the logit of the probability.
///
/// **Use it** to say whether predictions are too extreme (slope below 1, the mark of overfitting) or too timid (above 1).
/// The intercept means something only beside the slope: for "too high on the whole" see [`in_the_large`].
///
/// # Formula
/// logit P(y = 1) = intercept + slope · logit p, by maximum likelihood; Wald intervals. p is clipped to
/// [1e-15, 1 − 1e-15].
///
/// # Examples
/// ```
/// use eir_core::calibration::CalibrationLine;
/// // 1 of 4 at p = 0.1 and 3 of 4 at p = 0.9: half as far out as predicted
/// let p = [0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9];
/// let labels = [true, false, false, false, true, true, true, false];
/// let line = CalibrationLine::new(&labels, &p, 0.95)?;
/// assert!((line.slope.value - 0.5).abs() < 1e-12 && line.intercept.value.abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with statsmodels 0.15.0 `Logit`, values and standard errors, within 1e-8 on
/// `reference/core/calibration.json`.
///
/// # References
/// Cox 1958, doi:10.1093/biomet/45.3-4.562. Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalibrationLine {
    /// 1 is right.
    pub slope: Estimate,
    /// 0 is right where the slope is 1.
    pub intercept: Estimate,
}

impl CalibrationLine {
    /// The line through the cases, with intervals at `level` (0.95).
    ///
    /// # Errors
    /// Lengths that differ, a value that is no probability, a level outside 0 to 1, [`Error::OneClass`],
    /// [`Error::Undefined`] for probabilities that are all equal, [`Error::NoOptimum`] for separated classes.
    pub fn new(labels: &[bool], probabilities: &[f64], level: f64) -> Result<Self, Error> {
        const WHAT: &str = "calibration slope";
        check_level(level)?;
        check_probabilities(labels, probabilities)?;
        let logits: Vec<f64> = probabilities.iter().map(|p| logit(*p)).collect();
        check_scores(labels, &logits)?;
        if logits.iter().all(|z| *z == logits[0]) {
            return Err(Error::Undefined(WHAT));
        }
        if separated(labels, &logits).contains(&true) {
            return Err(Error::NoOptimum { what: WHAT, reason: SEPARABLE });
        }
        let optimum = minimise(WHAT, [log_odds(labels), 0.0], [f64::NEG_INFINITY; 2], |theta| {
            logistic(logits.iter().zip(labels).map(|(z, y)| ([1.0, *z], outcome(*y), 0.0)), theta)
        })?;
        let of = |k| wald(&optimum, k, labels.len(), level);
        Ok(Self { intercept: of(0)?, slope: of(1)? })
    }
}

/// Calibration in the large: how far the logits lie below what happened, on the whole.
///
/// **Use it** for the common case of a model that is too high or too low in a new hospital. 0 is right; above 0 means
/// that more happened than was predicted.
///
/// # Formula
/// a in logit P(y = 1) = a + logit p (the slope stays 1), by maximum likelihood; Wald interval.
///
/// # Examples
/// ```
/// let large = eir_core::calibration::in_the_large(&[true, true, true, false], &[0.5; 4], 0.95)?;
/// assert!((large.value - 3.0f64.ln()).abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// Lengths that differ, a value that is no probability, a level outside 0 to 1, or [`Error::OneClass`].
///
/// # Validation
/// Agrees with statsmodels 0.15.0 (binomial GLM with offset) within 1e-8 on `reference/core/calibration.json`.
///
/// # References
/// Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7.
pub fn in_the_large(labels: &[bool], probabilities: &[f64], level: f64) -> Result<Estimate, Error> {
    check_level(level)?;
    check_probabilities(labels, probabilities)?;
    check_scores(labels, probabilities)?;
    let logits: Vec<f64> = probabilities.iter().map(|p| logit(*p)).collect();
    let local = |a: f64| logistic(logits.iter().zip(labels).map(|(z, y)| ([1.0], outcome(*y), *z)), &[a]);
    // were all logits the largest (or the smallest), the shift would be exact at this end
    let largest = logits.iter().fold(f64::NEG_INFINITY, |most, z| most.max(*z));
    let smallest = logits.iter().fold(f64::INFINITY, |least, z| least.min(*z));
    let middle = log_odds(labels);
    let at = root(|a| local(a).gradient[0], middle - largest, middle - smallest);
    wald(&Optimum { at: [at], hessian: local(at).hessian }, 0, labels.len(), level)
}

/// Observed over expected: how many cases there were for each that was predicted.
///
/// # Formula
/// Σy/Σp; the interval is exp(ln(O/E) ± z √((1 − O/n)/O)).
///
/// # Examples
/// ```
/// let ratio = eir_core::calibration::observed_expected(&[true, true, true, false], &[0.5; 4], 0.95)?;
/// assert_eq!(ratio.value, 1.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`in_the_large`], and [`Error::Undefined`] where every probability is 0.
///
/// # References
/// Debray et al. 2017, doi:10.1136/bmj.i6460.
pub fn observed_expected(labels: &[bool], probabilities: &[f64], level: f64) -> Result<Estimate, Error> {
    check_level(level)?;
    check_probabilities(labels, probabilities)?;
    check_scores(labels, probabilities)?;
    let (observed, expected) = (counts(labels)[0] as f64, probabilities.iter().sum::<f64>());
    if expected == 0.0 {
        return Err(Error::Undefined("observed over expected"));
    }
    let ratio = observed / expected;
    let half = normal_quantile(0.5 + level / 2.0) * ((1.0 - observed / labels.len() as f64) / observed).sqrt();
    let interval = [ratio * libm::exp(-half), ratio * libm::exp(half)];
    Ok(Estimate::new(ratio, interval, level, "log-normal", labels.len()))
}

/// Parameter `k` with its Wald interval; the optimum is that of the mean loss over `n` cases.
fn wald<const K: usize>(optimum: &Optimum<K>, k: usize, n: usize, level: f64) -> Result<Estimate, Error> {
    let inverse = optimum.inverse(k).ok_or(Error::Undefined("the interval of a calibration line"))?;
    let half = normal_quantile(0.5 + level / 2.0) * (inverse / n as f64).sqrt();
    Ok(Estimate::new(optimum.at[k], [optimum.at[k] - half, optimum.at[k] + half], level, "Wald", n))
}

#[cfg(test)]
mod tests {
    use super::super::{sigmoid, tests::simulated};
    use super::*;

    #[test]
    fn recovers_a_known_distortion() {
        let (labels, z) = simulated(20_000, 5, 2.0, 1.0); // z = 2 · truth + 1, so truth = (z − 1)/2
        let p: Vec<f64> = z.iter().map(|z| sigmoid(*z)).collect();
        let line = CalibrationLine::new(&labels, &p, 0.999).unwrap();
        assert!(line.slope.covers(0.5) && line.intercept.covers(-0.5), "{line:?}");
        assert!(in_the_large(&labels, &p, 0.95).unwrap().upper < 0.0);
        assert!(observed_expected(&labels, &p, 0.95).unwrap().upper < 1.0);
    }

    #[test]
    fn no_line_is_an_error() {
        let fit = |labels: &[bool], p: &[f64]| CalibrationLine::new(labels, p, 0.95);
        assert_eq!(fit(&[true, false], &[0.3, 0.3]), Err(Error::Undefined("calibration slope")));
        assert!(matches!(fit(&[false, false, true], &[0.1, 0.2, 1.0]), Err(Error::NoOptimum { .. })));
        assert!(matches!(fit(&[true, false, true], &[0.1, 0.2, 0.2]), Err(Error::NoOptimum { .. }))); // quasi
        assert_eq!(fit(&[true, true], &[0.3, 0.2]), Err(Error::OneClass));
        assert!(in_the_large(&[true, false], &[0.0, 1.0], 0.95).unwrap().covers(0.0));
        assert_eq!(
            observed_expected(&[true, false], &[0.0, 0.0], 0.95),
            Err(Error::Undefined("observed over expected"))
        );
    }
}
