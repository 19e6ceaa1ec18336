//! A network of fused layers on the processor.
//!
//! Convolutions bound the time; what lies between them is bound by the cache, so a value's memory is used again as soon
//! as it is not needed, sums and activations happen in place, and nothing is allocated once the memory has grown.

use super::graph::{Graph, Op, Shape, len};
use super::places;
use crate::Result;
use eir_core::error::Mismatch;
use eir_core::nn::{AlignedBuffer, Conv2d, Linear, Scratch};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A layer that is ready to run.
#[derive(Debug)]
enum Layer {
    Conv(Box<Conv2d>),
    /// A convolution that leaves one place.
    Linear(Box<Linear>),
    Other(Op),
}

#[derive(Debug)]
struct Step {
    layer: Layer,
    inputs: Vec<usize>,
    shape: Shape,
}

/// The steps that some outputs need, and where their results lie.
#[derive(Debug)]
struct Schedule {
    tasks: Vec<Task>,
    /// Place of each step's value, if it has one.
    place: Vec<usize>,
    /// Values of each place.
    sizes: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Task {
    step: usize,
    /// Which input's memory the result takes over.
    over: Option<usize>,
}

/// Memory between calls.
#[derive(Debug, Default)]
struct Memory {
    places: Vec<AlignedBuffer>,
    conv: Scratch,
    rows: Vec<f32>,
}

/// A network that runs without burn.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Vec<Step>,
    outputs: Vec<usize>,
    graph: Graph,
    schedules: Mutex<BTreeMap<Vec<usize>, Arc<Schedule>>>,
    memory: Mutex<Vec<Memory>>,
}

const NOWHERE: usize = usize::MAX;

impl Plan {
    /// Packs the weights; `graph` keeps its shapes.
    pub(super) fn new(mut graph: Graph) -> Result<Self> {
        let shapes: Vec<Shape> = graph.steps.iter().map(|s| s.shape).collect();
        let mut steps = Vec::with_capacity(shapes.len());
        for step in &mut graph.steps {
            let layer = match &mut step.op {
                Op::Conv(conv) => {
                    let (weight, bias) = (std::mem::take(&mut conv.weight), std::mem::take(&mut conv.bias));
                    let config = &conv.config;
                    let from = step.inputs.first().and_then(|i| shapes.get(*i)).copied().unwrap_or([0; 3]);
                    let whole = config.groups == 1
                        && [from[1], from[2]] == config.kernel
                        && config.padding == [[0; 2]; 2]
                        && config.dilation == [1; 2];
                    if whole {
                        let activation = config.activation.clone();
                        let linear = Linear::new(len(from), config.out_channels, &weight, Some(&bias), activation)?;
                        Layer::Linear(Box::new(linear))
                    } else {
                        Layer::Conv(Box::new(Conv2d::new(config.clone(), &weight, Some(&bias))?))
                    }
                }
                other => Layer::Other(other.clone()),
            };
            steps.push(Step { layer, inputs: step.inputs.clone(), shape: step.shape });
        }
        let outputs = graph.outputs.clone();
        Ok(Self { steps, outputs, graph, schedules: Mutex::default(), memory: Mutex::default() })
    }

    /// The given outputs (by number) for one input.
    pub(super) fn run(&self, input: &[f32], wanted: &[usize]) -> Result<Vec<Vec<f32>>> {
        let schedule = self.schedule(wanted);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let done = self.run_with(input, &schedule, wanted, &mut memory);
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        done
    }

    fn run_with(
        &self,
        input: &[f32],
        schedule: &Schedule,
        wanted: &[usize],
        memory: &mut Memory,
    ) -> Result<Vec<Vec<f32>>> {
        Mismatch::check("values of the network's input", len(self.graph.input_shape()), input.len())?;
        memory.places.resize_with(schedule.sizes.len().max(memory.places.len()), AlignedBuffer::default);
        for (place, size) in memory.places.iter_mut().zip(&schedule.sizes) {
            place.grow(*size);
        }
        for task in &schedule.tasks {
            let step = &self.steps[task.step];
            let place = schedule.place[task.step];
            let mut own = std::mem::take(&mut memory.places[place]);
            let values = Values { plan: self, schedule, places: &memory.places, input };
            let done = values.apply(
                step,
                task.over,
                &mut own.values_mut()[..len(step.shape)],
                &mut memory.conv,
                &mut memory.rows,
            );
            memory.places[place] = own;
            done?;
        }
        let values = Values { plan: self, schedule, places: &memory.places, input };
        Ok(wanted.iter().map(|o| values.of(self.outputs[*o]).to_vec()).collect())
    }

