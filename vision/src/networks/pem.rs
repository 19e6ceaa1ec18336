//! Heat-map networks of mobile pose estimation: a convolutional pose machine and an hourglass of MobileNetV2 blocks.
//!
//! Their training clipped every activation at 6; the published files dropped the clip where it never acted, layer by
//! layer. Which kept it is written as a text of one letter per layer: `6` for clipped, `r` for not.

use super::builder::{Builder, Layer, Names};
use super::graph::{Node, Upsample};
use crate::Result;
use eir_core::nn::Activation::{self, Relu, Relu6};

fn names(prefix: &str) -> Names {
    Names { weight: prefix.to_owned(), bias: Some(format!("{prefix}/bias")) }
}

/// Blocks in the order of the network, and which of their layers are clipped.
struct Blocks {
    clipped: std::str::Bytes<'static>,
}

impl Blocks {
    fn new(clipped: &'static str) -> Self {
        Self { clipped: clipped.bytes() }
    }

    fn activation(&mut self) -> Activation {
        if self.clipped.next() == Some(b'6') { Relu6 } else { Relu }
    }

    /// Expand, depth-wise, project, all with activation; added to the input where the channels agree and `stride` is 1.
    fn block(&mut self, b: &mut Builder, x: Node, layer: &Block<'_>) -> Result<Node> {
        let Block { scope, name, middle, out, kernel, stride } = layer;
        let prefix = format!("{scope}inverted_bottleneck_{name}/{name}");
        let expand = Layer::new(*middle, 1).activation(self.activation());
        let y = b.conv(x, &expand, &names(&format!("{prefix}_up_pointwise/weights")))?;
        let depthwise = Layer::depthwise(*kernel).stride(*stride).relu();
        let depthwise = if *stride == 2 { depthwise.padding(0, 1) } else { depthwise };
        let y = b.conv(y, &depthwise, &names(&format!("{prefix}_depthwise/depthwise_weights")))?;
        let project = Layer::new(*out, 1).activation(self.activation());
        let y = b.conv(y, &project, &names(&format!("{prefix}_pointwise/weights")))?;
        if b.shape(x) == b.shape(y) { b.sum(x, y) } else { Ok(y) }
    }
}

struct Block<'a> {
    scope: &'a str,
    name: &'a str,
    middle: usize,
    out: usize,
    kernel: usize,
    stride: usize,
}

fn stem(b: &mut Builder) -> Result<Node> {
    let x = b.input([3, 192, 192]);
    b.conv(x, &Layer::new(16, 3).stride(2).padding(0, 1).relu6(), &names("Conv2d_0/weights"))
}

