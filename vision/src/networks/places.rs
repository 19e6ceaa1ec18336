//! What happens between convolutions: pooling, doubling, other orders of the same values, norms.

use super::graph::{Shape, Upsample, Window};
use pulp::{Arch, Simd, WithSimd};

/// The largest value under each window: along the rows first, then down the columns. A NaN under the window is the answer.
pub(super) fn max_pool(window: &Window, x: &[f32], from: Shape, y: &mut [f32], to: Shape, rows: &mut Vec<f32>) {
    let ([_, h, w], [_, high, wide]) = (from, to);
    rows.clear();
    rows.resize(h * wide, 0.0);
    for (x, y) in x.chunks_exact(h * w).zip(y.chunks_exact_mut(high * wide)) {
        for (x, row) in x.chunks_exact(w).zip(rows.chunks_exact_mut(wide)) {
            if window.kernel == 2 && window.stride == 2 && window.padding[1][0] == 0 {
                row.iter_mut().zip(x.as_chunks::<2>().0).for_each(|(y, [a, b])| *y = larger(*a, *b));
                if let (true, Some(y), Some(x)) = (x.len() < 2 * wide, row.last_mut(), x.last()) {
                    *y = *x;
                }
                continue;
            }
            if window.stride == 1 {
                // one place of the window after the other, each for the whole row
                row.fill(f32::NEG_INFINITY);
                for k in 0..window.kernel {
                    let before = window.padding[1][0];
                    let (x, row) = (x.get(k.saturating_sub(before)..), row.get_mut(before.saturating_sub(k)..));
                    let pairs = row.unwrap_or_default().iter_mut().zip(x.unwrap_or_default());
                    pairs.for_each(|(y, x)| *y = larger(*y, *x));
                }
                continue;
            }
            for (i, y) in row.iter_mut().enumerate() {
                *y = x[window.range(1, i, w)].iter().fold(f32::NEG_INFINITY, |m, v| larger(m, *v));
            }
        }
        for (i, y) in y.chunks_exact_mut(wide).enumerate() {
            let range = window.range(0, i, h);
            y.copy_from_slice(&rows[range.start * wide..][..wide]);
            for row in rows[range.start * wide..range.end * wide].chunks_exact(wide).skip(1) {
                y.iter_mut().zip(row).for_each(|(y, v)| *y = larger(*y, *v));
            }
        }
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

/// The mean under each window, of what lies inside.
pub(super) fn average_pool(window: &Window, x: &[f32], from: Shape, y: &mut [f32], to: Shape) {
    let ([_, h, w], [_, high, wide]) = (from, to);
    for (x, y) in x.chunks_exact(h * w).zip(y.chunks_exact_mut(high * wide)) {
        for (i, y) in y.iter_mut().enumerate() {
            let (rows, columns) = (window.range(0, i / wide, h), window.range(1, i % wide, w));
            let count = rows.len() * columns.len();
            let sum: f32 = rows.map(|r| x[r * w..][columns.clone()].iter().sum::<f32>()).sum();
            *y = sum / count as f32;
        }
    }
}

/// The mean of each channel.
pub(super) fn mean(x: &[f32], y: &mut [f32]) {
    let plane = (x.len() / y.len().max(1)).max(1);
    for (x, y) in x.chunks_exact(plane).zip(y) {
        *y = (x.iter().map(|v| f64::from(*v)).sum::<f64>() / plane as f64) as f32;
    }
}

/// Twice as high and wide.
pub(super) fn upsample(how: Upsample, x: &[f32], [_, h, w]: Shape, y: &mut [f32], line: &mut Vec<f32>) {
    line.clear();
    line.resize(w, 0.0);
    for (x, y) in x.chunks_exact(h * w).zip(y.chunks_exact_mut(4 * h * w)) {
        for (i, y) in y.chunks_exact_mut(2 * w).enumerate() {
            let here = &x[i / 2 * w..][..w];
            let neighbour = |at: usize| &x[at.min(h - 1) * w..][..w];
            match (how, i % 2) {
                (Upsample::Nearest, 1) | (Upsample::Asymmetric, 0) | (Upsample::Nearest, _) => {
                    line.copy_from_slice(here);
                }
                (Upsample::HalfPixel, odd) => {
                    let other = neighbour(if odd == 1 { i / 2 + 1 } else { (i / 2).saturating_sub(1) });
                    line.iter_mut().zip(here).zip(other).for_each(|((y, a), b)| *y = 0.75 * a + 0.25 * b);
                }
                (Upsample::Asymmetric, _) => {
                    let other = neighbour(i / 2 + 1);
                    line.iter_mut().zip(here).zip(other).for_each(|((y, a), b)| *y = 0.5 * (a + b));
                }
            }
            widen(how, line, y);
        }
    }
}

/// Twice as wide.
fn widen(how: Upsample, x: &[f32], y: &mut [f32]) {
    let pairs = y.as_chunks_mut::<2>().0;
    match how {
        Upsample::Nearest => pairs.iter_mut().zip(x).for_each(|(y, x)| *y = [*x; 2]),
        Upsample::HalfPixel => {
            // each place with both neighbours; the outermost have themselves
            for ((y, x), near) in pairs.iter_mut().skip(1).zip(&x[1..]).zip(x) {
                y[0] = 0.75 * x + 0.25 * near;
            }
            for ((y, x), near) in pairs.iter_mut().zip(x).zip(&x[1..]) {
                y[1] = 0.75 * x + 0.25 * near;
            }
            if let (Some(y), Some(x)) = (pairs.first_mut(), x.first()) {
                y[0] = *x;
            }
            if let (Some(y), Some(x)) = (pairs.last_mut(), x.last()) {
                y[1] = *x;
            }
        }
        Upsample::Asymmetric => {
            for ((y, x), near) in pairs.iter_mut().zip(x).zip(&x[1..]) {
                *y = [*x, 0.5 * (x + near)];
            }
            if let (Some(y), Some(x)) = (pairs.last_mut(), x.last()) {
                *y = [*x; 2];
            }
        }
    }
}

/// Four channels as the cells of squares: `source(channel, cell, channels)` says which channel a cell comes from.
pub(super) fn interleave(x: &[f32], [c, h, w]: Shape, y: &mut [f32], source: fn(usize, usize, usize) -> usize) {
    let channels = c / 4;
    for (channel, y) in y.chunks_exact_mut(4 * h * w).enumerate() {
        for (row, y) in y.chunks_exact_mut(2 * w).enumerate() {
            let at = |column: usize| {
                let from = source(channel, row % 2 * 2 + column, channels);
                &x[(from * h + row / 2) * w..][..w]
            };
            for ((y, a), b) in y.as_chunks_mut::<2>().0.iter_mut().zip(at(0)).zip(at(1)) {
                *y = [*a, *b];
            }
        }
    }
}

/// Squares of four cells as four channels. Each row is read once and taken apart into both of its halves; memory limits it.
pub(super) fn space_to_depth(x: &[f32], shape: Shape, y: &mut [f32]) {
    Arch::new().dispatch(SpaceToDepth { x, shape, y });
}

struct SpaceToDepth<'a> {
    x: &'a [f32],
    shape: Shape,
    y: &'a mut [f32],
}

impl WithSimd for SpaceToDepth<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, shape: [c, h, w], y } = self;
        let half = w / 2;
        let quarter = h / 2 * half;
        let (left, right) = y.split_at_mut(2 * c * quarter);
        for (row, x) in x.chunks_exact(w).enumerate() {
            let (channel, row) = (row / h, row % h);
            let at = (row % 2 * c + channel) * quarter + row / 2 * half;
            let (left, right) = (&mut left[at..at + half], &mut right[at..at + half]);
            for ((l, r), pair) in left.iter_mut().zip(right).zip(x.as_chunks::<2>().0) {
                [*l, *r] = *pair;
            }
        }
    }
}

