//! The k-th smallest of many numbers, without moving them all.

/// Numbers from which on it pays to look at a sample first.
const LARGE: usize = 65_536;
/// Size of the sample.
const SAMPLE: usize = 16_384;

/// The `rank`-th smallest (1 is the smallest) of `values`, which are no NaN; `rank` is 1 to their number.
///
/// Of many values a sample tells two numbers between which the answer lies almost surely. One pass, bound by memory,
/// counts those below and keeps those between; only these are put in order. Where the sample misleads, all are.
///
/// Source: Floyd, Rivest 1975, doi:10.1145/360680.360691.
pub(super) fn kth_smallest(values: &[f64], rank: usize) -> f64 {
    between(values, rank).unwrap_or_else(|| select(values.to_vec(), rank))
}

fn select(mut values: Vec<f64>, rank: usize) -> f64 {
    *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

fn between(values: &[f64], rank: usize) -> Option<f64> {
    if values.len() < LARGE {
        return None;
    }
    let mut sample: Vec<f64> = values.iter().step_by(values.len() / SAMPLE).copied().collect();
    let share = rank as f64 / values.len() as f64;
    let expected = (share * sample.len() as f64) as usize;
    let margin = 4 + (4.0 * (share * (1.0 - share) * sample.len() as f64).sqrt()) as usize; // four standard deviations
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    if expected + margin < sample.len() {
        high = *sample.select_nth_unstable_by(expected + margin, f64::total_cmp).1;
        sample.truncate(expected + margin);
    }
    if let Some(rank) = expected.checked_sub(margin) {
        low = *sample.select_nth_unstable_by(rank, f64::total_cmp).1;
    }
    let (mut below, mut kept) = (0usize, Vec::with_capacity(values.len() / 8));
    let mut keep = |values: &[f64]| kept.extend(values.iter().filter(|v| (low..=high).contains(*v)));
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        let mut counts = [0u64; 2];
        for v in eight {
            counts[0] += u64::from(*v < low);
            counts[1] += u64::from((low..=high).contains(v));
        }
        below += counts[0] as usize;
        if counts[1] > 0 {
            keep(eight);
        }
    }
    below += rest.iter().filter(|v| **v < low).count();
    keep(rest);
    (below < rank && rank <= below + kept.len()).then(|| select(kept, rank - below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn equals_sorting() {
        let mut stream = Generator::new(3, "rank test").stream(0);
        let n = 3 * LARGE + 5;
        let normal: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let ascending: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let periodic: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 12 == 0)) + i as f64 * 1e-9).collect(); // misleads
        let ties: Vec<f64> = normal.iter().map(|v| v.round()).collect(); // also −0
        let infinite: Vec<f64> = normal.iter().map(|v| if *v > 1.0 { f64::INFINITY } else { *v }).collect();
        for values in [normal, ascending, periodic, ties, infinite, vec![2.0; n]] {
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            for rank in [1, 2, 100, n / 12, n / 2, 11 * n / 12, n - 40, n - 1, n] {
                assert_eq!(kth_smallest(&values, rank).to_bits(), sorted[rank - 1].to_bits(), "rank {rank}");
            }
        }
    }
}
