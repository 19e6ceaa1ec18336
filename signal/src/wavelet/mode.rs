//! How a signal goes on beyond its ends.

use serde::{Deserialize, Serialize};

/// How a signal is continued beyond its ends for a wavelet transform. Names as in PyWavelets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Mode {
    /// Zeros.
    Zero,
    /// The first and the last sample go on.
    Constant,
    /// Mirrored between samples: `… x1 x0 | x0 x1 …`.
    #[default]
    Symmetric,
    /// Mirrored on the end samples: `… x2 x1 | x0 x1 …`.
    Reflect,
    /// Repeated.
    Periodic,
    /// The straight line through the last two samples.
    Smooth,
    /// Mirrored between samples with the opposite sign.
    Antisymmetric,
    /// Mirrored through the end samples.
    Antireflect,
    /// Repeated, with the fewest coefficients: an odd signal is first made even by repeating its last sample.
    Periodization,
}

impl Mode {
    /// The sample at place `i` of the continued signal; `x` is not empty.
    pub(super) fn sample(self, x: &[f64], i: isize) -> f64 {
        let n = x.len() as isize;
        let at = |i: isize| x.get(i.unsigned_abs()).copied().unwrap_or_default();
        if (0..n).contains(&i) {
            return at(i);
        }
        let nearest = if i < 0 { at(0) } else { at(n - 1) };
        match self {
            Self::Zero => 0.0,
            Self::Reflect | Self::Smooth | Self::Antireflect if n == 1 => nearest,
            Self::Constant => nearest,
            Self::Symmetric | Self::Antisymmetric => {
                let r = i.rem_euclid(2 * n);
                let sign = if self == Self::Antisymmetric { -1.0 } else { 1.0 };
                if r < n { at(r) } else { sign * at(2 * n - 1 - r) }
            }
            Self::Reflect => {
                let r = i.rem_euclid(2 * n - 2);
                if r < n { at(r) } else { at(2 * n - 2 - r) }
            }
            Self::Periodic => at(i.rem_euclid(n)),
            Self::Periodization => at(i.rem_euclid(n + n % 2).min(n - 1)),
            Self::Smooth if i < 0 => nearest + (-i) as f64 * (at(0) - at(1)),
            Self::Smooth => nearest + (i - n + 1) as f64 * (at(n - 1) - at(n - 2)),
            Self::Antireflect => {
                let period = n - 1;
                let (turns, r) = (i.div_euclid(period), i.rem_euclid(period));
                let rise = at(period) - at(0);
                if turns % 2 == 0 {
                    at(r) + turns as f64 * rise
                } else {
                    2.0 * at(period) - at(period - r) + (turns - 1) as f64 * rise
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued() {
        let x = [1.0, 2.0, 4.0];
        let around = |mode: Mode| (-4..8).map(|i| mode.sample(&x, i)).collect::<Vec<_>>();
        assert_eq!(around(Mode::Zero), [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(around(Mode::Symmetric), [4.0, 4.0, 2.0, 1.0, 1.0, 2.0, 4.0, 4.0, 2.0, 1.0, 1.0, 2.0]);
        assert_eq!(around(Mode::Reflect), [1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 4.0, 2.0]);
        assert_eq!(around(Mode::Periodic), [4.0, 1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 1.0, 2.0]);
        assert_eq!(around(Mode::Smooth), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]);
        assert_eq!(around(Mode::Antireflect), [-5.0, -4.0, -2.0, 0.0, 1.0, 2.0, 4.0, 6.0, 7.0, 8.0, 10.0, 12.0]);
        assert_eq!(around(Mode::Periodization)[7..], [4.0, 1.0, 2.0, 4.0, 4.0]);
        let all = [Mode::Zero, Mode::Constant, Mode::Symmetric, Mode::Reflect, Mode::Periodic, Mode::Smooth];
        for mode in all.into_iter().chain([Mode::Antisymmetric, Mode::Antireflect, Mode::Periodization]) {
            assert!((-9..9).all(|i| mode.sample(&[3.0], i).abs() <= 3.0));
        }
    }
}
