//! Reproducible random numbers: same seed, same bytes, on every machine and with any number of threads.
//!
//! A [`Generator`] is named by a seed and a purpose, and hands out one independent [`Stream`] per item, so that item 7
//! is the same whether it is made first, last or on another thread. The generator is `eir-chacha8-v1`: ChaCha with 8
//! rounds, key = seed and hash of the purpose, stream = item; the distributions are written here on `libm`, because the
//! logarithm of the system differs between machines. A change of either is a new version.
//!
//! ```
//! use eir_core::random::Generator;
//! let patients = Generator::new(42, "patients");
//! let (mut a, mut b) = (patients.stream(7), patients.stream(7));
//! assert_eq!(a.normal(), b.normal());
//! assert_ne!(patients.stream(8).normal(), a.normal());
//! ```

mod chacha;

use chacha::ChaCha8;

/// The name and version of the generator, for cards and reports.
pub const NAME: &str = "eir-chacha8-v1";

/// A seed with a purpose; gives a [`Stream`] per item.
#[derive(Debug, Clone)]
pub struct Generator {
    key: [u8; 32],
}

impl Generator {
    /// The generator of `seed` for `purpose` (a fixed word such as `"bootstrap"`): two purposes share no numbers.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a with four offsets: it need not be cryptographic, only fixed for ever
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (salt, part) in (1u64..).zip(key[8..].chunks_exact_mut(8)) {
            let start = 0xcbf2_9ce4_8422_2325 ^ salt;
            let hash = purpose.bytes().fold(start, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
            part.copy_from_slice(&hash.to_le_bytes());
        }
        Self { key }
    }

    /// The stream of item `index`.
    #[must_use]
    pub fn stream(&self, index: u64) -> Stream {
        Stream { source: ChaCha8::new(&self.key, index), spare: None }
    }
}

/// A stream of random numbers for one item.
#[derive(Debug, Clone)]
pub struct Stream {
    source: ChaCha8,
    /// The second of the two values that the polar method makes at a time.
    spare: Option<f64>,
}

impl Stream {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.source.next()
    }

    /// Uniform in [0, 1), on the grid of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [`low`, `high`).
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in 0 … `n` − 1, without bias (Lemire 2019, doi:10.1145/3230636); 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            // the division only where it can matter
            if product as u64 >= n || product as u64 >= n.wrapping_neg().checked_rem(n).unwrap_or(0) {
                return (product >> 64) as usize;
            }
        }
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Normal with mean 0 and standard deviation 1 (Marsaglia's polar method).
    pub fn normal(&mut self) -> f64 {
        if let Some(value) = self.spare.take() {
            return value;
        }
        loop {
            let (u, v) = (self.range(-1.0, 1.0), self.range(-1.0, 1.0));
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let scale = libm::sqrt(-2.0 * libm::log(s) / s);
                self.spare = Some(v * scale);
                return u * scale;
            }
        }
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.uniform())
    }

    /// Index drawn with probability proportional to `weights`; none if they do not sum to a positive finite number.
    pub fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let total: f64 = weights.iter().sum();
        if !(total.is_finite() && total > 0.0) {
            return None;
        }
        let mut left = self.range(0.0, total);
        let hit = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        hit.or_else(|| weights.iter().rposition(|w| *w > 0.0)) // rounding can leave a rest at the end
    }

    /// Puts `items` into a random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_fixed_for_ever() {
        let mut stream = Generator::new(1, "test").stream(0);
        let first = [stream.bits(), stream.bits()];
        assert_eq!(first, FIRST, "a changed value breaks every published result: that needs a new NAME");
    }

    #[test]
    fn moments_are_right() {
        let mut stream = Generator::new(3, "moments").stream(0);
        let n = 200_000;
        let x: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = x.iter().sum::<f64>() / n as f64;
        let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(mean.abs() < 4.0 / (n as f64).sqrt() && (var - 1.0).abs() < 0.02, "{mean} {var}");
        let mut counts = [0usize; 6];
        (0..60_000).for_each(|_| counts[stream.below(6)] += 1);
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn streams_and_purposes_differ() {
        let bits = |seed, purpose, item| Generator::new(seed, purpose).stream(item).bits();
        let all = [bits(1, "a", 0), bits(1, "a", 1), bits(1, "b", 0), bits(2, "a", 0)];
        let unique: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(unique.len(), 4);
    }

    #[test]
    fn weighted_never_gives_an_impossible_item() {
        let mut stream = Generator::new(5, "weights").stream(0);
        assert!((0..1000).all(|_| matches!(stream.weighted(&[0.0, 1.0, 2.0, 0.0]), Some(1 | 2))));
        assert_eq!(stream.weighted(&[0.0, f64::NAN]), None);
        assert_eq!(stream.weighted(&[]), None);
    }

    const FIRST: [u64; 2] = [2_751_836_621_572_429_916, 14_014_852_268_296_212_480];
}
