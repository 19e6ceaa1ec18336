//! The rehabilitation networks: trained on simulated subjects, calibrated on others, judged on yet others.

mod data;
mod judge;
mod network;
mod tensors;
mod training;

use crate::{Arguments, Outcome};
use data::{Part, Windows};
use eir_core::file;
use eir_core::weights::Card;
use eir_vision::rehab::simulation::SimulationConfig;
use judge::{Calibration, SUBJECTS};
use std::time::Instant;
use tensors::Tensors;
use training::Task;

/// Subjects who squat, and subjects of each exercise to learn to recognise.
const SQUATS: u64 = 4_500;
const EACH: u64 = 300;
/// Passes over the windows.
const EPOCHS: usize = 9;

/// Half of the subjects are filmed as they are judged, half under worse conditions of every kind but the view.
fn worse() -> SimulationConfig {
    SimulationConfig::default()
        .with_noise_percent([0.1, 2.2])
        .with_dropout([0.0, 0.3])
        .with_hip_shift([0.0, 0.065])
        .with_rate_hz([10.0, 60.0])
}

pub(crate) fn train(arguments: &Arguments) -> Outcome {
    let (seed, epochs) = (arguments.seed, arguments.epochs.unwrap_or(EPOCHS));
    if let Some(kept) = &arguments.network {
        println!("the networks of {} are kept and calibrated anew", kept.display());
        return finish(arguments, Tensors::read(kept)?, seed, epochs);
    }
    let begun = Instant::now();
    let conditions = [SimulationConfig::default(), worse()];
    let squats = Windows::of_squats(&conditions, seed, Part::Learn, SQUATS)?;
    let squats_to_choose = Windows::of_squats(&conditions, seed, Part::Choose, SQUATS / 12)?;
    let all = Windows::of_all(&conditions, seed, Part::Learn, EACH)?;
    let all_to_choose = Windows::of_all(&conditions, seed, Part::Choose, EACH / 8)?;
    println!(
        "{} squats of {SQUATS} subjects and {} repetitions of {EACH} subjects for each exercise, simulated in {} s; seed {seed}",
        squats.len(),
        all.len(),
        begun.elapsed().as_secs()
    );
    let mut tensors = Tensors::default();
    let begun = Instant::now();
    for (name, task, learn, choose, passes) in [
        ("quality", Task::Quality, squats, squats_to_choose, epochs),
        ("recognition", Task::Recognition, all, all_to_choose, epochs.div_ceil(2)),
    ] {
        println!("{name}, on one thread:");
        let scaled = learn.standardised()?;
        let choose = choose.scaled_as(&scaled);
        let net = training::fit(task, &scaled.examples, &choose, passes, seed, name);
        tensors.put_network(name, &net, &scaled);
    }
    println!("trained in {} s", begun.elapsed().as_secs());
    finish(arguments, tensors, seed, epochs)
}

/// Calibrates, judges, writes weights and card.
fn finish(arguments: &Arguments, mut tensors: Tensors, seed: u64, epochs: usize) -> Outcome {
    let mut card = card(seed, epochs);
    let calibration = Calibration::of(&tensors.bytes(&Calibration::none())?, seed)?;
    let bytes = tensors.bytes(&calibration)?;
    card.seal(&bytes);
    println!("judged on {SUBJECTS} squatting subjects and {} of each exercise who took no part:", SUBJECTS / 5);
    card.metrics = judge::judge(&bytes, &card, seed)?;
    file::write_atomic(&arguments.out.join("rehab.safetensors"), &bytes)?;
    card.write(&arguments.out.join("rehab.card.json"))?;
    println!("written to {}", arguments.out.display());
    Ok(())
}

fn card(seed: u64, epochs: usize) -> Card {
    let mut card = Card::new(
        "rehab: TRAINED ON SIMULATION, no patient was measured",
        "research on feedback for knee exercises at home: which exercise, and six measures of a squat with their doubt",
    );
    card.licence = "MIT OR Apache-2.0".to_owned();
    card.source = format!("cargo xtask train rehab --seed {seed} --epochs {epochs}");
    card.training_data = format!(
        "simulation alone (eir_vision::rehab::simulation, seed {seed}): {SQUATS} squatting subjects and {EACH} of each of \
         seven exercises, two to four repetitions each, camera 20° to 70° from the plane of movement to either side; every \
         other subject with jitter up to 2.2 % of a leg, up to 30 % of points lost, hips shifted by up to 6.5 % of the trunk"
    );
    card.limitations = [
        "trained and judged on simulation: rigid segments, jitter drawn from a distribution, no clothes, no furniture; what \
         it is worth on patients is not known",
        "the camera stands still and level, and one person is seen from head to toe; a recording begins at rest",
        "lengths in cm are as good as the leg's length that is given; without a height 170 cm is taken",
        "trained on views of 20° to 70°; from others intervals are wider, and a measure that cannot be told from a view has \
         no value but a reason: the view is estimated from shoulders, hips and feet of average proportions",
        "intervals are those of the worst of four conditions of filming for each group of views: under usual ones they hold \
         more than nine in ten",
        "probabilities are calibrated for the conditions of the simulation, with each measure spread evenly over its range",
        "a knee that moves inwards in a squat may be wanted or not: the limits are the therapist's",
    ]
    .map(str::to_owned)
    .to_vec();
    card
}
