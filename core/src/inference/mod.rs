//! How sure a number is: intervals and tests, each as an [`Estimate`](crate::Estimate) or a p value.
//!
//! | question | functions |
//! |---|---|
//! | how sure is a share? | [`wilson`] |

mod proportion;

pub use proportion::wilson;
