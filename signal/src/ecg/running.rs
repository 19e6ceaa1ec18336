//! Sums and extremes of a window that runs over a signal; each sample is touched a constant number of times.

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
    extreme(x, before, after, f64::NEG_INFINITY, |a, b| if a > b { a } else { b })
}

/// Smallest sample from `before` samples before to `after` samples after each, of those that there are.
pub(super) fn minimum(x: &[f64], before: usize, after: usize) -> Vec<f64> {
    extreme(x, before, after, f64::INFINITY, |a, b| if a < b { a } else { b })
}

/// After van Herk, Gil and Werman: in blocks as long as the window, what is best so far from each end; a window is the end
/// of one block and the start of the next. Three comparisons a sample and no branch, whatever the window.
fn extreme(x: &[f64], before: usize, after: usize, worst: f64, best: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let n = x.len();
    let (before, after) = (before.min(n), after.min(n));
    let window = before + after + 1;
    let mut to_end = vec![worst; n + window - 1];
    to_end[before..before + n].copy_from_slice(x);
    let mut from_start = to_end.clone();
    for block in from_start.chunks_mut(window) {
        block.iter_mut().fold(worst, |so_far, v| {
            *v = best(so_far, *v);
            *v
        });
    }
    for block in to_end.chunks_mut(window) {
        block.iter_mut().rev().fold(worst, |so_far, v| {
            *v = best(so_far, *v);
            *v
        });
    }
    to_end.iter().zip(&from_start[window - 1..]).map(|(a, b)| best(*a, *b)).collect()
}

/// The sample of rank `round(half of the others)` (half to even) of those from `before` before to `after` after each.
pub(super) fn median(x: &[f64], before: usize, after: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = x.iter().take(after).copied().collect();
    sorted.sort_by(f64::total_cmp);
    let place = |sorted: &[f64], v: f64| sorted.partition_point(|w| *w < v);
    (0..x.len())
        .map(|i| {
            match (x.get(i + after), i.checked_sub(before + 1)) {
                // one comes and one goes: only what lies between them moves
                (Some(new), Some(old)) => {
                    let (from, to) = (place(&sorted, x[old]), place(&sorted, *new));
                    if from < to {
                        sorted.copy_within(from + 1..to, from);
                        sorted[to - 1] = *new;
                    } else if from < sorted.len() {
                        sorted.copy_within(to..from, to + 1);
                        sorted[to] = *new;
                    }
                }
                (Some(new), None) => {
                    let at = place(&sorted, *new);
                    sorted.insert(at, *new);
                }
                (None, Some(old)) => {
                    let at = place(&sorted, x[old]);
                    if at < sorted.len() {
                        sorted.remove(at);
                    }
                }
                (None, None) => {}
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
