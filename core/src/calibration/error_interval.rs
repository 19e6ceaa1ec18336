//! Intervals of calibration errors, which chance makes larger: the error of a perfect model is above 0 in any sample.
//!
//! Neither the quantiles of bootstrap replicates nor their mirror image hold the true error as often as they say: a draw
//! adds noise of its own, and both shift where the gaps are small. Here a test is inverted instead. Were the true gaps δ,
//! the error of a sample would be T* = Σ w |δ + e| with the noise e of outcomes that are drawn anew. The interval holds
//! the errors Σ w |δ| whose T* agrees with the error that was found. What the gaps of another size would look like is not
//! known; three shapes are tried, each times a factor, and the interval is their hull: the gaps g that were found; the same
//! freed of their noise, sign(g) √(g² − v)⁺ with the variance v of e; and gaps as large as their noise, sign(g) √v.

use super::outcome;
use crate::error::Parameter;
use crate::inference::{Bootstrap, SamplingUnits};
use crate::metrics::sorted_quantile;
use crate::order::ascending;
use crate::random::Stream;
use crate::{Error, Estimate};

/// Most points at which gaps are taken.
const MOST_POINTS: usize = 1000;
/// Draws from which the variance of the noise is had.
const FIRST_DRAWS: usize = 200;
/// Halvings of the range in which an end lies.
const HALVINGS: usize = 30;

/// How the rows make the gaps of a calibration curve.
pub(super) struct Gaps<M> {
    /// Cell of each row.
    pub(super) cells: Vec<usize>,
    /// Point of each cell.
    pub(super) points: Vec<usize>,
    /// Share of the rows that each point stands for.
    pub(super) weights: Vec<f64>,
    /// Gap at each point, from the sum of outcome − probability in each cell.
    pub(super) map: M,
}

impl<M: Fn(&[f64]) -> Vec<f64> + Sync + Send> Gaps<M> {
    /// The interval of the mean absolute gap, whose value on all rows is `value`.
    pub(super) fn interval(
        &self,
        value: f64,
        labels: &[bool],
        probabilities: &[f64],
        units: &SamplingUnits,
        bootstrap: &Bootstrap,
    ) -> Result<Estimate, Error> {
        if self.weights.len() > MOST_POINTS {
            return Err(Parameter::new("bins", self.weights.len() as f64, "at most 1000 for an interval").into());
        }
        let found = self.of(labels.iter().zip(probabilities).map(|(y, p)| outcome(*y) - p));
        let inflation = self.design_effect(labels, probabilities, &found, units).sqrt();
        let noise = |shift: &[f64], purpose: &'static str, draws: usize| {
            let truth = self.shifted(probabilities, shift);
            let bootstrap = bootstrap.clone().with_replicates(draws);
            bootstrap.map_streams(purpose, || (), |(), stream| self.noise(&truth, inflation, stream))
        };
        let none = vec![0.0; found.len()];
        let first = noise(&none, "calibration noise", bootstrap.replicates.min(FIRST_DRAWS))?;
        let (mut freed, mut even) = (found.clone(), found.clone());
        for (k, (freed, even)) in freed.iter_mut().zip(&mut even).enumerate() {
            let variance = first.iter().map(|e| e[k] * e[k]).sum::<f64>() / first.len() as f64;
            *freed = freed.signum() * (*freed * *freed - variance).max(0.0).sqrt();
            *even = even.signum() * variance.sqrt();
        }
        let draws = noise(&freed, "calibration error", bootstrap.replicates)?;
        let tail = 0.5 - bootstrap.level / 2.0;
        let [mut lower, mut upper] = [value, value];
        for shape in [&found, &freed, &even] {
            let test = Test { weights: &self.weights, shape, draws: &draws, found: self.mean(&found) };
            if let Some([low, high]) = test.invert(tail) {
                lower = lower.min(low);
                upper = upper.max(high);
            }
        }
        let method = format!("inverted test, {} draws of outcomes, {}", bootstrap.replicates, units.name());
        Ok(Estimate::new(value, [lower, upper.min(1.0)], bootstrap.level, method, units.len()))
    }

    /// The gaps that residuals of the rows make.
    fn of(&self, residuals: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.points.len()];
        self.cells.iter().zip(residuals).for_each(|(cell, r)| sums[*cell] += r);
        (self.map)(&sums)
    }

    fn mean(&self, gaps: &[f64]) -> f64 {
        self.weights.iter().zip(gaps).map(|(w, g)| w * g.abs()).sum()
    }

    /// The probabilities with the gaps put right.
    fn shifted(&self, probabilities: &[f64], gaps: &[f64]) -> Vec<f64> {
        let put = |(p, cell): (&f64, &usize)| (p + gaps[self.points[*cell]]).clamp(0.0, 1.0);
        probabilities.iter().zip(&self.cells).map(put).collect()
    }

    /// The gaps that chance alone makes where the probabilities are the `truth`.
    fn noise(&self, truth: &[f64], inflation: f64, stream: &mut Stream) -> Vec<f64> {
        let mut gaps = self.of(truth.iter().map(|q| outcome(stream.chance(*q)) - q));
        gaps.iter_mut().for_each(|e| *e *= inflation);
        gaps
    }

    /// How much larger the variance is because rows of one unit are alike; 1 at least.
    fn design_effect(&self, labels: &[bool], probabilities: &[f64], gaps: &[f64], units: &SamplingUnits) -> f64 {
        let truth = self.shifted(probabilities, gaps);
        let residuals: Vec<f64> = labels.iter().zip(&truth).map(|(y, q)| outcome(*y) - q).collect();
        let of_unit = |unit: usize| units.members_of(unit).iter().map(|row| residuals[*row]).sum::<f64>();
        let between: f64 = (0..units.len()).map(|unit| of_unit(unit).powi(2)).sum();
        let within: f64 = residuals.iter().map(|r| r * r).sum();
        if within > 0.0 { (between / within).max(1.0) } else { 1.0 }
    }
}

