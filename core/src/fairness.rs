//! Does a model serve all groups alike? Its rates in each group, their gaps, and how sure these are.
//!
//! ```
//! use eir_core::fairness::{FairnessReport, Gap};
//! use eir_core::inference::Bootstrap;
//! let labels: Vec<bool> = (0..120).map(|i| i % 3 == 0).collect();
//! let probabilities: Vec<f64> = (0..120).map(|i| if i % 3 == 0 { 0.6 } else { f64::from(i % 7) / 10.0 }).collect();
//! let groups: Vec<usize> = (0..120).map(|i| usize::from(i % 5 == 0)).collect();
//! let report = FairnessReport::at_threshold(&labels, &probabilities, 0.5, &groups)?;
//! assert_eq!(report.groups()[1].counts.recall(Default::default()), 1.0);
//! assert_eq!(report.warnings(), ["group 1: n = 24 is below 30: not interpretable"]);
//! let gap = report.gap(Gap::EqualOpportunityDifference, &Bootstrap::default())?;
//! assert_eq!(gap.map(|g| g.value), Some(0.0));
//! # Ok::<(), eir_core::Error>(())
//! ```

use crate::calibration::{Binning, Reliability};
use crate::error::Mismatch;
use crate::inference::{Bootstrap, BootstrapDistribution, BootstrapInterval, SamplingUnits, auroc_interval, wilson};
use crate::metrics::{BinaryCounts, ZeroDivision, auroc, brier, check_probabilities};
use crate::{Error, Estimate};

/// Fewest items from which the numbers of a group are read.
const INTERPRETABLE: usize = 30;

/// How far apart two groups are at most, by one notion of fairness.
///
/// No model has all gaps at 0 where the groups differ in prevalence (Chouldechova 2017, doi:10.1089/big.2016.0047): choose
/// the one whose error harms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gap {
    /// Largest minus smallest selection rate.
    DemographicParityDifference,
    /// Smallest by largest selection rate; 1 is fair.
    DemographicParityRatio,
    /// Largest minus smallest true positive rate.
    EqualOpportunityDifference,
    /// The larger of the differences of the true and of the false positive rates.
    EqualisedOddsDifference,
    /// The smaller of the ratios of the true and of the false positive rates; 1 is fair.
    EqualisedOddsRatio,
    /// The mean of the differences of the true and of the false positive rates.
    EqualisedOddsMeanDifference,
    /// Largest minus smallest positive predictive value.
    PredictiveParityDifference,
    /// Largest minus smallest difference of mean probability and prevalence.
    CalibrationDifference,
}

impl Gap {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::DemographicParityDifference,
        Self::DemographicParityRatio,
        Self::EqualOpportunityDifference,
        Self::EqualisedOddsDifference,
        Self::EqualisedOddsRatio,
        Self::EqualisedOddsMeanDifference,
        Self::PredictiveParityDifference,
        Self::CalibrationDifference,
    ];

    /// The gap of groups; NaN where fewer than two have the rate.
    fn of(self, groups: &[Sums]) -> f64 {
        let range = |rate: fn(&Sums) -> f64| extremes(groups, rate).map_or(f64::NAN, |[low, high]| high - low);
        let ratio = |rate: fn(&Sums) -> f64| extremes(groups, rate).map_or(f64::NAN, |[low, high]| low / high);
        match self {
            Self::DemographicParityDifference => range(Sums::selection_rate),
            Self::DemographicParityRatio => ratio(Sums::selection_rate),
            Self::EqualOpportunityDifference => range(Sums::true_positive_rate),
            Self::EqualisedOddsDifference => larger(range(Sums::true_positive_rate), range(Sums::false_positive_rate)),
            Self::EqualisedOddsRatio => -larger(-ratio(Sums::true_positive_rate), -ratio(Sums::false_positive_rate)),
            Self::EqualisedOddsMeanDifference => {
                0.5 * (range(Sums::true_positive_rate) + range(Sums::false_positive_rate))
            }
            Self::PredictiveParityDifference => range(|s| s.counts.precision(ZeroDivision::Nan)),
            Self::CalibrationDifference => range(Sums::calibration_gap),
        }
    }
}

/// The larger; NaN if either is.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// The smallest and the largest rate of the groups that have it; none of fewer than two.
fn extremes(groups: &[Sums], rate: fn(&Sums) -> f64) -> Option<[f64; 2]> {
    let rates = || groups.iter().map(rate).filter(|v| !v.is_nan());
    let ends = [rates().fold(f64::INFINITY, f64::min), rates().fold(f64::NEG_INFINITY, f64::max)];
    (rates().count() >= 2).then_some(ends)
}

