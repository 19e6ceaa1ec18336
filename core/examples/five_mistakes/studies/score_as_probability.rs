//! A score between 0 and 1 that is taken for a probability.

use super::{Mistake, Number, SEED, STUDIES, figure, mean};
use eir_core::calibration::{Calibrator, Platt, logit, observed_expected};
use eir_core::decision::DecisionCurve;
use eir_core::learn::LogisticRegression;
use eir_core::random::Generator;
use eir_core::{Error, Estimate, Model, Rows};

const FEATURES: usize = 3;
const TRAINING: usize = 500;
const CALIBRATION: usize = 500;
const TEST: usize = 1000;
/// The threshold of the table: one acts from a risk of 15 %.
const ACT_FROM: usize = 14;

/// 1 % … 40 %.
fn thresholds() -> Vec<f64> {
    (1..=40).map(|percent| f64::from(percent) / 100.0).collect()
}

struct Study {
    /// Net benefit per 1000 patients at each threshold: wrong, right, all treated, the true risk known.
    per_1000: [Vec<f64>; 4],
    observed_expected: [Estimate; 2],
}

pub(super) fn run() -> Result<Mistake, Error> {
    let studies = (0..STUDIES as u64).map(study).collect::<Result<Vec<_>, Error>>()?;
    let of_curve = |k: usize, at: usize| mean(&studies.iter().map(|s| s.per_1000[k][at]).collect::<Vec<_>>());
    let curve = |k: usize| (0..thresholds().len()).map(|at| of_curve(k, at)).collect::<Vec<_>>();
    let [wrong, right, treat_all, truth] = [0, 1, 2, 3].map(curve);
    let ratio = |way: usize| mean(&studies.iter().map(|s| s.observed_expected[way].value).collect::<Vec<_>>());
    let percent: Vec<f64> = thresholds().iter().map(|t| 100.0 * t).collect();
    let figure = figure::curves(
        "What acting on the number brings",
        "Mean net benefit of 200 simulated studies over the threshold: balanced score, calibrated, treat all",
        ("risk from which one acts, %", 0.0, 40.0),
        ("net benefit per 1000 patients", -60.0, 100.0),
        (0.0, "treat nobody"),
        &percent,
        &[("score as it is", &wrong), ("calibrated", &right), ("treat all", &treat_all)],
    );
    let benefit = "net benefit per 1000 patients, acting from 15 %";
    Ok(Mistake {
        name: "A score taken for a probability",
        numbers: vec![
            Number { what: "observed over expected", truth: 1.0, wrong: ratio(0), right: ratio(1), decimals: 2 },
            Number {
                what: benefit,
                truth: truth[ACT_FROM],
                wrong: wrong[ACT_FROM],
                right: right[ACT_FROM],
                decimals: 1,
            },
        ],
        one_study: studies[0].observed_expected.iter().map(|r| r.sentence("Observed over expected")).collect(),
        figures: vec![("score_as_probability.svg", figure)],
    })
}

/// Patients: values of the features, who falls ill, and each one's true risk (about 11 % on average).
fn patients(generator: &Generator, number: u64, count: usize) -> (Vec<f64>, Vec<bool>, Vec<f64>) {
    let mut stream = generator.stream(number);
    let (mut values, mut sick, mut risks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let row: [f64; FEATURES] = std::array::from_fn(|_| stream.normal());
        let risk = 1.0 / (1.0 + libm::exp(2.6 - row[0] - 0.5 * row[1]));
        values.extend(row);
        sick.push(stream.chance(risk));
        risks.push(risk);
    }
    (values, sick, risks)
}

fn study(number: u64) -> Result<Study, Error> {
    let generator = Generator::new(SEED, "score as probability");
    let (values, sick, _) = patients(&generator, 3 * number, TRAINING);
    // both classes weigh the same: good ranks, but no risks
    let model = LogisticRegression::default().with_balanced(true).fit(Rows::new(&values, FEATURES)?, &sick)?;
    let logits = |values: &[f64]| -> Result<Vec<f64>, Error> {
        Ok(model.predict(Rows::new(values, FEATURES)?)?.into_iter().map(logit).collect())
    };
    let (values, sick, _) = patients(&generator, 3 * number + 1, CALIBRATION);
    let calibrator = Platt::default().fit(&sick, &logits(&values)?)?;

    let (values, sick, risks) = patients(&generator, 3 * number + 2, TEST);
    let wrong = model.predict(Rows::new(&values, FEATURES)?)?;
    let right = calibrator.predict(&logits(&values)?)?;
    let curve = |p: &[f64]| DecisionCurve::new(&sick, p, &thresholds());
    let curves = [curve(&wrong)?, curve(&right)?, curve(&risks)?];
    let benefit = |k: usize| curves[k].points().iter().map(|p| 1000.0 * p.net_benefit).collect();
    let treat_all = curves[0].points().iter().map(|p| 1000.0 * p.treat_all).collect();
    Ok(Study {
        per_1000: [benefit(0), benefit(1), treat_all, benefit(2)],
        observed_expected: [observed_expected(&sick, &wrong, 0.95)?, observed_expected(&sick, &right, 0.95)?],
    })
}
