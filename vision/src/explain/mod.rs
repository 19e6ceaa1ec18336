//! Which pixels a network's answer rests on.
//!
//! A number of a network's output becomes a [`Model`](eir_core::Model) of its input planes, and everything in
//! [`eir_core::explain`] works on it.
//!
//! | question | use |
//! |---|---|
//! | what happens when a part of the picture is covered? | [`NetworkScore`] with [`Occlusion`](eir_core::explain::Occlusion); on the fused layers |
//! | where in the last feature map is the evidence? | `NetworkGradients::grad_cam` |
//! | how fast does the answer change with each pixel? | `NetworkGradients::saliency` |
//! | what did each pixel add, against a baseline? | `NetworkGradients` with [`IntegratedGradients`](eir_core::explain::IntegratedGradients) |
//!
//! `NetworkGradients` needs the feature `explain`, which brings burn's derivatives.
//!
//! An explanation is of the **network**, not of the person: a map that lights up at the mouth says that the network looks
//! there. Hold several methods against one another, and against
//! [`Sanity`](eir_core::explain::Sanity): a map that does not change with the weights explains nothing.

#[cfg(feature = "explain")]
mod gradients;
mod score;

#[cfg(feature = "explain")]
#[cfg_attr(docsrs, doc(cfg(feature = "explain")))]
pub use gradients::{FeatureMap, GradCamMap, NetworkGradients};
pub use score::NetworkScore;

/// An error of ours as one of core's: what a model may say.
fn of_model(error: crate::Error) -> eir_core::Error {
    match error {
        crate::Error::Mismatch(e) => e.into(),
        crate::Error::NotFinite(e) => e.into(),
        crate::Error::Parameter(e) => e.into(),
        _ => eir_core::Error::NoOptimum { what: "the network", reason: "the device gave no answer" },
    }
}
