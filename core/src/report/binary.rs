use super::{STABLE, figures, line, mean_of};
use crate::calibration::{
    Binning, CalibrationLine, IntegratedCalibration, Lowess, Reliability, Spiegelhalter, in_the_large,
    observed_expected,
};
use crate::decision::{DecisionCurve, DecisionPoint};
use crate::error::{Mismatch, Parameter};
use crate::estimate::check_level;
use crate::inference::{Bootstrap, BootstrapInterval, SamplingUnits, auroc_interval, wilson};
use crate::metrics::{OperatingPoint, RocCurve, check_probabilities};
use crate::order::rising;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most draws for the intervals of the calibration errors.
const ERROR_DRAWS: usize = 500;

/// The evaluation of a model that gives the probability of one outcome.
///
/// **Use it** on cases that model, calibration and threshold have not seen. Where patients have several rows, give
/// [`patients`](Self::evaluate_patients): intervals of rows would be far too short.
///
/// # Examples
/// ```
/// use eir_core::report::BinaryEvaluation;
/// let labels: Vec<bool> = (0..200).map(|i| i % 4 == 0 || i % 7 == 0).collect();
/// let p: Vec<f64> = (0..200).map(|i| if i % 4 == 0 { 0.7 } else { 0.2 } + f64::from(i % 10) / 100.0).collect();
/// let report = BinaryEvaluation::default().with_threshold(0.5).evaluate(&labels, &p)?;
/// assert!((report.auroc.value - 0.85).abs() < 0.005);
/// assert!(report.to_string().contains("AUROC 0.85 (95 % CI 0.77 to 0.91; DeLong"));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # References
/// Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7; Collins et al. 2024 (TRIPOD+AI), doi:10.1136/bmj-2023-078378.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BinaryEvaluation {
    /// Probability from which a case counts as positive; fixed beforehand (0.5).
    pub threshold: f64,
    /// Probabilities at which people would act, for the decision curve (0.05 to 0.5).
    pub decision_thresholds: Vec<f64>,
    /// Bins of the calibration curve (10 of equal size).
    pub binning: Binning,
    /// Draws, level and seed of the intervals that have no formula (2000, 0.95, 0).
    pub bootstrap: Bootstrap,
}

impl Default for BinaryEvaluation {
    fn default() -> Self {
        let decision_thresholds = (1..=10).map(|i| f64::from(i) / 20.0).collect();
        Self { threshold: 0.5, decision_thresholds, binning: Binning::Quantile(10), bootstrap: Bootstrap::default() }
    }
}

/// What an evaluation found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BinaryReport {
    /// Number of rows.
    pub rows: usize,
    /// Rows with the outcome.
    pub positives: usize,
    /// Number of patients, where rows were given theirs.
    pub patients: Option<usize>,
    /// Area under the ROC curve.
    pub auroc: Estimate,
    /// Average precision; compare with the share of positives.
    pub average_precision: Estimate,
    /// Brier score.
    pub brier: Estimate,
    /// 1 − Brier score over that of the base rate.
    pub brier_skill: f64,
    /// Whether probabilities are right.
    pub calibration: CalibrationSummary,
    /// What the threshold does.
    pub decisions: Decisions,
    /// Net benefit at the thresholds at which people would act.
    pub decision_curve: Vec<DecisionPoint>,
    /// The ROC curve.
    pub roc: Vec<OperatingPoint>,
    /// What a reader must know before quoting a number.
    pub warnings: Vec<String>,
}

/// Whether probabilities are right.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CalibrationSummary {
    /// Slope of the calibration line, 1 is right; none where it cannot be had (see the warnings).
    pub slope: Option<Estimate>,
    /// Intercept at slope 1, 0 is right.
    pub in_the_large: Option<Estimate>,
    /// Observed over expected outcomes, 1 is right.
    pub observed_expected: Option<Estimate>,
    /// Expected calibration error over the bins; it is above 0 for a perfect model too.
    pub ece: Estimate,
    /// Integrated calibration index: the mean distance from a smooth calibration curve.
    pub ici: Option<Estimate>,
    /// Distances from a smooth calibration curve.
    pub integrated: Option<IntegratedCalibration>,
    /// Spiegelhalter's test.
    pub spiegelhalter: Option<Spiegelhalter>,
    /// The curve with its number of cases per bin.
    pub curve: Reliability,
}

