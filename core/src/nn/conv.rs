//! Convolution, bias and activation in one pass, channels first.

use super::depthwise::Planes;
use super::geometry::Geometry;
use super::kernel::{self, Job};
use super::winograd::{Filtering, Filters, Strips, Upright, UprightFilters, UprightJob};
use super::{AlignedBuffer, ConvConfig, Error, Instructions};
use crate::error::{Mismatch, NotFinite};

/// A fused convolution over sequences: input and output are items × channels × length.
pub type Conv1d = Conv<1>;
/// A fused convolution over images: input and output are items × channels × height × width.
pub type Conv2d = Conv<2>;
/// A fused convolution over volumes: input and output are items × channels × depth × height × width.
pub type Conv3d = Conv<3>;

/// A convolution with bias and activation, its weights packed for the processor.
///
/// Use it for inference on the processor where a network is made of a few known layers and time counts. Not for training,
/// nor on a graphics card: there burn's own layers are the way.
///
/// # Formula
/// `y[o, p] = a(bias[o] + Σ_{i,k} weight[o, i, k] x[i, p·stride + k·dilation − padding])`, zero outside of `x`, over the
/// input channels `i` of the group of `o` and the places `k` of the kernel along each axis (cross-correlation, as in all
/// frameworks).
///
/// # Examples
/// ```
/// use eir_core::nn::{Activation, Conv1d, Conv1dConfig};
/// // causal, dilated: y[t] = relu(x[t] - x[t - 2])
/// let config = Conv1dConfig::new(1, 1, [2])
///     .with_dilation([2])
///     .with_padding_before_after([[2, 0]])
///     .with_activation(Activation::Relu);
/// let layer = Conv1d::new(config, &[-1.0, 1.0], None)?;
/// assert_eq!(layer.forward(&[1.0, 2.0, 4.0, 3.0], 1, [4])?, [1.0, 2.0, 3.0, 1.0]);
/// # Ok::<(), eir_core::nn::Error>(())
/// ```
///
/// A NaN or an infinite value in the input makes the outputs around it NaN or infinite.
///
/// # Validation
/// Over random shapes, kernels, strides, paddings, dilations and groups within 1e-6 of the largest value: of the formula
/// in `f64` with AVX-512, AVX2 and without either, and of burn 0.22.1 (flex).
///
/// # References
/// 1. Georganas et al. 2018, doi:10.1109/SC.2018.00069 (direct convolution in registers).
/// 2. Lavin, Gray 2016, doi:10.1109/CVPR.2016.435 (minimal filtering: used where the kernel is three or five wide
///    or three high, without stride, and by its count of operations pays).
#[derive(Debug, Clone)]
pub struct Conv<const D: usize> {
    config: ConvConfig<D>,
    volume: ConvConfig<3>,
    instructions: Instructions,
    /// Output channels of a block.
    block: usize,
    /// By group, block of output channels, input channel, place in the kernel, and channel of the block.
    weights: Vec<f32>,
    /// By group; zero for the channels that fill up the last block.
    bias: Vec<f32>,
    /// For minimal filtering, where there is one for the kernel.
    filters: Option<Filters>,
    /// The same, with width as it stands.
    upright: Option<UprightFilters>,
    /// Used whether or not it is the fastest, where there is one: for tests.
    always: Option<Way>,
}

/// Memory that layers use while they work. It grows to what the largest needs and is kept between calls.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    values: AlignedBuffer,
    taps: Vec<usize>,
}

impl<const D: usize> Conv<D> {
    /// Packs `weight` (output channel × input channel of the group × kernel, row-major) and `bias` (none: zero).
    ///
    /// # Errors
    /// As [`ConvConfig::validate`]; [`Error::Mismatch`] for a wrong number of weights, [`Error::NotFinite`] for a weight
    /// that is NaN or infinite.
    pub fn new(config: ConvConfig<D>, weight: &[f32], bias: Option<&[f32]>) -> Result<Self, Error> {
        Self::with_instructions(config, weight, bias, Instructions::best())
    }

