//! All nonlinear measures of a stretch of beats.

use super::asymmetry::Asymmetry;
use super::fragmentation::Fragmentation;
use super::poincare::Poincare;
use super::symbolic::SymbolicDynamics;
use super::{asymmetry, check, fragmentation, poincare, symbolic};
use crate::Result;
use crate::entropy::{
    ApproximateEntropyConfig, CoarseGraining, CorrelationDimensionConfig, DfaConfig, FuzzyEntropyConfig, HiguchiConfig,
    LyapunovConfig, Measure, MultifractalSpectrum, MultiscaleEntropyConfig, Neighbours, NoAnswer,
    PermutationEntropyConfig, Radii, SampleEntropyConfig, Similarity, Threshold,
};
use crate::entropy::{katz, lempel_ziv, multifractal, shannon};
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// Every nonlinear measure, each with its own reason where it has no value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Nonlinear {
    /// SD1, SD2 and what is made of them.
    pub poincare: std::result::Result<Poincare, NoAnswer>,
    /// Accelerations against decelerations.
    pub asymmetry: std::result::Result<Asymmetry, NoAnswer>,
    /// Changes of direction.
    pub fragmentation: std::result::Result<Fragmentation, NoAnswer>,
    /// Words of three symbols of four levels.
    pub symbolic: std::result::Result<SymbolicDynamics, NoAnswer>,
    /// Sample entropy, m = 2.
    pub sample_entropy: Measure,
    /// Approximate entropy, m = 2.
    pub approximate_entropy: Measure,
    /// Fuzzy entropy, m = 2.
    pub fuzzy_entropy: Measure,
    /// Index of the multiscale entropy.
    pub multiscale_entropy: Measure,
    /// Index of the composite multiscale entropy.
    pub composite_multiscale_entropy: Measure,
    /// Index of the refined composite multiscale entropy.
    pub refined_multiscale_entropy: Measure,
    /// Permutation entropy, m = 3, between 0 and 1.
    pub permutation_entropy: Measure,
    /// Entropy of the distinct values, in bits.
    pub shannon_bits: Measure,
    /// Short-term exponent of detrended fluctuation analysis.
    pub alpha1: Measure,
    /// Long-term exponent of detrended fluctuation analysis.
    pub alpha2: Measure,
    /// Multifractal spectrum over the short windows.
    pub multifractal1: std::result::Result<MultifractalSpectrum, NoAnswer>,
    /// Multifractal spectrum over the long windows.
    pub multifractal2: std::result::Result<MultifractalSpectrum, NoAnswer>,
    /// Correlation dimension, m = 2.
    pub correlation_dimension: Measure,
    /// Higuchi's fractal dimension, lags up to 10.
    pub higuchi_dimension: Measure,
    /// Katz' fractal dimension.
    pub katz_dimension: Measure,
    /// Lempel–Ziv complexity.
    pub lempel_ziv: Measure,
    /// Largest Lyapunov exponent, per beat.
    pub lyapunov_exponent: Measure,
}

/// All nonlinear measures of the intervals `rr_ms` with the usual settings.
///
/// # Errors
/// As [`NonlinearConfig::of`].
pub fn nonlinear(rr_ms: &[f64]) -> Result<Nonlinear> {
    NonlinearConfig::default().of(rr_ms)
}

/// Settings of the nonlinear measures.
///
/// **Use it** on corrected intervals, 300 to some thousand of them; over a day by [`windows`](super::windows()). **Not** on
/// raw intervals: an artefact raises the standard deviation and with it the tolerance of all entropies.
///
/// # Formula
/// Those of the single measures; tolerances are 0.2 standard deviations of the series.
///
/// # Examples
/// ```
/// let rr: Vec<f64> = (0..300u32).map(|i| 800.0 + f64::from(i * i % 101)).collect();
/// let found = eir_signal::hrv::nonlinear(&rr)?;
/// assert_eq!(found.sample_entropy?, eir_signal::entropy::sample_entropy(&rr)?);
/// assert!(eir_signal::hrv::nonlinear(&rr[..50])?.sample_entropy.is_err()); // 100 beats at least
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// With [`as_neurokit`](Self::as_neurokit) every value equals NeuroKit2 0.2.13 `hrv_nonlinear` on all series of the golden
/// set up to 1200 beats, within 1e-9 (fluctuation analysis and correlation dimension: 1e-6). That tool has no
/// permutation entropy and no Lyapunov exponent there.
///
/// # References
/// Those of the single measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NonlinearConfig {
    /// Shortest and longest window of the short-term exponent, in beats. Default 4 and 16.
    pub short_windows: (usize, usize),
    /// Shortest and longest window of the long-term exponent, in beats. The longest is `None` for a tenth of the series.
    /// Default 16 and 64.
    pub long_windows: (usize, Option<usize>),
    /// Moments of the multifractal spectra. Default −5 to 5.
    pub moments: Vec<f64>,
    /// Whether composite multiscale entropies take every τ-th value instead of means. Default false.
    pub decimated: bool,
    /// Radii of the correlation dimension. Default [`Radii::Logarithmic`].
    pub radii: Radii,
    /// Where the Lempel–Ziv complexity cuts. Default [`Threshold::Median`].
    pub threshold: Threshold,
    /// Fewest intervals for any measure. Default 100.
    pub least: usize,
    /// Most intervals for measures whose time grows with the square of their number. Default 30 000.
    pub most: usize,
}

