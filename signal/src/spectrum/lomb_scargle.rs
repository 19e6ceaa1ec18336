//! The periodogram of Lomb and Scargle, for unevenly spaced samples.

use super::PowerSpectrum;
use crate::Result;
use crate::spectrum::sin_cos::turns;
use eir_core::error::{Mismatch, NotFinite, OutOfRange, Parameter, TooShort};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// Phases above this many turns have no digits left behind the point that mean anything.
const MOST_TURNS: f64 = 5e14;
/// Samples whose sines stand in the cache together.
const BLOCK: usize = 256;

/// The power of `y` at the times `times_s`, with the default settings.
///
/// # Errors
/// As [`LombScargleConfig::power`].
pub fn lomb_scargle(times_s: &[f64], y: &[f64], frequencies_hz: &[f64]) -> Result<PowerSpectrum> {
    LombScargleConfig::default().power(times_s, y, frequencies_hz)
}

/// The unit of a Lomb-Scargle periodogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LombNormalisation {
    /// `n/4` times the squared amplitude of the sine that fits best.
    #[default]
    Power,
    /// The share of the signal's power that the sine explains, 0 to 1.
    Share,
}

/// Settings of a Lomb-Scargle periodogram.
///
/// **Use it** on beats, blood samples, anything that is not sampled evenly: nothing is interpolated. **Not** on evenly
/// spaced samples, where a Fourier transform is the same and faster, nor on a signal with an offset unless
/// [`floating_mean`](Self::floating_mean) fits it.
///
/// # Formula
/// The least-squares fit of `a cos ω(t - τ) + b sin ω(t - τ)` (`+ c` with a floating mean), `τ` such that both are
/// orthogonal on the weighted samples: `P = 2 (YC²/CC + YS²/SS)` times `n/4` or `1/(2 YY)`.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::lomb_scargle;
/// let t: Vec<f64> = (0..200).map(|i| f64::from(i) + 0.3 * (f64::from(i) * 1.7).sin()).collect();
/// let y: Vec<f64> = t.iter().map(|t| (std::f64::consts::TAU * 0.1 * t).cos()).collect();
/// let f: Vec<f64> = (1..200).map(|k| f64::from(k) * 0.002).collect();
/// assert_eq!(lomb_scargle(&t, &y, &f)?.peak_hz(), Some(0.1));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to SciPy 1.17.1 `lombscargle` within 1e-9 of the largest value on the golden set (all RR series), and on 500
/// random series with weights, floating mean and every normalisation.
///
/// # References
/// Lomb 1976, doi:10.1007/BF00648343; Scargle 1982, doi:10.1086/160554; Zechmeister, Kürster 2009,
/// doi:10.1051/0004-6361:200811296.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LombScargleConfig {
    /// Power or share. Default [`LombNormalisation::Power`].
    pub normalisation: LombNormalisation,
    /// Whether an offset is fitted at each frequency. Default no: the mean must have been removed.
    pub floating_mean: bool,
}

impl LombScargleConfig {
    /// Sets [`normalisation`](Self::normalisation).
    #[must_use]
    pub fn with_normalisation(self, normalisation: LombNormalisation) -> Self {
        Self { normalisation, ..self }
    }

    /// Sets [`floating_mean`](Self::floating_mean).
    #[must_use]
    pub fn with_floating_mean(self, floating_mean: bool) -> Self {
        Self { floating_mean, ..self }
    }

    /// Checks the settings: every one is valid.
    ///
    /// # Errors
    /// Never.
    pub fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// The power of `y` at the times `times_s`, of which the order does not matter.
    ///
    /// # Errors
    /// [`TooShort`] without samples or frequencies, [`Mismatch`] of lengths,
    /// [`NotFinite`](eir_core::error::NotFinite) if a value is missing, [`Parameter`] if times and frequencies are so
    /// large that phases have no digits left. With [`LombNormalisation::Share`] a signal of zeros gives NaN.
    pub fn power(&self, times_s: &[f64], y: &[f64], frequencies_hz: &[f64]) -> Result<PowerSpectrum> {
        self.power_weighted(times_s, y, None, frequencies_hz)
    }

    /// As [`power`](Self::power), each sample with its weight (`None`: all the same), as one over its variance.
    ///
    /// # Errors
    /// As `power`, and [`OutOfRange`] if a weight is negative or all are 0.
    pub fn power_weighted(
        &self,
        times_s: &[f64],
        y: &[f64],
        weights: Option<&[f64]>,
        frequencies_hz: &[f64],
    ) -> Result<PowerSpectrum> {
        let mut power = vec![0.0; frequencies_hz.len()];
        self.each(times_s, y, weights, frequencies_hz, |k, fit| power[k] = fit.power)?;
        Ok(PowerSpectrum::new(frequencies_hz.to_vec(), power))
    }

