use crate::error::{Mismatch, TooShort};
use crate::learn::{Tree, TreeEnsemble, each};
use crate::quadrature::gauss_legendre;
use crate::{Error, IncompleteRows, Model, Rows};

/// The attributions must add up to the prediction within this part of the largest number in the sum.
const GAP: f64 = 1e-9;

/// SHAP values of trees: what each feature adds to the prediction of a row, exactly and in polynomial time.
///
/// **Use it** to explain trees, forests and boosted trees, also those of other tools (see
/// [`TreeArrays`](crate::learn::TreeArrays)): one row for a person, the mean of the absolute values for a model. **Not**
/// as a statement about causes, and with care where features are correlated: the two kinds then differ.
///
/// - [`path_dependent`](Self::path_dependent): a feature that is not known is averaged over the two sides of its
///   questions, as the training rows went. Needs no data.
/// - [`interventional`](Self::interventional): such a feature is taken from a background row. It never credits a feature
///   that the trees do not use; the answer is relative to the background that was chosen.
///
/// # Formula
/// `φ_i = Σ_S |S|! (M − |S| − 1)! / M! (v(S ∪ i) − v(S))`, and `expected + Σ φ_i = f(x)`. Path dependent, a leaf with value
/// `u` adds `u Π_{j∈S} o_j Π_{j∉S} z_j` to `v(S)`: `o_j` is 1 if `x` passes all questions about `j` on its path, `z_j` the
/// part of the training rows that does. Its share in `φ_i` is `u (o_i − z_i) ∫₀¹ Π_{j≠i} (o_j t + z_j (1 − t)) dt`, which
/// Gauss–Legendre quadrature gives exactly, since it is a polynomial. Interactions halve the same with two features left
/// out, and put what is left of `φ_i` on the diagonal. Interventional, the leaves that a mixture of `x` and a background
/// row can reach are walked.
///
/// A missing value ([`IncompleteRows`]) goes where the tree sends it; it is what is known of its feature.
///
/// # Parameters
/// The trees, and the background rows for the interventional kind (100 to 1000 that stand for the population).
///
/// # Examples
/// ```
/// use eir_core::explain::TreeShap;
/// use eir_core::learn::DecisionTree;
/// use eir_core::Rows;
/// let rows = Rows::new(&[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 2)?;
/// let model = DecisionTree::default().fit(rows, &[0.0, 0.0, 0.0, 1.0])?; // x₀ and x₁
/// let shap = TreeShap::path_dependent(&model.tree().clone().into()).values(rows)?;
/// assert_eq!(shap.expected(), 0.25);
/// assert!((shap.row(3)[0] - 0.375).abs() < 1e-12); // both say as much
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`] for another number of columns; [`Error::NotAdditive`] if a sum misses its prediction.
///
/// # Validation
/// Path-dependent values and interactions agree with shap 0.51.0 within 1e-9 on `reference/core/explanation.json` (single
/// and boosted trees). Interventional values agree with the sum over all subsets within 1e-9, and with shap's within the
/// single precision in which it adds them up.
///
/// # References
/// Lundberg, Erion, Chen, et al. 2020, doi:10.1038/s42256-019-0138-9.
#[derive(Debug, Clone, Copy)]
pub struct TreeShap<'a> {
    ensemble: &'a TreeEnsemble,
    background: Option<Rows<'a>>,
}

/// Attributions that are known to add up: `expected + Σ row(i) = prediction` for every row.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeShapValues {
    expected: f64,
    predictions: Vec<f64>,
    values: Vec<f64>,
    width: usize,
}

impl TreeShapValues {
    /// What is predicted when no feature is known: the mean over the training rows of the trees, or over the background.
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.expected
    }

    /// The prediction of each row (of the sum of trees: for boosted labels the log-odds).
    #[must_use]
    pub fn predictions(&self) -> &[f64] {
        &self.predictions
    }

    /// All attributions, row after row.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The attributions of row `index`, one per feature; for interactions one per pair, feature after feature.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// By how much the sum of a row misses its prediction, at most.
    #[must_use]
    pub fn largest_gap(&self) -> f64 {
        let gap = |i: usize| (self.expected + self.row(i).iter().sum::<f64>() - self.predictions[i]).abs();
        (0..self.predictions.len()).map(gap).fold(0.0, f64::max)
    }

    /// Itself, if it adds up.
    fn checked(self, ensemble: &TreeEnsemble) -> Result<Self, Error> {
        let largest = |tree: &Tree| tree.arrays().value.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let size = ensemble.scale().abs() * ensemble.trees().iter().map(largest).sum::<f64>() + ensemble.base().abs();
        for (row, prediction) in self.predictions.iter().enumerate() {
            let gap = (self.expected + self.row(row).iter().sum::<f64>() - prediction).abs();
            // no number is no sum either
            if gap.is_nan() || gap > GAP * size {
                return Err(Error::NotAdditive { row });
            }
        }
        Ok(self)
    }
}

impl<'a> TreeShap<'a> {
    /// Explains by the training rows that the trees have counted.
    #[must_use]
    pub fn path_dependent(ensemble: &'a TreeEnsemble) -> Self {
        Self { ensemble, background: None }
    }

    /// Explains relative to `background`.
    ///
    /// # Errors
    /// [`Error::TooShort`] without a background row, [`Error::Mismatch`] for another number of columns.
    pub fn interventional(
        ensemble: &'a TreeEnsemble,
        background: impl Into<IncompleteRows<'a>>,
    ) -> Result<Self, Error> {
        let background = background.into().with_gaps();
        Mismatch::check("columns of the background", ensemble.columns(), background.columns())?;
        if background.is_empty() {
            return Err(TooShort::new("background rows", 0, 1).into());
        }
        Ok(Self { ensemble, background: Some(background) })
    }

    /// The attributions of each row, on all threads with the feature `rayon`.
    ///
    /// # Errors
    /// As listed at the type.
    pub fn values<'r>(&self, rows: impl Into<IncompleteRows<'r>>) -> Result<TreeShapValues, Error> {
        let rows = rows.into().with_gaps();
        let Some(background) = self.background else {
            return self.sum_over_leaves(rows, rows.columns(), |leaf, out| leaf.values(out));
        };
        let predictions = self.ensemble.predict(rows)?;
        let share = self.ensemble.scale() / background.len() as f64;
        let values = each(rows.len(), |i| {
            let mut out = vec![0.0; rows.columns()];
            for tree in self.ensemble.trees() {
                background.iter().for_each(|other| mixtures(tree, rows.row(i), other, share, &mut out));
            }
            out
        });
        let before = self.ensemble.predict(background)?;
        let expected = before.iter().map(|p| p / background.len() as f64).sum();
        let width = rows.columns();
        TreeShapValues { expected, predictions, values: values.concat(), width }.checked(self.ensemble)
    }

    /// The path-dependent interactions of each row: a symmetric table features × features, whose rows add up to the
    /// [`values`](Self::values).
    ///
    /// # Errors
    /// As listed at the type, and [`Error::Undefined`] for the interventional kind, which has none here.
    pub fn interactions<'r>(&self, rows: impl Into<IncompleteRows<'r>>) -> Result<TreeShapValues, Error> {
        let rows = rows.into().with_gaps();
        if self.background.is_some() {
            return Err(Error::Undefined("interaction relative to a background"));
        }
        self.sum_over_leaves(rows, rows.columns() * rows.columns(), |leaf, out| leaf.interactions(out))
    }

    fn sum_over_leaves(
        &self,
        rows: Rows<'_>,
        width: usize,
        add: impl Fn(&Leaf<'_>, &mut [f64]) + Sync + Send,
    ) -> Result<TreeShapValues, Error> {
        let (trees, scale, columns) = (self.ensemble.trees(), self.ensemble.scale(), self.ensemble.columns());
        let predictions = self.ensemble.predict(rows)?;
        // exact up to the degree: one factor less than there are features on a path
        let features = trees.iter().map(|tree| tree.depth().min(columns)).max().unwrap_or(0);
        let rule: Vec<(f64, f64)> =
            gauss_legendre(features / 2 + 1).iter().map(|(x, w)| (0.5 + 0.5 * x, 0.5 * w)).collect();
        let values = each(rows.len(), |i| {
            let mut out = vec![0.0; width];
            for tree in trees {
                paths(tree, rows.row(i), |value, path| {
                    add(&Leaf { value: scale * value, path, rule: &rule, columns }, &mut out);
                });
            }
            out
        });
        let mut expected = self.ensemble.base();
        for tree in trees {
            let row = vec![0.0; columns]; // any: what is not known is not asked
            paths(tree, &row, |value, path| {
                expected += scale * value * path.iter().map(|step| step.zero).product::<f64>();
            });
        }
        TreeShapValues { expected, predictions, values: values.concat(), width }.checked(self.ensemble)
    }
}

/// All questions about one feature on the way to a leaf.
#[derive(Debug, Clone, Copy)]
struct Step {
    feature: usize,
    /// 1 if the row passes them, 0 if not.
    one: f64,
    /// The part of the training rows that passes them.
    zero: f64,
}

/// Calls `visit` with the value of each leaf and the steps on the way to it, one per feature.
fn paths(tree: &Tree, row: &[f64], mut visit: impl FnMut(f64, &[Step])) {
    let arrays = tree.arrays();
    let mut way: Vec<Step> = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut open = vec![(0, 0, None)];
    while let Some((node, depth, step)) = open.pop() {
        way.truncate(depth);
        way.extend(step);
        if tree.is_leaf(node) {
            steps.clear();
            for step in &way {
                match steps.iter_mut().find(|s| s.feature == step.feature) {
                    Some(same) => (same.one, same.zero) = (same.one * step.one, same.zero * step.zero),
                    None => steps.push(*step),
                }
            }
            visit(arrays.value[node], &steps);
            continue;
        }
        let (taken, children) = (tree.next(node, row), tree.children(node));
        let cover = children.map(|child| arrays.cover[child]);
        for (child, cover_here) in children.into_iter().zip(cover) {
            let (one, zero) = (f64::from(u8::from(child == taken)), cover_here / (cover[0] + cover[1]));
            open.push((child, way.len(), Some(Step { feature: arrays.feature[node] as usize, one, zero })));
        }
    }
}

/// A leaf as a game in which each feature on its path is known or not.
struct Leaf<'a> {
    value: f64,
    path: &'a [Step],
    /// Nodes and weights of the quadrature on 0 … 1.
    rule: &'a [(f64, f64)],
    columns: usize,
}

impl Leaf<'_> {
    /// Calls `add` with `weight · value · Π (o t + z (1 − t))` and `t`, for each node of the quadrature.
    fn nodes(&self, mut add: impl FnMut(f64, f64)) {
        for (t, weight) in self.rule {
            let product: f64 = self.path.iter().map(|step| step.at(*t)).product();
            add(self.value * weight * product, *t);
        }
    }

    fn values(&self, out: &mut [f64]) {
        self.nodes(|product, t| self.path.iter().for_each(|i| out[i.feature] += product * i.lift(t)));
    }

    fn interactions(&self, out: &mut [f64]) {
        self.nodes(|product, t| {
            for (at, i) in self.path.iter().enumerate() {
                out[i.feature * (self.columns + 1)] += product * i.lift(t);
                for j in &self.path[at + 1..] {
                    let half = 0.5 * product * i.lift(t) * j.lift(t);
                    out[i.feature * self.columns + j.feature] += half;
                    out[j.feature * self.columns + i.feature] += half;
                    out[i.feature * (self.columns + 1)] -= half;
                    out[j.feature * (self.columns + 1)] -= half;
                }
            }
        });
    }
}

impl Step {
    /// Above 0, as covers are.
    fn at(&self, t: f64) -> f64 {
        self.one * t + self.zero * (1.0 - t)
    }

    fn lift(&self, t: f64) -> f64 {
        (self.one - self.zero) / self.at(t)
    }
}

/// Adds `share` times the Shapley values of the game whose value of S is the tree's at a row that is `row` in S and
/// `other` elsewhere.
fn mixtures(tree: &Tree, row: &[f64], other: &[f64], share: f64, out: &mut [f64]) {
    let arrays = tree.arrays();
    // features on which the two part, and whether the way is `row`'s
    let mut way: Vec<(usize, bool)> = Vec::new();
    let mut open = vec![(0, 0, None)];
    while let Some((node, depth, step)) = open.pop() {
        way.truncate(depth);
        way.extend(step);
        if tree.is_leaf(node) {
            let own = way.iter().filter(|(_, own)| *own).count() as f64;
            let foreign = way.len() as f64 - own;
            let value = share * arrays.value[node] / choose(way.len(), own);
            for (feature, is_own) in &way {
                // (own − 1)! foreign! / (own + foreign)!, and the same with the two in each other's place
                out[*feature] += if *is_own { value / own } else { -value / foreign };
            }
            continue;
        }
        let feature = arrays.feature[node] as usize;
        let (mine, theirs) = (tree.next(node, row), tree.next(node, other));
        let decided = way.iter().find(|(f, _)| *f == feature).map(|(_, own)| *own);
        match decided {
            _ if mine == theirs => open.push((mine, way.len(), None)),
            Some(own) => open.push((if own { mine } else { theirs }, way.len(), None)),
            None => {
                open.push((theirs, way.len(), Some((feature, false))));
                open.push((mine, way.len(), Some((feature, true))));
            }
        }
    }
}

/// The number of ways to choose `k` of `n`.
fn choose(n: usize, k: f64) -> f64 {
    (0..k as usize).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{GradientBoosting, HistogramBoosting, RandomForest, TreeArrays};
    use crate::random::Generator;

    const COLUMNS: usize = 4;

    fn table(rows: usize, seed: u64) -> Vec<f64> {
        let mut stream = Generator::new(seed, "tree shap test").stream(0);
        (0..rows * COLUMNS).map(|_| (stream.normal() * 3.0).round() / 3.0).collect()
    }

    fn models(x: &[f64]) -> Vec<TreeEnsemble> {
        let rows = Rows::new(x, COLUMNS).unwrap();
        let y: Vec<f64> = rows.iter().map(|r| r[0] * r[1] + r[2].sin()).collect();
        let labels: Vec<bool> = y.iter().map(|v| *v > 0.3).collect();
        vec![
            RandomForest::default().with_trees(7).fit(rows, &y).unwrap().ensemble().clone(),
            GradientBoosting::default().with_trees(9).fit(rows, &labels).unwrap().ensemble().clone(),
            RandomForest::default().with_trees(1).with_max_depth(0).fit(rows, &y).unwrap().ensemble().clone(),
        ]
    }

    /// Mean of the leaves below `node`, with the features in `known` (bits) taken from `row`.
    fn conditional(tree: &Tree, node: usize, row: &[f64], known: usize) -> f64 {
        let arrays = tree.arrays();
        if tree.is_leaf(node) {
            return arrays.value[node];
        }
        if known >> arrays.feature[node] & 1 == 1 {
            return conditional(tree, tree.next(node, row), row, known);
        }
        let cover = |child: usize| arrays.cover[child] * conditional(tree, child, row, known);
        tree.children(node).map(cover).iter().sum::<f64>() / arrays.cover[node]
    }

    /// Values and interactions by their definition, over all subsets.
    fn by_definition(value: impl Fn(usize) -> f64) -> (Vec<f64>, Vec<f64>) {
        let factorial = |n: usize| (1..=n).product::<usize>() as f64;
        let size = |s: usize| s.count_ones() as usize;
        let (mut values, mut pairs) = (vec![0.0; COLUMNS], vec![0.0; COLUMNS * COLUMNS]);
        for i in 0..COLUMNS {
            for s in (0..1 << COLUMNS).filter(|s| s >> i & 1 == 0) {
                let weight = factorial(size(s)) * factorial(COLUMNS - size(s) - 1) / factorial(COLUMNS);
                values[i] += weight * (value(s | 1 << i) - value(s));
                for j in (0..COLUMNS).filter(|j| *j != i && s >> j & 1 == 0) {
                    let weight = factorial(size(s)) * factorial(COLUMNS - size(s) - 2) / factorial(COLUMNS - 1);
                    let both = value(s | 1 << i | 1 << j) - value(s | 1 << i) - value(s | 1 << j) + value(s);
                    pairs[i * COLUMNS + j] += 0.5 * weight * both;
                }
            }
        }
        for i in 0..COLUMNS {
            let others: f64 = (0..COLUMNS).filter(|j| *j != i).map(|j| pairs[i * COLUMNS + j]).sum();
            pairs[i * COLUMNS + i] = values[i] - others;
        }
        (values, pairs)
    }

    fn close(a: &[f64], b: &[f64]) {
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10), "{a:?} {b:?}");
    }

    #[test]
    fn path_dependent_values_are_the_definition() {
        let (x, queries) = (table(80, 1), table(5, 2));
        let rows = Rows::new(&queries, COLUMNS).unwrap();
        for model in models(&x) {
            let shap = TreeShap::path_dependent(&model);
            let (values, pairs) = (shap.values(rows).unwrap(), shap.interactions(rows).unwrap());
            assert!(values.largest_gap() < 1e-12 && pairs.largest_gap() < 1e-12);
            for (i, row) in rows.iter().enumerate() {
                let value = |known| {
                    let trees = model.trees().iter().map(|tree| conditional(tree, 0, row, known));
                    model.base() + model.scale() * trees.sum::<f64>()
                };
                let want = by_definition(value);
                close(&[values.expected()], &[value(0)]);
                close(values.row(i), &want.0);
                close(pairs.row(i), &want.1);
            }
        }
    }

    /// Rows, background and training rows with gaps: both kinds by their definition, and they add up.
    #[test]
    fn missing_values_are_explained_as_they_are_predicted() {
        let gaps = |mut x: Vec<f64>, seed| {
            let mut stream = Generator::new(seed, "gaps").stream(0);
            x.iter_mut().for_each(|v| *v = if stream.chance(0.3) { f64::NAN } else { *v });
            x
        };
        let (x, queries) = (gaps(table(300, 6), 1), gaps(table(6, 7), 2));
        let (train, rows) =
            (IncompleteRows::new(&x, COLUMNS).unwrap(), IncompleteRows::new(&queries, COLUMNS).unwrap());
        let say = |v: f64| if v.is_nan() { 0.7 } else { v };
        let y: Vec<f64> = x.chunks(COLUMNS).map(|r| say(r[0]) * say(r[1]) + say(r[2]).sin()).collect();
        let config = HistogramBoosting::default().with_trees(8).with_min_samples_leaf(5);
        let model = config.fit(train, &y).unwrap().ensemble().clone();
        assert!(model.trees().iter().any(|tree| tree.arrays().missing_left.contains(&true)));
        let background = IncompleteRows::new(&x[..40 * COLUMNS], COLUMNS).unwrap();
        let kinds = [TreeShap::path_dependent(&model), TreeShap::interventional(&model, background).unwrap()];
        let values = kinds.map(|shap| shap.values(rows).unwrap());
        assert!(kinds[0].interactions(rows).unwrap().largest_gap() < 1e-12);
        let predicted = model.predict_incomplete(rows).unwrap();
        for (i, row) in queries.chunks(COLUMNS).enumerate() {
            let path = |known| {
                let trees = model.trees().iter().map(|tree| conditional(tree, 0, row, known));
                model.base() + model.scale() * trees.sum::<f64>()
            };
            let mixed = |known: usize| {
                let mixed: Vec<f64> = x[..40 * COLUMNS]
                    .chunks(COLUMNS)
                    .flat_map(|b| (0..COLUMNS).map(|j| if known >> j & 1 == 1 { row[j] } else { b[j] }))
                    .collect();
                let predicted = model.predict_incomplete(IncompleteRows::new(&mixed, COLUMNS).unwrap()).unwrap();
                predicted.iter().sum::<f64>() / predicted.len() as f64
            };
            close(values[0].row(i), &by_definition(path).0);
            close(values[1].row(i), &by_definition(mixed).0);
            for values in &values {
                close(&[values.expected() + values.row(i).iter().sum::<f64>()], &predicted[i..=i]);
            }
        }
    }

    #[test]
    fn interventional_values_are_the_definition() {
        let (x, queries) = (table(80, 3), table(5, 4));
        let (rows, background) = (Rows::new(&queries, COLUMNS).unwrap(), Rows::new(&x[..40], COLUMNS).unwrap());
        for model in models(&x) {
            let values = TreeShap::interventional(&model, background).unwrap().values(rows).unwrap();
            for (i, row) in rows.iter().enumerate() {
                let value = |known: usize| {
                    let mixed: Vec<f64> = background
                        .iter()
                        .flat_map(|b| (0..COLUMNS).map(|j| if known >> j & 1 == 1 { row[j] } else { b[j] }))
                        .collect();
                    let predicted = model.predict(Rows::new(&mixed, COLUMNS).unwrap()).unwrap();
                    predicted.iter().sum::<f64>() / predicted.len() as f64
                };
                close(&[values.expected()], &[value(0)]);
                close(values.row(i), &by_definition(value).0);
            }
        }
    }

    /// A chain that asks a new feature at each of `depth` nodes.
    fn chain(depth: usize) -> TreeEnsemble {
        let nodes = 2 * depth + 1;
        let inner = |i: usize| i.is_multiple_of(2) && i + 1 < nodes;
        let arrays = TreeArrays {
            columns: depth,
            feature: (0..nodes).map(|i| i as i32 / 2).collect(),
            threshold: vec![0.0; nodes],
            left: (0..nodes as i32).map(|i| if inner(i as usize) { i + 1 } else { -1 }).collect(),
            right: (0..nodes as i32).map(|i| if inner(i as usize) { i + 2 } else { -1 }).collect(),
            value: (0..nodes).map(|i| (i as f64).sqrt()).collect(),
            cover: (0..nodes).map(|i| (nodes - i) as f64).collect(),
            missing_left: Vec::new(),
        };
        Tree::new(arrays).unwrap().into()
    }

    #[test]
    fn deep_trees_add_up() {
        for depth in [30, 300] {
            let (model, x) = (chain(depth), vec![1.0; 2 * depth]);
            let rows = Rows::new(&x, depth).unwrap();
            assert!(TreeShap::path_dependent(&model).values(rows).unwrap().largest_gap() < 1e-9);
            let below = vec![-1.0; depth];
            let shap = TreeShap::interventional(&model, Rows::new(&below, depth).unwrap()).unwrap();
            assert!(shap.values(rows).unwrap().largest_gap() < 1e-9);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let model = chain(2);
        let one = Rows::new(&[1.0], 1).unwrap();
        assert!(matches!(TreeShap::path_dependent(&model).values(one), Err(Error::Mismatch(_))));
        assert!(matches!(TreeShap::interventional(&model, one), Err(Error::Mismatch(_))));
        let none = Rows::new(&[], 2).unwrap();
        assert!(matches!(TreeShap::interventional(&model, none), Err(Error::TooShort(_))));
        assert!(TreeShap::path_dependent(&model).values(none).unwrap().values().is_empty());
        let overflow = TreeEnsemble::new(0.0, f64::MAX, model.trees().to_vec()).unwrap();
        let rows = Rows::new(&[1.0, 1.0], 2).unwrap();
        assert_eq!(TreeShap::path_dependent(&overflow).values(rows), Err(Error::NotAdditive { row: 0 }));
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn threads_change_nothing() {
        let x = table(80, 5);
        let model = &models(&x)[0];
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| TreeShap::path_dependent(model).values(Rows::new(&x, COLUMNS).unwrap()).unwrap())
        };
        let one = on(1);
        assert!(one == on(2) && one == on(8));
    }
}
