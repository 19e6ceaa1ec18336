//! What the bodies do.

use super::body::{Leg, Shape, Trunk, knee, pitched, points};
use super::course::Phase;
use crate::rehab::KneeExercise;
use crate::rehab::measures::SpacePoints;
use eir_core::random::Stream;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// One subject's way to do an exercise.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    kind: Kind,
    /// The side of one-sided exercises: 0 left, 1 right.
    side: usize,
    /// How far each repetition goes, about 1.
    depth: Vec<f64>,
    toe_out: [f64; 2],
    /// Ankles from the middle, and forwards.
    stance: [f64; 2],
    stagger: f64,
    trunk: Trunk,
    sway: [f64; 4],
    rest_deg: f64,
    wide: [f64; 6],
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Squat(Squat),
    SitToStand,
    StepUp,
    StraightLegRaise,
    HeelSlide,
    KneeExtension { standing: bool },
    Other(usize),
}

/// How a squat is done.
#[derive(Debug, Clone, Copy)]
struct Squat {
    depth_deg: f64,
    /// Share of the flexion by which the shank leans forwards.
    shank: f64,
    /// How much less the left knee bends; below 0: the right one.
    asymmetry: f64,
    /// Both hips at one place along x, or each where its leg puts it.
    one_pelvis: bool,
    valgus: [f64; 2],
    /// How valgus grows with flexion.
    power: f64,
    sine: bool,
    lean_deg: f64,
    lean_power: f64,
    heel: f64,
    heel_power: f64,
    /// Whether the foot turns about its toes, or only the heel is higher.
    turns: bool,
}

impl Squat {
    fn drawn(s: &mut Stream) -> Self {
        let valgus = s.range(-0.03, 0.105);
        let apart = 0.012 * s.normal();
        Self {
            depth_deg: s.range(38.0, 128.0),
            shank: s.range(0.28, 0.56),
            asymmetry: if s.chance(0.3) { 0.03 * s.normal() } else { s.range(-0.36, 0.36) },
            one_pelvis: s.chance(0.5),
            valgus: [valgus + apart, valgus - apart],
            power: s.range(0.7, 2.0),
            sine: s.chance(0.4),
            lean_deg: s.range(4.0, 68.0),
            lean_power: s.range(0.7, 1.6),
            heel: if s.chance(0.4) { 0.002 * s.normal().abs() } else { s.range(0.0, 0.085) },
            heel_power: s.range(0.8, 3.0),
            turns: s.chance(0.75),
        }
    }
}

impl Squat {
    /// How high the heels are.
    fn rise(&self, share: f64) -> f64 {
        self.heel * share.max(0.0).powf(self.heel_power)
    }
}

impl Motion {
    pub(super) fn drawn(exercise: KneeExercise, shape: &Shape, repetitions: usize, s: &mut Stream) -> Self {
        let kind = match exercise {
            KneeExercise::Squat => Kind::Squat(Squat::drawn(s)),
            KneeExercise::SitToStand => Kind::SitToStand,
            KneeExercise::StepUp => Kind::StepUp,
            KneeExercise::StraightLegRaise => Kind::StraightLegRaise,
            KneeExercise::HeelSlide => Kind::HeelSlide,
            KneeExercise::TerminalKneeExtension => Kind::KneeExtension { standing: s.chance(0.4) },
            KneeExercise::Other => Kind::Other(s.below(OTHERS)),
        };
        let toe_out = s.range(0.0, 25f64.to_radians());
        let stance = shape.hip_half * s.range(0.75, 2.1);
        let mut small = |size: f64| size * s.normal().clamp(-2.0, 2.0);
        Self {
            kind,
            depth: (0..repetitions).map(|_| 1.0 + small(0.03)).collect(),
            toe_out: [toe_out + small(0.05), toe_out + small(0.05)],
            stance: [-stance, stance],
            stagger: small(0.012),
            trunk: Trunk { lean: 0.03 + small(0.03), side: small(0.025), twist: small(0.04) },
            sway: [small(0.006), small(0.006), 0.2 + 0.3 * s.uniform(), TAU * s.uniform()],
            side: s.below(2),
            rest_deg: s.range(1.0, 12.0),
            wide: std::array::from_fn(|_| s.uniform()),
        }
    }

