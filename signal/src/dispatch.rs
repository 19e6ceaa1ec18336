//! Loops that are compiled once more for each kind of processor.

use pulp::{Arch, Simd, WithSimd};

/// Runs `work` compiled for what the processor has. `work` and all that it calls in its loops are `#[inline(always)]`, or
/// they stay compiled for any processor.
pub(crate) fn dispatched<R>(work: impl FnMut() -> R) -> R {
    Arch::new().dispatch(Work(work))
}

/// A closure that `pulp` takes itself is called by a shim, which is not inlined: this calls its body.
struct Work<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Work<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
