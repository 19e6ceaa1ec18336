use super::{Alpha, Intervals};
use crate::error::{Mismatch, NotFinite, TooShort};
use crate::{Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// CV+ intervals from what the models of K folds predict for new cases.
///
/// **Use it** where the models are at hand already; [`CvPlus`] trains them and keeps the cases apart.
///
/// # Formula
/// With Rᵢ the distance of case i from the prediction of the model that was trained without its fold k(i):
/// from the ⌊α(n + 1)⌋-th smallest of μ₋ₖ₍ᵢ₎(x) − Rᵢ to the ⌈(1 − α)(n + 1)⌉-th smallest of μ₋ₖ₍ᵢ₎(x) + Rᵢ. The truth is
/// inside with probability 1 − 2α at least (for few large folds a little less), and about 1 − α in practice.
///
/// # Parameters
/// `residuals` Rᵢ and `folds` k(i) of each training case; `predictions` with a row per new case and a column per fold.
///
/// # Examples
/// ```
/// use eir_core::{Rows, conformal::{Alpha, cv_plus}};
/// let predictions = [10.0, 11.0]; // one new case, two models
/// let intervals = cv_plus(&[1.0, 2.0, 3.0, 4.0], &[0, 0, 1, 1], Rows::new(&predictions, 2)?, Alpha::new(0.4)?)?;
/// assert_eq!((intervals.lower[0], intervals.upper[0]), (8.0, 14.0));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// Lengths that differ, no case, a fold beyond the columns, a residual that is negative or not finite.
///
/// # Validation
/// Agrees with the definition on NumPy within 1e-12 on `reference/core/conformal.json`.
///
/// # References
/// Barber, Candès, Ramdas, Tibshirani 2021, doi:10.1214/20-AOS1965.
pub fn cv_plus(residuals: &[f64], folds: &[usize], predictions: Rows<'_>, alpha: Alpha) -> Result<Intervals, Error> {
    Mismatch::check("folds", residuals.len(), folds.len())?;
    if residuals.is_empty() {
        return Err(TooShort::new("residuals", 0, 1).into());
    }
    NotFinite::check_f64("residual", residuals)?;
    if let Some(i) = residuals.iter().position(|r| *r < 0.0) {
        return Err(Mismatch::new(format!("residual {i}"), "a distance", "a negative value").into());
    }
    let columns = predictions.columns();
    if let Some(index) = folds.iter().position(|fold| *fold >= columns) {
        return Err(Error::Class { index, classes: columns });
    }
    let n = residuals.len();
    let (low, high) = (alpha.lower_rank(n), alpha.rank(n));
    let mut values = vec![0.0; n];
    let mut ranked = |row: &[f64], sign: f64, rank: Option<usize>| {
        let Some(rank) = rank else { return sign * f64::INFINITY };
        let of = folds.iter().zip(residuals).map(|(fold, residual)| row[*fold] + sign * residual);
        values.iter_mut().zip(of).for_each(|(to, value)| *to = value);
        *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
    };
    let (lower, upper) = predictions.iter().map(|row| (ranked(row, -1.0, low), ranked(row, 1.0, high))).unzip();
    Ok(Intervals { lower, upper, small_groups: Vec::new() })
}

/// Jackknife+ intervals: [`cv_plus`] with a fold for each case. Column i of `predictions` is from the model that was
/// trained without case i.
///
/// # Errors
/// As [`cv_plus`].
pub fn jackknife_plus(residuals: &[f64], predictions: Rows<'_>, alpha: Alpha) -> Result<Intervals, Error> {
    let folds: Vec<usize> = (0..residuals.len()).collect();
    cv_plus(residuals, &folds, predictions, alpha)
}

/// Settings of CV+ and jackknife+; `fit` trains the models and gives [`FittedCvPlus`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CvPlus {
    /// The truth is inside with probability 1 − 2α at least, and about 1 − α in practice. Default 1/10.
    pub alpha: Alpha,
}

impl CvPlus {
    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(self, alpha: Alpha) -> Self {
        Self { alpha }
    }