/// What a threshold does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Decisions {
    /// The threshold.
    pub threshold: f64,
    /// True positives, false positives, false negatives, true negatives.
    pub counts: [usize; 4],
    /// Share of the positives that are found; none without positives, and so on.
    pub sensitivity: Option<Estimate>,
    /// Share of the negatives that are left alone.
    pub specificity: Option<Estimate>,
    /// Share of the found that are positive.
    pub positive_predictive_value: Option<Estimate>,
    /// Share of those left alone that are negative.
    pub negative_predictive_value: Option<Estimate>,
    /// Share of right decisions.
    pub accuracy: Option<Estimate>,
}

impl BinaryEvaluation {
    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    /// Sets [`decision_thresholds`](Self::decision_thresholds).
    #[must_use]
    pub fn with_decision_thresholds(self, thresholds: &[f64]) -> Self {
        Self { decision_thresholds: thresholds.to_vec(), ..self }
    }

    /// Sets [`binning`](Self::binning).
    #[must_use]
    pub fn with_binning(self, binning: Binning) -> Self {
        Self { binning, ..self }
    }

    /// Sets [`bootstrap`](Self::bootstrap), and with it the level of all intervals.
    #[must_use]
    pub fn with_bootstrap(self, bootstrap: Bootstrap) -> Self {
        Self { bootstrap, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// The first that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(Parameter::new("threshold", self.threshold, "0 to 1").into());
        }
        self.binning.validate()?;
        check_level(self.bootstrap.level)?;
        self.bootstrap.validate()
    }

    /// Evaluates `probabilities` of rows that are each a patient.
    ///
    /// # Errors
    /// Settings out of range, lengths that differ, a value that is no probability, [`Error::OneClass`], fewer than two
    /// rows of a class.
    pub fn evaluate(&self, labels: &[bool], probabilities: &[f64]) -> Result<BinaryReport, Error> {
        self.make(labels, probabilities, None)
    }

    /// As [`evaluate`](Self::evaluate), for rows of which several can be one patient's: `patients` has a number for each.
    ///
    /// # Errors
    /// As `evaluate`, and unless there is a patient for each row.
    pub fn evaluate_patients(
        &self,
        labels: &[bool],
        probabilities: &[f64],
        patients: &[usize],
    ) -> Result<BinaryReport, Error> {
        Mismatch::check("patients", labels.len(), patients.len())?;
        let mut distinct = patients.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let ranks: Vec<usize> = patients.iter().map(|p| distinct.partition_point(|d| d < p)).collect();
        self.make(labels, probabilities, Some(&ranks))
    }

    fn make(&self, labels: &[bool], p: &[f64], patients: Option<&[usize]>) -> Result<BinaryReport, Error> {
        self.validate()?;
        check_probabilities(labels, p)?;
        let level = self.bootstrap.level;
        let positives = labels.iter().filter(|y| **y).count();
        let units = match patients {
            Some(patients) => SamplingUnits::patients_by_outcome(patients, labels)?,
            None => SamplingUnits::by_outcome(labels)?,
        };
        let auroc = match patients {
            Some(_) => self.bootstrap.auroc(labels, p, &units)?,
            None => auroc_interval(labels, p, level)?,
        };
        let precision = precision_of(labels, p);
        let percentiles = self.bootstrap.clone().with_interval(BootstrapInterval::Percentile);
        let squares: Vec<f64> = labels.iter().zip(p).map(|(y, p)| (f64::from(u8::from(*y)) - p).powi(2)).collect();
        let brier = mean_of(&squares, patients, level);
        let base = positives as f64 / labels.len() as f64;
        let mut warnings = Vec::new();
        let report = BinaryReport {
            rows: labels.len(),
            positives,
            patients: patients.map(|p| p.iter().max().map_or(0, |m| m + 1)),
            auroc,
            average_precision: percentiles.estimate(&units, precision)?,
            brier_skill: 1.0 - brier.value / (base * (1.0 - base)),
            brier,
            calibration: self.calibration(labels, p, &units, &mut warnings)?,
            decisions: self.decisions(labels, p, patients, &units)?,
            decision_curve: DecisionCurve::new(labels, p, &self.decision_thresholds)?.points().to_vec(),
            roc: RocCurve::new(labels, p)?.points().collect(),
            warnings,
        };
        Ok(report.with_warnings())
    }