/// 14 heat maps of 96 × 96.
pub(super) fn pose_machine(b: &mut Builder) -> Result<Vec<Node>> {
    let mut blocks = Blocks::new("6666666r6rrrr666rrrrrrr6rrrrrr6rrrrrrrrrrrrrrrrrr66r66r66r66666rrr666r6r6r6r6r6r");
    let mut x = stem(b)?;
    let mut parts = Vec::new();
    for (part, (out, repeats, widths)) in
        [(8, 2, [1, 1]), (12, 5, [4, 4]), (16, 5, [4, 4]), (32, 5, [4, 4]), (48, 5, [4, 4])].into_iter().enumerate()
    {
        for n in 1..=repeats {
            let middle = b.shape(x)[0] * widths[usize::from(n > 1)];
            let stride = if n == 1 && part > 0 { 2 } else { 1 };
            let name = format!("MobilenetV2_part_{part}_{n}");
            let scope = format!("MobilenetV2/MobilenetV2_part_{part}/");
            x = blocks.block(b, x, &Block { scope: &scope, name: &name, middle, out, kernel: 3, stride })?;
        }
        parts.push(x);
    }
    // all parts at 24 x 24
    let mut at_24 = Vec::new();
    for (part, x) in parts.into_iter().enumerate() {
        at_24.push(match part {
            0 => b.max_pool(x, 4, 4, [0, 0])?,
            1 => b.max_pool(x, 2, 2, [0, 0])?,
            2 => x,
            3 => b.upsample(x, Upsample::Asymmetric),
            _ => {
                let x = b.upsample(x, Upsample::Asymmetric);
                b.upsample(x, Upsample::Asymmetric)
            }
        });
    }
    let features = b.concatenate(&at_24)?;
    let mut maps: Option<Node> = None;
    for stage in 0..6 {
        let (kernel, wide) = if stage == 0 { (3, 256) } else { (7, 64) };
        let mut x = match maps {
            Some(maps) => b.concatenate(&[features, maps])?,
            None => features,
        };
        let scope = format!("Convolutional_Pose_Machine/stage_{stage}_mv2/");
        for n in 1..=3 {
            let middle = b.shape(x)[0] * if n == 1 { 2 } else { 3 };
            let name = format!("stage_{stage}_mv2_{n}");
            let block = Block { scope: &scope, name: &name, middle, out: 24, kernel, stride: 1 };
            x = blocks.block(b, x, &block)?;
            if (stage, n) == (1, 2) {
                x = b.activation(x, Relu6)?; // the one sum that is clipped
            }
        }
        for (n, out) in [wide, 14].into_iter().enumerate() {
            let prefix = format!("Convolutional_Pose_Machine/stage_{stage}_mv1/stage_{stage}_mv1_{}", n + 1);
            let depthwise = names(&format!("{prefix}_depthwise/depthwise_weights"));
            x = b.conv(x, &Layer::depthwise(1).relu(), &depthwise)?;
            x = b.conv(x, &Layer::new(out, 1).relu(), &names(&format!("{prefix}_pointwise/weights")))?;
        }
        maps = Some(x);
    }
    let maps = maps.unwrap_or(features);
    // the file doubles twice at once: from 24 x 24 to 96 x 96
    let maps = b.upsample(maps, Upsample::Asymmetric);
    Ok(vec![b.upsample(maps, Upsample::Asymmetric)])
}

/// 14 heat maps of 48 × 48.
pub(super) fn hourglass(b: &mut Builder) -> Result<Vec<Node>> {
    let mut blocks = Blocks::new(
        "666r6rrrrrrrrrrrrr6r6r6r6r6rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr6r6rrrr6rr666r66r6rrrrrrrrrrr",
    );
    let mut run = |b: &mut Builder, x: Node, scope: &str, name: &str, [middle, out, stride]: [usize; 3]| {
        blocks.block(b, x, &Block { scope, name, middle, out, kernel: 3, stride })
    };
    let mut x = stem(b)?;
    for n in 1..=2 {
        x = run(b, x, "Conv2d_1/", &format!("Conv2d_1_{n}"), [16, 16, 1])?;
    }
    for n in 1..=5 {
        let (middle, stride) = if n == 1 { (96, 2) } else { (144, 1) };
        x = run(b, x, "Conv2d_2/", &format!("Conv2d_2_{n}"), [middle, 24, stride])?;
    }
    let mut levels = vec![x];
    for level in (1..=4).rev() {
        x = b.max_pool(x, 2, 2, [0, 0])?;
        for n in 1..=5 {
            let name = format!("hourglass_front_{level}");
            x = run(b, x, &format!("{name}/"), &format!("{name}_{n}"), [144, 24, 1])?;
        }
        levels.push(x);
    }
    levels.pop();
    x = run(b, x, "", "hourglass_mid_0", [144, 24, 1])?;
    x = run(b, x, "", "hourglass_back_0", [144, 14, 1])?;
    for (jump, beside) in levels.into_iter().rev().enumerate() {
        if jump > 0 {
            x = run(b, x, "", &format!("hourglass_back_{jump}"), [84, 14, 1])?;
        }
        x = b.upsample(x, Upsample::Asymmetric);
        let mut y = beside;
        for n in 1..=5 {
            let name = format!("hourglass_branch_jump_{jump}");
            let out = if n == 5 { 14 } else { 24 };
            y = run(b, y, &format!("{name}/"), &format!("{name}_{n}"), [144, out, 1])?;
        }
        x = b.sum(x, y)?;
    }
    Ok(vec![x])
}
