//! Spectra, wavelets, peaks and splines against SciPy and PyWavelets.

use super::ecg::recording;
use eir_core::SampleRate;
use eir_core::testing::bench::Bench;
use eir_signal::interpolate::cubic_spline;
use eir_signal::peaks::PeaksConfig;
use eir_signal::spectrum::{Hilbert, MultitaperConfig, StftConfig, WelchConfig, lomb_scargle};
use eir_signal::wavelet::{Cwt, Dwt, IntegratedCwt, Mode, Wavelet, swt};
use std::f64::consts::TAU;

const SCIPY: &str = "SciPy 1.17.1";
const PYWT: &str = "PyWavelets 1.9.0";

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let rate = SampleRate::new(360.0)?;
    let (x, input) = recording()?;
    let welch = WelchConfig::default().with_segment(1024).plan(rate)?;
    bench.row("Welch, 1024", input, 5.0).peer(SCIPY, "spectra.welch").run(|| welch.power(&x));
    let stft = StftConfig::default().plan(rate)?;
    bench.row("STFT, 256", input, 3.0).peer(SCIPY, "spectra.stft").run(|| stft.transform(&x));
    let mut y = x.clone();
    y.rotate_right(17);
    bench.row("coherence, 1024", input, 5.0).peer(SCIPY, "spectra.coherence").run(|| welch.coherence(&x, &y));
    let mut hilbert = Hilbert::new(x.len())?;
    bench.row("analytic signal", input, 2.0).peer(SCIPY, "spectra.hilbert").run(|| hilbert.analytic_signal(&x));
    let dwt = Dwt::new(Wavelet::Daubechies(4), Mode::Symmetric)?;
    bench.row("DWT, db4, 8 levels", input, 2.0).peer(PYWT, "spectra.wavedec").run(|| dwt.decompose(&x, 8));
    bench
        .row("DWT and back", input, 2.0)
        .peer(PYWT, "spectra.wavedec_waverec")
        .run(|| dwt.decompose(&x, 8).and_then(|parts| dwt.reconstruct(&parts)));
    let even = &x[..x.len() / 16 * 16];
    bench.row("SWT, db4, 4 levels", input, 2.0).peer(PYWT, "spectra.swt").run(|| swt(even, Wavelet::Daubechies(4), 4));
    let half_minute = &x[..10_800];
    let scales: Vec<f64> = (0..32).map(|k| 4.0 * 32f64.powf(f64::from(k) / 31.0)).collect();
    let wavelet = "cmor1.5-1.0".parse()?;
    let integrated = IntegratedCwt::new(wavelet)?;
    bench
        .row("CWT as PyWavelets, cmor, 32 scales", "10 800 samples", 2.0)
        .peer(PYWT, "spectra.cwt")
        .run(|| integrated.transform(half_minute, &scales, rate));
    let exact = Cwt::new(wavelet)?;
    bench
        .row("CWT exact, cmor, 32 scales", "10 800 samples", 2.0)
        .peer(PYWT, "spectra.cwt")
        .run(|| exact.transform(half_minute, &scales, rate));
    let peaks = PeaksConfig::default().with_distance(72.0).with_prominence(0.3..);
    bench.row("peaks, distance and prominence", input, 3.0).peer(SCIPY, "spectra.find_peaks").run(|| peaks.find(&x));
    let (t, rr) = beats();
    let hz: Vec<f64> = (0..1000).map(|k| 0.003 + 0.397 * f64::from(k) / 999.0).collect();
    bench
        .row("Lomb-Scargle, 1000 frequencies", "2272 intervals", 5.0)
        .peer(SCIPY, "spectra.lomb_scargle")
        .run(|| lomb_scargle(&t, &rr, &hz));
    let short = &rr[..1200];
    bench
        .row("multitaper with its tapers, NW 4", "1200 intervals", 2.0)
        .peer(SCIPY, "spectra.multitaper")
        .run(|| MultitaperConfig::default().plan(1200, rate).and_then(|m| m.power(short)));
    let (from, to) = (t[0], t[t.len() - 1]);
    let count = ((to - from) / 0.25).ceil() as usize;
    bench
        .row("cubic spline at 4 Hz", "2272 intervals", 2.0)
        .peer(SCIPY, "spectra.cubic_spline")
        .run(|| cubic_spline(&t, &rr).map(|s| s.sampled(from, 0.25, count)));
    Ok(())
}

/// As `beats` in `spectra.py`: times of beats and intervals less their mean.
fn beats() -> (Vec<f64>, Vec<f64>) {
    let wave = |i: u32, f: f64, p: f64| (TAU * f * f64::from(i) + p).sin();
    let rr: Vec<f64> = (0..2272).map(|i| 800.0 + 40.0 * wave(i, 0.08, 0.0) + 25.0 * wave(i, 0.25, 0.5)).collect();
    let mean = rr.iter().sum::<f64>() / rr.len() as f64;
    let mut now = 0.0;
    let times = rr.iter().map(|v| {
        now += v;
        now / 1000.0
    });
    (times.collect(), rr.iter().map(|v| v - mean).collect())
}
