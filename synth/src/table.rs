//! Tables of mixed kinds with missing values.

use crate::Result;
use eir_core::error::{Mismatch, Parameter, TooShort, Unsupported};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// Numbers with a fixed number of decimals.
    Continuous,
    /// Whole numbers.
    Integer,
    /// One of a list of levels.
    Categorical,
    /// True or false.
    Boolean,
    /// A day.
    Date,
}

/// The values of a column; `None` is missing, and never a number that stands for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Values {
    /// Finite numbers, written with `decimals` digits behind the point (more than 15: as many as needed).
    Continuous {
        /// The numbers.
        values: Vec<Option<f64>>,
        /// Digits behind the point.
        decimals: u8,
    },
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Positions in `levels`.
    Categorical {
        /// Position of each row's level.
        codes: Vec<Option<u32>>,
        /// The levels' names.
        levels: Vec<String>,
    },
    /// Truth values.
    Boolean(Vec<Option<bool>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
}

/// A named column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Values,
}

impl Column {
    /// The column `name` with `values`.
    #[must_use]
    pub fn new(name: impl Into<String>, values: Values) -> Self {
        Self { name: name.into(), values }
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.values {
            Values::Continuous { .. } => Kind::Continuous,
            Values::Integer(_) => Kind::Integer,
            Values::Categorical { .. } => Kind::Categorical,
            Values::Boolean(_) => Kind::Boolean,
            Values::Date(_) => Kind::Date,
        }
    }

    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Continuous { values, .. } => values.len(),
            Values::Integer(values) => values.len(),
            Values::Categorical { codes, .. } => codes.len(),
            Values::Boolean(values) => values.len(),
            Values::Date(values) => values.len(),
        }
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the values have a size: continuous, integer, date.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        !matches!(self.values, Values::Categorical { .. } | Values::Boolean(_))
    }

    /// The values as numbers: a date is its day, a truth value 0 or 1, a level its position.
    #[must_use]
    pub fn numbers(&self) -> Cow<'_, [Option<f64>]> {
        match &self.values {
            Values::Continuous { values, .. } => Cow::Borrowed(values),
            Values::Integer(values) => values.iter().map(|v| v.map(|x| x as f64)).collect(),
            Values::Categorical { codes, .. } => codes.iter().map(|v| v.map(f64::from)).collect(),
            Values::Boolean(values) => values.iter().map(|v| v.map(|x| f64::from(u8::from(x)))).collect(),
            Values::Date(values) => values.iter().map(|v| v.map(f64::from)).collect(),
        }
    }

    /// The names of the levels of a categorical or boolean column, by position; none for a numeric one.
    #[must_use]
    pub fn levels(&self) -> Vec<&str> {
        match &self.values {
            Values::Categorical { levels, .. } => levels.iter().map(String::as_str).collect(),
            Values::Boolean(_) => vec!["false", "true"],
            _ => Vec::new(),
        }
    }

    /// Rows without a value.
    #[must_use]
    pub fn missing(&self) -> usize {
        match &self.values {
            Values::Continuous { values, .. } => values.iter().filter(|v| v.is_none()).count(),
            Values::Integer(values) => values.iter().filter(|v| v.is_none()).count(),
            Values::Categorical { codes, .. } => codes.iter().filter(|v| v.is_none()).count(),
            Values::Boolean(values) => values.iter().filter(|v| v.is_none()).count(),
            Values::Date(values) => values.iter().filter(|v| v.is_none()).count(),
        }
    }

    /// The same kind, levels and decimals with the values that `numbers` stand for, as [`numbers`](Self::numbers) gives
    /// them; what cannot be such a value becomes missing.
    #[must_use]
    pub(crate) fn with_numbers(&self, numbers: impl Iterator<Item = Option<f64>>) -> Self {
        let values = match &self.values {
            Values::Continuous { decimals, .. } => {
                let finite = numbers.map(|v| v.filter(|x| x.is_finite()).map(|x| rounded(x, *decimals)));
                Values::Continuous { values: finite.collect(), decimals: *decimals }
            }
            Values::Integer(_) => Values::Integer(numbers.map(|v| v.map(|x| x.round() as i64)).collect()),
            Values::Categorical { levels, .. } => {
                let code = |x: f64| (x >= 0.0 && x < levels.len() as f64).then_some(x as u32);
                Values::Categorical { codes: numbers.map(|v| v.and_then(code)).collect(), levels: levels.clone() }
            }
            Values::Boolean(_) => Values::Boolean(numbers.map(|v| v.map(|x| x >= 0.5)).collect()),
            Values::Date(_) => Values::Date(numbers.map(|v| v.map(|x| x.round() as i32)).collect()),
        };
        Self { name: self.name.clone(), values }
    }

    fn check(&self) -> Result<()> {
        match &self.values {
            Values::Continuous { values, .. } => {
                if let Some(row) = values.iter().position(|v| v.is_some_and(|x| !x.is_finite())) {
                    let found = format!("NaN or infinite in row {row}: a missing value is None");
                    return Err(Mismatch::new(format!("column {}", self.name), "finite numbers", found).into());
                }
            }
            Values::Categorical { codes, levels } => {
                let known = |v: &Option<u32>| v.is_none_or(|c| (c as usize) < levels.len());
                if let Some(row) = codes.iter().position(|v| !known(v)) {
                    let what = format!("column {}", self.name);
                    return Err(Mismatch::new(
                        what,
                        format!("codes below {}", levels.len()),
                        format!("another in row {row}"),
                    )
                    .into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `value` with `decimals` digits behind the point.
fn rounded(value: f64, decimals: u8) -> f64 {
    if decimals > 15 {
        return value;
    }
    let scale = 10f64.powi(i32::from(decimals));
    let scaled = (value * scale).round() / scale;
    if scaled.is_finite() { scaled + 0.0 } else { value }
}

/// Columns of equal length with different names.
///
/// **Use it** for one row per patient. **Not** for several rows per patient: the methods here take rows as independent.
///
/// ```
/// use eir_synth::{Column, Kind, Table, Values};
/// let table = Table::new(vec![
///     Column::new("age", Values::Integer(vec![Some(61), None, Some(47)])),
///     Column::new("sex", Values::Categorical { codes: vec![Some(0), Some(1), Some(0)], levels: vec!["F".into(), "M".into()] }),
/// ])?;
/// assert_eq!((table.rows(), table.column("age")?.missing()), (3, 1));
/// assert_eq!(table.column("sex")?.kind(), Kind::Categorical);
/// # Ok::<(), eir_synth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Table {
    columns: Vec<Column>,
}

impl Table {
    /// A table of `columns`.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if lengths differ, a name comes twice, a number is not finite or a code
    /// has no level.
    pub fn new(columns: Vec<Column>) -> Result<Self> {
        let rows = columns.first().map_or(0, Column::len);
        let mut names = std::collections::HashSet::new();
        for column in &columns {
            if column.len() != rows {
                return Err(Mismatch::new(format!("rows of column {}", column.name), rows, column.len()).into());
            }
            if !names.insert(column.name.as_str()) {
                return Err(Mismatch::new("names of the columns", "each once", format!("{} twice", column.name)).into());
            }
            column.check()?;
        }
        Ok(Self { columns })
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    /// All columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column `name`.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if there is none.
    pub fn column(&self, name: &str) -> Result<&Column> {
        let found = self.columns.iter().find(|c| c.name == name);
        found.ok_or_else(|| Mismatch::new("columns of the table", format!("one named {name}"), "none").into())
    }

    /// The table with these columns only, in this order.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if one is missing or named twice.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        Self::new(names.iter().map(|n| self.column(n.as_ref()).cloned()).collect::<Result<_>>()?)
    }

    /// The table without these columns: identifiers, free text.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if one is missing.
    pub fn without<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        for name in names {
            self.column(name.as_ref())?;
        }
        let stays = |c: &&Column| names.iter().all(|n| n.as_ref() != c.name);
        Self::new(self.columns.iter().filter(stays).cloned().collect())
    }

    /// An error unless `other` has columns of the same names, order and nature (numeric or not).
    pub(crate) fn check_alike(&self, other: &Self) -> Result<()> {
        Mismatch::check("columns of the two tables", self.columns.len(), other.columns.len())?;
        for (a, b) in self.columns.iter().zip(&other.columns) {
            if a.name != b.name || a.is_numeric() != b.is_numeric() {
                let show = |c: &Column| format!("{} ({:?})", c.name, c.kind());
                return Err(Mismatch::new("columns of the two tables", show(a), show(b)).into());
            }
        }
        Ok(())
    }

    /// An error if there are less than `min` rows or no columns.
    pub(crate) fn check_rows(&self, min: usize) -> Result<()> {
        if self.columns.is_empty() {
            return Err(TooShort::new("columns of the table", 0, 1).into());
        }
        if self.rows() < min { Err(TooShort::new("rows of the table", self.rows(), min).into()) } else { Ok(()) }
    }

    /// An error that names the first column that looks like an identifier or free text: a categorical one with a level of
    /// its own for more than half of at least 50 rows.
    pub(crate) fn check_no_identifier(&self) -> Result<()> {
        for column in &self.columns {
            if let Values::Categorical { levels, .. } = &column.values {
                let present = column.len() - column.missing();
                if present >= 50 && levels.len() * 2 > present {
                    let what = format!("column {}, which has a level of its own for most rows,", column.name);
                    return Err(
                        Unsupported::new(what, "leave identifiers and free text out with Table::without").into()
                    );
                }
            }
        }
        Ok(())
    }

    /// Tables below one another; the columns must be equal in name, kind, levels and decimals.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) names the first column that differs, or if there is no table.
    pub fn concatenated(tables: &[Self]) -> Result<Self> {
        let Some(first) = tables.first() else {
            return Err(Parameter::new("tables", 0.0, "at least 1").into());
        };
        let columns = first.columns.iter().enumerate().map(|(at, column)| {
            let mut all = Vec::with_capacity(tables.iter().map(Self::rows).sum());
            for table in tables {
                let other = table.columns.get(at).filter(|c| same_layout(c, column));
                let other =
                    other.ok_or_else(|| Mismatch::new("columns of the tables", &column.name, "another layout"))?;
                all.extend_from_slice(&other.numbers());
            }
            Ok(column.with_numbers(all.into_iter()))
        });
        Self::new(columns.collect::<Result<_>>()?)
    }
}

fn same_layout(a: &Column, b: &Column) -> bool {
    let inside = match (&a.values, &b.values) {
        (Values::Continuous { decimals: p, .. }, Values::Continuous { decimals: q, .. }) => p == q,
        (Values::Categorical { levels: p, .. }, Values::Categorical { levels: q, .. }) => p == q,
        _ => true,
    };
    a.name == b.name && a.kind() == b.kind() && inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_without_values() {
        let column =
            |name: &str, values: Vec<Option<f64>>| Column::new(name, Values::Continuous { values, decimals: 1 });
        let text = |columns| Table::new(columns).unwrap_err().to_string();
        assert!(text(vec![column("a", vec![None]), column("b", vec![])]).contains("rows of column b"));
        assert!(text(vec![column("a", vec![]), column("a", vec![])]).contains("a twice"));
        assert!(text(vec![column("a", vec![Some(f64::NAN)])]).contains("row 0"));
        let codes = Values::Categorical { codes: vec![Some(7)], levels: vec!["secret".into()] };
        assert!(!text(vec![Column::new("a", codes)]).contains("secret"));
    }

    #[test]
    fn tables_join_and_part() {
        let days = Column::new("d", Values::Date(vec![Some(3), None]));
        let flags = Column::new("f", Values::Boolean(vec![Some(true), Some(false)]));
        let table = Table::new(vec![days, flags]).unwrap();
        let twice = Table::concatenated(&[table.clone(), table.clone()]).unwrap();
        assert_eq!(twice.column("d").unwrap().values, Values::Date(vec![Some(3), None, Some(3), None]));
        assert_eq!(table.without(&["d"]).unwrap(), table.select(&["f"]).unwrap());
        assert!(table.without(&["x"]).is_err());
        assert!(Table::concatenated(&[table.clone(), table.select(&["f", "d"]).unwrap()]).is_err());
    }
}
