//! Who gave which class to which item.

use crate::model::Document;
use crate::{Error, Result};
use eir_core::error::{Parameter, TooShort};
use std::collections::BTreeMap;

/// A class that a rater gave to an item; all count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rating {
    /// Position of the item.
    pub item: u32,
    /// Position of the rater.
    pub rater: u32,
    /// Position of the class.
    pub class: u32,
}

/// Ratings of items by raters, any of whom may have missed items.
///
/// Sorted by item and rater, so that no result depends on the order in which ratings came.
///
/// ```
/// use eir_annotate::Ratings;
/// let ratings = Ratings::from_triples([("i1", "ann", "yes"), ("i1", "bob", "yes"), ("i2", "ann", "no")])?;
/// assert_eq!((ratings.items(), ratings.raters(), ratings.classes()), (2, 2, 2));
/// assert_eq!(ratings.class_names(), ["no", "yes"]);
/// # Ok::<(), eir_annotate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ratings {
    item_names: Vec<String>,
    rater_names: Vec<String>,
    class_names: Vec<String>,
    all: Vec<Rating>,
    repeated: usize,
}

impl Ratings {
    /// Ratings with names: item, rater, class. Names are sorted (as numbers, if all are numbers). Of several ratings of an
    /// item by a rater the first counts; [`repeated`](Self::repeated) says how many were left out.
    ///
    /// # Errors
    /// [`Error::TooShort`] if there is none.
    pub fn from_triples<S: AsRef<str>>(triples: impl IntoIterator<Item = (S, S, S)>) -> Result<Self> {
        let mut names: [BTreeMap<String, u32>; 3] = Default::default();
        let mut all: Vec<[u32; 3]> = Vec::new();
        for (item, rater, class) in triples {
            let mut row = [0; 3];
            for ((place, name), known) in row.iter_mut().zip([item, rater, class]).zip(&mut names) {
                let next = known.len() as u32;
                let name = name.as_ref();
                *place = match known.get(name) {
                    Some(found) => *found,
                    None => *known.entry(name.to_owned()).or_insert(next),
                };
            }
            all.push(row);
        }
        let sorted = names.map(ranks);
        let [(items, item_names), (raters, rater_names), (classes, class_names)] = sorted;
        let rank = |ranks: &[u32], i: u32| ranks.get(i as usize).copied().unwrap_or_default();
        let ratings = all.iter().map(|[i, r, c]| Rating {
            item: rank(&items, *i),
            rater: rank(&raters, *r),
            class: rank(&classes, *c),
        });
        Self::build(item_names, rater_names, class_names, ratings.collect())
    }

    /// Ratings by number alone: `items`, `raters` and `classes` say how many there are.
    ///
    /// # Errors
    /// [`Error::TooShort`] if there is none, [`Error::Parameter`] for a number that is too large.
    pub fn new(items: usize, raters: usize, classes: usize, all: Vec<Rating>) -> Result<Self> {
        for rating in &all {
            let checks =
                [("item", rating.item, items), ("rater", rating.rater, raters), ("class", rating.class, classes)];
            for (name, value, count) in checks {
                if value as usize >= count {
                    return Err(Parameter::new(name, f64::from(value), "below their number").into());
                }
            }
        }
        let names = |n: usize| (0..n).map(|i| i.to_string()).collect();
        Self::build(names(items), names(raters), names(classes), all)
    }

    /// Labels of annotations that stand on the same target, as ratings of that target by their raters.
    ///
    /// Annotations without a rater, a label or a time are left out. Two raters rate the same item if their annotations
    /// have the same medium and, exactly, the same moments.
    ///
    /// # Errors
    /// As [`from_triples`](Self::from_triples).
    pub fn from_document(document: &Document) -> Result<Self> {
        document.validate()?;
        let rows = document.annotations.iter().filter_map(|a| {
            let (start, end) = a.ticks()?;
            let rater = document.raters.get(a.provenance.rater?)?;
            let label = document.labels.get(a.label?)?;
            // fixed width, so that items sort by time
            let key = format!("{:08} {:020.6} {:020.6} {start} {end}", a.media, start.to_f64(), end.to_f64());
            Some((key, rater.id.clone(), label.name.clone()))
        });
        Self::from_triples(rows)
    }

