//! Filtering with second-order sections: causal, live, and with zero phase.

use super::cascade::Cascade;
use super::extension::Extension;
use super::kernel::{check, check_f32, narrow, through_f64, wide};
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, Parameter};
use num_complex::Complex64;

/// A filter of second-order sections, ready to use. [`ButterworthConfig`](crate::ButterworthConfig) designs one.
///
/// **Use it** in [zero phase](Self::zero_phase) on a recording, where peaks must keep their places, and as a
/// [stream](Self::stream) on a live signal. **Not** across a gap: a missing sample is an error, as any value that would
/// be put there rings on both sides.
///
/// # Formula
/// Each section `y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]` in transposed form, states in `f64`:
/// `y = b0 x + s`, `s ← (b1 - a1 b0) x - a1 s + t`, `t ← (b2 - a2 b0) x - a2 s`, with fused multiply-adds where the
/// processor has them.
/// Zero phase: the signal is continued at both ends by its odd reflection over `3 (2 s + 1 - min(#b2=0, #a2=0))`
/// samples (`s` sections), passed forwards and backwards, each time from the state of a signal that always was as its
/// first sample, and trimmed.
///
/// # Examples
/// ```
/// use eir_signal::{Band, ButterworthConfig};
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let filter = ButterworthConfig::new(Band::Low { cutoff_hz: 5.0 }).design(rate)?;
/// let x: Vec<f32> = (0..200).map(|n| (n as f32 * 0.1).sin() + if n % 2 == 0 { 0.5 } else { -0.5 }).collect();
/// let y = filter.zero_phase(&x)?;
/// assert!((y[100] - 10.0f32.sin()).abs() < 0.01); // the 50 Hz alternation is gone, the slow sine has not moved
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// [`zero_phase_f64`](Self::zero_phase_f64) and [`filter_f64`](Self::filter_f64) equal SciPy 1.17.1 `sosfiltfilt` and
/// `sosfilt` within 1e-9 of the largest value on the golden set (Butterworth, Chebyshev, elliptic and Bessel filters of our
/// own design; 1e-7 for elliptic ones, order 8 and a 0.5 Hz high-pass, as the reference states).
///
/// # References
/// Gustafsson 1996, doi:10.1109/78.492552 (initial states); Virtanen et al. 2020, doi:10.1038/s41592-019-0686-2.
#[derive(Debug, Clone, PartialEq)]
pub struct SosFilter {
    sections: Vec<[f64; 6]>,
    cascade: Cascade,
    initial: Vec<[f64; 2]>,
}

impl SosFilter {
    /// A filter of given sections `b0 b1 b2 a0 a1 a2`, as SciPy's `sos`.
    ///
    /// # Errors
    /// [`Parameter`] if there is none, one is not finite, `a0` is not 1, or a section is a pure integrator.
    pub fn new(sections: Vec<[f64; 6]>) -> Result<Self> {
        if sections.is_empty() {
            return Err(Parameter::new("sections", 0.0, "at least one").into());
        }
        if let Some(value) = sections.iter().flatten().find(|v| !v.is_finite()) {
            return Err(Parameter::new("sections", *value, "finite").into());
        }
        if let Some(section) = sections.iter().find(|s| s[3] != 1.0) {
            return Err(Parameter::new("a0 of a section", section[3], "1").into());
        }
        if let Some(section) = sections.iter().find(|s| s[3] + s[4] + s[5] == 0.0) {
            return Err(Parameter::new("a1 of a section", section[4], "such that the gain at 0 Hz is finite").into());
        }
        let mut scale = 1.0;
        let initial = sections
            .iter()
            .map(|[b0, b1, b2, _, a1, a2]| {
                let (c1, c2) = ((-a1).mul_add(*b0, *b1), (-a2).mul_add(*b0, *b2));
                let first = (c1 + c2) / (1.0 + a1 + a2);
                let state = [scale * first, scale * ((1.0 + a1) * first - c1)];
                scale *= (b0 + b1 + b2) / (1.0 + a1 + a2);
                state
            })
            .collect();
        Ok(Self { cascade: Cascade::new(&sections), sections, initial })
    }

    /// The sections `b0 b1 b2 a0 a1 a2`.
    #[must_use]
    pub fn sections(&self) -> &[[f64; 6]] {
        &self.sections
    }

