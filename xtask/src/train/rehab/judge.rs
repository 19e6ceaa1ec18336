//! Calibration on subjects who took no part in the training, and judgement on others.

use super::data::{Part, films};
use eir_core::calibration::{Binning, Reliability};
use eir_core::conformal::{Alpha, Threshold};
use eir_core::metrics::auroc;
use eir_core::weights::{Card, Metric};
use eir_vision::rehab::simulation::{SimulatedExercise, SimulationConfig, TrueSquat};
use eir_vision::rehab::{
    Assessment, Assessor, AssessorConfig, KneeExercise, RepetitionAssessment, SquatLimits, SquatMeasures, SquatQuality,
    VIEWS, Verdict, view_group,
};
use std::error::Error;

/// Squatting subjects to judge under each condition.
pub(super) const SUBJECTS: u64 = 200;

/// What is found on subjects who took no part in the training.
pub(super) struct Calibration {
    /// By group of views.
    spread: [[f64; 6]; VIEWS],
    reach: [[f64; 6]; VIEWS],
    temperature: f64,
    threshold: f64,
}

/// Class and probabilities of a recording.
type Recorded = (usize, [f64; 7]);

/// Subjects for the calibration of each condition.
const CALIBRATED: u64 = 600;
/// Squats of a group of views and a condition from which a threshold is taken.
const ENOUGH: usize = 25;
/// A measure has a value from a view if its interval is at most so wide, as a share of one that knows only how such
/// measures are spread.
const TELLING: f64 = 0.5;

/// A squat that was found, and the truth.
struct Pair {
    truth: SquatMeasures,
    found: SquatQuality,
}

fn assessor(bytes: &[u8], config: AssessorConfig) -> Result<Assessor, Box<dyn Error>> {
    let mut card = Card::new("rehab", "judgement");
    card.seal(bytes);
    Ok(Assessor::from_bytes(bytes, card.to_json().as_bytes(), config)?)
}

/// The squats of films as they are judged, with the subject's height known; also how many were done and how many found.
fn squats(bytes: &[u8], films: &[SimulatedExercise]) -> Result<(Vec<Pair>, usize, usize), Box<dyn Error>> {
    let plain = assessor(bytes, AssessorConfig::default().with_exercise(KneeExercise::Squat))?;
    let (mut pairs, mut done, mut seen) = (Vec::new(), 0, 0);
    for film in films {
        done += film.squats.len();
        let Ok(found) = plain.with_height_cm(film.height_cm)?.assess(&film.sequence) else { continue };
        seen += found.repetitions.len();
        for truth in &film.squats {
            if let Some(found) = near(truth, &found).and_then(|r| r.squat) {
                pairs.push(Pair { truth: truth.measures, found });
            }
        }
    }
    Ok((pairs, done, seen))
}

fn near<'a>(truth: &TrueSquat, found: &'a Assessment) -> Option<&'a RepetitionAssessment> {
    let distance = |r: &RepetitionAssessment| (r.peak_s - truth.peak_s).abs();
    let best = found.repetitions.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    best.filter(|r| truth.peak_s > r.start_s && truth.peak_s < r.end_s)
}

