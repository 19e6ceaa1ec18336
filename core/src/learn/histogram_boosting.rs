use super::bins::{BLOCK, Bins, MISSING};
use super::gradient_boosting::check_pace;
use super::loss::Loss;
use super::tree::TreeArrays;
use super::{Targets, Tree, TreeEnsemble};
use crate::error::{Parameter, TooShort};
use crate::random::Generator;
use crate::{Error, IncompleteRows, Model, Rows};
use serde::{Deserialize, Serialize};

/// Least sum of second derivatives in a leaf, as scikit-learn and LightGBM have it.
const MIN_BEND: f64 = 1e-3;

/// Settings of [`HistogramBoostingModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HistogramBoosting {
    /// Number of trees, or the most of them with [`patience`](Self::patience): 1 or more. Default 100.
    pub trees: usize,
    /// What each tree is multiplied with: above 0. Default 0.1. Half of it needs about twice the trees.
    pub learning_rate: f64,
    /// Most leaves of a tree: 2 or more. Default 31.
    pub max_leaves: usize,
    /// Most questions in a row. Default none.
    pub max_depth: Option<usize>,
    /// Rows that a leaf needs: 1 or more. Default 20.
    pub min_samples_leaf: usize,
    /// L2 penalty on the leaves: 0 or more. Default 0.
    pub l2: f64,
    /// Most bins of a column: 2 to 255. Default 255.
    pub max_bins: usize,
    /// Stops when this many trees in a row did not improve the loss on held-out rows, and drops them. Default none: all
    /// trees are grown on all rows.
    pub patience: Option<usize>,
    /// Part of the rows that is held out when there is a [`patience`](Self::patience): above 0, below 1. Default 0.1.
    pub validation_fraction: f64,
    /// Seed of the held-out rows, and of the rows whose quantiles are the bins of a table of more than 200 000. Default 0.
    pub seed: u64,
}

impl Default for HistogramBoosting {
    fn default() -> Self {
        Self {
            trees: 100,
            learning_rate: 0.1,
            max_leaves: 31,
            max_depth: None,
            min_samples_leaf: 20,
            l2: 0.0,
            max_bins: 255,
            patience: None,
            validation_fraction: 0.1,
            seed: 0,
        }
    }
}

