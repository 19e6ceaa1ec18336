//! Classifiers of whole pictures, by the names of their state dicts in PyTorch.

use super::builder::{Builder, Layer, Names};
use super::graph::Node;
use crate::Result;
use eir_core::nn::Activation;

const EPSILON: f64 = 1e-5;
/// Batch norms of the networks that were born in TensorFlow.
const TENSORFLOW_EPSILON: f64 = 1e-3;

fn conv(b: &mut Builder, x: Node, layer: &Layer, conv: &str, norm: &str) -> Result<Node> {
    b.conv_norm(x, layer, &Names::weight(conv), norm, EPSILON)
}

/// MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) as torchvision has it: logits, and the last feature map.
pub(super) fn mobilenet_v2(b: &mut Builder, classes: usize) -> Result<Vec<Node>> {
    let x = b.input([3, 224, 224]);
    let mut x = conv(b, x, &Layer::new(32, 3).stride(2).relu6(), "features.0.0", "features.0.1")?;
    let mut block = 1;
    for (expansion, out, repeats, stride) in
        [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    {
        for n in 0..repeats {
            let name = format!("features.{block}.conv");
            let (mut y, mut at) = (x, 0);
            if expansion > 1 {
                let layer = Layer::new(b.shape(x)[0] * expansion, 1).relu6();
                y = conv(b, y, &layer, &format!("{name}.0.0"), &format!("{name}.0.1"))?;
                at = 1;
            }
            let layer = Layer::depthwise(3).stride(if n == 0 { stride } else { 1 }).relu6();
            y = conv(b, y, &layer, &format!("{name}.{at}.0"), &format!("{name}.{at}.1"))?;
            y = conv(b, y, &Layer::new(out, 1), &format!("{name}.{}", at + 1), &format!("{name}.{}", at + 2))?;
            x = if b.shape(x) == b.shape(y) { b.sum(x, y)? } else { y };
            block += 1;
        }
    }
    let features = conv(b, x, &Layer::new(1280, 1).relu6(), "features.18.0", "features.18.1")?;
    let x = b.global_average(features);
    Ok(vec![b.linear(x, classes, &Names::of("classifier.1"))?, features])
}

/// EfficientNet-B0 (Tan, Le 2019, arXiv:1905.11946) as timm's `tf_efficientnet_b0`: logits, and the last feature map.
pub(super) fn efficientnet_b0(b: &mut Builder, classes: usize) -> Result<Vec<Node>> {
    let unit = |b: &mut Builder, x: Node, layer: &Layer, conv: &str, norm: &str| {
        b.conv_norm(x, layer, &Names::weight(conv), norm, TENSORFLOW_EPSILON)
    };
    // "same" padding of TensorFlow: a halving of an even size pads one more after than before
    let same = |layer: Layer, kernel: usize, stride: usize| {
        let layer = layer.stride(stride);
        if stride == 2 { layer.padding(kernel / 2 - 1, kernel / 2) } else { layer }
    };
    let x = b.input([3, 224, 224]);
    let mut x = unit(b, x, &same(Layer::new(32, 3), 3, 2).silu(), "conv_stem", "bn1")?;
    let stages = [
        (3, 1, 1, 16, 1),
        (3, 2, 6, 24, 2),
        (5, 2, 6, 40, 2),
        (3, 2, 6, 80, 3),
        (5, 1, 6, 112, 3),
        (5, 2, 6, 192, 4),
        (3, 1, 6, 320, 1),
    ];
    for (stage, (kernel, stride, expansion, out, repeats)) in stages.into_iter().enumerate() {
        for n in 0..repeats {
            let name = format!("blocks.{stage}.{n}");
            let (from, mut norm, mut y) = (b.shape(x)[0], 1, x);
            let mut next_norm = || {
                norm += 1;
                format!("{name}.bn{}", norm - 1)
            };
            if expansion > 1 {
                let layer = Layer::new(from * expansion, 1).silu();
                y = unit(b, y, &layer, &format!("{name}.conv_pw"), &next_norm())?;
            }
            let layer = same(Layer::depthwise(kernel), kernel, if n == 0 { stride } else { 1 }).silu();
            y = unit(b, y, &layer, &format!("{name}.conv_dw"), &next_norm())?;
            let wide = b.shape(y)[0];
            let gate = b.global_average(y);
            let reduce = Layer::new(from / 4, 1).silu();
            let gate = b.conv(gate, &reduce, &Names::of(&format!("{name}.se.conv_reduce")))?;
            let expand = Layer::new(wide, 1).activation(Activation::Sigmoid);
            let gate = b.conv(gate, &expand, &Names::of(&format!("{name}.se.conv_expand")))?;
            y = b.multiply(y, gate)?;
            let last = if expansion > 1 { "conv_pwl" } else { "conv_pw" };
            y = unit(b, y, &Layer::new(out, 1), &format!("{name}.{last}"), &next_norm())?;
            x = if b.shape(x) == b.shape(y) { b.sum(x, y)? } else { y };
        }
    }
    let features = unit(b, x, &Layer::new(1280, 1).silu(), "conv_head", "bn2")?;
    let x = b.global_average(features);
    Ok(vec![b.linear(x, classes, &Names::of("classifier"))?, features])
}

/// ResNet-18 (He et al. 2016, doi:10.1109/CVPR.2016.90) as torchvision has it: logits, and the last feature map.
pub(super) fn resnet_18(b: &mut Builder, classes: usize) -> Result<Vec<Node>> {
    let x = b.input([3, 224, 224]);
    let x = conv(b, x, &Layer::new(64, 7).stride(2).relu(), "conv1", "bn1")?;
    let mut x = b.max_pool(x, 3, 2, [1, 1])?;
    for (stage, out) in [64, 128, 256, 512].into_iter().enumerate() {
        for block in 0..2 {
            let name = format!("layer{}.{block}", stage + 1);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let layer = Layer::new(out, 3).stride(stride).relu();
            let y = conv(b, x, &layer, &format!("{name}.conv1"), &format!("{name}.bn1"))?;
            let y = conv(b, y, &Layer::new(out, 3), &format!("{name}.conv2"), &format!("{name}.bn2"))?;
            let beside = if stride == 2 {
                let layer = Layer::new(out, 1).stride(2);
                conv(b, x, &layer, &format!("{name}.downsample.0"), &format!("{name}.downsample.1"))?
            } else {
                x
            };
            x = b.add(y, beside, Activation::Relu)?;
        }
    }
    let mean = b.global_average(x);
    Ok(vec![b.linear(mean, classes, &Names::of("fc"))?, x])
}

/// DenseNet-121 (Huang et al. 2017, arXiv:1608.06993) as torchvision has it, on `channels` planes: logits, and the last
/// feature map.
pub(super) fn densenet_121(b: &mut Builder, channels: usize, classes: usize) -> Result<Vec<Node>> {
    let x = b.input([channels, 224, 224]);
    let x = conv(b, x, &Layer::new(64, 7).stride(2).relu(), "features.conv0", "features.norm0")?;
    let mut x = b.max_pool(x, 3, 2, [1, 1])?;
    for (block, layers) in [6, 12, 24, 16].into_iter().enumerate() {
        for layer in 1..=layers {
            let name = format!("features.denseblock{}.denselayer{layer}", block + 1);
            let y = b.batch_norm(x, &format!("{name}.norm1"), EPSILON, Activation::Relu)?;
            let y = conv(b, y, &Layer::new(128, 1).relu(), &format!("{name}.conv1"), &format!("{name}.norm2"))?;
            let y = b.conv(y, &Layer::new(32, 3), &Names::weight(&format!("{name}.conv2")))?;
            x = b.concatenate(&[x, y])?;
        }
        if block < 3 {
            let name = format!("features.transition{}", block + 1);
            let y = b.batch_norm(x, &format!("{name}.norm"), EPSILON, Activation::Relu)?;
            let half = b.shape(y)[0] / 2;
            let y = b.conv(y, &Layer::new(half, 1), &Names::weight(&format!("{name}.conv")))?;
            x = b.average_pool(y, 2, 2)?;
        }
    }
    let features = b.batch_norm(x, "features.norm5", EPSILON, Activation::Relu)?;
    let mean = b.global_average(features);
    Ok(vec![b.linear(mean, classes, &Names::of("classifier"))?, features])
}
