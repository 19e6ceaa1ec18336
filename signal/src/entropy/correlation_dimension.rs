//! Correlation dimension.

use super::sample::embedding;
use super::{Measure, NoAnswer, check, enough, finite, mean, slope};
use crate::Result;
use crate::dispatch::dispatched;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The correlation dimension of `x` embedded with `m = 2`.
///
/// # Errors
/// As [`CorrelationDimensionConfig::of`].
pub fn correlation_dimension(x: &[f64]) -> Result<f64> {
    CorrelationDimensionConfig::default().of(x)
}

/// At which radii pairs are counted. Both run from 2.5 % to 50 % of the largest distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Radii {
    /// Evenly spaced on a logarithmic scale.
    #[default]
    Logarithmic,
    /// `(1 + r)/2` with `1 + r` evenly spaced on a logarithmic scale: the radii of NeuroKit2, which depend on the unit.
    AsNeuroKit,
}

/// Settings of the correlation dimension.
///
/// **Use it** to ask how many degrees of freedom a long, stationary, noise-free series has. **Not** on short or quantised
/// series: the slope then describes the noise. The time grows with the square of the length.
///
/// # Formula
/// Slope of `ln C(r)` over `ln r`, `C(r)` the share of pairs of stretches of `m` values with a Euclidean distance below
/// `r`; radii without a pair are left out.
///
/// # Examples
/// ```
/// let circle: Vec<f64> = (0..1000).map(|i| (f64::from(i) * 0.61).sin()).collect();
/// let found = eir_signal::entropy::CorrelationDimensionConfig::default().with_delay(2).of(&circle)?;
/// assert!((found - 1.0).abs() < 0.1); // a closed curve
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// With [`Radii::AsNeuroKit`] it equals NeuroKit2 0.2.13 `fractal_correlation` within 1e-6 on all series of the golden set.
///
/// # References
/// Grassberger, Procaccia 1983, doi:10.1103/PhysRevLett.50.346.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CorrelationDimensionConfig {
    /// Values in a stretch, 1 to 20. Default 2.
    pub dimension: usize,
    /// Values from one of a stretch to its next, 1 or more. Default 1.
    pub delay: usize,
    /// Number of radii, 2 to 1000. Default 64.
    pub radii: usize,
    /// Where they lie. Default [`Radii::Logarithmic`].
    pub spacing: Radii,
}

impl Default for CorrelationDimensionConfig {
    fn default() -> Self {
        Self { dimension: 2, delay: 1, radii: 64, spacing: Radii::Logarithmic }
    }
}

impl CorrelationDimensionConfig {
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
    /// Sets [`radii`](Self::radii).
    #[must_use]
    pub fn with_radii(self, radii: usize) -> Self {
        Self { radii, ..self }
    }
    /// Sets [`spacing`](Self::spacing).
    #[must_use]
    pub fn with_spacing(self, spacing: Radii) -> Self {
        Self { spacing, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(2..=1000).contains(&self.radii) {
            return Err(Parameter::new("radii", self.radii as f64, "2 to 1000").into());
        }
        embedding(self.dimension, self.delay, 1..=20, "1 to 20")
    }

    /// The correlation dimension of `x`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer than
    /// `(m − 1)·delay + 3` values, for values that do not vary, and if fewer than two radii hold a pair.
    pub fn of(&self, x: &[f64]) -> Result<f64> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x)?)
    }

    pub(crate) fn measure(&self, x: &[f64]) -> Measure {
        let reach = (self.dimension - 1).saturating_mul(self.delay);
        enough(x, reach.saturating_add(3))?;
        let stretches = x.len() - reach;
        let rows: Vec<&[f64]> = (0..self.dimension).map(|k| &x[k * self.delay..k * self.delay + stretches]).collect();
        let largest = largest_square(&rows);
        if largest == 0.0 {
            return Err(NoAnswer::Constant);
        }
        if !largest.is_finite() {
            return Err(NoAnswer::OutOfRange);
        }
        let radii = self.radii_below(largest.sqrt());
        let squares: Vec<f64> = radii.iter().map(|r| r * r).collect();
        let below = dispatched(
            #[inline(always)]
            || count_below(&rows, &Classes::new(&squares)),
        );
        let (log_r, log_c): (Vec<f64>, Vec<f64>) =
            radii.iter().zip(&below).filter(|(_, c)| **c > 0).map(|(r, c)| (r.ln(), (*c as f64).ln())).unzip();
        if log_r.len() < 2 {
            return Err(NoAnswer::NoMatch);
        }
        finite(slope(&log_r, &log_c))
    }

    fn radii_below(&self, diameter: f64) -> Vec<f64> {
        let shift = if self.spacing == Radii::AsNeuroKit { 1.0 } else { 0.0 };
        let (low, high) = ((shift + 0.025 * diameter).log2(), (shift + 0.5 * diameter).log2());
        let step = (high - low) / (self.radii - 1) as f64;
        (0..self.radii).map(|k| (low + step * k as f64 - shift).exp2()).collect()
    }
}

/// Squared distances of stretch `i` from those after it.
#[inline(always)]
fn squares_from(rows: &[&[f64]], i: usize, squares: &mut [f64]) {
    squares.fill(0.0);
    for row in rows {
        let v = row[i];
        squares.iter_mut().zip(&row[i + 1..]).for_each(|(s, w)| *s += (w - v) * (w - v));
    }
}

