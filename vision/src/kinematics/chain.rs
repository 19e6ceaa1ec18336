//! Two rigid segments that turn about each other: what a leg in a plane is, and what makes its angle more certain.

use super::kalman::{KalmanSmoother, SmoothTrack};

/// Segments whose length varies by more than this share are not rigid: the leg leaves the plane, or the points drift.
const MOST_VARIATION: f64 = 0.04;
/// Variance of the first angle, speed and acceleration, in rad², (rad/s)² and (rad/s²)²: nothing is known of them.
const VAGUE: [f64; 3] = [1.0, 1e2, 1e4];
/// Values of the state: angle, speed and acceleration of either segment.
const N: usize = 6;

/// A joint as it was seen: the point and its variance across and along the picture; missing where that is infinite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) point: [f64; 2],
    pub(crate) variance: [f64; 2],
}

/// A joint over time: as seen, and smoothed by itself; all in the plane of movement.
#[derive(Debug)]
pub(crate) struct Joint<'a> {
    pub(crate) seen: &'a [Seen],
    pub(crate) smooth: Vec<[f64; 2]>,
    pub(crate) sigma: &'a [f64],
}

/// Angle between the segments in degrees, signed, and its standard error; NaN where a joint is not known.
pub(crate) type Angles = Vec<(f64, f64)>;

/// The length of a segment and how much it varies beyond what jitter does.
fn length(a: &Joint<'_>, b: &Joint<'_>) -> Option<(f64, f64)> {
    let (mut n, mut mean, mut squares, mut noise) = (0.0, 0.0, 0.0, 0.0);
    for ((p, q), (s, t)) in a.smooth.iter().zip(&b.smooth).zip(a.sigma.iter().zip(b.sigma)) {
        let length = (q[0] - p[0]).hypot(q[1] - p[1]);
        if length.is_finite() {
            n += 1.0;
            let step = length - mean;
            mean += step / n;
            squares += step * (length - mean);
            noise += s * s + t * t;
        }
    }
    let excess = (squares / n - noise / n).max(0.0).sqrt();
    (n >= 8.0 && mean > 0.0 && excess <= MOST_VARIATION * mean).then_some((mean, excess))
}

/// The direction from `a` to `b` over time in radians, without jumps, and whether it is known.
fn direction(a: &[[f64; 2]], b: &[[f64; 2]]) -> Vec<f64> {
    let mut last: Option<f64> = None;
    let turn = |(p, q): (&[f64; 2], &[f64; 2])| {
        let angle = (q[1] - p[1]).atan2(q[0] - p[0]);
        let near =
            last.map_or(angle, |l| angle - std::f64::consts::TAU * ((angle - l) / std::f64::consts::TAU).round());
        if near.is_finite() {
            last = Some(near);
        }
        near
    };
    a.iter().zip(b).map(turn).collect()
}

/// The angle of a chain `root`–`middle`–`end` of two rigid segments, or none where they are not rigid.
///
/// State: direction, speed and acceleration of either segment, whose accelerations change at random. Observations: where
/// `middle` and `end` were seen from the smoothed `root`, which are linear in the directions near the present estimate; it
/// is repeated from the result. Backwards as in [`KalmanSmoother`].
pub(crate) fn angles(
    root: &Joint<'_>,
    middle: &Joint<'_>,
    end: &Joint<'_>,
    times: &[f64],
    smoother: &KalmanSmoother,
) -> Option<Angles> {
    let (length_a, excess_a) = length(root, middle)?;
    let (length_b, excess_b) = length(middle, end)?;
    let mut turns = [direction(&root.smooth, &middle.smooth), direction(&middle.smooth, &end.smooth)];
    let free = [freedom(root, middle, &turns[0], times, smoother)?, freedom(middle, end, &turns[1], times, smoother)?];
    let known = |i: usize| turns.iter().all(|t| t.get(i).is_some_and(|v| v.is_finite()));
    let first = (0..times.len()).find(|&i| known(i))?;
    let last = (0..times.len()).rev().find(|&i| known(i))?;
    let mut chain = Chain {
        root,
        middle,
        end,
        times,
        first,
        last,
        free,
        lengths: [length_a, length_b],
        excess: [excess_a, excess_b],
    };
    let mut result = chain.pass(&turns)?;
    for (i, s) in (first..).zip(&result) {
        turns[0][i] = s.0[0];
        turns[1][i] = s.0[1];
    }
    chain.lengths = [length_a, length_b];
    result = chain.pass(&turns)?;
    let mut angles = vec![(f64::NAN, f64::NAN); times.len()];
    for ((angle, (turns, variance)), sigma) in
        angles.iter_mut().skip(first).zip(result).zip(root.sigma.iter().skip(first))
    {
        // whole turns say nothing
        let between = turns[1] - turns[0];
        let between = between - std::f64::consts::TAU * (between / std::f64::consts::TAU).round();
        // what the root's own error adds
        let variance = variance + (sigma / length_a).powi(2);
        *angle = (between.to_degrees(), variance.max(0.0).sqrt().to_degrees());
    }
    Some(angles)
}