/// What the gaps need to know of a group.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    counts: BinaryCounts,
    probability: f64,
}

impl Sums {
    fn add(&mut self, label: bool, decision: bool, probability: f64) {
        let counts = &mut self.counts;
        let cell = match (label, decision) {
            (true, true) => &mut counts.true_positives,
            (false, true) => &mut counts.false_positives,
            (true, false) => &mut counts.false_negatives,
            (false, false) => &mut counts.true_negatives,
        };
        *cell += 1.0;
        self.probability += probability;
    }

    fn positives(&self) -> f64 {
        self.counts.true_positives + self.counts.false_negatives
    }

    fn selected(&self) -> f64 {
        self.counts.true_positives + self.counts.false_positives
    }

    fn n(&self) -> f64 {
        self.selected() + self.counts.false_negatives + self.counts.true_negatives
    }

    fn selection_rate(&self) -> f64 {
        self.selected() / self.n()
    }

    fn true_positive_rate(&self) -> f64 {
        self.counts.recall(ZeroDivision::Nan)
    }

    fn false_positive_rate(&self) -> f64 {
        let negatives = self.counts.false_positives + self.counts.true_negatives;
        self.counts.false_positives / negatives
    }

    fn calibration_gap(&self) -> f64 {
        (self.probability - self.positives()) / self.n()
    }
}

/// The numbers of one group; rates with Wilson's 95 % interval (or that of [drawn
/// patients](FairnessReport::with_patients)), and none where they are 0/0.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GroupReport {
    /// The group's number.
    pub group: usize,
    /// Number of items.
    pub n: usize,
    /// Items by outcome and decision.
    pub counts: BinaryCounts,
    /// Share of items that are positive.
    pub prevalence: Estimate,
    /// Share of items that are called positive.
    pub selection_rate: Estimate,
    /// Share of positives that are called so (sensitivity).
    pub true_positive_rate: Option<Estimate>,
    /// Share of negatives that are called positive (1 − specificity).
    pub false_positive_rate: Option<Estimate>,
    /// Share of positives among those called positive.
    pub positive_predictive_value: Option<Estimate>,
    /// Share of negatives among those called negative.
    pub negative_predictive_value: Option<Estimate>,
    /// Share of items that are called right.
    pub accuracy: Estimate,
    /// AUROC with DeLong's interval; [0, 1] where a class has one item or the score does not vary. None without both
    /// classes.
    pub auroc: Option<Estimate>,
    /// Brier score.
    pub brier: f64,
    /// Mean probability.
    pub mean_probability: f64,
    /// Mean probability − prevalence: above 0 where the risk is overstated.
    pub calibration_gap: f64,
    /// Expected calibration error in ten bins of equal width.
    pub expected_calibration_error: f64,
}

impl GroupReport {
    fn new(group: usize, labels: &[bool], probabilities: &[f64], sums: &Sums) -> Result<Self, Error> {
        let c = sums.counts;
        let share = |hits: f64, of: f64| wilson(hits as u64, of as u64, 0.95);
        let share_of_some = |hits: f64, of: f64| if of > 0.0 { share(hits, of).map(Some) } else { Ok(None) };
        let n = sums.n();
        let area = match auroc(labels, probabilities) {
            Err(Error::OneClass) => None,
            area => Some(match (auroc_interval(labels, probabilities, 0.95), area?) {
                (Ok(estimate), _) => estimate,
                (Err(_), area) => Estimate::new(area, [0.0, 1.0], 0.95, "no interval", labels.len()),
            }),
        };
        Ok(Self {
            group,
            n: labels.len(),
            counts: c,
            prevalence: share(sums.positives(), n)?,
            selection_rate: share(sums.selected(), n)?,
            true_positive_rate: share_of_some(c.true_positives, sums.positives())?,
            false_positive_rate: share_of_some(c.false_positives, c.false_positives + c.true_negatives)?,
            positive_predictive_value: share_of_some(c.true_positives, sums.selected())?,
            negative_predictive_value: share_of_some(c.true_negatives, c.true_negatives + c.false_negatives)?,
            accuracy: share(c.true_positives + c.true_negatives, n)?,
            auroc: area,
            brier: brier(labels, probabilities)?,
            mean_probability: sums.probability / n,
            calibration_gap: sums.calibration_gap(),
            expected_calibration_error: Reliability::new(labels, probabilities, Binning::EqualWidth(10))?.ece(),
        })
    }