    fn schedule(&self, wanted: &[usize]) -> Arc<Schedule> {
        let mut known = self.schedules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schedule) = known.get(wanted) {
            return schedule.clone();
        }
        let schedule = Arc::new(self.plan_memory(wanted));
        known.insert(wanted.to_vec(), schedule.clone());
        schedule
    }

    fn plan_memory(&self, wanted: &[usize]) -> Schedule {
        let outputs: Vec<usize> = wanted.iter().map(|o| self.outputs[*o]).collect();
        let needed = self.graph.needed(&outputs);
        let n = self.steps.len();
        let mut last_use = vec![0; n];
        for (i, step) in self.steps.iter().enumerate().filter(|(i, _)| needed[*i]) {
            step.inputs.iter().for_each(|input| last_use[*input] = i);
        }
        outputs.iter().for_each(|o| last_use[*o] = NOWHERE);
        let (mut place, mut sizes, mut free, mut tasks) = (vec![NOWHERE; n], Vec::new(), Vec::new(), Vec::new());
        for (i, step) in self.steps.iter().enumerate().filter(|(i, _)| needed[*i]) {
            let Layer::Other(op) = &step.layer else {
                place[i] = take_place(&mut free, &mut sizes, len(step.shape));
                tasks.push(Task { step: i, over: None });
                release(&step.inputs, i, &last_use, &place, &mut free);
                continue;
            };
            if matches!(op, Op::Input | Op::Constant(_)) {
                continue;
            }
            let mut candidates = match op {
                Op::Add(_) => 0..step.inputs.len(),
                Op::Activation(_) | Op::Reshape | Op::Multiply => 0..1,
                _ => 0..0,
            };
            let over = candidates.find(|c| {
                let from = step.inputs[*c];
                last_use[from] == i && place[from] != NOWHERE && step.inputs.iter().filter(|f| **f == from).count() == 1
            });
            place[i] = match over {
                Some(c) => place[step.inputs[c]],
                None => take_place(&mut free, &mut sizes, len(step.shape)),
            };
            tasks.push(Task { step: i, over });
            let rest: Vec<usize> = step.inputs.iter().copied().filter(|f| place[*f] != place[i]).collect();
            release(&rest, i, &last_use, &place, &mut free);
        }
        Schedule { tasks, place, sizes }
    }
}

/// The smallest free place that is large enough, or the largest, or a new one.
fn take_place(free: &mut Vec<usize>, sizes: &mut Vec<usize>, need: usize) -> usize {
    let fits = free.iter().enumerate().filter(|(_, p)| sizes[**p] >= need).min_by_key(|(_, p)| sizes[**p]);
    let best = fits.or_else(|| free.iter().enumerate().max_by_key(|(_, p)| sizes[**p])).map(|(i, _)| i);
    match best {
        Some(i) => {
            let place = free.swap_remove(i);
            sizes[place] = sizes[place].max(need);
            place
        }
        None => {
            sizes.push(need);
            sizes.len() - 1
        }
    }
}

fn release(inputs: &[usize], now: usize, last_use: &[usize], place: &[usize], free: &mut Vec<usize>) {
    for input in inputs {
        let at = place[*input];
        if last_use[*input] == now && at != NOWHERE && !free.contains(&at) {
            free.push(at);
        }
    }
}

/// The values that a step can see.
struct Values<'a> {
    plan: &'a Plan,
    schedule: &'a Schedule,
    places: &'a [AlignedBuffer],
    input: &'a [f32],
}

