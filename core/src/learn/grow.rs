//! Growing a tree: the search for splits that decision trees, forests and exact boosting share.

use super::tree::{Tree, TreeArrays};
use crate::Rows;
use crate::error::Parameter;
use crate::random::Stream;

/// A node of fewer than one in this many rows sorts its rows; a larger one picks them from the sorted column.
const SORT_BELOW: usize = 6;

/// A table made ready for growing any number of trees on it.
#[derive(Debug)]
pub(crate) struct Columns {
    rows: usize,
    /// Column after column.
    values: Vec<f64>,
    /// The rows of each column in ascending order of its values, equal ones in ascending order of the row.
    order: Vec<u32>,
    /// The place of each row's value among the distinct values of the column.
    rank: Vec<u32>,
}

impl Columns {
    pub(crate) fn new(table: Rows<'_>) -> Self {
        let rows = table.len();
        let (mut values, mut order, mut rank) = (Vec::new(), Vec::new(), vec![0; table.values().len()]);
        for feature in 0..table.columns() {
            values.extend(table.iter().map(|row| row[feature]));
            let column = &values[feature * rows..];
            order.extend(0..rows as u32);
            let sorted = &mut order[feature * rows..];
            sorted.sort_by(|a, b| column[*a as usize].total_cmp(&column[*b as usize]));
            let (mut last, mut distinct) = (f64::NAN, 0);
            for row in sorted.iter().map(|row| *row as usize) {
                distinct += u32::from(column[row] != last && !last.is_nan());
                last = column[row];
                rank[feature * rows + row] = distinct;
            }
        }
        Self { rows, values, order, rank }
    }

    fn of<'a, T>(&self, all: &'a [T], feature: usize) -> &'a [T] {
        &all[feature * self.rows..(feature + 1) * self.rows]
    }
}

/// How far a tree may grow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) max_depth: Option<usize>,
    pub(crate) min_samples_leaf: usize,
    pub(crate) min_samples_split: usize,
    /// Features that are looked at in a node; fewer than all are drawn.
    pub(crate) max_features: usize,
}

impl Bounds {
    pub(crate) fn validate(&self) -> Result<(), Parameter> {
        if self.min_samples_leaf == 0 {
            return Err(Parameter::new("min_samples_leaf", 0.0, "1 or more"));
        }
        if self.min_samples_split < 2 {
            return Err(Parameter::new("min_samples_split", self.min_samples_split as f64, "2 or more"));
        }
        if self.max_features == 0 {
            return Err(Parameter::new("max_features", 0.0, "1 or more"));
        }
        Ok(())
    }
}

/// A grown tree and what is known of it only while growing.
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) arrays: TreeArrays,
    /// The leaf of each row that took part.
    pub(crate) leaf_of: Vec<u32>,
    /// What the splits on each feature took off the squared error.
    pub(crate) gain: Vec<f64>,
}

impl Grown {
    pub(crate) fn tree(self) -> Tree {
        Tree::grown(self.arrays)
    }
}

struct Node {
    start: usize,
    end: usize,
    depth: usize,
    /// The parent, and whether this is its left child.
    parent: Option<(usize, bool)>,
    /// What `Growing::tag` says of the node's rows.
    tag: u32,
    weight: f64,
    sum: f64,
}

struct Split {
    gain: f64,
    feature: usize,
    threshold: f64,
    /// Rank of the last value that goes left.
    rank: u32,
}

struct Growing<'a> {
    columns: &'a Columns,
    bounds: Bounds,
    /// Weight and weighted target of each row.
    mass: Vec<[f64; 2]>,
    /// The rows that take part; those of a node lie together.
    rows: Vec<u32>,
    tag: Vec<u32>,
    /// Rank and row of the node's rows in ascending order: buffer of the search.
    keys: Vec<u64>,
}