impl Default for NonlinearConfig {
    fn default() -> Self {
        Self {
            short_windows: (4, 16),
            long_windows: (16, Some(64)),
            moments: (-5..=5).map(f64::from).collect(),
            decimated: false,
            radii: Radii::Logarithmic,
            threshold: Threshold::Median,
            least: 100,
            most: 30_000,
        }
    }
}

impl NonlinearConfig {
    /// The settings of NeuroKit2: windows of 4–11 and 12–n/10, decimated composites, its radii, a cut at the mean.
    #[must_use]
    pub fn as_neurokit() -> Self {
        Self {
            short_windows: (4, 11),
            long_windows: (12, None),
            decimated: true,
            radii: Radii::AsNeuroKit,
            threshold: Threshold::Mean,
            ..Self::default()
        }
    }
    /// Sets [`short_windows`](Self::short_windows).
    #[must_use]
    pub fn with_short_windows(self, shortest: usize, longest: usize) -> Self {
        Self { short_windows: (shortest, longest), ..self }
    }
    /// Sets [`long_windows`](Self::long_windows).
    #[must_use]
    pub fn with_long_windows(self, shortest: usize, longest: Option<usize>) -> Self {
        Self { long_windows: (shortest, longest), ..self }
    }
    /// Sets [`moments`](Self::moments).
    #[must_use]
    pub fn with_moments(self, moments: Vec<f64>) -> Self {
        Self { moments, ..self }
    }
    /// Sets [`least`](Self::least).
    #[must_use]
    pub fn with_least(self, least: usize) -> Self {
        Self { least, ..self }
    }
    /// Sets [`most`](Self::most).
    #[must_use]
    pub fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let (short, long) = (self.short_windows, self.long_windows);
        DfaConfig::default().with_windows(short.0, short.1).validate()?;
        DfaConfig::default().with_windows(long.0, long.1.unwrap_or(usize::MAX)).validate()?;
        if self.moments.len() < 2 || !self.moments.iter().all(|q| q.is_finite()) {
            return Err(Parameter::new("moments", self.moments.len() as f64, "two or more, finite").into());
        }
        Ok(())
    }

    /// All measures of the intervals `rr_ms`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite) and
    /// [`OutOfRange`](eir_core::error::OutOfRange) for an interval. A series that is too short, too long or constant has its
    /// reason in each measure.
    pub fn of(&self, rr_ms: &[f64]) -> Result<Nonlinear> {
        self.validate()?;
        check(rr_ms, 0)?;
        Ok(self.measure(rr_ms, &mut Neighbours::default()))
    }

    pub(super) fn measure(&self, rr: &[f64], buffers: &mut Neighbours) -> Nonlinear {
        let n = rr.len();
        let enough = if n < self.least { Err(NoAnswer::TooFew { given: n, needed: self.least }) } else { Ok(()) };
        let few = if n > self.most { Err(NoAnswer::TooMany { given: n, allowed: self.most }) } else { enough };
        let near = Similarity::OfDeviation(0.2);
        let scales = MultiscaleEntropyConfig::default().with_tolerance(near);
        let multiscale_entropy = few.and_then(|()| Ok(scales.measure(rr, buffers)?.index));
        let shifted = if self.decimated { CoarseGraining::CompositeDecimated } else { CoarseGraining::Composite };
        let (composite_multiscale_entropy, refined_multiscale_entropy) = match few {
            Ok(()) => scales.with_coarse_graining(shifted).composite_indices(rr, buffers),
            Err(why) => (Err(why), Err(why)),
        };
        let long = match self.long_windows {
            (from, Some(to)) => Ok((from, to)),
            // the reference tool counts beats, one more than intervals, and asks for two windows at least
            (from, None) if (n + 1) / 10 > from => Ok((from, (n + 1) / 10)),
            (from, None) => Err(NoAnswer::TooFew { given: n, needed: 10 * (from + 1) - 1 }),
        };
        let windows = |(from, to): (usize, usize)| DfaConfig::default().with_windows(from, to);
        let short = windows(self.short_windows);
        Nonlinear {
            poincare: enough.and_then(|()| poincare::measure(rr)),
            asymmetry: enough.and_then(|()| asymmetry::measure(rr)),
            fragmentation: enough.and_then(|()| fragmentation::measure(rr)),
            symbolic: enough.and_then(|()| symbolic::measure(rr, 4)),
            sample_entropy: few.and_then(|()| SampleEntropyConfig::default().measure(rr, buffers)),
            approximate_entropy: few.and_then(|()| ApproximateEntropyConfig::default().measure(rr, buffers)),
            fuzzy_entropy: few.and_then(|()| FuzzyEntropyConfig::default().measure(rr)),
            multiscale_entropy,
            composite_multiscale_entropy,
            refined_multiscale_entropy,
            permutation_entropy: enough.and_then(|()| PermutationEntropyConfig::default().measure(rr)),
            shannon_bits: enough.and_then(|()| shannon::measure(rr)),
            alpha1: enough.and_then(|()| short.measure(rr)),
            alpha2: enough.and_then(|()| windows(long?).measure(rr)),
            multifractal1: enough.and_then(|()| multifractal::measure(rr, &short, &self.moments)),
            multifractal2: enough.and_then(|()| multifractal::measure(rr, &windows(long?), &self.moments)),
            correlation_dimension: few
                .and_then(|()| CorrelationDimensionConfig::default().with_spacing(self.radii).measure(rr)),
            higuchi_dimension: enough.and_then(|()| HiguchiConfig::default().measure(rr)),
            katz_dimension: enough.and_then(|()| katz::measure(rr)),
            lempel_ziv: enough.and_then(|()| lempel_ziv::measure(rr, self.threshold)),
            lyapunov_exponent: few.and_then(|()| LyapunovConfig::default().measure(rr)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_has_a_value_or_a_reason() {
        let mut state = 1u32;
        let rr: Vec<f64> = (0..700)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                800.0 + 30.0 * (0.5 * f64::from(i)).sin() + f64::from(state >> 24) / 8.0
            })
            .collect();
        let found = nonlinear(&rr).unwrap();
        for (name, value) in [
            ("sample", found.sample_entropy),
            ("approximate", found.approximate_entropy),
            ("fuzzy", found.fuzzy_entropy),
            ("multiscale", found.multiscale_entropy),
            ("composite", found.composite_multiscale_entropy),
            ("refined", found.refined_multiscale_entropy),
            ("permutation", found.permutation_entropy),
            ("shannon", found.shannon_bits),
            ("alpha1", found.alpha1),
            ("alpha2", found.alpha2),
            ("dimension", found.correlation_dimension),
            ("higuchi", found.higuchi_dimension),
            ("katz", found.katz_dimension),
            ("lempel_ziv", found.lempel_ziv),
            ("lyapunov", found.lyapunov_exponent),
        ] {
            assert!(value.is_ok_and(f64::is_finite), "{name} {value:?}");
        }
        let constant = nonlinear(&[800.0; 700]).unwrap();
        assert_eq!(constant.sample_entropy, Err(NoAnswer::Constant));
        assert!(constant.poincare.is_err() && constant.alpha1.is_err() && constant.multifractal2.is_err());
        let few = NonlinearConfig::default().with_most(600).of(&rr).unwrap();
        assert_eq!(few.fuzzy_entropy, Err(NoAnswer::TooMany { given: 700, allowed: 600 }));
        assert!(few.alpha1.is_ok());
        assert!(nonlinear(&[]).unwrap().alpha1.is_err());
        assert!(nonlinear(&[800.0, f64::NAN]).is_err());
        assert!(NonlinearConfig::default().with_moments(vec![1.0]).of(&rr).is_err());
    }
}
