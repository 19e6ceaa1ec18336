//! The spectra that the frequency domain needs.

use num_complex::Complex64;
use rustfft::FftPlanner;
use std::f64::consts::TAU;

/// Power per Hz over frequency, one-sided.
#[derive(Debug, Clone)]
pub(super) struct Density {
    pub(super) frequencies_hz: Vec<f64>,
    pub(super) power: Vec<f64>,
}

impl Density {
    /// Power between `low_hz` (included) and `high_hz` (excluded), by trapezoids.
    pub(super) fn band(&self, (low_hz, high_hz): (f64, f64)) -> f64 {
        let range = self.range(low_hz, high_hz);
        let (f, p) = (&self.frequencies_hz[range.clone()], &self.power[range]);
        f.windows(2).zip(p.windows(2)).map(|(f, p)| (f[1] - f[0]) * (p[0] + p[1]) / 2.0).sum()
    }

    /// Frequency and power of the highest point of a band.
    pub(super) fn peak(&self, (low_hz, high_hz): (f64, f64)) -> Option<(f64, f64)> {
        self.range(low_hz, high_hz).map(|k| (self.frequencies_hz[k], self.power[k])).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn range(&self, low_hz: f64, high_hz: f64) -> std::ops::Range<usize> {
        let from = self.frequencies_hz.partition_point(|f| *f < low_hz);
        from..self.frequencies_hz.partition_point(|f| *f < high_hz).max(from)
    }
}

/// The values at `rate_hz` of the cubic spline (not-a-knot) through `y` at the rising times `t` from 0 on, up to and
/// without the last time.
pub(super) fn resampled(t: &[f64], y: &[f64], rate_hz: f64) -> Vec<f64> {
    let slopes = slopes(t, y);
    let last = t.last().copied().unwrap_or_default();
    let count = (last * rate_hz).ceil() as usize;
    let mut k = 0;
    (0..count)
        .map(|i| {
            let at = i as f64 / rate_hz;
            while k + 2 < t.len() && at >= t[k + 1] {
                k += 1;
            }
            // Hermite form on the interval
            let h = t[k + 1] - t[k];
            let u = at - t[k];
            let rise = (y[k + 1] - y[k]) / h;
            let bend = (slopes[k] + slopes[k + 1] - 2.0 * rise) / h;
            let curve = (rise - slopes[k]) / h - bend;
            y[k] + u * (slopes[k] + u * (curve + u * bend / h))
        })
        .collect()
}

/// Slopes of the not-a-knot spline at its knots; four knots at least.
fn slopes(t: &[f64], y: &[f64]) -> Vec<f64> {
    let n = t.len();
    let h: Vec<f64> = t.windows(2).map(|w| w[1] - w[0]).collect();
    let rise: Vec<f64> = y.windows(2).zip(&h).map(|(w, h)| (w[1] - w[0]) / h).collect();
    let (mut below, mut main, mut above, mut s) = (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for k in 1..n - 1 {
        below[k] = h[k];
        main[k] = 2.0 * (h[k - 1] + h[k]);
        above[k] = h[k - 1];
        s[k] = 3.0 * (h[k] * rise[k - 1] + h[k - 1] * rise[k]);
    }
    let d = t[2] - t[0];
    main[0] = h[1];
    above[0] = d;
    s[0] = ((h[0] + 2.0 * d) * h[1] * rise[0] + h[0] * h[0] * rise[1]) / d;
    let d = t[n - 1] - t[n - 3];
    main[n - 1] = h[n - 3];
    below[n - 1] = d;
    s[n - 1] = (h[n - 2] * h[n - 2] * rise[n - 3] + (2.0 * d + h[n - 2]) * h[n - 3] * rise[n - 2]) / d;
    for k in 1..n {
        let w = below[k] / main[k - 1];
        main[k] -= w * above[k - 1];
        s[k] -= w * s[k - 1];
    }
    s[n - 1] /= main[n - 1];
    for k in (0..n - 1).rev() {
        s[k] = (s[k] - above[k] * s[k + 1]) / main[k];
    }
    s
}

/// Removes the straight line of least squares.
pub(super) fn remove_line(x: &mut [f64]) {
    let n = x.len() as f64;
    let (middle, level) = ((n - 1.0) / 2.0, x.iter().sum::<f64>() / n);
    let moment: f64 = x.iter().enumerate().map(|(k, v)| (k as f64 - middle) * (v - level)).sum();
    let rise = moment / (n * (n * n - 1.0) / 12.0);
    x.iter_mut().enumerate().for_each(|(k, v)| *v -= level + rise * (k as f64 - middle));
}

/// Welch's spectrum with periodic Hann windows that overlap by half, the mean of each removed.
pub(super) fn welch(x: &[f64], rate_hz: f64, segment: usize) -> Density {
    let window: Vec<f64> = (0..segment).map(|i| 0.5 - 0.5 * (TAU * i as f64 / segment as f64).cos()).collect();
    averaged(x, rate_hz, segment, segment - segment / 2, &[window])
}

/// The mean over segments and windows of the periodogram.
fn averaged(x: &[f64], rate_hz: f64, segment: usize, step: usize, windows: &[Vec<f64>]) -> Density {
    let fft = FftPlanner::new().plan_fft_forward(segment);
    let mut scratch = vec![Complex64::ZERO; fft.get_inplace_scratch_len()];
    let mut buffer = vec![Complex64::ZERO; segment];
    let mut power = vec![0.0; segment / 2 + 1];
    let mut parts = 0.0;
    for part in x.windows(segment).step_by(step) {
        let level = part.iter().sum::<f64>() / segment as f64;
        for window in windows {
            let energy: f64 = window.iter().map(|w| w * w).sum();
            buffer.iter_mut().zip(part.iter().zip(window)).for_each(|(b, (v, w))| *b = ((v - level) * w).into());
            fft.process_with_scratch(&mut buffer, &mut scratch);
            power.iter_mut().zip(&buffer).for_each(|(p, b)| *p += b.norm_sqr() / (energy * rate_hz));
            parts += 1.0;
        }
    }
    let twice = 1..segment.div_ceil(2);
    power.iter_mut().enumerate().for_each(|(k, p)| *p *= if twice.contains(&k) { 2.0 / parts } else { 1.0 / parts });
    let frequencies_hz = (0..power.len()).map(|k| k as f64 * rate_hz / segment as f64).collect();
    Density { frequencies_hz, power }
}

/// The spectrum of the autoregressive model of Burg at `points` frequencies up to half the rate.
pub(super) fn burg(x: &[f64], rate_hz: f64, order: usize, points: usize) -> Density {
    let n = x.len();
    let mut energy = x.iter().map(|v| v * v).sum::<f64>() / n as f64;
    let (mut forward, mut backward) = (x.to_vec(), x.to_vec());
    let mut a = vec![1.0];
    for m in 1..=order.min(n - 1) {
        let pairs = forward[m..].iter().zip(&backward[m - 1..n - 1]);
        let (cross, power) = pairs.fold((0.0, 0.0), |(c, p), (f, b)| (c + f * b, p + f * f + b * b));
        if power == 0.0 {
            break;
        }
        let k = -2.0 * cross / power;
        for i in (m..n).rev() {
            let (f, b) = (forward[i], backward[i - 1]);
            forward[i] = f + k * b;
            backward[i] = b + k * f;
        }
        a.push(0.0);
        let mirrored: Vec<f64> = a.iter().rev().copied().collect();
        a.iter_mut().zip(mirrored).for_each(|(a, b)| *a += k * b);
        energy *= 1.0 - k * k;
    }
    let frequencies_hz: Vec<f64> = (0..points).map(|k| 0.5 * rate_hz * k as f64 / (points - 1) as f64).collect();
    let power = frequencies_hz
        .iter()
        .map(|f| {
            let turn = Complex64::from_polar(1.0, -TAU * f / rate_hz);
            let gain = a.iter().rev().fold(Complex64::ZERO, |sum, a| sum * turn + a);
            2.0 * energy / rate_hz / gain.norm_sqr()
        })
        .collect();
    Density { frequencies_hz, power }
}

/// The spectrum of Lomb and Scargle of values at uneven times, averaged over stretches of `segment_s` that overlap by half.
pub(super) fn lomb(t: &[f64], y: &[f64], segment_s: f64, highest_hz: f64) -> Density {
    let total = t.last().copied().unwrap_or_default() - t.first().copied().unwrap_or_default();
    let length = segment_s.min(total);
    let step = 0.25 / length; // four points per width of a line
    let count = (highest_hz / step).ceil() as usize;
    let frequencies_hz: Vec<f64> = (1..=count).map(|k| k as f64 * step).collect();
    let mut power = vec![0.0; count];
    let mut parts = 0.0;
    let starts = ((total - length) / (length / 2.0)).floor() as usize;
    for part in 0..=starts {
        let from = t[0] + part as f64 * length / 2.0;
        let range = t.partition_point(|v| *v < from)..t.partition_point(|v| *v <= from + length);
        let (t, y) = (&t[range.clone()], &y[range]);
        if t.len() < 4 {
            continue;
        }
        parts += 1.0;
        let level = y.iter().sum::<f64>() / y.len() as f64;
        let spacing = (t[t.len() - 1] - t[0]) / (t.len() - 1) as f64;
        // each beat turns by its own angle from one frequency to the next
        let turns: Vec<Complex64> = t.iter().map(|t| Complex64::from_polar(1.0, TAU * step * t)).collect();
        let mut phases = turns.clone();
        for power in &mut power {
            let (mut signal, mut double) = (Complex64::ZERO, Complex64::ZERO);
            for ((phase, turn), y) in phases.iter_mut().zip(&turns).zip(y) {
                signal += *phase * (y - level);
                double += *phase * *phase;
                *phase *= *turn;
            }
            // the shift that puts sine and cosine at right angles
            let shift = Complex64::from_polar(1.0, -0.5 * double.arg());
            let turned = signal * shift;
            let n = t.len() as f64;
            let (cosines, sines) = (0.5 * (n + double.norm()), 0.5 * (n - double.norm()));
            let scargle = 0.5
                * (turned.re * turned.re / cosines
                    + if sines > 1e-9 * n { turned.im * turned.im / sines } else { 0.0 });
            *power += 2.0 * scargle * spacing;
        }
    }
    power.iter_mut().for_each(|p| *p /= f64::max(parts, 1.0));
    Density { frequencies_hz, power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spline_reproduces_cubics() {
        let t: Vec<f64> = (0..12u32).map(|i| f64::from(i) + 0.3 * f64::from(i * i % 3)).map(|v| v - 0.0).collect();
        let cubic = |t: f64| 2.0 - t + 0.5 * t * t - 0.03 * t * t * t;
        let y: Vec<f64> = t.iter().map(|t| cubic(*t)).collect();
        for (i, v) in resampled(&t, &y, 4.0).iter().enumerate() {
            assert!((v - cubic(i as f64 / 4.0)).abs() < 1e-10);
        }
    }

    #[test]
    fn every_spectrum_holds_the_power_of_a_tone() {
        let x: Vec<f64> = (0..2048).map(|i| 3.0 * (TAU * 0.1 * f64::from(i) / 4.0).sin()).collect();
        let t: Vec<f64> = (0..2048u32).map(|i| f64::from(i) / 4.0 + 0.01 * f64::from(i * i % 7)).collect();
        let y: Vec<f64> = t.iter().map(|t| 3.0 * (TAU * 0.1 * t).sin()).collect();
        for (name, density) in [("welch", welch(&x, 4.0, 1024)), ("lomb", lomb(&t, &y, 256.0, 0.5))] {
            let power = density.band((0.05, 0.15));
            assert!((power - 4.5).abs() < 0.1, "{name} {power}");
            assert!((density.peak((0.05, 0.15)).unwrap().0 - 0.1).abs() < 0.005);
        }
    }

    #[test]
    fn burg_finds_the_model() {
        let mut state = 1u32;
        let mut y = vec![0.0, 0.0];
        for k in 2..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            y.push(1.2 * y[k - 1] - 0.8 * y[k - 2] + f64::from(state) / f64::from(u32::MAX) - 0.5);
        }
        let density = burg(&y, 1.0, 2, 4097);
        let variance = y.iter().map(|v| v * v).sum::<f64>() / y.len() as f64;
        let total = density.band((0.0, 0.6));
        assert!((total / variance - 1.0).abs() < 0.02, "{total} {variance}");
    }

    #[test]
    fn a_boxcar_keeps_the_variance() {
        let mut x: Vec<f64> = (0..501u32).map(|i| f64::from(i * i % 37)).collect();
        remove_line(&mut x);
        for n in [500, 501] {
            let level = x[..n].iter().sum::<f64>() / n as f64;
            let variance = x[..n].iter().map(|v| (v - level).powi(2)).sum::<f64>() / n as f64;
            let density = averaged(&x[..n], 4.0, n, 1, &[vec![1.0; n]]);
            let total: f64 = density.power.iter().sum::<f64>() * 4.0 / n as f64;
            assert!((total / variance - 1.0).abs() < 1e-12, "{total} {variance}");
        }
    }
}
