//! The shipped rehabilitation networks: their card, subjects they have not seen, another simulator, bad input.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail with it")]

mod other_simulator;

use eir_core::Limits;
use eir_core::random::Generator;
use eir_core::weights::{Card, Metric};
use eir_vision::rehab::simulation::{SimulationConfig, simulate};
use eir_vision::rehab::{Assessor, AssessorConfig, BODY_POINTS, BodySequence, KneeExercise, SquatMeasures, Verdict};
use other_simulator::Squat;
use std::path::{Path, PathBuf};

/// What must be reached on subjects that were not seen, in the order of [`SquatMeasures::NAMES`].
const GOALS: [f64; 6] = [1.0, 3.0, 4.0, 0.1, 4.0, 1.0];

fn weights() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/rehab.safetensors")
}

fn card() -> Card {
    Card::read(&weights().with_extension("card.json")).unwrap()
}

/// The networks as the file holds them, which is what the crate holds (`the_card_is_that_of_the_weights`).
fn shipped(config: AssessorConfig) -> Assessor {
    Assessor::load(&weights(), config, &Limits::default()).unwrap()
}

fn assessor(height_cm: f64) -> Assessor {
    shipped(AssessorConfig::default().with_height_cm(height_cm).with_exercise(KneeExercise::Squat))
}

#[test]
fn the_card_is_that_of_the_weights() {
    let card = card();
    assert_eq!(card, Assessor::card().unwrap());
    assert!(Assessor::shipped(AssessorConfig::default()).is_ok());
    assert!(card.name.contains("SIMULATION") && card.intended_use.contains("not a medical device"));
    assert!(card.to_json().lines().nth(1).unwrap().contains("TRAINED ON SIMULATION"));
    assert!(!card.licence.is_empty() && card.source.contains("--seed") && card.metrics.len() > 100);
    let weights = std::fs::read(weights()).unwrap();
    card.verify(&weights).unwrap();
    let mut changed = weights.clone();
    *changed.last_mut().unwrap() ^= 1;
    let json = card.to_json();
    assert!(Assessor::from_bytes(&changed, json.as_bytes(), AssessorConfig::default()).is_err());
    assert!(Assessor::from_bytes(&weights[..5000], json.as_bytes(), AssessorConfig::default()).is_err());
    assert!(Assessor::from_bytes(&weights, b"{}", AssessorConfig::default()).is_err());
}

#[test]
fn unseen_subjects_reach_the_goals_and_the_card() {
    let (mut errors, mut n, mut covered) = ([0.0; 6], 0.0, [0.0; 6]);
    let (mut known, mut withheld, networks) = ([0.0; 6], [0.0; 6], assessor(170.0));
    for subject in 0..150 {
        let film = simulate(&SimulationConfig::default(), 77, subject).unwrap();
        let found = networks.with_height_cm(film.height_cm).unwrap().assess(&film.sequence).unwrap();
        for truth in &film.squats {
            let near = found.repetitions.iter().find(|r| truth.peak_s > r.start_s && truth.peak_s < r.end_s);
            let Some(squat) = near.and_then(|r| r.squat) else { continue };
            n += 1.0;
            for (i, (g, t)) in squat.to_array().into_iter().zip(truth.measures.to_array()).enumerate() {
                withheld[i] += f64::from(u8::from(g.verdict == Verdict::Withheld));
                if !g.is_known() {
                    continue;
                }
                known[i] += 1.0;
                errors[i] += (g.value - t).abs();
                covered[i] += f64::from(u8::from((g.interval[0]..=g.interval[1]).contains(&t)));
            }
        }
    }
    assert!(n > 400.0, "{n} squats judged");
    let card = card();
    for (i, name) in SquatMeasures::NAMES.iter().enumerate() {
        let (mae, cover) = (errors[i] / known[i], covered[i] / known[i]);
        assert!(known[i] >= 0.9 * n, "{name}: a value in {} of {n}", known[i]);
        println!("{name}: mean absolute error {mae:.3}, coverage {cover:.3}");
        assert!(mae <= GOALS[i], "{name}: {mae}");
        let of_card = |m: &&Metric| m.name == format!("{name}: mean absolute error");
        let stated = card.metrics.iter().find(of_card).unwrap().value;
        assert!((mae - stated).abs() < 0.25 * stated, "{name}: {mae}, the card says {stated}");
        // made to hold under the worst of four conditions, they are wider than these films need, but not so wide that
        // they say nothing
        assert!(cover >= 0.85, "{name}: coverage {cover}");
        assert!(withheld[i] <= 0.45 * n, "{name}: verdict withheld in {} of {n}", withheld[i]);
    }
}

