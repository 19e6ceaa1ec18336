use crate::intervals::percent;
use crate::{flags, tolerance};
use eir_core::Rows;
use eir_core::survival::{Cox, KaplanMeier, NelsonAalen, concordance_index, log_rank};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};

/// The level of what the reference states without one.
const LEVEL: f64 = 0.95;

pub(crate) fn survival(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    let tolerance_cox = Tolerance::absolute(number(entry(&file, "tolerance_cox")?)?);
    let (time, event) = (numbers(entry(&file, "time")?)?, flags(entry(&file, "event")?)?);
    case.walk(&file, |case, section, content| match section {
        "tolerance" | "tolerance_cox" | "note" | "time" | "event" | "x" | "arm" | "risk" => Ok(()),
        "kaplan_meier" => case.walk(content, |case, key, want| {
            let level = percent(key, "lower").or(percent(key, "upper")).unwrap_or(LEVEL);
            let curve = KaplanMeier::new(&time, &event, level)?;
            let got = match key {
                "time" => curve.time().to_vec(),
                "survival" => curve.survival().to_vec(),
                "median" => vec![curve.median().value],
                _ if key.starts_with("lower") => curve.lower().to_vec(),
                _ if key.starts_with("upper") => curve.upper().to_vec(),
                _ => return Err("a number that is not known".into()),
            };
            case.close(key, &got, &numbers(want)?, tolerance);
            Ok(())
        }),
        "nelson_aalen" => case.walk(content, |case, key, want| {
            let curve = NelsonAalen::new(&time, &event, LEVEL)?;
            let got = match key {
                "time" => curve.time(),
                "hazard" => curve.hazard(),
                _ => return Err("a number that is not known".into()),
            };
            case.close(key, got, &numbers(want)?, tolerance);
            Ok(())
        }),
        "logrank" => {
            let arms: Vec<usize> = numbers(entry(&file, "arm")?)?.into_iter().map(|arm| arm as usize).collect();
            let groups = arms.iter().max().map_or(0, |last| last + 1);
            let result = log_rank(&time, &event, &arms, groups)?;
            case.walk(content, |case, key, want| {
                let got = match key {
                    "chi2" => result.test.statistic,
                    "p" => result.test.p,
                    _ => return Err("a number that is not known".into()),
                };
                case.value(key, got, number(want)?, tolerance);
                Ok(())
            })
        }
        "cox" => {
            let x = entry(&file, "x")?;
            let columns = x[0].as_array().ok_or("x holds no rows")?.len();
            let x = numbers(x)?;
            let model = Cox::config().fit(&time, &event, Rows::new(&x, columns)?)?;
            case.walk(content, |case, key, want| {
                let got = match key {
                    "coefficient" => model.coefficients().iter().map(|b| b.value).collect(),
                    "se" => model.standard_errors(),
                    "log_likelihood" => vec![model.log_likelihood()],
                    "concordance" => vec![model.concordance()],
                    _ => return Err("a number that is not known".into()),
                };
                case.close(key, &got, &numbers(want)?, tolerance_cox);
                Ok(())
            })
        }
        "concordance_index" => {
            let risk = numbers(entry(&file, "risk")?)?;
            case.value(section, concordance_index(&time, &event, &risk)?, number(content)?, tolerance);
            Ok(())
        }
        _ => {
            // `restricted_mean_2`: up to 2
            let horizon = section.strip_prefix("restricted_mean_").ok_or("a section that is not known")?.parse()?;
            let mean = KaplanMeier::new(&time, &event, LEVEL)?.restricted_mean(horizon)?;
            case.value(section, mean.value, number(content)?, tolerance);
            Ok(())
        }
    })
}
