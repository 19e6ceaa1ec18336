//! How alike the dependence of two columns is in a real and in a synthetic table.
//!
//! Definitions of SDMetrics 0.32.0 (MIT).

use crate::table::Column;
use std::collections::HashMap;

/// Bins into which a number is cut where it meets levels.
const BINS: usize = 10;

/// 1 − half the difference of the two correlations; none where one is not defined.
#[must_use]
pub fn correlation_similarity(real: Option<f64>, synthetic: Option<f64>) -> Option<f64> {
    Some(1.0 - (real? - synthetic?).abs() / 2.0)
}

/// Two columns of one table as cells of a cross table.
///
/// A missing level is a level of its own. A column of numbers is cut into ten bins of equal width over **its own** range,
/// as SDMetrics does: the largest value, and with it what is missing, has a bin for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossTable {
    /// Rows of the table in each cell; the cell is named by the two levels (none is missing).
    counts: HashMap<(Cell, Cell), usize>,
    rows: usize,
}

/// A level or a bin; comparable between tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Cell {
    Missing,
    Bin(usize),
    Level(String),
}

impl CrossTable {
    /// The cross table of two columns of one table.
    #[must_use]
    pub fn new(first: &Column, second: &Column) -> Self {
        let ((a, names_a), (b, names_b)) = (cells(first), cells(second));
        // count by position, name at the end: rows are many, cells are few
        let mut by_place: HashMap<(usize, usize), usize> = HashMap::new();
        let width = names_b.len();
        if names_a.len().saturating_mul(width) <= 1 << 16 {
            let mut dense = vec![0usize; names_a.len() * width];
            for (i, j) in a.iter().zip(&b) {
                if let Some(count) = dense.get_mut(i * width + j) {
                    *count += 1;
                }
            }
            let hit = dense.into_iter().enumerate().filter(|(_, n)| *n > 0);
            by_place.extend(hit.map(|(at, n)| ((at / width, at % width), n)));
        } else {
            for pair in a.iter().copied().zip(b.iter().copied()) {
                *by_place.entry(pair).or_default() += 1;
            }
        }
        let name = |names: &[Cell], at: usize| names.get(at).cloned().unwrap_or(Cell::Missing);
        let counts = by_place.into_iter().map(|((i, j), n)| ((name(&names_a, i), name(&names_b, j)), n)).collect();
        Self { counts, rows: a.len().min(b.len()) }
    }

    /// Cramér's V, 0 (independent) to 1; none unless both sides have two levels.
    #[must_use]
    pub fn association(&self) -> Option<f64> {
        let (mut first, mut second) = (HashMap::<&Cell, f64>::new(), HashMap::<&Cell, f64>::new());
        for ((a, b), n) in &self.counts {
            *first.entry(a).or_default() += *n as f64;
            *second.entry(b).or_default() += *n as f64;
        }
        let least = first.len().min(second.len());
        if least < 2 {
            return None;
        }
        // Σ (o − e)² / e = n (Σ o² / (r c) − 1): only the cells that are not empty count
        let mut terms: Vec<f64> = (self.counts.iter())
            .map(|((a, b), n)| (*n as f64).powi(2) / (first.get(a).unwrap_or(&1.0) * second.get(b).unwrap_or(&1.0)))
            .collect();
        terms.sort_unstable_by(f64::total_cmp); // the order in the map is not fixed
        let phi2 = (terms.iter().sum::<f64>() - 1.0).max(0.0);
        Some((phi2 / (least - 1) as f64).sqrt())
    }

    /// 1 − half the sum of the absolute differences of the cells' shares; none if one table has no rows.
    #[must_use]
    pub fn similarity(&self, synthetic: &Self) -> Option<f64> {
        if self.rows == 0 || synthetic.rows == 0 {
            return None;
        }
        let share = |of: &Self, cell| of.counts.get(cell).map_or(0.0, |n| *n as f64 / of.rows as f64);
        let only_there = synthetic.counts.keys().filter(|cell| !self.counts.contains_key(*cell));
        let all = self.counts.keys().chain(only_there);
        let mut terms: Vec<f64> = all.map(|cell| (share(self, cell) - share(synthetic, cell)).abs()).collect();
        terms.sort_unstable_by(f64::total_cmp);
        Some(1.0 - terms.iter().sum::<f64>() / 2.0)
    }
}

/// Each row's position in the list of cells that is given with them.
fn cells(column: &Column) -> (Vec<usize>, Vec<Cell>) {
    let numbers = column.numbers();
    if !column.is_numeric() {
        let mut names: Vec<Cell> = column.levels().into_iter().map(|l| Cell::Level(l.to_owned())).collect();
        let missing = names.len();
        names.push(Cell::Missing);
        return (numbers.iter().map(|v| v.map_or(missing, |code| code as usize)).collect(), names);
    }
    let mut present = numbers.iter().flatten().copied();
    let first = present.next();
    let (low, high) = first.map_or((0.0, 1.0), |f| present.fold((f, f), |(l, h), v| (l.min(v), h.max(v))));
    let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
    let step = (high - low) / BINS as f64;
    let mut edges: Vec<f64> = (0..BINS).map(|i| i as f64 * step + low).collect();
    edges.push(high);
    let bin = |v: &Option<f64>| v.map_or(edges.len(), |x| edges.partition_point(|e| *e <= x));
    (numbers.iter().map(bin).collect(), (0..=BINS + 1).map(Cell::Bin).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Values;

    fn column(values: &[&str]) -> Column {
        let mut levels: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        levels.sort();
        levels.dedup();
        let code = |v: &&str| levels.iter().position(|l| l == v).map(|c| c as u32);
        Column::new("x", Values::Categorical { codes: values.iter().map(code).collect(), levels })
    }

    #[test]
    fn known_tables() {
        let (a, b) = (column(&["p", "p", "q", "q"]), column(&["x", "x", "y", "y"]));
        let same = CrossTable::new(&a, &b);
        assert_eq!(same.association(), Some(1.0));
        let apart = CrossTable::new(&a, &column(&["x", "y", "x", "y"]));
        assert_eq!(apart.association(), Some(0.0));
        assert_eq!(same.similarity(&apart), Some(0.5));
        assert_eq!(same.similarity(&same.clone()), Some(1.0));
        assert_eq!(CrossTable::new(&a, &column(&["x"; 4])).association(), None);
    }

    #[test]
    fn the_largest_number_has_a_bin_for_itself_and_shares_it_with_what_is_missing() {
        let values = (0..=10).map(|i| Some(f64::from(i))).chain([None]).collect();
        let (bins, _) = cells(&Column::new("x", Values::Continuous { values, decimals: 0 }));
        assert_eq!(bins, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11]);
    }
}
