//! Reference values of `eir-core`: `cargo xtask golden core`.

mod agreement;
mod bootstrap;
mod calibration;
mod captum;
mod classification;
mod conformal;
mod decision;
mod explanation;
mod explanation_tree;
mod fairness;
mod hmm;
mod intervals;
mod linear_models;
mod regression;
mod roc;
mod splits;
mod survival;
mod trees_and_neighbours;
mod unsupervised;

use eir_core::testing::golden::{Case, Golden, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;
use std::error::Error;

fn main() -> std::process::ExitCode {
    Golden::from_args("core")
        .case("classification.json", classification::classification)
        .case("roc.json", roc::roc)
        .case("bootstrap.json", bootstrap::bootstrap)
        .case("decision.json", decision::decision)
        .case("fairness.json", fairness::fairness)
        .case("regression.json", regression::regression)
        .case("agreement.json", agreement::agreement)
        .case("intervals.json", intervals::intervals)
        .case("explanation.json", explanation::explanation)
        .case("captum.json", captum::captum)
        .case("splits.json", splits::splits)
        .case("linear_models.json", linear_models::linear_models)
        .case("calibration.json", calibration::calibration)
        .case("survival.json", survival::survival)
        .case("conformal.json", conformal::conformal)
        .case("unsupervised.json", unsupervised::unsupervised)
        .case("hmm.json", hmm::hmm)
        .case("trees_and_neighbours.json", trees_and_neighbours::trees_and_neighbours)
        .run()
}

/// The tolerance that the file itself states.
fn tolerance(file: &Value) -> Result<Tolerance, Box<dyn Error>> {
    Ok(Tolerance::absolute(number(entry(file, "tolerance")?)?))
}

fn flags(value: &Value) -> Result<Vec<bool>, Box<dyn Error>> {
    Ok(numbers(value)?.into_iter().map(|v| v != 0.0).collect())
}

/// Compares each entry of `expected` with what `ours` gives for its name; a name that it does not know is a failure.
fn compare(
    case: &mut Case,
    expected: &Value,
    tolerance: Tolerance,
    ours: impl Fn(&str) -> Option<Result<Vec<f64>, eir_core::Error>>,
) -> Outcome {
    case.walk(expected, |case, key, want| {
        match ours(key) {
            Some(got) => case.close(key, &got?, &numbers(want)?, tolerance),
            None => return Err("no comparison for this entry".into()),
        }
        Ok(())
    })
}
