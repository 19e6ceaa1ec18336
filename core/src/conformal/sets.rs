use super::score::Draws;
use super::{Alpha, ClassScore, SmallGroup, Threshold};
use crate::calibration::check_classes;
use crate::error::Mismatch;
use crate::inference::wilson;
use crate::metrics::check_range;
use crate::{Error, Estimate, Rows};
use serde::{Deserialize, Serialize};

/// Rounding of a sum of probabilities: a class whose score is q but for it belongs to the set.
const ROUNDING: f64 = 1e-15;
/// What the random numbers of prediction are drawn for.
const PREDICTION: &str = "conformal prediction";
/// Largest group number: one threshold is kept for each.
const MOST_GROUPS: usize = 1_000_000;

/// Settings of prediction sets; `fit` gives [`FittedSets`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetPredictor<S> {
    /// How strange a class is: [`Lac`](super::Lac), [`Aps`](super::Aps) or [`Raps`](super::Raps).
    pub score: S,
    /// How often the true class may be missing. Default 1/10.
    pub alpha: Alpha,
    /// Whether an empty set gets the most probable class. It raises the coverage above what was asked, and makes the
    /// result easier to explain. Default false.
    pub never_empty: bool,
}

impl<S: ClassScore + Clone> SetPredictor<S> {
    /// Sets made with `score` that miss one in ten.
    #[must_use]
    pub fn new(score: S) -> Self {
        Self { score, alpha: Alpha::default(), never_empty: false }
    }

    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(self, alpha: Alpha) -> Self {
        Self { alpha, ..self }
    }

    /// Sets [`never_empty`](Self::never_empty).
    #[must_use]
    pub fn with_never_empty(self, never_empty: bool) -> Self {
        Self { never_empty, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// As the score's own [`validate`](ClassScore::validate).
    pub fn validate(&self) -> Result<(), Error> {
        self.score.validate()
    }

    /// Calibrates on cases that the model has not seen: a row of probabilities and the true class of each.
    ///
    /// # Errors
    /// Lengths that differ, no case, a value that is no probability, [`Error::Class`] for a label beyond the columns,
    /// or a setting out of range.
    pub fn fit(&self, probabilities: Rows<'_>, labels: &[usize]) -> Result<FittedSets<S>, Error> {
        let scores = self.scores(probabilities, labels, None)?;
        Ok(self.fitted(By::All, vec![Threshold::of(&scores, self.alpha)], probabilities))
    }

    /// As [`fit`](Self::fit), with the numbers `u` of the randomised form given: to repeat the run of another tool.
    ///
    /// # Errors
    /// As `fit`, and for numbers that are not one per row, or not in 0 to 1.
    pub fn fit_with(&self, probabilities: Rows<'_>, labels: &[usize], u: &[f64]) -> Result<FittedSets<S>, Error> {
        let scores = self.scores(probabilities, labels, Some(u))?;
        Ok(self.fitted(By::All, vec![Threshold::of(&scores, self.alpha)], probabilities))
    }

    /// Calibrates each class for itself, so that the coverage holds for the cases of each class: for rare findings.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_by_class(&self, probabilities: Rows<'_>, labels: &[usize]) -> Result<FittedSets<S>, Error> {
        let scores = self.scores(probabilities, labels, None)?;
        let thresholds = Threshold::by_group(&scores, labels, probabilities.columns(), self.alpha);
        Ok(self.fitted(By::Class, thresholds, probabilities))
    }

    /// Calibrates each group of cases for itself (Mondrian), so that the coverage holds in each: by sex, hospital, device.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), for groups that are not one per row, and for a group number of a million or more.
    pub fn fit_by_group(
        &self,
        probabilities: Rows<'_>,
        labels: &[usize],
        groups: &[usize],
    ) -> Result<FittedSets<S>, Error> {
        let scores = self.scores(probabilities, labels, None)?;
        let thresholds = Threshold::by_group(&scores, groups, count_groups(groups, labels.len())?, self.alpha);
        Ok(self.fitted(By::Group, thresholds, probabilities))
    }

    /// The calibration scores: that of the true class of each row.
    ///
    /// # Errors
    /// As [`fit_with`](Self::fit_with).
    pub fn scores(&self, probabilities: Rows<'_>, labels: &[usize], u: Option<&[f64]>) -> Result<Vec<f64>, Error> {
        self.validate()?;
        check_classes(labels, probabilities)?;
        let mut draws = Draws::new(self.score.seed(), "conformal calibration", u, labels.len())?;
        let classes = probabilities.columns();
        let (mut order, mut all) = (vec![0; classes], vec![0.0; classes]);
        let own = |(i, (row, label)): (usize, (&[f64], &usize))| {
            self.score.scores_into(row, draws.u(i), &mut order, &mut all);
            all[*label]
        };
        Ok(probabilities.iter().zip(labels).enumerate().map(own).collect())
    }

    /// The classes of each row whose score is within `q(case, class)`.
    pub(super) fn sets(
        &self,
        probabilities: Rows<'_>,
        u: Option<&[f64]>,
        q: impl Fn(usize, usize) -> f64,
    ) -> Result<Sets, Error> {
        let (n, classes) = (probabilities.len(), probabilities.columns());
        check_range(probabilities.values())?;
        let mut draws = Draws::new(self.score.seed(), PREDICTION, u, n)?;
        let (mut order, mut scores) = (vec![0; classes], vec![0.0; classes]);
        let (mut member, mut filled) = (vec![false; n * classes], 0);
        for (case, (row, set)) in probabilities.iter().zip(member.chunks_exact_mut(classes)).enumerate() {
            self.score.scores_into(row, draws.u(case), &mut order, &mut scores);
            for (class, (is, score)) in set.iter_mut().zip(&scores).enumerate() {
                *is = *score <= q(case, class) + ROUNDING;
            }
            if self.never_empty && !set.contains(&true) {
                set[(0..classes).fold(0, |top, c| if row[c] > row[top] { c } else { top })] = true;
                filled += 1;
            }
        }
        Ok(Sets { classes, member, filled, small_groups: Vec::new() })
    }

    fn fitted(&self, by: By, thresholds: Vec<Threshold>, probabilities: Rows<'_>) -> FittedSets<S> {
        FittedSets { predictor: self.clone(), by, thresholds, classes: probabilities.columns() }
    }
}

/// Number of groups, of `n` cases.
pub(super) fn count_groups(groups: &[usize], n: usize) -> Result<usize, Error> {
    Mismatch::check("groups", n, groups.len())?;
    match groups.iter().position(|g| *g >= MOST_GROUPS) {
        Some(index) => Err(Error::Class { index, classes: MOST_GROUPS }),
        None => Ok(groups.iter().max().map_or(0, |most| most + 1)),
    }
}

/// What has a threshold of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum By {
    All,
    Class,
    Group,
}

