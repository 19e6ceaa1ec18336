//! A network of fused layers that runs without burn.

use super::conv::Scratch as ConvScratch;
use super::{Activation, AlignedBuffer, Conv, ConvConfig, Error, Linear, pool};
use crate::error::Mismatch;

/// A value in a network: what a layer gives. Made by a [`NetworkBuilder`] and only good for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(usize);

/// Channels and the size along depth, height and width (1 where there is no such axis).
type Shape = (usize, [usize; 3]);

fn values(shape: Shape) -> usize {
    shape.0 * shape.1.iter().product::<usize>()
}

#[derive(Debug, Clone)]
enum Layer {
    Input,
    Conv(Box<Conv<3>>),
    Linear(Linear),
    Add(Activation),
    Scale,
    Activation(Activation),
    Concatenate,
    MaxPool(ConvConfig<3>),
    GlobalAverage,
}

#[derive(Debug, Clone)]
struct Step {
    layer: Layer,
    inputs: Vec<usize>,
    shape: Shape,
    /// Which piece of memory holds the result.
    place: usize,
}

/// Puts a [`Network`] together, layer by layer.
#[derive(Debug, Clone)]
pub struct NetworkBuilder {
    steps: Vec<Step>,
}

impl NetworkBuilder {
    /// A network whose input has so many channels and the given size along each axis (1 to 3 of them).
    ///
    /// # Errors
    /// [`Error::Mismatch`] for an empty input or more than three axes.
    pub fn new(channels: usize, size: &[usize]) -> Result<(Self, Node), Error> {
        if !(1..=3).contains(&size.len()) || channels == 0 || size.contains(&0) {
            return Err(Mismatch::new(
                "input",
                "channels and 1 to 3 axes, none empty",
                format!("{channels}, {size:?}"),
            )
            .into());
        }
        let mut axes = [1; 3];
        axes[3 - size.len()..].copy_from_slice(size);
        let input = Step { layer: Layer::Input, inputs: Vec::new(), shape: (channels, axes), place: 0 };
        Ok((Self { steps: vec![input] }, Node(0)))
    }