impl HistogramBoosting {
    /// Sets [`trees`](Self::trees).
    #[must_use]
    pub fn with_trees(self, trees: usize) -> Self {
        Self { trees, ..self }
    }
    /// Sets [`learning_rate`](Self::learning_rate).
    #[must_use]
    pub fn with_learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }
    /// Sets [`max_leaves`](Self::max_leaves).
    #[must_use]
    pub fn with_max_leaves(self, max_leaves: usize) -> Self {
        Self { max_leaves, ..self }
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
    /// Sets [`l2`](Self::l2).
    #[must_use]
    pub fn with_l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }
    /// Sets [`max_bins`](Self::max_bins).
    #[must_use]
    pub fn with_max_bins(self, max_bins: usize) -> Self {
        Self { max_bins, ..self }
    }
    /// Sets [`patience`](Self::patience).
    #[must_use]
    pub fn with_patience(self, patience: impl Into<Option<usize>>) -> Self {
        Self { patience: patience.into(), ..self }
    }
    /// Sets [`validation_fraction`](Self::validation_fraction).
    #[must_use]
    pub fn with_validation_fraction(self, validation_fraction: f64) -> Self {
        Self { validation_fraction, ..self }
    }
    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        check_pace(self.trees, self.learning_rate)?;
        let fail = |name, value, rule| Err(Parameter::new(name, value, rule).into());
        if self.max_leaves < 2 {
            return fail("max_leaves", self.max_leaves as f64, "2 or more");
        }
        if self.min_samples_leaf == 0 {
            return fail("min_samples_leaf", 0.0, "1 or more");
        }
        if !(self.l2 >= 0.0 && self.l2.is_finite()) {
            return fail("l2", self.l2, "0 or more");
        }
        if !(2..=255).contains(&self.max_bins) {
            return fail("max_bins", self.max_bins as f64, "2 to 255");
        }
        if self.patience == Some(0) {
            return fail("patience", 0.0, "1 or more, or none");
        }
        if !(self.validation_fraction > 0.0 && self.validation_fraction < 1.0) {
            return fail("validation_fraction", self.validation_fraction, "above 0 and below 1");
        }
        Ok(())
    }

    /// Grows the trees, one after the other; the histograms of a tree on all threads with the feature `rayon`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Mismatch`] unless there is one target per row, [`Error::TooShort`] for
    /// fewer than 2 rows (also after some were held out), [`Error::NotFinite`] for a target, [`Error::OneClass`] for
    /// labels of one class (also among the rows that were not held out).
    pub fn fit<'r, 'a>(
        &self,
        rows: impl Into<IncompleteRows<'r>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<HistogramBoostingModel, Error> {
        let rows = rows.into();
        self.fit_weighted(rows, targets, &vec![1.0; rows.len()])
    }

    /// As [`fit`](Self::fit), with a weight for each row; one of weight 0 takes no part.
    ///
    /// # Errors
    /// As `fit`, and for weights that are negative, not finite or all 0.
    pub fn fit_weighted<'r, 'a>(
        &self,
        rows: impl Into<IncompleteRows<'r>>,
        targets: impl Into<Targets<'a>>,
        weights: &[f64],
    ) -> Result<HistogramBoostingModel, Error> {
        self.validate()?;
        let rows = rows.into().with_gaps();
        let targets: Targets<'a> = targets.into();
        let loss = Loss::of(targets);
        let y = targets.two_classes(rows, Some(weights))?;
        // held-out rows have no weight in training, and the other way round
        let (mut training, mut held_out) = (weights.to_vec(), vec![0.0; rows.len()]);
        if self.patience.is_some() {
            let mut order: Vec<usize> = (0..rows.len()).filter(|row| weights[*row] > 0.0).collect();
            Generator::new(self.seed, "held-out rows").stream(0).shuffle(&mut order);
            let held = ((self.validation_fraction * order.len() as f64).round() as usize).max(1);
            if order.len() < held + 2 {
                return Err(TooShort::new("rows", order.len(), held + 2).into());
            }
            for row in &order[..held] {
                std::mem::swap(&mut training[*row], &mut held_out[*row]);
            }
            targets.two_classes(rows, Some(&training))?;
        }
        let bins = Bins::new(rows, self.max_bins, self.seed);
        let mut growing = Growing {
            config: self,
            bins: &bins,
            rows: (0..rows.len() as u32).filter(|row| training[*row as usize] > 0.0).collect(),
            buffer: Vec::new(),
            slopes: vec![Bin::default(); rows.len()],
            gathered: Vec::new(),
            spare: Vec::new(),
            scale: Scale { slope: 1.0, bend: 1.0, shift: 0 },
        };
        let base = loss.start(&y, &training);
        let mut score = vec![base; rows.len()];
        let mut derivatives = vec![(0.0, 0.0); rows.len()];
        let mut trees = Vec::new();
        let mut best = (f64::INFINITY, 0);
        for t in 1..=self.trees {
            for (row, to) in derivatives.iter_mut().enumerate() {
                let (slope, bend) = loss.derivatives(score[row], y[row]);
                *to = (training[row] * slope, training[row] * bend);
            }
            growing.scale = Scale::of(&derivatives);
            let scale = growing.scale;
            growing.slopes.iter_mut().zip(&derivatives).for_each(|(to, d)| *to = scale.bin(*d));
            trees.push(growing.tree(&mut score));
            if let Some(patience) = self.patience {
                let tree = &trees[t - 1];
                let unseen = held_out.iter().zip(rows).zip(&mut score).filter(|((w, _), _)| **w > 0.0);
                unseen.for_each(|((_, row), to)| *to += self.learning_rate * Tree::value(tree, row));
                let now = loss.deviance(&score, &y, &held_out);
                if now < best.0 {
                    best = (now, t);
                } else if t >= best.1 + patience {
                    break;
                }
            }
        }
        if self.patience.is_some() {
            trees.truncate(best.1.max(1));
        }
        Ok(HistogramBoostingModel { ensemble: TreeEnsemble::grown(base, self.learning_rate, trees), loss })
    }
}

/// The sum of the first derivatives of the rows in a bin, and in one number the sum of the second (low bits) and how many
/// there are (high bits).
///
/// Whole numbers: their sums and differences are exact, so the order of the rows and the number of threads do not matter.
#[derive(Debug, Clone, Copy, Default)]
struct Bin([u64; 2]);

