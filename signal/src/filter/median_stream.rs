//! The median of the last samples of a live signal.

use super::kernel::through_f64;

/// The median of the last `window` samples: whatever the lengths of the pieces, the result is the same, bit for bit.
///
/// A heap of what lies above the median and one of what lies below it, with the place of each sample in them: a sample
/// costs two paths through a heap, `O(log window)`. A sample that is NaN counts as the largest while it is in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct MedianStream {
    /// The last samples, as a ring.
    ring: Vec<f64>,
    oldest: usize,
    /// `heap[half + i]` is the ring's place of heap node `i`: 0 is the median, `1 …` the heap above it with its least
    /// first, `-1 …` the heap below it with its greatest first; the children of node `i` are `2i` and `2i ± 1`.
    heap: Vec<u32>,
    /// The heap's place of each of the ring's, plus half.
    place: Vec<u32>,
    x0: f64,
}

impl MedianStream {
    /// For an odd window.
    pub(super) fn new(window: usize, x0: f64) -> Self {
        let places: Vec<u32> = (0..window as u32).collect();
        Self { ring: vec![x0; window], oldest: 0, heap: places.clone(), place: places, x0 }
    }

    /// By how many samples the median's window lies behind.
    #[must_use]
    pub fn delay_samples(&self) -> f64 {
        (self.ring.len() / 2) as f64
    }

    /// Takes a sample and gives the median of the last ones.
    pub fn push(&mut self, sample: f64) -> f64 {
        let half = self.ring.len() / 2;
        let (at, old) = (self.oldest, self.ring[self.oldest]);
        self.ring[at] = sample;
        self.oldest = if at + 1 == self.ring.len() { 0 } else { at + 1 };
        let node = self.place[at] as usize;
        if node > half {
            if less(old, sample) {
                self.sink_above(node - half);
            } else if self.rise_above(node - half) && self.swap_if_below(half, half.wrapping_sub(1)) {
                self.sink_below(1);
            }
        } else if node < half {
            if less(sample, old) {
                self.sink_below(half - node);
            } else if self.rise_below(half - node) && self.swap_if_below(half + 1, half) {
                self.sink_above(1);
            }
        } else if half > 0 {
            if self.swap_if_below(half, half - 1) {
                self.sink_below(1);
            } else if self.swap_if_below(half + 1, half) {
                self.sink_above(1);
            }
        }
        self.value(half)
    }

    /// Replaces each sample of `x` by the median of the last ones; allocates nothing.
    pub fn process(&mut self, x: &mut [f64]) {
        for v in x {
            *v = self.push(*v);
        }
    }

    /// As [`process`](Self::process).
    pub fn process_f32(&mut self, x: &mut [f32]) {
        through_f64(x, |block| self.process(block));
    }

    /// Back to the state in which it was made.
    pub fn reset(&mut self) {
        self.ring.fill(self.x0);
        self.oldest = 0;
        for (i, (heap, place)) in self.heap.iter_mut().zip(&mut self.place).enumerate() {
            (*heap, *place) = (i as u32, i as u32);
        }
    }

    fn value(&self, node: usize) -> f64 {
        self.ring[self.heap[node] as usize]
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.place[self.heap[a] as usize] = a as u32;
        self.place[self.heap[b] as usize] = b as u32;
    }

    /// Swaps two nodes if the value of `upper` is less than that of `lower`.
    fn swap_if_below(&mut self, upper: usize, lower: usize) -> bool {
        let turned = less(self.value(upper), self.value(lower));
        if turned {
            self.swap(upper, lower);
        }
        turned
    }

    /// Lets node `i` of the heap above sink to where both children are greater.
    fn sink_above(&mut self, mut i: usize) {
        let half = self.ring.len() / 2;
        loop {
            let mut child = 2 * i;
            if child > half {
                return;
            }
            if child < half && less(self.value(half + child + 1), self.value(half + child)) {
                child += 1;
            }
            if !self.swap_if_below(half + child, half + i) {
                return;
            }
            i = child;
        }
    }

    /// Lets node `i` of the heap below sink to where both children are less.
    fn sink_below(&mut self, mut i: usize) {
        let half = self.ring.len() / 2;
        loop {
            let mut child = 2 * i;
            if child > half {
                return;
            }
            if child < half && less(self.value(half - child), self.value(half - child - 1)) {
                child += 1;
            }
            if !self.swap_if_below(half - i, half - child) {
                return;
            }
            i = child;
        }
    }

    /// Lets node `i` of the heap above rise; true if it became the median.
    fn rise_above(&mut self, mut i: usize) -> bool {
        let half = self.ring.len() / 2;
        while i > 0 && self.swap_if_below(half + i, half + i / 2) {
            i /= 2;
        }
        i == 0
    }

    /// Lets node `i` of the heap below rise; true if it became the median.
    fn rise_below(&mut self, mut i: usize) -> bool {
        let half = self.ring.len() / 2;
        while i > 0 && self.swap_if_below(half - i / 2, half - i) {
            i /= 2;
        }
        i == 0
    }
}

/// In the order of all numbers, so that NaN has its place and the heaps stay heaps.
fn less(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_lt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition() {
        let mut word = 1u32;
        let mut next = || {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            word >> 16
        };
        for window in [1, 3, 5, 51, 101] {
            for values in [3, 50, 60_000] {
                let x: Vec<f64> = (0..1000).map(|_| f64::from(next() % values)).collect();
                let mut stream = MedianStream::new(window, 7.0);
                for i in 0..x.len() {
                    let from = (i + 1).saturating_sub(window);
                    let mut last: Vec<f64> = x[from..=i].to_vec();
                    last.resize(window, 7.0);
                    last.sort_by(f64::total_cmp);
                    assert_eq!(stream.push(x[i]), last[window / 2], "window {window}, {values} values, sample {i}");
                }
                stream.reset();
                assert_eq!(stream, MedianStream::new(window, 7.0));
            }
        }
    }

    #[test]
    fn a_gap_leaves_with_the_window() {
        let mut stream = MedianStream::new(5, 0.0);
        for v in [1.0, f64::NAN, f64::NAN, 2.0, f64::NAN, 3.0] {
            stream.push(v);
        }
        let given = [4.0, 5.0, 6.0, 7.0, 8.0].map(|v| stream.push(v));
        assert_eq!(given[4], 6.0);
    }
}