    /// As [`new`](Self::new), with other than the best vector instructions.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_instructions(
        config: ConvConfig<D>,
        weight: &[f32],
        bias: Option<&[f32]>,
        instructions: Instructions,
    ) -> Result<Self, Error> {
        config.validate()?;
        Mismatch::check("weights", config.weights(), weight.len())?;
        NotFinite::check_f32("weight", weight)?;
        if let Some(bias) = bias {
            Mismatch::check("biases", config.out_channels, bias.len())?;
            NotFinite::check_f32("bias", bias)?;
        }
        let channels = config.out_channels / config.groups;
        let block = kernel::block(channels, instructions.many_registers());
        let padded = channels.next_multiple_of(block);
        let (volume, depth) = (config.volume(), weight.len() / config.out_channels);
        let mut packed = vec![0.0; config.groups * padded * depth];
        let mut packed_bias = vec![0.0; config.groups * padded];
        for (o, kernel) in weight.chunks_exact(depth).enumerate() {
            let at = o / channels * padded + o % channels;
            packed_bias[at] = bias.map_or(0.0, |b| b[o]);
            let places = packed[at / block * block * depth..].iter_mut().skip(at % block).step_by(block);
            places.zip(kernel).for_each(|(to, from)| *to = *from);
        }
        let filters = Filters::new(&volume, block, weight);
        let upright = UprightFilters::new(&volume, block, weight);
        let (weights, bias, always) = (packed, packed_bias, None);
        Ok(Self { volume, config, instructions, block, weights, bias, filters, upright, always })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &ConvConfig<D> {
        &self.config
    }

    /// The layer's output for `items` of the given size along each axis.
    ///
    /// # Errors
    /// As [`forward_into`](Self::forward_into).
    pub fn forward(&self, input: &[f32], items: usize, size: [usize; D]) -> Result<Vec<f32>, Error> {
        let values = self.config.output_size(size)?.iter().product::<usize>();
        Mismatch::check("input", items * self.config.in_channels * size.iter().product::<usize>(), input.len())?;
        let mut output = vec![0.0; items * self.config.out_channels * values];
        self.forward_into(input, items, size, &mut output, &mut Scratch::default())?;
        Ok(output)
    }

    /// As [`forward`](Self::forward), into `output`; allocates nothing once `scratch` has grown (on one thread:
    /// the queues of more may grow).
    ///
    /// # Errors
    /// [`Error::Mismatch`] if `input` or `output` has another length than their shape says, or the input is smaller than
    /// the kernel.
    pub fn forward_into(
        &self,
        input: &[f32],
        items: usize,
        size: [usize; D],
        output: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let (mut inner, mut outer) = ([1; 3], [1; 3]);
        inner[3 - D..].copy_from_slice(&size);
        outer[3 - D..].copy_from_slice(&self.config.output_size(size)?);
        let [input_plane, plane] = [inner, outer].map(|s| s.iter().product::<usize>());
        let groups = self.config.groups;
        let [inputs, outputs] = [self.config.in_channels / groups, self.config.out_channels / groups];
        Mismatch::check("input", items * groups * inputs * input_plane, input.len())?;
        Mismatch::check("output", items * groups * outputs * plane, output.len())?;

        let geometry = Geometry::new(&self.volume, inputs, inner, outer);
        scratch.taps.clear();
        scratch.taps.extend(geometry.taps());
        let work = plane * self.weights.len();
        let blocks = outputs.div_ceil(self.block);
        let plan = self.plan(inputs, outputs, inner, outer);
        let depthwise = inputs == 1 && outputs == 1 && geometry.one_image();
        let need = match &plan {
            Plan::Filters(strips, _) => strips.scratch(blocks),
            Plan::Upright(upright, _) => upright.scratch(blocks),
            Plan::Sum if geometry.in_place() => {
                kernel::panels(inputs, plane, self.weights.len() / groups, self.block, blocks)
            }
            Plan::Sum => geometry.scratch() * if depthwise { 2 } else { 1 },
        };
        let threads = threads(work);
        scratch.values.grow(threads * need);
        let (taps, values) = (scratch.taps.as_slice(), scratch.values.values_mut());
        let depth = self.weights.len() / (groups * blocks);
        // output channels from `first` on, all of one group and from a whole block on
        let job = |input: &[f32], first: usize, output: &mut [f32], scratch: &mut [f32]| {
            let (group, from) = (first / outputs, first % outputs / self.block);
            let range = group * blocks + from..group * blocks + from + (output.len() / plane).div_ceil(self.block);
            let input = &input[group * inputs * input_plane..][..inputs * input_plane];
            let bias = &self.bias[range.start * self.block..range.end * self.block];
            let (block, activation, instructions) = (self.block, &self.config.activation, self.instructions);
            let of_blocks = |weights: &'_ [f32]| {
                let depth = weights.len() / (groups * blocks);
                range.start * depth..range.end * depth
            };
            match &plan {
                Plan::Filters(strips, weights) => {
                    let weights = &weights[of_blocks(weights)];
                    instructions.run(Filtering {
                        strips,
                        input,
                        weights,
                        bias,
                        block,
                        activation,
                        first,
                        output,
                        plane,
                        scratch,
                    });
                }
                Plan::Upright(upright, weights) => {
                    let weights = &weights[of_blocks(weights)];
                    instructions.run(UprightJob {
                        upright,
                        input,
                        weights,
                        bias,
                        block,
                        activation,
                        first,
                        output,
                        plane,
                        scratch,
                    });
                }
                Plan::Sum => {
                    let (geometry, weights) = (&geometry, &self.weights[of_blocks(&self.weights)]);
                    instructions.run(Job {
                        geometry,
                        taps,
                        input,
                        weights,
                        bias,
                        block,
                        activation,
                        first,
                        output,
                        plane,
                        scratch,
                    });
                }
            }
        };
        // depth-wise: a part's channels in one go
        let planes = |input: &[f32], first: usize, output: &mut [f32], scratch: &mut [f32]| {
            let channels = first..first + output.len() / plane;
            self.instructions.run(Planes {
                geometry: &geometry,
                taps,
                input: &input[channels.start * input_plane..channels.end * input_plane],
                weights: &self.weights[channels.start * depth..channels.end * depth],
                bias: &self.bias[channels],
                activation: &self.config.activation,
                first,
                output,
                plane,
                scratch,
            });
        };
        // a part is what one thread makes: some groups, or some blocks of one group
        let part = if groups >= threads { groups.div_ceil(threads) } else { 1 } * outputs;
        let slice = if groups >= threads { outputs } else { blocks.div_ceil(threads) * self.block };
        let items =
            input.chunks_exact(groups * inputs * input_plane).zip(output.chunks_exact_mut(groups * outputs * plane));
        for (input, output) in items {
            if groups >= threads {
                each(output, part * plane, values, need, |p, output, scratch| {
                    if depthwise {
                        return planes(input, p * part, output, scratch);
                    }
                    for (s, output) in output.chunks_mut(slice * plane).enumerate() {
                        job(input, p * part + s * slice, output, scratch);
                    }
                });
            } else {
                for (g, output) in output.chunks_mut(outputs * plane).enumerate() {
                    each(output, slice * plane, values, need, |s, output, scratch| {
                        job(input, g * outputs + s * slice, output, scratch);
                    });
                }
            }
        }
        Ok(())
    }

    /// The fastest way for inputs and outputs of a group and of this size.
    fn plan(&self, inputs: usize, outputs: usize, inner: [usize; 3], outer: [usize; 3]) -> Plan<'_> {
        let (volume, lanes) = (&self.volume, self.instructions.lanes());
        let vectors = outer.iter().product::<usize>().div_ceil(lanes);
        let sum = (vectors * volume.kernel.iter().product::<usize>()) as f64;
        let filters = self.filters.as_ref().and_then(|filters| {
            let strips = Strips::new(filters.kind, volume, inputs, inner, outer)?;
            Some((strips.work(outputs, lanes), Plan::Filters(strips, &filters.weights)))
        });
        let upright = self.upright.as_ref().and_then(|filters| {
            let upright = Upright::new(volume, inputs, inner, outer)?;
            Some((upright.work(outputs, lanes), Plan::Upright(upright, &filters.weights)))
        });
        let ways = [(Way::Filters, filters), (Way::Upright, upright)];
        let mut best = (sum, Plan::Sum);
        for (way, plan) in ways.into_iter().filter_map(|(way, plan)| Some((way, plan?))) {
            if self.always == Some(way) {
                return plan.1;
            }
            if self.always.is_none() && plan.0 < best.0 {
                best = plan;
            }
        }
        best.1
    }
}