/// Split conformal prediction for classes: sets that hold the true class with probability 1 − α, fitted by
/// [`SetPredictor`].
///
/// **Use it** on the probabilities of any classifier, calibrated or not, with cases set aside (100 give a coverage that
/// is right within some 6 %). **Not** as a probability of being right for one patient, and not where new patients differ
/// from those set aside: see [`WeightedThreshold`](super::WeightedThreshold) and
/// [`ExchangeabilityMonitor`](super::ExchangeabilityMonitor).
///
/// # Formula
/// {c : s(c) ≤ q} with the [`Threshold`] q of the scores of the true classes; by class q is that of c, by group that of
/// the case's group.
///
/// # Examples
/// ```
/// use eir_core::{Rows, conformal::{Lac, SetPredictor}};
/// let p: Vec<f64> = (1..=19).flat_map(|i| [f64::from(i) / 20.0, 1.0 - f64::from(i) / 20.0]).collect();
/// let fitted = SetPredictor::new(Lac::default()).fit(Rows::new(&p, 2)?, &[0; 19])?;
/// assert_eq!(fitted.thresholds()[0].q(), 0.9); // rank 18 of 19
/// let sets = fitted.predict(Rows::new(&[0.95, 0.05, 0.5, 0.5], 2)?)?;
/// assert_eq!((sets.of(0), sets.of(1)), (vec![0], vec![0, 1]));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Sets equal to those of MAPIE 1.6.0 (LAC) and to the definitions (APS, RAPS, both forms, by class) on
/// `reference/core/conformal.json`; mean coverage over 1000 draws within 3 standard errors of what is promised.
///
/// # References
/// Angelopoulos, Bates 2023, doi:10.1561/2200000101. By group: Vovk, Gammerman, Shafer 2005,
/// doi:10.1007/b106715.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FittedSets<S> {
    predictor: SetPredictor<S>,
    by: By,
    thresholds: Vec<Threshold>,
    classes: usize,
}