    /// Numerator and denominator, multiplied out (SciPy's `b, a`), without the zeros at their ends that both share.
    ///
    /// For reading and for other tools: beyond order 4 the products lose the digits that the sections keep.
    #[must_use]
    pub fn transfer_function(&self) -> (Vec<f64>, Vec<f64>) {
        let expand = |part: fn(&[f64; 6]) -> [f64; 3]| {
            self.sections.iter().fold(vec![1.0], |polynomial, section| {
                let mut product = vec![0.0; polynomial.len() + 2];
                for (i, c) in polynomial.iter().enumerate() {
                    for (sum, s) in product[i..].iter_mut().zip(part(section)) {
                        *sum += c * s;
                    }
                }
                product
            })
        };
        let (mut b, mut a) = (expand(|s| [s[0], s[1], s[2]]), expand(|s| [s[3], s[4], s[5]]));
        while b.len() > 1 && b.last() == Some(&0.0) && a.last() == Some(&0.0) {
            b.pop();
            a.pop();
        }
        (b, a)
    }

    /// The complex gain at each of `frequencies_hz` for signals of `rate` (SciPy's `sosfreqz`).
    #[must_use]
    pub fn response(&self, frequencies_hz: &[f64], rate: SampleRate) -> Vec<Complex64> {
        let at = |hz: &f64| {
            let z = Complex64::cis(-std::f64::consts::TAU * hz / rate.hz());
            let ratio = |[b0, b1, b2, a0, a1, a2]: &[f64; 6]| ((z * *b2 + *b1) * z + *b0) / ((z * *a2 + *a1) * z + *a0);
            self.sections.iter().map(ratio).product()
        };
        frequencies_hz.iter().map(at).collect()
    }

    /// By how many samples a slow change of a tone of each of `frequencies_hz` comes late out of the causal filter.
    #[must_use]
    pub fn group_delay_samples(&self, frequencies_hz: &[f64], rate: SampleRate) -> Vec<f64> {
        let at = |hz: &f64| {
            let z = Complex64::cis(-std::f64::consts::TAU * hz / rate.hz());
            let delay = |c: [f64; 3]| ((z * (2.0 * c[2]) + c[1]) * z / ((z * c[2] + c[1]) * z + c[0])).re;
            self.sections.iter().map(|s| delay([s[0], s[1], s[2]]) - delay([s[3], s[4], s[5]])).sum()
        };
        frequencies_hz.iter().map(at).collect()
    }

    /// The state of each section after an endless input of 1 (SciPy's `sosfilt_zi`).
    #[must_use]
    pub fn steady_state(&self) -> &[[f64; 2]] {
        &self.initial
    }

    /// Samples by which a zero-phase filter continues a signal at both ends: it must be longer than that.
    #[must_use]
    pub fn edge(&self) -> usize {
        let without = |i: usize| self.sections.iter().filter(|s| s[i] == 0.0).count();
        3 * (2 * self.sections.len() + 1 - without(2).min(without(5)))
    }

    /// Filters with zero phase; the result has the same length.
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
    /// the [`edge`](Self::edge)); MATLAB's and SciPy's `filtfilt` continue by three times the order (plus 3, SciPy).
    ///
    /// # Errors
    /// [`TooShort`](eir_core::error::TooShort) if `x` is not longer than that,
    /// [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn zero_phase_with(&self, x: &[f64], extension: Extension, samples: Option<usize>) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.there_and_back(x, extension, samples, &mut y, &mut Vec::new())?;
        Ok(y)
    }

    /// As [`zero_phase_f64`](Self::zero_phase_f64), into a buffer of the caller's. `work` is room for the ends: used
    /// again, nothing is allocated.
    ///
    /// # Errors
    /// As `zero_phase`, and [`Mismatch`] if the buffer has another length.
    pub fn zero_phase_into(&self, x: &[f64], y: &mut [f64], work: &mut Vec<f64>) -> Result<()> {
        self.there_and_back(x, Extension::Odd, None, y, work)
    }

    /// As [`zero_phase_into`](Self::zero_phase_into), continued by `edge` samples: MATLAB's `filtfilt` uses 3 times
    /// the order.
    pub(crate) fn zero_phase_padded(&self, x: &[f64], edge: usize, y: &mut [f64], work: &mut Vec<f64>) -> Result<()> {
        self.there_and_back(x, Extension::Odd, Some(edge), y, work)
    }

    fn there_and_back(
        &self,
        x: &[f64],
        extension: Extension,
        samples: Option<usize>,
        y: &mut [f64],
        work: &mut Vec<f64>,
    ) -> Result<()> {
        Mismatch::check("samples and buffer", x.len(), y.len())?;
        let edge = extension.samples(samples, self.edge(), x.len())?;
        check(x)?;
        work.clear();
        work.resize(self.cascade.state_len() + 2 * edge, 0.0);
        let (state, ends) = work.split_at_mut(self.cascade.state_len());
        let (head, tail) = ends.split_at_mut(edge);
        extension.write(x, head, tail);
        y.copy_from_slice(x);
        let start = head.first().or(x.first()).copied().unwrap_or_default();
        self.cascade.set(state, start, &self.initial);
        for part in [&mut *head, &mut *y, &mut *tail] {
            self.cascade.process(state, part, false);
        }
        let end = tail.last().or(y.last()).copied().unwrap_or_default();
        self.cascade.set(state, end, &self.initial);
        for part in [tail, y] {
            self.cascade.process(state, part, true);
        }
        Ok(())
    }

    /// Filters causally from rest (SciPy's `sosfilt`).
    ///
    /// # Errors
    /// [`NotFinite`](eir_core::error::NotFinite) if `x` has a gap.
    pub fn filter(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        let mut y = x.to_vec();
        self.stream().process_f32(&mut y);
        Ok(y)
    }

    /// As [`filter`](Self::filter), in full precision.
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        check(x)?;
        let mut y = x.to_vec();
        self.stream().process(&mut y);
        Ok(y)
    }

    /// The same filter for a live signal, from rest.
    #[must_use]
    pub fn stream(&self) -> SosStream {
        self.stream_from(0.0)
    }

    /// The same filter for a live signal that always was `x0`: no transient at its start.
    #[must_use]
    pub fn stream_from(&self, x0: f64) -> SosStream {
        let mut start = vec![0.0; self.cascade.state_len()];
        self.cascade.set(&mut start, x0, &self.initial);
        SosStream { cascade: self.cascade.clone(), state: start.clone(), start }
    }
}

