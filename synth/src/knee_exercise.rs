//! Knee exercises as keypoints of a body seen from the side, with known flexion.

use crate::Result;
use crate::error::within;
use eir_core::error::Parameter;
use eir_core::random::{Generator, Stream};
use serde::{Deserialize, Serialize};

/// Simulates a knee exercise: settings, then a seed.
///
/// See [`KneeExerciseConfig`] for the model, its settings and an example.
///
/// # Errors
/// As [`KneeExerciseConfig::validate`].
pub fn knee_exercise(config: &KneeExerciseConfig, seed: u64) -> Result<KneeExercise> {
    config.validate()?;
    let random = Generator::new(seed, "knee exercise");
    let course = Course::new(config, &mut random.stream(0));
    let n = (course.length_s * config.rate_hz).ceil() as usize;
    let mut noise = random.stream(1);
    let mut keypoints = Vec::with_capacity(n);
    let mut knee_flexion_deg = Vec::with_capacity(n);
    for i in 0..n {
        let (right, left) = course.flexion_deg(i as f64 / config.rate_hz);
        let places = match config.exercise {
            Exercise::Squat => squat(config.height_px, right, left),
            Exercise::HeelSlide => heel_slide(config.height_px, right),
        };
        keypoints.push(seen(&places, config, &mut noise));
        knee_flexion_deg.push(right as f32);
    }
    Ok(KneeExercise { rate_hz: config.rate_hz, keypoints, knee_flexion_deg, repetitions: config.repetitions })
}

/// A simulated exercise and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct KneeExercise {
    /// Pictures a second.
    pub rate_hz: f64,
    /// Per picture the 33 keypoints in BlazePose's order: x and y in pixels of a picture of 640 × 480, confidence 0 to 1.
    pub keypoints: Vec<[[f32; 3]; 33]>,
    /// True flexion of the right knee in degrees per picture: 180° − the angle hip, knee, ankle.
    pub knee_flexion_deg: Vec<f32>,
    /// Repetitions that were done.
    pub repetitions: usize,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Exercise {
    /// Standing, both knees bend.
    Squat,
    /// Lying on the back, the right heel slides to the body and away.
    HeelSlide,
}

/// Settings of [`knee_exercise`]: an exercise whose knee angle and repetitions are known.
///
/// **Use it** to test angle and repetition code. **Not** as training data for pose models: the body is flat, its
/// segments are rigid, the noise of a joint is independent from picture to picture.
///
/// # Formula
/// Each repetition goes from the resting angle to its own deepest angle and back by the minimum-jerk curve
/// 10s³ − 15s⁴ + 6s⁵ \[1\], with a hold at both ends. Segments have the lengths of \[2\] (thigh 0.245, shank 0.246, trunk 0.288
/// of the body height). The angle hip, knee, ankle is exact in the picture; noise is Student's t with 5 degrees of
/// freedom, scaled to the standard deviation that is set.
///
/// # Examples
/// ```
/// use eir_synth::{KneeExerciseConfig, knee_exercise};
/// let exercise = knee_exercise(&KneeExerciseConfig::default(), 1)?;
/// assert_eq!(exercise.repetitions, 5);
/// let deepest = exercise.knee_flexion_deg.iter().fold(0.0f32, |a, b| a.max(*b));
/// assert!((deepest - 95.0).abs() < 10.0); // degrees
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// Without noise the angle of the three keypoints equals the truth within 0.01° in every picture (tests below).
///
/// # References
/// 1. Flash, Hogan 1985, doi:10.1523/JNEUROSCI.05-07-01688.1985. 2. Winter 2009, doi:10.1002/9780470549148.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct KneeExerciseConfig {
    /// What is done. Default squat.
    pub exercise: Exercise,
    /// Repetitions, 0 to 1000. Default 5.
    pub repetitions: usize,
    /// Pictures a second, 5 to 240. Default 30.
    pub rate_hz: f64,
    /// Time of one repetition in s, 1 to 60. Default 4.
    pub repetition_s: f64,
    /// Flexion at rest in degrees, 0 to 60. Default 5.
    pub rest_deg: f64,
    /// Mean of the deepest flexion in degrees, above `rest_deg`, at most 140. Default 95.
    pub depth_deg: f64,
    /// Standard deviation of the deepest flexion over the repetitions in degrees, 0 to 20. Default 4.
    pub depth_sd_deg: f64,
    /// Height of the person in pixels, 100 to 440. Default 380.
    pub height_px: f64,
    /// Standard deviation of a keypoint's place in pixels, 0 to 50. Default 1.5.
    pub noise_px: f64,
    /// Confidence of the keypoints on the near (right) side, 0 to 1; those on the far side have two thirds. Default 0.95.
    pub confidence: f64,
    /// Share of pictures in which a joint is hidden: eight times the noise, a tenth of the confidence. 0 to 1. Default 0.
    pub hidden_share: f64,
}

