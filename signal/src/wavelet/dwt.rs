//! The discrete wavelet transform.

use super::{FilterBank, Mode, Wavelet};
use crate::Result;
use crate::spectrum::finite;
use eir_core::error::{Mismatch, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Outputs that are summed side by side.
const LANES: usize = 16;
/// Outputs that are made from one piece of the signal, which stays in the cache while it is sorted and filtered.
const BLOCK: usize = 512;

/// The discrete wavelet transform with one wavelet, ready to use.
///
/// **Use it** to split a signal into octaves from which it can be built again exactly: compression, denoising, features.
/// **Not** where a shift of the signal by a sample must only shift the coefficients: [`swt`](super::swt).
///
/// # Formula
/// `a[k] = Σ_j lo[j] x[2k+1-j]`, `d[k]` with `hi`, `k = 0 … (n+L-1)/2 - 1`, the signal continued as [`Mode`] says;
/// [`Mode::Periodization`]: `a[k] = Σ_j lo[j] x[2k+L/2-j]`, `k = 0 … n/2 - 1`. Inverse:
/// `x[n] = Σ_k lo'[n-2k+L-2] a[k] + hi'[n-2k+L-2] d[k]` (`n-2k+L/2-1` in periodization).
///
/// # Examples
/// ```
/// use eir_signal::wavelet::{Dwt, Mode, Wavelet};
/// let dwt = Dwt::new(Wavelet::Haar, Mode::Symmetric)?;
/// let (a, d) = dwt.forward(&[1.0, 3.0, 2.0, 2.0])?;
/// assert!((a[0] - 4.0 / 2f64.sqrt()).abs() < 1e-15 && d[1].abs() < 1e-15);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to PyWavelets 1.9.0 `dwt`, `idwt`, `wavedec` and `waverec` within 1e-10 of the largest value on the golden set,
/// and for 500 random wavelets, modes, lengths from 1 to 200 and levels.
///
/// # References
/// Mallat 1989, doi:10.1109/34.192463.
#[derive(Debug, Clone)]
pub struct Dwt {
    wavelet: Wavelet,
    mode: Mode,
    filters: FilterBank,
    /// Of decomposition: factors of an even and an odd sample in low and high, from the oldest pair on.
    split: Vec<[f64; 4]>,
    /// Of reconstruction: factors of approximation and detail in an even and an odd sample.
    merge: Vec<[f64; 4]>,
}

impl Dwt {
    /// The transform with this wavelet and continuation.
    ///
    /// # Errors
    /// As [`Wavelet::filters`].
    pub fn new(wavelet: Wavelet, mode: Mode) -> Result<Self> {
        let filters = wavelet.filters()?;
        let pairs = |lo: &[f64], hi: &[f64], order: [usize; 4]| -> Vec<[f64; 4]> {
            let (lo, hi) = (lo.as_chunks::<2>().0, hi.as_chunks::<2>().0);
            let taps = lo.iter().zip(hi).rev().map(|(l, h)| [l[0], l[1], h[0], h[1]]);
            taps.map(|t| order.map(|i| t[i])).collect()
        };
        let split = pairs(filters.dec_lo(), filters.dec_hi(), [1, 0, 3, 2]);
        let merge = pairs(filters.rec_lo(), filters.rec_hi(), [0, 2, 1, 3]);
        Ok(Self { wavelet, mode, filters, split, merge })
    }

    /// The wavelet.
    #[must_use]
    pub fn wavelet(&self) -> Wavelet {
        self.wavelet
    }

    /// The filters.
    #[must_use]
    pub fn filters(&self) -> &FilterBank {
        &self.filters
    }

    fn taps(&self) -> usize {
        2 * self.split.len()
    }

    /// How many coefficients of each kind a signal of `samples` has.
    #[must_use]
    pub fn coefficients(&self, samples: usize) -> usize {
        if self.mode == Mode::Periodization { samples.div_ceil(2) } else { samples.saturating_add(self.taps() - 1) / 2 }
    }

    /// The level down to which some coefficient does not touch the ends; deeper ones are allowed, to `log2` of the samples.
    #[must_use]
    pub fn useful_level(&self, samples: usize) -> usize {
        let octaves = samples / (self.taps() - 1).max(1);
        octaves.checked_ilog2().unwrap_or_default() as usize
    }

    /// Approximation and detail of `x`.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn forward(&self, x: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        let count = self.coefficients(x.len());
        let (mut low, mut high) = (vec![0.0; count], vec![0.0; count]);
        self.forward_into(x, &mut low, &mut high, &mut Vec::new())?;
        Ok((low, high))
    }

    /// As [`forward`](Self::forward), into buffers of [`coefficients`](Self::coefficients) values. `work` is room: used
    /// again, nothing is allocated.
    ///
    /// # Errors
    /// As `forward`, and [`Mismatch`].
    pub fn forward_into(&self, x: &[f64], low: &mut [f64], high: &mut [f64], work: &mut Vec<f64>) -> Result<()> {
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        let count = self.coefficients(x.len());
        Mismatch::check("approximation coefficients", count, low.len())?;
        Mismatch::check("detail coefficients", count, high.len())?;
        finite(x)?;
        let mut at = 0;
        self.split(x, work, |l, h| {
            low[at..at + l.len()].copy_from_slice(l);
            high[at..at + l.len()].copy_from_slice(h);
            at += l.len();
        });
        Ok(())
    }

    /// Gives approximation and detail block by block.
    fn split(&self, x: &[f64], work: &mut Vec<f64>, mut give: impl FnMut(&[f64], &[f64])) {
        let half = self.split.len();
        let first = if self.mode == Mode::Periodization { 1 - half as isize } else { 2 - 2 * half as isize };
        let length = BLOCK + half - 1;
        work.resize(2 * length + 2 * BLOCK, 0.0);
        let (sorted, out) = work.split_at_mut(2 * length);
        let (even, odd) = sorted.split_at_mut(length);
        let (low, high) = out.split_at_mut(BLOCK);
        let count = self.coefficients(x.len());
        let arch = pulp::Arch::new();
        for k in (0..count).step_by(BLOCK) {
            let (outputs, place) = (BLOCK.min(count - k), first + 2 * k as isize);
            let (low, high) = (&mut low[..outputs], &mut high[..outputs]);
            let (even, odd) = (&mut even[..outputs + half - 1], &mut odd[..outputs + half - 1]);
            deinterleave(x, self.mode, place, even, odd);
            arch.dispatch(Bank { u: even, v: odd, taps: &self.split, first: low, second: high });
            give(low, high);
        }
    }

    /// The signal whose approximation and detail these are: twice as long less the filter and two, and twice as long in
    /// periodization; a signal of odd length comes back with one sample more.
    ///
    /// # Errors
    /// [`Mismatch`] if the lengths differ, [`TooShort`] if they are below half the filter.
    pub fn inverse(&self, low: &[f64], high: &[f64]) -> Result<Vec<f64>> {
        Mismatch::check("approximation and detail coefficients", low.len(), high.len())?;
        let half = self.merge.len();
        let least = if self.mode == Mode::Periodization { 1 } else { half };
        if low.len() < least {
            return Err(TooShort::new("coefficients", low.len(), least).into());
        }
        finite(low)?;
        finite(high)?;
        let mut x = Vec::new();
        self.merge(low, high, &mut x);
        Ok(x)
    }

    fn merge(&self, low: &[f64], high: &[f64], x: &mut Vec<f64>) {
        let half = self.merge.len();
        x.clear();
        if self.mode == Mode::Periodization {
            let around = |c: &[f64]| -> Vec<f64> {
                let first = 1 - half as isize;
                (first..c.len() as isize + half as isize).map(|i| Mode::Periodic.sample(c, i)).collect()
            };
            self.pairs(&around(low), &around(high), x);
            x.drain(..half - 1);
            x.truncate(2 * low.len());
        } else {
            self.pairs(low, high, x);
        }
    }

    /// Adds the pairs of samples that approximation and detail give to `x`, block by block.
    fn pairs(&self, low: &[f64], high: &[f64], x: &mut Vec<f64>) {
        let half = self.merge.len();
        let count = low.len() - half + 1;
        let (mut even, mut odd, mut both) = ([0.0; BLOCK], [0.0; BLOCK], [[0.0; 2]; BLOCK]);
        let arch = pulp::Arch::new();
        x.reserve(2 * count);
        for k in (0..count).step_by(BLOCK) {
            let outputs = BLOCK.min(count - k);
            let (even, odd, both) = (&mut even[..outputs], &mut odd[..outputs], &mut both[..outputs]);
            arch.dispatch(Bank { u: &low[k..], v: &high[k..], taps: &self.merge, first: even, second: odd });
            both.iter_mut().zip(even.iter().zip(odd.iter())).for_each(|(pair, (e, o))| *pair = [*e, *o]);
            x.extend_from_slice(both.as_flattened());
        }
    }

    /// Splits `x` into `level` octaves.
    ///
    /// # Errors
    /// As [`forward`](Self::forward); [`Parameter`] if `level` is 0 or above `log2` of the samples.
    pub fn decompose(&self, x: &[f64], level: usize) -> Result<Decomposition> {
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        if level == 0 || level > x.len().ilog2() as usize {
            return Err(Parameter::new("level", level as f64, "1 to the logarithm to base 2 of the samples").into());
        }
        let (mut details, mut work) = (Vec::with_capacity(level), Vec::new());
        let (mut approximation, mut next): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for step in 0..level {
            let from = if step == 0 { x } else { &approximation };
            let mut detail = Vec::with_capacity(self.coefficients(from.len()));
            next.clear();
            next.reserve(self.coefficients(from.len()));
            self.split(from, &mut work, |low, high| {
                next.extend_from_slice(low);
                detail.extend_from_slice(high);
            });
            details.push(detail);
            std::mem::swap(&mut approximation, &mut next);
        }
        // a missing sample is missing in every approximation: the last is the shortest to look through
        if approximation.iter().any(|v| !v.is_finite()) {
            finite(x)?;
        }
        details.reverse();
        Ok(Decomposition { approximation, details, samples: x.len() })
    }

    /// The signal whose octaves these are.
    ///
    /// # Errors
    /// [`Mismatch`] if a level has another length than the transform of a signal of so many samples.
    pub fn reconstruct(&self, parts: &Decomposition) -> Result<Vec<f64>> {
        let mut lengths = vec![parts.samples];
        for _ in &parts.details {
            lengths.push(self.coefficients(lengths.last().copied().unwrap_or_default()));
        }
        Mismatch::check("approximation", lengths.last().copied().unwrap_or_default(), parts.approximation.len())?;
        finite(&parts.approximation)?;
        let mut x = parts.approximation.clone();
        let mut next = Vec::new();
        for (detail, length) in parts.details.iter().zip(lengths.iter().rev().skip(1)) {
            Mismatch::check("detail", x.len(), detail.len())?;
            finite(detail)?;
            self.merge(&x, detail, &mut next);
            next.truncate(*length);
            std::mem::swap(&mut x, &mut next);
        }
        Ok(x)
    }
}

