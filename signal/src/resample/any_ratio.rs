//! Another rate by any ratio.

use super::polyphase::PolyphaseConfig;
use super::within_reason;
use crate::Result;
use crate::filter::kernel::{check, check_f32, fused, is_fused, narrow, wide};
use crate::filter::{FirWindow, bessel_i0, sinc};
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};
use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

/// The largest number of a ratio for which [`to_rate`] takes the polyphase resampler.
const SMALL: usize = 1000;
/// Places between two samples at which the kernel is tabulated; between them it is interpolated by cubics.
const PHASES: usize = 128;
/// Terms that are summed side by side.
const LANES: usize = 8;

/// `x` at the rate `to`: by [`Polyphase`](super::Polyphase) if the rates are in a ratio of integers up to 1000, else by
/// [`AnyRatio`].
///
/// # Errors
/// As [`AnyRatio::resample`].
pub fn to_rate(x: &[f32], from: SampleRate, to: SampleRate) -> Result<Vec<f32>> {
    match small_ratio(to.hz() / from.hz()) {
        Some((up, down)) => {
            PolyphaseConfig::new(up, down).with_window(FirWindow::Kaiser { beta: 10.0 }).build()?.resample(x)
        }
        None => AnyRatioConfig::default().build(from, to)?.resample(x),
    }
}

/// `ratio` as a fraction of integers up to [`SMALL`], if it is one to rounding: by its continued fraction.
fn small_ratio(ratio: f64) -> Option<(usize, usize)> {
    let (mut rest, mut before, mut now) = (ratio, (0.0, 1.0), (1.0, 0.0));
    for _ in 0..20 {
        let whole = rest.floor();
        (before, now) = (now, (whole * now.0 + before.0, whole * now.1 + before.1));
        if !(now.0 <= SMALL as f64 && now.1 <= SMALL as f64) {
            return None;
        }
        if now.1 > 0.0 && (now.0 / now.1 / ratio - 1.0).abs() < 1e-14 {
            return (now.0 >= 1.0).then_some((now.0 as usize, now.1 as usize));
        }
        rest = 1.0 / (rest - whole);
    }
    None
}

/// Settings of [`AnyRatio`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AnyRatioConfig {
    /// Zero crossings of the kernel to each side, 4 to 1000. Default 64. More makes the edge of the band steeper.
    pub half_width: usize,
    /// By how much aliases and images are below the signal, in dB, 21 to 140. Default 100.
    pub attenuation_db: f64,
}

impl Default for AnyRatioConfig {
    fn default() -> Self {
        Self { half_width: 64, attenuation_db: 100.0 }
    }
}

impl AnyRatioConfig {
    /// Sets [`half_width`](Self::half_width).
    #[must_use]
    pub fn with_half_width(self, half_width: usize) -> Self {
        Self { half_width, ..self }
    }
    /// Sets [`attenuation_db`](Self::attenuation_db).
    #[must_use]
    pub fn with_attenuation_db(self, attenuation_db: f64) -> Self {
        Self { attenuation_db, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(4..=1000).contains(&self.half_width) {
            return Err(Parameter::new("half_width", self.half_width as f64, "4 to 1000").into());
        }
        if !(21.0..=140.0).contains(&self.attenuation_db) {
            return Err(Parameter::new("attenuation_db", self.attenuation_db, "21 to 140").into());
        }
        Ok(())
    }

    /// Tabulates the kernel for signals from the one rate to the other.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`Parameter`] if the rates differ by more than a factor of 1000.
    pub fn build(self, from: SampleRate, to: SampleRate) -> Result<AnyRatio> {
        self.validate()?;
        let ratio = to.hz() / from.hz();
        if !(1e-3..=1e3).contains(&ratio) {
            return Err(Parameter::new("rate", to.hz(), "within a factor of 1000 of the signal's").into());
        }
        // Kaiser's formulas: the window for the attenuation, and the width of the edge, which ends at half the lower rate
        let a = self.attenuation_db;
        let beta = if a > 50.0 { 0.1102 * (a - 8.7) } else { 0.5842 * (a - 21.0).powf(0.4) + 0.07886 * (a - 21.0) };
        let edge = ((a - 8.0) / (2.285 * 2.0 * self.half_width as f64) / std::f64::consts::PI).min(0.9);
        let cutoff = ratio.min(1.0) * (1.0 - edge / 2.0);
        let width = self.half_width as f64 / ratio.min(1.0);
        let reach = (2 * width.ceil() as usize).next_multiple_of(LANES);
        let kernel = |t: f64| {
            let inside = 1.0 - (t / width).powi(2);
            if inside < 0.0 {
                0.0
            } else {
                cutoff * sinc(cutoff * t) * bessel_i0(beta * inside.sqrt()) / bessel_i0(beta)
            }
        };
        // row p: the weights of the samples around a place p/PHASES behind a sample; one more row in front and two behind
        let row = |p: usize| {
            let place = (p as f64 - 1.0) / PHASES as f64 + (reach / 2 - 1) as f64;
            let mut row: Vec<f64> = (0..reach).map(|j| kernel(j as f64 - place)).collect();
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|w| *w /= sum); // a constant stays as it is
            row
        };
        Ok(AnyRatio { ratio, step: from.hz() / to.hz(), reach, rows: (0..PHASES + 3).flat_map(row).collect() })
    }
}