    /// Gives the intervals of rates and AUROC anew, with patients as units.
    fn draw_patients(&mut self, items: &[Item], patients: &[usize], bootstrap: &Bootstrap) -> Result<(), Error> {
        let units = SamplingUnits::patients(patients)?;
        let labels: Vec<bool> = items.iter().map(|i| i.label).collect();
        let rate = |old: &mut Estimate, among: fn(&Item) -> bool, hit: fn(&Item) -> bool| -> Result<(), Error> {
            let share = |rows: &[usize]| {
                let among = rows.iter().map(|row| &items[*row]).filter(|i| among(i));
                let (hits, all) =
                    among.fold((0.0, 0.0), |(hits, all), i| (hits + f64::from(u8::from(hit(i))), all + 1.0));
                hits / all
            };
            if old.value == 0.0 || old.value == 1.0 {
                let mut with: Vec<usize> =
                    items.iter().zip(patients).filter(|(i, _)| among(i)).map(|(_, patient)| *patient).collect();
                with.sort_unstable();
                with.dedup();
                let hits = if old.value == 1.0 { with.len() } else { 0 };
                *old = wilson(hits as u64, with.len() as u64, bootstrap.level)?;
                old.method = "Wilson, patients".into();
                return Ok(());
            }
            // a draw may have no such row
            let mut draws = bootstrap.map_draws(&units, share)?;
            draws.retain(|share| !share.is_nan());
            let distribution = BootstrapDistribution::new(old.value, draws, Vec::new())?.of_units(&units);
            *old = distribution.interval(BootstrapInterval::Percentile, bootstrap.level)?;
            Ok(())
        };
        rate(&mut self.prevalence, |_| true, |i| i.label)?;
        rate(&mut self.selection_rate, |_| true, |i| i.decision)?;
        rate(&mut self.accuracy, |_| true, |i| i.label == i.decision)?;
        type Of = fn(&Item) -> bool;
        let some: [(&mut Option<Estimate>, Of, Of); 4] = [
            (&mut self.true_positive_rate, |i| i.label, |i| i.decision),
            (&mut self.false_positive_rate, |i| !i.label, |i| i.decision),
            (&mut self.positive_predictive_value, |i| i.decision, |i| i.label),
            (&mut self.negative_predictive_value, |i| !i.decision, |i| !i.label),
        ];
        for (old, among, hit) in some {
            if let Some(old) = old {
                rate(old, among, hit)?;
            }
        }
        if let Some(area) = &mut self.auroc {
            let scores: Vec<f64> = items.iter().map(|i| i.probability).collect();
            let units = SamplingUnits::patients_by_outcome(patients, &labels)?;
            *area = match bootstrap.auroc(&labels, &scores, &units) {
                Ok(estimate) => estimate,
                // patients with rows of both outcomes: a draw may lack one
                Err(_) => Estimate::new(area.value, [0.0, 1.0], bootstrap.level, "no interval", units.len()),
            };
        }
        Ok(())
    }

    /// What stands in the way of reading the group's numbers.
    fn warnings(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.n < INTERPRETABLE {
            all.push(format!("group {}: n = {} is below {INTERPRETABLE}: not interpretable", self.group, self.n));
        }
        let rates = [
            (&self.true_positive_rate, "no positives, so no true positive rate"),
            (&self.false_positive_rate, "no negatives, so no false positive rate"),
            (&self.positive_predictive_value, "none called positive, so no positive predictive value"),
            (&self.negative_predictive_value, "none called negative, so no negative predictive value"),
        ];
        all.extend(rates.iter().filter(|(r, _)| r.is_none()).map(|(_, why)| format!("group {}: {why}", self.group)));
        all
    }
}

