//! How strange a class is for a row of probabilities: the scores that prediction sets are made of.

use crate::Error;
use crate::error::{Mismatch, NotFinite, Parameter};
use crate::metrics::check_range;
use crate::random::Generator;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// How strange each class would be, given the probabilities of a model.
pub trait ClassScore {
    /// The seed of the random numbers, if it is the randomised form.
    fn seed(&self) -> Option<u64>;

    /// Writes the score of each class of `row` into `out`, with the number `u` (0 to 1) of the randomised form, or 1.
    /// `order` is scratch. All three slices have one length.
    fn scores_into(&self, row: &[f64], u: f64, order: &mut [usize], out: &mut [f64]);

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the setting that is out of range.
    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Least ambiguous classifier: 1 − p of the class.
///
/// **Use it** for the smallest sets on average. **Not** where hard cases need their coverage too: easy ones are covered
/// too often and hard ones too rarely, and sets may be empty.
///
/// # References
/// Sadinle, Lei, Wasserman 2019, doi:10.1080/01621459.2017.1395341.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lac {}

impl ClassScore for Lac {
    fn seed(&self) -> Option<u64> {
        None
    }

    fn scores_into(&self, row: &[f64], _u: f64, _order: &mut [usize], out: &mut [f64]) {
        out.iter_mut().zip(row).for_each(|(to, p)| *to = 1.0 - p);
    }
}

/// Adaptive prediction sets: the probability of all classes that come before this one, and u times its own.
///
/// **Use it** where a hard case shall get a larger set. The deterministic form (u = 1) is never empty and covers a
/// little more than asked; the randomised form draws u for each case, covers exactly as asked with smaller sets, and
/// may be empty. There is no third form: with u at calibration and not at prediction (as MAPIE 1.6.0 does by default)
/// sets are too large, the other way round they cover too little.
///
/// # Formula
/// s(c) = Σ p of the classes ranked before c + u pᶜ; ranked by falling p, equal ones by their number.
///
/// # References
/// Romano, Sesia, Candès 2020, arXiv:2006.02544.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Aps {
    seed: Option<u64>,
}

impl Aps {
    /// u = 1 for every case.
    #[must_use]
    pub fn deterministic() -> Self {
        Self { seed: None }
    }

    /// u drawn for each case, at calibration and at prediction.
    #[must_use]
    pub fn randomised(seed: u64) -> Self {
        Self { seed: Some(seed) }
    }
}

impl ClassScore for Aps {
    fn seed(&self) -> Option<u64> {
        self.seed
    }

    fn scores_into(&self, row: &[f64], u: f64, order: &mut [usize], out: &mut [f64]) {
        cumulated(row, u, |_| 0.0, order, out);
    }
}

/// Regularised adaptive prediction sets: [`Aps`] with a penalty for each class beyond the first few.
///
/// **Use it** with many classes, where a long tail of small probabilities makes the sets of [`Aps`] long.
///
/// # Formula
/// s(c) + λ (rank − `k_reg`)⁺, where the first class has rank 1.
///
/// # References
/// Angelopoulos, Bates, Malik, Jordan 2021, arXiv:2009.14193.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Raps {
    /// Penalty λ for each rank beyond `k_reg`, 0 or more.
    pub lambda: f64,
    /// Number of classes without penalty.
    pub k_reg: usize,
    seed: Option<u64>,
}

impl Raps {
    /// u = 1 for every case.
    #[must_use]
    pub fn deterministic(lambda: f64, k_reg: usize) -> Self {
        Self { lambda, k_reg, seed: None }
    }

    /// u drawn for each case, at calibration and at prediction.
    #[must_use]
    pub fn randomised(lambda: f64, k_reg: usize, seed: u64) -> Self {
        Self { lambda, k_reg, seed: Some(seed) }
    }
}

impl ClassScore for Raps {
    fn seed(&self) -> Option<u64> {
        self.seed
    }

    fn scores_into(&self, row: &[f64], u: f64, order: &mut [usize], out: &mut [f64]) {
        cumulated(row, u, |rank| self.lambda * rank.saturating_sub(self.k_reg) as f64, order, out);
    }

    fn validate(&self) -> Result<(), Error> {
        NotFinite::check_f64("lambda", &[self.lambda])?;
        if self.lambda < 0.0 { Err(Parameter::new("lambda", self.lambda, "0 or more").into()) } else { Ok(()) }
    }
}

