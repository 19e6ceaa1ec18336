//! The median of every window of a recording, by ranks.
//!
//! A block of samples is sorted once; from then on a sample is its rank, the window a set of bits, and the median the bit
//! with half of the others below it: a sample leaves and one comes, so the median stays or moves to the next bit up or
//! down. Two blocks go side by side, as each step waits for the one before it.
//!
//! Sorted is by 2 × 8 bits of a linear guess of the place, then by insertion: a few cycles a sample. Where the guess is
//! poor (one spike that dwarfs the rest), by comparison, so that no signal is worse than `O(n log window)`.

use crate::dispatch::dispatched;

/// The widest window that is done by ranks: they are 16 bits.
pub(super) const WIDEST: usize = 8191;
/// The widest window for which the bits of a block are few.
pub(super) const NARROW: usize = 1023;
/// Shifts by insertion that a sample may cost before a block is sorted by comparison.
const PATIENCE: usize = 8;

/// Room for two blocks, whose bits are `WORDS` words (a power of two).
pub(super) struct Ranks<const WORDS: usize> {
    /// Samples of a block.
    size: usize,
    keys: Vec<u32>,
    turned: Vec<u32>,
    blocks: [Block<WORDS>; 2],
}

/// A sorted block and the window in it.
struct Block<const WORDS: usize> {
    /// The samples in rising order.
    sorted: Vec<f64>,
    /// The rank of each sample, from 64 on: so that there is a word before the first.
    rank: Vec<u16>,
    bits: Box<[u64; WORDS]>,
    median: u32,
}

impl<const WORDS: usize> Ranks<WORDS> {
    /// For windows of `window` samples, odd.
    pub(super) fn new(window: usize) -> Self {
        // long enough that few samples are sorted twice, short enough for the nearest cache
        let most = 64 * WORDS / 2;
        let size = (8 * window).next_power_of_two().clamp(512, 4096).max((4 * window).next_power_of_two()).min(most);
        let block = || Block { sorted: vec![0.0; size], rank: vec![0; size], bits: Box::new([0; WORDS]), median: 64 };
        Self { size, keys: vec![0; size], turned: vec![0; size], blocks: [block(), block()] }
    }

    /// `y[i]` is the median of `x[i] … x[i + window - 1]`; `x` has `window - 1` values more than `y`.
    ///
    /// Bound by the chain of dependent steps: the bit instructions of newer processors shorten it.
    pub(super) fn medians(&mut self, window: usize, x: &[f64], y: &mut [f64]) {
        dispatched(
            #[inline(always)]
            || self.medians_by_blocks(window, x, y),
        );
    }

    #[inline(always)]
    fn medians_by_blocks(&mut self, window: usize, x: &[f64], y: &mut [f64]) {
        let Self { size, keys, turned, blocks: [one, other] } = self;
        let (step, reach) = (*size - (window - 1), window - 1);
        for (i, out) in y.chunks_mut(2 * step).enumerate() {
            let from = 2 * step * i;
            let (first, second) = out.split_at_mut(step.min(out.len()));
            let middle = from + first.len();
            let (Some(a), Some(b)) = (x.get(from..middle + reach), x.get(middle..middle + second.len() + reach)) else {
                return;
            };
            one.begin(window, a, keys, turned);
            if !second.is_empty() {
                other.begin(window, b, keys, turned);
            }
            side_by_side(window, one, other, first, second);
        }
    }
}

impl<const WORDS: usize> Block<WORDS> {
    /// Sorts a block and puts the window at its start.
    #[inline(always)]
    fn begin(&mut self, window: usize, x: &[f64], keys: &mut [u32], turned: &mut [u32]) {
        let (keys, turned, sorted) = (&mut keys[..x.len()], &mut turned[..x.len()], &mut self.sorted[..x.len()]);
        if !sort_by_guess(x, keys, turned, sorted) {
            keys.iter_mut().zip(0..).for_each(|(key, place)| *key = place);
            keys.sort_by(|a, b| x[*a as usize].total_cmp(&x[*b as usize]));
            sorted.iter_mut().zip(keys.iter()).for_each(|(v, place)| *v = x[*place as usize]);
        }
        for (key, rank) in keys.iter().zip(64u16..) {
            self.rank[(key & 0xffff) as usize] = rank;
        }
        self.bits.fill(0);
        for rank in &self.rank[..window] {
            self.bits[usize::from(rank / 64)] |= 1 << (rank % 64);
        }
        let mut left = window as u32 / 2;
        for (word, at) in self.bits.iter().zip(0u32..) {
            let here = word.count_ones();
            if left < here {
                let mut word = *word;
                (0..left).for_each(|_| word &= word - 1);
                self.median = 64 * at + word.trailing_zeros();
                break;
            }
            left -= here;
        }
    }

