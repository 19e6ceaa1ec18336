/// Blocks of 16 words that are made at a time: so many side by side that the compiler uses vector registers.
const LANES: usize = 16;

/// ChaCha with 8 rounds, 64-bit counter and 64-bit stream (Bernstein 2008): key and stream give the words.
#[derive(Debug, Clone)]
pub(super) struct ChaCha8 {
    key: [u32; 8],
    stream: u64,
    counter: u64,
    words: [u32; 16 * LANES],
    used: usize,
}

impl ChaCha8 {
    pub(super) fn new(key: &[u8; 32], stream: u64) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(key.chunks_exact(4)) {
            *word = bytes.iter().rev().fold(0, |w, b| (w << 8) | u32::from(*b));
        }
        Self { key: words, stream, counter: 0, words: [0; 16 * LANES], used: 16 * LANES }
    }

    /// The next two words, the first in the low half.
    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        if self.used == self.words.len() {
            self.refill();
        }
        let bits = u64::from(self.words[self.used]) | u64::from(self.words[self.used + 1]) << 32;
        self.used += 2;
        bits
    }

    #[cold] // not in `next`, which is then a few instructions
    #[inline(never)]
    fn refill(&mut self) {
        let mut start = [[0u32; LANES]; 16];
        for (row, word) in start.iter_mut().zip([0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]) {
            *row = [word; LANES]; // "expand 32-byte k"
        }
        for (row, word) in start[4..12].iter_mut().zip(self.key) {
            *row = [word; LANES];
        }
        let counters: [u64; LANES] = std::array::from_fn(|lane| self.counter.wrapping_add(lane as u64));
        start[12] = counters.map(|c| c as u32);
        start[13] = counters.map(|c| (c >> 32) as u32);
        start[14] = [self.stream as u32; LANES];
        start[15] = [(self.stream >> 32) as u32; LANES];
        let mut state = start;
        for _ in 0..4 {
            // written out: with indices from a loop it is not vectorised, and eight times slower
            quarter(&mut state, [0, 4, 8, 12]);
            quarter(&mut state, [1, 5, 9, 13]);
            quarter(&mut state, [2, 6, 10, 14]);
            quarter(&mut state, [3, 7, 11, 15]);
            quarter(&mut state, [0, 5, 10, 15]);
            quarter(&mut state, [1, 6, 11, 12]);
            quarter(&mut state, [2, 7, 8, 13]);
            quarter(&mut state, [3, 4, 9, 14]);
        }
        for (row, (now, before)) in state.iter().zip(&start).enumerate() {
            for lane in 0..LANES {
                self.words[16 * lane + row] = now[lane].wrapping_add(before[lane]);
            }
        }
        self.counter = self.counter.wrapping_add(LANES as u64);
        self.used = 0;
    }
}

/// The quarter round on rows `[a, b, c, d]`, each lane for itself.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "closures and arrays of words keep the compiler from vector registers")]
fn quarter(state: &mut [[u32; LANES]; 16], [a, b, c, d]: [usize; 4]) {
    for lane in 0..LANES {
        let (mut w, mut x, mut y, mut z) = (state[a][lane], state[b][lane], state[c][lane], state[d][lane]);
        w = w.wrapping_add(x);
        z = (z ^ w).rotate_left(16);
        y = y.wrapping_add(z);
        x = (x ^ y).rotate_left(12);
        w = w.wrapping_add(x);
        z = (z ^ w).rotate_left(8);
        y = y.wrapping_add(z);
        x = (x ^ y).rotate_left(7);
        (state[a][lane], state[b][lane], state[c][lane], state[d][lane]) = (w, x, y, z);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    #[test]
    fn same_words_as_the_kept_crate() {
        for (key, stream) in [([0; 32], 0), ([7; 32], u64::MAX), (std::array::from_fn(|i| i as u8), 0x1_0000_0003)] {
            let mut theirs = ChaCha8Rng::from_seed(key);
            theirs.set_stream(stream);
            let mut ours = ChaCha8::new(&key, stream);
            assert!((0..1000).all(|_| ours.next() == theirs.next_u64()));
        }
    }
}
