//! Why a model says what it says: contributions that add up, and the means to doubt them.
//!
//! | question | use |
//! |---|---|
//! | what did each feature add, for a model with gradients? | [`IntegratedGradients`] |
//! | what did each feature add, for any model? | [`Shapley`] |
//! | the same for trees, forests and boosting, exact and fast | [`TreeShap`] |
//! | which stretch of a signal or part of a picture matters? | [`Occlusion`], [`grad_cam`], [`grad_cam_plus_plus`] |
//! | how much worse is the model without a feature, over many cases? | [`PermutationImportance`] |
//! | does the explanation depend on the model at all? | [`Sanity`] |
//! | what would have to be different? | [`Counterfactual`], [`linear_counterfactual`] |
//!
//! Each works on anything that is a [`Model`](crate::Model) or [`Differentiable`](crate::Differentiable). An
//! [`Attribution`] carries its own proof: what the contributions leave unexplained.

mod counterfactual;
mod grad_cam;
mod integrated_gradients;
mod occlusion;
mod permutation_importance;
mod sanity;
mod shapley;
mod tree_shap;

pub use counterfactual::{Counterfactual, Distance, Explained, linear_counterfactual};
pub use grad_cam::{ClassMap, grad_cam, grad_cam_plus_plus};
pub use integrated_gradients::{IntegratedGradients, Quadrature};
pub use occlusion::{Occlusion, OcclusionMap};
pub use permutation_importance::{Importance, PermutationImportance};
pub use sanity::Sanity;
pub use shapley::{Shapley, ShapleyMethod};
pub use tree_shap::{TreeShap, TreeShapValues};

use crate::Error;
use serde::{Deserialize, Serialize};

/// What each feature adds to one prediction, from the reference value to the model's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attribution {
    /// One per feature, in the unit of the prediction.
    pub contributions: Vec<f64>,
    /// The prediction that is explained.
    pub value: f64,
    /// The prediction it is compared with: at the baseline, or the mean over the background.
    pub reference: f64,
}

impl Attribution {
    /// What the contributions leave unexplained: value − reference − their sum. 0 but for rounding (Shapley) or for the
    /// error of quadrature (integrated gradients).
    #[must_use]
    pub fn residual(&self) -> f64 {
        self.value - self.reference - self.contributions.iter().sum::<f64>()
    }

    /// The attribution itself, if what is unexplained is at most `share` of what was to be explained (1e-6).
    ///
    /// # Errors
    /// [`Error::NoOptimum`] if more is: take more nodes or samples.
    pub fn proven(self, share: f64) -> Result<Self, Error> {
        let size = (self.value - self.reference).abs().max(1e-9 * self.value.abs()).max(f64::MIN_POSITIVE);
        if self.residual().abs() <= share * size {
            Ok(self)
        } else {
            Err(Error::NoOptimum { what: "the attribution", reason: "it does not add up: take more nodes or samples" })
        }
    }

    /// Features by the size of their contribution, the largest first.
    #[must_use]
    pub fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.contributions.len()).collect();
        order.sort_by(|a, b| self.contributions[*b].abs().total_cmp(&self.contributions[*a].abs()));
        order
    }
}