/// A resampler to any rate, ready to use.
///
/// **Use it** where the rates are in no ratio of small integers: a clock that runs 30 parts in a million fast. **Not**
/// else: [`Polyphase`](super::Polyphase) costs a third.
///
/// # Formula
/// `y[m] = Σ_i x[i] g(t_m - i)`, `t_m = m f_from/f_to` (a product, so the grid does not drift), `g` a sinc with its edge
/// before half the lower rate under a Kaiser window, tabulated at 128 places a sample and interpolated by cubics (an error
/// of 2e-9); `x` is 0 outside, and a constant stays as it is to rounding.
///
/// # Examples
/// ```
/// use eir_core::SampleRate;
/// use eir_signal::resample::AnyRatioConfig;
/// let (from, to) = (SampleRate::new(360.0)?, SampleRate::new(100.0 * std::f64::consts::PI)?);
/// let x: Vec<f64> = (0..3600).map(|n| (n as f64 / 360.0 * 40.0).sin()).collect();
/// let y = AnyRatioConfig::default().build(from, to)?.resample_f64(&x)?;
/// assert!((y[1500] - (to.seconds(1500) * 40.0).sin()).abs() < 1e-5);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// The error of a tone within 0.8 of half the lower rate, away from the ends, is at most 2e-5 of its amplitude at the
/// default (100 dB), and 2e-7 at 140 dB and a half width of 100: tests below, at six ratios.
///
/// # References
/// Kaiser 1974; Smith, *Digital Audio Resampling Home Page*, 2002.
#[derive(Debug, Clone, PartialEq)]
pub struct AnyRatio {
    ratio: f64,
    step: f64,
    reach: usize,
    rows: Vec<f64>,
}

impl AnyRatio {
    /// How many samples `samples` become.
    ///
    /// # Errors
    /// [`LimitExceeded`](eir_core::error::LimitExceeded) beyond 2²⁸.
    pub fn output_len(&self, samples: usize) -> Result<usize> {
        within_reason((samples as f64 * self.ratio).ceil() as u128)
    }

    /// `x` at the other rate.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, [`NotFinite`](eir_core::error::NotFinite) if it has a gap, and as
    /// [`output_len`](Self::output_len).
    pub fn resample(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        Ok(narrow(&self.resample_f64(&wide(x))?))
    }

    /// As [`resample`](Self::resample), in full precision.
    ///
    /// # Errors
    /// As `resample`.
    pub fn resample_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        check(x)?;
        let mut y = vec![0.0; self.output_len(x.len())?];
        let before = self.reach / 2 - 1;
        let mut padded = vec![0.0; x.len() + self.reach];
        padded[before..before + x.len()].copy_from_slice(x);
        Arch::new().dispatch(Interpolate { plan: self, x: &padded, y: &mut y });
        Ok(y)
    }
}

struct Interpolate<'a> {
    plan: &'a AnyRatio,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl WithSimd for Interpolate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if is_fused::<S>() { self.run::<true>() } else { self.run::<false>() }
    }
}

