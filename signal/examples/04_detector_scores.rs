//! How well a detector finds the annotated beats of records.
//!
//! `cargo run --release -p eir-signal --example 04_detector_scores -- [--method NAME] [--misses] FOLDER_OR_RECORD.hea...`
//! takes the first channel of every record that has an annotation file (`.atr`), from the first sample on, and pairs
//! within 150 ms.

use eir_core::{Limits, SampleRate};
use eir_signal::ecg::{BeatScore, QrsMethod, r_peaks, score_beats};
use eir_signal::{Record, wfdb};
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut method = QrsMethod::Eir;
    let (mut records, mut misses) = (Vec::new(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--method" => {
                let name = arguments.next().unwrap_or_default();
                method = QrsMethod::from_name(&name).ok_or("there is no method of this name")?;
            }
            "--misses" => misses = true,
            path => collect(Path::new(path), &mut records)?,
        }
    }
    records.sort();
    println!(
        "{:<10} {:>6} {:>5} {:>5} {:>7} {:>7} {:>7} {:>9}",
        "record", "TP", "FN", "FP", "Se", "PPV", "F1", "median ms"
    );
    let mut all = Vec::new();
    for path in &records {
        let annotated = wfdb::beats(&wfdb::open_annotations(&path.with_extension("atr"), &Limits::default())?);
        let record = Record::open(path)?;
        let signal = record.signals.first().ok_or("the record has no signal")?;
        let rate = signal.rate();
        let detected = match method {
            QrsMethod::Eir => r_peaks(&signal.samples(), rate)?,
            other => other.detect(&signal.samples(), rate)?,
        };
        let tolerance = (0.15 * rate.hz()) as usize;
        let score = score_beats(&annotated, &detected, tolerance);
        row(&record.name, score, distance_ms(&annotated, &detected, rate));
        if misses {
            tell(&annotated, &detected, tolerance, rate);
        }
        all.push(score);
    }
    let gross = all.iter().copied().fold(BeatScore::default(), |a, b| a + b);
    row("gross", gross, None);
    Ok(())
}

/// The records with annotations at or below `path`.
fn collect(path: &Path, records: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), records)?;
        }
    } else if path.extension().is_some_and(|e| e == "hea") && path.with_extension("atr").exists() {
        records.push(path.to_owned());
    }
    Ok(())
}

fn row(name: &str, score: BeatScore, distance: Option<f64>) {
    let share = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    println!(
        "{name:<10} {:>6} {:>5} {:>5} {:>7} {:>7} {:>7} {:>9}",
        score.true_positives,
        score.false_negatives,
        score.false_positives,
        share(score.sensitivity()),
        share(score.positive_predictive_value()),
        share(score.f1()),
        distance.map_or_else(String::new, |d| format!("{d:.1}")),
    );
}

/// Median distance of a detected beat from the annotated one, later is positive.
fn distance_ms(annotated: &[usize], detected: &[usize], rate: SampleRate) -> Option<f64> {
    let mut distances: Vec<f64> = Vec::new();
    for beat in annotated {
        let next = detected.partition_point(|d| d < beat);
        let around = [next.checked_sub(1), Some(next)].into_iter().flatten().filter_map(|k| detected.get(k));
        distances.extend(
            around.map(|d| (*d as f64 - *beat as f64) / rate.hz() * 1e3).min_by(|a, b| a.abs().total_cmp(&b.abs())),
        );
    }
    distances.retain(|d| d.abs() <= 150.0);
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied()
}

/// Where beats are missed or too many, in seconds.
fn tell(annotated: &[usize], detected: &[usize], tolerance: usize, rate: SampleRate) {
    let lone = |these: &[usize], those: &[usize]| {
        let near = |a: usize| {
            let k = those.partition_point(|b| b + tolerance < a);
            those.get(k).is_some_and(|b| a.abs_diff(*b) <= tolerance)
        };
        let lone: Vec<String> =
            these.iter().filter(|a| !near(**a)).map(|a| format!("{:.2}", rate.seconds(*a))).collect();
        lone.join(" ")
    };
    println!("           missed {} | too many {}", lone(annotated, detected), lone(detected, annotated));
}
