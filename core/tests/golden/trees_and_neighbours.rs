use crate::{flags, tolerance};
use eir_core::learn::{
    DecisionTree, GradientBoosting, HistogramBoosting, NearestNeighbours, NeighbourWeights, RandomForest, Targets, Tree,
};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, numbers};
use eir_core::{Model, Rows, metrics};
use serde_json::Value;
use std::error::Error;

/// scikit-learn rounds the table to single precision.
const THRESHOLDS: Tolerance = Tolerance::Absolute(1e-6);

struct File {
    x: Vec<f64>,
    test: Vec<f64>,
    columns: usize,
    labels: Vec<bool>,
    values: Vec<f64>,
    tolerance: Tolerance,
}

impl File {
    fn rows(&self) -> Result<Rows<'_>, eir_core::Error> {
        Rows::new(&self.x, self.columns)
    }

    fn test(&self) -> Result<Rows<'_>, eir_core::Error> {
        Rows::new(&self.test, self.columns)
    }
}

pub(crate) fn trees_and_neighbours(case: &mut Case) -> Outcome {
    let json = case.json()?;
    let columns = entry(&json, "x")?[0].as_array().ok_or("no rows")?.len();
    let numbers_of = |key: &str| numbers(entry(&json, key)?);
    let file = File {
        x: numbers_of("x")?,
        test: numbers_of("x_test")?,
        columns,
        labels: flags(entry(&json, "y")?)?,
        values: numbers_of("target")?,
        tolerance: tolerance(&json)?,
    };
    case.walk(entry(&json, "expected")?, |case, key, want| {
        if key == "cross_validated_auroc_3_seeds" {
            return quality(case, &file, want);
        }
        let kind = key.split('_').next().unwrap_or_default();
        match kind {
            "tree" => tree(case, &file, key, want),
            "gbt" => boosting(case, &file, key, want),
            "knn" => neighbours(case, &file, key, want),
            _ => Err("no such model".into()),
        }
    })
}

/// The number that stands behind `word` in a name such as `tree_gini_depth3_leaf5`.
fn setting<T: std::str::FromStr>(name: &str, word: &str) -> Result<T, Box<dyn Error>> {
    let (_, rest) = name.split_once(word).ok_or_else(|| format!("{name} has no {word}"))?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    rest[..end].parse().map_err(|_| format!("{name}: no number behind {word}").into())
}

/// The two numbers of a name such as `gbt_logloss_20x2_lr0.1`: trees and depth.
fn size(name: &str) -> Result<(usize, usize), Box<dyn Error>> {
    let part = name.split('_').find(|p| p.contains('x') && p.starts_with(|c: char| c.is_ascii_digit()));
    let (trees, depth) = part.and_then(|p| p.split_once('x')).ok_or("no size in the name")?;
    Ok((trees.parse()?, depth.parse()?))
}

pub(crate) fn structure(case: &mut Case, tree: &Tree, want: &Value, labels: bool, tolerance: Tolerance) -> Outcome {
    let ours = tree.arrays();
    case.walk(want, |case, key, want| {
        let want = numbers(want)?;
        let whole = |numbers: &[i32]| numbers.iter().copied().map(f64::from).collect::<Vec<f64>>();
        match key {
            "feature" => case.close(key, &whole(&ours.feature), &want, Tolerance::Exact),
            "left" => case.close(key, &whole(&ours.left), &want, Tolerance::Exact),
            "right" => case.close(key, &whole(&ours.right), &want, Tolerance::Exact),
            "threshold" => case.close(key, &ours.threshold, &want, THRESHOLDS),
            "n" => case.close(key, &ours.cover, &want, Tolerance::Exact),
            "value" if labels => {
                let both: Vec<f64> = ours.value.iter().flat_map(|p| [1.0 - p, *p]).collect();
                case.close(key, &both, &want, tolerance);
            }
            "value" => case.close(key, &ours.value, &want, tolerance),
            _ => return Err("unknown entry".into()),
        }
        Ok(())
    })
}

fn tree(case: &mut Case, file: &File, name: &str, want: &Value) -> Outcome {
    let labels = name.contains("_gini_");
    let targets = if labels { Targets::Labels(&file.labels) } else { Targets::Values(&file.values) };
    let config = DecisionTree::default()
        .with_max_depth(setting::<usize>(name, "depth")?)
        .with_min_samples_leaf(setting(name, "leaf")?);
    let tree = config.fit(file.rows()?, targets)?;
    case.walk(want, |case, key, want| match key {
        "tree" => structure(case, tree.tree(), want, labels, file.tolerance),
        "test" | "probability_test" => {
            case.close(key, &tree.predict(file.test()?)?, &numbers(want)?, file.tolerance);
            Ok(())
        }
        _ => Err("unknown entry".into()),
    })
}

