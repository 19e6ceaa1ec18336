//! The stationary (undecimated) wavelet transform.

use super::{Mode, Wavelet};
use crate::Result;
use crate::spectrum::finite;
use eir_core::error::{Mismatch, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Outputs that are summed side by side.
const LANES: usize = 16;
/// Outputs that are made at once.
const BLOCK: usize = 512;

/// A stationary transform: each level as long as the signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stationary {
    /// Approximations, of the first level first.
    pub approximations: Vec<Vec<f64>>,
    /// Details, of the first level (the highest octave) first.
    pub details: Vec<Vec<f64>>,
}

/// The stationary wavelet transform of `x`, which is taken as a period.
///
/// **Use it** for detection and denoising: its coefficients move with the signal. **Not** to store a signal: it has
/// `level` times as many numbers.
///
/// # Formula
/// `a_j[n] = Σ_k lo[k] a_{j-1}[n + (L/2 - k) 2^(j-1)]`, `d_j` with `hi`, indices modulo the length.
///
/// # Examples
/// ```
/// use eir_signal::wavelet::{Wavelet, iswt, swt};
/// let x: Vec<f64> = (0..64).map(|i| f64::from(i * i % 23)).collect();
/// let parts = swt(&x, Wavelet::Symlet(4), 3)?;
/// assert_eq!(parts.details.len(), 3);
/// assert!(iswt(&parts, Wavelet::Symlet(4))?.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-11));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] if `level` is 0, or the length of `x` is no multiple of 2 to the power `level`; [`TooShort`] if it is
/// empty; [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
///
/// # Validation
/// Equal to PyWavelets 1.9.0 `swt` and `iswt` within 1e-10 of the largest value on the golden set, and for 500 random
/// wavelets, lengths and levels.
///
/// # References
/// Nason, Silverman 1995, doi:10.1007/978-1-4612-2544-7_17.
pub fn swt(x: &[f64], wavelet: Wavelet, level: usize) -> Result<Stationary> {
    if x.is_empty() {
        return Err(TooShort::new("samples", 0, 1).into());
    }
    let deepest = x.len().trailing_zeros() as usize;
    if level == 0 || level > deepest {
        let rule = "at least 1, and 2 to its power must divide the number of samples";
        return Err(Parameter::new("level", level as f64, rule).into());
    }
    finite(x)?;
    let filters = wavelet.filters()?;
    let arch = pulp::Arch::new();
    let (mut approximations, mut details): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    let mut room = Vec::new();
    let (mut low, mut high) = ([0.0; BLOCK], [0.0; BLOCK]);
    let taps: Vec<[f64; 2]> = filters.dec_lo().iter().zip(filters.dec_hi()).rev().map(|(l, h)| [*l, *h]).collect();
    for j in 0..level {
        let before = approximations.last().map_or(x, Vec::as_slice);
        let step = 1 << j;
        let first = -(((taps.len() / 2 - 1) * step) as isize);
        let (mut all_low, mut all_high) = (Vec::with_capacity(x.len()), Vec::with_capacity(x.len()));
        for n in (0..x.len()).step_by(BLOCK) {
            let count = BLOCK.min(x.len() - n);
            let (low, high) = (&mut low[..count], &mut high[..count]);
            let u = stretch(before, first + n as isize, count + (taps.len() - 1) * step, &mut room);
            arch.dispatch(Both { u, taps: &taps, step, low, high });
            all_low.extend_from_slice(low);
            all_high.extend_from_slice(high);
        }
        approximations.push(all_low);
        details.push(all_high);
    }
    Ok(Stationary { approximations, details })
}

/// The signal whose stationary transform this is: from the last approximation and all details. After a change of
/// coefficients it is the mean of all signals that a decimated transform would give.
///
/// # Errors
/// [`TooShort`] without a level, [`Mismatch`] if lengths differ, [`Parameter`] if there are more levels than the length
/// allows, [`NotFinite`](eir_core::error::NotFinite) if a coefficient is missing.
pub fn iswt(parts: &Stationary, wavelet: Wavelet) -> Result<Vec<f64>> {
    let (Some(last), level) = (parts.approximations.last(), parts.details.len()) else {
        return Err(TooShort::new("levels", 0, 1).into());
    };
    Mismatch::check("levels of approximations and details", parts.approximations.len(), level)?;
    for detail in &parts.details {
        Mismatch::check("coefficients of a level", last.len(), detail.len())?;
        finite(detail)?;
    }
    finite(last)?;
    if last.is_empty() || level > last.len().trailing_zeros() as usize {
        return Err(Parameter::new("levels", level as f64, "2 to its power must divide the number of samples").into());
    }
    let filters = wavelet.filters()?;
    let arch = pulp::Arch::new();
    let taps: Vec<[f64; 2]> =
        filters.rec_lo().iter().zip(filters.rec_hi()).rev().map(|(l, h)| [0.5 * l, 0.5 * h]).collect();
    let mut x = last.clone();
    let (mut room_a, mut room_d, mut next) = (Vec::new(), Vec::new(), Vec::with_capacity(x.len()));
    let mut sums = [0.0; BLOCK];
    for (j, detail) in parts.details.iter().enumerate().rev() {
        let step = 1 << j;
        let first = -((taps.len() / 2 * step) as isize);
        next.clear();
        for n in (0..x.len()).step_by(BLOCK) {
            let (count, from) = (BLOCK.min(x.len() - n), first + n as isize);
            let length = count + (taps.len() - 1) * step;
            let a = stretch(&x, from, length, &mut room_a);
            let d = stretch(detail, from, length, &mut room_d);
            let sums = &mut sums[..count];
            arch.dispatch(Sum { a, d, taps: &taps, step, x: sums });
            next.extend_from_slice(sums);
        }
        std::mem::swap(&mut x, &mut next);
    }
    Ok(x)
}

