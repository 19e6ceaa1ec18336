//! Fourier transform of real signals of any length.

use crate::Result;
use crate::window::LONGEST;
use eir_core::error::{Mismatch, Parameter};
use num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// A planned transform of real signals of one length; any length, fastest where its factors are 2, 3, 5 and 7.
///
/// **Use it** where the same length is transformed often. **Not** to look at a spectrum: it has no window and no unit;
/// [`Welch`](super::Welch) and its sisters have.
///
/// # Formula
/// `X[k] = Σ_n x[n] exp(-2πi kn/N)`, `k = 0 … N/2`. An even length is done as a complex one of half the length: with
/// `z[j] = x[2j] + i x[2j+1]`, `X[k] = (Z[k] + Z*[M-k])/2 - i/2 exp(-2πik/N) (Z[k] - Z*[M-k])`, `M = N/2`.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::RealFft;
/// let fft = RealFft::new(6)?;
/// let x = [1.0, 2.0, 0.0, -1.0, 0.5, 4.0];
/// let bins = fft.forward(&x)?;
/// assert_eq!((bins.len(), bins[0].re), (4, 6.5));
/// assert!(fft.inverse(&bins)?.iter().zip(x).all(|(a, b)| (a - b).abs() < 1e-14));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to the sum itself within 1e-13 of the largest value for every length to 130.
///
/// # References
/// Sorensen et al. 1987, doi:10.1109/TASSP.1987.1165220.
#[derive(Clone)]
pub struct RealFft {
    length: usize,
    /// Of half the length if that is even, else of the whole.
    plan: Arc<dyn Fft<f64>>,
    /// `-i/2 exp(-2πik/N)`, `k` up to a quarter; empty if the length is odd.
    twiddles: Vec<Complex64>,
}

impl std::fmt::Debug for RealFft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealFft").field("length", &self.length).finish_non_exhaustive()
    }
}

impl RealFft {
    /// A transform of `length` samples.
    ///
    /// # Errors
    /// [`Parameter`] if `length` is 0 or above 2^27.
    pub fn new(length: usize) -> Result<Self> {
        if length == 0 || length > LONGEST {
            return Err(Parameter::new("length", length as f64, "1 to 2^27 samples").into());
        }
        let even = length.is_multiple_of(2);
        let plan = FftPlanner::new().plan_fft_forward(if even { length / 2 } else { length });
        let twiddles = if even { twiddles(length) } else { Vec::new() };
        Ok(Self { length, plan, twiddles })
    }

