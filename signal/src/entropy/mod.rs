//! Entropies, fractal dimensions and other measures of how irregular a series is.
//!
//! Each takes a plain series of numbers (intervals between beats, a filtered signal), has a function with the usual
//! settings and a configuration for others. What cannot be answered is an error of the kind [`NoAnswer`], never a number.
//!
//! ```
//! use eir_signal::entropy;
//! let x: Vec<f64> = (0..300).map(|i| f64::from(i % 5)).collect();
//! assert!(entropy::sample_entropy(&x)? < 0.1); // it repeats itself
//! assert!(entropy::sample_entropy(&[1.0; 300]).is_err()); // it does not vary
//! # Ok::<(), eir_signal::Error>(())
//! ```
//!
//! | measure | grows with | usual settings |
//! |---|---|---|
//! | [`sample_entropy`], [`approximate_entropy`], [`fuzzy_entropy`] | what is not repeated | m = 2, r = 0.2 standard deviations |
//! | [`multiscale_entropy`] | what is not repeated, over time scales | as sample entropy, r from the first scale |
//! | [`permutation_entropy`], [`weighted_permutation_entropy`] | variety of rising and falling | m = 3 |
//! | [`dispersion_entropy`] | variety of patterns of levels | 6 classes, m = 3 |
//! | [`shannon_entropy`] | variety of values | in bits |
//! | [`spectral_entropy`], [`svd_entropy`] | flatness of the spectrum, of the singular values | |
//! | [`lempel_ziv`] | number of new words in a row of two symbols | above the median |
//! | [`dfa_exponent`], [`multifractal_dfa`] | persistence over window lengths | 4 to 16 values |
//! | [`higuchi_dimension`], [`katz_dimension`], [`petrosian_dimension`] | roughness of the curve | 10 lags |
//! | [`correlation_dimension`], [`lyapunov_exponent`] | degrees of freedom, divergence | m = 2 |
//! | [`hjorth`] | activity, mobility, complexity | |

mod approximate;
mod correlation_dimension;
mod dfa;
mod dispersion;
mod exp;
mod fuzzy;
mod higuchi;
mod hjorth;
pub(crate) mod katz;
pub(crate) mod lempel_ziv;
mod lyapunov;
pub(crate) mod multifractal;
mod multiscale;
mod neighbours;
mod no_answer;
mod permutation;
mod petrosian;
mod sample;
pub(crate) mod shannon;
mod spectral;
mod svd;

pub use approximate::{ApproximateEntropyConfig, approximate_entropy};
pub use correlation_dimension::{CorrelationDimensionConfig, Radii, correlation_dimension};
pub use dfa::{DfaConfig, dfa_exponent};
pub use dispersion::{DispersionEntropyConfig, dispersion_entropy};
pub use fuzzy::{FuzzyEntropyConfig, fuzzy_entropy};
pub use higuchi::{HiguchiConfig, higuchi_dimension};
pub use hjorth::{Hjorth, hjorth};
pub use katz::katz_dimension;
pub use lempel_ziv::{Threshold, lempel_ziv, lempel_ziv_of_symbols};
pub use lyapunov::{LyapunovConfig, lyapunov_exponent};
pub use multifractal::{MultifractalSpectrum, multifractal_dfa};
pub use multiscale::{CoarseGraining, Multiscale, MultiscaleEntropyConfig, multiscale_entropy};
pub use no_answer::{Measure, NoAnswer};
pub use permutation::{PermutationEntropyConfig, Ties, permutation_entropy, weighted_permutation_entropy};
pub use petrosian::petrosian_dimension;
pub use sample::{SampleEntropyConfig, Similarity, sample_entropy};
pub use shannon::shannon_entropy;
pub use spectral::spectral_entropy;
pub use svd::{SvdEntropyConfig, svd_entropy};

pub(crate) use neighbours::Neighbours;
pub(crate) use no_answer::finite;

use crate::Result;
use eir_core::error::NotFinite;

/// Nothing if all values are finite and there are enough of them.
pub(crate) fn check(x: &[f64], needed: usize) -> Result<()> {
    NotFinite::check_f64("value", x)?;
    enough(x, needed)?;
    Ok(())
}

/// Nothing if there are enough values.
pub(crate) fn enough(x: &[f64], needed: usize) -> std::result::Result<(), NoAnswer> {
    if x.len() < needed { Err(NoAnswer::TooFew { given: x.len(), needed }) } else { Ok(()) }
}

/// Mean and sum of squared distances from it.
pub(crate) fn spread(x: &[f64]) -> (f64, f64) {
    let mean = mean(x);
    (mean, x.iter().map(|v| (v - mean) * (v - mean)).sum())
}

/// The mean; NaN of nothing.
pub(crate) fn mean(x: &[f64]) -> f64 {
    // eight sums: eight additions at a time, and less rounding
    let (chunks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    chunks.iter().for_each(|c| sums.iter_mut().zip(c).for_each(|(s, v)| *s += v));
    (sums.iter().sum::<f64>() + rest.iter().sum::<f64>()) / x.len() as f64
}

/// The standard deviation (n − 1), or [`NoAnswer::Constant`].
pub(crate) fn deviation(x: &[f64]) -> Measure {
    enough(x, 2)?;
    if x.iter().all(|v| *v == x[0]) {
        return Err(NoAnswer::Constant);
    }
    let sd = (spread(x).1 / (x.len() as f64 - 1.0)).sqrt();
    if sd.is_finite() && sd > 0.0 { Ok(sd) } else { Err(NoAnswer::OutOfRange) }
}

/// Slope of the straight line of least squares.
pub(crate) fn slope(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(a, b)| f(a - mx, b - my)).sum::<f64>();
    sum(&|a, b| a * b) / sum(&|a, _| a * a)
}

/// The entropy in bits of counts or weights.
pub(crate) fn bits(weights: impl Iterator<Item = f64> + Clone) -> f64 {
    let total: f64 = weights.clone().sum();
    let h: f64 = weights.filter(|w| *w > 0.0).map(|w| w / total).map(|p| -p * p.log2()).sum();
    h.max(0.0)
}