/// Axes in another order.
pub(super) fn permute(x: &[f32], shape: Shape, order: [usize; 3], y: &mut [f32]) {
    if order == [1, 2, 0] {
        return channels_last(x, shape[0], y);
    }
    let strides = [shape[1] * shape[2], shape[2], 1];
    let ([outer, middle, inner], [so, sm, si]) = (order.map(|a| shape[a]), order.map(|a| strides[a]));
    for (i, y) in y.chunks_exact_mut((middle * inner).max(1)).enumerate().take(outer) {
        for (j, y) in y.chunks_exact_mut(inner.max(1)).enumerate() {
            let from = &x[i * so + j * sm..];
            y.iter_mut().zip(from.iter().step_by(si)).for_each(|(y, x)| *y = *x);
        }
    }
}

/// The channels of a place behind one another: sixteen places at a time, so that what is written stays in the cache.
fn channels_last(x: &[f32], channels: usize, y: &mut [f32]) {
    const PLACES: usize = 16;
    let plane = x.len() / channels.max(1);
    for (n, y) in y.chunks_mut((PLACES * channels).max(1)).enumerate() {
        for (c, x) in x.chunks_exact(plane.max(1)).enumerate() {
            let x = x[n * PLACES..].iter().take(PLACES);
            y[c..].iter_mut().step_by(channels).zip(x).for_each(|(y, x)| *y = *x);
        }
    }
}

