//! Filtering with a finite response: causal, live, by spectrum, and with zero phase.

use super::extension::Extension;
use super::kernel::{check, check_f32, correlate, narrow, through_f64, wide};
use super::overlap_save::OverlapSave;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, Parameter};
use num_complex::Complex64;

/// The most taps of a filter.
pub(super) const MAX_TAPS: usize = 1 << 20;
/// From so many taps on, the spectrum is faster than the sum (measured on signals of 10⁵ samples and more).
const BY_SPECTRUM: usize = 150;
/// Samples that a stream takes before it moves what it remembers.
const BLOCK: usize = 1024;

/// A filter with a finite response, ready to use. [`FirConfig`](super::FirConfig) and
/// [`FirLeastSquaresConfig`](super::FirLeastSquaresConfig) design one.
///
/// **Use it** where all frequencies must be late by the same time (symmetric taps), or where a filter must be stable
/// whatever happens. **Not** for a narrow band at a high rate: a recursive filter does it with a hundredth of the work.
///
/// # Formula
/// `y[n] = Σ_j h[j] x[n-j]`, summed in rising order of time, `x` before its start being 0. Zero phase: continued at both
/// ends by three times its length (SciPy's `filtfilt`), passed forwards and backwards, each time as if the signal always
/// had been as its first sample.
///
/// # Examples
/// ```
/// use eir_signal::filter::FirFilter;
/// let difference = FirFilter::new(vec![1.0, -1.0])?;
/// assert_eq!(difference.filter_f64(&[1.0, 3.0, 6.0])?, [1.0, 2.0, 3.0]);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// [`filter_f64`](Self::filter_f64) and [`zero_phase_f64`](Self::zero_phase_f64) equal SciPy 1.17.1 `lfilter` and
/// `filtfilt` within 1e-9 of the largest value on the golden set.
///
/// # References
/// Oppenheim, Schafer, *Discrete-Time Signal Processing*, ch. 7 and 8.7 (by spectrum).
#[derive(Debug, Clone, PartialEq)]
pub struct FirFilter {
    taps: Vec<f64>,
    /// The taps in the order of the samples that they meet.
    weights: Vec<f64>,
}

impl FirFilter {
    /// A filter of given taps `h[0], h[1] …`.
    ///
    /// # Errors
    /// [`Parameter`] if there is none, there are more than 2²⁰, or one is not finite.
    pub fn new(taps: Vec<f64>) -> Result<Self> {
        if !(1..=MAX_TAPS).contains(&taps.len()) {
            return Err(Parameter::new("taps", taps.len() as f64, "1 to 1048576").into());
        }
        if let Some(value) = taps.iter().find(|v| !v.is_finite()) {
            return Err(Parameter::new("taps", *value, "finite").into());
        }
        let weights = taps.iter().rev().copied().collect();
        Ok(Self { taps, weights })
    }

    /// The taps.
    #[must_use]
    pub fn taps(&self) -> &[f64] {
        &self.taps
    }

    /// By how many samples every wave comes late out of the causal filter, if the taps are symmetric.
    #[must_use]
    pub fn delay_samples(&self) -> f64 {
        (self.taps.len() - 1) as f64 / 2.0
    }

    /// Samples by which a zero-phase filter continues a signal at both ends: it must be longer than that.
    #[must_use]
    pub fn edge(&self) -> usize {
        3 * self.taps.len()
    }

    /// The complex gain at each of `frequencies_hz` for signals of `rate` (SciPy's `freqz`).
    #[must_use]
    pub fn response(&self, frequencies_hz: &[f64], rate: SampleRate) -> Vec<Complex64> {
        let at = |hz: &f64| {
            let z = Complex64::cis(-std::f64::consts::TAU * hz / rate.hz());
            self.weights.iter().fold(Complex64::default(), |sum, h| sum * z + h)
        };
        frequencies_hz.iter().map(at).collect()
    }

