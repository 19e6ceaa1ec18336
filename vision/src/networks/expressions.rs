//! Small networks on one face: three for the expression, one for 68 landmarks.

use super::builder::{Builder, Layer, Names};
use super::graph::Node;
use crate::Result;
use eir_core::nn::Activation;

/// Batch norms of Keras.
const KERAS_EPSILON: f64 = 1e-3;

/// The network `emotion`: probabilities of angry, disgust, fear, happy, sad, surprise, neutral.
pub(super) fn emotion(b: &mut Builder) -> Result<Vec<Node>> {
    fn tensor(kind: &str, n: usize, what: &str) -> Names {
        let prefix = format!("StatefulPartitionedCall/model_1/{kind}_{n}/{what}");
        Names { weight: format!("{prefix}_weights"), bias: Some(format!("{prefix}_bn_offset")) }
    }
    let conv = |n| tensor("conv2d", n, "Conv2D");
    let x = b.input([1, 64, 64]);
    let x = b.conv(x, &Layer::new(32, 3).stride(2).padding(0, 0).relu(), &conv(1))?;
    let mut x = b.conv(x, &Layer::new(64, 3).padding(0, 0).relu(), &conv(2))?;
    let mut y = x;
    for (stage, out, constants) in [(0, 128, [9, 15]), (1, 256, [26, 32])] {
        for (i, constant) in constants.into_iter().enumerate() {
            let depthwise = Names { weight: format!("unknown_{constant}"), bias: None };
            y = b.conv(y, &Layer::depthwise(3), &depthwise)?;
            let layer = Layer::new(out, 1);
            let names = tensor("separable_conv2d", 2 * stage + i + 1, "separable_conv2d");
            y = b.conv(y, &if i == 0 { layer.relu() } else { layer }, &names)?;
        }
        let largest = b.max_pool(y, 3, 2, [1, 1])?;
        let beside = b.conv(x, &Layer::new(out, 1).stride(2), &conv(stage + 3))?;
        x = b.sum(largest, beside)?;
        y = b.activation(x, Activation::Relu)?;
    }
    let names = Names { weight: "unknown_43".to_owned(), bias: Some("unknown_44".to_owned()) };
    probabilities(b, x, &names)
}

/// Class maps, their means and the shares of their exponentials.
fn probabilities(b: &mut Builder, x: Node, names: &Names) -> Result<Vec<Node>> {
    let x = b.conv(x, &Layer::new(7, 3), names)?;
    let x = b.global_average(x);
    Ok(vec![b.softmax(x)])
}

/// mini-Xception: the same classes in the same order.
pub(super) fn mini_xception(b: &mut Builder) -> Result<Vec<Node>> {
    let norm = |n: usize| format!("batch_normalization_{n}");
    let x = b.input([1, 64, 64]);
    let mut x = x;
    for n in [1, 2] {
        let layer = Layer::new(8, 3).padding(0, 0).relu();
        x = b.conv_norm(x, &layer, &Names::weight(&format!("conv2d_{n}")), &norm(n), KERAS_EPSILON)?;
    }
    for (stage, out) in [16, 32, 64, 128].into_iter().enumerate() {
        // norms in the order of the file: beside, first, second
        let first_norm = 3 + 3 * stage;
        let side = b.shape(x)[1];
        let mut y = x;
        for i in 0..2 {
            let name = format!("separable_conv2d_{}", 2 * stage + i + 1);
            let depthwise = Names { weight: format!("{name}.depthwise"), bias: None };
            y = b.conv(y, &Layer::depthwise(3), &depthwise)?;
            let pointwise = Names { weight: format!("{name}.pointwise"), bias: None };
            let layer = Layer::new(out, 1);
            let layer = if i == 0 { layer.relu() } else { layer };
            y = b.conv_norm(y, &layer, &pointwise, &norm(first_norm + 1 + i), KERAS_EPSILON)?;
        }
        // "same" padding: one before and after on an odd side, one after on an even one
        let largest = b.max_pool(y, 3, 2, if side % 2 == 1 { [1, 1] } else { [0, 1] })?;
        let names = Names::weight(&format!("conv2d_{}", stage + 3));
        let beside = b.conv_norm(x, &Layer::new(out, 1).stride(2), &names, &norm(first_norm), KERAS_EPSILON)?;
        x = b.sum(largest, beside)?;
    }
    probabilities(b, x, &Names::of("conv2d_7"))
}

/// The trunk of the face-api networks: blocks in which each convolution sees the sum of all before it.
fn faceapi(b: &mut Builder, values: usize) -> Result<Node> {
    let mut x = b.input([3, 112, 112]);
    for (block, channels) in [32, 64, 128, 256].into_iter().enumerate() {
        let mut sum = None;
        for i in 0..4 {
            let name = format!("dense{block}/conv{i}");
            let bias = Some(format!("{name}/bias"));
            // "same" padding of TensorFlow: a halving of an even size pads after only
            let stride = if i == 0 { 2 } else { 1 };
            let (before, after) = if i == 0 { (0, 1) } else { (1, 1) };
            let y = if block == 0 && i == 0 {
                let names = Names { weight: format!("{name}/filters"), bias };
                b.conv(x, &Layer::new(channels, 3).stride(stride).padding(before, after), &names)?
            } else {
                let names = Names { weight: format!("{name}/depthwise_filter"), bias: None };
                let y = b.conv(x, &Layer::depthwise(3).stride(stride).padding(before, after), &names)?;
                let names = Names { weight: format!("{name}/pointwise_filter"), bias };
                b.conv(y, &Layer::new(channels, 1), &names)?
            };
            // the first is rectified at once, the others only in their sum
            let total = match sum {
                None => b.activation(y, Activation::Relu)?,
                Some(before) => b.sum(before, y)?,
            };
            sum = Some(total);
            x = b.activation(total, Activation::Relu)?;
        }
    }
    let x = b.global_average(x);
    b.linear(x, values, &Names { weight: "fc/weights".to_owned(), bias: Some("fc/bias".to_owned()) })
}

/// face-api's expression network: logits of neutral, happy, sad, angry, fearful, disgusted, surprised.
pub(super) fn faceapi_expression(b: &mut Builder) -> Result<Vec<Node>> {
    Ok(vec![faceapi(b, 7)?])
}

/// face-api's 68 landmarks, x and y as fractions of the input.
pub(super) fn faceapi_landmarks(b: &mut Builder) -> Result<Vec<Node>> {
    Ok(vec![faceapi(b, 136)?])
}
