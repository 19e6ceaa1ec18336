//! What a model rests on: attributions that add up to the prediction.

mod tree_shap;

pub use tree_shap::{TreeShap, TreeShapValues};