impl Interpolate<'_> {
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "lanes of several arrays, which the compiler makes vectors of")]
    fn run<const FUSED: bool>(self) {
        let AnyRatio { step, reach, rows, .. } = self.plan;
        for (m, out) in self.y.iter_mut().enumerate() {
            let time = m as f64 * step;
            let whole = time.floor();
            let place = (time - whole) * PHASES as f64;
            let phase = place.floor();
            let u = place - phase;
            // Lagrange's weights of the rows at -1, 0, 1, 2
            let weights = [
                -u * (u - 1.0) * (u - 2.0) / 6.0,
                (u + 1.0) * (u - 1.0) * (u - 2.0) / 2.0,
                -(u + 1.0) * u * (u - 2.0) / 2.0,
                (u + 1.0) * u * (u - 1.0) / 6.0,
            ];
            let first = phase as usize * reach;
            let Some(rows) = rows.get(first..first + 4 * reach) else { continue };
            let Some(around) = self.x.get(whole as usize..whole as usize + reach) else { continue };
            let ((a, rest), (c, d)) = (rows.split_at(*reach), rows[2 * reach..].split_at(*reach));
            let b = &rest[..*reach];
            let mut sums = [0.0; LANES];
            let chunks = |row: &'_ [f64]| -> usize { row.len() / LANES };
            let (a, b, c, d) = (
                a.as_chunks::<LANES>().0,
                b.as_chunks::<LANES>().0,
                c.as_chunks::<LANES>().0,
                d.as_chunks::<LANES>().0,
            );
            let x = around.as_chunks::<LANES>().0;
            let n = chunks(around).min(a.len()).min(b.len()).min(c.len()).min(d.len());
            for ((((a, b), c), d), x) in a[..n].iter().zip(&b[..n]).zip(&c[..n]).zip(&d[..n]).zip(&x[..n]) {
                for lane in 0..LANES {
                    let w = fused::<FUSED>(weights[3], d[lane], weights[2] * c[lane]);
                    let w = fused::<FUSED>(weights[1], b[lane], fused::<FUSED>(weights[0], a[lane], w));
                    sums[lane] = fused::<FUSED>(w, x[lane], sums[lane]);
                }
            }
            *out = sums.iter().sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_recognised() {
        assert_eq!(small_ratio(250.0 / 360.0), Some((25, 36)));
        assert_eq!(small_ratio(2.0), Some((2, 1)));
        assert_eq!(small_ratio(0.01), Some((1, 100)));
        assert_eq!(small_ratio(std::f64::consts::PI), None);
        assert_eq!(small_ratio(1.000_03), None);
        assert_eq!(small_ratio(1e-7), None);
    }

    fn worst(config: AnyRatioConfig, ratio: f64) -> f64 {
        let (from, to) = (SampleRate::new(100.0).unwrap(), SampleRate::new(100.0 * ratio).unwrap());
        let plan = config.build(from, to).unwrap();
        let n = 6000;
        let mut worst = 0.0f64;
        for part in [0.0, 0.1, 0.37, 0.6, 0.8] {
            let hz = part * from.nyquist_hz() * ratio.min(1.0);
            let tone = |t: f64| (std::f64::consts::TAU * hz * t + 0.3).cos();
            let x: Vec<f64> = (0..n).map(|i| tone(from.seconds(i))).collect();
            let y = plan.resample_f64(&x).unwrap();
            let away = plan.reach as f64 / 100.0;
            for (m, v) in y.iter().enumerate() {
                let t = to.seconds(m);
                if t > away && t < (n - 1) as f64 / 100.0 - away {
                    worst = worst.max((v - tone(t)).abs());
                }
            }
        }
        worst
    }

    #[test]
    fn tones_keep_their_place() {
        let fine = AnyRatioConfig::default().with_half_width(100).with_attenuation_db(140.0);
        for ratio in [0.1, 0.5, 25.0 / 36.0, 1.000_03, std::f64::consts::PI, 7.3] {
            let (usual, best) = (worst(AnyRatioConfig::default(), ratio), worst(fine, ratio));
            assert!(usual < 2e-5, "{ratio}: {usual}");
            assert!(best < 2e-7, "{ratio}: {best}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = |hz| SampleRate::new(hz).unwrap();
        assert!(AnyRatioConfig::default().build(rate(1.0), rate(5000.0)).is_err());
        assert!(AnyRatioConfig::default().with_half_width(0).build(rate(1.0), rate(2.0)).is_err());
        assert!(AnyRatioConfig::default().with_attenuation_db(f64::NAN).build(rate(1.0), rate(2.0)).is_err());
        assert!(to_rate(&[], rate(1.0), rate(std::f64::consts::E)).is_err());
        assert!(to_rate(&[f32::NAN], rate(1.0), rate(std::f64::consts::E)).is_err());
        assert_eq!(to_rate(&[1.0; 7], rate(1.0), rate(1.0)).unwrap(), [1.0; 7]);
    }
}