/// The numbers of a model in each group of patients, and the gaps between the groups.
///
/// **Use it** on data that the model has not seen, for every grouping that matters (sex, age band, site, device). **Not**
/// to prove fairness: a wide interval says that the data cannot tell, and [`warnings`](Self::warnings) names what is too
/// small to read. Where patients have several rows, give them by [`with_patients`](Self::with_patients): intervals of rows
/// would be far too short.
///
/// # Formula
/// The rates are those of [`BinaryCounts`] in each group; the gaps are as [`Gap`] says, over the groups that have the rate.
/// Their intervals are percentiles of a bootstrap of rows, or patients, within the groups (of patients over all groups
/// where one has rows in several). A difference is never negative, so that its interval
/// seldom reaches 0 and does not test whether there is one.
///
/// # Examples
/// See [the module](self).
///
/// # Validation
/// Agrees with fairlearn 0.15.0 and scikit-learn 1.9.1 within 1e-12 on `reference/core/fairness.json`.
///
/// # References
/// Hardt, Price, Srebro 2016, arXiv:1610.02413.
#[derive(Debug, Clone, PartialEq)]
pub struct FairnessReport {
    groups: Vec<GroupReport>,
    items: Vec<Item>,
    /// The patient of each item.
    patients: Option<Vec<usize>>,
}

/// An item as the gaps see it; `group` is a position in the report's groups.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Item {
    label: bool,
    decision: bool,
    probability: f64,
    group: usize,
}

impl FairnessReport {
    /// The numbers of each group: `decisions` are the items that are called positive, `groups` any numbers.
    ///
    /// # Errors
    /// [`Error`] for different lengths, no items, or a probability outside 0 to 1.
    pub fn new(labels: &[bool], probabilities: &[f64], decisions: &[bool], groups: &[usize]) -> Result<Self, Error> {
        check_probabilities(labels, probabilities)?;
        Mismatch::check("decisions", labels.len(), decisions.len())?;
        Mismatch::check("groups", labels.len(), groups.len())?;
        let mut numbers = groups.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        let item = |i: usize| Item {
            label: labels[i],
            decision: decisions[i],
            probability: probabilities[i],
            group: numbers.partition_point(|g| *g < groups[i]),
        };
        let items: Vec<Item> = (0..labels.len()).map(item).collect();
        let sums = sums(items.iter(), numbers.len());
        let report = |(group, sums): (usize, &Sums)| {
            let rows = || items.iter().filter(|i| i.group == group);
            let labels: Vec<bool> = rows().map(|i| i.label).collect();
            let probabilities: Vec<f64> = rows().map(|i| i.probability).collect();
            GroupReport::new(numbers[group], &labels, &probabilities, sums)
        };
        let groups = sums.iter().enumerate().map(report).collect::<Result<_, _>>()?;
        Ok(Self { groups, items, patients: None })
    }

    /// As [`new`](Self::new), where an item is called positive if its probability is at least `threshold`.
    ///
    /// # Errors
    /// As `new`.
    pub fn at_threshold(
        labels: &[bool],
        probabilities: &[f64],
        threshold: f64,
        groups: &[usize],
    ) -> Result<Self, Error> {
        let decisions: Vec<bool> = probabilities.iter().map(|p| *p >= threshold).collect();
        Self::new(labels, probabilities, &decisions, groups)
    }

    /// The same numbers with intervals that take patients as units: `patients` has a number for each row, the numbers of
    /// the groups keep their level of 95 %, and of `bootstrap` its replicates and seed count.
    ///
    /// The intervals of rates and AUROC are then of draws of the group's patients. A rate of 0 or 1 varies in no draw: it
    /// has Wilson's interval of as many patients as have such rows.
    ///
    /// ```
    /// use eir_core::fairness::FairnessReport;
    /// use eir_core::inference::Bootstrap;
    /// let labels: Vec<bool> = (0..160).map(|i| i % 3 == 0).collect();
    /// let p: Vec<f64> = (0..160).map(|i| f64::from(i % 7) / 7.0).collect();
    /// let (patients, groups): (Vec<usize>, Vec<usize>) = (0..160).map(|i| (i / 4, i / 80)).unzip();
    /// let report = FairnessReport::at_threshold(&labels, &p, 0.5, &groups)?;
    /// let report = report.with_patients(&patients, &Bootstrap::default())?;
    /// assert_eq!(report.groups()[0].selection_rate.n, 20); // patients
    /// # Ok::<(), eir_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless there is a patient for each row, [`Error::Parameter`] for a setting of the bootstrap out
    /// of range, [`Error::TooShort`] for a group of one patient.
    pub fn with_patients(mut self, patients: &[usize], bootstrap: &Bootstrap) -> Result<Self, Error> {
        Mismatch::check("patients", self.items.len(), patients.len())?;
        let bootstrap = bootstrap.clone().with_level(0.95);
        for (number, group) in self.groups.iter_mut().enumerate() {
            let rows = (0..self.items.len()).filter(|row| self.items[*row].group == number);
            let (items, patients): (Vec<Item>, Vec<usize>) = rows.map(|row| (self.items[row], patients[row])).unzip();
            group.draw_patients(&items, &patients, &bootstrap)?;
        }
        self.patients = Some(patients.to_vec());
        Ok(self)
    }

