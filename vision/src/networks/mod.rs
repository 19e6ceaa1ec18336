//! Networks with published weights, each written down once: fused layers on the processor, burn's operations elsewhere.
//!
//! | type | holds |
//! |---|---|
//! | [`Architecture`] | the catalogue: what each network takes and gives, where its weights come from, how to load them |
//! | [`Network`] | a loaded network: planes in, numbers out |
//! | [`NetworkModule`] | the same as a burn module: many items at once, derivatives |
//!
//! What is made of the numbers is in [`detect`](crate::detect) (boxes), [`decode`](crate::decode) (joints from heat maps),
//! [`pose`](crate::pose) and [`face`](crate::face).
//!
//! # Intended use
//! Research, teaching and the development of software. **Not a medical device.** Weights are not part of this crate; each
//! network's [`card`](Architecture::card) says where they come from, under which licence, what they were trained on and
//! where they fail.

mod architecture;
mod blazeface;
mod blazepose;
mod blendshapes;
mod blocks;
mod builder;
mod cards;
mod classifiers;
mod expressions;
mod face_mesh;
mod graph;
mod module;
mod movenet;
mod network;
mod pem;
mod places;
mod plan;
mod rtm;
mod self_check;
mod ultraface;
mod unet;
mod yolox;
mod yunet;

pub use architecture::Architecture;
pub use module::NetworkModule;
pub use network::Network;
pub use self_check::SelfCheck;
