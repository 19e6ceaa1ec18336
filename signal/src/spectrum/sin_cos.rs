//! Sine and cosine of many phases, in a form that the compiler vectorises.

use std::f64::consts::FRAC_PI_2;

/// 1.5 · 2^52: adding and subtracting it rounds to the nearest integer, without a call.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `(sin 2πft, cos 2πft)`, within 2 units in the last place of the exact values for `|ft| < 5e14`.
///
/// The phase is reduced in turns, where a turn is exactly 1: `ft` is kept with the error of its rounding, and nothing of
/// π enters before a quarter turn is left. The polynomials on ±π/4 are those of fdlibm (public domain constants).
#[inline(always)]
pub(super) fn turns(f: f64, t: f64) -> (f64, f64) {
    let product = f * t;
    let error = f.mul_add(t, -product);
    let quarters = (4.0 * product + ROUND) - ROUND;
    let rest = 4.0 * (product - 0.25 * quarters) + 4.0 * error;
    let x = rest * FRAC_PI_2;
    let z = x * x;
    let s = -2.505_076_025_340_686_3e-8 + z * 1.589_690_995_211_55e-10;
    let s = -1.984_126_982_985_795e-4 + z * (2.755_731_370_707_006_8e-6 + z * s);
    let s = -1.666_666_666_666_663_2e-1 + z * (8.333_333_333_322_49e-3 + z * s);
    let sin = x + x * z * s;
    let c = 2.087_572_321_298_175e-9 + z * -1.135_964_755_778_819_5e-11;
    let c = 2.480_158_728_947_673e-5 + z * (-2.755_731_435_139_066_3e-7 + z * c);
    let c = 4.166_666_666_666_66e-2 + z * (-1.388_888_888_887_411e-3 + z * c);
    let cos = 1.0 - (0.5 * z - z * z * c);
    // quarter 0: (s, c), 1: (c, -s), 2: (-s, -c), 3: (-c, s)
    let half = 2.0 * ((0.5 * quarters + ROUND) - ROUND); // quarters rounded to an even number
    let odd = quarters != half;
    let (a, b) = if odd { (cos, sin) } else { (sin, cos) };
    let in_four = quarters - 4.0 * ((0.25 * quarters + ROUND) - ROUND); // -2 … 2
    let sin_negative = in_four == -1.0 || in_four == 2.0 || in_four == -2.0;
    let cos_negative = in_four == 1.0 || in_four == 2.0 || in_four == -2.0;
    (if sin_negative { -a } else { a }, if cos_negative { -b } else { b })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn equals_the_library() {
        for i in -4000..4000 {
            let f = f64::from(i) * 0.000_731;
            let (sin, cos) = turns(f, 1.0);
            let (want_sin, want_cos) = (TAU * (f - f.round())).sin_cos();
            assert!((sin - want_sin).abs() < 1e-15 && (cos - want_cos).abs() < 1e-15, "{f}: {sin} {want_sin}");
        }
        // exact at quarters, however many turns
        for (quarter, want) in [(0.0, (0.0, 1.0)), (0.25, (1.0, 0.0)), (0.5, (0.0, -1.0)), (0.75, (-1.0, 0.0))] {
            for turn in [0.0, 1.0, -3.0, 123_456.0] {
                let (sin, cos) = turns(turn + quarter, 1.0);
                assert!((sin - want.0).abs() < 1e-16 && (cos - want.1).abs() < 1e-16, "{turn} {quarter}");
            }
        }
    }
}