    /// Lets both knees of a squat move inwards by so many metres.
    pub(super) fn plant_valgus(&mut self, metres: f64) {
        if let Kind::Squat(squat) = &mut self.kind {
            squat.valgus = [metres; 2];
        }
    }

    /// The body at a moment.
    pub(super) fn points(&self, shape: &Shape, phase: Phase) -> SpacePoints {
        let share = phase.share * self.depth.get(phase.repetition).copied().unwrap_or(1.0);
        let (legs, mut trunk) = match self.kind {
            Kind::Squat(squat) => self.squat(shape, &squat, share),
            Kind::SitToStand => self.sit_to_stand(shape, share),
            Kind::StepUp => self.step_up(shape, phase.share),
            Kind::StraightLegRaise => self.lying(shape, share, |w| [6.0 * w[2], 35.0 + 35.0 * w[3]]),
            Kind::HeelSlide => self.heel_slide(shape, share),
            Kind::KneeExtension { standing: true } => self.standing_extension(shape, share),
            Kind::KneeExtension { standing: false } => self.short_arc(shape, share),
            Kind::Other(which) => self.other(shape, share, phase, which),
        };
        let wave = (TAU * self.sway[2] * phase.time_s + self.sway[3]).sin();
        trunk.lean += self.sway[0] * wave;
        trunk.side += self.sway[1] * wave;
        let mut p = points(shape, &legs, trunk);
        if let Kind::Squat(squat) = self.kind {
            // some detectors see the heel higher than the foot has turned
            let rise = if squat.turns { 0.0 } else { squat.rise(share) };
            (8..10).for_each(|heel| p[heel][1] += rise);
        }
        p
    }

    fn foot(&self, side: usize, knee: [f64; 3], hip: [f64; 3], ankle: [f64; 3], pitch: f64) -> Leg {
        Leg { hip, knee, ankle, pitch, toe_out: self.toe_out[side] }
    }

    /// A leg in the plane of its hip and ankle, the knee in front.
    fn leg(&self, shape: &Shape, side: usize, hip: [f64; 3], ankle: [f64; 3], pitch: f64) -> Leg {
        let [x, y] = knee([hip[0], hip[1]], [ankle[0], ankle[1]], shape.thigh, shape.shank, 1.0);
        let share = shape.shank / (shape.shank + shape.thigh);
        self.foot(side, [x, y, ankle[2] + (hip[2] - ankle[2]) * share], hip, ankle, pitch)
    }

    fn hips(&self, shape: &Shape, x: f64, y: f64) -> [[f64; 3]; 2] {
        [[x, y, -shape.hip_half], [x, y, shape.hip_half]]
    }

    fn ankle(&self, shape: &Shape, side: usize) -> [f64; 3] {
        [if side == 0 { self.stagger } else { -self.stagger }, shape.sole, self.stance[side]]
    }

    fn lean(&self, degrees: f64) -> Trunk {
        Trunk { lean: self.trunk.lean + degrees.to_radians(), ..self.trunk }
    }

