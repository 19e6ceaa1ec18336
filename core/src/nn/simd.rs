//! The choice of the processor's vector instructions.

use pulp::{Arch, WithSimd};

/// The vector instructions that a layer uses.
///
/// Layers use the best that the processor has; another choice is for tests and measurements.
///
/// ```
/// use eir_core::nn::Instructions;
/// assert!(Instructions::available().contains(&Instructions::best()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instructions {
    /// AVX-512 (x86-64-v4): 16 numbers at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA (x86-64-v3): 8 numbers at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor of the architecture has (NEON on 64-bit ARM, one number at a time elsewhere).
    Base,
}

impl Instructions {
    /// The best that this processor has.
    #[must_use]
    pub fn best() -> Self {
        match Arch::new() {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(_) => Self::Avx512,
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => Self::Avx2,
            _ => Self::Base,
        }
    }

    /// All that this processor has, the best first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let all = [Self::Avx512, Self::Avx2, Self::Base];
        #[cfg(not(target_arch = "x86_64"))]
        let all = [Self::Base];
        let best = Self::best();
        all.into_iter().skip_while(|i| *i != best).collect()
    }

    /// Whether a kernel may keep 24 sums and their operands in registers, rather than 8.
    pub(super) fn many_registers(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => false,
            Self::Base => cfg!(target_arch = "aarch64"),
        }
    }

    /// Numbers that one instruction works on.
    pub(super) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 16,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 8,
            Self::Base => {
                if cfg!(target_arch = "aarch64") {
                    4
                } else {
                    1
                }
            }
        }
    }

    /// Runs `work` with these instructions, or the best that are there.
    #[inline]
    pub(super) fn run<W: WithSimd>(self, work: W) -> W::Output {
        self.arch().dispatch(work)
    }

    fn arch(self) -> Arch {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512 => {}
            Self::Avx2 => return pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
            Self::Base => return Arch::Scalar,
        }
        Arch::new()
    }
}
