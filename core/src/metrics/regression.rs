use super::{check_weights, constant, pair};
use crate::Error;
use crate::error::{Mismatch, Parameter};

/// How far predicted numbers are off: every error measure of one pair of truth and prediction, with weights if given.
///
/// **Use it** for several measures, weights, or a prediction that is judged often; for one number there is a function
/// of the same name ([`mae`], [`rmse`], [`r2`]). **Not** for predicted distributions: see
/// [`crps_gaussian`](super::crps_gaussian).
///
/// # Formula
/// With weights w (1 if none), truth y and prediction p, each is a mean Σ w f / Σ w; the function says which f.
///
/// # Examples
/// ```
/// use eir_core::metrics::Regression;
/// let errors = Regression::new(&[1.0, 2.0, 4.0], &[1.0, 3.0, 2.0])?;
/// assert_eq!((errors.mae(), errors.mse()), (1.0, 5.0 / 3.0));
/// assert_eq!(errors.weighted(&[1.0, 1.0, 0.0])?.mae(), 0.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// All measures agree with scikit-learn 1.9.1 within 1e-12 on `reference/core/regression.json`, weights and a truth that
/// does not vary included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regression<'a> {
    truth: &'a [f64],
    predicted: &'a [f64],
    weights: Option<&'a [f64]>,
}

impl<'a> Regression<'a> {
    /// The errors of `predicted` against `truth`.
    ///
    /// # Errors
    /// [`Error`] for different lengths, no values, or a value that is NaN or infinite.
    pub fn new(truth: &'a [f64], predicted: &'a [f64]) -> Result<Self, Error> {
        pair(truth, predicted, 1)?;
        Ok(Self { truth, predicted, weights: None })
    }

    /// The same with a weight for each value.
    ///
    /// # Errors
    /// [`Error`] for another number of weights, or weights that are negative, not finite or all 0.
    pub fn weighted(self, weights: &'a [f64]) -> Result<Self, Error> {
        check_weights(weights, self.truth.len())?;
        Ok(Self { weights: Some(weights), ..self })
    }

    /// Mean absolute error: of |y − p|.
    #[must_use]
    pub fn mae(&self) -> f64 {
        self.mean(|y, p| (y - p).abs())
    }

    /// Mean squared error: of (y − p)².
    #[must_use]
    pub fn mse(&self) -> f64 {
        self.mean(|y, p| (y - p).powi(2))
    }

    /// Root of the [mean squared error](Self::mse).
    #[must_use]
    pub fn rmse(&self) -> f64 {
        self.mse().sqrt()
    }

    /// Largest |y − p|, whatever its weight.
    #[must_use]
    pub fn max_error(&self) -> f64 {
        self.pairs().fold(0.0, |worst, (y, p)| (y - p).abs().max(worst))
    }

    /// Mean absolute error in units of the truth: of |y − p| / |y|. Where y is near 0 it says nothing; at 0 it divides by
    /// 2⁻⁵².
    #[must_use]
    pub fn mape(&self) -> f64 {
        self.mean(|y, p| (y - p).abs() / y.abs().max(f64::EPSILON))
    }

    /// Median of |y − p|: the typical error, whatever the outliers. With weights, half of the weight lies on each side.
    #[must_use]
    pub fn median_absolute_error(&self) -> f64 {
        let mut errors: Vec<(f64, f64)> = self.pairs().map(|(y, p)| (y - p).abs()).zip(self.weights()).collect();
        errors.retain(|(_, weight)| *weight > 0.0);
        errors.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = 0.5 * errors.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut below = 0.0;
        for (i, (error, weight)) in errors.iter().enumerate() {
            below += weight;
            if below >= half {
                let on_the_border = below - half <= f64::EPSILON;
                let next = errors.get(i + 1).map_or(*error, |next| next.0);
                return if on_the_border { 0.5 * (error + next) } else { *error };
            }
        }
        f64::NAN // unreachable: the weights have a positive sum
    }

    /// Mean squared error of logarithms: of (ln(1 + y) − ln(1 + p))², for counts and costs.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a value of −1 or less.
    pub fn msle(&self) -> Result<f64, Error> {
        if self.pairs().any(|(y, p)| y <= -1.0 || p <= -1.0) {
            return Err(Mismatch::new("values for a logarithmic error", "all above -1", "one of -1 or less").into());
        }
        Ok(self.mean(|y, p| (libm::log1p(y) - libm::log1p(p)).powi(2)))
    }

    /// Pinball loss of predicted quantiles: of `quantile` · (y − p) above and (1 − `quantile`) · (p − y) below.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a quantile outside 0 to 1.
    pub fn pinball(&self, quantile: f64) -> Result<f64, Error> {
        if !(0.0..=1.0).contains(&quantile) {
            return Err(Parameter::new("quantile", quantile, "0 to 1").into());
        }
        Ok(self.mean(|y, p| if y >= p { quantile * (y - p) } else { (1.0 - quantile) * (p - y) }))
    }

