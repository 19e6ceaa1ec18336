//! The temporal network with its derivatives written out: it is small and its input has one size, so that loops over 32
//! steps in registers beat general tensors. Sums are added in a fixed order: the same seed gives the same bytes on every
//! processor.

use eir_core::random::Generator;
use eir_vision::rehab::RepetitionWindow;

/// Sizes of the network, as the library knows them.
const INPUTS: usize = RepetitionWindow::CHANNELS;
const WIDTH: usize = 32;
const SQUEEZED: usize = 16;
const HIDDEN: usize = 64;
const STEPS: usize = RepetitionWindow::FRAMES;
const DILATIONS: [usize; 4] = [1, 2, 4, 8];
/// Zeros before and after the steps of a row: as far as the widest layer looks.
const PAD: usize = 8;
const ROW: usize = STEPS + 2 * PAD;
/// Rows that share what they read.
const BLOCK: usize = 4;

type Row = [f32; ROW];

/// The loss of an example by its number and the outputs; writes its derivatives.
type Loss<'a> = &'a (dyn Fn(usize, &[f32], &mut [f32]) -> f32 + Sync);

/// Where each part lies among the parameters: weights, then biases.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: usize,
    outputs: usize,
    inputs: usize,
    taps: usize,
}

impl Place {
    fn weights(self) -> std::ops::Range<usize> {
        self.at..self.at + self.outputs * self.inputs * self.taps
    }

    fn biases(self) -> std::ops::Range<usize> {
        let end = self.weights().end;
        end..end + self.outputs
    }
}

/// A residual dilated convolutional network.
#[derive(Debug, Clone)]
pub(super) struct Tcn {
    pub(super) parameters: Vec<f32>,
    places: Vec<Place>,
}

/// What one window leaves behind on its way forwards.
struct Memory {
    input: Vec<Row>,
    /// After the stem and after each block.
    levels: [Vec<Row>; 5],
    /// What each block added.
    added: [Vec<Row>; 4],
    squeezed: Vec<Row>,
    flat: Vec<f32>,
    hidden: Vec<f32>,
    output: Vec<f32>,
}

impl Tcn {
    /// Uniform weights of variance 1 / inputs that depend on the seed alone; biases 0.
    pub(super) fn new(outputs: usize, seed: u64, purpose: &str) -> Self {
        let mut sizes = vec![(WIDTH, INPUTS, 3)];
        sizes.extend(DILATIONS.map(|_| (WIDTH, WIDTH, 3)));
        sizes.extend([(SQUEEZED, WIDTH, 1), (HIDDEN, SQUEEZED * STEPS, 1), (outputs, HIDDEN, 1)]);
        let mut stream = Generator::new(seed, purpose).stream(0);
        let (mut parameters, mut places) = (Vec::new(), Vec::new());
        for (outputs, inputs, taps) in sizes {
            let place = Place { at: parameters.len(), outputs, inputs, taps };
            let bound = (3.0 / (inputs * taps) as f64).sqrt();
            parameters.extend(place.weights().map(|_| stream.range(-bound, bound) as f32));
            parameters.extend(place.biases().map(|_| 0.0));
            places.push(place);
        }
        Self { parameters, places }
    }

