//! Permutation entropy.

use super::sample::embedding;
use super::{Measure, NoAnswer, bits, check, enough};
use crate::Result;
use serde::{Deserialize, Serialize};

/// The permutation entropy of `x` with `m = 3`, between 0 and 1.
///
/// # Errors
/// As [`PermutationEntropyConfig::of`].
pub fn permutation_entropy(x: &[f64]) -> Result<f64> {
    PermutationEntropyConfig::default().of(x)
}

/// The weighted permutation entropy of `x` with `m = 3`, between 0 and 1.
///
/// # Errors
/// As [`PermutationEntropyConfig::of`].
pub fn weighted_permutation_entropy(x: &[f64]) -> Result<f64> {
    PermutationEntropyConfig::default().with_weighted(true).of(x)
}

/// Which of equal values is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ties {
    /// The earlier one.
    #[default]
    Earlier,
    /// Whichever the sorting network of NumPy 2 leaves first on processors with vector instructions (its `argsort` is not
    /// stable there). On quantised intervals this changes the entropy by a quarter and more: only to compare with that tool.
    AsNumpy,
}

/// Settings of the permutation entropy.
///
/// **Use it** to measure how varied the order of successive values is: fast, and unmoved by the scale and by outliers.
/// **Not** unweighted on coarsely quantised intervals: equal values are common there and each tie is decided by the rule
/// below, not by the data.
///
/// # Formula
/// Each stretch of `m` values has one of `m!` orders; entropy in bits of how often each occurs (weighted: of the sum of
/// the variances of its stretches), over `log2(m!)` if normalised. **Ties: of equal values the earlier one is the
/// smaller** (a stable sort), unless [`Ties`] says otherwise.
///
/// # Examples
/// ```
/// let x = [4.0, 7.0, 9.0, 10.0, 6.0, 11.0, 3.0]; // the example of Bandt and Pompe: orders 2, 2 and 1 of 5
/// let found = eir_signal::entropy::PermutationEntropyConfig::default().with_normalised(false).of(&x)?;
/// assert!((found - 1.5219280948873621).abs() < 1e-12);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `entropy_permutation` within 1e-9 for `m` 3 to 5, plain and weighted, on all series of the
/// golden set, with [`Ties::AsNumpy`] (without ties, with either).
///
/// # References
/// Bandt, Pompe 2002, doi:10.1103/PhysRevLett.88.174102. Fadlallah et al. 2013, doi:10.1103/PhysRevE.87.022911.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PermutationEntropyConfig {
    /// Values in a stretch, 2 to 8. Default 3. A series should be much longer than `m!`.
    pub dimension: usize,
    /// Values from one of a stretch to its next, 1 or more. Default 1.
    pub delay: usize,
    /// Whether a stretch counts by its variance. Default false.
    pub weighted: bool,
    /// Whether the entropy is divided by its largest value. Default true.
    pub normalised: bool,
    /// Which of equal values is the smaller. Default [`Ties::Earlier`].
    pub ties: Ties,
}

impl Default for PermutationEntropyConfig {
    fn default() -> Self {
        Self { dimension: 3, delay: 1, weighted: false, normalised: true, ties: Ties::Earlier }
    }
}

impl PermutationEntropyConfig {
    /// Sets [`dimension`](Self::dimension).
    #[must_use]
    pub fn with_dimension(self, dimension: usize) -> Self {
        Self { dimension, ..self }
    }
    /// Sets [`delay`](Self::delay).
    #[must_use]
    pub fn with_delay(self, delay: usize) -> Self {
        Self { delay, ..self }
    }
    /// Sets [`weighted`](Self::weighted).
    #[must_use]
    pub fn with_weighted(self, weighted: bool) -> Self {
        Self { weighted, ..self }
    }
    /// Sets [`normalised`](Self::normalised).
    #[must_use]
    pub fn with_normalised(self, normalised: bool) -> Self {
        Self { normalised, ..self }
    }