    fn calibration(
        &self,
        labels: &[bool],
        p: &[f64],
        units: &SamplingUnits,
        warnings: &mut Vec<String>,
    ) -> Result<CalibrationSummary, Error> {
        let level = self.bootstrap.level;
        let mut had = |name: &str, outcome: Result<Estimate, Error>| {
            if outcome.is_err() {
                warnings.push(line(name, &outcome));
            }
            outcome.ok()
        };
        let curve = Reliability::new(labels, p, self.binning)?;
        // each draw sorts the rows: so many are enough for two quantiles
        let fewer = self.bootstrap.clone().with_replicates(self.bootstrap.replicates.min(ERROR_DRAWS));
        let lowess = Lowess::default();
        Ok(CalibrationSummary {
            slope: had("Calibration slope", CalibrationLine::new(labels, p, level).map(|l| l.slope)),
            in_the_large: had("Calibration in the large", in_the_large(labels, p, level)),
            observed_expected: had("Observed over expected", observed_expected(labels, p, level)),
            ece: Reliability::ece_interval(labels, p, self.binning, units, &fewer)?,
            ici: IntegratedCalibration::ici_interval(labels, p, &lowess, units, &fewer).ok(),
            integrated: IntegratedCalibration::new(labels, p, &lowess).ok(),
            spiegelhalter: Spiegelhalter::new(labels, p).ok(),
            curve,
        })
    }

    fn decisions(
        &self,
        labels: &[bool],
        p: &[f64],
        patients: Option<&[usize]>,
        units: &SamplingUnits,
    ) -> Result<Decisions, Error> {
        let found: Vec<bool> = p.iter().map(|p| *p >= self.threshold).collect();
        let is = |row: usize, label: bool, decision: bool| labels[row] == label && found[row] == decision;
        let count = |label, decision| (0..p.len()).filter(|row| is(*row, label, decision)).count();
        let [tp, fp, fn_, tn] = [count(true, true), count(false, true), count(true, false), count(false, false)];
        // a share of the rows for which `among` holds
        let share =
            |hits: usize, of: usize, among: &(dyn Fn(usize) -> bool + Sync)| -> Result<Option<Estimate>, Error> {
                if of == 0 {
                    return Ok(None);
                }
                if patients.is_none() {
                    return wilson(hits as u64, of as u64, self.bootstrap.level).map(Some);
                }
                let ratio = |rows: &[usize]| {
                    let (mut hit, mut all) = (0.0, 0.0);
                    for row in rows.iter().filter(|row| among(**row)) {
                        all += 1.0;
                        hit += f64::from(u8::from(labels[*row] == found[*row]));
                    }
                    hit / all
                };
                match self.bootstrap.estimate(units, ratio) {
                    Err(Error::NotFinite(_)) => Ok(None), // a draw without such rows
                    other => other.map(Some),
                }
            };
        Ok(Decisions {
            threshold: self.threshold,
            counts: [tp, fp, fn_, tn],
            sensitivity: share(tp, tp + fn_, &|r| labels[r])?,
            specificity: share(tn, tn + fp, &|r| !labels[r])?,
            positive_predictive_value: share(tp, tp + fp, &|r| found[r])?,
            negative_predictive_value: share(tn, tn + fn_, &|r| !found[r])?,
            accuracy: share(tp + tn, p.len(), &|_| true)?,
        })
    }
}

/// Average precision of drawn rows. Rows are sorted once; a draw only counts them, so that it takes O(n).
fn precision_of<'a>(labels: &'a [bool], p: &[f64]) -> impl Fn(&[usize]) -> f64 + Sync + Send + use<'a> {
    let mut order = rising(p);
    order.reverse();
    let (mut step_of, mut steps) = (vec![0; p.len()], 0);
    for step in order.chunk_by(|a, b| p[*a] == p[*b]) {
        step.iter().for_each(|row| step_of[*row] = steps);
        steps += 1;
    }
    move |rows| {
        let mut counts = vec![[0.0; 2]; steps];
        rows.iter().for_each(|row| counts[step_of[*row]][usize::from(labels[*row])] += 1.0);
        let (mut found, mut all, mut area) = (0.0, 0.0, 0.0);
        for [negatives, positives] in counts.into_iter().filter(|c| c[0] + c[1] > 0.0) {
            found += positives;
            all += negatives + positives;
            area += positives * found / all;
        }
        area / found
    }
}

