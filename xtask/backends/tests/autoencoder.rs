//! The autoencoder of fetal heart rate on `flex`, in fused layers and on `wgpu`.

use burn::tensor::Device;
use eir_signal::models::{CtgVae, CtgWindow};
use std::error::Error;

fn worst(reference: &[f32], other: &[f32]) -> f32 {
    let largest = reference.iter().fold(f32::MIN_POSITIVE, |a, v| a.max(v.abs()));
    assert_eq!(reference.len(), other.len());
    reference.iter().zip(other).fold(0.0, |a: f32, (r, o)| a.max((r - o).abs())) / largest
}

/// With its published weights; within 1e-3 of the largest value.
#[test]
fn the_autoencoder() -> Result<(), Box<dyn Error>> {
    let flex = CtgVae::shipped(&Device::flex())?;
    let mut devices = vec![("fused", flex.fused()?)];
    if let Some(gpu) = eir_backends::wgpu() {
        devices.push(("wgpu", CtgVae::shipped(&gpu)?));
    }
    let wave = |i: i32| 138.0 + 9.0 * (f64::from(i) / 70.0).sin() + 2.0 * (f64::from(i) / 9.0).cos();
    let mut fhr: Vec<f64> = (0..2880).map(wave).collect();
    fhr[1000..1200].fill(0.0);
    let windows = CtgWindow::of_trace(&fhr, CtgWindow::SAMPLES)?;
    let codes = |vae: &CtgVae| -> Result<Vec<f32>, eir_signal::Error> {
        Ok(vae.encode(&windows)?.into_iter().flat_map(|c| [c.mean, c.log_variance].concat()).collect())
    };
    let reference = codes(&flex)?;
    let latent: Vec<f32> = flex.encode(&windows)?.into_iter().flat_map(|c| c.mean).collect();
    let again = flex.decode(&latent)?;
    for (name, vae) in devices {
        for (what, error) in
            [("codes", worst(&reference, &codes(&vae)?)), ("heart rate", worst(&again, &vae.decode(&latent)?))]
        {
            println!("autoencoder, {what}: {name} differs from flex by {error:.1e} of the largest value");
            assert!(error <= 1e-3, "{name}, {what}: {error}");
        }
    }
    Ok(())
}
