//! How smooth a movement is.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{NotFinite, Parameter, TooShort};
use std::f64::consts::TAU;

/// Highest frequency that is looked at, in Hz.
const HIGHEST_HZ: f64 = 10.0;
/// Share of the largest amplitude below which the spectrum is over.
const LEAST: f64 = 0.05;
/// The spectrum is this much finer than the movement's own, as a power of two.
const FINER: u32 = 4;

fn check(speed: &[f64], least: usize) -> Result<f64> {
    if speed.len() < least {
        return Err(TooShort::new("speeds of a movement", speed.len(), least).into());
    }
    NotFinite::check_f64("speed of a movement", speed)?;
    let peak = speed.iter().fold(0.0f64, |a, v| a.max(v.abs()));
    if peak > 0.0 && peak < 1e150 {
        Ok(peak)
    } else {
        Err(Parameter::new("largest speed", peak, "above 0 and finite").into())
    }
}

/// Spectral arc length of a movement's speed: below 0, and the nearer to 0 the smoother.
///
/// **Use it** to compare movements of the same kind, one at a time (a single bending), whatever their size and duration.
/// **Not** on a whole exercise with its pauses.
///
/// # Formula
/// `−Σ √((Δf / f_c)² + ΔV²)` over the amplitude spectrum `V` of the speed, divided by its largest value, on a grid 16 times
/// finer than the next power of two, from the first to the last amplitude above 0.05, at most to 10 Hz; `f_c` is the
/// extent of those frequencies.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::spectral_arc_length;
/// let bell: Vec<f64> = (0..60).map(|i| (f64::from(i) / 60.0).powi(2) * (1.0 - f64::from(i) / 60.0).powi(2)).collect();
/// let trembling: Vec<f64> = bell.iter().enumerate().map(|(i, v)| v * (1.0 + (i as f64).sin())).collect();
/// let smooth = spectral_arc_length(&bell, 60.0)?;
/// assert!(smooth > -1.7 && smooth < -1.3 && spectral_arc_length(&trembling, 60.0)? < smooth);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooShort`](crate::Error::TooShort) for fewer than 4 values, [`Error::NotFinite`](crate::Error::NotFinite),
/// [`Error::Parameter`](crate::Error::Parameter) for a movement without speed or a rate that is none.
///
/// # References
/// Balasubramanian et al. 2015, doi:10.1186/s12984-015-0090-9.
pub fn spectral_arc_length(speed: &[f64], rate_hz: f64) -> Result<f64> {
    let rate = SampleRate::new(rate_hz)?;
    check(speed, 4)?;
    let size = speed.len().next_power_of_two() << FINER;
    let resolution = rate.hz() / size as f64;
    let bins = ((HIGHEST_HZ / resolution).floor() as usize + 1).min(size / 2 + 1);
    let mut amplitude = spectrum(speed, bins, size);
    let largest = amplitude.iter().fold(0.0f64, |a, v| a.max(*v));
    amplitude.iter_mut().for_each(|v| *v /= largest);
    let first = amplitude.iter().position(|v| *v >= LEAST).unwrap_or(0);
    let last = amplitude.iter().rposition(|v| *v >= LEAST).unwrap_or(0);
    if last <= first {
        return Ok(0.0);
    }
    let step = 1.0 / (last - first) as f64;
    let chosen = amplitude.get(first..=last).unwrap_or_default();
    Ok(-chosen.windows(2).map(|w| step.hypot(w[1] - w[0])).sum::<f64>())
}

/// Amplitudes of the first `bins` of a discrete Fourier transform of `size` values, of which the first are `x` and the rest
/// 0 (Goertzel). Only these are needed, and the loop over them is one that vectorises.
fn spectrum(x: &[f64], bins: usize, size: usize) -> Vec<f64> {
    let turn: Vec<f64> = (0..bins).map(|k| 2.0 * (TAU * k as f64 / size as f64).cos()).collect();
    let (mut last, mut before) = (vec![0.0f64; bins], vec![0.0f64; bins]);
    for &v in x {
        for ((a, b), c) in last.iter_mut().zip(before.iter_mut()).zip(&turn) {
            (*a, *b) = (v + c * *a - *b, *a);
        }
    }
    let power = |((a, b), c): ((&f64, &f64), &f64)| (a * a + b * b - c * a * b).max(0.0).sqrt();
    last.iter().zip(&before).zip(&turn).map(power).collect()
}

