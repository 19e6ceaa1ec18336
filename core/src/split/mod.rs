//! Splits without leakage: what is known of the cases decides how they may be divided.
//!
//! [`Cases`] says what is known of each row: its class, the patient it comes from, its time. A [`Rule`] divides them, and
//! takes into account all that is known: classes are spread evenly, rows of one patient stay on one side, the past
//! never learns from the future. A model is fitted on [`Training`] rows only, which nothing but a [`Split`] can make.
//!
//! ```
//! use eir_core::split::{Cases, Rule};
//! let patients = ["a", "a", "b", "b", "c", "d", "d", "e"];
//! let sick = [0, 0, 1, 1, 0, 1, 1, 0];
//! let cases = Cases::new(8)?.with_groups(&patients)?.with_classes(&sick)?;
//! for split in cases.split(&Rule::Folds { folds: 2, seed: 1 })? {
//!     let side = |rows: &[usize]| rows.iter().map(|r| patients[*r]).collect::<Vec<_>>();
//!     assert!(side(split.test()).iter().all(|p| !side(split.train()).contains(p)));
//! }
//! # Ok::<(), eir_core::Error>(())
//! ```

mod balance;
mod cross_validation;

pub use cross_validation::{Fit, Nested, NestedOutcome, OutOfFold, cross_validate};

use crate::error::{Mismatch, NotFinite, Parameter, TooShort};
use crate::order::rising;
use crate::random::Generator;
use crate::{Error, Rows};

/// What is known of each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Cases {
    len: usize,
    classes: Option<Vec<usize>>,
    /// Rank of each row's group among the distinct groups.
    groups: Option<Vec<usize>>,
    times: Option<Vec<f64>>,
}

/// How cases are divided. It serialises, so that an evaluation protocol can fix it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "rule", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Rule {
    /// Cross-validation: every row is tested once.
    Folds {
        /// Number of folds, at least 2.
        folds: usize,
        /// Seed of the order in which ties are dealt.
        seed: u64,
    },
    /// Each group is the test set once.
    LeaveOneGroupOut,
    /// Forward chaining: what is tested comes later than what is learnt from, by at least `gap`.
    Forward {
        /// Number of test blocks; the earliest of `folds` + 1 blocks is never tested.
        folds: usize,
        /// Time between the last training row and the first test row, in the unit of the times.
        gap: f64,
    },
    /// One split, with the `share` of the cases in the test set.
    Holdout {
        /// Share of the test set, between 0 and 1.
        share: f64,
        /// Seed of the order.
        seed: u64,
    },
}

impl Cases {
    /// `len` rows of which nothing else is known: each is a case by itself.
    ///
    /// # Errors
    /// [`Error::TooShort`] for no rows.
    pub fn new(len: usize) -> Result<Self, Error> {
        if len == 0 {
            return Err(TooShort::new("rows", 0, 1).into());
        }
        Ok(Self { len, classes: None, groups: None, times: None })
    }

    /// Each row's class: folds get equal shares of it.
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless there is one per row.
    pub fn with_classes(mut self, classes: &[usize]) -> Result<Self, Error> {
        Mismatch::check("classes", self.len, classes.len())?;
        // numbered 0, 1, 2 … whatever they were
        self.classes = Some(ranks(classes));
        Ok(self)
    }

    /// The group each row comes from, mostly the patient: never on two sides of a split.
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless there is one per row.
    pub fn with_groups<G: Ord>(mut self, groups: &[G]) -> Result<Self, Error> {
        Mismatch::check("groups", self.len, groups.len())?;
        self.groups = Some(ranks(groups));
        Ok(self)
    }