/// A [`SosFilter`] that keeps its state: whatever the lengths of the pieces, the result is the same, bit for bit.
///
/// It waits for no sample. How late a wave comes out depends on its frequency:
/// [`group_delay_samples`](SosFilter::group_delay_samples). A sample that is NaN stays in the state: fill the gap before,
/// or [`reset`](Self::reset) behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct SosStream {
    cascade: Cascade,
    state: Vec<f64>,
    start: Vec<f64>,
}

impl SosStream {
    /// Takes a sample and gives the filtered one.
    pub fn push(&mut self, sample: f64) -> f64 {
        let mut x = [sample];
        self.process(&mut x);
        x[0]
    }

    /// Filters `x` in place; allocates nothing.
    pub fn process(&mut self, x: &mut [f64]) {
        self.cascade.process(&mut self.state, x, false);
    }

    /// As [`process`](Self::process); the states are `f64` all the same.
    pub fn process_f32(&mut self, x: &mut [f32]) {
        through_f64(x, |block| self.process(block));
    }

    /// Back to the state in which it was made.
    pub fn reset(&mut self) {
        self.state.copy_from_slice(&self.start);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Band, ButterworthConfig};
    use super::*;
    use eir_core::SampleRate;

    fn filter(order: usize) -> SosFilter {
        let rate = SampleRate::new(250.0).unwrap();
        ButterworthConfig::new(Band::Pass { low_hz: 0.5, high_hz: 40.0 }).with_order(order).design(rate).unwrap()
    }

    #[test]
    fn pieces_give_the_same_bits() {
        let x: Vec<f64> = (0..3000).map(|i| (f64::from(i) * 0.37).sin() + f64::from(i % 7)).collect();
        for order in 1..=20 {
            let filter = filter(order);
            let whole = filter.filter_f64(&x).unwrap();
            for piece in [1, 7, 100, 1000] {
                let mut y = x.clone();
                let mut stream = filter.stream();
                y.chunks_mut(piece).for_each(|c| stream.process(c));
                assert_eq!(y, whole, "order {order}, pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_constant_passes_from_its_first_sample() {
        let rate = SampleRate::new(4.0).unwrap();
        let low = ButterworthConfig::new(Band::Low { cutoff_hz: 0.1 }).with_order(3).design(rate).unwrap();
        let y = low.zero_phase_f64(&[140.0; 50]).unwrap();
        assert!(y.iter().all(|v| (v - 140.0).abs() < 1e-9));
        assert_eq!(low.edge(), 12); // two sections, one of them of first order
    }

    #[test]
    fn says_what_is_wrong() {
        let filter = filter(4);
        assert!(filter.zero_phase(&[0.0; 27]).unwrap_err().to_string().contains("at least 28"));
        let mut x = vec![0.0; 100];
        x[5] = f32::NAN;
        assert!(filter.zero_phase(&x).unwrap_err().to_string().contains("sample 5"));
        assert!(SosFilter::new(vec![[1.0, 0.0, 0.0, 2.0, 0.0, 0.0]]).is_err());
    }
}
