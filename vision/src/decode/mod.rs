//! From a pose network's scores to joints: heat maps, SimCC, MoveNet.
//!
//! | function | for |
//! |---|---|
//! | [`peaks`] | the largest cell of each heat map |
//! | [`quarter_shift`] | a quarter of a cell towards the larger neighbour |
//! | [`dark`] | the peak of a parabola through the logarithms (plain heat maps) |
//! | [`dark_udp`] | the same for heat maps made without bias (UDP) |
//! | [`simcc`], [`simcc_dark`] | scores along x and along y |
//! | [`movenet`] | MoveNet's four heads |
//!
//! Positions are in cells of the map or bins of the axis; [`MapBack`] brings them to pixels of the network's input, and a
//! [`TopDown`](crate::crop::TopDown) crop from there to the picture.

mod dark;
mod heat_map;
mod movenet;
mod simcc;

pub use dark::{dark, dark_udp};
pub use heat_map::{HeatMaps, MapBack, Peak, peaks, quarter_shift};
pub use movenet::{MoveNetHeads, MoveNetJoint, movenet};
pub use simcc::{simcc, simcc_dark};
