//! One model on `flex` and on `wgpu`.

use burn::tensor::Device;
use eir_core::Limits;
use eir_vision::Image;
use eir_vision::networks::Architecture;
use eir_vision::pose::SelfCheck;
use std::error::Error;
use std::path::PathBuf;

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

/// Every published network with its weights on a picture of a person: five times the tolerance that holds on `flex`.
///
/// It has to be a picture: on noise the logits of BlazePose's mask, which go to 1600, are an ill-posed sum, and two ways on
/// the processor differ as much as two devices.
#[test]
fn the_published_networks() -> Result<(), Box<dyn Error>> {
    let (Some(gpu), Some(shared)) = (eir_backends::wgpu(), eir_core::testing::shared()) else { return Ok(()) };
    let picture = shared.join("reference/vision/mediapipe/coco_000000000785_p0_full_input.png");
    let picture = Image::read(&picture, &Limits::default())?;
    let files = std::fs::read_dir(shared.join("data/vision/weights"))?;
    let mut files: Vec<PathBuf> = files.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "safetensors"));
    files.sort();
    assert!(!files.is_empty(), "no weights in the shared folder");
    let mut worse = Vec::new();
    for file in files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let architecture = Architecture::of_file(&stem).ok_or_else(|| format!("no network is known as {stem}"))?;
        let (flex, wgpu) = (architecture.load(&file, &Device::flex())?, architecture.load(&file, &gpu)?);
        let largest = match architecture {
            Architecture::YoloxNano
            | Architecture::YunetN { .. }
            | Architecture::PemCpm
            | Architecture::PemHourglass => 255.0,
            _ => 1.0,
        };
        let input = sampled(&picture, flex.input_shape(), largest);
        for (n, (flex, wgpu)) in flex.run(&input)?.iter().zip(wgpu.run(&input)?).enumerate() {
            let error = SelfCheck::worst_error(flex, &wgpu);
            println!("{stem}, output {n}: wgpu differs from flex by {error:.1e} of the largest value");
            if error > 5.0 * SelfCheck::TOLERANCE {
                worse.push(format!("{stem}, output {n}: {error:.1e}"));
            }
        }
    }
    assert!(worse.is_empty(), "{worse:?}");
    Ok(())
}

/// The nearest pixels of a picture as planes of a network's input, 0 … `largest`.
fn sampled(picture: &Image, [channels, height, width]: [usize; 3], largest: f32) -> Vec<f32> {
    let places = (0..channels).flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| (c, x, y))));
    let value = |(c, x, y)| {
        let pixel = picture.pixel(x * picture.width() / width, y * picture.height() / height).unwrap_or_default();
        f32::from(pixel[c % 3]) / 255.0 * largest
    };
    places.map(value).collect()
}