    /// Amplitude and phase of the sine that fits best at each frequency: it is `Re(c exp(-iωt))`.
    ///
    /// # Errors
    /// As [`power_weighted`](Self::power_weighted).
    pub fn amplitude(
        &self,
        times_s: &[f64],
        y: &[f64],
        weights: Option<&[f64]>,
        frequencies_hz: &[f64],
    ) -> Result<Vec<Complex64>> {
        let mut amplitude = vec![Complex64::default(); frequencies_hz.len()];
        self.each(times_s, y, weights, frequencies_hz, |k, fit| amplitude[k] = fit.amplitude)?;
        Ok(amplitude)
    }

    fn each(
        &self,
        times_s: &[f64],
        y: &[f64],
        weights: Option<&[f64]>,
        frequencies_hz: &[f64],
        mut found: impl FnMut(usize, Fit),
    ) -> Result<()> {
        for (what, len) in [("samples", times_s.len()), ("frequencies", frequencies_hz.len())] {
            if len == 0 {
                return Err(TooShort::new(what, 0, 1).into());
            }
        }
        Mismatch::check("times and samples", times_s.len(), y.len())?;
        NotFinite::check_f64("time", times_s)?;
        NotFinite::check_f64("sample", y)?;
        NotFinite::check_f64("frequency", frequencies_hz)?;
        let largest = |v: &[f64]| v.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        let turns = largest(times_s) * largest(frequencies_hz);
        if turns.is_nan() || turns >= MOST_TURNS {
            return Err(Parameter::new("frequency times time", turns, "below 5e14 turns").into());
        }
        let mut weight = match weights {
            None => vec![1.0; y.len()],
            Some(weights) => {
                Mismatch::check("weights and samples", y.len(), weights.len())?;
                let all_zero = weights.iter().all(|w| *w == 0.0);
                OutOfRange::check("weight", weights.iter().copied(), "0 or above, finite, and not all 0", |w| {
                    w >= 0.0 && w.is_finite() && !all_zero
                })?;
                weights.to_vec()
            }
        };
        let total: f64 = weight.iter().sum();
        weight.iter_mut().for_each(|w| *w *= 1.0 / total);
        let weighted: Vec<f64> = y.iter().zip(&weight).map(|(y, w)| y * w).collect();
        let mean = if self.floating_mean { weighted.iter().sum() } else { 0.0 };
        let energy = weighted.iter().zip(y).map(|(a, b)| a * b).sum::<f64>() - mean * mean;
        let scale = match self.normalisation {
            LombNormalisation::Power => y.len() as f64 / 4.0,
            LombNormalisation::Share => 0.5 / energy,
        };
        let samples = Samples { times_s, weight: &weight, weighted: &weighted };
        let arch = pulp::Arch::new();
        for (k, frequency) in frequencies_hz.iter().enumerate() {
            let sums = arch.dispatch(At { samples: &samples, frequency_hz: *frequency });
            found(k, self.fit(sums, mean, scale));
        }
        Ok(())
    }

    /// The fit from the sums over the samples. Turning by τ is done on the sums: with `c' = cos ω(t-τ)`,
    /// `Σ w c'² = cos²τ' CC + 2 sin τ' cos τ' CS + sin²τ' SS`, and so on, `τ' = ωτ`.
    fn fit(&self, sums: Sums, mean: f64, scale: f64) -> Fit {
        let Sums { mut yc, mut ys, mut cc, mut cs, c, s } = sums;
        let mut ss = 1.0 - cc;
        if self.floating_mean {
            cc -= c * c;
            ss -= s * s;
            cs -= c * s;
            yc -= mean * c;
            ys -= mean * s;
        }
        let tau = 0.5 * (2.0 * cs).atan2(cc - ss);
        let (sin, cos) = tau.sin_cos();
        let (yc, ys) = (cos * yc + sin * ys, cos * ys - sin * yc);
        let least = f64::EPSILON / 2.0;
        let turned_cc = (cos * cos * cc + 2.0 * sin * cos * cs + sin * sin * ss).max(least);
        let turned_ss = (cos * cos * ss - 2.0 * sin * cos * cs + sin * sin * cc).max(least);
        let (a, b) = (yc / turned_cc, ys / turned_ss);
        Fit { power: 2.0 * (a * yc + b * ys) * scale, amplitude: Complex64::new(a, b) * Complex64::new(cos, sin) }
    }
}

struct Fit {
    power: f64,
    amplitude: Complex64,
}