/// How freely a segment turns, from its direction in each picture.
fn freedom(a: &Joint<'_>, b: &Joint<'_>, near: &[f64], times: &[f64], smoother: &KalmanSmoother) -> Option<f64> {
    let seen = |i: usize| -> Option<f64> {
        let (p, q) = (a.seen.get(i)?, b.seen.get(i)?);
        let there = p.variance[0].is_finite() && q.variance[0].is_finite();
        let angle = (q.point[1] - p.point[1]).atan2(q.point[0] - p.point[0]);
        let near = near.get(i)?;
        let turns = ((angle - near) / std::f64::consts::TAU).round();
        there.then_some(angle - std::f64::consts::TAU * turns)
    };
    let raw: Vec<[f64; 1]> = (0..times.len()).map(|i| [seen(i).unwrap_or(f64::NAN)]).collect();
    let smooth: SmoothTrack<1> = smoother.smooth(times, &raw, None).ok()?;
    (smooth.process.is_finite() && smooth.process > 0.0).then_some(smooth.process)
}

#[derive(Debug)]
struct Chain<'a> {
    root: &'a Joint<'a>,
    middle: &'a Joint<'a>,
    end: &'a Joint<'a>,
    times: &'a [f64],
    first: usize,
    last: usize,
    free: [f64; 2],
    lengths: [f64; 2],
    excess: [f64; 2],
}

type Matrix = [[f64; N]; N];

/// One observed coordinate: its derivatives by the two directions, innovation, `P Hᵀ`, and the innovation's variance.
#[derive(Debug, Clone, Copy)]
struct Update {
    h: [f64; 2],
    innovation: f64,
    ph: [f64; N],
    s: f64,
}

/// A picture on the way forwards: the time since the one before, the state before it, and what was observed.
#[derive(Debug, Clone)]
struct Step {
    dt: f64,
    x: [f64; N],
    p: Matrix,
    updates: [Option<Update>; 4],
}

impl Chain<'_> {
    /// The directions of both segments and the variance of the angle between them, from `first` to `last`.
    fn pass(&self, about: &[Vec<f64>; 2]) -> Option<Vec<([f64; 2], f64)>> {
        let start = |k: usize| about.get(k).and_then(|t| t.get(self.first)).copied();
        let mut x = [start(0)?, 0.0, 0.0, start(1)?, 0.0, 0.0];
        let mut p: Matrix = [[0.0; N]; N];
        for (i, row) in p.iter_mut().enumerate() {
            row[i] = VAGUE[i % 3];
        }
        let mut steps = Vec::with_capacity(self.last + 1 - self.first);
        for i in self.first..=self.last {
            let dt = if i > self.first { self.times.get(i)? - self.times.get(i - 1)? } else { 0.0 };
            if i > self.first {
                predict(&mut x, &mut p, dt, self.free);
            }
            let mut step = Step { dt, x, p, updates: [None; 4] };
            let turns = [*about.first()?.get(i)?, *about.get(1)?.get(i)?];
            for (update, (h, value, variance)) in step.updates.iter_mut().zip(self.observations(i, turns)?) {
                if variance.is_finite() {
                    let linear = h[0] * (x[0] - turns[0]) + h[1] * (x[3] - turns[1]);
                    *update = Some(observe(&mut x, &mut p, h, value - linear, variance));
                }
            }
            steps.push(step);
        }
        Some(backward(&steps))
    }

    /// Each coordinate: derivatives by the directions, what is seen minus what the directions say, variance.
    #[allow(clippy::type_complexity, reason = "four rows of three")]
    fn observations(&self, i: usize, turns: [f64; 2]) -> Option<[([f64; 2], f64, f64); 4]> {
        let root = self.root.smooth.get(i)?;
        let (middle, end) = (self.middle.seen.get(i)?, self.end.seen.get(i)?);
        let known = turns.iter().chain(root).all(|v| v.is_finite());
        let [a, b] = self.lengths;
        let ((sin_a, cos_a), (sin_b, cos_b)) = (turns[0].sin_cos(), turns[1].sin_cos());
        let at_middle = [root[0] + a * cos_a, root[1] + a * sin_a];
        let at_end = [at_middle[0] + b * cos_b, at_middle[1] + b * sin_b];
        let (across_a, across_b) = ([-a * sin_a, a * cos_a], [-b * sin_b, b * cos_b]);
        let row = |joint: &Seen, at: [f64; 2], k: usize, h: [f64; 2], excess: f64| {
            let variance = if known { joint.variance[k] + excess * excess } else { f64::INFINITY };
            (h, joint.point[k] - at[k], variance)
        };
        let [excess_a, excess_b] = self.excess;
        Some([
            row(middle, at_middle, 0, [across_a[0], 0.0], excess_a),
            row(middle, at_middle, 1, [across_a[1], 0.0], excess_a),
            row(end, at_end, 0, [across_a[0], across_b[0]], excess_b),
            row(end, at_end, 1, [across_a[1], across_b[1]], excess_b),
        ])
    }
}

