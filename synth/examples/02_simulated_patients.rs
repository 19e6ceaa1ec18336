//! Five simulated signals and the truth that comes with them.
//!
//! `cargo run --release --example 02_simulated_patients [seed]`
use eir_synth::{
    CtgConfig, EcgConfig, KneeExerciseConfig, KneeVolumeConfig, VoiceConfig, ctg, ecg, knee_exercise, knee_volume,
    voice,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(1), |s| s.parse())?;
    let heart = ecg(&EcgConfig::default(), seed)?;
    println!("ECG: {} beats in {} samples", heart.r_peaks.len(), heart.samples_mv.len());
    let labour = ctg(&CtgConfig::default(), seed)?;
    println!("CTG: {} events in an hour", labour.events.len());
    let squats = knee_exercise(&KneeExerciseConfig::default(), seed)?;
    let deepest = squats.knee_flexion_deg.iter().fold(0.0f32, |a, b| a.max(*b));
    println!("exercise: {} repetitions, deepest knee flexion {deepest:.1}°", squats.repetitions);
    let speech = voice(&VoiceConfig::default(), seed)?;
    println!("voice: {} glottal periods", speech.period_starts_s.len());
    let knee = knee_volume(&KneeVolumeConfig::default(), seed)?;
    for (name, mm3) in ["background", "femur", "tibia", "patella", "cartilage"].iter().zip(&knee.volume_mm3) {
        println!("knee: {name} {:.2} cm³", mm3 / 1000.0);
    }
    Ok(())
}
