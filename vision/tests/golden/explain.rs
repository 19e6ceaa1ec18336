//! Grad-CAM, saliency, integrated gradients and occlusion of a classifier with formula weights.

use crate::kinematics::{Fallible, entry, number};
use crate::networks::{architecture, formula_weights, unit};
use burn::tensor::Device;
use eir_core::explain::{IntegratedGradients, Occlusion};
use eir_core::testing::golden::{Case, Outcome, Tolerance, npy};
use eir_core::{Model, Rows};
use eir_vision::explain::{FeatureMap, NetworkGradients, NetworkScore};
use serde_json::Value;

const WITHIN: f64 = 1e-3;
/// The reference ran in single precision: of millions of rectified values some lie so near to their kink that rounding
/// decides on which side, and derivatives jump there. How much that is, our own two precisions tell; the reference may be as
/// far on the other side.
const NOISE: f64 = 2.0;

/// What is allowed: 1e-3 of the largest value, or what single precision leaves open.
fn allowed(double: &[f64], single: &[f64]) -> Tolerance {
    let largest = double.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let noise = double.iter().zip(single).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    Tolerance::absolute((WITHIN * largest).max(NOISE * noise))
}

/// A network, its input and the class that is explained.
struct Explained {
    structure: Value,
    input: Vec<f32>,
    target: usize,
}

impl Explained {
    /// The network `model` on the input of its structure's reference.
    fn new(case: &Case, model: &str, target: usize) -> Fallible<Self> {
        let path = case.reference(&format!("structure/{model}.json"))?;
        let structure: Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let shape = architecture(&structure)?.network(formula_weights(architecture(&structure)?)?, &Device::flex())?;
        let name = entry(&structure, "input_name")?.as_str().unwrap_or_default();
        let input = unit(name, shape.input_shape().iter().product()).map(|u| u as f32).collect();
        Ok(Self { structure, input, target })
    }

    /// What a file's name says: MODEL_METHOD..._tTARGET..., and the words between.
    fn of_file(case: &Case) -> Fallible<(Self, Vec<String>)> {
        let stem = case.path().file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let methods = ["_gradcam", "_saliency", "_ig", "_occlusion"];
        let at = methods.iter().filter_map(|m| stem.find(m)).min().ok_or("the file's name has no method")?;
        let (model, rest) = stem.split_at(at);
        let words: Vec<String> = rest.split('_').filter(|w| !w.is_empty()).map(str::to_owned).collect();
        let target = words.iter().find_map(|w| w.strip_prefix('t')?.parse().ok()).ok_or("no class in the name")?;
        Ok((Self::new(case, model, target)?, words))
    }

    fn gradients(&self) -> Fallible<NetworkGradients> {
        let architecture = architecture(&self.structure)?;
        Ok(NetworkGradients::new(architecture, formula_weights(architecture)?, &Device::flex(), 0, self.target)?)
    }

    fn wide(&self) -> Vec<f64> {
        self.input.iter().map(|v| f64::from(*v)).collect()
    }
}