/// One picture on: `x = F x`, `P = F P Fᵀ + Q`.
fn predict(x: &mut [f64; N], p: &mut Matrix, h: f64, free: [f64; 2]) {
    let g = h * h / 2.0;
    for o in [0, 3] {
        x[o] += h * x[o + 1] + g * x[o + 2];
        x[o + 1] += h * x[o + 2];
    }
    for o in [0, 3] {
        let (speed, acceleration) = (p[o + 1], p[o + 2]);
        for ((v, b), c) in p[o].iter_mut().zip(&speed).zip(&acceleration) {
            *v += h * b + g * c;
        }
        p[o + 1].iter_mut().zip(&acceleration).for_each(|(v, c)| *v += h * c);
    }
    for row in p.iter_mut() {
        for o in [0, 3] {
            row[o] += h * row[o + 1] + g * row[o + 2];
            row[o + 1] += h * row[o + 2];
        }
    }
    let (h2, h3) = (h * h, h * h * h);
    for (o, q) in [0, 3].into_iter().zip(free) {
        p[o][o] += q * h3 * h2 / 20.0;
        p[o + 1][o + 1] += q * h3 / 3.0;
        p[o + 2][o + 2] += q * h;
        for (i, j, v) in [(0, 1, q * h2 * h2 / 8.0), (0, 2, q * h3 / 6.0), (1, 2, q * h2 / 2.0)] {
            p[o + i][o + j] += v;
            p[o + j][o + i] += v;
        }
    }
}

/// What one coordinate says.
fn observe(x: &mut [f64; N], p: &mut Matrix, h: [f64; 2], innovation: f64, variance: f64) -> Update {
    let ph: [f64; N] = std::array::from_fn(|i| p[i][0] * h[0] + p[i][3] * h[1]);
    let s = h[0] * ph[0] + h[1] * ph[3] + variance;
    let over = 1.0 / s;
    for i in 0..N {
        x[i] += ph[i] * over * innovation;
        for j in 0..N {
            p[i][j] -= ph[i] * over * ph[j];
        }
    }
    Update { h, innovation, ph, s }
}

fn backward(steps: &[Step]) -> Vec<([f64; 2], f64)> {
    let mut lambda = [0.0f64; N];
    let mut l: Matrix = [[0.0; N]; N];
    let mut result = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        for update in step.updates.iter().rev().flatten() {
            // through one observation: C = I − K H
            let over = 1.0 / update.s;
            let gain = update.ph.map(|v| v * over);
            let along: f64 = gain.iter().zip(&lambda).map(|(a, b)| a * b).sum();
            let w: [f64; N] = std::array::from_fn(|i| l[i].iter().zip(&gain).map(|(a, b)| a * b).sum());
            let kk: f64 = gain.iter().zip(&w).map(|(a, b)| a * b).sum();
            for (&o, h) in [0, 3].iter().zip(update.h) {
                lambda[o] -= h * (along + update.innovation * over);
                for j in 0..N {
                    l[o][j] -= h * w[j];
                    l[j][o] -= h * w[j];
                }
                for (&c, h2) in [0, 3].iter().zip(update.h) {
                    l[o][c] += h * h2 * (kk + over);
                }
            }
        }
        let p = &step.p;
        let turn = |o: usize| step.x[o] - p[o].iter().zip(&lambda).map(|(a, b)| a * b).sum::<f64>();
        let between: [f64; N] = std::array::from_fn(|i| p[i][3] - p[i][0]);
        let spread: f64 = (0..N).map(|i| between[i] * l[i].iter().zip(&between).map(|(a, b)| a * b).sum::<f64>()).sum();
        result.push(([turn(0), turn(3)], between[3] - between[0] - spread));
        let (h, g) = (step.dt, step.dt * step.dt / 2.0);
        for o in [0, 3] {
            let [a, b] = [lambda[o], lambda[o + 1]];
            lambda[o + 1] += h * a;
            lambda[o + 2] += g * a + h * b;
        }
        for o in [0, 3] {
            let (angle, speed) = (l[o], l[o + 1]);
            for ((v, a), b) in l[o + 2].iter_mut().zip(&angle).zip(&speed) {
                *v += g * a + h * b;
            }
            l[o + 1].iter_mut().zip(&angle).for_each(|(v, a)| *v += h * a);
        }
        for row in &mut l {
            for o in [0, 3] {
                let [a, b] = [row[o], row[o + 1]];
                row[o + 1] += h * a;
                row[o + 2] += g * a + h * b;
            }
        }
    }
    result.reverse();
    result
}
