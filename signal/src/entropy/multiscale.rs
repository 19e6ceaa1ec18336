//! Multiscale entropy.

use super::{Measure, Neighbours, NoAnswer, Similarity, check, enough, mean};
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// The multiscale entropy of `x` with the usual settings.
///
/// # Errors
/// As [`MultiscaleEntropyConfig::of`].
pub fn multiscale_entropy(x: &[f64]) -> Result<Multiscale> {
    MultiscaleEntropyConfig::default().of(x)
}

/// How a series is made coarser and how the pieces of a scale are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CoarseGraining {
    /// Means of τ values each (MSE, Costa).
    Means,
    /// The mean of the entropies of τ such series, each shifted by one value (composite, CMSE).
    Composite,
    /// One entropy of the τ shifted series, their matches added up (refined composite, RCMSE): defined far oftener.
    RefinedComposite,
    /// As `Composite`, but every τ-th value instead of means of τ values: what NeuroKit2 calls CMSEn.
    CompositeDecimated,
    /// As `RefinedComposite`, but every τ-th value instead of means of τ values: what NeuroKit2 calls RCMSEn.
    RefinedCompositeDecimated,
}

/// Sample entropy at each time scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Multiscale {
    /// The entropy at scales 1, 2, 3 …; `None` where no stretch is repeated.
    pub entropies: Vec<Option<f64>>,
    /// Area under the curve of those that are defined (trapezoids of width 1) over their number.
    pub index: f64,
}

/// Settings of the multiscale entropy.
///
/// **Use it** on long series (a thousand values and more) to tell irregular from complex: noise is irregular on short
/// scales only. **Not** on less than 200 values, where coarse scales have nothing left to compare.
///
/// # Formula
/// Sample entropy of the series of means of τ successive values, for τ = 1 to ⌊n/(m + 10)⌋ − 1; the tolerance is that of
/// the first scale.
///
/// # Examples
/// ```
/// let x: Vec<f64> = (0..600u64).map(|i| ((i * i * 2_654_435_761) % 1000) as f64).collect();
/// let found = eir_signal::entropy::multiscale_entropy(&x)?;
/// assert_eq!(found.entropies.len(), 49);
/// assert_eq!(found.entropies[0], Some(eir_signal::entropy::sample_entropy(&x)?));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// The index equals NeuroKit2 0.2.13 `entropy_multiscale` within 1e-9 on all series of the golden set (`MSEn`, and
/// `CMSEn` and `RCMSEn` by the two decimated forms).
///
/// # References
/// Costa et al. 2002, doi:10.1103/PhysRevLett.89.068102. Wu et al. 2013, doi:10.3390/e15031069. Wu et al. 2014,
/// doi:10.1016/j.physleta.2014.03.034.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MultiscaleEntropyConfig {
    /// Values in a stretch, 1 to 10. Default 2.
    pub dimension: usize,
    /// How close is alike. Default 0.2 standard deviations of the series itself.
    pub tolerance: Similarity,
    /// How the series is made coarser. Default [`CoarseGraining::Means`].
    pub coarse_graining: CoarseGraining,
    /// Largest scale; `None` for ⌊n/(m + 10)⌋ − 1. Default `None`.
    pub scales: Option<usize>,
}

impl Default for MultiscaleEntropyConfig {
    fn default() -> Self {
        let tolerance = Similarity::OfDeviation(0.2);
        Self { dimension: 2, tolerance, coarse_graining: CoarseGraining::Means, scales: None }
    }
}

