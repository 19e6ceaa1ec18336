//! The terms that losses of variational autoencoders are made of.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter};

/// How far the posterior of a latent number lies from the prior N(0, 1), in nats: `½ (μ² + σ² − ln σ² − 1)` for each pair of
/// a mean and the logarithm of a variance.
///
/// ```
/// use eir_signal::models::kl_divergence;
/// assert_eq!(kl_divergence(&[0.0, 2.0], &[0.0, 0.0])?, [0.0, 2.0]);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Mismatch`] for lengths that differ, [`NotFinite`] for a value.
///
/// # Validation
/// Within 2e-5 of the same arithmetic in NumPy (`models.json`).
///
/// # References
/// Kingma, Welling 2014, arXiv:1312.6114.
pub fn kl_divergence(mean: &[f32], log_variance: &[f32]) -> Result<Vec<f64>> {
    Mismatch::check("log variances", mean.len(), log_variance.len())?;
    NotFinite::check_f32("mean", mean)?;
    NotFinite::check_f32("log variance", log_variance)?;
    let of = |(m, v): (&f32, &f32)| {
        let (m, v) = (f64::from(*m), f64::from(*v));
        0.5 * (m * m + v.exp() - v - 1.0)
    };
    Ok(mean.iter().zip(log_variance).map(of).collect())
}

/// Sum of the squared differences of the values that were measured.
///
/// # Errors
/// [`Mismatch`] for lengths that differ, [`NotFinite`] for a measured value or its reconstruction.
pub fn squared_error(truth: &[f32], reconstructed: &[f32], measured: Option<&[bool]>) -> Result<f64> {
    Mismatch::check("reconstruction", truth.len(), reconstructed.len())?;
    if let Some(measured) = measured {
        Mismatch::check("flags of measured values", truth.len(), measured.len())?;
    }
    let mut sum = 0.0;
    for (i, (a, b)) in truth.iter().zip(reconstructed).enumerate() {
        if measured.is_none_or(|m| m[i]) {
            NotFinite::check_f32("measured value or reconstruction", &[*a, *b])?;
            let d = f64::from(*a) - f64::from(*b);
            sum += d * d;
        }
    }
    Ok(sum)
}

/// What a loss of a variational autoencoder makes of the divergence.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum VaePenalty {
    /// Times β (1 is the evidence lower bound, more is the β-VAE).
    Beta(f64),
    /// γ times the distance of its sum from a capacity C in nats (Burgess et al. 2018, arXiv:1804.03599).
    Capacity {
        /// C, at least 0.
        nats: f64,
        /// γ, at least 0.
        gamma: f64,
    },
}

/// Mean loss over items: squared error of each plus its penalty; `kl` has the divergences of the items one after the
/// other.
///
/// # Errors
/// [`Mismatch`] unless the divergences divide into the items, [`Parameter`] for a penalty that is negative or not finite.
pub fn vae_loss(squared_errors: &[f64], kl: &[f64], penalty: VaePenalty) -> Result<f64> {
    let dims = items(squared_errors.len(), kl)?;
    let numbers = match penalty {
        VaePenalty::Beta(beta) => [beta, 0.0],
        VaePenalty::Capacity { nats, gamma } => [nats, gamma],
    };
    if let Some(bad) = numbers.into_iter().find(|v| !(*v >= 0.0 && v.is_finite())) {
        return Err(Parameter::new("penalty", bad, "finite and at least 0").into());
    }
    let of = |(error, kl): (&f64, &[f64])| {
        let kl: f64 = kl.iter().sum();
        error
            + match penalty {
                VaePenalty::Beta(beta) => beta * kl,
                VaePenalty::Capacity { nats, gamma } => gamma * (kl - nats).abs(),
            }
    };
    Ok(squared_errors.iter().zip(kl.chunks_exact(dims)).map(of).sum::<f64>() / squared_errors.len() as f64)
}

/// Sum over the latent numbers of their mean divergence over items, none counting less than `nats`: what is below costs
/// nothing, so that no number is given up early.
///
/// # Errors
/// [`Mismatch`] unless the divergences divide into the items.
///
/// # References
/// Kingma et al. 2016, arXiv:1606.04934.
pub fn free_bits(item_count: usize, kl: &[f64], nats: f64) -> Result<f64> {
    let dims = items(item_count, kl)?;
    let mean = |j: usize| kl.iter().skip(j).step_by(dims).sum::<f64>() / item_count as f64;
    Ok((0..dims).map(|j| mean(j).max(nats)).sum())
}

/// Minus the logarithm of the likelihood of `values` numbers under a normal distribution of variance 1 around their
/// reconstruction.
#[must_use]
pub fn unit_gaussian_nll(squared_error: f64, values: usize) -> f64 {
    0.5 * squared_error + 0.5 * values as f64 * std::f64::consts::TAU.ln()
}

/// Latent numbers that say something: those whose mean varies over items by more than `least` (0.01 is usual).
///
/// # Errors
/// [`Mismatch`] unless the means divide into latents of `dims` numbers.
///
/// # References
/// Burda, Grosse, Salakhutdinov 2016, arXiv:1509.00519.
pub fn active_units(means: &[f32], dims: usize, least: f64) -> Result<usize> {
    Mismatch::check("numbers in the last latent", 0, means.len() % dims.max(1))?;
    let n = (means.len() / dims.max(1)).max(1) as f64;
    let varies = |j: &usize| {
        let of = || means.iter().skip(*j).step_by(dims.max(1)).map(|v| f64::from(*v));
        let mean = of().sum::<f64>() / n;
        of().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n > least
    };
    Ok((0..dims.min(means.len())).filter(varies).count())
}

/// Latent numbers per item.
fn items(count: usize, kl: &[f64]) -> Result<usize> {
    if count == 0 || kl.is_empty() || !kl.len().is_multiple_of(count) {
        return Err(Mismatch::new("divergences", format!("a multiple of {count} items"), kl.len()).into());
    }
    Ok(kl.len() / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_values_do_not_count() {
        let found = squared_error(&[1.0, f32::NAN, 3.0], &[0.0, 7.0, 5.0], Some(&[true, false, true])).unwrap();
        assert_eq!(found, 5.0);
        assert!(squared_error(&[f32::NAN], &[0.0], None).is_err());
        assert!(squared_error(&[1.0], &[0.0, 1.0], None).is_err());
        assert!(squared_error(&[1.0], &[0.0], Some(&[])).is_err());
    }

    #[test]
    fn penalties_and_units() {
        let kl = [0.25, 1.0, 0.75, 0.0];
        assert_eq!(vae_loss(&[1.0, 3.0], &kl, VaePenalty::Beta(2.0)).unwrap(), 4.0);
        assert_eq!(vae_loss(&[1.0, 3.0], &kl, VaePenalty::Capacity { nats: 1.0, gamma: 4.0 }).unwrap(), 3.0);
        assert_eq!(free_bits(2, &kl, 0.75).unwrap(), 1.5);
        assert!(vae_loss(&[1.0; 3], &kl, VaePenalty::Beta(1.0)).is_err());
        assert!(vae_loss(&[], &[], VaePenalty::Beta(1.0)).is_err());
        assert!(vae_loss(&[1.0], &kl, VaePenalty::Beta(-1.0)).is_err());
        assert_eq!(active_units(&[0.0, 1.0, 0.0, -1.0], 2, 0.01).unwrap(), 1);
        assert_eq!(active_units(&[], 0, 0.01).unwrap(), 0);
        assert!(active_units(&[0.0; 3], 2, 0.01).is_err());
    }
}
