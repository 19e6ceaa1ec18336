//! The cheapest way to give rows to columns.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite};

/// The column of each row so that the sum of costs is lowest; no row where there are more rows than columns and it would
/// cost more.
///
/// **Use it** for up to some thousand rows and columns: time grows with the cube. Costs may be of any sign.
///
/// # Formula
/// Shortest augmenting paths with potentials (the Hungarian method as Jonker and Volgenant wrote it).
///
/// # Examples
/// ```
/// use eir_vision::track::assignment;
/// let costs = [4.0, 1.0, 3.0, 2.0, 0.0, 5.0];
/// assert_eq!(assignment(&costs, 2, 3)?, [Some(1), Some(0)]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) unless there are `rows · columns` costs,
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// # Validation
/// Equal in cost to the best of all permutations on hundreds of drawn matrices (unit tests).
///
/// # References
/// Jonker, Volgenant 1987, doi:10.1007/BF02278710.
pub fn assignment(costs: &[f64], rows: usize, columns: usize) -> Result<Vec<Option<usize>>> {
    Mismatch::check("costs", rows.saturating_mul(columns), costs.len())?;
    NotFinite::check_f64("cost", costs)?;
    if rows <= columns {
        return Ok(wide(costs, rows, columns));
    }
    let across = |c: usize| (0..rows).map(move |r| costs.get(r * columns + c).copied().unwrap_or_default());
    let turned: Vec<f64> = (0..columns).flat_map(across).collect();
    let turned = wide(&turned, columns, rows);
    let mut result = vec![None; rows];
    for (column, row) in turned.into_iter().enumerate() {
        if let Some(place) = row.and_then(|r| result.get_mut(r)) {
            *place = Some(column);
        }
    }
    Ok(result)
}

/// For at most as many rows as columns. Columns count from 1; 0 stands for "none yet".
fn wide(costs: &[f64], rows: usize, columns: usize) -> Vec<Option<usize>> {
    let (mut u, mut v) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let mut row_of = vec![0usize; columns + 1];
    let mut way = vec![0usize; columns + 1];
    let (mut least, mut used) = (vec![f64::INFINITY; columns + 1], vec![false; columns + 1]);
    for row in 1..=rows {
        row_of[0] = row;
        let mut column = 0;
        least.fill(f64::INFINITY);
        used.fill(false);
        loop {
            used[column] = true;
            let at = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            let own = u[at];
            // what bounds it: this loop, once for each column on the way
            let places = least.iter_mut().zip(&mut way).zip(v.iter().zip(&used)).enumerate().skip(1);
            for ((c, ((least, way), (v, used))), cost) in places.zip(costs.iter().skip((at - 1) * columns)) {
                if *used {
                    continue;
                }
                let reduced = cost - own - v;
                if reduced < *least {
                    (*least, *way) = (reduced, column);
                }
                if *least < step {
                    (step, next) = (*least, c);
                }
            }
            for (((least, v), used), row) in least.iter_mut().zip(&mut v).zip(&used).zip(&row_of) {
                if *used {
                    u[*row] += step;
                    *v -= step;
                } else {
                    *least -= step;
                }
            }
            column = next;
            if row_of[column] == 0 {
                break;
            }
        }
        while column != 0 {
            let before = way[column];
            row_of[column] = row_of[before];
            column = before;
        }
    }
    let mut result = vec![None; rows];
    for (c, &r) in row_of.iter().enumerate().skip(1) {
        if r > 0 {
            result[r - 1] = Some(c - 1);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::random::Generator;

    /// The cheapest of all ways, by trying them all.
    fn cheapest(costs: &[f64], rows: usize, columns: usize, used: usize) -> f64 {
        if rows == 0 {
            return 0.0;
        }
        let free = (0..columns).filter(|c| used >> c & 1 == 0);
        free.map(|c| costs[(rows - 1) * columns + c] + cheapest(costs, rows - 1, columns, used | 1 << c))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn equals_trying_all() {
        let mut stream = Generator::new(1, "test").stream(0);
        for case in 0..300 {
            let (rows, columns) = (1 + case % 5, 1 + case % 6);
            let costs: Vec<f64> = (0..rows * columns).map(|_| stream.normal()).collect();
            let result = assignment(&costs, rows, columns).unwrap();
            let mut taken: Vec<usize> = result.iter().flatten().copied().collect();
            assert_eq!(taken.len(), rows.min(columns));
            let sum: f64 = result.iter().enumerate().filter_map(|(r, c)| Some(costs[r * columns + (*c)?])).sum();
            taken.sort_unstable();
            taken.dedup();
            assert_eq!(taken.len(), rows.min(columns));
            if rows <= columns {
                assert!((sum - cheapest(&costs, rows, columns, 0)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn odd_input() {
        assert!(assignment(&[], 0, 5).unwrap().is_empty());
        assert_eq!(assignment(&[], 2, 0).unwrap(), [None, None]);
        assert!(assignment(&[1.0], 1, 2).is_err() && assignment(&[f64::NAN], 1, 1).is_err());
    }
}