impl Default for KneeExerciseConfig {
    fn default() -> Self {
        Self {
            exercise: Exercise::Squat,
            repetitions: 5,
            rate_hz: 30.0,
            repetition_s: 4.0,
            rest_deg: 5.0,
            depth_deg: 95.0,
            depth_sd_deg: 4.0,
            height_px: 380.0,
            noise_px: 1.5,
            confidence: 0.95,
            hidden_share: 0.0,
        }
    }
}

impl KneeExerciseConfig {
    /// Sets [`exercise`](Self::exercise).
    #[must_use]
    pub fn with_exercise(self, exercise: Exercise) -> Self {
        Self { exercise, ..self }
    }
    /// Sets [`repetitions`](Self::repetitions).
    #[must_use]
    pub fn with_repetitions(self, repetitions: usize) -> Self {
        Self { repetitions, ..self }
    }
    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: f64) -> Self {
        Self { rate_hz, ..self }
    }
    /// Sets [`repetition_s`](Self::repetition_s).
    #[must_use]
    pub fn with_repetition_s(self, repetition_s: f64) -> Self {
        Self { repetition_s, ..self }
    }
    /// Sets [`rest_deg`](Self::rest_deg).
    #[must_use]
    pub fn with_rest_deg(self, rest_deg: f64) -> Self {
        Self { rest_deg, ..self }
    }
    /// Sets [`depth_deg`](Self::depth_deg).
    #[must_use]
    pub fn with_depth_deg(self, depth_deg: f64) -> Self {
        Self { depth_deg, ..self }
    }
    /// Sets [`depth_sd_deg`](Self::depth_sd_deg).
    #[must_use]
    pub fn with_depth_sd_deg(self, depth_sd_deg: f64) -> Self {
        Self { depth_sd_deg, ..self }
    }
    /// Sets [`height_px`](Self::height_px).
    #[must_use]
    pub fn with_height_px(self, height_px: f64) -> Self {
        Self { height_px, ..self }
    }
    /// Sets [`noise_px`](Self::noise_px).
    #[must_use]
    pub fn with_noise_px(self, noise_px: f64) -> Self {
        Self { noise_px, ..self }
    }
    /// Sets [`confidence`](Self::confidence).
    #[must_use]
    pub fn with_confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }
    /// Sets [`hidden_share`](Self::hidden_share).
    #[must_use]
    pub fn with_hidden_share(self, hidden_share: f64) -> Self {
        Self { hidden_share, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.repetitions > 1000 {
            return Err(Parameter::new("repetitions", self.repetitions as f64, "at most 1000").into());
        }
        within("rate_hz", self.rate_hz, 5.0, 240.0, "5 to 240 Hz")?;
        within("repetition_s", self.repetition_s, 1.0, 60.0, "1 to 60 s")?;
        within("rest_deg", self.rest_deg, 0.0, 60.0, "0 to 60 degrees")?;
        within("depth_deg", self.depth_deg, self.rest_deg, 140.0, "at least rest_deg and at most 140 degrees")?;
        within("depth_sd_deg", self.depth_sd_deg, 0.0, 20.0, "0 to 20 degrees")?;
        within("height_px", self.height_px, 100.0, 440.0, "100 to 440 pixels")?;
        within("noise_px", self.noise_px, 0.0, 50.0, "0 to 50 pixels")?;
        within("confidence", self.confidence, 0.0, 1.0, "0 to 1")?;
        within("hidden_share", self.hidden_share, 0.0, 1.0, "0 to 1")
    }
}