impl Bin {
    fn plus(self, other: Self) -> Self {
        Self([self.0[0].wrapping_add(other.0[0]), self.0[1].wrapping_add(other.0[1])])
    }

    fn minus(self, other: Self) -> Self {
        Self([self.0[0].wrapping_sub(other.0[0]), self.0[1].wrapping_sub(other.0[1])])
    }
}

/// How derivatives become whole numbers, so that all rows together do not overflow.
#[derive(Debug, Clone, Copy)]
struct Scale {
    slope: f64,
    bend: f64,
    /// The lowest bit of the number of rows.
    shift: u32,
}

impl Scale {
    fn of(derivatives: &[(f64, f64)]) -> Self {
        let rows = derivatives.len() as f64;
        let (slope, bend) = derivatives.iter().fold((0.0f64, 0.0f64), |m, d| (m.0.max(d.0.abs()), m.1.max(d.1)));
        let shift = (derivatives.len() as u64).leading_zeros();
        // below 1e-280 the factor could overflow: such derivatives are 0
        // a little less than the room: rounded up, equal derivatives of 10 rows would carry into the number of rows
        let fit = |room: f64, largest: f64| if largest > 1e-280 { room * (1.0 - 1e-9) / rows / largest } else { 1.0 };
        Self { slope: fit(2.0f64.powi(62), slope), bend: fit(2.0f64.powi(shift as i32), bend), shift }
    }

    /// A bin with one row.
    fn bin(self, (slope, bend): (f64, f64)) -> Bin {
        let slope = (slope * self.slope) as i64;
        Bin([slope as u64, (1 << self.shift) | (bend * self.bend) as u64])
    }

    fn sums(self, bin: Bin) -> Sums {
        let [slope, packed] = bin.0;
        let bend = packed & ((1 << self.shift) - 1);
        Sums {
            slope: slope as i64 as f64 / self.slope,
            bend: bend as i64 as f64 / self.bend,
            rows: packed >> self.shift,
        }
    }
}

struct Sums {
    slope: f64,
    bend: f64,
    rows: u64,
}

/// The bins of the columns of a block.
type Histogram = [[Bin; 256]; BLOCK];

#[derive(Debug, Clone, Copy)]
struct Split {
    gain: f64,
    column: usize,
    /// The last bin that goes left.
    bin: usize,
    /// Whether missing values go left.
    missing_left: bool,
    left: Bin,
}

/// What a split leaves on its left side.
enum Part {
    /// Too little: more must go left.
    Small,
    /// Too much: too little is left for the right.
    Large,
    Gain(f64),
}

/// The gains of the splits of one leaf.
struct Search {
    scale: Scale,
    all: Sums,
    before: f64,
    least: u64,
    l2: f64,
}

impl Search {
    fn new(scale: Scale, total: Bin, config: &HistogramBoosting) -> Self {
        let (all, least, l2) = (scale.sums(total), config.min_samples_leaf as u64, config.l2);
        let before = all.slope * all.slope / (all.bend + l2);
        Self { scale, all, before, least, l2 }
    }

    fn gain(&self, left: Bin) -> Part {
        let (part, all) = (self.scale.sums(left), &self.all);
        if part.rows < self.least || part.bend < MIN_BEND {
            return Part::Small;
        }
        let rest = Sums { slope: all.slope - part.slope, bend: all.bend - part.bend, rows: all.rows - part.rows };
        if rest.rows < self.least || rest.bend < MIN_BEND {
            return Part::Large;
        }
        let worth = |sums: &Sums| sums.slope * sums.slope / (sums.bend + self.l2);
        Part::Gain(worth(&part) + worth(&rest) - self.before)
    }
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    start: usize,
    end: usize,
    depth: usize,
    total: Bin,
    histograms: Vec<Histogram>,
    split: Option<Split>,
}

struct Growing<'a> {
    config: &'a HistogramBoosting,
    bins: &'a Bins,
    /// The rows in training; those of a leaf lie together.
    rows: Vec<u32>,
    buffer: Vec<u32>,
    /// First and second derivative of the loss of each row, and those of a leaf's rows side by side.
    slopes: Vec<Bin>,
    gathered: Vec<Bin>,
    scale: Scale,
    /// Histograms that are free to be used again.
    spare: Vec<Vec<Histogram>>,
}

