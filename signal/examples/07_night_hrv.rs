//! Heart-rate variability of a night, every 5 min.
//!
//! `cargo run -p eir-signal --example 07_night_hrv -- path/to/record.hea night.svg`; without a record on a night that it
//! makes itself: `07_night_hrv -- - night.svg`.

use eir_core::SampleRate;
use eir_signal::{Record, ecg, figure, hrv};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (name, peaks, rate) = match arguments.next().filter(|path| path != "-") {
        Some(path) => {
            let record = Record::open(path)?;
            let lead = record.signals.first().ok_or("the record has no signal")?;
            (record.name.clone(), ecg::r_peaks(&lead.samples(), lead.rate())?, lead.rate())
        }
        None => ("made by hand".to_owned(), night(8.0), SampleRate::new(1000.0)?),
    };
    let beats = hrv::correct_artefacts(&peaks, rate)?;
    let changed = beats.labels.iter().filter(|label| **label != hrv::BeatLabel::Normal).count();
    println!("{name}: {} beats, {changed} of them corrected", peaks.len());
    let rr_ms = hrv::rr_intervals_ms(&beats.peaks, rate);
    let windows = hrv::WindowConfig::default().with_nonlinear(None).of(&rr_ms)?;
    println!("  hour  heart rate  RMSSD     HF");
    for hour in windows.chunks(12) {
        let mean = |of: &dyn Fn(&hrv::HrvWindow) -> Option<f64>| {
            let known: Vec<f64> = hour.iter().filter_map(of).collect();
            known.iter().sum::<f64>() / known.len() as f64
        };
        println!(
            "  {:>4.1} {:>7.1} bpm {:>4.0} ms {:>5.0} ms²",
            hour[0].start_s / 3600.0,
            mean(&|w| w.time.as_ref().ok().map(|t| t.heart_rate_bpm())),
            mean(&|w| w.time.as_ref().ok().map(|t| t.rmssd_ms)),
            mean(&|w| w.frequency.hf_ms2.ok()),
        );
    }
    if let Some(path) = arguments.next() {
        let config = figure::HrvTrendConfig::default().with_title(format!("Night, {name}")).with_start_hour(23.0);
        std::fs::write(&path, figure::hrv_trend(&windows, &config)?)?;
        println!("  drawn to {path}");
    }
    Ok(())
}

/// Beats of a night at 1000 Hz: sleep comes and goes every 90 min; deep sleep is slow, and breathing shows in it. A
/// premature beat every 500.
fn night(hours: f64) -> Vec<usize> {
    let turn = |t: f64, hz: f64| (std::f64::consts::TAU * hz * t).sin();
    let (mut t, mut beats) = (0.0, Vec::new());
    while t < 3600.0 * hours {
        let deep = 0.5 - 0.5 * (std::f64::consts::TAU * t / 5400.0).cos();
        let rr = 0.9 + 0.12 * deep + (0.008 + 0.04 * deep) * turn(t, 0.25) + (0.035 - 0.02 * deep) * turn(t, 0.1);
        let premature = match beats.len() % 500 {
            250 => 0.6,
            251 => 1.4,
            _ => 1.0,
        };
        t += rr * premature;
        beats.push((1000.0 * t) as usize);
    }
    beats
}
