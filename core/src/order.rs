//! Sorting of numbers: one place for all, so that it is compiled once.

/// Numbers from which on sorting by digits beats comparing.
const LARGE: usize = 8192;
/// Bits of a digit: its counters and the ends of its 2048 piles stay in the first-level cache.
const BITS: u32 = 11;
const PILES: usize = 1 << BITS;
const DIGITS: usize = u64::BITS.div_ceil(BITS) as usize;

/// Sorts `values` from the lowest up, in the order of [`f64::total_cmp`].
///
/// Six passes that deal the numbers out by 11 bits each, the last digit first; a digit that all share is left out.
/// Bound by the latency of scattered writes, not by branches that can't be foreseen as a sort by comparison is.
pub(crate) fn ascending(values: &mut [f64]) {
    if values.len() < LARGE || u32::try_from(values.len()).is_err() {
        return values.sort_unstable_by(f64::total_cmp);
    }
    if values.is_sorted_by(|a, b| a.total_cmp(b).is_le()) {
        return;
    }
    let mut from: Vec<u64> = values.iter().map(|v| key(*v)).collect();
    let mut counts = vec![[0u32; PILES]; DIGITS];
    for key in &from {
        for (digit, counts) in counts.iter_mut().enumerate() {
            counts[pile(*key, digit)] += 1;
        }
    }
    let mut to = vec![0; from.len()];
    for (digit, counts) in counts.iter_mut().enumerate() {
        if counts[pile(from[0], digit)] as usize == from.len() {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for key in &from {
            let next = &mut counts[pile(*key, digit)];
            to[*next as usize] = *key;
            *next += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    values.iter_mut().zip(from).for_each(|(value, key)| *value = number(key));
}

/// Indices of `values` from the lowest value up, equal ones in the order in which they stand.
pub(crate) fn rising(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    order
}

fn pile(key: u64, digit: usize) -> usize {
    (key >> (BITS * digit as u32)) as usize % PILES
}

/// Bits that rise with the number: of the negative ones all are turned, of the others the sign.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    bits ^ (((bits.cast_signed() >> 63).cast_unsigned()) | 1 << 63)
}

fn number(key: u64) -> f64 {
    f64::from_bits(key ^ (((!key).cast_signed() >> 63).cast_unsigned() | 1 << 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn equals_a_sort_by_comparison() {
        let mut stream = Generator::new(4, "order test").stream(0);
        let normal: Vec<f64> = (0..LARGE + 77).map(|_| stream.normal()).collect();
        let bits: Vec<f64> = (0..LARGE).map(|_| f64::from_bits(stream.bits())).collect(); // NaN and infinities too
        let ties: Vec<f64> = normal.iter().map(|v| v.round()).collect(); // also −0
        let falling: Vec<f64> = (0..LARGE).rev().map(|i| i as f64).collect();
        for values in [normal.clone(), bits, ties, falling, vec![1.0; LARGE], normal[..100].to_vec(), Vec::new()] {
            let (mut own, mut sorted) = (values.clone(), values);
            ascending(&mut own);
            sorted.sort_unstable_by(f64::total_cmp);
            assert!(own.iter().zip(&sorted).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}
