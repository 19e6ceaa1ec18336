//! MoveNet singlepose lightning: MobileNetV2 with a feature pyramid and four heads.

use super::blocks::{Halving, inverted_residual};
use super::builder::{Builder, Layer};
use super::graph::{Node, Upsample};
use crate::Result;
use eir_core::nn::Activation;

/// Heat maps (17), the person's centre (1), joints from the centre (34) and their offsets (34), each × 48 × 48.
///
/// The input is in −1 … 1; the published network takes 0 … 255 and scales it itself.
pub(super) fn lightning(b: &mut Builder) -> Result<Vec<Node>> {
    let x = b.input([3, 192, 192]);
    let x = b.next(x, &Layer::new(32, 3).stride(2).padding(0, 1).relu6())?;
    let x = b.next(x, &Layer::depthwise(3).relu6())?;
    let mut x = b.next(x, &Layer::new(16, 1))?;
    let mut branches = Vec::new();
    for (out, repeats, stride) in [(24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)] {
        for n in 0..repeats {
            let stride = if n == 0 { stride } else { 1 };
            let middle = 6 * b.shape(x)[0];
            x = inverted_residual(b, x, [middle, out], 3, stride, Halving::AfterOnly)?;
        }
        branches.push(x);
    }
    let x = b.next(x, &Layer::new(1280, 1).relu6())?;
    let mut x = b.next(x, &Layer::new(64, 1))?;
    // beside it, the last values of 12 x 12, 24 x 24 and 48 x 48 cells
    for (branch, out) in [branches.get(2), branches.get(1), branches.first()].into_iter().flatten().zip([32, 24, 24]) {
        x = b.upsample(x, Upsample::HalfPixel);
        let channels = b.shape(x)[0];
        let side = b.next(*branch, &Layer::new(channels, 1))?;
        x = b.sum(x, side)?;
        x = b.next(x, &Layer::depthwise(3).without_bias())?;
        x = b.next(x, &Layer::new(out, 1).relu())?;
    }
    let mut head = |values: usize| -> Result<Node> {
        let y = b.next(x, &Layer::depthwise(3).without_bias())?;
        let y = b.next(y, &Layer::new(96, 1).relu())?;
        b.next(y, &Layer::new(values, 1))
    };
    let [heat, centre, joints, offsets] = [head(17)?, head(1)?, head(34)?, head(34)?];
    let sigmoid = Activation::Sigmoid;
    Ok(vec![b.activation(heat, sigmoid.clone())?, b.activation(centre, sigmoid)?, joints, offsets])
}
