use super::probability::{check_range, clip, weighted_mean};
use super::{auroc, auroc_weighted, check_weights};
use crate::error::{OutOfRange, Parameter};
use crate::{Error, Rows};

/// How the numbers of several classes become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Average {
    /// Every class (or pair of classes) alike; the default.
    #[default]
    Macro,
    /// By the share of the items that are of the class (or pair).
    Weighted,
}

/// Probabilities of several classes, one row per item and one column per class, with the true classes.
///
/// **Use it** for models of three and more classes. For two, [`log_loss`](super::log_loss), [`brier`](super::brier) (half
/// of this one) and [`auroc`](super::auroc()) take the probability of the positive class. **Not** for labels that do not
/// exclude one another: each is a question of its own.
///
/// # Formula
/// Log loss: mean of −ln p of the true class, p clipped to [2⁻⁵², 1 − 2⁻⁵²]. Brier: mean of Σ over classes of
/// (p − [true class])², 0 to 2. Top k: share of items whose true class is among the k most probable. AUROC of each class
/// against the rest, or of each pair of classes a, b among their own items: the mean of a against b by p of a, and of b
/// against a by p of b.
///
/// # Examples
/// ```
/// use eir_core::{Rows, metrics::{Average, ClassProbabilities}};
/// let rows = [0.7, 0.2, 0.1, 0.1, 0.6, 0.3, 0.2, 0.2, 0.6, 0.3, 0.4, 0.3];
/// let p = ClassProbabilities::new(&[0, 1, 2, 0], Rows::new(&rows, 3)?)?;
/// assert_eq!((p.top_k_accuracy(1)?, p.top_k_accuracy(2)?), (0.75, 1.0));
/// assert!((p.brier() - 0.345).abs() < 1e-15);
/// assert_eq!(p.auroc_one_vs_rest(Average::Macro)?, 1.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with scikit-learn 1.9.1 within 1e-12 on `reference/core/classification.json`. Items of equal probability in
/// [`top_k_accuracy`](Self::top_k_accuracy) go by the lower class number, in scikit-learn by the higher.
///
/// # References
/// One against one: Hand, Till 2001, doi:10.1023/A:1010920819831.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassProbabilities<'a> {
    labels: &'a [usize],
    probabilities: Rows<'a>,
    weights: Option<&'a [f64]>,
}

impl<'a> ClassProbabilities<'a> {
    /// Looks at `probabilities`, whose column is the class, with the true class of each row.
    ///
    /// # Errors
    /// [`Error`] for different lengths, no rows, a label that has no column, a probability outside 0 to 1, or a row that
    /// does not sum to 1 within 1e-4.
    pub fn new(labels: &'a [usize], probabilities: Rows<'a>) -> Result<Self, Error> {
        probabilities.check("labels", labels.len(), 1)?;
        let classes = probabilities.columns();
        if let Some(index) = labels.iter().position(|l| *l >= classes) {
            return Err(Error::Class { index, classes });
        }
        check_range(probabilities.values())?;
        let sums = probabilities.iter().map(|row| row.iter().sum::<f64>());
        OutOfRange::check("sum of the probabilities of row", sums, "1", |sum| (sum - 1.0).abs() <= 1e-4)?;
        Ok(Self { labels, probabilities, weights: None })
    }

    /// The same with a weight for each item.
    ///
    /// # Errors
    /// [`Error`] for another number of weights, or weights that are negative, not finite or all 0.
    pub fn with_weights(self, weights: &'a [f64]) -> Result<Self, Error> {
        check_weights(weights, self.labels.len())?;
        Ok(Self { weights: Some(weights), ..self })
    }

    /// Mean of −ln of the probability of the true class.
    #[must_use]
    pub fn log_loss(&self) -> f64 {
        self.mean(|row, label| -libm::log(clip(row[label])))
    }

    /// Mean of the squared distance of the probabilities from the truth: 0 to 2.
    #[must_use]
    pub fn brier(&self) -> f64 {
        let target = |class, label| if class == label { 1.0 } else { 0.0 };
        self.mean(|row, label| row.iter().enumerate().map(|(class, p)| (p - target(class, label)).powi(2)).sum())
    }

    /// Share of the items whose class is among the `k` most probable; of equal ones, the lower class number counts first.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `k` is 1 to the number of classes.
    pub fn top_k_accuracy(&self, k: usize) -> Result<f64, Error> {
        if !(1..=self.classes()).contains(&k) {
            return Err(Parameter::new("k", k as f64, "1 to the number of classes").into());
        }
        Ok(self.mean(|row, label| {
            let before = |(class, p): &(usize, &f64)| **p > row[label] || (**p == row[label] && *class < label);
            if row.iter().enumerate().filter(before).count() < k { 1.0 } else { 0.0 }
        }))
    }

    /// Mean over the classes of the AUROC of each class against all others.
    ///
    /// # Errors
    /// [`Error::OneClass`] if a class does not occur.
    pub fn auroc_one_vs_rest(&self, average: Average) -> Result<f64, Error> {
        let all = vec![true; self.labels.len()];
        let areas = (0..self.classes()).map(|class| {
            Ok((
                self.auroc_of(class, &all)?,
                match average {
                    Average::Macro => 1.0,
                    Average::Weighted => self.weight_of(|label| label == class),
                },
            ))
        });
        weighted(areas)
    }

