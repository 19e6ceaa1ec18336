//! The inner loop of second-order sections.
//!
//! A section's next state needs its last one: four cycles of a fused multiply-add, in which one section alone would leave
//! the core idle. So up to eight sections stand side by side in a vector, each three samples behind the one before it:
//! while one waits, the others work, and the signal is read and written once. What is left is the four cycles a sample.

use super::kernel::{fused, is_fused};
use pulp::{Arch, Simd, WithSimd};
use std::cell::Cell;

/// Sections in one vector.
const LANES: usize = 8;
/// Samples that a section is behind the one before it: so many that its input is there when it is needed.
const BEHIND: usize = 3;
/// Numbers of state of a [`Group`].
const STATES: usize = 2 * LANES;
/// Samples that go through all groups while they are in the nearest cache.
const BLOCK: usize = 2048;

/// Up to eight sections: `b0, b1 - a1 b0, b2 - a2 b0, -a1, -a2` of each, filled up with sections that change nothing.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    sections: usize,
    coefficients: [[f64; LANES]; 5],
}

/// The sections of a filter, as the loop wants them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cascade(Vec<Group>);

impl Cascade {
    pub(super) fn new(sections: &[[f64; 6]]) -> Self {
        let group = |part: &[[f64; 6]]| {
            let mut coefficients = [[1.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]];
            for (lane, [b0, b1, b2, _, a1, a2]) in part.iter().enumerate() {
                // fused, so that a zero at 0 Hz next to a pole keeps its digits
                let values = [*b0, (-a1).mul_add(*b0, *b1), (-a2).mul_add(*b0, *b2), -a1, -a2];
                coefficients.iter_mut().zip(values).for_each(|(row, v)| row[lane] = v);
            }
            Group { sections: part.len(), coefficients }
        };
        Self(sections.chunks(LANES).map(group).collect())
    }

    /// How many numbers [`process`](Self::process) keeps between calls.
    pub(super) fn state_len(&self) -> usize {
        self.0.len() * STATES
    }

    /// Sets `state` to `scale` times these states of the sections.
    pub(super) fn set(&self, state: &mut [f64], scale: f64, sections: &[[f64; 2]]) {
        for (state, sections) in state.as_chunks_mut::<STATES>().0.iter_mut().zip(sections.chunks(LANES)) {
            *state = [0.0; STATES];
            for (lane, [first, second]) in sections.iter().enumerate() {
                (state[lane], state[LANES + lane]) = (first * scale, second * scale);
            }
        }
    }

    /// Filters in place, in the order of time or against it.
    pub(super) fn process(&self, state: &mut [f64], x: &mut [f64], backwards: bool) {
        Arch::new().dispatch(Process { groups: &self.0, state, x, backwards });
    }
}

struct Process<'a> {
    groups: &'a [Group],
    state: &'a mut [f64],
    x: &'a mut [f64],
    backwards: bool,
}

impl WithSimd for Process<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if is_fused::<S>() { self.run::<true>() } else { self.run::<false>() }
    }
}

// Everything that multiplies and adds must be inlined into `with_simd`, or it is compiled for any processor: no closures.
impl Process<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let samples = self.x.len();
        let block = if self.groups.len() > 1 { BLOCK } else { samples.max(1) };
        for i in 0..samples.div_ceil(block) {
            let (near, far) = (i * block, ((i + 1) * block).min(samples));
            let range = if self.backwards { samples - far..samples - near } else { near..far };
            let Some(part) = self.x.get_mut(range) else { return };
            let cells = Cell::from_mut(part).as_slice_of_cells();
            for (group, state) in self.groups.iter().zip(self.state.as_chunks_mut::<STATES>().0) {
                run_group::<FUSED>(group, state, cells, self.backwards);
            }
        }
    }
}

#[inline(always)]
fn run_group<const FUSED: bool>(group: &Group, state: &mut [f64; STATES], x: &[Cell<f64>], backwards: bool) {
    match group.sections {
        1 | 2 => run::<FUSED, 2>(group, state, x, backwards),
        3 | 4 => run::<FUSED, 4>(group, state, x, backwards),
        _ => run::<FUSED, LANES>(group, state, x, backwards),
    }
}

/// `N` sections side by side.
struct Pipe<const N: usize> {
    coefficients: [[f64; N]; 5],
    first: [f64; N],
    second: [f64; N],
    /// What the sections gave in the last steps, the latest first.
    given: [[f64; N]; BEHIND],
}