impl<S: ClassScore + Clone> FittedSets<S> {
    /// The thresholds: one, or one for each class or group.
    #[must_use]
    pub fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    /// The set of each row. In the randomised form the row's number chooses its u: cases that come one at a time go
    /// through [`set_of`](Self::set_of) with a running number.
    ///
    /// # Errors
    /// Another number of classes than at calibration, a value that is no probability, or sets that were calibrated by
    /// group.
    pub fn predict(&self, probabilities: Rows<'_>) -> Result<Sets, Error> {
        self.sets(probabilities, None, None)
    }

    /// As [`predict`](Self::predict), with the numbers `u` of the randomised form given.
    ///
    /// # Errors
    /// As `predict`, and for numbers that are not one per row, or not in 0 to 1.
    pub fn predict_with(&self, probabilities: Rows<'_>, u: &[f64]) -> Result<Sets, Error> {
        self.sets(probabilities, None, Some(u))
    }

    /// As [`predict`](Self::predict), for sets that were calibrated by group. A group that was not there has no
    /// threshold: its sets hold every class.
    ///
    /// # Errors
    /// As `predict`, for groups that are not one per row, and for sets that were not calibrated by group.
    pub fn predict_by_group(&self, probabilities: Rows<'_>, groups: &[usize]) -> Result<Sets, Error> {
        self.sets(probabilities, Some(groups), None)
    }

    /// The classes in the set of one case; `item` is its running number, which chooses its u in the randomised form.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn set_of(&self, row: &[f64], item: u64) -> Result<Vec<usize>, Error> {
        let rows = Rows::new(row, self.classes)?;
        let mut draws = Draws::new(self.predictor.score.seed(), PREDICTION, None, 1)?;
        Ok(self.sets(rows, None, Some(&[draws.u(item as usize)]))?.of(0))
    }

    fn sets(&self, probabilities: Rows<'_>, groups: Option<&[usize]>, u: Option<&[f64]>) -> Result<Sets, Error> {
        Mismatch::check("classes", self.classes, probabilities.columns())?;
        if let Some(groups) = groups {
            Mismatch::check("groups", probabilities.len(), groups.len())?;
        }
        let q = |group: usize| self.thresholds.get(group).map_or(f64::INFINITY, Threshold::q);
        let sets = match (self.by, groups) {
            (By::All, None) => {
                let q = q(0);
                self.predictor.sets(probabilities, u, |_, _| q)
            }
            (By::Class, None) => self.predictor.sets(probabilities, u, |_, class| q(class)),
            (By::Group, Some(groups)) => self.predictor.sets(probabilities, u, |case, _| q(groups[case])),
            (By::Group, None) => Err(Mismatch::new("sets", "the group of each case", "none").into()),
            (_, Some(_)) => Err(Mismatch::new("sets", "no groups", "the group of each case").into()),
        };
        Ok(Sets { small_groups: SmallGroup::among(&self.thresholds), ..sets? })
    }
}

/// Sets of classes, one for each case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sets {
    classes: usize,
    member: Vec<bool>,
    filled: usize,
    small_groups: Vec<SmallGroup>,
}

