use eir_core::explain::TreeShap;
use eir_core::learn::{Tree, TreeArrays, TreeEnsemble};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_core::{Model, Rows};
use serde_json::Value;
use std::error::Error;

/// The section `tree` of `explanation.json`.
pub(crate) fn tree(case: &mut Case, section: &Value, tolerance: Tolerance) -> Outcome {
    let x = entry(section, "x")?;
    let columns = x[0].as_array().ok_or("no rows")?.len();
    let (x, background) = (numbers(x)?, numbers(entry(section, "background")?)?);
    let (rows, background) = (Rows::new(&x, columns)?, Rows::new(&background, columns)?);
    let model = TreeEnsemble::from(read(entry(section, "tree")?, columns)?);
    let values = TreeShap::path_dependent(&model).values(rows)?;
    let relative = TreeShap::interventional(&model, background)?.values(rows)?;
    case.walk(section, |case, key, want| {
        let got = match key {
            "tree" | "x" | "background" => return Ok(()), // read above
            "prediction" => model.predict(rows)?,
            "path_dependent" => values.values().to_vec(),
            "path_dependent_expected" => vec![values.expected()],
            "interventional" => {
                case.close("by_definition", relative.values(), &by_definition(&model, rows, background)?, tolerance);
                // shap 0.51.0 holds leaves and sums of this kind in single precision: its own values miss their
                // predictions by that much
                let largest = model.trees()[0].arrays().value.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                let single = Tolerance::absolute(f64::from(f32::EPSILON) * largest);
                case.close(key, relative.values(), &numbers(want)?, single);
                return Ok(());
            }
            "interventional_expected" => vec![relative.expected()],
            "interaction_path_dependent" => {
                // of the first rows
                let first = want.as_array().ok_or("no tables")?.len();
                let rows = Rows::new(rows.values().get(..first * columns).ok_or("more tables than rows")?, columns)?;
                TreeShap::path_dependent(&model).interactions(rows)?.values().to_vec()
            }
            "boosted" => return boosted(case, want, rows, tolerance),
            _ => return Err("unknown entry".into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

/// The mean weighted by |S|! (d − |S| − 1)! / d! of what each feature adds to each subset S, all subsets in turn.
fn by_definition(model: &TreeEnsemble, rows: Rows<'_>, background: Rows<'_>) -> Result<Vec<f64>, Box<dyn Error>> {
    let d = rows.columns();
    let mut all = Vec::new();
    for row in rows {
        let value = |known: usize| -> Result<f64, eir_core::Error> {
            let mix = |other: &[f64]| (0..d).map(|j| if known >> j & 1 == 1 { row[j] } else { other[j] }).collect();
            let mixed: Vec<f64> = background.iter().flat_map(|other| -> Vec<f64> { mix(other) }).collect();
            Ok(model.predict(Rows::new(&mixed, d)?)?.iter().sum::<f64>() / background.len() as f64)
        };
        let values = (0..1 << d).map(value).collect::<Result<Vec<f64>, _>>()?;
        for i in 0..d {
            let without = (0..1usize << d).filter(|s| s >> i & 1 == 0);
            all.push(without.fold(0.0, |sum, s| {
                let ways = (0..s.count_ones() as usize).fold(d as f64, |w, k| w * (d - 1 - k) as f64 / (k + 1) as f64);
                sum + (values[s | 1 << i] - values[s]) / ways
            }));
        }
    }
    Ok(all)
}

fn boosted(case: &mut Case, section: &Value, rows: Rows<'_>, tolerance: Tolerance) -> Outcome {
    let trees = entry(section, "trees")?.as_array().ok_or("no trees")?;
    let trees = trees.iter().map(|tree| read(tree, rows.columns())).collect::<Result<_, _>>()?;
    let (base, rate) = (number(entry(section, "initial")?)?, number(entry(section, "learning_rate")?)?);
    let model = TreeEnsemble::new(base, rate, trees)?;
    case.walk(section, |case, key, want| {
        let got = match key {
            "trees" | "initial" | "learning_rate" => return Ok(()), // read above
            "prediction" => model.predict(rows)?,
            "path_dependent" => TreeShap::path_dependent(&model).values(rows)?.values().to_vec(),
            _ => return Err("unknown entry".into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

fn read(tree: &Value, columns: usize) -> Result<Tree, Box<dyn Error>> {
    let of = |key: &str| numbers(entry(tree, key)?);
    let whole = |key: &str| Ok::<_, Box<dyn Error>>(of(key)?.into_iter().map(|v| v as i32).collect());
    Ok(Tree::new(TreeArrays {
        columns,
        feature: whole("feature")?,
        threshold: of("threshold")?,
        left: whole("left")?,
        right: whole("right")?,
        value: of("value")?,
        cover: of("n")?,
        missing_left: Vec::new(),
    })?)
}