    /// Names, shapes and values as the library reads them.
    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let names = ["stem", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "squeeze", "hidden", "output"];
        let mut all = Vec::new();
        for (name, place) in names.into_iter().zip(&self.places) {
            let linear = matches!(name, "hidden" | "output");
            let mut shape = vec![place.outputs, place.inputs];
            if !linear {
                shape.push(place.taps);
            }
            all.push((format!("{name}.weight"), shape, self.parameters[place.weights()].to_vec()));
            all.push((format!("{name}.bias"), vec![place.outputs], self.parameters[place.biases()].to_vec()));
        }
        all
    }

    fn part(&self, i: usize) -> (&[f32], &[f32]) {
        (&self.parameters[self.places[i].weights()], &self.parameters[self.places[i].biases()])
    }

    /// Sum over a batch of `loss`, which gets the outputs of an example and writes its derivatives; adds the derivatives of
    /// the parameters to `gradient`.
    pub(super) fn learn(&self, batch: &[(usize, &[f32])], loss: Loss<'_>, gradient: &mut [f32]) -> f32 {
        pulp::Arch::new().dispatch(Learning { net: self, batch, loss, gradient })
    }

    /// The outputs for one window.
    pub(super) fn forward(&self, features: &[f32]) -> Vec<f32> {
        pulp::Arch::new().dispatch(Forward { net: self, features })
    }

    #[inline(always)]
    fn remember(&self, features: &[f32]) -> Memory {
        let mut input = vec![[0.0; ROW]; INPUTS];
        input.iter_mut().zip(features.chunks_exact(STEPS)).for_each(|(r, f)| r[PAD..PAD + STEPS].copy_from_slice(f));
        let empty = || vec![[0.0; ROW]; WIDTH];
        let mut levels = [empty(), empty(), empty(), empty(), empty()];
        let mut added = [empty(), empty(), empty(), empty()];
        let (w, b) = self.part(0);
        conv::<3>(w, b, &input, &mut levels[0], 1);
        for (i, dilation) in DILATIONS.into_iter().enumerate() {
            let (w, b) = self.part(1 + i);
            let (before, after) = levels.split_at_mut(i + 1);
            conv::<3>(w, b, &before[i], &mut added[i], dilation);
            for ((to, x), y) in after[0].iter_mut().zip(&before[i]).zip(&added[i]) {
                to.iter_mut().zip(x).zip(y).for_each(|((to, x), y)| *to = x + y);
            }
        }
        let mut squeezed = vec![[0.0; ROW]; SQUEEZED];
        let (w, b) = self.part(5);
        conv::<1>(w, b, &levels[4], &mut squeezed, 1);
        let flat: Vec<f32> = squeezed.iter().flat_map(|r| r[PAD..PAD + STEPS].iter().copied()).collect();
        let (w, b) = self.part(6);
        let hidden: Vec<f32> = linear(w, b, &flat).into_iter().map(|v| v.max(0.0)).collect();
        let (w, b) = self.part(7);
        let output = linear(w, b, &hidden);
        Memory { input, levels, added, squeezed, flat, hidden, output }
    }

    #[inline(always)]
    fn back(&self, m: &Memory, slope: &[f32], gradient: &mut [f32]) {
        let (w, _) = self.part(7);
        let mut hidden = linear_back(w, &m.hidden, slope, self.of(gradient, 7));
        hidden.iter_mut().zip(&m.hidden).for_each(|(d, h)| *d = if *h > 0.0 { *d } else { 0.0 });
        let (w, _) = self.part(6);
        let flat = linear_back(w, &m.flat, &hidden, self.of(gradient, 6));
        let mut squeezed = vec![[0.0; ROW]; SQUEEZED];
        for (to, (from, was)) in squeezed.iter_mut().zip(flat.chunks_exact(STEPS).zip(&m.squeezed)) {
            let (to, was) = (&mut to[PAD..PAD + STEPS], &was[PAD..PAD + STEPS]);
            to.iter_mut().zip(from).zip(was).for_each(|((to, d), h)| *to = if *h > 0.0 { *d } else { 0.0 });
        }
        let mut level = vec![[0.0; ROW]; WIDTH];
        let (w, _) = self.part(5);
        conv_weights::<1>(&squeezed, &m.levels[4], self.of(gradient, 5), 1);
        conv_inputs::<1>(w, &squeezed, &mut level, 1);
        for (i, dilation) in DILATIONS.into_iter().enumerate().rev() {
            let slope = through_relu(&level, &m.added[i]);
            let (w, _) = self.part(1 + i);
            conv_weights::<3>(&slope, &m.levels[i], self.of(gradient, 1 + i), dilation);
            // the way past the block keeps `level` as it is
            conv_inputs::<3>(w, &slope, &mut level, dilation);
        }
        let slope = through_relu(&level, &m.levels[0]);
        conv_weights::<3>(&slope, &m.input, self.of(gradient, 0), 1);
    }

    fn of<'a>(&self, gradient: &'a mut [f32], i: usize) -> &'a mut [f32] {
        let place = self.places[i];
        &mut gradient[place.at..place.biases().end]
    }
}

struct Learning<'a> {
    net: &'a Tcn,
    batch: &'a [(usize, &'a [f32])],
    loss: Loss<'a>,
    gradient: &'a mut [f32],
}

