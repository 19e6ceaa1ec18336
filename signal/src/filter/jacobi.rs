//! Jacobi's elliptic functions and integrals, as elliptic filters need them.
//!
//! A modulus is always given with its complement (`k² + k'² = 1`), each to its own last digit: near `k = 1` the one
//! cannot be had from the other.

use std::f64::consts::{FRAC_PI_2, PI};

/// A modulus and its complement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Modulus {
    pub(super) k: f64,
    pub(super) complement: f64,
}

/// `sn`, `cn`, `dn`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jacobi {
    pub(super) sn: f64,
    pub(super) cn: f64,
    pub(super) dn: f64,
}

impl Modulus {
    pub(super) fn swapped(self) -> Self {
        Self { k: self.complement, complement: self.k }
    }

    /// The quarter period `K(k) = π / 2 M(1, k')` by the arithmetic-geometric mean.
    pub(super) fn quarter_period(self) -> f64 {
        let (mut a, mut g) = (1.0, self.complement);
        while (a - g).abs() > 4.0 * f64::EPSILON * a {
            (a, g) = ((a + g) / 2.0, (a * g).sqrt());
        }
        FRAC_PI_2 / a
    }

    /// The modulus `k` with `K'(k)/K(k) = K'(self)/(N K(self))`: the degree equation of order `N`, by nomes.
    pub(super) fn of_degree(self, order: usize) -> Self {
        let ratio = self.swapped().quarter_period() / self.quarter_period() / order as f64;
        if ratio >= 1.0 {
            of_nome((-PI * ratio).exp())
        } else {
            of_nome((-PI / ratio).exp()).swapped() // the complement's nome, where the series is short
        }
    }

    /// `sn`, `cn`, `dn` at `u` quarter periods, `0 <= u <= 1`.
    pub(super) fn functions(self, u: f64) -> Jacobi {
        // descending Landen: sn and cd from sine and cosine by the same recursion, so that neither is a difference
        let mut moduli = [0.0; 16];
        let (mut k, mut complement) = (self.k, self.complement);
        let mut steps = 0;
        for place in &mut moduli {
            if k < f64::EPSILON {
                break;
            }
            let next = k / (1.0 + complement);
            (k, complement) = (next * next, 2.0 * complement.sqrt() / (1.0 + complement));
            *place = k;
            steps += 1;
        }
        let ascend = |w: f64| moduli[..steps].iter().rev().fold(w, |w, k| (1.0 + k) * w / (1.0 + k * w * w));
        let angle = FRAC_PI_2 * u;
        let (sn, cd) = (ascend(angle.sin()), ascend(angle.cos()));
        let square = |v: f64| v * v;
        let dn = if u <= 0.5 {
            (1.0 - square(self.k * sn)).sqrt()
        } else {
            self.complement / (1.0 - square(self.k * cd)).sqrt()
        };
        Jacobi { sn, cn: cd * dn, dn }
    }
}

/// The modulus of nome `q <= e^-π`, by theta functions.
fn of_nome(q: f64) -> Modulus {
    let (mut theta2, mut theta3, mut theta4) = (1.0, 1.0, 1.0);
    let mut sign = -1.0;
    for n in 1..8i32 {
        theta2 += q.powi(n * (n + 1));
        theta3 += 2.0 * q.powi(n * n);
        theta4 += 2.0 * sign * q.powi(n * n);
        sign = -sign;
    }
    theta2 *= 2.0 * q.powf(0.25);
    let square = |v: f64| v * v;
    Modulus { k: square(theta2 / theta3), complement: square(theta4 / theta3) }
}

/// Where `sc(z)` of the modulus with square `1 - m` is `w`: `F(atan w | 1 - m)`, by Carlson's `R_F`.
pub(super) fn inverse_sc_of_complement(w: f64, m: f64) -> f64 {
    w * carlson_f(1.0, 1.0 + m * w * w, 1.0 + w * w)
}

/// `R_F` by duplication (Carlson 1995).
fn carlson_f(mut x: f64, mut y: f64, mut z: f64) -> f64 {
    loop {
        let mean = (x + y + z) / 3.0;
        let (dx, dy) = (1.0 - x / mean, 1.0 - y / mean);
        let dz = -dx - dy;
        if dx.abs().max(dy.abs()).max(dz.abs()) < 1e-3 || !mean.is_finite() {
            let (e2, e3) = (dx * dy - dz * dz, dx * dy * dz);
            let series = 1.0 - e2 / 10.0 + e3 / 14.0 + e2 * e2 / 24.0 - 3.0 * e2 * e3 / 44.0;
            return series / mean.sqrt();
        }
        let (a, b, c) = (x.sqrt(), y.sqrt(), z.sqrt());
        let lambda = a * b + b * c + c * a;
        (x, y, z) = ((x + lambda) / 4.0, (y + lambda) / 4.0, (z + lambda) / 4.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus(k: f64) -> Modulus {
        Modulus { k, complement: (1.0 - k * k).sqrt() }
    }

    #[test]
    fn values_of_the_tables() {
        // K(sin 45°) = Γ(1/4)² / 4√π; K(k) ~ ln(4/k') near 1
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let lemniscate = Modulus { k: half, complement: half };
        assert!((lemniscate.quarter_period() - 1.854_074_677_301_372).abs() < 1e-15);
        let steep = Modulus { k: 1.0, complement: 1e-20 };
        assert!((steep.quarter_period() - (4e20f64).ln()).abs() < 1e-13);
        assert!((of_nome((-PI).exp()).k - half).abs() < 1e-15);
    }

    #[test]
    fn functions_keep_their_identities() {
        for k in [1e-9, 0.1, 0.5, 0.9, 0.999_999] {
            let m = modulus(k);
            for u in [0.0, 0.1, 0.3, 0.5, 0.77, 1.0] {
                let Jacobi { sn, cn, dn } = m.functions(u);
                assert!((sn * sn + cn * cn - 1.0).abs() < 4e-15, "{k} {u}");
                assert!((dn * dn + k * k * sn * sn - 1.0).abs() < 4e-15, "{k} {u}");
                assert!(
                    (inverse_sc_of_complement(sn / cn, 1.0 - k * k) / m.quarter_period() - u).abs() < 1e-12 || u == 1.0
                );
            }
        }
    }
}