    fn squat(&self, shape: &Shape, squat: &Squat, share: f64) -> ([Leg; 2], Trunk) {
        let rest = self.rest_deg;
        let weak = if squat.asymmetry > 0.0 { 0 } else { 1 };
        let bend = |side: usize| {
            let full = (squat.depth_deg - rest).max(20.0) * share;
            (rest + if side == weak { full * (1.0 - squat.asymmetry.abs()) } else { full }).to_radians()
        };
        let pitch = if squat.turns { (squat.rise(share) / (shape.heel + shape.toes)).min(0.9).asin() } else { 0.0 };
        // the toes stay where they are
        let [dx, dy] = pitched([-shape.toes, shape.sole], pitch);
        let mut hip_x = 0.0;
        let mut built = [self.leg(shape, 0, [0.0, 1.0, 0.0], [0.0; 3], 0.0); 2];
        for side in [1 - weak, weak] {
            let flat = self.ankle(shape, side);
            let ankle = [flat[0] + dx + shape.toes, flat[1] + dy - shape.sole, flat[2]];
            let theta = bend(side);
            let mut lean = squat.shank * theta;
            if squat.one_pelvis && side == weak {
                // the shank leans so that this hip is where the other one is
                let (a, b) = (shape.shank + shape.thigh * theta.cos(), shape.thigh * theta.sin());
                lean = b.atan2(a) + ((hip_x - ankle[0]) / a.hypot(b)).clamp(-1.0, 1.0).asin();
            }
            let (x, y) = (ankle[0] + shape.shank * lean.sin(), ankle[1] + shape.shank * lean.cos());
            hip_x = x + shape.thigh * (lean - theta).sin();
            let sign = if side == 0 { -1.0 } else { 1.0 };
            let hip = [hip_x, y + shape.thigh * (lean - theta).cos(), sign * shape.hip_half];
            let grown = if squat.sine { theta.sin().max(0.0) } else { share.max(0.0).powf(squat.power) };
            let line = ankle[2] + (hip[2] - ankle[2]) * shape.shank / (shape.shank + shape.thigh);
            let knee = [x, y, line - sign * squat.valgus[side] * grown];
            built[side] = self.foot(side, knee, hip, ankle, pitch);
        }
        let lean = squat.lean_deg * share.max(0.0).powf(squat.lean_power);
        (built, self.lean(lean))
    }

    fn sit_to_stand(&self, shape: &Shape, share: f64) -> ([Leg; 2], Trunk) {
        let seated = 70.0 + 40.0 * self.wide[0];
        let theta = (seated + (self.rest_deg - seated) * share.clamp(0.0, 1.0)).to_radians();
        let shank = (15.0 * (self.wide[1] - 0.3) * (1.0 - share) + 12.0 * (PI * share).sin()).to_radians();
        let legs = [0, 1].map(|side| {
            let ankle = self.ankle(shape, side);
            let k = [ankle[0] + shape.shank * shank.sin(), ankle[1] + shape.shank * shank.cos()];
            let sign = if side == 0 { -1.0 } else { 1.0 };
            let hip = [
                k[0] + shape.thigh * (shank - theta).sin(),
                k[1] + shape.thigh * (shank - theta).cos(),
                sign * shape.hip_half,
            ];
            let z = 0.5 * (ankle[2] + hip[2]);
            self.foot(side, [k[0], k[1], z], hip, ankle, 0.0)
        });
        (
            legs,
            self.lean(12.0 * (self.wide[2] - 0.4) * (1.0 - share) + (15.0 + 30.0 * self.wide[3]) * (PI * share).sin()),
        )
    }

    fn step_up(&self, shape: &Shape, p: f64) -> ([Leg; 2], Trunk) {
        let (step, box_m) = (0.2 + 0.2 * self.wide[0], 0.1 + 0.2 * self.wide[1]);
        let part = |from: f64, to: f64| {
            let u = ((p - from) / (to - from)).clamp(0.0, 1.0);
            u * u * (3.0 - 2.0 * u)
        };
        let height = 0.985 * (shape.thigh + shape.shank) + shape.sole;
        let hips = self.hips(shape, step * part(0.2, 0.75), height + box_m * part(0.3, 0.9));
        let legs = [0, 1].map(|side| {
            let u = if side == self.side { part(0.0, 0.4) } else { part(0.5, 0.95) };
            let mut ankle = self.ankle(shape, side);
            ankle[0] += step * u;
            ankle[1] += box_m * (u + 0.5 * (PI * u).sin()).min(1.3);
            self.leg(shape, side, hips[side], ankle, 0.25 * (PI * u).sin())
        });
        (legs, self.lean(15.0 * (PI * p).sin() * self.wide[2]))
    }

