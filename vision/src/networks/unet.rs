//! The basic U-Net of MONAI (after Falk et al. 2019, doi:10.1038/s41592-018-0261-2), in two dimensions.

use super::builder::{Builder, Layer, Names};
use super::graph::{ConvLayer, Node};
use crate::Result;
use eir_core::nn::{Activation, Conv2dConfig};

/// Two convolutions, each with instance norm and a leaky ReLU.
fn twice(b: &mut Builder, x: Node, out: usize, name: &str) -> Result<Node> {
    (0..2).try_fold(x, |x, n| {
        let name = format!("{name}.conv_{n}");
        let x = b.conv(x, &Layer::new(out, 3), &Names::of(&format!("{name}.conv")))?;
        let x = b.instance_norm(x, &format!("{name}.adn.N"), 1e-5)?;
        b.activation(x, Activation::LeakyRelu { slope: 0.1 })
    })
}

/// A transposed convolution of 2 × 2 with stride 2: each place makes a square of its own.
fn transposed(b: &mut Builder, x: Node, out: usize, name: &str) -> Result<Node> {
    let inputs = b.shape(x)[0];
    let weight = b.take(&format!("{name}.weight"), &[inputs, out, 2, 2])?;
    let bias = b.take(&format!("{name}.bias"), &[out])?;
    // (in, out × 4) becomes (out × 4, in)
    let rows = 4 * out;
    let turned = (0..rows).flat_map(|row| weight.iter().skip(row).step_by(rows).copied()).collect();
    let bias = bias.iter().flat_map(|v| [*v; 4]).collect();
    let config = Conv2dConfig::new(inputs, rows, [1, 1]);
    let x = b.push_conv(x, ConvLayer { config, weight: turned, bias })?;
    b.pixel_shuffle(x)
}

/// Logits of each class for every pixel of one plane of `size` (height, width: multiples of 16).
pub(super) fn basic(b: &mut Builder, size: [usize; 2], channels: usize, classes: usize) -> Result<Vec<Node>> {
    const FEATURES: [usize; 5] = [32, 32, 64, 128, 256];
    let x = b.input([channels, size[0], size[1]]);
    let mut x = twice(b, x, FEATURES[0], "conv_0")?;
    let mut levels = Vec::new();
    for (level, out) in FEATURES.into_iter().enumerate().skip(1) {
        levels.push(x);
        x = b.max_pool(x, 2, 2, [0, 0])?;
        x = twice(b, x, out, &format!("down_{level}.convs"))?;
    }
    for (level, beside) in levels.into_iter().enumerate().rev() {
        let name = format!("upcat_{}", level + 1);
        let [channels, ..] = b.shape(x);
        // each step up halves the channels, but for the last
        let up = if level > 0 { channels / 2 } else { channels };
        let y = transposed(b, x, up, &format!("{name}.upsample.deconv"))?;
        let both = b.concatenate(&[beside, y])?;
        let out = b.shape(beside)[0];
        x = twice(b, both, out, &format!("{name}.convs"))?;
    }
    Ok(vec![b.conv(x, &Layer::new(classes, 1), &Names::of("final_conv"))?])
}