/// Over the channels of each place.
pub(super) fn layer_norm(x: &[f32], plane: usize, gamma: &[f32], beta: &[f32], epsilon: f64, y: &mut [f32]) {
    let n = gamma.len() as f64;
    for place in 0..plane {
        let column = || x.iter().skip(place).step_by(plane).map(|v| f64::from(*v));
        let mean = column().sum::<f64>() / n;
        let variance = column().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + epsilon).sqrt();
        let to = y.iter_mut().skip(place).step_by(plane).zip(column());
        for ((y, x), (g, b)) in to.zip(gamma.iter().zip(beta)) {
            *y = ((x - mean) * scale * f64::from(*g) + f64::from(*b)) as f32;
        }
    }
}

/// Over the places of each channel.
pub(super) fn instance_norm(x: &[f32], plane: usize, gamma: &[f32], beta: &[f32], epsilon: f64, y: &mut [f32]) {
    let channels = x.chunks_exact(plane).zip(y.chunks_exact_mut(plane)).zip(gamma.iter().zip(beta));
    for ((x, y), (g, b)) in channels {
        let n = plane as f64;
        let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
        let scale = f64::from(*g) / (variance + epsilon).sqrt();
        let (scale, shift) = (scale as f32, (f64::from(*b) - mean * scale) as f32);
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x * scale + shift);
    }
}

/// By the root mean square of each place's channels.
pub(super) fn scale_norm(x: &[f32], plane: usize, factor: f32, epsilon: f32, y: &mut [f32]) {
    let n = (x.len() / plane.max(1)) as f64;
    for place in 0..plane {
        let squares = x.iter().skip(place).step_by(plane).map(|v| f64::from(*v).powi(2)).sum::<f64>();
        let scale = f64::from(factor) / (squares / n).sqrt().max(f64::from(epsilon));
        let to = y.iter_mut().skip(place).step_by(plane).zip(x.iter().skip(place).step_by(plane));
        to.for_each(|(y, x)| *y = (f64::from(*x) * scale) as f32);
    }
}

/// Shares over the channels of each place.
pub(super) fn softmax(x: &[f32], plane: usize, y: &mut [f32]) {
    for place in 0..plane {
        let column = || x.iter().skip(place).step_by(plane).copied();
        let largest = column().fold(f32::NEG_INFINITY, larger);
        let total: f64 = column().map(|v| f64::from(v - largest).exp()).sum();
        let to = y.iter_mut().skip(place).step_by(plane).zip(column());
        to.for_each(|(y, x)| *y = (f64::from(x - largest).exp() / total) as f32);
    }
}

