use super::decision_tree::shares;
use super::each::each;
use super::grow::{Bounds, Columns, grow};
use super::{Targets, TreeEnsemble};
use crate::error::{Mismatch, Parameter};
use crate::metrics::check_weights;
use crate::random::{Generator, Stream};
use crate::{Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Settings of a [`RandomForestModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RandomForest {
    /// Number of trees: 1 or more. Default 100. More is never worse, only slower.
    pub trees: usize,
    /// Features that are drawn for each node: 1 or more. Default none: ⌊√columns⌋ for labels, all for values.
    pub max_features: Option<usize>,
    /// Most questions in a row. Default none: until the leaves are pure.
    pub max_depth: Option<usize>,
    /// Rows that a leaf needs: 1 or more. Default 1.
    pub min_samples_leaf: usize,
    /// Rows that a node needs to be split: 2 or more. Default 2.
    pub min_samples_split: usize,
    /// Whether each tree sees a sample of the rows, drawn with replacement. Default true.
    pub bootstrap: bool,
    /// Seed of the samples and of the drawn features. Default 0.
    pub seed: u64,
}

impl Default for RandomForest {
    fn default() -> Self {
        Self {
            trees: 100,
            max_features: None,
            max_depth: None,
            min_samples_leaf: 1,
            min_samples_split: 2,
            bootstrap: true,
            seed: 0,
        }
    }
}

impl RandomForest {
    /// Sets [`trees`](Self::trees).
    #[must_use]
    pub fn with_trees(self, trees: usize) -> Self {
        Self { trees, ..self }
    }
    /// Sets [`max_features`](Self::max_features).
    #[must_use]
    pub fn with_max_features(self, max_features: impl Into<Option<usize>>) -> Self {
        Self { max_features: max_features.into(), ..self }
    }
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
    /// Sets [`bootstrap`](Self::bootstrap).
    #[must_use]
    pub fn with_bootstrap(self, bootstrap: bool) -> Self {
        Self { bootstrap, ..self }
    }
    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    fn bounds(&self, columns: usize, labels: bool) -> Bounds {
        let usual = if labels { columns.isqrt() } else { columns };
        Bounds {
            max_depth: self.max_depth,
            min_samples_leaf: self.min_samples_leaf,
            min_samples_split: self.min_samples_split,
            max_features: self.max_features.unwrap_or(usual),
        }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if self.trees == 0 {
            return Err(Parameter::new("trees", 0.0, "1 or more").into());
        }
        Ok(self.bounds(1, true).validate()?)
    }

    /// Grows the trees, on all threads with the feature `rayon`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Mismatch`] unless there is one target per row, [`Error::TooShort`]
    /// without rows, [`Error::NotFinite`] for a target.
    pub fn fit<'a>(&self, rows: Rows<'_>, targets: impl Into<Targets<'a>>) -> Result<RandomForestModel, Error> {
        self.fit_weighted(rows, targets, &vec![1.0; rows.len()])
    }

    /// As [`fit`](Self::fit), with a weight for each row, which multiplies how often a sample holds it.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted<'a>(
        &self,
        rows: Rows<'_>,
        targets: impl Into<Targets<'a>>,
        weights: &[f64],
    ) -> Result<RandomForestModel, Error> {
        self.validate()?;
        let targets: Targets<'a> = targets.into();
        let labels = targets.is_labels();
        let targets = targets.numbers(rows, 1)?;
        check_weights(weights, rows.len())?;
        let (columns, bounds) = (Columns::new(rows), self.bounds(rows.columns(), labels));
        let grown = each(self.trees, |tree| {
            let (bag, mut stream) = self.bag(tree, rows.len());
            let mass: Vec<f64> = bag.iter().zip(weights).map(|(times, w)| f64::from(*times) * w).collect();
            // a sample may miss every row that has a weight
            let mass = if mass.iter().any(|w| *w > 0.0) { &mass } else { weights };
            grow(&columns, &targets, mass, bounds, &mut stream)
        });
        let mut importances = vec![0.0; rows.columns()];
        for tree in &grown {
            importances.iter_mut().zip(shares(&tree.gain)).for_each(|(sum, share)| *sum += share);
        }
        let trees = grown.into_iter().map(|tree| tree.tree()).collect();
        let mut forest = RandomForestModel {
            config: self.clone(),
            ensemble: TreeEnsemble::grown(0.0, 1.0 / self.trees as f64, trees),
            labels,
            importances: shares(&importances),
            out_of_bag: Vec::new(),
        };
        if self.bootstrap {
            forest.out_of_bag = forest.predict_out_of_bag(rows);
        }
        Ok(forest)
    }

    /// How often the sample of `tree` holds each row, and the stream that goes on to draw its features.
    fn bag(&self, tree: usize, rows: usize) -> (Vec<u32>, Stream) {
        let mut stream = Generator::new(self.seed, "random forest").stream(tree as u64);
        if !self.bootstrap {
            return (vec![1; rows], stream);
        }
        let mut times = vec![0; rows];
        (0..rows).for_each(|_| times[stream.below(rows)] += 1);
        (times, stream)
    }
}

