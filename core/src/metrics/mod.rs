//! The numbers that go into a paper, in `f64` on plain slices.
//!
//! | question | functions |
//! |---|---|
//! | how often is the class right? | [`Confusion`] |
//! | does the score rank well? | [`auroc`], [`average_precision`] |
//! | is the probability right? | [`brier`], [`log_loss`] |
//! | how far is the number off? | [`mae`], [`rmse`], [`r2`], [`max_error`] |
//! | do two ways of measuring agree? | [`pearson`], [`ccc`], [`BlandAltman`] |
//! | how sure is a share? | [`wilson`] |
//! | below what lies a part of the values? | [`sorted_quantile`], [`normal_quantile`] |
//!
//! The metrics agree with scikit-learn, SciPy and statsmodels within 1e-12 (`cargo xtask golden core`), also where it
//! hurts: ties, weights, a class that is absent or never predicted.

mod agreement;
mod confusion;
mod probability;
mod proportion;
mod quantile;
mod ranking;
mod regression;

pub use agreement::{BlandAltman, ccc, pearson};
pub use confusion::{Confusion, ZeroDivision};
pub use probability::{brier, log_loss};
pub use proportion::{normal_quantile, wilson};
pub use quantile::sorted_quantile;
pub use ranking::{auroc, auroc_weighted, average_precision, average_precision_weighted};
pub use regression::{mae, max_error, r2, rmse};

use crate::error::{Mismatch, NotFinite, Parameter, TooShort};

/// Why a metric has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two inputs that belong together have different lengths.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// There are too few values.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// A value is NaN or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A setting is out of range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// All labels are of one class.
    #[error("all labels are of one class: a ranking metric needs both")]
    OneClass,
    /// A class number is beyond the number of classes.
    #[error("label {index} is a class beyond the {classes} given")]
    Class {
        /// Position of the label.
        index: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The metric is 0/0 on this input.
    #[error("{0} is undefined: the values do not vary")]
    Undefined(&'static str),
}

/// Checks a pair of slices: equal lengths, at least `min` values, all finite.
fn pair(a: &[f64], b: &[f64], min: usize) -> Result<(), Error> {
    Mismatch::check("values", a.len(), b.len())?;
    if a.len() < min {
        return Err(TooShort::new("values", a.len(), min).into());
    }
    NotFinite::check_f64("value", a)?;
    NotFinite::check_f64("value", b)?;
    Ok(())
}

/// Checks weights against the number of items: finite, not negative, with a positive sum.
fn check_weights(weights: &[f64], items: usize) -> Result<(), Error> {
    Mismatch::check("weights", items, weights.len())?;
    NotFinite::check_f64("weight", weights)?;
    if let Some(w) = weights.iter().find(|w| **w < 0.0) {
        return Err(Parameter::new("weight", *w, "0 or more").into());
    }
    if weights.iter().sum::<f64>() > 0.0 {
        Ok(())
    } else {
        Err(Parameter::new("sum of weights", 0.0, "above 0").into())
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}
