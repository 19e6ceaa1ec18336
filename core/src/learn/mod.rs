//! Models for tables: configuration, `fit`, a fitted type that is a [`Model`](crate::Model) and serialises.

mod bins;
mod decision_tree;
mod each;
mod gradient_boosting;
mod grow;
mod histogram_boosting;
mod loss;
mod nearest_neighbours;
mod random_forest;
mod targets;
mod tree;

pub use decision_tree::{DecisionTree, DecisionTreeConfig};
#[cfg(feature = "explain")]
pub(crate) use each::each;
pub use gradient_boosting::{GradientBoosting, GradientBoostingConfig};
pub use histogram_boosting::{HistogramBoosting, HistogramBoostingConfig};
pub use nearest_neighbours::{NearestNeighbours, NearestNeighboursConfig, NeighbourWeights, Neighbours};
pub use random_forest::{RandomForest, RandomForestConfig};
pub use targets::Targets;
pub use tree::{Tree, TreeArrays, TreeEnsemble};