/// `length` samples of the period `x` from place `from` on: of `x` itself if they lie within, else put together in `room`.
fn stretch<'a>(x: &'a [f64], from: isize, length: usize, room: &'a mut Vec<f64>) -> &'a [f64] {
    let within = usize::try_from(from).ok().and_then(|from| x.get(from..from + length));
    match within {
        Some(inside) => inside,
        None => {
            room.clear();
            room.extend((from..from + length as isize).map(|i| Mode::Periodic.sample(x, i)));
            room
        }
    }
}

/// The arguments of [`both`], for the vector instructions that the processor has.
struct Both<'a> {
    u: &'a [f64],
    taps: &'a [[f64; 2]],
    step: usize,
    low: &'a mut [f64],
    high: &'a mut [f64],
}

impl pulp::WithSimd for Both<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        both(self.u, self.taps, self.step, self.low, self.high);
    }
}

/// The arguments of [`sum`].
struct Sum<'a> {
    a: &'a [f64],
    d: &'a [f64],
    taps: &'a [[f64; 2]],
    step: usize,
    x: &'a mut [f64],
}

impl pulp::WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        sum(self.a, self.d, self.taps, self.step, self.x);
    }
}

/// `low[n] = Σ_p t[p][0] u[n + p step]`, `high` with the other factor. Bound by arithmetic, on contiguous numbers.
#[inline(always)]
fn both(u: &[f64], taps: &[[f64; 2]], step: usize, low: &mut [f64], high: &mut [f64]) {
    let whole = low.len() / LANES * LANES;
    for n in (0..whole).step_by(LANES) {
        let (mut a, mut b) = ([0.0; LANES], [0.0; LANES]);
        for (p, [l, h]) in taps.iter().enumerate() {
            if let Some(u) = u[n + p * step..].first_chunk::<LANES>() {
                for j in 0..LANES {
                    a[j] += l * u[j];
                    b[j] += h * u[j];
                }
            }
        }
        low[n..n + LANES].copy_from_slice(&a);
        high[n..n + LANES].copy_from_slice(&b);
    }
    for n in whole..low.len() {
        let at = |k: usize| taps.iter().enumerate().fold(0.0, |s, (p, t)| s + t[k] * u[n + p * step]);
        (low[n], high[n]) = (at(0), at(1));
    }
}

/// `x[n] = Σ_p t[p][0] a[n + p step] + t[p][1] d[n + p step]`.
#[inline(always)]
fn sum(a: &[f64], d: &[f64], taps: &[[f64; 2]], step: usize, x: &mut [f64]) {
    let whole = x.len() / LANES * LANES;
    for n in (0..whole).step_by(LANES) {
        let mut s = [0.0; LANES];
        for (p, [l, h]) in taps.iter().enumerate() {
            let at = n + p * step;
            if let (Some(a), Some(d)) = (a[at..].first_chunk::<LANES>(), d[at..].first_chunk::<LANES>()) {
                for j in 0..LANES {
                    s[j] += l * a[j] + h * d[j];
                }
            }
        }
        x[n..n + LANES].copy_from_slice(&s);
    }
    for n in whole..x.len() {
        x[n] = taps.iter().enumerate().fold(0.0, |s, (p, [l, h])| s + l * a[n + p * step] + h * d[n + p * step]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_moves_with_the_signal() {
        for name in ["haar", "db4", "bior2.4", "coif1", "db19"] {
            let wavelet: Wavelet = name.parse().unwrap();
            for (n, level) in [(2, 1), (8, 3), (40, 3), (96, 5)] {
                let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.9).sin() + (i % 3) as f64).collect();
                let parts = swt(&x, wavelet, level).unwrap();
                let back = iswt(&parts, wavelet).unwrap();
                assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-11), "{name} {n} {level}");
                let mut turned = x.clone();
                turned.rotate_left(1);
                let mut detail = parts.details[level - 1].clone();
                detail.rotate_left(1);
                let other = swt(&turned, wavelet, level).unwrap();
                assert!(other.details[level - 1].iter().zip(&detail).all(|(a, b)| (a - b).abs() < 1e-12), "{name}");
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(swt(&[], Wavelet::Haar, 1).is_err());
        assert!(swt(&[1.0; 12], Wavelet::Haar, 3).unwrap_err().to_string().contains("divide"));
        assert!(swt(&[1.0; 12], Wavelet::Haar, 0).is_err());
        assert!(swt(&[f64::NAN; 12], Wavelet::Haar, 1).is_err());
        let mut parts = swt(&[1.0; 12], Wavelet::Haar, 2).unwrap();
        parts.details[0].pop();
        assert!(iswt(&parts, Wavelet::Haar).is_err());
        parts.details.clear();
        assert!(iswt(&parts, Wavelet::Haar).is_err());
    }
}