    /// A lying subject with the head towards −x; the leg `side` is at `thigh` degrees above the floor and bent by `bend`.
    fn lying_leg(&self, shape: &Shape, side: usize, thigh_deg: f64, bend_deg: f64) -> Leg {
        let (up, bend) = (thigh_deg.to_radians(), bend_deg.to_radians());
        let sign = if side == 0 { -1.0 } else { 1.0 };
        let hip = [0.0, 0.1, sign * shape.hip_half];
        let k = [hip[0] + shape.thigh * up.cos(), hip[1] + shape.thigh * up.sin()];
        let down = bend - up;
        let ankle = [k[0] + shape.shank * down.cos(), k[1] - shape.shank * down.sin(), hip[2] * 1.1];
        // toes up, a little relaxed; a bent knee rests on its sole
        let pitch = -FRAC_PI_2 + down.max(0.0) + if bend_deg > 40.0 { 0.0 } else { 0.5 * self.wide[4] };
        self.foot(side, [k[0], k[1], hip[2] * 1.05], hip, ankle, pitch.min(0.1))
    }

    fn on_the_back(&self) -> Trunk {
        Trunk { lean: -FRAC_PI_2 + 0.5 * self.wide[5] * self.wide[5], ..self.trunk }
    }

    /// The other leg: straight, or bent with the foot on the floor.
    fn resting(&self, shape: &Shape, side: usize) -> Leg {
        if self.wide[0] < 0.5 {
            self.lying_leg(shape, side, 1.0, 2.0)
        } else {
            let bend = 60.0 + 40.0 * self.wide[1];
            self.lying_leg(shape, side, 0.5 * bend, bend)
        }
    }

    fn pair(&self, moved: Leg, other: Leg) -> [Leg; 2] {
        if self.side == 0 { [moved, other] } else { [other, moved] }
    }

    /// A straight leg that is raised; `angles` gives the bend of its knee and how far it goes.
    fn lying(&self, shape: &Shape, share: f64, angles: impl Fn(&[f64; 6]) -> [f64; 2]) -> ([Leg; 2], Trunk) {
        let [bend, high] = angles(&self.wide);
        let moved = self.lying_leg(shape, self.side, 1.0 + high * share, bend);
        (self.pair(moved, self.resting(shape, 1 - self.side)), self.on_the_back())
    }

    fn heel_slide(&self, shape: &Shape, share: f64) -> ([Leg; 2], Trunk) {
        let bend = (self.rest_deg + (35.0 + 85.0 * self.wide[2]) * share).to_radians();
        // the ankle stays on the mat, a little below the hip
        let reach = (shape.thigh.powi(2) + shape.shank.powi(2) + 2.0 * shape.thigh * shape.shank * bend.cos()).sqrt();
        let drop = 0.1 - 0.05;
        let along =
            ((shape.thigh.powi(2) - shape.shank.powi(2) + reach * reach) / (2.0 * reach * shape.thigh)).min(1.0);
        let thigh = along.acos() - (drop / reach).min(1.0).asin();
        let moved = self.lying_leg(shape, self.side, thigh.to_degrees(), bend.to_degrees());
        (self.pair(moved, self.resting(shape, 1 - self.side)), self.on_the_back())
    }

    fn short_arc(&self, shape: &Shape, share: f64) -> ([Leg; 2], Trunk) {
        let (rolled, bent) = (12.0 + 20.0 * self.wide[2], 25.0 + 25.0 * self.wide[3]);
        let bend = bent + (1.0 + 4.0 * self.wide[4] - bent) * share;
        let moved = self.lying_leg(shape, self.side, rolled, bend);
        let mut trunk = self.on_the_back();
        if self.wide[5] < 0.3 {
            trunk.lean = -0.4; // sitting with the legs along
        }
        (self.pair(moved, self.resting(shape, 1 - self.side)), trunk)
    }

