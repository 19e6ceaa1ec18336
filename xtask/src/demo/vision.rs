//! The knee in a picture and over an exercise; the face is in `faces`.

use super::faces;
use super::squat::squat;
use super::study::{Context, Outcome, Study};
use burn::tensor::Device;
use eir_core::Limits;
use eir_synth::{KneeExercise, KneeExerciseConfig, knee_exercise};
use eir_vision::Image;
use eir_vision::chart::{AngleCurve, angle_chart};
use eir_vision::kinematics::{Exercise, LegConfig, LegTracks, Side};
use eir_vision::networks::Architecture;
use eir_vision::overlay::{OverlayConfig, draw_skeleton};
use eir_vision::pose::PoseEstimator;
use std::error::Error;
use std::path::Path;

const PICTURE: &str = "coco_000000000785.png";
const SEED: u64 = 1;
/// Below this visibility of hip, knee or ankle an angle is a guess.
const SEEN: f64 = 0.5;

pub(crate) fn run(context: &Context) -> Outcome {
    let mut study;
    if let Some(data) = &context.data {
        let input = format!(
            "images/{PICTURE} (COCO 000000000785, CC BY 2.0), images/astronaut.png (NASA, public domain); weights: \
             MediaPipe BlazePose and face landmarker (Apache-2.0), expression networks (MIT). The exercise and the face \
             over time are simulated, seed {SEED}: there is no free recording of either."
        );
        study = Study::new("A knee and a face, in pictures and over time", &input);
        let device = device(&context.device)?;
        picture(context, data, &device, &mut study)?;
        exercise(context, &mut study)?;
        squat(context, &mut study)?;
        faces::portrait(context, data, &device, &mut study)?;
    } else {
        let input = format!("simulated, seed {SEED}: a person doing squats, seen from the side, and a face over 90 s");
        study = Study::new("A knee and a face over time", &input);
        exercise(context, &mut study)?;
        squat(context, &mut study)?;
        faces::drawn(&mut study)?;
    }
    let smiles = faces::over_time(context, &mut study)?;
    let knees = study.summary.trim_end_matches('.').to_owned();
    study.summary = format!("{knees}; {smiles}.");
    study.text(
        "Not a medical device. The angle is that of the points: in pictures that are not taken from the side, and where \
         hip, knee or ankle is hidden, it is wrong. Movement of a face is compared within one person, against the neutral \
         face; it says nothing of what is felt.",
    );
    Ok(study)
}

fn device(name: &str) -> Result<Device, Box<dyn Error>> {
    match name {
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        other => {
            Err(format!("this demo was built without the device {other}: build it with --features {other}").into())
        }
    }
}

fn picture(context: &Context, data: &Path, device: &Device, study: &mut Study) -> Result<(), Box<dyn Error>> {
    let [detector, landmarker] =
        [Architecture::BlazeposeDetector, Architecture::BlazeposeFull].map(|a| faces::weights(context, data, a));
    context.step("vision: loading the networks");
    let estimator = PoseEstimator::load(&detector?, &landmarker?, device)?;
    context.step("vision: finding the person");
    let image = Image::read(&data.join("vision/images").join(PICTURE), &Limits::default())?;
    let poses = estimator.estimate(&image)?;
    let Some(pose) = poses.first() else {
        return Err(format!("no person was found in {PICTURE}: check the picture and the weights").into());
    };
    context.step("vision: drawing");
    let overlay = OverlayConfig::default().with_min_visibility(SEEN);
    let drawn = draw_skeleton(&image, &pose.points_px(), &pose.visibility(), &overlay)?;
    study.png(
        "BlazePose full on one picture: the subject's left blue, right orange; hidden points are left out.",
        "A skier with the skeleton drawn over the picture: shoulders, arms, hips, knees, ankles and feet.",
        drawn.png()?,
    );
    let source = format!("vision::pose::PoseEstimator, images/{PICTURE}");
    study.number("person_probability", "Person in the picture", pose.presence, "", 3, &source, "0 to 1");
    for side in [Side::Left, Side::Right] {
        let (name, seen) = (side.name(), pose.leg_visibility(side));
        let note = if seen >= SEEN { "from world points; one picture's floor is about 1°" } else { "a guess: hidden" };
        let label = format!("Flexion of the {name} knee");
        study.number(&format!("knee_flexion_{name}_deg"), &label, pose.knee_flexion_deg(side)?, "°", 1, &source, note);
        let label = format!("Visibility of the {name} leg");
        study.number(&format!("leg_visibility_{name}"), &label, seen, "", 2, &source, "lowest of hip, knee, ankle");
    }
    Ok(())
}

