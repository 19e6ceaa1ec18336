//! How a convolution of any stride, padding and dilation becomes one without: the input is copied, piece by piece, into
//! a *slab* in which the neighbours that a weight needs lie at one fixed distance for every output.
//!
//! Along an axis of stride s the input is split into s phases (every s-th value), so that each weight finds its values
//! next to one another in one phase. Rows of a slab follow one another without a gap: a run of outputs goes through
//! several rows and skips what lies between them.

use super::ConvConfig;

/// Values of a slab: half of a second-level cache of 1 MiB, so that the weights and the outputs fit beside it. A volume
/// goes at the full speed of the arithmetic this way, and at half of it with the whole padded input at once.
const SLAB: usize = 128 << 10;
/// Values behind a slab that a vector may read beyond the last row.
const BEYOND: usize = 16;

/// One axis of a convolution.
#[derive(Debug, Clone, Copy)]
struct Axis {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    before: usize,
    dilation: usize,
}

impl Axis {
    fn phases(&self) -> usize {
        self.stride.min(self.dilation * (self.kernel - 1) + 1)
    }

    /// How far the last weight's values lie behind the first's in their phase.
    fn reach(&self) -> usize {
        self.dilation * (self.kernel - 1) / self.stride
    }

    /// Phase and distance of the values that weight `k` needs.
    fn tap(&self, k: usize) -> [usize; 2] {
        [k * self.dilation % self.stride, k * self.dilation / self.stride]
    }

    /// The range of `len` values from `start` of `phase` that lie in the input, and the first's place there.
    fn inside(&self, start: usize, len: usize, phase: usize) -> (std::ops::Range<usize>, usize) {
        // the usual strides without a division, which would take as long as a small row
        let per_stride = |n: usize| match self.stride {
            1 => n,
            2 => n.div_ceil(2),
            s => n.div_ceil(s),
        };
        // the first value that lies at `place` of the padded input or behind it
        let first = |place: usize| per_stride(place.saturating_sub(phase)).saturating_sub(start).min(len);
        let (from, to) = (first(self.before), first(self.before + self.input));
        (from..to, ((start + from) * self.stride + phase).saturating_sub(self.before))
    }
}

/// A convolution on an input of known size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    axes: [Axis; 3],
    /// Outputs along each axis that are made from one slab.
    extent: [usize; 3],
    channels: usize,
    /// There is one weight per channel, no stride and no padding.
    in_place: bool,
}

/// Where a kernel finds its inputs and puts its outputs: `rows` of `width` values that lie `pitch` apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) pitch: usize,
    /// Where the first row begins in the input and in the output of a channel, and how far output rows lie apart.
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) output_pitch: usize,
}

impl Geometry {
    /// `channels` are those of one group.
    pub(super) fn new(config: &ConvConfig<3>, channels: usize, input: [usize; 3], output: [usize; 3]) -> Self {
        let axes = std::array::from_fn(|a| Axis {
            input: input[a],
            output: output[a],
            kernel: config.kernel[a],
            stride: config.stride[a],
            before: config.padding[a][0],
            dilation: config.dilation[a],
        });
        let in_place = config.kernel == [1; 3]
            && config.stride == [1; 3]
            && config.padding == [[0; 2]; 3]
            && output.iter().product::<usize>() >= BEYOND;
        let mut all = Self { axes, extent: output, channels, in_place };
        while !in_place && all.slab() > SLAB {
            let [depth, height, width] = all.extent;
            let longest = if depth >= height { 0 } else { 1 };
            let axis = if all.extent[longest] > 1 { longest } else { 2 };
            if axis == 2 && width <= 64 {
                break;
            }
            all.extent[axis] = all.extent[axis].div_ceil(2);
        }
        for (extent, output) in all.extent.iter_mut().zip(output) {
            *extent = output.div_ceil(output.div_ceil(*extent)); // all slabs alike
        }
        all
    }

    /// Values of scratch memory that are needed.
    pub(super) fn scratch(&self) -> usize {
        self.slab() + BEYOND
    }

    fn slab(&self) -> usize {
        self.channels * self.channel()
    }

    /// Values that a slab holds along each axis.
    fn sides(&self) -> [usize; 3] {
        std::array::from_fn(|a| self.extent[a] + self.axes[a].reach())
    }

    /// How far the channels lie apart in the kernel's input.
    pub(super) fn channel(&self) -> usize {
        let phases: usize = self.axes.iter().map(Axis::phases).product();
        phases * self.sides().iter().product::<usize>()
    }

