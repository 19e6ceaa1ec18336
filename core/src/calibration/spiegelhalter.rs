use super::outcome;
use crate::Error;
use crate::distribution::normal_sf;
use crate::metrics::check_probabilities;
use serde::{Deserialize, Serialize};

/// Spiegelhalter's test: is the Brier score what it would be if the probabilities were right?
///
/// **Use it** as a test of calibration that needs no groups. **Not** as a measure: with many cases a small distortion
/// is significant, with few a large one is not. It sees little where probabilities are near ½.
///
/// # Formula
/// z = Σ (y − p)(1 − 2p) / √Σ (1 − 2p)² p (1 − p), normal if the probabilities are right; two-sided p value.
///
/// # Examples
/// ```
/// let test = eir_core::calibration::Spiegelhalter::new(&[true, false, false, true], &[0.9, 0.1, 0.2, 0.7])?;
/// assert!((test.z + 0.8805).abs() < 1e-4 && (test.p - 0.3786).abs() < 1e-4);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with the formula on SciPy 1.17.1 within 1e-10 on `reference/core/calibration.json`.
///
/// # References
/// Spiegelhalter 1986, doi:10.1002/sim.4780050506.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spiegelhalter {
    /// The statistic: below 0 where the probabilities are too timid, above 0 where they are too extreme.
    pub z: f64,
    /// Two-sided p value.
    pub p: f64,
}

impl Spiegelhalter {
    /// The test on these cases.
    ///
    /// # Errors
    /// Lengths that differ, no case, a value that is no probability, [`Error::Undefined`] where every probability is
    /// 0, ½ or 1.
    pub fn new(labels: &[bool], probabilities: &[f64]) -> Result<Self, Error> {
        check_probabilities(labels, probabilities)?;
        let (mut sum, mut variance) = (0.0, 0.0);
        for (y, p) in labels.iter().zip(probabilities) {
            sum += (outcome(*y) - p) * (1.0 - 2.0 * p);
            variance += (1.0 - 2.0 * p).powi(2) * p * (1.0 - p);
        }
        if variance == 0.0 {
            return Err(Error::Undefined("Spiegelhalter's z"));
        }
        let z = sum / variance.sqrt();
        Ok(Self { z, p: 2.0 * normal_sf(z.abs()) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{sigmoid, tests::simulated};
    use super::*;

    #[test]
    fn normal_where_probabilities_are_right() {
        let z: Vec<f64> = (0..400)
            .map(|seed| {
                let (labels, logits) = simulated(200, seed, 1.0, 0.0);
                let p: Vec<f64> = logits.iter().map(|z| sigmoid(*z)).collect();
                Spiegelhalter::new(&labels, &p).unwrap().z
            })
            .collect();
        let mean = crate::metrics::mean(&z);
        let variance = z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 400.0;
        assert!(mean.abs() < 0.15 && (variance - 1.0).abs() < 0.25, "{mean} {variance}"); // 3 standard errors
    }

    #[test]
    fn undefined_is_an_error() {
        assert_eq!(Spiegelhalter::new(&[true, false], &[0.5, 1.0]), Err(Error::Undefined("Spiegelhalter's z")));
    }
}
