//! Tables cut into at most 255 bins per column, and one for what is missing.

use crate::Rows;
use crate::order::ascending;
use crate::random::Generator;

/// Columns that lie together: their histograms fit the fastest cache.
pub(super) const BLOCK: usize = 4;

/// Quantiles are taken of at most so many rows.
const QUANTILE_ROWS: usize = 200_000;

/// The bin of missing values, in every column: others are below it.
pub(super) const MISSING: u8 = 255;

/// A table whose values are numbers of bins.
#[derive(Debug)]
pub(super) struct Bins {
    /// Upper edges of the bins of each column but the last; ascending. A value equal to an edge lies below it.
    pub(super) edges: Vec<Vec<f64>>,
    /// Whether a value of the column is missing.
    pub(super) missing: Vec<bool>,
    /// Blocks of columns, each row after row; the last one is filled up with zeros.
    pub(super) blocks: Vec<Vec<[u8; BLOCK]>>,
}

impl Bins {
    /// Takes a table with gaps, and at most 255 bins.
    pub(super) fn new(table: Rows<'_>, max_bins: usize, seed: u64) -> Self {
        let sample: Option<Vec<usize>> = (table.len() > QUANTILE_ROWS).then(|| {
            let mut rows: Vec<usize> = (0..table.len()).collect();
            Generator::new(seed, "bins").stream(0).shuffle(&mut rows);
            rows.truncate(QUANTILE_ROWS);
            rows
        });
        let (mut edges, mut missing) = (Vec::with_capacity(table.columns()), Vec::with_capacity(table.columns()));
        let mut blocks = vec![vec![[0; BLOCK]; table.len()]; table.columns().div_ceil(BLOCK)];
        for column in 0..table.columns() {
            let mut sorted: Vec<f64> = match &sample {
                Some(rows) => rows.iter().map(|row| table.row(*row)[column]).collect(),
                None => table.iter().map(|row| row[column]).collect(),
            };
            sorted.retain(|x| !x.is_nan());
            ascending(&mut sorted);
            let cut = cut(&sorted, max_bins);
            let mut gap = false;
            for (to, row) in blocks[column / BLOCK].iter_mut().zip(table) {
                let x = row[column];
                gap |= x.is_nan();
                to[column % BLOCK] = if x.is_nan() { MISSING } else { cut.partition_point(|edge| *edge < x) as u8 };
            }
            edges.push(cut);
            missing.push(gap);
        }
        Self { edges, missing, blocks }
    }

    /// The bin of `row` in `column`.
    pub(super) fn at(&self, row: u32, column: usize) -> u8 {
        self.blocks[column / BLOCK][row as usize][column % BLOCK]
    }
}

/// Edges between the distinct values, or between quantiles where there are more values than bins.
fn cut(sorted: &[f64], max_bins: usize) -> Vec<f64> {
    let mut distinct = sorted.to_vec();
    distinct.dedup();
    let middle = |low: f64, high: f64| {
        let middle = low / 2.0 + high / 2.0;
        if middle < high { middle.max(low) } else { low }
    };
    if distinct.len() <= max_bins {
        return distinct.windows(2).map(|pair| middle(pair[0], pair[1])).collect();
    }
    let edge = |k: usize| {
        let place = k as f64 / max_bins as f64 * (sorted.len() - 1) as f64;
        middle(sorted[place.floor() as usize], sorted[place.ceil() as usize])
    };
    let mut edges: Vec<f64> = (1..max_bins).map(edge).collect();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bin_each_and_many_are_shared_out() {
        assert_eq!(cut(&[1.0, 1.0, 2.0, 4.0], 255), [1.5, 3.0]);
        assert!(cut(&[7.0; 9], 255).is_empty());
        let many: Vec<f64> = (0..10_000).map(f64::from).collect();
        let bins = Bins::new(Rows::new(&many, 1).unwrap(), 255, 0);
        let mut counts = [0usize; 256];
        (0..10_000).for_each(|row| counts[usize::from(bins.at(row, 0))] += 1);
        assert!(counts[..255].iter().all(|c| (38..=41).contains(c)) && counts[255] == 0);
        // one value that fills most bins takes them together
        let tied: Vec<f64> = (0..1000).map(|i| f64::from((i - 900).max(0))).collect();
        assert!(cut(&tied, 10).len() < 9);
    }

    #[test]
    fn edges_lie_between_neighbours() {
        let close = [1.0, 1.0f64.next_up(), 1.0f64.next_up().next_up()];
        let edges = cut(&close, 255);
        assert!(edges.iter().zip(close.windows(2)).all(|(edge, pair)| pair[0] <= *edge && *edge < pair[1]));
    }
}
