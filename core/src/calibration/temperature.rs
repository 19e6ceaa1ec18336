use super::newton::{Local, minimise};
use super::{Calibrator, check_scores, sigmoid};
use crate::error::Parameter;
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Settings of a [`TemperatureCalibrator`]: there are none yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Temperature {}

impl Temperature {
    /// Fits the temperature of a two-class model to its logits on cases that it has not seen.
    ///
    /// # Errors
    /// Lengths that differ, a logit that is not finite, [`Error::OneClass`]; [`Error::NoOptimum`] where the best
    /// temperature is 0 (every logit has the right sign) or infinite (the logits tell no more than chance).
    pub fn fit(&self, labels: &[bool], logits: &[f64]) -> Result<TemperatureCalibrator, Error> {
        check_scores(labels, logits)?;
        let pairs: Vec<f64> = logits.iter().flat_map(|z| [0.0, *z]).collect();
        let classes: Vec<usize> = labels.iter().map(|y| usize::from(*y)).collect();
        self.fit_classes(&classes, Rows::new(&pairs, 2)?)
    }

    /// As [`fit`](Self::fit), for one column of logits per class.
    ///
    /// # Errors
    /// As `fit`; [`Error::Class`] for a label beyond the columns. Labels of one class alone are allowed.
    pub fn fit_classes(&self, labels: &[usize], logits: Rows<'_>) -> Result<TemperatureCalibrator, Error> {
        const WHAT: &str = "temperature";
        logits.check("labels", labels.len(), 1)?;
        let classes = logits.columns();
        if let Some(index) = labels.iter().position(|y| *y >= classes) {
            return Err(Error::Class { index, classes });
        }
        // the loss is convex in the inverse temperature, so its slopes at 0 and at infinity tell whether there is an optimum
        let mean = |row: &[f64]| row.iter().sum::<f64>() / classes as f64;
        let cases = || labels.iter().zip(logits).map(|(y, row)| (row, row[*y]));
        if cases().map(|(row, own)| mean(row) - own).sum::<f64>() >= 0.0 {
            return Err(Error::NoOptimum {
                what: WHAT,
                reason: "the logits tell no more than chance, so it is infinite",
            });
        }
        if cases().all(|(row, own)| largest(row) <= own) {
            return Err(Error::NoOptimum {
                what: WHAT,
                reason: "every logit is right, so it is 0: more cases are needed",
            });
        }
        let start = 1.0 / (1.0 + cases().map(|(row, _)| largest(row) - mean(row)).sum::<f64>() / labels.len() as f64);
        let optimum = minimise(WHAT, [start], [0.0], |inverse| loss(cases(), inverse[0]))?;
        Ok(TemperatureCalibrator { temperature: 1.0 / optimum.at[0] })
    }
}

fn largest(row: &[f64]) -> f64 {
    row.iter().fold(f64::NEG_INFINITY, |most, z| most.max(*z))
}

/// The mean of ln Σ exp(b z) − b z_y, over cases of (z, z_y).
fn loss<'a>(cases: impl Iterator<Item = (&'a [f64], f64)>, b: f64) -> Local<1> {
    let (mut n, mut loss, mut slope, mut curvature) = (0.0, 0.0, 0.0, 0.0);
    for (row, own) in cases {
        let most = largest(row);
        // moments of the distance below the largest logit: nothing overflows, and little cancels
        let [sum, first, second] = row.iter().map(|z| z - most).fold([0.0; 3], |[s, f, g], d| {
            let weight = libm::exp(b * d);
            [s + weight, f + weight * d, g + weight * d * d]
        });
        let mean = first / sum;
        loss += libm::log(sum) - b * (own - most);
        slope += mean - (own - most);
        curvature += second / sum - mean * mean;
        n += 1.0;
    }
    Local { loss: loss / n, gradient: [slope / n], hessian: [[curvature / n]] }
}

