//! Measures a voice and draws it: `cargo run -p eir-audio --example 01_voice_profile [recording.wav|flac [picture.svg]]`.
//!
//! Without a file it makes a vowel itself: 140 Hz falling to 110 Hz, with three formants.

use eir_audio::{
    Jitter, PeriodRule, PictureConfig, PointProcess, Recording, Shimmer, harmonicity, integrated_loudness, intensity,
    pauses, pitch,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (file, drawing) = (args.next(), args.next());
    let recording = match &file {
        Some(path) => Recording::open(path)?,
        None => vowel()?,
    };
    let (samples, rate) = (recording.samples(), recording.rate());
    let contour = pitch(samples, rate)?;
    let points = PointProcess::of(samples, rate, &contour)?;
    let rule = PeriodRule::default();
    let (jitter, shimmer) = (Jitter::of(&points, &rule), Shimmer::of(samples, rate, &points, &rule)?);
    println!("duration          {:8.2} s", recording.duration_s());
    println!("F0 median         {:8.1} Hz", contour.quantile_hz(0.5));
    let range = 12.0 * (contour.quantile_hz(0.95) / contour.quantile_hz(0.05)).log2();
    println!("F0 range (5–95 %) {range:8.1} semitones");
    println!("voiced            {:8.1} %", 100.0 * contour.voiced_fraction());
    println!("jitter (local)    {:8.2} %", 100.0 * jitter.local);
    println!("shimmer (local)   {:8.2} %", 100.0 * shimmer.local);
    println!("HNR               {:8.1} dB", harmonicity(samples, rate)?.mean_db());
    println!("level             {:8.1} dB", intensity(samples, rate)?.energy_mean_db());
    println!("loudness          {:8.1} LUFS", integrated_loudness(samples, rate)?);
    println!("pauses            {:8.2} s", pauses(samples, rate)?.total_s());
    if let Some(path) = drawing {
        let svg = PictureConfig::default().with_title(file.unwrap_or_default()).draw_with(&recording, &contour)?;
        std::fs::write(&path, svg)?;
        println!("picture           {path}");
    }
    Ok(())
}

/// Two seconds of impulses through three resonators, at 16 kHz.
fn vowel() -> Result<Recording, eir_audio::Error> {
    let rate = 16_000.0f64;
    let mut resonators = [(700.0, 80.0), (1220.0, 90.0), (2600.0, 120.0)].map(|(hz, width): (f64, f64)| {
        let r = (-std::f64::consts::PI * width / rate).exp();
        (2.0 * r * (std::f64::consts::TAU * hz / rate).cos(), -r * r, [0.0f64; 2])
    });
    let mut phase = 0.0f64;
    let samples = (0..32_000).map(|i| {
        phase += (140.0 - 30.0 * f64::from(i) / 32_000.0) / rate;
        let mut x = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase = phase.fract();
        for (a, b, past) in &mut resonators {
            let y = x + *a * past[0] + *b * past[1];
            *past = [y, past[0]];
            x = y * 0.1;
        }
        x as f32
    });
    let samples: Vec<f32> = samples.collect();
    let peak = samples.iter().fold(0.0f32, |a, s| a.max(s.abs()));
    Recording::new(samples.into_iter().map(|s| 0.5 * s / peak).collect(), rate)
}
