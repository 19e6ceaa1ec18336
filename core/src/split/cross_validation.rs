use super::{Cases, Rule, Split, Training};
use crate::error::{Mismatch, TooShort};
use crate::{Error, Model, Rows};

/// What learns from training rows and gives a model: all of its steps (scaling, selection, tuning) happen in here.
///
/// A function of the training rows is one:
///
/// ```
/// use eir_core::split::{Cases, Rule, Training, cross_validate};
/// use eir_core::{Error, Rows};
/// // the mean of the training targets, whatever the row
/// let mean = |train: &Training| {
///     let mean = train.targets().iter().sum::<f64>() / train.targets().len() as f64;
///     Ok::<_, Error>(move |_row: &[f64]| mean)
/// };
/// let targets = [1.0, 2.0, 3.0, 4.0];
/// let splits = Cases::new(4)?.split(&Rule::Folds { folds: 4, seed: 0 })?;
/// let out = cross_validate(&mean, Rows::new(&[0.0; 4], 1)?, &targets, &splits)?;
/// assert_eq!(out.predictions, [3.0, 8.0 / 3.0, 7.0 / 3.0, 2.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Fit {
    /// What comes out.
    type Fitted: Model;

    /// Learns from `train`.
    ///
    /// # Errors
    /// Whatever keeps it from learning.
    fn fit(&self, train: &Training) -> Result<Self::Fitted, Error>;
}

impl<F, M: Model> Fit for F
where
    F: Fn(&Training) -> Result<M, Error>,
{
    type Fitted = M;

    fn fit(&self, train: &Training) -> Result<M, Error> {
        self(train)
    }
}

/// A prediction for each row from a model that has not seen it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OutOfFold {
    /// One per row; NaN for a row that no split tested.
    pub predictions: Vec<f64>,
    /// The split that tested each row.
    pub fold: Vec<Option<usize>>,
}

/// Fits on the training rows of each split and predicts its test rows.
///
/// # Errors
/// [`Error::Mismatch`] for other numbers of rows, targets and cases, a row that two splits test, and what `fit` says.
pub fn cross_validate(fit: &impl Fit, rows: Rows<'_>, targets: &[f64], splits: &[Split]) -> Result<OutOfFold, Error> {
    let mut out = OutOfFold { predictions: vec![f64::NAN; rows.len()], fold: vec![None; rows.len()] };
    for (number, split) in splits.iter().enumerate() {
        let model = fit.fit(&split.training(rows, targets)?)?;
        let predicted = predict(&model, rows, split.test())?;
        for (row, value) in split.test().iter().zip(predicted) {
            if out.fold[*row].replace(number).is_some() {
                return Err(Mismatch::new("splits that test one row", 1, 2).into());
            }
            out.predictions[*row] = value;
        }
    }
    Ok(out)
}

fn predict(model: &impl Model, rows: Rows<'_>, indices: &[usize]) -> Result<Vec<f64>, Error> {
    model.predict(Rows::known(&rows.select(indices), rows.columns()))
}

/// Nested cross-validation: the inner splits choose between candidates, the outer splits judge the choice.
///
/// **Use it** wherever anything is tuned: the best of several cross-validated results is too good by itself. The inner
/// splits are made of the outer training rows alone, by the same knowledge of classes, groups and times.
///
/// ```
/// use eir_core::split::{Cases, Nested, Rule, Training};
/// use eir_core::{Error, Rows, metrics};
/// // candidates: predictions by a multiple of the only feature
/// let slope = |slope: f64| move |_: &Training| Ok::<_, Error>(move |row: &[f64]| slope * row[0]);
/// let (x, y): (Vec<f64>, Vec<f64>) = (0..20).map(|i| (f64::from(i), 2.0 * f64::from(i))).unzip();
/// let nested = Nested { outer: Rule::Folds { folds: 4, seed: 1 }, inner: Rule::Folds { folds: 3, seed: 2 } };
/// let out = nested.run(&[slope(1.0), slope(2.0)], Rows::new(&x, 1)?, &y, &Cases::new(20)?, metrics::mae)?;
/// assert_eq!(out.chosen, [1, 1, 1, 1]);
/// assert_eq!(out.predictions.predictions, y);
/// # Ok::<(), Error>(())
/// ```
///
/// # References
/// Varma, Simon 2006, doi:10.1186/1471-2105-7-91.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Nested {
    /// Judges.
    pub outer: Rule,
    /// Chooses.
    pub inner: Rule,
}