impl Calibration {
    pub(super) const NAMES: [&'static str; 4] =
        ["quality.spread", "quality.reach", "recognition.temperature", "recognition.threshold"];

    /// That of networks as they come from the training.
    pub(super) fn none() -> Self {
        Self { spread: [[1.0; 6]; VIEWS], reach: [[1.0; 6]; VIEWS], temperature: 1.0, threshold: 0.5 }
    }

    /// Shapes and values in the order of [`NAMES`](Self::NAMES).
    pub(super) fn tensors(&self) -> [(Vec<usize>, Vec<f32>); 4] {
        let narrow = |shape: &[usize], v: &[f64]| (shape.to_vec(), v.iter().map(|v| *v as f32).collect::<Vec<f32>>());
        [
            narrow(&[VIEWS, 6], self.spread.as_flattened()),
            narrow(&[VIEWS, 6], self.reach.as_flattened()),
            narrow(&[1], &[self.temperature]),
            narrow(&[1], &[self.threshold]),
        ]
    }

    /// Errors in units of the network's standard errors, for each group of views apart: their size makes the spread, the
    /// largest of their 90th percentiles (the conformal ones) under several conditions the reach. Then the threshold of the
    /// sets of exercises.
    pub(super) fn of(bytes: &[u8], seed: u64) -> Result<Self, Box<dyn Error>> {
        let alpha = Alpha::new(0.1)?;
        let all_views = SimulationConfig::default().with_yaw_deg([0.0, 90.0]);
        let conditions = [
            all_views.clone(),
            all_views.clone().with_noise_percent([0.4, 1.8]),
            all_views.clone().with_hip_shift([0.06, 0.06]),
            all_views.with_dropout([0.2, 0.2]),
        ];
        let mut pairs = Vec::new();
        for condition in &conditions {
            pairs.push(squats(bytes, &films(condition, seed, Part::Calibrate, CALIBRATED)?)?.0);
        }
        let mut found = Self::none();
        println!("intervals by view: half of their width, the widest of the conditions (0: no value)");
        println!("  {:>6} {}", "squats", SquatMeasures::NAMES.join(" "));
        for group in 0..VIEWS {
            let of_view = |pairs: &'_ [Pair]| -> Vec<[(f64, f64); 6]> {
                let here = pairs.iter().filter(|p| view_group(p.found.view_deg) == group);
                let ratios = |p: &Pair| {
                    let (found, truth) = (p.found.to_array(), p.truth.to_array());
                    std::array::from_fn(|i| ((found[i].value - truth[i]).abs() / found[i].sigma, found[i].sigma))
                };
                here.map(ratios).collect()
            };
            let by_condition: Vec<_> = pairs.iter().map(|p| of_view(p)).filter(|p| p.len() >= ENOUGH).collect();
            let mut widths = [0.0; 6];
            for i in 0..6 {
                let mut ratios: Vec<f64> = by_condition.iter().flatten().map(|r| r[i].0).collect();
                let mut sigmas: Vec<f64> = by_condition.iter().flatten().map(|r| r[i].1).collect();
                if ratios.is_empty() {
                    found.reach[group][i] = 0.0;
                    continue;
                }
                ratios.sort_by(f64::total_cmp);
                sigmas.sort_by(f64::total_cmp);
                // a normal distribution through the middle half of the errors, and through all but the largest
                let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share) as usize];
                let spread = 0.5 * (at(0.5) / 0.674_489_75 + at(0.9) / 1.644_853_63);
                let mut reach = 0.0f64;
                for condition in &by_condition {
                    let ratios: Vec<f64> = condition.iter().map(|r| r[i].0).collect();
                    reach = reach.max(Threshold::fit(&ratios, alpha)?.q());
                }
                widths[i] = reach * sigmas[sigmas.len() / 2];
                let truths = pairs.iter().flatten().map(|p| p.truth.to_array()[i]);
                let known = widths[i] <= TELLING * 1.644_853_63 * deviation(truths);
                found.spread[group][i] = spread;
                found.reach[group][i] = if known && reach.is_finite() { reach / spread } else { 0.0 };
            }
            let told: Vec<String> = (0..6)
                .map(|i| format!("{:.2}{}", widths[i], if found.reach[group][i] > 0.0 { "" } else { " (none)" }))
                .collect();
            println!("  {:>6} {}", by_condition.iter().map(Vec::len).sum::<usize>(), told.join(" "));
        }
        let recordings = recordings(bytes, seed, Part::Calibrate, &SimulationConfig::default())?;
        let scores: Vec<f64> = recordings.iter().map(|(class, p)| 1.0 - p[*class]).collect();
        found.threshold = Threshold::fit(&scores, alpha)?.q();
        Ok(found)
    }
}

fn deviation(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum, squares) = values.fold((0.0, 0.0, 0.0), |(n, s, q), v| (n + 1.0, s + v, q + v * v));
    (squares / n - (sum / n).powi(2)).max(0.0).sqrt()
}

/// Class and probabilities of each recording in which a repetition was found.
fn recordings(
    bytes: &[u8],
    seed: u64,
    part: Part,
    condition: &SimulationConfig,
) -> Result<Vec<Recorded>, Box<dyn Error>> {
    let plain = assessor(bytes, AssessorConfig::default())?;
    let mut all = Vec::new();
    for (class, exercise) in KneeExercise::ALL.into_iter().enumerate() {
        for film in films(&condition.clone().with_exercise(exercise), seed, part, SUBJECTS / 5)? {
            if let Ok(Some(found)) = plain.assess(&film.sequence).map(|a| a.recognition) {
                all.push((class, found.probabilities));
            }
        }
    }
    Ok(all)
}

