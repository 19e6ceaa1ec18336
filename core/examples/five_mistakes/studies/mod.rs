//! Five mistakes, each simulated often enough to see what it does.

mod conformal_rank;
mod figure;
mod leaking_split;
mod rows_as_patients;
mod score_as_probability;
mod tuned_threshold;

use eir_core::Error;

/// Simulated studies of each mistake.
const STUDIES: usize = 200;
/// Seed of all of them; each has its own purpose.
const SEED: u64 = 1;

/// A mistake and what it did.
pub(crate) struct Mistake {
    pub(crate) name: &'static str,
    pub(crate) numbers: Vec<Number>,
    /// What the first study would have reported: wrong, right.
    pub(crate) one_study: Vec<String>,
    /// File name and SVG text.
    pub(crate) figures: Vec<(&'static str, String)>,
}

/// A number as it is, and its mean over the studies, made the wrong and the right way.
pub(crate) struct Number {
    pub(crate) what: &'static str,
    pub(crate) truth: f64,
    pub(crate) wrong: f64,
    pub(crate) right: f64,
    /// Printed.
    decimals: usize,
}

/// The columns of [`Number::table_row`].
pub(crate) const TABLE_HEAD: &str = "| number | should be | wrong | right |\n|---|---|---|---|";

impl Number {
    /// A row of a Markdown table.
    pub(crate) fn table_row(&self) -> String {
        let Self { what, truth, wrong, right, decimals: d } = self;
        format!("| {what} | {truth:.d$} | {wrong:.d$} | {right:.d$} |")
    }
}

/// All five, in the order of the page.
pub(crate) fn all() -> Result<[Mistake; 5], Error> {
    Ok([
        leaking_split::run()?,
        rows_as_patients::run()?,
        tuned_threshold::run()?,
        score_as_probability::run()?,
        conformal_rank::run()?,
    ])
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