    /// Always true: every setting is valid.
    ///
    /// # Errors
    /// None.
    pub fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Trains one model without each fold 0, 1, …: `train` gets the rows and targets of the other folds. All rows of
    /// one patient belong into one fold.
    ///
    /// # Errors
    /// Lengths that differ, fewer than two folds, a fold without cases, a target that is not finite, or what `train` or
    /// a model refuses.
    pub fn fit<M: Model>(
        &self,
        x: Rows<'_>,
        y: &[f64],
        folds: &[usize],
        train: impl Fn(Rows<'_>, &[f64]) -> Result<M, Error>,
    ) -> Result<FittedCvPlus<M>, Error> {
        x.check("targets", y.len(), 2)?;
        Mismatch::check("folds", y.len(), folds.len())?;
        NotFinite::check_f64("target", y)?;
        let count = folds.iter().max().map_or(0, |most| most.saturating_add(1));
        if count < 2 {
            return Err(TooShort::new("folds", count, 2).into());
        }
        if count > y.len() {
            return Err(Mismatch::new("folds", format!("at most {}", y.len()), count).into());
        }
        let mut residuals = vec![0.0; y.len()];
        let mut models = Vec::with_capacity(count);
        for fold in 0..count {
            let (out, kept): (Vec<usize>, Vec<usize>) = (0..y.len()).partition(|i| folds[*i] == fold);
            if out.is_empty() {
                return Err(TooShort::new("cases in a fold", 0, 1).into());
            }
            let targets: Vec<f64> = kept.iter().map(|i| y[*i]).collect();
            let model = train(Rows::new(&x.select(&kept), x.columns())?, &targets)?;
            let predicted = model.predict(Rows::new(&x.select(&out), x.columns())?)?;
            out.iter().zip(predicted).for_each(|(i, mu)| residuals[*i] = (y[*i] - mu).abs());
            models.push(model);
        }
        NotFinite::check_f64("residual", &residuals)?;
        Ok(FittedCvPlus { alpha: self.alpha, models, folds: folds.to_vec(), residuals, columns: x.columns() })
    }

    /// Jackknife+: as [`fit`](Self::fit), with a fold and a model for each case.
    ///
    /// # Errors
    /// As `fit`.
    pub fn fit_each<M: Model>(
        &self,
        x: Rows<'_>,
        y: &[f64],
        train: impl Fn(Rows<'_>, &[f64]) -> Result<M, Error>,
    ) -> Result<FittedCvPlus<M>, Error> {
        let folds: Vec<usize> = (0..y.len()).collect();
        self.fit(x, y, &folds, train)
    }
}

/// Intervals from models that were each trained without a part of the cases, fitted by [`CvPlus`].
///
/// **Use it** where cases are too few to set some aside. **Not** where training is slow: there is a model for each fold,
/// and each is asked at prediction.
///
/// # Formula
/// That of [`cv_plus`].
///
/// # Examples
/// ```
/// use eir_core::{Rows, conformal::{Alpha, CvPlus}};
/// let (x, y) = ([0.0; 6], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// // the "model" is the mean of the others
/// let mean = |_: Rows<'_>, y: &[f64]| {
///     let mean = y.iter().sum::<f64>() / y.len() as f64;
///     Ok(move |_: &[f64]| mean)
/// };
/// let fitted = CvPlus::default().with_alpha(Alpha::new(0.2)?).fit_each(Rows::new(&x, 1)?, &y, mean)?;
/// let intervals = fitted.predict(Rows::new(&[0.0], 1)?)?;
/// assert!(intervals.lower[0].abs() < 1e-12 && (intervals.upper[0] - 7.0).abs() < 1e-12);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with NumPy's least squares and the definition within 1e-12 on `reference/core/conformal.json`.
///
/// # References
/// Barber, Candès, Ramdas, Tibshirani 2021, doi:10.1214/20-AOS1965.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FittedCvPlus<M> {
    alpha: Alpha,
    models: Vec<M>,
    folds: Vec<usize>,
    residuals: Vec<f64>,
    columns: usize,
}

impl<M: Model> FittedCvPlus<M> {
    /// The distance of each training case from the prediction of the model that did not see it.
    #[must_use]
    pub fn residuals(&self) -> &[f64] {
        &self.residuals
    }