/// A random forest: the mean of trees that are grown on random samples of the rows, with random features at each node.
///
/// **Use it** as the first model for a table: it needs no scaling and hardly any tuning, and tells by itself how well it
/// does ([`out_of_bag_score`](Self::out_of_bag_score)). **Not** to extrapolate (it never predicts beyond the targets it
/// has seen), nor as a calibrated risk without a check; boosting is often somewhat better and always smaller.
///
/// # Formula
/// `f(x) = 1/T Σ tree_t(x)`: for labels the mean of the shares of `true` in the leaves, not a vote. Each tree is a
/// [`DecisionTreeModel`](super::DecisionTreeModel) on a bootstrap sample.
///
/// # Parameters
/// See [`RandomForest`]. One stream of random numbers per tree: the number of threads changes nothing.
///
/// # Examples
/// ```
/// use eir_core::learn::RandomForest;
/// use eir_core::{Model, Rows};
/// let x: Vec<f64> = (0..100).map(f64::from).collect();
/// let labels: Vec<bool> = x.iter().map(|v| *v >= 50.0).collect();
/// let rows = Rows::new(&x, 1)?;
/// let forest = RandomForest::default().with_trees(20).with_seed(1).fit(rows, &labels)?;
/// assert_eq!(forest.predict(Rows::new(&[10.0, 90.0], 1)?)?, [0.0, 1.0]);
/// assert!(forest.out_of_bag_score(&labels)? > 0.95);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`RandomForest::fit`] lists them.
///
/// # Validation
/// Cross-validated AUROC not below scikit-learn 1.9.1's by more than 0.02 (`reference/core/trees_and_neighbours.json`,
/// mean over 3 seeds); the same bytes on 1, 2 and 8 threads.
///
/// # References
/// Breiman 2001, doi:10.1023/A:1010933404324.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RandomForestModel {
    config: RandomForest,
    ensemble: TreeEnsemble,
    labels: bool,
    importances: Vec<f64>,
    out_of_bag: Vec<Option<f64>>,
}

impl RandomForestModel {
    /// The trees.
    #[must_use]
    pub fn ensemble(&self) -> &TreeEnsemble {
        &self.ensemble
    }

    /// Impurity importance: the share of each feature in what the splits gained, as a mean over the trees.
    ///
    /// It favours features with many values, also useless ones: see
    /// [`permutation_importances`](Self::permutation_importances).
    #[must_use]
    pub fn importances(&self) -> &[f64] {
        &self.importances
    }

    /// What the trees that have not seen a training row say of it; none for a row that all have seen. Empty without
    /// bootstrap.
    #[must_use]
    pub fn out_of_bag(&self) -> &[Option<f64>] {
        &self.out_of_bag
    }

    /// How well the trees do on the rows that they have not seen: the accuracy at 0.5 for labels, R² for values.
    ///
    /// # Errors
    /// [`Error::Undefined`] without such rows, or with constant values.
    pub fn out_of_bag_score<'a>(&self, targets: impl Into<Targets<'a>>) -> Result<f64, Error> {
        match targets.into() {
            Targets::Labels(labels) => {
                Mismatch::check("labels", self.out_of_bag.len(), labels.len())?;
                let seen = self.out_of_bag.iter().zip(labels).filter_map(|(p, label)| Some((*p.as_ref()?, *label)));
                let right = seen.clone().filter(|(p, label)| (*p > 0.5) == *label).count();
                match seen.count() {
                    0 => Err(Error::Undefined("out-of-bag score")),
                    n => Ok(right as f64 / n as f64),
                }
            }
            Targets::Values(values) => {
                Mismatch::check("targets", self.out_of_bag.len(), values.len())?;
                let seen = self.out_of_bag.iter().zip(values).filter_map(|(p, value)| Some((*value, *p.as_ref()?)));
                let (truth, predicted): (Vec<f64>, Vec<f64>) = seen.unzip();
                crate::metrics::r2(&truth, &predicted)
            }
        }
    }

    fn predict_out_of_bag(&self, rows: Rows<'_>) -> Vec<Option<f64>> {
        let trees = self.ensemble.trees();
        let unseen = each(trees.len(), |t| {
            let bag = self.config.bag(t, rows.len()).0;
            let row = |i: usize| trees[t].value(rows.row(i));
            (0..rows.len()).filter(|i| bag[*i] == 0).map(|i| (i, row(i))).collect::<Vec<_>>()
        });
        let mut sums = vec![(0.0, 0usize); rows.len()];
        for (i, value) in unseen.into_iter().flatten() {
            sums[i].0 += value;
            sums[i].1 += 1;
        }
        sums.into_iter().map(|(sum, n)| (n > 0).then(|| sum / n as f64)).collect()
    }

    /// Permutation importance: by how much the squared error of the trees on the rows that they have not seen rises when
    /// a feature is shuffled among these rows, as a mean over the trees (for labels, the squared error is the Brier
    /// score of each tree).
    ///
    /// `rows` and `targets` are those that the forest was fitted to. Features that say the same share their importance.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another table, [`Error::Undefined`] without bootstrap.
    ///
    /// # References
    /// Breiman 2001, doi:10.1023/A:1010933404324, section 10.
    pub fn permutation_importances<'a>(
        &self,
        rows: Rows<'_>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<Vec<f64>, Error> {
        if self.out_of_bag.is_empty() {
            return Err(Error::Undefined("out-of-bag importance"));
        }
        Mismatch::check("rows", self.out_of_bag.len(), rows.len())?;
        Mismatch::check("columns", self.ensemble.columns(), rows.columns())?;
        let targets = targets.into().numbers(rows, 1)?;
        let trees = self.ensemble.trees();
        let shuffles = Generator::new(self.config.seed, "random forest importance");
        let rises = each(trees.len(), |t| {
            let bag = self.config.bag(t, rows.len()).0;
            let unseen: Vec<usize> = (0..rows.len()).filter(|i| bag[*i] == 0).collect();
            let mut table = rows.select(&unseen);
            let mut stream = shuffles.stream(t as u64);
            let error = |table: &[f64]| {
                let predicted = table.chunks_exact(rows.columns()).map(|row| trees[t].value(row));
                let squares = predicted.zip(&unseen).map(|(p, i)| (p - targets[*i]).powi(2));
                squares.sum::<f64>() / unseen.len().max(1) as f64
            };
            let before = error(&table);
            let mut rise = Vec::with_capacity(rows.columns());
            for feature in 0..rows.columns() {
                let mut order = unseen.clone();
                stream.shuffle(&mut order);
                let put = |table: &mut [f64], from: &[usize]| {
                    let places = table.chunks_exact_mut(rows.columns());
                    places.zip(from).for_each(|(row, i)| row[feature] = rows.row(*i)[feature]);
                };
                put(&mut table, &order);
                let after = error(&table);
                put(&mut table, &unseen);
                rise.push(after - before);
            }
            rise
        });
        let mean = |feature: usize| rises.iter().map(|rise| rise[feature]).sum::<f64>() / trees.len() as f64;
        Ok((0..rows.columns()).map(mean).collect())
    }
}