impl pulp::WithSimd for Learning<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> f32 {
        let mut sum = 0.0;
        for (index, features) in self.batch {
            let memory = self.net.remember(features);
            let mut slope = vec![0.0; memory.output.len()];
            sum += (self.loss)(*index, &memory.output, &mut slope);
            self.net.back(&memory, &slope, self.gradient);
        }
        sum
    }
}

struct Forward<'a> {
    net: &'a Tcn,
    features: &'a [f32],
}

impl pulp::WithSimd for Forward<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Vec<f32> {
        self.net.remember(self.features).output
    }
}

#[inline(always)]
fn window(row: &Row, at: usize) -> &[f32; STEPS] {
    match row[at..at + STEPS].first_chunk::<STEPS>() {
        Some(steps) => steps,
        None => &[0.0; STEPS],
    }
}

/// Where tap `k` looks.
#[inline(always)]
fn tap<const K: usize>(k: usize, dilation: usize) -> usize {
    PAD + k * dilation - (K / 2) * dilation
}

/// Convolution, bias, rectification.
#[inline(always)]
fn conv<const K: usize>(w: &[f32], b: &[f32], x: &[Row], y: &mut [Row], dilation: usize) {
    let n = x.len();
    for (block, rows) in y.chunks_exact_mut(BLOCK).enumerate() {
        let mut sums: [[f32; STEPS]; BLOCK] = std::array::from_fn(|j| [b[block * BLOCK + j]; STEPS]);
        for (i, row) in x.iter().enumerate() {
            for k in 0..K {
                let seen = window(row, tap::<K>(k, dilation));
                for (j, sum) in sums.iter_mut().enumerate() {
                    let w = w[((block * BLOCK + j) * n + i) * K + k];
                    sum.iter_mut().zip(seen).for_each(|(s, v)| *s += w * v);
                }
            }
        }
        for (row, sum) in rows.iter_mut().zip(&sums) {
            row[PAD..PAD + STEPS].iter_mut().zip(sum).for_each(|(to, s)| *to = s.max(0.0));
        }
    }
}

/// Adds the derivatives of a convolution's inputs.
#[inline(always)]
fn conv_inputs<const K: usize>(w: &[f32], slope: &[Row], x: &mut [Row], dilation: usize) {
    let n = x.len();
    for (block, rows) in x.chunks_exact_mut(BLOCK).enumerate() {
        let mut sums = [[0.0f32; STEPS]; BLOCK];
        for (o, row) in slope.iter().enumerate() {
            for k in 0..K {
                let seen = window(row, 2 * PAD - tap::<K>(k, dilation));
                for (j, sum) in sums.iter_mut().enumerate() {
                    let w = w[(o * n + block * BLOCK + j) * K + k];
                    sum.iter_mut().zip(seen).for_each(|(s, v)| *s += w * v);
                }
            }
        }
        for (row, sum) in rows.iter_mut().zip(&sums) {
            row[PAD..PAD + STEPS].iter_mut().zip(sum).for_each(|(to, s)| *to += s);
        }
    }
}

/// Adds the derivatives of a convolution's weights and biases.
#[inline(always)]
fn conv_weights<const K: usize>(slope: &[Row], x: &[Row], gradient: &mut [f32], dilation: usize) {
    let n = x.len();
    let (weights, biases) = gradient.split_at_mut(slope.len() * n * K);
    for (o, row) in slope.iter().enumerate() {
        let d = window(row, PAD);
        biases[o] += total(d);
        for (i, x) in x.iter().enumerate() {
            for k in 0..K {
                weights[(o * n + i) * K + k] += dot(d, window(x, tap::<K>(k, dilation)));
            }
        }
    }
}

/// The sum of all steps, in a fixed order that sums of eight lanes have.
#[inline(always)]
fn total(d: &[f32; STEPS]) -> f32 {
    let mut lanes = [0.0f32; 8];
    d.as_chunks::<8>().0.iter().for_each(|c| lanes.iter_mut().zip(c).for_each(|(l, v)| *l += v));
    fold(lanes)
}