/// The angles over time.
struct Course {
    /// Start, length and deepest angle (right, left) of each repetition.
    repetitions: Vec<(f64, f64, f64, f64)>,
    rest_deg: f64,
    length_s: f64,
}

impl Course {
    fn new(config: &KneeExerciseConfig, random: &mut Stream) -> Self {
        let mut time_s = 1.0;
        let mut repetitions = Vec::with_capacity(config.repetitions);
        for _ in 0..config.repetitions {
            let length_s = config.repetition_s * random.range(0.9, 1.1);
            let mut depth = || {
                let change = (config.depth_sd_deg * random.normal())
                    .clamp(-2.0 * config.depth_sd_deg, 2.0 * config.depth_sd_deg);
                (config.depth_deg + change).clamp(config.rest_deg, 150.0)
            };
            let right = depth();
            let left = (right + 0.3 * (depth() - config.depth_deg)).clamp(config.rest_deg, 150.0);
            repetitions.push((time_s, length_s, right, left));
            time_s += length_s;
        }
        Self { repetitions, rest_deg: config.rest_deg, length_s: time_s + 1.0 }
    }

    /// Flexion of the right and the left knee.
    fn flexion_deg(&self, time_s: f64) -> (f64, f64) {
        let at = self.repetitions.partition_point(|r| r.0 <= time_s);
        let Some((start_s, length_s, right, left)) = at.checked_sub(1).and_then(|i| self.repetitions.get(i)) else {
            return (self.rest_deg, self.rest_deg);
        };
        let part = (time_s - start_s) / length_s;
        // down 0 – 0.4, hold, up 0.5 – 0.9, rest
        let s = if part < 0.45 { part / 0.4 } else { (0.9 - part) / 0.4 }.clamp(0.0, 1.0);
        let curve = s * s * s * (10.0 - 15.0 * s + 6.0 * s * s);
        (self.rest_deg + (right - self.rest_deg) * curve, self.rest_deg + (left - self.rest_deg) * curve)
    }
}

type Point = [f64; 2];

/// `length` away from `from`, `degrees` from straight up towards the right of the picture.
fn away(from: Point, degrees: f64, length: f64) -> Point {
    let angle = degrees.to_radians();
    [from[0] + length * libm::sin(angle), from[1] - length * libm::cos(angle)]
}

/// Joints of one side, from the floor up.
struct Leg {
    hip: Point,
    knee: Point,
    ankle: Point,
    heel: Point,
    toe: Point,
}

/// The standing person looks to the right of the picture; the feet stay where they are.
fn squat(height: f64, right_deg: f64, left_deg: f64) -> [Point; 33] {
    let (shank, thigh, trunk) = (0.246 * height, 0.245 * height, 0.288 * height);
    let floor_y = 462.0;
    let leg = |flexion: f64, x: f64, y: f64| {
        let ankle = [x, y - 0.039 * height];
        let knee = away(ankle, 0.38 * flexion, shank); // the shank tilts forwards by the ankle's share
        let hip = away(knee, 0.38 * flexion - flexion, thigh);
        Leg { hip, knee, ankle, heel: [x - 0.04 * height, y], toe: [x + 0.11 * height, y] }
    };
    let right = leg(right_deg, 300.0, floor_y);
    let mut left = leg(left_deg, 308.0, floor_y - 6.0);
    left.hip = [right.hip[0] + 8.0, right.hip[1] - 4.0]; // one pelvis
    body(height, &right, &left, away(right.hip, 0.36 * right_deg, trunk), 0.36 * right_deg, 85.0)
}