    /// Share of the truth's variance that the prediction explains: 1 − Σ w (y − p)² / Σ w (y − ȳ)². Negative if it is worse
    /// than the mean. A truth that does not vary gives 1 if it is met exactly and 0 if not.
    #[must_use]
    pub fn r2(&self) -> f64 {
        explained(self.mse(), self.variance(|y, _| y))
    }

    /// As [`r2`](Self::r2) for a prediction that may be off by a constant: 1 − var(y − p) / var y.
    #[must_use]
    pub fn explained_variance(&self) -> f64 {
        explained(self.variance(|y, p| y - p), self.variance(|y, _| y))
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.truth.iter().copied().zip(self.predicted.iter().copied())
    }

    fn weights(&self) -> impl Iterator<Item = f64> {
        (0..self.truth.len()).map(|i| self.weights.map_or(1.0, |w| w[i]))
    }

    fn mean(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let weighted = self.pairs().zip(self.weights());
        let (sum, total) = weighted.fold((0.0, 0.0), |(sum, total), ((y, p), w)| (sum + w * of(y, p), total + w));
        sum / total
    }

    fn variance(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let counted = self.pairs().zip(self.weights()).filter(|(_, weight)| *weight > 0.0);
        if constant(counted.map(|((y, p), _)| of(y, p))) {
            return 0.0;
        }
        let centre = self.mean(&of);
        self.mean(|y, p| (of(y, p) - centre).powi(2))
    }
}

fn explained(rest: f64, spread: f64) -> f64 {
    match (rest == 0.0, spread == 0.0) {
        (true, true) => 1.0,
        (false, true) => 0.0,
        _ => 1.0 - rest / spread,
    }
}

/// Mean absolute error.
///
/// ```
/// assert_eq!(eir_core::metrics::mae(&[1.0, 2.0], &[2.0, 0.0])?, 1.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`].
pub fn mae(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    Ok(Regression::new(truth, predicted)?.mae())
}

/// Mean squared error.
///
/// # Errors
/// As [`Regression::new`].
pub fn mse(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    Ok(Regression::new(truth, predicted)?.mse())
}

/// Root of the mean squared error.
///
/// ```
/// assert_eq!(eir_core::metrics::rmse(&[0.0, 0.0], &[1.0, 7.0])?, 5.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`].
pub fn rmse(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    Ok(Regression::new(truth, predicted)?.rmse())
}

/// Largest absolute error.
///
/// ```
/// assert_eq!(eir_core::metrics::max_error(&[1.0, 2.0], &[2.0, 0.0])?, 2.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`].
pub fn max_error(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    Ok(Regression::new(truth, predicted)?.max_error())
}

/// Share of the truth's variance that the prediction explains: see [`Regression::r2`].
///
/// ```
/// assert_eq!(eir_core::metrics::r2(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0])?, 0.5);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`].
pub fn r2(truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
    Ok(Regression::new(truth, predicted)?.r2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_of_copies() {
        let (y, p, w) = ([1.0, 2.0, 4.0, 8.0], [1.5, 1.0, 5.0, 4.0], [3.0, 1.0, 2.0, 0.0]);
        let (all_y, all_p) = ([1.0, 1.0, 1.0, 2.0, 4.0, 4.0], [1.5, 1.5, 1.5, 1.0, 5.0, 5.0]);
        let (a, b) = (Regression::new(&y, &p).unwrap().weighted(&w).unwrap(), Regression::new(&all_y, &all_p).unwrap());
        let all = |r: Regression<'_>| {
            let plain = [r.mae(), r.rmse(), r.mape(), r.median_absolute_error(), r.r2(), r.explained_variance()];
            plain.into_iter().chain([r.pinball(0.2).unwrap(), r.msle().unwrap()])
        };
        assert!(all(a).zip(all(b)).all(|(a, b)| (a - b).abs() < 1e-15));
    }

    #[test]
    fn borders() {
        assert!(matches!(mae(&[], &[]), Err(Error::TooShort(_))));
        assert!(matches!(r2(&[1.0], &[f64::INFINITY]), Err(Error::NotFinite(_))));
        let constant = Regression::new(&[2.0, 2.0], &[1.0, 1.0]).unwrap();
        assert_eq!((constant.r2(), constant.explained_variance()), (0.0, 1.0));
        let rounded = Regression::new(&[0.1; 3], &[0.0, 1.0, 2.0]).unwrap();
        assert_eq!((rounded.r2(), rounded.explained_variance()), (0.0, 0.0));
        assert!(constant.pinball(1.5).is_err() && constant.weighted(&[1.0]).is_err());
        assert!(Regression::new(&[-1.0], &[0.0]).unwrap().msle().is_err());
    }
}
