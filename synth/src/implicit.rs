//! Solids as functions that are negative inside, and their volumes.
//!
//! Every function here changes by at most 1 per mm (most are distances), so that a cell farther from the surface than
//! its half diagonal is wholly inside or outside. That bound makes a fine integration cheap.

/// A place in mm.
pub(crate) type Point = [f64; 3];

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Everything within `radius` of the line from `a` to `b`.
pub(crate) fn capsule(p: Point, a: Point, b: Point, radius: f64) -> f64 {
    let (from, along) = (minus(p, a), minus(b, a));
    let t = (dot(from, along) / dot(along, along).max(1e-12)).clamp(0.0, 1.0);
    let rest = minus(from, along.map(|v| v * t));
    dot(rest, rest).sqrt() - radius
}

/// A plate around the origin: a rectangle of half sides `half` with corners of radius `corner` (the first two axes), of
/// half thickness `thick` (the third), its edges rounded by `edge`.
pub(crate) fn plate(p: Point, half: [f64; 2], corner: f64, thick: f64, edge: f64) -> f64 {
    let q = [p[0].abs() - half[0] + corner, p[1].abs() - half[1] + corner];
    let flat = q[0].max(0.0).hypot(q[1].max(0.0)) + q[0].max(q[1]).min(0.0) - corner + edge;
    let high = p[2].abs() - thick + edge;
    flat.max(0.0).hypot(high.max(0.0)) + flat.max(high).min(0.0) - edge
}

/// Both solids, blended where their functions differ by less than `blend`.
pub(crate) fn union(a: f64, b: f64, blend: f64) -> f64 {
    let h = (blend - (a - b).abs()).max(0.0) / blend;
    a.min(b) - h * h * blend / 4.0
}

/// Volume of `{ f < 0 }` inside the box from `low` to `high`.
///
/// Cells near the surface are halved down to half a millimetre; there the surface counts as a plane whose distance and
/// direction come from `f`. The error of a cell has no preferred sign.
pub(crate) fn volume_mm3(low: Point, high: Point, f: &impl Fn(Point) -> f64) -> f64 {
    let size = minus(high, low);
    let parts = size.map(|s| (s / 8.0).ceil().max(1.0));
    let step: Point = std::array::from_fn(|k| size[k] / parts[k]);
    let mut sum = 0.0;
    for i in 0..parts[0] as usize {
        for j in 0..parts[1] as usize {
            for k in 0..parts[2] as usize {
                let at = [i, j, k].map(|v| v as f64 + 0.5);
                sum += cell(std::array::from_fn(|a| low[a] + at[a] * step[a]), step, 4, f);
            }
        }
    }
    sum
}

fn cell(centre: Point, size: Point, depth: u32, f: &impl Fn(Point) -> f64) -> f64 {
    let value = f(centre);
    let whole = size[0] * size[1] * size[2];
    if value.abs() > 0.5 * dot(size, size).sqrt() {
        return if value < 0.0 { whole } else { 0.0 };
    }
    if depth == 0 {
        // change of f across the cell, and its curvature
        let (mut across, mut curvature) = (0.0, 0.0);
        for a in 0..3 {
            let moved = |by: f64| {
                let mut p = centre;
                p[a] += by * size[a];
                f(p)
            };
            let (after, before) = (moved(0.5), moved(-0.5));
            across += (after - before).abs();
            curvature += (after + before - 2.0 * value) / (0.25 * size[a] * size[a]);
        }
        // a ramp of this width has a second moment, which would make convex solids too large by it
        let shift = (across * across / 24.0 * curvature).clamp(-across / 4.0, across / 4.0);
        return whole * (0.5 - (value + shift) / across.max(1e-9)).clamp(0.0, 1.0);
    }
    let half = size.map(|s| s / 2.0);
    let mut sum = 0.0;
    for corner in 0..8u8 {
        let side = |a: u8| if corner >> a & 1 == 1 { 0.5 } else { -0.5 };
        let to = [centre[0] + side(0) * half[0], centre[1] + side(1) * half[1], centre[2] + side(2) * half[2]];
        sum += cell(to, half, depth - 1, f);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn volumes_of_known_solids() {
        let (low, high) = ([-30.0, -31.0, -33.0], [33.0, 35.0, 31.0]);
        let of = |f: &dyn Fn(Point) -> f64| volume_mm3(low, high, &|p| f(p));
        let close = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 2e-4, "{got} {want}");
        close(of(&|p| capsule(p, [0.3, 0.1, 0.2], [0.3, 0.1, 0.2], 20.0)), 4.0 / 3.0 * PI * 8000.0);
        let capsule_mm3 = PI * 100.0 * 20.0 + 4.0 / 3.0 * PI * 1000.0;
        close(of(&|p| capsule(p, [0.0, -10.0, 0.3], [0.0, 10.0, 0.3], 10.0)), capsule_mm3);
        let square = 40.0 * 30.0 - (4.0 - PI) * 64.0;
        close(of(&|p| plate(p, [20.0, 15.0], 8.0, 5.1, 1e-6)), square * 10.2);
        // a solid that the box cuts in half
        let half = volume_mm3([0.0, -25.0, -25.0], [25.0; 3], &|p| capsule(p, [0.0; 3], [0.0; 3], 20.0));
        close(half, 2.0 / 3.0 * PI * 8000.0);
    }

    #[test]
    fn nothing_changes_faster_than_one() {
        let mut stream = eir_core::random::Generator::new(1, "implicit").stream(0);
        let f = |p: Point| {
            let a = capsule(p, [1.0, 2.0, 3.0], [4.0, 9.0, -2.0], 3.0);
            union(a, plate(p, [9.0, 7.0], 3.0, 4.0, 2.0), 5.0)
        };
        for _ in 0..10_000 {
            let mut place = || -> Point { std::array::from_fn(|_| stream.range(-15.0, 15.0)) };
            let (p, q) = (place(), place());
            let apart = minus(p, q);
            assert!((f(p) - f(q)).abs() <= dot(apart, apart).sqrt() + 1e-9);
        }
    }
}
