//! A whole network of fused layers against reference values.

mod mobilenet_v2;

use eir_core::nn::{Activation, Conv, ConvConfig, Linear, NetworkScratch, Scratch};
use eir_core::testing::memory::{self, COUNTING, Counting};
use eir_core::testing::{golden, shared};

#[global_allocator]
static MEMORY: Counting = &COUNTING;

/// One test at a time: allocations are counted for the whole process.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// One layer for every way in which a convolution is done: they share their memory.
#[test]
fn forward_into_allocates_nothing() {
    let _alone = ALONE.lock().expect("the other test");
    // more threads are handed their work in queues of their own
    #[cfg(feature = "rayon")]
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    let mut scratch = Scratch::default();
    let mut layer = |name: &str, config: ConvConfig<3>, size: [usize; 3]| {
        let layer = Conv::new(config.clone(), &vec![0.1; config.weights()], None).expect(name);
        let input = vec![1.0; config.in_channels * size.iter().product::<usize>()];
        let mut output = layer.forward(&input, 1, size).expect(name);
        layer.forward_into(&input, 1, size, &mut output, &mut scratch).expect(name);
        memory::allocates_nothing(name, || layer.forward_into(&input, 1, size, &mut output, &mut scratch));
    };
    let plain = |channels: [usize; 2], kernel: [usize; 3]| {
        let half = kernel.map(|k| k / 2);
        ConvConfig::new(channels[0], channels[1], kernel).with_padding(half).with_activation(Activation::Silu)
    };
    layer("direct, with a stride", plain([16, 16], [1, 5, 5]).with_stride([1, 2, 2]), [1, 16, 16]);
    layer("point-wise", plain([16, 24], [1; 3]), [1, 8, 16]);
    layer("depth-wise", plain([16, 16], [1, 3, 3]).with_groups(16), [1, 16, 16]);
    layer("filtered rows", plain([16, 16], [1, 1, 5]).with_dilation([1, 1, 4]), [1, 1, 200]);
    layer("filtered squares", plain([16, 16], [1, 3, 3]), [1, 24, 24]);
    layer("filtered volume", plain([16, 16], [3, 3, 3]), [12, 12, 12]);

    let linear = Linear::new(64, 8, &[0.1; 512], None, Activation::Relu).expect("a layer");
    let (x, mut y) = ([1.0; 64], [0.0; 8]);
    memory::allocates_nothing("linear", || linear.forward_into(&x, &mut y));

    let network = mobilenet_v2::mobilenet_v2().expect("the network");
    let (picture, mut logits) = (vec![0.5; network.input_len()], vec![0.0; 1000]);
    let mut scratch = NetworkScratch::default();
    let mut forward = || network.forward_into(&picture, &mut [&mut logits], &mut scratch);
    forward().expect("logits");
    memory::allocates_nothing("MobileNetV2", forward);
}

#[test]
fn mobilenet_v2_gives_the_reference_logits() {
    let _alone = ALONE.lock().expect("the other test");
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