fn boosting(case: &mut Case, file: &File, name: &str, want: &Value) -> Outcome {
    let labels = name.contains("_logloss_");
    let targets = if labels { Targets::Labels(&file.labels) } else { Targets::Values(&file.values) };
    let (trees, depth) = size(name)?;
    let config =
        GradientBoosting::default().with_trees(trees).with_max_depth(depth).with_learning_rate(setting(name, "lr")?);
    let model = config.fit(file.rows()?, targets)?;
    case.walk(want, |case, key, want| {
        let got = match key {
            "first_tree" => return structure(case, &model.ensemble().trees()[0], want, false, file.tolerance),
            "initial" => vec![1.0 / (1.0 + (-model.ensemble().base()).exp())],
            "decision_test" => model.ensemble().predict(file.test()?)?,
            "test" => model.predict(file.test()?)?,
            "train_loss" => model.deviance().to_vec(),
            _ => return Err("unknown entry".into()),
        };
        case.close(key, &got, &numbers(want)?, file.tolerance);
        Ok(())
    })
}

fn neighbours(case: &mut Case, file: &File, name: &str, want: &Value) -> Outcome {
    let config = NearestNeighbours::default().with_neighbours(setting(name, "knn_")?);
    let model = config.fit(file.rows()?, &file.labels)?;
    let near = model.nearest(file.test()?)?;
    case.walk(want, |case, key, want| {
        let want = numbers(want)?;
        match key {
            "distance" => case.close(key, &near.distance, &want, file.tolerance),
            "index" => {
                let index: Vec<f64> = near.index.iter().map(|i| *i as f64).collect();
                case.close(key, &index, &want, Tolerance::Exact);
            }
            "probability" => case.close(key, &model.predict(file.test()?)?, &want, file.tolerance),
            "regression_distance_weighted" => {
                let weighted = config.clone().with_weights(NeighbourWeights::Distance);
                let model = weighted.fit(file.rows()?, &file.values)?;
                case.close(key, &model.predict(file.test()?)?, &want, file.tolerance);
            }
            _ => return Err("unknown entry".into()),
        }
        Ok(())
    })
}

/// The mean AUROC of cross-validated predictions over seeds must not be below the reference's by more than it allows.
fn quality(case: &mut Case, file: &File, want: &Value) -> Outcome {
    let fold = numbers(entry(want, "fold")?)?;
    let bar = entry(want, "bar")?.as_str().ok_or("the bar is no text")?;
    let slack: f64 = bar.rsplit(' ').next().ok_or("no number in the bar")?.parse()?;
    case.walk(want, |case, key, reference| {
        if key == "fold" || key == "bar" {
            return Ok(()); // used above
        }
        let reference = numbers(reference)?;
        let mut mean = 0.0;
        for seed in 0..reference.len() as u64 {
            mean += cross_validated(file, &fold, key, seed)? / reference.len() as f64;
        }
        let least = reference.iter().sum::<f64>() / reference.len() as f64 - slack;
        case.holds(key, mean >= least, &format!("mean AUROC {mean}, at least {least} needed"));
        Ok(())
    })
}

fn cross_validated(file: &File, fold: &[f64], name: &str, seed: u64) -> Result<f64, Box<dyn Error>> {
    let rows = file.rows()?;
    let mut scores = vec![0.0; rows.len()];
    let folds = fold.iter().fold(0.0f64, |a, b| a.max(*b)) as usize + 1;
    for out in 0..folds {
        let (test, train): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|i| fold[*i] as usize == out);
        let labels: Vec<bool> = train.iter().map(|i| file.labels[*i]).collect();
        let (train, held_out) = (rows.select(&train), rows.select(&test));
        let (train, held_out) = (Rows::new(&train, file.columns)?, Rows::new(&held_out, file.columns)?);
        // the sizes are in the names; leaf and number of leaves are the reference script's
        let predicted = if name.starts_with("random_forest_") {
            let config = RandomForest::default().with_trees(setting(name, "random_forest_")?).with_min_samples_leaf(2);
            config.with_seed(seed).fit(train, &labels)?.predict(held_out)?
        } else if name.starts_with("hist_gbt_") {
            let config = HistogramBoosting::default().with_trees(setting(name, "hist_gbt_")?).with_max_leaves(8);
            config.with_seed(seed).fit(train, &labels)?.predict(held_out)?
        } else if name.starts_with("gbt_") {
            let (trees, depth) = size(name)?;
            let config = GradientBoosting::default().with_trees(trees).with_max_depth(depth).with_seed(seed);
            config.fit(train, &labels)?.predict(held_out)?
        } else {
            return Err("no such model".into());
        };
        test.iter().zip(predicted).for_each(|(i, p)| scores[*i] = p);
    }
    Ok(metrics::auroc(&file.labels, &scores)?)
}