    /// Sets [`ties`](Self::ties).
    #[must_use]
    pub fn with_ties(self, ties: Ties) -> Self {
        Self { ties, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        embedding(self.dimension, self.delay, 2..=8, "2 to 8")
    }

    /// The permutation entropy of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer values than
    /// one stretch has, and, if weighted, for values that do not vary.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        let (m, delay) = (self.dimension, self.delay);
        let reach = (m - 1).saturating_mul(delay);
        enough(x, reach.saturating_add(1))?;
        let orders: usize = (2..=m).product();
        let mut weights = vec![0.0f64; orders];
        for at in 0..x.len() - reach {
            let value = |k: usize| x[at + k * delay];
            let code = match self.ties {
                Ties::Earlier => code(m, |k, j| value(j) < value(k)),
                Ties::AsNumpy => {
                    let places = places_in_network(m, value);
                    code(m, |k, j| places[j] < places[k])
                }
            };
            weights[code] += if self.weighted { variance(m, value) } else { 1.0 };
        }
        if !weights.iter().any(|w| *w > 0.0) {
            return Err(NoAnswer::Constant);
        }
        if !weights.iter().sum::<f64>().is_finite() {
            return Err(NoAnswer::OutOfRange);
        }
        let entropy = bits(weights.iter().copied());
        Ok(if self.normalised { entropy / (orders as f64).log2() } else { entropy })
    }
}

/// The order as a number: of each value `k`, how many later ones `j` are smaller, in mixed radix.
fn code(m: usize, smaller: impl Fn(usize, usize) -> bool) -> usize {
    (0..m - 1).fold(0, |code, k| code * (m - k) + (k + 1..m).filter(|j| smaller(k, *j)).count())
}

/// Where each of up to eight values comes to lie in the bitonic network for eight, which swaps only what is out of order.
fn places_in_network(m: usize, value: impl Fn(usize) -> f64) -> [usize; 8] {
    const NETWORK: [[(usize, usize); 4]; 6] = [
        [(0, 1), (2, 3), (4, 5), (6, 7)],
        [(0, 3), (1, 2), (4, 7), (5, 6)],
        [(0, 1), (2, 3), (4, 5), (6, 7)],
        [(0, 7), (1, 6), (2, 5), (3, 4)],
        [(0, 2), (1, 3), (4, 6), (5, 7)],
        [(0, 1), (2, 3), (4, 5), (6, 7)],
    ];
    let mut keys: [(f64, usize); 8] = std::array::from_fn(|k| (if k < m { value(k) } else { f64::INFINITY }, k));
    for (a, b) in NETWORK.into_iter().flatten() {
        if keys[a].0 > keys[b].0 {
            keys.swap(a, b);
        }
    }
    let mut places = [0; 8];
    keys.iter().zip(0..).for_each(|((_, k), place)| places[*k] = place);
    places
}

fn variance(m: usize, value: impl Fn(usize) -> f64) -> f64 {
    let mean = (0..m).map(&value).sum::<f64>() / m as f64;
    (0..m).map(|k| (value(k) - mean).powi(2)).sum::<f64>() / m as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_has_one_order() {
        let rise: Vec<f64> = (0..50).map(f64::from).collect();
        assert_eq!(permutation_entropy(&rise).unwrap(), 0.0);
        assert_eq!(weighted_permutation_entropy(&rise).unwrap(), 0.0);
        assert_eq!(permutation_entropy(&[5.0; 50]).unwrap(), 0.0); // all ties, all decided alike
        assert!(weighted_permutation_entropy(&[5.0; 50]).unwrap_err().to_string().contains("do not vary"));
    }

    #[test]
    fn ties_are_the_only_difference() {
        let x: Vec<f64> = (0..300u32).map(|i| f64::from(i * i % 293) + f64::from(i) * 1e-3).collect();
        let few: Vec<f64> = x.iter().map(|v| (v / 60.0).floor()).collect();
        let both = |x: &[f64], m: usize| {
            let config = PermutationEntropyConfig::default().with_dimension(m);
            (config.of(x).unwrap(), config.with_ties(Ties::AsNumpy).of(x).unwrap())
        };
        for m in 2..=8 {
            assert_eq!(both(&x, m).0, both(&x, m).1);
        }
        assert_ne!(both(&few, 5).0, both(&few, 5).1);
        // NumPy sorts (2, 1, 1, 1) as 1, 2, 3, 0 and (1, 2, 1, 1) as 0, 2, 3, 1
        assert_eq!(places_in_network(4, |k| [2.0, 1.0, 1.0, 1.0][k])[..4], [3, 0, 1, 2]);
        assert_eq!(places_in_network(4, |k| [1.0, 2.0, 1.0, 1.0][k])[..4], [0, 3, 1, 2]);
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        assert!(permutation_entropy(&[1.0, 2.0]).is_err());
        assert!(permutation_entropy(&[1.0, 2.0, f64::NAN]).is_err());
        assert!(PermutationEntropyConfig::default().with_dimension(9).of(&[1.0; 20]).is_err());
        assert!(PermutationEntropyConfig::default().with_delay(1 << 20).of(&[1.0; 20]).is_err());
        assert!(weighted_permutation_entropy(&[1e300, -1e300, 1e300]).is_err());
    }
}
