//! Architectures with formula weights, and every published file of weights.

use crate::kinematics::{Fallible, entry, number};
use burn::tensor::Device;
use eir_core::Limits;
use eir_core::testing::golden::{Case, Outcome, Tolerance, npy, numbers};
use eir_core::weights::{Weights, write};
use eir_vision::networks::Architecture;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The reference's values for a tensor's name: −1 … 1, from the splitmix64 generator.
pub(crate) fn unit(name: &str, n: usize) -> impl Iterator<Item = f64> {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (1..=n as u64).map(move |i| {
        let z = hash.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * (1.0 / (1u64 << 53) as f64) * 2.0 - 1.0
    })
}

/// The reference's weights of a tensor.
fn formula(name: &str, shape: &[usize]) -> Vec<f32> {
    let n = shape.iter().product();
    let of = |f: &dyn Fn(f64) -> f64| unit(name, n).map(|u| f(u) as f32).collect();
    match name.rsplit('.').next().unwrap_or_default() {
        "running_mean" | "bias" | "beta" => of(&|u| 0.05 * u),
        "running_var" => of(&|u| 1.0 + 0.1 * u),
        "gamma" | "g" | "scale" => of(&|u| 1.0 + 0.1 * u),
        "weight" if shape.len() == 1 => of(&|u| 1.0 + 0.1 * u),
        _ => {
            let inputs: usize = shape.iter().skip(1).product();
            let gain = if shape.len() > 2 { 1.6 } else { 1.0 };
            of(&|u| u * (3.0 / inputs as f64).sqrt() * gain)
        }
    }
}

/// The architecture that a reference file names, with as many channels and classes as it says.
pub(crate) fn architecture(reference: &Value) -> Fallible<Architecture> {
    let name = entry(reference, "name")?.as_str().unwrap_or_default();
    let input: Vec<usize> = numbers(entry(reference, "input")?)?.into_iter().map(|v| v as usize).collect();
    let [_, channels, height, width] = *input.as_slice() else { return Err("an input has four axes".into()) };
    let output = entry(reference, "outputs")?.get(0).ok_or("there is no output")?;
    let shape = numbers(entry(output, "shape")?)?;
    let classes = *shape.get(1).ok_or("an output has at least two axes")? as usize;
    Ok(match name.split('_').next().unwrap_or_default() {
        "rtmpose" if name.ends_with("_t") => Architecture::RtmposeT,
        "rtmpose" if name.ends_with("_s") => Architecture::RtmposeS,
        "rtmpose" => Architecture::RtmposeM,
        "rtmdet" => Architecture::RtmdetNanoPerson,
        "efficientnet" => Architecture::EfficientnetB0 { classes },
        "mobilenet" => Architecture::MobilenetV2 { classes },
        "resnet18" => Architecture::Resnet18 { classes },
        "densenet121" => Architecture::Densenet121 { channels, classes },
        "monai" => Architecture::BasicUnet { width, height, channels, classes },
        other => return Err(format!("no architecture is known as {other}").into()),
    })
}

/// The architecture's weights by formula, as a file.
pub(crate) fn formula_weights(architecture: Architecture) -> Fallible<Weights> {
    let tensors = architecture.tensors()?;
    let values = tensors.iter().map(|(name, shape)| (name.as_str(), shape.clone(), formula(name, shape)));
    Ok(Weights::from_bytes(&write(values)?, &Limits::default())?)
}

/// What a network says to the reference's input, and the shapes of that.
type Answers = (Vec<Vec<f32>>, Vec<[usize; 3]>);

/// The answers of the network of a reference file; kept, because each of its outputs has a file of its own.
fn answers(architecture: Architecture, reference: &Value) -> Fallible<Arc<Answers>> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Answers>>> = Mutex::new(BTreeMap::new());
    let key = format!("{architecture:?}");
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answers) = known.get(&key) {
        return Ok(answers.clone());
    }
    let network = architecture.network(formula_weights(architecture)?, &Device::flex())?;
    let name = entry(reference, "input_name")?.as_str().unwrap_or_default();
    let input: Vec<f32> = unit(name, network.input_shape().iter().product()).map(|u| u as f32).collect();
    let answers = Arc::new((network.run(&input)?, network.output_shapes().to_vec()));
    known.insert(key, answers.clone());
    Ok(answers)
}