impl Model for RandomForestModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.ensemble.predict_into(rows, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::contract;

    /// 200 rows of 4 features, of which the first decides and the others do not.
    fn table() -> (Vec<f64>, Vec<bool>) {
        let mut stream = Generator::new(4, "forest test").stream(0);
        let x: Vec<f64> = (0..800).map(|_| stream.normal()).collect();
        let labels = x.chunks(4).map(|row| row[0] + 0.3 * stream.normal() > 0.0).collect();
        (x, labels)
    }

    #[test]
    fn the_feature_that_decides_is_found() {
        let (x, labels) = table();
        let rows = Rows::new(&x, 4).unwrap();
        let forest = RandomForest::default().fit(rows, &labels).unwrap();
        assert!(forest.importances()[0] > 0.5, "{:?}", forest.importances());
        assert!((forest.importances().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let score = forest.out_of_bag_score(&labels).unwrap();
        assert!((0.8..0.98).contains(&score), "{score}"); // it would be 1 on rows that the trees have seen
        let rise = forest.permutation_importances(rows, &labels).unwrap();
        assert!(rise[0] > 0.1 && rise[1..].iter().all(|r| r.abs() < 0.03), "{rise:?}");
    }

    #[test]
    fn values_and_no_bootstrap() {
        let x: Vec<f64> = (0..50).map(f64::from).collect();
        let rows = Rows::new(&x, 1).unwrap();
        let forest = RandomForest::default().with_trees(50).fit(rows, &x).unwrap();
        assert!(forest.out_of_bag_score(&x).unwrap() > 0.99);
        let all = RandomForest::default().with_trees(3).with_bootstrap(false).fit(rows, &x).unwrap();
        assert!(all.predict(rows).unwrap().iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!(all.out_of_bag().is_empty());
        assert_eq!(all.permutation_importances(rows, &x), Err(Error::Undefined("out-of-bag importance")));
    }

    #[test]
    fn serialises_and_says_what_is_wrong() {
        let (x, labels) = table();
        let rows = Rows::new(&x, 4).unwrap();
        contract::serde_round_trip(&RandomForest::default().with_trees(3).fit(rows, &labels).unwrap());
        contract::send_sync::<RandomForestModel>();
        let error = RandomForest::default().with_trees(0).fit(rows, &labels);
        assert!(matches!(error, Err(Error::Parameter(e)) if e.name == "trees"));
        let error = RandomForest::default().with_max_features(0).fit(rows, &labels);
        assert!(matches!(error, Err(Error::Parameter(e)) if e.name == "max_features"));
        assert!(matches!(RandomForest::default().fit(rows, &labels[1..]), Err(Error::Mismatch(_))));
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn threads_change_nothing() {
        let (x, labels) = table();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let rows = Rows::new(&x, 4).unwrap();
                let forest = RandomForest::default().with_trees(17).with_seed(9).fit(rows, &labels).unwrap();
                let rise = forest.permutation_importances(rows, &labels).unwrap();
                serde_json::to_string(&(forest, rise)).unwrap()
            })
        };
        let one = on(1);
        assert!(one == on(2) && one == on(8));
    }
}
