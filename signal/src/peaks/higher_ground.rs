//! How far it is from a peak to higher ground, by leaps.

use super::prominence::Low;

/// Blocks of a block of the next level, and samples of the smallest.
const FAN: usize = 32;

/// The highest and the lowest of each block of samples, of each block of blocks, and so on; whole blocks only.
///
/// Made in one pass over the signal, bound by its memory. A walk leaps over the largest block before it that holds nothing
/// higher: at most twice [`FAN`] steps on each level, however far it goes.
pub(super) struct HigherGround<'a> {
    x: &'a [f64],
    levels: Vec<Vec<Extremes>>,
}

#[derive(Debug, Clone, Copy)]
struct Extremes {
    high: f64,
    low: f64,
}

impl Extremes {
    const NONE: Self = Self { high: f64::NEG_INFINITY, low: f64::INFINITY };

    #[inline]
    fn with(self, other: Self) -> Self {
        let high = if other.high > self.high { other.high } else { self.high };
        Self { high, low: if other.low < self.low { other.low } else { self.low } }
    }
}

impl<'a> HigherGround<'a> {
    pub(super) fn new(x: &'a [f64]) -> Self {
        let of_samples = |block: &[f64; FAN]| {
            // eight side by side, then those
            let mut lanes = [Extremes::NONE; 8];
            for eight in block.as_chunks::<8>().0 {
                lanes.iter_mut().zip(eight).for_each(|(lane, v)| *lane = lane.with(Extremes { high: *v, low: *v }));
            }
            lanes.into_iter().fold(Extremes::NONE, Extremes::with)
        };
        let mut levels = vec![x.as_chunks::<FAN>().0.iter().map(of_samples).collect::<Vec<_>>()];
        while let Some(last) = levels.last().filter(|level| level.len() >= FAN) {
            let next = last.as_chunks::<FAN>().0.iter().map(|b| b.iter().copied().fold(Extremes::NONE, Extremes::with));
            let next = next.collect();
            levels.push(next);
        }
        Self { x, levels }
    }

    /// The largest block of those that `place` gives for each size, as long as there is one without anything higher.
    fn leap(&self, height: f64, place: impl Fn(usize) -> Option<usize>) -> Option<(usize, f64)> {
        let mut size = FAN;
        let mut found = None;
        for level in &self.levels {
            let Some(block) = place(size).and_then(|k| level.get(k)).filter(|block| block.high <= height) else {
                break;
            };
            found = Some((size, block.low));
            size *= FAN;
        }
        found
    }

    /// The lowest sample, the nearest of several, between `peak` and what is higher before it.
    pub(super) fn left(&self, peak: usize) -> Low {
        let height = self.x[peak];
        let (mut end, mut low, mut within) = (peak, height, peak..peak + 1);
        while end > 0 {
            let place = |size: usize| end.is_multiple_of(size).then(|| (end / size).checked_sub(1)).flatten();
            let (size, value) = self.leap(height, place).unwrap_or((1, self.x[end - 1]));
            if value > height {
                break;
            }
            if value < low {
                (low, within) = (value, end - size..end);
            }
            end -= size;
        }
        let at = within.start + self.x[within].iter().rposition(|v| *v == low).unwrap_or_default();
        Low { value: low, at }
    }

    /// The lowest sample, the nearest of several, between `peak` and what is higher behind it.
    pub(super) fn right(&self, peak: usize) -> Low {
        let height = self.x[peak];
        let (mut start, mut low, mut within) = (peak + 1, height, peak..peak + 1);
        while start < self.x.len() {
            let place = |size: usize| start.is_multiple_of(size).then_some(start / size);
            let (size, value) = self.leap(height, place).unwrap_or((1, self.x[start]));
            if value > height {
                break;
            }
            if value < low {
                (low, within) = (value, start..start + size);
            }
            start += size;
        }
        let at = within.start + self.x[within].iter().position(|v| *v == low).unwrap_or_default();
        Low { value: low, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_walking_step_by_step() {
        let mut state = 1u32;
        let mut next = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % n
        };
        for (n, levels) in [(1, 3), (31, 4), (32, 4), (33, 2), (1000, 5), (1024, 9), (3000, 50), (40_000, 60_000)] {
            let x: Vec<f64> = (0..n).map(|i| f64::from(next(levels)) + f64::from(i % 7 == 0)).collect();
            let ground = HigherGround::new(&x);
            for _ in 0..60 {
                let peak = next(n) as usize;
                let until = |(_, v): &(usize, f64)| *v <= x[peak];
                let lower = |low: (usize, f64), now: (usize, f64)| if now.1 < low.1 { now } else { low };
                let at = |i: usize| (i, x[i]);
                let left = (0..=peak).rev().map(at).take_while(until).fold(at(peak), lower);
                let right = (peak..x.len()).map(at).take_while(until).fold(at(peak), lower);
                let both = [ground.left(peak), ground.right(peak)].map(|low| (low.at, low.value));
                assert_eq!(both, [left, right], "{n} {peak}");
            }
        }
    }
}