#[inline(always)]
fn dot(a: &[f32; STEPS], b: &[f32; STEPS]) -> f32 {
    let mut lanes = [0.0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        lanes.iter_mut().zip(a).zip(b).for_each(|((l, a), b)| *l += a * b);
    }
    fold(lanes)
}

#[inline(always)]
fn fold(l: [f32; 8]) -> f32 {
    let four = [l[0] + l[4], l[1] + l[5], l[2] + l[6], l[3] + l[7]];
    (four[0] + four[2]) + (four[1] + four[3])
}

#[inline(always)]
fn through_relu(slope: &[Row], was: &[Row]) -> Vec<Row> {
    let mut out = slope.to_vec();
    for (to, was) in out.iter_mut().zip(was) {
        to.iter_mut().zip(was).for_each(|(d, h)| *d = if *h > 0.0 { *d } else { 0.0 });
    }
    out
}

#[inline(always)]
fn linear(w: &[f32], b: &[f32], x: &[f32]) -> Vec<f32> {
    let row = |(w, b): (&[f32], &f32)| {
        let mut lanes = [[0.0f32; 8]; 4];
        let (blocks, x_blocks) = (w.as_chunks::<32>().0, x.as_chunks::<32>().0);
        for (w, x) in blocks.iter().zip(x_blocks) {
            for (lane, (w, x)) in lanes.iter_mut().zip(w.as_chunks::<8>().0.iter().zip(x.as_chunks::<8>().0)) {
                lane.iter_mut().zip(w).zip(x).for_each(|((l, w), x)| *l += w * x);
            }
        }
        let all: [f32; 8] = std::array::from_fn(|i| (lanes[0][i] + lanes[1][i]) + (lanes[2][i] + lanes[3][i]));
        b + fold(all)
    };
    w.chunks_exact(x.len()).zip(b).map(row).collect()
}

/// Derivatives of a linear layer's inputs; adds those of its weights and biases.
#[inline(always)]
fn linear_back(w: &[f32], x: &[f32], slope: &[f32], gradient: &mut [f32]) -> Vec<f32> {
    let (weights, biases) = gradient.split_at_mut(slope.len() * x.len());
    let mut out = vec![0.0; x.len()];
    let rows = w.chunks_exact(x.len()).zip(weights.chunks_exact_mut(x.len()));
    for (((w, g), d), b) in rows.zip(slope).zip(biases) {
        if *d != 0.0 {
            *b += d;
            out.iter_mut().zip(w).for_each(|(o, w)| *o += d * w);
            g.iter_mut().zip(x).for_each(|(g, x)| *g += d * x);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_differences() {
        let mut net = Tcn::new(3, 1, "test");
        let mut stream = Generator::new(2, "test").stream(0);
        let features: Vec<f32> = (0..INPUTS * STEPS).map(|_| stream.normal() as f32).collect();
        let goal = [0.3, -0.2, 0.9];
        let loss = |_: usize, out: &[f32], slope: &mut [f32]| {
            let mut sum = 0.0;
            for i in 0..3 {
                slope[i] = 2.0 * (out[i] - goal[i]);
                sum += (out[i] - goal[i]).powi(2);
            }
            sum
        };
        let mut gradient = vec![0.0; net.parameters.len()];
        net.learn(&[(0, &features)], &loss, &mut gradient);
        let value = |net: &Tcn| {
            let out = net.forward(&features);
            (0..3).map(|i| (f64::from(out[i]) - f64::from(goal[i])).powi(2)).sum::<f64>()
        };
        let size = (gradient.iter().map(|g| g * g).sum::<f32>() / gradient.len() as f32).sqrt();
        let mut wrong = 0;
        let places: Vec<usize> = (0..300).map(|_| stream.below(net.parameters.len())).collect();
        for at in places {
            let was = net.parameters[at];
            let step = 2e-3;
            net.parameters[at] = was + step;
            let above = value(&net);
            net.parameters[at] = was - step;
            let below = value(&net);
            net.parameters[at] = was;
            let slope = (above - below) / f64::from(2.0 * step);
            // a rectifier that switches within the step spoils a difference now and then
            wrong += usize::from((slope - f64::from(gradient[at])).abs() > 0.05 * slope.abs() + 0.02 * f64::from(size));
        }
        assert!(wrong < 12, "{wrong} of 300");
    }
}