    /// Samples of a signal.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Bins of a spectrum: half the length and one.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.length / 2 + 1
    }

    /// Room that [`forward_into`](Self::forward_into) and [`inverse_into`](Self::inverse_into) need.
    #[must_use]
    pub fn room(&self) -> usize {
        let plan = &self.plan;
        self.packed() + plan.get_inplace_scratch_len().max(plan.get_outofplace_scratch_len())
    }

    /// The spectrum of `x`.
    ///
    /// # Errors
    /// [`Mismatch`] if `x` has another length.
    pub fn forward(&self, x: &[f64]) -> Result<Vec<Complex64>> {
        let mut bins = vec![Complex64::default(); self.bins()];
        self.forward_into(x, &mut bins, &mut vec![Complex64::default(); self.room()])?;
        Ok(bins)
    }

    /// As [`forward`](Self::forward), into a buffer of [`bins`](Self::bins), with [`room`](Self::room) to work in:
    /// allocates nothing.
    ///
    /// # Errors
    /// [`Mismatch`] if a length is wrong.
    pub fn forward_into(&self, x: &[f64], bins: &mut [Complex64], room: &mut [Complex64]) -> Result<()> {
        Mismatch::check("samples of the transform", self.length, x.len())?;
        self.check(bins, room)?;
        self.pack(x, room);
        self.transform(bins, room);
        Ok(())
    }

    /// The signal whose spectrum is `bins`; imaginary parts of the bins at 0 and at half the rate are ignored.
    ///
    /// # Errors
    /// [`Mismatch`] if the number of bins is wrong.
    pub fn inverse(&self, bins: &[Complex64]) -> Result<Vec<f64>> {
        let mut x = vec![0.0; self.length];
        self.inverse_into(bins, &mut x, &mut vec![Complex64::default(); self.room()])?;
        Ok(x)
    }

    /// As [`inverse`](Self::inverse), into a buffer: allocates nothing.
    ///
    /// # Errors
    /// [`Mismatch`] if a length is wrong.
    pub fn inverse_into(&self, bins: &[Complex64], x: &mut [f64], room: &mut [Complex64]) -> Result<()> {
        Mismatch::check("samples of the transform", self.length, x.len())?;
        self.check(bins, room)?;
        let (packed, scratch) = room.split_at_mut(self.packed());
        let scale = 1.0 / self.length as f64;
        // the inverse is the forward transform with real and imaginary parts exchanged on both sides
        let exchanged = |re: f64, im: f64| Complex64::new(im * scale, re * scale);
        if self.is_even() {
            let half = self.length / 2;
            packed[0] = exchanged(bins[0].re + bins[half].re, bins[0].re - bins[half].re);
            for (k, t) in self.twiddles.iter().enumerate().skip(1) {
                let (a, b) = (bins[k], bins[half - k].conj());
                let (even, odd) = (a + b, (a - b) * t.conj() * 2.0);
                packed[k] = exchanged(even.re + odd.re, even.im + odd.im);
                packed[half - k] = exchanged(even.re - odd.re, odd.im - even.im);
            }
            self.plan.process_with_scratch(packed, scratch);
            for (pair, z) in x.as_chunks_mut::<2>().0.iter_mut().zip(packed.iter()) {
                *pair = [z.im, z.re];
            }
        } else {
            packed[0] = exchanged(bins[0].re, 0.0);
            for (k, b) in bins.iter().enumerate().skip(1) {
                packed[k] = exchanged(b.re, b.im);
                packed[self.length - k] = exchanged(b.re, -b.im);
            }
            self.plan.process_with_scratch(packed, scratch);
            x.iter_mut().zip(packed.iter()).for_each(|(x, z)| *x = z.im);
        }
        Ok(())
    }

    fn is_even(&self) -> bool {
        self.length.is_multiple_of(2)
    }

    /// Complex numbers that hold the packed signal, at the head of the room.
    pub(super) fn packed(&self) -> usize {
        if self.is_even() { self.length / 2 } else { self.length }
    }

    fn check(&self, bins: &[Complex64], room: &[Complex64]) -> Result<()> {
        Mismatch::check("bins of the transform", self.bins(), bins.len())?;
        if room.len() < self.room() {
            return Err(Mismatch::new("room of the transform", self.room(), room.len()).into());
        }
        Ok(())
    }

    fn pack(&self, x: &[f64], room: &mut [Complex64]) {
        if self.is_even() {
            room.iter_mut().zip(x.as_chunks::<2>().0).for_each(|(z, [a, b])| *z = Complex64::new(*a, *b));
        } else {
            room.iter_mut().zip(x).for_each(|(z, a)| *z = Complex64::new(*a, 0.0));
        }
    }

    /// Puts `(x - trend) window`, then zeros, at the head of the room, as [`pack`](Self::pack) does.
    pub(super) fn pack_windowed(
        &self,
        x: &[f64],
        window: &[f64],
        trend: impl Fn(usize) -> f64,
        room: &mut [Complex64],
    ) {
        let packed = &mut room[..self.packed()];
        let used = if self.is_even() {
            let ((pairs, rest), (weights, last)) = (x.as_chunks::<2>(), window.as_chunks::<2>());
            for (k, (z, (x, w))) in packed.iter_mut().zip(pairs.iter().zip(weights)).enumerate() {
                *z = Complex64::new((x[0] - trend(2 * k)) * w[0], (x[1] - trend(2 * k + 1)) * w[1]);
            }
            if let (Some(x), Some(w), Some(z)) = (rest.first(), last.first(), packed.get_mut(pairs.len())) {
                *z = Complex64::new((x - trend(2 * pairs.len())) * w, 0.0);
            }
            pairs.len() + rest.len()
        } else {
            for (k, (z, (x, w))) in packed.iter_mut().zip(x.iter().zip(window)).enumerate() {
                *z = Complex64::new((x - trend(k)) * w, 0.0);
            }
            x.len()
        };
        if let Some(rest) = packed.get_mut(used..) {
            rest.fill(Complex64::default());
        }
    }

    /// The bins of what stands packed in the room, which has the right size.
    pub(super) fn transform(&self, bins: &mut [Complex64], room: &mut [Complex64]) {
        let (packed, scratch) = room.split_at_mut(self.packed());
        if !self.is_even() {
            self.plan.process_with_scratch(packed, scratch);
            bins.copy_from_slice(&packed[..bins.len()]);
            return;
        }
        let half = self.length / 2;
        self.plan.process_outofplace_with_scratch(packed, &mut bins[..half], scratch);
        let first = bins[0];
        bins[0] = Complex64::new(first.re + first.im, 0.0);
        bins[half] = Complex64::new(first.re - first.im, 0.0);
        let (low, high) = bins[1..half].split_at_mut((half - 1) / 2);
        // in the middle of an even half stands a bin that is its own partner: X = Z*
        let (middle, high) = if half.is_multiple_of(2) { high.split_at_mut(1) } else { high.split_at_mut(0) };
        if let Some(z) = middle.first_mut() {
            *z = z.conj();
        }
        for ((a, b), t) in low.iter_mut().zip(high.iter_mut().rev()).zip(&self.twiddles[1..]) {
            let (sum_re, sum_im) = (0.5 * (a.re + b.re), 0.5 * (a.im - b.im));
            let (d_re, d_im) = (a.re - b.re, a.im + b.im);
            let (odd_re, odd_im) = (d_re * t.re - d_im * t.im, d_re * t.im + d_im * t.re);
            *a = Complex64::new(sum_re + odd_re, sum_im + odd_im);
            *b = Complex64::new(sum_re - odd_re, odd_im - sum_im);
        }
    }
}

