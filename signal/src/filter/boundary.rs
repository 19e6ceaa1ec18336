//! What a filter over a neighbourhood sees beyond the ends of a signal.

use serde::{Deserialize, Serialize};

/// What a filter over a neighbourhood sees beyond the ends of a signal `a b c d`. Names as SciPy's `ndimage`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Boundary {
    /// Mirrored with the end sample: `b a | a b c d | d c`. The default.
    #[default]
    Reflect,
    /// Mirrored at the end sample: `c b | a b c d | c b`.
    Mirror,
    /// The end sample again and again: `a a | a b c d | d d`.
    Nearest,
    /// One value: `0 0 | a b c d | 0 0`.
    Constant {
        /// The value, in the signal's unit.
        value: f64,
    },
    /// Round and round: `c d | a b c d | a b`.
    Wrap,
}

impl Boundary {
    /// What lies at `index`, which may be beyond the ends; 0 if `x` is empty.
    pub(super) fn at(self, x: &[f64], index: isize) -> f64 {
        let n = x.len() as isize;
        if n == 0 {
            return 0.0;
        }
        if let Some(v) = usize::try_from(index).ok().and_then(|i| x.get(i)) {
            return *v;
        }
        let within = match self {
            Self::Constant { value } => return value,
            Self::Nearest => index.clamp(0, n - 1),
            Self::Wrap => index.rem_euclid(n),
            Self::Reflect => {
                let i = index.rem_euclid(2 * n);
                i.min(2 * n - 1 - i)
            }
            Self::Mirror if n == 1 => 0,
            Self::Mirror => {
                let i = index.rem_euclid(2 * n - 2);
                i.min(2 * n - 2 - i)
            }
        };
        x[within as usize]
    }

    /// The `before` samples in front of `x`, in the order of time.
    pub(super) fn before(self, x: &[f64], before: usize) -> impl Iterator<Item = f64> + '_ {
        (-(before as isize)..0).map(move |i| self.at(x, i))
    }

    /// The `after` samples behind `x`.
    pub(super) fn after(self, x: &[f64], after: usize) -> impl Iterator<Item = f64> + '_ {
        let n = x.len() as isize;
        (n..n + after as isize).map(move |i| self.at(x, i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_table_says() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let seen = |b: Boundary| b.before(&x, 5).chain(b.after(&x, 5)).map(|v| v as i32).collect::<Vec<_>>();
        assert_eq!(seen(Boundary::Reflect), [4, 4, 3, 2, 1, 4, 3, 2, 1, 1]);
        assert_eq!(seen(Boundary::Mirror), [2, 3, 4, 3, 2, 3, 2, 1, 2, 3]);
        assert_eq!(seen(Boundary::Nearest), [1, 1, 1, 1, 1, 4, 4, 4, 4, 4]);
        assert_eq!(seen(Boundary::Wrap), [4, 1, 2, 3, 4, 1, 2, 3, 4, 1]);
        assert_eq!(seen(Boundary::Constant { value: 7.0 }), [7; 10]);
        assert_eq!(Boundary::Mirror.at(&[5.0], -3), 5.0);
    }
}