/// The angle of one side over time.
fn angle(record: &KneeExercise, side: Side) -> Result<Exercise, Box<dyn Error>> {
    let [hip, knee, ankle] = side.leg();
    let track = |joint: usize| -> Vec<[f32; 2]> {
        record.keypoints.iter().map(|points| [points[joint][0], points[joint][1]]).collect()
    };
    let (hip, knee, ankle) = (track(hip), track(knee), track(ankle));
    let leg = LegTracks { hip: &hip, knee: &knee, ankle: &ankle, confidence: None };
    Ok(LegConfig::default().build(record.rate_hz)?.analyse(&leg)?.exercise)
}

fn exercise(context: &Context, study: &mut Study) -> Result<(), Box<dyn Error>> {
    context.step("vision: simulating and analysing an exercise");
    let record = knee_exercise(&KneeExerciseConfig::default(), SEED)?;
    let (right, left) = (angle(&record, Side::Right)?, angle(&record, Side::Left)?);
    let curves =
        [AngleCurve { name: "right knee", exercise: &right }, AngleCurve { name: "left knee", exercise: &left }];
    study.svg(
        "Knee flexion over a simulated exercise, smoothed without lag, with the band in which it lies with 90 %; repetitions of the right knee are shaded and numbered.",
        angle_chart("Knee flexion in squats (simulated)", &curves)?,
    );

    let truth = || record.knee_flexion_deg.iter().map(|v| f64::from(*v));
    let errors: Vec<f64> =
        right.flexion_deg.iter().zip(truth()).map(|(a, b)| a - b).filter(|e| e.is_finite()).collect();
    let rmse = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len().max(1) as f64).sqrt();
    let deepest = truth().fold(f64::MIN, f64::max);
    let found = right.repetitions.len();
    let rom = right.rom_deg.ok_or("no repetition was found in the simulated exercise: that is a defect")?;
    let source = format!("vision::kinematics::LegAnalysis on synth::knee_exercise, seed {SEED}");
    let done = format!("{} were simulated", record.repetitions);
    study.number("exercise_repetitions", "Repetitions found", found as f64, "", 0, &source, &done);
    let interval = right.report().rom_deg.map_or_else(String::new, |rom| format!("{rom}; "));
    let note = format!("{interval}largest simulated flexion {deepest:.1}°");
    study.number("exercise_rom_deg", "Range of motion, right", rom, "°", 1, &source, &note);
    study.number("exercise_rest_deg", "Flexion at rest, right", right.rest_deg, "°", 1, &source, "");
    study.number(
        "exercise_angle_rmse_deg",
        "Error of the angle (RMS)",
        rmse,
        "°",
        2,
        &source,
        "against the simulated truth",
    );

    let rows = right.repetitions.iter().enumerate().map(|(i, r)| {
        let seconds = |frame: usize| format!("{:.2}", right.rate.seconds(frame));
        vec![format!("{}", i + 1), seconds(r.start), seconds(r.peak), seconds(r.end), format!("{:.1}", r.peak_deg)]
    });
    let header = ["Repetition", "Start (s)", "Peak (s)", "End (s)", "Peak (°)"];
    study.table("Repetitions of the right knee", &header, rows.collect());

    // the deepest moment as the camera would see it
    if let Some(deep) = right.repetitions.first().and_then(|r| record.keypoints.get(r.peak)) {
        let ground = Image::filled(640, 480, [58, 66, 76])?;
        let points: Vec<[f64; 2]> = deep.iter().map(|p| [f64::from(p[0]), f64::from(p[1])]).collect();
        let visibility: Vec<f64> = deep.iter().map(|p| f64::from(p[2])).collect();
        let overlay = OverlayConfig::default().with_min_visibility(SEEN).with_face(true);
        study.png(
            "The simulated person at the deepest point of the first repetition.",
            "A stick figure seen from the side with both knees bent.",
            draw_skeleton(&ground, &points, &visibility, &overlay)?.png()?,
        );
    }
    let in_picture = study.numbers().find(|n| n.id == "knee_flexion_right_deg").map(|n| n.value);
    let picture = in_picture.map_or_else(String::new, |deg| format!("right knee bent by {deg:.0}° in the picture; "));
    study.summary = format!(
        "{picture}{found} of {} simulated squats counted, range of motion {rom:.0}°, angle within {rmse:.1}° (RMS).",
        record.repetitions
    );
    Ok(())
}
