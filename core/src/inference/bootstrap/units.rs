use crate::Error;
use crate::error::{Mismatch, Parameter, TooShort};
use crate::random::Stream;
use std::ops::Range;

/// What a [`Bootstrap`](super::Bootstrap) draws: rows, or patients with all their rows; within strata or not.
///
/// ```
/// use eir_core::inference::SamplingUnits;
/// let units = SamplingUnits::patients(&[17, 17, 4, 9, 9, 9])?;
/// assert_eq!(units.len(), 3);
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SamplingUnits {
    /// "rows" or "patients".
    name: &'static str,
    /// The rows, those of one unit together.
    members: Vec<usize>,
    /// Where the members of each unit begin, and their number at the end.
    starts: Vec<usize>,
    /// Units of one stratum together.
    strata: Vec<Range<usize>>,
}

impl SamplingUnits {
    /// Each of `n` rows for itself.
    ///
    /// # Errors
    /// [`Error::TooShort`] for fewer than two units, as all of these; [`Error::Parameter`] for more than 2³² − 1.
    pub fn rows(n: usize) -> Result<Self, Error> {
        Self::new("rows", (0..n).collect(), (0..=n).collect())
    }

    /// Patients, each with all its rows: `patient` is the number of the patient of each row.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn patients(patient: &[usize]) -> Result<Self, Error> {
        let mut members: Vec<usize> = (0..patient.len()).collect();
        members.sort_by_key(|row| patient[*row]);
        let mut starts = vec![0];
        for rows in members.chunk_by(|a, b| patient[*a] == patient[*b]) {
            starts.push(starts[starts.len() - 1] + rows.len());
        }
        Self::new("patients", members, starts)
    }

    /// Rows within their outcome, so that every draw has as many positives as were observed.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn by_outcome(labels: &[bool]) -> Result<Self, Error> {
        Self::rows(labels.len())?.stratified(&labels.iter().map(|l| usize::from(*l)).collect::<Vec<_>>())
    }

    /// Patients within "any row positive" and "none".
    ///
    /// # Errors
    /// As [`rows`](Self::rows), and [`Error::Mismatch`] for different lengths.
    pub fn patients_by_outcome(patient: &[usize], labels: &[bool]) -> Result<Self, Error> {
        Mismatch::check("labels", patient.len(), labels.len())?;
        let units = Self::patients(patient)?;
        let mut stratum = vec![0; labels.len()];
        for unit in 0..units.len() {
            let rows = units.members_of(unit);
            let any = usize::from(rows.iter().any(|row| labels[*row]));
            rows.iter().for_each(|row| stratum[*row] = any);
        }
        units.stratified(&stratum)
    }

    /// The same units, drawn within strata: `stratum` is a number for each row, the same for all rows of a unit. A stratum
    /// of one unit is in every draw, and adds no spread.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the lengths differ or a unit has rows in two strata.
    pub fn stratified(&self, stratum: &[usize]) -> Result<Self, Error> {
        Mismatch::check("strata", self.row_count(), stratum.len())?;
        let of_unit = |unit: usize| stratum[self.members_of(unit)[0]];
        let mixed = |unit: &usize| self.members_of(*unit).iter().any(|row| stratum[*row] != of_unit(*unit));
        if (0..self.len()).any(|unit| mixed(&unit)) {
            return Err(Mismatch::new("strata of the rows of a unit", 1, "more").into());
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|unit| of_unit(*unit));
        let mut units = Self { name: self.name, members: Vec::new(), starts: vec![0], strata: Vec::new() };
        for same in order.chunk_by(|a, b| of_unit(*a) == of_unit(*b)) {
            let first = units.starts.len() - 1;
            for unit in same {
                units.members.extend_from_slice(self.members_of(*unit));
                units.starts.push(units.members.len());
            }
            units.strata.push(first..first + same.len());
        }
        Ok(units)
    }

    fn new(name: &'static str, members: Vec<usize>, starts: Vec<usize>) -> Result<Self, Error> {
        let n = starts.len() - 1;
        if n < 2 {
            return Err(TooShort::new(name, n, 2).into());
        }
        if u32::try_from(n).is_err() {
            return Err(Parameter::new("units", n as f64, "at most 2³² − 1").into());
        }
        Ok(Self { name, members, starts, strata: std::iter::once(0..n).collect() })
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Never: there are at least two units.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Number of rows of all units.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.members.len()
    }

    /// What the units are called: "rows", "patients".
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The rows of a unit.
    pub(crate) fn members_of(&self, unit: usize) -> &[usize] {
        &self.members[self.starts[unit]..self.starts[unit + 1]]
    }

    /// The units with other numbers for their rows.
    pub(super) fn renumbered(&self, number: &[usize]) -> Self {
        Self { members: self.members.iter().map(|row| number[*row]).collect(), ..self.clone() }
    }

    /// Draws as many units as there are, stratum after stratum, and writes their rows.
    pub(super) fn draw(&self, stream: &mut Stream, Draw { units, rows }: &mut Draw) {
        units.resize(self.len(), 0);
        for stratum in &self.strata {
            below(stream, &mut units[stratum.clone()]);
            units[stratum.clone()].iter_mut().for_each(|unit| *unit += stratum.start);
        }
        rows.clear();
        if self.members.len() == self.len() {
            rows.extend(units.iter().map(|unit| self.members[*unit])); // one row each: no list of lists
        } else {
            units.iter().for_each(|unit| rows.extend_from_slice(self.members_of(*unit)));
        }
    }

    /// Writes the rows of all units but one into `rows`.
    pub(super) fn all_but(&self, unit: usize, rows: &mut Vec<usize>) {
        rows.clear();
        rows.extend_from_slice(&self.members[..self.starts[unit]]);
        rows.extend_from_slice(&self.members[self.starts[unit + 1]..]);
    }
}