/// What nested cross-validation found.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NestedOutcome {
    /// Predictions of the chosen candidates for rows that neither fit nor choice has seen.
    pub predictions: OutOfFold,
    /// The candidate chosen in each outer split. If they differ much, the choice is noise.
    pub chosen: Vec<usize>,
    /// The inner loss of each candidate in each outer split.
    pub inner_loss: Vec<Vec<f64>>,
}

impl Nested {
    /// Runs it; `loss` of targets and predictions is smaller for the better candidate, the first of equals is chosen.
    ///
    /// # Errors
    /// No candidate, and as [`cross_validate`] and [`Cases::split`].
    pub fn run<F: Fit>(
        &self,
        candidates: &[F],
        rows: Rows<'_>,
        targets: &[f64],
        cases: &Cases,
        loss: impl Fn(&[f64], &[f64]) -> Result<f64, Error>,
    ) -> Result<NestedOutcome, Error> {
        Mismatch::check("cases", rows.len(), cases.len())?;
        let mut out = OutOfFold { predictions: vec![f64::NAN; rows.len()], fold: vec![None; rows.len()] };
        let (mut chosen, mut inner_loss) = (Vec::new(), Vec::new());
        for (number, split) in cases.split(&self.outer)?.iter().enumerate() {
            let train = split.training(rows, targets)?;
            let inner = cases.subset(split.train())?.split(&self.inner)?;
            let judge = |candidate: &F| {
                let found = cross_validate(candidate, train.rows(), train.targets(), &inner)?;
                let tested = (0..found.fold.len()).filter(|row| found.fold[*row].is_some());
                let (want, got): (Vec<f64>, Vec<f64>) =
                    tested.map(|row| (train.targets()[row], found.predictions[row])).unzip();
                loss(&want, &got)
            };
            let losses = candidates.iter().map(judge).collect::<Result<Vec<f64>, Error>>()?;
            let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b]));
            let Some(best) = best else { return Err(TooShort::new("candidates", 0, 1).into()) };
            let model = candidates[best].fit(&train)?;
            for (row, value) in split.test().iter().zip(predict(&model, rows, split.test())?) {
                out.predictions[*row] = value;
                out.fold[*row] = Some(number);
            }
            chosen.push(best);
            inner_loss.push(losses);
        }
        Ok(NestedOutcome { predictions: out, chosen, inner_loss })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::mae;
    use std::cell::RefCell;

    type Sum = Box<dyn Fn(&[f64]) -> f64>;

    /// A scaler by the largest value, and the sum of scaled features.
    fn scaled_sum(seen: &RefCell<Vec<f64>>) -> impl Fn(&Training) -> Result<Sum, Error> {
        |train: &Training| {
            let scale = train.rows().values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
            seen.borrow_mut().push(scale);
            Ok(Box::new(move |row: &[f64]| row.iter().sum::<f64>() / scale) as Sum)
        }
    }

    #[test]
    fn a_poisoned_test_row_changes_no_fitted_step() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i % 7)).collect();
        let targets = vec![1.0; 30];
        let patients: Vec<u32> = (0..30).map(|i| i / 3).collect();
        let cases = Cases::new(30).unwrap().with_groups(&patients).unwrap();
        let nested = Nested { outer: Rule::Folds { folds: 5, seed: 1 }, inner: Rule::Folds { folds: 3, seed: 2 } };
        for (number, split) in cases.split(&nested.outer).unwrap().iter().enumerate() {
            let mut poisoned = values.clone();
            for row in split.test() {
                poisoned[2 * row..2 * row + 2].fill(1e30);
            }
            let scales = |values: &[f64]| {
                let seen = RefCell::new(Vec::new());
                let rows = Rows::new(values, 2).unwrap();
                nested.run(&[scaled_sum(&seen)], rows, &targets, &cases, mae).unwrap();
                seen.into_inner()
            };
            // per outer split 3 inner fits and the final one
            let own = 4 * number..4 * number + 4;
            assert_eq!(scales(&values)[own.clone()], scales(&poisoned)[own]);
        }
    }
}