impl<'a> Values<'a> {
    fn of(&self, step: usize) -> &'a [f32] {
        let from = &self.plan.steps[step];
        match &from.layer {
            Layer::Other(Op::Input) => self.input,
            Layer::Other(Op::Constant(values)) => values,
            _ => &self.places[self.schedule.place[step]].values()[..len(from.shape)],
        }
    }

    fn apply(
        &self,
        step: &'a Step,
        over: Option<usize>,
        y: &mut [f32],
        scratch: &mut Scratch,
        rows: &mut Vec<f32>,
    ) -> Result<()> {
        let x = |i: usize| self.of(step.inputs[i]);
        let shape = |i: usize| self.plan.steps[step.inputs[i]].shape;
        let plane = (step.shape[1] * step.shape[2]).max(1);
        let op = match &step.layer {
            Layer::Conv(conv) => {
                let [_, h, w] = shape(0);
                conv.forward_into(x(0), 1, [h, w], y, scratch)?;
                return Ok(());
            }
            Layer::Linear(linear) => return Ok(linear.forward_into(x(0), y)?),
            Layer::Other(op) => op,
        };
        match op {
            Op::Input | Op::Constant(_) | Op::Conv(_) => {}
            Op::Add(activation) => {
                match over {
                    Some(n) => y.iter_mut().zip(x(1 - n)).for_each(|(y, b)| *y += b),
                    None => y.iter_mut().zip(x(0)).zip(x(1)).for_each(|((y, a), b)| *y = a + b),
                }
                activation.apply_channels(plane, y);
            }
            Op::Multiply => {
                if over.is_none() {
                    y.copy_from_slice(x(0));
                }
                let factors = x(1);
                if factors.len() == y.len() {
                    y.iter_mut().zip(factors).for_each(|(y, f)| *y *= f);
                } else {
                    let planes = y.chunks_exact_mut(plane).zip(factors);
                    planes.for_each(|(y, f)| y.iter_mut().for_each(|y| *y *= f));
                }
            }
            Op::Activation(activation) => {
                if over.is_none() {
                    y.copy_from_slice(x(0));
                }
                activation.apply_channels(plane, y);
            }
            Op::Reshape => {
                if over.is_none() {
                    y.copy_from_slice(x(0));
                }
            }
            Op::Concatenate => {
                let mut rest = y;
                for i in 0..step.inputs.len() {
                    let (now, later) = rest.split_at_mut(x(i).len());
                    now.copy_from_slice(x(i));
                    rest = later;
                }
            }
            Op::Channels(from) => y.copy_from_slice(&x(0)[from * plane..][..y.len()]),
            Op::PadChannels => {
                let (now, rest) = y.split_at_mut(x(0).len());
                now.copy_from_slice(x(0));
                rest.fill(0.0);
            }
            Op::MaxPool(window) => places::max_pool(window, x(0), shape(0), y, step.shape, rows),
            Op::AveragePool(window) => places::average_pool(window, x(0), shape(0), y, step.shape),
            Op::GlobalAverage => places::mean(x(0), y),
            Op::Upsample(how) => places::upsample(*how, x(0), shape(0), y, rows),
            Op::DepthToSpace => places::interleave(x(0), shape(0), y, |c, cell, n| cell * n + c),
            Op::PixelShuffle => places::interleave(x(0), shape(0), y, |c, cell, _| c * 4 + cell),
            Op::SpaceToDepth => places::space_to_depth(x(0), shape(0), y),
            Op::Permute(order) => places::permute(x(0), shape(0), *order, y),
            Op::LayerNorm { gamma, beta, epsilon } => places::layer_norm(x(0), plane, gamma, beta, *epsilon, y),
            Op::InstanceNorm { gamma, beta, epsilon } => places::instance_norm(x(0), plane, gamma, beta, *epsilon, y),
            Op::ScaleNorm { factor, epsilon } => places::scale_norm(x(0), plane, *factor, *epsilon, y),
            Op::Softmax => places::softmax(x(0), plane, y),
            Op::MatrixProduct => places::matrix_product(x(0), x(1), shape(0)[2], y),
        }
        Ok(())
    }
}
