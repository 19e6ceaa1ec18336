//! The threshold with the best Youden index, chosen on the patients on which it is then judged.

use super::{Mistake, Number, SEED, STUDIES, figure, mean};
use eir_core::distribution::normal_cdf;
use eir_core::inference::wilson;
use eir_core::metrics::RocCurve;
use eir_core::random::Generator;
use eir_core::{Error, Estimate};

const PATIENTS: usize = 60;
/// How far the score of the sick lies higher, in standard deviations.
const SHIFT: f64 = 1.0;

/// Sensitivity and specificity of one study.
type Accuracy = [Estimate; 2];

pub(super) fn run() -> Result<Mistake, Error> {
    let studies = (0..STUDIES as u64).map(study).collect::<Result<Vec<_>, Error>>()?;
    let youden = |[sensitivity, specificity]: &Accuracy| sensitivity.value + specificity.value - 1.0;
    let [wrong, right] = [0, 1].map(|way| studies.iter().map(|s| youden(&s.0[way])).collect::<Vec<_>>());
    let truth = mean(&studies.iter().map(|s| s.1).collect::<Vec<_>>());
    // the index of 20 sick and 40 healthy is a multiple of 1/40: the middle of a bin
    let figure = figure::histograms(
        "Sensitivity + specificity − 1 of a chosen threshold",
        "Youden's index in 200 simulated studies: threshold from the test patients, threshold from others",
        ("Youden index of a study", -0.2125, 0.7875),
        (truth, &format!("in all patients: {truth:.2}")),
        &[("threshold from the test patients", &wrong), ("threshold from other patients", &right)],
    );
    let names = ["Sensitivity", "Specificity"];
    let sentences = |accuracy: &Accuracy| names.iter().zip(accuracy).map(|(n, e)| e.sentence(n)).collect::<Vec<_>>();
    Ok(Mistake {
        name: "A threshold tuned on the test set",
        numbers: vec![Number { what: "Youden index", truth, wrong: mean(&wrong), right: mean(&right), decimals: 2 }],
        one_study: studies[0].0.iter().map(|accuracy| sentences(accuracy).join(", ")).collect(),
        figures: vec![("tuned_threshold.svg", figure)],
    })
}

/// The accuracy reported the wrong and the right way, and the Youden index that the honest threshold has on everybody.
fn study(number: u64) -> Result<([Accuracy; 2], f64), Error> {
    let generator = Generator::new(SEED, "tuned threshold");
    let (tuning_sick, tuning_scores) = patients(&generator, 2 * number);
    let (sick, scores) = patients(&generator, 2 * number + 1);
    let of_others = RocCurve::new(&tuning_sick, &tuning_scores)?.youden().threshold;
    let of_the_same = RocCurve::new(&sick, &scores)?.youden().threshold;
    let on_everybody = normal_cdf(of_others) - normal_cdf(of_others - SHIFT);
    let accuracy = [accuracy(&sick, &scores, of_the_same)?, accuracy(&sick, &scores, of_others)?];
    Ok((accuracy, on_everybody))
}

fn patients(generator: &Generator, number: u64) -> (Vec<bool>, Vec<f64>) {
    let mut stream = generator.stream(number);
    let mut score = |sick: bool| (sick, stream.normal() + if sick { SHIFT } else { 0.0 });
    (0..PATIENTS).map(|patient| score(patient % 3 == 0)).unzip()
}

fn accuracy(sick: &[bool], scores: &[f64], threshold: f64) -> Result<Accuracy, Error> {
    let share = |class: bool| {
        let of: Vec<bool> =
            sick.iter().zip(scores).filter(|(s, _)| **s == class).map(|(_, x)| *x >= threshold).collect();
        let hits = of.iter().filter(|called| **called == class).count();
        wilson(hits as u64, of.len() as u64, 0.95)
    };
    Ok([share(true)?, share(false)?])
}
