use super::check_weights;
use crate::Error;
use crate::error::{Mismatch, Parameter, TooShort};

/// What 0/0 is: the precision of a class that was never predicted, the recall of one that never occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ZeroDivision {
    /// 0, the cautious value and the default.
    #[default]
    Zero,
    /// 1.
    One,
    /// NaN; such a class is left out of averages.
    Nan,
}

impl ZeroDivision {
    fn divide(self, a: f64, b: f64) -> f64 {
        match self {
            _ if b != 0.0 => a / b,
            Self::Zero => 0.0,
            Self::One => 1.0,
            Self::Nan => f64::NAN,
        }
    }
}

/// How much a disagreement by |i − j| classes counts in kappa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum KappaWeights {
    /// Every disagreement the same: classes without an order. The default.
    #[default]
    Unweighted,
    /// By |i − j|: ordered grades.
    Linear,
    /// By (i − j)²: ordered grades; close to the intraclass correlation.
    Quadratic,
}

impl KappaWeights {
    /// The weight of classes `i` and `j`.
    pub(crate) fn disagreement(self, i: usize, j: usize) -> f64 {
        let distance = i.abs_diff(j) as f64;
        match self {
            Self::Unweighted => f64::from(u8::from(i != j)),
            Self::Linear => distance,
            Self::Quadratic => distance * distance,
        }
    }
}

/// The four counts (or weights) of one class against the rest, or of all classes [pooled](Confusion::pooled).
///
/// ```
/// use eir_core::metrics::{BinaryCounts, ZeroDivision::Nan};
/// let c = BinaryCounts { true_positives: 8.0, false_positives: 2.0, false_negatives: 4.0, true_negatives: 86.0 };
/// assert_eq!((c.precision(Nan), c.jaccard(Nan), c.f_beta(1.0, Nan)), (0.8, 8.0 / 14.0, 16.0 / 22.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BinaryCounts {
    /// Items of the class that were called so.
    pub true_positives: f64,
    /// Other items that were called so.
    pub false_positives: f64,
    /// Items of the class that were called otherwise.
    pub false_negatives: f64,
    /// Other items that were called otherwise.
    pub true_negatives: f64,
}