/// From any view, what is said holds its promise; what cannot be seen from one is not said.
#[test]
fn intervals_hold_from_every_view_and_with_shifted_hips() {
    let networks = assessor(170.0);
    let usual = SimulationConfig::default;
    for (what, condition) in [
        ("nearly from the side", usual().with_yaw_deg([8.0, 18.0])),
        ("nearly from the front", usual().with_yaw_deg([72.0, 80.0])),
        ("hips elsewhere", usual().with_hip_shift([0.06, 0.06])),
    ] {
        let (mut known, mut covered, mut n) = ([0.0f64; 6], [0.0; 6], 0.0);
        for subject in 0..60 {
            let film = simulate(&condition, 79, subject).unwrap();
            let Ok(found) = networks.with_height_cm(film.height_cm).unwrap().assess(&film.sequence) else { continue };
            for truth in &film.squats {
                let near = found.repetitions.iter().find(|r| truth.peak_s > r.start_s && truth.peak_s < r.end_s);
                let Some(squat) = near.and_then(|r| r.squat) else { continue };
                n += 1.0;
                for (i, (g, t)) in squat.to_array().into_iter().zip(truth.measures.to_array()).enumerate() {
                    known[i] += f64::from(u8::from(g.is_known()));
                    covered[i] += f64::from(u8::from((g.interval[0]..=g.interval[1]).contains(&t)));
                }
            }
        }
        for (i, name) in SquatMeasures::NAMES.iter().enumerate() {
            let cover = covered[i] / known[i];
            println!("{what}, {name}: a value in {:.2}, coverage {cover:.3}", known[i] / n);
            assert!(known[i] < 30.0 || cover >= 0.85, "{what}, {name}: {cover} of {}", known[i]);
        }
    }
}

#[test]
fn squats_of_another_simulator_are_graded_too() {
    let mut stream = Generator::new(5, "other simulator").stream(0);
    let networks = assessor(167.0);
    let (mut errors, mut known) = ([0.0; 6], [0.0; 6]);
    for _ in 0..120 {
        let squat = Squat::drawn(&mut stream);
        let film = squat.film(&mut stream);
        let found = networks.assess(&BodySequence::at_rate(squat.rate_hz, &film).unwrap()).unwrap();
        assert_eq!(found.repetitions.len(), squat.repetitions, "{squat:?}");
        for repetition in &found.repetitions {
            let measures = repetition.squat.unwrap().measures().to_array();
            for i in (0..6).filter(|i| !measures[*i].is_nan()) {
                known[i] += 1.0;
                errors[i] += (measures[i] - squat.truth()[i]).abs();
            }
        }
    }
    for (i, name) in SquatMeasures::NAMES.iter().enumerate() {
        let mae = errors[i] / known[i];
        println!("{name}: mean absolute error {mae:.3} of {}", known[i]);
        assert!(known[i] > 100.0 && mae <= GOALS[i], "{name}: {mae} of {}", known[i]);
    }
}

#[test]
fn exercises_are_told_apart_on_unseen_subjects() {
    let networks = shipped(AssessorConfig::default());
    let (mut right, mut n) = (0.0, 0.0);
    for exercise in KneeExercise::ALL {
        for subject in 0..30 {
            let film = simulate(&SimulationConfig::default().with_exercise(exercise), 78, subject).unwrap();
            if let Some(found) = networks.assess(&film.sequence).unwrap().recognition {
                n += 1.0;
                right += f64::from(u8::from(found.likeliest() == exercise));
            }
        }
    }
    println!("{right} of {n}");
    assert!(right / n >= 0.93 && n >= 195.0, "{right} of {n}");
}

#[test]
fn faults_have_no_gap_and_doubt_is_said() {
    let networks = assessor(167.0);
    let mut stream = Generator::new(6, "graded").stream(0);
    let mut last = -10.0;
    let mut verdicts = Vec::new();
    for step in 0..=10 {
        let valgus = f64::from(step);
        let squat = Squat { valgus_cm: valgus, noise_px: 0.5, ..Squat::plain() };
        let found = networks.assess(&BodySequence::at_rate(30.0, &squat.film(&mut stream)).unwrap()).unwrap();
        let graded = found.repetitions[0].squat.unwrap().valgus;
        assert!(graded.value > last - 0.3, "{valgus}: {graded:?} after {last}");
        last = graded.value;
        verdicts.push(graded.verdict);
    }
    assert_eq!((verdicts[0], verdicts[10]), (Verdict::NoFault, Verdict::Fault), "{verdicts:?}");
    assert!(verdicts.contains(&Verdict::Withheld), "{verdicts:?}");
}

