use super::{deviance, root, stirling_rest};

/// The probability of a value up to `x` under the gamma distribution with shape `a` and scale 1.
///
/// ```
/// assert!((eir_core::distribution::gamma_cdf(2.0, 3.0) - 0.32332358381693654).abs() < 1e-15);
/// ```
///
/// # References
/// Didonato, Morris 1986, doi:10.1145/22721.23109.
#[must_use]
pub fn gamma_cdf(x: f64, a: f64) -> f64 {
    both(x, a).0
}

/// The probability of a value above `x` under the gamma distribution with shape `a` and scale 1.
#[must_use]
pub fn gamma_sf(x: f64, a: f64) -> f64 {
    both(x, a).1
}

/// The probability of a value above `x` under the χ² distribution with `df` degrees of freedom: the p value of a χ² test.
#[must_use]
pub fn chi_squared_sf(x: f64, df: f64) -> f64 {
    gamma_sf(0.5 * x, 0.5 * df)
}

/// The quantile `p` of the χ² distribution with `df` degrees of freedom.
///
/// ```
/// assert!((eir_core::distribution::chi_squared_quantile(0.95, 1.0) - 3.841458820694124).abs() < 1e-13);
/// ```
#[must_use]
pub fn chi_squared_quantile(p: f64, df: f64) -> f64 {
    if !((0.0..=1.0).contains(&p) && df > 0.0) {
        return f64::NAN;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    let mut high = df + 1.0;
    while chi_squared_sf(high, df) > 1.0 - p {
        high *= 2.0;
    }
    if p > 0.5 {
        root(|x| (1.0 - p) - chi_squared_sf(x, df), 0.0, high)
    } else {
        root(|x| gamma_cdf(0.5 * x, 0.5 * df) - p, 0.0, high)
    }
}

/// Both tails: the smaller is computed, the other is what is left.
fn both(x: f64, a: f64) -> (f64, f64) {
    if !(a > 0.0 && x >= 0.0) {
        return if x < 0.0 && a > 0.0 { (0.0, 1.0) } else { (f64::NAN, f64::NAN) };
    }
    if x == 0.0 || x == f64::INFINITY {
        return if x == 0.0 { (0.0, 1.0) } else { (1.0, 0.0) };
    }
    // x^a e^−x / Γ(a + 1)
    let front = libm::exp(-stirling_rest(a) - deviance(a, x, a - x)) / (std::f64::consts::TAU * a).sqrt();
    if x < a + 1.0 {
        let (mut term, mut sum, mut k) = (1.0, 1.0, a);
        while term > f64::EPSILON * 0.1 * sum {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        (front * sum, 1.0 - front * sum)
    } else {
        // Lentz's evaluation of the continued fraction of the upper tail
        let mut b = x + 1.0 - a;
        let mut c = 1e300;
        let mut d = 1.0 / b;
        let mut fraction = d;
        for i in 1..100_000 {
            let i = f64::from(i);
            let term = -i * (i - a);
            b += 2.0;
            d = 1.0 / (term * d + b);
            c = b + term / c;
            fraction *= c * d;
            if (c * d - 1.0).abs() <= f64::EPSILON {
                break;
            }
        }
        let upper = front * a * fraction;
        (1.0 - upper, upper)
    }
}