/// `-i/2 exp(-2πik/N)` for `k` to a quarter of `length`. Each is a product of a coarse and a fine turn, so that few sines
/// are computed; it is exact to 2e-16.
fn twiddles(length: usize) -> Vec<Complex64> {
    let count = length / 4 + 1;
    let fine = count.isqrt() + 1;
    let turn = |k: usize, size: f64| Complex64::from_polar(size, -TAU * (k as f64 / length as f64));
    let small: Vec<Complex64> = (0..fine).map(|k| turn(k, 1.0)).collect();
    (0..count.div_ceil(fine))
        .flat_map(|block| {
            let coarse = turn(block * fine, 0.5) * Complex64::new(0.0, -1.0);
            small.iter().map(move |s| coarse * s)
        })
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_and_comes_back() {
        for n in 1..=130usize {
            let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin() + (i % 5) as f64).collect();
            let fft = RealFft::new(n).unwrap();
            let got = fft.forward(&x).unwrap();
            for (k, bin) in got.iter().enumerate() {
                let want: Complex64 = x
                    .iter()
                    .enumerate()
                    .map(|(j, v)| Complex64::from_polar(*v, -TAU * ((k * j % n) as f64) / n as f64))
                    .sum();
                assert!((bin - want).norm() < 1e-13 * n as f64 * 6.0, "{n} {k}: {bin} {want}");
            }
            let back = fft.inverse(&got).unwrap();
            assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-13), "{n}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(RealFft::new(0).is_err());
        assert!(RealFft::new(usize::MAX).is_err());
        let fft = RealFft::new(8).unwrap();
        assert!(fft.forward(&[0.0; 7]).is_err());
        assert!(fft.inverse(&[Complex64::default(); 4]).is_err());
        assert!(fft.forward_into(&[0.0; 8], &mut [Complex64::default(); 5], &mut []).is_err());
    }
}
