use super::error_interval::Gaps;
use super::{Lowess, outcome};
use crate::error::Mismatch;
use crate::inference::{Bootstrap, SamplingUnits};
use crate::metrics::check_probabilities;
use crate::metrics::{mean, sorted_quantile};
use crate::order::{ascending, rising};
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// Points at which the curve is taken for an interval.
const POINTS: usize = 128;
/// Groups of neighbouring cases whose outcomes are added up for it.
const GROUPS: usize = 1000;

/// How far the probabilities are from a smooth curve of what happened: ICI, E50, E90 and Emax.
///
/// **Use it** as the one number of calibration that needs no bins. **Not** with fewer than some 200 cases: the curve
/// then follows chance, and the numbers are too large.
///
/// # Formula
/// |f(pᵢ) − pᵢ| with f the [`Lowess`] curve of the outcomes: its mean (ICI), median, 90 % quantile and maximum.
///
/// # Examples
/// ```
/// use eir_core::calibration::{IntegratedCalibration, Lowess};
/// let p: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
/// let labels: Vec<bool> = (0..100).map(|i| i >= 50).collect();
/// let off = IntegratedCalibration::new(&labels, &p, &Lowess::default())?;
/// assert!((off.ici - 0.1454).abs() < 1e-4 && off.e50 <= off.e90 && off.e90 <= off.emax);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with statsmodels 0.15.0's curve and NumPy's quantiles within 1e-8 on `reference/core/calibration.json`.
///
/// # References
/// Austin, Steyerberg 2019, doi:10.1002/sim.8281.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IntegratedCalibration {
    /// Integrated calibration index: the mean distance.
    pub ici: f64,
    /// Median distance.
    pub e50: f64,
    /// 90 % quantile of the distance.
    pub e90: f64,
    /// Largest distance.
    pub emax: f64,
}

impl IntegratedCalibration {
    /// The distances from the curve that `lowess` draws.
    ///
    /// # Errors
    /// Lengths that differ, fewer than two cases, a value that is no probability, settings of the curve out of range.
    pub fn new(labels: &[bool], probabilities: &[f64], lowess: &Lowess) -> Result<Self, Error> {
        check_probabilities(labels, probabilities)?;
        let outcomes: Vec<f64> = labels.iter().map(|y| outcome(*y)).collect();
        let mut off = lowess.smooth(probabilities, &outcomes)?;
        off.iter_mut().zip(probabilities).for_each(|(f, p)| *f = (*f - p).abs());
        let ici = mean(&off);
        ascending(&mut off);
        let [e50, e90, emax] = [0.5, 0.9, 1.0].map(|q| sorted_quantile(&off, q).unwrap_or(f64::NAN)); // there are two at least
        Ok(Self { ici, e50, e90, emax })
    }

    /// The ICI of [`new`](Self::new) with an interval; of `bootstrap` its replicates, level and seed count.
    ///
    /// The interval is made as that of [`Reliability::ece_interval`](super::Reliability::ece_interval), with the gaps of the
    /// curve at 128 cases of evenly spaced rank; for more than 1000 cases, those of neighbouring rank count together. The
    /// value itself is not corrected for being above the truth by chance.
    ///
    /// ```
    /// use eir_core::calibration::{IntegratedCalibration, Lowess};
    /// use eir_core::inference::{Bootstrap, SamplingUnits};
    /// let p: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
    /// let labels: Vec<bool> = (0..100).map(|i| i >= 50).collect();
    /// let (units, bootstrap) = (SamplingUnits::rows(100)?, Bootstrap::default().with_replicates(200));
    /// let ici = IntegratedCalibration::ici_interval(&labels, &p, &Lowess::default(), &units, &bootstrap)?;
    /// assert!((ici.value - 0.1454).abs() < 1e-4 && ici.lower > 0.05 && ici.upper < 0.25);
    /// # Ok::<(), eir_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `new`; [`Error::Mismatch`] if `units` are of other rows, [`Error::Parameter`] for settings of the bootstrap.
    ///
    /// # Validation
    /// As of `Reliability::ece_interval`: in 98 % for a perfect model, and in 91 to 96 % for errors of 0.04 to 0.15.
    pub fn ici_interval(
        labels: &[bool],
        probabilities: &[f64],
        lowess: &Lowess,
        units: &SamplingUnits,
        bootstrap: &Bootstrap,
    ) -> Result<Estimate, Error> {
        let value = Self::new(labels, probabilities, lowess)?.ici;
        let n = labels.len();
        Mismatch::check("rows of the units", n, units.row_count())?;
        let order = rising(probabilities);
        let sorted: Vec<f64> = order.iter().map(|row| probabilities[*row]).collect();
        let (points, groups) = (n.min(POINTS), n.min(GROUPS));
        // the middle of each part of the ranks
        let knots: Vec<usize> = (0..points).map(|k| (2 * k + 1) * n / (2 * points)).collect();
        let group_of = |rank: usize| rank * groups / n;
        let mut sizes = vec![0.0; groups];
        (0..n).for_each(|rank| sizes[group_of(rank)] += 1.0);
        let shares: Vec<Vec<f64>> = lowess
            .shares(&sorted, &knots)
            .into_iter()
            .map(|(near, shares)| {
                let mut of_group = vec![0.0; groups];
                near.zip(shares).for_each(|(rank, share)| of_group[group_of(rank)] += share);
                of_group.iter_mut().zip(&sizes).for_each(|(share, size)| *share /= size);
                of_group
            })
            .collect();
        let mut cells = vec![0; n];
        order.iter().enumerate().for_each(|(rank, row)| cells[*row] = group_of(rank));
        let gaps = Gaps {
            cells,
            points: (0..groups).map(|g| g * points / groups).collect(),
            weights: vec![1.0 / points as f64; points],
            map: |sums: &[f64]| shares.iter().map(|s| s.iter().zip(sums).map(|(s, r)| s * r).sum()).collect(),
        };
        gaps.interval(value, labels, probabilities, units, bootstrap)
    }
}
