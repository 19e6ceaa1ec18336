use super::design::{Design, Last, column_means};
use super::eigen::symmetric_eigen;
use crate::error::{Mismatch, Parameter};
use crate::linalg::{add_scaled, dot};
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Principal components: the directions in which the rows vary most.
///
/// **Use it** to look at many columns in two, or to drop directions that are noise. **Not** on columns in different units
/// without scaling, nor to find what tells classes apart: variance need not.
///
/// # Formula
/// Eigenvectors of the covariance Σ (x − x̄)(x − x̄)ᵀ / (n − 1), largest eigenvalue first; by Householder and QL, on the
/// products of the rows where there are fewer rows than columns. The sign is such that the largest loading is positive.
///
/// # Parameters
/// `components` (default all), `whiten`.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::Pca};
/// let rows = Rows::new(&[1.0, 2.0, 2.0, 4.1, 3.0, 5.9, 4.0, 8.0], 2)?;
/// let fit = Pca::default().with_components(1).fit(rows)?;
/// assert!(fit.explained_ratio[0] > 0.999);
/// assert!((fit.component(0)[1] / fit.component(0)[0] - 1.98).abs() < 0.01);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for fewer than 2 rows, more components than columns or than rows less 1 (rows, where there are as many as
/// columns), and rows that are all the same.
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-9 on `reference/core/unsupervised.json`.
///
/// # References
/// Jolliffe 2002, doi:10.1007/b98835.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pca {
    /// How many components to keep, 1 to the number of columns; none keeps all. Default none.
    pub components: Option<usize>,
    /// Whether what is transformed has variance 1 in each component. Default false.
    pub whiten: bool,
}

/// A fitted [`Pca`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PcaModel {
    /// Means of the columns.
    pub mean: Vec<f64>,
    /// Variance along each component.
    pub explained_variance: Vec<f64>,
    /// Its share of the variance of all columns.
    pub explained_ratio: Vec<f64>,
    /// The components, one after the other.
    components: Vec<f64>,
    /// What a transformed value is multiplied with: 1, or 1 / its standard deviation.
    factors: Vec<f64>,
}

impl Pca {
    /// Sets [`components`](Self::components).
    #[must_use]
    pub fn with_components(self, components: usize) -> Self {
        Self { components: Some(components), ..self }
    }

    /// Sets [`whiten`](Self::whiten).
    #[must_use]
    pub fn with_whiten(self, whiten: bool) -> Self {
        Self { whiten, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn validate(&self) -> Result<(), Error> {
        if self.components == Some(0) { Err(Parameter::new("components", 0.0, "1 or more").into()) } else { Ok(()) }
    }

    /// Finds the components of `rows`.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>) -> Result<PcaModel, Error> {
        self.validate()?;
        let (n, p) = (rows.len(), rows.columns());
        rows.check("rows", n, 2)?;
        let most = if n < p { n - 1 } else { p };
        let count = self.components.unwrap_or(most);
        if count > most {
            return Err(Mismatch::new("components", format!("at most {most}"), count).into());
        }
        let mean = column_means(rows, None);
        let degrees = (n - 1) as f64;
        let (values, mut components, total) = if n < p { from_rows(rows, &mean) } else { from_columns(rows, &mean) }?;
        if total <= 0.0 {
            return Err(Error::Undefined("a principal component"));
        }
        components.truncate(count * p);
        components.chunks_exact_mut(p).for_each(turn);
        let explained_variance: Vec<f64> = values[..count].iter().map(|v| v.max(0.0) / degrees).collect();
        let explained_ratio = values[..count].iter().map(|v| v.max(0.0) / total).collect();
        let floor = p as f64 * f64::EPSILON * total / degrees; // what is below is rounding, and stays 0
        let factor = |v: &f64| match self.whiten {
            true if *v > floor => 1.0 / v.sqrt(),
            true => 0.0,
            false => 1.0,
        };
        let factors = explained_variance.iter().map(factor).collect();
        Ok(PcaModel { mean, explained_variance, explained_ratio, components, factors })
    }
}

/// Sums of squares along the components, the components, and the sum of all squares.
type Parts = (Vec<f64>, Vec<f64>, f64);

fn from_columns(rows: Rows<'_>, mean: &[f64]) -> Result<Parts, Error> {
    let p = rows.columns();
    let gram = Design::new(rows, mean.to_vec(), Last::Nothing).gram(None);
    let total = gram.iter().step_by(p + 1).sum();
    let (values, vectors) = symmetric_eigen(&gram, p).ok_or(TOO_LARGE)?;
    Ok((values, vectors, total))
}

/// Fewer rows than columns: XXᵀ is smaller than XᵀX, and Xᵀu / |Xᵀu| is a component for each of its eigenvectors u.
fn from_rows(rows: Rows<'_>, mean: &[f64]) -> Result<Parts, Error> {
    let (n, p) = (rows.len(), rows.columns());
    let centred: Vec<f64> = rows.iter().flat_map(|row| row.iter().zip(mean).map(|(x, m)| x - m)).collect();
    let row = |i: usize| &centred[i * p..(i + 1) * p];
    let gram: Vec<f64> = (0..n * n).map(|k| dot(row(k / n), row(k % n))).collect();
    let total = gram.iter().step_by(n + 1).sum();
    let (values, vectors) = symmetric_eigen(&gram, n).ok_or(TOO_LARGE)?;
    let mut components = vec![0.0; n * p];
    for (component, u) in components.chunks_exact_mut(p).zip(vectors.chunks_exact(n)) {
        u.iter().enumerate().for_each(|(i, u)| add_scaled(component, *u, row(i)));
        let norm = dot(component, component).sqrt();
        component.iter_mut().for_each(|c| *c /= if norm > 0.0 { norm } else { 1.0 });
    }
    Ok((values, components, total))
}

const TOO_LARGE: Error =
    Error::NoOptimum { what: "principal components", reason: "squares overflow: scale the columns" };

/// Makes the largest loading positive.
fn turn(component: &mut [f64]) {
    let largest = component.iter().fold(0.0f64, |l, c| if c.abs() > l.abs() { *c } else { l });
    if largest < 0.0 {
        component.iter_mut().for_each(|c| *c = -*c);
    }
}

impl PcaModel {
    /// Component `index`: a direction of length 1.
    ///
    /// # Panics
    /// If there is no such component.
    #[must_use]
    pub fn component(&self, index: usize) -> &[f64] {
        let p = self.mean.len();
        &self.components[index * p..(index + 1) * p]
    }