    /// The interval of each row.
    ///
    /// # Errors
    /// Another number of columns than at training, or what a model refuses.
    pub fn predict(&self, x: Rows<'_>) -> Result<Intervals, Error> {
        Mismatch::check("columns", self.columns, x.columns())?;
        let mut predictions = vec![0.0; x.len() * self.models.len()];
        for (fold, model) in self.models.iter().enumerate() {
            let places = predictions.iter_mut().skip(fold).step_by(self.models.len());
            places.zip(model.predict(x)?).for_each(|(to, mu)| *to = mu);
        }
        cv_plus(&self.residuals, &self.folds, Rows::new(&predictions, self.models.len())?, self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    fn mean(_: Rows<'_>, y: &[f64]) -> Result<impl Fn(&[f64]) -> f64 + use<>, Error> {
        let mean = crate::metrics::mean(y);
        Ok(move |_: &[f64]| mean)
    }

    #[test]
    fn covers_without_cases_set_aside() {
        let (mut each, mut folded) = (0, 0);
        for seed in 0..400 {
            let mut stream = Generator::new(seed, "cross").stream(0);
            let y: Vec<f64> = (0..40).map(|_| stream.exponential()).collect();
            let (x, folds) = (vec![0.0; 40], (0..40).map(|i| i % 5).collect::<Vec<_>>());
            let (x, one, truth) = (Rows::new(&x, 1).unwrap(), [0.0], stream.exponential());
            let covered = |intervals: Intervals| intervals.coverage(&[truth], 0.95).unwrap().value as usize;
            let one = Rows::new(&one, 1).unwrap();
            each += covered(CvPlus::default().fit_each(x, &y, mean).unwrap().predict(one).unwrap());
            folded += covered(CvPlus::default().fit(x, &y, &folds, mean).unwrap().predict(one).unwrap());
        }
        // 90 % of 400, within 3 standard errors
        assert!((342..=378).contains(&each) && (342..=378).contains(&folded), "{each} {folded}");
    }

    #[test]
    fn the_case_itself_is_never_seen() {
        let x: Vec<f64> = (0..6).map(f64::from).collect();
        let folds = [0, 1, 2, 0, 1, 2];
        let train = |rows: Rows<'_>, y: &[f64]| {
            assert_eq!((rows.len(), y.len()), (4, 4));
            let seen = rows.values().to_vec();
            Ok(move |row: &[f64]| if seen.contains(&row[0]) { f64::MAX } else { 0.0 })
        };
        let fitted = CvPlus::default().fit(Rows::new(&x, 1).unwrap(), &[1.0; 6], &folds, train).unwrap();
        assert_eq!(fitted.residuals(), [1.0; 6]);
    }

    #[test]
    fn too_few_and_borders() {
        let one = [0.0];
        let all = cv_plus(&[1.0; 3], &[0; 3], Rows::new(&one, 1).unwrap(), Alpha::default()).unwrap();
        assert_eq!((all.lower[0], all.upper[0]), (f64::NEG_INFINITY, f64::INFINITY));
        let rows = Rows::new(&one, 1).unwrap();
        assert!(matches!(cv_plus(&[], &[], rows, Alpha::default()), Err(Error::TooShort(_))));
        assert!(matches!(cv_plus(&[1.0], &[1], rows, Alpha::default()), Err(Error::Class { .. })));
        assert!(matches!(cv_plus(&[-1.0], &[0], rows, Alpha::default()), Err(Error::Mismatch(_))));
        let (x, y) = ([0.0; 3], [1.0; 3]);
        let fit = |folds: &[usize]| CvPlus::default().fit(Rows::new(&x, 1).unwrap(), &y, folds, mean).map(drop);
        assert!(matches!(fit(&[0, 0, 0]), Err(Error::TooShort(_))));
        assert!(matches!(fit(&[0, 0, 2]), Err(Error::TooShort(_))));
        assert!(matches!(fit(&[0, 1, usize::MAX]), Err(Error::Mismatch(_))));
    }
}