/// Log dimensionless jerk of a movement's speed: the nearer to 0 the smoother; a movement of least jerk has −5.32.
///
/// **Use it** beside [`spectral_arc_length`]; it is older and better known, and more easily upset by jitter.
///
/// # Formula
/// `−ln(T³ / v_peak² · ∫ (d²v/dt²)² dt)`.
///
/// # Errors
/// As [`spectral_arc_length`].
///
/// # Validation
/// A movement of least jerk has `−ln(720 / 1.875²)` (unit tests).
///
/// # References
/// Balasubramanian et al. 2015, doi:10.1186/s12984-015-0090-9.
pub fn log_dimensionless_jerk(speed: &[f64], rate_hz: f64) -> Result<f64> {
    let rate = SampleRate::new(rate_hz)?;
    let peak = check(speed, 4)?;
    let step = 1.0 / rate.hz();
    let bends = speed.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]) / (step * step) / peak);
    // the ends have a jerk too: as much as their neighbours
    let (sum, n) = bends.fold((0.0, 0.0), |(sum, n), j| (sum + j * j, n + 1.0));
    let duration = step * (speed.len() - 1) as f64;
    let value = duration.powi(4) * sum / n;
    Ok(-value.max(f64::MIN_POSITIVE).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speed of the movement of least jerk in one second.
    fn least_jerk(rate: f64) -> Vec<f64> {
        let n = rate as usize;
        (0..=n).map(|i| i as f64 / rate).map(|t| 30.0 * (t * t - 2.0 * t.powi(3) + t.powi(4))).collect()
    }

    #[test]
    fn least_jerk_has_its_value_at_any_rate_and_size() {
        let want = -(720.0f64 / 1.875f64.powi(2)).ln();
        for rate in [200.0, 1000.0] {
            for size in [1e-3, 1.0, 500.0] {
                let speed: Vec<f64> = least_jerk(rate).iter().map(|v| v * size).collect();
                let got = log_dimensionless_jerk(&speed, rate).unwrap();
                assert!((got - want).abs() < 0.05, "{rate} {got} {want}");
            }
        }
    }

    #[test]
    fn the_spectrum_is_that_of_the_definition() {
        let x: Vec<f64> = (0..30).map(|i| (f64::from(i) * 0.7).sin() + 0.3).collect();
        for (k, got) in spectrum(&x, 40, 256).iter().enumerate() {
            let sum = x.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, v)| {
                let a = TAU * (k * n) as f64 / 256.0;
                (re + v * a.cos(), im - v * a.sin())
            });
            assert!((got - sum.0.hypot(sum.1)).abs() < 1e-9, "{k}");
        }
    }

    #[test]
    fn size_says_nothing_and_two_movements_are_less_smooth_than_one() {
        let one = least_jerk(100.0);
        let large: Vec<f64> = one.iter().map(|v| 300.0 * v).collect();
        let smooth = spectral_arc_length(&one, 100.0).unwrap();
        assert!((spectral_arc_length(&large, 100.0).unwrap() - smooth).abs() < 1e-12);
        let two: Vec<f64> = one.iter().chain(&one).copied().collect();
        assert!(spectral_arc_length(&two, 100.0).unwrap() < smooth - 0.3);
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(spectral_arc_length(&[1.0; 3], 30.0).is_err() && spectral_arc_length(&[0.0; 30], 30.0).is_err());
        assert!(log_dimensionless_jerk(&[f64::NAN; 30], 30.0).is_err());
        assert!(log_dimensionless_jerk(&[1.0, 2.0, 1.0, 0.0], 0.0).is_err());
        assert!(log_dimensionless_jerk(&[1.0; 9], 30.0).unwrap().is_finite());
    }
}
