//! Heart-rate variability against NeuroKit2.

use eir_core::testing::bench::Bench;
use eir_signal::hrv;

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let wave = |i: u32, f: f64, p: f64| (std::f64::consts::TAU * f * f64::from(i) + p).sin();
    let rr: Vec<f64> = (0..2272).map(|i| 800.0 + 40.0 * wave(i, 0.08, 0.0) + 25.0 * wave(i, 0.25, 0.5)).collect();
    bench
        .row("HRV, time domain", "2272 intervals", 50.0)
        .peer("NeuroKit2 0.2.13", "hrv.time_domain")
        .run(|| hrv::time_domain(&rr));
    Ok(())
}
