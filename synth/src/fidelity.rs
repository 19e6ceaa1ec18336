//! How faithful a synthetic table is: one number, and what it is made of.

use crate::Result;
use crate::column_measures::{
    boundary_adherence, category_adherence, category_coverage, ks_complement, missing_similarity, range_coverage,
    tv_complement,
};
use crate::correlation::pearson;
use crate::error::within;
use crate::pair_measures::{CrossTable, correlation_similarity};
use crate::table::{Column, Table};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Compares a synthetic with a real table by the default settings.
///
/// # Errors
/// As [`FidelityConfig::compare`].
pub fn fidelity(real: &Table, synthetic: &Table) -> Result<Fidelity> {
    FidelityConfig::default().compare(real, synthetic)
}

/// Which pairs of columns count.
///
/// **Use it** to see where a synthetic table differs. **Not** as a statement about privacy (a copy of the real table has a
/// score of 1), nor about use: a good score can go with a model that learns nothing right.
///
/// # Formula
/// Column shape: the [KS complement](ks_complement) of numbers, the [TV complement](tv_complement) of levels. Pair trend:
/// the similarity of Pearson's correlations of two numbers, of the [cross tables](CrossTable) otherwise, of the pairs that
/// are dependent in the real table. Overall: the mean of the means of the two, as SDMetrics' quality report. Missing values
/// are a property of their own, and not in the score.
///
/// # Examples
/// ```
/// use eir_synth::{fidelity, simulated_patients};
/// let (a, b) = (simulated_patients(4000, 1)?.table, simulated_patients(4000, 2)?.table);
/// let report = fidelity(&a, &b)?; // two samples of one law
/// assert!(report.overall.unwrap() > 0.95 && report.missing.unwrap() > 0.99);
/// assert_eq!(fidelity(&a, &a)?.overall, Some(1.0));
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Errors
/// See [`compare`](Self::compare).
///
/// # Validation
/// Every column and pair score, both properties and the overall score agree with SDMetrics 0.32.0 within 1e-9 on four
/// pairs of tables (`tests/golden.rs`).
///
/// # References
/// SDMetrics 0.32.0 (MIT), `QualityReport`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct FidelityConfig {
    /// A pair of numbers counts if its real correlation is farther from 0 than this, 0 to 1. Default 0.5.
    pub correlation_above: f64,
    /// Another pair counts if its real association (Cramér's V) is above this, 0 to 1. Default 0.3.
    pub association_above: f64,
}

impl Default for FidelityConfig {
    fn default() -> Self {
        Self { correlation_above: 0.5, association_above: 0.3 }
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Measure {
    /// Distribution functions of numbers.
    KsComplement,
    /// Shares of levels.
    TvComplement,
    /// Pearson's correlations.
    CorrelationSimilarity,
    /// Cross tables.
    ContingencySimilarity,
}

/// One column of a [`Fidelity`] report; a score is none where it is not defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ColumnFidelity {
    /// The column.
    pub name: String,
    /// What `shape` is.
    pub measure: Measure,
    /// Likeness of the distributions of the values.
    pub shape: Option<f64>,
    /// Likeness of the shares of missing values.
    pub missing: Option<f64>,
    /// Share of synthetic values inside the real range, or of a known level.
    pub adherence: Option<f64>,
    /// How much of the real range, or how many of the real levels, there are.
    pub coverage: Option<f64>,
}

/// A pair of columns of a [`Fidelity`] report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PairFidelity {
    /// The first column.
    pub first: String,
    /// The second column.
    pub second: String,
    /// What `score` is.
    pub measure: Measure,
    /// Likeness of the dependence; none for a pair that does not count.
    pub score: Option<f64>,
    /// Correlation or association in the real table.
    pub real: Option<f64>,
    /// Correlation in the synthetic table, of a pair that counts.
    pub synthetic: Option<f64>,
}

/// How faithful a synthetic table is. Scores are 0 to 1, 1 is alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fidelity {
    /// Mean of `shapes` and `trends`.
    pub overall: Option<f64>,
    /// Mean of the columns' shapes.
    pub shapes: Option<f64>,
    /// Mean of the scores of the pairs that count.
    pub trends: Option<f64>,
    /// Mean of the columns' likeness of missing values.
    pub missing: Option<f64>,
    /// Each column.
    pub columns: Vec<ColumnFidelity>,
    /// Each pair, those that do not count with a score of none.
    pub pairs: Vec<PairFidelity>,
}

