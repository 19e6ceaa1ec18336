use super::isotonic::blocks;
use super::{Binning, counts, outcome};
use crate::Error;
use crate::metrics::brier;
use crate::metrics::check_probabilities;
use serde::{Deserialize, Serialize};

/// Murphy's decomposition of the Brier score over bins, with the term that makes the sum right.
///
/// **Use it** to say whether a score is bad because of calibration or because the model cannot tell cases apart. The
/// parts depend on the bins: [`Corp`] needs none.
///
/// # Formula
/// Brier = reliability − resolution + uncertainty + within-bin, with
/// Σ nₖ/n (p̄ₖ − ȳₖ)², Σ nₖ/n (ȳₖ − ȳ)², ȳ(1 − ȳ) and Σ nₖ/n (varₖ p − 2 covₖ(p, y)). The last is left out by most, and
/// then the sum is wrong unless all probabilities of a bin are equal.
///
/// # Examples
/// ```
/// use eir_core::calibration::{Binning, Murphy};
/// let parts = Murphy::new(&[true, false, true, true], &[0.2, 0.3, 0.8, 0.9], Binning::EqualWidth(2))?;
/// assert!((parts.reliability - 0.0425).abs() < 1e-12 && (parts.resolution - 0.0625).abs() < 1e-12);
/// assert!((parts.brier() - 0.195).abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with the formula on NumPy within 1e-10 on `reference/core/calibration.json`.
///
/// # References
/// Murphy 1973, doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2. Stephenson, Coelho, Jolliffe 2008,
/// doi:10.1175/2007WAF2006116.1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Murphy {
    /// How far the bins are from what happened: 0 is best.
    pub reliability: f64,
    /// How much the bins differ in what happened: larger is better.
    pub resolution: f64,
    /// What the outcome itself brings.
    pub uncertainty: f64,
    /// What is lost by putting unequal probabilities into one bin; may be below 0.
    pub within_bin: f64,
}

impl Murphy {
    /// The parts over the bins of `binning`.
    ///
    /// # Errors
    /// Lengths that differ, no case, a value that is no probability, or a number of bins out of range.
    pub fn new(labels: &[bool], probabilities: &[f64], binning: Binning) -> Result<Self, Error> {
        binning.validate()?;
        check_probabilities(labels, probabilities)?;
        let mut bins: Vec<Vec<usize>> = Vec::new();
        binning.assign(probabilities, |i, bin| {
            if bin >= bins.len() {
                bins.resize(bin + 1, Vec::new());
            }
            bins[bin].push(i);
        });
        let n = labels.len() as f64;
        let base = counts(labels)[0] as f64 / n;
        let mut parts = Self { reliability: 0.0, resolution: 0.0, uncertainty: base * (1.0 - base), within_bin: 0.0 };
        for bin in bins.iter().filter(|bin| !bin.is_empty()) {
            let mean = |of: &dyn Fn(usize) -> f64| bin.iter().map(|i| of(*i)).sum::<f64>() / bin.len() as f64;
            let p = mean(&|i| probabilities[i]);
            let y = mean(&|i| outcome(labels[i]));
            let within = mean(&|i| {
                let d = probabilities[i] - p;
                d * d - 2.0 * d * (outcome(labels[i]) - y)
            });
            let share = bin.len() as f64 / n;
            parts.reliability += share * (p - y).powi(2);
            parts.resolution += share * (y - base).powi(2);
            parts.within_bin += share * within;
        }
        Ok(parts)
    }

    /// The Brier score that the parts make.
    #[must_use]
    pub fn brier(&self) -> f64 {
        self.reliability - self.resolution + self.uncertainty + self.within_bin
    }
}

/// The CORP decomposition of the Brier score: no bins, but the rising curve that fits best.
///
/// **Use it** instead of [`Murphy`] with some hundred cases or more. With few the curve follows chance, and
/// miscalibration looks too large.
///
/// # Formula
/// Brier = miscalibration − discrimination + uncertainty, with S(p) − S(q), S(ȳ) − S(q) and S(ȳ), where S is the Brier
/// score and q the isotonic regression of the outcome on p.
///
/// # Examples
/// ```
/// use eir_core::calibration::Corp;
/// let parts = Corp::new(&[false, true, false, true], &[0.1, 0.4, 0.6, 0.9])?;
/// assert!((parts.miscalibration - 0.06).abs() < 1e-12 && (parts.discrimination - 0.125).abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with scikit-learn 1.9.1's isotonic regression within 1e-10 on `reference/core/calibration.json`.
///
/// # References
/// Dimitriadis, Gneiting, Jordan 2021, doi:10.1073/pnas.2016191118.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Corp {
    /// MCB: what recalibration would win, 0 or more.
    pub miscalibration: f64,
    /// DSC: what telling cases apart wins, 0 or more.
    pub discrimination: f64,
    /// UNC: the score of the base rate.
    pub uncertainty: f64,
}

impl Corp {
    /// The parts of the Brier score of these cases.
    ///
    /// # Errors
    /// Lengths that differ, no case, or a value that is no probability.
    pub fn new(labels: &[bool], probabilities: &[f64]) -> Result<Self, Error> {
        check_probabilities(labels, probabilities)?;
        let n = labels.len() as f64;
        // Σ (q − y)² of a block with value q = Σy/w is w q (1 − q)
        let best = blocks(labels, probabilities).iter().map(|b| b.sum * (1.0 - b.mean())).sum::<f64>() / n;
        let base = counts(labels)[0] as f64 / n;
        let uncertainty = base * (1.0 - base);
        let miscalibration = brier(labels, probabilities)? - best;
        Ok(Self { miscalibration, discrimination: uncertainty - best, uncertainty })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{sigmoid, tests::simulated};
    use super::*;

    #[test]
    fn parts_make_the_score_in_every_binning() {
        let (labels, z) = simulated(501, 9, 2.0, 0.3);
        let p: Vec<f64> = z.iter().map(|z| sigmoid(*z)).collect();
        let score = brier(&labels, &p).unwrap();
        for binning in [Binning::EqualWidth(9), Binning::EqualMass(9), Binning::Quantile(4), Binning::Torchmetrics(15)]
        {
            assert!((Murphy::new(&labels, &p, binning).unwrap().brier() - score).abs() < 1e-14);
        }
        let corp = Corp::new(&labels, &p).unwrap();
        assert!((corp.miscalibration - corp.discrimination + corp.uncertainty - score).abs() < 1e-14);
        assert!(corp.miscalibration > 0.0 && corp.discrimination > 0.0);
    }

    #[test]
    fn one_class_has_nothing_to_tell_apart() {
        let corp = Corp::new(&[true; 3], &[0.5, 0.6, 0.7]).unwrap();
        assert_eq!((corp.discrimination, corp.uncertainty), (0.0, 0.0));
    }
}