/// The square of the largest distance. Only points so far from the mean that they may be one end of it are compared.
fn largest_square(rows: &[&[f64]]) -> f64 {
    let n = rows.first().map_or(0, |r| r.len());
    let centre: Vec<f64> = rows.iter().map(|r| mean(r)).collect();
    let square = |i: usize, j: usize| rows.iter().map(|r| (r[i] - r[j]).powi(2)).sum::<f64>();
    let away: Vec<f64> =
        (0..n).map(|i| rows.iter().zip(&centre).map(|(r, c)| (r[i] - c).powi(2)).sum::<f64>().sqrt()).collect();
    let Some(far) = (0..n).max_by(|a, b| away[*a].total_cmp(&away[*b])) else { return 0.0 };
    let at_least = (0..n).map(|j| square(far, j)).fold(0.0, f64::max);
    if !at_least.is_finite() {
        return at_least;
    }
    let reach = at_least.sqrt() * (1.0 - 1e-9) - away[far];
    let ends: Vec<usize> = (0..n).filter(|i| away[*i] >= reach).collect();
    let others = ends.iter().enumerate().flat_map(|(k, i)| ends[k + 1..].iter().map(move |j| (*i, *j)));
    others.map(|(i, j)| square(i, j)).fold(at_least, f64::max)
}

/// How many pairs lie below each radius.
#[inline(always)]
fn count_below(rows: &[&[f64]], classes: &Classes) -> Vec<u64> {
    let n = rows.first().map_or(0, |r| r.len());
    let mut squares = vec![0.0; n];
    // two histograms in turn: the same class twice in a row does not wait for the store before
    let mut counts = [vec![0u64; classes.limits.len() + 1], vec![0u64; classes.limits.len() + 1]];
    for i in 0..n {
        let squares = &mut squares[i + 1..];
        squares_from(rows, i, squares);
        let [even, odd] = &mut counts;
        let (pairs, rest) = squares.as_chunks::<2>();
        for [a, b] in pairs {
            even[classes.of(*a)] += 1;
            odd[classes.of(*b)] += 1;
        }
        rest.iter().for_each(|a| even[classes.of(*a)] += 1);
    }
    let mut sum = 0;
    (0..classes.limits.len())
        .map(|k| {
            sum += counts[0][k] + counts[1][k];
            sum
        })
        .collect()
}

/// Finds the first limit above a number by the leading bits of the number.
struct Classes {
    limits: Vec<f64>,
    /// For each pattern of leading bits from that of the first limit on: the class of the smallest number with it.
    table: Vec<u16>,
    first: u64,
}

impl Classes {
    /// Exponent and eight bits of the fraction.
    fn key(v: f64) -> u64 {
        v.to_bits() >> 44
    }

    fn new(limits: &[f64]) -> Self {
        let (first, last) = (Self::key(limits[0]), Self::key(limits[limits.len() - 1]));
        let class = |v: f64| limits.partition_point(|l| *l <= v) as u16;
        let table = (first..=last + 1).map(|key| class(f64::from_bits(key << 44))).collect();
        Self { limits: limits.to_vec(), table, first }
    }

    #[inline(always)]
    fn of(&self, v: f64) -> usize {
        let key = Self::key(v);
        if key < self.first {
            return 0;
        }
        let place = ((key - self.first) as usize).min(self.table.len() - 1);
        let mut class = usize::from(self.table[place]);
        while self.limits.get(class).is_some_and(|l| *l <= v) {
            class += 1;
        }
        class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_a_search() {
        let limits: Vec<f64> = (0..64).map(|k| 3.7 * 1.1f64.powi(k)).collect();
        let classes = Classes::new(&limits);
        for i in 0..20_000 {
            let v = 2.0 * 1.0004f64.powi(i);
            assert_eq!(classes.of(v), limits.partition_point(|l| *l <= v), "{v}");
        }
        for l in &limits {
            assert_eq!(classes.of(*l), limits.partition_point(|k| k <= l));
        }
        assert_eq!(classes.of(0.0), 0);
    }

    #[test]
    fn the_largest_distance_is_that_of_all_pairs() {
        for bend in [7u32, 31, 101] {
            let x: Vec<f64> = (0..150u32).map(|i| f64::from(i * i % bend) - 0.3 * f64::from(i % 11)).collect();
            let rows = [&x[..148], &x[1..149], &x[2..150]];
            let square = |i: usize, j: usize| rows.iter().map(|r| (r[i] - r[j]).powi(2)).sum::<f64>();
            let want =
                (0..148).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| square(i, j)).fold(0.0, f64::max);
            assert_eq!(largest_square(&rows), want);
        }
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(correlation_dimension(&[1.0; 100]).unwrap_err().to_string().contains("do not vary"));
        assert!(correlation_dimension(&[1.0, 2.0, 3.0]).is_err());
        assert!(correlation_dimension(&[1e200, -1e200, 1e200, 0.0]).is_err());
        assert!(CorrelationDimensionConfig::default().with_radii(1).of(&[1.0; 9]).is_err());
        assert!(correlation_dimension(&[0.0, 1e-200, 0.0, 3e-200, 5e-200]).is_err());
    }

    #[test]
    fn the_plane_has_two_dimensions() {
        let mut state = 3u32;
        let noise: Vec<f64> = (0..1500)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state)
            })
            .collect();
        let found = correlation_dimension(&noise).unwrap();
        assert!((found - 1.85).abs() < 0.1, "{found}"); // less than 2: pairs at the border have fewer neighbours
    }
}