impl Growing<'_> {
    /// Grows a tree, always at the leaf that gains most, and adds it to the scores of the rows in training.
    fn tree(&mut self, score: &mut [f64]) -> Tree {
        let mut tree = TreeArrays { columns: self.bins.edges.len(), ..TreeArrays::default() };
        let total = self.rows.iter().fold(Bin::default(), |sum, row| sum.plus(self.slopes[*row as usize]));
        let end = self.rows.len();
        let mut leaves = vec![self.leaf(&mut tree, 0, end, 0, total)];
        if self.may_split(&leaves[0]) {
            self.fill(&mut leaves[0]);
        }
        self.find(&mut leaves[0]);
        while leaves.len() < self.config.max_leaves {
            let gain = |leaf: &Leaf| leaf.split.map_or(0.0, |s| s.gain);
            let Some(at) = (0..leaves.len()).reduce(|a, b| if gain(&leaves[b]) > gain(&leaves[a]) { b } else { a })
            else {
                break;
            };
            let Some(split) = leaves[at].split else { break };
            let last = leaves.len() + 1 == self.config.max_leaves;
            let parent = &mut leaves[at];
            let (node, start, end, depth) = (parent.node, parent.start, parent.end, parent.depth + 1);
            let (histograms, whole) = (std::mem::take(&mut parent.histograms), parent.total);
            let middle = self.part(start, end, split);
            tree.feature[node] = split.column as i32;
            // behind the last bin: only missing values go right
            tree.threshold[node] = self.bins.edges[split.column].get(split.bin).copied().unwrap_or(f64::MAX);
            // a column without a gap in training: where most rows went
            tree.missing_left[node] =
                if self.bins.missing[split.column] { split.missing_left } else { middle - start > end - middle };
            tree.left[node] = tree.value.len() as i32;
            let mut left = self.leaf(&mut tree, start, middle, depth, split.left);
            tree.right[node] = tree.value.len() as i32;
            let mut right = self.leaf(&mut tree, middle, end, depth, whole.minus(split.left));
            if last || !(self.may_split(&left) || self.may_split(&right)) {
                self.spare.push(histograms);
            } else {
                let (small, large) =
                    if middle - start <= end - middle { (&mut left, &mut right) } else { (&mut right, &mut left) };
                self.fill(small);
                large.histograms = histograms;
                for (from, part) in large.histograms.iter_mut().zip(&small.histograms) {
                    let pairs = from.as_flattened_mut().iter_mut().zip(part.as_flattened());
                    pairs.for_each(|(from, part)| *from = from.minus(*part));
                }
                self.find(small);
                self.find(large);
            }
            leaves[at] = left;
            leaves.push(right);
        }
        for leaf in leaves {
            let step = tree.value[leaf.node] * self.config.learning_rate;
            self.rows[leaf.start..leaf.end].iter().for_each(|row| score[*row as usize] += step);
            self.spare.push(leaf.histograms);
        }
        self.spare.retain(|histograms| !histograms.is_empty());
        Tree::grown(tree)
    }

    fn leaf(&self, tree: &mut TreeArrays, start: usize, end: usize, depth: usize, total: Bin) -> Leaf {
        let node = tree.value.len();
        tree.feature.push(-2);
        tree.threshold.push(-2.0);
        tree.left.push(-1);
        tree.right.push(-1);
        tree.missing_left.push(false);
        let sums = self.scale.sums(total);
        let bend = sums.bend + self.config.l2;
        tree.value.push(if bend > 0.0 { -sums.slope / bend } else { 0.0 });
        tree.cover.push((end - start) as f64);
        Leaf { node, start, end, depth, total, histograms: Vec::new(), split: None }
    }

    fn may_split(&self, leaf: &Leaf) -> bool {
        leaf.end - leaf.start >= 2 * self.config.min_samples_leaf
            && self.config.max_depth.is_none_or(|max| leaf.depth < max)
    }

    /// Fills the leaf's histograms.
    fn fill(&mut self, leaf: &mut Leaf) {
        let blocks = &self.bins.blocks;
        let mut spare = self.spare.pop().unwrap_or_default();
        spare.resize(blocks.len(), [[Bin::default(); 256]; BLOCK]);
        let rows = &self.rows[leaf.start..leaf.end];
        self.gathered.clear();
        self.gathered.extend(rows.iter().map(|row| self.slopes[*row as usize]));
        let slopes = &self.gathered;
        let sum = |(histogram, bins): (&mut Histogram, &Vec<[u8; BLOCK]>)| {
            histogram.as_flattened_mut().fill(Bin::default());
            for (row, slope) in rows.iter().zip(slopes) {
                for (column, bin) in histogram.iter_mut().zip(bins[*row as usize]) {
                    let sum = &mut column[usize::from(bin)];
                    *sum = sum.plus(*slope);
                }
            }
        };
        #[cfg(feature = "rayon")]
        {
            use rayon::prelude::*;
            spare.par_iter_mut().zip(blocks).for_each(sum);
        }
        #[cfg(not(feature = "rayon"))]
        spare.iter_mut().zip(blocks).for_each(sum);
        leaf.histograms = spare;
    }

    /// Finds the leaf's best split. Of equal gains the first column wins, and in it missing values to the right, then the
    /// lowest bin; to the left, the highest.
    fn find(&self, leaf: &mut Leaf) {
        if leaf.histograms.is_empty() || !self.may_split(leaf) {
            return;
        }
        let mut best = Split { gain: 0.0, column: 0, bin: 0, missing_left: false, left: Bin::default() };
        let search = Search::new(self.scale, leaf.total, self.config);
        for (column, edges) in self.bins.edges.iter().enumerate() {
            let (bins, gaps) = (&leaf.histograms[column / BLOCK][column % BLOCK], self.bins.missing[column]);
            let mut left = Bin::default();
            // with gaps also all bins but that of the missing values
            for (bin, at) in bins[..edges.len() + usize::from(gaps)].iter().enumerate() {
                left = left.plus(*at);
                match search.gain(left) {
                    Part::Small => continue,
                    Part::Large => break,
                    Part::Gain(gain) if gain > best.gain => {
                        best = Split { gain, column, bin, missing_left: false, left };
                    }
                    Part::Gain(_) => {}
                }
            }
            if !gaps {
                continue;
            }
            let mut right = Bin::default();
            for (bin, at) in bins[1..=edges.len()].iter().enumerate().rev() {
                right = right.plus(*at);
                let left = leaf.total.minus(right);
                match search.gain(left) {
                    Part::Large => continue,
                    Part::Small => break,
                    Part::Gain(gain) if gain > best.gain => {
                        best = Split { gain, column, bin, missing_left: true, left };
                    }
                    Part::Gain(_) => {}
                }
            }
        }
        leaf.split = (best.gain > 0.0).then_some(best);
    }

    /// Moves the rows that go left before the others, each side in its order; gives where the others begin.
    fn part(&mut self, start: usize, end: usize, split: Split) -> usize {
        self.buffer.clear();
        let mut middle = start;
        for i in start..end {
            let row = self.rows[i];
            let bin = self.bins.at(row, split.column);
            if if bin == MISSING { split.missing_left } else { usize::from(bin) <= split.bin } {
                self.rows[middle] = row;
                middle += 1;
            } else {
                self.buffer.push(row);
            }
        }
        self.rows[middle..end].copy_from_slice(&self.buffer);
        middle
    }
}

