//! A small network with every kind of layer of the pose networks, to compare devices.

use super::layers::{Conv, InvertedResidual, Separable, Source, depth_to_space, relu6, upsample};
use super::output;
use crate::Result;
use burn::module::Module;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::random::Generator;

/// Side of the input.
const SIDE: usize = 32;

/// A network of 3 500 seeded weights with every kind of layer of the pose networks, and one fixed input: needs no file.
///
/// **Use it** before trusting a device: graphics drivers and kernel tuning have been wrong before. **Not** for anything
/// else: its answers mean nothing.
///
/// # Examples
/// ```
/// use eir_vision::pose::SelfCheck;
/// use burn::tensor::Device;
///
/// let here = SelfCheck::seeded(1, &Device::flex())?.run()?;
/// let there = SelfCheck::seeded(1, &Device::flex())?.run()?;      // another device in earnest
/// assert!(SelfCheck::worst_error(&here, &there) <= SelfCheck::TOLERANCE);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Its layers are those of the pose networks, which equal onnxruntime 1.32.0 (`cargo xtask golden vision`).
#[derive(Module, Debug)]
pub struct SelfCheck {
    stem: Conv,
    blocks: Vec<InvertedResidual>,
    halve: Separable,
    block: Separable,
    head: Conv,
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
        let mut s = Source::seeded(seed, device);
        let stem = s.conv([3, 8], 3, 2)?;
        let blocks = vec![
            InvertedResidual::new(&mut s, [8, 24, 8], 5, 1, true)?,
            InvertedResidual::new(&mut s, [8, 24, 16], 3, 2, false)?,
        ];
        let halve = Separable::new(&mut s, 16, 16, 2)?.with_end_padding();
        let block = Separable::new(&mut s, 16, 16, 1)?;
        let head = s.conv([4, 5], 2, 1)?.with_padding(0);
        s.finish()?;
        Ok(Self { stem, blocks, halve, block, head, seed })
    }

    /// The network's answer to its fixed input.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub fn run(&self) -> Result<Vec<f32>> {
        let mut stream = Generator::new(self.seed, "vision self-check").stream(1);
        let planes: Vec<f32> = (0..3 * SIDE * SIDE).map(|_| stream.range(-1.0, 1.0) as f32).collect();
        let x = Tensor::from_data(TensorData::new(planes, [1, 3, SIDE, SIDE]), &self.stem.device());
        output(self.forward(x))
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

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.stem.active(x);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let largest = max_pool2d(x.clone(), MaxPoolOptions::new([2, 2]));
        let x = self.block.residual(relu6(largest + self.halve.half_active(x)));
        self.head.forward(depth_to_space(upsample(x)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_answer() {
        let run = |seed| SelfCheck::seeded(seed, &Device::flex()).unwrap().run().unwrap();
        let (a, b) = (run(1), run(1));
        assert_eq!(a, b);
        assert_eq!(a.len(), 5 * 15 * 15);
        assert!(SelfCheck::worst_error(&a, &run(2)) > 0.1);
        assert!(a.iter().any(|v| v.abs() > 0.1), "a dead network proves nothing");
        assert_eq!(SelfCheck::worst_error(&a, &a[1..]), f32::INFINITY);
    }
}
