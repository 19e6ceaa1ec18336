//! A contour of several values per frame, as spectra and coefficients are.

use eir_core::error::Mismatch;

/// A table with one row of `width` values per frame; frame `i` belongs to the time `t1_s + i * step_s`.
///
/// # Examples
/// ```
/// use eir_audio::FrameTable;
/// let table = FrameTable::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, 0.0, 0.01)?;
/// assert_eq!(table.row(1), [4.0, 5.0, 6.0]);
/// assert_eq!(table.time_s(1), 0.01);
/// # Ok::<(), eir_core::error::Mismatch>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct FrameTable {
    /// The values, row after row.
    pub values: Vec<f32>,
    /// Values of each row.
    pub width: usize,
    /// Time of the first row in seconds.
    pub t1_s: f64,
    /// Time between rows in seconds.
    pub step_s: f64,
}

impl FrameTable {
    /// A table of `values` in rows of `width`.
    ///
    /// # Errors
    /// [`Mismatch`] unless the values fill whole rows.
    pub fn new(values: Vec<f32>, width: usize, t1_s: f64, step_s: f64) -> Result<Self, Mismatch> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Mismatch::new("values in whole rows", width, values.len()));
        }
        Ok(Self { values, width, t1_s, step_s })
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row `index`; empty where there is none.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        let start = index.saturating_mul(self.width);
        self.values.get(start..start.saturating_add(self.width)).unwrap_or_default()
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// The time of row `index` in seconds.
    #[must_use]
    pub fn time_s(&self, index: usize) -> f64 {
        self.t1_s + index as f64 * self.step_s
    }
}
