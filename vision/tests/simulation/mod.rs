//! Exercises whose truth is known: legs that move in one plane, seen from the side with jitter, dropped points, swaps.
#![allow(dead_code, reason = "shared by tests and examples, each of which uses a part")]

use eir_core::random::{Generator, Stream};

/// What is simulated.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) rate_hz: f64,
    pub(crate) noise_px: f64,
    pub(crate) dropout: f64,
    /// Peaks of the repetitions in degrees, in their order, of the right and the left leg.
    pub(crate) peaks: Vec<[f64; 2]>,
    pub(crate) rest_deg: f64,
    /// Seconds of each repetition, and of the pause after each.
    pub(crate) seconds: Vec<f64>,
    pub(crate) pause_s: Vec<f64>,
    pub(crate) lead_s: f64,
    /// Lying with the hip fixed, or standing with the ankle fixed.
    pub(crate) lying: bool,
    pub(crate) yaw_deg: f64,
    /// Lengths of thigh and shank in pixels.
    pub(crate) segments: [f64; 2],
    /// Pictures in which the legs are swapped.
    pub(crate) swaps: usize,
    pub(crate) seed: u64,
}

/// One leg over time: hip, knee, ankle, and the confidence of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leg {
    pub(crate) points: [Vec<[f32; 2]>; 3],
    pub(crate) confidence: [Vec<f32>; 3],
    pub(crate) truth_deg: Vec<f64>,
}

/// What was simulated: the right leg, the left leg, the pictures with swapped legs.
#[derive(Debug, Clone)]
pub(crate) struct Film {
    pub(crate) legs: [Leg; 2],
    pub(crate) swapped: Vec<usize>,
}

impl Scene {
    /// `count` equal repetitions back to back.
    pub(crate) fn plain(
        rate_hz: f64,
        count: usize,
        peak_deg: f64,
        seconds: f64,
        noise_px: f64,
        dropout: f64,
        seed: u64,
    ) -> Self {
        Self {
            rate_hz,
            noise_px,
            dropout,
            peaks: vec![[peak_deg; 2]; count],
            rest_deg: 3.0,
            seconds: vec![seconds; count],
            pause_s: vec![0.0; count],
            lead_s: 1.0,
            lying: false,
            yaw_deg: 0.0,
            segments: [147.0, 140.0],
            swaps: 0,
            seed,
        }
    }

    /// A scene drawn from all that may come: 5 to 30 pictures a second, 0 to 4 px, 0 to 20 % dropped, 20 to 120 degrees,
    /// some repetitions only partial (35 to 50 % of the height). Also the number of whole ones.
    pub(crate) fn drawn(seed: u64) -> (Self, usize) {
        let mut s = Generator::new(seed, "scene").stream(0);
        let count = 1 + s.below(10);
        let rest = s.range(0.0, 10.0);
        let rom = s.range(20.0, 120.0);
        let partial = s.chance(0.4);
        let mut whole = 0;
        let peaks = (0..count).map(|i| {
            let share = if partial && i > 0 && s.chance(0.3) { s.range(0.35, 0.5) } else { s.range(0.9, 1.0) };
            whole += usize::from(share > 0.65);
            [rest + rom * share; 2]
        });
        let peaks: Vec<[f64; 2]> = peaks.collect();
        let scene = Self {
            rate_hz: s.range(5.0, 30.0),
            noise_px: s.range(0.0, 4.0),
            dropout: s.range(0.0, 0.2),
            peaks,
            rest_deg: rest,
            seconds: (0..count).map(|_| s.range(1.8, 4.0)).collect(),
            pause_s: (0..count).map(|_| if s.chance(0.5) { 0.0 } else { s.range(0.0, 2.0) }).collect(),
            lead_s: s.range(1.0, 3.0),
            lying: s.chance(0.5),
            yaw_deg: 0.0,
            segments: [s.range(120.0, 180.0), s.range(110.0, 170.0)],
            swaps: 0,
            seed,
        };
        (scene, whole)
    }

