use crate::tolerance;
use eir_core::inference;
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};
use std::error::Error;

pub(crate) fn intervals(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "proportion")?, |case, _, c| {
        let count = |key: &str| -> Result<u64, Box<dyn Error>> {
            entry(c, key)?.as_u64().ok_or_else(|| format!("{key} is no count").into())
        };
        let wilson = inference::wilson(count("k")?, count("n")?, number(entry(c, "level")?)?)?;
        case.close("wilson", &[wilson.lower, wilson.upper], &numbers(entry(c, "wilson")?)?, tolerance);
        for other in ["clopper_pearson", "agresti_coull", "jeffreys", "wald"] {
            case.skip(other, "not built yet");
        }
        Ok(())
    })?;
    for section in ["difference", "mcnemar", "cochran_q", "adjusted_p"] {
        case.skip(section, "not built yet");
    }
    Ok(())
}
