//! Fuzzy entropy.

use super::exp::exp_of_minus;
use super::sample::embedding;
use super::{Measure, NoAnswer, Similarity, check, enough, finite};
use crate::Result;
use crate::dispatch::dispatched;
use serde::{Deserialize, Serialize};

/// The fuzzy entropy of `x` with `m = 2` and a tolerance of 0.2 standard deviations.
///
/// # Errors
/// As [`FuzzyEntropyConfig::of`].
pub fn fuzzy_entropy(x: &[f64]) -> Result<f64> {
    FuzzyEntropyConfig::default().of(x)
}

/// Settings of the fuzzy entropy.
///
/// **Use it** as sample entropy on short or coarsely quantised series: likeness falls off smoothly instead of at a step,
/// and each stretch is taken without its own level. **Not** where the level itself is the information. The time grows
/// with the square of the length.
///
/// # Formula
/// `−ln(A/B)`, `B` the sum of `exp(−d/r)` over all pairs of the `n − m·delay` stretches of `m` values, `A` of `m + 1`;
/// `d` is the largest distance of the two stretches, the mean of each removed.
///
/// # Examples
/// ```
/// let x: Vec<f64> = (0..300).map(|i| f64::from(i % 10)).collect();
/// let rough: Vec<f64> = (0..300u64).map(|i| ((i * i * 2_654_435_761) % 1000) as f64).collect();
/// let (regular, irregular) = (eir_signal::entropy::fuzzy_entropy(&x)?, eir_signal::entropy::fuzzy_entropy(&rough)?);
/// assert!(regular < 0.5 && irregular > 2.0 * regular);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `entropy_fuzzy` within 1e-9 for `m` 1 to 3 on all series of the golden set.
///
/// # References
/// Chen et al. 2007, doi:10.1109/TNSRE.2007.897025.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FuzzyEntropyConfig {
    /// Values in a stretch, 1 to 10. Default 2.
    pub dimension: usize,
    /// Values from one of a stretch to its next, 1 or more. Default 1.
    pub delay: usize,
    /// The distance at which likeness has fallen to 1/e. Default 0.2 standard deviations.
    pub tolerance: Similarity,
}

impl Default for FuzzyEntropyConfig {
    fn default() -> Self {
        Self { dimension: 2, delay: 1, tolerance: Similarity::OfDeviation(0.2) }
    }
}

impl FuzzyEntropyConfig {
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
    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(self, tolerance: Similarity) -> Self {
        Self { tolerance, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        embedding(self.dimension, self.delay, 1..=10, "1 to 10")?;
        self.tolerance.validate()
    }

    /// The fuzzy entropy of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer than
    /// `m·delay + 2` values and for values that do not vary.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        enough(x, self.dimension.saturating_mul(self.delay).saturating_add(2))?;
        let radius = self.tolerance.of(x)?;
        let templates = x.len() - self.dimension * self.delay;
        let likeness = |length: usize| sum_of_likeness(&centred(x, length, self.delay, templates, radius));
        let (b, a) = (likeness(self.dimension), likeness(self.dimension + 1));
        if a > 0.0 && b > 0.0 { finite(-(a / b).ln()) } else { Err(NoAnswer::NoMatch) }
    }
}

/// The values of the templates in units of `radius` without each template's mean: one row per place in the template.
fn centred(x: &[f64], length: usize, delay: usize, templates: usize, radius: f64) -> Vec<Vec<f64>> {
    let means: Vec<f64> =
        (0..templates).map(|i| (0..length).map(|k| x[i + k * delay]).sum::<f64>() / length as f64).collect();
    (0..length).map(|k| x[k * delay..].iter().zip(&means).map(|(v, mean)| (v - mean) / radius).collect()).collect()
}

/// The sum of `exp(−largest distance)` over all pairs.
///
/// Stretches of two values without their mean are numbers, and sorted numbers need one exponential each. Else
/// `exp(−|a − b|)` is the smaller of `eᵃ e⁻ᵇ` and `eᵇ e⁻ᵃ`: two products a place and pair are what bounds the time.
fn sum_of_likeness(rows: &[Vec<f64>]) -> f64 {
    let pairs = |n: usize| (n * n.saturating_sub(1) / 2) as f64;
    match rows {
        [] => 0.0,
        [row] => pairs(row.len()),
        [row, _] => of_numbers(row),
        rest => {
            let ends =
                rest.iter().flatten().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
            // beyond this the exponentials would leave the range of numbers
            if ends.1 - ends.0 > 1200.0 {
                return dispatched(
                    #[inline(always)]
                    || of_exponentials(rest),
                );
            }
            let middle = 0.5 * (ends.0 + ends.1);
            let grown = |sign: f64| -> Vec<Vec<f64>> {
                rest.iter().map(|row| row.iter().map(|v| (sign * (v - middle)).exp()).collect()).collect()
            };
            let (up, down) = (grown(1.0), grown(-1.0));
            dispatched(
                #[inline(always)]
                || match (&up[..], &down[..]) {
                    ([a, b, c], [d, e, f]) => of_products([a, b, c], [d, e, f]),
                    ([a, b, c, g], [d, e, f, h]) => of_products([a, b, c, g], [d, e, f, h]),
                    _ => of_exponentials(rest),
                },
            )
        }
    }
}