    /// A standing leg that is bent by `thigh` degrees forwards at the hip and by `bend` at the knee, from the hip down.
    fn hanging(&self, shape: &Shape, side: usize, hip: [f64; 3], thigh_deg: f64, bend_deg: f64) -> Leg {
        let (forward, bend) = (thigh_deg.to_radians(), bend_deg.to_radians());
        let k = [hip[0] + shape.thigh * forward.sin(), hip[1] - shape.thigh * forward.cos()];
        let shank = forward - bend;
        let ankle = [k[0] + shape.shank * shank.sin(), k[1] - shape.shank * shank.cos(), self.stance[side]];
        let share = shape.shank / (shape.shank + shape.thigh);
        let z = ankle[2] + (hip[2] - ankle[2]) * share;
        self.foot(side, [k[0], k[1], z], hip, ankle, -shank * 0.8)
    }

    fn standing_height(&self, shape: &Shape) -> f64 {
        0.997 * (shape.thigh + shape.shank) + shape.sole
    }

    fn standing_extension(&self, shape: &Shape, share: f64) -> ([Leg; 2], Trunk) {
        let bent = 20.0 + 25.0 * self.wide[2];
        let bend = bent + (self.wide[3] * 4.0 - bent) * share;
        let hips = self.hips(shape, 0.0, self.standing_height(shape));
        let moved = self.hanging(shape, self.side, hips[self.side], bend * (0.4 + 0.3 * self.wide[4]), bend);
        let other = 1 - self.side;
        (self.pair(moved, self.leg(shape, other, hips[other], self.ankle(shape, other), 0.0)), self.lean(3.0))
    }

