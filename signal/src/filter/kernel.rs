//! The inner loops that the filters share. They are plain loops that the compiler turns into vectors, compiled for what
//! the processor has; each output is the same operations in the same order wherever it lies in a block, so that pieces
//! give the same bits as the whole.

use crate::Result;
use eir_core::error::NotFinite;
use pulp::{Arch, Simd, WithSimd};

/// `a b + c`: fused where the processor can, and the same everywhere on one processor.
#[inline(always)]
pub(crate) fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Whether multiplication and addition are one instruction.
pub(crate) const fn is_fused<S: Simd>() -> bool {
    !S::IS_SCALAR && !cfg!(target_arch = "wasm32")
}

/// An error if a sample is NaN or infinite; the place is looked for only if there is one.
pub(crate) fn check(x: &[f64]) -> Result<()> {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    let bad = |part: &[f64]| part.iter().map(|v| u64::from(v.to_bits() & EXPONENT == EXPONENT)).sum::<u64>() > 0;
    if x.chunks(1024).any(bad) {
        NotFinite::check_f64("sample", x)?;
    }
    Ok(())
}

/// As [`check`], for `f32`.
pub(crate) fn check_f32(x: &[f32]) -> Result<()> {
    const EXPONENT: u32 = 0x7f80_0000;
    let bad = |part: &[f32]| part.iter().map(|v| u32::from(v.to_bits() & EXPONENT == EXPONENT)).sum::<u32>() > 0;
    if x.chunks(1024).any(bad) {
        NotFinite::check_f32("sample", x)?;
    }
    Ok(())
}

/// `x` in double precision.
pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

/// `x` in single precision.
pub(crate) fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|v| *v as f32).collect()
}

/// Filters `f32` in place by a filter of `f64`, a block at a time: no memory is taken.
pub(crate) fn through_f64(x: &mut [f32], mut filter: impl FnMut(&mut [f64])) {
    let mut block = [0.0; 256];
    for part in x.chunks_mut(block.len()) {
        let block = &mut block[..part.len()];
        block.iter_mut().zip(part.iter()).for_each(|(wide, v)| *wide = f64::from(*v));
        filter(block);
        part.iter_mut().zip(block.iter()).for_each(|(v, wide)| *v = *wide as f32);
    }
}

/// `y[i] = Σ_j weights[j] x[i + j]`, the terms in rising order of `j`. `x` has at least `y.len() + weights.len() - 1`
/// values; what is missing leaves `y` as it is.
///
/// 32 outputs grow side by side in registers, so that a weight is loaded once for all of them: bound by the two loads
/// and two fused multiply-adds that a core does in a cycle.
pub(crate) fn correlate(weights: &[f64], x: &[f64], y: &mut [f64]) {
    Arch::new().dispatch(Correlate { weights, x, y });
}

struct Correlate<'a> {
    weights: &'a [f64],
    x: &'a [f64],
    y: &'a mut [f64],
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { weights, x, y } = self;
        if S::F64_LANES == LINE && LONG.contains(&weights.len()) && y.len() >= 2 * OUT {
            let done = correlate_aligned(weights, x, y);
            let (Some(x), Some(y)) = (x.get(done..), y.get_mut(done..)) else { return };
            correlate_all::<true>(weights, x, y);
        } else if is_fused::<S>() {
            correlate_all::<true>(weights, x, y);
        } else {
            correlate_all::<false>(weights, x, y);
        }
    }
}

/// Numbers in a cache line, and in the widest vector.
const LINE: usize = 8;
/// Outputs of a block of [`correlate_aligned`].
const OUT: usize = 256;
/// Numbers of weights for which it pays.
const LONG: std::ops::RangeInclusive<usize> = 32..=OUT;
/// Lines of a block and what its weights reach.
const LINES: usize = 2 * OUT / LINE + 1;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([f64; LINE]);

/// As [`correlate_blocks`], where vectors are as long as cache lines: there a load from any place takes two lines, and the
/// loads are what bounds. So a block is copied eight times, each one sample further, and every load is a line.
#[inline(always)]
fn correlate_aligned(weights: &[f64], x: &[f64], y: &mut [f64]) -> usize {
    let mut copies = [[Line([0.0; LINE]); LINES]; LINE];
    let mut done = 0;
    for out in y.as_chunks_mut::<OUT>().0 {
        let Some(around) = x.get(done..done + OUT + weights.len() - 1) else { break };
        for (shift, copy) in copies.iter_mut().enumerate() {
            let (lines, rest) = around.get(shift..).unwrap_or_default().as_chunks::<LINE>();
            for (line, v) in copy.iter_mut().zip(lines) {
                line.0 = *v;
            }
            if let Some(line) = copy.get_mut(lines.len()) {
                line.0[..rest.len()].copy_from_slice(rest);
            }
        }
        for (first, out) in out.as_chunks_mut::<{ 8 * LINE }>().0.iter_mut().enumerate() {
            let mut sums = [[0.0; LINE]; 8];
            for (further, weights) in weights.chunks(LINE).enumerate() {
                for (w, copy) in weights.iter().zip(&copies) {
                    let from = 8 * first + further;
                    let Some(lines) = copy.get(from..).and_then(|c| c.first_chunk::<8>()) else { continue };
                    for (sum, line) in sums.iter_mut().zip(lines) {
                        for (sum, v) in sum.iter_mut().zip(&line.0) {
                            *sum = w.mul_add(*v, *sum);
                        }
                    }
                }
            }
            for (out, sum) in out.as_chunks_mut::<LINE>().0.iter_mut().zip(&sums) {
                *out = *sum;
            }
        }
        done += OUT;
    }
    done
}

#[inline(always)]
fn correlate_all<const FUSED: bool>(weights: &[f64], x: &[f64], y: &mut [f64]) {
    let done = correlate_blocks::<FUSED, 32>(weights, x, y);
    let (Some(x), Some(y)) = (x.get(done..), y.get_mut(done..)) else { return };
    let done = correlate_blocks::<FUSED, 8>(weights, x, y);
    let (Some(x), Some(y)) = (x.get(done..), y.get_mut(done..)) else { return };
    correlate_blocks::<FUSED, 1>(weights, x, y);
}

#[inline(always)]
fn correlate_blocks<const FUSED: bool, const N: usize>(weights: &[f64], x: &[f64], y: &mut [f64]) -> usize {
    let mut done = 0;
    for out in y.as_chunks_mut::<N>().0 {
        let Some(around) = x.get(done..done + N + weights.len() - 1) else { break };
        let mut sums = [0.0; N];
        for (w, part) in weights.iter().zip(around.windows(N)) {
            for (sum, v) in sums.iter_mut().zip(part) {
                *sum = fused::<FUSED>(*w, *v, *sum);
            }
        }
        *out = sums;
        done += N;
    }
    done
}

/// `Σ a[i] b[i]` of as many terms as the shorter has, in eight sums that are then joined: the order depends on the
/// length alone.
#[inline(always)]
pub(crate) fn dot<const FUSED: bool>(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum = fused::<FUSED>(*a, *b, *sum);
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum = fused::<FUSED>(*a, *b, *sum);
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
}