impl BinaryReport {
    fn with_warnings(mut self) -> Self {
        let rare = self.positives.min(self.rows - self.positives);
        if rare < STABLE {
            let what = if rare == self.positives { "events" } else { "non-events" };
            self.warnings.push(format!("{rare} {what}: fewer than {STABLE}, calibration is a rough guess"));
        }
        if let Some(patients) = self.patients.filter(|p| *p < self.rows) {
            let note = "slope, intercept, observed over expected and net benefit take rows as units, and are too sure";
            self.warnings.push(format!("{} rows of {patients} patients: {note}", self.rows));
        }
        self
    }

    /// The ROC curve with its area, as SVG.
    #[must_use]
    pub fn roc_svg(&self) -> String {
        figures::roc(self)
    }

    /// The calibration curve with intervals and numbers of cases, as SVG.
    #[must_use]
    pub fn calibration_svg(&self) -> String {
        figures::calibration(self)
    }

    /// The decision curve, as SVG.
    #[must_use]
    pub fn decision_svg(&self) -> String {
        figures::decision(self)
    }

    /// All of it as JSON.
    #[cfg(feature = "protocol")]
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for BinaryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = 100.0 * self.positives as f64 / self.rows as f64;
        let patients = self.patients.map_or(String::new(), |p| format!(" of {p} patients"));
        writeln!(f, "{} rows{patients}, {} with the outcome ({share:.1} %)\n", self.rows, self.positives)?;
        writeln!(f, "Does the score rank well?\n  {}", self.auroc.sentence("AUROC"))?;
        writeln!(f, "  {}\n", self.average_precision.sentence("Average precision"))?;
        writeln!(
            f,
            "Is the probability right?\n  {}, skill {:.3}",
            self.brier.sentence("Brier score"),
            self.brier_skill
        )?;
        let calibration = &self.calibration;
        for (name, estimate) in [
            ("Calibration slope", &calibration.slope),
            ("Calibration in the large", &calibration.in_the_large),
            ("Observed over expected", &calibration.observed_expected),
        ] {
            if let Some(estimate) = estimate {
                writeln!(f, "  {}", estimate.sentence(name))?;
            }
        }
        let bins = format!("Calibration error over {} bins", calibration.curve.bins().len());
        writeln!(f, "  {}", calibration.ece.sentence(&bins))?;
        if let Some(ici) = &calibration.ici {
            writeln!(f, "  {}", ici.sentence("Distance from a smooth curve (ICI)"))?;
        }
        if let Some(smooth) = calibration.integrated {
            writeln!(f, "  90 % of the cases lie within {:.3} of it", smooth.e90)?;
        }
        let decisions = &self.decisions;
        writeln!(f, "\nWhat does the threshold {} do?", decisions.threshold)?;
        for (name, estimate) in [
            ("Sensitivity", &decisions.sensitivity),
            ("Specificity", &decisions.specificity),
            ("Positive predictive value", &decisions.positive_predictive_value),
            ("Negative predictive value", &decisions.negative_predictive_value),
            ("Accuracy", &decisions.accuracy),
        ] {
            match estimate {
                Some(estimate) => writeln!(f, "  {}", estimate.sentence(name))?,
                None => writeln!(f, "  {name}: no case to judge it by")?,
            }
        }
        writeln!(f, "\nIs it worth using? Net benefit, against treating all")?;
        for point in &self.decision_curve {
            writeln!(f, "  at {:.2}: {:+.4} against {:+.4}", point.threshold, point.net_benefit, point.treat_all)?;
        }
        if !self.warnings.is_empty() {
            writeln!(f, "\nBefore quoting")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "  {warning}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::logit;
    use crate::metrics::average_precision;
    use crate::random::Generator;

    /// Probabilities that are right, or too extreme by `factor`.
    fn cases(n: usize, factor: f64) -> (Vec<bool>, Vec<f64>) {
        let mut s = Generator::new(11, "cases").stream(0);
        let p: Vec<f64> = (0..n).map(|_| s.range(0.02, 0.98)).collect();
        let labels = p.iter().map(|p| s.chance(*p)).collect();
        (labels, p.iter().map(|p| 1.0 / (1.0 + (-factor * logit(*p)).exp())).collect())
    }

    #[test]
    fn true_values_lie_in_the_intervals() {
        let (labels, p) = cases(2000, 2.0);
        let report = BinaryEvaluation::default().evaluate(&labels, &p).unwrap();
        assert!(report.calibration.slope.as_ref().unwrap().covers(0.5), "{report}");
        let integrated = report.calibration.integrated.unwrap();
        assert_eq!(report.calibration.ici.as_ref().unwrap().value, integrated.ici);
        assert_eq!(report.calibration.ece.value, report.calibration.curve.ece());
        assert!(report.to_string().contains("(ICI) 0.") && report.calibration.ece.lower > 0.0, "{report}");
        assert!(report.calibration.in_the_large.is_some() && report.warnings.is_empty(), "{report}");
        let [tp, fp, fn_, tn] = report.decisions.counts;
        assert_eq!(tp + fp + fn_ + tn, 2000);
        assert!((report.average_precision.value - average_precision(&labels, &p).unwrap()).abs() < 1e-12);
        let sensitivity = report.decisions.sensitivity.as_ref().unwrap();
        assert_eq!(sensitivity.value, tp as f64 / (tp + fn_) as f64);
        for figure in [report.roc_svg(), report.calibration_svg(), report.decision_svg()] {
            assert!(figure.starts_with("<svg") && !figure.contains("NaN"));
        }
    }

    #[test]
    fn doubled_rows_of_a_patient_do_not_make_it_surer() {
        let (labels, p) = cases(150, 1.0);
        let twice = |x: &[bool]| [x, x].concat();
        let (labels2, p2) = (twice(&labels), [p.as_slice(), &p].concat());
        let patients: Vec<usize> = (0..150).chain(0..150).collect();
        let evaluation = BinaryEvaluation::default();
        let one = evaluation.evaluate(&labels, &p).unwrap();
        let two = evaluation.evaluate_patients(&labels2, &p2, &patients).unwrap();
        let rows = evaluation.evaluate(&labels2, &p2).unwrap();
        let width = |e: &Estimate| e.upper - e.lower;
        for (of, wide, narrow) in [
            (&one.auroc, &two.auroc, &rows.auroc),
            (&one.brier, &two.brier, &rows.brier),
            (
                &one.decisions.accuracy.clone().unwrap(),
                &two.decisions.accuracy.clone().unwrap(),
                &rows.decisions.accuracy.clone().unwrap(),
            ),
        ] {
            assert!((width(wide) / width(of) - 1.0).abs() < 0.15, "{wide} {of}");
            assert!(width(narrow) < 0.8 * width(of), "{narrow} {of}");
        }
        assert!(two.warnings.iter().any(|w| w.contains("150 patients")));
        // chance explains this error of 150 cases but not of 300: as rows its interval is another, not a narrower one
        let (one, two) = (&one.calibration.ece, &two.calibration.ece);
        assert!((width(two) / width(one) - 1.0).abs() < 0.15, "{two} {one}");
    }

    #[test]
    fn what_cannot_be_had_is_said() {
        let labels = [false, false, false, true, true, true];
        let report = BinaryEvaluation::default().evaluate(&labels, &[0.1, 0.2, 0.3, 0.6, 0.7, 0.8]).unwrap();
        assert!(report.calibration.slope.is_none());
        assert!(report.warnings.iter().any(|w| w.starts_with("Calibration slope: ")), "{:?}", report.warnings);
        assert!(report.auroc.lower < 1.0, "{}", report.auroc);
        assert!(BinaryEvaluation::default().evaluate(&[true; 3], &[0.5; 3]).is_err());
        assert!(BinaryEvaluation::default().with_threshold(2.0).evaluate(&labels, &[0.5; 6]).is_err());
    }
}
