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

/// Mean of `size` samples, `size / 2` of them before; the ends are held.
pub(super) fn moving_mean(x: &[f64], size: usize) -> Vec<f64> {
    let (n, left) = (x.len(), size / 2);
    let right = size - left;
    let held = |i: usize| x.get(i).or(x.last()).copied().unwrap_or_default();
    let mut sum: f64 = (0..size).map(|k| held(k.saturating_sub(left))).sum();
    let mut means = Vec::with_capacity(n);
    let scale = 1.0 / size as f64;
    let (head, tail) = (left.min(n), n.saturating_sub(right).max(left).min(n));
    means.extend((0..head).map(|i| {
        let mean = sum * scale;
        sum += held(i + right) - held(0);
        mean
    }));
    if tail > head {
        means.extend(x[head + right..].iter().zip(&x[head - left..]).map(|(new, old)| {
            let mean = sum * scale;
            sum += new - old;
            mean
        }));
    }
    means.extend((tail..n).map(|i| {
        let mean = sum * scale;
        sum += held(i + right) - held(i - left);
        mean
    }));
    means
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
        assert_eq!(moving_mean(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 1.5, 2.5, 3.5]);
        assert_eq!(causal_mean(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 1.5, 2.5, 3.5]);
    }
}
