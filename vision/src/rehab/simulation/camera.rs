//! How a moving body is seen.

use super::SimulationConfig;
use super::body::Shape;
use crate::rehab::measures::SpacePoints;
use crate::rehab::sequence::{BODY_POINTS, BodyPoints};
use eir_core::random::Stream;

/// A camera that stands still, about level.
#[derive(Debug, Clone)]
pub(super) struct Camera {
    right: [f64; 3],
    up: [f64; 3],
    /// From the subject to the camera.
    axis: [f64; 3],
    /// How far away; infinite without perspective.
    distance: f64,
    centre: [f64; 3],
    px_per_m: f64,
    noise_px: f64,
    /// How alike the jitter of two pictures is that follow each other.
    memory: f64,
    dropout: f64,
    /// Along the trunk and outwards, in metres.
    hip_shift: [f64; 2],
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

impl Camera {
    pub(super) fn drawn(config: &SimulationConfig, shape: &Shape, s: &mut Stream) -> Self {
        let yaw = s.range(config.yaw_deg[0], config.yaw_deg[1]).to_radians();
        let (facing, front) = (if s.chance(0.5) { 1.0 } else { -1.0 }, if s.chance(0.6) { -1.0 } else { 1.0 });
        let (sin, cos) = yaw.sin_cos();
        let flat = [facing * cos, 0.0, facing * front * sin];
        let towards = [-flat[2], 0.0, flat[0]];
        let (pitch, roll) = ((1.5 * s.normal()).to_radians(), (0.8 * s.normal()).to_radians());
        let mix = |a: [f64; 3], b: [f64; 3], angle: f64| [0, 1, 2].map(|c| a[c] * angle.cos() + b[c] * angle.sin());
        let up = mix([0.0, 1.0, 0.0], towards, pitch);
        let axis = mix(towards, [0.0, -1.0, 0.0], pitch);
        let leg = shape.thigh + shape.shank;
        let px_per_m = s.range(130.0, 420.0) / leg;
        let noise_px = s.range(config.noise_percent[0], config.noise_percent[1]) / 100.0 * leg * px_per_m;
        let (size, angle) =
            (s.range(config.hip_shift[0], config.hip_shift[1]) * shape.trunk, s.range(0.0, std::f64::consts::TAU));
        Self {
            right: mix(flat, up, roll),
            up: mix(up, flat, -roll),
            axis,
            distance: if s.chance(0.35) { f64::INFINITY } else { s.range(2.6, 6.0) },
            centre: [0.0, s.range(0.6, 1.2), 0.0],
            px_per_m,
            noise_px,
            memory: if s.chance(0.5) { 0.0 } else { s.range(0.0, 0.8) },
            dropout: s.range(config.dropout[0], config.dropout[1]),
            hip_shift: [size * angle.cos(), size * angle.sin()],
        }
    }

    fn see(&self, p: [f64; 3]) -> [f64; 2] {
        let d = [0, 1, 2].map(|c| p[c] - self.centre[c]);
        let near = 1.0 - dot(d, self.axis) / self.distance;
        let scale = self.px_per_m / near.max(0.2);
        [640.0 + scale * dot(d, self.right), 480.0 - scale * dot(d, self.up)]
    }

    pub(super) fn film(
        &self,
        bodies: impl Iterator<Item = SpacePoints>,
        config: &SimulationConfig,
        s: &mut Stream,
    ) -> Vec<BodyPoints> {
        let mut jitter = [[0.0; 2]; BODY_POINTS];
        let fresh = (1.0 - self.memory * self.memory).sqrt();
        let mut lost = [0usize; BODY_POINTS];
        let mut first = true;
        let lossy = config.dropout[1] > 0.0;
        let frames = bodies.map(|mut p| {
            let (hips, shoulders) =
                ([0, 1, 2].map(|c| 0.5 * (p[2][c] + p[3][c])), [0, 1, 2].map(|c| 0.5 * (p[0][c] + p[1][c])));
            let trunk = [0, 1, 2].map(|c| shoulders[c] - hips[c]);
            let length = dot(trunk, trunk).sqrt().max(1e-6);
            let line = [0, 1, 2].map(|c| p[3][c] - p[2][c]);
            let width = dot(line, line).sqrt().max(1e-6);
            for (side, sign) in [(2, -1.0), (3, 1.0)] {
                for c in 0..3 {
                    p[side][c] += self.hip_shift[0] * trunk[c] / length + sign * self.hip_shift[1] * line[c] / width;
                }
            }
            let frame = std::array::from_fn(|k| {
                let place = self.see(p[k]);
                for v in &mut jitter[k] {
                    let draw = s.normal();
                    *v = if first { draw } else { self.memory * *v + fresh * draw };
                }
                if lossy {
                    if lost[k] > 0 {
                        lost[k] -= 1;
                    } else if s.chance(self.dropout / (2.0 - self.dropout)) {
                        lost[k] = s.below(3); // for two pictures on average
                    } else {
                        return [0, 1].map(|c| (place[c] + self.noise_px * jitter[k][c]) as f32);
                    }
                    return [f32::NAN; 2];
                }
                [0, 1].map(|c| (place[c] + self.noise_px * jitter[k][c]) as f32)
            });
            first = false;
            frame
        });
        frames.collect()
    }
}