/// Grows a tree that lowers the weighted squared error the most with each split, depth first, left before right.
///
/// On targets 0 and 1 that is the tree of the Gini impurity, which is twice their variance. Rows with weight 0 take no
/// part. `stream` draws the features of a node where not all are looked at.
pub(crate) fn grow(columns: &Columns, targets: &[f64], weights: &[f64], bounds: Bounds, stream: &mut Stream) -> Grown {
    let features = columns.values.len() / columns.rows;
    let mut growing = Growing {
        columns,
        bounds,
        mass: weights.iter().zip(targets).map(|(w, y)| [*w, w * y]).collect(),
        rows: (0..columns.rows as u32).filter(|row| weights[*row as usize] > 0.0).collect(),
        tag: weights.iter().map(|w| if *w > 0.0 { 0 } else { u32::MAX }).collect(),
        keys: Vec::new(),
    };
    let mut tree = TreeArrays { columns: features, ..TreeArrays::default() };
    let mut grown = (vec![u32::MAX; columns.rows], vec![0.0; features]);
    let mut candidates: Vec<usize> = (0..features).collect();
    let mut tags = 0;
    let (weight, sum) = growing.sums(0, growing.rows.len());
    let mut open = vec![Node { start: 0, end: growing.rows.len(), depth: 0, parent: None, tag: 0, weight, sum }];
    while let Some(node) = open.pop() {
        let id = tree.value.len();
        match node.parent {
            Some((parent, true)) => tree.left[parent] = id as i32,
            Some((parent, false)) => tree.right[parent] = id as i32,
            None => {}
        }
        let split =
            if growing.may_split(&node, targets) { growing.best_split(&node, &mut candidates, stream) } else { None };
        let (feature, threshold) = split.as_ref().map_or((-2, -2.0), |s| (s.feature as i32, s.threshold));
        tree.feature.push(feature);
        tree.threshold.push(threshold);
        tree.left.push(-1);
        tree.right.push(-1);
        tree.value.push(node.sum / node.weight);
        tree.cover.push(node.weight);
        let Some(split) = split else {
            growing.rows[node.start..node.end].iter().for_each(|row| grown.0[*row as usize] = id as u32);
            continue;
        };
        grown.1[split.feature] += split.gain / node.weight;
        let middle = growing.part(&node, &split, tags + 1);
        let (weight, sum) = growing.sums(node.start, middle);
        let depth = node.depth + 1;
        let left = Node { end: middle, depth, parent: Some((id, true)), tag: tags + 1, weight, sum, ..node };
        let (weight, sum) = growing.sums(middle, node.end);
        open.push(Node { start: middle, depth, parent: Some((id, false)), tag: tags + 2, weight, sum, ..node });
        open.push(left);
        tags += 2;
    }
    Grown { arrays: tree, leaf_of: grown.0, gain: grown.1 }
}