/// The conditions under which everything is printed.
fn conditions() -> [(&'static str, SimulationConfig); 6] {
    let usual = SimulationConfig::default;
    [
        ("as calibrated", usual()),
        ("doubled noise", usual().with_noise_percent([0.4, 1.8])),
        ("hips shifted by 6 % of the trunk", usual().with_hip_shift([0.06, 0.06])),
        ("views never trained, 8° to 18°", usual().with_yaw_deg([8.0, 18.0])),
        ("views never trained, 72° to 80°", usual().with_yaw_deg([72.0, 80.0])),
        ("20 % of points lost", usual().with_dropout([0.2, 0.2])),
    ]
}

/// Prints how good the networks are under each condition.
pub(super) fn judge(bytes: &[u8], card: &Card, seed: u64) -> Result<Vec<Metric>, Box<dyn Error>> {
    let mut metrics = Vec::new();
    for (name, condition) in conditions() {
        println!("{name}:");
        let (pairs, done, seen) = squats(bytes, &films(&condition, seed, Part::Judge, SUBJECTS)?)?;
        let on = format!("simulated subjects who took no part, {name}");
        let mut say = |what: String, value: f64| metrics.push(Metric::new(&what, value, &on));
        println!("  {} of {done} squats judged, {seen} repetitions found", pairs.len());
        say("squats judged of all done".to_owned(), pairs.len() as f64 / done as f64);
        println!(
            "  {:<18} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}",
            "", "known", "MAE", "AUROC", "ECE", "cover", "held", "wrong"
        );
        let limits = SquatLimits::default();
        for (i, measure) in SquatMeasures::NAMES.into_iter().enumerate() {
            let known: Vec<&Pair> = pairs.iter().filter(|p| p.found.to_array()[i].is_known()).collect();
            let told = known.len() as f64 / pairs.len().max(1) as f64;
            say(format!("{measure}: share of squats with a value"), told);
            if known.is_empty() {
                println!("  {measure:<18} {told:>6.3}");
                continue;
            }
            let graded: Vec<_> = known.iter().map(|p| (p.found.to_array()[i], p.truth.to_array()[i])).collect();
            let labels: Vec<bool> = known.iter().map(|p| limits.faults(&p.truth)[i]).collect();
            let p: Vec<f64> = graded.iter().map(|(g, _)| g.fault_probability).collect();
            let n = graded.len() as f64;
            let share = |of: &dyn Fn(usize) -> bool| (0..graded.len()).filter(|k| of(*k)).count() as f64 / n;
            let mae = graded.iter().map(|(g, t)| (g.value - t).abs()).sum::<f64>() / n;
            let area = auroc(&labels, &p).unwrap_or(f64::NAN); // faults of one kind only
            let ece = Reliability::new(&labels, &p, Binning::EqualWidth(15))?.ece();
            let cover = share(&|k| (graded[k].0.interval[0]..=graded[k].0.interval[1]).contains(&graded[k].1));
            let held = share(&|k| graded[k].0.verdict == Verdict::Withheld);
            let wrong = share(&|k| match graded[k].0.verdict {
                Verdict::Fault => !labels[k],
                Verdict::NoFault => labels[k],
                _ => false,
            });
            println!(
                "  {measure:<18} {told:>6.3} {mae:>6.2} {area:>6.3} {ece:>6.3} {cover:>6.3} {held:>6.3} {wrong:>6.3}"
            );
            say(format!("{measure}: mean absolute error"), mae);
            if area.is_finite() {
                say(format!("{measure}: AUROC at the limit"), area);
            }
            say(format!("{measure}: calibration error of the fault's probability, 15 bins"), ece);
            say(format!("{measure}: share of intervals that hold the truth"), cover);
            say(format!("{measure}: share of verdicts withheld"), held);
            say(format!("{measure}: share of verdicts given and wrong"), wrong);
        }
        let plain = Assessor::from_bytes(bytes, card.to_json().as_bytes(), AssessorConfig::default())?;
        let recordings = recordings(bytes, seed, Part::Judge, &condition)?;
        let n = recordings.len() as f64;
        let mut counts = [0usize; 4];
        let mut confusion = [[0usize; 7]; 7];
        for (class, p) in &recordings {
            let found = plain.recognition_of(*p);
            let exercise = KneeExercise::ALL[*class];
            let likeliest = KneeExercise::ALL.iter().position(|e| *e == found.likeliest()).unwrap_or(0);
            confusion[*class][likeliest] += 1;
            counts[0] += usize::from(likeliest == *class);
            counts[1] += usize::from(found.candidates.contains(&exercise));
            counts[2] += usize::from(found.exercise.is_none());
            counts[3] += usize::from(found.exercise.is_some_and(|e| e != exercise));
        }
        let [right, cover, held, wrong] = counts.map(|c| c as f64 / n);
        let asked = 7.0 * (SUBJECTS / 5) as f64;
        println!(
            "  exercise: {right:.3} right, {cover:.3} in the set, {held:.3} withheld, {wrong:.3} named wrongly; {n} of {asked} recordings with a repetition"
        );
        if name == "as calibrated" {
            for (exercise, row) in KneeExercise::ALL.iter().zip(confusion) {
                println!("    {:<24} {row:?}", exercise.code());
            }
        }
        say("exercise: accuracy over seven".to_owned(), right);
        say("exercise: share of sets that hold it".to_owned(), cover);
        say("exercise: share withheld".to_owned(), held);
        say("exercise: recordings with a repetition".to_owned(), n / asked);
    }
    Ok(metrics)
}