    /// The groups by their number.
    #[must_use]
    pub fn groups(&self) -> &[GroupReport] {
        &self.groups
    }

    /// What cannot be read, group by group: fewer than 30 items, a rate that is 0/0.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.groups.iter().flat_map(GroupReport::warnings).collect()
    }

    /// One gap with its interval; none where fewer than two groups have the rate.
    ///
    /// # Errors
    /// As [`gaps`](Self::gaps).
    pub fn gap(&self, gap: Gap, bootstrap: &Bootstrap) -> Result<Option<Estimate>, Error> {
        Ok(self.gaps(bootstrap)?.into_iter().find(|(g, _)| *g == gap).map(|(_, estimate)| estimate))
    }

    /// The gaps with their percentile intervals (of `bootstrap` its replicates, level and seed count); without those whose
    /// rate fewer than two groups have. A replicate in which that is so is left out, and the method says how many remain.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting of the bootstrap out of range, [`Error::TooShort`] for one item only.
    pub fn gaps(&self, bootstrap: &Bootstrap) -> Result<Vec<(Gap, Estimate)>, Error> {
        let strata: Vec<usize> = self.items.iter().map(|i| i.group).collect();
        let units = match &self.patients {
            Some(patients) => SamplingUnits::patients(patients)?,
            None => SamplingUnits::rows(self.items.len())?,
        };
        // patients with rows in several groups are drawn over all groups
        let (units, within) = match units.stratified(&strata) {
            Ok(within) => (within, " within groups"),
            Err(_) => (units, ""),
        };
        let all = |sums: Vec<Sums>| Gap::ALL.map(|gap| gap.of(&sums));
        let observed = all(sums(self.items.iter(), self.groups.len()));
        let draws = bootstrap
            .map_draws(&units, |rows| all(sums(rows.iter().map(|row| &self.items[*row]), self.groups.len())))?;
        let mut gaps = Vec::new();
        for (k, (gap, value)) in Gap::ALL.into_iter().zip(observed).enumerate() {
            let replicates: Vec<f64> = draws.iter().map(|d| d[k]).filter(|v| !v.is_nan()).collect();
            if value.is_nan() || replicates.len() < 2 {
                continue;
            }
            let distribution = BootstrapDistribution::new(value, replicates, Vec::new())?.of_units(&units);
            let mut estimate = distribution.interval(BootstrapInterval::Percentile, bootstrap.level)?;
            estimate.method = format!("{}{within}", estimate.method).into();
            gaps.push((gap, estimate));
        }
        Ok(gaps)
    }
}

