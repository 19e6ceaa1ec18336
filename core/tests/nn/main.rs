//! A whole network of fused layers against reference values.

mod mobilenet_v2;

use eir_core::testing::{golden, shared};

#[test]
fn mobilenet_v2_gives_the_reference_logits() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("reference/vision/structure");
    let json = std::fs::read(folder.join("mobilenet_v2.json")).expect("mobilenet_v2.json");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let name = json["input_name"].as_str().expect("input_name");
    let (_, want) = golden::npy(&folder.join("mobilenet_v2_logits.npy")).expect("logits");
    let number = |key: &str| json["outputs"][0][key].as_f64().expect("a number");
    // the tolerance of the reference's README
    let tolerance = (20.0 * number("f32_vs_f64_max_abs")).max(1e-4 * number("absmax"));

    let network = mobilenet_v2::mobilenet_v2().expect("the network");
    let picture: Vec<f32> = mobilenet_v2::unit(name, network.input_len()).map(|u| u as f32).collect();
    let logits = network.forward(&picture).expect("logits").remove(0);
    assert_eq!(logits.len(), want.len());
    let worst = logits.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    println!("worst logit {worst:.2e} of {:.2}, tolerance {tolerance:.2e}", number("absmax"));
    assert!(worst <= tolerance, "{worst} > {tolerance}");
}
