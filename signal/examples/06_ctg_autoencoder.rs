//! A cardiotocogram as codes of 4 min: what they keep, what they say, which stretch is unlike the others.
//!
//! ```text
//! cargo run --release --example 06_ctg_autoencoder -- 1001.hea
//! ```
//!
//! Heart rates are bpm at 4 Hz, lost samples 0 or NaN; a window is 960 samples (240 s), its code 120 numbers. Without an
//! argument it runs on a made-up trace.

use burn::tensor::Device;
use eir_signal::Record;
use eir_signal::models::{CtgVae, CtgWindow};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fhr = match std::env::args().nth(1) {
        Some(path) => Record::open(path)?.signal("FHR")?.samples_f64(),
        None => made_up(),
    };
    // `fused` is the fastest on the processor; leave it out on a graphics card
    let vae = CtgVae::shipped(&Device::flex())?.fused()?;
    let windows = CtgWindow::of_trace(&fhr, CtgWindow::SAMPLES)?;
    println!("{} s of heart rate, {} windows of 240 s\n", fhr.len() / 4, windows.len());
    println!("start/s  measured  baseline/bpm  STV/ms  minute range/ms  RMSE/bpm  percentile of the anomaly score");
    for (code, odd) in vae.encode(&windows)?.iter().zip(vae.anomaly(&windows)?) {
        let measured = windows.iter().find(|w| w.start() == code.start).map_or(0, CtgWindow::measured_count);
        println!(
            "{:7}  {:7.0}%  {:12.1}  {:6.2}  {:15.1}  {:8.2}  {:.2}",
            code.start / 4,
            100.0 * measured as f64 / CtgWindow::SAMPLES as f64,
            code.baseline_bpm,
            code.stv_ms,
            code.minute_range_ms,
            odd.rmse_bpm,
            odd.percentile
        );
    }
    // what one of the numbers means: the same window with it at -2, 0 and 2
    if let Some(code) = vae.encode(windows.get(..1).unwrap_or_default())?.first() {
        for (value, bpm) in [-2.0, 0.0, 2.0].iter().zip(vae.traverse(code, 0, &[-2.0, 0.0, 2.0])?) {
            let mean = bpm.iter().sum::<f32>() / bpm.len() as f32;
            println!("number 0 of the first window at {value:+}: mean {mean:.1} bpm");
        }
    }
    Ok(())
}

/// Half an hour with a deceleration and a stretch that is lost.
fn made_up() -> Vec<f64> {
    let wave = |i: f64| 5.0 * (i / 60.0).sin() + 3.0 * (i / 17.0).cos() + 1.5 * (i / 5.3).sin();
    let mut fhr: Vec<f64> = (0..7200).map(|i| 142.0 + wave(f64::from(i))).collect();
    fhr[3000..3300].iter_mut().for_each(|v| *v -= 40.0);
    fhr[5000..5300].fill(0.0);
    fhr
}