/// The probability before each class, `u` times its own and the penalty of its rank.
fn cumulated(row: &[f64], u: f64, penalty: impl Fn(usize) -> f64, order: &mut [usize], out: &mut [f64]) {
    rank(row, order);
    let mut before = 0.0;
    for (class, rank) in order.iter().zip(1..) {
        out[*class] = before + u * row[*class] + penalty(rank);
        before += row[*class];
    }
}

/// Number of classes up to which counting is faster than sorting.
const FEW: usize = 16;

/// Writes the classes into `order`, by falling probability, equal ones by their number.
fn rank(row: &[f64], order: &mut [usize]) {
    if row.len() <= FEW {
        let mut before = [0; FEW];
        for (class, p) in row.iter().enumerate() {
            for (other, q) in row[..class].iter().enumerate() {
                let first = usize::from(p > q);
                before[other] += first;
                before[class] += 1 - first;
            }
        }
        before.iter().zip(0..row.len()).for_each(|(place, class)| order[*place] = class);
    } else {
        order.iter_mut().zip(0..).for_each(|(to, class)| *to = class);
        order.sort_by(|a, b| row[*b].partial_cmp(&row[*a]).unwrap_or(Ordering::Equal));
    }
}

/// Numbers that the generator makes at a time: as many cases share a stream.
const BLOCK: usize = 32;

/// Where the numbers of the randomised form come from.
pub(super) struct Draws<'a> {
    generator: Option<Generator>,
    given: Option<&'a [f64]>,
    /// The latest block of numbers and its place.
    block: (usize, [f64; BLOCK]),
}

impl<'a> Draws<'a> {
    pub(super) fn new(seed: Option<u64>, purpose: &str, given: Option<&'a [f64]>, n: usize) -> Result<Self, Error> {
        if let Some(u) = given {
            Mismatch::check("random numbers", n, u.len())?;
            check_range(u)?;
        }
        let generator = seed.map(|seed| Generator::new(seed, purpose));
        Ok(Self { generator, given, block: (usize::MAX, [0.0; BLOCK]) })
    }

    /// The number of case `item`.
    pub(super) fn u(&mut self, item: usize) -> f64 {
        match (&self.generator, self.given) {
            (None, _) => 1.0,
            (_, Some(u)) => u[item],
            (Some(generator), None) => {
                if self.block.0 != item / BLOCK {
                    let mut stream = generator.stream((item / BLOCK) as u64);
                    self.block = (item / BLOCK, std::array::from_fn(|_| stream.uniform()));
                }
                self.block.1[item % BLOCK]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(score: &impl ClassScore, row: &[f64], u: f64) -> Vec<f64> {
        let (mut order, mut out) = (vec![0; row.len()], vec![0.0; row.len()]);
        score.scores_into(row, u, &mut order, &mut out);
        out
    }

    #[test]
    fn by_hand() {
        let row = [0.25, 0.5, 0.25];
        assert_eq!(scores(&Lac::default(), &row, 1.0), [0.75, 0.5, 0.75]);
        assert_eq!(scores(&Aps::deterministic(), &row, 1.0), [0.75, 0.5, 1.0]); // equal ones by their number
        assert_eq!(scores(&Aps::randomised(1), &row, 0.5), [0.625, 0.25, 0.875]);
        assert_eq!(scores(&Raps::deterministic(0.5, 1), &row, 1.0), [1.25, 0.5, 2.0]);
        assert_eq!(scores(&Raps::randomised(0.5, 3, 1), &row, 0.0), [0.5, 0.0, 0.75]);
    }

    #[test]
    fn counting_and_sorting_rank_alike() {
        let mut stream = crate::random::Generator::new(1, "rank").stream(0);
        for _ in 0..200 {
            let mut row: Vec<f64> = (0..FEW).map(|_| (stream.uniform() * 8.0).floor() / 8.0).collect();
            let mut counted = vec![0; FEW];
            rank(&row, &mut counted);
            row.push(-1.0); // one more class, ranked last, makes it sort
            let mut sorted = vec![0; FEW + 1];
            rank(&row, &mut sorted);
            assert_eq!(counted, sorted[..FEW]);
        }
    }

    #[test]
    fn lambda_is_checked() {
        assert!(Raps::deterministic(-0.1, 1).validate().is_err());
        assert!(Raps::deterministic(f64::NAN, 1).validate().is_err());
    }
}