impl Sets {
    /// Number of sets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.member.len() / self.classes
    }

    /// Whether there is no set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.member.is_empty()
    }

    /// For each class whether it is in set `case`.
    ///
    /// # Panics
    /// If there is no such set.
    #[must_use]
    pub fn row(&self, case: usize) -> &[bool] {
        &self.member[case * self.classes..(case + 1) * self.classes]
    }

    /// The classes in set `case`.
    ///
    /// # Panics
    /// If there is no such set.
    #[must_use]
    pub fn of(&self, case: usize) -> Vec<usize> {
        self.row(case).iter().enumerate().filter(|(_, is)| **is).map(|(class, _)| class).collect()
    }

    /// Whether `class` is in set `case`; false if there is none such.
    #[must_use]
    pub fn contains(&self, case: usize, class: usize) -> bool {
        class < self.classes && self.member.get(case * self.classes + class) == Some(&true)
    }

    /// Mean number of classes in a set.
    #[must_use]
    pub fn mean_size(&self) -> f64 {
        self.member.iter().filter(|is| **is).count() as f64 / self.len() as f64
    }

    /// Share of the sets that hold the true class, with Wilson's interval at `level`.
    ///
    /// # Errors
    /// Labels that are not one per set, no set, or a level outside 0 to 1.
    pub fn coverage(&self, labels: &[usize], level: f64) -> Result<Estimate, Error> {
        Mismatch::check("labels", self.len(), labels.len())?;
        let hits = labels.iter().enumerate().filter(|(case, class)| self.contains(*case, **class)).count();
        wilson(hits as u64, labels.len() as u64, level)
    }

    /// How many sets were empty and got the most probable class.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Warnings: classes or groups with too few calibration cases, for which nothing is excluded.
    #[must_use]
    pub fn small_groups(&self) -> &[SmallGroup] {
        &self.small_groups
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Aps, Lac, Raps};
    use super::*;
    use crate::random::{Generator, Stream};

    /// Probabilities of three classes, and a class drawn from them.
    fn cases(stream: &mut Stream, n: usize) -> (Vec<f64>, Vec<usize>) {
        let mut p = Vec::new();
        let label = |_| {
            let weights = [(); 3].map(|()| stream.exponential().powi(2));
            let sum: f64 = weights.iter().sum();
            p.extend(weights.map(|w| w / sum));
            stream.weighted(&weights).unwrap()
        };
        let labels = (0..n).map(label).collect();
        (p, labels)
    }

    fn mean_coverage<S: ClassScore + Clone>(score: impl Fn(u64) -> S, draws: u64, never_empty: bool) -> [f64; 2] {
        let (mut hit, mut size) = (0.0, 0.0);
        for draw in 0..draws {
            let mut stream = Generator::new(draw, "sets").stream(0);
            let ((p, labels), (new, truth)) = (cases(&mut stream, 99), cases(&mut stream, 100));
            let predictor = SetPredictor::new(score(draw)).with_never_empty(never_empty);
            let fitted = predictor.fit(Rows::new(&p, 3).unwrap(), &labels).unwrap();
            let sets = fitted.predict(Rows::new(&new, 3).unwrap()).unwrap();
            hit += sets.coverage(&truth, 0.95).unwrap().value / draws as f64;
            size += sets.mean_size() / draws as f64;
        }
        [hit, size]
    }

    #[test]
    fn coverage_is_what_was_asked() {
        // a draw's coverage has variance Beta's plus that of 100 cases
        let error = ((0.09 / 101.0 + 0.09 / 100.0) / 1000.0f64).sqrt();
        let [lac, small] = mean_coverage(|_| Lac::default(), 1000, false);
        let [randomised, _] = mean_coverage(Aps::randomised, 1000, false);
        let [deterministic, large] = mean_coverage(|_| Aps::deterministic(), 1000, false);
        let [filled, _] = mean_coverage(Aps::randomised, 1000, true);
        let [raps, _] = mean_coverage(|seed| Raps::randomised(0.1, 1, seed), 1000, false);
        for exact in [lac, randomised, raps] {
            assert!((exact - 0.9).abs() <= 3.0 * error, "{exact}");
        }
        assert!(deterministic >= 0.9 - 3.0 * error && filled >= randomised && small < large);
    }

    #[test]
    fn each_class_and_each_group_is_covered() {
        let mut stream = Generator::new(4, "sets").stream(0);
        let ((p, labels), (new, truth)) = (cases(&mut stream, 30_000), cases(&mut stream, 30_000));
        let (rows, new) = (Rows::new(&p, 3).unwrap(), Rows::new(&new, 3).unwrap());
        // a group in which the model is wrong more often: labels turned by one in half of its cases
        let groups: Vec<usize> = (0..30_000).map(|i| i % 2).collect();
        let spoil = |labels: &[usize]| -> Vec<usize> {
            labels.iter().enumerate().map(|(i, y)| if i % 4 == 1 { (y + 1) % 3 } else { *y }).collect()
        };
        let (labels, truth) = (spoil(&labels), spoil(&truth));
        let predictor = SetPredictor::new(Aps::randomised(1)).with_alpha(Alpha::new(0.2).unwrap());
        let by_class = predictor.fit_by_class(rows, &labels).unwrap().predict(new).unwrap();
        let by_group = predictor.fit_by_group(rows, &labels, &groups).unwrap().predict_by_group(new, &groups).unwrap();
        let all = predictor.fit(rows, &labels).unwrap().predict(new).unwrap();
        let share = |sets: &Sets, of: &dyn Fn(usize) -> bool| {
            let cases: Vec<usize> = (0..30_000).filter(|i| of(*i)).collect();
            cases.iter().filter(|i| sets.contains(**i, truth[**i])).count() as f64 / cases.len() as f64
        };
        for part in 0..3 {
            assert!((share(&by_class, &|i| truth[i] == part) - 0.8).abs() < 0.02);
        }
        assert!((0..2).all(|part| (share(&by_group, &|i| groups[i] == part) - 0.8).abs() < 0.02));
        assert!(share(&all, &|i| groups[i] == 1) < 0.75); // which is why one threshold is not enough
    }

    #[test]
    fn small_groups_are_full_sets_with_a_warning() {
        let p: Vec<f64> = [0.9, 0.1].repeat(30);
        let (rows, one) = (Rows::new(&p, 2).unwrap(), [0.99, 0.01]);
        let mut labels = vec![0; 30];
        labels[0] = 1;
        let sets = SetPredictor::new(Lac::default()).fit_by_class(rows, &labels).unwrap();
        let sets = sets.predict(Rows::new(&one, 2).unwrap()).unwrap();
        assert_eq!((sets.of(0), sets.small_groups()[0].group, sets.small_groups()[0].n), (vec![0, 1], 1, 1));
        let fitted = SetPredictor::new(Lac::default()).fit_by_group(rows, &[0; 30], &[2; 30]).unwrap();
        let many: Vec<f64> = one.repeat(3);
        let sets = fitted.predict_by_group(Rows::new(&many, 2).unwrap(), &[2, 0, 7]).unwrap();
        assert_eq!([sets.of(0), sets.of(1), sets.of(2)], [vec![0], vec![0, 1], vec![0, 1]]);
        assert_eq!(sets.small_groups().len(), 2); // groups 0 and 1 were empty
        assert!(fitted.predict(Rows::new(&one, 2).unwrap()).is_err());
        assert!(fitted.predict_by_group(Rows::new(&one, 2).unwrap(), &[]).is_err());
    }

    #[test]
    fn empty_sets_are_filled_on_request() {
        let p: Vec<f64> = [0.95, 0.03, 0.02].repeat(20);
        let rows = Rows::new(&p, 3).unwrap();
        let fit = |never_empty| {
            let predictor = SetPredictor::new(Lac::default()).with_never_empty(never_empty);
            let fitted = predictor.fit(rows, &[0; 20]).unwrap();
            fitted.predict(Rows::new(&[0.4, 0.4, 0.2], 3).unwrap()).unwrap()
        };
        assert_eq!((fit(false).of(0), fit(false).filled()), (vec![], 0));
        assert_eq!((fit(true).of(0), fit(true).filled()), (vec![0], 1));
    }

    #[test]
    fn one_case_at_a_time_is_the_same() {
        let mut stream = Generator::new(5, "sets").stream(0);
        let (p, labels) = cases(&mut stream, 200);
        let rows = Rows::new(&p, 3).unwrap();
        let fitted = SetPredictor::new(Aps::randomised(9)).fit(rows, &labels).unwrap();
        let sets = fitted.predict(rows).unwrap();
        assert!((0..200).all(|i| fitted.set_of(rows.row(i), i as u64).unwrap() == sets.of(i)));
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<FittedSets<Aps>>(&text).unwrap(), fitted);
    }

    #[test]
    fn borders() {
        let predictor = SetPredictor::new(Aps::deterministic());
        let p = [0.5, 0.5, 0.2, 0.8];
        let rows = Rows::new(&p, 2).unwrap();
        assert_eq!(predictor.fit(rows, &[0, 2]), Err(Error::Class { index: 1, classes: 2 }));
        assert!(matches!(predictor.fit(rows, &[0]), Err(Error::Mismatch(_))));
        assert!(matches!(predictor.fit(Rows::new(&[], 2).unwrap(), &[]), Err(Error::TooShort(_))));
        assert!(predictor.fit(Rows::new(&[1.5, 0.0], 2).unwrap(), &[0]).is_err());
        assert!(predictor.fit_by_group(rows, &[0, 1], &[0, usize::MAX]).is_err());
        let fitted = predictor.fit(rows, &[0, 1]).unwrap();
        assert_eq!(fitted.predict(rows).unwrap().mean_size(), 2.0); // two cases are too few for one in ten
        assert!(fitted.predict(Rows::new(&p, 4).unwrap()).is_err());
        assert!(fitted.set_of(&[], 0).is_err());
        assert!(fitted.predict(Rows::new(&[], 2).unwrap()).unwrap().is_empty());
    }
}
