use crate::error::{NotFinite, Parameter};
use crate::metrics::check_weights;
use crate::{Error, Rows};

/// Rows and nodes are counted in 32 bits.
const MAX_ROWS: usize = 1 << 30;

/// What a tree model learns: labels (then it predicts the probability of `true`) or values.
///
/// Slices, arrays and vectors of `bool` and `f64` turn into it by themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Targets<'a> {
    /// Two classes.
    Labels(&'a [bool]),
    /// Any finite numbers.
    Values(&'a [f64]),
}

impl Targets<'_> {
    pub(crate) fn is_labels(self) -> bool {
        matches!(self, Self::Labels(_))
    }

    /// The targets as numbers (labels as 0 and 1), checked against the rows, of which there must be `min`.
    pub(crate) fn numbers(self, rows: Rows<'_>, min: usize) -> Result<Vec<f64>, Error> {
        if rows.len() > MAX_ROWS {
            return Err(Parameter::new("rows", rows.len() as f64, "at most 2^30").into());
        }
        match self {
            Self::Labels(labels) => {
                rows.check("labels", labels.len(), min)?;
                Ok(labels.iter().map(|l| f64::from(u8::from(*l))).collect())
            }
            Self::Values(values) => {
                rows.check("targets", values.len(), min)?;
                NotFinite::check_f64("target", values)?;
                Ok(values.to_vec())
            }
        }
    }

    /// As [`numbers`](Self::numbers); labels must be of both classes among the rows with a weight above 0.
    pub(crate) fn two_classes(self, rows: Rows<'_>, weights: Option<&[f64]>) -> Result<Vec<f64>, Error> {
        let numbers = self.numbers(rows, 2)?;
        if let Some(weights) = weights {
            check_weights(weights, rows.len())?;
        }
        let has = |label: f64| (0..numbers.len()).any(|i| numbers[i] == label && weights.is_none_or(|w| w[i] > 0.0));
        if self.is_labels() && !(has(0.0) && has(1.0)) { Err(Error::OneClass) } else { Ok(numbers) }
    }
}

macro_rules! targets_from {
    ($variant:ident, $of:ty) => {
        impl<'a> From<&'a [$of]> for Targets<'a> {
            fn from(targets: &'a [$of]) -> Self {
                Self::$variant(targets)
            }
        }
        impl<'a> From<&'a Vec<$of>> for Targets<'a> {
            fn from(targets: &'a Vec<$of>) -> Self {
                Self::$variant(targets)
            }
        }
        impl<'a, const N: usize> From<&'a [$of; N]> for Targets<'a> {
            fn from(targets: &'a [$of; N]) -> Self {
                Self::$variant(targets)
            }
        }
    };
}

targets_from!(Labels, bool);
targets_from!(Values, f64);
