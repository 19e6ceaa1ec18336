//! How sure a number is: intervals and tests, each as an [`Estimate`](crate::Estimate) or a p value.
//!
//! | question | functions |
//! |---|---|
//! | how sure is a share? | [`wilson`]; where asked for [`clopper_pearson`], [`agresti_coull`], [`jeffreys`], [`wald`] |
//! | do two groups differ in a share? | [`newcombe_difference`] |
//! | do tests on the same patients differ? | [`McNemar`], of more than two [`cochran_q`] |
//! | which of many p values hold? | [`holm`], [`hommel`], [`bonferroni`]; to screen [`benjamini_hochberg`], [`benjamini_yekutieli`] |
//! | do two measurements agree? | [`ccc`], [`BlandAltman`](crate::metrics::BlandAltman); of classes [`cohen_kappa`] |
//! | do they rise together? | [`pearson`], [`spearman`], [`kendall`] |
//! | by how much? | [`regression_line`], with outliers [`theil_sen`] |
//! | how sure is an AUROC, and is another score better? | [`auroc_interval`], [`DeLong`]; known only from a paper: [`hanley_mcneil`] |
//! | how sure is any number? | [`Bootstrap`] |

mod bootstrap;
mod chi_squared;
mod cochran;
mod concordance;
mod correlation;
mod delong;
mod difference;
mod hanley_mcneil;
mod kappa;
mod line;
mod mcnemar;
mod multiple;
mod proportion;
mod theil_sen;

pub use bootstrap::{Bootstrap, BootstrapDistribution, BootstrapInterval, SamplingUnits};
pub use chi_squared::ChiSquared;
pub use cochran::cochran_q;
pub use concordance::{Concordance, ccc};
pub use correlation::{Correlation, kendall, pearson, spearman};
pub use delong::{AurocComparison, DeLong, auroc_interval};
pub use difference::newcombe_difference;
pub use hanley_mcneil::{hanley_mcneil, hanley_mcneil_standard_error};
pub use kappa::{Kappa, cohen_kappa};
pub use line::{RegressionLine, regression_line};
pub use mcnemar::McNemar;
pub use multiple::{benjamini_hochberg, benjamini_yekutieli, bonferroni, holm, hommel};
pub use proportion::{agresti_coull, clopper_pearson, jeffreys, wald, wilson};
pub use theil_sen::{TheilSen, theil_sen};