/// The units of a draw, and their rows.
#[derive(Debug, Default)]
pub(super) struct Draw {
    units: Vec<usize>,
    pub(super) rows: Vec<usize>,
}

/// Fills `out` with numbers below its length (which fits 32 bits), without bias: as many from the same 64 random bits as
/// they hold, for what one product leaves over is as random as before.
///
/// Brackett-Rozinsky, Lemire 2024, Batched ranged random integer generation, doi:10.1002/spe.3369.
fn below(stream: &mut Stream, out: &mut [usize]) {
    let n = out.len() as u64;
    let bits = u64::BITS - n.leading_zeros();
    let batch = (56 / bits.max(1)).max(1); // eight bits to spare, so that few are rejected
    let outcomes = n.pow(batch);
    for numbers in out.chunks_mut(batch as usize) {
        loop {
            let mut rest = stream.bits();
            for number in &mut *numbers {
                let product = u128::from(rest) * u128::from(n);
                *number = (product >> 64) as usize;
                rest = product as u64;
            }
            // the division only where it can matter
            if rest >= outcomes || rest >= outcomes.wrapping_neg() % outcomes {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    fn drawn(units: &SamplingUnits, item: u64) -> Vec<usize> {
        let mut draw = Draw::default();
        units.draw(&mut Generator::new(1, "draw").stream(item), &mut draw);
        draw.rows
    }

    #[test]
    fn patients_are_drawn_whole_and_strata_keep_their_numbers() {
        let patient = [3, 1, 3, 2, 1, 5, 4, 5];
        let labels = [true, false, false, true, false, false, false, false];
        let units = SamplingUnits::patients_by_outcome(&patient, &labels).unwrap();
        assert_eq!((units.len(), units.row_count()), (5, 8));
        for item in 0..50 {
            let rows = drawn(&units, item);
            let count = |of: &dyn Fn(usize) -> bool| rows.iter().filter(|r| of(**r)).count();
            assert_eq!(count(&|r| r == 0), count(&|r| r == 2)); // both rows of patient 3
            assert_eq!(count(&|r| r == 0) + count(&|r| r == 3), 2); // two patients with a positive row
        }
    }

    #[test]
    fn every_unit_is_drawn_as_often() {
        let units = SamplingUnits::rows(7).unwrap();
        let mut counts = [0usize; 7];
        (0..10_000).for_each(|item| drawn(&units, item).iter().for_each(|r| counts[*r] += 1));
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
    }

    #[test]
    fn numbers_of_all_batches_are_below_their_bound_and_spread_over_it() {
        for n in [1, 2, 5, 1000, 1 << 14, (1 << 14) + 1, 300_003] {
            let mut out = vec![usize::MAX; n];
            below(&mut Generator::new(6, "batch").stream(0), &mut out);
            let mean = out.iter().map(|v| *v as f64).sum::<f64>() / n as f64;
            let middle = (n - 1) as f64 / 2.0;
            assert!(
                out.iter().all(|v| *v < n) && (mean - middle).abs() <= 4.0 * n as f64 / (12.0 * n as f64).sqrt(),
                "{n}"
            );
        }
    }

    #[test]
    fn refuses_what_cannot_be_drawn() {
        assert!(matches!(SamplingUnits::rows(1), Err(Error::TooShort(_))));
        assert!(matches!(SamplingUnits::patients(&[4, 4, 4]), Err(Error::TooShort(_))));
        assert!(matches!(SamplingUnits::patients(&[]), Err(Error::TooShort(_))));
        let units = SamplingUnits::patients(&[1, 1, 2]).unwrap();
        assert!(matches!(units.stratified(&[0, 1, 1]), Err(Error::Mismatch(_))));
        assert!(matches!(units.stratified(&[0, 1]), Err(Error::Mismatch(_))));
    }

    #[test]
    fn leaving_out() {
        let mut rows = Vec::new();
        SamplingUnits::patients(&[7, 3, 7]).unwrap().all_but(0, &mut rows);
        assert_eq!(rows, [0, 2]);
    }
}
