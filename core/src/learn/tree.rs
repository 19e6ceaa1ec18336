//! Trees as flat arrays: the one structure that every tree model shares, that is explained and stored.

use crate::error::{Mismatch, NotFinite, Parameter, TooShort};
use crate::{Error, IncompleteRows, Model, Rows};
use serde::{Deserialize, Serialize};

/// A binary tree as flat arrays, one entry per node; node 0 is the root.
///
/// Fill it from another tool's tree and make a [`Tree`] of it, or read it from one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TreeArrays {
    /// Columns of the table that the tree is for.
    pub columns: usize,
    /// The feature that an inner node asks for; of no meaning at a leaf.
    pub feature: Vec<i32>,
    /// A row with `x[feature] <= threshold` goes left; of no meaning at a leaf. `f64::MAX` parts missing values from all
    /// others.
    pub threshold: Vec<f64>,
    /// The left child; −1 at a leaf.
    pub left: Vec<i32>,
    /// The right child; −1 at a leaf.
    pub right: Vec<i32>,
    /// What a leaf predicts. Inner nodes hold the mean of what they were fitted to, which predicts nothing.
    pub value: Vec<f64>,
    /// How much training weight (rows, if unweighted) reached the node: above 0.
    pub cover: Vec<f64>,
    /// Whether a row whose value is missing (NaN) goes left; of no meaning at a leaf. Empty: it goes right everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_left: Vec<bool>,
}

/// A tree whose structure is known to be sound: every path from the root ends at a leaf.
///
/// **Use it** to predict with, store or explain a tree, also one of another tool. [`arrays`](Self::arrays) is the view
/// of its structure.
///
/// # Examples
/// ```
/// use eir_core::learn::{Tree, TreeArrays};
/// use eir_core::{Model, Rows};
/// let stump = Tree::new(TreeArrays {
///     columns: 1,
///     feature: vec![0, -2, -2],
///     threshold: vec![0.5, 0.0, 0.0],
///     left: vec![1, -1, -1],
///     right: vec![2, -1, -1],
///     value: vec![0.4, 0.1, 0.7],
///     cover: vec![10.0, 5.0, 5.0],
///     missing_left: vec![],
/// })?;
/// assert_eq!(stump.predict(Rows::new(&[0.5, 0.6], 1)?)?, [0.1, 0.7]); // equal goes left
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TreeArrays", into = "TreeArrays")]
pub struct Tree(TreeArrays);

impl Tree {
    /// Checks the arrays.
    ///
    /// # Errors
    /// Arrays of different lengths or empty; a feature beyond the columns; a child out of range, or that is reached
    /// twice or never (so there is no cycle); only one child; a threshold or a value that is not finite, or a cover
    /// that is not above 0.
    pub fn new(arrays: TreeArrays) -> Result<Self, Error> {
        let a = &arrays;
        let nodes = a.feature.len();
        for (name, len) in [
            ("thresholds", a.threshold.len()),
            ("left children", a.left.len()),
            ("right children", a.right.len()),
            ("node values", a.value.len()),
            ("node covers", a.cover.len()),
        ] {
            Mismatch::check(name, nodes, len)?;
        }
        if !a.missing_left.is_empty() {
            Mismatch::check("sides of missing values", nodes, a.missing_left.len())?;
        }
        if nodes == 0 {
            return Err(TooShort::new("nodes", 0, 1).into());
        }
        NotFinite::check_f64("value of node", &a.value)?;
        if let Some(cover) = a.cover.iter().find(|c| !(c.is_finite() && **c > 0.0)) {
            return Err(Parameter::new("cover", *cover, "finite and above 0").into());
        }
        let mut parents = vec![0usize; nodes];
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            if a.left[node] == -1 && a.right[node] == -1 {
                continue;
            }
            if !usize::try_from(a.feature[node]).is_ok_and(|f| f < a.columns) {
                return Err(Parameter::new("feature", f64::from(a.feature[node]), "a column of the table").into());
            }
            if !a.threshold[node].is_finite() {
                return Err(NotFinite { what: "threshold of node", index: node }.into());
            }
            for child in [a.left[node], a.right[node]] {
                // a second parent is a cycle or a node that belongs to two branches
                match usize::try_from(child) {
                    Ok(c) if c > 0 && c < nodes && parents[c] == 0 => {
                        parents[c] = 1;
                        open.push(c);
                    }
                    _ => return Err(Parameter::new("child", f64::from(child), "a node with one parent").into()),
                }
            }
        }
        let reached = 1 + parents.iter().sum::<usize>();
        if reached < nodes {
            return Err(Mismatch::new("nodes that the root reaches", nodes, reached).into());
        }
        Ok(Self(arrays))
    }

    /// A tree that was grown here: sound by construction.
    pub(crate) fn grown(arrays: TreeArrays) -> Self {
        Self(arrays)
    }

    /// The structure.
    #[must_use]
    pub fn arrays(&self) -> &TreeArrays {
        &self.0
    }

    /// Whether `node` is a leaf; also for a node that does not exist.
    #[must_use]
    pub fn is_leaf(&self, node: usize) -> bool {
        self.0.left.get(node).is_none_or(|left| *left < 0)
    }

    /// Children of an inner node, left first.
    pub(crate) fn children(&self, node: usize) -> [usize; 2] {
        [self.0.left[node] as usize, self.0.right[node] as usize]
    }

    /// The child to which `row` goes from an inner node.
    pub(crate) fn next(&self, node: usize, row: &[f64]) -> usize {
        let a = &self.0;
        let x = row[a.feature[node] as usize];
        let left = x <= a.threshold[node] || (x.is_nan() && a.missing_left.get(node).is_some_and(|left| *left));
        (if left { a.left[node] } else { a.right[node] }) as usize
    }

    /// The leaf of each row.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns.
    pub fn leaves<'r>(&self, rows: impl Into<IncompleteRows<'r>>) -> Result<Vec<usize>, Error> {
        let rows = rows.into().with_gaps();
        Mismatch::check("columns", self.0.columns, rows.columns())?;
        Ok(rows.iter().map(|row| self.leaf(row)).collect())
    }

    /// The leaf of `row`, which has the tree's columns.
    pub(crate) fn leaf(&self, row: &[f64]) -> usize {
        let mut node = 0;
        while self.0.left[node] >= 0 {
            node = self.next(node, row);
        }
        node
    }

    /// What the tree says of `row`, which has the tree's columns.
    pub(crate) fn value(&self, row: &[f64]) -> f64 {
        self.0.value[self.leaf(row)]
    }

    /// Number of leaves.
    #[must_use]
    pub fn leaf_count(&self) -> usize {
        self.0.left.iter().filter(|left| **left < 0).count()
    }

    /// Questions on the longest way to a leaf; 0 for a single leaf.
    #[must_use]
    pub fn depth(&self) -> usize {
        let (mut deepest, mut open) = (0, vec![(0, 0)]);
        while let Some((node, depth)) = open.pop() {
            deepest = deepest.max(depth);
            if !self.is_leaf(node) {
                open.extend(self.children(node).map(|child| (child, depth + 1)));
            }
        }
        deepest
    }
}