    /// Writes the coordinates of each row along the components into `out`, row after row.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns, or places that are not rows × components.
    pub fn transform_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        let (p, count) = (self.mean.len(), self.factors.len());
        Mismatch::check("columns", p, rows.columns())?;
        Mismatch::check("components", count * p, self.components.len())?;
        Mismatch::check("places for coordinates", rows.len() * count, out.len())?;
        for (row, to) in rows.iter().zip(out.chunks_exact_mut(count.max(1))) {
            for ((to, component), factor) in to.iter_mut().zip(self.components.chunks_exact(p)).zip(&self.factors) {
                *to = factor * row.iter().zip(&self.mean).zip(component).map(|((x, m), c)| (x - m) * c).sum::<f64>();
            }
        }
        Ok(())
    }

    /// As [`transform_into`](Self::transform_into), into a new vector.
    ///
    /// # Errors
    /// As `transform_into`.
    pub fn transform(&self, rows: Rows<'_>) -> Result<Vec<f64>, Error> {
        let mut out = vec![0.0; rows.len() * self.factors.len()];
        self.transform_into(rows, &mut out)?;
        Ok(out)
    }

    /// Writes the rows that have these coordinates (row after row) into `out`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a number of coordinates or places that does not fit.
    pub fn inverse_into(&self, coordinates: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        let (p, count) = (self.mean.len(), self.factors.len());
        Mismatch::check("coordinates", count, coordinates.columns())?;
        Mismatch::check("places for rows", coordinates.len() * p, out.len())?;
        for (from, to) in coordinates.iter().zip(out.chunks_exact_mut(p.max(1))) {
            to.copy_from_slice(&self.mean);
            for ((x, component), factor) in from.iter().zip(self.components.chunks_exact(p)).zip(&self.factors) {
                add_scaled(to, if *factor > 0.0 { x / factor } else { 0.0 }, component);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::testing::contract;

    #[test]
    fn few_rows_and_many_give_the_same_components() {
        let mut stream = Generator::new(5, "test").stream(0);
        let x: Vec<f64> = (0..6 * 9).map(|_| stream.normal()).collect();
        let rows = Rows::new(&x, 9).unwrap();
        let short = Pca::default().fit(rows).unwrap();
        let (values, vectors, total) = from_columns(rows, &short.mean).unwrap();
        assert_eq!(short.explained_variance.len(), 5);
        for k in 0..5 {
            assert!((short.explained_ratio[k] - values[k] / total).abs() < 1e-14);
            assert!((dot(short.component(k), &vectors[k * 9..][..9]).abs() - 1.0).abs() < 1e-12);
        }
        let mut back = vec![0.0; x.len()];
        let white = Pca::default().with_whiten(true).fit(rows).unwrap();
        let coordinates = white.transform(rows).unwrap();
        white.inverse_into(Rows::new(&coordinates, 5).unwrap(), &mut back).unwrap();
        assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-12));
        let squares: f64 = coordinates.iter().step_by(5).map(|c| c * c).sum();
        assert!((squares / 5.0 - 1.0).abs() < 1e-12);
        contract::serde_round_trip(&white);
    }

    #[test]
    fn constant_rows_have_no_direction() {
        assert!(matches!(Pca::default().fit(Rows::new(&[2.0; 6], 2).unwrap()), Err(Error::Undefined(_))));
        assert!(Pca::default().fit(Rows::new(&[2.0, 1.0], 2).unwrap()).is_err());
        assert!(Pca::default().with_components(3).fit(Rows::new(&[2.0, 1.0, 0.0, 4.0], 2).unwrap()).is_err());
        let flat =
            Pca::default().with_whiten(true).fit(Rows::new(&[1.0, 5.0, 2.0, 5.0, 3.0, 5.0], 2).unwrap()).unwrap();
        assert!(flat.transform(Rows::new(&[4.0, 5.0], 2).unwrap()).unwrap()[1].abs() < 1e-12);
    }
}