impl FidelityConfig {
    /// Sets [`correlation_above`](Self::correlation_above).
    #[must_use]
    pub fn with_correlation_above(self, correlation_above: f64) -> Self {
        Self { correlation_above, ..self }
    }
    /// Sets [`association_above`](Self::association_above).
    #[must_use]
    pub fn with_association_above(self, association_above: f64) -> Self {
        Self { association_above, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        within("correlation_above", self.correlation_above, 0.0, 1.0, "0 to 1")?;
        within("association_above", self.association_above, 0.0, 1.0, "0 to 1")
    }

    /// Compares a synthetic with a real table of the same columns.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if names, order or nature of the columns differ;
    /// [`Error::TooShort`](crate::Error::TooShort) if there are no columns or rows; [`Error::Parameter`](crate::Error::Parameter).
    pub fn compare(&self, real: &Table, synthetic: &Table) -> Result<Fidelity> {
        self.validate()?;
        real.check_rows(1)?;
        synthetic.check_rows(1)?;
        real.check_alike(synthetic)?;
        let both: Vec<(&Column, &Column)> = real.columns().iter().zip(synthetic.columns()).collect();
        let columns: Vec<ColumnFidelity> = both.par_iter().map(|(r, s)| column(r, s)).collect();
        let places: Vec<(usize, usize)> =
            (0..both.len()).flat_map(|i| (i + 1..both.len()).map(move |j| (i, j))).collect();
        let pairs: Vec<PairFidelity> =
            places.par_iter().filter_map(|(i, j)| Some(self.pair(both.get(*i)?, both.get(*j)?))).collect();
        let shapes = mean(columns.iter().map(|c| c.shape));
        let trends = mean(pairs.iter().map(|p| p.score));
        let missing = mean(columns.iter().map(|c| c.missing));
        Ok(Fidelity { overall: mean([shapes, trends].into_iter()), shapes, trends, missing, columns, pairs })
    }

    fn pair(
        &self,
        (real_a, synthetic_a): &(&Column, &Column),
        (real_b, synthetic_b): &(&Column, &Column),
    ) -> PairFidelity {
        let (first, second) = (real_a.name.clone(), real_b.name.clone());
        if real_a.is_numeric() && real_b.is_numeric() {
            let real = pearson(&real_a.numbers(), &real_b.numbers());
            let counts = real.is_some_and(|r| r.abs() > self.correlation_above);
            let synthetic = if counts { pearson(&synthetic_a.numbers(), &synthetic_b.numbers()) } else { None };
            let score = correlation_similarity(real, synthetic);
            return PairFidelity { first, second, measure: Measure::CorrelationSimilarity, score, real, synthetic };
        }
        let cross = CrossTable::new(real_a, real_b);
        let real = cross.association();
        let counts = real.is_some_and(|r| r > self.association_above);
        let score = if counts { cross.similarity(&CrossTable::new(synthetic_a, synthetic_b)) } else { None };
        PairFidelity { first, second, measure: Measure::ContingencySimilarity, score, real, synthetic: None }
    }
}

fn column(real: &Column, synthetic: &Column) -> ColumnFidelity {
    let missing = missing_similarity(real, synthetic);
    let name = real.name.clone();
    if real.is_numeric() {
        let (r, s) = (real.numbers(), synthetic.numbers());
        let (shape, adherence) = (ks_complement(&r, &s), boundary_adherence(&r, &s));
        let (measure, coverage) = (Measure::KsComplement, range_coverage(&r, &s));
        ColumnFidelity { name, measure, shape, missing, adherence, coverage }
    } else {
        let (shape, adherence) = (tv_complement(real, synthetic), category_adherence(real, synthetic));
        let (measure, coverage) = (Measure::TvComplement, category_coverage(real, synthetic));
        ColumnFidelity { name, measure, shape, missing, adherence, coverage }
    }
}

/// Mean of the scores that are defined.
fn mean(scores: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, n) = scores.flatten().fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated_patients;
    use crate::table::Values;

    #[test]
    fn a_shuffled_column_loses_trends_but_no_shapes() {
        let real = simulated_patients(2000, 3).unwrap().table;
        let broken = real.columns().iter().map(|c| {
            let mut numbers = c.numbers().into_owned();
            if c.name == "diabetes" {
                eir_core::random::Generator::new(1, "shuffle").stream(0).shuffle(&mut numbers);
            }
            c.with_numbers(numbers.into_iter())
        });
        let broken = Table::new(broken.collect()).unwrap();
        let report = fidelity(&real, &broken).unwrap();
        assert_eq!(report.shapes, Some(1.0));
        assert!(report.trends.unwrap() < 0.95, "{:?}", report.trends);
    }

    #[test]
    fn odd_columns_have_no_score_and_say_nothing_wrong() {
        let column =
            |name: &str, values: Vec<Option<f64>>| Column::new(name, Values::Continuous { values, decimals: 0 });
        let real = Table::new(vec![column("a", vec![None, None]), column("b", vec![Some(1.0), Some(1.0)])]).unwrap();
        let report = fidelity(&real, &real).unwrap();
        assert_eq!(report.columns[0].shape, None);
        assert_eq!((report.shapes, report.trends), (Some(1.0), None));
        let other = Table::new(vec![column("a", vec![None]), column("c", vec![None])]).unwrap();
        assert!(fidelity(&real, &other).unwrap_err().to_string().contains("c (Continuous)"));
        assert!(fidelity(&real, &Table::default()).is_err());
    }
}