/// Histogram gradient boosting: gradient boosting on columns that are cut into at most 255 bins, each tree grown at the
/// leaf that gains most.
///
/// **Use it** as the strongest model for a table of 10³ rows and more, also one with missing values. **Not** below some hundred rows (a leaf of 20 rows
/// is then too coarse), nor where the model must be read: see [`DecisionTreeModel`](super::DecisionTreeModel).
///
/// # Formula
/// With the first and second derivatives `g`, `h` of the loss (labels: log loss; values: half the squared error), a
/// split gains `G_L² / (H_L + l2) + G_R² / (H_R + l2) − G² / (H + l2)`, capital letters being sums over rows; a leaf is
/// `−G / (H + l2)`. Bins hold single values where a column has few, else equal numbers of rows. The cover of a node is
/// its number of rows.
///
/// Missing values ([`IncompleteRows`]) have a bin of their own: each split is tried with them on the left and on the
/// right, and one that parts them from all others; they go where more is gained. In a column that had none in training
/// they go where more of the training rows went.
///
/// # Parameters
/// See [`HistogramBoosting`].
///
/// # Examples
/// ```
/// use eir_core::learn::HistogramBoosting;
/// use eir_core::{Model, Rows};
/// let x: Vec<f64> = (0..500).map(f64::from).collect();
/// let labels: Vec<bool> = x.iter().map(|v| (100.0..400.0).contains(v)).collect();
/// let model = HistogramBoosting::default().fit(Rows::new(&x, 1)?, &labels)?;
/// let p = model.predict(Rows::new(&[20.0, 250.0], 1)?)?;
/// assert!(p[0] < 0.01 && p[1] > 0.99);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`HistogramBoosting::fit`] lists them.
///
/// # Validation
/// Cross-validated AUROC not below scikit-learn 1.9.1's `HistGradientBoostingClassifier` by more than 0.02
/// (`reference/core/trees_and_neighbours.json`); the same bytes on 1, 2 and 8 threads.
///
/// # References
/// Ke, Meng, Finley, et al. 2017, LightGBM, Advances in Neural Information Processing Systems 30; Friedman 2001,
/// doi:10.1214/aos/1013203451.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistogramBoostingModel {
    ensemble: TreeEnsemble,
    loss: Loss,
}

