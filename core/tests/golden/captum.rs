use crate::tolerance;
use eir_core::explain::{IntegratedGradients, Occlusion, grad_cam};
use eir_core::testing::golden::{Case, Outcome, entry, numbers};
use eir_core::{Differentiable, Error, Model, Rows};

/// The network of the reference: convolution, tanh, convolution, ReLU, mean over time, linear; and its class 1.
struct Network {
    first: Convolution,
    second: Convolution,
    head: Vec<f64>,
    head_bias: Vec<f64>,
}

struct Convolution {
    weight: Vec<f64>,
    bias: Vec<f64>,
    inputs: usize,
}

/// What one pass leaves behind.
struct Pass {
    hidden: Vec<f64>,
    features: Vec<f64>,
    logits: Vec<f64>,
}

impl Convolution {
    /// Same length, three taps.
    fn forward(&self, x: &[f64]) -> Vec<f64> {
        let n = x.len() / self.inputs;
        let mut out = Vec::with_capacity(self.bias.len() * n);
        for (bias, weights) in self.bias.iter().zip(self.weight.chunks_exact(3 * self.inputs)) {
            for t in 0..n {
                let mut sum = *bias;
                for (x, w) in x.chunks_exact(n).zip(weights.chunks_exact(3)) {
                    sum += (0..3).filter(|k| (1..=n).contains(&(t + k))).map(|k| w[k] * x[t + k - 1]).sum::<f64>();
                }
                out.push(sum);
            }
        }
        out
    }

    /// The gradient by the input.
    fn backward(&self, gradient: &[f64]) -> Vec<f64> {
        let n = gradient.len() / self.bias.len();
        let mut out = vec![0.0; self.inputs * n];
        for (gradient, weights) in gradient.chunks_exact(n).zip(self.weight.chunks_exact(3 * self.inputs)) {
            for (out, w) in out.chunks_exact_mut(n).zip(weights.chunks_exact(3)) {
                for t in 0..n {
                    (0..3).filter(|k| (1..=n).contains(&(t + k))).for_each(|k| out[t + k - 1] += w[k] * gradient[t]);
                }
            }
        }
        out
    }
}

impl Network {
    fn pass(&self, x: &[f64]) -> Pass {
        let hidden: Vec<f64> = self.first.forward(x).iter().map(|v| v.tanh()).collect();
        let features: Vec<f64> = self.second.forward(&hidden).iter().map(|v| v.max(0.0)).collect();
        let means: Vec<f64> = features.chunks_exact(x.len()).map(|c| c.iter().sum::<f64>() / x.len() as f64).collect();
        let logit = |(w, b): (&[f64], &f64)| w.iter().zip(&means).map(|(w, m)| w * m).sum::<f64>() + b;
        let logits = self.head.chunks_exact(means.len()).zip(&self.head_bias).map(logit).collect();
        Pass { hidden, features, logits }
    }

    /// The gradient of class 1 by the features after the ReLU.
    fn by_features(&self, places: usize) -> Vec<f64> {
        let channels = self.second.bias.len();
        self.head[channels..].iter().flat_map(|w| vec![w / places as f64; places]).collect()
    }
}

impl Model for Network {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        out.iter_mut().zip(rows).for_each(|(to, x)| *to = self.pass(x).logits[1]);
        Ok(())
    }
}

impl Differentiable for Network {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
        let pass = self.pass(x);
        let gated =
            self.by_features(x.len()).into_iter().zip(&pass.features).map(|(g, f)| if *f > 0.0 { g } else { 0.0 });
        let by_hidden = self.second.backward(&gated.collect::<Vec<_>>());
        let through: Vec<f64> = by_hidden.iter().zip(&pass.hidden).map(|(g, h)| g * (1.0 - h * h)).collect();
        out.copy_from_slice(&self.first.backward(&through));
        Ok(pass.logits[1])
    }
}

pub(crate) fn captum(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    let weights = entry(&file, "weights")?;
    let list = |key: &str| numbers(entry(weights, key)?);
    let convolution = |layer: &str| -> Result<Convolution, Box<dyn std::error::Error>> {
        let (weight, bias) = (list(&format!("{layer}.weight"))?, list(&format!("{layer}.bias"))?);
        let inputs = weight.len() / (3 * bias.len());
        Ok(Convolution { weight, bias, inputs })
    };
    let network = Network {
        first: convolution("0")?,
        second: convolution("2")?,
        head: list("6.weight")?,
        head_bias: list("6.bias")?,
    };
    let signals: Vec<Vec<f64>> =
        entry(&file, "x")?.as_array().ok_or("x is no list")?.iter().map(numbers).collect::<Result<_, _>>()?;
    let gradient = |x: &[f64]| {
        let mut out = vec![0.0; x.len()];
        network.gradient_into(x, &mut out).map(|_| out)
    };
    // captum's default rule is Gauss–Legendre
    let integrated = |x: &[f64]| IntegratedGradients::default().explain(&network, x, &vec![0.0; x.len()]);
    case.walk(entry(&file, "expected")?, |case, key, want| {
        let mut got = Vec::new();
        for x in &signals {
            got.extend(match key {
                "logits" => network.pass(x).logits,
                "gradient_class1" => gradient(x)?,
                "input_x_gradient_class1" => gradient(x)?.iter().zip(x).map(|(g, x)| g * x).collect(),
                "integrated_gradients_50_class1" => integrated(x)?.contributions,
                "convergence_delta" => vec![-integrated(x)?.residual()],
                "occlusion_w5_s2_class1" => {
                    Occlusion::new(&[x.len()], &[5], &[2]).with_cut_windows().explain(&network, x)?.map
                }
                "grad_cam_layer3_class1" => {
                    let features = network.pass(x).features;
                    grad_cam(&features, &network.by_features(x.len()), network.second.bias.len())?.map
                }
                "guided_backprop_class1" => {
                    case.skip(
                        key,
                        "not offered: its map does not depend on the weights (doi:10.48550/arXiv.1810.03292)",
                    );
                    return Ok(());
                }
                _ => return Err("no comparison for this entry".into()),
            });
        }
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}