/// Temperature scaling: logits divided by one number, fitted by [`Temperature`].
///
/// **Use it** for neural networks, with two classes or more: it makes them less (or more) sure and never changes which
/// class is first. **Not** for a model that is too high or too low on the whole: that needs the shift of
/// [`Platt`](super::Platt).
///
/// # Formula
/// softmax(z/T), or 1/(1 + e^(−z/T)) of one logit; T minimises the mean cross-entropy (Newton's method in 1/T, where
/// the loss is convex, to a gradient below 1e-9).
///
/// # Examples
/// ```
/// use eir_core::calibration::{Calibrator, Temperature};
/// // three of four are right, and the best probability for them is 3/4
/// let fitted = Temperature::default().fit(&[true, true, true, false], &[4.0; 4])?;
/// assert!((fitted.probability(4.0) - 0.75).abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with SciPy 1.17.1's minimum of the same loss within 1e-6 on `reference/core/calibration.json`, for two and
/// for four classes.
///
/// # References
/// Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TemperatureCalibrator {
    /// The number T: above 1 where the model was too sure.
    pub temperature: f64,
}

impl TemperatureCalibrator {
    /// A temperature that is known already.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is finite and above 0.
    pub fn new(temperature: f64) -> Result<Self, Error> {
        if temperature > 0.0 && temperature.is_finite() {
            Ok(Self { temperature })
        } else {
            Err(Parameter::new("temperature", temperature, "finite and above 0").into())
        }
    }

    /// Probabilities of all classes, row after row, from their logits.
    #[must_use]
    pub fn predict_classes(&self, logits: Rows<'_>) -> Vec<f64> {
        let mut out = logits.values().to_vec();
        for row in out.chunks_exact_mut(logits.columns()) {
            let most = largest(row);
            row.iter_mut().for_each(|z| *z = libm::exp((*z - most) / self.temperature));
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|z| *z /= sum);
        }
        out
    }

    /// Mean cross-entropy of the cooled logits: what the temperature minimises.
    ///
    /// # Errors
    /// As [`Temperature::fit_classes`], but any labels will do.
    pub fn cross_entropy(&self, labels: &[usize], logits: Rows<'_>) -> Result<f64, Error> {
        logits.check("labels", labels.len(), 1)?;
        match labels.iter().position(|y| *y >= logits.columns()) {
            Some(index) => Err(Error::Class { index, classes: logits.columns() }),
            None => Ok(loss(labels.iter().zip(logits).map(|(y, row)| (row, row[*y])), 1.0 / self.temperature).loss),
        }
    }
}

impl Calibrator for TemperatureCalibrator {
    fn probability(&self, logit: f64) -> f64 {
        sigmoid(logit / self.temperature)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{outcome, tests::simulated};
    use super::*;

    #[test]
    fn gradient_vanishes() {
        for (seed, slope) in [(1, 1.0), (2, 50.0), (3, 0.02)] {
            let (labels, logits) = simulated(600, seed, slope, 0.0);
            let fitted = Temperature::default().fit(&labels, &logits).unwrap();
            let cases = labels.iter().zip(&logits);
            let gradient: f64 = cases.map(|(y, z)| (outcome(*y) - fitted.probability(*z)) * z).sum();
            assert!(gradient.abs() <= 1e-9, "{gradient}");
        }
    }

    #[test]
    fn two_classes_are_one_logit() {
        let (labels, logits) = simulated(100, 4, 2.0, 0.0);
        let fitted = Temperature::default().fit(&labels, &logits).unwrap();
        let pairs: Vec<f64> = logits.iter().flat_map(|z| [-0.5 * z, 0.5 * z]).collect();
        let both = fitted.predict_classes(Rows::new(&pairs, 2).unwrap());
        let one = fitted.predict(&logits).unwrap();
        assert!(one.iter().zip(both.chunks(2)).all(|(p, row)| (p - row[1]).abs() < 1e-15));
    }

    #[test]
    fn no_optimum_is_an_error() {
        let fit = |labels: &[bool], logits: &[f64]| Temperature::default().fit(labels, logits).unwrap_err().to_string();
        assert!(fit(&[true, false], &[1.0, -1.0]).contains("so it is 0"));
        assert!(fit(&[true, false], &[-1.0, 1.0]).contains("infinite"));
        assert!(fit(&[true, false], &[0.0, 0.0]).contains("infinite")); // constant p = 1/2
        let three = Temperature::default().fit_classes(&[3], Rows::new(&[0.0; 3], 3).unwrap());
        assert_eq!(three, Err(Error::Class { index: 0, classes: 3 }));
    }
}
