//! IEEE 754 half precision.

/// The number of these bits, exact in `f32`.
pub(crate) fn f32_of_half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from((bits >> 10) & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_exact() {
        let numbers = [0x3c00, 0xc000, 1, 0x7bff].map(f32_of_half);
        assert_eq!(numbers, [1.0, -2.0, 2f32.powi(-24), 65504.0]);
        assert!(f32_of_half(0x7e00).is_nan() && f32_of_half(0xfc00) == f32::NEG_INFINITY);
    }
}