impl BinaryCounts {
    /// Precision (positive predictive value): tp / (tp + fp).
    #[must_use]
    pub fn precision(&self, zero: ZeroDivision) -> f64 {
        zero.divide(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Recall (sensitivity, true positive rate): tp / (tp + fn).
    #[must_use]
    pub fn recall(&self, zero: ZeroDivision) -> f64 {
        zero.divide(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Specificity: tn / (tn + fp).
    #[must_use]
    pub fn specificity(&self, zero: ZeroDivision) -> f64 {
        zero.divide(self.true_negatives, self.true_negatives + self.false_positives)
    }

    /// Negative predictive value: tn / (tn + fn).
    #[must_use]
    pub fn negative_predictive_value(&self, zero: ZeroDivision) -> f64 {
        zero.divide(self.true_negatives, self.true_negatives + self.false_negatives)
    }

    /// Jaccard index (intersection over union): tp / (tp + fp + fn).
    #[must_use]
    pub fn jaccard(&self, zero: ZeroDivision) -> f64 {
        zero.divide(self.true_positives, self.true_positives + self.false_positives + self.false_negatives)
    }

    /// F-beta: (1 + β²) tp / ((1 + β²) tp + β² fn + fp); `beta` 1 is F1 (Dice). 0/0 only if the class neither occurs nor
    /// is predicted.
    #[must_use]
    pub fn f_beta(&self, beta: f64, zero: ZeroDivision) -> f64 {
        let b = beta * beta;
        let hits = (1.0 + b) * self.true_positives;
        zero.divide(hits, hits + b * self.false_negatives + self.false_positives)
    }
}

/// A confusion matrix: the number (or weight) of items of each true class by predicted class.
///
/// **Use it** for decisions, of two or more classes. **Not** for scores: see [`auroc`](super::auroc).
///
/// # Formula
/// Each class against the rest as [`BinaryCounts`] says. Averages: [`macro_mean`](Self::macro_mean),
/// [`weighted_mean`](Self::weighted_mean), and micro, which is the number of the [`pooled`](Self::pooled) counts.
///
/// # Examples
/// ```
/// use eir_core::metrics::{Confusion, ZeroDivision};
/// let truth = [0, 0, 0, 1, 1, 2];
/// let predicted = [0, 0, 1, 1, 1, 1];
/// let c = Confusion::new(&truth, &predicted, 3)?;
/// assert_eq!(c.recall(1, ZeroDivision::Zero), 1.0);
/// assert_eq!(c.precision(1, ZeroDivision::Zero), 0.5);
/// assert!(c.precision(2, ZeroDivision::Nan).is_nan()); // never predicted
/// assert!((c.balanced_accuracy() - 5.0 / 9.0).abs() < 1e-15);
/// assert!((c.macro_mean(|class| c.recall(class, ZeroDivision::Zero)) - 5.0 / 9.0).abs() < 1e-15);
/// assert_eq!(c.pooled().jaccard(ZeroDivision::Zero), 0.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12 on the cases of `reference/core/classification.json`, weights, absent
/// and never predicted classes included.
///
/// # References
/// Matthews coefficient of several classes: Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006. Kappa: Cohen 1968,
/// doi:10.1037/h0026256.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    classes: usize,
    /// Row = true class, column = predicted class.
    cells: Vec<f64>,
    /// Sums of the rows.
    truths: Vec<f64>,
    /// Sums of the columns.
    predictions: Vec<f64>,
    /// As `truths`, but summed in the order of the items: the last digits of NumPy's sums.
    supports: Vec<f64>,
}

impl Confusion {
    /// Counts the pairs of true and predicted classes, numbered from 0.
    ///
    /// # Errors
    /// [`Error`] for different lengths, no items, or a class of `classes` or more.
    pub fn new(truth: &[usize], predicted: &[usize], classes: usize) -> Result<Self, Error> {
        Self::count(truth, predicted, classes, |_| 1.0)
    }

    /// As [`new`](Self::new), with a weight for each item.
    ///
    /// # Errors
    /// As `new`, and for weights that are negative, not finite or all 0.
    pub fn weighted(truth: &[usize], predicted: &[usize], weights: &[f64], classes: usize) -> Result<Self, Error> {
        check_weights(weights, truth.len())?;
        Self::count(truth, predicted, classes, |i| weights[i])
    }

    fn count(
        truth: &[usize],
        predicted: &[usize],
        classes: usize,
        weight: impl Fn(usize) -> f64,
    ) -> Result<Self, Error> {
        Mismatch::check("predictions", truth.len(), predicted.len())?;
        if truth.is_empty() {
            return Err(TooShort::new("labels", 0, 1).into());
        }
        if !(1..=10_000).contains(&classes) {
            return Err(Parameter::new("classes", classes as f64, "1 to 10 000").into());
        }
        let mut cells = vec![0.0; classes * classes];
        let mut supports = vec![0.0; classes];
        for (index, (t, p)) in truth.iter().zip(predicted).enumerate() {
            if *t >= classes || *p >= classes {
                return Err(Error::Class { index, classes });
            }
            cells[t * classes + p] += weight(index);
            supports[*t] += weight(index);
        }
        Ok(Self::of_cells(classes, cells, supports))
    }

    fn of_cells(classes: usize, cells: Vec<f64>, supports: Vec<f64>) -> Self {
        let truths = cells.chunks_exact(classes).map(|row| row.iter().sum()).collect();
        let predictions = (0..classes).map(|p| cells.iter().skip(p).step_by(classes).sum()).collect();
        Self { classes, cells, truths, predictions, supports }
    }

    /// Both matrices together: of the batches of a stream, or the parts of a cohort. Without weights the counts are whole
    /// numbers, so that the order of the parts changes no bit.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of classes.
    pub fn merge(&self, other: &Self) -> Result<Self, Error> {
        Mismatch::check("classes", self.classes, other.classes)?;
        let sums = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect();
        Ok(Self::of_cells(self.classes, sums(&self.cells, &other.cells), sums(&self.supports, &other.supports)))
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number (or weight) of items of class `truth` that were predicted as `predicted`; 0 for classes beyond the last.
    #[must_use]
    pub fn count_of(&self, truth: usize, predicted: usize) -> f64 {
        if truth < self.classes && predicted < self.classes {
            self.cells[truth * self.classes + predicted]
        } else {
            0.0
        }
    }

    /// Number (or weight) of items of `class`: its support.
    #[must_use]
    pub fn support(&self, class: usize) -> f64 {
        self.supports.get(class).copied().unwrap_or(0.0)
    }

    /// The counts of `class` against the rest; all 0 for classes beyond the last.
    #[must_use]
    pub fn one_vs_rest(&self, class: usize) -> BinaryCounts {
        if class >= self.classes {
            return BinaryCounts::default();
        }
        let others = |of: &dyn Fn(usize) -> f64| (0..self.classes).filter(|c| *c != class).map(of).sum::<f64>();
        // sums of what is counted, not differences from the total: a count of 0 is then 0 with weights too
        let false_positives = others(&|t| self.count_of(t, class));
        BinaryCounts {
            true_positives: self.count_of(class, class),
            false_positives,
            false_negatives: others(&|p| self.count_of(class, p)),
            true_negatives: others(&|t| self.truths[t]) - false_positives,
        }
    }

    /// The sums of the counts of all classes: what micro averages are made of.
    #[must_use]
    pub fn pooled(&self) -> BinaryCounts {
        let (right, total) = (self.right(), self.total());
        let wrong = total - right;
        BinaryCounts {
            true_positives: right,
            false_positives: wrong,
            false_negatives: wrong,
            true_negatives: self.classes as f64 * total - total - wrong,
        }
    }

    fn total(&self) -> f64 {
        self.cells.iter().sum()
    }

    fn right(&self) -> f64 {
        (0..self.classes).map(|c| self.count_of(c, c)).sum()
    }

    /// Share of items whose class is right.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.right() / self.total()
    }

    /// Mean recall of the classes that occur.
    #[must_use]
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> =
            (0..self.classes).map(|c| self.recall(c, ZeroDivision::Nan)).filter(|r| !r.is_nan()).collect();
        super::mean(&recalls)
    }

    /// [Precision](BinaryCounts::precision) (positive predictive value) of `class`.
    #[must_use]
    pub fn precision(&self, class: usize, zero: ZeroDivision) -> f64 {
        self.one_vs_rest(class).precision(zero)
    }

    /// [Recall](BinaryCounts::recall) (sensitivity) of `class`.
    #[must_use]
    pub fn recall(&self, class: usize, zero: ZeroDivision) -> f64 {
        self.one_vs_rest(class).recall(zero)
    }

    /// [Specificity](BinaryCounts::specificity) of `class` against the rest.
    #[must_use]
    pub fn specificity(&self, class: usize, zero: ZeroDivision) -> f64 {
        self.one_vs_rest(class).specificity(zero)
    }

    /// [Negative predictive value](BinaryCounts::negative_predictive_value) of `class` against the rest.
    #[must_use]
    pub fn negative_predictive_value(&self, class: usize, zero: ZeroDivision) -> f64 {
        self.one_vs_rest(class).negative_predictive_value(zero)
    }

    /// [F-beta](BinaryCounts::f_beta) of `class`; `beta` 1 is F1.
    #[must_use]
    pub fn f_beta(&self, class: usize, beta: f64, zero: ZeroDivision) -> f64 {
        self.one_vs_rest(class).f_beta(beta, zero)
    }

    /// [Jaccard index](BinaryCounts::jaccard) of `class`.
    #[must_use]
    pub fn jaccard(&self, class: usize, zero: ZeroDivision) -> f64 {
        self.one_vs_rest(class).jaccard(zero)
    }

    /// Mean over the classes of `of_class(class)`, without those that are NaN; NaN if all are.
    #[must_use]
    pub fn macro_mean(&self, of_class: impl Fn(usize) -> f64) -> f64 {
        let values: Vec<f64> = (0..self.classes).map(of_class).filter(|v| !v.is_nan()).collect();
        super::mean(&values)
    }

    /// As [`macro_mean`](Self::macro_mean), each class weighted by its [support](Self::support); the plain mean where no
    /// class that is left has any.
    #[must_use]
    pub fn weighted_mean(&self, of_class: impl Fn(usize) -> f64) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for class in 0..self.classes {
            let value = of_class(class);
            if !value.is_nan() {
                sum += self.truths[class] * value;
                weight += self.truths[class];
            }
        }
        if weight > 0.0 { sum / weight } else { self.macro_mean(of_class) }
    }

    /// Matthews correlation coefficient of any number of classes; 0 where all items have or get one class.
    #[must_use]
    pub fn mcc(&self) -> f64 {
        let one_class = |margin: &[f64]| margin.iter().filter(|v| **v > 0.0).count() < 2;
        if one_class(&self.truths) || one_class(&self.predictions) {
            return 0.0;
        }
        let (n, right) = (self.total(), self.right());
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let chance = product(&self.truths, &self.predictions);
        let spread_of_truths = n * n - product(&self.truths, &self.truths);
        let spread_of_predictions = n * n - product(&self.predictions, &self.predictions);
        (right * n - chance) / (spread_of_truths.sqrt() * spread_of_predictions.sqrt())
    }

    /// Cohen's kappa: the agreement of the two beyond chance, 1 − Σ w O / Σ w E; NaN (0/0) where both are always the
    /// same one class.
    #[must_use]
    pub fn kappa(&self, weights: KappaWeights) -> f64 {
        let (mut observed, mut expected) = (0.0, 0.0);
        for t in 0..self.classes {
            for p in (0..self.classes).filter(|p| *p != t) {
                let weight = weights.disagreement(t, p);
                observed += weight * self.count_of(t, p);
                expected += weight * self.truths[t] * self.predictions[p];
            }
        }
        1.0 - observed * self.total() / expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_has_no_matrix() {
        assert!(matches!(Confusion::new(&[0], &[], 2), Err(Error::Mismatch(_))));
        assert!(matches!(Confusion::new(&[], &[], 2), Err(Error::TooShort(_))));
        assert_eq!(Confusion::new(&[0, 2], &[0, 0], 2), Err(Error::Class { index: 1, classes: 2 }));
        assert!(matches!(Confusion::weighted(&[0], &[0], &[-1.0], 2), Err(Error::OutOfRange(_))));
    }
    #[test]
    fn a_single_class_has_no_correlation_and_no_kappa() {
        // sums of these weights round, and the margins must be one class all the same
        let weights = [0.1, 0.2, 0.3];
        let c = Confusion::weighted(&[1, 1, 1], &[0, 1, 1], &weights, 2).unwrap();
        assert_eq!((c.mcc(), c.kappa(KappaWeights::Linear)), (0.0, 0.0));
        assert!(c.specificity(1, ZeroDivision::Nan).is_nan());
        assert!(Confusion::new(&[1, 1], &[1, 1], 2).unwrap().kappa(KappaWeights::Unweighted).is_nan());
    }

    #[test]
    fn parts_are_the_whole() {
        let (truth, predicted) = ([0, 2, 1, 1, 2, 0], [0, 1, 1, 0, 2, 2]);
        let part = |from: usize, to: usize| Confusion::new(&truth[from..to], &predicted[from..to], 3).unwrap();
        assert_eq!(part(0, 2).merge(&part(2, 6)), Ok(part(0, 6)));
        assert!(matches!(part(0, 6).merge(&Confusion::new(&[0], &[0], 2).unwrap()), Err(Error::Mismatch(_))));
    }

    #[test]
    fn averages_leave_out_what_is_nan() {
        let c = Confusion::new(&[0, 0, 1], &[0, 1, 1], 3).unwrap();
        let recall = |class| c.recall(class, ZeroDivision::Nan);
        assert_eq!((c.macro_mean(recall), c.weighted_mean(recall)), (0.75, 2.0 / 3.0));
        assert!(c.weighted_mean(|_| f64::NAN).is_nan());
        assert_eq!(c.weighted_mean(|class| if class == 2 { 0.5 } else { f64::NAN }), 0.5);
        assert_eq!(c.one_vs_rest(9), BinaryCounts::default());
    }
}