    fn build(
        item_names: Vec<String>,
        rater_names: Vec<String>,
        class_names: Vec<String>,
        all: Vec<Rating>,
    ) -> Result<Self> {
        if all.is_empty() {
            return Err(TooShort::new("ratings", 0, 1).into());
        }
        let given = all.len();
        let mut all = all;
        all.sort_by_key(|r| (r.item, r.rater)); // stable: the first of several stays first
        all.dedup_by_key(|r| (r.item, r.rater));
        let repeated = given - all.len();
        Ok(Self { item_names, rater_names, class_names, all, repeated })
    }

    /// How many items there are.
    #[must_use]
    pub fn items(&self) -> usize {
        self.item_names.len()
    }

    /// How many raters there are.
    #[must_use]
    pub fn raters(&self) -> usize {
        self.rater_names.len()
    }

    /// How many classes there are.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Names of the items.
    #[must_use]
    pub fn item_names(&self) -> &[String] {
        &self.item_names
    }

    /// Names of the raters.
    #[must_use]
    pub fn rater_names(&self) -> &[String] {
        &self.rater_names
    }

    /// Names of the classes.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// All ratings, by item and rater.
    #[must_use]
    pub fn all(&self) -> &[Rating] {
        &self.all
    }

    /// How many ratings were left out because their rater had rated their item before.
    #[must_use]
    pub fn repeated(&self) -> usize {
        self.repeated
    }

    /// A row per rater and a column per item, as Krippendorff's alpha takes them: the class as `value` gives it, NaN where
    /// there is no rating.
    #[must_use]
    pub fn to_matrix(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut matrix = vec![f64::NAN; self.raters() * self.items()];
        for rating in &self.all {
            if let Some(cell) = matrix.get_mut(rating.rater as usize * self.items() + rating.item as usize) {
                *cell = value(rating.class as usize);
            }
        }
        matrix
    }

    /// Classes that raters `a` and `b` gave to the items that both rated.
    #[must_use]
    pub fn pair(&self, a: usize, b: usize) -> (Vec<u32>, Vec<u32>) {
        let of = |rater: usize| {
            let own = self.all.iter().filter(move |r| r.rater as usize == rater);
            own.map(|r| (r.item, r.class)).collect::<BTreeMap<_, _>>()
        };
        let (a, b) = (of(a), of(b));
        a.iter().filter_map(|(item, class)| Some((*class, *b.get(item)?))).unzip()
    }

    /// Shares of the raters' votes, item by item and class by class; zeros for an item without a vote.
    #[must_use]
    pub fn vote_shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.items() * self.classes()];
        self.vote_shares_into(&mut shares);
        shares
    }

    /// As [`vote_shares`](Self::vote_shares), into a buffer of `items · classes` numbers.
    pub(crate) fn vote_shares_into(&self, shares: &mut [f64]) {
        let classes = self.classes();
        shares.fill(0.0);
        for rating in &self.all {
            if let Some(share) = shares.get_mut(rating.item as usize * classes + rating.class as usize) {
                *share += 1.0;
            }
        }
        for row in shares.chunks_exact_mut(classes.max(1)) {
            let votes: f64 = row.iter().sum();
            if votes > 0.0 {
                row.iter_mut().for_each(|v| *v /= votes);
            }
        }
    }
}

/// The class that most raters gave to each item; of equally many votes, the class that comes first.
///
/// **Use it** as the baseline that any aggregation must beat. **Not** where raters differ much in skill.
///
/// # Examples
/// ```
/// use eir_annotate::{Ratings, majority_vote};
/// let ratings = Ratings::from_triples([("1", "a", "x"), ("1", "b", "y"), ("1", "c", "y"), ("2", "a", "x")])?;
/// assert_eq!(majority_vote(&ratings), [1, 0]);
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Validation
/// Vote shares equal crowd-kit 1.4.2 within the 10 digits of the reference on bluebirds and RTE.
#[must_use]
pub fn majority_vote(ratings: &Ratings) -> Vec<usize> {
    largest(&ratings.vote_shares(), ratings.classes())
}

