//! MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) with the formula weights of the reference.

use eir_core::nn::{Activation, Conv2dConfig, Error, Network, NetworkBuilder, Node, fold_batch_norm};

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

fn tensor(name: &str, n: usize, fan_in: usize, gain: f64) -> Vec<f32> {
    let scale = (3.0 / fan_in as f64).sqrt() * gain;
    unit(name, n).map(|u| (u * scale) as f32).collect()
}

/// A convolution without bias and its batch norm, folded.
fn conv(builder: &mut NetworkBuilder, x: Node, config: &Conv2dConfig, conv: &str, norm: &str) -> Result<Node, Error> {
    let channels = config.out_channels;
    let mut weight = tensor(&format!("{conv}.weight"), config.weights(), config.weights() / channels, 1.6);
    let vector = |name: &str, base: f64, scale: f64| -> Vec<f32> {
        unit(&format!("{norm}.{name}"), channels).map(|u| (base + scale * u) as f32).collect()
    };
    let mut bias = vec![0.0; channels];
    let (gamma, beta) = (vector("weight", 1.0, 0.1), vector("bias", 0.0, 0.05));
    let (mean, var) = (vector("running_mean", 0.0, 0.05), vector("running_var", 1.0, 0.1));
    fold_batch_norm(&mut weight, &mut bias, &gamma, &beta, &mean, &var, 1e-5)?;
    builder.conv(x, config, &weight, Some(&bias))
}

/// The network for one picture of 3 × 224 × 224.
pub(crate) fn mobilenet_v2() -> Result<Network, Error> {
    let (mut b, x) = NetworkBuilder::new(3, &[224, 224])?;
    let three = |from: usize, to: usize, stride: usize| {
        let config = Conv2dConfig::new(from, to, [3, 3]).with_stride([stride; 2]).with_padding([1, 1]);
        config.with_activation(Activation::Relu6)
    };
    let mut x = conv(&mut b, x, &three(3, 32, 2), "features.0.0", "features.0.1")?;
    let (mut channels, mut block) = (32, 1);
    let stages =
        [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
    for (expansion, out, repeats, stride) in stages {
        for stride in std::iter::once(stride).chain(std::iter::repeat_n(1, repeats - 1)) {
            let (name, wide) = (format!("features.{block}.conv"), channels * expansion);
            let (mut y, mut layer) = (x, 0);
            if expansion > 1 {
                let expand = Conv2dConfig::new(channels, wide, [1, 1]).with_activation(Activation::Relu6);
                y = conv(&mut b, y, &expand, &format!("{name}.0.0"), &format!("{name}.0.1"))?;
                layer = 1;
            }
            let depthwise = three(wide, wide, stride).with_groups(wide);
            y = conv(&mut b, y, &depthwise, &format!("{name}.{layer}.0"), &format!("{name}.{layer}.1"))?;
            let (project, norm) = (format!("{name}.{}", layer + 1), format!("{name}.{}", layer + 2));
            y = conv(&mut b, y, &Conv2dConfig::new(wide, out, [1, 1]), &project, &norm)?;
            x = if stride == 1 && channels == out { b.add(x, y, Activation::Identity)? } else { y };
            (channels, block) = (out, block + 1);
        }
    }
    let last = Conv2dConfig::new(channels, 1280, [1, 1]).with_activation(Activation::Relu6);
    let x = conv(&mut b, x, &last, "features.18.0", "features.18.1")?;
    let x = b.global_average_pool(x)?;
    let bias: Vec<f32> = unit("classifier.1.bias", 1000).map(|u| (0.05 * u) as f32).collect();
    let weight = tensor("classifier.1.weight", 1280 * 1000, 1280, 1.0);
    let logits = b.linear(x, 1000, &weight, Some(&bias), Activation::Identity)?;
    b.build(&[logits])
}
