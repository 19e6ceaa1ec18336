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
            "interventional" => relative.values().to_vec(),
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
    })?)
}
