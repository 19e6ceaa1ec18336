//! Sums and extremes of a window that runs over a signal; each sample is touched a constant number of times.

use std::collections::VecDeque;

/// Sum of the last `size` samples of a signal that was 0 before its first.
pub(super) fn sum_from_rest(x: &[f64], size: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(x.len());
    sums.extend(x.iter().take(size).map(|v| {
        sum += v;
        sum
    }));
    sums.extend(x.iter().skip(size).zip(x).map(|(new, old)| {
        sum += new - old;
        sum
    }));
    sums
}

/// Largest sample from `before` samples before to `after` samples after each, of those that there are.
pub(super) fn maximum(x: &[f64], before: usize, after: usize) -> Vec<f64> {
    extreme(x, before, after, |a, b| a >= b)
}

/// Smallest sample from `before` samples before to `after` samples after each, of those that there are.
pub(super) fn minimum(x: &[f64], before: usize, after: usize) -> Vec<f64> {
    extreme(x, before, after, |a, b| a <= b)
}

fn extreme(x: &[f64], before: usize, after: usize, beats: impl Fn(f64, f64) -> bool) -> Vec<f64> {
    let mut window: VecDeque<usize> = VecDeque::new();
    let mut found = Vec::with_capacity(x.len());
    let mut next = 0;
    for i in 0..x.len() {
        while next < x.len() && next <= i + after {
            while window.back().is_some_and(|last| beats(x[next], x[*last])) {
                window.pop_back();
            }
            window.push_back(next);
            next += 1;
        }
        while window.front().is_some_and(|first| *first + before < i) {
            window.pop_front();
        }
        found.push(window.front().map_or(x[i], |first| x[*first]));
    }
    found
}

/// The sample of rank `round(half of the others)` (half to even) of those from `before` before to `after` after each.
pub(super) fn median(x: &[f64], before: usize, after: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = x.iter().take(after).copied().collect();
    sorted.sort_by(f64::total_cmp);
    (0..x.len())
        .map(|i| {
            if let Some(new) = x.get(i + after) {
                let at = sorted.partition_point(|v| v.total_cmp(new).is_lt());
                sorted.insert(at, *new);
            }
            if i > before {
                let old = x[i - before - 1];
                let at = sorted.partition_point(|v| v.total_cmp(&old).is_lt());
                if at < sorted.len() {
                    sorted.remove(at);
                }
            }
            let rank = (sorted.len().saturating_sub(1) as f64 / 2.0).round_ties_even() as usize;
            sorted.get(rank).copied().unwrap_or(x[i])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_the_plain_definitions() {
        let x: Vec<f64> = (0..200).map(|i| f64::from((i * 37) % 101) - f64::from(i % 7)).collect();
        for (before, after) in [(0, 0), (3, 5), (10, 0), (0, 9), (300, 300)] {
            let window = |i: usize| &x[i.saturating_sub(before)..(i + after + 1).min(x.len())];
            for i in 0..x.len() {
                let mut sorted = window(i).to_vec();
                sorted.sort_by(f64::total_cmp);
                let rank = ((sorted.len() - 1) as f64 / 2.0).round_ties_even() as usize;
                assert_eq!(maximum(&x, before, after)[i], sorted[sorted.len() - 1]);
                assert_eq!(minimum(&x, before, after)[i], sorted[0]);
                assert_eq!(median(&x, before, after)[i], sorted[rank]);
            }
        }
        assert_eq!(sum_from_rest(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 3.0, 5.0, 7.0]);
    }
}
