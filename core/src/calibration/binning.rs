use crate::Error;
use crate::error::Parameter;
use serde::{Deserialize, Serialize};

/// Most bins that may be asked for.
const MOST: usize = 1_000_000;

/// How probabilities are put into bins; each form with the number of bins.
///
/// The error that bins measure grows with their number over the number of cases: never compare two without both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Binning {
    /// Bin k of B is (k/B, (k+1)/B], and 0 lies in the first: the usual ECE, and scikit-learn's "uniform".
    EqualWidth(usize),
    /// Sorted, with cases in their order where probabilities are equal, and cut into groups of one size: the first
    /// n mod B have one more (NumPy's `array_split`). Equal probabilities may fall into two groups.
    EqualMass(usize),
    /// Between the quantiles k/B (on straight lines between cases), upper end included: scikit-learn's "quantile".
    /// Equal probabilities stay together, so that groups may differ in size.
    Quantile(usize),
    /// Bin k of B is [k/B, (k+1)/B), and 1 is a bin of its own: torchmetrics 1.9.0.
    Torchmetrics(usize),
}

impl Binning {
    /// Number of bins asked for.
    #[must_use]
    pub fn bins(self) -> usize {
        match self {
            Self::EqualWidth(b) | Self::EqualMass(b) | Self::Quantile(b) | Self::Torchmetrics(b) => b,
        }
    }

    /// Checks the number of bins.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is 1 to 1 000 000.
    pub fn validate(self) -> Result<(), Error> {
        match self.bins() {
            1..=MOST => Ok(()),
            bins => Err(Parameter::new("bins", bins as f64, "1 to 1 000 000").into()),
        }
    }

    /// Calls `each` with the position of every probability and its bin; all are known to be in 0 to 1, and one at least.
    pub(super) fn assign(self, probabilities: &[f64], mut each: impl FnMut(usize, usize)) {
        let n = probabilities.len();
        match self {
            Self::EqualWidth(bins) => {
                let bin = |p: f64| ((p * bins as f64).ceil() as usize).clamp(1, bins) - 1;
                probabilities.iter().enumerate().for_each(|(i, p)| each(i, bin(*p)));
            }
            Self::Torchmetrics(bins) => {
                probabilities.iter().enumerate().for_each(|(i, p)| each(i, (p * bins as f64) as usize));
            }
            Self::EqualMass(bins) => {
                // + 0.0 makes −0 the 0 that it equals
                let mut sorted: Vec<(f64, usize)> = probabilities.iter().map(|p| p + 0.0).zip(0..).collect();
                sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
                let (size, larger) = (n / bins, n % bins);
                let split = larger * (size + 1);
                for (place, (_, i)) in sorted.into_iter().enumerate() {
                    let bin = if place < split { place / (size + 1) } else { larger + (place - split) / size };
                    each(i, bin);
                }
            }
            Self::Quantile(bins) => {
                let edges = quantiles(probabilities, bins);
                probabilities.iter().enumerate().for_each(|(i, p)| each(i, edges.partition_point(|e| e < p)));
            }
        }
    }
}

/// The inner quantiles k/B.
fn quantiles(values: &[f64], bins: usize) -> Vec<f64> {
    // where a quantile falls on a case, the last bit decides on which side that lies: NumPy's order of operations
    let last = (values.len() - 1) as f64;
    let places: Vec<f64> = (1..bins).map(|k| k as f64 * (1.0 / bins as f64) * 100.0 / 100.0 * last).collect();
    let mut ranks: Vec<usize> = places.iter().flat_map(|p| [p.floor() as usize, p.ceil() as usize]).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let mut values = values.to_vec();
    select(&mut values, 0, &ranks);
    let between = |place: &f64| {
        let (low, high, share) = (values[place.floor() as usize], values[place.ceil() as usize], place.fract());
        if share >= 0.5 { high - (high - low) * (1.0 - share) } else { low + (high - low) * share }
    };
    places.iter().map(between).collect()
}

/// Puts the values of the rising `ranks` (counted from `start` on) where a sort would put them.
fn select(values: &mut [f64], start: usize, ranks: &[usize]) {
    let Some(rank) = ranks.get(ranks.len() / 2) else { return };
    let (below, _, above) = values.select_nth_unstable_by(rank - start, f64::total_cmp);
    let before = ranks.partition_point(|r| r < rank);
    let behind = ranks.partition_point(|r| r <= rank);
    select(below, start, &ranks[..before]);
    select(above, rank + 1, &ranks[behind..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(binning: Binning, p: &[f64]) -> Vec<usize> {
        let mut bins = vec![usize::MAX; p.len()];
        binning.assign(p, |i, bin| bins[i] = bin);
        bins
    }

    #[test]
    fn edges_belong_where_the_names_say() {
        let p = [0.0, 0.25, 0.26, 0.5, 1.0];
        assert_eq!(bins(Binning::EqualWidth(4), &p), [0, 0, 1, 1, 3]);
        assert_eq!(bins(Binning::Torchmetrics(4), &p), [0, 1, 1, 2, 4]);
        assert_eq!(bins(Binning::EqualMass(3), &p), [0, 0, 1, 1, 2]);
        assert_eq!(bins(Binning::EqualMass(7), &p), [0, 1, 2, 3, 4]);
        assert_eq!(bins(Binning::Quantile(2), &p), [0, 0, 0, 1, 1]);
        assert_eq!(bins(Binning::EqualMass(2), &[0.5, 0.5, 0.1, -0.0]), [1, 1, 0, 0]);
        assert_eq!(bins(Binning::Quantile(3), &[0.4; 4]), [0; 4]);
    }

    #[test]
    fn selected_quantiles_are_those_of_a_sort() {
        let mut stream = crate::random::Generator::new(1, "quantiles").stream(0);
        for n in [1, 2, 7, 100, 1001] {
            let p: Vec<f64> = (0..n).map(|_| (stream.uniform() * 50.0).floor() / 50.0).collect();
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            for count in [1, 2, 10, 150] {
                let got = quantiles(&p, count);
                let want = (1..count).filter_map(|k| crate::metrics::sorted_quantile(&sorted, k as f64 / count as f64));
                assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-12), "{n} {count}");
                assert_eq!(got.len(), count - 1);
            }
        }
    }
}