    /// Each row's time, in any unit, for [`Rule::Forward`].
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless there is one per row, [`Error::NotFinite`].
    pub fn with_times(mut self, times: &[f64]) -> Result<Self, Error> {
        Mismatch::check("times", self.len, times.len())?;
        NotFinite::check_f64("time", times)?;
        self.times = Some(times.to_vec());
        Ok(self)
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: no rows are an error before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Divides the cases.
    ///
    /// Folds of grouped rows are filled from the largest group down and then evened out; the result depends on the groups
    /// and the seed, and not on the order of the rows.
    ///
    /// # Errors
    /// More folds than rows or groups, a class that is in fewer rows or groups than there are folds, a rule that lacks
    /// what it needs (groups, times), a time rule for grouped rows, a setting out of range.
    pub fn split(&self, rule: &Rule) -> Result<Vec<Split>, Error> {
        match rule {
            Rule::Folds { folds, seed } => self.folds(*folds, *seed),
            Rule::LeaveOneGroupOut => self.leave_one_group_out(),
            Rule::Forward { folds, gap } => self.forward(*folds, *gap),
            Rule::Holdout { share, seed } => self.holdout(*share, *seed),
        }
    }

    fn folds(&self, folds: usize, seed: u64) -> Result<Vec<Split>, Error> {
        if folds < 2 {
            return Err(Parameter::new("folds", folds as f64, "2 or more").into());
        }
        self.check_units(folds)?;
        let fold = match &self.groups {
            Some(groups) => {
                let of_group = balance::spread(&self.units(groups), &vec![1.0 / folds as f64; folds], seed);
                groups.iter().map(|g| of_group[*g]).collect()
            }
            None => {
                let mut fold = vec![0; self.len];
                self.dealt(seed).into_iter().enumerate().for_each(|(place, row)| fold[row] = place % folds);
                fold
            }
        };
        Ok(splits(&fold, folds))
    }

    fn holdout(&self, share: f64, seed: u64) -> Result<Vec<Split>, Error> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Parameter::new("share", share, "between 0 and 1").into());
        }
        self.check_units(2)?;
        let side = match &self.groups {
            Some(groups) => {
                let of_group = balance::spread(&self.units(groups), &[1.0 - share, share], seed);
                groups.iter().map(|g| of_group[*g]).collect()
            }
            None => {
                let mut side = vec![0; self.len];
                let tested = |place: usize| (share * place as f64 + 0.5).floor();
                for (place, row) in self.dealt(seed).into_iter().enumerate() {
                    side[row] = usize::from(tested(place + 1) > tested(place));
                }
                side
            }
        };
        let split = Split::of(&side, 1);
        match (split.train.len(), split.test.len()) {
            (0, _) => Err(TooShort::new("training rows", 0, 1).into()),
            (_, 0) => Err(TooShort::new("test rows", 0, 1).into()),
            _ => Ok(vec![split]),
        }
    }

    fn leave_one_group_out(&self) -> Result<Vec<Split>, Error> {
        let Some(groups) = &self.groups else { return Err(TooShort::new("groups", 0, 2).into()) };
        let count = count(groups);
        if count < 2 {
            return Err(TooShort::new("groups", count, 2).into());
        }
        Ok(splits(groups, count))
    }

    fn forward(&self, folds: usize, gap: f64) -> Result<Vec<Split>, Error> {
        let Some(times) = &self.times else { return Err(TooShort::new("times", 0, self.len).into()) };
        if folds == 0 {
            return Err(Parameter::new("folds", 0.0, "1 or more").into());
        }
        if !(gap >= 0.0 && gap.is_finite()) {
            return Err(Parameter::new("gap", gap, "0 or more").into());
        }
        if self.groups.as_ref().is_some_and(|g| count(g) < self.len) {
            // a patient's early rows would teach about the late ones
            return Err(Parameter::new("rows of one group", 2.0, "1 where the rule goes by time").into());
        }
        let order = rising(times);
        // a block ends only where the time changes
        let ends: Vec<usize> = (1..=folds + 1)
            .map(|block| {
                let mut end = block * self.len / (folds + 1);
                while end > 0 && end < self.len && times[order[end]] == times[order[end - 1]] {
                    end += 1;
                }
                end
            })
            .collect();
        let mut splits = Vec::new();
        for pair in ends.windows(2) {
            let test = &order[pair[0]..pair[1]];
            let Some(first) = test.first() else { return Err(TooShort::new("distinct times", 1, folds + 1).into()) };
            let learnt = order.iter().filter(|r| times[**r] < times[*first] && times[**r] + gap <= times[*first]);
            let mut split = Split { train: learnt.copied().collect(), test: test.to_vec() };
            if split.train.is_empty() {
                return Err(TooShort::new("training rows before the gap", 0, 1).into());
            }
            split.train.sort_unstable();
            split.test.sort_unstable();
            splits.push(split);
        }
        Ok(splits)
    }

    /// Whether there are enough rows or groups, of each class too.
    fn check_units(&self, folds: usize) -> Result<(), Error> {
        let (units, what, of_class) = match &self.groups {
            Some(groups) => (count(groups), "groups", "groups with the rarest class"),
            None => (self.len, "rows", "rows of the rarest class"),
        };
        if units < folds {
            return Err(TooShort::new(what, units, folds).into());
        }
        let Some(classes) = &self.classes else { return Ok(()) };
        let mut seen: Vec<(usize, usize)> = match &self.groups {
            Some(groups) => classes.iter().copied().zip(groups.iter().copied()).collect(),
            None => classes.iter().copied().zip(0..).collect(),
        };
        seen.sort_unstable();
        seen.dedup();
        let rarest = seen.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).min().unwrap_or(0);
        if rarest < folds { Err(TooShort::new(of_class, rarest, folds).into()) } else { Ok(()) }
    }

    /// All rows, class after class, each in random order.
    fn dealt(&self, seed: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len).collect();
        Generator::new(seed, "split").stream(0).shuffle(&mut order);
        if let Some(classes) = &self.classes {
            order.sort_by_key(|row| classes[*row]); // stable
        }
        order
    }

    /// For each group its number of rows of each class.
    fn units(&self, groups: &[usize]) -> Vec<Vec<f64>> {
        let classes = self.classes.as_ref().map_or(1, |c| count(c));
        let mut units = vec![vec![0.0; classes]; count(groups)];
        for (row, group) in groups.iter().enumerate() {
            units[*group][self.classes.as_ref().map_or(0, |c| c[row])] += 1.0;
        }
        units
    }

    /// What is known of the rows at `indices`.
    fn subset(&self, indices: &[usize]) -> Result<Self, Error> {
        fn pick<T: Copy>(all: Option<&Vec<T>>, indices: &[usize]) -> Option<Vec<T>> {
            all.map(|all| indices.iter().map(|i| all[*i]).collect())
        }
        let mut part = Self::new(indices.len())?;
        part.classes = pick(self.classes.as_ref(), indices).map(|c| ranks(&c));
        part.groups = pick(self.groups.as_ref(), indices).map(|g| ranks(&g));
        part.times = pick(self.times.as_ref(), indices);
        Ok(part)
    }
}