/// Weighted sums over the samples: `Σ w y cos`, `Σ w y sin`, `Σ w cos²`, `Σ w cos sin`, `Σ w cos`, `Σ w sin`.
#[derive(Default, Clone, Copy)]
struct Sums {
    yc: f64,
    ys: f64,
    cc: f64,
    cs: f64,
    c: f64,
    s: f64,
}

struct Samples<'a> {
    times_s: &'a [f64],
    weight: &'a [f64],
    weighted: &'a [f64],
}

/// The sums at one frequency, for the vector instructions that the processor has.
struct At<'a> {
    samples: &'a Samples<'a>,
    frequency_hz: f64,
}

impl pulp::WithSimd for At<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Sums {
        self.samples.sums(self.frequency_hz)
    }
}

impl Samples<'_> {
    /// Bound by arithmetic, about 40 operations a sample: the sines of a block are computed side by side, then summed.
    #[inline(always)]
    fn sums(&self, frequency_hz: f64) -> Sums {
        let (mut sin, mut cos) = ([0.0; BLOCK], [0.0; BLOCK]);
        let mut total = [[0.0; 8]; 6];
        let blocks = self.times_s.chunks(BLOCK).zip(self.weight.chunks(BLOCK)).zip(self.weighted.chunks(BLOCK));
        for ((times, weight), weighted) in blocks {
            for ((t, s), c) in times.iter().zip(&mut sin).zip(&mut cos) {
                (*s, *c) = turns(frequency_hz, *t);
            }
            let n = times.len();
            // whole groups of eight in eight partial sums; the rest are zeros in weight
            let (w, w_rest) = weight.as_chunks::<8>();
            let (y, y_rest) = weighted.as_chunks::<8>();
            let (s, c) = (sin[..n].as_chunks::<8>(), cos[..n].as_chunks::<8>());
            for (((w, y), s), c) in w.iter().zip(y).zip(s.0).zip(c.0) {
                for j in 0..8 {
                    add(&mut total, j, w[j], y[j], s[j], c[j]);
                }
            }
            for (j, (((w, y), s), c)) in w_rest.iter().zip(y_rest).zip(s.1).zip(c.1).enumerate() {
                add(&mut total, j, *w, *y, *s, *c);
            }
        }
        let [yc, ys, cc, cs, c, s] = total.map(|lanes| lanes.iter().sum());
        Sums { yc, ys, cc, cs, c, s }
    }
}

#[inline(always)]
fn add(total: &mut [[f64; 8]; 6], j: usize, w: f64, y: f64, s: f64, c: f64) {
    let (wc, ws) = (w * c, w * s);
    total[0][j] += y * c;
    total[1][j] += y * s;
    total[2][j] += wc * c;
    total[3][j] += wc * s;
    total[4][j] += wc;
    total[5][j] += ws;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_floats_away() {
        let t: Vec<f64> = (0..100).map(|i| f64::from(i) + 0.4 * (f64::from(i) * 2.3).cos()).collect();
        let y: Vec<f64> = t.iter().map(|t| 3.0 + 2.0 * (0.9 * t + 0.4).cos()).collect();
        let config = LombScargleConfig::default().with_floating_mean(true);
        let hz = [0.9 / std::f64::consts::TAU];
        let share = config.with_normalisation(LombNormalisation::Share).power(&t, &y, &hz).unwrap().power[0];
        assert!((share - 1.0).abs() < 1e-12, "{share}");
        let amplitude = config.amplitude(&t, &y, None, &hz).unwrap()[0];
        assert!((amplitude.norm() - 2.0).abs() < 1e-9 && (amplitude.arg() + 0.4).abs() < 1e-9, "{amplitude}");
    }

    #[test]
    fn odd_inputs() {
        assert!(lomb_scargle(&[], &[], &[1.0]).is_err());
        assert!(lomb_scargle(&[1.0], &[1.0], &[]).is_err());
        assert!(lomb_scargle(&[1.0, 2.0], &[1.0], &[1.0]).is_err());
        assert!(lomb_scargle(&[1.0, f64::NAN], &[1.0, 1.0], &[1.0]).is_err());
        assert!(lomb_scargle(&[1.0, 2.0], &[1.0, 1.0], &[f64::INFINITY]).is_err());
        assert!(lomb_scargle(&[1e300, 2.0], &[1.0, 1.0], &[1e300]).is_err());
        assert!(lomb_scargle(&[1.0], &[1.0], &[0.3]).unwrap().power[0].is_finite());
        assert!(lomb_scargle(&[1.0, 2.0], &[0.0, 0.0], &[0.0]).unwrap().power[0] == 0.0);
        let weighted = LombScargleConfig::default().power_weighted(&[1.0, 2.0], &[1.0, 1.0], Some(&[0.0, 0.0]), &[1.0]);
        assert!(weighted.is_err());
    }
}
