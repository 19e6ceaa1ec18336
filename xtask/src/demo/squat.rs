//! A squat with a planted fault: what the rehabilitation networks say of each repetition, with their doubt.

use super::study::{Context, Study};
use eir_vision::chart::{AngleCurve, angle_chart};
use eir_vision::kinematics::{Exercise, LegConfig, LegTracks};
use eir_vision::rehab::simulation::{SimulatedExercise, SimulationConfig, simulate};
use eir_vision::rehab::{
    Assessor, AssessorConfig, Graded, RepetitionAssessment, SquatLimits, SquatMeasures, SquatQuality, Verdict,
};
use std::error::Error;

const SEED: u64 = 1;
const SUBJECT: u64 = 7;
/// Pictures a second.
const RATE_HZ: f64 = 30.0;
/// Where the camera stands, and how far the knees move inwards.
const VIEW_DEG: f64 = 35.0;
const VALGUS_CM: f64 = 8.0;
/// Name of each measure in the order of [`SquatMeasures::NAMES`].
const LABELS: [&str; 6] = ["Valgus", "Depth", "Asymmetry", "Tempo", "Trunk lean", "Heel rise"];
/// Unit and decimals of each measure, in the order of [`SquatMeasures::NAMES`].
const UNITS: [(&str, usize); 6] = [("cm", 1), ("°", 0), ("%", 0), ("s", 2), ("°", 0), ("cm", 1)];

pub(crate) fn squat(context: &Context, study: &mut Study) -> Result<(), Box<dyn Error>> {
    context.step("vision: grading a squat with a planted fault");
    let config =
        SimulationConfig::default().with_yaw_deg([VIEW_DEG; 2]).with_rate_hz([RATE_HZ; 2]).with_valgus_cm(VALGUS_CM);
    let film = simulate(&config, SEED, SUBJECT)?;
    let assessor = Assessor::shipped(AssessorConfig::default().with_height_cm(film.height_cm))?;
    let found = assessor.assess(&film.sequence)?;
    let (right, left) = (knee(&film, 1)?, knee(&film, 0)?);
    let curves =
        [AngleCurve { name: "right knee", exercise: &right }, AngleCurve { name: "left knee", exercise: &left }];
    study.svg(
        "The knees of a simulated subject as a camera 35° from the plane of movement sees them. They bend as they should; \
         that they move inwards does not show in this angle.",
        angle_chart("Knee flexion in squats with valgus (simulated)", &curves)?,
    );
    let graded: Vec<(&RepetitionAssessment, SquatQuality)> =
        found.repetitions.iter().filter_map(|r| Some((r, r.squat?))).collect();
    let header = ["Repetition", "Said"].into_iter().chain(LABELS).collect::<Vec<_>>();
    study.table(
        "Each repetition: codes for an app, and 90 % intervals; * beyond its limit, ? not to be told",
        &header,
        graded.iter().enumerate().map(|(i, (repetition, squat))| row(i + 1, repetition, squat)).collect(),
    );

    let Some((_, first)) = graded.first() else {
        return Err("no squat was found in the simulated exercise: that is a defect".into());
    };
    let truth = film.squats.first().map(|s| s.measures).ok_or("no squat was simulated: that is a defect")?.to_array();
    let source = format!("vision::rehab::Assessor on rehab::simulation, seed {SEED}, subject {SUBJECT}");
    for (i, measure) in first.to_array().iter().enumerate() {
        let ((unit, digits), truth) = (UNITS[i], truth[i]);
        let note = format!("{}; simulated {truth:.digits$}", interval(measure, digits));
        let (id, label) = (format!("squat_{}", SquatMeasures::NAMES[i]), format!("{}, first squat", LABELS[i]));
        study.number(&id, &label, measure.value, unit, digits, &source, &note);
    }
    let faulty = graded.iter().filter(|(_, q)| q.valgus.verdict == Verdict::Fault).count();
    let limit = SquatLimits::default().valgus_cm;
    study.text(&format!(
        "{faulty} of {} squats are told to have more than {limit:.0} cm of valgus; {VALGUS_CM:.0} cm were planted. The \
         networks were trained on simulation alone.",
        film.squats.len()
    ));
    Ok(())
}

/// The angle of a knee (0 left, 1 right) in the picture.
fn knee(film: &SimulatedExercise, side: usize) -> Result<Exercise, Box<dyn Error>> {
    let track = |joint: usize| -> Vec<[f32; 2]> { film.sequence.points().iter().map(|p| p[joint + side]).collect() };
    let [hip, knee, ankle] = [2, 4, 6].map(track);
    let leg = LegTracks { hip: &hip, knee: &knee, ankle: &ankle, confidence: None };
    Ok(LegConfig::default().build(RATE_HZ)?.analyse(&leg)?.exercise)
}

fn row(number: usize, repetition: &RepetitionAssessment, squat: &SquatQuality) -> Vec<String> {
    let codes: Vec<&str> = repetition.feedback().iter().map(|f| f.code()).collect();
    let said = if codes.is_empty() { "nothing".to_owned() } else { codes.join(", ") };
    let measures = squat.to_array();
    let measures = measures.iter().zip(UNITS).map(|(graded, (unit, digits))| {
        let mark = match (graded.verdict, graded.reason) {
            (Verdict::Fault, _) => " *",
            (Verdict::Withheld, Some(_)) => " ?",
            _ => "",
        };
        format!("{} {unit}{mark}", interval(graded, digits))
    });
    [format!("{number}"), said].into_iter().chain(measures).collect()
}

/// The ends of an interval, or why there is none.
fn interval(graded: &Graded, digits: usize) -> String {
    match graded.reason {
        Some(reason) if !graded.is_known() => reason.code().to_owned(),
        _ => format!("{:.digits$} to {:.digits$}", graded.interval[0], graded.interval[1]),
    }
}