    /// A convolution with bias and activation.
    ///
    /// # Errors
    /// As [`Conv::new`] and [`ConvConfig::output_size`]; [`Error::Mismatch`] if `x` has other channels.
    pub fn conv<const D: usize>(
        &mut self,
        x: Node,
        config: &ConvConfig<D>,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Result<Node, Error> {
        let (channels, size) = self.shape(x)?;
        let layer = Conv::new(config.volume(), weight, bias)?;
        Mismatch::check("channels", config.in_channels, channels)?;
        let shape = (config.out_channels, layer.config().output_size(size)?);
        Ok(self.push(Layer::Conv(Box::new(layer)), &[x], shape))
    }

    /// A fully connected layer on all values of `x`, channel by channel.
    ///
    /// # Errors
    /// As [`Linear::new`], with as many inputs as `x` has values.
    pub fn linear(
        &mut self,
        x: Node,
        outputs: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Node, Error> {
        let layer = Linear::new(values(self.shape(x)?), outputs, weight, bias, activation)?;
        Ok(self.push(Layer::Linear(layer), &[x], (outputs, [1; 3])))
    }

    /// The sum of two values of one shape, and an activation.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the shapes differ.
    pub fn add(&mut self, a: Node, b: Node, activation: Activation) -> Result<Node, Error> {
        let (shape, other) = (self.shape(a)?, self.shape(b)?);
        if shape != other {
            return Err(Mismatch::new("summands", format!("{shape:?}"), format!("{other:?}")).into());
        }
        activation.validate(shape.0)?;
        Ok(self.push(Layer::Add(activation), &[a, b], shape))
    }

    /// Each channel of `x` times the channel's one value in `gate` (squeeze and excitation).
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the gate has not one value per channel.
    pub fn scale(&mut self, x: Node, gate: Node) -> Result<Node, Error> {
        let (shape, gates) = (self.shape(x)?, values(self.shape(gate)?));
        Mismatch::check("gate", shape.0, gates)?;
        Ok(self.push(Layer::Scale, &[x, gate], shape))
    }

    /// An activation on its own.
    ///
    /// # Errors
    /// As [`Activation::validate`].
    pub fn activation(&mut self, x: Node, activation: Activation) -> Result<Node, Error> {
        let shape = self.shape(x)?;
        activation.validate(shape.0)?;
        Ok(self.push(Layer::Activation(activation), &[x], shape))
    }

    /// The channels of all values, one after the other.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if there is none or their sizes differ.
    pub fn concatenate(&mut self, of: &[Node]) -> Result<Node, Error> {
        let shapes = of.iter().map(|n| self.shape(*n)).collect::<Result<Vec<_>, _>>()?;
        let Some((_, size)) = shapes.first().copied() else {
            return Err(Mismatch::new("values to concatenate", "at least 1", 0).into());
        };
        if let Some((_, other)) = shapes.iter().find(|s| s.1 != size) {
            return Err(Mismatch::new("values to concatenate", format!("{size:?}"), format!("{other:?}")).into());
        }
        Ok(self.push(Layer::Concatenate, of, (shapes.iter().map(|s| s.0).sum(), size)))
    }

    /// The largest value under a window; padding never counts.
    ///
    /// # Errors
    /// As [`ConvConfig::output_size`]; [`Error::Mismatch`] if the padding is as large as the window.
    pub fn max_pool<const D: usize>(
        &mut self,
        x: Node,
        kernel: [usize; D],
        stride: [usize; D],
        padding: [usize; D],
    ) -> Result<Node, Error> {
        let (channels, size) = self.shape(x)?;
        let window = ConvConfig::new(channels, channels, kernel).with_stride(stride).with_padding(padding);
        window.validate()?;
        if let Some((k, p)) = kernel.iter().zip(padding).find(|(k, p)| p >= *k) {
            return Err(Mismatch::new("padding of the pooling", format!("less than {k}"), p).into());
        }
        let window = window.volume();
        let shape = (channels, window.output_size(size)?);
        Ok(self.push(Layer::MaxPool(window), &[x], shape))
    }

    /// The mean of each channel.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if `x` is of another builder.
    pub fn global_average_pool(&mut self, x: Node) -> Result<Node, Error> {
        let (channels, _) = self.shape(x)?;
        Ok(self.push(Layer::GlobalAverage, &[x], (channels, [1; 3])))
    }

    /// Channels and size of a value: depth, height and width, 1 where there is no such axis.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is of another builder.
    pub fn shape(&self, node: Node) -> Result<(usize, [usize; 3]), Error> {
        let known = self.steps.get(node.0).map(|s| s.shape);
        known.ok_or_else(|| Mismatch::new("node", format!("one of {}", self.steps.len()), node.0).into())
    }

    /// The network that gives `outputs`. Memory is planned here: a value's place is used again once it is not needed.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if there is no output or one is of another builder.
    pub fn build(mut self, outputs: &[Node]) -> Result<Network, Error> {
        if outputs.is_empty() {
            return Err(Mismatch::new("outputs", "at least 1", 0).into());
        }
        outputs.iter().try_for_each(|n| self.shape(*n).map(|_| ()))?;
        let mut last_use: Vec<usize> = (0..self.steps.len()).collect();
        for (i, step) in self.steps.iter().enumerate() {
            step.inputs.iter().for_each(|n| last_use[*n] = i);
        }
        outputs.iter().for_each(|n| last_use[n.0] = usize::MAX);
        let (mut places, mut free) = (Vec::<usize>::new(), Vec::<usize>::new());
        for i in 0..self.steps.len() {
            let need = values(self.steps[i].shape);
            let place = free.pop().unwrap_or_else(|| {
                places.push(0);
                places.len() - 1
            });
            places[place] = places[place].max(need);
            self.steps[i].place = place;
            free.extend((0..=i).filter(|n| last_use[*n] == i).map(|n| self.steps[n].place));
        }
        Ok(Network { steps: self.steps, places, outputs: outputs.iter().map(|n| n.0).collect() })
    }

    fn push(&mut self, layer: Layer, inputs: &[Node], shape: Shape) -> Node {
        self.steps.push(Step { layer, inputs: inputs.iter().map(|n| n.0).collect(), shape, place: 0 });
        Node(self.steps.len() - 1)
    }
}

/// A network of fused layers for one item at a time, channels first.
///
/// Use it for a convolutional network of fixed input size whose time on the processor counts. Not where the size
/// changes, in training, or on a graphics card.
///
/// # Examples
/// ```
/// use eir_core::nn::{Activation, Conv1dConfig, NetworkBuilder};
/// let (mut builder, x) = NetworkBuilder::new(1, &[4])?;
/// let difference = Conv1dConfig::new(1, 1, [2]).with_padding_before_after([[1, 0]]);
/// let y = builder.conv(x, &difference, &[-1.0, 1.0], None)?;
/// let y = builder.add(x, y, Activation::Relu)?;
/// let mean = builder.global_average_pool(y)?;
/// let network = builder.build(&[y, mean])?;
/// let answer = network.forward(&[1.0, 2.0, 0.0, 3.0])?;
/// assert_eq!(answer, [vec![2.0, 3.0, 0.0, 6.0], vec![2.75]]);
/// # Ok::<(), eir_core::nn::Error>(())
/// ```
///
/// # Validation
/// MobileNetV2 gives torchvision's logits (computed in `f64`) within the tolerance of the reference.
#[derive(Debug, Clone)]
pub struct Network {
    steps: Vec<Step>,
    /// Values of each piece of memory.
    places: Vec<usize>,
    outputs: Vec<usize>,
}

/// Memory that a [`Network`] uses while it works; kept between calls.
#[derive(Debug, Clone, Default)]
pub struct NetworkScratch {
    places: Vec<AlignedBuffer>,
    conv: ConvScratch,
}

impl Network {
    /// Values of the input.
    #[must_use]
    pub fn input_len(&self) -> usize {
        values(self.steps[0].shape)
    }

    /// Values of each output.
    #[must_use]
    pub fn output_lens(&self) -> Vec<usize> {
        self.outputs.iter().map(|o| values(self.steps[*o].shape)).collect()
    }

    /// The outputs for one item.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if `input` has another length.
    pub fn forward(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, Error> {
        let mut outputs: Vec<Vec<f32>> = self.output_lens().into_iter().map(|n| vec![0.0; n]).collect();
        let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.forward_into(input, &mut slices, &mut NetworkScratch::default())?;
        Ok(outputs)
    }

    /// As [`forward`](Self::forward), into `outputs`; allocates nothing once `scratch` has been used.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if `input` or an output has another length.
    pub fn forward_into(
        &self,
        input: &[f32],
        outputs: &mut [&mut [f32]],
        scratch: &mut NetworkScratch,
    ) -> Result<(), Error> {
        Mismatch::check("input", self.input_len(), input.len())?;
        Mismatch::check("outputs", self.outputs.len(), outputs.len())?;
        for (n, output) in self.outputs.iter().zip(outputs.iter()) {
            Mismatch::check("output", values(self.steps[*n].shape), output.len())?;
        }
        scratch.places.resize_with(self.places.len().max(scratch.places.len()), AlignedBuffer::default);
        for (memory, need) in scratch.places.iter_mut().zip(&self.places) {
            memory.grow(*need);
        }
        for step in &self.steps {
            // the place of the result is never that of an input
            let mut memory = std::mem::take(&mut scratch.places[step.place]);
            let done = self.run(
                step,
                input,
                &mut memory.values_mut()[..values(step.shape)],
                &scratch.places,
                &mut scratch.conv,
            );
            scratch.places[step.place] = memory;
            done?;
        }
        for (n, output) in self.outputs.iter().zip(outputs.iter_mut()) {
            output.copy_from_slice(&scratch.places[self.steps[*n].place].values()[..output.len()]);
        }
        Ok(())
    }

    fn run(
        &self,
        step: &Step,
        input: &[f32],
        output: &mut [f32],
        places: &[AlignedBuffer],
        scratch: &mut ConvScratch,
    ) -> Result<(), Error> {
        let x = |i: usize| {
            let from = &self.steps[step.inputs[i]];
            &places[from.place].values()[..values(from.shape)]
        };
        let size = |i: usize| self.steps[step.inputs[i]].shape.1;
        let plane = step.shape.1.iter().product::<usize>();
        match &step.layer {
            Layer::Input => output.copy_from_slice(input),
            Layer::Conv(layer) => layer.forward_into(x(0), 1, size(0), output, scratch)?,
            Layer::Linear(layer) => layer.forward_into(x(0), output)?,
            Layer::Add(activation) => {
                for ((y, a), b) in output.iter_mut().zip(x(0)).zip(x(1)) {
                    *y = a + b;
                }
                activation.apply_channels(plane, output);
            }
            Layer::Scale => {
                let planes = output.chunks_exact_mut(plane).zip(x(0).chunks_exact(plane)).zip(x(1));
                planes.for_each(|((y, x), gate)| y.iter_mut().zip(x).for_each(|(y, x)| *y = x * gate));
            }
            Layer::Activation(activation) => {
                output.copy_from_slice(x(0));
                activation.apply_channels(plane, output);
            }
            Layer::Concatenate => {
                let mut rest = output;
                for i in 0..step.inputs.len() {
                    let (now, later) = rest.split_at_mut(x(i).len());
                    now.copy_from_slice(x(i));
                    rest = later;
                }
            }
            Layer::MaxPool(window) => pool::max(window, x(0), size(0), output, step.shape.1),
            Layer::GlobalAverage => pool::mean(x(0), output),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every layer in one small network, by hand.
    #[test]
    fn each_layer_does_what_it_says() {
        let (mut b, x) = NetworkBuilder::new(2, &[1, 4]).unwrap();
        let pooled = b.max_pool(x, [1, 2], [1, 2], [0, 0]).unwrap();
        let gate = b.global_average_pool(pooled).unwrap();
        let scaled = b.scale(pooled, gate).unwrap();
        let both = b.concatenate(&[pooled, scaled]).unwrap();
        let signs = b.activation(both, Activation::Prelu { slopes: vec![1.0, 2.0, 1.0, 1.0] }).unwrap();
        let sum = b.linear(signs, 1, &[1.0; 8], Some(&[0.5]), Activation::Identity).unwrap();
        let network = b.build(&[scaled, signs, sum, x]).unwrap();
        let input = [1.0, 3.0, 5.0, 2.0, -4.0, -2.0, -7.0, -6.0];
        let want = [
            vec![12.0, 20.0, 8.0, 24.0],
            vec![3.0, 5.0, -4.0, -12.0, 12.0, 20.0, 8.0, 24.0],
            vec![56.5],
            input.to_vec(),
        ];
        assert_eq!(network.forward(&input).unwrap(), want);
    }

    #[test]
    fn places_are_used_again() {
        let (mut b, mut x) = NetworkBuilder::new(1, &[8]).unwrap();
        for _ in 0..10 {
            let y = b.activation(x, Activation::Relu).unwrap();
            x = b.add(x, y, Activation::Identity).unwrap();
        }
        let network = b.build(&[x]).unwrap();
        assert!(network.places.len() <= 3, "{}", network.places.len());
        assert_eq!(network.forward(&[1.0; 8]).unwrap(), [vec![1024.0; 8]]);
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(NetworkBuilder::new(1, &[]).is_err());
        let (mut b, x) = NetworkBuilder::new(1, &[8]).unwrap();
        let y = b.max_pool(x, [2], [2], [0]).unwrap();
        assert!(b.add(x, y, Activation::Identity).is_err());
        assert!(b.conv(x, &ConvConfig::<1>::new(2, 1, [1]), &[1.0; 2], None).is_err());
        assert!(b.concatenate(&[]).is_err());
        assert!(b.max_pool(x, [2], [2], [2]).is_err());
        assert!(b.clone().build(&[]).is_err());
        let network = b.build(&[y]).unwrap();
        assert_eq!(network.forward(&[0.0; 7]).unwrap_err().to_string(), "input: expected 8, found 7");
    }
}
