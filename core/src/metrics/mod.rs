//! The numbers that go into a paper, in `f64` on plain slices.
//!
//! | question | functions |
//! |---|---|
//! | how often is the class right? | [`Confusion`] |
//! | does the score rank well? | [`auroc`], [`average_precision`], [`RocCurve`], [`PrecisionRecallCurve`] |
//! | is the probability right? | [`brier`], [`log_loss`]; of several classes [`ClassProbabilities`] |
//! | how far is the number off? | [`mae`], [`rmse`], [`r2`]; with weights and all others [`Regression`] |
//! | is the predicted distribution right? | [`crps_gaussian`], [`crps_ensemble`], [`interval_score`] |
//! | do two ways of measuring agree? | [`ccc`], [`BlandAltman`], [`RepeatedBlandAltman`] |
//! | do they rise together? | [`pearson`], [`spearman`], [`kendall_tau_b`], [`kendall_tau_c`] |
//! | below what lies a part of the values? | [`sorted_quantile`] |
//!
//! The metrics agree with scikit-learn, SciPy and statsmodels within 1e-12 (`cargo xtask golden core`), also where it
//! hurts: ties, weights, a class that is absent or never predicted.

mod agreement;
mod bland_altman;
mod confusion;
mod forecast;
mod multiclass;
mod precision_recall;
mod probability;
mod quantile;
mod ranking;
mod ranks;
mod regression;
mod repeated_bland_altman;
mod roc;

pub(crate) use agreement::moments;
pub use agreement::{ccc, ccc_unbiased, pearson};
pub use bland_altman::BlandAltman;
pub use confusion::{BinaryCounts, Confusion, KappaWeights, ZeroDivision};
pub use forecast::{crps_ensemble, crps_gaussian, interval_score};
pub use multiclass::{Average, ClassProbabilities};
pub use precision_recall::PrecisionRecallCurve;
pub use probability::{brier, brier_weighted, log_loss, log_loss_weighted};
pub(crate) use probability::{check as check_probabilities, check_range};
pub use quantile::sorted_quantile;
pub(crate) use ranking::check as check_scores;
pub use ranking::{auroc, auroc_weighted, average_precision, average_precision_weighted};
pub(crate) use ranks::{DenseRanks, Kendall, pairs};
pub use ranks::{kendall_tau_b, kendall_tau_c, midranks, spearman};
pub use regression::{Regression, mae, max_error, mse, r2, rmse};
pub use repeated_bland_altman::RepeatedBlandAltman;
pub use roc::{OperatingPoint, RocCurve};

use crate::Error;
use crate::error::{Mismatch, NotFinite, OutOfRange, Parameter, TooShort};

/// Checks a pair of slices: equal lengths, at least `min` values, all finite.
pub(crate) fn pair(a: &[f64], b: &[f64], min: usize) -> Result<(), Error> {
    Mismatch::check("values", a.len(), b.len())?;
    if a.len() < min {
        return Err(TooShort::new("values", a.len(), min).into());
    }
    NotFinite::check_f64("value", a)?;
    NotFinite::check_f64("value", b)?;
    Ok(())
}

/// Checks weights against the number of items: finite, not negative, with a positive sum.
pub(crate) fn check_weights(weights: &[f64], items: usize) -> Result<(), Error> {
    Mismatch::check("weights", items, weights.len())?;
    NotFinite::check_f64("weight", weights)?;
    OutOfRange::check("weight", weights.iter().copied(), "0 or more", |w| w >= 0.0)?;
    if weights.iter().sum::<f64>() > 0.0 {
        Ok(())
    } else {
        Err(Parameter::new("sum of weights", 0.0, "above 0").into())
    }
}

/// Whether all values are the same: their variance is then 0, which its formula misses where the mean is rounded.
pub(crate) fn constant(x: impl IntoIterator<Item = f64>) -> bool {
    let mut x = x.into_iter();
    x.next().is_none_or(|first| x.all(|v| v == first))
}

pub(crate) fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}
