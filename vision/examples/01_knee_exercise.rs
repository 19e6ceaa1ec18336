//! Counts squats in simulated key points and writes the angle over time.
//!
//! `cargo run -p eir-vision --example 01_knee_exercise -- [angle.svg]`

use eir_core::random::Generator;
use eir_vision::chart::{AngleCurve, angle_chart};
use eir_vision::kinematics::{LegConfig, LegTracks};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // a leg of 147 and 140 pixels seen from the side: four squats of 2.5 s to 90 degrees, 30 pictures a second
    let rate_hz = 30.0;
    let mut stream = Generator::new(1, "example").stream(0);
    let (mut hip, mut knee, mut ankle) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..480 {
        let t = (f64::from(i) / rate_hz - 1.0).max(0.0) % 3.5;
        let bend = if t < 2.5 { 42.5 * (1.0 - (t / 2.5 * std::f64::consts::TAU).cos()) } else { 0.0 };
        let flexion = (5.0 + bend).to_radians();
        let mut jitter = || 2.0 * stream.normal();
        let (shank, thigh) = (-0.4 * flexion, 0.6 * flexion);
        let at_knee = [320.0 - 140.0 * shank.sin(), 400.0 - 140.0 * shank.cos()];
        let at_hip = [at_knee[0] - 147.0 * thigh.sin(), at_knee[1] - 147.0 * thigh.cos()];
        for (track, [x, y]) in [(&mut hip, at_hip), (&mut knee, at_knee), (&mut ankle, [320.0, 400.0])] {
            track.push([(x + jitter()) as f32, (y + jitter()) as f32]);
        }
    }

    let leg = LegTracks { hip: &hip, knee: &knee, ankle: &ankle, confidence: None };
    let exercise = LegConfig::default().build(rate_hz)?.analyse(&leg)?.exercise;
    println!("{} repetitions, rest {:.1} degrees", exercise.repetitions.len(), exercise.rest_deg);
    for (i, r) in exercise.report().repetitions.iter().enumerate() {
        let [up, down] = [r.rise.duration_s, r.fall.duration_s];
        println!("  {}: peak {:.1} degrees, up {up:.2} s, hold {:.2} s, down {down:.2} s", i + 1, r.peak_deg, r.hold_s);
    }
    if let Some(rom) = exercise.rom() {
        println!("{}", rom.sentence("Range of motion"));
    }
    if let Some(path) = std::env::args_os().nth(1) {
        let svg =
            angle_chart("Knee flexion in four squats", &[AngleCurve { name: "right knee", exercise: &exercise }])?;
        eir_core::file::write_atomic(path.as_ref(), svg.as_bytes())?;
    }
    Ok(())
}