impl TryFrom<TreeArrays> for Tree {
    type Error = Error;

    fn try_from(arrays: TreeArrays) -> Result<Self, Error> {
        Self::new(arrays)
    }
}

impl From<Tree> for TreeArrays {
    fn from(tree: Tree) -> Self {
        tree.0
    }
}

impl Model for Tree {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("columns", self.0.columns, rows.columns())?;
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        out.iter_mut().zip(rows).for_each(|(to, row)| *to = self.value(row));
        Ok(())
    }
}

/// A sum of trees: `base + scale · Σ tree(x)`.
///
/// Every tree model is one: a single tree (base 0, scale 1), a forest (scale 1 / number of trees), boosted trees (base =
/// what the model starts from, scale = learning rate). It is what `explain::TreeShap` explains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EnsembleParts")]
pub struct TreeEnsemble {
    base: f64,
    scale: f64,
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
struct EnsembleParts {
    base: f64,
    scale: f64,
    trees: Vec<Tree>,
}

impl TryFrom<EnsembleParts> for TreeEnsemble {
    type Error = Error;

    fn try_from(parts: EnsembleParts) -> Result<Self, Error> {
        Self::new(parts.base, parts.scale, parts.trees)
    }
}

impl TreeEnsemble {
    /// The sum of `trees`, times `scale`, above `base`.
    ///
    /// # Errors
    /// [`Error::TooShort`] without a tree, [`Error::Mismatch`] for trees of different tables, [`Error::NotFinite`].
    pub fn new(base: f64, scale: f64, trees: Vec<Tree>) -> Result<Self, Error> {
        NotFinite::check_f64("base or scale", &[base, scale])?;
        let Some(first) = trees.first() else { return Err(TooShort::new("trees", 0, 1).into()) };
        for tree in &trees {
            Mismatch::check("columns of a tree", first.0.columns, tree.0.columns)?;
        }
        Ok(Self { base, scale, trees })
    }

    /// Trees that were grown here from the same table, of which there is at least one.
    pub(crate) fn grown(base: f64, scale: f64, trees: Vec<Tree>) -> Self {
        Self { base, scale, trees }
    }

    /// What the sum starts from.
    #[must_use]
    pub fn base(&self) -> f64 {
        self.base
    }

    /// What each tree is multiplied with.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The trees, in the order in which they are added; at least one.
    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// As [`predict`](Model::predict), also of rows with missing values.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns.
    pub fn predict_incomplete<'r>(&self, rows: impl Into<IncompleteRows<'r>>) -> Result<Vec<f64>, Error> {
        self.predict(rows.into().with_gaps())
    }

