use super::design::each_chunk;
use super::k_means::squared_distance;
use crate::error::Parameter;
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// DBSCAN: groups are where rows lie densely; the rest is noise.
///
/// **Use it** for groups of any shape, and to set outliers apart. **Not** where groups differ much in density, nor in
/// many columns, where all distances are alike.
///
/// # Formula
/// A row with at least `min_rows` rows (itself counted) within `radius` is a core. Cores within `radius` of each other
/// are one group; other rows within `radius` of a core join the first group that reaches them. O(n²) time, O(n) memory.
///
/// # Parameters
/// `radius`, `min_rows`.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::Dbscan};
/// let rows = Rows::new(&[1.0, 1.1, 1.2, 5.0, 9.0, 9.1, 9.2], 1)?;
/// let groups = Dbscan::default().with_radius(0.15).with_min_rows(2).groups(rows)?;
/// assert_eq!(groups, [Some(0), Some(0), Some(0), None, Some(1), Some(1), Some(1)]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for settings out of range.
///
/// # Validation
/// Gives the groups of scikit-learn 1.9.1 on `reference/core/unsupervised.json`.
///
/// # References
/// Ester, Kriegel, Sander, Xu 1996 (KDD-96); Schubert et al. 2017, doi:10.1145/3068335.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dbscan {
    /// Distance within which rows are neighbours, above 0, in the units of the columns. Default 0.5.
    pub radius: f64,
    /// Neighbours that make a core, the row itself counted, 1 or more. Default 5.
    pub min_rows: usize,
}

impl Default for Dbscan {
    fn default() -> Self {
        Self { radius: 0.5, min_rows: 5 }
    }
}

impl Dbscan {
    /// Sets [`radius`](Self::radius).
    #[must_use]
    pub fn with_radius(self, radius: f64) -> Self {
        Self { radius, ..self }
    }

    /// Sets [`min_rows`](Self::min_rows).
    #[must_use]
    pub fn with_min_rows(self, min_rows: usize) -> Self {
        Self { min_rows, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if !(self.radius > 0.0 && self.radius.is_finite()) {
            return Err(Parameter::new("radius", self.radius, "above 0 and finite").into());
        }
        if self.min_rows == 0 {
            return Err(Parameter::new("min_rows", 0.0, "1 or more").into());
        }
        Ok(())
    }

    /// The group of each row, or none for noise.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn groups(&self, rows: Rows<'_>) -> Result<Vec<Option<usize>>, Error> {
        self.validate()?;
        let near = |i: usize, j: usize| squared_distance(rows.row(i), rows.row(j)) <= self.radius * self.radius;
        let n = rows.len();
        let cores: Vec<bool> = each_chunk(n, |range| {
            range.map(|i| (0..n).filter(|j| near(i, *j)).count() >= self.min_rows).collect::<Vec<_>>()
        })
        .concat();
        let mut groups = vec![None; n];
        let (mut count, mut open) = (0, Vec::new());
        for seed in 0..n {
            if groups[seed].is_some() || !cores[seed] {
                continue;
            }
            groups[seed] = Some(count);
            open.push(seed);
            while let Some(core) = open.pop() {
                for j in 0..n {
                    if groups[j].is_none() && near(core, j) {
                        groups[j] = Some(count);
                        if cores[j] {
                            open.push(j);
                        }
                    }
                }
            }
            count += 1;
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_between_two_groups_joins_the_first() {
        let x = [0.0, 0.1, 0.2, 1.1, 2.0, 2.1, 2.2];
        let groups = Dbscan::default().with_radius(0.95).with_min_rows(4).groups(Rows::new(&x, 1).unwrap()).unwrap();
        assert_eq!(groups, [0, 0, 0, 0, 1, 1, 1].map(Some));
    }

    #[test]
    fn none_one_and_equal_rows() {
        let dbscan = Dbscan::default().with_min_rows(2);
        assert_eq!(dbscan.groups(Rows::new(&[], 1).unwrap()).unwrap(), []);
        assert_eq!(dbscan.groups(Rows::new(&[1.0], 1).unwrap()).unwrap(), [None]);
        assert_eq!(dbscan.groups(Rows::new(&[1.0; 3], 1).unwrap()).unwrap(), [Some(0); 3]);
        assert!(Dbscan::default().with_radius(0.0).validate().is_err());
    }
}
