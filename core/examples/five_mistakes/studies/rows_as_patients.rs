//! Rows of one patient on both sides of a split, and rows counted as if each were a patient.

use super::{Mistake, Number, SEED, STUDIES, figure, mean};
use eir_core::distribution::normal_cdf;
use eir_core::inference::{Bootstrap, SamplingUnits};
use eir_core::learn::NearestNeighbours;
use eir_core::metrics::auroc;
use eir_core::random::Generator;
use eir_core::split::{Cases, Rule, Training, cross_validate};
use eir_core::{Error, Estimate, Rows};

const PATIENTS: usize = 60;
const ROWS_OF_EACH: usize = 10;
const FEATURES: usize = 4;
/// How far the score of the sick lies higher, in standard deviations between patients.
const SHIFT: f64 = 0.8;
/// A share of intervals is less sure than a mean: more studies.
const INTERVAL_STUDIES: u64 = 1000;
/// Standard deviation between the rows of a patient.
const NOISE: f64 = 0.5;

pub(super) fn run() -> Result<Mistake, Error> {
    let split = (0..STUDIES as u64).map(split_study).collect::<Result<Vec<_>, Error>>()?;
    let [wrong, right] = [0, 1].map(|way| split.iter().map(|s| s[way]).collect::<Vec<_>>());
    let split_figure = figure::histograms(
        "Patients known again",
        "AUROC of 200 simulated studies without any signal: rows split, patients split",
        ("AUROC of a study", 0.0, 1.0),
        (0.5, "no signal: 0.5"),
        &[("rows dealt to folds", &wrong), ("patients dealt to folds", &right)],
    );

    let intervals = (0..INTERVAL_STUDIES).map(interval_study).collect::<Result<Vec<_>, Error>>()?;
    let truth = normal_cdf(SHIFT / (2.0 * (1.0 + NOISE * NOISE)).sqrt());
    let [rows, patients] = [0, 1].map(|way| intervals.iter().map(|s| s[way].clone()).collect::<Vec<_>>());
    let covered = |of: &[Estimate]| of.iter().filter(|e| e.covers(truth)).count() as f64 / of.len() as f64;
    let interval_figure = figure::intervals(
        "95 % intervals of 60 patients with 10 rows each",
        "Intervals of the AUROC in the first 60 simulated studies: rows drawn, patients drawn",
        "AUROC",
        (truth, 0.4, 1.0),
        &[("rows drawn", &rows[..60]), ("patients drawn", &patients[..60])],
    );
    let area = |of: &[Estimate]| mean(&of.iter().map(|e| e.value).collect::<Vec<_>>());
    let number = |what, truth, wrong, right| Number { what, truth, wrong, right, decimals: 2 };
    Ok(Mistake {
        name: "Rows instead of patients",
        numbers: vec![
            number("AUROC of noise", 0.5, mean(&wrong), mean(&right)),
            number("AUROC of a score that tells something", truth, area(&rows), area(&patients)),
            number("share of 95 % intervals that hold the truth", 0.95, covered(&rows), covered(&patients)),
        ],
        one_study: intervals[0].iter().map(|auroc| auroc.sentence("AUROC")).collect(),
        figures: vec![("rows_split.svg", split_figure), ("rows_interval.svg", interval_figure)],
    })
}

/// The patient of each row, and whether that patient is sick.
fn patients() -> (Vec<usize>, Vec<bool>) {
    (0..PATIENTS * ROWS_OF_EACH).map(|row| (row / ROWS_OF_EACH, (row / ROWS_OF_EACH).is_multiple_of(2))).unzip()
}

/// Each patient has features of its own, which have nothing to do with the illness.
fn split_study(number: u64) -> Result<[f64; 2], Error> {
    let (patient, sick) = patients();
    let mut stream = Generator::new(SEED, "rows on both sides").stream(number);
    let own: Vec<f64> = (0..PATIENTS * FEATURES).map(|_| stream.normal()).collect();
    let of_row = |row: usize| (0..FEATURES).map(move |feature| (row / ROWS_OF_EACH) * FEATURES + feature);
    let values: Vec<f64> = (0..patient.len()).flat_map(of_row).map(|i| own[i] + NOISE * stream.normal()).collect();
    let rows = Rows::new(&values, FEATURES)?;
    let targets: Vec<f64> = sick.iter().map(|s| f64::from(u8::from(*s))).collect();
    let classes: Vec<usize> = sick.iter().map(|s| usize::from(*s)).collect();

    let cases = Cases::new(patient.len())?.with_classes(&classes)?;
    let rule = Rule::Folds { folds: 5, seed: number };
    let neighbours =
        |train: &Training| NearestNeighbours::default().with_neighbours(5).fit(train.rows(), train.targets());
    let judge = |cases: &Cases| {
        let found = cross_validate(&neighbours, rows, &targets, &cases.split(&rule)?)?;
        auroc(&sick, &found.predictions)
    };
    Ok([judge(&cases)?, judge(&cases.clone().with_groups(&patient)?)?])
}

/// A score that tells something, alike in all rows of a patient: the interval of its AUROC from rows and from patients.
fn interval_study(number: u64) -> Result<[Estimate; 2], Error> {
    let (patient, sick) = patients();
    let mut stream = Generator::new(SEED, "rows counted").stream(number);
    let own: Vec<f64> = (0..PATIENTS).map(|_| stream.normal()).collect();
    let score = |row: usize| own[patient[row]] + SHIFT * f64::from(u8::from(sick[row])) + NOISE * stream.normal();
    let scores: Vec<f64> = (0..patient.len()).map(score).collect();

    let bootstrap = Bootstrap::default().with_replicates(500).with_seed(number);
    Ok([
        bootstrap.auroc(&sick, &scores, &SamplingUnits::by_outcome(&sick)?)?,
        bootstrap.auroc(&sick, &scores, &SamplingUnits::patients_by_outcome(&patient, &sick)?)?,
    ])
}