    /// Columns of the table that the trees are for.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.trees.first().map_or(0, |tree| tree.0.columns)
    }
}

impl From<Tree> for TreeEnsemble {
    fn from(tree: Tree) -> Self {
        Self { base: 0.0, scale: 1.0, trees: vec![tree] }
    }
}

impl Model for TreeEnsemble {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("columns", self.columns(), rows.columns())?;
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        out.fill(0.0);
        for tree in &self.trees {
            out.iter_mut().zip(rows).for_each(|(to, row)| *to += tree.value(row));
        }
        out.iter_mut().for_each(|to| *to = self.base + self.scale * *to);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// x₀ ≤ 0.5 ? (x₁ ≤ 2 ? 1 : 3) : 5.
    pub(crate) fn small() -> TreeArrays {
        TreeArrays {
            columns: 2,
            feature: vec![0, 1, -2, -2, -2],
            threshold: vec![0.5, 2.0, -2.0, -2.0, -2.0],
            left: vec![1, 2, -1, -1, -1],
            right: vec![4, 3, -1, -1, -1],
            value: vec![3.0, 2.0, 1.0, 3.0, 5.0],
            cover: vec![10.0, 6.0, 4.0, 2.0, 4.0],
            missing_left: Vec::new(),
        }
    }

    #[test]
    fn walks() {
        let tree = Tree::new(small()).unwrap();
        let rows = [0.5, 2.0, 0.4, 2.1, 0.6, 0.0];
        let rows = Rows::new(&rows, 2).unwrap();
        assert_eq!(tree.predict(rows).unwrap(), [1.0, 3.0, 5.0]);
        assert_eq!((tree.leaves(rows).unwrap(), tree.depth(), tree.leaf_count()), (vec![2, 3, 4], 2, 3));
        let sum = TreeEnsemble::new(1.0, 0.5, vec![tree.clone(), tree]).unwrap();
        assert_eq!(sum.predict(rows).unwrap(), [2.0, 4.0, 6.0]);
        assert!(matches!(sum.predict(Rows::new(&[1.0], 1).unwrap()), Err(Error::Mismatch(_))));
    }

    #[test]
    fn missing_values_go_where_the_node_says() {
        let x = [f64::NAN, 9.0, 0.0, f64::NAN];
        let rows = IncompleteRows::new(&x, 2).unwrap();
        let predict = |missing_left: Vec<bool>| {
            let tree = Tree::new(TreeArrays { missing_left, ..small() }).unwrap();
            TreeEnsemble::from(tree).predict_incomplete(rows).unwrap()
        };
        assert_eq!(predict(vec![]), [5.0, 3.0]);
        assert_eq!(predict(vec![true, false, false, false, false]), [3.0, 3.0]);
        assert_eq!(predict(vec![false, true, false, false, false]), [5.0, 1.0]);
        assert!(Tree::new(TreeArrays { missing_left: vec![true], ..small() }).is_err());
    }

    #[test]
    fn unsound_arrays_are_refused() {
        let broken = |change: fn(&mut TreeArrays)| {
            let mut arrays = small();
            change(&mut arrays);
            Tree::new(arrays).is_err()
        };
        assert!(!broken(|_| ()));
        assert!(broken(|a| a.left[1] = 0)); // back to the root
        assert!(broken(|a| a.left[1] = 1)); // to itself
        assert!(broken(|a| a.right[1] = 2)); // one child twice
        assert!(broken(|a| a.right[0] = 3)); // a node with two parents
        assert!(broken(|a| a.right[0] = 5));
        assert!(broken(|a| a.right[0] = -2));
        assert!(broken(|a| a.right[0] = -1)); // one child only
        assert!(broken(|a| (a.left[1], a.right[1]) = (-1, -1))); // nodes that nothing reaches
        assert!(broken(|a| a.feature[1] = 2));
        assert!(broken(|a| a.feature[1] = -2));
        assert!(broken(|a| a.threshold[0] = f64::NAN));
        assert!(broken(|a| a.value[4] = f64::INFINITY));
        assert!(broken(|a| a.cover[4] = 0.0));
        assert!(broken(|a| a.cover.truncate(4)));
        assert!(Tree::new(TreeArrays { columns: 1, ..TreeArrays::default() }).is_err());
    }

    #[test]
    fn a_stored_tree_is_checked_again() {
        let tree = Tree::new(small()).unwrap();
        let text = serde_json::to_string(&tree).unwrap();
        assert_eq!(serde_json::from_str::<Tree>(&text).unwrap(), tree);
        assert!(serde_json::from_str::<Tree>(&text.replace("[1,2,-1,-1,-1]", "[1,1,-1,-1,-1]")).is_err());
        assert!(serde_json::from_str::<TreeEnsemble>(r#"{"base":0.0,"scale":1.0,"trees":[]}"#).is_err());
    }
}
