//! Squats of another make than those the networks were trained on: the legs of the reference sequences of kinematics
//! (each hip where its own leg puts it, a cosine over time, parallel projection), with feet and a trunk.

use eir_core::random::Stream;
use eir_vision::rehab::BodyPoints;

/// Thigh, shank and trunk in metres.
const SEGMENTS: [f64; 3] = [0.42, 0.40, 0.5];
const REST_DEG: f64 = 3.0;

#[derive(Debug, Clone)]
pub(crate) struct Squat {
    pub(crate) repetitions: usize,
    pub(crate) seconds: f64,
    pub(crate) rate_hz: f64,
    pub(crate) depth_deg: f64,
    /// By how much the left leg bends less, as a share; below 0 the right one.
    pub(crate) asymmetry: f64,
    /// At the bottom.
    pub(crate) valgus_cm: f64,
    pub(crate) lean_deg: f64,
    pub(crate) heel_cm: f64,
    pub(crate) yaw_deg: f64,
    pub(crate) noise_px: f64,
}

impl Squat {
    pub(crate) fn plain() -> Self {
        Self {
            repetitions: 3,
            seconds: 3.0,
            rate_hz: 30.0,
            depth_deg: 90.0,
            asymmetry: 0.0,
            valgus_cm: 0.0,
            lean_deg: 30.0,
            heel_cm: 0.0,
            yaw_deg: -40.0,
            noise_px: 1.0,
        }
    }

    pub(crate) fn drawn(s: &mut Stream) -> Self {
        Self {
            repetitions: 2 + s.below(3),
            seconds: s.range(1.5, 5.0),
            rate_hz: s.range(20.0, 40.0),
            depth_deg: s.range(50.0, 115.0),
            asymmetry: s.range(-0.25, 0.25),
            valgus_cm: s.range(-1.0, 8.0),
            lean_deg: s.range(10.0, 60.0),
            heel_cm: s.range(0.0, 6.0),
            yaw_deg: s.range(20.0, 70.0) * if s.chance(0.5) { 1.0 } else { -1.0 },
            noise_px: s.range(0.5, 2.0),
        }
    }

    /// By the definitions of `squat_measures`.
    pub(crate) fn truth(&self) -> [f64; 6] {
        let range = self.depth_deg - REST_DEG;
        let (left, right) = (range * (1.0 - self.asymmetry.max(0.0)), range * (1.0 + self.asymmetry.min(0.0)));
        // a tenth of the cosine's height is passed after acos(0.8) of its turn
        let tempo = self.seconds * (1.0 - 0.8f64.acos() / std::f64::consts::PI);
        let depth = 0.5 * (self.knee(left)[0] + self.knee(right)[0]);
        let (l, r) = (self.knee(left)[0] - REST_DEG, self.knee(right)[0] - REST_DEG);
        [self.valgus_cm, depth, 100.0 * (r - l) / l.max(r), tempo, self.lean_deg, self.heel_cm]
    }

    /// Flexion of a knee that was moved inwards, and by how much, for a bend in the plane.
    fn knee(&self, range: f64) -> [f64; 2] {
        let [thigh, shank, _] = SEGMENTS;
        let bend = (REST_DEG + range).to_radians();
        let inwards = self.valgus_cm / 100.0;
        // thigh and shank become longer by the shift, as in the reference
        let (u, v) = ((thigh * thigh + inwards * inwards).sqrt(), (shank * shank + inwards * inwards).sqrt());
        let included = (-thigh * shank * bend.cos() + inwards * inwards) / (u * v);
        [180.0 - included.clamp(-1.0, 1.0).acos().to_degrees(), inwards]
    }

    pub(crate) fn film(&self, s: &mut Stream) -> Vec<BodyPoints> {
        let length = 2.0 + self.repetitions as f64 * self.seconds;
        (0..(length * self.rate_hz) as usize).map(|i| self.picture(i as f64 / self.rate_hz, s)).collect()
    }

    fn picture(&self, t: f64, s: &mut Stream) -> BodyPoints {
        let [thigh, shank, trunk] = SEGMENTS;
        let turn = ((t - 1.0) / self.seconds).clamp(0.0, self.repetitions as f64);
        let share = 0.5 * (1.0 - (std::f64::consts::TAU * turn).cos());
        let mut p = [[0.0; 3]; 12];
        for (side, z) in [(0, -0.12), (1, 0.12)] {
            let less = if side == 0 { self.asymmetry.max(0.0) } else { (-self.asymmetry).max(0.0) };
            let range = (self.depth_deg - REST_DEG) * (1.0 - less);
            let bend = (REST_DEG + range * share).to_radians();
            let full = (REST_DEG + range).to_radians().sin().max(0.2);
            let inwards = self.valgus_cm / 100.0 * (bend.sin() / full).clamp(0.0, 1.0) * -f64::signum(z);
            let (lean, back) = (0.5 * bend, -0.5 * bend);
            p[6 + side] = [0.0, 0.0, z];
            let [x, y] = [shank * lean.sin(), shank * lean.cos()];
            p[4 + side] = [x, y, z + inwards];
            p[2 + side] = [x + thigh * back.sin(), y + thigh * back.cos(), z];
            p[8 + side] = [-0.05, -0.07 + self.heel_cm / 100.0 * share, z];
            p[10 + side] = [0.17, -0.07, z + 0.02 * f64::signum(z)];
        }
        let middle: [f64; 3] = std::array::from_fn(|c| 0.5 * (p[2][c] + p[3][c]));
        let lean = (self.lean_deg * share).to_radians();
        for (side, z) in [(0, -0.19), (1, 0.19)] {
            p[side] = [middle[0] + trunk * lean.sin(), middle[1] + trunk * lean.cos(), z];
        }
        let (sin, cos) = self.yaw_deg.to_radians().sin_cos();
        p.map(|[x, y, z]| {
            let mut jitter = || self.noise_px * s.normal();
            [(320.0 + 350.0 * (x * cos + z * sin) + jitter()) as f32, (400.0 - 350.0 * y + jitter()) as f32]
        })
    }
}