/// Position of each value among the distinct values in their order.
fn ranks<T: Ord>(values: &[T]) -> Vec<usize> {
    let mut distinct: Vec<&T> = values.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    values.iter().map(|v| distinct.partition_point(|d| *d < v)).collect()
}

/// Number of distinct values of ranks.
fn count(ranks: &[usize]) -> usize {
    ranks.iter().max().map_or(0, |m| m + 1)
}

fn splits(fold: &[usize], folds: usize) -> Vec<Split> {
    (0..folds).map(|f| Split::of(fold, f)).collect()
}

/// The rows of one split, each side in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Split {
    train: Vec<usize>,
    test: Vec<usize>,
}

impl Split {
    fn of(fold: &[usize], tested: usize) -> Self {
        let (test, train) = (0..fold.len()).partition(|row| fold[*row] == tested);
        Self { train, test }
    }

    /// The rows to learn from.
    #[must_use]
    pub fn train(&self) -> &[usize] {
        &self.train
    }

    /// The rows to test on.
    #[must_use]
    pub fn test(&self) -> &[usize] {
        &self.test
    }

    /// Copies the training rows with their targets (labels, measurements).
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless there is a target per row and the split is of that many rows.
    pub fn training(&self, rows: Rows<'_>, targets: &[f64]) -> Result<Training, Error> {
        Mismatch::check("targets", rows.len(), targets.len())?;
        self.check(rows.len())?;
        Ok(Training {
            values: rows.select(&self.train),
            columns: rows.columns(),
            targets: self.train.iter().map(|i| targets[*i]).collect(),
            indices: self.train.clone(),
        })
    }

    fn check(&self, rows: usize) -> Result<(), Error> {
        let beyond = self.train.iter().chain(&self.test).max().map_or(0, |m| m + 1);
        if beyond > rows { Err(Mismatch::new("rows of the split", beyond, rows).into()) } else { Ok(()) }
    }
}

/// The rows a model may learn from, and their targets. Only a [`Split`] makes them, and it copies no test row, so that a
/// step that is fitted on `Training` cannot have seen one.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    values: Vec<f64>,
    columns: usize,
    targets: Vec<f64>,
    indices: Vec<usize>,
}

