//! Layers and loss terms of networks, against the same arithmetic in NumPy.

use super::{list, text};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_signal::models::{
    CausalConv, Gru, Lstm, VaePenalty, causal_attention, causal_attention_weights, free_bits, kl_divergence,
    squared_error, unit_gaussian_nll, vae_loss,
};
use serde_json::Value;
use std::error::Error;

type Any<T> = Result<T, Box<dyn Error>>;

/// The formulas are in f64, the layers in f32.
const TOLERANCE: f64 = 2e-5;

/// Shape and values of an input that the file describes: `2*lcg(1)[3,5]`, `lcg(15)+lcg(16)`.
struct Inputs {
    seed: u32,
}

impl Inputs {
    /// `x <- 1664525 x + 1013904223 (mod 2^32)`, value `x / 2^32 - 0.5`, from `seed + k` on.
    fn lcg(seed: u32, n: usize) -> Vec<f64> {
        let mut x = seed;
        let mut next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(x) / 4_294_967_296.0 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    /// Of a text without a shape, `otherwise` values.
    fn read(&self, formula: &str, otherwise: usize) -> Any<(Vec<usize>, Vec<f64>)> {
        let formula = formula.split_whitespace().next().unwrap_or_default(); // notes follow
        let broken = || format!("{formula} is no input");
        let mut sum: Option<(Vec<usize>, Vec<f64>)> = None;
        for term in formula.split('+') {
            let (factor, rest) = match term.split_once('*') {
                Some((factor, rest)) => (factor.parse::<f64>()?, rest),
                None => (1.0, term),
            };
            let (k, rest) = rest.strip_prefix("lcg(").and_then(|r| r.split_once(')')).ok_or_else(broken)?;
            let shape: Vec<usize> = match rest.strip_prefix('[').and_then(|r| r.strip_suffix(']')) {
                Some(shape) => shape.split(',').map(|n| n.trim().parse()).collect::<Result<_, _>>()?,
                None => vec![otherwise],
            };
            let seed = self.seed.wrapping_add(k.parse::<u32>()?);
            let values = Self::lcg(seed, shape.iter().product()).into_iter().map(|v| factor * v);
            sum = Some(match sum {
                None => (shape, values.collect()),
                Some((shape, before)) => (shape, before.iter().zip(values).map(|(a, b)| a + b).collect()),
            });
        }
        sum.ok_or_else(|| broken().into())
    }

    fn of(&self, part: &Value, key: &str, otherwise: usize) -> Any<(Vec<usize>, Vec<f32>)> {
        let (shape, values) = self.read(text(part, key)?, otherwise)?;
        Ok((shape, values.into_iter().map(|v| v as f32).collect()))
    }

    /// The seed, which stands in the configuration of the reference and not in the file: where it cannot be had there, it
    /// is the one with which the first divergence comes out.
    fn find(case: &Case, reference: &Value) -> Any<Self> {
        let vae = entry(reference, "vae")?;
        let first = numbers(&list(vae, "kl_per_dim")?[0])?[0];
        let fits = |seed: u32| -> Any<bool> {
            let inputs = Self { seed };
            let (_, mean) = inputs.read(text(vae, "mu")?, 1)?;
            let (_, log_variance) = inputs.read(text(vae, "logvar")?, 1)?;
            let kl = 0.5 * (mean[0] * mean[0] + log_variance[0].exp() - log_variance[0] - 1.0);
            Ok((kl - first).abs() < 1e-12)
        };
        let config = case.reference("config.json").ok().and_then(|path| std::fs::read(path).ok());
        let config: Value = config.map_or(Value::Null, |c| serde_json::from_slice(&c).unwrap_or_default());
        let said = config["extra"]["models"]["seed"].as_u64().and_then(|s| u32::try_from(s).ok());
        for seed in said.into_iter().chain(0..1_000_000) {
            if fits(seed)? {
                return Ok(Self { seed });
            }
        }
        Err("no seed gives the inputs of this file".into())
    }
}

fn size(shape: &[usize], axis: usize) -> Any<usize> {
    shape.get(axis).copied().ok_or_else(|| "an input has too few axes".into())
}

fn close(case: &mut Case, key: &str, got: &[f32], want: &Value) -> Outcome {
    let got: Vec<f64> = got.iter().map(|v| f64::from(*v)).collect();
    case.close(key, &got, &flat(want)?, Tolerance::absolute(TOLERANCE));
    Ok(())
}

/// The numbers of an array of any depth.
fn flat(value: &Value) -> Any<Vec<f64>> {
    match value.as_array() {
        Some(parts) if parts.iter().any(Value::is_array) => {
            Ok(parts.iter().map(flat).collect::<Any<Vec<_>>>()?.concat())
        }
        _ => numbers(value),
    }
}

pub(super) fn models(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let inputs = Inputs::find(case, &reference)?;
    case.walk(&reference, |case, key, part| match key {
        "lcg" => Ok(()), // says how the inputs are made
        "vae" => vae(case, &inputs, part),
        "causal_conv" => causal_conv(case, &inputs, part),
        "gru" => recurrent(case, &inputs, part, 3),
        "lstm" => recurrent(case, &inputs, part, 4),
        "causal_attention" => attention(case, &inputs, part),
        _ => {
            case.skip(key, "not built yet");
            Ok(())
        }
    })
}

fn vae(case: &mut Case, inputs: &Inputs, part: &Value) -> Outcome {
    let (shape, mean) = inputs.of(part, "mu", 0)?;
    let (_, log_variance) = inputs.of(part, "logvar", 0)?;
    let (x_shape, x) = inputs.of(part, "x", 0)?;
    let (_, reconstructed) = inputs.of(part, "xr", 0)?;
    let (items, dims, width) = (size(&shape, 0)?, size(&shape, 1)?, size(&x_shape, 1)?);
    let kl = kl_divergence(&mean, &log_variance)?;
    let kl_of: Vec<f64> = kl.chunks_exact(dims).map(|k| k.iter().sum()).collect();
    let errors = x.chunks_exact(width).zip(reconstructed.chunks_exact(width));
    let errors = errors.map(|(a, b)| squared_error(a, b, None)).collect::<Result<Vec<f64>, _>>()?;
    case.walk(part, |case, key, want| {
        let got = match key {
            "mu" | "logvar" | "x" | "xr" => return Ok(()), // inputs
            "kl_per_dim" => {
                case.close(key, &kl, &flat(want)?, Tolerance::absolute(TOLERANCE));
                return Ok(());
            }
            "kl_per_sample" | "mse_sum_per_sample" => {
                let got = if key == "kl_per_sample" { &kl_of } else { &errors };
                case.close(key, got, &numbers(want)?, Tolerance::absolute(TOLERANCE));
                return Ok(());
            }
            "elbo_loss_mean" => vae_loss(&errors, &kl, VaePenalty::Beta(1.0))?,
            "gaussian_nll_unit_variance_mean" => {
                errors.iter().map(|e| unit_gaussian_nll(*e, width)).sum::<f64>() / items as f64
            }
            // the setting stands in the name: beta4_loss_mean, free_bits_0.5_mean, capacity_C2_gamma10_mean
            _ => {
                let words: Vec<&str> = key.split('_').collect();
                let setting =
                    |word: usize, name: &str| -> Option<f64> { words.get(word)?.strip_prefix(name)?.parse().ok() };
                if let Some(beta) = setting(0, "beta") {
                    vae_loss(&errors, &kl, VaePenalty::Beta(beta))?
                } else if let (Some("free"), Some(nats)) = (words.first().copied(), setting(2, "")) {
                    free_bits(items, &kl, nats)?
                } else if let (Some(nats), Some(gamma)) = (setting(1, "C"), setting(2, "gamma")) {
                    vae_loss(&errors, &kl, VaePenalty::Capacity { nats, gamma })?
                } else {
                    if !key.ends_with("_note") {
                        case.skip(key, "not built yet");
                    }
                    return Ok(());
                }
            }
        };
        case.value(key, got, number(want)?, Tolerance::absolute(TOLERANCE));
        Ok(())
    })
}

fn causal_conv(case: &mut Case, inputs: &Inputs, part: &Value) -> Outcome {
    let (x_shape, x) = inputs.of(part, "x", 0)?;
    let (w_shape, w) = inputs.of(part, "w", 0)?;
    let (outputs, channels, kernel) = (size(&w_shape, 0)?, size(&w_shape, 1)?, size(&w_shape, 2)?);
    let (_, b) = inputs.of(part, "b", outputs)?;
    let item = channels * size(&x_shape, 2)?;
    case.walk(part, |case, key, want| {
        if let Some(dilation) = key.strip_prefix("dilation_").and_then(|d| d.parse().ok()) {
            let layer = CausalConv::new(channels, outputs, kernel, dilation, &w, &b)?;
            let y = x.chunks_exact(item).map(|x| layer.forward(x)).collect::<Result<Vec<_>, _>>()?.concat();
            return close(case, key, &y, want);
        }
        if !key.starts_with("receptive_field") {
            return Ok(()); // inputs
        }
        case.walk(want, |case, key, want| {
            let parts: Vec<&str> = key.split('_').collect();
            let (Some(Ok(blocks)), Some(Ok(kernel))) =
                (parts.get(1).map(|n| n.parse::<u32>()), parts.get(2).map(|k| k.trim_start_matches('k').parse()))
            else {
                case.skip(key, "not built yet");
                return Ok(());
            };
            // two layers in a block, the dilation doubled from block to block
            let mut field = 1;
            for block in 0..blocks {
                let layer = CausalConv::new(1, 1, kernel, 1 << block, &vec![1.0; kernel], &[0.0])?;
                field += 2 * (layer.receptive_field() - 1);
            }
            case.value(key, field as f64, number(want)?, Tolerance::Exact);
            Ok(())
        })
    })
}

fn recurrent(case: &mut Case, inputs: &Inputs, part: &Value, gates: usize) -> Outcome {
    let (_, x) = inputs.of(part, "x", 0)?;
    let (shape, w_ih) = inputs.of(part, "w_ih", 0)?;
    let (hidden_shape, w_hh) = inputs.of(part, "w_hh", 0)?;
    let (width, hidden) = (size(&shape, 1)?, size(&hidden_shape, 1)?);
    let h = if gates == 3 {
        let (_, b_ih) = inputs.of(part, "b_ih", gates * hidden)?;
        let (_, b_hh) = inputs.of(part, "b_hh", gates * hidden)?;
        Gru::new(width, hidden, &w_ih, &w_hh, &b_ih, &b_hh)?.forward(&x)?
    } else {
        let (_, b) = inputs.of(part, "b", gates * hidden)?;
        Lstm::new(width, hidden, &w_ih, &w_hh, &b, &vec![0.0; b.len()])?.forward(&x)?
    };
    close(case, "h", &h, entry(part, "h")?)
}

fn attention(case: &mut Case, inputs: &Inputs, part: &Value) -> Outcome {
    let (shape, q) = inputs.of(part, "q", 0)?;
    let ((_, k), (_, v)) = (inputs.of(part, "k", 0)?, inputs.of(part, "v", 0)?);
    let d = size(&shape, 1)?;
    close(case, "weights", &causal_attention_weights(&q, &k, d, None)?, entry(part, "weights")?)?;
    close(case, "y", &causal_attention(&q, &k, &v, d, None)?, entry(part, "y")?)
}