fn sums<'a>(items: impl Iterator<Item = &'a Item>, groups: usize) -> Vec<Sums> {
    let mut sums = vec![Sums::default(); groups];
    items.for_each(|i| sums[i.group].add(i.label, i.decision, i.probability));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_groups() -> FairnessReport {
        let labels: Vec<bool> = (0..80).map(|i| i % 2 == 0).collect();
        let probabilities: Vec<f64> = (0..80).map(|i| if i % 2 == 0 { 0.7 } else { f64::from(i % 9) / 10.0 }).collect();
        let groups: Vec<usize> = (0..80).map(|i| if i < 40 { 7 } else { 3 }).collect();
        FairnessReport::at_threshold(&labels, &probabilities, 0.5, &groups).unwrap()
    }

    #[test]
    fn gaps_hold_their_value_and_repeat() {
        let report = two_groups();
        assert_eq!(report.groups().iter().map(|g| (g.group, g.n)).collect::<Vec<_>>(), [(3, 40), (7, 40)]);
        let gaps = report.gaps(&Bootstrap::default().with_replicates(400)).unwrap();
        assert_eq!(gaps.len(), Gap::ALL.len());
        assert_eq!(gaps, report.gaps(&Bootstrap::default().with_replicates(400)).unwrap());
        let (_, parity) = &gaps[0];
        let rates = report.groups().iter().map(|g| g.selection_rate.value).collect::<Vec<_>>();
        assert!((parity.value - (rates[0] - rates[1]).abs()).abs() < 1e-15 && parity.lower <= parity.upper);
        assert_eq!(parity.method, "percentile bootstrap, 400 draws of rows within groups");
        assert!(report.warnings().is_empty());
    }

    #[test]
    fn rates_that_are_not_there_are_named_and_left_out() {
        let labels = [true, true, false, false];
        let report =
            FairnessReport::new(&labels, &[0.9, 0.8, 0.2, 0.1], &[true, true, false, false], &[0, 0, 1, 1]).unwrap();
        assert!(report.groups()[1].true_positive_rate.is_none() && report.groups()[1].auroc.is_none());
        assert_eq!(report.warnings().len(), 2 + 2 + 2); // n, and two rates each
        let gaps = report.gaps(&Bootstrap::default().with_replicates(50)).unwrap();
        assert!(gaps.iter().all(|(gap, _)| *gap != Gap::EqualisedOddsRatio && *gap != Gap::PredictiveParityDifference));
        assert!(gaps.iter().any(|(gap, e)| *gap == Gap::DemographicParityDifference && e.value == 1.0));
    }

    /// Four copies of each row as one patient's: the intervals are those of the rows once.
    #[test]
    fn rows_of_a_patient_do_not_make_it_surer() {
        let once = two_groups();
        let of = |f: fn(&Item) -> usize| once.items.iter().flat_map(|i| [f(i); 4]).collect::<Vec<usize>>();
        let labels: Vec<bool> = once.items.iter().flat_map(|i| [i.label; 4]).collect();
        let p: Vec<f64> = once.items.iter().flat_map(|i| [i.probability; 4]).collect();
        let (groups, patients) = (of(|i| i.group), (0..320).map(|row| row / 4).collect::<Vec<_>>());
        let bootstrap = Bootstrap::default().with_replicates(400);
        let rows = FairnessReport::at_threshold(&labels, &p, 0.5, &groups).unwrap();
        let by_patient = rows.clone().with_patients(&patients, &bootstrap).unwrap();
        let width = |e: &Estimate| e.upper - e.lower;
        let gap = |report: &FairnessReport| report.gap(Gap::DemographicParityDifference, &bootstrap).unwrap().unwrap();
        assert!((width(&gap(&by_patient)) / width(&gap(&once)) - 1.0).abs() < 0.25);
        assert!(width(&gap(&rows)) < 0.7 * width(&gap(&by_patient)));
        assert_eq!(gap(&by_patient).n, 80);
        assert_eq!(gap(&by_patient).method, "percentile bootstrap, 400 draws of patients within groups");
        for ((drawn, row), one) in by_patient.groups().iter().zip(rows.groups()).zip(once.groups()) {
            assert_eq!((drawn.accuracy.value, drawn.accuracy.n), (row.accuracy.value, 40));
            assert!((width(&drawn.accuracy) / width(&one.accuracy) - 1.0).abs() < 0.25);
            // all positives are found: Wilson of 20 patients, not of 80 rows
            assert_eq!(
                drawn.true_positive_rate.as_ref().map(|e| e.lower),
                one.true_positive_rate.as_ref().map(|e| e.lower)
            );
            assert_eq!(drawn.auroc.as_ref().map(|e| e.n), Some(40));
        }
        // one patient in both groups: drawn over all groups
        let mut mixed = patients.clone();
        mixed[319] = 0;
        let mixed = rows.clone().with_patients(&mixed, &bootstrap).unwrap();
        assert_eq!(gap(&mixed).method, "percentile bootstrap, 400 draws of patients");
        assert!(matches!(rows.with_patients(&[0], &bootstrap), Err(Error::Mismatch(_))));
    }

    #[test]
    fn refuses_what_does_not_belong_together() {
        assert!(matches!(FairnessReport::new(&[true], &[0.5], &[true], &[]), Err(Error::Mismatch(_))));
        assert!(matches!(FairnessReport::new(&[], &[], &[], &[]), Err(Error::TooShort(_))));
        assert!(matches!(FairnessReport::new(&[true], &[f64::NAN], &[true], &[0]), Err(Error::OutOfRange(_))));
        // one item of a class: an area, but no interval
        let y = [true, false, false];
        let report = FairnessReport::at_threshold(&y, &[0.5, 0.2, 0.7], 0.5, &[0; 3]).unwrap();
        let area = report.groups()[0].auroc.clone().unwrap();
        assert_eq!((area.value, area.lower, area.upper), (0.5, 0.0, 1.0));
    }
}
