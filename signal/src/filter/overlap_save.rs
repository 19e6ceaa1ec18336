//! Convolution by spectrum, block by block.

use num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// A convolution with fixed taps by overlap-save: each block of the signal, with the samples before it that the taps
/// reach, is multiplied in the frequency domain.
pub(super) struct OverlapSave {
    forward: Arc<dyn RealToComplex<f64>>,
    back: Arc<dyn ComplexToReal<f64>>,
    /// The spectrum of the taps over the length of a block.
    spectrum: Vec<Complex64>,
    taps: usize,
    block: usize,
}

impl OverlapSave {
    pub(super) fn new(taps: &[f64]) -> Self {
        // a block of 8 times the taps wastes an eighth of each transform, a longer one leaves the cache
        let block = (8 * taps.len()).next_power_of_two().max(1024);
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(block), planner.plan_fft_inverse(block));
        let mut input = vec![0.0; block];
        input.iter_mut().zip(taps).for_each(|(to, h)| *to = h / block as f64);
        let mut spectrum = forward.make_output_vec();
        // lengths are those of the plan
        let _ = forward.process(&mut input, &mut spectrum);
        Self { forward, back, spectrum, taps: taps.len(), block }
    }

    /// `y[i] = Σ_j taps[j] x[i - j]`, where `x` was `history` before its start.
    pub(super) fn process(&self, history: f64, x: &[f64], y: &mut [f64]) {
        let reach = self.taps - 1;
        let step = self.block - reach;
        let mut block = vec![0.0; self.block];
        let mut spectrum = self.forward.make_output_vec();
        let mut scratch = vec![Complex64::default(); self.forward.get_scratch_len().max(self.back.get_scratch_len())];
        for (i, out) in y.chunks_mut(step).enumerate() {
            // the block begins `reach` samples before its first output
            let start = i * step;
            let before = reach.saturating_sub(start).min(reach);
            let known = x.get((start + before).saturating_sub(reach)..).unwrap_or_default();
            let known = &known[..known.len().min(self.block - before)];
            block[..before].fill(history);
            block[before..before + known.len()].copy_from_slice(known);
            block[before + known.len()..].fill(0.0);
            let _ = self.forward.process_with_scratch(&mut block, &mut spectrum, &mut scratch);
            spectrum.iter_mut().zip(&self.spectrum).for_each(|(a, b)| *a *= b);
            if let (Some(first), Some(last)) = (spectrum.first().map(|c| c.re), spectrum.last().map(|c| c.re)) {
                let end = spectrum.len() - 1;
                (spectrum[0], spectrum[end]) = (first.into(), last.into()); // real, but for rounding
            }
            let _ = self.back.process_with_scratch(&mut spectrum, &mut block, &mut scratch);
            out.copy_from_slice(&block[reach..reach + out.len()]);
        }
    }
}
