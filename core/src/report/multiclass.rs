use super::mean_of;
use crate::calibration::{Binning, Reliability};
use crate::error::{Mismatch, TooShort};
use crate::estimate::check_level;
use crate::inference::{auroc_interval, cohen_kappa, wilson};
use crate::metrics::{ClassProbabilities, Confusion, KappaWeights, ZeroDivision};
use crate::svg::{Anchor, Colour, Svg};
use crate::{Error, Estimate, Rows};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The evaluation of a model that gives a probability for each of several classes; the largest decides, the first of
/// equals.
///
/// **Use it** on cases that the model has not seen, each of another patient. Macro means take every class alike, however
/// rare: read them with the number of cases beside each class.
///
/// # Examples
/// ```
/// use eir_core::Rows;
/// use eir_core::report::MulticlassEvaluation;
/// let p = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.2, 0.2, 0.6, 0.4, 0.5, 0.1];
/// let report = MulticlassEvaluation::new(&["sinus", "AF", "flutter"]).evaluate(&[0, 1, 2, 0], Rows::new(&p, 3)?)?;
/// assert_eq!(report.accuracy.value, 0.75);
/// assert_eq!(report.confusion[0], [1, 1, 0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MulticlassEvaluation {
    /// Names of the classes, in the order of the columns.
    pub classes: Vec<String>,
    /// How disagreements count in kappa (unweighted).
    pub kappa: KappaWeights,
    /// Bins of the calibration of the largest probability (10 of equal size).
    pub binning: Binning,
    /// Level of the intervals (0.95).
    pub level: f64,
}

/// What an evaluation of several classes found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MulticlassReport {
    /// Number of cases.
    pub n: usize,
    /// Share of right decisions.
    pub accuracy: Estimate,
    /// Mean sensitivity over the classes that occur.
    pub balanced_accuracy: f64,
    /// Mean F1 over the classes that occur or are given.
    pub macro_f1: f64,
    /// Agreement beyond chance; none where it is 0/0.
    pub kappa: Option<Estimate>,
    /// Brier score: the sum over the classes, 0 to 2.
    pub brier: Estimate,
    /// Mean of −ln of the probability of the true class.
    pub log_loss: f64,
    /// Mean of the AUROC of each class against the rest; none where a class does not occur.
    pub macro_auroc: Option<f64>,
    /// Calibration of the largest probability, with the number of cases per bin.
    pub top_label: Reliability,
    /// Each class.
    pub classes: Vec<ClassSummary>,
    /// Cases by true class (row) and decision (column).
    pub confusion: Vec<Vec<usize>>,
    /// What a reader must know before quoting a number.
    pub warnings: Vec<String>,
}

/// One class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClassSummary {
    /// Its name.
    pub name: String,
    /// Number of its cases.
    pub n: usize,
    /// Share of its cases that are found; none without cases.
    pub sensitivity: Option<Estimate>,
    /// Share of the cases given this class that are of it; none if none was.
    pub precision: Option<Estimate>,
    /// Area under the ROC curve of its probability; none where it cannot be had.
    pub auroc: Option<Estimate>,
}

impl MulticlassEvaluation {
    /// Fewest cases of a class that say anything about it.
    const FEW: usize = 30;

    /// Of classes with these names, in the order of the columns.
    #[must_use]
    pub fn new(classes: &[&str]) -> Self {
        let classes = classes.iter().map(|c| (*c).to_owned()).collect();
        Self { classes, kappa: KappaWeights::Unweighted, binning: Binning::Quantile(10), level: 0.95 }
    }

    /// Sets [`kappa`](Self::kappa).
    #[must_use]
    pub fn with_kappa(self, kappa: KappaWeights) -> Self {
        Self { kappa, ..self }
    }

    /// Sets [`binning`](Self::binning).
    #[must_use]
    pub fn with_binning(self, binning: Binning) -> Self {
        Self { binning, ..self }
    }