/// The person lies on the back with the head to the left; the right heel stays on the mat.
fn heel_slide(height: f64, right_deg: f64) -> [Point; 33] {
    let (shank, thigh, trunk) = (0.246 * height, 0.245 * height, 0.288 * height);
    let (hip, mat_y): (Point, f64) = ([300.0, 330.0], 340.0);
    let leg = |flexion: f64, hip: Point, mat_y: f64| {
        // the ankle is as far from the hip as the knee's angle says (law of cosines), and on the mat
        let included = (180.0 - flexion).to_radians();
        let reach = (thigh * thigh + shank * shank - 2.0 * thigh * shank * libm::cos(included)).max(0.0).sqrt();
        let drop = mat_y - 6.0 - hip[1];
        let ankle = [hip[0] + (reach * reach - drop * drop).max(0.0).sqrt(), hip[1] + drop];
        let at_hip = ((thigh * thigh + reach * reach - shank * shank) / (2.0 * thigh * reach)).clamp(-1.0, 1.0);
        let to_ankle = libm::atan2(hip[1] - ankle[1], ankle[0] - hip[0]);
        let up = to_ankle + libm::acos(at_hip);
        let knee = [hip[0] + thigh * libm::cos(up), hip[1] - thigh * libm::sin(up)];
        Leg { hip, knee, ankle, heel: [ankle[0] + 4.0, mat_y], toe: [ankle[0] + 0.05 * height, mat_y - 0.1 * height] }
    };
    let right = leg(right_deg, hip, mat_y);
    let left = leg(3.0, [hip[0] + 2.0, hip[1] - 8.0], mat_y - 8.0);
    body(height, &right, &left, [hip[0] - trunk, hip[1]], -90.0, -30.0)
}

/// All 33 keypoints from legs and shoulder; `lean` is the trunk's direction, `arm` that of the arms relative to it.
fn body(height: f64, right: &Leg, left: &Leg, shoulder: Point, lean: f64, arm: f64) -> [Point; 33] {
    let far = |p: Point| [p[0] + 6.0, p[1] - 4.0]; // the far side is a little higher and further in the picture
    let (upper, fore, hand) = (0.186 * height, 0.146 * height, 0.06 * height);
    let elbow = away(shoulder, lean + arm + 20.0, upper);
    let wrist = away(elbow, lean + arm, fore);
    let head = away(shoulder, lean, 0.13 * height);
    let face = |forward: f64, up: f64| {
        let p = away(head, lean + 90.0, forward * height);
        away(p, lean, up * height)
    };
    let fingers = [
        away(wrist, lean + arm + 10.0, hand),
        away(wrist, lean + arm, hand),
        away(wrist, lean + arm - 30.0, 0.6 * hand),
    ];
    let [pinky, index, thumb] = fingers;
    [
        face(0.055, 0.0),
        far(face(0.042, 0.02)),
        far(face(0.038, 0.021)),
        far(face(0.032, 0.021)),
        face(0.042, 0.02),
        face(0.038, 0.021),
        face(0.032, 0.021),
        far(face(-0.005, 0.01)),
        face(-0.005, 0.01),
        far(face(0.042, -0.022)),
        face(0.042, -0.022),
        far(shoulder),
        shoulder,
        far(elbow),
        elbow,
        far(wrist),
        wrist,
        far(pinky),
        pinky,
        far(index),
        index,
        far(thumb),
        thumb,
        left.hip,
        right.hip,
        left.knee,
        right.knee,
        left.ankle,
        right.ankle,
        left.heel,
        right.heel,
        left.toe,
        right.toe,
    ]
}

