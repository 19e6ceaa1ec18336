//! Finds a person in a picture, prints the knees' flexion and writes the picture with the skeleton drawn over it.
//!
//! `cargo run -p eir-vision --example 02_pose -- PICTURE WEIGHTS_FOLDER OVERLAY.png`; without arguments it only draws a
//! stick figure of its own, and checks that the device computes the same twice.

use burn::tensor::Device;
use eir_core::Limits;
use eir_vision::Image;
use eir_vision::kinematics::Side;
use eir_vision::overlay::{OverlayConfig, draw_skeleton};
use eir_vision::pose::{PoseEstimator, SelfCheck};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex();
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [picture, weights, out] = arguments.as_slice() else {
        let check = SelfCheck::seeded(1, &device)?;
        println!("device: {:.0e} apart in two runs", SelfCheck::worst_error(&check.run()?, &check.run()?));
        let ground = Image::filled(200, 300, [230; 3])?;
        let points: Vec<[f64; 2]> =
            (0..33).map(|i| [100.0 + f64::from(i % 2 * 2 - 1) * 30.0, f64::from(i) * 9.0]).collect();
        let png = draw_skeleton(&ground, &points, &[1.0; 33], &OverlayConfig::default())?.png()?;
        println!("a stick figure takes {} bytes of PNG", png.len());
        return Ok(());
    };
    let (detector, landmarker) = ("blazepose_detector.safetensors", "blazepose_full.safetensors");
    let estimator = PoseEstimator::load(&weights.join(detector), &weights.join(landmarker), &device)?;
    let mut image = Image::read(picture, &Limits::default())?;
    for pose in estimator.estimate(&image)? {
        println!("person {:.3}", pose.presence);
        for side in [Side::Left, Side::Right] {
            let (angle, seen) = (pose.knee_flexion_deg(side)?, pose.leg_visibility(side));
            println!("  {} knee {angle:.1} degrees, visible {seen:.2}", side.name());
        }
        image = draw_skeleton(&image, &pose.points_px(), &pose.visibility(), &OverlayConfig::default())?;
    }
    eir_core::file::write_atomic(out, &image.png()?)?;
    Ok(())
}
