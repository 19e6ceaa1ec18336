use super::grow::{Bounds, Columns, grow};
use super::{Targets, Tree};
use crate::metrics::check_weights;
use crate::random::Generator;
use crate::{Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Settings of a [`DecisionTreeModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DecisionTree {
    /// Most questions in a row. Default none: until the leaves are pure.
    pub max_depth: Option<usize>,
    /// Rows that a leaf needs: 1 or more. Default 1.
    pub min_samples_leaf: usize,
    /// Rows that a node needs to be split: 2 or more. Default 2.
    pub min_samples_split: usize,
}

impl Default for DecisionTree {
    fn default() -> Self {
        Self { max_depth: None, min_samples_leaf: 1, min_samples_split: 2 }
    }
}

impl DecisionTree {
    /// Sets [`max_depth`](Self::max_depth).
    #[must_use]
    pub fn with_max_depth(self, max_depth: impl Into<Option<usize>>) -> Self {
        Self { max_depth: max_depth.into(), ..self }
    }
    /// Sets [`min_samples_leaf`](Self::min_samples_leaf).
    #[must_use]
    pub fn with_min_samples_leaf(self, min_samples_leaf: usize) -> Self {
        Self { min_samples_leaf, ..self }
    }
    /// Sets [`min_samples_split`](Self::min_samples_split).
    #[must_use]
    pub fn with_min_samples_split(self, min_samples_split: usize) -> Self {
        Self { min_samples_split, ..self }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            max_depth: self.max_depth,
            min_samples_leaf: self.min_samples_leaf,
            min_samples_split: self.min_samples_split,
            max_features: usize::MAX,
        }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        Ok(self.bounds().validate()?)
    }

    /// Grows the tree.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Mismatch`] unless there is one target per row, [`Error::TooShort`]
    /// without rows, [`Error::NotFinite`] for a target.
    pub fn fit<'a>(&self, rows: Rows<'_>, targets: impl Into<Targets<'a>>) -> Result<DecisionTreeModel, Error> {
        self.fit_weighted(rows, targets, &vec![1.0; rows.len()])
    }

    /// As [`fit`](Self::fit), with a weight for each row; one of weight 0 takes no part.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted<'a>(
        &self,
        rows: Rows<'_>,
        targets: impl Into<Targets<'a>>,
        weights: &[f64],
    ) -> Result<DecisionTreeModel, Error> {
        self.validate()?;
        let targets = targets.into().numbers(rows, 1)?;
        check_weights(weights, rows.len())?;
        let grown =
            grow(&Columns::new(rows), &targets, weights, self.bounds(), &mut Generator::new(0, "tree").stream(0));
        let importances = shares(&grown.gain);
        Ok(DecisionTreeModel { tree: grown.tree(), importances })
    }
}

/// A decision tree (CART): questions `x[feature] <= threshold?`, each chosen to make its two sides as pure as possible.
///
/// **Use it** where a rule must be read by people, or as the part of a forest. **Not** for the best prediction: one tree
/// is unstable (another sample gives another tree), and grown to the end it learns the noise; see
/// [`RandomForestModel`](super::RandomForestModel).
///
/// # Formula
/// The split of a node maximises `W_L W_R / W (ȳ_L − ȳ_R)²`, the drop of the weighted squared error; on labels that is
/// the drop of the Gini impurity `2 p (1 − p)`. Thresholds lie midway between neighbouring values, equal goes left; of
/// splits that gain exactly the same, the first feature and the lowest threshold win (scikit-learn draws the order of the
/// features; small nodes of boosted trees often have such splits). A leaf predicts its mean: for labels the share of
/// `true`.
///
/// # Parameters
/// See [`DecisionTree`]. Growing uses no random numbers.
///
/// # Examples
/// ```
/// use eir_core::learn::DecisionTree;
/// use eir_core::{Model, Rows};
/// let rows = Rows::new(&[1.0, 2.0, 3.0, 4.0], 1)?;
/// let tree = DecisionTree::default().with_max_depth(1).fit(rows, &[false, false, true, true])?;
/// assert_eq!(tree.tree().arrays().threshold[0], 2.5);
/// assert_eq!(tree.predict(rows)?, [0.0, 0.0, 1.0, 1.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`DecisionTree::fit`] lists them. Labels of one class, or constant features, give a single leaf.
///
/// # Validation
/// Structure, thresholds, values and predictions agree with scikit-learn 1.9.1 on
/// `reference/core/trees_and_neighbours.json` (values within 1e-9; thresholds within 1e-6, because scikit-learn rounds
/// the table to single precision).
///
/// # References
/// Breiman, Friedman, Olshen, Stone 1984, doi:10.1201/9781315139470.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionTreeModel {
    tree: Tree,
    importances: Vec<f64>,
}