impl MultiscaleEntropyConfig {
    /// Sets [`dimension`](Self::dimension).
    #[must_use]
    pub fn with_dimension(self, dimension: usize) -> Self {
        Self { dimension, ..self }
    }
    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(self, tolerance: Similarity) -> Self {
        Self { tolerance, ..self }
    }
    /// Sets [`coarse_graining`](Self::coarse_graining).
    #[must_use]
    pub fn with_coarse_graining(self, coarse_graining: CoarseGraining) -> Self {
        Self { coarse_graining, ..self }
    }
    /// Sets [`scales`](Self::scales).
    #[must_use]
    pub fn with_scales(self, scales: Option<usize>) -> Self {
        Self { scales, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        super::sample::embedding(self.dimension, 1, 1..=10, "1 to 10")?;
        if self.scales == Some(0) {
            return Err(Parameter::new("scales", 0.0, "1 or more").into());
        }
        self.tolerance.validate()
    }

    /// The entropies of `x` at all scales, and the index.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] for fewer than
    /// `2(m + 10)` values, for values that do not vary, and where no scale has an entropy.
    pub fn of(&self, x: &[f64]) -> Result<Multiscale> {
        self.validate()?;
        check(x, 0)?;
        Ok(self.measure(x, &mut Neighbours::default())?)
    }

    pub(crate) fn measure(&self, x: &[f64], buffers: &mut Neighbours) -> std::result::Result<Multiscale, NoAnswer> {
        let refined = matches!(
            self.coarse_graining,
            CoarseGraining::RefinedComposite | CoarseGraining::RefinedCompositeDecimated
        );
        let both = self.each_scale(x, buffers)?;
        let entropies: Vec<Option<f64>> =
            both.into_iter().map(|(mean, all)| if refined { all } else { mean }).collect();
        let index = index(&entropies)?;
        Ok(Multiscale { entropies, index })
    }

    /// At each scale the mean of the entropies of its series, and the entropy of all their matches together.
    fn each_scale(&self, x: &[f64], buffers: &mut Neighbours) -> std::result::Result<Vec<Both>, NoAnswer> {
        let shortest = self.dimension + 10;
        enough(x, 2 * shortest)?;
        let radius = self.tolerance.of(x)?;
        let scales = (x.len() / shortest - 1).min(self.scales.unwrap_or(usize::MAX)).max(1);
        let mut coarse = Vec::with_capacity(x.len());
        Ok((1..=scales).map(|scale| self.at(x, scale, radius, buffers, &mut coarse)).collect())
    }

    fn at(&self, x: &[f64], scale: usize, radius: f64, buffers: &mut Neighbours, coarse: &mut Vec<f64>) -> Both {
        let shifts = if self.coarse_graining == CoarseGraining::Means { 1 } else { scale };
        let decimated = matches!(
            self.coarse_graining,
            CoarseGraining::CompositeDecimated | CoarseGraining::RefinedCompositeDecimated
        );
        let (mut sum, mut defined, mut of_m, mut of_next) = (0.0, 0u32, 0, 0);
        for shift in 0..shifts {
            coarse.clear();
            if decimated {
                // as many values as whole groups, from every shift
                coarse.extend(x[shift..].iter().step_by(scale).take(x.len() / scale));
            } else {
                coarse.extend(x[shift..].chunks_exact(scale).map(mean));
            }
            let pairs = buffers.pairs(coarse, self.dimension, 1, radius);
            (of_m, of_next) = (of_m + pairs.of_m, of_next + pairs.of_m_and_next);
            if pairs.of_m_and_next > 0 {
                sum -= (pairs.of_m_and_next as f64 / pairs.of_m as f64).ln();
                defined += 1;
            }
        }
        let together = (of_next > 0).then(|| -(of_next as f64 / of_m as f64).ln());
        ((defined > 0).then(|| sum / f64::from(defined)), together)
    }

    /// The indices of the composite and of the refined composite form, from the same counts.
    pub(crate) fn composite_indices(&self, x: &[f64], buffers: &mut Neighbours) -> (Measure, Measure) {
        match self.each_scale(x, buffers) {
            Ok(both) => {
                let (composite, refined): (Vec<_>, Vec<_>) = both.into_iter().unzip();
                (index(&composite), index(&refined))
            }
            Err(why) => (Err(why), Err(why)),
        }
    }
}

/// Mean of the entropies of the series of a scale, and the entropy of all their matches.
type Both = (Option<f64>, Option<f64>);

/// Area under the curve of what is defined, over its number.
fn index(entropies: &[Option<f64>]) -> Measure {
    let defined: Vec<f64> = entropies.iter().flatten().copied().collect();
    let (Some(first), Some(last)) = (defined.first(), defined.last()) else { return Err(NoAnswer::NoMatch) };
    Ok((defined.iter().sum::<f64>() - (first + last) / 2.0) / defined.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_loses_its_entropy_with_scale() {
        let mut state = 1u32;
        let x: Vec<f64> = (0..4000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state)
            })
            .collect();
        for graining in [CoarseGraining::Means, CoarseGraining::Composite, CoarseGraining::RefinedComposite] {
            let config = MultiscaleEntropyConfig::default().with_coarse_graining(graining).with_scales(Some(8));
            let found: Vec<f64> = config.of(&x).unwrap().entropies.into_iter().flatten().collect();
            assert_eq!(found.len(), 8);
            assert!(found[0] > found[3] && found[3] > found[7], "{graining:?} {found:?}");
        }
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(multiscale_entropy(&[3.0; 500]).unwrap_err().to_string().contains("do not vary"));
        assert!(multiscale_entropy(&[3.0; 23]).unwrap_err().to_string().contains("at least 24"));
        assert!(MultiscaleEntropyConfig::default().with_scales(Some(0)).of(&[3.0; 50]).is_err());
    }
}
