//! One model on `flex` and on `wgpu`.

use burn::tensor::Device;
use eir_vision::pose::{PoseDetector, SelfCheck};
use std::error::Error;

/// Needs no file: every kind of layer of the pose networks with seeded weights.
#[test]
fn the_self_check() -> Result<(), Box<dyn Error>> {
    let Some(gpu) = eir_backends::wgpu() else { return Ok(()) };
    let flex = SelfCheck::seeded(1, &Device::flex())?.run()?;
    let wgpu = SelfCheck::seeded(1, &gpu)?.run()?;
    let error = SelfCheck::worst_error(&flex, &wgpu);
    println!("self-check: wgpu differs from flex by {error:.1e} of the largest value");
    assert!(error <= SelfCheck::TOLERANCE, "{error}");
    Ok(())
}

/// BlazePose's detector with its published weights: five times the tolerance that holds on `flex`.
#[test]
fn the_pose_detector() -> Result<(), Box<dyn Error>> {
    let (Some(gpu), Some(shared)) = (eir_backends::wgpu(), eir_core::testing::shared()) else { return Ok(()) };
    let weights = shared.join("data/vision/weights/blazepose_detector.safetensors");
    let planes: Vec<f32> = (0..3 * PoseDetector::SIZE.pow(2)).map(|i| (i as f32 * 0.001).sin()).collect();
    let flex = PoseDetector::load(&weights, &Device::flex())?.raw(&planes)?;
    let wgpu = PoseDetector::load(&weights, &gpu)?.raw(&planes)?;
    for (what, flex, wgpu) in [("boxes", flex.regressors, wgpu.regressors), ("logits", flex.logits, wgpu.logits)] {
        let error = SelfCheck::worst_error(&flex, &wgpu);
        println!("pose detector, {what}: wgpu differs from flex by {error:.1e} of the largest value");
        assert!(error <= 5.0 * SelfCheck::TOLERANCE, "{what}: {error}");
    }
    Ok(())
}
