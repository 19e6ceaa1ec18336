use crate::{explanation_tree, tolerance};
use eir_core::testing::golden::{Case, Outcome};

pub(crate) fn explanation(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(&file, |case, key, section| {
        match key {
            "tolerance" => {} // read above
            "tree" => return explanation_tree::tree(case, section, tolerance),
            _ => case.skip(key, "not built yet"),
        }
        Ok(())
    })
}