    #[inline(always)]
    fn value(&self) -> f64 {
        self.sorted.get(self.median as usize - 64).copied().unwrap_or_default()
    }

    /// One sample leaves the window and one comes. Without branches that the processor could guess wrong: both
    /// neighbours of the median are looked up in the 64 places before and behind it.
    #[inline(always)]
    fn slide(&mut self, gone: u16, new: u16) {
        let (gone, new, median) = (u32::from(gone), u32::from(new), self.median);
        let word = |rank: u32| rank as usize / 64 % WORDS;
        self.bits[word(gone)] &= !(1 << (gone % 64));
        self.bits[word(new)] |= 1 << (new % 64);
        let shift = median % 64;
        let (before, here, behind) =
            (self.bits[word(median - 64)], self.bits[word(median)], self.bits[word(median + 64)]);
        let below = (before >> shift) | (here << (63 - shift) << 1);
        let above = (here >> shift >> 1) | (behind << (63 - shift));
        let comes_below = u32::from(new < median);
        let down = comes_below & u32::from(gone >= median);
        let up = (1 - comes_below) & u32::from(gone <= median);
        self.median = if (down & u32::from(below == 0)) | (up & u32::from(above == 0)) == 0 {
            let (up, down) = (up.wrapping_neg(), down.wrapping_neg());
            median + ((above.trailing_zeros() + 1) & up) - ((below.leading_zeros() + 1) & down)
        } else if down == 1 {
            previous(&self.bits[..], median)
        } else {
            next(&self.bits[..], median)
        };
    }
}

/// Slides two windows: the steps of one fill the waits of the other.
#[inline(always)]
fn side_by_side<const WORDS: usize>(
    window: usize,
    one: &mut Block<WORDS>,
    other: &mut Block<WORDS>,
    first: &mut [f64],
    second: &mut [f64],
) {
    // the ranks are read while the window moves
    let (ranks, other_ranks) = (std::mem::take(&mut one.rank), std::mem::take(&mut other.rank));
    let moves = |ranks: &[u16]| -> usize { ranks.len().saturating_sub(window) };
    let both = first.len().min(second.len()).min(moves(&ranks)).min(moves(&other_ranks));
    let pairs = ranks.iter().zip(&ranks[window.min(ranks.len())..]);
    let other_pairs = other_ranks.iter().zip(&other_ranks[window.min(other_ranks.len())..]);
    let (first_both, first_alone) = first.split_at_mut(both);
    let (second_both, second_alone) = second.split_at_mut(both);
    let together = pairs.clone().zip(other_pairs.clone()).zip(first_both.iter_mut().zip(second_both));
    for (((gone, new), (other_gone, other_new)), (a, b)) in together {
        (*a, *b) = (one.value(), other.value());
        one.slide(*gone, *new);
        other.slide(*other_gone, *other_new);
    }
    alone(one, first_alone, pairs.skip(both));
    alone(other, second_alone, other_pairs.skip(both));
    (one.rank, other.rank) = (ranks, other_ranks);
}

#[inline(always)]
fn alone<'a, const WORDS: usize>(
    block: &mut Block<WORDS>,
    y: &mut [f64],
    mut moves: impl Iterator<Item = (&'a u16, &'a u16)>,
) {
    let last = y.len().saturating_sub(1);
    for (i, out) in y.iter_mut().enumerate() {
        *out = block.value();
        if let Some((gone, new)) = moves.next().filter(|_| i < last) {
            block.slide(*gone, *new);
        }
    }
}

/// The set bit before `from`.
#[cold]
fn previous(bits: &[u64], from: u32) -> u32 {
    let mut at = from as usize / 64;
    let mut word = bits[at] & ((1 << (from % 64)) - 1);
    while word == 0 && at > 0 {
        at -= 1;
        word = bits[at];
    }
    64 * at as u32 + 63 - word.leading_zeros().min(63)
}

/// The set bit behind `from`.
#[cold]
fn next(bits: &[u64], from: u32) -> u32 {
    let mut at = from as usize / 64;
    let mut word = bits[at] & (!1 << (from % 64));
    while word == 0 && at + 1 < bits.len() {
        at += 1;
        word = bits[at];
    }
    64 * at as u32 + word.trailing_zeros().min(63)
}

