use super::units::Draw;
use super::{Bootstrap, BootstrapDistribution, BootstrapInterval, SamplingUnits};
use crate::error::Mismatch;
use crate::inference::hanley_mcneil::separation_bound;
use crate::metrics::check_scores;
use crate::{Error, Estimate};

impl Bootstrap {
    /// The AUROC with its bootstrap interval; `units` says what is drawn:
    /// [`SamplingUnits::by_outcome`], or [`patients_by_outcome`](SamplingUnits::patients_by_outcome) where patients have
    /// several rows.
    ///
    /// The scores are sorted once; each replicate then counts how often each row was drawn and walks the sorted rows: O(n)
    /// instead of O(n log n). All counts are whole numbers, so that equal areas are equal bits.
    ///
    /// Where the classes are separated completely every replicate is too, and says nothing: the interval is then the exact
    /// one-sided bound of [`hanley_mcneil`](crate::inference::hanley_mcneil()), and the method says so.
    ///
    /// # Examples
    /// ```
    /// use eir_core::inference::{Bootstrap, SamplingUnits};
    /// let labels = [false, false, false, true, false, true, true, true, false, true];
    /// let scores = [0.1, 0.3, 0.2, 0.25, 0.6, 0.7, 0.9, 0.8, 0.4, 0.5];
    /// let auroc = Bootstrap::default().auroc(&labels, &scores, &SamplingUnits::by_outcome(&labels)?)?;
    /// assert_eq!((auroc.value, auroc.upper), (0.84, 1.0));
    /// assert!(auroc.lower > 0.3 && auroc.lower < 0.6);
    /// # Ok::<(), eir_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`auroc`](crate::metrics::auroc()) and [`estimate`](Self::estimate); a replicate without both classes, which can
    /// only be where `units` are not drawn within outcomes, is [`Error::NotFinite`].
    pub fn auroc(&self, labels: &[bool], scores: &[f64], units: &SamplingUnits) -> Result<Estimate, Error> {
        let distribution = self.auroc_distribution(labels, scores, units)?;
        let area = distribution.estimate();
        if area == 0.0 || area == 1.0 {
            return Ok(separation_bound(area, independent_pairs(labels, units), self.level, units.len()));
        }
        distribution.interval(self.interval, self.level)
    }

    /// The replicates of [`auroc`](Self::auroc), and the jackknife for BCa.
    ///
    /// # Errors
    /// As `auroc`.
    pub fn auroc_distribution(
        &self,
        labels: &[bool],
        scores: &[f64],
        units: &SamplingUnits,
    ) -> Result<BootstrapDistribution, Error> {
        check_scores(labels, scores)?;
        Mismatch::check("rows of the units", labels.len(), units.row_count())?;
        let (ranked, places) = Ranked::new(labels, scores);
        let all = ranked.pairs((0..labels.len()).map(|place| (place, 1)));
        if all.positives == 0 || all.negatives == 0 {
            return Err(Error::OneClass);
        }
        let placed = units.renumbered(&places);
        let replicates = self.map_streams(
            "bootstrap",
            || (Draw::default(), vec![0u32; labels.len()]),
            |(draw, counts), stream| {
                placed.draw(stream, draw);
                counts.fill(0);
                draw.rows.iter().for_each(|place| counts[*place] += 1);
                ranked.pairs(counts.iter().map(|c| u64::from(*c)).enumerate()).area()
            },
        )?;
        let jackknife = match self.interval {
            BootstrapInterval::Bca => ranked.jackknife(&all, &placed),
            _ => Vec::new(),
        };
        Ok(BootstrapDistribution::new(all.area(), replicates, jackknife)?.of_units(units))
    }
}

/// How many pairs of a unit with a positive and another with a negative can be made, each unit used once.
fn independent_pairs(labels: &[bool], units: &SamplingUnits) -> usize {
    let with =
        |label: bool| (0..units.len()).filter(move |u| units.members_of(*u).iter().any(|row| labels[*row] == label));
    with(true).count().min(with(false).count()).min(units.len() / 2)
}

/// The rows from the highest score down; a row's number in this order is its place.
struct Ranked {
    positive: Vec<bool>,
    /// Counts the distinct scores.
    group: Vec<u32>,
}

/// Pairs of a positive and a negative.
struct Pairs {
    positives: u64,
    negatives: u64,
    /// Twice the number of pairs whose positive is above, plus that of tied pairs.
    twice_won: u64,
}

impl Pairs {
    /// The area; NaN without pairs.
    fn area(&self) -> f64 {
        self.twice_won as f64 / (2 * self.positives * self.negatives) as f64
    }
}

