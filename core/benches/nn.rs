//! `cargo xtask bench core --peers`: fused layers against PyTorch, burn and ONNX Runtime, one thread each.

#[path = "../tests/nn/mobilenet_v2.rs"]
mod mobilenet_v2;

use burn::nn::conv::{Conv1dConfig, Conv2dConfig, Conv3dConfig};
use burn::nn::{PaddingConfig1d, PaddingConfig2d, PaddingConfig3d};
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::nn::{Activation, AlignedBuffer, Conv, Error, Instructions, NetworkScratch, Scratch};
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;

/// What a row says, and its goals against PyTorch and burn.
struct Row<'a> {
    name: &'a str,
    input: &'a str,
    torch: &'a str,
    goals: [f64; 2],
}

fn main() -> Result<std::process::ExitCode, Error> {
    // burn takes its number of threads from here
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    let mut bench = Bench::from_args("core-nn", env!("CARGO_MANIFEST_DIR")).with_rounds(100, 0.002);
    println!("instructions: {:?}", Instructions::available());
    let device = Device::flex();

    // bound by arithmetic: 98 million multiply-adds on 2.5 MB
    let layer =
        Conv1dConfig::new(64, 64, 5).with_dilation(16).with_padding(PaddingConfig1d::Explicit(32, 32)).init(&device);
    let row = Row { name: "1-D, dilated", input: "64 to 64, k 5, dilation 16, 4800", torch: "conv1d", goals: [2.0; 2] };
    let fused = Conv::<1>::from_burn(&layer, None, Activation::Identity)?;
    measure(&mut bench, &row, &fused, [1, 64, 4800], |x| layer.forward(x))?;

    // bound by memory: 10 MB for 11 million multiply-adds
    let config =
        Conv2dConfig::new([96, 96], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).with_groups(96);
    let layer = config.init(&device);
    let row = Row { name: "depth-wise 3 x 3", input: "96, 112 x 112", torch: "depthwise", goals: [1.0; 2] };
    let fused = Conv::<2>::from_burn(&layer, None, Activation::Identity)?;
    measure(&mut bench, &row, &fused, [1, 96, 112, 112], |x| layer.forward(x))?;
    let row = Row { name: "depth-wise, theirs channels last", torch: "depthwise_channels_last", ..row };
    against_torch(&mut bench, &row, &fused, [1, 96, 112, 112], Instructions::best())?;

    // bound by arithmetic and memory alike: 29 million multiply-adds on 6 MB
    let layer = Conv2dConfig::new([96, 24], [1, 1]).init(&device);
    let row = Row { name: "point-wise", input: "96 to 24, 112 x 112", torch: "pointwise", goals: [1.0; 2] };
    let fused = Conv::<2>::from_burn(&layer, None, Activation::Identity)?;
    measure(&mut bench, &row, &fused, [1, 96, 112, 112], |x| layer.forward(x))?;

    // bound by arithmetic: 116 million multiply-adds on 1.7 MB
    let config = Conv2dConfig::new([64, 64], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
    let layer = config.init(&device);
    let row = Row { name: "2-D 3 x 3", input: "64 to 64, 56 x 56", torch: "conv2d", goals: [1.0; 2] };
    let fused = Conv::<2>::from_burn(&layer, None, Activation::Identity)?;
    measure(&mut bench, &row, &fused, [1, 64, 56, 56], |x| layer.forward(x))?;

    // bound by arithmetic: 1.8 thousand million multiply-adds on 34 MB
    let config = Conv3dConfig::new([16, 16], [3, 3, 3]).with_padding(PaddingConfig3d::Explicit(1, 1, 1));
    let layer = config.init(&device);
    let row = Row { name: "3-D 3 x 3 x 3", input: "16 to 16, 64 x 64 x 64", torch: "conv3d", goals: [2.5; 2] };
    let fused = Conv::<3>::from_burn(&layer, None, Activation::Identity)?;
    measure(&mut bench, &row, &fused, [1, 16, 64, 64, 64], |x| layer.forward(x))?;

    // bound by arithmetic: 0.3 thousand million multiply-adds on 14 MB of weights
    let network = mobilenet_v2::mobilenet_v2()?;
    let picture: Vec<f32> = mobilenet_v2::unit("input", network.input_len()).map(|u| u as f32).collect();
    let (mut logits, mut scratch) = (vec![0.0; 1000], NetworkScratch::default());
    bench
        .row("MobileNetV2", "1 x 3 x 224 x 224", 1.0 / 1.5)
        .peer("onnxruntime 1.32.0", "mobilenet_v2")
        .run(|| network.forward_into(&picture, &mut [&mut logits], &mut scratch));
    Ok(bench.finish())
}

/// Rows against PyTorch, against burn, and without AVX-512 where the processor has it.
fn measure<const D: usize, const R: usize>(
    bench: &mut Bench,
    row: &Row<'_>,
    layer: &Conv<D>,
    shape: [usize; R],
    burn: impl Fn(Tensor<R>) -> Tensor<R>,
) -> Result<(), Error> {
    against_torch(bench, row, layer, shape, Instructions::best())?;
    let device = Device::flex();
    let values = random(shape.iter().product());
    let tensor = Tensor::<R>::from_data(TensorData::new(values.clone(), shape), &device);
    let size: [usize; D] = std::array::from_fn(|a| shape[a + 2]);
    let (input, mut output) = (aligned(&values), aligned(&layer.forward(&values, 1, size)?));
    let mut scratch = Scratch::default();
    bench.row(row.name, row.input, row.goals[1]).run_against(
        "burn 0.22.1 (flex)",
        || layer.forward_into(input.values(), 1, size, output.values_mut(), &mut scratch),
        || burn(tensor.clone()),
    );
    if let Some(other) = Instructions::available().get(1) {
        let name = format!("{}, {other:?}", row.name);
        against_torch(bench, &Row { name: &name, goals: [0.0; 2], ..*row }, layer, shape, *other)?;
    }
    Ok(())
}

fn against_torch<const D: usize, const R: usize>(
    bench: &mut Bench,
    row: &Row<'_>,
    layer: &Conv<D>,
    shape: [usize; R],
    instructions: Instructions,
) -> Result<(), Error> {
    let config = layer.config().clone();
    let layer = Conv::with_instructions(config.clone(), &random(config.weights()), None, instructions)?;
    let values = random(shape.iter().product());
    let size: [usize; D] = std::array::from_fn(|a| shape[a + 2]);
    let (input, mut output) = (aligned(&values), aligned(&layer.forward(&values, 1, size)?));
    let mut scratch = Scratch::default();
    bench
        .row(row.name, row.input, row.goals[0])
        .peer("PyTorch 2.15.0", row.torch)
        .run(|| layer.forward_into(input.values(), 1, size, output.values_mut(), &mut scratch));
    Ok(())
}

/// The values from the start of a cache line on, as PyTorch's lie.
fn aligned(values: &[f32]) -> AlignedBuffer {
    let mut buffer = AlignedBuffer::default();
    buffer.grow(values.len());
    buffer.values_mut().copy_from_slice(values);
    buffer
}

fn random(n: usize) -> Vec<f32> {
    let mut stream = Generator::new(1, "bench").stream(0);
    (0..n).map(|_| stream.normal() as f32).collect()
}
