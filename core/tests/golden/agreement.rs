use crate::{compare, tolerance};
use eir_core::metrics;
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};

pub(crate) fn agreement(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        let (a, b) = (numbers(entry(c, "a")?)?, numbers(entry(c, "b")?)?);
        let limits = metrics::BlandAltman::new(&a, &b)?;
        let r = metrics::pearson(&a, &b)?;
        let concordance = metrics::ccc(&a, &b)?;
        case.walk(entry(c, "expected")?, |case, key, want| match key {
            "ccc" | "ccc_bias_correction" => {
                let got = if key == "ccc" { concordance } else { concordance / r };
                case.value(key, got, number(want)?, tolerance);
                Ok(())
            }
            "pearson" => compare(case, want, tolerance, |key| (key == "r").then(|| Ok(vec![r]))),
            "bland_altman" => compare(case, want, tolerance, |key| match key {
                "bias" => Some(Ok(vec![limits.bias])),
                "sd" => Some(Ok(vec![limits.sd])),
                "limits" => Some(Ok(vec![limits.lower, limits.upper])),
                _ => None,
            }),
            _ => {
                case.skip(key, "not built yet");
                Ok(())
            }
        })
    })?;
    case.skip("kappa", "kappa of a table is not built in core yet");
    Ok(())
}
