//! Attention that never looks ahead.

use crate::Result;
use eir_core::error::{Mismatch, Parameter};

/// Causal attention of one head: each step is a mean of the values of the steps up to itself.
///
/// **Use it** to run trained weights on the processor. `window` bounds what is looked back at, and with it the work: `None`
/// looks back to the start. **Not** to train.
///
/// # Formula
/// `y_t = Σ_{s ≤ t} a_ts v_s`, `a_t = softmax_s(q_t · k_s / √d)`; `q` and `k` are steps × `d`, `v` has any width.
///
/// # Examples
/// ```
/// // the first step sees itself only; the second sees both alike
/// let y = eir_signal::models::causal_attention(&[0.0, 0.0], &[1.0, 2.0], &[3.0, 5.0], 1, None)?;
/// assert_eq!(y, [3.0, 4.0]);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] for a width of 0 or a window of 0, [`Mismatch`] for lengths that do not fit.
///
/// # Validation
/// Within 2e-5 of the same arithmetic in NumPy (`models.json`).
///
/// # References
/// Vaswani et al. 2017, arXiv:1706.03762.
pub fn causal_attention(q: &[f32], k: &[f32], v: &[f32], d: usize, window: Option<usize>) -> Result<Vec<f32>> {
    let (steps, width) = shapes(q, k, v, d, window)?;
    let mut y = vec![0.0; v.len()];
    let mut weights = vec![0.0; steps];
    for (t, out) in y.chunks_exact_mut(width.max(1)).enumerate() {
        let from = window.map_or(0, |w| (t + 1).saturating_sub(w));
        let row = &mut weights[from..=t];
        attend(&q[t * d..(t + 1) * d], &k[from * d..(t + 1) * d], row);
        for (a, value) in row.iter().zip(v[from * width..].chunks_exact(width)) {
            out.iter_mut().zip(value).for_each(|(y, v)| *y += a * v);
        }
    }
    Ok(y)
}

/// The weights of [`causal_attention`]: steps × steps, 0 where a step does not look.
///
/// # Errors
/// As `causal_attention`.
pub fn causal_attention_weights(q: &[f32], k: &[f32], d: usize, window: Option<usize>) -> Result<Vec<f32>> {
    let (steps, _) = shapes(q, k, &[], d, window)?;
    let mut weights = vec![0.0; steps * steps];
    for (t, row) in weights.chunks_exact_mut(steps.max(1)).enumerate() {
        let from = window.map_or(0, |w| (t + 1).saturating_sub(w));
        attend(&q[t * d..(t + 1) * d], &k[from * d..(t + 1) * d], &mut row[from..=t]);
    }
    Ok(weights)
}

/// Steps, and the width of a value.
fn shapes(q: &[f32], k: &[f32], v: &[f32], d: usize, window: Option<usize>) -> Result<(usize, usize)> {
    if d == 0 || window == Some(0) {
        return Err(Parameter::new("width or window of the attention", 0.0, "at least 1").into());
    }
    Mismatch::check("numbers in the last query", 0, q.len() % d)?;
    Mismatch::check("keys", q.len(), k.len())?;
    let steps = q.len() / d;
    Mismatch::check("numbers in the last value", 0, v.len() % steps.max(1))?;
    Ok((steps, v.len() / steps.max(1)))
}

/// The softmax of one query with the keys.
fn attend(query: &[f32], keys: &[f32], weights: &mut [f32]) {
    let scale = 1.0 / (query.len() as f32).sqrt();
    for (w, key) in weights.iter_mut().zip(keys.chunks_exact(query.len())) {
        *w = scale * query.iter().zip(key).map(|(a, b)| a * b).sum::<f32>();
    }
    let top = weights.iter().fold(f32::NEG_INFINITY, |m, w| m.max(*w));
    weights.iter_mut().for_each(|w| *w = (*w - top).exp());
    let sum: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_bounds_what_is_seen() {
        let x: Vec<f32> = (0..40).map(|i| (i as f32).sin()).collect();
        let whole = causal_attention(&x, &x, &x, 2, Some(20)).unwrap();
        assert_eq!(whole, causal_attention(&x, &x, &x, 2, None).unwrap());
        assert_eq!(causal_attention(&x, &x, &x, 2, Some(1)).unwrap(), x);
        let weights = causal_attention_weights(&x, &x, 2, Some(3)).unwrap();
        assert!(weights[19 * 20..].iter().take(17).all(|w| *w == 0.0));
        assert!((weights[19 * 20..].iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(causal_attention(&x, &x[1..], &x, 2, None).is_err());
        assert!(causal_attention(&x, &x, &x[1..], 2, None).is_err());
        assert!(causal_attention(&x, &x, &x, 0, None).is_err());
        assert!(causal_attention(&[], &[], &[], 2, None).unwrap().is_empty());
    }
}