    /// Filters causally from rest (SciPy's `lfilter`).
    ///
    /// # Errors
    /// [`NotFinite`](eir_core::error::NotFinite) if `x` has a gap.
    pub fn filter(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        Ok(narrow(&self.filter_f64(&wide(x))?))
    }

    /// As [`filter`](Self::filter), in full precision: the same bits as those of a [stream](Self::stream).
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.filter_into(x, &mut y)?;
        Ok(y)
    }

    /// As [`filter_f64`](Self::filter_f64), into a buffer of the caller's.
    ///
    /// # Errors
    /// As `filter`, and [`Mismatch`] if the buffer has another length.
    pub fn filter_into(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        Mismatch::check("samples and buffer", x.len(), y.len())?;
        check(x)?;
        self.by_sum(0.0, x, y);
        Ok(())
    }

    /// As [`filter_f64`](Self::filter_f64), by spectrum (overlap-save): faster from some 150 taps on, and within 1e-12 of
    /// the largest value the same.
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_by_spectrum_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        check(x)?;
        let mut y = vec![0.0; x.len()];
        OverlapSave::new(&self.taps).process(0.0, x, &mut y);
        Ok(y)
    }

    /// Filters with zero phase; the result has the same length, and the gain is that of the filter squared.
    ///
    /// # Errors
    /// [`TooShort`](eir_core::error::TooShort) if `x` is not longer than the [`edge`](Self::edge),
    /// [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn zero_phase(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        Ok(narrow(&self.zero_phase_f64(&wide(x))?))
    }

    /// As [`zero_phase`](Self::zero_phase), in full precision.
    ///
    /// # Errors
    /// As `zero_phase`.
    pub fn zero_phase_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.zero_phase_with(x, Extension::Odd, None)
    }

    /// As [`zero_phase_f64`](Self::zero_phase_f64), continued at both ends as `extension` says, by `samples` (by default
    /// the [`edge`](Self::edge)).
    ///
    /// # Errors
    /// As `zero_phase`.
    pub fn zero_phase_with(&self, x: &[f64], extension: Extension, samples: Option<usize>) -> Result<Vec<f64>> {
        let edge = extension.samples(samples, self.edge(), x.len())?;
        check(x)?;
        let mut all = vec![0.0; x.len() + 2 * edge];
        let (head, rest) = all.split_at_mut(edge);
        let (middle, tail) = rest.split_at_mut(x.len());
        extension.write(x, head, tail);
        middle.copy_from_slice(x);
        let mut y = vec![0.0; all.len()];
        let spectrum = (self.taps.len() >= BY_SPECTRUM).then(|| OverlapSave::new(&self.taps));
        for _ in 0..2 {
            let start = all.first().copied().unwrap_or_default();
            match &spectrum {
                Some(spectrum) => spectrum.process(start, &all, &mut y),
                None => self.by_sum(start, &all, &mut y),
            }
            y.reverse();
            std::mem::swap(&mut all, &mut y);
        }
        all.truncate(edge + x.len());
        all.drain(..edge);
        Ok(all)
    }

    /// `y[n] = Σ_j h[j] x[n-j]`, where `x` was `history` before its start.
    fn by_sum(&self, history: f64, x: &[f64], y: &mut [f64]) {
        let reach = self.weights.len() - 1;
        let first = reach.min(x.len());
        let mut start = vec![history; reach];
        start.extend_from_slice(&x[..first]);
        let (head, rest) = y.split_at_mut(first);
        correlate(&self.weights, &start, head);
        correlate(&self.weights, x, rest);
    }

    /// The same filter for a live signal, from rest.
    #[must_use]
    pub fn stream(&self) -> FirStream {
        self.stream_from(0.0)
    }

    /// The same filter for a live signal that always was `x0`.
    #[must_use]
    pub fn stream_from(&self, x0: f64) -> FirStream {
        FirStream::new(self.weights.clone(), x0)
    }
}

/// A [`FirFilter`] or a [`SavitzkyGolay`](super::SavitzkyGolay) filter that remembers the last samples: whatever the
/// lengths of the pieces, the result is the same, bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct FirStream {
    weights: Vec<f64>,
    /// The last samples, the latest before `end`, and room for more.
    recent: Vec<f64>,
    end: usize,
    x0: f64,
}

