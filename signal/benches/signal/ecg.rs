//! The detectors, and the recording that most rows share.

use eir_core::testing::{bench::Bench, shared};
use eir_core::{Limits, SampleRate};
use eir_signal::{ecg, hrv, wfdb};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Half an hour at 360 Hz in mV, and what it is.
pub(crate) fn recording() -> Result<(Vec<f64>, &'static str)> {
    Ok(match shared().map(|s| s.join("data/signal/mitdb/100")) {
        Some(path) => {
            let record = wfdb::open(&path, &Limits::default())?;
            let first = record.signals.first().ok_or("the record has no signal")?;
            (first.samples_f64(), "MIT-BIH 100 MLII, 30 min at 360 Hz")
        }
        None => (made_by_hand(), "made ECG, 30 min at 360 Hz"),
    })
}

pub(crate) fn rows(bench: &mut Bench) -> Result<()> {
    let rate = SampleRate::new(360.0)?;
    let (wide, input) = recording()?;
    let narrow: Vec<f32> = wide.iter().map(|v| *v as f32).collect();
    bench
        .row("R-peaks, default", input, 200.0)
        .peer("wfdb 4.3.1 gqrs", "ecg.peaks_gqrs")
        .run(|| ecg::r_peaks(&narrow, rate));
    bench
        .row("R-peaks, default", input, 200.0)
        .peer("wfdb 4.3.1 xqrs", "ecg.peaks_xqrs")
        .run(|| ecg::r_peaks(&narrow, rate));
    let mut live = ecg::RPeakStream::new(ecg::RPeaksConfig::default(), rate)?;
    bench.row("R-peaks, live", input, 200.0).peer("wfdb 4.3.1 gqrs", "ecg.peaks_gqrs").run(|| {
        let mut count = 0usize;
        live.push(&narrow, |_| count += 1);
        count
    });
    bench
        .row("R-peaks, gradient", input, 6.0)
        .peer("NeuroKit2 0.2.13", "ecg.peaks_neurokit")
        .run(|| ecg::gradient_peaks(&narrow, rate));
    bench
        .row("R-peaks, Pan-Tompkins", input, 5.0)
        .peer("NeuroKit2 0.2.13", "ecg.peaks_pantompkins")
        .run(|| ecg::pan_tompkins(&narrow, rate));
    bench
        .row("R-peaks, Hamilton", input, 50.0)
        .peer("NeuroKit2 0.2.13", "ecg.peaks_hamilton")
        .run(|| ecg::hamilton(&narrow, rate));
    bench
        .row("R-peaks, Elgendi", input, 50.0)
        .peer("NeuroKit2 0.2.13", "ecg.peaks_elgendi")
        .run(|| ecg::elgendi(&narrow, rate));
    bench
        .row("R-peaks, Khamis", input, 5.0)
        .peer("NeuroKit2 0.2.13", "ecg.peaks_khamis")
        .run(|| ecg::khamis(&narrow, rate));
    let peaks = ecg::r_peaks(&narrow, rate)?;
    bench
        .row("delineation by wavelet", input, 500.0)
        .peer("NeuroKit2 0.2.13", "ecg.delineate_dwt")
        .run(|| ecg::delineate(&narrow, rate, &peaks));
    bench.row("classes of beats", input, 1.0).run(|| ecg::beat_classes(&narrow, rate, &peaks));
    let day: Vec<f32> = narrow.iter().copied().cycle().take(21_600_000).collect();
    let slow = SampleRate::new(250.0)?;
    bench.row("R-peaks, default", "24 h at 250 Hz", 1.0).run(|| ecg::r_peaks(&day, slow));
    bench.row("R-peaks to HRV", "24 h at 250 Hz", 1.0).run(|| {
        let beats = hrv::correct_artefacts(&ecg::r_peaks(&day, slow)?, slow)?;
        let rr_ms = hrv::rr_intervals_ms(&beats.peaks, slow);
        Ok::<_, eir_signal::Error>((hrv::time_domain(&rr_ms)?, hrv::frequency_domain(&rr_ms)?))
    });
    Ok(())
}

/// As `ecg` in `recording.py`.
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