/// The test of an error: of gaps of one `shape` and any size.
struct Test<'a> {
    weights: &'a [f64],
    shape: &'a [f64],
    draws: &'a [Vec<f64>],
    /// The error that was found.
    found: f64,
}

impl Test<'_> {
    /// The errors at which the one that was found has `tail` of the draws above it, and below it; none for a shape without
    /// gaps.
    fn invert(&self, tail: f64) -> Option<[f64; 2]> {
        if self.found <= 0.0 {
            // no gap: what such a sample can hide
            return Some([0.0, self.quantile(0.0, 1.0 - tail)]);
        }
        let size: f64 = self.weights.iter().zip(self.shape).map(|(w, d)| w * d.abs()).sum();
        if size <= 0.0 {
            return None;
        }
        let ends = [1.0 - tail, tail].map(|share| {
            if self.quantile(0.0, share) >= self.found {
                return 0.0;
            }
            let (mut low, mut high) = (0.0, 1.0);
            while self.quantile(high, share) < self.found && high * size < 1.0 {
                (low, high) = (high, 2.0 * high);
            }
            for _ in 0..HALVINGS {
                let middle = (low + high) / 2.0;
                if self.quantile(middle, share) < self.found {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            high * size
        });
        Some(ends)
    }

    /// Quantile of the error over the draws, for gaps of `factor` times the shape.
    fn quantile(&self, factor: f64, share: f64) -> f64 {
        let error = |noise: &Vec<f64>| -> f64 {
            let gaps = self.shape.iter().zip(noise).map(|(d, e)| (factor * d + e).abs());
            self.weights.iter().zip(gaps).map(|(w, gap)| w * gap).sum()
        };
        let mut errors: Vec<f64> = self.draws.iter().map(error).collect();
        ascending(&mut errors);
        sorted_quantile(&errors, share).unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::simulated;
    use super::super::{Binning, IntegratedCalibration, Lowess, Reliability, sigmoid};
    use super::*;

    fn case(seed: u64, n: usize, [slope, shift]: [f64; 2]) -> (Vec<bool>, Vec<f64>) {
        let (labels, z) = simulated(n, seed, slope, shift);
        (labels, z.into_iter().map(sigmoid).collect())
    }

    /// Over studies of 300 cases the intervals hold the error that the probabilities truly have: none, little, and much.
    #[test]
    fn intervals_hold_the_true_error() {
        const STUDIES: u64 = 80;
        let bootstrap = Bootstrap::default().with_replicates(300);
        let units = SamplingUnits::rows(300).unwrap();
        let fine = Lowess::default().with_delta(0.005);
        for (k, model) in [[1.0, 0.0], [1.0, 0.3], [3.0, 0.0], [0.5, 0.0]].into_iter().enumerate() {
            // of a perfect model 0; else that of so many cases that chance hardly counts
            let truth = if k == 0 {
                [0.0; 2]
            } else {
                let ((labels, p), (few, few_p)) = (case(1, 100_000, model), case(2, 20_000, model));
                let ece = Reliability::new(&labels, &p, Binning::Quantile(10)).unwrap().ece();
                [ece, IntegratedCalibration::new(&few, &few_p, &fine).unwrap().ici]
            };
            let mut held = [0; 2];
            for study in 0..STUDIES {
                let (labels, p) = case(100 + study, 300, model);
                let ece = Reliability::ece_interval(&labels, &p, Binning::Quantile(10), &units, &bootstrap).unwrap();
                let ici =
                    IntegratedCalibration::ici_interval(&labels, &p, &Lowess::default(), &units, &bootstrap).unwrap();
                for (held, (estimate, truth)) in held.iter_mut().zip([(ece, truth[0]), (ici, truth[1])]) {
                    assert!(estimate.covers(estimate.value) && estimate.lower >= 0.0 && estimate.upper <= 1.0);
                    *held += usize::from(estimate.covers(truth));
                }
            }
            println!("slope and shift {model:?}: {held:?} of {STUDIES} hold {truth:.3?}");
            assert!(held.iter().all(|held| *held >= 70), "{model:?}: {held:?}"); // 95 %: 76, standard deviation 2
        }
    }

    #[test]
    fn rows_of_a_patient_do_not_make_an_error_surer() {
        let (labels, p) = case(5, 200, [2.0, 0.5]);
        let (labels, p) = ([labels.as_slice(), &labels].concat(), [p.as_slice(), &p].concat());
        let patients: Vec<usize> = (0..200).chain(0..200).collect();
        let bootstrap = Bootstrap::default().with_replicates(300);
        let width = |units: &SamplingUnits| {
            let ece = Reliability::ece_interval(&labels, &p, Binning::EqualWidth(5), units, &bootstrap).unwrap();
            ece.upper - ece.lower
        };
        let (by_patient, by_row) =
            (width(&SamplingUnits::patients(&patients).unwrap()), width(&SamplingUnits::rows(400).unwrap()));
        assert!(by_patient > 1.2 * by_row, "{by_patient} {by_row}");
        let wrong = SamplingUnits::rows(9).unwrap();
        let off = Reliability::ece_interval(&labels, &p, Binning::EqualWidth(5), &wrong, &bootstrap);
        assert!(matches!(off, Err(Error::Mismatch(_))));
    }

    #[test]
    fn borders() {
        let bootstrap = Bootstrap::default().with_replicates(100);
        let units = SamplingUnits::rows(40).unwrap();
        let labels: Vec<bool> = (0..40).map(|i| i % 2 == 0).collect();
        let ece = |p: &[f64], binning| Reliability::ece_interval(&labels, p, binning, &units, &bootstrap);
        let certain: Vec<f64> = labels.iter().map(|y| outcome(*y)).collect();
        let right = ece(&certain, Binning::EqualWidth(10)).unwrap();
        assert_eq!((right.value, right.lower, right.upper), (0.0, 0.0, 0.0));
        let opposite: Vec<f64> = certain.iter().map(|p| 1.0 - p).collect();
        let wrong = ece(&opposite, Binning::EqualWidth(10)).unwrap();
        assert!(wrong.value == 1.0 && wrong.upper == 1.0 && wrong.lower > 0.9, "{wrong}");
        // no gap by chance: the interval still says what such a sample can hide
        let even = ece(&[0.5; 40], Binning::EqualWidth(1)).unwrap();
        assert!(even.value == 0.0 && even.lower == 0.0 && even.upper > 0.1, "{even}");
        let many = SamplingUnits::rows(3000).unwrap();
        let (labels, p) = case(6, 3000, [1.0, 0.0]);
        let each = Reliability::ece_interval(&labels, &p, Binning::EqualMass(3000), &many, &bootstrap);
        assert!(matches!(each, Err(Error::Parameter(_))));
        let two = SamplingUnits::rows(2).unwrap();
        let ici = |p: &[f64]| {
            IntegratedCalibration::ici_interval(&[true, false], p, &Lowess::default(), &two, &bootstrap).unwrap()
        };
        assert!(ici(&[0.5, 0.5]).upper <= 1.0 && ici(&[1.0, 0.0]).lower >= 0.0);
    }
}