/// One output of a network, value by value.
pub(crate) fn output(case: &mut Case) -> Outcome {
    let name = case.path().file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    // the network's file is the one whose name this one begins with
    let stems = name.match_indices('_').rev().filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    let found = stems.filter_map(|(stem, output)| {
        Some((case.reference(&format!("structure/{stem}.json")).ok()?, output.to_owned()))
    });
    let (path, name) = found.into_iter().next().ok_or("no file of a network has this name")?;
    let reference: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let answers = answers(architecture(&reference)?, &reference)?;
    let outputs = entry(&reference, "outputs")?.as_array().ok_or("outputs are a list")?;
    let named = |o: &Value| o.get("name").and_then(Value::as_str) == Some(name.as_str());
    let number_of = outputs.iter().position(named).ok_or("the network has no output of this name")?;
    let (_, want) = npy(case.path())?;
    let got = answers.0.get(number_of).ok_or("there is no such output")?;
    let shape = answers.1.get(number_of).copied().unwrap_or([0; 3]);
    let tolerance = allowed(outputs.get(number_of).ok_or("there is no such output")?)?;
    case.close("values", &thinned(got, shape, want.len()), &want, Tolerance::absolute(tolerance));
    Ok(())
}

/// What rounding may make of an output.
fn allowed(output: &Value) -> Fallible<f64> {
    let scale = |key: &str| number(entry(output, key)?);
    Ok((20.0 * scale("f32_vs_f64_max_abs")?).max(1e-4 * scale("absmax")?))
}

pub(crate) fn structure(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let architecture = architecture(&reference)?;
    let tensors = architecture.tensors()?;
    if let Some(want) = reference.get("state_dict").and_then(Value::as_array) {
        let mut want: Vec<(String, Vec<usize>)> = want
            .iter()
            .map(|row| {
                let name = row.get(0).and_then(Value::as_str).unwrap_or_default().to_owned();
                let shape = row.get(1).map(numbers).transpose()?.unwrap_or_default();
                Ok((name, shape.into_iter().map(|v| v as usize).collect()))
            })
            .collect::<Fallible<_>>()?;
        let mut got = tensors.clone();
        want.sort();
        got.sort();
        case.equal("state_dict", &got, &want);
    }
    let learned = tensors.iter().filter(|(name, _)| !name.contains("running_"));
    let parameters: usize = learned.map(|(_, shape)| shape.iter().product::<usize>()).sum();
    case.equal("parameters", &(parameters as f64), &number(entry(&reference, "parameters")?)?);

    let answers = answers(architecture, &reference)?;
    let outputs = &answers.0;
    case.walk(entry(&reference, "outputs")?, |case, n, output| {
        let number_of = n.parse::<usize>()?;
        let name = entry(output, "name")?.as_str().unwrap_or_default();
        let scale = |key: &str| number(entry(output, key)?);
        let tolerance = allowed(output)?;
        let all = outputs.get(number_of).map(Vec::as_slice).unwrap_or_default();
        let mean = all.iter().map(|v| f64::from(*v)).sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / all.len() as f64;
        let largest = all.iter().fold(0.0f64, |m, v| m.max(f64::from(v.abs())));
        for (key, got) in [("mean", mean), ("std", variance.sqrt()), ("absmax", largest)] {
            case.value(&format!("{name}: {key}"), got, scale(key)?, Tolerance::absolute(tolerance));
        }
        Ok(())
    })?;
    for (i, _) in entry(&reference, "intermediates")?.as_array().into_iter().flatten().enumerate() {
        case.skip(&format!("intermediates.{i}"), "values inside of the network: its outputs depend on all of them");
    }
    Ok(())
}

/// Every so manieth row and column, where the reference holds fewer values.
fn thinned(values: &[f32], [_, h, w]: [usize; 3], want: usize) -> Vec<f64> {
    let every = ((values.len() / want.max(1)) as f64).sqrt().round().max(1.0) as usize;
    let kept = |i: &usize| (i / w % h).is_multiple_of(every) && (i % w).is_multiple_of(every);
    values.iter().enumerate().filter(|(i, _)| kept(i)).map(|(_, v)| f64::from(*v)).collect()
}
