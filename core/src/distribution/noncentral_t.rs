use super::{deviance, normal_cdf, root, stirling_rest};
use crate::quadrature::gauss_legendre;

/// The probability of a value up to `t` under the non-central t distribution with `df` degrees of freedom and
/// non-centrality `ncp`.
///
/// P(T ≤ t) = ∫ Φ(t s − ncp) f(s) ds, where s = √(χ²/df), by Gauss–Legendre quadrature over twelve standard deviations of
/// s: unlike the usual series it also holds for a large `ncp`.
///
/// ```
/// assert!((eir_core::distribution::noncentral_t_cdf(3.0, 9.0, 1.5) - 0.8782479479827304).abs() < 1e-13);
/// ```
///
/// # References
/// Owen 1968, Technometrics 10, 445–478.
#[must_use]
pub fn noncentral_t_cdf(t: f64, df: f64, ncp: f64) -> f64 {
    if df > 0.0 && ncp.is_finite() { Chi::new(df).mean_normal_cdf(t, ncp) } else { f64::NAN }
}

/// The quantile `p` of the non-central t distribution with `df` degrees of freedom and non-centrality `ncp`.
#[must_use]
pub fn noncentral_t_quantile(p: f64, df: f64, ncp: f64) -> f64 {
    if !(p > 0.0 && p < 1.0 && df > 0.0 && ncp.is_finite()) {
        return f64::NAN;
    }
    let chi = Chi::new(df);
    let rest = |t: f64| chi.mean_normal_cdf(t, ncp) - p;
    let (mut low, mut high, mut reach) = (ncp, ncp, 1.0 + 0.5 * ncp.abs());
    while rest(low) > 0.0 && reach < 1e300 {
        low = ncp - reach;
        reach *= 2.0;
    }
    while rest(high) < 0.0 && reach < 1e300 {
        high = ncp + reach;
        reach *= 2.0;
    }
    root(rest, low, high)
}

/// Nodes of the distribution of s = √(χ²/df), each with its weight.
struct Chi(Vec<(f64, f64)>);

impl Chi {
    const PANELS: usize = 48;

    fn new(df: f64) -> Self {
        let a = 0.5 * df;
        let density = |s: f64| {
            let x = a * s * s;
            let poisson = libm::exp(-stirling_rest(a) - deviance(a, x, a - x)) / (std::f64::consts::TAU * a).sqrt();
            poisson * df / s
        };
        let reach = 12.0 / (2.0 * df).sqrt();
        let low = (1.0 - reach).max(0.0);
        let half = 0.5 * (1.0 + reach - low) / Self::PANELS as f64;
        let nodes = gauss_legendre(20);
        let panel = |i: usize| {
            let middle = low + half * (2 * i + 1) as f64;
            nodes.iter().map(move |(x, w)| (middle + half * x, half * w))
        };
        Self((0..Self::PANELS).flat_map(panel).map(|(s, w)| (s, w * density(s))).collect())
    }

    fn mean_normal_cdf(&self, t: f64, ncp: f64) -> f64 {
        self.0.iter().map(|(s, w)| w * normal_cdf(t * s - ncp)).sum()
    }
}
