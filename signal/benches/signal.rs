//! Filters, detectors, variability and reading, against SciPy, NeuroKit2 and wfdb on the same input.

use eir_core::testing::bench::Bench;
use eir_core::testing::shared;
use eir_core::{Limits, SampleRate};
use eir_signal::{Band, ButterworthConfig, Record, ctg, ecg, figure, hrv, wfdb};
use std::path::PathBuf;

fn main() -> std::process::ExitCode {
    let mut bench = Bench::from_args("signal", env!("CARGO_MANIFEST_DIR"));
    match rows(&mut bench) {
        Ok(()) => bench.finish(),
        Err(error) => {
            println!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let rate = SampleRate::new(360.0)?;
    let record = shared().map(|s| s.join("data/signal/mitdb/100"));
    let wide = match &record {
        Some(path) => {
            wfdb::open(path, &Limits::default())?.signals.first().ok_or("the record has no signal")?.samples_f64()
        }
        None => made_by_hand(),
    };
    let narrow: Vec<f32> = wide.iter().map(|v| *v as f32).collect();
    let input = if record.is_some() { "MIT-BIH 100 MLII, 30 min at 360 Hz" } else { "made ECG, 30 min at 360 Hz" };
    let filter = ButterworthConfig::new(Band::Pass { low_hz: 0.5, high_hz: 40.0 }).design(rate)?;
    let (mut y, mut work) = (vec![0.0; wide.len()], Vec::new());
    bench
        .row("zero phase, order 4 band-pass", input, 1.5)
        .peer("SciPy 1.17.1", "sosfiltfilt")
        .run(|| filter.zero_phase_into(&wide, &mut y, &mut work));
    bench.row("causal, order 4 band-pass", input, 1.5).peer("SciPy 1.17.1", "sosfilt").run(|| filter.filter_f64(&wide));
    bench
        .row("R-peaks, default", input, 50.0)
        .peer("wfdb 4.3.1 gqrs", "peaks_gqrs")
        .run(|| ecg::r_peaks(&narrow, rate));
    bench
        .row("R-peaks, gradient", input, 6.0)
        .peer("NeuroKit2 0.2.13", "peaks_neurokit")
        .run(|| ecg::gradient_peaks(&narrow, rate));
    bench
        .row("R-peaks, Pan-Tompkins", input, 5.0)
        .peer("NeuroKit2 0.2.13", "peaks_pantompkins")
        .run(|| ecg::pan_tompkins(&narrow, rate));
    let wave = |i: u32, f: f64, p: f64| (std::f64::consts::TAU * f * f64::from(i) + p).sin();
    let rr: Vec<f64> = (0..2272).map(|i| 800.0 + 40.0 * wave(i, 0.08, 0.0) + 25.0 * wave(i, 0.25, 0.5)).collect();
    bench
        .row("HRV, time domain", "2272 intervals", 50.0)
        .peer("NeuroKit2 0.2.13", "hrv_time")
        .run(|| hrv::time_domain(&rr));
    if let Some(path) = &record {
        bench.row("read WFDB format 212", "MIT-BIH 100, 2 x 650000", 8.0).peer("wfdb 4.3.1", "read_212").run(|| {
            let record = wfdb::open(path, &Limits::default());
            record.map(|r| r.signals.iter().map(eir_signal::Signal::samples).collect::<Vec<_>>())
        });
    }
    // no peer that can be installed: our own time alone
    let trace = shared().map(|s| s.join("data/signal/ctu-uhb-ctg/1008.hea"));
    let (fhr, uc) = cardiotocogram(trace)?;
    bench.row("CTG, baseline, events, contractions", "70 min at 4 Hz", 1.0).run(|| ctg::analyse(&fhr, Some(&uc)));
    let found = ctg::analyse(&fhr, Some(&uc))?;
    bench.row("CTG, picture", "70 min at 4 Hz", 1.0).run(|| figure::ctg(&found, &figure::CtgFigureConfig::default()));
    Ok(())
}

fn cardiotocogram(path: Option<PathBuf>) -> eir_signal::Result<(Vec<f64>, Vec<f64>)> {
    if let Some(path) = path.filter(|p| p.exists()) {
        let record = Record::open(path)?;
        return Ok((record.signal("FHR")?.samples_f64(), record.signal("UC")?.samples_f64()));
    }
    let wave = |i: u32, s: f64| (f64::from(i) / s).sin();
    let fhr =
        (0..16_800).map(|i| 140.0 + 6.0 * wave(i, 31.0) + 3.0 * wave(i, 7.3) - if i % 960 < 200 { 25.0 } else { 0.0 });
    Ok((fhr.collect(), (0..16_800).map(|i| 10.0 + 40.0 * wave(i, 150.0).max(0.0)).collect()))
}

/// As `ecg` in `peers.py`.
fn made_by_hand() -> Vec<f64> {
    (0..648_000)
        .map(|i| {
            let t = f64::from(i) / 360.0;
            let u = t % 0.8 - 0.4;
            (-(u / 0.012f64).powi(2)).exp()
                + 0.2 * (-((u - 0.25) / 0.05f64).powi(2)).exp()
                + 0.05 * (std::f64::consts::TAU * 0.3 * t).sin()
        })
        .collect()
}
