//! Exponentials without a branch: loops over them become vector instructions, and they give the same bytes everywhere.

/// eˣ within 2 units in the last place; 0 below −708, and largest at 709.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²: adding it rounds to an integer, kept in the lowest bits
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let inside = x.clamp(-708.0, 709.0);
    let shifted = inside * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (inside - n * LN2_HIGH) - n * LN2_LOW;
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < -708.0 { 0.0 } else { series(&INVERSE_FACTORIALS, r) * scale }
}

/// Σ cₖ xᵏ, as four series in x⁴ side by side: a processor adds up four short chains faster than a long one.
#[inline(always)]
fn series(coefficients: &[f64; 16], x: f64) -> f64 {
    let (x2, mut sums) = (x * x, [0.0; 4]);
    for four in coefficients.as_chunks::<4>().0.iter().rev() {
        for k in 0..4 {
            sums[k] = sums[k] * (x2 * x2) + four[k];
        }
    }
    (sums[0] + sums[1] * x) + (sums[2] + sums[3] * x) * x2
}

/// 1, 1/1! … 1/13!, and zeros.
const INVERSE_FACTORIALS: [f64; 16] = {
    let (mut all, mut k, mut factorial) = ([0.0; 16], 0, 1.0);
    while k < 14 {
        all[k] = 1.0 / factorial;
        k += 1;
        factorial *= k as f64;
    }
    all
};

/// ln(1 + y) for 0 ≤ y ≤ 1, by the series of 2 artanh(y / (2 + y)).
#[inline(always)]
pub(crate) fn ln_1p(y: f64) -> f64 {
    let s = y / (2.0 + y);
    2.0 * s * series(&ODD, s * s)
}

/// 1, 1/3 … 1/31.
const ODD: [f64; 16] = {
    let (mut all, mut k) = ([1.0; 16], 0);
    while k < 16 {
        all[k] = 1.0 / (2 * k + 1) as f64;
        k += 1;
    }
    all
};

/// ln Σ e^xᵢ; −∞ for no value or none above −∞.
pub(crate) fn log_sum_exp(x: &[f64]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + libm::log(x.iter().map(|v| exp(v - largest)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_libm() {
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.01003;
            let (ours, want) = (exp(x), libm::exp(x));
            assert!((ours - want).abs() <= 4.0 * f64::EPSILON * want, "{x}: {ours} {want}");
            let y = f64::from(i + 70_000) / 140_000.0;
            assert!((ln_1p(y) - libm::log1p(y)).abs() <= 4.0 * f64::EPSILON * libm::log1p(y), "{y}");
        }
        assert_eq!((exp(0.0), exp(f64::NEG_INFINITY), ln_1p(0.0)), (1.0, 0.0, 0.0));
        assert!(exp(f64::NAN).is_nan() && exp(f64::INFINITY) > 8e307);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
        assert!((log_sum_exp(&[1000.0, 1000.0]) - 1000.0 - std::f64::consts::LN_2).abs() < 1e-12);
    }
}
