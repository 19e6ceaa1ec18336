//! Classical models: small, exact, and with every number that their objective promises.
//!
//! A configuration (`Ridge`) has `fit`, which gives a fitted type: it predicts, saves through serde, and cannot be made
//! without data. A model that gives one number per row is a [`Model`](crate::Model), so that it can be tested, calibrated
//! and explained.
//!
//! | question | configuration | fitted |
//! |---|---|---|
//!
//! Fits stop at the optimum, not after a number of steps: what is not reached is an error. Work on many rows is split
//! into chunks of a fixed size whose sums are added in order, so that the number of threads changes no byte.

pub(crate) mod linalg;