/// The position of the largest number of each row; the first of equal ones.
pub(crate) fn largest(rows: &[f64], width: usize) -> Vec<usize> {
    let best = |row: &[f64]| (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
    rows.chunks_exact(width.max(1)).map(best).collect()
}

/// The share of items whose `labels` equal `gold`; items without a gold label are left out.
///
/// # Errors
/// [`Error::Undefined`] if no item has one.
pub fn accuracy(labels: &[usize], gold: &[Option<usize>]) -> Result<f64> {
    let pairs = || labels.iter().zip(gold).filter_map(|(l, g)| Some((*l, (*g)?)));
    match pairs().count() {
        0 => Err(Error::Undefined { what: "the accuracy", why: "no item has a gold label" }),
        n => Ok(pairs().filter(|(l, g)| l == g).count() as f64 / n as f64),
    }
}

/// Per first-come number of a name its rank, and the sorted names.
fn ranks(names: BTreeMap<String, u32>) -> (Vec<u32>, Vec<String>) {
    let mut sorted: Vec<(String, u32)> = names.into_iter().collect();
    let numbers: Option<Vec<f64>> =
        sorted.iter().map(|(n, _)| n.parse().ok().filter(|v: &f64| v.is_finite())).collect();
    if numbers.is_some() {
        let number = |name: &str| name.parse::<f64>().unwrap_or_default();
        sorted.sort_by(|a, b| number(&a.0).total_cmp(&number(&b.0)));
    }
    let mut ranks = vec![0; sorted.len()];
    for (rank, (_, first_come)) in sorted.iter().enumerate() {
        if let Some(place) = ranks.get_mut(*first_come as usize) {
            *place = rank as u32;
        }
    }
    (ranks, sorted.into_iter().map(|(name, _)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Annotation, Label, Media, MediaKind, Rater, RaterKind, Target};
    use crate::time::TimeBase;

    #[test]
    fn names_sort_as_numbers_and_order_does_not_matter() {
        let rows = [("10", "w", "1"), ("9", "w", "0"), ("9", "v", "1"), ("9", "w", "1")];
        let ratings = Ratings::from_triples(rows).unwrap();
        assert_eq!((ratings.item_names(), ratings.repeated()), (["9".to_owned(), "10".to_owned()].as_slice(), 1));
        let other = Ratings::from_triples([rows[2], rows[1], rows[0]]).unwrap();
        assert_eq!(ratings.all(), other.all());
        assert_eq!(ratings.pair(0, 1), (vec![1], vec![0]));
        let matrix = ratings.to_matrix(|c| c as f64);
        assert_eq!((matrix[0], matrix[2], matrix[3]), (1.0, 0.0, 1.0));
        assert!(matrix[1].is_nan());
        assert!(Ratings::from_triples::<&str>([]).is_err());
        assert!(Ratings::new(1, 1, 1, vec![Rating { item: 0, rater: 1, class: 0 }]).is_err());
    }

    #[test]
    fn from_annotations_of_several_raters() {
        let mut document = Document::default();
        let media = document.add_media(Media::new("ecg", MediaKind::Signal).with_time(TimeBase::seconds()));
        let labels = [document.add_label(Label::new("N")), document.add_label(Label::new("V"))];
        for (rater, classes) in [("a", [0, 1, 0]), ("b", [0, 0, 0])] {
            let rater = document.add_rater(Rater::new(rater, RaterKind::Human));
            for (at, class) in [7, 10, 100].into_iter().zip(classes) {
                let target = Target::Point(at.into());
                document.annotations.push(Annotation::new(media, target).with_label(labels[class]).with_rater(rater));
            }
        }
        let ratings = Ratings::from_document(&document).unwrap();
        assert_eq!((ratings.items(), ratings.pair(0, 1)), (3, (vec![0, 1, 0], vec![0, 0, 0])));
        assert_eq!(majority_vote(&ratings), [0, 0, 0]);
    }

    #[test]
    fn accuracy_leaves_out_what_has_no_gold() {
        assert_eq!(accuracy(&[0, 1, 1], &[Some(0), None, Some(0)]).unwrap(), 0.5);
        assert!(accuracy(&[0], &[None]).is_err());
    }
}
