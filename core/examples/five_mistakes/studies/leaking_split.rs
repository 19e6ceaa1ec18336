//! Features chosen on all rows before cross-validation.

use super::{Mistake, Number, SEED, STUDIES, figure, mean};
use eir_core::inference::auroc_interval;
use eir_core::learn::LogisticRegression;
use eir_core::random::Generator;
use eir_core::split::{Cases, Rule, Training, cross_validate};
use eir_core::{Error, Estimate, Model, Rows};

const PATIENTS: usize = 60;
const FEATURES: usize = 500;
const KEPT: usize = 10;

pub(super) fn run() -> Result<Mistake, Error> {
    let studies = (0..STUDIES as u64).map(study).collect::<Result<Vec<_>, Error>>()?;
    let [wrong, right] = [0, 1].map(|way| studies.iter().map(|s| s[way].value).collect::<Vec<_>>());
    let figure = figure::histograms(
        "Noise, cross-validated",
        "AUROC of 200 simulated studies without any signal: chosen on all rows, chosen in each fold",
        ("AUROC of a study", 0.0, 1.0),
        (0.5, "no signal: 0.5"),
        &[("features chosen on all rows", &wrong), ("chosen inside each fold", &right)],
    );
    Ok(Mistake {
        name: "A leaking split",
        numbers: vec![Number {
            what: "AUROC of noise",
            truth: 0.5,
            wrong: mean(&wrong),
            right: mean(&right),
            decimals: 2,
        }],
        one_study: studies[0].iter().map(|auroc| auroc.sentence("AUROC")).collect(),
        figures: vec![("leaking_split.svg", figure)],
    })
}

/// A study of noise: the wrong and the right AUROC.
fn study(number: u64) -> Result<[Estimate; 2], Error> {
    let mut stream = Generator::new(SEED, "leaking split").stream(number);
    let values: Vec<f64> = (0..PATIENTS * FEATURES).map(|_| stream.normal()).collect();
    let rows = Rows::new(&values, FEATURES)?;
    let sick: Vec<bool> = (0..PATIENTS).map(|patient| patient % 2 == 0).collect();
    let targets: Vec<f64> = sick.iter().map(|s| f64::from(u8::from(*s))).collect();
    let classes: Vec<usize> = sick.iter().map(|s| usize::from(*s)).collect();
    let splits = Cases::new(PATIENTS)?.with_classes(&classes)?.split(&Rule::Folds { folds: 5, seed: number })?;

    let on_all_rows = strongest(rows, &targets);
    let leaking = |train: &Training| fit(train, on_all_rows.clone());
    let in_each_fold = |train: &Training| fit(train, strongest(train.rows(), train.targets()));
    let wrong = cross_validate(&leaking, rows, &targets, &splits)?;
    let right = cross_validate(&in_each_fold, rows, &targets, &splits)?;
    Ok([auroc_interval(&sick, &wrong.predictions, 0.95)?, auroc_interval(&sick, &right.predictions, 0.95)?])
}

/// The features whose means differ most between sick and healthy.
fn strongest(rows: Rows<'_>, targets: &[f64]) -> Vec<usize> {
    let sick = targets.iter().sum::<f64>();
    let mut difference = vec![0.0; rows.columns()];
    for (row, target) in rows.iter().zip(targets) {
        let weight = if *target > 0.5 { 1.0 / sick } else { -1.0 / (targets.len() as f64 - sick) };
        difference.iter_mut().zip(row).for_each(|(d, x)| *d += weight * x);
    }
    let mut order: Vec<usize> = (0..rows.columns()).collect();
    order.sort_by(|a, b| difference[*b].abs().total_cmp(&difference[*a].abs()));
    order.truncate(KEPT);
    order
}

/// A logistic regression on some of the features.
fn fit(train: &Training, features: Vec<usize>) -> Result<impl Model + use<>, Error> {
    let values: Vec<f64> = train.rows().iter().flat_map(|row| features.iter().map(|f| row[*f])).collect();
    let model = LogisticRegression::default().fit(Rows::new(&values, features.len())?, &train.labels())?;
    let linear = model.linear;
    Ok(move |row: &[f64]| {
        linear.intercept + features.iter().zip(&linear.coefficients).map(|(f, b)| b * row[*f]).sum::<f64>()
    })
}