impl HistogramBoostingModel {
    /// The sum of trees: for labels the log-odds, for values the prediction itself.
    #[must_use]
    pub fn ensemble(&self) -> &TreeEnsemble {
        &self.ensemble
    }

    /// As [`predict`](Model::predict), also of rows with missing values.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns.
    pub fn predict_incomplete<'r>(&self, rows: impl Into<IncompleteRows<'r>>) -> Result<Vec<f64>, Error> {
        self.predict(rows.into().with_gaps())
    }
}

impl Model for HistogramBoostingModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.ensemble.predict_into(rows, out)?;
        self.loss.link(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;
    use crate::testing::contract;

    /// Rows of three features, of which the third says nothing, and labels that follow the other two.
    fn table(rows: usize, seed: u64) -> (Vec<f64>, Vec<bool>) {
        let mut stream = Generator::new(seed, "histogram test").stream(0);
        let x: Vec<f64> = (0..rows * 3).map(|_| stream.normal()).collect();
        let labels = x.chunks(3).map(|r| stream.chance(1.0 / (1.0 + (-3.0 * r[0] * r[1]).exp()))).collect();
        (x, labels)
    }

    #[test]
    fn the_best_of_all_splits_is_found() {
        let (x, y) = ([0., 5., 1., 7., 2., 6., 3., 1., 4., 0., 5., 4.], [1., 1., 1., 5., 5., 6.]);
        let rows = Rows::new(&x, 2).unwrap();
        let config = HistogramBoosting::default().with_trees(1).with_learning_rate(1.0).with_max_leaves(2);
        let model = config.with_min_samples_leaf(1).fit(rows, &y).unwrap();
        let tree = model.ensemble().trees()[0].arrays();
        assert_eq!((tree.feature[0], tree.threshold[0], &tree.cover[..]), (0, 2.5, &[6.0, 3.0, 3.0][..]));
        let want = [1.0, 1.0, 1.0, 16.0 / 3.0, 16.0 / 3.0, 16.0 / 3.0];
        let got = model.predict(rows).unwrap();
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9), "{got:?}");
    }

    /// Each tree in which some values are missing, against a search over all splits and both sides.
    #[test]
    fn missing_values_go_to_the_side_that_gains_more() {
        let nan = f64::NAN;
        for (x, y, threshold, missing_left) in [
            ([1., 2., 3., 4., nan, nan], [0., 0., 9., 9., 0., 0.], 2.5, true),
            ([1., 2., 3., 4., nan, nan], [0., 0., 9., 9., 9., 9.], 2.5, false),
            ([1., 2., 3., 4., nan, nan], [0., 0., 0., 0., 9., 9.], f64::MAX, false),
            ([nan, nan, nan, 1., 1., 1.], [5., 5., 5., 1., 1., 1.], f64::MAX, false),
        ] {
            let rows = IncompleteRows::new(&x, 1).unwrap();
            let config = HistogramBoosting::default().with_trees(1).with_learning_rate(1.0).with_max_leaves(2);
            let model = config.with_min_samples_leaf(1).fit(rows, &y).unwrap();
            let tree = model.ensemble().trees()[0].arrays();
            assert_eq!((tree.threshold[0], tree.missing_left[0]), (threshold, missing_left), "{y:?}");
            let got = model.predict_incomplete(rows).unwrap();
            assert!(got.iter().zip(y).all(|(a, b)| (a - b).abs() < 1e-9), "{got:?}");
            assert_eq!(Tree::new(tree.clone()).as_ref(), Ok(&model.ensemble().trees()[0]));
        }
    }

    #[test]
    fn a_gap_that_was_never_seen_goes_with_most_rows() {
        let x: Vec<f64> = (0..10).map(f64::from).collect();
        let config = HistogramBoosting::default().with_trees(1).with_learning_rate(1.0).with_min_samples_leaf(1);
        for cut in [3, 7] {
            let y: Vec<f64> = (0..10).map(|i| f64::from(u8::from(i >= cut))).collect();
            let model = config.clone().with_max_leaves(2).fit(Rows::new(&x, 1).unwrap(), &y).unwrap();
            let gap = model.predict_incomplete(IncompleteRows::new(&[f64::NAN], 1).unwrap()).unwrap();
            let most = f64::from(u8::from(cut < 5));
            assert!((gap[0] - most).abs() < 1e-9, "{gap:?}");
        }
    }

    /// Which values are missing says something, and the rest is as without gaps.
    #[test]
    fn gaps_are_learned() {
        let gappy = |seed| {
            let (mut x, _) = table(3000, seed);
            let mut stream = Generator::new(seed, "gaps").stream(0);
            let labels: Vec<bool> = x
                .chunks_mut(3)
                .map(|row| {
                    let label = stream.chance(1.0 / (1.0 + (-3.0 * row[0]).exp()));
                    if stream.chance(if label { 0.6 } else { 0.2 }) {
                        row[1] = f64::NAN;
                    }
                    if stream.chance(0.3) {
                        row[0] = f64::NAN;
                    }
                    label
                })
                .collect();
            (x, labels)
        };
        let ((x, labels), (test, truth)) = (gappy(8), gappy(9));
        let (rows, test) = (IncompleteRows::new(&x, 3).unwrap(), IncompleteRows::new(&test, 3).unwrap());
        let model = HistogramBoosting::default().with_trees(30).fit(rows, &labels).unwrap();
        let auroc = metrics::auroc(&truth, &model.predict_incomplete(test).unwrap()).unwrap();
        assert!(auroc > 0.83, "{auroc}");
        // the scores of the training, rows counted at the leaves that they are walked to
        for tree in model.ensemble().trees() {
            let mut reached = vec![0.0; tree.arrays().cover.len()];
            tree.leaves(rows).unwrap().into_iter().for_each(|leaf| reached[leaf] += 1.0);
            let leaves = (0..reached.len()).filter(|node| tree.is_leaf(*node));
            assert!(leaves.into_iter().all(|leaf| reached[leaf] == tree.arrays().cover[leaf]));
        }
    }

    #[test]
    fn trees_stay_within_their_bounds() {
        let (x, labels) = table(600, 1);
        let rows = Rows::new(&x, 3).unwrap();
        let config = HistogramBoosting::default().with_trees(5);
        let trees = |config: &HistogramBoosting| config.fit(rows, &labels).unwrap().ensemble().trees().to_vec();
        let leaf = |tree: &Tree, node: usize| !tree.is_leaf(node) || tree.arrays().cover[node] >= 20.0;
        for tree in trees(&config.clone().with_max_leaves(7)) {
            assert_eq!(tree.leaf_count(), 7);
            assert!((0..tree.arrays().cover.len()).all(|node| leaf(&tree, node)));
            assert_eq!(Tree::new(tree.arrays().clone()), Ok(tree)); // sound, as it claims
        }
        assert!(trees(&config.clone().with_max_depth(2)).iter().all(|tree| tree.depth() == 2));
        assert!(trees(&config.with_min_samples_leaf(301)).iter().all(|tree| tree.leaf_count() == 1));
    }

    #[test]
    fn walked_trees_give_the_scores_of_the_training() {
        // few bins: a threshold must part the raw values as the bins were parted
        let (x, labels) = table(500, 2);
        let grid: Vec<f64> = x.iter().map(|v| (v * 4.0).round() / 4.0).collect();
        let rows = Rows::new(&grid, 3).unwrap();
        for bins in [2, 3, 16, 255] {
            let config = HistogramBoosting::default().with_trees(1).with_max_bins(bins);
            let tree = config.fit(rows, &labels).unwrap().ensemble().trees()[0].clone();
            let mut reached = vec![0.0; tree.arrays().cover.len()];
            tree.leaves(rows).unwrap().into_iter().for_each(|leaf| reached[leaf] += 1.0);
            let leaves = (0..reached.len()).filter(|node| tree.is_leaf(*node));
            assert!(
                leaves.clone().count() > 1 && leaves.clone().all(|leaf| reached[leaf] == tree.arrays().cover[leaf])
            );
        }
    }

    #[test]
    fn it_learns_an_interaction_and_stops_when_it_no_longer_learns() {
        let ((x, labels), (test, truth)) = (table(3000, 3), table(3000, 4));
        let (rows, test) = (Rows::new(&x, 3).unwrap(), Rows::new(&test, 3).unwrap());
        let auroc = |model: &HistogramBoostingModel| metrics::auroc(&truth, &model.predict(test).unwrap()).unwrap();
        let config = HistogramBoosting::default().with_trees(300);
        let stopped = config.clone().with_patience(10).fit(rows, &labels).unwrap();
        let best = stopped.ensemble().trees().len();
        assert!((5..200).contains(&best), "{best}");
        let all = config.fit(rows, &labels).unwrap();
        assert!(auroc(&stopped) > 0.8 && auroc(&stopped) > auroc(&all), "{} {}", auroc(&stopped), auroc(&all));
    }

    #[test]
    fn weights() {
        let (x, labels) = table(400, 5);
        let rows = Rows::new(&x, 3).unwrap();
        let config = HistogramBoosting::default().with_trees(5);
        // a row without weight takes no part
        let none: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i >= 100))).collect();
        let a = config.fit_weighted(rows, &labels, &none).unwrap();
        let b = config.fit(Rows::new(&x[300..], 3).unwrap(), &labels[100..]).unwrap();
        assert_eq!(a.ensemble().base(), b.ensemble().base());
        // twice the weight, and a penalty twice as large, is the same
        let once = config.clone().with_l2(1.0).fit(rows, &labels).unwrap().predict(rows).unwrap();
        let twice = config.with_l2(2.0).fit_weighted(rows, &labels, &[2.0; 400]).unwrap().predict(rows).unwrap();
        assert!(once.iter().zip(&twice).all(|(a, b)| (a - b).abs() < 1e-9));
    }

    #[test]
    fn serialises_and_says_what_is_wrong() {
        let (x, labels) = table(100, 6);
        let rows = Rows::new(&x, 3).unwrap();
        let config = HistogramBoosting::default().with_trees(3);
        contract::serde_round_trip(&config.fit(rows, &labels).unwrap());
        contract::send_sync::<HistogramBoostingModel>();
        assert_eq!(config.fit(rows, &[true; 100]), Err(Error::OneClass));
        for (name, bad) in [
            ("max_leaves", config.clone().with_max_leaves(1)),
            ("max_bins", config.clone().with_max_bins(256)),
            ("l2", config.clone().with_l2(-1.0)),
            ("patience", config.clone().with_patience(0)),
            ("trees", config.clone().with_trees(0)),
        ] {
            assert!(matches!(bad.fit(rows, &labels), Err(Error::Parameter(e)) if e.name == name));
        }
        let three = Rows::new(&x[..9], 3).unwrap();
        let short = config.clone().with_patience(1).with_validation_fraction(0.9).fit(three, &[1.0, 2.0, 3.0]);
        assert!(matches!(short, Err(Error::TooShort(_))));
        let constant = config.fit(rows, &[4.5; 100]).unwrap();
        assert_eq!(constant.predict(three).unwrap(), [4.5; 3]);
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn threads_change_nothing() {
        let (x, labels) = table(2000, 7);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let rows = Rows::new(&x, 3).unwrap();
            pool.install(|| serde_json::to_string(&HistogramBoosting::default().fit(rows, &labels).unwrap()).unwrap())
        };
        let one = on(1);
        assert!(one == on(2) && one == on(8));
    }
}