    /// How far the values of each weight lie behind the place of the output.
    pub(super) fn taps(&self) -> impl Iterator<Item = usize> {
        let [z, y, x] = self.axes;
        let [depth, height, width] = self.sides();
        (0..z.kernel * y.kernel * x.kernel).map(move |k| {
            let ([pz, oz], [py, oy]) = (z.tap(k / (y.kernel * x.kernel)), y.tap(k / x.kernel % y.kernel));
            let [px, ox] = x.tap(k % x.kernel);
            let plane = (pz * y.phases() + py) * x.phases() + px;
            ((plane * depth + oz) * height + oy) * width + ox
        })
    }

    /// First output of every slab.
    pub(super) fn slabs(&self) -> impl Iterator<Item = [usize; 3]> + use<> {
        let (outputs, extent) = (self.axes.map(|a| a.output), self.extent);
        let counts = std::array::from_fn(|a| outputs[a].div_ceil(extent[a]));
        cells(counts).map(move |i| std::array::from_fn(|a| i[a] * extent[a]))
    }

    /// The runs of rows that are made from the slab of the outputs from `start` on.
    pub(super) fn rows(&self, start: [usize; 3]) -> impl Iterator<Item = Rows> + use<> {
        let ([depth, height, width], [_, high, wide]) = (self.axes.map(|a| a.output), self.sides());
        let [z0, y0, x0] = start;
        let rows = self.extent[1].min(height - y0);
        let within = self.extent[2].min(width - x0);
        (z0..depth.min(z0 + self.extent[0])).map(move |z| {
            let (input, output) = ((z - z0) * high * wide, (z * height + y0) * width + x0);
            Rows { rows, width: within, pitch: wide, input, output, output_pitch: width }.joined()
        })
    }

    /// The input of the slab of the outputs from `start` on.
    pub(super) fn slab_input<'a>(&self, input: &[f32], start: [usize; 3], scratch: &'a mut [f32]) -> &'a [f32] {
        self.fill(input, start, scratch);
        scratch
    }

    /// Whether there is one weight per channel, no stride and no padding: there is no slab.
    pub(super) fn in_place(&self) -> bool {
        self.in_place
    }

    /// Whether the input is an image whose outputs all come from one slab.
    pub(super) fn one_image(&self) -> bool {
        let depth = self.axes[0];
        !self.in_place && depth.input == 1 && depth.output == 1 && self.extent == self.axes.map(|a| a.output)
    }

    /// Width of the output.
    pub(super) fn width(&self) -> usize {
        self.axes[2].output
    }

    /// Height and width of the input, and its padding above and on the left.
    pub(super) fn image(&self) -> [[usize; 2]; 2] {
        let [_, y, x] = self.axes;
        [[y.input, x.input], [y.before, x.before]]
    }

    /// How far the rows of a slab lie apart.
    pub(super) fn pitch(&self) -> usize {
        self.sides()[2]
    }

    /// Copies what the outputs from `start` on need into `slab`: channel by channel, phase by phase, row by row.
    fn fill(&self, input: &[f32], start: [usize; 3], slab: &mut [f32]) {
        let [z, y, x] = self.axes;
        slab.fill(0.0);
        let plane = z.input * y.input * x.input;
        for (channel, slab) in input.chunks_exact(plane).zip(slab.chunks_exact_mut(self.channel())) {
            self.fill_channel(channel, start, slab);
        }
    }

    /// Copies the values of one channel that are needed; leaves the padding as it is.
    #[inline(always)]
    pub(super) fn fill_channel(&self, channel: &[f32], start: [usize; 3], slab: &mut [f32]) {
        let [z, y, x] = self.axes;
        let [depth, height, width] = self.sides();
        let phases = slab.chunks_exact_mut(depth * height * width);
        for ([pz, py, px], slab) in cells([z.phases(), y.phases(), x.phases()]).zip(phases) {
            let (planes, first_plane) = z.inside(start[0], depth, pz);
            let (rows, first_row) = y.inside(start[1], height, py);
            let (columns, first_column) = x.inside(start[2], width, px);
            let (wide, stride) = (columns.len(), x.stride);
            for (i, slab) in slab.chunks_exact_mut(height * width).skip(planes.start).take(planes.len()).enumerate() {
                for (j, row) in slab.chunks_exact_mut(width).skip(rows.start).take(rows.len()).enumerate() {
                    let from = (first_plane + i * z.stride) * y.input + first_row + j * y.stride;
                    let row = &mut row[columns.start..columns.end];
                    if wide > 0 {
                        let from = &channel[from * x.input + first_column..][..(wide - 1) * stride + 1];
                        every(stride, from, row);
                    }
                }
            }
        }
    }
}

