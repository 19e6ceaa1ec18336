//! The law of one column and its way to and from the standard normal scale.

use eir_core::distribution::{normal_cdf, normal_density, normal_quantile};
use serde::{Deserialize, Serialize};

/// Terms of the Hermite series.
const TERMS: usize = 32;

/// One column on the normal scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Margin {
    /// Every value is missing.
    Empty,
    /// A value that grows with z: straight lines between the knots, flat outside.
    Knots { z: Vec<f64>, x: Vec<f64> },
    /// The level whose interval holds z: `cuts[i]` is the upper end of the interval of `order[i]`.
    Levels { cuts: Vec<f64>, order: Vec<u32> },
}

impl Margin {
    /// The value at `z`: a number or a level's position.
    pub(crate) fn value(&self, at: f64) -> Option<f64> {
        match self {
            Self::Empty => None,
            Self::Knots { z, x } => {
                let above = z.partition_point(|knot| *knot <= at);
                let (Some(low), Some(high)) = (above.checked_sub(1), z.get(above)) else {
                    return if above == 0 { x.first().copied() } else { x.last().copied() };
                };
                let (z0, x0, x1) = (*z.get(low)?, *x.get(low)?, *x.get(above)?);
                let part = if *high > z0 { (at - z0) / (high - z0) } else { 0.0 };
                Some(x0 + part * (x1 - x0))
            }
            Self::Levels { cuts, order } => {
                let place = cuts.partition_point(|cut| *cut <= at).min(order.len().saturating_sub(1));
                order.get(place).map(|level| f64::from(*level))
            }
        }
    }
}

impl Margin {
    /// The upper end of the lowest level's interval.
    pub(crate) fn first_cut(&self) -> Option<f64> {
        match self {
            Self::Levels { cuts, .. } => cuts.first().copied(),
            _ => None,
        }
    }

    /// Corrects a law that was learnt from the values that are there: a value is there where a second normal number, which
    /// correlates with this one by `rho`, is below `cut`. Afterwards the values that are there have the learnt law again.
    ///
    /// P(z < t | there) = ∫ φ(s) Φ((cut − ρ s) / √(1 − ρ²)) ds / Φ(cut) is tabulated, and each knot is moved to where it
    /// reaches the knot's probability.
    pub(crate) fn select(&mut self, cut: f64, rho: f64) {
        const STEP: f64 = 0.005;
        const END: f64 = 9.0;
        if rho.abs() < 1e-9 {
            return;
        }
        let spread = (1.0 - rho * rho).max(1e-6).sqrt();
        let weight = |t: f64| normal_density(t) * normal_cdf((cut - rho * t) / spread);
        let count = (2.0 * END / STEP) as usize;
        let mut sum = 0.0;
        let table: Vec<f64> = (0..count)
            .map(|i| {
                sum += STEP * weight(-END + (i as f64 + 0.5) * STEP);
                sum
            })
            .collect();
        let moved = |z: f64| {
            if z.abs() >= 8.0 {
                return z;
            }
            let wanted = normal_cdf(z) * sum;
            let above = table.partition_point(|s| *s < wanted).min(count - 1);
            let high = table.get(above).copied().unwrap_or(sum);
            let low = above.checked_sub(1).and_then(|i| table.get(i)).copied().unwrap_or(0.0);
            let part = if high > low { (wanted - low) / (high - low) } else { 0.0 };
            -END + (above as f64 + part) * STEP
        };
        match self {
            Self::Empty => {}
            Self::Knots { z, .. } => z.iter_mut().for_each(|v| *v = moved(*v)),
            Self::Levels { cuts, .. } => cuts.iter_mut().for_each(|v| *v = moved(*v)),
        }
    }
}

/// A tied group of a sorted column on the normal scale: its interval and its score.
struct Group {
    low: f64,
    high: f64,
    /// E[z | z in the interval].
    score: f64,
    share: f64,
}

/// How the values of a column lie on the normal scale: what is correlated.
#[derive(Debug, Clone)]
pub(crate) struct Scores {
    /// Per row; none where missing.
    pub(crate) rows: Vec<Option<f64>>,
    /// Variance of the scores: 1 for a continuous column, less the coarser it is.
    variance: f64,
    /// Hermite coefficients from order 1.
    series: Vec<f64>,
}

impl Scores {
    /// Whether nothing varies.
    pub(crate) fn is_constant(&self) -> bool {
        self.variance < 1e-12
    }

    /// The latent correlation at which two columns with these scores correlate by `observed`.
    ///
    /// Mehler's expansion: E[a(Z₁) b(Z₂)] = Σₖ ρᵏ αₖ βₖ with the Hermite coefficients of the two score functions. It grows
    /// with ρ, so that bisection finds it; this is the polychoric correlation where both are coarse.
    pub(crate) fn latent(&self, other: &Self, observed: f64) -> f64 {
        let scale = (self.variance * other.variance).sqrt();
        let implied = |rho: f64| {
            let terms = self.series.iter().zip(&other.series).map(|(a, b)| a * b);
            let (sum, _) = terms.fold((0.0, 1.0), |(sum, power), t| (sum + power * rho * t, power * rho));
            sum / scale
        };
        let (mut low, mut high) = (-0.999, 0.999);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if implied(middle) > observed { high = middle } else { low = middle }
        }
        f64::midpoint(low, high)
    }
}