impl DecisionTreeModel {
    /// The tree itself.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Impurity importance: the share of each feature in what the splits gained; all 0 without a split.
    #[must_use]
    pub fn importances(&self) -> &[f64] {
        &self.importances
    }
}

impl Model for DecisionTreeModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.tree.predict_into(rows, out)
    }
}

/// `gain` divided by its sum; all 0 if there is none.
pub(super) fn shares(gain: &[f64]) -> Vec<f64> {
    let total: f64 = gain.iter().sum();
    gain.iter().map(|g| if total > 0.0 { g / total } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::contract;

    #[test]
    fn stops_where_it_is_told() {
        let x: Vec<f64> = (0..40).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|v| (v * 0.7).sin()).collect();
        let rows = Rows::new(&x, 1).unwrap();
        let fit = |config: DecisionTree| config.fit(rows, &y).unwrap().tree().clone();
        assert_eq!(fit(DecisionTree::default()).leaf_count(), 40);
        assert_eq!(fit(DecisionTree::default().with_max_depth(3)).depth(), 3);
        assert_eq!(fit(DecisionTree::default().with_max_depth(0)).leaf_count(), 1);
        assert_eq!(fit(DecisionTree::default().with_min_samples_split(41)).leaf_count(), 1);
        assert!(fit(DecisionTree::default().with_min_samples_leaf(7)).leaf_count() <= 5);
    }

    #[test]
    fn one_class_and_constant_features_are_a_leaf() {
        let rows = Rows::new(&[1.0, 2.0], 1).unwrap();
        assert_eq!(DecisionTree::default().fit(rows, &[true, true]).unwrap().tree().leaf_count(), 1);
        let constant = Rows::new(&[1.0, 1.0], 1).unwrap();
        let tree = DecisionTree::default().fit(constant, &[true, false]).unwrap();
        assert_eq!((tree.predict(constant).unwrap(), tree.importances()), (vec![0.5, 0.5], [0.0].as_slice()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let rows = Rows::new(&[1.0, 2.0], 1).unwrap();
        let config = DecisionTree::default();
        assert!(matches!(config.fit(rows, &[true]), Err(Error::Mismatch(_))));
        assert!(matches!(config.fit(rows, &[1.0, f64::NAN]), Err(Error::NotFinite(e)) if e.index == 1));
        assert!(matches!(config.fit(Rows::new(&[], 1).unwrap(), &[true; 0]), Err(Error::TooShort(_))));
        assert!(matches!(config.fit_weighted(rows, &[true, false], &[0.0, 0.0]), Err(Error::Parameter(_))));
        let zero = config.with_min_samples_leaf(0).fit(rows, &[true, false]);
        assert!(matches!(zero, Err(Error::Parameter(e)) if e.name == "min_samples_leaf"));
    }

    #[test]
    fn serialises() {
        let rows = Rows::new(&[1.0, 2.0, 3.0], 1).unwrap();
        contract::serde_round_trip(&DecisionTree::default().fit(rows, &[0.5, 1.0 / 3.0, 7.0]).unwrap());
        contract::serde_round_trip(&DecisionTree::default().with_max_depth(4));
        contract::send_sync::<DecisionTreeModel>();
    }
}
