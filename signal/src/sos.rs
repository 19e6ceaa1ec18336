//! Filtering with second-order sections: causal, live, and with zero phase.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort};

/// A filter of second-order sections, ready to use. [`ButterworthConfig`](crate::ButterworthConfig) designs one.
///
/// **Use it** in [zero phase](Self::zero_phase) on a recording, where peaks must keep their places, and as a
/// [stream](Self::stream) on a live signal. **Not** across a gap: a missing sample is an error, as any value that would
/// be put there rings on both sides.
///
/// # Formula
/// Each section `y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]` in transposed form, states in `f64`.
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
/// `sosfilt` within 1e-9 of the largest value on the golden set (Butterworth, and with given sections Chebyshev,
/// elliptic and Bessel filters).
///
/// # References
/// Gustafsson 1996, doi:10.1109/78.492552 (initial states); Virtanen et al. 2020, doi:10.1038/s41592-019-0686-2.
#[derive(Debug, Clone, PartialEq)]
pub struct SosFilter {
    sections: Vec<[f64; 6]>,
    /// `b0, b1 - a1 b0, b2 - a2 b0, a1, a2`: so that the next state needs the old state and the input only.
    kernel: Vec<[f64; 5]>,
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
        let kernel =
            sections.iter().map(|[b0, b1, b2, _, a1, a2]| [*b0, b1 - a1 * b0, b2 - a2 * b0, *a1, *a2]).collect();
        let mut scale = 1.0;
        let initial = sections
            .iter()
            .map(|[b0, b1, b2, _, a1, a2]| {
                let (c1, c2) = (b1 - a1 * b0, b2 - a2 * b0);
                let first = (c1 + c2) / (1.0 + a1 + a2);
                let state = [scale * first, scale * ((1.0 + a1) * first - c1)];
                scale *= (b0 + b1 + b2) / (1.0 + a1 + a2);
                state
            })
            .collect();
        Ok(Self { sections, kernel, initial })
    }

    /// The sections `b0 b1 b2 a0 a1 a2`.
    #[must_use]
    pub fn sections(&self) -> &[[f64; 6]] {
        &self.sections
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
    /// [`TooShort`] if `x` is not longer than the [`edge`](Self::edge), [`NotFinite`] if it has a gap.
    pub fn zero_phase(&self, x: &[f32]) -> Result<Vec<f32>> {
        NotFinite::check_f32("sample", x)?;
        let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        Ok(self.zero_phase_f64(&wide)?.into_iter().map(|v| v as f32).collect())
    }

    /// As [`zero_phase`](Self::zero_phase), in full precision.
    ///
    /// # Errors
    /// As `zero_phase`.
    pub fn zero_phase_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.zero_phase_into(x, &mut y, &mut Vec::new())?;
        Ok(y)
    }

    /// As [`zero_phase_f64`](Self::zero_phase_f64), into a buffer of the caller's. `work` is room for the continued
    /// signal: used again, nothing is allocated.
    ///
    /// # Errors
    /// As `zero_phase`, and [`Mismatch`] if the buffer has another length.
    pub fn zero_phase_into(&self, x: &[f64], y: &mut [f64], work: &mut Vec<f64>) -> Result<()> {
        self.zero_phase_padded(x, self.edge(), y, work)
    }

    /// As [`zero_phase_into`](Self::zero_phase_into), continued by `edge` samples: MATLAB's `filtfilt` uses 3 times
    /// the order.
    pub(crate) fn zero_phase_padded(&self, x: &[f64], edge: usize, y: &mut [f64], work: &mut Vec<f64>) -> Result<()> {
        Mismatch::check("samples and buffer", x.len(), y.len())?;
        if x.len() <= edge {
            return Err(TooShort::new("samples", x.len(), edge + 1).into());
        }
        NotFinite::check_f64("sample", x)?;
        let (first, last) = (x[0], x[x.len() - 1]);
        work.clear();
        work.extend(x[1..=edge].iter().rev().map(|v| 2.0 * first - v));
        work.extend_from_slice(x);
        work.extend(x[x.len() - 1 - edge..x.len() - 1].iter().rev().map(|v| 2.0 * last - v));
        for _ in 0..2 {
            let mut stream = self.stream_from(work.first().copied().unwrap_or_default());
            stream.process(work);
            work.reverse();
        }
        y.copy_from_slice(&work[edge..edge + x.len()]);
        Ok(())
    }

    /// Filters causally from rest (SciPy's `sosfilt`).
    ///
    /// # Errors
    /// [`NotFinite`] if `x` has a gap.
    pub fn filter_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        NotFinite::check_f64("sample", x)?;
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
        let state = self.initial.iter().map(|s| [s[0] * x0, s[1] * x0]).collect();
        SosStream { kernel: self.kernel.clone(), state }
    }
}

/// A [`SosFilter`] that keeps its state: whatever the lengths of the pieces, the result is the same, bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct SosStream {
    kernel: Vec<[f64; 5]>,
    state: Vec<[f64; 2]>,
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
        // blocks of known size keep their states in registers
        for (kernel, state) in self.kernel.chunks(4).zip(self.state.chunks_mut(4)) {
            match kernel.len() {
                4 => block::<4>(kernel, state, x),
                3 => block::<3>(kernel, state, x),
                2 => block::<2>(kernel, state, x),
                _ => block::<1>(kernel, state, x),
            }
        }
    }
}

fn block<const N: usize>(kernel: &[[f64; 5]], state: &mut [[f64; 2]], x: &mut [f64]) {
    if let (Some(kernel), Some(state)) = (kernel.first_chunk::<N>(), state.first_chunk_mut::<N>()) {
        cascade(kernel, state, x);
    }
}

fn cascade<const N: usize>(kernel: &[[f64; 5]; N], state: &mut [[f64; 2]; N], x: &mut [f64]) {
    let kernel = *kernel;
    let mut s = *state;
    for sample in x {
        let mut v = *sample;
        for ([b0, c1, c2, a1, a2], [s0, s1]) in kernel.iter().zip(&mut s) {
            let y = b0 * v + *s0;
            let next = (c1 * v + *s1) - a1 * *s0;
            *s1 = c2 * v - a2 * *s0;
            *s0 = next;
            v = y;
        }
        *sample = v;
    }
    *state = s;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Band, ButterworthConfig};
    use eir_core::SampleRate;

    fn filter(order: usize) -> SosFilter {
        let rate = SampleRate::new(250.0).unwrap();
        ButterworthConfig::new(Band::Pass { low_hz: 0.5, high_hz: 40.0 }).with_order(order).design(rate).unwrap()
    }

    #[test]
    fn pieces_give_the_same_bits() {
        let x: Vec<f64> = (0..3000).map(|i| (f64::from(i) * 0.37).sin() + f64::from(i % 7)).collect();
        for order in 1..=9 {
            let filter = filter(order);
            let whole = filter.filter_f64(&x).unwrap();
            for piece in [1, 7, 1000] {
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