impl Ranked {
    /// The ranked rows, and the place of each row.
    fn new(labels: &[bool], scores: &[f64]) -> (Self, Vec<usize>) {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].partial_cmp(&scores[*a]).unwrap_or(std::cmp::Ordering::Equal)); // all finite
        let mut group = Vec::with_capacity(order.len());
        for (number, tied) in (0u32..).zip(order.chunk_by(|a, b| scores[*a] == scores[*b])) {
            group.extend(tied.iter().map(|_| number));
        }
        let mut places = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(row, place)| places[*row] = place);
        (Self { positive: order.iter().map(|row| labels[*row]).collect(), group }, places)
    }

    /// Counts the pairs of `rows`: places in their order, each with how often it counts.
    fn pairs(&self, rows: impl Iterator<Item = (usize, u64)>) -> Pairs {
        let (mut positives, mut negatives, mut twice_won) = (0, 0, 0); // positives: above the group at hand
        let (mut group, mut tied_positives, mut tied_negatives) = (0, 0, 0);
        for (place, count) in rows {
            if self.group[place] != group {
                group = self.group[place];
                positives += tied_positives;
                negatives += tied_negatives;
                (tied_positives, tied_negatives) = (0, 0);
            }
            // products in place of a branch, which would be missed every other time
            let positive = count * u64::from(self.positive[place]);
            let negative = count - positive;
            twice_won += negative * (2 * positives + tied_positives) + positive * tied_negatives;
            tied_positives += positive;
            tied_negatives += negative;
        }
        Pairs { positives: positives + tied_positives, negatives: negatives + tied_negatives, twice_won }
    }

    /// The area without each unit: what its rows won against all, less what they won among themselves (counted twice).
    fn jackknife(&self, all: &Pairs, units: &SamplingUnits) -> Vec<f64> {
        let won = self.twice_won_by_row(all);
        (0..units.len())
            .map(|unit| {
                let mut places = units.members_of(unit).to_vec();
                places.sort_unstable();
                let own = self.pairs(places.iter().map(|place| (*place, 1)));
                let lost = places.iter().map(|place| won[*place]).sum::<u64>() - own.twice_won;
                let rest = Pairs {
                    positives: all.positives - own.positives,
                    negatives: all.negatives - own.negatives,
                    twice_won: all.twice_won - lost,
                };
                rest.area()
            })
            .collect()
    }

    /// For each place twice the number of pairs in order that the row is part of; ties once.
    fn twice_won_by_row(&self, all: &Pairs) -> Vec<u64> {
        let mut won = Vec::with_capacity(self.group.len());
        let (mut positives, mut negatives) = (0, 0); // above
        let places: Vec<usize> = (0..self.group.len()).collect();
        for tied in places.chunk_by(|a, b| self.group[*a] == self.group[*b]) {
            let tied_positives = tied.iter().filter(|place| self.positive[**place]).count() as u64;
            let tied_negatives = tied.len() as u64 - tied_positives;
            let of_positive = 2 * (all.negatives - negatives - tied_negatives) + tied_negatives;
            let of_negative = 2 * positives + tied_positives;
            won.extend(tied.iter().map(|place| if self.positive[*place] { of_positive } else { of_negative }));
            positives += tied_positives;
            negatives += tied_negatives;
        }
        won
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::auroc;
    use crate::random::Generator;

    #[test]
    fn equals_the_slow_way() {
        let mut stream = Generator::new(2, "areas").stream(0);
        let labels: Vec<bool> = (0..60).map(|_| stream.chance(0.4)).collect();
        let scores: Vec<f64> = (0..60).map(|_| stream.below(12) as f64).collect();
        let patients: Vec<usize> = (0..60).map(|_| stream.below(25)).collect();
        let slow = |rows: &[usize]| {
            let labels: Vec<bool> = rows.iter().map(|i| labels[*i]).collect();
            let scores: Vec<f64> = rows.iter().map(|i| scores[*i]).collect();
            auroc(&labels, &scores).unwrap_or(f64::NAN)
        };
        let bootstrap = Bootstrap::default().with_replicates(300).with_seed(8);
        for units in [
            SamplingUnits::by_outcome(&labels).unwrap(),
            SamplingUnits::patients_by_outcome(&patients, &labels).unwrap(),
        ] {
            let fast = bootstrap.auroc_distribution(&labels, &scores, &units).unwrap();
            let slow = bootstrap.distribution(&units, slow).unwrap();
            let close =
                |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-14);
            assert!(close(fast.replicates(), slow.replicates()));
            assert!(close(fast.jackknife(), slow.jackknife()));
            assert!((fast.estimate() - slow.estimate()).abs() < 1e-15);
        }
    }

    #[test]
    fn one_class_and_other_rows_are_errors() {
        let units = SamplingUnits::rows(3).unwrap();
        let run = |labels: &[bool], scores: &[f64]| Bootstrap::default().auroc(labels, scores, &units);
        assert_eq!(run(&[true; 3], &[1.0, 2.0, 3.0]), Err(Error::OneClass));
        assert!(matches!(run(&[true; 3], &[1.0, 2.0]), Err(Error::Mismatch(_))));
        assert!(matches!(run(&[true, false], &[1.0, 2.0]), Err(Error::Mismatch(_))));
        assert!(matches!(run(&[true, false, true], &[1.0, f64::NAN, 3.0]), Err(Error::NotFinite(_))));
        // drawn without strata, some replicate has one class only
        assert!(matches!(run(&[true, false, true], &[1.0, 2.0, 3.0]), Err(Error::NotFinite(_))));
    }

    #[test]
    fn complete_separation_is_never_certain() {
        let labels = [false, false, true, true, true, false];
        let scores = [0.0, 1.0, 4.0, 3.0, 5.0, 2.0];
        let by_row = SamplingUnits::by_outcome(&labels).unwrap();
        let by_patient = SamplingUnits::patients_by_outcome(&[1, 1, 2, 3, 3, 1], &labels).unwrap();
        for (units, pairs) in [(by_row, 3.0), (by_patient, 1.0)] {
            let perfect = Bootstrap::default().auroc(&labels, &scores, &units).unwrap();
            assert!((perfect.lower - 0.05f64.powf(1.0 / pairs)).abs() < 1e-15 && perfect.upper == 1.0, "{perfect}");
        }
    }
}