impl Growing<'_> {
    fn sums(&self, start: usize, end: usize) -> (f64, f64) {
        let mass = self.rows[start..end].iter().map(|row| self.mass[*row as usize]);
        mass.fold((0.0, 0.0), |(weight, sum), [w, wy]| (weight + w, sum + wy))
    }

    fn may_split(&self, node: &Node, targets: &[f64]) -> bool {
        let rows = &self.rows[node.start..node.end];
        let enough = rows.len() >= self.bounds.min_samples_split.max(2 * self.bounds.min_samples_leaf);
        let deep = self.bounds.max_depth.is_some_and(|max| node.depth >= max);
        let first = targets[rows[0] as usize];
        enough && !deep && rows.iter().any(|row| targets[*row as usize] != first)
    }

    /// The split that gains most; of equal ones that of the first feature and the lowest threshold.
    fn best_split(&mut self, node: &Node, candidates: &mut [usize], stream: &mut Stream) -> Option<Split> {
        let draw = self.bounds.max_features < candidates.len();
        let mut best: Option<Split> = None;
        let mut seen = 0;
        for k in 0..candidates.len() {
            if draw {
                candidates.swap(k, k + stream.below(candidates.len() - k));
            }
            let feature = candidates[k];
            if !self.sort(node, feature) {
                continue; // constant here: does not count as looked at
            }
            if let Some(split) = self.scan(node, feature) {
                let better = |b: &Split| split.gain > b.gain || (split.gain == b.gain && feature < b.feature);
                if best.as_ref().is_none_or(better) {
                    best = Some(split);
                }
            }
            seen += 1;
            if seen == self.bounds.max_features {
                break;
            }
        }
        best
    }

    /// Puts the node's rows in ascending order of `feature`; says whether it varies.
    fn sort(&mut self, node: &Node, feature: usize) -> bool {
        let rank = self.columns.of(&self.columns.rank, feature);
        let key = |row: u32| u64::from(rank[row as usize]) << 32 | u64::from(row);
        self.keys.clear();
        if (node.end - node.start) * SORT_BELOW < self.columns.rows {
            self.keys.extend(self.rows[node.start..node.end].iter().map(|row| key(*row)));
            self.keys.sort_unstable();
        } else {
            let order = self.columns.of(&self.columns.order, feature).iter();
            self.keys.extend(order.filter(|row| self.tag[**row as usize] == node.tag).map(|row| key(*row)));
        }
        let ends = (self.keys.first(), self.keys.last());
        matches!(ends, (Some(first), Some(last)) if first >> 32 != last >> 32)
    }

    /// The best split of the sorted rows. Its gain is still to be divided by the node's weight.
    fn scan(&self, node: &Node, feature: usize) -> Option<Split> {
        let (leaf, count) = (self.bounds.min_samples_leaf, self.keys.len());
        let (mut left, mut sum, mut best) = (0.0, 0.0, (-1.0, 0));
        for (i, pair) in self.keys.windows(2).enumerate() {
            let [w, wy] = self.mass[pair[0] as u32 as usize];
            left += w;
            sum += wy;
            if pair[0] >> 32 == pair[1] >> 32 || i + 1 < leaf || count - i - 1 < leaf {
                continue;
            }
            // W_L W_R (mean_L − mean_R), exact for whole weights and labels, so that ties are ties
            let apart = sum * node.weight - node.sum * left;
            let gain = apart * apart / (left * (node.weight - left));
            if gain > best.0 {
                best = (gain, i);
            }
        }
        if best.0 < 0.0 {
            return None;
        }
        let value = |i: usize| self.columns.of(&self.columns.values, feature)[self.keys[i] as u32 as usize];
        let (low, high) = (value(best.1), value(best.1 + 1));
        let middle = low / 2.0 + high / 2.0;
        let threshold = if middle < high { middle.max(low) } else { low };
        Some(Split { gain: best.0, feature, threshold, rank: (self.keys[best.1] >> 32) as u32 })
    }

    /// Moves the rows that go left before the others; gives where these begin. The new tags are `tag` and `tag + 1`.
    fn part(&mut self, node: &Node, split: &Split, tag: u32) -> usize {
        let rank = self.columns.of(&self.columns.rank, split.feature);
        let mut middle = node.start;
        for i in node.start..node.end {
            let row = self.rows[i] as usize;
            let right = rank[row] > split.rank;
            self.tag[row] = tag + u32::from(right);
            if !right {
                self.rows.swap(middle, i);
                middle += 1;
            }
        }
        middle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    fn grown(values: &[f64], columns: usize, targets: &[f64], weights: &[f64], leaf: usize) -> Grown {
        let bounds = Bounds { max_depth: None, min_samples_leaf: leaf, min_samples_split: 2, max_features: columns };
        let table = Columns::new(Rows::new(values, columns).unwrap());
        grow(&table, targets, weights, bounds, &mut Generator::new(0, "test").stream(0))
    }

    #[test]
    fn first_of_equal_features_wins_and_a_useless_first_split_is_made() {
        // exclusive or in columns 1 and 2 (column 0 is constant): no single split gains anything
        let x = [1., 0., 0., 1., 0., 1., 1., 1., 0., 1., 1., 1.];
        let tree = grown(&x, 3, &[0., 1., 1., 0.], &[1.0; 4], 1).arrays;
        assert_eq!(tree.feature, [1, 2, -2, -2, 2, -2, -2]);
        assert_eq!(tree.value, [0.5, 0.5, 0.0, 1.0, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn a_weight_is_a_repeated_row_and_weight_0_no_row() {
        let (x, y) = ([1., 2., 3., 4., 5.], [0., 1., 0., 1., 1.]);
        let weighted = grown(&x, 1, &y, &[2., 1., 3., 0., 1.], 1).arrays;
        let repeated = grown(&[1., 1., 2., 3., 3., 3., 5.], 1, &[0., 0., 1., 0., 0., 0., 1.], &[1.0; 7], 1).arrays;
        assert_eq!(weighted, repeated);
    }

    #[test]
    fn both_ways_to_sort_agree_and_leaves_are_large_enough() {
        let mut stream = Generator::new(2, "rows").stream(0);
        let x: Vec<f64> = (0..900).map(|_| (stream.normal() * 4.0).round()).collect();
        let y: Vec<f64> = (0..300).map(|i| x[3 * i] * x[3 * i + 1] + stream.normal()).collect();
        let grown = grown(&x, 3, &y, &[1.0; 300], 4);
        let table = Columns::new(Rows::new(&x, 3).unwrap());
        let leaves = (0..grown.arrays.left.len()).filter(|node| grown.arrays.left[*node] < 0);
        assert!(leaves.clone().count() > 20 && leaves.clone().all(|leaf| grown.arrays.cover[leaf] >= 4.0));
        assert!(table.order.chunks(300).zip(x.iter().take(3)).all(|(order, _)| order.len() == 300));
        let tree = grown.arrays.clone();
        let rows = Rows::new(&x, 3).unwrap();
        let walked = Tree::new(tree).unwrap().leaves(rows).unwrap();
        assert!(walked.iter().zip(&grown.leaf_of).all(|(a, b)| *a == *b as usize));
    }
}
