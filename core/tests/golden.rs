//! Reference values of `eir-core`: `cargo xtask golden core`.

use eir_core::metrics::{self, Confusion, ZeroDivision};
use eir_core::testing::golden::{Case, Golden, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;
use std::error::Error;

fn main() -> std::process::ExitCode {
    Golden::from_args("core")
        .case("classification.json", classification)
        .case("roc.json", roc)
        .case("regression.json", regression)
        .case("agreement.json", agreement)
        .case("intervals.json", intervals)
        .run()
}

/// The tolerance that the file itself states.
fn tolerance(file: &Value) -> Result<Tolerance, Box<dyn Error>> {
    Ok(Tolerance::absolute(number(entry(file, "tolerance")?)?))
}

fn flags(value: &Value) -> Result<Vec<bool>, Box<dyn Error>> {
    Ok(numbers(value)?.into_iter().map(|v| v != 0.0).collect())
}

/// The entries of `expected` that `ours` knows are compared, the others are skipped by name.
fn compare(
    case: &mut Case,
    expected: &Value,
    tolerance: Tolerance,
    ours: impl Fn(&str) -> Option<Result<Vec<f64>, metrics::Error>>,
) -> Outcome {
    case.walk(expected, |case, key, want| {
        match ours(key) {
            Some(got) => case.close(key, &got?, &numbers(want)?, tolerance),
            None => case.skip(key, "not built yet"),
        }
        Ok(())
    })
}

fn classification(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        // labels are named by any numbers; ours are positions in their list
        let labels = numbers(entry(c, "labels")?)?;
        let class = |key: &str| -> Result<Vec<usize>, Box<dyn Error>> {
            let position = |v: f64| labels.iter().position(|l| *l == v).ok_or("a label is not in the list");
            Ok(numbers(entry(c, key)?)?.into_iter().map(position).collect::<Result<_, _>>()?)
        };
        let (truth, predicted) = (class("y_true")?, class("y_pred")?);
        let weights = entry(c, "weights")?;
        let confusion = if weights.is_null() {
            Confusion::new(&truth, &predicted, labels.len())?
        } else {
            Confusion::weighted(&truth, &predicted, &numbers(weights)?, labels.len())?
        };
        let n = labels.len();
        let each = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
        let averages = |key: &str, zero: ZeroDivision| match key {
            "precision" => Some(each(&|c| confusion.precision(c, zero))),
            "recall" => Some(each(&|c| confusion.recall(c, zero))),
            "f1" => Some(each(&|c| confusion.f_beta(c, 1.0, zero))),
            "f2" => Some(each(&|c| confusion.f_beta(c, 2.0, zero))),
            _ => None,
        };
        let expected = entry(c, "expected")?;
        case.walk(expected, |case, key, want| {
            let zero = match key {
                "zero_division_zero" => ZeroDivision::Zero,
                "zero_division_one" => ZeroDivision::One,
                "zero_division_nan" => ZeroDivision::Nan,
                _ => {
                    let got = match key {
                        "confusion" => (0..n * n).map(|i| confusion.count_of(i / n, i % n)).collect(),
                        "accuracy" => vec![confusion.accuracy()],
                        "balanced_accuracy" => vec![confusion.balanced_accuracy()],
                        "mcc" => vec![confusion.mcc()],
                        "specificity_each" => each(&|c| confusion.specificity(c, ZeroDivision::Nan)),
                        "npv_each" => each(&|c| confusion.negative_predictive_value(c, ZeroDivision::Nan)),
                        _ => {
                            case.skip(key, "not built yet");
                            return Ok(());
                        }
                    };
                    case.close(key, &got, &numbers(want)?, tolerance);
                    return Ok(());
                }
            };
            case.walk(want, |case, average, of| {
                compare(case, of, tolerance, |key| match average {
                    "each" => averages(key, zero).map(Ok),
                    "macro" => averages(key, zero).map(|v| Ok(vec![confusion.macro_mean(|c| v[c])])),
                    _ => None,
                })
            })
        })
    })?;
    case.walk(entry(&file, "probability_cases")?, |case, _, c| {
        let rows = entry(c, "probability")?.as_array().ok_or("no rows")?;
        let two = rows.iter().all(|r| r.as_array().is_some_and(|r| r.len() == 2));
        let labels = flags(entry(c, "y_true")?)?;
        let p = rows.iter().map(|r| number(r.get(1).unwrap_or(&Value::Null))).collect::<Result<Vec<_>, _>>()?;
        compare(case, entry(c, "expected")?, tolerance, |key| match key {
            "log_loss" if two => Some(metrics::log_loss(&labels, &p).map(|v| vec![v])),
            "brier_binary" if two => Some(metrics::brier(&labels, &p).map(|v| vec![v])),
            _ => None,
        })
    })
}

fn roc(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        let (labels, scores) = (flags(entry(c, "y_true")?)?, numbers(entry(c, "score")?)?);
        let weights = numbers(entry(c, "weights")?)?;
        let expected = entry(c, "expected")?;
        compare(case, expected, tolerance, |key| match key {
            "auroc" => Some(metrics::auroc(&labels, &scores).map(|v| vec![v])),
            "average_precision" => Some(metrics::average_precision(&labels, &scores).map(|v| vec![v])),
            "auroc_weighted" => Some(metrics::auroc_weighted(&labels, &scores, &weights).map(|v| vec![v])),
            "average_precision_weighted" => {
                Some(metrics::average_precision_weighted(&labels, &scores, &weights).map(|v| vec![v]))
            }
            _ => None,
        })
    })?;
    case.walk(entry(&file, "edge")?, |case, _, c| {
        let got = metrics::auroc(&flags(entry(c, "y_true")?)?, &numbers(entry(c, "score")?)?);
        let want = number(entry(c, "auroc")?)?;
        match got {
            Ok(got) => case.value("auroc", got, want, tolerance),
            Err(error) => case.holds("auroc", want.is_nan(), &error.to_string()),
        }
        Ok(())
    })
}

fn regression(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        let (truth, predicted) = (numbers(entry(c, "y_true")?)?, numbers(entry(c, "y_pred")?)?);
        compare(case, entry(c, "expected")?, tolerance, |key| {
            let metric = match key {
                "mae" => metrics::mae,
                "rmse" => metrics::rmse,
                "r2" => metrics::r2,
                "max_error" => metrics::max_error,
                _ => return None,
            };
            Some(metric(&truth, &predicted).map(|v| vec![v]))
        })
    })?;
    let constant = entry(&file, "constant")?;
    let (truth, predicted) = (numbers(entry(constant, "y_true")?)?, numbers(entry(constant, "y_pred")?)?);
    case.value("constant.r2", metrics::r2(&truth, &predicted)?, number(entry(constant, "r2")?)?, tolerance);
    let wrong: Vec<f64> = predicted.iter().map(|v| v + 1.0).collect();
    case.value("constant.r2_wrong", metrics::r2(&truth, &wrong)?, number(entry(constant, "r2_wrong")?)?, tolerance);
    Ok(())
}

fn agreement(case: &mut Case) -> Outcome {
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

fn intervals(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "proportion")?, |case, _, c| {
        let count = |key: &str| -> Result<u64, Box<dyn Error>> {
            entry(c, key)?.as_u64().ok_or_else(|| format!("{key} is no count").into())
        };
        let (low, high) = metrics::wilson(count("k")?, count("n")?, number(entry(c, "level")?)?)?;
        case.close("wilson", &[low, high], &numbers(entry(c, "wilson")?)?, tolerance);
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