/// A signal in octaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decomposition {
    /// What is left below the last octave.
    pub approximation: Vec<f64>,
    /// The octaves, the lowest first.
    pub details: Vec<Vec<f64>>,
    /// Samples of the signal.
    pub samples: usize,
}

/// Every second sample of the continued signal from place `first` on, and those between.
fn deinterleave(x: &[f64], mode: Mode, first: isize, even: &mut [f64], odd: &mut [f64]) {
    // pairs `head..head + inside` lie within the signal
    let head = first.min(0).unsigned_abs().div_ceil(2).min(even.len());
    let skip = (first + 2 * head as isize).max(0) as usize;
    let pairs = x.get(skip..).unwrap_or_default().as_chunks::<2>().0;
    let inside = pairs.len().min(even.len() - head);
    for (pair, (e, o)) in pairs.iter().zip(even[head..].iter_mut().zip(&mut odd[head..])) {
        (*e, *o) = (pair[0], pair[1]);
    }
    for m in (0..head).chain(head + inside..even.len()) {
        let at = first + 2 * m as isize;
        (even[m], odd[m]) = (mode.sample(x, at), mode.sample(x, at + 1));
    }
}

/// The arguments of [`bank`], for the vector instructions that the processor has.
struct Bank<'a> {
    u: &'a [f64],
    v: &'a [f64],
    taps: &'a [[f64; 4]],
    first: &'a mut [f64],
    second: &'a mut [f64],
}

