//! A small network with every kind of layer of the published ones, to compare devices.

use super::Network;
use super::blocks::{Halving, inverted_residual, separable_halving, separable_residual};
use super::builder::{Builder, Layer};
use super::graph::{Graph, Upsample};
use crate::Result;
use burn::tensor::Device;
use eir_core::nn::Activation;
use eir_core::random::Generator;

/// Side of the input.
const SIDE: usize = 32;

/// A network of some 4 000 seeded weights with the kinds of layers of the published ones, and one fixed input: needs no
/// file.
///
/// **Use it** before trusting a device: graphics drivers and kernel tuning have been wrong before. **Not** for anything
/// else: its answers mean nothing.
///
/// # Examples
/// ```
/// use eir_vision::networks::SelfCheck;
/// use burn::tensor::Device;
///
/// let here = SelfCheck::seeded(1, &Device::flex())?.run()?;
/// let there = SelfCheck::seeded(1, &Device::flex())?.run()?; // another device in earnest
/// assert!(SelfCheck::worst_error(&here, &there) <= SelfCheck::TOLERANCE);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Its layers are those of the published networks, which equal their reference runtimes (`cargo xtask golden vision`).
#[derive(Debug)]
pub struct SelfCheck {
    network: Network,
    seed: u64,
}

impl SelfCheck {
    /// How far two devices may be apart, relative to the largest value: rounding in another order.
    pub const TOLERANCE: f32 = 1e-4;

    /// The network of a seed: same seed, same weights and input.
    ///
    /// # Errors
    /// None on any device that works.
    pub fn seeded(seed: u64, device: &Device) -> Result<Self> {
        Ok(Self { network: Network::new(Self::graph(seed)?, device)?, seed })
    }

    fn graph(seed: u64) -> Result<Graph> {
        let mut builder = Builder::seeded(seed);
        let b = &mut builder;
        let x = b.input([3, SIDE, SIDE]);
        let focus = b.space_to_depth(x)?;
        let x = b.next(x, &Layer::new(8, 3).stride(2).relu6())?;
        let focus = b.next(focus, &Layer::new(8, 1).silu())?;
        let x = b.sum(x, focus)?;
        let x = inverted_residual(b, x, [24, 8], 5, 1, Halving::Symmetric)?;
        let x = inverted_residual(b, x, [24, 16], 3, 2, Halving::AfterOnly)?;
        let x = separable_halving(b, x, 24, Activation::Relu6, Activation::Relu)?;
        let slopes = Activation::Prelu { slopes: (0..24).map(|i| i as f32 * 0.04).collect() };
        let x = separable_residual(b, x, Activation::HardSwish, slopes)?;
        let pooled = b.max_pool(x, 3, 1, [1, 1])?;
        let gate = b.global_average(x);
        let gate = b.next(gate, &Layer::new(24, 1).activation(Activation::HardSigmoid))?;
        let gated = b.multiply(pooled, gate)?;
        let x = b.concatenate(&[x, gated])?;
        let half = b.channels_of(x, 12, 24)?;
        let normed = b.layer_norm(half, (0..24).map(|i| 1.0 + i as f32 * 0.01).collect(), 1e-5)?;
        let x = b.upsample(normed, Upsample::HalfPixel);
        let x = b.upsample(x, Upsample::Asymmetric);
        let x = b.upsample(x, Upsample::Nearest);
        let x = b.average_pool(x, 2, 2)?;
        let x = b.depth_to_space(x)?;
        let x = b.next(x, &Layer::new(4, 3).dilation(2).activation(Activation::LeakyRelu { slope: 0.1 }))?;
        let x = b.pixel_shuffle(x)?;
        let [c, h, w] = b.shape(x);
        let columns = b.reshape(x, [h, c, w])?;
        let rows = b.permute(columns, [2, 1, 0])?;
        let product = b.matrix_product(columns, rows)?;
        let product = b.scale_norm(product, 1.5, 1e-5);
        let shares = b.softmax(product);
        builder.finish(&[product, shares])
    }

    /// The network's answer to its fixed input.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn run(&self) -> Result<Vec<f32>> {
        Ok(self.network.run(&Self::input(self.seed))?.concat())
    }

    fn input(seed: u64) -> Vec<f32> {
        let mut stream = Generator::new(seed, "vision self-check").stream(1);
        (0..3 * SIDE * SIDE).map(|_| stream.range(-1.0, 1.0) as f32).collect()
    }

    /// The largest difference of two answers, relative to the largest value of the first; infinite if they cannot be
    /// compared.
    #[must_use]
    pub fn worst_error(reference: &[f32], other: &[f32]) -> f32 {
        let largest = reference.iter().fold(f32::MIN_POSITIVE, |a, v| a.max(v.abs()));
        if reference.len() != other.len() || reference.iter().chain(other).any(|v| !v.is_finite()) {
            return f32::INFINITY;
        }
        reference.iter().zip(other).fold(0.0, |a: f32, (r, o)| a.max((r - o).abs())) / largest
    }
}

#[cfg(test)]
mod tests {
    use super::super::NetworkModule;
    use super::*;
    use burn::tensor::{Tensor, TensorData};

    #[test]
    fn same_seed_same_answer() {
        let run = |seed| SelfCheck::seeded(seed, &Device::flex()).unwrap().run().unwrap();
        let (a, b) = (run(1), run(1));
        assert_eq!(a, b);
        assert!(SelfCheck::worst_error(&a, &run(2)) > 0.01);
        assert!(a.iter().any(|v| v.abs() > 0.1), "a dead network proves nothing");
        assert_eq!(SelfCheck::worst_error(&a, &a[1..]), f32::INFINITY);
    }

    /// Every kind of layer, fused and as burn's operation.
    #[test]
    fn both_ways_of_running_agree() {
        for seed in 0..5 {
            let device = Device::flex();
            let fused = SelfCheck::seeded(seed, &device).unwrap().run().unwrap();
            let module = NetworkModule::new(SelfCheck::graph(seed).unwrap(), &device).unwrap();
            let input = TensorData::new(SelfCheck::input(seed), [1, 3, SIDE, SIDE]);
            let outputs = module.forward(Tensor::from_data(input, &device));
            let values = |t: Tensor<4>| t.into_data().try_into_vec::<f32>().unwrap();
            let burn: Vec<f32> = outputs.into_iter().flat_map(values).collect();
            let error = SelfCheck::worst_error(&burn, &fused);
            assert!(error <= SelfCheck::TOLERANCE, "{error}");
        }
    }
}
