//! The state of a fetus from a table of measures of its heart rate (UCI cardiotocography, 2126 rows of 352 recordings):
//! what a random division into folds promises, and what it is worth when no recording is on both sides.
//!
//! `cargo run --release -p eir-signal --features outcome --example 05_fetal_state [-- TABLE.csv]`

use eir_core::learn::{HistogramBoosting, HistogramBoostingModel, RandomForest, RandomForestModel};
use eir_core::metrics::{Confusion, ZeroDivision};
use eir_core::split::{Cases, Rule, Split};
use eir_core::{Model, Rows, testing};
use std::error::Error;

/// Measures of the heart rate's histogram and variability, as they stand in the table.
const MEASURES: [&str; 15] = [
    "LB", "ASTV", "MSTV", "ALTV", "MLTV", "Width", "Min", "Max", "Nmax", "Nzeros", "Mode", "Mean", "Median",
    "Variance", "Tendency",
];
/// Counts, which become rates: rows last from 1 to 16 min.
const COUNTS: [&str; 6] = ["AC", "FM", "UC", "DL", "DS", "DP"];
const CLASSES: [&str; 3] = ["normal", "suspect", "pathologic"];
const FOLDS: usize = 10;
/// Divisions into folds: one is luck.
const SEEDS: u64 = 3;

/// The table: features row after row, the class and the recording of each row.
struct Table {
    columns: usize,
    values: Vec<f64>,
    classes: Vec<usize>,
    recordings: Vec<String>,
}

impl Table {
    fn read(text: &str) -> Result<Self, Box<dyn Error>> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| header.iter().position(|h| *h == name).ok_or_else(|| format!("no column {name}"));
        let measures = MEASURES.iter().map(|m| column(m)).collect::<Result<Vec<_>, _>>()?;
        let counts = COUNTS.iter().map(|c| column(c)).collect::<Result<Vec<_>, _>>()?;
        let (begin, end, class, file) = (column("b")?, column("e")?, column("NSP")?, column("FileName")?);
        let columns = measures.len() + counts.len();
        let mut table = Self { columns, values: Vec::new(), classes: Vec::new(), recordings: Vec::new() };
        for line in lines.filter(|l| !l.trim().is_empty()) {
            let cells: Vec<&str> = line.split(',').collect();
            let cell = |at: usize| cells.get(at).copied().ok_or("a row is too short");
            let number = |at: usize| -> Result<f64, Box<dyn Error>> { Ok(cell(at)?.trim().parse()?) };
            let seconds = (number(end)? - number(begin)?).max(1.0);
            for at in &measures {
                table.values.push(number(*at)?);
            }
            for at in &counts {
                table.values.push(number(*at)? / seconds);
            }
            let class = number(class)? as usize;
            table.classes.push(class.checked_sub(1).filter(|c| *c < CLASSES.len()).ok_or("a class beyond 1 to 3")?);
            table.recordings.push(cell(file)?.to_owned());
        }
        Ok(table)
    }
}

/// One class against the others, by two kinds of trees.
struct OneClass {
    boosted: HistogramBoostingModel,
    forest: RandomForestModel,
}

/// Fits a model per class on the training rows of `split`, rare classes weighing more, and gives the likeliest class of
/// each test row.
fn predict(table: &Table, split: &Split, seed: u64) -> Result<Vec<usize>, Box<dyn Error>> {
    let rows = Rows::new(&table.values, table.columns)?;
    let (train, test) = (rows.select(split.train()), rows.select(split.test()));
    let (train, test) = (Rows::new(&train, table.columns)?, Rows::new(&test, table.columns)?);
    let classes: Vec<usize> = split.train().iter().map(|i| table.classes[*i]).collect();
    let count = |class: usize| classes.iter().filter(|c| **c == class).count().max(1) as f64;
    // the square root: half way between every row and every class weighing the same
    let weight = |class: usize| (classes.len() as f64 / CLASSES.len() as f64 / count(class)).sqrt();
    let weights: Vec<f64> = classes.iter().map(|c| weight(*c)).collect();
    let boosting = HistogramBoosting::default()
        .with_trees(120)
        .with_learning_rate(0.06)
        .with_max_leaves(12)
        .with_min_samples_leaf(10)
        .with_l2(1.0)
        .with_seed(seed);
    let forest = RandomForest::default().with_trees(200).with_seed(seed);
    let mut scores = Vec::new();
    for class in 0..CLASSES.len() {
        let labels: Vec<bool> = classes.iter().map(|c| *c == class).collect();
        let model = OneClass {
            boosted: boosting.fit_weighted(train, &labels, &weights)?,
            forest: forest.fit_weighted(train, &labels, &weights)?,
        };
        let (a, b) = (model.boosted.predict(test)?, model.forest.predict(test)?);
        scores.push(a.iter().zip(&b).map(|(a, b)| a + b).collect::<Vec<f64>>());
    }
    let likeliest = |i: usize| (0..CLASSES.len()).max_by(|a, b| scores[*a][i].total_cmp(&scores[*b][i]));
    Ok((0..test.len()).map(|i| likeliest(i).unwrap_or_default()).collect())
}

/// All rows, each foretold by models that were fitted without its fold.
fn judge(table: &Table, cases: &Cases, seed: u64) -> Result<Confusion, Box<dyn Error>> {
    let mut found = vec![0; table.classes.len()];
    for split in cases.split(&Rule::Folds { folds: FOLDS, seed })? {
        for (row, class) in split.test().iter().zip(predict(table, &split, seed)?) {
            found[*row] = class;
        }
    }
    Ok(Confusion::new(&table.classes, &found, CLASSES.len())?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = match std::env::args().nth(1) {
        Some(path) => path.into(),
        None => match testing::shared() {
            Some(shared) => shared.join("data/signal/uci-cardiotocography/ctg.csv"),
            None => return Ok(()),
        },
    };
    let table = Table::read(&std::fs::read_to_string(path)?)?;
    let rows = Cases::new(table.classes.len())?.with_classes(&table.classes)?;
    let recordings = rows.clone().with_groups(&table.recordings)?;
    println!("{} rows, {FOLDS} folds", table.classes.len());
    for (how, cases) in [("by recording", recordings), ("random, rows of one recording on both sides", rows)] {
        println!("{how}:");
        let (mut accuracy, mut balanced) = (0.0, 0.0);
        for seed in 0..SEEDS {
            let found = judge(&table, &cases, seed)?;
            let macro_f1 = found.macro_mean(|c| found.f_beta(c, 1.0, ZeroDivision::Zero));
            let recalls: Vec<String> = CLASSES
                .iter()
                .enumerate()
                .map(|(class, name)| format!("{name} {:.3}", found.recall(class, ZeroDivision::Nan)))
                .collect();
            println!(
                "  accuracy {:.3}, balanced {:.3}, macro F1 {macro_f1:.3}; recall: {}",
                found.accuracy(),
                found.balanced_accuracy(),
                recalls.join(", ")
            );
            accuracy += found.accuracy() / SEEDS as f64;
            balanced += found.balanced_accuracy() / SEEDS as f64;
        }
        println!("  mean of {SEEDS} divisions: accuracy {accuracy:.3}, balanced {balanced:.3}");
    }
    Ok(())
}
