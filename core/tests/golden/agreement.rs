use crate::intervals::{ends, percent};
use crate::tolerance;
use eir_core::inference::{self, Correlation, Kappa};
use eir_core::metrics::{self, BlandAltman, KappaWeights};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;

/// The level of what the reference states without one.
const LEVEL: f64 = 0.95;

pub(crate) fn agreement(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    let kendall_p = Tolerance::absolute(number(entry(&file, "tolerance_kendall_p")?)?);
    case.walk(&file, |case, section, content| match section {
        "tolerance" | "tolerance_kendall_p" | "note" => Ok(()),
        "cases" => case.walk(content, |case, _, c| {
            let (a, b) = (numbers(entry(c, "a")?)?, numbers(entry(c, "b")?)?);
            case.walk(entry(c, "expected")?, |case, key, want| match key {
                "pearson" => {
                    let r = |level| inference::pearson(&a, &b, level);
                    correlation(case, want, tolerance, tolerance, &r)
                }
                "spearman" => {
                    let r = |level| inference::spearman(&a, &b, level);
                    correlation(case, want, tolerance, tolerance, &r)
                }
                "kendall" => {
                    case.value("tau_c", metrics::kendall_tau_c(&a, &b)?, number(entry(want, "tau_c")?)?, tolerance);
                    let r = |level| inference::kendall(&a, &b, level);
                    correlation(case, want, tolerance, kendall_p, &r)
                }
                "bland_altman" => bland_altman(case, want, tolerance, &BlandAltman::new(&a, &b)?),
                "regression" => regression(case, want, tolerance, &a, &b),
                "theil_sen" => theil_sen(case, want, tolerance, &a, &b),
                _ => {
                    let level = percent(key, "ccc_ci").unwrap_or(LEVEL);
                    let c = inference::ccc(&a, &b, level)?;
                    let got = match key {
                        "ccc" => vec![c.estimate.value],
                        "ccc_se_z" => vec![c.standard_error_z],
                        "ccc_bias_correction" => vec![c.bias_correction],
                        "ccc_unbiased_variances" => vec![metrics::ccc_unbiased(&a, &b)?],
                        _ if key.starts_with("ccc_ci") => ends(&c.estimate).to_vec(),
                        _ => return Err("a number that is not known".into()),
                    };
                    case.close(key, &got, &numbers(want)?, tolerance);
                    Ok(())
                }
            })
        }),
        "kappa" => case.walk(content, |case, _, c| {
            let table = entry(c, "table")?;
            let classes = table.as_array().ok_or("no table")?.len();
            let counts: Vec<u64> = numbers(table)?.into_iter().map(|v| v as u64).collect();
            case.walk(c, |case, key, want| {
                let weights = match key {
                    "table" => return Ok(()),
                    "unweighted" => KappaWeights::Unweighted,
                    "linear" => KappaWeights::Linear,
                    "quadratic" => KappaWeights::Quadratic,
                    _ => return Err("weights that are not known".into()),
                };
                case.walk(want, |case, key, want| {
                    let level = percent(key, "ci").unwrap_or(LEVEL);
                    let Kappa { estimate, variance, variance_null, .. } =
                        inference::cohen_kappa(&counts, classes, weights, level)?;
                    let got = match key {
                        "kappa" => vec![estimate.value],
                        "variance" => vec![variance],
                        "variance_null" => vec![variance_null],
                        _ if key.starts_with("ci") => ends(&estimate).to_vec(),
                        _ => return Err("a number that is not known".into()),
                    };
                    case.close(key, &got, &numbers(want)?, tolerance);
                    Ok(())
                })
            })
        }),
        _ => Err("a section that is not known".into()),
    })
}

fn correlation(
    case: &mut Case,
    expected: &Value,
    tolerance: Tolerance,
    tolerance_p: Tolerance,
    of: &dyn Fn(f64) -> Result<Correlation, eir_core::Error>,
) -> Outcome {
    case.walk(expected, |case, key, want| {
        // `ci95`, `ci95_fieller`
        let interval = key.split('_').next().and_then(|head| percent(head, "ci").ok());
        let r = of(interval.unwrap_or(LEVEL))?;
        match key {
            "r" | "rho" | "tau_b" => case.value(key, r.estimate.value, number(want)?, tolerance),
            "p" | "p_asymptotic" => case.value(key, r.p, number(want)?, tolerance_p),
            "tau_c" => {} // its own function
            _ if interval.is_some() => {
                let want = numbers(want)?;
                if want.iter().all(|v| v.is_nan()) {
                    // the reference states no interval: ours says nothing either
                    let nothing = [[-1.0, 1.0], [r.estimate.value; 2]].contains(&ends(&r.estimate));
                    case.holds(key, nothing, "an interval where the reference has none");
                } else {
                    case.close(key, &ends(&r.estimate), &want, tolerance);
                }
            }
            _ => return Err("a number that is not known".into()),
        }
        Ok(())
    })
}

fn bland_altman(case: &mut Case, expected: &Value, tolerance: Tolerance, limits: &BlandAltman) -> Outcome {
    case.walk(expected, |case, key, want| {
        let got = match key {
            "bias" => vec![limits.bias],
            "sd" => vec![limits.sd],
            "limits" => vec![limits.lower, limits.upper],
            _ => {
                let (name, level) = key.rsplit_once("_ci").ok_or("a number that is not known")?;
                let level = level.parse::<f64>()? / 100.0;
                let estimate = match name {
                    "bias" => limits.bias_estimate(level)?,
                    "lower_limit" => limits.lower_approximate(level)?,
                    "upper_limit" => limits.upper_approximate(level)?,
                    "lower_limit_exact" => limits.lower_estimate(level)?,
                    "upper_limit_exact" => limits.upper_estimate(level)?,
                    _ => return Err("an interval that is not known".into()),
                };
                ends(&estimate).to_vec()
            }
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

fn regression(case: &mut Case, expected: &Value, tolerance: Tolerance, x: &[f64], y: &[f64]) -> Outcome {
    let line = inference::regression_line(x, y, LEVEL)?;
    case.walk(expected, |case, key, want| {
        let got = match key {
            "slope" => line.slope.value,
            "intercept" => line.intercept.value,
            "slope_se" => line.slope_se,
            "intercept_se" => line.intercept_se,
            _ => return Err("a number that is not known".into()),
        };
        case.value(key, got, number(want)?, tolerance);
        Ok(())
    })
}

fn theil_sen(case: &mut Case, expected: &Value, tolerance: Tolerance, x: &[f64], y: &[f64]) -> Outcome {
    case.walk(expected, |case, key, want| {
        let line = inference::theil_sen(x, y, percent(key, "slope_ci").unwrap_or(LEVEL))?;
        let got = match key {
            "slope" => vec![line.slope.value],
            "intercept" => vec![line.intercept],
            _ if key.starts_with("slope_ci") => ends(&line.slope).to_vec(),
            _ => return Err("a number that is not known".into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}