    /// The film.
    pub(crate) fn film(&self) -> Film {
        let mut stream = Generator::new(self.seed, "film").stream(1);
        let total = self.lead_s * 2.0 + self.seconds.iter().chain(&self.pause_s).sum::<f64>();
        let n = (total * self.rate_hz) as usize;
        let mut film = Film { legs: [Leg::default(), Leg::default()], swapped: Vec::new() };
        for (side, leg) in film.legs.iter_mut().enumerate() {
            for i in 0..n {
                let flexion = self.flexion(i as f64 / self.rate_hz, side);
                leg.truth_deg.push(flexion);
                let points = self.leg(flexion.to_radians(), if side == 0 { 42.0 } else { -42.0 });
                for (joint, [x, y]) in points.into_iter().enumerate() {
                    let dropped = stream.chance(self.dropout);
                    let mut jitter = || self.noise_px * stream.normal();
                    let seen = [(x + jitter()) as f32, (y + jitter()) as f32];
                    leg.points[joint].push(if dropped { [0.0, 0.0] } else { seen });
                    let confidence = if dropped { 0.0 } else { (0.9 + 0.03 * stream.normal()).clamp(0.0, 1.0) };
                    leg.confidence[joint].push(confidence as f32);
                }
            }
        }
        let mut pictures: Vec<usize> = (0..n).collect();
        stream.shuffle(&mut pictures);
        film.swapped = pictures.into_iter().take(self.swaps).collect();
        film.swapped.sort_unstable();
        let [right, left] = &mut film.legs;
        for &i in &film.swapped {
            for joint in 0..3 {
                std::mem::swap(&mut right.points[joint][i], &mut left.points[joint][i]);
                std::mem::swap(&mut right.confidence[joint][i], &mut left.confidence[joint][i]);
            }
        }
        film
    }

    fn flexion(&self, t: f64, side: usize) -> f64 {
        let mut t = t - self.lead_s;
        for ((peak, seconds), pause) in self.peaks.iter().zip(&self.seconds).zip(&self.pause_s) {
            if (0.0..*seconds).contains(&t) {
                let share = 0.5 * (1.0 - (t / seconds * std::f64::consts::TAU).cos());
                return self.rest_deg + (peak[side] - self.rest_deg) * share;
            }
            t -= seconds + pause;
        }
        self.rest_deg
    }

    /// Hip, knee, ankle in the picture; `z` is the distance from the plane in the middle of the body.
    fn leg(&self, flexion: f64, z: f64) -> [[f64; 2]; 3] {
        let [thigh, shank] = self.segments;
        let (hip, knee, ankle);
        if self.lying {
            let up = flexion / 2.0;
            hip = [0.0, 0.0];
            knee = [thigh * up.cos(), thigh * up.sin()];
            ankle = [knee[0] + shank * (up - flexion).cos(), knee[1] + shank * (up - flexion).sin()];
        } else {
            let lean = flexion / 2.0;
            ankle = [0.0, 0.0];
            knee = [shank * lean.sin(), shank * lean.cos()];
            hip = [knee[0] + thigh * (lean - flexion).sin(), knee[1] + thigh * (lean - flexion).cos()];
        }
        let (sin, cos) = self.yaw_deg.to_radians().sin_cos();
        [hip, knee, ankle].map(|[x, y]| [320.0 + x * cos + z * sin, 400.0 - y])
    }
}

/// Pictures of someone who stands still.
pub(crate) fn standing(rate_hz: f64, seconds: f64, noise_px: f64, seed: u64) -> Film {
    let scene = Scene { lead_s: seconds / 2.0, seed, ..Scene::plain(rate_hz, 0, 3.0, 1.0, noise_px, 0.0, seed) };
    scene.film()
}

/// One more random stream.
pub(crate) fn stream(seed: u64) -> Stream {
    Generator::new(seed, "more").stream(0)
}
