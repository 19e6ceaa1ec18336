use crate::tolerance;
use eir_core::Estimate;
use eir_core::inference::{self, ChiSquared, McNemar};
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};
use serde_json::Value;
use std::error::Error;

pub(crate) fn intervals(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(&file, |case, section, content| match section {
        "tolerance" | "note" => Ok(()),
        "proportion" => case.walk(content, |case, _, c| {
            let (hits, trials, level) = (count(c, "k")?, count(c, "n")?, number(entry(c, "level")?)?);
            case.walk(c, |case, key, want| {
                let share = match key {
                    "k" | "n" | "level" => return Ok(()),
                    "wilson" => inference::wilson(hits, trials, level)?,
                    "clopper_pearson" => inference::clopper_pearson(hits, trials, level)?,
                    "agresti_coull" => inference::agresti_coull(hits, trials, level)?,
                    "jeffreys" => inference::jeffreys(hits, trials, level)?,
                    "wald" => inference::wald(hits, trials, level)?,
                    _ => return Err("an interval that is not known".into()),
                };
                case.close(key, &ends(&share), &numbers(want)?, tolerance);
                Ok(())
            })
        }),
        "difference" => case.walk(content, |case, _, c| {
            let (k1, n1, k2, n2) = (count(c, "k1")?, count(c, "n1")?, count(c, "k2")?, count(c, "n2")?);
            case.walk(c, |case, key, want| {
                if matches!(key, "k1" | "n1" | "k2" | "n2") {
                    return Ok(());
                }
                let level = percent(key, "newcombe_difference")?;
                let difference = inference::newcombe_difference(k1, n1, k2, n2, level)?;
                case.close(key, &ends(&difference), &numbers(want)?, tolerance);
                Ok(())
            })
        }),
        "mcnemar" => case.walk(content, |case, _, c| {
            let test = McNemar::new(count(c, "b")?, count(c, "c")?);
            case.walk(c, |case, key, want| {
                let got = match key {
                    "b" | "c" => return Ok(()),
                    "exact_p" => test.exact_p(),
                    "mid_p" => test.mid_p(),
                    "chi2" => test.chi_squared().statistic,
                    "p" => test.chi_squared().p,
                    "chi2_corrected" => test.chi_squared_corrected().statistic,
                    "p_corrected" => test.chi_squared_corrected().p,
                    _ => return Err("a number that is not known".into()),
                };
                case.value(key, got, number(want)?, tolerance);
                Ok(())
            })
        }),
        "cochran_q" => {
            let x = entry(content, "x")?;
            let tests = x[0].as_array().ok_or("x holds no rows")?.len();
            let hits: Vec<bool> = numbers(x)?.into_iter().map(|v| v != 0.0).collect();
            let ChiSquared { statistic, df, p, .. } = inference::cochran_q(&hits, tests)?;
            case.walk(content, |case, key, want| {
                let got = match key {
                    "x" => return Ok(()),
                    "q" => statistic,
                    "p" => p,
                    "df" => df as f64,
                    _ => return Err("a number that is not known".into()),
                };
                case.value(key, got, number(want)?, tolerance);
                Ok(())
            })
        }
        "adjusted_p" => {
            let p = numbers(entry(content, "p")?)?;
            case.walk(content, |case, key, want| {
                let got = match key {
                    "p" => return Ok(()),
                    "bonferroni" => inference::bonferroni(&p)?,
                    "holm" => inference::holm(&p)?,
                    "fdr_bh" => inference::benjamini_hochberg(&p)?,
                    "fdr_by" => inference::benjamini_yekutieli(&p)?,
                    "hommel" => inference::hommel(&p)?,
                    _ => return Err("a method that is not known".into()),
                };
                case.close(key, &got, &numbers(want)?, tolerance);
                Ok(())
            })
        }
        _ => Err("a section that is not known".into()),
    })
}

pub(crate) fn ends(estimate: &Estimate) -> [f64; 2] {
    [estimate.lower, estimate.upper]
}

/// The share that a key states in percent after `name`: 0.95 of `ci95`.
pub(crate) fn percent(key: &str, name: &str) -> Result<f64, Box<dyn Error>> {
    let digits = key.strip_prefix(name).ok_or("a number that is not known")?;
    Ok(digits.parse::<f64>()? / 100.0)
}

fn count(value: &Value, key: &str) -> Result<u64, Box<dyn Error>> {
    entry(value, key)?.as_u64().ok_or_else(|| format!("{key} is no count").into())
}
