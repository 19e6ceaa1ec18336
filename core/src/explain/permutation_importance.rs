use crate::error::{Mismatch, Parameter};
use crate::random::Generator;
use crate::{Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Permutation importance: how much worse a model becomes when the values of one feature are shuffled between cases.
///
/// **Use it** on rows that the model has not seen, to find features that it lives on. **Not** to judge one of several
/// features that go together: each can stand in for the other, and both look unimportant.
///
/// # Examples
/// ```
/// use eir_core::explain::PermutationImportance;
/// use eir_core::{Rows, metrics};
/// let x: Vec<f64> = (0..100).flat_map(|i| [f64::from(i), f64::from(i % 3)]).collect();
/// let y: Vec<f64> = (0..100).map(f64::from).collect();
/// let first = |row: &[f64]| row[0];
/// let found = PermutationImportance::default().measure(&first, Rows::new(&x, 2)?, &y, metrics::mae)?;
/// assert!(found[0].mean > 20.0 && found[1].mean == 0.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # References
/// Breiman 2001, doi:10.1023/A:1010933404324; Fisher, Rudin, Dominici 2019, arXiv:1801.01489.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PermutationImportance {
    /// How often each feature is shuffled, 1 or more (10).
    pub repeats: usize,
    /// Seed of the shuffles (0).
    pub seed: u64,
}

/// The importance of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Importance {
    /// Increase of the loss for each shuffle.
    pub increases: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation: the noise of the shuffle, not of the sample.
    pub sd: f64,
}

impl Default for PermutationImportance {
    fn default() -> Self {
        Self { repeats: 10, seed: 0 }
    }
}

impl PermutationImportance {
    /// With another number of shuffles.
    #[must_use]
    pub fn with_repeats(self, repeats: usize) -> Self {
        Self { repeats, ..self }
    }

    /// With another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The importance of each feature, by `loss` of targets and predictions (larger is worse).
    ///
    /// # Errors
    /// No repeat, other numbers of rows and targets, and what the model and the loss say.
    pub fn measure(
        &self,
        model: &impl Model,
        rows: Rows<'_>,
        targets: &[f64],
        loss: impl Fn(&[f64], &[f64]) -> Result<f64, Error>,
    ) -> Result<Vec<Importance>, Error> {
        if self.repeats == 0 {
            return Err(Parameter::new("repeats", 0.0, "1 or more").into());
        }
        let generator = Generator::new(self.seed, "permutation importance");
        let orders = (0..self.repeats).map(|repeat| {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            generator.stream(repeat as u64).shuffle(&mut order);
            order
        });
        Self::with_orders(model, rows, targets, loss, &orders.collect::<Vec<_>>())
    }

    /// As [`measure`](Self::measure), with given shuffles: row `i` gets the feature of row `orders[repeat][i]`.
    ///
    /// # Errors
    /// As `measure`, and for an order that is not of these rows.
    pub fn with_orders(
        model: &impl Model,
        rows: Rows<'_>,
        targets: &[f64],
        loss: impl Fn(&[f64], &[f64]) -> Result<f64, Error>,
        orders: &[Vec<usize>],
    ) -> Result<Vec<Importance>, Error> {
        rows.check("targets", targets.len(), 1)?;
        for order in orders {
            Mismatch::check("rows of an order", rows.len(), order.len())?;
            if let Some(row) = order.iter().find(|r| **r >= rows.len()) {
                return Err(Mismatch::new("row of an order", format!("below {}", rows.len()), row).into());
            }
        }
        let mut predictions = vec![0.0; rows.len()];
        model.predict_into(rows, &mut predictions)?;
        let before = loss(targets, &predictions)?;
        let mut values = rows.values().to_vec();
        let columns = rows.columns();
        let mut feature = |column: usize| -> Result<Importance, Error> {
            let mut increases = Vec::with_capacity(orders.len());
            for order in orders {
                for (row, from) in order.iter().enumerate() {
                    values[row * columns + column] = rows.row(*from)[column];
                }
                model.predict_into(Rows::known(&values, columns), &mut predictions)?;
                increases.push(loss(targets, &predictions)? - before);
            }
            for (row, original) in rows.iter().enumerate() {
                values[row * columns + column] = original[column];
            }
            let n = increases.len() as f64;
            let mean = increases.iter().sum::<f64>() / n;
            let sd = (increases.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
            Ok(Importance { increases, mean, sd })
        };
        (0..columns).map(&mut feature).collect()
    }
}
