use crate::error::Mismatch;
use crate::{Error, Rows};

/// Anything that gives one number for each row of a table: a probability, a score, a measurement.
///
/// What explains, calibrates or tests a model needs nothing more. A function of one row is a model already:
///
/// ```
/// use eir_core::{Model, Rows};
/// let sum = |row: &[f64]| row.iter().sum::<f64>();
/// assert_eq!(sum.predict(Rows::new(&[1.0, 2.0, 3.0, 4.0], 2)?)?, [3.0, 7.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
pub trait Model {
    /// Writes one number per row into `out`.
    ///
    /// # Errors
    /// If the model refuses the rows (their number of columns), or `out` is not one per row.
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error>;

    /// As [`predict_into`](Self::predict_into), into a new vector.
    ///
    /// # Errors
    /// As `predict_into`.
    fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, Error> {
        let mut out = vec![0.0; rows.len()];
        self.predict_into(rows, &mut out)?;
        Ok(out)
    }
}

impl<F: Fn(&[f64]) -> f64> Model for F {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        out.iter_mut().zip(rows).for_each(|(to, row)| *to = self(row));
        Ok(())
    }
}

/// A model that also knows how its number changes with each feature.
pub trait Differentiable: Model {
    /// Writes ∂f/∂xⱼ at `x` into `out`, and gives f(x).
    ///
    /// # Errors
    /// If the model refuses `x`, or `out` is not as long.
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error>;
}