/// The number at the end of a word of the file's name.
fn word(words: &[String], start: &str) -> Fallible<usize> {
    let tail = words.iter().find_map(|w| w.strip_prefix(start)).ok_or("the file's name lacks a number")?;
    let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

pub(crate) fn grad_cam(case: &mut Case) -> Outcome {
    let (explained, _) = Explained::of_file(case)?;
    let (shape, want) = npy(case.path())?;
    for layer in [FeatureMap::Output(1), FeatureMap::Last] {
        let found = explained.gradients()?.grad_cam(&explained.input, layer)?;
        case.equal("shape", &vec![found.height, found.width], &shape);
        case.close(&format!("{layer:?}"), &found.map.map, &want, Tolerance::relative(WITHIN));
    }
    Ok(())
}

pub(crate) fn saliency(case: &mut Case) -> Outcome {
    let (explained, words) = Explained::of_file(case)?;
    let (_, want) = npy(case.path())?;
    let every = word(&words, "every")?;
    let map = |gradients: &NetworkGradients| -> Fallible<Vec<f64>> {
        let width = gradients.input_shape()[2];
        let map = gradients.saliency(&explained.input)?;
        Ok(map.chunks_exact(width).step_by(every).flat_map(|row| row.iter().step_by(every)).copied().collect())
    };
    let (double, single) = (map(&explained.gradients()?)?, map(&explained.gradients()?.in_single_precision())?);
    case.close("map", &double, &want, allowed(&double, &single));
    Ok(())
}

pub(crate) fn occlusion(case: &mut Case) -> Outcome {
    let (explained, words) = Explained::of_file(case)?;
    let (_, want) = npy(case.path())?;
    let side = word(&words, "occlusion")?;
    let architecture = architecture(&explained.structure)?;
    let network = architecture.network(formula_weights(architecture)?, &Device::flex())?;
    let score = NetworkScore::new(&network, 0, explained.target)?;
    let window = [network.input_shape()[0], side, side];
    let found = Occlusion::new(&network.input_shape(), &window, &window).explain(&score, &explained.wide())?;
    case.close("windows", &found.windows, &want, Tolerance::relative(WITHIN));
    Ok(())
}

pub(crate) fn integrated(case: &mut Case) -> Outcome {
    let (explained, words) = Explained::of_file(case)?;
    let (_, want) = npy(case.path())?;
    let (steps, block) = (word(&words, "ig")?, word(&words, "block")?);
    let x = explained.wide();
    let ig = |gradients: &NetworkGradients| -> Fallible<(Vec<f64>, [f64; 3])> {
        let found = IntegratedGradients::default().with_steps(steps).explain(gradients, &x, &vec![0.0; x.len()])?;
        let [_, height, width] = gradients.input_shape();
        let columns = width / block;
        let mut sums = vec![0.0; columns * (height / block)];
        for (i, c) in found.contributions.iter().enumerate() {
            let (row, column) = (i % (height * width) / width, i % width);
            sums[row / block * columns + column / block] += c;
        }
        let size = found.contributions.iter().map(|c| c.abs()).sum();
        Ok((sums, [found.contributions.iter().sum(), -found.residual(), size]))
    };
    let (double, [sum, delta, size]) = ig(&explained.gradients()?)?;
    let (single, _) = ig(&explained.gradients()?.in_single_precision())?;
    case.close("blocks", &double, &want, allowed(&double, &single));
    // what the sum leaves open is the reference's too: with these weights the network is rougher than the steps
    let file: Value = serde_json::from_slice(&std::fs::read(case.reference("explain/explain.json")?)?)?;
    let number_of = |key: &str| number(entry(&file, key)?);
    let within = Tolerance::absolute(WITHIN * size);
    case.value("ig_sum", sum, number_of("ig_sum")?, within);
    case.value("ig_delta", delta, number_of("ig_delta")?, within);
    Ok(())
}

/// The numbers beside the maps.
pub(crate) fn numbers(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let words = entry(&file, "model")?.as_str().unwrap_or_default();
    let model = words.split(' ').next().unwrap_or_default();
    let explained = Explained::new(case, model, number(entry(&file, "target")?)? as usize)?;
    let gradients = explained.gradients()?;
    let x = explained.wide();
    let zero = vec![0.0; x.len()];
    case.walk(&file, |case, key, want| {
        match key {
            "logit" | "logit_zero_input" => {
                let x = if key == "logit" { &x } else { &zero };
                let got = gradients.predict(Rows::new(x, x.len())?)?;
                case.close(key, &got, &[number(want)?], Tolerance::relative(WITHIN));
            }
            "ig_sum" | "ig_delta" => {} // compared with the map
            "model" | "target" => {}    // taken above
            "note" => case.skip(key, "a sentence about the reference"),
            other => return Err(format!("nothing of ours is named {other}").into()),
        }
        Ok(())
    })
}
