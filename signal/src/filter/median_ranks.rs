//! The median of every window of a recording, by ranks.
//!
//! A block of samples is sorted once; from then on a sample is its rank, the window a set of bits, and the median the bit
//! with half of the others below it: a sample leaves and one comes, so the median stays or moves to the next bit up or
//! down. Sorting by a linear guess of the place, then by insertion, costs a few cycles a sample; a bin that the guess
//! fills with many different values is sorted by comparison, so that no signal is worse than `O(n log window)`.

/// The widest window that is done by ranks: they are 16 bits.
pub(super) const WIDEST: usize = 8191;
/// A bin with more samples than this is sorted by comparison.
const CROWDED: u32 = 16;

/// Room for one block.
pub(super) struct Ranks {
    /// Samples of a block.
    size: usize,
    bins: Vec<u32>,
    bin_of: Vec<u32>,
    /// The block's samples in rising order, each with its place in the block.
    sorted: Vec<(f64, u32)>,
    rank: Vec<u16>,
    bits: Vec<u64>,
}

impl Ranks {
    /// For windows of `window` samples, odd and at most [`WIDEST`].
    pub(super) fn new(window: usize) -> Self {
        // long enough that few samples are sorted twice, short enough that the next bit is near
        let size = (16 * window).next_power_of_two().clamp(256, 4096).max((4 * window).next_power_of_two());
        Self {
            size,
            bins: vec![0; 2 * size + 1],
            bin_of: vec![0; size],
            sorted: vec![(0.0, 0); size],
            rank: vec![0; size],
            bits: vec![0; size / 64 + 2],
        }
    }

    /// `y[i]` is the median of `x[i] … x[i + window - 1]`; `x` has `window - 1` values more than `y`.
    pub(super) fn medians(&mut self, window: usize, x: &[f64], y: &mut [f64]) {
        let step = self.size - (window - 1);
        for (i, out) in y.chunks_mut(step).enumerate() {
            let from = i * step;
            if let Some(part) = x.get(from..from + out.len() + window - 1) {
                self.sort(part);
                self.slide(window, out);
            }
        }
    }

    /// Gives each sample its rank; equal ones in the order of time.
    fn sort(&mut self, x: &[f64]) {
        let n = x.len();
        let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
        for part in x.chunks(8) {
            for ((low, high), v) in low.iter_mut().zip(&mut high).zip(part) {
                *low = if *v < *low { *v } else { *low };
                *high = if *v > *high { *v } else { *high };
            }
        }
        let low = low.into_iter().fold(f64::INFINITY, f64::min);
        let high = high.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let last = (2 * n - 1) as f64;
        let scale = last / (high - low);
        let sorted = &mut self.sorted[..n];
        if scale.is_finite() && high - low < f64::INFINITY && scale > 0.0 {
            let bins = &mut self.bins[..2 * n + 1];
            bins.fill(0);
            for (bin, v) in self.bin_of.iter_mut().zip(x) {
                *bin = ((v - low) * scale).min(last) as u32;
            }
            for bin in &self.bin_of[..n] {
                bins[*bin as usize + 1] += 1;
            }
            let mut crowded = false;
            let mut sum = 0;
            for count in bins.iter_mut() {
                crowded |= *count > CROWDED;
                sum += *count;
                *count = sum;
            }
            for ((v, bin), place) in x.iter().zip(&self.bin_of[..n]).zip(0u32..) {
                let to = &mut bins[*bin as usize];
                sorted[*to as usize] = (*v, place);
                *to += 1;
            }
            if crowded {
                // now bins[b] is where bin b ends
                let mut start = 0;
                for end in bins.iter() {
                    let (from, to) = (start as usize, *end as usize);
                    if *end > start + CROWDED {
                        sorted[from..to].sort_by(|a, b| a.0.total_cmp(&b.0));
                    }
                    start = *end;
                }
            }
            for i in 1..n {
                let now = sorted[i];
                let mut to = i;
                while to > 0 && now.0 < sorted[to - 1].0 {
                    sorted[to] = sorted[to - 1];
                    to -= 1;
                }
                sorted[to] = now;
            }
        } else {
            // all equal, or further apart than numbers can be
            sorted.iter_mut().zip(x).zip(0u32..).for_each(|((to, v), place)| *to = (*v, place));
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        for ((_, place), rank) in sorted.iter().zip(0u16..=u16::MAX) {
            self.rank[*place as usize] = rank;
        }
    }

    /// The medians of all windows of the sorted block.
    fn slide(&mut self, window: usize, y: &mut [f64]) {
        let half = window / 2;
        let samples = y.len() + window - 1;
        let (ranks, sorted) = (&self.rank[..samples], &self.sorted[..samples]);
        let bits = &mut self.bits[..];
        bits.fill(0);
        let (first, coming) = ranks.split_at(window);
        for rank in first {
            bits[*rank as usize / 64] |= 1 << (rank % 64);
        }
        // the median of the first window: the bit with `half` below it
        let mut median = 0;
        let mut left = half as u32;
        for (word, at) in bits.iter().zip(0u32..) {
            let here = word.count_ones();
            if left < here {
                let mut word = *word;
                (0..left).for_each(|_| word &= word - 1);
                median = 64 * at + word.trailing_zeros();
                break;
            }
            left -= here;
        }
        let write = |out: &mut f64, median: u32| {
            if let Some((v, _)) = sorted.get(median as usize) {
                *out = *v;
            }
        };
        let Some((out, rest)) = y.split_first_mut() else { return };
        write(out, median);
        for ((out, gone), new) in rest.iter_mut().zip(ranks).zip(coming) {
            let (gone, new) = (u32::from(*gone), u32::from(*new));
            bits[gone as usize / 64] &= !(1 << (gone % 64));
            bits[new as usize / 64] |= 1 << (new % 64);
            // how many more lie below the median than should
            let more = i32::from(new < median) - i32::from(gone < median);
            if more > 0 {
                median = previous(bits, median);
            } else if more < 0 || gone == median {
                median = next(bits, median);
            }
            write(out, median);
        }
    }
}

/// The set bit before `from`.
#[inline(always)]
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
#[inline(always)]
fn next(bits: &[u64], from: u32) -> u32 {
    let mut at = from as usize / 64;
    let mut word = bits[at] & (!1 << (from % 64));
    while word == 0 && at + 1 < bits.len() {
        at += 1;
        word = bits[at];
    }
    64 * at as u32 + word.trailing_zeros().min(63)
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
                Ranks::new(window).medians(window, &x, &mut got);
                assert_eq!(got, want, "window {window}");
            }
        }
    }
}
