//! Of peaks that are too near to each other, the highest.

/// Which of `peaks` (sample and height, in order of time) stay, if no two may be nearer than `distance`: from the
/// highest down, each that is left takes out its neighbours. Of equal heights the later goes first.
///
/// Bound by the sort, which is of integers: the order of heights as their bits, then the place.
pub(super) fn select(peaks: &[(usize, f64)], distance: usize) -> Vec<bool> {
    let mut stays = vec![true; peaks.len()];
    if peaks.windows(2).all(|p| p[1].0 - p[0].0 >= distance) {
        return stays;
    }
    let mut order: Vec<(u64, usize)> = peaks.iter().enumerate().map(|(k, (_, height))| (rank(*height), k)).collect();
    order.sort_unstable();
    for (_, k) in order.into_iter().rev() {
        if !stays[k] {
            continue;
        }
        let at = peaks[k].0;
        let (before, after) = stays.split_at_mut(k);
        let near = |other: usize| peaks[other].0.abs_diff(at) < distance;
        before.iter_mut().enumerate().rev().take_while(|(j, _)| near(*j)).for_each(|(_, s)| *s = false);
        after.iter_mut().enumerate().skip(1).take_while(|(j, _)| near(k + j)).for_each(|(_, s)| *s = false);
    }
    stays
}

/// An integer that orders as the number does.
fn rank(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits(); // -0 is 0
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_order() {
        let values = [-1e300, -2.0, -1e-300, 0.0, 1e-300, 1.0, f64::MAX];
        assert!(values.windows(2).all(|v| rank(v[0]) < rank(v[1])));
        assert_eq!(rank(-0.0), rank(0.0));
    }

    #[test]
    fn the_highest_stay() {
        let peaks = [(0, 1.0), (2, 2.0), (4, 1.5), (9, 1.5), (11, 1.5)];
        assert_eq!(select(&peaks, 3), [false, true, false, false, true]);
        assert_eq!(select(&peaks, 2), [true; 5]);
        assert_eq!(select(&peaks, usize::MAX), [false, true, false, false, false]);
        assert!(select(&[], 3).is_empty());
    }
}