/// Tied groups of shares `shares`, lowest first.
fn groups(shares: impl Iterator<Item = f64>) -> Vec<Group> {
    let (mut sum, mut low) = (0.0, f64::NEG_INFINITY);
    let mut all = Vec::new();
    for share in shares {
        sum += share;
        let high = if sum > 1.0 - 1e-12 { f64::INFINITY } else { normal_quantile(sum) };
        let score = (normal_density(low) - normal_density(high)) / share;
        all.push(Group { low, high, score, share });
        low = high;
    }
    all
}

/// Variance and Hermite coefficients of the step function that takes each group's score on its interval.
fn expansion(groups: &[Group]) -> (f64, Vec<f64>) {
    let variance = groups.iter().map(|g| g.share * g.score * g.score).sum();
    let mut series = vec![0.0; TERMS];
    for group in groups {
        // ∫ hₖ φ over (low, high) = (hₖ₋₁ φ at low − at high) / √k, with hₖ orthonormal
        let mut side = |z: f64, sign: f64| {
            if !z.is_finite() {
                return;
            }
            let weight = sign * group.score * normal_density(z);
            let (mut last, mut this) = (0.0, 1.0); // h₋₁, h₀
            for (k, c) in (1u32..).zip(&mut series) {
                *c += weight * this / f64::from(k).sqrt();
                let next = (z * this - f64::from(k - 1).sqrt() * last) / f64::from(k).sqrt();
                (last, this) = (this, next);
            }
        };
        side(group.low, 1.0);
        side(group.high, -1.0);
    }
    (variance, series)
}

/// Law and scores of a column of numbers. A value with at least `spike` of the rows keeps its share exactly.
pub(crate) fn numeric(values: &[Option<f64>], spike: f64) -> (Margin, Scores) {
    let mut sorted: Vec<(f64, usize)> = values.iter().enumerate().filter_map(|(i, v)| Some(((*v)?, i))).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n = sorted.len() as f64;
    let tied = || sorted.chunk_by(|a, b| a.0 == b.0);
    let groups = groups(tied().map(|t| t.len() as f64 / n));
    let mut rows = vec![None; values.len()];
    let (mut z, mut x) = (Vec::new(), Vec::new());
    let (mut before, mut after_spike) = (0.0, false);
    for (tied, group) in tied().zip(&groups) {
        let value = tied.first().map_or(0.0, |t| t.0);
        for (_, row) in tied {
            if let Some(to) = rows.get_mut(*row) {
                *to = Some(group.score);
            }
        }
        let is_spike = group.share >= spike;
        if is_spike {
            z.extend([group.low.max(-40.0), group.high.min(40.0)]);
            x.extend([value; 2]);
        } else {
            if after_spike {
                // nothing is made up between a spike and its neighbour
                z.push(group.low);
                x.push(value);
            }
            z.push(normal_quantile(before + group.share / 2.0));
            x.push(value);
        }
        // … nor between a value and the spike above it: the interval up to the spike keeps its value
        before += group.share;
        after_spike = is_spike;
    }
    let (z, x) = flat_before_spikes(z, x, &groups, spike);
    let margin = if sorted.is_empty() { Margin::Empty } else { Margin::Knots { z, x } };
    let (variance, series) = expansion(&groups);
    (margin, Scores { rows, variance, series })
}

/// Adds, below each spike, a knot that holds the value before it up to the spike's interval.
fn flat_before_spikes(z: Vec<f64>, x: Vec<f64>, groups: &[Group], spike: f64) -> (Vec<f64>, Vec<f64>) {
    let spikes: Vec<f64> = groups.iter().filter(|g| g.share >= spike).map(|g| g.low.max(-40.0)).collect();
    let (mut out_z, mut out_x) = (Vec::with_capacity(z.len()), Vec::with_capacity(x.len()));
    let mut next = spikes.iter().peekable();
    for (zi, xi) in z.into_iter().zip(x) {
        if next.peek().is_some_and(|s| **s == zi) {
            next.next();
            if let Some(last) = out_x.last().copied() {
                out_z.push(zi);
                out_x.push(last);
            }
        }
        out_z.push(zi);
        out_x.push(xi);
    }
    (out_z, out_x)
}