    fn other(&self, shape: &Shape, share: f64, phase: Phase, which: usize) -> ([Leg; 2], Trunk) {
        let (w, high) = (&self.wide, self.standing_height(shape));
        let hips = self.hips(shape, 0.0, high);
        let stand = |side: usize| self.leg(shape, side, hips[side], self.ankle(shape, side), 0.0);
        let one = |moved: Leg| self.pair(moved, stand(1 - self.side));
        let mine = hips[self.side];
        match which {
            // bowing with straight legs
            0 => ([stand(0), stand(1)], self.lean((20.0 + 60.0 * w[0]) * share)),
            // the leg to the side
            1 => {
                let sign = if self.side == 0 { -1.0 } else { 1.0 };
                let out = sign * ((15.0 + 30.0 * w[0]) * share).to_radians();
                let along = |l: f64| [mine[0], mine[1] - l * out.cos(), mine[2] + l * out.sin()];
                let (k, a) = (along(shape.thigh), along(shape.thigh + shape.shank));
                (one(self.foot(self.side, k, mine, a, 0.0)), self.trunk)
            }
            // on the toes
            2 => {
                let rise = (0.25 + 0.35 * w[0]) * share;
                let [x, y] = pitched([-shape.toes, shape.sole], rise);
                let legs = [0, 1].map(|side| {
                    let (mut ankle, mut hip) = (self.ankle(shape, side), hips[side]);
                    ankle[0] += x + shape.toes;
                    ankle[1] += y - shape.sole;
                    hip[0] += x + shape.toes;
                    hip[1] += y - shape.sole;
                    self.leg(shape, side, hip, ankle, rise)
                });
                (legs, self.trunk)
            }
            // a lunge
            3 => {
                let far = 0.45 + 0.3 * w[0];
                let hips = self.hips(shape, 0.5 * far * share, high - (0.15 + 0.2 * w[1]) * share);
                let legs = [0, 1].map(|side| {
                    let mut ankle = self.ankle(shape, side);
                    let front = side == self.side;
                    ankle[0] += if front { far * share } else { 0.05 * share };
                    ankle[1] += if front { 0.05 * (PI * share).sin() } else { 0.09 * share };
                    self.leg(shape, side, hips[side], ankle, if front { 0.0 } else { 0.8 * share })
                });
                (legs, self.lean(10.0 * w[2] * share))
            }
            // a bridge
            4 => {
                let bend = 80.0 + 25.0 * w[0];
                let thigh = 0.5 * bend - (20.0 + 15.0 * w[1]) * share;
                let mut legs = [0, 1].map(|side| self.lying_leg(shape, side, thigh, bend - 8.0 * share));
                let floor = self.lying_leg(shape, 0, 0.5 * bend, bend).ankle;
                let lift = floor[1] - legs[0].ankle[1];
                for leg in &mut legs {
                    [&mut leg.hip, &mut leg.knee, &mut leg.ankle].into_iter().for_each(|p| p[1] += lift);
                    leg.pitch = 0.0;
                }
                let sink = (lift / shape.trunk).clamp(-0.9, 0.9).asin();
                (legs, Trunk { lean: -FRAC_PI_2 - sink, ..self.trunk })
            }
            // sitting, the knee is straightened
            5 => {
                let bend = 90.0 - (60.0 + 25.0 * w[0]) * share;
                let seat = self.hips(shape, 0.0, shape.shank + shape.sole + 0.02);
                let legs = [0, 1].map(|side| {
                    let bend = if side == self.side { bend } else { 90.0 };
                    self.hanging(shape, side, seat[side], 88.0, bend)
                });
                (legs, self.lean(-5.0))
            }
            // the heel to the seat
            6 => (one(self.hanging(shape, self.side, mine, 2.0, (50.0 + 60.0 * w[0]) * share)), self.trunk),
            // the knee lifted
            7 => {
                let up = (40.0 + 50.0 * w[0]) * share;
                (one(self.hanging(shape, self.side, mine, up, up * (0.8 + 0.4 * w[1]))), self.trunk)
            }
            // marching: sides by turns
            8 => {
                let side = phase.repetition % 2;
                let up = (35.0 + 45.0 * w[0]) * share;
                let moved = self.hanging(shape, side, hips[side], up, up * 1.1);
                let still = stand(1 - side);
                (if side == 0 { [moved, still] } else { [still, moved] }, self.trunk)
            }
            // weight from side to side
            9 => {
                let shift = (0.06 + 0.08 * w[0]) * share;
                let legs = [0, 1].map(|side| {
                    let hip = [hips[side][0], hips[side][1] - shift * 0.15, hips[side][2] + shift];
                    self.leg(shape, side, hip, self.ankle(shape, side), 0.0)
                });
                (legs, Trunk { side: self.trunk.side + 0.15 * w[1] * share, ..self.trunk })
            }
            // the straight leg forwards or backwards
            10 => {
                let swing = if w[1] < 0.5 { 20.0 + 30.0 * w[0] } else { -15.0 - 20.0 * w[0] };
                (one(self.hanging(shape, self.side, mine, swing * share, 3.0)), self.trunk)
            }
            // a step aside and back
            _ => {
                let far = (0.2 + 0.3 * w[0]) * share;
                let legs = [0, 1].map(|side| {
                    let part = if side == 1 { (1.6 * share).min(1.0) } else { ((share - 0.4) / 0.6).clamp(0.0, 1.0) };
                    let mut ankle = self.ankle(shape, side);
                    ankle[2] += (0.2 + 0.3 * w[0]) * part;
                    ankle[1] += 0.06 * (PI * part).sin();
                    let hip = [hips[side][0], hips[side][1] - 0.01, hips[side][2] + far];
                    self.leg(shape, side, hip, ankle, 0.0)
                });
                (legs, self.trunk)
            }
        }
    }
}

/// Movements that are none of the exercises.
const OTHERS: usize = 12;