impl FirStream {
    pub(super) fn new(weights: Vec<f64>, x0: f64) -> Self {
        let reach = weights.len() - 1;
        let recent = vec![x0; reach + BLOCK.max(weights.len())];
        Self { weights, recent, end: reach, x0 }
    }

    /// By how many samples every wave comes late, if the taps are symmetric.
    #[must_use]
    pub fn delay_samples(&self) -> f64 {
        (self.weights.len() - 1) as f64 / 2.0
    }

    /// Takes a sample and gives the filtered one.
    pub fn push(&mut self, sample: f64) -> f64 {
        let mut x = [sample];
        self.process(&mut x);
        x[0]
    }

    /// Filters `x` in place; allocates nothing.
    pub fn process(&mut self, x: &mut [f64]) {
        let reach = self.weights.len() - 1;
        let mut rest = x;
        while !rest.is_empty() {
            if self.end == self.recent.len() {
                self.recent.copy_within(self.end - reach.., 0);
                self.end = reach;
            }
            let (part, later) = rest.split_at_mut(rest.len().min(self.recent.len() - self.end));
            let to = self.end + part.len();
            self.recent[self.end..to].copy_from_slice(part);
            correlate(&self.weights, &self.recent[self.end - reach..to], part);
            self.end = to;
            rest = later;
        }
    }

    /// As [`process`](Self::process); the sums are `f64` all the same.
    pub fn process_f32(&mut self, x: &mut [f32]) {
        through_f64(x, |block| self.process(block));
    }

    /// Back to the state in which it was made.
    pub fn reset(&mut self) {
        self.end = self.weights.len() - 1;
        self.recent.fill(self.x0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(n: u32) -> Vec<f64> {
        (0..n).map(|i| (f64::from(i) * 0.37).sin() + f64::from(i % 7)).collect()
    }

    #[test]
    fn pieces_give_the_same_bits() {
        let x = signal(3000);
        for taps in [1, 2, 33, 101, 1500] {
            let filter = FirFilter::new((0..taps).map(|i| (f64::from(i) * 0.7).cos()).collect()).unwrap();
            let whole = filter.filter_f64(&x).unwrap();
            for piece in [1, 7, 1000, 3000] {
                let mut y = x.clone();
                let mut stream = filter.stream();
                y.chunks_mut(piece).for_each(|c| stream.process(c));
                assert_eq!(y, whole, "{taps} taps, pieces of {piece}");
            }
        }
    }

    #[test]
    fn the_spectrum_gives_the_same() {
        for (taps, n) in [(1, 10), (5, 2), (101, 5000), (700, 500), (1500, 30_000)] {
            let x = signal(n);
            let filter = FirFilter::new((0..taps).map(|i| (f64::from(i) * 0.7).cos()).collect()).unwrap();
            let (a, b) = (filter.filter_f64(&x).unwrap(), filter.filter_by_spectrum_f64(&x).unwrap());
            let largest = a.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            assert!(
                a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12 * largest.max(1.0)),
                "{taps} taps, {n} samples"
            );
        }
    }

    #[test]
    fn a_constant_passes_from_its_first_sample() {
        for taps in [5, 801] {
            let filter = FirFilter::new(vec![1.0 / f64::from(taps); taps as usize]).unwrap();
            let y = filter.zero_phase_f64(&[3.0; 3000]).unwrap();
            assert!(y.iter().all(|v| (v - 3.0).abs() < 1e-12));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(FirFilter::new(Vec::new()).is_err());
        assert!(FirFilter::new(vec![f64::NAN]).is_err());
        let filter = FirFilter::new(vec![0.5, 0.5]).unwrap();
        assert!(filter.zero_phase(&[0.0; 6]).unwrap_err().to_string().contains("at least 7"));
        assert!(filter.filter_f64(&[1.0, f64::INFINITY]).unwrap_err().to_string().contains("sample 1"));
    }
}
