//! Classical models: small, exact, and with every number that their objective promises.
//!
//! A configuration (`Ridge`) has `fit`, which gives a fitted type: it predicts, saves through serde, and cannot be made
//! without data. A model that gives one number per row is a [`Model`](crate::Model), so that it can be tested, calibrated
//! and explained.
//!
//! | question | configuration | fitted |
//! |---|---|---|
//! | how does a measurement change with each feature? | [`LeastSquares`] | [`LeastSquaresModel`], [`Wald`] |
//! | the same, for prediction from columns alike | [`Ridge`] | [`LinearModel`] |
//! | the same, from few of many columns | [`ElasticNet`] (lasso) | [`ElasticNetModel`] |
//! | how likely is one of two classes? | [`LogisticRegression`] | [`LogisticModel`] |
//! | how likely is each of several classes? | [`MultinomialRegression`] | [`MultinomialModel`] |
//! | which surface parts two classes with the widest margin? | [`SupportVectorMachine`] | [`SupportVectorModel`] |
//! | the same for many rows, by a plane | [`LinearSvm`] | [`LinearModel`] |
//! | the same for classes and measurements of any shape | [`RandomForest`], [`HistogramBoosting`], [`GradientBoosting`], one tree [`DecisionTree`] | [`RandomForestModel`], … |
//! | what did the most alike cases turn out to be? | [`NearestNeighbours`] | [`NearestNeighboursModel`] |
//! | in which directions do rows vary most? | [`Pca`] | [`PcaModel`] |
//! | which rows belong together? | [`KMeans`], [`GaussianMixture`], [`Dbscan`] | [`KMeansModel`], [`MixtureModel`] |
//! | how good are the groups? | [`adjusted_rand`], [`normalised_mutual_information`], [`silhouette`], [`davies_bouldin`], [`calinski_harabasz`] | |
//! | how do columns come to one scale? | [`StandardScaler`], [`RobustScaler`] | [`Scaler`] |
//! | which hidden states does a sequence walk through? | [`GaussianHmm`], [`CategoricalHmm`], [`BaumWelch`] | [`HmmFit`] |
//!
//! Fits stop at the optimum, not after a number of steps: what is not reached is an error. Work on many rows is split
//! into chunks of a fixed size whose sums are added in order, so that the number of threads changes no byte.

mod bins;
mod categorical_hmm;
mod cluster_scores;
mod dbscan;
mod decision_tree;
mod design;
mod each;
mod eigen;
mod elastic_net;
mod elementary;
mod gaussian_hmm;
mod gaussian_mixture;
mod gradient_boosting;
mod grow;
mod hidden_chain;
mod histogram_boosting;
mod k_means;
mod l1_quadratic;
mod least_squares;
mod linear_model;
mod linear_svm;
mod logistic;
mod logistic_fit;
mod loss;
mod multinomial;
mod nearest_neighbours;
mod pca;
mod random_forest;
mod ridge;
mod scaler;
mod support_vectors;
mod targets;
mod tree;
mod wald;

pub use categorical_hmm::CategoricalHmm;
pub use cluster_scores::{adjusted_rand, calinski_harabasz, davies_bouldin, normalised_mutual_information, silhouette};
pub use dbscan::Dbscan;
pub use decision_tree::{DecisionTree, DecisionTreeModel};
#[cfg(feature = "explain")]
pub(crate) use each::each;
pub use elastic_net::{ElasticNet, ElasticNetModel};
pub use gaussian_hmm::GaussianHmm;
pub use gaussian_mixture::{Covariance, GaussianMixture, MixtureModel};
pub use gradient_boosting::{GradientBoosting, GradientBoostingModel};
pub use hidden_chain::{BaumWelch, HmmFit};
pub use histogram_boosting::{HistogramBoosting, HistogramBoostingModel};
pub use k_means::{KMeans, KMeansModel};
pub use least_squares::{LeastSquares, LeastSquaresModel};
pub use linear_model::LinearModel;
pub use linear_svm::LinearSvm;
pub use logistic::{LogisticModel, LogisticRegression, Penalty};
pub use multinomial::{MultinomialModel, MultinomialRegression};
pub use nearest_neighbours::{NearestNeighbours, NearestNeighboursModel, NeighbourWeights, Neighbours};
pub use pca::{Pca, PcaModel};
pub use random_forest::{RandomForest, RandomForestModel};
pub use ridge::Ridge;
pub use scaler::{RobustScaler, Scaler, StandardScaler};
pub use support_vectors::{Kernel, SupportVectorMachine, SupportVectorModel};
pub use targets::Targets;
pub use tree::{Tree, TreeArrays, TreeEnsemble};
pub use wald::Wald;

use crate::error::{NotFinite, Parameter};
use crate::metrics::check_weights;
use crate::{Error, Rows};

/// Checks that every setting is above 0 and finite; the error names the first that is not.
fn check_positive(settings: &[(&'static str, f64)]) -> Result<(), Error> {
    match settings.iter().find(|(_, value)| !(*value > 0.0 && value.is_finite())) {
        Some((name, value)) => Err(Parameter::new(name, *value, "above 0 and finite").into()),
        None => Ok(()),
    }
}

/// Checks targets and weights against the rows, and gives the number of rows that count.
fn check_targets(rows: Rows<'_>, targets: &[f64], weights: Option<&[f64]>) -> Result<usize, Error> {
    rows.check("targets", targets.len(), 1)?;
    NotFinite::check_f64("target", targets)?;
    check_row_weights(rows, weights)
}

/// Checks weights against the rows, and gives the number of rows that count.
fn check_row_weights(rows: Rows<'_>, weights: Option<&[f64]>) -> Result<usize, Error> {
    let Some(weights) = weights else { return Ok(rows.len()) };
    check_weights(weights, rows.len())?;
    Ok(weights.iter().filter(|w| **w > 0.0).count())
}

#[cfg(all(test, feature = "rayon"))]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn threads_change_no_byte() {
        let mut stream = Generator::new(1, "test").stream(0);
        let x: Vec<f64> = (0..60_000).map(|_| stream.normal()).collect();
        let labels: Vec<bool> = x.chunks_exact(3).map(|r| stream.chance(logistic::sigmoid(r[0]))).collect();
        let rows = Rows::new(&x, 3).unwrap();
        let all = || {
            (
                LogisticRegression::default().fit(rows, &labels).unwrap(),
                LeastSquares::default().fit(rows, &x[..20_000]).unwrap(),
                Pca::default().fit(rows).unwrap(),
                KMeans::default().with_clusters(3).with_restarts(1).with_max_iterations(20).fit(rows).unwrap(),
                GaussianMixture::default().with_components(2).with_max_iterations(5).fit(rows).unwrap(),
                silhouette(Rows::new(&x[..9000], 3).unwrap(), &(0..3000).map(|i| i % 4).collect::<Vec<_>>()).unwrap(),
            )
        };
        let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all);
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(8));
    }
}