/// Law and scores of a column of levels that lie in `order` on the normal scale.
pub(crate) fn levels(codes: &[Option<f64>], order: &[u32]) -> (Margin, Scores) {
    let mut counts = vec![0usize; order.len()];
    for code in codes.iter().flatten() {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let n = counts.iter().sum::<usize>() as f64;
    let count = |level: u32| counts.get(level as usize).copied().unwrap_or_default();
    let seen: Vec<u32> = order.iter().copied().filter(|level| count(*level) > 0).collect();
    let groups = groups(seen.iter().map(|level| count(*level) as f64 / n));
    let mut score = vec![None; order.len()];
    for (level, group) in seen.iter().zip(&groups) {
        if let Some(s) = score.get_mut(*level as usize) {
            *s = Some(group.score);
        }
    }
    let rows = codes.iter().map(|code| score.get((*code)? as usize).copied().flatten()).collect();
    let (variance, series) = expansion(&groups);
    let margin = if seen.is_empty() {
        Margin::Empty
    } else {
        Margin::Levels { cuts: groups.iter().map(|g| g.high).collect(), order: seen }
    };
    (margin, Scores { rows, variance, series })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_halves_have_the_known_tetrachoric_correlation() {
        // for two medians split: r of the signs = 2 asin(ρ) / π (Sheppard)
        let codes: Vec<Option<f64>> = (0..1000).map(|i| Some(f64::from(i % 2))).collect();
        let (_, scores) = levels(&codes, &[0, 1]);
        for rho in [-0.7f64, -0.2, 0.0, 0.3, 0.6, 0.8] {
            let observed = 2.0 * rho.asin() / std::f64::consts::PI;
            assert!(
                (scores.latent(&scores, observed) - rho).abs() < 2e-3,
                "{rho} {}",
                scores.latent(&scores, observed)
            );
        }
        assert!((scores.variance - 2.0 / std::f64::consts::PI).abs() < 1e-12);
    }

    #[test]
    fn a_continuous_column_needs_no_correction() {
        let values: Vec<Option<f64>> = (0..2000).map(|i| Some(f64::from(i))).collect();
        let (_, scores) = numeric(&values, 0.05);
        assert!((scores.variance - 1.0).abs() < 0.005);
        assert!((scores.latent(&scores, 0.5) - 0.5).abs() < 0.003);
    }

    #[test]
    fn spikes_keep_their_share_and_nothing_appears_beside_them() {
        // zero in 40 %, then 100 to 159
        let values: Vec<Option<f64>> = (0..100).map(|i| Some(if i < 40 { 0.0 } else { f64::from(i) + 60.0 })).collect();
        let (margin, _) = numeric(&values, 0.05);
        let drawn: Vec<f64> =
            (0..10_000).map(|i| margin.value(normal_quantile((f64::from(i) + 0.5) / 1e4)).unwrap()).collect();
        assert_eq!(drawn.iter().filter(|v| **v == 0.0).count(), 4000);
        assert!(drawn.iter().all(|v| *v == 0.0 || (100.0..=159.0).contains(v)));
        assert!(drawn.windows(2).all(|w| w[0] <= w[1]));
        // a spike on top
        let (margin, _) = numeric(&values.iter().map(|v| v.map(|x| -x)).collect::<Vec<_>>(), 0.05);
        let drawn: Vec<f64> =
            (0..10_000).map(|i| margin.value(normal_quantile((f64::from(i) + 0.5) / 1e4)).unwrap()).collect();
        assert_eq!(drawn.iter().filter(|v| **v == 0.0).count(), 4000);
        assert!(drawn.iter().all(|v| *v == 0.0 || (-159.0..=-100.0).contains(v)));
    }

    #[test]
    fn selected_values_keep_their_law() {
        // learnt law: standard normal; there where y < 0.3 and corr(y, z) = −0.6
        let z: Vec<f64> = (1..1000).map(|i| normal_quantile(f64::from(i) / 1000.0)).collect();
        let mut margin = Margin::Knots { x: z.clone(), z };
        margin.select(0.3, -0.6);
        let mut stream = eir_core::random::Generator::new(1, "select").stream(0);
        let mut there = Vec::new();
        for _ in 0..200_000 {
            let z = stream.normal();
            let y = -0.6 * z + 0.8 * stream.normal();
            if y < 0.3 {
                there.push(margin.value(z).unwrap());
            }
        }
        let mean = there.iter().sum::<f64>() / there.len() as f64;
        let sd = (there.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / there.len() as f64).sqrt();
        assert!(mean.abs() < 0.01 && (sd - 1.0).abs() < 0.01, "{mean} {sd}");
    }

    #[test]
    fn empty_and_constant_columns() {
        assert_eq!(numeric(&[None, None], 0.05).0.value(0.3), None);
        assert_eq!(levels(&[None], &[0, 1]).0.value(0.3), None);
        let (margin, scores) = numeric(&[Some(4.0); 5], 0.05);
        assert_eq!((margin.value(-3.0), margin.value(3.0)), (Some(4.0), Some(4.0)));
        assert!(scores.is_constant());
        let (margin, scores) = levels(&[Some(1.0); 5], &[0, 1]);
        assert!(scores.is_constant() && margin.value(9.0) == Some(1.0));
    }
}