/// Whether keypoint `k` of the 33 is on the near, right side: the nose and the even ones from 4 on.
fn is_near(k: usize) -> bool {
    match k {
        0 | 4..=6 => true,
        1..=3 => false,
        _ => k.is_multiple_of(2),
    }
}

/// The keypoints with noise and confidence.
fn seen(places: &[Point; 33], config: &KneeExerciseConfig, random: &mut Stream) -> [[f32; 3]; 33] {
    std::array::from_fn(|k| {
        let [x, y] = places[k];
        let hidden = random.chance(config.hidden_share);
        let mut noise = || {
            // Student's t with 5 degrees of freedom has variance 5/3
            let chi2: f64 = (0..5).map(|_| random.normal().powi(2)).sum();
            random.normal() / (chi2 / 5.0).max(1e-3).sqrt() / (5.0f64 / 3.0).sqrt()
        };
        let scale = config.noise_px * if hidden { 8.0 } else { 1.0 };
        let (dx, dy) = (scale * noise(), scale * noise());
        let side = if is_near(k) { 1.0 } else { 2.0 / 3.0 };
        let jitter = 1.0 - 0.04 * random.uniform();
        let confidence = config.confidence * side * jitter * if hidden { 0.1 } else { 1.0 };
        [(x + dx) as f32, (y + dy) as f32, confidence as f32]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 180° − the angle at the knee.
    fn flexion(frame: &[[f32; 3]; 33]) -> f64 {
        let p = |k: usize| [f64::from(frame[k][0]), f64::from(frame[k][1])];
        let (h, k, a) = (p(24), p(26), p(28));
        let (u, v) = ([h[0] - k[0], h[1] - k[1]], [a[0] - k[0], a[1] - k[1]]);
        180.0 - (u[0] * v[1] - u[1] * v[0]).abs().atan2(u[0] * v[0] + u[1] * v[1]).to_degrees()
    }

    #[test]
    fn without_noise_the_angle_is_exact_and_the_body_is_in_the_picture() {
        for exercise in [Exercise::Squat, Exercise::HeelSlide] {
            let config = KneeExerciseConfig::default().with_exercise(exercise).with_noise_px(0.0).with_depth_deg(120.0);
            let sequence = knee_exercise(&config, 2).unwrap();
            for (frame, truth) in sequence.keypoints.iter().zip(&sequence.knee_flexion_deg) {
                assert!((flexion(frame) - f64::from(*truth)).abs() < 0.01, "{exercise:?}: {} {truth}", flexion(frame));
                for [x, y, c] in frame {
                    assert!((0.0..640.0).contains(x) && (0.0..480.0).contains(y) && (0.0..=1.0).contains(c), "{x} {y}");
                }
            }
        }
    }

    #[test]
    fn repetitions_are_peaks_of_the_truth() {
        let sequence = knee_exercise(&KneeExerciseConfig::default().with_repetitions(7), 5).unwrap();
        let above: Vec<bool> = sequence.knee_flexion_deg.iter().map(|v| *v > 50.0).collect();
        assert_eq!(above.windows(2).filter(|w| !w[0] && w[1]).count(), 7);
    }

    #[test]
    fn noise_and_confidence_are_as_set() {
        let config = KneeExerciseConfig::default().with_noise_px(3.0).with_hidden_share(0.1);
        let clean = knee_exercise(&config.clone().with_noise_px(0.0).with_hidden_share(0.0), 8).unwrap();
        let noisy = knee_exercise(&config.with_hidden_share(0.0), 8).unwrap();
        let errors: Vec<f64> = (clean.keypoints.iter().flatten().zip(noisy.keypoints.iter().flatten()))
            .map(|(a, b)| f64::from(a[0] - b[0]))
            .collect();
        let sd = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
        assert!((sd - 3.0).abs() < 0.15, "{sd}");
        assert!(noisy.keypoints.iter().all(|f| f[26][2] > 0.9 && f[25][2] < 0.7));
    }
}