    /// Mean over the pairs of classes of the AUROC within each pair, which no class's rarity changes.
    ///
    /// # Errors
    /// [`Error::OneClass`] if a class does not occur.
    pub fn auroc_one_vs_one(&self, average: Average) -> Result<f64, Error> {
        let pairs = (0..self.classes()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let areas = pairs.map(|(a, b)| {
            let within: Vec<bool> = self.labels.iter().map(|l| *l == a || *l == b).collect();
            let area = 0.5 * (self.auroc_of(a, &within)? + self.auroc_of(b, &within)?);
            Ok((
                area,
                match average {
                    Average::Macro => 1.0,
                    Average::Weighted => self.weight_of(|label| label == a || label == b),
                },
            ))
        });
        weighted(areas)
    }

    fn classes(&self) -> usize {
        self.probabilities.columns()
    }

    /// The mean of a number of each row and its label.
    fn mean(&self, of: impl Fn(&[f64], usize) -> f64) -> f64 {
        let values = self.probabilities.iter().zip(self.labels).map(|(row, label)| of(row, *label));
        match self.weights {
            Some(weights) => weighted_mean(values, weights),
            None => values.sum::<f64>() / self.labels.len() as f64,
        }
    }

    /// The number (or weight) of the items whose label is as asked.
    fn weight_of(&self, label: impl Fn(usize) -> bool) -> f64 {
        let weight = |i: usize| self.weights.map_or(1.0, |w| w[i]);
        (0..self.labels.len()).filter(|i| label(self.labels[*i])).map(weight).sum()
    }

    /// AUROC of `class` by its probability, among the items that are `within`.
    fn auroc_of(&self, class: usize, within: &[bool]) -> Result<f64, Error> {
        let items = || (0..self.labels.len()).filter(|i| within[*i]);
        let labels: Vec<bool> = items().map(|i| self.labels[i] == class).collect();
        let scores: Vec<f64> = items().map(|i| self.probabilities.row(i)[class]).collect();
        match self.weights {
            None => auroc(&labels, &scores),
            Some(weights) => {
                let weights: Vec<f64> = items().map(|i| weights[i]).collect();
                if weights.iter().all(|w| *w == 0.0) {
                    return Err(Error::OneClass);
                }
                auroc_weighted(&labels, &scores, &weights)
            }
        }
    }
}

/// The mean of values with their weights; the first error among them.
fn weighted(areas: impl Iterator<Item = Result<(f64, f64), Error>>) -> Result<f64, Error> {
    let (mut sum, mut total) = (0.0, 0.0);
    for area in areas {
        let (area, weight) = area?;
        sum += weight * area;
        total += weight;
    }
    if total > 0.0 { Ok(sum / total) } else { Err(Error::OneClass) } // one column has no pair of classes
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: [f64; 12] = [0.7, 0.2, 0.1, 0.1, 0.6, 0.3, 0.2, 0.2, 0.6, 0.3, 0.4, 0.3];

    #[test]
    fn refuses_what_are_no_class_probabilities() {
        let rows = |values| Rows::new(values, 3).unwrap();
        assert!(matches!(ClassProbabilities::new(&[0], rows(&P)), Err(Error::Mismatch(_))));
        assert_eq!(ClassProbabilities::new(&[0, 1, 2, 3], rows(&P)), Err(Error::Class { index: 3, classes: 3 }));
        assert!(matches!(ClassProbabilities::new(&[0], rows(&[0.5, 0.2, 0.2])), Err(Error::OutOfRange(_))));
        assert!(matches!(ClassProbabilities::new(&[0], rows(&[1.5, -0.5, 0.0])), Err(Error::OutOfRange(_))));
        assert!(matches!(ClassProbabilities::new(&[], rows(&[])), Err(Error::TooShort(_))));
        let p = ClassProbabilities::new(&[0, 1, 1, 0], rows(&P)).unwrap();
        assert_eq!(p.auroc_one_vs_rest(Average::Macro), Err(Error::OneClass));
        assert_eq!(p.auroc_one_vs_one(Average::Macro), Err(Error::OneClass));
        assert!(matches!(p.top_k_accuracy(4), Err(Error::Parameter(_))));
    }

    #[test]
    fn whole_weights_repeat_items() {
        let labels = [0, 1, 2, 1];
        let weights = [1.0, 2.0, 1.0, 1.0];
        let mut repeated = P.to_vec();
        repeated.extend_from_slice(&P[3..6]);
        let once = ClassProbabilities::new(&labels, Rows::new(&P, 3).unwrap()).unwrap().with_weights(&weights).unwrap();
        let again = ClassProbabilities::new(&[0, 1, 2, 1, 1], Rows::new(&repeated, 3).unwrap()).unwrap();
        let all = |p: ClassProbabilities<'_>| {
            [
                p.log_loss(),
                p.brier(),
                p.top_k_accuracy(1).unwrap(),
                p.auroc_one_vs_rest(Average::Weighted).unwrap(),
                p.auroc_one_vs_one(Average::Weighted).unwrap(),
            ]
        };
        let close = all(once).iter().zip(all(again)).all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(close, "{:?} {:?}", all(once), all(again));
    }
}