/// As [`sum_of_likeness`] for single numbers: of the sum over all smaller ones, each step keeps its share.
fn of_numbers(row: &[f64]) -> f64 {
    let mut sorted = row.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (mut total, mut below) = (0.0, 0.0);
    for pair in sorted.windows(2) {
        below = (below + 1.0) * (pair[0] - pair[1]).exp();
        total += below;
    }
    total
}

#[inline(always)]
fn of_products<const N: usize>(up: [&Vec<f64>; N], down: [&Vec<f64>; N]) -> f64 {
    let templates = up[0].len();
    let mut total = 0.0;
    for i in 0..templates {
        let (own_up, own_down) = (up.map(|r| r[i]), down.map(|r| r[i]));
        let (up, down) = (up.map(|r| &r[i + 1..templates]), down.map(|r| &r[i + 1..templates]));
        let (up_chunks, down_chunks) = (up.map(|r| r.as_chunks::<8>().0), down.map(|r| r.as_chunks::<8>().0));
        let whole = up_chunks[0].len();
        let (up_chunks, down_chunks) = (up_chunks.map(|c| &c[..whole]), down_chunks.map(|c| &c[..whole]));
        let mut sums = [0.0; 8];
        for c in 0..whole {
            let mut least = [1.0f64; 8];
            for k in 0..N {
                let (u, d) = (&up_chunks[k][c], &down_chunks[k][c]);
                for lane in 0..8 {
                    let (a, b) = (own_up[k] * d[lane], own_down[k] * u[lane]);
                    let one = if a < b { a } else { b };
                    least[lane] = if one < least[lane] { one } else { least[lane] };
                }
            }
            sums.iter_mut().zip(&least).for_each(|(s, l)| *s += l);
        }
        let rest = (8 * whole..templates - i - 1)
            .map(|j| (0..N).map(|k| (own_up[k] * down[k][j]).min(own_down[k] * up[k][j])).fold(1.0f64, f64::min));
        total += sums.iter().sum::<f64>() + rest.sum::<f64>();
    }
    total
}

#[inline(always)]
fn of_exponentials(rows: &[Vec<f64>]) -> f64 {
    let templates = rows.first().map_or(0, Vec::len);
    let mut total = 0.0;
    let mut distance = vec![0.0f64; templates];
    for i in 0..templates {
        let distance = &mut distance[i + 1..];
        distance.fill(0.0);
        for row in rows {
            let v = row[i];
            distance.iter_mut().zip(&row[i + 1..]).for_each(|(d, w)| {
                let away = (w - v).abs();
                *d = if away > *d { away } else { *d };
            });
        }
        let (chunks, rest) = distance.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for chunk in chunks {
            sums.iter_mut().zip(chunk).for_each(|(s, d)| *s += exp_of_minus(*d));
        }
        total += sums.iter().sum::<f64>() + rest.iter().map(|d| exp_of_minus(*d)).sum::<f64>();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_plain_definition() {
        let x: Vec<f64> = (0..90u32).map(|i| f64::from(i * i % 31) + f64::from(i) * 0.1).collect();
        let mut outlier = x.clone();
        outlier[40] = 1e5;
        for (x, r) in [(&x, 2.5), (&outlier, 2.5)] {
            for m in 1..=5 {
                let templates = x.len() - m;
                let sum = |length: usize| {
                    let mean = |i: usize| x[i..i + length].iter().sum::<f64>() / length as f64;
                    let mut sum = 0.0;
                    for i in 0..templates {
                        for j in 0..templates {
                            let away = (0..length).map(|k| ((x[i + k] - mean(i)) - (x[j + k] - mean(j))).abs());
                            sum += if i == j { 0.0 } else { (-away.fold(0.0, f64::max) / r).exp() };
                        }
                    }
                    sum
                };
                let want = -(sum(m + 1) / sum(m)).ln();
                let config = FuzzyEntropyConfig::default().with_dimension(m).with_tolerance(Similarity::Within(r));
                let got = config.of(x).unwrap();
                assert!((got - want).abs() < 1e-12, "{m}: {got} {want}");
            }
        }
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(fuzzy_entropy(&[2.0; 100]).unwrap_err().to_string().contains("do not vary"));
        assert!(fuzzy_entropy(&[2.0, 1.0, 3.0]).is_err());
        assert!(FuzzyEntropyConfig::default().with_delay(0).of(&[1.0, 2.0, 3.0, 4.0]).is_err());
    }
}
