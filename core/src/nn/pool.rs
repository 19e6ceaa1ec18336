//! Pooling, channel by channel.

use super::ConvConfig;

/// The largest value under the window of each output. A NaN under the window is the answer.
pub(super) fn max(window: &ConvConfig<3>, x: &[f32], size: [usize; 3], y: &mut [f32], out: [usize; 3]) {
    let planes = x.chunks_exact(size.iter().product()).zip(y.chunks_exact_mut(out.iter().product()));
    let range = |axis: usize, at: usize| {
        let start = at * window.stride[axis];
        let before = window.padding[axis][0];
        start.saturating_sub(before)..(start + window.kernel[axis]).saturating_sub(before).min(size[axis])
    };
    for (x, y) in planes {
        for (i, y) in y.iter_mut().enumerate() {
            let [zs, ys, xs] = [range(0, i / (out[1] * out[2])), range(1, i / out[2] % out[1]), range(2, i % out[2])];
            *y = f32::NEG_INFINITY;
            for z in zs {
                for row in ys.clone() {
                    let row = (z * size[1] + row) * size[2];
                    for v in &x[row + xs.start..row + xs.end] {
                        *y = if *v > *y || v.is_nan() { *v } else { *y };
                    }
                }
            }
        }
    }
}

/// The mean of each channel, one value per channel in `y`.
pub(super) fn mean(x: &[f32], y: &mut [f32]) {
    let plane = x.len() / y.len();
    for (x, y) in x.chunks_exact(plane).zip(y) {
        *y = (x.iter().map(|v| f64::from(*v)).sum::<f64>() / plane as f64) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_never_counts() {
        let window = ConvConfig::<2>::new(1, 1, [3, 3]).with_stride([2, 2]).with_padding([1, 1]).volume();
        let x = [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -9.0];
        let mut y = [0.0; 4];
        max(&window, &x, [1, 3, 3], &mut y, [1, 2, 2]);
        assert_eq!(y, [-1.0, -2.0, -4.0, -5.0]);
        let mut average = [0.0];
        mean(&x, &mut average);
        assert_eq!(average, [-5.0]);
    }
}