impl Training {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows::known(&self.values, self.columns)
    }

    /// The target of each row.
    #[must_use]
    pub fn targets(&self) -> &[f64] {
        &self.targets
    }

    /// The targets as labels: above one half is positive.
    #[must_use]
    pub fn labels(&self) -> Vec<bool> {
        self.targets.iter().map(|t| *t > 0.5).collect()
    }

    /// Where each row was in the whole table.
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_designs_without_leakage() {
        let draw = Generator::new(9, "designs");
        let mut made = 0;
        for design in 0..10_000 {
            let mut s = draw.stream(design);
            let n = 2 + s.below(60);
            let patients: Vec<usize> = (0..n).map(|_| s.below(1 + n / 2)).collect();
            let classes: Vec<usize> = (0..n).map(|_| s.below(3)).collect();
            let times: Vec<f64> = (0..n).map(|_| s.below(40) as f64).collect();
            let mut cases = Cases::new(n).unwrap();
            let (grouped, classed) = (s.chance(0.6), s.chance(0.5));
            if grouped {
                cases = cases.with_groups(&patients).unwrap();
            }
            if classed {
                cases = cases.with_classes(&classes).unwrap();
            }
            cases = cases.with_times(&times).unwrap();
            let (folds, gap) = (2 + s.below(6), s.below(5) as f64);
            let rule = match s.below(4) {
                0 => Rule::Folds { folds, seed: design },
                1 => Rule::LeaveOneGroupOut,
                2 => Rule::Forward { folds, gap },
                _ => Rule::Holdout { share: s.range(0.1, 0.9), seed: design },
            };
            let Ok(splits) = cases.split(&rule) else { continue };
            made += 1;
            assert_eq!(splits, cases.split(&rule).unwrap(), "two answers for one seed");
            let mut tested = vec![0; n];
            for split in &splits {
                assert!(!split.train.is_empty() && !split.test.is_empty());
                split.test.iter().for_each(|r| tested[*r] += 1);
                for row in &split.test {
                    assert!(!split.train.contains(row));
                    assert!(!grouped || split.train.iter().all(|t| patients[*t] != patients[*row]), "{rule:?}");
                    if let Rule::Forward { gap, .. } = rule {
                        assert!(split.train.iter().all(|t| times[*t] + gap <= times[*row] && times[*t] < times[*row]));
                    }
                }
            }
            if matches!(rule, Rule::Folds { .. } | Rule::LeaveOneGroupOut) {
                assert!(tested.iter().all(|t| *t == 1), "{rule:?}");
            }
            if let (Rule::Folds { .. }, false, true) = (&rule, grouped, classed) {
                for class in 0..3 {
                    let counts = splits.iter().map(|s| s.test.iter().filter(|r| classes[**r] == class).count());
                    assert!(counts.clone().max().unwrap() - counts.min().unwrap() <= 1);
                }
            }
        }
        assert!(made > 5_000, "{made} designs could be made");
    }

    #[test]
    fn grouped_folds_do_not_depend_on_the_order_of_rows() {
        let patients: Vec<u32> = (0..90).map(|i| i * i % 23).collect();
        let classes: Vec<usize> = patients.iter().map(|p| usize::from(p % 3 == 0)).collect();
        let rule = Rule::Folds { folds: 4, seed: 5 };
        let folds = |order: &[usize]| {
            let (p, c): (Vec<_>, Vec<_>) = order.iter().map(|i| (patients[*i], classes[*i])).unzip();
            let cases = Cases::new(90).unwrap().with_groups(&p).unwrap().with_classes(&c).unwrap();
            let mut fold = vec![0; 90];
            for (f, split) in cases.split(&rule).unwrap().iter().enumerate() {
                split.test.iter().for_each(|r| fold[order[*r]] = f);
            }
            fold
        };
        let mut order: Vec<usize> = (0..90).collect();
        let want = folds(&order);
        Generator::new(1, "order").stream(0).shuffle(&mut order);
        assert_eq!(folds(&order), want);
    }

    #[test]
    fn errors_name_the_number() {
        let text = |cases: Result<Cases, Error>, rule: Rule| cases.unwrap().split(&rule).unwrap_err().to_string();
        let folds = |folds| Rule::Folds { folds, seed: 0 };
        let groups = Cases::new(6).unwrap().with_groups(&[1, 1, 2, 2, 3, 3]);
        assert_eq!(text(groups.clone(), folds(4)), "groups: 3 given, at least 4 needed");
        let rare = groups.clone().unwrap().with_classes(&[0, 1, 0, 1, 0, 0]);
        assert_eq!(text(rare, folds(3)), "groups with the rarest class: 2 given, at least 3 needed");
        let rare = Cases::new(4).unwrap().with_classes(&[0, 0, 0, 7]);
        assert_eq!(text(rare, folds(2)), "rows of the rarest class: 1 given, at least 2 needed");
        assert_eq!(text(groups, Rule::Forward { folds: 1, gap: 0.0 }), "times: 0 given, at least 6 needed");
        assert_eq!(Cases::new(0).unwrap_err().to_string(), "rows: 0 given, at least 1 needed");
    }
}
