use crate::Error;
use crate::error::{Mismatch, NotFinite, TooShort};

/// A borrowed table of numbers, row after row: one row per case, one column per feature.
///
/// Every value is finite: that is checked once, here.
///
/// ```
/// use eir_core::Rows;
/// let table = Rows::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2)?;
/// assert_eq!((table.len(), table.columns()), (3, 2));
/// assert_eq!(table.row(1), [3.0, 4.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rows<'a> {
    values: &'a [f64],
    columns: usize,
}

impl<'a> Rows<'a> {
    /// Looks at `values` as rows of `columns` numbers.
    ///
    /// # Errors
    /// No column, a last row that is not full, or a value that is NaN or infinite (its position counts through the
    /// whole table).
    pub fn new(values: &'a [f64], columns: usize) -> Result<Self, Error> {
        if columns == 0 {
            return Err(TooShort::new("columns", 0, 1).into());
        }
        if !values.len().is_multiple_of(columns) {
            return Err(Mismatch::new("values in the last row", columns, values.len() % columns).into());
        }
        NotFinite::check_f64("value", values)?;
        Ok(Self { values, columns })
    }

    /// As [`new`](Self::new), of values that came out of a checked table.
    pub(crate) fn known(values: &'a [f64], columns: usize) -> Self {
        Self { values, columns }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of columns, at least 1.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row after row.
    #[must_use]
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Row `index`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> &'a [f64] {
        &self.values[index * self.columns..(index + 1) * self.columns]
    }

    /// The rows in their order.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f64> {
        self.values.chunks_exact(self.columns)
    }

    /// Copies the rows at `indices`, in that order.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Vec<f64> {
        indices.iter().flat_map(|i| self.row(*i)).copied().collect()
    }

    /// An error unless there are as many `labels` (or targets, or weights: the name in the error) as rows, and at least
    /// `min`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] and [`Error::TooShort`].
    pub fn check(&self, labels: &'static str, len: usize, min: usize) -> Result<(), Error> {
        Mismatch::check(labels, self.len(), len)?;
        if self.len() < min { Err(TooShort::new("rows", self.len(), min).into()) } else { Ok(()) }
    }
}

impl<'a> IntoIterator for Rows<'a> {
    type Item = &'a [f64];
    type IntoIter = std::slice::ChunksExact<'a, f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        assert!(matches!(Rows::new(&[1.0], 0), Err(Error::TooShort(_))));
        assert!(matches!(Rows::new(&[1.0, 2.0, 3.0], 2), Err(Error::Mismatch(_))));
        assert!(matches!(Rows::new(&[1.0, f64::NAN], 2), Err(Error::NotFinite(e)) if e.index == 1));
        assert!(Rows::new(&[], 3).unwrap().is_empty());
        assert_eq!(Rows::new(&[1.0, 2.0, 3.0], 1).unwrap().select(&[2, 0]), [3.0, 1.0]);
    }
}