/// Copies rows, which are short: without a call.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    match from.len() {
        0..4 => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
        4..8 => copy_by::<4>(from, to),
        8..16 => copy_by::<8>(from, to),
        _ => copy_by::<16>(from, to),
    }
}

/// Copies `N` values at a time; the last `N` may overlap those before.
#[inline(always)]
fn copy_by<const N: usize>(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.as_chunks_mut::<N>().0.iter_mut().zip(from.as_chunks::<N>().0) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<N>(), to.last_chunk_mut()) {
        *to = *from;
    }
}

/// Every `stride`-th value of `from`, which ends with the last.
#[inline(always)]
fn every(stride: usize, from: &[f32], to: &mut [f32]) {
    match stride {
        1 => copy(from, to),
        2 => {
            let (pairs, last) = from.as_chunks::<2>();
            for (to, from) in to.iter_mut().zip(pairs) {
                *to = from[0];
            }
            if let (Some(to), Some(from)) = (to.last_mut(), last.first()) {
                *to = *from;
            }
        }
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
    }
}

/// Lines of memory that a tile goes to in a plane, at most.
const LINES: usize = 9;

impl Rows {
    /// A plane as one row.
    pub(super) fn line(width: usize) -> Self {
        Self { rows: 1, width, pitch: width, input: 0, output: 0, output_pitch: width }
    }

    /// The same as one row, if nothing lies between the rows.
    fn joined(self) -> Self {
        if self.width == self.pitch && self.width == self.output_pitch {
            let width = self.rows * self.width;
            Self { rows: 1, width, pitch: width, output_pitch: width, ..self }
        } else {
            self
        }
    }

    /// From the first output to the last, with what lies between the rows.
    pub(super) fn len(&self) -> usize {
        (self.rows - 1) * self.pitch + self.width
    }

    /// Where in a plane the lines of memory begin that `span` values from place `start` on go to; `usize::MAX` beyond them.
    #[inline(always)]
    pub(super) fn lines(&self, start: usize, span: usize, lanes: usize) -> [usize; LINES] {
        let last = (start + span).min(self.len()) - 1;
        let mut lines = [usize::MAX; LINES];
        for (i, line) in lines.iter_mut().take(span / lanes + 1).enumerate() {
            let at = (start + i * lanes).min(last);
            let (row, x) = (at / self.pitch, at % self.pitch);
            if x < self.width {
                *line = self.output + row * self.output_pitch + x;
            }
        }
        lines
    }
}

/// Every place in a block of so many cells along each axis.
fn cells(of: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..of[0]).flat_map(move |z| (0..of[1]).flat_map(move |y| (0..of[2]).map(move |x| [z, y, x])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of the slab and the places of the weights, by hand: 7 values, kernel 3, stride 2, padding 1.
    #[test]
    fn phases_of_a_row() {
        let config = ConvConfig::<1>::new(1, 1, [3]).with_stride([2]).with_padding([1]).volume();
        let geometry = Geometry::new(&config, 1, [1, 1, 7], [1, 1, 4]);
        let mut slab = vec![f32::NAN; geometry.scratch()];
        geometry.fill(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [0; 3], &mut slab);
        assert_eq!(slab[..10], [0.0, 2.0, 4.0, 6.0, 0.0, 1.0, 3.0, 5.0, 7.0, 0.0]);
        assert_eq!(geometry.taps().collect::<Vec<_>>(), [0, 5, 1]);
    }

    #[test]
    fn slabs_fit_the_cache_and_cover_every_output() {
        let config = ConvConfig::<3>::new(16, 16, [3; 3]).with_padding([1; 3]).volume();
        let geometry = Geometry::new(&config, 16, [64; 3], [64; 3]);
        assert!(geometry.scratch() <= SLAB + BEYOND);
        let mut seen = vec![0u8; 1 << 18];
        for rows in geometry.slabs().flat_map(|start| geometry.rows(start)) {
            for row in 0..rows.rows {
                let from = rows.output + row * rows.output_pitch;
                seen[from..from + rows.width].iter_mut().for_each(|n| *n += 1);
            }
        }
        assert!(seen.iter().all(|n| *n == 1));
    }
}
