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

/// A confusion matrix: the number (or weight) of items of each true class by predicted class.
///
/// **Use it** for decisions, of two or more classes. **Not** for scores: see [`auroc`](super::auroc).
///
/// # Formula
/// With `tp`, `fp`, `fn`, `tn` of one class against the rest: precision tp/(tp+fp), recall (sensitivity) tp/(tp+fn),
/// specificity tn/(tn+fp), negative predictive value tn/(tn+fn), F-beta (1+β²)tp/((1+β²)tp+β²fn+fp).
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
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12 on the cases of `reference/core/classification.json`, weights, absent
/// and never predicted classes included.
///
/// # References
/// Matthews coefficient of several classes: Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    classes: usize,
    /// Row = true class, column = predicted class.
    cells: Vec<f64>,
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
        for (index, (t, p)) in truth.iter().zip(predicted).enumerate() {
            if *t >= classes || *p >= classes {
                return Err(Error::Class { index, classes });
            }
            cells[t * classes + p] += weight(index);
        }
        Ok(Self { classes, cells })
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

    fn truths(&self, class: usize) -> f64 {
        (0..self.classes).map(|p| self.count_of(class, p)).sum()
    }

    fn predictions(&self, class: usize) -> f64 {
        (0..self.classes).map(|t| self.count_of(t, class)).sum()
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

    /// Precision (positive predictive value) of `class`.
    #[must_use]
    pub fn precision(&self, class: usize, zero: ZeroDivision) -> f64 {
        zero.divide(self.count_of(class, class), self.predictions(class))
    }

    /// Recall (sensitivity) of `class`.
    #[must_use]
    pub fn recall(&self, class: usize, zero: ZeroDivision) -> f64 {
        zero.divide(self.count_of(class, class), self.truths(class))
    }

    /// Specificity of `class` against the rest.
    #[must_use]
    pub fn specificity(&self, class: usize, zero: ZeroDivision) -> f64 {
        let negatives = self.total() - self.truths(class);
        zero.divide(negatives - (self.predictions(class) - self.count_of(class, class)), negatives)
    }

    /// Negative predictive value of `class` against the rest.
    #[must_use]
    pub fn negative_predictive_value(&self, class: usize, zero: ZeroDivision) -> f64 {
        let predicted = self.total() - self.predictions(class);
        zero.divide(predicted - (self.truths(class) - self.count_of(class, class)), predicted)
    }

    /// F-beta of `class`; `beta` 1 is F1. 0/0 only if the class neither occurs nor is predicted.
    #[must_use]
    pub fn f_beta(&self, class: usize, beta: f64, zero: ZeroDivision) -> f64 {
        let b = beta * beta;
        zero.divide((1.0 + b) * self.count_of(class, class), b * self.truths(class) + self.predictions(class))
    }

    /// Mean over the classes of `of_class(class)`, without those that are NaN; NaN if all are.
    #[must_use]
    pub fn macro_mean(&self, of_class: impl Fn(usize) -> f64) -> f64 {
        let values: Vec<f64> = (0..self.classes).map(of_class).filter(|v| !v.is_nan()).collect();
        super::mean(&values)
    }

    /// Matthews correlation coefficient of any number of classes; 0 where all items have or get one class.
    #[must_use]
    pub fn mcc(&self) -> f64 {
        let (n, right) = (self.total(), self.right());
        let (mut tp, mut tt, mut pp) = (0.0, 0.0, 0.0);
        for c in 0..self.classes {
            let (t, p) = (self.truths(c), self.predictions(c));
            tp += t * p;
            tt += t * t;
            pp += p * p;
        }
        let spread = (n * n - tt) * (n * n - pp);
        if spread > 0.0 { (right * n - tp) / spread.sqrt() } else { 0.0 }
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
        assert!(matches!(Confusion::weighted(&[0], &[0], &[-1.0], 2), Err(Error::Parameter(_))));
    }
}
