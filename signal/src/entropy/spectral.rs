//! Spectral entropy.

use super::{Measure, NoAnswer, bits, check, enough, mean};
use crate::Result;
use crate::spectrum::{Detrend, WelchConfig};
use eir_core::SampleRate;

/// The entropy of how the power of `x` is spread over the frequencies, between 0 and 1.
///
/// **Use it** to tell a rhythm (near 0) from noise (near 1), on evenly sampled signals. On intervals between beats the
/// frequency is in cycles per beat. **Not** to compare series of different lengths: the resolution differs.
///
/// # Formula
/// `−Σ p log2 p / log2 K`; `p` is the share of each of `K` frequencies in the Welch spectrum (periodic Hann windows of
/// half the series, overlapping by half, padded to twice their length) from four cycles per series upwards; the mean of
/// the whole series is removed first.
///
/// # Examples
/// ```
/// let tone: Vec<f64> = (0..500).map(|i| (f64::from(i) * 0.7).sin()).collect();
/// assert!(eir_signal::entropy::spectral_entropy(&tone)? < 0.4);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] below 16 values and for values that do not vary.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `entropy_spectral` within 1e-6 on all series of the golden set.
///
/// # References
/// Inouye et al. 1991, doi:10.1016/0013-4694(91)90138-T.
pub fn spectral_entropy(x: &[f64]) -> Result<f64> {
    check(x, 0)?;
    Ok(measure(x)?)
}

pub(crate) fn measure(x: &[f64]) -> Measure {
    enough(x, 16)?;
    if x.iter().all(|v| *v == x[0]) {
        return Err(NoAnswer::Constant);
    }
    // the reference computes with a rate of 1000 and so decides, by rounding, which frequency is the first
    const RATE: f64 = 1000.0;
    let half = x.len() as f64 / 2.0;
    let lowest = 2.0 * RATE / half;
    let segment = (((2.0 / lowest) * RATE) as usize).min(half as usize);
    let centre = mean(x);
    let level: Vec<f64> = x.iter().map(|v| v - centre).collect();
    let welch = WelchConfig::default().with_segment(segment).with_fft_length(2 * segment).with_detrend(Detrend::None);
    let spectrum = SampleRate::new(RATE)
        .map_err(|_| ())
        .and_then(|rate| welch.plan(rate).and_then(|w| w.power(&level)).map_err(|_| ()));
    let power = spectrum.map_err(|()| NoAnswer::OutOfRange)?.power;
    let step = 1.0 / ((2 * segment) as f64 * (1.0 / RATE));
    let kept: Vec<f64> =
        power.iter().enumerate().filter(|(k, _)| *k as f64 * step >= lowest).map(|(_, p)| *p).collect();
    let total: f64 = kept.iter().sum();
    if !(total.is_finite() && total > 0.0) {
        return Err(NoAnswer::OutOfRange);
    }
    Ok(bits(kept.iter().copied()) / (kept.len() as f64).log2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_tone_from_noise() {
        let tone: Vec<f64> = (0..400).map(|i| (f64::from(i) * 0.9).sin()).collect();
        let mut state = 3u32;
        let noise: Vec<f64> = (0..400)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state)
            })
            .collect();
        assert!(spectral_entropy(&tone).unwrap() < 0.45);
        assert!(spectral_entropy(&noise).unwrap() > 0.85);
        assert!(spectral_entropy(&[1.0; 100]).is_err() && spectral_entropy(&noise[..15]).is_err());
        for n in 16..80 {
            assert!((0.0..=1.0).contains(&spectral_entropy(&noise[..n]).unwrap()), "{n}");
        }
    }
}
