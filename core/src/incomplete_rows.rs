use crate::error::{Mismatch, NotFinite, TooShort};
use crate::{Error, Rows};

/// A borrowed table of numbers in which NaN is a missing value; otherwise as [`Rows`].
///
/// **Use it** with what takes it: `learn::HistogramBoosting` learns where missing values go, and `explain::TreeShap`
/// explains such a model. All else takes [`Rows`], which have no gaps: fill them
/// first, inside of each training fold.
///
/// ```
/// use eir_core::{IncompleteRows, Rows};
/// let table = IncompleteRows::new(&[1.0, f64::NAN, 3.0, 4.0], 2)?;
/// assert_eq!((table.len(), table.missing()), (2, 1));
/// assert!(Rows::new(table.values(), 2).is_err());
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IncompleteRows<'a>(Rows<'a>);

impl<'a> IncompleteRows<'a> {
    /// Looks at `values` as rows of `columns` numbers.
    ///
    /// # Errors
    /// No column, a last row that is not full, or a value that is infinite (its position counts through the whole table).
    pub fn new(values: &'a [f64], columns: usize) -> Result<Self, Error> {
        if columns == 0 {
            return Err(TooShort::new("columns", 0, 1).into());
        }
        if !values.len().is_multiple_of(columns) {
            return Err(Mismatch::new("values in the last row", columns, values.len() % columns).into());
        }
        match values.iter().position(|v| v.is_infinite()) {
            Some(index) => Err(NotFinite { what: "value", index }.into()),
            None => Ok(Self(Rows::known(values, columns))),
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of columns, at least 1.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.0.columns()
    }

    /// All values, row after row.
    #[must_use]
    pub fn values(&self) -> &'a [f64] {
        self.0.values()
    }

    /// Number of values that are missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.values().iter().filter(|v| v.is_nan()).count()
    }

    /// The rows as such without a gap, for code that knows of NaN.
    #[cfg_attr(not(feature = "learn"), expect(dead_code, reason = "trees alone take gaps"))]
    pub(crate) fn with_gaps(self) -> Rows<'a> {
        self.0
    }
}

impl<'a> From<Rows<'a>> for IncompleteRows<'a> {
    fn from(rows: Rows<'a>) -> Self {
        Self(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        assert!(matches!(IncompleteRows::new(&[1.0], 0), Err(Error::TooShort(_))));
        assert!(matches!(IncompleteRows::new(&[1.0, 2.0, 3.0], 2), Err(Error::Mismatch(_))));
        assert!(matches!(IncompleteRows::new(&[f64::NAN, f64::INFINITY], 2), Err(Error::NotFinite(e)) if e.index == 1));
        let complete: IncompleteRows<'_> = Rows::new(&[1.0, 2.0], 2).unwrap().into();
        assert_eq!((complete.missing(), complete.columns(), complete.is_empty()), (0, 2, false));
    }
}