/// Matrices row by row; `k` is what they share.
pub(super) fn matrix_product(a: &[f32], b: &[f32], k: usize, y: &mut [f32]) {
    let n = b.len() / k.max(1);
    for (a, y) in a.chunks_exact(k.max(1)).zip(y.chunks_exact_mut(n.max(1))) {
        y.fill(0.0);
        for (a, b) in a.iter().zip(b.chunks_exact(n.max(1))) {
            y.iter_mut().zip(b).for_each(|(y, b)| *y += a * b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_by_hand() {
        let x: Vec<f32> = (0..9).map(|i| i as f32).collect();
        let window = Window { kernel: 3, stride: 1, padding: [[1; 2]; 2] };
        let (mut y, mut rows) = ([0.0; 9], Vec::new());
        max_pool(&window, &x, [1, 3, 3], &mut y, [1, 3, 3], &mut rows);
        assert_eq!(y, [4.0, 5.0, 5.0, 7.0, 8.0, 8.0, 7.0, 8.0, 8.0]);
        let end = Window { kernel: 2, stride: 2, padding: [[0, 1]; 2] };
        let mut y = [0.0; 4];
        max_pool(&end, &x, [1, 3, 3], &mut y, [1, 2, 2], &mut rows);
        assert_eq!(y, [4.0, 5.0, 7.0, 8.0]);
        average_pool(&Window { kernel: 2, stride: 1, padding: [[0; 2]; 2] }, &x, [1, 3, 3], &mut y, [1, 2, 2]);
        assert_eq!(y, [2.0, 3.0, 5.0, 6.0]);
    }

    #[test]
    fn doubling_by_hand() {
        let mut line = Vec::new();
        let mut run = |how| {
            let mut y = [0.0; 16];
            upsample(how, &[0.0, 4.0, 8.0, 12.0], [1, 2, 2], &mut y, &mut line);
            y
        };
        assert_eq!(run(Upsample::Nearest)[..8], [0.0, 0.0, 4.0, 4.0, 0.0, 0.0, 4.0, 4.0]);
        assert_eq!(run(Upsample::HalfPixel)[..8], [0.0, 1.0, 3.0, 4.0, 2.0, 3.0, 5.0, 6.0]);
        assert_eq!(run(Upsample::Asymmetric)[..8], [0.0, 2.0, 4.0, 4.0, 4.0, 6.0, 8.0, 8.0]);
    }

    #[test]
    fn other_orders_of_the_same_values() {
        let x: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let mut y = [0.0; 8];
        interleave(&x, [8, 1, 1], &mut y, |c, cell, n| cell * n + c);
        assert_eq!(y, [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
        interleave(&x, [8, 1, 1], &mut y, |c, cell, _| c * 4 + cell);
        assert_eq!(y, x[..]);
        space_to_depth(&x, [1, 2, 4], &mut y);
        assert_eq!(y, [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
        permute(&x, [2, 2, 2], [1, 2, 0], &mut y);
        assert_eq!(y, [0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]);
        let long: Vec<f32> = (0..3 * 37).map(|i| i as f32).collect();
        let mut rows = vec![0.0; 3 * 37];
        permute(&long, [3, 37, 1], [1, 2, 0], &mut rows);
        assert!(rows.iter().enumerate().all(|(i, v)| *v == (i % 3 * 37 + i / 3) as f32));
        permute(&x, [2, 1, 4], [2, 1, 0], &mut y);
        assert_eq!(y, [0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]);
    }

    #[test]
    fn norms_by_hand() {
        let mut y = [0.0; 4];
        layer_norm(&[1.0, 0.0, 3.0, 0.0], 2, &[1.0, 2.0], &[0.0, 0.5], 0.0, &mut y);
        assert_eq!((y[0], y[2]), (-1.0, 2.5));
        instance_norm(&[1.0, 3.0, 5.0, 5.0], 2, &[2.0, 1.0], &[0.0, 7.0], 1e-9, &mut y);
        assert!((y[0] + 2.0).abs() < 1e-6 && (y[3] - 7.0).abs() < 1e-4);
        scale_norm(&[3.0, 0.0, 4.0, 0.0], 2, 2.0, 1e-5, &mut y);
        assert!((f64::from(y[0]) - 6.0 / 12.5f64.sqrt()).abs() < 1e-6 && y[1] == 0.0);
        softmax(&[0.0, 1.0, 0.0, 1.0], 2, &mut y);
        assert_eq!(y, [0.5; 4]);
        matrix_product(&[1.0, 2.0, 3.0, 4.0], &[1.0, 0.0, 0.0, 1.0], 2, &mut y);
        assert_eq!(y, [1.0, 2.0, 3.0, 4.0]);
    }
}