    /// Sets [`level`](Self::level).
    #[must_use]
    pub fn with_level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Evaluates probabilities, one row per case and one column per class.
    ///
    /// # Errors
    /// Fewer than two classes, another number of columns or labels, a label beyond the classes, a value that is no
    /// probability, rows that do not sum to 1, a level outside 0 to 1.
    pub fn evaluate(&self, labels: &[usize], probabilities: Rows<'_>) -> Result<MulticlassReport, Error> {
        check_level(self.level)?;
        let k = self.classes.len();
        if k < 2 {
            return Err(TooShort::new("classes", k, 2).into());
        }
        Mismatch::check("columns", k, probabilities.columns())?;
        let judged = ClassProbabilities::new(labels, probabilities)?;
        let top = |row: &[f64]| (1..k).fold(0, |best, c| if row[c] > row[best] { c } else { best });
        let decided: Vec<usize> = probabilities.iter().map(top).collect();
        let confusion = Confusion::new(labels, &decided, k)?;
        let count = |t: usize, d: usize| confusion.count_of(t, d) as usize; // whole numbers: there are no weights
        let table: Vec<Vec<usize>> = (0..k).map(|t| (0..k).map(|d| count(t, d)).collect()).collect();
        let cells: Vec<u64> = table.iter().flatten().map(|c| *c as u64).collect();
        let right = (0..k).map(|c| table[c][c]).sum::<usize>();
        let squares = |(row, y): (&[f64], &usize)| {
            row.iter().enumerate().map(|(c, p)| (p - f64::from(u8::from(c == *y))).powi(2)).sum()
        };
        let squares: Vec<f64> = probabilities.iter().zip(labels).map(squares).collect();
        let classes = (0..k).map(|c| self.class(c, labels, probabilities, &table)).collect::<Result<Vec<_>, _>>()?;
        let aurocs: Option<Vec<f64>> = classes.iter().map(|c| c.auroc.as_ref().map(|a| a.value)).collect();
        let few = classes.iter().filter(|c| c.n < Self::FEW);
        Ok(MulticlassReport {
            n: labels.len(),
            accuracy: wilson(right as u64, labels.len() as u64, self.level)?,
            balanced_accuracy: confusion.balanced_accuracy(),
            macro_f1: confusion.macro_mean(|c| confusion.f_beta(c, 1.0, ZeroDivision::Nan)),
            kappa: cohen_kappa(&cells, k, self.kappa, self.level).ok().map(|kappa| kappa.estimate),
            brier: mean_of(&squares, None, self.level),
            log_loss: judged.log_loss(),
            macro_auroc: aurocs.map(|a| a.iter().sum::<f64>() / k as f64),
            top_label: Reliability::top_label(labels, probabilities, self.binning)?,
            warnings: few.map(|c| format!("{}: {} cases, fewer than {}", c.name, c.n, Self::FEW)).collect(),
            classes,
            confusion: table,
        })
    }

    fn class(
        &self,
        class: usize,
        labels: &[usize],
        probabilities: Rows<'_>,
        table: &[Vec<usize>],
    ) -> Result<ClassSummary, Error> {
        let own: Vec<bool> = labels.iter().map(|y| *y == class).collect();
        let scores: Vec<f64> = probabilities.iter().map(|row| row[class]).collect();
        let n = table[class].iter().sum::<usize>();
        let given = table.iter().map(|row| row[class]).sum::<usize>();
        let share = |of: usize| (of > 0).then(|| wilson(table[class][class] as u64, of as u64, self.level)).transpose();
        Ok(ClassSummary {
            name: self.classes[class].clone(),
            n,
            sensitivity: share(n)?,
            precision: share(given)?,
            auroc: auroc_interval(&own, &scores, self.level).ok(),
        })
    }
}

