//! Who is who from picture to picture.
//!
//! [`Tracker`] keeps an identity for every person: a Kalman filter says where each will be, and [`assignment`] gives each
//! found person to one of them.

mod assignment;
mod tracker;

pub use assignment::assignment;
pub use tracker::{PersonFound, PersonTracked, Tracker, TrackerConfig};
