//! Networks on fetal heart rate against their PyTorch twins, and on whatever a monitor may send.
#![cfg(feature = "flex")]

use burn::tensor::Device;
use eir_core::Limits;
use eir_core::testing::{PeakAlloc, memory};
use eir_core::weights::{self, Weights};
use eir_signal::models::{CtgVae, CtgWindow};
use serde_json::Value;
use std::error::Error;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

type Outcome = Result<(), Box<dyn Error>>;

/// What is known of windows, behind the network.
const NOT_IN_THE_TWIN: [&str; 4] = ["anomaly_scores", "spectral_distances", "spectrum_mean", "spectrum_whitening"];

/// The network of the formula in `golden/ctg_vae.py`: weight i of the k-th tensor is sin(0.7 i + k) / √inputs.
fn formula(device: &Device) -> Result<CtgVae, Box<dyn Error>> {
    let file = CtgVae::untrained(0, device)?.to_bytes()?;
    let shapes = Weights::from_bytes(&file, &Limits::default())?;
    let mut all = Vec::new();
    let mut k = 0.0;
    for (name, shape) in shapes.shapes() {
        let length: usize = shape.iter().product();
        let inputs: usize = if shape.len() == 1 { 10 } else { shape[1..].iter().product() };
        let value = |i: usize| ((0.7 * i as f64 + k).sin() / (inputs as f64).sqrt()) as f32;
        let own = !NOT_IN_THE_TWIN.contains(&name);
        all.push((name.to_owned(), shape.to_vec(), (0..length).map(|i| if own { value(i) } else { 0.0 }).collect()));
        k += f64::from(u8::from(own));
    }
    let file = weights::write(
        all.iter().map(|(n, s, v): &(String, Vec<usize>, Vec<f32>)| (n.as_str(), s.clone(), v.clone())),
    )?;
    Ok(CtgVae::from_weights(Weights::from_bytes(&file, &Limits::default())?, device)?)
}

fn formula_windows(count: usize) -> Result<Vec<CtgWindow>, eir_signal::Error> {
    let window = |w: usize| {
        let wave = |i: usize| {
            let (i, w) = (i as f64, w as f64);
            130.0 + 5.0 * w + 8.0 * (i / (50.0 + w)).sin() + 2.0 * (i / 6.1).cos()
        };
        let mut bpm: Vec<f64> = (0..CtgWindow::SAMPLES).map(wave).collect();
        if w.is_multiple_of(3) {
            bpm[100 + 50 * w..300 + 50 * w].fill(f64::NAN);
        }
        CtgWindow::new(&bpm)
    };
    (0..count).map(window).collect()
}

fn rows(reference: &Value, key: &str) -> Vec<f64> {
    let flat = reference[key].as_array().into_iter().flatten().filter_map(Value::as_array).flatten();
    flat.filter_map(Value::as_f64).collect()
}

/// Largest difference, relative to the largest value.
fn error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |a, v| a.max(v.abs()));
    found.iter().zip(expected).fold(0.0f64, |a, (f, e)| a.max((f64::from(*f) - e).abs())) / largest
}

#[test]
fn the_autoencoder_answers_as_pytorch_does() -> Outcome {
    let reference: Value = serde_json::from_str(include_str!("golden/ctg_vae.json"))?;
    let windows = formula_windows(4)?;
    let tensors = formula(&Device::flex())?;
    for (what, vae) in [("tensors", &tensors), ("fused", &tensors.fused()?)] {
        let codes = vae.encode(&windows)?;
        let mean: Vec<f32> = codes.iter().flat_map(|c| c.mean.clone()).collect();
        let log_variance: Vec<f32> = codes.iter().flat_map(|c| c.log_variance.clone()).collect();
        let again: Vec<f32> = vae.decode(&mean)?.into_iter().step_by(16).collect();
        for (key, found) in [("mean", &mean), ("log_variance", &log_variance), ("again_every_16th", &again)] {
            let error = error(found, &rows(&reference, key));
            println!("{what}, {key}: {error:.1e}");
            assert!(error <= 1e-5, "{what}, {key}: {error}");
        }
    }
    Ok(())
}

#[test]
fn what_is_lost_changes_nothing_whatever_stands_there() -> Outcome {
    let vae = CtgVae::shipped(&Device::flex())?.fused()?;
    let mut fhr = formula_windows(1)?[0].fhr_bpm();
    let code = |fhr: &[f64]| Ok::<_, eir_signal::Error>(vae.encode(&[CtgWindow::new(fhr)?])?.remove(0));
    let nan = code(&fhr)?;
    for value in [0.0, f64::INFINITY, -7.0, 1e300] {
        fhr[100..300].fill(value);
        assert_eq!(code(&fhr)?, nan);
    }
    Ok(())
}

