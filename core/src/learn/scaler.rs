use super::design::{column_means, sum_over_chunks};
use crate::error::{Mismatch, Parameter};
use crate::metrics::sorted_quantile;
use crate::order::ascending;
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Scales each column to mean 0 and standard deviation 1.
///
/// **Use it** before every model whose penalty or distance sees the units of the columns, fitted on the training rows
/// only. **Not** where outliers set the standard deviation: see [`RobustScaler`].
///
/// # Formula
/// (x − mean) / sd, with the sd of the population (1/n). A constant column becomes 0.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::StandardScaler};
/// let rows = Rows::new(&[1.0, 2.0, 3.0, 4.0], 1)?;
/// let scaler = StandardScaler::default().fit(rows)?;
/// assert!((scaler.transform(rows)?[3] - 1.3416407864998738).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooShort`] without a row.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StandardScaler {}

/// Scales each column to median 0 and a distance of 1 between two quantiles.
///
/// **Use it** as [`StandardScaler`], where a few values lie far out.
///
/// # Formula
/// (x − median) / (upper quantile − lower quantile), quantiles of type 7. A column with equal quantiles is only shifted.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::RobustScaler};
/// let rows = Rows::new(&[1.0, 2.0, 3.0, 4.0, 1000.0], 1)?;
/// let scaler = RobustScaler::default().fit(rows)?;
/// assert_eq!((scaler.centre[0], scaler.scale[0]), (3.0, 2.0));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] without a row, or for quantiles out of range.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RobustScaler {
    /// Lower quantile, 0 to below `upper`. Default 0.25.
    pub lower: f64,
    /// Upper quantile, at most 1. Default 0.75.
    pub upper: f64,
}

impl Default for RobustScaler {
    fn default() -> Self {
        Self { lower: 0.25, upper: 0.75 }
    }
}

/// A fitted scaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scaler {
    /// What is taken from each column.
    pub centre: Vec<f64>,
    /// What each column is then divided by, above 0.
    pub scale: Vec<f64>,
}

impl StandardScaler {
    /// Measures the columns of `rows`.
    ///
    /// # Errors
    /// [`Error::TooShort`] without a row.
    pub fn fit(&self, rows: Rows<'_>) -> Result<Scaler, Error> {
        rows.check("rows", rows.len(), 1)?;
        let centre = column_means(rows, None);
        let squares = sum_over_chunks(rows.len(), rows.columns(), |range, sums| {
            for i in range {
                sums.iter_mut().zip(rows.row(i)).zip(&centre).for_each(|((s, x), m)| *s += (x - m) * (x - m));
            }
        });
        // a constant column can miss its own mean by rounding
        let sd = |(square, mean): (&f64, &f64)| match (square / rows.len() as f64).sqrt() {
            sd if sd > 10.0 * f64::EPSILON * mean.abs() => sd,
            _ => 1.0,
        };
        let scale = squares.iter().zip(&centre).map(sd).collect();
        Ok(Scaler { centre, scale })
    }
}

impl RobustScaler {
    /// Sets [`lower`](Self::lower) and [`upper`](Self::upper).
    #[must_use]
    pub fn with_quantiles(self, lower: f64, upper: f64) -> Self {
        Self { lower, upper }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if !(0.0..1.0).contains(&self.lower) {
            return Err(Parameter::new("lower", self.lower, "0 to below 1").into());
        }
        if !(self.upper > self.lower && self.upper <= 1.0) {
            return Err(Parameter::new("upper", self.upper, "above lower and at most 1").into());
        }
        Ok(())
    }

    /// Measures the columns of `rows`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>) -> Result<Scaler, Error> {
        self.validate()?;
        rows.check("rows", rows.len(), 1)?;
        let (mut centre, mut scale) = (Vec::new(), Vec::new());
        for j in 0..rows.columns() {
            let mut column: Vec<f64> = rows.iter().map(|row| row[j]).collect();
            ascending(&mut column);
            // there is a row, so that each quantile has a value
            let at = |share: f64| sorted_quantile(&column, share).unwrap_or(f64::NAN);
            centre.push(at(0.5));
            let range = at(self.upper) - at(self.lower);
            scale.push(if range > 0.0 { range } else { 1.0 });
        }
        Ok(Scaler { centre, scale })
    }
}

impl Scaler {
    /// Writes the scaled rows into `out`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns or of places.
    pub fn transform_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.each(rows, out, |x, centre, scale| (x - centre) / scale)
    }

    /// As [`transform_into`](Self::transform_into), into a new vector.
    ///
    /// # Errors
    /// As `transform_into`.
    pub fn transform(&self, rows: Rows<'_>) -> Result<Vec<f64>, Error> {
        let mut out = vec![0.0; rows.values().len()];
        self.transform_into(rows, &mut out)?;
        Ok(out)
    }

    /// Writes the rows in their own units into `out`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns or of places.
    pub fn inverse_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.each(rows, out, |x, centre, scale| x * scale + centre)
    }

    fn each(&self, rows: Rows<'_>, out: &mut [f64], f: impl Fn(f64, f64, f64) -> f64) -> Result<(), Error> {
        Mismatch::check("columns", self.centre.len(), rows.columns())?;
        Mismatch::check("scales", self.centre.len(), self.scale.len())?;
        Mismatch::check("places for values", rows.values().len(), out.len())?;
        for (to, row) in out.chunks_exact_mut(rows.columns()).zip(rows) {
            for ((to, x), (centre, scale)) in to.iter_mut().zip(row).zip(self.centre.iter().zip(&self.scale)) {
                *to = f(*x, *centre, *scale);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_columns_are_shifted_and_come_back() {
        let x: Vec<f64> = (0..10).flat_map(|i| [0.1, f64::from(i)]).collect();
        let rows = Rows::new(&x, 2).unwrap();
        for scaler in [StandardScaler::default().fit(rows).unwrap(), RobustScaler::default().fit(rows).unwrap()] {
            assert_eq!(scaler.scale[0], 1.0);
            let scaled = scaler.transform(rows).unwrap();
            let mut back = vec![0.0; x.len()];
            scaler.inverse_into(Rows::new(&scaled, 2).unwrap(), &mut back).unwrap();
            assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-14));
            assert!(scaler.transform(Rows::new(&x, 1).unwrap()).is_err());
        }
        assert!(RobustScaler::default().with_quantiles(0.5, 0.5).validate().is_err());
    }
}