/// Ways to make a layer other than the sum as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Filters,
    Upright,
}

/// A way to make a layer from an input of known size, and its weights.
enum Plan<'a> {
    Sum,
    Filters(Strips, &'a [f32]),
    Upright(Upright, &'a [f32]),
}

/// Threads that a layer of so many multiplications uses.
pub(super) fn threads(work: usize) -> usize {
    #[cfg(feature = "rayon")]
    if work > 1 << 20 {
        return rayon::current_num_threads();
    }
    let _ = work;
    1
}

/// Calls `work` with the number of each part of `output` and its own scratch memory.
fn each(
    output: &mut [f32],
    part: usize,
    scratch: &mut [f32],
    need: usize,
    work: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    if output.len() <= part {
        return work(0, output, &mut scratch[..need]);
    }
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        if need == 0 {
            output.par_chunks_mut(part).enumerate().for_each(|(i, o)| work(i, o, &mut []));
        } else {
            let parts = output.par_chunks_mut(part).zip(scratch.par_chunks_exact_mut(need)).enumerate();
            parts.for_each(|(i, (output, scratch))| work(i, output, scratch));
        }
    }
    #[cfg(not(feature = "rayon"))]
    for (i, output) in output.chunks_mut(part).enumerate() {
        work(i, output, &mut scratch[..need]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Activation;
    use super::*;
    use crate::random::{Generator, Stream};

    fn values(stream: &mut Stream, n: usize) -> Vec<f32> {
        (0..n).map(|_| stream.normal() as f32).collect()
    }

    /// The formula, in `f64`.
    fn formula(config: &ConvConfig<3>, weight: &[f32], bias: &[f32], x: &[f32], size: [usize; 3]) -> Vec<f64> {
        let out = config.output_size(size).unwrap();
        let (outputs, inputs) = (config.out_channels / config.groups, config.in_channels / config.groups);
        let [kz, ky, kx] = config.kernel;
        let at = |p: usize, k: usize, a: usize| {
            (p * config.stride[a] + k * config.dilation[a]).checked_sub(config.padding[a][0]).filter(|i| *i < size[a])
        };
        let mut y = Vec::new();
        for o in 0..config.out_channels {
            for p in 0..out.iter().product() {
                let mut sum = f64::from(bias[o]);
                for (w, weight) in weight[o * inputs * kz * ky * kx..][..inputs * kz * ky * kx].iter().enumerate() {
                    let channel = o / outputs * inputs + w / (kz * ky * kx);
                    let z = at(p / (out[1] * out[2]), w / (ky * kx) % kz, 0);
                    let (row, column) = (at(p / out[2] % out[1], w / kx % ky, 1), at(p % out[2], w % kx, 2));
                    if let (Some(z), Some(row), Some(column)) = (z, row, column) {
                        let place = ((channel * size[0] + z) * size[1] + row) * size[2] + column;
                        sum += f64::from(*weight) * f64::from(x[place]);
                    }
                }
                y.push(sum);
            }
        }
        y
    }

    fn random_case(stream: &mut Stream) -> (ConvConfig<3>, [usize; 3]) {
        let groups = [1, 1, 2, 3, 5][stream.below(5)];
        let depthwise = stream.below(3) == 0;
        let (inputs, outputs) = (1 + stream.below(5), [1, 2, 4, 7, 8, 13, 16][stream.below(7)]);
        let (inputs, outputs) = if depthwise { (1, 1) } else { (inputs, outputs) };
        let image = stream.below(2) == 0;
        let mut of = |n: usize| [1 + stream.below(n), 1 + stream.below(n), 1 + stream.below(n)];
        let (mut kernel, stride, dilation, mut before, mut after) = (of(3), of(3), of(3), of(4), of(4));
        let mut size = of(20);
        if image {
            (kernel[0], before[0], after[0], size[0]) = (1, 1, 1, 1);
        }
        for a in 0..3 {
            size[a] = size[a].max(dilation[a] * (kernel[a] - 1) + 1);
        }
        let padding = std::array::from_fn(|a| [before[a] - 1, after[a] - 1]);
        let config = ConvConfig::new(groups * inputs, groups * outputs, kernel)
            .with_stride(stride)
            .with_dilation(dilation)
            .with_padding_before_after(padding)
            .with_groups(groups);
        (config, size)
    }

    #[test]
    fn equals_the_formula_whatever_the_instructions() {
        let cases = Generator::new(1, "convolutions");
        let mut scratch = Scratch::default();
        for case in 0..100 {
            let mut stream = cases.stream(case);
            let (config, size) = random_case(&mut stream);
            let weight = values(&mut stream, config.weights());
            let bias = values(&mut stream, config.out_channels);
            let plane: usize = size.iter().product();
            let x = values(&mut stream, 2 * config.in_channels * plane);
            let items = x.chunks(config.in_channels * plane);
            let want: Vec<f64> = items.flat_map(|x| formula(&config, &weight, &bias, x, size)).collect();
            let peak = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
            for instructions in Instructions::available() {
                let layer = Conv3d::with_instructions(config.clone(), &weight, Some(&bias), instructions).unwrap();
                let mut y = vec![f32::NAN; want.len()];
                layer.forward_into(&x, 2, size, &mut y, &mut scratch).unwrap();
                let worst = y.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
                assert!(worst <= 1e-6 * peak, "{instructions:?} {config:?} {size:?}: {worst} of {peak}");
                assert_eq!(layer.forward(&x, 2, size).unwrap(), y);
            }
        }
    }

    #[test]
    fn large_inputs_go_through_several_slabs() {
        let mut stream = Generator::new(2, "slabs").stream(0);
        let config = ConvConfig::<1>::new(40, 9, [3]).with_dilation([7]).with_padding_before_after([[14, 0]]);
        let (weight, x) = (values(&mut stream, config.weights()), values(&mut stream, 40 * 5001));
        let y = Conv::new(config.clone(), &weight, None).unwrap().forward(&x, 1, [5001]).unwrap();
        let want = formula(&config.volume(), &weight, &[0.0; 9], &x, [1, 1, 5001]);
        let peak = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        assert!(y.iter().zip(&want).all(|(a, b)| (f64::from(*a) - b).abs() <= 1e-6 * peak));
    }

    #[test]
    fn inputs_beyond_the_cache_are_brought_in_runs() {
        let mut stream = Generator::new(5, "far").stream(0);
        for (inputs, outputs, len) in [(40, 24, 20_011), (33, 14, 26_003)] {
            let config = ConvConfig::<1>::new(inputs, outputs, [1]);
            let (weight, x) = (values(&mut stream, config.weights()), values(&mut stream, inputs * len));
            let want = formula(&config.volume(), &weight, &vec![0.0; outputs], &x, [1, 1, len]);
            let peak = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
            let y = Conv::new(config, &weight, None).unwrap().forward(&x, 1, [len]).unwrap();
            assert!(
                y.iter().zip(&want).all(|(a, b)| (f64::from(*a) - b).abs() <= 1e-6 * peak),
                "{inputs} to {outputs}"
            );
        }
    }

    /// Outputs beyond the cache: the first planes are those of a volume that ends sooner.
    #[test]
    fn outputs_beyond_the_cache_are_the_same() {
        let mut stream = Generator::new(6, "far").stream(0);
        let config = ConvConfig::<3>::new(16, 13, [3; 3]).with_padding([1; 3]);
        let weight = values(&mut stream, config.weights());
        // far also where two threads share the outputs
        let (plane, depth) = (77 * 65, 20);
        let x = values(&mut stream, 16 * depth * plane);
        let first: Vec<f32> = x.chunks_exact(depth * plane).flat_map(|x| &x[..6 * plane]).copied().collect();
        for instructions in Instructions::available() {
            let mut layer = Conv3d::with_instructions(config.clone(), &weight, None, instructions).unwrap();
            layer.always = Some(Way::Upright);
            let far = layer.forward(&x, 1, [depth, 77, 65]).unwrap();
            let near = layer.forward(&first, 1, [6, 77, 65]).unwrap();
            for (far, near) in far.chunks_exact(depth * plane).zip(near.chunks_exact(6 * plane)) {
                assert_eq!(far[..5 * plane], near[..5 * plane], "{instructions:?}");
            }
        }
    }

    /// Minimal filtering of every kind, with sizes and dilations that leave partial patches, whether it pays or not.
    #[test]
    fn minimal_filtering_equals_the_formula() {
        let cases = Generator::new(3, "minimal filtering");
        let mut filtered = [0; 4];
        for case in 0..64 {
            let mut stream = cases.stream(case);
            let (groups, mut inputs, mut outputs) = (1 + stream.below(2), 4 + stream.below(40), 8 + stream.below(17));
            let mut of = |n: usize| [1 + stream.below(n), 1 + stream.below(n), 1 + stream.below(n)];
            let (mut kernel, mut dilation, before, after, mut size) = (of(3), of(3), of(4), of(4), of(6));
            let kind = case as usize % 4;
            match kind {
                0 => (kernel[1], kernel[2], dilation[1], dilation[2]) = (3, 3, 1, 1),
                1 => (kernel[1], kernel[2], dilation[2]) = (1, 3, 1 + stream.below(20)),
                2 => (kernel[0], size[0], kernel[2], dilation[2]) = (1, 1, 5, 1 + stream.below(20)),
                // along height, and along depth too
                _ => (kernel[0], dilation[0], kernel[1], dilation[1]) = ([1, 3][case as usize / 4 % 2], 1, 3, 1),
            }
            size[2] = 1 + stream.below(70);
            if case == 15 {
                // rows in several parts
                (inputs, outputs, size) = (44, 8, [3, 3, 300]);
            }
            (0..3).for_each(|a| size[a] += dilation[a] * (kernel[a] - 1));
            let mut padding = std::array::from_fn(|a| [before[a] - 1, after[a] - 1]);
            if kind == 2 {
                padding[0] = [0; 2];
            }
            let config = ConvConfig::new(groups * inputs, groups * outputs, kernel)
                .with_dilation(dilation)
                .with_padding_before_after(padding)
                .with_groups(groups);
            let way = if kind == 3 { Way::Upright } else { Way::Filters };
            let out = config.output_size(size).unwrap();
            let (weight, bias) = (values(&mut stream, config.weights()), values(&mut stream, config.out_channels));
            let x = values(&mut stream, config.in_channels * size.iter().product::<usize>());
            let want = formula(&config, &weight, &bias, &x, size);
            let peak = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
            for instructions in Instructions::available() {
                let mut layer = Conv3d::with_instructions(config.clone(), &weight, Some(&bias), instructions).unwrap();
                layer.always = Some(way);
                let plan = layer.plan(inputs, outputs, size, out);
                assert!(!matches!(plan, Plan::Sum), "{config:?} {size:?}");
                let y = layer.forward(&x, 1, size).unwrap();
                let worst = y.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
                assert!(worst <= 1e-6 * peak, "{instructions:?} {config:?} {size:?}: {worst} of {peak}");
            }
            filtered[kind] += 1;
        }
        assert_eq!(filtered, [16; 4]);
    }

    /// Sums over many channels, where filtering costs the most digits.
    #[test]
    fn many_channels_keep_their_digits() {
        let cases = Generator::new(7, "digits");
        for (case, channels) in [48, 64, 129, 300].into_iter().enumerate() {
            let mut stream = cases.stream(case as u64);
            let five = ConvConfig::new(channels, 16, [1, 1, 5]).with_dilation([1, 1, 1 + case]).with_padding([0, 0, 2]);
            let high = ConvConfig::new(channels, 8, [1, 3, 3]).with_padding([0, 1, 1]);
            let deep = ConvConfig::new(channels, 8, [3; 3]).with_padding([1; 3]);
            let layers = [
                (five, Way::Filters, [1, 1, 1200]),
                (high, Way::Upright, [1, 14, 50]),
                (deep, Way::Upright, [4, 6, 30]),
            ];
            for (config, way, size) in layers {
                let weight = values(&mut stream, config.weights());
                let x = values(&mut stream, channels * size.iter().product::<usize>());
                let want = formula(&config, &weight, &[0.0; 16], &x, size);
                let peak = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
                for instructions in Instructions::available() {
                    let layer = Conv3d::with_instructions(config.clone(), &weight, None, instructions);
                    let mut layer = layer.unwrap();
                    layer.always = Some(way);
                    assert!(!matches!(layer.plan(channels, config.out_channels, size, size), Plan::Sum));
                    let y = layer.forward(&x, 1, size).unwrap();
                    let worst = y.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
                    assert!(worst <= 1e-6 * peak, "{instructions:?} {way:?} {channels} channels: {worst} of {peak}");
                }
            }
        }
    }

    /// The way is the fastest of those measured (one thread, AVX-512).
    #[test]
    fn few_channels_are_summed_and_many_filtered() {
        let way = |kernel: [usize; 3], channels: [usize; 2], size: [usize; 3]| {
            let config = ConvConfig::new(channels[0], channels[1], kernel).with_padding(kernel.map(|k| k / 2));
            let layer =
                Conv3d::new(config, &vec![1.0; channels[0] * channels[1] * kernel.iter().product::<usize>()], None);
            let mut layer = layer.unwrap();
            layer.instructions = Instructions::available()[0];
            match layer.plan(channels[0], channels[1], size, size) {
                Plan::Sum => "sum",
                Plan::Filters(..) => "filters",
                Plan::Upright(..) => "upright",
            }
        };
        assert_eq!(way([3, 3, 3], [1, 16], [64; 3]), "sum");
        assert_eq!(way([3, 3, 3], [16, 16], [64; 3]), "upright");
        assert_eq!(way([1, 3, 3], [3, 8], [1, 224, 224]), "sum");
        assert_eq!(way([1, 3, 3], [64, 64], [1, 56, 56]), "upright");
        assert_eq!(way([1, 3, 3], [256, 256], [1, 56, 56]), "filters");
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        let mut stream = Generator::new(4, "threads").stream(0);
        for (groups, kernel) in [(1, [3, 3]), (2, [1, 3]), (2, [1, 5]), (48, [3, 3]), (1, [1, 1]), (3, [2, 2])] {
            let config = ConvConfig::new(48, 48, kernel).with_groups(groups).with_padding([1, 1]);
            let (weight, x) = (values(&mut stream, config.weights()), values(&mut stream, 2 * 48 * 50 * 50));
            let layer = Conv2d::new(config, &weight, None).unwrap();
            let with = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| layer.forward(&x, 2, [50, 50]).unwrap())
            };
            for threads in [2, 5, 8] {
                assert_eq!(with(1), with(threads), "{groups} groups, {kernel:?}");
            }
        }
    }

    #[test]
    fn activation_is_applied_by_channel() {
        let prelu = Activation::Prelu { slopes: vec![0.5, 2.0] };
        let config = ConvConfig::<1>::new(2, 2, [1]).with_groups(2).with_activation(prelu);
        let layer = Conv::new(config, &[1.0, 1.0], Some(&[0.0, 1.0])).unwrap();
        assert_eq!(layer.forward(&[-2.0, 2.0, -2.0, 2.0], 1, [2]).unwrap(), [-1.0, 2.0, -2.0, 3.0]);
    }

    #[test]
    fn says_what_is_wrong() {
        let config = ConvConfig::<1>::new(1, 1, [3]);
        let error = |result: Result<Conv1d, Error>| result.unwrap_err().to_string();
        assert_eq!(error(Conv::new(config.clone(), &[1.0; 2], None)), "weights: expected 3, found 2");
        let nan = [1.0, f32::NAN, 1.0];
        assert_eq!(error(Conv::new(config.clone(), &nan, None)), "weight 1 is not finite: fill or cut the gap first");
        let layer = Conv::new(config, &[1.0; 3], None).unwrap();
        assert!(layer.forward(&[1.0; 2], 1, [2]).is_err());
        assert!(layer.forward(&[], 1, [0]).is_err());
        assert_eq!(layer.forward(&[1.0; 4], 1, [5]).unwrap_err().to_string(), "input: expected 5, found 4");
        assert!(layer.forward(&[], 0, [5]).unwrap().is_empty());
    }
}
