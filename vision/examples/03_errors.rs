//! How exact the knee angle is: simulated exercises whose truth is known.
//!
//! `cargo run --release -p eir-vision --example 03_errors -- [scenes]`

#[path = "../tests/simulation/mod.rs"]
mod simulation;

use eir_vision::kinematics::{LegConfig, LegTracks};
use simulation::{Leg, Scene, standing};

fn tracks(leg: &Leg) -> LegTracks<'_, 2> {
    let [hip, knee, ankle] = &leg.points;
    let [a, b, c] = &leg.confidence;
    LegTracks { hip, knee, ankle, confidence: Some([a, b, c]) }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scenes: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200);
    println!(
        "scene                             RMSE mean/max   ROM bias/SD/max   in 90 %   ROM in 95 %   counts wrong"
    );
    for (name, rate, count, peak, seconds, noise, dropout, lying) in [
        ("squat, 2 px", 30.0, 5, 95.0, 3.0, 2.0, 0.0, false),
        ("squat, 1 px, 15 pictures a second", 15.0, 5, 95.0, 3.0, 1.0, 0.0, false),
        ("squat, 1.5 px, 10 % dropped", 30.0, 6, 90.0, 3.0, 1.5, 0.1, false),
        ("heel slide, 1.5 px", 30.0, 5, 60.0, 3.0, 1.5, 0.0, true),
        ("fast heel slide, 2 px", 30.0, 10, 75.0, 1.5, 2.0, 0.0, true),
        ("squat, 4 px, 20 % dropped", 30.0, 8, 85.0, 2.2, 4.0, 0.2, false),
        ("heel slide, 4 px, 20 % dropped", 30.0, 8, 85.0, 2.2, 4.0, 0.2, true),
    ] {
        let (mut rmse_sum, mut rmse_max, mut inside, mut all, mut wrong) = (0.0, 0.0f64, 0usize, 0usize, 0);
        let (mut roms, mut covered) = (Vec::new(), 0);
        for seed in 0..scenes {
            let scene = Scene { lying, ..Scene::plain(rate, count, peak, seconds, noise, dropout, seed) };
            let film = scene.film();
            let leg = &film.legs[0];
            let motion = LegConfig::default().build(rate)?.analyse(&tracks(leg))?;
            let e = &motion.exercise;
            let errors: Vec<(f64, f64)> = e
                .flexion_deg
                .iter()
                .zip(&e.sigma_deg)
                .zip(&leg.truth_deg)
                .filter(|((a, _), _)| a.is_finite())
                .map(|((a, s), t)| (a - t, *s))
                .collect();
            let rmse = (errors.iter().map(|(d, _)| d * d).sum::<f64>() / errors.len() as f64).sqrt();
            rmse_sum += rmse;
            rmse_max = rmse_max.max(rmse);
            inside += errors.iter().filter(|(d, s)| d.abs() <= 1.644_854 * s).count();
            all += errors.len();
            wrong += usize::from(e.repetitions.len() != count);
            if let (Some(rom), Some(estimate)) = (e.rom_deg, e.rom()) {
                roms.push(rom - (peak - 3.0));
                covered += usize::from(estimate.covers(peak - 3.0));
            }
        }
        let n = roms.len() as f64;
        let bias = roms.iter().sum::<f64>() / n;
        let sd = (roms.iter().map(|r| (r - bias).powi(2)).sum::<f64>() / n).sqrt();
        let worst = roms.iter().fold(0.0f64, |a, r| a.max(r.abs()));
        println!(
            "{name:<34} {:.2} / {rmse_max:.2}     {bias:+.2} / {sd:.2} / {worst:.2}   {:.1} %    {:.1} %        {wrong}",
            rmse_sum / scenes as f64,
            100.0 * inside as f64 / all as f64,
            100.0 * covered as f64 / n,
        );
    }
    let (mut exact, mut failed) = (0, Vec::new());
    let (mut inside, mut all) = (0usize, 0usize);
    for seed in 0..1000 {
        let (scene, whole) = Scene::drawn(seed);
        let film = scene.film();
        match LegConfig::default().build(scene.rate_hz)?.analyse(&tracks(&film.legs[0])) {
            Ok(motion) => {
                let e = &motion.exercise;
                if e.repetitions.len() == whole {
                    exact += 1;
                } else {
                    failed.push((seed, whole, e.repetitions.len()));
                }
                let seen = e.flexion_deg.iter().zip(&e.sigma_deg).zip(&film.legs[0].truth_deg);
                let seen: Vec<bool> = seen
                    .filter(|((a, _), _)| a.is_finite())
                    .map(|((a, s), t)| (a - t).abs() <= 1.644_854 * s)
                    .collect();
                inside += seen.iter().filter(|s| **s).count();
                all += seen.len();
            }
            Err(error) => println!("scene {seed}: {error}"),
        }
    }
    println!("drawn scenes: {:.1} % of the pictures in the 90 % interval", 100.0 * inside as f64 / all as f64);
    println!("drawn scenes: {exact} of 1000 counted exactly; wrong (seed, whole, counted): {failed:?}");
    let mut false_ones = 0;
    for seed in 0..scenes {
        let rate = 5.0 + (seed % 26) as f64;
        let film = standing(rate, 60.0, 0.5 * (seed % 9) as f64, seed);
        let motion = LegConfig::default().build(rate)?.analyse(&tracks(&film.legs[0]))?;
        false_ones += usize::from(!motion.exercise.repetitions.is_empty());
    }
    println!("standing for 60 s: {false_ones} of {scenes} with a repetition");
    Ok(())
}
