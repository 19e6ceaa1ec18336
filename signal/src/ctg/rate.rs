//! Heart rates and tocograms of other rates, brought to the 4 Hz of this module.

use super::preparation::{RATE_HZ, is_measured};
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Unsupported;

/// Slowest rate that is taken, in Hz: slower, a deceleration of 15 s has a handful of samples.
const SLOWEST_HZ: f64 = 1.0;
/// Fastest rate that is taken, in Hz: no monitor puts out a heart rate more often.
const FASTEST_HZ: f64 = 50.0;

/// A fetal heart rate (bpm; 0, NaN and what is outside 50–220 mean lost) of any rate of 1–50 Hz at the 4 Hz of this
/// module; NaN where it is lost, and at 4 Hz the samples as they are.
///
/// **Use it** before [`analyse`](super::analyse) on monitors that put out 1 or 2 values a second. **Not** to compare the
/// short-term variation afterwards: a line between two values of a slower trace has none.
///
/// # Formula
/// Sample `i` lies at `i / 4` s from the first. Slower than 4 Hz: the straight line between the two neighbours; where one
/// of them is lost, the other if it is nearer, else lost. A gap is never bridged. Faster: the mean of what is measured
/// within an eighth of a second to both sides, lost if that is less than half.
///
/// # Examples
/// ```
/// let rate = eir_core::SampleRate::new(1.0)?;
/// let found = eir_signal::ctg::fhr_at_4_hz(&[140.0, 144.0, 0.0, 150.0], rate)?;
/// assert_eq!((found.len(), found[2], found[5]), (16, 142.0, 144.0));
/// assert!(found[7].is_nan());
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Unsupported`] for a rate below 1 or above 50 Hz.
pub fn fhr_at_4_hz(fhr_bpm: &[f64], rate: SampleRate) -> Result<Vec<f64>> {
    at_4_hz(fhr_bpm, rate, is_measured)
}

/// As [`fhr_at_4_hz`], for a tocogram: what is not finite is missing, every other value is one.
///
/// # Errors
/// As there.
pub fn uc_at_4_hz(uc: &[f64], rate: SampleRate) -> Result<Vec<f64>> {
    at_4_hz(uc, rate, f64::is_finite)
}

fn at_4_hz(x: &[f64], rate: SampleRate, is_known: impl Fn(f64) -> bool) -> Result<Vec<f64>> {
    let hz = rate.hz();
    if !(SLOWEST_HZ..=FASTEST_HZ).contains(&hz) {
        return Err(Unsupported::new(format!("a heart rate at {hz} Hz"), "1 to 50 Hz: bring it to 4 Hz first").into());
    }
    if hz == RATE_HZ {
        return Ok(x.to_vec());
    }
    let known = |k: usize| x.get(k).copied().filter(|v| is_known(*v));
    let n = (x.len() as f64 * RATE_HZ / hz + 1e-9).floor() as usize; // 1 s of 2.4 Hz is no sample less
    let value = |i: usize| {
        let place = i as f64 * hz / RATE_HZ;
        if hz > RATE_HZ {
            let half = hz / RATE_HZ / 2.0;
            let (from, to) = ((place - half).ceil().max(0.0) as usize, (place + half).ceil() as usize);
            let to = to.min(x.len());
            let (sum, count) = (from..to).filter_map(known).fold((0.0, 0usize), |(s, c), v| (s + v, c + 1));
            return if count > 0 && 2 * count >= to - from { sum / count as f64 } else { f64::NAN };
        }
        let (k, part) = (place.floor() as usize, place.fract());
        match (known(k), known(k + 1)) {
            (Some(a), _) if part == 0.0 => a,
            (Some(a), Some(b)) => a + part * (b - a),
            (Some(a), None) if part < 0.5 || k + 1 == x.len() => a,
            (None, Some(b)) if part >= 0.5 => b,
            _ => f64::NAN,
        }
    };
    Ok((0..n).map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: f64) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    #[test]
    fn a_slow_wave_survives_any_rate_and_a_gap_stays_one() {
        let wave = |t: f64| 140.0 + 20.0 * (t * 0.05).sin();
        for hz in [1.0, 2.0, 2.5, 5.0, 8.0, 50.0] {
            let mut x: Vec<f64> = (0..(600.0 * hz) as usize).map(|i| wave(i as f64 / hz)).collect();
            x[(100.0 * hz) as usize..(110.0 * hz) as usize].fill(0.0);
            let y = fhr_at_4_hz(&x, rate(hz)).unwrap();
            assert_eq!(y.len(), 2400, "{hz} Hz");
            let lost = y.iter().filter(|v| v.is_nan()).count();
            assert!((38..=44).contains(&lost), "{hz} Hz: {lost}");
            let worst =
                y.iter().enumerate().filter(|(_, v)| !v.is_nan()).map(|(i, v)| (v - wave(i as f64 / 4.0)).abs());
            assert!(worst.fold(0.0, f64::max) < 0.6, "{hz} Hz");
        }
    }

    #[test]
    fn rates_of_no_monitor_are_refused_and_nothing_gives_nothing() {
        for hz in [0.25, 1000.0] {
            assert!(fhr_at_4_hz(&[140.0; 3], rate(hz)).is_err() && uc_at_4_hz(&[1.0; 3], rate(hz)).is_err());
        }
        assert!(fhr_at_4_hz(&[], rate(1.0)).unwrap().is_empty());
        assert!(fhr_at_4_hz(&[f64::NAN, f64::INFINITY, -3.0], rate(2.0)).unwrap().iter().all(|v| v.is_nan()));
    }
}
