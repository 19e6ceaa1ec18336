//! A cardiotocogram, of which no peer can be installed: our own time alone; the autoencoder beside its PyTorch twin.

use burn::tensor::Device;
use eir_core::testing::{bench::Bench, shared};
use eir_signal::models::{CtgVae, CtgWindow};
use eir_signal::{Record, ctg, figure};
use std::path::PathBuf;

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let trace = shared().map(|s| s.join("data/signal/ctu-uhb-ctg/1008.hea"));
    let (fhr, uc) = cardiotocogram(trace)?;
    // FHRMA under Octave cannot be installed here; its published CPU time on this trace: 0.69 s (WMFB), 7.0 s (six)
    let filled = ctg::prepare(&fhr)?.filled_bpm;
    bench.row("CTG, weighted-median baseline", "70 min at 4 Hz", 1.0).run(|| ctg::weighted_median(&filled));
    bench.row("CTG, all baselines with events, kinds and class", "70 min at 4 Hz", 1.0).run(|| {
        ctg::BaselineMethod::ALL.map(|method| ctg::CtgConfig::default().with_baseline(method).analyse(&fhr, Some(&uc)))
    });
    bench.row("CTG, analysis", "70 min at 4 Hz", 1.0).run(|| ctg::analyse(&fhr, Some(&uc)));
    let found = ctg::analyse(&fhr, Some(&uc))?;
    let config = ctg::CtgConfig::default();
    let baseline = &found.baseline_bpm;
    bench
        .row("CTG, events and class from a given baseline", "70 min at 4 Hz", 1.0)
        .run(|| config.analyse_with_baseline(&fhr, Some(&uc), baseline));
    autoencoder(bench)?;
    bench.row("CTG, picture", "70 min at 4 Hz", 1.0).run(|| figure::ctg(&found, &figure::CtgFigureConfig::default()));
    Ok(())
}

/// Codes of four hours, and the traces again.
fn autoencoder(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let wave = |i: u32| 138.0 + 9.0 * (f64::from(i) / 70.0).sin() + 2.0 * (f64::from(i) / std::f64::consts::TAU).cos();
    let fhr: Vec<f64> = (0..57_600).map(wave).collect();
    let windows = CtgWindow::of_trace(&fhr, CtgWindow::SAMPLES)?;
    let vae = CtgVae::shipped(&Device::flex())?.fused()?;
    let row = bench.row("CTG autoencoder, codes and traces again", "4 h at 4 Hz, 60 windows", 1.0);
    row.peer("torch 2.15.0", "ctg.autoencoder").run(|| {
        let codes = vae.encode(&windows)?;
        vae.decode(&codes.into_iter().flat_map(|c| c.mean).collect::<Vec<f32>>())
    });
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
