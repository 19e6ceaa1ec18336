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

/// How far a peak rises above the higher of the two lowest points on the ways to higher ground.
pub(super) fn prominence(x: &[f64], peak: usize) -> f64 {
    let lowest =
        |side: &mut dyn Iterator<Item = &f64>| side.take_while(|v| **v <= x[peak]).fold(x[peak], |a, v| a.min(*v));
    let left = lowest(&mut x[..peak].iter().rev());
    let right = lowest(&mut x[peak + 1..].iter());
    x[peak] - left.max(right)
}

/// Mean of `size` samples, `left` of them before each; the ends are held.
pub(super) fn held_mean_into(x: &[f64], size: usize, left: usize, means: &mut Vec<f64>) {
    let (n, right) = (x.len(), size - left);
    let held = |i: usize| x.get(i).or(x.last()).copied().unwrap_or_default();
    let scale = 1.0 / size as f64;
    let (head, tail) = (left.min(n), n.saturating_sub(right).max(left).min(n));
    means.resize(n, 0.0);
    let mut sum: f64 = (0..size).map(|k| held(k.saturating_sub(left))).sum();
    for (i, mean) in means[..head].iter_mut().enumerate() {
        *mean = sum * scale;
        sum += held(i + right) - held(0);
    }
    if tail > head {
        whole_windows(x, size, &mut means[head..tail]);
        sum = x[n - size..].iter().sum();
    }
    for (i, mean) in means.iter_mut().enumerate().skip(tail) {
        *mean = sum * scale;
        sum += held(i + right) - held(i - left);
    }
}

/// The means of the first windows of `size` samples, each with a sample behind it.
///
/// A running sum waits four cycles for its last addition, so four of them go side by side, each over its quarter.
fn whole_windows(x: &[f64], size: usize, means: &mut [f64]) {
    let scale = 1.0 / size as f64;
    let quarter = means.len() / 4;
    let (quarters, rest) = means.split_at_mut(4 * quarter);
    let (ab, cd) = quarters.split_at_mut(2 * quarter);
    let ((a, b), (c, d)) = (ab.split_at_mut(quarter), cd.split_at_mut(quarter));
    let starts = [0, quarter, 2 * quarter, 3 * quarter];
    let gone = starts.map(|from| &x[from..from + quarter]);
    let come = starts.map(|from| &x[from + size..from + size + quarter]);
    let mut sums = starts.map(|from| x[from..from + size].iter().sum::<f64>());
    for i in 0..quarter {
        (a[i], b[i], c[i], d[i]) = (sums[0] * scale, sums[1] * scale, sums[2] * scale, sums[3] * scale);
        for ((sum, gone), come) in sums.iter_mut().zip(gone).zip(come) {
            *sum += come[i] - gone[i];
        }
    }
    for (i, mean) in rest.iter_mut().enumerate() {
        *mean = x[4 * quarter + i..][..size].iter().sum::<f64>() * scale;
    }
}

/// Mean of the `size` samples up to and with each; at the start of those that there are.
pub(super) fn causal_mean(x: &[f64], size: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut means: Vec<f64> = Vec::with_capacity(x.len());
    for (i, v) in x.iter().take(size).enumerate() {
        sum += v;
        means.push(sum / (i + 1) as f64);
    }
    let scale = 1.0 / size as f64;
    means.extend(x.iter().skip(size).zip(x).map(|(new, old)| {
        sum += new - old;
        sum * scale
    }));
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maxima_flat_tops_and_prominence() {
        let x = [0.0, 2.0, 1.0, 3.0, 3.0, 0.0, 1.0, 0.5, 4.0];
        assert_eq!(local_maxima(&x, false), [1, 3, 6]);
        assert_eq!(local_maxima(&x, true), [1, 6]);
        assert_eq!((prominence(&x, 1), prominence(&x, 3), prominence(&x, 6)), (1.0, 3.0, 0.5));
        for (size, left, n) in [(2, 1, 4), (7, 6, 100), (7, 0, 100), (36, 18, 41), (5, 2, 3), (1, 0, 9), (9, 4, 9)] {
            let x: Vec<f64> = (0..n).map(|i| f64::from(i * 37 % 11)).collect();
            let held = |i: i32| x[i.clamp(0, n - 1) as usize];
            let want = (0..n).map(|i| (0..size).map(|k| held(i + k - left)).sum::<f64>() / f64::from(size));
            let mut means = Vec::new();
            held_mean_into(&x, size as usize, left as usize, &mut means);
            assert!(means.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{size} {left} {n}");
        }
        assert_eq!(causal_mean(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 1.5, 2.5, 3.5]);
    }
}
