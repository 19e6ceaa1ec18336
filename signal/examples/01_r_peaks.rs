//! R-peaks and heart-rate variability of an ECG.
//!
//! `cargo run -p eir-signal --example 01_r_peaks -- path/to/100.hea strip.svg`; without arguments on an ECG that it makes
//! itself.

use eir_core::{Limits, SampleRate};
use eir_signal::{Record, ecg, figure, hrv, wfdb};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next();
    let (samples, rate) = match &path {
        Some(path) => {
            let record = Record::open(path)?;
            let lead = record.signals.first().ok_or("the record has no signal")?;
            println!("{}, lead {}, {} Hz", record.name, lead.name(), lead.rate().hz());
            (lead.samples(), lead.rate())
        }
        None => made_by_hand()?,
    };
    let peaks = ecg::r_peaks(&samples, rate)?;
    let found = hrv::time_domain(&hrv::rr_intervals_ms(&peaks, rate))?;
    println!(
        "{} beats, {:.1} bpm, SDNN {:.1} ms, RMSSD {:.1} ms",
        peaks.len(),
        found.heart_rate_bpm(),
        found.sdnn_ms,
        found.rmssd_ms
    );
    let annotations = path.as_ref().map(|p| std::path::Path::new(p).with_extension("atr")).filter(|p| p.exists());
    if let Some(annotations) = annotations {
        let beats = wfdb::beats(&wfdb::open_annotations(&annotations, &Limits::default())?);
        let score = ecg::score_beats(&beats, &peaks, (0.15 * rate.hz()) as usize);
        println!("against the annotations: {score:?}, sensitivity {:?}", score.sensitivity());
    }
    if let Some(out) = arguments.next() {
        let (classes, waves) = (ecg::beat_classes(&samples, rate, &peaks)?, ecg::delineate(&samples, rate, &peaks)?);
        let marks = figure::EcgMarks { r_peaks: &peaks, classes: &classes, waves: &waves };
        std::fs::write(&out, figure::ecg_strip_marked(&samples, rate, &marks, &figure::EcgStripConfig::default())?)?;
        println!("drawn to {out}");
    }
    Ok(())
}

/// A minute of narrow complexes and rounder T waves, 64 to 76 beats a minute.
fn made_by_hand() -> Result<(Vec<f32>, SampleRate), Box<dyn std::error::Error>> {
    let rate = SampleRate::new(250.0)?;
    let mut beat = 0.5f64;
    let mut samples = vec![0.0f32; 15_000];
    while beat < 59.0 {
        for (i, v) in samples.iter_mut().enumerate() {
            let t = i as f64 / rate.hz() - beat;
            *v += ((-(t / 0.012).powi(2)).exp() + 0.25 * (-((t - 0.28) / 0.05).powi(2)).exp()) as f32;
        }
        beat += 0.86 + 0.07 * (beat * 0.6).sin();
    }
    Ok((samples, rate))
}