impl MulticlassReport {
    /// The table of true classes and decisions, shaded by the share of each true class, as SVG.
    #[must_use]
    pub fn confusion_svg(&self) -> String {
        let (cell, left, top) = (56.0, 110.0, 60.0);
        let side = cell * self.classes.len() as f64;
        let text = format!("{} of {} cases decided right", self.confusion_right(), self.n);
        let mut svg = Svg::new(left + side + 12.0, top + side + 12.0, "True class and decision", &text);
        svg.text(left + 0.5 * side, 20.0, Anchor::Middle, 12.0, Colour::Ink, "decision");
        svg.text(left - 8.0, 20.0, Anchor::End, 12.0, Colour::Ink, "true class");
        for (t, (class, row)) in self.classes.iter().zip(&self.confusion).enumerate() {
            let at = |place: usize, from: f64| from + cell * place as f64;
            let name = &class.name;
            svg.text(at(t, left) + 0.5 * cell, top - 10.0, Anchor::Middle, 11.0, Colour::Muted, name);
            svg.text(left - 8.0, at(t, top) + 0.5 * cell + 4.0, Anchor::End, 11.0, Colour::Muted, name);
            for (d, count) in row.iter().enumerate() {
                let colour = if t == d { Colour::Good } else { Colour::Bad };
                let share = *count as f64 / class.n.max(1) as f64;
                svg.rect(at(d, left) + 1.0, at(t, top) + 1.0, cell - 2.0, cell - 2.0, colour, 0.08 + 0.5 * share);
                let (x, y) = (at(d, left) + 0.5 * cell, at(t, top) + 0.5 * cell + 4.0);
                svg.text(x, y, Anchor::Middle, 13.0, Colour::Ink, &count.to_string());
            }
        }
        svg.finish()
    }

    fn confusion_right(&self) -> usize {
        self.confusion.iter().enumerate().map(|(c, row)| row[c]).sum()
    }

    /// All of it as JSON.
    #[cfg(feature = "protocol")]
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for MulticlassReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cases of {} classes\n", self.n, self.classes.len())?;
        writeln!(f, "  {}", self.accuracy.sentence("Accuracy"))?;
        writeln!(f, "  Balanced accuracy {:.3}, macro F1 {:.3}", self.balanced_accuracy, self.macro_f1)?;
        if let Some(kappa) = &self.kappa {
            writeln!(f, "  {}", kappa.sentence("Cohen's kappa"))?;
        }
        if let Some(auroc) = self.macro_auroc {
            writeln!(f, "  Macro AUROC {auroc:.3}")?;
        }
        writeln!(f, "  {}, log loss {:.3}", self.brier.sentence("Brier score"), self.log_loss)?;
        writeln!(f, "  Calibration error of the largest probability: {:.3}", self.top_label.ece())?;
        for class in &self.classes {
            writeln!(f, "\n{} ({} cases)", class.name, class.n)?;
            for (name, estimate) in
                [("Sensitivity", &class.sensitivity), ("Precision", &class.precision), ("AUROC", &class.auroc)]
            {
                match estimate {
                    Some(estimate) => writeln!(f, "  {}", estimate.sentence(name))?,
                    None => writeln!(f, "  {name}: no case to judge it by")?,
                }
            }
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
    use crate::random::Generator;

    #[test]
    fn a_class_that_never_occurs_is_said() {
        let mut s = Generator::new(3, "cases").stream(0);
        let labels: Vec<usize> = (0..300).map(|_| s.below(3)).collect();
        let p: Vec<f64> = labels
            .iter()
            .flat_map(|y| {
                let mut row: [f64; 4] = std::array::from_fn(|c| s.uniform() + if c == *y { 1.0 } else { 0.01 });
                let sum: f64 = row.iter().sum();
                row.iter_mut().for_each(|v| *v /= sum);
                row
            })
            .collect();
        let evaluation = MulticlassEvaluation::new(&["a", "b", "c", "never"]);
        let report = evaluation.evaluate(&labels, Rows::new(&p, 4).unwrap()).unwrap();
        assert!(report.accuracy.value > 0.8 && report.kappa.as_ref().unwrap().value > 0.7, "{report}");
        assert_eq!(report.confusion.iter().flatten().sum::<usize>(), 300);
        assert!(report.classes[3].sensitivity.is_none() && report.macro_auroc.is_none());
        assert_eq!(report.warnings, ["never: 0 cases, fewer than 30"]);
        assert!(report.confusion_svg().contains(">never<"));
        assert!(report.to_string().contains("Sensitivity: no case to judge it by"));
    }
}
