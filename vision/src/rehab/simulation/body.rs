//! Bodies of different sizes and proportions.

use crate::rehab::measures::SpacePoints;
use eir_core::random::Stream;

/// Lengths in metres.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) height: f64,
    pub(super) thigh: f64,
    pub(super) shank: f64,
    pub(super) trunk: f64,
    /// From the ankle back to the heel, forwards to the toes, and down to the sole.
    pub(super) heel: f64,
    pub(super) toes: f64,
    pub(super) sole: f64,
    pub(super) hip_half: f64,
    pub(super) shoulder_half: f64,
}

impl Shape {
    /// Proportions of Winter 2009 (doi:10.1002/9780470549148), each with a spread of its own.
    pub(super) fn drawn(s: &mut Stream) -> Self {
        let height = (1.69 + 0.1 * s.normal()).clamp(1.42, 2.02);
        let mut part = |share: f64, spread: f64| height * share * (1.0 + spread * s.normal().clamp(-2.0, 2.0));
        Self {
            thigh: part(0.246, 0.035),
            shank: part(0.243, 0.035),
            trunk: part(0.288, 0.04),
            heel: part(0.035, 0.15),
            toes: part(0.105, 0.1),
            sole: part(0.039, 0.1),
            hip_half: part(0.066, 0.12),
            shoulder_half: part(0.112, 0.08),
            height,
        }
    }
}

/// One leg in space: joints, the pitch of the sole (toes down is positive) and how far the toes point outwards, in radians.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leg {
    pub(super) hip: [f64; 3],
    pub(super) knee: [f64; 3],
    pub(super) ankle: [f64; 3],
    pub(super) pitch: f64,
    pub(super) toe_out: f64,
}

/// The trunk: lean forwards and to the right, twist of the shoulders against the hips, in radians.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trunk {
    pub(super) lean: f64,
    pub(super) side: f64,
    pub(super) twist: f64,
}

/// A point in the plane of a leg that is turned by the pitch of the sole.
pub(super) fn pitched([x, y]: [f64; 2], pitch: f64) -> [f64; 2] {
    let (sin, cos) = pitch.sin_cos();
    [x * cos + y * sin, y * cos - x * sin]
}

/// The twelve points; legs are left and right.
pub(super) fn points(shape: &Shape, legs: &[Leg; 2], trunk: Trunk) -> SpacePoints {
    let mut p = [[0.0; 3]; 12];
    for (side, leg) in legs.iter().enumerate() {
        let out = if side == 0 { -leg.toe_out } else { leg.toe_out };
        let foot = |at: [f64; 2]| {
            let [x, y] = pitched(at, leg.pitch);
            [leg.ankle[0] + x * out.cos(), leg.ankle[1] + y, leg.ankle[2] + x * out.sin()]
        };
        p[2 + side] = leg.hip;
        p[4 + side] = leg.knee;
        p[6 + side] = leg.ankle;
        p[8 + side] = foot([-shape.heel, -shape.sole]);
        p[10 + side] = foot([shape.toes, -shape.sole]);
    }
    let hips: [f64; 3] = std::array::from_fn(|c| 0.5 * (p[2][c] + p[3][c]));
    let (sin, cos) = trunk.lean.sin_cos();
    let top = [
        hips[0] + shape.trunk * sin * trunk.side.cos(),
        hips[1] + shape.trunk * cos * trunk.side.cos(),
        hips[2] + shape.trunk * trunk.side.sin(),
    ];
    for (side, sign) in [(0, -1.0), (1, 1.0)] {
        let half = sign * shape.shoulder_half;
        p[side] = [
            top[0] + half * trunk.twist.sin(),
            top[1] - half * trunk.side.sin(),
            top[2] + half * trunk.twist.cos() * trunk.side.cos(),
        ];
    }
    p
}

/// The knee between a hip and an ankle in one plane; of the two places the one to the left of the way from ankle to hip
/// (`sign` −1) or to the right of it (1): a standing knee points forwards with 1.
pub(super) fn knee([hx, hy]: [f64; 2], [ax, ay]: [f64; 2], thigh: f64, shank: f64, sign: f64) -> [f64; 2] {
    let (dx, dy) = (hx - ax, hy - ay);
    let length = dx.hypot(dy).clamp((thigh - shank).abs() + 1e-6, thigh + shank - 1e-9);
    let along = (shank * shank - thigh * thigh + length * length) / (2.0 * length);
    let out = sign * (shank * shank - along * along).max(0.0).sqrt();
    let (ux, uy) = (dx / dx.hypot(dy).max(1e-9), dy / dx.hypot(dy).max(1e-9));
    [ax + along * ux + out * uy, ay + along * uy - out * ux]
}
