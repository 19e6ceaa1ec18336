use crate::Error;
use crate::error::Parameter;
use serde::{Deserialize, Serialize};

/// How often a set or an interval may miss the truth: a fraction, so that ranks are exact.
///
/// ⌈(n + 1)(1 − α)⌉ in floating point is one too high for many pairs of n and α; here it is counted in integers.
///
/// ```
/// use eir_core::conformal::Alpha;
/// let alpha = Alpha::new(0.1)?;
/// assert_eq!(alpha, Alpha::ratio(1, 10)?);
/// assert_eq!(alpha, Alpha::new(1.0 - 0.9)?); // 0.09999999999999998
/// assert_eq!((alpha.rank(99), alpha.rank(9), alpha.rank(8)), (Some(90), Some(9), None));
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u64, u64)", into = "(u64, u64)")]
pub struct Alpha {
    numerator: u64,
    denominator: u64,
}

/// Largest denominator.
const LARGEST: u64 = 1 << 53;
/// How near a fraction must be to a number that stands for it: some noise of its last digits.
const NEAR: f64 = 1e-15;

impl Alpha {
    /// The fraction with the smallest denominator within 1e-15 of `alpha`: every decimal of up to seven digits, and 1/3,
    /// is what it says.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is above 1e-9 and below 1.
    pub fn new(alpha: f64) -> Result<Self, Error> {
        if !(alpha > 1e-9 && alpha < 1.0) {
            return Err(Parameter::new("alpha", alpha, "above 1e-9 and below 1").into());
        }
        // convergents of the continued fraction
        let (mut last, mut this) = ((1u64, 0u64), (0u64, 1u64));
        let mut rest = alpha;
        while (this.0 as f64 / this.1 as f64 - alpha).abs() > NEAR && this.1 < LARGEST {
            rest = 1.0 / rest;
            let whole = rest.floor();
            let next = |last: u64, this: u64| (whole as u64).saturating_mul(this).saturating_add(last);
            (last, this) = (this, (next(last.0, this.0), next(last.1, this.1)));
            rest -= whole;
        }
        Self::ratio(this.0, this.1)
    }

    /// `numerator`/`denominator`.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is above 0 and below 1, and the denominator at most 2⁵³.
    pub fn ratio(numerator: u64, denominator: u64) -> Result<Self, Error> {
        if denominator > LARGEST {
            return Err(Parameter::new("denominator", denominator as f64, "at most 2^53").into());
        }
        if numerator == 0 || numerator >= denominator {
            return Err(Parameter::new("numerator", numerator as f64, "above 0 and below the denominator").into());
        }
        let common = greatest_common_divisor(numerator, denominator);
        Ok(Self { numerator: numerator / common, denominator: denominator / common })
    }

    /// The number nearest to it.
    #[must_use]
    pub fn value(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// k = ⌈(n + 1)(1 − α)⌉, the rank among `n` scores of the one that bounds the next with probability 1 − α or more;
    /// none if there are too few scores for that (k > n).
    #[must_use]
    pub fn rank(self, n: usize) -> Option<usize> {
        let right = u128::from(self.denominator - self.numerator);
        let k = ((n as u128 + 1) * right).div_ceil(u128::from(self.denominator)) as usize;
        (k <= n).then_some(k)
    }

    /// ⌊(n + 1) α⌋, the rank from below; none if that is 0.
    #[must_use]
    pub fn lower_rank(self, n: usize) -> Option<usize> {
        // n + 1 − ⌈(n + 1)(1 − α)⌉
        self.rank(n).map(|k| n + 1 - k)
    }

    /// The least number of scores that have a [`rank`](Self::rank): ⌈1/α⌉ − 1.
    #[must_use]
    pub fn least_scores(self) -> usize {
        self.denominator.div_ceil(self.numerator) as usize - 1
    }

    /// α/2, for each side.
    pub(super) fn half(self) -> Self {
        match self.numerator.is_multiple_of(2) {
            true => Self { numerator: self.numerator / 2, denominator: self.denominator },
            false => Self { numerator: self.numerator, denominator: self.denominator * 2 },
        }
    }
}

impl Default for Alpha {
    /// 1/10.
    fn default() -> Self {
        Self { numerator: 1, denominator: 10 }
    }
}

impl TryFrom<(u64, u64)> for Alpha {
    type Error = Error;

    fn try_from((numerator, denominator): (u64, u64)) -> Result<Self, Error> {
        Self::ratio(numerator, denominator)
    }
}

impl From<Alpha> for (u64, u64) {
    fn from(alpha: Alpha) -> Self {
        (alpha.numerator, alpha.denominator)
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest k with 100 k ≥ (n + 1)(100 − i): counted, not divided.
    fn counted(n: usize, i: usize) -> Option<usize> {
        (1..=n).find(|k| 100 * k >= (n + 1) * (100 - i))
    }

    #[test]
    fn ranks_are_exact() {
        for i in 1..=50usize {
            let alphas = [
                Alpha::new(i as f64 / 100.0).unwrap(),
                Alpha::new(1.0 - (100 - i) as f64 / 100.0).unwrap(),
                Alpha::ratio(i as u64, 100).unwrap(),
            ];
            for n in 0..=1000 {
                let want = counted(n, i);
                assert!(alphas.iter().all(|a| a.rank(n) == want), "n {n}, alpha {i}/100");
                let below = (n + 1) * i / 100;
                assert_eq!(alphas[0].lower_rank(n), (below > 0).then_some(below));
                assert_eq!(alphas[0].half().rank(n), Alpha::ratio(i as u64, 200).unwrap().rank(n));
                assert_eq!(want.is_some(), n >= alphas[0].least_scores());
            }
        }
    }

    #[test]
    fn decimals_are_what_they_say() {
        let mut stream = crate::random::Generator::new(1, "alpha").stream(0);
        for digits in 1..=7u32 {
            let denominator = 10u64.pow(digits);
            for _ in 0..500 {
                let numerator = 1 + stream.below(denominator as usize - 1) as u64;
                let alpha = Alpha::new(numerator as f64 / denominator as f64).unwrap();
                assert_eq!(alpha, Alpha::ratio(numerator, denominator).unwrap());
            }
        }
        assert_eq!(Alpha::new(1.0 / 3.0).unwrap(), Alpha::ratio(1, 3).unwrap());
        let odd = Alpha::new(0.1 * std::f64::consts::SQRT_2).unwrap();
        assert!((odd.value() - 0.1 * std::f64::consts::SQRT_2).abs() <= 1e-15);
    }

    #[test]
    fn borders_and_serde() {
        for alpha in [0.0, -0.1, 1.0, 1e-12, f64::NAN, f64::INFINITY] {
            assert!(matches!(Alpha::new(alpha), Err(Error::Parameter(_))));
        }
        assert!(Alpha::new(f64::EPSILON.mul_add(-1.0, 1.0)).is_err() && Alpha::new(1.1e-9).is_ok());
        assert!(Alpha::ratio(0, 3).is_err() && Alpha::ratio(3, 3).is_err() && Alpha::ratio(1, u64::MAX).is_err());
        let text = serde_json::to_string(&Alpha::default()).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str::<Alpha>(&text).unwrap()), ("[1,10]", Alpha::default()));
        assert!(serde_json::from_str::<Alpha>("[0,10]").is_err());
    }
}
