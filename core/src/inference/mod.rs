//! How sure a number is: intervals and tests, each as an [`Estimate`](crate::Estimate) or a p value.
//!
//! | question | functions |
//! |---|---|
//! | how sure is a share? | [`wilson`] |
//! | how sure is an AUROC, and is another score better? | [`auroc_interval`], [`DeLong`]; known only from a paper: [`hanley_mcneil`] |
//! | how sure is any number? | [`Bootstrap`] |

mod bootstrap;
mod delong;
mod hanley_mcneil;
mod proportion;

pub use bootstrap::{Bootstrap, BootstrapDistribution, BootstrapInterval, SamplingUnits};
pub use delong::{AurocComparison, DeLong, auroc_interval};
pub use hanley_mcneil::{hanley_mcneil, hanley_mcneil_standard_error};
pub use proportion::wilson;
