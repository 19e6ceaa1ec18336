//! A whole evaluation that a clinician's reviewer can read: as text, as JSON, as figures.
//!
//! | the model gives | use |
//! |---|---|
//! | a probability of one outcome | [`BinaryEvaluation`] → [`BinaryReport`] |
//! | probabilities of several classes | [`MulticlassEvaluation`] → [`MulticlassReport`] |
//! | the same, for each of several groups of people | [`FairnessReport`](crate::fairness::FairnessReport) |

mod binary;
mod figures;
mod multiclass;

pub use binary::{BinaryEvaluation, BinaryReport, CalibrationSummary, Decisions};
pub use multiclass::{ClassSummary, MulticlassEvaluation, MulticlassReport};

use crate::distribution::{normal_quantile, t_quantile};
use crate::metrics::mean;
use crate::{Error, Estimate};

/// Fewest events and non-events for a stable picture of calibration (Collins, Ogundimu, Altman 2016,
/// doi:10.1002/sim.6787).
const STABLE: usize = 100;

/// The mean of one value per row, with an interval that takes each patient as one unit.
fn mean_of(values: &[f64], patients: Option<&[usize]>, level: f64) -> Estimate {
    let n = values.len() as f64;
    let mean = mean(values);
    let Some(patients) = patients else {
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let half = normal_quantile(0.5 + level / 2.0) * (variance / n).sqrt();
        return Estimate::new(mean, [mean - half, mean + half], level, "normal", values.len());
    };
    // sum of the deviations of each patient (ultimate clusters)
    let mut sums = vec![0.0; patients.iter().max().map_or(0, |p| p + 1)];
    let mut seen = vec![false; sums.len()];
    for (value, patient) in values.iter().zip(patients) {
        sums[*patient] += value - mean;
        seen[*patient] = true;
    }
    let units = seen.iter().filter(|s| **s).count();
    let k = units as f64;
    let variance = k / (k - 1.0).max(1.0) * sums.iter().map(|s| s * s).sum::<f64>() / (n * n);
    let half = t_quantile(0.5 + level / 2.0, (k - 1.0).max(1.0)) * variance.sqrt();
    Estimate::new(mean, [mean - half, mean + half], level, "t, patients as units", units)
}

/// The text of a number that could not be had.
fn line(name: &str, outcome: &Result<Estimate, Error>) -> String {
    match outcome {
        Ok(estimate) => estimate.sentence(name),
        Err(error) => format!("{name}: {error}"),
    }
}