impl pulp::WithSimd for Bank<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        bank(self.u, self.v, self.taps, self.first, self.second);
    }
}

/// `first[k] = Σ_p t[p][0] u[k+p] + t[p][1] v[k+p]` and `second` with the other two factors.
///
/// Bound by arithmetic: four products for two loads, on contiguous numbers.
#[inline(always)]
fn bank(u: &[f64], v: &[f64], taps: &[[f64; 4]], first: &mut [f64], second: &mut [f64]) {
    let count = first.len();
    let whole = count / LANES * LANES;
    for k in (0..whole).step_by(LANES) {
        let (mut a, mut b) = ([0.0; LANES], [0.0; LANES]);
        let windows = u[k..].array_windows::<LANES>().zip(v[k..].array_windows::<LANES>());
        for ([au, av, bu, bv], (u, v)) in taps.iter().zip(windows) {
            for ((a, b), (u, v)) in a.iter_mut().zip(&mut b).zip(u.iter().zip(v)) {
                *a += au * u + av * v;
                *b += bu * u + bv * v;
            }
        }
        first[k..k + LANES].copy_from_slice(&a);
        second[k..k + LANES].copy_from_slice(&b);
    }
    for k in whole..count {
        let (mut a, mut b) = (0.0, 0.0);
        for ([au, av, bu, bv], (u, v)) in taps.iter().zip(u[k..].iter().zip(&v[k..])) {
            a += au * u + av * v;
            b += bu * u + bv * v;
        }
        (first[k], second[k]) = (a, b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [Mode; 9] = [
        Mode::Zero,
        Mode::Constant,
        Mode::Symmetric,
        Mode::Reflect,
        Mode::Periodic,
        Mode::Smooth,
        Mode::Antisymmetric,
        Mode::Antireflect,
        Mode::Periodization,
    ];

    #[test]
    fn comes_back_in_every_mode_at_any_length() {
        for name in ["haar", "db2", "db5", "sym4", "coif2", "bior2.2", "bior3.1", "rbio4.4", "db20"] {
            for mode in MODES {
                let dwt = Dwt::new(name.parse().unwrap(), mode).unwrap();
                for n in [1, 2, 3, 7, 16, 33, 100] {
                    let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.9).sin() + (i % 3) as f64).collect();
                    let (a, d) = dwt.forward(&x).unwrap();
                    let back = dwt.inverse(&a, &d).unwrap();
                    let error = back.iter().zip(&x).fold(0.0f64, |e, (a, b)| e.max((a - b).abs()));
                    assert!(back.len() >= n && error < 1e-11, "{name} {mode:?} {n}: {error}");
                    for level in 1..=n.ilog2() as usize {
                        let back = dwt.reconstruct(&dwt.decompose(&x, level).unwrap()).unwrap();
                        let error = back.iter().zip(&x).fold(0.0f64, |e, (a, b)| e.max((a - b).abs()));
                        assert!(back.len() == n && error < 1e-9, "{name} {mode:?} {n} {level}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let dwt = Dwt::new(Wavelet::Daubechies(4), Mode::Symmetric).unwrap();
        assert!(dwt.forward(&[]).is_err());
        assert!(dwt.forward(&[f64::NAN]).is_err());
        assert!(dwt.decompose(&[1.0; 16], 5).unwrap_err().to_string().contains("level"));
        assert!(dwt.decompose(&[1.0; 16], 0).is_err());
        assert!(dwt.decompose(&[], 1).is_err());
        assert!(dwt.inverse(&[1.0; 3], &[1.0; 3]).is_err());
        assert!(dwt.inverse(&[1.0; 8], &[1.0; 7]).is_err());
        let mut parts = dwt.decompose(&[1.0; 64], 2).unwrap();
        parts.details[0].pop();
        assert!(dwt.reconstruct(&parts).is_err());
        assert!(Dwt::new(Wavelet::Daubechies(99), Mode::Zero).is_err());
        assert_eq!((dwt.useful_level(500), dwt.useful_level(3)), (6, 0));
    }
}