impl<const N: usize> Pipe<N> {
    /// One step of every section that is `active`; gives what the last one gives.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "lanes of several arrays, which the compiler makes vectors of")]
    fn step<const FUSED: bool>(&mut self, input: f64, active: impl Fn(usize) -> bool) -> f64 {
        let [b0, c1, c2, a1, a2] = &self.coefficients;
        let earlier = self.given[BEHIND - 1];
        let mut y = [0.0; N];
        for lane in 0..N {
            let v = if lane == 0 { input } else { earlier[lane - 1] };
            y[lane] = fused::<FUSED>(b0[lane], v, self.first[lane]);
            let first = fused::<FUSED>(a1[lane], self.first[lane], fused::<FUSED>(c1[lane], v, self.second[lane]));
            let second = fused::<FUSED>(a2[lane], self.first[lane], c2[lane] * v);
            if active(lane) {
                (self.first[lane], self.second[lane]) = (first, second);
            }
        }
        for i in (1..BEHIND).rev() {
            self.given[i] = self.given[i - 1];
        }
        self.given[0] = y;
        y[N - 1]
    }

    /// One of the first or last steps, in which the last sections have no sample yet or the first have none any more.
    #[inline(always)]
    fn ragged<const FUSED: bool>(&mut self, x: &[Cell<f64>], backwards: bool, step: usize) {
        let input = nth(x, backwards, step).map_or(0.0, Cell::get);
        let y = self.step::<FUSED>(input, |lane| step >= BEHIND * lane && step - BEHIND * lane < x.len());
        if let Some(out) = step.checked_sub(BEHIND * (N - 1)).and_then(|i| nth(x, backwards, i)) {
            out.set(y);
        }
    }

    /// One sample through all sections, one after the other: the same operations, for pieces of a few samples.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "lanes of several arrays, which the compiler makes vectors of")]
    fn sequential<const FUSED: bool>(&mut self, input: f64) -> f64 {
        let [b0, c1, c2, a1, a2] = &self.coefficients;
        let mut v = input;
        for lane in 0..N {
            let y = fused::<FUSED>(b0[lane], v, self.first[lane]);
            let first = fused::<FUSED>(a1[lane], self.first[lane], fused::<FUSED>(c1[lane], v, self.second[lane]));
            self.second[lane] = fused::<FUSED>(a2[lane], self.first[lane], c2[lane] * v);
            self.first[lane] = first;
            v = y;
        }
        v
    }
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "lanes of several arrays, which the compiler makes vectors of")]
fn run<const FUSED: bool, const N: usize>(group: &Group, state: &mut [f64; STATES], x: &[Cell<f64>], backwards: bool) {
    let lag = BEHIND * (N - 1);
    let samples = x.len();
    let mut pipe = Pipe::<N> {
        coefficients: group.coefficients.map(|row| std::array::from_fn(|lane| row[lane])),
        first: std::array::from_fn(|lane| state[lane]),
        second: std::array::from_fn(|lane| state[LANES + lane]),
        given: [[0.0; N]; BEHIND],
    };
    if samples <= 2 * lag {
        for cell in (0..samples).filter_map(|i| nth(x, backwards, i)) {
            cell.set(pipe.sequential::<FUSED>(cell.get()));
        }
    } else {
        for step in 0..lag {
            pipe.ragged::<FUSED>(x, backwards, step);
        }
        let (from, to) = (x.get(lag..).unwrap_or_default(), x.get(..samples - lag).unwrap_or_default());
        if backwards {
            for (input, out) in to.iter().rev().zip(from.iter().rev()) {
                out.set(pipe.step::<FUSED>(input.get(), |_| true));
            }
        } else {
            for (input, out) in from.iter().zip(to) {
                out.set(pipe.step::<FUSED>(input.get(), |_| true));
            }
        }
        for step in samples..samples + lag {
            pipe.ragged::<FUSED>(x, backwards, step);
        }
    }
    for lane in 0..N {
        (state[lane], state[LANES + lane]) = (pipe.first[lane], pipe.second[lane]);
    }
}

/// Sample `i` in the order of work.
#[inline(always)]
fn nth(x: &[Cell<f64>], backwards: bool, i: usize) -> Option<&Cell<f64>> {
    if backwards { x.get(x.len().checked_sub(1 + i)?) } else { x.get(i) }
}
