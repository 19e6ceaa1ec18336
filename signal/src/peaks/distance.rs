//! Of peaks that are too near to each other, the highest.

/// Which of `peaks` (sample and height, in order of time) stay, if no two may be nearer than `distance`: from the
/// highest down, each that is left takes out its neighbours. Of equal heights the later goes first.
///
/// What is left undecided after a first look is sorted: by heights as integers, then by place.
pub(super) fn select(peaks: &[(usize, f64)], distance: usize) -> Vec<bool> {
    let mut stays = vec![true; peaks.len()];
    if peaks.windows(2).all(|p| p[1].0 - p[0].0 >= distance) {
        return stays;
    }
    let near = |a: usize, b: usize| peaks[a].0.abs_diff(peaks[b].0) < distance;
    // most are decided without order: one that nothing higher is near to stays, and its neighbours go
    let above = |other: usize, k: usize| (peaks[other].1, other) > (peaks[k].1, k);
    let mut settled = vec![false; peaks.len()];
    for k in 0..peaks.len() {
        if settled[k] {
            continue;
        }
        let (mut before, mut after) = (k, k);
        let highest = loop {
            let left = before.checked_sub(1).filter(|j| near(*j, k));
            let right = Some(after + 1).filter(|j| *j < peaks.len() && near(*j, k));
            if left.is_some_and(|j| above(j, k)) || right.is_some_and(|j| above(j, k)) {
                break false;
            }
            (before, after) = (left.unwrap_or(before), right.unwrap_or(after));
            if left.is_none() && right.is_none() {
                break true;
            }
        };
        if highest {
            settled[before..=after].fill(true);
            stays[before..=after].fill(false);
            stays[k] = true;
        }
    }
    let open = (0..peaks.len()).filter(|k| !settled[*k]);
    let mut order: Vec<(u64, usize)> = open.map(|k| (rank(peaks[k].1), k)).collect();
    order.sort_unstable();
    for (_, k) in order.into_iter().rev() {
        if !stays[k] {
            continue;
        }
        let (before, after) = stays.split_at_mut(k);
        before.iter_mut().enumerate().rev().take_while(|(j, _)| near(*j, k)).for_each(|(_, s)| *s = false);
        after.iter_mut().enumerate().skip(1).take_while(|(j, _)| near(k + j, k)).for_each(|(_, s)| *s = false);
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
    fn equals_going_down_from_the_highest() {
        let mut state = 1u32;
        let mut next = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % n
        };
        for round in 0..400 {
            let (mut at, levels, distance) = (0, 2 + round % 50, 2 + next(20) as usize);
            let peaks: Vec<(usize, f64)> = (0..60)
                .map(|k| {
                    at += 2 + next(4) as usize;
                    (at, f64::from(if round % 3 == 0 { k } else { next(levels) }))
                })
                .collect();
            let mut want = vec![true; peaks.len()];
            let mut order: Vec<usize> = (0..peaks.len()).collect();
            order.sort_by(|a, b| peaks[*a].1.total_cmp(&peaks[*b].1));
            for k in order.into_iter().rev() {
                let near = |j: &usize| *j != k && peaks[*j].0.abs_diff(peaks[k].0) < distance;
                if want[k] {
                    (0..peaks.len()).filter(near).for_each(|j| want[j] = false);
                }
            }
            assert_eq!(select(&peaks, distance), want, "{peaks:?} {distance}");
        }
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
