//! Local maxima and moving means that the detectors share.

/// Local maxima; of a flat top its middle, rounded down. `strict` leaves flat tops out.
pub(super) fn local_maxima(x: &[f64], strict: bool) -> Vec<usize> {
    let mut found = Vec::new();
    let mut i = 1;
    while i + 1 < x.len() {
        if x[i - 1] < x[i] {
            let end = x[i..].iter().position(|v| *v != x[i]).map(|k| i + k);
            match end {
                Some(end) if x[end] < x[i] => {
                    if !strict || end == i + 1 {
                        found.push((i + end - 1) / 2);
                    }
                    i = end;
                    continue;
                }
                Some(end) => {
                    i = end;
                    continue;
                }
                None => break,
            }
        }
        i += 1;
    }
    found
}

/// The peaks of which none is nearer than `distance` to a higher one that is kept.
pub(super) fn keep_distance(x: &[f64], peaks: Vec<usize>, distance: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..peaks.len()).collect();
    order.sort_by(|a, b| x[peaks[*b]].total_cmp(&x[peaks[*a]]).then(b.cmp(a)));
    let mut kept = vec![true; peaks.len()];
    for k in order {
        if !kept[k] {
            continue;
        }
        for other in (0..k).rev().take_while(|o| peaks[k] - peaks[*o] < distance) {
            kept[other] = false;
        }
        for other in (k + 1..peaks.len()).take_while(|o| peaks[*o] - peaks[k] < distance) {
            kept[other] = false;
        }
    }
    peaks.into_iter().zip(kept).filter_map(|(p, k)| k.then_some(p)).collect()
}

/// How far a peak rises above the higher of the two lowest points on the ways to higher ground.
pub(super) fn prominence(x: &[f64], peak: usize) -> f64 {
    let lowest =
        |side: &mut dyn Iterator<Item = &f64>| side.take_while(|v| **v <= x[peak]).fold(x[peak], |a, v| a.min(*v));
    let left = lowest(&mut x[..peak].iter().rev());
    let right = lowest(&mut x[peak + 1..].iter());
    x[peak] - left.max(right)
}

/// Mean of `size` samples, `size / 2` of them before; the ends are held.
pub(super) fn moving_mean(x: &[f64], size: usize) -> Vec<f64> {
    let (n, left) = (x.len(), size / 2);
    let at = |i: usize| x[i.saturating_sub(left).min(n - 1)]; // shifted by `left`
    let mut sum: f64 = (0..size).map(at).sum();
    let mut means = Vec::with_capacity(n);
    for i in 0..n {
        means.push(sum / size as f64);
        sum += at(i + size) - at(i);
    }
    means
}

/// Mean of the `size` samples up to and with each; at the start of those that there are.
pub(super) fn causal_mean(x: &[f64], size: usize) -> Vec<f64> {
    let mut sum = 0.0;
    (0..x.len())
        .map(|i| {
            sum += x[i];
            if i >= size {
                sum -= x[i - size];
            }
            sum / (i + 1).min(size) as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maxima_flat_tops_distance_and_prominence() {
        let x = [0.0, 2.0, 1.0, 3.0, 3.0, 0.0, 1.0, 0.5, 4.0];
        assert_eq!(local_maxima(&x, false), [1, 3, 6]);
        assert_eq!(local_maxima(&x, true), [1, 6]);
        assert_eq!(keep_distance(&x, vec![1, 3, 6], 3), [3, 6]);
        assert_eq!((prominence(&x, 1), prominence(&x, 3), prominence(&x, 6)), (1.0, 3.0, 0.5));
        assert_eq!(moving_mean(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 1.5, 2.5, 3.5]);
        assert_eq!(causal_mean(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 1.5, 2.5, 3.5]);
    }
}