#[test]
fn a_trace_of_any_length_and_kind_gives_an_answer_or_an_error() -> Outcome {
    let vae = CtgVae::shipped(&Device::flex())?.fused()?;
    let four_hours: Vec<f64> = (0..57_600).map(|i| 138.0 + 7.0 * (f64::from(i) / 90.0).sin()).collect();
    let codes = vae.encode_trace(&four_hours, CtgWindow::SAMPLES)?;
    assert_eq!(codes.len(), 60);
    let again = vae.reconstruct(&four_hours)?;
    let worst = again.iter().zip(&four_hours).fold(0.0f64, |a, (y, x)| a.max((y - x).abs()));
    assert!(worst < 20.0, "{worst}");
    // one window alone says what it says among others
    let alone = vae.encode(&CtgWindow::of_trace(&four_hours[..960], 960)?)?;
    assert_eq!(alone[0].mean, codes[0].mean);
    let mut odd = four_hours[..2000].to_vec();
    odd[700..1500].fill(f64::NAN);
    assert_eq!(vae.reconstruct(&odd)?.len(), 2000);
    for trace in [vec![], vec![140.0; 3], vec![0.0; 960], vec![f64::NAN; 2000]] {
        assert!(vae.encode_trace(&trace, 960).is_err() || vae.encode_trace(&trace, 960)?.is_empty());
    }
    for value in [50.0, 220.0, 140.0] {
        let found = vae.anomaly(&CtgWindow::of_trace(&vec![value; 960], 960)?)?;
        assert!(found.iter().all(|a| a.score.is_finite() && (0.0..=1.0).contains(&a.percentile)), "{found:?}");
    }
    assert!(vae.decode(&[0.0; 119]).is_err() && vae.decode(&[f32::NAN; 120]).is_err());
    assert_eq!(vae.traverse(&codes[0], 3, &[-2.0, 0.0, 2.0])?.len(), 3);
    assert!(vae.traverse(&codes[0], 120, &[0.0]).is_err());
    Ok(())
}

#[test]
fn memory_is_that_of_the_samples_whatever_the_length() -> Outcome {
    let tensors = CtgVae::shipped(&Device::flex())?;
    let fused = tensors.fused()?;
    let trace =
        |hours: i32| -> Vec<f64> { (0..14_400 * hours).map(|i| 138.0 + 7.0 * (f64::from(i) / 90.0).sin()).collect() };
    // per sample: what is prepared (f64), windows, codes, the answer; and a batch of windows in the networks
    let bound = |hours: i32, layers: usize| 14_400 * hours as usize * 24 + layers;
    let cases: [(&str, &CtgVae, usize, &[i32]); 2] =
        [("fused", &fused, 1 << 19, &[1, 4, 24]), ("tensors", &tensors, 12 << 20, &[1, 4])];
    for (what, vae, layers, lengths) in cases {
        for &hours in lengths {
            let fhr = trace(hours);
            let (peak, again) = memory::peak(|| vae.reconstruct(&fhr));
            println!("{what}, {hours} h: {:.1} MB at most", peak as f64 / 1e6);
            assert_eq!(again?.len(), fhr.len());
            memory::peak_below(&format!("{what}, {hours} h"), bound(hours, layers), || vae.reconstruct(&fhr));
        }
    }
    Ok(())
}

#[test]
fn the_shipped_network_reads_variation_off_its_code() -> Outcome {
    let vae = CtgVae::shipped(&Device::flex())?.fused()?;
    let trace = |size: f64| -> Vec<f64> {
        (0..960)
            .map(f64::from)
            .map(|i| 142.0 + size * ((i / 11.0).sin() + (i / 47.0).cos() + (i / 23.0).sin()))
            .collect()
    };
    let of = |size: f64| Ok::<_, eir_signal::Error>(vae.encode(&[CtgWindow::new(&trace(size))?])?.remove(0));
    let (calm, lively) = (of(0.5)?, of(5.0)?);
    assert!(lively.stv_ms > 2.0 * calm.stv_ms && lively.minute_range_ms > 2.0 * calm.minute_range_ms);
    assert!((calm.baseline_bpm - 142.0).abs() < 6.0 && (lively.baseline_bpm - 142.0).abs() < 8.0);
    Ok(())
}
