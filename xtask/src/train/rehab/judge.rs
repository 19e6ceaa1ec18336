//! Calibration on subjects who took no part in the training, and judgement on others.

use super::data::{Part, films};
use eir_core::calibration::{Binning, Reliability};
use eir_core::conformal::{Alpha, Threshold};
use eir_core::metrics::auroc;
use eir_core::weights::{Card, Metric};
use eir_vision::rehab::simulation::{SimulatedExercise, SimulationConfig, TrueSquat};
use eir_vision::rehab::{
    Assessment, Assessor, AssessorConfig, KneeExercise, RepetitionAssessment, SquatLimits, SquatMeasures, SquatQuality,
    Verdict,
};
use std::error::Error;

/// Squatting subjects to judge under each condition.
pub(super) const SUBJECTS: u64 = 200;

/// What is found on subjects who took no part in the training.
pub(super) struct Calibration {
    spread: [f64; 6],
    reach: [f64; 6],
    temperature: f64,
    threshold: f64,
}

/// Class and probabilities of a recording.
type Recorded = (usize, [f64; 7]);

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
        Self { spread: [1.0; 6], reach: [1.0; 6], temperature: 1.0, threshold: 0.5 }
    }

    pub(super) fn tensors(&self) -> [Vec<f32>; 4] {
        let narrow = |v: &[f64]| v.iter().map(|v| *v as f32).collect::<Vec<f32>>();
        [narrow(&self.spread), narrow(&self.reach), narrow(&[self.temperature]), narrow(&[self.threshold])]
    }

    /// Errors in units of the network's standard errors: their size makes the spread, their 90th percentile (the
    /// conformal one) the reach. Then the threshold of the sets of exercises.
    pub(super) fn of(bytes: &[u8], seed: u64) -> Result<Self, Box<dyn Error>> {
        let alpha = Alpha::new(0.1)?;
        let (pairs, ..) = squats(bytes, &films(&SimulationConfig::default(), seed, Part::Calibrate, SUBJECTS)?)?;
        let mut found = Self::none();
        for i in 0..6 {
            let ratio = |p: &Pair| {
                let g = p.found.to_array()[i];
                (g.value - p.truth.to_array()[i]).abs() / g.sigma
            };
            let mut ratios: Vec<f64> = pairs.iter().map(ratio).collect();
            let reach = Threshold::fit(&ratios, alpha)?.q();
            ratios.sort_by(f64::total_cmp);
            // a normal distribution through the middle half of the errors, and through all but the largest
            let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share) as usize];
            found.spread[i] = 0.5 * (at(0.5) / 0.674_489_75 + at(0.9) / 1.644_853_63);
            found.reach[i] = reach / found.spread[i];
        }
        let recordings = recordings(bytes, seed, Part::Calibrate, &SimulationConfig::default())?;
        let scores: Vec<f64> = recordings.iter().map(|(class, p)| 1.0 - p[*class]).collect();
        found.threshold = Threshold::fit(&scores, alpha)?.q();
        Ok(found)
    }
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
        println!("  {:<18} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}", "", "MAE", "AUROC", "ECE", "cover", "held", "wrong");
        let limits = SquatLimits::default();
        for (i, measure) in SquatMeasures::NAMES.into_iter().enumerate() {
            let graded: Vec<_> = pairs.iter().map(|p| (p.found.to_array()[i], p.truth.to_array()[i])).collect();
            let labels: Vec<bool> = pairs.iter().map(|p| limits.faults(&p.truth)[i]).collect();
            let p: Vec<f64> = graded.iter().map(|(g, _)| g.fault_probability).collect();
            let n = graded.len() as f64;
            let share = |of: &dyn Fn(usize) -> bool| (0..graded.len()).filter(|k| of(*k)).count() as f64 / n;
            let mae = graded.iter().map(|(g, t)| (g.value - t).abs()).sum::<f64>() / n;
            let area = auroc(&labels, &p)?;
            let ece = Reliability::new(&labels, &p, Binning::EqualWidth(15))?.ece();
            let cover = share(&|k| (graded[k].0.interval[0]..=graded[k].0.interval[1]).contains(&graded[k].1));
            let held = share(&|k| graded[k].0.verdict == Verdict::Withheld);
            let wrong = share(&|k| match graded[k].0.verdict {
                Verdict::Fault => !labels[k],
                Verdict::NoFault => labels[k],
                _ => false,
            });
            println!("  {measure:<18} {mae:>6.2} {area:>6.3} {ece:>6.3} {cover:>6.3} {held:>6.3} {wrong:>6.3}");
            say(format!("{measure}: mean absolute error"), mae);
            say(format!("{measure}: AUROC at the limit"), area);
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
