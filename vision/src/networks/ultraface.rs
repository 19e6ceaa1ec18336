//! Ultra-light face detector RFB-320: MobileNet with a receptive-field block and single-shot heads.

use super::builder::{Builder, Layer, Names};
use super::graph::Node;
use crate::Result;
use eir_core::nn::Activation::{Identity, Relu};

const EPSILON: f64 = 1e-5;

/// Convolution without bias, batch norm and perhaps ReLU: `{name}.{i}` and `{name}.{i + 1}`.
fn numbered(b: &mut Builder, x: Node, layer: &Layer, name: &str, i: usize) -> Result<Node> {
    b.conv_norm(x, layer, &Names::weight(&format!("{name}.{i}")), &format!("{name}.{}", i + 1), EPSILON)
}

/// Depth-wise and point-wise, each with batch norm and ReLU.
fn separable(b: &mut Builder, x: Node, out: usize, stride: usize, stage: usize) -> Result<Node> {
    let name = format!("base_net.{stage}");
    let x = numbered(b, x, &Layer::depthwise(3).stride(stride).relu(), &name, 0)?;
    numbered(b, x, &Layer::new(out, 1).relu(), &name, 3)
}

/// Three branches that see near, farther and farthest, beside a shortcut.
fn receptive_fields(b: &mut Builder, x: Node) -> Result<Node> {
    let unit = |b: &mut Builder, x: Node, layer: Layer, name: &str| {
        let name = format!("base_net.7.{name}");
        b.conv_norm(x, &layer, &Names::weight(&format!("{name}.conv")), &format!("{name}.bn"), EPSILON)
    };
    let mut branches = Vec::new();
    for (branch, middle, dilation) in [(0, &[16][..], 2), (1, &[16][..], 3), (2, &[12, 16][..], 5)] {
        let mut y = unit(b, x, Layer::new(8, 1), &format!("branch{branch}.0"))?;
        for (i, channels) in middle.iter().enumerate() {
            y = unit(b, y, Layer::new(*channels, 3).relu(), &format!("branch{branch}.{}", i + 1))?;
        }
        let last = Layer::new(16, 3).dilation(dilation);
        branches.push(unit(b, y, last, &format!("branch{branch}.{}", middle.len() + 1))?);
    }
    let y = b.concatenate(&branches)?;
    let y = unit(b, y, Layer::new(64, 1), "ConvLinear")?;
    let x = unit(b, x, Layer::new(64, 1), "shortcut")?;
    b.add(y, x, Relu)
}

/// Boxes [1, 4420, 4] relative to their priors, and logits [1, 4420, 2] (nothing, face).
pub(super) fn rfb_320(b: &mut Builder) -> Result<Vec<Node>> {
    let x = b.input([3, 240, 320]);
    let mut x = numbered(b, x, &Layer::new(16, 3).stride(2).relu(), "base_net.0", 0)?;
    for (stage, out, stride) in [(1, 32, 1), (2, 32, 2), (3, 32, 1), (4, 64, 2), (5, 64, 1), (6, 64, 1)] {
        x = separable(b, x, out, stride, stage)?;
    }
    let at_30 = receptive_fields(b, x)?;
    let at_15 = [(8, 2), (9, 1), (10, 1)].into_iter().try_fold(at_30, |x, (n, s)| separable(b, x, 128, s, n))?;
    let at_8 = [(11, 2), (12, 1)].into_iter().try_fold(at_15, |x, (n, s)| separable(b, x, 256, s, n))?;
    let x = b.conv(at_8, &Layer::new(64, 1).relu(), &Names::of("extras.0.0"))?;
    let x = b.conv(x, &Layer::depthwise(3).stride(2).relu(), &Names::of("extras.0.2.0"))?;
    let at_4 = b.conv(x, &Layer::new(256, 1).relu(), &Names::of("extras.0.2.2"))?;
    let mut outputs = Vec::new();
    for (head, values) in [("regression_headers", 4), ("classification_headers", 2)] {
        let mut rows = Vec::new();
        for (level, (x, priors)) in [(at_30, 3), (at_15, 2), (at_8, 2), (at_4, 3)].into_iter().enumerate() {
            let name = format!("{head}.{level}");
            let y = if level < 3 {
                let y = b.conv(x, &Layer::depthwise(3).relu(), &Names::of(&format!("{name}.0")))?;
                b.conv(y, &Layer::new(priors * values, 1).activation(Identity), &Names::of(&format!("{name}.2")))?
            } else {
                b.conv(x, &Layer::new(priors * values, 3), &Names::of(&name))?
            };
            rows.push(b.rows(y, values)?);
        }
        outputs.push(b.stack_rows(&rows)?);
    }
    Ok(outputs)
}