/// Sorts `x` into `sorted`, equal values in the order of time, and leaves in the lower half of `keys` where each came from;
/// false if the guess was too poor.
#[inline(always)]
fn sort_by_guess(x: &[f64], keys: &mut [u32], turned: &mut [u32], sorted: &mut [f64]) -> bool {
    const LEVELS: f64 = 65535.0;
    let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let (parts, rest) = x.as_chunks::<8>();
    for part in parts {
        for ((low, high), v) in low.iter_mut().zip(&mut high).zip(part) {
            *low = if *v < *low { *v } else { *low };
            *high = if *v > *high { *v } else { *high };
        }
    }
    let low = low.iter().chain(rest).copied().fold(f64::INFINITY, f64::min);
    let high = high.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max);
    let scale = LEVELS / (high - low);
    if !(scale.is_finite() && scale > 0.0) {
        return false; // all equal, or further apart than numbers can be
    }
    // added to 2^52, a number from 0 to 65535 stands in the lowest bits
    const WHOLE: f64 = (1u64 << 52) as f64;
    for ((key, v), place) in keys.iter_mut().zip(x).zip(0u32..) {
        let level = ((v - low) * scale + WHOLE).to_bits() as u32;
        *key = (level << 16) | place;
    }
    let (mut lower, mut upper) = ([0u16; 256], [0u16; 256]);
    for key in keys.iter() {
        lower[(key >> 16 & 255) as usize] += 1;
        upper[(key >> 24) as usize] += 1;
    }
    let (mut a, mut b) = (0, 0);
    for (lower, upper) in lower.iter_mut().zip(&mut upper) {
        (a, *lower) = (a + *lower, a);
        (b, *upper) = (b + *upper, b);
    }
    for key in keys.iter() {
        let to = &mut lower[(key >> 16 & 255) as usize];
        turned[usize::from(*to)] = *key;
        *to += 1;
    }
    for key in turned.iter() {
        let to = &mut upper[(key >> 24) as usize];
        keys[usize::from(*to)] = *key;
        *to += 1;
    }
    let mut patience = PATIENCE * x.len();
    let mut before = f64::NEG_INFINITY;
    for i in 0..x.len() {
        let key = keys[i];
        let now = x[(key & 0xffff) as usize];
        sorted[i] = now;
        if now < before {
            let mut to = i;
            while to > 0 && now < sorted[to - 1] {
                (sorted[to], keys[to]) = (sorted[to - 1], keys[to - 1]);
                to -= 1;
            }
            (sorted[to], keys[to]) = (now, key);
            let Some(left) = patience.checked_sub(i - to) else { return false };
            patience = left;
        } else {
            before = now;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::median_stream::MedianStream;
    use super::*;

    #[test]
    fn equals_the_heaps_on_every_kind_of_signal() {
        let mut word = 1u32;
        let mut next = || {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(word >> 8) / f64::from(1 << 24)
        };
        let noise: Vec<f64> = (0..6000).map(|_| next() - 0.5).collect();
        let coarse: Vec<f64> = noise.iter().map(|v| (v * 20.0).round() / 200.0).collect();
        let spiked: Vec<f64> =
            noise.iter().enumerate().map(|(i, v)| if i % 100 == 0 { v * 1e300 } else { *v }).collect();
        let rising: Vec<f64> = (0..6000).map(|i| f64::from(i).powi(3)).collect();
        let falling: Vec<f64> = rising.iter().map(|v| -v).collect();
        let apart: Vec<f64> = noise.iter().map(|v| v.signum() * f64::MAX).collect();
        let tiny: Vec<f64> = (0..6000).map(|i| f64::from_bits(i % 7)).collect();
        for x in [noise, coarse, spiked, rising, falling, apart, tiny, vec![3.0; 6000]] {
            for window in [1, 3, 5, 73, 217, 999, 2001] {
                let mut stream = MedianStream::new(window, 0.0);
                let want: Vec<f64> = x.iter().map(|v| stream.push(*v)).skip(window - 1).collect();
                let mut got = vec![0.0; want.len()];
                if window <= NARROW {
                    Ranks::<128>::new(window).medians(window, &x, &mut got);
                    assert_eq!(got, want, "window {window}, few bits");
                }
                Ranks::<1024>::new(window).medians(window, &x, &mut got);
                assert_eq!(got, want, "window {window}");
            }
        }
    }
}
