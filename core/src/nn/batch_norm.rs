//! A batch norm as part of the convolution before it.

use super::Error;
use crate::error::{Mismatch, NotFinite, Parameter};

/// Folds an inference-mode batch norm into the weights and the bias of the convolution before it.
///
/// Use it once, when a network is loaded: the folded layer does the work of both. Not for a batch norm *before* a padded
/// convolution: there the padding is not normalised.
///
/// # Formula
/// `s = γ / √(σ² + ε)`, `weight[o] ← s[o] weight[o]`, `bias[o] ← s[o] (bias[o] − μ[o]) + β[o]`, computed in `f64`.
///
/// # Parameters
/// `weight` holds the output channels one after the other, `bias` one value per output channel; `gamma` (γ), `beta` (β),
/// `mean` (μ), `var` (σ²) and `eps` (ε) are the batch norm's.
///
/// # Examples
/// ```
/// use eir_core::nn::fold_batch_norm;
/// let (mut weight, mut bias) = ([2.0, 4.0], [1.0]);
/// fold_batch_norm(&mut weight, &mut bias, &[3.0], &[0.5], &[0.0], &[4.0], 0.0)?;
/// assert_eq!((weight, bias), ([3.0, 6.0], [2.0]));
/// # Ok::<(), eir_core::nn::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`] if the lengths differ, [`Error::NotFinite`] for a value that is NaN or infinite,
/// [`Error::Parameter`] if a variance plus `eps` is not above 0.
///
/// # Validation
/// Equals convolution and batch norm of burn 0.22.1 within 1e-6 of the largest value.
///
/// # References
/// Ioffe, Szegedy 2015, arXiv:1502.03167.
pub fn fold_batch_norm(
    weight: &mut [f32],
    bias: &mut [f32],
    gamma: &[f32],
    beta: &[f32],
    mean: &[f32],
    var: &[f32],
    eps: f64,
) -> Result<(), Error> {
    let channels = bias.len();
    if channels == 0 || !weight.len().is_multiple_of(channels) {
        return Err(Mismatch::new("weights", "a multiple of the channels", weight.len()).into());
    }
    for (what, values) in [("gamma", gamma), ("beta", beta), ("mean", mean), ("var", var)] {
        Mismatch::check(what, channels, values.len())?;
        NotFinite::check_f32(what, values)?;
    }
    if let Some(v) = var.iter().find(|v| f64::from(**v) + eps <= 0.0 || !eps.is_finite()) {
        return Err(Parameter::new("var + eps", f64::from(*v) + eps, "above 0").into());
    }
    for (channel, kernel) in weight.chunks_exact_mut(weight.len() / channels).enumerate() {
        let scale = f64::from(gamma[channel]) / (f64::from(var[channel]) + eps).sqrt();
        kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
        let shifted = f64::from(bias[channel]) - f64::from(mean[channel]);
        bias[channel] = (shifted * scale + f64::from(beta[channel])) as f32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let fold = |gamma: &[f32], var: &[f32], eps| {
            fold_batch_norm(&mut [1.0; 4], &mut [0.0; 2], gamma, &[0.0; 2], &[0.0; 2], var, eps)
        };
        assert!(fold(&[1.0; 2], &[1.0; 2], 1e-5).is_ok());
        assert_eq!(fold(&[1.0], &[1.0; 2], 1e-5).unwrap_err().to_string(), "gamma: expected 2, found 1");
        assert!(matches!(fold(&[1.0; 2], &[1.0, 0.0], 0.0), Err(Error::Parameter(_))));
        assert!(matches!(fold(&[1.0, f32::NAN], &[1.0; 2], 0.0), Err(Error::NotFinite(_))));
    }
}