#[test]
fn whatever_comes_in_there_is_no_panic() {
    let film = simulate(&SimulationConfig::default(), 9, 0).unwrap();
    let (times, points) = (film.sequence.times_s(), film.sequence.points());
    let plain = shipped(AssessorConfig::default());
    let sound = |times: &[f64], points: &[[[f32; 2]; BODY_POINTS]]| {
        if let Ok(found) = BodySequence::new(times, points).and_then(|s| plain.assess(&s)) {
            for r in found.repetitions {
                assert!(r.end_s > r.start_s && r.recognition.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
                if let Some(squat) = r.squat {
                    for g in squat.to_array() {
                        let sound = g.value.is_finite() && g.sigma > 0.0 && (0.0..=1.0).contains(&g.fault_probability);
                        assert!(sound == g.is_known() && (g.is_known() || g.reason.is_some()));
                    }
                }
            }
            true
        } else {
            false
        }
    };
    assert!(sound(times, points));
    for n in [0, 1, 2, 7] {
        assert!(!sound(&times[..n], &points[..n]), "{n} pictures");
    }
    let backwards: Vec<f64> = times.iter().rev().copied().collect();
    assert!(!sound(&backwards, points));
    assert!(!sound(&vec![1.0; times.len()], points));
    assert!(!sound(&times[1..], points));
    let changed = |change: &dyn Fn(usize, &mut [[f32; 2]; BODY_POINTS])| {
        let mut all = points.to_vec();
        all.iter_mut().enumerate().for_each(|(i, f)| change(i, f));
        sound(times, &all)
    };
    assert!(!changed(&|_, f| f.fill([f32::NAN; 2])));
    assert!(!changed(&|_, f| f[9] = [f32::INFINITY; 2]));
    assert!(!changed(&|_, f| f.fill([100.0; 2])));
    changed(&|_, f| f.iter_mut().for_each(|p| *p = p.map(|v| v * 1e4)));
    changed(&|_, f| f.iter_mut().for_each(|p| *p = p.map(|v| v * 1e-6)));
    changed(&|i, f| {
        if i % 7 != 0 {
            f.fill([f32::NAN; 2]);
        }
    });
    changed(&|i, f| f.iter_mut().for_each(|p| *p = [(i * 37 % 640) as f32, (i * 91 % 480) as f32]));
    changed(&|i, f| f.iter_mut().for_each(|p| p[0] += if i == 50 { 9e5 } else { 0.0 }));
    // one picture an hour
    let slow: Vec<f64> = (0..times.len()).map(|i| 3000.0 * i as f64).collect();
    assert!(!sound(&slow, points));
    assert!(AssessorConfig::default().with_height_cm(f64::NAN).validate().is_err());
    assert!(AssessorConfig::default().with_leg_cm(0.0).validate().is_err());
    let networks = shipped(AssessorConfig::default());
    let mut live = networks.live();
    assert!(live.push(f64::NAN, &points[0]).is_err());
    assert!(live.push(0.0, &points[0]).is_ok() && live.push(0.0, &points[0]).is_err());
}

#[test]
fn someone_who_stands_does_nothing() {
    let squat = Squat { depth_deg: 3.0, lean_deg: 0.0, ..Squat::plain() };
    let film = squat.film(&mut Generator::new(1, "standing").stream(0));
    let found = shipped(AssessorConfig::default()).assess(&BodySequence::at_rate(30.0, &film).unwrap()).unwrap();
    assert!(found.recognition.is_none() && found.repetitions.is_empty());
}

#[test]
fn live_says_what_the_whole_recording_says() {
    let squat = Squat { repetitions: 4, ..Squat::plain() };
    let film = squat.film(&mut Generator::new(2, "live").stream(0));
    let networks = assessor(167.0);
    let whole = networks.assess(&BodySequence::at_rate(30.0, &film).unwrap()).unwrap();
    let mut live = networks.live();
    let mut told = Vec::new();
    for (i, points) in film.iter().enumerate() {
        told.extend(live.push(i as f64 / 30.0, points).unwrap());
    }
    assert!(told.len() + 1 >= whole.repetitions.len() && told.len() <= whole.repetitions.len(), "{}", told.len());
    for (a, b) in told.iter().zip(&whole.repetitions) {
        assert!((a.peak_s - b.peak_s).abs() < 0.2);
        let (a, b) = (a.squat.unwrap().depth.value, b.squat.unwrap().depth.value);
        assert!((a - b).abs() < 3.0, "{a} {b}");
    }
}
