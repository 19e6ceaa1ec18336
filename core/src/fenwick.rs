/// Counts by rank that can be added to and asked for sums in O(log n): a binary indexed tree.
pub(crate) struct Fenwick(Vec<u64>);

impl Fenwick {
    /// Of ranks 0 to `ranks` − 1, none of which has occurred.
    pub(crate) fn new(ranks: usize) -> Self {
        Self(vec![0; ranks + 1])
    }

    /// Counts one more of `rank`.
    pub(crate) fn add(&mut self, rank: usize) {
        let mut i = rank + 1;
        while i < self.0.len() {
            self.0[i] += 1;
            i += i & i.wrapping_neg();
        }
    }

    /// How many have a rank below `rank`.
    pub(crate) fn below(&self, rank: usize) -> u64 {
        let (mut i, mut sum) = (rank, 0);
        while i > 0 {
            sum += self.0[i];
            i &= i - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        let mut tree = Fenwick::new(5);
        [4, 0, 2, 2].into_iter().for_each(|rank| tree.add(rank));
        assert_eq!([0, 1, 2, 3, 4, 5].map(|rank| tree.below(rank)), [0, 1, 1, 3, 3, 4]);
    }
}
